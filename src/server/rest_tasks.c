/*
 * POST .../tasks/cancel and replay: runs by their ids or by a filter. Each is a command of its own; all are handed over
 * before the first is waited for, so that the engine takes them in batches.
 */
#include "rest_parts.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/thread.h"
#include "engine/command.h"

/* What is done to runs. */
typedef struct action {
    cleat__command_kind kind;
    size_t max; /* runs at once */
} action;

struct doing;
typedef struct item {
    cleat__command command; /* first */
    struct doing *owner;
} item;

typedef struct doing {
    cleat__http_call *call;
    const action *action;
    cleat__rest_ids ids;
    item *items;
    pthread_mutex_t mutex; /* guards `left` */
    pthread_cond_t over;
    size_t left; /* not yet answered */
} doing;

/* ---- By a filter ---- */

static bool read_filter(cleat__http_call *call, json_t *object, size_t max, cleat__rest_filter *out)
{
    const json_t *until = json_object_get(object, "until");
    *out = (cleat__rest_filter){.until_ms = INT64_MAX, .limit = (int64_t)max};
    if (!json_is_object(object)) {
        cleat__http_call_fail(call, 400, "filter must be an object");
        return false;
    }
    return cleat__rest_json_time(call, "filter.since", json_object_get(object, "since"), &out->since_ms) &&
           (until == NULL || json_is_null(until) ||
            cleat__rest_json_time(call, "filter.until", until, &out->until_ms)) &&
           cleat__rest_json_statuses(call, "filter.statuses", json_object_get(object, "statuses"),
                                     &out->statuses) &&
           cleat__rest_json_ids(call, "filter.workflowIds", json_object_get(object, "workflowIds"),
                                CLEAT__REST_LIMIT_MAX, &out->workflows) &&
           cleat__rest_json_pairs(call, "filter.additionalMetadata",
                                  json_object_get(object, "additionalMetadata"), &out->metadata);
}

typedef struct finding {
    cleat__rest_ids *ids;
    cleat_status status;
} finding;

static bool add_run(void *argument, const cleat__rest_run *run)
{
    finding *self = argument;
    self->status = cleat__rest_ids_add(self->ids, &run->row.id);
    return self->status == CLEAT_OK;
}

static cleat_status find(cleat__http_call *call, const cleat__rest_filter *filter, cleat__rest_ids *ids)
{
    cleat__rest *rest = call->service;
    finding found = {ids, CLEAT_OK};
    cleat__store *store = NULL;
    int64_t total;
    cleat_status status = cleat__rest_take(rest, &store);
    if (status == CLEAT_OK) {
        status = cleat__rest_query_runs(store, call->identity.tenant, filter, add_run, &found, NULL, &total);
    }
    cleat__rest_give(rest, store);
    return status == CLEAT_OK ? found.status : status;
}

static bool find_ids(doing *self, json_t *object)
{
    cleat__rest_filter filter = {0};
    bool is_good = read_filter(self->call, object, self->action->max, &filter);
    cleat_status status = is_good ? find(self->call, &filter, &self->ids) : CLEAT_OK;
    if (status != CLEAT_OK) {
        cleat__http_call_fail_status(self->call, status);
    }
    cleat__rest_filter_deinit(&filter);
    return is_good && status == CLEAT_OK;
}

/* ---- Doing it ---- */

static void on_done(cleat__command *command)
{
    doing *self = ((item *)command)->owner;
    pthread_mutex_lock(&self->mutex);
    if (--self->left == 0) {
        pthread_cond_signal(&self->over);
    }
    pthread_mutex_unlock(&self->mutex);
}

static void submit_all(doing *self)
{
    const cleat__rest *rest = self->call->service;
    self->left = self->ids.count;
    for (size_t i = 0; i < self->ids.count; i++) {
        self->items[i].owner = self;
        self->items[i].command = (cleat__command){
            .kind = self->action->kind,
            .tenant = self->call->identity.tenant,
            .done = on_done,
            .as.id = self->ids.items[i],
        };
        cleat__engine_submit(rest->engine, &self->items[i].command);
    }
    pthread_mutex_lock(&self->mutex);
    while (self->left != 0) {
        pthread_cond_wait(&self->over, &self->mutex);
    }
    pthread_mutex_unlock(&self->mutex);
}

/* Runs of other tenants, and unknown ones, are passed over; those in a state in which there is nothing to do
 * are accepted. */
static cleat_status write_ids(const doing *self, cleat__json_writer *writer)
{
    cleat_status status = CLEAT_OK;
    cleat__writer_begin_object(writer, NULL);
    cleat__writer_begin_array(writer, "ids");
    for (size_t i = 0; i < self->ids.count; i++) {
        const cleat__command *command = &self->items[i].command;
        if (command->status == CLEAT_OK || command->status == CLEAT_FAILED_PRECONDITION) {
            cleat__rest_write_uuid(writer, NULL, &self->ids.items[i]);
        } else if (command->status != CLEAT_NOT_FOUND && status == CLEAT_OK) {
            status =
                cleat__fail(command->status, "%s",
                            command->error != NULL ? command->error : cleat_status_text(command->status));
        }
    }
    cleat__writer_end_array(writer);
    cleat__writer_end_object(writer);
    return status;
}

static void apply(doing *self)
{
    cleat__json_writer writer = {0};
    self->items = cleat__calloc(self->ids.count + 1, sizeof(*self->items));
    if (self->items == NULL) {
        cleat__http_call_fail_status(self->call, cleat__fail_memory());
        return;
    }
    pthread_mutex_init(&self->mutex, NULL);
    pthread_cond_init(&self->over, NULL);
    submit_all(self);
    cleat_status status = write_ids(self, &writer);
    if (status == CLEAT_OK) {
        cleat__http_call_answer_json(self->call, 200, &writer);
    } else {
        cleat__http_call_fail_status(self->call, status);
    }
    cleat__buffer_deinit(&writer.out);
    for (size_t i = 0; i < self->ids.count; i++) {
        cleat__free(self->items[i].command.error);
    }
    pthread_cond_destroy(&self->over);
    pthread_mutex_destroy(&self->mutex);
    cleat__free(self->items);
}

static void act(cleat__http_call *call, const action *what)
{
    doing self = {.call = call, .action = what};
    json_t *body = cleat__http_call_json(call);
    if (body == NULL) {
        return;
    }
    json_t *ids = json_object_get(body, "externalIds"), *filter = json_object_get(body, "filter");
    bool has_ids = ids != NULL && !json_is_null(ids), has_filter = filter != NULL && !json_is_null(filter);
    if (has_ids == has_filter) {
        cleat__http_call_fail(call, 400, "give either externalIds or filter");
    } else if (has_ids ? cleat__rest_json_ids(call, "externalIds", ids, what->max, &self.ids)
                       : find_ids(&self, filter)) {
        apply(&self);
    }
    cleat__rest_ids_deinit(&self.ids);
    json_decref(body);
}

void cleat__rest_cancel(cleat__http_call *call)
{
    static const action cancel = {CLEAT__COMMAND_CANCEL, 20000};
    act(call, &cancel);
}

void cleat__rest_replay(cleat__http_call *call)
{
    static const action replay = {CLEAT__COMMAND_REPLAY, 1000};
    act(call, &replay);
}
