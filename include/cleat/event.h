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

#ifdef __cplusplus
}
#endif
#endif
