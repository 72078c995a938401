/* Who looks at a run of several tasks, or at one of its tasks, and what is told. */
#include "engine/dag_test.h"

#include <inttypes.h>

/* "S0x" is a chunk, "C" the end of a task, "[C]!" the last that is told. */
typedef struct looker {
    cleat__watch watch;
    char text[1024];
} looker;

static void write_down(void *self, const cleat__happening *happening)
{
    looker *it = self;
    size_t used = strlen(it->text);
    used += (size_t)snprintf(it->text + used, sizeof(it->text) - used, "%s%s%c", used != 0 ? " " : "",
                             happening->is_of_run ? "[" : "", "+CFXTSL"[happening->kind]);
    if (happening->event_index >= 0) {
        used +=
            (size_t)snprintf(it->text + used, sizeof(it->text) - used, "%" PRId64, happening->event_index);
    }
    snprintf(it->text + used, sizeof(it->text) - used, "%.*s%s%s", CLEAT_SLICE_ARGS(happening->payload),
             happening->is_of_run ? "]" : "", happening->hangup ? "!" : "");
}

static cleat_status look(dag_rig *at, looker *it, const cleat__uuid *id)
{
    *it = (looker){.watch = {.run_id = *id, .self = it, .tell = write_down}};
    cleat__command command = {
        .tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_WATCH, .as.watch = &it->watch};
    return ask(&at->core, &command);
}

static void look_away(dag_rig *at, looker *it)
{
    cleat__command command = {.kind = CLEAT__COMMAND_UNWATCH, .as.watch = &it->watch};
    assert_int_equal(ask(&at->core, &command), CLEAT_OK);
}

static void put_chunk(dag_rig *at, const char *task, int64_t index, const char *chunk)
{
    cleat__command command = {.tenant = CLEAT__TENANT_DEFAULT,
                              .kind = CLEAT__COMMAND_PUT_STREAM,
                              .as.put_stream = {find_told(task)->id, index, cleat_slice_of(chunk)}};
    assert_int_equal(ask(&at->core, &command), CLEAT_OK);
}

static void test_the_run_is_told_what_its_tasks_do(void **state)
{
    dag_rig *at = *state;
    looker it;
    add_task(at, "a", "");
    add_task(at, "b", "a");
    begin(at, "{}");
    assert_int_equal(look(at, &it, &at->run), CLEAT_OK);
    put_chunk(at, "a", 0, "x");
    complete(at, "a", "1");
    put_chunk(at, "b", 0, "y");
    complete(at, "b", "2");
    assert_string_equal(it.text, "S0x C1 S0y C2 [C]!");
    look_away(at, &it);
}

static void test_one_task_is_looked_at_by_its_own_id(void **state)
{
    dag_rig *at = *state;
    looker first, second, again;
    add_task(at, "a", "");
    add_task(at, "b", "a");
    begin(at, "{}");
    const cleat__uuid a = find_told("a")->id;
    assert_int_equal(look(at, &first, &a), CLEAT_OK);
    put_chunk(at, "a", 0, "x");
    complete(at, "a", "1");
    assert_string_equal(first.text, "S0x C1 [C]!");
    assert_int_equal(look(at, &second, &find_told("b")->id), CLEAT_OK);
    put_chunk(at, "b", 0, "y");
    fail_task(at, "b", "no");
    assert_string_equal(first.text, "S0x C1 [C]!");
    assert_string_equal(second.text, "S0y Fno [F]!");
    assert_int_equal(look(at, &again, &a), CLEAT_EMPTY); /* it has ended */
    look_away(at, &first);
    look_away(at, &second);
}

static void test_what_a_durable_task_stores_is_told_too(void **state)
{
    dag_rig *at = *state;
    looker of_run, of_task;
    const cleat__slots one = {cleat_slice_of("default"), 1};
    cleat__workflow_task *task = add_task(at, "a", "");
    task->is_durable = true;
    task->slots = &one;
    task->slot_count = 1;
    begin(at, "{}");
    assert_int_equal(look(at, &of_run, &at->run), CLEAT_OK);
    put_chunk(at, "a", 0, "x");
    assert_int_equal(look(at, &of_task, &find_told("a")->id), CLEAT_OK);
    put_chunk(at, "a", 1, "y");
    assert_string_equal(of_run.text, "S0x S1y");
    assert_string_equal(of_task.text, "S0x S1y"); /* from the first one on */
    const cleat__report said = {
        .task_id = find_told("a")->id, .invocation_count = 1, .output = cleat_slice_of("1")};
    cleat__command command = {
        .tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_REPORT, .as.report = said};
    assert_int_equal(ask(&at->core, &command), CLEAT_OK);
    assert_string_equal(of_run.text, "S0x S1y C1 [C]!");
    assert_string_equal(of_task.text, "S0x S1y C1 [C]!");
    look_away(at, &of_run);
    look_away(at, &of_task);
}

static void test_a_task_that_is_cancelled_before_it_begins(void **state)
{
    dag_rig *at = *state;
    looker it;
    add_task(at, "a", "");
    add_task(at, "b", "a");
    begin(at, "{}");
    cleat__uuid b;
    const char *id = query("SELECT lower(hex(t.id)) FROM task t JOIN task_type y ON y.id = t.type_id "
                           "WHERE t.dag_id = ?1 AND y.task_name = 'b'",
                           &at->run);
    for (size_t i = 0; i < sizeof(b.bytes); i++) {
        unsigned byte;
        assert_int_equal(sscanf(id + 2 * i, "%2x", &byte), 1);
        b.bytes[i] = (uint8_t)byte;
    }
    assert_int_equal(look(at, &it, &b), CLEAT_OK);
    fail_task(at, "a", "no");
    assert_string_equal(it.text, "X [X]!");
    look_away(at, &it);
}

/* ---- Chunks that come behind the report of a worker of another process ---- */

static void hire_remote(dag_rig *at)
{
    cleat__uuid id;
    cleat_slice actions[DAG_TASKS];
    for (size_t i = 0; i < at->workflow.task_count; i++) {
        actions[i] = at->tasks[i].action;
    }
    const cleat__worker_spec spec = {
        .name = {"w", 1}, .actions = actions, .action_count = at->workflow.task_count};
    cleat__command joins = {.tenant = CLEAT__TENANT_DEFAULT,
                            .kind = CLEAT__COMMAND_WORKER_REGISTER,
                            .as.worker_register = {&spec, &id}};
    assert_int_equal(ask(&at->core, &joins), CLEAT_OK);
    cleat__command listens = {.tenant = CLEAT__TENANT_DEFAULT,
                              .kind = CLEAT__COMMAND_WORKER_LISTEN,
                              .as.listen = {.id = id, .session = 1, .sink = {NULL, take_tasks, take_cancel}}};
    assert_int_equal(ask(&at->core, &listens), CLEAT_OK);
}

static void begin_remote(dag_rig *at, looker *it)
{
    add_task(at, "a", "");
    add_task(at, "b", "");
    add_task(at, "c", "");
    declare_workflow(at);
    hire_remote(at);
    at->run = trigger_workflow(at, "{}", NULL);
    assert_int_equal(look(at, it, &at->run), CLEAT_OK);
}

static void test_the_end_of_the_run_comes_behind_chunks_of_each_task(void **state)
{
    dag_rig *at = *state;
    looker it;
    begin_remote(at, &it);
    complete(at, "a", "1");
    complete(at, "b", "2");
    advance(&at->core, 150);
    complete(at, "c", "3");
    put_chunk(at, "b", 0, "y");
    advance(&at->core, 50);
    put_chunk(at, "a", 0, "x"); /* whose time is over */
    put_chunk(at, "c", 1, "z");
    assert_string_equal(it.text, "C1 C2 C3 S0y");
    advance(&at->core, 150);
    assert_string_equal(it.text, "C1 C2 C3 S0y S1z [C]!");
    look_away(at, &it);
}

static void test_nothing_late_is_left_of_a_run_that_begins_again(void **state)
{
    dag_rig *at = *state;
    looker it;
    begin_remote(at, &it);
    put_chunk(at, "a", 1, "x");
    complete(at, "a", "1");
    complete(at, "b", "2");
    complete(at, "c", "3");
    put_chunk(at, "c", 1, "z");
    assert_string_equal(it.text, "C1 C2 C3");
    assert_int_equal(replay(at, &at->run), CLEAT_OK);
    assert_string_equal(it.text, "C1 C2 C3 S1x S1z [C]!");
    advance(&at->core, 200);
    assert_string_equal(it.text, "C1 C2 C3 S1x S1z [C]!");
    look_away(at, &it);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_dag, close_dag)
    const struct CMUnitTest tests[] = {
        TEST(test_the_end_of_the_run_comes_behind_chunks_of_each_task),
        TEST(test_nothing_late_is_left_of_a_run_that_begins_again),
        TEST(test_the_run_is_told_what_its_tasks_do),
        TEST(test_one_task_is_looked_at_by_its_own_id),
        TEST(test_what_a_durable_task_stores_is_told_too),
        TEST(test_a_task_that_is_cancelled_before_it_begins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
