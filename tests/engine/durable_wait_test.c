/* Waits of durable runs, and how those that are evicted are called again. */
#include "durable_test.h"

#include "store/hook.h"
#include "support/overheard.h"

static cleat__uuid start(rig *at)
{
    declare(at);
    join_both(at, 100, 100);
    cleat__uuid run = trigger(at, "flow:flow", "{}", 0);
    assert_invocation(at, 1);
    return run;
}

static const char *outcome(rig *at, const cleat__uuid *run, int invocation, int64_t node)
{
    return await(at, run, invocation, true, &node, 1);
}

/* ---- Events ---- */

static void test_an_event_ends_a_wait(void **state)
{
    rig *at = *state;
    cleat__uuid run = start(at);
    cleat__condition paid = event_of("paid");
    int64_t node;
    push_event(at, "paid", "{\"n\":0}", NULL, NULL); /* before: it does not count */
    assert_int_equal(wait_for(at, &run, 1, &paid, 1, &node), CLEAT_OK);
    push_event(at, "pai", "{}", NULL, NULL);
    assert_string_equal(outcome(at, &run, 1, node), "SUSPENDED 0:-");
    push_event(at, "paid", "{\"n\":1}", "any scope", NULL);
    push_event(at, "paid", "{\"n\":2}", NULL, NULL); /* it has what it wanted */
    assert_string_equal(outcome(at, &run, 1, node), "OK 1:{\"CREATE\":{\"paid\":[{\"n\":1}]}}");
    assert_int_equal(wait_for(at, &run, 1, &paid, 1, &node), CLEAT_OK);
    push_event(at, "paid", NULL, NULL, NULL);
    assert_string_equal(outcome(at, &run, 1, node), "OK 2:{\"CREATE\":{\"paid\":[{}]}}");
}

static void test_events_of_other_tenants_and_scopes_do_not(void **state)
{
    rig *at = *state;
    cleat__uuid run = start(at), id;
    cleat__condition paid = event_of("paid");
    int64_t node;
    paid.scope = cleat_slice_of("order-1");
    wait_for(at, &run, 1, &paid, 1, &node);
    cleat__user_event event = {.key = cleat_slice_of("paid"), .scope = cleat_slice_of("order-1")};
    cleat__command push = {.tenant = 2, .kind = CLEAT__COMMAND_PUSH, .as.push = {&event, 1, &id, NULL}};
    assert_int_equal(ask(at, &push), CLEAT_OK);
    push_event(at, "paid", "{}", "order-2", NULL);
    push_event(at, "paid", "{}", NULL, NULL);
    assert_string_equal(outcome(at, &run, 1, node), "SUSPENDED 0:-");
    push_event(at, "paid", "{}", "order-1", NULL);
    assert_string_equal(outcome(at, &run, 1, node), "OK 1:{\"CREATE\":{\"paid\":[{}]}}");
}

static void test_an_expression_chooses_among_events(void **state)
{
    rig *at = *state;
    cleat__uuid run = start(at);
    cleat__condition paid = event_of("paid");
    int64_t node;
    paid.expression = cleat_slice_of("input.cents >= ");
    assert_int_equal(wait_for(at, &run, 1, &paid, 1, &node), CLEAT_INVALID_ARGUMENT);
    paid.expression = cleat_slice_of("event_key == 'paid'");
    assert_int_equal(wait_for(at, &run, 1, &paid, 1, &node), CLEAT_INVALID_ARGUMENT);
    paid.expression = cleat_slice_of("input.cents >= 100.0 && output.ok");
    assert_int_equal(wait_for(at, &run, 1, &paid, 1, &node), CLEAT_OK);
    assert_int_equal(node, 1);
    push_event(at, "paid", "{\"cents\":99,\"ok\":true}", NULL, NULL);
    push_event(at, "paid", "{\"cents\":100,\"ok\":1}", NULL, NULL); /* no value: not true */
    push_event(at, "paid", "{\"ok\":true}", NULL, NULL);
    assert_string_equal(outcome(at, &run, 1, node), "SUSPENDED 0:-");
    push_event(at, "paid", "{\"cents\":100,\"ok\":true}", NULL, NULL);
    assert_string_equal(outcome(at, &run, 1, node),
                        "OK 1:{\"CREATE\":{\"paid\":[{\"cents\":100,\"ok\":true}]}}");
}

static void test_one_event_ends_the_waits_of_many(void **state)
{
    rig *at = *state;
    declare(at);
    join_both(at, 100, 1);
    enum { COUNT = 50 };
    cleat__uuid runs[COUNT];
    int64_t node;
    /* Each waits twice in one wait, so that conditions go while they are looked at. */
    cleat__condition waits[] = {event_of("go"), event_of("go")};
    waits[0].group = waits[1].group = cleat_slice_of("g");
    for (size_t i = 0; i < COUNT; i++) {
        runs[i] = trigger(at, "flow:flow", "{}", 0);
        waits[0].expression = cleat_slice_of(i % 2 != 0 ? "input.n == 1.0" : "");
        assert_int_equal(wait_for(at, &runs[i], 1, waits, 2, &node), CLEAT_OK);
        assert_int_equal(evict(at, &runs[i], 1, node), CLEAT_OK);
    }
    at->ears.count = 0;
    push_event(at, "go", "{\"n\":2}", NULL, NULL);
    assert_int_equal(at->ears.count, COUNT);
    push_event(at, "go", "{\"n\":1}", NULL, NULL);
    assert_int_equal(at->ears.count, COUNT);
}

/* Else a member that is spelt wrongly would look as if no event came. */
static void test_an_expression_without_a_value_is_warned_of_once(void **state)
{
    rig *at = *state;
    cleat__uuid run = start(at);
    cleat__condition paid = event_of("paid");
    overheard log;
    int64_t node;
    overhear(&log, "counts as no match");
    paid.expression = cleat_slice_of("input.order == 7");
    wait_for(at, &run, 1, &paid, 1, &node);
    push_event(at, "paid", "{\"order\":8}", NULL, NULL);
    assert_int_equal(gate_count(&log.lines), 0);
    for (int i = 0; i < 3; i++) {
        push_event(at, "paid", "{\"ordre\":7}", NULL, NULL);
        assert_string_equal(outcome(at, &run, 1, node), "SUSPENDED 0:-");
    }
    assert_int_equal(overheard_end(&log), 1);
    assert_non_null(
        strstr(log.text, "\"paid\" counts as no match for who waits for it with \"input.order == 7\": "));
    assert_non_null(strstr(log.text, ": no such key: order"));
}

static void test_looking_back(void **state)
{
    rig *at = *state;
    cleat__uuid run = start(at);
    cleat__condition paid = event_of("paid");
    int64_t node;
    push_event(at, "paid", "{\"n\":1}", "s", NULL);
    advance(at, 1000);
    paid.since_ms = at->now.unix_ms;
    push_event(at, "paid", "{\"n\":2}", "s", NULL);
    push_event(at, "paid", "{\"n\":3}", "s", NULL);
    push_event(at, "paid", "{\"n\":4}", "t", NULL);
    advance(at, 1000);
    wait_for(at, &run, 1, &paid, 1, &node); /* without a scope nobody looks back */
    assert_string_equal(outcome(at, &run, 1, node), "SUSPENDED 0:-");
    paid.scope = cleat_slice_of("s");
    wait_for(at, &run, 1, &paid, 1, &node);
    assert_string_equal(outcome(at, &run, 1, node), "OK 1:{\"CREATE\":{\"paid\":[{\"n\":3}]}}");
    paid.expression = cleat_slice_of("input.n < 3.0");
    wait_for(at, &run, 1, &paid, 1, &node);
    assert_string_equal(outcome(at, &run, 1, node), "OK 2:{\"CREATE\":{\"paid\":[{\"n\":2}]}}");
    paid.expression = cleat_slice_of("input.n < 2.0");
    wait_for(at, &run, 1, &paid, 1, &node);
    assert_string_equal(outcome(at, &run, 1, node), "SUSPENDED 0:-");
}

/* Nobody else is answered meanwhile: what is too far back is not looked for. */
static void test_looking_back_ends_somewhere(void **state)
{
    rig *at = *state;
    cleat__uuid run = start(at);
    cleat__condition paid = event_of("paid");
    int64_t node;
    paid.since_ms = at->now.unix_ms;
    paid.scope = cleat_slice_of("s");
    paid.expression = cleat_slice_of("input.n == 1");
    push_event(at, "paid", "{\"n\":1}", "s", NULL);
    for (int i = 0; i < 999; i++) {
        push_event(at, "paid", "{\"n\":2}", "s", NULL);
        push_event(at, "paid", "{\"n\":2}", "t", NULL); /* does not count */
        push_event(at, "due", "{\"n\":2}", "s", NULL);
    }
    wait_for(at, &run, 1, &paid, 1, &node);
    assert_string_equal(outcome(at, &run, 1, node), "OK 1:{\"CREATE\":{\"paid\":[{\"n\":1}]}}");
    push_event(at, "paid", "{\"n\":2}", "s", NULL);
    wait_for(at, &run, 1, &paid, 1, &node);
    assert_string_equal(outcome(at, &run, 1, node), "SUSPENDED 0:-");
}

/* ---- Alternatives ---- */

static void test_of_a_group_one_is_enough(void **state)
{
    rig *at = *state;
    cleat__uuid run = start(at);
    cleat__condition either[] = {event_of("paid"), sleep_of(1000, "1s")};
    either[0].group = either[1].group = cleat_slice_of("g");
    int64_t node;
    wait_for(at, &run, 1, either, 2, &node);
    push_event(at, "paid", "{}", NULL, NULL);
    assert_string_equal(outcome(at, &run, 1, node), "OK 1:{\"CREATE\":{\"paid\":[{}]}}");
    wait_for(at, &run, 1, either, 2, &node);
    advance(at, 1000);
    push_event(at, "paid", "{}", NULL, NULL);
    assert_string_equal(outcome(at, &run, 1, node),
                        "OK 2:{\"CREATE\":{\"1s\":[{\"sleep_duration\":\"1s\"}]}}");
}

static void test_each_group_must_be_met(void **state)
{
    rig *at = *state;
    cleat__uuid run = start(at);
    cleat__condition all[] = {event_of("a"), event_of("b"), event_of("c"), sleep_of(1000, "1s")};
    all[0].group = all[1].group = cleat_slice_of("g");
    all[1].data_key = cleat_slice_of("c"); /* two of one name */
    int64_t node;
    wait_for(at, &run, 1, all, 4, &node);
    push_event(at, "b", "{\"n\":1}", NULL, NULL);
    push_event(at, "a", "{\"n\":2}", NULL, NULL); /* its group is met */
    push_event(at, "c", "{\"n\":3}", NULL, NULL);
    assert_string_equal(outcome(at, &run, 1, node), "SUSPENDED 0:-");
    crash(at);
    open_core(at);
    join_both(at, 100, 100);
    assert_invocation(at, 2);
    advance(at, 1000);
    wait_for(at, &run, 2, all, 4, &node);
    assert_string_equal(
        outcome(at, &run, 2, node),
        "OK 1:{\"CREATE\":{\"1s\":[{\"sleep_duration\":\"1s\"}],\"c\":[{\"n\":1},{\"n\":3}]}}");
}

static void test_conditions_that_are_refused(void **state)
{
    rig *at = *state;
    cleat__uuid run = start(at);
    static cleat__condition many[CLEAT__CONDITIONS_MAX + 1];
    int64_t node;
    for (size_t i = 0; i <= CLEAT__CONDITIONS_MAX; i++) {
        many[i] = sleep_of(1000, "1s");
    }
    assert_int_equal(wait_for(at, &run, 1, many, 0, &node), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(wait_for(at, &run, 1, many, CLEAT__CONDITIONS_MAX + 1, &node), CLEAT_INVALID_ARGUMENT);
    many[1].sleep_ms = -1;
    assert_int_equal(wait_for(at, &run, 1, many, 2, &node), CLEAT_INVALID_ARGUMENT);
    many[1] = event_of("");
    assert_int_equal(wait_for(at, &run, 1, many, 2, &node), CLEAT_INVALID_ARGUMENT);
    many[1] = event_of("e");
    many[1].scope = (cleat_slice){"", CLEAT_PAYLOAD_MAX};
    assert_int_equal(wait_for(at, &run, 1, many, 2, &node), CLEAT_INVALID_ARGUMENT);
    many[1].kind = (cleat__condition_kind)7;
    assert_int_equal(wait_for(at, &run, 1, many, 2, &node), CLEAT_INVALID_ARGUMENT);
    many[1] = sleep_of(INT64_MAX, "ever");
    assert_int_equal(wait_for(at, &run, 1, many, CLEAT__CONDITIONS_MAX, &node), CLEAT_OK);
    assert_int_equal(node, 1);
}

/* ---- Hooks ---- */

static cleat_status create_hook(rig *at, const cleat__uuid *run, int invocation, const char *token)
{
    cleat__durable_request request = {.kind = CLEAT__DURABLE_CREATE_HOOK};
    request.as.create_hook.token = cleat_slice_of(token);
    return ask_durable(at, run, invocation, &request);
}

static cleat_status resume(rig *at, const char *token, const char *payload, const char *carrier)
{
    cleat__uuid id;
    char *metadata = NULL;
    cleat__command command = {.tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_RESUME_HOOK};
    command.as.resume_hook.token = cleat_slice_of(token);
    command.as.resume_hook.payload = cleat_slice_of(payload);
    command.as.resume_hook.carrier = cleat_slice_of(carrier);
    command.as.resume_hook.run_id = &id;
    command.as.resume_hook.metadata = &metadata;
    step(at, &command, 1);
    snprintf(durable_error, sizeof(durable_error), "%s", command.error != NULL ? command.error : "");
    cleat__free(command.error);
    cleat__free(metadata);
    return command.status;
}

static void test_payloads_of_a_hook_come_in_order(void **state)
{
    rig *at = *state;
    cleat__uuid run = start(at);
    cleat__condition hook = hook_of("t");
    int64_t nodes[3];
    assert_int_equal(resume(at, "t", "0", NULL), CLEAT_NOT_FOUND);
    assert_int_equal(wait_for(at, &run, 1, &hook, 1, &nodes[0]), CLEAT_NOT_FOUND);
    assert_int_equal(create_hook(at, &run, 1, "t"), CLEAT_OK);
    assert_int_equal(create_hook(at, &run, 1, "t"), CLEAT_OK);
    resume(at, "t", "1", NULL); /* nobody looks yet */
    resume(at, "t", "{\"n\":2}", NULL);
    crash(at);
    open_core(at);
    join_both(at, 100, 100);
    assert_invocation(at, 2);
    assert_int_equal(wait_for(at, &run, 2, &hook, 1, &nodes[0]), CLEAT_OK); /* it took no node */
    assert_int_equal(nodes[0], 1);
    wait_for(at, &run, 2, &hook, 1, &nodes[1]);
    wait_for(at, &run, 2, &hook, 1, &nodes[2]);
    assert_string_equal(await(at, &run, 2, false, nodes, 3),
                        "OK 1:{\"CREATE\":{\"hook\":[1]}} 2:{\"CREATE\":{\"hook\":[{\"n\":2}]}} 0:-");
    evict(at, &run, 2, nodes[2]);
    assert_int_equal(resume(at, "t", "3", NULL), CLEAT_OK);
    assert_invocation(at, 3);
    for (size_t i = 0; i < 3; i++) {
        wait_for(at, &run, 3, &hook, 1, &nodes[i]);
    }
    assert_string_equal(outcome(at, &run, 3, nodes[2]), "OK 3:{\"CREATE\":{\"hook\":[3]}}");
}

static void test_a_hook_keeps_so_many_payloads(void **state)
{
    enum { TAKEN = 3 };
    rig *at = *state;
    cleat__uuid run = start(at);
    cleat__condition hook = hook_of("t");
    int64_t node;
    create_hook(at, &run, 1, "t");
    create_hook(at, &run, 1, "u");
    for (int i = 0; i < CLEAT__HOOK_PAYLOADS_MAX; i++) {
        assert_int_equal(resume(at, "t", "1", NULL), CLEAT_OK);
    }
    assert_int_equal(resume(at, "t", "1", NULL), CLEAT_RESOURCE_EXHAUSTED);
    assert_int_equal(resume(at, "u", "1", NULL), CLEAT_OK);
    for (int i = 0; i < TAKEN; i++) {
        wait_for(at, &run, 1, &hook, 1, &node);
    }
    for (int i = 0; i < TAKEN; i++) {
        assert_int_equal(resume(at, "t", "1", NULL), CLEAT_OK);
    }
    assert_int_equal(resume(at, "t", "1", NULL), CLEAT_RESOURCE_EXHAUSTED);
}

static void test_a_hook_that_was_not_met_takes_nothing(void **state)
{
    rig *at = *state;
    cleat__uuid run = start(at);
    cleat__condition either[] = {hook_of("t"), sleep_of(1000, "1s")};
    either[0].group = either[1].group = cleat_slice_of("g");
    int64_t node;
    create_hook(at, &run, 1, "t");
    wait_for(at, &run, 1, either, 2, &node);
    advance(at, 1000); /* the time is over first */
    resume(at, "t", "1", NULL);
    resume(at, "t", "2", NULL);
    /* A sleep that is over at once leaves the payload where it is. */
    either[1].sleep_ms = 0;
    cleat__condition other[] = {either[1], either[0]};
    wait_for(at, &run, 1, other, 2, &node);
    assert_string_equal(outcome(at, &run, 1, node),
                        "OK 2:{\"CREATE\":{\"1s\":[{\"sleep_duration\":\"1s\"}]}}");
    wait_for(at, &run, 1, either, 2, &node);
    assert_string_equal(outcome(at, &run, 1, node), "OK 3:{\"CREATE\":{\"hook\":[1]}}");
}

static void test_tokens_belong_to_one_live_run(void **state)
{
    rig *at = *state;
    cleat__uuid run = start(at), other = trigger(at, "flow:flow", "{}", 0);
    static char token[CLEAT__HOOK_TOKEN_MAX + 2];
    int64_t node;
    cleat__condition hook = hook_of("t");
    create_hook(at, &run, 1, "t");
    assert_int_equal(create_hook(at, &other, 1, "t"), CLEAT_ALREADY_EXISTS);
    assert_int_equal(wait_for(at, &other, 1, &hook, 1, &node), CLEAT_NOT_FOUND);
    resume(at, "t", "1", NULL);
    end_run(at, &run, 1, CLEAT_OK, "1");
    assert_int_equal(resume(at, "t", "2", NULL), CLEAT_FAILED_PRECONDITION);
    assert_non_null(strstr(durable_error, "COMPLETED"));
    assert_int_equal(create_hook(at, &other, 1, "t"), CLEAT_OK);
    assert_int_equal(resume(at, "t", "3", NULL), CLEAT_OK);
    assert_int_equal(wait_for(at, &other, 1, &hook, 1, &node), CLEAT_OK);
    assert_string_equal(outcome(at, &other, 1, node), "OK 1:{\"CREATE\":{\"hook\":[3]}}");

    memset(token, 't', CLEAT__HOOK_TOKEN_MAX + 1);
    assert_int_equal(create_hook(at, &other, 1, token), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(create_hook(at, &other, 1, ""), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(create_hook(at, &other, 1, "a/b"), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(resume(at, "a b", "1", NULL), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(resume(at, "t", "", NULL), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(create_hook(at, &other, 1, token + 1), CLEAT_OK);
}

/* Who knows it can resume the run, and sentences go far. */
static void test_no_sentence_says_a_token(void **state)
{
    static const char token[] = "approve-7-by-ada";
    rig *at = *state;
    cleat__uuid run = start(at), other = trigger(at, "flow:flow", "{}", 0);
    int64_t node;
    cleat__condition hook = hook_of(token);
    assert_int_equal(resume(at, token, "0", NULL), CLEAT_NOT_FOUND);
    assert_string_equal(durable_error, "there is no hook with the token appr...");
    assert_int_equal(wait_for(at, &run, 1, &hook, 1, &node), CLEAT_NOT_FOUND);
    assert_string_equal(durable_error, "the run has no hook with the token appr...");
    create_hook(at, &run, 1, token);
    assert_int_equal(create_hook(at, &other, 1, token), CLEAT_ALREADY_EXISTS);
    assert_null(strstr(durable_error, token));
    for (int i = 0; i < CLEAT__HOOK_PAYLOADS_MAX; i++) {
        resume(at, token, "1", NULL);
    }
    assert_int_equal(resume(at, token, "1", NULL), CLEAT_RESOURCE_EXHAUSTED);
    assert_null(strstr(durable_error, token));
    end_run(at, &run, 1, CLEAT_OK, "1");
    assert_int_equal(resume(at, token, "2", NULL), CLEAT_FAILED_PRECONDITION);
    assert_null(strstr(durable_error, token));
}

/* ---- Eviction ---- */

static void test_what_was_met_before_the_eviction_ends_it_at_once(void **state)
{
    rig *at = *state;
    cleat__uuid run = start(at), child;
    int64_t nodes[2];
    spawn(at, &run, 1, "{}", &child, &nodes[0]);
    sleep_for(at, &run, 1, 1000, "1s", &nodes[1]);
    at->ears.count = 0;
    report(at, &child, 0, CLEAT_OK, "1");
    assert_int_equal(evict(at, &run, 1, nodes[0]), CLEAT_OK);
    assert_invocation(at, 2);
    /* Of all of them one is not met yet, */
    spawn(at, &run, 2, "{}", &child, &nodes[0]);
    sleep_for(at, &run, 2, 1000, "1s", &nodes[1]);
    assert_int_equal(evict_with(at, &run, 2, true, nodes, 2, NULL), CLEAT_OK);
    assert_invocation(at, 0);
    advance(at, 1000);
    assert_invocation(at, 3);
    /* of any one is. */
    spawn(at, &run, 3, "{}", &child, &nodes[0]);
    sleep_for(at, &run, 3, 1000, "1s", &nodes[1]);
    int64_t third;
    sleep_for(at, &run, 3, 1000, "1s", &third);
    const int64_t any[] = {third, nodes[0]};
    assert_int_equal(evict_with(at, &run, 3, false, any, 2, NULL), CLEAT_OK);
    assert_invocation(at, 4);
}

static void test_other_nodes_do_not_restore(void **state)
{
    rig *at = *state;
    cleat__uuid run = start(at);
    int64_t nodes[3];
    for (int i = 0; i < 3; i++) {
        sleep_for(at, &run, 1, 1000 * (i + 1), "x", &nodes[i]);
    }
    const int64_t twice[] = {nodes[1], nodes[2], nodes[1]};
    evict_with(at, &run, 1, true, twice, 3, NULL);
    advance(at, 1000);
    advance(at, 1000);
    assert_invocation(at, 0);
    advance(at, 1000);
    assert_invocation(at, 2);
    for (int i = 0; i < 3; i++) {
        sleep_for(at, &run, 2, 1000, "x", &nodes[i]);
    }
    int64_t fourth;
    sleep_for(at, &run, 2, 5000, "y", &fourth);
    assert_int_equal(evict_with(at, &run, 2, true, NULL, 0, NULL), CLEAT_OK); /* any of the log */
    assert_invocation(at, 0);
    advance(at, 5000);
    assert_invocation(at, 3);
}

static void test_what_is_waited_for_may_be_said_in_any_order(void **state)
{
    rig *at = *state;
    cleat__uuid run = start(at);
    int64_t nodes[5];
    for (int i = 0; i < 4; i++) {
        sleep_for(at, &run, 1, 1000 * (i + 1), "x", &nodes[i]);
    }
    memo(at, &run, 1, "a", "1");
    const int64_t wrong[] = {nodes[3], 5, nodes[0]};
    assert_int_equal(evict_with(at, &run, 1, true, wrong, 3, NULL), CLEAT_INVALID_ARGUMENT);
    advance(at, 2000); /* two of them are over */
    assert_string_equal(state_of(at, &run), "RUNNING");
    const int64_t mixed[] = {nodes[3], nodes[0], nodes[2], nodes[0], nodes[3], nodes[1]};
    assert_int_equal(evict_with(at, &run, 1, true, mixed, 6, NULL), CLEAT_OK);
    crash(at);
    open_core(at);
    join_both(at, 100, 100);
    advance(at, 1000);
    assert_invocation(at, 0);
    advance(at, 1000);
    assert_invocation(at, 2);
}

static void test_an_evicted_run_holds_nothing(void **state)
{
    rig *at = *state;
    declare(at);
    join_both(at, 1, 1);
    cleat__uuid first = trigger(at, "flow:flow", "{\"n\":1}", 0);
    cleat__uuid second = trigger(at, "flow:flow", "{\"n\":2}", 0);
    int64_t node;
    cleat__engine_stats stats;
    assert_string_equal(heard_text(at), "A0{\"n\":1}");
    sleep_for(at, &first, 1, 120000, "2m", &node);
    evict(at, &first, 1, node);
    assert_string_equal(heard_text(at), "A0{\"n\":2}"); /* the slot is free */
    cleat__core_get_stats(at->core, &stats);
    assert_int_equal(stats.evicted, 1);
    assert_int_equal(stats.running, 1);
    assert_int_equal(stats.queued, 0);
    end_run(at, &second, 1, CLEAT_OK, "2");
    /* Neither the execution timeout of a minute nor the loss of its worker means anything to it. */
    for (int i = 0; i < 11; i++) {
        advance(at, 10000);
        tell_worker(at, CLEAT__COMMAND_WORKER_HEARTBEAT, &(cleat__uuid){{0}});
    }
    assert_string_equal(state_of(at, &first), "EVICTED");
    join_both(at, 1, 1);
    advance(at, 10000);
    heard said = last_heard(at);
    assert_int_equal(said.invocation_count, 2);
    assert_int_equal(said.retry_count, 0);
}

static void test_a_restored_run_goes_ahead(void **state)
{
    rig *at = *state;
    declare(at);
    join_both(at, 1, 0);
    cleat__uuid run = trigger(at, "flow:flow", "first", 1);
    int64_t node;
    sleep_for(at, &run, 1, 1000, "1s", &node);
    cleat__uuid other = trigger(at, "flow:flow", "second", 3);
    trigger(at, "flow:flow", "third", 3);
    evict(at, &run, 1, node);
    advance(at, 1000);
    assert_string_equal(heard_text(at), "A0first A0second");
    end_run(at, &other, 1, CLEAT_OK, "1");
    assert_string_equal(heard_text(at), "A0first");
}

static cleat_status restore(rig *at, const cleat__uuid *run)
{
    cleat__command command = {.tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_DURABLE_RESTORE};
    command.as.durable_restore = *run;
    return ask(at, &command);
}

static void test_somebody_restores(void **state)
{
    rig *at = *state;
    cleat__uuid run = start(at), nobody = {{1}};
    int64_t node;
    assert_int_equal(restore(at, &nobody), CLEAT_NOT_FOUND);
    assert_int_equal(restore(at, &run), CLEAT_FAILED_PRECONDITION);
    sleep_for(at, &run, 1, 1000, "1s", &node);
    evict(at, &run, 1, node);
    assert_int_equal(restore(at, &run), CLEAT_OK);
    assert_invocation(at, 2);
    advance(at, 1000); /* it is there already */
    assert_invocation(at, 0);
    sleep_for(at, &run, 2, 1000, "1s", &node);
    assert_string_equal(outcome(at, &run, 2, node),
                        "OK 1:{\"CREATE\":{\"1s\":[{\"sleep_duration\":\"1s\"}]}}");
    end_run(at, &run, 2, CLEAT_OK, "1");
    assert_int_equal(restore(at, &run), CLEAT_FAILED_PRECONDITION);
}

/* ---- What an invocation is delivered with ---- */

#define CONTEXT(digit) "00-000000000000000000000000000000a" digit "-000000000000000" digit "-01"

static void assert_delivered(rig *at, int invocation, const char *metadata)
{
    heard said = last_heard(at);
    assert_int_equal(said.invocation_count, invocation);
    assert_string_equal(said.metadata, metadata);
}

static void test_the_message_that_wakes_a_run_is_where_it_comes_from(void **state)
{
    rig *at = *state;
    cleat__uuid run = start(at), child;
    cleat__condition waits[] = {hook_of("t"), event_of("e")};
    int64_t node;
    create_hook(at, &run, 1, "t");
    /* By a sleep: what the eviction carried. */
    sleep_for(at, &run, 1, 1000, "1s", &node);
    evict_with(at, &run, 1, true, &node, 1, "{\"traceparent\":\"" CONTEXT("1") "\"}");
    advance(at, 1000);
    assert_delivered(at, 2, "{\"traceparent\":\"" CONTEXT("1") "\"}");
    /* The same for a retry, */
    end_run(at, &run, 2, CLEAT_FAILED, "no luck");
    assert_delivered(at, 3, "{\"traceparent\":\"" CONTEXT("1") "\"}");
    /* By a hook: what that carried. */
    sleep_for(at, &run, 3, 1000, "1s", &node);
    wait_for(at, &run, 3, &waits[0], 1, &node);
    evict_with(at, &run, 3, true, &node, 1, "{\"traceparent\":\"" CONTEXT("2") "\"}");
    resume(at, "t", "1", "{\"traceparent\":\"" CONTEXT("3") "\"}");
    assert_delivered(at, 4, "{\"traceparent\":\"" CONTEXT("3") "\"}");
    /* By an event: its own trace context, and nothing else of it; */
    sleep_for(at, &run, 4, 1000, "1s", &node);
    wait_for(at, &run, 4, &waits[0], 1, &node);
    wait_for(at, &run, 4, &waits[1], 1, &node);
    evict_with(at, &run, 4, true, &node, 1, NULL);
    push_event(at, "e", "{}", NULL, "{\"a\":1,\"traceparent\":\"" CONTEXT("4") "\"}");
    assert_delivered(at, 5, "{\"traceparent\":\"" CONTEXT("4") "\"}");
    /* one without leaves it to the eviction, which had none. */
    sleep_for(at, &run, 5, 1000, "1s", &node);
    wait_for(at, &run, 5, &waits[0], 1, &node);
    wait_for(at, &run, 5, &waits[1], 1, &node);
    wait_for(at, &run, 5, &waits[1], 1, &node);
    evict_with(at, &run, 5, true, &node, 1, NULL);
    push_event(at, "e", "{}", NULL, "{\"a\":1}");
    assert_delivered(at, 6, "");
    /* By a child: what its report carried, also when that was before the eviction. */
    sleep_for(at, &run, 6, 1000, "1s", &node);
    wait_for(at, &run, 6, &waits[0], 1, &node);
    wait_for(at, &run, 6, &waits[1], 1, &node);
    wait_for(at, &run, 6, &waits[1], 1, &node);
    spawn(at, &run, 6, "{}", &child, &node);
    cleat__report said = {.task_id = child,
                          .status = CLEAT_OK,
                          .output = cleat_slice_of("1"),
                          .carrier = cleat_slice_of("{\"traceparent\":\"" CONTEXT("5") "\"}")};
    cleat__command command = {
        .tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_REPORT, .as.report = said};
    assert_int_equal(ask(at, &command), CLEAT_OK);
    evict_with(at, &run, 6, true, &node, 1, "{\"traceparent\":\"" CONTEXT("6") "\"}");
    assert_delivered(at, 7, "{\"traceparent\":\"" CONTEXT("5") "\"}");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        TEST(test_an_event_ends_a_wait),
        TEST(test_events_of_other_tenants_and_scopes_do_not),
        TEST(test_an_expression_chooses_among_events),
        TEST(test_one_event_ends_the_waits_of_many),
        TEST(test_an_expression_without_a_value_is_warned_of_once),
        TEST(test_looking_back),
        TEST(test_looking_back_ends_somewhere),
        TEST(test_of_a_group_one_is_enough),
        TEST(test_each_group_must_be_met),
        TEST(test_conditions_that_are_refused),
        TEST(test_payloads_of_a_hook_come_in_order),
        TEST(test_a_hook_keeps_so_many_payloads),
        TEST(test_no_sentence_says_a_token),
        TEST(test_a_hook_that_was_not_met_takes_nothing),
        TEST(test_tokens_belong_to_one_live_run),
        TEST(test_what_was_met_before_the_eviction_ends_it_at_once),
        TEST(test_other_nodes_do_not_restore),
        TEST(test_what_is_waited_for_may_be_said_in_any_order),
        TEST(test_an_evicted_run_holds_nothing),
        TEST(test_a_restored_run_goes_ahead),
        TEST(test_somebody_restores),
        TEST(test_the_message_that_wakes_a_run_is_where_it_comes_from),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
