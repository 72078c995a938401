#include "model/node.h"

#include "model/duration.h"

#include <stdio.h>

/* ---- Hashes: FNV-1a; a length stands before each text ---- */

#define HASH_BEGIN UINT64_C(0xcbf29ce484222325)
#define HASH_PRIME UINT64_C(0x100000001b3)

static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t size)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ at[i]) * HASH_PRIME;
    }
    return hash;
}

static uint64_t hash_number(uint64_t hash, uint64_t number)
{
    unsigned char bytes[8]; /* the same on every machine: it is stored */
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (unsigned char)(number >> (8 * i));
    }
    return hash_bytes(hash, bytes, sizeof(bytes));
}

static uint64_t hash_text(uint64_t hash, cleat_slice text)
{
    return hash_bytes(hash_number(hash, text.size), text.data, text.size);
}

static uint64_t hash_kind(cleat__node_kind kind)
{
    return hash_number(HASH_BEGIN, (uint64_t)kind);
}

static int64_t to_stored(uint64_t hash)
{
    int64_t stored;
    memcpy(&stored, &hash, sizeof(stored));
    return stored;
}

int64_t cleat__node_hash_memo(cleat_slice key)
{
    return to_stored(hash_text(hash_kind(CLEAT__NODE_MEMO), key));
}

int64_t cleat__node_hash_run(const cleat__trigger *item)
{
    cleat_slice input = item->input.data != NULL ? item->input : cleat_slice_of("{}");
    return to_stored(hash_text(hash_text(hash_kind(CLEAT__NODE_RUN), item->workflow), input));
}

static uint64_t hash_condition(const cleat__condition *condition)
{
    uint64_t hash = hash_number(HASH_BEGIN, (uint64_t)condition->kind);
    hash = hash_text(hash, condition->data_key);
    hash = hash_text(hash, condition->key);
    hash = hash_text(hash, condition->expression);
    if (condition->kind != CLEAT__CONDITION_SLEEP) {
        return hash;
    }
    /* As it was said: how long "until noon" is differs from one invocation to the next. */
    return condition->sleep_text.data != NULL ? hash_text(hash, condition->sleep_text)
                                              : hash_number(hash, (uint64_t)condition->sleep_ms);
}

/* Their order does not count, so they are added up. */
int64_t cleat__node_hash_wait(const cleat__condition *conditions, size_t count)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += hash_condition(&conditions[i]);
    }
    return to_stored(hash_number(hash_number(hash_kind(CLEAT__NODE_WAIT_FOR), count), sum));
}

/* ---- Labels ---- */

/* The end of a label must be whole characters: everything beyond ASCII is replaced. */
static void append_printable(cleat__buffer *out, size_t begin, cleat_slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (out->size - begin >= CLEAT__NODE_LABEL_MAX - 4) {
            cleat__buffer_append_string(out, "..");
            return;
        }
        char c = text.data[i];
        cleat__buffer_append_byte(out, (uint8_t)(c >= 0x20 && c < 0x7F ? c : '?'));
    }
}

static void append_quoted(cleat__buffer *out, size_t begin, const char *what, cleat_slice text)
{
    cleat__buffer_append_string(out, what);
    cleat__buffer_append_string(out, " \"");
    append_printable(out, begin, text);
    cleat__buffer_append_byte(out, '"');
}

/* Values that the library records for a call, by their keys. */
static const struct {
    const char *key, *label;
} own_values[] = {
    {CLEAT__MEMO_NOW, "the time"},
    {CLEAT__MEMO_TOKEN, "a random token of a hook"},
    {CLEAT__MEMO_VERSION, "the version"},
    {CLEAT__MEMO_END, "the end"},
};

void cleat__node_label_memo(cleat_slice key, cleat__buffer *out)
{
    for (size_t i = 0; i < sizeof(own_values) / sizeof(own_values[0]); i++) {
        if (cleat_slice_equals(key, cleat_slice_of(own_values[i].key))) {
            cleat__buffer_append_string(out, own_values[i].label);
            return;
        }
    }
    append_quoted(out, out->size, "step", key);
}

void cleat__node_label_run(const cleat__trigger *item, cleat__buffer *out)
{
    size_t begin = out->size;
    cleat__buffer_append_string(out, "run ");
    append_printable(out, begin, item->workflow);
}

static void append_duration(cleat__buffer *out, size_t begin, const cleat__condition *condition)
{
    char text[CLEAT__DURATION_TEXT];
    if (condition->sleep_text.data != NULL) {
        append_printable(out, begin, condition->sleep_text);
    } else {
        cleat__duration_format(condition->sleep_ms, text);
        cleat__buffer_append_string(out, text);
    }
}

cleat_slice cleat__hook_shown(cleat_slice token)
{
    enum { SHOWN = 4 };
    return (cleat_slice){token.data, token.size / 2 < SHOWN ? token.size / 2 : SHOWN};
}

static void append_hook(cleat__buffer *out, size_t begin, cleat_slice token)
{
    cleat__buffer_append_string(out, "hook ");
    append_printable(out, begin, cleat__hook_shown(token));
    cleat__buffer_append_string(out, "...");
}

void cleat__node_label_wait(const cleat__condition *conditions, size_t count, cleat_slice given,
                            cleat__buffer *out)
{
    size_t begin = out->size;
    if (given.size != 0) {
        append_printable(out, begin, given);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (out->size - begin > CLEAT__NODE_LABEL_MAX / 2) {
            cleat__buffer_append_string(out, " ..");
            return;
        }
        cleat__buffer_append_string(out, i != 0 ? ", " : "");
        switch (conditions[i].kind) {
        case CLEAT__CONDITION_SLEEP:
            cleat__buffer_append_string(out, "sleep ");
            append_duration(out, begin, &conditions[i]);
            break;
        case CLEAT__CONDITION_EVENT: append_quoted(out, begin, "event", conditions[i].key); break;
        case CLEAT__CONDITION_HOOK: append_hook(out, begin, conditions[i].key); break;
        }
    }
}

/* ---- Payloads ---- */

void cleat__sleep_data(const cleat__condition *condition, cleat__buffer *out)
{
    char text[CLEAT__DURATION_TEXT];
    cleat_slice duration = condition->sleep_text;
    if (duration.data == NULL) {
        cleat__duration_format(condition->sleep_ms, text);
        duration = cleat_slice_of(text);
    }
    cleat__buffer_append_string(out, "{\"sleep_duration\":");
    cleat__buffer_append_json(out, duration);
    cleat__buffer_append_byte(out, '}');
}

void cleat__wait_payload_begin(cleat__buffer *out)
{
    cleat__buffer_append_string(out, "{\"CREATE\":{");
}

void cleat__wait_payload_add(cleat__buffer *out, const cleat_slice *former, cleat_slice key, cleat_slice data)
{
    if (former != NULL && cleat_slice_equals(*former, key)) {
        cleat__buffer_append_byte(out, ',');
    } else {
        cleat__buffer_append_string(out, former != NULL ? "]," : "");
        cleat__buffer_append_json(out, key);
        cleat__buffer_append_string(out, ":[");
    }
    cleat__buffer_append_slice(out, data);
}

void cleat__wait_payload_end(cleat__buffer *out, bool is_empty)
{
    cleat__buffer_append_string(out, is_empty ? "}}" : "]}}");
}
