/* The engine on its thread: engine.h as transport and collector use it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "engine/engine.h"
#include "store/store.h"
#include "support/join.h"

#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define FILE_NAME "test.db"

static const cleat__policy policy = {
    .priority = 1,
    .backoff_factor = 2,
    .backoff_max_ms = 60000,
    .execution_timeout_ms = 60000,
    .schedule_timeout_ms = 300000,
};

static cleat_status put_a(cleat__engine *engine, const cleat__policy *of)
{
    const cleat__workflow workflow = {.name = cleat_slice_of("a"),
                                      .tasks = &(cleat__workflow_task){.name = cleat_slice_of("a"),
                                                                       .action = cleat_slice_of("a:a"),
                                                                       .policy = *of},
                                      .task_count = 1};
    return cleat__engine_put_workflow(engine, CLEAT__TENANT_DEFAULT, &workflow, NULL);
}

static cleat__engine *open_engine(const char *path)
{
    cleat__engine *engine = NULL;
    if (cleat__engine_open(&(cleat__engine_options){.path = path}, &engine) != CLEAT_OK) {
        fail_msg("open: %s", cleat_error_message());
    }
    return engine;
}

static int open_fixture(void **state)
{
    static const char *const names[] = {FILE_NAME, FILE_NAME "-wal", FILE_NAME "-shm", FILE_NAME "-lock"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        unlink(names[i]);
    }
    *state = open_engine(FILE_NAME);
    assert_int_equal(put_a(*state, &policy), CLEAT_OK);
    return 0;
}

static int close_fixture(void **state)
{
    cleat__engine_close(*state);
    return 0;
}

static cleat__uuid trigger(cleat__engine *engine, const char *input)
{
    cleat__uuid id;
    cleat__trigger item = {.workflow = cleat_slice_of("a"), .input = cleat_slice_of(input)};
    assert_int_equal(cleat__engine_trigger(engine, CLEAT__TENANT_DEFAULT, &item, 1, &id), CLEAT_OK);
    return id;
}

/* ---- A worker that completes everything with its input, on the engine's own thread ---- */

typedef struct echo {
    cleat__engine *engine;
    atomic_int assigned;
} echo;

static void echo_assign(void *self, cleat__assignment *list)
{
    echo *worker = self;
    while (list != NULL) {
        cleat__assignment *assignment = list;
        list = assignment->next;
        cleat__report report = {.task_id = assignment->task_id,
                                .retry_count = assignment->retry_count,
                                .output = assignment->input};
        cleat__log_line line = {
            .task_id = assignment->task_id, .level = CLEAT_LOG_INFO, .message = cleat_slice_of("a line")};
        atomic_fetch_add(&worker->assigned, 1);
        cleat__engine_log(worker->engine, CLEAT__TENANT_DEFAULT, &line); /* neither waits */
        cleat__engine_report(worker->engine, CLEAT__TENANT_DEFAULT, &report);
        cleat__free(assignment);
    }
}

static void hold_assign(void *self, cleat__assignment *list)
{
    echo *worker = self;
    while (list != NULL) {
        cleat__assignment *assignment = list;
        list = assignment->next;
        atomic_fetch_add(&worker->assigned, 1);
        cleat__free(assignment);
    }
}

static void ignore_cancel(void *self, const cleat__uuid *task_id, int32_t retry_count)
{
    (void)self;
    (void)task_id;
    (void)retry_count;
}

static cleat__uuid add_worker(echo *worker, void (*assign)(void *self, cleat__assignment *list), int slots)
{
    cleat__uuid id;
    cleat__worker_sink sink = {worker, assign, ignore_cancel};
    assert_int_equal(join_engine(worker->engine, "a:a", slots, &sink, &id), CLEAT_OK);
    return id;
}

/* ---- Tests ---- */

static void test_run_and_wait(void **state)
{
    echo worker = {.engine = *state};
    cleat__uuid worker_id = add_worker(&worker, echo_assign, 2);
    for (int i = 0; i < 20; i++) {
        char input[32];
        snprintf(input, sizeof(input), "{\"n\":%d}", i);
        cleat__uuid id = trigger(*state, input);
        cleat_run_result result;
        assert_int_equal(cleat__engine_wait(*state, CLEAT__TENANT_DEFAULT, &id, -1, &result), CLEAT_OK);
        assert_int_equal(result.status, CLEAT_RUN_COMPLETED);
        assert_string_equal(result.output, input);
        cleat_run_result_deinit(&result);
    }
    assert_int_equal(cleat__engine_worker_heartbeat(*state, CLEAT__TENANT_DEFAULT, &worker_id), CLEAT_OK);
    assert_int_equal(cleat__engine_worker_pause(*state, CLEAT__TENANT_DEFAULT, &worker_id), CLEAT_OK);
    cleat__uuid late = trigger(*state, "{}");
    cleat_run_result result;
    assert_int_equal(cleat__engine_wait(*state, CLEAT__TENANT_DEFAULT, &late, 0, &result), CLEAT_TIMEOUT);
    assert_int_equal(cleat__engine_worker_resume(*state, CLEAT__TENANT_DEFAULT, &worker_id), CLEAT_OK);
    assert_int_equal(cleat__engine_wait(*state, CLEAT__TENANT_DEFAULT, &late, -1, &result), CLEAT_OK);
    cleat_run_result_deinit(&result);
    assert_int_equal(cleat__engine_worker_remove(*state, CLEAT__TENANT_DEFAULT, &worker_id), CLEAT_OK);
    assert_int_equal(worker.assigned, 21);
    cleat__engine_stats stats;
    cleat__engine_get_stats(*state, &stats);
    assert_int_equal(stats.queued + stats.running, 0);
}

enum { PRODUCERS = 4, RUNS_EACH = 50 };

static void *produce(void *argument)
{
    for (int i = 0; i < RUNS_EACH; i++) {
        cleat__uuid id = trigger(argument, "{}");
        cleat_run_result result;
        assert_int_equal(cleat__engine_wait(argument, CLEAT__TENANT_DEFAULT, &id, 60000, &result), CLEAT_OK);
        cleat_run_result_deinit(&result);
    }
    return NULL;
}

static void test_many_threads(void **state)
{
    echo worker = {.engine = *state};
    add_worker(&worker, echo_assign, 3);
    pthread_t threads[PRODUCERS];
    for (size_t i = 0; i < PRODUCERS; i++) {
        assert_int_equal(cleat__thread_start(&threads[i], "producer", produce, *state), CLEAT_OK);
    }
    for (size_t i = 0; i < PRODUCERS; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(worker.assigned, PRODUCERS * RUNS_EACH);
}

static void test_wait_times_out(void **state)
{
    cleat__uuid id = trigger(*state, "{}"), unknown = {{5}};
    cleat_run_result result;
    assert_int_equal(cleat__engine_wait(*state, CLEAT__TENANT_DEFAULT, &id, 0, &result), CLEAT_TIMEOUT);
    assert_int_equal(cleat__engine_wait(*state, CLEAT__TENANT_DEFAULT, &id, 5, &result), CLEAT_TIMEOUT);
    assert_null(result.output);
    assert_int_equal(cleat__engine_wait(*state, CLEAT__TENANT_DEFAULT, &unknown, -1, &result),
                     CLEAT_NOT_FOUND);
    assert_int_equal(cleat__engine_cancel(*state, CLEAT__TENANT_DEFAULT, &id), CLEAT_OK);
    assert_int_equal(cleat__engine_wait(*state, CLEAT__TENANT_DEFAULT, &id, 0, &result), CLEAT_OK);
    assert_int_equal(result.status, CLEAT_RUN_CANCELLED);
    assert_int_equal(cleat__engine_cancel(*state, CLEAT__TENANT_DEFAULT, &id), CLEAT_FAILED_PRECONDITION);
    assert_non_null(strstr(cleat_error_message(), "has ended already"));
}

typedef struct waiting {
    cleat__engine *engine;
    cleat__uuid id;
    cleat_status status;
} waiting;

static void *wait_for_ever(void *argument)
{
    waiting *self = argument;
    cleat_run_result result;
    self->status = cleat__engine_wait(self->engine, CLEAT__TENANT_DEFAULT, &self->id, -1, &result);
    return NULL;
}

static void test_close_answers_who_waits(void **state)
{
    waiting waiters[3];
    pthread_t threads[3];
    cleat__uuid id = trigger(*state, "{}");
    cleat__engine_stats before, stats;
    cleat__engine_get_stats(*state, &before);
    for (size_t i = 0; i < 3; i++) {
        waiters[i] = (waiting){*state, id, CLEAT_OK};
        assert_int_equal(cleat__thread_start(&threads[i], "waiter", wait_for_ever, &waiters[i]), CLEAT_OK);
    }
    do {
        sched_yield();
        cleat__engine_get_stats(*state, &stats);
    } while (stats.commands < before.commands + 3);
    cleat__engine_close(*state);
    for (size_t i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(waiters[i].status, CLEAT_UNAVAILABLE);
    }
    *state = open_engine(FILE_NAME);
    cleat__engine_close(NULL);
}

static void test_two_engines(void **state)
{
    cleat__engine *same = NULL;
    assert_int_equal(cleat__engine_open(&(cleat__engine_options){.path = FILE_NAME}, &same), CLEAT_BUSY);
    assert_null(same);
    cleat__engine *other = open_engine("other.db");
    assert_int_equal(put_a(other, &policy), CLEAT_OK);
    cleat__uuid here = trigger(*state, "{}"), there = trigger(other, "{}");
    assert_int_equal(cleat__engine_cancel(*state, CLEAT__TENANT_DEFAULT, &there), CLEAT_NOT_FOUND);
    assert_int_equal(cleat__engine_cancel(other, CLEAT__TENANT_DEFAULT, &there), CLEAT_OK);
    assert_int_equal(cleat__engine_cancel(*state, CLEAT__TENANT_DEFAULT, &here), CLEAT_OK);
    cleat__engine_close(other);
    unlink("other.db");
}

/* A back-off in real time: the thread wakes by itself. */
static void test_timers_wake_the_thread(void **state)
{
    cleat__policy short_lived = policy;
    short_lived.schedule_timeout_ms = 20;
    assert_int_equal(put_a(*state, &short_lived), CLEAT_OK);
    cleat__uuid id = trigger(*state, "{}");
    cleat_run_result result;
    assert_int_equal(cleat__engine_wait(*state, CLEAT__TENANT_DEFAULT, &id, 60000, &result), CLEAT_OK);
    assert_int_equal(result.status, CLEAT_RUN_CANCELLED);
}

static cleat_status exec(cleat__store *store, void *argument)
{
    return sqlite3_exec(cleat__store_db(store), argument, NULL, NULL, NULL) == SQLITE_OK
               ? CLEAT_OK
               : cleat__store_error(store, "testing");
}

static void test_call(void **state)
{
    char good[] = "UPDATE span_total SET spans = 3", bad[] = "UPDATE no_such_table SET a = 3";
    assert_int_equal(cleat__engine_call(*state, exec, good), CLEAT_OK);
    assert_int_equal(cleat__engine_call(*state, exec, bad), CLEAT_IO);
    assert_non_null(strstr(cleat_error_message(), "no_such_table"));
    trigger(*state, "{}"); /* the engine goes on */
}

static int64_t stalled_ms(cleat__engine *engine)
{
    cleat__engine_stats stats;
    cleat__engine_get_stats(engine, &stats);
    return stats.stalled_ms;
}

typedef struct standstill {
    cleat__engine *engine;
    atomic_bool has_begun, may_end;
} standstill;

static cleat_status stand_still(cleat__store *store, void *argument)
{
    standstill *it = argument;
    (void)store;
    it->has_begun = true;
    while (!it->may_end) {
        sched_yield();
    }
    return CLEAT_OK;
}

static void *call_standstill(void *argument)
{
    standstill *it = argument;
    assert_int_equal(cleat__engine_call(it->engine, stand_still, it), CLEAT_OK);
    return NULL;
}

static void test_it_is_seen_that_it_stands_still(void **state)
{
    standstill it = {.engine = *state};
    pthread_t thread;
    assert_int_equal(cleat__thread_start(&thread, "caller", call_standstill, &it), CLEAT_OK);
    while (!it.has_begun || stalled_ms(*state) < 20) {
        sched_yield();
    }
    it.may_end = true;
    pthread_join(thread, NULL);
    while (stalled_ms(*state) != 0) { /* until it sleeps */
        sched_yield();
    }
}

/* The kernel refuses to let the log grow: a failed write at the commit itself. */
static void test_a_failed_commit(void **state)
{
    echo worker = {.engine = *state};
    cleat__uuid acknowledged = trigger(*state, "{}");
    struct rlimit before, limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = 200000;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    static char large[100000];
    memset(large, ' ', sizeof(large));
    cleat__trigger items[4];
    for (size_t i = 0; i < 4; i++) {
        items[i] = (cleat__trigger){.workflow = cleat_slice_of("a"), .input = {large, sizeof(large)}};
    }
    cleat__uuid ids[4];
    cleat_status status = cleat__engine_trigger(*state, CLEAT__TENANT_DEFAULT, items, 4, ids);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_true(status == CLEAT_DISK_FULL || status == CLEAT_IO);

    /* There is room again, but it was said that nothing is taken until the file is opened anew. */
    cleat__trigger small = {.workflow = cleat_slice_of("a"), .input = cleat_slice_of("{}")};
    assert_int_equal(cleat__engine_trigger(*state, CLEAT__TENANT_DEFAULT, &small, 1, ids), status);
    cleat__report report = {.task_id = acknowledged, .output = cleat_slice_of("1")};
    assert_int_equal(cleat__engine_report(*state, CLEAT__TENANT_DEFAULT, &report), status);
    cleat__engine_close(*state);

    *state = open_engine(FILE_NAME);
    worker.engine = *state;
    cleat__uuid worker_id = add_worker(&worker, echo_assign, 8);
    cleat_run_result result;
    assert_int_equal(cleat__engine_wait(*state, CLEAT__TENANT_DEFAULT, &acknowledged, 60000, &result),
                     CLEAT_OK);
    assert_int_equal(result.status, CLEAT_RUN_COMPLETED);
    cleat_run_result_deinit(&result);
    assert_int_equal(cleat__engine_worker_remove(*state, CLEAT__TENANT_DEFAULT, &worker_id), CLEAT_OK);
    assert_int_equal(worker.assigned, 1);
}

static void test_remove_requeues_what_is_held(void **state)
{
    echo holding = {.engine = *state}, working = {.engine = *state};
    cleat__uuid first = add_worker(&holding, hold_assign, 5);
    cleat__uuid id = trigger(*state, "{}");
    assert_int_equal(cleat__engine_worker_remove(*state, CLEAT__TENANT_DEFAULT, &first), CLEAT_OK);
    assert_int_equal(holding.assigned, 1);
    add_worker(&working, echo_assign, 5);
    cleat_run_result result;
    assert_int_equal(cleat__engine_wait(*state, CLEAT__TENANT_DEFAULT, &id, 60000, &result), CLEAT_OK);
    assert_int_equal(result.status, CLEAT_RUN_COMPLETED);
    cleat_run_result_deinit(&result);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        TEST(test_run_and_wait),
        TEST(test_many_threads),
        TEST(test_wait_times_out),
        TEST(test_close_answers_who_waits),
        TEST(test_two_engines),
        TEST(test_timers_wake_the_thread),
        TEST(test_call),
        TEST(test_it_is_seen_that_it_stands_still),
        TEST(test_a_failed_commit),
        TEST(test_remove_requeues_what_is_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
