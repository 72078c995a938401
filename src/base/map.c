/*
 * Linear probing without tombstones: removing shifts later entries of the run back, so lookups stay
 * short however much is put and removed. The hash has no random seed, so that a simulation visits
 * entries in the same order each time; so do not key a map by names that a hostile peer may choose
 * by the thousand.
 */
#include "base/map.h"

#include "base/alloc.h"
#include "base/error.h"

enum { SMALLEST_CAPACITY = 8 };

static uint64_t mix(uint64_t value)
{
    value ^= value >> 32;
    value *= UINT64_C(0xD6E8FEB86659FD93);
    value ^= value >> 32;
    return value;
}

static uint32_t hash_of(cleat_slice key)
{
    uint64_t hash = key.size * UINT64_C(0x9E3779B97F4A7C15);
    const char *at = key.data;
    size_t left = key.size;
    uint64_t word;
    for (; left >= sizeof(word); left -= sizeof(word), at += sizeof(word)) {
        memcpy(&word, at, sizeof(word));
        hash = mix(hash ^ word);
    }
    if (left != 0) {
        word = 0;
        memcpy(&word, at, left);
        hash = mix(hash ^ word);
    }
    return (uint32_t)mix(hash);
}

void cleat__map_deinit(cleat__map *map)
{
    cleat__free(map->entries);
    *map = (cleat__map){0};
}

/* The entry of `key`, or the free one where it would go. The map has entries. */
static cleat__map_entry *find(const cleat__map *map, cleat_slice key, uint32_t hash)
{
    size_t mask = map->capacity - 1;
    for (size_t i = hash & mask;; i = (i + 1) & mask) {
        cleat__map_entry *entry = &map->entries[i];
        if (entry->key == NULL) {
            return entry;
        }
        if (entry->hash == hash && entry->key_size == key.size &&
            memcmp(entry->key, key.data, key.size) == 0) {
            return entry;
        }
    }
}

/* NULL stands for a free entry, so an absent key is the empty one. */
static cleat_slice present(cleat_slice key)
{
    return key.data != NULL ? key : (cleat_slice){"", 0};
}

void *cleat__map_get(const cleat__map *map, cleat_slice key)
{
    if (map->count == 0) {
        return NULL;
    }
    key = present(key);
    const cleat__map_entry *entry = find(map, key, hash_of(key));
    return entry->key != NULL ? entry->value : NULL;
}

static cleat_status grow(cleat__map *map)
{
    cleat__map larger = {NULL, map->capacity != 0 ? map->capacity * 2 : SMALLEST_CAPACITY, map->count};
    larger.entries = cleat__calloc(larger.capacity, sizeof(cleat__map_entry));
    if (larger.entries == NULL) {
        return cleat__fail_memory();
    }
    for (size_t i = 0; i < map->capacity; i++) {
        const cleat__map_entry *entry = &map->entries[i];
        if (entry->key != NULL) {
            *find(&larger, (cleat_slice){entry->key, entry->key_size}, entry->hash) = *entry;
        }
    }
    cleat__free(map->entries);
    *map = larger;
    return CLEAT_OK;
}

cleat_status cleat__map_put(cleat__map *map, cleat_slice key, void *value)
{
    if (key.size > UINT32_MAX) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "a map key of %zu bytes is too long", key.size);
    }
    key = present(key);
    uint32_t hash = hash_of(key);
    cleat__map_entry *entry = map->capacity != 0 ? find(map, key, hash) : NULL;
    if (entry == NULL || entry->key == NULL) {
        if ((map->count + 1) * 4 > map->capacity * 3) {
            cleat_status status = grow(map);
            if (status != CLEAT_OK) {
                return status;
            }
            entry = find(map, key, hash);
        }
        map->count++;
    }
    /* The key too when it replaces: the old one lives in the value that goes. */
    *entry = (cleat__map_entry){key.data, (uint32_t)key.size, hash, value};
    return CLEAT_OK;
}

void *cleat__map_remove(cleat__map *map, cleat_slice key)
{
    if (map->count == 0) {
        return NULL;
    }
    key = present(key);
    cleat__map_entry *entry = find(map, key, hash_of(key));
    if (entry->key == NULL) {
        return NULL;
    }
    void *value = entry->value;
    size_t mask = map->capacity - 1;
    size_t hole = (size_t)(entry - map->entries);
    for (size_t i = (hole + 1) & mask; map->entries[i].key != NULL; i = (i + 1) & mask) {
        size_t home = map->entries[i].hash & mask;
        /* It may move into the hole unless its home lies behind the hole. */
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            map->entries[hole] = map->entries[i];
            hole = i;
        }
    }
    map->entries[hole] = (cleat__map_entry){0};
    map->count--;
    return value;
}

void *cleat__map_next(const cleat__map *map, size_t *cursor)
{
    while (*cursor < map->capacity) {
        const cleat__map_entry *entry = &map->entries[(*cursor)++];
        if (entry->key != NULL) {
            return entry->value;
        }
    }
    return NULL;
}
