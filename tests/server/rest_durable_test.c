/* Durable runs over REST: evicted ones are shown as running, and are restored; logs are forked. */
#include "durable_runs.h"

#define STABLE "/api/v1/stable/tenants/{tenant}"
#define SINCE  "since=2001-01-01T00:00:00Z"

/* Which of the two runs is on the list; "" for none, "both". */
static void expect_rows(rest_world *it, const char *filter, const cleat__uuid *first,
                        const cleat__uuid *second)
{
    json_t *page = get(it, URL(STABLE "/workflow-runs?" SINCE "&only_tasks=true&%s", filter));
    size_t index = 0, count = (first != NULL) + (second != NULL);
    assert_int_equal(count_at(page, "rows"), count);
    const cleat__uuid *const newest_first[] = {second, first};
    for (size_t i = 0; i < 2; i++) {
        if (newest_first[i] != NULL) {
            assert_string_equal(text_at(page, URL("rows.%zu.metadata.id", index)), ID(newest_first[i]));
            assert_string_equal(text_at(page, URL("rows.%zu.status", index)), "RUNNING");
            assert_true(json_is_true(at(page, URL("rows.%zu.isDurable", index))));
            index++;
        }
    }
    json_decref(page);
}

/* ---- Tests ---- */

static void evicted_runs_are_running_ones(void **state)
{
    rest_world *it = *state;
    add_durable_worker(it);
    cleat__uuid evicted = begin(it), present = begin(it);
    evict(it, &evicted, 1);
    expect_rows(it, "statuses=RUNNING", &evicted, &present);
    expect_rows(it, "running_filter=ALL", &evicted, &present);
    expect_rows(it, "running_filter=EVICTED", &evicted, NULL);
    expect_rows(it, "running_filter=ON_WORKER&statuses=RUNNING", NULL, &present);
    expect_rows(it, "running_filter=EVICTED&statuses=QUEUED", NULL, NULL);
    json_t *details = get(it, URL("/api/v1/stable/workflow-runs/%s", ID(&evicted)));
    assert_string_equal(text_at(details, "run.status"), "RUNNING");
    assert_true(json_is_true(at(details, "tasks.0.isEvicted")));
    json_decref(details);
    details = get(it, URL("/api/v1/stable/workflow-runs/%s/status", ID(&evicted)));
    assert_string_equal(json_string_value(details), "RUNNING");
    json_decref(details);
    details = get(it, URL("/api/v1/stable/tasks/%s", ID(&present)));
    assert_true(json_is_false(at(details, "isEvicted")));
    json_decref(details);
    expect_400(it, "GET", URL(STABLE "/workflow-runs?" SINCE "&only_tasks=true&running_filter=x"), NULL,
               "running_filter");
}

static void evicted_runs_are_counted(void **state)
{
    rest_world *it = *state;
    add_durable_worker(it);
    cleat__uuid evicted = begin(it);
    (void)begin(it);
    evict(it, &evicted, 1);
    static const char *const filters[] = {SINCE, SINCE "&additional_metadata=user:ada"};
    for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
        json_t *counts = get(it, URL(STABLE "/task-metrics?%s", filters[i]));
        assert_string_equal(text_at(counts, "1.status"), "RUNNING");
        assert_int_equal(int_at(counts, "1.count"), 2);
        assert_int_equal(int_at(counts, "1.runningDetailCount.evicted"), 1);
        assert_int_equal(int_at(counts, "1.runningDetailCount.onWorker"), 1);
        json_decref(counts);
    }
    json_t *queues = get(it, "/api/v1/tenants/{tenant}/queue-metrics");
    assert_int_equal(int_at(queues, "total.numRunning"), 1);
    assert_int_equal(int_at(queues, "total.numQueued"), 0);
    json_decref(queues);
    reply text = ask(
        it->server, (question){.path = "/api/v1/tenants/" TENANT_1 "/prometheus-metrics", .headers = {AS_1}});
    assert_non_null(strstr(text.body, "cleat_tenant_evicted_runs{action=\"long:long\",task=\"long\"} 1\n"));
    assert_non_null(strstr(text.body, "cleat_tenant_running_runs{action=\"long:long\",task=\"long\"} 1\n"));
    reply_deinit(&text);
}

static void an_evicted_run_is_restored(void **state)
{
    rest_world *it = *state;
    add_durable_worker(it);
    cleat__uuid run = begin(it);
    evict(it, &run, 1);
    const char *path = URL("/api/v1/stable/tasks/%s/restore", ID(&run));
    json_decref(ask_json(it, (asking){2, "POST", path, NULL, 404}));
    for (int i = 0; i < 2; i++) { /* the second time it is not evicted any more, which is as good */
        json_t *answer = post(it, path, NULL);
        assert_true(json_is_true(at(answer, "requeued")));
        json_decref(answer);
    }
    wait_until_running(it, &run);
    record(it, &run, 2);
    json_decref(ask_json(it, (asking){1, "POST", "/api/v1/stable/tasks/" NO_ID "/restore", NULL, 404}));
}

static void evicted_runs_are_cancelled_by_a_filter(void **state)
{
    rest_world *it = *state;
    add_durable_worker(it);
    cleat__uuid run = begin(it);
    evict(it, &run, 1);
    json_t *answer = post(it, STABLE "/tasks/cancel",
                          "{\"filter\":{\"since\":\"2001-01-01T00:00:00Z\",\"statuses\":[\"RUNNING\"]}}");
    assert_string_equal(text_at(answer, "ids.0"), ID(&run));
    json_decref(answer);
    answer = get(it, URL("/api/v1/stable/workflow-runs/%s/status", ID(&run)));
    assert_string_equal(json_string_value(answer), "CANCELLED");
    json_decref(answer);
}

static void a_log_is_forked(void **state)
{
    rest_world *it = *state;
    add_durable_worker(it);
    cleat__uuid run = begin(it);
    const cleat__command end = {
        .kind = CLEAT__COMMAND_REPORT,
        .tenant = 1,
        .as.report = {.task_id = run, .retry_count = CLEAT__RETRY_CURRENT, .output = cleat_slice_of("{}")}};
    char body[128];
    snprintf(body, sizeof(body), "{\"taskExternalId\":\"%s\",\"nodeId\":2,\"branchId\":0}", ID(&run));
    json_decref(ask_json(it, (asking){1, "POST", STABLE "/durable-tasks/branch", body, 409})); /* it runs */
    assert_int_equal(cleat__engine_ask(it->engine, &end), CLEAT_OK);
    json_decref(ask_json(it, (asking){2, "POST", STABLE "/durable-tasks/branch", body, 404}));
    json_t *answer = post(it, STABLE "/durable-tasks/branch", body);
    assert_string_equal(text_at(answer, "taskExternalId"), ID(&run));
    assert_int_equal(int_at(answer, "nodeId"), 2);
    assert_int_equal(int_at(answer, "branchId"), 2);
    json_decref(answer);
    snprintf(body, sizeof(body), "{\"taskExternalId\":\"%s\",\"nodeId\":9}", ID(&run));
    json_decref(ask_json(it, (asking){1, "POST", STABLE "/durable-tasks/branch", body, 404}));
    expect_400(it, "POST", STABLE "/durable-tasks/branch", "{\"nodeId\":1}", "taskExternalId must be a UUID");
    expect_400(it, "POST", STABLE "/durable-tasks/branch",
               "{\"taskExternalId\":\"" NO_ID "\",\"nodeId\":1.5}", "nodeId must be a whole number");
    expect_400(it, "POST", STABLE "/durable-tasks/branch",
               "{\"taskExternalId\":\"" NO_ID "\",\"nodeId\":1,\"branchId\":-1}", "branchId");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REST_TEST(evicted_runs_are_running_ones),
        REST_TEST(evicted_runs_are_counted),
        REST_TEST(an_evicted_run_is_restored),
        REST_TEST(evicted_runs_are_cancelled_by_a_filter),
        REST_TEST(a_log_is_forked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
