/* What the viewer's handlers share. */
#ifndef CLEAT_SERVER_UI_PARTS_H
#define CLEAT_SERVER_UI_PARTS_H

#include "rest_query.h"
#include "ui.h"

#include <cleat/trace.h>

struct cleat__ui {
    struct cleat__engine *engine; /* NULL: read only */
    cleat__readers *readers;
    bool needs_token;
};

/* ---- Handlers ---- */

void cleat__ui_page_get(cleat__http_call *call);
void cleat__ui_asset_get(cleat__http_call *call);
void cleat__ui_meta_get(cleat__http_call *call);
void cleat__ui_session_get(cleat__http_call *call);
void cleat__ui_run_list(cleat__http_call *call);
void cleat__ui_run_histogram(cleat__http_call *call);
void cleat__ui_run_get(cleat__http_call *call);
void cleat__ui_run_cancel(cleat__http_call *call);
void cleat__ui_run_replay(cleat__http_call *call);
void cleat__ui_run_view(cleat__http_call *call);
void cleat__ui_trace_view(cleat__http_call *call);
void cleat__ui_trace_list(cleat__http_call *call);
void cleat__ui_span_get(cleat__http_call *call);
void cleat__ui_queue_history(cleat__http_call *call);
void cleat__ui_workflow_list(cleat__http_call *call);
void cleat__ui_worker_list(cleat__http_call *call);
void cleat__ui_schedule_list(cleat__http_call *call);
void cleat__ui_cron_list(cleat__http_call *call);
void cleat__ui_rate_list(cleat__http_call *call);
void cleat__ui_filter_list(cleat__http_call *call);

/* ---- Questions ---- */

/* All: false: it is malformed, which has been answered with 400 and its name. What is not there leaves the output as
 * it is, or absent. */

/* The parts {trace} and {span} of the path. */
bool cleat__ui_read_trace(cleat__http_call *call, cleat_trace_id *out);
bool cleat__ui_read_span(cleat__http_call *call, cleat_span_id *out);

enum { CLEAT__UI_TEXT_MAX = 1000 }; /* bytes */
/* An empty one is absent. */
bool cleat__ui_read_text(cleat__http_call *call, const char *name, cleat_slice *out);
typedef struct cleat__ui_pair {
    cleat_slice key, value;
} cleat__ui_pair;
/* Arguments "key:value", at most `max` of them; keys are not empty. */
bool cleat__ui_read_pairs(cleat__http_call *call, const char *name, char separator, size_t max,
                          cleat__ui_pair *pairs, size_t *count);
#define CLEAT__UI_TIME_MAX INT64_C(9000000000000) /* of 64 bits also as nanoseconds: year 2255 */
/* since_ms and until_ms, which are in order. */
bool cleat__ui_read_times(cleat__http_call *call, int64_t *since_ms, int64_t *until_ms);
/* 1 << cleat_run_status, of several */
bool cleat__ui_read_statuses(cleat__http_call *call, unsigned *out);
/* Answers 400 with the name; false. */
bool cleat__ui_refuse(cleat__http_call *call, const char *name);

/* ---- Answers ---- */

/* As cleat__readers_answer(). */
void cleat__ui_answer(cleat__http_call *call, cleat__readers_write write, void *argument);
/* {"rows":[ .. ],"next":null,"searched_to_ms":null}: those that are all there is. */
void cleat__ui_begin_rows(cleat__json_writer *writer);
void cleat__ui_end_rows(cleat__json_writer *writer);

void cleat__ui_write_null(cleat__json_writer *writer, const char *key);
/* null for the nil one */
void cleat__ui_write_uuid(cleat__json_writer *writer, const char *key, const cleat__uuid *id);
/* null for 0 */
void cleat__ui_write_time(cleat__json_writer *writer, const char *key, int64_t unix_ms);
/* Without a character cut in two. */
cleat_slice cleat__ui_cut(cleat_slice text, size_t most);

enum { CLEAT__UI_ERROR_IN_LISTS = 200 }; /* bytes */
/* The state in the file, as the command and the engine call it: what no worker took in time is CANCELLED. */
cleat_run_status cleat__ui_run_status(const cleat__rest_run *run);
/* RUN of docs/http-api.md, but for its braces, with `error_most` bytes of its error. */
void cleat__ui_write_run_members(cleat__json_writer *writer, const cleat__rest_run *run, size_t error_most);
/* The whole of it as it is in lists. */
void cleat__ui_write_run(cleat__json_writer *writer, const char *key, const cleat__rest_run *run);
/* idempotency_key, batch, limits, desired_worker_id and sticky of runs/{run}. */
cleat_status cleat__ui_write_limits(cleat__json_writer *writer, cleat__store *store,
                                    const cleat__rest_run *run);

#endif
