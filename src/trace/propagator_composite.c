#include "base/alloc.h"
#include "base/error.h"
#include "trace/propagator.h"

static void composite_inject(const cleat_propagator *self, const cleat_context *context,
                             const cleat_text_map *carrier)
{
    const cleat__composite *composite = (const cleat__composite *)self;
    for (size_t i = 0; i < composite->count; i++) {
        composite->list[i]->inject(composite->list[i], context, carrier);
    }
}

static cleat_context *composite_extract(const cleat_propagator *self, const cleat_context *context,
                                        const cleat_text_map *carrier)
{
    const cleat__composite *composite = (const cleat__composite *)self;
    cleat_context *made = cleat_context_retain(context);
    for (size_t i = 0; i < composite->count; i++) {
        cleat_context *before = made;
        made = composite->list[i]->extract(composite->list[i], before, carrier);
        cleat_context_release(before);
    }
    return made;
}

static const char *const *composite_fields(const cleat_propagator *self)
{
    return ((const cleat__composite *)self)->fields;
}

void cleat__composite_init(cleat__composite *composite, const cleat_propagator *const *list, size_t count,
                           const char *const *fields)
{
    composite->base = (cleat_propagator){composite_inject, composite_extract, composite_fields, NULL};
    composite->list = list;
    composite->count = count;
    composite->fields = fields;
}

static bool has_field(const char *const *fields, size_t count, const char *field)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(fields[i], field) == 0) {
            return true;
        }
    }
    return false;
}

void cleat__composite_fields(const cleat_propagator *const *list, size_t count, const char **fields)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        for (const char *const *field = list[i]->fields(list[i]); *field != NULL; field++) {
            if (!has_field(fields, found, *field)) {
                fields[found++] = *field;
            }
        }
    }
    fields[found] = NULL;
}

/* As many as there can be, without the NULL; SIZE_MAX where one of the list is no propagator. */
static size_t count_fields(const cleat_propagator *const *list, size_t count)
{
    size_t fields = 0;
    for (size_t i = 0; i < count; i++) {
        const cleat_propagator *each = list[i];
        if (each == NULL || each->inject == NULL || each->extract == NULL || each->fields == NULL) {
            return SIZE_MAX;
        }
        for (const char *const *field = each->fields(each); *field != NULL; field++) {
            fields++;
        }
    }
    return fields;
}

static void composite_free(cleat_propagator *self)
{
    cleat__free(self);
}

cleat_status cleat_propagator_composite_new(const cleat_propagator *const *list, size_t count,
                                            cleat_propagator **out)
{
    if (out == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "a composite propagator needs a place to go");
    }
    *out = NULL;
    size_t fields = list != NULL || count == 0 ? count_fields(list, count) : SIZE_MAX;
    if (fields == SIZE_MAX) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT,
                           "each propagator of a composite needs inject, extract and fields");
    }
    /* One block: the composite, its list, its fields. */
    cleat__composite *made = cleat__malloc(sizeof(*made) + (count + fields + 1) * sizeof(void *));
    if (made == NULL) {
        return cleat__fail_memory();
    }
    const cleat_propagator **list_copy = (const cleat_propagator **)(made + 1);
    const char **field_copy = (const char **)(list_copy + count);
    if (count != 0) {
        memcpy(list_copy, list, count * sizeof(list[0]));
    }
    cleat__composite_fields(list, count, field_copy);
    cleat__composite_init(made, list_copy, count, field_copy);
    made->base.free = composite_free;
    *out = &made->base;
    return CLEAT_OK;
}
