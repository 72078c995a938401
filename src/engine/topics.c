#include "engine/topics.h"

#include "base/error.h"
#include "engine/catalog.h"
#include "engine/scope.h"
#include "model/event.h"

_Static_assert(CLEAT__EVENT_KEY_MAX <= CLEAT__ACTION_MAX, "fits into a cleat__scope");

static void free_topic(cleat__topic *topic)
{
    if (topic != NULL) {
        cleat__free(topic->workflows);
        cleat__free(topic->key);
        cleat__free(topic);
    }
}

void cleat__topics_deinit(cleat__topics *topics)
{
    size_t cursor = 0;
    cleat__topic *topic;
    while ((topic = cleat__map_next(&topics->by_key, &cursor)) != NULL) {
        free_topic(topic);
    }
    cleat__map_deinit(&topics->by_key);
}

static cleat__topic *find(const cleat__topics *topics, int64_t tenant, cleat_slice key)
{
    cleat__scope scope;
    return cleat__map_get(&topics->by_key, cleat__scope_key(&scope, tenant, key));
}

const cleat__topic *cleat__topics_find(const cleat__topics *topics, int64_t tenant, cleat_slice key)
{
    return find(topics, tenant, key);
}

/* The topic, made when there is none; NULL on no memory. */
static cleat__topic *find_or_make(cleat__topics *topics, int64_t tenant, cleat_slice key)
{
    cleat__topic *topic = find(topics, tenant, key);
    if (topic != NULL) {
        return topic;
    }
    topic = cleat__calloc(1, sizeof(*topic));
    if (topic == NULL) {
        return NULL;
    }
    topic->key = cleat__scope_new(tenant, key, &topic->name);
    if (topic->key == NULL ||
        cleat__map_put(&topics->by_key, cleat__scope_kept(topic->name), topic) != CLEAT_OK) {
        free_topic(topic);
        return NULL;
    }
    return topic;
}

static bool make_room(cleat__topic *topic)
{
    if (topic->count < topic->capacity) {
        return true;
    }
    size_t capacity = topic->capacity != 0 ? topic->capacity * 2 : 2;
    cleat__workflow_entry **workflows =
        cleat__realloc(topic->workflows, capacity * sizeof(cleat__workflow_entry *));
    if (workflows == NULL) {
        return false;
    }
    topic->workflows = workflows;
    topic->capacity = capacity;
    return true;
}

/* By their rows, so that a restart changes nothing. */
static cleat_status add(cleat__topics *topics, cleat__workflow_entry *workflow, cleat_slice key)
{
    cleat__topic *topic = find_or_make(topics, workflow->tenant, key);
    if (topic == NULL || !make_room(topic)) {
        return cleat__fail_memory();
    }
    size_t at = topic->count;
    while (at > 0 && topic->workflows[at - 1]->row > workflow->row) {
        at--;
    }
    if (at > 0 && topic->workflows[at - 1] == workflow) {
        return CLEAT_OK; /* a key that is listed twice */
    }
    memmove(&topic->workflows[at + 1], &topic->workflows[at],
            (topic->count - at) * sizeof(cleat__workflow_entry *));
    topic->workflows[at] = workflow;
    topic->count++;
    return CLEAT_OK;
}

static void drop(cleat__topics *topics, const cleat__workflow_entry *workflow, cleat_slice key)
{
    cleat__topic *topic = find(topics, workflow->tenant, key);
    size_t at = 0;
    while (topic != NULL && at < topic->count && topic->workflows[at] != workflow) {
        at++;
    }
    if (topic == NULL || at == topic->count) {
        return;
    }
    topic->count--;
    memmove(&topic->workflows[at], &topic->workflows[at + 1],
            (topic->count - at) * sizeof(cleat__workflow_entry *));
    if (topic->count == 0) {
        cleat__map_remove(&topics->by_key, cleat__scope_kept(topic->name));
        free_topic(topic);
    }
}

cleat_status cleat__topics_change(cleat__topics *topics, cleat__workflow_entry *workflow,
                                  const cleat__names *former, const cleat__names *keys)
{
    for (size_t i = 0; former != NULL && i < former->count; i++) {
        drop(topics, workflow, former->items[i]);
    }
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; keys != NULL && i < keys->count && status == CLEAT_OK; i++) {
        status = add(topics, workflow, keys->items[i]);
    }
    return status;
}
