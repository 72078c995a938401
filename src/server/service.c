#include "service.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "wire/message.h"

/* ---- Who is inside ---- */

void cleat__services_init(cleat__services *services)
{
    pthread_mutex_init(&services->mutex, NULL);
    pthread_cond_init(&services->left, NULL);
    services->inside = 0;
}

void cleat__services_deinit(cleat__services *services)
{
    pthread_cond_destroy(&services->left);
    pthread_mutex_destroy(&services->mutex);
}

void cleat__services_enter(cleat__services *services)
{
    pthread_mutex_lock(&services->mutex);
    services->inside++;
    pthread_mutex_unlock(&services->mutex);
}

void cleat__services_leave(cleat__services *services)
{
    pthread_mutex_lock(&services->mutex);
    services->inside--;
    pthread_cond_broadcast(&services->left);
    pthread_mutex_unlock(&services->mutex);
}

void cleat__services_wait(cleat__services *services)
{
    pthread_mutex_lock(&services->mutex);
    while (services->inside != 0) {
        pthread_cond_wait(&services->left, &services->mutex);
    }
    pthread_mutex_unlock(&services->mutex);
}

/* ---- Small things ---- */

int64_t cleat__service_now_ms(void)
{
    return cleat__clock_unix_ns(NULL) / CLEAT__NS_PER_MS;
}

void cleat__service_fail_unsupported(cleat__rpc_call *call, const char *feature)
{
    cleat__rpc_fail(call, cleat__fail(CLEAT_UNSUPPORTED, "this engine does not have %s yet", feature));
}

/* ---- Jobs ---- */

static void on_done(cleat__command *command)
{
    cleat__job *job = (cleat__job *)command;
    if (command->status == CLEAT_OK) {
        job->answer(job);
    } else if (job->refuse != NULL) {
        job->refuse(job);
    } else {
        cleat__job_refuse(job);
    }
}

void *cleat__job_new(cleat__rpc_call *call, cleat__services *services, size_t size, cleat__command_kind kind,
                     void (*answer)(cleat__job *job))
{
    cleat__job *job = cleat__calloc(1, size);
    if (job == NULL) {
        cleat__rpc_fail(call, cleat__fail_memory());
        return NULL;
    }
    job->command.kind = kind;
    job->command.tenant = cleat__rpc_call_identity(call)->tenant;
    job->command.done = on_done;
    job->services = services;
    job->call = call;
    job->answer = answer;
    job->request = cleat__rpc_take_request(call);
    return job;
}

void cleat__job_expire(cleat__job *job)
{
    int64_t deadline_ns = cleat__rpc_call_deadline_ns(job->call);
    if (deadline_ns != INT64_MAX) {
        int64_t deadline_ms = deadline_ns / CLEAT__NS_PER_MS;
        job->command.expires_ms = deadline_ms > 0 ? deadline_ms : 1;
    }
}

void cleat__job_submit(cleat__job *job)
{
    cleat__engine_submit(job->services->engine, &job->command);
}

static void job_free(cleat__job *job)
{
    if (job->deinit != NULL) {
        job->deinit(job);
    }
    cleat__message_free(job->request);
    cleat__free(job->command.error);
    cleat__free(job);
}

void cleat__job_reply(cleat__job *job, const ProtobufCMessage *message)
{
    cleat__rpc_reply(job->call, message);
    job_free(job);
}

void cleat__job_fail(cleat__job *job, cleat_status status)
{
    cleat__rpc_fail(job->call, status);
    job_free(job);
}

void cleat__job_refuse(cleat__job *job)
{
    cleat__job_refuse_with(job, (cleat_slice){NULL, 0});
}

void cleat__job_refuse_with(cleat__job *job, cleat_slice detail)
{
    cleat__rpc_finish(job->call, job->command.status, job->command.error, detail);
    job_free(job);
}

bool cleat__job_read_id(cleat__job *job, const char *field, const char *text, cleat__uuid *out)
{
    if (cleat__uuid_parse(cleat_slice_of(text), out) == CLEAT_OK) {
        return true;
    }
    cleat__job_fail(job, cleat__fail(CLEAT_INVALID_ARGUMENT, "%s \"%.64s\" is no UUID", field, text));
    return false;
}
