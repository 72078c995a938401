/* POST /v1/traces: OTLP/HTTP on its way in, as protobuf or JSON. */
#ifndef CLEAT_SERVER_HTTP_TRACES_H
#define CLEAT_SERVER_HTTP_TRACES_H

#include "http_route.h"

struct cleat__otlp_in;

/* `otlp` is borrowed. */
cleat__http_table cleat__http_traces_table(const struct cleat__otlp_in *otlp);

#endif
