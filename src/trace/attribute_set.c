#include "attribute_set.h"

#include "any_value.h"
#include "base/alloc.h"
#include "base/error.h"
#include "protobuf.h"

enum { SMALLEST_DATA = 256, SMALLEST_SLOTS = 16 };

/* Offsets are 32 bits; half of that keeps every sum below in range. */
static const uint64_t largest_set = UINT64_C(1) << 31;

void cleat__attribute_set_init(cleat__attribute_set *set, uint8_t field, void *data, uint32_t capacity,
                               cleat__attribute_slot *slots, uint32_t slot_capacity)
{
    set->field = field;
    set->data = data;
    set->capacity = capacity;
    set->slots = slots;
    set->slot_capacity = slot_capacity;
}

void cleat__attribute_set_deinit(cleat__attribute_set *set)
{
    if (set->data_on_heap) {
        cleat__free(set->data);
    }
    if (set->slots_on_heap) {
        cleat__free(set->slots);
    }
    *set = (cleat__attribute_set){0};
}

/* Moves `*block` from borrowed storage to the heap, or enlarges it there. */
static bool enlarge(void **block, bool on_heap, size_t used, size_t size)
{
    void *larger = cleat__realloc(on_heap ? *block : NULL, size);
    if (larger == NULL) {
        return false;
    }
    if (!on_heap && used != 0) {
        memcpy(larger, *block, used);
    }
    *block = larger;
    return true;
}

static bool grow_data(cleat__attribute_set *set, uint32_t needed)
{
    uint32_t capacity = set->capacity < SMALLEST_DATA ? SMALLEST_DATA : set->capacity;
    while (capacity < needed) {
        capacity = capacity > UINT32_MAX / 2 ? needed : capacity * 2;
    }
    void *data = set->data;
    if (!enlarge(&data, set->data_on_heap, set->size, capacity)) {
        return false;
    }
    set->data_on_heap = true;
    set->data = data;
    set->capacity = capacity;
    return true;
}

static bool grow_slots(cleat__attribute_set *set)
{
    uint32_t capacity = set->slot_capacity < SMALLEST_SLOTS ? SMALLEST_SLOTS : set->slot_capacity * 2;
    void *slots = set->slots;
    if (!enlarge(&slots, set->slots_on_heap, set->count * sizeof(*set->slots),
                 capacity * sizeof(*set->slots))) {
        return false;
    }
    set->slots_on_heap = true;
    set->slots = slots;
    set->slot_capacity = capacity;
    return true;
}

/* Tells most keys apart by length and ends; equal hashes are compared byte by byte. */
static uint32_t hash_of(cleat_slice key)
{
    uint32_t first = 0, last = 0;
    if (key.size >= sizeof(first)) {
        memcpy(&first, key.data, sizeof(first));
        memcpy(&last, key.data + key.size - sizeof(last), sizeof(last));
    } else {
        for (size_t i = 0; i < key.size; i++) {
            first = first << 8 | (uint8_t)key.data[i];
        }
    }
    return (first * UINT32_C(0x9E3779B1)) ^ last ^ ((uint32_t)key.size << 24);
}

/* The key of an attribute; put() wrote it, so nothing is checked. */
static cleat_slice key_of(const cleat__attribute_set *set, const cleat__attribute_slot *slot)
{
    const uint8_t *at = set->data + slot->offset + 1;
    while (*at++ >= 0x80) { /* the length of the KeyValue */
    }
    uint32_t size = 0;
    unsigned shift = 0;
    do {
        at++; /* the key's tag, then its length */
        size |= (uint32_t)(*at & 0x7F) << shift;
        shift += 7;
    } while (*at >= 0x80);
    return (cleat_slice){(const char *)at + 1, size};
}

static const uint32_t not_found = UINT32_MAX;

static inline uint32_t find(const cleat__attribute_set *set, cleat_slice key, uint32_t hash)
{
    for (uint32_t i = 0; i < set->count; i++) {
        if (set->slots[i].hash == hash && cleat_slice_equals(key_of(set, &set->slots[i]), key)) {
            return i;
        }
    }
    return not_found;
}

static void remove_at(cleat__attribute_set *set, uint32_t index)
{
    cleat__attribute_slot gone = set->slots[index];
    uint32_t end = gone.offset + gone.size;
    memmove(set->data + gone.offset, set->data + end, set->size - end);
    set->size -= gone.size;
    set->count--;
    for (uint32_t i = index; i < set->count; i++) {
        set->slots[i] = set->slots[i + 1];
        set->slots[i].offset -= gone.size;
    }
}

/* Where `total` bytes go: over the attribute at `index` when they fit there exactly, else at the
 * end. NULL on no memory, and then nothing has changed. */
static uint8_t *place(cleat__attribute_set *set, uint32_t index, uint32_t hash, uint32_t total)
{
    if (index != not_found && set->slots[index].size == total) {
        return set->data + set->slots[index].offset;
    }
    /* Room is made for old and new together, so that failing leaves the old one. */
    if ((set->capacity - set->size < total && !grow_data(set, set->size + total)) ||
        (set->count == set->slot_capacity && !grow_slots(set))) {
        return NULL;
    }
    if (index != not_found) {
        remove_at(set, index);
    }
    set->slots[set->count++] = (cleat__attribute_slot){set->size, total, hash};
    uint8_t *at = set->data + set->size;
    set->size += total;
    return at;
}

static cleat_status fail_limit(cleat__attribute_set *set, uint32_t limit)
{
    set->dropped++;
    return cleat__fail(CLEAT_RESOURCE_EXHAUSTED, "the limit of %u attributes is reached", limit);
}

static void count_repaired(cleat__attribute_set *set, uint32_t more)
{
    uint32_t count = set->repaired + more;
    set->repaired = count < UINT16_MAX ? (uint16_t)count : UINT16_MAX;
}

/* What fits the short form: every length in it is one byte. */
enum { SHORT_KEY = 64, SHORT_TEXT = 48, SHORT_TOTAL = 128 };
_Static_assert(2 + SHORT_KEY + 2 + 2 + SHORT_TEXT < 128, "a varint of one byte");

/* The AnyValue of a short value behind its length; NULL when it is not short. */
static inline uint8_t *put_short_value(uint8_t *at, const cleat_value *value, uint32_t limit)
{
    uint32_t size;
    switch (value->type) {
    case CLEAT_VALUE_STRING:
        size = (uint32_t)value->as.string.size;
        if (value->as.string.size > SHORT_TEXT || size > limit || value->as.string.data == NULL ||
            !cleat__text_is_ascii(value->as.string.data, size)) {
            return NULL;
        }
        return cleat__put_bytes(at, CLEAT__ANY_STRING, value->as.string.data, size);
    case CLEAT_VALUE_BOOL: return cleat__put_bool_value(at, value->as.boolean);
    case CLEAT_VALUE_INT: return cleat__put_int_value(at, value->as.integer);
    case CLEAT_VALUE_DOUBLE: return cleat__put_double_value(at, value->as.real);
    default: return NULL;
    }
}

/* Appends what most attributes are, a new key with a short value, writing the lengths afterwards.
 * False when it is not that; nothing has changed then. */
static inline bool put_short(cleat__attribute_set *set, cleat_slice key, uint32_t hash,
                             const cleat_value *value, uint32_t limit)
{
    if (key.size > SHORT_KEY || set->capacity - set->size < SHORT_TOTAL || set->count == set->slot_capacity) {
        return false;
    }
    uint8_t *start = set->data + set->size;
    uint8_t *at = cleat__put_bytes(start + 2, CLEAT__KEY_VALUE_KEY, key.data, key.size);
    uint8_t *end = put_short_value(at + 2, value, limit);
    if (end == NULL) {
        return false;
    }
    at[0] = CLEAT__TAG(CLEAT__KEY_VALUE_VALUE, CLEAT__WIRE_BYTES);
    at[1] = (uint8_t)(end - at - 2);
    start[0] = (uint8_t)CLEAT__TAG(set->field, CLEAT__WIRE_BYTES);
    start[1] = (uint8_t)(end - start - 2);
    cleat__attribute_slot *slot = &set->slots[set->count++];
    slot->offset = set->size;
    slot->size = (uint32_t)(end - start);
    slot->hash = hash;
    set->size += slot->size;
    return true;
}

static cleat_status put(cleat__attribute_set *set, cleat_slice key, const cleat_value *value,
                        const cleat__attribute_limits *limits)
{
    uint32_t hash = hash_of(key);
    uint32_t index = find(set, key, hash);
    if (index == not_found && set->count >= limits->count) {
        return fail_limit(set, limits->count);
    }
    if (index == not_found && put_short(set, key, hash, value, limits->value_length)) {
        return CLEAT_OK;
    }
    cleat__any_plan plan;
    if (!cleat__any_value_plan(value, limits->value_length, &plan)) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "attribute %.*s has no usable value",
                           (int)(key.size < 200 ? key.size : 200), key.data);
    }
    uint64_t body =
        1 + cleat__varint_size(key.size) + key.size + 1 + cleat__varint_size(plan.size) + plan.size;
    uint64_t total = 1 + cleat__varint_size(body) + body;
    if (set->size + total > largest_set) {
        set->dropped++;
        return cleat__fail(CLEAT_TOO_LARGE, "attributes of more than 2 GiB");
    }
    uint8_t *at = place(set, index, hash, (uint32_t)total);
    if (at == NULL) {
        return cleat__fail_memory();
    }
    at = cleat__put_tag(at, set->field, CLEAT__WIRE_BYTES);
    at = cleat__put_varint(at, body);
    at = cleat__put_bytes(at, CLEAT__KEY_VALUE_KEY, key.data, key.size);
    at = cleat__put_tag(at, CLEAT__KEY_VALUE_VALUE, CLEAT__WIRE_BYTES);
    at = cleat__put_varint(at, plan.size);
    uint32_t repaired_before = cleat__text_repaired;
    cleat__any_value_put(at, value, &plan);
    count_repaired(set, cleat__text_repaired - repaired_before);
    return CLEAT_OK;
}

/* A key that is no UTF-8 is repaired into memory of its own: too rare to have a fast path. */
static cleat_status put_broken_key(cleat__attribute_set *set, const cleat__text *key,
                                   const cleat_value *value, const cleat__attribute_limits *limits)
{
    uint8_t *repaired = cleat__malloc(key->size);
    if (repaired == NULL) {
        return cleat__fail_memory();
    }
    cleat__text_put_broken(repaired, key);
    cleat_status status = put(set, (cleat_slice){(const char *)repaired, key->size}, value, limits);
    count_repaired(set, status == CLEAT_OK);
    cleat__free(repaired);
    return status;
}

cleat_status cleat__attribute_set_put(cleat__attribute_set *set, cleat_slice key, const cleat_value *value,
                                      const cleat__attribute_limits *limits)
{
    if (key.data == NULL || key.size == 0) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "an attribute needs a key");
    }
    if (key.size > CLEAT__TEXT_MAX) {
        return cleat__fail(CLEAT_TOO_LARGE, "an attribute key of more than 1 GiB");
    }
    if (value->type == CLEAT_VALUE_NONE) {
        return CLEAT_OK;
    }
    if (__builtin_expect(!cleat__text_is_ascii(key.data, key.size), false)) {
        cleat__text text = cleat__text_of(key, CLEAT__NO_LIMIT);
        if (text.broken) {
            return put_broken_key(set, &text, value, limits);
        }
    }
    return put(set, key, value, limits);
}

cleat_status cleat__attribute_set_put_all(cleat__attribute_set *set, const cleat_attribute *attributes,
                                          size_t count, const cleat__attribute_limits *limits)
{
    cleat_status result = CLEAT_OK;
    for (size_t i = 0; attributes != NULL && i < count; i++) {
        cleat_status status = cleat__attribute_set_put(set, attributes[i].key, &attributes[i].value, limits);
        if (status != CLEAT_OK) {
            result = status;
        }
    }
    return result;
}

bool cleat__attribute_set_has(const cleat__attribute_set *set, cleat_slice key)
{
    cleat__text text = cleat__text_of(key, CLEAT__NO_LIMIT);
    return key.size != 0 && !text.broken && find(set, key, hash_of(key)) != not_found;
}
