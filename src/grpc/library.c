#include "library.h"

#include "base/error.h"
#include "base/log.h"

#include <grpc/grpc.h>
#include <grpc/support/log.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

/* The first process of this line that used gRPC; 0: none did. */
static _Atomic pid_t first_user;

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
    pid_t user = atomic_load_explicit(&first_user, memory_order_relaxed);
    if (user == 0 || user == getpid()) {
        return CLEAT_OK;
    }
    return cleat__fail(
        CLEAT_UNAVAILABLE,
        "gRPC had been used when this process was forked, and does not survive that: fork before "
        "the first export, or export with OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf; make clients of a "
        "server after the fork");
}

cleat_status cleat__grpc_begin(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pid_t none = 0;
    (void)atomic_compare_exchange_strong(&first_user, &none, getpid());
    cleat_status status = cleat__grpc_check_fork();
    if (status == CLEAT_OK) {
        pthread_once(&once, take_log);
        grpc_init();
    }
    return status;
}

void cleat__grpc_end(void)
{
    grpc_shutdown();
}
