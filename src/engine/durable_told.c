#include "engine/durable_told.h"

#include "base/alloc.h"
#include "base/error.h"
#include "engine/durable_log.h"
#include "engine/durable_pace.h"
#include "engine/life.h"

/* A node that was met waits so long for the invocation to come to it. */
#define HELD_MAX_MS INT64_C(60000)

struct cleat__durable_telling {
    cleat__durable_telling *next;
    const cleat__durable_listener *listener;
    cleat__uuid run_id;
    int32_t invocation_count;
    bool is_end;        /* the invocation is over; else `end` */
    const char *reason; /* for that; NULL: it has ended itself */
    cleat__node_end end;
};

static void free_telling(cleat__durable_telling *telling)
{
    cleat__node_end_deinit(&telling->end);
    cleat__free(telling);
}

void cleat__durable_told_init(cleat__durable_told *told)
{
    *told = (cleat__durable_told){.head = NULL};
    told->end = &told->head;
}

void cleat__durable_told_deinit(cleat__durable_told *told)
{
    while (told->head != NULL) {
        cleat__durable_telling *telling = told->head;
        told->head = telling->next;
        free_telling(telling);
    }
    while (told->conversations != NULL) {
        cleat__durable_unlisten(told, told->conversations->durable);
    }
    cleat__durable_told_init(told);
}

static void append(cleat__durable_told *told, cleat__durable_telling *telling)
{
    telling->next = NULL;
    *told->end = telling;
    told->end = &telling->next;
}

void cleat__durable_told_release(cleat__durable_told *told)
{
    cleat__durable_telling *telling = told->head;
    told->count = told->bytes = 0;
    told->head = NULL;
    told->end = &told->head;
    while (telling != NULL) {
        cleat__durable_telling *next = telling->next;
        const cleat__durable_listener *listener = telling->listener;
        if (telling->is_end && telling->reason == NULL) {
            listener->ended(listener->self, &telling->run_id);
        } else if (telling->is_end) {
            listener->evicted(listener->self, &telling->run_id, telling->invocation_count, telling->reason);
        } else {
            listener->completed(listener->self, &telling->run_id, telling->invocation_count, &telling->end);
        }
        free_telling(telling);
        telling = next;
    }
}

/* Lost for want of memory, which the worker finds out when it says what it waits for. */
void cleat__durable_tell_evicted(cleat__durable_told *told, const cleat__durable_listener *listener,
                                 const cleat__uuid *run_id, int32_t invocation_count, const char *reason)
{
    bool is_wanted = reason != NULL || listener->ended != NULL;
    cleat__durable_telling *telling = is_wanted ? cleat__calloc(1, sizeof(*telling)) : NULL;
    if (telling != NULL) {
        telling->listener = listener;
        telling->run_id = *run_id;
        telling->invocation_count = invocation_count;
        telling->is_end = true;
        telling->reason = reason;
        append(told, telling);
    }
}

/* ---- Conversations ---- */

void cleat__durable_unlisten(cleat__durable_told *told, cleat__durable *durable)
{
    cleat__conversation *conversation = durable->listened;
    if (conversation == NULL) {
        return;
    }
    *(conversation->previous != NULL ? &conversation->previous->next : &told->conversations) =
        conversation->next;
    if (conversation->next != NULL) {
        conversation->next->previous = conversation->previous;
    }
    durable->listened = NULL;
    cleat__pace_leave(conversation);
    cleat__free(conversation->met);
    cleat__free(conversation);
}

static cleat_status add_met(cleat__conversation *conversation, cleat__node node, int64_t order)
{
    if (conversation->count == conversation->capacity) {
        size_t capacity = conversation->capacity != 0 ? conversation->capacity * 2 : 8;
        cleat__met_node *met = cleat__realloc(conversation->met, capacity * sizeof(*met));
        if (met == NULL) {
            return cleat__fail_memory();
        }
        conversation->met = met;
        conversation->capacity = capacity;
    }
    conversation->met[conversation->count++] = (cleat__met_node){node, order, false};
    return CLEAT_OK;
}

typedef struct collecting {
    cleat__core *core;
    cleat__durable *durable;
} collecting;

/* Of the nodes that the newest branch sees. */
static cleat_status collect(void *argument, cleat__node node, int64_t order)
{
    const collecting *state = argument;
    int64_t branch = state->durable->branch;
    cleat_status status =
        cleat__durable_resolve(state->core->store, &state->durable->run.id, branch, node.number, &branch);
    return status == CLEAT_OK && branch == node.branch ? add_met(state->durable->listened, node, order)
                                                       : status;
}

static cleat_status begin(cleat__core *core, cleat__durable *durable)
{
    cleat__durable_told *told = &core->durables.told;
    cleat__conversation *conversation = cleat__calloc(1, sizeof(*conversation));
    if (conversation == NULL) {
        return cleat__fail_memory();
    }
    conversation->durable = durable;
    conversation->next = told->conversations;
    if (told->conversations != NULL) {
        told->conversations->previous = conversation;
    }
    told->conversations = conversation;
    durable->listened = conversation;
    collecting state = {core, durable};
    cleat_status status = cleat__entry_list_met(core->store, &durable->run.id, collect, &state);
    if (status != CLEAT_OK) {
        cleat__durable_unlisten(told, durable);
    }
    return cleat__core_check_alone(core, status);
}

/* Where the invocation is under way, or was before the engine was started again: whatever it has asked for it may
 * have got, or not. */
static void take_over(cleat__durable *durable)
{
    cleat__conversation *conversation = durable->listened;
    bool is_unknown = durable->node < 0;
    for (size_t i = 0; i < conversation->count; i++) {
        cleat__met_node *met = &conversation->met[i];
        met->is_told = met->is_told || is_unknown || met->node.number <= durable->node;
        conversation->unheard += met->is_told;
    }
}

void cleat__durable_come_to(cleat__durable *durable, int64_t number)
{
    cleat__conversation *conversation = durable->listened;
    for (size_t i = 0; conversation != NULL && i < conversation->count; i++) {
        cleat__met_node *met = &conversation->met[i];
        if (met->is_told && met->node.number >= number) {
            met->is_told = false;
            conversation->told = i < conversation->told ? i : conversation->told;
        }
    }
}

cleat_status cleat__durable_listen(cleat__core *core, cleat__durable *durable,
                                   const cleat__durable_listener *listener)
{
    cleat_status status = durable->listened == NULL ? begin(core, durable) : CLEAT_OK;
    if (status == CLEAT_OK && durable->listened->listener != listener) {
        durable->listened->listener = listener;
        take_over(durable);
    }
    return status;
}

cleat_status cleat__durable_tell(cleat__core *core, cleat__durable *durable, cleat__node node)
{
    cleat__entry_row entry;
    cleat__durable_telling *telling = cleat__calloc(1, sizeof(*telling));
    cleat_status status =
        telling != NULL ? cleat__log_get(core, durable, node, &entry) : cleat__fail_memory();
    if (status == CLEAT_OK) {
        status = cleat__node_end_read(&entry, &telling->end);
    }
    if (status != CLEAT_OK) {
        if (telling != NULL) {
            free_telling(telling);
        }
        return status;
    }
    telling->listener = durable->listened->listener;
    telling->run_id = durable->run.id;
    telling->invocation_count = durable->invocation_count;
    append(&core->durables.told, telling);
    core->durables.told.count++;
    core->durables.told.bytes += entry.payload.size + entry.error.size;
    durable->listened->unheard++;
    return CLEAT_OK;
}

/* Each one's time is its own: a replay may come from one to the next for as long as it likes. */
static void note_held(cleat__conversation *conversation, int64_t now_ms)
{
    const cleat__met_node *next =
        conversation->told < conversation->count ? &conversation->met[conversation->told] : NULL;
    int64_t held = next != NULL && next->node.number > conversation->asked ? next->order : 0;
    if (held != conversation->held) {
        conversation->held = held;
        conversation->held_since_ms = now_ms;
    }
}

cleat_status cleat__durable_look(cleat__core *core, cleat__durable *durable)
{
    cleat__conversation *conversation = durable->listened;
    cleat_status status = CLEAT_OK;
    if (conversation == NULL) {
        return CLEAT_OK;
    }
    conversation->asked = durable->node > conversation->asked ? durable->node : conversation->asked;
    while (status == CLEAT_OK && conversation->told < conversation->count) {
        cleat__met_node *met = &conversation->met[conversation->told];
        if (!met->is_told && (met->node.number > conversation->asked ||
                              !cleat__pace_admit(&core->durables.told, conversation))) {
            break;
        }
        status = met->is_told ? CLEAT_OK : cleat__durable_tell(core, durable, met->node);
        met->is_told = status == CLEAT_OK;
        conversation->told += met->is_told;
    }
    note_held(conversation, core->now.monotonic_ms);
    return status == CLEAT_NO_MEMORY ? CLEAT_OK : status; /* it is told when the worker says that it waits */
}

cleat_status cleat__durable_note_met(cleat__core *core, cleat__durable *durable, cleat__node node,
                                     int64_t order)
{
    if (durable->listened == NULL) {
        return CLEAT_OK;
    }
    if (node.branch == CLEAT__BRANCH_OF_SIGNALS) { /* it stands outside the log, and its order */
        cleat_status told = cleat__durable_tell(core, durable, node);
        return told == CLEAT_NO_MEMORY ? CLEAT_OK : told;
    }
    cleat__conversation *conversation = durable->listened;
    cleat_status status = cleat__core_check(core, add_met(conversation, node, order));
    if (status == CLEAT_OK && durable->node < 0 && node.number > conversation->asked) {
        /* It does not wait for that, as far as is known: nothing is to be held up. */
        conversation->met[conversation->count - 1].is_told = true;
        conversation->unheard++;
    }
    return status == CLEAT_OK ? cleat__durable_look(core, durable) : status;
}

bool cleat__durable_is_unheard(const cleat__durable *durable)
{
    const cleat__conversation *conversation = durable->listened;
    return conversation != NULL && (conversation->unheard != 0 || conversation->told < conversation->count);
}

/* ---- What a worker waits for ---- */

static cleat__durable *find_present(cleat__core *core, int64_t tenant, const cleat__durable_waiting *item)
{
    cleat__run *run = cleat__core_find_run(core, tenant, &item->run_id);
    if (run == NULL || !cleat__run_is_durable(run) || run->state != CLEAT_RUN_RUNNING) {
        return NULL;
    }
    cleat__durable *durable = cleat__durable_of(run);
    bool is_present =
        cleat__durable_know(core, durable) == CLEAT_OK && durable->invocation_count == item->invocation_count;
    return is_present ? durable : NULL;
}

static cleat_status hear(cleat__core *core, const cleat__command *command, size_t at)
{
    const cleat__durable_waiting *item = &command->as.durable_status.items[at];
    const cleat__durable_listener *listener = command->as.durable_status.listener;
    cleat__durable *durable = find_present(core, command->tenant, item);
    cleat_status status = cleat__core_failure(core);
    if (status != CLEAT_OK) {
        return status;
    }
    if (durable == NULL) {
        cleat__durable_tell_evicted(&core->durables.told, listener, &item->run_id, item->invocation_count,
                                    "another invocation is the present one, or the run has ended");
        return CLEAT_OK;
    }
    status = cleat__durable_listen(core, durable, listener);
    if (status == CLEAT_OK) {
        durable->listened->unheard = 0; /* what it has not got it waits for */
        int64_t *asked = &durable->listened->asked;
        *asked = item->node.number > *asked ? item->node.number : *asked;
        status = cleat__life_begin(core, &durable->run);
    }
    return status;
}

/* NULL: none of these. */
static cleat__met_node *find_met(cleat__conversation *conversation, int64_t order)
{
    size_t from = 0, to = conversation->count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (conversation->met[middle].order < order) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    bool is_there = from < conversation->count && conversation->met[from].order == order;
    return is_there ? &conversation->met[from] : NULL;
}

/* Whatever it waits for and was told before is to be told again, in the same order. */
static cleat_status recall(cleat__core *core, const cleat__command *command, size_t at)
{
    const cleat__durable_waiting *item = &command->as.durable_status.items[at];
    cleat__durable *durable = find_present(core, command->tenant, item);
    cleat__entry_row entry;
    if (durable == NULL || durable->listened == NULL) {
        return cleat__core_failure(core);
    }
    cleat_status status = cleat__core_begin(core);
    if (status != CLEAT_OK) {
        return status;
    }
    status = cleat__entry_look(core->store, &durable->run.id, item->node, &entry);
    cleat__met_node *met =
        status == CLEAT_OK && entry.met_order != 0 ? find_met(durable->listened, entry.met_order) : NULL;
    if (met != NULL) {
        size_t index = (size_t)(met - durable->listened->met);
        met->is_told = false;
        durable->listened->told = index < durable->listened->told ? index : durable->listened->told;
    }
    return status == CLEAT_EMPTY ? CLEAT_OK : cleat__core_check(core, status);
}

static cleat_status answer(cleat__core *core, const cleat__command *command, size_t at)
{
    const cleat__durable_waiting *item = &command->as.durable_status.items[at];
    cleat__durable *durable = find_present(core, command->tenant, item);
    if (durable == NULL || durable->listened == NULL) {
        return cleat__core_failure(core);
    }
    cleat_status status = cleat__durable_look(core, durable);
    const cleat__conversation *conversation = durable->listened;
    bool is_stuck = status == CLEAT_OK && conversation->held != 0 &&
                    core->now.monotonic_ms - conversation->held_since_ms > HELD_MAX_MS;
    if (!is_stuck) {
        return status;
    }
    return cleat__durable_restart(core, durable, "it has not come to what happened first for too long");
}

cleat_status cleat__durable_tell_status(cleat__core *core, cleat__command *command)
{
    cleat_status status = CLEAT_OK;
    if (command->as.durable_status.count > CLEAT__WAITING_MAX) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT,
                           "a worker says that it waits for %zu nodes; no more than %d are looked at",
                           command->as.durable_status.count, CLEAT__WAITING_MAX);
    }
    for (size_t i = 0; i < command->as.durable_status.count && status == CLEAT_OK; i++) {
        status = hear(core, command, i);
    }
    for (size_t i = 0; i < command->as.durable_status.count && status == CLEAT_OK; i++) {
        status = recall(core, command, i);
    }
    for (size_t i = 0; i < command->as.durable_status.count && status == CLEAT_OK; i++) {
        status = answer(core, command, i);
    }
    const cleat__uuid *run_id = command->as.durable_status.run_id;
    command->as.durable_status.late =
        run_id != NULL ? cleat__pace_look(core, command->tenant, run_id, command->as.durable_status.listener)
                       : CLEAT__LATE_NOT;
    return status;
}

cleat_status cleat__durable_detach(cleat__core *core, cleat__command *command)
{
    const cleat__durable_listener *listener = command->as.durable_listener;
    cleat__durable_told *told = &core->durables.told;
    cleat__conversation *conversation = told->conversations;
    while (conversation != NULL) {
        cleat__conversation *next = conversation->next;
        if (conversation->listener == listener) {
            cleat__durable_unlisten(told, conversation->durable);
        }
        conversation = next;
    }
    cleat__durable_telling **link = &told->head;
    while (*link != NULL) {
        cleat__durable_telling *telling = *link;
        if (telling->listener == listener) {
            *link = telling->next;
            free_telling(telling);
        } else {
            link = &telling->next;
        }
    }
    told->end = link;
    return CLEAT_OK;
}
