#include "wire/concurrency.h"

#include "base/alloc.h"
#include "base/error.h"
#include "wire/message.h"

static cleat_status read_rule(const Cleat__V1__Concurrency *message, cleat__concurrency *out)
{
    *out = (cleat__concurrency){
        .expression = cleat_slice_of(message->expression),
        .max_runs = message->has_max_runs_case != 0 ? message->max_runs : 1,
        .strategy = message->has_limit_strategy_case != 0
                        ? (cleat_concurrency_strategy)(int)message->limit_strategy
                        : CLEAT_CANCEL_IN_PROGRESS,
    };
    if (message->has_is_tenant_scoped_case != 0 && message->is_tenant_scoped != 0) {
        out->name = cleat_slice_of(message->has_name_case != 0 ? message->name : "");
    }
    if (message->has_max_runs_expression_case != 0) {
        out->max_runs_expression = cleat_slice_of(message->max_runs_expression);
    }
    return CLEAT_OK;
}

cleat_status cleat__concurrency_read(const Cleat__V1__Concurrency *first, Cleat__V1__Concurrency *const *list,
                                     size_t list_count, cleat__concurrency **out, size_t *count)
{
    *out = NULL;
    *count = 0;
    size_t most = list_count + (first != NULL);
    if (most == 0) {
        return CLEAT_OK;
    }
    cleat__concurrency *rules = cleat__calloc(most, sizeof(*rules));
    if (rules == NULL) {
        return cleat__fail_memory();
    }
    cleat_status status = first != NULL ? read_rule(first, &rules[(*count)++]) : CLEAT_OK;
    for (size_t i = 0; i < list_count && status == CLEAT_OK; i++) {
        status = read_rule(list[i], &rules[(*count)++]);
    }
    if (status != CLEAT_OK) {
        cleat__free(rules);
        *count = 0;
        return status;
    }
    *out = rules;
    return CLEAT_OK;
}

Cleat__V1__Concurrency **cleat__concurrency_write(bool *failed, const cleat__concurrency *rules, size_t count,
                                                  size_t *written)
{
    if (count == 0) {
        return NULL;
    }
    Cleat__V1__Concurrency **list = cleat__calloc(count, sizeof(*list));
    *failed = *failed || list == NULL;
    while (!*failed && *written < count) {
        const cleat__concurrency *rule = &rules[*written];
        Cleat__V1__Concurrency *message = cleat__message_new(&cleat__v1__concurrency__descriptor);
        if (message == NULL) {
            *failed = true;
            break;
        }
        list[(*written)++] = message;
        message->expression = cleat__message_text(failed, rule->expression);
        message->has_max_runs_case = CLEAT__V1__CONCURRENCY__HAS_MAX_RUNS_MAX_RUNS;
        message->max_runs = rule->max_runs;
        if (rule->name.data != NULL) {
            message->has_name_case = CLEAT__V1__CONCURRENCY__HAS_NAME_NAME;
            message->name = cleat__message_text(failed, rule->name);
            message->has_is_tenant_scoped_case =
                CLEAT__V1__CONCURRENCY__HAS_IS_TENANT_SCOPED_IS_TENANT_SCOPED;
            message->is_tenant_scoped = 1;
        }
        if (rule->max_runs_expression.data != NULL) {
            message->has_max_runs_expression_case =
                CLEAT__V1__CONCURRENCY__HAS_MAX_RUNS_EXPRESSION_MAX_RUNS_EXPRESSION;
            message->max_runs_expression = cleat__message_text(failed, rule->max_runs_expression);
        }
        message->has_limit_strategy_case = CLEAT__V1__CONCURRENCY__HAS_LIMIT_STRATEGY_LIMIT_STRATEGY;
        message->limit_strategy = (Cleat__V1__ConcurrencyLimitStrategy)rule->strategy;
    }
    return list;
}
