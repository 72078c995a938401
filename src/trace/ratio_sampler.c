/*
 * Consistent probability sampling. A ratio becomes a 56-bit rejection threshold; a trace is kept
 * when its randomness reaches it. A sampled span says the threshold in its tracestate (`ot=th:`, in
 * hex with trailing zeros cut), so that back ends know how many spans it stands for.
 *
 * Source: OpenTelemetry specification, "Probability sampling in tracestate".
 */
#include "sampler.h"

#include "base/alloc.h"
#include "base/error.h"
#include "trace_state.h"

#include <stdio.h>

#define RANGE (UINT64_C(1) << 56)
enum { HEX_DIGITS = 14, VALUE_MAX = 256 /* of a tracestate member */ };

/* The tracestate member of OpenTelemetry itself. */
static const cleat_slice vendor = {"ot", 2};

typedef struct ratio_sampler {
    cleat_sampler base;
    uint64_t threshold;                      /* 0: keep all; RANGE: drop all */
    char member[sizeof("th:") + HEX_DIGITS]; /* "th:c", what a sampled span's tracestate says */
    char description[64];
} ratio_sampler;

/* The next `key:value` part of the value of `ot`; false at the end. */
static bool next_part(cleat_slice *rest, cleat_slice *part)
{
    while (rest->size != 0) {
        const char *end = memchr(rest->data, ';', rest->size);
        size_t size = end != NULL ? (size_t)(end - rest->data) : rest->size;
        *part = (cleat_slice){rest->data, size};
        size_t taken = end != NULL ? size + 1 : size;
        rest->data += taken;
        rest->size -= taken;
        if (size != 0) {
            return true;
        }
    }
    return false;
}

static bool begins_with(cleat_slice text, const char *prefix)
{
    size_t size = strlen(prefix);
    return text.size >= size && memcmp(text.data, prefix, size) == 0;
}

static bool read_hex56(cleat_slice text, uint64_t *out)
{
    uint64_t value = 0;
    for (size_t i = 0; i < text.size; i++) {
        char digit = text.data[i];
        if (digit >= '0' && digit <= '9') {
            value = value << 4 | (uint64_t)(digit - '0');
        } else if (digit >= 'a' && digit <= 'f') {
            value = value << 4 | (uint64_t)(digit - 'a' + 10);
        } else {
            return false;
        }
    }
    *out = value;
    return text.size == HEX_DIGITS;
}

uint64_t cleat__sampling_randomness(cleat_slice trace_state, const cleat_trace_id *trace_id)
{
    uint64_t value = 0;
    if (trace_state.size != 0) {
        cleat_slice rest = cleat__trace_state_find(trace_state, vendor), part;
        while (next_part(&rest, &part)) {
            if (begins_with(part, "rv:") && read_hex56((cleat_slice){part.data + 3, part.size - 3}, &value)) {
                return value;
            }
        }
    }
    value = 0;
    for (size_t i = 9; i < sizeof(trace_id->bytes); i++) {
        value = value << 8 | trace_id->bytes[i];
    }
    return value;
}

/* The tracestate of the span: `th` of the member `ot` replaced (NULL: removed), the rest kept as far
 * as there is room behind it. */
static void write_threshold(cleat_slice trace_state, const char *threshold, cleat_sampling_result *result)
{
    cleat_span_context *context = &result->trace_state_of;
    char value[VALUE_MAX];
    size_t size = 0;
    cleat_slice rest = cleat__trace_state_find(trace_state, vendor), part;
    if (threshold != NULL) {
        size = strlen(threshold);
        memcpy(value, threshold, size);
    }
    bool had_threshold = false;
    while (next_part(&rest, &part)) {
        if (begins_with(part, "th:")) {
            had_threshold = true;
        } else if (size + 1 + part.size <= sizeof(value)) {
            if (size != 0) {
                value[size++] = ';';
            }
            memcpy(value + size, part.data, part.size);
            size += part.size;
        }
    }
    if (threshold == NULL && !had_threshold) {
        return; /* nothing to change */
    }
    memcpy(context->trace_state, trace_state.data, trace_state.size);
    context->trace_state_size = (uint16_t)trace_state.size;
    if (size == 0) {
        cleat_trace_state_delete(context, "ot");
    } else {
        cleat_trace_state_set(context, "ot", (cleat_slice){value, size});
    }
    result->sets_trace_state = true;
}

/* The usual case: nothing was in the tracestate before. */
static void write_threshold_alone(const ratio_sampler *sampler, cleat_sampling_result *result)
{
    int size = snprintf(result->trace_state_of.trace_state, CLEAT_TRACE_STATE_MAX, "ot=%s", sampler->member);
    result->trace_state_of.trace_state_size = (uint16_t)size;
    result->sets_trace_state = true;
}

static void sample_ratio(cleat_sampler *self, const cleat_sampling_arguments *arguments,
                         cleat_sampling_result *result)
{
    const ratio_sampler *sampler = (const ratio_sampler *)self;
    cleat_slice trace_state = arguments->trace_state;
    uint64_t randomness = cleat__sampling_randomness(trace_state, &arguments->trace_id);
    bool is_sampled = sampler->threshold < RANGE && randomness >= sampler->threshold;
    if (is_sampled) {
        result->decision = CLEAT_SAMPLING_RECORD_AND_SAMPLE;
    }
    if (trace_state.size > CLEAT_TRACE_STATE_MAX) {
        return;
    }
    if (trace_state.size != 0) {
        write_threshold(trace_state, is_sampled ? sampler->member : NULL, result);
    } else if (is_sampled) {
        write_threshold_alone(sampler, result);
    }
}

static const char *describe_ratio(cleat_sampler *self)
{
    return ((ratio_sampler *)self)->description;
}

static void free_ratio(cleat_sampler *self)
{
    cleat__free(self);
}

cleat_sampler *cleat_sampler_ratio(double ratio)
{
    ratio_sampler *sampler = cleat__malloc(sizeof(*sampler));
    if (sampler == NULL) {
        cleat__fail_memory();
        return NULL;
    }
    ratio = ratio > 0 ? (ratio < 1 ? ratio : 1) : 0; /* not a number is 0 too */
    sampler->base = (cleat_sampler){sample_ratio, describe_ratio, free_ratio};
    /* Rounded, so that a ratio like 0.1 gets the nearest of the 2^56 thresholds. */
    sampler->threshold = RANGE - (uint64_t)(ratio * (double)RANGE + 0.5);
    snprintf(sampler->description, sizeof(sampler->description), "TraceIdRatioBased{%.6f}", ratio);

    int size = snprintf(sampler->member, sizeof(sampler->member), "th:%0*llx", HEX_DIGITS,
                        (unsigned long long)(sampler->threshold & (RANGE - 1)));
    while (size > (int)sizeof("th:0") - 1 && sampler->member[size - 1] == '0') {
        sampler->member[--size] = '\0';
    }
    return &sampler->base;
}
