/* What every transport does with the log of a durable run. */
#include "support/transport_suite.h"

#include "base/alloc.h"
#include "support/gate.h"
#include "support/outcome.h"
#include "support/temp_dir.h"

#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

enum { HELD_MAX = 16 };

static const transport_target *target;

/* A transport on a file of its own, with a worker for the durable "order" and for "item", its child. */
typedef struct fixture {
    temp_dir dir;
    cleat__transport *transport;
    cleat__uuid worker;
    gate assigned, cancelled;
    cleat__assignment *held[HELD_MAX]; /* under assigned.mutex */
} fixture;

/* ---- The worker ---- */

static void on_assign(void *self, cleat__assignment *list)
{
    fixture *it = self;
    while (list != NULL) {
        cleat__assignment *next = list->next;
        pthread_mutex_lock(&it->assigned.mutex);
        assert_true(it->assigned.count < HELD_MAX);
        it->held[it->assigned.count] = list;
        pthread_mutex_unlock(&it->assigned.mutex);
        gate_add(&it->assigned);
        list = next;
    }
}

static void on_cancel(void *self, const cleat__uuid *task_id, int32_t retry_count)
{
    fixture *it = self;
    (void)task_id, (void)retry_count;
    gate_add(&it->cancelled);
}

static bool on_withdraw(void *self, const cleat__uuid *task_id, int32_t retry_count)
{
    (void)self, (void)task_id, (void)retry_count;
    return false; /* it begins at once */
}

static void on_lost(void *self, cleat_status status, const char *text)
{
    (void)self;
    fail_msg("it is lost: %s: %s", cleat_status_name(status), text);
}

static void add_worker(fixture *it)
{
    const cleat__transport_sink sink = {it, on_assign, on_cancel, on_withdraw, on_lost};
    const cleat_slice actions[] = {cleat_slice_of("order:order"), cleat_slice_of("item:item")};
    const cleat__slots slots[] = {{cleat_slice_of("default"), 4}, {cleat_slice_of("durable"), 4}};
    const cleat__worker_spec spec = {.name = cleat_slice_of("test"),
                                     .actions = actions,
                                     .action_count = 2,
                                     .slots = slots,
                                     .slot_count = 2};
    assert_ok(it->transport->worker_add(it->transport, &spec, &sink, &it->worker));
}

static void declare(fixture *it, const char *name, const char *action, bool is_durable)
{
    const cleat__workflow workflow = {.name = cleat_slice_of(name),
                                      .tasks =
                                          &(cleat__workflow_task){.name = cleat_slice_of(name),
                                                                  .action = cleat_slice_of(action),
                                                                  .is_durable = is_durable,
                                                                  .policy = {.retries = 1,
                                                                             .priority = 1,
                                                                             .backoff_factor = 2,
                                                                             .backoff_max_ms = 1000,
                                                                             .execution_timeout_ms = 60000,
                                                                             .schedule_timeout_ms = 300000}},
                                      .task_count = 1};
    assert_ok(it->transport->put_workflow(it->transport, &workflow));
}

static int set_up(void **state)
{
    fixture *it = calloc(1, sizeof(*it));
    assert_non_null(it);
    temp_dir_make(&it->dir);
    gate_init(&it->assigned);
    gate_init(&it->cancelled);
    assert_ok(target->open(it->dir.database, &it->transport));
    declare(it, "order", "order:order", true);
    declare(it, "item", "item:item", false);
    add_worker(it);
    *state = it;
    return 0;
}

static int tear_down(void **state)
{
    fixture *it = *state;
    assert_ok(it->transport->worker_remove(it->transport, &it->worker));
    it->transport->free(it->transport);
    for (int i = 0; i < it->assigned.count; i++) {
        cleat__free(it->held[i]);
    }
    gate_deinit(&it->assigned);
    gate_deinit(&it->cancelled);
    temp_dir_remove(&it->dir);
    free(it);
    return 0;
}

/* ---- What tests say ---- */

static cleat__uuid start(fixture *it)
{
    const cleat__trigger trigger = {.workflow = cleat_slice_of("order"), .input = cleat_slice_of("{}")};
    cleat__uuid id;
    assert_ok(it->transport->trigger(it->transport, &trigger, 1, &id));
    return id;
}

/* The assignment number `index`, waited for. */
static const cleat__assignment *assignment(fixture *it, int index)
{
    gate_wait(&it->assigned, index + 1);
    pthread_mutex_lock(&it->assigned.mutex);
    const cleat__assignment *found = it->held[index];
    pthread_mutex_unlock(&it->assigned.mutex);
    return found;
}

/* It is invocation `count` of the run. */
static const cleat__assignment *invocation(fixture *it, int index, const cleat__uuid *run_id, int32_t count)
{
    const cleat__assignment *found = assignment(it, index);
    assert_true(cleat__uuid_equals(&found->task_id, run_id));
    assert_true(found->is_durable);
    assert_int_equal(found->invocation_count, count);
    return found;
}

static void report(fixture *it, const cleat__assignment *of, cleat_status status, const char *text)
{
    const cleat__report said = {.task_id = of->task_id,
                                .retry_count = of->retry_count,
                                .invocation_count = of->invocation_count,
                                .status = status,
                                .output = cleat_slice_of(status == CLEAT_OK ? text : NULL),
                                .error = cleat_slice_of(status == CLEAT_OK ? NULL : text)};
    assert_ok(it->transport->report(it->transport, &said));
}

static void assert_ends(fixture *it, const cleat__uuid *id, cleat_run_status status)
{
    cleat_run_result result = {0};
    assert_ok(it->transport->wait(it->transport, id, 300000, &result));
    assert_int_equal(result.status, status);
    cleat_run_result_deinit(&result);
}

static cleat_status ask(fixture *it, const cleat__assignment *of, cleat__durable_request *requests,
                        size_t count)
{
    return it->transport->durable(it->transport, &of->task_id, of->invocation_count, requests, count, NULL);
}

static cleat__durable_request memo_of(const char *key, const char *payload)
{
    return (cleat__durable_request){
        .kind = CLEAT__DURABLE_MEMO,
        .as.memo = {.key = cleat_slice_of(key), .payload = cleat_slice_of(payload)}};
}

static cleat__durable_request wait_of(const cleat__condition *condition)
{
    return (cleat__durable_request){.kind = CLEAT__DURABLE_WAIT_FOR,
                                    .as.wait_for = {.conditions = condition, .count = 1}};
}

static cleat__durable_request await_of(const cleat__node *nodes, size_t count, bool is_all,
                                       cleat__node_end *ends)
{
    memset(ends, 0, count * sizeof(*ends));
    return (cleat__durable_request){
        .kind = CLEAT__DURABLE_AWAIT,
        .as.await = {.nodes = nodes, .count = count, .is_all = is_all, .ends = ends}};
}

static cleat__durable_request evict_of(const cleat__node *nodes, size_t count, bool is_all)
{
    return (cleat__durable_request){
        .kind = CLEAT__DURABLE_EVICT,
        .as.evict = {.reason = cleat_slice_of("waits"), .nodes = nodes, .count = count, .is_all = is_all}};
}

static const cleat__node nodes[] = {{1, 1}, {1, 2}};

/* Asks for one thing, which is answered well. */
static void get(fixture *it, const cleat__assignment *of, cleat__durable_request request)
{
    assert_ok(ask(it, of, &request, 1));
    cleat__durable_request_deinit(&request);
}

/* ---- Memos ---- */

static void assert_memo(fixture *it, const cleat__assignment *of, const char *key, const char *payload,
                        const char *value)
{
    cleat__durable_request memo = memo_of(key, payload);
    assert_ok(ask(it, of, &memo, 1));
    assert_int_equal(memo.as.memo.existed, value != NULL);
    if (value != NULL) {
        assert_non_null(memo.as.memo.value);
        assert_string_equal(memo.as.memo.value, value);
    }
    cleat__durable_request_deinit(&memo);
}

/* The next attempt finds what the former one recorded. */
static void test_memos(void **state)
{
    fixture *it = *state;
    cleat__uuid id = start(it);
    const cleat__assignment *first = invocation(it, 0, &id, 1);
    assert_int_equal(first->log_size, 0);
    assert_memo(it, first, "a", "{\"output\":1}", NULL);
    cleat__durable_request both[] = {
        memo_of("b", NULL),
        {.kind = CLEAT__DURABLE_COMPLETE_MEMO,
         .as.complete_memo = {.node = nodes[1], .key = cleat_slice_of("b"), .payload = cleat_slice_of("2")}}};
    assert_ok(ask(it, first, both, 2));
    assert_int_equal(both[0].as.memo.node.number, 2);
    assert_null(both[0].as.memo.value);
    report(it, first, CLEAT_FAILED, "not yet");
    const cleat__assignment *second = invocation(it, 1, &id, 2);
    assert_int_equal(second->retry_count, 1);
    assert_int_equal(second->log_size, 2);
    assert_int_equal(ask(it, first, both, 1), CLEAT_CANCELLED); /* it is over */
    assert_memo(it, second, "a", "{\"output\":3}", "{\"output\":1}");
    assert_memo(it, second, "b", NULL, "2");
    assert_memo(it, second, "c", "3", NULL);
    report(it, second, CLEAT_OK, "1");
    assert_ends(it, &id, CLEAT_RUN_COMPLETED);
}

static void test_another_order(void **state)
{
    fixture *it = *state;
    cleat__uuid id = start(it);
    const cleat__assignment *first = invocation(it, 0, &id, 1);
    assert_memo(it, first, "a", "1", NULL);
    report(it, first, CLEAT_FAILED, "again");
    const cleat__assignment *second = invocation(it, 1, &id, 2);
    cleat__durable_request memo = memo_of("b", "1");
    assert_int_equal(ask(it, second, &memo, 1), CLEAT_NON_DETERMINISTIC);
    assert_true(cleat_error_message()[0] != '\0');
    report(it, second, CLEAT_NON_RETRYABLE, "another order");
    assert_ends(it, &id, CLEAT_RUN_FAILED);
}

/* ---- Waits ---- */

static void test_a_sleep(void **state)
{
    fixture *it = *state;
    cleat__node_end end;
    const cleat__condition sleep = {.kind = CLEAT__CONDITION_SLEEP,
                                    .data_key = cleat_slice_of("nap"),
                                    .sleep_ms = 300,
                                    .sleep_text = cleat_slice_of("300ms")};
    cleat__uuid id = start(it);
    const cleat__assignment *first = invocation(it, 0, &id, 1);
    get(it, first, wait_of(&sleep));
    cleat__durable_request await = await_of(nodes, 1, true, &end);
    cleat_status status = ask(it, first, &await, 1);
    assert_true(status == CLEAT_SUSPENDED || status == CLEAT_OK); /* this machine may be slow */
    cleat__durable_request_deinit(&await);
    get(it, first, evict_of(nodes, 1, true));
    assert_int_equal(ask(it, first, &await, 1), CLEAT_CANCELLED);
    const cleat__assignment *second = invocation(it, 1, &id, 2);
    assert_int_equal(second->retry_count, 0);
    get(it, second, wait_of(&sleep));
    await = await_of(nodes, 1, true, &end);
    assert_ok(ask(it, second, &await, 1));
    assert_string_equal(end.payload, "{\"CREATE\":{\"nap\":[{\"sleep_duration\":\"300ms\"}]}}");
    cleat__durable_request_deinit(&await);
    report(it, second, CLEAT_OK, "1");
    assert_ends(it, &id, CLEAT_RUN_COMPLETED);
}

static void test_an_event(void **state)
{
    fixture *it = *state;
    cleat__node_end end;
    cleat__uuid event_id;
    const cleat__condition condition = {.kind = CLEAT__CONDITION_EVENT,
                                        .data_key = cleat_slice_of("paid"),
                                        .key = cleat_slice_of("order:paid"),
                                        .expression = cleat_slice_of("input.n > 1")};
    cleat__user_event events[] = {
        {.key = cleat_slice_of("order:paid"), .payload = cleat_slice_of("{\"n\":1}")},
        {.key = cleat_slice_of("order:paid"), .payload = cleat_slice_of("{\"n\":2}")}};
    cleat__uuid id = start(it);
    const cleat__assignment *first = invocation(it, 0, &id, 1);
    get(it, first, wait_of(&condition));
    get(it, first, evict_of(nodes, 1, false));
    for (size_t i = 0; i < 2; i++) {
        assert_ok(it->transport->push(it->transport, &events[i], 1, &event_id));
    }
    const cleat__assignment *second = invocation(it, 1, &id, 2);
    get(it, second, wait_of(&condition));
    cleat__durable_request await = await_of(nodes, 1, false, &end);
    assert_ok(ask(it, second, &await, 1));
    assert_string_equal(end.payload, "{\"CREATE\":{\"paid\":[{\"n\":2}]}}");
    cleat__durable_request_deinit(&await);
    report(it, second, CLEAT_OK, "1");
    assert_ends(it, &id, CLEAT_RUN_COMPLETED);
}

/* ---- Children ---- */

typedef struct children {
    cleat__trigger items[2];
    cleat__uuid ids[2];
    cleat__node nodes[2];
} children;

static cleat__durable_request trigger_of(children *self)
{
    for (size_t i = 0; i < 2; i++) {
        self->items[i] =
            (cleat__trigger){.workflow = cleat_slice_of("item"), .input = cleat_slice_of("{\"n\":1}")};
    }
    return (cleat__durable_request){
        .kind = CLEAT__DURABLE_TRIGGER,
        .as.trigger = {.items = self->items, .count = 2, .ids = self->ids, .nodes = self->nodes}};
}

/* The run's children are the same in each invocation, and the order in which they ended too. */
static void test_children(void **state)
{
    fixture *it = *state;
    children first_time, second_time;
    cleat__node_end ends[2];
    cleat__uuid id = start(it);
    const cleat__assignment *first = invocation(it, 0, &id, 1);
    get(it, first, trigger_of(&first_time));
    assert_int_equal(first_time.nodes[1].number, 2);
    const cleat__assignment *one = assignment(it, 1), *other = assignment(it, 2);
    assert_true(one->is_child && cleat__uuid_equals(&one->parent_id, &id));
    assert_false(cleat__uuid_equals(&one->task_id, &other->task_id));
    const cleat__assignment *late = cleat__uuid_equals(&one->task_id, &first_time.ids[0]) ? one : other;
    const cleat__assignment *soon = late == one ? other : one;
    get(it, first, evict_of(nodes, 2, true));
    report(it, soon, CLEAT_OK, "{\"soon\":true}");
    assert_ends(it, &first_time.ids[1], CLEAT_RUN_COMPLETED);
    report(it, late, CLEAT_NON_RETRYABLE, "too late");
    const cleat__assignment *second = invocation(it, 3, &id, 2);
    get(it, second, trigger_of(&second_time));
    assert_memory_equal(second_time.ids, first_time.ids, sizeof(first_time.ids));
    cleat__durable_request await = await_of(nodes, 2, true, ends);
    assert_ok(ask(it, second, &await, 1));
    assert_true(ends[0].is_failure && !ends[0].is_cancelled && !ends[1].is_failure);
    assert_string_equal(ends[0].error, "too late");
    assert_string_equal(ends[1].payload, "{\"soon\":true}");
    assert_true(ends[1].order < ends[0].order);
    cleat__durable_request_deinit(&await);
    report(it, second, CLEAT_OK, "1");
    assert_ends(it, &id, CLEAT_RUN_COMPLETED);
}

static void test_an_unknown_child(void **state)
{
    fixture *it = *state;
    children all;
    cleat__uuid id = start(it);
    const cleat__assignment *first = invocation(it, 0, &id, 1);
    cleat__durable_request runs = trigger_of(&all);
    all.items[1].workflow = cleat_slice_of("nobody");
    assert_int_equal(ask(it, first, &runs, 1), CLEAT_NOT_FOUND);
    assert_non_null(strstr(cleat_error_message(), "nobody"));
    assert_memo(it, first, "a", "1", NULL); /* it took no node, and the run goes on */
    report(it, first, CLEAT_OK, "1");
    assert_ends(it, &id, CLEAT_RUN_COMPLETED);
}

/* ---- Hooks ---- */

static cleat__durable_request hook_of(const char *token)
{
    return (cleat__durable_request){.kind = CLEAT__DURABLE_CREATE_HOOK,
                                    .as.create_hook = {.token = cleat_slice_of(token)}};
}

static cleat_status resume(fixture *it, const char *token, const char *payload, cleat__uuid *run_id)
{
    const cleat_slice none = {NULL, 0};
    return it->transport->resume_hook(it->transport, cleat_slice_of(token), cleat_slice_of(payload), none,
                                      run_id, NULL);
}

static void test_hooks(void **state)
{
    fixture *it = *state;
    cleat__node_end end;
    const cleat__condition condition = {
        .kind = CLEAT__CONDITION_HOOK, .data_key = cleat_slice_of("h"), .key = cleat_slice_of("approve.7")};
    cleat__uuid id = start(it), other = start(it), resumed;
    const cleat__assignment *first = assignment(it, 0), *second = assignment(it, 1);
    assert_int_equal(resume(it, "approve.7", "1", &resumed), CLEAT_NOT_FOUND);
    get(it, first, hook_of("approve.7"));
    get(it, first, hook_of("approve.7"));
    cleat__durable_request taken = hook_of("approve.7");
    assert_int_equal(ask(it, second, &taken, 1), CLEAT_ALREADY_EXISTS);
    report(it, second, CLEAT_OK, "1");
    get(it, first, wait_of(&condition));
    get(it, first, evict_of(nodes, 1, true));
    assert_ok(resume(it, "approve.7", "{\"ok\":true}", &resumed));
    const cleat__uuid expected = first->task_id;
    assert_true(cleat__uuid_equals(&resumed, &expected));
    const cleat__assignment *third = invocation(it, 2, &expected, 2);
    get(it, third, hook_of("approve.7"));
    get(it, third, wait_of(&condition));
    cleat__durable_request await = await_of(nodes, 1, true, &end);
    assert_ok(ask(it, third, &await, 1));
    assert_string_equal(end.payload, "{\"CREATE\":{\"h\":[{\"ok\":true}]}}");
    cleat__durable_request_deinit(&await);
    report(it, third, CLEAT_OK, "1");
    assert_ends(it, &id, CLEAT_RUN_COMPLETED);
    assert_ends(it, &other, CLEAT_RUN_COMPLETED);
    assert_int_equal(resume(it, "approve.7", "1", &resumed), CLEAT_FAILED_PRECONDITION);
}

/* ---- Ends ---- */

static void test_cancellation(void **state)
{
    fixture *it = *state;
    cleat__uuid id = start(it);
    const cleat__assignment *first = invocation(it, 0, &id, 1);
    cleat__durable_request memo = memo_of("a", "1");
    assert_ok(it->transport->cancel(it->transport, &id));
    gate_wait(&it->cancelled, 1);
    assert_int_equal(ask(it, first, &memo, 1), CLEAT_CANCELLED);
    report(it, first, CLEAT_FAILED, "cancelled");
    assert_ends(it, &id, CLEAT_RUN_CANCELLED);
}

static void test_an_evicted_run_is_cancelled(void **state)
{
    fixture *it = *state;
    const cleat__condition sleep = {.kind = CLEAT__CONDITION_SLEEP,
                                    .data_key = cleat_slice_of("long"),
                                    .sleep_ms = 3600000,
                                    .sleep_text = cleat_slice_of("1h")};
    cleat__uuid id = start(it);
    const cleat__assignment *first = invocation(it, 0, &id, 1);
    get(it, first, wait_of(&sleep));
    get(it, first, evict_of(nodes, 1, true));
    assert_ok(it->transport->cancel(it->transport, &id));
    assert_ends(it, &id, CLEAT_RUN_CANCELLED);
    assert_int_equal(gate_count(&it->assigned), 1);
}

int transport_durable_run(const transport_target *of)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_memos),    TEST(test_another_order), TEST(test_a_sleep),
        TEST(test_an_event), TEST(test_children),      TEST(test_an_unknown_child),
        TEST(test_hooks),    TEST(test_cancellation),  TEST(test_an_evicted_run_is_cancelled),
    };
#undef TEST
    target = of;
    return cmocka_run_group_tests_name(of->name, tests, NULL, NULL);
}
