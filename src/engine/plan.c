#include "engine/plan.h"

#include "base/alloc.h"
#include "base/error.h"
#include "model/dag.h"

static cleat_status compile(cleat__plan *plan, cleat__plan_task *task)
{
    size_t count = task->said->condition_count;
    task->expressions = cleat__arena_take(&plan->memory, (count + 1) * sizeof(*task->expressions));
    cleat_status status = task->expressions != NULL ? CLEAT_OK : cleat__fail_memory();
    for (size_t i = 0; i < count && status == CLEAT_OK; i++) {
        const cleat__step_condition *condition = &task->said->conditions[i];
        /* Those of events are looked at with the event. */
        if (condition->parent.data != NULL && condition->of.expression.size != 0) {
            status = cleat__expression_compile(condition->of.expression, &task->expressions[i]);
        }
    }
    return status;
}

static cleat_status add_rules(cleat__plan *plan, cleat__plan_task *task)
{
    size_t most = cleat__match_rules_max(task->said) + 1;
    cleat__match_rule *rules = cleat__arena_take(&plan->memory, 2 * most * sizeof(*rules));
    if (rules == NULL) {
        return cleat__fail_memory();
    }
    task->parent_rules = rules;
    task->parent_rule_count = cleat__match_parent_rules(task->said, rules);
    task->wait_rules = rules + most;
    task->wait_rule_count = cleat__match_wait_rules(task->said, rules + most);
    task->first_bit = plan->bit_count;
    plan->bit_count += task->parent_rule_count + task->wait_rule_count;
    return CLEAT_OK;
}

static cleat_status add_parents(cleat__plan *plan, const cleat__workflow *workflow, cleat__plan_task *task)
{
    size_t count = task->said->parent_count;
    size_t *parents = cleat__arena_take(&plan->memory, (count + 1) * sizeof(*parents));
    if (parents == NULL) {
        return cleat__fail_memory();
    }
    for (size_t i = 0; i < count; i++) {
        parents[i] = cleat__dag_find(workflow, task->said->parents[i]);
        plan->tasks[parents[i]].child_count++;
    }
    task->parents = parents;
    return CLEAT_OK;
}

/* The other way round. */
static cleat_status add_children(cleat__plan *plan)
{
    size_t *ends = cleat__calloc(plan->task_count, sizeof(*ends));
    cleat_status status = ends != NULL ? CLEAT_OK : cleat__fail_memory();
    for (size_t i = 0; i < plan->task_count && status == CLEAT_OK; i++) {
        cleat__plan_task *task = &plan->tasks[i];
        task->children = cleat__arena_take(&plan->memory, (task->child_count + 1) * sizeof(size_t));
        status = task->children != NULL ? CLEAT_OK : cleat__fail_memory();
    }
    for (size_t i = 0; i < plan->task_count && status == CLEAT_OK; i++) {
        const cleat__plan_task *task = &plan->tasks[i];
        for (size_t j = 0; j < task->said->parent_count; j++) {
            size_t parent = task->parents[j];
            ((size_t *)(uintptr_t)plan->tasks[parent].children)[ends[parent]++] = i;
        }
    }
    cleat__free(ends);
    return status;
}

static cleat_status fill(cleat__plan *plan, cleat_slice declaration)
{
    cleat__workflow workflow;
    cleat_status status = cleat__dag_decode(declaration, &plan->memory, &workflow);
    if (status != CLEAT_OK) {
        return status;
    }
    plan->tasks = cleat__arena_take(&plan->memory, workflow.task_count * sizeof(*plan->tasks));
    if (plan->tasks == NULL) {
        return cleat__fail_memory();
    }
    plan->task_count = plan->on_failure = workflow.task_count;
    for (size_t i = 0; i < plan->task_count && status == CLEAT_OK; i++) {
        cleat__plan_task *task = &plan->tasks[i];
        task->said = &workflow.tasks[i];
        plan->on_failure = task->said->is_on_failure ? i : plan->on_failure;
        status = compile(plan, task);
        if (status == CLEAT_OK) {
            status = add_rules(plan, task);
        }
        if (status == CLEAT_OK) {
            status = add_parents(plan, &workflow, task);
        }
    }
    return status == CLEAT_OK ? add_children(plan) : status;
}

cleat_status cleat__plan_new(cleat_slice declaration, cleat__plan **out)
{
    cleat__plan *plan = cleat__calloc(1, sizeof(*plan));
    *out = NULL;
    if (plan == NULL) {
        return cleat__fail_memory();
    }
    cleat_status status = fill(plan, declaration);
    if (status != CLEAT_OK) {
        cleat__plan_free(plan);
        return status;
    }
    *out = plan;
    return CLEAT_OK;
}

void cleat__plan_free(cleat__plan *plan)
{
    if (plan == NULL) {
        return;
    }
    for (size_t i = 0; i < plan->task_count; i++) {
        const cleat__plan_task *task = &plan->tasks[i];
        for (size_t j = 0; task->expressions != NULL && j < task->said->condition_count; j++) {
            cleat__expression_free(task->expressions[j]);
        }
    }
    cleat__arena_deinit(&plan->memory);
    cleat__free(plan);
}

size_t cleat__plan_find(const cleat__plan *plan, cleat_slice name)
{
    size_t at = 0;
    while (at < plan->task_count && !cleat_slice_equals(plan->tasks[at].said->name, name)) {
        at++;
    }
    return at;
}
