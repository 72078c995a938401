/*
 * Runs are read on the caller's thread with a reader of its own: there may be millions to look at, or gigabytes, which the
 * engine must not wait for.
 */
#include "transport/embedded_runs.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/gate.h"
#include "engine/run_batch.h"
#include "model/missing.h"
#include "store/dag.h"
#include "store/query.h"
#include "store/run_choice.h"
#include "transport/embedded_workflows.h"
#include "transport/list_room.h"
#include "transport/task_list.h"

#include <sqlite3.h>

/* ---- The reader ---- */

/* Of the file, wherever the program has gone since it was opened. */
static cleat_status find_path(cleat__store *store, void *argument)
{
    char **path = argument;
    *path = cleat__strdup(sqlite3_db_filename(cleat__store_db(store), "main"));
    return *path != NULL ? CLEAT_OK : cleat__fail_memory();
}

/* To be closed on every path. */
static cleat_status open_reader(cleat__engine *engine, cleat__store **out)
{
    char *path = NULL;
    *out = NULL;
    cleat_status status = cleat__engine_call(engine, find_path, &path);
    if (status == CLEAT_OK) {
        status = cleat__store_open(path, CLEAT__STORE_READ, out);
    }
    cleat__free(path);
    return status;
}

/* ---- The filter ---- */

typedef struct choosing {
    int64_t tenant;
    const cleat__many_runs *what;
    cleat__uuid *workflows;
    json_t *metadata; /* NULL: any */
    cleat__uuid *ids; /* that were chosen, .. */
    size_t count, max;
    cleat_status status;
} choosing;

static cleat_status find_workflows(choosing *it, cleat__store *store)
{
    const cleat__many_runs *what = it->what;
    it->workflows = cleat__calloc(what->workflow_count + 1, sizeof(*it->workflows));
    cleat_status status = it->workflows != NULL ? CLEAT_OK : cleat__fail_memory();
    for (size_t i = 0; i < what->workflow_count && status == CLEAT_OK; i++) {
        status = cleat__embedded_workflow_find(store, it->tenant, what->workflows[i], &it->workflows[i]);
        status = status == CLEAT_NOT_FOUND ? cleat__missing_task(cleat_slice_of(what->tasks[i])) : status;
    }
    return status;
}

/* With less of it more would be chosen. */
static cleat_status make_metadata(choosing *it)
{
    const cleat__many_runs *what = it->what;
    it->metadata = what->metadata_count != 0 ? json_array() : NULL;
    for (size_t i = 0; i < what->metadata_count; i++) {
        if (json_array_append_new(it->metadata, json_string(what->metadata[i])) != 0) {
            return cleat__fail_memory();
        }
    }
    return CLEAT_OK;
}

/* ---- Choosing ---- */

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
    cleat_status status = open_reader(engine, &store);
    if (status == CLEAT_OK) {
        status = find_workflows(it, store);
    }
    if (status == CLEAT_OK) {
        status = make_metadata(it);
    }
    if (status == CLEAT_OK) {
        const cleat__run_choice choice = {.since_ms = it->what->since_ms,
                                          .until_ms = it->what->until_ms,
                                          .statuses = it->what->statuses,
                                          .workflows = it->workflows,
                                          .workflow_count = it->what->workflow_count,
                                          .metadata = it->metadata};
        status = cleat__run_choose(store, it->tenant, &choice, add, it);
    }
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
    cleat__free(it.workflows);
    json_decref(it.metadata);
    cleat__free(it.ids);
    return status;
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
    cleat_status status = open_reader(engine, &store);
    if (status == CLEAT_OK) {
        status = cleat__store_begin(store); /* what is told together was there together */
    }
    if (status == CLEAT_OK) {
        status = list_tasks(store, tenant, run_id, out);
    }
    cleat__store_close(store);
    return status;
}
