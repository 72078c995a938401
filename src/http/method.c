#include "method.h"

#include "base/env.h"
#include "trace/header.h"

#include <pthread.h>

#define KNOWN_METHODS "OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS"

/* Read once, before there is a request: a program may change its environment later on, and reading
 * it then would be a race. */
static pthread_once_t known_once = PTHREAD_ONCE_INIT;
static char known_methods[1024] = "GET,POST,PUT,HEAD,DELETE,PATCH,OPTIONS,CONNECT,TRACE";

static void read_known_methods(void)
{
    cleat_slice names = cleat__env_get(KNOWN_METHODS);
    if (names.size >= sizeof(known_methods)) {
        cleat__env_warn(KNOWN_METHODS, names, "methods separated by commas, up to 1,023 characters");
    } else if (names.data != NULL) {
        memcpy(known_methods, names.data, names.size);
        known_methods[names.size] = '\0';
    }
}

static bool is_known(cleat_slice method)
{
    pthread_once(&known_once, read_known_methods);
    cleat_slice names = cleat_slice_of(known_methods);
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
