/*
 * A trace request in OTLP JSON, turned into protobuf, so that there is one reader for both.
 *
 * Source: OTLP specification, "JSON Protobuf Encoding"; protobuf.dev, "ProtoJSON Format".
 */
#ifndef CLEAT_COLLECTOR_JSON_REQUEST_H
#define CLEAT_COLLECTOR_JSON_REQUEST_H

#include "base/buffer.h"

/*
 * Appends the `ExportTraceServiceRequest`. Members that nobody knows are passed over. An id that is no hex
 * text becomes one that the reader rejects together with its span. CLEAT_INVALID_ARGUMENT with a sentence
 * for text that is no JSON and for members of a wrong type; CLEAT_NO_MEMORY. Any thread.
 */
cleat_status cleat__json_request_encode(cleat_slice json, cleat__buffer *out);

#endif
