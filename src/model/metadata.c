#include "model/metadata.h"

#include "base/alloc.h"
#include "base/hex.h"
#include "model/derived_id.h"
#include "model/json_members.h"
#include "model/rfc3339.h"

#include <jansson.h>
#include <stdio.h>

#define RESERVED        "hatchet__"
#define PARENT_RUN_ID   "hatchet__parent_workflow_run_id"
#define PARENT_ID       "hatchet__parent_step_run_id"
#define SOURCE_RUN_ID   "hatchet__source_workflow_run_id"
#define SOURCE_ID       "hatchet__source_step_run_id"
#define EVENT_ID        "hatchet__event_id"
#define EVENT_KEY       "hatchet__event_key"
#define CRON_EXPRESSION "hatchet__cron_expression"
#define CRON_NAME       "hatchet__cron_name"
#define CRON_AT         "hatchet__cron_scheduled_at"
#define TRACE           "traceparent"
#define STATE           "tracestate"
#define BAGGAGE         "baggage"
#define OWN_RESERVED    "cleat__" /* how the trace goes on */
#define ORIGIN          OWN_RESERVED "origin_traceparent"
#define ORIGIN_STATE    OWN_RESERVED "origin_tracestate"

static void append_member(cleat__buffer *out, cleat_slice key, cleat_slice value)
{
    cleat__buffer_append_string(out, out->size > 1 ? "," : "");
    cleat__buffer_append_slice(out, key);
    cleat__buffer_append_byte(out, ':');
    cleat__buffer_append_slice(out, value);
}

static cleat_slice quote(const cleat__uuid *uuid, char text[40])
{
    char id[37];
    cleat__uuid_format(uuid, id);
    int size = snprintf(text, 40, "\"%s\"", id);
    return (cleat_slice){text, (size_t)size};
}

static bool begins_with(cleat_slice text, const char *prefix)
{
    return text.size >= strlen(prefix) && memcmp(text.data, prefix, strlen(prefix)) == 0;
}

static bool is_state(cleat_slice name)
{
    return cleat_slice_equals(name, cleat_slice_of(STATE));
}

/* What goes with a traceparent, and with no other. */
static bool goes_with_trace(cleat_slice name)
{
    return is_state(name) || cleat_slice_equals(name, cleat_slice_of(BAGGAGE)) ||
           begins_with(name, OWN_RESERVED);
}

static bool stays_with_parent(cleat_slice name, const json_t *own)
{
    if (begins_with(name, RESERVED)) {
        return true;
    }
    if (json_object_get(own, TRACE) != NULL && goes_with_trace(name)) {
        return true;
    }
    /* A tracestate without a traceparent says nothing. */
    return !is_state(name) && json_object_getn(own, name.data, name.size) != NULL;
}

static bool is_parent_id(cleat_slice name)
{
    return cleat_slice_equals(name, cleat_slice_of(PARENT_RUN_ID)) ||
           cleat_slice_equals(name, cleat_slice_of(PARENT_ID));
}

/* Of the parent, whatever the child does not say itself. */
static void append_inherited(cleat__buffer *out, cleat_slice parent, const json_t *own)
{
    cleat__json_cursor cursor;
    cleat_slice key, value, name;
    cleat__json_members(parent, &cursor);
    while (cleat__json_next_member(&cursor, &key, &value)) {
        char *memory = NULL;
        if (cleat__json_decode_string(key, &name, &memory) && !stays_with_parent(name, own)) {
            append_member(out, key, value);
        }
        cleat__free(memory);
    }
}

static void append_own(cleat__buffer *out, cleat_slice own, bool has_trace)
{
    cleat__json_cursor cursor;
    cleat_slice key, value, name;
    cleat__json_members(own, &cursor);
    while (cleat__json_next_member(&cursor, &key, &value)) {
        char *memory = NULL;
        if (cleat__json_decode_string(key, &name, &memory) && !is_parent_id(name) &&
            (has_trace || !is_state(name))) {
            append_member(out, key, value);
        }
        cleat__free(memory);
    }
}

void cleat__metadata_inherit(cleat_slice parent, cleat_slice own, const cleat__uuid *parent_run,
                             const cleat__uuid *parent_id, cleat__buffer *out)
{
    char quoted_run[40], quoted[40];
    cleat_slice run = quote(parent_run, quoted_run), id = quote(parent_id, quoted);
    /* Only to look up keys: the values are copied from the text. */
    json_t *keys = own.data != NULL ? json_loadb(own.data, own.size, JSON_DECODE_INT_AS_REAL, NULL) : NULL;
    cleat__buffer_append_byte(out, '{');
    append_inherited(out, parent, keys);
    append_own(out, own, json_object_get(keys, TRACE) != NULL);
    append_member(out, cleat_slice_of("\"" PARENT_RUN_ID "\""), run);
    append_member(out, cleat_slice_of("\"" PARENT_ID "\""), id);
    cleat__buffer_append_byte(out, '}');
    json_decref(keys);
}

/* ---- Events ---- */

static bool goes_on(cleat_slice name)
{
    return !begins_with(name, RESERVED) || cleat_slice_equals(name, cleat_slice_of(SOURCE_RUN_ID)) ||
           cleat_slice_equals(name, cleat_slice_of(SOURCE_ID));
}

void cleat__metadata_of_event(cleat_slice event, const cleat__uuid *event_id, cleat_slice key,
                              cleat__buffer *out)
{
    cleat__json_cursor cursor;
    cleat_slice quoted, value, name;
    char id[40];
    cleat__buffer_append_byte(out, '{');
    cleat__json_members(event, &cursor);
    while (cleat__json_next_member(&cursor, &quoted, &value)) {
        char *memory = NULL;
        if (cleat__json_decode_string(quoted, &name, &memory) && goes_on(name)) {
            append_member(out, quoted, value);
        }
        cleat__free(memory);
    }
    append_member(out, cleat_slice_of("\"" EVENT_ID "\""), quote(event_id, id));
    cleat__buffer_append_string(out, ",\"" EVENT_KEY "\":");
    cleat__buffer_append_json(out, key);
    cleat__buffer_append_byte(out, '}');
}

static bool is_of_cron(cleat_slice name)
{
    return cleat_slice_equals(name, cleat_slice_of(CRON_EXPRESSION)) ||
           cleat_slice_equals(name, cleat_slice_of(CRON_NAME)) ||
           cleat_slice_equals(name, cleat_slice_of(CRON_AT));
}

void cleat__metadata_of_cron(cleat_slice cron, cleat_slice expression, cleat_slice name, int64_t at_ms,
                             cleat__buffer *out)
{
    cleat__json_cursor cursor;
    cleat_slice quoted, value, key;
    char time[CLEAT__RFC3339_SIZE];
    cleat__buffer_append_byte(out, '{');
    cleat__json_members(cron, &cursor);
    while (cleat__json_next_member(&cursor, &quoted, &value)) {
        char *memory = NULL;
        if (cleat__json_decode_string(quoted, &key, &memory) && !is_of_cron(key)) {
            append_member(out, quoted, value);
        }
        cleat__free(memory);
    }
    cleat__rfc3339_format(at_ms, time);
    cleat__buffer_append_string(out,
                                out->size > 1 ? ",\"" CRON_EXPRESSION "\":" : "\"" CRON_EXPRESSION "\":");
    cleat__buffer_append_json(out, expression);
    cleat__buffer_append_string(out, ",\"" CRON_NAME "\":");
    cleat__buffer_append_json(out, name);
    cleat__buffer_append_format(out, ",\"" CRON_AT "\":\"%s\"}", time);
}

/* ---- Looking ---- */

/* The value as it is written; the last of equal keys counts. False: there is none. */
static bool find_value(cleat_slice metadata, cleat_slice wanted, cleat_slice *out)
{
    cleat__json_cursor cursor;
    cleat_slice key, value, name;
    bool found = false;
    cleat__json_members(metadata, &cursor);
    while (cleat__json_next_member(&cursor, &key, &value)) {
        char *memory = NULL;
        if (cleat__json_decode_string(key, &name, &memory) && cleat_slice_equals(name, wanted)) {
            *out = value;
            found = true;
        }
        cleat__free(memory);
    }
    return found;
}

bool cleat__metadata_says(cleat_slice metadata, cleat_slice key, cleat_slice value)
{
    cleat_slice written, text;
    char *memory = NULL;
    if (!find_value(metadata, key, &written)) {
        return false;
    }
    bool is_string = cleat__json_decode_string(written, &text, &memory);
    bool is_equal = cleat_slice_equals(is_string ? text : written, value);
    cleat__free(memory);
    return is_equal;
}

/* "key:value", divided by the first colon. */
static bool has_pair(cleat_slice metadata, const char *pair)
{
    const char *colon = strchr(pair, ':');
    return colon != NULL && cleat__metadata_says(metadata, (cleat_slice){pair, (size_t)(colon - pair)},
                                                 cleat_slice_of(colon + 1));
}

bool cleat__metadata_has_pairs(const json_t *pairs, bool needs_all, cleat_slice metadata)
{
    size_t count = json_array_size(pairs), found = 0;
    for (size_t i = 0; i < count && metadata.size != 0; i++) {
        found += has_pair(metadata, json_string_value(json_array_get(pairs, i)));
    }
    return count == 0 || (needs_all ? found == count : found != 0);
}

/* ---- Traces ---- */

/* Four parts, as Hatchet's engine counts them: the second has 32 characters, the third 16. */
static bool is_traceparent(cleat_slice text)
{
    size_t sizes[4], part = 0, start = 0;
    for (size_t i = 0; i <= text.size; i++) {
        if (i == text.size || text.data[i] == '-') {
            if (part == 4) {
                return false;
            }
            sizes[part++] = i - start;
            start = i + 1;
        }
    }
    return part == 4 && sizes[1] == 32 && sizes[2] == 16;
}

static bool has_trace(cleat_slice metadata)
{
    cleat_slice written, text;
    char *memory = NULL;
    bool has = find_value(metadata, cleat_slice_of(TRACE), &written) &&
               cleat__json_decode_string(written, &text, &memory) && is_traceparent(text);
    cleat__free(memory);
    return has;
}

static bool read_id(cleat_slice metadata, const char *key, cleat__uuid *out)
{
    cleat_slice written;
    return find_value(metadata, cleat_slice_of(key), &written) && written.size == 38 &&
           cleat__uuid_parse((cleat_slice){written.data + 1, 36}, out) == CLEAT_OK;
}

static bool append_trace(cleat_slice metadata, const cleat__uuid *run_id, cleat__buffer *out)
{
    cleat__uuid origin;
    cleat_trace_id trace;
    cleat_span_id span;
    char trace_text[2 * sizeof(trace.bytes) + 1], span_text[2 * sizeof(span.bytes) + 1];
    if (!read_id(metadata, PARENT_RUN_ID, &origin) && !read_id(metadata, SOURCE_RUN_ID, &origin)) {
        origin = *run_id;
    }
    if (!cleat__derived_run_trace_id(&origin, &trace) || !cleat__derived_run_span_id(run_id, &span)) {
        return false;
    }
    cleat__hex_encode(trace.bytes, sizeof(trace.bytes), trace_text);
    cleat__hex_encode(span.bytes, sizeof(span.bytes), span_text);
    cleat__buffer_append_format(out, "%s\"" TRACE "\":\"00-%s-%s-01\"}", out->size > 1 ? "," : "", trace_text,
                                span_text);
    return true;
}

void cleat__metadata_add_trace(cleat_slice metadata, const cleat__uuid *run_id, cleat__buffer *out)
{
    cleat__json_cursor cursor;
    cleat_slice key, value;
    if (has_trace(metadata)) {
        return;
    }
    cleat__buffer_append_byte(out, '{');
    cleat__json_members(metadata, &cursor);
    while (cleat__json_next_member(&cursor, &key, &value)) {
        if (!cleat_slice_equals(key, cleat_slice_of("\"" TRACE "\""))) {
            append_member(out, key, value);
        }
    }
    if (!append_trace(metadata, run_id, out)) {
        out->failed = true; /* no memory */
    }
}

/* ---- Invocations ---- */

/* What is laid over, read once. */
typedef struct delivery {
    const json_t *keys; /* of the carrier */
    bool has_trace, names_origin;
    bool moves_trace; /* the run's own trace context becomes its origin */
} delivery;

static bool is_kept(cleat_slice name, const delivery *how)
{
    if (json_object_getn(how->keys, name.data, name.size) != NULL) {
        return false;
    }
    if (is_state(name)) {
        return !how->has_trace; /* that of the former traceparent */
    }
    return !how->names_origin || !cleat_slice_equals(name, cleat_slice_of(ORIGIN_STATE));
}

static void append_kept(cleat__buffer *out, cleat_slice metadata, const delivery *how)
{
    cleat__json_cursor cursor;
    cleat_slice key, value, name;
    cleat__json_members(metadata, &cursor);
    while (cleat__json_next_member(&cursor, &key, &value)) {
        char *memory = NULL;
        bool is_text = cleat__json_decode_string(key, &name, &memory);
        if (is_text && is_kept(name, how)) {
            append_member(out, key, value);
        }
        if (is_text && how->moves_trace && cleat_slice_equals(name, cleat_slice_of(TRACE))) {
            append_member(out, cleat_slice_of("\"" ORIGIN "\""), value);
        }
        if (is_text && how->moves_trace && is_state(name)) {
            append_member(out, cleat_slice_of("\"" ORIGIN_STATE "\""), value);
        }
        cleat__free(memory);
    }
}

/* ---- Baggage (W3C Baggage): members with commas between, as JSON strings ---- */

/* A plain string of those that need no escapes, which baggage needs none of. */
static bool is_plain_string(cleat_slice value)
{
    return value.size >= 2 && value.data[0] == '"' && memchr(value.data, '\\', value.size) == NULL;
}

static bool next_entry(cleat_slice *rest, cleat_slice *entry)
{
    if (rest->size == 0) {
        return false;
    }
    const char *comma = memchr(rest->data, ',', rest->size);
    size_t size = comma != NULL ? (size_t)(comma - rest->data) : rest->size;
    *entry = (cleat_slice){rest->data, size};
    size += comma != NULL;
    *rest = (cleat_slice){rest->data + size, rest->size - size};
    return true;
}

static cleat_slice name_of(cleat_slice entry)
{
    const char *end = memchr(entry.data, '=', entry.size);
    cleat_slice name = {entry.data, end != NULL ? (size_t)(end - entry.data) : entry.size};
    while (name.size > 0 && (name.data[0] == ' ' || name.data[0] == '\t')) {
        name = (cleat_slice){name.data + 1, name.size - 1};
    }
    while (name.size > 0 && (name.data[name.size - 1] == ' ' || name.data[name.size - 1] == '\t')) {
        name.size--;
    }
    return name;
}

static bool has_entry(cleat_slice baggage, cleat_slice name)
{
    cleat_slice entry;
    while (next_entry(&baggage, &entry)) {
        if (cleat_slice_equals(name_of(entry), name)) {
            return true;
        }
    }
    return false;
}

/* Of two entries of one name the delivered one counts. Both are JSON. */
static void append_baggage(cleat__buffer *out, cleat_slice own, cleat_slice delivered)
{
    cleat_slice entry;
    if (!is_plain_string(own) || !is_plain_string(delivered)) {
        append_member(out, cleat_slice_of("\"" BAGGAGE "\""), delivered);
        return;
    }
    cleat_slice rest = {own.data + 1, own.size - 2};
    const cleat_slice first = {delivered.data + 1, delivered.size - 2};
    bool has_any = first.size > 0;
    append_member(out, cleat_slice_of("\"" BAGGAGE "\""), (cleat_slice){delivered.data, delivered.size - 1});
    while (next_entry(&rest, &entry)) {
        if (!has_entry(first, name_of(entry))) {
            cleat__buffer_append_string(out, has_any ? "," : "");
            cleat__buffer_append_slice(out, entry);
            has_any = true;
        }
    }
    cleat__buffer_append_byte(out, '"');
}

static void append_delivered(cleat__buffer *out, cleat_slice metadata, cleat_slice carrier)
{
    cleat__json_cursor cursor;
    cleat_slice key, value, own;
    cleat__json_members(carrier, &cursor);
    while (cleat__json_next_member(&cursor, &key, &value)) {
        bool is_baggage = cleat_slice_equals(key, cleat_slice_of("\"" BAGGAGE "\""));
        if (is_baggage && find_value(metadata, cleat_slice_of(BAGGAGE), &own)) {
            append_baggage(out, own, value);
        } else {
            append_member(out, key, value);
        }
    }
}

void cleat__metadata_deliver(cleat_slice metadata, cleat_slice carrier, cleat__buffer *out)
{
    cleat_slice own, delivered;
    json_t *keys =
        carrier.size != 0 ? json_loadb(carrier.data, carrier.size, JSON_DECODE_INT_AS_REAL, NULL) : NULL;
    out->failed = out->failed || (carrier.size != 0 && keys == NULL);
    delivery how = {
        .keys = keys,
        .has_trace = json_object_get(keys, TRACE) != NULL,
        .names_origin = json_object_get(keys, ORIGIN) != NULL,
    };
    how.moves_trace =
        how.has_trace && !how.names_origin && !find_value(metadata, cleat_slice_of(ORIGIN), &own) &&
        find_value(metadata, cleat_slice_of(TRACE), &own) &&
        find_value(carrier, cleat_slice_of(TRACE), &delivered) && !cleat_slice_equals(own, delivered);
    cleat__buffer_append_byte(out, '{');
    append_kept(out, metadata, &how);
    append_delivered(out, metadata, carrier);
    cleat__buffer_append_byte(out, '}');
    json_decref(keys);
}

void cleat__metadata_follow(cleat_slice former, cleat_slice message, cleat__buffer *out)
{
    static const char *const kept[] = {ORIGIN, ORIGIN_STATE};
    cleat__json_cursor cursor;
    cleat_slice key, value;
    cleat__buffer_append_byte(out, '{');
    cleat__json_members(message, &cursor);
    while (cleat__json_next_member(&cursor, &key, &value)) {
        if (!begins_with(key, "\"" OWN_RESERVED)) {
            append_member(out, key, value);
        }
    }
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        if (former.size != 0 && find_value(former, cleat_slice_of(kept[i]), &value)) {
            cleat__buffer_append_format(out, "%s\"%s\":%.*s", out->size > 1 ? "," : "", kept[i],
                                        CLEAT_SLICE_ARGS(value));
        }
    }
    cleat__buffer_append_byte(out, '}');
}

void cleat__metadata_carrier(cleat_slice metadata, cleat__buffer *out)
{
    static const char *const names[] = {TRACE, STATE, BAGGAGE};
    cleat_slice value;
    if (!has_trace(metadata)) {
        return;
    }
    cleat__buffer_append_byte(out, '{');
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (find_value(metadata, cleat_slice_of(names[i]), &value)) {
            cleat__buffer_append_format(out, "%s\"%s\":%.*s", out->size > 1 ? "," : "", names[i],
                                        CLEAT_SLICE_ARGS(value));
        }
    }
    cleat__buffer_append_byte(out, '}');
}
