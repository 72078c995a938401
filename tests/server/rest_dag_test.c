/* Runs of several tasks over REST: what each of these tells, and what all of them may tell together. */
#include "rest_ends.h"
#include "rest_test.h"

#include "server/rest_parts.h"
#include "store/bind.h"
#include "store/dag.h"
#include "store/transition.h"

#define STABLE "/api/v1/stable/tenants/{tenant}"
#define RUN    "/api/v1/stable/workflow-runs/%s"
#define TASK   "/api/v1/stable/tasks/%s"
#define LIST   STABLE "/workflow-runs?since=2001-01-01T00:00:00Z&only_tasks=%s&%s"

enum { TASKS = 3 };

static const cleat__policy policy = {
    .priority = 2, .backoff_factor = 1, .execution_timeout_ms = 60000, .schedule_timeout_ms = 300000};

/* The workflow "chain": tasks a, b and c one after the other; the event "chain:go" starts it. */
static void declare_chain(rest_world *it)
{
    static const char *const names[TASKS] = {"a", "b", "c"};
    cleat__workflow_task tasks[TASKS];
    cleat_slice parents[TASKS], key = cleat_slice_of("chain:go");
    char actions[TASKS][16];
    cleat__version version;
    for (size_t i = 0; i < TASKS; i++) {
        snprintf(actions[i], sizeof(actions[i]), "chain:%s", names[i]);
        parents[i] = cleat_slice_of(names[i]);
        tasks[i] = (cleat__workflow_task){.name = cleat_slice_of(names[i]),
                                          .action = cleat_slice_of(actions[i]),
                                          .parents = i != 0 ? &parents[i - 1] : NULL,
                                          .parent_count = i != 0,
                                          .policy = policy};
    }
    const cleat__workflow workflow = {.name = cleat_slice_of("chain"),
                                      .event_keys = &key,
                                      .event_key_count = 1,
                                      .tasks = tasks,
                                      .task_count = TASKS};
    assert_int_equal(cleat__engine_put_workflow(it->engine, 1, &workflow, &version), CLEAT_OK);
}

static cleat__uuid add_chain_worker(rest_world *it)
{
    const cleat_slice actions[TASKS] = {cleat_slice_of("chain:a"), cleat_slice_of("chain:b"),
                                        cleat_slice_of("chain:c")};
    const cleat__slots slots = {cleat_slice_of("default"), 3};
    const cleat__worker_spec spec = {.name = cleat_slice_of("one"),
                                     .actions = actions,
                                     .action_count = TASKS,
                                     .slots = &slots,
                                     .slot_count = 1,
                                     .runtime = cleat_slice_of("{}")};
    return add_worker_of(it, 1, &spec, true);
}

typedef struct chain {
    cleat__uuid run, tasks[TASKS];
} chain;

static cleat_status list_tasks(cleat__store *store, void *argument)
{
    chain *self = argument;
    cleat__uuid *ids = NULL;
    size_t count = 0;
    cleat_status status = cleat__dag_ids(store, &self->run, &ids, &count);
    assert_int_equal(count, TASKS);
    memcpy(self->tasks, ids, sizeof(self->tasks));
    cleat__free(ids);
    return status;
}

static chain start_chain(rest_world *it)
{
    chain made = {.run = trigger_run(it, 1, "chain")};
    assert_int_equal(cleat__engine_call(it->engine, list_tasks, &made), CLEAT_OK);
    return made;
}

static void complete(rest_world *it, const cleat__uuid *task, const char *output)
{
    wait_until_running(it, task);
    const cleat__report report = {.task_id = *task,
                                  .retry_count = CLEAT__RETRY_CURRENT,
                                  .status = CLEAT_OK,
                                  .output = cleat_slice_of(output)};
    assert_int_equal(cleat__engine_report(it->engine, 1, &report), CLEAT_OK);
    bool is_running = true;
    while (is_running) { /* reports are told later */
        json_t *status = get(it, URL(RUN "/status", ID(task)));
        is_running = strcmp(json_string_value(status), "RUNNING") == 0;
        json_decref(status);
    }
}

static chain complete_chain(rest_world *it)
{
    static const char *const outputs[TASKS] = {"{\"n\":1}", "{\"n\":2}", "{\"n\":3}"};
    declare_chain(it);
    (void)add_chain_worker(it);
    chain made = start_chain(it);
    for (size_t i = 0; i < TASKS; i++) {
        complete(it, &made.tasks[i], outputs[i]);
    }
    return made;
}

static void what_a_run_was_given_and_made_is_plain(void **state)
{
    rest_world *it = *state;
    declare_chain(it);
    (void)add_chain_worker(it);
    chain made = start_chain(it);
    json_t *run = get(it, URL(RUN, ID(&made.run)));
    assert_int_equal(int_at(run, "run.input.n"), 1);
    assert_int_equal(count_at(run, "run.output"), 0);
    json_decref(run);
    complete(it, &made.tasks[0], "{\"of\":\"a\"}");
    run = get(it, URL(RUN, ID(&made.run)));
    assert_string_equal(text_at(run, "run.output.of"), "a"); /* the last one so far */
    json_decref(run);
    complete(it, &made.tasks[1], "{\"of\":\"b\"}");
    complete(it, &made.tasks[2], "{\"of\":\"c\"}");
    run = get(it, URL(RUN, ID(&made.run)));
    assert_string_equal(text_at(run, "run.status"), "COMPLETED");
    assert_string_equal(text_at(run, "run.output.of"), "c");
    assert_int_equal(int_at(run, "run.input.n"), 1);
    json_decref(run);
}

static void a_run_shows_its_tasks(void **state)
{
    rest_world *it = *state;
    chain made = complete_chain(it);
    json_t *run = get(it, URL(RUN, ID(&made.run)));
    assert_int_equal(count_at(run, "tasks"), TASKS);
    assert_int_equal(count_at(run, "shape"), TASKS);
    assert_string_equal(text_at(run, "shape.0.taskName"), "a");
    assert_string_equal(text_at(run, "shape.0.childrenStepIds.0"), text_at(run, "shape.1.stepId"));
    assert_string_equal(text_at(run, "shape.1.childrenStepIds.0"), text_at(run, "shape.2.stepId"));
    assert_int_equal(count_at(run, "shape.2.childrenStepIds"), 0);
    for (size_t i = 0; i < TASKS; i++) {
        assert_string_equal(text_at(run, URL("tasks.%zu.taskExternalId", i)), ID(&made.tasks[i]));
        assert_string_equal(text_at(run, URL("shape.%zu.taskExternalId", i)), ID(&made.tasks[i]));
        assert_string_equal(text_at(run, URL("tasks.%zu.workflowRunExternalId", i)), ID(&made.run));
        assert_string_equal(text_at(run, URL("tasks.%zu.stepId", i)),
                            text_at(run, URL("shape.%zu.stepId", i)));
        assert_int_equal(int_at(run, URL("tasks.%zu.output.n", i)), (int)i + 1);
        assert_int_equal(int_at(run, URL("tasks.%zu.input.n", i)), 1);
        json_t *task = get(it, URL(TASK, ID(&made.tasks[i])));
        assert_true(json_equal(task, at(run, URL("tasks.%zu", i))));
        json_decref(task);
    }
    json_t *timings = get(it, URL(RUN "/task-timings", ID(&made.run)));
    assert_int_equal(count_at(timings, "rows"), TASKS);
    assert_string_equal(text_at(timings, "rows.2.taskExternalId"), ID(&made.tasks[2]));
    assert_string_equal(text_at(timings, "rows.2.workflowRunId"), ID(&made.run));
    json_decref(timings);
    json_decref(run);
}

/* ---- One of them is cancelled, or runs again ---- */

static void expect_ids(rest_world *it, const char *what, const cleat__uuid *task)
{
    json_t *answer = post(it, URL(STABLE "/tasks/%s", what), URL("{\"externalIds\":[\"%s\"]}", ID(task)));
    assert_int_equal(count_at(answer, "ids"), 1);
    assert_string_equal(text_at(answer, "ids.0"), ID(task));
    json_decref(answer);
}

static void expect_statuses(rest_world *it, const chain *made, const char *run_status, const char *a,
                            const char *b, const char *c)
{
    const char *const statuses[TASKS] = {a, b, c};
    json_t *run = get(it, URL(RUN, ID(&made->run)));
    assert_string_equal(text_at(run, "run.status"), run_status);
    for (size_t i = 0; i < TASKS; i++) {
        assert_string_equal(text_at(run, URL("tasks.%zu.status", i)), statuses[i]);
    }
    json_decref(run);
}

static void a_task_is_cancelled_with_those_behind_it(void **state)
{
    rest_world *it = *state;
    declare_chain(it);
    (void)add_chain_worker(it);
    chain made = start_chain(it);
    complete(it, &made.tasks[0], "{}");
    wait_until_running(it, &made.tasks[1]);
    expect_ids(it, "cancel", &made.tasks[1]);
    expect_statuses(it, &made, "CANCELLED", "COMPLETED", "CANCELLED", "CANCELLED");
}

static void a_task_runs_again_with_those_behind_it(void **state)
{
    rest_world *it = *state;
    chain made = complete_chain(it);
    expect_ids(it, "replay", &made.tasks[1]);
    complete(it, &made.tasks[1], "{\"n\":20}");
    wait_until_running(it, &made.tasks[2]);
    expect_statuses(it, &made, "RUNNING", "COMPLETED", "COMPLETED", "RUNNING");
    complete(it, &made.tasks[2], "{\"n\":30}");
    expect_statuses(it, &made, "COMPLETED", "COMPLETED", "COMPLETED", "COMPLETED");
    json_t *run = get(it, URL(RUN, ID(&made.run)));
    assert_int_equal(int_at(run, "tasks.0.attempt"), 1);
    assert_int_equal(int_at(run, "tasks.1.attempt"), 2);
    assert_int_equal(int_at(run, "tasks.2.attempt"), 2);
    assert_int_equal(int_at(run, "run.output.n"), 30);
    json_decref(run);
}

/* ---- What happened ---- */

static const char *last_event(const json_t *run, const cleat__uuid *task)
{
    const char *kind = "";
    size_t i;
    const json_t *event;
    json_array_foreach(at(run, "taskEvents"), i, event)
    {
        if (strcmp(text_at(event, "taskId"), ID(task)) == 0) {
            kind = text_at(event, "eventType");
        }
    }
    return kind;
}

static void events_are_those_of_its_tasks(void **state)
{
    rest_world *it = *state;
    chain made = complete_chain(it);
    json_t *run = get(it, URL(RUN, ID(&made.run)));
    json_t *events = get(it, URL(RUN "/task-events", ID(&made.run)));
    assert_true(json_equal(at(events, "rows"), at(run, "taskEvents")));
    assert_int_equal(count_at(run, "taskEvents"), 4 * TASKS); /* created, queued, started, finished */
    for (size_t i = 0; i < TASKS; i++) {
        assert_string_equal(last_event(run, &made.tasks[i]), "FINISHED");
    }
    json_decref(events);
    json_decref(run);
}

/* "CREATED QUEUED STARTED" */
static void expect_events(rest_world *it, const chain *made, size_t task, const char *expected)
{
    char kinds[200] = "";
    size_t i;
    const json_t *event;
    json_t *events = get(it, URL(RUN "/task-events", ID(&made->run)));
    json_array_foreach(at(events, "rows"), i, event)
    {
        if (strcmp(text_at(event, "taskId"), ID(&made->tasks[task])) == 0) {
            size_t size = strlen(kinds);
            snprintf(kinds + size, sizeof(kinds) - size, "%s%s", size != 0 ? " " : "",
                     text_at(event, "eventType"));
        }
    }
    assert_string_equal(kinds, expected);
    json_decref(events);
}

static void a_task_that_waits_for_others_is_not_queued(void **state)
{
    rest_world *it = *state;
    declare_chain(it);
    (void)add_chain_worker(it);
    chain made = start_chain(it);
    wait_until_running(it, &made.tasks[0]);
    expect_events(it, &made, 0, "CREATED QUEUED STARTED");
    expect_events(it, &made, 1, "CREATED");
    complete(it, &made.tasks[0], "{}");
    wait_until_running(it, &made.tasks[1]);
    expect_events(it, &made, 1, "CREATED QUEUED STARTED");
    expect_ids(it, "cancel", &made.tasks[1]);
    expect_events(it, &made, 2, "CREATED CANCELLED");
}

static bool is_end(int state)
{
    return state >= 0 && cleat_run_status_is_final((cleat_run_status)state);
}

static void each_way_to_end_has_its_event(void **state)
{
    static const char *const kinds[CLEAT__EVENT_COUNT] = {
        [CLEAT__EVENT_COMPLETE] = "FINISHED",
        [CLEAT__EVENT_FAIL] = "FAILED",
        [CLEAT__EVENT_TIME_OUT_FAIL] = "TIMED_OUT",
        [CLEAT__EVENT_LOSE_FAIL] = "REASSIGNED",
        [CLEAT__EVENT_SCHEDULE_TIME_OUT] = "SCHEDULING_TIMED_OUT",
        [CLEAT__EVENT_CANCEL] = "CANCELLED",
        [CLEAT__EVENT_SUPERSEDE] = "CANCELLED",
        [CLEAT__EVENT_REJECT] = "FAILED",
        [CLEAT__EVENT_SKIP] = "SKIPPED",
    };
    rest_world *it = *state;
    for (int event = 0; event < CLEAT__EVENT_COUNT; event++) {
        if (!is_end(cleat__state_next(CLEAT_RUN_RUNNING, (cleat__event)event)) &&
            !is_end(cleat__state_next(CLEAT_RUN_QUEUED, (cleat__event)event))) {
            continue;
        }
        assert_non_null(kinds[event]);
        ending how = {trigger_run(it, 1, "greet"), (cleat__event)event};
        assert_int_equal(cleat__engine_call(it->engine, end_so, &how), CLEAT_OK);
        json_t *run = get(it, URL(RUN, ID(&how.id)));
        assert_string_equal(last_event(run, &how.id), kinds[event]);
        json_decref(run);
    }
}

static size_t count_listed(rest_world *it, const char *only_tasks, const char *query)
{
    json_t *list = get(it, URL(LIST, only_tasks, query));
    size_t count = count_at(list, "rows");
    json_decref(list);
    return count;
}

static void a_run_comes_with_its_tasks_from_where_it_comes(void **state)
{
    rest_world *it = *state;
    declare_chain(it);
    cleat__uuid event = push_event(it, 1, "chain:go"), parent = trigger_run(it, 1, "greet"), child;
    const cleat__trigger trigger = {.workflow = cleat_slice_of("chain"),
                                    .input = cleat_slice_of("{}"),
                                    .is_child = true,
                                    .parent_id = parent,
                                    .child_index = 0};
    assert_int_equal(cleat__engine_trigger(it->engine, 1, &trigger, 1, &child), CLEAT_OK);
    const char *started = URL("triggering_event_external_id=%s", ID(&event));
    assert_int_equal(count_listed(it, "false", started), 1);
    assert_int_equal(count_listed(it, "true", started), TASKS);
    const char *children = URL("parent_task_external_id=%s", ID(&parent));
    assert_int_equal(count_listed(it, "false", children), 1);
    assert_int_equal(count_listed(it, "true", children), TASKS);
    assert_int_equal(count_listed(it, "true", URL("%s&%s", started, children)), 0);
    assert_int_equal(count_listed(it, "true", "parent_task_external_id=" NO_ID), 0);
}

static void a_run_is_its_tasks_workers(void **state)
{
    rest_world *it = *state;
    declare_chain(it);
    cleat__uuid worker = add_chain_worker(it);
    chain made = start_chain(it);
    (void)trigger_run(it, 1, "greet");
    complete(it, &made.tasks[0], "{}");
    wait_until_running(it, &made.tasks[1]);
    const char *query = URL("worker_id=%s", ID(&worker));
    json_t *list = get(it, URL(LIST, "false", query));
    assert_int_equal(count_at(list, "rows"), 1);
    assert_string_equal(text_at(list, "rows.0.metadata.id"), ID(&made.run));
    json_decref(list);
    assert_int_equal(count_listed(it, "true", query), 2); /* c has not been given to it */
    assert_int_equal(count_listed(it, "false", "worker_id=" NO_ID), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REST_TEST(what_a_run_was_given_and_made_is_plain),
        REST_TEST(a_run_shows_its_tasks),
        REST_TEST(a_task_is_cancelled_with_those_behind_it),
        REST_TEST(a_task_runs_again_with_those_behind_it),
        REST_TEST(events_are_those_of_its_tasks),
        REST_TEST(a_task_that_waits_for_others_is_not_queued),
        REST_TEST(each_way_to_end_has_its_event),
        REST_TEST(a_run_comes_with_its_tasks_from_where_it_comes),
        REST_TEST(a_run_is_its_tasks_workers),
    };
    curl_global_init(CURL_GLOBAL_ALL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
