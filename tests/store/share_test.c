/* A short writer beside an engine, and whoever of the two comes first to a file that is new or old. */
#include "store_test.h"

#include "cleat_sql.h"
#include "store/lock.h"
#include "store/tenant.h"

#include <pthread.h>
#include <sys/wait.h>

static int clean(void **state)
{
    (void)state;
    remove_database();
    return 0;
}

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

static cleat_status add_tenant(cleat__store *store, const char *name, uint8_t number)
{
    cleat__tenant tenant = {.uuid = id_of(number), .created_at_ms = 1};
    snprintf(tenant.name, sizeof(tenant.name), "%s", name);
    cleat_status status = cleat__store_begin(store);
    if (status == CLEAT_OK) {
        status = cleat__tenant_insert(store, &tenant);
    }
    return status == CLEAT_OK ? cleat__store_commit(store) : status;
}

static void make_version_2(void)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(FILE_NAME, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, cleat__sql_001_engine, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, cleat__sql_002_spans, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "INSERT INTO task_type VALUES (7, 'a:a', 0, 1, 0, 2.0, 0, 1000, 1000);"
                                  "PRAGMA application_id=1131177313; PRAGMA user_version=2",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
}

/* ---- Alone ---- */

static void test_a_new_file(void **state)
{
    (void)state;
    cleat__store *store = open_store(CLEAT__STORE_SHARE);
    assert_false(exists(FILE_NAME "-lock"));
    assert_int_equal(read_int(store, "PRAGMA application_id"), CLEAT__STORE_APPLICATION_ID);
    assert_int_equal(read_int(store, "PRAGMA synchronous"), 2); /* FULL */
    assert_int_equal(add_tenant(store, "acme", 1), CLEAT_OK);
    cleat__store_close(store);
    store = open_store(CLEAT__STORE_SHARE);
    assert_int_equal(read_int(store, "PRAGMA synchronous"), 2);
    assert_int_equal(read_int(store, "SELECT count(*) FROM tenant"), 2);
    cleat__store_close(store);
    assert_false(exists(FILE_NAME "-wal"));
}

static void test_the_default_tenant_has_a_uuid_of_its_own(void **state)
{
    (void)state;
    cleat__tenant tenants[3];
    for (int i = 0; i < 3; i++) {
        remove_database();
        if (i == 2) {
            make_version_2();
        }
        cleat__store *store = open_store(i == 0 ? CLEAT__STORE_SHARE : CLEAT__STORE_WRITE);
        assert_int_equal(cleat__tenant_find(store, cleat_slice_of("default"), &tenants[i]), CLEAT_OK);
        assert_int_equal(tenants[i].id, 1);
        assert_int_equal(tenants[i].uuid.bytes[6] >> 4, 4); /* RFC 9562: version 4 */
        assert_int_equal(tenants[i].uuid.bytes[8] >> 6, 2); /* and its variant */
        assert_int_equal(read_int(store, "SELECT length(uuid) FROM tenant"), 16);
        assert_true(tenants[i].created_at_ms > INT64_C(1600000000000));
        cleat__store_close(store);
    }
    assert_false(cleat__uuid_equals(&tenants[0].uuid, &tenants[1].uuid));
    assert_false(cleat__uuid_equals(&tenants[1].uuid, &tenants[2].uuid));
}

static void test_an_old_file_is_migrated(void **state)
{
    (void)state;
    make_version_2();
    cleat__store *store = open_store(CLEAT__STORE_SHARE);
    assert_int_equal(read_int(store, "SELECT id FROM task_type"), 7);
    assert_int_equal(read_int(store, "SELECT count(*) FROM tenant"), 1);
    cleat__store_close(store);
}

static void test_files_of_others_are_refused(void **state)
{
    (void)state;
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(FILE_NAME, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "CREATE TABLE t (a)", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    cleat__store *store = NULL;
    assert_int_equal(cleat__store_open(FILE_NAME, CLEAT__STORE_SHARE, &store), CLEAT_NOT_A_DATABASE);
    assert_int_equal(cleat__store_open(".", CLEAT__STORE_SHARE, &store), CLEAT_NOT_A_DATABASE);
    assert_int_equal(cleat__store_open("no/such.db", CLEAT__STORE_SHARE, &store), CLEAT_IO);
    assert_null(store);
}

/* ---- Beside an engine ---- */

static void test_both_see_what_the_other_wrote(void **state)
{
    (void)state;
    cleat__store *engine = open_store(CLEAT__STORE_WRITE), *sharer = open_store(CLEAT__STORE_SHARE);
    assert_int_equal(add_tenant(sharer, "acme", 1), CLEAT_OK);
    assert_int_equal(read_int(engine, "SELECT count(*) FROM tenant"), 2);
    assert_int_equal(cleat__store_begin(engine), CLEAT_OK);
    put_type(engine, "a:a");
    assert_int_equal(cleat__store_commit(engine), CLEAT_OK);
    assert_int_equal(read_int(sharer, "SELECT count(*) FROM task_type"), 1);
    cleat__store_close(sharer);
    assert_true(exists(FILE_NAME "-lock")); /* the engine's */
    assert_int_equal(read_int(engine, "SELECT count(*) FROM tenant"), 2);
    cleat__store_close(engine);
}

static int let_go(void *argument, int waits)
{
    assert_int_equal(cleat__store_commit(argument), CLEAT_OK);
    return waits == 0;
}

/* The engine must find the file taken, wait, and get it. */
static void test_the_engine_waits_for_a_short_writer(void **state)
{
    (void)state;
    cleat__store *engine = open_store(CLEAT__STORE_WRITE), *sharer = open_store(CLEAT__STORE_SHARE);
    assert_true(read_int(engine, "PRAGMA busy_timeout") >= 5000);
    assert_int_equal(cleat__store_begin(sharer), CLEAT_OK);
    sqlite3_busy_handler(cleat__store_db(engine), let_go, sharer);
    assert_int_equal(cleat__store_begin(engine), CLEAT_OK);
    assert_true(sqlite3_get_autocommit(cleat__store_db(sharer))); /* let_go was asked */
    assert_int_equal(cleat__store_commit(engine), CLEAT_OK);
    cleat__store_close(sharer);
    cleat__store_close(engine);
}

/* An engine of an older version works on what it knows. */
static void test_an_old_file_in_use_is_left_alone(void **state)
{
    (void)state;
    make_version_2();
    cleat__lock lock = CLEAT__LOCK_INIT;
    assert_int_equal(cleat__lock_take(&lock, FILE_NAME, false), CLEAT_OK);
    cleat__store *store = NULL;
    assert_int_equal(cleat__store_open(FILE_NAME, CLEAT__STORE_SHARE, &store), CLEAT_BUSY);
    assert_null(store);
    cleat__lock_release(&lock);
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(FILE_NAME, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "SELECT * FROM tenant", NULL, NULL, NULL), SQLITE_ERROR);
    sqlite3_close(db);
}

/* ---- All at once ---- */

static void *open_engine(void *argument)
{
    *(cleat_status *)argument = CLEAT_FAILED;
    cleat__store *store = NULL;
    *(cleat_status *)argument = cleat__store_open(FILE_NAME, CLEAT__STORE_WRITE, &store);
    cleat__store_close(store);
    return NULL;
}

/* Whoever has the lock for a moment is waited for. */
static void test_the_engine_waits_for_a_brief_lock(void **state)
{
    (void)state;
    cleat__lock lock = CLEAT__LOCK_INIT;
    char path[] = FILE_NAME;
    cleat_status status = CLEAT_FAILED;
    pthread_t thread;
    assert_int_equal(cleat__lock_take(&lock, path, true), CLEAT_OK);
    assert_int_equal(pthread_create(&thread, NULL, open_engine, &status), 0);
    cleat__lock_wait();
    cleat__lock_release(&lock);
    pthread_join(thread, NULL);
    assert_int_equal(status, CLEAT_OK);
}

static int child_adds_tenant(int go, uint8_t number)
{
    char byte, name[8];
    snprintf(name, sizeof(name), "t%d", number);
    if (read(go, &byte, 1) != 0) { /* the end of the pipe is the start */
        return 1;
    }
    cleat__store *store = NULL;
    cleat_status status = cleat__store_open(FILE_NAME, CLEAT__STORE_SHARE, &store);
    if (status == CLEAT_OK) {
        status = add_tenant(store, name, number);
    }
    cleat__store_close(store);
    if (status != CLEAT_OK) {
        fprintf(stderr, "%s: %s\n", cleat_status_name(status), cleat_error_message());
    }
    return status != CLEAT_OK;
}

/* An engine and several short writers start on a file that is not there: all succeed. */
static void test_many_start_at_once(void **state)
{
    enum { ROUNDS = 15, CHILDREN = 4 };
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        pid_t children[CHILDREN];
        int go[2];
        remove_database();
        assert_int_equal(pipe(go), 0);
        for (int i = 0; i < CHILDREN; i++) {
            children[i] = fork();
            if (children[i] == 0) {
                close(go[1]);
                _exit(child_adds_tenant(go[0], (uint8_t)(i + 1)));
            }
        }
        close(go[0]);
        close(go[1]);
        cleat__store *engine = open_store(CLEAT__STORE_WRITE);
        for (int i = 0; i < CHILDREN; i++) {
            int status = -1;
            assert_int_equal(waitpid(children[i], &status, 0), children[i]);
            assert_int_equal(status, 0);
        }
        assert_int_equal(read_int(engine, "SELECT count(*) FROM tenant"), CHILDREN + 1);
        cleat__store_close(engine);
    }
}

static void test_a_row_that_is_borrowed_can_be_given_back(void **state)
{
    (void)state;
    static const char query[] = "SELECT id FROM tenant";
    cleat__store *engine = open_store(CLEAT__STORE_WRITE), *other = open_store(CLEAT__STORE_SHARE);
    sqlite3_stmt *select = NULL;
    assert_int_equal(cleat__store_prepare(engine, query, &select), CLEAT_OK);
    assert_int_equal(sqlite3_step(select), SQLITE_ROW);
    assert_int_equal(add_tenant(other, "acme", 1), CLEAT_OK);
    assert_int_equal(cleat__store_begin(engine), CLEAT_BUSY); /* it still sees the file as it was */
    cleat__store_end_reads(engine);
    assert_int_equal(add_tenant(engine, "umbrella", 2), CLEAT_OK);
    cleat__store_close(other);
    cleat__store_close(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_a_new_file, clean),
        cmocka_unit_test_setup(test_the_default_tenant_has_a_uuid_of_its_own, clean),
        cmocka_unit_test_setup(test_an_old_file_is_migrated, clean),
        cmocka_unit_test_setup(test_files_of_others_are_refused, clean),
        cmocka_unit_test_setup(test_both_see_what_the_other_wrote, clean),
        cmocka_unit_test_setup(test_the_engine_waits_for_a_short_writer, clean),
        cmocka_unit_test_setup(test_a_row_that_is_borrowed_can_be_given_back, clean),
        cmocka_unit_test_setup(test_an_old_file_in_use_is_left_alone, clean),
        cmocka_unit_test_setup(test_the_engine_waits_for_a_brief_lock, clean),
        cmocka_unit_test_setup(test_many_start_at_once, clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
