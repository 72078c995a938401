/* Tenants that use the same trace ids and link to the same spans see nothing of each other. */
#include "recorder.h"

#include "cleat_sql.h"
#include "support/wire.h"

#include <stdlib.h>
#include <unistd.h>

enum { ONE = CLEAT__TENANT_DEFAULT, TWO = 2 };

static const cleat_trace_id shared = {{0xab, 0xcd, 0xef, 0x01, 5}}, other = {{0xab, 0xcd, 0xef, 0x02, 6}};
static const cleat__uuid run = {{1, 2, 3}};

typedef struct fixture {
    cleat__store *store;
    cleat__intake *intake;
} fixture;

/* A span of the run, which links to span 9 of the shared trace. */
static void insert(fixture *f, int64_t tenant, const cleat_trace_id *trace, uint8_t id, const char *name)
{
    cleat__buffer record = {0}, link = {0};
    const cleat_span_id span_id = {{id}}, linked = {{9}};
    cleat_span_view view;
    wire_bytes(&record, 1, trace->bytes, 16);
    wire_bytes(&record, 2, span_id.bytes, 8);
    wire_text(&record, 5, name);
    wire_attribute(&record, 9, "hatchet.workflow_run_id", "01020300-0000-0000-0000-000000000000");
    wire_bytes(&link, 1, shared.bytes, 16);
    wire_bytes(&link, 2, linked.bytes, 8);
    wire_message(&record, 13, &link);
    assert_int_equal(cleat_span_view_read(cleat__buffer_slice(&record), &view), CLEAT_OK);
    assert_int_equal(cleat__span_insert(f->store, f->intake, tenant, &view, &(bool){false}), CLEAT_OK);
    assert_int_equal(cleat__span_insert_end(f->store, f->intake), CLEAT_OK);
    cleat__buffer_deinit(&record);
}

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof(*f));
    f->store = open_store();
    assert_int_equal(cleat__intake_new(&f->intake), CLEAT_OK);
    insert(f, ONE, &shared, 9, "one");
    insert(f, TWO, &shared, 9, "two");
    insert(f, TWO, &other, 7, "two again");
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    cleat__intake_free(f->intake);
    cleat__store_close(f->store);
    unlink("test.db");
    free(f);
    return 0;
}

/* ---- What is seen, as one text ---- */

typedef struct seen {
    char text[300];
} seen;

static void add(seen *all, cleat_slice text)
{
    size_t used = strlen(all->text);
    snprintf(all->text + used, sizeof(all->text) - used, "%.*s;", CLEAT_SLICE_ARGS(text));
}

static bool see_span(void *argument, const cleat__stored_span *span)
{
    add(argument, span->span.name);
    return true;
}

static bool see_link(void *argument, const cleat__link_row *link)
{
    add(argument, link->from_name);
    add(argument, link->to_name);
    return true;
}

static bool see_trace(void *argument, const cleat__trace_row *row)
{
    char text[80];
    snprintf(text, sizeof(text), "%.*s %d %d", CLEAT_SLICE_ARGS(row->root_name), (int)row->links_out,
             (int)row->links_in);
    add(argument, cleat_slice_of(text));
    return true;
}

static void test_spans_of_a_trace(void **state)
{
    fixture *f = *state;
    seen one = {""}, two = {""}, none = {""};
    assert_int_equal(cleat__spans_of_trace(f->store, ONE, &shared, see_span, &one), CLEAT_OK);
    assert_int_equal(cleat__spans_of_trace(f->store, TWO, &shared, see_span, &two), CLEAT_OK);
    assert_int_equal(cleat__spans_of_trace(f->store, 3, &shared, see_span, &none), CLEAT_OK);
    assert_string_equal(one.text, "one;");
    assert_string_equal(two.text, "two;");
    assert_string_equal(none.text, "");
}

static void test_spans_of_a_run(void **state)
{
    fixture *f = *state;
    seen one = {""}, two = {""};
    assert_int_equal(cleat__spans_of_run(f->store, ONE, &run, see_span, &one), CLEAT_OK);
    assert_int_equal(cleat__spans_of_run(f->store, TWO, &run, see_span, &two), CLEAT_OK);
    assert_string_equal(one.text, "one;");
    assert_string_equal(two.text, "two;two again;");
}

static void test_links_both_ways(void **state)
{
    fixture *f = *state;
    seen from_one = {""}, from_two = {""}, to_one = {""}, to_two = {""};
    assert_int_equal(cleat__links_from(f->store, ONE, &other, NULL, see_link, &from_one), CLEAT_OK);
    assert_int_equal(cleat__links_from(f->store, TWO, &other, NULL, see_link, &from_two), CLEAT_OK);
    assert_int_equal(cleat__links_to(f->store, ONE, &shared, NULL, see_link, &to_one), CLEAT_OK);
    assert_int_equal(cleat__links_to(f->store, TWO, &shared, NULL, see_link, &to_two), CLEAT_OK);
    assert_string_equal(from_one.text, "");
    assert_string_equal(from_two.text, "two again;two;");
    assert_string_equal(to_one.text, "one;one;");
    assert_string_equal(to_two.text, "two;two;two again;two;");
}

static void test_lists(void **state)
{
    fixture *f = *state;
    seen one = {""}, two = {""}, of_run = {""};
    cleat__trace_filter filter = {.tenant = ONE, .limit = 10};
    assert_int_equal(cleat__trace_list(f->store, &filter, see_trace, &one), CLEAT_OK);
    filter.tenant = TWO;
    assert_int_equal(cleat__trace_list(f->store, &filter, see_trace, &two), CLEAT_OK);
    filter.run_id = &run;
    filter.before = &other;
    assert_int_equal(cleat__trace_list(f->store, &filter, see_trace, &of_run), CLEAT_OK);
    filter.tenant = ONE;
    assert_int_equal(cleat__trace_list(f->store, &filter, see_trace, &one), CLEAT_NOT_FOUND);
    assert_string_equal(one.text, "one 1 1;");
    assert_string_equal(two.text, "two again 1 0;two 1 2;");
    assert_string_equal(of_run.text, "two 1 2;");
}

static void test_finding_by_prefix(void **state)
{
    fixture *f = *state;
    cleat_trace_id found;
    assert_int_equal(cleat__trace_find(f->store, ONE, cleat_slice_of("abcdef01"), &found), CLEAT_OK);
    assert_memory_equal(&found, &shared, sizeof(found));
    assert_int_equal(cleat__trace_find(f->store, ONE, cleat_slice_of("abcdef02"), &found), CLEAT_NOT_FOUND);
    assert_int_equal(cleat__trace_find(f->store, TWO, cleat_slice_of("abcdef02"), &found), CLEAT_OK);
}

static void test_removal_takes_one_tenants_trace(void **state)
{
    fixture *f = *state;
    int64_t removed = 0;
    seen one = {""}, two = {""};
    insert(f, TWO, &shared, 10, "two more");
    assert_int_equal(query_int(f->store, "UPDATE trace SET start_ns = -1 WHERE tenant = 1 RETURNING 1"), 1);
    assert_int_equal(cleat__span_prune(f->store, f->intake, INT64_MIN, 0, 1, &removed), CLEAT_OK);
    assert_int_equal(cleat__spans_of_trace(f->store, ONE, &shared, see_span, &one), CLEAT_OK);
    assert_int_equal(cleat__spans_of_trace(f->store, TWO, &shared, see_span, &two), CLEAT_OK);
    assert_string_equal(one.text, "");
    assert_string_equal(two.text, "two;two more;");
    assert_int_equal(query_int(f->store, "SELECT sum(span_count) FROM trace"), 3);
}

/* ---- Files from before there were tenants ---- */

static void test_old_traces_are_the_default_tenants(void **state)
{
    fixture f = {0};
    seen one = {""}, two = {""}, found = {""};
    sqlite3 *db = NULL;
    (void)state;
    assert_int_equal(sqlite3_open("test.db", &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, cleat__sql_001_engine, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, cleat__sql_002_spans, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db,
                     "PRAGMA application_id=1131177313; PRAGMA user_version=2;"
                     "INSERT INTO trace VALUES (5, x'abcdef01050000000000000000000000', 'old', 'a:b',"
                     " 'shop', 1, 1, 1, 2, 1, 0, 100);"
                     "INSERT INTO span VALUES (1, 5, x'0900000000000000', NULL, 'old', 1, 1, 0, 1, 2, NULL,"
                     " NULL, NULL, 100, x'2a036f6c64')",
                     NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(db);
    f.store = open_store();
    assert_int_equal(cleat__intake_new(&f.intake), CLEAT_OK);
    insert(&f, TWO, &shared, 9, "new");
    insert(&f, ONE, &shared, 8, "more");
    assert_int_equal(cleat__spans_of_trace(f.store, ONE, &shared, see_span, &one), CLEAT_OK);
    assert_int_equal(cleat__spans_of_trace(f.store, TWO, &shared, see_span, &two), CLEAT_OK);
    assert_int_equal(
        cleat__trace_list(f.store, &(cleat__trace_filter){.tenant = ONE, .limit = 5}, see_trace, &found),
        CLEAT_OK);
    assert_string_equal(one.text, "more;old;");
    assert_string_equal(two.text, "new;");
    assert_string_equal(found.text, "more 1 1;"); /* it began earlier */
    assert_int_equal(query_int(f.store, "SELECT id FROM trace WHERE tenant = 1"), 5);
    assert_int_equal(query_int(f.store, "SELECT id FROM trace WHERE tenant = 2"), 6);
    cleat__intake_free(f.intake);
    cleat__store_close(f.store);
    unlink("test.db");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_spans_of_a_trace),
        TEST(test_spans_of_a_run),
        TEST(test_links_both_ways),
        TEST(test_lists),
        TEST(test_finding_by_prefix),
        TEST(test_removal_takes_one_tenants_trace),
        cmocka_unit_test(test_old_traces_are_the_default_tenants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
