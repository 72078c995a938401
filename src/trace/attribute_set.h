/*
 * Attributes in wire form: a run of `KeyValue` fields as they stand in the finished record, with
 * the place of each, so that setting a key again overwrites it. Not thread-safe.
 */
#ifndef CLEAT_TRACE_ATTRIBUTE_SET_H
#define CLEAT_TRACE_ATTRIBUTE_SET_H

#include <cleat/trace.h>

typedef struct cleat__attribute_slot {
    uint32_t offset;
    uint32_t size; /* tag and length included */
    uint32_t hash;
} cleat__attribute_slot;

typedef struct cleat__attribute_set {
    uint8_t *data;
    cleat__attribute_slot *slots;
    uint32_t size, capacity;
    uint32_t count, slot_capacity;
    uint32_t dropped;  /* beyond the limit */
    uint16_t repaired; /* strings that were no UTF-8; stays at its largest */
    uint8_t field;     /* number of the KeyValue field in the message around it */
    bool data_on_heap : 1, slots_on_heap : 1;
} cleat__attribute_set;

typedef struct cleat__attribute_limits {
    uint32_t count;
    uint32_t value_length; /* bytes; CLEAT__NO_LIMIT */
} cleat__attribute_limits;

/* `set` is zero. The storage given here (may be none) is used until it is too small. */
void cleat__attribute_set_init(cleat__attribute_set *set, uint8_t field, void *data, uint32_t capacity,
                               cleat__attribute_slot *slots, uint32_t slot_capacity);
void cleat__attribute_set_deinit(cleat__attribute_set *set);

/* Keeps the memory. */
static inline void cleat__attribute_set_clear(cleat__attribute_set *set)
{
    set->size = 0;
    set->count = 0;
    set->dropped = set->repaired = 0;
}

/*
 * Adds or overwrites. An attribute without a value is ignored. CLEAT_INVALID_ARGUMENT: no key, or
 * an array without elements to read; CLEAT_RESOURCE_EXHAUSTED: dropped by the limit (counted).
 */
cleat_status cleat__attribute_set_put(cleat__attribute_set *set, cleat_slice key, const cleat_value *value,
                                      const cleat__attribute_limits *limits);
/* Each of them; the last failure. NULL is none. */
cleat_status cleat__attribute_set_put_all(cleat__attribute_set *set, const cleat_attribute *attributes,
                                          size_t count, const cleat__attribute_limits *limits);
bool cleat__attribute_set_has(const cleat__attribute_set *set, cleat_slice key);

#endif
