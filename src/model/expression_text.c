/* Methods of strings, and join() of lists of them: those of cel-go's extension, with its meanings. */
#define _GNU_SOURCE /* memmem */
#include "model/expression_function.h"

/* Looking through a text for another takes steps by the size of both; memmem() is linear. */
static bool step_texts(cleat__cel_run *run, cleat_slice a, cleat_slice b)
{
    return cleat__cel_step(run, 0, a.size) && cleat__cel_step(run, 0, b.size);
}

static cleat_slice rest_from(cleat_slice text, size_t at)
{
    return (cleat_slice){text.size != 0 ? text.data + at : text.data, text.size - at};
}

/* Where `part` is in `text`; SIZE_MAX: nowhere. An empty one is at the beginning. */
static size_t find(cleat_slice text, cleat_slice part)
{
    if (part.size == 0) {
        return 0;
    }
    const char *found = text.size != 0 ? memmem(text.data, text.size, part.data, part.size) : NULL;
    return found != NULL ? (size_t)(found - text.data) : SIZE_MAX;
}

static bool starts_with(cleat_slice text, cleat_slice part)
{
    return text.size >= part.size && cleat_slice_equals((cleat_slice){text.data, part.size}, part);
}

/* ---- Asking ---- */

static bool call_starts_with(cleat__cel_run *run, const cleat__cel_value *arguments, size_t count,
                             cleat__cel_value *out)
{
    (void)count;
    *out = cleat__cel_bool(starts_with(arguments[0].as.text, arguments[1].as.text));
    return cleat__cel_step(run, 0, arguments[1].as.text.size);
}

static bool call_ends_with(cleat__cel_run *run, const cleat__cel_value *arguments, size_t count,
                           cleat__cel_value *out)
{
    (void)count;
    cleat_slice text = arguments[0].as.text, part = arguments[1].as.text;
    *out = cleat__cel_bool(text.size >= part.size &&
                           cleat_slice_equals(rest_from(text, text.size - part.size), part));
    return cleat__cel_step(run, 0, part.size);
}

static bool call_contains(cleat__cel_run *run, const cleat__cel_value *arguments, size_t count,
                          cleat__cel_value *out)
{
    (void)count;
    if (!step_texts(run, arguments[0].as.text, arguments[1].as.text)) {
        return false;
    }
    *out = cleat__cel_bool(find(arguments[0].as.text, arguments[1].as.text) != SIZE_MAX);
    return true;
}

/* The first at or behind the character `from`; past the end there is none. */
static bool call_index_of(cleat__cel_run *run, const cleat__cel_value *arguments, size_t count,
                          cleat__cel_value *out)
{
    cleat_slice text = arguments[0].as.text, part = arguments[1].as.text;
    int64_t from = count == 3 ? arguments[2].as.integer : 0;
    if (!step_texts(run, text, part)) {
        return false;
    }
    if (from < 0) {
        return cleat__cel_fail(run, "indexOf() from %lld", (long long)from);
    }
    if (part.size == 0) {
        *out = cleat__cel_int(from);
        return true;
    }
    size_t start = cleat__cel_byte_at(text, (size_t)from);
    size_t found = find(rest_from(text, start), part);
    *out = cleat__cel_int(
        found == SIZE_MAX ? -1 : (int64_t)cleat__cel_characters((cleat_slice){text.data, start + found}));
    return true;
}

/* The last that begins at or before the character `from`. */
static bool call_last_index_of(cleat__cel_run *run, const cleat__cel_value *arguments, size_t count,
                               cleat__cel_value *out)
{
    cleat_slice text = arguments[0].as.text, part = arguments[1].as.text;
    if (!step_texts(run, text, part)) {
        return false;
    }
    int64_t characters = (int64_t)cleat__cel_characters(text);
    int64_t from = count == 3 ? arguments[2].as.integer : characters;
    if (from < 0) {
        return cleat__cel_fail(run, "lastIndexOf() from %lld", (long long)from);
    }
    *out = cleat__cel_int(part.size == 0 ? from : -1);
    if (part.size == 0 || (count == 3 && from >= characters)) {
        return true;
    }
    size_t last = cleat__cel_byte_at(text, (size_t)from);
    for (size_t at = 0; at <= last && part.size <= text.size - at;) {
        size_t found = find(rest_from(text, at), part);
        if (found == SIZE_MAX || at + found > last) {
            break;
        }
        at += found;
        *out = cleat__cel_int((int64_t)at); /* in bytes, up to the last one */
        at++;
        if (!cleat__cel_step(run, 1, 0)) {
            return false;
        }
    }
    if (out->as.integer >= 0) {
        cleat_slice before = {text.data, (size_t)out->as.integer};
        *out = cleat__cel_int((int64_t)cleat__cel_characters(before));
    }
    return true;
}

/* ---- Parts ---- */

static bool call_char_at(cleat__cel_run *run, const cleat__cel_value *arguments, size_t count,
                         cleat__cel_value *out)
{
    (void)count;
    cleat_slice text = arguments[0].as.text;
    int64_t index = arguments[1].as.integer;
    if (!cleat__cel_step(run, 0, text.size)) {
        return false;
    }
    if (index < 0 || (uint64_t)index > cleat__cel_characters(text)) {
        return cleat__cel_fail(run, "charAt(%lld) is outside of the string", (long long)index);
    }
    cleat_slice rest = rest_from(text, cleat__cel_byte_at(text, (size_t)index));
    *out = cleat__cel_string((cleat_slice){rest.data, cleat__cel_byte_at(rest, 1)});
    return true;
}

static bool call_substring(cleat__cel_run *run, const cleat__cel_value *arguments, size_t count,
                           cleat__cel_value *out)
{
    cleat_slice text = arguments[0].as.text;
    if (!cleat__cel_step(run, 0, text.size)) {
        return false;
    }
    int64_t characters = (int64_t)cleat__cel_characters(text);
    int64_t from = arguments[1].as.integer, to = count == 3 ? arguments[2].as.integer : characters;
    if (from < 0 || from > to || to > characters) {
        return cleat__cel_fail(run, "substring(%lld, %lld) of %lld characters", (long long)from,
                               (long long)to, (long long)characters);
    }
    size_t begin = cleat__cel_byte_at(text, (size_t)from), end = cleat__cel_byte_at(text, (size_t)to);
    *out = cleat__cel_string((cleat_slice){rest_from(text, begin).data, end - begin});
    return true;
}

/* The size of the white space of Unicode that `text` begins with, one character; 0: it begins with another. */
static size_t blank_size(cleat_slice text)
{
    static const char *const blanks[] = {
        "\t",           "\n",          "\v",           "\f",           "\r",           " ",
        "\xC2\x85",     "\xC2\xA0",    "\xE1\x9A\x80", "\xE2\x80\xA8", "\xE2\x80\xA9", "\xE2\x80\xAF",
        "\xE2\x81\x9F", "\xE3\x80\x80"};
    for (size_t i = 0; i < sizeof(blanks) / sizeof(blanks[0]); i++) {
        if (starts_with(text, cleat_slice_of(blanks[i]))) {
            return strlen(blanks[i]);
        }
    }
    bool is_width = text.size >= 3 && memcmp(text.data, "\xE2\x80", 2) == 0 && /* U+2000 to U+200A */
                    (unsigned char)text.data[2] >= 0x80 && (unsigned char)text.data[2] <= 0x8A;
    return is_width ? 3 : 0;
}

/* Where the last character of `text` begins. */
static size_t last_character(cleat_slice text)
{
    size_t at = text.size - 1;
    while (at > 0 && ((unsigned char)text.data[at] & 0xC0) == 0x80) {
        at--;
    }
    return at;
}

static bool call_trim(cleat__cel_run *run, const cleat__cel_value *arguments, size_t count,
                      cleat__cel_value *out)
{
    (void)count;
    cleat_slice text = arguments[0].as.text;
    size_t size;
    while (text.size != 0 && (size = blank_size(text)) != 0) {
        text = rest_from(text, size);
    }
    while (text.size != 0 && blank_size(rest_from(text, last_character(text))) != 0) {
        text.size = last_character(text);
    }
    *out = cleat__cel_string(text);
    return cleat__cel_step(run, 0, arguments[0].as.text.size);
}

/* ---- Changing ---- */

/* Letters from `first` to `first` + 25 become the other case; those of other alphabets stay. */
static bool change_case(cleat__cel_run *run, cleat_slice text, char first, cleat__cel_value *out)
{
    char *changed = cleat__cel_get(run, text.size, 1);
    if (changed == NULL || !cleat__cel_step(run, 0, text.size)) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        bool is_one = text.data[i] >= first && text.data[i] <= first + 25;
        changed[i] = is_one ? (char)(text.data[i] ^ 0x20) : text.data[i];
    }
    *out = cleat__cel_string((cleat_slice){changed, text.size});
    return true;
}

static bool call_lower(cleat__cel_run *run, const cleat__cel_value *arguments, size_t count,
                       cleat__cel_value *out)
{
    (void)count;
    return change_case(run, arguments[0].as.text, 'A', out);
}

static bool call_upper(cleat__cel_run *run, const cleat__cel_value *arguments, size_t count,
                       cleat__cel_value *out)
{
    (void)count;
    return change_case(run, arguments[0].as.text, 'a', out);
}

/*
 * The pieces of a text between separators, at most `most` of them. An empty separator is between any two
 * characters. What replace() and split() have in common.
 */
typedef struct splitter {
    cleat_slice rest, separator;
    size_t most, count;
} splitter;

static bool next_piece(splitter *pieces, cleat_slice *out)
{
    if (pieces->count == pieces->most) {
        return false;
    }
    pieces->count++;
    bool is_explosion = pieces->separator.size == 0;
    size_t end = is_explosion ? cleat__cel_byte_at(pieces->rest, 1) : find(pieces->rest, pieces->separator);
    if (pieces->count == pieces->most || end == SIZE_MAX || (is_explosion && end == pieces->rest.size)) {
        *out = pieces->rest;
        pieces->most = pieces->count;
        return true;
    }
    *out = (cleat_slice){pieces->rest.data, end};
    pieces->rest = rest_from(pieces->rest, end + pieces->separator.size);
    return true;
}

/* Negative: all. */
static size_t limit_of(const cleat__cel_value *arguments, size_t count, size_t position)
{
    int64_t limit = count > position ? arguments[position].as.integer : -1;
    return limit < 0 ? SIZE_MAX : (size_t)limit;
}

static bool call_split(cleat__cel_run *run, const cleat__cel_value *arguments, size_t count,
                       cleat__cel_value *out)
{
    const splitter begin = {arguments[0].as.text, arguments[1].as.text, limit_of(arguments, count, 2), 0};
    if (!step_texts(run, begin.rest, begin.separator)) {
        return false;
    }
    cleat_slice piece;
    splitter counted = begin, taken = begin;
    if (begin.rest.size == 0 && begin.separator.size == 0) {
        counted.most = taken.most = 0;
    }
    while (next_piece(&counted, &piece)) {
        if (!cleat__cel_step(run, 1, 0)) {
            return false;
        }
    }
    cleat__cel_value *items = cleat__cel_get(run, counted.count, sizeof(*items));
    for (size_t i = 0; items != NULL && next_piece(&taken, &piece); i++) {
        items[i] = cleat__cel_string(piece);
    }
    *out = cleat__cel_list(items, counted.count);
    return items != NULL;
}

/* What is being written; `out` is NULL while only its size is counted. */
typedef struct writer {
    char *out;
    size_t size;
} writer;

static void put(writer *to, cleat_slice text)
{
    if (to->out != NULL && text.size != 0) {
        memcpy(to->out + to->size, text.data, text.size);
    }
    to->size += text.size;
}

/* An empty `old` is before each character and at the end; `limit` replacements are made, all of them with
 * SIZE_MAX. */
static bool write_replaced(cleat__cel_run *run, cleat_slice text, cleat_slice old, cleat_slice fresh,
                           size_t limit, writer *to)
{
    if (old.size == 0 && limit != 0) {
        put(to, fresh);
        limit -= limit != SIZE_MAX;
    }
    splitter pieces = {text, old, limit == SIZE_MAX ? SIZE_MAX : limit + 1, 0};
    cleat_slice piece;
    bool is_first = true;
    while (next_piece(&pieces, &piece)) {
        if (!cleat__cel_step(run, 1, 0)) {
            return false;
        }
        if (!is_first) {
            put(to, fresh);
        }
        put(to, piece);
        is_first = false;
    }
    bool ends_in_one = old.size == 0 && text.size != 0 && pieces.count - 1 < limit;
    if (ends_in_one) {
        put(to, fresh);
    }
    return true;
}

static bool call_replace(cleat__cel_run *run, const cleat__cel_value *arguments, size_t count,
                         cleat__cel_value *out)
{
    cleat_slice text = arguments[0].as.text, old = arguments[1].as.text, fresh = arguments[2].as.text;
    size_t limit = limit_of(arguments, count, 3);
    writer counted = {NULL, 0}, written = {NULL, 0};
    if (!step_texts(run, text, old) || !write_replaced(run, text, old, fresh, limit, &counted)) {
        return false;
    }
    written.out = cleat__cel_get(run, counted.size, 1);
    if (written.out == NULL || !cleat__cel_step(run, 0, counted.size) ||
        !write_replaced(run, text, old, fresh, limit, &written)) {
        return false;
    }
    *out = cleat__cel_string((cleat_slice){written.out, written.size});
    return true;
}

static bool write_joined(cleat__cel_run *run, const cleat__cel_value *list, cleat_slice separator, writer *to)
{
    for (size_t i = 0; i < cleat__cel_count(list); i++) {
        cleat__cel_value item = cleat__cel_at(list, i);
        if (item.kind != CLEAT__CEL_STRING) {
            return cleat__cel_fail(run, "join() of a list with a value of the type %s",
                                   cleat__cel_kind_name(item.kind));
        }
        if (!cleat__cel_step(run, 1, 0)) {
            return false;
        }
        if (i != 0) {
            put(to, separator);
        }
        put(to, item.as.text);
    }
    return true;
}

static bool call_join(cleat__cel_run *run, const cleat__cel_value *arguments, size_t count,
                      cleat__cel_value *out)
{
    cleat_slice separator = count == 2 ? arguments[1].as.text : (cleat_slice){NULL, 0};
    writer counted = {NULL, 0}, written = {NULL, 0};
    if (!write_joined(run, &arguments[0], separator, &counted)) {
        return false;
    }
    written.out = cleat__cel_get(run, counted.size, 1);
    if (written.out == NULL || !cleat__cel_step(run, 0, counted.size) ||
        !write_joined(run, &arguments[0], separator, &written)) {
        return false;
    }
    *out = cleat__cel_string((cleat_slice){written.out, written.size});
    return true;
}

const cleat__cel_function cleat__cel_string_functions[] = {
    {"startsWith", true, "ss", 'b', call_starts_with},
    {"endsWith", true, "ss", 'b', call_ends_with},
    {"contains", true, "ss", 'b', call_contains},
    {"indexOf", true, "ss", 'i', call_index_of},
    {"indexOf", true, "ssi", 'i', call_index_of},
    {"lastIndexOf", true, "ss", 'i', call_last_index_of},
    {"lastIndexOf", true, "ssi", 'i', call_last_index_of},
    {"charAt", true, "si", 's', call_char_at},
    {"substring", true, "si", 's', call_substring},
    {"substring", true, "sii", 's', call_substring},
    {"trim", true, "s", 's', call_trim},
    {"lowerAscii", true, "s", 's', call_lower},
    {"upperAscii", true, "s", 's', call_upper},
    {"split", true, "ss", 'l', call_split},
    {"split", true, "ssi", 'l', call_split},
    {"replace", true, "sss", 's', call_replace},
    {"replace", true, "sssi", 's', call_replace},
    {"join", true, "l", 's', call_join},
    {"join", true, "ls", 's', call_join},
    {NULL, false, NULL, '*', NULL},
};
