#include "engine/pending.h"

#include "base/error.h"
#include "engine/durable.h"
#include "engine/scope.h"
#include "model/event.h"

#include <stdlib.h>

_Static_assert(CLEAT__EVENT_KEY_MAX <= CLEAT__ACTION_MAX, "fits into a cleat__scope");

static cleat__pending_condition *condition_of(const cleat__heap_node *node)
{
    return CLEAT__CONTAINER(node, cleat__pending_condition, as.sleep.timer);
}

static bool is_earlier(const cleat__heap_node *a, const cleat__heap_node *b)
{
    return condition_of(a)->as.sleep.at_ms < condition_of(b)->as.sleep.at_ms;
}

void cleat__pendings_init(cleat__pendings *all)
{
    *all = (cleat__pendings){0};
    cleat__heap_init(&all->sleeps, is_earlier);
}

static void free_topic(cleat__pending_topic *topic)
{
    cleat__free(topic->key);
    cleat__free(topic);
}

void cleat__pendings_deinit(cleat__pendings *all)
{
    size_t cursor = 0;
    cleat__pending_topic *topic;
    while ((topic = cleat__map_next(&all->topics, &cursor)) != NULL) {
        free_topic(topic);
    }
    cleat__map_deinit(&all->topics);
    cleat__map_deinit(&all->children);
    cleat__heap_deinit(&all->sleeps);
}

/* ---- Of a run ---- */

cleat__pending *cleat__pending_new(cleat__durable *durable, cleat__node node, size_t count)
{
    cleat__pending *pending = cleat__calloc(1, sizeof(*pending) + count * sizeof(pending->conditions[0]));
    if (pending == NULL) {
        return NULL;
    }
    pending->durable = durable;
    pending->branch = (int32_t)node.branch;
    pending->number = (int32_t)node.number;
    pending->count = (uint8_t)count;
    for (size_t i = 0; i < count; i++) {
        pending->conditions[i].number = (uint8_t)i;
    }
    pending->previous = durable->last;
    if (durable->last != NULL) {
        durable->last->next = pending;
    } else {
        durable->first = pending;
    }
    durable->last = pending;
    return pending;
}

void cleat__pending_free(cleat__pendings *all, cleat__pending *pending)
{
    cleat__durable *durable = pending->durable;
    for (size_t i = 0; i < pending->count; i++) {
        cleat__pending_unlink(all, &pending->conditions[i]);
    }
    if (durable->cursor == pending) {
        durable->cursor = pending->next;
    }
    if (pending->previous != NULL) {
        pending->previous->next = pending->next;
    } else {
        durable->first = pending->next;
    }
    if (pending->next != NULL) {
        pending->next->previous = pending->previous;
    } else {
        durable->last = pending->previous;
    }
    cleat__free(pending);
}

cleat__pending *cleat__pending_find(cleat__durable *durable, cleat__node node)
{
    cleat__pending *start = durable->cursor != NULL ? durable->cursor : durable->first;
    cleat__pending *at = start;
    while (at != NULL) {
        cleat__pending *next = at->next != NULL ? at->next : durable->first;
        if (at->number == node.number && at->branch == node.branch) {
            durable->cursor = next;
            return at;
        }
        at = next != start ? next : NULL;
    }
    return NULL;
}

static int compare_nodes(const void *a, const void *b)
{
    const cleat__node *x = a, *y = b;
    if (x->branch != y->branch) {
        return x->branch < y->branch ? -1 : 1;
    }
    return (x->number > y->number) - (x->number < y->number);
}

size_t cleat__nodes_sort(cleat__node *nodes, size_t count)
{
    size_t kept = 0;
    qsort(nodes, count, sizeof(*nodes), compare_nodes);
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || compare_nodes(&nodes[kept - 1], &nodes[i]) != 0) {
            nodes[kept++] = nodes[i];
        }
    }
    return kept;
}

void cleat__pendings_await(cleat__durable *durable, const cleat__node *nodes, size_t count)
{
    for (cleat__pending *pending = durable->first; pending != NULL && count != 0; pending = pending->next) {
        cleat__node node = cleat__pending_node(pending);
        if (!pending->is_awaited && bsearch(&node, nodes, count, sizeof(node), compare_nodes) != NULL) {
            pending->is_awaited = true;
            durable->awaited++;
        }
    }
}

uint32_t cleat__pendings_kinds(const cleat__durable *durable, bool is_any)
{
    uint32_t kinds = 0;
    for (const cleat__pending *pending = durable->first; pending != NULL; pending = pending->next) {
        for (size_t i = 0; (is_any || pending->is_awaited) && i < pending->count; i++) {
            kinds |= pending->conditions[i].is_linked ? UINT32_C(1) << pending->conditions[i].kind : 0;
        }
    }
    return kinds;
}

cleat__node cleat__pending_node(const cleat__pending *pending)
{
    return (cleat__node){pending->branch, pending->number};
}

cleat__pending *cleat__pending_of(cleat__pending_condition *condition)
{
    return CLEAT__CONTAINER(condition - condition->number, cleat__pending, conditions);
}

/* ---- Where they are met ---- */

static cleat_slice id_key(const cleat__uuid *id)
{
    return (cleat_slice){(const char *)id->bytes, sizeof(id->bytes)};
}

static cleat_status link_child(cleat__pendings *all, cleat__pending_condition *condition,
                               const cleat__uuid *id)
{
    cleat__pending_condition *first = cleat__map_get(&all->children, id_key(id));
    condition->as.child.id = *id;
    condition->as.child.next = NULL;
    if (first == NULL) {
        return cleat__map_put(&all->children, id_key(&condition->as.child.id), condition);
    }
    while (first->as.child.next != NULL) {
        first = first->as.child.next;
    }
    first->as.child.next = condition;
    return CLEAT_OK;
}

static void unlink_child(cleat__pendings *all, cleat__pending_condition *condition)
{
    cleat_slice key = id_key(&condition->as.child.id);
    cleat__pending_condition *at = cleat__map_get(&all->children, key);
    if (at != condition) {
        while (at->as.child.next != condition) {
            at = at->as.child.next;
        }
        at->as.child.next = condition->as.child.next;
        return;
    }
    /* The key is in the entry that goes; putting again what was just removed takes no memory. */
    cleat__map_remove(&all->children, key);
    cleat__pending_condition *next = condition->as.child.next;
    if (next != NULL) {
        cleat_status status = cleat__map_put(&all->children, id_key(&next->as.child.id), next);
        (void)status;
    }
}

cleat__pending_topic *cleat__pendings_topic(const cleat__pendings *all, int64_t tenant, cleat_slice key)
{
    cleat__scope scope;
    return cleat__map_get(&all->topics, cleat__scope_key(&scope, tenant, key));
}

static cleat__pending_topic *find_or_make_topic(cleat__pendings *all, int64_t tenant, cleat_slice key)
{
    cleat__pending_topic *topic = cleat__pendings_topic(all, tenant, key);
    if (topic != NULL) {
        return topic;
    }
    topic = cleat__calloc(1, sizeof(*topic));
    if (topic == NULL) {
        return NULL;
    }
    topic->key = cleat__scope_new(tenant, key, &topic->name);
    if (topic->key == NULL ||
        cleat__map_put(&all->topics, cleat__scope_kept(topic->name), topic) != CLEAT_OK) {
        free_topic(topic);
        return NULL;
    }
    return topic;
}

static cleat_status link_event(cleat__pendings *all, int64_t tenant, cleat__pending_condition *condition,
                               cleat_slice key)
{
    cleat__pending_topic *topic = find_or_make_topic(all, tenant, key);
    if (topic == NULL) {
        return cleat__fail_memory();
    }
    condition->as.event.topic = topic;
    condition->as.event.next = NULL;
    condition->as.event.previous = topic->tail;
    if (topic->tail != NULL) {
        topic->tail->as.event.next = condition;
    } else {
        topic->head = condition;
    }
    topic->tail = condition;
    return CLEAT_OK;
}

static void drop_empty(cleat__pendings *all, cleat__pending_topic *topic)
{
    if (topic->head == NULL && !topic->is_visited) {
        cleat__map_remove(&all->topics, cleat__scope_kept(topic->name));
        free_topic(topic);
    }
}

static void unlink_event(cleat__pendings *all, cleat__pending_condition *condition)
{
    cleat__pending_topic *topic = condition->as.event.topic;
    cleat__pending_condition *next = condition->as.event.next, *previous = condition->as.event.previous;
    if (topic->cursor == condition) {
        topic->cursor = next;
    }
    *(previous != NULL ? &previous->as.event.next : &topic->head) = next;
    *(next != NULL ? &next->as.event.previous : &topic->tail) = previous;
    drop_empty(all, topic);
}

void cleat__pending_topic_begin(cleat__pending_topic *topic)
{
    topic->is_visited = true;
    topic->cursor = topic->head;
}

cleat__pending_condition *cleat__pending_topic_next(cleat__pendings *all, cleat__pending_topic *topic)
{
    cleat__pending_condition *condition = topic->cursor;
    if (condition != NULL) {
        topic->cursor = condition->as.event.next;
    } else {
        topic->is_visited = false;
        drop_empty(all, topic);
    }
    return condition;
}

cleat_status cleat__pending_link(cleat__pendings *all, int64_t tenant, cleat__pending_condition *condition,
                                 const cleat__condition_row *row)
{
    cleat_status status = CLEAT_OK;
    condition->kind = (uint8_t)row->kind;
    condition->group = (uint8_t)row->group;
    switch (row->kind) {
    case CLEAT__PENDING_SLEEP:
        condition->as.sleep.timer = (cleat__heap_node){0};
        condition->as.sleep.at_ms = row->at_ms;
        status = cleat__heap_push(&all->sleeps, &condition->as.sleep.timer);
        break;
    case CLEAT__PENDING_EVENT: status = link_event(all, tenant, condition, row->key); break;
    case CLEAT__PENDING_HOOK: break;
    case CLEAT__PENDING_CHILD: status = link_child(all, condition, &row->child_id); break;
    }
    condition->is_linked = status == CLEAT_OK;
    return status;
}

void cleat__pending_unlink(cleat__pendings *all, cleat__pending_condition *condition)
{
    if (!condition->is_linked) {
        return;
    }
    condition->is_linked = false;
    switch ((cleat__pending_kind)condition->kind) {
    case CLEAT__PENDING_SLEEP: cleat__heap_remove(&all->sleeps, &condition->as.sleep.timer); break;
    case CLEAT__PENDING_EVENT: unlink_event(all, condition); break;
    case CLEAT__PENDING_HOOK: break;
    case CLEAT__PENDING_CHILD: unlink_child(all, condition); break;
    }
}

bool cleat__pending_meet_group(cleat__pendings *all, cleat__pending *pending, uint8_t group)
{
    bool is_met = true;
    for (size_t i = 0; i < pending->count; i++) {
        cleat__pending_condition *condition = &pending->conditions[i];
        if (condition->group == group) {
            cleat__pending_unlink(all, condition);
        }
        is_met = is_met && !condition->is_linked;
    }
    return is_met;
}

cleat__pending_condition *cleat__pendings_first_sleep(const cleat__pendings *all)
{
    cleat__heap_node *node = cleat__heap_peek(&all->sleeps);
    return node != NULL ? condition_of(node) : NULL;
}

cleat__pending_condition *cleat__pendings_of_child(const cleat__pendings *all, const cleat__uuid *run_id)
{
    return all->children.count != 0 ? cleat__map_get(&all->children, id_key(run_id)) : NULL;
}
