/* The collector on a running engine. */
#include "recorder.h"

#include "base/clock.h"
#include "engine/engine.h"

#include <stdlib.h>
#include <unistd.h>

typedef struct fixture {
    cleat_span_exporter base; /* first: hands each batch to the collector, twice when asked to */
    cleat__engine *engine;
    cleat__collector *collector;
    int times;
    cleat_status status;
    cleat_tracer_provider *provider;
    cleat_tracer *tracer;
} fixture;

static cleat_status export_spans(cleat_span_exporter *self, const cleat_span_batch *batch, int64_t timeout_ms)
{
    fixture *f = (fixture *)self;
    (void)timeout_ms;
    for (int i = 0; i < f->times; i++) {
        f->status = cleat__collector_ingest(f->collector, CLEAT__TENANT_DEFAULT, batch);
    }
    return f->status;
}

static int set_up_with(void **state, const cleat__collector_options *options)
{
    fixture *f = calloc(1, sizeof(*f));
    cleat_span_processor *processor = NULL;
    f->base = (cleat_span_exporter){.export_spans = export_spans,
                                    .force_flush = recorder_nothing,
                                    .shutdown = recorder_nothing,
                                    .free = recorder_keep};
    f->times = 1;
    assert_int_equal(cleat__engine_open(&(cleat__engine_options){.path = "test.db"}, &f->engine), CLEAT_OK);
    assert_int_equal(cleat__collector_new(f->engine, options, &f->collector), CLEAT_OK);
    assert_int_equal(cleat_tracer_provider_new(
                         CLEAT_TRACER_PROVIDER_OPTIONS(.sampler = cleat_sampler_always_on()), &f->provider),
                     CLEAT_OK);
    assert_int_equal(cleat_batch_processor_new(&f->base,
                                               CLEAT_BATCH_PROCESSOR_OPTIONS(.max_queue_size = 10000,
                                                                             .max_export_batch_size = 1000,
                                                                             .schedule_delay_ms = 3600000),
                                               &processor),
                     CLEAT_OK);
    assert_int_equal(cleat_tracer_provider_add_processor(f->provider, processor), CLEAT_OK);
    f->tracer = cleat_tracer_provider_get_tracer(f->provider, "test", NULL);
    *state = f;
    return 0;
}

static int set_up(void **state)
{
    return set_up_with(state, NULL);
}

static int set_up_small(void **state)
{
    return set_up_with(state, &(cleat__collector_options){.retention_bytes = 50000});
}

static int set_up_short(void **state)
{
    return set_up_with(state, &(cleat__collector_options){.retention_ms = 60000});
}

static int set_up_for_ever(void **state)
{
    return set_up_with(state, &(cleat__collector_options){.retention_ms = INT64_MAX});
}

static int tear_down(void **state)
{
    fixture *f = *state;
    cleat_tracer_provider_free(f->provider);
    cleat__collector_free(f->collector);
    cleat__engine_close(f->engine);
    unlink("test.db");
    free(f);
    return 0;
}

static int64_t count(const char *sql)
{
    cleat__store *store = NULL;
    assert_int_equal(cleat__store_open("test.db", CLEAT__STORE_READ, &store), CLEAT_OK);
    int64_t value = query_int(store, sql);
    cleat__store_close(store);
    return value;
}

static void make_spans(fixture *f, int spans, int64_t start_ns)
{
    for (int i = 0; i < spans; i++) {
        cleat_span span =
            cleat_span_start(f->tracer, "work", CLEAT_SPAN_OPTIONS(.root = true, .start_time_ns = start_ns));
        cleat_span_end_at(span, start_ns + 1000);
    }
    assert_int_equal(cleat_tracer_provider_force_flush(f->provider, 300000), CLEAT_OK);
    assert_int_equal(f->status, CLEAT_OK);
}

static void test_ingests_more_than_a_piece(void **state)
{
    fixture *f = *state;
    make_spans(f, 1, cleat__clock_unix_ns(NULL));
    make_spans(f, 64, cleat__clock_unix_ns(NULL));
    make_spans(f, 777, cleat__clock_unix_ns(NULL));
    assert_int_equal(count("SELECT count(*) FROM span"), 842);
    assert_int_equal(count("SELECT spans FROM span_total"), 842);
}

static void test_ingesting_again_changes_nothing(void **state)
{
    fixture *f = *state;
    f->times = 2; /* an exporter that retries after a timeout does this */
    make_spans(f, 200, cleat__clock_unix_ns(NULL));
    assert_int_equal(count("SELECT count(*) FROM span"), 200);
    assert_int_equal(count("SELECT sum(span_count) FROM trace"), 200);
}

static void test_size_is_kept(void **state)
{
    fixture *f = *state;
    make_spans(f, 5000, cleat__clock_unix_ns(NULL));
    /* The limit, and what may come in between two looks at it. */
    assert_in_range(count("SELECT bytes FROM span_total"), 1, 50000 + 2100 * 400);
    make_spans(f, 5000, cleat__clock_unix_ns(NULL));
    assert_in_range(count("SELECT bytes FROM span_total"), 1, 50000 + 2100 * 400);
}

static void test_age_is_kept(void **state)
{
    fixture *f = *state;
    int64_t now_ns = cleat__clock_unix_ns(NULL);
    make_spans(f, 1000, now_ns - 120000 * CLEAT__NS_PER_MS);
    make_spans(f, 1200, now_ns);
    make_spans(f, 1200, now_ns);
    assert_int_equal(count("SELECT count(*) FROM span"), 2400);
}

static void test_an_age_beyond_all_times(void **state)
{
    fixture *f = *state;
    make_spans(f, 2000, 1000);
    make_spans(f, 2000, cleat__clock_unix_ns(NULL));
    assert_int_equal(count("SELECT count(*) FROM span"), 4000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_ingests_more_than_a_piece, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_ingesting_again_changes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_size_is_kept, set_up_small, tear_down),
        cmocka_unit_test_setup_teardown(test_age_is_kept, set_up_short, tear_down),
        cmocka_unit_test_setup_teardown(test_an_age_beyond_all_times, set_up_for_ever, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
