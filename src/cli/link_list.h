/* The links of a trace or a forest, out of it and into it, below its waterfall and in its JSON. */
#ifndef CLEAT_CLI_LINK_LIST_H
#define CLEAT_CLI_LINK_LIST_H

#include "collector/stitched.h"
#include "database.h"
#include "json_writer.h"

/* A trace, and the options by which commands find others beside it. A forest needs the options only. */
typedef struct cleat__linked {
    int64_t tenant;
    cleat_trace_id trace_id;
    const char *db, *tenant_name; /* NULL: none */
} cleat__linked;

/* `all` false: a few of each, and how many more there are. */
cleat_status cleat__links_append(cleat__buffer *out, const cleat__cli *cli, cleat__store *store,
                                 const cleat__linked *of, bool all);

/* Those of a forest that lead out of it, or into it from elsewhere, by trace. */
void cleat__links_append_outside(cleat__buffer *out, const cleat__cli *cli, const cleat__stitched *forest,
                                 const cleat__linked *of, bool all);

/* Adds the arrays "links" and "backlinks" to an object. */
cleat_status cleat__links_to_json(cleat__json_writer *writer, cleat__store *store, int64_t tenant,
                                  const cleat_trace_id *trace_id);

#endif
