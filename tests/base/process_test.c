#include "base/base_test.h"
#include "base/process.h"
#include "base/thread.h"

#include <sys/wait.h>
#include <unistd.h>

/* What a child finds wrong is its exit code. */
static int in_child(int (*work)(void *argument), void *argument)
{
    int status = -1;
    pid_t pid = fork();
    if (pid == 0) {
        alarm(300);
        _exit(work(argument));
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

typedef struct noted_hook {
    cleat__fork_hook hook;
    pthread_mutex_t mutex;
    char *notes;
    char letter;
    bool was_whole;
} noted_hook;

static void note_child(void *object, bool is_whole)
{
    noted_hook *noted = object;
    noted->notes[strlen(noted->notes)] = noted->letter;
    noted->was_whole = is_whole;
}

static void noted_init(noted_hook *noted, cleat__fork_rank rank, char *notes, char letter)
{
    *noted = (noted_hook){.notes = notes, .letter = letter};
    pthread_mutex_init(&noted->mutex, NULL);
    noted->hook = (cleat__fork_hook){rank, &noted->mutex, false, note_child, noted, false, NULL};
    cleat__fork_register(&noted->hook);
}

static int check_notes(void *argument)
{
    noted_hook *noted = argument;
    return strcmp(noted->notes, "abc") != 0 || !noted->was_whole || pthread_mutex_trylock(&noted->mutex) != 0;
}

static void test_hooks_are_called_by_rank(void **state)
{
    char notes[8] = "";
    noted_hook a, b, c;
    (void)state;
    noted_init(&b, CLEAT__FORK_EXPORTER, notes, 'b');
    noted_init(&c, CLEAT__FORK_QUEUE, notes, 'c');
    noted_init(&a, CLEAT__FORK_PROVIDER, notes, 'a');
    assert_int_equal(in_child(check_notes, &c), 0);
    assert_string_equal(notes, "");
    assert_int_equal(pthread_mutex_trylock(&b.mutex), 0);
    pthread_mutex_unlock(&b.mutex);
    cleat__fork_unregister(&a.hook);
    cleat__fork_unregister(&b.hook);
    cleat__fork_unregister(&c.hook);
    cleat__fork_unregister(&c.hook);
}

static int check_not_told(void *argument)
{
    return strcmp(argument, "") != 0;
}

static void test_an_unregistered_hook_is_not_called(void **state)
{
    char notes[8] = "";
    noted_hook a;
    (void)state;
    noted_init(&a, CLEAT__FORK_PROVIDER, notes, 'a');
    cleat__fork_unregister(&a.hook);
    assert_int_equal(in_child(check_not_told, notes), 0);
}

static int check_not_whole(void *argument)
{
    noted_hook *noted = argument;
    return strcmp(noted->notes, "a") != 0 || noted->was_whole;
}

static void test_a_fork_does_not_wait_for_what_is_held_long(void **state)
{
    char notes[8] = "";
    noted_hook a;
    (void)state;
    noted_init(&a, CLEAT__FORK_PROCESSOR, notes, 'a');
    a.hook.is_held_long = true;
    pthread_mutex_lock(&a.mutex);
    a.was_whole = true;
    assert_int_equal(in_child(check_not_whole, &a), 0);
    pthread_mutex_unlock(&a.mutex);
    cleat__fork_unregister(&a.hook);
}

/* Takes a mutex again and again; the copy in the child is to be free each time. */
typedef struct busy_mutex {
    noted_hook *noted;
    atomic_bool stops;
} busy_mutex;

static void *lock_until_told(void *argument)
{
    busy_mutex *busy = argument;
    while (!atomic_load(&busy->stops)) {
        pthread_mutex_lock(&busy->noted->mutex);
        pthread_mutex_unlock(&busy->noted->mutex);
    }
    return NULL;
}

static int lock_once(void *argument)
{
    return pthread_mutex_lock(argument);
}

static void test_no_mutex_stays_locked(void **state)
{
    char notes[8] = "";
    noted_hook a;
    busy_mutex busy = {.noted = &a};
    pthread_t thread;
    (void)state;
    noted_init(&a, CLEAT__FORK_PROVIDER, notes, 'a');
    assert_int_equal(pthread_create(&thread, NULL, lock_until_told, &busy), 0);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(in_child(lock_once, &a.mutex), 0);
    }
    atomic_store(&busy.stops, true);
    pthread_join(thread, NULL);
    cleat__fork_unregister(&a.hook);
}

static int check_generation(void *argument)
{
    return cleat__process() != *(uint64_t *)argument + 1;
}

static void test_a_child_knows_that_it_is_one(void **state)
{
    uint64_t generation = cleat__process();
    (void)state;
    assert_int_equal(in_child(check_generation, &generation), 0);
    assert_true(cleat__process() == generation);
}

/* ---- Exit ---- */

static int pipe_ends[2];

typedef struct noted_exit {
    cleat__exit_hook hook;
    char letter;
} noted_exit;

static void write_letter(void *object, int64_t deadline_ns)
{
    char letter = ((noted_exit *)object)->letter;
    if (deadline_ns > cleat__deadline_ns(CLEAT__EXIT_TIMEOUT_MS) || write(pipe_ends[1], &letter, 1) != 1) {
        _exit(1);
    }
}

static void write_handler(void)
{
    if (write(pipe_ends[1], "-", 1) != 1) {
        _exit(1);
    }
}

/* What a child that exits writes. */
static void read_exit(void (*work)(void), char *out, size_t size)
{
    assert_int_equal(pipe(pipe_ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        alarm(300);
        work();
        exit(0);
    }
    close(pipe_ends[1]);
    size_t got = 0;
    for (ssize_t more; got < size - 1 && (more = read(pipe_ends[0], out + got, size - 1 - got)) > 0;) {
        got += (size_t)more;
    }
    out[got] = '\0';
    close(pipe_ends[0]);
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static noted_exit exits[3] = {{.letter = 'a'}, {.letter = 'b'}, {.letter = 'c'}};

static void register_exit(int index)
{
    exits[index].hook.run = write_letter;
    exits[index].hook.object = &exits[index];
    cleat__exit_register(&exits[index].hook);
}

static void register_three(void)
{
    register_exit(0);
    register_exit(1);
    register_exit(2);
    cleat__exit_unregister(&exits[1].hook);
}

static void test_exit_hooks_run_in_reverse_order(void **state)
{
    char text[16];
    (void)state;
    read_exit(register_three, text, sizeof(text));
    assert_string_equal(text, "ca");
}

static void register_and_renew(void)
{
    register_exit(0);
    atexit(write_handler);
    cleat__exit_renew();
}

static void test_renewed_exit_hooks_run_before_what_was_registered_since(void **state)
{
    char text[16];
    (void)state;
    read_exit(register_and_renew, text, sizeof(text));
    assert_string_equal(text, "a-");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hooks_are_called_by_rank),
        cmocka_unit_test(test_an_unregistered_hook_is_not_called),
        cmocka_unit_test(test_a_fork_does_not_wait_for_what_is_held_long),
        cmocka_unit_test(test_no_mutex_stays_locked),
        cmocka_unit_test(test_a_child_knows_that_it_is_one),
        cmocka_unit_test(test_exit_hooks_run_in_reverse_order),
        cmocka_unit_test(test_renewed_exit_hooks_run_before_what_was_registered_since),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
