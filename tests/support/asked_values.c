/* Random strings, values and attributes, and what must become of them. */
#include "support/asked_span.h"

#include <math.h>
#include <stdlib.h>

uint64_t asker_below(asker *self, uint64_t bound)
{
    return cleat__random_below(&self->random, bound);
}

bool asker_chance(asker *self, uint64_t times)
{
    return asker_below(self, times) == 0;
}

void *asker_alloc(asker *self, size_t size)
{
    if (self->block_count == self->block_capacity) {
        self->block_capacity = self->block_capacity * 2 + 64;
        self->blocks = realloc((void *)self->blocks, self->block_capacity * sizeof(*self->blocks));
        if (self->blocks == NULL) {
            abort();
        }
    }
    void *block = calloc(1, size != 0 ? size : 1);
    if (block == NULL) {
        abort();
    }
    self->blocks[self->block_count++] = block;
    return block;
}

void asker_forget(asker *self)
{
    while (self->block_count != 0) {
        free(self->blocks[--self->block_count]);
    }
}

/* ---- Strings ---- */

static cleat_slice keep(asker *self, const char *data, size_t size)
{
    char *copy = asker_alloc(self, size + 1);
    memcpy(copy, data, size);
    return (cleat_slice){copy, size};
}

/* Lengths around which something changes: varints, copies, what is kept in place. */
static size_t random_size(asker *self, size_t max)
{
    static const size_t edges[] = {0,   1,   3,   4,   7,   8,   15,   16,   31,    32,
                                   33,  47,  48,  49,  63,  64,  65,   95,   96,    97,
                                   126, 127, 128, 129, 255, 256, 1000, 4095, 16383, 16384};
    size_t size = asker_chance(self, 3) ? edges[asker_below(self, sizeof(edges) / sizeof(edges[0]))]
                                        : asker_below(self, 40);
    return size < max ? size : max;
}

static void append(char *text, size_t *size, size_t max, const char *piece)
{
    size_t length = strlen(piece);
    if (*size + length <= max) {
        memcpy(text + *size, piece, length);
        *size += length;
    }
}

cleat_slice asker_text(asker *self, size_t max)
{
    static const char *const characters[] = {
        "\xc3\xa4",     "\xce\xa9",
        "\xd0\x96",     "\xe2\x82\xac",
        "\xe6\xbc\xa2", "\xf0\x9f\x98\x80",
        "\x7f",         "\"",
        "\\",           "\n",
        "\x01",         "\xef\xbf\xbd",
        "\xef\xbf\xbf", "\xf4\x8f\xbf\xbf",
        "\xc2\x80",
    };
    /* Lone, missing and surplus bytes, overlong forms, surrogates, beyond the last character. */
    static const char *const broken[] = {
        "\x80", "\xbf\xbf", "\xc3", "\xe2\x82",     "\xf0\x9f\x98",     "\xc0\xaf",         "\xe0\x80\xaf",
        "\xfe", "\xff\xff", "\xf8", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf0\x80\x80\xaf",
    };
    size_t wanted = random_size(self, max), size = 0;
    char *text = asker_alloc(self, wanted + 1);
    unsigned kind = (unsigned)asker_below(self, 4);
    while (size < wanted) {
        uint64_t dice = asker_below(self, 10);
        const size_t before = size;
        if (kind >= 2 && dice < 3) {
            append(text, &size, wanted,
                   characters[asker_below(self, sizeof(characters) / sizeof(characters[0]))]);
        } else if (kind == 3 && dice < 5) {
            append(text, &size, wanted, broken[asker_below(self, sizeof(broken) / sizeof(broken[0]))]);
        }
        if (size == before) {
            text[size++] = (char)(' ' + asker_below(self, 95));
        }
    }
    return keep(self, text, size);
}

cleat_slice asker_key(asker *self)
{
    /* Few, so that they are overwritten; of equal length and ends, so that their hashes collide. */
    static const char *const keys[] = {"a",
                                       "b",
                                       "http.request.method",
                                       "abcd.1.wxyz",
                                       "abcd.2.wxyz",
                                       "abcd.3.wxyz",
                                       "schl\xc3\xbcssel",
                                       "exception.type",
                                       "exception.message",
                                       "broken \xff",
                                       ""};
    if (asker_chance(self, 3)) {
        return asker_text(self, 300);
    }
    return cleat_slice_of(keys[asker_below(self, sizeof(keys) / sizeof(keys[0]))]);
}

/* Bytes of the character at `at`; 0 when there is none. Written from RFC 3629, section 4. */
static size_t character_at(cleat_slice text, size_t at)
{
    const unsigned char *bytes = (const unsigned char *)text.data + at;
    size_t left = text.size - at;
    uint32_t code;
    size_t length;
    if (bytes[0] < 0x80) {
        return 1;
    }
    if ((bytes[0] & 0xE0) == 0xC0) {
        code = bytes[0] & 0x1Fu;
        length = 2;
    } else if ((bytes[0] & 0xF0) == 0xE0) {
        code = bytes[0] & 0x0Fu;
        length = 3;
    } else if ((bytes[0] & 0xF8) == 0xF0) {
        code = bytes[0] & 0x07u;
        length = 4;
    } else {
        return 0;
    }
    for (size_t i = 1; i < length; i++) {
        if (i >= left || (bytes[i] & 0xC0) != 0x80) {
            return 0;
        }
        code = code << 6 | (bytes[i] & 0x3Fu);
    }
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    bool is_valid = code >= least[length] && code <= 0x10FFFF && !(code >= 0xD800 && code <= 0xDFFF);
    return is_valid ? length : 0;
}

cleat_slice asked_text(asker *self, cleat_slice from, uint32_t limit)
{
    char *text = asker_alloc(self, from.size * 3 + 1);
    size_t size = 0, characters = 0;
    for (size_t at = 0; from.data != NULL && at < from.size && characters < limit; characters++) {
        size_t length = character_at(from, at);
        size_t put = length != 0 ? length : 3;
        memcpy(text + size, length != 0 ? from.data + at : "\xef\xbf\xbd", put);
        size += put;
        at += length != 0 ? length : 1;
    }
    return (cleat_slice){text, size};
}

/* ---- Values ---- */

static int64_t random_integer(asker *self)
{
    static const int64_t edges[] = {0, 1, -1, 127, 128, INT64_MAX, INT64_MIN, INT32_MIN, UINT32_MAX};
    if (asker_chance(self, 2)) {
        return edges[asker_below(self, sizeof(edges) / sizeof(edges[0]))];
    }
    return (int64_t)(cleat__random_next(&self->random) >> asker_below(self, 64));
}

static double random_double(asker *self)
{
    static const double edges[] = {
        0.0, -0.0, 1.0, 0.1, NAN, INFINITY, -INFINITY, 5e-324, 1.7976931348623157e308};
    double any;
    uint64_t bits = cleat__random_next(&self->random);
    memcpy(&any, &bits, sizeof(any));
    return asker_chance(self, 2) ? edges[asker_below(self, sizeof(edges) / sizeof(edges[0]))] : any;
}

static cleat_attribute random_array(asker *self, const char *key, cleat_value_type type)
{
    size_t count = asker_chance(self, 4) ? 0 : asker_below(self, asker_chance(self, 10) ? 200 : 6);
    cleat_slice *strings = asker_alloc(self, count * sizeof(*strings));
    int64_t *integers = asker_alloc(self, count * sizeof(*integers));
    double *reals = asker_alloc(self, count * sizeof(*reals));
    bool *booleans = asker_alloc(self, count * sizeof(*booleans));
    for (size_t i = 0; i < count; i++) {
        strings[i] = asker_chance(self, 20) ? (cleat_slice){NULL, 0} : asker_text(self, 100);
        integers[i] = random_integer(self);
        reals[i] = random_double(self);
        booleans[i] = asker_chance(self, 2);
    }
    switch (type) {
    case CLEAT_VALUE_STRING_ARRAY: return cleat_attribute_strings(key, strings, count);
    case CLEAT_VALUE_BOOL_ARRAY: return cleat_attribute_bools(key, booleans, count);
    case CLEAT_VALUE_INT_ARRAY: return cleat_attribute_ints(key, integers, count);
    default: return cleat_attribute_doubles(key, reals, count);
    }
}

cleat_attribute asker_attribute(asker *self)
{
    const char *key = asker_key(self).data;
    cleat_value_type type = (cleat_value_type)asker_below(self, CLEAT_VALUE_DOUBLE_ARRAY + 1);
    switch (type) {
    case CLEAT_VALUE_NONE: return cleat_attribute_string(key, NULL);
    case CLEAT_VALUE_STRING: return cleat_attribute_slice(key, asker_text(self, 20000));
    case CLEAT_VALUE_BOOL: return cleat_attribute_bool(key, asker_chance(self, 2));
    case CLEAT_VALUE_INT: return cleat_attribute_int(key, random_integer(self));
    case CLEAT_VALUE_DOUBLE: return cleat_attribute_double(key, random_double(self));
    default: return random_array(self, key, type);
    }
}

/* ---- What must become of them ---- */

static cleat_value asked_value(asker *self, const cleat_value *given, uint32_t length)
{
    cleat_value value = *given;
    if (value.type == CLEAT_VALUE_STRING) {
        value.as.string = asked_text(self, given->as.string, length);
    } else if (value.type == CLEAT_VALUE_STRING_ARRAY) {
        cleat_slice *strings = asker_alloc(self, given->count * sizeof(*strings));
        for (size_t i = 0; i < given->count; i++) {
            strings[i] = asked_text(self, given->as.strings[i], length);
        }
        value.as.strings = strings;
    }
    return value;
}

void asked_put(asker *self, asked_attributes *attributes, const cleat_attribute *given, uint32_t limit,
               uint32_t length)
{
    if (given->key.size == 0 || given->value.type == CLEAT_VALUE_NONE) {
        return;
    }
    cleat_attribute asked = {asked_text(self, given->key, UINT32_MAX),
                             asked_value(self, &given->value, length)};
    for (size_t i = 0; i < attributes->count; i++) {
        if (cleat_slice_equals(attributes->items[i].key, asked.key)) {
            attributes->items[i] = asked;
            return;
        }
    }
    if (attributes->count >= limit) {
        attributes->dropped++;
        return;
    }
    cleat_attribute *items = asker_alloc(self, (attributes->count + 1) * sizeof(*items));
    if (attributes->count != 0) {
        memcpy(items, attributes->items, attributes->count * sizeof(*items));
    }
    items[attributes->count++] = asked;
    attributes->items = items;
}

void asker_attributes(asker *self, size_t max, uint32_t limit, uint32_t length, asked_list *out)
{
    *out = (asked_list){.given_count = asker_below(self, max + 1)};
    out->given = asker_alloc(self, out->given_count * sizeof(*out->given));
    for (size_t i = 0; i < out->given_count; i++) {
        out->given[i] = asker_attribute(self);
        asked_put(self, &out->expected, &out->given[i], limit, length);
    }
}
