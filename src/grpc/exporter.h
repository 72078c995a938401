/*
 * The OTLP/gRPC exporter: what its two files share. exporter.c is the exporter from its making to its
 * end, export.c the way of one export.
 *
 * Threads: one of a completion queue, started with the first export. An export is begun by the
 * thread that exports and goes on, from answer to answer, on that of the queue; both hold the
 * mutex while they start a call, so that who cancels sees either the call or none. A retry and the
 * deadline of a call are points in time the thread of the queue waits for. Nothing blocks but export_spans,
 * force_flush and shutdown, which wait on `changed`.
 *
 * Memory: spans are copied into the slices that gRPC sends. It would take them where they lie
 * (grpc_slice_new_with_user_data), but a connection that is stuck in a write keeps them beyond the end
 * of the call, also of one that was cancelled, and nothing makes it give them back: the batch could not be
 * finished by its deadline. The copy also serves all attempts; it costs some 40 ns of
 * CPU for a span of 240 bytes, where the whole way from its start to the answer takes 330.
 *
 * A stuck connection also delays the end of cancelled calls (seen: ten seconds, until gRPC's own poller looks
 * again). So nobody waits for that: an attempt that is cancelled or overdue is abandoned, and freed
 * when its completion comes.
 *
 * References: the owner's, the thread's, and one for each export, since its caller may be inside while
 * the exporter is freed.
 */
#ifndef CLEAT_GRPC_EXPORTER_H
#define CLEAT_GRPC_EXPORTER_H

#include "completion.h"
#include "credentials.h"
#include "otlp/otlp_exporter.h"
#include "otlp/request.h"

#include <sys/types.h>

typedef struct cleat__grpc_exporter cleat__grpc_exporter;

typedef struct cleat__grpc_export cleat__grpc_export;

/* A call, and what gRPC fills in until the completion runs. */
typedef struct cleat__grpc_attempt {
    cleat__completion completion; /* first: the tag */
    cleat__grpc_exporter *exporter;
    cleat__grpc_export *export; /* NULL: nobody waits for the answer any more; the mutex guards it */
    grpc_call *call;
    grpc_metadata_array initial_metadata, trailing_metadata;
    grpc_byte_buffer *response;
    grpc_status_code code;
    grpc_slice details;
} cleat__grpc_attempt;

/* A batch on its way. What has no other remark belongs to the thread that has it in hand. */
struct cleat__grpc_export {
    cleat__grpc_exporter *exporter;
    const cleat_span_batch *batch;
    cleat_span_batch *to_finish; /* of export_async; NULL: export_spans waits */
    size_t cursor;               /* into the batch, behind the part on its way */
    size_t span_count;           /* of the batch, not yet counted in the stats */
    size_t failed;               /* of the batch, counted */
    int64_t deadline_ns;
    cleat__otlp_request part;
    grpc_byte_buffer *message; /* of the part */
    unsigned attempts;         /* of the part */
    cleat_status status;       /* the first failure */
    char text[512];            /* and what it was */

    /* The exporter's mutex guards what follows. With neither attempt nor retry it is in somebody's
     * hands. */
    cleat__grpc_export *next, *previous; /* in flight, in the order they began */
    uint64_t number;
    cleat__grpc_attempt *attempt; /* not NULL: waits for its answer */
    int64_t retry_at_ns;          /* not 0: waits until then */
    bool waits_as_asked;          /* the server has named the time */
    bool is_done;                 /* export_spans may return */
};

struct cleat__grpc_exporter {
    cleat__otlp_exporter otlp;
    cleat__pem pem;
    atomic_uint references;
    /* Of the process that exports; 0 before the first export. Set before the mutex is locked
     * for the first time: in a forked child some thread may hold it for ever. */
    _Atomic pid_t process;
    atomic_bool is_shut_down;

    pthread_mutex_t mutex; /* guards what follows; gRPC's messages may reach a log handler inside */
    pthread_cond_t changed;
    bool is_started;
    bool is_cancelled; /* no call starts any more */
    bool is_ended;     /* the thread has nothing to do any more but to end */
    cleat__completion_thread thread;
    int64_t waits_until_ns; /* when the thread looks again by itself; 0: it does not wait */
    cleat__completion wake; /* a tag that makes it look at once */
    grpc_channel *channel;
    grpc_metadata *metadata; /* sent with each call */
    size_t metadata_count;
    cleat__grpc_export *first, *last; /* in flight */
    uint64_t begun;
};

/* Starts the export: it is in flight until cleat__grpc_export_finish(). */
void cleat__grpc_export_begin(cleat__grpc_export *export);
/* The next attempt, or the end of an export that has been cancelled. The mutex is not held. */
void cleat__grpc_export_attempt(cleat__grpc_export *export);
/* Cancels the attempt, and waits for it no longer. The mutex is held. */
void cleat__grpc_export_abandon(cleat__grpc_export *export);
/* When an attempt is abandoned that gRPC has not ended at its deadline; INT64_MAX: never. */
int64_t cleat__grpc_export_overdue_ns(const cleat__grpc_export *export);
/* The status and sentence of an export that gRPC did not end, and of one that was cancelled. */
void cleat__grpc_export_overdue(cleat__grpc_export *export);
void cleat__grpc_export_cancelled(cleat__grpc_export *export);
/* Tells the caller, and takes the export out of flight; it must not be touched any more. */
void cleat__grpc_export_finish(cleat__grpc_export *export);

void cleat__grpc_exporter_release(cleat__grpc_exporter *exporter);

#endif
