#include "trace_json.h"

#include "base/alloc.h"
#include "json_writer.h"
#include "link_list.h"
#include "message.h"
#include "otlp/json.h"

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static void begin_group(cleat__json_writer *writer, const cleat__tree_span *span)
{
    const cleat_attribute service = cleat_attribute_string("service.name", span->service);
    const cleat_instrumentation_scope scope = {.name = cleat_slice_of(span->scope)};
    cleat__buffer json = {0};
    cleat__writer_begin_object(writer, NULL);
    cleat__writer_begin_object(writer, "resource");
    cleat__json_attributes(&json, &service, span->service != NULL ? 1 : 0);
    cleat__writer_raw(writer, "attributes", cleat__buffer_slice(&json));
    cleat__writer_end_object(writer);
    cleat__writer_begin_array(writer, "scopeSpans");
    cleat__writer_begin_object(writer, NULL);
    cleat__buffer_clear(&json);
    cleat__json_scope(&json, &scope);
    cleat__writer_raw(writer, "scope", cleat__buffer_slice(&json));
    cleat__writer_begin_array(writer, "spans");
    cleat__buffer_deinit(&json);
}

static void end_group(cleat__json_writer *writer)
{
    cleat__writer_end_array(writer);
    cleat__writer_end_object(writer);
    cleat__writer_end_array(writer);
    cleat__writer_end_object(writer);
}

/* One group per service and scope, in the order of their first spans. */
static cleat_status groups_to_json(cleat__json_writer *writer, const cleat__trace_tree *tree)
{
    cleat__buffer json = {0};
    bool *written = cleat__calloc((size_t)tree->count, sizeof(*written));
    if (written == NULL) {
        return CLEAT_NO_MEMORY;
    }
    cleat__writer_begin_array(writer, "resourceSpans");
    for (int32_t i = 0; i < tree->count; i++) {
        const cleat__tree_span *first = &tree->spans[i];
        if (written[i]) {
            continue;
        }
        begin_group(writer, first);
        for (int32_t j = i; j < tree->count; j++) {
            const cleat__tree_span *span = &tree->spans[j];
            if (!written[j] && same_text(span->service, first->service) &&
                same_text(span->scope, first->scope)) {
                cleat__buffer_clear(&json);
                cleat__json_span(&json, &span->view);
                cleat__writer_raw(writer, NULL, cleat__buffer_slice(&json));
                written[j] = true;
            }
        }
        end_group(writer);
    }
    cleat__writer_end_array(writer);
    cleat__buffer_deinit(&json);
    cleat__free(written);
    return CLEAT_OK;
}

int cleat__trace_print_json(cleat__store *store, const cleat__trace_tree *tree)
{
    cleat__json_writer writer = {0};
    cleat__writer_begin_object(&writer, NULL);
    cleat_status status = groups_to_json(&writer, tree);
    if (status == CLEAT_OK) {
        status = cleat__links_to_json(&writer, store, &tree->trace_id);
    }
    cleat__writer_end_object(&writer);
    if (status != CLEAT_OK) {
        cleat__buffer_deinit(&writer.out);
        return cleat__complain_status(status);
    }
    return cleat__writer_print(&writer);
}
