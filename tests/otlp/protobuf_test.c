/*
 * What goes into records and requests is, byte for byte, what protobuf-c packs for the same spans:
 * random spans are made through the public API, unpacked by protobuf-c, compared with what was asked
 * for, and packed again.
 *
 *     CLEAT_SEEDS=n   how many seeds (default 400; fewer under a sanitizer), 16 spans each
 *     CLEAT_SEED=n    this one only
 */
#include "base/buffer.h"
#include "otlp/request.h"
#include "support/asked_span.h"
#include "support/sanitizer.h"
#include "support/seeds.h"
#include "trace/batch.h"
#include "trace/sdk_test.h"

#include <inttypes.h>
#include <math.h>
#include <opentelemetry/proto/collector/trace/v1/trace_service.pb-c.h>

typedef Opentelemetry__Proto__Common__V1__AnyValue any_value;
typedef Opentelemetry__Proto__Common__V1__KeyValue key_value;
typedef Opentelemetry__Proto__Trace__V1__Span pb_span;
typedef Opentelemetry__Proto__Trace__V1__Span__Event pb_event;
typedef Opentelemetry__Proto__Trace__V1__Span__Link pb_link;
typedef Opentelemetry__Proto__Trace__V1__ResourceSpans pb_resource_spans;
typedef Opentelemetry__Proto__Trace__V1__ScopeSpans pb_scope_spans;
typedef Opentelemetry__Proto__Collector__Trace__V1__ExportTraceServiceRequest pb_request;

enum { SPANS_PER_SEED = 16 };

static uint64_t seed;

#define FAIL(format, ...) \
    fail_msg("seed %" PRIu64 " (again with CLEAT_SEED=%" PRIu64 "): " format, seed, seed, __VA_ARGS__)
#define CHECK(condition)                    \
    do {                                    \
        if (!(condition)) {                 \
            FAIL("not so: %s", #condition); \
        }                                   \
    } while (0)

static bool text_is(const char *text, cleat_slice expected)
{
    return cleat_slice_equals(cleat_slice_of(text), expected);
}

static bool bytes_are(ProtobufCBinaryData bytes, const void *expected, size_t size)
{
    return bytes.len == size && (size == 0 || memcmp(bytes.data, expected, size) == 0);
}

/* ---- Attributes ---- */

#define CASE(name) OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_##name

static bool scalar_is(const any_value *value, const cleat_value *expected)
{
    switch (expected->type) {
    case CLEAT_VALUE_STRING:
        return value->value_case == CASE(STRING_VALUE) && text_is(value->string_value, expected->as.string);
    case CLEAT_VALUE_BOOL:
        return value->value_case == CASE(BOOL_VALUE) && !value->bool_value == !expected->as.boolean;
    case CLEAT_VALUE_INT:
        return value->value_case == CASE(INT_VALUE) && value->int_value == expected->as.integer;
    case CLEAT_VALUE_DOUBLE: /* the bits, since NaN is not NaN and 0.0 is -0.0 */
        return value->value_case == CASE(DOUBLE_VALUE) &&
               memcmp(&value->double_value, &expected->as.real, sizeof(double)) == 0;
    default: return false;
    }
}

static bool value_is(const any_value *value, const cleat_value *expected)
{
    cleat_value element;
    if (expected->type < CLEAT_VALUE_STRING_ARRAY) {
        return scalar_is(value, expected);
    }
    if (value->value_case != CASE(ARRAY_VALUE) || value->array_value->n_values != expected->count) {
        return false;
    }
    for (size_t i = 0; i < expected->count; i++) {
        if (!cleat_value_element(expected, i, &element) ||
            !scalar_is(value->array_value->values[i], &element)) {
            return false;
        }
    }
    return true;
}

static void check_attributes(key_value *const *attributes, size_t count, uint32_t dropped,
                             const asked_attributes *expected)
{
    CHECK(count == expected->count);
    CHECK(dropped == expected->dropped);
    for (size_t i = 0; i < expected->count; i++) {
        size_t at = 0;
        while (at < count && !text_is(attributes[at]->key, expected->items[i].key)) {
            at++;
        }
        if (at == count || attributes[at]->value == NULL ||
            !value_is(attributes[at]->value, &expected->items[i].value)) {
            FAIL("attribute \"%.*s\" (type %d)", CLEAT_SLICE_ARGS(expected->items[i].key),
                 (int)expected->items[i].value.type);
        }
    }
}

/* ---- Spans ---- */

static void check_event(const pb_event *event, const asked_event *expected)
{
    CHECK(text_is(event->name, expected->name));
    CHECK(event->time_unix_nano == (uint64_t)expected->time_ns);
    check_attributes(event->attributes, event->n_attributes, event->dropped_attributes_count,
                     &expected->attributes);
}

static void check_link(const pb_link *link, const asked_link *expected)
{
    const cleat_span_context *context = &expected->context;
    CHECK(bytes_are(link->trace_id, context->trace_id.bytes, 16));
    CHECK(bytes_are(link->span_id, context->span_id.bytes, 8));
    CHECK(text_is(link->trace_state, (cleat_slice){context->trace_state, context->trace_state_size}));
    CHECK(link->flags == (context->trace_flags | 0x100u | (context->is_remote ? 0x200u : 0u)));
    check_attributes(link->attributes, link->n_attributes, link->dropped_attributes_count,
                     &expected->attributes);
}

static void check_status(const pb_span *span, const asked_span *expected)
{
    if (expected->status == CLEAT_SPAN_STATUS_UNSET) {
        CHECK(span->status == NULL);
        return;
    }
    CHECK(span->status != NULL);
    CHECK((int)span->status->code == (int)expected->status);
    CHECK(text_is(span->status->message, expected->status_message));
}

static void check_span(const pb_span *span, const asked_span *expected)
{
    static const cleat_span_id none;
    const cleat_span_context *context = &expected->context;
    bool is_root = memcmp(&expected->parent_span_id, &none, sizeof(none)) == 0;
    CHECK(bytes_are(span->trace_id, context->trace_id.bytes, 16));
    CHECK(bytes_are(span->span_id, context->span_id.bytes, 8));
    CHECK(bytes_are(span->parent_span_id, expected->parent_span_id.bytes, is_root ? 0 : 8));
    CHECK(text_is(span->trace_state, (cleat_slice){context->trace_state, context->trace_state_size}));
    CHECK(span->flags == expected->flags);
    CHECK(text_is(span->name, expected->name));
    CHECK((int)span->kind == (int)expected->kind);
    CHECK(span->start_time_unix_nano == (uint64_t)expected->start_time_ns);
    CHECK(span->end_time_unix_nano == (uint64_t)expected->end_time_ns);
    check_attributes(span->attributes, span->n_attributes, span->dropped_attributes_count,
                     &expected->attributes);
    check_status(span, expected);
    CHECK(span->dropped_events_count == expected->dropped_events);
    CHECK(span->n_events == expected->event_count);
    for (size_t i = 0; i < expected->event_count; i++) {
        check_event(span->events[i], &expected->events[i]);
    }
    CHECK(span->dropped_links_count == expected->dropped_links);
    CHECK(span->n_links == expected->link_count);
    for (size_t i = 0; i < expected->link_count; i++) {
        check_link(span->links[i], &expected->links[i]);
    }
}

static void check_packs_to(const ProtobufCMessage *message, cleat_slice expected, const char *what)
{
    uint8_t *packed = malloc(protobuf_c_message_get_packed_size(message) + 1);
    size_t size = protobuf_c_message_pack(message, packed), at = 0;
    while (at < size && at < expected.size && packed[at] == (uint8_t)expected.data[at]) {
        at++;
    }
    if (at != size || at != expected.size) {
        FAIL("a %s of %zu bytes, packed %zu, differs at byte %zu", what, expected.size, size, at);
    }
    free(packed);
}

static void check_record(cleat_slice record, const asked_span *expected)
{
    pb_span *span =
        opentelemetry__proto__trace__v1__span__unpack(NULL, record.size, (const uint8_t *)record.data);
    CHECK(span != NULL);
    CHECK(span->base.n_unknown_fields == 0);
    check_span(span, expected);
    check_packs_to(&span->base, record, "span");
    opentelemetry__proto__trace__v1__span__free_unpacked(span, NULL);
}

/* ---- Requests ---- */

/* A provider with a resource and two tracers. */
typedef struct source {
    cleat_tracer_provider *provider;
    cleat_span_exporter *exporter; /* the provider's */
    cleat_resource *resource;
    cleat_tracer *tracers[2];
    asked_list resource_attributes;
    asked_list scope_attributes; /* of the second tracer; the first has none */
    asked_span spans[SPANS_PER_SEED];
    size_t span_count;
} source;

static void start(asker *it, source *of, const char *schema_url)
{
    const cleat_clock clock = asker_clock(it);
    cleat_tracer_provider_options options = asker_provider_options(it, &clock);
    cleat_span_processor *processor = NULL;
    memset(of, 0, sizeof(*of));
    asker_attributes(it, 8, UINT32_MAX, UINT32_MAX, &of->resource_attributes);
    asker_attributes(it, 3, UINT32_MAX, UINT32_MAX, &of->scope_attributes);
    assert_int_equal(cleat_resource_new(of->resource_attributes.given, of->resource_attributes.given_count,
                                        schema_url, &of->resource),
                     CLEAT_OK);
    options.resource = of->resource;
    assert_int_equal(cleat_tracer_provider_new(&options, &of->provider), CLEAT_OK);
    assert_int_equal(cleat_memory_exporter_new(&of->exporter), CLEAT_OK);
    assert_int_equal(cleat_simple_processor_new(of->exporter, &processor), CLEAT_OK);
    assert_int_equal(cleat_tracer_provider_add_processor(of->provider, processor), CLEAT_OK);
    of->tracers[0] = cleat_tracer_provider_get_tracer(of->provider, "plain", NULL);
    of->tracers[1] = cleat_tracer_provider_get_tracer(
        of->provider, "full \xc3\xbc",
        CLEAT_TRACER_OPTIONS(.version = "1.2", .schema_url = "https://scope.example/1",
                             .attributes = of->scope_attributes.given,
                             .attribute_count = of->scope_attributes.given_count));
}

static void stop(source *of)
{
    cleat_tracer_provider_free(of->provider);
    cleat_resource_release(of->resource);
}

static void make_span(asker *it, source *of)
{
    asker_span(it, of->tracers[asker_below(it, 2)], &of->spans[of->span_count++]);
}

/* A batch whose entries lie one behind the other, but for a gap now and then. */
typedef struct made_batch {
    cleat_span_batch batch;
    cleat__batch_entry entries[SPANS_PER_SEED];
    const asked_span *asked[SPANS_PER_SEED];
    const source *of[SPANS_PER_SEED];
    uint8_t *memory;
} made_batch;

static void make_batch(asker *it, source *sources, size_t source_count, made_batch *out)
{
    size_t taken[2] = {0}, size = 0;
    cleat_span_view view;
    memset(out, 0, sizeof(*out));
    out->memory = malloc(64 << 20);
    out->batch.entries = out->entries;
    while (out->batch.count < SPANS_PER_SEED) {
        size_t from = asker_below(it, source_count);
        if (taken[from] == sources[from].span_count) {
            from = source_count - 1 - from;
        }
        if (taken[from] == sources[from].span_count) {
            break;
        }
        size_t index = taken[from]++, count = out->batch.count++;
        assert_true(cleat_memory_exporter_at(sources[from].exporter, index, &view));
        size += asker_chance(it, 4) ? 3 : 0;
        assert_true(size + view.record.size + CLEAT__BATCH_PREFIX_MAX < 64 << 20);
        cleat__batch_put(out->memory + size, view.record, &out->entries[count]);
        out->entries[count].resource = view.resource;
        out->entries[count].scope = view.scope;
        size += out->entries[count].size;
        out->asked[count] = &sources[from].spans[index];
        out->of[count] = &sources[from];
    }
}

static const asked_span *asked_of(const made_batch *batch, const pb_span *span)
{
    for (size_t i = 0; i < batch->batch.count; i++) {
        if (bytes_are(span->span_id, batch->asked[i]->context.span_id.bytes, 8)) {
            return batch->asked[i];
        }
    }
    FAIL("a span that nobody asked for: %s", span->name);
    return NULL;
}

static const source *source_of(const made_batch *batch, const pb_span *span)
{
    for (size_t i = 0; i < batch->batch.count; i++) {
        if (bytes_are(span->span_id, batch->asked[i]->context.span_id.bytes, 8)) {
            return batch->of[i];
        }
    }
    return NULL;
}

static void check_scope_spans(const made_batch *batch, const pb_scope_spans *spans, const source *of)
{
    static const asked_attributes none;
    const bool is_full = strcmp(spans->scope->name, "plain") != 0;
    CHECK(!is_full || strcmp(spans->scope->name, "full \xc3\xbc") == 0);
    CHECK(strcmp(spans->scope->version, is_full ? "1.2" : "") == 0);
    CHECK(strcmp(spans->schema_url, is_full ? "https://scope.example/1" : "") == 0);
    check_attributes(spans->scope->attributes, spans->scope->n_attributes, 0,
                     is_full ? &of->scope_attributes.expected : &none);
    for (size_t i = 0; i < spans->n_spans; i++) {
        CHECK(source_of(batch, spans->spans[i]) == of);
        check_span(spans->spans[i], asked_of(batch, spans->spans[i]));
    }
}

static size_t check_resource_spans(const made_batch *batch, const pb_resource_spans *spans)
{
    size_t count = 0;
    CHECK(spans->n_scope_spans != 0 && spans->scope_spans[0]->n_spans != 0);
    const source *of = source_of(batch, spans->scope_spans[0]->spans[0]);
    CHECK(of != NULL);
    CHECK(text_is(spans->schema_url, cleat_resource_schema_url(of->resource)));
    check_attributes(spans->resource->attributes, spans->resource->n_attributes, 0,
                     &of->resource_attributes.expected);
    for (size_t i = 0; i < spans->n_scope_spans; i++) {
        check_scope_spans(batch, spans->scope_spans[i], of);
        count += spans->scope_spans[i]->n_spans;
    }
    return count;
}

/* All requests that the batch becomes when none may be larger than `max_size`. */
static void check_requests(const made_batch *batch, size_t max_size)
{
    cleat__otlp_request request = {0};
    cleat__buffer bytes = {0};
    size_t cursor = 0, total = 0;
    cleat_status status;
    while ((status = cleat__otlp_request_build(&request, &batch->batch, &cursor, max_size)) == CLEAT_OK) {
        cleat__buffer_clear(&bytes);
        for (size_t i = 0; i < request.piece_count; i++) {
            cleat__buffer_append_slice(&bytes, request.pieces[i]);
        }
        CHECK(bytes.size == request.size);
        CHECK(request.size <= max_size || request.span_count == 1);
        pb_request *message =
            opentelemetry__proto__collector__trace__v1__export_trace_service_request__unpack(NULL, bytes.size,
                                                                                             bytes.data);
        CHECK(message != NULL);
        size_t count = 0;
        for (size_t i = 0; i < message->n_resource_spans; i++) {
            count += check_resource_spans(batch, message->resource_spans[i]);
        }
        CHECK(count == request.span_count);
        total += count;
        check_packs_to(&message->base, cleat__buffer_slice(&bytes), "request");
        opentelemetry__proto__collector__trace__v1__export_trace_service_request__free_unpacked(message,
                                                                                                NULL);
    }
    CHECK(status == CLEAT_EMPTY);
    CHECK(total == batch->batch.count);
    cleat__otlp_request_deinit(&request);
    cleat__buffer_deinit(&bytes);
}

/* ---- Tests ---- */

static void for_each_seed(void (*check)(asker *it))
{
    uint64_t only = number_from("CLEAT_SEED", 0);
    uint64_t last = only != 0 ? only : number_from("CLEAT_SEEDS", UNDER_ADDRESS_SANITIZER ? 150 : 400);
    for (seed = only != 0 ? only : 1; seed <= last; seed++) {
        asker it;
        asker_init(&it, seed);
        check(&it);
        asker_deinit(&it);
    }
}

static void check_records_of_seed(asker *it)
{
    source from;
    cleat_span_view view;
    start(it, &from, NULL);
    for (size_t i = 0; i < SPANS_PER_SEED; i++) {
        make_span(it, &from);
    }
    CHECK(cleat_memory_exporter_count(from.exporter) == SPANS_PER_SEED);
    for (size_t i = 0; i < SPANS_PER_SEED; i++) {
        CHECK(cleat_memory_exporter_at(from.exporter, i, &view));
        check_record(view.record, &from.spans[i]);
    }
    stop(&from);
}

static void records_are_what_protobuf_packs(void **state)
{
    (void)state;
    for_each_seed(check_records_of_seed);
}

static void check_requests_of_seed(asker *it)
{
    source sources[2];
    made_batch batch;
    size_t size = 0;
    const size_t count = 1 + asker_below(it, 2);
    start(it, &sources[0], "https://resource.example/1");
    const cleat_span_limits limits = it->limits;
    if (count == 2) {
        start(it, &sources[1], NULL);
    }
    for (size_t i = 0; i < SPANS_PER_SEED; i++) {
        make_span(it, &sources[count - 1]);
    }
    it->limits = limits;
    for (size_t i = 0; count == 2 && i < SPANS_PER_SEED / 2; i++) {
        make_span(it, &sources[0]);
    }
    make_batch(it, sources, count, &batch);
    for (size_t i = 0; i < batch.batch.count; i++) {
        size += batch.entries[i].size;
    }
    check_requests(&batch, SIZE_MAX);
    check_requests(&batch, 1 + asker_below(it, size));
    check_requests(&batch, 1);
    free(batch.memory);
    for (size_t i = 0; i < count; i++) {
        stop(&sources[i]);
    }
}

static void requests_are_what_protobuf_packs(void **state)
{
    (void)state;
    for_each_seed(check_requests_of_seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_what_protobuf_packs),
        cmocka_unit_test(requests_are_what_protobuf_packs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
