#include "fields.h"

#include "base/alloc.h"

static char to_lower(char character)
{
    return character >= 'A' && character <= 'Z' ? (char)(character | 0x20) : character;
}

bool cleat__http_name_equals(cleat_slice a, cleat_slice b)
{
    if (a.size != b.size) {
        return false;
    }
    for (size_t i = 0; i < a.size; i++) {
        if (to_lower(a.data[i]) != to_lower(b.data[i])) {
            return false;
        }
    }
    return true;
}

typedef struct search {
    cleat__http_fields *fields;
    cleat_slice name;
    cleat_slice first;          /* the first value; it stands by itself until there is a second */
    cleat__http_joined *joined; /* NULL until then */
    bool failed;
} search;

static cleat__http_joined *begin_joined(cleat__http_fields *fields, cleat_slice first)
{
    cleat__http_joined *joined = cleat__calloc(1, sizeof(*joined));
    if (joined != NULL) {
        cleat__buffer_append_slice(&joined->text, first);
        joined->next = fields->joined;
        fields->joined = joined;
    }
    return joined;
}

static bool look_at(void *user_data, cleat_slice name, cleat_slice value)
{
    search *self = user_data;
    if (!cleat__http_name_equals(name, self->name)) {
        return true;
    }
    if (value.data == NULL) {
        value = cleat_slice_of("");
    }
    if (self->first.data == NULL) {
        self->first = value;
        return true;
    }
    if (self->joined == NULL) {
        self->joined = begin_joined(self->fields, self->first);
    }
    if (self->joined == NULL) {
        self->failed = true;
        return false;
    }
    cleat__buffer_append_byte(&self->joined->text, ',');
    cleat__buffer_append_slice(&self->joined->text, value);
    return true;
}

cleat_slice cleat__http_fields_get(cleat__http_fields *fields, const char *name)
{
    search found = {.fields = fields, .name = cleat_slice_of(name)};
    if (fields->source.visit == NULL || name == NULL) {
        return found.first;
    }
    fields->source.visit(fields->source.self, look_at, &found);
    if (found.joined == NULL && !found.failed) {
        return found.first;
    }
    /* Half of a header could pass for a whole one: without memory there is none. */
    bool is_whole = found.joined != NULL && !found.failed && !found.joined->text.failed;
    return is_whole ? cleat__buffer_slice(&found.joined->text) : (cleat_slice){NULL, 0};
}

static cleat_slice text_map_get(void *self, const char *key)
{
    return cleat__http_fields_get(self, key);
}

cleat_text_map cleat__http_fields_text_map(cleat__http_fields *fields)
{
    return (cleat_text_map){.self = fields, .get = text_map_get};
}

void cleat__http_fields_deinit(cleat__http_fields *fields)
{
    while (fields->joined != NULL) {
        cleat__http_joined *joined = fields->joined;
        fields->joined = joined->next;
        cleat__buffer_deinit(&joined->text);
        cleat__free(joined);
    }
}
