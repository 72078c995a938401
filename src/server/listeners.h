/*
 * The streams on which workers are told what to do, all of a server's. One that takes nothing is cut by the gRPC
 * server (rpc_audit.c), so that what it was sent goes to another worker.
 */
#ifndef CLEAT_SERVER_LISTENERS_H
#define CLEAT_SERVER_LISTENERS_H

#include <cleat/status.h>

typedef struct cleat__listeners cleat__listeners;

cleat_status cleat__listeners_new(cleat__listeners **out);
size_t cleat__listeners_count(cleat__listeners *listeners);
/* After the engine was closed and the gRPC server freed. NULL-safe. */
void cleat__listeners_free(cleat__listeners *listeners);

#endif
