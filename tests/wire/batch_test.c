/* Batches as TypeScript's worker and Cleat's own read them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "again.h"
#include "base/alloc.h"
#include "wire/batch.h"

#include <string.h>

#define NOW      INT64_C(1700000000123)
#define BATCH_ID "9b3b6a52-2f7a-4a5c-8d0e-0123456789ab"
#define OTHER_ID "018bcfe5-6877-7000-8000-0000000000ff"

static const cleat__action_details details = {
    .tenant_id = {"tenant", 6},
    .workflow_id = {"wf", 2},
    .priority = 2,
};

/* Two members; the second is a task of a run of several. */
static void fill(cleat__assignment two[2])
{
    two[0] = (cleat__assignment){
        .task_id = uuid_of(RUN_ID),
        .retry_count = 1,
        .created_at_ms = NOW - 1000,
        .task = cleat_slice_of("shop:send"),
        .input = cleat_slice_of("{\"n\":12345678901234567890123}"),
        .metadata = cleat_slice_of("{\"a\":\"b\"}"),
        .batch_id = uuid_of(BATCH_ID),
        .batch_count = 2,
        .batch_at_ms = NOW - 500,
        .batch_key = cleat_slice_of("north"),
        .batch_reason = cleat_slice_of("batch size threshold 2 reached"),
    };
    two[1] = two[0];
    two[0].next = &two[1];
    two[1].task_id = uuid_of(OTHER_ID);
    two[1].run_id = uuid_of(RUN_ID);
    two[1].input = cleat_slice_of("{}");
    two[1].parents = cleat_slice_of("{\"first\":{\"x\":1}}");
}

static void test_one_action_has_all_members(void **state)
{
    (void)state;
    cleat__assignment two[2];
    fill(two);
    Cleat__AssignedAction *message = again(cleat__batch_write(two, 2, &details));
    assert_int_equal(message->action_type, CLEAT__ACTION_TYPE__START_BATCH);
    assert_string_equal(message->tenant_id, "tenant");
    assert_string_equal(message->action_id, "shop:send");
    assert_string_equal(message->batchid, BATCH_ID);
    assert_string_equal(message->batchkey, "north");
    assert_string_equal(message->batchstartpayload->triggerreason, "batch size threshold 2 reached");
    assert_int_equal(message->batchstartpayload->expectedsize, 2);
    assert_string_equal(message->task_run_external_id, "");
    assert_string_equal(message->workflow_run_id, "");
    assert_true(message->has_workflow_id_case == 0 && message->has_additional_metadata_case == 0);
    assert_string_equal(
        message->action_payload,
        "{\"" RUN_ID "\":{\"workflow_run_id\":\"" RUN_ID "\",\"payload\":{\"input\":{"
        "\"n\":12345678901234567890123},\"triggered_by\":\"manual\",\"parents\":{},\"triggers\":{"
        "\"filter_payload\":null},\"user_data\":null,\"overrides\":null}},\"" OTHER_ID
        "\":{\"workflow_run_id\":\"" RUN_ID "\",\"payload\":{\"input\":{},\"triggered_by\":\"manual\","
        "\"parents\":{\"first\":{\"x\":1}},\"triggers\":{\"filter_payload\":null},\"user_data\":null,"
        "\"overrides\":null}}}");
    cleat__message_free(message);
}

static void test_it_is_read_again(void **state)
{
    (void)state;
    cleat__assignment two[2], *list = NULL;
    fill(two);
    Cleat__AssignedAction *message = again(cleat__batch_write(two, 2, &details));
    assert_int_equal(cleat__batch_read(message, NOW, &list), CLEAT_OK);
    cleat__message_free(message);
    size_t count = 0;
    for (cleat__assignment *one = list; one != NULL; count++) {
        assert_true(count < 2);
        assert_true(cleat__uuid_equals(&one->task_id, &two[count].task_id));
        assert_true(cleat__uuid_equals(&one->run_id, &two[count].run_id));
        assert_true(cleat__uuid_equals(&one->batch_id, &two[count].batch_id));
        assert_true(cleat_slice_equals(one->task, two[count].task));
        assert_true(cleat_slice_equals(one->input, two[count].input));
        assert_true(cleat_slice_equals(one->batch_key, two[count].batch_key));
        assert_true(cleat_slice_equals(one->batch_reason, two[count].batch_reason));
        assert_int_equal(one->batch_count, 2);
        assert_int_equal(one->batch_at_ms, NOW - 500);
        assert_int_equal(one->retry_count, CLEAT__RETRY_CURRENT);
        assert_null(one->metadata.data);
        cleat__assignment *next = one->next;
        cleat__free(one);
        one = next;
    }
    assert_int_equal(count, 2);
}

static void test_members_come_by_themselves_too(void **state)
{
    (void)state;
    cleat__assignment two[2], *read = NULL;
    fill(two);
    Cleat__AssignedAction *message = again(cleat__assignment_write(&two[1], &details));
    assert_int_equal(message->action_type, CLEAT__ACTION_TYPE__START_STEP_RUN);
    assert_int_equal(cleat__assignment_read(message, NOW, &read), CLEAT_OK);
    assert_true(cleat__uuid_equals(&read->batch_id, &two[1].batch_id));
    assert_int_equal(read->batch_count, 2);
    assert_int_equal(read->batch_at_ms, NOW - 500);
    assert_int_equal(read->retry_count, 1);
    assert_true(cleat_slice_equals(read->batch_key, two[1].batch_key));
    assert_true(cleat_slice_equals(read->batch_reason, two[1].batch_reason));
    assert_true(cleat_slice_equals(read->metadata, two[1].metadata));
    cleat__free(read);
    cleat__free(message->batchid);
    message->batchid = cleat__slice_dup(cleat_slice_of("one"));
    assert_int_equal(cleat__assignment_read(message, NOW, &read), CLEAT_INVALID_ARGUMENT);
    assert_non_null(strstr(cleat_error_message(), "batchId \"one\""));
    cleat__message_free(message);
}

static void test_no_group_has_no_key(void **state)
{
    (void)state;
    cleat__assignment two[2], *read = NULL;
    fill(two);
    two[0].batch_key = cleat_slice_of("");
    Cleat__AssignedAction *message = again(cleat__assignment_write(&two[0], &details));
    assert_true(message->has_batch_key_case == 0);
    assert_int_equal(cleat__assignment_read(message, NOW, &read), CLEAT_OK);
    assert_true(read->batch_key.data != NULL && read->batch_key.size == 0);
    cleat__free(read);
    cleat__message_free(message);
}

static void test_what_is_no_batch_is_refused(void **state)
{
    (void)state;
    static const char *const payloads[] = {
        "",
        "[]",
        "{}",
        "{\"one\":{\"payload\":{}}}",
        "{\"" RUN_ID "\":7}",
        "{\"" RUN_ID "\":{}}",
        "{\"" RUN_ID "\":{\"payload\":7}}",
        "{\"" RUN_ID "\":{\"payload\":{\"input\":{}}},\"" OTHER_ID "\":{}}",
    };
    cleat__assignment two[2], *list = NULL;
    fill(two);
    for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++) {
        Cleat__AssignedAction *message = cleat__batch_write(two, 2, &details);
        cleat__free(message->action_payload);
        message->action_payload = cleat__slice_dup(cleat_slice_of(payloads[i]));
        if (cleat__batch_read(message, NOW, &list) != CLEAT_INVALID_ARGUMENT) {
            fail_msg("it takes %s", payloads[i]);
        }
        assert_null(list);
        cleat__message_free(message);
    }
    Cleat__AssignedAction *message = cleat__batch_write(two, 2, &details);
    message->has_batch_id_case = CLEAT__ASSIGNED_ACTION__HAS_BATCH_ID__NOT_SET;
    assert_int_equal(cleat__batch_read(message, NOW, &list), CLEAT_INVALID_ARGUMENT);
    message->has_batch_id_case = CLEAT__ASSIGNED_ACTION__HAS_BATCH_ID_BATCH_ID;
    cleat__message_free(message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_action_has_all_members),     cmocka_unit_test(test_it_is_read_again),
        cmocka_unit_test(test_members_come_by_themselves_too), cmocka_unit_test(test_no_group_has_no_key),
        cmocka_unit_test(test_what_is_no_batch_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
