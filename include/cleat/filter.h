/*
 * Filters: which of the events that a task lists (`on_events`) start a run of it, and with what.
 *
 * A task without filters is started once by each event of its keys. One that has some is started by an event with a
 * scope (cleat/event.h), once for each filter of that scope whose expression is true of the event; the run is
 * given the filter's payload (cleat_task_filter_payload()). An event without a scope, or of one that none of its
 * filters has, does not start it.
 *
 *     const cleat_filter filter = {.scope = "customer:7",
 *                                  .expression = "input.total >= payload.least",
 *                                  .payload = "{\"least\":100,\"tell\":\"ada\"}"};
 *     cleat_filter_id id;
 *     cleat_status status = cleat_client_create_filter(client, "order:alert", &filter, &id);
 *     if (status != CLEAT_OK)
 *         fprintf(stderr, "%s\n", cleat_error_message());
 *
 * Those that a declaration lists (`default_filters` in cleat_task_options) are put with it and take the place of those
 * that an earlier declaration of the task listed. All functions may be called from any thread. Of an engine elsewhere
 * all this but `default_filters` goes over its HTTP side, as schedules do (cleat/schedule.h).
 */
#ifndef CLEAT_FILTER_H
#define CLEAT_FILTER_H

#include "cleat/client.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cleat_filter {
    const char *scope; /* 1 to 767 bytes */
    /* In CEL, a bool of `input` (the event's payload), `additional_metadata`, `payload` (the filter's), `event_id` and
     * `event_key` (with the namespace of the client that pushed it): no other variables, and nothing that is never a
     * bool. What has no value for an event, say for want of a member, is false; so is "". */
    const char *expression;
    const char *payload; /* JSON object; NULL: {} */
} cleat_filter;

/* A UUID as lower-case text, NUL-terminated. A plain value. */
typedef struct cleat_filter_id {
    char text[37];
} cleat_filter_id;

/* `id` may be NULL. CLEAT_NOT_FOUND: no worker ever declared the task. CLEAT_INVALID_ARGUMENT: cleat_error_message()
 * says what is wrong; of an expression, where. */
CLEAT_API cleat_status cleat_client_create_filter(cleat_client *client, const char *task,
                                                  const cleat_filter *filter, cleat_filter_id *id);
/* What is NULL in `filter` stays as it is. CLEAT_NOT_FOUND: there is no such filter. */
CLEAT_API cleat_status cleat_client_update_filter(cleat_client *client, const cleat_filter_id *id,
                                                  const cleat_filter *filter);
CLEAT_API cleat_status cleat_client_delete_filter(cleat_client *client, const cleat_filter_id *id);

/* Strings are NUL-terminated and belong to the list. */
typedef struct cleat_filter_entry {
    cleat_filter_id id;
    cleat_filter filter; /* with a payload */
    bool is_declared;    /* by `default_filters` */
} cleat_filter_entry;

typedef struct cleat_filter_list {
    size_t count;
    cleat_filter_entry *items;
} cleat_filter_list;

typedef struct cleat_filter_list_options {
    size_t struct_size;
    const char *task; /* of this one; NULL: of any */
    int64_t offset;   /* so many are left out */
    int64_t limit;    /* at most so many, 1 .. 1000; 0: 50 */
} cleat_filter_list_options;
#define CLEAT_FILTER_LIST_OPTIONS(...) CLEAT_OPTIONS(cleat_filter_list_options, __VA_ARGS__)

/* Newest first. `options` may be NULL. CLEAT_NOT_FOUND: no worker ever declared the task. The caller deinits the
 * list. */
CLEAT_API cleat_status cleat_client_list_filters(cleat_client *client,
                                                 const cleat_filter_list_options *options,
                                                 cleat_filter_list *out);
/* NULL-safe; a zeroed list is fine. */
CLEAT_API void cleat_filter_list_deinit(cleat_filter_list *list);

#ifdef __cplusplus
}
#endif
#endif
