/* Arithmetic, joining and comparing: what an operator makes of two values. */
#include "model/expression_tree.h"

#include "base/buffer.h"

#include <math.h>

static const char *const signs[] = {"==", "!=", "<", "<=", ">", ">=", "in", "+", "-", "*", "/", "%"};

const char *cleat__cel_operator_sign(cleat__cel_operator operator)
{
    return signs[operator];
}

static bool fail_types(cleat__cel_run *run, cleat__cel_operator operator, const cleat__cel_value * a,
                       const cleat__cel_value *b)
{
    return cleat__cel_fail(run, "no %s of %s and %s", signs[operator], cleat__cel_kind_name(a->kind),
                           cleat__cel_kind_name(b->kind));
}

static bool fail_overflow(cleat__cel_run *run, cleat__cel_operator operator)
{
    return cleat__cel_fail(run, "%s is out of range", signs[operator]);
}

/* ---- Numbers ---- */

static bool divide_integers(cleat__cel_run *run, cleat__cel_operator operator, int64_t a, int64_t b,
                            int64_t *result)
{
    if (b == 0) {
        return cleat__cel_fail(run, "division by zero");
    }
    if (a == INT64_MIN && b == -1) {
        return fail_overflow(run, operator);
    }
    *result = operator== CLEAT__CEL_DIVIDE ? a / b : a % b;
    return true;
}

static bool operate_integers(cleat__cel_run *run, cleat__cel_operator operator, int64_t a, int64_t b,
                             cleat__cel_value *out)
{
    int64_t result = 0;
    bool overflows = false;
    switch (operator) {
    case CLEAT__CEL_ADD: overflows = __builtin_add_overflow(a, b, &result); break;
    case CLEAT__CEL_SUBTRACT: overflows = __builtin_sub_overflow(a, b, &result); break;
    case CLEAT__CEL_MULTIPLY: overflows = __builtin_mul_overflow(a, b, &result); break;
    default:
        if (!divide_integers(run, operator, a, b, &result)) {
            return false;
        }
    }
    *out = cleat__cel_int(result);
    return !overflows || fail_overflow(run, operator);
}

static bool operate_naturals(cleat__cel_run *run, cleat__cel_operator operator, uint64_t a, uint64_t b,
                             cleat__cel_value *out)
{
    uint64_t result = 0;
    bool overflows = false;
    switch (operator) {
    case CLEAT__CEL_ADD: overflows = __builtin_add_overflow(a, b, &result); break;
    case CLEAT__CEL_SUBTRACT: overflows = __builtin_sub_overflow(a, b, &result); break;
    case CLEAT__CEL_MULTIPLY: overflows = __builtin_mul_overflow(a, b, &result); break;
    default:
        if (b == 0) {
            return cleat__cel_fail(run, "division by zero");
        }
        result = operator== CLEAT__CEL_DIVIDE ? a / b : a % b;
    }
    *out = cleat__cel_uint(result);
    return !overflows || fail_overflow(run, operator);
}

/* IEEE 754 says what a division by zero is. */
__attribute__((no_sanitize("float-divide-by-zero"))) static double quotient(double a, double b)
{
    return a / b;
}

static bool operate_doubles(cleat__cel_operator operator, double a, double b, cleat__cel_value *out)
{
    switch (operator) {
    case CLEAT__CEL_ADD: *out = cleat__cel_double(a + b); return true;
    case CLEAT__CEL_SUBTRACT: *out = cleat__cel_double(a - b); return true;
    case CLEAT__CEL_MULTIPLY: *out = cleat__cel_double(a * b); return true;
    case CLEAT__CEL_DIVIDE: *out = cleat__cel_double(quotient(a, b)); return true;
    default: return false;
    }
}

bool cleat__cel_negate(cleat__cel_run *run, const cleat__cel_value *value, cleat__cel_value *out)
{
    if (value->kind == CLEAT__CEL_DOUBLE) {
        *out = cleat__cel_double(-value->as.real);
        return true;
    }
    if (value->kind != CLEAT__CEL_INT) {
        return cleat__cel_fail(run, "no - of %s", cleat__cel_kind_name(value->kind));
    }
    if (value->as.integer == INT64_MIN) {
        return fail_overflow(run, CLEAT__CEL_SUBTRACT);
    }
    *out = cleat__cel_int(-value->as.integer);
    return true;
}

/* ---- Joining ---- */

static bool join_texts(cleat__cel_run *run, const cleat__cel_value *a, const cleat__cel_value *b,
                       cleat__cel_value *out)
{
    cleat_slice first = a->as.text, second = b->as.text;
    char *text = cleat__cel_get(run, first.size + second.size + 1, 1);
    if (text == NULL || !cleat__cel_step(run, 0, first.size + second.size)) {
        return false;
    }
    memcpy(text, first.size != 0 ? first.data : "", first.size);
    memcpy(text + first.size, second.size != 0 ? second.data : "", second.size);
    *out = cleat__cel_string((cleat_slice){text, first.size + second.size});
    out->kind = a->kind;
    return true;
}

static bool join_lists(cleat__cel_run *run, const cleat__cel_value *a, const cleat__cel_value *b,
                       cleat__cel_value *out)
{
    size_t first = cleat__cel_count(a), second = cleat__cel_count(b);
    if (!cleat__cel_step(run, first + second, 0)) {
        return false;
    }
    cleat__cel_value *items = cleat__cel_get(run, first + second, sizeof(*items));
    for (size_t i = 0; items != NULL && i < first + second; i++) {
        items[i] = i < first ? cleat__cel_at(a, i) : cleat__cel_at(b, i - first);
    }
    *out = cleat__cel_list(items, first + second);
    return items != NULL;
}

static bool operate_alike(cleat__cel_run *run, cleat__cel_operator operator, const cleat__cel_value * a,
                          const cleat__cel_value *b, cleat__cel_value *out)
{
    switch (a->kind) {
    case CLEAT__CEL_INT: return operate_integers(run, operator, a->as.integer, b->as.integer, out);
    case CLEAT__CEL_UINT: return operate_naturals(run, operator, a->as.natural, b->as.natural, out);
    case CLEAT__CEL_DOUBLE:
        return operate_doubles(operator, a->as.real, b->as.real, out) || fail_types(run, operator, a, b);
    default: break;
    }
    if (operator!= CLEAT__CEL_ADD) {
        return fail_types(run, operator, a, b);
    }
    switch (a->kind) {
    case CLEAT__CEL_STRING:
    case CLEAT__CEL_BYTES: return join_texts(run, a, b, out);
    case CLEAT__CEL_LIST: return join_lists(run, a, b, out);
    default: return fail_types(run, operator, a, b);
    }
}

/* ---- Comparing ---- */

static bool is_in(cleat__cel_run *run, const cleat__cel_value *value, const cleat__cel_value *many,
                  bool *found)
{
    *found = false;
    if (many->kind == CLEAT__CEL_MAP) {
        cleat__cel_value ignored;
        return cleat__cel_find(run, many, value, found, &ignored);
    }
    if (many->kind != CLEAT__CEL_LIST) {
        return fail_types(run, CLEAT__CEL_IN, value, many);
    }
    for (size_t i = 0; i < cleat__cel_count(many) && !*found; i++) {
        cleat__cel_value item = cleat__cel_at(many, i);
        if (!cleat__cel_equals(run, &item, value, found)) {
            return false;
        }
    }
    return true;
}

static bool order(cleat__cel_run *run, cleat__cel_operator operator, const cleat__cel_value * a,
                  const cleat__cel_value *b, bool *out)
{
    int order;
    if (!cleat__cel_compare(a, b, &order)) {
        return fail_types(run, operator, a, b);
    }
    bool is_text = a->kind == CLEAT__CEL_STRING || a->kind == CLEAT__CEL_BYTES;
    if (is_text && !cleat__cel_step(run, 0, a->as.text.size)) {
        return false;
    }
    switch (operator) {
    case CLEAT__CEL_LESS: *out = order < 0; break;
    case CLEAT__CEL_LESS_OR_EQUAL: *out = order <= 0; break;
    case CLEAT__CEL_GREATER: *out = order > 0 && order != CLEAT__CEL_UNORDERED; break;
    default: *out = order >= 0 && order != CLEAT__CEL_UNORDERED; break;
    }
    return true;
}

bool cleat__cel_operate(cleat__cel_run *run, cleat__cel_operator operator, const cleat__cel_value * a,
                        const cleat__cel_value *b, cleat__cel_value *out)
{
    bool result = false, is_done;
    switch (operator) {
    case CLEAT__CEL_EQUAL:
    case CLEAT__CEL_NOT_EQUAL:
        is_done = cleat__cel_equals(run, a, b, &result);
        result = result == (operator== CLEAT__CEL_EQUAL);
        break;
    case CLEAT__CEL_LESS:
    case CLEAT__CEL_LESS_OR_EQUAL:
    case CLEAT__CEL_GREATER:
    case CLEAT__CEL_GREATER_OR_EQUAL: is_done = order(run, operator, a, b, &result); break;
    case CLEAT__CEL_IN: is_done = is_in(run, a, b, &result); break;
    default:
        return a->kind == b->kind ? operate_alike(run, operator, a, b, out) : fail_types(run, operator, a, b);
    }
    *out = cleat__cel_bool(result);
    return is_done;
}
