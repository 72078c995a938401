#include "verb.h"

static const cleat__verb verbs[] = {
    {"pause", "give its runs to no worker", cleat__verb_workflows_pause},
    {"resume", "let them go on", cleat__verb_workflows_resume},
};

int cleat__verb_workflows(const cleat__cli *cli, int argc, char **argv)
{
    return cleat__verbs_run("workflows", verbs, sizeof(verbs) / sizeof(*verbs), cli, argc, argv);
}
