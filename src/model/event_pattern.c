#include "model/event_pattern.h"

#include "base/error.h"
#include "model/event.h"

#include <string.h>

bool cleat__event_pattern_is_exact(cleat_slice pattern)
{
    for (size_t i = 0; i < pattern.size; i++) {
        if (strchr("*%_\\", pattern.data[i]) != NULL && pattern.data[i] != '\0') {
            return false;
        }
    }
    return true;
}

cleat_status cleat__event_pattern_check(const char *field, cleat_slice pattern)
{
    if (pattern.size == 0) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s: a key is empty", field);
    }
    if (pattern.size > CLEAT__EVENT_KEY_MAX) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s: \"%.16s...\" has %zu bytes; at most %d are allowed",
                           field, pattern.data, pattern.size, CLEAT__EVENT_KEY_MAX);
    }
    size_t at = 0;
    while (at < pattern.size) {
        at += pattern.data[at] == '\\' ? 2 : 1;
    }
    return at == pattern.size ? CLEAT_OK
                              : cleat__fail(CLEAT_INVALID_ARGUMENT,
                                            "%s: \"%.*s\" ends with a '\\', which stands before a character",
                                            field, CLEAT_SLICE_ARGS(pattern));
}

/* Bytes of the character at `at`; bytes that belong to none go with the one before them. */
static size_t character_size(cleat_slice text, size_t at)
{
    size_t size = 1;
    while (at + size < text.size && ((unsigned char)text.data[at + size] & 0xc0) == 0x80) {
        size++;
    }
    return size;
}

static bool is_run(cleat_slice pattern, size_t at)
{
    return at < pattern.size && (pattern.data[at] == '*' || pattern.data[at] == '%');
}

/* Goes on by what stands for one character in the pattern, which is no run; false: it is another one. */
static bool match_one(cleat_slice pattern, size_t *at, cleat_slice key, size_t *key_at)
{
    if (*at == pattern.size) {
        return false;
    }
    if (pattern.data[*at] == '_') {
        *key_at += character_size(key, *key_at);
        *at += 1;
        return true;
    }
    size_t literal = pattern.data[*at] == '\\' ? *at + 1 : *at;
    if (literal == pattern.size || pattern.data[literal] != key.data[*key_at]) {
        return false;
    }
    *at = literal + 1;
    *key_at += 1;
    return true;
}

bool cleat__event_pattern_match(cleat_slice pattern, cleat_slice key, size_t *steps)
{
    size_t at = 0, key_at = 0;
    size_t behind_run = SIZE_MAX, tried = 0; /* of the last run: what follows it, and where that was tried */
    ++*steps;
    while (key_at < key.size) {
        ++*steps;
        if (is_run(pattern, at)) {
            behind_run = ++at;
            tried = key_at;
        } else if (!match_one(pattern, &at, key, &key_at)) {
            if (behind_run == SIZE_MAX) {
                return false;
            }
            tried += character_size(key, tried);
            at = behind_run;
            key_at = tried;
        }
        if (behind_run == pattern.size) {
            return true; /* whatever comes */
        }
    }
    while (is_run(pattern, at)) {
        at++;
    }
    return at == pattern.size;
}
