/* A stream of messages from the server, and to it if it is open. The link's mutex is held in all of this. */
#ifndef CLEAT_TRANSPORT_GRPC_STREAM_H
#define CLEAT_TRANSPORT_GRPC_STREAM_H

#include "base/clock.h"
#include "transport/grpc_call.h"

/* A stream that lived so long was no failure (worker.md 2). */
#define CLEAT__GOOD_STREAM_NS (20 * CLEAT__NS_PER_S)

/* Called on the link's thread. */
typedef struct cleat__rpc_stream_handler {
    bool may_repeat; /* what comes twice is passed over: a server need not wonder what has come */
    void (*message)(void *owner, cleat_slice bytes);
    void (*writable)(void *owner); /* what was written has been taken; for open ones */
    /* The last; the stream must not be touched any more behind it. */
    void (*ended)(void *owner, int code, const char *text);
} cleat__rpc_stream_handler;

/* `request` is all that is sent; the absent slice: the stream is open for cleat__rpc_stream_write(). NULL when there
 * is no memory or the link is closing. */
cleat__rpc_stream *cleat__rpc_stream_start(cleat__link *link, const char *path, cleat_slice request,
                                           const cleat__rpc_stream_handler *handler, void *owner);
bool cleat__rpc_stream_is_writable(const cleat__rpc_stream *stream);
void cleat__rpc_stream_write(cleat__rpc_stream *stream, cleat_slice message); /* when it is writable */
/* In `message`: no further one comes until it is resumed, and the server sees that nobody reads. */
void cleat__rpc_stream_pause(cleat__rpc_stream *stream);
void cleat__rpc_stream_resume(cleat__rpc_stream *stream);
/* Ends it; the handler is not called any more. NULL-safe. */
void cleat__rpc_stream_abandon(cleat__rpc_stream *stream);

/* In `ended`, which still knows the stream: whether the server's end has the metadata `key` with "1". */
bool cleat__rpc_stream_has_trailer(const cleat__rpc_stream *stream, const char *key);

/* For the link. */
void cleat__rpc_streams_cancel(cleat__link *link);

#endif
