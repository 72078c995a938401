/* The space that the write-ahead log gets ahead of the commits that fill it. */
#include "store_test.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define KIB(count) ((size_t)(count)*1024)
#define MIB(count) ((int64_t)(count)*1024 * 1024)

static int clean(void **state)
{
    (void)state;
    remove_database();
    return 0;
}

static int64_t log_size(void)
{
    struct stat info;
    assert_int_equal(stat(FILE_NAME "-wal", &info), 0);
    return (int64_t)info.st_size;
}

/* One transaction of that size, about. */
static void commit_bytes(cleat__store *store, size_t size)
{
    char *action = malloc(size + 1);
    assert_non_null(action);
    memset(action, 'a', size);
    action[size] = '\0';
    assert_int_equal(cleat__store_begin(store), CLEAT_OK);
    put_type(store, action);
    assert_int_equal(cleat__store_commit(store), CLEAT_OK);
    free(action);
}

static int64_t count_types(cleat__store *store)
{
    return read_int(store, "SELECT count(*) FROM task_type");
}

static void test_commits_fill_the_space(void **state)
{
    (void)state;
    cleat__store *store = open_store(CLEAT__STORE_WRITE);
    commit_bytes(store, KIB(300));
    int64_t used = log_size();
    cleat__store_extend_log(store);
    assert_int_equal(log_size(), used + MIB(1));
    for (int i = 0; i < 3; i++) {
        commit_bytes(store, KIB(200));
        cleat__store_extend_log(store); /* there is space left */
        assert_int_equal(log_size(), used + MIB(1));
    }
    commit_bytes(store, KIB(800));
    used = log_size();
    assert_true(used > MIB(1) + MIB(1) / 4);
    cleat__store_extend_log(store);
    assert_int_equal(log_size(), used + MIB(1));
    assert_int_equal(count_types(store), 5);
    cleat__store_close(store);
}

static void test_a_file_that_is_hardly_used_gets_none(void **state)
{
    (void)state;
    cleat__store *store = open_store(CLEAT__STORE_WRITE);
    commit_bytes(store, 100);
    int64_t used = log_size();
    cleat__store_extend_log(store);
    assert_int_equal(log_size(), used);
    cleat__store_close(store);
}

static void test_without_syncs_there_is_no_need(void **state)
{
    (void)state;
    cleat__store *store = open_store(CLEAT__STORE_WRITE_UNSYNCED);
    commit_bytes(store, KIB(300));
    int64_t used = log_size();
    cleat__store_extend_log(store);
    assert_int_equal(log_size(), used);
    cleat__store_close(store);
}

static void test_a_log_that_a_reader_makes_long_gets_none(void **state)
{
    (void)state;
    cleat__store *store = open_store(CLEAT__STORE_WRITE);
    cleat__store *reader = open_store(CLEAT__STORE_READ);
    assert_int_equal(cleat__store_begin(reader), CLEAT_OK);
    assert_int_equal(count_types(reader), 0);
    commit_bytes(store, KIB(17 * 1024));
    int64_t used = log_size();
    assert_true(used > MIB(16));
    cleat__store_extend_log(store);
    assert_int_equal(log_size(), used);
    cleat__store_close(reader);
    cleat__store_close(store);
}

/* Commits before, into and behind the space; then the process is gone. */
static void commit_and_vanish(int commits)
{
    cleat__store *store = open_store(CLEAT__STORE_WRITE);
    for (int i = 0; i < commits; i++) {
        commit_bytes(store, KIB(300));
        cleat__store_extend_log(store);
    }
    _exit(0);
}

static void test_what_was_committed_is_there_after_a_crash(void **state)
{
    (void)state;
    for (int commits = 1; commits <= 9; commits += 4) {
        int exit_status = -1;
        remove_database();
        pid_t child = fork();
        if (child == 0) {
            commit_and_vanish(commits);
        }
        assert_int_equal(waitpid(child, &exit_status, 0), child);
        assert_int_equal(exit_status, 0);
        assert_true(log_size() > MIB(1)); /* with space behind what was committed */
        cleat__store *store = open_store(CLEAT__STORE_WRITE);
        assert_int_equal(count_types(store), commits);
        static const char change[] = "UPDATE task_type SET action = 'b'";
        assert_int_equal(sqlite3_exec(cleat__store_db(store), change, NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(read_int(store, "SELECT count(*) FROM task_type WHERE action = 'b'"), commits);
        cleat__store_close(store);
    }
}

static void test_another_writer_uses_the_space_too(void **state)
{
    (void)state;
    cleat__store *store = open_store(CLEAT__STORE_WRITE);
    cleat__store *other = open_store(CLEAT__STORE_SHARE);
    cleat__store *reader = open_store(CLEAT__STORE_READ);
    for (int i = 0; i < 6; i++) {
        commit_bytes(store, KIB(300));
        commit_bytes(other, KIB(100));
        cleat__store_extend_log(store);
        assert_int_equal(count_types(reader), 2 * (i + 1));
    }
    assert_int_equal(count_types(store), 12);
    cleat__store_close(reader);
    cleat__store_close(other);
    cleat__store_close(store);
}

/* Nobody is written over. */
static void test_none_is_given_while_another_writes(void **state)
{
    (void)state;
    cleat__store *store = open_store(CLEAT__STORE_WRITE);
    cleat__store *other = open_store(CLEAT__STORE_SHARE);
    commit_bytes(store, KIB(300));
    int64_t used = log_size();
    assert_int_equal(cleat__store_begin(other), CLEAT_OK);
    cleat__store_extend_log(store);
    assert_int_equal(log_size(), used);
    assert_int_equal(cleat__store_commit(other), CLEAT_OK);
    cleat__store_extend_log(store);
    assert_int_equal(log_size(), used + MIB(1));
    cleat__store_close(other);
    cleat__store_close(store);
}

/* In a process of its own, for the limit. */
static void extend_beyond_a_limit(void)
{
    cleat__store *store = open_store(CLEAT__STORE_WRITE);
    commit_bytes(store, KIB(300));
    int64_t used = log_size();
    const struct rlimit limit = {.rlim_cur = (rlim_t)used + KIB(600), .rlim_max = RLIM_INFINITY};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    cleat__store_extend_log(store);
    assert_int_equal(log_size(), used);
    commit_bytes(store, KIB(200));
    assert_int_equal(count_types(store), 2);
    cleat__store_extend_log(store); /* is not tried again */
    assert_true(log_size() < used + (int64_t)KIB(300));
    _exit(0);
}

static void test_a_disk_that_is_full_keeps_what_it_has_left(void **state)
{
    (void)state;
    int exit_status = -1;
    pid_t child = fork();
    if (child == 0) {
        extend_beyond_a_limit();
    }
    assert_int_equal(waitpid(child, &exit_status, 0), child);
    assert_int_equal(exit_status, 0);
    cleat__store *store = open_store(CLEAT__STORE_WRITE);
    assert_int_equal(count_types(store), 2);
    cleat__store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_commits_fill_the_space, clean),
        cmocka_unit_test_setup(test_a_file_that_is_hardly_used_gets_none, clean),
        cmocka_unit_test_setup(test_a_log_that_a_reader_makes_long_gets_none, clean),
        cmocka_unit_test_setup(test_without_syncs_there_is_no_need, clean),
        cmocka_unit_test_setup(test_what_was_committed_is_there_after_a_crash, clean),
        cmocka_unit_test_setup(test_another_writer_uses_the_space_too, clean),
        cmocka_unit_test_setup(test_none_is_given_while_another_writes, clean),
        cmocka_unit_test_setup(test_a_disk_that_is_full_keeps_what_it_has_left, clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
