/*
 * The protobuf wire format: writers that trust their caller, and a reader that trusts nobody.
 *
 * Writers advance a pointer into memory that the caller has made large enough; sizes are computed
 * first, so nothing is moved afterwards. Source: protobuf.dev, "Encoding".
 */
#ifndef CLEAT_TRACE_PROTOBUF_H
#define CLEAT_TRACE_PROTOBUF_H

#include <cleat/status.h>

enum {
    CLEAT__WIRE_VARINT = 0,
    CLEAT__WIRE_FIXED64 = 1,
    CLEAT__WIRE_BYTES = 2,
    CLEAT__WIRE_FIXED32 = 5,
};
#define CLEAT__TAG(field, wire) (((field) << 3) | (wire))

/* Bytes of a varint: ceil(bits / 7), at least 1; (9 * bits + 64) / 64 is that without a division. */
static inline size_t cleat__varint_size(uint64_t value)
{
    if (__builtin_expect(value < 0x80, true)) {
        return 1;
    }
    return (size_t)(9 * (64 - __builtin_clzll(value)) + 64) / 64;
}

static inline uint8_t *cleat__put_varint(uint8_t *at, uint64_t value)
{
    while (value >= 0x80) {
        *at++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *at++ = (uint8_t)value;
    return at;
}

/* A tag that takes one byte: fields 1 to 15. */
static inline uint8_t *cleat__put_tag(uint8_t *at, unsigned field, unsigned wire)
{
    *at = (uint8_t)CLEAT__TAG(field, wire);
    return at + 1;
}

/* One store where the machine is little-endian as the wire is. */
static inline uint8_t *cleat__put_fixed32(uint8_t *at, uint32_t value)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    value = __builtin_bswap32(value);
#endif
    memcpy(at, &value, sizeof(value));
    return at + sizeof(value);
}

static inline uint8_t *cleat__put_fixed64(uint8_t *at, uint64_t value)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    value = __builtin_bswap64(value);
#endif
    memcpy(at, &value, sizeof(value));
    return at + sizeof(value);
}

/* memcpy() for what is mostly a key or a short text: two overlapping moves instead of a call. */
static inline void cleat__copy(uint8_t *to, const void *data, size_t size)
{
    const uint8_t *from = (const uint8_t *)data;
    if (size > 32) {
        memcpy(to, from, size);
    } else if (size >= 16) {
        struct {
            uint8_t bytes[16];
        } first, last;
        memcpy(&first, from, sizeof(first));
        memcpy(&last, from + size - sizeof(last), sizeof(last));
        memcpy(to, &first, sizeof(first));
        memcpy(to + size - sizeof(last), &last, sizeof(last));
    } else if (size >= 8) {
        uint64_t first, last;
        memcpy(&first, from, sizeof(first));
        memcpy(&last, from + size - sizeof(last), sizeof(last));
        memcpy(to, &first, sizeof(first));
        memcpy(to + size - sizeof(last), &last, sizeof(last));
    } else if (size >= 4) {
        uint32_t first, last;
        memcpy(&first, from, sizeof(first));
        memcpy(&last, from + size - sizeof(last), sizeof(last));
        memcpy(to, &first, sizeof(first));
        memcpy(to + size - sizeof(last), &last, sizeof(last));
    } else if (size != 0) { /* first, middle and last: one, two or three different bytes */
        uint8_t first = from[0], middle = from[size / 2], last = from[size - 1];
        to[0] = first;
        to[size / 2] = middle;
        to[size - 1] = last;
    }
}

static inline uint8_t *cleat__put_raw(uint8_t *at, const void *data, size_t size)
{
    cleat__copy(at, data, size);
    return at + size;
}

/* A length-delimited field: string, bytes or message. */
static inline uint8_t *cleat__put_bytes(uint8_t *at, unsigned field, const void *data, size_t size)
{
    at = cleat__put_tag(at, field, CLEAT__WIRE_BYTES);
    at = cleat__put_varint(at, size);
    return cleat__put_raw(at, data, size);
}

/* ---- Reading ---- */

typedef struct cleat__wire_reader {
    const uint8_t *at;
    const uint8_t *end;
    bool malformed; /* sticky */
} cleat__wire_reader;

typedef struct cleat__wire_field {
    uint32_t number;
    uint32_t wire;
    uint64_t integer;  /* of a varint or fixed field */
    cleat_slice bytes; /* of a length-delimited one */
} cleat__wire_field;

static inline cleat__wire_reader cleat__wire_reader_of(cleat_slice message)
{
    const uint8_t *at = (const uint8_t *)message.data;
    cleat__wire_reader reader = {at, message.size != 0 ? at + message.size : at, false};
    return reader;
}

static inline bool cleat__wire_varint(cleat__wire_reader *reader, uint64_t *out)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && reader->at < reader->end; shift += 7) {
        uint8_t byte = *reader->at++;
        if (shift == 63 && byte > 1) {
            break; /* does not fit into 64 bits */
        }
        value |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80) {
            *out = value;
            return true;
        }
    }
    reader->malformed = true;
    return false;
}

static inline bool cleat__wire_fixed(cleat__wire_reader *reader, unsigned size, uint64_t *out)
{
    if ((size_t)(reader->end - reader->at) < size) {
        reader->malformed = true;
        return false;
    }
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++) {
        value |= (uint64_t)reader->at[i] << (8 * i);
    }
    reader->at += size;
    *out = value;
    return true;
}

/* The next field; false at the end and at the first malformed byte (then `malformed` is set).
 * Groups, long deprecated and never part of OTLP, are malformed. */
static inline bool cleat__wire_next(cleat__wire_reader *reader, cleat__wire_field *field)
{
    uint64_t tag;
    if (reader->malformed || reader->at == reader->end || !cleat__wire_varint(reader, &tag)) {
        return false;
    }
    if (tag > UINT32_MAX || tag >> 3 == 0) {
        reader->malformed = true;
        return false;
    }
    field->number = (uint32_t)(tag >> 3);
    field->wire = (uint32_t)(tag & 7);
    field->integer = 0;
    field->bytes = (cleat_slice){NULL, 0};
    switch (field->wire) {
    case CLEAT__WIRE_VARINT: return cleat__wire_varint(reader, &field->integer);
    case CLEAT__WIRE_FIXED64: return cleat__wire_fixed(reader, 8, &field->integer);
    case CLEAT__WIRE_FIXED32: return cleat__wire_fixed(reader, 4, &field->integer);
    case CLEAT__WIRE_BYTES:
        if (cleat__wire_varint(reader, &field->integer) &&
            field->integer <= (uint64_t)(reader->end - reader->at)) {
            field->bytes.data = (const char *)reader->at;
            field->bytes.size = (size_t)field->integer;
            reader->at += field->integer;
            return true;
        }
        break;
    default: break;
    }
    reader->malformed = true;
    return false;
}

#endif
