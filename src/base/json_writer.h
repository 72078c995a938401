/*
 * Writes one JSON document into a buffer, commas and quotes included. `key` is NULL in arrays and
 * for the document itself. Zero-initialised; whoever takes or frees `out` ends it.
 */
#ifndef CLEAT_BASE_JSON_WRITER_H
#define CLEAT_BASE_JSON_WRITER_H

#include "base/buffer.h"

typedef struct cleat__json_writer {
    cleat__buffer out;
    bool needs_comma;
} cleat__json_writer;

void cleat__writer_begin_object(cleat__json_writer *writer, const char *key);
void cleat__writer_end_object(cleat__json_writer *writer);
void cleat__writer_begin_array(cleat__json_writer *writer, const char *key);
void cleat__writer_end_array(cleat__json_writer *writer);
void cleat__writer_string(cleat__json_writer *writer, const char *key, const char *value);
/* null for the absent slice. */
void cleat__writer_slice(cleat__json_writer *writer, const char *key, cleat_slice value);
void cleat__writer_int(cleat__json_writer *writer, const char *key, int64_t value);
void cleat__writer_double(cleat__json_writer *writer, const char *key, double value);
void cleat__writer_bool(cleat__json_writer *writer, const char *key, bool value);
/* A text that is JSON already; null for the absent slice. */
void cleat__writer_raw(cleat__json_writer *writer, const char *key, cleat_slice json);

#endif
