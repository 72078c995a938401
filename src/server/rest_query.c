#include "rest_query.h"

#include "base/alloc.h"
#include "base/error.h"

void cleat__rest_ids_deinit(cleat__rest_ids *ids)
{
    cleat__free(ids->items);
    *ids = (cleat__rest_ids){0};
}

cleat_status cleat__rest_ids_add(cleat__rest_ids *ids, const cleat__uuid *id)
{
    if (ids->count == ids->capacity) {
        size_t capacity = ids->capacity != 0 ? 2 * ids->capacity : 16;
        cleat__uuid *items = cleat__realloc(ids->items, capacity * sizeof(*items));
        if (items == NULL) {
            return cleat__fail_memory();
        }
        ids->items = items;
        ids->capacity = capacity;
    }
    ids->items[ids->count++] = *id;
    return CLEAT_OK;
}

bool cleat__rest_ids_have(const cleat__rest_ids *ids, const cleat__uuid *id)
{
    for (size_t i = 0; i < ids->count; i++) {
        if (cleat__uuid_equals(&ids->items[i], id)) {
            return true;
        }
    }
    return ids->count == 0;
}
