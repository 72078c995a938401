/* What spans are from, there and back: resources, scopes, schema URLs. */
#include "recorder.h"

#include "otlp/json.h"
#include "trace/instrumentation_scope.h"

#include <stdlib.h>
#include <unistd.h>

typedef recorder_fixture fixture;

/* ---- Reading back ---- */

typedef struct seen {
    cleat_resource *resources[4]; /* retained */
    const cleat_instrumentation_scope *scopes[4];
    int count;
} seen;

static bool see(void *argument, const cleat__stored_span *stored)
{
    seen *all = argument;
    assert_in_range(all->count, 0, 3);
    all->resources[all->count] = cleat_resource_retain(stored->span.resource);
    all->scopes[all->count++] = stored->span.scope != NULL ? cleat__scope_intern(stored->span.scope) : NULL;
    return true;
}

static seen read_back(fixture *f, const cleat_trace_id *id)
{
    seen all = {.count = 0};
    assert_int_equal(cleat__spans_of_trace(f->store, CLEAT__TENANT_DEFAULT, id, see, &all), CLEAT_OK);
    return all;
}

static void release(seen *all)
{
    for (int i = 0; i < all->count; i++) {
        cleat_resource_release(all->resources[i]);
    }
}

static void assert_slice(cleat_slice actual, const char *expected)
{
    assert_int_equal(actual.size, strlen(expected));
    assert_memory_equal(actual.data, expected, actual.size);
}

static int64_t count_sources(fixture *f)
{
    return query_int(f->store, "SELECT count(*) FROM span_source");
}

/* By their JSON: the only form in which attributes of all types have one text. */
static void assert_same(const cleat_resource *resource, const cleat_instrumentation_scope *scope,
                        const char *resource_json, const char *scope_json)
{
    cleat__buffer json = {0};
    cleat__json_resource(&json, resource);
    assert_slice(cleat__buffer_slice(&json), resource_json);
    cleat__buffer_clear(&json);
    cleat__json_scope(&json, scope);
    assert_slice(cleat__buffer_slice(&json), scope_json);
    cleat__buffer_deinit(&json);
}

#define ATTRIBUTES_JSON                                                                       \
    "\"attributes\":[{\"key\":\"string\",\"value\":{\"stringValue\":\"grün\"}},"             \
    "{\"key\":\"empty\",\"value\":{\"stringValue\":\"\"}},"                                   \
    "{\"key\":\"bool\",\"value\":{\"boolValue\":true}},"                                      \
    "{\"key\":\"int\",\"value\":{\"intValue\":\"-9223372036854775808\"}},"                    \
    "{\"key\":\"double\",\"value\":{\"doubleValue\":0.1}},"                                   \
    "{\"key\":\"strings\",\"value\":{\"arrayValue\":{\"values\":[{\"stringValue\":\"a\"},"    \
    "{\"stringValue\":\"\"}]}}},"                                                             \
    "{\"key\":\"bools\",\"value\":{\"arrayValue\":{\"values\":[{\"boolValue\":false},"        \
    "{\"boolValue\":true}]}}},"                                                               \
    "{\"key\":\"ints\",\"value\":{\"arrayValue\":{\"values\":[{\"intValue\":\"-1\"},"         \
    "{\"intValue\":\"300\"}]}}},"                                                             \
    "{\"key\":\"doubles\",\"value\":{\"arrayValue\":{\"values\":[{\"doubleValue\":-2.5}]}}}," \
    "{\"key\":\"none\",\"value\":{\"arrayValue\":{\"values\":[]}}}]"

static void test_every_attribute_comes_back(void **state)
{
    fixture *f = *state;
    const cleat_slice strings[] = {cleat_slice_of("a"), cleat_slice_of("")};
    const bool bools[] = {false, true};
    const int64_t ints[] = {-1, 300};
    const double doubles[] = {-2.5};
    const cleat_attribute all[] = {
        cleat_attribute_string("string", "grün"),
        cleat_attribute_string("empty", ""),
        cleat_attribute_bool("bool", true),
        cleat_attribute_int("int", INT64_MIN),
        cleat_attribute_double("double", 0.1),
        cleat_attribute_strings("strings", strings, 2),
        cleat_attribute_bools("bools", bools, 2),
        cleat_attribute_ints("ints", ints, 2),
        cleat_attribute_doubles("doubles", doubles, 1),
        cleat_attribute_strings("none", NULL, 0),
    };
    const size_t count = sizeof(all) / sizeof(*all);
    cleat_resource *resource = NULL;
    assert_int_equal(cleat_resource_new(all, count, "https://resource.test/1", &resource), CLEAT_OK);
    recorder_use(&f->rec, resource);
    f->rec.tracer = cleat_tracer_provider_get_tracer(
        f->rec.provider, "scope",
        CLEAT_TRACER_OPTIONS(.version = "1.2", .schema_url = "https://scope.test/2", .attributes = all,
                             .attribute_count = count));
    cleat_span_context root = record(&f->rec, &(made_up){.name = "x", .start_ns = 1, .end_ns = 2});
    cleat_resource_release(resource);
    seen found = read_back(f, &root.trace_id);
    assert_int_equal(found.count, 1);
    assert_same(found.resources[0], found.scopes[0], "{" ATTRIBUTES_JSON "}",
                "{\"name\":\"scope\",\"version\":\"1.2\"," ATTRIBUTES_JSON "}");
    assert_slice(cleat_resource_schema_url(found.resources[0]), "https://resource.test/1");
    assert_slice(found.scopes[0]->schema_url, "https://scope.test/2");
    release(&found);
}

static bool see_neither(void *argument, const cleat__stored_span *stored)
{
    assert_null(stored->span.resource);
    assert_null(stored->span.scope);
    assert_null(stored->service_name.data);
    assert_null(stored->scope_name.data);
    ++*(int *)argument;
    return true;
}

/* A view of a foreign record may have neither. */
static void test_span_from_nowhere(void **state)
{
    fixture *f = *state;
    int count = 0;
    cleat_span_context root = record(&f->rec, &(made_up){.name = "x", .start_ns = 1, .end_ns = 2});
    cleat_span_view view = {.record = cleat_slice_of(""), .name = cleat_slice_of("y")};
    view.trace_id = root.trace_id;
    view.span_id.bytes[0] = 1;
    assert_int_equal(
        cleat__span_insert(f->store, f->rec.intake, CLEAT__TENANT_DEFAULT, &view, &(bool){false}), CLEAT_OK);
    assert_int_equal(cleat__span_insert_end(f->store, f->rec.intake), CLEAT_OK);
    assert_int_equal(query_int(f->store, "DELETE FROM span WHERE name = 'x' RETURNING 1"), 1);
    assert_int_equal(
        cleat__spans_of_trace(f->store, CLEAT__TENANT_DEFAULT, &root.trace_id, see_neither, &count),
        CLEAT_OK);
    assert_int_equal(count, 1);
}

/* ---- Once each ---- */

static cleat_resource *resource_of(const char *host)
{
    const cleat_attribute attributes[] = {cleat_attribute_string("service.name", "made-up"),
                                          cleat_attribute_string("host.name", host)};
    cleat_resource *resource = NULL;
    assert_int_equal(cleat_resource_new(attributes, 2, NULL, &resource), CLEAT_OK);
    return resource;
}

static cleat_span_context record_from(fixture *f, const char *host, const char *version,
                                      const cleat_span_context *parent, int64_t start_ns)
{
    cleat_resource *resource = resource_of(host);
    recorder_use(&f->rec, resource);
    cleat_resource_release(resource);
    f->rec.tracer =
        cleat_tracer_provider_get_tracer(f->rec.provider, "scope", CLEAT_TRACER_OPTIONS(.version = version));
    return record(&f->rec, &(made_up){.name = "x", .parent = parent, .start_ns = start_ns, .end_ns = 99});
}

static void test_two_resources_and_two_versions_of_a_scope(void **state)
{
    fixture *f = *state;
    cleat_span_context root = record_from(f, "one", "1", NULL, 1);
    record_from(f, "two", "1", &root, 2);
    record_from(f, "one", "2", &root, 3);
    record_from(f, "one", "1", &root, 4);
    assert_int_equal(count_sources(f), 3);
    assert_int_equal(query_int(f->store, "SELECT max(spans) FROM span_source"), 2);
    seen found = read_back(f, &root.trace_id);
    assert_int_equal(found.count, 4);
#define HOST(name)                                                                         \
    "{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":\"made-up\"}}," \
    "{\"key\":\"host.name\",\"value\":{\"stringValue\":\"" name "\"}}]}"
    assert_same(found.resources[0], found.scopes[0], HOST("one"), "{\"name\":\"scope\",\"version\":\"1\"}");
    assert_same(found.resources[1], found.scopes[1], HOST("two"), "{\"name\":\"scope\",\"version\":\"1\"}");
    assert_same(found.resources[2], found.scopes[2], HOST("one"), "{\"name\":\"scope\",\"version\":\"2\"}");
    assert_ptr_equal(found.resources[0], found.resources[2]);
    assert_ptr_equal(found.resources[0], found.resources[3]);
    assert_ptr_equal(found.scopes[0], found.scopes[1]);
    assert_ptr_equal(found.scopes[0], found.scopes[3]);
    release(&found);
}

static void test_known_sources_survive_forgetting(void **state)
{
    fixture *f = *state;
    record_from(f, "one", "1", NULL, 1);
    cleat__intake_reset(f->rec.intake); /* as a restart does */
    record_from(f, "one", "1", NULL, 2);
    assert_int_equal(count_sources(f), 1);
    assert_int_equal(query_int(f->store, "SELECT spans FROM span_source"), 2);
}

static void test_more_sources_than_are_remembered(void **state)
{
    fixture *f = *state;
    char host[16];
    assert_int_equal(cleat__store_begin(f->store), CLEAT_OK);
    for (int i = 0; i < 2200; i++) {
        snprintf(host, sizeof(host), "%d", i % 1100);
        record_from(f, host, "1", NULL, 1);
    }
    assert_int_equal(cleat__store_commit(f->store), CLEAT_OK);
    assert_int_equal(count_sources(f), 1100);
    assert_int_equal(query_int(f->store, "SELECT min(spans) FROM span_source"), 2);
    assert_int_equal(query_int(f->store, "SELECT max(spans) FROM span_source"), 2);
}

static void test_what_was_rolled_back_is_stored_again(void **state)
{
    fixture *f = *state;
    assert_int_equal(cleat__store_begin(f->store), CLEAT_OK);
    record_from(f, "one", "1", NULL, 1);
    cleat__store_rollback(f->store);
    cleat__intake_reset(f->rec.intake);
    assert_int_equal(count_sources(f), 0);
    cleat_span_context root = record_from(f, "one", "1", NULL, 1);
    seen found = read_back(f, &root.trace_id);
    assert_non_null(found.resources[0]);
    release(&found);
    assert_int_equal(query_int(f->store, "SELECT spans FROM span_source"), 1);
}

/* ---- What a disk may hold ---- */

static void test_unreadable_source(void **state)
{
    static const char *const contents[] = {
        "DELETE FROM span_source RETURNING 1",
        "INSERT INTO span_source SELECT source, x'', 0, 1 FROM span RETURNING 1",
        "UPDATE span_source SET content = 'text' RETURNING 1",
        "UPDATE span_source SET content = x'0a7f' RETURNING 1",     /* cut off */
        "UPDATE span_source SET content = x'0a020a05' RETURNING 1", /* an attribute cut off */
    };
    fixture *f = *state;
    cleat_span_context root = record_from(f, "one", "1", NULL, 1);
    for (size_t i = 0; i < sizeof(contents) / sizeof(*contents); i++) {
        assert_int_equal(query_int(f->store, contents[i]), 1);
        seen found = read_back(f, &root.trace_id);
        assert_int_equal(found.count, 1);
        assert_null(found.resources[0]);
        assert_null(found.scopes[0]);
        release(&found);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, recorder_set_up, recorder_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_every_attribute_comes_back),
        TEST(test_span_from_nowhere),
        TEST(test_two_resources_and_two_versions_of_a_scope),
        TEST(test_known_sources_survive_forgetting),
        TEST(test_more_sources_than_are_remembered),
        TEST(test_what_was_rolled_back_is_stored_again),
        TEST(test_unreadable_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
