/*
 * What cleat__export() has written, back into a file: all or nothing. Every line is checked and stored in a file of its
 * own first, and so are the rules that hold between tables (store/check.h). That file is the new one, or its rows are
 * added to those of the one that is there: a run that has an id of one there is left out, with all that belongs to it.
 * A workflow that is there stays as it was declared there.
 */
#ifndef CLEAT_STORE_IMPORT_H
#define CLEAT_STORE_IMPORT_H

#include "store/check.h"

typedef struct cleat__import_options {
    const char *path; /* the file; no engine may have it */
    /* Sets the next line, which is good until the next call, without its newline. CLEAT_EMPTY: that was the last. */
    cleat_status (*read)(void *argument, cleat_slice *line);
    void *argument;
    bool (*goes_on)(void *argument); /* asked every so often; false: CLEAT_CANCELLED. May be NULL */
    /* Rules beside those of the store's own tables, as cleat__check_tables(). */
    cleat_status (*check)(cleat__store *store, cleat__finding_visit visit, void *argument, int *rules);
} cleat__import_options;

typedef struct cleat__import_result {
    int64_t rows;         /* lines that are rows */
    int64_t runs, copies; /* of these runs, and runs that were there already */
    bool is_new;          /* the file */
} cleat__import_result;

/* CLEAT_INVALID_ARGUMENT says which line is wrong. CLEAT_FAILED_PRECONDITION: of another schema or format, or a rule
 * does not hold: the sentence has the first one. */
cleat_status cleat__import(const cleat__import_options *options, cleat__import_result *out);

#endif
