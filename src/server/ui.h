/*
 * The viewer: its pages, the files these are made of, and the JSON API that they ask. docs/http-api.md lists it.
 * Without an engine it only reads.
 */
#ifndef CLEAT_SERVER_UI_H
#define CLEAT_SERVER_UI_H

#include "readers.h"

struct cleat__engine;

typedef struct cleat__ui_options {
    struct cleat__engine *engine; /* NULL: the file is looked at, by whoever it is used */
    cleat__readers *readers;      /* borrowed */
    bool needs_token;             /* whoever asks has one */
} cleat__ui_options;

typedef struct cleat__ui cleat__ui;

cleat_status cleat__ui_new(const cleat__ui_options *options, cleat__ui **out);
void cleat__ui_free(cleat__ui *ui); /* after the server; NULL-safe */
/* Its routes; handlers get `ui`, which may be NULL to look at the table only. */
cleat__http_table cleat__ui_table(cleat__ui *ui);

#endif
