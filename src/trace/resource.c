/* The entity that produces telemetry: attributes that go with every span of a provider. */
#include <cleat/trace.h>

#include "attribute_list.h"
#include "base/alloc.h"
#include "base/error.h"

#include <stdatomic.h>

struct cleat_resource {
    atomic_size_t references;
    cleat__attribute_list attributes;
    char *schema_url; /* may be NULL */
};

static cleat_status make(const cleat_attribute *first, size_t first_count, const cleat_attribute *second,
                         size_t second_count, cleat_slice schema_url, cleat_resource **out)
{
    cleat_resource *resource = cleat__calloc(1, sizeof(*resource));
    if (resource == NULL) {
        return cleat__fail_memory();
    }
    atomic_init(&resource->references, 1);
    cleat_status status =
        cleat__attribute_list_copy(first, first_count, second, second_count, &resource->attributes);
    if (status == CLEAT_OK && schema_url.size != 0) {
        resource->schema_url = cleat__slice_dup(schema_url);
        status = resource->schema_url != NULL ? CLEAT_OK : cleat__fail_memory();
    }
    if (status != CLEAT_OK) {
        cleat_resource_release(resource);
        return status;
    }
    *out = resource;
    return CLEAT_OK;
}

cleat_status cleat_resource_new(const cleat_attribute *attributes, size_t count, const char *schema_url,
                                cleat_resource **out)
{
    if (out == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "nowhere to put the resource");
    }
    *out = NULL;
    return make(attributes, count, NULL, 0, cleat_slice_of(schema_url), out);
}

cleat_status cleat_resource_merge(const cleat_resource *old, const cleat_resource *updating,
                                  cleat_resource **out)
{
    if (out == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "nowhere to put the resource");
    }
    *out = NULL;
    cleat_slice url = cleat_resource_schema_url(old), updating_url = cleat_resource_schema_url(updating);
    if (url.size == 0) {
        url = updating_url;
    } else if (updating_url.size != 0 && !cleat_slice_equals(url, updating_url)) {
        url = (cleat_slice){NULL, 0}; /* a conflict: neither would be true of all attributes */
    }
    return make(cleat_resource_attributes(old), cleat_resource_count(old),
                cleat_resource_attributes(updating), cleat_resource_count(updating), url, out);
}

cleat_resource *cleat_resource_retain(const cleat_resource *resource)
{
    /* Only the count changes: the resource is as constant as it looks. */
    cleat_resource *retained = (cleat_resource *)(uintptr_t)resource;
    if (retained != NULL) {
        atomic_fetch_add_explicit(&retained->references, 1, memory_order_relaxed);
    }
    return retained;
}

void cleat_resource_release(cleat_resource *resource)
{
    if (resource != NULL && atomic_fetch_sub_explicit(&resource->references, 1, memory_order_acq_rel) == 1) {
        cleat__attribute_list_deinit(&resource->attributes);
        cleat__free(resource->schema_url);
        cleat__free(resource);
    }
}

size_t cleat_resource_count(const cleat_resource *resource)
{
    return resource != NULL ? resource->attributes.count : 0;
}

const cleat_attribute *cleat_resource_attributes(const cleat_resource *resource)
{
    return resource != NULL ? resource->attributes.attributes : NULL;
}

cleat_slice cleat_resource_schema_url(const cleat_resource *resource)
{
    return cleat_slice_of(resource != NULL ? resource->schema_url : NULL);
}

bool cleat_resource_get(const cleat_resource *resource, const char *key, cleat_value *out)
{
    const cleat_slice wanted = cleat_slice_of(key);
    for (size_t i = 0; out != NULL && i < cleat_resource_count(resource); i++) {
        if (cleat_slice_equals(resource->attributes.attributes[i].key, wanted)) {
            *out = resource->attributes.attributes[i].value;
            return true;
        }
    }
    return false;
}
