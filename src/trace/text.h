/*
 * Strings on their way into a record: cut to the limit and made valid UTF-8, since protobuf allows
 * nothing else in a `string`. Sizes first, bytes second: nothing is allocated.
 */
#ifndef CLEAT_TRACE_TEXT_H
#define CLEAT_TRACE_TEXT_H

#include "base/utf8.h"
#include "protobuf.h"

#define CLEAT__NO_LIMIT UINT32_MAX

/* Larger strings are refused or cut: sizes inside a record are 32 bits. */
#define CLEAT__TEXT_MAX ((size_t)1 << 30)

typedef struct cleat__text {
    const char *data;
    uint32_t size;     /* as it will be in the record */
    uint32_t raw_size; /* bytes of `data` it is made of */
    bool broken;       /* needs repair */
} cleat__text;

/* `limit` is in characters of the result, as the specification counts. */
void cleat__text_init_slow(cleat__text *text, cleat_slice from, uint32_t limit);
uint8_t *cleat__text_put_broken(uint8_t *at, const cleat__text *text);
/* How often this thread has called that: whoever wants to know takes the difference. Initial-exec as
 * in local.h. */
extern _Thread_local uint32_t cleat__text_repaired __attribute__((tls_model("initial-exec")));

static inline bool cleat__text_is_ascii(const char *data, size_t size)
{
    uint64_t high = 0, word;
    if (size >= sizeof(word)) {
        for (size_t at = 0; at + sizeof(word) <= size; at += sizeof(word)) {
            memcpy(&word, data + at, sizeof(word));
            high |= word;
        }
        /* The rest: the last eight bytes, some of them for the second time. */
        memcpy(&word, data + size - sizeof(word), sizeof(word));
        high |= word;
    } else {
        for (size_t at = 0; at < size; at++) {
            high |= (uint8_t)data[at];
        }
    }
    return (high & UINT64_C(0x8080808080808080)) == 0;
}

/* Fills `*text` in place and member by member: returning the struct would copy it in wider pieces
 * than it was written in, which stalls the processor. The fast path is ASCII within the limit. */
static inline void cleat__text_init(cleat__text *text, cleat_slice from, uint32_t limit)
{
    uint32_t size = from.data != NULL ? (uint32_t)from.size : 0;
    text->data = from.data;
    text->size = size;
    text->raw_size = size;
    text->broken = false;
    if (size > limit || from.size > CLEAT__TEXT_MAX || !cleat__text_is_ascii(from.data, size)) {
        cleat__text_init_slow(text, from, limit);
    }
}

static inline cleat__text cleat__text_of(cleat_slice from, uint32_t limit)
{
    cleat__text text;
    cleat__text_init(&text, from, limit);
    return text;
}

static inline uint8_t *cleat__text_put(uint8_t *at, const cleat__text *text)
{
    if (__builtin_expect(text->broken, false)) {
        return cleat__text_put_broken(at, text);
    }
    return cleat__put_raw(at, text->data, text->size);
}

#endif
