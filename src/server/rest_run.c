/* GET .../workflow-runs/{v1WorkflowRun} with its parts, and .../tasks/{task}, which is the same run */
#include "rest_parts.h"

#include "base/utf8.h"
#include "run_events.h"

/* ---- Bounds ----
 *
 * There may be many attempts, and a thousand tasks, and each may tell of megabytes: with a part of that the run can be
 * read. A run of one task is never short of any but the errors of its former attempts. */
enum {
    ERROR_MOST = 16 * 1024,                /* of a former attempt */
    ATTEMPTS_MOST = 8 * 1024 * 1024,       /* of all of these */
    EVENTS_OUTPUTS_MOST = 8 * 1024 * 1024, /* as texts, which are longer */
    EVENTS_ERRORS_MOST = 5 * 1024 * 1024,
};

/* ---- What happened ---- */

typedef struct events {
    cleat__json_writer *writer;
    const cleat__rest_run *run;
    int64_t count;
    size_t attempts_left, outputs_left, errors_left; /* bytes */
} events;

static cleat_slice shorten(events *self, cleat_slice error)
{
    size_t most = self->attempts_left < ERROR_MOST ? self->attempts_left : ERROR_MOST;
    error.size = error.size > most ? cleat__utf8_valid_prefix(error.data, most) : error.size;
    self->attempts_left -= error.size;
    return error;
}

static bool write_event(void *argument, const cleat__run_event *what)
{
    events *self = argument;
    cleat__json_writer *writer = self->writer;
    char name[CLEAT__REST_NAME_SIZE];
    cleat__rest_run_name(self->run, name);
    cleat__writer_begin_object(writer, NULL);
    cleat__writer_int(writer, "id", ++self->count);
    cleat__rest_write_uuid(writer, "taskId", &self->run->row.id);
    cleat__rest_write_time(writer, "timestamp", what->time_ms);
    cleat__writer_string(writer, "eventType", what->kind);
    cleat__run_event_write_message(writer, what);
    cleat_slice error =
        what->is_last ? cleat__rest_spend(&self->errors_left, what->error) : shorten(self, what->error);
    cleat_slice output = cleat__rest_spend(&self->outputs_left, what->output);
    if (error.data != NULL) {
        cleat__writer_slice(writer, "errorMessage", error);
    }
    if (output.data != NULL) {
        cleat__writer_slice(writer, "output", output);
    }
    cleat__writer_string(writer, "taskDisplayName", name);
    cleat__writer_int(writer, "retryCount", what->retry_count);
    cleat__writer_int(writer, "attempt", what->retry_count + 1);
    cleat__writer_end_object(writer);
    return !cleat__answer_is_full(writer);
}

/* ---- The run ---- */

/* Of several tasks: of the one that was the last to complete, as clients expect. */
static cleat_status write_last_output(cleat__json_writer *writer, const cleat__http_call *call,
                                      cleat__store *store, const cleat__uuid *dag_id)
{
    cleat__uuid last;
    cleat__rest_run task = {.is_dag = false};
    cleat_status status = store != NULL ? cleat__rest_query_last(store, dag_id, &last) : CLEAT_EMPTY;
    if (status == CLEAT_OK) {
        status = cleat__rest_query_parts(store, call->identity.tenant, &last, CLEAT__REST_OUTPUT, &task);
    }
    cleat__rest_write_payload(writer, "output", task.row.output);
    return status == CLEAT_EMPTY ? CLEAT_OK : status;
}

/* Of one task it is what that is handed. */
static void write_input(cleat__json_writer *writer, const cleat__rest_run *run)
{
    if (run->is_dag) {
        cleat__rest_write_payload(writer, "input", run->row.input);
    } else {
        cleat__writer_begin_object(writer, "input");
        cleat__rest_write_payload(writer, "input", run->row.input);
        cleat__writer_end_object(writer);
    }
}

/* `store` NULL: it cannot be asked. */
static cleat_status write_run(cleat__json_writer *writer, const cleat__http_call *call, cleat__store *store,
                              const cleat__rest_run *run)
{
    const cleat__run_row *row = &run->row;
    char name[CLEAT__REST_NAME_SIZE];
    cleat__rest_run_name(run, name);
    bool is_whole = row->started_at_ms != 0 && row->finished_at_ms != 0;
    cleat__writer_begin_object(writer, "run");
    cleat__rest_write_metadata(writer, &row->id, row->created_at_ms,
                               row->finished_at_ms != 0 ? row->finished_at_ms : row->created_at_ms);
    cleat__writer_string(writer, "status", cleat__rest_status_name(row->status));
    cleat__rest_write_time(writer, "startedAt", row->started_at_ms);
    cleat__rest_write_time(writer, "finishedAt", row->finished_at_ms);
    cleat__writer_int(writer, "duration", is_whole ? row->finished_at_ms - row->started_at_ms : 0);
    cleat__rest_write_uuid(writer, "tenantId", &call->identity.tenant_id);
    cleat__rest_write_payload(writer, "additionalMetadata", row->metadata);
    cleat__writer_string(writer, "displayName", name);
    cleat__rest_write_uuid(writer, "workflowId", &run->row.workflow_id);
    cleat__rest_write_uuid(writer, "workflowVersionId", &run->row.version_id);
    if (!run->is_dag) {
        cleat__rest_write_payload(writer, "output", row->output);
    }
    if (row->error.data != NULL) {
        cleat__writer_slice(writer, "errorMessage", row->error);
    }
    write_input(writer, run);
    cleat__rest_write_time(writer, "createdAt", row->created_at_ms);
    if (row->is_child) {
        cleat__rest_write_uuid(writer, "parentTaskExternalId", &row->parent_id);
    }
    cleat_status status = CLEAT_OK;
    if (run->is_dag) { /* which ends the slices of `run` */
        const cleat__uuid id = row->id;
        status = write_last_output(writer, call, store, &id);
    }
    cleat__writer_end_object(writer);
    return status;
}

/* ---- Answers about one run ---- */

typedef struct asking asking;
struct asking {
    cleat__http_call *call;
    cleat__uuid id;
    bool with_payloads;
    cleat_status (*write)(const asking *self, cleat__store *store, const cleat__rest_run *run,
                          cleat__json_writer *writer);
};

static cleat_status write_answer(void *argument, cleat__store *store, cleat__json_writer *writer)
{
    const asking *self = argument;
    cleat__rest_run run;
    cleat_status status =
        cleat__rest_query_run(store, self->call->identity.tenant, &self->id, self->with_payloads, &run);
    return status == CLEAT_OK ? self->write(self, store, &run, writer) : status;
}

static void answer(asking self)
{
    cleat__rest_answer(self.call, write_answer, &self);
}

/* Of each of the tasks, in their order. */
static cleat_status write_all_events(cleat__json_writer *writer, const char *key, const asking *self,
                                     cleat__store *store, const cleat__rest_ids *tasks)
{
    events all = {.writer = writer,
                  .attempts_left = ATTEMPTS_MOST,
                  .outputs_left = EVENTS_OUTPUTS_MOST,
                  .errors_left = EVENTS_ERRORS_MOST};
    cleat_status status = CLEAT_OK;
    cleat__writer_begin_array(writer, key);
    for (size_t i = 0; i < tasks->count && status == CLEAT_OK && !cleat__answer_is_full(writer); i++) {
        cleat__rest_run task;
        unsigned parts = cleat__rest_part_if(all.outputs_left, CLEAT__REST_OUTPUT) |
                         cleat__rest_part_if(all.errors_left, CLEAT__REST_ERROR);
        status = cleat__rest_query_parts(store, self->call->identity.tenant, &tasks->items[i], parts, &task);
        all.run = &task;
        status = status == CLEAT_OK ? cleat__run_events_list(store, &task, write_event, &all) : status;
    }
    cleat__writer_end_array(writer);
    return status;
}

static cleat_status write_details(const asking *self, cleat__store *store, const cleat__rest_run *run,
                                  cleat__json_writer *writer)
{
    cleat__writer_begin_object(writer, NULL);
    cleat__rest_ids tasks = {NULL, 0, 0};
    cleat_status status = write_run(writer, self->call, store, run);
    if (status == CLEAT_OK) {
        status = cleat__rest_query_tasks(store, run, &tasks);
    }
    if (status == CLEAT_OK) {
        status = write_all_events(writer, "taskEvents", self, store, &tasks);
    }
    cleat__rest_run again; /* as the slices of the other are gone by now */
    if (status == CLEAT_OK) {
        status = cleat__rest_query_run(store, self->call->identity.tenant, &self->id, false, &again);
    }
    if (status == CLEAT_OK) {
        status = cleat__rest_write_shape(writer, store, &again, &tasks);
    }
    if (status == CLEAT_OK) {
        status = cleat__rest_write_tasks(writer, "tasks", self->call, store, &tasks, self->with_payloads);
    }
    cleat__writer_end_object(writer);
    cleat__rest_ids_deinit(&tasks);
    return status;
}

/* Who does not hear that it was started starts it again: when it cannot be read, what is known is told. */
void cleat__rest_answer_started(cleat__http_call *call, const cleat__rest_run *known)
{
    asking self = {call, known->row.id, true, write_details};
    cleat__json_writer writer = {0};
    if (cleat__rest_read(call, write_answer, &self, &writer) != CLEAT_OK) {
        cleat__buffer_deinit(&writer.out);
        writer = (cleat__json_writer){0};
        cleat__writer_begin_object(&writer, NULL);
        (void)write_run(&writer, call, NULL, known);
        cleat__writer_begin_array(&writer, "taskEvents");
        cleat__writer_end_array(&writer);
        cleat__rest_write_shape_of_one(&writer, known);
        cleat__writer_begin_array(&writer, "tasks");
        cleat__rest_write_summary(&writer, NULL, call, known);
        cleat__writer_end_array(&writer);
        cleat__writer_end_object(&writer);
    }
    cleat__http_call_answer_json(call, 200, &writer);
}

void cleat__rest_run_get(cleat__http_call *call)
{
    answer((asking){call, cleat__http_call_id(call, "v1WorkflowRun"), true, write_details});
}

static cleat_status write_status(const asking *self, cleat__store *store, const cleat__rest_run *run,
                                 cleat__json_writer *writer)
{
    (void)self;
    (void)store;
    cleat__writer_string(writer, NULL, cleat__rest_status_name(run->row.status));
    return CLEAT_OK;
}

void cleat__rest_run_status(cleat__http_call *call)
{
    answer((asking){call, cleat__http_call_id(call, "v1WorkflowRun"), false, write_status});
}

static cleat_status write_task(const asking *self, cleat__store *store, const cleat__rest_run *run,
                               cleat__json_writer *writer)
{
    (void)store;
    cleat__rest_write_summary(writer, NULL, self->call, run);
    return CLEAT_OK;
}

void cleat__rest_task_get(cleat__http_call *call)
{
    answer((asking){call, cleat__http_call_id(call, "task"), true, write_task});
}

/* There is one page of what one run has. */
static void write_only_page(cleat__json_writer *writer)
{
    cleat__rest_write_pages(writer, 0, CLEAT__REST_LIMIT_MAX, 1);
}

static cleat_status write_event_list(const asking *self, cleat__store *store, const cleat__rest_run *run,
                                     cleat__json_writer *writer)
{
    cleat__rest_ids tasks = {NULL, 0, 0};
    cleat__writer_begin_object(writer, NULL);
    cleat_status status = cleat__rest_query_tasks(store, run, &tasks);
    if (status == CLEAT_OK) {
        status = write_all_events(writer, "rows", self, store, &tasks);
    }
    cleat__rest_ids_deinit(&tasks);
    write_only_page(writer);
    cleat__writer_end_object(writer);
    return status;
}

void cleat__rest_run_events(cleat__http_call *call)
{
    answer((asking){call, cleat__http_call_id(call, "v1WorkflowRun"), true, write_event_list});
}

void cleat__rest_task_events(cleat__http_call *call)
{
    answer((asking){call, cleat__http_call_id(call, "task"), true, write_event_list});
}

static void write_timing(cleat__json_writer *writer, const asking *self, const cleat__rest_run *run)
{
    const cleat__run_row *row = &run->row;
    char name[CLEAT__REST_NAME_SIZE];
    cleat__rest_run_name(run, name);
    cleat__writer_begin_object(writer, NULL);
    cleat__rest_write_metadata(writer, &row->id, row->created_at_ms,
                               row->finished_at_ms != 0 ? row->finished_at_ms : row->created_at_ms);
    cleat__writer_int(writer, "depth", 0);
    cleat__writer_string(writer, "status", cleat__rest_status_name(row->status));
    cleat__writer_bool(writer, "isEvicted", row->status == CLEAT_RUN_EVICTED);
    cleat__writer_string(writer, "taskDisplayName", name);
    cleat__rest_write_uuid(writer, "taskExternalId", &row->id);
    cleat__writer_int(writer, "taskId", cleat__rest_number(&row->id));
    cleat__rest_write_time(writer, "taskInsertedAt", row->created_at_ms);
    cleat__rest_write_uuid(writer, "tenantId", &self->call->identity.tenant_id);
    cleat__rest_write_time(writer, "queuedAt",
                           run->queued_at_ms != 0 ? run->queued_at_ms : row->created_at_ms);
    if (row->started_at_ms != 0) {
        cleat__rest_write_time(writer, "startedAt", row->started_at_ms);
    }
    if (row->finished_at_ms != 0) {
        cleat__rest_write_time(writer, "finishedAt", row->finished_at_ms);
    }
    cleat__rest_write_uuid(writer, "workflowRunId", cleat__rest_root(run));
    cleat__writer_int(writer, "retryCount", row->retry_count);
    cleat__writer_int(writer, "attempt", row->retry_count + 1);
    cleat__writer_end_object(writer);
}

static cleat_status write_timings(const asking *self, cleat__store *store, const cleat__rest_run *run,
                                  cleat__json_writer *writer)
{
    cleat__rest_ids tasks = {NULL, 0, 0};
    cleat__writer_begin_object(writer, NULL);
    cleat__writer_begin_array(writer, "rows");
    cleat_status status = cleat__rest_query_tasks(store, run, &tasks);
    for (size_t i = 0; i < tasks.count && status == CLEAT_OK; i++) {
        cleat__rest_run task;
        status = cleat__rest_query_run(store, self->call->identity.tenant, &tasks.items[i], false, &task);
        if (status == CLEAT_OK) {
            write_timing(writer, self, &task);
        }
    }
    cleat__rest_ids_deinit(&tasks);
    cleat__writer_end_array(writer);
    write_only_page(writer);
    cleat__writer_end_object(writer);
    return status;
}

void cleat__rest_run_timings(cleat__http_call *call)
{
    answer((asking){call, cleat__http_call_id(call, "v1WorkflowRun"), false, write_timings});
}
