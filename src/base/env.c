#include "base/env.h"

#include "base/log.h"
#include "base/process.h"

#include <stdio.h>
#include <stdlib.h>

static bool is_blank(char character)
{
    return character == ' ' || character == '\t';
}

cleat_slice cleat__env_get(const char *name)
{
    cleat_slice value = cleat_slice_of(getenv(name));
    while (value.size != 0 && is_blank(value.data[0])) {
        value.data++;
        value.size--;
    }
    while (value.size != 0 && is_blank(value.data[value.size - 1])) {
        value.size--;
    }
    return value.size != 0 ? value : (cleat_slice){NULL, 0};
}

bool cleat__env_is(cleat_slice value, const char *lower)
{
    if (value.size != strlen(lower)) {
        return false;
    }
    for (size_t i = 0; i < value.size; i++) {
        char character = value.data[i];
        if (character >= 'A' && character <= 'Z') {
            character = (char)(character | 0x20);
        }
        if (character != lower[i]) {
            return false;
        }
    }
    return true;
}

static uint64_t hash_append(uint64_t hash, cleat_slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        hash = (hash ^ (unsigned char)text.data[i]) * UINT64_C(0x100000001B3);
    }
    return (hash ^ 0xFF) * UINT64_C(0x100000001B3);
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* guards what is remembered */
CLEAT__FORK_HOOK(CLEAT__FORK_WARNINGS, mutex, NULL);

/* Whether this is new, and remembers it. A program that changes its environment for ever is
 * warned about its first values only. */
static bool is_first_warning(const char *name, cleat_slice value)
{
    enum { REMEMBERED = 256 };
    static uint64_t hashes[REMEMBERED];
    static size_t count;

    uint64_t hash = hash_append(UINT64_C(0xCBF29CE484222325), cleat_slice_of(name));
    hash = hash_append(hash, value);
    pthread_mutex_lock(&mutex);
    bool first = count < REMEMBERED;
    for (size_t i = 0; first && i < count; i++) {
        first = hashes[i] != hash;
    }
    if (first) {
        hashes[count++] = hash;
    }
    pthread_mutex_unlock(&mutex);
    return first;
}

void cleat__env_warn(const char *name, cleat_slice value, const char *accepted)
{
    /* What nobody hears is not counted as said. */
    if (!cleat__log_enabled(CLEAT_LOG_WARN) || !is_first_warning(name, value)) {
        return;
    }
    int shown = value.size < 200 ? (int)value.size : 200;
    cleat__log(CLEAT_LOG_WARN, "%s: \"%.*s\" is ignored; accepted: %s", name, shown, value.data, accepted);
}

bool cleat__env_bool(const char *name, bool fallback)
{
    cleat_slice value = cleat__env_get(name);
    if (value.data == NULL) {
        return fallback;
    }
    if (cleat__env_is(value, "true")) {
        return true;
    }
    /* Specification: whatever else it is means false. */
    if (!cleat__env_is(value, "false")) {
        cleat__env_warn(name, value, "true, false");
    }
    return false;
}

/* All of `text` as a decimal number. */
static bool parse_int(cleat_slice text, int64_t *out)
{
    bool negative = text.size > 1 && text.data[0] == '-';
    size_t i = negative || (text.size > 1 && text.data[0] == '+') ? 1 : 0;
    uint64_t value = 0;
    for (; i < text.size; i++) {
        unsigned digit = (unsigned)((unsigned char)text.data[i] - '0');
        if (digit > 9 || value > ((uint64_t)INT64_MAX - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    *out = negative ? -(int64_t)value : (int64_t)value;
    return true;
}

int64_t cleat__env_int(const char *name, int64_t fallback, int64_t min, int64_t max)
{
    cleat_slice text = cleat__env_get(name);
    int64_t value = 0;
    if (text.data == NULL) {
        return fallback;
    }
    if (!parse_int(text, &value) || value < min || value > max) {
        char accepted[64];
        snprintf(accepted, sizeof(accepted), "%lld to %lld", (long long)min, (long long)max);
        cleat__env_warn(name, text, accepted);
        return fallback;
    }
    return value;
}

/* Digits from `*at` on, added behind `*value`; how many. */
static int parse_digits(cleat_slice text, size_t *at, double *value)
{
    int count = 0;
    for (; *at < text.size && text.data[*at] >= '0' && text.data[*at] <= '9'; (*at)++) {
        *value = *value * 10 + (text.data[*at] - '0');
        count++;
    }
    return count;
}

/* strtod() would read a comma or a point as the program's locale says. */
static bool parse_double(cleat_slice text, double *out)
{
    size_t at = 0;
    double value = 0;
    double sign = text.data[0] == '-' ? -1 : 1;
    if (text.data[0] == '-' || text.data[0] == '+') {
        at++;
    }
    int digits = parse_digits(text, &at, &value);
    int decimals = 0;
    if (at < text.size && text.data[at] == '.') {
        at++;
        decimals = parse_digits(text, &at, &value);
    }
    if (digits + decimals == 0 || decimals > 300) {
        return false;
    }
    int64_t exponent = 0;
    if (at < text.size && (text.data[at] == 'e' || text.data[at] == 'E')) {
        at++;
        if (at == text.size || !parse_int((cleat_slice){text.data + at, text.size - at}, &exponent) ||
            exponent < -300 || exponent > 300) {
            return false;
        }
        at = text.size;
    }
    if (at != text.size) {
        return false;
    }
    double scale = 1;
    exponent -= decimals;
    for (int64_t i = exponent < 0 ? -exponent : exponent; i > 0; i--) {
        scale *= 10;
    }
    *out = sign * (exponent < 0 ? value / scale : value * scale);
    return true;
}

double cleat__env_double(const char *name, double fallback, double min, double max)
{
    cleat_slice text = cleat__env_get(name);
    double value = 0;
    if (text.data == NULL) {
        return fallback;
    }
    if (!parse_double(text, &value) || !(value >= min && value <= max)) {
        char accepted[64];
        snprintf(accepted, sizeof(accepted), "%g to %g", min, max);
        cleat__env_warn(name, text, accepted);
        return fallback;
    }
    return value;
}
