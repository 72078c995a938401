/*
 * What a sampler costs when it is asked, without the span: nanoseconds per call, medians, the empty
 * call taken off.
 */
#include "support/bench.h"

#include <cleat/trace.h>

enum { RUNS = 9, ASKS = 2000000, IDS = 1024 };

static cleat_trace_id ids[IDS];
static uint64_t sampled;

static double measure(cleat_sampler *sampler, cleat_sampling_arguments arguments)
{
    static const cleat_span_context none;
    double runs[RUNS];
    cleat_sampling_result result;
    if (arguments.parent_span_context == NULL) {
        arguments.parent_span_context = &none;
    }
    for (int run = 0; run < RUNS; run++) {
        int64_t start = bench_thread_cpu_ns();
        for (size_t i = 0; i < ASKS; i++) {
            arguments.trace_id = ids[i % IDS];
            result.decision = CLEAT_SAMPLING_DROP;
            result.sets_trace_state = false;
            sampler->should_sample(sampler, &arguments, &result);
            sampled += result.decision;
        }
        runs[run] = (double)(bench_thread_cpu_ns() - start) / ASKS;
    }
    return bench_median(runs, RUNS);
}

static void sample_nothing(cleat_sampler *self, const cleat_sampling_arguments *arguments,
                           cleat_sampling_result *result)
{
    (void)self;
    (void)arguments;
    (void)result;
}

static double empty_call_ns;

static void report(const char *name, cleat_sampler *sampler, cleat_sampling_arguments arguments)
{
    if (sampler == NULL) {
        fprintf(stderr, "bench/sampler: %s\n", cleat_error_message());
        exit(1);
    }
    printf("%-52s %6.1f\n", name, measure(sampler, arguments) - empty_call_ns);
    if (sampler->free != NULL) {
        sampler->free(sampler);
    }
}

/* `text` as its tracestate, which has to live as long as it is asked about. */
static cleat_sampling_arguments child_of(cleat_span_context *parent, uint8_t flags, const char *text)
{
    memset(parent, 0, sizeof(*parent));
    parent->trace_id = ids[0];
    parent->span_id.bytes[0] = 1;
    parent->trace_flags = flags | CLEAT_TRACE_FLAG_RANDOM;
    cleat_trace_state_parse(parent, cleat_slice_of(text));
    return (cleat_sampling_arguments){
        .parent_span_context = parent,
        .trace_state = {parent->trace_state, parent->trace_state_size},
    };
}

int main(void)
{
    static cleat_sampler empty = {sample_nothing, NULL, NULL};
    cleat_span_context parent, linked;
    const cleat_sampling_arguments root = {.links = NULL};
    uint64_t random = 1;
    for (size_t i = 0; i < IDS; i++) {
        for (size_t byte = 0; byte < sizeof(ids[i].bytes); byte++) {
            random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            ids[i].bytes[byte] = (uint8_t)(random >> 56);
        }
    }
    bench_print_machine();
    empty_call_ns = measure(&empty, root);
    printf("# nanoseconds per call, %.1f for the empty call taken off\n", empty_call_ns);
    report("always off", cleat_sampler_always_off(), root);
    report("always on", cleat_sampler_always_on(), root);
    report("parent based, parent not sampled", cleat_sampler_parent_based(NULL), child_of(&parent, 0, ""));
    report("parent based, parent sampled", cleat_sampler_parent_based(NULL), child_of(&parent, 1, ""));
    report("parent based, root: always on", cleat_sampler_parent_based(NULL), root);
    report("parent based, root: link based: always on",
           cleat_sampler_parent_based(cleat_sampler_link_based(NULL)), root);
    report("ratio 0.01, root", cleat_sampler_ratio(0.01), root);
    report("ratio 0.01, ot=rv and th in the tracestate", cleat_sampler_ratio(0.01),
           child_of(&parent, 1, "ot=th:fd70a;rv:ffffffffffffff,vendor=value"));
    report("rate limited, hardly any", cleat_sampler_rate_limited(10, NULL), root);
    report("rate limited, all", cleat_sampler_rate_limited(1e9, NULL), root);
    report("composite ratio 0.01, root", cleat_sampler_composite(cleat_composable_ratio(0.01)), root);
    report("composite parent threshold", cleat_sampler_composite(cleat_composable_parent_threshold(NULL)),
           child_of(&parent, 1, "ot=th:fd70a;rv:ffffffffffffff,vendor=value"));

    child_of(&linked, 1, "");
    const cleat_link link = {&linked, NULL, 0};
    const cleat_sampling_arguments root_with_link = {.links = &link, .link_count = 1};
    report("link based, no tracestate", cleat_sampler_link_based(NULL), root_with_link);
    child_of(&linked, 1, "ot=th:8;rv:ffffffffffffff");
    report("link based, th and rv", cleat_sampler_link_based(NULL), root_with_link);
    return sampled == 0;
}
