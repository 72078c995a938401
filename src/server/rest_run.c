/* GET .../workflow-runs/{v1WorkflowRun} and its /status */
#include "rest_parts.h"

#include "base/error.h"

/* ---- What happened, as far as the file says ---- */

typedef struct events {
    cleat__json_writer *writer;
    const cleat__rest_run *run;
    int64_t count;
} events;

typedef struct event {
    const char *type, *message;
    int64_t time_ms;
    int32_t retry_count;
    cleat_slice error, output;
} event;

static void write_event(events *self, const event *what)
{
    cleat__json_writer *writer = self->writer;
    char name[CLEAT__REST_NAME_SIZE];
    cleat__rest_run_name(self->run, name);
    cleat__writer_begin_object(writer, NULL);
    cleat__writer_int(writer, "id", ++self->count);
    cleat__rest_write_uuid(writer, "taskId", &self->run->row.id);
    cleat__rest_write_time(writer, "timestamp", what->time_ms);
    cleat__writer_string(writer, "eventType", what->type);
    cleat__writer_string(writer, "message", what->message);
    if (what->error.data != NULL) {
        cleat__writer_slice(writer, "errorMessage", what->error);
    }
    if (what->output.data != NULL) {
        cleat__writer_slice(writer, "output", what->output);
    }
    cleat__writer_string(writer, "taskDisplayName", name);
    cleat__writer_int(writer, "retryCount", what->retry_count);
    cleat__writer_int(writer, "attempt", what->retry_count + 1);
    cleat__writer_end_object(writer);
}

/* An attempt that ended without ending the run. */
static bool write_attempt(void *argument, const cleat__attempt_row *row)
{
    events *self = argument;
    bool is_lost = cleat_slice_equals(row->outcome, cleat_slice_of("LOST"));
    bool is_late = cleat_slice_equals(row->outcome, cleat_slice_of("TIMED_OUT"));
    if (row->started_at_ms != 0) {
        write_event(self,
                    &(event){"STARTED", "Task started", row->started_at_ms, row->retry_count, {0}, {0}});
    }
    write_event(self, &(event){is_lost   ? "REASSIGNED"
                               : is_late ? "TIMED_OUT"
                                         : "FAILED",
                               is_lost   ? "Worker became inactive"
                               : is_late ? "Task exceeded its timeout"
                                         : "Task failed",
                               row->finished_at_ms,
                               row->retry_count,
                               row->error,
                               {0}});
    if (!is_lost) {
        write_event(
            self,
            &(event){"RETRYING", "Task is tried again", row->finished_at_ms, row->retry_count + 1, {0}, {0}});
    }
    return true;
}

static void write_newest_attempt(events *self)
{
    const cleat__run_row *row = &self->run->row;
    event last = {.time_ms = row->finished_at_ms, .retry_count = row->retry_count, .error = row->error};
    if (row->started_at_ms != 0) {
        write_event(self,
                    &(event){"STARTED", "Task started", row->started_at_ms, row->retry_count, {0}, {0}});
    }
    switch (row->status) {
    case CLEAT_RUN_COMPLETED:
        last.type = "FINISHED";
        last.message = "Task finished";
        last.output = row->output;
        break;
    case CLEAT_RUN_FAILED:
        last.type = "FAILED";
        last.message = "Task failed";
        break;
    case CLEAT_RUN_CANCELLED:
        /* Who cancels gives no reason; the engine does. */
        last.type = row->error.data != NULL ? "SCHEDULING_TIMED_OUT" : "CANCELLED";
        last.message = row->error.data != NULL ? "Task exceeded its schedule timeout" : "Task was cancelled";
        break;
    case CLEAT_RUN_QUEUED:
    case CLEAT_RUN_RUNNING: return;
    }
    write_event(self, &last);
}

/* The attempts are read on another store: the run's statement stands on its row. */
static cleat_status write_events(cleat__json_writer *writer, cleat__rest *rest, const cleat__rest_run *run)
{
    cleat__store *store = NULL;
    events self = {.writer = writer, .run = run};
    cleat__writer_begin_array(writer, "taskEvents");
    write_event(&self, &(event){"CREATED", "Task was created", run->row.created_at_ms, 0, {0}, {0}});
    write_event(&self, &(event){"QUEUED", "Task was queued", run->row.created_at_ms, 0, {0}, {0}});
    cleat_status status = cleat__rest_take(rest, &store);
    if (status == CLEAT_OK) {
        status = cleat__attempt_list(store, &run->row.id, write_attempt, &self);
    }
    cleat__rest_give(rest, store);
    write_newest_attempt(&self);
    cleat__writer_end_array(writer);
    return status;
}

/* ---- The run ---- */

static void write_run(cleat__json_writer *writer, const cleat__http_call *call, const cleat__rest_run *run)
{
    const cleat__run_row *row = &run->row;
    char name[CLEAT__REST_NAME_SIZE];
    cleat__rest_run_name(run, name);
    bool is_whole = row->started_at_ms != 0 && row->finished_at_ms != 0;
    cleat__writer_begin_object(writer, "run");
    cleat__rest_write_metadata(writer, &row->id, row->created_at_ms,
                               row->finished_at_ms != 0 ? row->finished_at_ms : row->created_at_ms);
    cleat__writer_string(writer, "status", cleat_run_status_name(row->status));
    cleat__rest_write_time(writer, "startedAt", row->started_at_ms);
    cleat__rest_write_time(writer, "finishedAt", row->finished_at_ms);
    cleat__writer_int(writer, "duration", is_whole ? row->finished_at_ms - row->started_at_ms : 0);
    cleat__rest_write_uuid(writer, "tenantId", &call->identity.tenant_id);
    cleat__rest_write_payload(writer, "additionalMetadata", row->metadata);
    cleat__writer_string(writer, "displayName", name);
    cleat__rest_write_uuid(writer, "workflowId", &run->workflow_id);
    cleat__rest_write_payload(writer, "output", row->output);
    if (row->error.data != NULL) {
        cleat__writer_slice(writer, "errorMessage", row->error);
    }
    cleat__writer_begin_object(writer, "input"); /* of a run of one task: what the task is given */
    cleat__rest_write_payload(writer, "input", row->input);
    cleat__writer_end_object(writer);
    cleat__rest_write_time(writer, "createdAt", row->created_at_ms);
    if (row->is_child) {
        cleat__rest_write_uuid(writer, "parentTaskExternalId", &row->parent_id);
    }
    cleat__writer_end_object(writer);
}

static void write_shape(cleat__json_writer *writer, const cleat__rest_run *run)
{
    cleat__writer_begin_array(writer, "shape");
    cleat__writer_begin_object(writer, NULL);
    cleat__rest_write_uuid(writer, "taskExternalId", &run->row.id);
    cleat__rest_write_uuid(writer, "stepId", &run->workflow_id);
    cleat__writer_begin_array(writer, "childrenStepIds");
    cleat__writer_end_array(writer);
    cleat__writer_slice(writer, "taskName", run->row.task_name);
    cleat__writer_end_object(writer);
    cleat__writer_end_array(writer);
}

static cleat_status write_details(cleat__http_call *call, cleat__store *store, cleat__json_writer *writer)
{
    cleat__uuid id = cleat__http_call_id(call, "v1WorkflowRun");
    cleat__rest_run run;
    cleat_status status = cleat__rest_query_run(store, call->identity.tenant, &id, &run);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__writer_begin_object(writer, NULL);
    write_run(writer, call, &run);
    status = write_events(writer, call->service, &run);
    write_shape(writer, &run);
    cleat__writer_begin_array(writer, "tasks");
    cleat__rest_write_summary(writer, NULL, call, &run, true);
    cleat__writer_end_array(writer);
    cleat__writer_end_object(writer);
    return status;
}

static cleat_status write_status(cleat__http_call *call, cleat__store *store, cleat__json_writer *writer)
{
    cleat__uuid id = cleat__http_call_id(call, "v1WorkflowRun");
    cleat__rest_run run;
    cleat_status status = cleat__rest_query_run(store, call->identity.tenant, &id, &run);
    if (status == CLEAT_OK) {
        cleat__writer_string(writer, NULL, cleat_run_status_name(run.row.status));
    }
    return status;
}

static void answer(cleat__http_call *call, cleat_status (*write)(cleat__http_call *call, cleat__store *store,
                                                                 cleat__json_writer *writer))
{
    cleat__rest *rest = call->service;
    cleat__json_writer writer = {0};
    cleat__store *store = NULL;
    cleat_status status = cleat__rest_take(rest, &store);
    if (status == CLEAT_OK) {
        status = write(call, store, &writer);
    }
    if (status == CLEAT_OK) {
        cleat__http_call_answer_json(call, 200, &writer);
    } else {
        cleat__http_call_fail_status(call, status);
    }
    cleat__rest_give(rest, store);
    cleat__buffer_deinit(&writer.out);
}

void cleat__rest_run_get(cleat__http_call *call)
{
    answer(call, write_details);
}

void cleat__rest_run_status(cleat__http_call *call)
{
    answer(call, write_status);
}
