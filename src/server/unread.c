#include "unread.h"

#include "base/alloc.h"
#include "base/error.h"

#define UNREAD_MAX   ((size_t)64 * 1024 * 1024)
#define UNREAD_SHARE ((size_t)4 * 1024 * 1024) /* no more for each, when the server's account is short */

cleat__unread *cleat__unread_new(const ProtobufCMessage *message)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    cleat__unread *it = cleat__malloc(sizeof(*it) + size);
    if (it != NULL) {
        it->next = NULL;
        it->is_last = false;
        it->size = protobuf_c_message_pack(message, it->bytes);
    }
    return it;
}

void cleat__unread_append(cleat__unread_list *list, cleat__rpc_call *call, cleat__unread *it)
{
    *(list->last != NULL ? &list->last->next : &list->first) = it;
    list->last = it;
    list->size += sizeof(*it) + it->size;
    cleat__rpc_charge(call, sizeof(*it) + it->size);
}

static void drop_first(cleat__unread_list *list, cleat__rpc_call *call)
{
    cleat__unread *it = list->first;
    list->first = it->next;
    list->last = list->first != NULL ? list->last : NULL;
    list->size -= sizeof(*it) + it->size;
    cleat__rpc_discharge(call, sizeof(*it) + it->size);
    cleat__free(it);
}

void cleat__unread_drop_all(cleat__unread_list *list, cleat__rpc_call *call)
{
    while (list->first != NULL) {
        drop_first(list, call);
    }
}

cleat_status cleat__unread_send(cleat__unread_list *list, cleat__rpc_call *call)
{
    while (list->first != NULL) {
        cleat__unread *it = list->first;
        cleat_status status = cleat__rpc_send_bytes(call, (cleat_slice){(const char *)it->bytes, it->size});
        bool is_last = it->is_last;
        if (status != CLEAT_OK) { /* CLEAT_RESOURCE_EXHAUSTED: until all that was sent is taken */
            return status == CLEAT_RESOURCE_EXHAUSTED ? CLEAT_OK : status;
        }
        drop_first(list, call);
        if (is_last) {
            return CLEAT_EMPTY;
        }
    }
    return CLEAT_OK;
}

cleat_status cleat__unread_check(const cleat__unread_list *list, const cleat__rpc_call *call)
{
    bool is_too_much = list->size > UNREAD_MAX || (list->size > UNREAD_SHARE && cleat__rpc_is_short(call));
    return is_too_much ? cleat__fail(CLEAT_RESOURCE_EXHAUSTED,
                                     "the peer does not read: %zu bytes wait for it", list->size)
                       : CLEAT_OK;
}
