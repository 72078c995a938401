/* What a span of the instrumentor is about. */
#include "collector/collector.h"

#include <stdio.h>

cleat_slice cleat__span_string(const cleat_span_view *span, const char *key)
{
    cleat_value value;
    if (!cleat_span_view_attribute(span, key, &value) || value.type != CLEAT_VALUE_STRING) {
        return (cleat_slice){NULL, 0};
    }
    return value.as.string;
}

static bool is_named(const cleat_span_view *span, const char *name)
{
    return cleat_slice_equals(span->name, cleat_slice_of(name));
}

static bool begins_with(cleat_slice text, const char *prefix)
{
    size_t size = strlen(prefix);
    return text.size >= size && memcmp(text.data, prefix, size) == 0;
}

bool cleat__span_is_execution(const cleat_span_view *span)
{
    /* and perhaps ".<action>", or a short name */
    return begins_with(span->name, "hatchet.start_step_run") ||
           begins_with(span->name, "workflow.execute ") ||
           (begins_with(span->name, "step.execute ") && span->kind == CLEAT_SPAN_KIND_CONSUMER);
}

/* Other spans of a run have its attributes too, by attribute propagation; they are not about it. */
cleat_slice cleat__span_task(const cleat_span_view *span, char out[CLEAT__SPAN_TASK_SIZE])
{
    const cleat_slice absent = {NULL, 0};
    cleat_slice workflow = absent, task = absent;
    int size = 0;
    out[0] = '\0';
    if (cleat__span_is_execution(span)) {
        task = cleat__span_string(span, "hatchet.action_name");
    } else if (is_named(span, "hatchet.run_workflow") || is_named(span, "hatchet.schedule_workflow")) {
        workflow = cleat__span_string(span, "hatchet.workflow_name");
        task = cleat__span_string(span, "hatchet.step_name");
    }
    if (task.size == 0) {
        return absent;
    }
    if (workflow.size > 0 && memchr(task.data, ':', task.size) == NULL) {
        size = snprintf(out, CLEAT__SPAN_TASK_SIZE, "%.*s:", CLEAT_SLICE_ARGS(workflow));
    }
    if (size >= 0 && size < CLEAT__SPAN_TASK_SIZE) {
        size += snprintf(out + size, CLEAT__SPAN_TASK_SIZE - (size_t)size, "%.*s", CLEAT_SLICE_ARGS(task));
    }
    return cleat_slice_of(out);
}

cleat_slice cleat__span_task_of_row(cleat_slice name, cleat_slice record, char out[CLEAT__SPAN_TASK_SIZE])
{
    cleat_span_view view;
    bool may_have_one = begins_with(name, "hatchet.") || begins_with(name, "workflow.execute ") ||
                        begins_with(name, "step.execute ");
    return may_have_one && cleat_span_view_read(record, &view) == CLEAT_OK ? cleat__span_task(&view, out)
                                                                           : (cleat_slice){NULL, 0};
}
