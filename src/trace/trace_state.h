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

#endif
