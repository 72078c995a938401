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
#include "otlp/received.h"
#include "support/bench.h"
#include "support/spans_request.h"

#include <inttypes.h>

enum { PRODUCERS = 2, CALLS_MAX = 1000000 };
#define FILE_NAME "bench-ingest.db"

static void check(cleat_status status)
{
    if (status != CLEAT_OK) {
        fprintf(stderr, "bench/ingest: %s\n", cleat_error_message());
        exit(1);
    }
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
    bench.stored += BENCH_SPANS;
}

static cleat__otlp_received *next_request(cleat__random *random)
{
    cleat__buffer body = {0};
    cleat__otlp_received *received = NULL;
    bench_spans_append(random, &body);
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
    bench_spans_make();
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
           bench_spans_size() / BENCH_SPANS, most_mib, (uint64_t)bench.refused);
    double middle = bench_percentile(waits, wait_count, 50), high = bench_percentile(waits, wait_count, 99);
    printf("%-28s %9.2f ms p50, %.2f ms p99\n", "a call behind it", middle, high);
    remove_file();
    bench_spans_free();
    return 0;
}
