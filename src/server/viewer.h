/*
 * The viewer of a file without a server around it: read-only pages on a port of the loopback interface. The
 * file may be in use. What `cleat traces open` runs.
 */
#ifndef CLEAT_SERVER_VIEWER_H
#define CLEAT_SERVER_VIEWER_H

#include <cleat/status.h>

typedef struct cleat__viewer cleat__viewer;

typedef struct cleat__viewer_options {
    const char *database;
    int64_t tenant; /* whose runs and traces; its number in the file */
    uint16_t port;  /* 0 picks one */
} cleat__viewer_options;

/* Failures name the file or the address. CLEAT_BUSY: the port is in use. */
cleat_status cleat__viewer_start(const cleat__viewer_options *options, cleat__viewer **out);
/* "127.0.0.1:8733"; as long as the viewer. */
const char *cleat__viewer_address(const cleat__viewer *viewer);
/* Answers what has begun as far as `timeout_ms` lets it, and frees it. NULL-safe. */
void cleat__viewer_stop(cleat__viewer *viewer, int64_t timeout_ms);

#endif
