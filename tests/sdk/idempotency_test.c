/* Idempotency keys as a program meets them, with its engine in the process and at a server. */
#include "support/outcome.h"
#include "support/sdk_remote.h"
#include "support/temp_dir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct fixture {
    temp_dir dir;
    cleat_client *client;
    cleat_worker *worker;
    bool is_remote;
} fixture;

static int set_up(void **state, bool is_remote)
{
    fixture *it = calloc(1, sizeof(*it));
    assert_non_null(it);
    temp_dir_make(&it->dir);
    it->is_remote = is_remote;
    assert_ok(is_remote ? sdk_remote_open(it->dir.database, &it->client)
                        : cleat_client_new(CLEAT_CLIENT_OPTIONS(.database = it->dir.database), &it->client));
    *state = it;
    return 0;
}

static int set_up_embedded(void **state)
{
    return set_up(state, false);
}

static int set_up_remote(void **state)
{
    return set_up(state, true);
}

static int tear_down(void **state)
{
    fixture *it = *state;
    cleat_worker_free(it->worker);
    if (it->is_remote) {
        sdk_remote_close(it->client);
    } else {
        cleat_client_free(it->client);
    }
    temp_dir_remove(&it->dir);
    free(it);
    return 0;
}

static void assert_completes(const fixture *it, const cleat_run_id *id, const char *output)
{
    cleat_run_result result = {0};
    assert_ok(cleat_client_wait(it->client, id, 300000, &result));
    assert_int_equal(result.status, CLEAT_RUN_COMPLETED);
    if (output != NULL) {
        assert_string_equal(result.output, output);
    }
    cleat_run_result_deinit(&result);
}

static cleat_status tell_input(cleat_task *task, void *user_data)
{
    (void)user_data;
    char input[128];
    (void)snprintf(input, sizeof(input), "%.*s", CLEAT_SLICE_ARGS(cleat_task_input(task)));
    return cleat_task_return(task, input);
}

static void start_keyed(fixture *it, cleat_idempotency_method method)
{
    const cleat_idempotency key = {
        .expression = "'pay-' + input.id + additional_metadata.shop", .ttl_ms = 600000, .method = method};
    assert_ok(cleat_worker_new(it->client, CLEAT_WORKER_OPTIONS(.slots = 4), &it->worker));
    assert_ok(cleat_worker_add_task(
        it->worker, CLEAT_TASK_OPTIONS(.name = "pay", .run = tell_input, .idempotency = &key)));
    assert_ok(cleat_worker_start(it->worker));
}

static void test_a_key_that_another_run_has(void **state)
{
    fixture *it = *state;
    const cleat_run_options *north = CLEAT_RUN_OPTIONS(.metadata = "{\"shop\":\"n\"}");
    const cleat_run_options *south = CLEAT_RUN_OPTIONS(.metadata = "{\"shop\":\"s\"}");
    cleat_run_result result = {0};
    cleat_run_id first, other;
    start_keyed(it, CLEAT_IDEMPOTENCY_TTL);
    assert_ok(cleat_client_run_no_wait(it->client, "pay", "{\"id\":\"1\"}", north, &first));
    assert_completes(it, &first, NULL);
    assert_refused(cleat_client_run_no_wait(it->client, "pay", "{\"id\":\"1\"}", north, &other),
                   CLEAT_ALREADY_EXISTS, "idempotency key collision");
    assert_string_equal(other.text, first.text);
    assert_refused(cleat_client_run(it->client, "pay", "{\"id\":\"1\"}", north, &result),
                   CLEAT_ALREADY_EXISTS, "idempotency key collision");
    assert_string_equal(result.id.text, first.text);
    cleat_run_result_deinit(&result);
    assert_ok(cleat_client_run_no_wait(it->client, "pay", "{\"id\":\"1\"}", south, &other));
    assert_completes(it, &other, NULL);
    assert_refused(cleat_client_run_no_wait(it->client, "pay", "{}", south, &other), CLEAT_INVALID_ARGUMENT,
                   "idempotency key");
}

static void test_keys_of_many(void **state)
{
    fixture *it = *state;
    const cleat_run_options *shop = CLEAT_RUN_OPTIONS(.metadata = "{\"shop\":\"\"}");
    const cleat_run_item items[] = {{"pay", "{\"id\":\"2\"}", shop},
                                    {"pay", "{\"id\":\"1\"}", shop},
                                    {"pay", "{\"id\":\"3\"}", shop},
                                    {"pay", "{\"id\":\"2\"}", shop}};
    cleat_run_id first, ids[4];
    start_keyed(it, CLEAT_IDEMPOTENCY_TTL);
    assert_ok(cleat_client_run_no_wait(it->client, "pay", "{\"id\":\"1\"}", shop, &first));
    assert_refused(cleat_client_run_many(it->client, items, 4, ids), CLEAT_ALREADY_EXISTS,
                   "idempotency key collision");
    assert_string_equal(ids[1].text, first.text);
    assert_string_equal(ids[3].text, ids[0].text);
    assert_completes(it, &ids[0], "{\"id\":\"2\"}");
    assert_completes(it, &ids[2], "{\"id\":\"3\"}");
}

static void test_a_key_of_the_status(void **state)
{
    fixture *it = *state;
    const cleat_run_options *shop = CLEAT_RUN_OPTIONS(.metadata = "{\"shop\":\"\"}");
    cleat_run_id first, second;
    start_keyed(it, CLEAT_IDEMPOTENCY_STATUS);
    assert_ok(cleat_client_run_no_wait(it->client, "pay", "{\"id\":\"1\"}", shop, &first));
    assert_completes(it, &first, NULL);
    assert_ok(cleat_client_run_no_wait(it->client, "pay", "{\"id\":\"1\"}", shop, &second));
    assert_completes(it, &second, NULL);
    assert_string_not_equal(first.text, second.text);
}

static void test_bad_keys(void **state)
{
    fixture *it = *state;
    static const struct {
        cleat_idempotency key;
        const char *word;
    } cases[] = {
        {{NULL, 1, CLEAT_IDEMPOTENCY_TTL}, "idempotency"},
        {{"input.", 1, CLEAT_IDEMPOTENCY_TTL}, "idempotency"},
        {{"input.id", 0, CLEAT_IDEMPOTENCY_TTL}, "ttl_ms"},
        {{"input.id", 1, (cleat_idempotency_method)7}, "method"},
    };
    assert_ok(cleat_worker_new(it->client, NULL, &it->worker));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_refused(cleat_worker_add_task(it->worker, CLEAT_TASK_OPTIONS(.name = "pay", .run = tell_input,
                                                                            .idempotency = &cases[i].key)),
                       CLEAT_INVALID_ARGUMENT, cases[i].word);
    }
}

/* A parent that runs again finds its child; another one is refused, and told who it is. */
static cleat_status spawn_twice(cleat_task *task, void *user_data)
{
    cleat_run_id *ids = user_data;
    const cleat_run_options *shop = CLEAT_RUN_OPTIONS(.metadata = "{\"shop\":\"\"}");
    const cleat_run_item items[] = {{"pay", "{\"id\":\"1\"}", shop}, {"pay", "{\"id\":\"1\"}", shop}};
    cleat_status status = cleat_task_spawn_many(task, items, 2, ids);
    return status == CLEAT_ALREADY_EXISTS ? CLEAT_OK : CLEAT_NON_RETRYABLE;
}

static void test_keys_of_children(void **state)
{
    fixture *it = *state;
    cleat_run_id ids[2] = {{""}, {""}}, id;
    assert_ok(cleat_worker_new(it->client, CLEAT_WORKER_OPTIONS(.slots = 4), &it->worker));
    const cleat_idempotency key = {.expression = "'pay-' + input.id", .ttl_ms = 600000};
    assert_ok(cleat_worker_add_task(
        it->worker, CLEAT_TASK_OPTIONS(.name = "pay", .run = tell_input, .idempotency = &key)));
    assert_ok(cleat_worker_add_task(
        it->worker, CLEAT_TASK_OPTIONS(.name = "parent", .run = spawn_twice, .user_data = ids)));
    assert_ok(cleat_worker_start(it->worker));
    assert_ok(cleat_client_run_no_wait(it->client, "parent", NULL, NULL, &id));
    assert_completes(it, &id, NULL);
    assert_string_equal(ids[0].text, ids[1].text);
    assert_completes(it, &ids[0], "{\"id\":\"1\"}");
}

/* A workflow that starts what is there: the call that stores it fails, and with it the run unless it goes on. */
static cleat_status spawn_in_workflow(cleat_task *task, void *user_data)
{
    cleat_future first, second;
    cleat_status status = cleat_spawn(task, "pay", "{\"id\":\"1\"}", NULL, &first);
    (void)user_data;
    if (status == CLEAT_OK) {
        status = cleat_await(task, &first, NULL);
    }
    if (status == CLEAT_OK) {
        status = cleat_spawn(task, "pay", "{\"id\":\"1\"}", NULL, &second);
    }
    return status == CLEAT_OK ? cleat_await(task, &second, NULL) : status;
}

static void test_a_workflow_that_collides(void **state)
{
    fixture *it = *state;
    cleat_run_result result = {0};
    const cleat_idempotency key = {.expression = "'pay-' + input.id", .ttl_ms = 600000};
    assert_ok(cleat_worker_new(it->client, CLEAT_WORKER_OPTIONS(.slots = 4), &it->worker));
    assert_ok(cleat_worker_add_task(
        it->worker, CLEAT_TASK_OPTIONS(.name = "pay", .run = tell_input, .idempotency = &key)));
    assert_ok(cleat_worker_add_workflow(it->worker, CLEAT_WORKFLOW(spawn_in_workflow, .name = "twice")));
    assert_ok(cleat_worker_start(it->worker));
    assert_ok(cleat_client_run(it->client, "twice", NULL, NULL, &result));
    assert_int_equal(result.status, CLEAT_RUN_FAILED);
    assert_non_null(strstr(result.error, "idempotency key collision"));
    cleat_run_result_deinit(&result);
}

static cleat_status turn_pages(cleat_task *task, void *user_data)
{
    (void)user_data;
    cleat_slice input = cleat_task_input(task);
    return memchr(input.data, '3', input.size) != NULL   ? cleat_task_return(task, "\"the end\"")
           : memchr(input.data, '2', input.size) != NULL ? cleat_continue_as_new(task, "{\"page\":3}")
                                                         : cleat_continue_as_new(task, "{\"page\":2}");
}

/* Which is that of the last run then. */
static void test_a_workflow_that_goes_on_hands_its_key_on(void **state)
{
    fixture *it = *state;
    const cleat_idempotency key = {.expression = "'pages-' + additional_metadata.shop", .ttl_ms = 600000};
    const cleat_run_options *shop = CLEAT_RUN_OPTIONS(.metadata = "{\"shop\":\"n\"}");
    cleat_run_result result = {0};
    cleat_run_id first, last;
    assert_ok(cleat_worker_new(it->client, NULL, &it->worker));
    assert_ok(cleat_worker_add_workflow(it->worker,
                                        CLEAT_WORKFLOW(turn_pages, .name = "pages", .idempotency = &key)));
    assert_ok(cleat_worker_start(it->worker));
    assert_ok(cleat_workflow_start(it->client, "pages", "{\"page\":1}", shop, &first));
    assert_ok(cleat_client_wait(it->client, &first, 300000, &result));
    assert_string_equal(result.output, "\"the end\"");
    assert_refused(cleat_workflow_start(it->client, "pages", "{\"page\":1}", shop, &last),
                   CLEAT_ALREADY_EXISTS, "idempotency key collision");
    assert_string_equal(last.text, result.id.text);
    assert_string_not_equal(last.text, first.text);
    cleat_run_result_deinit(&result);
}

/* A workflow may have a key like any task. */
static void test_a_workflow_with_a_key(void **state)
{
    fixture *it = *state;
    const cleat_idempotency key = {.expression = "input.id", .ttl_ms = 600000};
    cleat_run_id first, second;
    assert_ok(cleat_worker_new(it->client, NULL, &it->worker));
    assert_ok(cleat_worker_add_workflow(it->worker,
                                        CLEAT_WORKFLOW(tell_input, .name = "order", .idempotency = &key)));
    assert_ok(cleat_worker_start(it->worker));
    assert_ok(cleat_workflow_start(it->client, "order", "{\"id\":\"1\"}", NULL, &first));
    assert_refused(cleat_workflow_start(it->client, "order", "{\"id\":\"1\"}", NULL, &second),
                   CLEAT_ALREADY_EXISTS, "idempotency key collision");
    assert_string_equal(first.text, second.text);
    assert_completes(it, &first, NULL);
}

int main(void)
{
#define TEST(function)                                                     \
    cmocka_unit_test_setup_teardown(function, set_up_embedded, tear_down), \
        cmocka_unit_test_setup_teardown(function, set_up_remote, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_key_that_another_run_has), TEST(test_keys_of_many),
        TEST(test_a_key_of_the_status),        TEST(test_a_workflow_that_collides),
        TEST(test_a_workflow_with_a_key),      TEST(test_a_workflow_that_goes_on_hands_its_key_on),
        TEST(test_keys_of_children),           TEST(test_bad_keys),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
