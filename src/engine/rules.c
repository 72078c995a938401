#include "engine/rules.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"

static void free_rule(cleat__rule *rule)
{
    if (rule != NULL) {
        cleat__expression_free(rule->expression);
        cleat__expression_free(rule->max_runs_expression);
        cleat__free(rule->definition);
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
    static const size_t nowhere = SIZE_MAX;
    if (declared->name.data != NULL) {
        cleat__buffer_append(key, &place->tenant, sizeof(place->tenant));
        cleat__buffer_append(key, &nowhere, sizeof(nowhere));
        cleat__buffer_append_slice(key, declared->name);
        return;
    }
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

static cleat_status put(cleat__rules *rules, const cleat__rule_place *place,
                        const cleat__concurrency *declared, cleat__rule **out, bool *is_new)
{
    cleat__buffer key = {0};
    write_key(place, declared, &key);
    cleat_status status = key.failed ? cleat__fail_memory() : CLEAT_OK;
    *is_new = false;
    if (status == CLEAT_OK) {
        *out = cleat__map_get(&rules->by_key, cleat__buffer_slice(&key));
        *is_new = *out == NULL;
        status = *is_new ? add(rules, cleat__buffer_slice(&key), declared, out) : CLEAT_OK;
    }
    cleat__buffer_deinit(&key);
    return status;
}

cleat_status cleat__rules_put(cleat__rules *rules, const cleat__rule_place *place,
                              const cleat__concurrency *declared, cleat__rule **out)
{
    bool is_new, has_changed;
    const cleat__rule *shared;
    cleat_status status = put(rules, place, declared, out, &is_new);
    if (status != CLEAT_OK || declared->name.data == NULL) {
        return status == CLEAT_OK ? set_most(*out, declared) : status;
    }
    return is_new ? cleat__rules_share(rules, place->tenant, declared, &shared, &has_changed) : CLEAT_OK;
}

/* ---- Shared ones ---- */

static cleat_status define(cleat__rule *rule, const cleat__concurrency *declared)
{
    cleat__expression *expression = NULL;
    cleat_status status = cleat__expression_compile(declared->expression, &expression);
    if (status == CLEAT_OK) {
        status = set_most(rule, declared);
    }
    if (status != CLEAT_OK) {
        cleat__expression_free(expression);
        return status;
    }
    cleat__expression_free(rule->expression);
    rule->expression = expression;
    rule->strategy = declared->strategy;
    return CLEAT_OK;
}

cleat_status cleat__rules_share(cleat__rules *rules, int64_t tenant, const cleat__concurrency *declared,
                                const cleat__rule **out, bool *has_changed)
{
    const cleat__rule_place place = {.tenant = tenant};
    cleat__buffer text = {0};
    cleat__rule *rule = NULL;
    bool is_new;
    *has_changed = false;
    cleat__concurrency_encode(declared, 1, &text);
    char *definition = cleat__buffer_take_string(&text);
    cleat_status status =
        definition != NULL ? put(rules, &place, declared, &rule, &is_new) : cleat__fail_memory();
    if (status == CLEAT_OK && (rule->definition == NULL || strcmp(rule->definition, definition) != 0)) {
        status = define(rule, declared);
        *has_changed = status == CLEAT_OK;
    }
    if (*has_changed) {
        cleat__free(rule->definition);
        rule->definition = definition;
    } else {
        cleat__free(definition);
    }
    *out = rule;
    return status;
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
