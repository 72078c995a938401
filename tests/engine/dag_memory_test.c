/*
 * The n-th allocation fails, for every n, in the life of a run of several tasks: that fails the command alone, or, where
 * something has been written, the core, which is opened again. The command is repeated, and in the end all is as if nothing had been.
 */
#include "engine/dag_test.h"
#include "model/task_results.h"
#include "support/checked_file.h"
#include "support/failing_allocator.h"

static failing_allocator memory;

static cleat_slice said(const char *text)
{
    return cleat_slice_of(text);
}

/* ---- Commands, made anew for each time they are tried ---- */

typedef struct asked {
    dag_rig *at;
    cleat__command_kind kind;
    const char *task;  /* REPORT, REPLAY: whose; NULL: the run's */
    cleat_status says; /* REPORT */
    const char *text;
} asked;

static cleat_status ask_report(const asked *what)
{
    const told_task *task = find_told(what->task);
    return report(&what->at->core, &task->id, task->retry_count, what->says, what->text);
}

static cleat_status ask_trigger(const asked *what)
{
    const cleat__trigger item = {.workflow = said("w"), .input = said("{}"), .child_index = -1};
    cleat__command command = {.tenant = CLEAT__TENANT_DEFAULT,
                              .kind = CLEAT__COMMAND_TRIGGER,
                              .as.trigger = {&item, 1, &what->at->run}};
    return ask(&what->at->core, &command);
}

static cleat_status ask_push(const asked *what)
{
    cleat__uuid id;
    const cleat__user_event event = {.key = said("go"), .payload = said(what->text)};
    cleat__command command = {
        .tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_PUSH, .as.push = {&event, 1, &id, NULL}};
    return ask(&what->at->core, &command);
}

/* A remote one would stay; this one is there again when it is asked for. */
static cleat_status ask_worker(const asked *what)
{
    cleat_slice actions[DAG_TASKS];
    cleat__uuid id;
    for (size_t i = 0; i < what->at->workflow.task_count; i++) {
        actions[i] = what->at->tasks[i].action;
    }
    const joining how = {0, actions, what->at->workflow.task_count, 100, {NULL, take_tasks, take_cancel}};
    return join_worker(&what->at->core, how, &id);
}

/* Looks at the result of the run, with its tasks. */
static cleat_status ask_result(const asked *what)
{
    cleat_run_result result = {.status = CLEAT_RUN_QUEUED};
    cleat__task_results tasks = {.count = 0};
    cleat__command command = {.tenant = CLEAT__TENANT_DEFAULT,
                              .kind = CLEAT__COMMAND_WAIT,
                              .as.wait = {.id = what->at->run, .result = &result, .tasks = &tasks}};
    cleat_status status = ask(&what->at->core, &command);
    assert_true(status != CLEAT_OK || tasks.count == what->at->workflow.task_count);
    cleat_run_result_deinit(&result);
    cleat__task_results_deinit(&tasks);
    return status;
}

static cleat_status try(const asked *what)
{
    dag_rig *at = what->at;
    switch (what->kind) {
    case CLEAT__COMMAND_PUT_WORKFLOW:
        return put_workflow(&at->core, CLEAT__TENANT_DEFAULT, &at->workflow, NULL);
    case CLEAT__COMMAND_WORKER_JOIN: return ask_worker(what);
    case CLEAT__COMMAND_TRIGGER: return ask_trigger(what);
    case CLEAT__COMMAND_REPORT: return ask_report(what);
    case CLEAT__COMMAND_PUSH: return ask_push(what);
    case CLEAT__COMMAND_WAIT: return ask_result(what);
    case CLEAT__COMMAND_REPLAY: return replay(at, what->task != NULL ? &find_told(what->task)->id : &at->run);
    default: return cancel(&at->core, &at->run);
    }
}

/* There is memory again; a core that has failed is opened anew. */
static void mend(dag_rig *at)
{
    if (failing_allocator_has_failed(&memory)) {
        atomic_store(&memory.fail_at, 0);
        step(&at->core, NULL, 0); /* what has waited for memory */
    }
    if (cleat__core_failure(at->core.core) != CLEAT_OK) {
        assert_int_equal(cleat__core_failure(at->core.core), CLEAT_NO_MEMORY);
        crash(&at->core);
        open_core(&at->core);
        (void)ask_worker(&(const asked){.at = at}); /* before the declaration there is nothing to do for it */
        step(&at->core, NULL, 0);
    }
}

static void insist(asked what)
{
    cleat_status status = try(&what);
    mend(what.at);
    if (status != CLEAT_OK) {
        assert_int_equal(status, CLEAT_NO_MEMORY);
        assert_int_equal(try(&what), CLEAT_OK);
    }
}

static void let_pass(dag_rig *at, int64_t ms)
{
    advance(&at->core, ms);
    mend(at);
    advance(&at->core, 0);
}

static void open_again(dag_rig *at)
{
    const cleat__core_options options = {.path = FILE_NAME, .mode = CLEAT__STORE_WRITE_UNSYNCED, .seed = 1};
    crash(&at->core);
    cleat_status status = cleat__core_open(&options, at->core.now, &at->core.core);
    if (status != CLEAT_OK) {
        assert_int_equal(status, CLEAT_NO_MEMORY);
        atomic_store(&memory.fail_at, 0);
        open_core(&at->core);
    }
    insist((asked){.at = at, .kind = CLEAT__COMMAND_WORKER_JOIN});
    let_pass(at, 0);
}

/* Who looks has memory. */
static void look(dag_rig *at, const char *(*at_what)(dag_rig *at), const char *expected)
{
    size_t fail_at = atomic_load(&memory.fail_at), calls = atomic_load(&memory.calls);
    atomic_store(&memory.fail_at, 0);
    assert_string_equal(at_what(at), expected);
    atomic_store(&memory.calls, calls);
    atomic_store(&memory.fail_at, fail_at);
}

static const char *look_at_tasks(dag_rig *at)
{
    return tasks_of(at);
}

/* ---- A life ---- */

static const cleat__step_condition soon_or_event[2] = {
    {.action = CLEAT__STEP_QUEUE,
     .of = {.kind = CLEAT__CONDITION_SLEEP,
            .data_key = {"s", 1},
            .group = {"g", 1},
            .sleep_ms = 60000,
            .sleep_text = {"60s", 3}}},
    {.action = CLEAT__STEP_QUEUE,
     .of = {.kind = CLEAT__CONDITION_EVENT,
            .data_key = {"e", 1},
            .group = {"g", 1},
            .key = {"go", 2},
            .expression = {"input.ok", 8}}},
};

static void add_all(dag_rig *at, cleat__step_condition *skip, cleat__step_condition *sleep)
{
    *skip = of_parent(CLEAT__STEP_SKIP, "a", "output.n == 2");
    *sleep = of_sleep(CLEAT__STEP_QUEUE, 1000, "1s");
    add_task(at, "a", "");
    set_conditions(add_task(at, "b", "a"), soon_or_event, 2);
    set_conditions(add_task(at, "c", "a"), skip, 1);
    add_task(at, "d", "b c");
    set_conditions(add_task(at, "e", "a"), sleep, 1);
    add_task(at, "mend", "")->is_on_failure = true;
    at->workflow.sticky = CLEAT__STICKY_SOFT;
}

static void succeed(dag_rig *at, const char *task, const char *output)
{
    insist((asked){.at = at, .kind = CLEAT__COMMAND_REPORT, .task = task, .says = CLEAT_OK, .text = output});
}

static void live(dag_rig *at)
{
    insist((asked){.at = at, .kind = CLEAT__COMMAND_TRIGGER});
    succeed(at, "a", "{\"n\":2}");
    open_again(at);
    insist((asked){.at = at, .kind = CLEAT__COMMAND_PUSH, .text = "{\"ok\":false}"});
    insist((asked){.at = at, .kind = CLEAT__COMMAND_PUSH, .text = "{\"ok\":true}"});
    let_pass(at, 1000);
    succeed(at, "b", "{}");
    insist((asked){
        .at = at, .kind = CLEAT__COMMAND_REPORT, .task = "e", .says = CLEAT_NON_RETRYABLE, .text = "bad"});
    succeed(at, "mend", "{}");
    succeed(at, "d", "{\"m\":1}");
    look(at, run_of, "FAILED bad");
    insist((asked){.at = at, .kind = CLEAT__COMMAND_WAIT});
    insist((asked){.at = at, .kind = CLEAT__COMMAND_REPLAY, .task = "e"});
    let_pass(at, 1000);
    succeed(at, "e", "{}");
    look(at, run_of,
         "COMPLETED {\"a\":{\"n\":2},\"b\":{},\"c\":{\"skipped\":true},\"d\":{\"m\":1},\"e\":{},"
         "\"mend\":{\"skipped\":true}}");
    insist((asked){.at = at, .kind = CLEAT__COMMAND_REPLAY});
    insist((asked){.at = at, .kind = CLEAT__COMMAND_CANCEL});
    look(at, look_at_tasks, "a=cancelled b=cancelled c=cancelled d=cancelled e=cancelled mend=skipped");
}

/* The same with the next allocation failing; false: there was none. */
static bool fail_next(dag_rig *at, size_t number, void (*what)(dag_rig *at))
{
    assert_true(number < 2000);
    atomic_store(&memory.fail_at, atomic_load(&memory.calls) + number);
    what(at);
    bool has_failed = atomic_load(&memory.fail_at) == 0;
    atomic_store(&memory.fail_at, 0);
    return has_failed;
}

static void declare(dag_rig *at)
{
    insist((asked){.at = at, .kind = CLEAT__COMMAND_PUT_WORKFLOW});
    insist((asked){.at = at, .kind = CLEAT__COMMAND_WORKER_JOIN});
}

static void test_each_allocation_of_a_declaration_may_fail(void **state)
{
    dag_rig *at = *state;
    cleat__step_condition skip, sleep;
    size_t number = 1;
    add_all(at, &skip, &sleep);
    while (fail_next(at, number, declare)) {
        crash(&at->core);
        assert_null(checked_file(FILE_NAME));
        unlink(FILE_NAME);
        open_core(&at->core);
        number++;
    }
    assert_true(number > 50);
}

static void test_each_allocation_of_a_life_may_fail(void **state)
{
    dag_rig *at = *state;
    cleat__step_condition skip, sleep;
    size_t number = 1;
    add_all(at, &skip, &sleep);
    declare(at);
    while (fail_next(at, number, live)) {
        memset(&told, 0, sizeof(told));
        number++;
    }
    assert_true(number > 100);
    assert_null(checked_file(FILE_NAME));
}

/* ---- One that fails, and nothing has been written ---- */

/* Whatever the command says, the core goes on; false: no allocation has failed. */
static bool fail_one(dag_rig *at, size_t number, const asked *what)
{
    size_t given_before = told.count;
    atomic_store(&memory.is_once, true);
    atomic_store(&memory.fail_at, atomic_load(&memory.calls) + number);
    cleat_status status = try(what);
    bool has_failed = failing_allocator_has_failed(&memory);
    atomic_store(&memory.fail_at, 0);
    atomic_store(&memory.is_once, false);
    assert_int_equal(cleat__core_failure(at->core.core), CLEAT_OK);
    if (status != CLEAT_OK) {
        assert_true(has_failed);
        assert_int_equal(status, CLEAT_NO_MEMORY);
        assert_int_equal(try(what), CLEAT_OK);
    }
    if (told.count == given_before) { /* it waits for memory */
        assert_int_equal(cleat__core_next_ms(at->core.core), at->core.now.monotonic_ms + 1000);
        step(&at->core, NULL, 0);
    }
    assert_int_equal(told.count, given_before + 1);
    return has_failed;
}

static void live_plainly(dag_rig *at)
{
    succeed(at, "a", "{\"n\":1}");
    succeed(at, "b", "{}");
    succeed(at, "c", "{}");
    look(at, run_of, "COMPLETED {\"a\":{\"n\":1},\"b\":{},\"c\":{}}");
}

static void test_a_call_is_refused_where_nothing_is_written(void **state)
{
    dag_rig *at = *state;
    const asked start = {.at = at, .kind = CLEAT__COMMAND_TRIGGER},
                again = {.at = at, .kind = CLEAT__COMMAND_REPLAY},
                some = {.at = at, .kind = CLEAT__COMMAND_REPLAY, .task = "b"};
    add_task(at, "a", "");
    add_task(at, "b", "a");
    add_task(at, "c", "b");
    declare(at);
    for (int i = 0; i < 2; i++) { /* statements are there from now on */
        insist(i == 0 ? start : again);
        live_plainly(at);
    }
    size_t number = 0;
    for (bool has_failed = true; has_failed; number++) {
        has_failed = fail_one(at, number + 1, &start);
        live_plainly(at);
        has_failed = fail_one(at, number + 1, &some) || has_failed;
        succeed(at, "b", "{}");
        succeed(at, "c", "{}");
        has_failed = fail_one(at, number + 1, &again) || has_failed;
        live_plainly(at);
        memset(&told, 0, sizeof(told));
    }
    assert_in_range(number, 10, 200);
    assert_null(checked_file(FILE_NAME));
}

static int setup(void **state)
{
    failing_allocator_install(&memory, 0);
    return open_dag(state);
}

static int teardown(void **state)
{
    close_dag(state);
    cleat_set_allocator(NULL);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_allocation_of_a_declaration_may_fail, setup, teardown),
        cmocka_unit_test_setup_teardown(test_each_allocation_of_a_life_may_fail, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_call_is_refused_where_nothing_is_written, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
