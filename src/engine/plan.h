/*
 * What a version of a workflow of several tasks says, made ready for its runs: which task comes after which, by what
 * rules, with the expressions compiled. It does not change.
 */
#ifndef CLEAT_ENGINE_PLAN_H
#define CLEAT_ENGINE_PLAN_H

#include "base/arena.h"
#include "model/expression.h"
#include "model/match.h"

struct cleat__task_type;

typedef struct cleat__plan_task {
    struct cleat__task_type *type;    /* NULL: its row has not been read yet */
    const cleat__workflow_task *said; /* as it was declared */
    cleat__expression **expressions;  /* one for each condition; owned; NULL: none is needed */
    const cleat__match_rule *parent_rules, *wait_rules;
    size_t parent_rule_count, wait_rule_count;
    size_t first_bit; /* of what a run knows of these, the parents' first */
    const size_t *parents, *children;
    size_t child_count;
} cleat__plan_task;

typedef struct cleat__plan {
    cleat__arena memory; /* of all that follows */
    size_t task_count, bit_count;
    size_t on_failure; /* the task's index; task_count: there is none */
    cleat__plan_task *tasks;
} cleat__plan;

/* Of a declaration that cleat__dag_decode() reads. */
cleat_status cleat__plan_new(cleat_slice declaration, cleat__plan **out);
void cleat__plan_free(cleat__plan *plan); /* NULL-safe */
/* The index of the task with that name; task_count: there is none. */
size_t cleat__plan_find(const cleat__plan *plan, cleat_slice name);

static inline bool cleat__plan_is_root(const cleat__plan_task *task)
{
    return task->said->parent_count == 0 && !task->said->is_on_failure;
}

#endif
