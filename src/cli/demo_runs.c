#include "demo_runs.h"

#include "base/alloc.h"
#include "base/error.h"

enum { LOOK_MS = 100 }; /* how often progress and signals are looked at while waiting */

typedef struct reading {
    cleat__demo_runs *runs;
    cleat_status status;
} reading;

static bool add(void *argument, const cleat__run_row *row)
{
    reading *state = argument;
    cleat__demo_runs *runs = state->runs;
    if (runs->count == runs->capacity) {
        size_t capacity = runs->capacity == 0 ? 256 : runs->capacity * 2;
        cleat__demo_run *list = cleat__realloc(runs->list, capacity * sizeof(*list));
        if (list == NULL) {
            state->status = cleat__fail_memory();
            return false;
        }
        runs->list = list;
        runs->capacity = capacity;
    }
    runs->list[runs->count++] = (cleat__demo_run){row->id, row->status, row->retry_count};
    return true;
}

cleat_status cleat__demo_runs_read(cleat__demo_engine *engine, const cleat__run_filter *filter,
                                   cleat__demo_runs *out)
{
    reading state = {.runs = out};
    cleat_status status = cleat__run_list(engine->reader, filter, add, &state);
    return status == CLEAT_OK ? state.status : status;
}

void cleat__demo_runs_deinit(cleat__demo_runs *runs)
{
    cleat__free(runs->list);
    memset(runs, 0, sizeof(*runs));
}

static void show(const cleat__demo_waiter *waiter)
{
    const cleat__demo_tasks *tasks = &waiter->engine->tasks;
    cleat__demo_progress_show(waiter->progress, atomic_load(&tasks->ended), atomic_load(&tasks->failed),
                              atomic_load(&tasks->retried));
}

cleat_status cleat__demo_wait(const cleat__demo_waiter *waiter, const cleat_run_id *id,
                              cleat_run_result *result)
{
    cleat_run_result unused = {0};
    cleat_status status = CLEAT_TIMEOUT;
    while (status == CLEAT_TIMEOUT) {
        if (atomic_load(waiter->stop)) {
            return CLEAT_CANCELLED;
        }
        show(waiter);
        status = cleat_client_wait(waiter->engine->client, id, LOOK_MS, result != NULL ? result : &unused);
    }
    cleat_run_result_deinit(&unused);
    return status;
}

cleat_status cleat__demo_wait_all(const cleat__demo_waiter *waiter, const cleat__demo_runs *runs)
{
    cleat_run_id id;
    for (size_t i = 0; i < runs->count; i++) {
        if (cleat_run_status_is_final(runs->list[i].status)) {
            continue;
        }
        cleat__uuid_format(&runs->list[i].id, id.text);
        cleat_status status = cleat__demo_wait(waiter, &id, NULL);
        if (status != CLEAT_OK) {
            return status;
        }
    }
    return CLEAT_OK;
}
