/*
 * A growable byte buffer with a sticky failure: appending never returns a status; when memory ran
 * out once, `failed` is set and later appends do nothing. Check it once, at the end.
 */
#ifndef CLEAT_BASE_BUFFER_H
#define CLEAT_BASE_BUFFER_H

#include <cleat/status.h>

typedef struct cleat__buffer {
    uint8_t *data; /* NULL until the first append */
    size_t size;
    size_t capacity;
    bool failed;
} cleat__buffer;

void cleat__buffer_deinit(cleat__buffer *buffer); /* frees and zeroes */
void cleat__buffer_clear(cleat__buffer *buffer);  /* keeps the memory, forgets a failure */
/* Room for `size` bytes at the end, not yet counted; NULL on failure. */
uint8_t *cleat__buffer_reserve(cleat__buffer *buffer, size_t size);
void cleat__buffer_append(cleat__buffer *buffer, const void *data, size_t size);
void cleat__buffer_append_slice(cleat__buffer *buffer, cleat_slice slice);
void cleat__buffer_append_string(cleat__buffer *buffer, const char *text);
void cleat__buffer_append_byte(cleat__buffer *buffer, uint8_t byte);
void cleat__buffer_append_format(cleat__buffer *buffer, const char *format, ...) CLEAT_PRINTF(2, 3);
/* All digits of a finite number, with a point, whatever the program's locale has there. */
void cleat__buffer_append_real(cleat__buffer *buffer, double value);
/* Appends `text` as a JSON string with its quotes; invalid UTF-8 becomes U+FFFD. */
void cleat__buffer_append_json(cleat__buffer *buffer, cleat_slice text);
/* A NUL-terminated copy-free hand-over: the caller owns the text, the buffer is empty. NULL on failure. */
char *cleat__buffer_take_string(cleat__buffer *buffer);
cleat_slice cleat__buffer_slice(const cleat__buffer *buffer);

#endif
