/*
 * The members of a JSON object, as slices of its text: metadata is stored as the user wrote it
 * (numbers of any size included), only single members are added, replaced or removed.
 */
#ifndef CLEAT_MODEL_JSON_MEMBERS_H
#define CLEAT_MODEL_JSON_MEMBERS_H

#include <cleat/status.h>

typedef struct cleat__json_cursor {
    const char *at;
    const char *end;
    bool first;
} cleat__json_cursor;

/* For text that cleat__json_check() has passed; of other text members may be missing, no more. */
void cleat__json_members(cleat_slice object, cleat__json_cursor *cursor);
/* `key` has its quotes, `value` is any JSON value. False at the end. */
bool cleat__json_next_member(cleat__json_cursor *cursor, cleat_slice *key, cleat_slice *value);

/* The value of the first member with this name, written without escapes; the absent slice: there is none. */
cleat_slice cleat__json_find_member(cleat_slice object, const char *name);

/* The same of an array's elements. */
void cleat__json_elements(cleat_slice array, cleat__json_cursor *cursor);
bool cleat__json_next_element(cleat__json_cursor *cursor, cleat_slice *value);

/* The characters of a JSON string with its quotes. Without escapes in it they are a part of `text`;
 * else they are copied to `*memory`, which the caller frees. False: no memory, or no string. */
bool cleat__json_decode_string(cleat_slice text, cleat_slice *out, char **memory);

#endif
