/*
 * Three messages nest around a span: the request, ResourceSpans, ScopeSpans. Fields may come in any
 * order, so each of the two inner ones is walked twice: for what its spans come from, then for the
 * spans. A resource or a scope is made when its first span is taken, so that a request of empty
 * messages takes no memory.
 */
#include "received.h"

#include "base/alloc.h"
#include "base/error.h"
#include "span_check.h"
#include "trace/any_value.h"
#include "trace/protobuf.h"

#include <stdatomic.h>

enum {
    REQUEST_RESOURCE_SPANS = 1,
    SPANS_CONTEXT = 1, /* Resource in ResourceSpans, InstrumentationScope in ScopeSpans */
    SPANS_MEMBERS = 2, /* ScopeSpans, Span */
    SPANS_SCHEMA_URL = 3,
    RESOURCE_ATTRIBUTES = 1,
    SCOPE_NAME = 1,
    SCOPE_VERSION = 2,
    SCOPE_ATTRIBUTES = 3,
};

/* Attributes of resources and scopes are unpacked, which takes many times their bytes. */
#define UNPACKED_MAX 100000

typedef struct made_resource {
    struct made_resource *next;
    cleat_resource *resource;
} made_resource;

typedef struct made_scope {
    struct made_scope *next;
    cleat_instrumentation_scope scope;
    cleat_attribute attributes[];
} made_scope;

typedef struct received {
    cleat__otlp_received base; /* first */
    atomic_uint references;
    cleat__buffer body, entries;
    made_resource *resources;
    made_scope *scopes;
} received;

/* ---- Making resources and scopes ---- */

/* What spans come from, as it was found: whole messages and texts. */
typedef struct place {
    bool has_context;
    cleat_slice context, schema_url;
    const char *fault; /* why its spans are rejected; NULL: they are not */
} place;

typedef struct reading {
    received *into;
    cleat__otlp_limits limits;
    place resource, scope;
    const cleat_resource *made_resource;           /* NULL: not made yet */
    const cleat_instrumentation_scope *made_scope; /* likewise */
    size_t unpacked;
} reading;

static bool is_bytes(const cleat__wire_field *field, uint32_t number)
{
    return field->number == number && field->wire == CLEAT__WIRE_BYTES;
}

static cleat_status fail_malformed(const char *what)
{
    return cleat__fail(CLEAT_INVALID_ARGUMENT, "the body is no OTLP trace request: malformed %s", what);
}

static cleat_status fail_unpacked(void)
{
    return cleat__fail(CLEAT_TOO_LARGE, "resources and scopes have more than %d attributes in all",
                       UNPACKED_MAX);
}

/* Reads the attributes that are fields `number` of a checked message; `out` has room for all. */
static size_t unpack(cleat_slice message, uint32_t number, cleat_attribute *out)
{
    cleat__wire_reader reader = cleat__wire_reader_of(message);
    cleat__wire_field field;
    size_t count = 0;
    while (cleat__wire_next(&reader, &field)) {
        if (is_bytes(&field, number) && cleat__key_value_read(field.bytes, &out[count])) {
            count++;
        }
    }
    return count;
}

static size_t count_fields(cleat_slice message, uint32_t number)
{
    cleat__wire_reader reader = cleat__wire_reader_of(message);
    cleat__wire_field field;
    size_t count = 0;
    while (cleat__wire_next(&reader, &field)) {
        count += is_bytes(&field, number);
    }
    return count;
}

static cleat_status fill_resource(const place *from, made_resource *made)
{
    size_t most = count_fields(from->context, RESOURCE_ATTRIBUTES);
    cleat_attribute *attributes = cleat__calloc(most + 1, sizeof(*attributes));
    char *url = cleat__slice_dup(from->schema_url.size != 0 ? from->schema_url : cleat_slice_of(""));
    cleat_status status = CLEAT_NO_MEMORY;
    if (attributes != NULL && url != NULL) {
        size_t count = unpack(from->context, RESOURCE_ATTRIBUTES, attributes);
        status = cleat_resource_new(attributes, count, url, &made->resource);
    }
    cleat__free(attributes);
    cleat__free(url);
    return status == CLEAT_NO_MEMORY ? cleat__fail_memory() : status;
}

static cleat_status make_resource(reading *it)
{
    it->unpacked += count_fields(it->resource.context, RESOURCE_ATTRIBUTES);
    if (it->unpacked > UNPACKED_MAX) {
        return fail_unpacked();
    }
    made_resource *made = cleat__calloc(1, sizeof(*made));
    cleat_status status = made != NULL ? fill_resource(&it->resource, made) : cleat__fail_memory();
    if (status != CLEAT_OK) {
        cleat__free(made);
        return status;
    }
    made->next = it->into->resources;
    it->into->resources = made;
    it->into->base.memory += sizeof(*made);
    it->made_resource = made->resource;
    return CLEAT_OK;
}

static cleat_status make_scope(reading *it)
{
    size_t most = count_fields(it->scope.context, SCOPE_ATTRIBUTES);
    it->unpacked += most;
    if (it->unpacked > UNPACKED_MAX) {
        return fail_unpacked();
    }
    size_t size = sizeof(made_scope) + most * sizeof(cleat_attribute);
    made_scope *made = cleat__calloc(1, size);
    if (made == NULL) {
        return cleat__fail_memory();
    }
    made->next = it->into->scopes;
    it->into->scopes = made;
    it->into->base.memory += size;
    cleat_instrumentation_scope *scope = &made->scope;
    cleat__wire_reader reader = cleat__wire_reader_of(it->scope.context);
    cleat__wire_field field;
    while (cleat__wire_next(&reader, &field)) {
        if (is_bytes(&field, SCOPE_NAME)) {
            scope->name = field.bytes;
        } else if (is_bytes(&field, SCOPE_VERSION)) {
            scope->version = field.bytes;
        }
    }
    scope->schema_url = it->scope.schema_url;
    scope->attributes = made->attributes;
    scope->attribute_count = unpack(it->scope.context, SCOPE_ATTRIBUTES, made->attributes);
    it->made_scope = scope;
    return CLEAT_OK;
}

/* ---- Spans ---- */

static void reject(reading *it, const char *why)
{
    cleat__otlp_received *base = &it->into->base;
    base->rejected_spans++;
    if (base->error_message == NULL || strcmp(why, CLEAT__OTLP_TOO_MANY_SPANS) == 0) {
        base->error_message = why;
    }
}

/* The span's field, from `data` to where the reader is. */
static cleat_status append_entry(reading *it, const uint8_t *data, size_t size, size_t record_size)
{
    cleat_status status =
        it->made_resource == NULL && it->resource.has_context ? make_resource(it) : CLEAT_OK;
    if (status == CLEAT_OK && it->made_scope == NULL && it->scope.has_context) {
        status = make_scope(it);
    }
    if (status != CLEAT_OK) {
        return status;
    }
    const cleat__batch_entry entry = {data, (uint32_t)size, (uint32_t)(size - record_size), it->made_scope,
                                      it->made_resource};
    cleat__buffer_append(&it->into->entries, &entry, sizeof(entry));
    it->into->base.batch.count++;
    return it->into->entries.failed ? cleat__fail_memory() : CLEAT_OK;
}

static cleat_status read_span(reading *it, const uint8_t *data, size_t size, cleat_slice record)
{
    const char *fault = it->resource.fault != NULL ? it->resource.fault : it->scope.fault;
    if (it->into->base.batch.count >= it->limits.max_spans) {
        reject(it, CLEAT__OTLP_TOO_MANY_SPANS);
        return CLEAT_OK;
    }
    const cleat__span_check check = {it->limits.max_attributes, it->limits.max_depth};
    const char *own_fault = NULL;
    if (!cleat__span_check_run(&check, record, &own_fault)) {
        return fail_malformed("Span");
    }
    fault = fault != NULL ? fault : own_fault;
    if (fault != NULL) {
        reject(it, fault);
        return CLEAT_OK;
    }
    return append_entry(it, data, size, record.size);
}

/* ---- The messages around ---- */

/* Finds what the spans of a ResourceSpans or ScopeSpans come from. */
static bool find_place(const reading *it, cleat_slice message, uint32_t attributes, uint32_t texts,
                       place *out)
{
    const cleat__span_check check = {it->limits.max_attributes, it->limits.max_depth};
    cleat__wire_reader reader = cleat__wire_reader_of(message);
    cleat__wire_field field;
    *out = (place){.fault = NULL};
    while (cleat__wire_next(&reader, &field)) {
        if (is_bytes(&field, SPANS_CONTEXT)) {
            out->context = field.bytes;
            out->has_context = true;
        } else if (is_bytes(&field, SPANS_SCHEMA_URL)) {
            out->schema_url = field.bytes;
        }
    }
    return !reader.malformed &&
           cleat__span_check_message(&check, message, 0, 1u << SPANS_SCHEMA_URL, &out->fault) &&
           cleat__span_check_message(&check, out->context, attributes, texts, &out->fault);
}

static cleat_status read_scope_spans(reading *it, cleat_slice message)
{
    if (!find_place(it, message, SCOPE_ATTRIBUTES, 1u << SCOPE_NAME | 1u << SCOPE_VERSION, &it->scope)) {
        return fail_malformed("ScopeSpans");
    }
    it->made_scope = NULL;
    it->scope.has_context |= it->scope.schema_url.size != 0;
    cleat__wire_reader reader = cleat__wire_reader_of(message);
    cleat__wire_field field;
    const uint8_t *begin = reader.at;
    cleat_status status = CLEAT_OK;
    while (status == CLEAT_OK && cleat__wire_next(&reader, &field)) {
        if (is_bytes(&field, SPANS_MEMBERS)) {
            status = read_span(it, begin, (size_t)(reader.at - begin), field.bytes);
        }
        begin = reader.at;
    }
    return status;
}

static cleat_status read_resource_spans(reading *it, cleat_slice message)
{
    if (!find_place(it, message, RESOURCE_ATTRIBUTES, 0, &it->resource)) {
        return fail_malformed("ResourceSpans");
    }
    it->made_resource = NULL;
    it->resource.has_context |= it->resource.schema_url.size != 0;
    cleat__wire_reader reader = cleat__wire_reader_of(message);
    cleat__wire_field field;
    cleat_status status = CLEAT_OK;
    while (status == CLEAT_OK && cleat__wire_next(&reader, &field)) {
        if (is_bytes(&field, SPANS_MEMBERS)) {
            status = read_scope_spans(it, field.bytes);
        }
    }
    return status;
}

static cleat_status read_request(reading *it)
{
    cleat__wire_reader reader = cleat__wire_reader_of(cleat__buffer_slice(&it->into->body));
    cleat__wire_field field;
    cleat_status status = CLEAT_OK;
    while (status == CLEAT_OK && cleat__wire_next(&reader, &field)) {
        if (is_bytes(&field, REQUEST_RESOURCE_SPANS)) {
            status = read_resource_spans(it, field.bytes);
        }
    }
    return status == CLEAT_OK && reader.malformed ? fail_malformed("ExportTraceServiceRequest") : status;
}

/* ---- The whole ---- */

static cleat__otlp_limits limits_of(const cleat__otlp_limits *given)
{
    cleat__otlp_limits limits = given != NULL ? *given : (cleat__otlp_limits){0};
    limits.max_bytes = limits.max_bytes != 0 ? limits.max_bytes : CLEAT__OTLP_MAX_BYTES;
    limits.max_spans = limits.max_spans != 0 ? limits.max_spans : CLEAT__OTLP_MAX_SPANS;
    limits.max_attributes = limits.max_attributes != 0 ? limits.max_attributes : 1024;
    limits.max_depth = limits.max_depth != 0 ? limits.max_depth : 16;
    return limits;
}

cleat_status cleat__otlp_received_new(cleat__buffer *body, const cleat__otlp_limits *limits,
                                      cleat__otlp_received **out)
{
    reading it = {.into = NULL, .limits = limits_of(limits)};
    cleat_status status = CLEAT_OK;
    *out = NULL;
    if (body->failed) {
        status = cleat__fail_memory();
    } else if (body->size > it.limits.max_bytes || body->size > UINT32_MAX) {
        status = cleat__fail(CLEAT_TOO_LARGE, "the request has %zu bytes; %zu are the most", body->size,
                             it.limits.max_bytes);
    } else if ((it.into = cleat__calloc(1, sizeof(*it.into))) == NULL) {
        status = cleat__fail_memory();
    }
    if (status != CLEAT_OK) {
        cleat__buffer_deinit(body);
        return status;
    }
    atomic_init(&it.into->references, 1);
    it.into->body = *body;
    *body = (cleat__buffer){0};
    status = read_request(&it);
    if (status != CLEAT_OK) {
        cleat__otlp_received_release(&it.into->base);
        return status;
    }
    cleat__otlp_received *base = &it.into->base;
    base->batch.entries = (const cleat__batch_entry *)(const void *)it.into->entries.data;
    base->memory += sizeof(received) + it.into->body.capacity + it.into->entries.capacity +
                    it.unpacked * 2 * sizeof(cleat_attribute);
    *out = base;
    return CLEAT_OK;
}

cleat__otlp_received *cleat__otlp_received_retain(cleat__otlp_received *base)
{
    atomic_fetch_add_explicit(&((received *)base)->references, 1, memory_order_relaxed);
    return base;
}

void cleat__otlp_received_release(cleat__otlp_received *base)
{
    received *it = (received *)base;
    if (it == NULL || atomic_fetch_sub_explicit(&it->references, 1, memory_order_acq_rel) != 1) {
        return;
    }
    while (it->resources != NULL) {
        made_resource *next = it->resources->next;
        cleat_resource_release(it->resources->resource);
        cleat__free(it->resources);
        it->resources = next;
    }
    while (it->scopes != NULL) {
        made_scope *next = it->scopes->next;
        cleat__free(it->scopes);
        it->scopes = next;
    }
    cleat__buffer_deinit(&it->entries);
    cleat__buffer_deinit(&it->body);
    cleat__free(it);
}
