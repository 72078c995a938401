/* What a run takes of limits: the keys of its rules, how many slots these have, units of rate limits, its group. */
#include "engine/limits.h"

#include "base/alloc.h"
#include "base/error.h"
#include "engine/dag.h"
#include "engine/takings.h"
#include "store/load.h"

#include <inttypes.h>
#include <stdio.h>

static cleat_status check_key(const char *key, size_t size)
{
    if (size > CLEAT__CONCURRENCY_KEY_MAX) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "the key has %zu bytes; at most %d are allowed", size,
                           CLEAT__CONCURRENCY_KEY_MAX);
    }
    return strlen(key) == size ? CLEAT_OK : cleat__fail(CLEAT_INVALID_ARGUMENT, "the key has a NUL");
}

/* What is the run's own fault is why it is refused. */
static cleat_status tell(cleat_status status, cleat__buffer *refusal)
{
    if (status != CLEAT_INVALID_ARGUMENT && status != CLEAT_RESOURCE_EXHAUSTED) {
        return status;
    }
    cleat__buffer_append_format(refusal, "failed to parse step expression (CEL): %s", cleat_error_message());
    return CLEAT_OK;
}

/* One of the chain, which is counted from 1. */
static cleat_status blame(cleat_status status, const cleat__expression *expression, const char *what,
                          size_t index)
{
    char whose[64];
    (void)snprintf(whose, sizeof(whose), "%s of concurrency rule %zu,", what, index + 1);
    return cleat__expression_blame(status, expression, whose);
}

static cleat_status write_key(const cleat__rule *rule, size_t index,
                              const cleat__expression_variables *variables, cleat__buffer *text,
                              cleat__buffer *refusal)
{
    char *key = NULL;
    size_t size = 0;
    cleat_status status = cleat__expression_text(rule->expression, variables, &key, &size);
    if (status == CLEAT_OK) {
        status = check_key(key, size);
    }
    if (status == CLEAT_OK) {
        cleat__buffer_append_json(text, (cleat_slice){key, size});
    }
    cleat__free(key);
    return tell(blame(status, rule->expression, "the key", index), refusal);
}

/* How many slots the key has from now on. */
static cleat_status write_most(const cleat__rule *rule, size_t index,
                               const cleat__expression_variables *variables, cleat__buffer *text,
                               cleat__buffer *refusal)
{
    int64_t most = 0;
    cleat_status status = CLEAT_OK;
    if (rule->max_runs_expression != NULL) {
        status = cleat__expression_number(rule->max_runs_expression, variables, &most);
        if (status == CLEAT_OK && (most < 1 || most > CLEAT__CONCURRENCY_RUNS_MAX)) {
            status = cleat__fail(CLEAT_INVALID_ARGUMENT, "max_runs is %" PRId64 "; it must be 1 .. %d", most,
                                 CLEAT__CONCURRENCY_RUNS_MAX);
        }
        status = blame(status, rule->max_runs_expression, "the slots", index);
    }
    cleat__buffer_append_format(text, "%" PRId64, most);
    return tell(status, refusal);
}

static bool has_most(const cleat__task_type *type)
{
    for (size_t i = 0; i < type->rule_count; i++) {
        if (type->rules[i]->max_runs_expression != NULL) {
            return true;
        }
    }
    return false;
}

typedef cleat_status rule_writer(const cleat__rule *rule, size_t index,
                                 const cleat__expression_variables *variables, cleat__buffer *text,
                                 cleat__buffer *refusal);

/* A list, behind its name, of what is written of each rule. */
static cleat_status write_rules(const char *head, rule_writer *write_rule, const cleat__run *run,
                                const cleat__expression_variables *variables, cleat__buffer *text,
                                cleat__buffer *refusal)
{
    cleat_status status = CLEAT_OK;
    cleat__buffer_append_string(text, head);
    for (size_t i = 0; i < run->type->rule_count && status == CLEAT_OK && refusal->size == 0; i++) {
        cleat__buffer_append_string(text, i != 0 ? "," : "");
        status = write_rule(run->type->rules[i], i, variables, text, refusal);
    }
    cleat__buffer_append_byte(text, ']');
    return status;
}

void cleat__described_deinit(cleat__described *described)
{
    cleat__buffer_deinit(&described->text);
    cleat__buffer_deinit(&described->refusal);
    cleat__buffer_deinit(&described->said);
}

/* All that it takes, until something is refused. */
static cleat_status write_all(const cleat__run *run, const cleat__expression_variables *variables,
                              cleat__described *out)
{
    cleat__buffer *text = &out->text, *refusal = &out->refusal;
    cleat_status status = write_rules(",\"keys\":[", write_key, run, variables, text, refusal);
    if (status == CLEAT_OK && refusal->size == 0 && has_most(run->type)) {
        status = write_rules(",\"max_runs\":[", write_most, run, variables, text, refusal);
    }
    if (status == CLEAT_OK && refusal->size == 0 && run->type->takings != NULL) {
        status = tell(cleat__takings_describe(run, variables, text, &out->said), refusal);
    }
    if (status == CLEAT_OK && refusal->size == 0 && cleat__run_is_batched(run)) {
        status = tell(cleat__batches_describe(run, variables, text), refusal);
    }
    return status;
}

cleat_status cleat__limits_describe(cleat__core *core, const cleat__run *run, const cleat__trigger *trigger,
                                    cleat__described *out)
{
    char id[37];
    cleat__uuid_format(&cleat__dag_root(run)->id, id);
    cleat__expression_parsed parsed = {{NULL}};
    const cleat__expression_variables variables = {
        .parsed = &parsed,
        /* A task of several comes by itself, and what came before it in the step is not its fault. */
        .steps = run->type->dag == NULL ? &core->expression_steps : NULL,
        .input = trigger->input,
        .additional_metadata = trigger->metadata.data != NULL ? trigger->metadata : cleat_slice_of("{}"),
        .workflow_run_id = cleat_slice_of(id),
    };
    *out = (cleat__described){.text = {0}};
    cleat__buffer_append_format(&out->text, "{\"arrived\":%" PRId64, core->now.unix_ms);
    cleat_status status = write_all(run, &variables, out);
    if (cleat__run_is_dag(run)) {
        cleat__buffer_append_format(&out->text, ",\"first\":%zu",
                                    CLEAT__CONTAINER(run, const cleat__dag, durable.run)->first);
    }
    cleat__buffer_append_byte(&out->text, '}');
    cleat__expression_parsed_deinit(&parsed);
    bool has_failed = out->text.failed || out->refusal.failed || out->said.failed;
    if (out->refusal.size != 0) { /* there is nothing to be stored, and nothing to be said */
        cleat__buffer_deinit(&out->text);
        cleat__buffer_deinit(&out->said);
    }
    return status == CLEAT_OK && has_failed ? cleat__fail_memory() : status;
}

cleat_status cleat__limits_find_keys(cleat__core *core, const cleat__run *run, cleat__buffer *text,
                                     cleat__buffer *refusal)
{
    cleat__buffer input = {0}, metadata = {0};
    cleat__described found = {.text = {0}};
    cleat_status status = cleat__load_payloads(core->store, &cleat__dag_root(run)->id, &input, &metadata);
    if (status == CLEAT_OK) {
        const cleat__trigger trigger = {.input = cleat__buffer_slice(&input),
                                        .metadata = cleat__buffer_slice(&metadata)};
        status = cleat__limits_describe(core, run, &trigger, &found);
    }
    if (status == CLEAT_OK) {
        status = cleat__takings_declare(core, run, cleat__buffer_slice(&found.said));
    }
    *text = found.text;
    *refusal = found.refusal;
    cleat__buffer_deinit(&found.said);
    cleat__buffer_deinit(&input);
    cleat__buffer_deinit(&metadata);
    return status;
}
