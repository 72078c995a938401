/* Actions as TypeScript's worker and Cleat's own read them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "again.h"
#include "base/alloc.h"
#include "wire/assignment.h"

#define NOW INT64_C(1700000000123)

static const cleat__action_details details = {
    .tenant_id = {"tenant", 6},
    .workflow_id = {"wf", 2},
    .workflow_version_id = {"v1", 2},
    .step_id = {"step", 4},
    .task_name = {"Pack", 4},
    .priority = 2,
};

static cleat__assignment assignment_of(const char *input)
{
    return (cleat__assignment){
        .task_id = uuid_of(RUN_ID),
        .retry_count = 4,
        .created_at_ms = NOW - 1000,
        .task = cleat_slice_of("archive:pack"),
        .input = cleat_slice_of(input),
    };
}

static void test_a_start(void **state)
{
    (void)state;
    cleat__assignment assignment = assignment_of("{\"big\":12345678901234567890123,\"f\":1.10}");
    Cleat__AssignedAction *message = again(cleat__assignment_write(&assignment, &details));
    assert_int_equal(message->action_type, CLEAT__ACTION_TYPE__START_STEP_RUN);
    assert_string_equal(message->tenant_id, "tenant");
    assert_string_equal(message->workflow_run_id, RUN_ID);
    assert_string_equal(message->task_run_external_id, RUN_ID);
    assert_string_equal(message->job_run_id, RUN_ID);
    assert_string_equal(message->get_group_key_run_id, ""); /* else the payload is read differently */
    assert_string_equal(message->job_id, "step");
    assert_string_equal(message->task_id, "step");
    assert_string_equal(message->action_id, "archive:pack");
    assert_string_equal(message->task_name, "Pack");
    assert_string_equal(message->job_name, "Pack");
    assert_int_equal(message->retry_count, 4);
    assert_int_equal(message->priority, 2);
    assert_string_equal(message->workflow_id, "wf");
    assert_string_equal(message->workflow_version_id, "v1");
    /* These would be part of the key by which a cancellation finds the run. */
    assert_true(message->has_durable_task_invocation_count_case == 0 && message->has_batch_id_case == 0);
    assert_true(message->has_additional_metadata_case == 0 && message->has_parent_workflow_run_id_case == 0);
    assert_string_equal(message->action_payload,
                        "{\"input\":{\"big\":12345678901234567890123,\"f\":1.10},\"triggered_by\":\"manual\","
                        "\"parents\":{},\"triggers\":{\"filter_payload\":null},\"user_data\":null,"
                        "\"overrides\":null}");
    cleat__message_free(message);
}

static void test_the_payload_of_a_filter(void **state)
{
    (void)state;
    cleat__assignment assignment = assignment_of("{\"n\":1}"), *read;
    assignment.filter_payload = cleat_slice_of("{\"to\":{\"a\":1.10}}");
    Cleat__AssignedAction *message = again(cleat__assignment_write(&assignment, &details));
    assert_string_equal(message->action_payload,
                        "{\"input\":{\"n\":1},\"triggered_by\":\"manual\",\"parents\":{},\"triggers\":{"
                        "\"filter_payload\":{\"to\":{\"a\":1.10}}},\"user_data\":null,\"overrides\":null}");
    assert_int_equal(cleat__assignment_read(message, NOW, &read), CLEAT_OK);
    assert_true(cleat_slice_equals(read->filter_payload, assignment.filter_payload));
    assert_true(cleat_slice_equals(read->input, assignment.input));
    cleat__free(read);
    cleat__message_free(message);
    static const char *const others[] = {"{\"triggers\":{\"filter_payload\":null}}", "{\"triggers\":{}}",
                                         "{\"triggers\":7}", "{\"triggers\":{\"filter_payload\":[1]}}", "{}"};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        message = cleat__assignment_write(&assignment, &details);
        cleat__free(message->action_payload);
        message->action_payload = cleat__slice_dup(cleat_slice_of(others[i]));
        assert_int_equal(cleat__assignment_read(message, NOW, &read), CLEAT_OK);
        assert_null(read->filter_payload.data);
        cleat__free(read);
        cleat__message_free(message);
    }
}

/* START and CANCEL must say the same of it, or the cancellation is lost. */
/* Of others they are texts that have JSON, or have it not. */
static void test_errors_of_other_tasks_are_read_as_people_read_them(void **state)
{
    (void)state;
    cleat__assignment assignment = assignment_of("{}"), *read;
    assignment.step_errors =
        cleat_slice_of("{\"a\":\"{\\\"message\\\":\\\"it broke\\\",\\\"stack\\\":\\\"x\\\"}\","
                       "\"b\":\"plain \\u00e4\",\"c\":7,\"d\":\"\"}");
    Cleat__AssignedAction *message = again(cleat__assignment_write(&assignment, &details));
    assert_non_null(strstr(message->action_payload, ",\"step_run_errors\":{\"a\":"));
    assert_int_equal(cleat__assignment_read(message, NOW, &read), CLEAT_OK);
    assert_slice(read->step_errors, "{\"a\":\"it broke\",\"b\":\"plain \u00e4\",\"d\":\"\"}");
    cleat__free(read);
    cleat__message_free(message);
    static const struct {
        const char *envelope, *errors; /* NULL: none are told */
    } others[] = {
        {"{\"step_run_errors\":{}}", "{}"},
        {"{\"step_run_errors\":7}", NULL},
        {"{\"step_run_errors\":null}", NULL},
        {"{}", NULL},
    };
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        message = again(cleat__assignment_write(&assignment, &details));
        cleat__free(message->action_payload);
        bool failed = false;
        message->action_payload = cleat__message_string(&failed, others[i].envelope);
        assert_int_equal(cleat__assignment_read(message, NOW, &read), CLEAT_OK);
        if (others[i].errors == NULL) {
            assert_null(read->step_errors.data);
        } else {
            assert_slice(read->step_errors, others[i].errors);
        }
        cleat__free(read);
        cleat__message_free(message);
    }
}

static void test_an_invocation_of_a_durable_task(void **state)
{
    (void)state;
    cleat__assignment assignment = assignment_of("{}"), *read;
    cleat__action_details of_invocation = details;
    assignment.is_durable = true;
    assignment.invocation_count = of_invocation.invocation_count = 3;
    static const int64_t sizes[] = {-1, 0, 12};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        assignment.log_size = sizes[i];
        Cleat__AssignedAction *start = again(cleat__assignment_write(&assignment, &details));
        assert_true(start->has_durable_task_invocation_count_case != 0);
        assert_int_equal(start->durable_task_invocation_count, 3);
        assert_int_equal(start->has_cleat_log_size_case != 0, sizes[i] >= 0);
        assert_int_equal(cleat__assignment_read(start, 0, &read), CLEAT_OK);
        assert_true(read->is_durable && read->invocation_count == 3 && read->log_size == sizes[i]);
        cleat__free(read);
        cleat__message_free(start);
    }
    Cleat__AssignedAction *cancel =
        again(cleat__cancellation_write(&assignment.task_id, 4, assignment.task, &of_invocation));
    assert_true(cancel->has_durable_task_invocation_count_case != 0);
    assert_int_equal(cancel->durable_task_invocation_count, 3);
    cleat__message_free(cancel);
}

static void test_a_task_that_is_not_durable_has_no_invocations(void **state)
{
    (void)state;
    cleat__assignment assignment = assignment_of("{}"), *read;
    Cleat__AssignedAction *start = again(cleat__assignment_write(&assignment, &details));
    assert_int_equal(cleat__assignment_read(start, 0, &read), CLEAT_OK);
    assert_true(!read->is_durable && read->invocation_count == 0 && read->log_size == -1);
    cleat__free(read);
    cleat__message_free(start);
}

static void test_inputs_in_the_envelope(void **state)
{
    (void)state;
    static const char *const inputs[][2] = {
        {NULL, "{\"input\":{},"}, {"null", "{\"input\":null,"}, {"[1,2]", "{\"input\":null,"}};
    for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
        cleat__assignment assignment = assignment_of(inputs[i][0]);
        Cleat__AssignedAction *message = again(cleat__assignment_write(&assignment, &details));
        assert_memory_equal(message->action_payload, inputs[i][1], strlen(inputs[i][1]));
        cleat__message_free(message);
    }
}

static void test_a_cancellation_has_the_ids_of_its_start(void **state)
{
    (void)state;
    cleat__assignment assignment = assignment_of("{}");
    Cleat__AssignedAction *start = again(cleat__assignment_write(&assignment, &details));
    Cleat__AssignedAction *cancel = again(
        cleat__cancellation_write(&assignment.task_id, assignment.retry_count, assignment.task, &details));
    assert_int_equal(cancel->action_type, CLEAT__ACTION_TYPE__CANCEL_STEP_RUN);
    assert_string_equal(cancel->task_run_external_id, start->task_run_external_id);
    assert_string_equal(cancel->workflow_run_id, start->workflow_run_id);
    assert_string_equal(cancel->action_id, start->action_id);
    assert_int_equal(cancel->retry_count, start->retry_count);
    assert_true(cancel->has_durable_task_invocation_count_case == 0);
    cleat__uuid id;
    int32_t retry_count;
    assert_int_equal(cleat__action_attempt_read(cancel, &id, &retry_count), CLEAT_OK);
    assert_true(cleat__uuid_equals(&id, &assignment.task_id) && retry_count == 4);
    cleat__message_free(start);
    cleat__message_free(cancel);
}

static void test_a_child_comes_back_whole(void **state)
{
    (void)state;
    cleat__assignment assignment = assignment_of("{ \"a\" : [1, {\"input\":2}] }");
    assignment.metadata = cleat_slice_of("{\"traceparent\":\"x\"}");
    assignment.is_child = true;
    assignment.parent_id = uuid_of(PARENT_ID);
    assignment.child_index = 7;
    assignment.child_key = cleat_slice_of("k");
    Cleat__AssignedAction *message = again(cleat__assignment_write(&assignment, &details));
    cleat__assignment *read = NULL;
    assert_int_equal(cleat__assignment_read(message, NOW, &read), CLEAT_OK);
    cleat__message_free(message); /* nothing is borrowed from it */
    assert_slice(read->task, "archive:pack");
    assert_slice(read->input, "{ \"a\" : [1, {\"input\":2}] }");
    assert_slice(read->metadata, "{\"traceparent\":\"x\"}");
    assert_slice(read->child_key, "k");
    assert_int_equal(read->input.data[read->input.size], '\0');
    assert_true(read->is_child && cleat__uuid_equals(&read->parent_id, &assignment.parent_id));
    assert_true(cleat__uuid_equals(&read->task_id, &assignment.task_id));
    assert_int_equal(read->child_index, 7);
    assert_int_equal(read->retry_count, 4);
    assert_int_equal(read->created_at_ms, NOW - 1000);
    assert_int_equal(read->queued_at_ms, NOW);
    cleat__free(read);
}

static void test_ids_come_back_when_they_are_uuids(void **state)
{
    (void)state;
    const cleat__action_details ids = {
        .tenant_id = cleat_slice_of(PARENT_ID),
        .workflow_id = cleat_slice_of(RUN_ID),
        .workflow_version_id = cleat_slice_of(PARENT_ID),
        .step_id = cleat_slice_of(RUN_ID),
        .priority = 1,
    };
    const cleat__uuid one = uuid_of(RUN_ID), other = uuid_of(PARENT_ID);
    const cleat__assignment assignment = assignment_of("{}");
    cleat__assignment *read = NULL;
    Cleat__AssignedAction *message = again(cleat__assignment_write(&assignment, &ids));
    assert_int_equal(cleat__assignment_read(message, NOW, &read), CLEAT_OK);
    assert_true(cleat__uuid_equals(&read->tenant_id, &other) &&
                cleat__uuid_equals(&read->version_id, &other));
    assert_true(cleat__uuid_equals(&read->workflow_id, &one) && cleat__uuid_equals(&read->step_id, &one));
    cleat__message_free(message);
    cleat__free(read);

    message = again(cleat__assignment_write(&assignment, &details)); /* "tenant", "step", "wf", "v1" */
    assert_int_equal(cleat__assignment_read(message, NOW, &read), CLEAT_OK);
    assert_true(cleat__uuid_is_nil(&read->tenant_id) && cleat__uuid_is_nil(&read->version_id));
    assert_true(cleat__uuid_is_nil(&read->workflow_id) && cleat__uuid_is_nil(&read->step_id));
    cleat__message_free(message);
    cleat__free(read);
}

/* ---- From engines of others ---- */

static Cleat__AssignedAction *action_new(const char *id, const char *payload)
{
    bool failed = false;
    Cleat__AssignedAction *message = cleat__message_new(&cleat__assigned_action__descriptor);
    message->task_run_external_id = cleat__message_string(&failed, id);
    message->action_id = cleat__message_string(&failed, "a:b");
    message->action_payload = cleat__message_string(&failed, payload);
    return message;
}

static void check_input(const char *payload, const char *input)
{
    cleat__assignment *read = NULL;
    Cleat__AssignedAction *message = action_new(RUN_ID, payload);
    assert_int_equal(cleat__assignment_read(message, NOW, &read), CLEAT_OK);
    assert_slice(read->input, input);
    assert_int_equal(read->created_at_ms, NOW); /* not told */
    assert_null(read->metadata.data);
    cleat__free(read);
    cleat__message_free(message);
}

static void test_an_event_comes_back(void **state)
{
    (void)state;
    cleat__assignment assignment = assignment_of("{}"), *read = NULL;
    assignment.event_id = uuid_of(RUN_ID);
    assignment.event_key = cleat_slice_of("order:paid");
    Cleat__AssignedAction *message = again(cleat__assignment_write(&assignment, &details));
    assert_string_equal(message->triggering_event_external_id, RUN_ID);
    assert_string_equal(message->triggering_event_key, "order:paid");
    assert_int_equal(cleat__assignment_read(message, NOW, &read), CLEAT_OK);
    assert_true(cleat__uuid_equals(&read->event_id, &assignment.event_id));
    assert_slice(read->event_key, "order:paid");
    cleat__free(read);
    message->triggering_event_external_id[3] = 'x';
    assert_int_equal(cleat__assignment_read(message, NOW, &read), CLEAT_INVALID_ARGUMENT);
    cleat__message_free(message);
}

static void test_envelopes_of_others(void **state)
{
    (void)state;
    check_input("{\"triggers\":{\"input\":3}, \"parents\" : {\"x\":{\"input\":1}}, "
                "\"input\" : {\"n\": 1.50} , \"a\":1}",
                "{\"n\": 1.50}");
    check_input("{\"input\":null}", "null");
    check_input("{}", "{}");
}

static void check_refused(Cleat__AssignedAction *message, const char *sentence)
{
    cleat__assignment *read = NULL;
    assert_int_equal(cleat__assignment_read(message, NOW, &read), CLEAT_INVALID_ARGUMENT);
    assert_null(read);
    assert_non_null(strstr(cleat_error_message(), sentence));
    cleat__message_free(message);
}

static void test_refused(void **state)
{
    (void)state;
    bool failed = false;
    check_refused(action_new("", "{}"), "is no UUID");
    check_refused(action_new(RUN_ID, ""), "action_payload is not JSON");
    check_refused(action_new(RUN_ID, "[]"), "action_payload must be a JSON object");
    Cleat__AssignedAction *message = action_new(RUN_ID, "{}");
    message->retry_count = -1;
    check_refused(message, "retry_count is -1");
    message = action_new(RUN_ID, "{}");
    message->has_parent_workflow_run_id_case =
        CLEAT__ASSIGNED_ACTION__HAS_PARENT_WORKFLOW_RUN_ID_PARENT_WORKFLOW_RUN_ID;
    message->parent_workflow_run_id = cleat__message_string(&failed, "no");
    check_refused(message, "parent_workflow_run_id \"no\" is no UUID");
    message = action_new(RUN_ID, "{}");
    message->task_inserted_at = cleat__message_new(&cleat__google__protobuf__timestamp__descriptor);
    message->task_inserted_at->nanos = -1;
    check_refused(message, "task_inserted_at is no time");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_start),
        cmocka_unit_test(test_the_payload_of_a_filter),
        cmocka_unit_test(test_errors_of_other_tasks_are_read_as_people_read_them),
        cmocka_unit_test(test_an_invocation_of_a_durable_task),
        cmocka_unit_test(test_a_task_that_is_not_durable_has_no_invocations),
        cmocka_unit_test(test_inputs_in_the_envelope),
        cmocka_unit_test(test_a_cancellation_has_the_ids_of_its_start),
        cmocka_unit_test(test_a_child_comes_back_whole),
        cmocka_unit_test(test_ids_come_back_when_they_are_uuids),
        cmocka_unit_test(test_an_event_comes_back),
        cmocka_unit_test(test_envelopes_of_others),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
