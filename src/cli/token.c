#include "verb.h"

static const cleat__verb verbs[] = {
    {"create", "make a token for a client or worker of a server", cleat__verb_token_create},
    {"ls", "tokens that were made, newest first", cleat__verb_token_ls},
    {"revoke", "end a token's life before its time", cleat__verb_token_revoke},
};

int cleat__verb_token(const cleat__cli *cli, int argc, char **argv)
{
    return cleat__verbs_run("token", verbs, sizeof(verbs) / sizeof(*verbs), cli, argc, argv);
}
