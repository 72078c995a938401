/* What a declaration's expressions may use, and what is wanted of them. */
#include "base/error.h"
#include "model/expression.h"
#include "model/workflow.h"

/* One that is absent is not asked. */
static cleat_status check(const char *field, cleat_slice text, cleat__expression_place place)
{
    cleat_status status = text.data != NULL ? cleat__expression_check_for(text, place) : CLEAT_OK;
    return status == CLEAT_OK || status == CLEAT_NO_MEMORY
               ? status
               : cleat__fail(status, "%s%s", field, cleat_error_message());
}

cleat_status cleat__concurrency_check_expressions(const cleat__concurrency *rules, size_t count)
{
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; i < count && status == CLEAT_OK; i++) {
        status = check("concurrency: ", rules[i].expression, CLEAT__EXPRESSION_CONCURRENCY_KEY);
        if (status == CLEAT_OK) {
            status = check("concurrency: max_runs_expression: ", rules[i].max_runs_expression,
                           CLEAT__EXPRESSION_CONCURRENCY_RUNS);
        }
    }
    return status;
}

static cleat_status check_rates(const cleat__workflow_task *task)
{
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; i < task->rate_limit_count && status == CLEAT_OK; i++) {
        const cleat__rate_use *use = &task->rate_limits[i];
        status = check("rate_limits: ", use->key_expression, CLEAT__EXPRESSION_RATE_KEY);
        if (status == CLEAT_OK) {
            status = check("rate_limits: ", use->units_expression, CLEAT__EXPRESSION_RATE_UNITS);
        }
        if (status == CLEAT_OK) {
            status = check("rate_limits: ", use->limit_expression, CLEAT__EXPRESSION_RATE_LIMIT);
        }
    }
    return status;
}

static cleat_status check_conditions(const cleat__workflow_task *task)
{
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; i < task->condition_count && status == CLEAT_OK; i++) {
        cleat_slice text = task->conditions[i].of.expression;
        if (text.size != 0) { /* an empty one is true */
            status = check("conditions: ", text, CLEAT__EXPRESSION_CONDITION);
        }
    }
    return status;
}

static cleat_status check_all(const cleat__workflow_task *task)
{
    cleat_status status = cleat__concurrency_check_expressions(task->concurrency, task->concurrency_count);
    if (status == CLEAT_OK) {
        status = check_rates(task);
    }
    if (status == CLEAT_OK && task->batch != NULL) {
        status = check("batch: group_key: ", task->batch->group_key, CLEAT__EXPRESSION_BATCH_KEY);
    }
    return status == CLEAT_OK ? check_conditions(task) : status;
}

cleat_status cleat__workflow_task_check_expressions(const cleat__workflow_task *task)
{
    cleat_status status = check_all(task);
    return status == CLEAT_OK || status == CLEAT_NO_MEMORY
               ? status
               : cleat__fail(status, "task \"%.*s\": %s", CLEAT_SLICE_ARGS(task->name),
                             cleat_error_message());
}
