/* Request methods as the semantic conventions name them. */
#ifndef CLEAT_HTTP_METHOD_H
#define CLEAT_HTTP_METHOD_H

#include <cleat/status.h>

enum { CLEAT__HTTP_METHOD_SIZE = 32 };

/*
 * Whether `method` is a known one: those of RFC 9110 and PATCH, or the comma-separated list in
 * OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS. They are case-sensitive. `name` gets it, or "HTTP", for
 * names of spans.
 */
bool cleat__http_method_read(const char *method, char name[CLEAT__HTTP_METHOD_SIZE]);

/* http.request.method of a method that is not known. */
#define CLEAT__HTTP_METHOD_OTHER "_OTHER"

#endif
