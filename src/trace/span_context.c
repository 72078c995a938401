#include "base/error.h"
#include "base/uuid.h"
#include "trace/header.h"

#include <cleat/trace.h>

enum {
    HEADER_SIZE = 55, /* "00-" 32 "-" 16 "-" 2 */
    TRACE_ID_AT = 3,
    SPAN_ID_AT = 36,
    FLAGS_AT = 53,
};

/* Flags of later versions are not carried on (W3C Trace Context 3.2.2.5). */
#define KNOWN_FLAGS (CLEAT_TRACE_FLAG_SAMPLED | CLEAT_TRACE_FLAG_RANDOM)

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
    return context != NULL && cleat_trace_id_is_valid(&context->trace_id) &&
           cleat_span_id_is_valid(&context->span_id);
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
    if (to == from) {
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
    cleat__hex_encode(id->bytes, sizeof(id->bytes), hex);
}

void cleat_span_id_to_hex(const cleat_span_id *id, char hex[17])
{
    cleat__hex_encode(id->bytes, sizeof(id->bytes), hex);
}

cleat_status cleat_trace_id_from_hex(cleat_slice hex, cleat_trace_id *id)
{
    cleat_trace_id decoded;
    if (!cleat__hex_decode(hex, decoded.bytes, sizeof(decoded.bytes)) || !cleat_trace_id_is_valid(&decoded)) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "a trace id is 32 lower-case hex digits, not all zero");
    }
    *id = decoded;
    return CLEAT_OK;
}

cleat_status cleat_span_id_from_hex(cleat_slice hex, cleat_span_id *id)
{
    cleat_span_id decoded;
    if (!cleat__hex_decode(hex, decoded.bytes, sizeof(decoded.bytes)) || !cleat_span_id_is_valid(&decoded)) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "a span id is 16 lower-case hex digits, not all zero");
    }
    *id = decoded;
    return CLEAT_OK;
}

cleat_status cleat_traceparent_format(const cleat_span_context *context, char header[56])
{
    if (!cleat_span_context_is_valid(context)) {
        header[0] = '\0';
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "an invalid span context has no traceparent");
    }
    uint8_t flags = context->trace_flags & KNOWN_FLAGS;
    memcpy(header, "00-", TRACE_ID_AT);
    cleat_trace_id_to_hex(&context->trace_id, header + TRACE_ID_AT);
    header[SPAN_ID_AT - 1] = '-';
    cleat_span_id_to_hex(&context->span_id, header + SPAN_ID_AT);
    header[FLAGS_AT - 1] = '-';
    cleat__hex_encode(&flags, 1, header + FLAGS_AT);
    return CLEAT_OK;
}

/* What may stand behind the 55 characters: nothing in version 00; in later ones "-" and anything,
 * but for a comma, which is how two headers look when HTTP has joined them. */
static bool is_tail_valid(uint8_t version, cleat_slice tail)
{
    if (tail.size == 0) {
        return true;
    }
    return version != 0 && tail.data[0] == '-' && memchr(tail.data, ',', tail.size) == NULL;
}

static bool parse(cleat_slice header, cleat_span_context *out)
{
    uint8_t version;
    const char *text = header.data;
    if (header.size < HEADER_SIZE || text[TRACE_ID_AT - 1] != '-' || text[SPAN_ID_AT - 1] != '-' ||
        text[FLAGS_AT - 1] != '-') {
        return false;
    }
    if (!cleat__hex_decode((cleat_slice){text, 2}, &version, 1) || version == 0xFF) {
        return false;
    }
    if (!cleat__hex_decode((cleat_slice){text + TRACE_ID_AT, 32}, out->trace_id.bytes, 16) ||
        !cleat__hex_decode((cleat_slice){text + SPAN_ID_AT, 16}, out->span_id.bytes, 8) ||
        !cleat__hex_decode((cleat_slice){text + FLAGS_AT, 2}, &out->trace_flags, 1)) {
        return false;
    }
    out->trace_flags &= KNOWN_FLAGS;
    out->is_remote = true;
    return cleat_span_context_is_valid(out) &&
           is_tail_valid(version, (cleat_slice){text + HEADER_SIZE, header.size - HEADER_SIZE});
}

cleat_status cleat_traceparent_parse(cleat_slice header, cleat_span_context *out)
{
    out->trace_state_size = 0;
    if (!parse(cleat__trim(header), out)) {
        memset(out, 0, sizeof(*out));
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "not a traceparent: 00-<32 hex>-<16 hex>-<2 hex>");
    }
    return CLEAT_OK;
}
