/*
 * The trace budget (telemetry.md section 3, rule 3).
 *
 * Three numbers ride in the tracestate member `cleat`, so that any hop can decide by itself
 * whether the trace it is about to continue has grown too large: "d:1;t:65a0b3c4;n:2", base 16,
 * lower case. Fields may come in any order and unknown ones are skipped, so that a later version
 * can add some; a missing, repeated or malformed one of the three makes the member absent.
 */
#include "topology/topology.h"

#include <stdio.h>

#define MEMBER           "cleat"
#define MEMBER_TEXT_SIZE 64

static int digit_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse_hex(cleat_slice text, uint64_t *out)
{
    uint64_t number = 0;
    if (text.size == 0 || text.size > 16) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        int digit = digit_value(text.data[i]);
        if (digit < 0) {
            return false;
        }
        number = number << 4 | (uint64_t)digit;
    }
    *out = number;
    return true;
}

/* Takes "k:value" off the front of *rest; false when it has not that form. */
static bool next_field(cleat_slice *rest, char *key, cleat_slice *value)
{
    const char *end = memchr(rest->data, ';', rest->size);
    size_t size = end != NULL ? (size_t)(end - rest->data) : rest->size;
    if (size < 3 || rest->data[1] != ':') {
        return false;
    }
    *key = rest->data[0];
    *value = (cleat_slice){rest->data + 2, size - 2};
    size_t used = end != NULL ? size + 1 : size;
    rest->data += used;
    rest->size -= used;
    return end == NULL || rest->size > 0;
}

bool cleat__budget_read(const cleat_span_context *context, cleat__budget_state *out)
{
    static const char keys[] = "dtn";
    uint64_t numbers[3] = {0, 0, 0};
    unsigned seen = 0;
    *out = (cleat__budget_state){0, 0, 0};
    cleat_slice rest = cleat_trace_state_get(context, MEMBER);
    while (rest.size > 0) {
        char key = 0;
        cleat_slice value = {NULL, 0};
        if (!next_field(&rest, &key, &value)) {
            return false;
        }
        const char *found = key != '\0' ? strchr(keys, key) : NULL;
        if (found == NULL) {
            continue;
        }
        unsigned bit = 1u << (found - keys);
        if ((seen & bit) != 0 || !parse_hex(value, &numbers[found - keys])) {
            return false;
        }
        seen |= bit;
    }
    if (seen != 7 || numbers[1] > INT64_MAX) {
        return false;
    }
    *out = (cleat__budget_state){numbers[0], (int64_t)numbers[1], numbers[2]};
    return true;
}

cleat_status cleat__budget_write(cleat_span_context *context, const cleat__budget_state *state)
{
    char text[MEMBER_TEXT_SIZE];
    uint64_t start = state->start_s > 0 ? (uint64_t)state->start_s : 0;
    int size = snprintf(text, sizeof text, "d:%llx;t:%llx;n:%llx", (unsigned long long)state->depth,
                        (unsigned long long)start, (unsigned long long)state->spans);
    return cleat_trace_state_set(context, MEMBER, (cleat_slice){text, (size_t)size});
}

bool cleat__budget_exceeded(const cleat__budget *budget, const cleat__budget_state *state, int64_t now_s)
{
    if (budget->max_depth > 0 && state->depth > budget->max_depth) {
        return true;
    }
    /* Start 0: the trace came without numbers, its age is unknown. */
    if (budget->max_age_s > 0 && state->start_s > 0 && now_s > state->start_s &&
        now_s - state->start_s > budget->max_age_s) {
        return true;
    }
    return budget->max_spans > 0 && state->spans > budget->max_spans;
}
