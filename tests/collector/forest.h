/* Makes up runs and traces, and draws their forests as text. */
#ifndef CLEAT_TESTS_FOREST_H
#define CLEAT_TESTS_FOREST_H

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
static inline void make_id(sqlite3_context *context, int count, sqlite3_value **values)
{
    uint8_t bytes[16];
    int size = sqlite3_value_int(values[1]) == 16 ? 16 : 8;
    (void)count;
    put_number((uint64_t)sqlite3_value_int64(values[0]), bytes, (size_t)size);
    sqlite3_result_blob(context, bytes, size, SQLITE_TRANSIENT);
}

static inline int set_up(void **state)
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

static inline int tear_down(void **state)
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

static inline void run_sql(fixture *f, const char *sql)
{
    assert_int_equal(sqlite3_exec(cleat__store_db(f->store), sql, NULL, NULL, NULL), SQLITE_OK);
}

/* Ids that differ in their number only. */
static inline cleat_trace_id trace_id(int number)
{
    cleat_trace_id id;
    put_number((uint64_t)number, id.bytes, sizeof(id.bytes));
    id.bytes[0] = 0xab;
    return id;
}

static inline cleat_span_id span_id(int number)
{
    cleat_span_id id;
    put_number((uint64_t)number, id.bytes, sizeof(id.bytes));
    return id;
}

static inline cleat__uuid run_id(int number)
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

static inline void add_uuid(cleat__buffer *record, const char *key, int number)
{
    char text[37];
    cleat__uuid id = run_id(number);
    cleat__uuid_format(&id, text);
    if (number != 0) {
        wire_attribute(record, 9, key, text);
    }
}

static inline void add(fixture *f, made what)
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
static inline void end_adding(fixture *f)
{
    assert_int_equal(cleat__span_insert_end(f->store, f->intake), CLEAT_OK);
}

/* Runs of the task pack of the workflow archive, by their numbers; `parent` 0: none. */
static inline void add_run(fixture *f, int64_t tenant, int number, int parent)
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

static inline void write_text(fixture *f, const char *format, ...) CLEAT_PRINTF(2, 3);
static inline void write_text(fixture *f, const char *format, ...)
{
    va_list arguments;
    size_t used = strlen(f->text);
    va_start(arguments, format);
    vsnprintf(f->text + used, sizeof(f->text) - used, format, arguments);
    va_end(arguments);
}

static inline void write_span(fixture *f, int32_t index)
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

static inline const char *draw(fixture *f)
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

static inline cleat_status load_run(fixture *f, int64_t tenant, int number, int32_t limit)
{
    cleat__uuid id = run_id(number);
    cleat__stitched_deinit(&f->forest);
    return cleat__stitched_load_run(f->store, tenant, &id, limit, &f->forest);
}

static inline cleat_status load_trace(fixture *f, int64_t tenant, int number, int32_t follow, int32_t limit)
{
    cleat_trace_id id = trace_id(number);
    cleat__stitched_deinit(&f->forest);
    return cleat__stitched_load_trace(f->store, tenant, &id, follow, limit, &f->forest);
}

static inline const cleat__stitched_span *find(const fixture *f, const char *name)
{
    for (int32_t i = 0; i < f->forest.span_count; i++) {
        if (cleat_slice_equals(f->forest.spans[i].view.name, cleat_slice_of(name))) {
            return &f->forest.spans[i];
        }
    }
    fail_msg("there is no span %s", name);
    return NULL;
}

/* Run 1 starts 2, which starts 3; each has a trace of its own, and 1 is called from a trace of others. */
static inline void add_family(fixture *f)
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

#endif
