/* Messages of a peer, written field by field: also such as no encoder would write. */
#ifndef CLEAT_TESTS_WIRE_H
#define CLEAT_TESTS_WIRE_H

#include "base/buffer.h"
#include "trace/protobuf.h"

static inline void wire_varint(cleat__buffer *out, uint64_t value)
{
    uint8_t bytes[10];
    cleat__buffer_append(out, bytes, (size_t)(cleat__put_varint(bytes, value) - bytes));
}

static inline void wire_number(cleat__buffer *out, uint32_t field, uint64_t value)
{
    wire_varint(out, CLEAT__TAG((uint64_t)field, CLEAT__WIRE_VARINT));
    wire_varint(out, value);
}

static inline void wire_fixed64(cleat__buffer *out, uint32_t field, uint64_t value)
{
    uint8_t bytes[8];
    wire_varint(out, CLEAT__TAG((uint64_t)field, CLEAT__WIRE_FIXED64));
    cleat__put_fixed64(bytes, value);
    cleat__buffer_append(out, bytes, sizeof(bytes));
}

static inline void wire_bytes(cleat__buffer *out, uint32_t field, const void *data, size_t size)
{
    wire_varint(out, CLEAT__TAG((uint64_t)field, CLEAT__WIRE_BYTES));
    wire_varint(out, size);
    cleat__buffer_append(out, data, size);
}

static inline void wire_text(cleat__buffer *out, uint32_t field, const char *text)
{
    wire_bytes(out, field, text, strlen(text));
}

/* Takes `message`, which is empty afterwards. */
static inline void wire_message(cleat__buffer *out, uint32_t field, cleat__buffer *message)
{
    wire_bytes(out, field, message->data, message->size);
    cleat__buffer_deinit(message);
}

/* A KeyValue with a string. */
static inline void wire_attribute(cleat__buffer *out, uint32_t field, const char *key, const char *value)
{
    cleat__buffer pair = {0}, any = {0};
    wire_text(&any, 1, value);
    wire_text(&pair, 1, key);
    wire_message(&pair, 2, &any);
    wire_message(out, field, &pair);
}

/* The ids and the name of a Span; ids are the numbers in their last bytes, zero where 0. */
static inline cleat__buffer wire_span(uint8_t trace, uint8_t span, const char *name)
{
    cleat__buffer out = {0};
    uint8_t id[16] = {0};
    id[15] = trace;
    wire_bytes(&out, 1, id, 16);
    id[7] = span;
    wire_bytes(&out, 2, id, 8);
    wire_text(&out, 5, name);
    return out;
}

#endif
