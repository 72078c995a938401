/* POST .../tasks/cancel and replay: runs by their ids or by a filter. */
#include "rest_parts.h"

#include "base/error.h"
#include "base/gate.h"
#include "engine/run_batch.h"

/* A handler that waits for its batch. */
typedef struct doing {
    cleat__http_call *call;
    cleat__rest_ids ids;
    cleat__run_batch batch;
    cleat__gate over;
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

static bool add_run(void *argument, const cleat__uuid *id)
{
    finding *self = argument;
    self->status = cleat__rest_ids_add(self->ids, id);
    return self->status == CLEAT_OK;
}

static cleat_status find(cleat__http_call *call, const cleat__rest_filter *filter, cleat__rest_ids *ids)
{
    finding found = {ids, CLEAT_OK};
    cleat__store *store = NULL;
    cleat_status status = cleat__rest_take(call, &store);
    if (status == CLEAT_OK) {
        status = cleat__rest_query_run_ids(store, call->identity.tenant, filter, add_run, &found, NULL);
    }
    cleat__rest_give(call, store);
    return status == CLEAT_OK ? found.status : status;
}

static bool find_ids(doing *self, json_t *object, size_t max)
{
    cleat__rest_filter filter = {0};
    bool is_good = read_filter(self->call, object, max, &filter);
    cleat_status status = is_good ? find(self->call, &filter, &self->ids) : CLEAT_OK;
    if (status != CLEAT_OK) {
        cleat__http_call_fail_status(self->call, status);
    }
    cleat__rest_filter_deinit(&filter);
    return is_good && status == CLEAT_OK;
}

/* ---- Doing it ---- */

static void on_over(void *argument)
{
    cleat__gate_open(&((doing *)argument)->over);
}

static bool goes_on(void *argument)
{
    return !cleat__http_call_is_over(((const doing *)argument)->call);
}

static void run(doing *self, cleat__command_kind kind, bool is_named)
{
    self->batch = (cleat__run_batch){
        .engine = ((const cleat__rest *)self->call->service)->engine,
        .tenant = self->call->identity.tenant,
        .kind = kind,
        .follows = is_named,
        .ids = self->ids.items,
        .count = self->ids.count,
        .goes_on = goes_on,
        .done = on_over,
        .argument = self,
    };
    cleat__gate_init(&self->over);
    cleat__run_batch_start(&self->batch);
    (void)cleat__gate_wait(&self->over, INT64_MAX); /* it ends soon when it does not go on */
    cleat__gate_deinit(&self->over);
}

static void answer_ids(doing *self)
{
    cleat__json_writer writer = {0};
    cleat__writer_begin_object(&writer, NULL);
    cleat__writer_begin_array(&writer, "ids");
    for (size_t i = 0; i < self->batch.accepted; i++) {
        cleat__rest_write_uuid(&writer, NULL, &self->batch.ids[i]);
    }
    cleat__writer_end_array(&writer);
    cleat__writer_end_object(&writer);
    cleat__http_call_answer_json(self->call, 200, &writer);
}

static void apply(doing *self, cleat__command_kind kind, bool is_named)
{
    run(self, kind, is_named);
    cleat_status status = self->batch.status;
    if (status == CLEAT_OK) {
        answer_ids(self);
    } else {
        const char *sentence = self->batch.error != NULL ? self->batch.error : cleat_status_text(status);
        /* Only the server gives up: the same request may have more luck. */
        status = status == CLEAT_CANCELLED ? CLEAT_TIMEOUT : status;
        cleat__http_call_fail_status(self->call, cleat__fail(status, "%s", sentence));
    }
    cleat__run_batch_deinit(&self->batch);
}

static void act(cleat__http_call *call, cleat__command_kind kind)
{
    doing self = {.call = call};
    size_t max = cleat__run_batch_max(kind);
    json_t *body = cleat__http_call_json(call);
    if (body == NULL) {
        return;
    }
    json_t *ids = json_object_get(body, "externalIds"), *filter = json_object_get(body, "filter");
    bool has_ids = ids != NULL && !json_is_null(ids), has_filter = filter != NULL && !json_is_null(filter);
    if (has_ids == has_filter) {
        cleat__http_call_fail(call, 400, "give either externalIds or filter");
    } else if (has_ids ? cleat__rest_json_ids(call, "externalIds", ids, max, &self.ids)
                       : find_ids(&self, filter, max)) {
        apply(&self, kind, has_ids);
    }
    cleat__rest_ids_deinit(&self.ids);
    json_decref(body);
}

void cleat__rest_cancel(cleat__http_call *call)
{
    act(call, CLEAT__COMMAND_CANCEL);
}

void cleat__rest_replay(cleat__http_call *call)
{
    act(call, CLEAT__COMMAND_REPLAY);
}
