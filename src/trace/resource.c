/* The entity that produces telemetry: attributes that go with every span of a provider. */
#define _GNU_SOURCE /* program_invocation_short_name */
#include <cleat/trace.h>

#include "attribute_list.h"
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/env.h"
#include "base/error.h"
#include "header.h"
#include "text.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

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

/* ---- The default resource ---- */

/* Percent-decodes in place; false when a `%` is not followed by two hex digits. */
static bool percent_decode(char *text, cleat_slice *decoded)
{
    size_t size = 0;
    for (size_t i = 0; i < decoded->size; i++) {
        if (text[i] != '%') {
            text[size++] = text[i];
            continue;
        }
        int high = decoded->size - i >= 3 ? cleat__hex_value(text[i + 1]) : -1;
        int low = decoded->size - i >= 3 ? cleat__hex_value(text[i + 2]) : -1;
        if (high < 0 || low < 0) {
            return false;
        }
        text[size++] = (char)(high << 4 | low);
        i += 2;
    }
    decoded->data = text;
    decoded->size = size;
    return true;
}

/* One `key=value` of OTEL_RESOURCE_ATTRIBUTES; `text` is writable memory under the slice. */
static bool parse_member(char *text, cleat_slice member, cleat_attribute *out)
{
    cleat_slice value;
    cleat_slice key = cleat__trim(cleat__split(member, '=', &value));
    if (value.data == NULL || key.size == 0) {
        return false;
    }
    value = cleat__trim(value);
    char *key_text = text + (key.data - member.data);
    char *value_text = text + (value.data - member.data);
    if (!percent_decode(key_text, &key) || !percent_decode(value_text, &value)) {
        return false;
    }
    *out = (cleat_attribute){.key = key};
    out->value.type = CLEAT_VALUE_STRING;
    out->value.as.string = value;
    return key.size != 0;
}

/* Room for every member; one that is malformed invalidates all, as the specification has it. */
static size_t parse_members(char *text, size_t size, cleat_attribute *members)
{
    cleat_slice rest = {text, size};
    size_t count = 0;
    while (rest.data != NULL) {
        char *start = text + (rest.data - text);
        cleat_slice member = cleat__split(rest, ',', &rest);
        if (cleat__trim(member).size == 0) {
            continue;
        }
        if (!parse_member(start, member, &members[count])) {
            return 0;
        }
        count++;
    }
    return count;
}

static cleat_status add_from_environment(cleat_resource **resource)
{
    static const char variable[] = "OTEL_RESOURCE_ATTRIBUTES";
    cleat_slice value = cleat__env_get(variable);
    if (value.size == 0) {
        return CLEAT_OK;
    }
    size_t most = 1;
    for (size_t i = 0; i < value.size; i++) {
        most += value.data[i] == ',';
    }
    char *text = cleat__slice_dup(value);
    cleat_attribute *members = cleat__calloc(most, sizeof(*members));
    cleat_status status = text != NULL && members != NULL ? CLEAT_OK : cleat__fail_memory();
    if (status == CLEAT_OK) {
        size_t count = parse_members(text, value.size, members);
        if (count == 0) {
            cleat__env_warn(variable, value, "key=value pairs separated by commas, percent-encoded");
        }
        cleat_resource *merged = NULL;
        status = make(cleat_resource_attributes(*resource), cleat_resource_count(*resource), members, count,
                      (cleat_slice){NULL, 0}, &merged);
        if (status == CLEAT_OK) {
            cleat_resource_release(*resource);
            *resource = merged;
        }
    }
    cleat__free(members);
    cleat__free(text);
    return status;
}

/* "unknown_service:" and the name of the executable. */
static void default_service_name(char *name, size_t size)
{
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
    const char *process = program_invocation_short_name;
    if (length > 0) {
        path[length] = '\0';
        char *slash = strrchr(path, '/');
        process = slash != NULL ? slash + 1 : path;
    }
    snprintf(name, size, "unknown_service:%.255s", process); /* a file name is no longer */
}

static cleat_status override_service_name(cleat_resource **resource)
{
    cleat_slice name = cleat__env_get("OTEL_SERVICE_NAME");
    if (name.size == 0) {
        return CLEAT_OK;
    }
    const cleat_attribute attribute = cleat_attribute_slice("service.name", name);
    cleat_resource *merged = NULL;
    cleat_status status = make(cleat_resource_attributes(*resource), cleat_resource_count(*resource),
                               &attribute, 1, (cleat_slice){NULL, 0}, &merged);
    if (status == CLEAT_OK) {
        cleat_resource_release(*resource);
        *resource = merged;
    }
    return status;
}

cleat_status cleat_resource_default(cleat_resource **out)
{
    if (out == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "nowhere to put the resource");
    }
    *out = NULL;
    char service_name[512];
    default_service_name(service_name, sizeof(service_name));
    const cleat_attribute attributes[] = {
        cleat_attribute_string("service.name", service_name),
        cleat_attribute_string("telemetry.sdk.language", "c"),
        cleat_attribute_string("telemetry.sdk.name", "cleat"),
        cleat_attribute_string("telemetry.sdk.version", cleat_version()),
    };
    cleat_resource *resource = NULL;
    cleat_status status =
        cleat_resource_new(attributes, sizeof(attributes) / sizeof(attributes[0]), NULL, &resource);
    if (status == CLEAT_OK) {
        status = add_from_environment(&resource);
    }
    if (status == CLEAT_OK) {
        status = override_service_name(&resource);
    }
    if (status != CLEAT_OK) {
        cleat_resource_release(resource);
        return status;
    }
    *out = resource;
    return CLEAT_OK;
}
