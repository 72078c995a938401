/* The rules of the engine, one by one, under a fake clock. */
#include "core_test.h"

static const cleat__policy plain = {
    .priority = 1,
    .backoff_factor = 2,
    .backoff_max_ms = 60000,
    .execution_timeout_ms = 60000,
    .schedule_timeout_ms = 300000,
};

static cleat__policy with_retries(int retries, int64_t backoff_ms)
{
    cleat__policy policy = plain;
    policy.retries = retries;
    policy.backoff_initial_ms = backoff_ms;
    return policy;
}

static uint64_t batches(const rig *at)
{
    cleat__engine_stats stats;
    cleat__core_get_stats(at->core, &stats);
    return stats.batches;
}

static void assert_stats(const rig *at, uint64_t queued, uint64_t running)
{
    cleat__engine_stats stats;
    cleat__core_get_stats(at->core, &stats);
    assert_int_equal(stats.queued, queued);
    assert_int_equal(stats.running, running);
}

/* ---- One commit, and nothing before it ---- */

static void test_trigger_and_start_take_one_commit(void **state)
{
    rig *at = *state;
    put_task(at, "a:a", &plain);
    add_worker(at, "a:a", 2);
    uint64_t before = batches(at);
    cleat__uuid id = trigger(at, "a:a", "{}", 0);
    assert_int_equal(batches(at), before + 1);
    assert_string_equal(heard_text(at), "A0{}");
    assert_string_equal(state_of(at, &id), "RUNNING");
    report(at, &id, 0, CLEAT_OK, "42");
    assert_int_equal(batches(at), before + 2);
    assert_string_equal(state_of(at, &id), "COMPLETED 42");
    assert_stats(at, 0, 0);
}

static void test_nothing_is_told_before_the_commit(void **state)
{
    rig *at = *state;
    put_task(at, "a:a", &plain);
    add_worker(at, "a:a", 1);
    cleat__uuid id;
    cleat__trigger item = {.workflow = cleat_slice_of("a"), .input = cleat_slice_of("{}")};
    cleat__command command = {
        .tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_TRIGGER, .as.trigger = {&item, 1, &id}};
    cleat__core_apply(at->core, at->now, &command);
    cleat__core_run(at->core, at->now);
    assert_int_equal(at->ears.count, 0);
    crash(at);
    open_core(at);
    cleat__store *reader = NULL;
    cleat__run_row row;
    assert_int_equal(cleat__store_open(FILE_NAME, CLEAT__STORE_READ, &reader), CLEAT_OK);
    assert_int_equal(cleat__run_get(reader, &id, &row), CLEAT_NOT_FOUND);
    cleat__store_close(reader);
}

static void test_what_does_not_write_does_not_commit(void **state)
{
    rig *at = *state;
    put_task(at, "a:a", &plain);
    cleat__uuid worker = add_worker(at, "a:a", 1);
    uint64_t before = batches(at);
    put_task(at, "a:a", &plain);
    tell_worker(at, CLEAT__COMMAND_WORKER_HEARTBEAT, &worker);
    cleat__uuid unknown = {{9}};
    assert_int_equal(cancel(at, &unknown), CLEAT_NOT_FOUND);
    advance(at, 1000);
    assert_int_equal(batches(at), before);
}

/* ---- Order ---- */

static void test_order_is_priority_then_insertion(void **state)
{
    rig *at = *state;
    put_task(at, "a:a", &plain);
    trigger(at, "a:a", "a", 0);
    trigger(at, "a:a", "b", 2);
    trigger(at, "a:a", "c", 3);
    trigger(at, "a:a", "d", 1);
    trigger(at, "a:a", "e", 3);
    assert_stats(at, 5, 0);
    add_worker(at, "a:a", 10);
    assert_string_equal(heard_text(at), "A0c A0e A0b A0a A0d");
}

static void test_retries_go_ahead_of_everything(void **state)
{
    rig *at = *state;
    cleat__policy policy = with_retries(1, 0);
    put_task(at, "a:a", &policy);
    add_worker(at, "a:a", 1);
    cleat__uuid first = trigger(at, "a:a", "a", 1);
    trigger(at, "a:a", "b", 3);
    assert_string_equal(heard_text(at), "A0a");
    report(at, &first, 0, CLEAT_FAILED, "no");
    assert_string_equal(heard_text(at), "A1a");
}

static void test_queues_take_turns(void **state)
{
    rig *at = *state;
    put_task(at, "a:a", &plain);
    put_task(at, "b:b", &plain);
    for (int i = 0; i < 4; i++) {
        trigger(at, "a:a", "a", 3);
    }
    trigger(at, "b:b", "b", 1);
    cleat_slice actions[] = {cleat_slice_of("a:a"), cleat_slice_of("b:b"), cleat_slice_of("a:a")};
    cleat__uuid id;
    const joining how = {0, actions, 3, 3, {&at->ears, hear_assign, hear_cancel}};
    assert_int_equal(join_worker(at, how, &id), CLEAT_OK);
    assert_string_equal(heard_text(at), "A0a A0b A0a");
}

static void test_workers_take_turns_within_their_slots(void **state)
{
    rig *at = *state;
    put_task(at, "a:a", &plain);
    static ears second_ears;
    second_ears.count = 0;
    add_worker(at, "a:a", 3);
    cleat_slice name = cleat_slice_of("a:a");
    cleat__uuid id;
    const joining how = {0, &name, 1, 1, {&second_ears, hear_assign, hear_cancel}};
    assert_int_equal(join_worker(at, how, &id), CLEAT_OK);
    for (int i = 0; i < 6; i++) {
        trigger(at, "a:a", "x", 0);
    }
    assert_int_equal(at->ears.count, 3);
    assert_int_equal(second_ears.count, 1);
    assert_stats(at, 2, 4);
}

/* ---- Failing and retrying ---- */

static void test_retries_with_back_off(void **state)
{
    rig *at = *state;
    cleat__policy policy = with_retries(2, 1000);
    put_task(at, "a:a", &policy);
    add_worker(at, "a:a", 1);
    cleat__uuid id = trigger(at, "a:a", "", 0);
    assert_string_equal(heard_text(at), "A0");
    report(at, &id, 0, CLEAT_FAILED, "first");
    assert_string_equal(state_of(at, &id), "QUEUED");
    assert_int_equal(cleat__core_next_ms(at->core), at->now.monotonic_ms + 1000);
    advance(at, 999);
    assert_string_equal(heard_text(at), "");
    advance(at, 1);
    assert_string_equal(heard_text(at), "A1");
    report(at, &id, 1, CLEAT_FAILED, "second");
    advance(at, 1999);
    assert_string_equal(heard_text(at), "");
    advance(at, 1);
    assert_string_equal(heard_text(at), "A2");
    report(at, &id, 2, CLEAT_FAILED, "third");
    assert_string_equal(state_of(at, &id), "FAILED third");
    assert_stats(at, 0, 0);
}

static void test_non_retryable_failure(void **state)
{
    rig *at = *state;
    cleat__policy policy = with_retries(5, 0);
    put_task(at, "a:a", &policy);
    add_worker(at, "a:a", 1);
    cleat__uuid id = trigger(at, "a:a", "", 0);
    report(at, &id, 0, CLEAT_NON_RETRYABLE, "never");
    assert_string_equal(state_of(at, &id), "FAILED never");
}

static void test_execution_timeout(void **state)
{
    rig *at = *state;
    cleat__policy policy = with_retries(1, 0);
    put_task(at, "a:a", &policy);
    cleat__uuid worker = add_worker(at, "a:a", 1);
    cleat__uuid id = trigger(at, "a:a", "", 0);
    for (int i = 0; i < 3; i++) {
        advance(at, 19999);
        tell_worker(at, CLEAT__COMMAND_WORKER_HEARTBEAT, &worker);
    }
    assert_string_equal(heard_text(at), "A0");
    advance(at, 3);
    assert_string_equal(heard_text(at), "C0 A1");
    report(at, &id, 0, CLEAT_OK, "late"); /* of the first attempt */
    assert_string_equal(state_of(at, &id), "RUNNING");
    for (int i = 0; i < 3; i++) {
        advance(at, 20000);
        tell_worker(at, CLEAT__COMMAND_WORKER_HEARTBEAT, &worker);
    }
    assert_string_equal(heard_text(at), "C1");
    assert_string_equal(state_of(at, &id), "FAILED Task exceeded timeout of 1m0s");
    report(at, &id, 1, CLEAT_OK, "late");
    assert_string_equal(state_of(at, &id), "FAILED Task exceeded timeout of 1m0s");
}

static void test_no_timeouts(void **state)
{
    rig *at = *state;
    cleat__policy policy = plain;
    policy.execution_timeout_ms = policy.schedule_timeout_ms = CLEAT__NO_TIMEOUT;
    put_task(at, "a:a", &policy);
    cleat__uuid id = trigger(at, "a:a", "", 0);
    assert_int_equal(cleat__core_next_ms(at->core), at->now.monotonic_ms + 5000); /* to note that it waits */
    advance(at, INT64_C(86400000) * 365);
    assert_string_equal(state_of(at, &id), "QUEUED");
}

static void test_schedule_timeout(void **state)
{
    rig *at = *state;
    cleat__policy policy = with_retries(3, 0);
    put_task(at, "a:a", &policy);
    cleat__uuid id = trigger(at, "a:a", "", 0);
    advance(at, 299999);
    assert_string_equal(state_of(at, &id), "QUEUED");
    advance(at, 1);
    assert_string_equal(state_of(at, &id), "CANCELLED no worker took it within 5m0s");
}

/* ---- Cancelling ---- */

static void test_cancel(void **state)
{
    rig *at = *state;
    cleat__policy policy = with_retries(3, 1000);
    put_task(at, "a:a", &policy);
    add_worker(at, "a:a", 1);
    cleat__uuid running = trigger(at, "a:a", "r", 0), queued = trigger(at, "a:a", "q", 0);
    cleat__uuid next = trigger(at, "a:a", "n", 0);
    assert_string_equal(heard_text(at), "A0r");
    assert_int_equal(cancel(at, &queued), CLEAT_OK);
    assert_string_equal(heard_text(at), "");
    assert_int_equal(cancel(at, &running), CLEAT_OK);
    assert_string_equal(heard_text(at), "C0 A0n"); /* the slot is free at once */
    assert_string_equal(state_of(at, &running), "CANCELLED");
    report(at, &running, 0, CLEAT_OK, "1");
    assert_string_equal(state_of(at, &running), "CANCELLED");
    assert_int_equal(cancel(at, &running), CLEAT_FAILED_PRECONDITION);

    report(at, &next, 0, CLEAT_FAILED, "x"); /* backs off */
    assert_int_equal(cancel(at, &next), CLEAT_OK);
    advance(at, 2000);
    assert_string_equal(heard_text(at), "");
    assert_stats(at, 0, 0);
}

/* ---- Workers coming and going ---- */

static void test_a_lost_worker(void **state)
{
    rig *at = *state;
    put_task(at, "a:a", &plain);
    cleat__uuid worker = add_worker(at, "a:a", 1);
    cleat__uuid id = trigger(at, "a:a", "", 0);
    advance(at, 29999);
    tell_worker(at, CLEAT__COMMAND_WORKER_HEARTBEAT, &worker);
    advance(at, 29999);
    assert_string_equal(heard_text(at), "A0");
    advance(at, 1);
    assert_string_equal(heard_text(at), "C0");
    assert_string_equal(state_of(at, &id), "QUEUED"); /* although no retries are declared */
    report(at, &id, 0, CLEAT_OK, "late");
    tell_worker(at, CLEAT__COMMAND_WORKER_HEARTBEAT, &worker);
    assert_string_equal(heard_text(at), "A1");
    report(at, &id, 1, CLEAT_OK, "1");
    assert_string_equal(state_of(at, &id), "COMPLETED 1");
}

static void test_an_engine_that_stood_still_blames_no_worker(void **state)
{
    rig *at = *state;
    put_task(at, "a:a", &plain);
    add_worker(at, "a:a", 1);
    cleat__uuid id = trigger(at, "a:a", "", 0);
    at->ears.count = 0;
    advance(at, 50000);
    assert_string_equal(state_of(at, &id), "RUNNING");
    report(at, &id, 0, CLEAT_OK, "1");
    assert_string_equal(state_of(at, &id), "COMPLETED 1");
}

static void test_lost_too_often(void **state)
{
    rig *at = *state;
    put_task(at, "a:a", &plain);
    cleat__uuid id = trigger(at, "a:a", "", 0);
    for (int i = 0; i <= CLEAT__INTERNAL_RETRIES_MAX; i++) {
        cleat__uuid worker = add_worker(at, "a:a", 1);
        assert_int_equal(at->ears.heard[0].retry_count, i);
        at->ears.count = 0;
        assert_string_equal(state_of(at, &id), "RUNNING");
        tell_worker(at, CLEAT__COMMAND_WORKER_REMOVE, &worker);
        assert_int_equal(at->ears.count, 0); /* a removed worker hears nothing */
    }
    assert_string_equal(state_of(at, &id), "FAILED Task reached its maximum reassignment count");
}

static void test_pause(void **state)
{
    rig *at = *state;
    put_task(at, "a:a", &plain);
    cleat__uuid worker = add_worker(at, "a:a", 2);
    cleat__uuid id = trigger(at, "a:a", "a", 0);
    assert_int_equal(tell_worker(at, CLEAT__COMMAND_WORKER_PAUSE, &worker), CLEAT_OK);
    trigger(at, "a:a", "b", 0);
    assert_string_equal(heard_text(at), "A0a");
    report(at, &id, 0, CLEAT_OK, "1");
    assert_string_equal(state_of(at, &id), "COMPLETED 1");
    assert_string_equal(heard_text(at), "");
    assert_int_equal(tell_worker(at, CLEAT__COMMAND_WORKER_REMOVE, &worker), CLEAT_OK);
    assert_int_equal(tell_worker(at, CLEAT__COMMAND_WORKER_REMOVE, &worker), CLEAT_NOT_FOUND);
    assert_int_equal(tell_worker(at, CLEAT__COMMAND_WORKER_HEARTBEAT, &worker), CLEAT_NOT_FOUND);
}

static void test_given_back_unstarted(void **state)
{
    rig *at = *state;
    put_task(at, "a:a", &plain);
    cleat__uuid worker = add_worker(at, "a:a", 1);
    cleat__uuid id = trigger(at, "a:a", "a", 0);
    trigger(at, "a:a", "b", 3);
    tell_worker(at, CLEAT__COMMAND_WORKER_PAUSE, &worker);
    report(at, &id, 0, CLEAT_UNAVAILABLE, NULL);
    assert_string_equal(state_of(at, &id), "QUEUED");
    heard_text(at);
    cleat__uuid other = add_worker(at, "a:a", 2);
    assert_string_equal(heard_text(at), "A0a A0b"); /* ahead, and the same attempt */
    /* Said once more, as the answer was lost: it is with another worker now. */
    cleat__command again = {
        .tenant = CLEAT__TENANT_DEFAULT,
        .kind = CLEAT__COMMAND_REPORT,
        .as.report = {.task_id = id, .status = CLEAT_UNAVAILABLE, .worker_id = worker},
    };
    assert_int_equal(ask(at, &again), CLEAT_OK);
    assert_string_equal(state_of(at, &id), "RUNNING");
    tell_worker(at, CLEAT__COMMAND_WORKER_PAUSE, &other);
    again.as.report.worker_id = other;
    assert_int_equal(ask(at, &again), CLEAT_OK);
    assert_string_equal(state_of(at, &id), "QUEUED");
}

static void test_workers_that_are_refused(void **state)
{
    rig *at = *state;
    put_task(at, "a:a", &plain);
    cleat__uuid id;
    cleat_slice actions[] = {cleat_slice_of("a:a"), cleat_slice_of("x:x")};
    joining how = {.actions = actions, .action_count = 1, .slots = 0};
    assert_int_equal(join_worker(at, how, &id), CLEAT_INVALID_ARGUMENT);
    how.slots = 1;
    how.action_count = 2;
    assert_int_equal(join_worker(at, how, &id), CLEAT_NOT_FOUND);
}

/* ---- Triggers ---- */

static cleat_status trigger_many(rig *at, const cleat__trigger *items, size_t count, cleat__uuid *ids)
{
    cleat__command command = {
        .tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_TRIGGER, .as.trigger = {items, count, ids}};
    return ask(at, &command);
}

static void test_triggers_that_are_refused(void **state)
{
    rig *at = *state;
    put_task(at, "a:a", &plain);
    static char large[CLEAT_PAYLOAD_MAX + 1];
    const cleat__trigger good = {.workflow = {"a", 1}, .input = {"{}", 2}};
    const struct {
        cleat__trigger bad;
        cleat_status status;
    } cases[] = {
        {{.workflow = {"x", 1}, .input = {"{}", 2}}, CLEAT_NOT_FOUND},
        {{.workflow = {"a", 1}, .priority = 4}, CLEAT_INVALID_ARGUMENT},
        {{.workflow = {"a", 1}, .priority = -1}, CLEAT_INVALID_ARGUMENT},
        {{.workflow = {"a", 1}, .input = {large, sizeof(large)}}, CLEAT_TOO_LARGE},
        {{.workflow = {"a", 1}, .metadata = {large, sizeof(large)}}, CLEAT_TOO_LARGE},
        {{.workflow = {"a", 1}, .is_child = true, .child_index = -1}, CLEAT_INVALID_ARGUMENT},
        {{.workflow = {"a", 1}, .is_child = true, .parent_id = {{7}}}, CLEAT_NOT_FOUND},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cleat__uuid ids[3];
        cleat__trigger items[] = {good, cases[i].bad, good};
        assert_int_equal(trigger_many(at, items, 3, ids), cases[i].status);
        assert_stats(at, 0, 0); /* all or none */
    }
    assert_int_equal(trigger_many(at, NULL, 0, NULL), CLEAT_OK);
}

static void test_an_invalid_command_fails_alone(void **state)
{
    rig *at = *state;
    put_task(at, "a:a", &plain);
    cleat__uuid ids[3];
    cleat__trigger items[] = {{.workflow = {"a", 1}}, {.workflow = {"x", 1}}, {.workflow = {"a", 1}}};
    cleat__command commands[3];
    for (size_t i = 0; i < 3; i++) {
        commands[i] = (cleat__command){.tenant = CLEAT__TENANT_DEFAULT,
                                       .kind = CLEAT__COMMAND_TRIGGER,
                                       .as.trigger = {&items[i], 1, &ids[i]}};
    }
    uint64_t before = batches(at);
    step(at, commands, 3);
    assert_int_equal(commands[0].status, CLEAT_OK);
    assert_int_equal(commands[1].status, CLEAT_NOT_FOUND);
    assert_non_null(strstr(commands[1].error, "\"x\""));
    assert_int_equal(commands[2].status, CLEAT_OK);
    assert_int_equal(batches(at), before + 1);
    assert_stats(at, 2, 0);
    cleat__free(commands[1].error);
}

static void test_children_are_started_once(void **state)
{
    rig *at = *state;
    put_task(at, "a:a", &plain);
    cleat__uuid parent = trigger(at, "a:a", "p", 0), ids[4], again;
    cleat__trigger child = {.workflow = {"a", 1}, .is_child = true, .parent_id = parent, .child_index = 0};
    cleat__trigger items[4] = {child, child, child, child};
    items[1].child_index = 1;
    items[2].child_index = 0; /* as the first */
    items[3].child_index = 3;
    items[3].child_key = cleat_slice_of("1"); /* as the second */
    assert_int_equal(trigger_many(at, items, 4, ids), CLEAT_OK);
    assert_true(cleat__uuid_equals(&ids[0], &ids[2]));
    assert_true(cleat__uuid_equals(&ids[1], &ids[3]));
    assert_stats(at, 3, 0);
    assert_int_equal(cancel(at, &parent), CLEAT_OK); /* does not cancel its children */
    assert_int_equal(trigger_many(at, &child, 1, &again), CLEAT_OK);
    assert_true(cleat__uuid_equals(&ids[0], &again));
    assert_stats(at, 2, 0);
}

static void assert_metadata(const cleat__uuid *id, const char *word, bool is_there)
{
    cleat__store *reader = NULL;
    cleat__run_row row;
    assert_int_equal(cleat__store_open(FILE_NAME, CLEAT__STORE_READ, &reader), CLEAT_OK);
    assert_int_equal(cleat__run_get(reader, id, &row), CLEAT_OK);
    bool found = row.metadata.data != NULL && strstr(row.metadata.data, word) != NULL;
    assert_int_equal(found, is_there);
    cleat__store_close(reader);
}

static void test_children_inherit_metadata_when_asked_to(void **state)
{
    rig *at = *state;
    put_task(at, "a:a", &plain);
    cleat__uuid parent, children[2];
    cleat__trigger first = {.workflow = {"a", 1}, .metadata = cleat_slice_of("{\"traceparent\":\"p\"}")};
    assert_int_equal(trigger_many(at, &first, 1, &parent), CLEAT_OK);
    cleat__trigger items[2] = {
        {.workflow = {"a", 1}, .is_child = true, .parent_id = parent},
        {.workflow = {"a", 1}, .is_child = true, .parent_id = parent, .child_index = 1, .inherits = true},
    };
    items[1].metadata = cleat_slice_of("{\"own\":1}");
    assert_int_equal(trigger_many(at, items, 2, children), CLEAT_OK);
    assert_metadata(&children[0], "traceparent", false);
    assert_metadata(&children[1], "traceparent", true);
    assert_metadata(&children[1], "own", true);
    assert_metadata(&children[1], "hatchet__parent_step_run_id", true);
}

/* It grows with each generation, and is refused before anything is written. */
static void test_inherited_metadata_has_a_limit(void **state)
{
    rig *at = *state;
    char *text = malloc(CLEAT_PAYLOAD_MAX + 1);
    memset(text, 'x', CLEAT_PAYLOAD_MAX);
    memcpy(text, "{\"k\":\"", 6);
    memcpy(text + CLEAT_PAYLOAD_MAX - 2, "\"}", 3);
    put_task(at, "a:a", &plain);
    cleat__uuid parent, children[2];
    cleat__trigger first = {.workflow = {"a", 1}, .metadata = {text, CLEAT_PAYLOAD_MAX}};
    assert_int_equal(trigger_many(at, &first, 1, &parent), CLEAT_OK);
    cleat__trigger items[2] = {
        {.workflow = {"a", 1}},
        {.workflow = {"a", 1}, .is_child = true, .parent_id = parent, .inherits = true},
    };
    assert_int_equal(trigger_many(at, items, 2, children), CLEAT_TOO_LARGE);
    assert_stats(at, 1, 0);
    items[1].metadata = cleat_slice_of("{\"k\":\"short\"}"); /* instead of the parent's */
    assert_int_equal(trigger_many(at, items, 2, children), CLEAT_OK);
    assert_metadata(&children[1], "short", true);
    free(text);
}

/* A call of a few bytes must not make the engine write without end. */
static void test_how_much_children_may_inherit_together(void **state)
{
    enum { CHILDREN = 40, SIZE = 2000000 };
    rig *at = *state;
    char *text = malloc(SIZE + 1);
    memset(text, 'x', SIZE);
    memcpy(text, "{\"k\":\"", 6);
    memcpy(text + SIZE - 2, "\"}", 3);
    put_task(at, "a:a", &plain);
    cleat__uuid parent, children[CHILDREN];
    cleat__trigger first = {.workflow = {"a", 1}, .metadata = {text, SIZE}}, items[CHILDREN];
    assert_int_equal(trigger_many(at, &first, 1, &parent), CLEAT_OK);
    for (int i = 0; i < CHILDREN; i++) {
        items[i] = (cleat__trigger){
            .workflow = {"a", 1}, .is_child = true, .parent_id = parent, .child_index = i, .inherits = true};
    }
    assert_int_equal(trigger_many(at, items, CHILDREN, children), CLEAT_TOO_LARGE);
    assert_stats(at, 1, 0);
    assert_int_equal(trigger_many(at, items, CHILDREN / 4, children), CLEAT_OK);
    free(text);
}

static void test_what_comes_too_late_for_its_caller_is_not_done(void **state)
{
    rig *at = *state;
    put_task(at, "a:a", &plain);
    cleat__uuid id;
    cleat__trigger item = {.workflow = {"a", 1}};
    cleat__command command = {.tenant = CLEAT__TENANT_DEFAULT,
                              .kind = CLEAT__COMMAND_TRIGGER,
                              .expires_ms = at->now.monotonic_ms,
                              .as.trigger = {&item, 1, &id}};
    assert_int_equal(ask(at, &command), CLEAT_TIMEOUT);
    assert_stats(at, 0, 0);
    command.expires_ms++;
    assert_int_equal(ask(at, &command), CLEAT_OK);
    assert_stats(at, 1, 0);
}

static void test_runs_keep_their_version(void **state)
{
    rig *at = *state;
    cleat__policy retrying = with_retries(1, 0);
    put_task(at, "a:a", &plain);
    cleat__uuid old = trigger(at, "a:a", "old", 0);
    put_task(at, "a:a", &retrying);
    cleat__uuid new = trigger(at, "a:a", "new", 0);
    crash(at);
    open_core(at);
    add_worker(at, "a:a", 2);
    report(at, &old, 0, CLEAT_FAILED, "x");
    report(at, &new, 0, CLEAT_FAILED, "x");
    assert_string_equal(state_of(at, &old), "FAILED x");
    assert_string_equal(state_of(at, &new), "RUNNING");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        TEST(test_trigger_and_start_take_one_commit),
        TEST(test_nothing_is_told_before_the_commit),
        TEST(test_what_does_not_write_does_not_commit),
        TEST(test_order_is_priority_then_insertion),
        TEST(test_retries_go_ahead_of_everything),
        TEST(test_queues_take_turns),
        TEST(test_workers_take_turns_within_their_slots),
        TEST(test_retries_with_back_off),
        TEST(test_non_retryable_failure),
        TEST(test_execution_timeout),
        TEST(test_no_timeouts),
        TEST(test_schedule_timeout),
        TEST(test_cancel),
        TEST(test_a_lost_worker),
        TEST(test_an_engine_that_stood_still_blames_no_worker),
        TEST(test_lost_too_often),
        TEST(test_pause),
        TEST(test_given_back_unstarted),
        TEST(test_workers_that_are_refused),
        TEST(test_triggers_that_are_refused),
        TEST(test_an_invalid_command_fails_alone),
        TEST(test_children_are_started_once),
        TEST(test_children_inherit_metadata_when_asked_to),
        TEST(test_inherited_metadata_has_a_limit),
        TEST(test_how_much_children_may_inherit_together),
        TEST(test_what_comes_too_late_for_its_caller_is_not_done),
        TEST(test_runs_keep_their_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
