#include "recorder.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char run_text[] = "019207a3-0001-7000-8000-000000000001";

typedef recorder_fixture fixture;

/* ---- Spans ---- */

typedef struct names {
    char text[256];
    int count;
    int limit; /* stops after so many; 0: no limit */
} names;

static bool add_name(void *argument, const cleat__stored_span *stored)
{
    names *list = argument;
    strncat(list->text, "-", sizeof(list->text) - strlen(list->text) - 1);
    strncat(list->text, stored->span.name.data, stored->span.name.size);
    list->count++;
    return list->limit == 0 || list->count < list->limit;
}

static void test_spans_come_by_start_time(void **state)
{
    fixture *f = *state;
    names of_trace = {{0}, 0, 0}, of_run = {{0}, 0, 0}, first = {{0}, 0, 1};
    cleat__uuid run;
    cleat_span_context root = record(&f->rec, &(made_up){.name = "root", .start_ns = 100, .end_ns = 900});
    record(&f->rec,
           &(made_up){.name = "late", .parent = &root, .start_ns = 300, .end_ns = 400, .run = run_text});
    record(&f->rec,
           &(made_up){.name = "early", .parent = &root, .start_ns = 200, .end_ns = 300, .run = run_text});
    assert_int_equal(
        cleat__spans_of_trace(f->store, CLEAT__TENANT_DEFAULT, &root.trace_id, add_name, &of_trace),
        CLEAT_OK);
    assert_string_equal(of_trace.text, "-root-early-late");
    assert_int_equal(cleat__uuid_parse(cleat_slice_of(run_text), &run), CLEAT_OK);
    assert_int_equal(cleat__spans_of_run(f->store, CLEAT__TENANT_DEFAULT, &run, add_name, &of_run), CLEAT_OK);
    assert_string_equal(of_run.text, "-early-late");
    assert_int_equal(cleat__spans_of_trace(f->store, CLEAT__TENANT_DEFAULT, &root.trace_id, add_name, &first),
                     CLEAT_OK);
    assert_string_equal(first.text, "-root");
}

static bool check_stored(void *argument, const cleat__stored_span *stored)
{
    int *count = argument;
    assert_int_equal(stored->service_name.size, 7);
    assert_memory_equal(stored->service_name.data, "made-up", 7);
    assert_memory_equal(stored->scope_name.data, "made-up.scope", 13);
    assert_true(stored->has_run);
    assert_int_equal(stored->span.status, CLEAT_SPAN_STATUS_ERROR);
    (*count)++;
    return true;
}

static void test_stored_span_says_what_it_was(void **state)
{
    fixture *f = *state;
    int count = 0;
    cleat_span_context root =
        record(&f->rec, &(made_up){.name = "x", .start_ns = 1, .end_ns = 2, .run = run_text, .failed = true});
    assert_int_equal(
        cleat__spans_of_trace(f->store, CLEAT__TENANT_DEFAULT, &root.trace_id, check_stored, &count),
        CLEAT_OK);
    assert_int_equal(count, 1);
}

static void test_same_span_twice_is_one(void **state)
{
    fixture *f = *state;
    record(&f->rec, &(made_up){.name = "x", .start_ns = 1, .end_ns = 2});
    int64_t bytes = query_int(f->store, "SELECT bytes FROM span_total");
    f->rec.next_id = 0; /* the same ids again */
    cleat_span_context again =
        record(&f->rec, &(made_up){.name = "y", .start_ns = 0, .end_ns = 9, .link = NULL});
    assert_int_equal(f->rec.status, CLEAT_OK);
    assert_int_equal(query_int(f->store, "SELECT count(*) FROM span"), 1);
    assert_int_equal(query_int(f->store, "SELECT span_count FROM trace"), 1);
    assert_int_equal(query_int(f->store, "SELECT end_ns FROM trace"), 2);
    assert_int_equal(query_int(f->store, "SELECT bytes FROM span_total"), bytes);
    assert_int_equal(query_int(f->store, "SELECT spans FROM span_total"), 1);
    (void)again;
}

static void test_span_without_ids_is_refused(void **state)
{
    fixture *f = *state;
    cleat_span_view span = {.name = cleat_slice_of("x")};
    assert_int_equal(
        cleat__span_insert(f->store, f->rec.intake, CLEAT__TENANT_DEFAULT, &span, &(bool){false}),
        CLEAT_INVALID_ARGUMENT);
    assert_int_equal(query_int(f->store, "SELECT count(*) FROM trace"), 0);
}

/* ---- Links ---- */

typedef struct link_check {
    cleat_span_context from, to;
    const char *from_name, *to_name; /* NULL: not stored */
    int count;
} link_check;

static void check_text(cleat_slice actual, const char *expected)
{
    assert_int_equal(actual.data == NULL, expected == NULL);
    if (expected != NULL) {
        assert_int_equal(actual.size, strlen(expected));
        assert_memory_equal(actual.data, expected, actual.size);
    }
}

static bool check_link(void *argument, const cleat__link_row *link)
{
    link_check *check = argument;
    assert_memory_equal(&link->from_trace_id, &check->from.trace_id, 16);
    assert_memory_equal(&link->from_span_id, &check->from.span_id, 8);
    assert_memory_equal(&link->to_trace_id, &check->to.trace_id, 16);
    assert_memory_equal(&link->to_span_id, &check->to.span_id, 8);
    check_text(link->from_name, check->from_name);
    check_text(link->to_name, check->to_name);
    check_text(link->kind, "spawn");
    check->count++;
    return true;
}

static void test_links_are_found_from_both_ends(void **state)
{
    fixture *f = *state;
    link_check check = {.from_name = "child", .to_name = "cause"};
    check.to = record(&f->rec, &(made_up){.name = "cause", .start_ns = 1, .end_ns = 2});
    check.from = record(&f->rec, &(made_up){.name = "child", .start_ns = 3, .end_ns = 4, .link = &check.to});
    assert_int_equal(
        cleat__links_from(f->store, CLEAT__TENANT_DEFAULT, &check.from.trace_id, NULL, check_link, &check),
        CLEAT_OK);
    assert_int_equal(cleat__links_from(f->store, CLEAT__TENANT_DEFAULT, &check.from.trace_id,
                                       &check.from.span_id, check_link, &check),
                     CLEAT_OK);
    assert_int_equal(
        cleat__links_to(f->store, CLEAT__TENANT_DEFAULT, &check.to.trace_id, NULL, check_link, &check),
        CLEAT_OK);
    assert_int_equal(cleat__links_to(f->store, CLEAT__TENANT_DEFAULT, &check.to.trace_id, &check.to.span_id,
                                     check_link, &check),
                     CLEAT_OK);
    assert_int_equal(check.count, 4);
    assert_int_equal(
        cleat__links_from(f->store, CLEAT__TENANT_DEFAULT, &check.to.trace_id, NULL, check_link, &check),
        CLEAT_OK);
    assert_int_equal(cleat__links_to(f->store, CLEAT__TENANT_DEFAULT, &check.to.trace_id, &check.from.span_id,
                                     check_link, &check),
                     CLEAT_OK);
    assert_int_equal(check.count, 4);
}

static void test_link_to_what_is_not_stored(void **state)
{
    fixture *f = *state;
    link_check check = {.from_name = "child"};
    memset(check.to.trace_id.bytes, 0x11, 16);
    memset(check.to.span_id.bytes, 0x22, 8);
    check.from = record(&f->rec, &(made_up){.name = "child", .start_ns = 3, .end_ns = 4, .link = &check.to});
    assert_int_equal(
        cleat__links_from(f->store, CLEAT__TENANT_DEFAULT, &check.from.trace_id, NULL, check_link, &check),
        CLEAT_OK);
    assert_int_equal(
        cleat__links_to(f->store, CLEAT__TENANT_DEFAULT, &check.to.trace_id, NULL, check_link, &check),
        CLEAT_OK);
    assert_int_equal(check.count, 2);
}

/* ---- Traces ---- */

typedef struct rows {
    char text[512]; /* "name(task) spans errors out in;" */
} rows;

static bool add_row(void *argument, const cleat__trace_row *row)
{
    rows *list = argument;
    size_t size = strlen(list->text);
    snprintf(list->text + size, sizeof(list->text) - size, "%.*s(%.*s) %d %d %d %d;",
             CLEAT_SLICE_ARGS(row->root_name), (int)row->task.size, row->task.size > 0 ? row->task.data : "",
             (int)row->span_count, (int)row->error_count, (int)row->links_out, (int)row->links_in);
    return true;
}

static void assert_list(fixture *f, cleat__trace_filter filter, const char *expected)
{
    rows list = {{0}};
    filter.tenant = filter.tenant == 0 ? CLEAT__TENANT_DEFAULT : filter.tenant;
    filter.limit = filter.limit == 0 ? 100 : filter.limit;
    assert_int_equal(cleat__trace_list(f->store, &filter, add_row, &list), CLEAT_OK);
    assert_string_equal(list.text, expected);
}

static void test_traces_are_listed(void **state)
{
    fixture *f = *state;
    cleat__uuid run;
    cleat_span_context cause = record(&f->rec, &(made_up){.name = "hatchet.run_workflow",
                                                          .workflow = "archive",
                                                          .step = "pack",
                                                          .start_ns = 10,
                                                          .end_ns = 20,
                                                          .kind = CLEAT_SPAN_KIND_PRODUCER});
    cleat_span_context child = record(&f->rec, &(made_up){.name = "hatchet.start_step_run",
                                                          .run = run_text,
                                                          .action = "archive:pack",
                                                          .start_ns = 30,
                                                          .end_ns = 50,
                                                          .kind = CLEAT_SPAN_KIND_CONSUMER,
                                                          .link = &cause});
    record(&f->rec, &(made_up){.name = "compress",
                               .action = "archive:pack",
                               .parent = &child,
                               .start_ns = 31,
                               .end_ns = 40,
                               .failed = true});
    record(&f->rec, &(made_up){.name = "other", .action = "archive:pack", .start_ns = 60, .end_ns = 70});
    assert_int_equal(cleat__uuid_parse(cleat_slice_of(run_text), &run), CLEAT_OK);

#define OTHER "other() 1 0 0 0;"
#define CHILD "hatchet.start_step_run(archive:pack) 2 1 1 0;"
#define CAUSE "hatchet.run_workflow(archive:pack) 1 0 0 1;"
    assert_list(f, (cleat__trace_filter){0}, OTHER CHILD CAUSE);
    assert_list(f, (cleat__trace_filter){.limit = 2}, OTHER CHILD);
    assert_list(f, (cleat__trace_filter){.name = cleat_slice_of("other")}, OTHER);
    assert_list(f, (cleat__trace_filter){.task = cleat_slice_of("archive:pack")}, CHILD CAUSE);
    assert_list(f, (cleat__trace_filter){.run_id = &run}, CHILD);
    assert_list(f, (cleat__trace_filter){.run_id = &run, .name = cleat_slice_of("other")}, "");
    assert_list(f, (cleat__trace_filter){.status = CLEAT__TRACE_ERROR}, CHILD);
    assert_list(f, (cleat__trace_filter){.status = CLEAT__TRACE_OK}, OTHER CAUSE);
    assert_list(f, (cleat__trace_filter){.run_id = &run, .status = CLEAT__TRACE_OK}, "");
}

static void test_older_traces_follow(void **state)
{
    fixture *f = *state;
    cleat_span_context of[4];
    const char *const letters[] = {"a", "b", "c", "d"};
    for (int i = 0; i < 4; i++) { /* the middle two begin at the same time */
        of[i] = record(&f->rec, &(made_up){.name = letters[i], .start_ns = 10 * ((i + 3) / 2), .end_ns = 99});
    }
#define ROW(name) name "() 1 0 0 0;"
    assert_list(f, (cleat__trace_filter){.limit = 2}, ROW("d") ROW("c"));
    assert_list(f, (cleat__trace_filter){.before = &of[3].trace_id}, ROW("c") ROW("b") ROW("a"));
    assert_list(f, (cleat__trace_filter){.before = &of[2].trace_id, .limit = 1}, ROW("b"));
    assert_list(f, (cleat__trace_filter){.before = &of[1].trace_id}, ROW("a"));
    assert_list(f, (cleat__trace_filter){.before = &of[0].trace_id}, "");
    const cleat_trace_id unknown = {{1}};
    const cleat__trace_filter filter = {.tenant = CLEAT__TENANT_DEFAULT, .before = &unknown, .limit = 1};
    assert_int_equal(cleat__trace_list(f->store, &filter, add_row, NULL), CLEAT_NOT_FOUND);
}

static void test_root_names_the_trace_whenever_it_comes(void **state)
{
    fixture *f = *state;
    cleat_span_context root = {0};
    /* Ids count up: 1 is the trace, 2 the root, which is to end last. */
    memset(&root, 0, sizeof(root));
    recorder_trace_id(&f->rec, &root.trace_id);
    recorder_span_id(&f->rec, &root.span_id);
    record(&f->rec, &(made_up){.name = "second", .parent = &root, .start_ns = 30, .end_ns = 40});
    assert_list(f, (cleat__trace_filter){0}, "second() 1 0 0 0;");
    record(&f->rec, &(made_up){.name = "first", .parent = &root, .start_ns = 20, .end_ns = 30});
    assert_list(f, (cleat__trace_filter){0}, "first() 2 0 0 0;");
    f->rec.next_id = 0;
    record(&f->rec, &(made_up){.name = "root", .start_ns = 25, .end_ns = 50});
    assert_list(f, (cleat__trace_filter){0}, "root() 3 0 0 0;");
    assert_int_equal(query_int(f->store, "SELECT start_ns FROM trace"), 20);
    assert_int_equal(query_int(f->store, "SELECT end_ns FROM trace"), 50);
}

static void test_trace_is_found_by_prefix(void **state)
{
    fixture *f = *state;
    cleat_trace_id found;
    char hex[33];
    cleat_span_context first = record(&f->rec, &(made_up){.name = "a", .start_ns = 1, .end_ns = 2});
    record(&f->rec, &(made_up){.name = "b", .start_ns = 1, .end_ns = 2});
    cleat_trace_id_to_hex(&first.trace_id, hex);
    for (size_t size = 8; size <= 32; size++) {
        assert_int_equal(cleat__trace_find(f->store, CLEAT__TENANT_DEFAULT, (cleat_slice){hex, size}, &found),
                         CLEAT_OK);
        assert_memory_equal(&found, &first.trace_id, 16);
    }
    assert_int_equal(cleat__trace_find(f->store, CLEAT__TENANT_DEFAULT, (cleat_slice){hex, 7}, &found),
                     CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat__trace_find(f->store, CLEAT__TENANT_DEFAULT, cleat_slice_of("ab00zz00"), &found),
                     CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat__trace_find(f->store, CLEAT__TENANT_DEFAULT, cleat_slice_of("cd000000"), &found),
                     CLEAT_NOT_FOUND);
    /* Two traces of one beginning. */
    sqlite3_exec(
        cleat__store_db(f->store),
        "INSERT INTO trace SELECT 9, 1, x'ab0001000000000000000000000000ff', 'c', NULL, NULL, 0, 0, 0, 0,"
        " 0, 0, 0 FROM trace LIMIT 1",
        NULL, NULL, NULL);
    assert_int_equal(cleat__trace_find(f->store, CLEAT__TENANT_DEFAULT, (cleat_slice){hex, 12}, &found),
                     CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat__trace_find(f->store, CLEAT__TENANT_DEFAULT, (cleat_slice){hex, 32}, &found),
                     CLEAT_OK);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, recorder_set_up, recorder_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_spans_come_by_start_time),
        TEST(test_stored_span_says_what_it_was),
        TEST(test_same_span_twice_is_one),
        TEST(test_span_without_ids_is_refused),
        TEST(test_links_are_found_from_both_ends),
        TEST(test_link_to_what_is_not_stored),
        TEST(test_traces_are_listed),
        TEST(test_older_traces_follow),
        TEST(test_root_names_the_trace_whenever_it_comes),
        TEST(test_trace_is_found_by_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
