#include "trace_json.h"

#include "base/alloc.h"
#include "base/error.h"
#include "json_writer.h"
#include "link_list.h"
#include "message.h"
#include "otlp/json.h"
#include "trace/batch.h"

/* As an exporter would get the trace: grouped by resource and scope, in the order of their first spans. What cannot
 * be read is passed over. */
static cleat_status spans_to_json(cleat__buffer *json, const cleat__stitched *forest)
{
    cleat_span_batch batch = {.count = 0};
    cleat__batch_entry *entries = cleat__calloc((size_t)forest->span_count + 1, sizeof(*entries));
    if (entries == NULL) {
        return cleat__fail_memory();
    }
    for (int32_t i = 0; i < forest->span_count; i++) {
        const cleat_span_view *view = &forest->spans[i].view;
        if (view->record.size > 0) {
            entries[batch.count++] = (cleat__batch_entry){
                .data = (const uint8_t *)view->record.data,
                .size = (uint32_t)view->record.size,
                .resource = view->resource,
                .scope = view->scope,
            };
        }
    }
    batch.entries = entries;
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

int cleat__trace_print_json(cleat__store *store, const cleat__stitched *forest)
{
    cleat__json_writer writer = {0};
    cleat__buffer spans = {0};
    cleat__writer_begin_object(&writer, NULL);
    cleat_status status = spans_to_json(&spans, forest);
    if (status == CLEAT_OK) {
        cleat__writer_raw(&writer, "resourceSpans", inside(&spans, "{\"resourceSpans\":"));
        status = cleat__links_to_json(&writer, store, forest->tenant, &forest->traces[0].id);
    }
    cleat__buffer_deinit(&spans);
    cleat__writer_end_object(&writer);
    if (status != CLEAT_OK) {
        cleat__buffer_deinit(&writer.out);
        return cleat__complain_status(status);
    }
    return cleat__writer_print(&writer);
}
