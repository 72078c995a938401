/* What workflows give out: stored, seen by all from the beginning, whoever is slow. */
#include "support/workflow_suite.h"

#include "support/sanitizer.h"

#include <cleat/event.h>
#include <cleat/stream.h>

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static cleat_stream *look(workflow_fixture *it, const cleat_run_id *id)
{
    cleat_stream *stream = NULL;
    assert_ok(cleat_client_stream(it->client, id, &stream));
    return stream;
}

/* The next chunks, each as it should be. */
static void assert_next(cleat_stream *stream, const char *const *chunks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        cleat_slice chunk;
        assert_ok(cleat_stream_next(stream, 300000, &chunk));
        if (!cleat_slice_equals(chunk, cleat_slice_of(chunks[i]))) {
            fail_msg("\"%.*s\" instead of \"%s\"", CLEAT_SLICE_ARGS(chunk), chunks[i]);
        }
    }
}

static void assert_ended(cleat_stream *stream)
{
    cleat_slice chunk;
    assert_int_equal(cleat_stream_next(stream, 300000, &chunk), CLEAT_EMPTY);
    cleat_stream_free(stream);
}

/* ---- From the beginning ---- */

static const char *const story[] = {"once", "", "upon", "a", "time"};

static cleat_status tell(cleat_task *task, size_t from, size_t to)
{
    cleat_status status = CLEAT_OK;
    for (size_t i = from; i < to && status == CLEAT_OK; i++) {
        status = cleat_stream_write(task, cleat_slice_of(story[i]));
    }
    return status;
}

/* In two invocations, where the first one has to wait: the second one begins with what that has given out. */
static cleat_status tell_in_two(cleat_task *task, void *user_data)
{
    workflow_fixture *it = user_data;
    cleat_hook hook;
    gate_add(&it->calls);
    cleat_status status = cleat_hook_create(task, "go-on", &hook);
    if (status == CLEAT_OK) {
        status = tell(task, 0, 3);
    }
    if (status == CLEAT_OK) {
        status = cleat_hook_wait(task, &hook, NULL, NULL); /* what comes sooner is kept */
    }
    return status == CLEAT_OK ? tell(task, 3, 5) : status;
}

static void test_all_see_all(void **state)
{
    workflow_fixture *it = *state;
    workflow_add(it, "tell", tell_in_two);
    workflow_start(it);
    cleat_run_id id = workflow_run(it, "tell", NULL);
    cleat_stream *early = look(it, &id);
    assert_next(early, story, 3);
    cleat_stream *second = look(it, &id);
    assert_next(second, story, 3);
    assert_ok(cleat_hook_resume(it->client, "go-on", "{}", NULL));
    assert_next(early, story + 3, 2);
    assert_next(second, story + 3, 2);
    assert_ended(early);
    assert_ended(second);
    workflow_ends(it, &id, CLEAT_RUN_COMPLETED, NULL);
    cleat_stream *late = look(it, &id);
    assert_next(late, story, 5);
    assert_ended(late);
}

static cleat_status fail_once(cleat_task *task, void *user_data)
{
    workflow_fixture *it = user_data;
    bool is_first = gate_add(&it->calls) == 1;
    cleat_status status = tell(task, 0, is_first ? 2 : 4);
    return status == CLEAT_OK && is_first ? cleat_task_fail(task, CLEAT_FAILED, "not yet") : status;
}

static void test_a_retry_gives_out_nothing_twice(void **state)
{
    workflow_fixture *it = *state;
    workflow_add_options(
        it, CLEAT_WORKFLOW_OPTIONS(.run = fail_once, .name = "retry", .user_data = it, .retries = 1));
    workflow_start(it);
    cleat_run_id id = workflow_run(it, "retry", NULL);
    cleat_stream *stream = look(it, &id);
    assert_next(stream, story, 4);
    assert_ended(stream);
    assert_int_equal(gate_count(&it->calls), 2);
}

/* What it has given out and what it goes on with are the same time. */
static cleat_status tell_the_time(cleat_task *task, void *user_data)
{
    workflow_fixture *it = user_data;
    char text[24];
    bool is_first = gate_add(&it->calls) == 1;
    cleat_status status = cleat_now(task, &it->numbers[is_first ? 0 : 1]);
    if (status == CLEAT_OK) {
        (void)snprintf(text, sizeof(text), "%lld", (long long)it->numbers[is_first ? 0 : 1]);
        status = cleat_stream_write(task, cleat_slice_of(text));
    }
    return status == CLEAT_OK && is_first ? cleat_task_fail(task, CLEAT_FAILED, "not yet") : status;
}

static void test_what_was_given_out_stays_true(void **state)
{
    workflow_fixture *it = *state;
    char text[24];
    const char *const time = text;
    workflow_add_options(it, CLEAT_WORKFLOW_OPTIONS(.run = tell_the_time, .name = "time", .user_data = it,
                                                    .retries = 1, .backoff_initial_ms = 20));
    workflow_start(it);
    cleat_run_id id = workflow_run(it, "time", NULL);
    workflow_ends(it, &id, CLEAT_RUN_COMPLETED, NULL);
    (void)snprintf(text, sizeof(text), "%lld", (long long)it->numbers[1]);
    cleat_stream *stream = look(it, &id);
    assert_next(stream, &time, 1);
    assert_ended(stream);
    assert_int_equal(gate_count(&it->calls), 2);
}

static cleat_status nothing(cleat_task *task, void *user_data)
{
    (void)task;
    (void)user_data;
    return CLEAT_OK;
}

/* Its second call, on the new branch, fails after it has given something out. */
static cleat_status tell_in_branches(cleat_task *task, void *user_data)
{
    workflow_fixture *it = user_data;
    int call = gate_add(&it->calls);
    cleat_status status = tell(task, 0, 1);
    if (status == CLEAT_OK) {
        status = cleat_step(task, "first", nothing, NULL, NULL);
    }
    if (status == CLEAT_OK) {
        status = cleat_step(task, "second", nothing, NULL, NULL);
    }
    if (status == CLEAT_OK) {
        status = call == 1 ? tell(task, 1, 3) : tell(task, 3, 5);
    }
    return status == CLEAT_OK && call == 2 ? cleat_task_fail(task, CLEAT_FAILED, "not yet") : status;
}

static void add_branching(workflow_fixture *it)
{
    workflow_add_options(it, CLEAT_WORKFLOW_OPTIONS(.run = tell_in_branches, .name = "branching",
                                                    .user_data = it, .retries = 1));
    workflow_start(it);
}

static void test_a_branch_gives_out_what_is_its_own(void **state)
{
    workflow_fixture *it = *state;
    add_branching(it);
    cleat_run_id id = workflow_run(it, "branching", NULL);
    workflow_ends(it, &id, CLEAT_RUN_COMPLETED, NULL);
    workflow_branch(it, &id, 1, 2);
    add_branching(it);
    workflow_ends(it, &id, CLEAT_RUN_COMPLETED, NULL);
    cleat_stream *stream = look(it, &id);
    assert_next(stream, story, 5);
    assert_ended(stream);
    assert_int_equal(gate_count(&it->calls), 3);
}

/* ---- Of a run that goes on as a new one ---- */

/* Three runs, of which the last one waits. */
static cleat_status tell_in_runs(cleat_task *task, void *user_data)
{
    workflow_fixture *it = user_data;
    cleat_hook hook;
    size_t number = 0;
    (void)sscanf(cleat_task_input(task).data, "{\"number\":%zu}", &number);
    cleat_status status = number < 2 ? CLEAT_OK : cleat_hook_create(task, "go-on", &hook);
    if (status == CLEAT_OK) {
        status = tell(task, number, number + 1);
    }
    if (status == CLEAT_OK && number < 2) {
        (void)snprintf(it->text, sizeof(it->text), "{\"number\":%zu}", number + 1);
        return cleat_continue_as_new(task, it->text);
    }
    if (status == CLEAT_OK) {
        status = cleat_hook_wait(task, &hook, NULL, NULL);
    }
    return status == CLEAT_OK ? tell(task, 3, 5) : status;
}

static void test_a_stream_goes_on_with_the_run(void **state)
{
    workflow_fixture *it = *state;
    workflow_add(it, "runs", tell_in_runs);
    workflow_start(it);
    cleat_run_id id = workflow_run(it, "runs", NULL);
    cleat_slice chunk;
    cleat_stream *stream = look(it, &id);
    assert_next(stream, story, 3);
    assert_refused(cleat_stream_next(stream, 0, &chunk), CLEAT_TIMEOUT, "in time");
    assert_ok(cleat_hook_resume(it->client, "go-on", "{}", NULL));
    assert_next(stream, story + 3, 2);
    assert_int_equal(cleat_stream_next(stream, 20000, &chunk), CLEAT_EMPTY);
    assert_ended(stream);
    cleat_stream *late = look(it, &id);
    assert_next(late, story, 5);
    assert_ended(late);
}

static void test_a_run_that_has_gone_on_is_cancelled(void **state)
{
    workflow_fixture *it = *state;
    workflow_add(it, "runs", tell_in_runs);
    workflow_start(it);
    cleat_run_id id = workflow_run(it, "runs", NULL);
    cleat_stream *stream = look(it, &id);
    assert_next(stream, story, 3);
    assert_ok(cleat_client_cancel(it->client, &id));
    assert_ended(stream);
    workflow_ends(it, &id, CLEAT_RUN_CANCELLED, NULL);
    assert_refused(cleat_client_cancel(it->client, &id), CLEAT_FAILED_PRECONDITION, "has ended already");
}

/* A task may give back what it likes. */
static cleat_status go_on_as_itself(cleat_task *task, void *user_data)
{
    (void)user_data;
    return cleat_task_return_format(task, "{\"cleat:continued_as\":\"%s\"}", cleat_task_run_id(task).text);
}

static void test_a_run_that_would_go_on_as_itself(void **state)
{
    workflow_fixture *it = *state;
    workflow_add_task(it, "circle", go_on_as_itself);
    workflow_start(it);
    cleat_run_id id = workflow_run(it, "circle", NULL);
    cleat_run_result result = {0};
    assert_ok(cleat_client_wait(it->client, &id, -1, &result));
    assert_non_null(strstr(result.output, id.text));
    cleat_run_result_deinit(&result);
    assert_ended(look(it, &id));
    assert_refused(cleat_client_cancel(it->client, &id), CLEAT_FAILED_PRECONDITION, "has ended already");
}

/* ---- Much ---- */

#if UNDER_THREAD_SANITIZER
enum { MANY = 60, LARGE_SIZE = 70000 }; /* it looks at each byte of gRPC's as if it were a race */
#else
enum { MANY = 3000, LARGE_SIZE = 1500000 };
#endif
enum { CHUNK_SIZE = 1024 };

static void number(char text[CHUNK_SIZE + 1], size_t i)
{
    memset(text, 'x', CHUNK_SIZE);
    text[CHUNK_SIZE] = '\0';
    text[snprintf(text, CHUNK_SIZE, "%zu", i)] = ' ';
}

static cleat_status write_many(cleat_task *task, void *user_data)
{
    char text[CHUNK_SIZE + 1];
    cleat_status status = CLEAT_OK;
    (void)user_data;
    for (size_t i = 0; i < MANY && status == CLEAT_OK; i++) {
        number(text, i);
        status = cleat_stream_write(task, cleat_slice_of(text));
    }
    return status;
}

static void read_many(cleat_stream *stream)
{
    char text[CHUNK_SIZE + 1];
    const char *wanted = text;
    for (size_t i = 0; i < MANY; i++) {
        number(text, i);
        assert_next(stream, &wanted, 1);
    }
    assert_ended(stream);
}

static void test_who_reads_slowly_misses_nothing(void **state)
{
    workflow_fixture *it = *state;
    workflow_add(it, "many", write_many);
    workflow_start(it);
    cleat_run_id id = workflow_run(it, "many", NULL);
    cleat_stream *slow = look(it, &id);
    workflow_ends(it, &id, CLEAT_RUN_COMPLETED, NULL);
    cleat_stream *late = look(it, &id), *away = look(it, &id);
    read_many(late);
    cleat_stream_free(away);
    read_many(slow);
}

static cleat_status write_large(cleat_task *task, void *user_data)
{
    cleat_status status = CLEAT_OK;
    (void)user_data;
    char *text = malloc(LARGE_SIZE);
    for (int i = 0; i < 3 && status == CLEAT_OK; i++) {
        memset(text, 'a' + i, LARGE_SIZE);
        status = cleat_stream_write(task, (cleat_slice){text, LARGE_SIZE});
    }
    free(text);
    return status;
}

static void test_large_chunks(void **state)
{
    workflow_fixture *it = *state;
    workflow_add(it, "large", write_large);
    workflow_start(it);
    cleat_run_id id = workflow_run(it, "large", NULL);
    workflow_ends(it, &id, CLEAT_RUN_COMPLETED, NULL);
    cleat_stream *stream = look(it, &id);
    for (int i = 0; i < 3; i++) {
        cleat_slice chunk;
        assert_ok(cleat_stream_next(stream, 300000, &chunk));
        assert_int_equal(chunk.size, LARGE_SIZE);
        assert_int_equal(chunk.data[0], 'a' + i);
        assert_int_equal(chunk.data[LARGE_SIZE - 1], 'a' + i);
    }
    assert_ended(stream);
}

/* ---- What is refused ---- */

static cleat_status write_wrong(cleat_task *task, void *user_data)
{
    workflow_fixture *it = user_data;
    it->numbers[0] = cleat_stream_write(task, (cleat_slice){"a\0b", 3});
    it->numbers[1] = cleat_stream_write(task, cleat_slice_of("\xFF"));
    it->numbers[2] = cleat_stream_write(task, cleat_slice_of("right"));
    return CLEAT_OK;
}

static void test_what_is_no_text(void **state)
{
    workflow_fixture *it = *state;
    const char *const right = "right";
    workflow_add(it, "wrong", write_wrong);
    workflow_start(it);
    cleat_run_id id = workflow_run(it, "wrong", NULL);
    cleat_stream *stream = look(it, &id);
    assert_next(stream, &right, 1);
    assert_ended(stream);
    assert_int_equal(it->numbers[0], CLEAT_INVALID_ARGUMENT);
    assert_int_equal(it->numbers[1], CLEAT_INVALID_ARGUMENT);
    assert_int_equal(it->numbers[2], CLEAT_OK);
}

int workflow_streams_run(const sdk_target *of)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, workflow_set_up, workflow_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_all_see_all),
        TEST(test_a_retry_gives_out_nothing_twice),
        TEST(test_what_was_given_out_stays_true),
        TEST(test_a_branch_gives_out_what_is_its_own),
        TEST(test_a_stream_goes_on_with_the_run),
        TEST(test_a_run_that_has_gone_on_is_cancelled),
        TEST(test_a_run_that_would_go_on_as_itself),
        TEST(test_who_reads_slowly_misses_nothing),
        TEST(test_large_chunks),
        TEST(test_what_is_no_text),
    };
#undef TEST
    workflow_use(of);
    return cmocka_run_group_tests_name(of->name, tests, NULL, NULL);
}
