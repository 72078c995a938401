#include "model/filter.h"

#include "base/error.h"
#include "base/utf8.h"
#include "model/json.h"

#include <cleat/run.h>

cleat_status cleat__filter_check(const cleat__filter *filter)
{
    if (filter->scope.size == 0 || filter->scope.size > CLEAT__EVENT_KEY_MAX) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "a filter's scope has %zu bytes; it must have 1 .. %d",
                           filter->scope.size, CLEAT__EVENT_KEY_MAX);
    }
    if (cleat__utf8_valid_prefix(filter->scope.data, filter->scope.size) != filter->scope.size) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "a filter's scope is no valid UTF-8");
    }
    if (filter->payload.size > CLEAT_PAYLOAD_MAX) {
        return cleat__fail(CLEAT_TOO_LARGE, "a filter's payload has %zu bytes; at most %zu are stored",
                           filter->payload.size, CLEAT_PAYLOAD_MAX);
    }
    cleat_status status = CLEAT_OK;
    if (filter->expression.size != 0) {
        status = cleat__expression_check_for(filter->expression, CLEAT__EXPRESSION_FILTER);
    }
    if (status == CLEAT_OK && filter->payload.data != NULL) {
        status = cleat__json_check("a filter's payload", filter->payload, true);
    }
    return status;
}

cleat_status cleat__filter_check_change(const cleat__filter *filter)
{
    cleat__filter changed = *filter;
    if (changed.scope.data == NULL) {
        changed.scope = cleat_slice_of("as it is");
    }
    return cleat__filter_check(&changed);
}

cleat_status cleat__filters_check(const cleat__filter *filters, size_t count)
{
    if (count > CLEAT__FILTERS_MAX) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "default_filters: %zu are given, at most %d are allowed",
                           count, CLEAT__FILTERS_MAX);
    }
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; i < count && status == CLEAT_OK; i++) {
        status = cleat__filter_check(&filters[i]);
    }
    return status;
}

cleat_status cleat__filter_test(const cleat__filter *filter, const cleat__user_event *event,
                                const cleat__uuid *event_id, cleat__expression_parsed *parsed, size_t *steps,
                                bool *is_true)
{
    char id[37];
    cleat__expression *expression = NULL;
    *is_true = false;
    if (filter->expression.size == 0) {
        return CLEAT_OK;
    }
    cleat__uuid_format(event_id, id);
    const cleat_slice empty = cleat_slice_of("{}");
    const cleat__expression_variables variables = {
        .parsed = parsed,
        .steps = steps,
        .input = event->payload.data != NULL ? event->payload : empty,
        .additional_metadata = event->metadata.data != NULL ? event->metadata : empty,
        .payload = filter->payload.data != NULL ? filter->payload : empty,
        .event_id = {id, sizeof(id) - 1},
        .event_key = event->key,
    };
    *steps -= filter->expression.size < *steps ? filter->expression.size : *steps; /* of compiling */
    cleat_status status = cleat__expression_compile(filter->expression, &expression);
    if (status == CLEAT_OK) {
        status = cleat__expression_test(expression, &variables, is_true);
    }
    cleat__expression_free(expression);
    cleat__expression_parsed_drop(parsed, CLEAT__EXPRESSION_INDEX_payload);
    *is_true = *is_true && status == CLEAT_OK;
    return status == CLEAT_NO_MEMORY ? status : CLEAT_OK;
}
