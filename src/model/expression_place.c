/* Which variables an expression has, and which values are wanted of it, where it is declared. */
#include "base/error.h"
#include "model/expression_tree.h"

#include <stdio.h>

#define VARIABLE(name) (1U << CLEAT__EXPRESSION_INDEX_##name)
#define OF_RUN         (VARIABLE(input) | VARIABLE(additional_metadata))
#define OF_STARTED_RUN (OF_RUN | VARIABLE(workflow_run_id))
#define OF_REQUEST     (VARIABLE(input) | VARIABLE(headers))

typedef struct place {
    const char *name;
    unsigned variables;
    unsigned objects; /* of them: JSON that is an object wherever it comes from */
    cleat__cel_kinds kinds;
    const char *wanted;
} place;

static const place places[CLEAT__EXPRESSION_PLACE_COUNT] = {
    [CLEAT__EXPRESSION_FILTER] = {.name = "a filter",
                                  .variables =
                                      OF_RUN | VARIABLE(payload) | VARIABLE(event_id) | VARIABLE(event_key),
                                  .objects = OF_RUN | VARIABLE(payload),
                                  .kinds = CLEAT__CEL_ONLY(BOOL),
                                  .wanted = "a bool"},
    [CLEAT__EXPRESSION_CONDITION] = {.name = "a condition",
                                     .variables = VARIABLE(input) | VARIABLE(output),
                                     .objects = 0,
                                     .kinds = CLEAT__CEL_ONLY(BOOL),
                                     .wanted = "a bool"},
    [CLEAT__EXPRESSION_CONCURRENCY_KEY] = {.name = "the key of a concurrency rule",
                                           .variables = OF_STARTED_RUN,
                                           .objects = VARIABLE(additional_metadata),
                                           .kinds = CLEAT__CEL_ONLY(STRING),
                                           .wanted = "a string"},
    [CLEAT__EXPRESSION_CONCURRENCY_RUNS] = {.name = "max_runs of a concurrency rule",
                                            .variables = OF_STARTED_RUN,
                                            .objects = VARIABLE(additional_metadata),
                                            .kinds = CLEAT__CEL_NUMBERS,
                                            .wanted = "a whole number"},
    [CLEAT__EXPRESSION_RATE_KEY] = {.name = "the key of a rate limit",
                                    .variables = OF_STARTED_RUN,
                                    .objects = VARIABLE(additional_metadata),
                                    .kinds = CLEAT__CEL_ONLY(STRING),
                                    .wanted = "a string"},
    [CLEAT__EXPRESSION_RATE_UNITS] = {.name = "the units of a rate limit",
                                      .variables = OF_STARTED_RUN,
                                      .objects = VARIABLE(additional_metadata),
                                      .kinds = CLEAT__CEL_NUMBERS,
                                      .wanted = "a whole number"},
    [CLEAT__EXPRESSION_RATE_LIMIT] = {.name = "the limit of a rate limit",
                                      .variables = OF_STARTED_RUN,
                                      .objects = VARIABLE(additional_metadata),
                                      .kinds = CLEAT__CEL_NUMBERS,
                                      .wanted = "a whole number"},
    [CLEAT__EXPRESSION_IDEMPOTENCY_KEY] = {.name = "an idempotency key",
                                           .variables = OF_RUN, /* the run has no id yet */
                                           .objects = VARIABLE(additional_metadata),
                                           .kinds = CLEAT__CEL_ONLY(STRING),
                                           .wanted = "a string"},
    [CLEAT__EXPRESSION_BATCH_KEY] = {.name = "the key of a batch",
                                     .variables = OF_STARTED_RUN,
                                     .objects = VARIABLE(additional_metadata),
                                     .kinds = CLEAT__CEL_ONLY(STRING),
                                     .wanted = "a string"},
    [CLEAT__EXPRESSION_WEBHOOK_KEY] = {.name = "the event key of a webhook",
                                       .variables = OF_REQUEST,
                                       .objects = OF_REQUEST,
                                       .kinds = CLEAT__CEL_ONLY(STRING),
                                       .wanted = "a string"},
    [CLEAT__EXPRESSION_WEBHOOK_SCOPE] = {.name = "the scope of a webhook",
                                         .variables = OF_REQUEST,
                                         .objects = OF_REQUEST,
                                         .kinds = CLEAT__CEL_ONLY(STRING),
                                         .wanted = "a string"},
};

static void find_kinds(const place *at, cleat__cel_kinds_known *known)
{
    static const bool is_json[] = {
#define IS_JSON(name, is_one) is_one,
        CLEAT__EXPRESSION_VARIABLES(IS_JSON)
#undef IS_JSON
    };
    for (uint32_t i = 0; i < CLEAT__EXPRESSION_VARIABLE_COUNT; i++) {
        cleat__cel_kinds kinds = !is_json[i]                   ? CLEAT__CEL_ONLY(STRING)
                                 : (at->objects >> i & 1) != 0 ? CLEAT__CEL_ONLY(MAP)
                                                               : CLEAT__CEL_OF_JSON;
        known->variables[i] = (at->variables >> i & 1) != 0 ? kinds : 0;
    }
}

static cleat_status fail_variable(const place *at, const cleat__cel_lexer *lexer, const cleat__cel_node *node)
{
    char names[160] = "";
    size_t size = 0;
    for (uint32_t i = 0; i < CLEAT__EXPRESSION_VARIABLE_COUNT; i++) {
        if ((at->variables >> i & 1) != 0) {
            const char *between = size == 0 ? "" : at->variables >> (i + 1) == 0 ? " and " : ", ";
            size += (size_t)snprintf(names + size, sizeof(names) - size, "%s%s", between,
                                     cleat__cel_variable_name(i));
        }
    }
    return cleat__cel_fail_at(lexer, lexer->begin + node->at, "there is no variable %s in %s, which has %s",
                              cleat__cel_variable_name(node->index), at->name, names);
}

static cleat_status fail_kinds(const place *at, const cleat__cel_lexer *lexer, const cleat__cel_node *root)
{
    if (root->kinds == 0) {
        char sentence[CLEAT__CEL_SENTENCE_SIZE];
        const cleat__cel_node *node = cleat__cel_find_impossible(root);
        cleat__cel_tell_impossible(node, sentence);
        return cleat__cel_fail_at(lexer, lexer->begin + node->at, "%s", sentence);
    }
    char names[CLEAT__CEL_KINDS_SIZE];
    return cleat__fail(CLEAT_INVALID_ARGUMENT,
                       "expression: its value is of the type %s, and what is wanted for %s is %s",
                       cleat__cel_kinds_name(root->kinds, names), at->name, at->wanted);
}

cleat_status cleat__expression_check_for(cleat_slice text, cleat__expression_place where)
{
    const place *at = &places[where];
    const cleat__cel_lexer lexer = {.begin = text.data};
    cleat__cel_kinds_known known;
    cleat__expression *expression;
    cleat_status status = cleat__expression_compile(text, &expression);
    if (status != CLEAT_OK) {
        return status;
    }
    find_kinds(at, &known);
    const cleat__cel_node *unknown = cleat__cel_infer(expression->root, &known);
    if (unknown != NULL) {
        status = fail_variable(at, &lexer, unknown);
    } else if ((expression->root->kinds & at->kinds) == 0) {
        status = fail_kinds(at, &lexer, expression->root);
    }
    cleat__expression_free(expression);
    return status;
}
