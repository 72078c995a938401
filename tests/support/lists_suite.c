#include "support/lists_suite.h"

#include "support/gate.h"
#include "support/outcome.h"
#include "support/temp_dir.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const sdk_target *target;

typedef struct fixture {
    temp_dir dir;
    cleat_client *client;
    cleat_worker *worker;
    gate said, heard; /* lines of a log */
} fixture;

static int set_up(void **state)
{
    fixture *it = calloc(1, sizeof(*it));
    assert_non_null(it);
    temp_dir_make(&it->dir);
    gate_init(&it->said);
    gate_init(&it->heard);
    assert_ok(target->open(it->dir.database, &it->client));
    *state = it;
    return 0;
}

static int tear_down(void **state)
{
    fixture *it = *state;
    cleat_worker_free(it->worker);
    target->close(it->client);
    gate_deinit(&it->said);
    gate_deinit(&it->heard);
    temp_dir_remove(&it->dir);
    free(it);
    return 0;
}

/* ---- Tasks ---- */

static cleat_status pass(cleat_task *task, void *user_data)
{
    (void)user_data;
    return cleat_task_return(task, "{\"passed\":true}");
}

static cleat_status refuse(cleat_task *task, void *user_data)
{
    (void)user_data;
    return cleat_task_fail(task, CLEAT_FAILED, "no such address");
}

/* Starts two runs of "pack:box". */
static cleat_status order(cleat_task *task, void *user_data)
{
    (void)user_data;
    cleat_status status = cleat_task_spawn(task, "pack:box", NULL, NULL, NULL);
    return status == CLEAT_OK ? cleat_task_spawn(task, "pack:box", NULL, NULL, NULL) : status;
}

static void start_worker(fixture *it)
{
    static const char *const keys[] = {"order:*", NULL};
    assert_ok(cleat_worker_new(it->client, CLEAT_WORKER_OPTIONS(.slots = 4), &it->worker));
    assert_ok(cleat_worker_add_task(it->worker, CLEAT_TASK_OPTIONS(.name = "mail:send", .run = refuse)));
    assert_ok(cleat_worker_add_task(it->worker, CLEAT_TASK_OPTIONS(.name = "pack:box", .run = pass)));
    assert_ok(cleat_worker_add_task(it->worker,
                                    CLEAT_TASK_OPTIONS(.name = "order", .run = order, .on_events = keys)));
    assert_ok(cleat_worker_start(it->worker));
}

static cleat_run_id start_run(const fixture *it, const char *task, const char *metadata)
{
    cleat_run_id id;
    assert_ok(cleat_client_run_no_wait(it->client, task, NULL, CLEAT_RUN_OPTIONS(.metadata = metadata), &id));
    return id;
}

static cleat_run_id run(const fixture *it, const char *task, const char *metadata)
{
    cleat_run_result result = {0};
    assert_ok(cleat_client_run(it->client, task, NULL, CLEAT_RUN_OPTIONS(.metadata = metadata), &result));
    const cleat_run_id id = result.id;
    cleat_run_result_deinit(&result);
    return id;
}

/* ---- Runs ---- */

/* Exactly these, in this order. */
static void assert_runs(const fixture *it, const cleat_run_list_options *options, const cleat_run_id *ids,
                        size_t count)
{
    cleat_run_list list = {0};
    assert_ok(cleat_client_list_runs(it->client, options, &list));
    assert_int_equal(list.count, count);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(list.items[i].id.text, ids[i].text);
    }
    cleat_run_list_deinit(&list);
}

static void test_runs_are_listed_as_they_are(void **state)
{
    fixture *it = *state;
    cleat_run_list list = {0};
    start_worker(it);
    const cleat_run_id failed = run(it, "mail:send", "{\"customer\":7}");
    const cleat_run_id passed = run(it, "pack:box", NULL);
    assert_ok(cleat_client_pause_workflow(it->client, "pack:box", NULL));
    const cleat_run_id waiting = start_run(it, "pack:box", NULL);
    assert_ok(cleat_client_list_runs(it->client, NULL, &list));
    assert_int_equal(list.count, 3);

    const cleat_run_entry *entry = &list.items[0];
    assert_string_equal(entry->id.text, waiting.text);
    assert_int_equal(entry->status, CLEAT_RUN_QUEUED);
    assert_true(entry->created_at_ms > 0);
    assert_int_equal(entry->started_at_ms, 0);
    assert_int_equal(entry->finished_at_ms, 0);
    assert_null(entry->error);

    entry = &list.items[1];
    assert_string_equal(entry->id.text, passed.text);
    assert_string_equal(entry->workflow, "pack.box");
    assert_int_equal(entry->status, CLEAT_RUN_COMPLETED);
    assert_true(entry->started_at_ms > 0 && entry->finished_at_ms > 0);
    assert_int_equal(entry->retry_count, 0);
    assert_string_equal(entry->parent.text, "");
    assert_null(entry->error);

    entry = &list.items[2];
    assert_string_equal(entry->id.text, failed.text);
    assert_string_equal(entry->workflow, "mail.send");
    assert_int_equal(entry->status, CLEAT_RUN_FAILED);
    assert_string_equal(entry->error, "no such address");
    assert_non_null(strstr(entry->metadata, "\"customer\":7")); /* a server adds a trace context */
    cleat_run_list_deinit(&list);
    cleat_run_list_deinit(&list);
    cleat_run_list_deinit(NULL);
}

static void test_runs_are_listed_by_pages(void **state)
{
    fixture *it = *state;
    cleat_run_id ids[5];
    start_worker(it);
    for (size_t i = 5; i > 0; i--) {
        ids[i - 1] = run(it, "pack:box", NULL);
    }
    assert_runs(it, CLEAT_RUN_LIST_OPTIONS(.limit = 2), ids, 2);
    assert_runs(it, CLEAT_RUN_LIST_OPTIONS(.offset = 2, .limit = 2), ids + 2, 2);
    assert_runs(it, CLEAT_RUN_LIST_OPTIONS(.offset = 4, .limit = 2), ids + 4, 1);
    assert_runs(it, CLEAT_RUN_LIST_OPTIONS(.offset = 5, .limit = 1000), NULL, 0);
}

static void test_runs_are_listed_that_a_filter_chooses(void **state)
{
    fixture *it = *state;
    static const char *const mails[] = {"mail:send", NULL}, *const both[] = {"pack:box", "mail:send", NULL};
    static const char *const odd[] = {"who:A & b=ä?#%+", NULL}, *const either[] = {"who:x", "n:7", NULL};
    start_worker(it);
    const cleat_run_id failed = run(it, "mail:send", "{\"who\":\"A & b=ä?#%+\"}");
    const cleat_run_id passed = run(it, "pack:box", "{\"n\":7}");
    assert_ok(cleat_client_pause_workflow(it->client, "order", NULL));
    const cleat_run_id waiting = start_run(it, "order", "{\"who\":\"A & b=ä?#%\"}");
    const cleat_run_id named[] = {passed, failed};

#define LIST(...) CLEAT_RUN_LIST_OPTIONS(.filter = CLEAT_RUN_FILTER(__VA_ARGS__))
    assert_runs(it, LIST(.tasks = mails), &failed, 1);
    assert_runs(it, LIST(.tasks = both), named, 2);
    assert_runs(it, LIST(.statuses = 1U << CLEAT_RUN_QUEUED), &waiting, 1);
    assert_runs(it, LIST(.statuses = 1U << CLEAT_RUN_COMPLETED | 1U << CLEAT_RUN_FAILED), named, 2);
    assert_runs(it, LIST(.statuses = 1U << CLEAT_RUN_EVICTED), NULL, 0);
    assert_runs(it, LIST(.metadata = odd), &failed, 1);
    assert_runs(it, LIST(.metadata = either), &passed, 1);
    assert_runs(it, LIST(.metadata = either, .tasks = mails), NULL, 0);
    assert_runs(it, LIST(.since_ms = INT64_C(4102444800000)), NULL, 0);
    assert_runs(it, LIST(.until_ms = 1), &waiting, 1); /* which has not ended */
    assert_runs(it, LIST(.until_ms = INT64_MAX - 1, .tasks = both), named, 2);
#undef LIST
}

static void test_runs_are_listed_by_what_started_them(void **state)
{
    fixture *it = *state;
    cleat_run_list list = {0};
    cleat_event_id event;
    const cleat_run_id nobody = {"01890000-0000-7000-8000-000000000001"};
    start_worker(it);
    const cleat_run_id parent = run(it, "order", NULL);
    assert_ok(cleat_client_list_runs(it->client, CLEAT_RUN_LIST_OPTIONS(.parent = &parent), &list));
    assert_int_equal(list.count, 2);
    assert_string_equal(list.items[0].parent.text, parent.text);
    assert_string_equal(list.items[1].workflow, "pack.box");
    cleat_run_list_deinit(&list);
    assert_runs(it, CLEAT_RUN_LIST_OPTIONS(.parent = &nobody), NULL, 0);

    assert_ok(cleat_client_pause_workflow(it->client, "order", NULL));
    assert_ok(cleat_client_push(it->client, "order:paid", NULL, NULL, &event));
    assert_ok(cleat_client_list_runs(it->client, CLEAT_RUN_LIST_OPTIONS(.event = &event), &list));
    assert_int_equal(list.count, 1);
    assert_string_equal(list.items[0].workflow, "order");
    cleat_run_list_deinit(&list);
}

static void test_bad_lists_of_runs(void **state)
{
    fixture *it = *state;
    cleat_client *client = it->client;
    static const char *const tasks[] = {"nobody:s", NULL}, *const pairs[] = {"customer", NULL};
    const cleat_run_id nonsense = {"nonsense"};
    const cleat_event_id no_event = {"none"};
    cleat_run_list list = {0};
#define REFUSED(status, word, ...) \
    assert_refused(cleat_client_list_runs(client, CLEAT_RUN_LIST_OPTIONS(__VA_ARGS__), &list), status, word)
    REFUSED(CLEAT_NOT_FOUND, "there is no task \"nobody:s\"", .filter = CLEAT_RUN_FILTER(.tasks = tasks));
    REFUSED(CLEAT_INVALID_ARGUMENT, "\"customer\"", .filter = CLEAT_RUN_FILTER(.metadata = pairs));
    REFUSED(CLEAT_INVALID_ARGUMENT, "statuses", .filter = CLEAT_RUN_FILTER(.statuses = 1U << 6));
    REFUSED(CLEAT_INVALID_ARGUMENT, "since_ms", .filter = CLEAT_RUN_FILTER(.since_ms = -1));
    REFUSED(CLEAT_INVALID_ARGUMENT, "CLEAT_RUN_FILTER", .filter = &(cleat_run_filter){.since_ms = 1});
    REFUSED(CLEAT_INVALID_ARGUMENT, "limit", .limit = 1001);
    REFUSED(CLEAT_INVALID_ARGUMENT, "offset", .offset = -1);
    REFUSED(CLEAT_INVALID_ARGUMENT, "nonsense", .parent = &nonsense);
    REFUSED(CLEAT_INVALID_ARGUMENT, "id of an event", .event = &no_event);
#undef REFUSED
    assert_refused(cleat_client_list_runs(client, &(cleat_run_list_options){.limit = 1}, &list),
                   CLEAT_INVALID_ARGUMENT, "CLEAT_RUN_LIST_OPTIONS");
    assert_refused(cleat_client_list_runs(NULL, NULL, &list), CLEAT_INVALID_ARGUMENT, "client");
    assert_refused(cleat_client_list_runs(client, NULL, NULL), CLEAT_INVALID_ARGUMENT, "out");
    assert_int_equal(list.count, 0);
}

/* ---- Events ---- */

static cleat_event_id push(const fixture *it, const char *key, const char *scope, const char *metadata)
{
    cleat_event_id id;
    assert_ok(cleat_client_push(it->client, key, "{\"n\":7}",
                                CLEAT_EVENT_OPTIONS(.scope = scope, .metadata = metadata), &id));
    return id;
}

/* Exactly these, in this order. */
static void assert_events(const fixture *it, const cleat_event_list_options *options,
                          const cleat_event_id *ids, size_t count)
{
    cleat_event_list list = {0};
    assert_ok(cleat_client_list_events(it->client, options, &list));
    assert_int_equal(list.count, count);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(list.items[i].id.text, ids[i].text);
    }
    cleat_event_list_deinit(&list);
}

static void test_events_are_listed_with_what_they_started(void **state)
{
    fixture *it = *state;
    cleat_event_list list = {0};
    cleat_run_list runs = {0};
    start_worker(it);
    const cleat_event_id paid = push(it, "order:paid", "eu", "{\"who\":\"ada\"}");
    const cleat_event_id made = push(it, "User made", NULL, NULL);
    assert_ok(cleat_client_list_runs(it->client, CLEAT_RUN_LIST_OPTIONS(.event = &paid), &runs));
    assert_int_equal(runs.count, 1);
    assert_ok(cleat_client_list_events(it->client, NULL, &list));
    assert_int_equal(list.count, 2);

    const cleat_event_entry *entry = &list.items[0];
    assert_string_equal(entry->id.text, made.text);
    assert_string_equal(entry->key, "User made");
    assert_string_equal(entry->payload, "{\"n\":7}");
    assert_null(entry->scope);
    assert_int_equal(entry->run_count, 0);

    entry = &list.items[1];
    assert_string_equal(entry->id.text, paid.text);
    assert_string_equal(entry->key, "order:paid");
    assert_string_equal(entry->scope, "eu");
    assert_non_null(strstr(entry->metadata, "\"who\":\"ada\""));
    assert_true(entry->pushed_at_ms > 0);
    assert_int_equal(entry->run_count, 1);
    assert_string_equal(entry->runs[0].text, runs.items[0].id.text);
    cleat_run_list_deinit(&runs);
    cleat_event_list_deinit(&list);
    cleat_event_list_deinit(NULL);
}

static void test_events_are_listed_that_a_filter_chooses(void **state)
{
    fixture *it = *state;
    static const char *const paid_key[] = {"order:paid", NULL}, *const scopes[] = {"a&b", "us", NULL};
    static const char *const pairs[] = {"who:ada", "n:7", NULL}, *const orders[] = {"order", NULL};
    static const char *const both_keys[] = {"user", "order:paid", NULL}, *const boxes[] = {"pack:box", NULL};
    start_worker(it);
    assert_ok(cleat_client_pause_workflow(it->client, "order", NULL));
    const cleat_event_id paid = push(it, "order:paid", "a&b", "{\"who\":\"ada\",\"n\":7}");
    const cleat_event_id sent = push(it, "order:sent", NULL, "{\"who\":\"ada\"}");
    const cleat_event_id user = push(it, "user", "eu", NULL);
    const cleat_event_id all[] = {user, sent, paid}, keyed[] = {user, paid};
#define LIST(...) CLEAT_EVENT_LIST_OPTIONS(__VA_ARGS__)
    assert_events(it, LIST(.limit = 2), all, 2);
    assert_events(it, LIST(.offset = 2, .limit = 2), all + 2, 1);
    assert_events(it, LIST(.keys = paid_key), &paid, 1);
    assert_events(it, LIST(.keys = both_keys), keyed, 2);
    assert_events(it, LIST(.scopes = scopes), &paid, 1);
    assert_events(it, LIST(.ids = keyed, .id_count = 2), keyed, 2);
    assert_events(it, LIST(.metadata = pairs), &paid, 1);
    assert_events(it, LIST(.tasks = orders), all + 1, 2);
    assert_events(it, LIST(.tasks = orders, .run_statuses = 1U << CLEAT_RUN_QUEUED), all + 1, 2);
    assert_events(it, LIST(.run_statuses = 1U << CLEAT_RUN_FAILED), NULL, 0);
    assert_events(it, LIST(.tasks = boxes), NULL, 0);
    assert_events(it, LIST(.since_ms = INT64_C(4102444800000)), NULL, 0);
    assert_events(it, LIST(.until_ms = 1), NULL, 0);
    assert_events(it, LIST(.since_ms = 1, .until_ms = INT64_MAX), all, 3);
#undef LIST
}

static void test_bad_lists_of_events(void **state)
{
    fixture *it = *state;
    static const char *const tasks[] = {"nobody:s", NULL}, *const wrong[] = {"\xff", NULL};
    const cleat_event_id nonsense = {"nonsense"};
    cleat_client *client = it->client;
    cleat_event_list list = {0};
#define REFUSED(status, word, ...)                                                                         \
    assert_refused(cleat_client_list_events(client, CLEAT_EVENT_LIST_OPTIONS(__VA_ARGS__), &list), status, \
                   word)
    REFUSED(CLEAT_NOT_FOUND, "there is no task \"nobody:s\"", .tasks = tasks);
    REFUSED(CLEAT_INVALID_ARGUMENT, "keys", .keys = wrong);
    REFUSED(CLEAT_INVALID_ARGUMENT, "scopes", .scopes = wrong);
    REFUSED(CLEAT_INVALID_ARGUMENT, "key:value", .metadata = wrong);
    REFUSED(CLEAT_INVALID_ARGUMENT, "run_statuses", .run_statuses = 1U << 6);
    REFUSED(CLEAT_INVALID_ARGUMENT, "until_ms", .until_ms = -1);
    REFUSED(CLEAT_INVALID_ARGUMENT, "id_count", .id_count = 1);
    REFUSED(CLEAT_INVALID_ARGUMENT, "id_count", .ids = &nonsense, .id_count = 101);
    REFUSED(CLEAT_INVALID_ARGUMENT, "nonsense", .ids = &nonsense, .id_count = 1);
    REFUSED(CLEAT_INVALID_ARGUMENT, "limit", .limit = 1001);
#undef REFUSED
    assert_refused(cleat_client_list_events(client, &(cleat_event_list_options){.limit = 1}, &list),
                   CLEAT_INVALID_ARGUMENT, "CLEAT_EVENT_LIST_OPTIONS");
    assert_refused(cleat_client_list_events(NULL, NULL, &list), CLEAT_INVALID_ARGUMENT, "client");
    assert_refused(cleat_client_list_events(client, NULL, NULL), CLEAT_INVALID_ARGUMENT, "out");
    assert_int_equal(list.count, 0);
}

/* ---- Logs ---- */

/* Waits until so many lines are there: a task does not. */
static void await_lines(const fixture *it, const cleat_run_id *id, size_t count)
{
    cleat_log_list list = {0};
    do {
        cleat_log_list_deinit(&list);
        assert_ok(cleat_client_list_logs(it->client, id, NULL, &list));
    } while (list.count < count);
    cleat_log_list_deinit(&list);
}

/* Says one line, and after the gate two more, and fails; its second attempt says one. */
static cleat_status talk(cleat_task *task, void *user_data)
{
    fixture *it = user_data;
    if (cleat_task_retry_count(task) != 0) {
        return cleat_task_log(task, CLEAT_LOG_ERROR, "again: 100 %% & more");
    }
    cleat_status status = cleat_task_log_metadata(task, CLEAT_LOG_INFO, "{\"part\":1}", "first");
    gate_add(&it->said);
    gate_wait(&it->heard, 1);
    if (status == CLEAT_OK) {
        status = cleat_task_log(task, CLEAT_LOG_DEBUG, "second");
    }
    gate_add(&it->said);
    gate_wait(&it->heard, 2);
    return status == CLEAT_OK ? CLEAT_FAILED : status;
}

/* One line after the other. */
static cleat_run_id run_talk(fixture *it)
{
    assert_ok(cleat_worker_new(it->client, NULL, &it->worker));
    assert_ok(cleat_worker_add_task(
        it->worker, CLEAT_TASK_OPTIONS(.name = "talk", .run = talk, .user_data = it, .retries = 1)));
    assert_ok(cleat_worker_start(it->worker));
    const cleat_run_id id = start_run(it, "talk", NULL);
    gate_wait(&it->said, 1);
    await_lines(it, &id, 1);
    gate_add(&it->heard);
    gate_wait(&it->said, 2);
    await_lines(it, &id, 2);
    gate_add(&it->heard);
    await_lines(it, &id, 3);
    return id;
}

/* Exactly these, in this order; ended by NULL. */
static void assert_lines(const fixture *it, const cleat_run_id *id, const cleat_log_list_options *options,
                         const char *const *messages)
{
    cleat_log_list list = {0};
    size_t count = 0;
    assert_ok(cleat_client_list_logs(it->client, id, options, &list));
    while (count < list.count && messages[count] != NULL) {
        assert_string_equal(list.items[count].message, messages[count]);
        count++;
    }
    assert_int_equal(count, list.count);
    assert_null(messages[count]);
    cleat_log_list_deinit(&list);
}

static void test_log_lines_are_listed(void **state)
{
    fixture *it = *state;
    cleat_log_list list = {0};
#define LAST "again: 100 % & more"
    static const char *const forward[] = {"first", "second", LAST, NULL};
    static const char *const backward[] = {LAST, "second", "first", NULL}, *const odd[] = {"first", LAST,
                                                                                           NULL};
    const cleat_run_id id = run_talk(it);
    assert_lines(it, &id, NULL, forward);
    assert_lines(it, &id, CLEAT_LOG_LIST_OPTIONS(.newest_first = true), backward);
    assert_lines(it, &id, CLEAT_LOG_LIST_OPTIONS(.newest_first = true, .offset = 1, .limit = 2),
                 backward + 1);
    assert_lines(it, &id, CLEAT_LOG_LIST_OPTIONS(.offset = 2), forward + 2);
    assert_lines(it, &id, CLEAT_LOG_LIST_OPTIONS(.offset = 3), forward + 3);
    assert_lines(it, &id, CLEAT_LOG_LIST_OPTIONS(.levels = 1U << CLEAT_LOG_INFO | 1U << CLEAT_LOG_ERROR),
                 odd);
    assert_lines(it, &id, CLEAT_LOG_LIST_OPTIONS(.attempt = 2), forward + 2);
    assert_lines(it, &id, CLEAT_LOG_LIST_OPTIONS(.search = "100 % &"), forward + 2);
    assert_lines(it, &id, CLEAT_LOG_LIST_OPTIONS(.search = "100 & %"), forward + 3);
    assert_lines(it, &id, CLEAT_LOG_LIST_OPTIONS(.since_ms = INT64_C(4102444800000)), forward + 3);
    assert_lines(it, &id, CLEAT_LOG_LIST_OPTIONS(.until_ms = 1), forward + 3);

    assert_ok(cleat_client_list_logs(it->client, &id, NULL, &list));
    assert_int_equal(list.items[0].level, CLEAT_LOG_INFO);
    assert_string_equal(list.items[0].metadata, "{\"part\":1}");
    assert_int_equal(list.items[0].attempt, 1);
    assert_true(list.items[0].time_ms > 0);
    assert_string_equal(list.items[1].metadata, "{}");
    assert_int_equal(list.items[2].attempt, 2);
    assert_int_equal(list.items[2].level, CLEAT_LOG_ERROR);
    cleat_log_list_deinit(&list);
    cleat_log_list_deinit(NULL);
}

static void test_bad_lists_of_log_lines(void **state)
{
    fixture *it = *state;
    const cleat_run_id none = {"01890000-0000-7000-8000-000000000001"}, nonsense = {"nonsense"};
    cleat_client *client = it->client;
    cleat_log_list list = {0};
#define REFUSED(word, ...)                                                                            \
    assert_refused(cleat_client_list_logs(client, &none, CLEAT_LOG_LIST_OPTIONS(__VA_ARGS__), &list), \
                   CLEAT_INVALID_ARGUMENT, word)
    REFUSED("levels", .levels = 1U << 5);
    REFUSED("levels", .levels = 1U);
    REFUSED("attempt", .attempt = -1);
    REFUSED("search", .search = "\xff");
    REFUSED("since_ms", .since_ms = -1);
    REFUSED("limit", .limit = 1001);
#undef REFUSED
    assert_refused(cleat_client_list_logs(client, &none, NULL, &list), CLEAT_NOT_FOUND,
                   "there is no run 01890000-0000-7000-8000-000000000001");
    assert_refused(cleat_client_list_logs(client, &nonsense, NULL, &list), CLEAT_INVALID_ARGUMENT,
                   "nonsense");
    assert_refused(cleat_client_list_logs(client, &none, &(cleat_log_list_options){.limit = 1}, &list),
                   CLEAT_INVALID_ARGUMENT, "CLEAT_LOG_LIST_OPTIONS");
    assert_refused(cleat_client_list_logs(client, NULL, NULL, &list), CLEAT_INVALID_ARGUMENT, "id");
    assert_refused(cleat_client_list_logs(NULL, &none, NULL, &list), CLEAT_INVALID_ARGUMENT, "client");
    assert_refused(cleat_client_list_logs(client, &none, NULL, NULL), CLEAT_INVALID_ARGUMENT, "out");
}

/* ---- Figures ---- */

static cleat_status hold(cleat_task *task, void *user_data)
{
    fixture *it = user_data;
    gate_add(&it->said);
    gate_wait(&it->heard, 1);
    return cleat_task_return(task, "{}");
}

/* One that goes on until the gate opens, two that wait, one that has failed and one that has not. */
static void start_some(fixture *it)
{
    assert_ok(cleat_worker_new(it->client, CLEAT_WORKER_OPTIONS(.slots = 4), &it->worker));
    assert_ok(cleat_worker_add_task(it->worker, CLEAT_TASK_OPTIONS(.name = "mail:send", .run = refuse)));
    assert_ok(cleat_worker_add_task(it->worker, CLEAT_TASK_OPTIONS(.name = "pack:box", .run = pass)));
    assert_ok(
        cleat_worker_add_task(it->worker, CLEAT_TASK_OPTIONS(.name = "hold", .run = hold, .user_data = it)));
    assert_ok(cleat_worker_start(it->worker));
    (void)run(it, "mail:send", "{\"n\":7}");
    (void)run(it, "pack:box", NULL);
    assert_ok(cleat_client_pause_workflow(it->client, "pack:box", NULL));
    (void)start_run(it, "pack:box", "{\"n\":7}");
    (void)start_run(it, "pack:box", NULL);
    (void)start_run(it, "hold", NULL);
    gate_wait(&it->said, 1);
}

static void assert_metrics(const fixture *it, const cleat_run_filter *filter, int queued, int running,
                           int completed, int failed)
{
    cleat_run_metrics found = {.evicted = 99};
    assert_ok(cleat_client_get_run_metrics(it->client, filter, &found));
    assert_int_equal(found.queued, queued);
    assert_int_equal(found.running, running);
    assert_int_equal(found.completed, completed);
    assert_int_equal(found.failed, failed);
    assert_int_equal(found.cancelled, 0);
    assert_int_equal(found.evicted, 0);
}

static void test_runs_are_counted(void **state)
{
    fixture *it = *state;
    static const char *const boxes[] = {"pack:box", NULL}, *const pairs[] = {"n:7", NULL};
    static const char *const nobodys[] = {"nobody:s", NULL};
    cleat_run_metrics found;
    start_some(it);
    assert_metrics(it, NULL, 2, 1, 1, 1);
    assert_metrics(it, CLEAT_RUN_FILTER(.tasks = boxes), 2, 0, 1, 0);
    assert_metrics(it, CLEAT_RUN_FILTER(.metadata = pairs), 1, 0, 0, 1);
    assert_metrics(it, CLEAT_RUN_FILTER(.statuses = 1U << CLEAT_RUN_QUEUED), 2, 0, 0, 0);
    assert_metrics(it, CLEAT_RUN_FILTER(.since_ms = INT64_C(4102444800000)), 0, 0, 0, 0);
    assert_refused(cleat_client_get_run_metrics(it->client, CLEAT_RUN_FILTER(.tasks = nobodys), &found),
                   CLEAT_NOT_FOUND, "there is no task \"nobody:s\"");
    assert_refused(cleat_client_get_run_metrics(it->client, CLEAT_RUN_FILTER(.since_ms = -1), &found),
                   CLEAT_INVALID_ARGUMENT, "since_ms");
    assert_refused(cleat_client_get_run_metrics(it->client, NULL, NULL), CLEAT_INVALID_ARGUMENT, "out");
    assert_refused(cleat_client_get_run_metrics(NULL, NULL, &found), CLEAT_INVALID_ARGUMENT, "client");
    gate_add(&it->heard);
}

static void test_queues_are_counted(void **state)
{
    fixture *it = *state;
    cleat_queue_metrics found = {0};
    start_some(it);
    assert_ok(cleat_client_get_queue_metrics(it->client, &found));
    assert_int_equal(found.count, 2);
    const cleat_queue_entry *entry = &found.items[0];
    assert_string_equal(entry->task, "hold:hold");
    assert_int_equal(entry->queued, 0);
    assert_int_equal(entry->running, 1);
    assert_int_equal(entry->oldest_queued_at_ms, 0);
    assert_true(entry->oldest_running_at_ms > 0);
    entry = &found.items[1];
    assert_string_equal(entry->task, "pack:box");
    assert_int_equal(entry->queued, 2);
    assert_int_equal(entry->running, 0);
    assert_true(entry->oldest_queued_at_ms > 0);
    assert_int_equal(entry->oldest_running_at_ms, 0);
    cleat_queue_metrics_deinit(&found);
    cleat_queue_metrics_deinit(NULL);
    assert_refused(cleat_client_get_queue_metrics(it->client, NULL), CLEAT_INVALID_ARGUMENT, "out");
    assert_refused(cleat_client_get_queue_metrics(NULL, &found), CLEAT_INVALID_ARGUMENT, "client");
    gate_add(&it->heard);
}

/* ---- Rate limits ---- */

static void assert_limits(const fixture *it, const cleat_rate_limit_list_options *options, const char *first,
                          size_t count)
{
    cleat_rate_limit_list list = {0};
    assert_ok(cleat_client_list_rate_limits(it->client, options, &list));
    assert_int_equal(list.count, count);
    if (count != 0) {
        assert_string_equal(list.items[0].key, first);
    }
    cleat_rate_limit_list_deinit(&list);
}

static void test_rate_limits_are_listed_and_deleted(void **state)
{
    fixture *it = *state;
    cleat_rate_limit_list list = {0};
    assert_limits(it, NULL, NULL, 0);
    assert_ok(cleat_client_put_rate_limit(it->client, "b & c", 5, CLEAT_PER_YEAR));
    assert_ok(cleat_client_put_rate_limit(it->client, "a", 100, CLEAT_PER_DAY));
    assert_ok(cleat_client_list_rate_limits(it->client, NULL, &list));
    assert_int_equal(list.count, 2);
    assert_string_equal(list.items[0].key, "a");
    assert_int_equal(list.items[0].limit, 100);
    assert_int_equal(list.items[0].value, 100);
    assert_int_equal(list.items[0].duration, CLEAT_PER_DAY);
    assert_true(list.items[0].refilled_at_ms > 0);
    assert_string_equal(list.items[1].key, "b & c");
    assert_int_equal(list.items[1].limit, 5);
    assert_int_equal(list.items[1].duration, CLEAT_PER_YEAR);
    cleat_rate_limit_list_deinit(&list);
    assert_limits(it, CLEAT_RATE_LIMIT_LIST_OPTIONS(.search = " & "), "b & c", 1);
    assert_limits(it, CLEAT_RATE_LIMIT_LIST_OPTIONS(.search = "d"), NULL, 0);
    assert_limits(it, CLEAT_RATE_LIMIT_LIST_OPTIONS(.limit = 1), "a", 1);
    assert_limits(it, CLEAT_RATE_LIMIT_LIST_OPTIONS(.offset = 1), "b & c", 1);
    assert_ok(cleat_client_delete_rate_limit(it->client, "b & c"));
    assert_limits(it, NULL, "a", 1);
    assert_refused(cleat_client_delete_rate_limit(it->client, "b & c"), CLEAT_NOT_FOUND,
                   "there is no rate limit \"b & c\"");
    cleat_rate_limit_list_deinit(NULL);
}

static void test_bad_lists_of_rate_limits(void **state)
{
    fixture *it = *state;
    cleat_client *client = it->client;
    cleat_rate_limit_list list = {0};
    assert_refused(
        cleat_client_list_rate_limits(client, CLEAT_RATE_LIMIT_LIST_OPTIONS(.search = "\xff"), &list),
        CLEAT_INVALID_ARGUMENT, "search");
    assert_refused(cleat_client_list_rate_limits(client, CLEAT_RATE_LIMIT_LIST_OPTIONS(.limit = -1), &list),
                   CLEAT_INVALID_ARGUMENT, "limit");
    assert_refused(cleat_client_list_rate_limits(client, &(cleat_rate_limit_list_options){.limit = 1}, &list),
                   CLEAT_INVALID_ARGUMENT, "CLEAT_RATE_LIMIT_LIST_OPTIONS");
    assert_refused(cleat_client_list_rate_limits(client, NULL, NULL), CLEAT_INVALID_ARGUMENT, "out");
    assert_refused(cleat_client_list_rate_limits(NULL, NULL, &list), CLEAT_INVALID_ARGUMENT, "client");
    assert_refused(cleat_client_delete_rate_limit(client, ""), CLEAT_INVALID_ARGUMENT, "0 bytes");
    assert_refused(cleat_client_delete_rate_limit(client, NULL), CLEAT_INVALID_ARGUMENT, "key");
    assert_refused(cleat_client_delete_rate_limit(NULL, "a"), CLEAT_INVALID_ARGUMENT, "client");
}

int lists_suite_run(const sdk_target *of)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_runs_are_listed_as_they_are),
        TEST(test_runs_are_listed_by_pages),
        TEST(test_runs_are_listed_that_a_filter_chooses),
        TEST(test_runs_are_listed_by_what_started_them),
        TEST(test_bad_lists_of_runs),
        TEST(test_events_are_listed_with_what_they_started),
        TEST(test_events_are_listed_that_a_filter_chooses),
        TEST(test_bad_lists_of_events),
        TEST(test_log_lines_are_listed),
        TEST(test_bad_lists_of_log_lines),
        TEST(test_runs_are_counted),
        TEST(test_queues_are_counted),
        TEST(test_rate_limits_are_listed_and_deleted),
        TEST(test_bad_lists_of_rate_limits),
    };
#undef TEST
    target = of;
    return cmocka_run_group_tests_name(of->name, tests, NULL, NULL);
}
