/* Runs that go on as other ones. The output of such a run is {"cleat:continued_as":"<the id of the next one>"}. */
#ifndef CLEAT_MODEL_CONTINUED_H
#define CLEAT_MODEL_CONTINUED_H

#include "base/uuid.h"

#define CLEAT__CONTINUED_SIZE 62 /* with the NUL */
/* The child key by which a workflow asks for a run that it goes on as. */
#define CLEAT__CONTINUED_KEY "cleat:continued"
/* That child is stored with a key that begins so: "cleat>1.7", asked for in branch 1 as node 7. */
#define CLEAT__CONTINUED_MARK "cleat>"

void cleat__continued_format(const cleat__uuid *id, char out[CLEAT__CONTINUED_SIZE]);
/* False: it is another output. */
bool cleat__continued_parse(cleat_slice output, cleat__uuid *id);

/* Whose end is asked for, of a run that goes on as others. */
typedef enum cleat__follow {
    CLEAT__FOLLOW_NOT,    /* its own */
    CLEAT__FOLLOW_LAST,   /* that of the last one */
    CLEAT__FOLLOW_STREAM, /* that of the one before the next that lives or has a stream */
} cleat__follow;

/* From a run to the one that it goes on as, and so forth. Where nothing says that the next one was started by the one
 * before, outputs of that form may be anybody's: a way that leads in a circle is noticed, and ends. */
typedef struct cleat__continued_way {
    cleat__uuid at;
    cleat__uuid mark; /* somewhere behind; moved to where it is after 1, 2, 4, 8, .. steps (Brent) */
    uint64_t steps, power;
} cleat__continued_way;

void cleat__continued_begin(cleat__continued_way *way, const cleat__uuid *id);
/* `output`: of the run that it is at. False: that is the last one. */
bool cleat__continued_go(cleat__continued_way *way, cleat_slice output);

#endif
