/* Lines of a task's log that are asked for. On a reader or the engine's own store. */
#ifndef CLEAT_STORE_LOG_H
#define CLEAT_STORE_LOG_H

#include "store/store.h"

typedef struct cleat__log_choice {
    int64_t after;              /* behind that line, which count from 1 in the order of arrival */
    int64_t since_ms, until_ms; /* written then or between; 0 and INT64_MAX: any */
    int64_t attempt;            /* by that one, 1 being the first; 0: any */
    cleat_slice search;         /* has that in it; absent or empty: any */
    unsigned levels;            /* 1 << cleat_log_level, of several; 0: any */
    bool is_newest_first;       /* else in the order of arrival */
} cleat__log_choice;

/* Until `visit` answers false; none of another tenant's. */
cleat_status cleat__log_choose(cleat__store *store, int64_t tenant, const cleat__uuid *id,
                               const cleat__log_choice *choice,
                               bool (*visit)(void *argument, const cleat__log_line *line), void *argument);

#endif
