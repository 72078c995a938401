/* The caller's side: hatchet.run_workflow(s), and the carrier in the metadata. */
#include "support/sdk_fixture.h"
#include "support/spans.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static cleat_status return_metadata(cleat_task *task, void *user_data)
{
    (void)user_data;
    return cleat_task_return(task, cleat_task_metadata(task).data);
}

static void start_show(sdk_fixture *it)
{
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "mail:show", .run = return_metadata));
    sdk_start(it);
}

/* The metadata that a run of mail:show saw; the caller frees it. */
static char *metadata_of(sdk_fixture *it, const cleat_run_options *options)
{
    cleat_run_result result = {0};
    assert_int_equal(cleat_client_run(it->client, "mail:show", NULL, options, &result), CLEAT_OK);
    assert_int_equal(result.status, CLEAT_RUN_COMPLETED);
    char *copy = strdup(result.output);
    cleat_run_result_deinit(&result);
    assert_non_null(copy);
    return copy;
}

static void assert_has(const char *text, const char *word)
{
    if (strstr(text, word) == NULL) {
        fail_msg("%s has no %s", text, word);
    }
}

static void assert_traceparent(const char *metadata, const cleat_span_view *span, const char *flags)
{
    char trace[33], id[17], expected[96];
    cleat_trace_id_to_hex(&span->trace_id, trace);
    cleat_span_id_to_hex(&span->span_id, id);
    (void)snprintf(expected, sizeof expected, "\"traceparent\":\"00-%s-%s-%s\"", trace, id, flags);
    assert_has(metadata, expected);
}

/* ---- One run ---- */

static void test_one_run(void **state)
{
    sdk_fixture *it = *state;
    cleat_run_id id;
    sdk_trace(it, NULL, NULL);
    start_show(it);
    cleat_span outer = cleat_span_start(it->tracer, "outer", NULL);
    cleat_scope scope = cleat_span_attach(outer);
    assert_int_equal(cleat_client_run_no_wait(it->client, "mail:show", "{\"to\":1}",
                                              CLEAT_RUN_OPTIONS(.priority = 3, .metadata = "{\"m\":1}"), &id),
                     CLEAT_OK);
    (void)cleat_scope_detach(scope);
    (void)cleat_span_end(outer);
    sdk_wait(it, &id, CLEAT_RUN_COMPLETED, NULL);
    cleat_span_view span = spans_get(it->spans, "hatchet.run_workflow", 0);
    cleat_span_view parent = spans_get(it->spans, "outer", 0);
    assert_int_equal(span.kind, CLEAT_SPAN_KIND_PRODUCER);
    assert_int_equal(span.status, CLEAT_SPAN_STATUS_UNSET);
    assert_true(cleat_slice_equals(span.scope->name, cleat_slice_of("cleat")));
    assert_true(cleat_slice_equals(span.scope->version, cleat_slice_of(cleat_version())));
    span_assert_child(&span, &parent);
    span_assert_string(&span, "instrumentor", "hatchet");
    span_assert_string(&span, "hatchet.workflow_name", "mail");
    span_assert_string(&span, "hatchet.step_name", "show");
    span_assert_string(&span, "hatchet.child_workflow_run_id", id.text);
    span_assert_int(&span, "hatchet.priority", 3);
    span_assert_string(&span, "hatchet.payload", NULL);
    span_assert_string(&span, "hatchet.additional_metadata", NULL);
    span_assert_string(&span, "hatchet.child_key", NULL);
    span_assert_string(&span, "hatchet.parent_id", NULL);
    assert_int_equal(span.attribute_count, 5);
    assert_int_equal(span.link_count, 0);
}

static void test_payloads_where_asked_for(void **state)
{
    sdk_fixture *it = *state;
    sdk_trace(it, CLEAT_INSTRUMENTOR_OPTIONS(.payload_attributes = CLEAT_SWITCH_ON), NULL);
    start_show(it);
    sdk_run(it, "mail:show", "{\"to\":1}", CLEAT_RUN_OPTIONS(.metadata = "{\"m\":1}"), CLEAT_RUN_COMPLETED,
            NULL);
    sdk_run(it, "mail:show", NULL, NULL, CLEAT_RUN_COMPLETED, NULL);
    cleat_span_view span = spans_get(it->spans, "hatchet.run_workflow", 0);
    span_assert_string(&span, "hatchet.payload", "{\"to\":1}");
    span_assert_string(&span, "hatchet.additional_metadata", "{\"m\":1}");
    cleat_span_view task = spans_get(it->spans, "hatchet.start_step_run", 0);
    span_assert_string(&task, "hatchet.payload", "{\"to\":1}");
    cleat_span_view empty = spans_get(it->spans, "hatchet.run_workflow", 1);
    span_assert_string(&empty, "hatchet.payload", NULL);
    span_assert_string(&empty, "hatchet.additional_metadata", NULL);
}

static void test_a_call_that_fails(void **state)
{
    sdk_fixture *it = *state;
    sdk_trace(it, NULL, NULL);
    start_show(it);
    assert_refused(cleat_client_run_no_wait(it->client, "no:such", NULL, NULL, NULL), CLEAT_NOT_FOUND,
                   "no:such");
    char *message = strdup(cleat_error_message());
    cleat_span_view span = spans_get(it->spans, "hatchet.run_workflow", 0);
    assert_int_equal(span.status, CLEAT_SPAN_STATUS_ERROR);
    assert_true(cleat_slice_equals(span.status_message, cleat_slice_of(message)));
    span_assert_exception(&span, "CLEAT_NOT_FOUND", message);
    span_assert_string(&span, "hatchet.child_workflow_run_id", NULL);
    free(message);
    /* What is refused before the call is made leaves no span. */
    assert_int_equal(cleat_client_run_no_wait(it->client, "mail:show", "nonsense", NULL, NULL),
                     CLEAT_INVALID_ARGUMENT);
    assert_int_equal(spans_count(it->spans, "hatchet.run_workflow"), 1);
}

/* An exporter whose own trouble leaves a message on the thread that ended the span. */
static cleat_status export_in_vain(cleat_span_exporter *self, const cleat_span_batch *batch,
                                   int64_t timeout_ms)
{
    (void)self;
    (void)batch;
    (void)timeout_ms;
    return cleat_worker_start(NULL);
}

static cleat_status do_nothing(cleat_span_exporter *self, int64_t timeout_ms)
{
    (void)self;
    (void)timeout_ms;
    return CLEAT_OK;
}

static void free_nothing(cleat_span_exporter *self)
{
    (void)self;
}

static void test_message_of_a_call_that_fails(void **state)
{
    sdk_fixture *it = *state;
    static cleat_span_exporter exporter = {.export_spans = export_in_vain,
                                           .force_flush = do_nothing,
                                           .shutdown = do_nothing,
                                           .free = free_nothing};
    cleat_span_processor *processor = NULL;
    const cleat_run_item item = {"no:such", NULL, NULL};
    sdk_trace(it, NULL, NULL);
    assert_int_equal(cleat_simple_processor_new(&exporter, &processor), CLEAT_OK);
    assert_int_equal(cleat_tracer_provider_add_processor(it->provider, processor), CLEAT_OK);
    assert_refused(cleat_client_run_no_wait(it->client, "no:such", NULL, NULL, NULL), CLEAT_NOT_FOUND,
                   "no:such");
    assert_refused(cleat_client_run_many(it->client, &item, 1, NULL), CLEAT_NOT_FOUND, "no:such");
    cleat_instrumentor_free(it->instrumentor);
    it->instrumentor = NULL;
    cleat_tracer_provider_free(it->provider); /* before the exporter goes */
    it->provider = NULL;
}

/* ---- The carrier ---- */

static void test_carrier_keeps_user_keys(void **state)
{
    sdk_fixture *it = *state;
    sdk_trace(it, NULL, NULL);
    start_show(it);
    char *metadata = metadata_of(
        it, CLEAT_RUN_OPTIONS(.metadata = "{\"tenant\":{\"id\":7},\"traceparent\":\"mine\",\"n\":1.0}"));
    cleat_span_view span = spans_get(it->spans, "hatchet.run_workflow", 0);
    assert_traceparent(metadata, &span, "03");
    assert_has(metadata, "\"tenant\":{\"id\":7}");
    assert_has(metadata, "\"n\":1.0");
    assert_has(metadata, "\"tracestate\":\"cleat=d:1;t:");
    assert_null(strstr(metadata, "cleat__"));
    assert_null(strstr(metadata, "mine"));
    free(metadata);
}

static void test_carrier_has_the_choice_of_the_call(void **state)
{
    sdk_fixture *it = *state;
    sdk_trace(it, NULL, NULL);
    start_show(it);
    static const char *const expected[] = {"parent", "link", "none"};
    for (int i = 0; i < 3; i++) {
        char word[64];
        char *metadata = metadata_of(it, CLEAT_RUN_OPTIONS(.trace = (cleat_trace_relation)(i + 1)));
        (void)snprintf(word, sizeof word, "\"cleat__trace\":\"%s\"", expected[i]);
        assert_has(metadata, word);
        free(metadata);
    }
}

/* Not sampled is said, not left out: the worker's side then drops its spans as well. */
static void test_unsampled_context_travels(void **state)
{
    sdk_fixture *it = *state;
    sdk_trace(it, NULL, cleat_sampler_always_off());
    start_show(it);
    char *metadata = metadata_of(it, NULL);
    assert_has(metadata, "-02\"");
    assert_int_equal(cleat_memory_exporter_count(it->spans), 0);
    free(metadata);
}

static void test_baggage_travels(void **state)
{
    sdk_fixture *it = *state;
    sdk_trace(it, NULL, NULL);
    start_show(it);
    cleat_baggage *baggage = cleat_baggage_with(NULL, "user", cleat_slice_of("Ada"), NULL);
    cleat_context *context = cleat_context_with_baggage(NULL, baggage);
    cleat_scope scope = cleat_context_attach(context);
    char *metadata = metadata_of(it, NULL);
    (void)cleat_scope_detach(scope);
    assert_has(metadata, "\"baggage\":\"user=Ada\"");
    cleat_context_release(context);
    cleat_baggage_release(baggage);
    free(metadata);
}

/* ---- Many runs ---- */

static void run_two(sdk_fixture *it, char *first, char *second, size_t size)
{
    const cleat_run_item items[] = {{"mail:show", "{\"n\":1}", NULL},
                                    {"mail:show", "{\"n\":2}", CLEAT_RUN_OPTIONS(.trace = CLEAT_TRACE_LINK)}};
    cleat_run_id ids[2];
    cleat_run_result result = {0};
    assert_int_equal(cleat_client_run_many(it->client, items, 2, ids), CLEAT_OK);
    assert_int_equal(cleat_client_wait(it->client, &ids[0], -1, &result), CLEAT_OK);
    (void)snprintf(first, size, "%s", result.output);
    cleat_run_result_deinit(&result);
    assert_int_equal(cleat_client_wait(it->client, &ids[1], -1, &result), CLEAT_OK);
    (void)snprintf(second, size, "%s", result.output);
    cleat_run_result_deinit(&result);
}

static void test_bulk_has_one_span(void **state)
{
    sdk_fixture *it = *state;
    char first[512], second[512];
    sdk_trace(it, NULL, NULL);
    start_show(it);
    run_two(it, first, second, sizeof first);
    cleat_span_view span = spans_get(it->spans, "hatchet.run_workflows", 0);
    assert_int_equal(span.kind, CLEAT_SPAN_KIND_PRODUCER);
    assert_int_equal(span.status, CLEAT_SPAN_STATUS_UNSET);
    span_assert_string(&span, "instrumentor", "hatchet");
    span_assert_string(&span, "hatchet.workflow_name", "[\"mail\"]");
    assert_int_equal(spans_count(it->spans, "hatchet.run_workflow"), 0);
    assert_traceparent(first, &span, "03");
    assert_traceparent(second, &span, "03");
    assert_has(first, ";n:1\"");
    assert_has(second, ";n:2\"");
    assert_null(strstr(first, "cleat__trace"));
    assert_has(second, "\"cleat__trace\":\"link\"");
}

static void test_bulk_with_a_span_for_each(void **state)
{
    sdk_fixture *it = *state;
    char first[512], second[512];
    sdk_trace(it,
              CLEAT_INSTRUMENTOR_OPTIONS(.individual_run_spans_for_bulk_run = CLEAT_SWITCH_ON,
                                         .payload_attributes = CLEAT_SWITCH_ON),
              NULL);
    start_show(it);
    run_two(it, first, second, sizeof first);
    cleat_span_view bulk = spans_get(it->spans, "hatchet.run_workflows", 0);
    cleat_span_view one = spans_get(it->spans, "hatchet.run_workflow", 0);
    cleat_span_view two = spans_get(it->spans, "hatchet.run_workflow", 1);
    span_assert_child(&one, &bulk);
    span_assert_child(&two, &bulk);
    assert_traceparent(first, &one, "03");
    assert_traceparent(second, &two, "03");
    assert_has(second, ";n:2\"");
    span_assert_string(&bulk, "hatchet.payload", "[{\"n\":1},{\"n\":2}]");
    span_assert_string(&one, "hatchet.payload", "{\"n\":1}");
    span_assert_string(&bulk, "hatchet.child_workflow_run_id", NULL);
    char id[40];
    assert_int_equal(strlen(span_string(&one, "hatchet.child_workflow_run_id", id, sizeof id)), 36);
}

static void test_bulk_that_fails(void **state)
{
    sdk_fixture *it = *state;
    const cleat_run_item items[] = {{"mail:show", NULL, NULL}, {"no:such", NULL, NULL}};
    sdk_trace(it, CLEAT_INSTRUMENTOR_OPTIONS(.individual_run_spans_for_bulk_run = CLEAT_SWITCH_ON), NULL);
    start_show(it);
    assert_int_equal(cleat_client_run_many(it->client, items, 2, NULL), CLEAT_NOT_FOUND);
    char *message = strdup(cleat_error_message());
    for (size_t i = 0; i < 2; i++) {
        cleat_span_view span = spans_get(it->spans, "hatchet.run_workflow", i);
        assert_int_equal(span.status, CLEAT_SPAN_STATUS_ERROR);
        span_assert_exception(&span, "CLEAT_NOT_FOUND", message);
    }
    cleat_span_view bulk = spans_get(it->spans, "hatchet.run_workflows", 0);
    assert_int_equal(bulk.status, CLEAT_SPAN_STATUS_ERROR);
    span_assert_string(&bulk, "hatchet.workflow_name", "[\"mail\",\"no\"]");
    free(message);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, sdk_set_up, sdk_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_one_run),
        TEST(test_payloads_where_asked_for),
        TEST(test_a_call_that_fails),
        TEST(test_message_of_a_call_that_fails),
        TEST(test_carrier_keeps_user_keys),
        TEST(test_carrier_has_the_choice_of_the_call),
        TEST(test_unsampled_context_travels),
        TEST(test_baggage_travels),
        TEST(test_bulk_has_one_span),
        TEST(test_bulk_with_a_span_for_each),
        TEST(test_bulk_that_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
