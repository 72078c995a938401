/* Lists and counts of many runs: by every filter at once, and given up when nobody waits for them. */
#include "rest_test.h"

#define STABLE  "/api/v1/stable/tenants/{tenant}"
#define LIST    STABLE "/workflow-runs?since=2001-01-01T00:00:00Z&only_tasks=true"
#define METRICS STABLE "/task-metrics?since=2001-01-01T00:00:00Z"

static void expect_queued(rest_world *it, const char *query, int count)
{
    json_t *rows = get(it, URL(LIST "%s", query)), *counts = get(it, URL(METRICS "%s", query));
    assert_int_equal(count_at(rows, "rows"), count);
    assert_string_equal(text_at(counts, "0.status"), "QUEUED");
    assert_int_equal(int_at(counts, "0.count"), count);
    json_decref(rows);
    json_decref(counts);
}

static void counts_are_those_of_the_list_for_every_filter(void **state)
{
    rest_world *it = *state;
    cleat__version other = declare(it, 1, "other", NULL);
    cleat__version none = declare(it, 1, "none", NULL);
    cleat__uuid event = push_event(it, 1, "user:made");
    trigger_run(it, 1, "other");
    trigger_run(it, 1, "greet");
    trigger_run(it, 2, "greet");
    expect_queued(it, "", 3);
    expect_queued(it, "&statuses=QUEUED", 3);
    expect_queued(it, "&statuses=RUNNING&statuses=FAILED", 0);
    expect_queued(it, URL("&workflow_ids=%s", ID(&other.workflow_id)), 1);
    expect_queued(it, URL("&workflow_ids=%s", ID(&none.workflow_id)), 0);
    expect_queued(
        it, URL("&workflow_ids=%s&workflow_ids=%s", ID(&other.workflow_id), ID(&it->greet[0].workflow_id)),
        3);
    expect_queued(it, URL("&workflow_ids=%s", ID(&it->greet[1].workflow_id)), 0); /* another tenant's */
    expect_queued(it, URL("&triggering_event_external_id=%s", ID(&event)), 1);
    expect_queued(it, "&additional_metadata=user:ada", 3);
    expect_queued(it, "&additional_metadata=user:bob", 0);
    expect_queued(it, URL("&additional_metadata=user:ada&workflow_ids=%s", ID(&other.workflow_id)), 1);
    expect_queued(it, "&since=x", 3); /* the first one counts */
    json_t *later = get(it, STABLE "/task-metrics?since=2099-01-01T00:00:00Z");
    assert_int_equal(int_at(later, "0.count"), 0);
    json_decref(later);
}

static void declare_with_key(rest_world *it, const char *name)
{
    const cleat__idempotency rule = {
        .expression = cleat_slice_of("string(int(input.n)) + additional_metadata.user"), .ttl_ms = 60000};
    cleat__workflow_task task = {.name = cleat_slice_of(name),
                                 .action = cleat_slice_of(URL("%s:%s", name, name)),
                                 .policy = {.priority = 1,
                                            .execution_timeout_ms = CLEAT__NO_TIMEOUT,
                                            .schedule_timeout_ms = CLEAT__NO_TIMEOUT}};
    const cleat__workflow workflow = {
        .name = cleat_slice_of(name), .tasks = &task, .task_count = 1, .idempotency = &rule};
    assert_int_equal(cleat__engine_put_workflow(it->engine, 1, &workflow, NULL), CLEAT_OK);
}

static void runs_are_found_by_their_idempotency_keys(void **state)
{
    rest_world *it = *state;
    declare_with_key(it, "keyed");
    trigger_run(it, 1, "keyed");
    trigger_run(it, 1, "greet");
    expect_queued(it, "", 2);
    expect_queued(it, "&idempotency_keys=1ada", 1);
    expect_queued(it, "&idempotency_keys=x&idempotency_keys=1ada", 1);
    expect_queued(it, "&idempotency_keys=x", 0);
    expect_queued(it, "&idempotency_keys=1ada&additional_metadata=user:bob", 0);
    expect_queued(it, URL("&idempotency_keys=1ada&workflow_ids=%s", ID(&it->greet[0].workflow_id)), 0);
    expect_400(it, "GET", LIST "&idempotency_keys=%ff", NULL, "idempotency_keys");
    json_t *rows = get(it, LIST "&idempotency_keys=1ada");
    assert_string_equal(text_at(rows, "rows.0.idempotencyKey"), "1ada");
    json_decref(rows);
    rows = get(it, URL(LIST "&workflow_ids=%s", ID(&it->greet[0].workflow_id)));
    assert_null(at(rows, "rows.0.idempotencyKey"));
    json_decref(rows);
    json_t *answer = ask_json(it, (asking){1, "POST", STABLE "/workflow-runs/trigger",
                                           "{\"workflowName\":\"keyed\",\"input\":{\"n\":1},"
                                           "\"additionalMetadata\":{\"user\":\"ada\"}}",
                                           409});
    assert_non_null(strstr(text_at(answer, "errors.0.description"), "idempotency key collision"));
    json_decref(answer);
}

static void what_nobody_waits_for_is_given_up(void **state)
{
    enum { COUNT = 1000 };
    static const char *const targets[] = {
        "/api/v1/stable/tenants/" TENANT_1 "/task-metrics?since=2001-01-01T00:00:00Z",
        "/api/v1/stable/tenants/" TENANT_1 "/task-metrics?since=2001-01-01T00:00:00Z&additional_metadata=a:b",
        "/api/v1/stable/tenants/" TENANT_1 "/workflow-runs?since=2001-01-01T00:00:00Z&only_tasks=true",
        "/api/v1/stable/tenants/" TENANT_1
        "/workflow-runs?since=2001-01-01T00:00:00Z&only_tasks=true&limit=1000",
    };
    static cleat__trigger triggers[COUNT];
    static cleat__uuid ids[COUNT];
    char body[512];
    rest_world *it = *state;
    for (int i = 0; i < COUNT; i++) {
        triggers[i].workflow = cleat_slice_of("greet");
        triggers[i].child_index = -1;
    }
    assert_int_equal(cleat__engine_trigger(it->engine, 1, triggers, COUNT, ids), CLEAT_OK);
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        assert_int_equal(ask_directly(it, (directly){.target = targets[i], .is_over = true}, body), 504);
        assert_non_null(strstr(cleat_error_message(), "took too long"));
        assert_int_equal(ask_directly(it, (directly){.target = targets[i]}, body), 200);
    }
}

static int memory_left = INT_MAX; /* allocations of Jansson */

static void *allocate(size_t size)
{
    return memory_left-- > 0 ? malloc(size) : NULL;
}

/* With less of a filter more runs would match. */
static void declare_several(rest_world *it, const char *name)
{
    static const cleat_slice parents[] = {{"first", 5}};
    const cleat__policy policy = {.priority = 1,
                                  .backoff_factor = 1,
                                  .execution_timeout_ms = CLEAT__NO_TIMEOUT,
                                  .schedule_timeout_ms = CLEAT__NO_TIMEOUT};
    const cleat__workflow_task tasks[] = {
        {.name = cleat_slice_of("first"), .action = cleat_slice_of(URL("%s:first", name)), .policy = policy},
        {.name = cleat_slice_of("second"),
         .action = cleat_slice_of(URL("%s:second", name)),
         .policy = policy,
         .parents = parents,
         .parent_count = 1}};
    const cleat__workflow workflow = {.name = cleat_slice_of(name), .tasks = tasks, .task_count = 2};
    assert_int_equal(cleat__engine_put_workflow(it->engine, 1, &workflow, NULL), CLEAT_OK);
}

static void runs_of_several_tasks_have_them_as_children(void **state)
{
    rest_world *it = *state;
    declare_several(it, "several");
    trigger_run(it, 1, "greet");
    cleat__uuid run = trigger_run(it, 1, "several");
    json_t *list =
        get(it, STABLE "/workflow-runs?since=2001-01-01T00:00:00Z&only_tasks=false&include_payloads=true");
    assert_int_equal(count_at(list, "rows"), 2);
    assert_string_equal(text_at(list, "rows.0.metadata.id"), ID(&run));
    assert_string_equal(text_at(list, "rows.0.type"), "DAG");
    assert_string_equal(text_at(list, "rows.0.workflowName"), "several");
    assert_int_equal(count_at(list, "rows.0.children"), 2);
    assert_string_equal(text_at(list, "rows.0.children.0.actionId"), "several:first");
    assert_string_equal(text_at(list, "rows.0.children.0.type"), "TASK");
    assert_string_equal(text_at(list, "rows.0.children.1.actionId"), "several:second");
    assert_string_equal(text_at(list, "rows.0.children.1.status"), "QUEUED");
    assert_string_equal(text_at(list, "rows.0.children.1.workflowRunExternalId"), ID(&run));
    assert_int_equal(count_at(list, "rows.1.children"), 0);
    json_decref(list);
}

static void a_filter_is_whole_or_the_list_fails(void **state)
{
    rest_world *it = *state;
    static const char bobs[] =
        "/api/v1/stable/tenants/" TENANT_1 "/workflow-runs?since=2001-01-01T00:00:00Z&only_tasks=true"
        "&additional_metadata=user:bob";
    unsigned status = 0;
    char body[512];
    trigger_run(it, 1, "greet");
    for (int count = 0; status != 200; count++) {
        json_set_alloc_funcs(allocate, free);
        memory_left = count;
        status = ask_directly(it, (directly){.target = bobs}, body);
        json_set_alloc_funcs(malloc, free);
        assert_true(status == 200 || status == 503);
        assert_true(status == 503 || strstr(body, "\"rows\":[]") != NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REST_TEST(counts_are_those_of_the_list_for_every_filter),
        REST_TEST(runs_are_found_by_their_idempotency_keys),
        REST_TEST(what_nobody_waits_for_is_given_up),
        REST_TEST(runs_of_several_tasks_have_them_as_children),
        REST_TEST(a_filter_is_whole_or_the_list_fails),
    };
    curl_global_init(CURL_GLOBAL_ALL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
