/*
 * Resources: what produces the telemetry, as attributes that go with every span of a provider.
 * Immutable and reference-counted; any thread.
 *
 *     const cleat_resource_detector *detectors[] = {cleat_resource_detector_host()};
 *     const cleat_attribute attributes[] = {cleat_attribute_string("service.version", "1.2.3")};
 *     cleat_resource *resource = NULL;
 *     cleat_resource_detect(CLEAT_RESOURCE_OPTIONS(.detectors = detectors, .detector_count = 1,
 *                                                  .attributes = attributes, .attribute_count = 1),
 *                           &resource);
 *     cleat_resource_release(resource);                // a provider made with it keeps its own
 *
 * Source: OpenTelemetry specification, "Resource SDK"; semantic conventions, "Resource".
 */
#ifndef CLEAT_RESOURCE_H
#define CLEAT_RESOURCE_H

#include "cleat/attribute.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cleat_resource cleat_resource;

/*
 * Attributes are copied; of equal keys the last wins. `schema_url` may be NULL; none and no
 * attributes make the empty resource. Specification: "Create".
 */
CLEAT_API cleat_status cleat_resource_new(const cleat_attribute *attributes, size_t count,
                                          const char *schema_url, cleat_resource **out);
/*
 * Attributes of `updating` win, empty strings too. The schema URL is that of the one that has one;
 * of two different ones none is left, as neither is true of all attributes. NULL is the empty
 * resource. Specification: "Merge".
 */
CLEAT_API cleat_status cleat_resource_merge(const cleat_resource *old, const cleat_resource *updating,
                                            cleat_resource **out);
CLEAT_API cleat_resource *cleat_resource_retain(const cleat_resource *resource);
CLEAT_API void cleat_resource_release(cleat_resource *resource);
/* Borrowed, as long as the resource; of NULL there are none. */
CLEAT_API size_t cleat_resource_count(const cleat_resource *resource);
CLEAT_API const cleat_attribute *cleat_resource_attributes(const cleat_resource *resource);
CLEAT_API bool cleat_resource_get(const cleat_resource *resource, const char *key, cleat_value *out);
CLEAT_API cleat_slice cleat_resource_schema_url(const cleat_resource *resource);

/* ---- Detectors (specification: "Detecting resource information from the environment") ---- */

/*
 * Finds out something about where the program runs. `detect` makes a resource that the caller owns,
 * with the schema URL of its attributes, or leaves NULL when there is nothing to say. What it
 * answers but CLEAT_OK and CLEAT_EMPTY is logged as a warning, and the resource is made without it.
 */
typedef struct cleat_resource_detector {
    const char *name; /* for messages */
    cleat_status (*detect)(void *user_data, cleat_resource **out);
    void *user_data;
} cleat_resource_detector;

/* Static. The name in front is that in OTEL_EXPERIMENTAL_RESOURCE_DETECTORS. */
/* process: process.pid, .parent_pid, .executable.name, .executable.path, .owner, .runtime.* (the C
 * library). A forked child is a process of its own: detect there again. */
CLEAT_API const cleat_resource_detector *cleat_resource_detector_process(void);
/* process_command: process.command, .command_line, .command_args. Arguments may hold secrets. */
CLEAT_API const cleat_resource_detector *cleat_resource_detector_process_command(void);
/* host: host.name, host.arch, host.id (of /etc/machine-id). */
CLEAT_API const cleat_resource_detector *cleat_resource_detector_host(void);
/* os: os.type, os.name, os.version, os.description, os.build_id. */
CLEAT_API const cleat_resource_detector *cleat_resource_detector_os(void);
/* container: container.id, of the control groups or the mounts of the process. */
CLEAT_API const cleat_resource_detector *cleat_resource_detector_container(void);
/* service: service.instance.id, a random UUID that stays the same in a process. */
CLEAT_API const cleat_resource_detector *cleat_resource_detector_service(void);

/*
 * The resource of a program, later ones winning:
 *   1. service.name = "unknown_service:<process name>", telemetry.sdk.language, .name, .version;
 *   2. the detectors that OTEL_EXPERIMENTAL_RESOURCE_DETECTORS names, separated by commas (`*` or
 *      `all`: every one but process_command; none by default), and those of the options;
 *   3. OTEL_RESOURCE_ATTRIBUTES: `key=value` pairs separated by commas, `,` and `=` and `%`
 *      percent-encoded (a `=` in a value may stand as it is); when any of it is malformed, all of
 *      it is discarded with a warning;
 *   4. OTEL_SERVICE_NAME;
 *   5. attributes of the options.
 * CLEAT_NO_MEMORY, or CLEAT_INVALID_ARGUMENT without `out`. `options` may be NULL.
 */
typedef struct cleat_resource_options {
    size_t struct_size;
    const cleat_resource_detector *const *detectors; /* borrowed during the call */
    size_t detector_count;
    const cleat_attribute *attributes; /* copied */
    size_t attribute_count;
    const char *schema_url; /* of these attributes; may be NULL */
} cleat_resource_options;
#define CLEAT_RESOURCE_OPTIONS(...) CLEAT_OPTIONS(cleat_resource_options, __VA_ARGS__)
CLEAT_API cleat_status cleat_resource_detect(const cleat_resource_options *options, cleat_resource **out);
/* The same without options: the resource of a provider that is not given one. */
CLEAT_API cleat_status cleat_resource_default(cleat_resource **out);

#ifdef __cplusplus
}
#endif
#endif
