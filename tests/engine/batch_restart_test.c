/* Batches over restarts and lost workers, and with what else decides who runs. */
#include "batch_test.h"

#include "engine/core_parts.h"

#define BY_SIZE     "batch size threshold 3 reached"
#define BY_INTERVAL "batch max interval 1s elapsed"

static void declare(rig *at, int32_t group_max_runs)
{
    cleat__batch_config config = batches_of(3, 1000);
    config.group_max_runs = group_max_runs;
    assert_int_equal(declare_batches(at, &config), CLEAT_OK);
}

static cleat_status listen_to(rig *at, const cleat__uuid *worker, batch_ears *all, uint64_t session,
                              bool may_repeat)
{
    cleat__command command = {
        .tenant = CLEAT__TENANT_DEFAULT,
        .kind = CLEAT__COMMAND_WORKER_LISTEN,
        .as.listen = {.id = *worker,
                      .session = session,
                      .sink = {all, hear_members, hear_member_cancelled},
                      .may_repeat = may_repeat},
    };
    return ask(at, &command);
}

/* Of another process, with so many slots. */
static cleat__uuid hire_elsewhere(rig *at, batch_ears *all, int slots, bool may_repeat)
{
    const cleat__slots offered = {cleat_slice_of("default"), slots};
    cleat__uuid id = register_worker(at, CLEAT__TENANT_DEFAULT, "a:a", &offered);
    assert_int_equal(listen_to(at, &id, all, 1, may_repeat), CLEAT_OK);
    return id;
}

static void restart(rig *at, int64_t down_ms)
{
    cleat__core_close(at->core);
    at->core = NULL;
    at->now.unix_ms += down_ms;
    at->now.monotonic_ms += down_ms + 12345; /* of another process: not to be compared */
    open_core(at);
    step(at, NULL, 0);
}

static void test_who_waited_waits_for_the_rest_of_it(void **state)
{
    rig *at = *state;
    batch_ears all = {.count = 0};
    declare(at, 100);
    add(at, "a");
    advance(at, 300);
    add(at, "a");
    restart(at, 200);
    hire(at, &all, 10);
    advance(at, 499);
    check_silence(&all);
    advance(at, 1);
    check_batch(&all, 2, BY_INTERVAL);
}

static void test_a_full_one_goes_when_it_can(void **state)
{
    rig *at = *state;
    batch_ears all = {.count = 0};
    declare(at, 100);
    add_many(at, 3, "a");
    restart(at, 0);
    hire(at, &all, 10);
    check_batch(&all, 3, BY_SIZE);
}

/* Those in the engine's own process end with it. */
static void test_what_was_lost_waits_with_the_others(void **state)
{
    rig *at = *state;
    batch_ears all = {.count = 0};
    declare(at, 1);
    hire(at, &all, 10);
    add_many(at, 3, "a");
    size_t first = check_batch(&all, 3, BY_SIZE);
    complete(at, &all.members[first].id);
    restart(at, 0);
    hire(at, &all, 10);
    check_silence(&all);
    cleat__uuid id = add(at, "a");
    first = check_batch(&all, 3, BY_SIZE);
    assert_int_equal(all.members[first].retry_count, 1);
    assert_int_equal(all.members[first + 1].retry_count, 1);
    assert_true(cleat__uuid_equals(&all.members[first + 2].id, &id));
    complete_all(at, &all, first);
    add_many(at, 3, "a"); /* the group has room again */
    check_batch(&all, 3, BY_SIZE);
}

static void test_a_worker_elsewhere_keeps_its_batch(void **state)
{
    rig *at = *state;
    batch_ears all = {.count = 0};
    declare(at, 2);
    cleat__uuid worker = hire_elsewhere(at, &all, 2, false);
    add_many(at, 3, "a");
    size_t first = check_batch(&all, 3, BY_SIZE);
    for (int i = 0; i < 3; i++) {
        start(at, &all.members[first + (size_t)i].id, 0);
    }
    complete(at, &all.members[first].id); /* who had the slots */
    restart(at, 1000);
    assert_int_equal(listen_to(at, &worker, &all, 2, false), CLEAT_OK);
    add_many(at, 6, "a");
    check_batch(&all, 3, BY_SIZE); /* it has a slot left, and the group room for one */
    complete(at, &all.members[first + 2].id);
    check_silence(&all);
    complete(at, &all.members[first + 1].id);
    check_batch(&all, 3, BY_SIZE);
    check_state(at, &all.members[first + 1].id, "COMPLETED 1");
}

static void test_released_slots_stay_free(void **state)
{
    rig *at = *state;
    batch_ears all = {.count = 0};
    declare(at, 100);
    cleat__uuid worker = hire_elsewhere(at, &all, 1, false);
    add_many(at, 3, "a");
    check_batch(&all, 3, BY_SIZE);
    cleat__command release = {
        .tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_RELEASE_SLOT, .as.id = all.members[1].id};
    assert_int_equal(ask(at, &release), CLEAT_OK);
    complete(at, &release.as.id); /* for the others of it, too */
    restart(at, 0);
    assert_int_equal(listen_to(at, &worker, &all, 2, false), CLEAT_OK);
    add_many(at, 3, "a");
    check_batch(&all, 3, BY_SIZE);
}

static void test_who_may_be_told_again_is(void **state)
{
    rig *at = *state;
    batch_ears all = {.count = 0};
    declare(at, 100);
    cleat__uuid worker = hire_elsewhere(at, &all, 1, true);
    add_many(at, 3, "a");
    size_t first = check_batch(&all, 3, BY_SIZE);
    restart(at, 0);
    assert_int_equal(listen_to(at, &worker, &all, 2, true), CLEAT_OK);
    assert_int_equal(all.count, 6); /* each by itself */
    for (size_t i = 3; i < 6; i++) {
        assert_true(cleat__uuid_equals(&all.members[i].id, &all.members[i - 3].id));
        assert_true(cleat__uuid_equals(&all.members[i].batch_id, &all.members[first].batch_id));
        assert_int_equal(all.members[i].batch_count, 1);
        assert_int_equal(all.members[i].retry_count, 0);
    }
}

static void test_what_did_not_arrive_waits_again(void **state)
{
    rig *at = *state;
    batch_ears all = {.count = 0};
    declare(at, 100);
    hire_elsewhere(at, &all, 1, false);
    add_many(at, 3, "a");
    size_t first = check_batch(&all, 3, BY_SIZE);
    for (size_t i = 0; i < 2; i++) {
        cleat__command command = {.tenant = CLEAT__TENANT_DEFAULT,
                                  .kind = CLEAT__COMMAND_UNDELIVERED,
                                  .as.undelivered = {all.members[first + i].id, 0}};
        assert_int_equal(ask(at, &command), CLEAT_OK);
    }
    complete(at, &all.members[first + 2].id);
    check_silence(&all);
    add(at, "a");
    first = check_batch(&all, 3, BY_SIZE);
    assert_int_equal(all.members[first].retry_count, 1);
    assert_int_equal(all.members[first + 2].retry_count, 0);
}

static void test_a_lost_worker_gives_all_of_it_back(void **state)
{
    rig *at = *state;
    batch_ears all = {.count = 0}, other = {.count = 0};
    declare(at, 1);
    hire_elsewhere(at, &all, 1, false);
    add_many(at, 3, "a");
    check_batch(&all, 3, BY_SIZE);
    cleat__uuid there = hire(at, &other, 1);
    for (int i = 0; i < 40 && other.count == 0; i++) {
        assert_int_equal(beat(at, &there), CLEAT_OK);
        advance(at, 1000);
    }
    size_t first = check_batch(&other, 3, BY_SIZE);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(other.members[first + i].retry_count, 1);
    }
}

/* ---- With what else decides ---- */

static void test_who_desires_another_worker_goes_with_his_like(void **state)
{
    rig *at = *state;
    batch_ears all = {.count = 0};
    declare(at, 100);
    hire(at, &all, 10);
    const cleat__desired_label label = {.key = cleat_slice_of("gpu"),
                                        .value = {.is_number = true, .number = 1}};
    cleat__uuid id;
    cleat__trigger item = {.workflow = cleat_slice_of("a"),
                           .input = cleat_slice_of("{}"),
                           .child_index = -1,
                           .labels = &label,
                           .label_count = 1};
    cleat__command command = {
        .tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_TRIGGER, .as.trigger = {&item, 1, &id}};
    add(at, "a");
    assert_int_equal(ask(at, &command), CLEAT_OK);
    add(at, "a");
    check_silence(&all);
    add(at, "a");
    check_batch(&all, 3, BY_SIZE);
    advance(at, 1000);
    assert_true(cleat__uuid_equals(&all.members[check_batch(&all, 1, BY_INTERVAL)].id, &id));
}

static void test_who_waits_for_a_slot_of_its_key_is_not_there_yet(void **state)
{
    rig *at = *state;
    batch_ears all = {.count = 0};
    const cleat__batch_config config = batches_of(3, 1000);
    const cleat__concurrency rule = {
        .expression = cleat_slice_of("input.k"), .max_runs = 2, .strategy = CLEAT_GROUP_ROUND_ROBIN};
    cleat__workflow workflow = workflow_of("a:a", &plain);
    task_of(&workflow)->batch = &config;
    task_of(&workflow)->concurrency = &rule;
    task_of(&workflow)->concurrency_count = 1;
    assert_int_equal(put_workflow(at, CLEAT__TENANT_DEFAULT, &workflow, NULL), CLEAT_OK);
    hire(at, &all, 10);
    add_many(at, 3, "a");
    check_silence(&all);
    add(at, "b");
    size_t first = check_batch(&all, 3, BY_SIZE);
    complete(at, &all.members[first].id);
    advance(at, 1000);
    check_batch(&all, 1, BY_INTERVAL);
}

static void test_a_batch_takes_no_more_units_than_there_are(void **state)
{
    rig *at = *state;
    batch_ears all = {.count = 0};
    const cleat__batch_config config = batches_of(3, 1000);
    const cleat__rate_use use = {.key = cleat_slice_of("calls"), .units = 1, .window_ms = 60000};
    cleat__command put = {.tenant = CLEAT__TENANT_DEFAULT,
                          .kind = CLEAT__COMMAND_PUT_RATE_LIMIT,
                          .as.put_rate_limit = {cleat_slice_of("calls"), 2, 60000}};
    assert_int_equal(ask(at, &put), CLEAT_OK);
    cleat__workflow workflow = workflow_of("a:a", &plain);
    task_of(&workflow)->batch = &config;
    task_of(&workflow)->rate_limits = &use;
    task_of(&workflow)->rate_limit_count = 1;
    assert_int_equal(put_workflow(at, CLEAT__TENANT_DEFAULT, &workflow, NULL), CLEAT_OK);
    hire(at, &all, 10);
    add_many(at, 3, "a");
    check_batch(&all, 2, BY_SIZE);
    advance(at, 59000);
    check_silence(&all);
    advance(at, 1000);
    check_batch(&all, 1, BY_INTERVAL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_who_waited_waits_for_the_rest_of_it),
        TEST(test_a_full_one_goes_when_it_can),
        TEST(test_what_was_lost_waits_with_the_others),
        TEST(test_a_worker_elsewhere_keeps_its_batch),
        TEST(test_released_slots_stay_free),
        TEST(test_who_may_be_told_again_is),
        TEST(test_what_did_not_arrive_waits_again),
        TEST(test_a_lost_worker_gives_all_of_it_back),
        TEST(test_who_desires_another_worker_goes_with_his_like),
        TEST(test_who_waits_for_a_slot_of_its_key_is_not_there_yet),
        TEST(test_a_batch_takes_no_more_units_than_there_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
