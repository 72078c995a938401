/*
 * A hash map from byte keys to pointers. Keys are borrowed: they live in the value they lead to.
 * Open addressing with linear probing; at most 3/4 full. Not thread-safe.
 */
#ifndef CLEAT_BASE_MAP_H
#define CLEAT_BASE_MAP_H

#include <cleat/status.h>

typedef struct cleat__map_entry {
    const char *key; /* NULL: free */
    uint32_t key_size;
    uint32_t hash;
    void *value;
} cleat__map_entry;

typedef struct cleat__map {
    cleat__map_entry *entries; /* NULL until the first put; capacity is a power of two */
    size_t capacity;
    size_t count;
} cleat__map;

void cleat__map_deinit(cleat__map *map);
void *cleat__map_get(const cleat__map *map, cleat_slice key); /* NULL: not there */
/* Puts or replaces; CLEAT_NO_MEMORY leaves the map as it was. `value` is not NULL. */
cleat_status cleat__map_put(cleat__map *map, cleat_slice key, void *value);
void *cleat__map_remove(cleat__map *map, cleat_slice key); /* the value, or NULL */
/* Visits every value once: `*cursor` starts at 0; NULL at the end. Do not change the map meanwhile. */
void *cleat__map_next(const cleat__map *map, size_t *cursor);

#endif
