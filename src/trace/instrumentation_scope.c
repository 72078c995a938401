#include "instrumentation_scope.h"

#include "attribute_list.h"
#include "attribute_set.h"
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/map.h"
#include "base/process.h"
#include "text.h"

typedef struct interned {
    cleat_instrumentation_scope scope;
    cleat__attribute_list attributes;
    cleat__buffer key; /* the scope's content; name, version and schema URL borrow from it */
} interned;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static cleat__map scopes; /* under the mutex; never shrinks */

CLEAT__FORK_HOOK(CLEAT__FORK_SCOPES, mutex, NULL);

/* Size, then bytes. The slice has its size only: the key still moves. */
static cleat_slice append_text(cleat__buffer *key, cleat_slice from)
{
    cleat__text text = cleat__text_of(from, CLEAT__TEXT_MAX);
    cleat__buffer_append(key, &text.size, sizeof(text.size));
    uint8_t *at = text.size != 0 ? cleat__buffer_reserve(key, text.size) : NULL;
    if (at != NULL) {
        cleat__text_put(at, &text);
        key->size += text.size;
    }
    return (cleat_slice){NULL, text.size};
}

/* Points a text of append_text() into the finished key; where the next one begins. */
static size_t resolve(const cleat__buffer *key, size_t at, cleat_slice *text)
{
    at += sizeof(uint32_t);
    text->data = (const char *)key->data + at;
    return at + text->size;
}

static void append_attributes(cleat__buffer *key, const cleat_instrumentation_scope *like)
{
    static const cleat__attribute_limits no_limits = {CLEAT__NO_LIMIT, CLEAT__NO_LIMIT};
    cleat__attribute_set set = {0};
    cleat__attribute_set_init(&set, 1, NULL, 0, NULL, 0);
    cleat__attribute_set_put_all(&set, like->attributes, like->attribute_count, &no_limits);
    cleat__buffer_append(key, set.data, set.size);
    cleat__attribute_set_deinit(&set);
}

static void drop(interned *scope)
{
    cleat__attribute_list_deinit(&scope->attributes);
    cleat__buffer_deinit(&scope->key);
    cleat__free(scope);
}

static interned *make(const cleat_instrumentation_scope *like)
{
    interned *made = cleat__calloc(1, sizeof(*made));
    if (made == NULL) {
        return NULL;
    }
    cleat_instrumentation_scope *scope = &made->scope;
    scope->name = append_text(&made->key, like->name);
    scope->version = append_text(&made->key, like->version);
    scope->schema_url = append_text(&made->key, like->schema_url);
    append_attributes(&made->key, like);
    cleat_status status =
        cleat__attribute_list_copy(like->attributes, like->attribute_count, NULL, 0, &made->attributes);
    if (made->key.failed || status != CLEAT_OK) {
        drop(made);
        return NULL;
    }
    size_t at = resolve(&made->key, 0, &scope->name);
    at = resolve(&made->key, at, &scope->version);
    resolve(&made->key, at, &scope->schema_url);
    scope->attributes = made->attributes.attributes;
    scope->attribute_count = made->attributes.count;
    return made;
}

const cleat_instrumentation_scope *cleat__scope_intern(const cleat_instrumentation_scope *like)
{
    interned *made = make(like);
    if (made == NULL) {
        cleat__fail_memory();
        return NULL;
    }
    pthread_mutex_lock(&mutex);
    interned *known = cleat__map_get(&scopes, cleat__buffer_slice(&made->key));
    if (known == NULL && cleat__map_put(&scopes, cleat__buffer_slice(&made->key), made) == CLEAT_OK) {
        known = made;
    }
    pthread_mutex_unlock(&mutex);
    if (known != made) {
        drop(made);
    }
    return known != NULL ? &known->scope : NULL;
}
