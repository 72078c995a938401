#include "base/alloc.h"
#include "base/error.h"

#include <cleat/trace.h>

/* Searched from front to back: carriers have a handful of entries. */
typedef struct carrier_entry {
    char *text; /* owned: key, NUL, value */
    size_t key_size;
    size_t value_size;
} carrier_entry;

struct cleat_carrier {
    carrier_entry *entries;
    size_t count;
    size_t capacity;
};

cleat_status cleat_carrier_new(cleat_carrier **out)
{
    if (out == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "a new carrier needs a place to go");
    }
    *out = cleat__calloc(1, sizeof(**out));
    return *out != NULL ? CLEAT_OK : cleat__fail_memory();
}

void cleat_carrier_free(cleat_carrier *carrier)
{
    if (carrier == NULL) {
        return;
    }
    for (size_t i = 0; i < carrier->count; i++) {
        cleat__free(carrier->entries[i].text);
    }
    cleat__free(carrier->entries);
    cleat__free(carrier);
}

static cleat_slice key_of(const carrier_entry *entry)
{
    return (cleat_slice){entry->text, entry->key_size};
}

static cleat_slice value_of(const carrier_entry *entry)
{
    return (cleat_slice){entry->text + entry->key_size + 1, entry->value_size};
}

/* NULL where there is none. */
static carrier_entry *find(const cleat_carrier *carrier, cleat_slice key)
{
    for (size_t i = 0; key.data != NULL && i < cleat_carrier_count(carrier); i++) {
        if (cleat_slice_equals(key_of(&carrier->entries[i]), key)) {
            return &carrier->entries[i];
        }
    }
    return NULL;
}

cleat_slice cleat_carrier_get(const cleat_carrier *carrier, const char *key)
{
    const carrier_entry *entry = find(carrier, cleat_slice_of(key));
    return entry != NULL ? value_of(entry) : (cleat_slice){NULL, 0};
}

static cleat_status reserve_entry(cleat_carrier *carrier)
{
    if (carrier->count < carrier->capacity) {
        return CLEAT_OK;
    }
    size_t capacity = carrier->capacity != 0 ? carrier->capacity * 2 : 8;
    carrier_entry *entries = cleat__realloc(carrier->entries, capacity * sizeof(entries[0]));
    if (entries == NULL) {
        return cleat__fail_memory();
    }
    carrier->entries = entries;
    carrier->capacity = capacity;
    return CLEAT_OK;
}

static cleat_status entry_init(carrier_entry *entry, cleat_slice key, cleat_slice value)
{
    char *text = value.size < SIZE_MAX - key.size - 1 ? cleat__malloc(key.size + 1 + value.size) : NULL;
    if (text == NULL) {
        return cleat__fail_memory();
    }
    memcpy(text, key.data, key.size);
    text[key.size] = '\0';
    if (value.size != 0) {
        memcpy(text + key.size + 1, value.data, value.size);
    }
    *entry = (carrier_entry){text, key.size, value.size};
    return CLEAT_OK;
}

cleat_status cleat_carrier_set(cleat_carrier *carrier, const char *key, cleat_slice value)
{
    if (carrier == NULL || key == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "an entry needs a carrier and a key");
    }
    carrier_entry fresh;
    cleat_slice name = cleat_slice_of(key);
    cleat_status status = reserve_entry(carrier);
    if (status == CLEAT_OK) {
        status = entry_init(&fresh, name, value);
    }
    if (status != CLEAT_OK) {
        return status;
    }
    carrier_entry *entry = find(carrier, name);
    if (entry != NULL) {
        cleat__free(entry->text); /* only now: key or value may have come from it */
    } else {
        entry = &carrier->entries[carrier->count++];
    }
    *entry = fresh;
    return CLEAT_OK;
}

void cleat_carrier_remove(cleat_carrier *carrier, const char *key)
{
    carrier_entry *entry = find(carrier, cleat_slice_of(key));
    if (entry == NULL) {
        return;
    }
    cleat__free(entry->text);
    carrier->count--;
    size_t index = (size_t)(entry - carrier->entries);
    memmove(entry, entry + 1, (carrier->count - index) * sizeof(*entry));
}

size_t cleat_carrier_count(const cleat_carrier *carrier)
{
    return carrier != NULL ? carrier->count : 0;
}

void cleat_carrier_at(const cleat_carrier *carrier, size_t index, cleat_slice *key, cleat_slice *value)
{
    bool exists = index < cleat_carrier_count(carrier);
    if (key != NULL) {
        *key = exists ? key_of(&carrier->entries[index]) : (cleat_slice){NULL, 0};
    }
    if (value != NULL) {
        *value = exists ? value_of(&carrier->entries[index]) : (cleat_slice){NULL, 0};
    }
}

static cleat_slice text_map_get(void *self, const char *key)
{
    return cleat_carrier_get(self, key);
}

static cleat_status text_map_set(void *self, const char *key, cleat_slice value)
{
    return cleat_carrier_set(self, key, value);
}

static void text_map_remove(void *self, const char *key)
{
    cleat_carrier_remove(self, key);
}

static void text_map_keys(void *self, cleat_text_map_visitor visit, void *user_data)
{
    const cleat_carrier *carrier = self;
    for (size_t i = 0; i < cleat_carrier_count(carrier) && visit(user_data, key_of(&carrier->entries[i]));
         i++) {
    }
}

cleat_text_map cleat_carrier_text_map(cleat_carrier *carrier)
{
    return (cleat_text_map){
        .self = carrier,
        .get = text_map_get,
        .set = text_map_set,
        .remove = text_map_remove,
        .keys = text_map_keys,
    };
}
