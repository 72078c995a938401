/* Source: OpenTelemetry semantic conventions, "Process and process runtime resources". */
#include "base/alloc.h"
#include "base/error.h"
#include "resource_parts.h"

#include <pwd.h>
#include <unistd.h>

enum { COMMAND_SIZE = 64 * 1024, ARGUMENTS_MAX = 1024 };

/* "glibc 2.36"; "" where the C library has no such words. */
static void read_runtime(char *text, size_t size)
{
    text[0] = '\0';
#ifdef _CS_GNU_LIBC_VERSION
    if (confstr(_CS_GNU_LIBC_VERSION, text, size) > size) {
        text[0] = '\0';
    }
#else
    (void)size;
#endif
}

/* Like one of the words of `text`, which is cut at the blank. */
static const char *split_version(char *text)
{
    char *blank = strchr(text, ' ');
    if (blank == NULL) {
        return NULL;
    }
    *blank = '\0';
    return cleat__text_or_null(blank + 1);
}

static cleat_status detect_process(void *user_data, cleat_resource **out)
{
    char path_text[4096], runtime[64], user_text[4096];
    struct passwd user, *found = NULL;
    (void)user_data;
    cleat_slice path = cleat__executable_path(path_text, sizeof(path_text));
    if (getpwuid_r(geteuid(), &user, user_text, sizeof(user_text), &found) != 0) {
        found = NULL;
    }
    read_runtime(runtime, sizeof(runtime));
    const char *version = split_version(runtime);
    cleat_slice absent = {NULL, 0};
    const cleat_attribute attributes[] = {
        cleat_attribute_int("process.pid", getpid()),
        cleat_attribute_int("process.parent_pid", getppid()),
        cleat_attribute_slice("process.executable.name", path.size != 0 ? cleat__path_name(path) : absent),
        cleat_attribute_slice("process.executable.path", path.size != 0 ? path : absent),
        cleat_attribute_string("process.owner", found != NULL ? found->pw_name : NULL),
        cleat_attribute_string("process.runtime.name", cleat__text_or_null(runtime)),
        cleat_attribute_string("process.runtime.version", version),
    };
    return cleat__detected(attributes, sizeof(attributes) / sizeof(attributes[0]), out);
}

const cleat_resource_detector *cleat_resource_detector_process(void)
{
    static const cleat_resource_detector detector = {"process", detect_process, NULL};
    return &detector;
}

/* ---- The command ---- */

/* The arguments in a copy of /proc/self/cmdline, where each ends with NUL. The NULs but the last
 * become blanks for the second use of the text. */
static cleat_status command_resource(char *text, size_t size, cleat_slice *arguments, cleat_resource **out)
{
    size_t count = 0;
    for (size_t at = 0; at < size && count < ARGUMENTS_MAX; at += arguments[count++].size + 1) {
        arguments[count] = cleat_slice_of(text + at);
    }
    if (count == 0) {
        return CLEAT_EMPTY;
    }
    cleat_resource *parts = NULL, *line = NULL;
    const cleat_attribute of_parts[] = {
        cleat_attribute_slice("process.command", arguments[0]),
        cleat_attribute_strings("process.command_args", arguments, count),
    };
    cleat_status status = cleat__detected(of_parts, 2, &parts);
    for (size_t i = 0; i < size; i++) {
        text[i] = text[i] != '\0' ? text[i] : ' ';
    }
    const cleat_attribute of_line = cleat_attribute_string("process.command_line", text);
    if (status == CLEAT_OK) {
        status = cleat__detected(&of_line, 1, &line);
    }
    if (status == CLEAT_OK) {
        status = cleat__resource_update(&parts, line);
    }
    cleat_resource_release(line);
    *out = parts;
    return status;
}

static cleat_status detect_command(void *user_data, cleat_resource **out)
{
    (void)user_data;
    char *text = cleat__malloc(COMMAND_SIZE);
    cleat_slice *arguments = cleat__calloc(ARGUMENTS_MAX, sizeof(*arguments));
    cleat_status status;
    if (text == NULL || arguments == NULL) {
        status = cleat__fail_memory();
    } else {
        size_t size = cleat__file_read("/proc/self/cmdline", text, COMMAND_SIZE).size;
        while (size != 0 && text[size - 1] == '\0') {
            size--;
        }
        status = command_resource(text, size, arguments, out);
    }
    cleat__free(text);
    cleat__free(arguments);
    return status;
}

const cleat_resource_detector *cleat_resource_detector_process_command(void)
{
    static const cleat_resource_detector detector = {"process_command", detect_command, NULL};
    return &detector;
}
