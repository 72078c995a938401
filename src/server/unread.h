/*
 * Messages of a stream that do not fit into its call's queue: they wait behind that, in their order, and count on
 * the server's account. A peer that reads too slowly for them is too slow. Guarded by its owner.
 */
#ifndef CLEAT_SERVER_UNREAD_H
#define CLEAT_SERVER_UNREAD_H

#include "rpc.h"

typedef struct cleat__unread {
    struct cleat__unread *next;
    bool is_last; /* nothing comes behind it */
    size_t size;
    uint8_t bytes[];
} cleat__unread;

typedef struct cleat__unread_list {
    cleat__unread *first, *last;
    size_t size;
} cleat__unread_list;

/* NULL on no memory. */
cleat__unread *cleat__unread_new(const ProtobufCMessage *message);
void cleat__unread_append(cleat__unread_list *list, cleat__rpc_call *call, cleat__unread *it); /* takes it */
void cleat__unread_drop_all(cleat__unread_list *list, cleat__rpc_call *call);
/* Sends what fits. CLEAT_EMPTY: the last there will be was sent. */
cleat_status cleat__unread_send(cleat__unread_list *list, cleat__rpc_call *call);
/* More waits than may. A failure of sending then, with a sentence. */
cleat_status cleat__unread_check(const cleat__unread_list *list, const cleat__rpc_call *call);

#endif
