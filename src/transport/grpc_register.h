/* How a worker introduces itself to a server: its registration, and what it offers. */
#ifndef CLEAT_TRANSPORT_GRPC_REGISTER_H
#define CLEAT_TRANSPORT_GRPC_REGISTER_H

#include "transport/grpc_worker.h"
#include "wire/dispatcher.pb-c.h"

/* Slots and labels, which every registration says; freed with the worker. */
cleat_status cleat__remote_offer_init(cleat__remote_worker *worker, const cleat__worker_spec *spec);
/* The first time; sets its ids. Blocks. */
cleat_status cleat__remote_register(cleat__remote_worker *worker);

/* NULL on no memory. */
Cleat__WorkerRegisterRequest *cleat__remote_registration_write(const cleat__remote_worker *worker);
cleat_status cleat__remote_registration_read(const Cleat__WorkerRegisterResponse *reply, cleat__uuid *id);

/* An assignment's action and event key as the program knows them, without what the namespace put before. */
void cleat__remote_restore_names(const cleat__remote_worker *worker, cleat__assignment *assignment);

/* Blocks. */
cleat_status cleat__remote_send_labels(cleat__link *link, const char *worker_id, const cleat__label *labels,
                                       size_t count);

#endif
