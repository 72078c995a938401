#include "engine/run.h"

#include "base/alloc.h"
#include "engine/dag.h"

void cleat__run_chain_append(cleat__run_chain *list, cleat__run *run)
{
    run->next = NULL;
    run->previous = list->tail;
    if (list->tail != NULL) {
        list->tail->next = run;
    } else {
        list->head = run;
    }
    list->tail = run;
}

void cleat__run_chain_remove(cleat__run_chain *list, cleat__run *run)
{
    if (run->previous != NULL) {
        run->previous->next = run->next;
    } else {
        list->head = run->next;
    }
    if (run->next != NULL) {
        run->next->previous = run->previous;
    } else {
        list->tail = run->previous;
    }
    run->next = run->previous = NULL;
}

static cleat__run *run_of(const cleat__heap_node *node)
{
    return CLEAT__CONTAINER(node, cleat__run, timer);
}

static bool is_earlier(const cleat__heap_node *a, const cleat__heap_node *b)
{
    return run_of(a)->deadline_ms < run_of(b)->deadline_ms;
}

void cleat__runs_init(cleat__runs *runs)
{
    *runs = (cleat__runs){0};
    cleat__heap_init(&runs->timers, is_earlier);
}

/* What a durable one waits for goes with everything else. */
static void free_run(cleat__run *run)
{
    bool may_wait = cleat__run_is_durable(run) || cleat__run_is_dag(run);
    cleat__pending *pending = may_wait ? cleat__durable_of(run)->first : NULL;
    while (pending != NULL) {
        cleat__pending *next = pending->next;
        cleat__free(pending);
        pending = next;
    }
    cleat__free(run);
}

void cleat__runs_deinit(cleat__runs *runs)
{
    cleat__heap_deinit(&runs->timers);
    size_t cursor = 0;
    cleat__run *run;
    while ((run = cleat__map_next(&runs->by_id, &cursor)) != NULL) {
        free_run(run);
    }
    cleat__map_deinit(&runs->by_id);
}

static cleat_slice key_of(const cleat__uuid *id)
{
    return (cleat_slice){(const char *)id->bytes, sizeof(id->bytes)};
}

cleat__run *cleat__runs_new(cleat__runs *runs, const cleat__uuid *id, struct cleat__task_type *type)
{
    _Static_assert(offsetof(cleat__durable, run) == 0, "the one begins with the other");
    _Static_assert(offsetof(cleat__batched, run) == 0, "as well");
    size_t size = cleat__run_size(type);
    if (type->plan != NULL) {
        size = cleat__dag_size(type);
    } else if (type->dag != NULL) {
        size += sizeof(cleat__dag *);
    }
    cleat__run *run = cleat__calloc(1, size);
    if (run == NULL) {
        return NULL;
    }
    run->id = *id;
    run->type = type;
    run->lane = &type->lane;
    /* A timer is set when something has been written, so there is room for it from now on. */
    if (cleat__heap_reserve(&runs->timers, runs->by_id.count + 1) != CLEAT_OK ||
        cleat__map_put(&runs->by_id, key_of(&run->id), run) != CLEAT_OK) {
        cleat__free(run);
        return NULL;
    }
    if (type->plan != NULL) {
        cleat__dag_init(cleat__dag_of_run(run));
    }
    return run;
}

cleat__run *cleat__runs_find(const cleat__runs *runs, const cleat__uuid *id)
{
    return cleat__map_get(&runs->by_id, key_of(id));
}

void cleat__runs_free(cleat__runs *runs, cleat__run *run)
{
    cleat__runs_clear_timer(runs, run);
    cleat__map_remove(&runs->by_id, key_of(&run->id));
    cleat__free(run);
}

cleat_status cleat__runs_set_timer(cleat__runs *runs, cleat__run *run, int64_t deadline_ms)
{
    cleat__runs_clear_timer(runs, run);
    run->deadline_ms = deadline_ms;
    return deadline_ms != INT64_MAX ? cleat__heap_push(&runs->timers, &run->timer) : CLEAT_OK;
}

void cleat__runs_clear_timer(cleat__runs *runs, cleat__run *run)
{
    cleat__heap_remove(&runs->timers, &run->timer);
}

cleat__run *cleat__runs_first_timer(const cleat__runs *runs)
{
    cleat__heap_node *node = cleat__heap_peek(&runs->timers);
    return node != NULL ? run_of(node) : NULL;
}
