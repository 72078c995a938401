/* Reading sources back. The bytes are a disk's: nothing in them is trusted. */
#include "collector/source_list.h"

#include "base/alloc.h"
#include "base/error.h"
#include "collector/row.h"
#include "collector/source.h"
#include "trace/any_value.h"

static const char reading[] = "reading where spans come from";

/* ---- Attributes, with arrays in memory of their own ---- */

typedef struct attributes {
    cleat_attribute *list;
    size_t count;
} attributes;

static void attributes_deinit(attributes *all)
{
    for (size_t i = 0; i < all->count; i++) {
        if (all->list[i].value.type >= CLEAT_VALUE_STRING_ARRAY) {
            cleat__free((void *)(uintptr_t)all->list[i].value.as.strings);
        }
    }
    cleat__free(all->list);
}

static void set_element(void *elements, size_t index, const cleat_value *element)
{
    switch (element->type) {
    case CLEAT_VALUE_STRING: ((cleat_slice *)elements)[index] = element->as.string; break;
    case CLEAT_VALUE_BOOL: ((bool *)elements)[index] = element->as.boolean; break;
    case CLEAT_VALUE_INT: ((int64_t *)elements)[index] = element->as.integer; break;
    default: ((double *)elements)[index] = element->as.real; break;
    }
}

static cleat_slice array_of(cleat_slice value)
{
    cleat__wire_reader reader = cleat__wire_reader_of(value);
    cleat__wire_field field;
    cleat_slice array = {NULL, 0};
    while (cleat__wire_next(&reader, &field)) {
        if (field.number == CLEAT__ANY_ARRAY && field.wire == CLEAT__WIRE_BYTES) {
            array = field.bytes;
        }
    }
    return array;
}

/* Turns an array that is read from the message into one that stands for itself. */
static bool unpack_array(cleat_value *value)
{
    cleat__wire_reader reader = cleat__wire_reader_of(array_of(value->encoded));
    cleat__wire_field field;
    size_t count = 0;
    void *elements = value->count != 0 ? cleat__calloc(value->count, sizeof(cleat_slice)) : NULL;
    bool done = elements != NULL || value->count == 0;
    while (elements != NULL && count < value->count && cleat__wire_next(&reader, &field)) {
        cleat_value element;
        if (field.number == CLEAT__ARRAY_VALUES && field.wire == CLEAT__WIRE_BYTES &&
            cleat__any_value_read(field.bytes, &element)) {
            set_element(elements, count++, &element);
        }
    }
    value->count = count;
    value->as.strings = elements;
    value->encoded = (cleat_slice){NULL, 0};
    return done;
}

static bool is_attribute(const cleat__wire_field *field, uint32_t number)
{
    return field->number == number && field->wire == CLEAT__WIRE_BYTES;
}

/* The fields `number` of a message. CLEAT_INVALID_ARGUMENT when it is malformed. */
static cleat_status read_attributes(cleat_slice message, uint32_t number, attributes *out)
{
    cleat__wire_reader reader = cleat__wire_reader_of(message);
    cleat__wire_field field;
    size_t most = 0;
    while (cleat__wire_next(&reader, &field)) {
        most += is_attribute(&field, number);
    }
    if (reader.malformed) {
        return CLEAT_INVALID_ARGUMENT;
    }
    out->list = cleat__calloc(most + 1, sizeof(*out->list));
    if (out->list == NULL) {
        return cleat__fail_memory();
    }
    reader = cleat__wire_reader_of(message);
    while (cleat__wire_next(&reader, &field)) {
        cleat_attribute *attribute = &out->list[out->count];
        if (!is_attribute(&field, number)) {
            continue;
        }
        if (!cleat__key_value_read(field.bytes, attribute)) {
            attribute->value.type = CLEAT_VALUE_NONE;
            return CLEAT_INVALID_ARGUMENT;
        }
        out->count++;
        if (attribute->value.type >= CLEAT_VALUE_STRING_ARRAY && !unpack_array(&attribute->value)) {
            return cleat__fail_memory();
        }
    }
    return CLEAT_OK;
}

/* ---- The messages ---- */

typedef struct message {
    bool has_resource, has_scope;
    cleat_slice resource, resource_url, scope_spans, scope, scope_url;
    size_t resource_size; /* of the fields before the scope's */
} message;

static bool parse_scope_spans(message *out)
{
    cleat__wire_reader reader = cleat__wire_reader_of(out->scope_spans);
    cleat__wire_field field;
    while (cleat__wire_next(&reader, &field)) {
        if (field.number == CLEAT__SPANS_SCOPE && field.wire == CLEAT__WIRE_BYTES) {
            out->scope = field.bytes;
            out->has_scope = true;
        } else if (field.number == CLEAT__SPANS_SCHEMA_URL && field.wire == CLEAT__WIRE_BYTES) {
            out->scope_url = field.bytes;
        }
    }
    return !reader.malformed;
}

static bool parse(cleat_slice content, message *out)
{
    cleat__wire_reader reader = cleat__wire_reader_of(content);
    cleat__wire_field field;
    *out = (message){0};
    while (cleat__wire_next(&reader, &field)) {
        size_t end = (size_t)((const char *)reader.at - content.data);
        if (field.number == CLEAT__SPANS_SCOPE_SPANS && field.wire == CLEAT__WIRE_BYTES) {
            out->scope_spans = field.bytes;
            continue;
        }
        out->resource_size = end;
        if (field.number == CLEAT__SPANS_RESOURCE && field.wire == CLEAT__WIRE_BYTES) {
            out->resource = field.bytes;
            out->has_resource = true;
        } else if (field.number == CLEAT__SPANS_SCHEMA_URL && field.wire == CLEAT__WIRE_BYTES) {
            out->resource_url = field.bytes;
        }
    }
    return !reader.malformed && parse_scope_spans(out);
}

static cleat_status make_resource(const message *from, cleat_resource **out)
{
    attributes all = {NULL, 0};
    char *url = cleat__slice_dup(from->resource_url.data != NULL ? from->resource_url : cleat_slice_of(""));
    cleat_status status = url != NULL ? read_attributes(from->resource, CLEAT__RESOURCE_ATTRIBUTES, &all)
                                      : cleat__fail_memory();
    if (status == CLEAT_OK) {
        status = cleat_resource_new(all.list, all.count, url, out);
    }
    attributes_deinit(&all);
    cleat__free(url);
    return status;
}

/* Not interned: peers may have any number of scopes, and interned ones stay for ever. */
static cleat_status make_scope(const message *from, cleat__source *source)
{
    attributes all = {NULL, 0};
    cleat_instrumentation_scope *scope = &source->own_scope;
    cleat__wire_reader reader = cleat__wire_reader_of(from->scope);
    cleat__wire_field field;
    while (cleat__wire_next(&reader, &field)) {
        if (field.number == CLEAT__SCOPE_NAME && field.wire == CLEAT__WIRE_BYTES) {
            scope->name = field.bytes;
        } else if (field.number == CLEAT__SCOPE_VERSION && field.wire == CLEAT__WIRE_BYTES) {
            scope->version = field.bytes;
        }
    }
    cleat_status status = read_attributes(from->scope, CLEAT__SCOPE_ATTRIBUTES, &all);
    if (status != CLEAT_OK) {
        attributes_deinit(&all);
        return status;
    }
    scope->schema_url = from->scope_url;
    scope->attributes = all.list;
    scope->attribute_count = all.count;
    source->scope = scope;
    return CLEAT_OK;
}

static void free_source(cleat__source *source)
{
    attributes all = {(cleat_attribute *)(uintptr_t)source->own_scope.attributes,
                      source->own_scope.attribute_count};
    attributes_deinit(&all);
    cleat_resource_release(source->resource);
    cleat__free(source);
}

/* ---- The list ---- */

static cleat_slice resource_part(const cleat__source *source)
{
    return (cleat_slice){source->content, source->resource_size};
}

/* Leaves out what cannot be read. */
static cleat_status decode(cleat__source_list *list, cleat__source *source)
{
    message parsed;
    cleat_status status = CLEAT_OK;
    if (!parse((cleat_slice){source->content, source->size}, &parsed)) {
        return CLEAT_OK;
    }
    source->resource_size = parsed.resource_size;
    if (parsed.has_resource) {
        const cleat__source *like = cleat__map_get(&list->by_resource, resource_part(source));
        if (like != NULL) {
            source->resource = cleat_resource_retain(like->resource);
        } else {
            status = make_resource(&parsed, &source->resource);
        }
        if (status == CLEAT_OK && like == NULL) {
            status = cleat__map_put(&list->by_resource, resource_part(source), source);
        }
        source->service_name = cleat__source_service_name(source->resource);
    }
    if (parsed.has_scope && (status == CLEAT_OK || status == CLEAT_INVALID_ARGUMENT)) {
        status = make_scope(&parsed, source);
    }
    return status == CLEAT_INVALID_ARGUMENT ? CLEAT_OK : status;
}

static cleat__source *new_source(int64_t id, cleat_slice content)
{
    cleat__source *source = cleat__calloc(1, sizeof(*source) + content.size);
    if (source != NULL) {
        source->id = id;
        source->size = content.size;
        if (content.size != 0) {
            memcpy(source->content, content.data, content.size);
        }
    }
    return source;
}

static cleat_status load(cleat__store *store, int64_t id, cleat__source **out)
{
    static const char sql[] = "SELECT content FROM span_source WHERE id = ?1";
    sqlite3_stmt *stmt = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &stmt);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(stmt, 1, id);
    int code = sqlite3_step(stmt);
    *out = new_source(id, code == SQLITE_ROW ? cleat__column_bytes(stmt, 0) : (cleat_slice){"", 0});
    status = cleat__store_rows_end(store, stmt, code, reading);
    return status == CLEAT_OK && *out == NULL ? cleat__fail_memory() : status;
}

static cleat_slice id_key(const int64_t *id)
{
    return (cleat_slice){(const char *)id, sizeof(*id)};
}

cleat_status cleat__source_list_get(cleat__source_list *list, cleat__store *store, int64_t id,
                                    const cleat__source **out)
{
    cleat__source *source = NULL;
    if (list->last == NULL || list->last->id != id) {
        list->last = cleat__map_get(&list->by_id, id_key(&id));
    }
    *out = list->last;
    if (*out != NULL) {
        return CLEAT_OK;
    }
    cleat_status status = load(store, id, &source);
    if (status == CLEAT_OK) {
        status = cleat__map_put(&list->by_id, id_key(&source->id), source);
    }
    if (status != CLEAT_OK) {
        cleat__free(source);
        return status;
    }
    *out = list->last = source;
    return decode(list, source);
}

void cleat__source_list_deinit(cleat__source_list *list)
{
    cleat__source *source;
    size_t cursor = 0;
    while ((source = cleat__map_next(&list->by_id, &cursor)) != NULL) {
        free_source(source);
    }
    cleat__map_deinit(&list->by_id);
    cleat__map_deinit(&list->by_resource);
}
