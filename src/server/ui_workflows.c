/* GET workflows, with what lives of each, GET schedules and GET crons */
#include "base/alloc.h"
#include "base/error.h"
#include "base/map.h"
#include "model/workflow.h"
#include "store/cron.h"
#include "ui_parts.h"

/* ---- What lives, by action and task ---- */

typedef struct queue {
    cleat__buffer key;
    cleat__queue_row counts; /* without its texts */
} queue;

typedef struct queues {
    cleat__map by_key;
    cleat__buffer wanted; /* the key that is looked for */
    cleat_status status;
} queues;

static void append_key(cleat__buffer *out, cleat_slice action, cleat_slice task)
{
    cleat__buffer_append_slice(out, action);
    cleat__buffer_append_byte(out, '\0');
    cleat__buffer_append_slice(out, task);
}

static void queue_free(queue *it)
{
    if (it != NULL) {
        cleat__buffer_deinit(&it->key);
    }
    cleat__free(it);
}

static bool add_queue(void *argument, const cleat__queue_row *row)
{
    queues *self = argument;
    queue *made = cleat__calloc(1, sizeof(*made));
    self->status = made != NULL ? CLEAT_OK : cleat__fail_memory();
    if (made == NULL) {
        return false;
    }
    made->counts = *row;
    append_key(&made->key, row->action, row->task_name);
    self->status = made->key.failed ? cleat__fail_memory()
                                    : cleat__map_put(&self->by_key, cleat__buffer_slice(&made->key), made);
    if (self->status != CLEAT_OK) {
        queue_free(made);
    }
    return self->status == CLEAT_OK;
}

static void queues_deinit(queues *self)
{
    queue *each;
    size_t cursor = 0;
    while ((each = cleat__map_next(&self->by_key, &cursor)) != NULL) {
        queue_free(each);
    }
    cleat__map_deinit(&self->by_key);
    cleat__buffer_deinit(&self->wanted);
}

static const cleat__queue_row *find_queue(queues *self, cleat_slice action, cleat_slice task)
{
    static const cleat__queue_row none;
    self->wanted.size = 0;
    append_key(&self->wanted, action, task);
    const queue *found = cleat__map_get(&self->by_key, cleat__buffer_slice(&self->wanted));
    return found != NULL && !self->wanted.failed ? &found->counts : &none;
}

static void add_up(cleat__queue_row *sum, const cleat__queue_row *more)
{
    int64_t oldest = more->oldest_queued_at_ms;
    sum->queued += more->queued;
    sum->running += more->running;
    sum->evicted += more->evicted;
    if (oldest != 0 && (sum->oldest_queued_at_ms == 0 || oldest < sum->oldest_queued_at_ms)) {
        sum->oldest_queued_at_ms = oldest;
    }
}

/* ---- Workflows ---- */

enum { TASKS_MOST = 50 }; /* that are told one by one, of each */

typedef struct list {
    cleat__json_writer *writer;
    cleat__store *store;
    queues *queues;
    cleat_status status;
} list;

static void write_timeout(cleat__json_writer *writer, const char *key, int64_t ms)
{
    if (ms != CLEAT__NO_TIMEOUT) {
        cleat__writer_int(writer, key, ms);
    } else {
        cleat__ui_write_null(writer, key);
    }
}

static void write_declaration(cleat__json_writer *writer, cleat_slice text)
{
    json_t *declaration = json_loadb(text.data, text.size, 0, NULL);
    const json_t *keys = json_object_get(declaration, "events");
    cleat__writer_bool(writer, "is_durable", json_is_true(json_object_get(declaration, "durable")));
    cleat__writer_begin_array(writer, "events");
    for (size_t i = 0; i < json_array_size(keys); i++) {
        cleat__writer_string(writer, NULL, json_string_value(json_array_get(keys, i)));
    }
    cleat__writer_end_array(writer);
    const json_t *crons = json_object_get(declaration, "crons");
    cleat__writer_begin_array(writer, "crons");
    for (size_t i = 0; i < json_array_size(crons); i++) {
        cleat__writer_string(writer, NULL, json_string_value(json_array_get(crons, i)));
    }
    cleat__writer_end_array(writer);
    json_decref(declaration);
}

static void write_lives(cleat__json_writer *writer, const cleat__queue_row *lives)
{
    cleat__writer_int(writer, "queued", lives->queued);
    cleat__writer_int(writer, "running", lives->running);
    cleat__writer_int(writer, "evicted", lives->evicted);
    cleat__ui_write_time(writer, "oldest_queued_at_ms", lives->oldest_queued_at_ms);
}

static void write_policy(cleat__json_writer *writer, const cleat__rest_step *task)
{
    cleat__writer_int(writer, "retries", task->retries);
    write_timeout(writer, "execution_timeout_ms", task->execution_timeout_ms);
    write_timeout(writer, "schedule_timeout_ms", task->schedule_timeout_ms);
}

typedef struct tasks {
    cleat__json_writer *writer;
    queues *queues;
    int64_t count;
    cleat__queue_row sum; /* of what lives of all of them */
} tasks;

static void write_task(void *argument, const cleat__rest_step *task)
{
    tasks *self = argument;
    cleat__json_writer *writer = self->writer;
    const cleat__queue_row *lives = find_queue(self->queues, task->action, task->name);
    add_up(&self->sum, lives);
    if (++self->count <= TASKS_MOST) {
        cleat__writer_begin_object(writer, NULL);
        cleat__writer_slice(writer, "name", task->name);
        cleat__writer_slice(writer, "action", task->action);
        write_policy(writer, task);
        write_lives(writer, lives);
        cleat__writer_end_object(writer);
    }
}

/* Of several the workflow's own is none that a worker has: what there is to say is said of them. */
static cleat_status write_tasks(const list *self, const cleat__rest_workflow *row)
{
    cleat__json_writer *writer = self->writer;
    tasks all = {.writer = writer, .queues = self->queues};
    const cleat__rest_step only = {.name = row->task_name,
                                   .action = row->action,
                                   .retries = row->retries,
                                   .execution_timeout_ms = row->execution_timeout_ms,
                                   .schedule_timeout_ms = row->schedule_timeout_ms};
    cleat_status status = CLEAT_OK;
    cleat__writer_begin_array(writer, "tasks");
    if (row->is_dag) {
        status = cleat__rest_query_steps(self->store, row, write_task, &all);
    } else {
        write_task(&all, &only);
    }
    cleat__writer_end_array(writer);
    cleat__writer_int(writer, "task_count", all.count);
    if (row->is_dag) {
        cleat__ui_write_null(writer, "retries");
        cleat__ui_write_null(writer, "execution_timeout_ms");
        cleat__ui_write_null(writer, "schedule_timeout_ms");
    } else {
        write_policy(writer, &only);
    }
    write_lives(writer, &all.sum);
    return status;
}

static bool write_workflow(void *argument, const cleat__rest_workflow *row)
{
    list *self = argument;
    cleat__json_writer *writer = self->writer;
    cleat__writer_begin_object(writer, NULL);
    cleat__ui_write_uuid(writer, "id", &row->id);
    cleat__writer_slice(writer, "name", row->name);
    cleat__writer_slice(writer, "task", row->task_name);
    cleat__writer_slice(writer, "action", row->action);
    cleat__writer_int(writer, "version_count", row->order);
    cleat__writer_bool(writer, "is_paused", row->pause.is_paused);
    cleat__ui_write_time(writer, "declared_at_ms", cleat__uuid_time(&row->version_id));
    write_declaration(writer, row->declaration);
    cleat__writer_int(writer, "priority", row->priority);
    self->status = write_tasks(self, row);
    cleat__writer_end_object(writer);
    return self->status == CLEAT_OK && !cleat__answer_is_full(writer);
}

static cleat_status write_workflows(void *argument, cleat__store *store, cleat__json_writer *writer)
{
    const cleat__http_call *call = argument;
    queues found = {0};
    list self = {writer, store, &found, CLEAT_OK};
    cleat_status status = cleat__queue_count(store, call->identity.tenant, add_queue, &found);
    status = status == CLEAT_OK ? found.status : status;
    cleat__ui_begin_rows(writer);
    if (status == CLEAT_OK) {
        status = cleat__rest_query_workflows(store, call->identity.tenant, write_workflow, &self);
    }
    status = status == CLEAT_OK ? self.status : status;
    cleat__ui_end_rows(writer);
    writer->out.failed = writer->out.failed || found.wanted.failed;
    queues_deinit(&found);
    return status;
}

void cleat__ui_workflow_list(cleat__http_call *call)
{
    cleat__ui_answer(call, write_workflows, call);
}

/* ---- Schedules ---- */

enum { SCHEDULES_MOST = 1000 };

typedef struct plan {
    cleat__json_writer *writer;
    int64_t count;
} plan;

static bool write_schedule(void *argument, const cleat__rest_schedule *it)
{
    plan *self = argument;
    cleat__json_writer *writer = self->writer;
    const cleat__schedule *schedule = &it->row.schedule;
    cleat__writer_begin_object(writer, NULL);
    cleat__ui_write_uuid(writer, "id", &it->row.id);
    cleat__writer_slice(writer, "workflow", schedule->workflow);
    cleat__writer_int(writer, "at_ms", it->row.at_ms);
    cleat__writer_int(writer, "created_at_ms", it->row.created_at_ms);
    if (schedule->priority != 0) {
        cleat__writer_int(writer, "priority", schedule->priority);
    } else {
        cleat__ui_write_null(writer, "priority");
    }
    cleat__writer_raw(writer, "metadata", schedule->metadata);
    cleat__writer_end_object(writer);
    return ++self->count < SCHEDULES_MOST && !cleat__answer_is_full(writer);
}

static cleat_status write_schedules(void *argument, cleat__store *store, cleat__json_writer *writer)
{
    const cleat__http_call *call = argument;
    const cleat__rest_schedule_filter filter = {.is_ascending = true};
    plan self = {.writer = writer};
    cleat__ui_begin_rows(writer);
    cleat_status status =
        cleat__rest_query_schedules(store, call->identity.tenant, &filter, write_schedule, &self);
    cleat__ui_end_rows(writer);
    return status;
}

void cleat__ui_schedule_list(cleat__http_call *call)
{
    cleat__ui_answer(call, write_schedules, call);
}

/* ---- Crons ---- */

static bool write_cron(void *argument, const cleat__cron_row *row)
{
    plan *self = argument;
    cleat__json_writer *writer = self->writer;
    cleat__writer_begin_object(writer, NULL);
    cleat__ui_write_uuid(writer, "id", &row->id);
    cleat__writer_slice(writer, "workflow", row->what.workflow);
    cleat__writer_slice(writer, "name", row->what.name);
    cleat__writer_slice(writer, "expression", row->what.expression);
    cleat__writer_bool(writer, "is_enabled", row->is_enabled);
    cleat__ui_write_time(writer, "next_at_ms", row->is_enabled ? row->next_at_ms : 0);
    cleat__ui_write_time(writer, "fired_at_ms", row->fired_at_ms);
    cleat__writer_int(writer, "created_at_ms", row->created_at_ms);
    cleat__writer_raw(writer, "metadata", row->what.metadata);
    cleat__writer_end_object(writer);
    return ++self->count < SCHEDULES_MOST && !cleat__answer_is_full(writer);
}

static cleat_status write_crons(void *argument, cleat__store *store, cleat__json_writer *writer)
{
    const cleat__http_call *call = argument;
    const cleat__cron_order newest = {.is_by_name = false};
    plan self = {.writer = writer};
    cleat__ui_begin_rows(writer);
    cleat_status status = cleat__cron_list(store, call->identity.tenant, newest, write_cron, &self);
    cleat__ui_end_rows(writer);
    return status;
}

void cleat__ui_cron_list(cleat__http_call *call)
{
    cleat__ui_answer(call, write_crons, call);
}
