#include "base_test.h"

#include "base/random.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_known_numbers(void **state)
{
    (void)state;
    /* The state 1, 2, 3, 4 gives these (reference implementation). */
    cleat__random random = {{1, 2, 3, 4}};
    const uint64_t expected[] = {11520, 0, 1509978240, 1215971899390074240};
    for (size_t i = 0; i < 4; i++) {
        assert_true(cleat__random_next(&random) == expected[i]);
    }
    /* splitmix64 of seed 0. */
    cleat__random_init(&random, 0);
    assert_true(random.state[0] == UINT64_C(0xE220A8397B1DCDAF));
    assert_true(random.state[1] == UINT64_C(0x6E789E6AA1B965F4));
}

static void test_a_seed_repeats(void **state)
{
    (void)state;
    cleat__random a, b;
    cleat__random_init(&a, 7);
    cleat__random_init(&b, 7);
    for (int i = 0; i < 100; i++) {
        assert_true(cleat__random_next(&a) == cleat__random_next(&b));
    }
}

static void test_below_is_uniform(void **state)
{
    (void)state;
    cleat__random random;
    cleat__random_init(&random, 3);
    size_t counts[7] = {0};
    for (int i = 0; i < 70000; i++) {
        counts[cleat__random_below(&random, 7)]++;
    }
    for (size_t i = 0; i < 7; i++) {
        assert_in_range(counts[i], 9600, 10400);
    }
    assert_int_equal(cleat__random_below(&random, 1), 0);
    uint64_t bound = (UINT64_C(1) << 63) + 1;
    for (int i = 0; i < 1000; i++) {
        assert_true(cleat__random_below(&random, bound) < bound);
    }
}

static void *next_of_a_thread(void *argument)
{
    *(uint64_t *)argument = cleat__random_next(cleat__random_thread());
    return NULL;
}

static void test_threads_differ(void **state)
{
    (void)state;
    uint64_t numbers[4];
    for (size_t i = 0; i < 4; i++) {
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, next_of_a_thread, &numbers[i]), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
        for (size_t j = 0; j < i; j++) {
            assert_true(numbers[i] != numbers[j]);
        }
    }
    assert_ptr_equal(cleat__random_thread(), cleat__random_thread());
}

static void test_a_forked_child_differs(void **state)
{
    (void)state;
    (void)cleat__random_next(cleat__random_thread());
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        uint64_t number = cleat__random_next(cleat__random_thread());
        _exit(write(ends[1], &number, sizeof(number)) != (ssize_t)sizeof(number));
    }
    uint64_t theirs = 0;
    uint64_t ours = cleat__random_next(cleat__random_thread());
    assert_int_equal(read(ends[0], &theirs, sizeof(theirs)), sizeof(theirs));
    int status = 1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_true(ours != theirs);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_numbers),          cmocka_unit_test(test_a_seed_repeats),
        cmocka_unit_test(test_below_is_uniform),       cmocka_unit_test(test_threads_differ),
        cmocka_unit_test(test_a_forked_child_differs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
