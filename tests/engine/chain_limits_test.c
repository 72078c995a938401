/* Concurrency rules of a workflow that goes on as new runs: the chain has one seat of a key, from its first run to its
 * last. */
#include "chain_test.h"
#include "support/failing_allocator.h"

#define KEY "{\"k\":\"a\"}"

static cleat__uuid start(rig *at, const char *input)
{
    return trigger(at, "flow:flow", input, 0);
}

static void check_state(rig *at, const cleat__uuid *id, const char *state)
{
    const char *now = state_of(at, id);
    if (strncmp(now, state, strlen(state)) != 0) {
        fail_msg("%s, not %s", now, state);
    }
}

static void restart(rig *at)
{
    crash(at);
    open_core(at);
    step(at, NULL, 0);
}

static const cleat_concurrency_strategy strategies[] = {
    CLEAT_CANCEL_IN_PROGRESS, CLEAT_GROUP_ROUND_ROBIN, CLEAT_CANCEL_NEWEST, CLEAT_CANCEL_QUEUED_EXCEPT_NEWEST,
    CLEAT_CANCEL_QUEUED_EXCEPT_OLDEST};
enum { STRATEGIES = sizeof(strategies) / sizeof(strategies[0]) };

static void test_a_chain_goes_on_by_each_strategy(void **state)
{
    rig *at = *state;
    join(at);
    for (size_t i = 0; i < STRATEGIES; i++) {
        declare_one(at, 1, strategies[i]);
        cleat__uuid first = start(at, KEY), run = first;
        for (int link = 0; link < 4; link++) {
            cleat__uuid next = begin_next(at, &run, 1, KEY);
            check_state(at, &run, "RUNNING");
            check_state(at, &next, "QUEUED");
            end_as(at, &run, 1, &next);
            check_state(at, &run, "COMPLETED {\"cleat:continued_as\"");
            check_state(at, &next, "RUNNING");
            run = next;
        }
        assert_int_equal(end_run(at, &run, 1, CLEAT_OK, "1"), CLEAT_OK);
        assert_int_equal(at->core->limits.groups.count, 0);
    }
}

static void test_nobody_gets_the_slot_between_two_links(void **state)
{
    static const cleat_concurrency_strategy waiting[] = {
        CLEAT_GROUP_ROUND_ROBIN, CLEAT_CANCEL_QUEUED_EXCEPT_NEWEST, CLEAT_CANCEL_QUEUED_EXCEPT_OLDEST};
    rig *at = *state;
    join(at);
    for (size_t i = 0; i < sizeof(waiting) / sizeof(waiting[0]); i++) {
        declare_one(at, 1, waiting[i]);
        cleat__uuid run = start(at, KEY), other = start(at, KEY);
        for (int link = 0; link < 3; link++) {
            run = go_on(at, &run, 1, KEY);
            check_state(at, &run, "RUNNING");
            check_state(at, &other, "QUEUED");
        }
        assert_int_equal(end_run(at, &run, 1, CLEAT_OK, "1"), CLEAT_OK);
        check_state(at, &other, "RUNNING");
        assert_int_equal(end_run(at, &other, 1, CLEAT_OK, "1"), CLEAT_OK);
    }
}

/* The age is that of the first run: who has come since is newer than the chain, and who was before is older. */
static void test_the_age_goes_along(void **state)
{
    rig *at = *state;
    join(at);
    declare_one(at, 2, CLEAT_CANCEL_NEWEST);
    cleat__uuid run = start(at, KEY);
    advance(at, 10);
    cleat__uuid other = start(at, KEY);
    advance(at, 10);
    run = go_on(at, &run, 1, KEY);
    declare_one(at, 1, CLEAT_CANCEL_NEWEST);
    check_state(at, &run, "RUNNING");
    check_state(at, &other, "CANCELLED");
}

/* Who takes its place, as the strategy says, takes that of the whole chain. */
static void test_a_stranger_takes_the_place_of_the_chain(void **state)
{
    rig *at = *state;
    join(at);
    declare_one(at, 1, CLEAT_CANCEL_IN_PROGRESS);
    cleat__uuid first = start(at, KEY), second = begin_next(at, &first, 1, KEY);
    cleat__uuid stranger = start(at, KEY);
    check_state(at, &first, "CANCELLED");
    check_state(at, &second, "CANCELLED");
    check_state(at, &stranger, "RUNNING");
    advance(at, 10);
    first = go_on(at, &stranger, 1, KEY);
    check_state(at, &first, "RUNNING");
    second = start(at, KEY);
    check_state(at, &first, "CANCELLED");
    check_state(at, &second, "RUNNING");
}

static void test_where_the_key_differs_it_is_as_any_new_run(void **state)
{
    rig *at = *state;
    join(at);
    declare_one(at, 1, CLEAT_GROUP_ROUND_ROBIN);
    cleat__uuid run = start(at, KEY), other = start(at, "{\"k\":\"b\"}"), waits = start(at, KEY);
    cleat__uuid next = go_on(at, &run, 1, "{\"k\":\"b\"}");
    check_state(at, &next, "QUEUED");
    check_state(at, &waits, "RUNNING");
    assert_int_equal(end_run(at, &other, 1, CLEAT_OK, "1"), CLEAT_OK);
    check_state(at, &next, "RUNNING");
}

/* Who holds the slot of a later rule and waits for one before would wait for ever for who does it the other way round. */
static void test_nobody_waits_for_ever_behind_another_key(void **state)
{
    static const char *const mine = "{\"k\":\"a\",\"t\":\"t\"}", *const others = "{\"k\":\"b\",\"t\":\"t\"}";
    const cleat__concurrency rules[] = {rule_of("input.k", 1, CLEAT_GROUP_ROUND_ROBIN),
                                        rule_of("input.t", 1, CLEAT_GROUP_ROUND_ROBIN)};
    rig *at = *state;
    join(at);
    declare_ruled(at, rules, 2);
    cleat__uuid run = start(at, mine), other = start(at, others); /* holds b, waits for t */
    cleat__uuid next = go_on(at, &run, 1, others);                /* would hold t, waits for b */
    check_state(at, &next, "QUEUED");
    check_state(at, &other, "RUNNING");
    assert_int_equal(end_run(at, &other, 1, CLEAT_OK, "1"), CLEAT_OK);
    check_state(at, &next, "RUNNING");
}

static void test_the_first_of_two_keys_may_stay(void **state)
{
    static const char *const pages[] = {"{\"k\":\"a\",\"t\":\"1\"}", "{\"k\":\"a\",\"t\":\"2\"}"};
    const cleat__concurrency rules[] = {rule_of("input.k", 1, CLEAT_CANCEL_NEWEST),
                                        rule_of("input.t", 1, CLEAT_GROUP_ROUND_ROBIN)};
    rig *at = *state;
    join(at);
    declare_ruled(at, rules, 2);
    cleat__uuid run = start(at, pages[0]), next = go_on(at, &run, 1, pages[1]);
    check_state(at, &next, "RUNNING");
    cleat__uuid other = start(at, pages[0]);
    check_state(at, &other, "CANCELLED");
    check_state(at, &next, "RUNNING");
}

/* A workflow may start others of its kind: they are not what it goes on as. */
static void test_another_child_has_a_seat_of_its_own(void **state)
{
    rig *at = *state;
    join(at);
    declare_one(at, 2, CLEAT_CANCEL_NEWEST);
    cleat__uuid run = start(at, KEY), child, third;
    assert_int_equal(ask_flow(at, &run, 1, KEY, NULL, &child), CLEAT_OK);
    check_state(at, &child, "RUNNING");
    assert_int_equal(ask_flow(at, &run, 1, KEY, "mine", &third), CLEAT_OK);
    check_state(at, &third, "CANCELLED");
}

static void test_who_is_cancelled_meanwhile_takes_the_next_along(void **state)
{
    rig *at = *state;
    join(at);
    declare_one(at, 1, CLEAT_GROUP_ROUND_ROBIN);
    cleat__uuid run = start(at, KEY), other = start(at, KEY), next = begin_next(at, &run, 1, KEY);
    assert_int_equal(cancel(at, &run), CLEAT_OK);
    check_state(at, &next, "CANCELLED");
    check_state(at, &other, "RUNNING");
}

/* An attempt that fails when the next run is there already finds it again. */
static void test_another_attempt_goes_on_as_the_same(void **state)
{
    rig *at = *state;
    join(at);
    declare_one(at, 1, CLEAT_CANCEL_IN_PROGRESS);
    cleat__uuid run = start(at, KEY), next = begin_next(at, &run, 1, KEY);
    assert_int_equal(end_run(at, &run, 1, CLEAT_FAILED, "no luck"), CLEAT_OK);
    check_state(at, &next, "QUEUED");
    advance(at, 2000);
    check_state(at, &run, "RUNNING");
    cleat__uuid again = begin_next(at, &run, 2, KEY);
    assert_true(cleat__uuid_equals(&again, &next));
    check_state(at, &next, "QUEUED");
    end_as(at, &run, 2, &next);
    check_state(at, &next, "RUNNING");
}

/* What is in the file leads to the same, while the one still runs and when the other waits for a worker. */
static void test_a_restart_between_the_two(void **state)
{
    rig *at = *state;
    for (size_t i = 0; i < STRATEGIES; i++) {
        restart(at);
        declare_one(at, 1, strategies[i]);
        join(at);
        cleat__uuid run = start(at, KEY), next = begin_next(at, &run, 1, KEY);
        restart(at);
        check_state(at, &next, "QUEUED");
        cleat__uuid worker = join(at), again = begin_next(at, &run, 2, KEY);
        assert_true(cleat__uuid_equals(&again, &next));
        tell_worker(at, CLEAT__COMMAND_WORKER_PAUSE, &worker);
        end_as(at, &run, 2, &next);
        advance(at, 10);
        bool is_over = strategies[i] == CLEAT_CANCEL_IN_PROGRESS;
        cleat__uuid other = is_over ? next : start(at, KEY);
        for (int times = 0; times < 2; times++) {
            restart(at);
            check_state(at, &next, "QUEUED");
        }
        join(at);
        check_state(at, &next, "RUNNING");
        other = is_over ? start(at, KEY) : other;
        check_state(at, &other,
                    is_over                                ? "RUNNING"
                    : strategies[i] == CLEAT_CANCEL_NEWEST ? "CANCELLED"
                                                           : "QUEUED");
        check_state(at, &next, is_over ? "CANCELLED" : "RUNNING");
        (void)end_run(at, &next, 1, CLEAT_OK, "1");
        (void)end_run(at, &other, 1, CLEAT_OK, "1");
        assert_int_equal(at->core->limits.groups.count, 0);
    }
}

static void test_its_end_after_a_restart_decides(void **state)
{
    rig *at = *state;
    declare_one(at, 1, CLEAT_CANCEL_NEWEST);
    for (int i = 0; i < 2; i++) {
        join(at);
        cleat__uuid run = start(at, KEY), next = begin_next(at, &run, 1, KEY);
        restart(at);
        join(at);
        if (i == 0) {
            assert_int_equal(end_run(at, &run, 2, CLEAT_NON_RETRYABLE, "no luck"), CLEAT_OK);
        } else {
            assert_int_equal(end_run(at, &run, 2, CLEAT_OK, "\"another output\""), CLEAT_OK);
        }
        check_state(at, &next, "CANCELLED");
        assert_int_equal(at->core->limits.groups.count, 0);
    }
}

/* Who is cancelled while it is held is not there when it is its turn. */
static void test_the_next_run_is_cancelled(void **state)
{
    rig *at = *state;
    join(at);
    declare_one(at, 1, CLEAT_CANCEL_NEWEST);
    cleat__uuid run = start(at, KEY), next = begin_next(at, &run, 1, KEY);
    assert_int_equal(cancel(at, &next), CLEAT_OK);
    end_as(at, &run, 1, &next);
    check_state(at, &next, "CANCELLED");
    assert_int_equal(at->core->limits.groups.count, 0);
}

static void test_a_run_goes_on_once(void **state)
{
    rig *at = *state;
    join(at);
    cleat__uuid run = start(at, KEY), another;
    (void)begin_next(at, &run, 1, KEY);
    assert_int_equal(ask_flow(at, &run, 1, KEY, CLEAT__CONTINUED_KEY, &another), CLEAT_FAILED_PRECONDITION);
    assert_non_null(strstr(durable_error, "goes on as another one already"));
}

/* A run that is started once more with its log comes to the same end, and takes no seat from the chain. */
static void test_a_replay_of_a_link_leaves_the_chain_alone(void **state)
{
    rig *at = *state;
    join(at);
    declare_one(at, 1, CLEAT_CANCEL_IN_PROGRESS);
    cleat__uuid run = start(at, KEY), next = go_on(at, &run, 1, KEY);
    assert_int_equal(tell_worker(at, CLEAT__COMMAND_REPLAY, &run), CLEAT_OK);
    check_state(at, &run, "RUNNING");
    check_state(at, &next, "RUNNING");
    restart(at);
    join(at);
    check_state(at, &next, "RUNNING");
    cleat__uuid again = begin_next(at, &run, 3, KEY);
    assert_true(cleat__uuid_equals(&again, &next));
    end_as(at, &run, 3, &next);
    check_state(at, &next, "RUNNING");
}

/* Where its log is taken back to before the end it works once more, as a new run: the former chain makes way for it. */
static void test_a_branch_of_a_link_is_as_any_run(void **state)
{
    rig *at = *state;
    join(at);
    declare_one(at, 1, CLEAT_CANCEL_IN_PROGRESS);
    cleat__uuid run = start(at, KEY), next = go_on(at, &run, 1, KEY);
    int64_t branch = 0;
    advance(at, 10);
    cleat__command fork = {.tenant = CLEAT__TENANT_DEFAULT,
                           .kind = CLEAT__COMMAND_DURABLE_BRANCH,
                           .as.durable_branch = {.run_id = run, .node = {1, 1}, .branch = &branch}};
    assert_int_equal(ask(at, &fork), CLEAT_OK);
    check_state(at, &run, "RUNNING");
    check_state(at, &next, "CANCELLED");
    cleat__uuid another = go_on(at, &run, 2, KEY);
    assert_false(cleat__uuid_equals(&another, &next));
    check_state(at, &another, "RUNNING");
}

static int given_of(rig *at, const cleat__uuid *id)
{
    sqlite3_stmt *select = NULL;
    assert_int_equal(sqlite3_prepare_v2(cleat__store_db(at->core->store),
                                        "SELECT json_extract(limits, '$.given') FROM task WHERE id = ?1", -1,
                                        &select, NULL),
                     SQLITE_OK);
    sqlite3_bind_blob(select, 1, id->bytes, sizeof(id->bytes), SQLITE_STATIC);
    assert_int_equal(sqlite3_step(select), SQLITE_ROW);
    int given = sqlite3_column_int(select, 0);
    sqlite3_finalize(select);
    return given;
}

/* What could not be done for want of memory has changed nothing: the slot stays given to the next one. */
static void test_a_branch_without_memory(void **state)
{
    rig *at = *state;
    failing_allocator memory;
    cleat_status status = CLEAT_NO_MEMORY;
    int refusals = 0;
    join(at);
    declare_one(at, 1, CLEAT_CANCEL_IN_PROGRESS);
    cleat__uuid run = start(at, KEY), next = go_on(at, &run, 1, KEY);
    check_state(at, &next, "RUNNING");
    for (size_t calls = 1; status != CLEAT_OK; calls++) {
        int64_t branch = 0;
        cleat__command fork = {.tenant = CLEAT__TENANT_DEFAULT,
                               .kind = CLEAT__COMMAND_DURABLE_BRANCH,
                               .as.durable_branch = {.run_id = run, .node = {1, 1}, .branch = &branch}};
        assert_int_equal(given_of(at, &run), 1);
        failing_allocator_install(&memory, calls);
        step(at, &fork, 1);
        cleat_set_allocator(NULL);
        cleat__free(fork.error);
        status = fork.status;
        assert_true(status == CLEAT_OK || status == CLEAT_NO_MEMORY);
        if (cleat__core_failure(at->core) != CLEAT_OK) {
            restart(at);
            join(at);
        } else {
            refusals += status != CLEAT_OK;
        }
    }
    assert_true(refusals > 1);
    assert_int_equal(given_of(at, &run), 0);
}

/* Rules that workflows share count the chain once, too. */
static void test_rules_that_are_shared(void **state)
{
    cleat__concurrency rule = rule_of("input.k", 1, CLEAT_CANCEL_NEWEST);
    rule.name = cleat_slice_of("all");
    rig *at = *state;
    join(at);
    declare_ruled(at, &rule, 1);
    cleat__uuid run = start(at, KEY), next = go_on(at, &run, 1, KEY);
    check_state(at, &next, "RUNNING");
    cleat__uuid other = start(at, KEY);
    check_state(at, &other, "CANCELLED");
}

/* By its own id each run has a key of its own. */
static void test_a_key_by_the_run(void **state)
{
    const cleat__concurrency rule = rule_of("workflow_run_id", 1, CLEAT_CANCEL_NEWEST);
    rig *at = *state;
    join(at);
    declare_ruled(at, &rule, 1);
    cleat__uuid run = start(at, KEY), next = go_on(at, &run, 1, KEY);
    check_state(at, &next, "RUNNING");
    assert_int_equal(at->core->limits.groups.count, 1);
}

/* A version without the rule, and one with it, in one chain. */
static void test_the_rules_change(void **state)
{
    rig *at = *state;
    join(at);
    declare_one(at, 1, CLEAT_CANCEL_NEWEST);
    cleat__uuid run = start(at, KEY);
    declare_ruled(at, NULL, 0);
    run = go_on(at, &run, 1, KEY);
    check_state(at, &run, "RUNNING");
    assert_int_equal(at->core->limits.groups.count, 0);
    declare_one(at, 1, CLEAT_CANCEL_NEWEST);
    run = go_on(at, &run, 1, KEY);
    check_state(at, &run, "RUNNING");
    cleat__uuid other = start(at, KEY);
    check_state(at, &other, "CANCELLED");
}

/* What the key of a new run cannot be found out for fails, and the seat is where it was. */
static void test_a_next_run_without_a_key(void **state)
{
    rig *at = *state;
    join(at);
    declare_one(at, 1, CLEAT_GROUP_ROUND_ROBIN);
    cleat__uuid run = start(at, KEY), next = begin_next(at, &run, 1, "{}"), other = start(at, KEY);
    check_state(at, &next, "FAILED");
    check_state(at, &other, "QUEUED");
    end_as(at, &run, 1, &next);
    check_state(at, &other, "RUNNING");
}

/* One that has begun goes on whenever its workers are back, and so does what it goes on as. */
static void test_the_next_run_waits_for_a_worker_as_long_as_it_takes(void **state)
{
    rig *at = *state;
    for (int i = 0; i < 3; i++) {
        restart(at);
        if (i == 2) {
            declare_one(at, 1, CLEAT_GROUP_ROUND_ROBIN);
        } else {
            declare_ruled(at, NULL, 0);
        }
        cleat__uuid worker = join(at), run = start(at, KEY);
        tell_worker(at, CLEAT__COMMAND_WORKER_PAUSE, &worker);
        cleat__uuid next = go_on(at, &run, 1, KEY), stranger = start(at, KEY);
        if (i == 1) {
            restart(at);
        }
        advance(at, 2 * durable_policy.schedule_timeout_ms);
        check_state(at, &stranger, "CANCELLED");
        check_state(at, &next, "QUEUED");
        join(at);
        check_state(at, &next, "RUNNING");
        assert_int_equal(end_run(at, &next, 1, CLEAT_OK, "1"), CLEAT_OK);
    }
}

static int open_flow(void **state)
{
    int failed = open_fixture(state);
    declare_ruled(*state, NULL, 0);
    return failed;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_flow, close_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_chain_goes_on_by_each_strategy),
        TEST(test_nobody_gets_the_slot_between_two_links),
        TEST(test_the_age_goes_along),
        TEST(test_a_stranger_takes_the_place_of_the_chain),
        TEST(test_where_the_key_differs_it_is_as_any_new_run),
        TEST(test_nobody_waits_for_ever_behind_another_key),
        TEST(test_the_first_of_two_keys_may_stay),
        TEST(test_another_child_has_a_seat_of_its_own),
        TEST(test_who_is_cancelled_meanwhile_takes_the_next_along),
        TEST(test_another_attempt_goes_on_as_the_same),
        TEST(test_a_restart_between_the_two),
        TEST(test_its_end_after_a_restart_decides),
        TEST(test_the_next_run_is_cancelled),
        TEST(test_a_run_goes_on_once),
        TEST(test_a_replay_of_a_link_leaves_the_chain_alone),
        TEST(test_a_branch_of_a_link_is_as_any_run),
        TEST(test_a_branch_without_memory),
        TEST(test_rules_that_are_shared),
        TEST(test_a_key_by_the_run),
        TEST(test_the_rules_change),
        TEST(test_a_next_run_without_a_key),
        TEST(test_the_next_run_waits_for_a_worker_as_long_as_it_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
