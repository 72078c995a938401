/* GET .../events, .../events/{v1Event} and .../events/keys */
#include "rest_parts.h"

#include "base/error.h"
#include "store/event_choice.h"

/* ---- One row ---- */

typedef struct started {
    cleat__json_writer *writer;
    int64_t by_status[CLEAT__RUN_SHOWN_STATES];
} started;

static bool write_started(void *argument, const cleat__event_started *row)
{
    started *self = argument;
    self->by_status[row->status]++;
    cleat__writer_begin_object(self->writer, NULL);
    cleat__rest_write_uuid(self->writer, "workflowRunId", &row->id);
    if (!cleat__uuid_is_nil(&row->filter_id)) {
        cleat__rest_write_uuid(self->writer, "filterId", &row->filter_id);
    }
    cleat__writer_end_object(self->writer);
    return true;
}

static void write_counts(cleat__json_writer *writer, const int64_t by_status[CLEAT__RUN_SHOWN_STATES])
{
    cleat__writer_begin_object(writer, "workflowRunSummary");
    cleat__writer_int(writer, "running", by_status[CLEAT_RUN_RUNNING] + by_status[CLEAT_RUN_EVICTED]);
    cleat__writer_int(writer, "queued", by_status[CLEAT_RUN_QUEUED]);
    cleat__writer_int(writer, "succeeded", by_status[CLEAT_RUN_COMPLETED]);
    cleat__writer_int(writer, "failed", by_status[CLEAT_RUN_FAILED]);
    cleat__writer_int(writer, "cancelled", by_status[CLEAT_RUN_CANCELLED]);
    cleat__writer_end_object(writer);
}

static cleat_status write_event(cleat__json_writer *writer, const char *key, const cleat__http_call *call,
                                cleat__store *store, const cleat__event_row *row)
{
    started runs = {.writer = writer};
    cleat__writer_begin_object(writer, key);
    cleat__rest_write_metadata(writer, &row->id, row->created_at_ms, row->created_at_ms);
    cleat__writer_slice(writer, "key", row->key);
    cleat__rest_write_uuid(writer, "tenantId", &call->identity.tenant_id);
    cleat__rest_write_payload(writer, "additionalMetadata", row->metadata);
    cleat__rest_write_payload(writer, "payload", row->payload);
    if (row->scope.data != NULL) {
        cleat__writer_slice(writer, "scope", row->scope);
    }
    if (row->webhook.data != NULL) {
        cleat__writer_slice(writer, "triggeringWebhookName", row->webhook);
    }
    cleat__rest_write_time(writer, "seenAt", row->created_at_ms);
    cleat__writer_begin_array(writer, "triggeredRuns");
    cleat_status status =
        cleat__event_list_started(store, call->identity.tenant, &row->id, write_started, &runs);
    cleat__writer_end_array(writer);
    write_counts(writer, runs.by_status);
    cleat__writer_end_object(writer);
    return status;
}

cleat_status cleat__rest_write_event(cleat__json_writer *writer, const char *key,
                                     const cleat__http_call *call, cleat__store *store, const cleat__uuid *id)
{
    cleat__event_row row;
    cleat_status status = cleat__event_get(store, call->identity.tenant, id, &row);
    return status == CLEAT_OK ? write_event(writer, key, call, store, &row) : status;
}

static cleat_status write_one(const cleat__http_call *call, cleat__store *store, const cleat__uuid *id,
                              cleat__json_writer *writer)
{
    return cleat__rest_write_event(writer, NULL, call, store, id);
}

void cleat__rest_event_get(cleat__http_call *call)
{
    cleat__rest_answer_part(call, "v1Event", write_one);
}

/* ---- Many ---- */

typedef struct list {
    cleat__http_call *call;
    cleat__json_writer *writer;
    cleat__store *store;
    cleat__rest_page page;
    cleat__event_choice choice;     /* refers to what follows */
    cleat__rest_ids ids, workflows; /* of events; of workflows one of which it started */
    json_t *keys, *scopes;
    json_t *metadata; /* all of these */
    cleat_status status;
} list;

static bool read_query(list *self)
{
    cleat__http_call *call = self->call;
    cleat__event_choice *choice = &self->choice;
    choice->until_ms = INT64_MAX;
    bool is_read = cleat__rest_read_page(call, &self->page) &&
                   cleat__http_call_time(call, "since", &choice->since_ms) &&
                   cleat__http_call_time(call, "until", &choice->until_ms) &&
                   cleat__rest_read_ids(call, "eventIds", &self->ids) &&
                   cleat__rest_read_ids(call, "workflowIds", &self->workflows) &&
                   cleat__rest_read_statuses(call, "workflowRunStatuses", &choice->statuses) &&
                   cleat__rest_read_texts(call, "keys", &self->keys) &&
                   cleat__rest_read_texts(call, "scopes", &self->scopes) &&
                   cleat__rest_read_pairs(call, "additionalMetadata", &self->metadata);
    choice->ids = self->ids.items;
    choice->id_count = self->ids.count;
    choice->workflows = self->workflows.items;
    choice->workflow_count = self->workflows.count;
    choice->keys = self->keys;
    choice->scopes = self->scopes;
    choice->metadata = self->metadata;
    return is_read;
}

static bool write_row(void *argument, const cleat__event_row *row)
{
    list *self = argument;
    if (cleat__rest_page_take(&self->page)) {
        self->status = write_event(self->writer, NULL, self->call, self->store, row);
    }
    return self->status == CLEAT_OK && cleat__rest_page_goes_on(&self->page) &&
           !cleat__answer_is_full(self->writer);
}

static cleat_status write_list(void *argument, cleat__store *store, cleat__json_writer *writer)
{
    list *self = argument;
    self->writer = writer;
    self->store = store;
    cleat__writer_begin_object(writer, NULL);
    cleat__writer_begin_array(writer, "rows");
    cleat_status status =
        cleat__event_choose(store, self->call->identity.tenant, &self->choice, write_row, self);
    cleat__writer_end_array(writer);
    cleat__rest_write_pages(writer, self->page.offset, self->page.limit, self->page.total);
    cleat__writer_end_object(writer);
    return status == CLEAT_OK ? self->status : status;
}

void cleat__rest_event_list(cleat__http_call *call)
{
    list self = {.call = call, .status = CLEAT_OK};
    if (read_query(&self)) {
        cleat__rest_answer(call, write_list, &self);
    }
    cleat__rest_ids_deinit(&self.ids);
    cleat__rest_ids_deinit(&self.workflows);
    json_decref(self.keys);
    json_decref(self.scopes);
    json_decref(self.metadata);
}

/* ---- Keys ---- */

static bool write_key(void *argument, cleat_slice key)
{
    list *self = argument;
    cleat__writer_slice(self->writer, NULL, key);
    return ++self->page.total < CLEAT__REST_LIMIT_MAX;
}

static cleat_status write_keys(void *argument, cleat__store *store, cleat__json_writer *writer)
{
    list *self = argument;
    self->writer = writer;
    cleat__writer_begin_object(writer, NULL);
    cleat__writer_begin_array(writer, "rows");
    cleat_status status = cleat__rest_query_event_keys(store, self->call->identity.tenant, write_key, self);
    cleat__writer_end_array(writer);
    cleat__rest_write_pages(writer, 0, CLEAT__REST_LIMIT_MAX, self->page.total);
    cleat__writer_end_object(writer);
    return status;
}

void cleat__rest_event_keys(cleat__http_call *call)
{
    list self = {.call = call};
    cleat__rest_answer(call, write_keys, &self);
}
