/* What the default resource is made of, and what detectors share. */
#ifndef CLEAT_TRACE_RESOURCE_PARTS_H
#define CLEAT_TRACE_RESOURCE_PARTS_H

#include <cleat/trace.h>

/* The semantic conventions that the built-in detectors follow. */
#define CLEAT__SCHEMA_URL "https://opentelemetry.io/schemas/1.37.0"

/*
 * The value of OTEL_RESOURCE_ATTRIBUTES as a resource, without schema URL: CLEAT_INVALID_ARGUMENT
 * when any of it is malformed.
 */
cleat_status cleat__resource_parse(cleat_slice text, cleat_resource **out);

/* What OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME say, with `updating` winning over it. */
cleat_status cleat__resource_over_environment(cleat_resource *updating, cleat_resource **out);

/* Replaces `*resource` by it merged with `updating`, which is borrowed. */
cleat_status cleat__resource_update(cleat_resource **resource, const cleat_resource *updating);

/* ---- Detectors ---- */

/* A resource of the built-in schema from those attributes that have a value. */
cleat_status cleat__detected(const cleat_attribute *attributes, size_t count, cleat_resource **out);

/* The beginning of a file, without the blanks and newlines at its end, NUL-terminated; "" when it
 * cannot be read. */
cleat_slice cleat__file_read(const char *path, char *text, size_t size);

/* The path of the program, "" when it is not known. */
cleat_slice cleat__executable_path(char *text, size_t size);
/* What follows the last slash. */
cleat_slice cleat__path_name(cleat_slice path);

/* NULL when text is empty: an attribute without value is left out. */
static inline const char *cleat__text_or_null(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

/* `machine` of uname(2) as host.arch, and `sysname` as os.type: lower case where the conventions do
 * not know it. */
void cleat__host_arch(const char *machine, char *text, size_t size);
void cleat__os_type(const char *sysname, char *text, size_t size);
/* A variable of os-release(5) without its quotes, "" when it is not there. */
void cleat__os_release_get(cleat_slice file, const char *key, char *text, size_t size);
/* The container's id in /proc/self/cgroup or /proc/self/mountinfo, else the absent slice. */
cleat_slice cleat__container_id_of_cgroup(cleat_slice file);
cleat_slice cleat__container_id_of_mounts(cleat_slice file);

#endif
