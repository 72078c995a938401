/* What the handlers share. */
#ifndef CLEAT_SERVER_REST_PARTS_H
#define CLEAT_SERVER_REST_PARTS_H

#include "rest.h"
#include "rest_query.h"

struct cleat__rest {
    struct cleat__engine *engine;
    char *path;
    cleat__rest_options options;
    struct cleat__rest_readers *readers;
};

/* A reader of the engine's file, for this thread until it is given back. */
cleat_status cleat__rest_take(cleat__rest *rest, cleat__store **out);
void cleat__rest_give(cleat__rest *rest, cleat__store *store); /* NULL-safe */

/* ---- Handlers ---- */

void cleat__rest_tenant_get(cleat__http_call *call);
void cleat__rest_run_list(cleat__http_call *call);
void cleat__rest_run_get(cleat__http_call *call);
void cleat__rest_run_status(cleat__http_call *call);
void cleat__rest_cancel(cleat__http_call *call);
void cleat__rest_log_list(cleat__http_call *call);
void cleat__rest_task_metrics(cleat__http_call *call);
void cleat__rest_queue_metrics(cleat__http_call *call);
void cleat__rest_workflow_list(cleat__http_call *call);
void cleat__rest_workflow_get(cleat__http_call *call);
void cleat__rest_schedule_create(cleat__http_call *call);
void cleat__rest_schedule_get(cleat__http_call *call);
void cleat__rest_schedule_delete(cleat__http_call *call);
/* 501, with the route's feature. */
void cleat__rest_unsupported(cleat__http_call *call);
/* 400: of the API before v1. */
void cleat__rest_deprecated(cleat__http_call *call);

/* ---- Pieces of answers ---- */

void cleat__rest_write_uuid(cleat__json_writer *writer, const char *key, const cleat__uuid *id);
/* A time; 0 is Go's zero time, "0001-01-01T00:00:00Z". */
void cleat__rest_write_time(cleat__json_writer *writer, const char *key, int64_t unix_ms);
/* "metadata": {id, createdAt, updatedAt} */
void cleat__rest_write_metadata(cleat__json_writer *writer, const cleat__uuid *id, int64_t created_at_ms,
                                int64_t updated_at_ms);
/* {} for the absent slice. */
void cleat__rest_write_payload(cleat__json_writer *writer, const char *key, cleat_slice json);
/* "pagination" of a page that begins at `offset`. */
void cleat__rest_write_pages(cleat__json_writer *writer, int64_t offset, int64_t limit, int64_t total);

#define CLEAT__REST_NAME_SIZE 160
/* "pack-1783757521": task and time of a run. */
void cleat__rest_run_name(const cleat__rest_run *run, char name[CLEAT__REST_NAME_SIZE]);
/* A run as a V1TaskSummary, where `key` says. `is_task`: it is shown as a task, else as a run. */
void cleat__rest_write_summary(cleat__json_writer *writer, const char *key, const cleat__http_call *call,
                               const cleat__rest_run *run, bool is_task);

/* ---- Pieces of requests ---- */

/* What runs.list and task-metrics have in common. False: answered with 400. Deinit it in either case. */
bool cleat__rest_read_filter(cleat__http_call *call, cleat__rest_filter *out);

#endif
