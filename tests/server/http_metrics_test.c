/* The numbers, and the pages that are asked without a token. */
#include "http_fixture.h"

#include "engine/engine.h"
#include "server/http_health.h"
#include "server/metrics_engine.h"
#include "store/store.h"
#include "support/join.h"
#include "support/temp_dir.h"

/* ---- The text ---- */

static void collect_odd(void *self, cleat__metrics_text *text)
{
    cleat__metrics_text_begin(text, "odd", "gauge", "A \"help\" with \\ and\nnewline.");
    cleat__metrics_text_double(text, CLEAT__METRIC_LABELS({"path", "C:\\\"x\"\n"}, {"b", ""}),
                               *(double *)self);
    cleat__metrics_text_double(text, CLEAT__METRIC_NO_LABELS, 1.0 / 0.0);
    cleat__metrics_text_int(text, CLEAT__METRIC_LABELS({"c", "1"}), UINT64_MAX);
}

static void assert_written(cleat__metrics *metrics, const char *expected)
{
    cleat__buffer out = {0};
    cleat__metrics_write(metrics, &out);
    char *text = cleat__buffer_take_string(&out);
    assert_string_equal(text, expected);
    cleat__free(text);
}

static void the_text_is_that_of_prometheus(void **state)
{
    static const double bounds[] = {0.5, 1};
    cleat__metrics *metrics = NULL;
    cleat__metric *one, *two, *again, *times;
    double value = -0.25;
    (void)state;
    assert_int_equal(cleat__metrics_new(&metrics), CLEAT_OK);
    cleat__metrics_counter(metrics, "hits_total", "Hits.", CLEAT__METRIC_LABELS({"code", "200"}), &one);
    cleat__metrics_histogram(metrics, "seconds", "Times.", CLEAT__METRIC_LABELS({"a", "b"}), bounds, 2,
                             &times);
    cleat__metrics_counter(metrics, "hits_total", "Hits.", CLEAT__METRIC_LABELS({"code", "500"}), &two);
    cleat__metrics_counter(metrics, "hits_total", "Hits.", CLEAT__METRIC_LABELS({"code", "200"}), &again);
    assert_ptr_equal(one, again);
    assert_int_equal(cleat__metrics_add_source(metrics, collect_odd, &value), CLEAT_OK);
    cleat__metric_add(one, 2);
    cleat__metric_add(again, 1);
    cleat__metric_observe(times, 0.5);
    cleat__metric_observe(times, 0.75);
    cleat__metric_observe(times, 8);
    cleat__metric_add(NULL, 1);
    static const char plain[] = "# HELP hits_total Hits.\n# TYPE hits_total counter\n"
                                "hits_total{code=\"200\"} 3\nhits_total{code=\"500\"} 0\n"
                                "# HELP seconds Times.\n# TYPE seconds histogram\n"
                                "seconds_bucket{a=\"b\",le=\"0.5\"} 1\nseconds_bucket{a=\"b\",le=\"1\"} 2\n"
                                "seconds_bucket{a=\"b\",le=\"+Inf\"} 3\nseconds_sum{a=\"b\"} 9.25\n"
                                "seconds_count{a=\"b\"} 3\n";
    char expected[2048];
    snprintf(expected, sizeof(expected), "%s%s", plain,
             "# HELP odd A \"help\" with \\\\ and\\nnewline.\n# TYPE odd gauge\n"
             "odd{path=\"C:\\\\\\\"x\\\"\\n\",b=\"\"} -0.25\nodd +Inf\nodd{c=\"1\"} 18446744073709551615\n");
    assert_written(metrics, expected);
    cleat__metrics_remove_source(metrics, &value);
    assert_written(metrics, plain);
    cleat__metrics_free(metrics);
}

static void *count_up(void *argument)
{
    static const double bounds[] = {1};
    for (int i = 0; i < 1000; i++) {
        cleat__metric *counter, *times;
        cleat__metrics_counter(argument, "n", "N.", CLEAT__METRIC_LABELS({"odd", i % 2 != 0 ? "1" : "0"}),
                               &counter);
        cleat__metrics_histogram(argument, "t", "T.", CLEAT__METRIC_NO_LABELS, bounds, 1, &times);
        cleat__metric_add(counter, 1);
        cleat__metric_observe(times, 0.5);
    }
    return NULL;
}

static void threads_lose_no_count(void **state)
{
    cleat__metrics *metrics = NULL;
    pthread_t threads[4];
    (void)state;
    assert_int_equal(cleat__metrics_new(&metrics), CLEAT_OK);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, count_up, metrics), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    cleat__buffer out = {0};
    cleat__metrics_write(metrics, &out);
    char *text = cleat__buffer_take_string(&out);
    assert_non_null(strstr(text, "n{odd=\"0\"} 2000\n"));
    assert_non_null(strstr(text, "n{odd=\"1\"} 2000\n"));
    assert_non_null(strstr(text, "t_sum 2000\n"));
    assert_non_null(strstr(text, "t_count 4000\n"));
    cleat__free(text);
    cleat__metrics_free(metrics);
}

/* ---- The pages ---- */

typedef struct fixture {
    temp_dir dir;
    cleat__engine *engine;
    cleat__metrics *metrics;
    cleat__metrics_engine *numbers;
    cleat__http_health health;
    cleat__http_table table;
    cleat__http_server *server;
} fixture;

static void start(fixture *it)
{
    memset(it, 0, sizeof(*it));
    temp_dir_make(&it->dir);
    cleat__engine_options engine = {.path = it->dir.database};
    assert_int_equal(cleat__engine_open(&engine, &it->engine), CLEAT_OK);
    assert_int_equal(cleat__metrics_new(&it->metrics), CLEAT_OK);
    assert_int_equal(cleat__metrics_engine_new(it->metrics, it->engine, it->dir.database, &it->numbers),
                     CLEAT_OK);
    it->health.engine = it->engine;
    it->health.metrics = it->metrics;
    it->health.phase = CLEAT__HTTP_SERVING;
    it->table = cleat__http_health_table(&it->health);
    cleat__http_options options = {
        .address = "127.0.0.1:0", .tables = &it->table, .table_count = 1, .metrics = it->metrics};
    assert_int_equal(cleat__http_server_start(&options, &it->server), CLEAT_OK);
}

static void stop(fixture *it)
{
    cleat__http_server_free(it->server);
    cleat__metrics_engine_free(it->numbers);
    cleat__metrics_free(it->metrics);
    cleat__engine_close(it->engine);
    temp_dir_remove(&it->dir);
}

static void assert_has(const char *text, const char *line)
{
    if (strstr(text, line) == NULL) {
        fail_msg("not there: %s\n%s", line, text);
    }
}

static void take_nothing(void *self, cleat__assignment *list)
{
    (void)self;
    while (list != NULL) {
        cleat__assignment *next = list->next;
        cleat__free(list);
        list = next;
    }
}

static void pass_over(void *self, const cleat__uuid *id, int32_t retry_count)
{
    (void)self, (void)id, (void)retry_count;
}

/* Three runs: one is with a worker, one was cancelled, one waits. */
static void make_runs(cleat__engine *engine)
{
    cleat_slice name = cleat_slice_of("pack");
    const cleat__workflow workflow = {
        .name = name,
        .tasks = &(cleat__workflow_task){.name = name,
                                         .action = cleat_slice_of("pack:pack"),
                                         .policy = {.priority = 1,
                                                    .execution_timeout_ms = CLEAT__NO_TIMEOUT,
                                                    .schedule_timeout_ms = CLEAT__NO_TIMEOUT}},
        .task_count = 1};
    cleat__worker_sink sink = {NULL, take_nothing, pass_over};
    cleat__uuid worker, ids[3];
    cleat__trigger trigger = {.workflow = name, .input = cleat_slice_of("{}")};
    cleat__trigger triggers[] = {trigger, trigger, trigger};
    assert_int_equal(cleat__engine_put_workflow(engine, CLEAT__TENANT_DEFAULT, &workflow, NULL), CLEAT_OK);
    assert_int_equal(join_engine(engine, "pack:pack", 1, &sink, &worker), CLEAT_OK);
    assert_int_equal(cleat__engine_trigger(engine, CLEAT__TENANT_DEFAULT, triggers, 3, ids), CLEAT_OK);
    assert_int_equal(cleat__engine_cancel(engine, CLEAT__TENANT_DEFAULT, &ids[2]), CLEAT_OK);
}

static void metrics_tell_how_the_engine_is(void **state)
{
    fixture it;
    (void)state;
    start(&it);
    make_runs(it.engine);
    EXPECT(it.server, 200, "{\"status\":\"live\"}", .path = "/live");
    EXPECT(it.server, 400, "{\"message\":\"no matching operation was found\"}", .path = "/lives");
    reply page = ask(it.server, (question){.path = "/metrics"});
    assert_int_equal(page.status, 200);
    assert_has(page.headers, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n");
    assert_has(page.body, "\ncleat_runs{status=\"QUEUED\"} 1\n");
    assert_has(page.body, "\ncleat_runs{status=\"RUNNING\"} 1\n");
    assert_has(page.body, "\ncleat_runs{status=\"EVICTED\"} 0\n");
    assert_has(page.body, "\ncleat_runs_ended_total{status=\"CANCELLED\"} 1\n");
    assert_has(page.body, "\ncleat_runs_ended_total{status=\"FAILED\"} 0\n");
    assert_has(page.body, "\ncleat_dispatch_seconds_bucket{le=\"+Inf\"} 1\n");
    assert_has(page.body, "\ncleat_dispatch_seconds_count 1\n");
    assert_has(page.body, "\ncleat_engine_failed 0\n");
    assert_has(page.body, "\ncleat_store_errors_total 0\n");
    assert_has(page.body, "\n# TYPE cleat_queue_oldest_seconds gauge\ncleat_queue_oldest_seconds ");
    assert_has(page.body, "\ncleat_spans 0\n");
    assert_has(page.body, "\ncleat_http_requests_total{method=\"GET\",route=\"/live\",code=\"200\"} 1\n");
    assert_has(page.body, "\ncleat_http_requests_total{method=\"other\",route=\"other\",code=\"400\"} 1\n");
    assert_has(page.body, "\ncleat_http_request_seconds_count{method=\"GET\",route=\"/live\"} 1\n");
    reply_deinit(&page);
    stop(&it);
}

/* An hour ago: of the two that wait the one with the higher id, as when the other was replayed since. */
static cleat_status queue_earlier(cleat__store *store, void *argument)
{
    static const char sql[] = "UPDATE task_live SET queued_at_ms = queued_at_ms - 3600000 "
                              "WHERE id = (SELECT max(id) FROM task_live)";
    (void)argument;
    sqlite3_exec(cleat__store_db(store), sql, NULL, NULL, NULL);
    return CLEAT_OK;
}

static void the_longest_wait_is_told_whatever_its_id(void **state)
{
    fixture it;
    cleat__uuid id;
    cleat__trigger trigger = {.workflow = cleat_slice_of("pack"), .input = cleat_slice_of("{}")};
    (void)state;
    start(&it);
    make_runs(it.engine);
    assert_int_equal(cleat__engine_trigger(it.engine, CLEAT__TENANT_DEFAULT, &trigger, 1, &id), CLEAT_OK);
    assert_int_equal(cleat__engine_call(it.engine, queue_earlier, NULL), CLEAT_OK);
    reply page = ask(it.server, (question){.path = "/metrics"});
    assert_has(page.body, "\ncleat_queue_oldest_seconds 36"); /* and so many seconds as it took */
    reply_deinit(&page);
    stop(&it);
}

/* Fails as a full disk would. */
static cleat_status forbid_pages(cleat__store *store, void *argument)
{
    (void)argument;
    sqlite3_exec(cleat__store_db(store), "PRAGMA max_page_count = 1", NULL, NULL, NULL);
    return CLEAT_OK;
}

static void it_is_not_ready_once_the_engine_has_failed(void **state)
{
    fixture it;
    (void)state;
    start(&it);
    EXPECT(it.server, 200, "{\"status\":\"ready\"}", .path = "/ready");
    make_runs(it.engine);
    assert_int_equal(cleat__engine_call(it.engine, forbid_pages, NULL), CLEAT_OK);
    char input[65536];
    memset(input, ' ', sizeof(input));
    input[0] = '{';
    input[sizeof(input) - 1] = '}';
    cleat__trigger trigger = {.workflow = cleat_slice_of("pack"), .input = {input, sizeof(input)}};
    cleat__uuid id;
    assert_int_equal(cleat__engine_trigger(it.engine, CLEAT__TENANT_DEFAULT, &trigger, 1, &id),
                     CLEAT_DISK_FULL);
    reply page = ask(it.server, (question){.path = "/ready"});
    assert_int_equal(page.status, 503);
    assert_int_equal(strncmp(page.body, "{\"status\":\"not ready\",\"reason\":\"", 32), 0);
    assert_has(page.body, "no space left on the disk");
    reply_deinit(&page);
    EXPECT(it.server, 200, "{\"status\":\"live\"}", .path = "/live");
    page = ask(it.server, (question){.path = "/metrics"});
    assert_has(page.body, "\ncleat_engine_failed 1\n");
    assert_has(page.body, "\ncleat_store_errors_total 1\n");
    reply_deinit(&page);
    stop(&it);
}

static void it_is_ready_only_while_all_is_served(void **state)
{
    static const struct {
        cleat__http_phase phase;
        const char *reason;
    } cases[] = {{CLEAT__HTTP_STARTING, "the server is starting"},
                 {CLEAT__HTTP_STOPPING, "the server is stopping"}};
    fixture it;
    (void)state;
    start(&it);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        it.health.phase = cases[i].phase;
        reply page = ask(it.server, (question){.path = "/ready"});
        assert_int_equal(page.status, 503);
        assert_has(page.body, cases[i].reason);
        reply_deinit(&page);
    }
    stop(&it);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_is_that_of_prometheus),
        cmocka_unit_test(threads_lose_no_count),
        cmocka_unit_test(metrics_tell_how_the_engine_is),
        cmocka_unit_test(the_longest_wait_is_told_whatever_its_id),
        cmocka_unit_test(it_is_not_ready_once_the_engine_has_failed),
        cmocka_unit_test(it_is_ready_only_while_all_is_served),
    };
    curl_global_init(CURL_GLOBAL_ALL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
