#include "method.h"

#include "base/env.h"
#include "trace/header.h"

#define KNOWN_METHODS "GET,POST,PUT,HEAD,DELETE,PATCH,OPTIONS,CONNECT,TRACE"

/* Read each time: the environment is small beside a request, and nothing has to be kept. */
static bool is_known(cleat_slice method)
{
    cleat_slice names = cleat__env_get("OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS");
    if (names.data == NULL) {
        names = cleat_slice_of(KNOWN_METHODS);
    }
    while (names.data != NULL) {
        cleat_slice name = cleat__trim(cleat__split(names, ',', &names));
        if (name.size != 0 && cleat_slice_equals(name, method)) {
            return true;
        }
    }
    return false;
}

bool cleat__http_method_read(const char *method, char name[CLEAT__HTTP_METHOD_SIZE])
{
    cleat_slice text = cleat_slice_of(method);
    bool known = text.size < CLEAT__HTTP_METHOD_SIZE && is_known(text);
    if (!known) {
        text = cleat_slice_of("HTTP");
    }
    memcpy(name, text.data, text.size);
    name[text.size] = '\0';
    return known;
}
