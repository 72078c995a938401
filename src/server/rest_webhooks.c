/* .../webhooks: what strangers may send, and which events that makes. Secrets are told nobody. */
#include "rest_parts.h"

#include "base/error.h"
#include "store/webhook.h"

/* ---- Answers ---- */

static void write_webhook(cleat__json_writer *writer, const cleat__http_call *call,
                          const cleat__webhook_row *row)
{
    const cleat__webhook *webhook = &row->webhook;
    cleat__writer_begin_object(writer, NULL);
    cleat__rest_write_metadata(writer, &row->id, row->created_at_ms, row->updated_at_ms);
    cleat__rest_write_uuid(writer, "tenantId", &call->identity.tenant_id);
    cleat__writer_slice(writer, "name", webhook->name);
    cleat__writer_string(writer, "sourceName", cleat__webhook_sources[webhook->source]);
    cleat__writer_slice(writer, "eventKeyExpression", webhook->key_expression);
    if (webhook->scope_expression.size != 0) {
        cleat__writer_slice(writer, "scopeExpression", webhook->scope_expression);
    }
    if (webhook->static_payload.data != NULL) {
        cleat__writer_raw(writer, "staticPayload", webhook->static_payload);
    }
    cleat__writer_string(writer, "authType", cleat__webhook_kinds[webhook->auth.kind]);
    cleat__writer_bool(writer, "returnEventAsResponsePayload", webhook->returns_event);
    cleat__writer_end_object(writer);
}

typedef struct one {
    const cleat__http_call *call;
    cleat_slice name;
} one;

static cleat_status write_one(void *argument, cleat__store *store, cleat__json_writer *writer)
{
    const one *self = argument;
    cleat__webhook_row row;
    cleat_status status =
        cleat__webhook_get(store, (cleat__webhook_key){self->call->identity.tenant, self->name}, &row);
    if (status == CLEAT_OK) {
        write_webhook(writer, self->call, &row);
    }
    return status;
}

void cleat__rest_webhook_get(cleat__http_call *call)
{
    cleat__rest_answer(call, write_one, &(one){call, cleat__http_call_part(call, "v1Webhook")});
}

/* ---- The body ---- */

/* Slices refer to the body. */
static bool read_auth(cleat__http_call *call, const json_t *body, cleat__webhook_auth *out)
{
    static const char *const names[][2] = {
        {"username", "password"}, {"headerName", "apiKey"}, {"signatureHeaderName", "signingSecret"}};
    const json_t *auth = json_object_get(body, "auth");
    int kind = 0, algorithm = 0, encoding = 0;
    if (!cleat__rest_json_choice(call, "authType", json_object_get(body, "authType"), cleat__webhook_kinds,
                                 &kind)) {
        return false;
    }
    if (!json_is_object(auth)) {
        cleat__http_call_fail(call, 400, "auth must be an object");
        return false;
    }
    bool is_good = cleat__rest_json_text(call, names[kind][0], json_object_get(auth, names[kind][0]), true,
                                         &out->name) &&
                   cleat__rest_json_text(call, names[kind][1], json_object_get(auth, names[kind][1]), true,
                                         &out->secret);
    if (is_good && kind == CLEAT__WEBHOOK_HMAC) {
        is_good = cleat__rest_json_choice(call, "algorithm", json_object_get(auth, "algorithm"),
                                          cleat__webhook_algorithms, &algorithm) &&
                  cleat__rest_json_choice(call, "encoding", json_object_get(auth, "encoding"),
                                          cleat__webhook_encodings, &encoding);
    }
    out->kind = (cleat__webhook_kind)kind;
    out->algorithm = (cleat__webhook_algorithm)algorithm;
    out->encoding = (cleat__webhook_encoding)encoding;
    return is_good;
}

static bool read_event(cleat__http_call *call, const json_t *body, bool is_new, cleat__webhook_change *out)
{
    static const char returns[] = "returnEventAsResponsePayload";
    const cleat__rest_json whole = {call->body, body};
    const json_t *value = json_object_get(body, returns);
    out->has_returns_event = json_is_boolean(value);
    out->returns_event = json_is_true(value);
    if (value != NULL && !json_is_null(value) && !json_is_boolean(value)) {
        cleat__http_call_fail(call, 400, "%s must be true or false", returns);
        return false;
    }
    return cleat__rest_json_text(call, "eventKeyExpression", json_object_get(body, "eventKeyExpression"),
                                 is_new, &out->key_expression) &&
           cleat__rest_json_text(call, "scopeExpression", json_object_get(body, "scopeExpression"), false,
                                 &out->scope_expression) &&
           cleat__rest_json_object(call, whole, "staticPayload", &out->static_payload);
}

static bool read_webhook(cleat__http_call *call, const json_t *body, cleat__webhook *out)
{
    cleat__webhook_change event = {.has_returns_event = false};
    int source = 0;
    if (!cleat__rest_json_text(call, "name", json_object_get(body, "name"), true, &out->name) ||
        !cleat__rest_json_choice(call, "sourceName", json_object_get(body, "sourceName"),
                                 cleat__webhook_sources, &source) ||
        !read_event(call, body, true, &event) || !read_auth(call, body, &out->auth)) {
        return false;
    }
    out->source = (cleat__webhook_source)source;
    out->key_expression = event.key_expression;
    out->scope_expression = event.scope_expression;
    out->static_payload = event.static_payload;
    out->returns_event = event.returns_event;
    return true;
}

/* ---- Making, changing, deleting ---- */

void cleat__rest_webhook_create(cleat__http_call *call)
{
    cleat__uuid id;
    cleat__webhook webhook = {.name = {NULL, 0}};
    cleat__command command = {.kind = CLEAT__COMMAND_ADD_WEBHOOK,
                              .as.add_webhook = {.webhook = &webhook, .id = &id}};
    json_t *body = cleat__http_call_json(call);
    if (body != NULL && read_webhook(call, body, &webhook)) {
        cleat_status status = cleat__webhook_check(&webhook);
        status = status == CLEAT_OK ? cleat__rest_ask(call, &command) : status;
        if (status == CLEAT_OK) {
            cleat__rest_answer(call, write_one, &(one){call, webhook.name});
        } else {
            cleat__http_call_fail_status(call, status);
        }
    }
    json_decref(body);
}

void cleat__rest_webhook_update(cleat__http_call *call)
{
    const one self = {call, cleat__http_call_part(call, "v1Webhook")};
    cleat__webhook_change change = {.has_returns_event = false};
    cleat__command command = {.kind = CLEAT__COMMAND_CHANGE_WEBHOOK,
                              .as.change_webhook = {.name = self.name, .change = &change}};
    json_t *body = cleat__http_call_json(call);
    if (body != NULL && read_event(call, body, false, &change)) {
        cleat_status status = cleat__webhook_check_change(&change);
        status = status == CLEAT_OK ? cleat__rest_ask(call, &command) : status;
        if (status == CLEAT_OK) {
            cleat__rest_answer(call, write_one, &(one){call, self.name});
        } else {
            cleat__http_call_fail_status(call, status);
        }
    }
    json_decref(body);
}

/* Answers what is not there any more. */
void cleat__rest_webhook_delete(cleat__http_call *call)
{
    one self = {call, cleat__http_call_part(call, "v1Webhook")};
    cleat__command command = {.kind = CLEAT__COMMAND_DELETE_WEBHOOK, .as.webhook = self.name};
    cleat__json_writer writer = {0};
    cleat_status status = cleat__rest_read(call, write_one, &self, &writer);
    status = status == CLEAT_OK ? cleat__rest_ask(call, &command) : status;
    if (status == CLEAT_OK) {
        cleat__http_call_answer_json(call, 200, &writer);
    } else {
        cleat__http_call_fail_status(call, status);
    }
    cleat__buffer_deinit(&writer.out);
}

/* ---- Listing ---- */

typedef struct list {
    cleat__http_call *call;
    cleat__json_writer *writer;
    cleat__rest_page page;
    unsigned sources; /* 1 << each of those that are wanted; 0: any */
} list;

static bool write_row(void *argument, const cleat__webhook_row *row)
{
    list *self = argument;
    if ((self->sources == 0 || self->sources >> row->webhook.source & 1) &&
        cleat__rest_is_wanted(self->call, "webhookNames", row->webhook.name) &&
        cleat__rest_page_take(&self->page)) {
        write_webhook(self->writer, self->call, row);
    }
    return cleat__rest_page_goes_on(&self->page) && !cleat__answer_is_full(self->writer);
}

static cleat_status write_list(void *argument, cleat__store *store, cleat__json_writer *writer)
{
    list *self = argument;
    self->writer = writer;
    cleat__writer_begin_object(writer, NULL);
    cleat__writer_begin_array(writer, "rows");
    cleat_status status = cleat__webhook_list(store, self->call->identity.tenant, write_row, self);
    cleat__writer_end_array(writer);
    cleat__rest_write_pages(writer, self->page.offset, self->page.limit, self->page.total);
    cleat__writer_end_object(writer);
    return status;
}

void cleat__rest_webhook_list(cleat__http_call *call)
{
    list self = {.call = call};
    if (cleat__rest_read_page(call, &self.page) &&
        cleat__rest_read_choices(call, "sourceNames", cleat__webhook_sources, &self.sources)) {
        cleat__rest_answer(call, write_list, &self);
    }
}
