#include "ot_state.h"

#include "header.h"
#include "sampler.h"
#include "trace_state.h"

enum { DIGITS = CLEAT__THRESHOLD_DIGITS, PRECISION = 4, VALUE_MAX = 256 /* of a tracestate member */ };

static const cleat_slice vendor = {"ot", 2};

/* ---- Reading ---- */

/* The next `key:value` part of the value of `ot`, without blanks behind it; false at the end. */
static bool next_part(cleat_slice *rest, cleat_slice *part)
{
    while (rest->data != NULL) {
        *part = cleat__trim(cleat__split(*rest, ';', rest));
        if (part->size != 0) {
            return true;
        }
    }
    return false;
}

static bool has_key(cleat_slice part, const char key[4])
{
    return part.size >= 3 && memcmp(part.data, key, 3) == 0;
}

/* Up to 14 lower-case digits, as if zeros stood behind them. */
static bool read_digits(cleat_slice text, uint64_t *out)
{
    uint64_t value = 0;
    if (text.size == 0 || text.size > DIGITS) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        char digit = text.data[i];
        if (cleat__is_digit(digit)) {
            value = value << 4 | (uint64_t)(digit - '0');
        } else if (digit >= 'a' && digit <= 'f') {
            value = value << 4 | (uint64_t)(digit - 'a' + 10);
        } else {
            return false;
        }
    }
    *out = value << (4 * (DIGITS - text.size));
    return true;
}

/* Whoever wrote `ot` last put it in front, so that is where it mostly is. */
static cleat_slice find_member(cleat_slice trace_state)
{
    if (trace_state.size >= 3 && memcmp(trace_state.data, "ot=", 3) == 0) {
        cleat_slice rest;
        return cleat__trim(
            cleat__split((cleat_slice){trace_state.data + 3, trace_state.size - 3}, ',', &rest));
    }
    return cleat__trace_state_find(trace_state, vendor);
}

static cleat_slice behind_key(cleat_slice part)
{
    return (cleat_slice){part.data + 3, part.size - 3};
}

static void read_member(cleat_slice member, cleat__ot_state *out)
{
    cleat_slice part;
    *out = (cleat__ot_state){.has_threshold = false};
    while (next_part(&member, &part)) {
        if (has_key(part, "th:")) {
            out->has_threshold = out->has_threshold || read_digits(behind_key(part), &out->threshold);
        } else if (has_key(part, "rv:") && part.size == 3 + DIGITS) {
            out->has_randomness = out->has_randomness || read_digits(behind_key(part), &out->randomness);
        }
    }
}

void cleat__ot_read(cleat_slice trace_state, cleat__ot_state *out)
{
    if (trace_state.size == 0) {
        *out = (cleat__ot_state){.has_threshold = false};
        return;
    }
    read_member(find_member(trace_state), out);
}

uint64_t cleat__trace_id_randomness(const cleat_trace_id *trace_id)
{
    uint64_t value = 0; /* compilers make one load of these eight bytes */
    for (size_t i = 8; i < sizeof(trace_id->bytes); i++) {
        value = value << 8 | trace_id->bytes[i];
    }
    return value & (CLEAT__THRESHOLD_RANGE - 1);
}

uint64_t cleat__sampling_randomness(cleat_slice trace_state, const cleat_trace_id *trace_id)
{
    cleat__ot_state state;
    cleat__ot_read(trace_state, &state);
    return state.has_randomness ? state.randomness : cleat__trace_id_randomness(trace_id);
}

/* ---- Writing ---- */

static size_t put_digits(uint64_t value, size_t count, char *text)
{
    for (size_t i = 0; i < count; i++) {
        text[i] = "0123456789abcdef"[value >> (4 * (DIGITS - 1 - i)) & 15];
    }
    return count;
}

size_t cleat__threshold_format(uint64_t threshold, char text[CLEAT__THRESHOLD_DIGITS])
{
    size_t count = DIGITS;
    while (count > 1 && (threshold >> (4 * (DIGITS - count)) & 15) == 0) {
        count--;
    }
    return put_digits(threshold, count, text);
}

/* "th:8;rv:..." */
static size_t put_state(const cleat__ot_state *state, char *text)
{
    size_t size = 0;
    if (state->has_threshold) {
        memcpy(text, "th:", 3);
        size = 3 + cleat__threshold_format(state->threshold, text + 3);
    }
    if (state->has_randomness) {
        if (size != 0) {
            text[size++] = ';';
        }
        memcpy(text + size, "rv:", 3);
        size += 3 + put_digits(state->randomness, DIGITS, text + size + 3);
    }
    return size;
}

/* Behind `size` characters, what of the old member is neither threshold nor randomness. */
static size_t put_rest(cleat_slice member, char *text, size_t size)
{
    cleat_slice part;
    while (next_part(&member, &part)) {
        size_t separator = size != 0;
        if (has_key(part, "th:") || has_key(part, "rv:") || size + separator + part.size > VALUE_MAX) {
            continue;
        }
        if (separator) {
            text[size++] = ';';
        }
        memcpy(text + size, part.data, part.size);
        size += part.size;
    }
    return size;
}

static void write_alone(const cleat__ot_state *state, cleat_sampling_result *result)
{
    cleat_span_context *context = &result->trace_state_of;
    memcpy(context->trace_state, "ot=", 3);
    context->trace_state_size = (uint16_t)(3 + put_state(state, context->trace_state + 3));
    result->sets_trace_state = true;
}

void cleat__ot_write(cleat_slice trace_state, const cleat__ot_state *wanted, cleat_sampling_result *result)
{
    cleat_span_context *context = &result->trace_state_of;
    cleat__ot_state before, after = *wanted;
    if (trace_state.size == 0) {
        if (after.has_threshold || after.has_randomness) {
            write_alone(&after, result);
        }
        return;
    }
    if (trace_state.size > CLEAT_TRACE_STATE_MAX) {
        return;
    }
    cleat_slice member = find_member(trace_state);
    read_member(member, &before);
    if (before.has_randomness) {
        after.has_randomness = true;
        after.randomness = before.randomness;
    }
    if (after.has_threshold == before.has_threshold && after.has_randomness == before.has_randomness &&
        (!after.has_threshold || after.threshold == before.threshold)) {
        return; /* nothing to change */
    }
    char value[VALUE_MAX];
    size_t size = put_rest(member, value, put_state(&after, value));
    /* The provider of a tracestate may have been here before. */
    if (trace_state.data != context->trace_state) {
        memcpy(context->trace_state, trace_state.data, trace_state.size);
        context->trace_state_size = (uint16_t)trace_state.size;
    }
    if (size == 0) {
        cleat_trace_state_delete(context, "ot");
    } else {
        cleat_trace_state_set(context, "ot", (cleat_slice){value, size});
    }
    result->sets_trace_state = true;
}

/* ---- Ratios ---- */

/* Digits at the front that are all 0 or all f, and say little. */
static unsigned leading_digits(uint64_t threshold)
{
    unsigned count = 0;
    uint64_t first = threshold >> (4 * (DIGITS - 1));
    while ((first == 0 || first == 15) && count < DIGITS &&
           (threshold >> (4 * (DIGITS - 1 - count)) & 15) == first) {
        count++;
    }
    return count;
}

uint64_t cleat__threshold_of_ratio(double ratio)
{
    ratio = ratio > 0 ? (ratio < 1 ? ratio : 1) : 0; /* not a number is 0 too */
    uint64_t threshold = CLEAT__THRESHOLD_RANGE - (uint64_t)(ratio * (double)CLEAT__THRESHOLD_RANGE + 0.5);
    unsigned digits = PRECISION + leading_digits(threshold);
    if (threshold < CLEAT__THRESHOLD_RANGE && digits < DIGITS) {
        unsigned shift = 4 * (DIGITS - digits);
        /* The digit behind the leading ones is no f: this stays below the range. */
        threshold = (threshold + (UINT64_C(1) << (shift - 1))) >> shift << shift;
    }
    return threshold;
}
