/* One handler per command of command.h. What it answers is told when the batch is committed. */
#include "base/error.h"
#include "engine/crons.h"
#include "engine/dag.h"
#include "engine/durable_chain.h"
#include "engine/events.h"
#include "engine/filters.h"
#include "engine/hooks.h"
#include "engine/life.h"
#include "engine/pause.h"
#include "engine/replay.h"
#include "engine/takings.h"
#include "engine/timetable.h"
#include "engine/trigger.h"
#include "engine/webhooks.h"
#include "engine/workers.h"
#include "model/duration.h"
#include "model/state.h"
#include "store/dag.h"
#include "store/load.h"
#include "store/cron.h"
#include "store/schedule.h"
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

/* What is put, as a row, with what it borrows. */
typedef struct putting {
    cleat__type_row row;
    char action[CLEAT__ACTION_MAX];
    cleat__buffer declaration;
} putting;

/* What is given to a worker with others does not run again by itself (engine.md 22). */
static cleat__policy policy_of(const cleat__workflow_task *task)
{
    cleat__policy policy = task->policy;
    policy.retries = task->batch != NULL ? 0 : policy.retries;
    return policy;
}

static cleat_status describe(putting *put, int64_t tenant, const cleat__workflow *workflow)
{
    const cleat__workflow_task *task = &workflow->tasks[0];
    bool is_dag = cleat__workflow_is_dag(workflow);
    cleat__workflow_encode(workflow, &put->declaration);
    if (put->declaration.failed) {
        return cleat__fail_memory();
    }
    put->row = (cleat__type_row){
        .tenant = tenant,
        .workflow = workflow->name,
        .task_name = is_dag ? workflow->name : task->name,
        .action = cleat__lower_case(is_dag ? workflow->name : task->action, put->action),
        .policy = policy_of(task),
        .declaration = cleat__buffer_slice(&put->declaration),
        .is_dag = is_dag,
    };
    if (is_dag) { /* the others are those of its tasks */
        put->row.policy = (cleat__policy){.priority = task->policy.priority,
                                          .execution_timeout_ms = CLEAT__NO_TIMEOUT,
                                          .schedule_timeout_ms = CLEAT__NO_TIMEOUT};
    }
    return CLEAT_OK;
}

/* CLEAT_OK: the newest version is just that; CLEAT_EMPTY: it is not. */
static cleat_status compare(cleat__core *core, const cleat__type_row *row, const cleat__task_type *latest)
{
    bool is_same = same_policy(&latest->policy, &row->policy) &&
                   (latest->queue == NULL || cleat_slice_equals(latest->queue->action, row->action)) &&
                   cleat_slice_equals(latest->task_name, row->task_name);
    cleat_status status =
        is_same ? cleat__type_compare(core->store, latest->id, row->declaration) : CLEAT_EMPTY;
    return status == CLEAT_EMPTY ? status : cleat__core_check(core, status);
}

static cleat_status add_row(cleat__core *core, cleat__type_row *row)
{
    cleat_status status = cleat__core_check(core, cleat__type_insert(core->store, row));
    return status == CLEAT_OK
               ? cleat__core_check(core, cleat__catalog_add(&core->catalog, &core->queues, row))
               : status;
}

/* A task of a version, which is there. */
static cleat_status add_task(cleat__core *core, const cleat__type_row *version,
                             const cleat__workflow *workflow, size_t at)
{
    const cleat__workflow_task *task = &workflow->tasks[at];
    cleat__buffer declaration = {0};
    char action[CLEAT__ACTION_MAX];
    cleat__workflow_encode_task(workflow, at, &declaration);
    cleat__type_row row = *version;
    row.task_name = task->name;
    row.action = cleat__lower_case(task->action, action);
    row.policy = policy_of(task);
    row.declaration = cleat__buffer_slice(&declaration);
    row.dag_type = version->id;
    row.is_dag = false;
    cleat_status status =
        declaration.failed ? cleat__core_check(core, cleat__fail_memory()) : add_row(core, &row);
    cleat__buffer_deinit(&declaration);
    return status;
}

static cleat_status add_version(cleat__core *core, cleat__type_row *row, const cleat__workflow *workflow,
                                const cleat__workflow_entry *entry)
{
    row->workflow_row = entry != NULL ? entry->row : 0;
    row->workflow_id = entry != NULL ? entry->id : cleat__uuid_next(&core->ids, core->now.unix_ms);
    row->version_id = cleat__uuid_next(&core->ids, core->now.unix_ms);
    cleat_status status = cleat__core_begin(core);
    if (status == CLEAT_OK) {
        status = add_row(core, row);
    }
    size_t tasks = cleat__workflow_is_dag(workflow) ? workflow->task_count : 0;
    for (size_t i = 0; i < tasks && status == CLEAT_OK; i++) {
        status = add_task(core, row, workflow, i);
    }
    if (status == CLEAT_OK) {
        cleat__limits_review(core, cleat__catalog_find_type(&core->catalog, row->id));
    }
    return status;
}

static cleat_status put_workflow(cleat__core *core, cleat__command *command)
{
    const cleat__workflow *workflow = command->as.put_workflow.workflow;
    putting put = {.declaration = {0}};
    cleat_status status = cleat__workflow_check(workflow);
    if (status == CLEAT_OK) {
        status = cleat__takings_check(core, command->tenant, workflow);
    }
    if (status == CLEAT_OK) {
        status = describe(&put, command->tenant, workflow);
    }
    cleat__workflow_entry *entry = NULL;
    if (status == CLEAT_OK) {
        entry = cleat__catalog_find(&core->catalog, command->tenant, workflow->name);
        status = entry != NULL ? compare(core, &put.row, entry->latest) : CLEAT_EMPTY;
    }
    bool is_new = status == CLEAT_EMPTY;
    if (is_new) {
        status = command->as.put_workflow.owns_actions
                     ? cleat__catalog_check_actions(&core->catalog, command->tenant, workflow)
                     : CLEAT_OK;
    }
    if (status == CLEAT_OK) { /* nothing of it is refused from here on */
        status = cleat__takings_keep(core, command->tenant, workflow);
    }
    /* Before the version, so that the file says what each shared rule is, and a version that is imported does not. */
    if (status == CLEAT_OK) {
        status = cleat__limits_share(core, command->tenant, workflow);
    }
    if (status == CLEAT_OK && is_new) {
        status = add_version(core, &put.row, workflow, entry);
    }
    cleat__buffer_deinit(&put.declaration);
    if (status == CLEAT_OK) {
        entry = cleat__catalog_find(&core->catalog, command->tenant, workflow->name);
        status = cleat__filters_declare(core, entry, workflow->filters, workflow->filter_count);
    }
    if (status == CLEAT_OK) {
        status = cleat__crons_declare(core, entry, workflow);
    }
    if (status == CLEAT_OK) {
        cleat__takings_warn(core, entry->latest);
    }
    if (status == CLEAT_OK && command->as.put_workflow.version != NULL) {
        *command->as.put_workflow.version = (cleat__version){entry->id, entry->latest->version_id};
    }
    return status;
}

static cleat_status delete_workflow(cleat__core *core, cleat__command *command)
{
    cleat__workflow_entry *entry = NULL;
    cleat_status status = cleat__catalog_find_id(&core->catalog, command->tenant, &command->as.id, &entry);
    if (status != CLEAT_OK) {
        return status;
    }
    status = cleat__core_begin(core);
    if (status == CLEAT_OK) {
        status = cleat__workflow_delete(core->store, entry->row, core->now.unix_ms);
    }
    if (status == CLEAT_OK) {
        /* They would name what is not there when they fire. */
        status = cleat__schedule_delete_all(core->store, command->tenant, entry->name);
    }
    if (status == CLEAT_OK) {
        status = cleat__filters_forget(core, entry);
    }
    if (status == CLEAT_OK) {
        status = cleat__cron_delete_all(core->store, entry->row);
    }
    if (status == CLEAT_OK) {
        status = cleat__pause_end(core, entry); /* its runs go on */
    }
    if (status == CLEAT_OK) {
        status = cleat__catalog_remove(&core->catalog, entry);
    }
    return cleat__core_check(core, status);
}

static cleat_status trigger(cleat__core *core, cleat__command *command)
{
    return cleat__trigger_each(core, command->tenant, command->as.trigger.items, command->as.trigger.count,
                               command->as.trigger.ids, command->refused);
}

/* ---- Runs by their id ---- */

cleat__run *cleat__core_find_run(const cleat__core *core, int64_t tenant, const cleat__uuid *id)
{
    cleat__run *run = cleat__runs_find(&core->runs, id);
    return run != NULL && run->type->workflow->tenant == tenant ? run : NULL;
}

/* Whether the tenant has such a run, which does not live. */
static cleat_status check_ended(cleat__core *core, int64_t tenant, const cleat__uuid *id)
{
    cleat_status status = cleat__load_exists(core->store, tenant, id);
    return status == CLEAT_NOT_FOUND ? status : cleat__core_check(core, status);
}

static cleat_status find(cleat__core *core, cleat__command *command)
{
    const cleat__run *run = cleat__core_find_run(core, command->tenant, &command->as.id);
    return run != NULL ? CLEAT_OK : check_ended(core, command->tenant, &command->as.id);
}

static cleat_status cancel(cleat__core *core, cleat__command *command)
{
    cleat__run *run = cleat__core_find_run(core, command->tenant, &command->as.id);
    if (run != NULL) {
        return cleat__life_cancel(core, run);
    }
    cleat__uuid last = command->as.id;
    cleat_status status = check_ended(core, command->tenant, &last);
    if (status == CLEAT_OK && command->follows) {
        status = cleat__durable_chain_follow(core, CLEAT__FOLLOW_LAST, &last, &run);
    }
    if (run != NULL) {
        return cleat__life_cancel(core, run);
    }
    if (status == CLEAT_OK) {
        char id[37];
        cleat__uuid_format(&command->as.id, id);
        return cleat__fail(CLEAT_FAILED_PRECONDITION, "run %s has ended already", id);
    }
    return status;
}

/* ---- Waiting ---- */

static cleat_status tell_end(cleat__core *core, cleat__command *command)
{
    cleat_run_result *result = command->as.wait.result;
    cleat_status status = cleat__load_result(core->store, command->tenant, &command->as.wait.id, result,
                                             command->as.wait.task_name);
    if (status == CLEAT_OK && command->as.wait.tasks != NULL) {
        status = cleat__dag_results(core->store, &command->as.wait.id, command->as.wait.tasks);
    }
    if (status == CLEAT_EMPTY) {
        status = cleat__fail(CLEAT_CORRUPT, "run %s neither lives nor has ended", result->id.text);
    }
    /* A result too large for memory just now is no reason to stop. */
    return status == CLEAT_NOT_FOUND ? status : cleat__core_check_alone(core, status);
}

static cleat_status wait(cleat__core *core, cleat__command *command)
{
    cleat__uuid *id = &command->as.wait.id;
    cleat__run *run = cleat__core_find_run(core, command->tenant, id);
    if (run == NULL && command->as.wait.follow != CLEAT__FOLLOW_NOT) {
        cleat_status status = check_ended(core, command->tenant, id);
        if (status == CLEAT_OK) {
            status = cleat__durable_chain_follow(core, command->as.wait.follow, id, &run);
        }
        if (status != CLEAT_OK) {
            return status;
        }
    }
    if (run == NULL) {
        return tell_end(core, command);
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

/* ---- What workers say ---- */

static cleat__event event_of(const cleat__report *report)
{
    switch (report->status) {
    case CLEAT_OK: return CLEAT__EVENT_COMPLETE;
    case CLEAT_UNAVAILABLE: return CLEAT__EVENT_RELEASE;
    default: return CLEAT__EVENT_FAIL;
    }
}

/* A run of several tasks is with nobody, and has no attempts; whoever speaks of one means something else. */
static bool is_current(const cleat__run *run, int32_t retry_count)
{
    return !cleat__run_is_dag(run) &&
           (retry_count == run->retry_count || retry_count == CLEAT__RETRY_CURRENT);
}

static cleat_status started(cleat__core *core, cleat__command *command)
{
    const cleat__uuid *id = &command->as.started.id;
    cleat__run *run = cleat__core_find_run(core, command->tenant, id);
    if (run == NULL) {
        return check_ended(core, command->tenant, id);
    }
    bool has_begun = run->state == CLEAT_RUN_RUNNING && is_current(run, command->as.started.retry_count);
    return has_begun ? cleat__life_begin(core, run) : CLEAT_OK;
}

/* Sent again when its answer is lost, it may come when the same attempt is with another worker. */
static bool is_of_another_worker(const cleat__run *run, const cleat__uuid *said)
{
    if (run->worker == NULL || cleat__uuid_is_nil(said)) {
        return false;
    }
    return !cleat__uuid_equals(&run->worker->id, said);
}

/* A name that no worker has says nothing. */
static bool is_of_another_name(const cleat__core *core, const cleat__run *run, cleat_slice said)
{
    const char *name = run->worker != NULL ? run->worker->name : NULL;
    if (name == NULL || said.size == 0 || cleat_slice_equals(said, cleat_slice_of(name))) {
        return false;
    }
    return cleat__roster_has_name(&core->roster, run->worker->tenant, said);
}

/* The invocations of an attempt have one number, and not everybody says which one has ended. */
static bool is_of_another_invocation(const cleat__core *core, const cleat__run *run,
                                     const cleat__report *said)
{
    return cleat__run_is_durable(run) && said->invocation_count == 0 &&
           (is_of_another_worker(run, &said->worker_id) || is_of_another_name(core, run, said->worker_name));
}

/* Its worker has no time for it. */
static cleat_status release(cleat__core *core, cleat__run *run)
{
    if (!cleat__run_is_durable(run)) {
        return cleat__life_release(core, run);
    }
    cleat__durable *durable = cleat__durable_of(run);
    if (run->receipt == CLEAT__RECEIPT_HEARD) {
        return cleat__durable_restart(core, durable, NULL);
    }
    cleat_status status = cleat__durable_return(core, durable, run->retry_count);
    return status == CLEAT_OK ? cleat__life_release(core, run) : status;
}

static cleat_status end_attempt(cleat__core *core, cleat__run *run, const cleat__report *said,
                                cleat__event event)
{
    if (event == CLEAT__EVENT_RELEASE) {
        return is_of_another_worker(run, &said->worker_id) ? CLEAT_OK : release(core, run);
    }
    if (event == CLEAT__EVENT_COMPLETE) {
        bool has_output = said->output.size != 0;
        return cleat__life_complete(core, run, has_output ? said->output : cleat_slice_of("null"));
    }
    cleat_slice error =
        said->error.data != NULL ? said->error : cleat_slice_of(cleat_status_text(said->status));
    return cleat__life_fail(core, run, error, said->status != CLEAT_NON_RETRYABLE);
}

static cleat_status report(cleat__core *core, cleat__command *command)
{
    const cleat__report *said = &command->as.report;
    cleat__event event = event_of(said);
    cleat__run *run = cleat__core_find_run(core, command->tenant, &said->task_id);
    if (run == NULL) {
        return check_ended(core, command->tenant, &said->task_id);
    }
    if (!is_current(run, said->retry_count) || cleat__state_next(run->state, event) == CLEAT__STATE_IGNORED) {
        return CLEAT_OK; /* it timed out or counted as lost meanwhile */
    }
    if (is_of_another_invocation(core, run, said)) {
        return CLEAT_OK;
    }
    cleat_status status = CLEAT_OK;
    if (said->invocation_count != 0 && cleat__run_is_durable(run)) {
        status = cleat__durable_know(core, cleat__durable_of(run));
        if (status != CLEAT_OK || cleat__durable_of(run)->invocation_count != said->invocation_count) {
            return status;
        }
    }
    core->durables.carrier = said->carrier;
    status = end_attempt(core, run, said, event);
    core->durables.carrier = (cleat_slice){NULL, 0};
    return status;
}

/* Its worker gives it up. One that has lost it says nothing. */
static cleat_status cancel_held(cleat__core *core, cleat__command *command)
{
    const cleat__report *said = &command->as.report;
    cleat__run *run = cleat__core_find_run(core, command->tenant, &said->task_id);
    if (run == NULL) {
        return check_ended(core, command->tenant, &said->task_id);
    }
    bool is_lost = run->state != CLEAT_RUN_RUNNING || !is_current(run, said->retry_count) ||
                   is_of_another_worker(run, &said->worker_id) ||
                   is_of_another_name(core, run, said->worker_name);
    return is_lost ? CLEAT_OK : cleat__life_cancel(core, run);
}

static cleat_status undelivered(cleat__core *core, cleat__command *command)
{
    const cleat__uuid *id = &command->as.undelivered.id;
    cleat__run *run = cleat__core_find_run(core, command->tenant, id);
    if (run == NULL) {
        return check_ended(core, command->tenant, id);
    }
    bool is_known = run->receipt == CLEAT__RECEIPT_HEARD || run->receipt == CLEAT__RECEIPT_REPEATED;
    bool is_lost = run->state == CLEAT_RUN_RUNNING && !cleat__run_is_dag(run) && !is_known && !run->is_owed &&
                   run->retry_count == command->as.undelivered.retry_count;
    return is_lost ? cleat__life_lose(core, run, CLEAT__LOSS_UNDELIVERED) : CLEAT_OK;
}

/* That its worker speaks of: it has begun. CLEAT_NOT_FOUND: the tenant has no run of that id that is running,
 * or another attempt is, or another worker has it: an attempt that is over must not hold up the next. */
static cleat_status find_running(cleat__core *core, const cleat__command *command, const cleat__uuid *id,
                                 cleat__run **out)
{
    *out = cleat__core_find_run(core, command->tenant, id);
    if (*out != NULL && command->attempt != 0 && command->attempt - 1 != (*out)->retry_count) {
        return cleat__fail(CLEAT_NOT_FOUND, "attempt %d is not running any more", command->attempt - 1);
    }
    if (*out == NULL || (*out)->state != CLEAT_RUN_RUNNING || cleat__run_is_dag(*out)) {
        char text[37];
        cleat__uuid_format(id, text);
        return cleat__fail(CLEAT_NOT_FOUND, "run %s is not running", text);
    }
    if (is_of_another_worker(*out, &command->worker_id)) {
        return cleat__fail(CLEAT_NOT_FOUND, "the run is with another worker by now");
    }
    return cleat__life_begin(core, *out);
}

static cleat_status release_slot(cleat__core *core, cleat__command *command)
{
    cleat__run *run = NULL;
    cleat_status status = find_running(core, command, &command->as.id, &run);
    return status == CLEAT_OK ? cleat__life_release_slots(core, run) : status;
}

static cleat_status refresh_timeout(cleat__core *core, cleat__command *command)
{
    int64_t increment = command->as.refresh_timeout.increment_ms;
    cleat__run *run = NULL;
    cleat_status status = find_running(core, command, &command->as.refresh_timeout.id, &run);
    if (status == CLEAT_OK && increment < 0) {
        status = cleat__fail(CLEAT_INVALID_ARGUMENT, "a timeout can only be made longer");
    }
    if (status != CLEAT_OK) {
        return status;
    }
    return cleat__life_prolong(core, run, increment, command->as.refresh_timeout.timeout_at_ms);
}

static cleat_status log_line(cleat__core *core, cleat__command *command)
{
    if (command->as.log.metadata.size > CLEAT_PAYLOAD_MAX) {
        return cleat__fail(CLEAT_TOO_LARGE, "the log line's metadata has %zu bytes; at most %zu are stored",
                           command->as.log.metadata.size, CLEAT_PAYLOAD_MAX);
    }
    cleat_status status = cleat__core_begin(core);
    if (status == CLEAT_OK) {
        status = cleat__log_line_insert(core->store, command->tenant, &command->as.log);
    }
    return status == CLEAT_NOT_FOUND ? status : cleat__core_check_alone(core, status);
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
    bool is_store_error = result == CLEAT_IO || result == CLEAT_DISK_FULL || result == CLEAT_CORRUPT;
    if (sqlite3_get_autocommit(db)) {
        /* Some errors make SQLite roll back everything, the rest of the batch with it. */
        return cleat__core_check(core, result != CLEAT_OK ? result : CLEAT_IO);
    }
    if (result == CLEAT_OK) {
        return cleat__core_check(core, cleat__sqlite_exec(db, "RELEASE call", doing));
    }
    core->totals.store_errors += is_store_error;
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
