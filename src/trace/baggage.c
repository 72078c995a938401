/*
 * One block of memory: the entries, then their text. A changed baggage is a new block. The limits
 * hold for the header it would make, so formatting never has to leave anything out.
 */
#include "trace/baggage.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/percent.h"
#include "base/utf8.h"
#include "trace/header.h"

#include <stdatomic.h>

typedef struct cleat__baggage_entry baggage_entry;
typedef struct cleat__baggage_list entry_list;
typedef struct cleat__baggage_store value_store;

struct cleat_baggage {
    atomic_uint references;
    size_t count; /* not 0 */
    baggage_entry entries[];
};

/* ---- Grammar (W3C Baggage 3.3.1) ---- */

/* baggage-octet: what may stand in a value as it is, a percent sign included. */
static bool is_value_character(char character)
{
    return character > 0x20 && character < 0x7F && character != '"' && character != ',' && character != ';' &&
           character != '\\';
}

static bool are_value_characters(cleat_slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (!is_value_character(text.data[i])) {
            return false;
        }
    }
    return true;
}

/* property *( OWS ";" OWS property ), each a token or token "=" value. */
static bool is_metadata(cleat_slice text)
{
    while (text.data != NULL) {
        cleat_slice value;
        cleat_slice key = cleat__split(cleat__split(text, ';', &text), '=', &value);
        if (!cleat__is_token(cleat__trim(key)) || !are_value_characters(cleat__trim(value))) {
            return false;
        }
    }
    return true;
}

static bool needs_encoding(char character)
{
    return character == '%' || !is_value_character(character);
}

static size_t encoded_size_of(const baggage_entry *entry)
{
    size_t size = entry->key.size + 1 + entry->value.size;
    for (size_t i = 0; i < entry->value.size; i++) {
        size += needs_encoding(entry->value.data[i]) ? 2 : 0;
    }
    return entry->metadata.size != 0 ? size + 1 + entry->metadata.size : size;
}

/* ---- Lists of entries ---- */

static size_t find(const baggage_entry *entries, size_t count, cleat_slice key)
{
    size_t i = 0;
    while (i < count && !cleat_slice_equals(entries[i].key, key)) {
        i++;
    }
    return i;
}

static void list_init(entry_list *list)
{
    list->count = 0;
    list->encoded_size = 0;
}

/* Replaces in place or appends; false when a limit would be passed. */
static bool list_put(entry_list *list, const baggage_entry *entry)
{
    size_t index = find(list->entries, list->count, entry->key);
    size_t size = list->encoded_size + encoded_size_of(entry);
    if (index < list->count) {
        size -= encoded_size_of(&list->entries[index]);
    } else {
        size += list->count != 0; /* a comma */
    }
    if (index == CLEAT__BAGGAGE_ENTRIES_MAX || size > CLEAT__BAGGAGE_SIZE_MAX) {
        return false;
    }
    list->entries[index] = *entry;
    list->count += index == list->count;
    list->encoded_size = size;
    return true;
}

static void list_put_all(entry_list *list, const cleat_baggage *baggage)
{
    for (size_t i = 0; baggage != NULL && i < baggage->count; i++) {
        list_put(list, &baggage->entries[i]);
    }
}

static cleat_slice move_text(char **at, cleat_slice text)
{
    cleat_slice moved = {*at, text.size};
    if (text.size != 0) {
        memcpy(*at, text.data, text.size);
        *at += text.size;
    }
    return moved;
}

/* Copies everything; NULL for an empty list and on no memory. */
static cleat_baggage *list_to_baggage(const entry_list *list)
{
    size_t size = sizeof(cleat_baggage) + list->count * sizeof(baggage_entry);
    size_t text_size = 0;
    for (size_t i = 0; i < list->count; i++) {
        const baggage_entry *entry = &list->entries[i];
        text_size += entry->key.size + entry->value.size + entry->metadata.size;
    }
    cleat_baggage *baggage = list->count != 0 ? cleat__malloc(size + text_size) : NULL;
    if (baggage == NULL) {
        return NULL;
    }
    atomic_init(&baggage->references, 1);
    baggage->count = list->count;
    char *at = (char *)baggage + size;
    for (size_t i = 0; i < list->count; i++) {
        const baggage_entry *from = &list->entries[i];
        baggage_entry *to = &baggage->entries[i];
        to->key = move_text(&at, from->key);
        to->value = move_text(&at, from->value);
        to->metadata = move_text(&at, from->metadata);
        if (to->metadata.size == 0) {
            to->metadata.data = NULL;
        }
    }
    return baggage;
}

/* ---- The public side ---- */

cleat_baggage *cleat_baggage_retain(const cleat_baggage *baggage)
{
    cleat_baggage *counted = (cleat_baggage *)baggage;
    if (counted != NULL) {
        atomic_fetch_add_explicit(&counted->references, 1, memory_order_relaxed);
    }
    return counted;
}

void cleat_baggage_release(cleat_baggage *baggage)
{
    if (baggage != NULL && atomic_fetch_sub_explicit(&baggage->references, 1, memory_order_acq_rel) == 1) {
        cleat__free(baggage);
    }
}

static cleat_status check_entry(const baggage_entry *entry)
{
    if (!cleat__is_token(entry->key)) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT,
                           "\"%.*s\" is no baggage key: letters, digits and !#$%%&'*+-.^_`|~ are accepted",
                           CLEAT_SLICE_ARGS(entry->key));
    }
    if (entry->metadata.size != 0 && !is_metadata(entry->metadata)) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "\"%.*s\" are no baggage properties: a;b=c are",
                           CLEAT_SLICE_ARGS(entry->metadata));
    }
    if (cleat__utf8_valid_prefix(entry->value.data, entry->value.size) != entry->value.size) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "the value of baggage \"%.*s\" is not UTF-8",
                           CLEAT_SLICE_ARGS(entry->key));
    }
    return CLEAT_OK;
}

cleat_baggage *cleat_baggage_with(const cleat_baggage *baggage, const char *key, cleat_slice value,
                                  const char *metadata)
{
    entry_list list;
    list_init(&list);
    value.size = value.data != NULL ? value.size : 0;
    baggage_entry entry = {cleat_slice_of(key), value, cleat__trim(cleat_slice_of(metadata))};
    if (check_entry(&entry) != CLEAT_OK) {
        return NULL;
    }
    list_put_all(&list, baggage);
    if (!list_put(&list, &entry)) {
        cleat__fail(CLEAT_RESOURCE_EXHAUSTED, "baggage has at most %d entries and %d bytes",
                    CLEAT__BAGGAGE_ENTRIES_MAX, CLEAT__BAGGAGE_SIZE_MAX);
        return NULL;
    }
    return list_to_baggage(&list);
}

cleat_baggage *cleat_baggage_without(const cleat_baggage *baggage, const char *key)
{
    size_t count = cleat_baggage_count(baggage);
    size_t index = count != 0 ? find(baggage->entries, count, cleat_slice_of(key)) : 0;
    if (index == count) {
        return cleat_baggage_retain(baggage);
    }
    entry_list list;
    list_init(&list);
    for (size_t i = 0; i < count; i++) {
        if (i != index) {
            list_put(&list, &baggage->entries[i]);
        }
    }
    return list_to_baggage(&list);
}

size_t cleat_baggage_count(const cleat_baggage *baggage)
{
    return baggage != NULL ? baggage->count : 0;
}

cleat_slice cleat_baggage_get(const cleat_baggage *baggage, const char *key)
{
    size_t count = cleat_baggage_count(baggage);
    size_t index = count != 0 ? find(baggage->entries, count, cleat_slice_of(key)) : 0;
    return index < count ? baggage->entries[index].value : (cleat_slice){NULL, 0};
}

void cleat_baggage_at(const cleat_baggage *baggage, size_t index, cleat_slice *key, cleat_slice *value,
                      cleat_slice *metadata)
{
    static const baggage_entry nothing;
    const baggage_entry *entry = index < cleat_baggage_count(baggage) ? &baggage->entries[index] : &nothing;
    if (key != NULL) {
        *key = entry->key;
    }
    if (value != NULL) {
        *value = entry->value;
    }
    if (metadata != NULL) {
        *metadata = entry->metadata;
    }
}

/* ---- The header ---- */

static char *format_value(char *at, cleat_slice value)
{
    for (size_t i = 0; i < value.size; i++) {
        char character = value.data[i];
        if (needs_encoding(character)) {
            at = cleat__percent_put(at, (uint8_t)character);
        } else {
            *at++ = character;
        }
    }
    return at;
}

size_t cleat__baggage_format(const cleat_baggage *baggage, char text[CLEAT__BAGGAGE_SIZE_MAX])
{
    char *at = text;
    for (size_t i = 0; i < cleat_baggage_count(baggage); i++) {
        const baggage_entry *entry = &baggage->entries[i];
        if (i != 0) {
            *at++ = ',';
        }
        move_text(&at, entry->key);
        *at++ = '=';
        at = format_value(at, entry->value);
        if (entry->metadata.size != 0) {
            *at++ = ';';
            move_text(&at, entry->metadata);
        }
    }
    return (size_t)(at - text);
}

static bool store_byte(value_store *store, char byte)
{
    if (store->size == sizeof(store->text)) {
        return false;
    }
    store->text[store->size++] = byte;
    return true;
}

/* Percent signs resolved; false when malformed or too large. */
static bool decode(value_store *store, cleat_slice text)
{
    size_t size = 0;
    bool is_fine =
        are_value_characters(text) &&
        cleat__percent_decode(text, store->text + store->size, sizeof(store->text) - store->size, &size);
    store->size += size;
    return is_fine;
}

/* Replaces what is not UTF-8 in the text from `start` on (W3C Baggage: by U+FFFD). */
static bool repair(value_store *store, size_t start)
{
    cleat_slice text = {store->text + start, store->size - start};
    if (cleat__utf8_valid_prefix(text.data, text.size) == text.size) {
        return true;
    }
    char *copy = cleat__slice_dup(text);
    if (copy == NULL) {
        return false;
    }
    bool fits = true;
    store->size = start;
    for (size_t at = 0; fits && at < text.size; at++) {
        size_t valid = cleat__utf8_valid_prefix(copy + at, text.size - at);
        for (size_t end = at + valid; at < end; at++) {
            fits = store_byte(store, copy[at]) && fits;
        }
        for (const char *mark = CLEAT__UTF8_REPLACEMENT; at < text.size && *mark != '\0'; mark++) {
            fits = store_byte(store, *mark) && fits;
        }
    }
    cleat__free(copy);
    return fits;
}

static bool parse_member(cleat_slice member, value_store *store, baggage_entry *entry)
{
    cleat_slice value, metadata;
    bool is_pair = cleat__split_pair(cleat__split(member, ';', &metadata), &entry->key, &value);
    entry->metadata = cleat__trim(metadata);
    if (!is_pair || !cleat__is_token(entry->key) || !is_metadata(entry->metadata)) {
        return false;
    }
    size_t start = store->size;
    if (!decode(store, value) || !repair(store, start)) {
        store->size = start;
        return false;
    }
    entry->value = (cleat_slice){store->text + start, store->size - start};
    return true;
}

void cleat__baggage_reader_init(cleat__baggage_reader *reader)
{
    list_init(&reader->list);
    reader->store.size = 0;
}

void cleat__baggage_read(cleat__baggage_reader *reader, cleat_slice line)
{
    while (line.data != NULL) {
        baggage_entry entry;
        size_t start = reader->store.size;
        cleat_slice member = cleat__split(line, ',', &line);
        if (parse_member(member, &reader->store, &entry) && !list_put(&reader->list, &entry)) {
            reader->store.size = start;
        }
    }
}

cleat_baggage *cleat__baggage_take(const cleat__baggage_reader *reader)
{
    return list_to_baggage(&reader->list);
}

cleat_baggage *cleat__baggage_parse(cleat_slice header)
{
    cleat__baggage_reader reader;
    cleat__baggage_reader_init(&reader);
    cleat__baggage_read(&reader, header);
    return cleat__baggage_take(&reader);
}
