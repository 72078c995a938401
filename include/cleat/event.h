/*
 * Events: things that have happened, known by a key. Each starts a run of every task that lists the key, or a pattern
 * of it (`on_events` in cleat_task_options), with the event's payload as input; of a task that has filters, see
 * cleat/filter.h.
 *
 *     cleat_event_id id;
 *     cleat_status status = cleat_client_push(client, "order:paid", "{\"order\":7}", NULL, &id);
 *     if (status != CLEAT_OK)
 *         fprintf(stderr, "%s\n", cleat_error_message());
 *
 * An event that no task waits for is stored all the same. All functions may be called from any thread.
 * Pushed from a task, on the thread of its function, an event says which run it came from.
 */
#ifndef CLEAT_EVENT_H
#define CLEAT_EVENT_H

#include "cleat/client.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A UUID as lower-case text, NUL-terminated. A plain value. */
typedef struct cleat_event_id {
    char text[37];
} cleat_event_id;

typedef struct cleat_event_options {
    size_t struct_size;
    const char *metadata;       /* JSON object that travels on to the runs; NULL: none */
    const char *scope;          /* whose filters count, at most 767 bytes; NULL: none */
    int priority;               /* of the runs, 1 low .. 3 high; 0: each task's default */
    cleat_trace_relation trace; /* of the runs */
} cleat_event_options;
#define CLEAT_EVENT_OPTIONS(...) CLEAT_OPTIONS(cleat_event_options, __VA_ARGS__)

/* Events that one call can push. */
#define CLEAT_EVENTS_MAX 1000

/*
 * Pushes an event and returns when it is on disk, with the runs that it starts. `key` has 1 to 767 bytes and
 * keeps its case; in a client with a namespace the namespace comes before it. `payload` is a JSON object;
 * NULL is {}. `options` and `id` may be NULL.
 * CLEAT_INVALID_ARGUMENT, CLEAT_TOO_LARGE: what was given is wrong. CLEAT_TOO_LARGE: also when it would start more than
 * 10,000 runs, or runs that have more than 100,000 tasks together, or when the expressions of its filters and of these
 * runs take too much; then the event is not stored either. CLEAT_UNAVAILABLE, CLEAT_IO, CLEAT_DISK_FULL: the engine could
 * not store it.
 */
CLEAT_API cleat_status cleat_client_push(cleat_client *client, const char *key, const char *payload,
                                         const cleat_event_options *options, cleat_event_id *id);

typedef struct cleat_event_item {
    const char *key;
    const char *payload;                /* JSON object; NULL: {} */
    const cleat_event_options *options; /* NULL: defaults */
} cleat_event_item;
/*
 * Pushes 1 to CLEAT_EVENTS_MAX events in one transaction: all or none. `ids` (may be NULL) has room for
 * `count` and is filled in the order of `items`. Statuses as above; CLEAT_TOO_LARGE also when they do not
 * fit into one message to a server.
 */
CLEAT_API cleat_status cleat_client_push_many(cleat_client *client, const cleat_event_item *items,
                                              size_t count, cleat_event_id *ids);

/* ---- Those that were pushed ---- */

/* Texts are NUL-terminated and belong to the list, as the runs do. */
typedef struct cleat_event_entry {
    cleat_event_id id;
    const char *key;
    const char *payload;      /* JSON object */
    const char *metadata;     /* JSON object */
    const char *scope;        /* NULL: none */
    int64_t pushed_at_ms;     /* ms since 1970 UTC */
    const cleat_run_id *runs; /* that it started, in their order, as long as they are kept */
    size_t run_count;
} cleat_event_entry;

typedef struct cleat_event_list {
    size_t count;
    cleat_event_entry *items;
} cleat_event_list;

/* Events that have all that is said; what is 0 or NULL says nothing. Lists of texts end with NULL. */
typedef struct cleat_event_list_options {
    size_t struct_size;
    const char *const *keys;     /* one of these, as it was pushed: no patterns */
    const char *const *scopes;   /* one of these */
    const cleat_event_id *ids;   /* one of these, .. */
    size_t id_count;             /* 100 at most */
    int64_t since_ms;            /* pushed then or later; ms since 1970 UTC */
    int64_t until_ms;            /* pushed then or before */
    const char *const *metadata; /* all of these, each as "key:value" */
    /* It started a run of one of these tasks, or of these workflows, 100 at most, which is in one of these: 1U <<
     * cleat_run_status, of several. EVICTED is as RUNNING. */
    const char *const *tasks;
    unsigned run_statuses;
    int64_t offset; /* so many are left out */
    int64_t limit;  /* at most so many, 1 .. 1000; 0: 50 */
} cleat_event_list_options;
#define CLEAT_EVENT_LIST_OPTIONS(...) CLEAT_OPTIONS(cleat_event_list_options, __VA_ARGS__)

/*
 * Newest first; of a server over its HTTP side. `options` may be NULL. In a client with a namespace keys are those of the
 * namespace, without it, and those of others whole.
 *
 *     static const char *const keys[] = {"order:paid", NULL};
 *     cleat_event_list list = {0};
 *     cleat_status status = cleat_client_list_events(client, CLEAT_EVENT_LIST_OPTIONS(.keys = keys), &list);
 *     for (size_t i = 0; status == CLEAT_OK && i < list.count; i++)
 *         printf("%s started %zu\n", list.items[i].id.text, list.items[i].run_count);
 *     cleat_event_list_deinit(&list);
 *
 * Events that are pushed meanwhile move the rest by so many. CLEAT_NOT_FOUND: no worker ever declared one of the tasks.
 * CLEAT_INVALID_ARGUMENT: cleat_error_message() says what is wrong; also when a server would have to answer more than
 * 64 MiB: lower the limit. CLEAT_TOO_LARGE: a question of so many names is too long for a server. The caller deinits
 * the list.
 */
CLEAT_API cleat_status cleat_client_list_events(cleat_client *client, const cleat_event_list_options *options,
                                                cleat_event_list *out);
/* NULL-safe; a zeroed list is fine. */
CLEAT_API void cleat_event_list_deinit(cleat_event_list *list);

#ifdef __cplusplus
}
#endif
#endif
