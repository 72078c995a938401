/* Hooks, which the protocol has no word for: `cleat serve` has them on its HTTP side. */
#include "transport/grpc_durable.h"

#include "base/alloc.h"
#include "base/error.h"
#include "grpc/library.h"
#include "model/json.h"
#include "model/json_members.h"
#include "model/node.h"
#include "transport/remote_http.h"

#include <stdio.h>

enum { PATH_SIZE = sizeof("/hooks/") + CLEAT__HOOK_TOKEN_MAX, SENTENCE_SIZE = 1024 };

/* What needs no escaping in a URL is all that a token may have. */
static cleat_status make_path(cleat_slice token, char path[PATH_SIZE])
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~-";
    bool is_fine = token.size != 0 && token.size <= CLEAT__HOOK_TOKEN_MAX;
    for (size_t i = 0; is_fine && i < token.size; i++) {
        is_fine = token.data[i] != '\0' && strchr(allowed, token.data[i]) != NULL;
    }
    /* Dots alone are not a name but a way. */
    is_fine = is_fine && !cleat_slice_equals(token, cleat_slice_of(".")) &&
              !cleat_slice_equals(token, cleat_slice_of(".."));
    if (!is_fine) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "a hook's token must be 1 to %d bytes of [A-Za-z0-9._~-]",
                           CLEAT__HOOK_TOKEN_MAX);
    }
    snprintf(path, PATH_SIZE, "/hooks/%.*s", CLEAT_SLICE_ARGS(token));
    return CLEAT_OK;
}

static cleat_status fail_unsupported(const cleat__link *link)
{
    return cleat__fail(CLEAT_UNSUPPORTED, "the server at %s has no hooks: only Cleat's engine has",
                       link->settings.address);
}

/* The end of a request, whose words are the server's; of a server without hooks it says that. */
static cleat_status conclude(const cleat__link *link, const cleat__remote_session *session,
                             cleat_status status, cleat_status conflict, const char *missing)
{
    if (status == CLEAT_OK) {
        return status;
    }
    if (status == CLEAT_NOT_FOUND) { /* whose words are few */
        return session->was_explained ? cleat__fail(status, "%s", missing) : fail_unsupported(link);
    }
    char text[SENTENCE_SIZE];
    snprintf(text, sizeof(text), "%s", cleat_error_message());
    switch (session->code) {
    case 409: return cleat__fail(conflict, "%s", text);
    case 410: return cleat__fail(CLEAT_CANCELLED, "%s", text); /* the invocation is over */
    case 413: return cleat__fail(CLEAT_TOO_LARGE, "%s", text);
    default: return status;
    }
}

cleat_status cleat__remote_create_hook(cleat__link *link, const cleat__uuid *run_id, int32_t invocation_count,
                                       cleat_slice token)
{
    char path[PATH_SIZE], id[37], body[96];
    cleat__remote_session session;
    cleat__buffer reply = {0};
    if (!link->is_cleat) {
        return fail_unsupported(link);
    }
    cleat_status status = make_path(token, path);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__uuid_format(run_id, id);
    snprintf(body, sizeof(body), "{\"run_id\":\"%s\",\"invocation_count\":%d}", id, (int)invocation_count);
    status = cleat__remote_session_start(&session, &link->settings, link->settings.call_timeout_ms);
    if (status == CLEAT_OK) {
        status = cleat__remote_session_send(&session, "PUT", path, cleat_slice_of(body), &reply);
        char missing[80];
        snprintf(missing, sizeof(missing), "there is no run %s", id);
        status = conclude(link, &session, status, CLEAT_ALREADY_EXISTS, missing);
    }
    cleat__remote_session_end(&session);
    cleat__buffer_deinit(&reply);
    return status;
}

/* ---- Resuming ---- */

/* {"run_id":"..","metadata":{..}}: the metadata may be missing. */
static cleat_status read_answer(const cleat__link *link, cleat_slice body, cleat__uuid *run_id,
                                char **metadata)
{
    cleat_slice id, value = {NULL, 0}, text = {NULL, 0};
    char *memory = NULL;
    cleat_status status = cleat__json_check("the answer of a hook", body, true);
    bool is_fine = status == CLEAT_OK && cleat__json_find_member(body, "run_id", &id) &&
                   cleat__json_decode_string(id, &text, &memory) &&
                   cleat__uuid_parse(text, run_id) == CLEAT_OK;
    cleat__free(memory);
    if (!is_fine) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "the server at %s does not say whom a hook has resumed",
                           link->settings.api_url);
    }
    bool has_metadata =
        cleat__json_find_member(body, "metadata", &value) && value.size != 0 && value.data[0] == '{';
    if (metadata == NULL || !has_metadata) {
        return CLEAT_OK;
    }
    *metadata = cleat__slice_dup(value);
    return *metadata != NULL ? CLEAT_OK : cleat__fail_memory();
}

cleat_status cleat__remote_resume_hook(cleat__link *link, cleat_slice token, cleat_slice payload,
                                       cleat_slice carrier, cleat__uuid *run_id, char **run_metadata)
{
    char path[PATH_SIZE];
    cleat__remote_session session;
    cleat__buffer reply = {0};
    if (run_metadata != NULL) {
        *run_metadata = NULL;
    }
    cleat_status status = cleat__grpc_check_fork();
    if (status == CLEAT_OK) {
        status = link->is_cleat ? make_path(token, path) : fail_unsupported(link);
    }
    if (status != CLEAT_OK) {
        return status;
    }
    status = cleat__remote_session_start(&session, &link->settings, link->settings.call_timeout_ms);
    if (status == CLEAT_OK) {
        session.carrier = carrier;
        status = cleat__remote_session_send(&session, "POST", path, payload, &reply);
        char missing[40];
        snprintf(missing, sizeof(missing), "there is no hook %.*s...",
                 CLEAT_SLICE_ARGS(cleat__hook_shown(token)));
        status = conclude(link, &session, status, CLEAT_FAILED_PRECONDITION, missing);
    }
    cleat__remote_session_end(&session);
    if (status == CLEAT_OK) {
        status = read_answer(link, cleat__buffer_slice(&reply), run_id, run_metadata);
    }
    cleat__buffer_deinit(&reply);
    return status;
}
