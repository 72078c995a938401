/* The verbs of the command. */
#ifndef CLEAT_CLI_VERB_H
#define CLEAT_CLI_VERB_H

#include "terminal.h"

#include <cleat/status.h>

/* What a verb runs in. */
typedef struct cleat__cli {
    const char *program;      /* as it was called, for commands shown to the user */
    cleat__terminal terminal; /* standard output */
} cleat__cli;

/* A row of a table of verbs. */
typedef struct cleat__verb {
    const char *name;
    const char *summary; /* of the list in `cleat help` */
    int (*run)(const cleat__cli *cli, int argc, char **argv);
} cleat__verb;

/* Calls the verb named by argv[0]; `group` is "" or the verb the table belongs to. */
int cleat__verbs_run(const char *group, const cleat__verb *verbs, int count, const cleat__cli *cli, int argc,
                     char **argv);

int cleat__verb_backup(const cleat__cli *cli, int argc, char **argv);
int cleat__verb_check(const cleat__cli *cli, int argc, char **argv);
int cleat__verb_demo(const cleat__cli *cli, int argc, char **argv);
int cleat__verb_export(const cleat__cli *cli, int argc, char **argv);
int cleat__verb_import(const cleat__cli *cli, int argc, char **argv);
int cleat__verb_hook(const cleat__cli *cli, int argc, char **argv);
int cleat__verb_hook_resume(const cleat__cli *cli, int argc, char **argv);
int cleat__verb_limits(const cleat__cli *cli, int argc, char **argv);
int cleat__verb_limits_ls(const cleat__cli *cli, int argc, char **argv);
int cleat__verb_limits_put(const cleat__cli *cli, int argc, char **argv);
int cleat__verb_limits_rm(const cleat__cli *cli, int argc, char **argv);
int cleat__verb_push(const cleat__cli *cli, int argc, char **argv);
int cleat__verb_run(const cleat__cli *cli, int argc, char **argv);
int cleat__verb_runs(const cleat__cli *cli, int argc, char **argv);
int cleat__verb_runs_ls(const cleat__cli *cli, int argc, char **argv);
int cleat__verb_runs_show(const cleat__cli *cli, int argc, char **argv);
int cleat__verb_runs_cancel(const cleat__cli *cli, int argc, char **argv);
int cleat__verb_runs_replay(const cleat__cli *cli, int argc, char **argv);
int cleat__verb_schedule(const cleat__cli *cli, int argc, char **argv);
int cleat__verb_schedule_add(const cleat__cli *cli, int argc, char **argv);
int cleat__verb_schedule_ls(const cleat__cli *cli, int argc, char **argv);
int cleat__verb_schedule_rm(const cleat__cli *cli, int argc, char **argv);
int cleat__verb_schedule_enable(const cleat__cli *cli, int argc, char **argv);
int cleat__verb_schedule_disable(const cleat__cli *cli, int argc, char **argv);
int cleat__verb_serve(const cleat__cli *cli, int argc, char **argv);
int cleat__verb_token(const cleat__cli *cli, int argc, char **argv);
int cleat__verb_token_create(const cleat__cli *cli, int argc, char **argv);
int cleat__verb_token_ls(const cleat__cli *cli, int argc, char **argv);
int cleat__verb_token_revoke(const cleat__cli *cli, int argc, char **argv);
int cleat__verb_traces(const cleat__cli *cli, int argc, char **argv);
int cleat__verb_traces_ls(const cleat__cli *cli, int argc, char **argv);
int cleat__verb_traces_open(const cleat__cli *cli, int argc, char **argv);
int cleat__verb_traces_show(const cleat__cli *cli, int argc, char **argv);
int cleat__verb_workflows(const cleat__cli *cli, int argc, char **argv);
int cleat__verb_workflows_pause(const cleat__cli *cli, int argc, char **argv);
int cleat__verb_workflows_resume(const cleat__cli *cli, int argc, char **argv);
int cleat__verb_version(const cleat__cli *cli, int argc, char **argv);

#endif
