/* A workflow of several tasks, as a client declares it and a server hears it. */
#include "transport/grpc_test.h"

#include "wire/workflow.h"

#define GROUP "0190a000-0000-7000-8000-0000000000aa"
#define OTHER "0190a000-0000-7000-8000-0000000000bb"

static const cleat__policy policy = {
    .priority = 1, .backoff_factor = 1, .execution_timeout_ms = 60000, .schedule_timeout_ms = 300000};

static cleat__step_condition on_parent(cleat__step_action action, const char *parent, const char *expression)
{
    return (cleat__step_condition){.action = action,
                                   .parent = cleat_slice_of(parent),
                                   .of = {.data_key = cleat_slice_of(parent),
                                          .group = cleat_slice_of(GROUP),
                                          .expression = cleat_slice_of(expression)}};
}

static cleat__step_condition on_sleep(const char *text, int64_t ms)
{
    return (cleat__step_condition){.action = CLEAT__STEP_QUEUE,
                                   .of = {.kind = CLEAT__CONDITION_SLEEP,
                                          .data_key = cleat_slice_of("nap"),
                                          .group = cleat_slice_of(OTHER),
                                          .sleep_text = cleat_slice_of(text),
                                          .sleep_ms = ms}};
}

static cleat__step_condition on_event(const char *key, const char *expression)
{
    return (cleat__step_condition){.action = CLEAT__STEP_QUEUE,
                                   .of = {.kind = CLEAT__CONDITION_EVENT,
                                          .data_key = cleat_slice_of("word"),
                                          .group = cleat_slice_of(OTHER),
                                          .key = cleat_slice_of(key),
                                          .expression = cleat_slice_of(expression)}};
}

static bool is_same(cleat_slice left, cleat_slice right)
{
    return left.size == right.size && (left.size == 0 || memcmp(left.data, right.data, left.size) == 0);
}

static void assert_same_condition(const cleat__step_condition *said, const cleat__step_condition *heard)
{
    assert_int_equal(said->action, heard->action);
    assert_true(is_same(said->parent, heard->parent));
    assert_true(is_same(said->of.data_key, heard->of.data_key));
    assert_true(is_same(said->of.group, heard->of.group));
    assert_true(is_same(said->of.expression, heard->of.expression));
    assert_true(is_same(said->of.key, heard->of.key));
    assert_int_equal(said->of.sleep_ms, heard->of.sleep_ms);
    if (said->parent.data == NULL) {
        assert_int_equal(said->of.kind, heard->of.kind);
    }
}

static void assert_same_task(const cleat__workflow_task *said, const cleat__workflow_task *heard)
{
    assert_true(is_same(said->name, heard->name));
    assert_true(is_same(said->action, heard->action));
    assert_int_equal(said->is_on_failure, heard->is_on_failure);
    assert_int_equal(said->parent_count, heard->parent_count);
    for (size_t i = 0; i < said->parent_count; i++) {
        assert_true(is_same(said->parents[i], heard->parents[i]));
    }
    assert_int_equal(said->condition_count, heard->condition_count);
    for (size_t i = 0; i < said->condition_count; i++) {
        assert_same_condition(&said->conditions[i], &heard->conditions[i]);
    }
}

static void what_is_declared_is_what_is_heard(void **state)
{
    enum { TASKS = 4 };
    fixture *it = *state;
    const cleat_slice parents[] = {cleat_slice_of("a"), cleat_slice_of("b")};
    /* In the order in which the message has them. */
    const cleat__step_condition conditions[] = {
        on_parent(CLEAT__STEP_SKIP, "a", "output.n > 1"),
        on_parent(CLEAT__STEP_CANCEL, "b", "output.n < 0"),
        on_parent(CLEAT__STEP_QUEUE, "b", ""),
        on_sleep("5s", 5000),
        on_event("user:said", "input.ok"),
    };
    const cleat__workflow_task tasks[TASKS] = {
        {.name = cleat_slice_of("a"), .action = cleat_slice_of("w:a"), .policy = policy},
        {.name = cleat_slice_of("b"), .action = cleat_slice_of("w:b"), .policy = policy},
        {.name = cleat_slice_of("c"),
         .action = cleat_slice_of("w:c"),
         .policy = policy,
         .parents = parents,
         .parent_count = 2,
         .conditions = conditions,
         .condition_count = sizeof(conditions) / sizeof(conditions[0])},
        {.name = cleat_slice_of("oops"),
         .action = cleat_slice_of("w:oops"),
         .policy = policy,
         .is_on_failure = true},
    };
    const cleat__workflow said = {.name = cleat_slice_of("w"), .tasks = tasks, .task_count = TASKS};
    cleat__workflow heard;
    assert_ok(cleat__workflow_check(&said));
    assert_ok(it->transport->put_workflow(it->transport, &said));
    Cleat__V1__CreateWorkflowVersionRequest *message = mock_message(&it->engine, MOCK_PUT_WORKFLOW, 0);
    assert_ok(cleat__workflow_read(message, &heard));
    assert_ok(cleat__workflow_check(&heard));
    assert_int_equal(heard.task_count, TASKS);
    for (size_t i = 0; i < TASKS; i++) {
        assert_same_task(&tasks[i], &heard.tasks[i]);
    }
    cleat__workflow_read_end(&heard);
    cleat__message_free(message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_declared_is_what_is_heard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
