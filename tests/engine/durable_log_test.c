/* The log of a durable run: what its invocations ask for, and that a replay gets the same again. */
#include "durable_test.h"

static cleat__uuid start(rig *at)
{
    declare(at);
    join_both(at, 100, 100);
    cleat__uuid run = trigger(at, "flow:flow", "{}", 0);
    heard said = last_heard(at);
    assert_int_equal(said.invocation_count, 1);
    assert_int_equal(said.log_size, 0);
    return run;
}

static void test_a_memo_is_worked_out_once(void **state)
{
    rig *at = *state;
    cleat__uuid run = start(at);
    assert_string_equal(memo(at, &run, 1, "charge", "5"), "1 new");
    assert_string_equal(memo(at, &run, 1, "charge", "6"), "2 new"); /* the same key again: another node */
    end_run(at, &run, 1, CLEAT_FAILED, "no luck");

    heard said = last_heard(at);
    assert_int_equal(said.invocation_count, 2);
    assert_int_equal(said.retry_count, 1);
    assert_int_equal(said.log_size, 2);
    assert_string_equal(memo(at, &run, 2, "charge", "7"), "1 old 5");
    assert_string_equal(memo(at, &run, 2, "charge", NULL), "2 old 6");
    assert_string_equal(memo(at, &run, 2, "ship", NULL), "3 new");
    cleat__durable_request request = {.kind = CLEAT__DURABLE_COMPLETE_MEMO};
    request.as.complete_memo.node = (cleat__node){1, 3};
    request.as.complete_memo.key = cleat_slice_of("ship");
    request.as.complete_memo.payload = cleat_slice_of("8");
    assert_int_equal(ask_durable(at, &run, 2, &request), CLEAT_OK);
    request.as.complete_memo.payload = cleat_slice_of("9");
    assert_int_equal(ask_durable(at, &run, 2, &request), CLEAT_OK); /* ignored */
    end_run(at, &run, 2, CLEAT_FAILED, "no luck");

    assert_invocation(at, 3);
    assert_string_equal(memo(at, &run, 3, "charge", NULL), "1 old 5");
    assert_string_equal(memo(at, &run, 3, "charge", NULL), "2 old 6");
    assert_string_equal(memo(at, &run, 3, "ship", NULL), "3 old 8");
    end_run(at, &run, 3, CLEAT_OK, "{}");
    assert_string_equal(state_of(at, &run), "COMPLETED {}");
}

static void test_a_sleep_is_slept_once(void **state)
{
    rig *at = *state;
    cleat__uuid run = start(at);
    int64_t node = 0;
    assert_int_equal(sleep_for(at, &run, 1, 3600000, "1h", &node), CLEAT_OK);
    assert_int_equal(node, 1);
    assert_string_equal(await(at, &run, 1, true, &node, 1), "SUSPENDED 0:-");
    assert_int_equal(evict(at, &run, 1, node), CLEAT_OK);
    assert_string_equal(state_of(at, &run), "EVICTED");
    assert_invocation(at, 0);

    advance(at, 3599999);
    assert_invocation(at, 0);
    advance(at, 1);
    assert_invocation(at, 2);
    assert_int_equal(sleep_for(at, &run, 2, 3600000, "1h", &node), CLEAT_OK);
    assert_string_equal(await(at, &run, 2, true, &node, 1),
                        "OK 1:{\"CREATE\":{\"1h\":[{\"sleep_duration\":\"1h\"}]}}");
}

static void test_children_end_nodes(void **state)
{
    rig *at = *state;
    cleat__uuid run = start(at), children[2], again;
    int64_t nodes[2], node;
    assert_int_equal(spawn(at, &run, 1, "{\"n\":1}", &children[0], &nodes[0]), CLEAT_OK);
    assert_int_equal(spawn(at, &run, 1, "{\"n\":2}", &children[1], &nodes[1]), CLEAT_OK);
    assert_string_equal(heard_text(at), "A0{\"n\":1} A0{\"n\":2}");
    assert_int_equal(evict_with(at, &run, 1, true, nodes, 2, NULL), CLEAT_OK);
    report(at, &children[1], 0, CLEAT_OK, "22");
    assert_invocation(at, 0); /* it waits for both */
    report(at, &children[0], 0, CLEAT_NON_RETRYABLE, "broken");
    assert_invocation(at, 2);
    assert_int_equal(spawn(at, &run, 2, "{\"n\":1}", &again, &node), CLEAT_OK);
    assert_true(cleat__uuid_equals(&again, &children[0]));
    assert_int_equal(spawn(at, &run, 2, "{\"n\":2}", &again, &node), CLEAT_OK);
    assert_true(cleat__uuid_equals(&again, &children[1]));
    assert_string_equal(await(at, &run, 2, true, nodes, 2), "OK 2:failed broken 1:22");
    assert_invocation(at, 0); /* none was started again */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        TEST(test_a_memo_is_worked_out_once),
        TEST(test_a_sleep_is_slept_once),
        TEST(test_children_end_nodes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
