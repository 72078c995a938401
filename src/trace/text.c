#include "text.h"

_Thread_local uint32_t cleat__text_repaired __attribute__((tls_model("initial-exec")));

enum { REPLACEMENT_SIZE = sizeof(CLEAT__UTF8_REPLACEMENT) - 1 };

/* The longest run at `at` that can be copied as it is; 0 at an invalid byte. */
static size_t valid_run(const cleat__text *text, size_t at)
{
    return cleat__utf8_valid_prefix(text->data + at, text->raw_size - at);
}

/* The size with every invalid byte replaced, cut to the limit; sets what of `data` goes in. */
static void measure_broken(cleat__text *text, uint32_t limit)
{
    size_t at = 0, size = 0;
    while (at < text->raw_size && size < limit) {
        size_t run = valid_run(text, at);
        if (run > limit - size) {
            run = cleat__utf8_valid_prefix(text->data + at, limit - size);
            at += run;
            size += run;
            break;
        }
        at += run;
        size += run;
        if (at == text->raw_size || limit - size < REPLACEMENT_SIZE) {
            break;
        }
        at++;
        size += REPLACEMENT_SIZE;
    }
    text->raw_size = (uint32_t)at;
    text->size = (uint32_t)size;
}

void cleat__text_init_slow(cleat__text *text, cleat_slice from, uint32_t limit)
{
    if (from.data == NULL) {
        from.size = 0;
    }
    if (from.size > CLEAT__TEXT_MAX) {
        from.size = CLEAT__TEXT_MAX;
    }
    text->raw_size = (uint32_t)from.size;
    size_t valid = cleat__utf8_valid_prefix(from.data, from.size);
    if (valid >= limit || valid == from.size) {
        size_t kept = valid <= limit ? valid : cleat__utf8_valid_prefix(from.data, limit);
        text->size = text->raw_size = (uint32_t)kept;
        return;
    }
    text->broken = true;
    /* Repair triples at worst, and must stay within 32 bits. */
    measure_broken(text, limit < 3 * CLEAT__TEXT_MAX ? limit : (uint32_t)(3 * CLEAT__TEXT_MAX));
}

uint8_t *cleat__text_put_broken(uint8_t *at, const cleat__text *text)
{
    size_t from = 0;
    cleat__text_repaired++;
    while (from < text->raw_size) {
        size_t run = valid_run(text, from);
        memcpy(at, text->data + from, run);
        at += run;
        from += run;
        if (from < text->raw_size) {
            memcpy(at, CLEAT__UTF8_REPLACEMENT, REPLACEMENT_SIZE);
            at += REPLACEMENT_SIZE;
            from++;
        }
    }
    return at;
}
