/*
 * The gRPC services of the protocol, a file and a table of methods each, and what they share.
 *
 * Handlers run on completion threads, which must not wait, and nearly all of them ask the engine,
 * which answers on its own thread. So a unary call becomes a job: the request, which it takes from the
 * call, the command, which borrows from the request, and the call, which it ends with the answer.
 */
#ifndef CLEAT_SERVER_SERVICE_H
#define CLEAT_SERVER_SERVICE_H

#include "engine/command.h"
#include "rpc.h"

#include <pthread.h>

struct cleat__listeners;
struct cleat__otlp_in;
struct cleat__run_selector;

/* What the services work on; outlives the calls. */
typedef struct cleat__services {
    cleat__engine *engine;
    struct cleat__listeners *listeners;
    const struct cleat__otlp_in *otlp;
    struct cleat__run_selector *selector;
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t left;
    size_t inside;
} cleat__services;
void cleat__services_init(cleat__services *services); /* the rest of it */
void cleat__services_deinit(cleat__services *services);
/* Around what may ask the engine something when its call has ended. */
void cleat__services_enter(cleat__services *services);
void cleat__services_leave(cleat__services *services);
/* Waits until all have left: when no call is served any more, before the engine is closed. */
void cleat__services_wait(cleat__services *services);

cleat__rpc_service cleat__service_admin(cleat__services *services);
cleat__rpc_service cleat__service_dispatcher(cleat__services *services);
cleat__rpc_service cleat__service_events(cleat__services *services);
cleat__rpc_service cleat__service_listen(cleat__services *services); /* the Dispatcher's streams to workers */
cleat__rpc_service cleat__service_results(cleat__services *services); /* and that of results */
cleat__rpc_service cleat__service_durable(cleat__services *services); /* the V1Dispatcher */
cleat__rpc_service cleat__service_signal(cleat__services *services);  /* its older form */
cleat__rpc_service cleat__service_tasks(cleat__services *services);   /* the AdminService's, of many runs */
cleat__rpc_service cleat__service_watch(cleat__services *services);   /* what happens to runs */
cleat__rpc_service cleat__service_traces(cleat__services *services);
cleat__rpc_service cleat__service_workflows(cleat__services *services);

/* The Dispatcher's SendBatchActionEvent. */
void cleat__service_take_batch_event(cleat__rpc_call *call, const ProtobufCMessage *request, void *service);

int64_t cleat__service_now_ms(void);

/* For methods that this engine does not have. */
void cleat__service_fail_unsupported(cleat__rpc_call *call, const char *feature);

/* ---- Jobs ---- */

typedef struct cleat__job cleat__job;
struct cleat__job {
    cleat__command command; /* first: done() leads back to the job */
    cleat__services *services;
    cleat__rpc_call *call;
    void *request; /* owned */
    /* The command succeeded: ends the job. On the engine's thread, so it must be quick. */
    void (*answer)(cleat__job *job);
    /* It did not; NULL: the peer is told. Ends the job. */
    void (*refuse)(cleat__job *job);
    void (*deinit)(cleat__job *job); /* NULL: there is nothing more to free */
};

/*
 * Takes the request of a call, in its handler. `size`: of a struct that begins with a job; the rest is zero.
 * NULL on no memory, and then the call has been ended.
 */
void *cleat__job_new(cleat__rpc_call *call, cleat__services *services, size_t size, cleat__command_kind kind,
                     void (*answer)(cleat__job *job));
/* What its caller would repeat is not done any more when the caller's deadline is over. */
void cleat__job_expire(cleat__job *job);
/* Hands it to the engine; from now on it may be gone. */
void cleat__job_submit(cleat__job *job);
/* Each of these ends the call and the job. */
void cleat__job_reply(cleat__job *job, const ProtobufCMessage *message);
void cleat__job_fail(cleat__job *job, cleat_status status); /* with this thread's sentence */
void cleat__job_refuse(cleat__job *job);                    /* with the command's answer */
void cleat__job_refuse_with(cleat__job *job,
                            cleat_slice detail); /* and grpc-status-details-bin; absent: none */

/* Whether `text` is an id; if not, the job has been ended with a sentence about `field`. */
bool cleat__job_read_id(cleat__job *job, const char *field, const char *text, cleat__uuid *out);

#endif
