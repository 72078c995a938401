/* Declarations as clients send them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "again.h"
#include "support/failing_allocator.h"
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

static void test_crons(void **state)
{
    declaration it;
    cleat__workflow workflow;
    char *crons[] = {text("* * * * *"), text("0 0 * * MON")};
    (void)state;
    plain(&it)->message.cron_triggers = crons;
    it.message.n_cron_triggers = 2;
    it.message.has_cron_input_case = CLEAT__V1__CREATE_WORKFLOW_VERSION_REQUEST__HAS_CRON_INPUT_CRON_INPUT;
    it.message.cron_input = text("{\"n\":1}");
    assert_int_equal(cleat__workflow_read(&it.message, &workflow), CLEAT_OK);
    assert_int_equal(cleat__workflow_check(&workflow), CLEAT_OK);
    assert_int_equal(workflow.cron_count, 2);
    assert_slice(workflow.crons[1], "0 0 * * MON");
    assert_slice(workflow.cron_input, "{\"n\":1}");
    cleat__workflow_read_end(&workflow);
    it.message.cron_input = text("7");
    assert_int_equal(cleat__workflow_read(&it.message, &workflow), CLEAT_OK);
    assert_int_equal(cleat__workflow_check(&workflow), CLEAT_INVALID_ARGUMENT);
    cleat__workflow_read_end(&workflow);
    it.message.cron_input = text("");
    crons[0] = text("* * * *");
    assert_int_equal(cleat__workflow_read(&it.message, &workflow), CLEAT_OK);
    assert_null(workflow.cron_input.data);
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

static void test_batches(void **state)
{
    declaration it;
    cleat__workflow workflow;
    Cleat__V1__TaskBatchConfig batch = CLEAT__V1__TASK_BATCH_CONFIG__INIT;
    (void)state;
    plain(&it)->task.batch = &batch;
    check_refused(&it, "batch: max_size is 0");
    batch.batch_max_size = 10;
    assert_int_equal(cleat__workflow_read(&it.message, &workflow), CLEAT_OK);
    assert_int_equal(cleat__workflow_check(&workflow), CLEAT_OK);
    assert_int_equal(workflow.tasks[0].batch->max_size, 10);
    assert_int_equal(workflow.tasks[0].batch->interval_ms, 1000);
    assert_int_equal(workflow.tasks[0].batch->group_max_runs, 100);
    assert_null(workflow.tasks[0].batch->group_key.data);
    cleat__workflow_read_end(&workflow);
    batch.has_batch_max_interval_ms_case =
        CLEAT__V1__TASK_BATCH_CONFIG__HAS_BATCH_MAX_INTERVAL_MS_BATCH_MAX_INTERVAL_MS;
    batch.batch_max_interval_ms = 250;
    batch.has_batch_group_max_runs_case =
        CLEAT__V1__TASK_BATCH_CONFIG__HAS_BATCH_GROUP_MAX_RUNS_BATCH_GROUP_MAX_RUNS;
    batch.batch_group_max_runs = 3;
    batch.has_batch_group_key_case = CLEAT__V1__TASK_BATCH_CONFIG__HAS_BATCH_GROUP_KEY_BATCH_GROUP_KEY;
    batch.batch_group_key = text("input.shop");
    assert_int_equal(cleat__workflow_read(&it.message, &workflow), CLEAT_OK);
    assert_int_equal(cleat__workflow_check(&workflow), CLEAT_OK);
    assert_int_equal(workflow.tasks[0].batch->interval_ms, 250);
    assert_int_equal(workflow.tasks[0].batch->group_max_runs, 3);
    assert_slice(workflow.tasks[0].batch->group_key, "input.shop");
    cleat__workflow_read_end(&workflow);
    it.task.is_durable = 1;
    check_refused(&it, "is durable; it cannot be both");
}

/* ---- Several tasks ---- */

/* "first", "second" behind it with a condition of each kind, and one for failures. */
typedef struct several {
    Cleat__V1__CreateWorkflowVersionRequest message;
    Cleat__V1__CreateTaskOpts tasks[2], on_failure, *all[2];
    Cleat__V1__TaskConditions conditions;
    Cleat__V1__BaseMatchCondition base[3];
    Cleat__V1__ParentOverrideMatchCondition of_parent, *of_parents[1];
    Cleat__V1__SleepMatchCondition sleep, *sleeps[1];
    Cleat__V1__UserEventMatchCondition event, *events[1];
    char *parents[1];
} several;

static void add_conditions(several *it)
{
    static const Cleat__V1__Action actions[] = {CLEAT__V1__ACTION__SKIP, CLEAT__V1__ACTION__QUEUE,
                                                CLEAT__V1__ACTION__CANCEL};
    for (size_t i = 0; i < 3; i++) {
        cleat__v1__base_match_condition__init(&it->base[i]);
        it->base[i].action = actions[i];
        it->base[i].or_group_id = text("01234567-89ab-cdef-0123-456789abcdef");
    }
    cleat__v1__parent_override_match_condition__init(&it->of_parent);
    cleat__v1__sleep_match_condition__init(&it->sleep);
    cleat__v1__user_event_match_condition__init(&it->event);
    cleat__v1__task_conditions__init(&it->conditions);
    it->of_parent.base_ = &it->base[0];
    it->of_parent.parent_readable_id = text("first");
    it->base[0].expression = text("output.n > 1");
    it->sleep.base_ = &it->base[1];
    it->sleep.sleep_for = text("1m30s");
    it->event.base_ = &it->base[2];
    it->event.user_event_key = text("stop");
    it->base[2].readable_data_key = text("why");
    it->of_parents[0] = &it->of_parent;
    it->sleeps[0] = &it->sleep;
    it->events[0] = &it->event;
    it->conditions.parent_override_conditions = it->of_parents;
    it->conditions.sleep_conditions = it->sleeps;
    it->conditions.user_event_conditions = it->events;
    it->conditions.n_parent_override_conditions = it->conditions.n_sleep_conditions =
        it->conditions.n_user_event_conditions = 1;
}

static several *fill_several(several *it)
{
    Cleat__V1__CreateTaskOpts *const each[] = {&it->tasks[0], &it->tasks[1], &it->on_failure};
    static const char *const names[] = {"first", "second", "on-failure-task"};
    cleat__v1__create_workflow_version_request__init(&it->message);
    it->message.name = text("flow");
    for (size_t i = 0; i < 3; i++) {
        cleat__v1__create_task_opts__init(each[i]);
        each[i]->readable_id = text(names[i]);
        each[i]->action = text("flow:task");
    }
    it->all[0] = each[0];
    it->all[1] = each[1];
    it->message.tasks = it->all;
    it->message.n_tasks = 2;
    it->message.on_failure_task = &it->on_failure;
    it->parents[0] = text("first");
    it->tasks[1].parents = it->parents;
    it->tasks[1].n_parents = 1;
    it->tasks[1].conditions = &it->conditions;
    add_conditions(it);
    return it;
}

static void test_several_tasks(void **state)
{
    several it;
    cleat__workflow workflow;
    (void)state;
    assert_int_equal(cleat__workflow_read(&fill_several(&it)->message, &workflow), CLEAT_OK);
    assert_int_equal(cleat__workflow_check(&workflow), CLEAT_OK);
    assert_int_equal(workflow.task_count, 3);
    assert_slice(workflow.tasks[1].name, "second");
    assert_int_equal(workflow.tasks[1].parent_count, 1);
    assert_slice(workflow.tasks[1].parents[0], "first");
    assert_true(workflow.tasks[2].is_on_failure && !workflow.tasks[1].is_on_failure);
    const cleat__step_condition *conditions = workflow.tasks[1].conditions;
    assert_int_equal(workflow.tasks[1].condition_count, 3);
    assert_int_equal(conditions[0].action, CLEAT__STEP_SKIP);
    assert_slice(conditions[0].parent, "first");
    assert_slice(conditions[0].of.expression, "output.n > 1");
    assert_int_equal(conditions[1].action, CLEAT__STEP_QUEUE);
    assert_int_equal(conditions[1].of.kind, CLEAT__CONDITION_SLEEP);
    assert_int_equal(conditions[1].of.sleep_ms, 90000);
    assert_slice(conditions[1].of.data_key, "1m30s");
    assert_int_equal(conditions[2].action, CLEAT__STEP_CANCEL);
    assert_slice(conditions[2].of.key, "stop");
    assert_slice(conditions[2].of.data_key, "why");
    cleat__workflow_read_end(&workflow);
}

static void check_several(const several *it, const char *sentence)
{
    const declaration as_one = {.message = it->message};
    check_refused(&as_one, sentence);
}

static void test_what_is_wrong_of_several_is_named(void **state)
{
    several it;
    (void)state;
    fill_several(&it)->base[1].action = CLEAT__V1__ACTION__CREATE;
    check_several(&it, "must be QUEUE, CANCEL or SKIP");
    fill_several(&it)->of_parent.base_ = NULL;
    check_several(&it, "must be QUEUE, CANCEL or SKIP");
    fill_several(&it)->sleep.sleep_for = text("long");
    check_several(&it, "sleep_for");
    fill_several(&it)->event.user_event_key = text("");
    check_several(&it, "user_event_key");
    fill_several(&it)->base[0].or_group_id = text("g");
    check_several(&it, "is no UUID");
    fill_several(&it)->parents[0] = text("nobody");
    check_several(&it, "\"nobody\" is no task of the workflow");
}

static void test_limits_of_several(void **state)
{
    several it;
    cleat__workflow workflow;
    Cleat__V1__Concurrency rule = CLEAT__V1__CONCURRENCY__INIT, *rules[] = {&rule, &rule};
    Cleat__V1__CreateTaskRateLimit limit = CLEAT__V1__CREATE_TASK_RATE_LIMIT__INIT, *limits[] = {&limit};
    (void)state;
    rule.expression = text("input.user");
    limit.key = text("calls");
    fill_several(&it)->tasks[1].concurrency = rules;
    it.tasks[1].n_concurrency = 2;
    it.on_failure.rate_limits = limits;
    it.on_failure.n_rate_limits = 1;
    it.message.concurrency = &rule;
    assert_int_equal(cleat__workflow_read(&it.message, &workflow), CLEAT_OK);
    assert_int_equal(cleat__workflow_check(&workflow), CLEAT_OK);
    assert_int_equal(workflow.concurrency_count, 1);
    assert_int_equal(workflow.tasks[0].concurrency_count, 0);
    assert_int_equal(workflow.tasks[1].concurrency_count, 2);
    assert_int_equal(workflow.tasks[workflow.task_count - 1].rate_limit_count, 1);
    cleat__workflow_read_end(&workflow);
    rule.expression = text("input.");
    check_several(&it, "concurrency: ");
    it.tasks[1].n_concurrency = 0;
    check_several(&it, "concurrency: ");
    it.message.concurrency = NULL;
    limit.key = text("");
    check_several(&it, "the key of a rate limit");
}

static void test_several_without_memory(void **state)
{
    several it;
    cleat__workflow workflow;
    cleat_status status = CLEAT_NO_MEMORY;
    failing_allocator memory;
    (void)state;
    fill_several(&it);
    for (int blocks = 0; status != CLEAT_OK; blocks++) {
        assert_true(blocks < 10);
        failing_allocator_install(&memory, (size_t)blocks + 1);
        status = cleat__workflow_read(&it.message, &workflow);
        cleat__workflow_read_end(&workflow);
        cleat_set_allocator(NULL);
        assert_true(status == CLEAT_OK || status == CLEAT_NO_MEMORY);
    }
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

static void set_rule(Cleat__V1__Concurrency *rule, const char *expression, int32_t max_runs, int strategy)
{
    cleat__v1__concurrency__init(rule);
    rule->expression = text(expression);
    rule->has_max_runs_case = CLEAT__V1__CONCURRENCY__HAS_MAX_RUNS_MAX_RUNS;
    rule->max_runs = max_runs;
    rule->has_limit_strategy_case = CLEAT__V1__CONCURRENCY__HAS_LIMIT_STRATEGY_LIMIT_STRATEGY;
    rule->limit_strategy = (Cleat__V1__ConcurrencyLimitStrategy)strategy;
}

static void test_concurrency(void **state)
{
    declaration it;
    cleat__workflow workflow;
    Cleat__V1__Concurrency first = CLEAT__V1__CONCURRENCY__INIT, second, third, *list[] = {&second},
                           *of_task[] = {&third};
    (void)state;
    first.expression = text("input.a");
    set_rule(&second, "input.b", 3, CLEAT_GROUP_ROUND_ROBIN);
    set_rule(&third, "input.c", 1, CLEAT_CANCEL_QUEUED_EXCEPT_OLDEST);
    plain(&it)->message.concurrency = &first;
    it.message.concurrency_arr = list;
    it.message.n_concurrency_arr = 1;
    it.task.concurrency = of_task;
    it.task.n_concurrency = 1;
    assert_int_equal(cleat__workflow_read(&it.message, &workflow), CLEAT_OK);
    assert_int_equal(cleat__workflow_check(&workflow), CLEAT_OK);
    assert_int_equal(workflow.concurrency_count, 2);
    assert_slice(workflow.concurrency[0].expression, "input.a");
    assert_int_equal(workflow.concurrency[0].max_runs, 1);
    assert_int_equal(workflow.concurrency[0].strategy, CLEAT_CANCEL_IN_PROGRESS);
    assert_slice(workflow.concurrency[1].expression, "input.b");
    assert_int_equal(workflow.concurrency[1].max_runs, 3);
    assert_int_equal(workflow.tasks[0].concurrency_count, 1);
    assert_int_equal(workflow.tasks[0].concurrency[0].strategy, CLEAT_CANCEL_QUEUED_EXCEPT_OLDEST);
    cleat__workflow_read_end(&workflow);
    set_rule(&second, "input.b", 0, CLEAT_GROUP_ROUND_ROBIN);
    check_refused(&it, "max_runs is 0");
    set_rule(&second, "input.b", 1, CLEAT__V1__CONCURRENCY_LIMIT_STRATEGY__DROP_NEWEST);
    check_refused(&it, "strategy 1 is not supported");
    set_rule(&second, "input.", 1, CLEAT_GROUP_ROUND_ROBIN);
    check_refused(&it, "concurrency: ");
    set_rule(&second, "input.b", 1, CLEAT_GROUP_ROUND_ROBIN);
    second.has_is_tenant_scoped_case = CLEAT__V1__CONCURRENCY__HAS_IS_TENANT_SCOPED_IS_TENANT_SCOPED;
    second.is_tenant_scoped = 1;
    check_refused(&it, "(is_tenant_scoped) needs a name");
    second.has_name_case = CLEAT__V1__CONCURRENCY__HAS_NAME_NAME;
    second.name = text("both");
    assert_int_equal(cleat__workflow_read(&it.message, &workflow), CLEAT_OK);
    assert_int_equal(cleat__workflow_check(&workflow), CLEAT_OK);
    assert_slice(workflow.concurrency[1].name, "both");
    cleat__workflow_read_end(&workflow);
    second.is_tenant_scoped = 0; /* then the name says nothing */
    assert_int_equal(cleat__workflow_read(&it.message, &workflow), CLEAT_OK);
    assert_null(workflow.concurrency[1].name.data);
    cleat__workflow_read_end(&workflow);
    set_rule(&second, "input.b", 1, CLEAT_GROUP_ROUND_ROBIN);
    second.has_max_runs_expression_case = CLEAT__V1__CONCURRENCY__HAS_MAX_RUNS_EXPRESSION_MAX_RUNS_EXPRESSION;
    second.max_runs_expression = text("1 +");
    check_refused(&it, "concurrency: max_runs_expression: ");
    second.max_runs_expression = text("input.n");
    assert_int_equal(cleat__workflow_read(&it.message, &workflow), CLEAT_OK);
    assert_int_equal(cleat__workflow_check(&workflow), CLEAT_OK);
    assert_slice(workflow.concurrency[1].max_runs_expression, "input.n");
    assert_null(workflow.concurrency[0].max_runs_expression.data);
    cleat__workflow_read_end(&workflow);
}

static void test_rate_limits(void **state)
{
    declaration it;
    cleat__workflow workflow;
    Cleat__V1__CreateTaskRateLimit plain_one = CLEAT__V1__CREATE_TASK_RATE_LIMIT__INIT,
                                   dynamic = CLEAT__V1__CREATE_TASK_RATE_LIMIT__INIT,
                                   *limits[] = {&plain_one, &dynamic};
    (void)state;
    plain_one.key = text("calls");
    dynamic.key = text("calls of a user");
    dynamic.has_key_expr_case = CLEAT__V1__CREATE_TASK_RATE_LIMIT__HAS_KEY_EXPR_KEY_EXPR;
    dynamic.key_expr = text("input.user");
    dynamic.has_units_case = CLEAT__V1__CREATE_TASK_RATE_LIMIT__HAS_UNITS_UNITS;
    dynamic.units = 3;
    dynamic.has_units_expr_case = CLEAT__V1__CREATE_TASK_RATE_LIMIT__HAS_UNITS_EXPR_UNITS_EXPR;
    dynamic.units_expr = text("2");
    dynamic.has_limit_values_expr_case =
        CLEAT__V1__CREATE_TASK_RATE_LIMIT__HAS_LIMIT_VALUES_EXPR_LIMIT_VALUES_EXPR;
    dynamic.limit_values_expr = text("10");
    dynamic.has_duration_case = CLEAT__V1__CREATE_TASK_RATE_LIMIT__HAS_DURATION_DURATION;
    dynamic.duration = CLEAT__V1__RATE_LIMIT_DURATION__DAY;
    plain(&it)->task.rate_limits = limits;
    it.task.n_rate_limits = 2;
    assert_int_equal(cleat__workflow_read(&it.message, &workflow), CLEAT_OK);
    assert_int_equal(cleat__workflow_check(&workflow), CLEAT_OK);
    const cleat__rate_use *uses = workflow.tasks[0].rate_limits;
    assert_int_equal(workflow.tasks[0].rate_limit_count, 2);
    assert_slice(uses[0].key, "calls");
    assert_int_equal(uses[0].units, 1);
    assert_int_equal(uses[0].window_ms, 60000);
    assert_true(cleat__rate_use_is_static(&uses[0]));
    assert_slice(uses[1].key_expression, "input.user");
    assert_slice(uses[1].units_expression, "2");
    assert_slice(uses[1].limit_expression, "10");
    assert_int_equal(uses[1].units, 3);
    assert_int_equal(uses[1].window_ms, 86400000);
    assert_false(cleat__rate_use_is_static(&uses[1]));
    cleat__workflow_read_end(&workflow);
    dynamic.units_expr = text("2 +");
    check_refused(&it, "rate_limits: ");
    dynamic.units_expr = text("");
    dynamic.units = -1;
    check_refused(&it, "units is -1");
    dynamic.units = 1;
    dynamic.duration = (Cleat__V1__RateLimitDuration)7;
    check_refused(&it, "duration");
    dynamic.duration = CLEAT__V1__RATE_LIMIT_DURATION__SECOND;
    plain_one.key = text("");
    check_refused(&it, "the key of a rate limit has 0 bytes");
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
    failing_allocator memory;
    (void)state;
    fill(&it);
    for (int blocks = 0; status != CLEAT_OK; blocks++) {
        assert_true(blocks < 10);
        failing_allocator_install(&memory, (size_t)blocks + 1);
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
        cmocka_unit_test(test_crons),
        cmocka_unit_test(test_batches),
        cmocka_unit_test(test_idempotency),
        cmocka_unit_test(test_concurrency),
        cmocka_unit_test(test_rate_limits),
        cmocka_unit_test(test_what_is_wrong_is_named),
        cmocka_unit_test(test_several_tasks),
        cmocka_unit_test(test_what_is_wrong_of_several_is_named),
        cmocka_unit_test(test_limits_of_several),
        cmocka_unit_test(test_several_without_memory),
        cmocka_unit_test(test_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
