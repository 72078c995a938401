/* What programs push: events, known by a key, which start the workflows that list the key. */
#ifndef CLEAT_MODEL_EVENT_H
#define CLEAT_MODEL_EVENT_H

#include "base/uuid.h"

#define CLEAT__EVENTS_MAX    1000 /* that are pushed together */
#define CLEAT__EVENT_KEY_MAX 767  /* bytes of a key, and of a scope */

/* A wait's condition on an event whose key begins so is one on a hook, whose token is the rest: nobody may push
 * such events. */
#define CLEAT__HOOK_KEY_PREFIX "cleat:hook:"
bool cleat__event_key_is_of_hook(cleat_slice key);

/* Plain data, borrowed from whoever passes it. */
typedef struct cleat__user_event {
    cleat_slice key;
    cleat_slice payload;  /* a JSON object; absent: {} */
    cleat_slice metadata; /* a JSON object; absent: none */
    cleat_slice scope;    /* absent: none */
    int32_t priority;     /* of the runs that it starts; 0: that of their workflow */
    cleat_slice webhook;  /* the name of the one that makes it; absent: it is pushed */
} cleat__user_event;

/* CLEAT_INVALID_ARGUMENT or CLEAT_TOO_LARGE says what is wrong. Parses: not for the engine's thread,
 * which takes payload and metadata as checked. */
cleat_status cleat__user_event_check(const cleat__user_event *event);
/* The part of it that reads no JSON. */
cleat_status cleat__user_event_check_sizes(const cleat__user_event *event);

#endif
