/*
 * Resources: what produces the telemetry, as attributes that go with every span of a provider.
 * Immutable and reference-counted; any thread.
 *
 * Source: OpenTelemetry specification, "Resource SDK".
 */
#ifndef CLEAT_RESOURCE_H
#define CLEAT_RESOURCE_H

#include "cleat/attribute.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cleat_resource cleat_resource;

/* Attributes are copied; of equal keys the last wins. `schema_url` may be NULL. */
CLEAT_API cleat_status cleat_resource_new(const cleat_attribute *attributes, size_t count,
                                          const char *schema_url, cleat_resource **out);
/*
 * service.name (default "unknown_service:<process name>"), telemetry.sdk.*, and what
 * OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME say.
 */
CLEAT_API cleat_status cleat_resource_default(cleat_resource **out);
/* Attributes of `updating` win. Schema URLs: specification "Merge". */
CLEAT_API cleat_status cleat_resource_merge(const cleat_resource *old, const cleat_resource *updating,
                                            cleat_resource **out);
CLEAT_API cleat_resource *cleat_resource_retain(const cleat_resource *resource);
CLEAT_API void cleat_resource_release(cleat_resource *resource);
CLEAT_API size_t cleat_resource_count(const cleat_resource *resource);
CLEAT_API const cleat_attribute *cleat_resource_attributes(const cleat_resource *resource);
CLEAT_API cleat_slice cleat_resource_schema_url(const cleat_resource *resource);

#ifdef __cplusplus
}
#endif
#endif
