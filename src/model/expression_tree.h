/* A compiled expression: a tree of nodes, each at most CLEAT__EXPRESSION_HEIGHT_MAX high. */
#ifndef CLEAT_MODEL_EXPRESSION_TREE_H
#define CLEAT_MODEL_EXPRESSION_TREE_H

#include "model/expression_function.h"

typedef enum cleat__cel_node_kind {
    CLEAT__CEL_NODE_LITERAL,
    CLEAT__CEL_NODE_VARIABLE, /* `index`: which */
    CLEAT__CEL_NODE_LOCAL,    /* `index`: its place in the evaluation's locals */
    CLEAT__CEL_NODE_LIST,     /* children: elements */
    CLEAT__CEL_NODE_MAP,      /* children: keys and values in turns */
    CLEAT__CEL_NODE_OR,       /* children: two or more */
    CLEAT__CEL_NODE_AND,
    CLEAT__CEL_NODE_CONDITIONAL, /* children: condition, then, else */
    CLEAT__CEL_NODE_BINARY,      /* `operator` */
    CLEAT__CEL_NODE_NOT,         /* `index`: how many times */
    CLEAT__CEL_NODE_NEGATE,
    CLEAT__CEL_NODE_SELECT, /* child: the map; `literal`: the key */
    CLEAT__CEL_NODE_HAS,    /* the same */
    CLEAT__CEL_NODE_INDEX,  /* children: list or map, key */
    CLEAT__CEL_NODE_CALL,   /* `function`; children: target and arguments */
    CLEAT__CEL_NODE_LOOP,   /* `loop`, `index` of its variable; children: what it goes through, bodies */
} cleat__cel_node_kind;

typedef enum cleat__cel_operator {
    CLEAT__CEL_EQUAL,
    CLEAT__CEL_NOT_EQUAL,
    CLEAT__CEL_LESS,
    CLEAT__CEL_LESS_OR_EQUAL,
    CLEAT__CEL_GREATER,
    CLEAT__CEL_GREATER_OR_EQUAL,
    CLEAT__CEL_IN,
    CLEAT__CEL_ADD,
    CLEAT__CEL_SUBTRACT,
    CLEAT__CEL_MULTIPLY,
    CLEAT__CEL_DIVIDE,
    CLEAT__CEL_REMAINDER,
} cleat__cel_operator;

typedef enum cleat__cel_loop {
    CLEAT__CEL_ALL,
    CLEAT__CEL_EXISTS,
    CLEAT__CEL_EXISTS_ONE,
    CLEAT__CEL_MAPPED, /* with two bodies: a condition and what is made */
    CLEAT__CEL_FILTERED,
} cleat__cel_loop;

typedef struct cleat__cel_node cleat__cel_node;
struct cleat__cel_node {
    cleat__cel_node_kind kind;
    uint16_t height;
    cleat__cel_kinds kinds; /* that its value may have, once it was inferred */
    uint32_t index;
    uint32_t at; /* the byte of the text to which an error points */
    union {
        cleat__cel_operator operator;
        cleat__cel_loop loop;
        const cleat__cel_function *function;
    } as;
    cleat__cel_node *child, *next; /* the first of its children, and the next of its parent's */
    cleat__cel_value literal;
};

struct cleat__expression {
    cleat__arena memory;
    cleat_slice text; /* in that */
    cleat__cel_node *root;
};

/* What stands in the text, for the parser. */
typedef enum cleat__cel_token_kind {
    CLEAT__CEL_TOKEN_END,
    CLEAT__CEL_TOKEN_NAME,
    CLEAT__CEL_TOKEN_LITERAL, /* a number, a string or bytes: `value` */
    CLEAT__CEL_TOKEN_SIGN,    /* an operator or a bracket: `text` */
} cleat__cel_token_kind;

typedef struct cleat__cel_token {
    cleat__cel_token_kind kind;
    cleat_slice text; /* as it stands there */
    cleat__cel_value value;
    bool
        is_minimum; /* the int 9223372036854775808, which is one only behind a minus; `value` is the negative */
} cleat__cel_token;

typedef struct cleat__cel_lexer {
    const char *begin, *at, *end;
    cleat__arena *memory; /* for strings with escapes */
} cleat__cel_lexer;

/* CLEAT_INVALID_ARGUMENT: what stands there is nothing. */
cleat_status cleat__cel_lex(cleat__cel_lexer *lexer, cleat__cel_token *token);
/* The literal behind the quote at `lexer->at`; `is_raw`: without escapes. */
cleat_status cleat__cel_lex_string(cleat__cel_lexer *lexer, bool is_raw, bool is_bytes,
                                   cleat__cel_value *out);
/* A failure at a place of the text: "character 7: ...". */
cleat_status cleat__cel_fail_at(const cleat__cel_lexer *lexer, const char *at, const char *format, ...)
    CLEAT_PRINTF(3, 4);

/* What a word is. */
bool cleat__cel_is_reserved(cleat_slice name); /* nothing may be called so, but fields */
bool cleat__cel_find_loop(cleat_slice name, cleat__cel_loop *loop);
bool cleat__cel_find_variable(cleat_slice name, uint32_t *index);
const char *cleat__cel_variable_name(uint32_t index);
bool cleat__cel_find_constant(cleat_slice name, cleat__cel_value *out); /* true, null, int and its like */

/* Fills `memory` and `root`. */
cleat_status cleat__cel_parse(cleat_slice text, cleat__expression *expression);

/* The kinds of what the variables may be. */
typedef struct cleat__cel_kinds_known {
    cleat__cel_kinds variables[CLEAT__EXPRESSION_VARIABLE_COUNT]; /* 0: there is none of that name */
} cleat__cel_kinds_known;
/* Fills `kinds` of the tree: each value that an evaluation may have is of one of them, and 0 says that none has one.
 * The first use of a variable that is not there, or NULL. */
const cleat__cel_node *cleat__cel_infer(cleat__cel_node *node, const cleat__cel_kinds_known *known);
/* What, in a tree of which that says that it has no value, is the reason. */
const cleat__cel_node *cleat__cel_find_impossible(const cleat__cel_node *node);
enum { CLEAT__CEL_SENTENCE_SIZE = 256 };
void cleat__cel_tell_impossible(const cleat__cel_node *node, char text[CLEAT__CEL_SENTENCE_SIZE]);

/* False: see cleat__cel_fail(). */
bool cleat__cel_evaluate(cleat__cel_run *run, const cleat__cel_node *node, cleat__cel_value *out);
bool cleat__cel_operate(cleat__cel_run *run, cleat__cel_operator operator, const cleat__cel_value * a,
                        const cleat__cel_value *b, cleat__cel_value *out);
const char *cleat__cel_operator_sign(cleat__cel_operator operator);
bool cleat__cel_negate(cleat__cel_run *run, const cleat__cel_value *value, cleat__cel_value *out);

#endif
