/* Runs to be started, from clients of any language and to engines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "again.h"
#include "model/labels.h"
#include "wire/trigger.h"

typedef Cleat__V1__TriggerWorkflowRequest request;

#define HAS(NAME) CLEAT__V1__TRIGGER_WORKFLOW_REQUEST__HAS_##NAME

static request *request_new(const char *input)
{
    bool failed = false;
    request *message = cleat__message_new(&cleat__v1__trigger_workflow_request__descriptor);
    message->name = cleat__message_string(&failed, "archive");
    message->input = cleat__message_string(&failed, input);
    return message;
}

static void set_text(char **field, const char *text)
{
    bool failed = false;
    *field = cleat__message_string(&failed, text);
    assert_false(failed);
}

static void test_a_plain_one(void **state)
{
    (void)state;
    cleat__trigger trigger;
    request *message = request_new("{\"n\":1}");
    assert_int_equal(cleat__trigger_read(message, &trigger), CLEAT_OK);
    assert_slice(trigger.workflow, "archive");
    assert_slice(trigger.input, "{\"n\":1}");
    assert_null(trigger.metadata.data);
    assert_int_equal(trigger.priority, 0);
    assert_false(trigger.is_child);
    cleat__message_free(message);
}

static void test_input_that_is_no_object_is_null(void **state)
{
    (void)state;
    static const char *const inputs[][2] = {
        {"null", "null"},   {"[1]", "null"},
        {"7", "null"},      {"\"x\"", "null"},
        {" \n{}", " \n{}"}, {"{\"big\":12345678901234567890123}", "{\"big\":12345678901234567890123}"},
    };
    for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
        cleat__trigger trigger;
        request *message = request_new(inputs[i][0]);
        assert_int_equal(cleat__trigger_read(message, &trigger), CLEAT_OK);
        assert_slice(trigger.input, inputs[i][1]);
        cleat__message_free(message);
    }
}

static void check_refused(request *message, const char *sentence)
{
    cleat__trigger trigger;
    assert_int_equal(cleat__trigger_read(message, &trigger), CLEAT_INVALID_ARGUMENT);
    assert_non_null(strstr(cleat_error_message(), sentence));
    cleat__message_free(message);
}

static void test_refused(void **state)
{
    (void)state;
    check_refused(request_new(""), "input is not JSON");
    check_refused(request_new("{"), "input is not JSON");
    check_refused(request_new("{\"a\":\"\\u0000\"}"), "input is not JSON");
    check_refused(cleat__message_new(&cleat__v1__trigger_workflow_request__descriptor), "name is missing");

    request *message = request_new("{}");
    message->has_additional_metadata_case = HAS(ADDITIONAL_METADATA_ADDITIONAL_METADATA);
    set_text(&message->additional_metadata, "[]");
    check_refused(message, "metadata must be a JSON object");

    static const int32_t priorities[] = {0, 4, -1, INT32_MIN};
    for (size_t i = 0; i < sizeof(priorities) / sizeof(priorities[0]); i++) {
        message = request_new("{}");
        message->has_priority_case = HAS(PRIORITY_PRIORITY);
        message->priority = priorities[i];
        check_refused(message, "priority is ");
    }
}

static request *child_new(const char *parent, int32_t index)
{
    request *message = request_new("{}");
    message->has_parent_task_run_external_id_case =
        HAS(PARENT_TASK_RUN_EXTERNAL_ID_PARENT_TASK_RUN_EXTERNAL_ID);
    set_text(&message->parent_task_run_external_id, parent);
    message->has_child_index_case = HAS(CHILD_INDEX_CHILD_INDEX);
    message->child_index = index;
    return message;
}

static void test_children(void **state)
{
    (void)state;
    cleat__trigger trigger;
    cleat__uuid parent = uuid_of(PARENT_ID);
    request *message = child_new(PARENT_ID, 3);
    /* The task run counts, not the run. */
    message->has_parent_id_case = HAS(PARENT_ID_PARENT_ID);
    set_text(&message->parent_id, RUN_ID);
    assert_int_equal(cleat__trigger_read(message, &trigger), CLEAT_OK);
    assert_true(trigger.is_child && cleat__uuid_equals(&trigger.parent_id, &parent));
    assert_int_equal(trigger.child_index, 3);
    assert_null(trigger.child_key.data);

    message->has_child_key_case = HAS(CHILD_KEY_CHILD_KEY);
    set_text(&message->child_key, "k");
    assert_int_equal(cleat__trigger_read(message, &trigger), CLEAT_OK);
    assert_slice(trigger.child_key, "k");
    cleat__message_free(message);

    check_refused(child_new("parent", 0), "the parent \"parent\" is no UUID");
    check_refused(child_new(PARENT_ID, -1), "child_index is -1");
}

static void test_a_parent_without_index_and_key_has_no_child(void **state)
{
    (void)state;
    cleat__trigger trigger;
    request *message = child_new(PARENT_ID, 0);
    message->has_child_index_case = 0;
    assert_int_equal(cleat__trigger_read(message, &trigger), CLEAT_OK);
    assert_false(trigger.is_child);
    cleat__message_free(message);
}

static void test_what_a_client_writes(void **state)
{
    (void)state;
    cleat__trigger trigger = {
        .workflow = cleat_slice_of("archive"),
        .input = cleat_slice_of("{\"n\":1.10}"),
        .metadata = cleat_slice_of("{\"k\":\"v\"}"),
        .priority = 3,
        .is_child = true,
        .parent_id = uuid_of(PARENT_ID),
        .child_index = 2,
        .child_key = cleat_slice_of("key"),
    };
    request *message = again(cleat__trigger_write(&trigger));
    assert_string_equal(message->name, "archive"); /* workflows are triggered, not tasks */
    assert_string_equal(message->input, "{\"n\":1.10}");
    assert_string_equal(message->additional_metadata, "{\"k\":\"v\"}");
    assert_string_equal(message->parent_id, PARENT_ID);
    assert_string_equal(message->parent_task_run_external_id, PARENT_ID);
    assert_int_equal(message->child_index, 2);
    assert_string_equal(message->child_key, "key");
    assert_int_equal(message->priority, 3);
    cleat__message_free(message);
    trigger.parent_run_id = uuid_of(RUN_ID);
    message = again(cleat__trigger_write(&trigger)); /* by a task of a run */
    assert_string_equal(message->parent_id, RUN_ID);
    assert_string_equal(message->parent_task_run_external_id, PARENT_ID);
    cleat__message_free(message);

    message = again(cleat__trigger_write(&(cleat__trigger){.workflow = cleat_slice_of("archive")}));
    assert_string_equal(message->name, "archive");
    assert_string_equal(message->input, "{}");
    assert_true(message->has_parent_id_case == 0 && message->has_priority_case == 0 &&
                message->has_additional_metadata_case == 0 && message->has_child_index_case == 0);
    cleat__message_free(message);
}

static void test_desires_of_a_client(void **state)
{
    (void)state;
    const cleat__desired_label labels[] = {
        {.key = cleat_slice_of("region"), .value = {.text = cleat_slice_of("north")}, .weight = 7},
        {.key = cleat_slice_of("memory"),
         .value = {.is_number = true, .number = -3},
         .comparator = CLEAT__COMPARATOR_LESS_THAN_OR_EQUAL,
         .weight = 100,
         .is_required = true},
    };
    const cleat__trigger trigger = {.workflow = cleat_slice_of("archive"),
                                    .desired_worker = uuid_of(RUN_ID),
                                    .labels = labels,
                                    .label_count = 2};
    cleat__trigger heard;
    request *message = again(cleat__trigger_write(&trigger));
    assert_int_equal(cleat__trigger_read(message, &heard), CLEAT_OK);
    assert_true(cleat__uuid_equals(&heard.desired_worker, &trigger.desired_worker));
    assert_int_equal(heard.label_count, 2);
    size_t number = heard.labels[1].value.is_number ? 1 : 0; /* a map has no order */
    assert_slice(heard.labels[number].key, "memory");
    assert_int_equal(heard.labels[number].value.number, -3);
    assert_int_equal(heard.labels[number].comparator, CLEAT__COMPARATOR_LESS_THAN_OR_EQUAL);
    assert_true(heard.labels[number].is_required);
    assert_slice(heard.labels[1 - number].value.text, "north");
    assert_int_equal(heard.labels[1 - number].weight, 7);
    assert_false(heard.labels[1 - number].is_required);
    cleat__trigger_read_end(&heard);
    cleat__message_free(message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_plain_one),
        cmocka_unit_test(test_input_that_is_no_object_is_null),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_children),
        cmocka_unit_test(test_a_parent_without_index_and_key_has_no_child),
        cmocka_unit_test(test_what_a_client_writes),
        cmocka_unit_test(test_desires_of_a_client),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
