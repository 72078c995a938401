/* GET .../workflow-runs with its external-ids and display-names, POST .../workflow-runs/trigger */
#include "rest_parts.h"

#include "engine/engine.h"

typedef struct list {
    cleat__http_call *call;
    cleat__rest_filter filter;
    cleat__json_writer *writer;
    cleat__store *store;
    cleat_status status; /* of reading tasks */
} list;

static cleat_status write_children(const list *self, const cleat__rest_run *run)
{
    cleat__rest_ids tasks = {NULL, 0, 0};
    cleat_status status = cleat__rest_query_tasks(self->store, run, &tasks);
    if (status == CLEAT_OK) {
        status = cleat__rest_write_tasks(self->writer, "children", self->call, self->store, &tasks,
                                         self->filter.with_payloads);
    }
    cleat__rest_ids_deinit(&tasks);
    return status;
}

static bool write_row(void *argument, const cleat__rest_run *run)
{
    list *self = argument;
    cleat__rest_begin_summary(self->writer, NULL, self->call, run, self->filter.only_tasks);
    if (run->is_dag) {
        self->status = write_children(self, run);
    }
    cleat__writer_end_object(self->writer);
    return self->status == CLEAT_OK && !cleat__answer_is_full(self->writer);
}

/* RUNNING runs can be asked for by where they are: with a worker, or evicted. */
static bool read_running_filter(cleat__http_call *call, cleat__rest_filter *out)
{
    static const char *const choices[] = {"ALL", "EVICTED", "ON_WORKER", NULL};
    static const unsigned left_out[] = {0, 1U << CLEAT_RUN_RUNNING, 1U << CLEAT_RUN_EVICTED};
    const unsigned all = (1U << CLEAT__RUN_SHOWN_STATES) - 1;
    int choice = 0;
    if (!cleat__rest_read_choice(call, "running_filter", choices, &choice)) {
        return false;
    }
    if (choice != 0) {
        out->statuses = (out->statuses != 0 ? out->statuses : all) & ~left_out[choice];
        out->matches_nothing = out->matches_nothing || out->statuses == 0;
    }
    return true;
}

static bool read_page(cleat__http_call *call, cleat__rest_filter *filter)
{
    if (!cleat__rest_read_filter(call, filter)) {
        return false;
    }
    if (cleat__http_call_argument(call, "only_tasks").data == NULL) {
        cleat__http_call_refuse(call, 400,
                                "parameter \"only_tasks\" in query has an error: value is required");
        return false;
    }
    filter->limit = 50;
    return cleat__http_call_uuid(call, "worker_id", &filter->worker_id, &filter->has_worker) &&
           cleat__http_call_bool(call, "only_tasks", &filter->only_tasks) &&
           cleat__http_call_bool(call, "include_payloads", &filter->with_payloads) &&
           cleat__http_call_int(call, "offset", 0, 1000000000, &filter->offset) &&
           cleat__http_call_int(call, "limit", 1, CLEAT__REST_LIMIT_MAX, &filter->limit) &&
           read_running_filter(call, filter);
}

static cleat_status write_page(void *argument, cleat__store *store, cleat__json_writer *writer)
{
    list *self = argument;
    int64_t total = 0;
    self->writer = writer;
    self->store = store;
    cleat__writer_begin_object(writer, NULL);
    cleat__writer_begin_array(writer, "rows");
    cleat_status status =
        cleat__rest_query_runs(store, self->call->identity.tenant, &self->filter, write_row, self, &total);
    cleat__writer_end_array(writer);
    cleat__rest_write_pages(writer, self->filter.offset, self->filter.limit, total);
    cleat__writer_end_object(writer);
    return status == CLEAT_OK ? self->status : status;
}

void cleat__rest_run_list(cleat__http_call *call)
{
    list self = {.call = call};
    if (read_page(call, &self.filter)) {
        cleat__rest_answer(call, write_page, &self);
    }
    cleat__rest_filter_deinit(&self.filter);
}

/* ---- Only their ids ---- */

static bool write_id(void *argument, const cleat__uuid *id)
{
    const list *self = argument;
    cleat__rest_write_uuid(self->writer, NULL, id);
    return true;
}

static cleat_status write_ids(void *argument, cleat__store *store, cleat__json_writer *writer)
{
    list *self = argument;
    self->writer = writer;
    cleat__writer_begin_array(writer, NULL);
    cleat_status status =
        cleat__rest_query_run_ids(store, self->call->identity.tenant, &self->filter, write_id, self, NULL);
    cleat__writer_end_array(writer);
    return status;
}

void cleat__rest_run_ids(cleat__http_call *call)
{
    list self = {.call = call};
    if (cleat__rest_read_filter(call, &self.filter)) {
        self.filter.limit = CLEAT__REST_LIMIT_MAX;
        cleat__rest_answer(call, write_ids, &self);
    }
    cleat__rest_filter_deinit(&self.filter);
}

/* ---- Their names ---- */

typedef struct naming {
    cleat__http_call *call;
    cleat__rest_ids ids;
} naming;

/* Unknown ones are passed over. */
static cleat_status write_name(const naming *self, cleat__store *store, const cleat__uuid *id,
                               cleat__json_writer *writer)
{
    cleat__rest_run run;
    char name[CLEAT__REST_NAME_SIZE];
    cleat_status status = cleat__rest_query_run(store, self->call->identity.tenant, id, false, &run);
    if (status != CLEAT_OK) {
        return status == CLEAT_NOT_FOUND ? CLEAT_OK : status;
    }
    cleat__rest_run_name(&run, name);
    cleat__writer_begin_object(writer, NULL);
    cleat__rest_write_metadata(writer, id, run.row.created_at_ms, run.row.created_at_ms);
    cleat__writer_string(writer, "displayName", name);
    cleat__writer_end_object(writer);
    return CLEAT_OK;
}

static cleat_status write_names(void *argument, cleat__store *store, cleat__json_writer *writer)
{
    const naming *self = argument;
    cleat_status status = CLEAT_OK;
    cleat__writer_begin_object(writer, NULL);
    cleat__writer_begin_array(writer, "rows");
    for (size_t i = 0; i < self->ids.count && status == CLEAT_OK; i++) {
        status = write_name(self, store, &self->ids.items[i], writer);
    }
    cleat__writer_end_array(writer);
    cleat__rest_write_pages(writer, 0, CLEAT__REST_LIMIT_MAX, 1);
    cleat__writer_end_object(writer);
    return status;
}

void cleat__rest_run_names(cleat__http_call *call)
{
    naming self = {.call = call};
    if (cleat__rest_read_ids(call, "external_ids", &self.ids)) {
        cleat__rest_answer(call, write_names, &self);
    }
    cleat__rest_ids_deinit(&self.ids);
}

/* ---- Starting one ---- */

typedef struct starting {
    cleat__http_call *call;
    cleat__trigger trigger;
    bool only_id;
} starting;

static bool read_start(starting *self, const json_t *body)
{
    cleat__http_call *call = self->call;
    const json_t *name = json_object_get(body, "workflowName");
    self->trigger =
        (cleat__trigger){.workflow = {json_string_value(name), json_string_length(name)}, .child_index = -1};
    self->only_id = json_is_true(json_object_get(body, "return_only_id"));
    if (!json_is_string(name)) {
        cleat__http_call_fail(call, 400, "workflowName must be a string");
        return false;
    }
    const cleat__rest_json whole = {call->body, body};
    return cleat__rest_json_object(call, whole, "input", &self->trigger.input) &&
           cleat__rest_json_object(call, whole, "additionalMetadata", &self->trigger.metadata) &&
           cleat__rest_json_priority(call, json_object_get(body, "priority"), &self->trigger.priority);
}

static cleat_status start(const starting *self, cleat__uuid *id)
{
    const cleat__rest *rest = self->call->service;
    return cleat__engine_trigger(rest->engine, self->call->identity.tenant, &self->trigger, 1, id);
}

static void answer_id(cleat__http_call *call, const cleat__uuid *id)
{
    cleat__json_writer writer = {0};
    cleat__writer_begin_object(&writer, NULL);
    cleat__rest_write_uuid(&writer, "id", id);
    cleat__writer_end_object(&writer);
    cleat__http_call_answer_json(call, 200, &writer);
}

static void answer_started(const starting *self, const cleat__uuid *id)
{
    const cleat__trigger *trigger = &self->trigger;
    cleat__rest_run known = {.row = {.id = *id,
                                     .status = CLEAT_RUN_QUEUED,
                                     .workflow = trigger->workflow,
                                     .task_name = trigger->workflow,
                                     .task = trigger->workflow,
                                     .priority = trigger->priority,
                                     .created_at_ms = cleat__uuid_time(id),
                                     .child_index = -1,
                                     .input = trigger->input,
                                     .metadata = trigger->metadata}};
    cleat__rest_answer_started(self->call, &known);
}

void cleat__rest_run_trigger(cleat__http_call *call)
{
    starting self = {.call = call};
    cleat__uuid id;
    json_t *body = cleat__http_call_json(call);
    if (body == NULL) {
        return;
    }
    if (read_start(&self, body)) {
        cleat_status status = start(&self, &id);
        if (status == CLEAT_NOT_FOUND) {
            cleat__rest_fail_workflow(call, self.trigger.workflow);
        } else if (status != CLEAT_OK) {
            cleat__http_call_fail_status(call, status);
        } else if (self.only_id) {
            answer_id(call, &id);
        } else {
            answer_started(&self, &id);
        }
    }
    json_decref(body);
}
