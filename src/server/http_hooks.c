/*
 * PUT /hooks/{token} makes a hook, POST resumes it with the body as its payload. Tokens of hooks are a tenant's: who
 * comes with one of the API's means those of that tenant, who comes without those of the default tenant, or of the
 * one in the path. Strangers learn nothing but whether it was taken.
 */
#include "http_hooks.h"

#include "engine/command.h"
#include "http_call.h"
#include "internal_traces.h"
#include "model/json.h"
#include "rate_limit.h"
#include "store/tenant.h"

#include "base/alloc.h"
#include "base/error.h"

enum {
    BAGGAGE_MAX = 8192, /* of the W3C's */
    FULL_RETRY_S = 5,   /* a run has to be called again before it takes what its hook keeps */
};

static bool read_token(cleat__http_call *call, cleat_slice *out)
{
    *out = cleat__http_call_part(call, "token");
    if (out->size > CLEAT__HOOK_TOKEN_MAX) {
        cleat__http_call_fail(call, 400, "a hook's token has %d bytes at most", CLEAT__HOOK_TOKEN_MAX);
        return false;
    }
    return true;
}

static void fail(cleat__http_call *call, cleat_status status)
{
    if (status == CLEAT_CANCELLED) { /* unlike 409, there is nothing that could be done about it */
        cleat__http_call_fail(call, 410, "%s", cleat_error_message());
    } else {
        cleat__http_call_fail_status(call, status);
    }
    if (status == CLEAT_RESOURCE_EXHAUSTED) {
        call->answer.retry_after_s = FULL_RETRY_S;
    }
}

static void write_id(cleat__json_writer *writer, const cleat__uuid *run_id)
{
    char text[37];
    cleat__uuid_format(run_id, text);
    cleat__writer_string(writer, "run_id", text);
}

/* ---- Making one ---- */

static bool read_invocation(cleat__http_call *call, const json_t *body, cleat__command *command)
{
    const json_t *id = json_object_get(body, "run_id"), *count = json_object_get(body, "invocation_count");
    double number = json_number_value(count);
    if (!json_is_string(id) ||
        cleat__uuid_parse(cleat_slice_of(json_string_value(id)), &command->as.durable.run_id) != CLEAT_OK) {
        cleat__http_call_fail(call, 400, "run_id must be a UUID");
        return false;
    }
    if (!json_is_number(count) || number < 1 || number > INT32_MAX || number != (double)(int32_t)number) {
        cleat__http_call_fail(call, 400, "invocation_count must be a number, 1, 2, ..");
        return false;
    }
    command->as.durable.invocation_count = (int32_t)number;
    return true;
}

static void make(cleat__http_call *call, const json_t *body, cleat_slice token)
{
    const cleat__http_hooks *hooks = call->service;
    cleat__durable_request request = {.kind = CLEAT__DURABLE_CREATE_HOOK, .as.create_hook.token = token};
    cleat__command command = {.kind = CLEAT__COMMAND_DURABLE, .tenant = call->identity.tenant};
    if (!read_invocation(call, body, &command)) {
        return;
    }
    command.as.durable.requests = &request;
    command.as.durable.count = 1;
    cleat_status status = cleat__engine_ask(hooks->engine, &command);
    if (status != CLEAT_OK) {
        fail(call, status);
        return;
    }
    cleat__json_writer writer = {0};
    cleat__writer_begin_object(&writer, NULL);
    write_id(&writer, &command.as.durable.run_id);
    cleat__writer_end_object(&writer);
    cleat__http_call_answer_json(call, 200, &writer);
}

static void handle_put(cleat__http_call *call)
{
    cleat_slice token;
    json_t *body = read_token(call, &token) ? cleat__http_call_json(call) : NULL;
    if (body != NULL) {
        make(call, body, token);
        json_decref(body);
    }
}

/* ---- Resuming one ---- */

/* What the caller says of its trace, as metadata of the message; nothing where it names no trace, so that the run
 * comes from where it would without. */
static void write_carrier(const cleat__http_call *call, cleat__json_writer *writer)
{
    cleat_span_context context;
    cleat_slice baggage = cleat_slice_of(call->baggage);
    if (!cleat__caller_context_read(cleat_slice_of(call->traceparent), cleat_slice_of(call->tracestate),
                                    &context)) {
        return;
    }
    cleat__writer_begin_object(writer, NULL);
    cleat__writer_string(writer, "traceparent", call->traceparent);
    if (call->tracestate != NULL && call->tracestate[0] != '\0') {
        cleat__writer_string(writer, "tracestate", call->tracestate);
    }
    if (baggage.size != 0 && baggage.size <= BAGGAGE_MAX) {
        cleat__writer_slice(writer, "baggage", baggage);
    }
    cleat__writer_end_object(writer);
}

static void answer_resumed(cleat__http_call *call, const cleat__uuid *run_id, const char *metadata)
{
    cleat__json_writer writer = {0};
    cleat__writer_begin_object(&writer, NULL);
    write_id(&writer, run_id);
    if (metadata != NULL) {
        cleat__writer_raw(&writer, "metadata", cleat_slice_of(metadata));
    }
    cleat__writer_end_object(&writer);
    cleat__http_call_answer_json(call, 200, &writer);
}

static void resume(cleat__http_call *call, int64_t tenant, cleat_slice token, cleat_slice payload)
{
    const cleat__http_hooks *hooks = call->service;
    bool is_known = call->identity.tenant != 0;
    cleat__json_writer carrier = {0};
    cleat__uuid run_id;
    char *metadata = NULL;
    write_carrier(call, &carrier);
    cleat__command command = {.kind = CLEAT__COMMAND_RESUME_HOOK, .tenant = tenant};
    command.as.resume_hook.token = token;
    command.as.resume_hook.payload = payload;
    command.as.resume_hook.carrier = cleat__buffer_slice(&carrier.out);
    command.as.resume_hook.run_id = &run_id;
    command.as.resume_hook.metadata = is_known ? &metadata : NULL;
    cleat_status status =
        carrier.out.failed ? cleat__fail_memory() : cleat__engine_ask(hooks->engine, &command);
    if (status == CLEAT_OK) {
        answer_resumed(call, &run_id, metadata);
    } else {
        fail(call, status);
    }
    cleat__free(metadata);
    cleat__buffer_deinit(&carrier.out);
}

/* Those who come without a token of the API's share one account. */
static bool may_try(cleat__http_call *call)
{
    const cleat__http_hooks *hooks = call->service;
    if (hooks->rate_limit == NULL ||
        cleat__rate_limit_admit(hooks->rate_limit, &call->identity.token_id, "/hooks/")) {
        return true;
    }
    cleat__http_call_refuse(call, 429, "Too Many Requests");
    call->answer.retry_after_s = 1;
    return false;
}

static void resume_of(cleat__http_call *call, int64_t tenant)
{
    cleat_slice token, payload = call->body.size != 0 ? call->body : cleat_slice_of("null");
    if (!read_token(call, &token)) {
        return;
    }
    cleat_status status = cleat__json_check("the payload", payload, false);
    if (status == CLEAT_OK) {
        resume(call, tenant, token, payload);
    } else {
        fail(call, status);
    }
}

static void handle_post(cleat__http_call *call)
{
    if (may_try(call)) {
        resume_of(call, call->identity.tenant != 0 ? call->identity.tenant : CLEAT__TENANT_DEFAULT);
    }
}

typedef struct finding {
    cleat__uuid id;
    cleat__tenant tenant;
} finding;

static cleat_status find(cleat__store *store, void *argument)
{
    finding *self = argument;
    return cleat__tenant_find_id(store, &self->id, &self->tenant);
}

/* A token of another tenant's than that in the path is no reason to refuse: the hook's own is enough. */
static void handle_post_of_tenant(cleat__http_call *call)
{
    const cleat__http_hooks *hooks = call->service;
    finding found = {.id = cleat__http_call_id(call, "tenant")};
    if (!may_try(call)) {
        return;
    }
    cleat_status status = cleat__engine_call(hooks->engine, find, &found);
    if (status == CLEAT_OK) {
        resume_of(call, found.tenant.id);
    } else {
        fail(call, status);
    }
}

cleat__http_table cleat__http_hooks_table(const cleat__http_hooks *hooks)
{
    enum { of_hook = CLEAT__HTTP_NAMED | CLEAT__HTTP_SECRET };
    static const cleat__http_route routes[] = {
        {"PUT", "/hooks/{token}", of_hook, handle_put},
        {"POST", "/hooks/{token}", of_hook | CLEAT__HTTP_OPEN | CLEAT__HTTP_KNOWS, handle_post},
        {"POST", "/api/v1/stable/tenants/{tenant}/hooks/{token}", of_hook | CLEAT__HTTP_OPEN,
         handle_post_of_tenant},
    };
    return (cleat__http_table){routes, sizeof(routes) / sizeof(routes[0]), (void *)(uintptr_t)hooks};
}
