/* The grammar of W3C tracestate, for those who keep one without a whole span context. */
#ifndef CLEAT_TRACE_TRACE_STATE_H
#define CLEAT_TRACE_TRACE_STATE_H

#include <cleat/trace.h>

bool cleat__trace_state_key_is_valid(cleat_slice key);
bool cleat__trace_state_value_is_valid(cleat_slice value);

/* Takes the next member that is not empty off `*rest`, without the blanks around it; key and value
 * are not checked, and `value` is absent where there is no "=". False at the end. */
bool cleat__trace_state_next(cleat_slice *rest, cleat_slice *key, cleat_slice *value);

/* The value of `key` in a tracestate, else the absent slice. */
cleat_slice cleat__trace_state_find(cleat_slice trace_state, cleat_slice key);

/* ---- Members collected from one header line or from several ---- */

enum { CLEAT__TRACE_STATE_MEMBERS_MAX = 32 };

typedef struct cleat__trace_state_list {
    struct cleat__trace_state_member {
        const char *text; /* "key=value", wherever it lies */
        uint32_t key_size;
        uint32_t size;
    } members[CLEAT__TRACE_STATE_MEMBERS_MAX]; /* only the first `count` are defined */
    size_t count;
    size_t size; /* of the text they make, commas included */
} cleat__trace_state_list;

static inline void cleat__trace_state_list_init(cleat__trace_state_list *list)
{
    list->count = 0;
    list->size = 0;
}

/* Appends the members of a line that is to be joined to those before. False when it is malformed, or
 * when there are too many: then all of them are to be dropped. */
bool cleat__trace_state_list_read(cleat__trace_state_list *list, cleat_slice line);
/* Writes as many as there is room for into `context`; some of them may lie there already, in their
 * order. */
void cleat__trace_state_list_store(cleat__trace_state_list *list, cleat_span_context *context);

#endif
