/* The HTTP side of a server, for the few things that its gRPC side does not have. */
#ifndef CLEAT_TRANSPORT_REMOTE_HTTP_H
#define CLEAT_TRANSPORT_REMOTE_HTTP_H

#include "transport/settings.h"

/* Whether anybody says where it is. */
bool cleat__remote_http_is_known(const cleat__remote_settings *settings);

/* Requests one after the other, over one connection. One thread at a time. */
typedef struct cleat__remote_session {
    const cleat__remote_settings *settings;
    void *easy;          /* of libcurl */
    int64_t deadline_ns; /* of all of them together; each has the settings' limit of a call besides */
    bool was_connected;  /* somebody has been there */
    cleat_slice carrier; /* JSON object of texts, sent as headers, but for those of the trace; absent: none */
    /* Of the last request. */
    bool was_answered;
    long code;          /* the answer's; 0: there was none */
    bool was_explained; /* a bad answer had words in it, as the servers of this protocol give */
} cleat__remote_session;
/* To be ended also after a failure; CLEAT_FAILED_PRECONDITION: nobody says where the HTTP side is. */
cleat_status cleat__remote_session_start(cleat__remote_session *session,
                                         const cleat__remote_settings *settings, int64_t timeout_ms);
void cleat__remote_session_end(cleat__remote_session *session);
/*
 * One request, with a body of JSON unless that is absent; `path` is what stands behind
 * "/api/v1/tenants/{tenant}", or begins with "/api/" or "/hooks/". Appends the body of a good answer to `reply`. A bad
 * one becomes its status, with the server's own words. With a tracer it is in a span `http <METHOD>`, whose
 * context is sent along.
 */
cleat_status cleat__remote_session_send(cleat__remote_session *session, const char *method, const char *path,
                                        cleat_slice body, cleat__buffer *reply);

/* A session of one request. */
cleat_status cleat__remote_http(const cleat__remote_settings *settings, const char *method, const char *path,
                                cleat_slice body, cleat__buffer *reply);

#endif
