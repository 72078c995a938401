/*
 * The container's id is not told to the process; it shows in the paths of its control groups
 * (version 1) and in the files that the engine mounts into it (version 2), as 64 hex digits.
 *
 * Source: OpenTelemetry semantic conventions, "Container" resource.
 */
#include "base/alloc.h"
#include "base/error.h"
#include "header.h"
#include "resource_parts.h"

enum { ID_SIZE = 64, FILE_SIZE = 64 * 1024 };

static bool is_hex(char character)
{
    return cleat__is_digit(character) || (character >= 'a' && character <= 'f');
}

/* The first run of exactly 64 hex digits. */
static cleat_slice find_id(cleat_slice text)
{
    size_t run = 0;
    for (size_t i = 0; i <= text.size; i++) {
        if (i < text.size && is_hex(text.data[i])) {
            run++;
        } else if (run == ID_SIZE) {
            return (cleat_slice){text.data + i - ID_SIZE, ID_SIZE};
        } else {
            run = 0;
        }
    }
    return (cleat_slice){NULL, 0};
}

static bool contains(cleat_slice text, const char *wanted)
{
    size_t size = strlen(wanted);
    for (size_t i = 0; i + size <= text.size; i++) {
        if (memcmp(text.data + i, wanted, size) == 0) {
            return true;
        }
    }
    return false;
}

/* Lines end like "/docker/<id>", "/docker-<id>.scope" or ":cri-containerd:<id>". */
cleat_slice cleat__container_id_of_cgroup(cleat_slice file)
{
    cleat_slice id = {NULL, 0};
    while (id.data == NULL && file.data != NULL) {
        id = find_id(cleat__path_name(cleat__split(file, '\n', &file)));
    }
    return id;
}

/* The host name's file lies in the directory of the container; that of a Kubernetes pod in the
 * directory of its sandbox, which is another container. */
cleat_slice cleat__container_id_of_mounts(cleat_slice file)
{
    cleat_slice id = {NULL, 0};
    while (id.data == NULL && file.data != NULL) {
        cleat_slice line = cleat__split(file, '\n', &file);
        if (contains(line, "/hostname ") && !contains(line, "/sandboxes/")) {
            id = find_id(line);
        }
    }
    return id;
}

static cleat_status detect_container(void *user_data, cleat_resource **out)
{
    (void)user_data;
    char *text = cleat__malloc(FILE_SIZE);
    if (text == NULL) {
        return cleat__fail_memory();
    }
    cleat_slice id = cleat__container_id_of_cgroup(cleat__file_read("/proc/self/cgroup", text, FILE_SIZE));
    if (id.data == NULL) {
        id = cleat__container_id_of_mounts(cleat__file_read("/proc/self/mountinfo", text, FILE_SIZE));
    }
    const cleat_attribute attribute = cleat_attribute_slice("container.id", id);
    cleat_status status = cleat__detected(&attribute, 1, out);
    cleat__free(text);
    return status;
}

const cleat_resource_detector *cleat_resource_detector_container(void)
{
    static const cleat_resource_detector detector = {"container", detect_container, NULL};
    return &detector;
}
