/* What the verbs do that change a run of an embedded file. */
#ifndef CLEAT_CLI_RUN_CHANGE_H
#define CLEAT_CLI_RUN_CHANGE_H

#include "verb.h"

#include <cleat/client.h>

typedef struct cleat__run_change {
    const char *verb;    /* "runs cancel" */
    const char *summary; /* of --help */
    const char *path;    /* how a server is asked: POST /api/v1/stable/tenants/TENANT/tasks/<path> */
    const char *past;    /* "cancelled" */
    const char *status;  /* of the run then */
    bool follows;        /* means the run that one has gone on as */
    cleat_status (*make)(cleat_client *client, const cleat_run_id *id);
} cleat__run_change;

int cleat__run_change_verb(const cleat__run_change *change, int argc, char **argv);

#endif
