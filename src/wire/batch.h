/*
 * What a worker is sent of several runs at a time: START_BATCH and the cleat__assignments in it.
 *
 * The protocol's own form is an object of envelopes by the ids of the runs, which says nothing else of them (worker.md 9).
 * Workers of Cleat are sent each run as it is when it is alone: with its metadata, and so its trace, and its attempt.
 */
#ifndef CLEAT_WIRE_BATCH_H
#define CLEAT_WIRE_BATCH_H

#include "model/json_members.h"
#include "wire/assignment.h"

/* ---- Writing ---- */

typedef struct cleat__batch_writer {
    Cleat__AssignedAction *message;
    cleat__buffer payload;
    size_t room; /* for members, of which there are no more */
    bool is_own; /* Cleat's form */
    bool failed;
} cleat__batch_writer;

/* Of `count` runs, which are then added, `first` among them. */
void cleat__batch_write_begin(cleat__batch_writer *writer, const cleat__assignment *first,
                              const cleat__action_details *details, size_t count, bool is_own);
void cleat__batch_write_add(cleat__batch_writer *writer, const cleat__assignment *assignment,
                            const cleat__action_details *details);
/* NULL on no memory, at whatever time. Free with cleat__message_free(). */
Cleat__AssignedAction *cleat__batch_write_end(cleat__batch_writer *writer);

/* ---- Reading ---- */

typedef struct cleat__batch_reader {
    const Cleat__AssignedAction *message; /* borrowed */
    int64_t now_ms;
    cleat__json_cursor cursor;
    size_t next;
    cleat__uuid batch_id; /* of the first, where the message has no UUID */
} cleat__batch_reader;

/* One of its runs. */
typedef struct cleat__batch_item {
    bool is_known; /* task_id and retry_count are */
    cleat__uuid task_id;
    int32_t retry_count;           /* CLEAT__RETRY_CURRENT: it is not told */
    cleat_status status;           /* of the reading, as cleat__assignment_read() has it */
    cleat__assignment *assignment; /* to be freed; NULL: it could not be read */
} cleat__batch_item;

/* CLEAT_INVALID_ARGUMENT, CLEAT_NO_MEMORY: nothing can be read of it. */
cleat_status cleat__batch_read_begin(cleat__batch_reader *reader, const Cleat__AssignedAction *message,
                                     int64_t now_ms);
/* Whether the message is in Cleat's form. */
bool cleat__batch_read_is_own(const Cleat__AssignedAction *message);
/* False at the end. Those of a batch have one batch_id. */
bool cleat__batch_read_next(cleat__batch_reader *reader, cleat__batch_item *out);

#endif
