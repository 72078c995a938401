/* Invocations that step the engine themselves while its thread sleeps, beside others and beside its timers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "engine/command.h"
#include "support/gate.h"

#include <stdio.h>
#include <unistd.h>

#define FILE_NAME "test.db"

enum { RUNS = 4, STEPS = 50, SLEEPS = 20, SLEEP_MS = 1 };

typedef struct fixture {
    cleat__engine *engine;
    cleat__uuid worker;
    gate assigned, completed;
    atomic_int invocation_count; /* of all, as each is the first of its run */
} fixture;

/* A run whose invocation asks on a thread of its own. */
typedef struct invocation {
    fixture *at;
    cleat__uuid run;
    int stored, ended;
} invocation;

static void take_assignments(void *self, cleat__assignment *list)
{
    fixture *at = self;
    while (list != NULL) {
        cleat__assignment *assignment = list;
        list = assignment->next;
        atomic_store(&at->invocation_count, assignment->invocation_count);
        cleat__free(assignment);
        gate_add(&at->assigned);
    }
}

static void ignore_cancel(void *self, const cleat__uuid *task_id, int32_t retry_count)
{
    (void)self;
    (void)task_id;
    (void)retry_count;
}

static void note_completed(void *self, const cleat__uuid *run_id, int32_t invocation_count,
                           const cleat__node_end *end)
{
    fixture *at = self;
    (void)run_id;
    (void)invocation_count;
    (void)end;
    gate_add(&at->completed);
}

static void ignore_evicted(void *self, const cleat__uuid *run_id, int32_t invocation_count,
                           const char *reason)
{
    (void)self;
    (void)run_id;
    (void)invocation_count;
    (void)reason;
}

static void join(fixture *at)
{
    const cleat_slice action = cleat_slice_of("a:a");
    const cleat__slots offered = {cleat_slice_of("durable"), RUNS};
    const cleat__worker_spec spec = {
        .actions = &action, .action_count = 1, .slots = &offered, .slot_count = 1};
    const cleat__command command = {
        .tenant = CLEAT__TENANT_DEFAULT,
        .kind = CLEAT__COMMAND_WORKER_JOIN,
        .as.worker_join = {&spec, {at, take_assignments, ignore_cancel}, &at->worker, NULL}};
    assert_int_equal(cleat__engine_ask(at->engine, &command), CLEAT_OK);
}

static int open_fixture(void **state)
{
    static const char *const names[] = {FILE_NAME, FILE_NAME "-wal", FILE_NAME "-shm", FILE_NAME "-lock"};
    static const cleat__workflow_task task = {.name = {"a", 1},
                                              .action = {"a:a", 3},
                                              .is_durable = true,
                                              .policy = {.priority = 1,
                                                         .execution_timeout_ms = CLEAT__NO_TIMEOUT,
                                                         .schedule_timeout_ms = CLEAT__NO_TIMEOUT}};
    static const cleat__workflow workflow = {.name = {"a", 1}, .tasks = &task, .task_count = 1};
    static fixture f;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        unlink(names[i]);
    }
    f = (fixture){0};
    gate_init(&f.assigned);
    gate_init(&f.completed);
    assert_int_equal(cleat__engine_open(&(cleat__engine_options){.path = FILE_NAME}, &f.engine), CLEAT_OK);
    assert_int_equal(cleat__engine_put_workflow(f.engine, CLEAT__TENANT_DEFAULT, &workflow, NULL), CLEAT_OK);
    join(&f);
    *state = &f;
    return 0;
}

static int close_fixture(void **state)
{
    fixture *f = *state;
    cleat__engine_close(f->engine);
    gate_deinit(&f->completed);
    gate_deinit(&f->assigned);
    return 0;
}

static void start_runs(fixture *at, invocation *invocations, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const cleat__trigger item = {.workflow = cleat_slice_of("a"), .input = cleat_slice_of("{}")};
        invocations[i] = (invocation){.at = at};
        assert_int_equal(
            cleat__engine_trigger(at->engine, CLEAT__TENANT_DEFAULT, &item, 1, &invocations[i].run),
            CLEAT_OK);
    }
    gate_wait(&at->assigned, (int)count);
}

static cleat_status ask(const invocation *it, cleat__durable_request *request,
                        const cleat__durable_listener *listener)
{
    const cleat__command command = {.tenant = CLEAT__TENANT_DEFAULT,
                                    .kind = CLEAT__COMMAND_DURABLE,
                                    .as.durable = {.run_id = it->run,
                                                   .invocation_count = atomic_load(&it->at->invocation_count),
                                                   .requests = request,
                                                   .count = 1,
                                                   .listener = listener}};
    return cleat__engine_ask(it->at->engine, &command);
}

static void *store_steps(void *argument)
{
    invocation *it = argument;
    for (int i = 1; i <= STEPS; i++) {
        char key[16];
        snprintf(key, sizeof(key), "%d", i);
        cleat__durable_request request = {.kind = CLEAT__DURABLE_MEMO};
        request.as.memo.key = cleat_slice_of(key);
        request.as.memo.payload = cleat_slice_of("1");
        cleat_status status = ask(it, &request, NULL);
        it->stored += status == CLEAT_OK && !request.as.memo.existed && request.as.memo.node.number == i;
    }
    return NULL;
}

static void *store_until_over(void *argument)
{
    invocation *it = argument;
    cleat_status status = CLEAT_OK;
    while (status == CLEAT_OK) {
        cleat__durable_request request = {.kind = CLEAT__DURABLE_MEMO};
        request.as.memo.key = cleat_slice_of("a");
        request.as.memo.payload = cleat_slice_of("1");
        status = ask(it, &request, NULL);
        if (status == CLEAT_OK) {
            it->stored++;
            gate_add(&it->at->completed);
        }
    }
    it->ended = status;
    return NULL;
}

static void test_each_asks_in_its_own_order_beside_others(void **state)
{
    fixture *f = *state;
    invocation invocations[RUNS];
    pthread_t threads[RUNS];
    start_runs(f, invocations, RUNS);
    for (int i = 0; i < RUNS; i++) {
        assert_int_equal(cleat__thread_start(&threads[i], "asks", store_steps, &invocations[i]), CLEAT_OK);
    }
    const cleat__log_line line = {.task_id = invocations[0].run, .message = cleat_slice_of("meanwhile")};
    for (int i = 0; i < STEPS; i++) {
        assert_int_equal(cleat__engine_log(f->engine, CLEAT__TENANT_DEFAULT, &line), CLEAT_OK);
    }
    for (int i = 0; i < RUNS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(invocations[i].stored, STEPS);
    }
}

/* It sleeps without a deadline, or until a later one, when the caller's step makes one. */
static void test_the_thread_wakes_for_what_a_caller_has_begun(void **state)
{
    fixture *f = *state;
    const cleat__durable_listener listener = {
        .self = f, .completed = note_completed, .evicted = ignore_evicted};
    const cleat__condition pause = {.kind = CLEAT__CONDITION_SLEEP,
                                    .data_key = cleat_slice_of("pause"),
                                    .sleep_ms = SLEEP_MS,
                                    .sleep_text = cleat_slice_of("1ms")};
    invocation it;
    start_runs(f, &it, 1);
    for (int i = 1; i <= SLEEPS; i++) {
        cleat__durable_request request = {.kind = CLEAT__DURABLE_WAIT_FOR};
        request.as.wait_for.conditions = &pause;
        request.as.wait_for.count = 1;
        assert_int_equal(ask(&it, &request, &listener), CLEAT_OK);
        gate_wait(&f->completed, i);
    }
    const cleat__command detach = {.tenant = CLEAT__TENANT_DEFAULT,
                                   .kind = CLEAT__COMMAND_DURABLE_DETACH,
                                   .as.durable_listener = &listener};
    assert_int_equal(cleat__engine_ask(f->engine, &detach), CLEAT_OK);
}

/* The cancellations come between their steps. */
static void test_a_cancelled_run_stores_nothing_more(void **state)
{
    fixture *f = *state;
    invocation invocations[RUNS];
    pthread_t threads[RUNS];
    start_runs(f, invocations, RUNS);
    for (int i = 0; i < RUNS; i++) {
        assert_int_equal(cleat__thread_start(&threads[i], "asks", store_until_over, &invocations[i]),
                         CLEAT_OK);
    }
    gate_wait(&f->completed, STEPS);
    for (int i = 0; i < RUNS; i++) {
        assert_int_equal(cleat__engine_cancel(f->engine, CLEAT__TENANT_DEFAULT, &invocations[i].run),
                         CLEAT_OK);
    }
    for (int i = 0; i < RUNS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(invocations[i].ended, CLEAT_CANCELLED);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        TEST(test_each_asks_in_its_own_order_beside_others),
        TEST(test_the_thread_wakes_for_what_a_caller_has_begun),
        TEST(test_a_cancelled_run_stores_nothing_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
