#include "model/json_members.h"

#include "base/alloc.h"

#include <jansson.h>

static void skip_blanks(cleat__json_cursor *cursor)
{
    while (cursor->at < cursor->end && strchr(" \t\r\n", *cursor->at) != NULL && *cursor->at != '\0') {
        cursor->at++;
    }
}

static bool skip_char(cleat__json_cursor *cursor, char c)
{
    skip_blanks(cursor);
    if (cursor->at == cursor->end || *cursor->at != c) {
        return false;
    }
    cursor->at++;
    return true;
}

/* `at` is at the opening quote; goes behind the closing one. */
static bool skip_string(cleat__json_cursor *cursor)
{
    for (cursor->at++; cursor->at < cursor->end; cursor->at++) {
        if (*cursor->at == '"') {
            cursor->at++;
            return true;
        }
        if (*cursor->at == '\\') {
            cursor->at++;
        }
    }
    cursor->at = cursor->end;
    return false;
}

/* Goes behind the value: to the comma or bracket that ends it on its own level. */
static bool skip_value(cleat__json_cursor *cursor)
{
    size_t depth = 0;
    while (cursor->at < cursor->end) {
        char c = *cursor->at;
        if (c == '"') {
            if (!skip_string(cursor)) {
                return false;
            }
            continue;
        }
        if (c == '{' || c == '[') {
            depth++;
        } else if (depth == 0 && (c == ',' || c == '}' || c == ']')) {
            return true;
        } else if (c == '}' || c == ']') {
            depth--;
        }
        cursor->at++;
    }
    return false;
}

static void begin(cleat_slice text, char bracket, cleat__json_cursor *cursor)
{
    cursor->at = text.data;
    cursor->end = text.size > 0 ? text.data + text.size : text.data;
    cursor->first = true;
    if (!skip_char(cursor, bracket)) {
        cursor->at = cursor->end;
    }
}

static bool take_value(cleat__json_cursor *cursor, cleat_slice *value)
{
    skip_blanks(cursor);
    const char *start = cursor->at;
    if (!skip_value(cursor)) {
        return false;
    }
    size_t size = (size_t)(cursor->at - start);
    while (size > 0 && strchr(" \t\r\n", start[size - 1]) != NULL) {
        size--;
    }
    *value = (cleat_slice){start, size};
    return size > 0;
}

void cleat__json_members(cleat_slice object, cleat__json_cursor *cursor)
{
    begin(object, '{', cursor);
}

bool cleat__json_next_member(cleat__json_cursor *cursor, cleat_slice *key, cleat_slice *value)
{
    if (!cursor->first && !skip_char(cursor, ',')) {
        return false;
    }
    cursor->first = false;
    skip_blanks(cursor);
    const char *start = cursor->at;
    if (start == cursor->end || *start != '"' || !skip_string(cursor)) {
        return false;
    }
    *key = (cleat_slice){start, (size_t)(cursor->at - start)};
    return skip_char(cursor, ':') && take_value(cursor, value);
}

cleat_slice cleat__json_find_member(cleat_slice object, const char *name)
{
    cleat__json_cursor cursor;
    cleat_slice key, value;
    size_t size = strlen(name);
    cleat__json_members(object, &cursor);
    while (cleat__json_next_member(&cursor, &key, &value)) {
        if (key.size == size + 2 && memcmp(key.data + 1, name, size) == 0) {
            return value;
        }
    }
    return (cleat_slice){NULL, 0};
}

void cleat__json_elements(cleat_slice array, cleat__json_cursor *cursor)
{
    begin(array, '[', cursor);
}

bool cleat__json_next_element(cleat__json_cursor *cursor, cleat_slice *value)
{
    if (!cursor->first && !skip_char(cursor, ',')) {
        return false;
    }
    cursor->first = false;
    return take_value(cursor, value);
}

bool cleat__json_decode_string(cleat_slice text, cleat_slice *out, char **memory)
{
    *memory = NULL;
    if (text.size < 2 || text.data[0] != '"') {
        return false;
    }
    if (memchr(text.data, '\\', text.size) == NULL) {
        *out = (cleat_slice){text.data + 1, text.size - 2};
        return true;
    }
    json_t *string = json_loadb(text.data, text.size, JSON_DECODE_ANY, NULL);
    if (string == NULL) {
        return false;
    }
    cleat_slice decoded = {json_string_value(string), json_string_length(string)};
    *memory = cleat__slice_dup(decoded);
    json_decref(string);
    *out = (cleat_slice){*memory, decoded.size};
    return *memory != NULL;
}
