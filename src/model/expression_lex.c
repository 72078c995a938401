#include "model/expression_tree.h"

#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

cleat_status cleat__cel_fail_at(const cleat__cel_lexer *lexer, const char *at, const char *format, ...)
{
    char what[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    size_t before = cleat__cel_characters((cleat_slice){lexer->begin, (size_t)(at - lexer->begin)});
    return cleat__fail(CLEAT_INVALID_ARGUMENT, "expression, character %zu: %s", before + 1, what);
}

static char peek(const cleat__cel_lexer *lexer, size_t ahead)
{
    return (size_t)(lexer->end - lexer->at) > ahead ? lexer->at[ahead] : '\0';
}

/* Blanks, and comments to the end of their line. */
static void skip_blanks(cleat__cel_lexer *lexer)
{
    while (lexer->at < lexer->end) {
        if (peek(lexer, 0) == '/' && peek(lexer, 1) == '/') {
            while (lexer->at < lexer->end && *lexer->at != '\n') {
                lexer->at++;
            }
        } else if (strchr(" \t\r\n\f", *lexer->at) != NULL && *lexer->at != '\0') {
            lexer->at++;
        } else {
            return;
        }
    }
}

/* ---- Numbers ---- */

static size_t digits_at(const char *at, const char *end)
{
    size_t count = 0;
    while (at + count < end && is_digit(at[count])) {
        count++;
    }
    return count;
}

static int hex_value(char c)
{
    static const char digits[] = "0123456789abcdef";
    char lower = c >= 'A' && c <= 'F' ? (char)(c - 'A' + 'a') : c;
    const char *found = lower != '\0' ? strchr(digits, lower) : NULL;
    return found != NULL ? (int)(found - digits) : -1;
}

/* False: above 64 bits. */
static bool read_digits(const char *at, size_t count, unsigned base, uint64_t *out)
{
    uint64_t value = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned digit = (unsigned)hex_value(at[i]);
        if (value > (UINT64_MAX - digit) / base) {
            return false;
        }
        value = value * base + digit;
    }
    *out = value;
    return true;
}

static cleat_status lex_integer(cleat__cel_lexer *lexer, const char *digits, size_t count, unsigned base,
                                cleat__cel_token *token)
{
    const char *begin = lexer->at;
    uint64_t value;
    lexer->at = digits + count;
    if (!read_digits(digits, count, base, &value)) {
        return cleat__cel_fail_at(lexer, begin, "a number above 64 bits");
    }
    if (peek(lexer, 0) == 'u' || peek(lexer, 0) == 'U') {
        lexer->at++;
        token->value = cleat__cel_uint(value);
        return CLEAT_OK;
    }
    token->is_minimum = value == (uint64_t)INT64_MAX + 1;
    if (value > INT64_MAX && !token->is_minimum) {
        return cleat__cel_fail_at(lexer, begin, "an int above 9223372036854775807; a uint ends with u");
    }
    token->value = cleat__cel_int(token->is_minimum ? INT64_MIN : (int64_t)value);
    return CLEAT_OK;
}

/* The size of a fraction, an exponent or both at `at`; 0: the number is an integer. */
static size_t fraction_size(const char *at, const char *end)
{
    const char *begin = at;
    if (at + 1 < end && *at == '.' && is_digit(at[1])) {
        at += 1 + digits_at(at + 1, end);
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        const char *exponent = at + 1;
        exponent += exponent < end && (*exponent == '+' || *exponent == '-');
        size_t count = digits_at(exponent, end);
        at = count != 0 ? exponent + count : at;
    }
    return (size_t)(at - begin);
}

static cleat_status lex_number(cleat__cel_lexer *lexer, cleat__cel_token *token)
{
    const char *begin = lexer->at;
    size_t count = digits_at(begin, lexer->end);
    if (count == 1 && *begin == '0' && (peek(lexer, 1) == 'x' || peek(lexer, 1) == 'X')) {
        size_t hex = 0;
        while (begin + 2 + hex < lexer->end && hex_value(begin[2 + hex]) >= 0) {
            hex++;
        }
        if (hex == 0) {
            return cleat__cel_fail_at(lexer, begin, "0x wants hexadecimal digits");
        }
        return lex_integer(lexer, begin + 2, hex, 16, token);
    }
    size_t fraction = fraction_size(begin + count, lexer->end);
    if (fraction == 0) {
        return lex_integer(lexer, begin, count, 10, token);
    }
    double value;
    lexer->at = begin + count + fraction;
    if (!cleat__cel_double_of_text((cleat_slice){begin, count + fraction}, &value)) {
        return cleat__cel_fail_at(lexer, begin, "a number that is no double");
    }
    token->value = cleat__cel_double(value);
    return CLEAT_OK;
}

/* ---- Words and signs ---- */

/* Whether a string begins here, with the letters r and b before its quote in any order and case. */
static bool is_string(const cleat__cel_lexer *lexer, bool *is_raw, bool *is_bytes, size_t *letters)
{
    *is_raw = *is_bytes = false;
    for (*letters = 0; *letters < 3; ++*letters) {
        char c = peek(lexer, *letters);
        if (c == '"' || c == '\'') {
            return true;
        }
        if ((c == 'r' || c == 'R') && !*is_raw) {
            *is_raw = true;
        } else if ((c == 'b' || c == 'B') && !*is_bytes) {
            *is_bytes = true;
        } else {
            return false;
        }
    }
    return false;
}

static cleat_status lex_sign(cleat__cel_lexer *lexer)
{
    static const char *const signs[] = {"==", "!=", "<=", ">=", "&&", "||", "<", ">", "!", "+", "-", "*", "/",
                                        "%",  "?",  ":",  "(",  ")",  "[",  "]", "{", "}", ".", ",", NULL};
    for (size_t i = 0; signs[i] != NULL; i++) {
        size_t size = strlen(signs[i]);
        if ((size_t)(lexer->end - lexer->at) >= size && memcmp(lexer->at, signs[i], size) == 0) {
            lexer->at += size;
            return CLEAT_OK;
        }
    }
    unsigned char c = (unsigned char)*lexer->at;
    if (c == '=' || c == '&' || c == '|') {
        return cleat__cel_fail_at(lexer, lexer->at, "the operator is %c%c", c, c);
    }
    if (c > 0x20 && c < 0x7F) {
        return cleat__cel_fail_at(lexer, lexer->at, "\"%c\" means nothing here", c);
    }
    return cleat__cel_fail_at(lexer, lexer->at, "a character that means nothing here");
}

cleat_status cleat__cel_lex(cleat__cel_lexer *lexer, cleat__cel_token *token)
{
    skip_blanks(lexer);
    const char *begin = lexer->at;
    cleat_status status = CLEAT_OK;
    bool is_raw, is_bytes;
    size_t letters;
    *token = (cleat__cel_token){.kind = CLEAT__CEL_TOKEN_SIGN};
    if (begin == lexer->end) {
        token->kind = CLEAT__CEL_TOKEN_END;
    } else if (is_string(lexer, &is_raw, &is_bytes, &letters)) {
        token->kind = CLEAT__CEL_TOKEN_LITERAL;
        lexer->at += letters;
        status = cleat__cel_lex_string(lexer, is_raw, is_bytes, &token->value);
    } else if (is_letter(*begin)) {
        token->kind = CLEAT__CEL_TOKEN_NAME;
        while (lexer->at < lexer->end && (is_letter(*lexer->at) || is_digit(*lexer->at))) {
            lexer->at++;
        }
    } else if (is_digit(*begin) || (*begin == '.' && is_digit(peek(lexer, 1)))) {
        token->kind = CLEAT__CEL_TOKEN_LITERAL;
        status = lex_number(lexer, token);
    } else {
        status = lex_sign(lexer);
    }
    token->text = (cleat_slice){begin, (size_t)(lexer->at - begin)};
    return status;
}
