/* Records come from disks and peers: whatever the bytes are, reading and printing them is safe. */
#include "base/buffer.h"
#include "otlp/json.h"

#include <cleat/trace.h>

static void read_value(const cleat_value *value)
{
    cleat_value element;
    for (size_t i = 0; i < 4 && cleat_value_element(value, i, &element); i++) {
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleat_span_view view;
    cleat_attribute attribute;
    cleat_event_view event;
    cleat_link_view link;
    cleat__buffer json = {0};
    size_t cursor = 0, inner;
    if (cleat_span_view_read((cleat_slice){(const char *)data, size}, &view) != CLEAT_OK) {
        /* A view that somebody made up around such bytes is safe to iterate, too. */
        view = (cleat_span_view){.record = {(const char *)data, size}};
    }
    while (cleat_span_view_next_attribute(&view, &cursor, &attribute)) {
        read_value(&attribute.value);
    }
    for (cursor = 0; cleat_span_view_next_event(&view, &cursor, &event);) {
        for (inner = 0; cleat_event_view_next_attribute(&event, &inner, &attribute);) {
            read_value(&attribute.value);
        }
    }
    for (cursor = 0; cleat_span_view_next_link(&view, &cursor, &link);) {
        for (inner = 0; cleat_link_view_next_attribute(&link, &inner, &attribute);) {
            read_value(&attribute.value);
        }
    }
    cleat__json_span(&json, &view);
    cleat__buffer_deinit(&json);
    return 0;
}
