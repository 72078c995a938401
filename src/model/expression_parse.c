/*
 * Recursive descent by CEL's grammar. What nests (brackets, calls, the branches of ?:) is counted against
 * CLEAT__EXPRESSION_DEPTH_MAX; what is long without nesting is read by loops, its tree's height is bounded too.
 */
#include "model/expression_tree.h"

#include "base/error.h"
#include "base/utf8.h"

typedef struct parser {
    cleat__cel_lexer lexer;
    cleat__cel_token token; /* the next one */
    cleat__arena *memory;
    size_t depth;
    cleat_slice locals[CLEAT__EXPRESSION_DEPTH_MAX]; /* names of the loops that are around */
    size_t local_count;
} parser;

static cleat_status parse_expression(parser *p, cleat__cel_node **out);

/* ---- Tokens ---- */

static cleat_status advance(parser *p)
{
    return cleat__cel_lex(&p->lexer, &p->token);
}

static bool is_sign(const parser *p, const char *sign)
{
    return p->token.kind == CLEAT__CEL_TOKEN_SIGN && cleat_slice_equals(p->token.text, cleat_slice_of(sign));
}

static bool is_word(const parser *p, const char *word)
{
    return p->token.kind == CLEAT__CEL_TOKEN_NAME && cleat_slice_equals(p->token.text, cleat_slice_of(word));
}

static cleat_status fail_expecting(const parser *p, const char *what)
{
    if (p->token.kind == CLEAT__CEL_TOKEN_END) {
        return cleat__cel_fail_at(&p->lexer, p->token.text.data, "expected %s, the text ends", what);
    }
    size_t shown =
        cleat__utf8_valid_prefix(p->token.text.data, p->token.text.size < 40 ? p->token.text.size : 40);
    return cleat__cel_fail_at(&p->lexer, p->token.text.data, "expected %s, not %.*s", what, (int)shown,
                              p->token.text.data);
}

static cleat_status take_sign(parser *p, const char *sign, const char *what)
{
    return is_sign(p, sign) ? advance(p) : fail_expecting(p, what);
}

/* ---- Nodes ---- */

/* `child` and those after it; NULL on a failure, which is told. */
static cleat_status make_node(parser *p, const char *at, cleat__cel_node_kind kind, cleat__cel_node *child,
                              cleat__cel_node **out)
{
    uint16_t height = 0;
    for (const cleat__cel_node *each = child; each != NULL; each = each->next) {
        height = each->height > height ? each->height : height;
    }
    if (height == CLEAT__EXPRESSION_HEIGHT_MAX) {
        return cleat__cel_fail_at(&p->lexer, at, "more than %d operations, each on the result of another",
                                  CLEAT__EXPRESSION_HEIGHT_MAX);
    }
    cleat__cel_node *node = cleat__arena_get(p->memory, sizeof(*node));
    if (node == NULL) {
        return cleat__fail_memory();
    }
    *node = (cleat__cel_node){.kind = kind,
                              .height = (uint16_t)(height + 1),
                              .at = (uint32_t)(at - p->lexer.begin),
                              .child = child};
    *out = node;
    return CLEAT_OK;
}

static cleat_status make_binary(parser *p, const char *at, cleat__cel_operator operator,
                                cleat__cel_node ** left, cleat__cel_node *right)
{
    cleat__cel_node *first = *left;
    first->next = right;
    cleat_status status = make_node(p, at, CLEAT__CEL_NODE_BINARY, first, left);
    if (status == CLEAT_OK) {
        (*left)->as.operator= operator;
    }
    return status;
}

static cleat_status make_literal(parser *p, cleat__cel_value value, cleat__cel_node **out)
{
    cleat_status status = make_node(p, p->token.text.data, CLEAT__CEL_NODE_LITERAL, NULL, out);
    if (status == CLEAT_OK) {
        (*out)->literal = value;
    }
    return status;
}

/* ---- Lists of expressions ---- */

typedef struct list {
    cleat__cel_node *first, **end;
    size_t count;
} list;

static void append(list *to, cleat__cel_node *node)
{
    *to->end = node;
    to->end = &node->next;
    to->count++;
}

static cleat_status parse_appended(parser *p, list *to)
{
    cleat__cel_node *node;
    cleat_status status = parse_expression(p, &node);
    if (status == CLEAT_OK) {
        append(to, node);
    }
    return status;
}

/* Behind the opening bracket up to and with `close`; [1, 2,] may have a comma at the end, f(1, 2) not. */
static cleat_status parse_list(parser *p, const char *close, bool comma_may_end, list *to)
{
    cleat_status status = CLEAT_OK;
    bool is_first = true;
    while (status == CLEAT_OK && !is_sign(p, close)) {
        if (!is_first) {
            status = take_sign(p, ",", close[0] == ')' ? "\",\" or \")\"" : "\",\" or \"]\"");
            if (status != CLEAT_OK || (comma_may_end && is_sign(p, close))) {
                break;
            }
        }
        is_first = false;
        status = parse_appended(p, to);
    }
    return status == CLEAT_OK ? advance(p) : status;
}

static cleat_status parse_entries(parser *p, list *to)
{
    cleat_status status = CLEAT_OK;
    while (status == CLEAT_OK && !is_sign(p, "}")) {
        if (to->count != 0) {
            status = take_sign(p, ",", "\",\" or \"}\"");
            if (status != CLEAT_OK || is_sign(p, "}")) {
                break;
            }
        }
        status = parse_appended(p, to);
        status = status == CLEAT_OK ? take_sign(p, ":", "\":\" and the key's value") : status;
        status = status == CLEAT_OK ? parse_appended(p, to) : status;
    }
    return status == CLEAT_OK ? advance(p) : status;
}

/* ---- Calls and macros ---- */

/* Behind "range.map(": the variable, then one or two bodies in which it is known. */
static cleat_status parse_loop(parser *p, const char *at, cleat__cel_loop loop, cleat__cel_node **target)
{
    list parts = {.first = *target, .end = &(*target)->next, .count = 1};
    cleat_slice name = p->token.text;
    if (p->token.kind != CLEAT__CEL_TOKEN_NAME || cleat__cel_is_reserved(name)) {
        return fail_expecting(p, "the name of a variable");
    }
    cleat_status status = advance(p);
    status = status == CLEAT_OK ? take_sign(p, ",", "\",\" behind the variable") : status;
    if (status != CLEAT_OK) {
        return status;
    }
    size_t index = p->local_count; /* no deeper than the depth, which the caller has counted */
    p->locals[p->local_count++] = name;
    status = parse_list(p, ")", false, &parts);
    p->local_count--;
    if (status != CLEAT_OK) {
        return status;
    }
    size_t bodies = parts.count - 1;
    if (bodies != 1 && !(loop == CLEAT__CEL_MAPPED && bodies == 2)) {
        return cleat__cel_fail_at(
            &p->lexer, at, "expected (variable, %s), not %zu parts",
            loop == CLEAT__CEL_MAPPED ? "value) or (variable, condition, value" : "condition", bodies + 1);
    }
    status = make_node(p, at, CLEAT__CEL_NODE_LOOP, parts.first, target);
    if (status == CLEAT_OK) {
        (*target)->as.loop = loop;
        (*target)->index = (uint32_t)index;
    }
    return status;
}

static cleat_status make_call(parser *p, cleat_slice name, bool is_method, const list *arguments,
                              cleat__cel_node **out)
{
    bool is_known;
    const cleat__cel_function *function =
        cleat__cel_function_find(name, is_method, arguments->count, &is_known);
    int shown = (int)(name.size < 60 ? name.size : 60);
    if (function == NULL && is_known) {
        return cleat__cel_fail_at(&p->lexer, name.data, "%.*s() does not take %zu arguments", shown,
                                  name.data, arguments->count - is_method);
    }
    if (function == NULL) {
        return cleat__cel_fail_at(&p->lexer, name.data, "there is no %s %.*s()",
                                  is_method ? "method" : "function", shown, name.data);
    }
    cleat_status status = make_node(p, name.data, CLEAT__CEL_NODE_CALL, arguments->first, out);
    if (status == CLEAT_OK) {
        (*out)->as.function = function;
    }
    return status;
}

/* Behind "has(". */
static cleat_status parse_has(parser *p, cleat__cel_node **out)
{
    const char *at = p->token.text.data;
    cleat_status status = parse_expression(p, out);
    if (status != CLEAT_OK) {
        return status;
    }
    if ((*out)->kind != CLEAT__CEL_NODE_SELECT) {
        return cleat__cel_fail_at(&p->lexer, at, "has() wants one field, such as has(input.name)");
    }
    (*out)->kind = CLEAT__CEL_NODE_HAS;
    return take_sign(p, ")", "\")\"");
}

/* ---- Members ---- */

static cleat_status enter(parser *p)
{
    if (p->depth == CLEAT__EXPRESSION_DEPTH_MAX) {
        return cleat__cel_fail_at(&p->lexer, p->token.text.data, "nested deeper than %d levels",
                                  CLEAT__EXPRESSION_DEPTH_MAX);
    }
    p->depth++;
    return CLEAT_OK;
}

/* Behind the name and "(": a macro's rest or a method's. */
static cleat_status parse_method(parser *p, cleat_slice name, cleat__cel_node **target)
{
    cleat__cel_loop loop;
    cleat_status status = enter(p);
    if (status != CLEAT_OK) {
        return status;
    }
    if (cleat__cel_find_loop(name, &loop)) {
        status = parse_loop(p, name.data, loop, target);
    } else {
        list arguments = {.first = *target, .end = &(*target)->next, .count = 1};
        status = parse_list(p, ")", false, &arguments);
        status = status == CLEAT_OK ? make_call(p, name, true, &arguments, target) : status;
    }
    p->depth--;
    return status;
}

/* Behind the dot. */
static cleat_status parse_selection(parser *p, cleat__cel_node **target)
{
    cleat_slice name = p->token.text;
    if (p->token.kind != CLEAT__CEL_TOKEN_NAME) {
        return fail_expecting(p, "the name of a field or method");
    }
    cleat_status status = advance(p);
    if (status == CLEAT_OK && is_sign(p, "(")) {
        status = advance(p);
        return status == CLEAT_OK ? parse_method(p, name, target) : status;
    }
    if (status == CLEAT_OK) {
        status = make_node(p, name.data, CLEAT__CEL_NODE_SELECT, *target, target);
    }
    if (status == CLEAT_OK) {
        (*target)->literal = cleat__cel_string(name);
    }
    return status;
}

/* Behind the "[". */
static cleat_status parse_index(parser *p, cleat__cel_node **target)
{
    const char *at = p->token.text.data;
    cleat__cel_node *index;
    cleat_status status = parse_expression(p, &index);
    status = status == CLEAT_OK ? take_sign(p, "]", "\"]\"") : status;
    if (status == CLEAT_OK) {
        (*target)->next = index;
        status = make_node(p, at, CLEAT__CEL_NODE_INDEX, *target, target);
    }
    return status;
}

static cleat_status parse_bracketed(parser *p, cleat__cel_node **out)
{
    const char *at = p->token.text.data;
    list parts = {.end = &parts.first};
    cleat_status status = advance(p);
    if (status != CLEAT_OK) {
        return status;
    }
    if (*at == '(') {
        status = parse_expression(p, out);
        return status == CLEAT_OK ? take_sign(p, ")", "\")\" or an operator") : status;
    }
    status = *at == '[' ? parse_list(p, "]", true, &parts) : parse_entries(p, &parts);
    cleat__cel_node_kind kind = *at == '[' ? CLEAT__CEL_NODE_LIST : CLEAT__CEL_NODE_MAP;
    return status == CLEAT_OK ? make_node(p, at, kind, parts.first, out) : status;
}

/* ---- Names ---- */

static cleat_status make_named(parser *p, cleat_slice name, cleat__cel_node **out)
{
    cleat__cel_value constant;
    uint32_t index;
    cleat__cel_node_kind kind = CLEAT__CEL_NODE_LOCAL;
    bool is_found = false;
    for (index = (uint32_t)p->local_count; index > 0 && !is_found;) {
        is_found = cleat_slice_equals(p->locals[--index], name);
    }
    if (!is_found) {
        if (cleat__cel_find_constant(name, &constant)) {
            return make_literal(p, constant, out);
        }
        kind = CLEAT__CEL_NODE_VARIABLE;
        is_found = !cleat__cel_is_reserved(name) && cleat__cel_find_variable(name, &index);
    }
    if (!is_found) {
        return cleat__cel_fail_at(&p->lexer, name.data, "there is no variable %.*s",
                                  (int)(name.size < 60 ? name.size : 60), name.data);
    }
    cleat_status status = make_node(p, name.data, kind, NULL, out);
    if (status == CLEAT_OK) {
        (*out)->index = index;
    }
    return status;
}

static cleat_status parse_name(parser *p, cleat__cel_node **out)
{
    cleat_slice name = p->token.text;
    cleat_status status = advance(p);
    if (status != CLEAT_OK) {
        return status;
    }
    if (!is_sign(p, "(") || cleat__cel_is_reserved(name)) {
        return make_named(p, name, out);
    }
    list arguments = {.end = &arguments.first};
    status = advance(p);
    status = status == CLEAT_OK ? enter(p) : status;
    if (status != CLEAT_OK) {
        return status;
    }
    if (cleat_slice_equals(name, cleat_slice_of("has"))) {
        status = parse_has(p, out);
    } else {
        status = parse_list(p, ")", false, &arguments);
        status = status == CLEAT_OK ? make_call(p, name, false, &arguments, out) : status;
    }
    p->depth--;
    return status;
}

static cleat_status parse_primary(parser *p, cleat__cel_node **out)
{
    if (p->token.kind == CLEAT__CEL_TOKEN_LITERAL) {
        if (p->token.is_minimum) {
            return cleat__cel_fail_at(&p->lexer, p->token.text.data, "an int above 9223372036854775807");
        }
        cleat_status status = make_literal(p, p->token.value, out);
        return status == CLEAT_OK ? advance(p) : status;
    }
    if (p->token.kind == CLEAT__CEL_TOKEN_NAME) {
        return is_word(p, "in") ? fail_expecting(p, "a value") : parse_name(p, out);
    }
    if (is_sign(p, "(") || is_sign(p, "[") || is_sign(p, "{")) {
        return parse_bracketed(p, out);
    }
    return fail_expecting(p, "a value");
}

static cleat_status parse_member(parser *p, cleat__cel_node **out)
{
    cleat_status status = parse_primary(p, out);
    while (status == CLEAT_OK && (is_sign(p, ".") || is_sign(p, "["))) {
        bool is_field = is_sign(p, ".");
        status = advance(p);
        if (status == CLEAT_OK) {
            status = is_field ? parse_selection(p, out) : parse_index(p, out);
        }
    }
    return status;
}

/* ---- Operators ---- */

/* ! or - any number of times; the last minus before a number is the number's own. */
static cleat_status parse_unary(parser *p, cleat__cel_node **out)
{
    const char *at = p->token.text.data;
    const char *sign = is_sign(p, "!") ? "!" : "-";
    uint32_t times = 0;
    while (is_sign(p, sign)) {
        cleat_status status = advance(p);
        if (status != CLEAT_OK) {
            return status;
        }
        times++;
    }
    if (*sign == '-' && times > 0 && p->token.is_minimum) {
        p->token.is_minimum = false;
        times--;
    }
    cleat_status status = parse_member(p, out);
    if (status == CLEAT_OK && times > 0) {
        status = make_node(p, at, *sign == '!' ? CLEAT__CEL_NODE_NOT : CLEAT__CEL_NODE_NEGATE, *out, out);
        if (status == CLEAT_OK) {
            (*out)->index = times;
        }
    }
    return status;
}

enum { LEVELS = 3 };

/* The levels of operators that take two values, loosest first. */
static bool find_operator(const parser *p, int level, cleat__cel_operator *operator)
{
    static const struct {
        int level;
        const char *sign;
        cleat__cel_operator operator;
    } operators[] = {
        {0, "==", CLEAT__CEL_EQUAL},    {0, "!=", CLEAT__CEL_NOT_EQUAL},
        {0, "<", CLEAT__CEL_LESS},      {0, "<=", CLEAT__CEL_LESS_OR_EQUAL},
        {0, ">", CLEAT__CEL_GREATER},   {0, ">=", CLEAT__CEL_GREATER_OR_EQUAL},
        {1, "+", CLEAT__CEL_ADD},       {1, "-", CLEAT__CEL_SUBTRACT},
        {2, "*", CLEAT__CEL_MULTIPLY},  {2, "/", CLEAT__CEL_DIVIDE},
        {2, "%", CLEAT__CEL_REMAINDER},
    };
    *operator= CLEAT__CEL_IN;
    if (level == 0 && is_word(p, "in")) {
        return true;
    }
    for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
        if (operators[i].level == level && is_sign(p, operators[i].sign)) {
            *operator= operators[i].operator;
            return true;
        }
    }
    return false;
}

static cleat_status parse_binary(parser *p, int level, cleat__cel_node **out)
{
    cleat_status status = level == LEVELS ? parse_unary(p, out) : parse_binary(p, level + 1, out);
    cleat__cel_operator operator;
    while (status == CLEAT_OK && level < LEVELS && find_operator(p, level, &operator)) {
        const char *at = p->token.text.data;
        cleat__cel_node *right;
        status = advance(p);
        status = status == CLEAT_OK ? parse_binary(p, level + 1, &right) : status;
        status = status == CLEAT_OK ? make_binary(p, at, operator, out, right) : status;
    }
    return status;
}

/* a || b || c is one node: a filter may list a hundred of them. */
static cleat_status parse_logical(parser *p, bool is_or, cleat__cel_node **out)
{
    const char *at = p->token.text.data, *sign = is_or ? "||" : "&&";
    list operands = {.end = &operands.first};
    cleat_status status;
    for (;;) {
        cleat__cel_node *operand;
        status = is_or ? parse_logical(p, false, &operand) : parse_binary(p, 0, &operand);
        if (status != CLEAT_OK) {
            return status;
        }
        append(&operands, operand);
        if (!is_sign(p, sign)) {
            break;
        }
        status = advance(p);
        if (status != CLEAT_OK) {
            return status;
        }
    }
    if (operands.count == 1) {
        *out = operands.first;
        return CLEAT_OK;
    }
    return make_node(p, at, is_or ? CLEAT__CEL_NODE_OR : CLEAT__CEL_NODE_AND, operands.first, out);
}

/* Behind the "?". */
static cleat_status parse_branches(parser *p, const char *at, cleat__cel_node **out)
{
    cleat__cel_node *yes, *no;
    cleat_status status = parse_logical(p, true, &yes);
    status = status == CLEAT_OK ? take_sign(p, ":", "\":\" and the other branch") : status;
    status = status == CLEAT_OK ? parse_expression(p, &no) : status;
    if (status == CLEAT_OK) {
        (*out)->next = yes;
        yes->next = no;
        status = make_node(p, at, CLEAT__CEL_NODE_CONDITIONAL, *out, out);
    }
    return status;
}

static cleat_status parse_expression(parser *p, cleat__cel_node **out)
{
    const char *at = p->token.text.data;
    cleat_status status = enter(p);
    if (status != CLEAT_OK) {
        return status;
    }
    status = parse_logical(p, true, out);
    if (status == CLEAT_OK && is_sign(p, "?")) {
        status = advance(p);
        status = status == CLEAT_OK ? parse_branches(p, at, out) : status;
    }
    p->depth--;
    return status;
}

cleat_status cleat__cel_parse(cleat_slice text, cleat__expression *expression)
{
    parser p = {
        .lexer = {.begin = text.data,
                  .at = text.data,
                  .end = text.data + text.size,
                  .memory = &expression->memory},
        .memory = &expression->memory,
    };
    size_t valid = cleat__utf8_valid_prefix(text.data, text.size);
    if (valid != text.size) {
        return cleat__cel_fail_at(&p.lexer, text.data + valid, "a byte that is not UTF-8");
    }
    cleat_status status = advance(&p);
    status = status == CLEAT_OK ? parse_expression(&p, &expression->root) : status;
    if (status == CLEAT_OK && p.token.kind != CLEAT__CEL_TOKEN_END) {
        status = fail_expecting(&p, "an operator or the end");
    }
    return status;
}
