/*
 * All of a file as lines of JSON: docs/operations.md has the format. The first line says what it is, the last how many
 * there were; each other one is a row of a table.
 */
#ifndef CLEAT_STORE_EXPORT_H
#define CLEAT_STORE_EXPORT_H

#include "store/store.h"

#define CLEAT__EXPORT_FORMAT 1

/* From a reader. `write` gets each line with its newline; the first status that is not CLEAT_OK ends it. */
cleat_status cleat__export(cleat__store *store, cleat_status (*write)(void *argument, cleat_slice line),
                           void *argument);

#endif
