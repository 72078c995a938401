#include "model/json.h"

#include "base/error.h"
#include <cleat/run.h>

#include <jansson.h>

/* Jansson quotes the text it stumbled over; a message is one line. */
static void make_one_line(char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7F) {
            *text = ' ';
        }
    }
}

/* ---- Long texts ---- */

/*
 * Most of a large payload is the inside of strings, which Jansson takes character by character. Whether a text is JSON
 * does not hang on how many plain characters stand in a row in a string, so of these it gets the first few only: enough
 * for an escape or a character that has begun before them.
 */
enum { LONG = 256, ROW_KEPT = 8 };

typedef struct shortener {
    const char *at, *end;
    bool is_in_string, is_escaped;
    int row; /* plain characters since the last other one */
} shortener;

static bool is_plain(char c)
{
    unsigned char byte = (unsigned char)c;
    return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

/* Of a string: that it may end, or that a row of plain characters grows. */
static void note(shortener *it, char c)
{
    if (is_plain(c) && !it->is_escaped) {
        it->row++;
        return;
    }
    it->row = 0;
    it->is_in_string = c != '"' || it->is_escaped;
    it->is_escaped = c == '\\' && !it->is_escaped;
}

/* For Jansson: the next bytes. */
static size_t shorten(void *buffer, size_t size, void *self)
{
    shortener *it = self;
    char *out = buffer;
    size_t used = 0;
    while (used < size && it->at < it->end) {
        char c = *it->at++;
        out[used++] = c;
        if (!it->is_in_string) {
            it->is_in_string = c == '"';
            it->row = 0;
            continue;
        }
        note(it, c);
        while (it->row == ROW_KEPT && it->at < it->end && is_plain(*it->at)) {
            it->at++;
        }
    }
    return used;
}

/* NULL: it is not JSON, or there is no memory. */
static json_t *load(cleat_slice text, json_error_t *error)
{
    /* Integers as reals: Jansson refuses those above 64 bits, which are JSON all the same. */
    size_t flags = JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL;
    if (text.size >= LONG) {
        shortener it = {text.data, text.data + text.size, false, false, 0};
        json_t *value = json_load_callback(shorten, &it, flags, error);
        if (value != NULL) {
            return value;
        }
    }
    return json_loadb(text.size != 0 ? text.data : "", text.size, flags, error); /* it says where */
}

cleat_status cleat__json_check(const char *what, cleat_slice text, bool must_be_object)
{
    return text.size > CLEAT_PAYLOAD_MAX
               ? cleat__fail(CLEAT_TOO_LARGE, "%s has %zu bytes; at most %zu are stored", what, text.size,
                             CLEAT_PAYLOAD_MAX)
               : cleat__json_check_large(what, text, must_be_object);
}

cleat_status cleat__json_check_large(const char *what, cleat_slice text, bool must_be_object)
{
    json_error_t error;
    json_t *value = load(text, &error);
    if (value == NULL) {
        if (json_error_code(&error) == json_error_out_of_memory) {
            return cleat__fail_memory();
        }
        make_one_line(error.text);
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s is not JSON, line %d column %d: %s", what, error.line,
                           error.column, error.text);
    }
    bool is_object = json_is_object(value);
    json_decref(value);
    if (must_be_object && !is_object) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s must be a JSON object, such as {\"key\":1}", what);
    }
    return CLEAT_OK;
}
