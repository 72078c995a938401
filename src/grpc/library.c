#include "library.h"

#include "base/error.h"
#include "base/log.h"

#include <grpc/grpc.h>
#include <grpc/support/log.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

/* The process in the upper half, its users of gRPC in the lower one: a lock could be held by a
 * thread that a forked child does not have. */
static atomic_uint_fast64_t users_of_process;

static uint64_t own_process(void)
{
    return (uint64_t)(uint32_t)getpid() << 32;
}

static uint64_t process_of(uint64_t users)
{
    return users & ~(uint64_t)UINT32_MAX;
}

/* gRPC would write to stderr. */
static void log_message(gpr_log_func_args *args)
{
    static cleat__log_site site;
    cleat__log_limited(&site, args->severity == GPR_LOG_SEVERITY_ERROR ? CLEAT_LOG_WARN : CLEAT_LOG_DEBUG,
                       "gRPC: %s", args->message);
}

static void take_log(void)
{
    /* A person who asks for gRPC's messages expects them where gRPC puts them. */
    if (getenv("GRPC_VERBOSITY") == NULL) {
        gpr_set_log_function(log_message);
    }
}

cleat_status cleat__grpc_check_fork(void)
{
    uint64_t users = atomic_load_explicit(&users_of_process, memory_order_relaxed);
    if ((uint32_t)users == 0 || process_of(users) == own_process()) {
        return CLEAT_OK;
    }
    return cleat__fail(CLEAT_UNAVAILABLE,
                       "gRPC was in use when this process was forked, and does not survive that: fork before "
                       "the first export, or export with OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf");
}

cleat_status cleat__grpc_begin(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    uint64_t users = atomic_load_explicit(&users_of_process, memory_order_relaxed);
    uint64_t with_one_more;
    do {
        cleat_status status = cleat__grpc_check_fork();
        if (status != CLEAT_OK) {
            return status;
        }
        with_one_more = own_process() | ((uint32_t)users + 1);
    } while (!atomic_compare_exchange_weak_explicit(&users_of_process, &users, with_one_more,
                                                    memory_order_relaxed, memory_order_relaxed));
    pthread_once(&once, take_log);
    grpc_init();
    return CLEAT_OK;
}

void cleat__grpc_end(void)
{
    grpc_shutdown();
    atomic_fetch_sub_explicit(&users_of_process, 1, memory_order_relaxed);
}
