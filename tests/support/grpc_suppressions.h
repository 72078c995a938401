/* What the sanitizers find in gRPC itself and are not to report. */
#ifndef CLEAT_TESTS_GRPC_SUPPRESSIONS_H
#define CLEAT_TESTS_GRPC_SUPPRESSIONS_H

/* Makes the linker take them in, with whatever calls this. */
void grpc_suppressions_use(void);

#endif
