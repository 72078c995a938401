#include "transport/grpc_durable.h"

#include "base/alloc.h"
#include "base/error.h"
#include "grpc/library.h"
#include "transport/grpc_worker.h"

#include <stdio.h>

/* ---- Asks ---- */

static void take_out(cleat__remote_invocation *invocation, const cleat__remote_ask *ask)
{
    cleat__remote_ask **at = &invocation->first, *before = NULL;
    while (*at != ask) {
        before = *at;
        at = &before->next;
    }
    *at = ask->next;
    invocation->last = invocation->last == ask ? before : invocation->last;
}

void cleat__remote_settle(cleat__remote_ask *ask, cleat_status status, const char *text)
{
    cleat__remote_invocation *invocation = ask->invocation;
    cleat__remote_stream_pull(ask);
    take_out(invocation, ask);
    ask->is_done = true;
    ask->status = status;
    snprintf(ask->text, sizeof(ask->text), "%s", text != NULL ? text : "");
    pthread_cond_signal(&ask->done);
    if (invocation->first != NULL && invocation->fate == CLEAT_OK) {
        cleat__remote_stream_push(invocation->first);
    }
}

static void enqueue(cleat__remote_ask *ask)
{
    cleat__remote_invocation *invocation = ask->invocation;
    *(invocation->last != NULL ? &invocation->last->next : &invocation->first) = ask;
    invocation->last = ask;
    cleat__remote_stream_push(ask);
}

/* Why it may not ask any more. */
static cleat_status check(const cleat__remote_invocation *invocation)
{
    if (invocation->fate == CLEAT_OK) {
        return CLEAT_OK;
    }
    const char *text = invocation->fate_text;
    return cleat__fail(invocation->fate, "%s", text != NULL ? text : cleat_status_text(invocation->fate));
}

/* No answer came in time. The invocation is over, also when nothing was written: a workflow can do nothing with
 * a call that fails but fail. */
static void give_up(const cleat__remote_ask *ask)
{
    const cleat__link *link = ask->invocation->durables->link;
    char text[CLEAT__CALL_TEXT];
    snprintf(text, sizeof(text), "the server at %s does not answer a durable task within %lld ms",
             link->settings.address, (long long)link->settings.call_timeout_ms);
    cleat__remote_invocation_lose(ask->invocation, text);
}

/* False: nothing has come of it for so long. */
static bool wait_for(cleat__remote_ask *ask, int64_t limit_ms)
{
    cleat__link *link = ask->invocation->durables->link;
    size_t answered;
    do {
        int64_t deadline_ns = cleat__deadline_ns(limit_ms);
        answered = ask->answered;
        while (!ask->is_done && cleat__cond_wait_until(&ask->done, &link->mutex, deadline_ns)) {
        }
    } while (!ask->is_done && ask->answered != answered);
    return ask->is_done;
}

/* Others than `cleat serve` take nothing back: there what waits for a connection waits as long as reports do. */
static bool waits_on(const cleat__remote_ask *ask)
{
    return !ask->invocation->durables->link->is_cleat && ask->written == ask->confirmed;
}

/* Others than `cleat serve` do not say that they have told everything. */
static void wait_for_answers(cleat__remote_ask *ask)
{
    const cleat__link *link = ask->invocation->durables->link;
    bool is_silence_an_answer = ask->requests[0].kind == CLEAT__DURABLE_AWAIT && !link->is_cleat;
    int64_t limit_ms =
        is_silence_an_answer ? link->settings.durable_grace_ms : link->settings.call_timeout_ms;
    while (!wait_for(ask, limit_ms)) {
        if (is_silence_an_answer) {
            cleat__remote_settle(ask, CLEAT_OK, NULL);
        } else if (!waits_on(ask)) {
            give_up(ask);
        }
    }
}

/* Sends it and waits, with the mutex held. */
static cleat_status send(cleat__remote_ask *ask)
{
    cleat_status status = check(ask->invocation);
    if (status != CLEAT_OK) {
        return status;
    }
    enqueue(ask);
    wait_for_answers(ask);
    return ask->status != CLEAT_OK ? cleat__fail(ask->status, "%s", ask->text) : CLEAT_OK;
}

/* ---- Callers ---- */

static cleat_status fail_unknown(const cleat__uuid *run_id, int32_t count)
{
    char id[37];
    cleat__uuid_format(run_id, id);
    return cleat__fail(CLEAT_CANCELLED, "invocation %d of run %s is over, or not at this worker", (int)count,
                       id);
}

/* Holds the invocation for a caller; the mutex is held. */
static cleat_status enter(cleat__remote_durables *durables, const cleat__uuid *run_id, int32_t count,
                          cleat__remote_invocation **out)
{
    cleat__remote_invocation *invocation = cleat__remote_invocation_find(durables, run_id, count);
    if (durables->is_stopped) {
        return cleat__fail(CLEAT_UNAVAILABLE, "the client is being freed");
    }
    cleat_status status = invocation != NULL ? check(invocation) : fail_unknown(run_id, count);
    if (status == CLEAT_OK) {
        invocation->callers++;
        durables->callers++;
        *out = invocation;
    }
    return status;
}

static void leave(cleat__remote_durables *durables, cleat__remote_invocation *invocation)
{
    cleat__remote_invocation_release(invocation);
    durables->callers--;
    if (durables->is_stopped) {
        pthread_cond_broadcast(&durables->link->changed);
    }
}

/* The number of the first child that says none; the mutex is held. */
static int64_t number_children(cleat__remote_invocation *invocation, const cleat__remote_ask *ask)
{
    int64_t first = invocation->children;
    for (size_t i = 0; i < ask->count; i++) {
        if (ask->requests[i].kind == CLEAT__DURABLE_TRIGGER) {
            invocation->children += (int64_t)ask->requests[i].as.trigger.count;
        }
    }
    return first;
}

/* What has been answered has consequences; the mutex is held. */
static cleat_status conclude(cleat__remote_workers *workers, cleat__remote_ask *ask, cleat_status status)
{
    const cleat__remote_invocation *it = ask->invocation;
    if (status != CLEAT_OK) {
        return status;
    }
    if (ask->requests[0].kind == CLEAT__DURABLE_AWAIT) {
        status = cleat__remote_invocation_await(it, &ask->requests[0]);
    } else if (ask->requests[0].kind == CLEAT__DURABLE_EVICT) {
        const cleat__uuid task_id = it->task_id;
        cleat__remote_forget(workers, &task_id, it->retry_count, it->count); /* nothing will be reported */
    }
    ask->answered = status == CLEAT_OK ? ask->count : 0;
    return status;
}

/* Requests that the stream answers. */
static cleat_status ask_stream(cleat__remote_workers *workers, const cleat__uuid *run_id, int32_t count,
                               cleat__remote_ask *ask)
{
    cleat__remote_durables *durables = &workers->durables;
    cleat__link *link = workers->link;
    char worker_id[37];
    bool is_await = ask->requests[0].kind == CLEAT__DURABLE_AWAIT;
    pthread_mutex_lock(&link->mutex);
    cleat_status status = enter(durables, run_id, count, &ask->invocation);
    if (status != CLEAT_OK) {
        pthread_mutex_unlock(&link->mutex);
        return status;
    }
    cleat__remote_invocation_resolve(ask->invocation, ask->nodes, ask->node_count);
    if (is_await && cleat__remote_invocation_knows(ask->invocation, &ask->requests[0])) {
        status = conclude(workers, ask, CLEAT_OK);
        goto out;
    }
    memcpy(worker_id, ask->invocation->stream->worker->current_id, sizeof(worker_id));
    int64_t first_child = number_children(ask->invocation, ask);
    pthread_mutex_unlock(&link->mutex);
    status = cleat__remote_write(link, worker_id, run_id, count, first_child, ask);
    pthread_mutex_lock(&link->mutex);
    if (status == CLEAT_OK) {
        status = conclude(workers, ask, send(ask));
    }
out:
    leave(durables, ask->invocation);
    pthread_mutex_unlock(&link->mutex);
    return status;
}

static bool goes_together(cleat__durable_kind kind)
{
    return kind == CLEAT__DURABLE_MEMO || kind == CLEAT__DURABLE_COMPLETE_MEMO ||
           kind == CLEAT__DURABLE_TRIGGER || kind == CLEAT__DURABLE_WAIT_FOR;
}

/* As many requests as go together. */
static cleat_status ask_together(cleat__remote_workers *workers, const cleat__uuid *run_id, int32_t count,
                                 cleat__remote_ask *ask, size_t most)
{
    const cleat__durable_request *requests = ask->requests;
    ask->count = 1;
    while (ask->count < most && goes_together(requests[0].kind) && goes_together(requests[ask->count].kind)) {
        ask->count++;
    }
    cleat__cond_init(&ask->done);
    cleat_status status = ask_stream(workers, run_id, count, ask);
    pthread_cond_destroy(&ask->done);
    cleat__remote_messages_free(ask);
    return status;
}

/* The nodes that a request is about, and how many; NULL: it is about none. */
static const cleat__node **nodes_of(cleat__durable_request *request, size_t *count)
{
    switch (request->kind) {
    case CLEAT__DURABLE_AWAIT: *count = request->as.await.count; return &request->as.await.nodes;
    case CLEAT__DURABLE_EVICT: *count = request->as.evict.count; return &request->as.evict.nodes;
    default: *count = 0; return NULL;
    }
}

/* Of the first requests; `*done` of them were done. Others than `cleat serve` know no node without its branch, and
 * ends are told with it: by now it is known of all that there are. */
static cleat_status ask_part(cleat__remote_workers *workers, const cleat__uuid *run_id, int32_t count,
                             cleat__durable_request *requests, size_t most, size_t *done)
{
    cleat__remote_ask ask = {.requests = requests};
    const cleat__node **asked = nodes_of(requests, &ask.node_count);
    const cleat__node *as_asked = asked != NULL ? *asked : NULL;
    if (ask.node_count != 0) {
        ask.nodes = cleat__calloc(ask.node_count, sizeof(*ask.nodes));
        if (ask.nodes == NULL) {
            return cleat__fail_memory();
        }
        memcpy(ask.nodes, as_asked, ask.node_count * sizeof(*ask.nodes));
        *asked = ask.nodes;
    }
    cleat_status status = ask_together(workers, run_id, count, &ask, most);
    if (ask.node_count != 0) {
        *asked = as_asked;
        cleat__free(ask.nodes);
    }
    *done = ask.answered;
    return status;
}

/* ---- Hooks ---- */

/* It may be another one in a while. */
static bool is_passing(cleat_status status)
{
    return status == CLEAT_UNAVAILABLE || status == CLEAT_TIMEOUT || status == CLEAT_RESOURCE_EXHAUSTED;
}

/* Waits as long as before the next try of any call; false: there is none. The mutex is held. */
static bool wait_for_next(const cleat__remote_invocation *invocation, unsigned tries, int64_t deadline_ns)
{
    cleat__link *link = invocation->durables->link;
    int64_t until_ns = cleat__deadline_ns(
        cleat__link_back_off_ms(link, link->settings.retry_ms, INT64_MAX / 4, tries < 30 ? tries - 1 : 30));
    if (tries >= link->settings.tries || until_ns >= deadline_ns) {
        return false;
    }
    while (invocation->fate == CLEAT_OK && !link->is_closing &&
           cleat__cond_wait_until(&link->changed, &link->mutex, until_ns)) {
    }
    return invocation->fate == CLEAT_OK && !link->is_closing;
}

/* With the words that a workflow knows (cleat/workflow.h). */
static cleat_status fail_hook(cleat_status status, const char *text)
{
    bool is_unknown =
        status == CLEAT_UNAUTHENTICATED || status == CLEAT_FAILED_PRECONDITION || status == CLEAT_FAILED;
    return is_unknown ? cleat__fail(CLEAT_UNAVAILABLE, "%s", text) : status;
}

/* The same run may make the same hook again, so it is tried again, too. The mutex is held, but for the tries. */
static cleat_status make_hook(cleat__remote_invocation *invocation, cleat_slice token)
{
    cleat__link *link = invocation->durables->link;
    int64_t deadline_ns = cleat__deadline_ns(link->settings.call_timeout_ms);
    char text[CLEAT__CALL_TEXT];
    cleat_status status;
    unsigned tries = 0;
    do {
        tries++;
        pthread_mutex_unlock(&link->mutex);
        status = cleat__remote_create_hook(link, &invocation->task_id, invocation->count, token);
        snprintf(text, sizeof(text), "%s", status != CLEAT_OK ? cleat_error_message() : "");
        pthread_mutex_lock(&link->mutex);
    } while (is_passing(status) && wait_for_next(invocation, tries, deadline_ns));
    if (!is_passing(status)) {
        return fail_hook(status, text);
    }
    if (invocation->fate == CLEAT_OK) {
        cleat__remote_invocation_lose(invocation, text);
    }
    return check(invocation);
}

static cleat_status create_hook(cleat__remote_workers *workers, const cleat__uuid *run_id, int32_t count,
                                const cleat__durable_request *request)
{
    cleat__remote_invocation *invocation = NULL;
    pthread_mutex_lock(&workers->link->mutex);
    cleat_status status = enter(&workers->durables, run_id, count, &invocation);
    if (status == CLEAT_OK) {
        status = make_hook(invocation, request->as.create_hook.token);
        leave(&workers->durables, invocation);
    }
    pthread_mutex_unlock(&workers->link->mutex);
    return status;
}

/* ---- All of them ---- */

cleat_status cleat__remote_durable(cleat__remote_workers *workers, const cleat__uuid *run_id,
                                   int32_t invocation_count, cleat__durable_request *requests, size_t count,
                                   size_t *done_count)
{
    cleat_status status = cleat__grpc_check_fork();
    size_t done = 0;
    while (status == CLEAT_OK && done < count) {
        size_t part = 0;
        if (requests[done].kind == CLEAT__DURABLE_CREATE_HOOK) {
            status = create_hook(workers, run_id, invocation_count, &requests[done]);
            part = status == CLEAT_OK;
        } else {
            status = ask_part(workers, run_id, invocation_count, &requests[done], count - done, &part);
        }
        done += part;
    }
    if (done_count != NULL) {
        *done_count = done;
    }
    return status;
}
