#include "engine/catalog.h"

#include "base/error.h"
#include "engine/scope.h"
#include "model/derived_id.h"

static void free_type(cleat__task_type *type)
{
    if (type != NULL) {
        if (type->takings != NULL) {
            cleat__takings_free(type->takings, type->needs->rate_limits->count);
        }
        cleat__plan_free(type->plan);
        cleat__needs_free(type->needs);
        cleat__free((char *)type->task_name.data);
        cleat__free(type->rules);
        cleat__free(type);
    }
}

static void free_workflows(cleat__map *map)
{
    size_t cursor = 0;
    cleat__workflow_entry *entry;
    while ((entry = cleat__map_next(map, &cursor)) != NULL) {
        cleat__free(entry->key);
        cleat__free(entry);
    }
    cleat__map_deinit(map);
}

void cleat__catalog_deinit(cleat__catalog *catalog)
{
    cleat__topics_deinit(&catalog->topics);
    size_t cursor = 0;
    cleat__task_type *type;
    while ((type = cleat__map_next(&catalog->types, &cursor)) != NULL) {
        free_type(type);
    }
    cleat__map_deinit(&catalog->types);
    cleat__rules_deinit(&catalog->rules);
    free_workflows(&catalog->workflows);
    free_workflows(&catalog->deleted);
}

cleat__workflow_entry *cleat__catalog_find(const cleat__catalog *catalog, int64_t tenant, cleat_slice name)
{
    cleat__scope scope;
    return cleat__map_get(&catalog->workflows, cleat__scope_key(&scope, tenant, name));
}

static bool is_served(const cleat__task_type *type, cleat_slice action)
{
    size_t count = type->plan != NULL ? type->plan->task_count : 1;
    for (size_t i = 0; i < count; i++) {
        const cleat__task_type *task = type->plan != NULL ? type->plan->tasks[i].type : type;
        if (task->queue->worker_count != 0 && cleat_slice_equals(task->queue->action, action)) {
            return true;
        }
    }
    return false;
}

cleat_status cleat__catalog_check_actions(const cleat__catalog *catalog, int64_t tenant,
                                          const cleat__workflow *workflow)
{
    size_t cursor = 0;
    const cleat__workflow_entry *other;
    while ((other = cleat__map_next(&catalog->workflows, &cursor)) != NULL) {
        bool is_other = other->tenant == tenant && !cleat_slice_equals(other->name, workflow->name);
        for (size_t i = 0; i < workflow->task_count && is_other; i++) {
            char buffer[CLEAT__ACTION_MAX];
            const cleat__workflow_task *task = &workflow->tasks[i];
            if (is_served(other->latest, cleat__lower_case(task->action, buffer))) {
                return cleat__fail(
                    CLEAT_FAILED_PRECONDITION,
                    "task \"%.*s\" has the action \"%.*s\", which is that of the workflow \"%.*s\" of "
                    "another "
                    "worker: they would mistake each other's runs; give one of them another name",
                    CLEAT_SLICE_ARGS(task->name), CLEAT_SLICE_ARGS(task->action),
                    CLEAT_SLICE_ARGS(other->name));
            }
        }
    }
    return CLEAT_OK;
}

cleat_status cleat__catalog_find_id(const cleat__catalog *catalog, int64_t tenant, const cleat__uuid *id,
                                    cleat__workflow_entry **out)
{
    size_t cursor = 0;
    while ((*out = cleat__map_next(&catalog->workflows, &cursor)) != NULL) {
        if ((*out)->tenant == tenant && cleat__uuid_equals(&(*out)->id, id)) {
            return CLEAT_OK;
        }
    }
    char text[37];
    cleat__uuid_format(id, text);
    return cleat__fail(CLEAT_NOT_FOUND, "there is no workflow %s", text);
}

cleat__task_type *cleat__catalog_find_type(const cleat__catalog *catalog, int64_t id)
{
    return cleat__map_get(&catalog->types, (cleat_slice){(const char *)&id, sizeof(id)});
}

static cleat_slice id_key(const cleat__uuid *id)
{
    return (cleat_slice){(const char *)id->bytes, sizeof(id->bytes)};
}

static cleat_status put_entry(cleat__catalog *catalog, cleat__workflow_entry *entry, bool is_deleted)
{
    return is_deleted ? cleat__map_put(&catalog->deleted, id_key(&entry->id), entry)
                      : cleat__map_put(&catalog->workflows, cleat__scope_kept(entry->name), entry);
}

/* The entry of the row's workflow, made when there is none; NULL on no memory. */
static cleat__workflow_entry *add_workflow(cleat__catalog *catalog, const cleat__type_row *row)
{
    cleat__workflow_entry *entry = row->is_deleted
                                       ? cleat__map_get(&catalog->deleted, id_key(&row->workflow_id))
                                       : cleat__catalog_find(catalog, row->tenant, row->workflow);
    if (entry != NULL) {
        return entry;
    }
    entry = cleat__calloc(1, sizeof(*entry));
    if (entry == NULL) {
        return NULL;
    }
    *entry = (cleat__workflow_entry){
        .row = row->workflow_row, .tenant = row->tenant, .id = row->workflow_id, .pause = row->pause};
    entry->key = cleat__scope_new(row->tenant, row->workflow, &entry->name);
    if (entry->key == NULL || put_entry(catalog, entry, row->is_deleted) != CLEAT_OK) {
        cleat__free(entry->key);
        cleat__free(entry);
        return NULL;
    }
    return entry;
}

static cleat_status new_type(const cleat__type_row *row, cleat__task_type **out)
{
    cleat__task_type *type = cleat__calloc(1, sizeof(*type));
    char *name = cleat__slice_dup(row->task_name);
    if (type == NULL || name == NULL) {
        cleat__free(name);
        cleat__free(type);
        return cleat__fail_memory();
    }
    type->id = row->id;
    type->version_id = row->version_id;
    type->policy = row->policy;
    type->task_name = (cleat_slice){name, row->task_name.size};
    type->lane.type = type;
    cleat_status status = cleat__needs_decode(row->declaration, &type->needs);
    if (status == CLEAT_OK && type->needs->rate_limits != NULL) {
        status = cleat__takings_new(type->needs->rate_limits, &type->takings);
    }
    if (status == CLEAT_OK && type->needs->is_dag) {
        status = cleat__plan_new(row->declaration, &type->plan);
    }
    if (status != CLEAT_OK) {
        free_type(type);
        return status;
    }
    *out = type;
    return CLEAT_OK;
}

/* Of a type that has its workflow. */
static cleat_status add_rules(cleat__catalog *catalog, cleat__task_type *type)
{
    const cleat__concurrency_list *declared = type->needs->concurrency;
    if (declared == NULL) {
        return CLEAT_OK;
    }
    bool whole = type->plan != NULL; /* which may have the name of one of its tasks */
    type->rules = cleat__calloc(declared->count, sizeof(cleat__rule *));
    cleat_status status = type->rules != NULL ? CLEAT_OK : cleat__fail_memory();
    for (size_t i = 0; i < declared->count && status == CLEAT_OK; i++) {
        const cleat__rule_place place = {type->workflow->tenant, type->workflow->row,
                                         whole ? cleat_slice_of("") : type->task_name, i};
        status = cleat__rules_put(&catalog->rules, &place, &declared->items[i], &type->rules[i]);
        type->rule_count += status == CLEAT_OK;
    }
    return status;
}

/* A task of a version that is there: it finds its place in the plan. */
static cleat_status join_plan(const cleat__catalog *catalog, const cleat__type_row *row,
                              cleat__task_type *type)
{
    cleat__task_type *dag = cleat__catalog_find_type(catalog, row->dag_type);
    cleat__plan *plan = dag != NULL ? dag->plan : NULL;
    size_t step = plan != NULL ? cleat__plan_find(plan, row->task_name) : 0;
    if (plan == NULL || step == plan->task_count || plan->tasks[step].type != NULL || type->plan != NULL) {
        return cleat__fail(CLEAT_CORRUPT,
                           "a task of a workflow in the database makes no sense; restore a copy");
    }
    type->dag = dag;
    type->step = step;
    plan->tasks[step].type = type;
    return cleat__derived_step_id(&type->version_id, (uint32_t)step, &type->step_id) ? CLEAT_OK
                                                                                     : cleat__fail_memory();
}

cleat_status cleat__catalog_add(cleat__catalog *catalog, cleat__queues *queues, const cleat__type_row *row)
{
    cleat__task_type *type = NULL;
    cleat_status status = new_type(row, &type);
    if (status != CLEAT_OK) {
        return status;
    }
    type->workflow = add_workflow(catalog, row);
    type->step_id = row->workflow_id; /* of a workflow of one task */
    type->queue = type->plan == NULL ? cleat__queues_add(queues, row->tenant, row->action) : NULL;
    cleat_slice key = {(const char *)&type->id, sizeof(type->id)};
    if (type->workflow == NULL || (type->queue == NULL && type->plan == NULL) ||
        cleat__map_put(&catalog->types, key, type) != CLEAT_OK) {
        free_type(type);
        return cleat__fail_memory();
    }
    if (type->queue != NULL) {
        type->queue->type_count++;
    }
    catalog->idempotent_count += type->needs->idempotency != NULL;
    status = add_rules(catalog, type);
    if (status != CLEAT_OK) {
        return status;
    }
    if (row->dag_type != 0) {
        return join_plan(catalog, row, type);
    }
    const cleat__task_type *former = type->workflow->latest;
    type->workflow->latest = type;
    if (row->is_deleted) {
        return CLEAT_OK;
    }
    return cleat__topics_change(&catalog->topics, type->workflow,
                                former != NULL ? former->needs->events : NULL, type->needs->events);
}

cleat_status cleat__catalog_remove(cleat__catalog *catalog, cleat__workflow_entry *workflow)
{
    cleat_status status = put_entry(catalog, workflow, true);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__map_remove(&catalog->workflows, cleat__scope_kept(workflow->name));
    return cleat__topics_change(&catalog->topics, workflow, workflow->latest->needs->events, NULL);
}
