#include "sdk/choice.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/utf8.h"
#include "model/missing.h"
#include "model/texts.h"
#include "sdk/options.h"
#include "sdk/task_name.h"

#include <inttypes.h>

enum { TASKS_MAX = 100 };

/* ---- Texts ---- */

static bool is_text(const char *text)
{
    return cleat__utf8_valid_prefix(text, strlen(text)) == strlen(text);
}

cleat_status cleat__texts_check(const char *what, const char *const *texts)
{
    for (size_t i = 0; texts != NULL && texts[i] != NULL; i++) {
        if (!is_text(texts[i])) {
            return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s has \"%.64s\", which is no UTF-8", what, texts[i]);
        }
    }
    return CLEAT_OK;
}

cleat_status cleat__pairs_check(const char *what, const char *const *texts)
{
    for (size_t i = 0; texts != NULL && texts[i] != NULL; i++) {
        if (strchr(texts[i], ':') == NULL || !is_text(texts[i])) {
            return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s has \"%.64s\", which is no key:value", what,
                               texts[i]);
        }
    }
    return CLEAT_OK;
}

/* ---- Statuses and times ---- */

cleat_status cleat__statuses_read(const char *what, unsigned said, unsigned *out)
{
    const unsigned one = 1U << CLEAT_RUN_RUNNING | 1U << CLEAT_RUN_EVICTED;
    if ((said & ~(unsigned)(CLEAT__RUNS_LIVE | CLEAT__RUNS_ENDED)) != 0) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s is 0x%x, which has more than 1U << cleat_run_status",
                           what, said);
    }
    *out = said | ((said & one) != 0 ? one : 0);
    return CLEAT_OK;
}

/* Only those that can be cancelled, or replayed; all can be listed. */
static cleat_status read_statuses(unsigned said, unsigned able, unsigned *out)
{
    cleat_status status = cleat__statuses_read("statuses", said, &said);
    *out = said != 0 ? said & able : able;
    if (status != CLEAT_OK || *out != 0) {
        return status;
    }
    return cleat__fail(CLEAT_INVALID_ARGUMENT,
                       "statuses has none of runs that have %s, and of others nothing is done",
                       able == CLEAT__RUNS_ENDED ? "ended" : "not ended");
}

cleat_status cleat__times_read(int64_t since_ms, int64_t until_ms, int64_t *since_out, int64_t *until_out)
{
    *since_out = since_ms;
    *until_out = until_ms != 0 ? until_ms : INT64_MAX;
    return since_ms >= 0 && until_ms >= 0
               ? CLEAT_OK
               : cleat__fail(CLEAT_INVALID_ARGUMENT,
                             "since_ms is %" PRId64 " and until_ms %" PRId64 "; they must not be negative",
                             since_ms, until_ms);
}

/* ---- Tasks ---- */

typedef char task_name[CLEAT__ACTION_SIZE];

void cleat__task_names_deinit(cleat__task_names *names)
{
    cleat__free(names->room);
    cleat__free(names->workflows);
    *names = (cleat__task_names){.tasks = NULL};
}

cleat_status cleat__task_names_read(const char *const *tasks, cleat__task_names *out)
{
    size_t count = cleat__texts_count(tasks);
    *out = (cleat__task_names){.tasks = tasks, .count = count};
    if (count > TASKS_MAX) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "tasks has %zu names; it may have %d", count,
                           (int)TASKS_MAX);
    }
    task_name *room = cleat__calloc(count + 1, sizeof(*room));
    out->room = room;
    out->workflows = cleat__calloc(count + 1, sizeof(*out->workflows));
    cleat_status status = room != NULL && out->workflows != NULL ? CLEAT_OK : cleat__fail_memory();
    for (size_t i = 0; i < count && status == CLEAT_OK; i++) {
        status = cleat__task_workflow(tasks[i], room[i]);
        out->workflows[i] = cleat_slice_of(room[i]);
    }
    return status;
}

cleat_status cleat__task_names_missing(const cleat__task_names *names, cleat_status status)
{
    bool is_the_only_one = status == CLEAT_NOT_FOUND && names->count == 1;
    return is_the_only_one ? cleat__missing_task(cleat_slice_of(names->tasks[0])) : status;
}

/* ---- A filter of runs ---- */

cleat_status cleat__run_filter_read(const cleat_run_filter *filter, unsigned able, cleat__task_names *names,
                                    cleat__many_runs *out)
{
    cleat_run_filter known;
    *names = (cleat__task_names){.tasks = NULL};
    cleat_status status = cleat__options_read("CLEAT_RUN_FILTER", filter, &known, sizeof(known));
    if (status == CLEAT_OK) {
        status = read_statuses(known.statuses, able, &out->statuses);
    }
    if (status == CLEAT_OK) {
        status = cleat__times_read(known.since_ms, known.until_ms, &out->since_ms, &out->until_ms);
    }
    if (status == CLEAT_OK) {
        status = cleat__pairs_check("metadata", known.metadata);
    }
    if (status == CLEAT_OK) {
        status = cleat__task_names_read(known.tasks, names);
    }
    out->metadata = known.metadata;
    out->metadata_count = cleat__texts_count(known.metadata);
    out->workflows = names->workflows;
    out->workflow_count = names->count;
    return status;
}
