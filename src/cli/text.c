#define _XOPEN_SOURCE 700 /* wcwidth */
#include "text.h"

#include <wchar.h>

/* One character as it will be shown. */
typedef struct glyph {
    const char *bytes;
    size_t size;
    size_t consumed; /* bytes of the input it stands for */
    int columns;
} glyph;

static const char *replacement(const cleat__terminal *terminal)
{
    return terminal->utf8 ? "\xEF\xBF\xBD" : "?";
}

/* Decodes one character; false for an invalid sequence. Overlong forms and surrogates do no harm
 * here: they are shown as whatever the terminal makes of them. */
static bool decode(cleat_slice text, uint32_t *code, size_t *size)
{
    const unsigned char *bytes = (const unsigned char *)text.data;
    static const uint32_t masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    *size = bytes[0] < 0x80 ? 1 : bytes[0] < 0xc2 ? 0 : bytes[0] < 0xe0 ? 2 : bytes[0] < 0xf0 ? 3 : 4;
    if (*size == 0 || bytes[0] > 0xf4 || *size > text.size) {
        return false;
    }
    *code = bytes[0] & masks[*size];
    for (size_t i = 1; i < *size; i++) {
        if ((bytes[i] & 0xc0) != 0x80) {
            return false;
        }
        *code = *code << 6 | (bytes[i] & 0x3f);
    }
    return true;
}

/* Turns the direction of what follows, so that a line seems to say something else. */
static bool turns_direction(uint32_t code)
{
    return (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

static glyph next_glyph(const cleat__terminal *terminal, cleat_slice text)
{
    glyph result = {replacement(terminal), strlen(replacement(terminal)), 1, 1};
    uint32_t code = 0;
    size_t size = 0;
    unsigned char first = (unsigned char)text.data[0];
    if (first >= 0x20 && first < 0x7f) {
        return (glyph){text.data, 1, 1, 1};
    }
    if (first == '\n' || first == '\t' || first == '\r') {
        return (glyph){" ", 1, 1, 1};
    }
    if (!decode(text, &code, &size)) {
        return result;
    }
    result.consumed = size;
    if (terminal->utf8 && !turns_direction(code)) {
        int columns = wcwidth((wchar_t)code);
        if (columns >= 0) {
            return (glyph){text.data, size, size, columns};
        }
    }
    return result;
}

static cleat_slice after(cleat_slice text, size_t size)
{
    return (cleat_slice){text.data + size, text.size - size};
}

int cleat__text_columns(const cleat__terminal *terminal, cleat_slice text)
{
    int columns = 0;
    while (text.size > 0) {
        glyph next = next_glyph(terminal, text);
        columns += next.columns;
        text = after(text, next.consumed);
    }
    return columns;
}

/* At most `columns` columns; answers how many were used. */
static int append_limited(cleat__buffer *out, const cleat__terminal *terminal, cleat_slice text, int columns)
{
    int used = 0;
    while (text.size > 0) {
        glyph next = next_glyph(terminal, text);
        if (used + next.columns > columns) {
            break;
        }
        cleat__buffer_append(out, next.bytes, next.size);
        used += next.columns;
        text = after(text, next.consumed);
    }
    return used;
}

void cleat__text_append(cleat__buffer *out, const cleat__terminal *terminal, cleat_slice text)
{
    append_limited(out, terminal, text, INT32_MAX);
}

void cleat__text_append_blanks(cleat__buffer *out, int count)
{
    for (int i = 0; i < count; i++) {
        cleat__buffer_append_byte(out, ' ');
    }
}

void cleat__text_append_fit(cleat__buffer *out, const cleat__terminal *terminal, cleat_slice text,
                            int columns, cleat__align align)
{
    int needed = cleat__text_columns(terminal, text);
    if (needed > columns) {
        const char *ellipsis = terminal->utf8 ? "…" : "~";
        int used = append_limited(out, terminal, text, columns - 1);
        cleat__buffer_append_string(out, columns > 0 ? ellipsis : "");
        cleat__text_append_blanks(out, columns - 1 - used);
        return;
    }
    if (align == CLEAT__ALIGN_RIGHT) {
        cleat__text_append_blanks(out, columns - needed);
    }
    cleat__text_append(out, terminal, text);
    if (align == CLEAT__ALIGN_LEFT) {
        cleat__text_append_blanks(out, columns - needed);
    }
}
