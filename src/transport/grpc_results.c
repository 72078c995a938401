#include "transport/grpc_results.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/heap.h"
#include "base/log.h"
#include "grpc/library.h"
#include "wire/dispatcher.pb-c.h"
#include "wire/message.h"
#include "wire/run_result.h"
#include "wire/v1/workflows.pb-c.h"

#include <stdio.h>

/* How long the stream is waited for before the server is asked whether there is such a run. */
enum { SILENCE_MS = 100, ASK_TIMEOUT_MS = 2000, RESULT_GRACE_MS = 5000 };

typedef struct waiter {
    struct waiter *next;
    pthread_cond_t done;
    bool is_done;
    cleat_status status;
    char text[CLEAT__CALL_TEXT];
    cleat_run_result result; /* the caller's, when the status is CLEAT_OK */
} waiter;

struct cleat__awaited {
    cleat__awaited *next, *previous; /* of those that are not asked for */
    bool is_asked;                   /* on the stream that is there */
    waiter *waiters;
    char id[37];
};

/* ---- The list of what is not asked for ---- */

static void link_unasked(cleat__results *results, cleat__awaited *it)
{
    it->is_asked = false;
    it->previous = NULL;
    it->next = results->unasked;
    if (it->next != NULL) {
        it->next->previous = it;
    }
    results->unasked = it;
}

static void unlink_unasked(cleat__results *results, cleat__awaited *it)
{
    if (!it->is_asked) {
        *(it->previous != NULL ? &it->previous->next : &results->unasked) = it->next;
        if (it->next != NULL) {
            it->next->previous = it->previous;
        }
    }
}

static void forget(cleat__results *results, cleat__awaited *it)
{
    unlink_unasked(results, it);
    (void)cleat__map_remove(&results->awaited, cleat_slice_of(it->id));
    cleat__free(it);
}

/* ---- Telling who waits ---- */

static void tell(waiter *it, cleat_status status, const char *text)
{
    it->is_done = true;
    it->status = status;
    snprintf(it->text, sizeof(it->text), "%s", text);
    pthread_cond_signal(&it->done);
}

static void tell_result(cleat__awaited *awaited, const Cleat__WorkflowRunEvent *event)
{
    for (waiter *it = awaited->waiters; it != NULL; it = it->next) {
        if (!it->is_done) {
            cleat_status status = cleat__run_result_read(event, &it->result);
            tell(it, status, status == CLEAT_OK ? "" : cleat_error_message());
        }
    }
}

static void tell_all(cleat__results *results, cleat_status status, const char *text)
{
    size_t cursor = 0;
    for (const cleat__awaited *it; (it = cleat__map_next(&results->awaited, &cursor)) != NULL;) {
        for (waiter *each = it->waiters; each != NULL; each = each->next) {
            if (!each->is_done) {
                tell(each, status, text);
            }
        }
    }
}

/* ---- The stream ---- */

static cleat_status pack_request(const char *id, cleat__buffer *out)
{
    bool failed = false;
    Cleat__SubscribeToWorkflowRunsRequest *message =
        cleat__message_new(&cleat__subscribe_to_workflow_runs_request__descriptor);
    if (message == NULL) {
        return cleat__fail_memory();
    }
    message->workflow_run_id = cleat__message_string(&failed, id);
    cleat_status status = failed ? cleat__fail_memory() : cleat__message_pack(message, out);
    cleat__message_free(message);
    return status;
}

/* Sends the next id. On no memory it is sent behind the next message of any kind. */
static void ask(void *owner)
{
    cleat__results *results = owner;
    cleat__awaited *it = results->unasked;
    cleat__buffer message = {0};
    if (results->stream == NULL || it == NULL || !cleat__stream_is_writable(results->stream)) {
        return;
    }
    if (pack_request(it->id, &message) == CLEAT_OK) {
        unlink_unasked(results, it);
        it->is_asked = true;
        cleat__stream_write(results->stream, cleat__buffer_slice(&message));
    }
    cleat__buffer_deinit(&message);
}

static void on_message(void *owner, cleat_slice bytes)
{
    cleat__results *results = owner;
    cleat_status status;
    cleat__uuid id;
    char text[37];
    results->failures = 0;
    Cleat__WorkflowRunEvent *event =
        cleat__message_unpack(&cleat__workflow_run_event__descriptor, bytes, &status);
    if (event != NULL && cleat__uuid_parse(cleat_slice_of(event->workflow_run_id), &id) == CLEAT_OK) {
        cleat__uuid_format(&id, text);
        cleat__awaited *awaited = cleat__map_get(&results->awaited, cleat_slice_of(text));
        if (awaited != NULL) {
            tell_result(awaited, event);
        }
    } else {
        static cleat__log_site site;
        cleat__log_limited(&site, CLEAT_LOG_WARN, "the server at %s sends a result that is none: %s",
                           results->link->settings.address,
                           event == NULL ? cleat_error_message() : "its id is no UUID");
    }
    cleat__message_free(event);
    ask(results);
}

static void connect_stream(cleat__results *results);

static void wait_for_reconnect(cleat__results *results)
{
    const cleat__remote_settings *settings = &results->link->settings;
    int64_t delay_ms = cleat__link_back_off_ms(results->link, settings->reconnect_ms,
                                               settings->reconnect_max_ms, results->failures);
    results->failures += results->failures < 30;
    cleat__link_timer_set(results->link, &results->reconnect, cleat__deadline_ns(delay_ms));
}

static void on_ended(void *owner, int code, const char *text)
{
    cleat__results *results = owner;
    size_t cursor = 0;
    results->stream = NULL;
    for (cleat__awaited *it; (it = cleat__map_next(&results->awaited, &cursor)) != NULL;) {
        if (it->is_asked) {
            link_unasked(results, it);
        }
    }
    if (code == GRPC_STATUS_UNAUTHENTICATED || code == GRPC_STATUS_PERMISSION_DENIED ||
        code == GRPC_STATUS_UNIMPLEMENTED) {
        cleat_status status = cleat__link_fail(results->link, code, text);
        tell_all(results, status, cleat_error_message());
    }
    if (results->unasked != NULL && !results->link->is_closing) {
        wait_for_reconnect(results);
    }
}

static void connect_stream(cleat__results *results)
{
    static const cleat__stream_handler handler = {.message = on_message, .writable = ask, .ended = on_ended};
    if (results->stream == NULL && results->unasked != NULL) {
        results->stream = cleat__stream_start(results->link, "/Dispatcher/SubscribeToWorkflowRuns",
                                              (cleat_slice){NULL, 0}, &handler, results);
        if (results->stream == NULL) {
            wait_for_reconnect(results);
        }
    }
    ask(results);
}

static void reconnect(cleat__link_timer *self)
{
    connect_stream(CLEAT__CONTAINER(self, cleat__results, reconnect));
}

/* ---- Waiting ---- */

static cleat_status add(cleat__results *results, const char *id, waiter *self, cleat__awaited **out)
{
    cleat__awaited *it = cleat__map_get(&results->awaited, cleat_slice_of(id));
    if (it == NULL) {
        it = cleat__calloc(1, sizeof(*it));
        if (it == NULL) {
            return cleat__fail_memory();
        }
        snprintf(it->id, sizeof(it->id), "%s", id);
        cleat_status status = cleat__map_put(&results->awaited, cleat_slice_of(it->id), it);
        if (status != CLEAT_OK) {
            cleat__free(it);
            return status;
        }
        link_unasked(results, it);
    } else if (it->is_asked && it->waiters->is_done) {
        link_unasked(results, it); /* the answer has come just now: asking again answers again */
    }
    self->next = it->waiters;
    it->waiters = self;
    *out = it;
    if (!results->reconnect.is_set) {
        connect_stream(results);
    }
    return CLEAT_OK;
}

static void leave(cleat__results *results, cleat__awaited *it, const waiter *self)
{
    waiter **at = &it->waiters;
    while (*at != self) {
        at = &(*at)->next;
    }
    *at = self->next;
    if (it->waiters == NULL) {
        forget(results, it);
    }
}

cleat_status cleat__run_is_done(cleat__link *link, const char *id, int64_t deadline_ns, bool *is_done)
{
    static const cleat__method method = {"/v1.AdminService/GetRunDetails",
                                         &cleat__v1__get_run_details_response__descriptor, true};
    Cleat__V1__GetRunDetailsRequest request = CLEAT__V1__GET_RUN_DETAILS_REQUEST__INIT;
    void *reply = NULL;
    request.external_id = (char *)(uintptr_t)id;
    cleat_status status = cleat__link_call(link, &method, &request, deadline_ns, &reply);
    if (status == CLEAT_OK) {
        *is_done = ((Cleat__V1__GetRunDetailsResponse *)reply)->done;
    }
    cleat__message_free(reply);
    return status;
}

static bool wait_until(const cleat__results *results, waiter *self, int64_t deadline_ns)
{
    while (!self->is_done && cleat__cond_wait_until(&self->done, &results->link->mutex, deadline_ns)) {
    }
    return self->is_done;
}

/*
 * The stream never answers for a run that is not there, so the server is asked. Unlocks meanwhile. False: there is
 * none, as far as the server knows.
 */
static bool look_for_run(cleat__results *results, const char *id, waiter *self, int64_t *deadline_ns)
{
    bool is_done = false;
    int64_t least_ns = cleat__deadline_ns(ASK_TIMEOUT_MS);
    pthread_mutex_unlock(&results->link->mutex);
    cleat_status status =
        cleat__run_is_done(results->link, id, *deadline_ns > least_ns ? *deadline_ns : least_ns, &is_done);
    pthread_mutex_lock(&results->link->mutex);
    if (is_done) { /* its result is on the way */
        int64_t grace_ns = cleat__deadline_ns(RESULT_GRACE_MS);
        *deadline_ns = *deadline_ns > grace_ns ? *deadline_ns : grace_ns;
    }
    bool may_pass = status == CLEAT_TIMEOUT || status == CLEAT_UNAVAILABLE || status == CLEAT_UNSUPPORTED ||
                    status == CLEAT_TOO_LARGE || status == CLEAT_NOT_FOUND;
    if (status != CLEAT_OK && !may_pass && !self->is_done) {
        tell(self, status, cleat_error_message());
    }
    return status != CLEAT_NOT_FOUND;
}

/* Some servers know of a run only a while after they have given it its id. */
static void look_twice(cleat__results *results, const char *id, waiter *self, int64_t *deadline_ns)
{
    char text[64];
    int64_t patience_ns = cleat__deadline_ns(results->patience_ms);
    if (look_for_run(results, id, self, deadline_ns) ||
        wait_until(results, self, patience_ns < *deadline_ns ? patience_ns : *deadline_ns) ||
        (results->patience_ms != 0 && look_for_run(results, id, self, deadline_ns)) || self->is_done) {
        return;
    }
    snprintf(text, sizeof(text), "there is no run %s", id);
    tell(self, CLEAT_NOT_FOUND, text);
}

static cleat_status wait_here(cleat__results *results, const char *id, int64_t timeout_ms, waiter *self)
{
    cleat__awaited *awaited = NULL;
    if (results->link->is_closing) {
        return cleat__fail(CLEAT_UNAVAILABLE, "the client is being freed");
    }
    cleat_status status = add(results, id, self, &awaited);
    if (status != CLEAT_OK) {
        return status;
    }
    int64_t deadline_ns = cleat__deadline_ns(timeout_ms);
    int64_t silence_ns = cleat__deadline_ns(SILENCE_MS);
    if (!wait_until(results, self, silence_ns < deadline_ns ? silence_ns : deadline_ns)) {
        look_twice(results, id, self, &deadline_ns);
    }
    if (!wait_until(results, self, deadline_ns)) {
        self->status = cleat__fail(CLEAT_TIMEOUT, "run %s has not ended yet", id);
    } else if (self->status != CLEAT_OK) {
        self->status = cleat__fail(self->status, "%s", self->text);
    }
    leave(results, awaited, self);
    return self->status;
}

cleat_status cleat__results_wait(cleat__results *results, const cleat__uuid *run_id, int64_t timeout_ms,
                                 cleat_run_result *result)
{
    waiter self = {0};
    char id[37];
    cleat__uuid_format(run_id, id);
    cleat_status status = cleat__grpc_check_fork();
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__cond_init(&self.done);
    pthread_mutex_lock(&results->link->mutex);
    results->callers++;
    status = wait_here(results, id, timeout_ms, &self);
    results->callers--;
    pthread_cond_broadcast(&results->link->changed);
    pthread_mutex_unlock(&results->link->mutex);
    pthread_cond_destroy(&self.done);
    if (status == CLEAT_OK) {
        *result = self.result;
    }
    return status;
}

/* ---- Life ---- */

void cleat__results_init(cleat__results *results, cleat__link *link)
{
    results->link = link;
    results->reconnect.run = reconnect;
}

void cleat__results_stop(cleat__results *results)
{
    pthread_mutex_lock(&results->link->mutex);
    cleat__link_timer_unset(results->link, &results->reconnect);
    tell_all(results, CLEAT_UNAVAILABLE, "the client was freed");
    while (results->callers != 0) {
        (void)cleat__cond_wait_until(&results->link->changed, &results->link->mutex, INT64_MAX);
    }
    pthread_mutex_unlock(&results->link->mutex);
}

void cleat__results_deinit(cleat__results *results)
{
    cleat__map_deinit(&results->awaited);
}
