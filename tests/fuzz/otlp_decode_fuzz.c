/*
 * Records, requests, responses and values come from disks and peers: the input is read as each of
 * them. What is accepted is whole (iterators find what was counted), is JSON when printed, and can be
 * recorded again.
 */
#include "base/buffer.h"
#include "otlp/json.h"
#include "otlp/json_reader.h"
#include "otlp/received.h"
#include "otlp/request.h"
#include "support/otlp_reader.h"
#include "trace/any_value.h"
#include "trace/attribute_set.h"

#include <jansson.h>
#include <stdlib.h>

static void check(bool condition)
{
    if (!condition) {
        abort();
    }
}

static void check_json(cleat__buffer *json)
{
    json_error_t error;
    cleat_slice text = cleat__buffer_slice(json);
    json_t *parsed =
        json_loadb(text.data, text.size, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    check(parsed != NULL);
    json_decref(parsed);
    cleat__buffer_deinit(json);
}

/* ---- Values ---- */

/* Elements of a whole array are all there; one whose bytes are malformed behind them is not whole. */
static void read_elements(const cleat_value *value)
{
    cleat_value element;
    if (value->type < CLEAT_VALUE_STRING_ARRAY) {
        return;
    }
    for (size_t i = 0; i < value->count && i < 8; i++) {
        check(cleat_value_element(value, i, &element));
        check(element.type == value->type - (CLEAT_VALUE_STRING_ARRAY - CLEAT_VALUE_STRING));
    }
    check(!cleat_value_element(value, value->count, &element));
}

/* Attributes read, as those of a new span. */
static void record_again(cleat__attribute_set *set, const cleat_attribute *attribute)
{
    static const cleat__attribute_limits limits = {128, 1000};
    cleat_status status = cleat__attribute_set_put(set, attribute->key, &attribute->value, &limits);
    check(status == CLEAT_OK || status == CLEAT_RESOURCE_EXHAUSTED || status == CLEAT_INVALID_ARGUMENT);
}

static void check_recorded(cleat__attribute_set *set)
{
    cleat_span_view view;
    check(cleat_span_view_read((cleat_slice){(const char *)set->data, set->size}, &view) == CLEAT_OK);
    check(view.attribute_count == set->count);
    cleat__attribute_set_deinit(set);
}

static void read_value(cleat_slice input)
{
    cleat_value value;
    cleat__buffer json = {0};
    if (!cleat__any_value_read(input, &value)) {
        return;
    }
    read_elements(&value);
    cleat__json_value(&json, &value);
    check_json(&json);
    cleat__attribute_set set = {.field = 9};
    record_again(&set, &(cleat_attribute){{"key", 3}, value});
    check_recorded(&set);
}

/* ---- Spans ---- */

static size_t read_events(const cleat_span_view *view, cleat__attribute_set *set)
{
    cleat_event_view event;
    cleat_attribute attribute;
    size_t count = 0;
    for (size_t cursor = 0; cleat_span_view_next_event(view, &cursor, &event); count++) {
        for (size_t inner = 0; cleat_event_view_next_attribute(&event, &inner, &attribute);) {
            read_elements(&attribute.value);
            record_again(set, &attribute);
        }
    }
    return count;
}

static size_t read_links(const cleat_span_view *view, cleat__attribute_set *set)
{
    cleat_link_view link;
    cleat_attribute attribute;
    size_t count = 0;
    for (size_t cursor = 0; cleat_span_view_next_link(view, &cursor, &link); count++) {
        check(link.context.trace_state_size <= CLEAT_TRACE_STATE_MAX);
        for (size_t inner = 0; cleat_link_view_next_attribute(&link, &inner, &attribute);) {
            read_elements(&attribute.value);
            record_again(set, &attribute);
        }
    }
    return count;
}

static bool read_span(void *user_data, const otlp_place *place, cleat_slice input)
{
    cleat_span_view view;
    cleat_attribute attribute;
    cleat__attribute_set set = {.field = 9};
    cleat__buffer json = {0};
    size_t attributes = 0;
    bool is_whole = cleat_span_view_read(input, &view) == CLEAT_OK;
    (void)user_data;
    (void)place;
    if (!is_whole) { /* a view that somebody made up around such bytes is safe to iterate, too */
        view = (cleat_span_view){.record = input};
    }
    for (size_t cursor = 0; cleat_span_view_next_attribute(&view, &cursor, &attribute); attributes++) {
        read_elements(&attribute.value);
        record_again(&set, &attribute);
    }
    size_t events = read_events(&view, &set), links = read_links(&view, &set);
    check(!is_whole ||
          (attributes == view.attribute_count && events == view.event_count && links == view.link_count));
    check_recorded(&set);
    cleat__json_span(&json, &view);
    check_json(&json);
    return true;
}

/* ---- Requests and responses ---- */

static void read_response(cleat_slice input)
{
    cleat__otlp_response response;
    if (cleat__otlp_response_read(input, &response) && response.error_message.size != 0) {
        const char *begin = response.error_message.data;
        check(begin >= input.data && begin + response.error_message.size <= input.data + input.size);
    }
    cleat_slice partial = cleat__json_member(input, "partialSuccess");
    cleat_slice message = cleat__json_text(cleat__json_member(partial, "errorMessage"));
    int64_t rejected = 0;
    check(!cleat__json_int(cleat__json_member(partial, "rejectedSpans"), &rejected) || rejected >= 0);
    check(message.size == 0 ||
          (message.data >= input.data && message.data + message.size <= input.data + input.size));
}

/* What a receiver takes of a request can be read to the end, and is what there is in it. */
static void receive(cleat_slice input)
{
    static const cleat__otlp_limits limits = {.max_spans = 20, .max_attributes = 8, .max_depth = 3};
    cleat__otlp_received *received = NULL;
    cleat__buffer body = {0};
    cleat__buffer_append_slice(&body, input);
    cleat_status status = cleat__otlp_received_new(&body, &limits, &received);
    check(body.data == NULL && (status == CLEAT_OK) == (received != NULL));
    if (received == NULL) {
        return;
    }
    cleat_span_view view;
    size_t count = 0;
    for (size_t cursor = 0; cleat_span_batch_next(&received->batch, &cursor, &view); count++) {
        check(cleat_trace_id_is_valid(&view.trace_id) && cleat_span_id_is_valid(&view.span_id));
        read_span(NULL, NULL, view.record);
    }
    check(count == cleat_span_batch_count(&received->batch) && count <= 20);
    check((received->rejected_spans != 0) == (received->error_message != NULL));
    cleat__otlp_received_release(received);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const cleat_slice input = {(const char *)data, size};
    read_value(input);
    read_span(NULL, NULL, input);
    otlp_request_visit(input, read_span, NULL);
    read_response(input);
    receive(input);
    return 0;
}
