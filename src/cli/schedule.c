#include "verb.h"

static const cleat__verb verbs[] = {
    {"ls", "runs at a time, and crons", cleat__verb_schedule_ls},
    {"add", "a run of a task at a time, or at each time of a cron", cleat__verb_schedule_add},
    {"enable", "let a cron go on", cleat__verb_schedule_enable},
    {"disable", "let a cron start no runs", cleat__verb_schedule_disable},
    {"rm", "delete one of them", cleat__verb_schedule_rm},
};

int cleat__verb_schedule(const cleat__cli *cli, int argc, char **argv)
{
    return cleat__verbs_run("schedule", verbs, sizeof(verbs) / sizeof(*verbs), cli, argc, argv);
}
