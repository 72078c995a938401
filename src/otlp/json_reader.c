#include "json_reader.h"

enum { DEEPEST = 32 };

typedef struct reader {
    const char *at, *end;
} reader;

static void skip_blanks(reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r')) {
        r->at++;
    }
}

/* Whether `character` is next; it is passed then. */
static bool take(reader *r, char character)
{
    skip_blanks(r);
    if (r->at == r->end || *r->at != character) {
        return false;
    }
    r->at++;
    return true;
}

static bool skip_string(reader *r)
{
    if (!take(r, '"')) {
        return false;
    }
    while (r->at < r->end && *r->at != '"') {
        r->at += *r->at == '\\' && r->end - r->at > 1 ? 2 : 1;
    }
    return take(r, '"');
}

static size_t skip_digits(reader *r)
{
    const char *begin = r->at;
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9') {
        r->at++;
    }
    return (size_t)(r->at - begin);
}

/* Whether one of the two is next; it is passed then. Blanks are not. */
static bool take_either(reader *r, char one, char other)
{
    bool is_next = r->at < r->end && (*r->at == one || *r->at == other);
    r->at += is_next;
    return is_next;
}

static bool skip_number(reader *r)
{
    take_either(r, '-', '-');
    if (skip_digits(r) == 0 || (take_either(r, '.', '.') && skip_digits(r) == 0)) {
        return false;
    }
    if (!take_either(r, 'e', 'E')) {
        return true;
    }
    take_either(r, '+', '-');
    return skip_digits(r) != 0;
}

static bool skip_literal(reader *r, const char *literal)
{
    size_t size = strlen(literal);
    if ((size_t)(r->end - r->at) < size || memcmp(r->at, literal, size) != 0) {
        return false;
    }
    r->at += size;
    return true;
}

static bool skip_value(reader *r, int depth);

static bool skip_members(reader *r, char close, int depth)
{
    if (take(r, close)) {
        return true;
    }
    do {
        if (close == '}' && (!skip_string(r) || !take(r, ':'))) {
            return false;
        }
        if (!skip_value(r, depth)) {
            return false;
        }
    } while (take(r, ','));
    return take(r, close);
}

static bool skip_value(reader *r, int depth)
{
    skip_blanks(r);
    if (r->at == r->end || depth == DEEPEST) {
        return false;
    }
    switch (*r->at) {
    case '"': return skip_string(r);
    case '{': r->at++; return skip_members(r, '}', depth + 1);
    case '[': r->at++; return skip_members(r, ']', depth + 1);
    case 't': return skip_literal(r, "true");
    case 'f': return skip_literal(r, "false");
    case 'n': return skip_literal(r, "null");
    default: return skip_number(r);
    }
}

cleat_slice cleat__json_member(cleat_slice object, const char *key)
{
    reader r = {object.data, object.size != 0 ? object.data + object.size : object.data};
    cleat_slice wanted = cleat_slice_of(key);
    if (!take(&r, '{')) {
        return (cleat_slice){NULL, 0};
    }
    do {
        skip_blanks(&r);
        const char *quote = r.at;
        if (!skip_string(&r)) {
            break;
        }
        bool is_wanted =
            cleat_slice_equals(cleat__json_text((cleat_slice){quote, (size_t)(r.at - quote)}), wanted);
        if (!take(&r, ':')) {
            break;
        }
        skip_blanks(&r);
        const char *value = r.at;
        if (!skip_value(&r, 0)) {
            break;
        }
        if (is_wanted) {
            return (cleat_slice){value, (size_t)(r.at - value)};
        }
    } while (take(&r, ','));
    return (cleat_slice){NULL, 0};
}

cleat_slice cleat__json_text(cleat_slice value)
{
    if (value.size < 2 || value.data[0] != '"' || value.data[value.size - 1] != '"') {
        return (cleat_slice){NULL, 0};
    }
    return (cleat_slice){value.data + 1, value.size - 2};
}

bool cleat__json_int(cleat_slice value, int64_t *out)
{
    cleat_slice text = cleat__json_text(value);
    text = text.data != NULL ? text : value;
    int64_t number = 0;
    for (size_t i = 0; i < text.size; i++) {
        int digit = text.data[i] - '0';
        if (digit < 0 || digit > 9 || number > (INT64_MAX - digit) / 10) {
            return false;
        }
        number = number * 10 + digit;
    }
    if (text.size != 0) {
        *out = number;
    }
    return text.size != 0;
}
