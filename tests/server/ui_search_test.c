/* The viewer's lists of runs and traces, as they are asked for: their arguments, pages and tenants. What is found is for
 * tests/store/run_search_test.c and tests/collector/trace_search_test.c. */
#include "ui_test.h"

#include "stored_spans.h"

/* ---- Runs ---- */

static cleat__uuid trigger_with(ui_world *it, int64_t tenant, const char *metadata)
{
    cleat__uuid id;
    const cleat__trigger trigger = {.workflow = cleat_slice_of("greet"),
                                    .input = cleat_slice_of("{\"n\":1}"),
                                    .metadata = cleat_slice_of(metadata),
                                    .child_index = -1};
    assert_int_equal(cleat__engine_trigger(it->rest.engine, tenant, &trigger, 1, &id), CLEAT_OK);
    return id;
}

/* The only row of the list is that run; NULL: there is none. */
static void expect_only(ui_world *it, const char *query, const cleat__uuid *id)
{
    json_t *list = get(&it->rest, URL(API "runs?%s", query));
    if (count_at(list, "rows") != (id != NULL)) {
        fail_msg("%s: %zu runs", query, count_at(list, "rows"));
    }
    if (id != NULL) {
        assert_string_equal(text_at(list, "rows.0.id"), ID(id));
    }
    assert_true(json_is_null(at(list, "next")));
    json_decref(list);
}

static void runs_are_listed_page_by_page(void **state)
{
    enum { COUNT = 5 };
    ui_world *it = *state;
    cleat__uuid ids[COUNT];
    char before[64] = "";
    for (int i = 0; i < COUNT; i++) {
        ids[i] = trigger_run(&it->rest, 1, "greet");
    }
    for (int i = COUNT - 1; i >= 0; i -= 2) {
        json_t *list = get(&it->rest, URL(API "runs?limit=2%s", before));
        assert_int_equal(count_at(list, "rows"), i > 0 ? 2 : 1);
        assert_string_equal(text_at(list, "rows.0.id"), ID(&ids[i]));
        assert_string_equal(text_at(list, "rows.0.status"), "QUEUED");
        assert_string_equal(text_at(list, "rows.0.metadata.user"), "ada");
        assert_null(at(list, "rows.0.input"));
        if (i > 0) {
            assert_string_equal(text_at(list, "rows.1.id"), ID(&ids[i - 1]));
            snprintf(before, sizeof(before), "&before=%s", text_at(list, "next"));
            assert_true(json_is_integer(at(list, "searched_to_ms")));
        } else {
            assert_true(json_is_null(at(list, "next")));
            assert_true(json_is_null(at(list, "searched_to_ms")));
        }
        json_decref(list);
    }
}

static void runs_are_found_by_each_of_their_filters(void **state)
{
    ui_world *it = *state;
    cleat__uuid gone = trigger_with(it, 1, "{\"user\":\"eve\",\"shop\":\"a:b\"}");
    cleat__uuid id = trigger_with(it, 1, "{\"user\":\"ada\",\"shop\":\"a:b\"}");
    json_decref(change(it, 1, URL(API "runs/%s/cancel", ID(&gone)), 200));
    expect_only(it, "status=QUEUED", &id);
    expect_only(it, "status=CANCELLED", &gone);
    expect_only(it, "status=CANCELLED&status=RUNNING", &gone);
    expect_only(it, "status=RUNNING&status=EVICTED", NULL);
    expect_only(it, "status=QUEUED&workflow=greet", &id);
    expect_only(it, "workflow=other", NULL);
    expect_only(it, "metadata=user:eve", &gone);
    expect_only(it, "metadata=user:ada&metadata=shop:a:b", &id);
    expect_only(it, "metadata=user:ada&metadata=shop:x", NULL);
    expect_only(it, "text=EVE", &gone);
    expect_only(it, URL("text=%s", ID(&id)), &id);
    expect_only(it, "text=&status=QUEUED", &id);
    expect_only(it, "until_ms=1000", NULL);
    expect_only(it, URL("since_ms=%lld", (long long)NEXT_CENTURY_MS), NULL);
    expect_only(it, URL("status=QUEUED&since_ms=1000&until_ms=%lld", (long long)NEXT_CENTURY_MS), &id);
    expect_only(it, URL("parent=%s", ID(&id)), NULL);
}

static void runs_without_a_parent_are_told_from_children(void **state)
{
    ui_world *it = *state;
    cleat__uuid parent = trigger_run(&it->rest, 1, "greet"), child;
    const cleat__trigger trigger = {.workflow = cleat_slice_of("greet"),
                                    .input = cleat_slice_of("{}"),
                                    .is_child = true,
                                    .parent_id = parent};
    assert_int_equal(cleat__engine_trigger(it->rest.engine, 1, &trigger, 1, &child), CLEAT_OK);
    expect_only(it, "parent=none", &parent);
    expect_only(it, URL("parent=%s", ID(&parent)), &child);
    json_t *counts = get(&it->rest, API "runs/histogram?parent=none");
    assert_int_equal(int_at(counts, "counted"), 1);
    json_decref(counts);
}

static void runs_are_counted_over_time(void **state)
{
    ui_world *it = *state;
    cleat__uuid first = trigger_run(&it->rest, 1, "greet");
    (void)trigger_run(&it->rest, 1, "greet");
    (void)trigger_run(&it->rest, 2, "greet");
    json_decref(change(it, 1, URL(API "runs/%s/cancel", ID(&first)), 200));
    json_t *all = get(&it->rest, API "runs/histogram?buckets=10");
    assert_int_equal(int_at(all, "counted"), 2);
    assert_true(json_is_true(at(all, "is_complete")));
    assert_int_equal(int_at(all, "totals.QUEUED"), 1);
    assert_int_equal(int_at(all, "totals.CANCELLED"), 1);
    assert_null(at(all, "totals.RUNNING"));
    assert_in_range(count_at(all, "buckets"), 1, 10);
    json_int_t sum = 0;
    for (size_t i = 0; i < count_at(all, "buckets"); i++) {
        sum += json_integer_value(at(all, URL("buckets.%zu.counts.QUEUED", i))) +
               json_integer_value(at(all, URL("buckets.%zu.counts.CANCELLED", i)));
        assert_true(json_integer_value(at(all, URL("buckets.%zu.at_ms", i))) ==
                    json_integer_value(at(all, "from_ms")) +
                        (json_int_t)i * json_integer_value(at(all, "width_ms")));
    }
    assert_int_equal(sum, 2);
    json_decref(all);
    json_t *some = get(&it->rest, API "runs/histogram?status=CANCELLED&metadata=user:ada");
    assert_int_equal(int_at(some, "counted"), 1);
    json_decref(some);
    json_t *future = get(&it->rest, URL(API "runs/histogram?since_ms=%lld", (long long)NEXT_CENTURY_MS));
    assert_int_equal(int_at(future, "counted"), 0);
    assert_in_range(count_at(future, "buckets"), 0, 60);
    json_decref(future);
    json_t *none = get(&it->rest, API "runs/histogram?workflow=other");
    assert_int_equal(int_at(none, "counted"), 0);
    assert_int_equal(count_at(none, "buckets"), 0);
    assert_true(json_is_null(at(none, "from_ms")));
    json_decref(none);
}

static void what_is_asked_of_runs_is_checked(void **state)
{
    static const struct {
        const char *query, *name;
    } cases[] = {
        {"status=queued", "status"},
        {"status=", "status"},
        {"since_ms=x", "since_ms"},
        {"since_ms=-1", "since_ms"},
        {"until_ms=0", "until_ms"},
        {"until_ms=9000000000001", "until_ms"},
        {"since_ms=6&until_ms=5", "until_ms"},
        {"metadata=x", "metadata"},
        {"metadata=:x", "metadata"},
        {"metadata=a:%ff", "metadata"},
        {"parent=x", "parent"},
        {"text=%ff", "text"},
        {"workflow=%c3", "workflow"},
    };
    static const struct {
        const char *query, *name;
    } list_cases[] = {
        {"limit=0", "limit"}, {"limit=201", "limit"}, {"limit=1.5", "limit"}, {"before=x", "before"}};
    ui_world *it = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        expect_400(&it->rest, "GET", URL(API "runs?%s", cases[i].query), NULL, cases[i].name);
        expect_400(&it->rest, "GET", URL(API "runs/histogram?%s", cases[i].query), NULL, cases[i].name);
    }
    for (size_t i = 0; i < sizeof(list_cases) / sizeof(list_cases[0]); i++) {
        expect_400(&it->rest, "GET", URL(API "runs?%s", list_cases[i].query), NULL, list_cases[i].name);
    }
    expect_400(&it->rest, "GET", API "runs/histogram?buckets=201", NULL, "buckets");
    expect_400(&it->rest, "GET", API "runs/histogram?buckets=0", NULL, "buckets");
    char many[600] = API "runs?metadata=a:b";
    for (int i = 0; i < 16; i++) {
        strcat(many, "&metadata=a:b");
    }
    expect_400(&it->rest, "GET", many, NULL, "metadata");
}

static void a_text_that_is_too_long_is_refused(void **state)
{
    ui_world *it = *state;
    char path[1100];
    size_t size = (size_t)sprintf(path, API "runs?text=");
    memset(path + size, 'x', 1001);
    path[size + 1001] = '\0';
    reply answer = ask(it->rest.server, (question){.path = path, .headers = {AS_1}});
    assert_int_equal(answer.status, 400);
    assert_non_null(strstr(answer.body, "text"));
    reply_deinit(&answer);
    path[size + 1000] = '\0';
    answer = ask(it->rest.server, (question){.path = path, .headers = {AS_1}});
    assert_int_equal(answer.status, 200);
    reply_deinit(&answer);
}

/* ---- Traces ---- */

#define TRACE_ID(n) "4bf92f3577b34da6a3ce929d0e0e473" n
#define SPAN(trace, name, start, end, more)                                                                 \
    "{\"traceId\":\"" trace "\",\"spanId\":\"00f067aa0ba902b7\",\"name\":\"" name                           \
    "\",\"kind\":2,\"startTimeUnixNano\":\"17837568" start "000000000\",\"endTimeUnixNano\":\"17837568" end \
    "000000000\"" more "}"

static const char spans[] =
    "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":"
    "\"shop\"}}]},\"scopeSpans\":[{\"spans\":[" //
    SPAN(TRACE_ID("1"), "pay", "01", "09",
         ",\"attributes\":[{\"key\":\"order\",\"value\":{\"intValue\":\"7\"}},"
         "{\"key\":\"sum\",\"value\":{\"stringValue\":\"a=b\"}}]") ","      //
    SPAN(TRACE_ID("2"), "ship", "02", "04", ",\"status\":{\"code\":2}") "," //
    SPAN(TRACE_ID("3"), "pay back", "03", "04", "") "]}]}]}";

static json_t *get_traces(ui_world *it, const char *query)
{
    return get(&it->rest, URL(API "traces?%s", query));
}

/* The ends of the ids that are listed, "321". */
static void expect_traces(ui_world *it, const char *query, const char *ends)
{
    json_t *list = get_traces(it, query);
    char found[16] = "";
    for (size_t i = 0; i < count_at(list, "rows") && i < 15; i++) {
        found[i] = text_at(list, URL("rows.%zu.id", i))[31];
    }
    if (strcmp(found, ends) != 0) {
        fail_msg("%s: %s, not %s", query, found, ends);
    }
    json_decref(list);
}

static void traces_are_found_by_each_of_their_filters(void **state)
{
    ui_world *it = *state;
    store_spans(&it->rest, 1, spans);
    expect_traces(it, "", "321");
    expect_traces(it, "sort=newest", "321");
    expect_traces(it, "sort=longest", "123");
    expect_traces(it, "name=pay", "31");
    expect_traces(it, "name=PAY&service=shop", "31");
    expect_traces(it, "service=other", "");
    expect_traces(it, "attribute=order=7", "1");
    expect_traces(it, "attribute=sum=a=b&attribute=order=7", "1");
    expect_traces(it, "attribute=order=8", "");
    expect_traces(it, "attribute=service.name=shop", "321");
    expect_traces(it, "status=error", "2");
    expect_traces(it, "status=ok", "31");
    expect_traces(it, "status=ok&status=error", "321");
    expect_traces(it, "min_duration_ns=2000000000", "21");
    expect_traces(it, "max_duration_ns=2000000000", "32");
    expect_traces(it, "since_ms=1783756802000", "32");
    expect_traces(it, "until_ms=1783756802000", "21");
    expect_traces(it, "since_ms=1783756802000&until_ms=1783756802000", "2");
}

static void a_trace_is_listed_with_its_numbers(void **state)
{
    ui_world *it = *state;
    store_spans(&it->rest, 1, spans);
    json_t *list = get_traces(it, "name=ship");
    const json_t *row = at(list, "rows.0");
    assert_string_equal(text_at(row, "id"), TRACE_ID("2"));
    assert_string_equal(text_at(row, "name"), "ship");
    assert_true(json_is_null(at(row, "task")));
    assert_string_equal(text_at(row, "service"), "shop");
    assert_true(json_integer_value(at(row, "start_ms")) == INT64_C(1783756802000));
    assert_int_equal(int_at(row, "duration_ns"), 2000000000);
    assert_int_equal(int_at(row, "span_count"), 1);
    assert_int_equal(int_at(row, "error_count"), 1);
    assert_int_equal(int_at(row, "links_out"), 0);
    assert_int_equal(int_at(row, "links_in"), 0);
    assert_true(json_is_integer(at(list, "searched_spans")));
    json_decref(list);
}

static void traces_are_listed_page_by_page(void **state)
{
    static const char *const sorts[] = {"newest", "longest"}, *const orders[] = {"321", "123"};
    ui_world *it = *state;
    store_spans(&it->rest, 1, spans);
    for (size_t i = 0; i < 2; i++) {
        char query[200];
        snprintf(query, sizeof(query), "sort=%s&limit=1", sorts[i]);
        for (size_t j = 0; j < 3; j++) {
            json_t *list = get_traces(it, query);
            assert_int_equal(count_at(list, "rows"), 1);
            assert_int_equal(text_at(list, "rows.0.id")[31], orders[i][j]);
            const json_t *next = at(list, "next");
            if (j < 2) {
                snprintf(query, sizeof(query), "sort=%s&limit=1&before=%s", sorts[i],
                         json_string_value(next));
            }
            json_decref(list);
        }
    }
}

static void what_is_asked_of_traces_is_checked(void **state)
{
    static const struct {
        const char *query, *name;
    } cases[] = {
        {"status=failed", "status"},
        {"sort=oldest", "sort"},
        {"attribute=x", "attribute"},
        {"attribute==x", "attribute"},
        {"min_duration_ns=-1", "min_duration_ns"},
        {"max_duration_ns=0", "max_duration_ns"},
        {"min_duration_ns=2&max_duration_ns=1", "max_duration_ns"},
        {"min_duration_ns=9223372036854775808", "min_duration_ns"},
        {"since_ms=9000000000001", "since_ms"},
        {"until_ms=x", "until_ms"},
        {"before=x", "before"},
        {"before=", "before"},
        {"limit=501", "limit"},
        {"service=%ff", "service"},
        {"name=%ff", "name"},
    };
    ui_world *it = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        expect_400(&it->rest, "GET", URL(API "traces?%s", cases[i].query), NULL, cases[i].name);
    }
    char many[600] = API "traces?attribute=a=b";
    for (int i = 0; i < 16; i++) {
        strcat(many, "&attribute=a=b");
    }
    expect_400(&it->rest, "GET", many, NULL, "attribute");
}

static void lists_have_nothing_of_another_tenant(void **state)
{
    ui_world *it = *state;
    (void)trigger_run(&it->rest, 1, "greet");
    store_spans(&it->rest, 1, spans);
    static const char *const lists[] = {API "runs", API "traces", API "traces?sort=longest",
                                        API "traces?name=pay"};
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        json_t *list = ask_json(&it->rest, (asking){2, "GET", lists[i], NULL, 200});
        assert_int_equal(count_at(list, "rows"), 0);
        json_decref(list);
    }
    json_t *histogram = ask_json(&it->rest, (asking){2, "GET", API "runs/histogram", NULL, 200});
    assert_int_equal(int_at(histogram, "counted"), 0);
    json_decref(histogram);
    json_t *queue = ask_json(&it->rest, (asking){2, "GET", API "queues/history", NULL, 200});
    for (size_t i = 0; i < count_at(queue, "buckets"); i++) {
        assert_int_equal(int_at(queue, URL("buckets.%zu.depth", i)), 0);
    }
    json_decref(queue);
}

/* ---- The queue ---- */

static void the_queue_is_told_over_time(void **state)
{
    ui_world *it = *state;
    (void)trigger_run(&it->rest, 1, "greet");
    (void)trigger_run(&it->rest, 1, "greet");
    json_t *hour = get(&it->rest, API "queues/history");
    while (int_at(hour, "buckets.59.depth") <
           2) { /* what was queued in this very millisecond has not waited */
        json_decref(hour);
        hour = get(&it->rest, API "queues/history");
    }
    assert_int_equal(count_at(hour, "buckets"), 60);
    assert_true(json_is_true(at(hour, "is_complete")));
    assert_int_equal(int_at(hour, "buckets.0.depth"), 0);
    assert_int_equal(int_at(hour, "buckets.59.depth"), 2);
    assert_true(json_is_integer(at(hour, "buckets.59.oldest_age_ms")));
    assert_int_equal(json_integer_value(at(hour, "buckets.1.at_ms")) -
                         json_integer_value(at(hour, "buckets.0.at_ms")),
                     60000);
    json_decref(hour);
    json_t *past = get(&it->rest, API "queues/history?since_ms=1000&until_ms=2000&buckets=4");
    assert_int_equal(count_at(past, "buckets"), 4);
    assert_int_equal(int_at(past, "buckets.0.at_ms"), 1000);
    assert_int_equal(int_at(past, "buckets.3.depth"), 0);
    json_decref(past);
    expect_400(&it->rest, "GET", API "queues/history?buckets=201", NULL, "buckets");
    expect_400(&it->rest, "GET", API "queues/history?since_ms=2&until_ms=2", NULL, "since_ms");
    expect_400(&it->rest, "GET", URL(API "queues/history?since_ms=%lld", (long long)NEXT_CENTURY_MS), NULL,
               "since_ms");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UI_TEST(runs_are_listed_page_by_page),
        UI_TEST(runs_are_found_by_each_of_their_filters),
        UI_TEST(runs_without_a_parent_are_told_from_children),
        UI_TEST(runs_are_counted_over_time),
        UI_TEST(what_is_asked_of_runs_is_checked),
        UI_TEST(a_text_that_is_too_long_is_refused),
        UI_TEST(traces_are_found_by_each_of_their_filters),
        UI_TEST(a_trace_is_listed_with_its_numbers),
        UI_TEST(traces_are_listed_page_by_page),
        UI_TEST(what_is_asked_of_traces_is_checked),
        UI_TEST(lists_have_nothing_of_another_tenant),
        UI_TEST(the_queue_is_told_over_time),
    };
    curl_global_init(CURL_GLOBAL_ALL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
