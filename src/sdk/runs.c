/* Listing, cancelling and replaying what a filter chooses, and looking at the tasks of a run. */
#include <cleat/runs.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/utf8.h"
#include "model/missing.h"
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

/* Only those that can be cancelled, or replayed; all can be listed. */
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

/* ---- The names of its tasks ---- */

typedef char task_name[CLEAT__ACTION_SIZE];

typedef struct names {
    const char *const *tasks; /* as the program says them */
    task_name *room;          /* their workflows */
    cleat_slice *items;
} names;

static void free_names(names *it)
{
    cleat__free(it->room);
    cleat__free(it->items);
}

/* To be freed also after a failure; until then `out` refers to them. */
static cleat_status read_names(const char *const *tasks, names *it, cleat__many_runs *out)
{
    size_t count = count_texts(tasks);
    *it = (names){.tasks = tasks};
    if (count > TASKS_MAX) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "tasks has %zu names; it may have %d", count,
                           (int)TASKS_MAX);
    }
    it->room = cleat__calloc(count + 1, sizeof(*it->room));
    it->items = cleat__calloc(count + 1, sizeof(*it->items));
    cleat_status status = it->room != NULL && it->items != NULL ? CLEAT_OK : cleat__fail_memory();
    for (size_t i = 0; i < count && status == CLEAT_OK; i++) {
        status = cleat__task_workflow(tasks[i], it->room[i]);
        it->items[i] = cleat_slice_of(it->room[i]);
    }
    out->workflows = it->items;
    out->workflow_count = count;
    return status;
}

/* With the name that the program knows, where it can only be that one. */
static cleat_status name_missing(const names *it, cleat_status status)
{
    bool is_the_only_one = status == CLEAT_NOT_FOUND && count_texts(it->tasks) == 1;
    return is_the_only_one ? cleat__missing_task(cleat_slice_of(it->tasks[0])) : status;
}

/* All of the filter, NULL being one that says nothing; as read_names(). */
static cleat_status read_filter(const cleat_run_filter *filter, unsigned able, names *it,
                                cleat__many_runs *out)
{
    cleat_run_filter known;
    *it = (names){0};
    cleat_status status = cleat__options_read("CLEAT_RUN_FILTER", filter, &known, sizeof(known));
    if (status == CLEAT_OK) {
        status = read_statuses(known.statuses, able, &out->statuses);
    }
    if (status == CLEAT_OK) {
        status = read_times(&known, out);
    }
    if (status == CLEAT_OK) {
        status = read_metadata(known.metadata, out);
    }
    return status == CLEAT_OK ? read_names(known.tasks, it, out) : status;
}

/* ---- Changing them ---- */

static cleat_status change_many(cleat_client *client, const cleat_run_filter *filter, bool is_replayed,
                                size_t *count)
{
    cleat__many_runs what = {.is_replayed = is_replayed};
    names of = {0};
    size_t found = 0;
    cleat_status status = client != NULL ? read_filter(filter, is_replayed ? ENDED : LIVE, &of, &what)
                                         : cleat__fail(CLEAT_INVALID_ARGUMENT, "client is NULL");
    if (status == CLEAT_OK) {
        status = client->transport->change_many(client->transport, &what, &found);
        status = name_missing(&of, status);
    }
    free_names(&of);
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

/* ---- Listing them ---- */

typedef struct origin {
    cleat__uuid parent, event;
} origin;

/* `room` is for what the page refers to. */
static cleat_status read_origin(const cleat_client *client, const cleat_run_list_options *options,
                                origin *room, cleat__run_page *page)
{
    cleat_status status = CLEAT_OK;
    if (options->parent != NULL) {
        status = cleat__run_id_parse(client, options->parent, &room->parent);
        page->parent = &room->parent;
    }
    if (status == CLEAT_OK && options->event != NULL) {
        status = cleat__id_parse(client, options->event->text, sizeof(options->event->text), "id of an event",
                                 &room->event);
        page->event = &room->event;
    }
    return status;
}

static cleat_status list_runs(cleat_client *client, const cleat_run_list_options *options,
                              cleat_run_list *out)
{
    cleat_run_list_options known;
    cleat__run_page page = {0};
    origin room;
    names of = {0};
    cleat_status status = cleat__options_read("CLEAT_RUN_LIST_OPTIONS", options, &known, sizeof(known));
    if (status == CLEAT_OK) {
        status = cleat__page_check(known.offset, &known.limit);
    }
    if (status == CLEAT_OK) {
        status = read_origin(client, &known, &room, &page);
    }
    if (status == CLEAT_OK) {
        status = read_filter(known.filter, LIVE | ENDED, &of, &page.what);
    }
    if (status == CLEAT_OK) {
        page.offset = known.offset;
        page.limit = known.limit;
        status = name_missing(&of, client->transport->runs(client->transport, &page, out));
    }
    free_names(&of);
    return status;
}

cleat_status cleat_client_list_runs(cleat_client *client, const cleat_run_list_options *options,
                                    cleat_run_list *out)
{
    if (client == NULL || out == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s is NULL", client == NULL ? "client" : "out");
    }
    *out = (cleat_run_list){0};
    cleat_status status = list_runs(client, options, out);
    if (status != CLEAT_OK) {
        cleat_run_list_deinit(out);
    }
    return status;
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
