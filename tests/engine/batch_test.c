/* Batches: which runs go to a worker together, and when; what is theirs together and what each one's own. */
#include "batch_test.h"

#include "engine/core_parts.h"

#define BY_SIZE     "batch size threshold 3 reached"
#define BY_INTERVAL "batch max interval 1s elapsed"
#define BY_MEMORY   "batch max memory size reached"

static const char *const north = "north", *const south = "south";

static void declare(rig *at, int32_t max_size)
{
    cleat__batch_config config = batches_of(max_size, 1000);
    config.group_key = cleat_slice_of("input.k");
    assert_int_equal(declare_batches(at, &config), CLEAT_OK);
}

static void test_as_many_as_there_may_be_go_at_once(void **state)
{
    rig *at = *state;
    batch_ears all = {.count = 0};
    declare(at, 3);
    hire(at, &all, 10);
    cleat__uuid ids[4];
    for (size_t i = 0; i < 3; i++) {
        check_silence(&all);
        ids[i] = add(at, north);
    }
    check_batch(&all, 3, BY_SIZE);
    for (size_t i = 0; i < 3; i++) {
        assert_true(cleat__uuid_equals(&all.members[i].id, &ids[i])); /* in the order of their triggers */
        assert_string_equal(all.members[i].key, north);
        check_state(at, &ids[i], "RUNNING");
    }
    ids[3] = add(at, north);
    check_silence(&all);
    check_state(at, &ids[3], "QUEUED");
}

static void test_fewer_go_when_the_first_has_waited(void **state)
{
    rig *at = *state;
    batch_ears all = {.count = 0};
    declare(at, 3);
    hire(at, &all, 10);
    add(at, north);
    advance(at, 600);
    add(at, north);
    assert_int_equal(cleat__core_next_ms(at->core), at->now.monotonic_ms + 400);
    advance(at, 399);
    check_silence(&all);
    advance(at, 1);
    check_batch(&all, 2, BY_INTERVAL);
    add(at, north); /* its time is its own */
    advance(at, 999);
    check_silence(&all);
    advance(at, 1);
    check_batch(&all, 1, BY_INTERVAL);
}

static void test_each_key_has_its_own(void **state)
{
    rig *at = *state;
    batch_ears all = {.count = 0};
    declare(at, 3);
    hire(at, &all, 10);
    for (int i = 0; i < 2; i++) {
        add(at, north);
        add(at, south);
    }
    check_silence(&all);
    add(at, south);
    assert_string_equal(all.members[check_batch(&all, 3, BY_SIZE)].key, south);
    advance(at, 1000);
    assert_string_equal(all.members[check_batch(&all, 2, BY_INTERVAL)].key, north);
}

static void test_without_a_key_all_go_together(void **state)
{
    rig *at = *state;
    batch_ears all = {.count = 0};
    const cleat__batch_config config = batches_of(3, 1000);
    assert_int_equal(declare_batches(at, &config), CLEAT_OK);
    hire(at, &all, 10);
    add(at, north);
    add(at, south);
    add(at, "");
    assert_string_equal(all.members[check_batch(&all, 3, BY_SIZE)].key, "");
}

/* Together they are too large to wait for more; and too large for one message, so that the last one waits on. */
static void test_large_ones_go_sooner_and_no_more_than_a_message_holds(void **state)
{
    enum { EACH = 1600 * 1024 };
    rig *at = *state;
    batch_ears all = {.count = 0};
    const cleat__batch_config config = batches_of(100, 1000);
    assert_int_equal(declare_batches(at, &config), CLEAT_OK);
    hire(at, &all, 10);
    char *input = malloc(EACH + 1);
    assert_non_null(input);
    memset(input, ' ', EACH);
    memcpy(input, "{\"k\":1", 6);
    input[EACH - 1] = '}';
    input[EACH] = '\0';
    trigger(at, "a:a", input, 0);
    trigger(at, "a:a", input, 0);
    check_silence(&all);
    trigger(at, "a:a", input, 0);
    check_batch(&all, 2, BY_MEMORY);
    advance(at, 1000);
    check_batch(&all, 1, BY_INTERVAL);
    free(input);
}

static void test_a_group_has_so_many_batches_at_workers(void **state)
{
    rig *at = *state;
    batch_ears all = {.count = 0};
    cleat__batch_config config = batches_of(2, 1000);
    config.group_key = cleat_slice_of("input.k");
    config.group_max_runs = 1;
    assert_int_equal(declare_batches(at, &config), CLEAT_OK);
    hire(at, &all, 10);
    add_many(at, 4, north);
    size_t first = check_batch(&all, 2, "batch size threshold 2 reached");
    add(at, south);
    add(at, south); /* which has one of its own */
    assert_string_equal(all.members[check_batch(&all, 2, "batch size threshold 2 reached")].key, south);
    complete(at, &all.members[first].id);
    advance(at, 5000);
    check_silence(&all); /* half of it runs */
    complete(at, &all.members[first + 1].id);
    check_batch(&all, 2, "batch size threshold 2 reached");
}

static void test_a_batch_has_the_slots_of_one(void **state)
{
    rig *at = *state;
    batch_ears all = {.count = 0};
    declare(at, 3);
    hire(at, &all, 1);
    add_many(at, 6, north);
    check_batch(&all, 3, BY_SIZE);
    /* Whoever of them ends first. */
    complete(at, &all.members[0].id);
    check_silence(&all);
    complete(at, &all.members[2].id);
    check_silence(&all);
    complete(at, &all.members[1].id);
    check_batch(&all, 3, BY_SIZE);
    complete_all(at, &all, 3);
    for (int i = 0; i < 3; i++) { /* all of them are free again, and no more than there are */
        add(at, north);
        add(at, south);
    }
    check_batch(&all, 3, BY_SIZE);
}

static cleat_status release_slot(rig *at, const cleat__uuid *id)
{
    cleat__command command = {
        .tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_RELEASE_SLOT, .as.id = *id};
    return ask(at, &command);
}

static void test_its_slots_are_free_when_one_of_it_says_so(void **state)
{
    for (size_t who = 0; who < 3; who++) {
        rig *at = *state;
        batch_ears all = {.count = 0};
        declare(at, 3);
        cleat__uuid worker = hire(at, &all, 1);
        add_many(at, 9, north);
        check_batch(&all, 3, BY_SIZE);
        assert_int_equal(release_slot(at, &all.members[who].id), CLEAT_OK);
        check_batch(&all, 3, BY_SIZE);
        for (size_t i = 0; i < 3; i++) { /* once is enough */
            assert_int_equal(release_slot(at, &all.members[i].id), CLEAT_OK);
            complete(at, &all.members[i].id);
            check_silence(&all);
        }
        complete_all(at, &all, 3);
        complete_all(at, &all, check_batch(&all, 3, BY_SIZE));
        tell_worker(at, CLEAT__COMMAND_WORKER_REMOVE, &worker);
    }
}

static void test_each_ends_by_itself(void **state)
{
    rig *at = *state;
    batch_ears all = {.count = 0};
    declare(at, 3);
    hire(at, &all, 10);
    add_many(at, 3, north);
    check_batch(&all, 3, BY_SIZE);
    report(at, &all.members[1].id, 0, CLEAT_FAILED, "no");
    check_state(at, &all.members[1].id, "FAILED no");
    check_state(at, &all.members[0].id, "RUNNING");
    assert_int_equal(cancel(at, &all.members[0].id), CLEAT_OK);
    check_cancelled(&all, &all.members[0].id);
    complete(at, &all.members[2].id);
    check_state(at, &all.members[2].id, "COMPLETED 1");
}

static void test_what_fails_is_not_tried_again(void **state)
{
    rig *at = *state;
    batch_ears all = {.count = 0};
    cleat__batch_config config = batches_of(1, 1000);
    cleat__policy retrying = plain;
    retrying.retries = 3;
    cleat__workflow workflow = workflow_of("a:a", &retrying);
    task_of(&workflow)->batch = &config;
    cleat__version versions[2];
    for (int i = 0; i < 2; i++) { /* which is no change of it */
        assert_int_equal(put_workflow(at, CLEAT__TENANT_DEFAULT, &workflow, &versions[i]), CLEAT_OK);
    }
    assert_memory_equal(&versions[0], &versions[1], sizeof(versions[0]));
    hire(at, &all, 10);
    cleat__uuid id = add(at, north);
    report(at, &id, 0, CLEAT_FAILED, "no");
    check_state(at, &id, "FAILED no");
}

static void test_who_is_cancelled_in_time_is_in_no_batch(void **state)
{
    rig *at = *state;
    batch_ears all = {.count = 0};
    declare(at, 3);
    hire(at, &all, 10);
    cleat__uuid first = add(at, north), second = add(at, north);
    assert_int_equal(cancel(at, &first), CLEAT_OK);
    add(at, north);
    check_silence(&all);
    advance(at, 1000);
    size_t at_first = check_batch(&all, 2, BY_INTERVAL);
    assert_true(cleat__uuid_equals(&all.members[at_first].id, &second));
    first = add(at, north);
    cancel(at, &first); /* nobody is left to wait for */
    assert_int_equal(cleat__core_next_ms(at->core) <= at->now.monotonic_ms, false);
    advance(at, 5000);
    check_silence(&all);
    add(at, north);
    advance(at, 999);
    check_silence(&all);
    advance(at, 1);
    check_batch(&all, 1, BY_INTERVAL);
}

static void test_who_waits_too_long_is_given_up(void **state)
{
    rig *at = *state;
    batch_ears all = {.count = 0};
    const cleat__batch_config config = batches_of(3, 60000);
    cleat__policy impatient = plain;
    impatient.schedule_timeout_ms = 5000;
    cleat__workflow workflow = workflow_of("a:a", &impatient);
    task_of(&workflow)->batch = &config;
    assert_int_equal(put_workflow(at, CLEAT__TENANT_DEFAULT, &workflow, NULL), CLEAT_OK);
    hire(at, &all, 10);
    cleat__uuid id = add(at, north);
    advance(at, 5000);
    check_state(at, &id, "CANCELLED its batch was not due within 5s");
    check_silence(&all);
}

static void test_who_has_no_key_fails_at_once(void **state)
{
    rig *at = *state;
    batch_ears all = {.count = 0};
    declare(at, 1);
    hire(at, &all, 10);
    cleat__uuid id = trigger(at, "a:a", "{}", 0);
    assert_string_equal(strstr(state_of(at, &id), "FAILED failed to parse step expression (CEL): "),
                        state_of(at, &id));
    check_silence(&all);
    add(at, north);
    check_batch(&all, 1, "batch size threshold 1 reached");
}

static void test_the_clock_may_be_set(void **state)
{
    rig *at = *state;
    batch_ears all = {.count = 0};
    declare(at, 3);
    hire(at, &all, 10);
    add(at, north);
    at->now.unix_ms -= 3600000;
    advance(at, 1000);
    check_batch(&all, 1, BY_INTERVAL);
    add(at, north);
    at->now.unix_ms += 3600000;
    step(at, NULL, 0);
    advance(at, 1000);
    check_batch(&all, 1, BY_INTERVAL);
}

/* Nobody could take them for long: then as many as may be go, and the others too. */
static void test_a_worker_that_comes_late_gets_whole_batches(void **state)
{
    rig *at = *state;
    batch_ears all = {.count = 0};
    declare(at, 3);
    add_many(at, 7, north);
    advance(at, 10000);
    hire(at, &all, 10);
    assert_int_equal(all.count, 7);
    all.count = 6;
    check_batches(&all, (const size_t[]){3, 3}, 2, BY_SIZE);
    all.count = 7;
    check_batch(&all, 1, BY_INTERVAL);
}

static void test_urgent_ones_go_first(void **state)
{
    rig *at = *state;
    batch_ears all = {.count = 0};
    declare(at, 3);
    for (int priority = 1; priority <= 3; priority++) {
        for (int i = 0; i < 2; i++) {
            trigger(at, "a:a", "{\"k\":\"north\"}", priority);
        }
    }
    hire(at, &all, 1);
    check_batch(&all, 3, BY_SIZE);
    cleat__run *run = cleat__core_find_run(at->core, CLEAT__TENANT_DEFAULT, &all.members[0].id);
    assert_int_equal(run->priority, 3);
    run = cleat__core_find_run(at->core, CLEAT__TENANT_DEFAULT, &all.members[2].id);
    assert_int_equal(run->priority, 2);
}

static void test_a_paused_worker_gets_none(void **state)
{
    rig *at = *state;
    batch_ears all = {.count = 0};
    declare(at, 3);
    cleat__uuid worker = hire(at, &all, 10);
    tell_worker(at, CLEAT__COMMAND_WORKER_PAUSE, &worker);
    add_many(at, 3, north);
    check_silence(&all);
    tell_worker(at, CLEAT__COMMAND_WORKER_RESUME, &worker);
    check_batch(&all, 3, BY_SIZE);
}

static void test_a_new_version_fills_its_own(void **state)
{
    rig *at = *state;
    batch_ears all = {.count = 0};
    declare(at, 3);
    hire(at, &all, 10);
    add_many(at, 2, north);
    declare(at, 2);
    add(at, north);
    check_silence(&all);
    add(at, north);
    check_batch(&all, 2, "batch size threshold 2 reached");
    advance(at, 1000);
    check_batch(&all, 2, BY_INTERVAL);
}

static void test_a_replay_waits_with_the_others(void **state)
{
    rig *at = *state;
    batch_ears all = {.count = 0};
    declare(at, 3);
    hire(at, &all, 10);
    add_many(at, 3, north);
    size_t first = check_batch(&all, 3, BY_SIZE);
    complete_all(at, &all, first);
    cleat__uuid id = all.members[0].id;
    assert_int_equal(tell_worker(at, CLEAT__COMMAND_REPLAY, &id), CLEAT_OK);
    check_silence(&all);
    check_state(at, &id, "QUEUED");
    add_many(at, 2, north);
    first = check_batch(&all, 3, BY_SIZE);
    assert_true(cleat__uuid_equals(&all.members[first].id, &id)); /* ahead of them */
    assert_int_equal(all.members[first].retry_count, 1);
    complete(at, &id);
    check_state(at, &id, "COMPLETED 1");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_as_many_as_there_may_be_go_at_once),
        TEST(test_fewer_go_when_the_first_has_waited),
        TEST(test_each_key_has_its_own),
        TEST(test_without_a_key_all_go_together),
        TEST(test_large_ones_go_sooner_and_no_more_than_a_message_holds),
        TEST(test_a_group_has_so_many_batches_at_workers),
        TEST(test_a_batch_has_the_slots_of_one),
        TEST(test_its_slots_are_free_when_one_of_it_says_so),
        TEST(test_each_ends_by_itself),
        TEST(test_what_fails_is_not_tried_again),
        TEST(test_who_is_cancelled_in_time_is_in_no_batch),
        TEST(test_who_waits_too_long_is_given_up),
        TEST(test_who_has_no_key_fails_at_once),
        TEST(test_the_clock_may_be_set),
        TEST(test_a_worker_that_comes_late_gets_whole_batches),
        TEST(test_urgent_ones_go_first),
        TEST(test_a_paused_worker_gets_none),
        TEST(test_a_new_version_fills_its_own),
        TEST(test_a_replay_waits_with_the_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
