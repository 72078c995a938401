/*
 * An HTTP/1.1 server on a loopback port that keeps what it is sent and answers as it was told: well,
 * with errors, late, never, or with garbage. One thread a connection.
 */
#ifndef CLEAT_TESTS_HTTP_SINK_H
#define CLEAT_TESTS_HTTP_SINK_H

#include <cleat/status.h>

typedef struct http_sink http_sink;

typedef struct http_answer {
    int status;          /* 0: 200 */
    const char *headers; /* whole lines with CR LF; may be NULL */
    cleat_slice body;
    bool hangs;      /* until the sink stops */
    bool closes;     /* instead of answering */
    bool waits;      /* until http_sink_open() */
    cleat_slice raw; /* sent instead of all that; then the connection is closed */
    bool stays;      /* after `raw`, open until the sink stops */
    bool drips;      /* each byte of `raw` in a packet of its own */
    bool blind;      /* comes without the body having been read, and takes nothing else in */
} http_answer;

typedef struct http_request {
    char *head; /* request line and header lines, NUL-terminated */
    cleat_slice body;
} http_request;

/* Fails the test when there is no port. */
http_sink *http_sink_start(void);
/* Closes the connections and frees everything. */
void http_sink_stop(http_sink *sink);

/* "http://127.0.0.1:PORT" and `path`; valid as long as the sink. */
const char *http_sink_url(http_sink *sink, const char *path);
/* The answers to the requests in order of arrival; the last one, or success when there is none, is
 * repeated. Copied, but for what they point to. */
void http_sink_answer(http_sink *sink, const http_answer *answers, size_t count);
/* Lets those that wait, and all later ones, be answered. */
void http_sink_open(http_sink *sink);

/* Waits until so many requests have arrived whole. */
void http_sink_wait(http_sink *sink, size_t count);
/* Request number `index` (0 ...), which has arrived; valid as long as the sink. */
http_request http_sink_request(http_sink *sink, size_t index);
size_t http_sink_requests(http_sink *sink);
size_t http_sink_connections(http_sink *sink);

/* The value of a header in `head`, in `value`; "" when it is not there. Names in any case. */
const char *http_header(const char *head, const char *name, char *value, size_t size);

#endif
