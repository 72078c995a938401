#include "transport/embedded_runs.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/gate.h"
#include "engine/run_batch.h"
#include "store/dag.h"
#include "store/query.h"
#include "store/queue_count.h"
#include "store/run_choice.h"
#include "transport/embedded_reader.h"
#include "transport/list_room.h"
#include "transport/queue_list.h"
#include "transport/run_list.h"
#include "transport/task_list.h"

/* ---- The filter ---- */

/* As the store knows it. */
typedef struct filter {
    cleat__run_choice choice; /* refers to what follows */
    cleat__uuid *workflows;
    json_t *metadata; /* NULL: any */
} filter;

static void free_filter(filter *it)
{
    cleat__free(it->workflows);
    json_decref(it->metadata);
}

/* To be freed also after a failure. */
static cleat_status make_filter(filter *it, cleat__store *store, int64_t tenant, const cleat__many_runs *what)
{
    *it = (filter){.workflows = NULL};
    cleat_status status =
        cleat__embedded_find_workflows(store, tenant, what->workflows, what->workflow_count, &it->workflows);
    if (status == CLEAT_OK) {
        status = cleat__embedded_texts(what->metadata, what->metadata_count, &it->metadata);
    }
    it->choice = (cleat__run_choice){.since_ms = what->since_ms,
                                     .until_ms = what->until_ms,
                                     .statuses = what->statuses,
                                     .workflows = it->workflows,
                                     .workflow_count = what->workflow_count,
                                     .metadata = it->metadata};
    return status;
}

/* ---- Choosing ---- */

typedef struct choosing {
    int64_t tenant;
    const cleat__many_runs *what;
    cleat__uuid *ids; /* that were chosen, .. */
    size_t count, max;
    cleat_status status;
} choosing;

static bool add(void *argument, const cleat__uuid *id, cleat_run_status run_status)
{
    choosing *it = argument;
    cleat__uuid *ids = cleat__list_room(it->ids, it->count, sizeof(*ids));
    (void)run_status;
    if (ids == NULL) {
        it->status = cleat__fail_memory();
        return false;
    }
    it->ids = ids;
    it->ids[it->count++] = *id;
    return it->count < it->max;
}

static cleat_status choose(choosing *it, cleat__engine *engine)
{
    cleat__store *store = NULL;
    filter of = {.workflows = NULL};
    cleat_status status = cleat__embedded_open_reader(engine, &store);
    if (status == CLEAT_OK) {
        status = make_filter(&of, store, it->tenant, it->what);
    }
    if (status == CLEAT_OK) {
        status = cleat__run_choose(store, it->tenant, &of.choice, add, it);
    }
    free_filter(&of);
    cleat__store_close(store);
    return status == CLEAT_OK ? it->status : status;
}

/* ---- Doing it ---- */

static bool goes_on(void *argument)
{
    (void)argument;
    return true;
}

static void on_over(void *argument)
{
    cleat__gate_open(argument);
}

static cleat_status change(cleat__engine *engine, choosing *it, size_t *count)
{
    cleat__gate over;
    cleat__run_batch batch = {
        .engine = engine,
        .tenant = it->tenant,
        .kind = it->what->is_replayed ? CLEAT__COMMAND_REPLAY : CLEAT__COMMAND_CANCEL,
        .ids = it->ids,
        .count = it->count,
        .goes_on = goes_on,
        .done = on_over,
        .argument = &over,
    };
    cleat__gate_init(&over);
    cleat__run_batch_start(&batch);
    (void)cleat__gate_wait(&over, INT64_MAX);
    cleat__gate_deinit(&over);
    *count = batch.accepted;
    cleat_status status = batch.status;
    if (status != CLEAT_OK) {
        status = cleat__fail(status, "%s", batch.error != NULL ? batch.error : cleat_status_text(status));
    }
    cleat__run_batch_deinit(&batch);
    return status;
}

cleat_status cleat__embedded_change_many(cleat__engine *engine, int64_t tenant, const cleat__many_runs *what,
                                         size_t *count)
{
    choosing it = {
        .tenant = tenant,
        .what = what,
        .max = cleat__run_batch_max(what->is_replayed ? CLEAT__COMMAND_REPLAY : CLEAT__COMMAND_CANCEL),
    };
    cleat_status status = choose(&it, engine);
    if (status == CLEAT_OK) {
        status = change(engine, &it, count);
    }
    cleat__free(it.ids);
    return status;
}

/* ---- Listing ---- */

typedef struct listing {
    cleat__store *store;
    int64_t to_skip, limit;
    cleat_run_list *out;
    cleat_status status;
} listing;

static bool list_run(void *argument, const cleat__uuid *id, cleat_run_status status)
{
    listing *it = argument;
    cleat__run_row row;
    if (it->to_skip > 0) {
        it->to_skip--;
        return true;
    }
    it->status = cleat__run_glance(it->store, id, &row);
    if (it->status == CLEAT_OK) {
        it->status = cleat__run_list_add(it->out, &(cleat__listed_run){.id = row.id,
                                                                       .workflow = row.workflow,
                                                                       .status = status,
                                                                       .created_at_ms = row.created_at_ms,
                                                                       .started_at_ms = row.started_at_ms,
                                                                       .finished_at_ms = row.finished_at_ms,
                                                                       .retry_count = row.retry_count,
                                                                       .metadata = row.metadata,
                                                                       .error = row.error,
                                                                       .is_child = row.is_child,
                                                                       .parent_id = row.parent_id});
    }
    return it->status == CLEAT_OK && (int64_t)it->out->count < it->limit;
}

static cleat_status list_runs(cleat__store *store, int64_t tenant, const cleat__run_page *page,
                              cleat_run_list *out)
{
    filter of;
    listing it = {.store = store, .to_skip = page->offset, .limit = page->limit, .out = out};
    cleat_status status = make_filter(&of, store, tenant, &page->what);
    if (status == CLEAT_OK) {
        of.choice.has_parent = page->parent != NULL;
        of.choice.parent_id = page->parent != NULL ? *page->parent : of.choice.parent_id;
        of.choice.has_event = page->event != NULL;
        of.choice.event_id = page->event != NULL ? *page->event : of.choice.event_id;
        status = cleat__run_choose(store, tenant, &of.choice, list_run, &it);
    }
    free_filter(&of);
    return status == CLEAT_OK ? it.status : status;
}

cleat_status cleat__embedded_runs(cleat__engine *engine, int64_t tenant, const cleat__run_page *page,
                                  cleat_run_list *out)
{
    cleat__store *store = NULL;
    cleat_status status = cleat__embedded_begin_reader(engine, &store);
    if (status == CLEAT_OK) {
        status = list_runs(store, tenant, page, out);
    }
    cleat__store_close(store);
    return status;
}

/* ---- Counting ---- */

static cleat_status count_runs(cleat__store *store, int64_t tenant, const cleat__many_runs *what,
                               cleat_run_metrics *out)
{
    uint64_t counts[CLEAT__RUN_SHOWN_STATES] = {0};
    filter of;
    cleat_status status = make_filter(&of, store, tenant, what);
    if (status == CLEAT_OK) {
        status = cleat__run_choice_count(store, tenant, &of.choice, counts);
    }
    free_filter(&of);
    *out = (cleat_run_metrics){.queued = (int64_t)counts[CLEAT_RUN_QUEUED],
                               .running = (int64_t)counts[CLEAT_RUN_RUNNING],
                               .completed = (int64_t)counts[CLEAT_RUN_COMPLETED],
                               .failed = (int64_t)counts[CLEAT_RUN_FAILED],
                               .cancelled = (int64_t)counts[CLEAT_RUN_CANCELLED],
                               .evicted = (int64_t)counts[CLEAT_RUN_EVICTED]};
    return status;
}

cleat_status cleat__embedded_run_metrics(cleat__engine *engine, int64_t tenant, const cleat__many_runs *what,
                                         cleat_run_metrics *out)
{
    cleat__store *store = NULL;
    cleat_status status = cleat__embedded_begin_reader(engine, &store);
    if (status == CLEAT_OK) {
        status = count_runs(store, tenant, what, out);
    }
    cleat__store_close(store);
    return status;
}

typedef struct queues {
    cleat_queue_metrics *out;
    cleat_status status;
} queues;

static bool add_queue(void *argument, const cleat__queue_row *row)
{
    queues *it = argument;
    if (row->queued == 0 && row->running == 0) {
        return true;
    }
    cleat_queue_entry *entry = cleat__queue_list_find(it->out, row->action);
    if (entry == NULL) {
        it->status = cleat__fail_memory();
        return false;
    }
    entry->queued = row->queued;
    entry->running = row->running;
    entry->oldest_queued_at_ms = row->oldest_queued_at_ms;
    entry->oldest_running_at_ms = row->oldest_started_at_ms;
    return true;
}

cleat_status cleat__embedded_queue_metrics(cleat__engine *engine, int64_t tenant, cleat_queue_metrics *out)
{
    cleat__store *store = NULL;
    queues it = {.out = out, .status = CLEAT_OK};
    cleat_status status = cleat__embedded_open_reader(engine, &store);
    if (status == CLEAT_OK) {
        status = cleat__queue_count(store, tenant, add_queue, &it);
    }
    cleat__store_close(store);
    cleat__queue_list_sort(out);
    return status == CLEAT_OK ? it.status : status;
}

/* ---- Tasks ---- */

static cleat_status add_task(void *argument, const cleat__dag_row *row)
{
    bool is_not_taken = cleat__run_was_not_taken(row->state == CLEAT_RUN_CANCELLED, row->error);
    const cleat__run_task task = {.id = row->id,
                                  .name = row->name,
                                  .status = is_not_taken ? CLEAT_RUN_FAILED : row->state,
                                  .output = row->output,
                                  .error = row->error};
    return cleat__task_list_add(argument, &task);
}

static cleat_status list_tasks(cleat__store *store, int64_t tenant, const cleat__uuid *run_id,
                               cleat_task_list *out)
{
    cleat__run_row row;
    cleat_status status = cleat__run_get(store, run_id, &row);
    if (status == CLEAT_OK && row.tenant != tenant) {
        char text[37];
        cleat__uuid_format(run_id, text);
        return cleat__fail(CLEAT_NOT_FOUND, "there is no run %s", text);
    }
    if (status != CLEAT_OK || row.is_dag) {
        return status == CLEAT_OK ? cleat__dag_list(store, run_id, CLEAT__DAG_WITH_RESULTS, add_task, out)
                                  : status;
    }
    return add_task(out, &(cleat__dag_row){.id = row.id,
                                           .name = row.task_name,
                                           .state = row.status,
                                           .output = row.output,
                                           .error = row.error});
}

cleat_status cleat__embedded_tasks(cleat__engine *engine, int64_t tenant, const cleat__uuid *run_id,
                                   cleat_task_list *out)
{
    cleat__store *store = NULL;
    cleat_status status = cleat__embedded_begin_reader(engine, &store);
    if (status == CLEAT_OK) {
        status = list_tasks(store, tenant, run_id, out);
    }
    cleat__store_close(store);
    return status;
}
