/*
 * The core on a thread of its own. Callers put commands into a queue and sleep until theirs is
 * answered; the thread takes what waits there, steps the core, and answers. While it commits the
 * queue fills again, so that the batches grow with the load.
 *
 * One mutex guards the queue and the answers; core and store belong to the thread alone. The thread
 * is signalled only when it sleeps, and without the mutex, for which it would have to sleep again.
 *
 * While it sleeps and nothing waits, it lends the core to a caller whose thread is the library's and would but wait:
 * an invocation's, which steps the core itself, with its one command. That spares two hand-overs between
 * threads, which take longer than the step but for its commit. What is asked meanwhile is the thread's again.
 */
#include "engine/engine.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/thread.h"
#include "engine/core.h"
#include "engine/detached.h"

/* Commands of one step; the rest waits for the next, lest an answer take too long. */
#define BATCH_MAX 1000
/* Log lines that wait, in bytes; reports need no limit, as a slot makes one at a time. */
#define LOG_BYTES_MAX ((size_t)16 * 1024 * 1024)

/* A command somebody waits for. */
typedef struct call {
    cleat__command command;
    pthread_cond_t answered;
    bool is_done; /* under the engine's mutex */
} call;

struct cleat__engine {
    const cleat_clock *clock;
    cleat_tracer *tracer; /* NULL: batches are not traced */
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake; /* the thread */
    pthread_cond_t left; /* the last caller, while closing */
    /* Under the mutex: */
    cleat__command_list queue;
    size_t callers; /* inside submit(), or about to signal */
    size_t log_bytes;
    bool is_asleep, is_closing;
    bool is_lent;       /* a caller has the core; the thread sleeps, and is not signalled */
    bool wants_space;   /* the thread is to prepare the core for what comes */
    int64_t wakes_ns;   /* monotonic; when the thread wakes by itself, if it is asleep */
    int64_t stepped_ns; /* monotonic; when somebody last came a step further, unless all is asleep */
    cleat_status failure;
    cleat__engine_stats stats;
    /* Of the thread: */
    cleat__core *core;
};

/* ---- The thread ---- */

static cleat__now read_clock(const cleat_clock *clock)
{
    return (cleat__now){cleat__clock_unix_ns(clock) / CLEAT__NS_PER_MS,
                        cleat__clock_monotonic_ns(clock) / CLEAT__NS_PER_MS};
}

static bool is_due(const cleat__engine *engine)
{
    int64_t next = cleat__core_next_ms(engine->core);
    return next != INT64_MAX && next <= read_clock(engine->clock).monotonic_ms;
}

/* The deadline in the system's monotonic clock, in which threads sleep. */
static int64_t sleep_until(const cleat__engine *engine)
{
    int64_t next = cleat__core_next_ms(engine->core);
    int64_t left = next - read_clock(engine->clock).monotonic_ms;
    return next != INT64_MAX ? cleat__deadline_ns(left > 0 ? left : 0) : INT64_MAX;
}

/* Under the mutex, and nobody has the core. */
static bool has_work(const cleat__engine *engine)
{
    return engine->queue.head != NULL || engine->is_closing || engine->wants_space || is_due(engine);
}

/* Sleeps until there is something to do, and takes all commands. False: it is time to end. */
static bool take_commands(cleat__engine *engine, cleat__command_list *taken)
{
    pthread_mutex_lock(&engine->mutex);
    while (engine->is_lent || !has_work(engine)) {
        engine->is_asleep = true;
        engine->wakes_ns = engine->is_lent ? INT64_MAX : sleep_until(engine);
        cleat__cond_wait_until(&engine->wake, &engine->mutex, engine->wakes_ns);
        engine->is_asleep = false;
    }
    engine->wants_space = false;
    engine->stepped_ns = cleat__clock_monotonic_ns(NULL);
    *taken = engine->queue;
    engine->queue = (cleat__command_list){NULL, NULL};
    bool goes_on = !engine->is_closing || taken->head != NULL;
    pthread_mutex_unlock(&engine->mutex);
    return goes_on;
}

/* Answers without a thread that waits for them; without the mutex, as done() may submit. */
static void hand_over(cleat__command_list *answers)
{
    cleat__command *command;
    while ((command = cleat__command_take(answers)) != NULL) {
        if (command->done != NULL) {
            command->done(command);
        } else {
            cleat__free(command->error);
            cleat__free(command);
        }
    }
}

/* True: nothing else is asked so far. */
static bool answer(cleat__engine *engine, cleat__command_list answers)
{
    cleat__engine_stats stats;
    cleat__core_get_stats(engine->core, &stats);
    cleat__command_list others = {NULL, NULL};
    cleat__command *command;
    pthread_mutex_lock(&engine->mutex);
    engine->stats = stats;
    engine->stepped_ns = cleat__clock_monotonic_ns(NULL);
    engine->failure = cleat__core_failure(engine->core);
    while ((command = cleat__command_take(&answers)) != NULL) {
        if (!command->detached && command->done == NULL) {
            call *waiting = (call *)command;
            waiting->is_done = true;
            pthread_cond_signal(&waiting->answered);
            continue;
        }
        if (command->detached && command->kind == CLEAT__COMMAND_LOG) {
            engine->log_bytes -= command->as.log.message.size + command->as.log.metadata.size;
        }
        cleat__command_append(&others, command);
    }
    bool is_idle = engine->queue.head == NULL && !engine->is_closing;
    pthread_mutex_unlock(&engine->mutex);
    hand_over(&others);
    return is_idle;
}

/* What a batch is made of. */
typedef struct batch {
    int64_t begun_ns; /* Unix */
    int64_t commands;
    int64_t calls; /* of these, of other floors: reading, and storing spans */
} batch;

/* One that only stores spans is not traced: its own span might be the next to be stored. */
static void trace(const cleat__engine *engine, const batch *done)
{
    if (engine->tracer == NULL || done->commands == done->calls) {
        return;
    }
    const cleat_attribute commands = cleat_attribute_int("cleat.engine.commands", done->commands);
    cleat_span span = cleat_span_start(engine->tracer, "cleat.engine.batch",
                                       CLEAT_SPAN_OPTIONS(.kind = CLEAT_SPAN_KIND_INTERNAL, .root = true,
                                                          .start_time_ns = done->begun_ns,
                                                          .attributes = &commands, .attribute_count = 1));
    cleat_status status = cleat__core_failure(engine->core);
    if (status != CLEAT_OK) {
        (void)cleat_span_set_string(span, "error.type", cleat_status_name(status));
        (void)cleat_span_set_status(span, CLEAT_SPAN_STATUS_ERROR, cleat_error_message());
    }
    (void)cleat_span_end(span);
}

/* By whoever has the core. True: nothing else is asked so far. */
static bool step(cleat__engine *engine, cleat__command_list *taken)
{
    bool had_failed = cleat__core_failure(engine->core) != CLEAT_OK;
    cleat__now now = read_clock(engine->clock);
    batch done = {.begun_ns = engine->tracer != NULL ? cleat__clock_unix_ns(NULL) : 0};
    while (done.commands < BATCH_MAX && taken->head != NULL) {
        cleat__command *command = cleat__command_take(taken);
        done.commands++;
        done.calls += command->kind == CLEAT__COMMAND_CALL;
        cleat__core_apply(engine->core, now, command);
    }
    if (taken->head == NULL) {
        cleat__core_run(engine->core, now);
    } else {
        cleat__core_run_behind(engine->core, now);
    }
    cleat__core_commit(engine->core);
    trace(engine, &done);
    bool is_idle = answer(engine, cleat__core_release(engine->core)) && taken->head == NULL;
    cleat__core_tell(engine->core);
    if (!had_failed && cleat__core_failure(engine->core) != CLEAT_OK) {
        cleat__core_tell_failure(engine->core);
    }
    return is_idle;
}

static void *run(void *argument)
{
    cleat__engine *engine = argument;
    cleat__command_list taken;
    while (take_commands(engine, &taken)) {
        do {
            if (step(engine, &taken)) {
                cleat__core_prepare(engine->core);
            }
        } while (taken.head != NULL);
    }
    cleat__core_abandon_waiters(engine->core, CLEAT_UNAVAILABLE, "the engine was closed");
    (void)answer(engine, cleat__core_release(engine->core));
    cleat__core_abandon_watches(engine->core);
    return NULL;
}

/* ---- Open and close ---- */

cleat_status cleat__engine_open(const cleat__engine_options *options, cleat__engine **out)
{
    *out = NULL;
    cleat__engine *engine = cleat__calloc(1, sizeof(*engine));
    if (engine == NULL) {
        return cleat__fail_memory();
    }
    engine->clock = options->clock;
    engine->stepped_ns = cleat__clock_monotonic_ns(NULL);
    engine->tracer = options->tracer;
    cleat__core_options core = {.path = options->path,
                                .mode = CLEAT__STORE_WRITE,
                                .seed = options->seed,
                                .adds_trace = options->adds_trace};
    cleat_status status = cleat__core_open(&core, read_clock(engine->clock), &engine->core);
    if (status != CLEAT_OK) {
        cleat__free(engine);
        return status;
    }
    cleat__core_get_stats(engine->core, &engine->stats);
    pthread_mutex_init(&engine->mutex, NULL);
    cleat__cond_init(&engine->wake);
    cleat__cond_init(&engine->left);
    status = cleat__thread_start(&engine->thread, "cleat-engine", run, engine);
    if (status != CLEAT_OK) {
        cleat__core_close(engine->core);
        pthread_cond_destroy(&engine->left);
        pthread_cond_destroy(&engine->wake);
        pthread_mutex_destroy(&engine->mutex);
        cleat__free(engine);
        return status;
    }
    *out = engine;
    return CLEAT_OK;
}

void cleat__engine_close(cleat__engine *engine)
{
    if (engine == NULL) {
        return;
    }
    pthread_mutex_lock(&engine->mutex);
    engine->is_closing = true;
    pthread_cond_signal(&engine->wake);
    pthread_mutex_unlock(&engine->mutex);
    pthread_join(engine->thread, NULL);
    pthread_mutex_lock(&engine->mutex);
    while (engine->callers > 0) {
        pthread_cond_wait(&engine->left, &engine->mutex);
    }
    pthread_mutex_unlock(&engine->mutex);
    cleat__core_close(engine->core);
    pthread_cond_destroy(&engine->left);
    pthread_cond_destroy(&engine->wake);
    pthread_mutex_destroy(&engine->mutex);
    cleat__free(engine);
}

/* ---- Submitting ---- */

/* Under the mutex. */
static void caller_left(cleat__engine *engine)
{
    if (--engine->callers == 0 && engine->is_closing) {
        pthread_cond_signal(&engine->left);
    }
}

/* Under the mutex, which is given away meanwhile. */
static void wake_thread(cleat__engine *engine)
{
    engine->is_asleep = false;
    engine->stepped_ns = cleat__clock_monotonic_ns(NULL);
    engine->callers++; /* the engine stays until it is signalled */
    pthread_mutex_unlock(&engine->mutex);
    pthread_cond_signal(&engine->wake);
    pthread_mutex_lock(&engine->mutex);
    caller_left(engine);
}

/* Under the mutex, which is given away meanwhile when the thread sleeps. */
static void enqueue(cleat__engine *engine, cleat__command *command)
{
    cleat__command_append(&engine->queue, command);
    if (engine->is_asleep && !engine->is_lent) {
        wake_thread(engine);
    }
}

/* Under the mutex, which is given away meanwhile: answers the command without the thread. False: that has the core,
 * or is about to have it. */
static bool step_oneself(cleat__engine *engine, cleat__command *command)
{
    if (!engine->is_asleep || engine->is_lent || has_work(engine)) {
        return false;
    }
    cleat__command_list taken = {NULL, NULL};
    cleat__command_append(&taken, command);
    engine->is_lent = true;
    engine->stepped_ns = cleat__clock_monotonic_ns(NULL);
    pthread_mutex_unlock(&engine->mutex);
    (void)step(engine, &taken);
    bool wants_space = cleat__core_wants_preparing(engine->core);
    pthread_mutex_lock(&engine->mutex);
    engine->is_lent = false;
    engine->wants_space = wants_space;
    if (has_work(engine) || sleep_until(engine) < engine->wakes_ns) {
        wake_thread(engine);
    }
    return true;
}

static cleat_status fail_closed(void)
{
    return cleat__fail(CLEAT_UNAVAILABLE, "the engine was closed");
}

/* Queues the call and waits for its answer or until the deadline. False: not answered yet. */
static bool wait_for_answer(cleat__engine *engine, call *waiting, int64_t deadline_ns)
{
    while (!waiting->is_done) {
        if (!cleat__cond_wait_until(&waiting->answered, &engine->mutex, deadline_ns)) {
            break;
        }
    }
    return waiting->is_done;
}

static cleat_status outcome_of(call *waiting)
{
    cleat_status status = waiting->command.status;
    if (status != CLEAT_OK) {
        const char *text = waiting->command.error;
        cleat__fail(status, "%s", text != NULL ? text : cleat_status_text(status));
    }
    cleat__free(waiting->command.error);
    return status;
}

/* Enters the mutex; false: closed, and not entered. */
static bool enter(cleat__engine *engine)
{
    pthread_mutex_lock(&engine->mutex);
    if (engine->is_closing) {
        pthread_mutex_unlock(&engine->mutex);
        return false;
    }
    engine->callers++;
    return true;
}

static void leave(cleat__engine *engine)
{
    caller_left(engine);
    pthread_mutex_unlock(&engine->mutex);
}

cleat_status cleat__engine_ask(cleat__engine *engine, const cleat__command *command)
{
    call asked = {.command = *command};
    if (!enter(engine)) {
        return fail_closed();
    }
    cleat__cond_init(&asked.answered);
    if (command->kind != CLEAT__COMMAND_DURABLE || !step_oneself(engine, &asked.command)) {
        enqueue(engine, &asked.command);
        wait_for_answer(engine, &asked, INT64_MAX);
    }
    leave(engine);
    pthread_cond_destroy(&asked.answered);
    return outcome_of(&asked);
}

void cleat__engine_submit(cleat__engine *engine, cleat__command *command)
{
    pthread_mutex_lock(&engine->mutex);
    bool is_closing = engine->is_closing;
    if (!is_closing) {
        enqueue(engine, command);
    }
    pthread_mutex_unlock(&engine->mutex);
    if (is_closing) {
        command->status = fail_closed();
        command->error = cleat__strdup(cleat_error_message());
        command->done(command);
    }
}

cleat_status cleat__engine_submit_detached(cleat__engine *engine, cleat__command *command, size_t log_bytes)
{
    cleat_status status = CLEAT_OK;
    pthread_mutex_lock(&engine->mutex);
    if (engine->is_closing) {
        status = fail_closed();
    } else if (engine->failure != CLEAT_OK) {
        status = cleat__fail(engine->failure, "the engine stopped after a failed write: %s",
                             cleat_status_text(engine->failure));
    } else if (log_bytes > LOG_BYTES_MAX - engine->log_bytes) {
        status = cleat__fail(CLEAT_RESOURCE_EXHAUSTED, "log lines come faster than the disk takes them");
    } else {
        engine->log_bytes += log_bytes;
        enqueue(engine, command);
        command = NULL;
    }
    pthread_mutex_unlock(&engine->mutex);
    cleat__free(command);
    return status;
}

/* ---- Waiting for a run ---- */

/* Inside the mutex: makes the engine forget an unanswered WAIT. Afterwards it is either answered
 * (the run ended just now) or never will be. */
static void unsubscribe(cleat__engine *engine, call *wait)
{
    call stop = {.command = {.kind = CLEAT__COMMAND_STOP_WAITING, .as.stop_waiting = &wait->command}};
    cleat__cond_init(&stop.answered);
    enqueue(engine, &stop.command);
    wait_for_answer(engine, &stop, INT64_MAX);
    pthread_cond_destroy(&stop.answered);
    cleat__free(stop.command.error);
}

cleat_status cleat__engine_follow(cleat__engine *engine, int64_t tenant, cleat__follow follow,
                                  const cleat__uuid *run_id, int64_t timeout_ms, cleat_run_result *result)
{
    *result = (cleat_run_result){0};
    int64_t deadline = cleat__deadline_ns(timeout_ms);
    call wait = {.command = {.kind = CLEAT__COMMAND_WAIT,
                             .tenant = tenant,
                             .as.wait = {.id = *run_id, .result = result, .follow = follow}}};
    if (!enter(engine)) {
        return fail_closed();
    }
    cleat__cond_init(&wait.answered);
    enqueue(engine, &wait.command);
    bool is_answered = wait_for_answer(engine, &wait, deadline);
    if (!is_answered && engine->is_closing) {
        is_answered = wait_for_answer(engine, &wait, INT64_MAX); /* all are, at the end */
    } else if (!is_answered) {
        unsubscribe(engine, &wait);
        is_answered = wait.is_done;
    }
    leave(engine);
    pthread_cond_destroy(&wait.answered);
    if (!is_answered) {
        char id[37];
        cleat__uuid_format(run_id, id);
        return cleat__fail(CLEAT_TIMEOUT, "run %s has not ended in time", id);
    }
    return outcome_of(&wait);
}

cleat_status cleat__engine_wait(cleat__engine *engine, int64_t tenant, const cleat__uuid *run_id,
                                int64_t timeout_ms, cleat_run_result *result)
{
    return cleat__engine_follow(engine, tenant, CLEAT__FOLLOW_LAST, run_id, timeout_ms, result);
}

/* ---- Looking at it ---- */

void cleat__engine_get_stats(cleat__engine *engine, cleat__engine_stats *out)
{
    pthread_mutex_lock(&engine->mutex);
    *out = engine->stats;
    if (!engine->is_asleep || engine->is_lent) {
        out->stalled_ms = (cleat__clock_monotonic_ns(NULL) - engine->stepped_ns) / CLEAT__NS_PER_MS;
    }
    pthread_mutex_unlock(&engine->mutex);
}
