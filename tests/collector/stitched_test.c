/* Forests of spans: of runs and of traces, of what is well-formed, cut, and hostile. */
#include "recorder.h"

#include "collector/stitched.h"
#include "support/wire.h"

#include <stdlib.h>
#include <unistd.h>

enum { ONE = CLEAT__TENANT_DEFAULT, TWO = 2 };

typedef struct fixture {
    cleat__store *store;
    cleat__intake *intake;
    cleat__stitched forest;
    char text[2000]; /* the forest as drawn last */
} fixture;

/* id(number, size): as run_id() and span_id(). */
static void make_id(sqlite3_context *context, int count, sqlite3_value **values)
{
    uint8_t bytes[16];
    int size = sqlite3_value_int(values[1]) == 16 ? 16 : 8;
    (void)count;
    put_number((uint64_t)sqlite3_value_int64(values[0]), bytes, (size_t)size);
    sqlite3_result_blob(context, bytes, size, SQLITE_TRANSIENT);
}

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof(*f));
    f->store = open_store();
    assert_int_equal(
        sqlite3_create_function(cleat__store_db(f->store), "id", 2, SQLITE_UTF8, NULL, make_id, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(cleat__store_begin(f->store), CLEAT_OK); /* never committed, which is quicker */
    assert_int_equal(cleat__intake_new(&f->intake), CLEAT_OK);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    cleat__stitched_deinit(&f->forest);
    cleat__intake_free(f->intake);
    cleat__store_close(f->store);
    unlink("test.db");
    free(f);
    return 0;
}

/* ---- What is stored ---- */

static void run_sql(fixture *f, const char *sql)
{
    assert_int_equal(sqlite3_exec(cleat__store_db(f->store), sql, NULL, NULL, NULL), SQLITE_OK);
}

/* Ids that differ in their number only. */
static cleat_trace_id trace_id(int number)
{
    cleat_trace_id id;
    put_number((uint64_t)number, id.bytes, sizeof(id.bytes));
    id.bytes[0] = 0xab;
    return id;
}

static cleat_span_id span_id(int number)
{
    cleat_span_id id;
    put_number((uint64_t)number, id.bytes, sizeof(id.bytes));
    return id;
}

static cleat__uuid run_id(int number)
{
    cleat__uuid id;
    put_number((uint64_t)number, id.bytes, sizeof(id.bytes));
    return id;
}

typedef struct made {
    int trace, id, parent;    /* 0: no parent */
    int run, task;            /* hatchet.workflow_run_id, hatchet.step_run_id; 0: none */
    int link_trace, link_id;  /* 0: no link */
    int64_t tenant, from, to; /* 0: ONE */
    const char *name, *by;    /* `by`: hatchet.span_source */
} made;

static void add_uuid(cleat__buffer *record, const char *key, int number)
{
    char text[37];
    cleat__uuid id = run_id(number);
    cleat__uuid_format(&id, text);
    if (number != 0) {
        wire_attribute(record, 9, key, text);
    }
}

static void add(fixture *f, made what)
{
    cleat__buffer record = {0}, link = {0};
    const cleat_trace_id trace = trace_id(what.trace), linked_trace = trace_id(what.link_trace);
    const cleat_span_id id = span_id(what.id), parent = span_id(what.parent), linked = span_id(what.link_id);
    cleat_span_view view;
    wire_bytes(&record, 1, trace.bytes, 16);
    wire_bytes(&record, 2, id.bytes, 8);
    if (what.parent != 0) {
        wire_bytes(&record, 4, parent.bytes, 8);
    }
    wire_text(&record, 5, what.name);
    wire_fixed64(&record, 7, (uint64_t)what.from);
    wire_fixed64(&record, 8, (uint64_t)what.to);
    add_uuid(&record, "hatchet.workflow_run_id", what.run);
    add_uuid(&record, "hatchet.step_run_id", what.task);
    if (what.by != NULL) {
        wire_attribute(&record, 9, "hatchet.span_source", what.by);
    }
    if (what.link_id != 0) {
        wire_bytes(&link, 1, linked_trace.bytes, 16);
        wire_bytes(&link, 2, linked.bytes, 8);
        wire_attribute(&link, 4, "cleat.link.kind", "spawn");
        wire_message(&record, 13, &link);
    }
    assert_int_equal(cleat_span_view_read(cleat__buffer_slice(&record), &view), CLEAT_OK);
    int64_t tenant = what.tenant != 0 ? what.tenant : ONE;
    assert_int_equal(cleat__span_insert(f->store, f->intake, tenant, &view, &(bool){false}), CLEAT_OK);
    cleat__buffer_deinit(&record);
}

/* Rows of traces are written. */
static void end_adding(fixture *f)
{
    assert_int_equal(cleat__span_insert_end(f->store, f->intake), CLEAT_OK);
}

/* Runs of the task pack of the workflow archive, by their numbers; `parent` 0: none. */
static void add_run(fixture *f, int64_t tenant, int number, int parent)
{
    char sql[900];
    snprintf(
        sql, sizeof(sql),
        "INSERT OR IGNORE INTO tenant VALUES (%d, randomblob(16), 'tenant %d', 0);"
        "INSERT OR IGNORE INTO workflow (id, tenant, name, uuid) VALUES (%d, %d, 'archive', x'');"
        "INSERT OR IGNORE INTO task_type (id, action, retries, priority, backoff_initial_ms, backoff_factor,"
        " backoff_max_ms, execution_timeout_ms, schedule_timeout_ms, workflow_id, tenant, task_name)"
        " VALUES (%d, 'archive:pack', 0, 1, 0, 1, 0, 0, 0, %d, %d, 'pack');"
        "INSERT INTO task (id, type_id, priority, created_at_ms, parent_id, child_index, input) VALUES"
        " (id(%d, 16), %d, 1, 1000 + %d, iif(%d = 0, NULL, id(%d, 16)),"
        " %d, '{}');"
        "INSERT INTO task_end (id, state, retry_count, started_at_ms, finished_at_ms)"
        " VALUES (id(%d, 16), 2, 0, 2000, 3000)",
        (int)tenant, (int)tenant, (int)tenant, (int)tenant, (int)tenant, (int)tenant, (int)tenant, number,
        (int)tenant, number, parent, parent, number, number);
    run_sql(f, sql);
}

/* ---- The forest as text: [name(child child)][..], a bracket for each trace ---- */

static void write_text(fixture *f, const char *format, ...) CLEAT_PRINTF(2, 3);
static void write_text(fixture *f, const char *format, ...)
{
    va_list arguments;
    size_t used = strlen(f->text);
    va_start(arguments, format);
    vsnprintf(f->text + used, sizeof(f->text) - used, format, arguments);
    va_end(arguments);
}

static void write_span(fixture *f, int32_t index)
{
    const cleat__stitched_span *span = &f->forest.spans[index];
    write_text(f, "%.*s", CLEAT_SLICE_ARGS(span->view.name));
    for (int32_t i = span->first_child; i >= 0; i = f->forest.spans[i].next) {
        assert_int_equal(f->forest.spans[i].parent, index);
        assert_int_equal(f->forest.spans[i].depth, span->depth + 1);
        write_text(f, "%s", i == span->first_child ? "(" : " ");
        write_span(f, i);
    }
    write_text(f, "%s", span->first_child >= 0 ? ")" : "");
}

static const char *draw(fixture *f)
{
    const cleat__stitched *forest = &f->forest;
    int32_t at = 0;
    f->text[0] = '\0';
    for (int32_t i = 0; i < forest->trace_count; i++) {
        const cleat__stitched_trace *trace = &forest->traces[i];
        assert_int_equal(trace->first_span, at);
        write_text(f, "[");
        for (int32_t root = at; root < at + trace->shown; root = cleat__stitched_skip(forest, root)) {
            assert_int_equal(forest->spans[root].trace, i);
            write_text(f, "%s", root == at ? "" : " ");
            write_span(f, root);
        }
        write_text(f, "]");
        at += trace->shown;
    }
    assert_int_equal(forest->span_count, at);
    return f->text;
}

static cleat_status load_run(fixture *f, int64_t tenant, int number, int32_t limit)
{
    cleat__uuid id = run_id(number);
    cleat__stitched_deinit(&f->forest);
    return cleat__stitched_load_run(f->store, tenant, &id, limit, &f->forest);
}

static cleat_status load_trace(fixture *f, int64_t tenant, int number, int32_t follow, int32_t limit)
{
    cleat_trace_id id = trace_id(number);
    cleat__stitched_deinit(&f->forest);
    return cleat__stitched_load_trace(f->store, tenant, &id, follow, limit, &f->forest);
}

static const cleat__stitched_span *find(const fixture *f, const char *name)
{
    for (int32_t i = 0; i < f->forest.span_count; i++) {
        if (cleat_slice_equals(f->forest.spans[i].view.name, cleat_slice_of(name))) {
            return &f->forest.spans[i];
        }
    }
    fail_msg("there is no span %s", name);
    return NULL;
}

/* ---- Runs ---- */

/* Run 1 starts 2, which starts 3; each has a trace of its own, and 1 is called from a trace of others. */
static void add_family(fixture *f)
{
    add_run(f, ONE, 1, 0);
    add_run(f, ONE, 2, 1);
    add_run(f, ONE, 3, 2);
    add_run(f, ONE, 4, 0);
    add(f, (made){.trace = 1, .id = 1, .name = "caller", .from = 1, .to = 9000});
    add(f, (made){.trace = 1, .id = 2, .parent = 1, .name = "other", .from = 10, .to = 20});
    add(f, (made){.trace = 1, .id = 3, .parent = 1, .name = "one", .run = 1, .from = 100, .to = 300});
    add(f, (made){.trace = 1, .id = 4, .parent = 3, .name = "inside", .from = 150, .to = 200});
    add(f, (made){.trace = 1, .id = 5, .parent = 2, .name = "four", .run = 4, .from = 15, .to = 16});
    add(f, (made){.trace = 2,
                  .id = 1,
                  .name = "two",
                  .run = 2,
                  .from = 300,
                  .to = 500,
                  .link_trace = 1,
                  .link_id = 3});
    add(f, (made){.trace = 3,
                  .id = 1,
                  .name = "three",
                  .run = 3,
                  .from = 400,
                  .to = 600,
                  .link_trace = 2,
                  .link_id = 1});
    add(f, (made){.trace = 3, .id = 2, .parent = 1, .name = "below", .from = 450, .to = 500});
    add(f, (made){.trace = 4, .id = 1, .name = "asker", .from = 1, .to = 2, .link_trace = 2, .link_id = 1});
    end_adding(f);
}

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
        TEST(test_run_with_all_below_it),
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
        TEST(test_cycles_and_orphans_are_roots),
        TEST(test_ids_that_are_not_unique),
        TEST(test_records_that_cannot_be_read),
        TEST(test_record_of_another_span),
        TEST(test_tenants_with_the_same_trace_id),
        TEST(test_clocks_that_differ),
        TEST(test_sums),
        TEST(test_waits_are_below_their_execution),
        TEST(test_small_run_in_a_large_trace),
        TEST(test_trace_that_is_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
