/*
 * Log lines of runs: what tasks have said with cleat_task_log().
 *
 *     const cleat_run_id run = {"01890000-0000-7000-8000-000000000001"};
 *     cleat_log_list list = {0};
 *     if (cleat_client_list_logs(client, &run, NULL, &list) == CLEAT_OK && list.count != 0)
 *         printf("%s\n", list.items[0].message);
 *     cleat_log_list_deinit(&list);
 *
 * All functions may be called from any thread. Of a server lines are told by its HTTP side.
 */
#ifndef CLEAT_LOG_H
#define CLEAT_LOG_H

#include "cleat/client.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Strings are NUL-terminated and belong to the list. */
typedef struct cleat_log_entry {
    int64_t time_ms; /* since 1970 UTC */
    cleat_log_level level;
    int attempt; /* that wrote it: 1 the first, 2 the first retry, .. */
    const char *message;
    const char *metadata; /* JSON object */
} cleat_log_entry;

typedef struct cleat_log_list {
    size_t count;
    cleat_log_entry *items;
} cleat_log_list;

/* Lines that have all that is said; what is 0 or NULL says nothing. */
typedef struct cleat_log_list_options {
    size_t struct_size;
    int64_t since_ms;   /* written then or later */
    int64_t until_ms;   /* written then or before */
    unsigned levels;    /* 1U << cleat_log_level, of several */
    int attempt;        /* by that one, as above */
    const char *search; /* have it in them, to the letter */
    bool newest_first;
    int64_t offset; /* so many are left out; of a server, with `limit`, at most 10,000 */
    int64_t limit;  /* at most so many, 1 .. 1000; 0: 50 */
} cleat_log_list_options;
#define CLEAT_LOG_LIST_OPTIONS(...) CLEAT_OPTIONS(cleat_log_list_options, __VA_ARGS__)

/*
 * The lines of a run, in the order in which the engine got them; of one of several tasks (cleat/dag.h) each task has its
 * own, by the id in cleat_client_list_tasks(). Tasks do not wait for their lines, so a run may have ended before the last
 * one is there. `options` may be NULL. CLEAT_NOT_FOUND: there is no such run. CLEAT_INVALID_ARGUMENT: also when a server
 * would have to answer more than 64 MiB; lower the limit. The caller deinits the list.
 */
CLEAT_API cleat_status cleat_client_list_logs(cleat_client *client, const cleat_run_id *id,
                                              const cleat_log_list_options *options, cleat_log_list *out);
/* NULL-safe; a zeroed list is fine. */
CLEAT_API void cleat_log_list_deinit(cleat_log_list *list);

#ifdef __cplusplus
}
#endif
#endif
