#include "engine/topics.h"

#include "base/error.h"
#include "engine/catalog.h"
#include "engine/scope.h"
#include "model/event.h"
#include "model/event_pattern.h"

_Static_assert(CLEAT__EVENT_KEY_MAX <= CLEAT__ACTION_MAX, "fits into a cleat__scope");

static void free_topic(cleat__topic *topic)
{
    if (topic != NULL) {
        cleat__free(topic->workflows);
        cleat__free(topic->key);
        cleat__free(topic);
    }
}

static void free_patterns(cleat__topic_patterns *patterns)
{
    for (size_t i = 0; i < patterns->count; i++) {
        cleat__free((char *)(uintptr_t)patterns->items[i].pattern.data);
    }
    cleat__free(patterns->items);
    cleat__free(patterns);
}

void cleat__topics_deinit(cleat__topics *topics)
{
    size_t cursor = 0;
    cleat__topic *topic;
    while ((topic = cleat__map_next(&topics->by_key, &cursor)) != NULL) {
        free_topic(topic);
    }
    cleat__map_deinit(&topics->by_key);
    cleat__topic_patterns *patterns;
    cursor = 0;
    while ((patterns = cleat__map_next(&topics->patterns, &cursor)) != NULL) {
        free_patterns(patterns);
    }
    cleat__map_deinit(&topics->patterns);
}

static cleat__topic *find(const cleat__topics *topics, int64_t tenant, cleat_slice key)
{
    cleat__scope scope;
    return cleat__map_get(&topics->by_key, cleat__scope_key(&scope, tenant, key));
}

/* ---- Keys ---- */

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

/* The array, perhaps elsewhere, with room for one more item of `size` bytes; NULL: no memory, it is as it was. */
static void *make_room(void *items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity) {
        return items;
    }
    size_t more = *capacity != 0 ? *capacity * 2 : 2;
    void *made = cleat__realloc(items, more * size);
    *capacity = made != NULL ? more : *capacity;
    return made;
}

static bool topic_make_room(cleat__topic *topic)
{
    cleat__workflow_entry **workflows =
        make_room(topic->workflows, topic->count, &topic->capacity, sizeof(cleat__workflow_entry *));
    topic->workflows = workflows != NULL ? workflows : topic->workflows;
    return workflows != NULL;
}

/* By their rows, so that a restart changes nothing. */
static cleat_status add_key(cleat__topics *topics, cleat__workflow_entry *workflow, cleat_slice key)
{
    cleat__topic *topic = find_or_make(topics, workflow->tenant, key);
    if (topic == NULL || !topic_make_room(topic)) {
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

static void drop_key(cleat__topics *topics, const cleat__workflow_entry *workflow, cleat_slice key)
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

/* ---- Patterns ---- */

static cleat_slice tenant_key(const int64_t *tenant)
{
    return (cleat_slice){(const char *)tenant, sizeof(*tenant)};
}

/* Made when there are none; NULL on no memory. */
static cleat__topic_patterns *patterns_of(cleat__topics *topics, int64_t tenant)
{
    cleat__topic_patterns *patterns = cleat__map_get(&topics->patterns, tenant_key(&tenant));
    if (patterns != NULL) {
        return patterns;
    }
    patterns = cleat__calloc(1, sizeof(*patterns));
    if (patterns == NULL) {
        return NULL;
    }
    patterns->tenant = tenant;
    if (cleat__map_put(&topics->patterns, tenant_key(&patterns->tenant), patterns) != CLEAT_OK) {
        free_patterns(patterns);
        return NULL;
    }
    return patterns;
}

static cleat_status add_pattern(cleat__topics *topics, cleat__workflow_entry *workflow, cleat_slice pattern)
{
    cleat__topic_patterns *patterns = patterns_of(topics, workflow->tenant);
    cleat__topic_pattern *items =
        patterns == NULL ? NULL
                         : make_room(patterns->items, patterns->count, &patterns->capacity, sizeof(*items));
    char *copy = items != NULL ? cleat__slice_dup(pattern) : NULL;
    if (items != NULL) {
        patterns->items = items;
    }
    if (copy == NULL) {
        return cleat__fail_memory();
    }
    size_t at = patterns->count;
    while (at > 0 && patterns->items[at - 1].workflow->row > workflow->row) {
        at--;
    }
    memmove(&patterns->items[at + 1], &patterns->items[at],
            (patterns->count - at) * sizeof(cleat__topic_pattern));
    patterns->items[at] = (cleat__topic_pattern){workflow, {copy, pattern.size}};
    patterns->count++;
    return CLEAT_OK;
}

/* All of the workflow. */
static void drop_patterns(cleat__topics *topics, const cleat__workflow_entry *workflow)
{
    cleat__topic_patterns *patterns = cleat__map_get(&topics->patterns, tenant_key(&workflow->tenant));
    size_t kept = 0;
    for (size_t i = 0; patterns != NULL && i < patterns->count; i++) {
        if (patterns->items[i].workflow != workflow) {
            patterns->items[kept++] = patterns->items[i];
        } else {
            cleat__free((char *)(uintptr_t)patterns->items[i].pattern.data);
        }
    }
    if (patterns != NULL) {
        patterns->count = kept;
        if (kept == 0) {
            cleat__map_remove(&topics->patterns, tenant_key(&workflow->tenant));
            free_patterns(patterns);
        }
    }
}

cleat_status cleat__topics_change(cleat__topics *topics, cleat__workflow_entry *workflow,
                                  const cleat__names *former, const cleat__names *keys)
{
    bool had_patterns = false;
    for (size_t i = 0; former != NULL && i < former->count; i++) {
        bool is_exact = cleat__event_pattern_is_exact(former->items[i]);
        had_patterns = had_patterns || !is_exact;
        if (is_exact) {
            drop_key(topics, workflow, former->items[i]);
        }
    }
    if (had_patterns) {
        drop_patterns(topics, workflow);
    }
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; keys != NULL && i < keys->count && status == CLEAT_OK; i++) {
        status = cleat__event_pattern_is_exact(keys->items[i])
                     ? add_key(topics, workflow, keys->items[i])
                     : add_pattern(topics, workflow, keys->items[i]);
    }
    return status;
}

/* ---- What an event starts ---- */

void cleat__topic_match_deinit(cleat__topic_match *match)
{
    cleat__free(match->workflows);
    *match = (cleat__topic_match){NULL, 0, 0, 0};
}

/* In order, so that it is known at once whether it is there. */
static cleat_status match_add(cleat__topic_match *match, cleat__workflow_entry *workflow)
{
    if (match->count > 0 && match->workflows[match->count - 1] == workflow) {
        return CLEAT_OK;
    }
    cleat__workflow_entry **workflows =
        make_room(match->workflows, match->count, &match->capacity, sizeof(cleat__workflow_entry *));
    if (workflows == NULL) {
        return cleat__fail_memory();
    }
    match->workflows = workflows;
    match->workflows[match->count++] = workflow;
    return CLEAT_OK;
}

static cleat_status check_steps(const cleat__topic_match *match)
{
    return match->steps <= CLEAT__TOPIC_STEPS_MAX
               ? CLEAT_OK
               : cleat__fail(
                     CLEAT_TOO_LARGE,
                     "comparing the events with the patterns that workflows list takes too long: push "
                     "fewer with one call, or list patterns with fewer '*'");
}

cleat_status cleat__topics_find(const cleat__topics *topics, int64_t tenant, cleat_slice key,
                                cleat__topic_match *match)
{
    const cleat__topic *topic = find(topics, tenant, key);
    const cleat__topic_patterns *patterns = cleat__map_get(&topics->patterns, tenant_key(&tenant));
    size_t exact = 0, exact_count = topic != NULL ? topic->count : 0;
    size_t pattern_count = patterns != NULL ? patterns->count : 0;
    cleat_status status = CLEAT_OK;
    match->count = 0;
    for (size_t i = 0; i < pattern_count && status == CLEAT_OK; i++) {
        cleat__workflow_entry *workflow = patterns->items[i].workflow;
        while (exact < exact_count && topic->workflows[exact]->row <= workflow->row && status == CLEAT_OK) {
            status = match_add(match, topic->workflows[exact++]);
        }
        if (status == CLEAT_OK &&
            cleat__event_pattern_match(patterns->items[i].pattern, key, &match->steps)) {
            status = match_add(match, workflow);
        }
        status = status == CLEAT_OK ? check_steps(match) : status;
    }
    while (exact < exact_count && status == CLEAT_OK) {
        status = match_add(match, topic->workflows[exact++]);
    }
    return status;
}
