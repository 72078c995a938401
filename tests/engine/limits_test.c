/* Concurrency rules: which runs go on, which wait, which are cancelled. */
#include "core_test.h"
#include "support/failing_allocator.h"

#include "base/error.h"
#include "engine/core_parts.h"
#include "model/concurrency.h"

#include <inttypes.h>

static const cleat__policy policy = {
    .priority = 1,
    .backoff_factor = 1,
    .execution_timeout_ms = CLEAT__NO_TIMEOUT,
    .schedule_timeout_ms = 300000,
};

typedef struct declared {
    cleat__concurrency of_workflow, of_task; /* without an expression: none */
    int32_t retries;
    int64_t backoff_ms;
    bool is_durable;
} declared;

static cleat__concurrency by_key(int32_t max_runs, cleat_concurrency_strategy strategy)
{
    return (cleat__concurrency){
        .expression = cleat_slice_of("input.k"), .max_runs = max_runs, .strategy = strategy};
}

/* "a:a", with the rules. */
static void declare(rig *at, declared what)
{
    cleat__policy own = policy;
    own.retries = what.retries;
    own.backoff_initial_ms = what.backoff_ms;
    own.backoff_max_ms = what.backoff_ms;
    cleat__workflow workflow = workflow_of("a:a", &own);
    workflow.concurrency = &what.of_workflow;
    workflow.concurrency_count = what.of_workflow.expression.size != 0;
    cleat__workflow_task *task = task_of(&workflow);
    task->concurrency = &what.of_task;
    task->concurrency_count = what.of_task.expression.size != 0;
    task->is_durable = what.is_durable;
    assert_int_equal(put_workflow(at, CLEAT__TENANT_DEFAULT, &workflow, NULL), CLEAT_OK);
}

static void declare_one(rig *at, int32_t max_runs, cleat_concurrency_strategy strategy)
{
    declare(at, (declared){.of_task = by_key(max_runs, strategy)});
}

static cleat__uuid start(rig *at, const char *key, int priority)
{
    char input[64];
    snprintf(input, sizeof(input), "{\"k\":\"%s\"}", key);
    return trigger(at, "a:a", input, priority);
}

static void check_state(rig *at, const cleat__uuid *id, const char *state)
{
    assert_string_equal(state_of(at, id), state);
}

static void test_a_key_has_so_many_runs_and_another_key_too(void **state)
{
    rig *at = *state;
    declare_one(at, 2, CLEAT_GROUP_ROUND_ROBIN);
    add_worker(at, "a:a", 10);
    cleat__uuid a[4];
    for (size_t i = 0; i < 4; i++) {
        a[i] = start(at, "a", 0);
    }
    cleat__uuid b = start(at, "b", 0);
    check_state(at, &a[0], "RUNNING");
    check_state(at, &a[1], "RUNNING");
    check_state(at, &a[2], "QUEUED");
    check_state(at, &b, "RUNNING");
    report(at, &a[1], 0, CLEAT_OK, "1");
    check_state(at, &a[2], "RUNNING");
    check_state(at, &a[3], "QUEUED");
    cancel(at, &a[0]);
    check_state(at, &a[3], "RUNNING");
}

static void test_who_waits_goes_by_priority_then_by_age(void **state)
{
    rig *at = *state;
    declare_one(at, 1, CLEAT_GROUP_ROUND_ROBIN);
    add_worker(at, "a:a", 10);
    cleat__uuid first = start(at, "a", 1), low = start(at, "a", 1), high = start(at, "a", 3),
                later = start(at, "a", 3);
    report(at, &first, 0, CLEAT_OK, "1");
    check_state(at, &high, "RUNNING");
    report(at, &high, 0, CLEAT_OK, "1");
    check_state(at, &later, "RUNNING");
    report(at, &later, 0, CLEAT_OK, "1");
    check_state(at, &low, "RUNNING");
}

/* One customer has a hundred runs and many slots, the others a few: with one worker that has few slots, all
 * are served in turn. */
static void test_keys_are_served_in_turn_however_many_runs_they_have(void **state)
{
    enum { MANY = 100, FEW = 5, KEYS = 3, SLOTS = 2 };
    rig *at = *state;
    declare_one(at, 50, CLEAT_GROUP_ROUND_ROBIN);
    for (int i = 0; i < MANY; i++) {
        start(at, "a", 0);
    }
    for (int i = 0; i < FEW; i++) {
        start(at, "b", 0);
        start(at, "c", 0);
    }
    add_worker(at, "a:a", SLOTS);
    size_t served[KEYS] = {0}, done = 0;
    for (; done < FEW * KEYS; done++) {
        const heard *run = &at->ears.heard[done];
        assert_true(done < at->ears.count);
        served[run->input[6] - 'a']++;
        for (size_t key = 0; key < KEYS; key++) {
            assert_true(served[key] <= (done + KEYS) / KEYS); /* nobody is ahead of his turn */
        }
        cleat__uuid id = run->id;
        report(at, &id, 0, CLEAT_OK, "1");
    }
    for (size_t key = 0; key < KEYS; key++) {
        assert_int_equal(served[key], FEW);
    }
}

/* One that waits for a worker of its own holds a slot, but its key's other runs pass it. */
static void test_who_desires_a_worker_does_not_hold_up_its_key(void **state)
{
    rig *at = *state;
    declare_one(at, 2, CLEAT_GROUP_ROUND_ROBIN);
    add_worker(at, "a:a", 10);
    const cleat__desired_label label = {
        .key = cleat_slice_of("gpu"), .value = {.is_number = true, .number = 1}, .is_required = true};
    cleat__uuid id;
    cleat__trigger item = {.workflow = cleat_slice_of("a"),
                           .input = cleat_slice_of("{\"k\":\"a\"}"),
                           .labels = &label,
                           .label_count = 1,
                           .child_index = -1};
    cleat__command command = {
        .tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_TRIGGER, .as.trigger = {&item, 1, &id}};
    assert_int_equal(ask(at, &command), CLEAT_OK);
    cleat__uuid plain = start(at, "a", 0);
    check_state(at, &id, "QUEUED");
    check_state(at, &plain, "RUNNING");
}

static void test_the_newest_run_takes_the_slot_of_an_older_one(void **state)
{
    rig *at = *state;
    declare_one(at, 1, CLEAT_CANCEL_IN_PROGRESS);
    add_worker(at, "a:a", 1);
    cleat__uuid first = start(at, "a", 0), second = start(at, "a", 0);
    check_state(at, &first, "CANCELLED");
    check_state(at, &second, "RUNNING");
    assert_string_equal(heard_text(at), "A0{\"k\":\"a\"} C0 A0{\"k\":\"a\"}"); /* the worker is told */
    cleat__uuid third = start(at, "b", 0), fourth = start(at, "b", 0); /* no worker has room for them */
    check_state(at, &third, "CANCELLED");
    check_state(at, &fourth, "QUEUED");
}

static void test_the_oldest_run_keeps_its_slot(void **state)
{
    rig *at = *state;
    declare_one(at, 1, CLEAT_CANCEL_NEWEST);
    add_worker(at, "a:a", 5);
    cleat__uuid first = start(at, "a", 0), second = start(at, "a", 0);
    check_state(at, &first, "RUNNING");
    check_state(at, &second, "CANCELLED");
    report(at, &first, 0, CLEAT_OK, "1");
    cleat__uuid third = start(at, "a", 0);
    check_state(at, &third, "RUNNING");
}

static void test_of_those_that_wait_one_is_kept(void **state)
{
    rig *at = *state;
    const bool is_newest[] = {true, false};
    for (size_t i = 0; i < 2; i++) {
        declare_one(at, 1,
                    is_newest[i] ? CLEAT_CANCEL_QUEUED_EXCEPT_NEWEST : CLEAT_CANCEL_QUEUED_EXCEPT_OLDEST);
        add_worker(at, "a:a", 5);
        cleat__uuid runs[3];
        for (size_t j = 0; j < 3; j++) {
            runs[j] = start(at, "a", 0);
        }
        check_state(at, &runs[0], "RUNNING");
        check_state(at, &runs[is_newest[i] ? 1 : 2], "CANCELLED");
        check_state(at, &runs[is_newest[i] ? 2 : 1], "QUEUED");
    }
}

/* What comes in one batch is as what comes one after the other. */
static void test_a_batch_is_judged_as_a_whole(void **state)
{
    rig *at = *state;
    declare_one(at, 1, CLEAT_CANCEL_IN_PROGRESS);
    add_worker(at, "a:a", 5);
    cleat__trigger items[100];
    cleat__uuid ids[100];
    for (size_t i = 0; i < 100; i++) {
        items[i] = (cleat__trigger){
            .workflow = cleat_slice_of("a"), .input = cleat_slice_of("{\"k\":\"a\"}"), .child_index = -1};
    }
    cleat__command command = {
        .tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_TRIGGER, .as.trigger = {items, 100, ids}};
    assert_int_equal(ask(at, &command), CLEAT_OK);
    for (size_t i = 0; i < 100; i++) {
        check_state(at, &ids[i], i == 99 ? "RUNNING" : "CANCELLED");
    }
    assert_string_equal(heard_text(at), "A0{\"k\":\"a\"}"); /* no worker heard of the others */
}

static void test_all_rules_of_a_chain_must_agree(void **state)
{
    rig *at = *state;
    declare(at, (declared){.of_workflow = {.expression = cleat_slice_of("'all'"),
                                           .max_runs = 2,
                                           .strategy = CLEAT_GROUP_ROUND_ROBIN},
                           .of_task = by_key(1, CLEAT_GROUP_ROUND_ROBIN)});
    add_worker(at, "a:a", 10);
    cleat__uuid a = start(at, "a", 0), also_a = start(at, "a", 0), b = start(at, "b", 0);
    check_state(at, &a, "RUNNING");
    check_state(at, &also_a, "QUEUED"); /* it has one of the two slots, and waits for that of its key */
    check_state(at, &b, "QUEUED");
    report(at, &a, 0, CLEAT_OK, "1");
    check_state(at, &also_a, "RUNNING");
    check_state(at, &b, "RUNNING");
}

static void test_a_run_without_a_key_fails_when_it_is_started(void **state)
{
    rig *at = *state;
    declare_one(at, 1, CLEAT_GROUP_ROUND_ROBIN);
    add_worker(at, "a:a", 10);
    const char *const inputs[] = {"{}", "{\"k\":1}", "{\"k\":null}"};
    for (size_t i = 0; i < 3; i++) {
        cleat__uuid id = trigger(at, "a:a", inputs[i], 0);
        const char *text = state_of(at, &id);
        if (strncmp(text, "FAILED failed to parse step expression", 38) != 0) {
            fail_msg("%s: %s", inputs[i], text);
        }
    }
    char large[CLEAT__CONCURRENCY_KEY_MAX + 64];
    snprintf(large, sizeof(large), "{\"k\":\"%0*d\"}", CLEAT__CONCURRENCY_KEY_MAX + 1, 0);
    cleat__uuid id = trigger(at, "a:a", large, 0);
    assert_non_null(strstr(state_of(at, &id), "the key has 1025 bytes; at most 1024 are allowed"));
    assert_int_equal(at->ears.count, 0);
    assert_int_equal(at->core->limits.groups.count + at->core->limits.contenders.count, 0);
    /* A replay finds the same. */
    cleat__command command = {.tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_REPLAY, .as.id = id};
    assert_int_equal(ask(at, &command), CLEAT_OK);
    assert_non_null(strstr(state_of(at, &id), "FAILED"));
}

static void test_a_retry_at_once_keeps_the_slot(void **state)
{
    rig *at = *state;
    declare(at, (declared){.of_task = by_key(1, CLEAT_GROUP_ROUND_ROBIN), .retries = 1});
    add_worker(at, "a:a", 10);
    cleat__uuid first = start(at, "a", 0), second = start(at, "a", 3);
    report(at, &first, 0, CLEAT_FAILED, "bad");
    check_state(at, &first, "RUNNING");
    check_state(at, &second, "QUEUED");
    report(at, &first, 1, CLEAT_FAILED, "bad");
    check_state(at, &second, "RUNNING");
}

static void test_who_backs_off_holds_nothing_and_then_goes_first(void **state)
{
    rig *at = *state;
    declare(at, (declared){.of_task = by_key(1, CLEAT_GROUP_ROUND_ROBIN), .retries = 1, .backoff_ms = 10000});
    add_worker(at, "a:a", 10);
    cleat__uuid first = start(at, "a", 0), second = start(at, "a", 0), third = start(at, "a", 3);
    report(at, &first, 0, CLEAT_FAILED, "bad");
    check_state(at, &third, "RUNNING");
    advance(at, 10000);
    check_state(at, &first, "QUEUED");
    report(at, &third, 0, CLEAT_OK, "1");
    check_state(at, &first, "RUNNING");
    check_state(at, &second, "QUEUED");
}

static void test_waiting_for_a_slot_counts_as_waiting_for_a_worker(void **state)
{
    rig *at = *state;
    declare_one(at, 1, CLEAT_GROUP_ROUND_ROBIN);
    cleat__uuid worker = add_worker(at, "a:a", 10);
    cleat__uuid first = start(at, "a", 0), second = start(at, "a", 0), third = start(at, "a", 0);
    for (int i = 0; i < 34; i++) { /* more than five minutes */
        advance(at, 9000);
        tell_worker(at, CLEAT__COMMAND_WORKER_HEARTBEAT, &worker);
        if (i == 5) {
            report(at, &first, 0, CLEAT_OK, "1");
        }
    }
    check_state(at, &third, "CANCELLED it did not get a slot of input.k for \"a\" within 5m0s");
    check_state(at, &second, "RUNNING");
}

static void test_after_a_restart_slots_are_as_before(void **state)
{
    rig *at = *state;
    declare_one(at, 1, CLEAT_GROUP_ROUND_ROBIN);
    add_worker(at, "a:a", 10);
    cleat__uuid first = start(at, "a", 0), second = start(at, "a", 0), third = start(at, "b", 0);
    crash(at);
    open_core(at);
    assert_int_equal(at->core->limits.contenders.count, 3);
    add_worker(at, "a:a", 10);
    check_state(at, &first, "RUNNING"); /* again, since its worker is gone */
    check_state(at, &second, "QUEUED");
    check_state(at, &third, "RUNNING");
    report(at, &first, 1, CLEAT_OK, "1");
    check_state(at, &second, "RUNNING");
}

static void test_versions_share_their_slots_and_the_newest_says_how_many(void **state)
{
    rig *at = *state;
    declare_one(at, 1, CLEAT_GROUP_ROUND_ROBIN);
    add_worker(at, "a:a", 10);
    cleat__uuid first = start(at, "a", 0), second = start(at, "a", 0), third = start(at, "a", 0);
    declare_one(at, 2, CLEAT_GROUP_ROUND_ROBIN);
    check_state(at, &second, "RUNNING");
    cleat__uuid fourth = start(at, "a", 0);
    declare_one(at, 1, CLEAT_GROUP_ROUND_ROBIN);
    report(at, &first, 0, CLEAT_OK, "1");
    check_state(at, &third, "QUEUED");
    report(at, &second, 0, CLEAT_OK, "1");
    check_state(at, &third, "RUNNING");
    check_state(at, &fourth, "QUEUED");
}

/* ---- As many as the newest run says ---- */

static void declare_said(rig *at, const char *max_runs)
{
    cleat__concurrency rule = by_key(1, CLEAT_GROUP_ROUND_ROBIN);
    rule.max_runs_expression = cleat_slice_of(max_runs);
    declare(at, (declared){.of_task = rule});
}

static cleat__uuid start_saying(rig *at, const char *key, int n)
{
    char input[64];
    snprintf(input, sizeof(input), "{\"k\":\"%s\",\"n\":%d}", key, n);
    return trigger(at, "a:a", input, 0);
}

static void test_the_newest_run_says_how_many_slots_its_key_has(void **state)
{
    rig *at = *state;
    declare_said(at, "input.n");
    add_worker(at, "a:a", 10);
    cleat__uuid first = start_saying(at, "a", 1), second = start_saying(at, "a", 1);
    cleat__uuid other = start_saying(at, "b", 2), also_other = start_saying(at, "b", 2);
    check_state(at, &first, "RUNNING");
    check_state(at, &second, "QUEUED");
    check_state(at, &also_other, "RUNNING");
    cleat__uuid third = start_saying(at, "a", 3);
    check_state(at, &second, "RUNNING");
    check_state(at, &third, "RUNNING");
    cleat__uuid fourth = start_saying(at, "a", 2); /* fewer: nobody loses his slot */
    check_state(at, &third, "RUNNING");
    report(at, &first, 0, CLEAT_OK, "1");
    check_state(at, &fourth, "QUEUED");
    crash(at);
    open_core(at);
    add_worker(at, "a:a", 10);
    check_state(at, &fourth, "QUEUED");
    report(at, &second, 1, CLEAT_OK, "1");
    check_state(at, &fourth, "RUNNING");
    check_state(at, &other, "RUNNING");
}

static void test_a_run_that_says_no_number_of_slots_fails(void **state)
{
    rig *at = *state;
    declare_said(at, "input.n");
    add_worker(at, "a:a", 10);
    const char *const inputs[] = {"{\"k\":\"a\"}", "{\"k\":\"a\",\"n\":\"2\"}", "{\"k\":\"a\",\"n\":0}",
                                  "{\"k\":\"a\",\"n\":10001}"};
    for (size_t i = 0; i < 4; i++) {
        cleat__uuid id = trigger(at, "a:a", inputs[i], 0);
        if (strncmp(state_of(at, &id), "FAILED failed to parse step expression", 38) != 0) {
            fail_msg("%s: %s", inputs[i], state_of(at, &id));
        }
    }
    assert_int_equal(at->core->limits.groups.count, 0);
}

static void test_a_version_may_say_it_itself_again(void **state)
{
    rig *at = *state;
    declare_said(at, "input.n");
    add_worker(at, "a:a", 10);
    cleat__uuid first = start_saying(at, "a", 1), second = start_saying(at, "a", 1);
    declare_one(at, 2, CLEAT_GROUP_ROUND_ROBIN);
    check_state(at, &first, "RUNNING");
    check_state(at, &second, "RUNNING");
    declare_said(at, "1");
    cleat__uuid third = start_saying(at, "a", 1);
    report(at, &first, 0, CLEAT_OK, "1");
    check_state(at, &third, "QUEUED");
}

static void test_a_replay_is_as_new_as_it_is(void **state)
{
    rig *at = *state;
    declare_one(at, 1, CLEAT_CANCEL_IN_PROGRESS);
    add_worker(at, "a:a", 10);
    cleat__uuid first = start(at, "a", 0), second = start(at, "a", 0);
    check_state(at, &first, "CANCELLED");
    advance(at, 1);
    cleat__command command = {.tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_REPLAY, .as.id = first};
    assert_int_equal(ask(at, &command), CLEAT_OK);
    check_state(at, &first, "RUNNING");
    check_state(at, &second, "CANCELLED");
}

static void test_nothing_is_kept_for_keys_without_runs(void **state)
{
    rig *at = *state;
    declare_one(at, 1, CLEAT_GROUP_ROUND_ROBIN);
    add_worker(at, "a:a", 10);
    for (int i = 0; i < 20; i++) {
        char key[8];
        snprintf(key, sizeof(key), "%d", i % 10);
        start(at, key, 0);
    }
    assert_int_equal(at->core->limits.groups.count, 10);
    for (size_t i = 0; i < at->ears.count; i++) {
        cleat__uuid id = at->ears.heard[i].id;
        report(at, &id, 0, CLEAT_OK, "1");
    }
    assert_int_equal(at->ears.count, 20);
    assert_int_equal(at->core->limits.groups.count, 0);
    assert_int_equal(at->core->limits.contenders.count, 0);
}

static void test_rules_are_checked_when_they_are_declared(void **state)
{
    rig *at = *state;
    cleat__workflow workflow = workflow_of("a:a", &policy);
    const cleat__concurrency bad = {.expression = cleat_slice_of("input."), .max_runs = 1};
    workflow.concurrency = &bad;
    workflow.concurrency_count = 1;
    assert_int_equal(put_workflow(at, CLEAT__TENANT_DEFAULT, &workflow, NULL), CLEAT_INVALID_ARGUMENT);
    workflow.concurrency_count = 0;
    task_of(&workflow)->concurrency = &bad;
    task_of(&workflow)->concurrency_count = 1;
    assert_int_equal(put_workflow(at, CLEAT__TENANT_DEFAULT, &workflow, NULL), CLEAT_INVALID_ARGUMENT);
}

/* ---- Without memory ---- */

/* Two runs of one key, one after the other, the first of which fails and is replayed. */
static void live(rig *at)
{
    const cleat__concurrency rule = by_key(1, CLEAT_GROUP_ROUND_ROBIN);
    const cleat_slice name = cleat_slice_of("a:a");
    const cleat__slots two = {cleat_slice_of("default"), 2};
    const cleat__worker_spec spec = {.actions = &name, .action_count = 1, .slots = &two, .slot_count = 1};
    cleat__workflow workflow = workflow_of("a:a", &policy);
    cleat__trigger items[2];
    cleat__uuid ids[2] = {{{0}}}, worker;
    workflow.concurrency = &rule;
    workflow.concurrency_count = 1;
    for (size_t i = 0; i < 2; i++) {
        items[i] = (cleat__trigger){.workflow = workflow.name, .input = cleat_slice_of("{\"k\":\"a\"}")};
    }
    cleat__command first[] = {
        {.kind = CLEAT__COMMAND_PUT_WORKFLOW, .as.put_workflow = {&workflow, NULL, false}},
        {.kind = CLEAT__COMMAND_WORKER_JOIN,
         .as.worker_join = {&spec, {&at->ears, hear_assign, hear_cancel}, &worker, NULL}},
        {.kind = CLEAT__COMMAND_TRIGGER, .as.trigger = {items, 2, ids}},
    };
    for (size_t i = 0; i < 3; i++) {
        first[i].tenant = CLEAT__TENANT_DEFAULT;
    }
    step(at, first, 3);
    cleat__command then[] = {
        {.kind = CLEAT__COMMAND_REPORT, .as.report = {.task_id = ids[0], .status = CLEAT_FAILED}},
        {.kind = CLEAT__COMMAND_REPLAY, .as.id = ids[0]},
    };
    for (size_t i = 0; i < 2; i++) {
        then[i].tenant = CLEAT__TENANT_DEFAULT;
    }
    step(at, then, 2);
    for (size_t i = 0; i < 3; i++) {
        cleat__free(first[i].error);
    }
    for (size_t i = 0; i < 2; i++) {
        cleat__free(then[i].error);
    }
}

static void test_any_allocation_may_fail(void **state)
{
    rig *at = *state;
    failing_allocator memory;
    size_t calls = 0;
    do {
        close_fixture(state);
        open_fixture(state);
        at = *state;
        failing_allocator_install(&memory, ++calls);
        live(at);
        cleat_set_allocator(NULL);
        assert_true(calls < 1000);
        /* What is told is stored: another engine goes on with it. */
        crash(at);
        open_core(at);
        assert_int_equal(at->core->limits.contenders.count, at->core->runs.by_id.count);
    } while (failing_allocator_has_failed(&memory));
    assert_true(calls > 40);
    assert_int_equal(at->core->limits.contenders.count, 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        TEST(test_a_key_has_so_many_runs_and_another_key_too),
        TEST(test_who_waits_goes_by_priority_then_by_age),
        TEST(test_keys_are_served_in_turn_however_many_runs_they_have),
        TEST(test_who_desires_a_worker_does_not_hold_up_its_key),
        TEST(test_the_newest_run_takes_the_slot_of_an_older_one),
        TEST(test_the_oldest_run_keeps_its_slot),
        TEST(test_of_those_that_wait_one_is_kept),
        TEST(test_a_batch_is_judged_as_a_whole),
        TEST(test_all_rules_of_a_chain_must_agree),
        TEST(test_a_run_without_a_key_fails_when_it_is_started),
        TEST(test_a_retry_at_once_keeps_the_slot),
        TEST(test_who_backs_off_holds_nothing_and_then_goes_first),
        TEST(test_waiting_for_a_slot_counts_as_waiting_for_a_worker),
        TEST(test_after_a_restart_slots_are_as_before),
        TEST(test_versions_share_their_slots_and_the_newest_says_how_many),
        TEST(test_the_newest_run_says_how_many_slots_its_key_has),
        TEST(test_a_run_that_says_no_number_of_slots_fails),
        TEST(test_a_version_may_say_it_itself_again),
        TEST(test_a_replay_is_as_new_as_it_is),
        TEST(test_nothing_is_kept_for_keys_without_runs),
        TEST(test_rules_are_checked_when_they_are_declared),
        TEST(test_any_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
