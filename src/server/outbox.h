/*
 * What a worker is told on its stream, in order: what does not fit into the stream's queue waits until
 * the transport has taken what was sent, and what was sent is remembered until then, so that it
 * can be given to somebody else when the stream ends. Its owner's mutex guards it.
 */
#ifndef CLEAT_SERVER_OUTBOX_H
#define CLEAT_SERVER_OUTBOX_H

#include "base/uuid.h"
#include "rpc.h"
#include "wire/dispatcher.pb-c.h"

#define CLEAT__OUTBOX_WAITING_MAX ((size_t)64 * 1024 * 1024)

/* What is told about an attempt, or about several. */
typedef struct cleat__notice_out {
    struct cleat__notice_out *next;
    struct cleat__notice_out
        *beside;     /* owned; the other attempts of the same message, a list without bytes */
    uint8_t *bytes;  /* of the message, which is half of what it takes unpacked; owned; NULL: it was sent */
    size_t size;     /* of the bytes */
    uint64_t number; /* of the message, the first is 1 */
    bool is_start;   /* else a cancellation, which is not remembered */
    cleat__uuid task_id;
    int32_t retry_count;
} cleat__notice_out;

typedef struct cleat__notice_out_list {
    cleat__notice_out *first, *last;
} cleat__notice_out_list;

typedef struct cleat__outbox {
    cleat__rpc_call *call; /* until it is closed */
    size_t max_size;       /* of a message, for this worker; 0: as for all */
    /* A start that is larger than a message may be: it cannot be told. Once for each attempt. */
    void (*refuse)(void *owner, const cleat__notice_out *notice);
    void *owner;
    bool is_closed;
    cleat__notice_out_list waiting; /* not yet sent */
    size_t waiting_size;
    cleat__notice_out_list sent; /* starts that the transport may not have taken */
    uint64_t sent_count;
} cleat__outbox;

/* NULL on no memory. */
cleat__notice_out *cleat__notice_out_new(const Cleat__AssignedAction *action, bool is_start,
                                         const cleat__uuid *task_id, int32_t retry_count);
/* The message is of this attempt, too. False on no memory. */
bool cleat__notice_out_add(cleat__notice_out *notice, const cleat__uuid *task_id, int32_t retry_count);
void cleat__notice_out_free(cleat__notice_out *notice); /* that was not put; NULL-safe */

/*
 * Takes the notice on every path, and sends what fits. A failure ends the stream:
 * CLEAT_RESOURCE_EXHAUSTED when more than CLEAT__OUTBOX_WAITING_MAX bytes wait, else the call's. In a closed
 * one a start is only remembered.
 */
cleat_status cleat__outbox_put(cleat__outbox *outbox, cleat__notice_out *notice);
/* Sends what fits, when there is room again. */
cleat_status cleat__outbox_send(cleat__outbox *outbox);

/* Before the call is ended. */
void cleat__outbox_close(cleat__outbox *outbox);
/* Of a closed one: the next start that may not have arrived. False: there is none. */
bool cleat__outbox_take_back(cleat__outbox *outbox, cleat__uuid *task_id, int32_t *retry_count);
void cleat__outbox_deinit(cleat__outbox *outbox);

#endif
