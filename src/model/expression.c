#include "model/expression.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/utf8.h"
#include "model/expression_tree.h"

#include <math.h>
#include <stdio.h>

/* What a text of the greatest size can make: every byte a node. */
enum { COMPILED_MAX = 16 << 20 };

#define FAILURE    "expression: " /* what a message of an evaluation begins with */
#define TEXT_SHOWN 80

cleat_status cleat__expression_compile(cleat_slice text, cleat__expression **out)
{
    *out = NULL;
    if (text.size > CLEAT__EXPRESSION_SIZE_MAX) {
        return cleat__fail(CLEAT_TOO_LARGE, "an expression of %zu bytes; at most %zu are read", text.size,
                           CLEAT__EXPRESSION_SIZE_MAX);
    }
    cleat__expression *expression = cleat__malloc(sizeof(*expression));
    if (expression == NULL) {
        return cleat__fail_memory();
    }
    *expression = (cleat__expression){.memory = {.most = COMPILED_MAX}};
    /* Names in the tree are those of the text. */
    char *copy = cleat__arena_get(&expression->memory, text.size + 1);
    cleat_status status = copy != NULL ? CLEAT_OK : cleat__fail_memory();
    if (status == CLEAT_OK) {
        memcpy(copy, text.size != 0 ? text.data : "", text.size);
        expression->text = (cleat_slice){copy, text.size};
        status = cleat__cel_parse(expression->text, expression);
    }
    if (status != CLEAT_OK) {
        cleat__expression_free(expression);
        return status;
    }
    *out = expression;
    return CLEAT_OK;
}

void cleat__expression_free(cleat__expression *expression)
{
    if (expression != NULL) {
        cleat__arena_deinit(&expression->memory);
        cleat__free(expression);
    }
}

cleat_status cleat__expression_check(cleat_slice text)
{
    cleat__expression *expression;
    cleat_status status = cleat__expression_compile(text, &expression);
    cleat__expression_free(expression);
    return status;
}

/* ---- Evaluating ---- */

static void begin(cleat__cel_run *run, const cleat__expression_variables *variables)
{
    /* Locals are written before they are read, and are too many to be cleared each time. */
    run->variables = variables;
    for (size_t i = 0; i < CLEAT__EXPRESSION_VARIABLE_COUNT; i++) {
        run->parsed[i] = variables->parsed != NULL ? json_incref(variables->parsed->values[i]) : NULL;
    }
    run->memory = (cleat__arena){.most = CLEAT__EXPRESSION_MEMORY_MAX};
    run->steps_given = CLEAT__EXPRESSION_STEPS_MAX;
    if (variables->steps != NULL && *variables->steps < run->steps_given) {
        run->steps_given = *variables->steps;
    }
    run->steps = run->steps_given;
    run->read = 0;
    run->status = CLEAT_OK;
    run->message[0] = '\0';
}

/* Control characters of keys and the like have no place in a message; what cannot be read of UTF-8 neither. */
static void clean(char *text)
{
    for (char *c = text; *c != '\0'; c++) {
        *c = (unsigned char)*c < 0x20 || *c == 0x7F ? ' ' : *c;
    }
    text[cleat__utf8_valid_prefix(text, strlen(text))] = '\0';
}

static cleat_status fail(cleat__cel_run *run)
{
    if (run->status == CLEAT_NO_MEMORY) {
        return cleat__fail_memory();
    }
    clean(run->message);
    return cleat__fail(run->status, FAILURE "%s", run->message);
}

cleat_status cleat__expression_blame(cleat_status status, const cleat__expression *expression,
                                     const char *what)
{
    const char *message = cleat_error_message();
    char text[TEXT_SHOWN + 1];
    if (status != CLEAT_INVALID_ARGUMENT && status != CLEAT_RESOURCE_EXHAUSTED) {
        return status;
    }
    bool is_long = expression->text.size > TEXT_SHOWN;
    (void)snprintf(text, sizeof(text), "%.*s", CLEAT_SLICE_ARGS(expression->text));
    clean(text);
    message += strncmp(message, FAILURE, strlen(FAILURE)) == 0 ? strlen(FAILURE) : 0;
    return cleat__fail(status, "%s \"%s%s\": %s", what, text, is_long ? "..." : "", message);
}

static void end(cleat__cel_run *run)
{
    cleat__expression_parsed *kept = run->variables->parsed;
    for (size_t i = 0; i < CLEAT__EXPRESSION_VARIABLE_COUNT; i++) {
        if (kept != NULL && kept->values[i] == NULL) {
            kept->values[i] = run->parsed[i];
        } else {
            json_decref(run->parsed[i]);
        }
    }
    if (run->variables->steps != NULL) {
        size_t taken = run->steps_given - run->steps + run->read / CLEAT__EXPRESSIONS_STEP_BYTES_READ;
        *run->variables->steps -= taken < *run->variables->steps ? taken : *run->variables->steps;
    }
    cleat__arena_deinit(&run->memory);
}

void cleat__expression_parsed_drop(cleat__expression_parsed *parsed, size_t index)
{
    json_decref(parsed->values[index]);
    parsed->values[index] = NULL;
}

void cleat__expression_parsed_deinit(cleat__expression_parsed *parsed)
{
    for (size_t i = 0; i < CLEAT__EXPRESSION_VARIABLE_COUNT; i++) {
        cleat__expression_parsed_drop(parsed, i);
    }
}

static bool fail_kind(cleat__cel_run *run, const cleat__cel_value *value, const char *wanted)
{
    return cleat__cel_fail(run, "its value is of the type %s, not %s", cleat__cel_kind_name(value->kind),
                           wanted);
}

cleat_status cleat__expression_test(const cleat__expression *expression,
                                    const cleat__expression_variables *variables, bool *result)
{
    cleat__cel_run run;
    cleat__cel_value value;
    begin(&run, variables);
    bool is_done = cleat__cel_evaluate(&run, expression->root, &value) &&
                   (value.kind == CLEAT__CEL_BOOL || fail_kind(&run, &value, "bool"));
    *result = is_done && value.as.boolean;
    cleat_status status = is_done ? CLEAT_OK : fail(&run);
    end(&run);
    return status;
}

cleat_status cleat__expression_text(const cleat__expression *expression,
                                    const cleat__expression_variables *variables, char **result, size_t *size)
{
    cleat__cel_run run;
    cleat__cel_value value;
    *result = NULL;
    begin(&run, variables);
    bool is_done = cleat__cel_evaluate(&run, expression->root, &value) &&
                   (value.kind == CLEAT__CEL_STRING || fail_kind(&run, &value, "string"));
    cleat_status status = is_done ? CLEAT_OK : fail(&run);
    if (is_done) {
        *result = cleat__slice_dup(value.as.text);
        status = *result != NULL ? CLEAT_OK : cleat__fail_memory();
    }
    if (size != NULL) {
        *size = status == CLEAT_OK ? value.as.text.size : 0;
    }
    end(&run);
    return status;
}

static bool whole_number(cleat__cel_run *run, const cleat__cel_value *value, int64_t *result)
{
    if (value->kind == CLEAT__CEL_INT) {
        *result = value->as.integer;
        return true;
    }
    if (value->kind == CLEAT__CEL_UINT && value->as.natural <= INT64_MAX) {
        *result = (int64_t)value->as.natural;
        return true;
    }
    if (value->kind == CLEAT__CEL_DOUBLE && value->as.real >= -0x1p63 && value->as.real < 0x1p63 &&
        trunc(value->as.real) == value->as.real) {
        *result = (int64_t)value->as.real;
        return true;
    }
    return cleat__cel_is_number(value) ? cleat__cel_fail(run, "its value is no integer of 64 bits")
                                       : fail_kind(run, value, "int");
}

cleat_status cleat__expression_number(const cleat__expression *expression,
                                      const cleat__expression_variables *variables, int64_t *result)
{
    cleat__cel_run run;
    cleat__cel_value value;
    *result = 0;
    begin(&run, variables);
    bool is_done = cleat__cel_evaluate(&run, expression->root, &value) && whole_number(&run, &value, result);
    cleat_status status = is_done ? CLEAT_OK : fail(&run);
    end(&run);
    return status;
}
