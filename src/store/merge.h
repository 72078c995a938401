/* Adds the rows of one file to those of another. */
#ifndef CLEAT_STORE_MERGE_H
#define CLEAT_STORE_MERGE_H

#include "store/store.h"

/*
 * From the attached database `other`, which has the same schema and holds together, into the store's own; within a
 * transaction. Numbers that are given out in each file become others, and what refers to them with them. What has the
 * UUID of something that is there is that; so are a tenant, and a workflow of a tenant, of the same name: its versions come before
 * those that are there, and of filters and crons only what was not declared with it. `*copies` is the number of runs
 * that were there.
 */
cleat_status cleat__merge(cleat__store *store, int64_t *copies);

#endif
