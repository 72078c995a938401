/*
 * A span for each request that libmicrohttpd serves. This header is all there is, so that the
 * library does not depend on libmicrohttpd; cleat/trace.h does not include it.
 *
 * A handler is called several times for one request, so what it keeps per request has the span in
 * it:
 *
 *     typedef struct exchange {
 *         cleat_http_request traced; // and what else it has to remember, such as the body
 *     } exchange;
 *
 *     enum MHD_Result handle(void *user_data, struct MHD_Connection *connection, const char *url,
 *                            const char *method, const char *version, const char *upload,
 *                            size_t *upload_size, void **con_cls)
 *     {
 *         exchange *self = *con_cls;
 *         (void)user_data, (void)upload;
 *         if (self == NULL) { // the first call: the headers are there
 *             self = calloc(1, sizeof(*self));
 *             if (self == NULL) {
 *                 return MHD_NO;
 *             }
 *             *con_cls = self;
 *             cleat_mhd_request_start(connection, method, url, version, NULL, &self->traced);
 *             return MHD_YES;
 *         }
 *         if (*upload_size != 0) { // a part of the body
 *             *upload_size = 0;
 *             return MHD_YES;
 *         }
 *         cleat_scope scope = cleat_context_attach(self->traced.context);
 *         cleat_http_request_set_route(&self->traced, "/hello");
 *         struct MHD_Response *response =
 *             MHD_create_response_from_buffer(6, (void *)"hello\n", MHD_RESPMEM_PERSISTENT);
 *         enum MHD_Result result = cleat_mhd_queue_response(connection, 200, response, &self->traced);
 *         MHD_destroy_response(response);
 *         cleat_scope_detach(scope);
 *         return result;
 *     }
 *
 *     // MHD_OPTION_NOTIFY_COMPLETED: called once for each request, however it ended.
 *     void completed(void *user_data, struct MHD_Connection *connection, void **con_cls,
 *                    enum MHD_RequestTerminationCode code)
 *     {
 *         exchange *self = *con_cls;
 *         (void)user_data, (void)connection;
 *         if (self != NULL) {
 *             cleat_mhd_request_completed(&self->traced, code);
 *             free(self);
 *         }
 *     }
 *
 * Source: OpenTelemetry semantic conventions, "HTTP spans": HTTP server (stable).
 */
#ifndef CLEAT_MICROHTTPD_H
#define CLEAT_MICROHTTPD_H

#include "cleat/http.h"

#include <microhttpd.h>

#ifdef __cplusplus
extern "C" {
#endif

struct cleat__mhd_visit {
    cleat_http_visitor visitor;
    void *user_data;
};

static inline enum MHD_Result cleat__mhd_visit_one(void *self, enum MHD_ValueKind kind, const char *name,
                                                   const char *value)
{
    struct cleat__mhd_visit *visit = (struct cleat__mhd_visit *)self;
    (void)kind;
    return visit->visitor(visit->user_data, cleat_slice_of(name), cleat_slice_of(value)) ? MHD_YES : MHD_NO;
}

static inline void cleat__mhd_visit_headers(void *self, cleat_http_visitor visitor, void *user_data)
{
    struct cleat__mhd_visit visit = {visitor, user_data};
    MHD_get_connection_values((struct MHD_Connection *)self, MHD_HEADER_KIND, cleat__mhd_visit_one, &visit);
}

static inline void cleat__mhd_visit_arguments(void *self, cleat_http_visitor visitor, void *user_data)
{
    struct cleat__mhd_visit visit = {visitor, user_data};
    MHD_get_connection_values((struct MHD_Connection *)self, MHD_GET_ARGUMENT_KIND, cleat__mhd_visit_one,
                              &visit);
}

/*
 * cleat_http_request_start() (http.h) with what `connection` knows; `method`, `url` and `version` are
 * the arguments of the access handler. What `options` (may be NULL) sets wins: the tracer, the
 * propagator, a route that is known already, `behind_proxy`, more attributes; and `target`, for
 * programs that keep the undecoded one by MHD_OPTION_URI_LOG_CALLBACK: else url.path is decoded, as
 * libmicrohttpd gives it, and url.query is encoded anew from the arguments. Call it in the handler's
 * first call for a request, in whatever thread that is. Answers what cleat_http_request_start() does.
 * Semantic conventions: "HTTP server span".
 */
static inline cleat_status cleat_mhd_request_start(struct MHD_Connection *connection, const char *method,
                                                   const char *url, const char *version,
                                                   const cleat_http_request_options *options,
                                                   cleat_http_request *out)
{
    cleat_http_request_options all;
    const union MHD_ConnectionInfo *info;
    memset(&all, 0, sizeof(all));
    if (options != NULL) {
        bool is_whole = options->struct_size == 0 || options->struct_size > sizeof(all);
        memcpy(&all, options, is_whole ? sizeof(all) : options->struct_size);
    }
    all.struct_size = sizeof(all);
    all.method = all.method != NULL ? all.method : method;
    all.version = all.version != NULL ? all.version : version;
    if (all.target == NULL) {
        all.target = url;
        all.arguments.self = connection;
        all.arguments.visit = cleat__mhd_visit_arguments;
    }
    if (all.headers.visit == NULL) {
        all.headers.self = connection;
        all.headers.visit = cleat__mhd_visit_headers;
    }
    if (all.peer == NULL) {
        info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
        all.peer = info != NULL ? info->client_addr : NULL;
    }
    if (all.scheme == NULL && MHD_get_connection_info(connection, MHD_CONNECTION_INFO_PROTOCOL) != NULL) {
        all.scheme = "https"; /* a TLS version is known */
    }
    return cleat_http_request_start(&all, out);
}

/* MHD_queue_response() that remembers the status code for the span (http.response.status_code).
 * Answers what that answers; `response` stays the caller's. */
static inline enum MHD_Result cleat_mhd_queue_response(struct MHD_Connection *connection,
                                                       unsigned int status_code,
                                                       struct MHD_Response *response,
                                                       cleat_http_request *request)
{
    enum MHD_Result result = MHD_queue_response(connection, status_code, response);
    if (result == MHD_YES) {
        cleat_http_request_set_status_code(request, (int)status_code);
    }
    return result;
}

/* Ends the span, in the callback of MHD_OPTION_NOTIFY_COMPLETED; with an error.type when the
 * response was not sent to its end. Semantic conventions: "HTTP server span", "Status". */
static inline void cleat_mhd_request_completed(cleat_http_request *request,
                                               enum MHD_RequestTerminationCode code)
{
    const char *error_type = NULL;
    switch (code) {
    case MHD_REQUEST_TERMINATED_COMPLETED_OK: break;
    case MHD_REQUEST_TERMINATED_TIMEOUT_REACHED: error_type = "timeout"; break;
    case MHD_REQUEST_TERMINATED_DAEMON_SHUTDOWN: error_type = "shutdown"; break;
    case MHD_REQUEST_TERMINATED_READ_ERROR: error_type = "read_error"; break;
    case MHD_REQUEST_TERMINATED_CLIENT_ABORT: error_type = "client_abort"; break;
    default: error_type = "connection_error"; break;
    }
    cleat_http_request_end(request, 0, error_type);
}

#ifdef __cplusplus
}
#endif
#endif
