/*
 * Of which kinds an expression's value may be, whatever its variables are: for each operation the kinds that its
 * evaluation makes of those of its operands. Where there are none, each evaluation fails. What is looked up in
 * literals, and the variables of loops, may be anything.
 */
#include "model/expression_tree.h"

#include <stdio.h>

typedef struct inferring {
    const cleat__cel_kinds_known *known;
    const cleat__cel_node *unknown; /* the first use of a variable that is not there */
} inferring;

static bool has(const cleat__cel_node *node, unsigned kinds)
{
    return (node->kinds & kinds) != 0;
}

/* A member of a member.. of a variable that is JSON. */
static bool is_of_json(const cleat__cel_node *node)
{
    while (node->kind == CLEAT__CEL_NODE_SELECT || node->kind == CLEAT__CEL_NODE_INDEX) {
        node = node->child;
    }
    return node->kind == CLEAT__CEL_NODE_VARIABLE;
}

static cleat__cel_kinds infer_member(const cleat__cel_node *node)
{
    bool is_index = node->kind == CLEAT__CEL_NODE_INDEX;
    bool is_possible = is_index ? has(node->child, CLEAT__CEL_MANY) && has(node->child->next, CLEAT__CEL_ANY)
                                : has(node->child, CLEAT__CEL_ONLY(MAP));
    return !is_possible ? 0 : is_of_json(node->child) ? CLEAT__CEL_OF_JSON : CLEAT__CEL_ANY;
}

/* Operands of two types have no sum, and numbers of two types neither. */
static cleat__cel_kinds infer_arithmetic(cleat__cel_operator operator, unsigned both)
{
    const unsigned integers = CLEAT__CEL_ONLY(INT) | CLEAT__CEL_ONLY(UINT);
    const unsigned joined = CLEAT__CEL_ONLY(STRING) | CLEAT__CEL_ONLY(BYTES) | CLEAT__CEL_ONLY(LIST);
    switch (operator) {
    case CLEAT__CEL_REMAINDER: both &= integers; break;
    case CLEAT__CEL_ADD: both &= CLEAT__CEL_NUMBERS | joined; break;
    default: both &= CLEAT__CEL_NUMBERS; break;
    }
    return (cleat__cel_kinds)both;
}

static cleat__cel_kinds infer_binary(const cleat__cel_node *node)
{
    const cleat__cel_node *a = node->child, *b = a->next;
    const unsigned ordered = CLEAT__CEL_ONLY(BOOL) | CLEAT__CEL_ONLY(STRING) | CLEAT__CEL_ONLY(BYTES);
    unsigned both = a->kinds & b->kinds;
    bool is_possible = has(a, CLEAT__CEL_ANY) && has(b, CLEAT__CEL_ANY);
    switch (node->as.operator) {
    case CLEAT__CEL_EQUAL:
    case CLEAT__CEL_NOT_EQUAL: break;
    case CLEAT__CEL_LESS:
    case CLEAT__CEL_LESS_OR_EQUAL:
    case CLEAT__CEL_GREATER:
    case CLEAT__CEL_GREATER_OR_EQUAL:
        is_possible = (both & ordered) != 0 || (has(a, CLEAT__CEL_NUMBERS) && has(b, CLEAT__CEL_NUMBERS));
        break;
    case CLEAT__CEL_IN: is_possible = has(a, CLEAT__CEL_ANY) && has(b, CLEAT__CEL_MANY); break;
    default: return infer_arithmetic(node->as.operator, both);
    }
    return is_possible ? CLEAT__CEL_ONLY(BOOL) : 0;
}

/* One that is bool decides, whatever the others fail by. */
static cleat__cel_kinds infer_logical(const cleat__cel_node *node)
{
    cleat__cel_kinds kinds = 0;
    for (const cleat__cel_node *each = node->child; each != NULL; each = each->next) {
        kinds |= each->kinds & CLEAT__CEL_ONLY(BOOL);
    }
    return kinds;
}

/* The first argument that the function never takes. */
static const cleat__cel_node *find_argument(const cleat__cel_node *node, cleat__cel_kinds *wanted)
{
    const char *letter = node->as.function->arguments;
    const cleat__cel_node *each = node->child;
    for (; each != NULL; each = each->next) {
        *wanted = cleat__cel_letter_kinds(*letter++);
        if (!has(each, *wanted)) {
            break;
        }
    }
    return each;
}

static cleat__cel_kinds infer_call(const cleat__cel_node *node)
{
    cleat__cel_kinds wanted;
    return find_argument(node, &wanted) == NULL ? cleat__cel_letter_kinds(node->as.function->result) : 0;
}

/* What it goes through may be empty, so that what is asked of each does not matter. */
static cleat__cel_kinds infer_loop(const cleat__cel_node *node)
{
    bool makes_list = node->as.loop == CLEAT__CEL_MAPPED || node->as.loop == CLEAT__CEL_FILTERED;
    return !has(node->child, CLEAT__CEL_MANY) ? 0
           : makes_list                       ? CLEAT__CEL_ONLY(LIST)
                                              : CLEAT__CEL_ONLY(BOOL);
}

static bool all_are_possible(const cleat__cel_node *node)
{
    const cleat__cel_node *each = node->child;
    while (each != NULL && has(each, CLEAT__CEL_ANY)) {
        each = each->next;
    }
    return each == NULL;
}

static cleat__cel_kinds infer_variable(inferring *state, const cleat__cel_node *node)
{
    cleat__cel_kinds kinds = state->known->variables[node->index];
    if (kinds == 0 && state->unknown == NULL) {
        state->unknown = node;
    }
    return kinds;
}

/* With those of its children known. */
static cleat__cel_kinds infer_one(inferring *state, const cleat__cel_node *node)
{
    const cleat__cel_node *child = node->child;
    switch (node->kind) {
    case CLEAT__CEL_NODE_LITERAL: return (cleat__cel_kinds)(1U << node->literal.kind);
    case CLEAT__CEL_NODE_VARIABLE: return infer_variable(state, node);
    case CLEAT__CEL_NODE_LOCAL: return CLEAT__CEL_ANY;
    case CLEAT__CEL_NODE_LIST: return all_are_possible(node) ? CLEAT__CEL_ONLY(LIST) : 0;
    case CLEAT__CEL_NODE_MAP: return all_are_possible(node) ? CLEAT__CEL_ONLY(MAP) : 0;
    case CLEAT__CEL_NODE_OR:
    case CLEAT__CEL_NODE_AND: return infer_logical(node);
    case CLEAT__CEL_NODE_CONDITIONAL:
        return has(child, CLEAT__CEL_ONLY(BOOL)) ? child->next->kinds | child->next->next->kinds : 0;
    case CLEAT__CEL_NODE_BINARY: return infer_binary(node);
    case CLEAT__CEL_NODE_NOT: return child->kinds & CLEAT__CEL_ONLY(BOOL);
    case CLEAT__CEL_NODE_NEGATE: return child->kinds & (CLEAT__CEL_ONLY(INT) | CLEAT__CEL_ONLY(DOUBLE));
    case CLEAT__CEL_NODE_HAS: return has(child, CLEAT__CEL_ONLY(MAP)) ? CLEAT__CEL_ONLY(BOOL) : 0;
    case CLEAT__CEL_NODE_SELECT:
    case CLEAT__CEL_NODE_INDEX: return infer_member(node);
    case CLEAT__CEL_NODE_CALL: return infer_call(node);
    case CLEAT__CEL_NODE_LOOP: break;
    }
    return infer_loop(node);
}

static void infer(inferring *state, cleat__cel_node *node)
{
    for (cleat__cel_node *each = node->child; each != NULL; each = each->next) {
        infer(state, each);
    }
    node->kinds = infer_one(state, node);
}

const cleat__cel_node *cleat__cel_infer(cleat__cel_node *node, const cleat__cel_kinds_known *known)
{
    inferring state = {.known = known, .unknown = NULL};
    infer(&state, node);
    return state.unknown;
}

/* ---- Telling ---- */

const cleat__cel_node *cleat__cel_find_impossible(const cleat__cel_node *node)
{
    const cleat__cel_node *within = node;
    while (within != NULL) {
        node = within;
        /* Of a loop what it goes through, not what is asked of each. */
        const cleat__cel_node *end = node->kind == CLEAT__CEL_NODE_LOOP ? node->child->next : NULL;
        within = node->child;
        while (within != end && has(within, CLEAT__CEL_ANY)) {
            within = within->next;
        }
        within = within != end ? within : NULL;
    }
    return node;
}

/* What of its children is to blame, where each has a value. */
static const cleat__cel_node *find_unfit(const cleat__cel_node *node, cleat__cel_kinds *wanted)
{
    *wanted = CLEAT__CEL_ANY;
    return node->kind == CLEAT__CEL_NODE_CALL ? find_argument(node, wanted) : node->child;
}

void cleat__cel_tell_impossible(const cleat__cel_node *node, char text[CLEAT__CEL_SENTENCE_SIZE])
{
    char first[CLEAT__CEL_KINDS_SIZE], second[CLEAT__CEL_KINDS_SIZE];
    cleat__cel_kinds wanted;
    const cleat__cel_node *child = find_unfit(node, &wanted);
    cleat__cel_kinds_name(child->kinds, first);
    switch (node->kind) {
    case CLEAT__CEL_NODE_BINARY:
        cleat__cel_kinds_name(child->next->kinds, second);
        (void)snprintf(text, CLEAT__CEL_SENTENCE_SIZE, "no %s of %s and %s",
                       cleat__cel_operator_sign(node->as.operator), first, second);
        break;
    case CLEAT__CEL_NODE_NEGATE: (void)snprintf(text, CLEAT__CEL_SENTENCE_SIZE, "no - of %s", first); break;
    case CLEAT__CEL_NODE_CALL:
        (void)snprintf(text, CLEAT__CEL_SENTENCE_SIZE, "%s() wants a %s, not a value of the type %s",
                       node->as.function->name, cleat__cel_kinds_name(wanted, second), first);
        break;
    case CLEAT__CEL_NODE_LOOP:
        (void)snprintf(text, CLEAT__CEL_SENTENCE_SIZE, "a loop over a value of the type %s", first);
        break;
    case CLEAT__CEL_NODE_SELECT:
    case CLEAT__CEL_NODE_HAS:
    case CLEAT__CEL_NODE_INDEX:
        (void)snprintf(text, CLEAT__CEL_SENTENCE_SIZE, "no %s of a value of the type %s",
                       node->kind == CLEAT__CEL_NODE_INDEX ? "element" : "field", first);
        break;
    default:
        (void)snprintf(text, CLEAT__CEL_SENTENCE_SIZE, "a condition is of the type %s, not bool", first);
        break;
    }
}
