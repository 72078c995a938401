#include "checked_ids.h"

#include "base/log.h"
#include "random_ids.h"

static void warn(void)
{
    static cleat__log_site site;
    cleat__log_limited(&site, CLEAT_LOG_WARN,
                       "the id generator made an id of zeros, which is invalid: a random one is used");
}

static void trace_id(void *user_data, cleat_trace_id *out)
{
    const cleat_id_generator *given = user_data;
    given->trace_id(given->user_data, out);
    if (!cleat_trace_id_is_valid(out)) {
        warn();
        cleat__random_ids.trace_id(NULL, out);
    }
}

static void span_id(void *user_data, cleat_span_id *out)
{
    const cleat_id_generator *given = user_data;
    given->span_id(given->user_data, out);
    if (!cleat_span_id_is_valid(out)) {
        warn();
        cleat__random_ids.span_id(NULL, out);
    }
}

cleat_id_generator cleat__checked_ids(const cleat_id_generator *given)
{
    return (cleat_id_generator){(void *)given, trace_id, span_id, given->random};
}
