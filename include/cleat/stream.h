/*
 * Streams: what a running task sends piece by piece, with cleat_task_put_stream(), read by whoever looks on.
 *
 *     cleat_run_id id;
 *     cleat_stream *stream = NULL;
 *     cleat_slice chunk;
 *     if (cleat_client_run_no_wait(client, "story:tell", NULL, NULL, &id) == CLEAT_OK &&
 *         cleat_client_stream(client, &id, &stream) == CLEAT_OK)
 *         while (cleat_stream_next(stream, -1, &chunk) == CLEAT_OK)
 *             fwrite(chunk.data, 1, chunk.size, stdout);
 *     cleat_stream_free(stream);
 *
 * Chunks of a task are told to who looks on at that time, in the order in which it sent them, and are stored
 * nowhere: what was sent before is not seen. As the id of a run is known only once it may have begun, where
 * each chunk counts the task must wait for the one who looks: start the worker after
 * cleat_client_stream(), or let the task begin when it hears from there.
 *
 * Chunks of a workflow, which it writes with cleat_stream_write() (cleat/workflow.h), are stored with its
 * run: everybody who looks sees all of them from the first one on, also long after its end, and may take any
 * time. Where it goes on as a new run (cleat_continue_as_new()), the stream goes on with that one, to the end of the
 * last; of what these send with cleat_task_put_stream() the first chunks of a new one may be missing.
 */
#ifndef CLEAT_STREAM_H
#define CLEAT_STREAM_H

#include "cleat/client.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cleat_stream cleat_stream;

/* Chunks that wait for a reader have at most so many bytes together. */
#define CLEAT_STREAM_BUFFER_MAX ((size_t)64 * 1024 * 1024)

/* Looks at a run from now on, at a workflow's from its beginning. The client must outlive the stream.
 * CLEAT_UNAVAILABLE, CLEAT_NO_MEMORY. */
CLEAT_API cleat_status cleat_client_stream(cleat_client *client, const cleat_run_id *id, cleat_stream **out);

/*
 * The next chunk, waited for; it is valid until the next call or until the stream is freed. Negative
 * `timeout_ms`: without limit. One thread at a time.
 * CLEAT_TIMEOUT: none came in time. CLEAT_EMPTY: the run has ended and there are no more.
 * CLEAT_NOT_FOUND: there is no such run. CLEAT_RESOURCE_EXHAUSTED: the reader, or the way to it, was slower
 * than the task by CLEAT_STREAM_BUFFER_MAX; what had come is read first. CLEAT_UNAVAILABLE: the engine is
 * gone for good, or an outage came in mid-stream and chunks may be lost; cleat_client_stream() looks
 * again from then on. (An outage before anything of the run was told is waited out.)
 */
CLEAT_API cleat_status cleat_stream_next(cleat_stream *stream, int64_t timeout_ms, cleat_slice *chunk);

/* Looks no more. NULL-safe; not while another thread is in cleat_stream_next(). */
CLEAT_API void cleat_stream_free(cleat_stream *stream);

#ifdef __cplusplus
}
#endif
#endif
