#include "sdk/options.h"

#include "base/error.h"

#include <inttypes.h>

static bool all_zero(const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

cleat_status cleat__options_read(const char *what, const void *from, void *to, size_t size)
{
    size_t known = 0;
    memset(to, 0, size);
    memcpy(to, &size, sizeof size);
    if (from == NULL) {
        return CLEAT_OK;
    }
    memcpy(&known, from, sizeof known);
    if (known < sizeof known) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT,
                           "%s have struct_size %zu: make them with the macro of that name", what, known);
    }
    if (known > size && !all_zero((const char *)from + size, known - size)) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT,
                           "%s set a field that this version of the library does not know", what);
    }
    size_t taken = known < size ? known : size;
    memcpy((char *)to + sizeof size, (const char *)from + sizeof size, taken - sizeof size);
    return CLEAT_OK;
}

cleat_status cleat__priority_check(int priority)
{
    return priority >= 0 && priority <= CLEAT_PRIORITY_HIGH
               ? CLEAT_OK
               : cleat__fail(CLEAT_INVALID_ARGUMENT,
                             "priority is %d: 1 low, 2 medium, 3 high, or 0 for the task's own", priority);
}

cleat_status cleat__trace_check(cleat_trace_relation trace)
{
    return (int)trace >= CLEAT_TRACE_DEFAULT && trace <= CLEAT_TRACE_NONE
               ? CLEAT_OK
               : cleat__fail(CLEAT_INVALID_ARGUMENT, "trace is %d, which is no cleat_trace_relation",
                             (int)trace);
}

cleat_status cleat__page_check(int64_t offset, int64_t *limit)
{
    enum { LIMIT_DEFAULT = 50, LIMIT_MAX = 1000 };
    if (offset < 0 || offset > INT32_MAX || *limit < 0 || *limit > LIMIT_MAX) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT,
                           "offset is %" PRId64 " and limit %" PRId64
                           "; they must be 0 .. 2147483647, and 1 .. %d or 0 for %d",
                           offset, *limit, LIMIT_MAX, LIMIT_DEFAULT);
    }
    *limit = *limit != 0 ? *limit : LIMIT_DEFAULT;
    return CLEAT_OK;
}
