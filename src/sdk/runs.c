/* Cancelling and replaying what a filter chooses, and looking at the tasks of a run. */
#include <cleat/runs.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/utf8.h"
#include "sdk/client.h"
#include "sdk/options.h"
#include "sdk/task_name.h"

#include <inttypes.h>

enum {
    TASKS_MAX = 100,
    LIVE = 1 << CLEAT_RUN_QUEUED | 1 << CLEAT_RUN_RUNNING | 1 << CLEAT_RUN_EVICTED,
    ENDED = 1 << CLEAT_RUN_COMPLETED | 1 << CLEAT_RUN_FAILED | 1 << CLEAT_RUN_CANCELLED,
};

/* ---- Reading the filter ---- */

static size_t count_texts(const char *const *texts)
{
    size_t count = 0;
    while (texts != NULL && texts[count] != NULL) {
        count++;
    }
    return count;
}

/* Only those that can be cancelled, or replayed. */
static cleat_status read_statuses(unsigned said, unsigned able, unsigned *out)
{
    const unsigned one = 1U << CLEAT_RUN_RUNNING | 1U << CLEAT_RUN_EVICTED;
    if ((said & ~(unsigned)(LIVE | ENDED)) != 0) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT,
                           "statuses is 0x%x, which has more than 1U << cleat_run_status", said);
    }
    said |= (said & one) != 0 ? one : 0;
    *out = said != 0 ? said & able : able;
    return *out != 0 ? CLEAT_OK
                     : cleat__fail(CLEAT_INVALID_ARGUMENT,
                                   "statuses has none of runs that have %s, and of others nothing is done",
                                   able == ENDED ? "ended" : "not ended");
}

static cleat_status read_times(const cleat_run_filter *filter, cleat__many_runs *out)
{
    out->since_ms = filter->since_ms;
    out->until_ms = filter->until_ms != 0 ? filter->until_ms : INT64_MAX;
    return filter->since_ms >= 0 && filter->until_ms >= 0
               ? CLEAT_OK
               : cleat__fail(CLEAT_INVALID_ARGUMENT,
                             "since_ms is %" PRId64 " and until_ms %" PRId64 "; they must not be negative",
                             filter->since_ms, filter->until_ms);
}

static cleat_status read_metadata(const char *const *pairs, cleat__many_runs *out)
{
    out->metadata = pairs;
    out->metadata_count = count_texts(pairs);
    for (size_t i = 0; i < out->metadata_count; i++) {
        if (strchr(pairs[i], ':') == NULL ||
            cleat__utf8_valid_prefix(pairs[i], strlen(pairs[i])) != strlen(pairs[i])) {
            return cleat__fail(CLEAT_INVALID_ARGUMENT, "metadata has \"%.64s\", which is no key:value",
                               pairs[i]);
        }
    }
    return CLEAT_OK;
}

typedef char task_name[CLEAT__ACTION_SIZE];

/* ---- The calls ---- */

/* The names in `room` and `names`, of which there are as many as tasks. */
static cleat_status change(cleat_client *client, cleat__many_runs *what, const char *const *tasks,
                           task_name *room, cleat_slice *names, size_t *count)
{
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; i < what->workflow_count && status == CLEAT_OK; i++) {
        status = cleat__task_workflow(tasks[i], room[i]);
        names[i] = cleat_slice_of(room[i]);
    }
    what->workflows = names;
    what->tasks = tasks;
    return status == CLEAT_OK ? client->transport->change_many(client->transport, what, count) : status;
}

static cleat_status change_named(cleat_client *client, cleat__many_runs *what, const char *const *tasks,
                                 size_t *count)
{
    what->workflow_count = count_texts(tasks);
    if (what->workflow_count > TASKS_MAX) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "tasks has %zu names; it may have %d",
                           what->workflow_count, (int)TASKS_MAX);
    }
    task_name *room = cleat__calloc(what->workflow_count + 1, sizeof(*room));
    cleat_slice *names = cleat__calloc(what->workflow_count + 1, sizeof(*names));
    cleat_status status = room != NULL && names != NULL ? change(client, what, tasks, room, names, count)
                                                        : cleat__fail_memory();
    cleat__free(room);
    cleat__free(names);
    return status;
}

static cleat_status change_many(cleat_client *client, const cleat_run_filter *filter, bool is_replayed,
                                size_t *count)
{
    cleat_run_filter known;
    cleat__many_runs what = {.is_replayed = is_replayed};
    size_t found = 0;
    cleat_status status = client != NULL
                              ? cleat__options_read("CLEAT_RUN_FILTER", filter, &known, sizeof(known))
                              : cleat__fail(CLEAT_INVALID_ARGUMENT, "client is NULL");
    if (status == CLEAT_OK) {
        status = read_statuses(known.statuses, is_replayed ? ENDED : LIVE, &what.statuses);
    }
    if (status == CLEAT_OK) {
        status = read_times(&known, &what);
    }
    if (status == CLEAT_OK) {
        status = read_metadata(known.metadata, &what);
    }
    if (status == CLEAT_OK) {
        status = change_named(client, &what, known.tasks, &found);
    }
    if (count != NULL) {
        *count = found;
    }
    return status;
}

cleat_status cleat_client_cancel_many(cleat_client *client, const cleat_run_filter *filter, size_t *count)
{
    return change_many(client, filter, false, count);
}

cleat_status cleat_client_replay_many(cleat_client *client, const cleat_run_filter *filter, size_t *count)
{
    return change_many(client, filter, true, count);
}

/* ---- One run ---- */

cleat_status cleat_client_list_tasks(cleat_client *client, const cleat_run_id *id, cleat_task_list *out)
{
    cleat__uuid uuid;
    if (out == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "out is NULL");
    }
    *out = (cleat_task_list){0};
    cleat_status status = cleat__run_id_parse(client, id, &uuid);
    if (status == CLEAT_OK) {
        status = client->transport->tasks(client->transport, &uuid, out);
    }
    if (status != CLEAT_OK) {
        cleat_task_list_deinit(out);
    }
    return status;
}
