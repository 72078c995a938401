/*
 * Batches of an engine that speaks the protocol as it is: START_BATCH says of its members neither which attempts they are
 * nor what metadata they have, and their ends are told together, once the last one is known.
 */
#ifndef CLEAT_TRANSPORT_GRPC_BATCH_H
#define CLEAT_TRANSPORT_GRPC_BATCH_H

#include "transport/grpc_worker.h"
#include "wire/dispatcher.pb-c.h"

/* The link's mutex is held in all of this. */

typedef struct cleat__remote_batch cleat__remote_batch;

void cleat__remote_start_batch(cleat__remote_worker *worker, const Cleat__AssignedAction *action);
/* The attempt of that task as it is held here: the engine knows the count of one that came in a batch. */
int32_t cleat__remote_batch_retry(const cleat__remote_workers *workers, const cleat__uuid *task_id,
                                  int32_t retry_count);
/* One of its members begins: all do. */
void cleat__remote_batch_begin(const cleat__held *member);
/* The report of a member, which is not held any more. */
cleat_status cleat__remote_batch_report(cleat__held *member, const cleat__report *report);
/* A member is reported, or never will be. */
void cleat__remote_batch_count_down(cleat__remote_batch *batch);

/* Their lanes. */
void cleat__remote_batches_init(cleat__remote_workers *workers);
void cleat__remote_batches_deinit(cleat__remote_workers *workers); /* when the lanes are empty */

#endif
