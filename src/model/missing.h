/* What is said, wherever it is asked for, of what is not there. */
#ifndef CLEAT_MODEL_MISSING_H
#define CLEAT_MODEL_MISSING_H

#include <cleat/status.h>

/* CLEAT_NOT_FOUND: there is no workflow of that name, as the program knows it. */
cleat_status cleat__missing_task(cleat_slice name);

#endif
