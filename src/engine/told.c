#include "engine/told.h"

#include "base/alloc.h"

struct cleat__told_payload {
    size_t references;
    char bytes[];
};

struct cleat__told {
    cleat__told *next;
    cleat__watch *watch;
    cleat__happening happening;
    cleat__told_payload *payload; /* where the happening's is */
};

void cleat__told_init(cleat__told_queue *queue)
{
    *queue = (cleat__told_queue){.head = NULL};
    queue->end = &queue->head;
}

void cleat__told_payload_drop(cleat__told_payload *payload)
{
    if (payload != NULL && --payload->references == 0) {
        cleat__free(payload);
    }
}

static void free_told(cleat__told *told)
{
    cleat__told_payload_drop(told->payload);
    cleat__free(told);
}

void cleat__told_deinit(cleat__told_queue *queue)
{
    while (queue->head != NULL) {
        cleat__told *told = queue->head;
        queue->head = told->next;
        free_told(told);
    }
    cleat__told_init(queue);
}

/* NULL on no memory. */
static cleat__told_payload *copy_of(cleat_slice bytes)
{
    cleat__told_payload *payload = cleat__malloc(sizeof(*payload) + bytes.size);
    if (payload != NULL) {
        payload->references = 1;
        memcpy(payload->bytes, bytes.data, bytes.size);
    }
    return payload;
}

void cleat__told_add(cleat__told_queue *queue, cleat__watch *watch, const cleat__happening *happening,
                     cleat__told_payload **payload)
{
    if (watch->is_cut) {
        return;
    }
    bool has_payload = happening->payload.size != 0;
    if (has_payload && *payload == NULL) {
        *payload = copy_of(happening->payload);
    }
    cleat__told *told = !has_payload || *payload != NULL ? cleat__malloc(sizeof(*told)) : NULL;
    if (told == NULL) {
        cleat__told_cut(queue, watch);
        return;
    }
    *told = (cleat__told){.watch = watch, .happening = *happening};
    if (has_payload) {
        told->payload = *payload;
        told->payload->references++;
        told->happening.payload.data = told->payload->bytes;
    }
    *queue->end = told;
    queue->end = &told->next;
}

void cleat__told_cut(cleat__told_queue *queue, cleat__watch *watch)
{
    if (!watch->is_cut) {
        watch->is_cut = true;
        watch->next_cut = queue->cut;
        queue->cut = watch;
    }
}

void cleat__told_forget(cleat__told_queue *queue, cleat__watch *watch)
{
    cleat__told **link = &queue->head;
    while (*link != NULL) {
        cleat__told *told = *link;
        if (told->watch == watch) {
            *link = told->next;
            free_told(told);
        } else {
            link = &told->next;
        }
    }
    queue->end = link;
    cleat__watch **cut = &queue->cut;
    while (*cut != NULL && *cut != watch) {
        cut = &(*cut)->next_cut;
    }
    if (*cut != NULL) {
        *cut = watch->next_cut;
    }
}

void cleat__told_tell_lost(cleat__watch *watch, int64_t at_ms)
{
    const cleat__happening lost = {.run_id = watch->run_id,
                                   .task_id = watch->run_id,
                                   .kind = CLEAT__HAPPENING_LOST,
                                   .hangup = true,
                                   .event_index = -1,
                                   .at_ms = at_ms};
    watch->tell(watch->self, &lost);
}

void cleat__told_release(cleat__told_queue *queue, int64_t at_ms)
{
    cleat__told *told = queue->head;
    queue->head = NULL;
    queue->end = &queue->head;
    while (told != NULL) {
        cleat__told *next = told->next;
        told->watch->tell(told->watch->self, &told->happening);
        free_told(told);
        told = next;
    }
    while (queue->cut != NULL) {
        cleat__watch *watch = queue->cut;
        queue->cut = watch->next_cut;
        cleat__told_tell_lost(watch, at_ms);
    }
}
