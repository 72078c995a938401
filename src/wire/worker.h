/* Workers that register: WorkerRegisterRequest and cleat__worker_spec. */
#ifndef CLEAT_WIRE_WORKER_H
#define CLEAT_WIRE_WORKER_H

#include "model/worker.h"
#include "wire/dispatcher.pb-c.h"

/*
 * A server's reading, which borrows from the message; what cleat__worker_check() looks at is left to it.
 * What it allocates is freed with cleat__worker_read_end(), also after a failure. About its process the
 * message's texts become {"sdkVersion":..,"language":"TYPESCRIPT",..}. CLEAT_INVALID_ARGUMENT,
 * CLEAT_NO_MEMORY.
 */
cleat_status cleat__worker_read(const Cleat__WorkerRegisterRequest *message, cleat__worker_spec *out);
void cleat__worker_read_end(cleat__worker_spec *spec);

/* A new list of `message->n_labels`; as cleat__desired_labels_read(). */
cleat_status cleat__worker_labels_read(const Cleat__UpsertWorkerLabelsRequest *message, cleat__label **out);
/* A client's writing, as cleat__desired_labels_write(). */
void *cleat__worker_labels_write(bool *failed, const ProtobufCMessageDescriptor *type,
                                 const cleat__label *items, size_t count, size_t *written);

#endif
