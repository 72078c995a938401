/* One try of a unary call. The link's mutex is held in all of this. */
#ifndef CLEAT_TRANSPORT_GRPC_CALL_H
#define CLEAT_TRANSPORT_GRPC_CALL_H

#include "transport/grpc_link.h"

#define CLEAT__CALL_TEXT 512

struct cleat__call {
    cleat__completion completion; /* first: the tag */
    cleat__link *link;
    cleat__call *next, *previous;
    grpc_call *call;
    const char *path;
    grpc_metadata_array head, trailer;
    grpc_byte_buffer *reply;
    grpc_status_code code;
    grpc_slice details;
    void (*done)(void *owner, cleat__call *self); /* NULL: nobody waits for it */
    void *owner;
};

/*
 * Calls `done` once, on the link's thread, never before this returns; the call is freed behind it. NULL
 * when there is no memory or the link is closing.
 */
cleat__call *cleat__call_start(cleat__link *link, const char *path, cleat_slice message, int64_t timeout_ms,
                               void (*done)(void *owner, cleat__call *call), void *owner);
/* Nobody waits for it any more. NULL-safe. */
void cleat__call_abandon(cleat__call *call);

/* In `done`. */
void cleat__call_text(const cleat__call *call, char text[CLEAT__CALL_TEXT]);
bool cleat__call_read(const cleat__call *call, cleat__buffer *out); /* false: no message came */
/* Appends what the server says of a failure beyond its sentence: grpc-status-details-bin. */
void cleat__call_detail(const cleat__call *call, cleat__buffer *out);

/* For the link. */
void cleat__calls_cancel(cleat__link *link, const char *path); /* NULL: all */

/* A message of bytes, and bytes of a message. */
grpc_byte_buffer *cleat__grpc_message(cleat_slice bytes);
void cleat__grpc_text(const grpc_slice *details, char text[CLEAT__CALL_TEXT]);
bool cleat__grpc_bytes(grpc_byte_buffer *message, cleat__buffer *out);

/* Ends of calls that say nothing against the next try. */
bool cleat__grpc_code_is_passing(int code, const char *text);
/* gRPC itself says so, here or at the server, of a message that stays as it is. */
bool cleat__grpc_is_too_large(int code, const char *text);

#endif
