/*
 * What comes in as OTLP: requests of 512 spans with eight attributes, eight spans a trace, through the
 * collector's queue into the file. Reading the requests is part of it, receiving them is not. Beside it,
 * how long a call on the engine's thread waits meanwhile, which is what a dispatch does.
 *
 *     bench/ingest [SECONDS [MIB]]
 *
 * MIB: how much is kept, 1,024 by default; from then on as much is removed as comes in.
 */
#include "base/thread.h"
#include "collector/collector.h"
#include "engine/engine.h"
#include "otlp/request.h"
#include "support/bench.h"
#include "trace/batch.h"

#include <cleat/trace.h>
#include <inttypes.h>

enum { BATCH = 512, TRACE = 8, PRODUCERS = 2, CALLS_MAX = 1000000 };
#define FILE_NAME "bench-ingest.db"

static void check(cleat_status status)
{
    if (status != CLEAT_OK) {
        fprintf(stderr, "bench/ingest: %s\n", cleat_error_message());
        exit(1);
    }
}

/* ---- A request to be sent again and again, with other ids ---- */

typedef struct request_template {
    cleat__buffer body;
    size_t records[BATCH]; /* where each begins: trace id at 2, span id at 20 */
    size_t count;
} request_template;

static request_template template;

static cleat_status take_template(cleat_span_exporter *self, const cleat_span_batch *batch,
                                  int64_t timeout_ms)
{
    cleat__otlp_request request = {0};
    cleat__otlp_received *received = NULL;
    cleat__buffer copy = {0};
    size_t cursor = 0;
    (void)self;
    (void)timeout_ms;
    check(cleat__otlp_request_build(&request, batch, &cursor, SIZE_MAX));
    for (size_t i = 0; i < request.piece_count; i++) {
        cleat__buffer_append_slice(&template.body, request.pieces[i]);
    }
    cleat__otlp_request_deinit(&request);
    cleat__buffer_append(&copy, template.body.data, template.body.size);
    const uint8_t *begin = copy.data;
    check(cleat__otlp_received_new(&copy, NULL, &received));
    for (size_t i = 0; i < received->batch.count; i++) {
        cleat_slice record = cleat__batch_record(&received->batch.entries[i]);
        template.records[template.count++] = (size_t)((const uint8_t *)record.data - begin);
    }
    cleat__otlp_received_release(received);
    return CLEAT_OK;
}

static void make_span(cleat_tracer *tracer)
{
    cleat_span span = cleat_span_start(tracer, "GET /orders/{id}", NULL);
    cleat_span_set_string(span, "http.request.method", "GET");
    cleat_span_set_string(span, "url.path", "/orders/1234567");
    cleat_span_set_string(span, "url.scheme", "https");
    cleat_span_set_string(span, "server.address", "orders.example");
    cleat_span_set_int(span, "server.port", 8443);
    cleat_span_set_int(span, "http.response.status_code", 200);
    cleat_span_set_string(span, "user_agent.original", "curl/7.88.1");
    cleat_span_set_bool(span, "cached", false);
    cleat_span_end(span);
}

static void make_template(void)
{
    static cleat_span_exporter exporter = {.export_spans = take_template};
    cleat_tracer_provider *provider = NULL;
    cleat_span_processor *processor = NULL;
    check(cleat_tracer_provider_new(NULL, &provider));
    check(cleat_batch_processor_new(&exporter, CLEAT_BATCH_PROCESSOR_OPTIONS(.max_export_batch_size = BATCH),
                                    &processor));
    check(cleat_tracer_provider_add_processor(provider, processor));
    cleat_tracer *tracer = cleat_tracer_provider_get_tracer(provider, "bench", NULL);
    for (int i = 0; i < BATCH; i++) {
        make_span(tracer);
    }
    check(cleat_tracer_provider_force_flush(provider, 10000));
    cleat_tracer_provider_free(provider);
}

/* ---- Producers ---- */

static struct {
    cleat__engine *engine;
    cleat__collector *collector;
    _Atomic bool is_over;
    _Atomic uint64_t stored, refused;
} bench;

static void stored(void *argument, cleat_status status)
{
    (void)argument;
    check(status);
    bench.stored += template.count;
}

static cleat__otlp_received *next_request(cleat__random *random)
{
    cleat__buffer body = {0};
    cleat__otlp_received *received = NULL;
    uint64_t trace[2] = {0, 0};
    cleat__buffer_append(&body, template.body.data, template.body.size);
    for (size_t i = 0; i < template.count; i++) {
        uint64_t span = cleat__random_next(random);
        if (i % TRACE == 0) {
            trace[0] = cleat__random_next(random);
            trace[1] = cleat__random_next(random);
        }
        memcpy(body.data + template.records[i] + 2, trace, sizeof(trace));
        memcpy(body.data + template.records[i] + 20, &span, sizeof(span));
    }
    check(cleat__otlp_received_new(&body, NULL, &received));
    return received;
}

static void wait_ms(int64_t milliseconds)
{
    struct timespec time = {.tv_nsec = (long)milliseconds * 1000000};
    nanosleep(&time, NULL);
}

/* As a server does: what is refused is offered again later. */
static void *produce(void *argument)
{
    cleat__random random;
    cleat__random_init(&random, (uint64_t)(uintptr_t)argument);
    while (!bench.is_over) {
        cleat__otlp_received *received = next_request(&random);
        cleat_status status = CLEAT_RESOURCE_EXHAUSTED;
        while (status == CLEAT_RESOURCE_EXHAUSTED && !bench.is_over) {
            status = cleat__collector_submit(bench.collector, 1, cleat__otlp_received_retain(received),
                                             stored, NULL);
            if (status == CLEAT_RESOURCE_EXHAUSTED) {
                bench.refused++;
                wait_ms(20);
            } else {
                check(status);
            }
        }
        cleat__otlp_received_release(received);
    }
    return NULL;
}

/* ---- What others on the engine's thread notice ---- */

static cleat_status do_nothing(cleat__store *store, void *argument)
{
    (void)store;
    (void)argument;
    return CLEAT_OK;
}

static double waits[CALLS_MAX];
static size_t wait_count;

static void *call(void *argument)
{
    (void)argument;
    while (!bench.is_over && wait_count < CALLS_MAX) {
        int64_t start = bench_now_ns();
        check(cleat__engine_call(bench.engine, do_nothing, NULL));
        waits[wait_count++] = (double)(bench_now_ns() - start) / 1e6;
        wait_ms(10);
    }
    return NULL;
}

static void remove_file(void)
{
    unlink(FILE_NAME);
    unlink(FILE_NAME "-wal");
    unlink(FILE_NAME "-shm");
}

int main(int count, char **arguments)
{
    int64_t seconds = count > 1 ? atoi(arguments[1]) : 10;
    pthread_t producers[PRODUCERS], caller;
    setlinebuf(stdout);
    bench_print_machine();
    make_template();
    remove_file();
    check(cleat__engine_open(&(cleat__engine_options){.path = FILE_NAME}, &bench.engine));
    const cleat__collector_options options = {
        .retention_bytes = count > 2 ? (int64_t)atoi(arguments[2]) << 20 : 0,
    };
    check(cleat__collector_new(bench.engine, &options, &bench.collector));
    int64_t start = bench_now_ns(), cpu_start = bench_cpu_ns();
    for (uintptr_t i = 0; i < PRODUCERS; i++) {
        check(cleat__thread_start(&producers[i], "producer", produce, (void *)(i + 1)));
    }
    check(cleat__thread_start(&caller, "caller", call, NULL));
    double most_mib = 0;
    while (bench_now_ns() - start < seconds * 1000000000) {
        wait_ms(100);
        double mib = bench_resident_mib();
        most_mib = mib > most_mib ? mib : most_mib;
    }
    double wall = (double)(bench_now_ns() - start) / 1e9, cpu = (double)(bench_cpu_ns() - cpu_start) / 1e9;
    uint64_t spans = bench.stored;
    bench.is_over = true;
    for (int i = 0; i < PRODUCERS; i++) {
        pthread_join(producers[i], NULL);
    }
    pthread_join(caller, NULL);
    check(cleat__collector_stop(bench.collector, 60000));
    cleat__collector_free(bench.collector);
    cleat__engine_close(bench.engine);
    printf("%-28s %9.0f spans/s  (aim 50000)  %.1f us CPU/span, %zu bytes/span, at most %.0f MiB resident "
           "(aim 300), %" PRIu64 " times refused\n",
           "OTLP into the file", (double)spans / wall, cpu * 1e6 / (double)spans,
           template.body.size / template.count, most_mib, (uint64_t)bench.refused);
    double middle = bench_percentile(waits, wait_count, 50), high = bench_percentile(waits, wait_count, 99);
    printf("%-28s %9.2f ms p50, %.2f ms p99\n", "a call behind it", middle, high);
    remove_file();
    cleat__buffer_deinit(&template.body);
    return 0;
}
