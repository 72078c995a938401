#include "sdk/metadata.h"

#include <cleat/run.h>

#include "base/alloc.h"
#include "base/error.h"
#include "model/json_members.h"

#define PARENT_RUN_ID  "hatchet__parent_workflow_run_id"
#define PARENT_STEP_ID "hatchet__parent_step_run_id"

/* Either from the text (`json` is there) or set as a string (`string` is). */
typedef struct cleat__metadata_member {
    cleat_slice key;    /* decoded */
    cleat_slice json;   /* the value as it was written */
    cleat_slice string; /* the value's characters, where it is a string and somebody asked */
    char *key_memory;   /* owned, where the slices point there */
    char *string_memory;
    bool is_below; /* it says what the engine knows: it is not written */
} member;

static void member_deinit(member *it)
{
    cleat__free(it->key_memory);
    cleat__free(it->string_memory);
}

void cleat__metadata_init(cleat__metadata *metadata, cleat_slice text)
{
    memset(metadata, 0, sizeof *metadata);
    metadata->text = text;
}

static void forget_members(cleat__metadata *metadata)
{
    for (size_t i = 0; i < metadata->count; i++) {
        member_deinit(&metadata->members[i]);
    }
    metadata->count = 0;
}

void cleat__metadata_deinit(cleat__metadata *metadata)
{
    forget_members(metadata);
    cleat__free(metadata->members);
    cleat__buffer_deinit(&metadata->written);
    memset(metadata, 0, sizeof *metadata);
}

/* A zeroed member at the end; NULL on no memory. */
static member *add_member(cleat__metadata *metadata)
{
    if (metadata->count == metadata->capacity) {
        size_t capacity = metadata->capacity > 0 ? 2 * metadata->capacity : 8;
        member *members = cleat__realloc(metadata->members, capacity * sizeof *members);
        if (members == NULL) {
            return NULL;
        }
        metadata->members = members;
        metadata->capacity = capacity;
    }
    member *added = &metadata->members[metadata->count++];
    memset(added, 0, sizeof *added);
    return added;
}

/* The last of equal keys counts, as in JSON parsers. */
static member *find(cleat__metadata *metadata, cleat_slice key)
{
    for (size_t i = metadata->count; i > 0; i--) {
        if (cleat_slice_equals(metadata->members[i - 1].key, key)) {
            return &metadata->members[i - 1];
        }
    }
    return NULL;
}

static bool is_parent_id(cleat_slice key)
{
    return cleat_slice_equals(key, cleat_slice_of(PARENT_RUN_ID)) ||
           cleat_slice_equals(key, cleat_slice_of(PARENT_STEP_ID));
}

/* One over another of the same key below. */
static bool add_read(cleat__metadata *metadata, cleat_slice key, cleat_slice json, bool is_below)
{
    member read = {.json = json, .is_below = is_below};
    if (!cleat__json_decode_string(key, &read.key, &read.key_memory)) {
        return false;
    }
    if (!is_below && metadata->below.data != NULL && is_parent_id(read.key)) {
        member_deinit(&read); /* nobody says them but the parent */
        return true;
    }
    member *to = is_below || metadata->below.data == NULL ? NULL : find(metadata, read.key);
    if (to != NULL && to->is_below) {
        member_deinit(to);
    } else {
        to = add_member(metadata);
    }
    if (to == NULL) {
        member_deinit(&read);
        return false;
    }
    *to = read;
    return true;
}

static bool read_text(cleat__metadata *metadata, cleat_slice text, bool is_below)
{
    cleat__json_cursor cursor;
    cleat_slice key = {NULL, 0};
    cleat_slice value = {NULL, 0};
    cleat__json_members(text, &cursor);
    while (cleat__json_next_member(&cursor, &key, &value)) {
        if (!add_read(metadata, key, value, is_below)) {
            return false;
        }
    }
    return true;
}

static bool read_members(cleat__metadata *metadata)
{
    if (metadata->read) {
        return true;
    }
    metadata->read = read_text(metadata, metadata->below, true) && read_text(metadata, metadata->text, false);
    if (!metadata->read) {
        forget_members(metadata);
    }
    return metadata->read;
}

/* ---- The string map ---- */

static cleat_slice map_get(void *self, const char *key)
{
    cleat__metadata *metadata = self;
    member *found = read_members(metadata) ? find(metadata, cleat_slice_of(key)) : NULL;
    if (found == NULL) {
        return (cleat_slice){NULL, 0};
    }
    if (found->string.data == NULL) {
        (void)cleat__json_decode_string(found->json, &found->string, &found->string_memory);
    }
    return found->string;
}

static bool set_key(member *it, const char *key)
{
    it->key_memory = cleat__strdup(key);
    it->key = cleat_slice_of(it->key_memory);
    return it->key_memory != NULL;
}

static cleat_status map_set(void *self, const char *key, cleat_slice value)
{
    cleat__metadata *metadata = self;
    if (key == NULL || (value.size > 0 && memchr(value.data, '\0', value.size) != NULL)) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "metadata \"%s\" %s", key != NULL ? key : "",
                           key != NULL ? "holds a NUL" : "has no key");
    }
    char *copy = cleat__slice_dup(value.size > 0 ? value : (cleat_slice){"", 0});
    if (copy == NULL || !read_members(metadata)) {
        cleat__free(copy);
        return cleat__fail_memory();
    }
    member *found = find(metadata, cleat_slice_of(key));
    if (found == NULL) {
        found = add_member(metadata);
        if (found == NULL || !set_key(found, key)) {
            metadata->count -= found != NULL;
            cleat__free(copy);
            return cleat__fail_memory();
        }
    }
    cleat__free(found->string_memory);
    found->string_memory = copy;
    found->string = (cleat_slice){copy, value.size};
    found->json = (cleat_slice){NULL, 0};
    found->is_below = false;
    metadata->changed = true;
    return CLEAT_OK;
}

static void map_remove(void *self, const char *key)
{
    cleat__metadata *metadata = self;
    if (!read_members(metadata)) {
        return;
    }
    size_t kept = 0;
    for (size_t i = 0; i < metadata->count; i++) {
        member *it = &metadata->members[i];
        if (cleat_slice_equals(it->key, cleat_slice_of(key))) {
            member_deinit(it);
        } else {
            metadata->members[kept++] = *it;
        }
    }
    metadata->changed = metadata->changed || kept != metadata->count;
    metadata->count = kept;
}

cleat_text_map cleat__metadata_map(cleat__metadata *metadata)
{
    return (cleat_text_map){.self = metadata, .get = map_get, .set = map_set, .remove = map_remove};
}

cleat_text_map cleat__metadata_reader(cleat__metadata *metadata)
{
    return (cleat_text_map){.self = metadata, .get = map_get};
}

/* ---- Writing ---- */

static void write_members(const cleat__metadata *metadata, cleat__buffer *buffer)
{
    bool is_first = true;
    cleat__buffer_append_byte(buffer, '{');
    for (size_t i = 0; i < metadata->count; i++) {
        const member *it = &metadata->members[i];
        if (it->is_below) {
            continue;
        }
        if (!is_first) {
            cleat__buffer_append_byte(buffer, ',');
        }
        is_first = false;
        cleat__buffer_append_json(buffer, it->key);
        cleat__buffer_append_byte(buffer, ':');
        if (it->json.data != NULL) {
            cleat__buffer_append_slice(buffer, it->json);
        } else {
            cleat__buffer_append_json(buffer, it->string);
        }
    }
    cleat__buffer_append_byte(buffer, '}');
}

cleat_status cleat__metadata_text(cleat__metadata *metadata, cleat_slice *out)
{
    *out = metadata->text;
    if (!metadata->changed) {
        return CLEAT_OK;
    }
    cleat__buffer_clear(&metadata->written);
    write_members(metadata, &metadata->written);
    if (metadata->written.failed) {
        return cleat__fail_memory();
    }
    if (metadata->written.size > CLEAT_PAYLOAD_MAX) {
        return cleat__fail(CLEAT_TOO_LARGE,
                           "metadata has %zu bytes with what travels along; at most %zu are stored",
                           metadata->written.size, CLEAT_PAYLOAD_MAX);
    }
    *out = cleat__buffer_slice(&metadata->written);
    return CLEAT_OK;
}

/* ---- Children ---- */

static bool begins_with(cleat_slice text, const char *prefix)
{
    size_t size = strlen(prefix);
    return text.size >= size && memcmp(text.data, prefix, size) == 0;
}

static bool stays_with_parent(cleat_slice key)
{
    static const char *const carrier[] = {"traceparent", "tracestate", "baggage"};
    for (size_t i = 0; i < sizeof carrier / sizeof carrier[0]; i++) {
        if (cleat_slice_equals(key, cleat_slice_of(carrier[i]))) {
            return true;
        }
    }
    return begins_with(key, "hatchet__") || begins_with(key, "cleat__");
}

char *cleat__metadata_for_children(cleat_slice parent_text, const char *workflow_run_id, const char *run_id)
{
    cleat__metadata metadata;
    cleat__buffer buffer = {0};
    char *text = NULL;
    cleat__metadata_init(&metadata, parent_text);
    if (!read_members(&metadata)) {
        goto out;
    }
    size_t kept = 0;
    for (size_t i = 0; i < metadata.count; i++) {
        if (stays_with_parent(metadata.members[i].key)) {
            member_deinit(&metadata.members[i]);
        } else {
            metadata.members[kept++] = metadata.members[i];
        }
    }
    metadata.count = kept;
    if (map_set(&metadata, PARENT_RUN_ID, cleat_slice_of(workflow_run_id)) == CLEAT_OK &&
        map_set(&metadata, PARENT_STEP_ID, cleat_slice_of(run_id)) == CLEAT_OK) {
        write_members(&metadata, &buffer);
        text = cleat__buffer_take_string(&buffer);
    }
out:
    cleat__buffer_deinit(&buffer);
    cleat__metadata_deinit(&metadata);
    return text;
}

void cleat__metadata_init_child(cleat__metadata *metadata, cleat_slice text, const char *below)
{
    cleat__metadata_init(metadata, text);
    metadata->below = cleat_slice_of(below);
}
