/* What detectors share. */
#include "base/error.h"
#include "resource_parts.h"

#include <fcntl.h>
#include <unistd.h>

cleat_status cleat__detected(const cleat_attribute *attributes, size_t count, cleat_resource **out)
{
    cleat_resource *resource = NULL;
    cleat_status status = cleat_resource_new(attributes, count, CLEAT__SCHEMA_URL, &resource);
    if (status == CLEAT_OK && cleat_resource_count(resource) == 0) {
        cleat_resource_release(resource);
        return CLEAT_EMPTY;
    }
    *out = resource;
    return status;
}

cleat_slice cleat__file_read(const char *path, char *text, size_t size)
{
    size_t filled = 0;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    while (file >= 0 && filled < size - 1) {
        ssize_t got = read(file, text + filled, size - 1 - filled);
        if (got <= 0) {
            break;
        }
        filled += (size_t)got;
    }
    if (file >= 0) {
        close(file);
    }
    while (filled != 0 && strchr(" \t\r\n", text[filled - 1]) != NULL && text[filled - 1] != '\0') {
        filled--;
    }
    text[filled] = '\0';
    return (cleat_slice){text, filled};
}

cleat_slice cleat__executable_path(char *text, size_t size)
{
    static const char deleted[] = " (deleted)"; /* the kernel's words for a program that was replaced */
    ssize_t length = readlink("/proc/self/exe", text, size - 1);
    size_t used = length > 0 ? (size_t)length : 0;
    size_t behind = sizeof(deleted) - 1;
    if (used > behind && memcmp(text + used - behind, deleted, behind) == 0) {
        used -= behind;
    }
    text[used] = '\0';
    return (cleat_slice){text, used};
}

cleat_slice cleat__path_name(cleat_slice path)
{
    size_t start = path.size;
    while (start != 0 && path.data[start - 1] != '/') {
        start--;
    }
    return (cleat_slice){path.data + start, path.size - start};
}
