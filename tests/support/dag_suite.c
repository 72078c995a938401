#include "support/dag_suite.h"

#include "support/dag_fixture.h"

#include <cleat/runs.h>

#include <stdio.h>

typedef dag_fixture fixture;

static int one = 1, two = 2;

static const char *const after_first[] = {"first", NULL};

/* `last` is a task named so, of the workflow "w", behind "first", which gives its input. */
static void start(fixture *it, const cleat_dag_task *last, const cleat_dag_task *on_failure)
{
    const cleat_dag_task *const tasks[] = {CLEAT_DAG_TASK(.name = "first", .run = dag_give_input), last,
                                           NULL};
    assert_ok(cleat_worker_add_dag(it->worker,
                                   CLEAT_DAG_OPTIONS(.name = "w", .tasks = tasks, .on_failure = on_failure)));
    assert_ok(cleat_worker_start(it->worker));
}

/* ---- Parents ---- */

static cleat_status add_up(cleat_task *task, void *user_data)
{
    cleat_slice left, right, none;
    (void)user_data;
    cleat_status status = cleat_task_parent_output(task, "left", &left);
    if (status == CLEAT_OK) {
        status = cleat_task_parent_output(task, "right", &right);
    }
    if (status != CLEAT_OK) {
        return cleat_task_fail(task, status, "%s", cleat_error_message());
    }
    bool is_refused = cleat_task_parent_output(task, "first", &none) == CLEAT_NOT_FOUND &&
                      cleat_task_parent_output(task, "nobody", &none) == CLEAT_NOT_FOUND &&
                      cleat_task_trigger_data(task, "filter_payload", &none) == CLEAT_NOT_FOUND &&
                      cleat_task_step_error(task, "left") == NULL &&
                      !cleat_task_parent_was_skipped(task, "left");
    return cleat_task_return_format(
        task, "{\"left\":%.*s,\"right\":%.*s,\"of\":\"%s\",\"own\":%s,\"is_refused\":%s}",
        CLEAT_SLICE_ARGS(left), CLEAT_SLICE_ARGS(right), cleat_task_workflow_run_id(task).text,
        strcmp(cleat_task_run_id(task).text, cleat_task_workflow_run_id(task).text) != 0 ? "true" : "false",
        is_refused ? "true" : "false");
}

static void test_a_task_has_the_outputs_of_its_parents(void **state)
{
    fixture *it = *state;
    static const char *const after_both[] = {"left", "right", NULL};
    char of[64];
    const cleat_dag_task *const tasks[] = {
        CLEAT_DAG_TASK(.name = "sum", .run = add_up, .parents = after_both),
        CLEAT_DAG_TASK(.name = "left", .run = dag_give_number, .user_data = &one, .parents = after_first),
        CLEAT_DAG_TASK(.name = "right", .run = dag_give_number, .user_data = &two, .parents = after_first),
        CLEAT_DAG_TASK(.name = "first", .run = dag_give_input),
        NULL,
    };
    dag_start(it, tasks);
    dag_run(it, "{\"in\":1}", CLEAT_RUN_COMPLETED);
    dag_assert_output(it, "\"first\":{\"in\":1}");
    dag_assert_output(it, "\"left\":{\"n\":1},\"right\":{\"n\":2},\"of\"");
    dag_assert_output(it, "\"own\":true,\"is_refused\":true");
    (void)snprintf(of, sizeof(of), "\"of\":\"%s\"", it->result.id.text);
    dag_assert_output(it, of);
}

static cleat_status give_much(cleat_task *task, void *user_data)
{
    return cleat_task_return_format(task, "{\"text\":\"%*d\"}", *(const int *)user_data, 1);
}

static cleat_status tell_parents(cleat_task *task, void *user_data)
{
    fixture *it = user_data;
    cleat_slice large = {NULL, 0}, small = {NULL, 0};
    cleat_status of_large = cleat_task_parent_output(task, "large", &large);
    cleat_status of_small = cleat_task_parent_output(task, "small", &small);
    (void)snprintf(it->text, sizeof(it->text), "large %s, small %s %zu, input %zu",
                   cleat_status_name(of_large), cleat_status_name(of_small), small.size,
                   cleat_task_input(task).size);
    gate_add(&it->seen);
    return CLEAT_OK;
}

/* The same in the process as at a server, where an assignment is one message. */
static void test_of_parents_that_have_made_too_much_the_largest_is_left_out(void **state)
{
    fixture *it = *state;
    static int much = 2200000, less = 2000000;
    static const char *const after_both[] = {"large", "small", NULL};
    const cleat_dag_task *const tasks[] = {
        CLEAT_DAG_TASK(.name = "large", .run = give_much, .user_data = &much),
        CLEAT_DAG_TASK(.name = "small", .run = give_much, .user_data = &less),
        CLEAT_DAG_TASK(.name = "last", .run = tell_parents, .user_data = it, .parents = after_both),
        NULL,
    };
    dag_start(it, tasks);
    assert_ok(cleat_client_run_no_wait(it->client, "w", "{\"in\":1}", NULL, NULL));
    gate_wait(&it->seen, 1);
    assert_string_equal(it->text, "large CLEAT_NOT_FOUND, small CLEAT_OK 2000011, input 8");
}

static cleat_status fail_first(cleat_task *task, void *user_data)
{
    (void)user_data;
    return cleat_task_retry_count(task) == 0 ? cleat_task_fail(task, CLEAT_FAILED, "once")
                                             : cleat_task_return(task, "{\"attempt\":2}");
}

static void test_a_task_is_retried_alone(void **state)
{
    fixture *it = *state;
    start(it, CLEAT_DAG_TASK(.name = "last", .run = fail_first, .retries = 1, .parents = after_first), NULL);
    dag_run(it, NULL, CLEAT_RUN_COMPLETED);
    dag_assert_output(it, "\"last\":{\"attempt\":2}");
}

static cleat_status is_alone(cleat_task *task, void *user_data)
{
    (void)user_data;
    return cleat_task_return(
        task, strcmp(cleat_task_run_id(task).text, cleat_task_workflow_run_id(task).text) == 0 ? "1" : "0");
}

static void test_a_workflow_of_one_task_is_its_task(void **state)
{
    fixture *it = *state;
    const cleat_dag_task *const tasks[] = {CLEAT_DAG_TASK(.name = "only", .run = is_alone), NULL};
    dag_start(it, tasks);
    dag_run(it, NULL, CLEAT_RUN_COMPLETED);
    assert_string_equal(it->result.output, "1");
}

static cleat_status spawn_kid(cleat_task *task, void *user_data)
{
    (void)user_data;
    cleat_status status = cleat_task_spawn(task, "kid", NULL, NULL, NULL);
    return status == CLEAT_OK ? cleat_task_return_format(task, "\"%s\"", cleat_task_run_id(task).text)
                              : status;
}

static cleat_status tell_metadata(cleat_task *task, void *user_data)
{
    fixture *it = user_data;
    (void)snprintf(it->text, sizeof(it->text), "%.*s", CLEAT_SLICE_ARGS(cleat_task_metadata(task)));
    gate_add(&it->seen);
    return CLEAT_OK;
}

static void test_a_child_knows_the_run_and_the_task_that_it_is_of(void **state)
{
    fixture *it = *state;
    char expected[256];
    assert_ok(cleat_worker_add_task(
        it->worker, CLEAT_TASK_OPTIONS(.name = "kid", .run = tell_metadata, .user_data = it)));
    start(it, CLEAT_DAG_TASK(.name = "last", .run = spawn_kid), NULL);
    dag_run(it, "{}", CLEAT_RUN_COMPLETED);
    gate_wait(&it->seen, 1);
    const char *task_id = strstr(it->result.output, "\"last\":\"");
    assert_non_null(task_id);
    (void)snprintf(expected, sizeof(expected),
                   "\"hatchet__parent_workflow_run_id\":\"%s\",\"hatchet__parent_step_run_id\":\"%.36s\"",
                   it->result.id.text, task_id + strlen("\"last\":\""));
    assert_non_null(strstr(it->text, expected));
}

/* ---- Conditions ---- */

static cleat_status tell_skipped(cleat_task *task, void *user_data)
{
    (void)user_data;
    return cleat_task_return_format(task, "{\"was\":%s}",
                                    cleat_task_parent_was_skipped(task, "maybe") ? "true" : "false");
}

static void test_a_task_is_skipped_by_what_a_parent_has_made(void **state)
{
    fixture *it = *state;
    static const cleat_dag_condition small[] = {{.parent = "first", .expression = "output.n < 5"}};
    static const char *const after_maybe[] = {"first", "maybe", NULL};
    const cleat_dag_task *const tasks[] = {
        CLEAT_DAG_TASK(.name = "first", .run = dag_give_input),
        CLEAT_DAG_TASK(.name = "maybe", .run = dag_give_number, .user_data = &two, .parents = after_first,
                       .skip_if = small, .skip_if_count = 1),
        CLEAT_DAG_TASK(.name = "last", .run = tell_skipped, .parents = after_maybe),
        NULL,
    };
    dag_start(it, tasks);
    dag_run(it, "{\"n\":4}", CLEAT_RUN_COMPLETED);
    dag_assert_output(it, "\"last\":{\"was\":true}");
    dag_assert_output(it, "\"maybe\":{\"skipped\":true}");
    dag_run(it, "{\"n\":5}", CLEAT_RUN_COMPLETED);
    dag_assert_output(it, "\"last\":{\"was\":false}");
    dag_assert_output(it, "\"maybe\":{\"n\":2}");
}

static void test_a_task_is_cancelled_by_what_a_parent_has_made(void **state)
{
    fixture *it = *state;
    static const cleat_dag_condition wrong[] = {{.parent = "first", .expression = "output.n == 0"}};
    start(it,
          CLEAT_DAG_TASK(.name = "last", .run = dag_give_number, .user_data = &two, .parents = after_first,
                         .cancel_if = wrong, .cancel_if_count = 1),
          NULL);
    dag_run(it, "{\"n\":0}", CLEAT_RUN_CANCELLED);
    dag_run(it, "{\"n\":1}", CLEAT_RUN_COMPLETED);
}

static cleat_status tell_data(cleat_task *task, void *user_data)
{
    fixture *it = user_data;
    cleat_slice data = cleat_slice_of("none"), late = cleat_slice_of("none");
    (void)cleat_task_trigger_data(task, "approval", &data);
    (void)cleat_task_trigger_data(task, "1h", &late);
    (void)snprintf(it->text, sizeof(it->text), "%.*s %.*s", CLEAT_SLICE_ARGS(data), CLEAT_SLICE_ARGS(late));
    return CLEAT_OK;
}

static cleat_status say_first(cleat_task *task, void *user_data)
{
    fixture *it = user_data;
    (void)task;
    gate_add(&it->seen);
    return CLEAT_OK;
}

/* A run whose "last" waits for these, "first" being over. */
static cleat_run_id start_waiting(fixture *it, const cleat_dag_condition *waits, size_t count)
{
    const cleat_dag_task *const tasks[] = {
        CLEAT_DAG_TASK(.name = "last", .run = tell_data, .user_data = it, .wait_for = waits,
                       .wait_for_count = count),
        CLEAT_DAG_TASK(.name = "first", .run = say_first, .user_data = it),
        NULL,
    };
    cleat_run_id id;
    dag_start(it, tasks);
    assert_ok(cleat_client_run_no_wait(it->client, "w", NULL, NULL, &id));
    gate_wait(&it->seen, 1);
    return id;
}

/* The event, or an hour: one of both. The event before the right one is none of it. */
static void test_a_task_waits_for_an_event(void **state)
{
    fixture *it = *state;
    static const cleat_dag_condition waits[] = {
        {.event_key = "approved", .expression = "input.ok", .or_group = 1, .name = "approval"},
        {.sleep_for = "1h", .or_group = 1},
        {.sleep_for = "1ms"},
    };
    const cleat_run_id id = start_waiting(it, waits, 3);
    assert_ok(cleat_client_push(it->client, "approved", "{\"ok\":false}", NULL, NULL));
    assert_ok(cleat_client_push(it->client, "approved", "{\"ok\":true,\"by\":\"ada\"}", NULL, NULL));
    dag_wait(it, &id, CLEAT_RUN_COMPLETED);
    assert_string_equal(it->text, "{\"ok\":true,\"by\":\"ada\"} none");
}

/* Of one scope: neither one of another nor one without. */
static void test_a_task_waits_for_an_event_of_a_scope(void **state)
{
    fixture *it = *state;
    static const cleat_dag_condition waits[] = {{.event_key = "approval", .scope = "eu"}};
    const cleat_run_id id = start_waiting(it, waits, 1);
    assert_ok(cleat_client_push(it->client, "approval", "{\"n\":1}", NULL, NULL));
    assert_ok(
        cleat_client_push(it->client, "approval", "{\"n\":2}", CLEAT_EVENT_OPTIONS(.scope = "us"), NULL));
    assert_ok(
        cleat_client_push(it->client, "approval", "{\"n\":3}", CLEAT_EVENT_OPTIONS(.scope = "eu"), NULL));
    dag_wait(it, &id, CLEAT_RUN_COMPLETED);
    assert_string_equal(it->text, "{\"n\":3} none");
}

static cleat_status tell_time(cleat_task *task, void *user_data)
{
    fixture *it = user_data;
    cleat_slice data = cleat_slice_of("none");
    (void)cleat_task_trigger_data(task, "2ms", &data);
    (void)snprintf(it->text, sizeof(it->text), "%.*s", CLEAT_SLICE_ARGS(data));
    return CLEAT_OK;
}

static void test_a_task_waits_for_a_time(void **state)
{
    fixture *it = *state;
    static const cleat_dag_condition waits[] = {{.sleep_for = "2ms"}};
    start(it,
          CLEAT_DAG_TASK(.name = "last", .run = tell_time, .user_data = it, .parents = after_first,
                         .wait_for = waits, .wait_for_count = 1),
          NULL);
    dag_run(it, NULL, CLEAT_RUN_COMPLETED);
    assert_non_null(strstr(it->text, "2ms"));
    assert_int_equal(it->text[0], '{');
}

/* ---- Failures ---- */

static cleat_status tell_errors(cleat_task *task, void *user_data)
{
    fixture *it = user_data;
    const char *error = cleat_task_step_error(task, "last"), *none = cleat_task_step_error(task, "first");
    (void)snprintf(it->text, sizeof(it->text), "%s; %s", error != NULL ? error : "none",
                   none != NULL ? none : "none");
    gate_add(&it->seen);
    return CLEAT_OK;
}

static void test_a_failure_is_told(void **state)
{
    fixture *it = *state;
    static char fruit[] = "pears";
    start(it, CLEAT_DAG_TASK(.name = "last", .run = dag_give_up, .user_data = fruit, .parents = after_first),
          CLEAT_DAG_TASK(.name = "tell", .run = tell_errors, .user_data = it));
    dag_run(it, NULL, CLEAT_RUN_FAILED);
    assert_string_equal(it->result.error, "no \"pears\"");
    assert_string_equal(it->text, "no \"pears\"; none");
}

static void test_without_a_failure_that_task_is_skipped(void **state)
{
    fixture *it = *state;
    start(it,
          CLEAT_DAG_TASK(.name = "last", .run = dag_give_number, .user_data = &one, .parents = after_first),
          CLEAT_DAG_TASK(.name = "tell", .run = tell_errors, .user_data = it));
    dag_run(it, NULL, CLEAT_RUN_COMPLETED);
    dag_assert_output(it, "\"last\":{\"n\":1}");
    assert_int_equal(gate_count(&it->seen), 0);
}

static cleat_status list_parents(cleat_task *task, void *user_data)
{
    cleat_slice side, last, none;
    (void)user_data;
    bool has_both = cleat_task_parent_output(task, "side", &side) == CLEAT_OK &&
                    cleat_task_parent_output(task, "last", &last) == CLEAT_OK;
    bool has_first = cleat_task_parent_output(task, "first", &none) == CLEAT_OK;
    char text[100];
    (void)snprintf(text, sizeof(text), "[%s,%.*s,%.*s]", has_first ? "true" : "false",
                   has_both ? (int)side.size : 0, side.data, has_both ? (int)last.size : 0, last.data);
    return cleat_task_return(task, text);
}

static void start_with_praise(fixture *it, const cleat_dag_task *last)
{
    const cleat_dag_task *const tasks[] = {
        CLEAT_DAG_TASK(.name = "first", .run = dag_give_input),
        CLEAT_DAG_TASK(.name = "side", .run = dag_give_number, .user_data = &one),
        last,
        NULL,
    };
    assert_ok(cleat_worker_add_dag(
        it->worker, CLEAT_DAG_OPTIONS(.name = "w", .tasks = tasks,
                                      .on_success = CLEAT_DAG_TASK(.name = "praise", .run = list_parents))));
    assert_ok(cleat_worker_start(it->worker));
}

static void test_when_all_have_completed_the_task_for_that_runs(void **state)
{
    fixture *it = *state;
    start_with_praise(it, CLEAT_DAG_TASK(.name = "last", .run = dag_give_number, .user_data = &two,
                                         .parents = after_first));
    dag_run(it, NULL, CLEAT_RUN_COMPLETED);
    dag_assert_output(it, "\"praise\":[false,{\"n\":1},{\"n\":2}]"); /* "first" is not among the last */
}

static void test_when_one_has_failed_it_does_not(void **state)
{
    fixture *it = *state;
    static char fruit[] = "pears";
    start_with_praise(
        it, CLEAT_DAG_TASK(.name = "last", .run = dag_give_up, .user_data = fruit, .parents = after_first));
    dag_run(it, NULL, CLEAT_RUN_FAILED);
    assert_string_equal(it->result.error, "no \"pears\"");
}

/* ---- Where it comes from ---- */

static cleat_status push_paid(cleat_task *task, void *user_data)
{
    (void)user_data;
    cleat_status status = cleat_client_push(cleat_task_client(task), "order:paid", NULL, NULL, NULL);
    return status == CLEAT_OK ? CLEAT_OK : cleat_task_fail(task, status, "%s", cleat_error_message());
}

static void test_an_event_says_which_run_and_which_task_pushed_it(void **state)
{
    fixture *it = *state;
    static const char *const keys[] = {"order:paid", NULL};
    cleat_task_list tasks;
    cleat_run_id id;
    char expected[128];
    assert_ok(cleat_worker_add_task(it->worker, CLEAT_TASK_OPTIONS(.name = "order:note", .run = tell_metadata,
                                                                   .user_data = it, .on_events = keys)));
    start(it, CLEAT_DAG_TASK(.name = "last", .run = push_paid, .parents = after_first), NULL);
    assert_ok(cleat_client_run_no_wait(it->client, "w", "{}", NULL, &id));
    gate_wait(&it->seen, 1);
    assert_ok(cleat_client_list_tasks(it->client, &id, &tasks));
    (void)snprintf(expected, sizeof(expected), "\"hatchet__source_workflow_run_id\":\"%s\"", id.text);
    assert_non_null(strstr(it->text, expected));
    (void)snprintf(expected, sizeof(expected), "\"hatchet__source_step_run_id\":\"%s\"",
                   tasks.items[1].id.text);
    assert_non_null(strstr(it->text, expected));
    cleat_task_list_deinit(&tasks);
}

/* ---- What the workflow says ---- */

static cleat_status tell_event(cleat_task *task, void *user_data)
{
    fixture *it = user_data;
    (void)snprintf(it->text, sizeof(it->text), "%s %.*s %d", cleat_task_event_key(task),
                   CLEAT_SLICE_ARGS(cleat_task_input(task)), cleat_task_priority(task));
    gate_add(&it->seen);
    return CLEAT_OK;
}

static void test_events_start_it_by_its_filters(void **state)
{
    fixture *it = *state;
    static const char *const keys[] = {"order:*", NULL};
    static const cleat_filter filters[] = {{.scope = "eu", .expression = "input.n > 1"}};
    const cleat_dag_task *const tasks[] = {
        CLEAT_DAG_TASK(.name = "first", .run = dag_give_input),
        CLEAT_DAG_TASK(.name = "last", .run = tell_event, .user_data = it, .parents = after_first),
        NULL,
    };
    assert_ok(cleat_worker_add_dag(
        it->worker, CLEAT_DAG_OPTIONS(.name = "w", .tasks = tasks, .on_events = keys,
                                      .priority = CLEAT_PRIORITY_HIGH, .sticky = CLEAT_STICKY_SOFT,
                                      .default_filters = filters, .default_filter_count = 1)));
    assert_ok(cleat_worker_start(it->worker));
    assert_ok(
        cleat_client_push(it->client, "order:a", "{\"n\":1}", CLEAT_EVENT_OPTIONS(.scope = "eu"), NULL));
    assert_ok(
        cleat_client_push(it->client, "order:b", "{\"n\":2}", CLEAT_EVENT_OPTIONS(.scope = "eu"), NULL));
    gate_wait(&it->seen, 1);
    assert_string_equal(it->text, "order:b {\"n\":2} 3");
}

static void test_runs_have_keys(void **state)
{
    fixture *it = *state;
    const cleat_idempotency key = {.expression = "input.id", .ttl_ms = 60000};
    const cleat_dag_task *const tasks[] = {
        CLEAT_DAG_TASK(.name = "first", .run = dag_give_input),
        CLEAT_DAG_TASK(.name = "last", .run = dag_give_input, .parents = after_first),
        NULL,
    };
    assert_ok(cleat_worker_add_dag(it->worker,
                                   CLEAT_DAG_OPTIONS(.name = "w", .tasks = tasks, .idempotency = &key)));
    assert_ok(cleat_worker_start(it->worker));
    dag_run(it, "{\"id\":\"a\"}", CLEAT_RUN_COMPLETED);
    assert_int_equal(cleat_client_run_no_wait(it->client, "w", "{\"id\":\"a\"}", NULL, NULL),
                     CLEAT_ALREADY_EXISTS);
}

/* ---- What is refused ---- */

static cleat_status add(const fixture *it, const cleat_dag_task *a, const cleat_dag_task *b)
{
    const cleat_dag_task *const tasks[] = {a, b, NULL};
    return cleat_worker_add_dag(it->worker, CLEAT_DAG_OPTIONS(.name = "bad", .tasks = tasks));
}

#define TASK(...) CLEAT_DAG_TASK(.run = dag_give_input, __VA_ARGS__)

static void test_bad_graphs(void **state)
{
    fixture *it = *state;
    static const char *const nobody[] = {"nobody", NULL}, *const a[] = {"a", NULL}, *const b[] = {"b", NULL},
                             *const a_twice[] = {"a", "a", NULL};
    static const cleat_dag_condition of_b[] = {{.parent = "b"}};
    assert_refused(add(it, TASK(.name = "a"), TASK(.name = "b", .parents = nobody)), CLEAT_INVALID_ARGUMENT,
                   "its parent \"nobody\" is no task of the workflow");
    assert_refused(add(it, TASK(.name = "a", .parents = b), TASK(.name = "b", .parents = a)),
                   CLEAT_INVALID_ARGUMENT, "its parents are in a cycle");
    assert_refused(add(it, TASK(.name = "a"), TASK(.name = "b", .parents = b)), CLEAT_INVALID_ARGUMENT,
                   "wait for itself");
    assert_refused(add(it, TASK(.name = "a"), TASK(.name = "a")), CLEAT_INVALID_ARGUMENT,
                   "\"a\" is there twice");
    assert_refused(add(it, TASK(.name = "a"), TASK(.name = "b", .parents = a_twice)), CLEAT_INVALID_ARGUMENT,
                   "given twice");
    assert_refused(add(it, TASK(.name = "a", .wait_for = of_b, .wait_for_count = 1), TASK(.name = "b")),
                   CLEAT_INVALID_ARGUMENT, "\"b\" is no parent of it");
    assert_refused(add(it, TASK(.name = "A"), TASK(.name = "b")), CLEAT_INVALID_ARGUMENT, "lower-case");
    assert_refused(add(it, TASK(.name = "a:b"), NULL), CLEAT_INVALID_ARGUMENT, "at most one ':'");
    assert_refused(add(it, CLEAT_DAG_TASK(.name = "a"), NULL), CLEAT_INVALID_ARGUMENT, "needs a function");
    assert_refused(add(it, TASK(.name = NULL), NULL), CLEAT_INVALID_ARGUMENT, "needs a name");
    assert_refused(add(it, TASK(.name = "a", .retries = -1), NULL), CLEAT_INVALID_ARGUMENT, "retries");
    assert_refused(add(it, NULL, NULL), CLEAT_INVALID_ARGUMENT, "0 tasks");
    assert_refused(cleat_worker_start(it->worker), CLEAT_FAILED_PRECONDITION, "no tasks");
}

static void test_bad_conditions(void **state)
{
    fixture *it = *state;
    static const struct {
        cleat_dag_condition condition;
        const char *word;
    } bad[] = {
        {{.name = "x"}, "has 0 of parent, sleep_for and event_key"},
        {{.event_key = "k", .sleep_for = "1s"}, "has 2 of parent"},
        {{.sleep_for = "1s", .expression = "true"}, "has no expression"},
        {{.sleep_for = "soon"}, "sleep_for"},
        {{.event_key = "k", .expression = "input.n =="}, "character 11"},
        {{.event_key = ""}, "key"},
        {{.event_key = "k", .or_group = -1}, "or_group -1"},
        {{.sleep_for = "1s", .scope = "eu"}, "scope \"eu\""},
        {{.event_key = "k", .name = "filter_payload"}, "filter_payload"},
        {{.event_key = "filter_payload"}, "filter_payload"},
        {{.event_key = "k", .name = ""}, "the name"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const cleat_dag_condition *each = &bad[i].condition;
        assert_refused(add(it, TASK(.name = "a", .wait_for = each, .wait_for_count = 1), NULL),
                       CLEAT_INVALID_ARGUMENT, bad[i].word);
    }
    static const char *const after_b[] = {"b", NULL};
    static const cleat_dag_condition mixed[] = {{.parent = "b", .or_group = 7},
                                                {.event_key = "k", .or_group = 7}};
    assert_refused(add(it, TASK(.name = "a", .parents = after_b, .wait_for = mixed, .wait_for_count = 2),
                       TASK(.name = "b")),
                   CLEAT_INVALID_ARGUMENT, "group 7 in wait_for of task \"a\"");
    static const cleat_dag_condition alike[] = {{.event_key = "k"}, {.sleep_for = "1s", .name = "k"}};
    assert_refused(add(it, TASK(.name = "a", .wait_for = alike, .wait_for_count = 2), NULL),
                   CLEAT_INVALID_ARGUMENT, "two conditions in wait_for of task \"a\" are called \"k\"");
    assert_refused(add(it, TASK(.name = "a", .skip_if_count = 1), NULL), CLEAT_INVALID_ARGUMENT, "skip_if");
    assert_refused(add(it, TASK(.name = "a", .cancel_if = &bad[0].condition, .cancel_if_count = 101), NULL),
                   CLEAT_INVALID_ARGUMENT, "more than 100");
}

static void test_bad_workflows(void **state)
{
    fixture *it = *state;
    static const char *const after_a[] = {"a", NULL};
    static const char *const wrong[] = {"* * * *", NULL};
    const cleat_dag_task *const tasks[] = {TASK(.name = "a"), NULL};
    cleat_worker *worker = it->worker;
    assert_refused(cleat_worker_add_dag(worker, NULL), CLEAT_INVALID_ARGUMENT, "options");
    assert_refused(cleat_worker_add_dag(worker, CLEAT_DAG_OPTIONS(.tasks = tasks)), CLEAT_INVALID_ARGUMENT,
                   "needs a name");
    assert_refused(cleat_worker_add_dag(worker, CLEAT_DAG_OPTIONS(.name = "w")), CLEAT_INVALID_ARGUMENT,
                   "0 tasks");
    assert_refused(cleat_worker_add_dag(worker, CLEAT_DAG_OPTIONS(.name = "w:x", .tasks = tasks)),
                   CLEAT_INVALID_ARGUMENT, "cannot have a ':'");
    assert_refused(
        cleat_worker_add_dag(worker, CLEAT_DAG_OPTIONS(.name = "w", .tasks = tasks, .on_crons = wrong)),
        CLEAT_INVALID_ARGUMENT, "4 fields");
    assert_refused(
        cleat_worker_add_dag(worker, CLEAT_DAG_OPTIONS(.name = "w", .tasks = tasks,
                                                       .on_failure = TASK(.name = "f", .parents = after_a))),
        CLEAT_INVALID_ARGUMENT, "neither parents nor conditions");
    assert_refused(
        cleat_worker_add_dag(worker, CLEAT_DAG_OPTIONS(.name = "w", .tasks = tasks,
                                                       .on_success = TASK(.name = "s", .parents = after_a))),
        CLEAT_INVALID_ARGUMENT, "names no parents");
}

static void test_names_are_taken_once(void **state)
{
    fixture *it = *state;
    const cleat_dag_task *const tasks[] = {TASK(.name = "a"), TASK(.name = "b"), NULL};
    const cleat_dag_options *dag = CLEAT_DAG_OPTIONS(.name = "w", .tasks = tasks);
    cleat_worker *worker = it->worker;
    assert_ok(cleat_worker_add_task(worker, CLEAT_TASK_OPTIONS(.name = "w:b", .run = dag_give_input)));
    assert_refused(cleat_worker_add_dag(worker, dag), CLEAT_ALREADY_EXISTS, "w:b");
    assert_ok(cleat_worker_add_task(worker, CLEAT_TASK_OPTIONS(.name = "v", .run = dag_give_input)));
    assert_refused(cleat_worker_add_dag(worker, CLEAT_DAG_OPTIONS(.name = "v", .tasks = tasks)),
                   CLEAT_ALREADY_EXISTS, "a workflow \"v\"");
    assert_ok(cleat_worker_add_dag(worker, CLEAT_DAG_OPTIONS(.name = "u", .tasks = tasks)));
    assert_refused(cleat_worker_add_task(worker, CLEAT_TASK_OPTIONS(.name = "u", .run = dag_give_input)),
                   CLEAT_ALREADY_EXISTS, "\"u\"");
    assert_refused(cleat_worker_add_task(worker, CLEAT_TASK_OPTIONS(.name = "u:a", .run = dag_give_input)),
                   CLEAT_ALREADY_EXISTS, "u:a");
    assert_ok(cleat_worker_start(worker));
    assert_refused(cleat_worker_add_dag(worker, CLEAT_DAG_OPTIONS(.name = "t", .tasks = tasks)),
                   CLEAT_FAILED_PRECONDITION, "started");
}

/* Of tasks that are named as if they were of the workflow "w", which another worker has declared. */
static void test_no_worker_runs_what_only_has_the_same_action(void **state)
{
    fixture *it = *state;
    const cleat_dag_task *const tasks[] = {TASK(.name = "a"), TASK(.name = "b"), NULL};
    cleat_worker *other = NULL;
    dag_start(it, tasks);
    assert_ok(cleat_worker_new(it->client, NULL, &other));
    assert_ok(cleat_worker_add_task(other, CLEAT_TASK_OPTIONS(.name = "w:a", .run = dag_give_input)));
    assert_ok(cleat_worker_add_task(other, CLEAT_TASK_OPTIONS(.name = "w:b", .run = dag_give_input)));
    if (strcmp(it->target->name, "embedded") == 0) {
        assert_refused(cleat_worker_start(other), CLEAT_FAILED_PRECONDITION, "give one of them another name");
    } else { /* other programs may share an action on purpose */
        assert_ok(cleat_worker_stop(it->worker, -1));
        assert_ok(cleat_worker_start(other));
        dag_run(it, "{}", CLEAT_RUN_FAILED);
        assert_non_null(strstr(it->result.error, "this worker has no task \"w:"));
        assert_non_null(strstr(it->result.error, "of a workflow of several"));
        cleat_run_result_deinit(&it->result);
        assert_ok(cleat_client_run(it->client, "w:a", "{\"n\":1}", NULL, &it->result));
        assert_string_equal(it->result.output, "{\"n\":1}");
    }
    cleat_worker_free(other);
}

/* Runs of the time when the workflow had one task. */
static void test_a_workflow_gets_a_second_task(void **state)
{
    fixture *it = *state;
    const cleat_dag_task *const one_task[] = {TASK(.name = "a"), NULL};
    const cleat_dag_task *const two_tasks[] = {TASK(.name = "a"), TASK(.name = "b"), NULL};
    cleat_worker *later = NULL;
    cleat_run_id id;
    dag_start(it, one_task);
    assert_ok(cleat_worker_stop(it->worker, -1));
    assert_ok(cleat_client_run_no_wait(it->client, "w", "{\"n\":1}", NULL, &id));
    assert_ok(cleat_worker_new(it->client, NULL, &later));
    assert_ok(cleat_worker_add_dag(later, CLEAT_DAG_OPTIONS(.name = "w", .tasks = two_tasks)));
    assert_ok(cleat_worker_start(later));
    assert_ok(cleat_client_wait(it->client, &id, -1, &it->result));
    assert_string_equal(it->result.output, "{\"n\":1}");
    cleat_worker_free(later);
}

int dag_suite_run(const sdk_target *target)
{
#define TEST(function) \
    cmocka_unit_test_prestate_setup_teardown(function, dag_set_up, dag_tear_down, (void *)(uintptr_t)target)
    const struct CMUnitTest tests[] = {
        TEST(test_a_task_has_the_outputs_of_its_parents),
        TEST(test_of_parents_that_have_made_too_much_the_largest_is_left_out),
        TEST(test_a_task_is_retried_alone),
        TEST(test_a_workflow_of_one_task_is_its_task),
        TEST(test_a_child_knows_the_run_and_the_task_that_it_is_of),
        TEST(test_a_task_is_skipped_by_what_a_parent_has_made),
        TEST(test_a_task_is_cancelled_by_what_a_parent_has_made),
        TEST(test_a_task_waits_for_an_event),
        TEST(test_a_task_waits_for_an_event_of_a_scope),
        TEST(test_a_task_waits_for_a_time),
        TEST(test_a_failure_is_told),
        TEST(test_without_a_failure_that_task_is_skipped),
        TEST(test_when_all_have_completed_the_task_for_that_runs),
        TEST(test_when_one_has_failed_it_does_not),
        TEST(test_an_event_says_which_run_and_which_task_pushed_it),
        TEST(test_events_start_it_by_its_filters),
        TEST(test_runs_have_keys),
        TEST(test_bad_graphs),
        TEST(test_bad_conditions),
        TEST(test_bad_workflows),
        TEST(test_names_are_taken_once),
        TEST(test_no_worker_runs_what_only_has_the_same_action),
        TEST(test_a_workflow_gets_a_second_task),
    };
#undef TEST
    return cmocka_run_group_tests_name(target->name, tests, NULL, NULL);
}
