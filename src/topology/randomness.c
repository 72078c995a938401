/* The 56 bits by which consistent samplers decide (OpenTelemetry specification, "TraceState:
 * Probability Sampling"; the `ot` member, sub-key `rv`). */
#include "topology/topology.h"

#include "base/uuid.h"

#define RANDOM_BYTES 7

static uint64_t number_of(const uint8_t bytes[RANDOM_BYTES])
{
    uint64_t number = 0;
    for (int i = 0; i < RANDOM_BYTES; i++) {
        number = number << 8 | bytes[i];
    }
    return number;
}

/* Finds "rv:<14 hex>" in "th:8;rv:..."; false when it is not there or malformed. */
static bool explicit_randomness(cleat_slice member, uint8_t bytes[RANDOM_BYTES])
{
    while (member.size > 0) {
        const char *end = memchr(member.data, ';', member.size);
        size_t size = end != NULL ? (size_t)(end - member.data) : member.size;
        if (size > 3 && memcmp(member.data, "rv:", 3) == 0) {
            cleat_slice text = {member.data + 3, size - 3};
            return text.size == 2 * RANDOM_BYTES && cleat__hex_decode(text, bytes, RANDOM_BYTES);
        }
        size_t used = end != NULL ? size + 1 : size;
        member.data += used;
        member.size -= used;
    }
    return false;
}

uint64_t cleat__randomness(const cleat_span_context *context)
{
    uint8_t bytes[RANDOM_BYTES];
    if (explicit_randomness(cleat_trace_state_get(context, "ot"), bytes)) {
        return number_of(bytes);
    }
    return number_of(context->trace_id.bytes + sizeof context->trace_id.bytes - RANDOM_BYTES);
}
