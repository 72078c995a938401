#include "engine/dag.h"
#include "engine/life_parts.h"

#include "base/alloc.h"
#include "base/error.h"
#include "model/duration.h"
#include "model/metadata.h"
#include "model/state.h"
#include "store/load.h"
#include "store/transition.h"

#include <stdio.h>

/* For a worker to come back and say that it has what was sent when its connection broke. */
#define DOUBT_MS INT64_C(10000)

cleat__attempt_key cleat__life_key(const cleat__run *run)
{
    cleat__attempt_key key = {.id = run->id, .retry_count = run->retry_count};
    if (run->state == CLEAT_RUN_RUNNING || run->state == CLEAT_RUN_EVICTED) {
        key.started_at_ms = run->since_ms;
    }
    if (run->worker != NULL && run->worker->is_remote) {
        key.worker_id = run->worker->id;
    }
    return key;
}

void cleat__life_forget(cleat__core *core, cleat__run *run)
{
    if (cleat__run_is_dag(run)) {
        cleat__dag_drop(core, cleat__dag_of_run(run));
    } else if (cleat__run_is_durable(run)) {
        cleat__durable_drop(core, cleat__durable_of(run));
    }
    if (cleat__run_is_limited(run)) {
        cleat__limits_detach(core, run);
    }
    cleat__wishes_leave(&core->wishes, run);
    cleat__runs_free(&core->runs, run);
}

/* The monotonic time when `timeout_ms` from now is over. */
static int64_t deadline_after(const cleat__core *core, int64_t timeout_ms)
{
    return timeout_ms != CLEAT__NO_TIMEOUT ? cleat__saturating_add(core->now.monotonic_ms, timeout_ms)
                                           : INT64_MAX;
}

void cleat__life_set_state(cleat__core *core, cleat__run *run, int state)
{
    core->running += (state == CLEAT_RUN_RUNNING) - (run->state == CLEAT_RUN_RUNNING);
    core->evicted += (state == CLEAT_RUN_EVICTED) - (run->state == CLEAT_RUN_EVICTED);
    run->state = (uint8_t)state;
}

/* ---- Into a queue ---- */

/* Or what goes on as it has: it may have waited for days, and is not given up since its workers are down for minutes. */
bool cleat__life_has_begun(const cleat__run *run)
{
    const cleat__durable *durable = CLEAT__CONTAINER(run, const cleat__durable, run);
    return cleat__run_is_durable(run) && (durable->invocation_count > 0 || durable->is_next);
}

/* How long it may wait for a worker. */
static int64_t patience_of(const cleat__run *run)
{
    const cleat__pause *pause = &run->type->workflow->pause;
    return pause->is_paused ? pause->ttl_ms : run->type->policy.schedule_timeout_ms;
}

int64_t cleat__life_queue_deadline(const cleat__core *core, const cleat__run *run)
{
    return cleat__life_has_begun(run) ? INT64_MAX : deadline_after(core, patience_of(run));
}

cleat_status cleat__life_enqueue(cleat__core *core, cleat__run *run, int level)
{
    run->is_backing_off = false;
    int64_t deadline = cleat__life_queue_deadline(core, run);
    if (cleat__run_is_limited(run)) {
        cleat_status status = cleat__limits_enter(core, run, level);
        if (status != CLEAT_OK) {
            return status;
        }
    } else {
        cleat__queues_append(&core->queues, run, level);
    }
    return cleat__core_check(core, cleat__runs_set_timer(&core->runs, run, deadline));
}

cleat_status cleat__life_back_off(cleat__core *core, cleat__run *run, int64_t delay_ms)
{
    run->is_backing_off = true;
    if (cleat__run_is_limited(run)) {
        cleat__limits_give_back(core, run);
    }
    return cleat__core_check(core, cleat__runs_set_timer(&core->runs, run, deadline_after(core, delay_ms)));
}

/* NULL: the worker has ended the invocation itself. */
static const char *reason_of(cleat__event event)
{
    switch (event) {
    case CLEAT__EVENT_TIME_OUT_RETRY:
    case CLEAT__EVENT_TIME_OUT_FAIL: return "it took too long";
    case CLEAT__EVENT_LOSE_RETRY:
    case CLEAT__EVENT_LOSE_FAIL: return "its worker was taken for lost";
    case CLEAT__EVENT_CANCEL: return "the run was cancelled";
    case CLEAT__EVENT_SUPERSEDE: return "the run was cancelled due to a concurrency strategy";
    default: return NULL;
    }
}

void cleat__life_stop_invocation(cleat__core *core, cleat__run *run, cleat__event event)
{
    if (run->state == CLEAT_RUN_RUNNING && cleat__run_is_durable(run)) {
        cleat__durable_stop(core, cleat__durable_of(run), reason_of(event));
    }
}

cleat_status cleat__life_release(cleat__core *core, cleat__run *run)
{
    cleat__attempt_key key = cleat__life_key(run);
    cleat_status status = cleat__core_begin(core);
    if (status == CLEAT_OK) {
        status = cleat__core_check(core, cleat__transition_release(core->store, &key, core->now.unix_ms));
    }
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__rates_return(core, run);
    cleat__life_stop_invocation(core, run, CLEAT__EVENT_RELEASE);
    cleat__life_let_go(core, run);
    cleat__life_set_state(core, run, cleat__state_next(run->state, CLEAT__EVENT_RELEASE));
    run->since_ms = core->now.unix_ms;
    return cleat__life_enqueue(core, run, CLEAT__LEVEL_AHEAD);
}

/* Memory's part of RETRY, TIME_OUT_RETRY and LOSE_RETRY. */
static cleat_status requeue(cleat__core *core, cleat__run *run, cleat__event event,
                            const cleat__requeue *next)
{
    cleat__life_stop_invocation(core, run, event);
    cleat__life_let_go(core, run);
    cleat__life_set_state(core, run, cleat__state_next(run->state, event));
    run->retry_count = next->retry_count;
    run->internal_retries = (uint8_t)next->internal_retries;
    run->since_ms = next->queued_at_ms;
    int64_t delay = next->queued_at_ms - core->now.unix_ms;
    return delay > 0 ? cleat__life_back_off(core, run, delay)
                     : cleat__life_enqueue(core, run, CLEAT__LEVEL_AHEAD);
}

/* ---- To a worker ---- */

static void count_dispatch(cleat__core *core, const cleat__run *run)
{
    static const int64_t bounds_ms[CLEAT__DISPATCH_BOUND_COUNT] = {CLEAT__DISPATCH_BOUNDS_MS};
    int64_t waited_ms = core->now.unix_ms - run->since_ms;
    size_t at = 0;
    while (at < CLEAT__DISPATCH_BOUND_COUNT && waited_ms > bounds_ms[at]) {
        at++;
    }
    core->totals.dispatched[at]++;
    core->totals.dispatched_ms += waited_ms > 0 ? (uint64_t)waited_ms : 0;
}

static void hold(cleat__worker *worker, cleat__run *run)
{
    if (cleat__run_is_batched(run)) {
        cleat__batches_hold(worker, run);
    } else {
        cleat__roster_hold(worker, run);
    }
}

void cleat__life_let_go(cleat__core *core, cleat__run *run)
{
    if (cleat__run_is_batched(run)) {
        cleat__batches_let_go(&core->batches, run);
    }
    cleat__roster_let_go(run);
}

static cleat_status store_assignment(cleat__core *core, cleat__run *run, const cleat__worker *worker)
{
    cleat__attempt_key key = cleat__life_key(run);
    if (worker->is_remote) {
        key.worker_id = worker->id;
    }
    if (cleat__run_is_batched(run) && cleat__batched_of(run)->batch != NULL) {
        key.batch_id = cleat__batched_of(run)->batch->id;
    }
    return cleat__core_check(core, cleat__transition_assign(core->store, &key, core->now.unix_ms));
}

cleat_status cleat__life_hand_over(cleat__core *core, cleat__run *run, cleat__worker *worker,
                                   cleat__assignment *assignment)
{
    cleat_status status = store_assignment(core, run, worker);
    if (status != CLEAT_OK) {
        cleat__free(assignment);
        return status;
    }
    count_dispatch(core, run);
    run->since_ms = core->now.unix_ms;
    run->receipt = CLEAT__RECEIPT_SENT;
    run->was_prolonged = false;
    cleat__queues_remove(&core->queues, run);
    if (cleat__run_is_limited(run)) {
        cleat__limits_taken(core, run);
    }
    if (run->lane->units != NULL) {
        cleat__rates_take(core, run->lane);
    }
    cleat__life_set_state(core, run, cleat__state_next(run->state, CLEAT__EVENT_ASSIGN));
    hold(worker, run);
    cleat__roster_assign(&core->roster, worker, assignment);
    int64_t deadline = deadline_after(core, run->type->policy.execution_timeout_ms);
    status = cleat__core_check(core, cleat__runs_set_timer(&core->runs, run, deadline));
    return status == CLEAT_OK && run->type->dag != NULL ? cleat__dag_begin(core, cleat__dag_of_task(run))
                                                        : status;
}

cleat_status cleat__life_assign(cleat__core *core, cleat__run *run, cleat__worker *worker)
{
    cleat__assignment *assignment = NULL;
    cleat_status status = cleat__core_begin(core);
    if (status == CLEAT_OK && cleat__run_is_durable(run)) {
        status = cleat__durable_begin(core, cleat__durable_of(run));
    }
    if (status == CLEAT_OK) {
        status = cleat__life_load_assignment(core, run, &assignment);
    }
    if (status != CLEAT_OK) {
        cleat__free(assignment);
        return cleat__run_is_durable(run) ? cleat__core_check(core, status)
                                          : cleat__core_check_alone(core, status);
    }
    return cleat__life_hand_over(core, run, worker, assignment);
}

/* It is in doubt no more: its time begins. */
static cleat_status settle(cleat__core *core, cleat__run *run, cleat__receipt receipt)
{
    bool was_doubted = run->receipt == CLEAT__RECEIPT_DOUBTED;
    run->receipt = receipt;
    if (!was_doubted) {
        return CLEAT_OK;
    }
    int64_t deadline = deadline_after(core, run->type->policy.execution_timeout_ms);
    return cleat__core_check(core, cleat__runs_set_timer(&core->runs, run, deadline));
}

cleat_status cleat__life_send_again(cleat__core *core, cleat__run *run)
{
    cleat__assignment *assignment = NULL;
    cleat_status status = cleat__core_begin(core);
    if (status == CLEAT_OK) {
        status = cleat__core_check(core, cleat__life_load_assignment(core, run, &assignment));
    }
    if (status != CLEAT_OK) {
        cleat__free(assignment);
        return status;
    }
    run->is_owed = false;
    cleat__roster_assign(&core->roster, run->worker, assignment);
    return settle(core, run, CLEAT__RECEIPT_REPEATED); /* what a former stream gives back, this one has */
}

static int64_t lesser(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* What is left, should the clock have been set back no more than all of it; and what finished while
 * nobody ran the engine is waited for. */
static int64_t timeout_left(const cleat__core *core, const cleat__run *run, int64_t timeout_at_ms)
{
    int64_t whole = run->type->policy.execution_timeout_ms;
    if (whole == CLEAT__NO_TIMEOUT || timeout_at_ms == INT64_MAX) {
        return CLEAT__NO_TIMEOUT;
    }
    if (timeout_at_ms > run->since_ms) {
        whole = timeout_at_ms - run->since_ms;
    }
    int64_t least = lesser(whole, CLEAT__WORKER_LOST_AFTER_MS);
    int64_t left = lesser(cleat__saturating_add(run->since_ms, whole) - core->now.unix_ms, whole);
    return left > least ? left : least;
}

cleat_status cleat__life_resume(cleat__core *core, cleat__run *run, cleat__worker *worker,
                                int64_t timeout_at_ms, bool has_released)
{
    hold(worker, run);
    /* Who was granted something has it. */
    run->receipt = timeout_at_ms != 0 || has_released ? CLEAT__RECEIPT_HEARD : CLEAT__RECEIPT_UNSURE;
    if (has_released) {
        cleat__life_free_slots(run);
    }
    int64_t deadline = deadline_after(core, timeout_left(core, run, timeout_at_ms));
    return cleat__core_check(core, cleat__runs_set_timer(&core->runs, run, deadline));
}

cleat_status cleat__life_begin(cleat__core *core, cleat__run *run)
{
    return settle(core, run, CLEAT__RECEIPT_HEARD);
}

cleat_status cleat__life_doubt(cleat__core *core, cleat__worker *worker)
{
    cleat_status status = CLEAT_OK;
    for (cleat__run *run = worker->held.head; run != NULL && status == CLEAT_OK; run = run->next) {
        /* What was told again on a stream that breaks too may not have come either. */
        bool is_open = run->receipt == CLEAT__RECEIPT_SENT ||
                       (run->receipt == CLEAT__RECEIPT_REPEATED && worker->may_repeat);
        if (!is_open) {
            continue;
        }
        run->receipt = worker->may_repeat ? CLEAT__RECEIPT_UNSURE : CLEAT__RECEIPT_DOUBTED;
        if (!worker->may_repeat) {
            status = cleat__core_check(
                core, cleat__runs_set_timer(&core->runs, run, deadline_after(core, DOUBT_MS)));
        }
    }
    return status;
}

/* ---- Waiting ---- */

cleat_status cleat__life_evict(cleat__core *core, cleat__run *run, const cleat__eviction *eviction)
{
    cleat__attempt_key key = cleat__life_key(run);
    cleat_status status = cleat__core_begin(core);
    if (status == CLEAT_OK) {
        status = cleat__core_check(core, cleat__durable_set_waits(core->store, &run->id, eviction));
    }
    if (status == CLEAT_OK) {
        status = cleat__core_check(core, cleat__transition_evict(core->store, &key));
    }
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__life_stop_invocation(core, run, CLEAT__EVENT_EVICT);
    cleat__life_let_go(core, run);
    cleat__runs_clear_timer(&core->runs, run);
    cleat__life_set_state(core, run, cleat__state_next(run->state, CLEAT__EVENT_EVICT));
    /* It gets on: who lives for months may lose more workers than who runs for a minute. */
    run->first_retry += run->internal_retries;
    run->internal_retries = 0;
    return CLEAT_OK;
}

/* With the transaction open. */
static cleat_status set_carrier(cleat__core *core, const cleat__run *run, cleat_slice message)
{
    cleat__buffer former = {0}, carrier = {0};
    cleat_status status = cleat__durable_get_carrier(core->store, &run->id, &former);
    if (status == CLEAT_OK) {
        cleat__metadata_follow(cleat__buffer_slice(&former), message, &carrier);
        status = carrier.failed
                     ? cleat__fail_memory()
                     : cleat__durable_set_carrier(core->store, &run->id, cleat__buffer_slice(&carrier));
    }
    cleat__buffer_deinit(&former);
    cleat__buffer_deinit(&carrier);
    return cleat__core_check(core, status);
}

cleat_status cleat__life_restore(cleat__core *core, cleat__run *run, cleat_slice carrier)
{
    cleat__attempt_key key = cleat__life_key(run);
    cleat_status status = cleat__core_begin(core);
    if (status == CLEAT_OK) {
        status = cleat__core_check(core, cleat__transition_restore(core->store, &key, core->now.unix_ms));
    }
    if (status == CLEAT_OK && carrier.size != 0) {
        status = set_carrier(core, run, carrier);
    }
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__durable_forget_waits(cleat__durable_of(run));
    cleat__life_set_state(core, run, cleat__state_next(run->state, CLEAT__EVENT_RESTORE));
    run->since_ms = core->now.unix_ms;
    return cleat__life_enqueue(core, run, CLEAT__LEVEL_AHEAD);
}

/* ---- The end ---- */

cleat_status cleat__life_complete(cleat__core *core, cleat__run *run, cleat_slice output)
{
    cleat__attempt_key key = cleat__life_key(run);
    cleat_status status = cleat__core_begin(core);
    if (status == CLEAT_OK) {
        status =
            cleat__core_check(core, cleat__transition_complete(core->store, &key, core->now.unix_ms, output));
    }
    return status == CLEAT_OK ? cleat__life_finish(core, run, CLEAT__EVENT_COMPLETE, output) : status;
}

/* ---- Failures ---- */

cleat_status cleat__life_reject(cleat__core *core, cleat__run *run, cleat_slice error)
{
    cleat__attempt_key key = cleat__life_key(run);
    cleat_status status = cleat__core_begin(core);
    if (status == CLEAT_OK) {
        status =
            cleat__core_check(core, cleat__transition_reject(core->store, &key, core->now.unix_ms, error));
    }
    return status == CLEAT_OK ? cleat__life_finish(core, run, CLEAT__EVENT_REJECT, error) : status;
}

static cleat_status fail_for_good(cleat__core *core, cleat__run *run, cleat__event event, cleat_slice error)
{
    cleat__attempt_key key = cleat__life_key(run);
    cleat_status status = cleat__core_begin(core);
    if (status == CLEAT_OK) {
        status = cleat__core_check(
            core, cleat__transition_fail(core->store, &key, event, core->now.unix_ms, error));
    }
    return status == CLEAT_OK ? cleat__life_finish(core, run, event, error) : status;
}

typedef cleat_status (*retry_transition)(cleat__store *store, const cleat__attempt_key *key, int64_t now_ms,
                                         cleat_slice error, const cleat__requeue *next);

static cleat_status retry(cleat__core *core, cleat__run *run, cleat__event event, retry_transition transition,
                          cleat_slice error)
{
    bool is_lost = event == CLEAT__EVENT_LOSE_RETRY;
    int32_t number = cleat__run_failures(run) + 1; /* of this retry after a failure */
    int64_t delay = is_lost ? 0 : cleat__policy_backoff_ms(&run->type->policy, number);
    cleat__requeue next = {
        .retry_count = run->retry_count + 1,
        .internal_retries = run->internal_retries + is_lost,
        .queued_at_ms = cleat__saturating_add(core->now.unix_ms, delay),
    };
    cleat__attempt_key key = cleat__life_key(run);
    cleat_status status = cleat__core_begin(core);
    if (status == CLEAT_OK) {
        status = cleat__core_check(core, transition(core->store, &key, core->now.unix_ms, error, &next));
    }
    return status == CLEAT_OK ? requeue(core, run, event, &next) : status;
}

static bool has_retries_left(const cleat__run *run)
{
    return cleat__run_failures(run) < run->type->policy.retries;
}

cleat_status cleat__life_fail(cleat__core *core, cleat__run *run, cleat_slice error, bool may_retry)
{
    if (may_retry && has_retries_left(run)) {
        return retry(core, run, CLEAT__EVENT_RETRY, cleat__transition_retry, error);
    }
    return fail_for_good(core, run, CLEAT__EVENT_FAIL, error);
}

/* The worker is told after whatever follows is committed; that the slot is free does not wait for it. */
static void tell_cancelled(cleat__core *core, cleat__run *run)
{
    if (run->worker != NULL) {
        if (cleat__run_is_durable(run)) { /* the worker looks for that invocation; a failure is the core's */
            (void)cleat__durable_know(core, cleat__durable_of(run));
        }
        cleat__roster_cancel(&core->roster, run->worker, run);
    }
}

cleat_status cleat__life_time_out(cleat__core *core, cleat__run *run)
{
    if (run->receipt == CLEAT__RECEIPT_DOUBTED) {
        return cleat__life_lose(core, run, CLEAT__LOSS_UNDELIVERED);
    }
    if (run->receipt == CLEAT__RECEIPT_UNSURE) { /* as likely as not it never came: no failure of the task */
        return cleat__life_lose(core, run, CLEAT__LOSS_WORKER_GONE);
    }
    char duration[CLEAT__DURATION_TEXT], text[CLEAT__DURATION_TEXT + 128];
    cleat__duration_format(run->type->policy.execution_timeout_ms, duration);
    const char *of = cleat__run_is_durable(run) ? " (execution_timeout_ms, with all steps in place)" : "";
    snprintf(text, sizeof(text), "Task exceeded timeout of %s%s", duration, of);
    tell_cancelled(core, run);
    if (has_retries_left(run)) {
        return retry(core, run, CLEAT__EVENT_TIME_OUT_RETRY, cleat__transition_time_out_retry,
                     cleat_slice_of(text));
    }
    return fail_for_good(core, run, CLEAT__EVENT_TIME_OUT_FAIL, cleat_slice_of(text));
}

cleat_status cleat__life_lose(cleat__core *core, cleat__run *run, cleat__loss why)
{
    bool is_gone = why == CLEAT__LOSS_WORKER_GONE;
    if (is_gone) {
        tell_cancelled(core, run);
    } else {
        cleat__rates_return(core, run);
    }
    if (run->internal_retries >= CLEAT__INTERNAL_RETRIES_MAX) {
        return fail_for_good(core, run, CLEAT__EVENT_LOSE_FAIL,
                             cleat_slice_of("Task reached its maximum reassignment count"));
    }
    cleat_status status = CLEAT_OK;
    if (!is_gone && cleat__run_is_durable(run)) {
        status = cleat__durable_return(core, cleat__durable_of(run), run->retry_count + 1);
    }
    if (status != CLEAT_OK) {
        return status;
    }
    return retry(
        core, run, CLEAT__EVENT_LOSE_RETRY,
        is_gone ? cleat__transition_lose_retry : cleat__transition_undelivered_retry,
        cleat_slice_of(is_gone ? "the worker that had it is gone" : "it could not be sent to the worker"));
}

cleat_status cleat__life_schedule_time_out(cleat__core *core, cleat__run *run)
{
    cleat__buffer text = {0};
    cleat__attempt_key key = cleat__life_key(run);
    cleat_status status = cleat__core_begin(core);
    if (status == CLEAT_OK && cleat__run_is_durable(run)) { /* after a restart it is not known before */
        status = cleat__durable_know(core, cleat__durable_of(run));
    }
    if (status == CLEAT_OK && cleat__life_has_begun(run)) {
        return cleat__core_check(core, cleat__runs_set_timer(&core->runs, run, INT64_MAX));
    }
    cleat__life_tell_held(core, run, patience_of(run), &text);
    if (status == CLEAT_OK) {
        cleat_slice why =
            text.failed ? cleat_slice_of("it did not begin in time") : cleat__buffer_slice(&text);
        status = cleat__core_check(
            core, cleat__transition_schedule_time_out(core->store, &key, core->now.unix_ms, why));
    }
    cleat__buffer_deinit(&text);
    return status == CLEAT_OK
               ? cleat__life_finish(core, run, CLEAT__EVENT_SCHEDULE_TIME_OUT, (cleat_slice){NULL, 0})
               : status;
}

typedef cleat_status (*cancellation)(cleat__store *store, const cleat__attempt_key *key,
                                     cleat_run_status from, int64_t now_ms);

static cleat_status cancel(cleat__core *core, cleat__run *run, cleat__event event, cancellation transition)
{
    cleat__attempt_key key = cleat__life_key(run);
    cleat_status status = cleat__core_begin(core);
    if (status == CLEAT_OK) {
        status = cleat__core_check(
            core, transition(core->store, &key, (cleat_run_status)run->state, core->now.unix_ms));
    }
    return status == CLEAT_OK ? cleat__life_finish(core, run, event, (cleat_slice){NULL, 0}) : status;
}

cleat_status cleat__life_cancel(cleat__core *core, cleat__run *run)
{
    if (cleat__run_is_dag(run)) {
        return cleat__dag_cancel(core, cleat__dag_of_run(run));
    }
    tell_cancelled(core, run);
    return cleat__life_end_cancelled(core, run);
}

cleat_status cleat__life_end_cancelled(cleat__core *core, cleat__run *run)
{
    return cancel(core, run, CLEAT__EVENT_CANCEL, cleat__transition_cancel);
}

cleat_status cleat__life_supersede(cleat__core *core, cleat__run *run)
{
    if (cleat__run_is_dag(run)) {
        cleat__dag_of_run(run)->is_superseded = true;
        return cleat__dag_cancel(core, cleat__dag_of_run(run));
    }
    tell_cancelled(core, run);
    return cleat__life_end_superseded(core, run);
}

cleat_status cleat__life_end_superseded(cleat__core *core, cleat__run *run)
{
    return cancel(core, run, CLEAT__EVENT_SUPERSEDE, cleat__transition_supersede);
}

cleat_status cleat__life_skip(cleat__core *core, cleat__run *run)
{
    cleat_slice output = cleat_slice_of(CLEAT__SKIPPED_OUTPUT);
    cleat__attempt_key key = cleat__life_key(run);
    cleat_status status = cleat__core_begin(core);
    if (status == CLEAT_OK) {
        status =
            cleat__core_check(core, cleat__transition_skip(core->store, &key, core->now.unix_ms, output));
    }
    return status == CLEAT_OK ? cleat__life_finish(core, run, CLEAT__EVENT_SKIP, output) : status;
}
