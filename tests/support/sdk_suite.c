#include "support/sdk_suite.h"

#include "base/clock.h"
#include "support/gate.h"
#include "support/outcome.h"
#include "support/temp_dir.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const sdk_target *target;

/* A client on a file of its own, with up to two workers, and what their tasks have seen. */
typedef struct fixture {
    temp_dir dir;
    cleat_client *client;
    cleat_worker *workers[2];
    gate seen;          /* a task has run to where it tells */
    gate go;            /* what tasks wait for */
    char text[512];     /* told by a task, before `seen` */
    char worker_id[37]; /* likewise */
    char parent_worker[37];
    cleat_run_id child;
    cleat_status status;
    int64_t timeout_at_ms;
} fixture;

static int set_up(void **state)
{
    fixture *it = calloc(1, sizeof(*it));
    assert_non_null(it);
    temp_dir_make(&it->dir);
    gate_init(&it->seen);
    gate_init(&it->go);
    assert_ok(target->open(it->dir.database, &it->client));
    *state = it;
    return 0;
}

static int tear_down(void **state)
{
    fixture *it = *state;
    for (int i = 0; i < 2; i++) {
        cleat_worker_free(it->workers[i]);
    }
    target->close(it->client);
    gate_deinit(&it->seen);
    gate_deinit(&it->go);
    temp_dir_remove(&it->dir);
    free(it);
    return 0;
}

static void make_worker(fixture *it, int which, const cleat_worker_options *options)
{
    assert_ok(cleat_worker_new(it->client, options, &it->workers[which]));
}

static void add_task(const fixture *it, int which, const cleat_task_options *task)
{
    assert_ok(cleat_worker_add_task(it->workers[which], task));
}

static void start_worker(const fixture *it, int which)
{
    assert_ok(cleat_worker_start(it->workers[which]));
}

static void assert_completes(const fixture *it, const cleat_run_id *id, const char *output)
{
    cleat_run_result result = {0};
    assert_ok(cleat_client_wait(it->client, id, 300000, &result));
    if (result.status != CLEAT_RUN_COMPLETED) {
        fail_msg("%s: %s", cleat_run_status_name(result.status), result.error != NULL ? result.error : "");
    }
    if (output != NULL) {
        assert_string_equal(result.output, output);
    }
    cleat_run_result_deinit(&result);
}

/* ---- Events ---- */

/* Tells what started it. */
static cleat_status show_event(cleat_task *task, void *user_data)
{
    fixture *it = user_data;
    (void)snprintf(it->text, sizeof(it->text), "%s %s %d %.*s %.*s", cleat_task_event_key(task),
                   cleat_task_event_id(task), cleat_task_priority(task),
                   CLEAT_SLICE_ARGS(cleat_task_input(task)), CLEAT_SLICE_ARGS(cleat_task_metadata(task)));
    gate_add(&it->seen);
    return CLEAT_OK;
}

static void start_event_worker(fixture *it)
{
    static const char *const keys[] = {"order:paid", "order:Refunded", NULL};
    make_worker(it, 0, CLEAT_WORKER_OPTIONS(.slots = 1));
    add_task(it, 0,
             CLEAT_TASK_OPTIONS(.name = "order:note", .run = show_event, .user_data = it, .on_events = keys));
    start_worker(it, 0);
}

static void test_an_event_starts_a_run(void **state)
{
    fixture *it = *state;
    cleat_event_id id;
    char expected[128];
    start_event_worker(it);
    assert_ok(cleat_client_push(it->client, "order:Refunded", "{\"order\":7}",
                                CLEAT_EVENT_OPTIONS(.metadata = "{\"shop\":\"north\"}", .scope = "shop-1",
                                                    .priority = CLEAT_PRIORITY_HIGH),
                                &id));
    gate_wait(&it->seen, 1);
    (void)snprintf(expected, sizeof(expected), "order:Refunded %s 3 {\"order\":7} {", id.text);
    if (strncmp(it->text, expected, strlen(expected)) != 0 ||
        strstr(it->text, "\"shop\":\"north\"") == NULL) {
        fail_msg("%s", it->text);
    }
    assert_ok(cleat_client_push(it->client, "order:lost", NULL, NULL, NULL)); /* nobody waits for it */
}

static void test_many_events_are_all_or_none(void **state)
{
    fixture *it = *state;
    cleat_event_id ids[3];
    cleat_event_item items[] = {
        {"order:paid", "{\"n\":1}", NULL}, {"order:paid", "{\"n\":2}", NULL}, {"order:paid", "[]", NULL}};
    start_event_worker(it);
    assert_refused(cleat_client_push_many(it->client, items, 3, ids), CLEAT_INVALID_ARGUMENT, "item 2");
    assert_refused(cleat_client_push_many(it->client, items, 0, ids), CLEAT_INVALID_ARGUMENT, "0 events");
    items[2].payload = NULL;
    assert_ok(cleat_client_push_many(it->client, items, 3, ids));
    gate_wait(&it->seen, 3);
    assert_string_not_equal(ids[0].text, ids[1].text);
    assert_string_not_equal(ids[1].text, ids[2].text);
    assert_false(gate_try(&it->seen, 4, 20));
}

static void test_bad_events(void **state)
{
    fixture *it = *state;
    assert_refused(cleat_client_push(it->client, "", NULL, NULL, NULL), CLEAT_INVALID_ARGUMENT, "key");
    assert_refused(cleat_client_push(it->client, NULL, NULL, NULL, NULL), CLEAT_INVALID_ARGUMENT, "key");
    assert_refused(cleat_client_push(it->client, "k", "7", NULL, NULL), CLEAT_INVALID_ARGUMENT, "payload");
    assert_refused(cleat_client_push(it->client, "k", NULL, CLEAT_EVENT_OPTIONS(.priority = 4), NULL),
                   CLEAT_INVALID_ARGUMENT, "priority");
    assert_refused(cleat_client_push(it->client, "k", NULL, CLEAT_EVENT_OPTIONS(.metadata = "x"), NULL),
                   CLEAT_INVALID_ARGUMENT, "metadata");
    assert_refused(
        cleat_client_push(it->client, "k", NULL, CLEAT_EVENT_OPTIONS(.trace = (cleat_trace_relation)9), NULL),
        CLEAT_INVALID_ARGUMENT, "trace");
}

static cleat_status push_paid(cleat_task *task, void *user_data)
{
    (void)user_data;
    cleat_status status = cleat_client_push(cleat_task_client(task), "order:paid", NULL, NULL, NULL);
    return status == CLEAT_OK ? CLEAT_OK : cleat_task_fail(task, status, "%s", cleat_error_message());
}

static void test_an_event_says_which_task_pushed_it(void **state)
{
    fixture *it = *state;
    cleat_run_id id;
    char expected[128];
    start_event_worker(it);
    make_worker(it, 1, CLEAT_WORKER_OPTIONS(.slots = 1));
    add_task(it, 1, CLEAT_TASK_OPTIONS(.name = "order:pay", .run = push_paid));
    start_worker(it, 1);
    assert_ok(cleat_client_run_no_wait(it->client, "order:pay", NULL, NULL, &id));
    gate_wait(&it->seen, 1);
    (void)snprintf(expected, sizeof(expected), "\"hatchet__source_workflow_run_id\":\"%s\"", id.text);
    assert_non_null(strstr(it->text, expected));
    (void)snprintf(expected, sizeof(expected), "\"hatchet__source_step_run_id\":\"%s\"", id.text);
    assert_non_null(strstr(it->text, expected));
}

/* ---- Schedules ---- */

static cleat_status tell_input(cleat_task *task, void *user_data)
{
    fixture *it = user_data;
    (void)snprintf(it->text, sizeof(it->text), "%.*s", CLEAT_SLICE_ARGS(cleat_task_input(task)));
    (void)snprintf(it->worker_id, sizeof(it->worker_id), "%s", cleat_task_worker_id(task));
    gate_add(&it->seen);
    return CLEAT_OK;
}

static void start_teller(fixture *it)
{
    make_worker(it, 0, CLEAT_WORKER_OPTIONS(.slots = 2));
    add_task(it, 0, CLEAT_TASK_OPTIONS(.name = "report:send", .run = tell_input, .user_data = it));
    start_worker(it, 0);
}

#define FAR_AWAY_MS INT64_C(4102444800000) /* 2100 */

static void test_a_schedule_starts_a_run(void **state)
{
    fixture *it = *state;
    cleat_schedule_id id;
    start_teller(it);
    int64_t now_ms = cleat__clock_unix_ns(NULL) / CLEAT__NS_PER_MS;
    assert_ok(cleat_client_schedule(it->client, "report:send", now_ms + 30, "{\"to\":\"ada\"}", NULL, &id));
    gate_wait(&it->seen, 1);
    assert_string_equal(it->text, "{\"to\":\"ada\"}");
    assert_true(cleat__clock_unix_ns(NULL) / CLEAT__NS_PER_MS >= now_ms + 30);
    assert_refused(cleat_client_delete_schedule(it->client, &id), CLEAT_NOT_FOUND, id.text);
}

static void test_schedules_are_listed_and_taken_back(void **state)
{
    fixture *it = *state;
    const int64_t times[] = {FAR_AWAY_MS + 5, FAR_AWAY_MS + 7};
    cleat_schedule_id ids[2];
    cleat_schedule_list list;
    start_teller(it);
    assert_ok(cleat_client_list_schedules(it->client, NULL, &list));
    assert_int_equal(list.count, 0);
    assert_ok(cleat_client_schedule_many(it->client, "report:send", times, 2, "{\"n\":1}",
                                         CLEAT_RUN_OPTIONS(.metadata = "{\"m\":\"x\"}", .priority = 2), ids));
    assert_ok(cleat_client_list_schedules(it->client, NULL, &list));
    assert_int_equal(list.count, 2);
    for (size_t i = 0; i < 2; i++) { /* newest first, and of one call in either order */
        size_t which = strcmp(list.items[i].id.text, ids[1].text) == 0;
        assert_string_equal(list.items[i].id.text, ids[which].text);
        assert_true(list.items[i].at_ms == times[which]);
        assert_string_equal(list.items[i].workflow, "report.send");
        assert_string_equal(list.items[i].input, "{\"n\":1}");
        assert_string_equal(list.items[i].metadata, "{\"m\":\"x\"}");
        assert_int_equal(list.items[i].priority, 2);
    }
    cleat_schedule_list_deinit(&list);
    assert_ok(
        cleat_client_list_schedules(it->client, CLEAT_SCHEDULE_LIST_OPTIONS(.offset = 1, .limit = 5), &list));
    assert_int_equal(list.count, 1);
    cleat_schedule_list_deinit(&list);
    assert_ok(cleat_client_delete_schedule(it->client, &ids[0]));
    assert_refused(cleat_client_delete_schedule(it->client, &ids[0]), CLEAT_NOT_FOUND, ids[0].text);
    assert_ok(cleat_client_list_schedules(it->client, NULL, &list));
    assert_int_equal(list.count, 1);
    assert_string_equal(list.items[0].id.text, ids[1].text);
    cleat_schedule_list_deinit(&list);
}

/* Alike on either way, also what was left open. */
static void test_a_schedule_without_a_priority(void **state)
{
    fixture *it = *state;
    cleat_schedule_list list;
    start_teller(it);
    assert_ok(cleat_client_schedule(it->client, "report:send", FAR_AWAY_MS, NULL, NULL, NULL));
    assert_ok(cleat_client_list_schedules(it->client, NULL, &list));
    assert_int_equal(list.count, 1);
    assert_int_equal(list.items[0].priority, 0);
    assert_string_equal(list.items[0].workflow, "report.send");
    cleat_schedule_list_deinit(&list);
}

static void test_bad_schedules(void **state)
{
    fixture *it = *state;
    cleat_schedule_list list;
    const cleat_schedule_id nonsense = {"nonsense"};
    start_teller(it);
    assert_refused(cleat_client_schedule(it->client, "no:such", FAR_AWAY_MS, NULL, NULL, NULL),
                   CLEAT_NOT_FOUND, "no.such");
    assert_refused(cleat_client_schedule(it->client, "report:send", -1, NULL, NULL, NULL),
                   CLEAT_INVALID_ARGUMENT, "at_ms");
    assert_refused(cleat_client_schedule(it->client, "report:send", 1, "7", NULL, NULL),
                   CLEAT_INVALID_ARGUMENT, "input");
    assert_refused(
        cleat_client_schedule(it->client, "report:send", 1, NULL, CLEAT_RUN_OPTIONS(.child_key = "k"), NULL),
        CLEAT_INVALID_ARGUMENT, "child_key");
    assert_refused(cleat_client_schedule_many(it->client, "report:send", NULL, 1, NULL, NULL, NULL),
                   CLEAT_INVALID_ARGUMENT, "0 times");
    assert_refused(cleat_client_delete_schedule(it->client, &nonsense), CLEAT_INVALID_ARGUMENT, "nonsense");
    assert_refused(cleat_client_list_schedules(it->client, CLEAT_SCHEDULE_LIST_OPTIONS(.limit = 1001), &list),
                   CLEAT_INVALID_ARGUMENT, "limit");
}

/* ---- Streams ---- */

/* Sends "ready" until somebody has heard it, for nothing says when a looker-on has arrived; then two words. */
static cleat_status tell_story(cleat_task *task, void *user_data)
{
    fixture *it = user_data;
    cleat_status status = CLEAT_OK;
    for (int i = 0; status == CLEAT_OK && i < 2000; i++) {
        status = cleat_task_put_stream(task, cleat_slice_of("ready"));
        if (gate_try(&it->go, 1, 10)) {
            break;
        }
    }
    if (status == CLEAT_OK) {
        status = cleat_task_put_stream(task, cleat_slice_of("once "));
    }
    if (status == CLEAT_OK) {
        status = cleat_task_put_stream(task, cleat_slice_of("upon \xC3\xA4 time"));
    }
    return status == CLEAT_OK ? CLEAT_OK : cleat_task_fail(task, status, "%s", cleat_error_message());
}

static void read_word(cleat_stream *stream, const char *expected)
{
    cleat_slice chunk;
    do {
        assert_ok(cleat_stream_next(stream, 300000, &chunk));
    } while (strcmp(expected, "ready") != 0 && cleat_slice_equals(chunk, cleat_slice_of("ready")));
    if (!cleat_slice_equals(chunk, cleat_slice_of(expected))) {
        fail_msg("%.*s instead of %s", CLEAT_SLICE_ARGS(chunk), expected);
    }
}

static void test_a_stream(void **state)
{
    fixture *it = *state;
    cleat_stream *stream = NULL;
    cleat_run_id id;
    cleat_slice chunk;
    make_worker(it, 0, CLEAT_WORKER_OPTIONS(.slots = 1));
    add_task(it, 0, CLEAT_TASK_OPTIONS(.name = "story:tell", .run = tell_story, .user_data = it));
    start_worker(it, 0);
    assert_ok(cleat_client_run_no_wait(it->client, "story:tell", NULL, NULL, &id));
    assert_ok(cleat_client_stream(it->client, &id, &stream));
    read_word(stream, "ready");
    gate_add(&it->go);
    read_word(stream, "once ");
    read_word(stream, "upon \xC3\xA4 time");
    assert_int_equal(cleat_stream_next(stream, 300000, &chunk), CLEAT_EMPTY);
    assert_int_equal(cleat_stream_next(stream, -1, &chunk), CLEAT_EMPTY);
    cleat_stream_free(stream);
    assert_completes(it, &id, "null");
    assert_ok(cleat_client_stream(it->client, &id, &stream)); /* of a run that has ended */
    assert_int_equal(cleat_stream_next(stream, 300000, &chunk), CLEAT_EMPTY);
    cleat_stream_free(stream);
}

static void test_a_stream_of_a_run_that_waits(void **state)
{
    fixture *it = *state;
    cleat_stream *stream = NULL;
    cleat_run_id id;
    cleat_slice chunk;
    start_teller(it);
    cleat_worker_free(it->workers[0]);
    it->workers[0] = NULL;
    assert_ok(cleat_client_run_no_wait(it->client, "report:send", NULL, NULL, &id));
    assert_ok(cleat_client_stream(it->client, &id, &stream));
    assert_int_equal(cleat_stream_next(stream, 0, &chunk), CLEAT_TIMEOUT);
    assert_int_equal(cleat_stream_next(stream, 20, &chunk), CLEAT_TIMEOUT);
    assert_ok(cleat_client_cancel(it->client, &id));
    assert_int_equal(cleat_stream_next(stream, 300000, &chunk), CLEAT_EMPTY);
    cleat_stream_free(stream);
}

static cleat_status put_nonsense(cleat_task *task, void *user_data)
{
    fixture *it = user_data;
    it->status = cleat_task_put_stream(task, (cleat_slice){"\xFF", 1});
    return cleat_task_put_stream(task, (cleat_slice){"a\0b", 3}) == it->status ? CLEAT_OK : CLEAT_FAILED;
}

static void test_what_is_no_chunk(void **state)
{
    fixture *it = *state;
    cleat_run_id id;
    make_worker(it, 0, CLEAT_WORKER_OPTIONS(.slots = 1));
    add_task(it, 0, CLEAT_TASK_OPTIONS(.name = "story:spoil", .run = put_nonsense, .user_data = it));
    start_worker(it, 0);
    assert_ok(cleat_client_run_no_wait(it->client, "story:spoil", NULL, NULL, &id));
    assert_completes(it, &id, NULL);
    assert_int_equal(it->status, CLEAT_INVALID_ARGUMENT);
}

/* ---- Which worker ---- */

static const cleat_desired_label much_memory = {
    .key = "memory", .number = 32, .comparator = CLEAT_LABEL_GREATER_THAN, .required = true};

static void make_labelled_worker(fixture *it, int which, int32_t memory)
{
    const cleat_label labels[] = {{"region", "north", 0}, {"memory", NULL, memory}};
    make_worker(it, which, CLEAT_WORKER_OPTIONS(.slots = 2, .labels = labels, .label_count = 2));
    add_task(it, which, CLEAT_TASK_OPTIONS(.name = "report:send", .run = tell_input, .user_data = it));
    start_worker(it, which);
}

static void test_a_run_desires_labels(void **state)
{
    fixture *it = *state;
    make_labelled_worker(it, 0, 16);
    make_labelled_worker(it, 1, 64);
    for (int i = 1; i <= 4; i++) {
        assert_ok(cleat_client_run_no_wait(
            it->client, "report:send", NULL,
            CLEAT_RUN_OPTIONS(.desired_labels = &much_memory, .desired_label_count = 1), NULL));
        gate_wait(&it->seen, i);
        assert_string_equal(it->worker_id, cleat_worker_id(it->workers[1]));
    }
}

static void test_labels_change(void **state)
{
    fixture *it = *state;
    const cleat_label more = {"memory", NULL, 128};
    cleat_run_id id;
    make_labelled_worker(it, 0, 16);
    assert_ok(cleat_client_run_no_wait(
        it->client, "report:send", NULL,
        CLEAT_RUN_OPTIONS(.desired_labels = &much_memory, .desired_label_count = 1), &id));
    assert_false(gate_try(&it->seen, 1, 20));
    assert_ok(cleat_worker_set_labels(it->workers[0], &more, 1));
    assert_completes(it, &id, NULL);
    assert_refused(cleat_worker_set_labels(it->workers[0], &(cleat_label){"", "x", 0}, 1),
                   CLEAT_INVALID_ARGUMENT, "labels");
    assert_ok(cleat_worker_stop(it->workers[0], 300000));
    assert_refused(cleat_worker_set_labels(it->workers[0], &more, 1), CLEAT_FAILED_PRECONDITION, "stopped");
}

static cleat_status spawn_beside(cleat_task *task, void *user_data)
{
    fixture *it = user_data;
    (void)snprintf(it->parent_worker, sizeof(it->parent_worker), "%s", cleat_task_worker_id(task));
    cleat_status status =
        cleat_task_spawn(task, "pair:second", NULL, CLEAT_RUN_OPTIONS(.sticky = true), &it->child);
    return status == CLEAT_OK ? CLEAT_OK : cleat_task_fail(task, status, "%s", cleat_error_message());
}

static void test_a_sticky_child_runs_where_its_parent_does(void **state)
{
    fixture *it = *state;
    cleat_run_id id;
    for (int i = 0; i < 2; i++) {
        make_worker(it, i, CLEAT_WORKER_OPTIONS(.slots = 2));
        add_task(it, i, CLEAT_TASK_OPTIONS(.name = "pair:first", .run = spawn_beside, .user_data = it));
        add_task(it, i,
                 CLEAT_TASK_OPTIONS(.name = "pair:second", .run = tell_input, .user_data = it,
                                    .sticky = CLEAT_STICKY_HARD));
        start_worker(it, i);
    }
    for (int i = 1; i <= 4; i++) {
        assert_ok(cleat_client_run_no_wait(it->client, "pair:first", NULL, NULL, &id));
        assert_completes(it, &id, NULL);
        assert_completes(it, &it->child, NULL);
        assert_string_equal(it->worker_id, it->parent_worker);
    }
    assert_ok(cleat_client_run_no_wait(
        it->client, "pair:second", NULL,
        CLEAT_RUN_OPTIONS(.desired_worker_id = cleat_worker_id(it->workers[1])), &id));
    assert_completes(it, &id, NULL);
    assert_string_equal(it->worker_id, cleat_worker_id(it->workers[1]));
    assert_refused(
        cleat_client_run_no_wait(it->client, "pair:second", NULL, CLEAT_RUN_OPTIONS(.sticky = true), NULL),
        CLEAT_INVALID_ARGUMENT, "sticky");
    assert_refused(cleat_client_run_no_wait(it->client, "pair:second", NULL,
                                            CLEAT_RUN_OPTIONS(.desired_worker_id = "me"), NULL),
                   CLEAT_INVALID_ARGUMENT, "desired_worker_id");
}

static void test_slots_of_a_type(void **state)
{
    fixture *it = *state;
    const cleat_slots one = {"gpu", 1};
    cleat_run_id id;
    for (int i = 0; i < 2; i++) {
        make_worker(it, i, CLEAT_WORKER_OPTIONS(.slots = 2, .slot_types = &one, .slot_type_count = i == 1));
        add_task(it, i,
                 CLEAT_TASK_OPTIONS(.name = "report:send", .run = tell_input, .user_data = it,
                                    .slot_requests = &one, .slot_request_count = 1));
        start_worker(it, i);
    }
    for (int i = 1; i <= 3; i++) {
        assert_ok(cleat_client_run_no_wait(it->client, "report:send", NULL, NULL, &id));
        assert_completes(it, &id, NULL);
        assert_string_equal(it->worker_id, cleat_worker_id(it->workers[1]));
    }
}

static void test_bad_declarations(void **state)
{
    fixture *it = *state;
    static const char *const no_key[] = {"", NULL};
    const cleat_slots none = {"gpu", 0};
    const cleat_desired_label no_number = {.key = "k", .text = "x", .comparator = CLEAT_LABEL_LESS_THAN};
    cleat_worker *worker = NULL;
    make_worker(it, 0, CLEAT_WORKER_OPTIONS(.slots = 1));
#define REFUSED(word, ...)                                                                                 \
    assert_refused(cleat_worker_add_task(it->workers[0],                                                   \
                                         CLEAT_TASK_OPTIONS(.name = "a", .run = tell_input, __VA_ARGS__)), \
                   CLEAT_INVALID_ARGUMENT, word)
    REFUSED("event", .on_events = no_key);
    REFUSED("slots", .slot_requests = &none, .slot_request_count = 1);
    REFUSED("desired_labels", .desired_label_count = 1);
    REFUSED("labels", .desired_labels = &no_number, .desired_label_count = 1);
    REFUSED("sticky", .sticky = (cleat_sticky)7);
    REFUSED("input_json_schema", .input_json_schema = "[]");
#undef REFUSED
    add_task(it, 0,
             CLEAT_TASK_OPTIONS(.name = "a", .run = tell_input, .user_data = it, .description = "tells",
                                .input_json_schema = "{\"type\":\"object\"}"));
    start_worker(it, 0);
    assert_refused(
        cleat_worker_new(
            it->client, CLEAT_WORKER_OPTIONS(.slots = 1, .slot_types = &none, .slot_type_count = 1), &worker),
        CLEAT_INVALID_ARGUMENT, "slots");
}

/* ---- Slot and timeout ---- */

/* Waits for the other run, which has its slot meanwhile. */
static cleat_status step_aside(cleat_task *task, void *user_data)
{
    fixture *it = user_data;
    for (int i = 0; i < 2; i++) {
        if (cleat_task_release_slot(task) != CLEAT_OK) {
            return cleat_task_fail(task, CLEAT_NON_RETRYABLE, "%s", cleat_error_message());
        }
    }
    gate_wait(&it->seen, 1);
    return CLEAT_OK;
}

static void test_a_slot_is_given_to_another_run(void **state)
{
    fixture *it = *state;
    cleat_run_id first, second;
    make_worker(it, 0, CLEAT_WORKER_OPTIONS(.slots = 1));
    add_task(it, 0, CLEAT_TASK_OPTIONS(.name = "long:wait", .run = step_aside, .user_data = it));
    add_task(it, 0, CLEAT_TASK_OPTIONS(.name = "report:send", .run = tell_input, .user_data = it));
    start_worker(it, 0);
    assert_ok(cleat_client_run_no_wait(it->client, "long:wait", NULL, NULL, &first));
    assert_ok(cleat_client_run_no_wait(it->client, "report:send", NULL, NULL, &second));
    assert_completes(it, &second, NULL);
    assert_completes(it, &first, NULL);
    assert_ok(cleat_client_run_no_wait(it->client, "report:send", NULL, NULL, &second));
    assert_completes(it, &second, NULL);
}

static cleat_status take_time(cleat_task *task, void *user_data)
{
    fixture *it = user_data;
    it->status = cleat_task_refresh_timeout(task, 0, NULL);
    return cleat_task_refresh_timeout(task, 3600000, &it->timeout_at_ms);
}

static void test_a_timeout_is_moved(void **state)
{
    fixture *it = *state;
    cleat_run_id id;
    make_worker(it, 0, CLEAT_WORKER_OPTIONS(.slots = 1));
    add_task(it, 0, CLEAT_TASK_OPTIONS(.name = "long:work", .run = take_time, .user_data = it));
    start_worker(it, 0);
    assert_ok(cleat_client_run_no_wait(it->client, "long:work", NULL, NULL, &id));
    assert_completes(it, &id, NULL);
    int64_t now_ms = cleat__clock_unix_ns(NULL) / CLEAT__NS_PER_MS;
    assert_int_equal(it->status, CLEAT_INVALID_ARGUMENT);
    assert_true(it->timeout_at_ms > now_ms + 3600000 && it->timeout_at_ms <= now_ms + 3661000);
}

static cleat_status write_log(cleat_task *task, void *user_data)
{
    fixture *it = user_data;
    it->status = cleat_task_log_metadata(task, CLEAT_LOG_INFO, "7", "line");
    return cleat_task_log_metadata(task, CLEAT_LOG_WARN, "{\"part\":2}", "line %d", 1);
}

static void test_a_log_line_with_metadata(void **state)
{
    fixture *it = *state;
    cleat_run_id id;
    make_worker(it, 0, CLEAT_WORKER_OPTIONS(.slots = 1));
    add_task(it, 0, CLEAT_TASK_OPTIONS(.name = "log:write", .run = write_log, .user_data = it));
    start_worker(it, 0);
    assert_ok(cleat_client_run_no_wait(it->client, "log:write", NULL, NULL, &id));
    assert_completes(it, &id, NULL);
    assert_int_equal(it->status, CLEAT_INVALID_ARGUMENT);
}

/* ---- Again ---- */

static void note_cancellation(void *user_data)
{
    gate_add(&((fixture *)user_data)->go);
}

static cleat_status wait_for_cancellation(cleat_task *task, void *user_data)
{
    fixture *it = user_data;
    cleat_task_on_cancel(task, note_cancellation, it);
    gate_add(&it->seen);
    gate_wait(&it->go, 1);
    return CLEAT_CANCELLED;
}

/* A worker that stops runs to the end what it has, unless nobody wants that any more. */
static void test_a_run_is_cancelled_while_its_worker_stops(void **state)
{
    fixture *it = *state;
    cleat_run_id id;
    make_worker(it, 0, NULL);
    add_task(it, 0, CLEAT_TASK_OPTIONS(.name = "long", .run = wait_for_cancellation, .user_data = it));
    start_worker(it, 0);
    assert_ok(cleat_client_run_no_wait(it->client, "long", NULL, NULL, &id));
    gate_wait(&it->seen, 1);
    assert_refused(cleat_worker_stop(it->workers[0], 0), CLEAT_TIMEOUT, "still run");
    assert_ok(cleat_client_cancel(it->client, &id));
    assert_ok(cleat_worker_stop(it->workers[0], 300000));
}

static void test_a_run_is_replayed(void **state)
{
    fixture *it = *state;
    cleat_run_id id, none = {"01890000-0000-7000-8000-000000000001"};
    start_teller(it);
    assert_ok(cleat_client_run_no_wait(it->client, "report:send", "{\"n\":1}", NULL, &id));
    assert_completes(it, &id, NULL);
    it->text[0] = '\0';
    assert_ok(cleat_client_replay(it->client, &id));
    gate_wait(&it->seen, 2);
    assert_string_equal(it->text, "{\"n\":1}");
    assert_completes(it, &id, NULL);
    assert_int_equal(cleat_client_replay(it->client, &none), CLEAT_NOT_FOUND);
    cleat_worker_free(it->workers[0]);
    it->workers[0] = NULL;
    assert_ok(cleat_client_run_no_wait(it->client, "report:send", NULL, NULL, &id));
    assert_refused(cleat_client_replay(it->client, &id), CLEAT_FAILED_PRECONDITION, id.text);
}

int sdk_suite_run(const sdk_target *of)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_an_event_starts_a_run),
        TEST(test_many_events_are_all_or_none),
        TEST(test_bad_events),
        TEST(test_an_event_says_which_task_pushed_it),
        TEST(test_a_schedule_starts_a_run),
        TEST(test_schedules_are_listed_and_taken_back),
        TEST(test_a_schedule_without_a_priority),
        TEST(test_bad_schedules),
        TEST(test_a_stream),
        TEST(test_a_stream_of_a_run_that_waits),
        TEST(test_what_is_no_chunk),
        TEST(test_a_run_desires_labels),
        TEST(test_labels_change),
        TEST(test_a_sticky_child_runs_where_its_parent_does),
        TEST(test_slots_of_a_type),
        TEST(test_bad_declarations),
        TEST(test_a_slot_is_given_to_another_run),
        TEST(test_a_timeout_is_moved),
        TEST(test_a_log_line_with_metadata),
        TEST(test_a_run_is_cancelled_while_its_worker_stops),
        TEST(test_a_run_is_replayed),
    };
#undef TEST
    target = of;
    return cmocka_run_group_tests_name(of->name, tests, NULL, NULL);
}
