#include "trace_json.h"

#include "base/alloc.h"
#include "base/error.h"
#include "json_writer.h"
#include "link_list.h"
#include "message.h"
#include "otlp/json.h"
#include "trace/batch.h"

/* As an exporter would get the trace: grouped by resource and scope, in the order of their first spans. */
static cleat_status tree_to_json(cleat__buffer *json, const cleat__trace_tree *tree)
{
    cleat__batch_entry *entries = cleat__calloc((size_t)tree->count, sizeof(*entries));
    if (entries == NULL) {
        return cleat__fail_memory();
    }
    for (int32_t i = 0; i < tree->count; i++) {
        const cleat_span_view *view = &tree->spans[i].view;
        entries[i].data = (const uint8_t *)view->record.data;
        entries[i].size = (uint32_t)view->record.size;
        entries[i].resource = view->resource;
        entries[i].scope = view->scope;
    }
    const cleat_span_batch batch = {.entries = entries, .count = (size_t)tree->count};
    cleat__json_batch(json, &batch);
    cleat__free(entries);
    return json->failed ? cleat__fail_memory() : CLEAT_OK;
}

/* The document has one member, to which others are to be added. */
static cleat_slice inside(const cleat__buffer *json, const char *head)
{
    cleat_slice text = cleat__buffer_slice(json);
    size_t skipped = strlen(head);
    return (cleat_slice){text.data + skipped, text.size - skipped - 1};
}

int cleat__trace_print_json(cleat__store *store, const cleat__trace_tree *tree)
{
    cleat__json_writer writer = {0};
    cleat__buffer spans = {0};
    cleat__writer_begin_object(&writer, NULL);
    cleat_status status = tree_to_json(&spans, tree);
    if (status == CLEAT_OK) {
        cleat__writer_raw(&writer, "resourceSpans", inside(&spans, "{\"resourceSpans\":"));
        status = cleat__links_to_json(&writer, store, tree->tenant, &tree->trace_id);
    }
    cleat__buffer_deinit(&spans);
    cleat__writer_end_object(&writer);
    if (status != CLEAT_OK) {
        cleat__buffer_deinit(&writer.out);
        return cleat__complain_status(status);
    }
    return cleat__writer_print(&writer);
}
