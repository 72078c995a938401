/* Strings as they are written in an expression: quotes, escapes, what is raw, what are bytes. */
#include "model/expression_tree.h"

#include "base/error.h"

/* What is read, and what is made of it, which is never longer. */
typedef struct literal {
    cleat__cel_lexer *lexer;
    const char *begin; /* for failures */
    bool is_raw, is_bytes;
    char quote;
    bool is_triple;
    char *out;
    size_t size;
} literal;

/* RFC 3629. */
static void put_character(literal *to, uint32_t character)
{
    uint32_t c = character;
    if (c < 0x80) {
        to->out[to->size++] = (char)c;
        return;
    }
    if (c < 0x800) {
        to->out[to->size++] = (char)(0xC0 | c >> 6);
    } else if (c < 0x10000) {
        to->out[to->size++] = (char)(0xE0 | c >> 12);
        to->out[to->size++] = (char)(0x80 | (c >> 6 & 0x3F));
    } else {
        to->out[to->size++] = (char)(0xF0 | c >> 18);
        to->out[to->size++] = (char)(0x80 | (c >> 12 & 0x3F));
        to->out[to->size++] = (char)(0x80 | (c >> 6 & 0x3F));
    }
    to->out[to->size++] = (char)(0x80 | (c & 0x3F));
}

/* Exactly `count` digits of the base. */
static bool read_digits(cleat__cel_lexer *lexer, size_t count, uint32_t base, uint32_t *value)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    *value = 0;
    if ((size_t)(lexer->end - lexer->at) < count) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const char *found = lexer->at[i] != '\0' ? strchr(digits, lexer->at[i]) : NULL;
        if (found == NULL) {
            return false;
        }
        uint32_t digit = (uint32_t)(found - digits);
        digit = digit < 16 ? digit : digit - 6;
        if (digit >= base) {
            return false;
        }
        *value = *value * base + digit;
    }
    lexer->at += count;
    return true;
}

/* Behind the backslash and the letter; an octal escape's letter is its first digit. */
static cleat_status read_code(literal *to, char letter, const char *escape)
{
    cleat__cel_lexer *lexer = to->lexer;
    uint32_t value;
    size_t count = letter == 'u' ? 4 : letter == 'U' ? 8 : letter == 'x' || letter == 'X' ? 2 : 3;
    if (count == 3) {
        lexer->at--;
    }
    bool is_unicode = letter == 'u' || letter == 'U';
    if (is_unicode && to->is_bytes) {
        return cleat__cel_fail_at(lexer, escape, "\\%c is not for bytes", letter);
    }
    if (!read_digits(lexer, count, count == 3 ? 8 : 16, &value) || (count == 3 && value > 0xFF)) {
        return cleat__cel_fail_at(lexer, escape, "an escape of %zu %s digits is cut or too large", count,
                                  count == 3 ? "octal" : "hexadecimal");
    }
    if (value > 0x10FFFF || (value >= 0xD800 && value < 0xE000)) {
        return cleat__cel_fail_at(lexer, escape, "\\%c is no character of Unicode", letter);
    }
    if (to->is_bytes) {
        to->out[to->size++] = (char)value;
    } else {
        put_character(to, value);
    }
    return CLEAT_OK;
}

static cleat_status read_escape(literal *to)
{
    static const char letters[] = "abfnrtv\\?\"'`", meanings[] = "\a\b\f\n\r\t\v\\?\"'`";
    cleat__cel_lexer *lexer = to->lexer;
    const char *escape = lexer->at++; /* the backslash */
    if (lexer->at == lexer->end) {
        return cleat__cel_fail_at(lexer, escape, "an escape is cut");
    }
    char letter = *lexer->at++;
    const char *found = letter != '\0' ? strchr(letters, letter) : NULL;
    if (found != NULL) {
        to->out[to->size++] = meanings[found - letters];
        return CLEAT_OK;
    }
    if (letter != '\0' && strchr("xXuU0123", letter) != NULL) {
        return read_code(to, letter, escape);
    }
    return cleat__cel_fail_at(lexer, escape, "no such escape; a backslash is written \\\\, or in r\"...\"");
}

/* Whether the literal ends here; its end is passed then. */
static bool take_end(literal *to)
{
    cleat__cel_lexer *lexer = to->lexer;
    size_t count = to->is_triple ? 3 : 1;
    if ((size_t)(lexer->end - lexer->at) < count) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (lexer->at[i] != to->quote) {
            return false;
        }
    }
    lexer->at += count;
    return true;
}

static cleat_status read_characters(literal *to)
{
    cleat__cel_lexer *lexer = to->lexer;
    while (!take_end(to)) {
        if (lexer->at == lexer->end || (!to->is_triple && (*lexer->at == '\n' || *lexer->at == '\r'))) {
            return cleat__cel_fail_at(lexer, to->begin, "a string without its closing %s%c",
                                      to->is_triple ? "three " : "", to->quote);
        }
        if (*lexer->at == '\\' && !to->is_raw) {
            cleat_status status = read_escape(to);
            if (status != CLEAT_OK) {
                return status;
            }
        } else {
            to->out[to->size++] = *lexer->at++;
        }
    }
    return CLEAT_OK;
}

/* How far it is to the end of the literal, without what its escapes stand for: what is made is no longer. */
static size_t distance_to_end(const literal *to)
{
    const char *at = to->lexer->at, *end = to->lexer->end;
    size_t quotes = 0, wanted = to->is_triple ? 3 : 1;
    while (at < end && quotes < wanted && (to->is_triple || *at != '\n')) {
        quotes = *at == to->quote ? quotes + 1 : 0;
        at += *at == '\\' && !to->is_raw ? 2 : 1;
    }
    return (size_t)((at < end ? at : end) - to->lexer->at);
}

cleat_status cleat__cel_lex_string(cleat__cel_lexer *lexer, bool is_raw, bool is_bytes, cleat__cel_value *out)
{
    literal to = {
        .lexer = lexer, .begin = lexer->at, .is_raw = is_raw, .is_bytes = is_bytes, .quote = *lexer->at};
    to.is_triple = lexer->end - lexer->at >= 3 && lexer->at[1] == to.quote && lexer->at[2] == to.quote;
    lexer->at += to.is_triple ? 3 : 1;
    to.out = cleat__arena_get(lexer->memory, distance_to_end(&to) + 1);
    if (to.out == NULL) {
        return cleat__fail_memory();
    }
    cleat_status status = read_characters(&to);
    *out = cleat__cel_string((cleat_slice){to.out, to.size});
    out->kind = is_bytes ? CLEAT__CEL_BYTES : CLEAT__CEL_STRING;
    return status;
}
