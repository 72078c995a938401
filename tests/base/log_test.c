#include "base_test.h"

#include "base/log.h"
#include "base/thread.h"

#include <sys/wait.h>
#include <unistd.h>

static int restore(void **state)
{
    (void)state;
    unsetenv("OTEL_LOG_LEVEL");
    cleat_log_set_handler(NULL, NULL, CLEAT_LOG_DEBUG);
    return 0;
}

static void test_silent_without_a_handler(void **state)
{
    (void)state;
    assert_false(cleat__log_enabled(CLEAT_LOG_ERROR));
    cleat__log(CLEAT_LOG_ERROR, "nobody hears %d", 1);
}

/* What standard error gets, in a child, when the library has said something at each level. */
static void read_stderr(const char *level, char *out, size_t size)
{
    int ends[2];
    ssize_t got;
    size_t length = 0;
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], STDERR_FILENO);
        setenv("OTEL_LOG_LEVEL", level, 1);
        cleat__log_to_stderr();
        cleat__log(CLEAT_LOG_WARN, "heard");
        cleat__log(CLEAT_LOG_INFO, "well");
        _exit(0);
    }
    close(ends[1]);
    while ((got = read(ends[0], out + length, size - 1 - length)) > 0) {
        length += (size_t)got;
    }
    out[length] = '\0';
    close(ends[0]);
    waitpid(pid, NULL, 0);
}

/* What standard error got by level, before any test has set a handler. */
static char without_handler[3][256];

static int read_all_levels(void **state)
{
    static const char *const levels[] = {"", "debug", "none"};
    (void)state;
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        read_stderr(levels[i], without_handler[i], sizeof(without_handler[i]));
    }
    return 0;
}

static void test_standard_error(void **state)
{
    (void)state;
    assert_string_equal(without_handler[0], "cleat: warning: heard\n");
    assert_string_equal(without_handler[1], "cleat: warning: heard\ncleat: info: well\n");
    assert_string_equal(without_handler[2], "");
}

static void test_silence_on_purpose(void **state)
{
    char text[256];
    (void)state;
    cleat_log_set_handler(NULL, NULL, CLEAT_LOG_WARN);
    read_stderr("debug", text, sizeof(text));
    assert_string_equal(text, "");
}

static void test_a_handler_hears_instead_of_standard_error(void **state)
{
    (void)state;
    kept_log kept = {0};
    cleat_log_set_handler(keep_message, &kept, CLEAT_LOG_INFO);
    cleat__log_to_stderr();
    cleat__log(CLEAT_LOG_INFO, "heard");
    assert_string_equal(kept.message, "heard");
}

static void test_levels(void **state)
{
    (void)state;
    kept_log kept = {0};
    cleat_log_set_handler(keep_message, &kept, CLEAT_LOG_WARN);
    assert_true(cleat__log_enabled(CLEAT_LOG_WARN));
    assert_false(cleat__log_enabled(CLEAT_LOG_INFO));
    cleat__log(CLEAT_LOG_INFO, "too quiet");
    assert_int_equal(kept.count, 0);
    cleat__log(CLEAT_LOG_WARN, "heard %s", "well");
    assert_int_equal(kept.count, 1);
    assert_int_equal(kept.level, CLEAT_LOG_WARN);
    assert_string_equal(kept.message, "heard well");
    cleat_log_set_handler(NULL, NULL, CLEAT_LOG_DEBUG);
    cleat__log(CLEAT_LOG_ERROR, "off");
    assert_int_equal(kept.count, 1);
}

static void test_environment_makes_it_quieter_only(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        cleat_log_level asked;
        int loudest;
    } cases[] = {
        {"", CLEAT_LOG_DEBUG, CLEAT_LOG_DEBUG},
        {"error", CLEAT_LOG_DEBUG, CLEAT_LOG_ERROR},
        {" WARN ", CLEAT_LOG_INFO, CLEAT_LOG_WARN},
        {"debug", CLEAT_LOG_WARN, CLEAT_LOG_WARN},
        {"none", CLEAT_LOG_DEBUG, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        kept_log kept = {0};
        setenv("OTEL_LOG_LEVEL", cases[i].value, 1);
        cleat_log_set_handler(keep_message, &kept, cases[i].asked);
        for (int level = CLEAT_LOG_ERROR; level <= CLEAT_LOG_DEBUG; level++) {
            assert_int_equal(cleat__log_enabled((cleat_log_level)level), level <= cases[i].loudest);
        }
        assert_int_equal(kept.count, 0);
    }
    kept_log kept = {0};
    setenv("OTEL_LOG_LEVEL", "loud", 1);
    cleat_log_set_handler(keep_message, &kept, CLEAT_LOG_INFO);
    assert_int_equal(kept.count, 1);
    assert_non_null(strstr(kept.message, "loud"));
    assert_true(cleat__log_enabled(CLEAT_LOG_INFO));
}

static void test_one_line_of_limited_size(void **state)
{
    (void)state;
    kept_log kept = {0};
    char text[3000];
    memset(text, 'x', sizeof(text));
    memcpy(text, "a\nb\rc", 5);
    text[sizeof(text) - 1] = '\0';
    cleat_log_set_handler(keep_message, &kept, CLEAT_LOG_DEBUG);
    cleat__log(CLEAT_LOG_DEBUG, "%s", text);
    assert_int_equal(strlen(kept.message), 1023);
    assert_memory_equal(kept.message, "a b cx", 6);
}

static void test_limited_holds_back_and_says_so(void **state)
{
    (void)state;
    kept_log kept = {0};
    cleat_log_set_handler(keep_message, &kept, CLEAT_LOG_WARN);
    static cleat__log_site site;
    for (int i = 0; i < 5; i++) {
        cleat__log_limited(&site, CLEAT_LOG_WARN, "again %d", i);
    }
    assert_int_equal(kept.count, 1);
    assert_string_equal(kept.message, "again 0");
    site.next_ns = 0; /* the second is over */
    cleat__log_limited(&site, CLEAT_LOG_WARN, "again");
    assert_string_equal(kept.message, "again (and 4 more like it)");
    cleat__log_limited(&site, CLEAT_LOG_INFO, "too quiet");
    assert_int_equal(site.held, 0);
}

static void log_again(void *user_data, cleat_log_level level, const char *message)
{
    keep_message(user_data, level, message);
    cleat__log(CLEAT_LOG_ERROR, "from inside");
    cleat_log_set_handler(NULL, NULL, CLEAT_LOG_ERROR);
}

static void test_handler_may_log_and_leave(void **state)
{
    (void)state;
    kept_log kept = {0};
    cleat_log_set_handler(log_again, &kept, CLEAT_LOG_ERROR);
    cleat__log(CLEAT_LOG_ERROR, "from outside");
    cleat__log(CLEAT_LOG_ERROR, "not heard");
    assert_int_equal(kept.count, 1);
    assert_string_equal(kept.message, "from outside");
}

typedef struct guarded {
    atomic_bool alive;
    atomic_int late;
} guarded;

static void check_alive(void *user_data, cleat_log_level level, const char *message)
{
    (void)level;
    (void)message;
    guarded *self = user_data;
    if (!atomic_load(&self->alive)) {
        atomic_fetch_add(&self->late, 1);
    }
}

static atomic_bool stop_logging;

static void *log_until_stopped(void *argument)
{
    static cleat__log_site site;
    while (!atomic_load(&stop_logging)) {
        cleat__log(CLEAT_LOG_WARN, "x");
        cleat__log_limited(&site, CLEAT_LOG_WARN, "y");
    }
    return argument;
}

static void test_replaced_handler_is_never_called_late(void **state)
{
    (void)state;
    pthread_t threads[2];
    guarded users[2] = {{false, 0}, {false, 0}};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(cleat__thread_start(&threads[i], "log", log_until_stopped, NULL), CLEAT_OK);
    }
    for (int i = 0; i < 500; i++) {
        guarded *fresh = &users[i % 2];
        atomic_store(&fresh->alive, true);
        cleat_log_set_handler(check_alive, fresh, CLEAT_LOG_WARN);
        atomic_store(&users[(i + 1) % 2].alive, false);
    }
    atomic_store(&stop_logging, true);
    for (size_t i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(atomic_load(&users[0].late) + atomic_load(&users[1].late), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_silent_without_a_handler, restore),
        cmocka_unit_test_teardown(test_standard_error, restore),
        cmocka_unit_test_teardown(test_silence_on_purpose, restore),
        cmocka_unit_test_teardown(test_a_handler_hears_instead_of_standard_error, restore),
        cmocka_unit_test_teardown(test_levels, restore),
        cmocka_unit_test_teardown(test_environment_makes_it_quieter_only, restore),
        cmocka_unit_test_teardown(test_one_line_of_limited_size, restore),
        cmocka_unit_test_teardown(test_limited_holds_back_and_says_so, restore),
        cmocka_unit_test_teardown(test_handler_may_log_and_leave, restore),
        cmocka_unit_test_teardown(test_replaced_handler_is_never_called_late, restore),
    };
    return cmocka_run_group_tests(tests, read_all_levels, NULL);
}
