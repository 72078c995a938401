/* Source: OpenTelemetry semantic conventions, "Host" and "OS" resources. */
#include "resource_parts.h"

#include <sys/utsname.h>
#include <unistd.h>

enum { RELEASE_SIZE = 8192 };

static void put_lower(const char *from, char *text, size_t size)
{
    size_t i = 0;
    for (; from[i] != '\0' && i + 1 < size; i++) {
        text[i] = from[i] >= 'A' && from[i] <= 'Z' ? (char)(from[i] | 0x20) : from[i];
    }
    text[i] = '\0';
}

static bool begins_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

void cleat__host_arch(const char *machine, char *text, size_t size)
{
    static const struct {
        const char *prefix, *arch;
    } names[] = {
        {"x86_64", "amd64"},  {"amd64", "amd64"}, {"aarch64", "arm64"},   {"arm64", "arm64"},
        {"arm", "arm32"},     {"ppc64", "ppc64"}, {"powerpc64", "ppc64"}, {"ppc", "ppc32"},
        {"powerpc", "ppc32"}, {"i386", "x86"},    {"i486", "x86"},        {"i586", "x86"},
        {"i686", "x86"},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (begins_with(machine, names[i].prefix)) {
            machine = names[i].arch;
            break;
        }
    }
    put_lower(machine, text, size);
}

void cleat__os_type(const char *sysname, char *text, size_t size)
{
    put_lower(strcmp(sysname, "DragonFly") == 0 ? "dragonflybsd"
              : strcmp(sysname, "SunOS") == 0   ? "solaris"
              : strcmp(sysname, "HP-UX") == 0   ? "hpux"
              : strcmp(sysname, "OS/390") == 0  ? "zos"
                                                : sysname,
              text, size);
}

/* ---- Host ---- */

static cleat_status detect_host(void *user_data, cleat_resource **out)
{
    struct utsname system;
    char arch[sizeof(system.machine)], name[256], id[64];
    (void)user_data;
    if (uname(&system) != 0) {
        system.machine[0] = '\0';
    }
    cleat__host_arch(system.machine, arch, sizeof(arch));
    if (gethostname(name, sizeof(name)) != 0) {
        name[0] = '\0';
    }
    name[sizeof(name) - 1] = '\0'; /* a name that was cut need not end */
    if (cleat__file_read("/etc/machine-id", id, sizeof(id)).size == 0) {
        cleat__file_read("/var/lib/dbus/machine-id", id, sizeof(id));
    }
    const cleat_attribute attributes[] = {
        cleat_attribute_string("host.name", cleat__text_or_null(name)),
        cleat_attribute_string("host.arch", cleat__text_or_null(arch)),
        cleat_attribute_string("host.id", cleat__text_or_null(id)),
    };
    return cleat__detected(attributes, sizeof(attributes) / sizeof(attributes[0]), out);
}

const cleat_resource_detector *cleat_resource_detector_host(void)
{
    static const cleat_resource_detector detector = {"host", detect_host, NULL};
    return &detector;
}

/* ---- Operating system ---- */

/* Takes the quotes of a shell off. */
static void put_unquoted(cleat_slice value, char *text, size_t size)
{
    size_t used = 0;
    char quote = value.size != 0 && (value.data[0] == '"' || value.data[0] == '\'') ? value.data[0] : '\0';
    for (size_t i = quote != '\0'; i < value.size && used + 1 < size; i++) {
        char character = value.data[i];
        if (quote != '\0' && character == quote) {
            break;
        }
        if (character == '\\' && quote != '\'' && i + 1 < value.size) {
            character = value.data[++i];
        }
        text[used++] = character;
    }
    text[used] = '\0';
}

void cleat__os_release_get(cleat_slice file, const char *key, char *text, size_t size)
{
    size_t key_size = strlen(key);
    text[0] = '\0';
    while (file.size != 0) {
        const char *end = memchr(file.data, '\n', file.size);
        size_t line = end != NULL ? (size_t)(end - file.data) : file.size;
        if (line > key_size && memcmp(file.data, key, key_size) == 0 && file.data[key_size] == '=') {
            put_unquoted((cleat_slice){file.data + key_size + 1, line - key_size - 1}, text, size);
            return;
        }
        line += end != NULL;
        file = (cleat_slice){file.data + line, file.size - line};
    }
}

static cleat_status detect_os(void *user_data, cleat_resource **out)
{
    struct utsname system;
    char release[RELEASE_SIZE], type[sizeof(system.sysname)];
    char name[128], version[128], description[256], build[128];
    (void)user_data;
    if (uname(&system) != 0) {
        return CLEAT_EMPTY;
    }
    cleat_slice file = cleat__file_read("/etc/os-release", release, sizeof(release));
    if (file.size == 0) {
        file = cleat__file_read("/usr/lib/os-release", release, sizeof(release));
    }
    cleat__os_type(system.sysname, type, sizeof(type));
    cleat__os_release_get(file, "NAME", name, sizeof(name));
    cleat__os_release_get(file, "VERSION_ID", version, sizeof(version));
    cleat__os_release_get(file, "PRETTY_NAME", description, sizeof(description));
    cleat__os_release_get(file, "BUILD_ID", build, sizeof(build));
    const cleat_attribute attributes[] = {
        cleat_attribute_string("os.type", cleat__text_or_null(type)),
        cleat_attribute_string("os.name", name[0] != '\0' ? name : system.sysname),
        cleat_attribute_string("os.version", version[0] != '\0' ? version : system.release),
        cleat_attribute_string("os.description", description[0] != '\0' ? description : system.version),
        cleat_attribute_string("os.build_id", build[0] != '\0' ? build : system.release),
    };
    return cleat__detected(attributes, sizeof(attributes) / sizeof(attributes[0]), out);
}

const cleat_resource_detector *cleat_resource_detector_os(void)
{
    static const cleat_resource_detector detector = {"os", detect_os, NULL};
    return &detector;
}
