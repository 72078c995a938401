/* Walks the tree. How deep it calls itself is bounded by the tree's height, how long by the steps. */
#include "model/expression_tree.h"

/* An error of CEL is forgotten where the other side of && or || decides; no steps or memory left is not. */
static bool may_forget(const cleat__cel_run *run)
{
    return run->status == CLEAT_INVALID_ARGUMENT;
}

static bool evaluate_bool(cleat__cel_run *run, const cleat__cel_node *node, bool *out)
{
    cleat__cel_value value;
    if (!cleat__cel_evaluate(run, node, &value)) {
        return false;
    }
    if (value.kind != CLEAT__CEL_BOOL) {
        return cleat__cel_fail(run, "a condition is of the type %s, not bool",
                               cleat__cel_kind_name(value.kind));
    }
    *out = value.as.boolean;
    return true;
}

/* The error that is remembered is the first one. */
typedef struct forgotten {
    bool is_there;
    char message[sizeof(((cleat__cel_run *)NULL)->message)];
} forgotten;

/* Of the operands of && and ||, and of the elements of all() and exists(). False: the evaluation ends. */
static bool take_side(cleat__cel_run *run, const cleat__cel_node *node, bool decisive, forgotten *error,
                      bool *is_decided)
{
    bool value;
    *is_decided = false;
    if (evaluate_bool(run, node, &value)) {
        *is_decided = value == decisive;
        return true;
    }
    if (may_forget(run) && !error->is_there) {
        error->is_there = true;
        memcpy(error->message, run->message, sizeof(error->message));
    }
    return may_forget(run);
}

static bool conclude(cleat__cel_run *run, const forgotten *error, bool decisive, bool is_decided,
                     cleat__cel_value *out)
{
    if (!is_decided && error->is_there) {
        return cleat__cel_fail(run, "%s", error->message);
    }
    *out = cleat__cel_bool(is_decided ? decisive : !decisive);
    return true;
}

static bool evaluate_logical(cleat__cel_run *run, const cleat__cel_node *node, cleat__cel_value *out)
{
    bool decisive = node->kind == CLEAT__CEL_NODE_OR, is_decided = false;
    forgotten first = {.is_there = false};
    for (const cleat__cel_node *each = node->child; each != NULL && !is_decided; each = each->next) {
        if (!take_side(run, each, decisive, &first, &is_decided)) {
            return false;
        }
    }
    return conclude(run, &first, decisive, is_decided, out);
}

/* ---- Loops ---- */

typedef struct loop_range {
    const cleat__cel_node *node, *condition;
    const cleat__cel_value *items;
    size_t count;
} loop_range;

static bool run_quantifier(cleat__cel_run *run, const loop_range *loop, bool decisive, cleat__cel_value *out)
{
    bool is_decided = false;
    forgotten first = {.is_there = false};
    for (size_t i = 0; i < loop->count && !is_decided; i++) {
        run->locals[loop->node->index] = loop->items[i];
        if (!take_side(run, loop->condition, decisive, &first, &is_decided)) {
            return false;
        }
    }
    return conclude(run, &first, decisive, is_decided, out);
}

static bool run_exists_one(cleat__cel_run *run, const loop_range *loop, cleat__cel_value *out)
{
    size_t found = 0;
    for (size_t i = 0; i < loop->count; i++) {
        bool value;
        run->locals[loop->node->index] = loop->items[i];
        if (!evaluate_bool(run, loop->condition, &value)) {
            return false;
        }
        found += value;
    }
    *out = cleat__cel_bool(found == 1);
    return true;
}

/* map() and filter(): without a condition all are taken, without `value` they are taken as they are. */
static bool run_collection(cleat__cel_run *run, const loop_range *loop, const cleat__cel_node *condition,
                           const cleat__cel_node *value, cleat__cel_value *out)
{
    cleat__cel_value *items = cleat__cel_get(run, loop->count, sizeof(*items));
    size_t count = 0;
    for (size_t i = 0; items != NULL && i < loop->count; i++) {
        bool is_taken = true;
        run->locals[loop->node->index] = loop->items[i];
        if (condition != NULL && !evaluate_bool(run, condition, &is_taken)) {
            return false;
        }
        if (is_taken) {
            items[count] = loop->items[i];
            if (value != NULL && !cleat__cel_evaluate(run, value, &items[count])) {
                return false;
            }
            count++;
        }
    }
    *out = cleat__cel_list(items, count);
    return items != NULL;
}

static bool evaluate_loop(cleat__cel_run *run, const cleat__cel_node *node, cleat__cel_value *out)
{
    cleat__cel_value range;
    const cleat__cel_node *first = node->child->next, *second = first->next;
    if (!cleat__cel_evaluate(run, node->child, &range)) {
        return false;
    }
    if (range.kind != CLEAT__CEL_LIST && range.kind != CLEAT__CEL_MAP) {
        return cleat__cel_fail(run, "a loop over a value of the type %s", cleat__cel_kind_name(range.kind));
    }
    loop_range loop = {.node = node, .condition = first, .count = cleat__cel_count(&range)};
    if (!cleat__cel_elements(run, &range, &loop.items)) {
        return false;
    }
    switch (node->as.loop) {
    case CLEAT__CEL_ALL: return run_quantifier(run, &loop, false, out);
    case CLEAT__CEL_EXISTS: return run_quantifier(run, &loop, true, out);
    case CLEAT__CEL_EXISTS_ONE: return run_exists_one(run, &loop, out);
    case CLEAT__CEL_MAPPED:
        return run_collection(run, &loop, second != NULL ? first : NULL, second != NULL ? second : first,
                              out);
    case CLEAT__CEL_FILTERED: break;
    }
    return run_collection(run, &loop, first, NULL, out);
}

/* ---- Lists and maps ---- */

static bool evaluate_children(cleat__cel_run *run, const cleat__cel_node *node, cleat__cel_value **items,
                              size_t *count)
{
    *count = 0;
    for (const cleat__cel_node *each = node->child; each != NULL; each = each->next) {
        ++*count;
    }
    *items = cleat__cel_get(run, *count, sizeof(**items));
    size_t i = 0;
    for (const cleat__cel_node *each = node->child; *items != NULL && each != NULL; each = each->next) {
        if (!cleat__cel_evaluate(run, each, *items + i++)) {
            return false;
        }
    }
    return *items != NULL;
}

static bool is_key(const cleat__cel_value *value)
{
    return value->kind == CLEAT__CEL_BOOL || value->kind == CLEAT__CEL_INT ||
           value->kind == CLEAT__CEL_UINT || value->kind == CLEAT__CEL_STRING;
}

static bool evaluate_map(cleat__cel_run *run, const cleat__cel_node *node, cleat__cel_value *out)
{
    cleat__cel_value *items;
    size_t count;
    if (!evaluate_children(run, node, &items, &count)) {
        return false;
    }
    *out = (cleat__cel_value){.kind = CLEAT__CEL_MAP, .as.many = {.items = items}};
    for (; out->as.many.count < count / 2; out->as.many.count++) {
        const cleat__cel_value *key = &items[2 * out->as.many.count];
        cleat__cel_value ignored;
        bool found;
        if (!is_key(key)) {
            return cleat__cel_fail(run, "a key of a map is of the type %s", cleat__cel_kind_name(key->kind));
        }
        if (!cleat__cel_find(run, out, key, &found, &ignored)) {
            return false;
        }
        if (found) {
            return cleat__cel_fail(run, "a map has a key twice");
        }
    }
    return true;
}

static bool fail_without_key(cleat__cel_run *run, const cleat__cel_value *key)
{
    if (key->kind != CLEAT__CEL_STRING) {
        return cleat__cel_fail(run, "no such key");
    }
    int shown = (int)(key->as.text.size < 100 ? key->as.text.size : 100);
    return cleat__cel_fail(run, "no such key: %.*s", shown, shown != 0 ? key->as.text.data : "");
}

static bool evaluate_select(cleat__cel_run *run, const cleat__cel_node *node, cleat__cel_value *out)
{
    cleat__cel_value map;
    bool found;
    if (!cleat__cel_evaluate(run, node->child, &map)) {
        return false;
    }
    if (map.kind != CLEAT__CEL_MAP) {
        return cleat__cel_fail(run, "no field %.*s in a value of the type %s",
                               (int)(node->literal.as.text.size < 100 ? node->literal.as.text.size : 100),
                               node->literal.as.text.data, cleat__cel_kind_name(map.kind));
    }
    if (!cleat__cel_find(run, &map, &node->literal, &found, out)) {
        return false;
    }
    if (node->kind == CLEAT__CEL_NODE_HAS) {
        *out = cleat__cel_bool(found);
        return true;
    }
    return found || fail_without_key(run, &node->literal);
}

/* An int, or another number that has the value of one. */
static bool list_index(const cleat__cel_value *key, size_t count, size_t *index)
{
    cleat__cel_value last = cleat__cel_uint(count), first = cleat__cel_int(0);
    int from_first, to_last;
    if (!cleat__cel_is_number(key) || !cleat__cel_compare(key, &first, &from_first) ||
        !cleat__cel_compare(key, &last, &to_last) || from_first == CLEAT__CEL_UNORDERED || from_first < 0 ||
        to_last >= 0) {
        return false;
    }
    *index = key->kind == CLEAT__CEL_INT    ? (size_t)key->as.integer
             : key->kind == CLEAT__CEL_UINT ? (size_t)key->as.natural
                                            : (size_t)key->as.real;
    return key->kind != CLEAT__CEL_DOUBLE || (double)*index == key->as.real;
}

static bool evaluate_index(cleat__cel_run *run, const cleat__cel_node *node, cleat__cel_value *out)
{
    cleat__cel_value many, key;
    bool found;
    size_t index;
    if (!cleat__cel_evaluate(run, node->child, &many) || !cleat__cel_evaluate(run, node->child->next, &key)) {
        return false;
    }
    if (many.kind == CLEAT__CEL_MAP) {
        return cleat__cel_find(run, &many, &key, &found, out) && (found || fail_without_key(run, &key));
    }
    if (many.kind != CLEAT__CEL_LIST) {
        return cleat__cel_fail(run, "no element of a value of the type %s", cleat__cel_kind_name(many.kind));
    }
    if (!list_index(&key, cleat__cel_count(&many), &index)) {
        return cleat__cel_fail(run, "no such index in a list of %zu", cleat__cel_count(&many));
    }
    *out = cleat__cel_at(&many, index);
    return true;
}

/* ---- The rest ---- */

/* One evaluation parses a variable once. */
static bool evaluate_variable(cleat__cel_run *run, uint32_t index, cleat__cel_value *out)
{
    static const struct {
        const char *name;
        bool is_json;
        size_t offset;
    } known[] = {
#define VARIABLE(name, is_json) {#name, is_json, offsetof(cleat__expression_variables, name)},
        CLEAT__EXPRESSION_VARIABLES(VARIABLE)
#undef VARIABLE
    };
    const void *member = (const char *)run->variables + known[index].offset;
    cleat_slice text = *(const cleat_slice *)member;
    if (text.data == NULL) {
        return cleat__cel_fail(run, "there is no %s here", known[index].name);
    }
    if (!known[index].is_json) {
        *out = cleat__cel_string(text);
        return true;
    }
    if (run->parsed[index] == NULL) {
        json_error_t failure;
        run->read += text.size;
        /* Integers as reals: they are doubles here, also those of more than 64 bits. */
        run->parsed[index] =
            json_loadb(text.data, text.size, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, &failure);
        if (run->parsed[index] == NULL) {
            cleat__cel_fail(run, "%s is not JSON", known[index].name);
            if (json_error_code(&failure) == json_error_out_of_memory) {
                run->status = CLEAT_NO_MEMORY;
            }
            return false;
        }
    }
    *out = cleat__cel_json(run->parsed[index]);
    return true;
}

static bool evaluate_call(cleat__cel_run *run, const cleat__cel_node *node, cleat__cel_value *out)
{
    cleat__cel_value arguments[CLEAT__CEL_ARGUMENTS_MAX];
    size_t count = 0;
    for (const cleat__cel_node *each = node->child; each != NULL; each = each->next) {
        if (!cleat__cel_evaluate(run, each, &arguments[count++])) {
            return false;
        }
    }
    return cleat__cel_function_call(run, node->as.function, arguments, count, out);
}

static bool evaluate_binary(cleat__cel_run *run, const cleat__cel_node *node, cleat__cel_value *out)
{
    cleat__cel_value a, b;
    return cleat__cel_evaluate(run, node->child, &a) && cleat__cel_evaluate(run, node->child->next, &b) &&
           cleat__cel_operate(run, node->as.operator, & a, &b, out);
}

/* A sign written several times is applied as often, so that what has no negative is an error each time. */
static bool evaluate_sign(cleat__cel_run *run, const cleat__cel_node *node, cleat__cel_value *out)
{
    bool value;
    if (node->kind == CLEAT__CEL_NODE_NOT) {
        if (!evaluate_bool(run, node->child, &value)) {
            return false;
        }
        *out = cleat__cel_bool(value != (node->index % 2 == 1));
        return true;
    }
    if (!cleat__cel_evaluate(run, node->child, out)) {
        return false;
    }
    for (uint32_t i = 0; i < node->index; i++) {
        cleat__cel_value before = *out;
        if (!cleat__cel_step(run, 1, 0) || !cleat__cel_negate(run, &before, out)) {
            return false;
        }
    }
    return true;
}

static bool evaluate_conditional(cleat__cel_run *run, const cleat__cel_node *node, cleat__cel_value *out)
{
    bool condition;
    const cleat__cel_node *yes = node->child->next;
    return evaluate_bool(run, node->child, &condition) &&
           cleat__cel_evaluate(run, condition ? yes : yes->next, out);
}

static bool evaluate_list(cleat__cel_run *run, const cleat__cel_node *node, cleat__cel_value *out)
{
    cleat__cel_value *items;
    size_t count;
    if (!evaluate_children(run, node, &items, &count)) {
        return false;
    }
    *out = cleat__cel_list(items, count);
    return true;
}

bool cleat__cel_evaluate(cleat__cel_run *run, const cleat__cel_node *node, cleat__cel_value *out)
{
    if (!cleat__cel_step(run, 1, 0)) {
        return false;
    }
    switch (node->kind) {
    case CLEAT__CEL_NODE_LITERAL: *out = node->literal; return true;
    case CLEAT__CEL_NODE_VARIABLE: return evaluate_variable(run, node->index, out);
    case CLEAT__CEL_NODE_LOCAL: *out = run->locals[node->index]; return true;
    case CLEAT__CEL_NODE_LIST: return evaluate_list(run, node, out);
    case CLEAT__CEL_NODE_MAP: return evaluate_map(run, node, out);
    case CLEAT__CEL_NODE_OR:
    case CLEAT__CEL_NODE_AND: return evaluate_logical(run, node, out);
    case CLEAT__CEL_NODE_CONDITIONAL: return evaluate_conditional(run, node, out);
    case CLEAT__CEL_NODE_BINARY: return evaluate_binary(run, node, out);
    case CLEAT__CEL_NODE_NOT:
    case CLEAT__CEL_NODE_NEGATE: return evaluate_sign(run, node, out);
    case CLEAT__CEL_NODE_SELECT:
    case CLEAT__CEL_NODE_HAS: return evaluate_select(run, node, out);
    case CLEAT__CEL_NODE_INDEX: return evaluate_index(run, node, out);
    case CLEAT__CEL_NODE_CALL: return evaluate_call(run, node, out);
    case CLEAT__CEL_NODE_LOOP: break;
    }
    return evaluate_loop(run, node, out);
}
