/* The transport over gRPC: several runs at a time. */
#include "transport/grpc_listener.h"

#include "wire/batch.h"

#include <stdio.h>

#define BATCH "01890000-0000-7000-8000-0000000000cc"
#define OTHER "01890000-0000-7000-8000-0000000000cd"

static cleat__assignment member_of(uint8_t number, const char *batch, int32_t count)
{
    cleat__assignment member = {
        .task_id = uuid_of(MOCK_RUN_ID),
        .retry_count = 3,
        .task = cleat_slice_of("a:b"),
        .input = cleat_slice_of("{\"n\":1}"),
        .metadata = cleat_slice_of("{\"k\":2}"),
        .batch_id = uuid_of(batch),
        .batch_count = count,
        .batch_key = cleat_slice_of("north"),
        .batch_reason = cleat_slice_of("batch size threshold 3 reached"),
    };
    member.task_id.bytes[15] = number;
    return member;
}

/* ---- Members that come one after the other ---- */

static void send_member(fixture *it, uint8_t number, const char *batch, int32_t count)
{
    const cleat__action_details details = {.priority = 1};
    cleat__assignment member = member_of(number, batch, count);
    Cleat__AssignedAction *action = cleat__assignment_write(&member, &details);
    assert_non_null(action);
    mock_send(&it->engine, MOCK_LISTEN, action);
    cleat__message_free(action);
}

/* The runs that came together, by their numbers. */
static void assert_came(listener *worker, int index, const char *numbers)
{
    char found[32];
    size_t size = 0;
    gate_wait(&worker->assigned, index + 1);
    for (const cleat__assignment *one = worker->held[index]; one != NULL; one = one->next) {
        size += (size_t)snprintf(found + size, sizeof(found) - size, "%d ", one->task_id.bytes[15]);
    }
    found[size > 0 ? size - 1 : 0] = '\0';
    assert_string_equal(found, numbers);
}

static void test_members_go_to_the_worker_together(void **state)
{
    fixture *it = *state;
    listener worker;
    listener_add(&worker, it->transport);
    send_member(it, 1, BATCH, 3);
    send_member(it, 2, BATCH, 3);
    send_member(it, 3, BATCH, 3);
    send_member(it, 4, OTHER, 1);
    assert_came(&worker, 0, "1 2 3");
    assert_came(&worker, 1, "4");
    const cleat__assignment *first = worker.held[0];
    assert_int_equal(first->retry_count, 3);
    assert_string_equal(first->metadata.data, "{\"k\":2}");
    assert_string_equal(first->batch_key.data, "north");
    assert_true(cleat__uuid_equals(&first->batch_id, &first->next->batch_id));
    /* They are reported each by itself. */
    assert_ok(report(it, 2, 3, CLEAT_OK, "2"));
    Cleat__StepActionEvent *event = event_at(it, 0);
    assert_int_equal(event->event_type, COMPLETED);
    assert_int_equal(event->retry_count, 3);
    cleat__message_free(event);
    listener_remove(&worker, it->transport);
    assert_int_equal(mock_count(&it->engine, MOCK_BATCH_EVENT), 0);
}

static void test_one_that_is_cancelled_meanwhile_is_left_out(void **state)
{
    fixture *it = *state;
    listener worker;
    listener_add(&worker, it->transport);
    send_member(it, 1, BATCH, 3);
    send_member(it, 2, BATCH, 3);
    cancel(it, 2, 3);
    send_member(it, 3, BATCH, 3);
    assert_came(&worker, 0, "1 3");
    assert_int_equal(gate_count(&worker.cancelled), 0);
    send_member(it, 4, OTHER, 2);
    cancel(it, 4, 3);
    send_member(it, 5, OTHER, 2);
    assert_came(&worker, 1, "5");
    listener_remove(&worker, it->transport);
    mock_wait(&it->engine, MOCK_EVENT, 3); /* those that it gives back */
    assert_int_equal(mock_count(&it->engine, MOCK_EVENT), 3);
}

static void test_members_that_do_not_come_are_not_waited_for(void **state)
{
    fixture *it = *state;
    listener worker;
    listener_add(&worker, it->transport);
    send_member(it, 1, BATCH, 3); /* then comes something else */
    assign(it, 9, 0, "a:b");
    assert_came(&worker, 0, "1");
    assert_came(&worker, 1, "9");
    send_member(it, 2, BATCH, 3);
    send_member(it, 3, OTHER, 3);
    assert_came(&worker, 2, "2");
    send_member(it, 4, OTHER, 3); /* then the stream ends, and the rest comes again */
    mock_end(&it->engine, MOCK_LISTEN, CLEAT_UNAVAILABLE, "away");
    mock_wait(&it->engine, MOCK_LISTEN, 2);
    send_member(it, 3, OTHER, 1);
    send_member(it, 5, OTHER, 1);
    assert_came(&worker, 4, "5");
    assert_came(&worker, 3, "3 4");
    listener_remove(&worker, it->transport);
}

static void test_members_that_are_late_are_not_waited_for(void **state)
{
    fixture *it = *state;
    listener worker;
    cleat__remote_settings settings = mock_settings(&it->engine);
    settings.gather_ms = 20;
    reopen(it, settings);
    listener_add(&worker, it->transport);
    send_member(it, 1, BATCH, 2); /* then nothing */
    assert_came(&worker, 0, "1");
    listener_remove(&worker, it->transport);
}

static void test_a_worker_that_pauses_gets_what_has_come(void **state)
{
    fixture *it = *state;
    listener worker;
    as_hatchet(it);
    listener_add(&worker, it->transport);
    send_member(it, 1, BATCH, 2);
    assign(it, 9, 7, "c:c");
    assert_came(&worker, 1, "9");
    send_member(it, 2, OTHER, 2);
    cancel(it, 77, 0); /* it has been read by then */
    gate_wait(&worker.cancelled, 1);
    assert_ok(it->transport->worker_pause(it->transport, &worker.id));
    assert_came(&worker, 2, "2");
    listener_remove(&worker, it->transport);
}

/* What has not been handed over when the worker leaves is nobody's. */
static void test_a_worker_that_leaves_has_nothing_left(void **state)
{
    fixture *it = *state;
    listener worker;
    listener_add(&worker, it->transport);
    send_member(it, 1, BATCH, 2);
    cancel(it, 77, 0);
    gate_wait(&worker.cancelled, 1);
    listener_remove(&worker, it->transport);
    assert_event(it, 0, RELEASED, "");
}

/* ---- One action with all of them ---- */

/* Those with the numbers from `first` to `last`. */
static void send_batch(fixture *it, uint8_t first, uint8_t last, const char *batch)
{
    enum { MOST = 8 };
    cleat__assignment members[MOST];
    const cleat__action_details details = {.priority = 1};
    size_t count = (size_t)(last - first) + 1;
    assert_true(count <= MOST);
    for (size_t i = 0; i < count; i++) {
        members[i] = member_of((uint8_t)(first + i), batch, (int32_t)count);
        members[i].next = i + 1 < count ? &members[i + 1] : NULL;
    }
    Cleat__AssignedAction *action = cleat__batch_write(members, count, &details);
    assert_non_null(action);
    mock_send(&it->engine, MOCK_LISTEN, action);
    cleat__message_free(action);
}

static Cleat__BatchActionEvent *batch_event_at(fixture *it, int index)
{
    return mock_message(&it->engine, MOCK_BATCH_EVENT, index);
}

/* The runs of an event with the last bytes of their ids and the payloads, in any order. */
static void assert_batch_event(fixture *it, int index, int type, size_t count, const char *const *payloads)
{
    Cleat__BatchActionEvent *event = batch_event_at(it, index);
    assert_int_equal(event->event_type, type);
    assert_string_equal(event->batch_id, BATCH);
    assert_string_equal(event->action_id, "a:b");
    assert_string_equal(event->worker_id, MOCK_WORKER_ID);
    assert_int_equal(event->n_items, count);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(event->items[i]->event_payload, payloads[i]);
        assert_true(event->items[i]->has_retry_count_case == 0);
    }
    cleat__message_free(event);
}

/* A worker that has one batch of `count` runs. */
static const cleat__assignment *begin_batch(fixture *it, listener *worker, uint8_t count)
{
    as_hatchet(it);
    listener_add(worker, it->transport);
    send_batch(it, 1, count, BATCH);
    gate_wait(&worker->assigned, 1);
    return worker->held[0];
}

static void test_a_batch_of_hatchet(void **state)
{
    static const char *const nothing[] = {"", "", ""};
    static const char *const completed[] = {"{\"a\":1}", "null"};
    static const char *const failed[] = {"{\"message\":\"no luck\"}"};
    fixture *it = *state;
    listener worker;
    const cleat__assignment *first = begin_batch(it, &worker, 3);
    assert_came(&worker, 0, "1 2 3");
    assert_true(first->retry_count < 0);
    assert_string_equal(first->input.data, "{\"n\":1}");
    assert_string_equal(first->batch_reason.data, "batch size threshold 3 reached");
    for (const cleat__assignment *one = first; one != NULL; one = one->next) {
        it->transport->begin(it->transport, &one->task_id, one->retry_count);
    }
    assert_batch_event(it, 0, STARTED, 3, nothing);
    assert_ok(report(it, 1, first->retry_count, CLEAT_OK, "{\"a\":1}"));
    assert_ok(report(it, 3, first->retry_count, CLEAT_FAILED, "no luck"));
    assert_ok(report(it, 2, first->retry_count, CLEAT_OK, "null"));
    mock_wait(&it->engine, MOCK_BATCH_EVENT, 3);
    Cleat__BatchActionEvent *event = batch_event_at(it, 1);
    int of_completed = (int)event->event_type == COMPLETED ? 1 : 2; /* they are under way together */
    cleat__message_free(event);
    assert_batch_event(it, of_completed, COMPLETED, 2, completed);
    assert_batch_event(it, 3 - of_completed, FAILED, 1, failed);
    listener_remove(&worker, it->transport);
    assert_int_equal(mock_count(&it->engine, MOCK_BATCH_EVENT), 3);
    assert_int_equal(mock_count(&it->engine, MOCK_EVENT), 0);
}

/* The engine knows which attempts they are, and names them so. */
static void test_members_are_cancelled_one_by_one(void **state)
{
    static const char *const left[] = {"1"};
    fixture *it = *state;
    listener worker;
    const cleat__assignment *first = begin_batch(it, &worker, 2);
    cancel(it, 2, 5);
    gate_wait(&worker.cancelled, 1);
    assert_int_equal(worker.cancelled_id.bytes[15], 2);
    assert_int_equal(worker.cancelled_retry_count, first->retry_count);
    /* One that was not begun is not waited for. */
    pthread_mutex_lock(&worker.cancelled.mutex);
    worker.begins_nothing = true;
    pthread_mutex_unlock(&worker.cancelled.mutex);
    assert_ok(report(it, 1, first->retry_count, CLEAT_OK, "1"));
    cancel(it, 2, 5);
    assert_batch_event(it, 0, COMPLETED, 1, left);
    listener_remove(&worker, it->transport);
}

static void test_a_batch_that_comes_again_is_passed_over(void **state)
{
    fixture *it = *state;
    listener worker;
    const cleat__assignment *first = begin_batch(it, &worker, 2);
    send_batch(it, 1, 2, BATCH);
    send_batch(it, 2, 3, OTHER); /* another attempt of the second */
    assert_came(&worker, 1, "2 3");
    assert_int_not_equal(worker.held[1]->retry_count, first->retry_count);
    listener_remove(&worker, it->transport);
    assert_int_equal(mock_count(&it->engine, MOCK_BATCH_EVENT), 0); /* Hatchet takes nothing back */
}

/* An action with these members, which is refused: there are `events` then. The stream goes on: the next one of the
 * worker comes, and is told of. */
static void send_damaged(fixture *it, listener *worker, const char *members, int events, int index)
{
    cleat__assignment member = member_of(1, BATCH, 1);
    const cleat__action_details details = {.priority = 1};
    Cleat__AssignedAction *action = cleat__batch_write(&member, 1, &details);
    cleat__free(action->action_payload);
    action->action_payload = cleat__slice_dup(cleat_slice_of(members));
    mock_send(&it->engine, MOCK_LISTEN, action);
    cleat__message_free(action);
    mock_wait(&it->engine, MOCK_BATCH_EVENT, events);
    send_batch(it, (uint8_t)(20 + index), (uint8_t)(20 + index), BATCH);
    gate_wait(&worker->assigned, index + 1);
    assert_int_equal(worker->held[index]->task_id.bytes[15], 20 + index);
    assert_ok(report(it, (uint8_t)(20 + index), worker->held[index]->retry_count, CLEAT_OK, "1"));
    mock_wait(&it->engine, MOCK_BATCH_EVENT, events + 1);
}

#define MEMBER(last) "\"01890000-0000-7000-8000-0000000000" last "\":"

/* Its runs have failed, as far as they can be read. */
static void test_a_batch_that_is_damaged(void **state)
{
    static const char why[] = "{\"message\":\"an action's payload has a member that is none of a batch\"}";
    static const char *const both[] = {why, why};
    fixture *it = *state;
    listener worker;
    as_hatchet(it);
    listener_add(&worker, it->transport);
    send_damaged(it, &worker, "{" MEMBER("01") "{\"payload\":{\"input\":{}}}," MEMBER("02") "7,\"three\":{}}",
                 1, 0);
    assert_batch_event(it, 0, FAILED, 2, both);
    Cleat__BatchActionEvent *event = batch_event_at(it, 0);
    for (int i = 0; i < 2; i++) {
        const char *id = event->items[i]->task_run_external_id;
        assert_string_equal(id + strlen(id) - 2, i == 0 ? "01" : "02");
        assert_true(event->items[i]->should_not_retry);
    }
    cleat__message_free(event);
    send_damaged(it, &worker, "?", 2, 1);
    send_damaged(it, &worker, "{}", 3, 2);
    listener_remove(&worker, it->transport);
    assert_int_equal(mock_count(&it->engine, MOCK_BATCH_EVENT), 4);
}

/* More than one message takes. */
static void test_a_large_batch_that_is_damaged(void **state)
{
    enum { COUNT = 600 };
    fixture *it = *state;
    listener worker;
    char members[COUNT * 48];
    size_t size = 0, told = 0;
    as_hatchet(it);
    listener_add(&worker, it->transport);
    for (int i = 0; i < COUNT; i++) {
        size += (size_t)snprintf(members + size, sizeof(members) - size,
                                 "%s\"01890000-0000-7000-8000-%012x\":1", i == 0 ? "{" : ",", i);
    }
    snprintf(members + size, sizeof(members) - size, ",\"last\":1}");
    send_damaged(it, &worker, members, 3, 0);
    listener_remove(&worker, it->transport);
    assert_int_equal(mock_count(&it->engine, MOCK_BATCH_EVENT), 4);
    for (int i = 0; i < 3; i++) {
        Cleat__BatchActionEvent *event = batch_event_at(it, i);
        assert_int_equal(event->event_type, FAILED);
        told += event->n_items;
        cleat__message_free(event);
    }
    assert_int_equal(told, COUNT);
}

static void test_ends_arrive_after_an_outage(void **state)
{
    static const char *const outputs[] = {"2", "1"};
    fixture *it = *state;
    listener worker;
    const cleat__assignment *first = begin_batch(it, &worker, 2);
    mock_fail(&it->engine, MOCK_BATCH_EVENT, CLEAT_UNAVAILABLE, "away", 3);
    assert_ok(report(it, 2, first->retry_count, CLEAT_OK, "2"));
    assert_ok(report(it, 1, first->retry_count, CLEAT_OK, "1"));
    listener_remove(&worker, it->transport); /* waits for it */
    assert_int_equal(mock_count(&it->engine, MOCK_BATCH_EVENT), 4);
    assert_batch_event(it, 3, COMPLETED, 2, outputs);
}

static void test_what_is_too_large_fails_alone(void **state)
{
    static const char *const small[] = {"1"};
    enum { SIZE = 5000 };
    fixture *it = *state;
    listener worker;
    char *output = malloc(SIZE + 1);
    memset(output, '1', SIZE);
    output[SIZE] = '\0';
    it->engine.version = "v0.83.0";
    cleat__remote_settings settings = mock_settings(&it->engine);
    settings.max_send_size = 4096;
    reopen(it, settings);
    listener_add(&worker, it->transport);
    send_batch(it, 1, 2, BATCH);
    gate_wait(&worker.assigned, 1);
    assert_ok(report(it, 1, worker.held[0]->retry_count, CLEAT_OK, "1"));
    assert_ok(report(it, 2, worker.held[0]->retry_count, CLEAT_OK, output));
    mock_wait(&it->engine, MOCK_BATCH_EVENT, 2);
    Cleat__BatchActionEvent *event = batch_event_at(it, 0);
    int of_completed = (int)event->event_type == COMPLETED ? 0 : 1;
    cleat__message_free(event);
    assert_batch_event(it, of_completed, COMPLETED, 1, small);
    event = batch_event_at(it, 1 - of_completed);
    assert_int_equal(event->n_items, 1);
    assert_non_null(strstr(event->items[0]->event_payload, "output is too large: it has 5000 bytes"));
    assert_true(event->items[0]->should_not_retry);
    cleat__message_free(event);
    free(output);
    listener_remove(&worker, it->transport);
}

/* Many of them are several messages, none of which is larger than may be sent. */
static void test_ends_that_are_large_together(void **state)
{
    enum { SIZE = 2500, RUNS = 3 };
    fixture *it = *state;
    listener worker;
    char output[SIZE + 1];
    memset(output, 'x', SIZE);
    output[0] = output[SIZE - 1] = '"';
    output[SIZE] = '\0';
    it->engine.version = "v0.83.0";
    cleat__remote_settings settings = mock_settings(&it->engine);
    settings.max_send_size = 4096;
    reopen(it, settings);
    listener_add(&worker, it->transport);
    send_batch(it, 1, RUNS, BATCH);
    gate_wait(&worker.assigned, 1);
    for (uint8_t i = 1; i <= RUNS; i++) {
        assert_ok(report(it, i, worker.held[0]->retry_count, CLEAT_OK, output));
    }
    for (int i = 0; i < RUNS; i++) {
        Cleat__BatchActionEvent *event = batch_event_at(it, i);
        assert_int_equal(event->n_items, 1);
        assert_int_equal(strlen(event->items[0]->event_payload), SIZE);
        cleat__message_free(event);
    }
    listener_remove(&worker, it->transport);
}

static void test_ends_that_are_too_large_for_the_server(void **state)
{
    fixture *it = *state;
    listener worker;
    char output[2001];
    memset(output, '1', sizeof(output) - 1);
    output[sizeof(output) - 1] = '\0';
    const cleat__assignment *first = begin_batch(it, &worker, 2);
    mock_fail(&it->engine, MOCK_BATCH_EVENT, CLEAT_RESOURCE_EXHAUSTED,
              "grpc: received message larger than max (2100 vs. 1000)", 1);
    assert_ok(report(it, 1, first->retry_count, CLEAT_OK, output));
    assert_ok(report(it, 2, first->retry_count, CLEAT_OK, output));
    Cleat__BatchActionEvent *event = batch_event_at(it, 1);
    assert_int_equal(event->event_type, FAILED);
    assert_string_equal(event->batch_id, BATCH);
    assert_int_equal(event->n_items, 2);
    assert_non_null(strstr(event->items[1]->event_payload, "output is too large"));
    cleat__message_free(event);
    listener_remove(&worker, it->transport);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_members_go_to_the_worker_together),
        TEST(test_one_that_is_cancelled_meanwhile_is_left_out),
        TEST(test_members_that_do_not_come_are_not_waited_for),
        TEST(test_members_that_are_late_are_not_waited_for),
        TEST(test_a_worker_that_pauses_gets_what_has_come),
        TEST(test_a_worker_that_leaves_has_nothing_left),
        TEST(test_a_batch_of_hatchet),
        TEST(test_members_are_cancelled_one_by_one),
        TEST(test_a_batch_that_comes_again_is_passed_over),
        TEST(test_a_batch_that_is_damaged),
        TEST(test_a_large_batch_that_is_damaged),
        TEST(test_ends_arrive_after_an_outage),
        TEST(test_what_is_too_large_fails_alone),
        TEST(test_ends_that_are_large_together),
        TEST(test_ends_that_are_too_large_for_the_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
