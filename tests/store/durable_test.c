/* The logs of durable runs in the file. */
#include "store_test.h"

#include "store/durable.h"
#include "store/hook.h"

static cleat__store *open_new(void)
{
    remove_database();
    cleat__store *store = open_store(CLEAT__STORE_WRITE);
    assert_int_equal(cleat__store_begin(store), CLEAT_OK);
    return store;
}

static void close_it(cleat__store *store)
{
    assert_int_equal(cleat__store_commit(store), CLEAT_OK);
    cleat__store_close(store);
}

static void put_entry(cleat__store *store, const cleat__uuid *run, int64_t branch, int64_t number)
{
    char label[32];
    snprintf(label, sizeof(label), "%d:%d", (int)branch, (int)number);
    cleat__entry_row row = {.node = {branch, number},
                            .kind = CLEAT__NODE_MEMO,
                            .hash = -7,
                            .label = cleat_slice_of(label),
                            .created_at_ms = 5};
    assert_int_equal(cleat__entry_insert(store, run, &row), CLEAT_OK);
}

static void test_entries(void **state)
{
    (void)state;
    cleat__store *store = open_new();
    cleat__uuid run = id_of(1);
    cleat__entry_row row;
    put_entry(store, &run, 1, 1);
    assert_int_equal(cleat__entry_get(store, &run, (cleat__node){1, 2}, &row), CLEAT_EMPTY);
    assert_int_equal(cleat__entry_get(store, &run, (cleat__node){1, 1}, &row), CLEAT_OK);
    assert_int_equal(row.kind, CLEAT__NODE_MEMO);
    assert_int_equal(row.hash, -7);
    assert_int_equal(row.created_at_ms, 5);
    assert_int_equal(row.met_order, 0);
    assert_true(cleat__uuid_is_nil(&row.child_id));
    assert_slice(row.label, "1:1");
    assert_slice(row.payload, NULL);
    assert_int_equal(cleat__entry_set_payload(store, &run, row.node, cleat_slice_of("5")), CLEAT_OK);
    assert_int_equal(cleat__entry_get(store, &run, (cleat__node){1, 1}, &row), CLEAT_OK);
    assert_slice(row.payload, "5");
    cleat__entry_row again = {.node = {1, 1}, .label = cleat_slice_of("")};
    assert_int_not_equal(cleat__entry_insert(store, &run, &again), CLEAT_OK);
    close_it(store);
}

static cleat_status see_met(void *argument, cleat__node node, int64_t order)
{
    char *text = argument;
    sprintf(text + strlen(text), "%d:%d ", (int)order, (int)node.number);
    return order < 3 ? CLEAT_OK : CLEAT_CANCELLED;
}

static void test_nodes_that_were_met(void **state)
{
    (void)state;
    cleat__store *store = open_new();
    cleat__uuid run = id_of(1);
    cleat__entry_row row;
    char text[64] = "";
    int64_t last = -1;
    assert_int_equal(cleat__durable_last_order(store, &run, &last), CLEAT_OK);
    assert_int_equal(last, 0);
    for (int i = 1; i <= 4; i++) {
        put_entry(store, &run, 1, i);
    }
    for (int i = 2; i <= 4; i++) {
        cleat__entry_row how = {.node = {1, i},
                                .met_order = 5 - i,
                                .met_at_ms = 9,
                                .outcome = CLEAT__NODE_FAILED,
                                .error = cleat_slice_of("no"),
                                .carrier = cleat_slice_of("{}")};
        assert_int_equal(cleat__entry_meet(store, &run, &how), CLEAT_OK);
    }
    assert_int_equal(cleat__durable_last_order(store, &run, &last), CLEAT_OK);
    assert_int_equal(last, 3);
    assert_int_equal(cleat__entry_list_met(store, &run, see_met, text), CLEAT_CANCELLED);
    assert_string_equal(text, "1:4 2:3 3:2 ");
    assert_int_equal(cleat__entry_get(store, &run, (cleat__node){1, 3}, &row), CLEAT_OK);
    assert_int_equal(row.met_order, 2);
    assert_int_equal(row.met_at_ms, 9);
    assert_int_equal(row.outcome, CLEAT__NODE_FAILED);
    assert_slice(row.error, "no");
    assert_slice(row.carrier, "{}");
    close_it(store);
}

static void assert_run(cleat__store *store, const cleat__uuid *run, int invocations, int branch, int size)
{
    cleat__durable_row row;
    assert_int_equal(cleat__durable_get(store, run, &row), CLEAT_OK);
    assert_int_equal(row.invocation_count, invocations);
    assert_int_equal(row.branch, branch);
    assert_int_equal(row.log_size, size);
}

static void assert_resolved(cleat__store *store, const cleat__uuid *run, int64_t branch, int64_t number,
                            int64_t expected)
{
    int64_t found = 0;
    assert_int_equal(cleat__durable_resolve(store, run, branch, number, &found), CLEAT_OK);
    assert_int_equal(found, expected);
}

static void test_invocations_and_branches(void **state)
{
    (void)state;
    cleat__store *store = open_new();
    cleat__uuid run = id_of(1);
    int64_t found;
    assert_run(store, &run, 0, 1, 0);
    assert_int_equal(cleat__durable_begin_invocation(store, &run, 1, 0, 1000), CLEAT_OK);
    for (int i = 1; i <= 5; i++) {
        put_entry(store, &run, 1, i);
    }
    assert_int_equal(cleat__durable_begin_invocation(store, &run, 2, 0, 2000), CLEAT_OK);
    assert_run(store, &run, 2, 1, 5);
    assert_int_equal(cleat__durable_fork(store, &run, 2, (cleat__node){1, 3}), CLEAT_OK);
    assert_run(store, &run, 2, 2, 2);
    put_entry(store, &run, 2, 3);
    assert_run(store, &run, 2, 2, 3);
    assert_int_equal(cleat__durable_fork(store, &run, 3, (cleat__node){2, 2}), CLEAT_OK);
    assert_run(store, &run, 2, 3, 1);
    assert_resolved(store, &run, 1, 9, 1);
    assert_resolved(store, &run, 2, 2, 1);
    assert_resolved(store, &run, 2, 3, 2);
    assert_resolved(store, &run, 3, 1, 1);
    assert_resolved(store, &run, 3, 2, 3);
    assert_int_equal(cleat__durable_resolve(store, &run, 4, 1, &found), CLEAT_CORRUPT);
    close_it(store);
}

static void test_what_an_evicted_run_waits_for(void **state)
{
    (void)state;
    cleat__store *store = open_new();
    cleat__uuid run = id_of(1);
    cleat__buffer text = {0};
    bool all = false;
    assert_int_equal(cleat__durable_get_carrier(store, &run, &text), CLEAT_OK); /* it has none */
    assert_int_equal(cleat__durable_get_waits(store, &run, &text, &all), CLEAT_CORRUPT);
    cleat__durable_begin_invocation(store, &run, 1, 0, 1000);
    const cleat__eviction eviction = {.carrier = cleat_slice_of("{}"),
                                      .waits = cleat_slice_of("[[1,2]]"),
                                      .reason = cleat_slice_of("full"),
                                      .waits_for_all = true};
    assert_int_equal(cleat__durable_set_waits(store, &run, &eviction), CLEAT_OK);
    assert_int_equal(cleat__durable_get_reason(store, &run, &text), CLEAT_OK);
    assert_slice(cleat__buffer_slice(&text), "full");
    cleat__buffer_clear(&text);
    assert_int_equal(cleat__durable_get_waits(store, &run, &text, &all), CLEAT_OK);
    assert_slice(cleat__buffer_slice(&text), "[[1,2]]");
    assert_true(all);
    cleat__buffer_clear(&text);
    cleat__durable_set_carrier(store, &run, cleat_slice_of("{\"a\":1}"));
    cleat__durable_begin_invocation(store, &run, 2, 0, 2000); /* which keeps it, for the next attempt too */
    assert_int_equal(cleat__durable_get_carrier(store, &run, &text), CLEAT_OK);
    assert_slice(cleat__buffer_slice(&text), "{\"a\":1}");
    cleat__buffer_deinit(&text);
    close_it(store);
}

static void put_condition(cleat__store *store, const cleat__uuid *run, int64_t node, int number,
                          const char *key)
{
    cleat__condition_row row = {.run_id = *run,
                                .node = {1, node},
                                .number = number,
                                .count = 3,
                                .kind = CLEAT__PENDING_EVENT,
                                .group = number / 2,
                                .data_key = cleat_slice_of(key),
                                .key = cleat_slice_of("k"),
                                .expression = cleat_slice_of("true"),
                                .scope = cleat_slice_of("s"),
                                .at_ms = 7,
                                .data = cleat_slice_of("0")};
    assert_int_equal(cleat__condition_insert(store, &row), CLEAT_OK);
}

static cleat_status see_condition(void *argument, const cleat__condition_row *row)
{
    char *text = argument;
    sprintf(text + strlen(text), "%d.%d.%d%s ", row->run_id.bytes[5], (int)row->node.number, row->number,
            row->is_met ? "!" : "");
    return CLEAT_OK;
}

static void test_conditions(void **state)
{
    (void)state;
    cleat__store *store = open_new();
    cleat__uuid first = id_of(1), second = id_of(2);
    cleat__condition_row row;
    cleat__buffer payload = {0};
    char text[256] = "";
    put_condition(store, &second, 1, 0, "a");
    put_condition(store, &first, 2, 0, "b");
    put_condition(store, &first, 2, 1, "a");
    put_condition(store, &first, 2, 2, "b");
    put_condition(store, &first, 1, 0, "a");
    cleat__condition_meet(store, &first, (cleat__node){1, 2}, 2, cleat_slice_of("2"));
    cleat__condition_meet(store, &first, (cleat__node){1, 2}, 0, (cleat_slice){NULL, 0});
    assert_int_equal(cleat__condition_list(store, see_condition, text), CLEAT_OK);
    assert_string_equal(text, "1.1.0 1.2.0! 1.2.1 1.2.2! 2.1.0 ");
    assert_int_equal(cleat__condition_payload(store, &first, (cleat__node){1, 2}, &payload), CLEAT_OK);
    assert_slice(cleat__buffer_slice(&payload), "{\"CREATE\":{\"b\":[0,2]}}");
    cleat__buffer_deinit(&payload);
    assert_int_equal(cleat__condition_get(store, &first, (cleat__node){1, 2}, 3, &row), CLEAT_EMPTY);
    assert_int_equal(cleat__condition_get(store, &first, (cleat__node){1, 2}, 1, &row), CLEAT_OK);
    assert_int_equal(row.count, 3);
    assert_int_equal(row.at_ms, 7);
    assert_slice(row.expression, "true");
    assert_slice(row.scope, "s");
    assert_slice(row.key, "k");
    cleat__condition_delete(store, &first, (cleat__node){1, 1});
    cleat__durable_delete_pending(store, &second);
    text[0] = '\0';
    cleat__condition_list(store, see_condition, text);
    assert_string_equal(text, "1.2.0! 1.2.1 1.2.2! ");
    close_it(store);
}

static const char *take(cleat__store *store, const cleat__uuid *run, const char *token)
{
    static char text[64];
    cleat__buffer payload = {0};
    cleat_status status = cleat__hook_take(store, run, cleat_slice_of(token), &payload);
    snprintf(text, sizeof(text), "%.*s", (int)payload.size, payload.data != NULL ? (char *)payload.data : "");
    cleat__buffer_deinit(&payload);
    return status == CLEAT_OK ? text : cleat_status_name(status);
}

static void test_hooks(void **state)
{
    (void)state;
    cleat__store *store = open_new();
    cleat__uuid first = id_of(1), second = id_of(2), found;
    assert_int_equal(cleat__hook_get(store, 1, cleat_slice_of("t"), &found), CLEAT_EMPTY);
    cleat__hook_put(store, 1, cleat_slice_of("t"), &first, 5);
    cleat__hook_put(store, 2, cleat_slice_of("t"), &second, 5);
    assert_int_equal(cleat__hook_get(store, 1, cleat_slice_of("t"), &found), CLEAT_OK);
    assert_true(cleat__uuid_equals(&found, &first));
    cleat__hook_put(store, 1, cleat_slice_of("t"), &second, 6);
    cleat__hook_get(store, 1, cleat_slice_of("t"), &found);
    assert_true(cleat__uuid_equals(&found, &second));
    cleat__hook_push(store, &first, cleat_slice_of("t"), cleat_slice_of("1"));
    cleat__hook_push(store, &first, cleat_slice_of("t"), cleat_slice_of("2"));
    cleat__hook_push(store, &first, cleat_slice_of("u"), cleat_slice_of("3"));
    assert_string_equal(take(store, &first, "t"), "1");
    cleat__hook_push(store, &first, cleat_slice_of("t"), cleat_slice_of("4"));
    assert_string_equal(take(store, &first, "t"), "2");
    assert_string_equal(take(store, &first, "t"), "4");
    assert_string_equal(take(store, &first, "t"), "CLEAT_EMPTY");
    assert_string_equal(take(store, &second, "u"), "CLEAT_EMPTY");
    cleat__durable_delete_pending(store, &first);
    assert_string_equal(take(store, &first, "u"), "CLEAT_EMPTY");
    close_it(store);
}

static void test_evict_and_restore_compare(void **state)
{
    (void)state;
    cleat__store *store = open_new();
    const cleat__trigger trigger = {.input = {"{}", 2}, .child_index = -1};
    put_task(store, 1, put_type(store, "a:a"), &trigger);
    cleat__attempt_key key = {.id = id_of(1)}, other = {.id = id_of(1), .retry_count = 1};
    assert_int_equal(cleat__transition_evict(store, &key), CLEAT_FAILED_PRECONDITION);
    assert_int_equal(cleat__transition_restore(store, &key, 5), CLEAT_FAILED_PRECONDITION);
    key.worker_id = id_of(9);
    assert_int_equal(cleat__transition_assign(store, &key, 3), CLEAT_OK);
    assert_int_equal(cleat__transition_evict(store, &other), CLEAT_FAILED_PRECONDITION);
    assert_int_equal(cleat__transition_evict(store, &key), CLEAT_OK);
    assert_int_equal(read_int(store, "SELECT state = 5 AND worker_id IS NULL FROM task_live"), 1);
    assert_int_equal(cleat__transition_assign(store, &key, 3), CLEAT_FAILED_PRECONDITION);
    assert_int_equal(cleat__transition_restore(store, &key, 5), CLEAT_OK);
    assert_int_equal(read_int(store, "SELECT state = 0 AND queued_at_ms = 5 FROM task_live"), 1);
    assert_int_equal(cleat__transition_assign(store, &key, 6), CLEAT_OK);
    assert_int_equal(cleat__transition_evict(store, &key), CLEAT_OK);
    assert_int_equal(cleat__transition_cancel(store, &key, CLEAT_RUN_EVICTED, 7), CLEAT_OK);
    assert_int_equal(read_int(store, "SELECT state = 4 FROM task_end"), 1);
    close_it(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entries),
        cmocka_unit_test(test_nodes_that_were_met),
        cmocka_unit_test(test_invocations_and_branches),
        cmocka_unit_test(test_what_an_evicted_run_waits_for),
        cmocka_unit_test(test_conditions),
        cmocka_unit_test(test_hooks),
        cmocka_unit_test(test_evict_and_restore_compare),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
