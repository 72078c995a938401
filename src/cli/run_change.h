/* What the verbs do that change runs, of an embedded file or at a server. */
#ifndef CLEAT_CLI_RUN_CHANGE_H
#define CLEAT_CLI_RUN_CHANGE_H

#include "verb.h"

#include <cleat/runs.h>

typedef struct cleat__run_change {
    const char *verb;    /* "runs cancel" */
    const char *summary; /* of --help */
    const char *path;    /* how a server is asked: POST /api/v1/stable/tenants/TENANT/tasks/<path> */
    const char *past;    /* "cancelled" */
    const char *status;  /* of the run then */
    bool follows;        /* means the run that one has gone on as */
    cleat_status (*make)(cleat_client *client, const cleat_run_id *id);
    cleat_status (*make_many)(cleat_client *client, const cleat_run_filter *filter, size_t *count);
    size_t enough; /* a call that has found fewer was the last one */
    /* What ends meanwhile is not meant: it would be found again and again. */
    bool is_of_ended;
} cleat__run_change;

int cleat__run_change_verb(const cleat__run_change *change, int argc, char **argv);

#endif
