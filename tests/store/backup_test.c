/* Backups: whole or not there, of one state, and never over another file. */
#include "store_test.h"

#include "store/backup.h"
#include "store/tenant.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#define COPY "copy.db"

static void remove_copy(void)
{
    static const char *const names[] = {COPY, COPY "-wal", COPY "-shm", COPY "-partial", COPY "-lock"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        unlink(names[i]);
    }
}

static int setup(void **state)
{
    static const cleat__trigger trigger = {.input = {"{}", 2}};
    remove_database();
    remove_copy();
    cleat__store *store = open_store(CLEAT__STORE_WRITE);
    put_task(store, 1, put_type(store, "a:b"), &trigger);
    *state = store;
    return 0;
}

static int teardown(void **state)
{
    cleat__store_close(*state);
    remove_database();
    remove_copy();
    return 0;
}

static void fill(cleat__store *store, const char *rows)
{
    char sql[256];
    snprintf(sql, sizeof(sql),
             "WITH n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %s) "
             "INSERT INTO stream_chunk (payload) SELECT zeroblob(1000) FROM n",
             rows);
    assert_int_equal(sqlite3_exec(cleat__store_db(store), sql, NULL, NULL, NULL), SQLITE_OK);
}

static cleat_status back_up(const char *from, const char *to, cleat__backup_result *out)
{
    return cleat__backup(&(cleat__backup_options){.from = from, .to = to}, out);
}

static void assert_fails(const char *to, cleat_status wanted, const char *text)
{
    cleat__backup_result result;
    assert_int_equal(back_up(FILE_NAME, to, &result), wanted);
    if (strstr(cleat_error_message(), text) == NULL) {
        fail_msg("%s", cleat_error_message());
    }
}

static int64_t count_in_copy(const char *sql)
{
    cleat__store *copy = NULL;
    assert_int_equal(cleat__store_open(COPY, CLEAT__STORE_READ, &copy), CLEAT_OK);
    int64_t count = read_int(copy, sql);
    cleat__store_close(copy);
    return count;
}

static void test_a_copy_is_a_database(void **state)
{
    cleat__backup_result result;
    struct stat info;
    assert_int_equal(back_up(FILE_NAME, COPY, &result), CLEAT_OK);
    assert_int_equal(stat(COPY, &info), 0);
    assert_int_equal(info.st_size, result.bytes);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(result.schema, read_int(*state, "PRAGMA user_version"));
    assert_int_not_equal(access(COPY "-partial", F_OK), 0);
    assert_int_not_equal(access(COPY "-lock", F_OK), 0);
    assert_int_equal(count_in_copy("SELECT count(*) FROM task"), 1);
}

typedef struct writer {
    cleat__store *store;
    int steps;
    int64_t copied, all;
} writer;

/* What an engine does meanwhile. */
static bool write_meanwhile(void *argument, int64_t copied, int64_t all)
{
    writer *it = argument;
    assert_true(copied > it->copied);
    it->copied = copied;
    it->all = all;
    it->steps++;
    fill(it->store, "3000");
    return true;
}

static void test_writers_do_not_disturb(void **state)
{
    cleat__backup_result result;
    writer it = {.store = *state};
    fill(*state, "20000");
    assert_int_equal(
        cleat__backup(
            &(cleat__backup_options){.from = FILE_NAME, .to = COPY, .step = write_meanwhile, .argument = &it},
            &result),
        CLEAT_OK);
    assert_true(it.steps > 5);
    assert_int_equal(it.copied, it.all);
    assert_int_equal(result.bytes, it.all);
    assert_int_equal(count_in_copy("SELECT count(*) FROM stream_chunk"), 20000);
    assert_int_equal(read_int(*state, "SELECT count(*) FROM stream_chunk"), 20000 + 3000 * it.steps);
}

static bool give_up(void *argument, int64_t copied, int64_t all)
{
    (void)copied, (void)all;
    return ++*(int *)argument < 3;
}

static void test_one_that_is_broken_off_leaves_nothing(void **state)
{
    cleat__backup_result result;
    int steps = 0;
    fill(*state, "20000");
    assert_int_equal(
        cleat__backup(
            &(cleat__backup_options){.from = FILE_NAME, .to = COPY, .step = give_up, .argument = &steps},
            &result),
        CLEAT_CANCELLED);
    assert_int_equal(steps, 3);
    assert_int_not_equal(access(COPY, F_OK), 0);
    assert_int_not_equal(access(COPY "-partial", F_OK), 0);
    assert_int_not_equal(access(COPY "-lock", F_OK), 0);
}

static void test_what_a_crash_left_is_replaced(void **state)
{
    cleat__backup_result result;
    (void)state;
    int fd = open(COPY "-partial", O_WRONLY | O_CREAT, 0644);
    assert_int_equal(write(fd, "half", 4), 4);
    close(fd);
    assert_int_equal(back_up(FILE_NAME, COPY, &result), CLEAT_OK);
    assert_int_equal(count_in_copy("SELECT count(*) FROM task"), 1);
}

static void test_another_file_is_left_alone(void **state)
{
    (void)state;
    int fd = open(COPY, O_WRONLY | O_CREAT, 0600);
    assert_int_equal(write(fd, "mine", 4), 4);
    close(fd);
    assert_fails(COPY, CLEAT_ALREADY_EXISTS, "there already");
    assert_fails(FILE_NAME, CLEAT_ALREADY_EXISTS, "there already");
    assert_fails("nowhere/" COPY, CLEAT_IO, "there is no directory");
    assert_fails(".", CLEAT_NOT_A_DATABASE, "is a directory");
    struct stat info;
    assert_int_equal(stat(COPY, &info), 0);
    assert_int_equal(info.st_size, 4);
    /* A link that leads nowhere is a name that is taken, too. */
    unlink(COPY);
    assert_int_equal(symlink("nowhere", COPY), 0);
    assert_fails(COPY, CLEAT_ALREADY_EXISTS, "there already");
}

static void test_two_of_one_name_exclude_each_other(void **state)
{
    (void)state;
    int fd = open(COPY "-lock", O_RDWR | O_CREAT, 0600);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_int_equal(pwrite(fd, "1\n", 2, 0), 2);
    assert_fails(COPY, CLEAT_BUSY, "in use by process 1");
    close(fd);
}

static void test_only_a_database_of_ours_is_copied(void **state)
{
    cleat__backup_result result;
    (void)state;
    assert_int_equal(back_up("none.db", COPY, &result), CLEAT_NOT_FOUND);
    int fd = open(COPY "-partial", O_WRONLY | O_CREAT, 0600);
    close(fd);
    assert_int_equal(back_up(COPY "-partial", COPY, &result), CLEAT_NOT_A_DATABASE);
    assert_int_not_equal(access(COPY, F_OK), 0);
}

/* Before an update is when one is wanted. */
static void test_an_older_schema_is_copied(void **state)
{
    cleat__backup_result result;
    assert_int_equal(sqlite3_exec(cleat__store_db(*state), "PRAGMA user_version = 3", NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(back_up(FILE_NAME, COPY, &result), CLEAT_OK);
    assert_int_equal(result.schema, 3);
}

/* ---- Checked ---- */

static cleat_status back_up_checked(cleat__backup_result *out)
{
    return cleat__backup(&(cleat__backup_options){.from = FILE_NAME, .to = COPY, .is_checked = true}, out);
}

static void assert_no_copy(void)
{
    assert_int_not_equal(access(COPY, F_OK), 0);
    assert_int_not_equal(access(COPY "-partial", F_OK), 0);
    assert_int_not_equal(access(COPY "-partial-wal", F_OK), 0);
}

static void execute(cleat__store *store, const char *sql)
{
    assert_int_equal(sqlite3_exec(cleat__store_db(store), sql, NULL, NULL, NULL), SQLITE_OK);
}

static void test_what_is_wrong_is_not_kept(void **state)
{
    cleat__backup_result result;
    cleat__tenant tenant = {.name = "acme"};
    assert_int_equal(back_up_checked(&result), CLEAT_CORRUPT); /* the task has no workflow's version */
    assert_non_null(strstr(cleat_error_message(), FILE_NAME " is not as it must be: "));
    assert_no_copy();
    execute(*state, "DELETE FROM task; DELETE FROM task_live; DELETE FROM task_type");
    assert_int_equal(cleat__tenant_insert(*state, &tenant), CLEAT_OK);
    assert_int_equal(back_up_checked(&result), CLEAT_OK);
    assert_true(result.rules > 10);
    assert_int_equal(count_in_copy("SELECT count(*) FROM tenant WHERE name = 'acme'"), 1);
}

/* A page of zeros in the middle; of a file of another schema too, of which no other rule is known. */
static void test_damaged_pages_are_noticed(void **state)
{
    static const char zeros[4096];
    cleat__backup_result result;
    fill(*state, "1000");
    execute(*state, "PRAGMA user_version = 3; PRAGMA wal_checkpoint(TRUNCATE)");
    assert_int_equal(back_up_checked(&result), CLEAT_OK);
    assert_int_equal(result.rules, 1);
    remove_copy();
    int fd = open(FILE_NAME, O_WRONLY);
    assert_int_equal(pwrite(fd, zeros, sizeof(zeros), 100 * (off_t)sizeof(zeros)), sizeof(zeros));
    close(fd);
    assert_int_equal(back_up_checked(&result), CLEAT_CORRUPT);
    assert_no_copy();
    assert_int_equal(back_up(FILE_NAME, COPY, &result), CLEAT_OK);
    assert_int_equal(result.rules, 0);
}

static bool is_copied(void *argument, int64_t copied, int64_t all)
{
    return copied < all || ++*(int *)argument < 2; /* once at the end of the copying, then in the check */
}

static void test_a_check_can_be_broken_off(void **state)
{
    cleat__backup_result result;
    int calls = 0;
    const cleat__backup_options options = {
        .from = FILE_NAME, .to = COPY, .step = is_copied, .argument = &calls, .is_checked = true};
    fill(*state, "20000");
    assert_int_equal(cleat__backup(&options, &result), CLEAT_CANCELLED);
    assert_int_equal(calls, 2);
    assert_no_copy();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_copy_is_a_database, setup, teardown),
        cmocka_unit_test_setup_teardown(test_writers_do_not_disturb, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_that_is_broken_off_leaves_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_a_crash_left_is_replaced, setup, teardown),
        cmocka_unit_test_setup_teardown(test_another_file_is_left_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_two_of_one_name_exclude_each_other, setup, teardown),
        cmocka_unit_test_setup_teardown(test_only_a_database_of_ours_is_copied, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_older_schema_is_copied, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_wrong_is_not_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damaged_pages_are_noticed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_check_can_be_broken_off, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
