/* The words that mean something by themselves. */
#include "model/expression_tree.h"

bool cleat__cel_is_reserved(cleat_slice name)
{
    static const char *const reserved[] = {"true",   "false",    "null", "in",      "as",        "break",
                                           "const",  "continue", "else", "for",     "function",  "if",
                                           "import", "let",      "loop", "package", "namespace", "return",
                                           "var",    "void",     "while"};
    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
        if (cleat_slice_equals(name, cleat_slice_of(reserved[i]))) {
            return true;
        }
    }
    return false;
}

bool cleat__cel_find_loop(cleat_slice name, cleat__cel_loop *loop)
{
    static const struct {
        const char *name;
        cleat__cel_loop loop;
    } loops[] = {
        {"all", CLEAT__CEL_ALL},
        {"exists", CLEAT__CEL_EXISTS},
        {"exists_one", CLEAT__CEL_EXISTS_ONE},
        {"existsOne", CLEAT__CEL_EXISTS_ONE},
        {"map", CLEAT__CEL_MAPPED},
        {"filter", CLEAT__CEL_FILTERED},
    };
    for (size_t i = 0; i < sizeof(loops) / sizeof(loops[0]); i++) {
        if (cleat_slice_equals(name, cleat_slice_of(loops[i].name))) {
            *loop = loops[i].loop;
            return true;
        }
    }
    return false;
}

const char *cleat__cel_variable_name(uint32_t index)
{
    static const char *const names[] = {
#define VARIABLE_NAME(name, is_json) #name,
        CLEAT__EXPRESSION_VARIABLES(VARIABLE_NAME)
#undef VARIABLE_NAME
    };
    return names[index];
}

bool cleat__cel_find_variable(cleat_slice name, uint32_t *index)
{
    for (*index = 0; *index < CLEAT__EXPRESSION_VARIABLE_COUNT; ++*index) {
        if (cleat_slice_equals(name, cleat_slice_of(cleat__cel_variable_name(*index)))) {
            return true;
        }
    }
    return false;
}

bool cleat__cel_find_constant(cleat_slice name, cleat__cel_value *out)
{
    if (cleat_slice_equals(name, cleat_slice_of("null"))) {
        *out = (cleat__cel_value){.kind = CLEAT__CEL_NULL};
        return true;
    }
    bool is_true = cleat_slice_equals(name, cleat_slice_of("true"));
    if (is_true || cleat_slice_equals(name, cleat_slice_of("false"))) {
        *out = cleat__cel_bool(is_true);
        return true;
    }
    for (cleat__cel_kind kind = CLEAT__CEL_NULL; kind <= CLEAT__CEL_TYPE; kind++) {
        if (cleat_slice_equals(name, cleat_slice_of(cleat__cel_kind_name(kind)))) {
            *out = (cleat__cel_value){.kind = CLEAT__CEL_TYPE, .as.type = kind};
            return true;
        }
    }
    return false;
}
