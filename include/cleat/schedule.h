/*
 * Schedules: runs that are to start once, at a time; and crons: runs that start again and again.
 *
 *     cleat_schedule_id id;
 *     cleat_schedule_list list = {0};
 *     cleat_client_schedule(client, "report:send", INT64_C(1893456000000), "{\"to\":\"ada\"}", NULL, &id);
 *     if (cleat_client_list_schedules(client, NULL, &list) == CLEAT_OK)
 *         printf("%zu to come\n", list.count);
 *     cleat_schedule_list_deinit(&list);
 *     cleat_client_delete_schedule(client, &id);
 *
 * A schedule is gone once it has fired. It runs the declaration that is the newest at that time, also
 * when the engine was not there at the time: then as soon as it is. All functions may be called from any
 * thread. Times are milliseconds since 1970 UTC.
 *
 * A cron is a time in five fields, "minute hour day month weekday", or six with the second in front, always in UTC:
 * "*" is any, "5" one, "1-5" a range, "*" or a range with "/10" every tenth of it, and several of these with "," between
 * them. Months and weekdays have their English names in three letters too. Where day and weekday are both said, either is
 * enough. "30 3 * * MON-FRI" is half past three on each working day.
 *
 *     cleat_cron_id cron;
 *     cleat_client_create_cron(client, "report:send", "nightly", "0 3 * * *", "{\"to\":\"ada\"}", NULL, &cron);
 *     cleat_client_enable_cron(client, &cron, false);
 *
 * Each time has one run, also over a restart. Times that passed while the engine was not there are not made up, but for
 * those of the last minute. What a task's declaration says of crons (`on_crons`) is put with it, and goes with it.
 *
 * Of an engine elsewhere all this goes over its HTTP side, whose address is in the token or in
 * HATCHET_CLIENT_API_URL (`api_url` of the client's options). Without one, or when nobody is there, schedules
 * can only be made, and crons only be declared. CLEAT_UNAVAILABLE and CLEAT_TIMEOUT then: whether it was done is not known.
 */
#ifndef CLEAT_SCHEDULE_H
#define CLEAT_SCHEDULE_H

#include "cleat/client.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A UUID as lower-case text, NUL-terminated. A plain value; not the id of the run to come. */
typedef struct cleat_schedule_id {
    char text[37];
} cleat_schedule_id;

/* Times that one call can give. */
#define CLEAT_SCHEDULES_MAX 1000

/*
 * A run of `task` at `at_ms`; at once when that is past. `input` is a JSON object; NULL is {}. Of
 * `options` (may be NULL) metadata, priority and trace count, and the rest must not be set. `id` may be
 * NULL. CLEAT_NOT_FOUND: no worker ever declared the task. Otherwise as cleat_client_run_no_wait().
 */
CLEAT_API cleat_status cleat_client_schedule(cleat_client *client, const char *task, int64_t at_ms,
                                             const char *input, const cleat_run_options *options,
                                             cleat_schedule_id *id);
/*
 * One run for each of 1 to CLEAT_SCHEDULES_MAX times. `ids` (may be NULL) has room for `count`. All or
 * none, but for an engine elsewhere, which makes one after the other: when one fails, those before it are
 * taken back. What remains if the engine does not answer any more is what had been made, and perhaps the
 * one that failed. Each waits 30 s at most for its answer, all together 30 s and 100 ms for each.
 */
CLEAT_API cleat_status cleat_client_schedule_many(cleat_client *client, const char *task,
                                                  const int64_t *at_ms, size_t count, const char *input,
                                                  const cleat_run_options *options, cleat_schedule_id *ids);

/* The run will not start. CLEAT_NOT_FOUND: there is no such schedule, or it has fired.
 * CLEAT_FAILED_PRECONDITION: an engine elsewhere does not delete over HTTP what was not made over HTTP. */
CLEAT_API cleat_status cleat_client_delete_schedule(cleat_client *client, const cleat_schedule_id *id);

/* One that has not fired. Strings are NUL-terminated and belong to the list. */
typedef struct cleat_schedule {
    cleat_schedule_id id;
    const char *workflow; /* of the task: "pack" of "pack", "archive.pack" of "archive:pack", which no other
                           * task has (cleat_worker_add_task()) */
    int64_t at_ms;
    const char *input;    /* JSON object */
    const char *metadata; /* JSON object */
    int priority;         /* 1 low .. 3 high; 0: the task's default, where the engine tells */
} cleat_schedule;

typedef struct cleat_schedule_list {
    size_t count;
    cleat_schedule *items;
} cleat_schedule_list;

typedef struct cleat_schedule_list_options {
    size_t struct_size;
    int64_t offset; /* so many are left out */
    int64_t limit;  /* at most so many, 1 .. 1000; 0: 50 */
} cleat_schedule_list_options;
#define CLEAT_SCHEDULE_LIST_OPTIONS(...) CLEAT_OPTIONS(cleat_schedule_list_options, __VA_ARGS__)

/* Those that are there, newest first. `options` may be NULL. The caller deinits the list. */
CLEAT_API cleat_status cleat_client_list_schedules(cleat_client *client,
                                                   const cleat_schedule_list_options *options,
                                                   cleat_schedule_list *out);
/* NULL-safe; a zeroed list is fine. */
CLEAT_API void cleat_schedule_list_deinit(cleat_schedule_list *list);

/* ---- Crons ---- */

/* A UUID as lower-case text, NUL-terminated. A plain value. */
typedef struct cleat_cron_id {
    char text[37];
} cleat_cron_id;

/*
 * A run of `task` at each time of `expression`. `name` has 1 to 255 bytes; a task has one cron of a name and an expression.
 * `input` is a JSON object; NULL is {}. Of `options` (may be NULL) metadata and priority count, and the rest must not be
 * set. `id` may be NULL.
 * CLEAT_INVALID_ARGUMENT: cleat_error_message() says what is wrong with the expression. CLEAT_ALREADY_EXISTS: there is
 * one. CLEAT_NOT_FOUND: no worker ever declared the task.
 */
CLEAT_API cleat_status cleat_client_create_cron(cleat_client *client, const char *task, const char *name,
                                                const char *expression, const char *input,
                                                const cleat_run_options *options, cleat_cron_id *id);
/* A disabled one starts no runs; enabled again it goes on with the next time. CLEAT_NOT_FOUND: there is no such cron. */
CLEAT_API cleat_status cleat_client_enable_cron(cleat_client *client, const cleat_cron_id *id,
                                                bool is_enabled);
/* CLEAT_NOT_FOUND as above. CLEAT_FAILED_PRECONDITION: a task declares it; it can be disabled. */
CLEAT_API cleat_status cleat_client_delete_cron(cleat_client *client, const cleat_cron_id *id);

/* Strings are NUL-terminated and belong to the list. */
typedef struct cleat_cron {
    cleat_cron_id id;
    const char *workflow; /* of the task, as in cleat_schedule */
    const char *name;     /* "": a task declares it */
    const char *expression;
    const char *input;    /* JSON object */
    const char *metadata; /* JSON object */
    int priority;         /* as in cleat_schedule */
    bool is_enabled;
    int64_t
        next_at_ms; /* when it comes next, by this machine's clock; 0: it is disabled, or that is not known */
} cleat_cron;

typedef struct cleat_cron_list {
    size_t count;
    cleat_cron *items;
} cleat_cron_list;

/* All, newest first; of the options (may be NULL) as with schedules. The caller deinits the list. */
CLEAT_API cleat_status cleat_client_list_crons(cleat_client *client,
                                               const cleat_schedule_list_options *options,
                                               cleat_cron_list *out);
/* NULL-safe; a zeroed list is fine. */
CLEAT_API void cleat_cron_list_deinit(cleat_cron_list *list);

#ifdef __cplusplus
}
#endif
#endif
