/* Runs chosen by options of the command line. */
#ifndef CLEAT_CLI_RUN_FILTER_H
#define CLEAT_CLI_RUN_FILTER_H

#include "args.h"

#include <cleat/runs.h>

/* What was typed; NULL: not said. */
typedef struct cleat__run_wish {
    const char *task, *status, *since, *until, *metadata;
    bool all;
} cleat__run_wish;

#define CLEAT__OPTION_WISH_TASK(wish) CLEAT__TEXT("task", "NAME", &(wish)->task, "of this task or workflow")
#define CLEAT__OPTION_WISH_STATUS(wish) \
    CLEAT__TEXT("status", "STATUS", &(wish)->status, "that are in this one")
#define CLEAT__OPTION_WISH_SINCE(wish) \
    CLEAT__TEXT("since", "TIME", &(wish)->since, "made then or later: 2030-01-01T09:00:00Z, or 2h ago")
#define CLEAT__OPTION_WISH_UNTIL(wish) \
    CLEAT__TEXT("until", "TIME", &(wish)->until, "ended then or before, or not ended")
#define CLEAT__OPTION_WISH_METADATA(wish) \
    CLEAT__TEXT("metadata", "KEY:VALUE", &(wish)->metadata, "with this in their metadata")
#define CLEAT__OPTION_WISH_ALL(wish) CLEAT__FLAG("all", &(wish)->all, "all of them")

/* Whether there is any. */
bool cleat__run_wish_is_there(const cleat__run_wish *wish);

typedef struct cleat__run_wish_filter {
    cleat_run_filter filter;
    const char *tasks[2], *metadata[2]; /* that it refers to */
} cleat__run_wish_filter;

/* CLEAT__EXIT_OK, or the exit code after a message. `out` refers to what was typed, and is not to be moved. */
int cleat__run_wish_read(const char *verb, const cleat__run_wish *wish, int64_t now_ms,
                         cleat__run_wish_filter *out);

#endif
