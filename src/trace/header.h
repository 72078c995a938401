/* Cutting up W3C headers, and lists in environment variables that look like them. Bytes come from peers: no locale, no plain `char` arithmetic. */
#ifndef CLEAT_TRACE_HEADER_H
#define CLEAT_TRACE_HEADER_H

#include <cleat/status.h>

static inline bool cleat__is_blank(char character)
{
    return character == ' ' || character == '\t';
}

static inline bool cleat__is_lower(char character)
{
    return character >= 'a' && character <= 'z';
}

static inline bool cleat__is_digit(char character)
{
    return character >= '0' && character <= '9';
}

/* Of a digit of either case, as percent-encoding has them; -1 for what is none. */
static inline int cleat__hex_value(char digit)
{
    char lower = (char)(digit | 0x20);
    if (cleat__is_digit(digit)) {
        return digit - '0';
    }
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Without blanks around it (OWS of RFC 9110: spaces and tabs). */
static inline cleat_slice cleat__trim(cleat_slice text)
{
    while (text.size != 0 && cleat__is_blank(text.data[0])) {
        text.data++;
        text.size--;
    }
    while (text.size != 0 && cleat__is_blank(text.data[text.size - 1])) {
        text.size--;
    }
    return text;
}

/*
 * Splits at the first `separator`: what is before it, `*rest` is what is behind it, absent where
 * there is none.
 */
static inline cleat_slice cleat__split(cleat_slice text, char separator, cleat_slice *rest)
{
    const char *at = text.size != 0 ? (const char *)memchr(text.data, separator, text.size) : NULL;
    *rest = (cleat_slice){NULL, 0};
    if (at != NULL) {
        size_t before = (size_t)(at - text.data);
        *rest = (cleat_slice){at + 1, text.size - before - 1};
        text.size = before;
    }
    return text;
}

/* `key=value` without blanks around either; false when there is no `=`. */
static inline bool cleat__split_pair(cleat_slice pair, cleat_slice *key, cleat_slice *value)
{
    *key = cleat__trim(cleat__split(pair, '=', value));
    bool is_pair = value->data != NULL;
    *value = cleat__trim(*value);
    return is_pair;
}

/* A token of RFC 9110, 5.6.2: names of headers, keys of baggage. */
bool cleat__is_token(cleat_slice text);

/*
 * Resolves the percent-encoding of `text` into `out`, which may be its own memory; sets `*size`. False
 * when a `%` is not followed by two hex digits (RFC 3986, 2.1) or the result does not fit into `room`:
 * then `out` holds anything.
 */
bool cleat__percent_decode(cleat_slice text, char *out, size_t room, size_t *size);

#endif
