/*
 * Chunks of the streams of tasks, put in order: a gap in their numbers is waited for
 * CLEAT__STREAM_WAIT_MS, then what is there goes on without it. Numbers begin at 0, with each attempt
 * anew, and with a new 0.
 *
 * Hatchet's SDKs do not wait for an answer to a chunk before they report the task's end, which can overtake those
 * before it. So the stream of a task that such a worker had stays for CLEAT__STREAM_LATE_MS, and whoever looks at the
 * run is told of its end afterwards.
 */
#ifndef CLEAT_ENGINE_STREAMS_H
#define CLEAT_ENGINE_STREAMS_H

#include "base/map.h"
#include "base/uuid.h"
#include "engine/watch.h"

#define CLEAT__STREAM_WAIT_MS   INT64_C(5000)
#define CLEAT__STREAM_LATE_MS   INT64_C(200)
#define CLEAT__STREAM_HELD_MAX  1000                      /* chunks behind a gap, */
#define CLEAT__STREAM_BYTES_MAX ((size_t)4 * 1024 * 1024) /* and their bytes: more is not waited for */
/* The same of all streams; a chunk counts with what keeping it takes. */
#define CLEAT__STREAMS_BYTES_MAX ((size_t)32 * 1024 * 1024)

/* One that waits behind a gap. One block of memory: the bytes follow the struct. */
typedef struct cleat__chunk {
    struct cleat__chunk *next;
    int64_t index;
    int32_t retry_count;
    cleat_slice payload;
} cleat__chunk;

typedef struct cleat__stream {
    cleat__uuid task_id; /* the map's key */
    int64_t next_index;
    int32_t retry_count; /* of the attempt that is counted */
    cleat__chunk *held;  /* in order */
    size_t held_count, held_bytes;
    int64_t deadline_ms;                   /* monotonic; while it holds any */
    struct cleat__stream *next, *previous; /* among those that do, by deadline */
    /* When its task has ended: */
    bool is_late;
    int64_t late_until_ms; /* monotonic */
    int64_t tenant;
    cleat__happening of; /* what a chunk of it says, but for the chunk */
    cleat__happening end_of_task,
        end_of_run; /* with `hangup`: told behind it, to those who look at the one or the other */
    struct cleat__stream *next_late, *previous_late;     /* by time */
    struct cleat__stream *next_of_run, *previous_of_run; /* the same of those of one run */
} cleat__stream;

typedef struct cleat__streams {
    cleat__map by_task;
    cleat__stream *waiting_head, *waiting_tail;
    cleat__stream *late_head, *late_tail;
    cleat__map late_by_run; /* the last of each run */
    size_t held_bytes;      /* of all */
} cleat__streams;
void cleat__streams_deinit(cleat__streams *streams);

cleat__stream *cleat__streams_find(const cleat__streams *streams, const cleat__uuid *task_id);
/* Found, or made; NULL on no memory. The attempt is that of a new one. */
cleat__stream *cleat__streams_add(cleat__streams *streams, const cleat__uuid *task_id, int32_t retry_count);
void cleat__streams_remove(cleat__streams *streams, cleat__stream *stream);

/* Its task has ended; it is removed at `until_ms`, which is not before that of any other. `of` says whose it is.
 * CLEAT_NO_MEMORY: it is not late. */
cleat_status cleat__streams_keep_late(cleat__streams *streams, cleat__stream *stream, int64_t until_ms);
/* The late one that stays longest of a run's; NULL: there is none. */
cleat__stream *cleat__streams_last_late(const cleat__streams *streams, const cleat__uuid *run_id);
/* When there is something to do; INT64_MAX: never. */
int64_t cleat__streams_next_ms(const cleat__streams *streams);

/* Of another attempt, from its beginning; what is held of the one before must have been taken. */
void cleat__stream_begin(cleat__stream *stream, int32_t retry_count);
/* The chunk has its turn (then the next number is expected), or it comes too late to have one. */
bool cleat__stream_is_next(cleat__stream *stream, int64_t index);
/* Keeps a copy of the chunk for later. CLEAT_NO_MEMORY: it is lost. */
cleat_status cleat__stream_hold(cleat__streams *streams, cleat__stream *stream, const cleat__chunk *chunk,
                                int64_t now_ms);
bool cleat__stream_is_full(const cleat__stream *stream);
bool cleat__streams_are_full(const cleat__streams *streams); /* then some wait */
/* The first held chunk, if it has its turn or `at_any_rate`; to be freed. NULL: none. */
cleat__chunk *cleat__stream_take(cleat__streams *streams, cleat__stream *stream, bool at_any_rate,
                                 int64_t now_ms);

#endif
