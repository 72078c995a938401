/* The engine's thread held up, as by a slow disk, while the rest of the program goes on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/thread.h"
#include "engine/engine.h"
#include "support/gate.h"
#include "support/join.h"

#include <unistd.h>

#define FILE_NAME "test.db"

enum { MORE_THAN_A_BATCH = 1500 };

typedef struct fixture {
    cleat__engine *engine;
    _Atomic int64_t now_ms;
    gate held, go; /* the engine's thread is held up; it may go on */
    gate closed;
    cleat__uuid run;
    int assigned; /* written on the engine's thread, before the call that led to it returns */
    cleat_status waited;
} fixture;

static int64_t fake_ns(void *user_data)
{
    fixture *f = user_data;
    return atomic_load(&f->now_ms) * CLEAT__NS_PER_MS;
}

static cleat_status put_a(cleat__engine *engine, const cleat__policy *of)
{
    const cleat__workflow workflow = {.name = cleat_slice_of("a"),
                                      .tasks = &(cleat__workflow_task){.name = cleat_slice_of("a"),
                                                                       .action = cleat_slice_of("a:a"),
                                                                       .policy = *of},
                                      .task_count = 1};
    return cleat__engine_put_workflow(engine, CLEAT__TENANT_DEFAULT, &workflow, NULL);
}

static int open_fixture(void **state)
{
    static const char *const names[] = {FILE_NAME, FILE_NAME "-wal", FILE_NAME "-shm", FILE_NAME "-lock"};
    static const cleat__policy policy = {
        .priority = 1,
        .backoff_factor = 2,
        .backoff_max_ms = 60000,
        .execution_timeout_ms = 60000,
        .schedule_timeout_ms = 300000,
    };
    static fixture f;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        unlink(names[i]);
    }
    f = (fixture){.now_ms = INT64_C(1700000000000)};
    gate_init(&f.held);
    gate_init(&f.go);
    gate_init(&f.closed);
    static const cleat_clock clock = {&f, fake_ns, fake_ns};
    cleat__engine_options options = {.path = FILE_NAME, .clock = &clock};
    assert_int_equal(cleat__engine_open(&options, &f.engine), CLEAT_OK);
    assert_int_equal(put_a(f.engine, &policy), CLEAT_OK);
    *state = &f;
    return 0;
}

static int close_fixture(void **state)
{
    fixture *f = *state;
    cleat__engine_close(f->engine);
    gate_deinit(&f->closed);
    gate_deinit(&f->go);
    gate_deinit(&f->held);
    return 0;
}

static cleat_status hold(cleat__store *store, void *argument)
{
    fixture *f = argument;
    (void)store;
    gate_add(&f->held);
    gate_wait(&f->go, 1);
    return CLEAT_OK;
}

static void *hold_engine(void *argument)
{
    fixture *f = argument;
    assert_int_equal(cleat__engine_call(f->engine, hold, f), CLEAT_OK);
    return NULL;
}

static void start_holding(fixture *f, pthread_t *thread)
{
    assert_int_equal(cleat__thread_start(thread, "holder", hold_engine, f), CLEAT_OK);
    gate_wait(&f->held, 1);
}

static void count_assignments(void *self, cleat__assignment *list)
{
    fixture *f = self;
    while (list != NULL) {
        cleat__assignment *assignment = list;
        list = assignment->next;
        f->assigned++;
        cleat__free(assignment);
    }
}

static void ignore_cancel(void *self, const cleat__uuid *task_id, int32_t retry_count)
{
    (void)self;
    (void)task_id;
    (void)retry_count;
}

static void trigger_run(fixture *f)
{
    cleat__trigger item = {.workflow = cleat_slice_of("a"), .input = cleat_slice_of("{}")};
    assert_int_equal(cleat__engine_trigger(f->engine, CLEAT__TENANT_DEFAULT, &item, 1, &f->run), CLEAT_OK);
}

/* Heartbeat and report came in time, behind so much else that one batch does not reach them. */
static void test_what_was_said_in_time_counts(void **state)
{
    fixture *f = *state;
    cleat__worker_sink sink = {f, count_assignments, ignore_cancel};
    cleat__uuid worker;
    assert_int_equal(join_engine(f->engine, "a:a", 1, &sink, &worker), CLEAT_OK);
    trigger_run(f);
    assert_int_equal(f->assigned, 1);

    pthread_t holder;
    start_holding(f, &holder);
    cleat__log_line line = {.task_id = f->run, .level = CLEAT_LOG_INFO, .message = cleat_slice_of("a")};
    for (int i = 0; i < MORE_THAN_A_BATCH; i++) {
        assert_int_equal(cleat__engine_log(f->engine, CLEAT__TENANT_DEFAULT, &line), CLEAT_OK);
    }
    cleat__report report = {.task_id = f->run, .output = cleat_slice_of("1")};
    assert_int_equal(cleat__engine_worker_heartbeat(f->engine, CLEAT__TENANT_DEFAULT, &worker), CLEAT_OK);
    assert_int_equal(cleat__engine_report(f->engine, CLEAT__TENANT_DEFAULT, &report), CLEAT_OK);
    atomic_fetch_add(&f->now_ms, 61000); /* beyond the worker's deadline and the run's timeout */
    gate_add(&f->go);
    pthread_join(holder, NULL);

    cleat_run_result result;
    assert_int_equal(cleat__engine_wait(f->engine, CLEAT__TENANT_DEFAULT, &f->run, 10000, &result), CLEAT_OK);
    assert_int_equal(result.status, CLEAT_RUN_COMPLETED);
    cleat_run_result_deinit(&result);
    assert_int_equal(cleat__engine_worker_remove(f->engine, CLEAT__TENANT_DEFAULT, &worker), CLEAT_OK);
    assert_int_equal(f->assigned, 1);
}

static void *wait_shortly(void *argument)
{
    fixture *f = argument;
    cleat_run_result result;
    f->waited = cleat__engine_wait(f->engine, CLEAT__TENANT_DEFAULT, &f->run, 0, &result);
    return NULL;
}

static void *close_engine(void *argument)
{
    fixture *f = argument;
    cleat__engine_close(f->engine);
    gate_add(&f->closed);
    return NULL;
}

/* The wait is given up, and before the engine has heard of that it is closed. */
static void test_closing_while_a_wait_is_given_up(void **state)
{
    fixture *f = *state;
    pthread_t holder, waiter, closer;
    trigger_run(f);
    start_holding(f, &holder);
    assert_int_equal(cleat__thread_start(&waiter, "waiter", wait_shortly, f), CLEAT_OK);
    gate_try(&f->closed, 1, 50); /* nothing tells when it has given up */
    assert_int_equal(cleat__thread_start(&closer, "closer", close_engine, f), CLEAT_OK);
    cleat__report stray = {.task_id = {{1}}};
    while (cleat__engine_report(f->engine, CLEAT__TENANT_DEFAULT, &stray) == CLEAT_OK) {
        sched_yield();
    }
    gate_add(&f->go);
    gate_wait(&f->closed, 1);
    pthread_join(closer, NULL);
    pthread_join(waiter, NULL);
    pthread_join(holder, NULL);
    assert_true(f->waited == CLEAT_TIMEOUT || f->waited == CLEAT_UNAVAILABLE);
    f->engine = NULL;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        TEST(test_what_was_said_in_time_counts),
        TEST(test_closing_while_a_wait_is_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
