/*
 * Workers as JSON. They are in the engine's memory: it is asked first who there is, then for those of the page,
 * which are written while it shows them, on its own thread.
 */
#ifndef CLEAT_SERVER_WORKER_TEXTS_H
#define CLEAT_SERVER_WORKER_TEXTS_H

#include "base/json_writer.h"
#include "engine/command.h"
#include "rest_query.h"

typedef struct cleat__worker_texts {
    /* To be set. */
    bool (*wants)(void *argument, const cleat__worker_info *info); /* NULL: all */
    void (*write)(cleat__json_writer *writer, const cleat__worker_info *info);
    void *argument;
    int64_t offset, limit;
    /* The answer. */
    cleat__rest_ids ids; /* of all that are wanted, newest first */
    /* Of its own. */
    cleat__json_writer *texts; /* of the page's */
    size_t size;               /* of all texts */
    cleat_status status;
} cleat__worker_texts;

cleat_status cleat__worker_texts_collect(cleat__worker_texts *texts, cleat__engine *engine, int64_t tenant);
/* The page's, as elements of an array. */
void cleat__worker_texts_write(const cleat__worker_texts *texts, cleat__json_writer *writer);
void cleat__worker_texts_deinit(cleat__worker_texts *texts); /* in either case */

#endif
