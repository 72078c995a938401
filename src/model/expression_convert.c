/* int(), uint(), double(), string(), bool(), bytes(). */
#include "model/expression_function.h"

#include "base/utf8.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { NUMBER_SIZE = 40 };

static bool fail_conversion(cleat__cel_run *run, const char *to, const cleat__cel_value *value)
{
    if (value->kind == CLEAT__CEL_STRING) {
        int shown = (int)(value->as.text.size < 40 ? value->as.text.size : 40);
        return cleat__cel_fail(run, "%s() of \"%.*s\"", to, shown, shown != 0 ? value->as.text.data : "");
    }
    return cleat__cel_fail(run, "%s() of a value of the type %s that has none", to,
                           cleat__cel_kind_name(value->kind));
}

/* ---- Numbers of texts ---- */

/* Decimal digits alone; false above 64 bits too. */
static bool natural_of_text(cleat_slice text, uint64_t *out)
{
    uint64_t value = 0;
    for (size_t i = 0; i < text.size; i++) {
        uint64_t digit = (uint64_t)text.data[i] - '0';
        if (text.data[i] < '0' || text.data[i] > '9' || value > (UINT64_MAX - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    *out = value;
    return text.size != 0;
}

static bool integer_of_text(cleat_slice text, int64_t *out)
{
    bool is_signed = text.size != 0 && (text.data[0] == '-' || text.data[0] == '+');
    bool is_negative = is_signed && text.data[0] == '-';
    uint64_t value;
    if (!natural_of_text((cleat_slice){text.data + is_signed, text.size - is_signed}, &value) ||
        value > (uint64_t)INT64_MAX + is_negative) {
        return false;
    }
    *out = !is_negative ? (int64_t)value : value > INT64_MAX ? INT64_MIN : -(int64_t)value;
    return true;
}

/* Infinity and its like, in any case. */
static bool word_of_number(cleat_slice text, double *out)
{
    static const struct {
        const char *word;
        double value;
    } words[] = {{"nan", NAN}, {"inf", INFINITY}, {"infinity", INFINITY}};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        size_t at = 0;
        while (at < text.size && words[i].word[at] != '\0' && (text.data[at] | 0x20) == words[i].word[at]) {
            at++;
        }
        if (at == text.size && words[i].word[at] == '\0') {
            *out = words[i].value;
            return true;
        }
    }
    return false;
}

/* By jansson, which goes by no locale: with a 0 before a point that has none, and .0 behind one. */
static bool decimal_of_text(cleat_slice text, double *out)
{
    char copy[512];
    size_t size = 0;
    bool has_digits = false;
    if (text.size > sizeof(copy) - 4) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        bool is_digit = c >= '0' && c <= '9';
        if (!is_digit && strchr("eE+-.", c) == NULL) {
            return false;
        }
        if (c == '0' && !has_digits && i + 1 < text.size && text.data[i + 1] >= '0' &&
            text.data[i + 1] <= '9') {
            continue; /* 007 is no number of JSON */
        }
        if (c == '.' && !has_digits) {
            copy[size++] = '0';
        }
        has_digits = has_digits || is_digit || c == '.';
        copy[size++] = c;
    }
    json_t *json = json_loadb(copy, size, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, NULL);
    bool is_number = json_is_real(json);
    *out = is_number ? json_real_value(json) : 0;
    json_decref(json);
    return is_number;
}

bool cleat__cel_double_of_text(cleat_slice text, double *out)
{
    bool is_signed = text.size != 0 && (text.data[0] == '-' || text.data[0] == '+');
    cleat_slice rest = {text.data + is_signed, text.size - is_signed};
    bool is_number = rest.size != 0 && rest.data[0] != '-' && rest.data[0] != '\0' && rest.data[0] != '+' &&
                     (word_of_number(rest, out) || decimal_of_text(rest, out));
    if (is_number && is_signed && text.data[0] == '-') {
        *out = -*out;
    }
    return is_number;
}

/* ---- Texts of numbers ---- */

/*
 * The shortest digits that read back as the same double, without an exponent from 0.0001 to below 1e21, so that
 * the ids and counts that JSON has look as they do there.
 */
static size_t format_double(double value, char text[NUMBER_SIZE])
{
    if (isnan(value) || isinf(value)) {
        return (size_t)snprintf(text, NUMBER_SIZE, "%s", isnan(value) ? "NaN" : value < 0 ? "-Inf" : "+Inf");
    }
    char scientific[NUMBER_SIZE];
    int precision = 0;
    do {
        snprintf(scientific, sizeof(scientific), "%.*e", precision, value);
    } while (strtod(scientific, NULL) != value && precision++ < 17);
    int exponent = atoi(strchr(scientific, 'e') + 1);
    bool is_scientific = exponent < -4 || exponent >= 21;
    int decimals = precision > exponent ? precision - exponent : 0;
    int size = is_scientific ? snprintf(text, NUMBER_SIZE, "%s", scientific)
                             : snprintf(text, NUMBER_SIZE, "%.*f", decimals, value);
    for (char *c = text; *c != '\0'; c++) { /* whatever the locale's point is */
        *c = (*c >= '0' && *c <= '9') || *c == '-' || *c == '+' || *c == 'e' ? *c : '.';
    }
    return (size_t)size;
}

static bool text_of(cleat__cel_run *run, const cleat__cel_value *arguments, size_t count,
                    cleat__cel_value *out)
{
    (void)count;
    const cleat__cel_value *value = &arguments[0];
    char number[NUMBER_SIZE];
    int size = 0;
    switch (value->kind) {
    case CLEAT__CEL_STRING: *out = *value; return true;
    case CLEAT__CEL_BYTES:
        if (!cleat__cel_step(run, 0, value->as.text.size)) {
            return false;
        }
        *out = cleat__cel_string(value->as.text);
        return cleat__utf8_valid_prefix(value->as.text.data, value->as.text.size) == value->as.text.size ||
               cleat__cel_fail(run, "string() of bytes that are not UTF-8");
    case CLEAT__CEL_BOOL:
        *out = cleat__cel_string(cleat_slice_of(value->as.boolean ? "true" : "false"));
        return true;
    case CLEAT__CEL_INT: size = snprintf(number, sizeof(number), "%lld", (long long)value->as.integer); break;
    case CLEAT__CEL_UINT:
        size = snprintf(number, sizeof(number), "%llu", (unsigned long long)value->as.natural);
        break;
    case CLEAT__CEL_DOUBLE: size = (int)format_double(value->as.real, number); break;
    default: return fail_conversion(run, "string", value);
    }
    char *text = cleat__cel_get(run, (size_t)size + 1, 1);
    if (text == NULL) {
        return false;
    }
    memcpy(text, number, (size_t)size);
    *out = cleat__cel_string((cleat_slice){text, (size_t)size});
    return true;
}

/* ---- The other types ---- */

static bool integer_of(cleat__cel_run *run, const cleat__cel_value *arguments, size_t count,
                       cleat__cel_value *out)
{
    (void)count;
    const cleat__cel_value *value = &arguments[0];
    int64_t result = 0;
    bool has_one = false;
    switch (value->kind) {
    case CLEAT__CEL_INT: *out = *value; return true;
    case CLEAT__CEL_UINT:
        has_one = value->as.natural <= INT64_MAX;
        result = has_one ? (int64_t)value->as.natural : 0;
        break;
    case CLEAT__CEL_DOUBLE: /* towards zero */
        has_one = value->as.real > -0x1p63 && value->as.real < 0x1p63;
        result = has_one ? (int64_t)value->as.real : 0;
        break;
    case CLEAT__CEL_STRING: has_one = integer_of_text(value->as.text, &result); break;
    default: break;
    }
    *out = cleat__cel_int(result);
    return has_one || fail_conversion(run, "int", value);
}

static bool natural_of(cleat__cel_run *run, const cleat__cel_value *arguments, size_t count,
                       cleat__cel_value *out)
{
    (void)count;
    const cleat__cel_value *value = &arguments[0];
    uint64_t result = 0;
    bool has_one = false;
    switch (value->kind) {
    case CLEAT__CEL_UINT: *out = *value; return true;
    case CLEAT__CEL_INT:
        has_one = value->as.integer >= 0;
        result = has_one ? (uint64_t)value->as.integer : 0;
        break;
    case CLEAT__CEL_DOUBLE:
        has_one = value->as.real >= 0 && value->as.real < 0x1p64;
        result = has_one ? (uint64_t)value->as.real : 0;
        break;
    case CLEAT__CEL_STRING: has_one = natural_of_text(value->as.text, &result); break;
    default: break;
    }
    *out = cleat__cel_uint(result);
    return has_one || fail_conversion(run, "uint", value);
}

static bool double_of(cleat__cel_run *run, const cleat__cel_value *arguments, size_t count,
                      cleat__cel_value *out)
{
    (void)count;
    const cleat__cel_value *value = &arguments[0];
    double result = 0;
    bool has_one = cleat__cel_is_number(value);
    switch (value->kind) {
    case CLEAT__CEL_INT: result = (double)value->as.integer; break;
    case CLEAT__CEL_UINT: result = (double)value->as.natural; break;
    case CLEAT__CEL_DOUBLE: result = value->as.real; break;
    case CLEAT__CEL_STRING: has_one = cleat__cel_double_of_text(value->as.text, &result); break;
    default: break;
    }
    *out = cleat__cel_double(result);
    return has_one || fail_conversion(run, "double", value);
}

static bool bool_of(cleat__cel_run *run, const cleat__cel_value *arguments, size_t count,
                    cleat__cel_value *out)
{
    (void)count;
    static const char *const words[] = {"1", "t", "T", "true",  "TRUE",  "True",
                                        "0", "f", "F", "false", "FALSE", "False"};
    const size_t half = sizeof(words) / sizeof(words[0]) / 2;
    if (arguments[0].kind == CLEAT__CEL_BOOL) {
        *out = arguments[0];
        return true;
    }
    for (size_t i = 0; arguments[0].kind == CLEAT__CEL_STRING && i < 2 * half; i++) {
        if (cleat_slice_equals(arguments[0].as.text, cleat_slice_of(words[i]))) {
            *out = cleat__cel_bool(i < half);
            return true;
        }
    }
    return fail_conversion(run, "bool", &arguments[0]);
}

static bool bytes_of(cleat__cel_run *run, const cleat__cel_value *arguments, size_t count,
                     cleat__cel_value *out)
{
    (void)count;
    *out = arguments[0];
    out->kind = CLEAT__CEL_BYTES;
    return arguments[0].kind == CLEAT__CEL_STRING || arguments[0].kind == CLEAT__CEL_BYTES ||
           fail_conversion(run, "bytes", &arguments[0]);
}

const cleat__cel_function cleat__cel_conversions[] = {
    {"int", false, "*", 'i', integer_of},   {"uint", false, "*", 'u', natural_of},
    {"double", false, "*", 'd', double_of}, {"string", false, "*", 's', text_of},
    {"bool", false, "*", 'b', bool_of},     {"bytes", false, "*", 'y', bytes_of},
    {NULL, false, NULL, '*', NULL},
};
