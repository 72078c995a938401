/*
 * What an engine reads of a file at its start: declarations, and the lists that other rows have. Whatever is said to be
 * one can be made ready for runs, and what is written of it is read as the same.
 */
#include "base/alloc.h"
#include "engine/plan.h"
#include "engine/rules.h"
#include "model/declaration.h"
#include "model/worker.h"

#include <stdio.h>
#include <stdlib.h>

#define check(condition) ((condition) ? (void)0 : fail(#condition, __LINE__))

static void fail(const char *condition, int line)
{
    fprintf(stderr, "line %d: not so: %s; last message: %s\n", line, condition, cleat_error_message());
    abort();
}

/* ---- Declarations ---- */

static const cleat__expression_variables variables = {
    .input = {"{\"id\":\"a\",\"n\":3,\"group\":{\"of\":[1,2]}}", 35},
    .additional_metadata = {"{\"region\":\"eu\"}", 15},
};

static bool is_outcome(cleat_status status)
{
    return status == CLEAT_OK || status == CLEAT_INVALID_ARGUMENT || status == CLEAT_RESOURCE_EXHAUSTED ||
           status == CLEAT_TOO_LARGE;
}

static void use_batch(const cleat__batch_rule *rule)
{
    char *key = NULL;
    size_t size = 0;
    cleat_status status = cleat__batch_rule_key(rule, &variables, &key, &size);
    check(is_outcome(status) && (status == CLEAT_OK) == (key != NULL));
    check(status != CLEAT_OK || (size <= CLEAT__BATCH_KEY_MAX && key[size] == '\0'));
    cleat__free(key);
    check(rule->max_size >= 1 && rule->group_max_runs >= 1 && rule->interval_ms >= 0);
    char text[CLEAT__BATCH_REASON_TEXT];
    for (size_t count = 0; count < 3; count++) {
        cleat__batch_reason reason = cleat__batch_rule_flush(rule, count, count, INT64_MAX);
        check(count == 0 || reason != CLEAT__BATCH_WAIT);
        cleat__batch_reason_format(rule, reason, text);
    }
}

static void use_idempotency(const cleat__idempotency_rule *rule)
{
    char *key = NULL;
    size_t size = 0;
    cleat_status status =
        cleat__idempotency_key(rule, variables.input, variables.additional_metadata, NULL, &key, &size);
    check(is_outcome(status) && (status == CLEAT_OK) == (key != NULL));
    check(status != CLEAT_OK || size <= CLEAT__IDEMPOTENCY_KEY_MAX);
    cleat__free(key);
    check(cleat__idempotency_expiry(rule, 1700000000000) >= 1700000000000);
}

static void use_rules(const cleat__concurrency_list *list)
{
    cleat__rules rules = {0};
    for (size_t i = 0; i < list->count; i++) {
        const cleat__rule_place place = {1, 1, cleat_slice_of("task"), i};
        cleat__rule *rule = NULL;
        check(cleat__rules_put(&rules, &place, &list->items[i], &rule) == CLEAT_OK);
        check(rule->max_runs >= 1 && rule->max_runs <= CLEAT__CONCURRENCY_RUNS_MAX);
    }
    cleat__rules_deinit(&rules);
}

static void use_needs(const cleat__needs *needs)
{
    cleat__taking *takings = NULL;
    check(needs->is_dag || (needs->slots != NULL && needs->slots->count != 0));
    if (needs->rate_limits != NULL) {
        check(cleat__takings_new(needs->rate_limits, &takings) == CLEAT_OK);
        cleat__takings_free(takings, needs->rate_limits->count);
    }
    if (needs->concurrency != NULL) {
        use_rules(needs->concurrency);
    }
    if (needs->batch != NULL) {
        use_batch(needs->batch);
    }
    if (needs->idempotency != NULL) {
        use_idempotency(needs->idempotency);
    }
}

/* Indices lead to what has them, and each bit is of one rule. */
static void check_plan(const cleat__plan *plan)
{
    size_t bits = 0;
    for (size_t i = 0; i < plan->task_count; i++) {
        const cleat__plan_task *task = &plan->tasks[i];
        check(cleat__plan_find(plan, task->said->name) == i);
        check(task->first_bit == bits);
        bits += task->parent_rule_count + task->wait_rule_count;
        for (size_t j = 0; j < task->said->parent_count; j++) {
            check(task->parents[j] < plan->task_count && task->parents[j] != i);
        }
        for (size_t j = 0; j < task->child_count; j++) {
            check(task->children[j] < plan->task_count && task->children[j] != i);
        }
    }
    check(plan->bit_count == bits && plan->on_failure <= plan->task_count);
}

static void use_dag(cleat_slice text, const cleat__workflow *dag)
{
    cleat__plan *plan = NULL;
    cleat__buffer again = {0};
    cleat__workflow other;
    cleat__arena arena = {0};
    check(cleat__plan_new(text, &plan) == CLEAT_OK && plan->task_count == dag->task_count);
    check_plan(plan);
    cleat__plan_free(plan);
    cleat__buffer_append_string(&again, "{\"tasks\":");
    cleat__dag_encode(dag, &again);
    cleat__buffer_append_byte(&again, '}');
    check(cleat__dag_decode(cleat__buffer_slice(&again), &arena, &other) == CLEAT_OK);
    check(other.task_count == dag->task_count);
    for (size_t i = 0; i < dag->task_count; i++) {
        check(cleat_slice_equals(other.tasks[i].name, dag->tasks[i].name));
        check(other.tasks[i].condition_count == dag->tasks[i].condition_count);
    }
    cleat__arena_deinit(&arena);
    cleat__buffer_deinit(&again);
}

static void read_declaration(cleat_slice text)
{
    cleat__declaration declaration;
    cleat_status status = cleat__declaration_read(text, &declaration);
    check(status == CLEAT_OK || status == CLEAT_CORRUPT);
    if (status == CLEAT_OK) {
        use_needs(declaration.needs);
        if (declaration.needs->is_dag) {
            use_dag(text, &declaration.dag);
        }
    }
    cleat__declaration_deinit(&declaration);
}

/* ---- Lists ---- */

/* Reads and writes; CLEAT_CORRUPT: it is none. */
typedef cleat_status copy_list(cleat_slice text, cleat__buffer *out);

static cleat_status copy_slots(cleat_slice text, cleat__buffer *out)
{
    cleat__slot_list *slots = NULL;
    cleat_status status = cleat__slots_decode(text, &slots);
    if (status == CLEAT_OK) {
        cleat__slots_encode(slots->items, slots->count, out);
    }
    cleat__free(slots);
    return status;
}

static cleat_status copy_labels(cleat_slice text, cleat__buffer *out)
{
    cleat__labels *labels = NULL;
    cleat_status status = cleat__labels_decode(text, &labels);
    if (status == CLEAT_OK && labels != NULL) {
        cleat__labels_encode(labels->items, labels->count, out);
    }
    cleat__free(labels);
    return status;
}

static cleat_status copy_desired(cleat_slice text, cleat__buffer *out)
{
    cleat__desired_labels *labels = NULL;
    cleat_status status = cleat__desired_labels_decode(text, &labels);
    if (status == CLEAT_OK && labels != NULL) {
        cleat__desired_labels_encode(labels->items, labels->count, out);
    }
    cleat__free(labels);
    return status;
}

static cleat_status copy_wish(cleat_slice text, cleat__buffer *out)
{
    cleat__wish wish = {.labels = NULL};
    cleat_status status = cleat__wish_decode(text, &wish);
    if (status == CLEAT_OK) {
        size_t count = wish.labels != NULL ? wish.labels->count : 0;
        cleat__wish_encode(&wish.worker, count != 0 ? wish.labels->items : NULL, count, out);
    }
    cleat__free(wish.labels);
    return status;
}

static cleat_status copy_names(cleat_slice text, cleat__buffer *out)
{
    cleat__names *names = NULL;
    cleat_status status = cleat__names_decode(text, &names);
    if (status == CLEAT_OK) {
        cleat__actions_encode(names->items, names->count, out);
    }
    cleat__free(names);
    return status;
}

static cleat_status copy_rules(cleat_slice text, cleat__buffer *out)
{
    cleat__concurrency_list *rules = NULL;
    cleat_status status = cleat__concurrency_decode_text(text, &rules);
    if (status == CLEAT_OK && rules != NULL) {
        cleat__concurrency_encode(rules->items, rules->count, out);
        if (cleat__concurrency_check(rules->items, rules->count) == CLEAT_OK) {
            use_rules(rules);
        }
    }
    cleat__free(rules);
    return status;
}

static cleat_status copy_rates(cleat_slice text, cleat__buffer *out)
{
    cleat__rate_use_list *uses = NULL;
    cleat_status status = cleat__rate_uses_decode_text(text, &uses);
    if (status == CLEAT_OK && uses != NULL) {
        cleat__rate_uses_encode(uses->items, uses->count, out);
    }
    cleat__free(uses);
    return status;
}

static copy_list *const lists[] = {copy_slots, copy_labels, copy_desired, copy_wish,
                                   copy_names, copy_rules,  copy_rates};

/* The first copy may be shorter than the text; the second is like the first. */
static void read_list(copy_list *copy, cleat_slice text)
{
    cleat__buffer first = {0}, second = {0};
    cleat_status status = copy(text, &first);
    check(status == CLEAT_OK || status == CLEAT_CORRUPT);
    if (status == CLEAT_OK && first.size != 0) {
        check(copy(cleat__buffer_slice(&first), &second) == CLEAT_OK);
        check(cleat_slice_equals(cleat__buffer_slice(&first), cleat__buffer_slice(&second)));
    }
    cleat__buffer_deinit(&first);
    cleat__buffer_deinit(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const cleat_slice text = {(const char *)data, size};
    read_declaration(text);
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        read_list(lists[i], text);
    }
    return 0;
}
