#include "engine/core.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/log.h"
#include "engine/core_parts.h"
#include "engine/durable_pace.h"
#include "engine/crons.h"
#include "engine/timetable.h"
#include "model/expression.h"

/* ---- Open and close ---- */

static void seed_ids(cleat__core *core, uint64_t seed)
{
    cleat__random_init(&core->random, seed != 0 ? seed : cleat__random_next(cleat__random_thread()));
    core->ids.random = &core->random;
}

cleat_status cleat__core_open(const cleat__core_options *options, cleat__now now, cleat__core **out)
{
    *out = NULL;
    cleat__core *core = cleat__calloc(1, sizeof(*core));
    if (core == NULL) {
        return cleat__fail_memory();
    }
    core->now = now;
    core->notes_ms = core->memory_ms = INT64_MAX;
    core->sweep_ms = INT64_MAX;
    core->schedule_ms = INT64_MAX;
    core->adds_trace = options->adds_trace;
    seed_ids(core, options->seed);
    cleat__runs_init(&core->runs);
    cleat__limits_init(&core->limits);
    cleat__rates_init(&core->rates);
    cleat__batches_init(&core->batches);
    cleat__roster_init(&core->roster);
    cleat__watches_init(&core->watches);
    cleat__durables_init(&core->durables);
    cleat_status status = cleat__store_open(options->path, options->mode, &core->store);
    if (status == CLEAT_OK) {
        status = cleat__core_recover(core);
    }
    if (status == CLEAT_OK) {
        cleat__core_commit(core);
        status = cleat__core_failure(core);
    }
    if (status != CLEAT_OK) {
        cleat__core_close(core);
        return status;
    }
    *out = core;
    return CLEAT_OK;
}

void cleat__core_close(cleat__core *core)
{
    if (core == NULL) {
        return;
    }
    cleat__store_close(core->store);
    cleat__watches_deinit(&core->watches);
    cleat__durables_deinit(&core->durables);
    cleat__roster_deinit(&core->roster);
    cleat__limits_deinit(&core->limits);
    cleat__runs_deinit(&core->runs);
    cleat__wishes_deinit(&core->wishes);
    cleat__batches_deinit(&core->batches);
    cleat__rates_deinit(&core->rates);
    cleat__catalog_deinit(&core->catalog);
    cleat__queues_deinit(&core->queues);
    cleat__free(core->failure_text);
    cleat__free(core);
}

/* ---- Answers and failure ---- */

static void set_answer(cleat__command *command, cleat_status status, const char *text)
{
    command->status = status;
    cleat__free(command->error);
    command->error = status != CLEAT_OK ? cleat__strdup(text) : NULL;
}

void cleat__core_answer(cleat__core *core, cleat__command *command, cleat_status status)
{
    set_answer(command, status, cleat_error_message());
    cleat__command_append(&core->answers, command);
}

void cleat__core_abandon_waiters(cleat__core *core, cleat_status status, const char *error)
{
    size_t cursor = 0;
    cleat__run *run;
    while ((run = cleat__map_next(&core->runs.by_id, &cursor)) != NULL) {
        while (run->waiters != NULL) {
            cleat__command *waiter = run->waiters;
            run->waiters = waiter->next;
            waiter->as.wait.run = NULL;
            set_answer(waiter, status, error);
            cleat__command_append(&core->answers, waiter);
        }
    }
}

void cleat__core_abandon_watches(cleat__core *core)
{
    cleat__watches_lose(&core->watches, core->now.unix_ms);
}

static void drop_task_name(cleat__command *wait)
{
    if (wait->as.wait.task_name != NULL) {
        cleat__free(*wait->as.wait.task_name);
        *wait->as.wait.task_name = NULL;
    }
}

/* What was answered in this batch did not happen. */
static void take_back_answers(cleat__core *core)
{
    for (cleat__command *command = core->answers.head; command != NULL; command = command->next) {
        if (command->kind == CLEAT__COMMAND_WAIT) {
            cleat_run_result_deinit(command->as.wait.result);
            drop_task_name(command);
        }
        if (command->kind == CLEAT__COMMAND_WATCH) {
            cleat__watches_forget(&core->watches, command->as.watch);
        }
        if (command->kind == CLEAT__COMMAND_RESUME_HOOK && command->as.resume_hook.metadata != NULL) {
            cleat__free(*command->as.resume_hook.metadata);
            *command->as.resume_hook.metadata = NULL;
        }
        set_answer(command, core->failure, core->failure_text);
    }
}

static void fail(cleat__core *core, cleat_status status)
{
    if (core->failure != CLEAT_OK) {
        return;
    }
    core->failure = status;
    core->totals.store_errors++;
    core->failure_text = cleat__strdup(cleat_error_message());
    cleat__store_rollback(core->store);
    core->is_writing = false;
    core->has_more = false;
    take_back_answers(core);
    cleat__core_abandon_waiters(core, status, core->failure_text);
}

cleat_status cleat__core_failure(const cleat__core *core)
{
    if (core->failure != CLEAT_OK) {
        return cleat__fail(core->failure, "%s",
                           core->failure_text != NULL ? core->failure_text
                                                      : cleat_status_text(core->failure));
    }
    return CLEAT_OK;
}

void cleat__core_tell_failure(const cleat__core *core)
{
    cleat_status status = cleat__core_failure(core);
    cleat__log(CLEAT_LOG_ERROR, "the engine stopped: %s", cleat_error_message());
    (void)cleat__core_failure(core); /* its sentence, whatever a log handler did */
    cleat__roster_tell_failure(&core->roster, status, cleat_error_message());
}

cleat_status cleat__core_check(cleat__core *core, cleat_status status)
{
    if (status == CLEAT_OK) {
        return CLEAT_OK;
    }
    if (status == CLEAT_FAILED_PRECONDITION) {
        /* A transition did not find what memory says is there. */
        status =
            cleat__fail(CLEAT_CORRUPT, "%s; has another program changed the file?", cleat_error_message());
    }
    fail(core, status);
    return status;
}

cleat_status cleat__core_check_found(cleat__core *core, cleat_status status)
{
    return status == CLEAT_NOT_FOUND ? status : cleat__core_check(core, status);
}

cleat_status cleat__core_check_alone(cleat__core *core, cleat_status status)
{
    bool was_given_up = core->is_writing && sqlite3_get_autocommit(cleat__store_db(core->store)) != 0;
    return status == CLEAT_NO_MEMORY && !was_given_up ? status : cleat__core_check(core, status);
}

/* ---- A step ---- */

cleat_status cleat__core_begin(cleat__core *core)
{
    if (core->is_writing) {
        return CLEAT_OK;
    }
    cleat_status status = cleat__core_check(core, cleat__store_begin(core->store));
    core->is_writing = status == CLEAT_OK;
    return status;
}

void cleat__core_apply(cleat__core *core, cleat__now now, cleat__command *command)
{
    core->now = now;
    core->expression_steps = CLEAT__EXPRESSIONS_STEPS_MAX;
    core->totals.commands++;
    cleat_status status = cleat__core_failure(core);
    if (status == CLEAT_OK && command->expires_ms != 0 && command->expires_ms <= now.monotonic_ms) {
        status = cleat__fail(CLEAT_TIMEOUT, "the caller's time was over before it was begun");
    } else if (status == CLEAT_OK) {
        status = cleat__core_handle(core, command);
    }
    bool is_waiting = command->kind == CLEAT__COMMAND_WAIT && command->as.wait.run != NULL;
    if (!is_waiting) {
        cleat__core_answer(core, command, status);
    }
}

void cleat__core_run(cleat__core *core, cleat__now now)
{
    core->now = now;
    core->expression_steps = CLEAT__EXPRESSIONS_STEPS_MAX;
    core->has_more = false;
    if (core->failure == CLEAT_OK) {
        cleat__core_fire_timers(core);
    }
    if (core->failure == CLEAT_OK) {
        cleat__core_schedule(core);
    }
    if (core->failure == CLEAT_OK) {
        cleat__watches_serve(core);
    }
    if (core->failure == CLEAT_OK) {
        cleat__pace_serve(core);
    }
}

void cleat__core_run_behind(cleat__core *core, cleat__now now)
{
    core->now = now;
    core->has_more = false;
    if (core->failure == CLEAT_OK) {
        cleat__core_schedule(core);
    }
    if (core->failure == CLEAT_OK) {
        cleat__watches_serve(core);
    }
    if (core->failure == CLEAT_OK) {
        cleat__pace_serve(core);
    }
}

void cleat__core_commit(cleat__core *core)
{
    if (!core->is_writing) {
        cleat__store_end_reads(core->store);
        return;
    }
    if (cleat__rates_write(core) != CLEAT_OK) {
        return;
    }
    if (cleat__core_check(core, cleat__store_commit(core->store)) == CLEAT_OK) {
        core->is_writing = false;
        core->totals.batches++;
    }
}

cleat__command_list cleat__core_release(cleat__core *core)
{
    if (core->failure == CLEAT_OK) {
        core->has_more = cleat__roster_tell(&core->roster) || core->has_more;
        cleat__told_release(&core->watches.told, core->now.unix_ms);
    } else {
        cleat__core_abandon_watches(core);
    }
    cleat__command_list answers = core->answers;
    core->answers = (cleat__command_list){NULL, NULL};
    return answers;
}

void cleat__core_tell(cleat__core *core)
{
    if (core->failure == CLEAT_OK) {
        cleat__durable_told_release(&core->durables.told);
    }
}

bool cleat__core_wants_preparing(const cleat__core *core)
{
    return core->failure == CLEAT_OK && !core->is_writing && cleat__store_wants_log(core->store);
}

void cleat__core_prepare(cleat__core *core)
{
    if (core->failure == CLEAT_OK && !core->is_writing) {
        cleat__store_extend_log(core->store);
    }
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t cleat__core_next_ms(const cleat__core *core)
{
    if (core->failure != CLEAT_OK) {
        return INT64_MAX;
    }
    if (core->has_more) {
        return core->now.monotonic_ms;
    }
    const cleat__run *run = cleat__runs_first_timer(&core->runs);
    const cleat__worker *worker = cleat__roster_first_timer(&core->roster);
    int64_t next = earlier(core->sweep_ms, cleat__timetable_next_ms(core));
    next = earlier(next, cleat__crons_next_ms(core));
    next = earlier(next, cleat__durable_next_ms(core));
    next = earlier(next, cleat__rates_next_ms(&core->rates));
    next = earlier(next, cleat__batches_next_ms(&core->batches));
    next = earlier(next, core->notes_ms);
    next = earlier(next, core->memory_ms);
    next = earlier(next, run != NULL ? run->deadline_ms : INT64_MAX);
    next = earlier(next, worker != NULL ? worker->deadline_ms : INT64_MAX);
    return earlier(next, cleat__streams_next_ms(&core->watches.streams));
}

void cleat__core_get_stats(const cleat__core *core, cleat__engine_stats *out)
{
    *out = core->totals;
    out->queued = core->runs.by_id.count - core->running - core->evicted;
    out->running = core->running;
    out->evicted = core->evicted;
    out->failure = core->failure;
}
