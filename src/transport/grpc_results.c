#include "transport/grpc_results.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/heap.h"
#include "grpc/library.h"
#include "wire/dispatcher.pb-c.h"
#include "wire/message.h"
#include "wire/run_result.h"
#include "wire/v1/workflows.pb-c.h"

#include <stdio.h>

/* How long the stream is waited for before the server is asked whether there is such a run; and how long that may
 * take, with the result of one that has ended, whatever the caller's limit. */
enum { SILENCE_MS = 100, LEAST_MS = 2000 };

typedef struct waiter {
    struct waiter *next;
    pthread_cond_t done;
    bool is_done;
    cleat_status status;
    char text[CLEAT__CALL_TEXT];
    cleat_run_result result; /* the caller's, when the status is CLEAT_OK */
    /* Whether there is such a run. */
    cleat__call *question; /* on its way */
    bool is_answered, is_run_done;
    int code;
} waiter;

struct cleat__awaited {
    cleat__awaited *next, *previous;
    bool is_asked; /* on the stream that is there */
    waiter *waiters;
    cleat__follow follow;
    char id[37];
    char key[40]; /* both */
};

/* ---- The list ---- */

static void set_key(cleat__awaited *it, const cleat__uuid *id, cleat__follow follow)
{
    it->follow = follow;
    cleat__uuid_format(id, it->id);
    snprintf(it->key, sizeof(it->key), "%s %d", it->id, (int)follow);
}

static void append(cleat__results *results, cleat__awaited *it)
{
    it->is_asked = false;
    it->next = NULL;
    it->previous = results->last;
    *(it->previous != NULL ? &it->previous->next : &results->first) = it;
    results->last = it;
    results->unasked = results->unasked != NULL ? results->unasked : it;
}

static void take_out(cleat__results *results, cleat__awaited *it)
{
    *(it->previous != NULL ? &it->previous->next : &results->first) = it->next;
    *(it->next != NULL ? &it->next->previous : &results->last) = it->previous;
    results->unasked = results->unasked == it ? it->next : results->unasked;
}

static void forget(cleat__results *results, cleat__awaited *it)
{
    take_out(results, it);
    (void)cleat__map_remove(&results->awaited, cleat_slice_of(it->key));
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
    for (const cleat__awaited *it = results->first; it != NULL; it = it->next) {
        for (waiter *each = it->waiters; each != NULL; each = each->next) {
            if (!each->is_done) {
                tell(each, status, text);
            }
        }
    }
}

/* ---- The stream ---- */

static cleat_status pack_request(const cleat__awaited *it, cleat__buffer *out)
{
    bool failed = false;
    Cleat__SubscribeToWorkflowRunsRequest *message =
        cleat__message_new(&cleat__subscribe_to_workflow_runs_request__descriptor);
    if (message == NULL) {
        return cleat__fail_memory();
    }
    message->workflow_run_id = cleat__message_string(&failed, it->id);
    message->cleat_follow = it->follow;
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
    if (results->stream == NULL || it == NULL || !cleat__rpc_stream_is_writable(results->stream)) {
        return;
    }
    if (pack_request(it, &message) == CLEAT_OK) {
        it->is_asked = true;
        results->unasked = it->next;
        cleat__rpc_stream_write(results->stream, cleat__buffer_slice(&message));
    }
    cleat__buffer_deinit(&message);
}

static cleat__awaited *find(cleat__results *results, const cleat__uuid *id, cleat__follow follow)
{
    cleat__awaited key;
    set_key(&key, id, follow);
    return cleat__map_get(&results->awaited, cleat_slice_of(key.key));
}

/* A server that follows nothing tells the run's own end, whatever was asked for. */
static void take(cleat__results *results, const cleat__uuid *id, const Cleat__WorkflowRunEvent *event)
{
    const cleat__follow of = cleat__follow_read(event->cleat_follow);
    for (int each = CLEAT__FOLLOW_LAST; each <= CLEAT__FOLLOW_STREAM; each++) {
        cleat__awaited *awaited = find(results, id, (cleat__follow)each);
        if (awaited != NULL && (of == CLEAT__FOLLOW_NOT || (int)of == each)) {
            tell_result(awaited, event);
        }
    }
}

static void on_message(void *owner, cleat_slice bytes)
{
    cleat__results *results = owner;
    cleat_status status;
    cleat__uuid id;
    results->failures = 0;
    Cleat__WorkflowRunEvent *event =
        cleat__message_unpack(&cleat__workflow_run_event__descriptor, bytes, &status);
    if (event != NULL && cleat__uuid_parse(cleat_slice_of(event->workflow_run_id), &id) == CLEAT_OK) {
        take(results, &id, event);
    } else {
        static cleat__log_site site;
        cleat__link_log(results->link, &site, CLEAT_LOG_WARN,
                        "the server at %s sends a result that is none: %s", results->link->settings.address,
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
    results->stream = NULL;
    if (cleat__clock_monotonic_ns(NULL) - results->opened_ns >= CLEAT__GOOD_STREAM_NS) {
        results->failures = 0;
    }
    for (cleat__awaited *it = results->first; it != NULL; it = it->next) {
        it->is_asked = false;
    }
    results->unasked = results->first;
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
    static const cleat__rpc_stream_handler handler = {
        .message = on_message, .writable = ask, .ended = on_ended};
    if (results->stream == NULL && results->unasked != NULL) {
        results->opened_ns = cleat__clock_monotonic_ns(NULL);
        results->stream = cleat__rpc_stream_start(results->link, "/Dispatcher/SubscribeToWorkflowRuns",
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

static cleat_status add(cleat__results *results, const cleat__uuid *id, cleat__follow follow, waiter *self,
                        cleat__awaited **out)
{
    cleat__awaited *it = find(results, id, follow);
    if (it == NULL) {
        it = cleat__calloc(1, sizeof(*it));
        if (it == NULL) {
            return cleat__fail_memory();
        }
        set_key(it, id, follow);
        cleat_status status = cleat__map_put(&results->awaited, cleat_slice_of(it->key), it);
        if (status != CLEAT_OK) {
            cleat__free(it);
            return status;
        }
        append(results, it);
    } else if (it->is_asked && it->waiters->is_done) {
        take_out(results, it); /* the answer has come just now: asking again answers again */
        append(results, it);
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

#define DETAILS "/v1.AdminService/GetRunDetails"

static void set_details(Cleat__V1__GetRunDetailsRequest *request, const char *id, cleat__follow follow)
{
    request->external_id = (char *)(uintptr_t)id;
    request->cleat_follow = follow;
}

cleat_status cleat__run_is_done(cleat__link *link, const char *id, cleat__follow follow, bool *is_done,
                                bool *is_cancelled)
{
    static const cleat__method method = {DETAILS, &cleat__v1__get_run_details_response__descriptor, true,
                                         NULL};
    Cleat__V1__GetRunDetailsRequest request = CLEAT__V1__GET_RUN_DETAILS_REQUEST__INIT;
    void *reply = NULL;
    set_details(&request, id, follow);
    cleat_status status = cleat__link_call(link, &method, &request, INT64_MAX, &reply);
    const Cleat__V1__GetRunDetailsResponse *answer = reply;
    if (status == CLEAT_OK) {
        *is_done = answer->done;
    }
    if (status == CLEAT_OK && is_cancelled != NULL) {
        /* Of several tasks one may have failed before the others were cancelled. */
        bool may_be = answer->status == CLEAT__V1__RUN_STATUS__CANCELLED ||
                      (answer->status == CLEAT__V1__RUN_STATUS__FAILED && answer->n_task_runs > 1);
        *is_cancelled = answer->done && may_be;
    }
    cleat__message_free(reply);
    /* All that a run took and gave is in the answer; when that is too much, for either side, it is there. */
    bool is_too_large = status == CLEAT_TOO_LARGE ||
                        cleat__grpc_is_too_large(cleat_status_grpc_code(status), cleat_error_message());
    return is_too_large ? CLEAT_UNSUPPORTED : status;
}

static bool wait_until(const cleat__results *results, waiter *self, int64_t deadline_ns)
{
    while (!self->is_done && cleat__cond_wait_until(&self->done, &results->link->mutex, deadline_ns)) {
    }
    return self->is_done;
}

/* ---- Whether there is such a run, of which the stream says nothing ---- */

static void on_answer(void *owner, cleat__call *call)
{
    waiter *self = owner;
    cleat__buffer bytes = {0};
    cleat_status status;
    self->question = NULL;
    self->is_answered = true;
    self->code = (int)call->code;
    cleat__call_text(call, self->text);
    if (call->code == GRPC_STATUS_OK && cleat__call_read(call, &bytes)) {
        Cleat__V1__GetRunDetailsResponse *reply = cleat__message_unpack(
            &cleat__v1__get_run_details_response__descriptor, cleat__buffer_slice(&bytes), &status);
        self->is_run_done = reply != NULL && reply->done;
        cleat__message_free(reply);
    }
    cleat__buffer_deinit(&bytes);
    pthread_cond_signal(&self->done);
}

typedef enum finding { UNKNOWN, FOUND, MISSING, REFUSED } finding;

static finding finding_of(const waiter *self)
{
    switch (self->is_answered ? self->code : GRPC_STATUS_UNAVAILABLE) {
    case GRPC_STATUS_NOT_FOUND: return MISSING;
    case GRPC_STATUS_UNAUTHENTICATED:
    case GRPC_STATUS_PERMISSION_DENIED:
    case GRPC_STATUS_INVALID_ARGUMENT:
    case GRPC_STATUS_FAILED_PRECONDITION: return REFUSED;
    /* A server that cannot say. */
    case GRPC_STATUS_UNIMPLEMENTED:
    case GRPC_STATUS_OUT_OF_RANGE:
    case GRPC_STATUS_OK: return FOUND;
    default: return cleat__grpc_is_too_large(self->code, self->text) ? FOUND : UNKNOWN;
    }
}

/* Waits for the answer, or the run's result. */
static finding look(const cleat__results *results, const cleat__awaited *of, waiter *self,
                    int64_t deadline_ns)
{
    cleat__link *link = results->link;
    Cleat__V1__GetRunDetailsRequest request = CLEAT__V1__GET_RUN_DETAILS_REQUEST__INIT;
    cleat__buffer bytes = {0};
    set_details(&request, of->id, of->follow);
    self->is_answered = false;
    if (cleat__message_pack(&request, &bytes) == CLEAT_OK) {
        self->question = cleat__call_start(link, DETAILS, cleat__buffer_slice(&bytes),
                                           link->settings.call_timeout_ms, on_answer, self);
    }
    cleat__buffer_deinit(&bytes);
    while (self->question != NULL && !self->is_done &&
           cleat__cond_wait_until(&self->done, &link->mutex, deadline_ns)) {
    }
    cleat__call_abandon(self->question);
    self->question = NULL;
    return finding_of(self);
}

/* Asks until the server has said something. Some know of a run only a while after they have given it its id. */
static finding look_until_known(const cleat__results *results, const cleat__awaited *of, waiter *self,
                                int64_t deadline_ns, int64_t least_ns)
{
    const cleat__remote_settings *settings = &results->link->settings;
    int64_t patience_ns = cleat__deadline_ns(results->patience_ms);
    for (unsigned tries = 0;; tries++) {
        finding found = look(results, of, self, least_ns);
        int64_t limit_ns = found == MISSING ? deadline_ns : least_ns;
        if (found == MISSING && cleat__clock_monotonic_ns(NULL) < patience_ns) {
            found = UNKNOWN;
        }
        int64_t next_ns = cleat__deadline_ns(cleat__link_back_off_ms(
            results->link, settings->retry_ms, settings->reconnect_max_ms, tries < 30 ? tries : 30));
        if (found != UNKNOWN || wait_until(results, self, next_ns < limit_ns ? next_ns : limit_ns) ||
            cleat__clock_monotonic_ns(NULL) >= limit_ns) {
            return found;
        }
    }
}

static void find_out(const cleat__results *results, const cleat__awaited *of, waiter *self,
                     int64_t *deadline_ns)
{
    char text[CLEAT__CALL_TEXT];
    int64_t least_ns = cleat__deadline_ns(LEAST_MS);
    least_ns = *deadline_ns > least_ns ? *deadline_ns : least_ns;
    finding found = look_until_known(results, of, self, *deadline_ns, least_ns);
    if (self->is_done) {
        return;
    }
    if (self->is_run_done) {
        *deadline_ns = least_ns; /* its result is on the way */
    } else if (found == MISSING) {
        snprintf(text, sizeof(text), "there is no run %s", of->id);
        tell(self, CLEAT_NOT_FOUND, text);
    } else if (found == REFUSED) {
        cleat_status status = cleat__link_fail(results->link, self->code, self->text);
        tell(self, status, cleat_error_message());
    }
}

static cleat_status wait_here(cleat__results *results, const cleat__uuid *id, cleat__follow follow,
                              int64_t timeout_ms, waiter *self)
{
    cleat__awaited *awaited = NULL;
    if (results->link->is_closing) {
        return cleat__fail(CLEAT_UNAVAILABLE, "the client is being freed");
    }
    cleat_status status = add(results, id, follow, self, &awaited);
    if (status != CLEAT_OK) {
        return status;
    }
    int64_t deadline_ns = cleat__deadline_ns(timeout_ms);
    int64_t silence_ns = cleat__deadline_ns(SILENCE_MS);
    if (!wait_until(results, self, silence_ns < deadline_ns ? silence_ns : deadline_ns)) {
        find_out(results, awaited, self, &deadline_ns);
    }
    if (!wait_until(results, self, deadline_ns)) {
        self->status = cleat__fail(CLEAT_TIMEOUT, "run %s has not ended yet", awaited->id);
    } else if (self->status != CLEAT_OK) {
        self->status = cleat__fail(self->status, "%s", self->text);
    }
    leave(results, awaited, self);
    return self->status;
}

cleat_status cleat__results_wait(cleat__results *results, const cleat__uuid *run_id, cleat__follow follow,
                                 int64_t timeout_ms, cleat_run_result *result)
{
    waiter self = {0};
    cleat_status status = cleat__grpc_check_fork();
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__cond_init(&self.done);
    pthread_mutex_lock(&results->link->mutex);
    results->callers++;
    status = wait_here(results, run_id, follow, timeout_ms, &self);
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
