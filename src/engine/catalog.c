#include "engine/catalog.h"

#include "base/error.h"
#include "engine/scope.h"

static void free_type(cleat__task_type *type)
{
    if (type != NULL) {
        cleat__needs_free(type->needs);
        cleat__free((char *)type->task_name.data);
        cleat__free(type);
    }
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
    cursor = 0;
    cleat__workflow_entry *entry;
    while ((entry = cleat__map_next(&catalog->workflows, &cursor)) != NULL) {
        cleat__free(entry->key);
        cleat__free(entry);
    }
    cleat__map_deinit(&catalog->workflows);
}

cleat__workflow_entry *cleat__catalog_find(const cleat__catalog *catalog, int64_t tenant, cleat_slice name)
{
    cleat__scope scope;
    return cleat__map_get(&catalog->workflows, cleat__scope_key(&scope, tenant, name));
}

cleat__task_type *cleat__catalog_find_type(const cleat__catalog *catalog, int64_t id)
{
    return cleat__map_get(&catalog->types, (cleat_slice){(const char *)&id, sizeof(id)});
}

/* The entry of the row's workflow, made when there is none; NULL on no memory. */
static cleat__workflow_entry *add_workflow(cleat__catalog *catalog, const cleat__type_row *row)
{
    cleat__workflow_entry *entry = cleat__catalog_find(catalog, row->tenant, row->workflow);
    if (entry != NULL) {
        return entry;
    }
    entry = cleat__calloc(1, sizeof(*entry));
    if (entry == NULL) {
        return NULL;
    }
    *entry = (cleat__workflow_entry){.row = row->workflow_row, .tenant = row->tenant, .id = row->workflow_id};
    entry->key = cleat__scope_new(row->tenant, row->workflow, &entry->name);
    if (entry->key == NULL ||
        cleat__map_put(&catalog->workflows, cleat__scope_kept(entry->name), entry) != CLEAT_OK) {
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
    if (status != CLEAT_OK) {
        free_type(type);
        return status;
    }
    *out = type;
    return CLEAT_OK;
}

cleat_status cleat__catalog_add(cleat__catalog *catalog, cleat__queues *queues, const cleat__type_row *row)
{
    cleat__task_type *type = NULL;
    cleat_status status = new_type(row, &type);
    if (status != CLEAT_OK) {
        return status;
    }
    type->workflow = add_workflow(catalog, row);
    type->queue = cleat__queues_add(queues, row->tenant, row->action);
    cleat_slice key = {(const char *)&type->id, sizeof(type->id)};
    if (type->workflow == NULL || type->queue == NULL ||
        cleat__map_put(&catalog->types, key, type) != CLEAT_OK) {
        free_type(type);
        return cleat__fail_memory();
    }
    type->queue->type_count++;
    const cleat__task_type *former = type->workflow->latest;
    type->workflow->latest = type;
    return cleat__topics_change(&catalog->topics, type->workflow,
                                former != NULL ? former->needs->events : NULL, type->needs->events);
}
