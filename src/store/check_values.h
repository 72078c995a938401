/* What holds of all columns alike. */
#ifndef CLEAT_STORE_CHECK_VALUES_H
#define CLEAT_STORE_CHECK_VALUES_H

#include "store/check.h"

/* Rule "types". SQLite keeps in a column whatever is put there; the engine reads it as what the schema says. */
cleat_status cleat__check_values(sqlite3 *db, cleat__finding_visit visit, void *argument, int *rules);

#endif
