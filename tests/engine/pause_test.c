/* A paused workflow: its runs are stored and given to nobody, until it goes on. */
#include "core_test.h"

#include "engine/core_parts.h"

#define MINUTE INT64_C(60000)
#define NONE   CLEAT__NO_TIMEOUT

static const cleat__policy policy = {
    .retries = 1,
    .priority = 1,
    .backoff_factor = 1,
    .backoff_max_ms = 1000,
    .execution_timeout_ms = CLEAT__NO_TIMEOUT,
    .schedule_timeout_ms = MINUTE,
};

static cleat__version declare(rig *at, const char *action)
{
    cleat__version version;
    cleat__workflow workflow = workflow_of(action, &policy);
    assert_int_equal(put_workflow(at, CLEAT__TENANT_DEFAULT, &workflow, &version), CLEAT_OK);
    return version;
}

static cleat_status set_pause(rig *at, const cleat__version *version, cleat__pause pause)
{
    cleat__command command = {.tenant = CLEAT__TENANT_DEFAULT,
                              .kind = CLEAT__COMMAND_PAUSE_WORKFLOW,
                              .as.pause_workflow = {version->workflow_id, pause}};
    return ask(at, &command);
}

static void pause_for(rig *at, const cleat__version *version, int64_t ttl_ms)
{
    assert_int_equal(set_pause(at, version, (cleat__pause){.is_paused = true, .ttl_ms = ttl_ms}), CLEAT_OK);
}

static void resume(rig *at, const cleat__version *version)
{
    assert_int_equal(set_pause(at, version, (cleat__pause){.is_paused = false}), CLEAT_OK);
}

/* Time passes, and the workers live on. */
static void pass(rig *at, const cleat__uuid *worker, int64_t ms)
{
    for (int64_t left = ms; left > 0; left -= 2000) {
        advance(at, left < 2000 ? left : 2000);
        (void)tell_worker(at, CLEAT__COMMAND_WORKER_HEARTBEAT, worker);
    }
}

static void test_runs_wait_until_it_goes_on(void **state)
{
    rig *at = *state;
    cleat__version version = declare(at, "a:a");
    add_worker(at, "a:a", 9);
    pause_for(at, &version, NONE);
    cleat__uuid first = trigger(at, "a:a", "1", 0);
    trigger(at, "a:a", "2", 3);
    assert_string_equal(heard_text(at), "");
    assert_string_equal(state_of(at, &first), "QUEUED");
    resume(at, &version);
    assert_string_equal(heard_text(at), "A02 A01"); /* in the order they would have had */
    trigger(at, "a:a", "3", 0);
    assert_string_equal(heard_text(at), "A03");
}

static void test_what_waited_before_waits_too_and_what_runs_goes_on(void **state)
{
    rig *at = *state;
    cleat__version version = declare(at, "a:a");
    add_worker(at, "a:a", 1);
    cleat__uuid runs = trigger(at, "a:a", "1", 0);
    trigger(at, "a:a", "2", 0);
    assert_string_equal(heard_text(at), "A01");
    pause_for(at, &version, NONE);
    assert_int_equal(report(at, &runs, 0, CLEAT_FAILED, "no"), CLEAT_OK);
    assert_string_equal(heard_text(at), ""); /* its next attempt waits like the other one */
    advance(at, 1000);
    assert_string_equal(heard_text(at), "");
    resume(at, &version);
    assert_string_equal(heard_text(at), "A11");
    assert_int_equal(report(at, &runs, 1, CLEAT_OK, "1"), CLEAT_OK);
    assert_string_equal(heard_text(at), "A02");
}

static void test_others_are_not_held_up(void **state)
{
    rig *at = *state;
    cleat__version version = declare(at, "a:a");
    declare(at, "b:b");
    /* Another workflow whose task has the same action, so that they share a queue. */
    cleat__workflow same = workflow_of("a:a", &policy);
    same.name = cleat_slice_of("other");
    assert_int_equal(put_workflow(at, CLEAT__TENANT_DEFAULT, &same, NULL), CLEAT_OK);
    add_worker(at, "a:a", 9);
    add_worker(at, "b:b", 9);
    pause_for(at, &version, NONE);
    trigger(at, "a:a", "1", 3);
    trigger(at, "other", "2", 0);
    trigger(at, "b:b", "3", 0);
    assert_string_equal(heard_text(at), "A02 A03");
}

static void test_it_is_paused_after_a_restart_and_in_new_versions(void **state)
{
    rig *at = *state;
    cleat__version version = declare(at, "a:a");
    trigger(at, "a:a", "1", 0);
    pause_for(at, &version, NONE);
    crash(at);
    open_core(at);
    cleat__workflow changed = workflow_of("a:a", &policy);
    changed.description = cleat_slice_of("another version");
    assert_int_equal(put_workflow(at, CLEAT__TENANT_DEFAULT, &changed, NULL), CLEAT_OK);
    add_worker(at, "a:a", 9);
    trigger(at, "a:a", "2", 0);
    assert_string_equal(heard_text(at), "");
    resume(at, &version);
    assert_string_equal(heard_text(at), "A01 A02");
    crash(at);
    open_core(at);
    add_worker(at, "a:a", 9);
    trigger(at, "a:a", "3", 0);
    assert_non_null(strstr(heard_text(at), "A03"));
}

static void test_schedule_timeouts_begin_when_it_goes_on(void **state)
{
    rig *at = *state;
    cleat__version version = declare(at, "a:a");
    cleat__uuid before = trigger(at, "a:a", "1", 0);
    advance(at, MINUTE - 1);
    pause_for(at, &version, NONE);
    cleat__uuid under = trigger(at, "a:a", "2", 0);
    advance(at, 100 * MINUTE);
    assert_string_equal(state_of(at, &before), "QUEUED");
    resume(at, &version);
    advance(at, MINUTE - 1);
    assert_string_equal(state_of(at, &before), "QUEUED");
    assert_string_equal(state_of(at, &under), "QUEUED");
    advance(at, 1);
    assert_string_equal(state_of(at, &before), "CANCELLED no worker took it within 1m0s");
    assert_string_equal(state_of(at, &under), "CANCELLED no worker took it within 1m0s");
}

static void test_a_pause_may_give_runs_up(void **state)
{
    rig *at = *state;
    cleat__version version = declare(at, "a:a");
    cleat__uuid before = trigger(at, "a:a", "1", 0);
    advance(at, MINUTE / 2);
    pause_for(at, &version, 10 * MINUTE);
    advance(at, MINUTE);
    cleat__uuid under = trigger(at, "a:a", "2", 0);
    advance(at, 9 * MINUTE);
    assert_string_equal(state_of(at, &before), "CANCELLED its workflow was paused for more than 10m0s");
    assert_string_equal(state_of(at, &under), "QUEUED");
    advance(at, MINUTE);
    assert_string_equal(state_of(at, &under), "CANCELLED its workflow was paused for more than 10m0s");
    resume(at, &version);
    assert_int_equal(at->core->runs.by_id.count, 0);
}

static void test_limits_are_held_to_under_a_pause(void **state)
{
    rig *at = *state;
    const cleat__concurrency rule = {
        .expression = cleat_slice_of("'k'"), .max_runs = 1, .strategy = CLEAT_GROUP_ROUND_ROBIN};
    cleat__version version;
    cleat__workflow workflow = workflow_of("a:a", &policy);
    workflow.concurrency = &rule;
    workflow.concurrency_count = 1;
    assert_int_equal(put_workflow(at, CLEAT__TENANT_DEFAULT, &workflow, &version), CLEAT_OK);
    add_worker(at, "a:a", 9);
    pause_for(at, &version, MINUTE);
    trigger(at, "a:a", "{\"n\":1}", 0);
    cleat__uuid second = trigger(at, "a:a", "{\"n\":2}", 0);
    assert_string_equal(heard_text(at), "");
    resume(at, &version);
    assert_string_equal(heard_text(at), "A0{\"n\":1}");
    pause_for(at, &version, MINUTE);
    advance(at, MINUTE); /* also of one that waits for its slot */
    assert_string_equal(state_of(at, &second), "CANCELLED its workflow was paused for more than 1m0s");
}

/* The runs there are, by what started them. */
static size_t settle(rig *at)
{
    for (int i = 0; i < 10; i++) {
        step(at, NULL, 0);
    }
    return at->core->runs.by_id.count;
}

static void add_schedule(rig *at)
{
    const int64_t at_ms = at->now.unix_ms + MINUTE;
    const cleat__schedule schedule = {.workflow = cleat_slice_of("a")};
    cleat__uuid id;
    cleat__command command = {.tenant = CLEAT__TENANT_DEFAULT,
                              .kind = CLEAT__COMMAND_SCHEDULE,
                              .as.schedule = {&schedule, &at_ms, 1, &id}};
    assert_int_equal(ask(at, &command), CLEAT_OK);
}

static void add_cron(rig *at)
{
    const cleat__recurrence cron = {.workflow = cleat_slice_of("a"),
                                    .name = cleat_slice_of("c"),
                                    .expression = cleat_slice_of("* * * * *"),
                                    .method = CLEAT__SCHEDULE_API};
    cleat__uuid id;
    cleat__command command = {
        .tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_ADD_CRON, .as.add_cron = {&cron, &id}};
    assert_int_equal(ask(at, &command), CLEAT_OK);
}

static void test_times_pass(void **state)
{
    rig *at = *state;
    cleat__version version = declare(at, "a:a");
    cleat__uuid worker = add_worker(at, "a:a", 9);
    pause_for(at, &version, NONE);
    add_schedule(at);
    add_cron(at);
    pass(at, &worker, 2 * MINUTE);
    assert_int_equal(settle(at), 0);
    resume(at, &version);
    assert_int_equal(settle(at), 0); /* they are not made up */
    pass(at, &worker, MINUTE);
    assert_int_equal(settle(at), 1); /* the next one of the cron */
}

static void test_times_make_runs_that_wait_where_that_is_wanted(void **state)
{
    rig *at = *state;
    cleat__version version = declare(at, "a:a");
    cleat__uuid worker = add_worker(at, "a:a", 9);
    cleat__pause pause = {.is_paused = true, .queues_crons = true, .ttl_ms = NONE};
    assert_int_equal(set_pause(at, &version, pause), CLEAT_OK);
    add_schedule(at);
    add_cron(at);
    pass(at, &worker, MINUTE);
    assert_int_equal(settle(at), 1);
    pause.queues_crons = false;
    pause.queues_schedules = true; /* paused again, in another way */
    assert_int_equal(set_pause(at, &version, pause), CLEAT_OK);
    add_schedule(at);
    pass(at, &worker, MINUTE);
    assert_int_equal(settle(at), 2);
    assert_string_equal(heard_text(at), "");
    resume(at, &version);
    assert_string_equal(heard_text(at), "A0{} A0{}");
}

static void test_what_is_deleted_is_paused_no_more(void **state)
{
    rig *at = *state;
    cleat__version version = declare(at, "a:a");
    add_worker(at, "a:a", 9);
    pause_for(at, &version, NONE);
    trigger(at, "a:a", "1", 0);
    assert_int_equal(tell_worker(at, CLEAT__COMMAND_DELETE_WORKFLOW, &version.workflow_id), CLEAT_OK);
    assert_string_equal(heard_text(at), "A01");
    declare(at, "a:a");
    trigger(at, "a:a", "2", 0);
    assert_string_equal(heard_text(at), "A02");
}

static void test_others_workflows_are_not_found(void **state)
{
    rig *at = *state;
    cleat__version version = declare(at, "a:a"), nobodys = {.workflow_id = {{1}}};
    assert_int_equal(set_pause(at, &nobodys, (cleat__pause){.is_paused = true}), CLEAT_NOT_FOUND);
    cleat__command command = {.tenant = 2,
                              .kind = CLEAT__COMMAND_PAUSE_WORKFLOW,
                              .as.pause_workflow = {version.workflow_id, {.is_paused = true}}};
    assert_int_equal(ask(at, &command), CLEAT_NOT_FOUND);
    resume(at, &version); /* that was not paused */
    add_worker(at, "a:a", 9);
    trigger(at, "a:a", "1", 0);
    assert_string_equal(heard_text(at), "A01");
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        TEST(test_runs_wait_until_it_goes_on),
        TEST(test_what_waited_before_waits_too_and_what_runs_goes_on),
        TEST(test_others_are_not_held_up),
        TEST(test_it_is_paused_after_a_restart_and_in_new_versions),
        TEST(test_schedule_timeouts_begin_when_it_goes_on),
        TEST(test_a_pause_may_give_runs_up),
        TEST(test_limits_are_held_to_under_a_pause),
        TEST(test_times_pass),
        TEST(test_times_make_runs_that_wait_where_that_is_wanted),
        TEST(test_what_is_deleted_is_paused_no_more),
        TEST(test_others_workflows_are_not_found),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
