/* What the server's stream brings a worker. The link's mutex is held in all of this. */
#ifndef CLEAT_TRANSPORT_GRPC_ASSIGN_H
#define CLEAT_TRANSPORT_GRPC_ASSIGN_H

#include "transport/grpc_worker.h"
#include "wire/dispatcher.pb-c.h"

void cleat__remote_start_run(cleat__remote_worker *worker, const Cleat__AssignedAction *action);
void cleat__remote_cancel_run(cleat__remote_worker *worker, const Cleat__AssignedAction *action);

/* Members of a batch that have come, but not all. */
void cleat__remote_gathering_init(cleat__remote_worker *worker);
/* They are all that come. */
void cleat__remote_gathering_end(cleat__remote_worker *worker);
void cleat__remote_gathering_deinit(cleat__remote_worker *worker);

#endif
