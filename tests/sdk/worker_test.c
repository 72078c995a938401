/* A worker's life: declarations, start, stop, what is given back, signals. */
#include "sdk/worker.h"
#include "support/gate.h"
#include "support/sdk_fixture.h"

#include <dirent.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static cleat_status nothing(cleat_task *task, void *user_data)
{
    (void)task;
    (void)user_data;
    return CLEAT_OK;
}

/* A task that says when it has begun, and goes on when it may. */
typedef struct blocker {
    gate begun, may_end;
} blocker;

static void blocker_init(blocker *it)
{
    gate_init(&it->begun);
    gate_init(&it->may_end);
}

static void blocker_deinit(blocker *it)
{
    gate_deinit(&it->begun);
    gate_deinit(&it->may_end);
}

static cleat_status block(cleat_task *task, void *user_data)
{
    blocker *it = user_data;
    (void)task;
    gate_add(&it->begun);
    gate_wait(&it->may_end, 1);
    return CLEAT_OK;
}

static cleat_run_id start_run(sdk_fixture *it, const char *task)
{
    cleat_run_id id;
    assert_int_equal(cleat_client_run_no_wait(it->client, task, NULL, NULL, &id), CLEAT_OK);
    return id;
}

/* A run that waits for a worker: the task is declared, nobody works. */
static cleat_run_id start_before_worker(sdk_fixture *it, const char *task)
{
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = task, .run = nothing));
    sdk_start(it);
    sdk_stop(it);
    return start_run(it, task);
}

/* ---- Declarations ---- */

typedef struct bad_task {
    cleat_task_options options;
    cleat_status status;
    const char *word;
} bad_task;

static void test_bad_declarations(void **state)
{
    sdk_fixture *it = *state;
    const size_t size = sizeof(cleat_task_options);
    const bad_task table[] = {
        {{.struct_size = size, .run = nothing}, CLEAT_INVALID_ARGUMENT, "name"},
        {{.struct_size = size, .name = "", .run = nothing}, CLEAT_INVALID_ARGUMENT, "name"},
        {{.struct_size = size, .name = "x"}, CLEAT_INVALID_ARGUMENT, "run is NULL"},
        {{.struct_size = size, .name = "Upper", .run = nothing}, CLEAT_INVALID_ARGUMENT, "Upper"},
        {{.struct_size = size, .name = "a b", .run = nothing}, CLEAT_INVALID_ARGUMENT, "a b"},
        {{.struct_size = size, .name = ":b", .run = nothing}, CLEAT_INVALID_ARGUMENT, ":b"},
        {{.struct_size = size, .name = "x", .run = nothing, .retries = -1},
         CLEAT_INVALID_ARGUMENT,
         "retries"},
        {{.struct_size = size, .name = "x", .run = nothing, .priority = 4},
         CLEAT_INVALID_ARGUMENT,
         "priority"},
        {{.struct_size = size, .name = "x", .run = nothing, .backoff_factor = 0.5},
         CLEAT_INVALID_ARGUMENT,
         "backoff_factor"},
        {{.name = "x", .run = nothing}, CLEAT_INVALID_ARGUMENT, "struct_size"},
    };
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "fine", .run = nothing));
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        assert_refused(cleat_worker_add_task(it->worker, &table[i].options), table[i].status, table[i].word);
    }
    assert_refused(cleat_worker_add_task(it->worker, CLEAT_TASK_OPTIONS(.name = "fine", .run = nothing)),
                   CLEAT_ALREADY_EXISTS, "fine");
    assert_refused(cleat_worker_add_task(it->worker, CLEAT_TASK_OPTIONS(.name = "fine:fine", .run = nothing)),
                   CLEAT_ALREADY_EXISTS, "fine:fine");
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "w:t", .run = nothing));
    assert_refused(cleat_worker_add_task(it->worker, CLEAT_TASK_OPTIONS(.name = "w.t", .run = nothing)),
                   CLEAT_ALREADY_EXISTS, "\"w.t:w.t\" would both be the workflow \"w.t\"");
    assert_refused(cleat_worker_add_task(it->worker, NULL), CLEAT_INVALID_ARGUMENT, "task");
    assert_refused(cleat_worker_add_task(NULL, CLEAT_TASK_OPTIONS(.name = "x", .run = nothing)),
                   CLEAT_INVALID_ARGUMENT, "worker");
    sdk_start(it);
    assert_refused(cleat_worker_add_task(it->worker, CLEAT_TASK_OPTIONS(.name = "late", .run = nothing)),
                   CLEAT_FAILED_PRECONDITION, "late");
    sdk_run(it, "fine", NULL, NULL, CLEAT_RUN_COMPLETED, "null");
    assert_refused(cleat_client_run_no_wait(it->client, "x", NULL, NULL, NULL), CLEAT_NOT_FOUND, "x");
}

static void test_bad_workers(void **state)
{
    sdk_fixture *it = *state;
    cleat_worker *worker = NULL;
    assert_refused(cleat_worker_new(NULL, NULL, &worker), CLEAT_INVALID_ARGUMENT, "client");
    assert_refused(cleat_worker_new(it->client, NULL, NULL), CLEAT_INVALID_ARGUMENT, "out");
    assert_refused(cleat_worker_new(it->client, CLEAT_WORKER_OPTIONS(.slots = 0), &worker),
                   CLEAT_INVALID_ARGUMENT, "slots is 0");
    assert_refused(cleat_worker_new(it->client, CLEAT_WORKER_OPTIONS(.slots = 100001), &worker),
                   CLEAT_INVALID_ARGUMENT, "slots");
    assert_refused(cleat_worker_new(it->client, CLEAT_WORKER_OPTIONS(.slots = 2, .threads = 3), &worker),
                   CLEAT_INVALID_ARGUMENT, "threads");
    assert_refused(cleat_worker_new(it->client, CLEAT_WORKER_OPTIONS(.slots = 2, .threads = -1), &worker),
                   CLEAT_INVALID_ARGUMENT, "threads");
    const cleat_slots gpu = {"gpu", 2};
    assert_refused(cleat_worker_new(it->client,
                                    CLEAT_WORKER_OPTIONS(.slots = 1, .threads = 4, .slot_types = &gpu,
                                                         .slot_type_count = 1),
                                    &worker),
                   CLEAT_INVALID_ARGUMENT, "all slots (3)");
    assert_refused(cleat_worker_new(it->client, &(cleat_worker_options){.slots = 2}, &worker),
                   CLEAT_INVALID_ARGUMENT, "struct_size");
    assert_null(worker);
    assert_refused(cleat_worker_start(NULL), CLEAT_INVALID_ARGUMENT, "worker");
    assert_refused(cleat_worker_stop(NULL, 0), CLEAT_INVALID_ARGUMENT, "worker");
    assert_refused(cleat_worker_run(NULL), CLEAT_INVALID_ARGUMENT, "worker");
    cleat_worker_free(NULL);
    assert_int_equal(cleat_worker_new(it->client,
                                      CLEAT_WORKER_OPTIONS(.slots = 1, .threads = 3, .slot_types = &gpu,
                                                           .slot_type_count = 1),
                                      &worker),
                     CLEAT_OK);
    cleat_worker_free(worker);
    assert_int_equal(cleat_worker_new(it->client, NULL, &worker), CLEAT_OK);
    assert_refused(cleat_worker_start(worker), CLEAT_FAILED_PRECONDITION, "no tasks");
    assert_refused(cleat_worker_run(worker), CLEAT_FAILED_PRECONDITION, "no tasks");
    cleat_worker_free(worker);
}

/* ---- Start and stop ---- */

static void test_start_and_stop_twice(void **state)
{
    sdk_fixture *it = *state;
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "nothing", .run = nothing));
    assert_int_equal(cleat_worker_stop(it->worker, 0), CLEAT_OK); /* before it started */
    sdk_start(it);
    sdk_start(it);
    sdk_run(it, "nothing", NULL, NULL, CLEAT_RUN_COMPLETED, "null");
    assert_int_equal(cleat_worker_stop(it->worker, -1), CLEAT_OK);
    assert_int_equal(cleat_worker_stop(it->worker, -1), CLEAT_OK);
    assert_refused(cleat_worker_start(it->worker), CLEAT_FAILED_PRECONDITION, "stopped");
}

static void *wait_for_id(void *argument)
{
    const char *id = NULL;
    while ((id = cleat_worker_id(argument)) == NULL) {
        (void)sched_yield();
    }
    return (void *)(uintptr_t)id;
}

/* Whoever asks meanwhile sees none or all of it. */
static void test_an_id_comes_with_the_start(void **state)
{
    sdk_fixture *it = *state;
    pthread_t thread;
    void *seen = NULL;
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "nothing", .run = nothing));
    assert_null(cleat_worker_id(it->worker));
    assert_null(cleat_worker_id(NULL));
    assert_int_equal(pthread_create(&thread, NULL, wait_for_id, it->worker), 0);
    sdk_start(it);
    assert_int_equal(pthread_join(thread, &seen), 0);
    assert_int_equal(strlen(seen), 36);
    assert_int_equal(cleat_worker_stop(it->worker, -1), CLEAT_OK);
    assert_string_equal(cleat_worker_id(it->worker), seen);
}

static void test_stop_waits_for_running_tasks(void **state)
{
    sdk_fixture *it = *state;
    blocker blocked;
    blocker_init(&blocked);
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "block", .run = block, .user_data = &blocked));
    sdk_start(it);
    cleat_run_id id = start_run(it, "block");
    gate_wait(&blocked.begun, 1);
    assert_refused(cleat_worker_stop(it->worker, 0), CLEAT_TIMEOUT, "1 tasks");
    assert_refused(cleat_worker_stop(it->worker, 10), CLEAT_TIMEOUT, "1 tasks");
    gate_add(&blocked.may_end);
    assert_int_equal(cleat_worker_stop(it->worker, -1), CLEAT_OK);
    sdk_wait(it, &id, CLEAT_RUN_COMPLETED, "null");
    blocker_deinit(&blocked);
}

/* Two slots, one thread: the second run waits in the worker, and goes to another one at once. */
static void test_what_was_not_begun_is_given_back(void **state)
{
    sdk_fixture *it = *state;
    cleat_worker *first = NULL;
    blocker blocked;
    blocker_init(&blocked);
    assert_int_equal(cleat_worker_new(it->client, CLEAT_WORKER_OPTIONS(.slots = 2, .threads = 1), &first),
                     CLEAT_OK);
    assert_int_equal(cleat_worker_add_task(
                         first, CLEAT_TASK_OPTIONS(.name = "block", .run = block, .user_data = &blocked)),
                     CLEAT_OK);
    assert_int_equal(cleat_worker_start(first), CLEAT_OK);
    cleat_run_id running = start_run(it, "block");
    gate_wait(&blocked.begun, 1);
    cleat_run_id waiting = start_run(it, "block");
    assert_int_equal(cleat_worker_stop(first, 0), CLEAT_TIMEOUT);
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "block", .run = nothing));
    sdk_start(it);
    sdk_wait(it, &waiting, CLEAT_RUN_COMPLETED, "null");
    gate_add(&blocked.may_end);
    sdk_wait(it, &running, CLEAT_RUN_COMPLETED, "null");
    cleat_worker_free(first);
    blocker_deinit(&blocked);
}

static cleat_status stop_own_worker(cleat_task *task, void *user_data)
{
    cleat_status status = cleat_worker_stop(*(cleat_worker **)user_data, -1);
    return cleat_task_return_format(task, "\"%s\"", cleat_status_name(status));
}

static void test_a_task_cannot_stop_its_worker(void **state)
{
    sdk_fixture *it = *state;
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "stop", .run = stop_own_worker, .user_data = &it->worker));
    sdk_start(it);
    sdk_run(it, "stop", NULL, NULL, CLEAT_RUN_COMPLETED, "\"CLEAT_FAILED_PRECONDITION\"");
}

/* Slots are used at the same time: each task waits until all of them have begun. */
static cleat_status meet(cleat_task *task, void *user_data)
{
    gate *all = user_data;
    (void)task;
    gate_add(all);
    return gate_try(all, 4, 300000) ? CLEAT_OK : CLEAT_NON_RETRYABLE;
}

static void test_slots_run_at_the_same_time(void **state)
{
    sdk_fixture *it = *state;
    gate all;
    cleat_run_id ids[4];
    gate_init(&all);
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "meet", .run = meet, .user_data = &all));
    sdk_start(it);
    for (int i = 0; i < 4; i++) {
        ids[i] = start_run(it, "meet");
    }
    for (int i = 0; i < 4; i++) {
        sdk_wait(it, &ids[i], CLEAT_RUN_COMPLETED, "null");
    }
    gate_deinit(&all);
}

static void test_many_short_tasks_on_few_threads(void **state)
{
    sdk_fixture *it = *state;
    enum { COUNT = 2000 };
    static cleat_run_item items[COUNT];
    static cleat_run_id ids[COUNT];
    assert_int_equal(
        cleat_worker_new(it->client, CLEAT_WORKER_OPTIONS(.slots = 500, .threads = 2), &it->worker),
        CLEAT_OK);
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "nothing", .run = nothing));
    sdk_start(it);
    for (int i = 0; i < COUNT; i++) {
        items[i] = (cleat_run_item){"nothing", NULL, NULL};
    }
    assert_int_equal(cleat_client_run_many(it->client, items, COUNT, ids), CLEAT_OK);
    for (int i = 0; i < COUNT; i++) {
        sdk_wait(it, &ids[i], CLEAT_RUN_COMPLETED, "null");
    }
}

/* Freed in the midst of it: what is left runs in the next process. */
static void test_free_in_the_midst_of_work(void **state)
{
    sdk_fixture *it = *state;
    enum { COUNT = 200 };
    static cleat_run_item items[COUNT];
    static cleat_run_id ids[COUNT];
    for (int i = 0; i < COUNT; i++) {
        items[i] = (cleat_run_item){"nothing", NULL, NULL};
    }
    for (int round = 0; round < 3; round++) {
        sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "nothing", .run = nothing));
        sdk_start(it);
        if (round == 0) {
            assert_int_equal(cleat_client_run_many(it->client, items, COUNT, ids), CLEAT_OK);
        }
        if (round == 2) {
            for (int i = 0; i < COUNT; i++) {
                sdk_wait(it, &ids[i], CLEAT_RUN_COMPLETED, "null");
            }
        }
        sdk_close(it);
        sdk_reopen(it);
    }
}

/* ---- Signals ---- */

static void *signal_me(void *blocked)
{
    gate_wait(&((blocker *)blocked)->begun, 1);
    (void)kill(getpid(), SIGTERM);
    return NULL;
}

static void former_handler(int number)
{
    (void)number;
}

static void test_run_until_a_signal(void **state)
{
    sdk_fixture *it = *state;
    struct sigaction before = {.sa_handler = former_handler};
    struct sigaction after;
    blocker blocked;
    pthread_t thread;
    blocker_init(&blocked);
    gate_add(&blocked.may_end);
    (void)sigaction(SIGTERM, &before, NULL);
    cleat_run_id id = start_before_worker(it, "block");
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "block", .run = block, .user_data = &blocked));
    assert_int_equal(cleat__thread_start(&thread, "signal", signal_me, &blocked), CLEAT_OK);
    cleat_status status = cleat_worker_run(it->worker);
    pthread_join(thread, NULL);
    (void)sigaction(SIGTERM, NULL, &after);
    (void)signal(SIGTERM, SIG_DFL);
    assert_int_equal(status, CLEAT_OK);
    assert_true(after.sa_handler == former_handler);
    sdk_wait(it, &id, CLEAT_RUN_COMPLETED, "null");
    blocker_deinit(&blocked);
}

/* Two signals while a task does not end: it is told, and nobody waits for it. */
static void end_block(void *user_data)
{
    gate_add(user_data);
}

static cleat_status block_until_cancelled(cleat_task *task, void *user_data)
{
    blocker *it = user_data;
    cleat_task_on_cancel(task, end_block, &it->may_end);
    while (!gate_try(&it->may_end, 1, 5)) {
        (void)kill(getpid(), SIGINT); /* two at once may become one */
    }
    return CLEAT_CANCELLED;
}

static void test_a_second_signal(void **state)
{
    sdk_fixture *it = *state;
    blocker blocked;
    blocker_init(&blocked);
    (void)signal(SIGINT, former_handler); /* for one signal too many */
    cleat_run_id id = start_before_worker(it, "block");
    sdk_add_task(it,
                 CLEAT_TASK_OPTIONS(.name = "block", .run = block_until_cancelled, .user_data = &blocked));
    cleat_status status = cleat_worker_run(it->worker);
    /* The task may have ended before the second look, in which case the stop was complete. */
    assert_true(status == CLEAT_TIMEOUT || status == CLEAT_OK);
    gate_wait(&blocked.may_end, 1);
    assert_int_equal(cleat_worker_stop(it->worker, -1), CLEAT_OK);
    sdk_wait(it, &id, CLEAT_RUN_FAILED, NULL);
    (void)signal(SIGINT, SIG_DFL);
    blocker_deinit(&blocked);
}

/* ---- A task that does not end ---- */

/* A thread that a worker left behind cannot be joined: it says itself when it ends. */
static pthread_key_t ends;
static gate ended;

static void say_ended(void *unused)
{
    (void)unused;
    gate_add(&ended);
}

static void watch_this_thread(void)
{
    (void)pthread_setspecific(ends, &ended);
}

static cleat_status watch_canceller(void *user_data, cleat_cancel_call *call)
{
    (void)user_data;
    watch_this_thread();
    return cleat_cancel_call_proceed(call);
}

static void add_watch(sdk_fixture *it)
{
    const cleat_interceptor interceptor = {.struct_size = sizeof interceptor, .cancel = watch_canceller};
    assert_int_equal(cleat_client_add_interceptor(it->client, &interceptor), CLEAT_OK);
}

static cleat_status ignore_cancellation(cleat_task *task, void *user_data)
{
    blocker *it = user_data;
    watch_this_thread();
    gate_add(&it->begun);
    while (!cleat_task_is_cancelled(task)) {
        (void)gate_try(&it->may_end, 1, 5);
        (void)kill(getpid(), SIGINT);
    }
    gate_wait(&it->may_end, 1);
    /* The worker is gone: what is asked of it now is refused. */
    gate *refused = cleat_task_spawn(task, "block", NULL, NULL, NULL) == CLEAT_UNAVAILABLE &&
                            cleat_task_log(task, CLEAT_LOG_INFO, "late") == CLEAT_UNAVAILABLE
                        ? &it->begun
                        : &it->may_end;
    gate_add(refused);
    return CLEAT_OK;
}

static size_t count_threads(void)
{
    size_t count = 0;
    DIR *threads = opendir("/proc/self/task");
    assert_non_null(threads);
    for (const struct dirent *it; (it = readdir(threads)) != NULL;) {
        count += it->d_name[0] != '.';
    }
    (void)closedir(threads);
    return count;
}

/* Waits until no more than `count` are left, and sees all that the others did. */
static void wait_for_threads(size_t count)
{
    gate never;
    gate_init(&never);
    size_t left = count_threads(); /* looked at once: others may begin that have nothing to do with these */
    for (int i = 0; i < 5000 && left > count; i++) {
        (void)gate_try(&never, 1, 1);
        left = count_threads();
    }
    gate_deinit(&never);
    assert_true(left <= count);
    (void)gate_count(&ended);
}

/* Freed after a second signal, the worker is left to its last thread, and its run to others. */
static void test_a_task_that_does_not_end(void **state)
{
    sdk_fixture *it = *state;
    blocker blocked;
    blocker_init(&blocked);
    (void)signal(SIGINT, former_handler); /* for one signal too many */
    add_watch(it);
    cleat_run_id id = start_before_worker(it, "block");
    size_t threads = count_threads();
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "block", .run = ignore_cancellation, .user_data = &blocked));
    assert_int_equal(cleat_worker_run(it->worker), CLEAT_TIMEOUT);
    cleat_worker_free(it->worker);
    it->worker = NULL;
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "block", .run = nothing));
    sdk_start(it);
    sdk_wait(it, &id, CLEAT_RUN_COMPLETED, "null");
    sdk_stop(it);
    gate_add(&blocked.may_end);
    gate_wait(&blocked.begun, 2);
    wait_for_threads(threads);
    (void)signal(SIGINT, SIG_DFL);
    blocker_deinit(&blocked);
}

static cleat_status run_until_cancelled(cleat_task *task, void *begun)
{
    watch_this_thread();
    gate_add(begun);
    while (!cleat_task_is_cancelled(task)) {
        sched_yield();
    }
    return CLEAT_CANCELLED;
}

/* Freed without patience, as after a second signal: the task then ends while the worker is being
 * left to it. */
static void test_a_task_that_ends_when_left_alone(void **state)
{
    sdk_fixture *it = *state;
    add_watch(it);
    for (int round = 0; round < 20; round++) {
        gate begun;
        gate_init(&begun);
        size_t threads = count_threads();
        sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "run", .run = run_until_cancelled, .user_data = &begun));
        sdk_start(it);
        (void)start_run(it, "run");
        gate_wait(&begun, 1);
        pthread_mutex_lock(&it->worker->mutex);
        it->worker->impatient = true;
        pthread_mutex_unlock(&it->worker->mutex);
        sdk_stop(it);
        wait_for_threads(threads);
        gate_deinit(&begun);
    }
}

static cleat_status lose_worker(cleat_task *task, void *user_data)
{
    const sdk_fixture *it = user_data;
    (void)task;
    cleat_status before = cleat_worker_check(it->worker);
    cleat__worker_lost(it->worker, CLEAT_UNAUTHENTICATED, "the token was revoked");
    bool is_known = cleat_worker_check(it->worker) == CLEAT_UNAUTHENTICATED &&
                    strcmp(cleat_error_message(), "the token was revoked") == 0;
    return before == CLEAT_OK && is_known ? CLEAT_OK : CLEAT_NON_RETRYABLE;
}

/* What will never be given anything any more is not waited with. */
static void test_a_worker_that_is_lost(void **state)
{
    sdk_fixture *it = *state;
    cleat_run_id id = start_before_worker(it, "lose");
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "lose", .run = lose_worker, .user_data = it));
    assert_int_equal(cleat_worker_run(it->worker), CLEAT_UNAUTHENTICATED);
    assert_string_equal(cleat_error_message(), "the token was revoked");
    sdk_wait(it, &id, CLEAT_RUN_COMPLETED, "null");
}

/* From now on the engine cannot store that a run has ended. */
static cleat_status break_database(cleat_task *task, void *user_data)
{
    const sdk_fixture *it = user_data;
    sqlite3 *db = NULL;
    (void)task;
    int code = sqlite3_open(it->dir.database, &db);
    (void)sqlite3_busy_timeout(db, 300000); /* the engine may be writing just now */
    code = code == SQLITE_OK ? sqlite3_exec(db,
                                            "CREATE TRIGGER broken BEFORE INSERT ON task_end BEGIN "
                                            "SELECT RAISE(ABORT, 'the disk is broken'); END",
                                            NULL, NULL, NULL)
                             : code;
    sqlite3_close(db);
    return code == SQLITE_OK ? CLEAT_OK : CLEAT_NON_RETRYABLE;
}

static void test_a_worker_whose_engine_has_failed(void **state)
{
    sdk_fixture *it = *state;
    (void)start_before_worker(it, "break");
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "break", .run = break_database, .user_data = it));
    cleat_status status = cleat_worker_run(it->worker);
    assert_int_not_equal(status, CLEAT_OK);
    assert_non_null(strstr(cleat_error_message(), "the disk is broken"));
    assert_int_equal(cleat_worker_check(it->worker), status);
    assert_non_null(strstr(cleat_error_message(), "the disk is broken"));
}

typedef struct stopper {
    cleat_worker *worker;
    pthread_t thread;
} stopper;

static void *stop_worker(void *worker)
{
    (void)cleat_worker_stop(worker, -1);
    return NULL;
}

static cleat_status stop_by_thread(cleat_task *task, void *user_data)
{
    stopper *it = user_data;
    (void)task;
    return cleat__thread_start(&it->thread, "stop", stop_worker, it->worker);
}

static void test_run_until_stopped_by_another_thread(void **state)
{
    sdk_fixture *it = *state;
    stopper stopping = {.worker = NULL};
    cleat_run_id id = start_before_worker(it, "stop");
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "stop", .run = stop_by_thread, .user_data = &stopping));
    stopping.worker = it->worker;
    assert_int_equal(cleat_worker_run(it->worker), CLEAT_OK);
    pthread_join(stopping.thread, NULL);
    sdk_wait(it, &id, CLEAT_RUN_COMPLETED, "null");
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, sdk_set_up, sdk_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_bad_declarations),
        TEST(test_bad_workers),
        TEST(test_start_and_stop_twice),
        TEST(test_an_id_comes_with_the_start),
        TEST(test_stop_waits_for_running_tasks),
        TEST(test_what_was_not_begun_is_given_back),
        TEST(test_a_task_cannot_stop_its_worker),
        TEST(test_slots_run_at_the_same_time),
        TEST(test_many_short_tasks_on_few_threads),
        TEST(test_free_in_the_midst_of_work),
        TEST(test_run_until_a_signal),
        TEST(test_a_second_signal),
        TEST(test_a_task_that_does_not_end),
        TEST(test_a_worker_that_is_lost),
        TEST(test_a_worker_whose_engine_has_failed),
        TEST(test_a_task_that_ends_when_left_alone),
        TEST(test_run_until_stopped_by_another_thread),
    };
    gate_init(&ended);
    (void)pthread_key_create(&ends, say_ended);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
