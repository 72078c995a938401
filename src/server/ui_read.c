/* Pieces of questions that several routes have in common. */
#include "base/utf8.h"
#include "rest_parts.h"
#include "ui_parts.h"

bool cleat__ui_refuse(cleat__http_call *call, const char *name)
{
    cleat__http_call_refuse(call, 400, "Invalid format for parameter %s", name);
    return false;
}

bool cleat__ui_read_trace(cleat__http_call *call, cleat_trace_id *out)
{
    return cleat_trace_id_from_hex(cleat__http_call_part(call, "trace"), out) == CLEAT_OK ||
           cleat__ui_refuse(call, "trace");
}

bool cleat__ui_read_span(cleat__http_call *call, cleat_span_id *out)
{
    return cleat_span_id_from_hex(cleat__http_call_part(call, "span"), out) == CLEAT_OK ||
           cleat__ui_refuse(call, "span");
}

static bool is_text(cleat_slice value)
{
    return value.size <= CLEAT__UI_TEXT_MAX && cleat__utf8_valid_prefix(value.data, value.size) == value.size;
}

bool cleat__ui_read_text(cleat__http_call *call, const char *name, cleat_slice *out)
{
    cleat_slice value = cleat__http_call_argument(call, name);
    *out = value.size != 0 ? value : (cleat_slice){NULL, 0};
    return is_text(*out) || cleat__ui_refuse(call, name);
}

bool cleat__ui_read_pairs(cleat__http_call *call, const char *name, char separator, size_t max,
                          cleat__ui_pair *pairs, size_t *count)
{
    cleat_slice value;
    size_t cursor = 0;
    *count = 0;
    while (cleat__http_call_next(call, name, &cursor, &value)) {
        const char *at = memchr(value.data, separator, value.size);
        if (at == NULL || at == value.data || !is_text(value) || *count == max) {
            return cleat__ui_refuse(call, name);
        }
        size_t size = (size_t)(at - value.data);
        pairs[(*count)++] = (cleat__ui_pair){{value.data, size}, {at + 1, value.size - size - 1}};
    }
    return true;
}

bool cleat__ui_read_times(cleat__http_call *call, int64_t *since_ms, int64_t *until_ms)
{
    if (!cleat__http_call_int(call, "since_ms", 0, CLEAT__UI_TIME_MAX, since_ms) ||
        !cleat__http_call_int(call, "until_ms", 1, CLEAT__UI_TIME_MAX, until_ms)) {
        return false;
    }
    return *until_ms == 0 || *since_ms <= *until_ms || cleat__ui_refuse(call, "until_ms");
}

bool cleat__ui_read_statuses(cleat__http_call *call, unsigned *out)
{
    static const char *const names[] = {
        [CLEAT_RUN_QUEUED] = "QUEUED",
        [CLEAT_RUN_RUNNING] = "RUNNING",
        [CLEAT_RUN_COMPLETED] = "COMPLETED",
        [CLEAT_RUN_FAILED] = "FAILED",
        [CLEAT_RUN_CANCELLED] = "CANCELLED",
        [CLEAT_RUN_EVICTED] = "EVICTED",
        NULL,
    };
    *out = 0;
    return cleat__rest_read_choices(call, "status", names, out);
}
