/* What the files of the SDK share about a client. */
#ifndef CLEAT_SDK_CLIENT_H
#define CLEAT_SDK_CLIENT_H

#include <cleat/interceptor.h>

#include "base/map.h"
#include "base/thread.h"
#include "model/continued.h"
#include "transport/transport.h"

#define CLEAT__INTERCEPTORS_MAX 16

struct cleat_client {
    cleat__transport *transport;
    /* Written only while no call is under way (cleat/interceptor.h), so read without a lock. */
    cleat_interceptor interceptors[CLEAT__INTERCEPTORS_MAX];
    size_t interceptor_count;
    pthread_mutex_t known_mutex;
    cleat__map known_workflows; /* by their action: machine names; owned; under the mutex */
};

/* As cleat_client_new(). Where that opens a file, what is asked is asked by `tenant` of it, which is there. */
cleat_status cleat__client_new_for(int64_t tenant, const cleat_client_options *options, cleat_client **out);

/* known_workflows.c: the workflows that this process has declared, and what they are called in spans. */
void cleat__client_init_known(cleat_client *client);
void cleat__client_deinit_known(cleat_client *client);
cleat_status cleat__client_know_workflow(cleat_client *client, const char *action, const char *machine_name);
/* Valid as long as the client; NULL: it is none. */
const char *cleat__client_known_workflow(cleat_client *client, const char *action);

/* An id as the public headers have them, whose text has `room` bytes; `what` is that it must be ("run id").
 * CLEAT_INVALID_ARGUMENT also for a client or a text that is NULL. */
cleat_status cleat__id_parse(const cleat_client *client, const char *text, size_t room, const char *what,
                             cleat__uuid *out);
cleat_status cleat__run_id_parse(const cleat_client *client, const cleat_run_id *id, cleat__uuid *out);

/* How long a call looks after runs that go on as others. A server that does not do that itself is asked for one after the
 * other: where they have ended already it goes on for a while when the time is over, but not for ever. */
typedef struct cleat__patience {
    int64_t timeout_ms, deadline_ns;
    int late; /* how many it has gone on to since */
} cleat__patience;
void cleat__patience_begin(cleat__patience *patience, int64_t timeout_ms);
int64_t cleat__patience_left_ms(const cleat__patience *patience); /* as timeouts are */
/* Asked once for each of them. */
bool cleat__patience_is_over(cleat__patience *patience);

/* Goes to the next run that has something to be read, of those that the one which `way` is at, and which has ended, goes on
 * as. CLEAT_EMPTY: there is none. Else as cleat_client_wait(). */
cleat_status cleat__client_next_run(cleat_client *client, int64_t timeout_ms, cleat__continued_way *way);

typedef struct cleat__task_ids {
    cleat_run_id task, run; /* its own, and of the run that it is a task of; the same where it is all of it */
} cleat__task_ids;

/* Of the task whose function this thread is in. False: in none. */
bool cleat__task_current(cleat__task_ids *out); /* execute.c */

/* The interceptor with this `trigger` hook; NULL: none. */
const cleat_interceptor *cleat__client_interceptor(const cleat_client *client,
                                                   cleat_status (*trigger)(void *, cleat_trigger_call *));
/* Removes it. */
void cleat__client_remove_interceptor(cleat_client *client,
                                      cleat_status (*trigger)(void *, cleat_trigger_call *));

/*
 * A place in the chain of interceptors. `spent` keeps a hook from running the rest of the chain
 * twice: it is set when the rest has run, at every level.
 */
typedef struct cleat__chain {
    const cleat_client *client;
    size_t next;
    bool spent;
} cleat__chain;

/* CLEAT_FAILED_PRECONDITION when the rest of the chain has run already. */
cleat_status cleat__chain_check(const cleat__chain *chain);
/* The next interceptor that has a hook at this offset of cleat_interceptor; NULL at the end. */
const cleat_interceptor *cleat__chain_next(cleat__chain *chain, size_t hook_offset);

/* What the whole chain came to. CLEAT_FAILED_PRECONDITION: a hook said CLEAT_OK of a call that was not made. */
cleat_status cleat__chain_end(cleat_status status, bool is_made);

/* An exporter like cleat_client_span_exporter_new()'s whose tie to the client can be cut, for a
 * provider that outlives the client. `detach` waits for an export under way; releases the link. */
typedef struct cleat__exporter_link cleat__exporter_link;
cleat_status cleat__client_exporter_new(cleat_client *client, cleat_span_exporter **out,
                                        cleat__exporter_link **link);
void cleat__exporter_link_detach(cleat__exporter_link *link); /* NULL-safe */

#endif
