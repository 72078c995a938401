#include "trace/span_context.h"

#include "base/error.h"
#include "base/hex.h"

bool cleat_trace_id_is_valid(const cleat_trace_id *id)
{
    static const cleat_trace_id zero;
    return id != NULL && memcmp(id, &zero, sizeof(zero)) != 0;
}

bool cleat_span_id_is_valid(const cleat_span_id *id)
{
    static const cleat_span_id zero;
    return id != NULL && memcmp(id, &zero, sizeof(zero)) != 0;
}

bool cleat_span_context_is_valid(const cleat_span_context *context)
{
    return context != NULL && cleat__span_context_is_valid(context);
}

bool cleat_span_context_is_sampled(const cleat_span_context *context)
{
    return context != NULL && (context->trace_flags & CLEAT_TRACE_FLAG_SAMPLED) != 0;
}

bool cleat_span_context_equals(const cleat_span_context *a, const cleat_span_context *b)
{
    if (a == NULL || b == NULL) {
        return a == b;
    }
    return memcmp(&a->trace_id, &b->trace_id, sizeof(a->trace_id)) == 0 &&
           memcmp(&a->span_id, &b->span_id, sizeof(a->span_id)) == 0;
}

void cleat_span_context_copy(cleat_span_context *to, const cleat_span_context *from)
{
    if (to == NULL || to == from) {
        return;
    }
    if (from == NULL) {
        memset(to, 0, offsetof(cleat_span_context, trace_state));
        return;
    }
    size_t used = from->trace_state_size;
    if (used > CLEAT_TRACE_STATE_MAX) {
        used = CLEAT_TRACE_STATE_MAX;
    }
    memcpy(to, from, offsetof(cleat_span_context, trace_state));
    memcpy(to->trace_state, from->trace_state, used);
    to->trace_state_size = (uint16_t)used;
}

void cleat_trace_id_to_hex(const cleat_trace_id *id, char hex[33])
{
    static const cleat_trace_id zero;
    cleat__hex_encode((id != NULL ? id : &zero)->bytes, sizeof(id->bytes), hex);
}

void cleat_span_id_to_hex(const cleat_span_id *id, char hex[17])
{
    static const cleat_span_id zero;
    cleat__hex_encode((id != NULL ? id : &zero)->bytes, sizeof(id->bytes), hex);
}

cleat_status cleat_trace_id_from_hex(cleat_slice hex, cleat_trace_id *id)
{
    cleat_trace_id decoded;
    if (id == NULL || !cleat__hex_decode(hex, decoded.bytes, sizeof(decoded.bytes)) ||
        !cleat_trace_id_is_valid(&decoded)) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "a trace id is 32 lower-case hex digits, not all zero");
    }
    *id = decoded;
    return CLEAT_OK;
}

cleat_status cleat_span_id_from_hex(cleat_slice hex, cleat_span_id *id)
{
    cleat_span_id decoded;
    if (id == NULL || !cleat__hex_decode(hex, decoded.bytes, sizeof(decoded.bytes)) ||
        !cleat_span_id_is_valid(&decoded)) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "a span id is 16 lower-case hex digits, not all zero");
    }
    *id = decoded;
    return CLEAT_OK;
}
