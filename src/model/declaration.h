/* The stored text of a version, for who looks at what others have written: all that an engine must understand of it. */
#ifndef CLEAT_MODEL_DECLARATION_H
#define CLEAT_MODEL_DECLARATION_H

#include "model/dag.h"

typedef struct cleat__declaration {
    cleat__needs *needs;
    cleat__arena arena;  /* of `tasks` */
    cleat__workflow dag; /* no tasks: its runs are of one */
} cleat__declaration;

/* CLEAT_CORRUPT: no engine would open a file that has it; the sentence says what is wrong. Deinit what it gives. */
cleat_status cleat__declaration_read(cleat_slice text, cleat__declaration *out);
void cleat__declaration_deinit(cleat__declaration *declaration);
/* How many sleeps and events a task of it may wait for. */
size_t cleat__declaration_waits(const cleat__declaration *declaration, size_t task);

#endif
