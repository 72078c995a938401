#include "engine/durable_pace.h"

#include "engine/core_parts.h"

void cleat__pace_leave(cleat__conversation *conversation)
{
    cleat__conversation_list *list = conversation->late;
    cleat__conversation *next = conversation->next_late, *previous = conversation->previous_late;
    if (list == NULL) {
        return;
    }
    *(previous != NULL ? &previous->next_late : &list->head) = next;
    *(next != NULL ? &next->previous_late : &list->tail) = previous;
    conversation->late = NULL;
}

/* Who is there already keeps its turn. */
static void join(cleat__conversation_list *list, cleat__conversation *conversation)
{
    if (conversation->late == list) {
        return;
    }
    cleat__pace_leave(conversation);
    conversation->late = list;
    conversation->next_late = NULL;
    conversation->previous_late = list->tail;
    *(list->tail != NULL ? &list->tail->next_late : &list->head) = conversation;
    list->tail = conversation;
}

static bool is_spent(const cleat__durable_told *told)
{
    return told->bytes >= CLEAT__TOLD_BYTES_MAX || told->count >= CLEAT__TOLD_MAX;
}

bool cleat__pace_admit(cleat__durable_told *told, cleat__conversation *conversation)
{
    const cleat__durable_listener *listener = conversation->listener;
    if (is_spent(told)) {
        join(&told->behind, conversation);
        return false;
    }
    if (listener->has_room != NULL && !listener->has_room(listener->self)) {
        join(&told->parked, conversation);
        return false;
    }
    return true;
}

cleat__lateness cleat__pace_look(cleat__core *core, int64_t tenant, const cleat__uuid *run_id,
                                 const cleat__durable_listener *listener)
{
    cleat__run *run = cleat__core_find_run(core, tenant, run_id);
    const cleat__conversation *conversation =
        run != NULL && cleat__run_is_durable(run) ? cleat__durable_of(run)->listened : NULL;
    if (conversation == NULL || conversation->listener != listener || conversation->late == NULL) {
        return CLEAT__LATE_NOT;
    }
    return conversation->late == &core->durables.told.parked ? CLEAT__LATE_PARKED : CLEAT__LATE_BEHIND;
}

void cleat__pace_serve(cleat__core *core)
{
    cleat__durable_told *told = &core->durables.told;
    cleat_status status = CLEAT_OK;
    while (status == CLEAT_OK && told->behind.head != NULL && !is_spent(told)) {
        cleat__conversation *conversation = told->behind.head;
        cleat__pace_leave(conversation);
        status = cleat__durable_look(core, conversation->durable);
    }
    core->has_more = status == CLEAT_OK && (core->has_more || told->behind.head != NULL);
}

cleat_status cleat__durable_go_on(cleat__core *core, cleat__command *command)
{
    cleat__durable_told *told = &core->durables.told;
    cleat__conversation *conversation = told->parked.head;
    while (conversation != NULL) {
        cleat__conversation *next = conversation->next_late;
        if (conversation->listener == command->as.durable_listener) {
            join(&told->behind, conversation);
        }
        conversation = next;
    }
    return CLEAT_OK;
}
