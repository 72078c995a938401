/*
 * How a call ended, and what follows from that.
 *
 * Source: grpc.io, "Status codes and their use in gRPC"; OTLP specification, "OTLP/gRPC Response" and
 * "OTLP/gRPC Throttling"; google/rpc/status.proto and error_details.proto.
 */
#ifndef CLEAT_GRPC_CALL_STATUS_H
#define CLEAT_GRPC_CALL_STATUS_H

#include <cleat/status.h>

/* "UNAVAILABLE"; "an unknown status" for a number that is none. */
const char *cleat__grpc_code_name(int code);
/* What a code means to a caller of Cleat: CLEAT_OK for 0 only. */
cleat_status cleat__grpc_code_status(int code);
/* Whether an export that ended so is sent again. */
bool cleat__grpc_export_is_retryable(int code, bool has_retry_info);
/* Whether it says nothing of what else may be sent there: the next part of the batch goes out. */
bool cleat__grpc_export_failure_is_of_spans(int code);
/*
 * Looks for a RetryInfo in the value of `grpc-status-details-bin`, a google.rpc.Status. False: there
 * is none, or the message is malformed. A delay below zero is read as zero.
 */
bool cleat__grpc_retry_info(cleat_slice status_details, int64_t *delay_ms);

#endif
