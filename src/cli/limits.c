#include "verb.h"

static const cleat__verb verbs[] = {
    {"ls", "rate limits, and what is left of them", cleat__verb_limits_ls},
    {"put", "make a rate limit, or change it", cleat__verb_limits_put},
    {"rm", "delete a rate limit", cleat__verb_limits_rm},
};

int cleat__verb_limits(const cleat__cli *cli, int argc, char **argv)
{
    return cleat__verbs_run("limits", verbs, sizeof(verbs) / sizeof(*verbs), cli, argc, argv);
}
