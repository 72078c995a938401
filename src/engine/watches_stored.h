/*
 * What who looks at a durable run is told of its stored chunks: all, from the first one on, in order. Who has all
 * that are there is told the next one when it is stored; who has not is behind, and is served from the file, a piece
 * in each step of the engine. A gap in the numbers is waited for until it is filled or the run has ended.
 */
#ifndef CLEAT_ENGINE_WATCHES_STORED_H
#define CLEAT_ENGINE_WATCHES_STORED_H

#include "engine/watches.h"

/* What one step reads of the file, for all who look. */
#define CLEAT__SERVED_BYTES_MAX ((size_t)1024 * 1024)
#define CLEAT__SERVED_MAX       1000

/* Of a watch of a run that lives, or (NULL) has ended: CLEAT_EMPTY, and there is nothing left to tell. */
cleat_status cleat__stored_begin(struct cleat__core *core, cleat__watch *watch, const cleat__run *run);
/* Puts it among those that are served, if it is behind. */
void cleat__stored_serve_soon(cleat__watches *watches, cleat__watch *watch);
void cleat__stored_end(cleat__watches *watches, cleat__watch *watch);

/* A failure has failed the core. */
cleat_status cleat__stored_open(struct cleat__core *core, cleat__run *run, int64_t *stream);
/* The invocation counts `*index`: which chunk of the stream that is. Below 0: one that an earlier branch has given out. */
cleat_status cleat__stored_place(struct cleat__core *core, cleat__run *run, int64_t stream, int64_t *index);
cleat_status cleat__stored_put(struct cleat__core *core, int64_t stream, int64_t index, cleat_slice chunk,
                               bool *is_new);

/* Of a chunk that was just stored: it is told, or will be in its turn. */
void cleat__stored_tell(struct cleat__core *core, cleat__watch *watch, const cleat__happening *happening,
                        cleat__told_payload **payload);
/* The run has ended: whether that is told later, by cleat__watches_serve(). */
bool cleat__stored_defers_end(cleat__watches *watches, cleat__watch *watch);

#endif
