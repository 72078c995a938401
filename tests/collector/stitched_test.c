/* Forests of spans: of runs and of traces, with links, and cut. */
#include "forest.h"

/* ---- Runs ---- */

static void test_run_with_all_below_it(void **state)
{
    fixture *f = *state;
    add_family(f);
    assert_int_equal(load_run(f, ONE, 1, 0), CLEAT_OK);
    assert_string_equal(draw(f), "[caller(one(inside))][two][three(below)]");
    assert_int_equal(f->forest.run_count, 3);
    assert_int_equal(f->forest.total_spans, 6);
    assert_int_equal(f->forest.total_traces, 3);
    assert_int_equal(f->forest.traces[0].span_count, 5);
    assert_int_equal(f->forest.traces[0].belonging, 3);
    assert_int_equal(f->forest.start_ns, 1);
    assert_int_equal(f->forest.end_ns, 9000);
    assert_true(f->forest.is_complete);
}

/* Times of the engine are whole milliseconds. */
static void test_what_begins_together(void **state)
{
    fixture *f = *state;
    add_run(f, ONE, 1, 0);
    add_run(f, ONE, 2, 1);
    add(f, (made){.trace = 2, .id = 1, .run = 2, .from = 1000, .to = 2000, .name = "child"});
    add(f, (made){.trace = 1, .id = 1, .run = 1, .from = 1000, .to = 3000, .name = "parent"});
    end_adding(f);
    assert_int_equal(load_run(f, ONE, 1, 0), CLEAT_OK);
    assert_string_equal(draw(f), "[parent][child]");
}

static void test_runs_of_the_spans(void **state)
{
    fixture *f = *state;
    add_family(f);
    assert_int_equal(load_run(f, ONE, 2, 0), CLEAT_OK);
    assert_string_equal(draw(f), "[two][three(below)]");
    const cleat__stitched_run *runs = f->forest.runs;
    assert_int_equal(runs[0].parent, -1); /* its own parent is not in the picture */
    assert_int_equal(runs[1].parent, 0);
    assert_true(cleat_slice_equals(runs[1].workflow, cleat_slice_of("archive")));
    assert_true(cleat_slice_equals(runs[1].task, cleat_slice_of("pack")));
    assert_int_equal(runs[1].status, CLEAT_RUN_COMPLETED);
    assert_int_equal(runs[1].created_at_ms, 1003);
    assert_int_equal(runs[1].started_at_ms, 2000);
    assert_int_equal(runs[1].finished_at_ms, 3000);
    assert_int_equal(find(f, "three")->run, 1);
    assert_int_equal(find(f, "below")->run, -1);
    assert_int_equal(f->forest.traces[1].run, 1);
}

static void test_run_without_spans_or_of_nobody(void **state)
{
    fixture *f = *state;
    add_run(f, ONE, 1, 0);
    assert_int_equal(load_run(f, ONE, 1, 0), CLEAT_OK);
    assert_int_equal(f->forest.run_count, 1);
    assert_int_equal(f->forest.span_count, 0);
    assert_int_equal(f->forest.total_spans, 0);
    assert_int_equal(load_run(f, ONE, 7, 0), CLEAT_NOT_FOUND);
    assert_int_equal(load_run(f, TWO, 1, 0), CLEAT_NOT_FOUND);
}

/* As no engine would store it: each the other's parent. */
static void test_runs_that_are_their_own_ancestors(void **state)
{
    fixture *f = *state;
    add_run(f, ONE, 1, 2);
    add_run(f, ONE, 2, 1);
    add_run(f, ONE, 3, 3);
    add(f, (made){.trace = 1, .id = 1, .name = "one", .run = 1, .from = 1, .to = 2});
    add(f, (made){.trace = 1, .id = 2, .name = "two", .run = 2, .from = 2, .to = 3});
    add(f, (made){.trace = 1, .id = 3, .name = "three", .run = 3, .from = 3, .to = 3});
    end_adding(f);
    assert_int_equal(load_run(f, ONE, 1, 0), CLEAT_OK);
    assert_string_equal(draw(f), "[one two]");
    assert_int_equal(f->forest.run_count, 2);
    assert_int_equal(load_run(f, ONE, 3, 0), CLEAT_OK);
    assert_string_equal(draw(f), "[three]");
}

static void test_runs_are_bounded(void **state)
{
    fixture *f = *state;
    add_run(f, ONE, 1, 0);
    run_sql(f, "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 10001)"
               " INSERT INTO task (id, type_id, priority, created_at_ms, parent_id, child_index, input)"
               " SELECT id(i, 16), 1, 1, 0, id(1, 16), i, '{}' FROM n");
    add(f, (made){.trace = 1, .id = 1, .name = "the last", .run = 10001, .from = 1, .to = 2});
    add(f, (made){.trace = 1, .id = 2, .name = "one before", .run = 10000, .from = 1, .to = 2});
    end_adding(f);
    assert_int_equal(load_run(f, ONE, 1, 0), CLEAT_OK);
    assert_int_equal(f->forest.run_count, CLEAT__STITCHED_RUNS_MAX);
    assert_string_equal(draw(f), "[one before]");
    assert_false(f->forest.is_complete);
    run_sql(f, "DELETE FROM task WHERE created_at_ms = 0 AND child_index = 10001");
    assert_int_equal(load_run(f, ONE, 1, 0), CLEAT_OK);
    assert_true(f->forest.is_complete);
}

/* ---- Limits ---- */

static void test_first_by_start_with_their_parents(void **state)
{
    fixture *f = *state;
    add(f, (made){.trace = 1, .id = 1, .name = "late root", .from = 90, .to = 99});
    add(f, (made){.trace = 1, .id = 2, .parent = 1, .name = "middle", .from = 80, .to = 99});
    add(f, (made){.trace = 1, .id = 3, .parent = 2, .name = "early", .from = 1, .to = 5});
    add(f, (made){.trace = 1, .id = 4, .parent = 1, .name = "next", .from = 2, .to = 5});
    end_adding(f);
    assert_int_equal(load_trace(f, ONE, 1, 0, 3), CLEAT_OK);
    assert_string_equal(draw(f), "[late root(middle(early))]");
    assert_int_equal(f->forest.total_spans, 4);
    assert_true(f->forest.is_complete);
    /* Of a way up that is too long, its upper end. */
    assert_int_equal(load_trace(f, ONE, 1, 0, 2), CLEAT_OK);
    assert_string_equal(draw(f), "[late root(middle)]");
    assert_int_equal(load_trace(f, ONE, 1, 0, 4), CLEAT_OK);
    assert_string_equal(draw(f), "[late root(next middle(early))]");
}

static void test_traces_left_out_are_counted(void **state)
{
    fixture *f = *state;
    add_family(f);
    assert_int_equal(load_run(f, ONE, 1, 3), CLEAT_OK);
    assert_string_equal(draw(f), "[caller(one(inside))]");
    assert_int_equal(f->forest.total_traces, 3);
    assert_int_equal(f->forest.total_spans, 6);
    assert_int_equal(f->forest.end_ns, 9000);
}

/* The trace that was asked for comes first, though others began before it. */
static void test_limit_is_for_the_nearest(void **state)
{
    fixture *f = *state;
    add_family(f);
    assert_int_equal(load_trace(f, ONE, 3, 1, 2), CLEAT_OK);
    assert_string_equal(draw(f), "[three(below)]");
    assert_int_equal(f->forest.total_traces, 2);
}

/* ---- Links ---- */

static void test_follow_links_both_ways(void **state)
{
    fixture *f = *state;
    add_family(f);
    assert_int_equal(load_trace(f, ONE, 2, 0, 0), CLEAT_OK);
    assert_string_equal(draw(f), "[two]");
    assert_int_equal(load_trace(f, ONE, 2, 1, 0), CLEAT_OK);
    assert_string_equal(draw(f), "[caller(other(four) one(inside))][asker][two][three(below)]");
    assert_int_equal(f->forest.traces[2].distance, 0);
    assert_int_equal(f->forest.traces[3].distance, 1);
    assert_int_equal(load_trace(f, ONE, 1, 1, 0), CLEAT_OK);
    assert_string_equal(draw(f), "[caller(other(four) one(inside))][two]");
    assert_int_equal(load_trace(f, ONE, 1, 2, 0), CLEAT_OK);
    assert_string_equal(draw(f), "[caller(other(four) one(inside))][asker][two][three(below)]");
    assert_int_equal(f->forest.traces[1].distance, 2);
    cleat__uuid four = run_id(4); /* runs are known by the spans here */
    assert_true(cleat__uuid_equals(&f->forest.runs[find(f, "four")->run].id, &four));
}

static void test_links_inside_and_outside(void **state)
{
    fixture *f = *state;
    add_family(f);
    assert_int_equal(load_run(f, ONE, 2, 0), CLEAT_OK);
    const cleat__stitched *forest = &f->forest;
    assert_int_equal(forest->link_count, 2);
    assert_int_equal(forest->links[0].from, 0);
    assert_int_equal(forest->links[0].to, -1);
    assert_memory_equal(forest->links[0].to_trace_id.bytes, trace_id(1).bytes, 16);
    assert_memory_equal(forest->links[0].to_span_id.bytes, span_id(3).bytes, 8);
    assert_true(cleat_slice_equals(forest->links[0].kind, cleat_slice_of("spawn")));
    assert_int_equal(forest->links[1].from, 1);
    assert_int_equal(forest->links[1].to, 0);
    assert_int_equal(forest->spans[1].link_count, 1);
    assert_int_equal(forest->spans[1].first_link, 1);
    assert_int_equal(forest->spans[0].back_links, 2);
    assert_int_equal(forest->links_to_total, 1);
    assert_true(cleat_slice_equals(forest->links_to[0].name, cleat_slice_of("caller")));
    assert_int_equal(forest->links_to[0].count, 1);
    assert_int_equal(forest->linked_from_total, 1);
    assert_true(cleat_slice_equals(forest->linked_from[0].name, cleat_slice_of("asker")));
}

static void test_outside_is_told_by_the_most_links(void **state)
{
    fixture *f = *state;
    for (int i = 1; i <= 150; i++) {
        add(f,
            (made){
                .trace = 1, .id = i, .name = "here", .from = i, .to = i, .link_trace = i + 10, .link_id = 1});
    }
    add(f, (made){.trace = 1, .id = 200, .name = "here", .from = 1, .to = 1, .link_trace = 99, .link_id = 2});
    add(f,
        (made){.trace = 1, .id = 201, .name = "loop", .from = 1, .to = 1, .link_trace = 1, .link_id = 201});
    end_adding(f);
    assert_int_equal(load_trace(f, ONE, 1, 0, 0), CLEAT_OK);
    assert_int_equal(f->forest.links_to_total, 150);
    assert_int_equal(f->forest.links_to_count, CLEAT__STITCHED_OUTSIDE_MAX);
    assert_int_equal(f->forest.links_to[0].count, 2);
    assert_memory_equal(f->forest.links_to[0].trace_id.bytes, trace_id(99).bytes, 16);
    assert_null(f->forest.links_to[0].name.data); /* it is not stored */
    assert_int_equal(find(f, "loop")->back_links, 1);
    assert_int_equal(f->forest.linked_from_total, 0);
    /* A link to where nothing is leads nowhere. */
    assert_int_equal(load_trace(f, ONE, 1, 5, 0), CLEAT_OK);
    assert_int_equal(f->forest.trace_count, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_run_with_all_below_it),
        TEST(test_what_begins_together),
        TEST(test_runs_of_the_spans),
        TEST(test_run_without_spans_or_of_nobody),
        TEST(test_runs_that_are_their_own_ancestors),
        TEST(test_runs_are_bounded),
        TEST(test_first_by_start_with_their_parents),
        TEST(test_traces_left_out_are_counted),
        TEST(test_limit_is_for_the_nearest),
        TEST(test_follow_links_both_ways),
        TEST(test_links_inside_and_outside),
        TEST(test_outside_is_told_by_the_most_links),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
