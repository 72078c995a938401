/* Runs that are chosen by filters: how many filters wait, and which nobody waits for. */
#include "base/base_test.h"

#include "base/clock.h"
#include "base/error.h"
#include "engine/run_batch.h"
#include "server/run_selector.h"
#include "store/store.h"
#include "support/gate.h"
#include "support/temp_dir.h"

enum { MOST = 64, LIMIT = 10 };

typedef struct fixture {
    temp_dir dir;
    cleat__run_selector *selector;
    Cleat__V1__TasksFilter filter;
    Cleat__Google__Protobuf__Timestamp since;
} fixture;

typedef struct choice {
    cleat__run_selection selection; /* first */
    atomic_bool is_over;
    gate done, goes_on;
    cleat_status status;
} choice;

static void start(fixture *f)
{
    cleat__store *store = NULL;
    temp_dir_make(&f->dir);
    assert_int_equal(cleat__store_open(f->dir.database, CLEAT__STORE_WRITE_UNSYNCED, &store), CLEAT_OK);
    cleat__store_close(store);
    assert_int_equal(cleat__run_selector_start(f->dir.database, &f->selector), CLEAT_OK);
    cleat__v1__tasks_filter__init(&f->filter);
    cleat__google__protobuf__timestamp__init(&f->since);
    f->filter.since = &f->since;
}

static void stop(fixture *f)
{
    cleat__run_selector_free(f->selector);
    temp_dir_remove(&f->dir);
}

static void on_done(void *argument, cleat_status status)
{
    choice *it = argument;
    it->status = status;
    gate_add(&it->done);
    gate_wait(&it->goes_on, 1);
}

static void choice_init(choice *it, const fixture *f)
{
    gate_init(&it->done);
    gate_init(&it->goes_on);
    atomic_init(&it->is_over, false);
    assert_int_equal(cleat__run_selection_init(&it->selection, 1, &f->filter, LIMIT), CLEAT_OK);
    it->selection.is_over = &it->is_over;
    it->selection.deadline_ns = INT64_MAX;
    it->selection.done = on_done;
    it->selection.argument = it;
}

static cleat_status choice_end(choice *it)
{
    gate_add(&it->goes_on);
    gate_wait(&it->done, 1);
    cleat__run_selection_deinit(&it->selection);
    return it->status;
}

static void test_what_nobody_waits_for_is_given_up(void **state)
{
    fixture f;
    choice waits, is_left, is_late;
    (void)state;
    start(&f);
    choice_init(&waits, &f);
    choice_init(&is_left, &f);
    choice_init(&is_late, &f);
    atomic_store(&is_left.is_over, true);
    is_late.selection.deadline_ns = cleat__clock_monotonic_ns(NULL) - 1;
    assert_int_equal(cleat__run_selector_add(f.selector, &waits.selection), CLEAT_OK);
    assert_int_equal(choice_end(&waits), CLEAT_OK);
    assert_int_equal(cleat__run_selector_add(f.selector, &is_left.selection), CLEAT_OK);
    assert_int_equal(choice_end(&is_left), CLEAT_CANCELLED);
    assert_int_equal(cleat__run_selector_add(f.selector, &is_late.selection), CLEAT_OK);
    assert_int_equal(choice_end(&is_late), CLEAT_CANCELLED);
    stop(&f);
}

/* As many as a filter may choose of each kind. */
static void test_the_limits_of_filters(void **state)
{
    (void)state;
    assert_int_equal(cleat__run_batch_max(CLEAT__COMMAND_CANCEL), 20000);
    assert_int_equal(cleat__run_batch_max(CLEAT__COMMAND_REPLAY), 1000);
}

enum { RUNS = 25 };

static void add_runs(const fixture *f, cleat__uuid *ids)
{
    cleat__trigger triggers[RUNS];
    cleat__engine *engine = NULL;
    cleat__workflow_task task = {.name = cleat_slice_of("t"),
                                 .action = cleat_slice_of("t:t"),
                                 .policy = {.priority = 1,
                                            .execution_timeout_ms = CLEAT__NO_TIMEOUT,
                                            .schedule_timeout_ms = CLEAT__NO_TIMEOUT}};
    const cleat__workflow workflow = {.name = cleat_slice_of("t"), .tasks = &task, .task_count = 1};
    const cleat__engine_options options = {.path = f->dir.database};
    assert_int_equal(cleat__engine_open(&options, &engine), CLEAT_OK);
    assert_int_equal(cleat__engine_put_workflow(engine, 1, &workflow, NULL), CLEAT_OK);
    for (int i = 0; i < RUNS; i++) {
        triggers[i] = (cleat__trigger){.workflow = cleat_slice_of("t"), .child_index = -1};
    }
    assert_int_equal(cleat__engine_trigger(engine, 1, triggers, RUNS, ids), CLEAT_OK);
    cleat__engine_close(engine);
}

static void test_a_filter_chooses_the_newest_up_to_its_limit(void **state)
{
    fixture f;
    choice it;
    cleat__uuid ids[RUNS];
    (void)state;
    start(&f);
    add_runs(&f, ids);
    choice_init(&it, &f);
    assert_int_equal(cleat__run_selector_add(f.selector, &it.selection), CLEAT_OK);
    gate_add(&it.goes_on);
    gate_wait(&it.done, 1);
    assert_int_equal(it.status, CLEAT_OK);
    assert_int_equal(it.selection.ids.count, LIMIT);
    for (int i = 0; i < LIMIT; i++) {
        assert_true(cleat__uuid_equals(&it.selection.ids.items[i], &ids[RUNS - 1 - i]));
    }
    cleat__run_selection_deinit(&it.selection);
    stop(&f);
}

static void test_so_many_wait_and_no_more(void **state)
{
    fixture f;
    static choice all[MOST + 1];
    (void)state;
    start(&f);
    for (int i = 0; i <= MOST; i++) {
        choice_init(&all[i], &f);
    }
    for (int i = 0; i < MOST; i++) {
        assert_int_equal(cleat__run_selector_add(f.selector, &all[i].selection), CLEAT_OK);
    }
    assert_int_equal(cleat__run_selector_add(f.selector, &all[MOST].selection), CLEAT_RESOURCE_EXHAUSTED);
    for (int i = 0; i < MOST; i++) {
        assert_int_equal(choice_end(&all[i]), CLEAT_OK);
    }
    cleat__run_selection_deinit(&all[MOST].selection);
    stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_nobody_waits_for_is_given_up),
        cmocka_unit_test(test_the_limits_of_filters),
        cmocka_unit_test(test_a_filter_chooses_the_newest_up_to_its_limit),
        cmocka_unit_test(test_so_many_wait_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
