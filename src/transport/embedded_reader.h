/*
 * Runs and events are read on the caller's thread with a reader of its own: there may be millions to look at, or
 * gigabytes, which the engine must not wait for.
 */
#ifndef CLEAT_TRANSPORT_EMBEDDED_READER_H
#define CLEAT_TRANSPORT_EMBEDDED_READER_H

#include "engine/engine.h"
#include "store/store.h"

#include <jansson.h>

/* Of the engine's file, wherever the program has gone since it was opened. To be closed on every path. */
cleat_status cleat__embedded_open_reader(cleat__engine *engine, cleat__store **out);
/* The same with a transaction: what is told together was there together. */
cleat_status cleat__embedded_begin_reader(cleat__engine *engine, cleat__store **out);

/* For filters. `*out` is to be freed also after a failure, and so is the next. */
cleat_status cleat__embedded_find_workflows(cleat__store *store, int64_t tenant, const cleat_slice *workflows,
                                            size_t count, cleat__uuid **out);
/* An array of strings, whole or not at all: with less of it more would be chosen. NULL of none. */
cleat_status cleat__embedded_texts(const char *const *texts, size_t count, json_t **out);

#endif
