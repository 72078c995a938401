/* The output of a run that goes on as another one: {"cleat:continued_as":"<its id>"}. */
#ifndef CLEAT_MODEL_CONTINUED_H
#define CLEAT_MODEL_CONTINUED_H

#include "base/uuid.h"

#define CLEAT__CONTINUED_SIZE 62 /* with the NUL */

void cleat__continued_format(const cleat__uuid *id, char out[CLEAT__CONTINUED_SIZE]);
/* False: it is another output. */
bool cleat__continued_parse(cleat_slice output, cleat__uuid *id);

#endif
