#include "store_test.h"

#include "cleat_sql.h"
#include "store/migrate.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
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

static void execute(const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(FILE_NAME, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

/* The whole file; the caller frees it. */
static char *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(*size + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

static void write_file(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

/* Opening fails so, says so, and leaves the file as it was and none beside it. */
static void assert_refused(cleat__store_mode mode, cleat_status expected, const char *message)
{
    size_t size_before = 0, size_after = 0;
    char *before = read_file(FILE_NAME, &size_before);
    cleat__store *store = NULL;
    cleat_status status = cleat__store_open(FILE_NAME, mode, &store);
    assert_int_equal(status, expected);
    assert_null(store);
    if (strstr(cleat_error_message(), message) == NULL || strstr(cleat_error_message(), FILE_NAME) == NULL) {
        fail_msg("message: %s", cleat_error_message());
    }
    char *after = read_file(FILE_NAME, &size_after);
    assert_int_equal(size_after, size_before);
    assert_memory_equal(after, before, size_before);
    assert_false(exists(FILE_NAME "-lock"));
    assert_false(exists(FILE_NAME "-wal"));
    assert_false(exists(FILE_NAME "-shm"));
    free(before);
    free(after);
}

/* ---- What is opened ---- */

static void test_a_new_file(void **state)
{
    (void)state;
    cleat__store *store = open_store(CLEAT__STORE_WRITE);
    assert_true(exists(FILE_NAME "-lock"));
    assert_int_equal(read_int(store, "PRAGMA application_id"), CLEAT__STORE_APPLICATION_ID);
    assert_int_equal(read_int(store, "PRAGMA user_version"), cleat__schema_newest());
    assert_int_equal(read_int(store, "PRAGMA synchronous"), 2); /* FULL */
    assert_int_equal(read_int(store, "SELECT count(*) FROM task"), 0);
    assert_int_equal(read_int(store, "SELECT count(*) FROM span"), 0);
    cleat__store_close(store);
    assert_true(exists(FILE_NAME));
    assert_false(exists(FILE_NAME "-lock"));
    assert_false(exists(FILE_NAME "-wal"));
    cleat__store_close(NULL);
}

static void test_an_empty_file_becomes_a_database(void **state)
{
    (void)state;
    write_file(FILE_NAME, "", 0);
    cleat__store_close(open_store(CLEAT__STORE_WRITE));
    cleat__store_close(open_store(CLEAT__STORE_READ));
}

static void test_migration_from_version_1_keeps_what_is_there(void **state)
{
    (void)state;
    execute(cleat__sql_001_engine);
    execute("INSERT INTO task_type VALUES (7, 'a:a', 0, 1, 0, 2.0, 0, 1000, 1000);"
            "PRAGMA application_id=1131177313; PRAGMA user_version=1");
    cleat__store *store = open_store(CLEAT__STORE_WRITE);
    assert_int_equal(read_int(store, "PRAGMA user_version"), cleat__schema_newest());
    assert_int_equal(read_int(store, "SELECT id FROM task_type"), 7);
    assert_int_equal(read_int(store, "SELECT count(*) FROM span"), 0);
    cleat__store_close(store);
}

static void test_reader_does_not_migrate(void **state)
{
    (void)state;
    execute(cleat__sql_001_engine);
    execute("PRAGMA application_id=1131177313; PRAGMA user_version=1");
    assert_refused(CLEAT__STORE_READ, CLEAT_FAILED_PRECONDITION, "schema 1, this Cleat reads ");
}

static void test_symbolic_links_lead_to_one_lock(void **state)
{
    (void)state;
    cleat__store *store = open_store(CLEAT__STORE_WRITE);
    assert_int_equal(symlink(FILE_NAME, "link.db"), 0);
    cleat__store *second = NULL;
    assert_int_equal(cleat__store_open("link.db", CLEAT__STORE_WRITE, &second), CLEAT_BUSY);
    unlink("link.db");
    cleat__store_close(store);
}

/* ---- What is refused ---- */

static void test_newer_version(void **state)
{
    (void)state;
    cleat__store_close(open_store(CLEAT__STORE_WRITE));
    execute("PRAGMA user_version=99");
    assert_refused(CLEAT__STORE_WRITE, CLEAT_NEWER_VERSION,
                   "was written by a newer Cleat (schema 99, this one knows ");
    assert_refused(CLEAT__STORE_READ, CLEAT_NEWER_VERSION, "newer Cleat");
}

/* As after a crash of that newer version: its log is not touched either. */
static void test_newer_version_with_a_log(void **state)
{
    (void)state;
    cleat__store_close(open_store(CLEAT__STORE_WRITE));
    pid_t child = fork();
    if (child == 0) {
        sqlite3 *db = NULL;
        int code = sqlite3_open(FILE_NAME, &db);
        _exit(code != SQLITE_OK || sqlite3_exec(db, "PRAGMA user_version=99", NULL, NULL, NULL) != SQLITE_OK);
    }
    int exit_status = -1;
    assert_int_equal(waitpid(child, &exit_status, 0), child);
    assert_int_equal(exit_status, 0);
    size_t sizes[4];
    char *file = read_file(FILE_NAME, &sizes[0]), *log = read_file(FILE_NAME "-wal", &sizes[1]);
    assert_true(sizes[1] > 0);
    cleat__store *store = NULL;
    assert_int_equal(cleat__store_open(FILE_NAME, CLEAT__STORE_WRITE, &store), CLEAT_NEWER_VERSION);
    assert_int_equal(cleat__store_open(FILE_NAME, CLEAT__STORE_READ, &store), CLEAT_NEWER_VERSION);
    char *file_after = read_file(FILE_NAME, &sizes[2]);
    char *log_after = read_file(FILE_NAME "-wal", &sizes[3]);
    assert_int_equal(sizes[2], sizes[0]);
    assert_int_equal(sizes[3], sizes[1]);
    assert_memory_equal(file_after, file, sizes[0]);
    assert_memory_equal(log_after, log, sizes[1]);
    free(file);
    free(log);
    free(file_after);
    free(log_after);
}

static void test_database_of_another_program(void **state)
{
    (void)state;
    execute("CREATE TABLE recipe (name TEXT)");
    assert_refused(CLEAT__STORE_WRITE, CLEAT_NOT_A_DATABASE, "another program");
    assert_refused(CLEAT__STORE_READ, CLEAT_NOT_A_DATABASE, "another program");
    execute("PRAGMA journal_mode=WAL");
    assert_refused(CLEAT__STORE_WRITE, CLEAT_NOT_A_DATABASE, "another program");
}

static void test_a_text_file(void **state)
{
    (void)state;
    static const char text[] = "This is no database at all, but long enough to be taken for one by its size: "
                               "a header of SQLite has one hundred bytes.\n";
    write_file(FILE_NAME, text, sizeof(text) - 1);
    assert_refused(CLEAT__STORE_WRITE, CLEAT_NOT_A_DATABASE, "is no database; use another file");
    assert_refused(CLEAT__STORE_READ, CLEAT_NOT_A_DATABASE, "use another file");
}

static void test_a_damaged_file(void **state)
{
    (void)state;
    cleat__store_close(open_store(CLEAT__STORE_WRITE));
    size_t size = 0;
    char *bytes = read_file(FILE_NAME, &size);
    memset(bytes + 100, 0xA5, 3000); /* the schema, behind the header */
    write_file(FILE_NAME, bytes, size);
    free(bytes);
    assert_refused(CLEAT__STORE_WRITE, CLEAT_CORRUPT, "restore a copy");
    assert_refused(CLEAT__STORE_READ, CLEAT_CORRUPT, "damaged");
}

static void test_an_empty_file_cannot_be_read(void **state)
{
    (void)state;
    write_file(FILE_NAME, "", 0);
    assert_refused(CLEAT__STORE_READ, CLEAT_NOT_A_DATABASE, "is empty");
}

static void test_paths(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        cleat__store_mode mode;
        cleat_status status;
        const char *message;
    } cases[] = {
        {NULL, CLEAT__STORE_WRITE, CLEAT_INVALID_ARGUMENT, "missing"},
        {"", CLEAT__STORE_WRITE, CLEAT_INVALID_ARGUMENT, "missing"},
        {".", CLEAT__STORE_WRITE, CLEAT_NOT_A_DATABASE, "is a directory; give the path of a file"},
        {"/", CLEAT__STORE_READ, CLEAT_NOT_A_DATABASE, "is a directory"},
        {"new/", CLEAT__STORE_WRITE, CLEAT_NOT_A_DATABASE, "is a directory"},
        {"/dev/null", CLEAT__STORE_WRITE, CLEAT_NOT_A_DATABASE, "not a regular file"},
        {"no/such/file.db", CLEAT__STORE_WRITE, CLEAT_IO, "there is no directory no/such; create it first"},
        {"no.db", CLEAT__STORE_READ, CLEAT_NOT_FOUND, "there is no database no.db"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cleat__store *store = NULL;
        assert_int_equal(cleat__store_open(cases[i].path, cases[i].mode, &store), cases[i].status);
        if (strstr(cleat_error_message(), cases[i].message) == NULL) {
            fail_msg("message: %s", cleat_error_message());
        }
    }
    assert_false(exists("no.db"));
}

/* Runs `body` in a child that permissions apply to; false when there is no such user to be. */
static bool without_privileges(void (*body)(void))
{
    pid_t child = fork();
    if (child == 0) {
        if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0)) {
            _exit(77);
        }
        body();
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77) {
        return false;
    }
    assert_int_equal(WEXITSTATUS(status), 0);
    return true;
}

/* In the child, where failing means a nonzero exit. */
static void expect(const char *path, cleat__store_mode mode, cleat_status expected, const char *message)
{
    cleat__store *store = NULL;
    cleat_status status = cleat__store_open(path, mode, &store);
    if (status != expected || strstr(cleat_error_message(), message) == NULL) {
        fprintf(stderr, "%s: %s\n", cleat_status_name(status), cleat_error_message());
        _exit(1);
    }
    cleat__store_close(store);
}

static void open_read_only_file(void)
{
    expect(FILE_NAME, CLEAT__STORE_WRITE, CLEAT_READ_ONLY, "is read-only; make it writable");
}

static void open_in_read_only_directory(void)
{
    expect("closed/" FILE_NAME, CLEAT__STORE_WRITE, CLEAT_READ_ONLY, "make its directory writable");
    expect("closed/new.db", CLEAT__STORE_WRITE, CLEAT_READ_ONLY, "make its directory writable");
}

static void test_read_only(void **state)
{
    (void)state;
    assert_int_equal(chmod(".", 0777), 0);
    cleat__store_close(open_store(CLEAT__STORE_WRITE));
    assert_int_equal(chmod(FILE_NAME, 0444), 0);
    if (!without_privileges(open_read_only_file)) {
        skip();
    }
    assert_false(exists(FILE_NAME "-lock"));
    assert_int_equal(mkdir("closed", 0777), 0);
    assert_int_equal(rename(FILE_NAME, "closed/" FILE_NAME), 0);
    assert_int_equal(chmod("closed/" FILE_NAME, 0666), 0);
    assert_int_equal(chmod("closed", 0555), 0);
    assert_true(without_privileges(open_in_read_only_directory));
    assert_int_equal(chmod("closed", 0777), 0);
    unlink("closed/" FILE_NAME);
    rmdir("closed");
}

/* ---- One engine per file ---- */

static void test_two_stores_in_one_process(void **state)
{
    (void)state;
    cleat__store *first = open_store(CLEAT__STORE_WRITE);
    cleat__store *second = NULL;
    assert_int_equal(cleat__store_open(FILE_NAME, CLEAT__STORE_WRITE, &second), CLEAT_BUSY);
    assert_non_null(strstr(cleat_error_message(), "another client in this process"));
    assert_true(exists(FILE_NAME "-lock"));
    assert_int_equal(cleat__store_begin(first), CLEAT_OK);
    put_type(first, "a:a");
    assert_int_equal(cleat__store_commit(first), CLEAT_OK);
    cleat__store_close(first);
    second = open_store(CLEAT__STORE_WRITE);
    assert_int_equal(read_int(second, "SELECT count(*) FROM task_type"), 1);
    cleat__store_close(second);
}

/* An engine of another process, which has the file until that is killed. */
static pid_t hold_in_child(void)
{
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        cleat__store *held = NULL;
        if (cleat__store_open(FILE_NAME, CLEAT__STORE_WRITE, &held) != CLEAT_OK ||
            write(ready[1], "x", 1) != 1) {
            _exit(1);
        }
        for (;;) {
            pause();
        }
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    return child;
}

static void kill_child(pid_t child)
{
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void assert_busy(const char *path, const char *message)
{
    cleat__store *store = NULL;
    assert_int_equal(cleat__store_open(path, CLEAT__STORE_WRITE, &store), CLEAT_BUSY);
    if (strstr(cleat_error_message(), message) == NULL) {
        fail_msg("message: %s", cleat_error_message());
    }
}

static void test_two_processes_and_a_kill(void **state)
{
    (void)state;
    pid_t child = hold_in_child();
    char expected[64];
    snprintf(expected, sizeof(expected), "in use by process %ld", (long)child);
    assert_busy(FILE_NAME, expected);
    cleat__store_close(open_store(CLEAT__STORE_READ));
    kill_child(child);
    cleat__store_close(open_store(CLEAT__STORE_WRITE));
}

static void test_the_file_itself_is_locked(void **state)
{
    (void)state;
    pid_t child = hold_in_child();
    assert_int_equal(link(FILE_NAME, "link.db"), 0);
    assert_busy("link.db", "which knows it by another name");
    assert_false(exists("link.db-lock"));
    assert_false(exists("link.db-wal"));
    assert_int_equal(unlink(FILE_NAME "-lock"), 0);
    assert_busy(FILE_NAME, FILE_NAME "-lock was removed");
    cleat__store_close(open_store(CLEAT__STORE_READ));
    kill_child(child);
    cleat__store_close(open_store(CLEAT__STORE_WRITE)); /* with the log of that name */
    unlink("link.db");
}

/* Whether this process has SQLite's shared lock on the file; another one must ask. */
static bool has_shared_lock(void)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        struct flock shared = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0x40000002, .l_len = 510};
        int fd = open(FILE_NAME, O_RDWR);
        bool has = fd >= 0 && fcntl(fd, F_GETLK, &shared) == 0 && shared.l_type == F_RDLCK &&
                   shared.l_pid == getppid();
        _exit(has ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void test_another_name_in_one_process(void **state)
{
    (void)state;
    cleat__store *first = open_store(CLEAT__STORE_WRITE);
    assert_true(has_shared_lock());
    assert_int_equal(link(FILE_NAME, "link.db"), 0);
    assert_busy("link.db", "another client in this process, under another name");
    assert_true(has_shared_lock());
    cleat__store_close(first);
    assert_false(has_shared_lock());
    assert_int_equal(cleat__store_open("link.db", CLEAT__STORE_WRITE, &first), CLEAT_OK);
    cleat__store_close(first);
    unlink("link.db");
}

static void test_tables_of_another_build_are_told(void **state)
{
    static const char sql[] = "SELECT metadata FROM task";
    sqlite3_stmt *statement = NULL;
    (void)state;
    cleat__store_close(open_store(CLEAT__STORE_WRITE));
    execute("ALTER TABLE task RENAME COLUMN metadata TO words");
    cleat__store *store = open_store(CLEAT__STORE_READ);
    assert_int_equal(cleat__store_prepare(store, sql, &statement), CLEAT_FAILED_PRECONDITION);
    assert_non_null(strstr(cleat_error_message(), "made by another build of Cleat"));
    assert_non_null(strstr(cleat_error_message(), "no such column: metadata"));
    assert_null(statement);
    cleat__store_close(store);
}

static void test_a_reader_sees_what_is_committed(void **state)
{
    (void)state;
    cleat__store *writer = open_store(CLEAT__STORE_WRITE);
    cleat__store *reader = open_store(CLEAT__STORE_READ);
    assert_int_equal(cleat__store_begin(writer), CLEAT_OK);
    put_type(writer, "a:a");
    assert_int_equal(read_int(reader, "SELECT count(*) FROM task_type"), 0);
    assert_int_equal(cleat__store_commit(writer), CLEAT_OK);
    assert_int_equal(read_int(reader, "SELECT count(*) FROM task_type"), 1);
    assert_int_not_equal(sqlite3_exec(cleat__store_db(reader), "DELETE FROM task_type", NULL, NULL, NULL),
                         SQLITE_OK);

    assert_int_equal(cleat__store_begin(reader), CLEAT_OK);
    assert_int_equal(read_int(reader, "SELECT count(*) FROM task_type"), 1);
    assert_int_equal(cleat__store_begin(writer), CLEAT_OK);
    put_type(writer, "b:b");
    assert_int_equal(cleat__store_commit(writer), CLEAT_OK);
    assert_int_equal(read_int(reader, "SELECT count(*) FROM task_type"), 1);
    assert_int_equal(cleat__store_commit(reader), CLEAT_OK);
    cleat__store_close(reader);
    cleat__store_close(writer);
}

/* Each in a transaction of its own, so that the log is checkpointed between them where it can be. */
static void put_large_types(cleat__store *store, int count)
{
    static char large[1 << 20];
    memset(large, 'a', sizeof(large) - 1);
    for (int i = 0; i < count; i++) {
        assert_int_equal(cleat__store_begin(store), CLEAT_OK);
        put_type(store, large);
        assert_int_equal(cleat__store_commit(store), CLEAT_OK);
    }
}

static int64_t log_size(void)
{
    struct stat info;
    assert_int_equal(stat(FILE_NAME "-wal", &info), 0);
    return (int64_t)info.st_size;
}

static void test_the_log_shrinks_after_a_long_reader(void **state)
{
    (void)state;
    cleat__store *writer = open_store(CLEAT__STORE_WRITE_UNSYNCED);
    cleat__store *reader = open_store(CLEAT__STORE_READ);
    assert_int_equal(cleat__store_begin(reader), CLEAT_OK);
    assert_int_equal(read_int(reader, "SELECT count(*) FROM task_type"), 0);
    put_large_types(writer, 80);
    assert_true(log_size() > 80 << 20); /* the reader needs what the file had before */
    assert_int_equal(cleat__store_commit(reader), CLEAT_OK);
    put_large_types(writer, 2);
    assert_true(log_size() <= 64 << 20);
    cleat__store_close(reader);
    cleat__store_close(writer);
    remove_database();
}

static void test_close_rolls_back(void **state)
{
    (void)state;
    cleat__store *store = open_store(CLEAT__STORE_WRITE);
    assert_int_equal(cleat__store_begin(store), CLEAT_OK);
    put_type(store, "a:a");
    cleat__store_rollback(store);
    cleat__store_rollback(store);
    assert_int_equal(cleat__store_begin(store), CLEAT_OK);
    put_type(store, "a:a");
    cleat__store_close(store);
    store = open_store(CLEAT__STORE_WRITE);
    assert_int_equal(read_int(store, "SELECT count(*) FROM task_type"), 0);
    cleat__store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_a_new_file, clean),
        cmocka_unit_test_setup(test_an_empty_file_becomes_a_database, clean),
        cmocka_unit_test_setup(test_migration_from_version_1_keeps_what_is_there, clean),
        cmocka_unit_test_setup(test_reader_does_not_migrate, clean),
        cmocka_unit_test_setup(test_symbolic_links_lead_to_one_lock, clean),
        cmocka_unit_test_setup(test_newer_version, clean),
        cmocka_unit_test_setup(test_newer_version_with_a_log, clean),
        cmocka_unit_test_setup(test_database_of_another_program, clean),
        cmocka_unit_test_setup(test_a_text_file, clean),
        cmocka_unit_test_setup(test_a_damaged_file, clean),
        cmocka_unit_test_setup(test_an_empty_file_cannot_be_read, clean),
        cmocka_unit_test_setup(test_paths, clean),
        cmocka_unit_test_setup(test_read_only, clean),
        cmocka_unit_test_setup(test_two_stores_in_one_process, clean),
        cmocka_unit_test_setup(test_two_processes_and_a_kill, clean),
        cmocka_unit_test_setup(test_the_file_itself_is_locked, clean),
        cmocka_unit_test_setup(test_another_name_in_one_process, clean),
        cmocka_unit_test_setup(test_tables_of_another_build_are_told, clean),
        cmocka_unit_test_setup(test_a_reader_sees_what_is_committed, clean),
        cmocka_unit_test_setup(test_the_log_shrinks_after_a_long_reader, clean),
        cmocka_unit_test_setup(test_close_rolls_back, clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
