#include "verb.h"

static const cleat__verb verbs[] = {
    {"resume", "bring a payload to a workflow that waits for it", cleat__verb_hook_resume},
};

int cleat__verb_hook(const cleat__cli *cli, int argc, char **argv)
{
    return cleat__verbs_run("hook", verbs, sizeof(verbs) / sizeof(*verbs), cli, argc, argv);
}
