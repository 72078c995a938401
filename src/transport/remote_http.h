/* The HTTP side of a server, for the few things that its gRPC side does not have. */
#ifndef CLEAT_TRANSPORT_REMOTE_HTTP_H
#define CLEAT_TRANSPORT_REMOTE_HTTP_H

#include "transport/settings.h"

/* Whether anybody says where it is. */
bool cleat__remote_http_is_known(const cleat__remote_settings *settings);
/*
 * One request, with a body of JSON unless that is absent; `path` is what stands behind
 * "/api/v1/tenants/{tenant}", or begins with "/api/". Appends the body of a good answer to `reply`. A bad one becomes its status, with the server's own words; CLEAT_FAILED_PRECONDITION: nobody
 * says where the HTTP side is.
 */
cleat_status cleat__remote_http(const cleat__remote_settings *settings, const char *method, const char *path,
                                cleat_slice body, cleat__buffer *reply);

#endif
