/*
 * Readers of the engine's file, for the handlers of calls. A store is for one thread at a time; there are as many as
 * calls ever read at once, and they are kept.
 */
#ifndef CLEAT_SERVER_READERS_H
#define CLEAT_SERVER_READERS_H

#include "http_call.h"

#include "store/store.h"

typedef struct cleat__readers cleat__readers;

/* Opens none yet. */
cleat_status cleat__readers_new(const char *path, cleat__readers **out);
/* From now on nothing is read when there is another file at the path, or none: CLEAT_UNAVAILABLE. Before the first one is
 * taken. */
cleat_status cleat__readers_pin(cleat__readers *readers);
void cleat__readers_free(cleat__readers *readers); /* when all are given back; NULL-safe */

/* A reader, for this thread until it is given back. What it does ends with CLEAT_TIMEOUT when nobody waits
 * for the call any more. */
cleat_status cleat__readers_take(cleat__readers *readers, cleat__http_call *call, cleat__store **out);
void cleat__readers_give(cleat__readers *readers, cleat__store *store); /* NULL-safe */

typedef cleat_status (*cleat__readers_write)(void *argument, cleat__store *store, cleat__json_writer *writer);
/* What `write` writes of one state of the file. CLEAT_TOO_LARGE: it does not fit into an answer. */
cleat_status cleat__readers_read(cleat__readers *readers, cleat__http_call *call, cleat__readers_write write,
                                 void *argument, cleat__json_writer *writer);
/* Answers 200 with that, or with its status; 400 when it does not fit. */
void cleat__readers_answer(cleat__readers *readers, cleat__http_call *call, cleat__readers_write write,
                           void *argument);

#define CLEAT__ANSWER_MAX ((size_t)64 * 1024 * 1024)
/* Whether there is more in it than fits into an answer: no need to write on. */
bool cleat__answer_is_full(const cleat__json_writer *writer);

#endif
