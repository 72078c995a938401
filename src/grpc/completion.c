#include "completion.h"

#include "base/clock.h"
#include "base/error.h"

#include <grpc/support/time.h>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define HAS_THREAD_SANITIZER
#endif
#elif defined(__SANITIZE_THREAD__)
#define HAS_THREAD_SANITIZER
#endif
#ifdef HAS_THREAD_SANITIZER
#include <sanitizer/tsan_interface.h>
#else
#define __tsan_acquire(address) ((void)(address))
#define __tsan_release(address) ((void)(address))
#endif

void *cleat__completion_tag(cleat__completion *completion)
{
    __tsan_release(completion);
    return completion;
}

gpr_timespec cleat__grpc_deadline(int64_t deadline_ns)
{
    if (deadline_ns == INT64_MAX) {
        return gpr_inf_future(GPR_CLOCK_MONOTONIC);
    }
    /* gRPC's monotonic clock need not be ours. */
    int64_t left_ns = deadline_ns - cleat__clock_monotonic_ns(NULL);
    return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_nanos(left_ns, GPR_TIMESPAN));
}

static void *run(void *argument)
{
    cleat__completion_thread *self = argument;
    grpc_event event;
    do {
        int64_t until_ns = self->before_wait != NULL ? self->before_wait(self->user_data) : INT64_MAX;
        event = grpc_completion_queue_next(self->queue, cleat__grpc_deadline(until_ns), NULL);
        if (event.type == GRPC_OP_COMPLETE) {
            cleat__completion *completion = event.tag;
            __tsan_acquire(completion);
            completion->run(completion, event.success != 0);
        }
    } while (event.type != GRPC_QUEUE_SHUTDOWN);
    grpc_completion_queue_destroy(self->queue);
    self->at_end(self->user_data);
    return NULL;
}

cleat_status cleat__completion_thread_start(cleat__completion_thread *thread, const char *name)
{
    thread->queue = grpc_completion_queue_create_for_next(NULL);
    if (thread->queue == NULL) {
        return cleat__fail_memory();
    }
    cleat_status status = cleat__thread_start(&thread->thread, name, run, thread);
    if (status != CLEAT_OK) {
        grpc_completion_queue_shutdown(thread->queue);
        (void)grpc_completion_queue_next(thread->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
        grpc_completion_queue_destroy(thread->queue);
        thread->queue = NULL;
    }
    return status;
}

void cleat__completion_thread_close(cleat__completion_thread *thread)
{
    grpc_completion_queue_shutdown(thread->queue);
}

bool cleat__completion_thread_is_own(const cleat__completion_thread *thread)
{
    return pthread_equal(pthread_self(), thread->thread) != 0;
}
