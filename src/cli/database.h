/* The file a verb looks into. */
#ifndef CLEAT_CLI_DATABASE_H
#define CLEAT_CLI_DATABASE_H

#include "base/buffer.h"
#include "collector/collector.h"
#include "store/query.h"
#include "verb.h"

/* `option` (may be NULL), else CLEAT_DB, else "./cleat.db". */
const char *cleat__database_path(const char *option);

/* Opens a reader, also on a file in use. CLEAT__EXIT_OK, or the exit code after a message. */
int cleat__database_open(const char *option, cleat__store **out);

/* Resolves what the user typed: a whole id or its beginning. CLEAT__EXIT_OK, or the exit code
 * after a message. */
int cleat__database_find_run(cleat__store *store, const char *text, cleat__uuid *out);
int cleat__database_find_trace(cleat__store *store, int64_t tenant, const char *text, cleat_trace_id *out);
/* The tenant of that name; `otherwise` when there is no name. */
int cleat__database_find_tenant(cleat__store *store, const char *name, int64_t otherwise, int64_t *out);

/* Appends a command the user can paste: "cleat traces show 4bf9… --db FILE", quoted for the shell,
 * with the name this program was called by. `option` as above: NULL adds no --db. */
void cleat__database_append_command(cleat__buffer *out, const cleat__cli *cli, const char *words,
                                    const char *option);
/* Appends " --name value", quoted; nothing when the value is NULL. */
void cleat__database_append_option(cleat__buffer *out, const char *name, const char *value);

#endif
