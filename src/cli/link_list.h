/* The links of a trace, out of it and into it, below its waterfall and in its JSON. */
#ifndef CLEAT_CLI_LINK_LIST_H
#define CLEAT_CLI_LINK_LIST_H

#include "database.h"
#include "json_writer.h"

/* `all` false: a few of each, and how many more there are. `db`: the option for commands. */
cleat_status cleat__links_append(cleat__buffer *out, const cleat__cli *cli, cleat__store *store,
                                 const cleat_trace_id *trace_id, const char *db, bool all);

/* Adds the arrays "links" and "backlinks" to an object. */
cleat_status cleat__links_to_json(cleat__json_writer *writer, cleat__store *store,
                                  const cleat_trace_id *trace_id);

#endif
