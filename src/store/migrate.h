/* The schema of the file: recognising it, and bringing it to the newest version. */
#ifndef CLEAT_STORE_MIGRATE_H
#define CLEAT_STORE_MIGRATE_H

#include <cleat/status.h>

#include <sqlite3.h>

/* The version this library knows, which is the number of its migrations. */
int cleat__schema_newest(void);

/*
 * Reads whose file this is; writes nothing. `*version` is 0 for an empty one. `path` is for the
 * messages. CLEAT_NOT_A_DATABASE, CLEAT_NEWER_VERSION, or what SQLite says.
 */
cleat_status cleat__schema_check(sqlite3 *db, const char *path, int *version);

/* All migrations from `version` on in one transaction. */
cleat_status cleat__schema_migrate(sqlite3 *db, int version);

#endif
