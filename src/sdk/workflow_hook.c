/* Hooks: by which code outside brings payloads to a workflow. */
#include "sdk/invocation.h"

#include "base/alloc.h"
#include "base/error.h"
#include "model/json.h"
#include "model/json_members.h"
#include "model/node.h"
#include "sdk/metadata.h"

#include <stdio.h>
#include <sys/random.h>

enum {
    TOKEN_BYTES = 24, /* of one that nobody can guess */
    LABEL_SIZE = 20,
};

static bool is_token_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
           (byte != '\0' && strchr("._~-", byte) != NULL);
}

static cleat_status check_token(cleat_slice token)
{
    bool is_right = token.size > 0 && token.size <= CLEAT__HOOK_TOKEN_MAX;
    for (size_t i = 0; i < token.size && is_right; i++) {
        is_right = is_token_byte(token.data[i]);
    }
    return is_right ? CLEAT_OK
                    : cleat__fail(CLEAT_INVALID_ARGUMENT,
                                  "a hook's token is 1 to %d characters of [A-Za-z0-9._~-]",
                                  CLEAT__HOOK_TOKEN_MAX);
}

static cleat_slice hook_token(const cleat_hook *hook)
{
    return (cleat_slice){hook->token, strnlen(hook->token, sizeof(hook->token))};
}

/* ---- Inside ---- */

/* Stored before the program may give the token to anybody. Before the log's end it was stored already, with
 * whatever came behind it. */
static cleat_status create(cleat__invocation *it, const cleat_hook *hook)
{
    cleat__durable_request request = {.kind = CLEAT__DURABLE_CREATE_HOOK,
                                      .as.create_hook.token = hook_token(hook)};
    if (it->log_size >= cleat__invocation_next(it)) {
        return CLEAT_OK;
    }
    return cleat__invocation_store(it, &request);
}

static cleat_status random_token(cleat_hook *hook)
{
    uint8_t bytes[TOKEN_BYTES];
    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes)) {
        return cleat__fail(CLEAT_IO, "the operating system gives no random numbers");
    }
    for (size_t i = 0; i < sizeof(bytes); i++) {
        (void)snprintf(hook->token + 2 * i, 3, "%02x", bytes[i]);
    }
    return CLEAT_OK;
}

/* A random token is a recorded value. */
static cleat_status create_random(cleat__invocation *it, cleat_hook *hook)
{
    char own[sizeof(hook->token) + 2];
    cleat_slice recorded;
    cleat_status status = cleat__invocation_check(it, random_token(hook));
    if (status != CLEAT_OK) {
        return status;
    }
    (void)snprintf(own, sizeof(own), "\"%s\"", hook->token);
    status = cleat__invocation_value(it, CLEAT__MEMO_TOKEN, cleat_slice_of(own), &recorded);
    if (status != CLEAT_OK) {
        return status;
    }
    if (recorded.size != strlen(own)) {
        return cleat__invocation_stop(
            it, cleat__fail(CLEAT_CORRUPT, "a recorded token has %zu bytes", recorded.size));
    }
    memcpy(hook->token, recorded.data + 1, recorded.size - 2);
    return create(it, hook);
}

cleat_status cleat_hook_create(cleat_task *task, const char *token, cleat_hook *hook)
{
    cleat__invocation *it;
    cleat_status status = cleat__invocation_enter(task, "cleat_hook_create", &it);
    if (status != CLEAT_OK) {
        return status;
    }
    if (hook == NULL) {
        status = cleat__fail(CLEAT_INVALID_ARGUMENT, "hook is NULL");
    } else if (token == NULL) {
        memset(hook, 0, sizeof(*hook));
        status = create_random(it, hook);
    } else {
        memset(hook, 0, sizeof(*hook));
        status = check_token(cleat_slice_of(token));
        if (status == CLEAT_OK) {
            memcpy(hook->token, token, strlen(token));
            status = create(it, hook);
        }
    }
    return cleat__invocation_leave(it, status);
}

static cleat_status wait_hook(cleat__invocation *it, const cleat_hook *hook, const char *timeout,
                              cleat_slice *payload)
{
    char label[LABEL_SIZE];
    int64_t ms = 0, number;
    cleat_slice data = {NULL, 0};
    cleat_status status =
        hook != NULL ? check_token(hook_token(hook)) : cleat__fail(CLEAT_INVALID_ARGUMENT, "hook is NULL");
    if (status == CLEAT_OK && timeout != NULL) {
        status = cleat__wait_duration("timeout", timeout, &ms);
    }
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__condition conditions[2] = {
        {.kind = CLEAT__CONDITION_HOOK, .data_key = cleat_slice_of("payload"), .key = hook_token(hook)},
        cleat__sleep_condition("timeout", ms, cleat_slice_of(timeout)),
    };
    conditions[0].group = conditions[1].group = cleat_slice_of(it->task->id.text);
    (void)snprintf(label, sizeof(label), "hook %.*s...",
                   CLEAT_SLICE_ARGS(cleat__hook_shown(hook_token(hook))));
    status =
        cleat__invocation_wait(it, conditions, timeout != NULL ? 2 : 1, CLEAT__LOGGED_HOOK, label, &number);
    if (status != CLEAT_OK) {
        return status;
    }
    if (!cleat__invocation_find_data(it, number, "payload", &data)) {
        return cleat__fail(CLEAT_TIMEOUT, "nothing came by the hook in time");
    }
    if (payload != NULL) {
        *payload = data;
    }
    return CLEAT_OK;
}

cleat_status cleat_hook_wait(cleat_task *task, const cleat_hook *hook, const char *timeout,
                             cleat_slice *payload)
{
    cleat__invocation *it;
    if (payload != NULL) {
        *payload = (cleat_slice){NULL, 0};
    }
    cleat_status status = cleat__invocation_enter(task, "cleat_hook_wait", &it);
    return status == CLEAT_OK ? cleat__invocation_leave(it, wait_hook(it, hook, timeout, payload)) : status;
}

/* ---- From outside ---- */

struct cleat_resume_call {
    cleat__chain chain;
    const char *token;
    cleat_slice payload;
    cleat__metadata metadata;
    bool is_made;
    cleat_run_id run_id;
    char *run_text; /* of the run's metadata; owned */
    cleat__metadata run_metadata;
};

const char *cleat_resume_call_token(const cleat_resume_call *call)
{
    return call != NULL ? call->token : NULL;
}

cleat_slice cleat_resume_call_payload(const cleat_resume_call *call)
{
    return call != NULL ? call->payload : (cleat_slice){NULL, 0};
}

cleat_text_map cleat_resume_call_metadata(cleat_resume_call *call)
{
    return call != NULL ? cleat__metadata_map(&call->metadata) : (cleat_text_map){0};
}

const char *cleat_resume_call_run_id(const cleat_resume_call *call)
{
    return call != NULL && call->is_made ? call->run_id.text : NULL;
}

cleat_text_map cleat_resume_call_run_metadata(cleat_resume_call *call)
{
    return call != NULL ? cleat__metadata_reader(&call->run_metadata) : (cleat_text_map){0};
}

static cleat_status resume(cleat_resume_call *call)
{
    cleat__transport *transport = call->chain.client->transport;
    cleat__uuid id = {{0}};
    cleat_slice carrier;
    cleat_status status = cleat__metadata_text(&call->metadata, &carrier);
    if (status == CLEAT_OK) {
        status = transport->resume_hook(transport, cleat_slice_of(call->token), call->payload, carrier, &id,
                                        &call->run_text);
    }
    call->is_made = status == CLEAT_OK;
    if (call->is_made) {
        cleat__uuid_format(&id, call->run_id.text);
        cleat__metadata_init(&call->run_metadata, cleat_slice_of(call->run_text));
    }
    return status;
}

cleat_status cleat_resume_call_proceed(cleat_resume_call *call)
{
    if (call == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "call is NULL");
    }
    cleat_status status = cleat__chain_check(&call->chain);
    if (status != CLEAT_OK) {
        return status;
    }
    const cleat_interceptor *next = cleat__chain_next(&call->chain, offsetof(cleat_interceptor, resume));
    status = next != NULL ? next->resume(next->user_data, call) : resume(call);
    call->chain.spent = true;
    return status;
}

cleat_status cleat_hook_resume(cleat_client *client, const char *token, const char *payload, cleat_run_id *id)
{
    if (client == NULL || token == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s is NULL", client == NULL ? "client" : "token");
    }
    cleat_resume_call call = {
        .chain = {.client = client},
        .token = token,
        .payload = cleat_slice_of(payload != NULL ? payload : "null"),
    };
    cleat_status status = check_token(cleat_slice_of(token));
    if (status == CLEAT_OK) {
        status = cleat__json_check("payload", call.payload, false);
    }
    if (status == CLEAT_OK) {
        status = cleat_resume_call_proceed(&call);
        status = cleat__chain_end(status, call.is_made);
    }
    if (status == CLEAT_OK && id != NULL) {
        *id = call.run_id;
    }
    cleat__metadata_deinit(&call.metadata);
    cleat__metadata_deinit(&call.run_metadata);
    cleat__free(call.run_text);
    return status;
}
