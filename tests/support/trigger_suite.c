#include "support/trigger_suite.h"

#include "support/gate.h"
#include "support/outcome.h"
#include "support/temp_dir.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const sdk_target *target;

typedef struct fixture {
    temp_dir dir;
    cleat_client *client;
    cleat_worker *worker;
    gate seen;       /* a task has run */
    char text[1024]; /* what it was given, before `seen` */
} fixture;

static int set_up(void **state)
{
    fixture *it = calloc(1, sizeof(*it));
    assert_non_null(it);
    temp_dir_make(&it->dir);
    gate_init(&it->seen);
    assert_ok(target->open(it->dir.database, &it->client));
    *state = it;
    return 0;
}

static int tear_down(void **state)
{
    fixture *it = *state;
    cleat_worker_free(it->worker);
    target->close(it->client);
    gate_deinit(&it->seen);
    temp_dir_remove(&it->dir);
    free(it);
    return 0;
}

/* ---- Events ---- */

/* One slot: one after the other. */
static cleat_status tell(cleat_task *task, void *user_data)
{
    fixture *it = user_data;
    cleat_slice payload = cleat_task_filter_payload(task);
    size_t size = strlen(it->text);
    (void)snprintf(it->text + size, sizeof(it->text) - size, "%s%.*s;", cleat_task_event_key(task),
                   CLEAT_SLICE_ARGS(payload.data != NULL ? payload : cleat_slice_of("-")));
    gate_add(&it->seen);
    return CLEAT_OK;
}

static void start_worker(fixture *it, const cleat_filter *filters, size_t count)
{
    static const char *const keys[] = {"order:*", "user_made", NULL};
    assert_ok(cleat_worker_new(it->client, CLEAT_WORKER_OPTIONS(.slots = 1), &it->worker));
    assert_ok(cleat_worker_add_task(
        it->worker, CLEAT_TASK_OPTIONS(.name = "order:note", .run = tell, .user_data = it, .on_events = keys,
                                       .default_filters = filters, .default_filter_count = count)));
    assert_ok(cleat_worker_start(it->worker));
}

static void push(const fixture *it, const char *key, const char *scope, const char *payload)
{
    assert_ok(cleat_client_push(it->client, key, payload, CLEAT_EVENT_OPTIONS(.scope = scope), NULL));
}

static void test_patterns(void **state)
{
    fixture *it = *state;
    start_worker(it, NULL, 0);
    push(it, "order:paid", NULL, NULL);
    push(it, "Order:paid", NULL, NULL);
    push(it, "user:made", NULL, NULL);
    push(it, "user:mades", NULL, NULL);
    push(it, "order:", NULL, NULL);
    gate_wait(&it->seen, 3);
    assert_false(gate_try(&it->seen, 4, 20));
    assert_string_equal(it->text, "order:paid-;user:made-;order:-;");
}

static void test_declared_filters(void **state)
{
    fixture *it = *state;
    const cleat_filter filters[] = {
        {.scope = "eu", .expression = "input.n > payload.least", .payload = "{\"least\":1}"},
        {.scope = "us", .expression = "event_key.startsWith('order:')"},
    };
    start_worker(it, filters, 2);
    push(it, "order:a", "eu", "{\"n\":2}");
    push(it, "order:b", "eu", "{\"n\":1}");
    push(it, "order:c", "us", NULL);
    push(it, "order:d", "elsewhere", NULL);
    push(it, "order:e", NULL, NULL);
    push(it, "order:f", "us", NULL);
    gate_wait(&it->seen, 3);
    assert_false(gate_try(&it->seen, 4, 20));
    assert_string_equal(it->text, "order:a{\"least\":1};order:c{};order:f{};");
}

static void test_filters_are_made_listed_changed_and_deleted(void **state)
{
    fixture *it = *state;
    cleat_filter_id id, declared;
    cleat_filter_list list = {0};
    const cleat_filter from_the_start = {.scope = "s", .expression = "false"};
    const cleat_filter made = {.scope = "s", .expression = "true", .payload = "{\"v\":1}"};
    start_worker(it, &from_the_start, 1);
    assert_ok(cleat_client_create_filter(it->client, "order:note", &made, &id));
    assert_ok(cleat_client_list_filters(it->client, CLEAT_FILTER_LIST_OPTIONS(.task = "order:note"), &list));
    assert_int_equal(list.count, 2);
    assert_string_equal(list.items[0].id.text, id.text);
    assert_string_equal(list.items[0].filter.scope, "s");
    assert_string_equal(list.items[0].filter.expression, "true");
    assert_string_equal(list.items[0].filter.payload, "{\"v\":1}");
    assert_false(list.items[0].is_declared);
    assert_true(list.items[1].is_declared);
    assert_string_equal(list.items[1].filter.payload, "{}");
    declared = list.items[1].id;
    cleat_filter_list_deinit(&list);
    push(it, "order:a", "s", NULL);
    gate_wait(&it->seen, 1);

    assert_ok(cleat_client_update_filter(it->client, &id, &(cleat_filter){.payload = "{\"v\":2}"}));
    push(it, "order:b", "s", NULL);
    gate_wait(&it->seen, 2);
    assert_ok(cleat_client_update_filter(it->client, &id, &(cleat_filter){.scope = "t"}));
    push(it, "order:c", "s", NULL);
    assert_ok(cleat_client_delete_filter(it->client, &declared));
    assert_refused(cleat_client_delete_filter(it->client, &declared), CLEAT_NOT_FOUND, declared.text);
    assert_ok(cleat_client_delete_filter(it->client, &id));
    assert_ok(cleat_client_list_filters(it->client, CLEAT_FILTER_LIST_OPTIONS(.limit = 1), &list));
    assert_int_equal(list.count, 0);
    push(it, "order:d", "s", NULL);
    gate_wait(&it->seen, 3);
    assert_string_equal(it->text, "order:a{\"v\":1};order:b{\"v\":2};order:d-;");
}

static void test_bad_filters(void **state)
{
    fixture *it = *state;
    const cleat_filter_id none = {"01890000-0000-7000-8000-000000000001"}, nonsense = {"nonsense"};
    const cleat_filter good = {.scope = "s", .expression = "true"};
    const cleat_filter wrong = {.scope = "s", .expression = "input.n =="};
    cleat_filter_list list = {0};
    start_worker(it, NULL, 0);
    assert_refused(cleat_client_create_filter(it->client, "order:note", &wrong, NULL), CLEAT_INVALID_ARGUMENT,
                   "character 11");
    assert_refused(cleat_client_create_filter(it->client, "no:body", &good, NULL), CLEAT_NOT_FOUND,
                   "there is no task \"no:body\": no worker has declared it, or it was deleted since");
    assert_refused(cleat_client_create_filter(it->client, "order:note",
                                              &(cleat_filter){.scope = "\xff", .expression = "true"}, NULL),
                   CLEAT_INVALID_ARGUMENT, "UTF-8");
    assert_refused(
        cleat_client_create_filter(it->client, "order:note", &(cleat_filter){.expression = "true"}, NULL),
        CLEAT_INVALID_ARGUMENT, "scope");
    assert_refused(cleat_client_create_filter(it->client, "order:note", &(cleat_filter){.scope = "s"}, NULL),
                   CLEAT_INVALID_ARGUMENT, "expression");
    assert_refused(cleat_client_create_filter(it->client, NULL, &good, NULL), CLEAT_INVALID_ARGUMENT, "task");
    assert_refused(cleat_client_update_filter(it->client, &none, &good), CLEAT_NOT_FOUND, none.text);
    assert_refused(cleat_client_update_filter(it->client, &none, &wrong), CLEAT_INVALID_ARGUMENT, "11");
    assert_refused(cleat_client_update_filter(it->client, &nonsense, &good), CLEAT_INVALID_ARGUMENT,
                   "nonsense");
    assert_refused(cleat_client_delete_filter(it->client, &none), CLEAT_NOT_FOUND, none.text);
    assert_refused(cleat_client_list_filters(it->client, CLEAT_FILTER_LIST_OPTIONS(.limit = 1001), &list),
                   CLEAT_INVALID_ARGUMENT, "limit");
    assert_refused(cleat_client_list_filters(it->client, CLEAT_FILTER_LIST_OPTIONS(.task = "no:body"), &list),
                   CLEAT_NOT_FOUND, "there is no task \"no:body\": no worker has declared it");
    cleat_filter_list_deinit(&list);
    cleat_filter_list_deinit(NULL);
}

static void test_bad_declarations(void **state)
{
    fixture *it = *state;
    static const char *const keys[] = {"order:\\", NULL};
    const cleat_filter wrong = {.scope = "s", .expression = "input.n =="};
    assert_ok(cleat_worker_new(it->client, NULL, &it->worker));
    assert_refused(cleat_worker_add_task(it->worker, CLEAT_TASK_OPTIONS(.name = "x", .run = tell,
                                                                        .default_filters = &wrong,
                                                                        .default_filter_count = 1)),
                   CLEAT_INVALID_ARGUMENT, "character 11");
    assert_refused(cleat_worker_add_task(
                       it->worker, CLEAT_TASK_OPTIONS(.name = "x", .run = tell, .default_filter_count = 1)),
                   CLEAT_INVALID_ARGUMENT, "default_filters");
    assert_refused(
        cleat_worker_add_task(it->worker, CLEAT_TASK_OPTIONS(.name = "x", .run = tell, .on_events = keys)),
        CLEAT_INVALID_ARGUMENT, "event_triggers");
}

/* ---- Crons ---- */

static cleat_status tell_time(cleat_task *task, void *user_data)
{
    fixture *it = user_data;
    cleat_slice metadata = cleat_task_metadata(task);
    if (strstr(metadata.data, "\"hatchet__cron_scheduled_at\":\"2") != NULL) {
        (void)snprintf(it->text, sizeof(it->text), "%.*s", CLEAT_SLICE_ARGS(cleat_task_input(task)));
    }
    gate_add(&it->seen);
    return CLEAT_OK;
}

static void start_cron_worker(fixture *it, const char *const *crons, const char *input)
{
    assert_ok(cleat_worker_new(it->client, CLEAT_WORKER_OPTIONS(.slots = 1), &it->worker));
    assert_ok(cleat_worker_add_task(it->worker, CLEAT_TASK_OPTIONS(.name = "report:send", .run = tell_time,
                                                                   .user_data = it, .on_crons = crons,
                                                                   .cron_input = input)));
    assert_ok(cleat_worker_start(it->worker));
}

static void test_a_declared_cron_fires(void **state)
{
    fixture *it = *state;
    static const char *const crons[] = {"* * * * * *", NULL};
    cleat_cron_list list = {0};
    start_cron_worker(it, crons, "{\"n\":1}");
    gate_wait(&it->seen, 1);
    assert_string_equal(it->text, "{\"n\":1}");
    assert_ok(cleat_client_list_crons(it->client, NULL, &list));
    assert_int_equal(list.count, 1);
    assert_string_equal(list.items[0].name, "");
    assert_string_equal(list.items[0].workflow, "report.send");
    assert_refused(cleat_client_delete_cron(it->client, &list.items[0].id), CLEAT_FAILED_PRECONDITION,
                   "disabled");
    assert_ok(cleat_client_enable_cron(it->client, &list.items[0].id, false));
    cleat_cron_list_deinit(&list);
    assert_ok(cleat_client_list_crons(it->client, NULL, &list));
    assert_false(list.items[0].is_enabled);
    assert_true(list.items[0].next_at_ms == 0);
    cleat_cron_list_deinit(&list);
}

static void test_crons_are_made_listed_and_deleted(void **state)
{
    fixture *it = *state;
    cleat_cron_id id, nightly;
    cleat_cron_list list = {0};
    start_cron_worker(it, NULL, NULL);
    assert_ok(cleat_client_create_cron(
        it->client, "report:send", "each", "* * * * * *", "{\"n\":2}",
        CLEAT_RUN_OPTIONS(.metadata = "{\"m\":1}", .priority = CLEAT_PRIORITY_HIGH), &id));
    assert_ok(
        cleat_client_create_cron(it->client, "report:send", "nightly", "0 3 * * *", NULL, NULL, &nightly));
    assert_refused(
        cleat_client_create_cron(it->client, "report:send", "nightly", "0 3 * * *", NULL, NULL, NULL),
        CLEAT_ALREADY_EXISTS, "nightly");
    gate_wait(&it->seen, 1);
    assert_string_equal(it->text, "{\"n\":2}");
    assert_ok(cleat_client_list_crons(it->client, CLEAT_SCHEDULE_LIST_OPTIONS(.limit = 9), &list));
    assert_int_equal(list.count, 2);
    assert_string_equal(list.items[0].id.text, nightly.text);
    assert_string_equal(list.items[1].name, "each");
    assert_string_equal(list.items[1].expression, "* * * * * *");
    assert_string_equal(list.items[1].input, "{\"n\":2}");
    assert_string_equal(list.items[1].metadata, "{\"m\":1}");
    assert_int_equal(list.items[1].priority, 3);
    assert_true(list.items[1].is_enabled && list.items[1].next_at_ms % 1000 == 0);
    assert_true(list.items[0].next_at_ms % 86400000 == 3 * 3600000);
    cleat_cron_list_deinit(&list);
    assert_ok(cleat_client_delete_cron(it->client, &id));
    assert_refused(cleat_client_delete_cron(it->client, &id), CLEAT_NOT_FOUND, id.text);
    assert_ok(cleat_client_list_crons(it->client, CLEAT_SCHEDULE_LIST_OPTIONS(.offset = 1), &list));
    assert_int_equal(list.count, 0);
    cleat_cron_list_deinit(NULL);
}

static void test_bad_crons(void **state)
{
    fixture *it = *state;
    const cleat_cron_id none = {"01890000-0000-7000-8000-000000000001"}, nonsense = {"nonsense"};
    static const char *const wrong[] = {"* * * *", NULL};
    cleat_cron_list list = {0};
    assert_ok(cleat_worker_new(it->client, NULL, &it->worker));
    assert_refused(cleat_worker_add_task(
                       it->worker, CLEAT_TASK_OPTIONS(.name = "x", .run = tell_time, .on_crons = wrong)),
                   CLEAT_INVALID_ARGUMENT, "4 fields");
    assert_refused(cleat_worker_add_task(
                       it->worker, CLEAT_TASK_OPTIONS(.name = "x", .run = tell_time, .cron_input = "7")),
                   CLEAT_INVALID_ARGUMENT, "cron_input");
    cleat_client *client = it->client;
    assert_refused(cleat_client_create_cron(client, "x", "n", "* * * *", NULL, NULL, NULL),
                   CLEAT_INVALID_ARGUMENT, "4 fields");
    assert_refused(cleat_client_create_cron(client, "x", "\xff", "* * * * *", NULL, NULL, NULL),
                   CLEAT_INVALID_ARGUMENT, "UTF-8");
    assert_refused(cleat_client_create_cron(client, "x", "", "* * * * *", NULL, NULL, NULL),
                   CLEAT_INVALID_ARGUMENT, "name");
    assert_refused(cleat_client_create_cron(client, "x", NULL, "* * * * *", NULL, NULL, NULL),
                   CLEAT_INVALID_ARGUMENT, "name");
    assert_refused(cleat_client_create_cron(client, "x", "n", "* * * * *", "7", NULL, NULL),
                   CLEAT_INVALID_ARGUMENT, "input");
    assert_refused(cleat_client_create_cron(client, "x", "n", "* * * * *", NULL,
                                            CLEAT_RUN_OPTIONS(.child_key = "c"), NULL),
                   CLEAT_INVALID_ARGUMENT, "child_key");
    assert_refused(cleat_client_create_cron(client, "nobodys", "n", "* * * * *", NULL, NULL, NULL),
                   CLEAT_NOT_FOUND, "nobodys");
    assert_refused(cleat_client_enable_cron(client, &none, true), CLEAT_NOT_FOUND, none.text);
    assert_refused(cleat_client_enable_cron(client, &nonsense, true), CLEAT_INVALID_ARGUMENT, "nonsense");
    assert_refused(cleat_client_delete_cron(client, &none), CLEAT_NOT_FOUND, none.text);
    assert_refused(cleat_client_list_crons(client, CLEAT_SCHEDULE_LIST_OPTIONS(.limit = -1), &list),
                   CLEAT_INVALID_ARGUMENT, "limit");
}

int trigger_suite_run(const sdk_target *of)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_patterns),
        TEST(test_declared_filters),
        TEST(test_filters_are_made_listed_changed_and_deleted),
        TEST(test_bad_filters),
        TEST(test_bad_declarations),
        TEST(test_a_declared_cron_fires),
        TEST(test_crons_are_made_listed_and_deleted),
        TEST(test_bad_crons),
    };
#undef TEST
    target = of;
    return cmocka_run_group_tests_name(of->name, tests, NULL, NULL);
}
