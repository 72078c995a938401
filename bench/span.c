/*
 * What a span costs the thread that makes it. One thread unless said; batch processor and an
 * exporter that does nothing; medians of several runs. Nothing may be allocated while measuring and
 * no span lost: both are counted and said.
 */
#include "support/bench.h"

#include <cleat/trace.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>

enum { RUNS = 9, SPANS = 200000, WARM_UP = 50000, QUEUE = 65536, BATCH = 8192 };

/* ---- Counting what is allocated ---- */

static atomic_uint_fast64_t allocations;

static void *count_malloc(void *user_data, size_t size)
{
    (void)user_data;
    atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
    return malloc(size);
}

static void *count_realloc(void *user_data, void *block, size_t size)
{
    (void)user_data;
    atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
    return realloc(block, size);
}

static void count_free(void *user_data, void *block)
{
    (void)user_data;
    free(block);
}

/* ---- An exporter that does nothing, or nothing for a while ---- */

static atomic_bool is_held, is_inside;

static cleat_status ignore_spans(cleat_span_exporter *self, const cleat_span_batch *batch, int64_t timeout_ms)
{
    (void)self;
    (void)batch;
    (void)timeout_ms;
    atomic_store(&is_inside, true);
    while (atomic_load(&is_held)) {
        usleep(1000);
    }
    return CLEAT_OK;
}

static cleat_span_exporter null_exporter = {.export_spans = ignore_spans};

/* ---- What is measured ---- */

static cleat_tracer *tracer;
static cleat_span_context linked = {
    .trace_id = {{1}},
    .span_id = {{2}},
    .trace_flags = CLEAT_TRACE_FLAG_SAMPLED,
};

static void bare(void)
{
    cleat_span_end(cleat_span_start(tracer, "compress", NULL));
}

static void set_five(cleat_span span, int64_t number)
{
    cleat_span_set_string(span, "http.request.method", "aaaaaaaaaaaaaaaaaaaa");
    cleat_span_set_string(span, "url.path", "bbbbbbbbbbbbbbbbbbbb");
    cleat_span_set_string(span, "server.address", "cccccccccccccccccccc");
    cleat_span_set_int(span, "server.port", number);
    cleat_span_set_bool(span, "retry", true);
}

static void five_attributes(void)
{
    cleat_span span = cleat_span_start(tracer, "compress", NULL);
    set_five(span, 8080);
    cleat_span_end(span);
}

static void five_attributes_and_link(void)
{
    const cleat_link link = {.context = &linked};
    cleat_span span =
        cleat_span_start(tracer, "compress", CLEAT_SPAN_OPTIONS(.links = &link, .link_count = 1));
    set_five(span, 8080);
    cleat_span_end(span);
}

static void at_start(void)
{
    const cleat_link link = {.context = &linked};
    const cleat_attribute attributes[] = {
        cleat_attribute_string("http.request.method", "aaaaaaaaaaaaaaaaaaaa"),
        cleat_attribute_string("url.path", "bbbbbbbbbbbbbbbbbbbb"),
        cleat_attribute_string("server.address", "cccccccccccccccccccc"),
        cleat_attribute_int("server.port", 8080),
        cleat_attribute_bool("retry", true),
    };
    cleat_span_end(cleat_span_start(
        tracer, "compress",
        CLEAT_SPAN_OPTIONS(.attributes = attributes, .attribute_count = 5, .links = &link, .link_count = 1)));
}

static void read_clock(void)
{
    static volatile int64_t sink;
    (void)sink;
    sink = bench_now_ns();
}

/* ---- Measuring ---- */

typedef struct cost {
    double wall_ns;
    double cpu_ns; /* of the measuring thread: the same on a machine that does nothing else */
} cost;

static cost clock_cost;

static cost measure(void (*work)(void), cleat_tracer_provider *provider, size_t repeats)
{
    double wall[RUNS], cpu[RUNS];
    for (size_t i = 0; i < WARM_UP; i++) {
        work();
    }
    for (int run = 0; run < RUNS; run++) {
        if (provider != NULL) {
            cleat_tracer_provider_force_flush(provider, 10000); /* not part of the work */
        }
        int64_t start = bench_now_ns(), cpu_start = bench_thread_cpu_ns();
        for (size_t i = 0; i < repeats; i++) {
            work();
        }
        cpu[run] = (double)(bench_thread_cpu_ns() - cpu_start) / (double)repeats;
        wall[run] = (double)(bench_now_ns() - start) / (double)repeats;
    }
    return (cost){bench_median(wall, RUNS), bench_median(cpu, RUNS)};
}

typedef struct setup {
    cleat_tracer_provider *provider; /* NULL: none */
    cleat_span_processor *processor;
} bench_setup;

static bench_setup set_up(cleat_sampler *sampler)
{
    bench_setup made = {NULL, NULL};
    cleat_status status =
        cleat_tracer_provider_new(CLEAT_TRACER_PROVIDER_OPTIONS(.sampler = sampler), &made.provider);
    if (status == CLEAT_OK) {
        status = cleat_batch_processor_new(
            &null_exporter,
            CLEAT_BATCH_PROCESSOR_OPTIONS(.max_queue_size = QUEUE, .max_export_batch_size = BATCH),
            &made.processor);
    }
    if (status == CLEAT_OK) {
        status = cleat_tracer_provider_add_processor(made.provider, made.processor);
    }
    if (status != CLEAT_OK) {
        fprintf(stderr, "bench/span: %s\n", cleat_error_message());
        exit(1);
    }
    cleat_tracer_provider_set_global(made.provider);
    return made;
}

/* The queue as full as it gets and a batch with the exporter, so that all memory is there. Work that
 * makes no spans has nothing to wait for. */
static void fill_up(const bench_setup *setup, void (*work)(void))
{
    atomic_store(&is_inside, false);
    atomic_store(&is_held, true);
    for (size_t i = 0; i < BATCH + BATCH / 2; i++) {
        work();
    }
    for (int i = 0; i < 100 && !atomic_load(&is_inside); i++) {
        usleep(1000);
    }
    for (size_t i = 0; i < QUEUE; i++) {
        work();
    }
    atomic_store(&is_held, false);
    cleat_tracer_provider_force_flush(setup->provider, 10000);
}

static void report(const char *name, const bench_setup *setup, void (*work)(void), double aim)
{
    cleat_batch_processor_stats before = {0}, after = {0};
    fill_up(setup, work);
    cleat_batch_processor_get_stats(setup->processor, &before);
    uint64_t allocated = atomic_load(&allocations);
    cost cost_of = measure(work, setup->provider, SPANS);
    allocated = atomic_load(&allocations) - allocated;
    cleat_batch_processor_get_stats(setup->processor, &after);
    printf("%-43s %6.1f %6.1f  %4.0f  %6.1f  %6" PRIu64 "  %6" PRIu64 "\n", name, cost_of.wall_ns,
           cost_of.cpu_ns, aim, cost_of.cpu_ns / clock_cost.cpu_ns, allocated,
           after.dropped_full - before.dropped_full);
}

/* ---- Several threads ---- */

static void *run_thread(void *argument)
{
    (void)argument;
    for (size_t i = 0; i < SPANS; i++) {
        five_attributes_and_link();
    }
    return NULL;
}

static double spans_per_second(int threads)
{
    double runs[RUNS];
    for (int run = 0; run < RUNS; run++) {
        pthread_t ids[8];
        int64_t start = bench_now_ns();
        for (int i = 0; i < threads; i++) {
            pthread_create(&ids[i], NULL, run_thread, NULL);
        }
        for (int i = 0; i < threads; i++) {
            pthread_join(ids[i], NULL);
        }
        runs[run] = (double)threads * SPANS / ((double)(bench_now_ns() - start) / 1e9);
    }
    return bench_median(runs, RUNS);
}

static void report_threads(const bench_setup *setup)
{
    cleat_batch_processor_stats before, after;
    cleat_batch_processor_get_stats(setup->processor, &before);
    double one = spans_per_second(1), two = spans_per_second(2);
    cleat_tracer_provider_force_flush(setup->provider, 10000);
    cleat_batch_processor_get_stats(setup->processor, &after);
    printf("one thread, five attributes and a link       %8.0f spans/s\n", one);
    printf("two threads                                  %8.0f spans/s, %.2f times as many  %" PRIu64
           " dropped\n",
           two, two / one, after.dropped_full - before.dropped_full);
}

int main(void)
{
    cleat_set_allocator(&(cleat_allocator){NULL, count_malloc, count_realloc, count_free});
    setlinebuf(stdout);
    bench_print_machine();
    printf("# medians of %d runs of %d spans; queue %d, batch %d\n", RUNS, SPANS, QUEUE, BATCH);
    clock_cost = measure(read_clock, NULL, SPANS);
    printf("%-43s %6s %6s  %4s  %6s  %6s  %6s\n", "# nanoseconds", "wall", "cpu", "aim", "clocks", "allocs",
           "drops");
    printf("%-43s %6.1f %6.1f\n", "one clock read", clock_cost.wall_ns, clock_cost.cpu_ns);

    tracer = cleat_tracer_get("bench", "1");
    bench_setup none = {NULL, NULL};
    report("no provider: start, five attributes, end", &none, five_attributes, 20);

    bench_setup sampled = set_up(NULL);
    report("start, end", &sampled, bare, 120);
    report("start, five attributes, end", &sampled, five_attributes, 250);
    report("start with a link, five attributes, end", &sampled, five_attributes_and_link, 250);
    report("start with a link and five attributes, end", &sampled, at_start, 250);
    report_threads(&sampled);
    cleat_tracer_provider_free(sampled.provider);

    bench_setup dropped = set_up(cleat_sampler_always_off());
    report("not sampled: start, end", &dropped, bare, 20);
    report("not sampled: link, five attributes", &dropped, five_attributes_and_link, 20);
    cleat_tracer_provider_free(dropped.provider);
    printf("resident memory %.1f MiB\n", bench_resident_mib());
    return 0;
}
