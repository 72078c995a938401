/* Forests of runs of several tasks: the run, its tasks, what these have started, and whose each span is. */
#include "forest.h"

enum { RUN = 1, FIRST = 11, LAST = 12, CHILD = 5 };

/* A task of the run, or with `task` of "etl" the run itself: it has the type that the tasks' types name. */
static void add_of_dag(fixture *f, int number, int type, const char *task, int dag)
{
    char sql[900];
    snprintf(sql, sizeof(sql),
             "INSERT OR IGNORE INTO tenant VALUES (1, randomblob(16), 'tenant', 0);"
             "INSERT OR IGNORE INTO workflow (id, tenant, name, uuid) VALUES (9, 1, 'etl', x'');"
             "INSERT INTO task_type (id, action, retries, priority, backoff_initial_ms, backoff_factor,"
             " backoff_max_ms, execution_timeout_ms, schedule_timeout_ms, workflow_id, tenant, task_name, "
             "dag_type)"
             " VALUES (%d, 'etl:%s', 0, 1, 0, 1, 0, 0, 0, 9, 1, '%s', iif(%d = 0, 0, 90));"
             "INSERT INTO task (id, type_id, priority, created_at_ms, dag_id, input) VALUES"
             " (id(%d, 16), %d, 1, 1000 + %d, iif(%d = 0, NULL, id(%d, 16)), '{}');"
             "INSERT INTO task_end (id, state, retry_count, started_at_ms, finished_at_ms)"
             " VALUES (id(%d, 16), 2, 0, 2000, 3000)",
             type, task, task, dag, number, type, number, dag, dag, number);
    run_sql(f, sql);
}

/* The first span of its trace, linked with the first one of another. */
static void add_linked(fixture *f, int link_trace, made span)
{
    span.id = span.link_id = 1;
    span.link_trace = link_trace;
    add(f, span);
}

/* A program calls the run. Each task is a trace of its own that is linked with the call, and the last one starts a run of
 * another workflow, linked with that task. */
static void add_graph(fixture *f)
{
    add_of_dag(f, RUN, 90, "etl", 0);
    add_of_dag(f, FIRST, 91, "first", RUN);
    add_of_dag(f, LAST, 92, "last", RUN);
    add_run(f, ONE, CHILD, LAST);
    add(f, (made){.trace = 1, .id = 1, .name = "call", .from = 1, .to = 9000});
    add_linked(f, 1, (made){.trace = 2, .name = "first", .run = RUN, .task = FIRST, .from = 100, .to = 200});
    add(f, (made){.trace = 2, .id = 2, .parent = 1, .name = "inside", .from = 110, .to = 120});
    add_linked(f, 1, (made){.trace = 3, .name = "last", .run = RUN, .task = LAST, .from = 300, .to = 500});
    add_linked(f, 3,
               (made){.trace = 4, .name = "child", .run = CHILD, .task = CHILD, .from = 400, .to = 450});
    end_adding(f);
}

static const cleat__stitched_run *run_of(const fixture *f, const char *span)
{
    int32_t index = find(f, span)->run;
    assert_true(index >= 0 && index < f->forest.run_count);
    return &f->forest.runs[index];
}

static void assert_run(const cleat__stitched_run *run, int number, const char *task)
{
    cleat__uuid id = run_id(number);
    assert_true(cleat__uuid_equals(&run->id, &id));
    assert_true(cleat_slice_equals(run->task, cleat_slice_of(task)));
}

static void test_a_run_has_the_spans_of_its_tasks(void **state)
{
    fixture *f = *state;
    add_graph(f);
    assert_int_equal(load_run(f, ONE, RUN, 0), CLEAT_OK);
    assert_string_equal(draw(f), "[first(inside)][last][child]");
    const cleat__stitched_run *runs = f->forest.runs;
    assert_int_equal(f->forest.run_count, 4);
    assert_run(&runs[0], RUN, "etl");
    assert_run(&runs[1], FIRST, "first");
    assert_run(&runs[2], LAST, "last");
    assert_run(&runs[3], CHILD, "pack");
    assert_int_equal(runs[0].parent, -1);
    assert_int_equal(runs[1].parent, 0);
    assert_int_equal(runs[2].parent, 0);
    assert_int_equal(runs[3].parent, 2);
    assert_run(run_of(f, "first"), FIRST, "first");
    assert_run(run_of(f, "last"), LAST, "last");
    assert_run(run_of(f, "child"), CHILD, "pack");
    assert_int_equal(f->forest.traces[0].run, 1);
    assert_int_equal(f->forest.traces[1].run, 2);
    assert_int_equal(f->forest.total_traces, 3);
    assert_int_equal(f->forest.linked_from_count, 0);
    assert_int_equal(f->forest.links_to_count, 1); /* the call */
    assert_int_equal(f->forest.links_to[0].count, 2);
    assert_true(f->forest.is_complete);
}

/* The call's trace, with those of the tasks over one link, and the child's over one more. */
static void test_a_trace_leads_to_the_tasks(void **state)
{
    fixture *f = *state;
    add_graph(f);
    assert_int_equal(load_trace(f, ONE, 1, 2, 0), CLEAT_OK);
    assert_string_equal(draw(f), "[call][first(inside)][last][child]");
    assert_run(run_of(f, "first"), FIRST, "first");
    assert_run(run_of(f, "last"), LAST, "last");
    assert_run(run_of(f, "child"), CHILD, "pack");
    const cleat__stitched_run *task = run_of(f, "last");
    assert_run(&f->forest.runs[task->parent], RUN, "etl");
    assert_int_equal(run_of(f, "child")->parent, task - f->forest.runs);
}

/* A peer may name any run as the task: it counts where it is one of the run. */
static void test_a_span_of_a_task_of_another_run(void **state)
{
    fixture *f = *state;
    add_graph(f);
    add_run(f, ONE, 2, 0);
    add(f, (made){.trace = 7, .id = 1, .name = "odd", .run = RUN, .task = 2, .from = 1, .to = 2});
    add(f, (made){.trace = 7, .id = 2, .name = "none", .run = RUN, .task = 99, .from = 3, .to = 4});
    end_adding(f);
    assert_int_equal(load_trace(f, ONE, 7, 0, 0), CLEAT_OK);
    assert_run(run_of(f, "odd"), RUN, "etl");
    assert_run(run_of(f, "none"), RUN, "etl");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_run_has_the_spans_of_its_tasks),
        TEST(test_a_trace_leads_to_the_tasks),
        TEST(test_a_span_of_a_task_of_another_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
