/* One handler per command of command.h. What it answers is told when the batch is committed. */
#include "base/error.h"
#include "engine/life.h"
#include "engine/trigger.h"
#include "model/state.h"
#include "store/load.h"
#include "store/sqlite_error.h"
#include "store/transition.h"

typedef cleat_status handler(cleat__core *core, cleat__command *command);

/* ---- Declarations and triggers ---- */

static bool same_policy(const cleat__policy *a, const cleat__policy *b)
{
    return a->retries == b->retries && a->priority == b->priority &&
           a->backoff_initial_ms == b->backoff_initial_ms && a->backoff_factor == b->backoff_factor &&
           a->backoff_max_ms == b->backoff_max_ms && a->execution_timeout_ms == b->execution_timeout_ms &&
           a->schedule_timeout_ms == b->schedule_timeout_ms;
}

static cleat_status put_task(cleat__core *core, cleat__command *command)
{
    cleat_slice action = command->as.put_task.action;
    const cleat__policy *policy = command->as.put_task.policy;
    cleat__queue *queue = cleat__queues_find(&core->queues, action);
    if (queue != NULL && same_policy(&queue->latest->policy, policy)) {
        return CLEAT_OK;
    }
    int64_t id = 0;
    cleat_status status = cleat__core_begin(core);
    if (status == CLEAT_OK) {
        status = cleat__core_check(core, cleat__type_insert(core->store, action, policy, &id));
    }
    if (status != CLEAT_OK) {
        return status;
    }
    queue = cleat__queues_add(&core->queues, action);
    status = queue != NULL ? cleat__queues_add_type(&core->queues, queue, id, policy) : cleat__fail_memory();
    return cleat__core_check(core, status);
}

static cleat_status trigger(cleat__core *core, cleat__command *command)
{
    return cleat__trigger_runs(core, command->as.trigger.items, command->as.trigger.count,
                               command->as.trigger.ids);
}

/* ---- Waiting ---- */

static cleat_status wait(cleat__core *core, cleat__command *command)
{
    cleat__run *run = cleat__runs_find(&core->runs, &command->as.wait.id);
    if (run == NULL) {
        cleat_status status = cleat__load_result(core->store, &command->as.wait.id, command->as.wait.result);
        if (status == CLEAT_EMPTY) {
            status = cleat__fail(CLEAT_CORRUPT, "run %s neither lives nor has ended",
                                 command->as.wait.result->id.text);
        }
        /* A result too large for memory just now is no reason to stop. */
        bool is_alone = status == CLEAT_NOT_FOUND || status == CLEAT_NO_MEMORY;
        return is_alone ? status : cleat__core_check(core, status);
    }
    command->as.wait.run = run;
    command->next = run->waiters;
    run->waiters = command;
    return CLEAT_OK;
}

static cleat_status stop_waiting(cleat__core *core, cleat__command *command)
{
    (void)core;
    cleat__command *waiter = command->as.stop_waiting;
    if (waiter->as.wait.run == NULL) {
        return CLEAT_OK; /* answered before */
    }
    cleat__command **link = &waiter->as.wait.run->waiters;
    while (*link != waiter) {
        link = &(*link)->next;
    }
    *link = waiter->next;
    waiter->as.wait.run = NULL;
    return CLEAT_OK;
}

static cleat_status cancel(cleat__core *core, cleat__command *command)
{
    cleat__run *run = cleat__runs_find(&core->runs, &command->as.id);
    if (run != NULL) {
        return cleat__life_cancel(core, run);
    }
    cleat_status status = cleat__load_exists(core->store, &command->as.id);
    if (status == CLEAT_OK) {
        char id[37];
        cleat__uuid_format(&command->as.id, id);
        return cleat__fail(CLEAT_FAILED_PRECONDITION, "run %s has ended already", id);
    }
    return status == CLEAT_NOT_FOUND ? status : cleat__core_check(core, status);
}

/* ---- Workers ---- */

static cleat_status check_worker(cleat__core *core, const cleat__command *command)
{
    if (command->as.worker_add.slots <= 0) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "slots is %d; it must be at least 1",
                           command->as.worker_add.slots);
    }
    for (size_t i = 0; i < command->as.worker_add.action_count; i++) {
        cleat_slice action = command->as.worker_add.actions[i];
        if (cleat__queues_find(&core->queues, action) == NULL) {
            return cleat__fail(CLEAT_NOT_FOUND, "the worker's task \"%.*s\" is not declared",
                               CLEAT_SLICE_ARGS(action));
        }
    }
    return CLEAT_OK;
}

static cleat_status worker_add(cleat__core *core, cleat__command *command)
{
    cleat_status status = check_worker(core, command);
    if (status != CLEAT_OK) {
        return status;
    }
    size_t count = command->as.worker_add.action_count;
    cleat__uuid id = cleat__uuid_next(&core->ids, core->now.unix_ms);
    cleat__worker *worker = NULL;
    status = cleat__roster_add(&core->roster, &id, &command->as.worker_add.sink, command->as.worker_add.slots,
                               count, &worker);
    for (size_t i = 0; i < count && status == CLEAT_OK; i++) {
        status =
            cleat__roster_serve(worker, cleat__queues_find(&core->queues, command->as.worker_add.actions[i]));
    }
    if (status == CLEAT_OK) {
        status = cleat__roster_touch(&core->roster, worker, core->now.monotonic_ms);
    }
    if (status == CLEAT_OK) {
        *command->as.worker_add.id = id;
    } else if (worker != NULL) {
        cleat__roster_remove(&core->roster, worker);
    }
    return status;
}

static cleat_status find_worker(cleat__core *core, const cleat__command *command, cleat__worker **out)
{
    *out = cleat__roster_find(&core->roster, &command->as.id);
    if (*out == NULL) {
        char id[37];
        cleat__uuid_format(&command->as.id, id);
        return cleat__fail(CLEAT_NOT_FOUND, "there is no worker %s", id);
    }
    return CLEAT_OK;
}

static cleat_status worker_pause(cleat__core *core, cleat__command *command)
{
    cleat__worker *worker = NULL;
    cleat_status status = find_worker(core, command, &worker);
    if (status == CLEAT_OK) {
        worker->is_paused = true;
    }
    return status;
}

static cleat_status worker_remove(cleat__core *core, cleat__command *command)
{
    cleat__worker *worker = NULL;
    cleat_status status = find_worker(core, command, &worker);
    while (status == CLEAT_OK && worker->held.head != NULL) {
        status = cleat__life_lose(core, worker->held.head);
    }
    if (status == CLEAT_OK) {
        cleat__roster_remove(&core->roster, worker);
    }
    return status;
}

static cleat_status worker_heartbeat(cleat__core *core, cleat__command *command)
{
    cleat__worker *worker = NULL;
    cleat_status status = find_worker(core, command, &worker);
    if (status != CLEAT_OK) {
        return status;
    }
    return cleat__core_check(core, cleat__roster_touch(&core->roster, worker, core->now.monotonic_ms));
}

/* ---- What workers say ---- */

static cleat__event event_of(const cleat__report *report)
{
    switch (report->status) {
    case CLEAT_OK: return CLEAT__EVENT_COMPLETE;
    case CLEAT_UNAVAILABLE: return CLEAT__EVENT_RELEASE;
    default: return CLEAT__EVENT_FAIL;
    }
}

static cleat_status report(cleat__core *core, cleat__command *command)
{
    const cleat__report *said = &command->as.report;
    cleat__event event = event_of(said);
    cleat__run *run = cleat__runs_find(&core->runs, &said->task_id);
    if (run == NULL || run->retry_count != said->retry_count ||
        cleat__state_next(run->state, event) == CLEAT__STATE_IGNORED) {
        return CLEAT_OK; /* it was cancelled, timed out or counted as lost meanwhile */
    }
    if (event == CLEAT__EVENT_RELEASE) {
        return cleat__life_release(core, run);
    }
    if (event == CLEAT__EVENT_COMPLETE) {
        bool has_output = said->output.size != 0;
        return cleat__life_complete(core, run, has_output ? said->output : cleat_slice_of("null"));
    }
    cleat_slice error =
        said->error.data != NULL ? said->error : cleat_slice_of(cleat_status_text(said->status));
    return cleat__life_fail(core, run, error, said->status != CLEAT_NON_RETRYABLE);
}

static cleat_status log_line(cleat__core *core, cleat__command *command)
{
    cleat_status status = cleat__core_begin(core);
    return status == CLEAT_OK ? cleat__core_check(core, cleat__log_line_insert(core->store, &command->as.log))
                              : status;
}

/* ---- The floors above ---- */

static cleat_status call(cleat__core *core, cleat__command *command)
{
    static const char doing[] = "running a call";
    sqlite3 *db = cleat__store_db(core->store);
    cleat_status status = cleat__core_begin(core);
    if (status == CLEAT_OK) {
        status = cleat__core_check(core, cleat__sqlite_exec(db, "SAVEPOINT call", doing));
    }
    if (status != CLEAT_OK) {
        return status;
    }
    cleat_status result = command->as.call.function(core->store, command->as.call.argument);
    if (sqlite3_get_autocommit(db)) {
        /* Some errors make SQLite roll back everything, the rest of the batch with it. */
        return cleat__core_check(core, result != CLEAT_OK ? result : CLEAT_IO);
    }
    if (result == CLEAT_OK) {
        return cleat__core_check(core, cleat__sqlite_exec(db, "RELEASE call", doing));
    }
    /* Keeps the function's own sentence. */
    if (sqlite3_exec(db, "ROLLBACK TO call; RELEASE call", NULL, NULL, NULL) != SQLITE_OK) {
        return cleat__core_check(core, cleat__sqlite_error(db, doing));
    }
    return result;
}

cleat_status cleat__core_handle(cleat__core *core, cleat__command *command)
{
    static handler *const handlers[] = {
#define HANDLER(name, function) [CLEAT__COMMAND_##name] = function,
        CLEAT__COMMANDS(HANDLER)
#undef HANDLER
    };
    return handlers[command->kind](core, command);
}
