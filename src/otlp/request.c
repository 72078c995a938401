/*
 * Spans of one batch come in runs: neighbours in memory that have resource and scope in common. A
 * plan collects the runs and, for each pair of resource and scope, a group with the sizes of its
 * parts. Then the sizes of all messages are known and the pieces are laid out in order, resource by
 * resource: nothing is written twice or moved.
 */
#include "request.h"

#include "base/alloc.h"
#include "base/error.h"
#include "trace/attribute_set.h"
#include "trace/batch.h"
#include "trace/protobuf.h"
#include "trace/text.h"

enum {
    REQUEST_RESOURCE_SPANS = 1,
    RESOURCE_SPANS_RESOURCE = 1,
    RESOURCE_SPANS_SCOPE_SPANS = 2,
    RESOURCE_SPANS_SCHEMA_URL = 3,
    RESOURCE_ATTRIBUTES = 1,
    SCOPE_SPANS_SCOPE = 1,
    SCOPE_SPANS_SCHEMA_URL = 3,
    SCOPE_NAME = 1,
    SCOPE_VERSION = 2,
    SCOPE_ATTRIBUTES = 3,
    RESPONSE_PARTIAL_SUCCESS = 1,
    PARTIAL_SUCCESS_REJECTED_SPANS = 1,
    PARTIAL_SUCCESS_ERROR_MESSAGE = 2,

    /* Tag and length of a message, at their longest. */
    FIELD_HEAD_MAX = 11,
};

/* A list of runs and one of groups; links are indices, NONE ends them. */
static const uint32_t NONE = UINT32_MAX;

typedef struct run {
    cleat_slice body;
    uint32_t next; /* of the same group */
} run;

typedef struct group {
    const cleat_resource *resource;
    const cleat_instrumentation_scope *scope;
    uint32_t first_of_resource; /* the first group that has this resource */
    uint32_t first_run, last_run;
    size_t bodies_at;     /* where in `bodies` Resource (of the first of a resource only) and scope lie */
    size_t resource_size; /* of the messages there */
    size_t scope_size;
    size_t spans_size; /* of its runs */
} group;

typedef struct plan {
    const cleat_span_batch *batch;
    cleat__buffer runs, groups; /* of run, of group */
    cleat__buffer bodies;       /* what was encoded once the group was found */
    uint32_t run_count, group_count;
    uint32_t last_group; /* the one found last: mostly the next one too */
    size_t size;         /* not below that of the request so far */
} plan;

static const cleat__attribute_limits no_limits = {UINT32_MAX, CLEAT__NO_LIMIT};

static group *group_at(const plan *p, uint32_t index)
{
    return (group *)(void *)p->groups.data + index;
}

static run *run_at(const plan *p, uint32_t index)
{
    return (run *)(void *)p->runs.data + index;
}

/* ---- Fields ---- */

static size_t message_size(size_t body)
{
    return 1 + cleat__varint_size(body) + body;
}

static size_t text_size(cleat_slice text)
{
    return text.size != 0 ? message_size(text.size) : 0;
}

static void append_text(cleat__buffer *out, unsigned field, cleat_slice text)
{
    uint8_t *at = text.size != 0 ? cleat__buffer_reserve(out, FIELD_HEAD_MAX + text.size) : NULL;
    if (at != NULL) {
        out->size += (size_t)(cleat__put_bytes(at, field, text.data, text.size) - at);
    }
}

static void append_message_head(cleat__buffer *out, unsigned field, size_t size)
{
    uint8_t *at = cleat__buffer_reserve(out, FIELD_HEAD_MAX);
    if (at != NULL) {
        out->size += (size_t)(cleat__put_varint(cleat__put_tag(at, field, CLEAT__WIRE_BYTES), size) - at);
    }
}

/* `count` attributes as fields `field` of the message being written. */
static void append_attributes(cleat__buffer *out, uint8_t field, const cleat_attribute *attributes,
                              size_t count)
{
    cleat__attribute_set set = {.field = field};
    if (cleat__attribute_set_put_all(&set, attributes, count, &no_limits) == CLEAT_NO_MEMORY) {
        out->failed = true;
    }
    cleat__buffer_append(out, set.data, set.size);
    cleat__attribute_set_deinit(&set);
}

static cleat_slice schema_url_of(const cleat_instrumentation_scope *scope)
{
    return scope != NULL ? scope->schema_url : (cleat_slice){NULL, 0};
}

/* ---- Planning ---- */

static void encode_bodies(plan *p, group *made, bool has_new_resource)
{
    made->bodies_at = p->bodies.size;
    if (has_new_resource) {
        append_attributes(&p->bodies, RESOURCE_ATTRIBUTES, cleat_resource_attributes(made->resource),
                          cleat_resource_count(made->resource));
        made->resource_size = p->bodies.size - made->bodies_at;
    }
    if (made->scope != NULL) {
        append_text(&p->bodies, SCOPE_NAME, made->scope->name);
        append_text(&p->bodies, SCOPE_VERSION, made->scope->version);
        append_attributes(&p->bodies, SCOPE_ATTRIBUTES, made->scope->attributes,
                          made->scope->attribute_count);
        made->scope_size = p->bodies.size - made->bodies_at - made->resource_size;
    }
}

static bool add_group(plan *p, const cleat__batch_entry *entry)
{
    group made = {
        .resource = entry->resource,
        .scope = entry->scope,
        .first_of_resource = 0,
        .first_run = NONE,
    };
    while (made.first_of_resource < p->group_count &&
           group_at(p, made.first_of_resource)->resource != entry->resource) {
        made.first_of_resource++;
    }
    encode_bodies(p, &made, made.first_of_resource == p->group_count);
    cleat__buffer_append(&p->groups, &made, sizeof(made));
    p->last_group = p->group_count++;
    p->size += made.resource_size + text_size(cleat_resource_schema_url(made.resource)) + made.scope_size +
               text_size(schema_url_of(made.scope)) + 4 * FIELD_HEAD_MAX;
    return !p->groups.failed && !p->bodies.failed;
}

static bool find_group(plan *p, const cleat__batch_entry *entry)
{
    uint32_t index = p->last_group;
    for (uint32_t tried = 0; tried < p->group_count; tried++) {
        const group *candidate = group_at(p, index);
        if (candidate->scope == entry->scope && candidate->resource == entry->resource) {
            p->last_group = index;
            return true;
        }
        index = index + 1 < p->group_count ? index + 1 : 0;
    }
    return add_group(p, entry);
}

/* To the group found last. */
static bool add_span(plan *p, const cleat__batch_entry *entry)
{
    group *of = group_at(p, p->last_group);
    run *last = of->first_run != NONE ? run_at(p, of->last_run) : NULL;
    p->size += entry->size;
    of->spans_size += entry->size;
    if (last != NULL && (const char *)entry->data == last->body.data + last->body.size) {
        last->body.size += entry->size;
        return true;
    }
    const run made = {{(const char *)entry->data, entry->size}, NONE};
    if (last != NULL) {
        last->next = p->run_count;
    } else {
        of->first_run = p->run_count;
    }
    of->last_run = p->run_count++;
    cleat__buffer_append(&p->runs, &made, sizeof(made));
    return !p->runs.failed;
}

/* Takes spans until the size is reached; false on no memory. */
static bool make_plan(plan *p, size_t *cursor, size_t max_size)
{
    size_t first = *cursor;
    for (; *cursor < p->batch->count; ++*cursor) {
        const cleat__batch_entry *entry = &p->batch->entries[*cursor];
        if (!find_group(p, entry)) {
            return false;
        }
        if (*cursor != first && p->size + entry->size > max_size) {
            p->group_count -= group_at(p, p->last_group)->first_run == NONE; /* it was made for this span */
            break;
        }
        if (!add_span(p, entry)) {
            return false;
        }
    }
    return true;
}

/* ---- Laying out ---- */

static size_t scope_spans_size(const group *of)
{
    return (of->scope != NULL ? message_size(of->scope_size) : 0) + of->spans_size +
           text_size(schema_url_of(of->scope));
}

static size_t resource_spans_size(const plan *p, uint32_t first)
{
    const group *of = group_at(p, first);
    size_t size = (of->resource != NULL ? message_size(of->resource_size) : 0) +
                  text_size(cleat_resource_schema_url(of->resource));
    for (uint32_t i = first; i < p->group_count; i++) {
        const group *other = group_at(p, i);
        size += other->first_of_resource == first ? message_size(scope_spans_size(other)) : 0;
    }
    return size;
}

static void append_piece(cleat__otlp_request *request, cleat_slice piece)
{
    if (piece.size != 0) {
        cleat__buffer_append(&request->piece_memory, &piece, sizeof(piece));
        request->piece_count++;
        request->size += piece.size;
    }
}

/* What stands in `heads` behind the last piece becomes one; where, is filled in when they are whole. */
static void close_head(cleat__otlp_request *request, size_t *begin)
{
    append_piece(request, (cleat_slice){NULL, request->heads.size - *begin});
    *begin = request->heads.size;
}

/* What was written before into `bodies`, which is NULL where all that was written is empty. */
static void append_body(cleat__otlp_request *request, const plan *p, size_t at, size_t size)
{
    if (size != 0) {
        cleat__buffer_append(&request->heads, p->bodies.data + at, size);
    }
}

static void write_scope_spans(cleat__otlp_request *request, const plan *p, const group *of, size_t *begin)
{
    append_message_head(&request->heads, RESOURCE_SPANS_SCOPE_SPANS, scope_spans_size(of));
    if (of->scope != NULL) {
        append_message_head(&request->heads, SCOPE_SPANS_SCOPE, of->scope_size);
        append_body(request, p, of->bodies_at + of->resource_size, of->scope_size);
    }
    close_head(request, begin);
    for (uint32_t i = of->first_run; i != NONE; i = run_at(p, i)->next) {
        append_piece(request, run_at(p, i)->body);
    }
    append_text(&request->heads, SCOPE_SPANS_SCHEMA_URL, schema_url_of(of->scope));
}

static void write_resource_spans(cleat__otlp_request *request, const plan *p, uint32_t first, size_t *begin)
{
    const group *of = group_at(p, first);
    append_message_head(&request->heads, REQUEST_RESOURCE_SPANS, resource_spans_size(p, first));
    if (of->resource != NULL) {
        append_message_head(&request->heads, RESOURCE_SPANS_RESOURCE, of->resource_size);
        append_body(request, p, of->bodies_at, of->resource_size);
    }
    for (uint32_t i = first; i < p->group_count; i++) {
        if (group_at(p, i)->first_of_resource == first) {
            write_scope_spans(request, p, group_at(p, i), begin);
        }
    }
    append_text(&request->heads, RESOURCE_SPANS_SCHEMA_URL, cleat_resource_schema_url(of->resource));
}

static void lay_out(cleat__otlp_request *request, const plan *p)
{
    size_t begin = 0;
    for (uint32_t i = 0; i < p->group_count; i++) {
        if (group_at(p, i)->first_of_resource == i) {
            write_resource_spans(request, p, i, &begin);
        }
    }
    close_head(request, &begin);
    request->pieces = (cleat_slice *)(void *)request->piece_memory.data;
    const char *head = (const char *)request->heads.data;
    for (size_t i = 0; !request->piece_memory.failed && i < request->piece_count; i++) {
        if (request->pieces[i].data == NULL) {
            request->pieces[i].data = head;
            head += request->pieces[i].size;
        }
    }
}

cleat_status cleat__otlp_request_build(cleat__otlp_request *request, const cleat_span_batch *batch,
                                       size_t *cursor, size_t max_size)
{
    plan p = {.batch = batch};
    size_t first = *cursor;
    cleat__buffer_clear(&request->heads);
    cleat__buffer_clear(&request->piece_memory);
    request->piece_count = request->size = request->span_count = 0;
    if (first >= batch->count) {
        return CLEAT_EMPTY;
    }
    bool is_made = make_plan(&p, cursor, max_size);
    if (is_made) {
        lay_out(request, &p);
        request->span_count = *cursor - first;
    }
    cleat__buffer_deinit(&p.runs);
    cleat__buffer_deinit(&p.groups);
    cleat__buffer_deinit(&p.bodies);
    if (!is_made || request->heads.failed || request->piece_memory.failed) {
        *cursor = first;
        return cleat__fail_memory();
    }
    return CLEAT_OK;
}

void cleat__otlp_request_deinit(cleat__otlp_request *request)
{
    cleat__buffer_deinit(&request->heads);
    cleat__buffer_deinit(&request->piece_memory);
    *request = (cleat__otlp_request){0};
}

/* ---- The response ---- */

static bool read_partial_success(cleat_slice message, cleat__otlp_response *out)
{
    cleat__wire_reader reader = cleat__wire_reader_of(message);
    cleat__wire_field field;
    while (cleat__wire_next(&reader, &field)) {
        if (field.number == PARTIAL_SUCCESS_REJECTED_SPANS && field.wire == CLEAT__WIRE_VARINT) {
            out->rejected_spans = (int64_t)field.integer;
        } else if (field.number == PARTIAL_SUCCESS_ERROR_MESSAGE && field.wire == CLEAT__WIRE_BYTES) {
            out->error_message = field.bytes;
        }
    }
    return !reader.malformed;
}

bool cleat__otlp_response_read(cleat_slice message, cleat__otlp_response *out)
{
    cleat__wire_reader reader = cleat__wire_reader_of(message);
    cleat__wire_field field;
    *out = (cleat__otlp_response){0};
    while (cleat__wire_next(&reader, &field)) {
        if (field.number == RESPONSE_PARTIAL_SUCCESS && field.wire == CLEAT__WIRE_BYTES &&
            !read_partial_success(field.bytes, out)) {
            return false;
        }
    }
    return !reader.malformed;
}
