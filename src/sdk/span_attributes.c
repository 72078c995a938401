#include "sdk/instrumentor.h"

#include "base/alloc.h"
#include "base/error.h"

#define PREFIX "hatchet."

/* ---- Lists ---- */

bool cleat__attribute_is_excluded(const cleat__instrumentor_settings *settings, const char *key)
{
    const char *name = strncmp(key, PREFIX, strlen(PREFIX)) == 0 ? key + strlen(PREFIX) : key;
    for (size_t i = 0; i < settings->excluded_count; i++) {
        if (strcmp(settings->excluded[i], name) == 0) {
            return true;
        }
    }
    return false;
}

void cleat__span_attributes_init(cleat__span_attributes *attributes,
                                 const cleat__instrumentor_settings *settings)
{
    attributes->settings = settings;
    attributes->count = 1;
    attributes->items[0] = cleat_attribute_string("instrumentor", "hatchet");
}

static void add(cleat__span_attributes *attributes, cleat_attribute item)
{
    if (attributes->count < CLEAT__SPAN_ATTRIBUTES_MAX &&
        !cleat__attribute_is_excluded(attributes->settings, item.key.data)) {
        attributes->items[attributes->count++] = item;
    }
}

void cleat__span_attributes_add(cleat__span_attributes *attributes, const char *key, cleat_slice value)
{
    if (value.size > 0) {
        add(attributes, cleat_attribute_slice(key, value));
    }
}

void cleat__span_attributes_add_int(cleat__span_attributes *attributes, const char *key, int64_t value)
{
    add(attributes, cleat_attribute_int(key, value));
}

void cleat__span_attributes_add_bool(cleat__span_attributes *attributes, const char *key, bool value)
{
    add(attributes, cleat_attribute_bool(key, value));
}

void cleat__span_attributes_add_json(cleat__span_attributes *attributes, const char *key, cleat_slice value)
{
    static const char *const empty[] = {"null", "{}", "[]", "\"\""};
    for (size_t i = 0; i < sizeof empty / sizeof empty[0]; i++) {
        if (cleat_slice_equals(value, cleat_slice_of(empty[i]))) {
            return;
        }
    }
    cleat__span_attributes_add(attributes, key, value);
}

cleat_slice cleat__action_workflow_name(const char *action)
{
    const char *colon = strrchr(action, ':');
    return colon != NULL ? (cleat_slice){action, (size_t)(colon - action)} : cleat_slice_of(action);
}

cleat_slice cleat__action_step_name(const char *action)
{
    const char *colon = strrchr(action, ':');
    return cleat_slice_of(colon != NULL ? colon + 1 : action);
}

void cleat__span_fail(cleat_span span, cleat_status status, const char *message)
{
    if (cleat_span_is_recording(span)) {
        (void)cleat_span_record_exception(span, cleat_status_name(status), message, NULL, NULL, 0);
        (void)cleat_span_set_status(span, CLEAT_SPAN_STATUS_ERROR, message);
    }
}

/* ---- Propagation ---- */

/* The parent context says whose span it is; a span with another parent that is started while a
 * task's context is current (a new root, say) belongs to the task as well. */
static void processor_on_start(cleat_span_processor *self, cleat_span span, const cleat_context *parent)
{
    (void)self;
    const cleat__run_scope *scope = cleat__run_scope_of(parent);
    if (scope == NULL) {
        scope = cleat__run_scope_of(cleat_context_current());
    }
    for (size_t i = 0; scope != NULL && i < scope->attribute_count; i++) {
        if (!cleat_span_has_attribute(span, scope->attributes[i].key)) {
            (void)cleat_span_set_attribute(span, &scope->attributes[i]);
        }
    }
}

static void processor_free(cleat_span_processor *self)
{
    cleat__free(self);
}

cleat_status cleat__attribute_processor_new(cleat_span_processor **out)
{
    cleat_span_processor *processor = cleat__calloc(1, sizeof *processor);
    if (processor == NULL) {
        return cleat__fail_memory();
    }
    processor->on_start = processor_on_start;
    processor->free = processor_free;
    *out = processor;
    return CLEAT_OK;
}
