/* The REST API's scheduled runs: made, looked at, taken back. And what it tells of runs that wait in vain. */
#include "http_fixture.h"

#include "engine/engine.h"
#include "server/rest.h"
#include "support/temp_dir.h"

#define TENANT "/api/v1/tenants/" TENANT_1
#define AT     "\"triggerAt\":\"2099-01-01T00:00:00Z\""

typedef struct fixture {
    temp_dir dir;
    cleat__engine *engine;
    cleat__rest *rest;
    cleat__http_table table;
    cleat__http_server *server;
} fixture;

static cleat_status describe(void *self, const cleat__identity *identity, cleat__rest_tenant *out)
{
    (void)self;
    snprintf(out->name, sizeof(out->name), "tenant-%d", (int)identity->tenant);
    return CLEAT_OK;
}

static void declare(cleat__engine *engine, const char *name, const char *action, int64_t schedule_timeout_ms)
{
    const cleat__workflow workflow = {
        .name = cleat_slice_of(name),
        .task = cleat_slice_of(name),
        .action = cleat_slice_of(action),
        .policy = {.priority = 1,
                   .backoff_factor = 1,
                   .execution_timeout_ms = 1000,
                   .schedule_timeout_ms = schedule_timeout_ms},
    };
    assert_int_equal(cleat__engine_put_workflow(engine, CLEAT__TENANT_DEFAULT, &workflow, NULL), CLEAT_OK);
}

static int start(void **state)
{
    fixture *it = calloc(1, sizeof(*it));
    temp_dir_make(&it->dir);
    assert_int_equal(cleat__engine_open(&(cleat__engine_options){.path = it->dir.database}, &it->engine),
                     CLEAT_OK);
    declare(it->engine, "greet", "greet:greet", 1000);
    declare(it->engine, "brief", "brief:brief", 1);
    cleat__rest_options rest = {.engine = it->engine, .path = it->dir.database, .describe = describe};
    assert_int_equal(cleat__rest_new(&rest, &it->rest), CLEAT_OK);
    it->table = cleat__rest_table(it->rest);
    cleat__http_options options = {
        .address = "127.0.0.1:0", .tables = &it->table, .table_count = 1, .authenticate = check_token};
    assert_int_equal(cleat__http_server_start(&options, &it->server), CLEAT_OK);
    *state = it;
    return 0;
}

static int stop(void **state)
{
    fixture *it = *state;
    cleat__http_server_free(it->server);
    cleat__rest_free(it->rest);
    cleat__engine_close(it->engine);
    temp_dir_remove(&it->dir);
    free(it);
    return 0;
}

static reply schedule(fixture *it, const char *workflow, const char *body)
{
    char path[256];
    snprintf(path, sizeof(path), TENANT "/workflows/%s/scheduled", workflow);
    return ask(it->server, (question){.method = "POST", .path = path, .headers = {AS_1}, .body = body});
}

static const char *text(const json_t *row, const char *key)
{
    return json_string_value(json_object_get(row, key));
}

static void a_run_is_scheduled_looked_at_and_taken_back(void **state)
{
    fixture *it = *state;
    char path[256];
    reply made = schedule(it, "greet",
                          "{" AT ",\"input\":{\"n\":1},\"additionalMetadata\":{\"a\":\"b\"},\"priority\":2}");
    assert_int_equal(made.status, 200);
    json_t *row = json_loads(made.body, 0, NULL);
    assert_string_equal(text(row, "tenantId"), TENANT_1);
    assert_string_equal(text(row, "workflowName"), "greet");
    assert_string_equal(text(row, "triggerAt"), "2099-01-01T00:00:00.000Z");
    assert_string_equal(text(row, "method"), "API");
    assert_int_equal(json_integer_value(json_object_get(json_object_get(row, "input"), "n")), 1);
    assert_string_equal(text(json_object_get(row, "additionalMetadata"), "a"), "b");
    assert_int_equal(json_integer_value(json_object_get(row, "priority")), 2);

    snprintf(path, sizeof(path), TENANT "/workflows/scheduled/%s",
             text(json_object_get(row, "metadata"), "id"));
    EXPECT(it->server, 200, made.body, .path = path, .headers = {AS_1});
    reply gone = ask(it->server, (question){.method = "DELETE", .path = path, .headers = {AS_1}});
    assert_int_equal(gone.status, 204);
    EXPECT(it->server, 404, "{\"message\":\"not found\"}", .path = path, .headers = {AS_1});
    reply_deinit(&gone);
    json_decref(row);
    reply_deinit(&made);
}

static void a_time_in_the_past_is_answered_although_it_has_fired(void **state)
{
    fixture *it = *state;
    /* It fires in the step that makes it, or in the one behind that. */
    for (int i = 0; i < 20; i++) {
        reply made = schedule(it, "greet", "{\"triggerAt\":\"2020-01-01T00:00:00Z\",\"input\":{\"n\":1}}");
        assert_int_equal(made.status, 200);
        json_t *row = json_loads(made.body, 0, NULL);
        assert_string_equal(text(row, "workflowName"), "greet");
        assert_string_equal(text(row, "triggerAt"), "2020-01-01T00:00:00.000Z");
        assert_int_equal(strlen(text(json_object_get(row, "metadata"), "id")), 36);
        json_decref(row);
        reply_deinit(&made);
    }
}

static void what_cannot_be_scheduled_says_why(void **state)
{
    static const struct {
        const char *workflow, *body, *part;
    } cases[] = {
        {"nobody", "{" AT "}", "workflow not found"},
        {"greet", "{}", "triggerAt"},
        {"greet", "{\"triggerAt\":\"soon\"}", "triggerAt"},
        {"greet", "{" AT ",\"input\":7}", "input"},
        {"greet", "{" AT ",\"priority\":9}", "priority"},
        {"greet", "{" AT ",\"additionalMetadata\":[]}", "additionalMetadata"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        reply answer = schedule(*state, cases[i].workflow, cases[i].body);
        if (answer.status != 400 || strstr(answer.body, cases[i].part) == NULL) {
            fail_msg("%s: %ld %s", cases[i].body, answer.status, answer.body);
        }
        reply_deinit(&answer);
    }
}

static void another_tenant_sees_nothing(void **state)
{
    fixture *it = *state;
    char path[256];
    reply made = schedule(it, "greet", "{" AT "}");
    json_t *row = json_loads(made.body, 0, NULL);
    snprintf(path, sizeof(path), "/api/v1/tenants/" TENANT_2 "/workflows/scheduled/%s",
             text(json_object_get(row, "metadata"), "id"));
    EXPECT(it->server, 404, "{\"message\":\"not found\"}", .path = path, .headers = {AS_2});
    reply gone = ask(it->server, (question){.method = "DELETE", .path = path, .headers = {AS_2}});
    assert_int_equal(gone.status, 404);
    reply_deinit(&gone);
    json_decref(row);
    reply_deinit(&made);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, start, stop)

static void a_run_that_no_worker_took_in_time_says_so(void **state)
{
    fixture *it = *state;
    const cleat__trigger trigger = {.workflow = cleat_slice_of("brief"), .input = cleat_slice_of("{}")};
    char path[128], run[37];
    cleat__uuid id;
    cleat_run_result result = {0};
    assert_int_equal(cleat__engine_trigger(it->engine, CLEAT__TENANT_DEFAULT, &trigger, 1, &id), CLEAT_OK);
    assert_int_equal(cleat__engine_wait(it->engine, CLEAT__TENANT_DEFAULT, &id, 10000, &result), CLEAT_OK);
    cleat_run_result_deinit(&result);
    cleat__uuid_format(&id, run);
    snprintf(path, sizeof(path), "/api/v1/stable/workflow-runs/%s", run);
    reply told = ask(it->server, (question){.path = path, .headers = {AS_1}});
    json_t *details = json_loads(told.body, 0, NULL), *events = json_object_get(details, "taskEvents");
    const json_t *last = json_array_get(events, json_array_size(events) - 1);
    assert_string_equal(text(last, "eventType"), "SCHEDULING_TIMED_OUT");
    assert_string_equal(text(last, "errorMessage"), "no worker took it within 1ms");
    json_decref(details);
    reply_deinit(&told);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_run_is_scheduled_looked_at_and_taken_back),
        TEST(a_time_in_the_past_is_answered_although_it_has_fired),
        TEST(a_run_that_no_worker_took_in_time_says_so),
        TEST(what_cannot_be_scheduled_says_why),
        TEST(another_tenant_sees_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
