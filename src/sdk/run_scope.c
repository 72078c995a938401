#include "sdk/instrumentor.h"

#include "base/alloc.h"

const cleat_context_key cleat__run_scope_key = {"cleat run"};

static bool is_propagated(const cleat_attribute *attribute)
{
    static const char prefix[] = "hatchet.";
    return attribute->key.size > sizeof prefix - 1 &&
           memcmp(attribute->key.data, prefix, sizeof prefix - 1) == 0;
}

static size_t string_size(const cleat_attribute *attribute)
{
    return attribute->value.type == CLEAT_VALUE_STRING ? attribute->value.as.string.size : 0;
}

/* One block: the scope, the attributes, their strings. Keys are literals. */
cleat__run_scope *cleat__run_scope_new(const cleat__span_attributes *attributes)
{
    size_t count = 0;
    size_t bytes = 0;
    for (size_t i = 0; i < attributes->count; i++) {
        if (is_propagated(&attributes->items[i])) {
            count++;
            bytes += string_size(&attributes->items[i]);
        }
    }
    cleat__run_scope *scope = cleat__malloc(sizeof *scope + count * sizeof(cleat_attribute) + bytes);
    if (scope == NULL) {
        return NULL;
    }
    memset(scope, 0, sizeof *scope);
    cleat_attribute *to = (cleat_attribute *)(void *)(scope + 1);
    char *text = (char *)(to + count);
    scope->attributes = to;
    for (size_t i = 0; i < attributes->count; i++) {
        if (!is_propagated(&attributes->items[i])) {
            continue;
        }
        size_t size = string_size(&attributes->items[i]);
        *to = attributes->items[i];
        if (size > 0) {
            memcpy(text, to->value.as.string.data, size);
            to->value.as.string.data = text;
            text += size;
        }
        to++;
        scope->attribute_count++;
    }
    return scope;
}

void cleat__run_scope_free(void *self)
{
    cleat__run_scope *scope = self;
    if (scope != NULL) {
        cleat_baggage_release(scope->arrived);
        cleat__free(scope);
    }
}

cleat__run_scope *cleat__run_scope_of(const cleat_context *context)
{
    return context != NULL ? cleat_context_value(context, &cleat__run_scope_key) : NULL;
}
