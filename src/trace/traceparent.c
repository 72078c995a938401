#include "trace/traceparent.h"

#include "base/error.h"
#include "base/hex.h"
#include "trace/header.h"

enum { TRACE_ID_AT = 3, SPAN_ID_AT = 36, FLAGS_AT = 53 };

/* Flags of later versions are not carried on (W3C Trace Context 3.2.2.5). */
#define KNOWN_FLAGS (CLEAT_TRACE_FLAG_SAMPLED | CLEAT_TRACE_FLAG_RANDOM)
_Static_assert(KNOWN_FLAGS < 10, "flags are written as one decimal digit");

void cleat__traceparent_write(const cleat_span_context *context, char header[CLEAT__TRACEPARENT_SIZE])
{
    memcpy(header, "00-", TRACE_ID_AT);
    cleat__hex_put(header + TRACE_ID_AT, context->trace_id.bytes);
    cleat__hex_put(header + TRACE_ID_AT + 16, context->trace_id.bytes + 8);
    header[SPAN_ID_AT - 1] = '-';
    cleat__hex_put(header + SPAN_ID_AT, context->span_id.bytes);
    header[FLAGS_AT - 1] = '-';
    header[FLAGS_AT] = '0';
    header[FLAGS_AT + 1] = (char)('0' + (context->trace_flags & KNOWN_FLAGS));
}

cleat_status cleat_traceparent_format(const cleat_span_context *context, char header[56])
{
    if (header == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "a traceparent needs room for 56 bytes");
    }
    header[0] = '\0';
    if (!cleat_span_context_is_valid(context)) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "an invalid span context has no traceparent");
    }
    cleat__traceparent_write(context, header);
    header[CLEAT__TRACEPARENT_SIZE] = '\0';
    return CLEAT_OK;
}

/* What may stand behind the 55 characters: nothing in version 00; in later ones "-" and anything,
 * but for a comma, which is how two headers look when HTTP has joined them. */
static bool is_tail_valid(unsigned version, cleat_slice tail)
{
    if (tail.size == 0) {
        return true;
    }
    return version != 0 && tail.data[0] == '-' && memchr(tail.data, ',', tail.size) == NULL;
}

/* Above 0xFF for what is no byte. */
static unsigned read_byte(const char *text)
{
    unsigned high = cleat__hex_digit(text[0]), low = cleat__hex_digit(text[1]);
    return low < 16 ? high << 4 | low : 256;
}

bool cleat__traceparent_read(cleat_slice header, cleat_span_context *out)
{
    header = cleat__trim(header);
    const char *text = header.data;
    if (header.size < CLEAT__TRACEPARENT_SIZE || text[TRACE_ID_AT - 1] != '-' ||
        text[SPAN_ID_AT - 1] != '-' || text[FLAGS_AT - 1] != '-') {
        return false;
    }
    unsigned version = read_byte(text);
    unsigned flags = read_byte(text + FLAGS_AT);
    /* Zero ids are seen here rather than in `*out`: what was just stored is slow to read otherwise. */
    cleat__bytes16 wrong = {0};
    uint64_t trace_id = cleat__hex_take(text + TRACE_ID_AT, out->trace_id.bytes, &wrong);
    trace_id |= cleat__hex_take(text + TRACE_ID_AT + 16, out->trace_id.bytes + 8, &wrong);
    uint64_t span_id = cleat__hex_take(text + SPAN_ID_AT, out->span_id.bytes, &wrong);
    if (cleat__hex_is_wrong(&wrong) || trace_id == 0 || span_id == 0 || version >= 0xFF || flags > 0xFF) {
        return false;
    }
    out->trace_flags = flags & KNOWN_FLAGS;
    out->is_remote = true;
    out->trace_state_size = 0;
    return is_tail_valid(
        version, (cleat_slice){text + CLEAT__TRACEPARENT_SIZE, header.size - CLEAT__TRACEPARENT_SIZE});
}

cleat_status cleat_traceparent_parse(cleat_slice header, cleat_span_context *out)
{
    if (out != NULL && cleat__traceparent_read(header, out)) {
        return CLEAT_OK;
    }
    if (out != NULL) {
        memset(out, 0, sizeof(*out));
    }
    return cleat__fail(CLEAT_INVALID_ARGUMENT, "not a traceparent: 00-<32 hex>-<16 hex>-<2 hex>");
}
