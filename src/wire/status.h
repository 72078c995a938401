/*
 * How calls of the protocol fail. A server answers with cleat_status_grpc_code() and the sentence; a
 * client takes the code back with cleat__status_of_grpc(). Some failures have a detail, a message, in
 * the trailer grpc-status-details-bin: a google.rpc.Status.
 */
#ifndef CLEAT_WIRE_STATUS_H
#define CLEAT_WIRE_STATUS_H

#include "base/buffer.h"
#include "wire/google/rpc/status.pb-c.h"
#include <cleat/status.h>

/* What a code of gRPC means to a caller of Cleat. CLEAT_OK for 0 only. */
cleat_status cleat__status_of_grpc(int code);

/* Appends the trailer's bytes. */
cleat_status cleat__status_detail_pack(int code, const char *sentence, const void *detail,
                                       cleat__buffer *out);
/*
 * The first detail of that type in the trailer's bytes, to be freed with cleat__message_free(). NULL:
 * CLEAT_EMPTY when there is none, or a failure of cleat__message_unpack().
 */
void *cleat__status_detail_unpack(cleat_slice trailer, const ProtobufCMessageDescriptor *descriptor,
                                  cleat_status *status);

#endif
