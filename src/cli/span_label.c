#include "span_label.h"

static const char prefix[] = "hatchet.";

bool cleat__span_name_has_task(cleat_slice name, cleat_slice task)
{
    return name.size >= task.size && memcmp(name.data + (name.size - task.size), task.data, task.size) == 0;
}

static bool is_prefixed(cleat_slice name)
{
    return name.size >= sizeof(prefix) && memcmp(name.data, prefix, sizeof(prefix) - 1) == 0;
}

cleat_slice cleat__span_name_shorten(cleat_slice name)
{
    if (is_prefixed(name)) {
        name.data += sizeof(prefix) - 1;
        name.size -= sizeof(prefix) - 1;
    }
    return name;
}

void cleat__span_label_read(const cleat_span_view *span, bool short_names, cleat__span_label *out)
{
    cleat_value retry;
    memset(out, 0, sizeof(*out));
    out->name = span->name;
    cleat_slice task = cleat__span_task(span, out->task);
    if (task.size > 0 && cleat__span_name_has_task(span->name, task)) {
        out->task[0] = '\0';
    }
    if (task.size > 0 && span->kind == CLEAT_SPAN_KIND_CONSUMER) {
        out->key = cleat__span_string(span, "hatchet.child_workflow_key");
        if (cleat_span_view_attribute(span, "hatchet.retry_count", &retry) && retry.type == CLEAT_VALUE_INT &&
            retry.as.integer > 0) {
            out->attempt = retry.as.integer + 1;
        }
    }
    if (short_names) {
        out->name = cleat__span_name_shorten(out->name);
    }
}

bool cleat__span_label_alike(const cleat__span_label *a, const cleat__span_label *b)
{
    return cleat_slice_equals(a->name, b->name) && strcmp(a->task, b->task) == 0;
}

static bool begins_with(cleat_slice text, const char *begin)
{
    size_t size = strlen(begin);
    return text.size >= size && memcmp(text.data, begin, size) == 0;
}

cleat__span_pace cleat__span_pace_of(const cleat_span_view *span)
{
    static const char *const asleep[] = {"hatchet.engine.retry_backoff", "hatchet.engine.schedule_delay",
                                         "hatchet.engine.durable_", "hatchet.durable.wait_for"};
    if (begins_with(span->name, "hatchet.engine.queued")) {
        return CLEAT__SPAN_QUEUED;
    }
    for (size_t i = 0; i < sizeof(asleep) / sizeof(*asleep); i++) {
        if (begins_with(span->name, asleep[i])) {
            return CLEAT__SPAN_ASLEEP;
        }
    }
    return CLEAT__SPAN_WORKS;
}

const char *cleat__span_kind_name(cleat_span_kind kind)
{
    static const char *const names[] = {"internal", "internal", "server", "client", "producer", "consumer"};
    return (size_t)kind < sizeof(names) / sizeof(*names) ? names[kind] : "?";
}

const char *cleat__span_status_name(cleat_span_status status)
{
    return status == CLEAT_SPAN_STATUS_OK ? "ok" : status == CLEAT_SPAN_STATUS_ERROR ? "error" : "";
}
