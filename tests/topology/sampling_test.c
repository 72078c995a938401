/*
 * A run of several linked traces is kept or dropped as one: 1,000 runs of 5 hops through a real
 * provider with a ratio sampler, with and without the link-based sampler.
 */
#include "topology/topology.h"

#include <cleat/trace.h>

#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

#define RUNS  1000
#define HOPS  5
#define RATIO 0.3

static cleat_tracer_provider *provider_of(cleat_sampler *sampler)
{
    cleat_tracer_provider *provider = NULL;
    assert_non_null(sampler);
    assert_int_equal(cleat_tracer_provider_new(CLEAT_TRACER_PROVIDER_OPTIONS(.sampler = sampler), &provider),
                     CLEAT_OK);
    return provider;
}

/* Starts what a consumer starts after reading `carrier`; answers whether it is sampled. */
static bool hop(cleat_tracer *tracer, cleat_carrier *carrier)
{
    cleat_text_map map = cleat_carrier_text_map(carrier);
    cleat__decision_input input = {.mode = CLEAT_TRACE_LINK, .sampling_across_links = true};
    cleat__decision decision;
    cleat_link links[2];
    cleat__carrier_read(&map, &input.carrier);
    cleat__decide(&input, &decision);
    for (size_t i = 0; i < decision.link_count; i++) {
        links[i] = (cleat_link){.context = &decision.links[i].context};
    }
    cleat_span span = cleat_span_start(
        tracer, "hop",
        CLEAT_SPAN_OPTIONS(.root = true, .links = links, .link_count = decision.link_count,
                           .trace_state = {decision.root.trace_state, decision.root.trace_state_size}));
    cleat_span_context spawn;
    cleat_span_get_context(span, &spawn);
    const cleat__injection injection = {.spawn = &spawn, .origin = &decision.origin};
    assert_int_equal(cleat__carrier_write(&map, &injection), CLEAT_OK);
    assert_int_equal(cleat_span_end(span), CLEAT_OK);
    return cleat_span_context_is_sampled(&spawn);
}

/* Answers how many of the runs were sampled; fails when one was in part. */
static size_t run_all(cleat_tracer_provider *provider)
{
    cleat_tracer *tracer = cleat_tracer_provider_get_tracer(provider, "test", NULL);
    size_t whole = 0;
    for (size_t run = 0; run < RUNS; run++) {
        cleat_carrier *carrier = NULL;
        size_t sampled = 0;
        assert_int_equal(cleat_carrier_new(&carrier), CLEAT_OK);
        for (size_t i = 0; i < HOPS; i++) {
            sampled += hop(tracer, carrier);
        }
        if (sampled != 0 && sampled != HOPS) {
            fail_msg("run %zu: %zu of %d hops sampled", run, sampled, HOPS);
        }
        whole += sampled == HOPS;
        cleat_carrier_free(carrier);
    }
    cleat_tracer_provider_free(provider);
    return whole;
}

/* 0.3 of 1,000 with a standard deviation of 14.5: six of them either way. */
static void assert_plausible(size_t sampled)
{
    assert_in_range(sampled, 213, 387);
}

static void test_link_based(void **state)
{
    (void)state;
    cleat_sampler *sampler = cleat_sampler_parent_based(cleat_sampler_link_based(cleat_sampler_ratio(RATIO)));
    assert_plausible(run_all(provider_of(sampler)));
}

static void test_randomness_alone(void **state)
{
    (void)state;
    assert_plausible(run_all(provider_of(cleat_sampler_parent_based(cleat_sampler_ratio(RATIO)))));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_link_based),
        cmocka_unit_test(test_randomness_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
