#include "base/uuid.h"

#include "base/error.h"

#define LAST_MS ((UINT64_C(1) << 48) - 1)
enum { COUNTER_BITS = 26 };

/* Starts in the lower half, so that ids of the same millisecond have room to count up. */
static uint32_t new_counter(cleat__random *random)
{
    return (uint32_t)(cleat__random_next(random) >> (64 - (COUNTER_BITS - 1)));
}

static void advance(cleat__uuid_generator *generator, int64_t unix_ms)
{
    uint64_t now = unix_ms > 0 ? (uint64_t)unix_ms : 0;
    if (now > LAST_MS) {
        now = LAST_MS;
    }
    if (now > generator->last_ms) {
        generator->last_ms = now;
        generator->counter = new_counter(generator->random);
        return;
    }
    generator->counter++;
    if (generator->counter >> COUNTER_BITS != 0) {
        /* Ahead of the clock rather than out of order. */
        generator->last_ms++;
        generator->counter = new_counter(generator->random);
    }
}

static void store_big_endian(uint8_t *bytes, size_t size, uint64_t value)
{
    for (size_t i = size; i > 0; i--) {
        bytes[i - 1] = (uint8_t)value;
        value >>= 8;
    }
}

cleat__uuid cleat__uuid_next(cleat__uuid_generator *generator, int64_t unix_ms)
{
    advance(generator, unix_ms);
    cleat__uuid uuid;
    uint32_t high = generator->counter >> 14;
    uint32_t low = generator->counter & 0x3FFF;
    store_big_endian(uuid.bytes, 6, generator->last_ms);
    store_big_endian(uuid.bytes + 6, 2, 0x7000u | high);
    store_big_endian(uuid.bytes + 8, 2, 0x8000u | low);
    store_big_endian(uuid.bytes + 10, 6, cleat__random_next(generator->random));
    return uuid;
}

cleat__uuid cleat__uuid_first(int64_t unix_ms)
{
    cleat__uuid uuid = {{0}};
    uint64_t ms = unix_ms > 0 ? (uint64_t)unix_ms : 0;
    store_big_endian(uuid.bytes, 6, ms < LAST_MS ? ms : LAST_MS);
    return uuid;
}

int64_t cleat__uuid_time(const cleat__uuid *uuid)
{
    int64_t unix_ms = 0;
    for (size_t i = 0; i < 6; i++) {
        unix_ms = unix_ms << 8 | uuid->bytes[i];
    }
    return uuid->bytes[6] >> 4 == 7 ? unix_ms : 0;
}

bool cleat__uuid_is_nil(const cleat__uuid *uuid)
{
    static const cleat__uuid nil;
    return cleat__uuid_equals(uuid, &nil);
}

bool cleat__uuid_equals(const cleat__uuid *a, const cleat__uuid *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

static bool is_dash_at(size_t index)
{
    return index == 8 || index == 13 || index == 18 || index == 23;
}

void cleat__uuid_format(const cleat__uuid *uuid, char text[37])
{
    char hex[33];
    cleat__hex_encode(uuid->bytes, sizeof(uuid->bytes), hex);
    const char *digit = hex;
    for (size_t i = 0; i < 36; i++) {
        text[i] = is_dash_at(i) ? '-' : *digit++;
    }
    text[36] = '\0';
}

cleat_status cleat__uuid_parse(cleat_slice text, cleat__uuid *out)
{
    char hex[32];
    size_t digits = 0;
    bool valid = text.size == 36;
    for (size_t i = 0; valid && i < 36; i++) {
        char character = text.data[i];
        if (is_dash_at(i)) {
            valid = character == '-';
        } else {
            hex[digits++] = character >= 'A' && character <= 'F' ? (char)(character | 0x20) : character;
        }
    }
    if (!valid || !cleat__hex_decode((cleat_slice){hex, sizeof(hex)}, out->bytes, 16)) {
        int shown = text.size < 64 ? (int)text.size : 64;
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "\"%.*s\" is not a UUID", shown, text.data);
    }
    return CLEAT_OK;
}
