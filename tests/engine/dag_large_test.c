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
    crash(&at->core);
    open_core(&at->core);
    hire_with(at, measure);
    step(&at->core, NULL, 0);
    complete(at, "c", object_of(1 * MB));
    assert_string_equal(last.name, "d");
    assert_string_equal(last.parents, "bc");
}

/* ---- How much is read ---- */

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
    enum { PAGES = 2 * MB / 4096 }; /* of an output */
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
        TEST(test_what_is_left_out_is_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
