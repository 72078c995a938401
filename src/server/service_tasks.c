/*
 * v1.AdminService's CancelTasks and ReplayTasks: many runs, by their ids or by a filter.
 *
 * Runs that a command is too late or too early for are accepted all the same, as that changes nothing;
 * unknown ones and those of other tenants are passed over.
 */
#include "run_selection.h"
#include "service.h"

#include "base/alloc.h"
#include "base/error.h"

#include <stdatomic.h>

/* What differs between the two. */
typedef struct deed {
    cleat__command_kind kind;
    size_t limit;
    void (*reply)(cleat__job *job, char **ids, size_t count);
} deed;

struct doing;
typedef struct item {
    cleat__command command; /* first */
    struct doing *owner;
    char text[37];
} item;

/* The job's own command looks for runs by the filter; then there is one for each run. */
typedef struct doing {
    cleat__job job; /* first */
    const deed *deed;
    cleat__run_selection selection;
    item *items;
    size_t count;
    atomic_size_t left; /* not yet answered, and one for who submits */
} doing;

static void doing_deinit(cleat__job *job)
{
    doing *it = (doing *)job;
    for (size_t i = 0; it->items != NULL && i < it->count; i++) {
        cleat__free(it->items[i].command.error);
    }
    cleat__free(it->items);
    cleat__run_selection_deinit(&it->selection);
}

/* ---- Doing it ---- */

/* The first failure of the engine's own; CLEAT_OK: there is none. */
static cleat_status failure_of(const doing *it)
{
    for (size_t i = 0; i < it->count; i++) {
        const cleat__command *command = &it->items[i].command;
        cleat_status status = command->status;
        if (status != CLEAT_OK && status != CLEAT_FAILED_PRECONDITION && status != CLEAT_NOT_FOUND) {
            return cleat__fail(status, "%s",
                               command->error != NULL ? command->error : cleat_status_text(status));
        }
    }
    return CLEAT_OK;
}

static void answer(doing *it)
{
    cleat_status status = failure_of(it);
    char **ids = status == CLEAT_OK ? cleat__calloc(it->count + 1, sizeof(*ids)) : NULL;
    if (ids == NULL) {
        cleat__job_fail(&it->job, status != CLEAT_OK ? status : cleat__fail_memory());
        return;
    }
    size_t count = 0;
    for (size_t i = 0; i < it->count; i++) {
        if (it->items[i].command.status != CLEAT_NOT_FOUND) {
            ids[count++] = it->items[i].text;
        }
    }
    it->deed->reply(&it->job, ids, count);
    cleat__free(ids);
}

static void count_down(doing *it)
{
    if (atomic_fetch_sub(&it->left, 1) == 1) {
        answer(it);
    }
}

static void on_done(cleat__command *command)
{
    count_down(((item *)command)->owner);
}

static cleat_status make_items(doing *it, size_t count)
{
    it->items = cleat__calloc(count + 1, sizeof(*it->items));
    if (it->items == NULL) {
        return cleat__fail_memory();
    }
    it->count = count;
    for (size_t i = 0; i < count; i++) {
        it->items[i].owner = it;
        it->items[i].command.kind = it->deed->kind;
        it->items[i].command.tenant = it->job.command.tenant;
        it->items[i].command.done = on_done;
    }
    return CLEAT_OK;
}

static void submit_all(doing *it)
{
    atomic_init(&it->left, it->count + 1);
    for (size_t i = 0; i < it->count; i++) {
        item *one = &it->items[i];
        cleat__uuid_format(&one->command.as.id, one->text);
        cleat__engine_submit(it->job.services->engine, &one->command);
    }
    count_down(it);
}

/* ---- By ids ---- */

static cleat_status read_ids(doing *it, char *const *ids, size_t count)
{
    if (count == 0 || count > it->deed->limit) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT,
                           "external_ids has %zu ids; it must have 1 .. %zu, or there must be a filter",
                           count, it->deed->limit);
    }
    cleat_status status = make_items(it, count);
    for (size_t i = 0; i < count && status == CLEAT_OK; i++) {
        if (cleat__uuid_parse(cleat_slice_of(ids[i]), &it->items[i].command.as.id) != CLEAT_OK) {
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
    if (!it->selection.is_done) {
        cleat__job_submit(job);
        return;
    }
    cleat_status status = make_items(it, it->selection.count);
    if (status != CLEAT_OK) {
        cleat__job_fail(job, status);
        return;
    }
    for (size_t i = 0; i < it->count; i++) {
        it->items[i].command.as.id = it->selection.ids[i];
    }
    submit_all(it);
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
        status = cleat__run_selection_init(&it->selection, it->job.command.tenant, filter, what->limit);
    } else {
        status = read_ids(it, ids, count);
    }
    if (status != CLEAT_OK) {
        cleat__job_fail(&it->job, status);
    } else if (filter != NULL) {
        cleat__job_submit(&it->job);
    } else {
        submit_all(it);
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
    static const deed cancelling = {CLEAT__COMMAND_CANCEL, 20000, reply_cancelled};
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
    static const deed replaying = {CLEAT__COMMAND_REPLAY, 1000, reply_replayed};
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
