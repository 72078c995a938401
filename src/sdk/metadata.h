/*
 * A run's metadata: a JSON object that interceptors read and change as a string map.
 *
 * The text is looked into only when somebody asks, and written anew only when somebody changed
 * it; members that nobody touched are written as they were. Not thread-safe.
 */
#ifndef CLEAT_SDK_METADATA_H
#define CLEAT_SDK_METADATA_H

#include <cleat/trace.h>

#include "base/buffer.h"

struct cleat__metadata_member;

typedef struct cleat__metadata {
    cleat_slice text;  /* borrowed; a checked JSON object, or absent: none */
    cleat_slice below; /* borrowed; what a child inherits, to be read and not written; absent: no child */
    bool read;         /* `members` say what both do, or more */
    bool changed;      /* more */
    struct cleat__metadata_member *members;
    size_t count, capacity;
    cleat__buffer written;
} cleat__metadata;

void cleat__metadata_init(cleat__metadata *metadata, cleat_slice text);
void cleat__metadata_deinit(cleat__metadata *metadata);

/* Both are valid as long as `metadata` is and stays where it is. Values that are no strings are
 * kept and read as absent. */
cleat_text_map cleat__metadata_map(cleat__metadata *metadata);
cleat_text_map cleat__metadata_reader(cleat__metadata *metadata); /* `set` is NULL */

/* The JSON object to be stored; absent when there is none. Valid until deinit or a change. */
cleat_status cleat__metadata_text(cleat__metadata *metadata, cleat_slice *out);

/*
 * What interceptors see of what children of a run inherit: its metadata without the keys that belong to the
 * engine ("hatchet__") or to its own trace (the carrier), plus the ids of the parent. The engine has the
 * last word: cleat__metadata_inherit() over what comes of it. The caller frees
 * the text; NULL on no memory.
 */
char *cleat__metadata_for_children(cleat_slice parent_text, const char *workflow_run_id, const char *run_id);
/* As init, to be read as `text` over `below`, which for_children() made; both are borrowed. Only what is of the
 * child itself is written: the engine lays it over what it knows of the parent, and hundreds of children
 * go in one message. */
void cleat__metadata_init_child(cleat__metadata *metadata, cleat_slice text, const char *below);

#endif
