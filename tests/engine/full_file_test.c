/* The file that the rules of `cleat check` are tested with is one that an engine opens, and can go on with. */
#include "core_test.h"

#include "support/checked_file.h"
#include "support/full_file.h"

static void remove_file(void)
{
    unlink(FILE_NAME);
    unlink(FILE_NAME "-wal");
    unlink(FILE_NAME "-shm");
}

static void write_file(void)
{
    cleat__store *store = NULL;
    char *error = NULL;
    remove_file();
    assert_int_equal(cleat__store_open(FILE_NAME, CLEAT__STORE_WRITE_UNSYNCED, &store), CLEAT_OK);
    if (sqlite3_exec(cleat__store_db(store), full_tables, NULL, NULL, &error) != SQLITE_OK) {
        fail_msg("%s", error);
    }
    cleat__store_close(store);
}

static void test_an_engine_goes_on_with_it(void **state)
{
    rig *at = calloc(1, sizeof(*at));
    (void)state;
    assert_non_null(at);
    write_file();
    assert_null(checked_file(FILE_NAME));
    at->now = (cleat__now){.unix_ms = 1700000000000, .monotonic_ms = 5000};
    open_core(at);
    for (int i = 0; i < 20; i++) {
        advance(at, 60000);
    }
    assert_int_equal(cleat__core_failure(at->core), CLEAT_OK);
    cleat__core_close(at->core);
    assert_null(checked_file(FILE_NAME));
    remove_file();
    free(at);
}

/* Somebody has to find the row. */
static void test_what_it_cannot_open_is_named(void **state)
{
    cleat__store *store = NULL;
    cleat__core *core = NULL;
    const cleat__core_options options = {.path = FILE_NAME, .mode = CLEAT__STORE_WRITE_UNSYNCED, .seed = 1};
    (void)state;
    write_file();
    assert_int_equal(cleat__store_open(FILE_NAME, CLEAT__STORE_WRITE_UNSYNCED, &store), CLEAT_OK);
    assert_int_equal(
        sqlite3_exec(cleat__store_db(store),
                     "UPDATE task_type SET declaration = json_set(declaration, '$.concurrency', "
                     "json('[{\"expression\":\"1 +\",\"max_runs\":1,\"strategy\":3}]')) WHERE id = 3",
                     NULL, NULL, NULL),
        SQLITE_OK);
    cleat__store_close(store);
    assert_int_equal(cleat__core_open(&options, (cleat__now){1700000000000, 5000}, &core), CLEAT_CORRUPT);
    assert_string_equal(cleat_error_message(),
                        "version 3 of \"v\": expression, character 4: expected a value, the "
                        "text ends");
    assert_non_null(checked_file(FILE_NAME));
    remove_file();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_engine_goes_on_with_it),
        cmocka_unit_test(test_what_it_cannot_open_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
