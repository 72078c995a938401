/* What the end of a workflow's function means: its run has ended, or waits. */
#include "sdk/invocation.h"

#include "base/alloc.h"
#include "base/error.h"

#include <stdio.h>

/* ---- Suspension ---- */

struct cleat_suspend_call {
    cleat__chain chain;
    cleat__invocation *invocation;
    cleat__metadata metadata;
};

cleat_task *cleat_suspend_call_task(cleat_suspend_call *call)
{
    return call != NULL ? call->invocation->task : NULL;
}

cleat_suspension cleat__invocation_suspension(const cleat__invocation *it)
{
    cleat_suspension counts = {0, 0, 0};
    for (size_t i = 0; i < it->waited_count; i++) {
        cleat__logged_kind kind = cleat__invocation_node(it, it->waited[i])->kind;
        counts.step_count += kind == CLEAT__LOGGED_RUN;
        counts.hook_count += kind == CLEAT__LOGGED_HOOK;
        counts.wait_count += kind == CLEAT__LOGGED_TIME;
    }
    return counts;
}

cleat_suspension cleat_suspend_call_suspension(const cleat_suspend_call *call)
{
    return call != NULL ? cleat__invocation_suspension(call->invocation) : (cleat_suspension){0, 0, 0};
}

cleat_text_map cleat_suspend_call_metadata(cleat_suspend_call *call)
{
    return call != NULL ? cleat__metadata_map(&call->metadata) : (cleat_text_map){0};
}

/* For people. */
static void describe(const cleat__invocation *it, char *text, size_t size)
{
    cleat_suspension counts = cleat__invocation_suspension(it);
    (void)snprintf(text, size, "%s() waits for %s %zu: %d runs, %d hooks, %d times and events",
                   it->stopped_call, it->waits_for_all ? "all of" : "one of", it->waited_count,
                   (int)counts.step_count, (int)counts.hook_count, (int)counts.wait_count);
}

static cleat_status evict(cleat_suspend_call *call)
{
    cleat__invocation *it = call->invocation;
    char reason[200];
    cleat__durable_request request = {.kind = CLEAT__DURABLE_EVICT};
    cleat_status status = cleat__metadata_text(&call->metadata, &request.as.evict.carrier);
    cleat__node *nodes = cleat__calloc(it->waited_count + 1, sizeof(*nodes));
    if (status == CLEAT_OK && nodes == NULL) {
        status = cleat__fail_memory();
    }
    if (status == CLEAT_OK) {
        describe(it, reason, sizeof(reason));
        for (size_t i = 0; i < it->waited_count; i++) {
            nodes[i] = cleat__invocation_place(it, it->waited[i]);
        }
        request.as.evict.reason = cleat_slice_of(reason);
        request.as.evict.nodes = nodes;
        request.as.evict.count = it->waited_count;
        request.as.evict.is_all = it->waits_for_all;
        status = cleat__invocation_store(it, &request);
    }
    it->is_evicted = status == CLEAT_OK;
    cleat__free(nodes);
    return status;
}

cleat_status cleat_suspend_call_proceed(cleat_suspend_call *call)
{
    if (call == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "call is NULL");
    }
    cleat_status status = cleat__chain_check(&call->chain);
    if (status != CLEAT_OK) {
        return status;
    }
    const cleat_interceptor *next = cleat__chain_next(&call->chain, offsetof(cleat_interceptor, suspend));
    status = next != NULL ? next->suspend(next->user_data, call) : evict(call);
    call->chain.spent = true;
    return status;
}

static cleat_status suspend(cleat__invocation *it)
{
    cleat_suspend_call call = {.chain = {.client = it->task->worker->client}, .invocation = it};
    cleat_status status = cleat_suspend_call_proceed(&call);
    status = cleat__chain_end(status, it->is_evicted);
    if (!it->is_evicted) {
        (void)cleat_task_fail(it->task, status, "the wait could not be recorded: %s", cleat_error_message());
    }
    cleat__metadata_deinit(&call.metadata);
    return it->is_evicted ? CLEAT_SUSPENDED : status;
}

/* ---- The end ---- */

static cleat_status fail_for_good(cleat__invocation *it, const char *what)
{
    return cleat_task_fail(it->task, CLEAT_NON_RETRYABLE, "workflow \"%s\" %s", it->declaration->workflow,
                           what);
}

/* What was answered to the program counts, not what it has made of it. */
static cleat_status end_stopped(cleat__invocation *it, cleat_status status)
{
    char what[200];
    if (it->stopped == CLEAT_SUSPENDED) {
        if (status == CLEAT_SUSPENDED) {
            return suspend(it);
        }
        (void)snprintf(what, sizeof(what), "got CLEAT_SUSPENDED from %s() and did not return it",
                       it->stopped_call);
        return fail_for_good(it, what);
    }
    if (status == CLEAT_OK) {
        status = cleat_task_fail(it->task, it->stopped,
                                 "workflow \"%s\" got %s from %s() and returned CLEAT_OK: %s",
                                 it->declaration->workflow, cleat_status_name(it->stopped), it->stopped_call,
                                 it->stopped_text != NULL ? it->stopped_text : "");
    }
    return status;
}

/* Runs that it has started and that nobody has stored yet; values are of no use any more. */
static cleat_status store_rest(cleat__invocation *it, cleat_status status)
{
    if (it->trigger_count == 0 || cleat__invocation_store(it, NULL) == CLEAT_OK) {
        return status;
    }
    return status != CLEAT_OK ? status
                              : cleat_task_fail(it->task, it->stopped, "its runs could not be started: %s",
                                                cleat_error_message());
}

/* Where the log goes on behind the last call, the calls have changed: the engine says what it has there. Only of a function
 * that has succeeded: one that fails may do so before it comes to what it did in an earlier attempt. */
static cleat_status check_end(cleat__invocation *it)
{
    cleat__durable_request end = {.kind = CLEAT__DURABLE_MEMO,
                                  .as.memo.key = cleat_slice_of(CLEAT__MEMO_END)};
    if (it->log_size < cleat__invocation_next(it)) {
        return CLEAT_OK;
    }
    cleat_status status = cleat__invocation_store(it, &end);
    cleat__free(end.as.memo.value);
    return status == CLEAT_OK ? status : cleat_task_fail(it->task, status, "%s", cleat_error_message());
}

/* A failure without words of its own has those of the call that it comes from, or of what every call has answered. */
static void find_words(cleat__invocation *it, cleat_status status)
{
    char **words = it->last_text != NULL && it->last_status == status ? &it->last_text : &it->stopped_text;
    bool is_said = words == &it->last_text || it->stopped == status;
    if (it->task->error == NULL && is_said) {
        it->task->error = *words;
        *words = NULL;
    }
}

cleat_status cleat__workflow_run(cleat__invocation *it)
{
    cleat_task *task = it->task;
    cleat_status status = cleat__task_call(task, it->declaration->run, it->declaration->user_data);
    it->call = "cleat_stream_write";
    (void)cleat__invocation_flush(it); /* a failure stops it */
    it->call = "the end";
    if (status != CLEAT_OK && status != CLEAT_SUSPENDED) {
        find_words(it, status);
    }
    if (it->continued_as[0] != '\0') {
        return status == CLEAT_OK ? cleat_task_return(task, it->continued_as) : status;
    }
    if (it->stopped != CLEAT_OK) {
        return end_stopped(it, status);
    }
    if (status == CLEAT_SUSPENDED) {
        return fail_for_good(it, "returned CLEAT_SUSPENDED, which no call had answered");
    }
    if (status == CLEAT_OK) {
        status = check_end(it);
    }
    return store_rest(it, status);
}
