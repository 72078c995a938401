/* Memory that is wanting in a call of a workflow: the call is made, or the attempt ends; it does not go on without it. */
#include "support/sdk_remote.h"
#include "support/workflow_suite.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- Memory of this thread, of which the n-th piece is not there ---- */

static _Thread_local int pieces = -1; /* left until then; negative: all are there */

static bool is_there(void)
{
    return pieces < 0 || pieces-- > 0;
}

static void *give(void *user_data, size_t size)
{
    (void)user_data;
    return is_there() ? malloc(size) : NULL;
}

static void *give_more(void *user_data, void *block, size_t size)
{
    (void)user_data;
    return is_there() ? realloc(block, size) : NULL;
}

static void take_back(void *user_data, void *block)
{
    (void)user_data;
    free(block);
}

/* An engine in the process may be stepped by this thread, and its memory is not what is looked at. */
static const sdk_target remote = {"remote", sdk_remote_open, sdk_remote_close};

static int set_up(void **state)
{
    workflow_use(&remote);
    return workflow_set_up(state);
}

/* ---- Calls ---- */

enum { PIECES_MAX = 200 };

static cleat_status nothing(cleat_task *task, void *user_data)
{
    (void)task;
    (void)user_data;
    return CLEAT_OK;
}

static cleat_status call_spawn(cleat_task *task)
{
    cleat_future future;
    return cleat_spawn(task, "child", "{\"a\":1}", CLEAT_RUN_OPTIONS(.metadata = "{\"shop\":\"north\"}"),
                       &future);
}

static cleat_status call_step(cleat_task *task)
{
    return cleat_step(task, "step", nothing, "{\"a\":[1,2,3]}", NULL);
}

static cleat_status call_timer(cleat_task *task)
{
    cleat_future future;
    return cleat_timer(task, "1h", &future);
}

static cleat_status call_now(cleat_task *task)
{
    int64_t now_ms;
    return cleat_now(task, &now_ms);
}

static cleat_status call_event(cleat_task *task)
{
    cleat_status status = cleat_wait_event(task, "key", "input.a == 7 && size(input.b) > 2", "1ms", NULL);
    return status == CLEAT_TIMEOUT || status == CLEAT_SUSPENDED ? CLEAT_OK : status;
}

typedef struct subject {
    workflow_fixture *fixture;
    cleat_status (*call)(cleat_task *task);
} subject;

static cleat_status be_short_of_memory(cleat_task *task, void *user_data)
{
    const subject *it = user_data;
    pieces = (int)strtol(cleat_task_input(task).data + 5, NULL, 10); /* {"n":3} */
    cleat_status status = it->call(task);
    bool was_wanting = pieces < 0; /* the piece that is not there was asked for */
    pieces = -1;
    if (!was_wanting) {
        gate_add(&it->fixture->seen);
    }
    if (status != CLEAT_OK && !cleat_task_is_stopped(task)) {
        gate_add(&it->fixture->calls);
    }
    return status;
}

static void try_all(workflow_fixture *it, cleat_status (*call)(cleat_task *task))
{
    subject what = {it, call};
    char input[32];
    workflow_add_task(it, "child", nothing);
    workflow_add_options(
        it, CLEAT_WORKFLOW(be_short_of_memory, .name = "short", .user_data = &what, .retries = 0));
    workflow_start(it);
    for (int n = 0; n < PIECES_MAX && gate_count(&it->seen) == 0; n++) {
        cleat_run_result result = {0};
        (void)snprintf(input, sizeof(input), "{\"n\":%d}", n);
        assert_ok(cleat_client_run(it->client, "short", input, NULL, &result));
        cleat_run_result_deinit(&result);
    }
    assert_int_not_equal(gate_count(&it->seen), 0);
    assert_int_equal(gate_count(&it->calls), 0);
    workflow_stop(it);
}

static void test_spawn(void **state)
{
    try_all(*state, call_spawn);
}

static void test_step(void **state)
{
    try_all(*state, call_step);
}

static void test_timer(void **state)
{
    try_all(*state, call_timer);
}

static void test_now(void **state)
{
    try_all(*state, call_now);
}

static void test_event(void **state)
{
    try_all(*state, call_event);
}

int main(void)
{
    static const cleat_allocator allocator = {
        .user_data = NULL, .malloc = give, .realloc = give_more, .free = take_back};
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, workflow_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_spawn), TEST(test_step), TEST(test_timer), TEST(test_now), TEST(test_event),
    };
#undef TEST
    cleat_set_allocator(&allocator);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
