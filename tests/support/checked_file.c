#include "checked_file.h"

#include "collector/check.h"

#include <stdio.h>

static void note_first(void *argument, const cleat__finding *finding)
{
    char *text = argument;
    if (text[0] == '\0') {
        snprintf(text, 256, "%.*s: %.*s", CLEAT_SLICE_ARGS(finding->rule), CLEAT_SLICE_ARGS(finding->what));
    }
}

const char *checked_file(const char *path)
{
    static _Thread_local char text[256];
    cleat__store *store = NULL;
    int rules = 0;
    text[0] = '\0';
    cleat_status status = cleat__store_open(path, CLEAT__STORE_READ, &store);
    if (status == CLEAT_OK) {
        status = cleat__store_begin(store);
    }
    if (status == CLEAT_OK) {
        status = cleat__check_tables(store, note_first, text, &rules);
    }
    if (status == CLEAT_OK) {
        status = cleat__check_spans(store, note_first, text, &rules);
    }
    cleat__store_close(store);
    return status != CLEAT_OK ? cleat_error_message() : text[0] != '\0' ? text : NULL;
}
