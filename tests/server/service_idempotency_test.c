/* What clients of the protocol are told of runs whose idempotency keys others have. */
#include "service_test.h"

#include "wire/status.h"

static void declare_with_key(service_world *it, const char *name, const char *expression,
                             Cleat__V1__IdempotencyMethod method)
{
    Cleat__V1__CreateWorkflowVersionRequest request = CLEAT__V1__CREATE_WORKFLOW_VERSION_REQUEST__INIT;
    Cleat__V1__CreateTaskOpts task = CLEAT__V1__CREATE_TASK_OPTS__INIT, *tasks[] = {&task};
    Cleat__V1__IdempotencyConfig config = CLEAT__V1__IDEMPOTENCY_CONFIG__INIT;
    char action[128];
    snprintf(action, sizeof(action), "%s:%s", name, name);
    request.name = task.readable_id = text_(name);
    task.action = action;
    task.timeout = text_("60s");
    request.tasks = tasks;
    request.n_tasks = 1;
    config.expression = text_(expression);
    config.ttl_ms = 600000;
    config.has_method_case = CLEAT__V1__IDEMPOTENCY_CONFIG__HAS_METHOD_METHOD;
    config.method = method;
    request.idempotency = &config;
    cleat__message_free(ask(it, "/v1.AdminService/PutWorkflow", &request.base,
                            &cleat__v1__create_workflow_version_response__descriptor));
}

static void *detail_of(const rpc_result *result, const ProtobufCMessageDescriptor *descriptor)
{
    cleat_status status;
    void *detail = cleat__status_detail_unpack(cleat__buffer_slice(&result->details), descriptor, &status);
    if (detail == NULL) {
        fail_msg("no %s: %s", cleat__message_name(descriptor), cleat_error_message());
    }
    return detail;
}

static void a_rule_that_is_wrong_is_refused_when_it_is_declared(void **state)
{
    service_world *it = *state;
    Cleat__V1__CreateWorkflowVersionRequest request = CLEAT__V1__CREATE_WORKFLOW_VERSION_REQUEST__INIT;
    Cleat__V1__CreateTaskOpts task = CLEAT__V1__CREATE_TASK_OPTS__INIT, *tasks[] = {&task};
    Cleat__V1__IdempotencyConfig config = CLEAT__V1__IDEMPOTENCY_CONFIG__INIT;
    request.name = task.readable_id = text_("w");
    task.action = text_("w:w");
    task.timeout = text_("60s");
    request.tasks = tasks;
    request.n_tasks = 1;
    request.idempotency = &config;
    config.expression = text_("input.");
    config.ttl_ms = 1;
    refused(it, "/v1.AdminService/PutWorkflow", &request.base, GRPC_STATUS_INVALID_ARGUMENT, "idempotency");
    config.expression = text_("input.id");
    config.ttl_ms = 0;
    refused(it, "/v1.AdminService/PutWorkflow", &request.base, GRPC_STATUS_INVALID_ARGUMENT, "ttl_ms");
}

static rpc_result collide(service_world *it, const char *workflow, const char *input)
{
    Cleat__V1__TriggerWorkflowRequest request = CLEAT__V1__TRIGGER_WORKFLOW_REQUEST__INIT;
    request.name = text_(workflow);
    request.input = text_(input);
    rpc_result result = call_as(it, it->token, "/WorkflowService/TriggerWorkflow", &request.base);
    assert_int_equal(result.code, GRPC_STATUS_ALREADY_EXISTS);
    assert_non_null(strstr(result.text, "idempotency key collision"));
    return result;
}

static void a_collision_names_both_runs(void **state)
{
    service_world *it = *state;
    declare_with_key(it, "w", "input.id", CLEAT__V1__IDEMPOTENCY_METHOD__TTL);
    id_text first = trigger(it, "w", "{\"id\":\"x\"}");
    rpc_result result = collide(it, "w", "{\"id\":\"x\"}");
    Cleat__V1__IdempotencyCollisionError *detail =
        detail_of(&result, &cleat__v1__idempotency_collision_error__descriptor);
    cleat__uuid own;
    assert_string_equal(detail->existing_run_external_id, first.text);
    assert_int_equal(cleat__uuid_parse(cleat_slice_of(detail->colliding_run_external_id), &own), CLEAT_OK);
    assert_string_not_equal(detail->colliding_run_external_id, first.text);
    cleat__message_free(detail);
    rpc_result_deinit(&result);
    trigger(it, "w", "{\"id\":\"y\"}");
}

static void a_collision_in_the_newer_form(void **state)
{
    service_world *it = *state;
    Cleat__V1__TriggerWorkflowRunRequest request = CLEAT__V1__TRIGGER_WORKFLOW_RUN_REQUEST__INIT;
    declare_with_key(it, "w", "'one'", CLEAT__V1__IDEMPOTENCY_METHOD__STATUS);
    id_text first = trigger(it, "w", "{}");
    request.workflow_name = text_("w");
    request.input = (ProtobufCBinaryData){2, (uint8_t *)text_("{}")};
    rpc_result result = call_as(it, it->token, "/v1.AdminService/TriggerWorkflowRun", &request.base);
    assert_int_equal(result.code, GRPC_STATUS_ALREADY_EXISTS);
    Cleat__V1__IdempotencyCollisionError *detail =
        detail_of(&result, &cleat__v1__idempotency_collision_error__descriptor);
    assert_string_equal(detail->existing_run_external_id, first.text);
    cleat__message_free(detail);
    rpc_result_deinit(&result);
}

static rpc_result trigger_bulk(service_world *it, const char *const *inputs, size_t count)
{
    Cleat__V1__TriggerWorkflowRequest *items = calloc(count, sizeof(*items));
    Cleat__V1__TriggerWorkflowRequest **all = calloc(count, sizeof(*all));
    Cleat__BulkTriggerWorkflowRequest bulk = CLEAT__BULK_TRIGGER_WORKFLOW_REQUEST__INIT;
    for (size_t i = 0; i < count; i++) {
        cleat__v1__trigger_workflow_request__init(&items[i]);
        items[i].name = text_("w");
        items[i].input = text_(inputs[i]);
        all[i] = &items[i];
    }
    bulk.workflows = all;
    bulk.n_workflows = count;
    rpc_result result = call_as(it, it->token, "/WorkflowService/BulkTriggerWorkflow", &bulk.base);
    free(items);
    free(all);
    return result;
}

static void of_a_bulk_the_others_start(void **state)
{
    service_world *it = *state;
    static const char *const inputs[] = {"{\"id\":\"a\"}", "{\"id\":\"x\"}", "{\"id\":\"b\"}",
                                         "{\"id\":\"a\"}"};
    declare_with_key(it, "w", "input.id", CLEAT__V1__IDEMPOTENCY_METHOD__TTL);
    id_text first = trigger(it, "w", "{\"id\":\"x\"}");
    rpc_result result = trigger_bulk(it, inputs, 4);
    assert_int_equal(result.code, GRPC_STATUS_ALREADY_EXISTS);
    Cleat__V1__BulkTriggerIdempotencyCollisionError *detail =
        detail_of(&result, &cleat__v1__bulk_trigger_idempotency_collision_error__descriptor);
    assert_int_equal(detail->n_successful_workflow_run_external_ids, 2);
    assert_int_equal(detail->n_collisions, 2);
    assert_string_equal(detail->collisions[0]->existing_run_external_id, first.text);
    assert_string_equal(detail->collisions[1]->existing_run_external_id,
                        detail->successful_workflow_run_external_ids[0]);
    cleat__message_free(detail);
    rpc_result_deinit(&result);
    result = collide(it, "w", "{\"id\":\"b\"}");
    rpc_result_deinit(&result);
}

/* Peers refuse large trailers, and with them the status. */
static void what_does_not_fit_into_a_trailer_is_left_out(void **state)
{
    enum { MANY = 200 };
    service_world *it = *state;
    static const char *inputs[MANY];
    declare_with_key(it, "w", "'one'", CLEAT__V1__IDEMPOTENCY_METHOD__TTL);
    for (int i = 0; i < MANY; i++) {
        inputs[i] = "{}";
    }
    rpc_result result = trigger_bulk(it, inputs, MANY);
    assert_int_equal(result.code, GRPC_STATUS_ALREADY_EXISTS);
    assert_non_null(strstr(result.text, "idempotency key collision"));
    assert_int_equal(result.details.size, 0);
    rpc_result_deinit(&result);
}

static void tenants_do_not_see_keys_of_others(void **state)
{
    service_world *it = *state;
    Cleat__V1__TriggerWorkflowRequest request = CLEAT__V1__TRIGGER_WORKFLOW_REQUEST__INIT;
    declare_with_key(it, "w", "'one'", CLEAT__V1__IDEMPOTENCY_METHOD__TTL);
    trigger(it, "w", "{}");
    char *token = it->token;
    it->token = it->other_token;
    declare_with_key(it, "w", "'one'", CLEAT__V1__IDEMPOTENCY_METHOD__TTL);
    trigger(it, "w", "{}");
    it->token = token;
    request.name = text_("w");
    request.input = text_("{}");
    refused_as(it, it->other_token, "/WorkflowService/TriggerWorkflow", &request.base,
               GRPC_STATUS_ALREADY_EXISTS, "idempotency key collision");
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, world_start, world_stop)
    const struct CMUnitTest tests[] = {
        TEST(a_rule_that_is_wrong_is_refused_when_it_is_declared),
        TEST(a_collision_names_both_runs),
        TEST(a_collision_in_the_newer_form),
        TEST(of_a_bulk_the_others_start),
        TEST(what_does_not_fit_into_a_trailer_is_left_out),
        TEST(tenants_do_not_see_keys_of_others),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
