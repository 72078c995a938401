/* Runs of several tasks: what follows what, what is skipped and cancelled, and what is told. */
#include "engine/dag_test.h"
#include "store/expiry.h"

static void add_diamond(dag_rig *at)
{
    add_task(at, "a", "");
    add_task(at, "b", "a");
    add_task(at, "c", "a");
    add_task(at, "d", "b c");
}

static void test_a_task_runs_when_all_its_parents_have_completed(void **state)
{
    dag_rig *at = *state;
    add_diamond(at);
    begin(at, "{\"n\":1}");
    assert_string_equal(given(), "a");
    assert_string_equal(tasks_of(at), "a=running b=held c=held d=held");
    assert_string_equal(run_of(at), "RUNNING");
    complete(at, "a", "{\"x\":1}");
    assert_string_equal(given(), "b c");
    complete(at, "c", "7");
    assert_string_equal(given(), "");
    complete(at, "b", "{\"y\":[2]}");
    assert_string_equal(given(), "d");
    assert_string_equal(run_of(at), "RUNNING");
    complete(at, "d", "{}");
    assert_string_equal(run_of(at), "COMPLETED {\"a\":{\"x\":1},\"b\":{\"y\":[2]},\"c\":7,\"d\":{}}");
}

static void test_a_task_is_told_the_input_and_what_its_parents_made(void **state)
{
    dag_rig *at = *state;
    add_diamond(at);
    begin(at, "{\"n\":1}");
    complete(at, "a", "{\"x\":1}");
    complete(at, "b", " {\"y\":2}");
    complete(at, "c", "7"); /* no object: not passed on */
    const told_task *task = find_told("d");
    assert_string_equal(task->input, "{\"n\":1}");
    assert_string_equal(task->parents, "{\"b\": {\"y\":2}}");
    assert_string_equal(find_told("a")->parents, "{}");
    assert_true(cleat__uuid_equals(&task->run_id, &at->run));
    assert_false(cleat__uuid_equals(&task->id, &at->run));
}

static void test_a_failure_cancels_what_is_behind_it(void **state)
{
    dag_rig *at = *state;
    add_diamond(at);
    begin(at, "{}");
    complete(at, "a", "{}");
    fail_task(at, "b", "broken");
    assert_string_equal(tasks_of(at), "a=completed b=failed c=running d=cancelled");
    assert_string_equal(run_of(at), "RUNNING");
    complete(at, "c", "{}");
    assert_string_equal(run_of(at), "FAILED broken");
}

static void test_only_the_last_failure_counts(void **state)
{
    dag_rig *at = *state;
    add_diamond(at);
    at->tasks[0].policy.retries = 1;
    begin(at, "{}");
    fail_task(at, "a", "once");
    assert_string_equal(tasks_of(at), "a=running b=held c=held d=held");
    fail_task(at, "a", "twice");
    assert_string_equal(tasks_of(at), "a=failed b=cancelled c=cancelled d=cancelled");
    assert_string_equal(run_of(at), "FAILED twice");
}

/* ---- On a failure ---- */

static void test_who_runs_on_a_failure_is_told_of_it(void **state)
{
    dag_rig *at = *state;
    add_task(at, "a", "");
    add_task(at, "b", "");
    add_task(at, "c", "a");
    add_task(at, "mend", "")->is_on_failure = true;
    begin(at, "{}");
    assert_string_equal(given(), "a b");
    fail_task(at, "a", "it \"broke\"");
    assert_string_equal(given(), "mend"); /* at once */
    assert_string_equal(find_told("mend")->errors, "{\"a\":\"it \\\"broke\\\"\"}");
    complete(at, "mend", "{}");
    assert_string_equal(run_of(at), "RUNNING");
    complete(at, "b", "{}");
    assert_string_equal(tasks_of(at), "a=failed b=completed c=cancelled mend=completed");
    assert_string_equal(run_of(at), "FAILED it \"broke\"");
}

static void test_who_runs_on_a_failure_is_skipped_without_one(void **state)
{
    dag_rig *at = *state;
    add_task(at, "a", "");
    add_task(at, "mend", "")->is_on_failure = true;
    begin(at, "{}");
    assert_string_equal(given(), "a");
    complete(at, "a", "{\"x\":1}");
    assert_string_equal(given(), "");
    assert_string_equal(run_of(at), "COMPLETED {\"a\":{\"x\":1},\"mend\":{\"skipped\":true}}");
}

/* ---- Conditions of parents ---- */

static void test_a_task_is_skipped_by_what_a_parent_made(void **state)
{
    dag_rig *at = *state;
    const cleat__step_condition skip = of_parent(CLEAT__STEP_SKIP, "a", "output.n > 50");
    add_task(at, "a", "");
    set_conditions(add_task(at, "b", "a"), &skip, 1);
    add_task(at, "c", "b");
    add_task(at, "d", "a b");
    begin(at, "{}");
    complete(at, "a", "{\"n\":51}");
    /* All parents of c were skipped, and not all of d's. */
    assert_string_equal(tasks_of(at), "a=completed b=skipped c=skipped d=running");
    assert_string_equal(find_told("d")->parents, "{\"a\":{\"n\":51},\"b\":{\"skipped\":true}}");
    complete(at, "d", "{}");
    assert_string_equal(run_of(at), "COMPLETED {\"a\":{\"n\":51},\"b\":{\"skipped\":true},"
                                    "\"c\":{\"skipped\":true},\"d\":{}}");
}

static void test_a_condition_that_is_not_met_changes_nothing(void **state)
{
    dag_rig *at = *state;
    const cleat__step_condition conditions[] = {of_parent(CLEAT__STEP_SKIP, "a", "output.n > 50"),
                                                of_parent(CLEAT__STEP_CANCEL, "a", "output.no_such == 1")};
    add_task(at, "a", "");
    set_conditions(add_task(at, "b", "a"), conditions, 2);
    begin(at, "{}");
    complete(at, "a", "{\"n\":50}");
    assert_string_equal(tasks_of(at), "a=completed b=running");
}

static void test_a_task_is_cancelled_by_what_a_parent_made(void **state)
{
    dag_rig *at = *state;
    const cleat__step_condition cancel_if = of_parent(CLEAT__STEP_CANCEL, "a", "output.stop");
    add_task(at, "a", "");
    set_conditions(add_task(at, "b", "a"), &cancel_if, 1);
    begin(at, "{}");
    complete(at, "a", "{\"stop\":true}");
    assert_string_equal(tasks_of(at), "a=completed b=cancelled");
    assert_string_equal(run_of(at), "CANCELLED");
}

static void test_a_task_that_can_never_run_is_cancelled(void **state)
{
    dag_rig *at = *state;
    const cleat__step_condition wait = of_parent(CLEAT__STEP_QUEUE, "a", "output.go");
    add_task(at, "a", "");
    set_conditions(add_task(at, "b", "a"), &wait, 1);
    begin(at, "{}");
    complete(at, "a", "{\"go\":false}");
    assert_string_equal(tasks_of(at), "a=completed b=cancelled");
}

/* ---- Sleeps and events ---- */

/* Who reads the file later knows when a task that was held came into its queue. */
static void test_it_is_noted_when_a_task_is_let_go(void **state)
{
    dag_rig *at = *state;
    add_task(at, "a", "");
    add_task(at, "b", "a");
    begin(at, "{}");
    advance(&at->core, 7000);
    complete(at, "a", "{}");
    assert_string_equal(
        query("SELECT y.task_name || ' ' || n.kind || ' ' || n.retry_count || ' ' || (n.at_ms - "
              "t.created_at_ms) FROM task_note n JOIN task t ON t.id = n.task_id "
              "JOIN task_type y ON y.id = t.type_id WHERE t.dag_id = ?1",
              &at->run),
        "b QUEUED 0 7000");
}

static void test_a_task_waits_for_a_time_behind_its_parents(void **state)
{
    dag_rig *at = *state;
    const cleat__step_condition wait = of_sleep(CLEAT__STEP_QUEUE, 5000, "5s");
    add_task(at, "a", "");
    set_conditions(add_task(at, "b", "a"), &wait, 1);
    begin(at, "{}");
    advance(&at->core, 10000);
    complete(at, "a", "{}");
    assert_string_equal(tasks_of(at), "a=completed b=held");
    advance(&at->core, 4999);
    assert_string_equal(tasks_of(at), "a=completed b=held");
    restart(at);
    advance(&at->core, 1);
    assert_string_equal(tasks_of(at), "a=completed b=running");
    assert_string_equal(find_told("b")->triggers, "{\"5s\":{\"sleep_duration\":\"5s\"}}");
}

static void test_a_first_task_waits_for_an_event(void **state)
{
    dag_rig *at = *state;
    cleat__step_condition wait = of_event(CLEAT__STEP_QUEUE, "go");
    wait.of.expression = cleat_slice_of("input.n == 2");
    set_conditions(add_task(at, "a", ""), &wait, 1);
    begin(at, "{}");
    assert_string_equal(run_of(at), "QUEUED");
    push(at, "go", "{\"n\":1}");
    assert_string_equal(tasks_of(at), "a=held");
    push(at, "go", "{\"n\":2}");
    assert_string_equal(given(), "a");
    assert_string_equal(find_told("a")->triggers, "{\"go\":{\"n\":2}}");
    complete(at, "a", "{}");
    push(at, "go", "{\"n\":2}"); /* nobody waits any more */
    assert_string_equal(run_of(at), "COMPLETED {\"a\":{}}");
}

static void test_a_run_does_not_wait_for_what_has_started_it(void **state)
{
    dag_rig *at = *state;
    const cleat_slice key = cleat_slice_of("go");
    const cleat__step_condition wait = of_event(CLEAT__STEP_QUEUE, "go");
    const cleat__user_event events[] = {{.key = key, .payload = cleat_slice_of("{\"n\":1}")},
                                        {.key = key, .payload = cleat_slice_of("{\"n\":2}")}};
    cleat__uuid ids[2];
    cleat__command command = {
        .tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_PUSH, .as.push = {events, 2, ids, NULL}};
    set_conditions(add_task(at, "a", ""), &wait, 1);
    at->workflow.event_keys = &key;
    at->workflow.event_key_count = 1;
    declare_workflow(at);
    hire_all(at);
    assert_int_equal(ask(&at->core, &command), CLEAT_OK);
    assert_string_equal(given(), "a"); /* of the first run, by the second event */
    assert_string_equal(told.tasks[0].input, "{\"n\":1}");
    assert_string_equal(told.tasks[0].triggers, "{\"go\":{\"n\":2}}");
    push(at, "go", "{\"n\":3}");
    assert_string_equal(given(), "a");
    assert_string_equal(told.tasks[1].input, "{\"n\":2}");
}

/* The one that has the idempotency key waits for events that would start another one, of the same push too. */
static void test_who_refuses_another_run_hears_of_the_event(void **state)
{
    dag_rig *at = *state;
    const cleat_slice key = cleat_slice_of("go");
    const cleat__step_condition wait[] = {of_event(CLEAT__STEP_QUEUE, "go"),
                                          of_event(CLEAT__STEP_QUEUE, "ready")};
    const cleat__idempotency one = {cleat_slice_of("'one'"), 60000, CLEAT_IDEMPOTENCY_STATUS};
    const cleat__user_event events[] = {{.key = key, .payload = cleat_slice_of("{\"n\":1}")},
                                        {.key = key, .payload = cleat_slice_of("{\"n\":2}")}};
    cleat__uuid ids[2];
    cleat__command command = {
        .tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_PUSH, .as.push = {events, 2, ids, NULL}};
    set_conditions(add_task(at, "a", ""), wait, 2);
    at->workflow.event_keys = &key;
    at->workflow.event_key_count = 1;
    at->workflow.idempotency = &one;
    declare_workflow(at);
    hire_all(at);
    assert_int_equal(ask(&at->core, &command), CLEAT_OK);
    push(at, "ready", "{}");
    assert_string_equal(given(), "a");
    assert_string_equal(told.tasks[0].triggers, "{\"go\":{\"n\":2},\"ready\":{}}");
    complete(at, "a", "{}");
    push(at, "go", "{\"n\":3}");
    push(at, "go", "{\"n\":4}");
    push(at, "ready", "{}");
    assert_string_equal(given(), "a");
    assert_string_equal(told.tasks[1].triggers, "{\"go\":{\"n\":4},\"ready\":{}}");
}

static void test_alternatives_and_all_of_several(void **state)
{
    dag_rig *at = *state;
    cleat__step_condition wait[] = {of_event(CLEAT__STEP_QUEUE, "x"), of_sleep(CLEAT__STEP_QUEUE, 5000, "5s"),
                                    of_event(CLEAT__STEP_QUEUE, "y")};
    wait[0].of.group = wait[1].of.group = cleat_slice_of("either");
    set_conditions(add_task(at, "a", ""), wait, 3);
    begin(at, "{}");
    push(at, "y", "{}");
    assert_string_equal(tasks_of(at), "a=held");
    restart(at);
    push(at, "x", "{\"n\":1}");
    assert_string_equal(tasks_of(at), "a=running");
    assert_string_equal(find_told("a")->triggers, "{\"x\":{\"n\":1},\"y\":{}}");
}

static void test_an_event_skips_or_cancels_who_waits(void **state)
{
    dag_rig *at = *state;
    const cleat__step_condition skip[] = {of_sleep(CLEAT__STEP_QUEUE, 5000, "5s"),
                                          of_event(CLEAT__STEP_SKIP, "skip")};
    const cleat__step_condition stop[] = {of_sleep(CLEAT__STEP_QUEUE, 5000, "5s"),
                                          of_event(CLEAT__STEP_CANCEL, "stop")};
    set_conditions(add_task(at, "a", ""), skip, 2);
    set_conditions(add_task(at, "b", ""), stop, 2);
    set_conditions(add_task(at, "c", ""), skip, 2);
    add_task(at, "d", "a");
    begin(at, "{}");
    push(at, "skip", "{}");
    push(at, "stop", "{}");
    assert_string_equal(tasks_of(at), "a=skipped b=cancelled c=skipped d=skipped");
    assert_string_equal(run_of(at), "CANCELLED");
}

static void test_a_time_that_is_over_first_wins(void **state)
{
    dag_rig *at = *state;
    const cleat__step_condition skip[] = {of_sleep(CLEAT__STEP_QUEUE, 5000, "5s"),
                                          of_event(CLEAT__STEP_SKIP, "skip")};
    set_conditions(add_task(at, "a", ""), skip, 2);
    begin(at, "{}");
    advance(&at->core, 5000);
    push(at, "skip", "{}");
    assert_string_equal(tasks_of(at), "a=running");
}

static void test_a_sleep_of_nothing_is_over_at_once(void **state)
{
    dag_rig *at = *state;
    const cleat__step_condition conditions[] = {of_sleep(CLEAT__STEP_QUEUE, 0, "0s")};
    set_conditions(add_task(at, "a", ""), conditions, 1);
    add_task(at, "b", "a");
    begin(at, "{}");
    assert_string_equal(tasks_of(at), "a=running b=held");
}

/* ---- Cancelling ---- */

static void test_a_run_is_cancelled_with_all_its_tasks(void **state)
{
    dag_rig *at = *state;
    const cleat__step_condition wait = of_event(CLEAT__STEP_QUEUE, "go");
    add_task(at, "a", "");
    set_conditions(add_task(at, "b", ""), &wait, 1);
    add_task(at, "c", "a");
    add_task(at, "mend", "")->is_on_failure = true;
    begin(at, "{}");
    assert_int_equal(cancel(&at->core, &at->run), CLEAT_OK);
    assert_string_equal(tasks_of(at), "a=cancelled b=cancelled c=cancelled mend=skipped");
    assert_string_equal(told.cancelled, " a");
    assert_string_equal(run_of(at), "CANCELLED");
    push(at, "go", "{}");
    assert_int_equal(cancel(&at->core, &at->run), CLEAT_FAILED_PRECONDITION);
}

static void test_a_task_is_cancelled_with_what_is_behind_it(void **state)
{
    dag_rig *at = *state;
    add_task(at, "a", "");
    add_task(at, "b", "");
    add_task(at, "c", "a");
    begin(at, "{}");
    assert_int_equal(cancel(&at->core, &find_told("a")->id), CLEAT_OK);
    assert_string_equal(tasks_of(at), "a=cancelled b=running c=cancelled");
    complete(at, "b", "{}");
    assert_string_equal(run_of(at), "CANCELLED");
}

/* Whoever knows its id may take it for that of a task. */
static void test_a_run_is_nobodys_to_report(void **state)
{
    dag_rig *at = *state;
    int64_t timeout_at_ms = 0;
    add_task(at, "a", "");
    add_task(at, "b", "");
    begin(at, "{}");
    assert_int_equal(report(&at->core, &at->run, 0, CLEAT_OK, "{}"), CLEAT_OK);
    assert_int_equal(report(&at->core, &at->run, CLEAT__RETRY_CURRENT, CLEAT_IO, "bad"), CLEAT_OK);
    assert_int_equal(report(&at->core, &at->run, 0, CLEAT_UNAVAILABLE, ""), CLEAT_OK);
    cleat__command commands[] = {
        {.kind = CLEAT__COMMAND_STARTED, .as.started = {at->run, 0}},
        {.kind = CLEAT__COMMAND_UNDELIVERED, .as.undelivered = {at->run, 0}},
        {.kind = CLEAT__COMMAND_RELEASE_SLOT, .as.id = at->run},
        {.kind = CLEAT__COMMAND_REFRESH_TIMEOUT, .as.refresh_timeout = {at->run, 1000, &timeout_at_ms}},
    };
    for (size_t i = 0; i < 4; i++) {
        commands[i].tenant = CLEAT__TENANT_DEFAULT;
        assert_int_equal(ask(&at->core, &commands[i]), i < 2 ? CLEAT_OK : CLEAT_NOT_FOUND);
    }
    advance(&at->core, 10000);
    assert_string_equal(run_of(at), "RUNNING");
    complete(at, "a", "{}");
    complete(at, "b", "{}");
    assert_string_equal(run_of(at), "COMPLETED {\"a\":{},\"b\":{}}");
}

/* ---- Restarts ---- */

static void test_a_run_goes_on_after_each_restart(void **state)
{
    dag_rig *at = *state;
    const cleat__step_condition skip = of_parent(CLEAT__STEP_SKIP, "b", "output.n == 2");
    add_diamond(at);
    set_conditions(add_task(at, "e", "b c"), &skip, 1);
    add_task(at, "mend", "")->is_on_failure = true;
    begin(at, "{\"n\":1}");
    restart(at);
    complete(at, "a", "{}");
    restart(at);
    complete(at, "b", "{\"n\":2}"); /* which decides of e */
    assert_string_equal(tasks_of(at), "a=completed b=completed c=running d=held e=skipped mend=held");
    restart(at);
    complete(at, "c", "{}");
    restart(at);
    assert_string_equal(find_told("d")->parents, "{\"b\":{\"n\":2},\"c\":{}}");
    complete(at, "d", "{}");
    assert_string_equal(run_of(at),
                        "COMPLETED {\"a\":{},\"b\":{\"n\":2},\"c\":{},\"d\":{},\"e\":{\"skipped\":true},"
                        "\"mend\":{\"skipped\":true}}");
    restart(at);
    assert_string_equal(given(), "a a b c b c c d d"); /* each restart loses what was with the worker */
}

/* What a parent has said before a restart counts behind it. */
static void test_half_of_what_parents_say_survives_a_restart(void **state)
{
    dag_rig *at = *state;
    const cleat__step_condition both[] = {of_parent(CLEAT__STEP_SKIP, "a", "output.n == 1"),
                                          of_parent(CLEAT__STEP_SKIP, "b", "output.n == 1")};
    add_task(at, "a", "");
    add_task(at, "b", "");
    set_conditions(add_task(at, "c", "a b"), both, 2);
    begin(at, "{}");
    complete(at, "a", "{\"n\":1}");
    restart(at);
    complete(at, "b", "{\"n\":1}");
    assert_string_equal(tasks_of(at), "a=completed b=completed c=skipped");
}

/* ---- Again ---- */

static void test_a_run_is_replayed_with_all_its_tasks(void **state)
{
    dag_rig *at = *state;
    add_diamond(at);
    add_task(at, "mend", "")->is_on_failure = true;
    begin(at, "{}");
    fail_task(at, "a", "no");
    complete(at, "mend", "{}");
    assert_string_equal(run_of(at), "FAILED no");
    cleat__uuid former = find_told("a")->id;
    assert_int_equal(replay(at, &at->run), CLEAT_OK);
    assert_string_equal(tasks_of(at), "a=running b=held c=held d=held mend=held");
    assert_true(cleat__uuid_equals(&find_told("a")->id, &former));
    assert_int_equal(find_told("a")->retry_count, 1);
    assert_int_equal(replay(at, &at->run), CLEAT_FAILED_PRECONDITION);
    restart(at);
    complete(at, "a", "{}");
    complete(at, "b", "{}");
    complete(at, "c", "{}");
    complete(at, "d", "{}");
    assert_string_equal(run_of(at),
                        "COMPLETED {\"a\":{},\"b\":{},\"c\":{},\"d\":{},\"mend\":{\"skipped\":true}}");
}

static void test_a_task_is_replayed_with_what_is_behind_it(void **state)
{
    dag_rig *at = *state;
    add_diamond(at);
    begin(at, "{}");
    complete(at, "a", "{}");
    complete(at, "b", "{\"n\":1}");
    assert_int_equal(replay(at, &find_told("b")->id), CLEAT_FAILED_PRECONDITION); /* the run lives */
    complete(at, "c", "{\"n\":2}");
    complete(at, "d", "{}");
    (void)given();
    assert_int_equal(replay(at, &find_told("b")->id), CLEAT_OK);
    assert_string_equal(tasks_of(at), "a=completed b=running c=completed d=held");
    assert_string_equal(run_of(at), "RUNNING");
    complete(at, "b", "{\"n\":3}");
    assert_string_equal(given(), "b d");
    assert_string_equal(find_told("d")->parents, "{\"b\":{\"n\":3},\"c\":{\"n\":2}}");
    complete(at, "d", "{}");
    assert_string_equal(run_of(at), "COMPLETED {\"a\":{},\"b\":{\"n\":3},\"c\":{\"n\":2},\"d\":{}}");
}

/* ---- Declaring ---- */

static void test_the_same_declaration_is_the_same_version(void **state)
{
    dag_rig *at = *state;
    cleat__version first, second;
    add_diamond(at);
    assert_int_equal(put_workflow(&at->core, CLEAT__TENANT_DEFAULT, &at->workflow, &first), CLEAT_OK);
    at->core.now.unix_ms++;
    restart(at);
    assert_int_equal(put_workflow(&at->core, CLEAT__TENANT_DEFAULT, &at->workflow, &second), CLEAT_OK);
    assert_true(cleat__uuid_equals(&first.version_id, &second.version_id));
    at->tasks[3].policy.retries = 7;
    assert_int_equal(put_workflow(&at->core, CLEAT__TENANT_DEFAULT, &at->workflow, &second), CLEAT_OK);
    assert_false(cleat__uuid_equals(&first.version_id, &second.version_id));
}

static void test_a_run_keeps_the_version_it_began_with(void **state)
{
    dag_rig *at = *state;
    add_task(at, "a", "");
    add_task(at, "b", "a");
    begin(at, "{}");
    add_task(at, "c", "b");
    declare_workflow(at);
    restart(at);
    complete(at, "a", "{}");
    complete(at, "b", "{}");
    assert_string_equal(run_of(at), "COMPLETED {\"a\":{},\"b\":{}}");
}

/* Retention removes a run before its tasks, in pieces. */
static cleat_status remove_old(cleat__store *store, void *argument)
{
    int64_t rows = 100;
    bool was_removed = false;
    cleat_status status = cleat__expire_run(store, argument, INT64_MAX, &rows, &was_removed);
    assert_true(was_removed);
    return status;
}

static void test_a_task_whose_run_is_gone_runs_no_more(void **state)
{
    dag_rig *at = *state;
    cleat__command call = {.tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_CALL};
    add_task(at, "a", "");
    add_task(at, "b", "a");
    begin(at, "{}");
    complete(at, "a", "{}");
    complete(at, "b", "{}");
    call.as.call.function = remove_old;
    call.as.call.argument = &at->run;
    assert_int_equal(ask(&at->core, &call), CLEAT_OK);
    assert_int_equal(replay(at, &find_told("a")->id), CLEAT_NOT_FOUND);
    assert_int_equal(replay(at, &at->run), CLEAT_NOT_FOUND);
    assert_int_equal(cleat__core_failure(at->core.core), CLEAT_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_dag, close_dag)

/* d is skipped with all of its parents; one of e's was not. */
static void test_who_was_skipped_is_known_after_a_restart(void **state)
{
    dag_rig *at = *state;
    add_task(at, "a", "");
    add_task(at, "b", "");
    add_task(at, "c", "");
    add_task(at, "d", "a b");
    add_task(at, "e", "c a b");
    begin(at, "{}");
    complete(at, "a", "{\"skipped\":true}");
    complete(at, "c", "{\"skipped\":false}");
    restart(at);
    complete(at, "b", "{\"skipped\":true}");
    assert_string_equal(tasks_of(at), "a=completed b=completed c=completed d=skipped e=running");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_task_runs_when_all_its_parents_have_completed),
        TEST(test_a_task_is_told_the_input_and_what_its_parents_made),
        TEST(test_a_failure_cancels_what_is_behind_it),
        TEST(test_only_the_last_failure_counts),
        TEST(test_who_runs_on_a_failure_is_told_of_it),
        TEST(test_who_runs_on_a_failure_is_skipped_without_one),
        TEST(test_who_was_skipped_is_known_after_a_restart),
        TEST(test_a_task_is_skipped_by_what_a_parent_made),
        TEST(test_a_condition_that_is_not_met_changes_nothing),
        TEST(test_a_task_is_cancelled_by_what_a_parent_made),
        TEST(test_a_task_that_can_never_run_is_cancelled),
        TEST(test_it_is_noted_when_a_task_is_let_go),
        TEST(test_a_task_waits_for_a_time_behind_its_parents),
        TEST(test_a_first_task_waits_for_an_event),
        TEST(test_a_run_does_not_wait_for_what_has_started_it),
        TEST(test_who_refuses_another_run_hears_of_the_event),
        TEST(test_alternatives_and_all_of_several),
        TEST(test_an_event_skips_or_cancels_who_waits),
        TEST(test_a_time_that_is_over_first_wins),
        TEST(test_a_sleep_of_nothing_is_over_at_once),
        TEST(test_a_run_is_cancelled_with_all_its_tasks),
        TEST(test_a_task_is_cancelled_with_what_is_behind_it),
        TEST(test_a_run_is_nobodys_to_report),
        TEST(test_a_run_goes_on_after_each_restart),
        TEST(test_half_of_what_parents_say_survives_a_restart),
        TEST(test_a_run_is_replayed_with_all_its_tasks),
        TEST(test_a_task_is_replayed_with_what_is_behind_it),
        TEST(test_a_task_whose_run_is_gone_runs_no_more),
        TEST(test_the_same_declaration_is_the_same_version),
        TEST(test_a_run_keeps_the_version_it_began_with),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
