/* ExportTraceServiceRequest, read back byte by byte. */
#include "otlp/request.h"

#include "base/buffer.h"
#include "trace/batch.h"
#include "trace/propagation_test.h"
#include "trace/protobuf.h"

enum { SPANS_MAX = 10000, GROUPS_MAX = 64, ROUNDS_MAX = 4096 };

/* ---- Making batches: a "span" is a record whose field 5 (the name) is its number, and padding ---- */

typedef struct fixture {
    cleat__buffer memory;
    size_t offsets[SPANS_MAX];
    cleat__batch_entry entries[SPANS_MAX];
    cleat_span_batch batch;
} fixture;

static int set_up(void **state)
{
    *state = calloc(1, sizeof(fixture));
    return *state == NULL;
}

static int tear_down(void **state)
{
    cleat__buffer_deinit(&((fixture *)*state)->memory);
    free(*state);
    return 0;
}

static void add_span(fixture *it, const cleat_resource *resource, const cleat_instrumentation_scope *scope,
                     size_t padding)
{
    static char text[70000];
    uint8_t record[70016];
    size_t index = it->batch.count++;
    memset(text, '.', padding);
    int digits = snprintf(text, 16, "%zu", index);
    size_t size = padding > (size_t)digits ? padding : (size_t)digits;
    size_t record_size = (size_t)(cleat__put_bytes(record, 5, text, size) - record);
    cleat__batch_entry *entry = &it->entries[index];
    it->offsets[index] = it->memory.size;
    uint8_t *room = cleat__buffer_reserve(&it->memory, record_size + CLEAT__BATCH_PREFIX_MAX);
    assert_non_null(room);
    cleat__batch_put(room, (cleat_slice){(const char *)record, record_size}, entry);
    it->memory.size += entry->size;
    entry->resource = resource;
    entry->scope = scope;
}

/* Once the memory does not move any more. */
static const cleat_span_batch *batch_of(fixture *it)
{
    for (size_t i = 0; i < it->batch.count; i++) {
        it->entries[i].data = it->memory.data + it->offsets[i];
    }
    it->batch.entries = it->entries;
    return &it->batch;
}

static cleat_resource *make_resource(const char *name, const char *schema_url)
{
    cleat_resource *resource = NULL;
    const cleat_attribute attribute = cleat_attribute_string("service.name", name);
    assert_int_equal(cleat_resource_new(&attribute, 1, schema_url, &resource), CLEAT_OK);
    return resource;
}

/* ---- Reading requests ---- */

/* One ScopeSpans as it was found. */
typedef struct seen_scope {
    size_t resource; /* number of its ResourceSpans in the request */
    cleat_slice resource_body, resource_schema_url;
    cleat_slice scope_body, schema_url;
    size_t spans[SPANS_MAX];
    size_t span_count;
} seen_scope;

typedef struct seen_request {
    char *bytes;
    size_t size;
    size_t resource_count;
    seen_scope *scopes;
    size_t scope_count;
} seen_request;

static size_t number_of(cleat_slice span)
{
    cleat__wire_reader reader = cleat__wire_reader_of(span);
    cleat__wire_field field;
    char text[16] = "";
    assert_true(cleat__wire_next(&reader, &field));
    assert_int_equal(field.number, 5);
    assert_false(cleat__wire_next(&reader, &(cleat__wire_field){0}) || reader.malformed);
    memcpy(text, field.bytes.data, field.bytes.size < 15 ? field.bytes.size : 15);
    return strtoul(text, NULL, 10);
}

static void read_scope_spans(seen_scope *seen, cleat_slice message)
{
    cleat__wire_reader reader = cleat__wire_reader_of(message);
    cleat__wire_field field;
    uint32_t last = 0;
    while (cleat__wire_next(&reader, &field)) {
        assert_true(field.number >= last && field.number <= 3 && field.wire == CLEAT__WIRE_BYTES);
        last = field.number;
        if (field.number == 1) {
            seen->scope_body = field.bytes;
        } else if (field.number == 2) {
            seen->spans[seen->span_count++] = number_of(field.bytes);
        } else {
            seen->schema_url = field.bytes;
        }
    }
    assert_false(reader.malformed);
    assert_true(seen->span_count != 0);
}

static void read_resource_spans(seen_request *request, cleat_slice message)
{
    cleat__wire_reader reader = cleat__wire_reader_of(message);
    cleat__wire_field field;
    cleat_slice body = {NULL, 0}, schema_url = {NULL, 0};
    size_t first = request->scope_count, index = request->resource_count++;
    while (cleat__wire_next(&reader, &field)) {
        assert_true(field.number >= 1 && field.number <= 3 && field.wire == CLEAT__WIRE_BYTES);
        if (field.number == 1) {
            body = field.bytes;
        } else if (field.number == 2) {
            assert_true(request->scope_count < GROUPS_MAX);
            read_scope_spans(&request->scopes[request->scope_count++], field.bytes);
        } else {
            schema_url = field.bytes;
        }
    }
    assert_false(reader.malformed);
    assert_true(request->scope_count > first);
    for (size_t i = first; i < request->scope_count; i++) {
        request->scopes[i].resource = index;
        request->scopes[i].resource_body = body;
        request->scopes[i].resource_schema_url = schema_url;
    }
}

static seen_request read_request(const cleat__otlp_request *request)
{
    seen_request seen = {.bytes = malloc(request->size + 1),
                         .scopes = calloc(GROUPS_MAX, sizeof(seen_scope))};
    for (size_t i = 0; i < request->piece_count; i++) {
        assert_true(request->pieces[i].size != 0 && seen.size + request->pieces[i].size <= request->size);
        memcpy(seen.bytes + seen.size, request->pieces[i].data, request->pieces[i].size);
        seen.size += request->pieces[i].size;
    }
    assert_int_equal(seen.size, request->size);
    cleat__wire_reader reader = cleat__wire_reader_of((cleat_slice){seen.bytes, seen.size});
    cleat__wire_field field;
    while (cleat__wire_next(&reader, &field)) {
        assert_int_equal(field.number, 1);
        read_resource_spans(&seen, field.bytes);
    }
    assert_false(reader.malformed);
    return seen;
}

static void forget_request(seen_request *seen)
{
    free(seen->bytes);
    free(seen->scopes);
}

/* The whole batch in one request. */
static seen_request build(fixture *it, cleat__otlp_request *request)
{
    size_t cursor = 0, count = it->batch.count;
    assert_int_equal(cleat__otlp_request_build(request, batch_of(it), &cursor, SIZE_MAX), CLEAT_OK);
    assert_int_equal(cursor, count);
    assert_int_equal(request->span_count, count);
    return read_request(request);
}

static void assert_spans(const seen_scope *scope, size_t count, const size_t *numbers)
{
    assert_int_equal(scope->span_count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(scope->spans[i], numbers[i]);
    }
}

/* The text of the first field of this number, in a message of strings and messages. */
static cleat_slice field_of(cleat_slice message, uint32_t number)
{
    cleat__wire_reader reader = cleat__wire_reader_of(message);
    cleat__wire_field field;
    while (cleat__wire_next(&reader, &field)) {
        if (field.number == number) {
            return field.bytes;
        }
    }
    return (cleat_slice){NULL, 0};
}

/* The string value of the KeyValue. */
static cleat_slice value_in(cleat_slice key_value)
{
    return field_of(field_of(key_value, 2), 1);
}

static const cleat_instrumentation_scope plain = {.name = {"plain", 5}};
static const cleat_instrumentation_scope other = {.name = {"other", 5}, .version = {"2", 1}};

/* ---- Groups ---- */

static void interleaved_spans_are_grouped_in_order(void **state)
{
    fixture *it = *state;
    cleat_resource *a = make_resource("a", NULL), *b = make_resource("b", NULL);
    cleat__otlp_request request = {0};
    add_span(it, a, &plain, 0);
    add_span(it, b, &plain, 0);
    add_span(it, a, &other, 0);
    add_span(it, a, &plain, 0);
    add_span(it, b, &plain, 0);
    add_span(it, a, &plain, 0);
    seen_request seen = build(it, &request);
    assert_int_equal(seen.resource_count, 2);
    assert_int_equal(seen.scope_count, 3);
    assert_spans(&seen.scopes[0], 3, (const size_t[]){0, 3, 5});
    assert_spans(&seen.scopes[1], 1, (const size_t[]){2});
    assert_spans(&seen.scopes[2], 2, (const size_t[]){1, 4});
    assert_int_equal(seen.scopes[1].resource, 0);
    assert_int_equal(seen.scopes[2].resource, 1);
    assert_slice(value_in(field_of(seen.scopes[1].resource_body, 1)), "a");
    assert_slice(value_in(field_of(seen.scopes[2].resource_body, 1)), "b");
    assert_slice(field_of(seen.scopes[1].scope_body, 1), "other");
    assert_slice(field_of(seen.scopes[1].scope_body, 2), "2");
    forget_request(&seen);
    cleat__otlp_request_deinit(&request);
    cleat_resource_release(a);
    cleat_resource_release(b);
}

static void schema_urls_and_scope_attributes_are_there(void **state)
{
    fixture *it = *state;
    const cleat_attribute attribute = cleat_attribute_string("team", "gr\xC3\xBCn");
    const cleat_instrumentation_scope scope = {.name = {"lib", 3},
                                               .schema_url = {"http://scope/1", 14},
                                               .attributes = &attribute,
                                               .attribute_count = 1};
    cleat_resource *resource = make_resource("a", "http://resource/1");
    cleat__otlp_request request = {0};
    add_span(it, resource, &scope, 0);
    add_span(it, resource, &plain, 0);
    seen_request seen = build(it, &request);
    assert_int_equal(seen.scope_count, 2);
    assert_slice(seen.scopes[0].resource_schema_url, "http://resource/1");
    assert_slice(seen.scopes[0].schema_url, "http://scope/1");
    assert_slice(field_of(field_of(seen.scopes[0].scope_body, 3), 1), "team");
    assert_slice(value_in(field_of(seen.scopes[0].scope_body, 3)), "gr\xC3\xBCn");
    assert_null(seen.scopes[1].schema_url.data);
    forget_request(&seen);
    cleat__otlp_request_deinit(&request);
    cleat_resource_release(resource);
}

static void spans_without_resource_or_scope_are_sent(void **state)
{
    fixture *it = *state;
    cleat_resource *resource = make_resource("a", NULL);
    cleat__otlp_request request = {0};
    add_span(it, NULL, NULL, 0);
    add_span(it, resource, NULL, 0);
    add_span(it, NULL, &plain, 0);
    add_span(it, NULL, NULL, 0);
    seen_request seen = build(it, &request);
    assert_int_equal(seen.resource_count, 2);
    assert_spans(&seen.scopes[0], 2, (const size_t[]){0, 3});
    assert_null(seen.scopes[0].resource_body.data);
    assert_null(seen.scopes[0].scope_body.data);
    assert_spans(&seen.scopes[1], 1, (const size_t[]){2});
    assert_spans(&seen.scopes[2], 1, (const size_t[]){1});
    assert_non_null(seen.scopes[2].resource_body.data);
    forget_request(&seen);
    cleat__otlp_request_deinit(&request);
    cleat_resource_release(resource);
}

static void an_empty_resource_and_a_nameless_scope_are_sent(void **state)
{
    fixture *it = *state;
    const cleat_instrumentation_scope nameless = {.name = {NULL, 0}};
    cleat_resource *empty = NULL;
    cleat__otlp_request request = {0};
    assert_int_equal(cleat_resource_new(NULL, 0, NULL, &empty), CLEAT_OK);
    add_span(it, empty, &nameless, 0);
    seen_request seen = build(it, &request);
    assert_spans(&seen.scopes[0], 1, (const size_t[]){0});
    assert_int_equal(seen.scopes[0].resource_body.size, 0);
    assert_int_equal(seen.scopes[0].scope_body.size, 0);
    forget_request(&seen);
    cleat__otlp_request_deinit(&request);
    cleat_resource_release(empty);
}

static void neighbours_are_one_piece(void **state)
{
    fixture *it = *state;
    cleat__otlp_request request = {0};
    for (int i = 0; i < SPANS_MAX; i++) {
        add_span(it, NULL, &plain, 0);
    }
    seen_request seen = build(it, &request);
    assert_int_equal(request.piece_count, 2);
    assert_int_equal(seen.scopes[0].span_count, SPANS_MAX);
    forget_request(&seen);
    cleat__otlp_request_deinit(&request);
}

/* ---- Parts ---- */

typedef struct tally {
    size_t parts;
    size_t last_of_group[8]; /* one more than the number of the last span seen */
    bool seen[SPANS_MAX];
    size_t seen_count;
} tally;

/* Spans come in order within each group, and none twice. */
static void count_spans(tally *sum, const fixture *it, const seen_scope *scope)
{
    for (size_t i = 0; i < scope->span_count; i++) {
        size_t number = scope->spans[i], group = 0;
        assert_true(number < it->batch.count && !sum->seen[number]);
        sum->seen[number] = true;
        sum->seen_count++;
        while (it->entries[group].resource != it->entries[number].resource ||
               it->entries[group].scope != it->entries[number].scope) {
            group++; /* the first spans of a batch are one of each group */
        }
        assert_true(group < 8 && number >= sum->last_of_group[group]);
        sum->last_of_group[group] = number + 1;
    }
}

static void build_parts(fixture *it, size_t max_size, tally *sum)
{
    cleat__otlp_request request = {0};
    size_t cursor = 0;
    const cleat_span_batch *batch = batch_of(it);
    memset(sum, 0, sizeof(*sum));
    while (cleat__otlp_request_build(&request, batch, &cursor, max_size) == CLEAT_OK) {
        assert_true(++sum->parts < ROUNDS_MAX);
        assert_true(request.size <= max_size || request.span_count == 1);
        seen_request seen = read_request(&request);
        size_t before = sum->seen_count;
        for (size_t i = 0; i < seen.scope_count; i++) {
            count_spans(sum, it, &seen.scopes[i]);
        }
        assert_int_equal(sum->seen_count - before, request.span_count);
        forget_request(&seen);
    }
    assert_int_equal(sum->seen_count, batch->count);
    assert_int_equal(cursor, batch->count);
    assert_int_equal(cleat__otlp_request_build(&request, batch, &cursor, max_size), CLEAT_EMPTY);
    cleat__otlp_request_deinit(&request);
}

static void every_part_fits_and_nothing_is_lost(void **state)
{
    fixture *it = *state;
    static tally sum;
    cleat_resource *a = make_resource("a", "http://a"), *b = make_resource("b", NULL);
    for (size_t i = 0; i < 200; i++) {
        add_span(it, i % 2 == 0 ? a : b, i / 2 % 2 == 0 ? &plain : &other, i * 37 % 300);
    }
    for (size_t size = 1; size < 3000; size += 61) {
        build_parts(it, size, &sum);
    }
    build_parts(it, SIZE_MAX, &sum);
    assert_int_equal(sum.parts, 1);
    cleat_resource_release(a);
    cleat_resource_release(b);
}

static void parts_are_filled(void **state)
{
    fixture *it = *state;
    static tally sum;
    for (size_t i = 0; i < 1000; i++) {
        add_span(it, NULL, &plain, 100);
    }
    build_parts(it, 10400, &sum);
    assert_int_equal(sum.parts, 11); /* of 104 bytes each and a head; 10 would just not do */
}

static void a_span_larger_than_a_part_goes_alone(void **state)
{
    fixture *it = *state;
    static tally sum;
    add_span(it, NULL, &plain, 10);
    add_span(it, NULL, &plain, 60000);
    add_span(it, NULL, &plain, 10);
    build_parts(it, 1000, &sum);
    assert_int_equal(sum.parts, 3);
}

static void ten_thousand_spans_of_many_chunks_arrive(void **state)
{
    fixture *it = *state;
    static tally sum;
    cleat_resource *a = make_resource("a", NULL);
    for (size_t i = 0; i < SPANS_MAX; i++) {
        add_span(it, a, i % 3 == 0 ? &plain : &other, i % 90);
        it->memory.size += i % 100 == 99 ? 16 : 0; /* the next one is of another chunk */
    }
    build_parts(it, 32 * 1024, &sum);
    assert_true(sum.parts > 8);
    build_parts(it, SIZE_MAX, &sum);
    assert_int_equal(sum.parts, 1);
    cleat_resource_release(a);
}

/* ---- Memory, and responses ---- */

static void without_memory_the_cursor_stays(void **state)
{
    fixture *it = *state;
    static failing_allocator allocator;
    cleat_resource *a = make_resource("a", NULL);
    add_span(it, a, &plain, 0);
    add_span(it, NULL, &other, 0);
    const cleat_span_batch *batch = batch_of(it);
    cleat_status status = CLEAT_NO_MEMORY;
    for (size_t fail_at = 1; status != CLEAT_OK; fail_at++) {
        cleat__otlp_request request = {0};
        size_t cursor = 0;
        failing_allocator_install(&allocator, fail_at);
        status = cleat__otlp_request_build(&request, batch, &cursor, SIZE_MAX);
        cleat_set_allocator(NULL);
        assert_true(status == CLEAT_OK || (status == CLEAT_NO_MEMORY && cursor == 0));
        cleat__otlp_request_deinit(&request);
    }
    cleat_resource_release(a);
}

static void responses_are_read(void **state)
{
    static const char partial[] = "\x0a\x0b\x08\x83\x01\x12\x04oops\x18\x01";
    cleat__otlp_response response;
    (void)state;
    assert_true(cleat__otlp_response_read((cleat_slice){partial, sizeof(partial) - 1}, &response));
    assert_int_equal(response.rejected_spans, 131);
    assert_slice(response.error_message, "oops");
    assert_true(cleat__otlp_response_read((cleat_slice){NULL, 0}, &response));
    assert_int_equal(response.rejected_spans, 0);
    assert_false(cleat__otlp_response_read((cleat_slice){partial, sizeof(partial) - 2}, &response));
    assert_false(cleat__otlp_response_read((cleat_slice){"\x0a\x02\x12\x7f", 4}, &response));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(interleaved_spans_are_grouped_in_order),
        TEST(schema_urls_and_scope_attributes_are_there),
        TEST(spans_without_resource_or_scope_are_sent),
        TEST(an_empty_resource_and_a_nameless_scope_are_sent),
        TEST(neighbours_are_one_piece),
        TEST(every_part_fits_and_nothing_is_lost),
        TEST(parts_are_filled),
        TEST(a_span_larger_than_a_part_goes_alone),
        TEST(ten_thousand_spans_of_many_chunks_arrive),
        TEST(without_memory_the_cursor_stays),
        cmocka_unit_test(responses_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
