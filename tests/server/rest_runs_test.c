/* The REST API's runs beyond what http_rest_test.c has of stored ones: started, and counted in several ways. */
#include "rest_test.h"

#include "store/transition.h"
#include "support/sanitizer.h"

#define STABLE  "/api/v1/stable/tenants/{tenant}"
#define TRIGGER STABLE "/workflow-runs/trigger"
#define RUN     "/api/v1/stable/workflow-runs/%s"
#define LIST    STABLE "/workflow-runs?since=2001-01-01T00:00:00Z&only_tasks=true"

static void a_run_is_started(void **state)
{
    rest_world *it = *state;
    json_t *run = post(it, TRIGGER,
                       "{\"workflowName\":\"greet\",\"input\":{\"n\":1},\"additionalMetadata\":{\"a\":\"b\"},"
                       "\"priority\":3}");
    assert_string_equal(text_at(run, "run.status"), "QUEUED");
    assert_int_equal(int_at(run, "run.input.input.n"), 1);
    assert_string_equal(text_at(run, "run.additionalMetadata.a"), "b");
    assert_string_equal(text_at(run, "tasks.0.workflowId"), ID(&it->greet[0].workflow_id));
    assert_string_equal(text_at(run, "tasks.0.workflowVersionId"), ID(&it->greet[0].version_id));
    assert_string_equal(text_at(run, "tasks.0.stepId"), text_at(run, "shape.0.stepId"));
    assert_string_equal(text_at(run, "run.workflowVersionId"), ID(&it->greet[0].version_id));
    json_t *same = get(it, URL(RUN, text_at(run, "run.metadata.id")));
    assert_true(json_equal(run, same));
    json_decref(same);
    json_decref(run);

    json_t *only_id = post(it, TRIGGER, "{\"workflowName\":\"greet\",\"input\":{},\"return_only_id\":true}");
    assert_int_equal(json_object_size(only_id), 1);
    json_decref(get(it, URL(RUN, text_at(only_id, "id"))));
    json_decref(only_id);
}

static void what_cannot_be_started_says_why(void **state)
{
    static const struct {
        const char *body, *part;
    } cases[] = {
        {"{\"input\":{}}", "workflowName"},
        {"{\"workflowName\":7}", "workflowName"},
        {"{\"workflowName\":\"no:body\"}", "workflow not found: no worker has declared \"no:body\""},
        {"{\"workflowName\":\"greet\",\"input\":[]}", "input"},
        {"{\"workflowName\":\"greet\",\"additionalMetadata\":\"x\"}", "additionalMetadata"},
        {"{\"workflowName\":\"greet\",\"priority\":4}", "priority"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        expect_400(*state, "POST", TRIGGER, cases[i].body, cases[i].part);
    }
}

static void a_task_is_its_run(void **state)
{
    rest_world *it = *state;
    cleat__uuid id = trigger_run(it, 1, "greet");
    json_t *run = get(it, URL(RUN, ID(&id)));
    json_t *task = get(it, URL("/api/v1/stable/tasks/%s", ID(&id)));
    assert_true(json_equal(task, at(run, "tasks.0")));
    json_t *events = get(it, URL("/api/v1/stable/tasks/%s/task-events", ID(&id)));
    assert_true(json_equal(at(events, "rows"), at(run, "taskEvents")));
    json_t *same = get(it, URL(RUN "/task-events", ID(&id)));
    assert_true(json_equal(events, same));
    json_decref(same);
    json_decref(events);
    json_decref(task);
    json_decref(run);
}

static void timings_are_those_of_its_one_task(void **state)
{
    rest_world *it = *state;
    add_worker(it, 1, "one", true);
    cleat__uuid id = trigger_run(it, 1, "greet");
    wait_until_running(it, &id);
    json_t *timings = get(it, URL(RUN "/task-timings", ID(&id)));
    assert_int_equal(count_at(timings, "rows"), 1);
    assert_string_equal(text_at(timings, "rows.0.taskExternalId"), ID(&id));
    assert_string_equal(text_at(timings, "rows.0.status"), "RUNNING");
    assert_int_equal(int_at(timings, "rows.0.depth"), 0);
    assert_true(strcmp(text_at(timings, "rows.0.queuedAt"), text_at(timings, "rows.0.startedAt")) <= 0);
    assert_null(at(timings, "rows.0.finishedAt"));
    json_decref(timings);
}

static size_t count_listed(rest_world *it, const char *query)
{
    json_t *list = get(it, URL(LIST "&%s", query));
    size_t count = count_at(list, "rows");
    json_decref(list);
    return count;
}

static void runs_are_listed_by_their_worker(void **state)
{
    rest_world *it = *state;
    cleat__uuid worker = add_worker(it, 1, "one", true);
    cleat__uuid id = trigger_run(it, 1, "greet");
    wait_until_running(it, &id);
    declare(it, 1, "other", NULL);
    trigger_run(it, 1, "other");
    assert_int_equal(count_listed(it, ""), 2);
    assert_int_equal(count_listed(it, URL("worker_id=%s", ID(&worker))), 1);
    assert_int_equal(count_listed(it, "worker_id=" NO_ID), 0);
    const cleat__report report = {.task_id = id, .retry_count = 0, .status = CLEAT_OK};
    assert_int_equal(cleat__engine_report(it->engine, 1, &report), CLEAT_OK);
    assert_int_equal(count_listed(it, URL("worker_id=%s", ID(&worker))), 1); /* it ended, or is about to */
    expect_400(it, "GET", LIST "&worker_id=one", NULL, "worker_id");
}

static void runs_are_told_by_ids_and_names_alone(void **state)
{
    rest_world *it = *state;
    cleat__uuid first = trigger_run(it, 1, "greet"), second = trigger_run(it, 1, "greet");
    cleat__uuid foreign = trigger_run(it, 2, "greet");
    json_t *ids = get(it, STABLE "/workflow-runs/external-ids?since=2001-01-01T00:00:00Z");
    assert_int_equal(json_array_size(ids), 2);
    assert_string_equal(text_at(ids, "0"), ID(&second));
    json_decref(ids);
    expect_400(it, "GET", STABLE "/workflow-runs/external-ids", NULL, "since");
    json_t *names = get(it, URL(STABLE "/workflow-runs/display-names?external_ids=%s&external_ids=%s",
                                ID(&foreign), ID(&first)));
    assert_int_equal(count_at(names, "rows"), 1);
    assert_string_equal(text_at(names, "rows.0.metadata.id"), ID(&first));
    assert_memory_equal(text_at(names, "rows.0.displayName"), "greet-", 6);
    json_decref(names);
    expect_400(it, "GET", STABLE "/workflow-runs/display-names?external_ids=x", NULL, "external_ids");
}

static void a_log_line_has_its_metadata(void **state)
{
    rest_world *it = *state;
    add_worker(it, 1, "one", true);
    cleat__uuid id = trigger_run(it, 1, "greet");
    wait_until_running(it, &id);
    const cleat__command log = {.kind = CLEAT__COMMAND_LOG,
                                .tenant = 1,
                                .as.log = {.task_id = id,
                                           .retry_count = CLEAT__RETRY_CURRENT,
                                           .level = CLEAT_LOG_WARN,
                                           .time_ms = 1000,
                                           .message = cleat_slice_of("half full"),
                                           .metadata = cleat_slice_of("{\"disk\":7}")}};
    assert_int_equal(submit_and_wait(it, log), CLEAT_OK);
    json_t *lines = get(it, URL("/api/v1/stable/tasks/%s/logs", ID(&id)));
    assert_int_equal(count_at(lines, "rows"), 1);
    assert_string_equal(text_at(lines, "rows.0.message"), "half full");
    assert_int_equal(int_at(lines, "rows.0.metadata.disk"), 7);
    json_decref(lines);
}

static void complete(rest_world *it, const cleat__uuid *id)
{
    const cleat__report report = {.task_id = *id,
                                  .retry_count = CLEAT__RETRY_CURRENT,
                                  .status = CLEAT_OK,
                                  .output = cleat_slice_of("{}")};
    cleat_run_result result;
    wait_until_running(it, id);
    assert_int_equal(cleat__engine_report(it->engine, 1, &report), CLEAT_OK);
    assert_int_equal(cleat__engine_wait(it->engine, 1, id, 10000, &result), CLEAT_OK);
    cleat_run_result_deinit(&result);
}

static void a_run_that_has_ended_is_replayed(void **state)
{
    rest_world *it = *state;
    add_worker(it, 1, "one", true);
    cleat__uuid id = trigger_run(it, 1, "greet");
    complete(it, &id);
    json_t *answer =
        post(it, STABLE "/tasks/replay", URL("{\"externalIds\":[\"%s\",\"" NO_ID "\"]}", ID(&id)));
    assert_int_equal(count_at(answer, "ids"), 1);
    assert_string_equal(text_at(answer, "ids.0"), ID(&id));
    json_decref(answer);
    complete(it, &id);
    json_t *run = get(it, URL(RUN, ID(&id)));
    static const char *const types[] = {"CREATED",         "QUEUED",  "STARTED", "FINISHED",
                                        "RETRIED_BY_USER", "STARTED", "FINISHED"};
    assert_int_equal(count_at(run, "taskEvents"), 7);
    for (size_t i = 0; i < 7; i++) {
        assert_string_equal(text_at(run, URL("taskEvents.%zu.eventType", i)), types[i]);
    }
    assert_int_equal(int_at(run, "taskEvents.4.attempt"), 2);
    assert_true(strcmp(text_at(run, "taskEvents.3.timestamp"), text_at(run, "taskEvents.4.timestamp")) <= 0);
    assert_int_equal(int_at(run, "tasks.0.attempt"), 2);
    json_decref(run);
}

static void runs_are_replayed_by_a_filter(void **state)
{
    rest_world *it = *state;
    add_worker(it, 1, "one", true);
    cleat__uuid id = trigger_run(it, 1, "greet");
    complete(it, &id);
    static const char filter[] = "{\"filter\":{\"since\":\"2001-01-01T00:00:00Z\",\"statuses\":[\"%s\"]}}";
    json_t *answer = post(it, STABLE "/tasks/replay", URL(filter, "FAILED"));
    assert_int_equal(count_at(answer, "ids"), 0);
    json_decref(answer);
    answer = post(it, STABLE "/tasks/replay", URL(filter, "COMPLETED"));
    assert_string_equal(text_at(answer, "ids.0"), ID(&id));
    json_decref(answer);
    wait_until_running(it, &id);
    expect_400(it, "POST", STABLE "/tasks/replay", "{}", "either");
    expect_400(it, "POST", STABLE "/tasks/replay", "{\"filter\":{}}", "filter.since");
}

/* Each byte of these lines takes six in JSON. */
static cleat_status add_lines(cleat__store *store, void *argument)
{
    enum { LINES = 1200 };
    static char message[CLEAT__LOG_LINE_MAX];
    memset(message, 1, sizeof(message));
    const cleat__log_line line = {.task_id = *(const cleat__uuid *)argument,
                                  .level = CLEAT_LOG_INFO,
                                  .message = {message, sizeof(message)}};
    cleat_status status = CLEAT_OK;
    for (int i = 0; i < LINES && status == CLEAT_OK; i++) {
        status = cleat__log_line_insert(store, 1, &line);
    }
    return status;
}

/* Megabytes are slow under the thread sanitizer. */
static void an_answer_that_is_too_large_is_refused(void **state)
{
#if UNDER_THREAD_SANITIZER
    skip();
#endif
    rest_world *it = *state;
    cleat__uuid id = trigger_run(it, 1, "greet");
    assert_int_equal(cleat__engine_call(it->engine, add_lines, &id), CLEAT_OK);
    expect_400(it, "GET", URL("/api/v1/stable/tasks/%s/logs?limit=10000", ID(&id)), NULL, "lower the limit");
    json_t *lines = get(it, URL("/api/v1/stable/tasks/%s/logs", ID(&id)));
    assert_int_equal(count_at(lines, "rows"), 50);
    json_decref(lines);
}

/* ---- Counts ---- */

static void queues_are_counted(void **state)
{
    rest_world *it = *state;
    cleat__uuid running = trigger_run(it, 1, "greet");
    add_worker(it, 1, "one", true);
    wait_until_running(it, &running);
    declare(it, 1, "other", NULL);
    trigger_run(it, 1, "other");
    trigger_run(it, 1, "other");
    trigger_run(it, 2, "greet");

    json_t *queues = get(it, "/api/v1/tenants/{tenant}/queue-metrics");
    assert_int_equal(int_at(queues, "total.numQueued"), 2);
    assert_int_equal(int_at(queues, "total.numRunning"), 1);
    assert_int_equal(count_at(queues, "queues"), 1);
    assert_int_equal(int_at(queues, "queues.other:other"), 2);
    json_decref(queues);

    json_t *stats = get(it, "/api/v1/tenants/{tenant}/task-stats");
    assert_int_equal(count_at(stats, ""), 2);
    assert_int_equal(int_at(stats, "other.queued.total"), 2);
    assert_int_equal(int_at(stats, "other.queued.queues.other:other"), 2);
    assert_string_equal(text_at(stats, "other.queued.oldest"),
                        text_at(stats, "other.queued.oldestExcludingRetries"));
    assert_null(at(stats, "other.running"));
    assert_int_equal(int_at(stats, "greet.running.total"), 1);
    text_at(stats, "greet.running.oldest");
    assert_null(at(stats, "greet.queued"));
    json_decref(stats);
    stats = get(it, "/api/v1/tenants/{tenant}/task-stats?taskNames=greet&taskNames=nobody");
    assert_int_equal(count_at(stats, ""), 1);
    json_decref(stats);

    EXPECT(it->server, 200,
           "# HELP cleat_tenant_queued_runs Runs of the tenant that wait for a worker.\n"
           "# TYPE cleat_tenant_queued_runs gauge\n"
           "cleat_tenant_queued_runs{action=\"greet:greet\",task=\"greet\"} 0\n"
           "cleat_tenant_queued_runs{action=\"other:other\",task=\"other\"} 2\n"
           "# HELP cleat_tenant_running_runs Runs of the tenant that are with a worker.\n"
           "# TYPE cleat_tenant_running_runs gauge\n"
           "cleat_tenant_running_runs{action=\"greet:greet\",task=\"greet\"} 1\n"
           "cleat_tenant_running_runs{action=\"other:other\",task=\"other\"} 0\n"
           "# HELP cleat_tenant_evicted_runs Runs of the tenant that wait, and that no worker has.\n"
           "# TYPE cleat_tenant_evicted_runs gauge\n"
           "cleat_tenant_evicted_runs{action=\"greet:greet\",task=\"greet\"} 0\n"
           "cleat_tenant_evicted_runs{action=\"other:other\",task=\"other\"} 0\n",
           .path = "/api/v1/tenants/" TENANT_1 "/prometheus-metrics", .headers = {AS_1});
}

/* Nothing of it is a retry, since it was replayed. */
static void a_replayed_run_counts_as_a_first_attempt(void **state)
{
    rest_world *it = *state;
    cleat__uuid id = trigger_run(it, 1, "greet");
    assert_int_equal(cleat__engine_cancel(it->engine, 1, &id), CLEAT_OK);
    assert_int_equal(cleat__engine_replay(it->engine, 1, &id), CLEAT_OK);
    json_t *stats = get(it, "/api/v1/tenants/{tenant}/task-stats");
    assert_string_equal(text_at(stats, "greet.queued.oldestExcludingRetries"),
                        text_at(stats, "greet.queued.oldest"));
    json_decref(stats);
}

static int sum_points(rest_world *it, const char *query, const char *name)
{
    int sum = 0;
    json_t *points = get(it, URL(STABLE "/task-point-metrics%s", query));
    assert_in_range(count_at(points, "results"), 1, 31);
    for (size_t i = 0; i < count_at(points, "results"); i++) {
        sum += int_at(points, URL("results.%zu.%s", i, name));
    }
    json_decref(points);
    return sum;
}

static void ends_are_counted_over_time(void **state)
{
    rest_world *it = *state;
    add_worker(it, 1, "one", true);
    for (int i = 0; i < 3; i++) {
        cleat__uuid id = trigger_run(it, 1, "greet");
        wait_until_running(it, &id);
        const cleat__report report = {
            .task_id = id, .retry_count = 0, .status = i == 0 ? CLEAT_NON_RETRYABLE : CLEAT_OK};
        assert_int_equal(cleat__engine_report(it->engine, 1, &report), CLEAT_OK);
        cleat_run_result result;
        assert_int_equal(cleat__engine_wait(it->engine, 1, &id, 10000, &result), CLEAT_OK);
        cleat_run_result_deinit(&result);
    }
    const char *until = "?finishedBefore=2099-01-01T00:00:00Z&createdAfter=2098-12-31T00:00:00Z";
    assert_int_equal(sum_points(it, until, "SUCCEEDED"), 0);
    time_t now = time(NULL) + 60;
    char text[32], query[128];
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
    snprintf(query, sizeof(query), "?finishedBefore=%s", text);
    assert_int_equal(sum_points(it, query, "SUCCEEDED"), 2);
    assert_int_equal(sum_points(it, query, "FAILED"), 1);
    expect_400(it, "GET", STABLE "/task-point-metrics?createdAfter=now", NULL, "createdAfter");
    expect_400(it, "GET", STABLE "/task-point-metrics?finishedBefore=7", NULL, "finishedBefore");
    expect_400(it, "GET", STABLE "/task-point-metrics?createdAfter=2001-01-01T00:00:00Z", NULL,
               "createdAfter");
}

/* ---- Ends that no worker reported ---- */

static cleat__uuid start_brief(rest_world *it, int64_t execution_timeout_ms, int64_t schedule_timeout_ms)
{
    const cleat__workflow brief = {
        .name = cleat_slice_of("brief"),
        .tasks = &(cleat__workflow_task){.name = cleat_slice_of("brief"),
                                         .action = cleat_slice_of("greet:greet"),
                                         .policy = {.priority = 1,
                                                    .backoff_factor = 1,
                                                    .execution_timeout_ms = execution_timeout_ms,
                                                    .schedule_timeout_ms = schedule_timeout_ms}},
        .task_count = 1};
    assert_int_equal(cleat__engine_put_workflow(it->engine, 1, &brief, NULL), CLEAT_OK);
    return trigger_run(it, 1, "brief");
}

static void wait_for_end(rest_world *it, const cleat__uuid *id)
{
    cleat_run_result result = {0};
    assert_int_equal(cleat__engine_wait(it->engine, 1, id, 10000, &result), CLEAT_OK);
    cleat_run_result_deinit(&result);
}

/* Its events' types, "CREATED QUEUED ". */
static const char *events_of(rest_world *it, const cleat__uuid *id)
{
    static char text[256];
    json_t *list = get(it, URL("/api/v1/stable/tasks/%s/task-events", ID(id)));
    text[0] = '\0';
    for (size_t i = 0; i < count_at(list, "rows"); i++) {
        sprintf(text + strlen(text), "%s ", text_at(list, URL("rows.%zu.eventType", i)));
    }
    json_decref(list);
    return text;
}

static void what_waits_for_a_batch_says_so(void **state)
{
    rest_world *it = *state;
    const cleat__batch_config batch = {
        .max_size = 2, .interval_ms = 3600000, .group_max_runs = 1, .group_key = cleat_slice_of("'all'")};
    const cleat__workflow brief = {.name = cleat_slice_of("brief"),
                                   .tasks = &(cleat__workflow_task){.name = cleat_slice_of("brief"),
                                                                    .action = cleat_slice_of("greet:greet"),
                                                                    .policy = {.priority = 1,
                                                                               .backoff_factor = 1,
                                                                               .execution_timeout_ms = 60000,
                                                                               .schedule_timeout_ms = 60000},
                                                                    .batch = &batch},
                                   .task_count = 1};
    assert_int_equal(cleat__engine_put_workflow(it->engine, 1, &brief, NULL), CLEAT_OK);
    add_worker(it, 1, "w", true);
    cleat__uuid first = trigger_run(it, 1, "brief");
    assert_string_equal(events_of(it, &first), "CREATED QUEUED WAITING_FOR_BATCH ");
    json_t *list = get(it, URL("/api/v1/stable/tasks/%s/task-events", ID(&first)));
    assert_string_equal(text_at(list, "rows.2.message"), "Task waits for a batch: all");
    json_decref(list);
    trigger_run(it, 1, "brief");
    wait_until_running(it, &first);
    assert_string_equal(events_of(it, &first), "CREATED QUEUED WAITING_FOR_BATCH BATCH_FLUSHED STARTED ");
}

static void a_run_that_no_worker_took_in_time_has_failed(void **state)
{
    rest_world *it = *state;
    cleat__uuid id = start_brief(it, 1000, 1);
    wait_for_end(it, &id);
    json_t *details = get(it, URL(RUN, ID(&id)));
    assert_string_equal(text_at(details, "run.status"), "FAILED");
    assert_string_equal(text_at(details, "tasks.0.status"), "FAILED");
    assert_string_equal(text_at(details, "taskEvents.2.errorMessage"), "no worker took it within 1ms");
    json_decref(details);
    assert_string_equal(events_of(it, &id), "CREATED QUEUED SCHEDULING_TIMED_OUT ");
    assert_int_equal(count_listed(it, "statuses=FAILED"), 1);
    assert_int_equal(count_listed(it, "statuses=CANCELLED"), 0);
    json_t *counts = get(it, STABLE "/task-metrics?since=2001-01-01T00:00:00Z");
    assert_string_equal(text_at(counts, "4.status"), "FAILED");
    assert_int_equal(int_at(counts, "4.count"), 1);
    json_decref(counts);
    cleat__uuid cancelled = trigger_run(it, 1, "greet");
    assert_int_equal(cleat__engine_cancel(it->engine, 1, &cancelled), CLEAT_OK);
    assert_string_equal(events_of(it, &cancelled), "CREATED QUEUED CANCELLED ");
    assert_int_equal(count_listed(it, "statuses=CANCELLED"), 1);
}

static void a_run_that_ran_too_long_says_so(void **state)
{
    rest_world *it = *state;
    add_worker(it, 1, "one", true);
    cleat__uuid id = start_brief(it, 1, 60000);
    wait_for_end(it, &id);
    assert_string_equal(events_of(it, &id), "CREATED QUEUED STARTED TIMED_OUT ");
    json_t *ids = post(it, STABLE "/tasks/replay", URL("{\"externalIds\":[\"%s\"]}", ID(&id)));
    json_decref(ids);
    wait_for_end(it, &id);
    assert_string_equal(events_of(it, &id),
                        "CREATED QUEUED STARTED TIMED_OUT RETRIED_BY_USER STARTED TIMED_OUT ");
}

static void a_run_that_did_not_come_to_its_worker_says_so(void **state)
{
    rest_world *it = *state;
    add_worker(it, 1, "one", true);
    cleat__uuid id = trigger_run(it, 1, "greet");
    wait_until_running(it, &id);
    assert_int_equal(submit_and_wait(it, (cleat__command){.kind = CLEAT__COMMAND_UNDELIVERED,
                                                          .tenant = 1,
                                                          .as.undelivered = {.id = id, .retry_count = 0}}),
                     CLEAT_OK);
    const char *begin = "CREATED QUEUED STARTED COULD_NOT_SEND_TO_WORKER ";
    assert_int_equal(strncmp(events_of(it, &id), begin, strlen(begin)), 0);
}

static void what_a_task_was_granted_is_told(void **state)
{
    rest_world *it = *state;
    int64_t until_ms = 0;
    add_worker(it, 1, "one", true);
    cleat__uuid id = trigger_run(it, 1, "greet");
    wait_until_running(it, &id);
    assert_int_equal(submit_and_wait(it, (cleat__command){.kind = CLEAT__COMMAND_REFRESH_TIMEOUT,
                                                          .tenant = 1,
                                                          .as.refresh_timeout = {id, 1000, &until_ms}}),
                     CLEAT_OK);
    assert_int_equal(
        submit_and_wait(it, (cleat__command){.kind = CLEAT__COMMAND_RELEASE_SLOT, .tenant = 1, .as.id = id}),
        CLEAT_OK);
    assert_string_equal(events_of(it, &id), "CREATED QUEUED STARTED TIMEOUT_REFRESHED SLOT_RELEASED ");
    assert_int_equal(cleat__engine_cancel(it->engine, 1, &id), CLEAT_OK);
    assert_string_equal(events_of(it, &id),
                        "CREATED QUEUED STARTED TIMEOUT_REFRESHED SLOT_RELEASED CANCELLED ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REST_TEST(a_run_is_started),
        REST_TEST(what_waits_for_a_batch_says_so),
        REST_TEST(a_run_that_no_worker_took_in_time_has_failed),
        REST_TEST(a_run_that_ran_too_long_says_so),
        REST_TEST(a_run_that_did_not_come_to_its_worker_says_so),
        REST_TEST(what_a_task_was_granted_is_told),
        REST_TEST(what_cannot_be_started_says_why),
        REST_TEST(a_task_is_its_run),
        REST_TEST(timings_are_those_of_its_one_task),
        REST_TEST(runs_are_listed_by_their_worker),
        REST_TEST(runs_are_told_by_ids_and_names_alone),
        REST_TEST(a_log_line_has_its_metadata),
        REST_TEST(a_run_that_has_ended_is_replayed),
        REST_TEST(runs_are_replayed_by_a_filter),
        REST_TEST(an_answer_that_is_too_large_is_refused),
        REST_TEST(queues_are_counted),
        REST_TEST(a_replayed_run_counts_as_a_first_attempt),
        REST_TEST(ends_are_counted_over_time),
    };
    curl_global_init(CURL_GLOBAL_ALL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
