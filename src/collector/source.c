/* A resource and a scope as a message: sizes first, then the bytes. */
#include "collector/source.h"

#include "base/error.h"
#include "trace/attribute_set.h"
#include "trace/text.h"

typedef struct parts {
    const cleat_resource *resource;
    const cleat_instrumentation_scope *scope;
    cleat__attribute_set resource_attributes, scope_attributes; /* the fields as they will be */
    cleat__text resource_url, name, version, scope_url;
    size_t scope_size, scope_spans_size, size; /* of the messages */
} parts;

static size_t message_size(size_t size)
{
    return 1 + cleat__varint_size(size) + size;
}

/* An empty text is left out, as proto3 has it. */
static size_t text_size(const cleat__text *text)
{
    return text->size != 0 ? message_size(text->size) : 0;
}

static uint8_t *put_text(uint8_t *at, unsigned field, const cleat__text *text)
{
    if (text->size == 0) {
        return at;
    }
    at = cleat__put_tag(at, field, CLEAT__WIRE_BYTES);
    at = cleat__put_varint(at, text->size);
    return cleat__text_put(at, text);
}

static uint8_t *put_header(uint8_t *at, unsigned field, size_t size)
{
    at = cleat__put_tag(at, field, CLEAT__WIRE_BYTES);
    return cleat__put_varint(at, size);
}

/* What has no usable value is left out, here as everywhere. */
static cleat_status collect(cleat__attribute_set *set, const cleat_attribute *attributes, size_t count)
{
    static const cleat__attribute_limits no_limits = {CLEAT__NO_LIMIT, CLEAT__NO_LIMIT};
    for (size_t i = 0; attributes != NULL && i < count; i++) {
        cleat_status status =
            cleat__attribute_set_put(set, attributes[i].key, &attributes[i].value, &no_limits);
        if (status == CLEAT_NO_MEMORY || status == CLEAT_TOO_LARGE) {
            return status;
        }
    }
    return CLEAT_OK;
}

static cleat_status measure(parts *all)
{
    static const cleat_instrumentation_scope none = {.name = {"", 0}};
    const cleat_instrumentation_scope *scope = all->scope != NULL ? all->scope : &none;
    cleat__attribute_set_init(&all->resource_attributes, CLEAT__RESOURCE_ATTRIBUTES, NULL, 0, NULL, 0);
    cleat__attribute_set_init(&all->scope_attributes, CLEAT__SCOPE_ATTRIBUTES, NULL, 0, NULL, 0);
    all->resource_url = cleat__text_of(cleat_resource_schema_url(all->resource), CLEAT__TEXT_MAX);
    all->name = cleat__text_of(scope->name, CLEAT__TEXT_MAX);
    all->version = cleat__text_of(scope->version, CLEAT__TEXT_MAX);
    all->scope_url = cleat__text_of(scope->schema_url, CLEAT__TEXT_MAX);
    cleat_status status = collect(&all->resource_attributes, cleat_resource_attributes(all->resource),
                                  cleat_resource_count(all->resource));
    if (status == CLEAT_OK) {
        status = collect(&all->scope_attributes, scope->attributes, scope->attribute_count);
    }
    all->scope_size = text_size(&all->name) + text_size(&all->version) + all->scope_attributes.size;
    all->scope_spans_size = text_size(&all->scope_url);
    if (all->scope != NULL) {
        all->scope_spans_size += message_size(all->scope_size);
    }
    all->size = text_size(&all->resource_url) + message_size(all->scope_spans_size);
    if (all->resource != NULL) {
        all->size += message_size(all->resource_attributes.size);
    }
    return status;
}

/* The resource's fields come first, so that equal resources are equal beginnings. */
static void put(uint8_t *at, const parts *all)
{
    if (all->resource != NULL) {
        at = put_header(at, CLEAT__SPANS_RESOURCE, all->resource_attributes.size);
        at = cleat__put_raw(at, all->resource_attributes.data, all->resource_attributes.size);
    }
    at = put_text(at, CLEAT__SPANS_SCHEMA_URL, &all->resource_url);
    at = put_header(at, CLEAT__SPANS_SCOPE_SPANS, all->scope_spans_size);
    if (all->scope != NULL) {
        at = put_header(at, CLEAT__SPANS_SCOPE, all->scope_size);
        at = put_text(at, CLEAT__SCOPE_NAME, &all->name);
        at = put_text(at, CLEAT__SCOPE_VERSION, &all->version);
        at = cleat__put_raw(at, all->scope_attributes.data, all->scope_attributes.size);
    }
    put_text(at, CLEAT__SPANS_SCHEMA_URL, &all->scope_url);
}

cleat_status cleat__source_encode(const cleat_resource *resource, const cleat_instrumentation_scope *scope,
                                  cleat__buffer *out)
{
    parts all = {.resource = resource, .scope = scope};
    cleat__buffer_clear(out);
    cleat_status status = measure(&all);
    if (status == CLEAT_OK) {
        uint8_t *at = cleat__buffer_reserve(out, all.size);
        if (at != NULL) {
            put(at, &all);
            out->size += all.size;
        } else {
            status = cleat__fail_memory();
        }
    }
    cleat__attribute_set_deinit(&all.resource_attributes);
    cleat__attribute_set_deinit(&all.scope_attributes);
    return status;
}

cleat_slice cleat__source_service_name(const cleat_resource *resource)
{
    const cleat_attribute *attributes = cleat_resource_attributes(resource);
    for (size_t i = 0; i < cleat_resource_count(resource); i++) {
        if (cleat_slice_equals(attributes[i].key, cleat_slice_of("service.name")) &&
            attributes[i].value.type == CLEAT_VALUE_STRING) {
            return attributes[i].value.as.string;
        }
    }
    return (cleat_slice){NULL, 0};
}
