/*
 * Whatever stands where an expression should. What compiles is evaluated: twice the same comes of it, within the
 * bounds, and its results of different kinds do not contradict each other. What is refused where it is declared, for
 * its type, has no value there either.
 */
#include "base/alloc.h"
#include "base/utf8.h"
#include "model/expression.h"

#include <stdlib.h>
#include <string.h>

static void check(bool condition)
{
    if (!condition) {
        abort();
    }
}

static bool is_outcome(cleat_status status)
{
    return status == CLEAT_OK || status == CLEAT_INVALID_ARGUMENT || status == CLEAT_RESOURCE_EXHAUSTED;
}

static const char input[] =
    "{\"name\":\"cr\\u00e4te\",\"total\":120.5,\"count\":3,\"tags\":[\"red\",\"large\",null,1e300],"
    "\"items\":[{\"price\":1},{\"price\":2}],\"none\":null,\"paid\":true,\"customer\":{\"country\":"
    "\"de\"}}";

static void evaluate(const cleat__expression *expression)
{
    const cleat__expression_variables variables = {
        .input = cleat_slice_of(input),
        .additional_metadata = cleat_slice_of("{\"region\":\"eu\"}"),
        .event_key = cleat_slice_of("order:paid"),
    };
    bool result, again;
    cleat_status status = cleat__expression_test(expression, &variables, &result);
    check(is_outcome(status) && (status == CLEAT_OK || !result));
    check(cleat__expression_test(expression, &variables, &again) == status && result == again);
    char *text;
    size_t size;
    cleat_status text_status = cleat__expression_text(expression, &variables, &text, &size);
    check(is_outcome(text_status) && (text_status == CLEAT_OK) == (text != NULL));
    check(text == NULL || (text[size] == '\0' && cleat__utf8_valid_prefix(text, size) == size));
    cleat__free(text);
    int64_t number;
    cleat_status number_status = cleat__expression_number(expression, &variables, &number);
    check(is_outcome(number_status));
    check((status == CLEAT_OK) + (text_status == CLEAT_OK) + (number_status == CLEAT_OK) <= 1);
}

/* Whether it has a value of the type that is wanted, with all the variables of the place. */
static bool has_value(const cleat__expression *expression, cleat__expression_place place)
{
    bool truth;
    char *text = NULL;
    int64_t number;
    cleat__expression_variables variables = {.input = cleat_slice_of(input),
                                             .additional_metadata = cleat_slice_of("{\"region\":\"eu\"}")};
    switch (place) {
    case CLEAT__EXPRESSION_FILTER:
        variables.payload = cleat_slice_of("{\"least\":1}");
        variables.event_id = variables.event_key = cleat_slice_of("order:paid");
        return cleat__expression_test(expression, &variables, &truth) == CLEAT_OK;
    case CLEAT__EXPRESSION_CONDITION:
        variables = (cleat__expression_variables){.input = cleat_slice_of("true")};
        variables.output = variables.input;
        return cleat__expression_test(expression, &variables, &truth) == CLEAT_OK;
    case CLEAT__EXPRESSION_CONCURRENCY_RUNS:
    case CLEAT__EXPRESSION_RATE_UNITS:
    case CLEAT__EXPRESSION_RATE_LIMIT:
        variables.workflow_run_id = cleat_slice_of("run");
        return cleat__expression_number(expression, &variables, &number) == CLEAT_OK;
    default: break;
    }
    if (place != CLEAT__EXPRESSION_IDEMPOTENCY_KEY) {
        variables.workflow_run_id = cleat_slice_of("run");
    }
    cleat_status status = cleat__expression_text(expression, &variables, &text, NULL);
    cleat__free(text);
    return status == CLEAT_OK;
}

static void declare(cleat_slice text, const cleat__expression *expression)
{
    for (int i = 0; i < CLEAT__EXPRESSION_PLACE_COUNT; i++) {
        cleat__expression_place place = (cleat__expression_place)i;
        cleat_status status = cleat__expression_check_for(text, place);
        check(status == CLEAT_OK || status == CLEAT_INVALID_ARGUMENT);
        /* Of a variable it does not matter whether its value would be asked for. */
        if (status != CLEAT_OK && strstr(cleat_error_message(), "there is no variable") == NULL) {
            check(!has_value(expression, place));
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleat__expression *expression;
    cleat_slice text = {(const char *)data, size};
    cleat_status status = cleat__expression_compile(text, &expression);
    check(status == CLEAT_OK || status == CLEAT_INVALID_ARGUMENT || status == CLEAT_TOO_LARGE);
    check((status == CLEAT_OK) == (expression != NULL));
    if (expression != NULL) {
        evaluate(expression);
        declare(text, expression);
    }
    cleat__expression_free(expression);
    return 0;
}
