#include "service_trigger.h"

#include "base/alloc.h"
#include "base/error.h"
#include "store/query.h"
#include "wire/message.h"
#include "wire/status.h"

static void deinit(cleat__job *job)
{
    cleat__triggering *self = (cleat__triggering *)job;
    for (size_t i = 0; self->items != NULL && i < self->count; i++) {
        cleat__trigger_read_end(&self->items[i]);
    }
    cleat__free(self->items);
    cleat__free(self->ids);
    cleat__free(self->refused);
}

/* ---- What is not there ---- */

static bool is_known_missing(const cleat__triggering *self, cleat_slice name)
{
    for (size_t i = 0; i < self->missing_count; i++) {
        if (cleat_slice_equals(self->missing[i], name)) {
            return true;
        }
    }
    return false;
}

/* The first few; on the engine's thread. */
static cleat_status find_missing(cleat__store *store, void *argument)
{
    cleat__triggering *self = argument;
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; i < self->count && self->missing_count < CLEAT__MISSING_TOLD && status == CLEAT_OK;
         i++) {
        cleat_slice name = self->items[i].workflow;
        if (is_known_missing(self, name)) {
            continue;
        }
        status = cleat__workflow_find(store, self->job.command.tenant, name);
        if (status == CLEAT_NOT_FOUND) {
            self->missing[self->missing_count++] = name;
            status = CLEAT_OK;
        }
    }
    return status;
}

static void tell_missing(cleat__job *job)
{
    cleat__triggering *self = (cleat__triggering *)job;
    if (self->missing_count == 0) { /* then it is a parent that is not there */
        cleat__job_fail(job, cleat__fail(CLEAT_NOT_FOUND, "there is no such parent run"));
        return;
    }
    cleat__buffer names = {0};
    for (size_t i = 0; i < self->missing_count; i++) {
        cleat__buffer_append_string(&names, i != 0 ? ", " : "");
        cleat__buffer_append_slice(&names, self->missing[i]);
    }
    cleat__job_fail(job, cleat__fail(CLEAT_INVALID_ARGUMENT, "workflow names not found: %.*s",
                                     CLEAT_SLICE_ARGS(cleat__buffer_slice(&names))));
    cleat__buffer_deinit(&names);
}

/* ---- Keys that others have ---- */

static Cleat__V1__IdempotencyCollisionError *collision_new(const cleat__triggering *self, size_t index,
                                                           bool *failed)
{
    char existing[37], own[37];
    Cleat__V1__IdempotencyCollisionError *collision =
        cleat__message_new(&cleat__v1__idempotency_collision_error__descriptor);
    if (collision == NULL) {
        *failed = true;
        return NULL;
    }
    cleat__uuid_format(&self->ids[index], existing);
    cleat__uuid_format(&self->refused[index], own);
    collision->existing_run_external_id = cleat__message_string(failed, existing);
    collision->colliding_run_external_id = cleat__message_string(failed, own);
    return collision;
}

static void add_item(const cleat__triggering *self, size_t index, bool *failed,
                     Cleat__V1__BulkTriggerIdempotencyCollisionError *all)
{
    if (!cleat__uuid_is_nil(&self->refused[index])) {
        Cleat__V1__IdempotencyCollisionError *one = collision_new(self, index, failed);
        if (one != NULL) {
            all->collisions[all->n_collisions++] = one;
        }
        return;
    }
    char id[37];
    cleat__uuid_format(&self->ids[index], id);
    char *text = cleat__message_string(failed, id);
    if (text != NULL) {
        all->successful_workflow_run_external_ids[all->n_successful_workflow_run_external_ids++] = text;
    }
}

static Cleat__V1__BulkTriggerIdempotencyCollisionError *collisions_new(const cleat__triggering *self,
                                                                       bool *failed)
{
    Cleat__V1__BulkTriggerIdempotencyCollisionError *all =
        cleat__message_new(&cleat__v1__bulk_trigger_idempotency_collision_error__descriptor);
    if (all == NULL) {
        *failed = true;
        return NULL;
    }
    all->collisions = cleat__calloc(self->count, sizeof(*all->collisions));
    all->successful_workflow_run_external_ids =
        cleat__calloc(self->count, sizeof(*all->successful_workflow_run_external_ids));
    *failed = *failed || all->collisions == NULL || all->successful_workflow_run_external_ids == NULL;
    for (size_t i = 0; i < self->count && !*failed; i++) {
        add_item(self, i, failed, all);
    }
    return all;
}

/* Without a detail, for want of memory, the status says enough. */
static void tell_collisions(cleat__triggering *self)
{
    static const char sentence[] = "idempotency key collision";
    bool failed = false;
    cleat__buffer trailer = {0};
    void *detail =
        self->is_bulk ? (void *)collisions_new(self, &failed) : (void *)collision_new(self, 0, &failed);
    cleat_status status = failed ? CLEAT_NO_MEMORY
                                 : cleat__status_detail_pack(cleat_status_grpc_code(CLEAT_ALREADY_EXISTS),
                                                             sentence, detail, &trailer);
    cleat__message_free(detail);
    cleat__job_refuse_with(&self->job,
                           status == CLEAT_OK ? cleat__buffer_slice(&trailer) : (cleat_slice){NULL, 0});
    cleat__buffer_deinit(&trailer);
}

/* What was not found are workflows, which peers are told in another way, or a parent. */
static void on_refused(cleat__job *job)
{
    if (job->command.status == CLEAT_ALREADY_EXISTS) {
        tell_collisions((cleat__triggering *)job);
        return;
    }
    if (job->command.status != CLEAT_NOT_FOUND) {
        cleat__job_refuse(job);
        return;
    }
    cleat__free(job->command.error);
    job->command.error = NULL;
    job->command.kind = CLEAT__COMMAND_CALL;
    job->command.as.call.function = find_missing;
    job->command.as.call.argument = job;
    job->answer = tell_missing;
    job->refuse = NULL;
    cleat__job_submit(job);
}

/* ---- Starting ---- */

cleat__triggering *cleat__triggering_new(cleat__rpc_call *call, cleat__services *services, size_t count,
                                         void (*answer)(cleat__job *job))
{
    cleat__triggering *self = cleat__job_new(call, services, sizeof(*self), CLEAT__COMMAND_TRIGGER, answer);
    if (self == NULL) {
        return NULL;
    }
    self->job.deinit = deinit;
    self->job.refuse = on_refused;
    self->items = cleat__calloc(count + 1, sizeof(*self->items));
    self->ids = cleat__calloc(count + 1, sizeof(*self->ids));
    self->count = count;
    self->refused = cleat__calloc(count + 1, sizeof(*self->refused));
    if (self->items == NULL || self->ids == NULL || self->refused == NULL) {
        cleat__job_fail(&self->job, cleat__fail_memory());
        return NULL;
    }
    return self;
}

void cleat__triggering_submit(cleat__triggering *self, cleat_status status)
{
    if (status != CLEAT_OK) {
        cleat__job_fail(&self->job, status);
        return;
    }
    for (size_t i = 0; i < self->count; i++) {
        self->items[i].inherits = self->items[i].is_child;
    }
    self->job.command.as.trigger.items = self->items;
    self->job.command.as.trigger.count = self->count;
    self->job.command.as.trigger.ids = self->ids;
    self->job.command.refused = self->refused;
    cleat__job_expire(&self->job);
    cleat__job_submit(&self->job);
}
