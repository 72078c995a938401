/* Calls that their caller waits for, try after try. */
#include "transport/grpc_link.h"

#include "base/error.h"
#include "base/log.h"
#include "grpc/library.h"
#include "transport/grpc_call.h"
#include "wire/message.h"

typedef struct waiting {
    pthread_cond_t answered;
    cleat__call *call;
    bool is_done;
    int code;
    char text[CLEAT__CALL_TEXT];
    cleat__buffer reply;
    bool has_reply;
    cleat__buffer *detail; /* NULL: not wanted */
} waiting;

static void answered(void *owner, cleat__call *call)
{
    waiting *it = owner;
    it->is_done = true;
    it->code = (int)call->code;
    cleat__call_text(call, it->text);
    it->has_reply = cleat__call_read(call, &it->reply);
    if (it->detail != NULL) {
        cleat__call_detail(call, it->detail);
    }
    pthread_cond_signal(&it->answered);
}

/* gRPC ends a call at its deadline, but for a connection that is stuck. */
enum { OVERDUE_MS = 500 };

static bool is_refused(const cleat__method *method)
{
    return method->is_refused != NULL && *method->is_refused;
}

/* One try, with the mutex held. */
static cleat_status try_once(cleat__link *link, const cleat__method *method, cleat_slice request,
                             int64_t deadline_ns, waiting *it)
{
    int64_t left_ms = cleat__remaining_ms(deadline_ns);
    int64_t timeout_ms = left_ms < link->settings.call_timeout_ms ? left_ms : link->settings.call_timeout_ms;
    int64_t overdue_ns = cleat__deadline_ns(timeout_ms + OVERDUE_MS);
    it->is_done = it->has_reply = false;
    cleat__buffer_clear(&it->reply);
    if (it->detail != NULL) {
        cleat__buffer_clear(it->detail);
    }
    if (is_refused(method)) {
        return cleat__fail(CLEAT_UNAVAILABLE, "nobody waits any more for the server at %s",
                           link->settings.address);
    }
    it->call = cleat__call_start(link, method->path, request, timeout_ms, answered, it);
    if (it->call == NULL) {
        return link->is_closing ? cleat__fail(CLEAT_UNAVAILABLE, "the client is being freed")
                                : cleat__fail_memory();
    }
    while (!it->is_done && cleat__cond_wait_until(&it->answered, &link->mutex, overdue_ns)) {
    }
    if (!it->is_done) {
        cleat__call_abandon(it->call);
        it->code = GRPC_STATUS_DEADLINE_EXCEEDED;
        it->text[0] = '\0';
    }
    return CLEAT_OK;
}

/* The call has not left this process: only then there was no server that may have got it. */
static bool was_never_sent(const waiting *it)
{
    static const char *const signs[] = {"failed to connect to all addresses",
                                        "connections to all backends failing", "Connection refused",
                                        "DNS resolution failed"};
    for (size_t i = 0; it->code == GRPC_STATUS_UNAVAILABLE && i < sizeof(signs) / sizeof(signs[0]); i++) {
        if (strstr(it->text, signs[i]) != NULL) {
            return true;
        }
    }
    return false;
}

/* A server that says INTERNAL or UNKNOWN may have lost its database for a while. */
static bool may_try_again(const cleat__method *method, const waiting *it)
{
    if (it->code == GRPC_STATUS_INTERNAL || it->code == GRPC_STATUS_UNKNOWN) {
        return method->is_idempotent;
    }
    return cleat__grpc_code_is_passing(it->code, it->text) &&
           (method->is_idempotent || it->code == GRPC_STATUS_RESOURCE_EXHAUSTED || was_never_sent(it));
}

/* Waits before the next try; false: there is none. */
static bool wait_for_next(cleat__link *link, const cleat__method *method, const waiting *it, unsigned tries,
                          int64_t give_up_ns, int64_t deadline_ns)
{
    enum { CONNECT_STEP_MAX_MS = 1000 };
    const cleat__remote_settings *settings = &link->settings;
    bool is_connecting = !link->was_connected && it->code == GRPC_STATUS_UNAVAILABLE;
    int64_t max_ms = is_connecting ? CONNECT_STEP_MAX_MS : INT64_MAX / 4;
    int64_t until_ns = cleat__deadline_ns(
        cleat__link_back_off_ms(link, settings->retry_ms, max_ms, tries < 30 ? tries - 1 : 30));
    bool is_over = is_connecting ? until_ns >= give_up_ns : tries >= settings->tries;
    if (!may_try_again(method, it) || is_over || until_ns >= deadline_ns) {
        return false;
    }
    if (is_connecting && tries == 1) {
        pthread_mutex_unlock(&link->mutex); /* a log handler may take its time */
        cleat__log(CLEAT_LOG_WARN, "cannot reach the server at %s, trying again: %s", settings->address,
                   cleat__link_hint(it->text));
        pthread_mutex_lock(&link->mutex);
    }
    while (!link->is_closing && !is_refused(method) &&
           cleat__cond_wait_until(&link->changed, &link->mutex, until_ns)) {
    }
    return !link->is_closing;
}

static cleat_status conclude(const cleat__link *link, const cleat__method *method, waiting *it)
{
    if (it->code != GRPC_STATUS_OK) {
        return cleat__link_fail(link, it->code, it->text);
    }
    if (!it->has_reply) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s answers %s without a message", link->settings.address,
                           method->path);
    }
    return it->reply.failed ? cleat__fail_memory() : CLEAT_OK;
}

static cleat_status call_bytes(cleat__link *link, const cleat__method *method, cleat_slice request,
                               int64_t deadline_ns, cleat__buffer *reply, cleat__buffer *detail)
{
    waiting it = {.detail = detail};
    unsigned tries = 0;
    if (request.size > (size_t)link->settings.max_send_size) {
        return cleat__fail(CLEAT_TOO_LARGE, "the message has %zu bytes; at most %lld can be sent",
                           request.size, (long long)link->settings.max_send_size);
    }
    int64_t give_up_ns =
        link->settings.connect_timeout_ms > 0 ? cleat__deadline_ns(link->settings.connect_timeout_ms) : 0;
    cleat__cond_init(&it.answered);
    pthread_mutex_lock(&link->mutex);
    link->callers++;
    cleat_status status = CLEAT_OK;
    do {
        tries++;
        status = try_once(link, method, request, deadline_ns, &it);
    } while (status == CLEAT_OK && it.code != GRPC_STATUS_OK &&
             wait_for_next(link, method, &it, tries, give_up_ns, deadline_ns));
    if (status == CLEAT_OK) {
        status = conclude(link, method, &it);
    }
    link->callers--;
    if (link->is_closing) { /* from here on there may be no link */
        pthread_cond_broadcast(&link->changed);
    }
    pthread_mutex_unlock(&link->mutex);
    pthread_cond_destroy(&it.answered);
    if (status == CLEAT_OK) {
        *reply = it.reply;
    } else {
        cleat__buffer_deinit(&it.reply);
    }
    return status;
}

cleat_status cleat__link_call_bytes(cleat__link *link, const cleat__method *method, cleat_slice request,
                                    int64_t deadline_ns, cleat__buffer *reply)
{
    return call_bytes(link, method, request, deadline_ns, reply, NULL);
}

cleat_status cleat__link_call(cleat__link *link, const cleat__method *method, const void *request,
                              int64_t deadline_ns, void **reply)
{
    return cleat__link_call_detail(link, method, request, deadline_ns, reply, NULL);
}

cleat_status cleat__link_call_detail(cleat__link *link, const cleat__method *method, const void *request,
                                     int64_t deadline_ns, void **reply, cleat__buffer *detail)
{
    cleat__buffer sent = {0}, received = {0};
    *reply = NULL;
    cleat_status status = cleat__grpc_check_fork();
    if (status == CLEAT_OK) {
        status = cleat__message_pack(request, &sent);
    }
    if (status == CLEAT_OK) {
        status = call_bytes(link, method, cleat__buffer_slice(&sent), deadline_ns, &received, detail);
    }
    if (status == CLEAT_OK) {
        *reply = cleat__message_unpack(method->reply, cleat__buffer_slice(&received), &status);
    }
    cleat__buffer_deinit(&sent);
    cleat__buffer_deinit(&received);
    return status;
}
