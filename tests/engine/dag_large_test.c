/* Tasks that are to be told of more than fits into a message: what is left out, and that it is not even read. */
#include "engine/dag.h"
#include "engine/dag_test.h"

enum { KB = 1000, MB = 1000 * KB };

/* How much the last one was told. */
static struct {
    cleat__uuid id;
    char name[32], parents[16], triggers[16];
    size_t input_size, parents_size, triggers_size, errors_size, size;
} last;

/* The names of an object's members, each of one letter. */
static void copy_names(char *to, cleat_slice object)
{
    size_t count = 0;
    for (size_t i = 0; i + 4 < object.size; i++) {
        if (object.data[i] == '"' && object.data[i + 2] == '"' && object.data[i + 3] == ':') {
            to[count++] = object.data[i + 1];
        }
    }
    to[count] = '\0';
}

static void measure(void *self, cleat__assignment *list)
{
    (void)self;
    while (list != NULL) {
        cleat__assignment *next = list->next;
        memset(&last, 0, sizeof(last));
        copy_text(last.name, sizeof(last.name), list->task_name);
        copy_names(last.parents, list->parents);
        copy_names(last.triggers, list->triggers);
        last.input_size = list->input.size;
        last.parents_size = list->parents.size;
        last.triggers_size = list->triggers.size;
        last.errors_size = list->step_errors.size;
        last.size = list->input.size + list->parents.size + list->triggers.size + list->step_errors.size;
        told_task *task = &told.tasks[told.count++];
        *task = (told_task){.id = list->task_id, .retry_count = list->retry_count};
        copy_text(task->name, sizeof(task->name), list->task_name);
        list->next = NULL;
        cleat__free(list);
        list = next;
    }
}

/* {"_":"xx.."}, of `size` bytes; valid until the next call. */
static const char *object_of(size_t size)
{
    static char text[CLEAT_PAYLOAD_MAX + 1];
    assert_in_range(size, 8, sizeof(text) - 1);
    memset(text, 'x', size);
    memcpy(text, "{\"__\":\"", 7);
    memcpy(text + size - 2, "\"}", 3);
    return text;
}

static void start(dag_rig *at, const char *input)
{
    declare_workflow(at);
    hire_with(at, measure);
    at->run = trigger_workflow(at, input, NULL);
}

static void test_the_largest_are_left_out(void **state)
{
    dag_rig *at = *state;
    add_task(at, "a", "");
    add_task(at, "b", "");
    add_task(at, "c", "");
    add_task(at, "d", "a b c");
    start(at, "{}");
    complete(at, "a", object_of(3 * MB));
    complete(at, "b", object_of(2 * MB));
    complete(at, "c", object_of(1 * MB));
    assert_string_equal(last.name, "d");
    assert_string_equal(last.parents, "bc"); /* as they were declared */
    assert_in_range(last.parents_size, 3 * MB, 3 * MB + 64);
}

static void test_what_the_run_was_started_with_counts(void **state)
{
    dag_rig *at = *state;
    add_task(at, "a", "");
    add_task(at, "b", "");
    add_task(at, "c", "a b");
    start(at, object_of(3 * MB));
    complete(at, "a", object_of(2 * MB));
    complete(at, "b", object_of(500 * KB));
    assert_string_equal(last.parents, "b");
    assert_int_equal(last.input_size, 3 * MB);
}

static void test_as_much_as_there_is_room_for_is_told(void **state)
{
    dag_rig *at = *state;
    add_task(at, "a", "");
    add_task(at, "b", "a");
    add_task(at, "c", "a");
    start(at, "{}");
    complete(at, "a", object_of(CLEAT__DAG_TOLD_MAX - strlen("{}{\"a\":}")));
    assert_string_equal(last.parents, "a");
    assert_int_equal(last.size, CLEAT__DAG_TOLD_MAX);
    complete(at, "b", "{}");
    complete(at, "c", "{}");
    cleat__uuid first = at->run;
    start(at, "{}");
    assert_false(cleat__uuid_equals(&first, &at->run));
    complete(at, "a", object_of(CLEAT__DAG_TOLD_MAX - strlen("{}{\"a\":}") + 1));
    assert_string_equal(last.parents, "");
    assert_string_equal(run_of(at), "RUNNING");
}

static void test_what_conditions_have_brought_comes_before_parents(void **state)
{
    dag_rig *at = *state;
    const cleat__step_condition waits[] = {of_event(CLEAT__STEP_QUEUE, "x"), of_event(CLEAT__STEP_QUEUE, "y"),
                                           of_event(CLEAT__STEP_QUEUE, "z")};
    add_task(at, "a", "");
    add_task(at, "b", "");
    set_conditions(add_task(at, "c", "a b"), waits, 3);
    start(at, "{}");
    complete(at, "a", object_of(2 * MB));
    complete(at, "b", object_of(100 * KB));
    push(at, "x", object_of(1500 * KB));
    push(at, "y", object_of(1000 * KB));
    push(at, "z", object_of(3 * MB));
    assert_string_equal(last.name, "c");
    assert_string_equal(last.triggers, "xy");
    assert_string_equal(last.parents, "b");
    assert_in_range(last.size, 2600 * KB, CLEAT__DAG_TOLD_MAX);
}

static void test_errors_have_the_same_room(void **state)
{
    dag_rig *at = *state;
    add_task(at, "a", "");
    add_task(at, "mend", "")->is_on_failure = true;
    start(at, object_of(3 * MB));
    fail_task(at, "a", object_of(2 * MB));
    assert_string_equal(last.name, "mend");
    assert_int_equal(last.errors_size, 2);
}

static void open_again(dag_rig *at)
{
    crash(&at->core);
    open_core(&at->core);
    hire_with(at, measure);
    step(&at->core, NULL, 0);
}

static void test_after_a_restart_the_same_are_left_out(void **state)
{
    dag_rig *at = *state;
    add_task(at, "a", "");
    add_task(at, "b", "");
    add_task(at, "c", "");
    add_task(at, "d", "a b c");
    start(at, "{}");
    complete(at, "a", object_of(3 * MB));
    complete(at, "b", object_of(2 * MB));
    open_again(at);
    complete(at, "c", object_of(1 * MB));
    assert_string_equal(last.name, "d");
    assert_string_equal(last.parents, "bc");
}

/* What came first is kept, also where the one behind it came after a restart. */
static void test_what_came_before_a_restart_counts(void **state)
{
    dag_rig *at = *state;
    const cleat__step_condition waits[] = {of_event(CLEAT__STEP_QUEUE, "x"), of_event(CLEAT__STEP_QUEUE, "y"),
                                           of_event(CLEAT__STEP_QUEUE, "z")};
    set_conditions(add_task(at, "a", ""), waits, 3);
    start(at, "{}");
    push(at, "y", object_of(2500 * KB));
    open_again(at);
    push(at, "x", object_of(2 * MB));
    push(at, "z", "{}");
    assert_string_equal(last.name, "a");
    assert_string_equal(last.triggers, "yz");
}

/* ---- How much is read ---- */

enum { PAGES = 2 * MB / 4096 }; /* of an output */

static int count_pages(const dag_rig *at)
{
    int hits = 0, misses = 0, high;
    sqlite3 *db = cleat__store_db(at->core.core->store);
    assert_int_equal(sqlite3_db_status(db, SQLITE_DBSTATUS_CACHE_HIT, &hits, &high, 1), SQLITE_OK);
    assert_int_equal(sqlite3_db_status(db, SQLITE_DBSTATUS_CACHE_MISS, &misses, &high, 1), SQLITE_OK);
    return hits + misses;
}

static void test_what_is_left_out_is_not_read(void **state)
{
    dag_rig *at = *state;
    const char *const names[] = {"a", "b", "c", "d", "e"};
    for (size_t i = 0; i < 5; i++) {
        add_task(at, names[i], "");
    }
    add_task(at, "f", "");
    add_task(at, "g", "a b c d e f");
    start(at, "{}");
    for (size_t i = 0; i < 5; i++) {
        complete(at, names[i], object_of(2 * MB + 100 * KB));
    }
    count_pages(at);
    complete(at, "f", "{}");
    assert_string_equal(last.parents, "af");
    assert_in_range(count_pages(at), PAGES, 10 * PAGES); /* the search for a row reads some others */
    complete(at, "g", "{}");
    assert_in_range(count_pages(at), PAGES, 13 * PAGES);
}

/* What events have brought a task is kept until it has all of them. */
static void test_no_more_is_kept_than_can_be_told(void **state)
{
    dag_rig *at = *state;
    static const char *const keys[] = {"p", "q", "r", "s"};
    cleat__step_condition waits[5];
    for (size_t i = 0; i < 4; i++) {
        waits[i] = of_event(CLEAT__STEP_QUEUE, keys[i]);
    }
    waits[4] = of_event(CLEAT__STEP_QUEUE, "last");
    set_conditions(add_task(at, "a", ""), waits, 5);
    start(at, "{}");
    for (size_t i = 0; i < 4; i++) {
        push(at, keys[i], object_of(1500 * KB));
    }
    assert_string_equal(query("SELECT sum(length(data)) FROM durable_condition WHERE run_id = ?1", &at->run),
                        "3000000");
    push(at, "last", "{}");
    assert_string_equal(last.name, "a");
    assert_string_equal(last.triggers, "pq");
    assert_in_range(last.triggers_size, 3000 * KB,
                    3001 * KB); /* with the last one, whose name has four letters */
}

/* ---- After a restart ---- */

static void add_large(dag_rig *at, const char *parents_of_last)
{
    static const cleat__step_condition wait = {
        .action = CLEAT__STEP_QUEUE,
        .of = {.kind = CLEAT__CONDITION_EVENT, .data_key = {"go", 2}, .key = {"go", 2}}};
    const char *const names[] = {"a", "b", "c", "d", "e"};
    for (size_t i = 0; i < 5; i++) {
        add_task(at, names[i], "");
    }
    add_task(at, "f", "");
    set_conditions(add_task(at, "g", parents_of_last), &wait, 1);
    start(at, "{}");
    for (size_t i = 0; i < 5; i++) {
        complete(at, names[i], object_of(2 * MB + 100 * KB));
    }
}

static void test_what_has_ended_is_not_read_after_a_restart(void **state)
{
    dag_rig *at = *state;
    add_large(at, "a b c d e");
    crash(&at->core);
    open_core(&at->core);
    assert_in_range(count_pages(at), 1, 4 * PAGES); /* the search for the first row reads some others */
    hire_with(at, measure);
    step(&at->core, NULL, 0);
    push(at, "go", "{}");
    assert_string_equal(last.parents, "a");
    complete(at, "g", "{}");
    complete(at, "f", "{}");
    assert_memory_equal(run_of(at), "COMPLETED {\"a\":{", 16);
}

static void test_of_a_run_whose_tasks_all_live_nothing_is_read(void **state)
{
    dag_rig *at = *state;
    add_large(at, "a b c d e");
    complete(at, "f", "{}");
    push(at, "go", "{}");
    complete(at, "g", "{}");
    at->run = trigger_workflow(at, "{}", NULL);
    crash(&at->core);
    open_core(&at->core);
    assert_in_range(count_pages(at), 1, PAGES / 2);
}

/* One that was not skipped is enough to know that what is behind them is not. */
static void test_a_held_task_has_one_of_its_parents_read(void **state)
{
    dag_rig *at = *state;
    add_large(at, "a b c d e f");
    crash(&at->core);
    open_core(&at->core);
    assert_in_range(count_pages(at), PAGES, 7 * PAGES);
    hire_with(at, measure);
    step(&at->core, NULL, 0);
    complete(at, "f", "{}");
    push(at, "go", "{}");
    assert_string_equal(last.parents, "af");
}

static void test_many_are_told_after_a_restart(void **state)
{
    dag_rig *at = *state;
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"};
    const cleat__step_condition wait = of_event(CLEAT__STEP_QUEUE, "go");
    for (size_t i = 0; i < 10; i++) {
        add_task(at, names[i], "");
    }
    set_conditions(add_task(at, "k", "a b c d e f g h i j"), &wait, 1);
    start(at, "{}");
    for (size_t i = 0; i < 10; i++) {
        complete(at, names[i], i == 4 ? "7" : "{}"); /* what is no object is not passed on */
    }
    open_again(at);
    push(at, "go", "{}");
    assert_string_equal(last.name, "k");
    assert_string_equal(last.parents, "abcdfghij");
    open_again(at);
    complete(at, "k", "{\"n\":1}");
    assert_string_equal(run_of(at),
                        "COMPLETED {\"a\":{},\"b\":{},\"c\":{},\"d\":{},\"e\":7,\"f\":{},\"g\":{},"
                        "\"h\":{},\"i\":{},\"j\":{},\"k\":{\"n\":1}}");
}

static void test_errors_are_told_after_a_restart(void **state)
{
    dag_rig *at = *state;
    add_task(at, "a", "");
    add_task(at, "mend", "")->is_on_failure = true;
    start(at, "{}");
    fail_task(at, "a", object_of(500 * KB));
    assert_string_equal(last.name, "mend");
    size_t size = last.errors_size;
    assert_in_range(size, 500 * KB, 501 * KB);
    crash(&at->core);
    open_core(&at->core);
    step(&at->core, NULL, 0); /* its worker is gone, and it is given to the next one */
    hire_with(at, measure);
    step(&at->core, NULL, 0);
    advance(&at->core, 60000);
    assert_string_equal(last.name, "mend");
    assert_int_equal(last.errors_size, size);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_dag, close_dag)
    const struct CMUnitTest tests[] = {
        TEST(test_the_largest_are_left_out),
        TEST(test_what_the_run_was_started_with_counts),
        TEST(test_as_much_as_there_is_room_for_is_told),
        TEST(test_what_conditions_have_brought_comes_before_parents),
        TEST(test_errors_have_the_same_room),
        TEST(test_after_a_restart_the_same_are_left_out),
        TEST(test_what_came_before_a_restart_counts),
        TEST(test_what_is_left_out_is_not_read),
        TEST(test_no_more_is_kept_than_can_be_told),
        TEST(test_what_has_ended_is_not_read_after_a_restart),
        TEST(test_of_a_run_whose_tasks_all_live_nothing_is_read),
        TEST(test_a_held_task_has_one_of_its_parents_read),
        TEST(test_many_are_told_after_a_restart),
        TEST(test_errors_are_told_after_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
