/*
 * OTLP over gRPC. Part of libcleat only: libcleat-trace links no gRPC.
 *
 *     cleat_span_exporter *exporter = NULL;
 *     cleat_span_processor *processor = NULL;
 *     cleat_otlp_grpc_exporter_new(CLEAT_OTLP_EXPORTER_OPTIONS(.endpoint = "https://collector.example:4317"),
 *                                  &exporter);         // NULL options: all by environment
 *     cleat_batch_processor_new(exporter, NULL, &processor);
 *
 * Source: OpenTelemetry specification, "OTLP Specification": "OTLP/gRPC".
 */
#ifndef CLEAT_OTLP_GRPC_H
#define CLEAT_OTLP_GRPC_H

#include "cleat/otlp.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * An exporter that calls TraceService/Export, several calls at a time, on one connection.
 * `options` may be NULL; see cleat_otlp_exporter_options. CLEAT_INVALID_ARGUMENT for an endpoint that is
 * none and for files that are not PEM, with what is wrong. Headers are sent as metadata; those that gRPC
 * does not take (other characters than a-z 0-9 - _ . in the name, names it uses itself) are left out with
 * a warning. cleat_otlp_exporter_get_stats() counts bytes as they are before compression.
 *
 * gRPC itself, a thread and the connection start with the first export. What gRPC has to say goes to
 * cleat_log_set_handler(), for the whole process, unless GRPC_VERBOSITY is set.
 *
 * fork(): gRPC does not survive it. An exporter that has not exported yet works in the child; one that
 * has answers CLEAT_UNAVAILABLE there, and so does a new one when the parent had used gRPC. Nothing of
 * them hangs in the child. Prefork servers and daemons fork before the first span is exported.
 */
CLEAT_API cleat_status cleat_otlp_grpc_exporter_new(const cleat_otlp_exporter_options *options,
                                                    cleat_span_exporter **out);

#ifdef __cplusplus
}
#endif
#endif
