/* Values of an expression, and one evaluation with what it may take. */
#ifndef CLEAT_MODEL_EXPRESSION_VALUE_H
#define CLEAT_MODEL_EXPRESSION_VALUE_H

#include "base/arena.h"
#include "model/expression.h"

#include <jansson.h>

/* X(name, as CEL calls the type) */
#define CLEAT__CEL_KINDS(X) \
    X(NULL, "null_type")    \
    X(BOOL, "bool")         \
    X(INT, "int")           \
    X(UINT, "uint")         \
    X(DOUBLE, "double")     \
    X(STRING, "string")     \
    X(BYTES, "bytes")       \
    X(LIST, "list")         \
    X(MAP, "map")           \
    X(TYPE, "type")

typedef enum cleat__cel_kind {
#define CLEAT__CEL_KIND(name, text) CLEAT__CEL_##name,
    CLEAT__CEL_KINDS(CLEAT__CEL_KIND)
#undef CLEAT__CEL_KIND
} cleat__cel_kind;

/* A set of them. */
typedef uint16_t cleat__cel_kinds;
#define CLEAT__CEL_ONLY(name) ((cleat__cel_kinds)(1U << CLEAT__CEL_##name))
#define CLEAT__CEL_ANY        ((cleat__cel_kinds)((1U << (CLEAT__CEL_TYPE + 1)) - 1))
#define CLEAT__CEL_NUMBERS    (CLEAT__CEL_ONLY(INT) | CLEAT__CEL_ONLY(UINT) | CLEAT__CEL_ONLY(DOUBLE))
#define CLEAT__CEL_MANY       (CLEAT__CEL_ONLY(LIST) | CLEAT__CEL_ONLY(MAP))
/* Those of JSON, as cleat__cel_json() makes them. */
#define CLEAT__CEL_OF_JSON                                                                               \
    (CLEAT__CEL_ONLY(NULL) | CLEAT__CEL_ONLY(BOOL) | CLEAT__CEL_ONLY(DOUBLE) | CLEAT__CEL_ONLY(STRING) | \
     CLEAT__CEL_MANY)

/* Text and elements are borrowed from the expression, the variables or the evaluation's memory. */
typedef struct cleat__cel_value {
    cleat__cel_kind kind;
    union {
        bool boolean;
        int64_t integer;
        uint64_t natural;
        double real;
        cleat_slice text;     /* STRING, BYTES */
        cleat__cel_kind type; /* TYPE */
        struct {
            json_t *json;                         /* where it is of a variable; NULL else, and then: */
            const struct cleat__cel_value *items; /* of a MAP keys and values in turns */
            size_t count;                         /* elements, pairs */
        } many;                                   /* LIST, MAP */
    } as;
} cleat__cel_value;

/* One evaluation. What fails says why once, by cleat__cel_fail(), and answers false all the way up. */
typedef struct cleat__cel_run {
    const cleat__expression_variables *variables;
    json_t *parsed[CLEAT__EXPRESSION_VARIABLE_COUNT];
    cleat__cel_value locals[CLEAT__EXPRESSION_DEPTH_MAX];
    cleat__arena memory;
    size_t steps_given, steps; /* at first, and what is left */
    size_t read;               /* bytes of JSON */
    cleat_status status; /* of the failure: CLEAT_INVALID_ARGUMENT is an error of CEL, which || may forget */
    char message[192];
} cleat__cel_run;

bool cleat__cel_fail(cleat__cel_run *run, const char *format, ...) CLEAT_PRINTF(2, 3);
/* Takes `steps` and those for looking at `bytes`; false when there are no more. */
bool cleat__cel_step(cleat__cel_run *run, size_t steps, size_t bytes);
/* Of the evaluation; fails by itself. */
void *cleat__cel_get(cleat__cel_run *run, size_t count, size_t size);

const char *cleat__cel_kind_name(cleat__cel_kind kind);
/* Of a set: "int or string". Written to `text`, which is returned. */
enum { CLEAT__CEL_KINDS_SIZE = 96 };
const char *cleat__cel_kinds_name(cleat__cel_kinds kinds, char text[CLEAT__CEL_KINDS_SIZE]);
cleat__cel_value cleat__cel_bool(bool value);
cleat__cel_value cleat__cel_int(int64_t value);
cleat__cel_value cleat__cel_uint(uint64_t value);
cleat__cel_value cleat__cel_double(double value);
cleat__cel_value cleat__cel_string(cleat_slice text);
cleat__cel_value cleat__cel_list(const cleat__cel_value *items, size_t count);
cleat__cel_value cleat__cel_json(json_t *json);

/* Elements of a list, keys of a map. */
size_t cleat__cel_count(const cleat__cel_value *many);
cleat__cel_value cleat__cel_at(const cleat__cel_value *list, size_t index);
/* The elements of a list or the keys of a map as an array of the evaluation. */
bool cleat__cel_elements(cleat__cel_run *run, const cleat__cel_value *many, const cleat__cel_value **items);
/* *found is whether there is such a key; its value, where there is, is in *out. */
bool cleat__cel_find(cleat__cel_run *run, const cleat__cel_value *map, const cleat__cel_value *key,
                     bool *found, cleat__cel_value *out);

bool cleat__cel_equals(cleat__cel_run *run, const cleat__cel_value *a, const cleat__cel_value *b, bool *out);
/* <0, 0, >0; 2: without an order, as NaN and anything. False: types that are not compared. */
enum { CLEAT__CEL_UNORDERED = 2 };
bool cleat__cel_compare(const cleat__cel_value *a, const cleat__cel_value *b, int *order);
bool cleat__cel_is_number(const cleat__cel_value *value);

#endif
