/* The caller's side of events and schedules: their spans, and the carrier in the metadata of the runs to come. */
#include "support/gate.h"
#include "support/sdk_fixture.h"
#include "support/spans.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static gate seen;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static char metadata[1024]; /* of the last run, before `seen`; with the mutex, as runs go on at once */

static cleat_status note_metadata(cleat_task *task, void *user_data)
{
    (void)user_data;
    pthread_mutex_lock(&mutex);
    (void)snprintf(metadata, sizeof(metadata), "%.*s", CLEAT_SLICE_ARGS(cleat_task_metadata(task)));
    pthread_mutex_unlock(&mutex);
    gate_add(&seen);
    return CLEAT_OK;
}

static int set_up(void **state)
{
    gate_init(&seen);
    return sdk_set_up(state);
}

static int tear_down(void **state)
{
    int code = sdk_tear_down(state);
    gate_deinit(&seen);
    return code;
}

static void start(sdk_fixture *it, const cleat_instrumentor_options *options)
{
    static const char *const keys[] = {"paid", NULL};
    sdk_trace(it, options, NULL);
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "mail:note", .run = note_metadata, .on_events = keys));
    sdk_start(it);
}

static void assert_carries(const cleat_span_view *span)
{
    char trace[33], id[17], expected[96];
    cleat_trace_id_to_hex(&span->trace_id, trace);
    cleat_span_id_to_hex(&span->span_id, id);
    (void)snprintf(expected, sizeof(expected), "\"traceparent\":\"00-%s-%s-0", trace, id);
    if (strstr(metadata, expected) == NULL) {
        fail_msg("%s has no %s", metadata, expected);
    }
}

static void test_an_event(void **state)
{
    sdk_fixture *it = *state;
    start(it, NULL);
    assert_int_equal(cleat_client_push(it->client, "paid", "{\"n\":1}",
                                       CLEAT_EVENT_OPTIONS(.metadata = "{\"m\":1}", .scope = "shop-1",
                                                           .priority = 2, .trace = CLEAT_TRACE_LINK),
                                       NULL),
                     CLEAT_OK);
    gate_wait(&seen, 1);
    sdk_stop(it);
    cleat_span_view span = spans_get(it->spans, "hatchet.push_event", 0);
    assert_int_equal(span.kind, CLEAT_SPAN_KIND_PRODUCER);
    assert_int_equal(span.status, CLEAT_SPAN_STATUS_UNSET);
    span_assert_string(&span, "instrumentor", "hatchet");
    span_assert_string(&span, "hatchet.event_key", "paid");
    span_assert_string(&span, "hatchet.scope", "shop-1");
    span_assert_int(&span, "hatchet.priority", 2);
    span_assert_string(&span, "hatchet.payload", NULL);
    span_assert_string(&span, "hatchet.additional_metadata", NULL);
    assert_carries(&span);
    assert_non_null(strstr(metadata, "\"m\":1"));
    cleat_span_view task = spans_get(it->spans, "hatchet.start_step_run", 0);
    span_assert_string(&task, "cleat.trace.relation", "link");
    assert_int_equal(task.link_count, 1);
}

static void test_an_event_continues_the_trace(void **state)
{
    sdk_fixture *it = *state;
    start(it, CLEAT_INSTRUMENTOR_OPTIONS(.payload_attributes = CLEAT_SWITCH_ON));
    assert_int_equal(cleat_client_push(it->client, "paid", "{\"n\":1}",
                                       CLEAT_EVENT_OPTIONS(.metadata = "{\"m\":1}"), NULL),
                     CLEAT_OK);
    gate_wait(&seen, 1);
    sdk_stop(it);
    cleat_span_view span = spans_get(it->spans, "hatchet.push_event", 0);
    span_assert_string(&span, "hatchet.payload", "{\"n\":1}");
    span_assert_string(&span, "hatchet.additional_metadata", "{\"m\":1}");
    cleat_span_view task = spans_get(it->spans, "hatchet.start_step_run", 0);
    span_assert_child(&task, &span);
}

static void test_many_events(void **state)
{
    sdk_fixture *it = *state;
    const cleat_event_item items[] = {
        {"paid", "{\"n\":1}", NULL}, {"lost", NULL, NULL}, {"paid", "{\"n\":2}", NULL}};
    start(it, CLEAT_INSTRUMENTOR_OPTIONS(.payload_attributes = CLEAT_SWITCH_ON));
    assert_int_equal(cleat_client_push_many(it->client, items, 3, NULL), CLEAT_OK);
    gate_wait(&seen, 2);
    sdk_stop(it);
    assert_int_equal(spans_count(it->spans, "hatchet.push_event"), 0);
    cleat_span_view span = spans_get(it->spans, "hatchet.bulk_push_event", 0);
    assert_int_equal(span.kind, CLEAT_SPAN_KIND_PRODUCER);
    span_assert_string(&span, "hatchet.event_key", "[\"paid\",\"lost\"]");
    span_assert_string(&span, "hatchet.payload", "[{\"n\":1},{},{\"n\":2}]");
    for (int i = 0; i < 2; i++) {
        cleat_span_view task = spans_get(it->spans, "hatchet.start_step_run", i);
        span_assert_child(&task, &span);
    }
}

static void test_a_schedule(void **state)
{
    sdk_fixture *it = *state;
    const int64_t times[] = {1000, INT64_C(4102444800123)};
    cleat_schedule_id ids[2];
    start(it, NULL);
    assert_int_equal(cleat_client_schedule_many(it->client, "mail:note", times, 2, "{\"n\":1}",
                                                CLEAT_RUN_OPTIONS(.priority = 3, .trace = CLEAT_TRACE_LINK),
                                                ids),
                     CLEAT_OK);
    gate_wait(&seen, 1);
    sdk_stop(it);
    cleat_span_view span = spans_get(it->spans, "hatchet.schedule_workflow", 0);
    assert_int_equal(span.kind, CLEAT_SPAN_KIND_PRODUCER);
    span_assert_string(&span, "hatchet.workflow_name", "mail");
    span_assert_string(&span, "hatchet.step_name", "note");
    span_assert_string(&span, "hatchet.run_at_timestamps",
                       "[\"1970-01-01T00:00:01.000Z\",\"2100-01-01T00:00:00.123Z\"]");
    span_assert_int(&span, "hatchet.priority", 3);
    span_assert_string(&span, "hatchet.payload", NULL);
    assert_carries(&span);
    cleat_span_view task = spans_get(it->spans, "hatchet.start_step_run", 0);
    assert_int_equal(task.link_count, 1);
}

static void test_calls_that_fail(void **state)
{
    sdk_fixture *it = *state;
    start(it, NULL);
    assert_refused(cleat_client_schedule(it->client, "no:such", 1, NULL, NULL, NULL), CLEAT_NOT_FOUND,
                   "no.such");
    char *message = strdup(cleat_error_message());
    cleat_span_view span = spans_get(it->spans, "hatchet.schedule_workflow", 0);
    assert_int_equal(span.status, CLEAT_SPAN_STATUS_ERROR);
    span_assert_exception(&span, "CLEAT_NOT_FOUND", message);
    free(message);
    /* What is refused before the call is made leaves no span. */
    assert_refused(cleat_client_push(it->client, "", NULL, NULL, NULL), CLEAT_INVALID_ARGUMENT, "key");
    assert_int_equal(spans_count(it->spans, "hatchet.push_event"), 0);
}

/* ---- Interceptors of a program's own ---- */

static cleat_status change_push(void *user_data, cleat_push_call *call)
{
    const int *proceeds = user_data;
    assert_false(cleat_push_call_is_many(call));
    assert_int_equal(cleat_push_call_count(call), 1);
    const cleat_push_item *item = cleat_push_call_item(call, 0);
    assert_null(cleat_push_call_item(call, 1));
    assert_null(cleat_push_call_event_id(call, 0));
    assert_string_equal(item->key, "paid");
    (void)item->metadata.set(item->metadata.self, "by", cleat_slice_of("me"));
    if (*proceeds == 0) {
        return CLEAT_OK;
    }
    cleat_status status = cleat_push_call_proceed(call);
    assert_non_null(cleat_push_call_event_id(call, 0));
    return *proceeds == 2 ? cleat_push_call_proceed(call) : status;
}

static cleat_status change_schedule(void *user_data, cleat_schedule_call *call)
{
    const int *proceeds = user_data;
    const cleat_schedule_item *item = cleat_schedule_call_item(call);
    assert_string_equal(item->task, "mail:note");
    assert_int_equal(item->at_count, 1);
    (void)item->metadata.set(item->metadata.self, "by", cleat_slice_of("me"));
    if (*proceeds == 0) {
        return CLEAT_OK;
    }
    cleat_status status = cleat_schedule_call_proceed(call);
    assert_non_null(cleat_schedule_call_id(call, 0));
    assert_null(cleat_schedule_call_id(call, 1));
    return *proceeds == 2 ? cleat_schedule_call_proceed(call) : status;
}

static void test_interceptors(void **state)
{
    sdk_fixture *it = *state;
    int proceeds = 1;
    const cleat_interceptor interceptor = {.struct_size = sizeof interceptor,
                                           .user_data = &proceeds,
                                           .push = change_push,
                                           .schedule = change_schedule};
    assert_int_equal(cleat_client_add_interceptor(it->client, &interceptor), CLEAT_OK);
    start(it, NULL);
    assert_int_equal(cleat_client_push(it->client, "paid", NULL, NULL, NULL), CLEAT_OK);
    gate_wait(&seen, 1);
    assert_non_null(strstr(metadata, "\"by\":\"me\""));
    assert_int_equal(cleat_client_schedule(it->client, "mail:note", 1, NULL, NULL, NULL), CLEAT_OK);
    gate_wait(&seen, 2);
    assert_non_null(strstr(metadata, "\"by\":\"me\""));
    for (proceeds = 0; proceeds <= 2; proceeds += 2) { /* not at all, and twice */
        const char *word = proceeds == 0 ? "interceptor" : "twice";
        assert_refused(cleat_client_push(it->client, "paid", NULL, NULL, NULL), CLEAT_FAILED_PRECONDITION,
                       word);
        assert_refused(cleat_client_schedule(it->client, "mail:note", 1, NULL, NULL, NULL),
                       CLEAT_FAILED_PRECONDITION, word);
    }
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_an_event),        TEST(test_an_event_continues_the_trace),
        TEST(test_many_events),     TEST(test_a_schedule),
        TEST(test_calls_that_fail), TEST(test_interceptors),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
