/* The functions of expressions. */
#ifndef CLEAT_MODEL_EXPRESSION_FUNCTION_H
#define CLEAT_MODEL_EXPRESSION_FUNCTION_H

#include "model/expression_value.h"

typedef struct cleat__cel_function {
    const char *name;
    bool is_method;        /* called as target.name(...); the target is the first argument */
    const char *arguments; /* one letter each */
    char result;           /* likewise */
    bool (*call)(cleat__cel_run *run, const cleat__cel_value *arguments, size_t count, cleat__cel_value *out);
} cleat__cel_function;

enum { CLEAT__CEL_ARGUMENTS_MAX = 4 };

/* s string, i int, l list, b bool, u uint, d double, y bytes, t type; * anything. */
cleat__cel_kinds cleat__cel_letter_kinds(char letter);

/* NULL: there is none that is called so. *is_known: there is one with another number of arguments. */
const cleat__cel_function *cleat__cel_function_find(cleat_slice name, bool is_method, size_t count,
                                                    bool *is_known);
/* With the types of the arguments checked. */
bool cleat__cel_function_call(cleat__cel_run *run, const cleat__cel_function *function,
                              const cleat__cel_value *arguments, size_t count, cleat__cel_value *out);

/* Those of one file each, ended by one without a name. */
extern const cleat__cel_function cleat__cel_string_functions[];
extern const cleat__cel_function cleat__cel_conversions[];

/* The number of a decimal text, as JSON has it, with a sign: false when it is none or too large. */
bool cleat__cel_double_of_text(cleat_slice text, double *out);

/* Characters of valid UTF-8, and the byte at which one of them stands. */
size_t cleat__cel_characters(cleat_slice text);
size_t cleat__cel_byte_at(cleat_slice text, size_t character);

#endif
