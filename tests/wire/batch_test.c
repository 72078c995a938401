/* Several runs in one action, as TypeScript's worker and Cleat's own read them, and what is said of several at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "again.h"
#include "base/alloc.h"
#include "failing.h"
#include "wire/batch.h"
#include "wire/batch_event.h"

#include <stdio.h>

#define NOW      INT64_C(1700000000123)
#define BATCH_ID "01890a5d-ac96-774b-bcce-b302099a8060"
#define OTHER_ID "01890a5d-ac96-774b-bcce-b302099a8059"

#define ENVELOPE(input)                                                                   \
    "{\"input\":" input                                                                   \
    ",\"triggered_by\":\"manual\",\"parents\":{},\"triggers\":{\"filter_payload\":null}," \
    "\"user_data\":null,\"overrides\":null}"

static const cleat__action_details details = {
    .tenant_id = {"tenant", 6},
    .workflow_id = {"wf", 2},
    .workflow_version_id = {"v1", 2},
    .step_id = {"step", 4},
    .task_name = {"Insert", 6},
    .priority = 2,
};

static cleat__assignment member_of(const char *id, const char *input)
{
    return (cleat__assignment){
        .task_id = uuid_of(id),
        .retry_count = 2,
        .created_at_ms = NOW - 1000,
        .task = cleat_slice_of("rows:insert"),
        .input = cleat_slice_of(input),
        .metadata = cleat_slice_of("{\"traceparent\":\"00\"}"),
        .batch_id = uuid_of(BATCH_ID),
        .batch_count = 2,
        .batch_at_ms = NOW - 10,
        .batch_key = cleat_slice_of("north"),
        .batch_reason = cleat_slice_of("batch size threshold 2 reached"),
    };
}

/* NULL: no memory. */
static Cleat__AssignedAction *write_two(bool is_own)
{
    cleat__batch_writer writer;
    cleat__assignment first = member_of(RUN_ID, "{\"n\":1}"), second = member_of(OTHER_ID, "{\"n\":2}");
    cleat__action_details of_run = details;
    first.is_child = true;
    first.parent_id = uuid_of(PARENT_ID);
    of_run.run_id = uuid_of(PARENT_ID);
    cleat__batch_write_begin(&writer, &first, &details, 2, is_own);
    cleat__batch_write_add(&writer, &first, &details);
    cleat__batch_write_add(&writer, &second, &of_run);
    return cleat__batch_write_end(&writer);
}

static void assert_item(cleat__batch_reader *reader, const char *id, int32_t retry_count, const char *input)
{
    cleat__batch_item item;
    cleat__uuid expected = uuid_of(id), batch = uuid_of(BATCH_ID);
    assert_true(cleat__batch_read_next(reader, &item));
    assert_int_equal(item.status, CLEAT_OK);
    assert_true(item.is_known && cleat__uuid_equals(&item.task_id, &expected));
    assert_int_equal(item.retry_count, retry_count);
    assert_int_equal(item.assignment->retry_count, retry_count);
    assert_true(cleat__uuid_equals(&item.assignment->task_id, &expected));
    assert_true(cleat__uuid_equals(&item.assignment->batch_id, &batch));
    assert_slice(item.assignment->task, "rows:insert");
    assert_slice(item.assignment->input, input);
    assert_slice(item.assignment->batch_key, "north");
    assert_slice(item.assignment->batch_reason, "batch size threshold 2 reached");
    assert_int_equal(item.assignment->batch_count, 2);
    assert_int_equal(item.assignment->batch_at_ms, NOW - 10);
    cleat__free(item.assignment);
}

static void test_the_form_of_the_protocol(void **state)
{
    (void)state;
    Cleat__AssignedAction *message = again(write_two(false));
    assert_int_equal(message->action_type, CLEAT__ACTION_TYPE__START_BATCH);
    assert_string_equal(message->tenant_id, "tenant");
    assert_string_equal(message->action_id, "rows:insert");
    assert_string_equal(message->batchid, BATCH_ID);
    assert_string_equal(message->batchkey, "north");
    assert_string_equal(message->batchstartpayload->triggerreason, "batch size threshold 2 reached");
    assert_int_equal(message->batchstartpayload->expectedsize, 2);
    assert_int_equal(message->batchstartpayload->triggertime->seconds, (NOW - 10) / 1000);
    assert_string_equal(message->action_payload,
                        "{\"" RUN_ID "\":{\"workflow_run_id\":\"" RUN_ID
                        "\",\"payload\":" ENVELOPE("{\"n\":1}") "},\"" OTHER_ID
                                                                "\":{\"workflow_run_id\":\"" PARENT_ID
                                                                "\",\"payload\":" ENVELOPE("{\"n\":2}") "}}");
    /* What is not said of all: TypeScript's worker would take it for its own. */
    assert_string_equal(message->task_run_external_id, "");
    assert_string_equal(message->workflow_run_id, "");
    assert_true(message->has_additional_metadata_case == 0 && message->n_cleat_members == 0);
    cleat__message_free(message);
}

static void test_the_form_of_the_protocol_is_read(void **state)
{
    cleat__batch_reader reader;
    cleat__batch_item item;
    (void)state;
    Cleat__AssignedAction *message = again(write_two(false));
    assert_false(cleat__batch_read_is_own(message));
    assert_int_equal(cleat__batch_read_begin(&reader, message, NOW), CLEAT_OK);
    assert_item(&reader, RUN_ID, CLEAT__RETRY_CURRENT, "{\"n\":1}");
    assert_item(&reader, OTHER_ID, CLEAT__RETRY_CURRENT, "{\"n\":2}");
    assert_false(cleat__batch_read_next(&reader, &item));
    cleat__message_free(message);
}

static void test_members_of_cleat_are_as_they_are_alone(void **state)
{
    cleat__batch_reader reader;
    cleat__batch_item item;
    (void)state;
    Cleat__AssignedAction *message = again(write_two(true));
    assert_string_equal(message->action_payload, "");
    assert_true(cleat__batch_read_is_own(message));
    assert_int_equal(cleat__batch_read_begin(&reader, message, NOW), CLEAT_OK);
    assert_true(cleat__batch_read_next(&reader, &item));
    cleat__uuid parent = uuid_of(PARENT_ID);
    assert_int_equal(item.assignment->retry_count, 2);
    assert_slice(item.assignment->metadata, "{\"traceparent\":\"00\"}");
    assert_true(item.assignment->is_child && cleat__uuid_equals(&item.assignment->parent_id, &parent));
    assert_int_equal(item.assignment->created_at_ms, NOW - 1000);
    cleat__free(item.assignment);
    assert_item(&reader, OTHER_ID, 2, "{\"n\":2}");
    assert_false(cleat__batch_read_next(&reader, &item));
    cleat__message_free(message);
}

/* One batch in the form of the protocol, with this payload. */
static void read_payload(cleat__batch_reader *reader, Cleat__AssignedAction *message, const char *payload)
{
    *message = (Cleat__AssignedAction)CLEAT__ASSIGNED_ACTION__INIT;
    message->action_id = (char *)(uintptr_t) "rows:insert";
    message->has_batch_id_case = CLEAT__ASSIGNED_ACTION__HAS_BATCH_ID_BATCH_ID;
    message->batchid = (char *)(uintptr_t) "reservation 7";
    message->action_payload = (char *)(uintptr_t)payload;
    assert_int_equal(cleat__batch_read_begin(reader, message, NOW), CLEAT_OK);
}

static void test_a_member_that_is_malformed_leaves_the_others(void **state)
{
    static const char *const bad[] = {
        "\"" PARENT_ID "\":{\"workflow_run_id\":\"" RUN_ID "\"}",
        "\"" PARENT_ID "\":17",
        "\"" PARENT_ID "\":{\"payload\":[]}",
        "\"nobody\":{\"payload\":{\"input\":{}}}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char payload[300];
        cleat__batch_reader reader;
        cleat__batch_item item;
        Cleat__AssignedAction message;
        (void)snprintf(payload, sizeof(payload), "{%s,\"" RUN_ID "\":{\"payload\":{\"input\":{}}}}", bad[i]);
        read_payload(&reader, &message, payload);
        assert_true(cleat__batch_read_next(&reader, &item));
        assert_int_equal(item.status, CLEAT_INVALID_ARGUMENT);
        assert_null(item.assignment);
        assert_true(item.is_known == (strstr(bad[i], "nobody") == NULL));
        assert_true(cleat__batch_read_next(&reader, &item));
        assert_int_equal(item.status, CLEAT_OK);
        cleat__free(item.assignment);
        assert_false(cleat__batch_read_next(&reader, &item));
    }
}

/* The engine's name for it may be any: they belong together all the same. */
static void test_members_belong_together_without_a_uuid(void **state)
{
    cleat__batch_reader reader;
    cleat__batch_item first, second;
    Cleat__AssignedAction message;
    (void)state;
    read_payload(&reader, &message,
                 "{\"" RUN_ID "\":{\"payload\":{}},\"" OTHER_ID "\":{\"payload\":{\"input\":{\"a\":1}}}}");
    assert_true(cleat__batch_read_next(&reader, &first) && cleat__batch_read_next(&reader, &second));
    assert_false(cleat__uuid_is_nil(&first.assignment->batch_id));
    assert_true(cleat__uuid_equals(&first.assignment->batch_id, &second.assignment->batch_id));
    assert_slice(first.assignment->input, "{}");
    assert_slice(first.assignment->batch_key, "");
    cleat__free(first.assignment);
    cleat__free(second.assignment);
}

static void test_what_is_no_batch_is_refused(void **state)
{
    cleat__batch_reader reader;
    Cleat__AssignedAction message = CLEAT__ASSIGNED_ACTION__INIT;
    (void)state;
    message.action_payload = (char *)(uintptr_t) "{}";
    assert_int_equal(cleat__batch_read_begin(&reader, &message, NOW), CLEAT_INVALID_ARGUMENT);
    message.has_batch_id_case = CLEAT__ASSIGNED_ACTION__HAS_BATCH_ID_BATCH_ID;
    message.batchid = (char *)(uintptr_t)BATCH_ID;
    message.action_payload = (char *)(uintptr_t) "[1]";
    assert_int_equal(cleat__batch_read_begin(&reader, &message, NOW), CLEAT_INVALID_ARGUMENT);
    message.action_payload = (char *)(uintptr_t) "{\"a\":";
    assert_int_equal(cleat__batch_read_begin(&reader, &message, NOW), CLEAT_INVALID_ARGUMENT);
}

/* ---- What is said of them ---- */

static const cleat__event_origin origin = {{"worker", 6}, {"rows:insert", 11}, {"step", 4}};

/* NULL: no memory. */
static Cleat__BatchActionEvent *write_failures(void)
{
    cleat__batch_event_writer writer;
    const cleat__report reports[] = {
        {.task_id = uuid_of(RUN_ID), .status = CLEAT_FAILED, .error = {"no \"row\"", 8}},
        {.task_id = uuid_of(OTHER_ID),
         .retry_count = CLEAT__RETRY_CURRENT,
         .status = CLEAT_NON_RETRYABLE,
         .error = {"never", 5}},
    };
    cleat__batch_event_begin(&writer, CLEAT__STEP_ACTION_EVENT_TYPE__STEP_EVENT_TYPE_FAILED, &origin,
                             cleat_slice_of("reservation 7"), 2, NOW);
    cleat__batch_event_add(&writer, &reports[0]);
    cleat__batch_event_add(&writer, &reports[1]);
    return cleat__batch_event_end(&writer);
}

static void test_failures_are_told_together(void **state)
{
    (void)state;
    Cleat__BatchActionEvent *message = again(write_failures());
    assert_string_equal(message->worker_id, "worker");
    assert_string_equal(message->job_id, "step");
    assert_string_equal(message->action_id, "rows:insert");
    assert_string_equal(message->batch_id, "reservation 7");
    assert_int_equal(message->event_type, CLEAT__STEP_ACTION_EVENT_TYPE__STEP_EVENT_TYPE_FAILED);
    assert_int_equal(message->n_items, 2);
    assert_string_equal(message->items[0]->task_run_external_id, RUN_ID);
    assert_string_equal(message->items[0]->event_payload, "{\"message\":\"no \\\"row\\\"\"}");
    assert_true(message->items[0]->has_retry_count_case != 0 && message->items[0]->retry_count == 0);
    assert_false(message->items[0]->should_not_retry);
    assert_true(message->items[1]->has_retry_count_case == 0 && message->items[1]->should_not_retry);
    cleat__message_free(message);
}

static void test_beginnings_and_outputs_are_told_together(void **state)
{
    cleat__batch_event_writer writer;
    cleat__uuid id = uuid_of(RUN_ID);
    (void)state;
    cleat__batch_event_begin(&writer, CLEAT__STEP_ACTION_EVENT_TYPE__STEP_EVENT_TYPE_STARTED, &origin,
                             cleat_slice_of("b"), 1, NOW);
    cleat__batch_event_add_started(&writer, &id);
    Cleat__BatchActionEvent *message = again(cleat__batch_event_end(&writer));
    assert_string_equal(message->items[0]->event_payload, "");
    cleat__message_free(message);
    cleat__batch_event_begin(&writer, CLEAT__STEP_ACTION_EVENT_TYPE__STEP_EVENT_TYPE_COMPLETED, &origin,
                             cleat_slice_of("b"), 2, NOW);
    cleat__batch_event_add(&writer, &(cleat__report){.task_id = id, .output = {"{\"a\":1.10}", 10}});
    cleat__batch_event_add(&writer, &(cleat__report){.task_id = id});
    message = again(cleat__batch_event_end(&writer));
    assert_string_equal(message->items[0]->event_payload, "{\"a\":1.10}");
    assert_string_equal(message->items[1]->event_payload, "null");
    assert_true(message->items[0]->has_should_not_retry_case == 0);
    cleat__message_free(message);
}

/* ---- Without memory ---- */

static bool read_all(const Cleat__AssignedAction *message)
{
    cleat__batch_reader reader;
    cleat__batch_item item;
    bool is_read = cleat__batch_read_begin(&reader, message, NOW) == CLEAT_OK;
    while (is_read && cleat__batch_read_next(&reader, &item)) {
        is_read = item.status == CLEAT_OK;
        cleat__free(item.assignment);
    }
    return is_read;
}

static bool convert(int which)
{
    void *message = which == 0   ? (void *)write_two(false)
                    : which == 1 ? (void *)write_two(true)
                                 : (void *)write_failures();
    bool is_done = message != NULL && (which == 2 || read_all(message));
    cleat__message_free(message);
    return is_done;
}

static void test_without_memory_nothing_is_left_behind(void **state)
{
    (void)state;
    for (int which = 0; which < 3; which++) {
        failing it;
        bool is_done = false;
        for (int blocks = 0; !is_done && blocks < 500; blocks++) {
            failing_begin(&it, blocks);
            is_done = convert(which);
            cleat_set_allocator(NULL);
            assert_int_equal(it.live, 0);
        }
        assert_true(is_done);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_form_of_the_protocol),
        cmocka_unit_test(test_the_form_of_the_protocol_is_read),
        cmocka_unit_test(test_members_of_cleat_are_as_they_are_alone),
        cmocka_unit_test(test_a_member_that_is_malformed_leaves_the_others),
        cmocka_unit_test(test_members_belong_together_without_a_uuid),
        cmocka_unit_test(test_what_is_no_batch_is_refused),
        cmocka_unit_test(test_failures_are_told_together),
        cmocka_unit_test(test_beginnings_and_outputs_are_told_together),
        cmocka_unit_test(test_without_memory_nothing_is_left_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
