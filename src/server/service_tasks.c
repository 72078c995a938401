/* v1.AdminService's CancelTasks and ReplayTasks: many runs, by their ids or by a filter. */
#include "run_selector.h"
#include "service.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "engine/run_batch.h"

/* What differs between the two. */
typedef struct deed {
    cleat__command_kind kind;
    void (*reply)(cleat__job *job, char **ids, size_t count);
} deed;

/* The batch has the commands, one for each run; the job's own is not used. */
typedef struct doing {
    cleat__job job;             /* first */
    const atomic_bool *is_over; /* the call's data, which lives longer */
    const deed *deed;
    cleat__run_selection selection;
    cleat__run_batch batch;
    cleat__uuid *ids; /* that were given */
} doing;

static void doing_deinit(cleat__job *job)
{
    doing *it = (doing *)job;
    cleat__run_batch_deinit(&it->batch);
    cleat__run_selection_deinit(&it->selection);
    cleat__free(it->ids);
    cleat__services_leave(job->services);
}

/* ---- Doing it ---- */

typedef char id_text[37];

static void answer(doing *it)
{
    size_t count = it->batch.accepted;
    id_text *texts = cleat__calloc(count + 1, sizeof(*texts));
    char **ids = cleat__calloc(count + 1, sizeof(*ids));
    if (texts == NULL || ids == NULL) {
        cleat__job_fail(&it->job, cleat__fail_memory());
    } else {
        for (size_t i = 0; i < count; i++) {
            cleat__uuid_format(&it->batch.ids[i], texts[i]);
            ids[i] = texts[i];
        }
        it->deed->reply(&it->job, ids, count);
    }
    cleat__free(texts);
    cleat__free(ids);
}

static void on_over(void *argument)
{
    doing *it = argument;
    cleat_status status = it->batch.status;
    if (status == CLEAT_OK) {
        answer(it);
        return;
    }
    const char *sentence = it->batch.error != NULL ? it->batch.error : cleat_status_text(status);
    cleat__job_fail(&it->job, cleat__fail(status, "%s", sentence));
}

/* As long as the caller waits; when the server ends, so does the engine. */
static bool goes_on(void *argument)
{
    const doing *it = argument;
    return !atomic_load(it->is_over) &&
           cleat__clock_monotonic_ns(NULL) < cleat__rpc_call_deadline_ns(it->job.call);
}

static void start(doing *it, cleat__uuid *ids, size_t count, bool is_named)
{
    it->batch.engine = it->job.services->engine;
    it->batch.tenant = it->job.command.tenant;
    it->batch.kind = it->deed->kind;
    it->batch.follows = is_named;
    it->batch.ids = ids;
    it->batch.count = count;
    it->batch.goes_on = goes_on;
    it->batch.done = on_over;
    it->batch.argument = it;
    cleat__run_batch_start(&it->batch);
}

/* ---- By ids ---- */

static cleat_status read_ids(doing *it, char *const *ids, size_t count)
{
    size_t max = cleat__run_batch_max(it->deed->kind);
    if (count == 0 || count > max) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT,
                           "external_ids has %zu ids; it must have 1 .. %zu, or there must be a filter",
                           count, max);
    }
    it->ids = cleat__calloc(count, sizeof(*it->ids));
    cleat_status status = it->ids != NULL ? CLEAT_OK : cleat__fail_memory();
    for (size_t i = 0; i < count && status == CLEAT_OK; i++) {
        if (cleat__uuid_parse(cleat_slice_of(ids[i]), &it->ids[i]) != CLEAT_OK) {
            status = cleat__fail(CLEAT_INVALID_ARGUMENT, "\"%.64s\" in external_ids is no UUID", ids[i]);
        }
    }
    return status;
}

/* ---- By a filter ---- */

static void on_chosen(void *argument, cleat_status status)
{
    doing *it = argument;
    if (status == CLEAT_OK) {
        start(it, it->selection.ids.items, it->selection.ids.count, false);
    } else {
        cleat__job_fail(&it->job, status);
    }
}

static cleat_status choose(doing *it, const Cleat__V1__TasksFilter *filter)
{
    cleat_status status = cleat__run_selection_init(&it->selection, it->job.command.tenant, filter,
                                                    cleat__run_batch_max(it->deed->kind));
    it->selection.is_over = it->is_over;
    it->selection.deadline_ns = cleat__rpc_call_deadline_ns(it->job.call);
    it->selection.done = on_chosen;
    it->selection.argument = it;
    return status == CLEAT_OK ? cleat__run_selector_add(it->job.services->selector, &it->selection) : status;
}

/* ---- Both ---- */

/* The peer waits no longer. */
static void on_cancelled(cleat__rpc_call *call, void *service)
{
    atomic_bool *is_over = cleat__rpc_call_data(call);
    (void)service;
    if (is_over != NULL) {
        atomic_store(is_over, true);
    }
}

static void on_ended(cleat__rpc_call *call, void *service)
{
    (void)service;
    cleat__free(cleat__rpc_call_data(call));
}

static doing *make(cleat__rpc_call *call, cleat__services *services, const deed *what)
{
    atomic_bool *is_over = cleat__calloc(1, sizeof(*is_over));
    if (is_over == NULL) {
        cleat__rpc_fail(call, cleat__fail_memory());
        return NULL;
    }
    cleat__rpc_call_set_data(call, is_over);
    doing *it = cleat__job_new(call, services, sizeof(*it), what->kind, NULL);
    if (it != NULL) {
        cleat__services_enter(services); /* the call may end before the batch does */
        it->job.deinit = doing_deinit;
        it->deed = what;
        it->is_over = is_over;
    }
    return it;
}

static void begin(cleat__rpc_call *call, void *service, const deed *what, char *const *ids, size_t count,
                  const Cleat__V1__TasksFilter *filter)
{
    doing *it = make(call, service, what);
    if (it == NULL) {
        return;
    }
    cleat_status status = CLEAT_OK;
    if (filter != NULL && count != 0) {
        status = cleat__fail(CLEAT_INVALID_ARGUMENT, "give either external_ids or a filter");
    } else if (filter != NULL) {
        status = choose(it, filter);
    } else {
        status = read_ids(it, ids, count);
    }
    if (status != CLEAT_OK) {
        cleat__job_fail(&it->job, status);
    } else if (filter == NULL) {
        start(it, it->ids, count, true);
    } /* else it is chosen, and may be gone */
}

static void reply_cancelled(cleat__job *job, char **ids, size_t count)
{
    Cleat__V1__CancelTasksResponse reply = CLEAT__V1__CANCEL_TASKS_RESPONSE__INIT;
    reply.cancelled_tasks = ids;
    reply.n_cancelled_tasks = count;
    cleat__job_reply(job, &reply.base);
}

static void handle_cancel(cleat__rpc_call *call, const ProtobufCMessage *request, void *service)
{
    static const deed cancelling = {CLEAT__COMMAND_CANCEL, reply_cancelled};
    const Cleat__V1__CancelTasksRequest *asked = (const Cleat__V1__CancelTasksRequest *)request;
    begin(call, service, &cancelling, asked->external_ids, asked->n_external_ids, asked->filter);
}

static void reply_replayed(cleat__job *job, char **ids, size_t count)
{
    Cleat__V1__ReplayTasksResponse reply = CLEAT__V1__REPLAY_TASKS_RESPONSE__INIT;
    reply.replayed_tasks = ids;
    reply.n_replayed_tasks = count;
    cleat__job_reply(job, &reply.base);
}

static void handle_replay(cleat__rpc_call *call, const ProtobufCMessage *request, void *service)
{
    static const deed replaying = {CLEAT__COMMAND_REPLAY, reply_replayed};
    const Cleat__V1__ReplayTasksRequest *asked = (const Cleat__V1__ReplayTasksRequest *)request;
    begin(call, service, &replaying, asked->external_ids, asked->n_external_ids, asked->filter);
}

cleat__rpc_service cleat__service_tasks(cleat__services *services)
{
    static const cleat__rpc_method methods[] = {
        {.path = "/v1.AdminService/CancelTasks",
         .request = &cleat__v1__cancel_tasks_request__descriptor,
         .handle = handle_cancel,
         .cancelled = on_cancelled,
         .ended = on_ended},
        {.path = "/v1.AdminService/ReplayTasks",
         .request = &cleat__v1__replay_tasks_request__descriptor,
         .handle = handle_replay,
         .cancelled = on_cancelled,
         .ended = on_ended},
    };
    return (cleat__rpc_service){methods, sizeof(methods) / sizeof(methods[0]), services};
}
