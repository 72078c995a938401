/* The instrumentor's life, its options, its way to the collector, sampling. */
#include "collector/collector.h"
#include "support/gate.h"
#include "support/sdk_fixture.h"
#include "support/spans.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static cleat_status nothing(cleat_task *task, void *user_data)
{
    (void)task;
    (void)user_data;
    return CLEAT_OK;
}

static void start_nothing(sdk_fixture *it)
{
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "mail:send", .run = nothing));
    sdk_start(it);
}

/* ---- The collector ---- */

static bool count_span(void *count, const cleat__stored_span *span)
{
    (void)span;
    ++*(size_t *)count;
    return true;
}

/* Spans that the file has of a run, read beside the engine. */
static size_t stored_spans(sdk_fixture *it, const cleat_run_id *id)
{
    cleat__store *store = NULL;
    cleat__uuid run_id;
    size_t count = 0;
    assert_int_equal(cleat__uuid_parse(cleat_slice_of(id->text), &run_id), CLEAT_OK);
    assert_int_equal(cleat__store_open(it->dir.database, CLEAT__STORE_READ, &store), CLEAT_OK);
    assert_int_equal(cleat__spans_of_run(store, CLEAT__TENANT_DEFAULT, &run_id, count_span, &count),
                     CLEAT_OK);
    cleat__store_close(store);
    return count;
}

static cleat_run_id run_one(sdk_fixture *it)
{
    cleat_run_id id;
    assert_int_equal(cleat_client_run_no_wait(it->client, "mail:send", NULL, NULL, &id), CLEAT_OK);
    sdk_wait(it, &id, CLEAT_RUN_COMPLETED, "null");
    return id;
}

static void instrument(sdk_fixture *it, const cleat_instrumentor_options *options)
{
    assert_int_equal(cleat_instrumentor_new(it->client, options, &it->instrumentor), CLEAT_OK);
}

static void test_spans_reach_the_collector(void **state)
{
    sdk_fixture *it = *state;
    instrument(it, NULL);
    assert_non_null(cleat_instrumentor_provider(it->instrumentor));
    start_nothing(it);
    cleat_run_id id = run_one(it);
    assert_int_equal(cleat_instrumentor_flush(it->instrumentor, 300000), CLEAT_OK);
    assert_true(stored_spans(it, &id) >= 1);
}

static void test_free_flushes(void **state)
{
    sdk_fixture *it = *state;
    instrument(it, NULL);
    start_nothing(it);
    cleat_run_id id = run_one(it);
    sdk_close(it);
    assert_true(stored_spans(it, &id) >= 1);
}

static void test_batch_options_reach_the_processor(void **state)
{
    sdk_fixture *it = *state;
    instrument(it, CLEAT_INSTRUMENTOR_OPTIONS(.collector_batch = {.max_export_batch_size = 1,
                                                                  .max_queue_size = 64}));
    start_nothing(it);
    cleat_run_id id = run_one(it);
    sdk_stop(it);
    assert_int_equal(cleat_instrumentor_flush(it->instrumentor, 300000), CLEAT_OK);
    assert_true(stored_spans(it, &id) >= 1);
}

/* Nothing is exported, but the context goes with the run all the same. */
static cleat_status return_metadata(cleat_task *task, void *user_data)
{
    (void)user_data;
    return cleat_task_return(task, cleat_task_metadata(task).data);
}

static void test_without_collector_context_propagates(void **state)
{
    sdk_fixture *it = *state;
    cleat_run_id id;
    cleat_run_result result = {0};
    instrument(it, CLEAT_INSTRUMENTOR_OPTIONS(.collector = CLEAT_SWITCH_OFF));
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "show", .run = return_metadata));
    sdk_start(it);
    assert_int_equal(cleat_client_run_no_wait(it->client, "show", NULL, NULL, &id), CLEAT_OK);
    assert_int_equal(cleat_client_wait(it->client, &id, -1, &result), CLEAT_OK);
    assert_non_null(strstr(result.output, "\"traceparent\":\"00-"));
    cleat_run_result_deinit(&result);
    assert_int_equal(cleat_instrumentor_flush(it->instrumentor, 300000), CLEAT_OK);
    assert_int_equal(stored_spans(it, &id), 0);
}

static void test_exporter_for_a_provider_of_ones_own(void **state)
{
    sdk_fixture *it = *state;
    cleat_span_exporter *exporter = NULL;
    cleat_span_processor *processor = NULL;
    assert_int_equal(cleat_client_span_exporter_new(it->client, &exporter), CLEAT_OK);
    assert_int_equal(cleat_simple_processor_new(exporter, &processor), CLEAT_OK);
    sdk_trace(it, NULL, NULL);
    assert_int_equal(cleat_tracer_provider_add_processor(it->provider, processor), CLEAT_OK);
    start_nothing(it);
    cleat_run_id id = run_one(it);
    assert_true(stored_spans(it, &id) >= 1);
    sdk_stop(it);
    cleat_instrumentor_free(it->instrumentor);
    it->instrumentor = NULL;
    cleat_tracer_provider_free(it->provider);
    it->provider = NULL;
}

/* ---- Life ---- */

static void test_one_per_client(void **state)
{
    sdk_fixture *it = *state;
    cleat_instrumentor *second = NULL;
    sdk_trace(it, NULL, NULL);
    assert_refused(cleat_instrumentor_new(it->client, NULL, &second), CLEAT_ALREADY_EXISTS, "instrumentor");
    assert_null(second);
    cleat_instrumentor_free(it->instrumentor);
    it->instrumentor = NULL;
    /* The client works on without one, and may get another. */
    start_nothing(it);
    (void)run_one(it);
    assert_int_equal(cleat_memory_exporter_count(it->spans), 0);
    sdk_stop(it);
    sdk_trace(it, NULL, NULL);
    start_nothing(it);
    (void)run_one(it);
    assert_int_equal(spans_count(it->spans, "hatchet.start_step_run"), 1);
}

static void test_bad_arguments(void **state)
{
    sdk_fixture *it = *state;
    cleat_instrumentor *instrumentor = NULL;
    const cleat_instrumentor_options no_size = {.collector = CLEAT_SWITCH_OFF};
    assert_refused(cleat_instrumentor_new(NULL, NULL, &instrumentor), CLEAT_INVALID_ARGUMENT, "client");
    assert_refused(cleat_instrumentor_new(it->client, NULL, NULL), CLEAT_INVALID_ARGUMENT, "out");
    assert_refused(cleat_instrumentor_new(it->client, &no_size, &instrumentor), CLEAT_INVALID_ARGUMENT,
                   "struct_size");
    assert_refused(cleat_instrumentor_flush(NULL, 0), CLEAT_INVALID_ARGUMENT, "instrumentor");
    assert_null(cleat_instrumentor_provider(NULL));
    cleat_instrumentor_free(NULL);
    assert_null(instrumentor);
}

/* A provider of the user's goes on when instrumentor and client are gone. */
static void test_provider_outlives_the_client(void **state)
{
    sdk_fixture *it = *state;
    cleat_span_processor *processor = NULL;
    assert_int_equal(cleat_tracer_provider_new(
                         CLEAT_TRACER_PROVIDER_OPTIONS(.sampler = cleat_sampler_always_on()), &it->provider),
                     CLEAT_OK);
    assert_int_equal(cleat_memory_exporter_new(&it->spans), CLEAT_OK);
    assert_int_equal(cleat_simple_processor_new(it->spans, &processor), CLEAT_OK);
    assert_int_equal(cleat_tracer_provider_add_processor(it->provider, processor), CLEAT_OK);
    instrument(it, CLEAT_INSTRUMENTOR_OPTIONS(.provider = it->provider));
    assert_ptr_equal(cleat_instrumentor_provider(it->instrumentor), it->provider);
    start_nothing(it);
    cleat_run_id id = run_one(it);
    sdk_close(it);
    assert_true(stored_spans(it, &id) >= 1);
    cleat_tracer *tracer = cleat_tracer_provider_get_tracer(it->provider, "test", NULL);
    assert_int_equal(cleat_span_end(cleat_span_start(tracer, "after", NULL)), CLEAT_OK);
    assert_int_equal(spans_count(it->spans, "after"), 1);
    (void)cleat_tracer_provider_force_flush(it->provider,
                                            5000); /* the cut exporter fails, and nothing more */
}

static void test_two_clients_do_not_mix(void **state)
{
    sdk_fixture *it = *state;
    sdk_fixture *other = NULL;
    assert_int_equal(sdk_set_up((void **)&other), 0);
    sdk_trace(it, NULL, NULL);
    sdk_trace(other, NULL, NULL);
    start_nothing(it);
    start_nothing(other);
    (void)run_one(it);
    (void)run_one(it);
    (void)run_one(other);
    assert_int_equal(spans_count(it->spans, "hatchet.start_step_run"), 2);
    assert_int_equal(spans_count(other->spans, "hatchet.start_step_run"), 1);
    assert_int_equal(sdk_tear_down((void **)&other), 0);
}

/* ---- Options ---- */

static void test_excluded_attributes(void **state)
{
    sdk_fixture *it = *state;
    const char *const excluded[] = {"workflow_name", "retry_count", "child_workflow_run_id", NULL};
    sdk_trace(it, CLEAT_INSTRUMENTOR_OPTIONS(.excluded_attributes = excluded), NULL);
    start_nothing(it);
    (void)run_one(it);
    static const char *const names[] = {"hatchet.start_step_run", "hatchet.run_workflow"};
    for (size_t i = 0; i < 2; i++) {
        cleat_span_view span = spans_get(it->spans, names[i], 0);
        span_assert_string(&span, "hatchet.workflow_name", NULL);
        span_assert_string(&span, "hatchet.retry_count", NULL);
        span_assert_string(&span, "hatchet.child_workflow_run_id", NULL);
        span_assert_string(&span, "hatchet.step_name", "send");
    }
}

static void set_variable(const char *name, const char *value)
{
    char variable[128];
    (void)snprintf(variable, sizeof variable, "HATCHET_CLIENT_OPENTELEMETRY_%s", name);
    assert_int_equal(value != NULL ? setenv(variable, value, 1) : unsetenv(variable), 0);
}

static void test_variables(void **state)
{
    sdk_fixture *it = *state;
    const cleat_run_item items[] = {{"mail:send", NULL, NULL}};
    set_variable("EXCLUDED_ATTRIBUTES", "[\"step_name\"]");
    set_variable("INCLUDE_TASK_NAME_IN_SPAN_NAME", "true");
    set_variable("INDIVIDUAL_RUN_SPANS_FOR_BULK_RUN", "TRUE");
    sdk_trace(it, NULL, NULL);
    set_variable("EXCLUDED_ATTRIBUTES", NULL);
    set_variable("INCLUDE_TASK_NAME_IN_SPAN_NAME", NULL);
    set_variable("INDIVIDUAL_RUN_SPANS_FOR_BULK_RUN", NULL);
    start_nothing(it);
    assert_int_equal(cleat_client_run_many(it->client, items, 1, NULL), CLEAT_OK);
    (void)run_one(it);
    sdk_stop(it);
    cleat_span_view span = spans_get(it->spans, "hatchet.start_step_run.mail:send", 0);
    span_assert_string(&span, "hatchet.step_name", NULL);
    assert_int_equal(spans_count(it->spans, "hatchet.run_workflows"), 1);
    assert_int_equal(spans_count(it->spans, "hatchet.run_workflow"), 2);
}

static void test_options_win_over_variables(void **state)
{
    sdk_fixture *it = *state;
    const char *const none[] = {NULL};
    set_variable("EXCLUDED_ATTRIBUTES", "[\"step_name\"]");
    set_variable("INCLUDE_TASK_NAME_IN_SPAN_NAME", "true");
    sdk_trace(it,
              CLEAT_INSTRUMENTOR_OPTIONS(.excluded_attributes = none,
                                         .include_task_name_in_span_name = CLEAT_SWITCH_OFF),
              NULL);
    set_variable("EXCLUDED_ATTRIBUTES", NULL);
    set_variable("INCLUDE_TASK_NAME_IN_SPAN_NAME", NULL);
    start_nothing(it);
    (void)run_one(it);
    cleat_span_view span = spans_get(it->spans, "hatchet.start_step_run", 0);
    span_assert_string(&span, "hatchet.step_name", "send");
}

static void keep_message(void *user_data, cleat_log_level level, const char *message)
{
    (void)level;
    (void)snprintf(user_data, 256, "%s", message);
}

static void test_malformed_variable(void **state)
{
    sdk_fixture *it = *state;
    static const char *const values[] = {"step_name", "{}", "[1]", "[\"a\""};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        char message[256] = "";
        cleat_log_set_handler(keep_message, message, CLEAT_LOG_WARN);
        set_variable("EXCLUDED_ATTRIBUTES", values[i]);
        sdk_trace(it, NULL, NULL);
        set_variable("EXCLUDED_ATTRIBUTES", NULL);
        cleat_log_set_handler(NULL, NULL, CLEAT_LOG_WARN);
        assert_non_null(strstr(message, "EXCLUDED_ATTRIBUTES"));
        cleat_instrumentor_free(it->instrumentor);
        it->instrumentor = NULL;
    }
}

/* ---- Sampling ---- */

enum { HOPS = 4 };

/* Each hop spawns the next, by link; the last says that it is the end. */
static cleat_status next_hop(cleat_task *task, void *user_data)
{
    static const char *const inputs[HOPS] = {"{\"hop\":1}", "{\"hop\":2}", "{\"hop\":3}", "{\"hop\":4}"};
    cleat_slice input = cleat_task_input(task);
    for (int i = 0; i + 1 < HOPS; i++) {
        if (cleat_slice_equals(input, cleat_slice_of(inputs[i]))) {
            return cleat_task_spawn(task, "hop", inputs[i + 1], NULL, NULL);
        }
    }
    gate_add(user_data);
    return CLEAT_OK;
}

static bool always(const char *action_id, void *user_data)
{
    (void)action_id;
    (void)user_data;
    return true;
}

/* A run's spans are all there or none: count them by the trace of the first producer. */
static void run_hops(sdk_fixture *it, int runs, cleat_switch sampling_across_links, cleat_sampler *sampler)
{
    gate end;
    gate_init(&end);
    sdk_trace(it,
              CLEAT_INSTRUMENTOR_OPTIONS(.use_links_instead_of_parent = always,
                                         .sampling_across_links = sampling_across_links),
              sampler);
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "hop", .run = next_hop, .user_data = &end));
    sdk_start(it);
    for (int i = 0; i < runs; i++) {
        assert_int_equal(cleat_client_run_no_wait(it->client, "hop", "{\"hop\":1}", NULL, NULL), CLEAT_OK);
    }
    gate_wait(&end, runs);
    sdk_stop(it);
    gate_deinit(&end);
}

static void test_linked_runs_are_sampled_whole(void **state)
{
    sdk_fixture *it = *state;
    /* Without the link-based sampler: what keeps runs whole is the randomness that travels. */
    run_hops(it, 100, CLEAT_SWITCH_DEFAULT, cleat_sampler_parent_based(cleat_sampler_ratio(0.5)));
    size_t consumers = spans_count(it->spans, "hatchet.start_step_run");
    assert_int_equal(spans_count(it->spans, "hatchet.run_workflow"), consumers);
    assert_int_equal(consumers % HOPS, 0);
    assert_in_range(consumers / HOPS, 20, 80);
    for (size_t i = 0; i < consumers; i++) {
        cleat_span_view span = spans_get(it->spans, "hatchet.start_step_run", i);
        assert_true(span_is_root(&span));
        assert_true(span.link_count >= 1);
    }
}

/* Switched off, each of the traces is sampled by itself. */
static void test_sampling_across_links_off(void **state)
{
    sdk_fixture *it = *state;
    run_hops(it, 100, CLEAT_SWITCH_OFF, cleat_sampler_parent_based(cleat_sampler_ratio(0.5)));
    cleat_span_view span;
    size_t marked = 0;
    for (size_t i = 0; cleat_memory_exporter_at(it->spans, i, &span); i++) {
        cleat_slice state_text = span.trace_state;
        marked += state_text.size >= 6 && memcmp(state_text.data, "ot=rv:", 6) == 0;
    }
    assert_int_equal(marked, 0);
}

/* The own provider follows links unless told not to. */
static size_t sampled_by_own_provider(sdk_fixture *it, cleat_switch across)
{
    static const char unsampled[] = "{\"traceparent\":\"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-"
                                    "00\",\"cleat__trace\":\"link\"}";
    cleat_run_id id;
    start_nothing(it);
    sdk_stop(it);
    assert_int_equal(cleat_client_run_no_wait(it->client, "mail:send", NULL,
                                              CLEAT_RUN_OPTIONS(.metadata = unsampled), &id),
                     CLEAT_OK);
    instrument(it, CLEAT_INSTRUMENTOR_OPTIONS(.sampling_across_links = across));
    start_nothing(it);
    sdk_wait(it, &id, CLEAT_RUN_COMPLETED, "null");
    sdk_stop(it);
    cleat_instrumentor_free(it->instrumentor);
    it->instrumentor = NULL;
    return stored_spans(it, &id);
}

static void test_own_provider_follows_links(void **state)
{
    assert_int_equal(sampled_by_own_provider(*state, CLEAT_SWITCH_DEFAULT), 0);
    assert_int_equal(sampled_by_own_provider(*state, CLEAT_SWITCH_OFF), 2); /* and its wait in the queue */
}

static void test_sdk_disabled(void **state)
{
    sdk_fixture *it = *state;
    assert_int_equal(setenv("OTEL_SDK_DISABLED", "true", 1), 0);
    instrument(it, NULL);
    assert_int_equal(unsetenv("OTEL_SDK_DISABLED"), 0);
    start_nothing(it);
    cleat_run_id id = run_one(it);
    assert_int_equal(cleat_instrumentor_flush(it->instrumentor, 300000), CLEAT_OK);
    assert_int_equal(stored_spans(it, &id), 0);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, sdk_set_up, sdk_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_spans_reach_the_collector),
        TEST(test_free_flushes),
        TEST(test_batch_options_reach_the_processor),
        TEST(test_without_collector_context_propagates),
        TEST(test_exporter_for_a_provider_of_ones_own),
        TEST(test_one_per_client),
        TEST(test_bad_arguments),
        TEST(test_provider_outlives_the_client),
        TEST(test_two_clients_do_not_mix),
        TEST(test_excluded_attributes),
        TEST(test_variables),
        TEST(test_options_win_over_variables),
        TEST(test_malformed_variable),
        TEST(test_linked_runs_are_sampled_whole),
        TEST(test_sampling_across_links_off),
        TEST(test_own_provider_follows_links),
        TEST(test_sdk_disabled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
