/* A worker of another process, as it registers and as it is stored. */
#ifndef CLEAT_MODEL_WORKER_H
#define CLEAT_MODEL_WORKER_H

#include "model/workflow.h"

#define CLEAT__ACTIONS_MAX          5000 /* of one worker */
#define CLEAT__WORKER_SLOTS_DEFAULT 100
#define CLEAT__WORKER_TEXT_MAX      10000 /* bytes of its name, and of what it says about its process */

/* Plain data, borrowed from whoever passes it. */
typedef struct cleat__worker_spec {
    cleat_slice name; /* for people; need not be the only one */
    const cleat_slice *actions;
    size_t action_count;
    const cleat__slots *slots; /* none: CLEAT__WORKER_SLOTS_DEFAULT of "default" */
    size_t slot_count;
    const cleat__label *labels;
    size_t label_count;
    cleat_slice runtime; /* JSON about its process; absent: none */
} cleat__worker_spec;

cleat_status cleat__worker_check(const cleat__worker_spec *spec);

/* A list with all it refers to in one block; free with cleat__free(). */
typedef struct cleat__names {
    size_t count;
    cleat_slice items[];
} cleat__names;

/* ["workflow:task", ..], in lower case, in which actions are known. */
void cleat__actions_encode(const cleat_slice *items, size_t count, cleat__buffer *out);
/* Of an array of strings. CLEAT_CORRUPT: it is none. */
cleat_status cleat__names_decode(cleat_slice text, cleat__names **out);

#endif
