/* Sampling across links: by flags, and by thresholds that stay true. */
#include "sampler_test.h"

#include "trace/ot_state.h"

enum { LINKS_MAX = 3 };

/* A linked context: nothing in `flags` of one that is not there. */
typedef struct linked {
    bool is_valid, is_sampled;
    const char *trace_state;
} linked;

static size_t make_links(const linked *from, cleat_span_context contexts[LINKS_MAX],
                         cleat_link links[LINKS_MAX])
{
    memset(links, 0, LINKS_MAX * sizeof(*links));
    for (uint8_t i = 0; i < LINKS_MAX; i++) {
        contexts[i] =
            make_context((uint8_t)(0x11 * (i + 1)), from[i].is_sampled ? CLEAT_TRACE_FLAG_SAMPLED : 0);
        if (from[i].trace_state != NULL) {
            set_trace_state(&contexts[i], from[i].trace_state);
        }
        links[i].context = from[i].is_valid ? &contexts[i] : i == 0 ? NULL : &no_parent;
    }
    return LINKS_MAX;
}

static void links_decide_for_a_root(void **state)
{
    cleat_span_context sampled = make_context(1, CLEAT_TRACE_FLAG_SAMPLED), unsampled = make_context(1, 0);
    const cleat_link mixed[] = {{&unsampled, NULL, 0}, {&no_parent, NULL, 0}, {&sampled, NULL, 0}};
    const cleat_link invalid[] = {{&no_parent, NULL, 0}, {NULL, NULL, 0}};
    cleat_sampler *roots[] = {cleat_sampler_always_on(), cleat_sampler_always_off()};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(roots); i++) {
        cleat_sampler *sampler = cleat_sampler_link_based(roots[i]);
        cleat_sampling_decision of_root = i == 0 ? SAMPLE : DROP;
        assert_int_equal(ask(sampler, .links = mixed, .link_count = 3).decision, SAMPLE);
        assert_int_equal(ask(sampler, .links = mixed, .link_count = 2).decision, DROP);
        assert_int_equal(ask(sampler, .links = invalid, .link_count = 2).decision, of_root);
        assert_int_equal(ask(sampler).decision, of_root);
        assert_int_equal(ask(sampler, .links = NULL, .link_count = 2).decision, of_root);
        free_sampler(sampler);
    }
}

static const struct {
    linked links[LINKS_MAX];
    const char *before; /* tracestate of the root's options */
    cleat_sampling_decision decision;
    const char *after;
} take_overs[] = {
    /* No probability in it: nothing to say. */
    {{{true, true, NULL}}, "", SAMPLE, ""},
    {{{true, true, "a=b"}}, "", SAMPLE, ""},
    {{{true, false, NULL}}, "", DROP, ""},
    /* The randomness of trace id 11..11, and the threshold it was sampled by. */
    {{{true, true, "ot=th:0"}}, "", SAMPLE, "ot=th:0;rv:11111111111111"},
    {{{true, true, "a=b,ot=th:1"}}, "c=d", SAMPLE, "ot=th:1;rv:11111111111111,c=d"},
    {{{true, true, "ot=th:8;rv:fedcba98765432"}}, "", SAMPLE, "ot=th:8;rv:fedcba98765432"},
    {{{true, false, "ot=rv:fedcba98765432"}}, "", DROP, "ot=rv:fedcba98765432"},
    /* Sampled, but nobody says with which probability. */
    {{{true, true, "ot=rv:fedcba98765432"}}, "", SAMPLE, "ot=rv:fedcba98765432"},
    /* A threshold that its own randomness does not reach is no threshold. */
    {{{true, true, "ot=th:8"}}, "", SAMPLE, "ot=rv:11111111111111"},
    /* One run: the lowest threshold of those that were sampled. */
    {{{true, true, "ot=th:c;rv:e0000000000000"}, {true, true, "ot=th:8;rv:e0000000000000"}},
     "",
     SAMPLE,
     "ot=th:8;rv:e0000000000000"},
    {{{true, false, "ot=rv:e0000000000000"}, {true, true, "ot=th:8;rv:e0000000000000"}},
     "",
     SAMPLE,
     "ot=th:8;rv:e0000000000000"},
    {{{true, true, "ot=th:0"}, {true, true, "ot=th:1;rv:11111111111111"}},
     "",
     SAMPLE,
     "ot=th:0;rv:11111111111111"},
    {{{false, false, NULL}, {true, true, "ot=th:1;rv:11111111111111"}},
     "",
     SAMPLE,
     "ot=th:1;rv:11111111111111"},
    /* One of the run does not tell. */
    {{{true, true, "ot=rv:e0000000000000"}, {true, true, "ot=th:8;rv:e0000000000000"}},
     "",
     SAMPLE,
     "ot=rv:e0000000000000"},
    /* Several runs: sampled as the first sampled one, for which there is no threshold. */
    {{{true, false, "ot=rv:10000000000000"}, {true, true, "ot=th:8;rv:e0000000000000"}},
     "",
     SAMPLE,
     "ot=rv:e0000000000000"},
    {{{true, true, "ot=th:8;rv:f0000000000000"}, {true, true, "ot=th:8;rv:e0000000000000"}},
     "",
     SAMPLE,
     "ot=rv:f0000000000000"},
    /* The root has randomness already, which is never replaced. */
    {{{true, true, "ot=th:8;rv:e0000000000000"}},
     "ot=rv:e0000000000000",
     SAMPLE,
     "ot=th:8;rv:e0000000000000"},
    {{{true, true, "ot=th:0"}}, "ot=rv:11111111111111", SAMPLE, "ot=th:0;rv:11111111111111"},
    {{{true, true, "ot=th:8;rv:e0000000000000"}}, "ot=rv:d0000000000000", SAMPLE, "ot=rv:d0000000000000"},
    {{{true, true, NULL}}, "ot=th:8;rv:d0000000000000", SAMPLE, "ot=rv:d0000000000000"},
    {{{true, false, NULL}}, "ot=th:8", DROP, ""},
};

/* Both forms: by flags, and as a composable sampler. */
static void new_trace_takes_over_what_links_say(void **state)
{
    cleat_sampler *samplers[] = {cleat_sampler_link_based(NULL),
                                 cleat_sampler_composite(cleat_composable_link_threshold(NULL))};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(take_overs); i++) {
        cleat_span_context contexts[LINKS_MAX];
        cleat_link links[LINKS_MAX];
        size_t count = make_links(take_overs[i].links, contexts, links);
        for (size_t j = 0; j < COUNT_OF(samplers); j++) {
            cleat_sampling_result result = ask(samplers[j], .links = links, .link_count = count,
                                               .trace_state = cleat_slice_of(take_overs[i].before));
            cleat_slice after = trace_state_after(&result, take_overs[i].before);
            if (result.decision != take_overs[i].decision ||
                !cleat_slice_equals(after, cleat_slice_of(take_overs[i].after))) {
                fail_msg("case %zu of sampler %zu: %d, \"%.*s\", not \"%s\"", i, j, (int)result.decision,
                         CLEAT_SLICE_ARGS(after), take_overs[i].after);
            }
        }
    }
    for (size_t j = 0; j < COUNT_OF(samplers); j++) {
        free_sampler(samplers[j]);
    }
}

/* Somebody who asks link_based about children, too: their trace has its randomness. */
static void child_never_gets_new_randomness(void **state)
{
    cleat_span_context parent = make_context(1, CLEAT_TRACE_FLAG_SAMPLED), context = parent;
    set_trace_state(&context, "ot=th:8;rv:e0000000000000");
    const cleat_link link = {&context, NULL, 0};
    cleat_sampler *sampler = cleat_sampler_link_based(NULL);
    (void)state;
    cleat_sampling_result result =
        ask(sampler, .links = &link, .link_count = 1, .parent_span_context = &parent,
            .trace_id = parent.trace_id, .trace_state = cleat_slice_of("ot=th:0,a=b"));
    assert_int_equal(result.decision, SAMPLE);
    assert_slice(trace_state_after(&result, ""), "a=b");
    free_sampler(sampler);
}

/* ---- Many runs of many traces ---- */

enum { RUNS = 3000, HOPS = 5 };

#define RATIO 0.25

/* What a sampled span stands for. */
static double weight_of(const cleat_span_context *context)
{
    cleat__ot_state ot;
    cleat__ot_read((cleat_slice){context->trace_state, context->trace_state_size}, &ot);
    assert_true(ot.has_threshold);
    return (double)CLEAT__THRESHOLD_RANGE / (double)(CLEAT__THRESHOLD_RANGE - ot.threshold);
}

/* One trace per hop, linked to the one before and to the first; all hops sampled or none. */
static bool run_hops(cleat_tracer *tracer, double *weights)
{
    cleat_span_context origin = no_parent, before = no_parent;
    size_t sampled = 0;
    for (size_t hop = 0; hop < HOPS; hop++) {
        const cleat_link links[] = {{&before, NULL, 0}, {&origin, NULL, 0}};
        cleat_span span = cleat_span_start(
            tracer, "hop", CLEAT_SPAN_OPTIONS(.root = true, .links = links, .link_count = hop == 0 ? 0 : 2));
        cleat_span_get_context(span, &before);
        cleat_span_end(span);
        if (hop == 0) {
            origin = before;
        }
        if (cleat_span_context_is_sampled(&before)) {
            sampled++;
            weights[hop] += weight_of(&before);
        }
    }
    assert_true(sampled == 0 || sampled == HOPS);
    return sampled != 0;
}

/* Ids of a fixed seed: the figures are the same in every run. */
static void many_linked_runs(cleat_sampler *sampler)
{
    cleat__random random;
    double weights[HOPS] = {0};
    int whole = 0;
    cleat__random_init(&random, 99);
    const cleat_id_generator ids = seeded_ids(&random);
    cleat_tracer_provider *provider = NULL;
    assert_int_equal(cleat_tracer_provider_new(
                         CLEAT_TRACER_PROVIDER_OPTIONS(.sampler = sampler, .id_generator = &ids), &provider),
                     CLEAT_OK);
    cleat_tracer *tracer = cleat_tracer_provider_get_tracer(provider, "links", NULL);
    for (int run = 0; run < RUNS; run++) {
        whole += run_hops(tracer, weights);
    }
    /* 750 expected, standard deviation 24: five of them either way. */
    assert_in_range(whole, 630, 870);
    for (int hop = 0; hop < HOPS; hop++) {
        assert_true(weights[hop] == weights[0] && weights[0] == whole / RATIO);
    }
    cleat_tracer_provider_free(provider);
}

static void linked_runs_are_whole_and_weigh_right(void **state)
{
    (void)state;
    many_linked_runs(cleat_sampler_parent_based(cleat_sampler_link_based(cleat_sampler_ratio(RATIO))));
    many_linked_runs(cleat_sampler_composite(
        cleat_composable_parent_threshold(cleat_composable_link_threshold(cleat_composable_ratio(RATIO)))));
}

/* Further down somebody decides by himself: by the randomness of the first trace. */
static void a_ratio_behind_a_link_keeps_the_same_runs(void **state)
{
    cleat_sampler *first = cleat_sampler_link_based(cleat_sampler_ratio(0.5)),
                  *second = cleat_sampler_ratio(0.1);
    cleat__random random;
    int kept = 0;
    (void)state;
    cleat__random_init(&random, 5);
    for (int i = 0; i < 10000; i++) {
        uint64_t randomness = cleat__random_next(&random) >> 8;
        cleat_span_context origin = make_context(1, 0), root = make_context(2, 0);
        origin.trace_id = trace_id_with_randomness(randomness);
        cleat_sampling_result result = ask(first, .trace_id = origin.trace_id);
        origin.trace_flags = result.decision == SAMPLE ? CLEAT_TRACE_FLAG_SAMPLED : 0;
        if (result.decision != SAMPLE) {
            continue;
        }
        cleat_slice text = trace_state_after(&result, "");
        assert_int_equal(cleat_trace_state_parse(&origin, text), CLEAT_OK);
        const cleat_link link = {&origin, NULL, 0};
        result = ask(first, .trace_id = root.trace_id, .links = &link, .link_count = 1);
        cleat_span_context after = result.trace_state_of;
        result = ask(second, .trace_id = root.trace_id, .parent_span_context = &root,
                     .trace_state = {after.trace_state, after.trace_state_size});
        assert_int_equal(result.decision, randomness >= cleat__threshold_of_ratio(0.1) ? SAMPLE : DROP);
        kept += result.decision == SAMPLE;
    }
    assert_in_range(kept, 850, 1150); /* standard deviation 30 */
    free_sampler(first);
    free_sampler(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(links_decide_for_a_root),
        cmocka_unit_test(new_trace_takes_over_what_links_say),
        cmocka_unit_test(child_never_gets_new_randomness),
        cmocka_unit_test(linked_runs_are_whole_and_weigh_right),
        cmocka_unit_test(a_ratio_behind_a_link_keeps_the_same_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
