/*
 * POST .../webhooks/{v1Webhook}: strangers send, and an event is made of it. They have no token: the tenant is the
 * one in the path, and the webhook says how a sender shows who it is. Nothing is looked at before that.
 */
#include "rest_parts.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/utf8.h"
#include "engine/engine.h"
#include "rate_limit.h"
#include "store/tenant.h"
#include "store/webhook.h"

typedef struct receiving {
    cleat__http_call *call;
    json_t *headers; /* owned; names in small letters */
    bool has_failed; /* to read them: no memory */
    bool returns_event;
    cleat__webhook_event made;
} receiving;

/* ---- The headers ---- */

static char *lower_dup(cleat_slice name)
{
    char *copy = cleat__slice_dup(name);
    for (char *c = copy; c != NULL && *c != '\0'; c++) {
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c | 0x20) : *c;
    }
    return copy;
}

static bool is_text(cleat_slice text)
{
    return cleat__utf8_valid_prefix(text.data, text.size) == text.size;
}

/* The first of a name counts. What is no text no expression could have. */
static bool note_header(void *argument, cleat_slice name, cleat_slice value)
{
    receiving *self = argument;
    if (!is_text(name) || !is_text(value)) {
        return true;
    }
    char *lower = lower_dup(name);
    self->has_failed = lower == NULL ||
                       (json_object_get(self->headers, lower) == NULL &&
                        json_object_set_new(self->headers, lower, json_stringn(value.data, value.size)) != 0);
    cleat__free(lower);
    return !self->has_failed;
}

static cleat_status read_headers(receiving *self)
{
    self->headers = json_object();
    self->has_failed = self->headers == NULL;
    if (!self->has_failed) {
        cleat__http_call_headers(self->call, note_header, self);
    }
    return self->has_failed ? cleat__fail_memory() : CLEAT_OK;
}

static cleat_status find_header(const receiving *self, cleat_slice name, cleat_slice *out)
{
    char *lower = lower_dup(name);
    const json_t *value = lower != NULL ? json_object_get(self->headers, lower) : NULL;
    *out = (cleat_slice){json_string_value(value), json_string_length(value)};
    cleat__free(lower);
    return lower != NULL ? CLEAT_OK : cleat__fail_memory();
}

static cleat_status write_headers(const receiving *self, cleat__buffer *out)
{
    const char *name;
    json_t *value;
    cleat__json_writer writer = {0};
    cleat__writer_begin_object(&writer, NULL);
    json_object_foreach(self->headers, name, value)
    {
        cleat__writer_slice(&writer, name,
                            (cleat_slice){json_string_value(value), json_string_length(value)});
    }
    cleat__writer_end_object(&writer);
    *out = writer.out;
    return out->failed ? cleat__fail_memory() : CLEAT_OK;
}

/* ---- The event ---- */

/* False: it was answered. */
static bool is_known(const receiving *self, const cleat__webhook_auth *auth)
{
    cleat_slice value;
    cleat_status status = find_header(self, cleat__webhook_auth_header(auth), &value);
    if (status != CLEAT_OK) {
        cleat__http_call_fail_status(self->call, status);
    } else if (!cleat__webhook_auth_passes(auth, value, self->call->body)) {
        cleat__http_call_fail(self->call, 403, "the request does not show that it is from who it should be");
    } else {
        return true;
    }
    return false;
}

static cleat_status make_event(receiving *self, const cleat__webhook *webhook)
{
    cleat__buffer headers = {0};
    cleat_status status = write_headers(self, &headers);
    if (status == CLEAT_OK) {
        status =
            cleat__webhook_event_make(webhook, self->call->body, cleat__buffer_slice(&headers), &self->made);
    }
    cleat__buffer_deinit(&headers);
    self->made.event.webhook = cleat__http_call_part(self->call, "v1Webhook");
    self->returns_event = webhook->returns_event;
    return status;
}

/* From now on the call is the tenant's. */
static cleat_status find_webhook(cleat__http_call *call, cleat__store *store, cleat__webhook_row *out)
{
    const cleat__uuid id = cleat__http_call_id(call, "tenant");
    cleat__tenant tenant;
    cleat_status status = cleat__tenant_find_id(store, &id, &tenant);
    if (status != CLEAT_OK) {
        return status;
    }
    call->identity.tenant = tenant.id;
    call->identity.tenant_id = id;
    return cleat__webhook_get(store,
                              (cleat__webhook_key){tenant.id, cleat__http_call_part(call, "v1Webhook")}, out);
}

/* False: it was answered. */
static bool take_request(receiving *self)
{
    cleat__store *store = NULL;
    cleat__webhook_row row;
    cleat_status status = cleat__rest_take(self->call, &store);
    bool is_taken = false;
    if (status == CLEAT_OK) {
        status = find_webhook(self->call, store, &row);
    }
    if (status == CLEAT_OK) {
        status = read_headers(self);
    }
    if (status == CLEAT_OK && is_known(self, &row.webhook.auth)) {
        status = make_event(self, &row.webhook);
        is_taken = status == CLEAT_OK;
    }
    cleat__rest_give(self->call, store);
    if (status != CLEAT_OK) {
        cleat__http_call_fail_status(self->call, status);
    }
    return is_taken;
}

/* ---- The answer ---- */

typedef struct answering {
    const cleat__http_call *call;
    cleat__uuid id;
} answering;

static cleat_status write_event(void *argument, cleat__store *store, cleat__json_writer *writer)
{
    const answering *self = argument;
    cleat__writer_begin_object(writer, NULL);
    cleat_status status = cleat__rest_write_event(writer, "event", self->call, store, &self->id);
    cleat__writer_end_object(writer);
    return status;
}

/* The event is there, and a sender that is told of a failure sends once more: so it is told of none. */
static void answer(receiving *self, const cleat__uuid *id)
{
    cleat__json_writer writer = {0};
    answering it = {self->call, *id};
    if (!self->returns_event || cleat__rest_read(self->call, write_event, &it, &writer) != CLEAT_OK) {
        cleat__buffer_deinit(&writer.out);
        writer = (cleat__json_writer){0};
        cleat__writer_begin_object(&writer, NULL);
        cleat__writer_string(&writer, "message", "ok");
        cleat__writer_end_object(&writer);
    }
    cleat__http_call_answer_json(self->call, 200, &writer);
}

/* All who come without a token share one account. */
static bool may_try(cleat__http_call *call)
{
    const cleat__rest *rest = call->service;
    if (rest->rate_limit == NULL ||
        cleat__rate_limit_admit(rest->rate_limit, &call->identity.token_id, "/webhooks/")) {
        return true;
    }
    cleat__http_call_refuse(call, 429, "Too Many Requests");
    call->answer.retry_after_s = 1;
    return false;
}

void cleat__rest_webhook_receive(cleat__http_call *call)
{
    const cleat__rest *rest = call->service;
    receiving self = {.call = call};
    cleat__uuid id;
    if (may_try(call) && take_request(&self)) {
        cleat_status status =
            cleat__engine_push(rest->engine, call->identity.tenant, &self.made.event, 1, &id);
        if (status == CLEAT_OK) {
            answer(&self, &id);
        } else {
            cleat__http_call_fail_status(call, status);
        }
    }
    cleat__webhook_event_deinit(&self.made);
    json_decref(self.headers);
}
