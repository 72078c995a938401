/* A file of an older version keeps what is in it. */
#include "store_test.h"

#include "cleat_sql.h"
#include "model/workflow.h"
#include "store/migrate.h"

static void execute(const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(FILE_NAME, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        fail_msg("%s", sqlite3_errmsg(db));
    }
    sqlite3_close(db);
}

/* As version 2 wrote it: two versions of one task, another one, and runs in each state. */
static int write_version_2(void **state)
{
    (void)state;
    remove_database();
    execute(cleat__sql_001_engine);
    execute(cleat__sql_002_spans);
    execute(
        "INSERT INTO task_type VALUES (1, 'pack:pack', 0, 1, 0, 2.0, 1, 60000, 300000);"
        "INSERT INTO task_type VALUES (2, 'archive:pack', 1, 2, 500, 2.0, 1000, -1, -1);"
        "INSERT INTO task_type VALUES (3, 'pack:pack', 5, 1, 0, 2.0, 1, 60000, 300000);"
        "INSERT INTO task VALUES (x'01900000000170008000000000000000', 1, 1, 1001, NULL, NULL, NULL, '{}', "
        "NULL);"
        "INSERT INTO task VALUES (x'01900000000270008000000000000000', 2, 3, 1002, "
        "x'01900000000170008000000000000000', 0, NULL, '{\"n\":2}', '{}');"
        "INSERT INTO task_end VALUES (x'01900000000170008000000000000000', 2, 0, 1, 2, '7', NULL);"
        "INSERT INTO task_live VALUES (x'01900000000270008000000000000000', 2, 3, 1, 1, 0, 1002, 1003);"
        "INSERT INTO task_log VALUES (x'01900000000270008000000000000000', 1, 0, 2, 1004, 'a line');"
        "PRAGMA application_id=1131177313; PRAGMA user_version=2");
    return 0;
}

typedef struct seen {
    char text[512];
    cleat__uuid workflow_ids[3], version_ids[3];
    int count;
} seen;

static cleat_status see(void *argument, const cleat__type_row *row)
{
    seen *all = argument;
    assert_true(all->count < 3);
    all->workflow_ids[all->count] = row->workflow_id;
    all->version_ids[all->count++] = row->version_id;
    sprintf(all->text + strlen(all->text), "%lld %lld %.*s %.*s %.*s %d;", (long long)row->id,
            (long long)row->tenant, CLEAT_SLICE_ARGS(row->workflow), CLEAT_SLICE_ARGS(row->task_name),
            CLEAT_SLICE_ARGS(row->action), row->policy.retries);
    cleat__needs *needs = NULL;
    assert_int_equal(cleat__needs_decode(row->declaration, &needs), CLEAT_OK);
    assert_int_equal(needs->slots->count, 1);
    assert_slice(needs->slots->items[0].type, "default");
    assert_int_equal(needs->slots->items[0].units, 1);
    cleat__needs_free(needs);
    return CLEAT_OK;
}

static void test_tasks_become_workflows_of_the_default_tenant(void **state)
{
    (void)state;
    cleat__store *store = open_store(CLEAT__STORE_WRITE);
    seen all = {.count = 0};
    assert_int_equal(cleat__load_types(store, see, &all), CLEAT_OK);
    assert_string_equal(all.text, "1 1 pack pack pack:pack 0;2 1 archive.pack pack archive:pack 1;"
                                  "3 1 pack pack pack:pack 5;");
    assert_true(cleat__uuid_equals(&all.workflow_ids[0], &all.workflow_ids[2]));
    assert_false(cleat__uuid_equals(&all.workflow_ids[0], &all.workflow_ids[1]));
    assert_false(cleat__uuid_equals(&all.version_ids[0], &all.version_ids[2]));
    assert_int_equal(read_int(store, "SELECT count(*) FROM workflow"), 2);
    cleat__store_close(store);
}

/* Declared again with the same words it is no new version: the text made by the migration is the
 * text made by cleat__workflow_encode(). */
static void test_a_task_declared_again_is_the_same(void **state)
{
    (void)state;
    cleat__store *store = open_store(CLEAT__STORE_WRITE);
    const cleat__workflow workflow = {
        .name = {"pack", 4},
        .tasks = &(cleat__workflow_task){.name = {"pack", 4}, .action = {"pack:pack", 9}},
        .task_count = 1};
    cleat__buffer text = {0};
    cleat__workflow_encode(&workflow, &text);
    assert_int_equal(cleat__type_compare(store, 3, cleat__buffer_slice(&text)), CLEAT_OK);
    cleat__buffer_append_byte(&text, ' ');
    assert_int_equal(cleat__type_compare(store, 3, cleat__buffer_slice(&text)), CLEAT_EMPTY);
    cleat__buffer_deinit(&text);
    cleat__store_close(store);
}

static bool see_line(void *argument, const cleat__log_line *line)
{
    ++*(int *)argument;
    assert_slice(line->message, "a line");
    assert_slice(line->metadata, NULL);
    return true;
}

static void test_runs_are_what_they_were(void **state)
{
    (void)state;
    cleat__store *store = open_store(CLEAT__STORE_WRITE);
    cleat__uuid id = id_of(0);
    id.bytes[5] = 1;
    cleat__run_row row;
    assert_int_equal(cleat__run_get(store, &id, &row), CLEAT_OK);
    assert_int_equal(row.status, CLEAT_RUN_COMPLETED);
    assert_slice(row.output, "7");
    assert_slice(row.workflow, "pack");
    assert_int_equal(row.tenant, CLEAT__TENANT_DEFAULT);
    assert_true(cleat__uuid_is_nil(&row.worker_id));
    id.bytes[5] = 2;
    assert_int_equal(cleat__run_get(store, &id, &row), CLEAT_OK);
    assert_int_equal(row.status, CLEAT_RUN_RUNNING);
    assert_slice(row.input, "{\"n\":2}");
    assert_slice(row.workflow, "archive.pack");
    assert_int_equal(cleat__load_exists(store, CLEAT__TENANT_DEFAULT, &id), CLEAT_OK);
    assert_int_equal(cleat__load_exists(store, 2, &id), CLEAT_NOT_FOUND);
    assert_true(cleat__uuid_is_nil(&row.event_id));
    assert_slice(row.event_key, NULL);
    int lines = 0;
    assert_int_equal(cleat__log_list(store, &id, see_line, &lines), CLEAT_OK);
    assert_int_equal(lines, 1);
    cleat__store_close(store);
}

/* "a.b:a.b" and "a:b" have the same workflow now; the later one is its newest version. */
static void test_names_that_fall_together(void **state)
{
    (void)state;
    execute("DELETE FROM task; DELETE FROM task_end; DELETE FROM task_live;"
            "UPDATE task_type SET action = 'a.b:a.b' WHERE id = 1;"
            "UPDATE task_type SET action = 'a:b' WHERE id > 1");
    cleat__store *store = open_store(CLEAT__STORE_WRITE);
    assert_int_equal(read_int(store, "SELECT count(*) FROM workflow"), 1);
    assert_int_equal(read_int(store, "SELECT count(DISTINCT workflow_id) FROM task_type"), 1);
    cleat__store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_tasks_become_workflows_of_the_default_tenant, write_version_2),
        cmocka_unit_test_setup(test_a_task_declared_again_is_the_same, write_version_2),
        cmocka_unit_test_setup(test_runs_are_what_they_were, write_version_2),
        cmocka_unit_test_setup(test_names_that_fall_together, write_version_2),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
