/*
 * A gRPC completion queue and the thread that empties it. What is started on the queue has a tag;
 * when it is done, the thread calls the tag. The queue has no timers, so the thread lets its user say
 * how long it may wait.
 */
#ifndef CLEAT_GRPC_COMPLETION_H
#define CLEAT_GRPC_COMPLETION_H

#include "base/thread.h"

#include <grpc/grpc.h>

/* Embed in what is passed as a tag to gRPC, by cleat__completion_tag(). */
typedef struct cleat__completion cleat__completion;
struct cleat__completion {
    void (*run)(cleat__completion *self, bool is_ok);
};

/* The tag for a call that starts something on the queue. What was written before is seen by `run`: gRPC
 * sees to that, but the thread sanitizer does not see gRPC, so it is told. */
void *cleat__completion_tag(cleat__completion *completion);

typedef struct cleat__completion_thread {
    grpc_completion_queue *queue;
    pthread_t thread;
    /* Called before each wait, to do what is due; answers until when to wait (INT64_MAX: for ever). */
    int64_t (*before_wait)(void *user_data);
    /* Called last, when the queue is empty for good; may free this struct and all else. */
    void (*at_end)(void *user_data);
    void *user_data;
} cleat__completion_thread;

/* The callbacks and their user data are set; cleat__grpc_begin() has been called. */
cleat_status cleat__completion_thread_start(cleat__completion_thread *thread, const char *name);
/* Nothing may be started on the queue from now on; what has been started is still completed. */
void cleat__completion_thread_close(cleat__completion_thread *thread);
bool cleat__completion_thread_is_own(const cleat__completion_thread *thread);

/* A point in time for gRPC; `deadline_ns` is of the monotonic clock, INT64_MAX: never. */
gpr_timespec cleat__grpc_deadline(int64_t deadline_ns);

#endif
