#include "store_test.h"

static cleat__attempt_key key_of(uint8_t number)
{
    return (cleat__attempt_key){.id = id_of(number), .retry_count = 0, .started_at_ms = 2000};
}

/*
 * Runs 1 .. 6 of a:a, 7 and 8 of b:b. 1 completed, 2 failed, 3 cancelled, 4 runs, the rest is queued.
 * 5 and 6 are children of 1.
 */
static int open_fixture(void **state)
{
    remove_database();
    cleat__store *store = open_store(CLEAT__STORE_WRITE_UNSYNCED);
    assert_int_equal(cleat__store_begin(store), CLEAT_OK);
    int64_t a = put_type(store, "a:a"), b = put_type(store, "b:b");
    for (uint8_t i = 1; i <= 8; i++) {
        cleat__trigger trigger = {.input = {"{}", 2}};
        if (i == 5 || i == 6) {
            trigger.is_child = true;
            trigger.parent_id = id_of(1);
            trigger.child_index = i;
            trigger.child_key = cleat_slice_of(i == 6 ? "six" : NULL);
        }
        put_task(store, i, i <= 6 ? a : b, &trigger);
    }
    for (uint8_t i = 1; i <= 4; i++) {
        cleat__attempt_key key = key_of(i);
        assert_int_equal(cleat__transition_assign(store, &key, 2000), CLEAT_OK);
    }
    cleat__attempt_key one = key_of(1), two = key_of(2), three = key_of(3);
    assert_int_equal(cleat__transition_complete(store, &one, 3000, cleat_slice_of("1")), CLEAT_OK);
    assert_int_equal(cleat__transition_fail(store, &two, CLEAT__EVENT_FAIL, 3000, cleat_slice_of("broken")),
                     CLEAT_OK);
    assert_int_equal(cleat__transition_cancel(store, &three, CLEAT_RUN_RUNNING, 3000), CLEAT_OK);
    assert_int_equal(cleat__store_commit(store), CLEAT_OK);
    cleat__store_close(store);
    *state = open_store(CLEAT__STORE_READ);
    return 0;
}

static int close_fixture(void **state)
{
    cleat__store_close(*state);
    return 0;
}

static bool collect(void *argument, const cleat__run_row *row)
{
    char *text = argument;
    sprintf(text + strlen(text), "%d", row->id.bytes[5]);
    return true;
}

static bool collect_first(void *argument, const cleat__run_row *row)
{
    collect(argument, row);
    return false;
}

static void assert_listed(cleat__store *store, const cleat__run_filter *filter, const char *expected)
{
    char text[64] = "";
    assert_int_equal(cleat__run_list(store, filter, collect, text), CLEAT_OK);
    assert_string_equal(text, expected);
}

static void test_list(void **state)
{
    cleat__uuid one = id_of(1), four = id_of(4), nine = id_of(9);
    const struct {
        cleat__run_filter filter;
        const char *expected;
    } cases[] = {
        {{.status = -1, .limit = 100}, "87654321"},
        {{.status = -1, .limit = 3}, "876"},
        {{.status = -1, .limit = 2, .before = &four}, "32"},
        {{.status = CLEAT_RUN_QUEUED, .limit = 100}, "8765"},
        {{.status = CLEAT_RUN_RUNNING, .limit = 100}, "4"},
        {{.status = CLEAT_RUN_COMPLETED, .limit = 100}, "1"},
        {{.status = CLEAT_RUN_FAILED, .limit = 100}, "2"},
        {{.status = CLEAT_RUN_CANCELLED, .limit = 100}, "3"},
        {{.status = -1, .task = {"b:b", 3}, .limit = 100}, "87"},
        {{.status = CLEAT_RUN_QUEUED, .task = {"a:a", 3}, .limit = 100}, "65"},
        {{.status = -1, .task = {"c:c", 3}, .limit = 100}, ""},
        {{.status = -1, .tenant = CLEAT__TENANT_DEFAULT, .limit = 3}, "876"},
        {{.status = -1, .tenant = 2, .limit = 100}, ""},
        {{.status = -1, .parent_id = &one, .limit = 100}, "65"},
        {{.status = -1, .parent_id = &one, .before = &four, .limit = 100}, ""},
        {{.status = -1, .parent_id = &nine, .limit = 100}, ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_listed(*state, &cases[i].filter, cases[i].expected);
    }
    char text[64] = "";
    cleat__run_filter all = {.status = -1, .limit = 100};
    assert_int_equal(cleat__run_list(*state, &all, collect_first, text), CLEAT_OK);
    assert_string_equal(text, "8");
}

static void test_get(void **state)
{
    cleat__run_row row;
    cleat__uuid id = id_of(6), parent = id_of(1);
    assert_int_equal(cleat__run_get(*state, &id, &row), CLEAT_OK);
    assert_slice(row.task, "a:a");
    assert_int_equal(row.status, CLEAT_RUN_QUEUED);
    assert_int_equal(row.priority, 2);
    assert_int_equal(row.created_at_ms, 1006);
    assert_int_equal(row.started_at_ms, 0);
    assert_int_equal(row.finished_at_ms, 0);
    assert_true(row.is_child);
    assert_true(cleat__uuid_equals(&row.parent_id, &parent));
    assert_int_equal(row.child_index, 6);
    assert_slice(row.child_key, "six");
    assert_slice(row.input, "{}");
    assert_slice(row.metadata, NULL);
    assert_slice(row.output, NULL);

    id = id_of(2);
    assert_int_equal(cleat__run_get(*state, &id, &row), CLEAT_OK);
    assert_slice(row.error, "broken");
    assert_int_equal(row.finished_at_ms, 3000);
    assert_false(row.is_child);
    assert_int_equal(row.child_index, -1);

    id = id_of(99);
    assert_int_equal(cleat__run_get(*state, &id, &row), CLEAT_NOT_FOUND);
    assert_non_null(strstr(cleat_error_message(), "there is no run 01900000-0063"));
}

static void test_find(void **state)
{
    static const struct {
        const char *prefix;
        cleat_status status;
    } cases[] = {
        {"01900000-0003", CLEAT_OK},
        {"019000000003", CLEAT_OK},
        {"01900000-0003-7000-8000-000000000000", CLEAT_OK},
        {"01900000-000", CLEAT_INVALID_ARGUMENT},  /* several */
        {"0190000", CLEAT_INVALID_ARGUMENT},       /* short */
        {"01900000-0xyz", CLEAT_INVALID_ARGUMENT}, /* no hex */
        {"01900000-0003-7000-8000-0000000000000", CLEAT_INVALID_ARGUMENT},
        {"01900000-0009", CLEAT_NOT_FOUND},
        {"ffffffff", CLEAT_NOT_FOUND},
        {"", CLEAT_INVALID_ARGUMENT},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cleat__uuid id;
        assert_int_equal(cleat__run_find(*state, cleat_slice_of(cases[i].prefix), &id), cases[i].status);
        if (cases[i].status == CLEAT_OK) {
            assert_int_equal(id.bytes[5], 3);
        }
    }
}

static void test_count(void **state)
{
    uint64_t counts[6] = {9, 9, 9, 9, 9, 9};
    static const uint64_t expected[6] = {4, 1, 1, 1, 1, 0};
    assert_int_equal(cleat__run_count(*state, counts), CLEAT_OK);
    assert_memory_equal(counts, expected, sizeof(expected));
}

/* The plan: no list sorts or scans what it need not. */
static void expect_plan(cleat__store *store, const char *sql, const char *part)
{
    sqlite3_stmt *plan = NULL;
    char text[1024] = "";
    assert_int_equal(sqlite3_prepare_v2(cleat__store_db(store), sql, -1, &plan, NULL), SQLITE_OK);
    while (sqlite3_step(plan) == SQLITE_ROW) {
        strcat(text, (const char *)sqlite3_column_text(plan, 3));
    }
    sqlite3_finalize(plan);
    assert_non_null(strstr(text, part));
    assert_null(strstr(text, "TEMP B-TREE"));
}

static void test_children_are_found_by_index(void **state)
{
    expect_plan(*state,
                "EXPLAIN QUERY PLAN SELECT id FROM task WHERE parent_id = ?1 AND "
                "coalesce(child_key, CAST(child_index AS TEXT)) = coalesce(?2, CAST(?3 AS TEXT))",
                "task_child (parent_id=? AND <expr>=?)");
}

static void test_events_of_a_scope_are_found_by_index(void **state)
{
    expect_plan(*state,
                "EXPLAIN QUERY PLAN SELECT payload FROM event WHERE tenant = ?1 AND key = ?2 AND scope = ?5 "
                "AND id >= ?3 AND created_at_ms >= ?4 ORDER BY id DESC LIMIT ?6",
                "event_by_scope (tenant=? AND key=? AND scope=? AND id>?)");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        TEST(test_list),
        TEST(test_get),
        TEST(test_find),
        TEST(test_count),
        TEST(test_children_are_found_by_index),
        TEST(test_events_of_a_scope_are_found_by_index),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
