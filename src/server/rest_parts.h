/* What the handlers share. */
#ifndef CLEAT_SERVER_REST_PARTS_H
#define CLEAT_SERVER_REST_PARTS_H

#include "rest.h"
#include "rest_query.h"

#include "engine/command.h"
#include "model/workflow.h"

struct cleat__rest {
    struct cleat__engine *engine;
    cleat__readers *readers;
    struct cleat__rate_limit *rate_limit; /* of those who come without a token; NULL: none */
};

/* Readers for a call, as in readers.h. */
cleat_status cleat__rest_take(cleat__http_call *call, cleat__store **out);
void cleat__rest_give(const cleat__http_call *call, cleat__store *store); /* NULL-safe */
/* cleat__engine_ask(), for the call's tenant. */
cleat_status cleat__rest_ask(const cleat__http_call *call, cleat__command *command);

/* ---- Handlers ---- */

void cleat__rest_tenant_get(cleat__http_call *call);
void cleat__rest_version_get(cleat__http_call *call);
void cleat__rest_meta_get(cleat__http_call *call);
void cleat__rest_worker_list(cleat__http_call *call);
void cleat__rest_worker_get(cleat__http_call *call);
void cleat__rest_worker_update(cleat__http_call *call);
void cleat__rest_run_list(cleat__http_call *call);
void cleat__rest_run_get(cleat__http_call *call);
void cleat__rest_run_status(cleat__http_call *call);
void cleat__rest_run_trigger(cleat__http_call *call);
void cleat__rest_run_events(cleat__http_call *call);
void cleat__rest_run_timings(cleat__http_call *call);
void cleat__rest_run_names(cleat__http_call *call);
void cleat__rest_run_ids(cleat__http_call *call);
void cleat__rest_task_get(cleat__http_call *call);
void cleat__rest_task_events(cleat__http_call *call);
void cleat__rest_cancel(cleat__http_call *call);
void cleat__rest_replay(cleat__http_call *call);
void cleat__rest_task_restore(cleat__http_call *call);
void cleat__rest_task_branch(cleat__http_call *call);
void cleat__rest_log_list(cleat__http_call *call);
void cleat__rest_task_metrics(cleat__http_call *call);
void cleat__rest_point_metrics(cleat__http_call *call);
void cleat__rest_queue_metrics(cleat__http_call *call);
void cleat__rest_step_queue_metrics(cleat__http_call *call);
void cleat__rest_task_stats(cleat__http_call *call);
void cleat__rest_prometheus(cleat__http_call *call);
void cleat__rest_workflow_list(cleat__http_call *call);
void cleat__rest_workflow_get(cleat__http_call *call);
void cleat__rest_workflow_version(cleat__http_call *call);
void cleat__rest_workflow_update(cleat__http_call *call);
void cleat__rest_workflow_delete(cleat__http_call *call);
void cleat__rest_schedule_create(cleat__http_call *call);
void cleat__rest_schedule_get(cleat__http_call *call);
void cleat__rest_schedule_list(cleat__http_call *call);
void cleat__rest_schedule_update(cleat__http_call *call);
void cleat__rest_schedule_delete(cleat__http_call *call);
void cleat__rest_schedule_trigger(cleat__http_call *call);
void cleat__rest_schedule_bulk_delete(cleat__http_call *call);
void cleat__rest_schedule_bulk_update(cleat__http_call *call);
void cleat__rest_event_list(cleat__http_call *call);
void cleat__rest_event_get(cleat__http_call *call);
void cleat__rest_event_keys(cleat__http_call *call);
void cleat__rest_workflow_metrics(cleat__http_call *call);
void cleat__rest_rate_list(cleat__http_call *call);
void cleat__rest_rate_delete(cleat__http_call *call);
void cleat__rest_event_push(cleat__http_call *call);
void cleat__rest_event_push_many(cleat__http_call *call);
void cleat__rest_event_replay(cleat__http_call *call);
void cleat__rest_filter_list(cleat__http_call *call);
void cleat__rest_filter_get(cleat__http_call *call);
void cleat__rest_filter_create(cleat__http_call *call);
void cleat__rest_filter_update(cleat__http_call *call);
void cleat__rest_filter_delete(cleat__http_call *call);
void cleat__rest_cron_create(cleat__http_call *call);
void cleat__rest_cron_get(cleat__http_call *call);
void cleat__rest_cron_list(cleat__http_call *call);
void cleat__rest_cron_update(cleat__http_call *call);
void cleat__rest_cron_delete(cleat__http_call *call);
void cleat__rest_cron_trigger(cleat__http_call *call);
void cleat__rest_webhook_list(cleat__http_call *call);
void cleat__rest_webhook_get(cleat__http_call *call);
void cleat__rest_webhook_create(cleat__http_call *call);
void cleat__rest_webhook_update(cleat__http_call *call);
void cleat__rest_webhook_delete(cleat__http_call *call);
void cleat__rest_webhook_receive(cleat__http_call *call);
void cleat__rest_cel_debug(cleat__http_call *call);
void cleat__rest_span_list(cleat__http_call *call);
/* 400: of the API before v1. */
void cleat__rest_deprecated(cleat__http_call *call);

/* ---- Pieces of answers ---- */

cleat_status cleat__rest_read(cleat__http_call *call, cleat__readers_write write, void *argument,
                              cleat__json_writer *writer);
void cleat__rest_answer(cleat__http_call *call, cleat__readers_write write, void *argument);
/* Writes the row of that id; CLEAT_NOT_FOUND: the call's tenant has none. */
typedef cleat_status (*cleat__rest_write_row)(const cleat__http_call *call, cleat__store *store,
                                              const cleat__uuid *id, cleat__json_writer *writer);
cleat_status cleat__rest_read_row(cleat__http_call *call, const cleat__uuid *id, cleat__rest_write_row write,
                                  cleat__json_writer *writer);
void cleat__rest_answer_row(cleat__http_call *call, const cleat__uuid *id, cleat__rest_write_row write);
/* The same of the id in the path, which is there as `part`. */
void cleat__rest_answer_part(cleat__http_call *call, const char *part, cleat__rest_write_row write);

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

#define CLEAT__REST_NAME_SIZE (CLEAT__NAME_MAX + 24)
/* "pack-1783757521": task and time of a run. */
void cleat__rest_run_name(const cleat__rest_run *run, char name[CLEAT__REST_NAME_SIZE]);
/* The name of a status as it is shown: what is evicted is running. */
const char *cleat__rest_status_name(cleat_run_status status);
/* A number for what elsewhere counts rows: the random end of the id, as far as a double is exact. */
int64_t cleat__rest_number(const cleat__uuid *id);
/* A text that takes its size from what is left; what there is no room for is absent, and so is all that comes behind it. */
static inline cleat_slice cleat__rest_spend(size_t *left, cleat_slice text)
{
    if (text.size > *left) {
        *left = 0;
        return (cleat_slice){NULL, 0};
    }
    *left -= text.size;
    return text;
}
/* The part of a run, where it is to be read: it is not when there is no room for it. */
static inline unsigned cleat__rest_part_if(size_t left, unsigned part)
{
    return left != 0 ? part : 0;
}
/* A task, or a run of one task as its task, as a V1TaskSummary, where `key` says. */
void cleat__rest_write_summary(cleat__json_writer *writer, const char *key, const cleat__http_call *call,
                               const cleat__rest_run *run);
/* The same, which the caller ends; not `is_task`: it is shown as a run, without "children" where it has several tasks. */
void cleat__rest_begin_summary(cleat__json_writer *writer, const char *key, const cleat__http_call *call,
                               const cleat__rest_run *run, bool is_task);
/* An array of such. It reads runs, so that slices of others are gone then. All of them together may tell of gigabytes: what
 * comes behind some megabytes is left out. */
cleat_status cleat__rest_write_tasks(cleat__json_writer *writer, const char *key,
                                     const cleat__http_call *call, cleat__store *store,
                                     const cleat__rest_ids *tasks, bool with_payloads);
/* Which task of the run comes after which; `tasks` are those of cleat__rest_query_tasks(). */
cleat_status cleat__rest_write_shape(cleat__json_writer *writer, cleat__store *store,
                                     const cleat__rest_run *run, const cleat__rest_ids *tasks);
void cleat__rest_write_shape_of_one(cleat__json_writer *writer, const cleat__rest_run *run);
/* An event, where `key` says. CLEAT_NOT_FOUND. */
cleat_status cleat__rest_write_event(cleat__json_writer *writer, const char *key,
                                     const cleat__http_call *call, cleat__store *store,
                                     const cleat__uuid *id);
/* Answers a run that was just started as V1WorkflowRunDetails: as it is read, else as it is known. */
void cleat__rest_answer_started(cleat__http_call *call, const cleat__rest_run *known);
/* Makes the run of the cron or schedule in the path, now: TRIGGER_CRON or TRIGGER_SCHEDULE. */
void cleat__rest_trigger_now(cleat__http_call *call, const char *part, cleat__command_kind kind);
/* 400: the tenant has no workflow of that name. */
void cleat__rest_fail_workflow(cleat__http_call *call, cleat_slice name);

#define CLEAT__REST_FOREIGN_SCHEDULE "only scheduled runs that were made over HTTP can be changed over HTTP"

/* ---- Pieces of requests ----
 *
 * Those that answer bool: false: it is malformed, which has been answered with 400 and its name, or there is
 * no memory. What is not there leaves the output as it is. */

/* Ids of the query, */
bool cleat__rest_read_ids(cleat__http_call *call, const char *name, cleat__rest_ids *out);
/* and of the body. */
bool cleat__rest_json_ids(cleat__http_call *call, const char *name, const json_t *list, size_t max,
                          cleat__rest_ids *out);

/* These have to be there. */
bool cleat__rest_json_id(cleat__http_call *call, const char *name, const json_t *value, cleat__uuid *out);
bool cleat__rest_json_time(cleat__http_call *call, const char *name, const json_t *value, int64_t *out);
/* And this one if it is required; else it may be absent, and so is the slice then. It refers to `value`. */
bool cleat__rest_json_text(cleat__http_call *call, const char *name, const json_t *value, bool is_required,
                           cleat_slice *out);
/* An object of the call's body, or of a part of that, as text and read. */
typedef struct cleat__rest_json {
    cleat_slice text;
    const json_t *value;
} cleat__rest_json;
/* A member that is an object, as it was written: a part of the body. The absent slice: it is not there. */
bool cleat__rest_json_object(cleat__http_call *call, cleat__rest_json object, const char *name,
                             cleat_slice *out);
/* 0: it is not there. */
bool cleat__rest_json_priority(cleat__http_call *call, const json_t *value, int32_t *out);

/* An array of texts, to be released; NULL: there are none. */
bool cleat__rest_read_texts(cleat__http_call *call, const char *name, json_t **out);
/* The same of "key:value". */
bool cleat__rest_read_pairs(cleat__http_call *call, const char *name, json_t **out);
bool cleat__rest_json_pairs(cleat__http_call *call, const char *name, json_t *list, json_t **out);

/* 1 << cleat_run_status, of several. */
bool cleat__rest_read_statuses(cleat__http_call *call, const char *name, unsigned *out);
bool cleat__rest_json_statuses(cleat__http_call *call, const char *name, const json_t *list, unsigned *out);

/* Whether the query has no argument of that name, or one that says `text`. */
bool cleat__rest_is_wanted(const cleat__http_call *call, const char *name, cleat_slice text);
/* Which of the choices it is; they end with NULL. */
bool cleat__rest_read_choice(cleat__http_call *call, const char *name, const char *const *choices, int *out);
/* Of the body, where it has to be there. */
bool cleat__rest_json_choice(cleat__http_call *call, const char *name, const json_t *value,
                             const char *const *choices, int *out);
/* 1 << each of several. */
bool cleat__rest_read_choices(cleat__http_call *call, const char *name, const char *const *choices,
                              unsigned *out);

enum { CLEAT__REST_LIMIT_MAX = 10000 };
/* Of rows that are visited one by one. */
typedef struct cleat__rest_page {
    int64_t offset, limit;
    int64_t total; /* of those so far */
} cleat__rest_page;
/* 50 from the first one on, unless the query says otherwise. */
bool cleat__rest_read_page(cleat__http_call *call, cleat__rest_page *out);
/* Counts a row; whether it is on the page. */
bool cleat__rest_page_take(cleat__rest_page *page);
/* Whether to visit more: counting stops COUNT_MAX behind the page. */
bool cleat__rest_page_goes_on(const cleat__rest_page *page);

/* What runs.list and task-metrics have in common. Deinit it in either case. */
bool cleat__rest_read_filter(cleat__http_call *call, cleat__rest_filter *out);

#endif
