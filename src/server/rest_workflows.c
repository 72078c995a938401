/* GET .../workflows, GET, PATCH and DELETE /api/v1/workflows/{workflow} and its /versions */
#include "rest_parts.h"

#include "base/alloc.h"
#include "base/error.h"
#include "engine/engine.h"
#include "model/derived_id.h"
#include "model/duration.h"

#include <ctype.h>
#include <stdio.h>

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static json_t *read_declaration(const cleat__rest_workflow *row)
{
    return json_loadb(row->declaration.data, row->declaration.size, 0, NULL);
}

/* ---- A version ---- */

static void write_version_meta(cleat__json_writer *writer, const char *key, const cleat__rest_workflow *row,
                               const json_t *declaration)
{
    int64_t made_ms = cleat__uuid_time(&row->version_id);
    cleat__writer_begin_object(writer, key);
    cleat__rest_write_metadata(writer, &row->version_id, made_ms, made_ms);
    cleat__writer_string(writer, "version", text_of(declaration, "version"));
    cleat__writer_int(writer, "order", row->order);
    cleat__rest_write_uuid(writer, "workflowId", &row->id);
}

/* What crons and scheduled runs do while their workflow is paused. */
enum { DROP, QUEUE };
static const char *const behaviors[] = {[DROP] = "DROP", [QUEUE] = "QUEUE"};

static void write_pause(cleat__json_writer *writer, const cleat__pause *pause)
{
    cleat__writer_bool(writer, "isPaused", pause->is_paused);
    if (pause->is_paused) {
        cleat__writer_string(writer, "pausedWorkflowCronRunQueueBehavior",
                             behaviors[pause->queues_crons ? QUEUE : DROP]);
        cleat__writer_string(writer, "pausedWorkflowScheduledRunQueueBehavior",
                             behaviors[pause->queues_schedules ? QUEUE : DROP]);
    }
}

/* The members of a workflow; the caller ends the object. */
static void begin_workflow(cleat__json_writer *writer, const char *key, const cleat__http_call *call,
                           const cleat__rest_workflow *row, const json_t *declaration)
{
    cleat__writer_begin_object(writer, key);
    cleat__rest_write_metadata(writer, &row->id, cleat__uuid_time(&row->id),
                               cleat__uuid_time(&row->version_id));
    cleat__writer_slice(writer, "name", row->name);
    cleat__writer_string(writer, "description", text_of(declaration, "description"));
    write_pause(writer, &row->pause);
    cleat__rest_write_uuid(writer, "tenantId", &call->identity.tenant_id);
}

static void write_workflow(cleat__json_writer *writer, const cleat__http_call *call,
                           const cleat__rest_workflow *row)
{
    json_t *declaration = read_declaration(row);
    begin_workflow(writer, NULL, call, row, declaration);
    cleat__writer_begin_array(writer, "versions");
    write_version_meta(writer, NULL, row, declaration);
    cleat__writer_end_object(writer);
    cleat__writer_end_array(writer);
    cleat__writer_end_object(writer);
    json_decref(declaration);
}

static void write_triggers(cleat__json_writer *writer, const json_t *declaration)
{
    const json_t *keys = json_object_get(declaration, "events");
    cleat__writer_begin_object(writer, "triggers");
    cleat__writer_begin_array(writer, "events");
    for (size_t i = 0; i < json_array_size(keys); i++) {
        cleat__writer_begin_object(writer, NULL);
        cleat__writer_string(writer, "event_key", json_string_value(json_array_get(keys, i)));
        cleat__writer_end_object(writer);
    }
    cleat__writer_end_array(writer);
    cleat__writer_begin_array(writer, "crons");
    const json_t *crons = json_object_get(declaration, "crons");
    for (size_t i = 0; i < json_array_size(crons); i++) {
        cleat__writer_begin_object(writer, NULL);
        cleat__writer_string(writer, "cron", json_string_value(json_array_get(crons, i)));
        cleat__writer_end_object(writer);
    }
    cleat__writer_end_array(writer);
    cleat__writer_end_object(writer);
}

static void write_timeout(cleat__json_writer *writer, const char *key, int64_t ms)
{
    char text[CLEAT__DURATION_TEXT];
    if (ms != CLEAT__NO_TIMEOUT) {
        cleat__duration_format(ms, text);
        cleat__writer_string(writer, key, text);
    }
}

typedef struct step {
    cleat__uuid id;
    cleat_slice name, action;
    int64_t timeout_ms;
    const json_t *said; /* "durable", "slots", "parents" */
} step;

static void write_step(cleat__json_writer *writer, const cleat__http_call *call,
                       const cleat__rest_workflow *row, const step *what)
{
    const json_t *parents = json_object_get(what->said, "parents");
    int64_t made_ms = cleat__uuid_time(&row->version_id);
    cleat__writer_begin_object(writer, NULL);
    cleat__rest_write_metadata(writer, &what->id, made_ms, made_ms);
    cleat__writer_slice(writer, "readableId", what->name);
    cleat__rest_write_uuid(writer, "tenantId", &call->identity.tenant_id);
    cleat__rest_write_uuid(writer, "jobId", &row->version_id);
    cleat__writer_slice(writer, "action", what->action);
    write_timeout(writer, "timeout", what->timeout_ms);
    cleat__writer_bool(writer, "isDurable", json_is_true(json_object_get(what->said, "durable")));
    char *slots = json_dumps(json_object_get(what->said, "slots"), JSON_COMPACT);
    if (slots != NULL) {
        cleat__writer_raw(writer, "slotRequests", cleat_slice_of(slots));
    }
    free(slots);
    if (parents != NULL) {
        cleat__writer_begin_array(writer, "parents");
        for (size_t i = 0; i < json_array_size(parents); i++) {
            cleat__writer_string(writer, NULL, json_string_value(json_array_get(parents, i)));
        }
        cleat__writer_end_array(writer);
    }
    cleat__writer_end_object(writer);
}

typedef struct steps {
    cleat__json_writer *writer;
    const cleat__http_call *call;
    const cleat__rest_workflow *row;
    const json_t *tasks; /* of the declaration */
    uint32_t count;
} steps;

static void write_one_of_several(void *argument, const cleat__rest_step *task)
{
    steps *self = argument;
    step what = {.name = task->name,
                 .action = task->action,
                 .timeout_ms = task->execution_timeout_ms,
                 .said = json_array_get(self->tasks, self->count)};
    (void)cleat__derived_step_id(&self->row->version_id, self->count++, &what.id);
    write_step(self->writer, self->call, self->row, &what);
}

/* Its tasks, as the steps of the one job. */
static cleat_status write_steps(cleat__json_writer *writer, const cleat__http_call *call, cleat__store *store,
                                const cleat__rest_workflow *row, const json_t *declaration)
{
    steps all = {writer, call, row, json_object_get(declaration, "tasks"), 0};
    cleat_status status = CLEAT_OK;
    cleat__writer_begin_array(writer, "steps");
    if (row->is_dag) {
        status = cleat__rest_query_steps(store, row, write_one_of_several, &all);
    } else {
        const step only = {row->id, row->task_name, row->action, row->execution_timeout_ms, declaration};
        write_step(writer, call, row, &only);
    }
    cleat__writer_end_array(writer);
    return status;
}

static cleat_status write_jobs(cleat__json_writer *writer, const cleat__http_call *call, cleat__store *store,
                               const cleat__rest_workflow *row, const json_t *declaration)
{
    int64_t made_ms = cleat__uuid_time(&row->version_id);
    cleat__writer_begin_array(writer, "jobs");
    cleat__writer_begin_object(writer, NULL);
    cleat__rest_write_metadata(writer, &row->version_id, made_ms, made_ms);
    cleat__rest_write_uuid(writer, "tenantId", &call->identity.tenant_id);
    cleat__rest_write_uuid(writer, "versionId", &row->version_id);
    cleat__writer_slice(writer, "name", row->name);
    cleat_status status = write_steps(writer, call, store, row, declaration);
    cleat__writer_end_object(writer);
    cleat__writer_end_array(writer);
    return status;
}

static void write_rule(cleat__json_writer *writer, const cleat__concurrency *rule, cleat_slice task)
{
    cleat__writer_begin_object(writer, NULL);
    cleat__writer_int(writer, "maxRuns", rule->max_runs);
    cleat__writer_string(writer, "limitStrategy", cleat__concurrency_strategy_name(rule->strategy));
    cleat__writer_slice(writer, "expression", rule->expression);
    cleat__writer_string(writer, "scope", rule->is_of_workflow ? "WORKFLOW" : "TASK");
    if (!rule->is_of_workflow) {
        cleat__writer_slice(writer, "stepReadableId", task);
    }
    cleat__writer_end_object(writer);
}

/* The array begins with the first there is. */
static void write_rule_list(cleat__json_writer *writer, const json_t *of_workflow, const json_t *of_task,
                            cleat_slice task, bool *has_any)
{
    cleat__concurrency_list *list = NULL;
    if (cleat__concurrency_decode(of_workflow, of_task, &list) != CLEAT_OK) {
        return;
    }
    for (size_t i = 0; list != NULL && i < list->count; i++) {
        if (!*has_any) {
            cleat__writer_begin_array(writer, "v1Concurrency");
        }
        *has_any = true;
        write_rule(writer, &list->items[i], task);
    }
    cleat__free(list);
}

static void write_rules(cleat__json_writer *writer, const cleat__rest_workflow *row,
                        const json_t *declaration)
{
    const json_t *tasks = json_object_get(declaration, "tasks");
    bool has_any = false;
    write_rule_list(writer, json_object_get(declaration, "concurrency"),
                    json_object_get(declaration, "task_concurrency"), row->task_name, &has_any);
    for (size_t i = 0; i < json_array_size(tasks); i++) {
        const json_t *task = json_array_get(tasks, i);
        write_rule_list(writer, NULL, json_object_get(task, "concurrency"),
                        cleat_slice_of(text_of(task, "name")), &has_any);
    }
    if (has_any) {
        cleat__writer_end_array(writer);
    }
}

static void write_options(cleat__json_writer *writer, const cleat__rest_workflow *row,
                          const json_t *declaration)
{
    json_int_t sticky = json_integer_value(json_object_get(declaration, "sticky"));
    const char *schema = text_of(declaration, "schema");
    if (sticky != CLEAT__STICKY_NONE) {
        cleat__writer_string(writer, "sticky", sticky == CLEAT__STICKY_SOFT ? "SOFT" : "HARD");
    }
    cleat__writer_int(writer, "defaultPriority", row->priority);
    write_timeout(writer, "scheduleTimeout", row->schedule_timeout_ms);
    if (schema[0] != '\0') {
        cleat__writer_raw(writer, "inputJsonSchema", cleat_slice_of(schema));
    }
    write_rules(writer, row, declaration);
}

typedef struct version {
    cleat__http_call *call;
    cleat__uuid id, version_id;
    bool has_version;
} version;

static cleat_status write_version(void *argument, cleat__store *store, cleat__json_writer *writer)
{
    const version *self = argument;
    cleat__rest_workflow row;
    cleat_status status = cleat__rest_query_workflow(store, self->call->identity.tenant, &self->id,
                                                     self->has_version ? &self->version_id : NULL, &row);
    if (status != CLEAT_OK) {
        return status;
    }
    json_t *declaration = read_declaration(&row);
    write_version_meta(writer, NULL, &row, declaration);
    write_options(writer, &row, declaration);
    begin_workflow(writer, "workflow", self->call, &row, declaration);
    cleat__writer_end_object(writer);
    write_triggers(writer, declaration);
    status = write_jobs(writer, self->call, store, &row, declaration);
    cleat__writer_end_object(writer);
    json_decref(declaration);
    return status;
}

void cleat__rest_workflow_version(cleat__http_call *call)
{
    version self = {.call = call, .id = cleat__http_call_id(call, "workflow")};
    if (cleat__http_call_uuid(call, "version", &self.version_id, &self.has_version)) {
        cleat__rest_answer(call, write_version, &self);
    }
}

/* ---- One ---- */

static cleat_status write_one(const cleat__http_call *call, cleat__store *store, const cleat__uuid *id,
                              cleat__json_writer *writer)
{
    cleat__rest_workflow row;
    cleat_status status = cleat__rest_query_workflow(store, call->identity.tenant, id, NULL, &row);
    if (status == CLEAT_OK) {
        write_workflow(writer, call, &row);
    }
    return status;
}

void cleat__rest_workflow_get(cleat__http_call *call)
{
    cleat__rest_answer_part(call, "workflow", write_one);
}

/* What is not there is DROP. */
static bool read_behavior(cleat__http_call *call, const json_t *pause, const char *name, bool *queues)
{
    const json_t *value = json_object_get(pause, name);
    const char *text = json_string_value(value);
    bool is_absent = value == NULL || json_is_null(value);
    if (!is_absent &&
        (text == NULL || (strcmp(text, behaviors[DROP]) != 0 && strcmp(text, behaviors[QUEUE]) != 0))) {
        cleat__http_call_fail(call, 400, "%s must be DROP or QUEUE", name);
        return false;
    }
    *queues = !is_absent && strcmp(text, behaviors[QUEUE]) == 0;
    return true;
}

/* What is not there, or empty, has no end. */
static bool read_ttl(cleat__http_call *call, const json_t *value, int64_t *ttl_ms)
{
    static const char name[] = "pausedWorkflowQueueTTL";
    if (value != NULL && !json_is_null(value) && !json_is_string(value)) {
        cleat__http_call_fail(call, 400, "%s must be a string", name);
        return false;
    }
    *ttl_ms = CLEAT__NO_TIMEOUT;
    if (json_string_length(value) == 0) {
        return true;
    }
    const cleat_slice text = {json_string_value(value), json_string_length(value)};
    cleat_status status = cleat__duration_parse_days(name, text, ttl_ms);
    if (status != CLEAT_OK) {
        cleat__http_call_fail_status(call, status);
    }
    return status == CLEAT_OK;
}

static bool read_pause(cleat__http_call *call, const json_t *said, cleat__pause *out)
{
    const char *action = json_string_value(json_object_get(said, "action"));
    bool is_known = action != NULL && (strcmp(action, "pause") == 0 || strcmp(action, "unpause") == 0);
    if (!is_known) {
        cleat__http_call_fail(call, 400, "pause.action must be \"pause\" or \"unpause\"");
        return false;
    }
    *out = (cleat__pause){.is_paused = action[0] == 'p', .ttl_ms = CLEAT__NO_TIMEOUT};
    return !out->is_paused ||
           (read_behavior(call, said, "pausedWorkflowCronRunQueueBehavior", &out->queues_crons) &&
            read_behavior(call, said, "pausedWorkflowScheduledRunQueueBehavior", &out->queues_schedules) &&
            read_ttl(call, json_object_get(said, "pausedWorkflowQueueTTL"), &out->ttl_ms));
}

/* A body that says nothing changes nothing. */
static void update(cleat__http_call *call, const json_t *said)
{
    cleat__command command = {.kind = CLEAT__COMMAND_PAUSE_WORKFLOW,
                              .as.pause_workflow.id = cleat__http_call_id(call, "workflow")};
    bool is_asked = said != NULL && !json_is_null(said);
    if (is_asked && !read_pause(call, said, &command.as.pause_workflow.pause)) {
        return;
    }
    cleat_status status = is_asked ? cleat__rest_ask(call, &command) : CLEAT_OK;
    if (status == CLEAT_OK) {
        cleat__rest_answer_row(call, &command.as.pause_workflow.id, write_one);
    } else {
        cleat__http_call_fail_status(call, status);
    }
}

void cleat__rest_workflow_update(cleat__http_call *call)
{
    json_t *body = cleat__http_call_json(call);
    if (body != NULL) {
        update(call, json_object_get(body, "pause"));
    }
    json_decref(body);
}

void cleat__rest_workflow_delete(cleat__http_call *call)
{
    const cleat__rest *rest = call->service;
    cleat__uuid id = cleat__http_call_id(call, "workflow");
    cleat_status status = cleat__engine_delete_workflow(rest->engine, call->identity.tenant, &id);
    if (status == CLEAT_OK) {
        cleat__http_call_answer_nothing(call, 204);
    } else {
        cleat__http_call_fail_status(call, status);
    }
}

/* ---- All ---- */

typedef struct list {
    cleat__http_call *call;
    cleat__json_writer *writer;
    cleat_slice search;
    cleat__rest_page page;
} list;

static bool begins(const char *text, cleat_slice with)
{
    for (size_t i = 0; i < with.size; i++) {
        if (tolower((unsigned char)text[i]) != tolower((unsigned char)with.data[i])) {
            return false;
        }
    }
    return true;
}

static bool contains(cleat_slice text, cleat_slice part)
{
    for (size_t i = 0; part.size <= text.size && i <= text.size - part.size; i++) {
        if (begins(text.data + i, part)) {
            return true;
        }
    }
    return false;
}

static bool write_row(void *argument, const cleat__rest_workflow *row)
{
    list *self = argument;
    if (contains(row->name, self->search) && cleat__rest_page_take(&self->page)) {
        write_workflow(self->writer, self->call, row);
    }
    return cleat__rest_page_goes_on(&self->page) && !cleat__answer_is_full(self->writer);
}

static cleat_status write_list(void *argument, cleat__store *store, cleat__json_writer *writer)
{
    list *self = argument;
    self->writer = writer;
    cleat__writer_begin_object(writer, NULL);
    cleat__writer_begin_array(writer, "rows");
    cleat_status status = cleat__rest_query_workflows(store, self->call->identity.tenant, write_row, self);
    cleat__writer_end_array(writer);
    cleat__rest_write_pages(writer, self->page.offset, self->page.limit, self->page.total);
    cleat__writer_end_object(writer);
    return status;
}

void cleat__rest_workflow_list(cleat__http_call *call)
{
    list self = {.call = call, .search = cleat__http_call_argument(call, "name")};
    if (cleat__rest_read_page(call, &self.page)) {
        cleat__rest_answer(call, write_list, &self);
    }
}
