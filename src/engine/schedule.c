/*
 * What happens by itself: timers, and runs going to workers.
 *
 * Queues take turns, one run each, so that a queue of ten thousand does not hold up a queue of one;
 * within a queue the order is strict. Workers of a queue take turns too. Both passes end after
 * STEP_MAX runs and go on in the next step, so that a command never waits long for a large backlog. So does
 * a pass that found no worker for many lanes: these are not looked at again until a worker changes.
 */
#include "base/log.h"
#include "engine/crons.h"
#include "engine/life.h"
#include "engine/notes.h"
#include "engine/pause.h"
#include "engine/timetable.h"
#include "engine/workers.h"

#define STEP_MAX 1000
/* Until memory is looked for again that was not there. */
#define MEMORY_LOOK_MS INT64_C(1000)
/* Lanes of a queue among which the next run is chosen. Those without a worker are set aside, so that each
 * comes to be looked at; only the order among more lanes than these is not strict. */
#define LANES_MAX 128
/* Lanes that a pass sets aside: each is looked at with all workers of its queue. */
#define ASIDE_MAX 128
/* Pairs of labels that a pass may have to compare: some ten milliseconds. */
#define EFFORT_MAX INT64_C(2000000)

/* What is left for a pass. */
typedef struct pass {
    int runs, aside;
    int64_t effort;
} pass;

/* ---- Timers ---- */

static cleat_status fire_run(cleat__core *core, cleat__run *run)
{
    cleat__runs_clear_timer(&core->runs, run);
    if (run->state == CLEAT_RUN_RUNNING) {
        return cleat__life_time_out(core, run);
    }
    if (run->is_backing_off) {
        return cleat__life_enqueue(core, run, CLEAT__LEVEL_AHEAD);
    }
    return cleat__life_schedule_time_out(core, run);
}

/* A deadline noticed this late says that the engine stood still (a stopped process, a debugger), and
 * heartbeats with it: the worker gets a new one instead of losing what it may be about to report. */
#define STOOD_STILL_MS INT64_C(5000)

static cleat_status fire_worker(cleat__core *core, cleat__worker *worker)
{
    if (core->now.monotonic_ms - worker->deadline_ms >= STOOD_STILL_MS) {
        return cleat__core_check(core, cleat__roster_touch(&core->roster, worker, core->now.monotonic_ms));
    }
    cleat__roster_lose(&core->roster, worker);
    return CLEAT_OK;
}

/* What lost workers hold: there may be many, and each a lot. */
static cleat_status lose_runs(cleat__core *core)
{
    cleat_status status = CLEAT_OK;
    cleat__run *run;
    int left = STEP_MAX;
    while (status == CLEAT_OK && (run = cleat__roster_first_lost(&core->roster)) != NULL) {
        if (left-- == 0) {
            core->has_more = true;
            break;
        }
        status = cleat__life_lose(core, run, CLEAT__LOSS_WORKER_GONE);
    }
    return status;
}

void cleat__core_fire_timers(cleat__core *core)
{
    int64_t now = core->now.monotonic_ms;
    cleat_status status = CLEAT_OK;
    cleat__worker *worker;
    while (status == CLEAT_OK && (worker = cleat__roster_first_timer(&core->roster)) != NULL &&
           worker->deadline_ms <= now) {
        status = fire_worker(core, worker);
    }
    if (status == CLEAT_OK) {
        status = lose_runs(core);
    }
    if (status == CLEAT_OK && core->sweep_ms <= now) {
        status = cleat__workers_sweep(core);
    }
    cleat__run *run;
    int left = STEP_MAX;
    while (status == CLEAT_OK && (run = cleat__runs_first_timer(&core->runs)) != NULL &&
           run->deadline_ms <= now) {
        if (left-- == 0) {
            core->has_more = true;
            break;
        }
        status = fire_run(core, run);
    }
    if (status == CLEAT_OK) {
        status = cleat__timetable_fire(core, STEP_MAX);
    }
    if (status == CLEAT_OK) {
        status = cleat__crons_fire(core, STEP_MAX);
    }
    if (status == CLEAT_OK) {
        status = cleat__durable_fire(core, STEP_MAX);
    }
    if (status == CLEAT_OK) {
        cleat__watches_fire(core);
        status = cleat__notes_fire(core);
    }
}

/* ---- Assignment ---- */

#define DESIRED_RANK (INT64_C(1) << 40) /* above all weights */

/* How well the worker suits the lane. False: not at all. */
static bool rank_worker(const cleat__worker *worker, const cleat__lane *lane, int64_t *rank)
{
    const cleat__needs *needs = lane->type->needs;
    const cleat__wish *wish = lane->wish;
    *rank = 0;
    if (wish != NULL && needs->sticky != CLEAT__STICKY_NONE && !cleat__uuid_is_nil(&wish->worker)) {
        bool is_desired = cleat__uuid_equals(&wish->worker, &worker->id);
        if (needs->sticky == CLEAT__STICKY_HARD && !is_desired) {
            return false;
        }
        *rank += is_desired ? DESIRED_RANK : 0;
    }
    const cleat__desired_labels *wished = wish != NULL ? wish->labels : NULL;
    return cleat__desired_labels_rank(needs->labels, wished, worker->labels, rank) &&
           cleat__desired_labels_rank(wished, NULL, worker->labels, rank);
}

static size_t count_desired(const cleat__desired_labels *labels)
{
    return labels != NULL ? labels->count : 0;
}

/* How many pairs of labels rank_worker() compares at most. */
static int64_t effort_of(const cleat__worker *worker, const cleat__lane *lane)
{
    size_t desired = count_desired(lane->type->needs->labels);
    size_t wished = lane->wish != NULL ? count_desired(lane->wish->labels) : 0;
    size_t has = worker->labels != NULL ? worker->labels->count : 0;
    return (int64_t)(1 + (desired + wished) * has + desired * wished);
}

/* Of the workers that can take a run of the lane the one that suits it best; equals take turns. */
static cleat__worker *pick_worker(const cleat__core *core, cleat__queue *queue, const cleat__lane *lane,
                                  int64_t *effort_left)
{
    const cleat__needs *needs = lane->type->needs;
    bool is_plain = lane->wish == NULL && needs->labels == NULL;
    cleat__worker *best = NULL;
    int64_t best_rank = 0, rank = 0;
    size_t turn = queue->turn;
    for (size_t i = 0; i < queue->worker_count; i++) {
        size_t at = (turn + i) % queue->worker_count;
        cleat__worker *worker = queue->workers[at];
        if (!cleat__worker_is_assignable(worker, core->now.monotonic_ms) ||
            !cleat__worker_has_slots(worker, needs->slots)) {
            continue;
        }
        *effort_left -= effort_of(worker, lane);
        if (!rank_worker(worker, lane, &rank)) {
            continue;
        }
        if (best == NULL || rank > best_rank) {
            best = worker;
            best_rank = rank;
            queue->turn = at + 1;
        }
        if (is_plain) {
            break;
        }
    }
    return best;
}

/* The lane whose first run is the next of those that may find a worker. */
static cleat__lane *best_lane(const cleat__queue *queue)
{
    cleat__lane *best = NULL;
    int left = LANES_MAX;
    for (cleat__lane *lane = queue->lanes.head; lane != NULL && left > 0; lane = lane->next, left--) {
        if (best == NULL || cleat__run_is_ahead(cleat__lane_first(lane), cleat__lane_first(best))) {
            best = lane;
        }
    }
    return best;
}

/* Lanes come back when a worker of the queue may take what it could not take before. */
static void put_back_lanes(const cleat__core *core, cleat__queue *queue)
{
    bool has_changed = false;
    for (size_t i = 0; i < queue->worker_count && !has_changed; i++) {
        has_changed = queue->workers[i]->changed_at > queue->aside_at;
    }
    if (has_changed) {
        cleat__queue_put_back(queue);
    }
    queue->aside_at = core->roster.changes;
}

/* Whether there is something to wait for before its first run can go. */
static cleat_status look_at_lane(cleat__core *core, cleat__lane *lane, bool *is_parked)
{
    cleat_status status = CLEAT_OK;
    if (cleat__lane_is_paused(lane)) {
        *is_parked = true;
        cleat__pause_park(lane->type->queue, lane);
    } else if (lane->batching != NULL) {
        status = cleat__batches_look(core, lane, is_parked);
    }
    return status == CLEAT_OK && !*is_parked && lane->units != NULL ? cleat__rates_look(core, lane, is_parked)
                                                                    : status;
}

/* The first run of the queue that a worker can take, and the worker. */
static cleat__run *pick_run(cleat__core *core, cleat__queue *queue, cleat__worker **worker, pass *left)
{
    cleat__lane *lane;
    if (queue->aside.head != NULL && queue->aside_at != core->roster.changes) {
        put_back_lanes(core, queue);
    }
    while (left->aside > 0 && left->effort > 0 && (lane = best_lane(queue)) != NULL) {
        bool is_parked = false;
        if (look_at_lane(core, lane, &is_parked) != CLEAT_OK) {
            return NULL;
        }
        if (is_parked) {
            left->aside--;
            continue;
        }
        *worker = pick_worker(core, queue, lane, &left->effort);
        if (*worker != NULL) {
            return cleat__lane_first(lane);
        }
        queue->aside_at = queue->aside.head == NULL ? core->roster.changes : queue->aside_at;
        cleat__queue_set_aside(queue, lane);
        left->aside--;
    }
    return NULL;
}

/* Before anything new: the worker's process has been without these for longer. */
static cleat_status repeat_owed(cleat__core *core)
{
    cleat_status status = CLEAT_OK;
    cleat__run *run;
    int left = STEP_MAX;
    while (status == CLEAT_OK && left-- > 0 && (run = cleat__roster_take_owed(&core->roster)) != NULL) {
        status = cleat__life_send_again(core, run);
    }
    core->has_more = core->has_more || left < 0;
    return status;
}

/* Who has got a slot of a key comes into his queue. */
static cleat_status settle_limits(cleat__core *core)
{
    return cleat__limits_are_unsettled(&core->limits) ? cleat__limits_settle(core) : CLEAT_OK;
}

static cleat_status assign(cleat__core *core, cleat__run *run, cleat__worker *worker, pass *left)
{
    if (run->lane->batching == NULL) {
        return cleat__life_assign(core, run, worker);
    }
    size_t count = 0;
    cleat_status status = cleat__batches_assign(core, run->lane, worker, &count);
    left->runs = count < (size_t)left->runs ? left->runs - (int)count : 0;
    return status;
}

/* The run stays where it is, and what a worker would have been told has not been written anywhere. */
static void wait_for_memory(cleat__core *core)
{
    static cleat__log_site site;
    core->memory_ms = core->now.monotonic_ms + MEMORY_LOOK_MS;
    cleat__log_limited(&site, CLEAT_LOG_WARN,
                       "there is no memory for what a worker is to be told: runs wait");
}

void cleat__core_schedule(cleat__core *core)
{
    core->memory_ms = INT64_MAX;
    if (repeat_owed(core) != CLEAT_OK || settle_limits(core) != CLEAT_OK) {
        return;
    }
    cleat__rates_fire(core);
    cleat__batches_fire(core);
    if (core->queues.ready_count == 0 || !cleat__roster_has_room(&core->roster, core->now.monotonic_ms)) {
        return;
    }
    size_t blocked = 0; /* queues in a row without a worker: all of them at the end */
    pass left = {STEP_MAX, ASIDE_MAX, EFFORT_MAX};
    cleat_status status = CLEAT_OK;
    while (status == CLEAT_OK && core->failure == CLEAT_OK && blocked < core->queues.ready_count) {
        cleat__queue *queue = core->queues.ready_head;
        cleat__worker *worker = NULL;
        cleat__run *run = pick_run(core, queue, &worker, &left);
        cleat__queues_rotate(&core->queues, queue);
        if (run == NULL && (left.aside == 0 || left.effort <= 0)) {
            core->has_more = true;
            return;
        }
        if (run == NULL) {
            blocked++;
            continue;
        }
        if (left.runs-- == 0) {
            core->has_more = true;
            return;
        }
        blocked = 0;
        status = assign(core, run, worker, &left);
        if (status == CLEAT_NO_MEMORY && core->failure == CLEAT_OK) {
            wait_for_memory(core);
        }
        if (status == CLEAT_OK && !core->has_more) { /* else there was enough of that in this step */
            status = settle_limits(core);
        }
    }
}
