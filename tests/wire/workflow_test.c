/* Declarations as clients send them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "again.h"
#include "failing.h"
#include "wire/workflow.h"

#pragma GCC diagnostic ignored "-Wmissing-braces" /* in protobuf-c's initialisers of oneofs */

typedef struct declaration {
    Cleat__V1__CreateWorkflowVersionRequest message;
    Cleat__V1__CreateTaskOpts task, *tasks[2];
} declaration;

static char *text(const char *value)
{
    return (char *)(uintptr_t)value;
}

/* With what every client sends. */
static declaration *plain(declaration *it)
{
    cleat__v1__create_workflow_version_request__init(&it->message);
    cleat__v1__create_task_opts__init(&it->task);
    it->tasks[0] = it->tasks[1] = &it->task;
    it->message.name = text("archive");
    it->message.tasks = it->tasks;
    it->message.n_tasks = 1;
    it->task.readable_id = text("Pack");
    it->task.action = text("archive:pack");
    return it;
}

static void test_defaults(void **state)
{
    declaration it;
    cleat__workflow workflow;
    (void)state;
    assert_int_equal(cleat__workflow_read(&plain(&it)->message, &workflow), CLEAT_OK);
    assert_int_equal(cleat__workflow_check(&workflow), CLEAT_OK);
    assert_slice(workflow.name, "archive");
    assert_slice(workflow.tasks[0].name, "Pack");
    assert_slice(workflow.tasks[0].action, "archive:pack");
    assert_int_equal(workflow.tasks[0].policy.execution_timeout_ms, 60000);
    assert_int_equal(workflow.tasks[0].policy.schedule_timeout_ms, 300000);
    assert_int_equal(workflow.tasks[0].policy.retries, 0);
    assert_int_equal(workflow.tasks[0].policy.priority, 1);
    assert_int_equal(cleat__policy_backoff_ms(&workflow.tasks[0].policy, 1), 0);
    assert_int_equal(workflow.sticky, CLEAT__STICKY_NONE);
    assert_int_equal(workflow.tasks[0].slot_count + workflow.tasks[0].label_count + workflow.event_key_count,
                     0);
    assert_null(workflow.input_json_schema.data);
    cleat__workflow_read_end(&workflow);
}

/* Everything that a declaration may say, in `it`. */
typedef struct rich {
    declaration of;
    Cleat__V1__CreateTaskOpts__SlotRequestsEntry slots, *all_slots[1];
    Cleat__V1__CreateTaskOpts__WorkerLabelsEntry label, *labels[1];
    Cleat__V1__DesiredWorkerLabels wanted;
    char *keys[2];
} rich;

static rich *fill(rich *it)
{
    Cleat__V1__CreateWorkflowVersionRequest *message = &plain(&it->of)->message;
    Cleat__V1__CreateTaskOpts *task = &it->of.task;
    cleat__v1__create_task_opts__slot_requests_entry__init(&it->slots);
    cleat__v1__create_task_opts__worker_labels_entry__init(&it->label);
    cleat__v1__desired_worker_labels__init(&it->wanted);
    message->has_sticky_case = CLEAT__V1__CREATE_WORKFLOW_VERSION_REQUEST__HAS_STICKY_STICKY;
    message->sticky = CLEAT__V1__STICKY_STRATEGY__HARD;
    message->has_default_priority_case =
        CLEAT__V1__CREATE_WORKFLOW_VERSION_REQUEST__HAS_DEFAULT_PRIORITY_DEFAULT_PRIORITY;
    message->default_priority = 3;
    message->has_input_json_schema_case =
        CLEAT__V1__CREATE_WORKFLOW_VERSION_REQUEST__HAS_INPUT_JSON_SCHEMA_INPUT_JSON_SCHEMA;
    message->input_json_schema = (ProtobufCBinaryData){2, (uint8_t *)text("{}")};
    it->keys[0] = text("order:paid");
    it->keys[1] = text("order:sent");
    message->event_triggers = it->keys;
    message->n_event_triggers = 2;
    task->timeout = text("1h30m");
    task->retries = 4;
    task->has_schedule_timeout_case = CLEAT__V1__CREATE_TASK_OPTS__HAS_SCHEDULE_TIMEOUT_SCHEDULE_TIMEOUT;
    task->schedule_timeout = text("10s");
    task->has_backoff_factor_case = CLEAT__V1__CREATE_TASK_OPTS__HAS_BACKOFF_FACTOR_BACKOFF_FACTOR;
    task->backoff_factor = 2;
    task->has_backoff_max_seconds_case =
        CLEAT__V1__CREATE_TASK_OPTS__HAS_BACKOFF_MAX_SECONDS_BACKOFF_MAX_SECONDS;
    task->backoff_max_seconds = 5;
    it->all_slots[0] = &it->slots;
    it->slots.key = text("default");
    it->slots.value = 3;
    task->slot_requests = it->all_slots;
    task->n_slot_requests = 1;
    it->labels[0] = &it->label;
    it->label.key = text("gpu");
    it->label.value = &it->wanted;
    it->wanted.has_str_value_case = CLEAT__V1__DESIRED_WORKER_LABELS__HAS_STR_VALUE_STR_VALUE;
    it->wanted.str_value = text("a100");
    it->wanted.has_comparator_case = CLEAT__V1__DESIRED_WORKER_LABELS__HAS_COMPARATOR_COMPARATOR;
    it->wanted.comparator = CLEAT__V1__WORKER_LABEL_COMPARATOR__NOT_EQUAL;
    task->worker_labels = it->labels;
    task->n_worker_labels = 1;
    return it;
}

static void test_everything(void **state)
{
    rich it;
    cleat__workflow workflow;
    (void)state;
    assert_int_equal(cleat__workflow_read(&fill(&it)->of.message, &workflow), CLEAT_OK);
    assert_int_equal(cleat__workflow_check(&workflow), CLEAT_OK);
    assert_int_equal(workflow.sticky, CLEAT__STICKY_HARD);
    assert_int_equal(workflow.tasks[0].policy.priority, 3);
    assert_int_equal(workflow.tasks[0].policy.retries, 4);
    assert_int_equal(workflow.tasks[0].policy.execution_timeout_ms, 5400000);
    assert_int_equal(workflow.tasks[0].policy.schedule_timeout_ms, 10000);
    /* factor^n seconds, at most so many */
    assert_int_equal(cleat__policy_backoff_ms(&workflow.tasks[0].policy, 1), 2000);
    assert_int_equal(cleat__policy_backoff_ms(&workflow.tasks[0].policy, 2), 4000);
    assert_int_equal(cleat__policy_backoff_ms(&workflow.tasks[0].policy, 3), 5000);
    assert_slice(workflow.input_json_schema, "{}");
    assert_int_equal(workflow.event_key_count, 2);
    assert_slice(workflow.event_keys[1], "order:sent");
    assert_int_equal(workflow.tasks[0].slot_count, 1);
    assert_slice(workflow.tasks[0].slots[0].type, "default");
    assert_int_equal(workflow.tasks[0].slots[0].units, 3);
    assert_int_equal(workflow.tasks[0].label_count, 1);
    assert_slice(workflow.tasks[0].labels[0].key, "gpu");
    assert_slice(workflow.tasks[0].labels[0].value.text, "a100");
    assert_int_equal(workflow.tasks[0].labels[0].comparator, CLEAT__COMPARATOR_NOT_EQUAL);
    assert_int_equal(workflow.tasks[0].labels[0].weight, CLEAT__LABEL_WEIGHT);
    assert_false(workflow.tasks[0].labels[0].is_required);
    cleat__workflow_read_end(&workflow);
}

static const declaration *set_first_delay(rich *it, int64_t delay_ms)
{
    it->of.task.has_backoff_initial_ms_case =
        CLEAT__V1__CREATE_TASK_OPTS__HAS_BACKOFF_INITIAL_MS_BACKOFF_INITIAL_MS;
    it->of.task.backoff_initial_ms = delay_ms;
    return &it->of;
}

/* What only Cleat's own clients say: the first delay, instead of the factor's, and the last. */
static void test_first_delay(void **state)
{
    rich it;
    cleat__workflow workflow;
    (void)state;
    assert_int_equal(cleat__workflow_read(&set_first_delay(fill(&it), 250)->message, &workflow), CLEAT_OK);
    assert_int_equal(cleat__policy_backoff_ms(&workflow.tasks[0].policy, 1), 250);
    assert_int_equal(cleat__policy_backoff_ms(&workflow.tasks[0].policy, 2), 500);
    assert_int_equal(cleat__policy_backoff_ms(&workflow.tasks[0].policy, 9), 5000);
    cleat__workflow_read_end(&workflow);
    it.of.task.has_backoff_max_ms_case = CLEAT__V1__CREATE_TASK_OPTS__HAS_BACKOFF_MAX_MS_BACKOFF_MAX_MS;
    it.of.task.backoff_max_ms = 700;
    assert_int_equal(cleat__workflow_read(&it.of.message, &workflow), CLEAT_OK);
    assert_int_equal(cleat__policy_backoff_ms(&workflow.tasks[0].policy, 2), 500);
    assert_int_equal(cleat__policy_backoff_ms(&workflow.tasks[0].policy, 3), 700);
    cleat__workflow_read_end(&workflow);
}

static void test_filters(void **state)
{
    declaration it;
    cleat__workflow workflow;
    Cleat__V1__DefaultFilter filters[2], *list[] = {&filters[0], &filters[1]};
    (void)state;
    cleat__v1__default_filter__init(&filters[0]);
    cleat__v1__default_filter__init(&filters[1]);
    filters[0].scope = text("eu");
    filters[0].expression = text("input.n > 1.0");
    filters[0].has_payload_case = CLEAT__V1__DEFAULT_FILTER__HAS_PAYLOAD_PAYLOAD;
    filters[0].payload = (ProtobufCBinaryData){7, (uint8_t *)text("{\"v\":1}")};
    filters[1].scope = text("us");
    plain(&it)->message.default_filters = list;
    it.message.n_default_filters = 2;
    assert_int_equal(cleat__workflow_read(&it.message, &workflow), CLEAT_OK);
    assert_int_equal(cleat__workflow_check(&workflow), CLEAT_OK);
    assert_int_equal(workflow.filter_count, 2);
    assert_slice(workflow.filters[0].scope, "eu");
    assert_slice(workflow.filters[0].expression, "input.n > 1.0");
    assert_slice(workflow.filters[0].payload, "{\"v\":1}");
    assert_slice(workflow.filters[1].expression, "");
    assert_null(workflow.filters[1].payload.data);
    cleat__workflow_read_end(&workflow);
    filters[1].expression = text("input.");
    assert_int_equal(cleat__workflow_read(&it.message, &workflow), CLEAT_OK);
    assert_int_equal(cleat__workflow_check(&workflow), CLEAT_INVALID_ARGUMENT);
    cleat__workflow_read_end(&workflow);
}

/* Reading it, or looking at what was read, says this. */
static void check_refused(const declaration *it, const char *sentence)
{
    cleat__workflow workflow;
    cleat_status status = cleat__workflow_read(&it->message, &workflow);
    if (status == CLEAT_OK) {
        status = cleat__workflow_check(&workflow);
    }
    cleat__workflow_read_end(&workflow);
    assert_int_equal(status, CLEAT_INVALID_ARGUMENT);
    if (strstr(cleat_error_message(), sentence) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", cleat_error_message(), sentence);
    }
}

static void test_what_is_not_supported_is_named(void **state)
{
    declaration it;
    Cleat__V1__Concurrency concurrency = CLEAT__V1__CONCURRENCY__INIT, *rules[] = {&concurrency};
    Cleat__V1__TaskConditions conditions = CLEAT__V1__TASK_CONDITIONS__INIT;
    Cleat__V1__SleepMatchCondition sleep_condition = CLEAT__V1__SLEEP_MATCH_CONDITION__INIT,
                                   *sleeps[] = {&sleep_condition};
    Cleat__V1__CreateTaskRateLimit limit = CLEAT__V1__CREATE_TASK_RATE_LIMIT__INIT, *limits[] = {&limit};
    Cleat__V1__TaskBatchConfig batch = CLEAT__V1__TASK_BATCH_CONFIG__INIT;
    char *names[] = {text("x*")};
    (void)state;
    plain(&it)->message.n_tasks = 2;
    check_refused(&it, "not supported yet: several tasks in one workflow");
    plain(&it)->task.parents = names;
    it.task.n_parents = 1;
    check_refused(&it, "not supported yet: several tasks in one workflow");
    plain(&it)->message.on_failure_task = &it.task;
    check_refused(&it, "not supported yet: on_failure_task");
    plain(&it)->message.cron_triggers = names;
    it.message.n_cron_triggers = 1;
    check_refused(&it, "not supported yet: cron_triggers");
    plain(&it)->message.concurrency = &concurrency;
    check_refused(&it, "not supported yet: concurrency");
    plain(&it)->message.concurrency_arr = rules;
    it.message.n_concurrency_arr = 1;
    check_refused(&it, "not supported yet: concurrency");
    plain(&it)->task.concurrency = rules;
    it.task.n_concurrency = 1;
    check_refused(&it, "not supported yet: concurrency");
    plain(&it)->task.rate_limits = limits;
    it.task.n_rate_limits = 1;
    check_refused(&it, "not supported yet: rate_limits");
    plain(&it)->task.batch = &batch;
    check_refused(&it, "not supported yet: batch");
    plain(&it)->task.conditions = &conditions; /* none in it */
    cleat__workflow workflow;
    assert_int_equal(cleat__workflow_read(&it.message, &workflow), CLEAT_OK);
    cleat__workflow_read_end(&workflow);
    conditions.sleep_conditions = sleeps;
    conditions.n_sleep_conditions = 1;
    check_refused(&it, "not supported yet: conditions");
}

static void test_idempotency(void **state)
{
    declaration it;
    Cleat__V1__IdempotencyConfig idempotency = CLEAT__V1__IDEMPOTENCY_CONFIG__INIT;
    cleat__workflow workflow;
    (void)state;
    assert_int_equal(cleat__workflow_read(&plain(&it)->message, &workflow), CLEAT_OK);
    assert_null(workflow.idempotency);
    cleat__workflow_read_end(&workflow);
    plain(&it)->message.idempotency = &idempotency;
    idempotency.expression = text("input.id");
    idempotency.ttl_ms = 1000;
    assert_int_equal(cleat__workflow_read(&it.message, &workflow), CLEAT_OK);
    assert_true(cleat_slice_equals(workflow.idempotency->expression, cleat_slice_of("input.id")));
    assert_int_equal(workflow.idempotency->ttl_ms, 1000);
    assert_int_equal(workflow.idempotency->method, CLEAT_IDEMPOTENCY_TTL);
    assert_int_equal(cleat__workflow_check(&workflow), CLEAT_OK);
    cleat__workflow_read_end(&workflow);
    idempotency.has_method_case = CLEAT__V1__IDEMPOTENCY_CONFIG__HAS_METHOD_METHOD;
    idempotency.method = CLEAT__V1__IDEMPOTENCY_METHOD__STATUS;
    assert_int_equal(cleat__workflow_read(&it.message, &workflow), CLEAT_OK);
    assert_int_equal(workflow.idempotency->method, CLEAT_IDEMPOTENCY_STATUS);
    cleat__workflow_read_end(&workflow);
    idempotency.method = (Cleat__V1__IdempotencyMethod)7;
    assert_int_equal(cleat__workflow_read(&it.message, &workflow), CLEAT_OK);
    assert_int_equal(cleat__workflow_check(&workflow), CLEAT_INVALID_ARGUMENT);
    cleat__workflow_read_end(&workflow);
}

static void test_what_is_wrong_is_named(void **state)
{
    rich it;
    (void)state;
    plain(&it.of)->message.n_tasks = 0;
    check_refused(&it.of, "has no tasks");
    plain(&it.of)->task.timeout = text("5");
    check_refused(&it.of, "timeout");
    fill(&it)->of.task.schedule_timeout = text("-1s");
    check_refused(&it.of, "schedule_timeout");
    fill(&it)->of.message.sticky = (Cleat__V1__StickyStrategy)9;
    check_refused(&it.of, "sticky is 9");
    fill(&it)->wanted.has_str_value_case = CLEAT__V1__DESIRED_WORKER_LABELS__HAS_STR_VALUE__NOT_SET;
    check_refused(&it.of, "label \"gpu\"");
    fill(&it)->label.value = NULL;
    check_refused(&it.of, "label \"gpu\"");
    fill(&it)->wanted.comparator = (Cleat__V1__WorkerLabelComparator)17;
    check_refused(&it.of, "gpu");
    static const float factors[] = {0, 0.5F, -1, 1000.5F};
    for (size_t i = 0; i < sizeof(factors) / sizeof(factors[0]); i++) {
        fill(&it)->of.task.backoff_factor = factors[i];
        check_refused(&it.of, "backoff_factor");
    }
    static const int32_t most[] = {0, -1, 86401, INT32_MIN};
    for (size_t i = 0; i < sizeof(most) / sizeof(most[0]); i++) {
        fill(&it)->of.task.backoff_max_seconds = most[i];
        check_refused(&it.of, "backoff_max");
    }
    set_first_delay(fill(&it), -1);
    check_refused(&it.of, "backoff_initial");
    fill(&it)->of.task.has_backoff_max_ms_case =
        CLEAT__V1__CREATE_TASK_OPTS__HAS_BACKOFF_MAX_MS_BACKOFF_MAX_MS;
    it.of.task.backoff_max_ms = -1;
    check_refused(&it.of, "backoff_max");
    fill(&it)->of.task.retries = -1;
    check_refused(&it.of, "retries");
    fill(&it)->of.message.default_priority = 4;
    check_refused(&it.of, "default_priority");
}

static void test_without_memory(void **state)
{
    rich it;
    cleat__workflow workflow;
    cleat_status status = CLEAT_NO_MEMORY;
    failing memory;
    (void)state;
    fill(&it);
    for (int blocks = 0; status != CLEAT_OK; blocks++) {
        assert_true(blocks < 10);
        failing_begin(&memory, blocks);
        status = cleat__workflow_read(&it.of.message, &workflow);
        cleat__workflow_read_end(&workflow);
        cleat_set_allocator(NULL);
        assert_true(status == CLEAT_OK || status == CLEAT_NO_MEMORY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_everything),
        cmocka_unit_test(test_first_delay),
        cmocka_unit_test(test_filters),
        cmocka_unit_test(test_what_is_not_supported_is_named),
        cmocka_unit_test(test_idempotency),
        cmocka_unit_test(test_what_is_wrong_is_named),
        cmocka_unit_test(test_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
