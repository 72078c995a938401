/*
 * gRPC as a whole: started by its first user, stopped by its last. It does not survive fork(), not
 * even when it has been stopped: threads of its are gone in the child while their locks may be held.
 * So a child whose parent has used it is refused instead of being left to hang.
 */
#ifndef CLEAT_GRPC_LIBRARY_H
#define CLEAT_GRPC_LIBRARY_H

#include <cleat/status.h>

/* CLEAT_UNAVAILABLE, with what to do, in a child of a process that had used gRPC when it forked. */
cleat_status cleat__grpc_check_fork(void);
/* Each begin that is CLEAT_OK needs an end, in the same process. Any thread. */
cleat_status cleat__grpc_begin(void);
void cleat__grpc_end(void);

#endif
