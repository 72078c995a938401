/*
 * Runs are looked for on the caller's thread with a reader of its own: there may be millions to look at, which the engine
 * must not wait for.
 */
#include "transport/embedded_runs.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/gate.h"
#include "engine/run_batch.h"
#include "store/run_choice.h"
#include "transport/embedded_workflows.h"
#include "transport/list_room.h"

#include <sqlite3.h>

typedef struct choosing {
    int64_t tenant;
    const cleat__many_runs *what;
    char *path; /* of the file, wherever the program has gone since it was opened */
    cleat__uuid *workflows;
    json_t *metadata; /* NULL: any */
    cleat__uuid *ids; /* that were chosen, .. */
    size_t count, max;
    cleat_status status;
} choosing;

/* ---- The filter ---- */

static cleat_status find_path(cleat__store *store, void *argument)
{
    choosing *it = argument;
    it->path = cleat__strdup(sqlite3_db_filename(cleat__store_db(store), "main"));
    return it->path != NULL ? CLEAT_OK : cleat__fail_memory();
}

static cleat_status find_workflows(choosing *it, cleat__store *store)
{
    const cleat__many_runs *what = it->what;
    it->workflows = cleat__calloc(what->workflow_count + 1, sizeof(*it->workflows));
    cleat_status status = it->workflows != NULL ? CLEAT_OK : cleat__fail_memory();
    for (size_t i = 0; i < what->workflow_count && status == CLEAT_OK; i++) {
        status = cleat__embedded_workflow_find(store, it->tenant, what->workflows[i], &it->workflows[i]);
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

static cleat_status choose(choosing *it)
{
    cleat__store *store = NULL;
    cleat_status status = cleat__store_open(it->path, CLEAT__STORE_READ, &store);
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
    cleat_status status = cleat__engine_call(engine, find_path, &it);
    if (status == CLEAT_OK) {
        status = choose(&it);
    }
    if (status == CLEAT_OK) {
        status = change(engine, &it, count);
    }
    cleat__free(it.path);
    cleat__free(it.workflows);
    json_decref(it.metadata);
    cleat__free(it.ids);
    return status;
}
