/* Source: OpenTelemetry specification, "ComposableRuleBased". */
#include "base/alloc.h"
#include "base/error.h"
#include "sampler.h"

typedef struct rule_sampler {
    cleat_composable_sampler base;
    size_t count;
    char *description;
    cleat_sampling_rule rules[]; /* without their names, which the description has */
} rule_sampler;

static void intend_by_rule(cleat_composable_sampler *self, const cleat_sampling_arguments *arguments,
                           cleat_sampling_intent *intent)
{
    const rule_sampler *sampler = (const rule_sampler *)self;
    for (size_t i = 0; i < sampler->count; i++) {
        const cleat_sampling_rule *rule = &sampler->rules[i];
        if (rule->matches == NULL || rule->matches(rule->user_data, arguments)) {
            rule->sampler->get_intent(rule->sampler, arguments, intent);
            return;
        }
    }
}

static const char *describe(cleat_composable_sampler *self)
{
    return ((rule_sampler *)self)->description;
}

/* A sampler that several rules have is freed once. */
static void free_samplers(const cleat_sampling_rule *rules, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool is_first = true;
        for (size_t j = 0; j < i; j++) {
            is_first = is_first && rules[j].sampler != rules[i].sampler;
        }
        if (is_first) {
            cleat__composable_free(rules[i].sampler);
        }
    }
}

static void free_rules(cleat_composable_sampler *self)
{
    rule_sampler *sampler = (rule_sampler *)self;
    free_samplers(sampler->rules, sampler->count);
    cleat__free(sampler->description);
    cleat__free(sampler);
}

/* "ComposableRuleBased{health=ComposableAlwaysOff,?=ComposableAlwaysOn}" */
static char *describe_rules(const cleat_sampling_rule *rules, const rule_sampler *sampler)
{
    char *text = cleat__sampler_text("ComposableRuleBased{");
    for (size_t i = 0; text != NULL && i < sampler->count; i++) {
        char *longer = cleat__sampler_text("%s%s%s=%s", text, i != 0 ? "," : "",
                                           rules[i].name != NULL ? rules[i].name : "?",
                                           cleat__composable_description(sampler->rules[i].sampler));
        cleat__free(text);
        text = longer;
    }
    char *whole = text != NULL ? cleat__sampler_text("%s}", text) : NULL;
    cleat__free(text);
    return whole;
}

cleat_composable_sampler *cleat_composable_rule_based(const cleat_sampling_rule *rules, size_t count)
{
    count = rules != NULL ? count : 0;
    bool fits = count <= (SIZE_MAX - sizeof(rule_sampler)) / sizeof(*rules);
    rule_sampler *sampler = fits ? cleat__malloc(sizeof(*sampler) + count * sizeof(*rules)) : NULL;
    if (sampler == NULL) {
        cleat__fail_memory();
        free_samplers(rules, fits ? count : 0);
        return NULL;
    }
    sampler->base = (cleat_composable_sampler){intend_by_rule, describe, free_rules};
    sampler->count = count;
    for (size_t i = 0; i < count; i++) {
        sampler->rules[i] = rules[i];
        sampler->rules[i].name = NULL;
        if (rules[i].sampler == NULL) {
            sampler->rules[i].sampler = cleat_composable_always_off();
        }
    }
    sampler->description = describe_rules(rules, sampler);
    if (sampler->description == NULL) {
        free_rules(&sampler->base);
        return NULL;
    }
    return &sampler->base;
}
