/* The viewer's lists of runs and traces, as they are asked for: their arguments, pages and tenants. What is found is for
 * tests/store/run_search_test.c and tests/collector/trace_search_test.c. */
#include "ui_test.h"

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
        {"since_ms=5&until_ms=5", "until_ms"},
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

static void lists_have_nothing_of_another_tenant(void **state)
{
    ui_world *it = *state;
    (void)trigger_run(&it->rest, 1, "greet");
    static const char *const lists[] = {API "runs"};
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
    expect_400(&it->rest, "GET", API "queues/history?since_ms=2&until_ms=2", NULL, "until_ms");
    expect_400(&it->rest, "GET", URL(API "queues/history?since_ms=%lld", (long long)NEXT_CENTURY_MS), NULL,
               "since_ms");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UI_TEST(runs_are_listed_page_by_page),       UI_TEST(runs_are_found_by_each_of_their_filters),
        UI_TEST(runs_are_counted_over_time),         UI_TEST(what_is_asked_of_runs_is_checked),
        UI_TEST(a_text_that_is_too_long_is_refused), UI_TEST(lists_have_nothing_of_another_tenant),
        UI_TEST(the_queue_is_told_over_time),
    };
    curl_global_init(CURL_GLOBAL_ALL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
