/*
 * What becomes of workflows when their process dies: it is one of its own, and ends in the middle of whatever the
 * test says, without stopping anything. What steps have done is counted in memory that outlives it.
 */
#include "support/gate.h"
#include "support/outcome.h"
#include "support/temp_dir.h"

#include <cleat/cleat.h>

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define CHILDREN 20

/* Shared with the process that dies. */
typedef struct effects {
    _Atomic int first, second, calls;
    _Atomic bool is_doomed; /* whoever comes to the place where it dies does */
    cleat_run_id run;
    char children[CHILDREN][37];
    _Atomic int other_children; /* that had another id before */
    int64_t times[2];           /* what the step saw before and after the death */
    bool has_newer;             /* the worker has the next version too */
} effects;

typedef struct fixture {
    temp_dir dir;
    effects *effects;
    cleat_client *client;
    cleat_worker *worker;
} fixture;

static int set_up(void **state)
{
    fixture *it = calloc(1, sizeof(*it));
    assert_non_null(it);
    temp_dir_make(&it->dir);
    it->effects = mmap(NULL, sizeof(effects), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(it->effects, MAP_FAILED);
    memset(it->effects, 0, sizeof(effects));
    *state = it;
    return 0;
}

static int tear_down(void **state)
{
    fixture *it = *state;
    cleat_worker_free(it->worker);
    cleat_client_free(it->client);
    munmap(it->effects, sizeof(effects));
    temp_dir_remove(&it->dir);
    free(it);
    return 0;
}

static void die_if_doomed(effects *known)
{
    if (atomic_load(&known->is_doomed)) {
        _exit(7);
    }
}

/* ---- The workflows ---- */

/* The process may die before who starts the run has its id. */
static void tell_run(effects *known, const cleat_task *task)
{
    known->run = cleat_task_run_id(task);
}

static cleat_status first(cleat_task *task, void *user_data)
{
    effects *known = user_data;
    return cleat_task_return_format(task, "%d", atomic_fetch_add(&known->first, 1) + 1);
}

static cleat_status second(cleat_task *task, void *user_data)
{
    effects *known = user_data;
    int count = atomic_fetch_add(&known->second, 1) + 1;
    die_if_doomed(known);
    return cleat_task_return_format(task, "%d", count);
}

static cleat_status step(cleat_task *task, effects *known, cleat_task_function run, const char *name,
                         cleat_slice *output)
{
    return cleat_step_run(task, CLEAT_STEP_OPTIONS(.name = name, .run = run, .user_data = known), output);
}

static cleat_status steps(cleat_task *task, void *user_data)
{
    effects *known = user_data;
    cleat_slice one, two;
    tell_run(known, task);
    atomic_fetch_add(&known->calls, 1);
    cleat_status status = step(task, known, first, "first", &one);
    if (status == CLEAT_OK) {
        status = cleat_sleep(task, "5ms");
    }
    if (status == CLEAT_OK) {
        status = step(task, known, second, "second", &two);
    }
    return status == CLEAT_OK
               ? cleat_task_return_format(task, "[%.*s,%.*s]", CLEAT_SLICE_ARGS(one), CLEAT_SLICE_ARGS(two))
               : status;
}

static cleat_status child(cleat_task *task, void *user_data)
{
    effects *known = user_data;
    char *id = known->children[cleat_task_child_index(task)];
    if (id[0] != '\0' && strcmp(id, cleat_task_run_id(task).text) != 0) {
        atomic_fetch_add(&known->other_children, 1);
    }
    memcpy(id, cleat_task_run_id(task).text, 37);
    return cleat_task_return_format(task, "%lld", (long long)cleat_task_child_index(task));
}

/* Its children have begun before the step in which it dies. */
static cleat_status fan_out(cleat_task *task, void *user_data)
{
    effects *known = user_data;
    cleat_future futures[CHILDREN];
    cleat_slice outputs[CHILDREN];
    int total = 0;
    cleat_status status = CLEAT_OK;
    tell_run(known, task);
    for (int i = 0; i < CHILDREN && status == CLEAT_OK; i++) {
        status = cleat_spawn(task, "child", NULL, NULL, &futures[i]);
    }
    if (status == CLEAT_OK) {
        status = step(task, known, second, "second", NULL);
    }
    if (status == CLEAT_OK) {
        status = cleat_await_all(task, futures, CHILDREN, outputs);
    }
    for (int i = 0; i < CHILDREN && status == CLEAT_OK; i++) {
        total += (int)strtol(outputs[i].data, NULL, 10);
    }
    return status == CLEAT_OK ? cleat_task_return_format(task, "%d", total) : status;
}

static cleat_status with_hook(cleat_task *task, void *user_data)
{
    effects *known = user_data;
    cleat_hook hook;
    cleat_slice payload;
    tell_run(known, task);
    atomic_fetch_add(&known->calls, 1);
    cleat_status status = cleat_hook_create(task, "crash", &hook);
    if (status == CLEAT_OK) {
        status = cleat_hook_wait(task, &hook, NULL, &payload);
    }
    if (status == CLEAT_OK) {
        status = step(task, known, second, "second", NULL);
    }
    return status == CLEAT_OK ? cleat_task_return_format(task, "%.*s", CLEAT_SLICE_ARGS(payload)) : status;
}

/* The time is the step's input: what a step was begun with is so for good. */
static cleat_status timely(cleat_task *task, void *user_data)
{
    effects *known = user_data;
    int64_t now_ms = 0;
    tell_run(known, task);
    cleat_status status = cleat_now(task, &now_ms);
    known->times[atomic_load(&known->second)] = now_ms;
    if (status == CLEAT_OK) {
        status = step(task, known, second, "second", NULL);
    }
    return status == CLEAT_OK ? cleat_task_return(task, "true") : status;
}

static cleat_status old_version(cleat_task *task, void *user_data)
{
    effects *known = user_data;
    tell_run(known, task);
    cleat_status status = step(task, known, second, "second", NULL);
    return status == CLEAT_OK ? cleat_task_return(task, "\"old\"") : status;
}

static cleat_status new_version(cleat_task *task, void *user_data)
{
    (void)user_data;
    return cleat_task_return(task, "\"new\"");
}

/* ---- Processes ---- */

static cleat_status add_versions(fixture *it)
{
    effects *known = it->effects;
    cleat_status status = cleat_worker_add_workflow(
        it->worker, CLEAT_WORKFLOW(old_version, .name = "changed", .version = "1", .user_data = known));
    return status == CLEAT_OK && known->has_newer
               ? cleat_worker_add_workflow(it->worker,
                                           CLEAT_WORKFLOW(new_version, .name = "changed", .version = "2"))
               : status;
}

static cleat_status open_all(fixture *it)
{
    effects *known = it->effects;
    cleat_status status = cleat_client_new(CLEAT_CLIENT_OPTIONS(.database = it->dir.database), &it->client);
    if (status == CLEAT_OK) {
        status = cleat_worker_new(it->client, CLEAT_WORKER_OPTIONS(.slots = 4), &it->worker);
    }
    if (status == CLEAT_OK) {
        status =
            cleat_worker_add_workflow(it->worker, CLEAT_WORKFLOW(steps, .name = "steps", .user_data = known));
    }
    if (status == CLEAT_OK) {
        status =
            cleat_worker_add_workflow(it->worker, CLEAT_WORKFLOW(fan_out, .name = "fan", .user_data = known));
    }
    if (status == CLEAT_OK) {
        status = cleat_worker_add_workflow(it->worker,
                                           CLEAT_WORKFLOW(with_hook, .name = "hook", .user_data = known));
    }
    if (status == CLEAT_OK) {
        status = cleat_worker_add_workflow(it->worker,
                                           CLEAT_WORKFLOW(timely, .name = "timely", .user_data = known));
    }
    if (status == CLEAT_OK) {
        status = add_versions(it);
    }
    if (status == CLEAT_OK) {
        status = cleat_worker_add_task(it->worker,
                                       CLEAT_TASK_OPTIONS(.name = "child", .run = child, .user_data = known));
    }
    return status == CLEAT_OK ? cleat_worker_start(it->worker) : status;
}

/* Runs it in a process that dies with 7; `after` calls also where nothing else lets it die. */
static void run_until_death(fixture *it, const char *name, int after)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        atomic_store(&it->effects->is_doomed, true);
        if (open_all(it) != CLEAT_OK ||
            cleat_client_run_no_wait(it->client, name, NULL, NULL, &it->effects->run) != CLEAT_OK) {
            _exit(1);
        }
        while (after == 0 || atomic_load(&it->effects->calls) < after) {
            usleep(1000); /* until another thread ends the process */
        }
        _exit(7);
    }
    int end = 0;
    assert_int_equal(waitpid(pid, &end, 0), pid);
    assert_true(WIFEXITED(end));
    assert_int_equal(WEXITSTATUS(end), 7);
    atomic_store(&it->effects->is_doomed, false);
}

static void ends_with(fixture *it, const char *output)
{
    cleat_run_result result = {0};
    assert_ok(cleat_client_wait(it->client, &it->effects->run, 300000, &result));
    assert_int_equal(result.status, CLEAT_RUN_COMPLETED);
    assert_string_equal(result.output, output);
    cleat_run_result_deinit(&result);
}

static void test_a_crash_in_a_step(void **state)
{
    fixture *it = *state;
    run_until_death(it, "steps", 0);
    assert_int_equal(it->effects->first, 1);
    assert_int_equal(it->effects->second, 1);
    assert_ok(open_all(it));
    ends_with(it, "[1,2]");
    assert_int_equal(it->effects->first, 1); /* recorded before */
    assert_int_equal(it->effects->second, 2);
}

static void test_a_crash_after_spawning(void **state)
{
    fixture *it = *state;
    run_until_death(it, "fan", 0);
    assert_ok(open_all(it));
    ends_with(it, "190");
    assert_int_equal(it->effects->other_children, 0);
}

static void test_what_a_step_began_with_is_so_after_a_crash(void **state)
{
    fixture *it = *state;
    run_until_death(it, "timely", 0);
    assert_ok(open_all(it));
    ends_with(it, "true");
    assert_int_equal(it->effects->second, 2);
    assert_true(it->effects->times[0] > 0);
    assert_int_equal(it->effects->times[0], it->effects->times[1]);
}

static void test_a_run_keeps_its_version_over_a_crash_in_its_first_step(void **state)
{
    fixture *it = *state;
    run_until_death(it, "changed", 0);
    it->effects->has_newer = true;
    assert_ok(open_all(it));
    ends_with(it, "\"old\"");
    assert_int_equal(it->effects->second, 2);
}

static void test_a_crash_while_it_waits(void **state)
{
    fixture *it = *state;
    run_until_death(it, "hook", 1);
    assert_ok(open_all(it));
    cleat_status status = CLEAT_NOT_FOUND;
    while (status == CLEAT_NOT_FOUND) { /* it may have died before the hook was there */
        status = cleat_hook_resume(it->client, "crash", "{\"go\":true}", NULL);
    }
    assert_ok(status);
    ends_with(it, "{\"go\":true}");
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_crash_in_a_step),
        TEST(test_a_crash_after_spawning),
        TEST(test_what_a_step_began_with_is_so_after_a_crash),
        TEST(test_a_run_keeps_its_version_over_a_crash_in_its_first_step),
        TEST(test_a_crash_while_it_waits),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
