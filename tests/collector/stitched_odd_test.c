/* Forests of what peers may send and disks may say, of spans that are drawn elsewhere, and of large traces. */
#include "forest.h"

/* ---- What peers may send ---- */

static void test_cycles_and_orphans_are_roots(void **state)
{
    fixture *f = *state;
    add(f, (made){.trace = 1, .id = 1, .parent = 1, .name = "own", .from = 1, .to = 9});
    add(f, (made){.trace = 1, .id = 2, .parent = 3, .name = "two", .from = 2, .to = 9});
    add(f, (made){.trace = 1, .id = 3, .parent = 2, .name = "three", .from = 3, .to = 9});
    add(f, (made){.trace = 1, .id = 4, .parent = 99, .name = "orphan", .from = 4, .to = 9});
    add(f, (made){.trace = 1, .id = 5, .parent = 3, .name = "below", .run = 1, .from = 5, .to = 9});
    end_adding(f);
    assert_int_equal(load_trace(f, ONE, 1, 0, 0), CLEAT_OK);
    assert_int_equal(f->forest.span_count, 5);
    assert_int_equal(f->forest.orphan_count, 3);
    assert_int_equal(find(f, "below")->parent, find(f, "three") - f->forest.spans);
    assert_int_equal(load_trace(f, ONE, 1, 0, 2), CLEAT_OK);
    assert_int_equal(f->forest.span_count, 2);
    add_run(f, ONE, 1, 0);
    assert_int_equal(load_run(f, ONE, 1, 0), CLEAT_OK);
    assert_int_equal(f->forest.span_count, find(f, "below")->depth + 1);
}

/* The same id in another trace is another span; the same in one trace is the one that came first. */
static void test_ids_that_are_not_unique(void **state)
{
    fixture *f = *state;
    add(f, (made){.trace = 1, .id = 1, .name = "first", .from = 1, .to = 9});
    add(f, (made){.trace = 1, .id = 1, .name = "again", .from = 1, .to = 9});
    add(f, (made){.trace = 1,
                  .id = 2,
                  .parent = 1,
                  .name = "child",
                  .from = 2,
                  .to = 9,
                  .link_trace = 2,
                  .link_id = 1});
    add(f, (made){.trace = 2, .id = 1, .name = "other", .from = 3, .to = 9});
    add(f, (made){.trace = 2, .id = 2, .parent = 1, .name = "its child", .from = 4, .to = 9});
    end_adding(f);
    assert_int_equal(load_trace(f, ONE, 1, 1, 0), CLEAT_OK);
    assert_string_equal(draw(f), "[first(child)][other(its child)]");
    assert_int_equal(f->forest.links[0].to, find(f, "other") - f->forest.spans);
    /* As it could only be in a file that somebody has tampered with. */
    run_sql(f,
            "DROP INDEX span_by_id; UPDATE span SET span_id = (SELECT span_id FROM span WHERE name = 'first')"
            " WHERE name = 'child'");
    assert_int_equal(load_trace(f, ONE, 1, 0, 0), CLEAT_OK);
    assert_int_equal(f->forest.span_count, 2);
}

static void test_records_that_cannot_be_read(void **state)
{
    fixture *f = *state;
    add(f, (made){.trace = 1, .id = 1, .name = "root", .from = 1, .to = 9});
    add(f, (made){.trace = 1,
                  .id = 2,
                  .parent = 1,
                  .name = "middle",
                  .from = 2,
                  .to = 8,
                  .link_trace = 1,
                  .link_id = 1});
    add(f, (made){.trace = 1, .id = 3, .parent = 2, .name = "leaf", .from = 3, .to = 7});
    end_adding(f);
    run_sql(f, "UPDATE span SET record = x'ffffff', kind = 99, status = -1 WHERE name = 'middle'");
    assert_int_equal(load_trace(f, ONE, 1, 0, 0), CLEAT_OK);
    assert_string_equal(draw(f), "[root(middle(leaf))]");
    assert_int_equal(find(f, "middle")->view.record.size, 0);
    assert_int_equal(find(f, "middle")->view.end_time_ns, 8);
    assert_int_equal(find(f, "middle")->view.kind, CLEAT_SPAN_KIND_DEFAULT);
    assert_int_equal(f->forest.link_count, 0);
    run_sql(f, "UPDATE span SET record = NULL WHERE 0; UPDATE span SET source = 12345 WHERE name = 'leaf'");
    assert_int_equal(load_trace(f, ONE, 1, 0, 0), CLEAT_OK);
    assert_int_equal(find(f, "leaf")->service, -1);
}

/* A record that says other ids than its row: the row counts. */
static void test_record_of_another_span(void **state)
{
    fixture *f = *state;
    add(f, (made){.trace = 1, .id = 1, .name = "root", .from = 1, .to = 9});
    add(f, (made){.trace = 1, .id = 2, .parent = 1, .name = "child", .from = 2, .to = 8});
    end_adding(f);
    run_sql(f, "UPDATE span SET record = (SELECT record FROM span WHERE name = 'root')");
    assert_int_equal(load_trace(f, ONE, 1, 0, 0), CLEAT_OK);
    assert_string_equal(draw(f), "[root(root)]");
    assert_memory_equal(f->forest.spans[1].view.span_id.bytes, span_id(2).bytes, 8);
    assert_int_equal(f->forest.spans[1].view.start_time_ns, 2);
}

static void test_tenants_with_the_same_trace_id(void **state)
{
    fixture *f = *state;
    add(f, (made){.trace = 1, .id = 1, .name = "one", .run = 1, .from = 1, .to = 9});
    add(f, (made){.tenant = TWO, .trace = 1, .id = 1, .name = "two", .run = 1, .from = 1, .to = 9});
    add(f, (made){.tenant = TWO,
                  .trace = 2,
                  .id = 1,
                  .name = "asks",
                  .from = 1,
                  .to = 9,
                  .link_trace = 1,
                  .link_id = 1});
    end_adding(f);
    add_run(f, ONE, 1, 0);
    add_run(f, TWO, 2, 1); /* a child of another tenant's */
    assert_int_equal(load_trace(f, ONE, 1, 5, 0), CLEAT_OK);
    assert_string_equal(draw(f), "[one]");
    assert_int_equal(f->forest.spans[0].back_links, 0);
    assert_int_equal(f->forest.linked_from_total, 0);
    assert_int_equal(f->forest.run_count, 1);
    assert_int_equal(load_trace(f, TWO, 1, 5, 0), CLEAT_OK);
    assert_string_equal(draw(f), "[two][asks]");
    assert_int_equal(f->forest.spans[0].back_links, 1);
    assert_int_equal(f->forest.run_count, 0);
    assert_int_equal(load_run(f, ONE, 1, 0), CLEAT_OK);
    assert_string_equal(draw(f), "[one]");
    assert_int_equal(f->forest.run_count, 1);
    assert_int_equal(load_trace(f, 3, 1, 0, 0), CLEAT_NOT_FOUND);
}

/* Records of megabytes: those beyond the bound are told by their columns, and names are cut. */
static void test_records_that_are_too_large(void **state)
{
    fixture *f = *state;
    for (int i = 1; i <= 5; i++) {
        add(f,
            (made){.trace = 1, .id = i, .name = "large", .from = i, .to = 9, .link_trace = 1, .link_id = 1});
    }
    end_adding(f);
    run_sql(f, "UPDATE span SET name = replace(hex(zeroblob(4000)), '0', 'ä');"
               " UPDATE trace SET root_name = replace(hex(zeroblob(4000)), '0', 'ä')");
    /* A field that no reader knows, of nine megabytes. */
    run_sql(f, "UPDATE span SET record = CAST(x'a20680d1a504' || zeroblob(9005184) || record AS BLOB)");
    assert_int_equal(load_trace(f, ONE, 1, 0, 10), CLEAT_OK);
    assert_int_equal(f->forest.span_count, 5);
    assert_int_equal(f->forest.link_count, 3);
    assert_false(f->forest.is_complete);
    assert_true(cleat_slice_equals(f->forest.spans[2].view.name, cleat_slice_of("large")));
    assert_int_equal(f->forest.spans[4].view.name.size, 1024);
    assert_int_equal(f->forest.spans[4].view.start_time_ns, 5);
    assert_int_equal(f->forest.traces[0].name.size, 1024);
}

/* Clocks that differ: children before their parents, ends before starts, times before 1970. */
static void test_clocks_that_differ(void **state)
{
    fixture *f = *state;
    add(f, (made){.trace = 1, .id = 1, .name = "root", .from = 100, .to = 200});
    add(f, (made){.trace = 1, .id = 2, .parent = 1, .name = "before", .from = 10, .to = 20});
    add(f, (made){.trace = 1, .id = 3, .parent = 1, .name = "backwards", .from = 150, .to = 140});
    add(f, (made){.trace = 1, .id = 4, .parent = 1, .name = "negative", .from = INT64_MIN, .to = INT64_MAX});
    end_adding(f);
    assert_int_equal(load_trace(f, ONE, 1, 0, 0), CLEAT_OK);
    assert_string_equal(draw(f), "[root(negative before backwards)]");
    assert_int_equal(find(f, "backwards")->view.end_time_ns, 150);
    assert_int_equal(find(f, "negative")->view.start_time_ns, 0);
    assert_int_equal(find(f, "root")->start_ns, 0);
    assert_int_equal(f->forest.end_ns, INT64_MAX);
}

/* ---- Sums, and what is drawn below what ---- */

static void test_sums(void **state)
{
    fixture *f = *state;
    add_family(f);
    run_sql(f, "UPDATE span SET record = x'ff', status = 2 WHERE name = 'inside'");
    assert_int_equal(load_run(f, ONE, 1, 0), CLEAT_OK);
    const cleat__stitched_span *caller = find(f, "caller");
    assert_int_equal(caller->span_count, 3);
    assert_int_equal(caller->error_count, 1);
    assert_int_equal(find(f, "one")->end_ns, 300);
    assert_int_equal(find(f, "three")->span_count, 2);
    assert_int_equal(f->forest.error_count, 1);
    assert_int_equal(cleat__stitched_skip(&f->forest, 0), 3);
}

/* Each wait of the engine's below the execution of its attempt, when both have the same parent. */
static void test_waits_are_below_their_execution(void **state)
{
    fixture *f = *state;
    add(f, (made){.trace = 1, .id = 1, .name = "root", .from = 1, .to = 9});
    add(f, (made){.trace = 1,
                  .id = 2,
                  .parent = 1,
                  .task = 7,
                  .by = "engine",
                  .name = "queued",
                  .from = 2,
                  .to = 3});
    add(f, (made){.trace = 1,
                  .id = 3,
                  .parent = 1,
                  .task = 7,
                  .name = "hatchet.start_step_run",
                  .from = 3,
                  .to = 9});
    add(f, (made){.trace = 1,
                  .id = 4,
                  .parent = 1,
                  .task = 8,
                  .by = "engine",
                  .name = "of none",
                  .from = 4,
                  .to = 5});
    add(f, (made){.trace = 1,
                  .id = 5,
                  .parent = 3,
                  .task = 7,
                  .by = "engine",
                  .name = "deeper",
                  .from = 5,
                  .to = 6});
    add(f, (made){.trace = 1, .id = 6, .parent = 1, .task = 7, .name = "the program's", .from = 6, .to = 7});
    end_adding(f);
    assert_int_equal(load_trace(f, ONE, 1, 0, 0), CLEAT_OK);
    assert_string_equal(draw(f), "[root(hatchet.start_step_run(queued deeper) of none the program's)]");
}

/* A durable run is executed once for each time that it is woken: each wait is with the execution that it was before. */
static void test_waits_of_several_invocations(void **state)
{
    fixture *f = *state;
    static const char *const executions[] = {"workflow.execute 1", "workflow.execute 2",
                                             "workflow.execute 3"};
    static const char *const waits[] = {"wait 1", "wait 2", "wait 3"};
    add(f, (made){.trace = 1, .id = 1, .name = "root", .from = 1, .to = 99});
    for (int i = 0; i < 3; i++) {
        add(f, (made){.trace = 1,
                      .id = 20 + i,
                      .parent = 1,
                      .task = 7,
                      .name = executions[i],
                      .from = 10 * i + 15,
                      .to = 10 * i + 19});
        add(f, (made){.trace = 1,
                      .id = 10 + i,
                      .parent = 1,
                      .task = 7,
                      .by = "engine",
                      .name = waits[i],
                      .from = 10 * i + 10,
                      .to = 10 * i + 15});
    }
    add(f, (made){.trace = 1,
                  .id = 30,
                  .parent = 1,
                  .task = 7,
                  .by = "engine",
                  .name = "too late",
                  .from = 90,
                  .to = 91});
    end_adding(f);
    assert_int_equal(load_trace(f, ONE, 1, 0, 0), CLEAT_OK);
    assert_string_equal(draw(f), "[root(workflow.execute 1(wait 1) workflow.execute 2(wait 2)"
                                 " workflow.execute 3(wait 3 too late))]");
}

/* ---- Sizes ---- */

/* One run among 100,000 spans of others, of which no record is read. */
static void test_small_run_in_a_large_trace(void **state)
{
    fixture *f = *state;
    add_family(f);
    run_sql(f,
            "WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 100100)"
            " INSERT INTO span (trace, span_id, parent_span_id, name, source, kind, status, start_ns, end_ns,"
            " size, record) SELECT 1, id(i, 8), id(i - iif(i > 100, 1, 98), 8),"
            " 'many', 1, 1, 0, i, i, 0, x'ff' FROM n");
    assert_int_equal(load_run(f, ONE, 2, 0), CLEAT_OK);
    assert_string_equal(draw(f), "[two][three(below)]");
    assert_int_equal(load_run(f, ONE, 1, 0), CLEAT_OK);
    assert_string_equal(draw(f), "[caller(one(inside))][two][three(below)]");
    /* A way down as long as that is no deeper stack. */
    assert_int_equal(load_trace(f, ONE, 1, 0, 0), CLEAT_OK);
    assert_int_equal(f->forest.span_count, CLEAT__STITCHED_LIMIT);
    assert_int_equal(f->forest.total_spans, 100006);
    assert_int_equal(load_run(f, ONE, 4, 0), CLEAT_OK);
    assert_string_equal(draw(f), "[caller(other(four))]");
}

/* Of a trace with more spans than are looked at, the run's own and the way up. */
static void test_trace_that_is_too_large(void **state)
{
    fixture *f = *state;
    add_family(f);
    run_sql(f, "UPDATE trace SET span_count = 1000000 WHERE root_name = 'caller'");
    assert_int_equal(load_run(f, ONE, 1, 0), CLEAT_OK);
    assert_string_equal(draw(f), "[caller(one)][two][three(below)]");
    assert_false(f->forest.is_complete);
    assert_int_equal(load_trace(f, ONE, 1, 0, 0), CLEAT_OK);
    assert_int_equal(f->forest.span_count, 5);
    assert_int_equal(f->forest.total_spans, 1000000);
    assert_false(f->forest.is_complete);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_cycles_and_orphans_are_roots),
        TEST(test_ids_that_are_not_unique),
        TEST(test_records_that_cannot_be_read),
        TEST(test_record_of_another_span),
        TEST(test_tenants_with_the_same_trace_id),
        TEST(test_records_that_are_too_large),
        TEST(test_clocks_that_differ),
        TEST(test_sums),
        TEST(test_waits_are_below_their_execution),
        TEST(test_waits_of_several_invocations),
        TEST(test_small_run_in_a_large_trace),
        TEST(test_trace_that_is_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
