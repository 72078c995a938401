#include "run_filter.h"

#include "lifetime.h"
#include "message.h"
#include "model/rfc3339.h"
#include "run_rows.h"

bool cleat__run_wish_is_there(const cleat__run_wish *wish)
{
    return wish->all || wish->task != NULL || wish->status != NULL || wish->since != NULL ||
           wish->until != NULL || wish->metadata != NULL;
}

/* NULL leaves it as it is. */
static int read_time(const char *verb, const char *option, const char *text, int64_t now_ms, int64_t *out)
{
    int64_t ago_ms = 0;
    if (text == NULL || cleat__rfc3339_parse(cleat_slice_of(text), out)) {
        return CLEAT__EXIT_OK;
    }
    if (!cleat__lifetime_parse(text, &ago_ms) || ago_ms >= now_ms) {
        return cleat__complain_usage(
            verb, "--%s must be a time, 2030-01-01T09:00:00Z, or how long ago, 2h or 7d, not \"%s\"", option,
            text);
    }
    *out = now_ms - ago_ms;
    return CLEAT__EXIT_OK;
}

int cleat__run_wish_read(const char *verb, const cleat__run_wish *wish, int64_t now_ms,
                         cleat__run_wish_filter *out)
{
    int32_t status = 0;
    *out = (cleat__run_wish_filter){.filter = *CLEAT_RUN_FILTER(.since_ms = 0),
                                    .tasks = {wish->task, NULL},
                                    .metadata = {wish->metadata, NULL}};
    out->filter.tasks = wish->task != NULL ? out->tasks : NULL;
    out->filter.metadata = wish->metadata != NULL ? out->metadata : NULL;
    if (wish->status != NULL) {
        if (!cleat__run_status_parse(wish->status, &status)) {
            return cleat__complain_usage(verb,
                                         "--status must be queued, running, completed, failed or "
                                         "cancelled, not \"%s\"",
                                         wish->status);
        }
        out->filter.statuses = 1U << status;
    }
    int code = read_time(verb, "since", wish->since, now_ms, &out->filter.since_ms);
    return code == CLEAT__EXIT_OK ? read_time(verb, "until", wish->until, now_ms, &out->filter.until_ms)
                                  : code;
}
