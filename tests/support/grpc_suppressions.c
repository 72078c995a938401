#include "support/grpc_suppressions.h"

void grpc_suppressions_use(void)
{
}

/* c-ares 1.18 loses the name it looked up ("localhost"), once for each channel. */
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libcares.so\n";
}

/* The locks of gRPC and of what it stands on are not instrumented, so all that they guard looks like
 * a race. Races between threads in our code alone have none of these in their stacks. */
__attribute__((visibility("default"))) const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
    return "race:libgrpc.so\n"
           "race:libgpr.so\n"
           "race:libabsl_\n"
           "race:libcares.so\n"
           "race:libssl.so\n"
           "race:libcrypto.so\n"
           "race:libstdc++.so\n"
           "race:libupb.so\n"
           "race:libz.so\n"
           /* Reads and frees what gRPC wrote to; the stack of that is not always known. */
           "race:cleat__grpc_bytes\n"
           "race:cleat__rpc_settle\n"
           "race:free_attempt\n"
           "race:free_call\n"
           "race:free_rpc_stream\n"
           "race:rpc_end\n";
}
