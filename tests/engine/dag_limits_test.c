/* Limits of workflows of several tasks: a slot for a run, and what single tasks take. */
#include "engine/dag_limits_test.h"
#include "support/failing_allocator.h"

#include "base/error.h"
#include "engine/core_parts.h"

/* a before b, and one for failures. */
static void add_pair(dag_rig *at)
{
    add_task(at, "a", "");
    add_task(at, "b", "a");
    add_task(at, "mend", "")->is_on_failure = true;
}

static void check_nothing_is_held(const dag_rig *at)
{
    assert_int_equal(at->core.core->limits.groups.count, 0);
    assert_int_equal(at->core.core->limits.contenders.count, 0);
}

/* ---- Of the run ---- */

static void test_a_run_has_its_slot_until_its_last_task_has_ended(void **state)
{
    dag_rig *at = *state;
    const cleat__concurrency rule = by_key(1, CLEAT_GROUP_ROUND_ROBIN);
    add_pair(at);
    limit_runs(at, &rule, 1);
    declare_all(at);
    cleat__uuid first = start(at, "x"), second = start(at, "x"), other = start(at, "y");
    check_tasks(at, &first, "a=running b=held mend=held");
    check_tasks(at, &second, "a=held b=held mend=held");
    check_run(at, &second, "QUEUED");
    check_tasks(at, &other, "a=running b=held mend=held");
    end_task(at, &first, "a", CLEAT_OK);
    check_tasks(at, &second, "a=held b=held mend=held");
    end_task(at, &first, "b", CLEAT_OK);
    check_tasks(at, &second, "a=running b=held mend=held");
    end_task(at, &second, "a", CLEAT_OK);
    end_task(at, &second, "b", CLEAT_OK);
    check_run(at, &second, "COMPLETED {\"a\":{},\"b\":{},\"mend\":{\"skipped\":true}}");
    assert_int_equal(cancel(&at->core, &other), CLEAT_OK);
    check_nothing_is_held(at);
}

static void test_a_run_has_its_slot_while_its_tasks_fail_and_back_off(void **state)
{
    dag_rig *at = *state;
    const cleat__concurrency rule = by_key(1, CLEAT_GROUP_ROUND_ROBIN);
    add_pair(at);
    at->tasks[0].policy.retries = 1;
    at->tasks[0].policy.backoff_initial_ms = at->tasks[0].policy.backoff_max_ms = 10000;
    limit_runs(at, &rule, 1);
    declare_all(at);
    cleat__uuid first = start(at, "x"), second = start(at, "x");
    end_task(at, &first, "a", CLEAT_IO);
    check_tasks(at, &second, "a=held b=held mend=held");
    advance(&at->core, 10000);
    end_task(at, &first, "a", CLEAT_IO);
    check_tasks(at, &first, "a=failed b=cancelled mend=running");
    check_tasks(at, &second, "a=held b=held mend=held");
    end_task(at, &first, "mend", CLEAT_OK);
    check_run(at, &first, "FAILED bad");
    check_tasks(at, &second, "a=running b=held mend=held");
}

/* What becomes of three runs of one key that come one after the other, and then of the others when the first ends. */
static void test_each_strategy_is_one_of_runs(void **state)
{
    static const struct {
        cleat_concurrency_strategy strategy;
        const char *states[3], *then[3];
    } rows[] = {
        {CLEAT_GROUP_ROUND_ROBIN, {"RUNNING", "QUEUED", "QUEUED"}, {"FAILED bad", "RUNNING", "QUEUED"}},
        {CLEAT_CANCEL_IN_PROGRESS,
         {"CANCELLED", "CANCELLED", "RUNNING"},
         {"CANCELLED", "CANCELLED", "RUNNING"}},
        {CLEAT_CANCEL_NEWEST,
         {"RUNNING", "CANCELLED", "CANCELLED"},
         {"FAILED bad", "CANCELLED", "CANCELLED"}},
        {CLEAT_CANCEL_QUEUED_EXCEPT_NEWEST,
         {"RUNNING", "CANCELLED", "QUEUED"},
         {"FAILED bad", "CANCELLED", "RUNNING"}},
        {CLEAT_CANCEL_QUEUED_EXCEPT_OLDEST,
         {"RUNNING", "QUEUED", "CANCELLED"},
         {"FAILED bad", "RUNNING", "CANCELLED"}},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        close_dag(state);
        open_dag(state);
        dag_rig *at = *state;
        const cleat__concurrency rule = by_key(1, rows[i].strategy);
        cleat__uuid runs[3];
        add_task(at, "a", "");
        add_task(at, "b", "a");
        limit_runs(at, &rule, 1);
        declare_all(at);
        for (size_t j = 0; j < 3; j++) {
            runs[j] = start(at, "x");
        }
        for (size_t j = 0; j < 3; j++) {
            check_run(at, &runs[j], rows[i].states[j]);
        }
        if (strcmp(rows[i].states[0], "RUNNING") == 0) {
            end_task(at, &runs[0], "a", CLEAT_IO);
        }
        for (size_t j = 0; j < 3; j++) {
            check_run(at, &runs[j], rows[i].then[j]);
        }
    }
}

static void test_a_run_that_gives_way_is_stopped_with_all_its_tasks(void **state)
{
    dag_rig *at = *state;
    const cleat__concurrency rule = by_key(1, CLEAT_CANCEL_IN_PROGRESS);
    add_pair(at);
    add_task(at, "c", "");
    limit_runs(at, &rule, 1);
    declare_all(at);
    cleat__uuid first = start(at, "x");
    end_task(at, &first, "a", CLEAT_OK);
    cleat__uuid second = start(at, "x");
    check_tasks(at, &first, "a=completed b=cancelled mend=skipped c=cancelled");
    assert_string_equal(told.cancelled, " b c");
    check_run(at, &second, "RUNNING");
    assert_string_equal(query("SELECT group_concat(e.outcome) FROM task_end e JOIN task t ON t.id = e.id "
                              "WHERE ?1 IN (t.id, t.dag_id) AND e.state = 4",
                              &first),
                        "SUPERSEDED,SUPERSEDED,SUPERSEDED");
}

static void test_of_several_rules_a_run_has_a_slot_of_each(void **state)
{
    dag_rig *at = *state;
    const cleat__concurrency rules[] = {
        by_key(1, CLEAT_GROUP_ROUND_ROBIN),
        {.expression = cleat_slice_of("'all'"), .max_runs = 2, .strategy = CLEAT_GROUP_ROUND_ROBIN}};
    add_task(at, "a", "");
    add_task(at, "b", "");
    limit_runs(at, rules, 2);
    declare_all(at);
    cleat__uuid x = start(at, "x"), also_x = start(at, "x"), y = start(at, "y"), z = start(at, "z");
    check_run(at, &x, "RUNNING");
    check_run(at, &also_x, "QUEUED");
    check_run(at, &y, "RUNNING");
    check_run(at, &z, "QUEUED");
    assert_int_equal(cancel(&at->core, &y), CLEAT_OK);
    check_run(at, &z, "RUNNING");
    check_run(at, &also_x, "QUEUED");
}

static void test_a_run_without_a_key_fails_when_it_is_started(void **state)
{
    dag_rig *at = *state;
    const cleat__concurrency rule = {.expression = cleat_slice_of("input.no_such"), .max_runs = 1};
    add_pair(at);
    limit_runs(at, &rule, 1);
    declare_all(at);
    cleat__uuid run = start(at, "x");
    const char *text = state_of(&at->core, &run);
    if (strncmp(text, "FAILED failed to parse step expression", 38) != 0) {
        fail_msg("%s", text);
    }
    check_tasks(at, &run, "a=failed b=cancelled mend=skipped");
    assert_int_equal(replay(at, &run), CLEAT_OK); /* which finds the same */
    check_tasks(at, &run, "a=failed b=cancelled mend=skipped");
    assert_int_equal(told.count, 0);
    check_nothing_is_held(at);
}

static void test_waiting_for_a_slot_counts_as_waiting_for_a_worker(void **state)
{
    dag_rig *at = *state;
    const cleat__concurrency rule = by_key(1, CLEAT_GROUP_ROUND_ROBIN);
    add_task(at, "a", "");
    add_task(at, "b", "a");
    add_task(at, "c", "")->policy.schedule_timeout_ms = 600000;
    for (size_t i = 0; i < 3; i++) {
        at->tasks[i].policy.execution_timeout_ms = CLEAT__NO_TIMEOUT;
    }
    limit_runs(at, &rule, 1);
    declare_all(at);
    cleat__uuid first = start(at, "x"), second = start(at, "x");
    advance(&at->core, 299999);
    check_tasks(at, &second, "a=held b=held c=held");
    advance(&at->core, 1);
    check_tasks(at, &second, "a=cancelled b=cancelled c=held");
    check_run(at, &second, "QUEUED");
    assert_int_equal(count_of("SELECT count(*) FROM task_end WHERE error = 'it did not get a slot of input.k "
                              "for \"x\" within 5m0s'"),
                     1);
    advance(&at->core, 300000);
    check_tasks(at, &second, "a=cancelled b=cancelled c=cancelled");
    check_run(at, &second, "CANCELLED");
    check_run(at, &first, "RUNNING");
}

static void test_time_that_was_waited_for_a_slot_is_not_given_again(void **state)
{
    dag_rig *at = *state;
    const cleat__concurrency rule = by_key(1, CLEAT_GROUP_ROUND_ROBIN);
    add_task(at, "a", "");
    add_task(at, "b", "a");
    limit_runs(at, &rule, 1);
    declare_workflow(at);
    cleat__uuid first = start(at, "x"), second = start(at, "x");
    advance(&at->core, 200000);
    assert_int_equal(cancel(&at->core, &first), CLEAT_OK);
    check_tasks(at, &second, "a=queued b=held");
    advance(&at->core, 99999);
    check_tasks(at, &second, "a=queued b=held");
    advance(&at->core, 1);
    check_tasks(at, &second, "a=cancelled b=cancelled");
}

static void test_times_and_events_are_waited_for_with_the_slot(void **state)
{
    dag_rig *at = *state;
    const cleat__concurrency rule = by_key(1, CLEAT_GROUP_ROUND_ROBIN);
    const cleat__step_condition wait = of_event(CLEAT__STEP_QUEUE, "go");
    set_conditions(add_task(at, "a", ""), &wait, 1);
    limit_runs(at, &rule, 1);
    declare_all(at);
    cleat__uuid first = start(at, "x"), second = start(at, "x");
    push(at, "go", "{}");
    check_tasks(at, &first, "a=running");
    restart(at);
    check_tasks(at, &second, "a=held");
    end_task(at, &first, "a", CLEAT_OK);
    check_tasks(at, &second, "a=held"); /* it waits for another one */
    restart(at);
    cleat__uuid third = start(at, "x");
    push(at, "go", "{}");
    check_tasks(at, &second, "a=running");
    check_tasks(at, &third, "a=held");
}

static void test_after_a_restart_slots_are_as_before(void **state)
{
    dag_rig *at = *state;
    const cleat__concurrency rule = by_key(1, CLEAT_GROUP_ROUND_ROBIN);
    add_pair(at);
    limit_runs(at, &rule, 1);
    declare_all(at);
    cleat__uuid first = start(at, "x"), second = start(at, "x"), third = start(at, "x");
    restart(at);
    check_tasks(at, &second, "a=held b=held mend=held");
    end_task(at, &first, "a", CLEAT_OK);
    restart(at);
    end_task(at, &first, "b", CLEAT_OK);
    restart(at);
    check_tasks(at, &second, "a=running b=held mend=held");
    check_tasks(at, &third, "a=held b=held mend=held");
    assert_int_equal(cancel(&at->core, &second), CLEAT_OK);
    check_run(at, &third, "RUNNING");
}

static void test_a_run_that_waits_is_cancelled(void **state)
{
    dag_rig *at = *state;
    const cleat__concurrency rule = by_key(1, CLEAT_GROUP_ROUND_ROBIN);
    add_pair(at);
    limit_runs(at, &rule, 1);
    declare_all(at);
    cleat__uuid first = start(at, "x"), second = start(at, "x");
    assert_int_equal(cancel(&at->core, &second), CLEAT_OK);
    check_tasks(at, &second, "a=cancelled b=cancelled mend=skipped");
    check_run(at, &second, "CANCELLED");
    assert_int_equal(at->core.core->limits.contenders.count, 1);
    assert_int_equal(cancel(&at->core, &first), CLEAT_OK);
    check_nothing_is_held(at);
}

/* ---- Again ---- */

static void test_a_replay_waits_for_a_slot(void **state)
{
    dag_rig *at = *state;
    const cleat__concurrency rule = by_key(1, CLEAT_GROUP_ROUND_ROBIN);
    add_pair(at);
    limit_runs(at, &rule, 1);
    declare_all(at);
    cleat__uuid first = start(at, "x");
    end_task(at, &first, "a", CLEAT_OK);
    end_task(at, &first, "b", CLEAT_OK);
    cleat__uuid second = start(at, "x"), third = start(at, "x");
    assert_int_equal(replay(at, &first), CLEAT_OK);
    check_tasks(at, &first, "a=held b=held mend=held");
    assert_int_equal(cancel(&at->core, &second), CLEAT_OK);
    check_tasks(at, &first, "a=running b=held mend=held"); /* before who has waited for longer */
    check_run(at, &third, "QUEUED");
}

static void test_a_task_that_is_replayed_waits_for_a_slot_of_its_run(void **state)
{
    dag_rig *at = *state;
    const cleat__concurrency rule = by_key(1, CLEAT_GROUP_ROUND_ROBIN);
    add_pair(at);
    add_task(at, "c", "b");
    limit_runs(at, &rule, 1);
    declare_all(at);
    cleat__uuid first = start(at, "x");
    end_task(at, &first, "a", CLEAT_IO);
    end_task(at, &first, "mend", CLEAT_OK);
    check_run(at, &first, "FAILED bad");
    cleat__uuid second = start(at, "x");
    const char *b = query("SELECT hex(t.id) FROM task t JOIN task_type y ON y.id = t.type_id "
                          "WHERE t.dag_id = ?1 AND y.task_name = 'b'",
                          &first);
    cleat__uuid id;
    for (size_t i = 0; i < sizeof(id.bytes); i++) {
        unsigned byte = 0;
        assert_int_equal(sscanf(b + 2 * i, "%2x", &byte), 1);
        id.bytes[i] = (uint8_t)byte;
    }
    /* Though its parent has failed: whoever replays it says so. */
    assert_int_equal(replay(at, &id), CLEAT_OK);
    check_tasks(at, &first, "a=failed b=held mend=held c=held");
    restart(at);
    check_tasks(at, &first, "a=failed b=held mend=held c=held");
    assert_int_equal(cancel(&at->core, &second), CLEAT_OK);
    check_tasks(at, &first, "a=failed b=running mend=running c=held");
    end_task(at, &first, "b", CLEAT_OK);
    end_task(at, &first, "c", CLEAT_OK);
    end_task(at, &first, "mend", CLEAT_OK);
    check_run(at, &first, "FAILED bad");
    check_nothing_is_held(at);
}

/* ---- Of single tasks ---- */

static void test_tasks_of_several_runs_share_the_slots_of_their_key(void **state)
{
    dag_rig *at = *state;
    const cleat__concurrency rule = by_key(1, CLEAT_GROUP_ROUND_ROBIN);
    add_task(at, "a", "");
    limit_task(add_task(at, "b", "a"), &rule, 1);
    declare_all(at);
    cleat__uuid first = start(at, "x"), second = start(at, "x"), other = start(at, "y");
    const cleat__uuid all[] = {first, second, other};
    for (size_t i = 0; i < 3; i++) {
        end_task(at, &all[i], "a", CLEAT_OK);
    }
    check_tasks(at, &first, "a=completed b=running");
    check_tasks(at, &second, "a=completed b=queued");
    check_tasks(at, &other, "a=completed b=running");
    restart(at);
    check_tasks(at, &first, "a=completed b=running");
    check_tasks(at, &second, "a=completed b=queued");
    end_task(at, &first, "b", CLEAT_OK);
    check_tasks(at, &second, "a=completed b=running");
    end_task(at, &second, "b", CLEAT_OK);
    end_task(at, &other, "b", CLEAT_OK);
    check_nothing_is_held(at);
}

static void test_a_task_that_gives_way_cancels_what_is_behind_it(void **state)
{
    dag_rig *at = *state;
    const cleat__concurrency rule = by_key(1, CLEAT_CANCEL_IN_PROGRESS);
    add_task(at, "a", "");
    limit_task(add_task(at, "b", "a"), &rule, 1);
    add_task(at, "c", "b");
    declare_all(at);
    cleat__uuid first = start(at, "x"), second = start(at, "x");
    end_task(at, &second, "a", CLEAT_OK);
    end_task(at, &first, "a",
             CLEAT_OK); /* whose b is not older, though its run is, but as old: it began earlier */
    check_tasks(at, &first, "a=completed b=cancelled c=cancelled");
    check_run(at, &first, "CANCELLED");
    check_tasks(at, &second, "a=completed b=running c=held");
    cleat__uuid third = start(at, "x");
    advance(&at->core, 1);
    end_task(at, &third, "a", CLEAT_OK);
    check_tasks(at, &second, "a=completed b=cancelled c=cancelled");
}

static void test_a_task_without_a_key_fails_when_it_would_be_queued(void **state)
{
    dag_rig *at = *state;
    const cleat__concurrency rule = {.expression = cleat_slice_of("input.no_such"), .max_runs = 1};
    add_pair(at);
    limit_task(&at->tasks[1], &rule, 1);
    declare_all(at);
    cleat__uuid run = start(at, "x");
    check_tasks(at, &run, "a=running b=held mend=held");
    end_task(at, &run, "a", CLEAT_OK);
    check_tasks(at, &run, "a=completed b=failed mend=running");
    assert_non_null(strstr(told_of(&run, "mend")->errors, "failed to parse step expression"));
    end_task(at, &run, "mend", CLEAT_OK);
    assert_non_null(strstr(state_of(&at->core, &run), "FAILED failed to parse step expression"));
}

static void test_the_key_of_a_task_may_be_its_run(void **state)
{
    dag_rig *at = *state;
    const cleat__concurrency rule = {
        .expression = cleat_slice_of("workflow_run_id"), .max_runs = 1, .strategy = CLEAT_GROUP_ROUND_ROBIN};
    limit_task(add_task(at, "a", ""), &rule, 1);
    add_task(at, "b", "");
    declare_all(at);
    cleat__uuid first = start(at, "x"), second = start(at, "x");
    char text[37], key[64];
    cleat__uuid_format(&first, text);
    snprintf(key, sizeof(key), "%.12s",
             query("SELECT substr(limits, instr(limits, '[') + 2, 12) FROM task "
                   "WHERE dag_id = ?1 AND limits IS NOT NULL",
                   &first));
    assert_memory_equal(key, text, 12);
    check_tasks(at, &second, "a=running b=running");
}

/* Run and task have a rule of the same words, and the task the workflow's name: their slots are not the same. */
static void test_a_run_and_its_task_do_not_wait_for_each_other(void **state)
{
    dag_rig *at = *state;
    const cleat__concurrency rule = by_key(1, CLEAT_GROUP_ROUND_ROBIN);
    limit_task(add_task(at, "w", ""), &rule, 1);
    add_task(at, "b", "w");
    limit_runs(at, &rule, 1);
    declare_all(at);
    cleat__uuid run = start(at, "x");
    check_tasks(at, &run, "w=running b=held");
    end_task(at, &run, "w", CLEAT_OK);
    check_tasks(at, &run, "w=completed b=running");
}

static void test_a_newer_version_says_how_many_slots_there_are(void **state)
{
    dag_rig *at = *state;
    cleat__concurrency of_run = by_key(2, CLEAT_GROUP_ROUND_ROBIN),
                       of_task = by_key(1, CLEAT_GROUP_ROUND_ROBIN);
    limit_task(add_task(at, "a", ""), &of_task, 1);
    add_task(at, "b", "a");
    limit_runs(at, &of_run, 1);
    declare_all(at);
    cleat__uuid first = start(at, "x"), second = start(at, "x"), third = start(at, "x");
    check_tasks(at, &second, "a=queued b=held");
    check_tasks(at, &third, "a=held b=held");
    of_task.max_runs = 2;
    declare_all(at);
    check_tasks(at, &second, "a=running b=held");
    of_run.max_runs = 3;
    declare_all(at);
    check_tasks(at, &third, "a=queued b=held");
    check_tasks(at, &first, "a=running b=held");
}

/* ---- Rate limits ---- */

static void put_rate(dag_rig *at, const char *key, int32_t limit)
{
    cleat__command command = {.tenant = CLEAT__TENANT_DEFAULT,
                              .kind = CLEAT__COMMAND_PUT_RATE_LIMIT,
                              .as.put_rate_limit = {cleat_slice_of(key), limit, 60000}};
    assert_int_equal(ask(&at->core, &command), CLEAT_OK);
}

static void test_a_task_takes_units_of_a_rate_limit(void **state)
{
    dag_rig *at = *state;
    const cleat__rate_use use = {.key = cleat_slice_of("mail"), .units = 1, .window_ms = 60000};
    cleat__workflow_task *b;
    add_task(at, "a", "");
    b = add_task(at, "b", "a");
    b->rate_limits = &use;
    b->rate_limit_count = 1;
    assert_int_equal(put_workflow(&at->core, CLEAT__TENANT_DEFAULT, &at->workflow, NULL),
                     CLEAT_FAILED_PRECONDITION);
    put_rate(at, "mail", 1);
    declare_all(at);
    cleat__uuid first = start(at, "x"), second = start(at, "x");
    end_task(at, &first, "a", CLEAT_OK);
    end_task(at, &second, "a", CLEAT_OK);
    check_tasks(at, &first, "a=completed b=running");
    check_tasks(at, &second, "a=completed b=queued");
    end_task(at, &first, "b", CLEAT_OK);
    restart(at);
    check_tasks(at, &second, "a=completed b=queued");
    advance(&at->core, 60000);
    check_tasks(at, &second, "a=completed b=running");
}

static void test_a_task_finds_its_units_when_it_is_queued(void **state)
{
    dag_rig *at = *state;
    const cleat__rate_use use = {.key_expression = cleat_slice_of("'user:' + input.k"),
                                 .limit_expression = cleat_slice_of("1"),
                                 .units = 1,
                                 .window_ms = 60000};
    cleat__workflow_task *b;
    add_task(at, "a", "");
    b = add_task(at, "b", "a");
    b->rate_limits = &use;
    b->rate_limit_count = 1;
    declare_all(at);
    cleat__uuid first = start(at, "x"), second = start(at, "x"), other = start(at, "y");
    assert_int_equal(at->core.core->rates.by_key.count, 0);
    end_task(at, &first, "a", CLEAT_OK);
    end_task(at, &second, "a", CLEAT_OK);
    end_task(at, &other, "a", CLEAT_OK);
    check_tasks(at, &second, "a=completed b=queued");
    check_tasks(at, &other, "a=completed b=running");
    end_task(at, &first, "b", CLEAT_OK);
    assert_int_equal(cancel(&at->core, &second), CLEAT_OK);
    assert_int_equal(replay(at, &second), CLEAT_OK);
    check_tasks(at, &second, "a=running b=held");
    end_task(at, &second, "a", CLEAT_OK);
    check_tasks(at, &second, "a=completed b=queued");
    advance(&at->core, 60000);
    check_tasks(at, &second, "a=completed b=running");
}

/* ---- Without memory ---- */

/* Two runs of one key, the first of which fails and is replayed. */
static void live(dag_rig *at)
{
    cleat_slice actions[2] = {at->tasks[0].action, at->tasks[1].action};
    const cleat__slots two = {cleat_slice_of("default"), 2};
    const cleat__worker_spec spec = {.actions = actions, .action_count = 2, .slots = &two, .slot_count = 1};
    cleat__uuid worker, ids[2] = {{{0}}};
    const cleat_slice input = cleat_slice_of("{\"k\":\"x\"}");
    const cleat__trigger item = {.workflow = at->workflow.name, .input = input, .child_index = -1};
    const cleat__trigger items[] = {item, item};
    cleat__command first[] = {
        {.kind = CLEAT__COMMAND_PUT_WORKFLOW, .as.put_workflow = {.workflow = &at->workflow}},
        {.kind = CLEAT__COMMAND_WORKER_JOIN,
         .as.worker_join = {&spec, {NULL, take_tasks, take_cancel}, &worker, NULL}},
        {.kind = CLEAT__COMMAND_TRIGGER, .as.trigger = {(cleat__trigger *)(uintptr_t)items, 2, ids}},
    };
    for (size_t i = 0; i < 3; i++) {
        first[i].tenant = CLEAT__TENANT_DEFAULT;
    }
    step(&at->core, first, 3);
    cleat__command then[] = {
        {.kind = CLEAT__COMMAND_REPORT, .as.report = {.status = CLEAT_FAILED}},
        {.kind = CLEAT__COMMAND_REPLAY, .as.id = ids[0]},
    };
    then[0].as.report.task_id = told.count != 0 ? told.tasks[0].id : ids[0];
    for (size_t i = 0; i < 2; i++) {
        then[i].tenant = CLEAT__TENANT_DEFAULT;
    }
    step(&at->core, then, 2);
    for (size_t i = 0; i < 3; i++) {
        cleat__free(first[i].error);
    }
    for (size_t i = 0; i < 2; i++) {
        cleat__free(then[i].error);
    }
}

static void test_any_allocation_may_fail(void **state)
{
    const cleat__concurrency rule = by_key(1, CLEAT_GROUP_ROUND_ROBIN);
    failing_allocator memory;
    size_t calls = 0;
    do {
        close_dag(state);
        open_dag(state);
        dag_rig *at = *state;
        limit_task(add_task(at, "a", ""), &rule, 1);
        add_task(at, "b", "a");
        limit_runs(at, &rule, 1);
        calls += 2;
        failing_allocator_install(&memory, calls);
        live(at);
        cleat_set_allocator(NULL);
        assert_true(calls < 2000);
        /* What is told is stored: another engine goes on with it. */
        crash(&at->core);
        open_core(&at->core);
    } while (failing_allocator_has_failed(&memory));
    assert_true(calls > 100);
    assert_int_equal(((dag_rig *)*state)->core.core->limits.contenders.count, 3); /* two runs and a task */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_dag, close_dag)
    const struct CMUnitTest tests[] = {
        TEST(test_a_run_has_its_slot_until_its_last_task_has_ended),
        TEST(test_a_run_has_its_slot_while_its_tasks_fail_and_back_off),
        TEST(test_each_strategy_is_one_of_runs),
        TEST(test_a_run_that_gives_way_is_stopped_with_all_its_tasks),
        TEST(test_of_several_rules_a_run_has_a_slot_of_each),
        TEST(test_a_run_without_a_key_fails_when_it_is_started),
        TEST(test_waiting_for_a_slot_counts_as_waiting_for_a_worker),
        TEST(test_time_that_was_waited_for_a_slot_is_not_given_again),
        TEST(test_times_and_events_are_waited_for_with_the_slot),
        TEST(test_after_a_restart_slots_are_as_before),
        TEST(test_a_run_that_waits_is_cancelled),
        TEST(test_a_replay_waits_for_a_slot),
        TEST(test_a_task_that_is_replayed_waits_for_a_slot_of_its_run),
        TEST(test_tasks_of_several_runs_share_the_slots_of_their_key),
        TEST(test_a_task_that_gives_way_cancels_what_is_behind_it),
        TEST(test_a_task_without_a_key_fails_when_it_would_be_queued),
        TEST(test_the_key_of_a_task_may_be_its_run),
        TEST(test_a_run_and_its_task_do_not_wait_for_each_other),
        TEST(test_a_newer_version_says_how_many_slots_there_are),
        TEST(test_a_task_takes_units_of_a_rate_limit),
        TEST(test_a_task_finds_its_units_when_it_is_queued),
        TEST(test_any_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
