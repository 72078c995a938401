/* What the command adds to the writer of JSON documents. */
#ifndef CLEAT_CLI_JSON_WRITER_H
#define CLEAT_CLI_JSON_WRITER_H

#include "base/json_writer.h"

/* A time in ms as RFC 3339; null for 0. */
void cleat__writer_time(cleat__json_writer *writer, const char *key, int64_t unix_ms);

/* Prints the document and a newline, frees the writer, answers the exit code. */
int cleat__writer_print(cleat__json_writer *writer);

#endif
