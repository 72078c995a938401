/* A run that was tried very often can be read, or says why it cannot. */
#include "rest_test.h"

#include "server/rest_parts.h"
#include "store/bind.h"

#define STABLE "/api/v1/stable/tenants/{tenant}"
#define RUN    "/api/v1/stable/workflow-runs/%s"

/* Attempts of a run, as an engine stores them. */
typedef struct tried {
    cleat__uuid id;
    int count, error_size;
} tried;

static cleat_status store_attempts(cleat__store *store, void *argument)
{
    static const char sql[] =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2) INSERT INTO attempt "
        "(task_id, retry_count, started_at_ms, finished_at_ms, outcome, error) "
        "SELECT ?1, -i, 1, 2, 'FAILED', replace(hex(zeroblob(?3 / 2)), '0', 'x') FROM n";
    const tried *what = argument;
    sqlite3_stmt *insert = NULL;
    assert_int_equal(cleat__store_prepare(store, sql, &insert), CLEAT_OK);
    cleat__bind_uuid(insert, 1, &what->id);
    sqlite3_bind_int(insert, 2, what->count);
    sqlite3_bind_int(insert, 3, what->error_size);
    assert_int_equal(sqlite3_step(insert), SQLITE_DONE);
    sqlite3_reset(insert);
    return CLEAT_OK;
}

static cleat__uuid run_that_was_tried(rest_world *it, int count, int error_size)
{
    tried what = {trigger_run(it, 1, "greet"), count, error_size};
    assert_int_equal(cleat__engine_call(it->engine, store_attempts, &what), CLEAT_OK);
    return what.id;
}

static void long_errors_of_many_attempts_are_told_in_part(void **state)
{
    enum { COUNT = 100, SIZE = 1024 * 1024 };
    rest_world *it = *state;
    cleat__uuid id = run_that_was_tried(it, COUNT, SIZE);
    json_t *run = get(it, URL(RUN, ID(&id)));
    size_t failed = 0, size = 0, i;
    const json_t *event;
    json_array_foreach(at(run, "taskEvents"), i, event)
    {
        const json_t *error = json_object_get(event, "errorMessage");
        failed += error != NULL;
        size = error != NULL && json_string_length(error) > size ? json_string_length(error) : size;
    }
    assert_int_equal(failed, COUNT);
    assert_in_range(size, 1000, SIZE / 10);
    json_decref(run);
}

static void a_run_that_takes_too_long_to_read_says_so(void **state)
{
    rest_world *it = *state;
    cleat__uuid id = run_that_was_tried(it, 2000, 10);
    char body[512];
    assert_int_equal(ask_directly(it, (directly){.target = URL(RUN, ID(&id)), .is_over = true}, body), 504);
    assert_non_null(strstr(cleat_error_message(), "took too long"));
    assert_int_equal(ask_directly(it, (directly){.target = URL(RUN, ID(&id))}, body), 200);
}

/* A second one would be started by who is told that it went wrong. */
static void what_was_started_is_told_also_when_it_cannot_be_read(void **state)
{
    rest_world *it = *state;
    char body[512];
    const directly start = {.method = "POST",
                            .target = "/api/v1/stable/tenants/" TENANT_1 "/workflow-runs/trigger",
                            .body = "{\"workflowName\":\"greet\",\"input\":{}}"};
    cleat__readers *good = it->rest->readers, *bad = NULL;
    assert_int_equal(cleat__readers_new("no/such/file", &bad), CLEAT_OK);
    it->rest->readers = bad;
    assert_int_equal(ask_directly(it, start, body), 200);
    assert_non_null(strstr(body, "\"status\":\"QUEUED\""));
    it->rest->readers = good;
    cleat__readers_free(bad);
    json_t *ids = get(it, STABLE "/workflow-runs/external-ids?since=2001-01-01T00:00:00Z");
    assert_int_equal(json_array_size(ids), 1);
    assert_non_null(strstr(body, text_at(ids, "0")));
    json_decref(ids);
}

static void a_long_name_is_told_with_its_time(void **state)
{
    enum { LONGEST = 255 };
    rest_world *it = *state;
    char name[LONGEST + 1], action[] = "long:long";
    memset(name, 'n', LONGEST);
    name[LONGEST] = '\0';
    cleat__version version;
    const cleat__workflow workflow = {.name = cleat_slice_of("long"),
                                      .tasks =
                                          &(cleat__workflow_task){.name = cleat_slice_of(name),
                                                                  .action = cleat_slice_of(action),
                                                                  .policy = {.priority = 2,
                                                                             .backoff_factor = 1,
                                                                             .execution_timeout_ms = 60000,
                                                                             .schedule_timeout_ms = 300000}},
                                      .task_count = 1};
    assert_int_equal(cleat__engine_put_workflow(it->engine, 1, &workflow, &version), CLEAT_OK);
    cleat__uuid id = trigger_run(it, 1, "long");
    json_t *run = get(it, URL(RUN, ID(&id)));
    const char *shown = text_at(run, "run.displayName");
    assert_int_equal(strspn(shown, "n"), LONGEST);
    assert_int_equal(shown[LONGEST], '-');
    assert_true(atoll(shown + LONGEST + 1) > 1000000000);
    json_decref(run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REST_TEST(long_errors_of_many_attempts_are_told_in_part),
        REST_TEST(a_run_that_takes_too_long_to_read_says_so),
        REST_TEST(what_was_started_is_told_also_when_it_cannot_be_read),
        REST_TEST(a_long_name_is_told_with_its_time),
    };
    curl_global_init(CURL_GLOBAL_ALL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
