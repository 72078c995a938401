#include "verb.h"

static const cleat__verb verbs[] = {
    {"ls", "traces, newest first", cleat__verb_traces_ls},
    {"show", "the waterfall of one trace and its links", cleat__verb_traces_show},
    {"open", "runs and traces as pages for a browser", cleat__verb_traces_open},
};

int cleat__verb_traces(const cleat__cli *cli, int argc, char **argv)
{
    return cleat__verbs_run("traces", verbs, sizeof(verbs) / sizeof(*verbs), cli, argc, argv);
}
