#include "verb.h"

static const cleat__verb verbs[] = {
    {"ls", "runs, newest first", cleat__verb_runs_ls},
    {"show", "one run: attempts, input, output, children, log, traces", cleat__verb_runs_show},
    {"cancel", "stop a run that has not ended, or many", cleat__verb_runs_cancel},
    {"replay", "run one again that has ended, or many", cleat__verb_runs_replay},
};

int cleat__verb_runs(const cleat__cli *cli, int argc, char **argv)
{
    return cleat__verbs_run("runs", verbs, sizeof(verbs) / sizeof(*verbs), cli, argc, argv);
}
