/* The run that a chain has come to, by the id of any before it. */
#include "chain_test.h"

#include "support/checked_file.h"

/* Who waits, until it is answered. */
typedef struct waiting {
    cleat__command command;
    cleat_run_result result;
} waiting;

static void begin_wait(rig *at, const cleat__uuid *id, cleat__follow follow, waiting *it)
{
    *it = (waiting){.command = {.tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_WAIT}};
    it->command.as.wait.id = *id;
    it->command.as.wait.follow = follow;
    it->command.as.wait.result = &it->result;
    step(at, &it->command, 1);
}

static void check_sound(void)
{
    const char *wrong = checked_file(FILE_NAME);
    if (wrong != NULL) {
        fail_msg("%s", wrong);
    }
}

/* It is answered by the end of that run. */
static void check_end(waiting *it, const cleat__uuid *of, const char *output)
{
    char text[37];
    cleat__uuid_format(of, text);
    assert_null(it->command.as.wait.run);
    assert_int_equal(it->command.status, CLEAT_OK);
    assert_string_equal(it->result.id.text, text);
    assert_string_equal(it->result.output, output);
    cleat_run_result_deinit(&it->result);
    check_sound();
}

static bool waits_for(const waiting *it, rig *at, const cleat__uuid *id)
{
    const cleat__run *run = cleat__runs_find(&at->core->runs, id);
    return run != NULL && it->command.as.wait.run == run;
}

static cleat__uuid start(rig *at)
{
    declare(at);
    join(at);
    return trigger(at, "flow:flow", "{}", 0);
}

static cleat__uuid grow(rig *at, cleat__uuid run, int links)
{
    for (int i = 0; i < links; i++) {
        run = go_on(at, &run, 1, "{}");
    }
    return run;
}

/* More than are gone through one by one at once. */
static void test_a_long_chain(void **state)
{
    rig *at = *state;
    waiting it;
    cleat__uuid first = start(at), run = grow(at, first, 1010);
    begin_wait(at, &first, CLEAT__FOLLOW_LAST, &it);
    assert_true(waits_for(&it, at, &run));
    cleat__command command = {
        .tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_CANCEL, .follows = true, .as.id = first};
    assert_int_equal(ask(at, &command), CLEAT_OK);
    assert_string_equal(state_of(at, &run), "CANCELLED");
    assert_null(it.command.as.wait.run);
    assert_int_equal(it.result.status, CLEAT_RUN_CANCELLED);
    assert_int_equal(ask(at, &command), CLEAT_FAILED_PRECONDITION);
    check_sound();
}

static void test_who_does_not_follow_has_the_runs_own_end(void **state)
{
    rig *at = *state;
    waiting it;
    char output[CLEAT__CONTINUED_SIZE];
    cleat__uuid first = start(at), run = grow(at, first, 1);
    cleat__continued_format(&run, output);
    begin_wait(at, &first, CLEAT__FOLLOW_NOT, &it);
    check_end(&it, &first, output);
    begin_wait(at, &first, CLEAT__FOLLOW_STREAM, &it); /* the next one lives */
    check_end(&it, &first, output);
}

static void test_a_chain_of_another_tenant(void **state)
{
    rig *at = *state;
    waiting it;
    cleat__uuid first = start(at);
    (void)grow(at, first, 2);
    it = (waiting){.command = {.tenant = CLEAT__TENANT_DEFAULT + 1, .kind = CLEAT__COMMAND_WAIT}};
    it.command.as.wait.id = first;
    it.command.as.wait.follow = CLEAT__FOLLOW_LAST;
    it.command.as.wait.result = &it.result;
    assert_int_equal(ask(at, &it.command), CLEAT_NOT_FOUND);
}

static void replay(rig *at, const cleat__uuid *id)
{
    cleat__command command = {.tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_REPLAY, .as.id = *id};
    assert_int_equal(ask(at, &command), CLEAT_OK);
}

/* One that is replayed counts until it has come to the same end again. */
static void test_a_link_that_is_replayed(void **state)
{
    rig *at = *state;
    waiting it;
    cleat__uuid first = start(at), second = grow(at, first, 1), third = grow(at, second, 1),
                last = grow(at, third, 2);
    replay(at, &second);
    begin_wait(at, &first, CLEAT__FOLLOW_LAST, &it);
    assert_true(waits_for(&it, at, &second));
    cleat__uuid next = begin_next(at, &second, 2, "{}");
    assert_true(cleat__uuid_equals(&next, &third));
    end_as(at, &second, 2, &third);
    cleat_run_result_deinit(&it.result);
    begin_wait(at, &first, CLEAT__FOLLOW_LAST, &it);
    assert_true(waits_for(&it, at, &last));
    last = grow(at, last, 2);
    cleat_run_result_deinit(&it.result);
    begin_wait(at, &first, CLEAT__FOLLOW_LAST, &it);
    assert_true(waits_for(&it, at, &last));
    assert_int_equal(end_run(at, &last, 1, CLEAT_OK, "8"), CLEAT_OK);
    check_end(&it, &last, "8");
}

/* On a new branch it goes another way, whatever has become of the former one. */
static void test_a_link_that_goes_another_way(void **state)
{
    rig *at = *state;
    waiting it;
    int64_t branch = 0;
    cleat__uuid first = start(at), second = grow(at, first, 1), former = grow(at, second, 2);
    cleat__command fork = {.tenant = CLEAT__TENANT_DEFAULT,
                           .kind = CLEAT__COMMAND_DURABLE_BRANCH,
                           .as.durable_branch = {.run_id = second, .node = {1, 1}, .branch = &branch}};
    assert_int_equal(ask(at, &fork), CLEAT_OK);
    cleat__uuid other = go_on(at, &second, 2, "{}"), last = grow(at, other, 2);
    former = grow(at, former, 1);
    begin_wait(at, &first, CLEAT__FOLLOW_LAST, &it);
    assert_true(waits_for(&it, at, &last));
    crash(at);
    open_core(at);
    join(at);
    begin_wait(at, &first, CLEAT__FOLLOW_LAST, &it);
    assert_true(waits_for(&it, at, &last));
    assert_int_equal(end_run(at, &former, 2, CLEAT_OK, "1"), CLEAT_OK);
    assert_true(waits_for(&it, at, &last));
    assert_int_equal(end_run(at, &last, 2, CLEAT_OK, "2"), CLEAT_OK);
    check_end(&it, &last, "2");
}

/* The last one has failed, and is replayed: it is the last one again. */
static void test_the_last_one_is_replayed(void **state)
{
    rig *at = *state;
    waiting it;
    cleat__uuid first = start(at), run = grow(at, first, 3);
    assert_int_equal(end_run(at, &run, 1, CLEAT_NON_RETRYABLE, "no"), CLEAT_OK);
    replay(at, &run);
    cleat__uuid last = go_on(at, &run, 2, "{}");
    begin_wait(at, &first, CLEAT__FOLLOW_LAST, &it);
    assert_true(waits_for(&it, at, &last));
    assert_int_equal(end_run(at, &last, 1, CLEAT_OK, "9"), CLEAT_OK);
    check_end(&it, &last, "9");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_long_chain),
        TEST(test_who_does_not_follow_has_the_runs_own_end),
        TEST(test_a_chain_of_another_tenant),
        TEST(test_a_link_that_is_replayed),
        TEST(test_a_link_that_goes_another_way),
        TEST(test_the_last_one_is_replayed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
