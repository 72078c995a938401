#include "outbox.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"

typedef cleat__notice_out notice;
typedef cleat__notice_out_list notice_list;

/* ---- Lists ---- */

notice *cleat__notice_out_new(const Cleat__AssignedAction *action, bool is_start, const cleat__uuid *task_id,
                              int32_t retry_count)
{
    size_t size = protobuf_c_message_get_packed_size(&action->base);
    notice *it = cleat__malloc(sizeof(*it));
    uint8_t *bytes = cleat__malloc(size);
    if (it == NULL || bytes == NULL) {
        cleat__free(it);
        cleat__free(bytes);
        return NULL;
    }
    (void)protobuf_c_message_pack(&action->base, bytes);
    *it = (notice){
        .bytes = bytes,
        .size = size,
        .is_start = is_start,
        .task_id = *task_id,
        .retry_count = retry_count,
    };
    return it;
}

bool cleat__notice_out_add(notice *it, const cleat__uuid *task_id, int32_t retry_count)
{
    notice *other = cleat__malloc(sizeof(*other));
    if (other == NULL) {
        return false;
    }
    *other = (notice){
        .next = it->beside, .is_start = it->is_start, .task_id = *task_id, .retry_count = retry_count};
    it->beside = other;
    return true;
}

static void notice_free(notice *it)
{
    while (it->beside != NULL) {
        notice *other = it->beside;
        it->beside = other->next;
        cleat__free(other);
    }
    cleat__free(it->bytes);
    cleat__free(it);
}

void cleat__notice_out_free(notice *it)
{
    if (it != NULL) {
        notice_free(it);
    }
}

static void append(notice_list *list, notice *it)
{
    it->next = NULL;
    if (list->last != NULL) {
        list->last->next = it;
    } else {
        list->first = it;
    }
    list->last = it;
}

/* NULL: there is none. */
static notice *take_first(notice_list *list)
{
    notice *first = list->first;
    if (first != NULL) {
        list->first = first->next;
        list->last = list->first != NULL ? list->last : NULL;
    }
    return first;
}

static void forget_all(notice_list *list)
{
    notice *it;
    while ((it = take_first(list)) != NULL) {
        notice_free(it);
    }
}

/* ---- Sending ---- */

/* Keeps a start that may have to be given to somebody else. */
static void remember(cleat__outbox *outbox, notice *it, uint64_t number)
{
    cleat__free(it->bytes);
    it->bytes = NULL;
    it->number = number;
    notice *beside = it->beside;
    it->beside = NULL;
    if (it->is_start) {
        append(&outbox->sent, it);
        while (beside != NULL) {
            notice *other = beside;
            beside = other->next;
            other->number = number;
            append(&outbox->sent, other);
        }
    } else {
        notice_free(it);
    }
}

static void forget_taken(cleat__outbox *outbox)
{
    uint64_t taken = cleat__rpc_taken_count(outbox->call);
    while (outbox->sent.first != NULL && outbox->sent.first->number <= taken) {
        notice_free(take_first(&outbox->sent));
    }
}

/* CLEAT_RESOURCE_EXHAUSTED: not now; else the notice is taken. */
static cleat_status send_one(cleat__outbox *outbox, notice *it)
{
    bool is_too_large = outbox->max_size != 0 && it->size > outbox->max_size;
    cleat_status status =
        is_too_large ? CLEAT_TOO_LARGE
                     : cleat__rpc_send_bytes(outbox->call, (cleat_slice){(const char *)it->bytes, it->size});
    if (status == CLEAT_OK) {
        remember(outbox, it, ++outbox->sent_count);
    } else if (status == CLEAT_TOO_LARGE) {
        for (const notice *one = it; it->is_start && one != NULL; one = one == it ? it->beside : one->next) {
            outbox->refuse(outbox->owner, one);
        }
        notice_free(it);
        status = CLEAT_OK;
    } else if (status != CLEAT_RESOURCE_EXHAUSTED) {
        remember(outbox, it, UINT64_MAX);
    }
    return status;
}

cleat_status cleat__outbox_send(cleat__outbox *outbox)
{
    cleat_status status = CLEAT_OK;
    while (!outbox->is_closed && outbox->waiting.first != NULL && status == CLEAT_OK) {
        notice *first = outbox->waiting.first, *next = first->next;
        size_t size = sizeof(*first) + first->size;
        status = send_one(outbox, first);
        if (status == CLEAT_RESOURCE_EXHAUSTED) { /* until all that was sent is taken */
            return CLEAT_OK;
        }
        outbox->waiting.first = next;
        outbox->waiting.last = next != NULL ? outbox->waiting.last : NULL;
        outbox->waiting_size -= size;
        cleat__rpc_discharge(outbox->call, size);
    }
    return status;
}

cleat_status cleat__outbox_put(cleat__outbox *outbox, notice *it)
{
    if (outbox->is_closed) {
        remember(outbox, it, UINT64_MAX);
        return CLEAT_OK;
    }
    append(&outbox->waiting, it);
    outbox->waiting_size += sizeof(*it) + it->size;
    cleat__rpc_charge(outbox->call, sizeof(*it) + it->size);
    cleat_status status = cleat__outbox_send(outbox);
    forget_taken(outbox);
    if (status == CLEAT_OK && outbox->waiting_size > CLEAT__OUTBOX_WAITING_MAX) {
        status = cleat__fail(CLEAT_RESOURCE_EXHAUSTED, "the worker does not read: %zu bytes wait for it",
                             outbox->waiting_size);
    }
    return status;
}

/* ---- The end ---- */

void cleat__outbox_close(cleat__outbox *outbox)
{
    notice *it;
    if (outbox->is_closed) {
        return;
    }
    forget_taken(outbox);
    outbox->is_closed = true;
    cleat__rpc_discharge(outbox->call, outbox->waiting_size);
    outbox->waiting_size = 0;
    while ((it = take_first(&outbox->waiting)) != NULL) {
        remember(outbox, it, UINT64_MAX);
    }
}

bool cleat__outbox_take_back(cleat__outbox *outbox, cleat__uuid *task_id, int32_t *retry_count)
{
    notice *first = take_first(&outbox->sent);
    if (first == NULL) {
        return false;
    }
    *task_id = first->task_id;
    *retry_count = first->retry_count;
    notice_free(first);
    return true;
}

void cleat__outbox_deinit(cleat__outbox *outbox)
{
    forget_all(&outbox->waiting);
    forget_all(&outbox->sent);
}
