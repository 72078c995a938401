/* The REST API's workflows: their versions, pausing and deleting them. */
#include "rest_test.h"

#define ONE "/api/v1/workflows/%s"

static void the_newest_version_is_told_in_full(void **state)
{
    rest_world *it = *state;
    cleat__version first = it->greet[0], second = declare(it, 1, "greet", "user:gone");
    json_t *version = get(it, URL(ONE "/versions", ID(&first.workflow_id)));
    assert_string_equal(text_at(version, "metadata.id"), ID(&second.version_id));
    assert_string_equal(text_at(version, "workflowId"), ID(&first.workflow_id));
    assert_int_equal(int_at(version, "order"), 2);
    assert_int_equal(int_at(version, "defaultPriority"), 2);
    assert_string_equal(text_at(version, "scheduleTimeout"), "5m0s");
    assert_string_equal(text_at(version, "workflow.name"), "greet");
    assert_string_equal(text_at(version, "workflow.description"), "says hello");
    assert_string_equal(text_at(version, "triggers.events.0.event_key"), "user:gone");
    assert_string_equal(text_at(version, "jobs.0.steps.0.readableId"), "greet");
    assert_string_equal(text_at(version, "jobs.0.steps.0.action"), "greet:greet");
    assert_string_equal(text_at(version, "jobs.0.steps.0.timeout"), "1m0s");
    assert_int_equal(int_at(version, "jobs.0.steps.0.slotRequests.default"), 1);
    json_decref(version);
    version = get(it, URL(ONE "/versions?version=%s", ID(&first.workflow_id), ID(&first.version_id)));
    assert_int_equal(int_at(version, "order"), 1);
    assert_string_equal(text_at(version, "triggers.events.0.event_key"), "user:made");
    json_decref(version);
}

/* Of one run that is queued. */
static void check_stats(rest_world *it)
{
    json_t *stats = get(it, "/api/v1/tenants/{tenant}/task-stats");
    assert_int_equal(int_at(stats, "limited.queued.total"), 1);
    assert_int_equal(count_at(stats, "limited.queued.concurrency"), 2);
    const json_t *told = at(stats, "limited.queued.concurrency");
    json_t *rule;
    size_t index;
    json_array_foreach(told, index, rule)
    {
        bool is_of_workflow = strcmp(text_at(rule, "expression"), "input.a") == 0;
        assert_string_equal(text_at(rule, "type"),
                            is_of_workflow ? "GROUP_ROUND_ROBIN" : "CANCEL_IN_PROGRESS");
        assert_int_equal(int_at(rule, is_of_workflow ? "keys.y" : "keys.all"), 1);
        assert_int_equal(count_at(rule, "keys"), 1);
    }
    json_decref(stats);
}

static void concurrency_rules_are_told(void **state)
{
    rest_world *it = *state;
    const cleat__concurrency rules[] = {
        {.expression = cleat_slice_of("input.a"), .max_runs = 2, .strategy = CLEAT_GROUP_ROUND_ROBIN},
        {.expression = cleat_slice_of("'all'"), .max_runs = 1, .strategy = CLEAT_CANCEL_IN_PROGRESS}};
    cleat__version made;
    const cleat__workflow_task task = {.name = cleat_slice_of("limited"),
                                       .action = cleat_slice_of("limited:limited"),
                                       .policy = {.priority = 1, .schedule_timeout_ms = CLEAT__NO_TIMEOUT},
                                       .concurrency = &rules[1],
                                       .concurrency_count = 1};
    const cleat__workflow workflow = {.name = cleat_slice_of("limited"),
                                      .concurrency = &rules[0],
                                      .concurrency_count = 1,
                                      .tasks = &task,
                                      .task_count = 1};
    assert_int_equal(cleat__engine_put_workflow(it->engine, 1, &workflow, &made), CLEAT_OK);
    json_t *version = get(it, URL(ONE "/versions", ID(&made.workflow_id)));
    assert_int_equal(count_at(version, "v1Concurrency"), 2);
    assert_string_equal(text_at(version, "v1Concurrency.0.expression"), "input.a");
    assert_string_equal(text_at(version, "v1Concurrency.0.limitStrategy"), "GROUP_ROUND_ROBIN");
    assert_string_equal(text_at(version, "v1Concurrency.0.scope"), "WORKFLOW");
    assert_int_equal(int_at(version, "v1Concurrency.0.maxRuns"), 2);
    assert_string_equal(text_at(version, "v1Concurrency.1.scope"), "TASK");
    assert_string_equal(text_at(version, "v1Concurrency.1.stepReadableId"), "limited");
    json_decref(version);

    static const char *const keys[] = {"x", "x", "y"};
    for (size_t i = 0; i < 3; i++) {
        char input[32];
        cleat__uuid run;
        snprintf(input, sizeof(input), "{\"a\":\"%s\"}", keys[i]);
        const cleat__trigger trigger = {.workflow = workflow.name, .input = cleat_slice_of(input)};
        assert_int_equal(cleat__engine_trigger(it->engine, 1, &trigger, 1, &run), CLEAT_OK);
    }
    /* Of three runs for one slot of "all" the newest is left: its two keys. */
    json_t *metrics = get(it, URL(ONE "/metrics?groupKey=y", ID(&made.workflow_id)));
    assert_int_equal(int_at(metrics, "groupKeyCount"), 2);
    assert_int_equal(int_at(metrics, "groupKeyRunsCount"), 1);
    json_decref(metrics);
    metrics = get(it, URL(ONE "/metrics?groupKey=y&status=RUNNING", ID(&made.workflow_id)));
    assert_int_equal(int_at(metrics, "groupKeyCount"), 0);
    assert_int_equal(int_at(metrics, "groupKeyRunsCount"), 0);
    json_decref(metrics);
    check_stats(it);
    expect_400(it, "GET", URL(ONE "/metrics?status=ODD", ID(&made.workflow_id)), NULL, "status");
    json_decref(ask_json(it, (asking){1, "GET", "/api/v1/workflows/" NO_ID "/metrics", NULL, 404}));
}

static void rules_of_several_tasks_are_told(void **state)
{
    rest_world *it = *state;
    const cleat__concurrency rule = {.expression = cleat_slice_of("input.a"), .max_runs = 2};
    const cleat__policy policy = {.priority = 1, .schedule_timeout_ms = CLEAT__NO_TIMEOUT};
    const cleat__workflow_task tasks[] = {
        {.name = cleat_slice_of("one"), .action = cleat_slice_of("both:one"), .policy = policy},
        {.name = cleat_slice_of("two"),
         .action = cleat_slice_of("both:two"),
         .policy = policy,
         .concurrency = &rule,
         .concurrency_count = 1}};
    cleat__workflow workflow = {.name = cleat_slice_of("both"), .tasks = tasks, .task_count = 2};
    cleat__version made;
    assert_int_equal(cleat__engine_put_workflow(it->engine, 1, &workflow, &made), CLEAT_OK);
    json_t *version = get(it, URL(ONE "/versions", ID(&made.workflow_id)));
    assert_int_equal(count_at(version, "v1Concurrency"), 1);
    assert_string_equal(text_at(version, "v1Concurrency.0.stepReadableId"), "two");
    json_decref(version);
    workflow.concurrency = &rule;
    workflow.concurrency_count = 1;
    assert_int_equal(cleat__engine_put_workflow(it->engine, 1, &workflow, &made), CLEAT_OK);
    version = get(it, URL(ONE "/versions", ID(&made.workflow_id)));
    assert_int_equal(count_at(version, "v1Concurrency"), 2);
    assert_string_equal(text_at(version, "v1Concurrency.0.scope"), "WORKFLOW");
    assert_string_equal(text_at(version, "v1Concurrency.1.scope"), "TASK");
    json_decref(version);
}

static void a_workflow_has_the_meta_of_its_newest_version(void **state)
{
    rest_world *it = *state;
    json_t *workflow = get(it, URL(ONE, ID(&it->greet[0].workflow_id)));
    assert_string_equal(text_at(workflow, "description"), "says hello");
    assert_string_equal(text_at(workflow, "versions.0.metadata.id"), ID(&it->greet[0].version_id));
    assert_memory_not_equal(text_at(workflow, "metadata.createdAt"), "0001", 4);
    json_decref(workflow);
}

static void wrong_versions_say_so(void **state)
{
    rest_world *it = *state;
    const char *id = ID(&it->greet[0].workflow_id);
    expect_400(it, "GET", URL(ONE "/versions?version=1", id), NULL, "version");
    json_decref(ask_json(it, (asking){1, "GET", URL(ONE "/versions?version=" NO_ID, id), NULL, 404}));
    json_decref(
        ask_json(it, (asking){1, "GET", URL(ONE "/versions?version=%s", id, ID(&it->greet[1].version_id)),
                              NULL, 404}));
}

static size_t count_workflows(rest_world *it)
{
    json_t *list = get(it, "/api/v1/tenants/{tenant}/workflows");
    size_t count = count_at(list, "rows");
    json_decref(list);
    return count;
}

static void a_deleted_workflow_starts_nothing_and_its_runs_stay(void **state)
{
    rest_world *it = *state;
    const char *path = URL(ONE, ID(&it->greet[0].workflow_id));
    cleat__uuid run = trigger_run(it, 1, "greet");
    cleat__uuid plan = add_schedule(it, 1, CLEAT__SCHEDULE_API, NEXT_CENTURY_MS);
    assert_null(ask_json(it, (asking){1, "DELETE", path, NULL, 204}));
    assert_int_equal(count_workflows(it), 0);
    json_decref(ask_json(it, (asking){1, "GET", path, NULL, 404}));
    json_decref(ask_json(it, (asking){1, "DELETE", path, NULL, 404}));
    expect_400(it, "POST", "/api/v1/stable/tenants/{tenant}/workflow-runs/trigger",
               "{\"workflowName\":\"greet\",\"input\":{}}",
               "workflow not found: no worker has declared \"greet\", or it was deleted since");
    json_decref(
        ask_json(it, (asking){1, "GET", URL("/api/v1/tenants/{tenant}/workflows/scheduled/%s", ID(&plan)),
                              NULL, 404}));
    cleat__uuid event = push_event(it, 1, "user:made");
    json_t *pushed = get(it, URL("/api/v1/stable/tenants/{tenant}/events/%s", ID(&event)));
    assert_int_equal(count_at(pushed, "triggeredRuns"), 0);
    json_decref(pushed);

    add_worker(it, 1, "one", true);
    wait_until_running(it, &run); /* it goes on */
    json_t *kept = get(it, URL("/api/v1/stable/tasks/%s", ID(&run)));
    assert_string_equal(text_at(kept, "workflowName"), "greet");
    json_decref(kept);
}

static void the_name_of_a_deleted_workflow_is_free(void **state)
{
    rest_world *it = *state;
    cleat__version former = it->greet[0];
    assert_null(ask_json(it, (asking){1, "DELETE", URL(ONE, ID(&former.workflow_id)), NULL, 204}));
    cleat__version made = declare(it, 1, "greet", NULL);
    assert_false(cleat__uuid_equals(&made.workflow_id, &former.workflow_id));
    assert_int_equal(count_workflows(it), 1);
    json_t *workflow = get(it, URL(ONE, ID(&made.workflow_id)));
    assert_string_equal(text_at(workflow, "name"), "greet");
    json_decref(workflow);
    trigger_run(it, 1, "greet");
    trigger_run(it, 2, "greet"); /* another tenant's is another one */
}

/* Whether it runs, once whoever has seen the answer has seen the engine's next steps. */
static const char *status_of(rest_world *it, const cleat__uuid *run)
{
    static char text[16];
    json_t *status = get(it, URL("/api/v1/stable/workflow-runs/%s/status", ID(run)));
    snprintf(text, sizeof(text), "%s", json_string_value(status));
    json_decref(status);
    return text;
}

static void a_paused_workflow_runs_when_it_goes_on(void **state)
{
    rest_world *it = *state;
    char path[80];
    snprintf(path, sizeof(path), ONE, ID(&it->greet[0].workflow_id));
    json_t *workflow = get(it, path);
    assert_true(json_is_false(json_object_get(workflow, "isPaused")));
    assert_null(json_object_get(workflow, "pausedWorkflowCronRunQueueBehavior"));
    json_decref(workflow);
    workflow = ask_json(
        it, (asking){1, "PATCH", path,
                     "{\"pause\":{\"action\":\"pause\",\"pausedWorkflowCronRunQueueBehavior\":\"QUEUE\","
                     "\"pausedWorkflowScheduledRunQueueBehavior\":\"DROP\","
                     "\"pausedWorkflowQueueTTL\":\"1d7h30m\"}}",
                     200});
    assert_true(json_is_true(json_object_get(workflow, "isPaused")));
    assert_string_equal(text_at(workflow, "pausedWorkflowCronRunQueueBehavior"), "QUEUE");
    assert_string_equal(text_at(workflow, "pausedWorkflowScheduledRunQueueBehavior"), "DROP");
    assert_string_equal(text_at(workflow, "name"), "greet");
    json_decref(workflow);

    add_worker(it, 1, "one", true);
    cleat__uuid held = trigger_run(it, 1, "greet");
    cleat__uuid first = trigger_run(it, 1, "greet"); /* the engine has gone by the other one */
    assert_string_equal(status_of(it, &held), "QUEUED");
    assert_string_equal(status_of(it, &first), "QUEUED");
    json_decref(ask_json(it, (asking){1, "PATCH", path, "{}", 200})); /* changes nothing */
    assert_string_equal(status_of(it, &held), "QUEUED");
    workflow = ask_json(it, (asking){1, "PATCH", path, "{\"pause\":{\"action\":\"unpause\"}}", 200});
    assert_true(json_is_false(json_object_get(workflow, "isPaused")));
    json_decref(workflow);
    wait_until_running(it, &held);
}

static void wrong_pauses_say_what_is_wrong(void **state)
{
    rest_world *it = *state;
    static const struct {
        const char *pause, *what;
    } cases[] = {
        {"5", "pause.action"},
        {"{}", "pause.action"},
        {"{\"action\":\"stop\"}", "pause.action"},
        {"{\"action\":\"pause\",\"pausedWorkflowCronRunQueueBehavior\":\"KEEP\"}",
         "pausedWorkflowCronRunQueueBehavior must be DROP or QUEUE"},
        {"{\"action\":\"pause\",\"pausedWorkflowScheduledRunQueueBehavior\":1}",
         "pausedWorkflowScheduledRunQueueBehavior must be DROP or QUEUE"},
        {"{\"action\":\"pause\",\"pausedWorkflowQueueTTL\":5}", "pausedWorkflowQueueTTL must be a string"},
        {"{\"action\":\"pause\",\"pausedWorkflowQueueTTL\":\"soon\"}", "pausedWorkflowQueueTTL is"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        expect_400(it, "PATCH", URL(ONE, ID(&it->greet[0].workflow_id)),
                   URL("{\"pause\":%s}", cases[i].pause), cases[i].what);
    }
    static const char pause[] = "{\"pause\":{\"action\":\"pause\"}}";
    json_decref(ask_json(it, (asking){1, "PATCH", "/api/v1/workflows/" NO_ID, pause, 404}));
    json_decref(ask_json(it, (asking){1, "PATCH", "/api/v1/workflows/" NO_ID, "{}", 404}));
    json_decref(ask_json(it, (asking){1, "PATCH", URL(ONE, ID(&it->greet[1].workflow_id)), pause, 404}));
    json_t *workflow = get(it, URL(ONE, ID(&it->greet[0].workflow_id)));
    assert_true(json_is_false(json_object_get(workflow, "isPaused")));
    json_decref(workflow);
}

static void wrong_pages_say_what_is_wrong(void **state)
{
    rest_world *it = *state;
    expect_400(it, "GET", "/api/v1/tenants/{tenant}/workflows?limit=0", NULL, "limit");
    expect_400(it, "GET", "/api/v1/tenants/{tenant}/workflows?offset=-1", NULL, "offset");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REST_TEST(the_newest_version_is_told_in_full),
        REST_TEST(concurrency_rules_are_told),
        REST_TEST(rules_of_several_tasks_are_told),
        REST_TEST(a_workflow_has_the_meta_of_its_newest_version),
        REST_TEST(wrong_versions_say_so),
        REST_TEST(a_deleted_workflow_starts_nothing_and_its_runs_stay),
        REST_TEST(the_name_of_a_deleted_workflow_is_free),
        REST_TEST(a_paused_workflow_runs_when_it_goes_on),
        REST_TEST(wrong_pauses_say_what_is_wrong),
        REST_TEST(wrong_pages_say_what_is_wrong),
    };
    curl_global_init(CURL_GLOBAL_ALL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
