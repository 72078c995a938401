/* An engine for verbs that change something: that of a file, or a server. */
#ifndef CLEAT_CLI_ENGINE_CLIENT_H
#define CLEAT_CLI_ENGINE_CLIENT_H

#include <cleat/client.h>

#define CLEAT__OPTION_ENGINE(target) CLEAT__TEXT("db", "FILE", target, "database; default: as of any client")
#define CLEAT__OPTION_TENANT(target) \
    CLEAT__TEXT("tenant", "NAME", target, "of this tenant, of a file; default: the first")

/* Whether the environment says that a server has it; not when a file is named. */
bool cleat__engine_is_remote(const char *db);

typedef struct cleat__engine_choice {
    const char *verb;
    const char *db;     /* NULL: as the environment says */
    const char *tenant; /* a name; NULL: the first one of the file, or the token's */
    const char *asked;  /* how a server that has the file is asked */
} cleat__engine_choice;

/* A file must be there, and nobody else may have it. CLEAT__EXIT_OK, or the exit code after a message. */
int cleat__engine_client(const cleat__engine_choice *choice, cleat_client **out);

#endif
