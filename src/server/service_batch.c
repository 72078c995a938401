/*
 * What workers say of the members of a batch: a command for each, in groups, so that the engine does between them what
 * else there is. Each counts for itself, whatever becomes of the others. The call is answered when all are; when
 * some are refused, with why the first of them was.
 */
#include "service.h"
#include "speakers.h"

#include "base/alloc.h"
#include "base/error.h"
#include "wire/report.h"

#include <stdatomic.h>

enum { GROUP = 500 };

struct saying;
typedef struct item {
    cleat__command command; /* first */
    struct saying *owner;
} item;

typedef struct saying {
    cleat__job job; /* first; its command is for the answer only */
    item *items;    /* of the group under way */
    size_t from, to;
    cleat__uuid speaker; /* the worker, where its id is not in the message; nil: nobody knows */
    atomic_size_t left;  /* of these, without an answer; and one for who submits */
} saying;

static const Cleat__BatchActionEvent *said_by(const saying *it)
{
    return it->job.request;
}

static void deinit(cleat__job *job)
{
    cleat__free(((saying *)job)->items);
}

static void answer(saying *it)
{
    Cleat__ActionEventResponse reply = CLEAT__ACTION_EVENT_RESPONSE__INIT;
    char tenant[37];
    cleat__uuid_format(&cleat__rpc_call_identity(it->job.call)->tenant_id, tenant);
    reply.tenant_id = tenant;
    reply.worker_id = said_by(it)->worker_id;
    if (it->job.command.status == CLEAT_OK) {
        cleat__job_reply(&it->job, &reply.base);
    } else {
        cleat__job_refuse(&it->job);
    }
}

/* Borrows from the request. */
static cleat_status read_item(const saying *it, const Cleat__BatchActionEventItem *from, cleat__command *out)
{
    const Cleat__BatchActionEvent *said = said_by(it);
    bool is_cancellation = said->event_type == CLEAT__STEP_ACTION_EVENT_TYPE__STEP_EVENT_TYPE_CANCELLED;
    Cleat__StepActionEvent event = CLEAT__STEP_ACTION_EVENT__INIT;
    event.worker_id = said->worker_id;
    event.task_run_external_id = from->task_run_external_id;
    event.event_payload = from->event_payload;
    event.event_type =
        is_cancellation ? CLEAT__STEP_ACTION_EVENT_TYPE__STEP_EVENT_TYPE_STARTED : said->event_type;
    if (from->has_retry_count_case != 0) {
        event.has_retry_count_case = CLEAT__STEP_ACTION_EVENT__HAS_RETRY_COUNT_RETRY_COUNT;
        event.retry_count = from->retry_count;
    }
    if (from->has_should_not_retry_case != 0) {
        event.has_should_not_retry_case = CLEAT__STEP_ACTION_EVENT__HAS_SHOULD_NOT_RETRY_SHOULD_NOT_RETRY;
        event.should_not_retry = from->should_not_retry;
    }
    cleat__report report;
    cleat_status status = cleat__report_read(&event, &report);
    *out = (cleat__command){.tenant = it->job.command.tenant, .kind = CLEAT__COMMAND_REPORT};
    if (status == CLEAT_OK) {
        out->as.report = report;
    } else if (status == CLEAT_EMPTY && is_cancellation) {
        out->kind = CLEAT__COMMAND_CANCEL_HELD;
        out->as.report = report;
        if (cleat__uuid_is_nil(&report.worker_id)) {
            out->as.report.worker_id = it->speaker;
        }
    } else if (status == CLEAT_EMPTY) {
        out->kind = CLEAT__COMMAND_STARTED;
        out->as.started.id = report.task_id;
        out->as.started.retry_count = report.retry_count;
    }
    return status == CLEAT_EMPTY ? CLEAT_OK : status;
}

static void start_group(saying *it);

static void take_answer(saying *it, cleat__command *command)
{
    cleat__command *all = &it->job.command;
    if (command->status != CLEAT_OK && all->status == CLEAT_OK) {
        all->status = command->status;
        all->error = command->error;
        command->error = NULL;
    }
    cleat__free(command->error);
}

static void count_down(saying *it)
{
    if (atomic_fetch_sub(&it->left, 1) != 1) {
        return;
    }
    for (size_t i = it->from; i < it->to; i++) {
        take_answer(it, &it->items[i - it->from].command);
    }
    it->from = it->to;
    start_group(it);
}

static void on_done(cleat__command *command)
{
    count_down(((item *)command)->owner);
}

/* What was read before: it is read once more. */
static void start_group(saying *it)
{
    const Cleat__BatchActionEvent *said = said_by(it);
    size_t count = said->n_items - it->from < GROUP ? said->n_items - it->from : GROUP;
    if (count == 0) {
        answer(it);
        return;
    }
    it->to = it->from + count;
    atomic_store(&it->left, count + 1);
    for (size_t i = 0; i < count; i++) {
        item *one = &it->items[i];
        (void)read_item(it, said->items[it->from + i], &one->command);
        one->owner = it;
        one->command.done = on_done;
        cleat__engine_submit(it->job.services->engine, &one->command);
    }
    count_down(it);
}

/* All or none: what is malformed is so in all of it. */
static cleat_status check(const saying *it)
{
    const Cleat__BatchActionEvent *said = said_by(it);
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; i < said->n_items && status == CLEAT_OK; i++) {
        cleat__command command;
        status = read_item(it, said->items[i], &command);
    }
    return status;
}

void cleat__service_take_batch_event(cleat__rpc_call *call, const ProtobufCMessage *request, void *service)
{
    (void)request;
    saying *it = cleat__job_new(call, service, sizeof(*it), CLEAT__COMMAND_REPORT, NULL);
    if (it == NULL) {
        return;
    }
    it->job.deinit = deinit;
    it->speaker = cleat__speaker_of(service, call);
    size_t count = said_by(it)->n_items;
    it->items = cleat__calloc(count < GROUP ? count + 1 : GROUP, sizeof(*it->items));
    cleat_status status = it->items != NULL ? check(it) : cleat__fail_memory();
    if (status == CLEAT_OK) {
        start_group(it);
    } else {
        cleat__job_fail(&it->job, status);
    }
}
