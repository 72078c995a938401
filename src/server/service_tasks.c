/* v1.AdminService's CancelTasks and ReplayTasks: many runs, by their ids or by a filter. */
#include "run_batch.h"
#include "run_selection.h"
#include "service.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"

/* What differs between the two. */
typedef struct deed {
    cleat__command_kind kind;
    void (*reply)(cleat__job *job, char **ids, size_t count);
} deed;

/* The job's own command looks for runs by the filter; the batch has those for each run. */
typedef struct doing {
    cleat__job job; /* first */
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
    return cleat__clock_monotonic_ns(NULL) < cleat__rpc_call_deadline_ns(it->job.call);
}

static void start(doing *it, cleat__uuid *ids, size_t count)
{
    it->batch.engine = it->job.services->engine;
    it->batch.tenant = it->job.command.tenant;
    it->batch.kind = it->deed->kind;
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

static cleat_status look(cleat__store *store, void *argument)
{
    return cleat__run_selection_go_on(argument, store);
}

/* Between two pieces the engine does what else there is. */
static void on_looked(cleat__job *job)
{
    doing *it = (doing *)job;
    if (it->selection.is_done) {
        start(it, it->selection.ids, it->selection.count);
    } else {
        cleat__job_submit(job);
    }
}

/* ---- Both ---- */

static void begin(cleat__rpc_call *call, void *service, const deed *what, char *const *ids, size_t count,
                  const Cleat__V1__TasksFilter *filter)
{
    doing *it = cleat__job_new(call, service, sizeof(*it), CLEAT__COMMAND_CALL, on_looked);
    if (it == NULL) {
        return;
    }
    it->job.deinit = doing_deinit;
    it->deed = what;
    it->job.command.as.call.function = look;
    it->job.command.as.call.argument = &it->selection;
    cleat_status status = CLEAT_OK;
    if (filter != NULL && count != 0) {
        status = cleat__fail(CLEAT_INVALID_ARGUMENT, "give either external_ids or a filter");
    } else if (filter != NULL) {
        status = cleat__run_selection_init(&it->selection, it->job.command.tenant, filter,
                                           cleat__run_batch_max(what->kind));
    } else {
        status = read_ids(it, ids, count);
    }
    if (status != CLEAT_OK) {
        cleat__job_fail(&it->job, status);
    } else if (filter != NULL) {
        cleat__job_submit(&it->job);
    } else {
        start(it, it->ids, count);
    }
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
         .handle = handle_cancel},
        {.path = "/v1.AdminService/ReplayTasks",
         .request = &cleat__v1__replay_tasks_request__descriptor,
         .handle = handle_replay},
    };
    return (cleat__rpc_service){methods, sizeof(methods) / sizeof(methods[0]), services};
}
