/* One span with its links, both ways. */
#include "span_store.h"

#include "collector/span_detail.h"

#include <stdio.h>

enum { OTHER_TENANT = 7 };

static cleat__span_detail_filter filter_of(const cleat_span_context *context)
{
    return (cleat__span_detail_filter){
        .tenant = CLEAT__TENANT_DEFAULT, .trace_id = context->trace_id, .span_id = context->span_id};
}

static void load(fixture *f, const cleat__span_detail_filter *filter, cleat__span_detail *out)
{
    if (cleat__span_detail_load(f->store, filter, out) != CLEAT_OK) {
        fail_msg("%s", cleat_error_message());
    }
}

static void assert_slice(cleat_slice slice, const char *text)
{
    if (text == NULL) {
        assert_null(slice.data);
        return;
    }
    assert_int_equal(slice.size, strlen(text));
    assert_memory_equal(slice.data, text, slice.size);
}

/* ---- The span ---- */

static void test_all_that_is_stored(void **state)
{
    static const char run[] = "019207a3-0001-7000-8000-000000000001",
                      task[] = "019207a3-0001-7000-8000-000000000002";
    const cleat_attribute attributes[] = {
        cleat_attribute_string("hatchet.workflow_run_id", run),
        cleat_attribute_string("hatchet.step_run_id", task),
        cleat_attribute_int("number", 5),
    };
    fixture *f = *state;
    cleat__span_detail detail;
    cleat_value value;
    cleat_span_context context;
    char text[37];
    cleat_span span =
        cleat_span_start(f->rec.tracer, "<img onerror=1>",
                         CLEAT_SPAN_OPTIONS(.root = true, .attributes = attributes, .attribute_count = 3));
    cleat_span_get_context(span, &context);
    cleat_span_set_status(span, CLEAT_SPAN_STATUS_ERROR, "it broke");
    cleat_span_end(span);
    cleat__span_detail_filter filter = filter_of(&context);
    load(f, &filter, &detail);
    assert_slice(detail.stored.span.name, "<img onerror=1>");
    assert_slice(detail.stored.span.status_message, "it broke");
    assert_slice(detail.stored.service_name, "made-up");
    assert_slice(detail.stored.scope_name, "made-up.scope");
    assert_true(cleat_span_view_attribute(&detail.stored.span, "number", &value));
    assert_int_equal(value.as.integer, 5);
    assert_true(cleat_resource_get(detail.stored.span.resource, "service.name", &value));
    assert_true(detail.stored.has_run);
    cleat__uuid_format(&detail.stored.run_id, text);
    assert_string_equal(text, run);
    assert_true(detail.has_task_run);
    cleat__uuid_format(&detail.task_run_id, text);
    assert_string_equal(text, task);
    assert_int_equal(detail.link_count, 0);
    assert_int_equal(detail.back_link_count, 0);
    assert_int_equal(detail.back_link_total, 0);
    assert_true(detail.is_total_complete);
    assert_false(detail.has_next);
    cleat__span_detail_deinit(&detail);
}

static void test_without_a_run(void **state)
{
    fixture *f = *state;
    cleat__span_detail detail;
    cleat_span_context context = record(&f->rec, &(made_up){.name = "plain", .start_ns = 1, .end_ns = 2});
    cleat__span_detail_filter filter = filter_of(&context);
    load(f, &filter, &detail);
    assert_false(detail.stored.has_run);
    assert_false(detail.has_task_run);
    cleat__span_detail_deinit(&detail);
}

static void assert_fails(fixture *f, cleat__span_detail_filter filter, cleat_status status)
{
    cleat__span_detail detail;
    assert_int_equal(cleat__span_detail_load(f->store, &filter, &detail), status);
    cleat__span_detail_deinit(&detail);
}

static void test_what_is_not_there(void **state)
{
    fixture *f = *state;
    cleat_span_context context = record(&f->rec, &(made_up){.name = "here", .start_ns = 1, .end_ns = 2});
    cleat__span_detail_filter filter = filter_of(&context);
    filter.tenant = OTHER_TENANT;
    assert_fails(f, filter, CLEAT_NOT_FOUND);
    filter = filter_of(&context);
    filter.span_id.bytes[0] ^= 1;
    assert_fails(f, filter, CLEAT_NOT_FOUND);
    filter = filter_of(&context);
    filter.trace_id.bytes[0] ^= 1;
    assert_fails(f, filter, CLEAT_NOT_FOUND);
    assert_non_null(strstr(cleat_error_message(), "has no span"));
    execute(f, "UPDATE span SET record = x'FF'");
    assert_fails(f, filter_of(&context), CLEAT_CORRUPT);
}

/* ---- Links ---- */

static void test_links_have_names_where_these_are_stored(void **state)
{
    const cleat_attribute attributes[] = {
        cleat_attribute_string("cleat.link.kind", "spawn"),
        cleat_attribute_string("why", "because"),
    };
    fixture *f = *state;
    cleat__span_detail detail;
    cleat_attribute attribute;
    size_t cursor = 0;
    cleat_span_context target = record(&f->rec, &(made_up){.name = "target", .start_ns = 1, .end_ns = 2});
    cleat_span_context nowhere = target;
    nowhere.span_id.bytes[0] ^= 1;
    const cleat_link links[] = {{&target, attributes, 2}, {&nowhere, NULL, 0}};
    cleat_span span = cleat_span_start(f->rec.tracer, "source",
                                       CLEAT_SPAN_OPTIONS(.root = true, .links = links, .link_count = 2));
    cleat_span_context context;
    cleat_span_get_context(span, &context);
    cleat_span_end(span);
    cleat__span_detail_filter filter = filter_of(&context);
    load(f, &filter, &detail);
    assert_int_equal(detail.link_count, 2);
    assert_slice(detail.links[0].name, "target");
    assert_slice(detail.links[0].kind, "spawn");
    assert_memory_equal(&detail.links[0].link.context.trace_id, &target.trace_id, sizeof(target.trace_id));
    assert_true(cleat_link_view_next_attribute(&detail.links[0].link, &cursor, &attribute));
    assert_true(cleat_link_view_next_attribute(&detail.links[0].link, &cursor, &attribute));
    assert_slice(attribute.key, "why");
    assert_slice(detail.links[1].name, NULL);
    assert_slice(detail.links[1].kind, NULL);
    assert_memory_equal(&detail.links[1].link.context.span_id, &nowhere.span_id, sizeof(nowhere.span_id));
    cleat__span_detail_deinit(&detail);
}

/* The other tenant's span of the same ids has a name of its own. */
static void test_names_are_the_tenants(void **state)
{
    fixture *f = *state;
    cleat__span_detail detail;
    cleat_span_context target = record(&f->rec, &(made_up){.name = "target", .start_ns = 1, .end_ns = 2});
    cleat_span_context source =
        record(&f->rec, &(made_up){.name = "source", .link = &target, .start_ns = 1, .end_ns = 2});
    execute(f, "UPDATE trace SET tenant = 7 WHERE root_name = 'target'");
    cleat__span_detail_filter filter = filter_of(&source);
    load(f, &filter, &detail);
    assert_int_equal(detail.link_count, 1);
    assert_slice(detail.links[0].name, NULL);
    cleat__span_detail_deinit(&detail);
    filter = filter_of(&target);
    filter.tenant = OTHER_TENANT;
    load(f, &filter, &detail);
    assert_int_equal(detail.back_link_total, 0);
    assert_int_equal(detail.back_link_count, 0);
    cleat__span_detail_deinit(&detail);
}

/* ---- Back-links ---- */

/* Spans "0", "1", .. in traces of their own. */
static cleat_span_context add_back_links(fixture *f, const cleat_span_context *target, int from, int count)
{
    cleat_span_context last = *target;
    for (int i = from; i < from + count; i++) {
        char name[16];
        snprintf(name, sizeof(name), "%d", i);
        last = record(&f->rec, &(made_up){.name = name, .link = target, .start_ns = 1, .end_ns = 2});
    }
    return last;
}

static void test_back_links_newest_first(void **state)
{
    fixture *f = *state;
    cleat__span_detail detail;
    cleat_span_context target = record(&f->rec, &(made_up){.name = "target", .start_ns = 1, .end_ns = 2});
    cleat_span_context last = add_back_links(f, &target, 0, 3);
    cleat__span_detail_filter filter = filter_of(&target);
    load(f, &filter, &detail);
    assert_int_equal(detail.back_link_total, 3);
    assert_int_equal(detail.back_link_count, 3);
    assert_slice(detail.back_links[0].from_name, "2");
    assert_slice(detail.back_links[2].from_name, "0");
    assert_slice(detail.back_links[0].kind, "spawn");
    assert_memory_equal(&detail.back_links[0].from_trace_id, &last.trace_id, sizeof(last.trace_id));
    assert_memory_equal(&detail.back_links[0].from_span_id, &last.span_id, sizeof(last.span_id));
    assert_false(detail.has_next);
    cleat__span_detail_deinit(&detail);
    filter.back_limit = -1;
    load(f, &filter, &detail);
    assert_int_equal(detail.back_link_count, 0);
    assert_int_equal(detail.back_link_total, 0);
    cleat__span_detail_deinit(&detail);
}

/* Without gaps or repeats, also while others come. */
static void test_back_links_page_by_page(void **state)
{
    enum { COUNT = 25 };
    fixture *f = *state;
    cleat_span_context target = record(&f->rec, &(made_up){.name = "target", .start_ns = 1, .end_ns = 2});
    add_back_links(f, &target, 0, COUNT);
    for (int64_t limit = 1; limit <= COUNT + 1; limit++) {
        cleat__span_detail_filter filter = filter_of(&target);
        int expected = (int)query_int(f->store, "SELECT count(*) FROM span_link");
        bool goes_on = true;
        filter.back_limit = limit;
        while (goes_on) {
            cleat__span_detail detail;
            load(f, &filter, &detail);
            for (int32_t i = 0; i < detail.back_link_count; i++) {
                char name[16];
                snprintf(name, sizeof(name), "%d", --expected);
                assert_slice(detail.back_links[i].from_name, name);
            }
            assert_true(detail.back_link_count <= limit);
            goes_on = detail.has_next;
            filter.back_before = detail.next;
            cleat__span_detail_deinit(&detail);
            if (filter.back_before % 7 == 0) {
                add_back_links(f, &target, (int)query_int(f->store, "SELECT count(*) FROM span_link"), 1);
            }
        }
        assert_int_equal(expected, 0);
    }
}

static void test_counting_is_bounded(void **state)
{
    static const char sql[] =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) "
        "INSERT INTO span_link (from_trace, from_span_id, to_trace_id, to_span_id) "
        "SELECT t.id, x'01', t.trace_id, s.span_id FROM n, trace t, span s";
    fixture *f = *state;
    cleat__span_detail detail;
    cleat_span_context target = record(&f->rec, &(made_up){.name = "target", .start_ns = 1, .end_ns = 2});
    cleat__span_detail_filter filter = filter_of(&target);
    filter.back_limit = 1000000;
    execute(f, sql);
    load(f, &filter, &detail);
    assert_int_equal(detail.back_link_total, CLEAT__BACK_LINKS_COUNTED);
    assert_true(detail.is_total_complete);
    assert_int_equal(detail.back_link_count, CLEAT__BACK_LINKS_MAX);
    assert_slice(detail.back_links[0].from_name, NULL); /* that span is not stored */
    cleat__span_detail_deinit(&detail);
    add_back_links(f, &target, 0, 1);
    load(f, &filter, &detail);
    assert_int_equal(detail.back_link_total, CLEAT__BACK_LINKS_COUNTED);
    assert_false(detail.is_total_complete);
    cleat__span_detail_deinit(&detail);
}

static void test_an_empty_file(void **state)
{
    assert_fails(*state, (cleat__span_detail_filter){.tenant = CLEAT__TENANT_DEFAULT}, CLEAT_NOT_FOUND);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_all_that_is_stored),      TEST(test_without_a_run),
        TEST(test_what_is_not_there),       TEST(test_links_have_names_where_these_are_stored),
        TEST(test_names_are_the_tenants),   TEST(test_back_links_newest_first),
        TEST(test_back_links_page_by_page), TEST(test_counting_is_bounded),
        TEST(test_an_empty_file),
    };
    return cmocka_run_group_tests_name("collector/span_detail", tests, NULL, NULL);
}
