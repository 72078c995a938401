/* GET runs/{run}: all that is stored about one run, each part of it bounded. */
#include "base/clock.h"
#include "engine/engine.h"
#include "engine/roster.h"
#include "run_events.h"
#include "store/log.h"
#include "store/queue_reasons.h"
#include "store/run_waits.h"
#include "ui_parts.h"
#include "ui_query.h"

enum {
    TEXT_MOST = 64 * 1024,         /* bytes of a payload, and of the error */
    ATTEMPT_ERROR_MOST = 4 * 1024, /* of a former attempt's */
    ATTEMPTS_MOST = 1024 * 1024,   /* of all of these */
    LOGS_MOST = 1000,
    LOG_BYTES_MOST = 1024 * 1024,
    CHILDREN_MOST = 100,
    TASKS_MOST = 200,
};

/* ---- Attempts ---- */

typedef struct attempts {
    cleat__json_writer *writer;
    size_t errors_left;
} attempts;

static void write_attempt(attempts *self, const cleat__attempt_row *row)
{
    size_t most = self->errors_left < ATTEMPT_ERROR_MOST ? self->errors_left : ATTEMPT_ERROR_MOST;
    cleat_slice error = cleat__ui_cut(row->error, most);
    cleat__writer_begin_object(self->writer, NULL);
    cleat__writer_int(self->writer, "number", row->retry_count + 1);
    cleat__writer_slice(self->writer, "outcome", row->outcome);
    cleat__ui_write_time(self->writer, "started_at_ms", row->started_at_ms);
    cleat__ui_write_time(self->writer, "finished_at_ms", row->finished_at_ms);
    cleat__ui_write_time(self->writer, "replayed_at_ms", row->replayed_at_ms);
    cleat__writer_slice(self->writer, "error", error);
    cleat__writer_end_object(self->writer);
    self->errors_left -= error.size;
}

static bool see_attempt(void *argument, const cleat__attempt_row *row)
{
    attempts *self = argument;
    write_attempt(self, row);
    return !cleat__answer_is_full(self->writer);
}

static cleat_status write_attempts(cleat__json_writer *writer, cleat__store *store,
                                   const cleat__rest_run *run)
{
    const cleat__run_row *row = &run->row;
    attempts self = {writer, ATTEMPTS_MOST};
    cleat__writer_begin_array(writer, "attempts");
    cleat_status status = cleat__attempt_list(store, &row->id, see_attempt, &self);
    const char *name = cleat_run_status_name(cleat__ui_run_status(run));
    write_attempt(&self, &(cleat__attempt_row){.retry_count = row->retry_count,
                                               .started_at_ms = row->started_at_ms,
                                               .finished_at_ms = row->finished_at_ms,
                                               .outcome = run->outcome.data != NULL ? run->outcome
                                                                                    : cleat_slice_of(name),
                                               .error = row->error});
    cleat__writer_end_array(writer);
    return status;
}

/* ---- Events and log ---- */

static bool write_event(void *argument, const cleat__run_event *event)
{
    cleat__json_writer *writer = argument;
    cleat__writer_begin_object(writer, NULL);
    cleat__writer_string(writer, "kind", event->kind);
    cleat__writer_int(writer, "time_ms", event->time_ms);
    cleat__run_event_write_message(writer, event);
    cleat__writer_int(writer, "attempt", event->retry_count + 1);
    cleat__writer_end_object(writer);
    return !cleat__answer_is_full(writer);
}

static cleat_status write_events(cleat__json_writer *writer, cleat__store *store, const cleat__rest_run *run)
{
    cleat__writer_begin_array(writer, "events");
    cleat_status status = cleat__run_events_list(store, run, write_event, writer);
    cleat__writer_end_array(writer);
    return status;
}

typedef struct logs {
    cleat__json_writer *writer;
    int64_t count;
    size_t bytes;
} logs;

static const char *level_name(cleat_log_level level)
{
    switch (level) {
    case CLEAT_LOG_ERROR: return "error";
    case CLEAT_LOG_WARN: return "warn";
    case CLEAT_LOG_INFO: return "info";
    default: return "debug";
    }
}

static bool write_line(void *argument, const cleat__log_line *line)
{
    logs *self = argument;
    cleat__writer_begin_object(self->writer, NULL);
    cleat__writer_int(self->writer, "time_ms", line->time_ms);
    cleat__writer_string(self->writer, "level", level_name(line->level));
    cleat__writer_slice(self->writer, "message", line->message);
    cleat__writer_int(self->writer, "attempt", line->retry_count + 1);
    cleat__writer_end_object(self->writer);
    self->bytes += line->message.size;
    return ++self->count < LOGS_MOST && self->bytes < LOG_BYTES_MOST;
}

static cleat_status write_logs(cleat__json_writer *writer, cleat__store *store, int64_t tenant,
                               const cleat__uuid *id, int64_t after)
{
    const cleat__log_choice choice = {.after = after, .until_ms = INT64_MAX};
    logs self = {.writer = writer};
    int64_t count = 0;
    cleat__writer_begin_array(writer, "logs");
    cleat_status status = cleat__log_choose(store, tenant, id, &choice, write_line, &self);
    cleat__writer_end_array(writer);
    if (status == CLEAT_OK) {
        status = cleat__ui_query_log_count(store, id, &count);
    }
    cleat__writer_int(writer, "logs_after", after);
    cleat__writer_int(writer, "log_count", count);
    return status;
}

/* ---- What it waits for, and where it comes from ---- */

static cleat_status write_waits(cleat__json_writer *writer, cleat__store *store, const cleat__uuid *id,
                                cleat_run_status run_status)
{
    cleat__buffer waits = {0};
    cleat_status status = CLEAT_OK;
    if (run_status == CLEAT_RUN_EVICTED) {
        status = cleat__run_waits_load(store, id, &waits);
    } else if (run_status == CLEAT_RUN_QUEUED) {
        int64_t now_ms = cleat__clock_unix_ns(NULL) / CLEAT__NS_PER_MS;
        status = cleat__queue_reasons_load(store, id, now_ms, &waits);
    } else {
        cleat__buffer_append_string(&waits, "[]");
    }
    cleat__writer_raw(writer, "waits", cleat__buffer_slice(&waits));
    writer->out.failed = writer->out.failed || waits.failed;
    cleat__buffer_deinit(&waits);
    return status;
}

typedef struct takers {
    cleat_slice action;
    int64_t count;
} takers;

/* On the engine's thread. */
static void see_worker(void *argument, const cleat__worker_info *info)
{
    takers *self = argument;
    bool takes = false;
    for (size_t i = 0; i < info->action_count && info->is_active && !info->is_paused && !takes; i++) {
        takes = cleat_slice_equals(info->queues[i]->action, self->action);
    }
    self->count += takes;
}

/* Of a run that waits, where there is an engine to be asked. */
static cleat_status write_takers(cleat__json_writer *writer, const cleat__http_call *call,
                                 const cleat__rest_run *run)
{
    const cleat__ui *ui = call->service;
    takers self = {.action = run->row.task};
    if (ui->engine == NULL || run->row.status != CLEAT_RUN_QUEUED || run->is_dag) {
        cleat__ui_write_null(writer, "taker_count");
        return CLEAT_OK;
    }
    if (cleat__engine_worker_list(ui->engine, call->identity.tenant, see_worker, &self) == CLEAT_OK) {
        cleat__writer_int(writer, "taker_count", self.count);
    } else { /* an engine that has failed: what the file says is asked for all the more */
        cleat__ui_write_null(writer, "taker_count");
    }
    return CLEAT_OK;
}

static void write_cause(cleat__json_writer *writer, const cleat__rest_run *run)
{
    if (run->row.event_key.data != NULL) {
        cleat__writer_begin_object(writer, "event");
        cleat__ui_write_uuid(writer, "id", &run->row.event_id);
        cleat__writer_slice(writer, "key", run->row.event_key);
        cleat__writer_end_object(writer);
    } else {
        cleat__ui_write_null(writer, "event");
    }
    cleat__ui_write_time(writer, "scheduled_at_ms", run->scheduled_at_ms);
}

static cleat_status write_parent(cleat__json_writer *writer, cleat__store *store, int64_t tenant,
                                 const cleat__uuid *id)
{
    cleat__rest_run parent;
    cleat_status status = cleat__rest_query_run(store, tenant, id, false, &parent);
    if (status == CLEAT_OK) {
        cleat__ui_write_run(writer, "parent", &parent);
    } else if (status == CLEAT_NOT_FOUND) { /* it is no child */
        cleat__ui_write_null(writer, "parent");
        status = CLEAT_OK;
    }
    return status;
}

/* ---- Its tasks, and its children ---- */

/* What the run's own texts are columns of is read again for each. */
static cleat_status write_member(cleat__json_writer *writer, cleat__store *store, int64_t tenant,
                                 cleat__ui_family family, const cleat__uuid *id)
{
    cleat__rest_run run;
    cleat_status status = cleat__rest_query_run(store, tenant, id, false, &run);
    if (status != CLEAT_OK || family == CLEAT__UI_CHILDREN) {
        if (status == CLEAT_OK) {
            cleat__ui_write_run(writer, NULL, &run);
        }
        return status;
    }
    cleat__writer_begin_object(writer, NULL);
    cleat__ui_write_run_members(writer, &run, CLEAT__UI_ERROR_IN_LISTS);
    cleat__writer_int(writer, "child_count", run.child_count);
    status = write_waits(writer, store, id, run.row.status);
    cleat__writer_end_object(writer);
    return status;
}

static cleat_status write_members(cleat__json_writer *writer, cleat__store *store, int64_t tenant,
                                  cleat__ui_family family, const cleat__uuid *id)
{
    cleat__rest_ids ids = {0};
    int64_t most = family == CLEAT__UI_TASKS ? TASKS_MOST : CHILDREN_MOST;
    cleat_status status = cleat__ui_query_child_ids(store, id, family, most, &ids);
    cleat__writer_begin_array(writer, "rows");
    for (size_t i = 0; i < ids.count && status == CLEAT_OK; i++) {
        status = write_member(writer, store, tenant, family, &ids.items[i]);
    }
    cleat__writer_end_array(writer);
    cleat__rest_ids_deinit(&ids);
    return status;
}

static cleat_status write_family(cleat__json_writer *writer, cleat__store *store, int64_t tenant,
                                 cleat__ui_family family, const cleat__uuid *id)
{
    cleat__ui_children counts;
    cleat_status status = cleat__ui_query_child_counts(store, id, family, &counts);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__writer_begin_object(writer, family == CLEAT__UI_TASKS ? "tasks" : "children");
    cleat__writer_int(writer, "total", counts.total);
    cleat__writer_bool(writer, "is_complete", counts.is_complete);
    cleat__writer_begin_object(writer, "by_status");
    for (int i = 0; i < CLEAT__RUN_SHOWN_STATES; i++) {
        if (counts.by_status[i] != 0) {
            cleat__writer_int(writer, cleat_run_status_name((cleat_run_status)i), counts.by_status[i]);
        }
    }
    cleat__writer_end_object(writer);
    status = write_members(writer, store, tenant, family, id);
    cleat__writer_end_object(writer);
    return status;
}

/* ---- All of it ---- */

static void write_payload(cleat__json_writer *writer, const char *key, const char *size_key, cleat_slice text)
{
    cleat__writer_slice(writer, key, cleat__ui_cut(text, TEXT_MOST));
    if (text.data != NULL) {
        cleat__writer_int(writer, size_key, (int64_t)text.size);
    } else {
        cleat__ui_write_null(writer, size_key);
    }
}

typedef struct question {
    const cleat__http_call *call;
    int64_t logs_after;
} question;

/* The parent and the children come last: what reads them is what the run's own texts are columns of. */
static cleat_status write_run(void *argument, cleat__store *store, cleat__json_writer *writer)
{
    const question *self = argument;
    const cleat__http_call *call = self->call;
    cleat__uuid id = cleat__http_call_id(call, "run"), parent_id;
    int64_t tenant = call->identity.tenant;
    cleat__rest_run run;
    cleat_status status = cleat__rest_query_run(store, tenant, &id, true, &run);
    if (status != CLEAT_OK) {
        return status;
    }
    parent_id = run.is_task ? run.dag_id : run.row.parent_id;
    bool is_dag = run.is_dag;
    cleat__writer_begin_object(writer, NULL);
    cleat__ui_write_run_members(writer, &run, TEXT_MOST);
    write_payload(writer, "input", "input_size", run.row.input);
    write_payload(writer, "output", "output_size", run.row.output);
    write_cause(writer, &run);
    status = write_takers(writer, call, &run);
    if (status == CLEAT_OK) {
        status = cleat__ui_write_limits(writer, store, &run);
    }
    if (status == CLEAT_OK) {
        status = write_attempts(writer, store, &run);
    }
    if (status == CLEAT_OK) {
        status = write_events(writer, store, &run);
    }
    if (status == CLEAT_OK) {
        status = write_waits(writer, store, &id, run.row.status);
    }
    if (status == CLEAT_OK) {
        status = write_logs(writer, store, tenant, &id, self->logs_after);
    }
    if (status == CLEAT_OK) {
        status = write_parent(writer, store, tenant, &parent_id);
    }
    if (status == CLEAT_OK && is_dag) {
        status = write_family(writer, store, tenant, CLEAT__UI_TASKS, &id);
    } else {
        cleat__ui_write_null(writer, "tasks");
    }
    if (status == CLEAT_OK) {
        status = write_family(writer, store, tenant, CLEAT__UI_CHILDREN, &id);
    }
    cleat__writer_end_object(writer);
    return status;
}

void cleat__ui_run_get(cleat__http_call *call)
{
    question self = {.call = call};
    if (cleat__http_call_int(call, "logs_after", 0, INT64_MAX, &self.logs_after)) {
        cleat__ui_answer(call, write_run, &self);
    }
}
