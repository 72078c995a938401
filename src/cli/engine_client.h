/* An engine for verbs that change something: that of a file, or a server. */
#ifndef CLEAT_CLI_ENGINE_CLIENT_H
#define CLEAT_CLI_ENGINE_CLIENT_H

#include <cleat/client.h>

#define CLEAT__OPTION_ENGINE(target) CLEAT__TEXT("db", "FILE", target, "database; default: as of any client")

/* Whether the environment says that a server has it; not when a file is named. */
bool cleat__engine_is_remote(const char *db);
/* Where the environment says that the engine is, unless a file is named, which must be there. `asked` says how a server
 * that has the file is asked. CLEAT__EXIT_OK, or the exit code after a message. */
int cleat__engine_client(const char *db, const char *asked, cleat_client **out);

#endif
