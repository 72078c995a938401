#include "engine/rules.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"

static void free_rule(cleat__rule *rule)
{
    if (rule != NULL) {
        cleat__expression_free(rule->expression);
        cleat__expression_free(rule->max_runs_expression);
        cleat__free(rule);
    }
}

void cleat__rules_deinit(cleat__rules *rules)
{
    size_t cursor = 0;
    cleat__rule *rule;
    while ((rule = cleat__map_next(&rules->by_key, &cursor)) != NULL) {
        free_rule(rule);
    }
    cleat__map_deinit(&rules->by_key);
}

/* The name of a task has no NUL, so the parts do not run into one another. */
static void write_key(const cleat__rule_place *place, const cleat__concurrency *declared, cleat__buffer *key)
{
    cleat__buffer_append(key, &place->workflow, sizeof(place->workflow));
    cleat__buffer_append(key, &place->position, sizeof(place->position));
    cleat__buffer_append_byte(key, (char)declared->strategy);
    cleat__buffer_append_slice(key, place->task);
    cleat__buffer_append_byte(key, '\0');
    cleat__buffer_append_slice(key, declared->expression);
}

static cleat_status add(cleat__rules *rules, cleat_slice key, const cleat__concurrency *declared,
                        cleat__rule **out)
{
    cleat__rule *rule = cleat__calloc(1, sizeof(*rule) + key.size);
    if (rule == NULL) {
        return cleat__fail_memory();
    }
    rule->strategy = declared->strategy;
    rule->key_size = key.size;
    memcpy(rule->key, key.data, key.size);
    cleat_status status = cleat__expression_compile(declared->expression, &rule->expression);
    if (status == CLEAT_OK) {
        status = cleat__map_put(&rules->by_key, (cleat_slice){rule->key, rule->key_size}, rule);
    }
    if (status != CLEAT_OK) {
        free_rule(rule);
        return status;
    }
    *out = rule;
    return CLEAT_OK;
}

static cleat_status compile(cleat_slice text, cleat__expression **out)
{
    return text.data != NULL ? cleat__expression_compile(text, out) : CLEAT_OK;
}

/* How many slots there are is what the newest version says. */
static cleat_status set_most(cleat__rule *rule, const cleat__concurrency *declared)
{
    cleat__expression *expression = NULL;
    cleat_status status = compile(declared->max_runs_expression, &expression);
    if (status == CLEAT_OK) {
        cleat__expression_free(rule->max_runs_expression);
        rule->max_runs_expression = expression;
        rule->max_runs = declared->max_runs;
    }
    return status;
}

cleat_status cleat__rules_put(cleat__rules *rules, const cleat__rule_place *place,
                              const cleat__concurrency *declared, cleat__rule **out)
{
    cleat__buffer key = {0};
    write_key(place, declared, &key);
    cleat_status status = key.failed ? cleat__fail_memory() : CLEAT_OK;
    if (status == CLEAT_OK) {
        *out = cleat__map_get(&rules->by_key, cleat__buffer_slice(&key));
        status = *out == NULL ? add(rules, cleat__buffer_slice(&key), declared, out) : CLEAT_OK;
    }
    cleat__buffer_deinit(&key);
    return status == CLEAT_OK ? set_most(*out, declared) : status;
}

/* ---- What is taken of rate limits ---- */

void cleat__takings_free(cleat__taking *takings, size_t count)
{
    for (size_t i = 0; takings != NULL && i < count; i++) {
        cleat__expression_free(takings[i].key);
        cleat__expression_free(takings[i].units);
        cleat__expression_free(takings[i].limit_value);
    }
    cleat__free(takings);
}

cleat_status cleat__takings_new(const cleat__rate_use_list *uses, cleat__taking **out)
{
    cleat_status status = CLEAT_OK;
    cleat__taking *takings = cleat__calloc(uses->count, sizeof(*takings));
    if (takings == NULL) {
        return cleat__fail_memory();
    }
    for (size_t i = 0; i < uses->count && status == CLEAT_OK; i++) {
        takings[i].use = &uses->items[i];
        status = compile(uses->items[i].key_expression, &takings[i].key);
        if (status == CLEAT_OK) {
            status = compile(uses->items[i].units_expression, &takings[i].units);
        }
        if (status == CLEAT_OK) {
            status = compile(uses->items[i].limit_expression, &takings[i].limit_value);
        }
    }
    if (status != CLEAT_OK) {
        cleat__takings_free(takings, uses->count);
        return status;
    }
    *out = takings;
    return CLEAT_OK;
}
