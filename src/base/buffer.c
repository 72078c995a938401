#include "base/buffer.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include <stdio.h>

enum { SMALLEST_CAPACITY = 64 };

void cleat__buffer_deinit(cleat__buffer *buffer)
{
    cleat__free(buffer->data);
    *buffer = (cleat__buffer){0};
}

void cleat__buffer_clear(cleat__buffer *buffer)
{
    buffer->size = 0;
    buffer->failed = false;
}

static void grow(cleat__buffer *buffer, size_t needed)
{
    size_t capacity = buffer->capacity < SMALLEST_CAPACITY ? SMALLEST_CAPACITY : buffer->capacity;
    while (capacity < needed) {
        capacity = capacity > SIZE_MAX / 2 ? needed : capacity * 2;
    }
    uint8_t *data = cleat__realloc(buffer->data, capacity);
    if (data == NULL) {
        buffer->failed = true;
        return;
    }
    buffer->data = data;
    buffer->capacity = capacity;
}

uint8_t *cleat__buffer_reserve(cleat__buffer *buffer, size_t size)
{
    if (buffer->failed || size > SIZE_MAX - buffer->size) {
        buffer->failed = true;
        return NULL;
    }
    if (buffer->data == NULL || size > buffer->capacity - buffer->size) {
        grow(buffer, buffer->size + size);
    }
    return buffer->failed ? NULL : buffer->data + buffer->size;
}

void cleat__buffer_append(cleat__buffer *buffer, const void *data, size_t size)
{
    uint8_t *end = size != 0 ? cleat__buffer_reserve(buffer, size) : NULL;
    if (end != NULL) {
        memcpy(end, data, size);
        buffer->size += size;
    }
}

void cleat__buffer_append_slice(cleat__buffer *buffer, cleat_slice slice)
{
    cleat__buffer_append(buffer, slice.data, slice.size);
}

void cleat__buffer_append_string(cleat__buffer *buffer, const char *text)
{
    cleat__buffer_append_slice(buffer, cleat_slice_of(text));
}

void cleat__buffer_append_byte(cleat__buffer *buffer, uint8_t byte)
{
    cleat__buffer_append(buffer, &byte, 1);
}

static int format_at_end(cleat__buffer *buffer, const char *format, va_list arguments) CLEAT_PRINTF(2, 0);

/* Formats into the room there is. The text's size without its NUL, which may be more than that. */
static int format_at_end(cleat__buffer *buffer, const char *format, va_list arguments)
{
    size_t room = buffer->capacity - buffer->size;
    return vsnprintf((char *)buffer->data + buffer->size, room, format, arguments);
}

void cleat__buffer_append_format(cleat__buffer *buffer, const char *format, ...)
{
    if (cleat__buffer_reserve(buffer, SMALLEST_CAPACITY) == NULL) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    int size = format_at_end(buffer, format, arguments);
    va_end(arguments);
    if (size >= 0 && (size_t)size >= buffer->capacity - buffer->size) {
        if (cleat__buffer_reserve(buffer, (size_t)size + 1) == NULL) {
            return;
        }
        va_start(arguments, format);
        size = format_at_end(buffer, format, arguments);
        va_end(arguments);
    }
    if (size < 0) {
        buffer->failed = true;
        return;
    }
    buffer->size += (size_t)size;
}

void cleat__buffer_append_real(cleat__buffer *buffer, double value)
{
    size_t begin = buffer->size;
    cleat__buffer_append_format(buffer, "%.17g", value);
    bool has_point = false;
    for (size_t at = begin; at < buffer->size; at++) {
        uint8_t byte = buffer->data[at];
        if ((byte >= '0' && byte <= '9') || byte == '-' || byte == '+' || byte == 'e') {
            buffer->data[begin++] = byte;
        } else if (!has_point) { /* of one byte or more */
            buffer->data[begin++] = '.';
            has_point = true;
        }
    }
    buffer->size = begin;
}

static void append_json_escape(cleat__buffer *buffer, unsigned char byte)
{
    switch (byte) {
    case '"': cleat__buffer_append_string(buffer, "\\\""); break;
    case '\\': cleat__buffer_append_string(buffer, "\\\\"); break;
    case '\n': cleat__buffer_append_string(buffer, "\\n"); break;
    case '\r': cleat__buffer_append_string(buffer, "\\r"); break;
    case '\t': cleat__buffer_append_string(buffer, "\\t"); break;
    default: cleat__buffer_append_format(buffer, "\\u%04x", byte); break;
    }
}

/* `text` is valid UTF-8. */
static void append_json_valid(cleat__buffer *buffer, cleat_slice text)
{
    size_t plain = 0; /* start of the run that is copied as it is */
    for (size_t i = 0; i < text.size; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        if (byte >= 0x20 && byte != '"' && byte != '\\') {
            continue;
        }
        cleat__buffer_append(buffer, text.data + plain, i - plain);
        append_json_escape(buffer, byte);
        plain = i + 1;
    }
    if (plain < text.size) {
        cleat__buffer_append(buffer, text.data + plain, text.size - plain);
    }
}

void cleat__buffer_append_json(cleat__buffer *buffer, cleat_slice text)
{
    cleat__buffer_append_byte(buffer, '"');
    while (text.size != 0) {
        size_t valid = cleat__utf8_valid_prefix(text.data, text.size);
        append_json_valid(buffer, (cleat_slice){text.data, valid});
        text.data += valid;
        text.size -= valid;
        if (text.size != 0) {
            cleat__buffer_append_string(buffer, CLEAT__UTF8_REPLACEMENT);
            text.data++;
            text.size--;
        }
    }
    cleat__buffer_append_byte(buffer, '"');
}

char *cleat__buffer_take_string(cleat__buffer *buffer)
{
    cleat__buffer_append_byte(buffer, '\0');
    if (buffer->failed) {
        cleat__buffer_deinit(buffer);
        return NULL;
    }
    char *text = (char *)buffer->data;
    *buffer = (cleat__buffer){0};
    return text;
}

cleat_slice cleat__buffer_slice(const cleat__buffer *buffer)
{
    return (cleat_slice){(const char *)buffer->data, buffer->size};
}
