/*
 * Whether all in a file is as the engine has it: the file itself, its schema, and what holds between its tables. The
 * rules are SQL: src/store/check and src/collector/check.
 */
#ifndef CLEAT_STORE_CHECK_H
#define CLEAT_STORE_CHECK_H

#include "store/store.h"

/* A place where something does not hold; valid until the visit returns. */
typedef struct cleat__finding {
    cleat_slice rule;  /* "run-life" */
    cleat_slice holds; /* "a run lives or has ended, and not both" */
    cleat_slice what;  /* "run 0190..: both" */
} cleat__finding;
typedef void (*cleat__finding_visit)(void *argument, const cleat__finding *finding);

/* Whoever calls more than one of these has a transaction open, so that all look at one state. `*rules` is increased by
 * the number of rules that were looked at. */

/* SQLite's own check (rule "file"). It finds what makes the others fail. */
cleat_status cleat__check_file(cleat__store *store, cleat__finding_visit visit, void *argument, int *rules);
/* The same, of a file of any schema. */
cleat_status cleat__check_pages(sqlite3 *db, cleat__finding_visit visit, void *argument, int *rules);
/* Tables, columns and indexes (rule "schema"). */
cleat_status cleat__check_schema(cleat__store *store, cleat__finding_visit visit, void *argument, int *rules);
/* A text of rules, each a statement behind the comment "-- NAME: WHAT HOLDS". */
cleat_status cleat__check_rules(cleat__store *store, const char *text, cleat__finding_visit visit,
                                void *argument, int *rules);
/* Those of the store's own tables, and what holds of all tables alike (rule "types"). */
cleat_status cleat__check_tables(cleat__store *store, cleat__finding_visit visit, void *argument, int *rules);

#endif
