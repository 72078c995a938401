/* Searching traces by their spans. */
#include "span_store.h"

#include "collector/trace_search.h"

#include <stdio.h>

#define SECOND INT64_C(1000000000)
enum { OTHER_TENANT = 7, MOST = 64 };

static void use_service(fixture *f, const char *service, const char *environment)
{
    const cleat_attribute attributes[] = {
        cleat_attribute_string("service.name", service),
        cleat_attribute_string("deployment.environment", environment),
    };
    cleat_resource *resource = NULL;
    assert_int_equal(cleat_resource_new(attributes, 2, NULL, &resource), CLEAT_OK);
    recorder_use(&f->rec, resource);
    cleat_resource_release(resource);
}

typedef struct wanted_span {
    const char *name;
    const cleat_span_context *parent;
    int64_t start_s, length_s;
    const cleat_attribute *attributes;
    size_t attribute_count;
    bool has_failed;
} wanted_span;

static cleat_span_context add_span(fixture *f, const wanted_span *what)
{
    cleat_context *parent = what->parent != NULL ? cleat_context_with_span_context(NULL, what->parent) : NULL;
    cleat_span span = cleat_span_start(
        f->rec.tracer, what->name,
        CLEAT_SPAN_OPTIONS(.parent = parent, .root = parent == NULL, .start_time_ns = what->start_s * SECOND,
                           .attributes = what->attributes, .attribute_count = what->attribute_count));
    cleat_span_context context;
    cleat_span_get_context(span, &context);
    if (what->has_failed) {
        cleat_span_set_status(span, CLEAT_SPAN_STATUS_ERROR, "it broke");
    }
    cleat_span_end_at(span, (what->start_s + what->length_s) * SECOND);
    cleat_context_release(parent);
    return context;
}

/*
 * Traces "a" .. "f", which start at 100, 200 .. and last 1, 2, 3, 2, 1 and 9 seconds; "d" and "e" start together. Each
 * has spans of the service "web" and below one of "worker". "f" is another tenant's.
 */
static void add_traces(fixture *f)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f"};
    static const int64_t starts[] = {100, 200, 300, 400, 400, 500}, lengths[] = {1, 2, 3, 2, 1, 9};
    for (int i = 0; i < 6; i++) {
        const cleat_attribute attributes[] = {
            cleat_attribute_string("customer", i % 2 == 0 ? "even" : "odd"),
            cleat_attribute_int("number", i),
            cleat_attribute_double("ratio", i / 2.0),
            cleat_attribute_bool("is.first", i == 0),
        };
        use_service(f, "shop-web", "production");
        cleat_span_context root = add_span(f, &(wanted_span){.name = names[i],
                                                             .start_s = starts[i],
                                                             .length_s = lengths[i],
                                                             .attributes = attributes,
                                                             .attribute_count = 4});
        use_service(f, "shop-worker", i == 2 ? "staging" : "production");
        const cleat_attribute action = cleat_attribute_string("hatchet.action_name", "archive:pack");
        add_span(f, &(wanted_span){.name = i == 1 ? "hatchet.start_step_run" : "work",
                                   .parent = &root,
                                   .start_s = starts[i],
                                   .length_s = 1,
                                   .attributes = &action,
                                   .attribute_count = 1,
                                   .has_failed = i == 1 || i == 4});
    }
    execute(f, "UPDATE trace SET tenant = 7 WHERE root_name = 'f'");
}

static int set_up_traces(void **state)
{
    set_up(state);
    add_traces(*state);
    return 0;
}

/* ---- Searching ---- */

typedef struct found {
    char names[512]; /* of roots */
    int count;
    cleat__trace_row last; /* without its texts */
} found;

static bool collect(void *argument, const cleat__trace_row *row)
{
    found *self = argument;
    strncat(self->names, row->root_name.data, row->root_name.size);
    self->last = *row;
    self->count++;
    return self->count < MOST;
}

/* All of it, piece by piece, each cursor as its text. */
static int search_all(cleat__store *store, cleat__trace_search_filter filter, found *out)
{
    cleat__trace_search_end end;
    cleat__trace_cursor before;
    *out = (found){.count = 0};
    for (int answers = 1; answers < 1000; answers++) {
        char text[CLEAT__TRACE_CURSOR_SIZE];
        int count = out->count;
        assert_int_equal(cleat__trace_search(store, &filter, collect, out, &end), CLEAT_OK);
        assert_true(out->count - count <= filter.limit);
        assert_true(filter.work == 0 || end.searched_spans <= filter.work);
        if (!end.has_next) {
            return answers;
        }
        cleat__trace_cursor_format(&end.next, text);
        assert_int_equal(cleat__trace_cursor_parse(cleat_slice_of(text), &before), CLEAT_OK);
        filter.before = &before;
    }
    fail_msg("the search does not end");
    return 0;
}

typedef struct filter_case {
    cleat__trace_search_filter filter; /* tenant and limit are set elsewhere */
    const char *expected;
} filter_case;

#define ATTRIBUTE(key, value)        \
    {                                \
        {key, sizeof(key) - 1},      \
        {                            \
            value, sizeof(value) - 1 \
        }                            \
    }
static const cleat__trace_attribute odd[] = {ATTRIBUTE("customer", "odd")};
static const cleat__trace_attribute customer_o[] = {ATTRIBUTE("customer", "o")};
static const cleat__trace_attribute number_2[] = {ATTRIBUTE("number", "2")};
static const cleat__trace_attribute number_20[] = {ATTRIBUTE("number", "2.0")};
static const cleat__trace_attribute ratio_half[] = {ATTRIBUTE("ratio", "0.50")};
static const cleat__trace_attribute is_first[] = {ATTRIBUTE("is.first", "true")};
static const cleat__trace_attribute staging[] = {ATTRIBUTE("deployment.environment", "staging")};
static const cleat__trace_attribute two[] = {ATTRIBUTE("customer", "even"), ATTRIBUTE("number", "4")};
static const cleat__trace_attribute of_two_spans[] = {ATTRIBUTE("customer", "even"),
                                                      ATTRIBUTE("hatchet.action_name", "archive:pack")};
static const cleat__trace_attribute of_both_ends[] = {ATTRIBUTE("deployment.environment", "production"),
                                                      ATTRIBUTE("hatchet.action_name", "archive:pack")};
static const cleat__trace_attribute no_key[] = {ATTRIBUTE("customer.odd", "odd")};

static const filter_case cases[] = {
    {{.limit = 50}, "edcba"}, /* of the same time the later one first */
    {{.is_longest_first = true}, "cdbea"},
    {{.service = {"shop-web", 8}}, "edcba"},
    {{.service = {"SHOP", 4}}, "edcba"},
    {{.service = {"shop-mail", 9}}, ""},
    {{.name = {"work", 4}}, "edca"},
    {{.name = {"WOR", 3}}, "edca"},
    {{.name = {"archive:pack", 12}}, "b"}, /* what the span executes */
    {{.name = {"start_step", 10}}, "b"},
    {{.name = {"nothing", 7}}, ""},
    {{.name = {"work", 4}, .service = {"worker", 6}}, "edca"},
    {{.name = {"work", 4}, .service = {"web", 3}}, ""}, /* of one and the same span */
    {{.attributes = odd, .attribute_count = 1}, "db"},
    {{.attributes = customer_o, .attribute_count = 1}, ""},
    {{.attributes = number_2, .attribute_count = 1}, "c"},
    {{.attributes = number_20, .attribute_count = 1}, ""},
    {{.attributes = ratio_half, .attribute_count = 1}, "b"},
    {{.attributes = is_first, .attribute_count = 1}, "a"},
    {{.attributes = staging, .attribute_count = 1}, "c"},
    {{.attributes = staging, .attribute_count = 1, .service = {"web", 3}}, ""},
    {{.attributes = two, .attribute_count = 2}, "e"},
    {{.attributes = of_two_spans, .attribute_count = 2}, ""},
    {{.attributes = of_both_ends, .attribute_count = 2}, "edba"},
    {{.attributes = no_key, .attribute_count = 1}, ""},
    {{.status = CLEAT__TRACE_ERROR}, "eb"},
    {{.status = CLEAT__TRACE_OK}, "dca"},
    {{.status = CLEAT__TRACE_ERROR, .name = {"work", 4}}, "e"},
    {{.min_duration_ns = 2 * SECOND}, "dcb"},
    {{.max_duration_ns = 2 * SECOND}, "edba"},
    {{.min_duration_ns = 2 * SECOND, .max_duration_ns = 2 * SECOND}, "db"},
    {{.min_duration_ns = 2 * SECOND, .is_longest_first = true, .name = {"work", 4}}, "cd"},
    {{.since_ns = 300 * SECOND}, "edc"},
    {{.since_ns = 300 * SECOND + 1}, "ed"},
    {{.until_ns = 200 * SECOND}, "ba"},
    {{.since_ns = 200 * SECOND, .until_ns = 400 * SECOND - 1}, "cb"},
    {{.since_ns = 200 * SECOND, .until_ns = 400 * SECOND - 1, .is_longest_first = true}, "cb"},
    {{.since_ns = 300 * SECOND, .until_ns = 200 * SECOND}, ""},
};

static void test_filters(void **state)
{
    fixture *f = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cleat__trace_search_filter filter = cases[i].filter;
        cleat__trace_search_end end;
        found all = {.count = 0};
        filter.tenant = CLEAT__TENANT_DEFAULT;
        filter.limit = MOST;
        assert_int_equal(cleat__trace_search(f->store, &filter, collect, &all, &end), CLEAT_OK);
        assert_string_equal(all.names, cases[i].expected);
        assert_false(end.has_next);
        assert_int_equal(end.searched_to_ms, 0);
    }
}

/* Whatever a search may do, and show, at once: together its answers are all there is. */
static void test_cut_searches_go_on(void **state)
{
    fixture *f = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (int64_t work = 1; work <= 9; work++) {
            for (int64_t limit = 1; limit <= 5; limit += 2) {
                cleat__trace_search_filter filter = cases[i].filter;
                found all;
                filter.tenant = CLEAT__TENANT_DEFAULT;
                filter.limit = limit;
                filter.work = work;
                search_all(f->store, filter, &all);
                assert_string_equal(all.names, cases[i].expected);
            }
        }
    }
}

/* A trace that is larger than the work is gone through piece by piece. */
static void test_large_traces_are_cut_too(void **state)
{
    fixture *f = *state;
    for (int longest = 0; longest < 2; longest++) {
        cleat_span_context root =
            add_span(f, &(wanted_span){.name = "large", .start_s = 1000, .length_s = 20});
        for (int i = 0; i < 100; i++) {
            const cleat_attribute attribute = cleat_attribute_int("step", i);
            add_span(f, &(wanted_span){.name = "inner",
                                       .parent = &root,
                                       .start_s = 1000,
                                       .attributes = &attribute,
                                       .attribute_count = 1});
        }
        const cleat__trace_attribute last[] = {ATTRIBUTE("step", "99")};
        cleat__trace_search_filter filter = {.tenant = CLEAT__TENANT_DEFAULT,
                                             .attributes = last,
                                             .attribute_count = 1,
                                             .is_longest_first = longest,
                                             .limit = 10,
                                             .work = 10};
        cleat__trace_search_end end;
        found all = {.count = 0};
        assert_int_equal(cleat__trace_search(f->store, &filter, collect, &all, &end), CLEAT_OK);
        assert_int_equal(all.count, 0);
        assert_true(end.has_next);
        assert_true(end.next.has_span);
        assert_int_equal(end.searched_spans, 9); /* and the trace */
        int answers = search_all(f->store, filter, &all);
        assert_string_equal(all.names, longest ? "largelarge" : "large");
        assert_true(answers >= 11);
    }
}

/* A record takes the work of as many rows as fit into it. */
static void test_large_records_are_work(void **state)
{
    static char text[50 * 4096];
    fixture *f = *state;
    memset(text, 'x', sizeof(text) - 1);
    const cleat_attribute attribute = cleat_attribute_string("large", text);
    add_span(
        f,
        &(wanted_span){
            .name = "large", .start_s = 1000, .length_s = 1, .attributes = &attribute, .attribute_count = 1});
    cleat__trace_search_filter filter = {
        .tenant = CLEAT__TENANT_DEFAULT, .name = cleat_slice_of("nothing"), .limit = 10, .work = 40};
    cleat__trace_search_end end;
    found all = {.count = 0};
    assert_int_equal(cleat__trace_search(f->store, &filter, collect, &all, &end), CLEAT_OK);
    assert_true(end.has_next);
    assert_int_equal(end.searched_spans, 1);
    filter.work = 70;
    assert_int_equal(cleat__trace_search(f->store, &filter, collect, &all, &end), CLEAT_OK);
    assert_false(end.has_next);
}

static void test_how_far_it_came(void **state)
{
    fixture *f = *state;
    const cleat__trace_search_filter filter = {
        .tenant = CLEAT__TENANT_DEFAULT, .name = cleat_slice_of("nothing"), .limit = 10, .work = 6};
    cleat__trace_search_end end;
    found all = {.count = 0};
    assert_int_equal(cleat__trace_search(f->store, &filter, collect, &all, &end), CLEAT_OK);
    assert_true(end.has_next);
    assert_false(end.next.has_span);
    assert_int_equal(end.searched_spans, 4); /* of "e" and "d" */
    assert_int_equal(end.searched_to_ms, 400 * 1000);
}

static void test_pages_stay_while_traces_are_added(void **state)
{
    fixture *f = *state;
    cleat__trace_search_filter filter = {.tenant = CLEAT__TENANT_DEFAULT, .limit = 2};
    cleat__trace_search_end end = {.has_next = true};
    cleat__trace_cursor before;
    found all = {.count = 0};
    for (int i = 0; end.has_next; i++) {
        assert_int_equal(cleat__trace_search(f->store, &filter, collect, &all, &end), CLEAT_OK);
        add_span(f, &(wanted_span){.name = "new", .start_s = 1000 + i, .length_s = 1});
        before = end.next;
        filter.before = &before;
    }
    assert_string_equal(all.names, "edcba");
}

static bool collect_one(void *argument, const cleat__trace_row *row)
{
    collect(argument, row);
    return false;
}

static void test_whoever_has_enough_can_go_on_later(void **state)
{
    fixture *f = *state;
    cleat__trace_search_filter filter = {.tenant = CLEAT__TENANT_DEFAULT, .limit = 50};
    cleat__trace_search_end end;
    found all = {.count = 0};
    assert_int_equal(cleat__trace_search(f->store, &filter, collect_one, &all, &end), CLEAT_OK);
    assert_true(end.has_next);
    cleat__trace_cursor before = end.next;
    filter.before = &before;
    assert_int_equal(cleat__trace_search(f->store, &filter, collect_one, &all, &end), CLEAT_OK);
    assert_string_equal(all.names, "ed");
}

static void test_tenants_are_apart(void **state)
{
    fixture *f = *state;
    for (int longest = 0; longest < 2; longest++) {
        cleat__trace_search_filter filter = {
            .tenant = OTHER_TENANT, .is_longest_first = longest, .limit = 50};
        found all;
        search_all(f->store, filter, &all);
        assert_string_equal(all.names, "f");
        filter.attributes = odd;
        filter.attribute_count = 1;
        search_all(f->store, filter, &all);
        assert_string_equal(all.names, "f");
        filter.tenant = 99;
        search_all(f->store, filter, &all);
        assert_string_equal(all.names, "");
    }
}

static void test_hostile_texts(void **state)
{
    static const char *const texts[] = {"<img onerror=1>", "'; DROP TABLE span; --", "%", "\"\\\n",
                                        "\xC3\xA4"};
    fixture *f = *state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        const cleat_attribute attribute = cleat_attribute_string(texts[i], texts[i]);
        add_span(f, &(wanted_span){.name = texts[i],
                                   .start_s = 1000,
                                   .length_s = 1,
                                   .attributes = &attribute,
                                   .attribute_count = 1});
    }
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        const cleat__trace_attribute attribute = {cleat_slice_of(texts[i]), cleat_slice_of(texts[i])};
        found all;
        search_all(f->store,
                   (cleat__trace_search_filter){
                       .tenant = CLEAT__TENANT_DEFAULT, .name = cleat_slice_of(texts[i]), .limit = 50},
                   &all);
        assert_string_equal(all.names, texts[i]);
        search_all(
            f->store,
            (cleat__trace_search_filter){
                .tenant = CLEAT__TENANT_DEFAULT, .attributes = &attribute, .attribute_count = 1, .limit = 50},
            &all);
        assert_string_equal(all.names, texts[i]);
    }
}

static bool is_found(fixture *f, const char *key, const char *value)
{
    const cleat__trace_attribute attribute = {cleat_slice_of(key), cleat_slice_of(value)};
    found all;
    search_all(
        f->store,
        (cleat__trace_search_filter){
            .tenant = CLEAT__TENANT_DEFAULT, .attributes = &attribute, .attribute_count = 1, .limit = 50},
        &all);
    return all.count == 1;
}

static void test_values_of_any_type(void **state)
{
    const cleat_slice words[] = {cleat_slice_of("one"), cleat_slice_of("two")};
    const int64_t numbers[] = {7, INT64_MIN};
    const cleat_attribute attributes[] = {
        cleat_attribute_strings("words", words, 2), cleat_attribute_ints("numbers", numbers, 2),
        cleat_attribute_string("digits", "7"),      cleat_attribute_string("empty", ""),
        cleat_attribute_double("large", 1e300),     cleat_attribute_bool("no", false),
    };
    fixture *f = *state;
    add_span(
        f,
        &(wanted_span){
            .name = "values", .start_s = 1, .length_s = 1, .attributes = attributes, .attribute_count = 6});
    assert_true(is_found(f, "words", "one"));
    assert_true(is_found(f, "words", "two"));
    assert_false(is_found(f, "words", "onetwo"));
    assert_true(is_found(f, "numbers", "7"));
    assert_true(is_found(f, "numbers", "-9223372036854775808"));
    assert_false(is_found(f, "numbers", "70"));
    assert_true(is_found(f, "digits", "7"));
    assert_true(is_found(f, "empty", ""));
    assert_false(is_found(f, "digits", ""));
    assert_true(is_found(f, "large", "1e300"));
    assert_true(is_found(f, "large", "10e299"));
    assert_false(is_found(f, "large", "1e301"));
    assert_false(is_found(f, "large", "1e300x"));
    assert_true(is_found(f, "no", "false"));
    assert_false(is_found(f, "no", "true"));
    assert_false(is_found(f, "word", "one"));
}

static void test_rows_tell_links(void **state)
{
    static const char sql[] =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500) "
        "INSERT INTO span_link (from_trace, from_span_id, to_trace_id, to_span_id) "
        "SELECT (SELECT id FROM trace WHERE root_name = 'a'), x'01', "
        "(SELECT trace_id FROM trace WHERE root_name = 'b'), x'02' FROM n";
    fixture *f = *state;
    found all = {.count = 0};
    cleat__trace_search_end end;
    cleat__trace_search_filter filter = {
        .tenant = CLEAT__TENANT_DEFAULT, .until_ns = 200 * SECOND, .limit = 1};
    assert_int_equal(cleat__trace_search(f->store, &filter, collect, &all, &end), CLEAT_OK);
    assert_string_equal(all.names, "b");
    assert_int_equal(all.last.links_in, 0);
    assert_int_equal(all.last.span_count, 2);
    assert_int_equal(all.last.error_count, 1);
    assert_int_equal(sqlite3_exec(cleat__store_db(f->store), sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(cleat__trace_search(f->store, &filter, collect, &all, &end), CLEAT_OK);
    assert_int_equal(all.last.links_in, CLEAT__TRACE_LINKS_COUNTED);
    filter.until_ns = 100 * SECOND;
    assert_int_equal(cleat__trace_search(f->store, &filter, collect, &all, &end), CLEAT_OK);
    assert_int_equal(all.last.links_out, CLEAT__TRACE_LINKS_COUNTED);
    assert_int_equal(all.last.links_in, 0);
}

/* Of more than can be sorted the newest are, and the end says so. */
static void test_the_longest_of_so_many(void **state)
{
    char sql[512];
    fixture *f = *state;
    cleat__trace_search_filter filter = {
        .tenant = CLEAT__TENANT_DEFAULT, .is_longest_first = true, .limit = 2};
    cleat__trace_search_end end;
    found all = {.count = 0};
    snprintf(sql, sizeof(sql),
             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) "
             "INSERT INTO trace (tenant, trace_id, root_name, root_start_ns, has_root, start_ns, end_ns, "
             "span_count, "
             "error_count, bytes) SELECT 1, randomblob(16), 'x', i, 1, 2000000000000 + i, 2000000000000 + i "
             "+ 5, 1, "
             "0, 1 FROM n",
             CLEAT__TRACE_SORT_MAX - 2);
    assert_int_equal(sqlite3_exec(cleat__store_db(f->store), sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(cleat__trace_search(f->store, &filter, collect, &all, &end), CLEAT_OK);
    assert_string_equal(all.names, "de"); /* not "c", which is the longest and older */
    assert_true(end.has_next);
    assert_int_equal(end.searched_to_ms, 400 * 1000);
    filter.until_ns = 400 * SECOND;
    all = (found){.count = 0};
    assert_int_equal(cleat__trace_search(f->store, &filter, collect, &all, &end), CLEAT_OK);
    assert_string_equal(all.names, "cd");
    assert_int_equal(end.searched_to_ms, 0);
}

static void test_an_empty_file_has_nothing(void **state)
{
    fixture *f = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cleat__trace_search_filter filter = cases[i].filter;
        found all;
        filter.tenant = CLEAT__TENANT_DEFAULT;
        filter.limit = 50;
        assert_int_equal(search_all(f->store, filter, &all), 1);
        assert_int_equal(all.count, 0);
    }
}

static void test_too_many_attributes(void **state)
{
    static const cleat__trace_attribute many[CLEAT__TRACE_ATTRIBUTES_MAX + 1];
    fixture *f = *state;
    cleat__trace_search_filter filter = {.tenant = CLEAT__TENANT_DEFAULT,
                                         .attributes = many,
                                         .attribute_count = CLEAT__TRACE_ATTRIBUTES_MAX + 1,
                                         .limit = 50};
    cleat__trace_search_end end;
    found all = {.count = 0};
    assert_int_equal(cleat__trace_search(f->store, &filter, collect, &all, &end), CLEAT_INVALID_ARGUMENT);
    filter.attribute_count--;
    assert_int_equal(cleat__trace_search(f->store, &filter, collect, &all, &end), CLEAT_OK);
}

/* ---- Cursors ---- */

static void test_cursors_as_text(void **state)
{
    static const cleat__trace_cursor cursors[] = {
        {0, 0, false, {{0}}},
        {INT64_MAX, INT64_MAX, true, {{0xFF, 1, 2, 3, 4, 5, 6, 7}}},
        {INT64_MIN, INT64_MIN, true, {{0}}},
    };
    static const char *const wrong[] = {"",
                                        "1",
                                        "1.",
                                        ".1",
                                        "1.2.",
                                        "1.2.3",
                                        "x.2",
                                        "1.2x",
                                        " 1.2",
                                        "1. 2",
                                        "1.2.00112233445566",
                                        "1.2.001122334455667788",
                                        "1.2.001122334455667G",
                                        "99999999999999999999.1",
                                        "1-2",
                                        "--1.2"};
    (void)state;
    for (size_t i = 0; i < sizeof(cursors) / sizeof(cursors[0]); i++) {
        char text[CLEAT__TRACE_CURSOR_SIZE];
        cleat__trace_cursor back;
        cleat__trace_cursor_format(&cursors[i], text);
        assert_true(strlen(text) < sizeof(text));
        assert_int_equal(cleat__trace_cursor_parse(cleat_slice_of(text), &back), CLEAT_OK);
        assert_int_equal(back.order, cursors[i].order);
        assert_int_equal(back.number, cursors[i].number);
        assert_int_equal(back.has_span, cursors[i].has_span);
        assert_memory_equal(&back.span_id, &cursors[i].span_id, sizeof(back.span_id));
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        cleat__trace_cursor back;
        assert_int_equal(cleat__trace_cursor_parse(cleat_slice_of(wrong[i]), &back), CLEAT_INVALID_ARGUMENT);
    }
    cleat__trace_cursor back;
    assert_int_equal(cleat__trace_cursor_parse((cleat_slice){"1.2\0", 4}, &back), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat__trace_cursor_parse((cleat_slice){NULL, 0}, &back), CLEAT_INVALID_ARGUMENT);
}

#define TEST(function)       cmocka_unit_test_setup_teardown(function, set_up_traces, tear_down)
#define TEST_EMPTY(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_filters),
        TEST(test_cut_searches_go_on),
        TEST(test_large_traces_are_cut_too),
        TEST(test_large_records_are_work),
        TEST(test_how_far_it_came),
        TEST(test_pages_stay_while_traces_are_added),
        TEST(test_whoever_has_enough_can_go_on_later),
        TEST(test_tenants_are_apart),
        TEST(test_hostile_texts),
        TEST_EMPTY(test_values_of_any_type),
        TEST(test_rows_tell_links),
        TEST(test_the_longest_of_so_many),
        TEST_EMPTY(test_an_empty_file_has_nothing),
        TEST_EMPTY(test_too_many_attributes),
        cmocka_unit_test(test_cursors_as_text),
    };
    return cmocka_run_group_tests_name("collector/trace_search", tests, NULL, NULL);
}
