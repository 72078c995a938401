#include "text.h"

_Thread_local uint32_t cleat__text_repaired __attribute__((tls_model("initial-exec")));

enum { REPLACEMENT_SIZE = sizeof(CLEAT__UTF8_REPLACEMENT) - 1 };

/* The longest run at `at` that can be copied as it is; 0 at an invalid byte. */
static size_t valid_run(const cleat__text *text, size_t at)
{
    return cleat__utf8_valid_prefix(text->data + at, text->raw_size - at);
}

/* The size with every invalid byte replaced, which makes it one character, cut to the limit; sets what
 * of `data` goes in. */
static void measure_broken(cleat__text *text, uint32_t limit)
{
    size_t at = 0, size = 0;
    while (at < text->raw_size && limit != 0) {
        size_t run = cleat__utf8_cut(text->data + at, valid_run(text, at), &limit);
        at += run;
        size += run;
        if (at == text->raw_size || limit == 0) {
            break;
        }
        text->broken = true;
        at++;
        size += REPLACEMENT_SIZE;
        limit--;
    }
    text->raw_size = (uint32_t)at;
    text->size = (uint32_t)size; /* repair triples CLEAT__TEXT_MAX at worst */
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
    if (cleat__utf8_valid_prefix(from.data, from.size) != from.size) {
        measure_broken(text, limit);
        return;
    }
    if (from.size > limit) {
        text->raw_size = (uint32_t)cleat__utf8_cut(from.data, from.size, &limit);
    }
    text->size = text->raw_size;
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
