#include "base_test.h"

#include "base/clock.h"
#include "base/thread.h"

#include <signal.h>

static void test_deadlines(void **state)
{
    (void)state;
    assert_true(cleat__deadline_ns(-1) == INT64_MAX);
    assert_true(cleat__deadline_ns(INT64_MAX) == INT64_MAX);
    assert_true(cleat__remaining_ms(INT64_MAX) == INT64_MAX);
    assert_int_equal(cleat__remaining_ms(0), 0);
    assert_int_equal(cleat__remaining_ms(INT64_MIN), 0);
    int64_t now = cleat__clock_monotonic_ns(NULL);
    int64_t deadline = cleat__deadline_ns(60000);
    assert_true(deadline >= now + 60 * CLEAT__NS_PER_S);
    int64_t remaining = cleat__remaining_ms(deadline);
    assert_true(remaining > 50000 && remaining <= 60000);
    /* Rounded up: a wait that has not ended has at least a millisecond left. */
    assert_true(cleat__remaining_ms(cleat__clock_monotonic_ns(NULL) + CLEAT__NS_PER_S) <= 1000);
}

static void test_wait_ends_at_the_deadline(void **state)
{
    (void)state;
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t cond;
    cleat__cond_init(&cond);
    pthread_mutex_lock(&mutex);
    assert_false(cleat__cond_wait_until(&cond, &mutex, INT64_MIN));
    assert_false(cleat__cond_wait_until(&cond, &mutex, 0));
    int64_t deadline = cleat__deadline_ns(1);
    while (cleat__cond_wait_until(&cond, &mutex, deadline)) {
        /* woken for nothing */
    }
    assert_true(cleat__clock_monotonic_ns(NULL) >= deadline);
    pthread_mutex_unlock(&mutex);
    pthread_cond_destroy(&cond);
}

typedef struct handshake {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    bool done; /* mutex */
    bool blocks_term;
    bool blocks_segv;
} handshake;

static void *signal_done(void *argument)
{
    handshake *self = argument;
    sigset_t mask;
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    pthread_mutex_lock(&self->mutex);
    self->blocks_term = sigismember(&mask, SIGTERM) && sigismember(&mask, SIGALRM);
    self->blocks_segv = sigismember(&mask, SIGSEGV);
    self->done = true;
    pthread_cond_signal(&self->cond);
    pthread_mutex_unlock(&self->mutex);
    return self;
}

static void test_thread_signals_and_takes_no_signals(void **state)
{
    (void)state;
    handshake shared = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    cleat__cond_init(&shared.cond);
    pthread_t thread;
    assert_int_equal(cleat__thread_start(&thread, "a name of more than 15", signal_done, &shared), CLEAT_OK);
    pthread_mutex_lock(&shared.mutex);
    while (!shared.done) {
        assert_true(cleat__cond_wait_until(&shared.cond, &shared.mutex, INT64_MAX));
    }
    pthread_mutex_unlock(&shared.mutex);
    void *result = NULL;
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_ptr_equal(result, &shared);
    assert_true(shared.blocks_term);
    assert_false(shared.blocks_segv);
    sigset_t mask;
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    assert_false(sigismember(&mask, SIGTERM));
    pthread_cond_destroy(&shared.cond);
}

static struct {
    cleat__spin spin;
    long count; /* spin */
} counted = {.spin = {false}};

static void *count_up(void *argument)
{
    for (int i = 0; i < 20000; i++) {
        cleat__spin_lock(&counted.spin);
        counted.count++;
        cleat__spin_unlock(&counted.spin);
    }
    return argument;
}

static void test_spin_lock_excludes(void **state)
{
    (void)state;
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(cleat__thread_start(&threads[i], "count", count_up, NULL), CLEAT_OK);
    }
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(counted.count, 80000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deadlines),
        cmocka_unit_test(test_wait_ends_at_the_deadline),
        cmocka_unit_test(test_thread_signals_and_takes_no_signals),
        cmocka_unit_test(test_spin_lock_excludes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
