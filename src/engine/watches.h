/* Who looks on, and what is to be told after the commit. */
#ifndef CLEAT_ENGINE_WATCHES_H
#define CLEAT_ENGINE_WATCHES_H

#include "engine/command.h"
#include "engine/run.h"
#include "engine/streams.h"
#include "engine/told.h"

struct cleat__core;

typedef struct cleat__watches {
    size_t count;
    cleat__map by_run; /* those of one run each */
    cleat__watch *by_metadata;
    cleat__told_queue told;                  /* true once committed */
    cleat__streams streams;                  /* of runs that are looked at */
    cleat__watch *behind_head, *behind_tail; /* to be served stored chunks */
} cleat__watches;
void cleat__watches_init(cleat__watches *watches);
void cleat__watches_deinit(cleat__watches *watches); /* tells nobody anything */

/* Handlers of WATCH, UNWATCH, WATCH_ON, PUT_STREAM and PUT_CHUNKS. */
cleat_status cleat__watches_add(struct cleat__core *core, cleat__command *command);
cleat_status cleat__watches_remove(struct cleat__core *core, cleat__command *command);
cleat_status cleat__watches_go_on(struct cleat__core *core, cleat__command *command);
cleat_status cleat__watches_put_stream(struct cleat__core *core, cleat__command *command);
cleat_status cleat__watches_put_chunks(struct cleat__core *core, cleat__command *command);

/* The run was stored with this metadata, or has ended, with its state set. A failure has failed the core:
 * that of the file, not that somebody cannot be told. `may_miss_chunks`: its worker does not wait for an answer to its
 * chunks, some of which may come yet. */
void cleat__watches_start(struct cleat__core *core, const cleat__run *run, cleat_slice metadata);
/* The same of a run that was stored before. */
cleat_status cleat__watches_restart(struct cleat__core *core, const cleat__run *run);
cleat_status cleat__watches_end(struct cleat__core *core, const cleat__run *run, cleat__happening_kind kind,
                                cleat_slice text, bool may_miss_chunks);

/* Takes back a WATCH that was not committed. */
void cleat__watches_forget(cleat__watches *watches, cleat__watch *watch);
/* Nothing more will happen: what was not committed is told to nobody, and all are told that they are lost,
 * and forgotten. */
void cleat__watches_lose(cleat__watches *watches, int64_t at_ms);

/* Gives up on chunks that did not come. */
void cleat__watches_fire(struct cleat__core *core);
/* A piece of the stored chunks for those who are behind; sets `has_more` when it was not the last. */
void cleat__watches_serve(struct cleat__core *core);

#endif
