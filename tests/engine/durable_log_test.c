/* The log of a durable run: what its invocations ask for, and that a replay gets the same again. */
#include "durable_test.h"

#include "support/overheard.h"

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

/* ---- When the calls have changed ---- */

static void test_a_changed_order_is_found_and_both_are_told(void **state)
{
    rig *at = *state;
    cleat__uuid run = start(at), child;
    int64_t node;
    memo(at, &run, 1, "a", "1");
    sleep_for(at, &run, 1, 0, "24h", &node);
    spawn(at, &run, 1, "{}", &child, &node);
    end_run(at, &run, 1, CLEAT_FAILED, "no luck");
    memo(at, &run, 2, "a", NULL);
    assert_string_equal(memo(at, &run, 2, "b", "2"), "NON_DETERMINISTIC");
    assert_string_equal(
        durable_error, "the calls of \"flow\" have changed at node 1:2; recorded: 1 step \"a\", 2 sleep 24h; "
                       "now: 1 step \"a\", 2 step \"b\"");
    /* It took no node. */
    assert_int_equal(sleep_for(at, &run, 2, 0, "24h", &node), CLEAT_OK);
    assert_int_equal(node, 2);
    assert_int_equal(spawn(at, &run, 2, "{\"n\":1}", &child, &node), CLEAT_NON_DETERMINISTIC);
    assert_non_null(strstr(durable_error, "recorded: 1 step \"a\", 2 sleep 24h, 3 run ship; now: "));
}

static void test_a_long_order_is_told_by_its_end(void **state)
{
    rig *at = *state;
    cleat__uuid run = start(at);
    char name[1001], key[16];
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    for (int i = 1; i <= 20; i++) {
        snprintf(key, sizeof(key), "%d", i);
        memo(at, &run, 1, i % 2 != 0 ? key : name, "1");
    }
    end_run(at, &run, 1, CLEAT_FAILED, "no luck");
    for (int i = 1; i < 20; i++) {
        snprintf(key, sizeof(key), "%d", i);
        memo(at, &run, 2, i % 2 != 0 ? key : name, NULL);
    }
    name[0] = 'y';
    assert_string_equal(memo(at, &run, 2, name, NULL), "NON_DETERMINISTIC");
    assert_true(strlen(durable_error) < 900);
    assert_non_null(strstr(durable_error, "recorded: .. 16 step \"x"));
    assert_non_null(strstr(durable_error, "now: .. 16 step \"x"));
    assert_non_null(strstr(durable_error, ", 20 step \"yxx"));
}

/* ---- Who may ask ---- */

static void test_only_the_present_invocation_may_ask(void **state)
{
    rig *at = *state;
    cleat__uuid run = start(at), plain = trigger(at, "ship:ship", "{}", 0), nobody = {{1}};
    assert_string_equal(memo(at, &run, 2, "a", "1"), "CANCELLED");
    assert_string_equal(memo(at, &run, 0, "a", "1"), "CANCELLED");
    assert_string_equal(memo(at, &plain, 0, "a", "1"), "CANCELLED");
    assert_string_equal(memo(at, &nobody, 1, "a", "1"), "CANCELLED");
    assert_non_null(strstr(durable_error, "is over"));
    end_run(at, &run, 1, CLEAT_FAILED, "no luck");
    assert_string_equal(memo(at, &run, 1, "a", "1"), "CANCELLED");
    assert_string_equal(memo(at, &run, 2, "a", "1"), "1 new");
    end_run(at, &run, 2, CLEAT_OK, "1");
    assert_string_equal(memo(at, &run, 2, "a", "1"), "CANCELLED");
}

static void test_a_report_of_a_former_invocation_is_ignored(void **state)
{
    rig *at = *state;
    cleat__uuid run = start(at);
    int64_t node;
    sleep_for(at, &run, 1, 1000, "1s", &node);
    evict(at, &run, 1, node);
    assert_int_equal(end_run(at, &run, 1, CLEAT_OK, "1"), CLEAT_OK);
    assert_string_equal(state_of(at, &run), "EVICTED");
    advance(at, 1000);
    assert_invocation(at, 2);
    assert_int_equal(end_run(at, &run, 1, CLEAT_OK, "1"), CLEAT_OK);
    assert_string_equal(state_of(at, &run), "RUNNING");
    assert_int_equal(end_run(at, &run, 0, CLEAT_OK, "2"), CLEAT_OK); /* not told: it is the present one's */
    assert_string_equal(state_of(at, &run), "COMPLETED 2");
}

static void test_each_way_back_is_an_invocation(void **state)
{
    rig *at = *state;
    cleat__uuid run = start(at);
    memo(at, &run, 1, "a", "1");
    assert_int_equal(report(at, &run, 0, CLEAT_UNAVAILABLE, NULL), CLEAT_OK); /* given back */
    assert_invocation(at, 2);
    advance(at, 60000); /* it takes too long */
    assert_invocation(at, 3);
    assert_string_equal(memo(at, &run, 3, "a", NULL), "1 old 1");
    crash(at);
    open_core(at);
    join_both(at, 1, 0);
    heard said = last_heard(at);
    assert_int_equal(said.invocation_count, 4);
    assert_int_equal(said.log_size, 1);
    assert_string_equal(memo(at, &run, 3, "a", NULL), "CANCELLED");
    assert_string_equal(memo(at, &run, 4, "a", NULL), "1 old 1");
}

static void test_a_cancelled_run_asks_no_more(void **state)
{
    rig *at = *state;
    cleat__uuid run = start(at);
    int64_t node;
    sleep_for(at, &run, 1, 1000, "1s", &node);
    assert_int_equal(cancel(at, &run), CLEAT_OK);
    assert_string_equal(heard_text(at), "C0");
    assert_string_equal(memo(at, &run, 1, "a", "1"), "CANCELLED");
    advance(at, 1000);
    assert_string_equal(state_of(at, &run), "CANCELLED");

    run = trigger(at, "flow:flow", "{}", 0);
    sleep_for(at, &run, 1, 1000, "1s", &node);
    evict(at, &run, 1, node);
    assert_int_equal(cancel(at, &run), CLEAT_OK);
    assert_string_equal(state_of(at, &run), "CANCELLED");
    at->ears.count = 0;
    advance(at, 1000);
    assert_invocation(at, 0);
}

/* ---- Several requests at once ---- */

static void test_the_first_that_fails_ends_a_command(void **state)
{
    rig *at = *state;
    cleat__uuid run = start(at);
    const int64_t node = 9;
    size_t done = 9;
    cleat__node nodes[] = {{1, node}};
    cleat__durable_request requests[4] = {memo_of("a", "1"), memo_of("b", "2"), {0}, memo_of("c", "3")};
    requests[2].kind = CLEAT__DURABLE_EVICT;
    requests[2].as.evict.nodes = nodes;
    requests[2].as.evict.count = 1;
    assert_int_equal(ask_with(at, &run, 1, requests, 4, NULL, &done), CLEAT_NOT_FOUND);
    assert_int_equal(done, 2);
    assert_string_equal(state_of(at, &run), "RUNNING");
    /* Behind an eviction nothing is done. */
    requests[2].as.evict.count = 0;
    assert_int_equal(ask_with(at, &run, 1, requests + 2, 2, NULL, &done), CLEAT_CANCELLED);
    assert_int_equal(done, 1);
    assert_string_equal(state_of(at, &run), "EVICTED");
}

static void test_what_is_too_large_or_wrong_takes_no_node(void **state)
{
    rig *at = *state;
    cleat__uuid run = start(at);
    static char large[CLEAT__MEMO_KEY_MAX + 1];
    cleat__durable_request request = memo_of("a", "1");
    request.as.memo.key = (cleat_slice){large, sizeof(large)};
    assert_int_equal(ask_durable(at, &run, 1, &request), CLEAT_TOO_LARGE);
    request = memo_of("a", "1");
    request.as.memo.payload.size = CLEAT_PAYLOAD_MAX + 1;
    assert_int_equal(ask_durable(at, &run, 1, &request), CLEAT_TOO_LARGE);
    request = (cleat__durable_request){.kind = CLEAT__DURABLE_COMPLETE_MEMO};
    request.as.complete_memo.node = (cleat__node){1, 1};
    request.as.complete_memo.key = cleat_slice_of("b");
    assert_int_equal(ask_durable(at, &run, 1, &request), CLEAT_NOT_FOUND);
    assert_string_equal(memo(at, &run, 1, "a", NULL), "1 new");
    assert_int_equal(ask_durable(at, &run, 1, &request), CLEAT_INVALID_ARGUMENT);
    int64_t node = 1;
    assert_string_equal(await(at, &run, 1, true, &node, 1), "INVALID_ARGUMENT 0:-");
    assert_int_equal(evict(at, &run, 1, node), CLEAT_INVALID_ARGUMENT);
    request.kind = (cleat__durable_kind)99;
    assert_int_equal(ask_durable(at, &run, 1, &request), CLEAT_INVALID_ARGUMENT);
}

/* ---- Children ---- */

static cleat_status spawn_item(rig *at, const cleat__uuid *run, int invocation, const cleat__trigger *items,
                               size_t count, cleat__uuid *ids)
{
    cleat__node nodes[8];
    cleat__durable_request request = {.kind = CLEAT__DURABLE_TRIGGER};
    request.as.trigger.items = items;
    request.as.trigger.count = count;
    request.as.trigger.ids = ids;
    request.as.trigger.nodes = nodes;
    return ask_durable(at, run, invocation, &request);
}

static void test_children_are_all_started_or_none(void **state)
{
    rig *at = *state;
    cleat__uuid run = start(at), ids[2];
    cleat__trigger items[] = {{.workflow = cleat_slice_of("ship")}, {.workflow = cleat_slice_of("nothing")}};
    assert_int_equal(spawn_item(at, &run, 1, items, 2, ids), CLEAT_NOT_FOUND);
    assert_invocation(at, 0);
    assert_string_equal(memo(at, &run, 1, "a", "1"), "1 new");
    items[1].workflow = cleat_slice_of("flow");
    assert_int_equal(spawn_item(at, &run, 1, items, 2, ids), CLEAT_OK);
    assert_int_equal(at->ears.count, 2);
    assert_string_equal(memo(at, &run, 1, "a", "1"), "4 new");
}

static void test_no_more_children_than_one_step_can_bear(void **state)
{
    rig *at = *state;
    enum { MANY = CLEAT__RUNS_MAX + 1 };
    cleat__uuid run = start(at), *ids = calloc(MANY, sizeof(*ids));
    cleat__node *nodes = calloc(MANY, sizeof(*nodes));
    cleat__trigger *items = calloc(MANY, sizeof(*items));
    for (int i = 0; i < MANY; i++) {
        items[i].workflow = cleat_slice_of("ship");
    }
    cleat__durable_request request = {
        .kind = CLEAT__DURABLE_TRIGGER,
        .as.trigger = {.items = items, .count = MANY, .ids = ids, .nodes = nodes}};
    assert_int_equal(ask_durable(at, &run, 1, &request), CLEAT_INVALID_ARGUMENT);
    assert_non_null(strstr(durable_error, "10000 are started together"));
    assert_string_equal(memo(at, &run, 1, "a", "1"), "1 new");
    free(ids);
    free(nodes);
    free(items);
}

static void test_numbers_and_keys_of_children(void **state)
{
    rig *at = *state;
    cleat__uuid run = start(at), first, other, ids[2];
    cleat__trigger item = {.workflow = cleat_slice_of("ship"),
                           .input = cleat_slice_of("{\"n\":1}"),
                           .is_child = true,
                           .parent_id = run};
    assert_int_equal(spawn_item(at, &run, 1, &item, 1, &first), CLEAT_OK);
    /* The same number with the same input is the same child, with another it is a changed program. */
    assert_int_equal(spawn_item(at, &run, 1, &item, 1, &other), CLEAT_OK);
    assert_true(cleat__uuid_equals(&first, &other));
    item.input = cleat_slice_of("{\"n\":2}");
    assert_int_equal(spawn_item(at, &run, 1, &item, 1, &other), CLEAT_NON_DETERMINISTIC);
    /* Of the same key the first one counts, whatever its input is. */
    item.child_key = cleat_slice_of("k");
    assert_int_equal(spawn_item(at, &run, 1, &item, 1, &first), CLEAT_OK);
    item.input = cleat_slice_of("{\"n\":3}");
    assert_int_equal(spawn_item(at, &run, 1, &item, 1, &other), CLEAT_OK);
    assert_true(cleat__uuid_equals(&first, &other));
    /* What the engine numbers is apart from that. */
    cleat__trigger own[] = {{.workflow = cleat_slice_of("ship")}, {.workflow = cleat_slice_of("ship")}};
    assert_int_equal(spawn_item(at, &run, 1, own, 2, ids), CLEAT_OK);
    assert_false(cleat__uuid_equals(&ids[0], &ids[1]));
    item.parent_id = first;
    assert_int_equal(spawn_item(at, &run, 1, &item, 1, &other), CLEAT_INVALID_ARGUMENT);
}

static void test_a_child_that_had_ended_ends_its_node_at_once(void **state)
{
    rig *at = *state;
    cleat__uuid run = start(at), first, other;
    cleat__trigger item = {.workflow = cleat_slice_of("ship"), .child_key = cleat_slice_of("k")};
    assert_int_equal(spawn_item(at, &run, 1, &item, 1, &first), CLEAT_OK);
    report(at, &first, 0, CLEAT_OK, "7");
    assert_int_equal(spawn_item(at, &run, 1, &item, 1, &other), CLEAT_OK);
    const int64_t nodes[] = {1, 2};
    assert_string_equal(await(at, &run, 1, true, nodes, 2), "OK 1:7 2:7");
}

static void test_how_children_end(void **state)
{
    rig *at = *state;
    cleat__uuid run = start(at), ids[4];
    int64_t nodes[4];
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(spawn(at, &run, 1, "{}", &ids[i], &nodes[i]), CLEAT_OK);
    }
    assert_string_equal(await(at, &run, 1, false, nodes, 4), "SUSPENDED 0:- 0:- 0:- 0:-");
    cancel(at, &ids[3]);
    report(at, &ids[2], 0, CLEAT_NON_RETRYABLE, "broken");
    report(at, &ids[1], 0, CLEAT_FAILED, "not yet"); /* it is tried again */
    assert_string_equal(await(at, &run, 1, false, nodes, 4),
                        "OK 0:- 0:- 2:failed broken 1:cancelled task was cancelled");
    assert_string_equal(await(at, &run, 1, true, nodes, 4),
                        "SUSPENDED 0:- 0:- 2:failed broken 1:cancelled task was cancelled");
    report(at, &ids[1], 1, CLEAT_OK, "1");
    report(at, &ids[0], 0, CLEAT_OK, "");
    assert_string_equal(await(at, &run, 1, true, nodes, 4),
                        "OK 4:null 3:1 2:failed broken 1:cancelled task was cancelled");
}

static void test_a_child_that_is_replayed_changes_nothing(void **state)
{
    rig *at = *state;
    cleat__uuid run = start(at), child;
    int64_t node;
    spawn(at, &run, 1, "{}", &child, &node);
    report(at, &child, 0, CLEAT_OK, "1");
    assert_int_equal(tell_worker(at, CLEAT__COMMAND_REPLAY, &child), CLEAT_OK);
    report(at, &child, 1, CLEAT_OK, "2");
    assert_string_equal(await(at, &run, 1, true, &node, 1), "OK 1:1");
}

/* ---- Replays of a run that has ended, and branches ---- */

static void test_a_replay_keeps_the_log(void **state)
{
    rig *at = *state;
    cleat__uuid run = start(at), child, again;
    int64_t nodes[3];
    memo(at, &run, 1, "a", "1");
    sleep_for(at, &run, 1, 5000, "5s", &nodes[0]);
    spawn(at, &run, 1, "{}", &child, &nodes[1]);
    sleep_for(at, &run, 1, 90000, "90s", &nodes[2]);
    advance(at, 5000);
    end_run(at, &run, 1, CLEAT_NON_RETRYABLE, "broken");
    report(at, &child, 0, CLEAT_OK, "3"); /* while its parent was not there */
    advance(at, 1000);
    at->ears.count = 0;
    assert_int_equal(tell_worker(at, CLEAT__COMMAND_REPLAY, &run), CLEAT_OK);
    heard said = last_heard(at);
    assert_int_equal(said.invocation_count, 2);
    assert_int_equal(said.log_size, 4);
    assert_string_equal(memo(at, &run, 2, "a", NULL), "1 old 1");
    sleep_for(at, &run, 2, 5000, "5s", &nodes[0]);
    assert_int_equal(spawn(at, &run, 2, "{}", &again, &nodes[1]), CLEAT_OK);
    assert_true(cleat__uuid_equals(&again, &child));
    sleep_for(at, &run, 2, 90000, "90s", &nodes[2]);
    assert_string_equal(await(at, &run, 2, false, nodes, 3),
                        "OK 1:{\"CREATE\":{\"5s\":[{\"sleep_duration\":\"5s\"}]}} 2:3 0:-");
    evict(at, &run, 2, nodes[2]);
    advance(at, 83999); /* it counts from when it was first asked for */
    assert_invocation(at, 0);
    advance(at, 1);
    assert_invocation(at, 3);
}

static void test_a_branch_begins_with_what_was_before(void **state)
{
    rig *at = *state;
    cleat__uuid run = start(at), child, again;
    int64_t node;
    cleat__command fork = {.tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_DURABLE_BRANCH};
    int64_t branch = 0;
    fork.as.durable_branch.run_id = run;
    fork.as.durable_branch.branch = &branch;
    fork.as.durable_branch.node = (cleat__node){1, 2};
    memo(at, &run, 1, "a", "1");
    memo(at, &run, 1, "b", "2");
    spawn(at, &run, 1, "{}", &child, &node);
    assert_int_equal(ask(at, &fork), CLEAT_FAILED_PRECONDITION); /* it lives */
    end_run(at, &run, 1, CLEAT_OK, "1");
    fork.as.durable_branch.node = (cleat__node){1, 4};
    assert_int_equal(ask(at, &fork), CLEAT_NOT_FOUND);
    fork.as.durable_branch.node = (cleat__node){1, 2};
    at->ears.count = 0;
    assert_int_equal(ask(at, &fork), CLEAT_OK);
    assert_int_equal(branch, 2);
    heard said = last_heard(at);
    assert_int_equal(said.invocation_count, 2);
    assert_int_equal(said.log_size, 1);
    assert_string_equal(memo(at, &run, 2, "a", NULL), "1 old 1");
    assert_string_equal(memo(at, &run, 2, "c", "3"), "2 new"); /* another way now */
    assert_int_equal(spawn(at, &run, 2, "{}", &again, &node), CLEAT_OK);
    assert_false(cleat__uuid_equals(&again, &child));
    end_run(at, &run, 2, CLEAT_OK, "2");

    /* And a branch of that, behind what it has itself; of the first one, as it was. */
    fork.as.durable_branch.node = (cleat__node){2, 3};
    assert_int_equal(ask(at, &fork), CLEAT_OK);
    assert_string_equal(memo(at, &run, 3, "a", NULL), "1 old 1");
    assert_string_equal(memo(at, &run, 3, "c", NULL), "2 old 3");
    assert_string_equal(memo(at, &run, 3, "d", "4"), "3 new");
    end_run(at, &run, 3, CLEAT_OK, "3");
    fork.as.durable_branch.node = (cleat__node){1, 3};
    assert_int_equal(ask(at, &fork), CLEAT_OK);
    assert_int_equal(branch, 4);
    assert_string_equal(memo(at, &run, 4, "a", NULL), "1 old 1");
    assert_string_equal(memo(at, &run, 4, "b", NULL), "2 old 2");
    assert_string_equal(memo(at, &run, 4, "e", "5"), "3 new");
}

/* ---- Size ---- */

static void test_a_large_log_is_warned_of_once(void **state)
{
    rig *at = *state;
    cleat__uuid run = start(at);
    overheard log;
    static cleat__durable_request requests[1000];
    overhear(&log, "cleat_continue_as_new()");
    for (size_t i = 0; i < 11; i++) {
        for (size_t j = 0; j < 1000; j++) {
            requests[j] = memo_of("a", "1");
        }
        assert_int_equal(gate_count(&log.lines), i >= 10);
        assert_int_equal(ask_with(at, &run, 1, requests, 1000, NULL, NULL), CLEAT_OK);
    }
    assert_int_equal(overheard_end(&log), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        TEST(test_a_memo_is_worked_out_once),
        TEST(test_a_sleep_is_slept_once),
        TEST(test_children_end_nodes),
        TEST(test_a_changed_order_is_found_and_both_are_told),
        TEST(test_a_long_order_is_told_by_its_end),
        TEST(test_only_the_present_invocation_may_ask),
        TEST(test_a_report_of_a_former_invocation_is_ignored),
        TEST(test_each_way_back_is_an_invocation),
        TEST(test_a_cancelled_run_asks_no_more),
        TEST(test_the_first_that_fails_ends_a_command),
        TEST(test_what_is_too_large_or_wrong_takes_no_node),
        TEST(test_children_are_all_started_or_none),
        TEST(test_no_more_children_than_one_step_can_bear),
        TEST(test_numbers_and_keys_of_children),
        TEST(test_a_child_that_had_ended_ends_its_node_at_once),
        TEST(test_how_children_end),
        TEST(test_a_child_that_is_replayed_changes_nothing),
        TEST(test_a_replay_keeps_the_log),
        TEST(test_a_branch_begins_with_what_was_before),
        TEST(test_a_large_log_is_warned_of_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
