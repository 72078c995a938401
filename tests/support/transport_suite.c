#include "support/transport_suite.h"

#include "base/alloc.h"
#include "support/gate.h"
#include "support/temp_dir.h"

#include <cleat/trace.h>

#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

#define HELD_MAX 64

static const transport_target *target;

/* ---- A worker that keeps what it is assigned ---- */

typedef struct listener {
    cleat__transport *transport;
    cleat__uuid id;
    gate assigned, cancelled;
    cleat__assignment *held[HELD_MAX]; /* under assigned.mutex, as long as it grows */
    cleat__uuid cancelled_id;          /* the last one, under cancelled.mutex */
    int32_t cancelled_retry_count;
} listener;

static void listener_assign(void *self, cleat__assignment *list)
{
    listener *it = self;
    while (list != NULL) {
        cleat__assignment *next = list->next;
        pthread_mutex_lock(&it->assigned.mutex);
        if (it->assigned.count < HELD_MAX) {
            it->held[it->assigned.count] = list;
        }
        pthread_mutex_unlock(&it->assigned.mutex);
        gate_add(&it->assigned);
        list = next;
    }
}

static void listener_cancel(void *self, const cleat__uuid *task_id, int32_t retry_count)
{
    listener *it = self;
    pthread_mutex_lock(&it->cancelled.mutex);
    it->cancelled_id = *task_id;
    it->cancelled_retry_count = retry_count;
    pthread_mutex_unlock(&it->cancelled.mutex);
    gate_add(&it->cancelled);
}

static bool listener_withdraw(void *self, const cleat__uuid *task_id, int32_t retry_count)
{
    (void)self;
    (void)task_id;
    (void)retry_count;
    return false; /* it begins at once */
}

static void listener_lost(void *self, cleat_status status, const char *text)
{
    (void)self;
    fail_msg("it is lost: %s: %s", cleat_status_name(status), text);
}

static void listener_start(listener *it, cleat__transport *transport, const char *action, int32_t slots)
{
    memset(it, 0, sizeof *it);
    gate_init(&it->assigned);
    gate_init(&it->cancelled);
    it->transport = transport;
    const cleat__transport_sink sink = {it, listener_assign, listener_cancel, listener_withdraw,
                                        listener_lost};
    const cleat_slice name = cleat_slice_of(action);
    const cleat__slots offered = {cleat_slice_of("default"), slots};
    const cleat__worker_spec spec = {.name = cleat_slice_of("test"),
                                     .actions = &name,
                                     .action_count = 1,
                                     .slots = &offered,
                                     .slot_count = 1};
    assert_int_equal(transport->worker_add(transport, &spec, &sink, &it->id), CLEAT_OK);
}

static void listener_stop(listener *it)
{
    assert_int_equal(it->transport->worker_remove(it->transport, &it->id), CLEAT_OK);
    for (int i = 0; i < it->assigned.count && i < HELD_MAX; i++) {
        cleat__free(it->held[i]);
    }
    gate_deinit(&it->assigned);
    gate_deinit(&it->cancelled);
}

/* The assignment number `index`, waited for. */
static const cleat__assignment *listener_get(listener *it, int index)
{
    gate_wait(&it->assigned, index + 1);
    pthread_mutex_lock(&it->assigned.mutex);
    const cleat__assignment *found = it->held[index];
    pthread_mutex_unlock(&it->assigned.mutex);
    return found;
}

static void report(listener *it, const cleat__assignment *assignment, cleat_status status, const char *text)
{
    const cleat__report said = {
        .task_id = assignment->task_id,
        .retry_count = assignment->retry_count,
        .status = status,
        .output = cleat_slice_of(status == CLEAT_OK ? text : NULL),
        .error = cleat_slice_of(status == CLEAT_OK ? NULL : text),
    };
    assert_int_equal(it->transport->report(it->transport, &said), CLEAT_OK);
}

/* ---- Each test has a transport on a file of its own, with one task ---- */

typedef struct fixture {
    temp_dir dir;
    cleat__transport *transport;
} fixture;

static const cleat__policy two_retries = {
    .retries = 2,
    .priority = 1,
    .backoff_factor = 2,
    .backoff_max_ms = 1000,
    .execution_timeout_ms = 60000,
    .schedule_timeout_ms = 300000,
};

static int set_up(void **state)
{
    fixture *it = calloc(1, sizeof *it);
    assert_non_null(it);
    temp_dir_make(&it->dir);
    if (target->open(it->dir.database, &it->transport) != CLEAT_OK) {
        fail_msg("%s: %s", target->name, cleat_error_message());
    }
    const cleat__workflow workflow = {.name = cleat_slice_of("a.b"),
                                      .tasks = &(cleat__workflow_task){.name = cleat_slice_of("b"),
                                                                       .action = cleat_slice_of("a:b"),
                                                                       .policy = two_retries},
                                      .task_count = 1};
    assert_int_equal(it->transport->put_workflow(it->transport, &workflow), CLEAT_OK);
    *state = it;
    return 0;
}

static int tear_down(void **state)
{
    fixture *it = *state;
    it->transport->free(it->transport);
    temp_dir_remove(&it->dir);
    free(it);
    return 0;
}

static cleat__trigger trigger_of(const char *input)
{
    return (cleat__trigger){
        .workflow = cleat_slice_of("a.b"), .input = cleat_slice_of(input), .child_index = -1};
}

static cleat__uuid start(cleat__transport *transport, const char *input)
{
    const cleat__trigger trigger = trigger_of(input);
    cleat__uuid id;
    assert_int_equal(transport->trigger(transport, &trigger, 1, &id), CLEAT_OK);
    return id;
}

static void assert_ends(cleat__transport *transport, const cleat__uuid *id, cleat_run_status status,
                        const char *text)
{
    cleat_run_result result = {0};
    assert_int_equal(transport->wait(transport, id, 300000, &result), CLEAT_OK);
    assert_int_equal(result.status, status);
    const char *found = status == CLEAT_RUN_COMPLETED ? result.output : result.error;
    if (text == NULL) {
        assert_null(found);
    } else {
        assert_non_null(found);
        assert_string_equal(found, text);
    }
    cleat_run_result_deinit(&result);
}

/* ---- Tests ---- */

static void test_run_completes(void **state)
{
    cleat__transport *transport = ((fixture *)*state)->transport;
    listener worker;
    cleat__trigger trigger = trigger_of("{\"n\":1}");
    cleat__uuid id;
    trigger.metadata = cleat_slice_of("{\"tenant\":\"acme\"}");
    assert_int_equal(transport->trigger(transport, &trigger, 1, &id), CLEAT_OK);
    listener_start(&worker, transport, "a:b", 1);
    const cleat__assignment *assignment = listener_get(&worker, 0);
    assert_true(cleat__uuid_equals(&assignment->task_id, &id));
    assert_int_equal(assignment->retry_count, 0);
    assert_false(assignment->is_child);
    assert_string_equal(assignment->task.data, "a:b");
    assert_string_equal(assignment->input.data, "{\"n\":1}");
    static const char metadata[] = "{\"tenant\":\"acme\""; /* a server adds a trace */
    assert_memory_equal(assignment->metadata.data, metadata, sizeof(metadata) - 1);
    report(&worker, assignment, CLEAT_OK, "{\"done\":true}");
    assert_ends(transport, &id, CLEAT_RUN_COMPLETED, "{\"done\":true}");
    assert_ends(transport, &id, CLEAT_RUN_COMPLETED, "{\"done\":true}"); /* also long after */
    listener_stop(&worker);
}

static void test_unknown_task(void **state)
{
    cleat__transport *transport = ((fixture *)*state)->transport;
    cleat__trigger trigger = trigger_of("{}");
    cleat__uuid id;
    trigger.workflow = cleat_slice_of("no.such");
    assert_int_equal(transport->trigger(transport, &trigger, 1, &id), CLEAT_NOT_FOUND);
    assert_non_null(strstr(cleat_error_message(), "no.such"));
}

static void test_bulk_is_all_or_none(void **state)
{
    cleat__transport *transport = ((fixture *)*state)->transport;
    listener worker;
    cleat__uuid ids[3];
    cleat__trigger triggers[3] = {trigger_of("{\"n\":0}"), trigger_of("{\"n\":1}"), trigger_of("{\"n\":2}")};
    triggers[2].workflow = cleat_slice_of("no.such");
    assert_int_equal(transport->trigger(transport, triggers, 3, ids), CLEAT_NOT_FOUND);
    triggers[2].workflow = cleat_slice_of("a.b");
    assert_int_equal(transport->trigger(transport, triggers, 3, ids), CLEAT_OK);
    listener_start(&worker, transport, "a:b", 10);
    /* Of the refused call there is nothing: the first three assignments are these, in order. */
    for (int i = 0; i < 3; i++) {
        const cleat__assignment *assignment = listener_get(&worker, i);
        assert_true(cleat__uuid_equals(&assignment->task_id, &ids[i]));
        report(&worker, assignment, CLEAT_OK, "null");
    }
    cleat__uuid last = start(transport, "{\"n\":3}");
    assert_true(cleat__uuid_equals(&listener_get(&worker, 3)->task_id, &last));
    listener_stop(&worker);
}

static void test_children_are_not_started_twice(void **state)
{
    cleat__transport *transport = ((fixture *)*state)->transport;
    cleat__uuid parent = start(transport, "{}");
    cleat__trigger trigger = trigger_of("{}");
    cleat__uuid first, again, second, keyed, keyed_again;
    trigger.is_child = true;
    trigger.parent_id = parent;
    trigger.child_index = 0;
    assert_int_equal(transport->trigger(transport, &trigger, 1, &first), CLEAT_OK);
    assert_int_equal(transport->trigger(transport, &trigger, 1, &again), CLEAT_OK);
    assert_true(cleat__uuid_equals(&first, &again));
    trigger.child_index = 1;
    assert_int_equal(transport->trigger(transport, &trigger, 1, &second), CLEAT_OK);
    assert_false(cleat__uuid_equals(&first, &second));
    trigger.child_key = cleat_slice_of("invoice-7");
    trigger.child_index = 2;
    assert_int_equal(transport->trigger(transport, &trigger, 1, &keyed), CLEAT_OK);
    trigger.child_index = 3; /* the key counts, not the number */
    assert_int_equal(transport->trigger(transport, &trigger, 1, &keyed_again), CLEAT_OK);
    assert_true(cleat__uuid_equals(&keyed, &keyed_again));
    assert_false(cleat__uuid_equals(&keyed, &second));
}

static void assert_child_metadata(listener *worker, int index, const char *own, const char *like)
{
    cleat__transport *transport = worker->transport;
    cleat__trigger trigger = trigger_of("{}");
    char expected[512], parent_text[37];
    cleat__uuid id;
    trigger.is_child = trigger.inherits = true;
    trigger.parent_id = listener_get(worker, 0)->task_id;
    trigger.child_index = index;
    trigger.metadata = cleat_slice_of(own);
    assert_int_equal(transport->trigger(transport, &trigger, 1, &id), CLEAT_OK);
    cleat__uuid_format(&trigger.parent_id, parent_text);
    snprintf(expected, sizeof(expected),
             "{%s,\"hatchet__parent_workflow_run_id\":\"%s\",\"hatchet__parent_step_run_id\":\"%s\"}", like,
             parent_text, parent_text);
    assert_string_equal(listener_get(worker, index)->metadata.data, expected);
}

/* The trace context of a run is that of one of them, whole. */
static void test_child_inherits_metadata(void **state)
{
#define PARENT "\"traceparent\":\"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\""
#define OWN    "\"traceparent\":\"00-1af7651916cd43dd8448eb211c80319c-c7ad6b7169203331-01\""
    cleat__transport *transport = ((fixture *)*state)->transport;
    listener worker;
    cleat__trigger trigger = trigger_of("{}");
    cleat__uuid id;
    trigger.metadata = cleat_slice_of(
        "{\"a\":1," PARENT ",\"tracestate\":\"p=1\",\"baggage\":\"b=1\",\"hatchet__x\":1,\"cleat__y\":1}");
    assert_int_equal(transport->trigger(transport, &trigger, 1, &id), CLEAT_OK);
    listener_start(&worker, transport, "a:b", 9);
    assert_child_metadata(&worker, 1, NULL,
                          "\"a\":1," PARENT ",\"tracestate\":\"p=1\",\"baggage\":\"b=1\",\"cleat__y\":1");
    assert_child_metadata(&worker, 2, "{\"a\":2,\"tracestate\":\"o=1\"}",
                          PARENT ",\"tracestate\":\"p=1\",\"baggage\":\"b=1\",\"cleat__y\":1,\"a\":2");
    assert_child_metadata(&worker, 3, "{\"b\":3," OWN "}", "\"a\":1,\"b\":3," OWN);
    listener_stop(&worker);
#undef PARENT
#undef OWN
}

static void test_child_knows_its_parent(void **state)
{
    cleat__transport *transport = ((fixture *)*state)->transport;
    listener worker;
    cleat__trigger trigger = trigger_of("{}");
    cleat__uuid id;
    cleat__uuid parent = start(transport, "{}");
    trigger.is_child = true;
    trigger.parent_id = parent;
    trigger.child_index = 5;
    trigger.child_key = cleat_slice_of("k");
    assert_int_equal(transport->trigger(transport, &trigger, 1, &id), CLEAT_OK);
    listener_start(&worker, transport, "a:b", 2);
    const cleat__assignment *child = listener_get(&worker, 1);
    assert_true(child->is_child);
    assert_true(cleat__uuid_equals(&child->parent_id, &parent));
    assert_int_equal(child->child_index, 5);
    assert_string_equal(child->child_key.data, "k");
    listener_stop(&worker);
}

static void test_wait(void **state)
{
    cleat__transport *transport = ((fixture *)*state)->transport;
    cleat_run_result result = {0};
    cleat__uuid id = start(transport, "{}");
    assert_int_equal(transport->wait(transport, &id, 0, &result), CLEAT_TIMEOUT);
    assert_int_equal(transport->wait(transport, &id, 20, &result), CLEAT_TIMEOUT);
    id.bytes[15] ^= 1;
    assert_int_equal(transport->wait(transport, &id, -1, &result), CLEAT_NOT_FOUND);
    assert_int_equal(transport->cancel(transport, &id), CLEAT_NOT_FOUND);
    cleat_run_result_deinit(&result);
}

static void test_cancel_while_queued(void **state)
{
    cleat__transport *transport = ((fixture *)*state)->transport;
    listener worker;
    cleat__uuid cancelled = start(transport, "{}");
    assert_int_equal(transport->cancel(transport, &cancelled), CLEAT_OK);
    assert_ends(transport, &cancelled, CLEAT_RUN_CANCELLED, NULL);
    assert_int_equal(transport->cancel(transport, &cancelled), CLEAT_FAILED_PRECONDITION);
    cleat__uuid other = start(transport, "{}");
    listener_start(&worker, transport, "a:b", 5);
    assert_true(cleat__uuid_equals(&listener_get(&worker, 0)->task_id, &other));
    listener_stop(&worker);
}

static void test_cancel_while_running(void **state)
{
    cleat__transport *transport = ((fixture *)*state)->transport;
    listener worker;
    cleat__uuid id = start(transport, "{}");
    listener_start(&worker, transport, "a:b", 1);
    const cleat__assignment *assignment = listener_get(&worker, 0);
    assert_int_equal(transport->cancel(transport, &id), CLEAT_OK);
    gate_wait(&worker.cancelled, 1);
    assert_true(cleat__uuid_equals(&worker.cancelled_id, &id));
    assert_int_equal(worker.cancelled_retry_count, 0);
    report(&worker, assignment, CLEAT_OK, "\"too late\"");
    assert_ends(transport, &id, CLEAT_RUN_CANCELLED, NULL);
    /* The slot is free again. */
    cleat__uuid next = start(transport, "{}");
    assert_true(cleat__uuid_equals(&listener_get(&worker, 1)->task_id, &next));
    listener_stop(&worker);
}

static void test_retries(void **state)
{
    cleat__transport *transport = ((fixture *)*state)->transport;
    listener worker;
    cleat__uuid id = start(transport, "{}");
    listener_start(&worker, transport, "a:b", 1);
    for (int i = 0; i < 3; i++) {
        const cleat__assignment *assignment = listener_get(&worker, i);
        assert_true(cleat__uuid_equals(&assignment->task_id, &id));
        assert_int_equal(assignment->retry_count, i);
        report(&worker, assignment, CLEAT_FAILED, i < 2 ? "no luck" : "no luck at all");
    }
    assert_ends(transport, &id, CLEAT_RUN_FAILED, "no luck at all");
    listener_stop(&worker);
}

static void test_retry_then_success(void **state)
{
    cleat__transport *transport = ((fixture *)*state)->transport;
    listener worker;
    cleat__uuid id = start(transport, "{}");
    listener_start(&worker, transport, "a:b", 1);
    report(&worker, listener_get(&worker, 0), CLEAT_FAILED, "no luck");
    const cleat__assignment *second = listener_get(&worker, 1);
    report(&worker, listener_get(&worker, 0), CLEAT_OK, "\"of a former attempt\"");
    report(&worker, second, CLEAT_OK, "2");
    assert_ends(transport, &id, CLEAT_RUN_COMPLETED, "2");
    listener_stop(&worker);
}

static void test_failure_for_good(void **state)
{
    cleat__transport *transport = ((fixture *)*state)->transport;
    listener worker;
    cleat__uuid id = start(transport, "{}");
    listener_start(&worker, transport, "a:b", 1);
    report(&worker, listener_get(&worker, 0), CLEAT_NON_RETRYABLE, "bad input");
    assert_ends(transport, &id, CLEAT_RUN_FAILED, "bad input");
    listener_stop(&worker);
}

static void test_never_begun_goes_elsewhere(void **state)
{
    cleat__transport *transport = ((fixture *)*state)->transport;
    listener first, second;
    cleat__uuid id = start(transport, "{}");
    listener_start(&first, transport, "a:b", 1);
    const cleat__assignment *assignment = listener_get(&first, 0);
    assert_int_equal(transport->worker_pause(transport, &first.id), CLEAT_OK);
    report(&first, assignment, CLEAT_UNAVAILABLE, NULL);
    listener_start(&second, transport, "a:b", 1);
    const cleat__assignment *again = listener_get(&second, 0);
    assert_true(cleat__uuid_equals(&again->task_id, &id));
    report(&second, again, CLEAT_OK, "1");
    assert_ends(transport, &id, CLEAT_RUN_COMPLETED, "1");
    listener_stop(&first);
    listener_stop(&second);
}

static void test_removed_worker_loses_its_runs(void **state)
{
    cleat__transport *transport = ((fixture *)*state)->transport;
    listener first, second;
    cleat__uuid id = start(transport, "{}");
    listener_start(&first, transport, "a:b", 1);
    (void)listener_get(&first, 0);
    listener_stop(&first);
    listener_start(&second, transport, "a:b", 1);
    const cleat__assignment *again = listener_get(&second, 0);
    assert_true(cleat__uuid_equals(&again->task_id, &id));
    report(&second, again, CLEAT_OK, "1");
    assert_ends(transport, &id, CLEAT_RUN_COMPLETED, "1");
    listener_stop(&second);
}

static void test_slots_bound_what_is_held(void **state)
{
    cleat__transport *transport = ((fixture *)*state)->transport;
    listener worker;
    listener_start(&worker, transport, "a:b", 2);
    for (int i = 0; i < 5; i++) {
        (void)start(transport, "{}");
    }
    for (int i = 0; i < 5; i++) {
        const cleat__assignment *assignment = listener_get(&worker, i);
        assert_true(gate_count(&worker.assigned) <= i + 2);
        report(&worker, assignment, CLEAT_OK, "null");
    }
    listener_stop(&worker);
}

static void test_priority(void **state)
{
    cleat__transport *transport = ((fixture *)*state)->transport;
    listener worker;
    cleat__trigger triggers[3] = {trigger_of("{}"), trigger_of("{}"), trigger_of("{}")};
    cleat__uuid ids[3];
    triggers[1].priority = 3;
    triggers[2].priority = 2;
    assert_int_equal(transport->trigger(transport, triggers, 3, ids), CLEAT_OK);
    listener_start(&worker, transport, "a:b", 3);
    static const int order[] = {1, 2, 0};
    for (int i = 0; i < 3; i++) {
        assert_true(cleat__uuid_equals(&listener_get(&worker, i)->task_id, &ids[order[i]]));
    }
    listener_stop(&worker);
}

static void test_log_and_heartbeat(void **state)
{
    cleat__transport *transport = ((fixture *)*state)->transport;
    listener worker;
    cleat__uuid id = start(transport, "{}");
    listener_start(&worker, transport, "a:b", 1);
    const cleat__assignment *assignment = listener_get(&worker, 0);
    const cleat__log_line line = {
        .task_id = id, .level = CLEAT_LOG_INFO, .time_ms = 1, .message = cleat_slice_of("half way")};
    assert_int_equal(transport->log(transport, &line), CLEAT_OK);
    assert_int_equal(transport->worker_heartbeat(transport, &worker.id), CLEAT_OK);
    report(&worker, assignment, CLEAT_OK, "null");
    assert_ends(transport, &id, CLEAT_RUN_COMPLETED, "null");
    listener_stop(&worker);
}

/* ---- Spans ---- */

typedef struct forwarder {
    cleat_span_exporter base; /* first */
    cleat__transport *transport;
    cleat_status status;
} forwarder;

static cleat_status forward(cleat_span_exporter *self, const cleat_span_batch *batch, int64_t timeout_ms)
{
    forwarder *it = (forwarder *)self;
    it->status = it->transport->export_spans(it->transport, batch, timeout_ms);
    return it->status;
}

static void test_export(void **state)
{
    cleat__transport *transport = ((fixture *)*state)->transport;
    forwarder exporter = {.base = {.export_spans = forward}, .transport = transport, .status = CLEAT_EMPTY};
    cleat_span_processor *processor = NULL;
    cleat_tracer_provider *provider = NULL;
    assert_int_equal(cleat_simple_processor_new(&exporter.base, &processor), CLEAT_OK);
    assert_int_equal(cleat_tracer_provider_new(
                         CLEAT_TRACER_PROVIDER_OPTIONS(.sampler = cleat_sampler_always_on()), &provider),
                     CLEAT_OK);
    assert_int_equal(cleat_tracer_provider_add_processor(provider, processor), CLEAT_OK);
    (void)cleat_span_end(
        cleat_span_start(cleat_tracer_provider_get_tracer(provider, "test", NULL), "work", NULL));
    assert_int_equal(exporter.status, CLEAT_OK);
    cleat_tracer_provider_free(provider);
}

static void test_tasks_are_named_as_they_were_declared(void **state)
{
    cleat__transport *transport = ((fixture *)*state)->transport;
    const cleat__workflow_task tasks[] = {
        {.name = cleat_slice_of("chargeCard"),
         .action = cleat_slice_of("pay:chargecard"),
         .policy = two_retries},
        {.name = cleat_slice_of("Tell-2"), .action = cleat_slice_of("pay:tell-2"), .policy = two_retries}};
    const cleat__workflow workflow = {.name = cleat_slice_of("pay"), .tasks = tasks, .task_count = 2};
    const cleat__trigger trigger = {.workflow = workflow.name, .child_index = -1};
    cleat__uuid id;
    cleat_task_list list = {0};
    assert_int_equal(transport->put_workflow(transport, &workflow), CLEAT_OK);
    assert_int_equal(transport->trigger(transport, &trigger, 1, &id), CLEAT_OK);
    assert_int_equal(transport->tasks(transport, &id, &list), CLEAT_OK);
    assert_int_equal(list.count, 2);
    assert_string_equal(list.items[0].name, "chargeCard");
    assert_string_equal(list.items[1].name, "Tell-2");
    cleat_task_list_deinit(&list);
}

int transport_suite_run(const transport_target *of)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_run_completes),
        TEST(test_unknown_task),
        TEST(test_bulk_is_all_or_none),
        TEST(test_children_are_not_started_twice),
        TEST(test_child_knows_its_parent),
        TEST(test_child_inherits_metadata),
        TEST(test_wait),
        TEST(test_cancel_while_queued),
        TEST(test_cancel_while_running),
        TEST(test_retries),
        TEST(test_retry_then_success),
        TEST(test_failure_for_good),
        TEST(test_never_begun_goes_elsewhere),
        TEST(test_removed_worker_loses_its_runs),
        TEST(test_slots_bound_what_is_held),
        TEST(test_priority),
        TEST(test_log_and_heartbeat),
        TEST(test_export),
        TEST(test_tasks_are_named_as_they_were_declared),
    };
#undef TEST
    target = of;
    return cmocka_run_group_tests_name(of->name, tests, NULL, NULL);
}
