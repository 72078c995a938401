/* The REST API on a store with known runs: each answer whole. */
#include "http_fixture.h"

#include "engine/engine.h"
#include "server/rest.h"
#include "store/load.h"
#include "store/transition.h"
#include "support/join.h"
#include "support/temp_dir.h"

/* Ids of version 7, made at 2026-07-11T08:00:00Z and each a second later; run 1 is the oldest. */
#define BEGIN_MS  INT64_C(1783756800000)
#define RUN_1     "019f5030-c000-7000-8000-000000000001"
#define RUN_2     "019f5030-c3e8-7000-8000-000000000002"
#define RUN_3     "019f5030-c7d0-7000-8000-000000000003"
#define RUN_4     "019f5030-cbb8-7000-8000-000000000004"
#define RUN_5     "019f5030-cfa0-7000-8000-000000000005"
#define NO_RUN    "019f5030-cfa0-7000-8000-0000000000ff"
#define TENANT    "/api/v1/tenants/" TENANT_1
#define STABLE    "/api/v1/stable/tenants/" TENANT_1
#define RUN       "/api/v1/stable/workflow-runs/"
#define TASK      "/api/v1/stable/tasks/"
#define NOT_FOUND "{\"message\":\"not found\"}"

typedef struct fixture {
    temp_dir dir;
    cleat__engine *engine;
    cleat__rest *rest;
    cleat__http_table table;
    cleat__http_server *server;
} fixture;

/* ---- The runs ---- */

static cleat__uuid id_of(const char *text)
{
    cleat__uuid id;
    assert_int_equal(cleat__uuid_parse(cleat_slice_of(text), &id), CLEAT_OK);
    return id;
}

#define ARCHIVE_ID "8129bc37-cb9c-879a-895e-c6a0516d82fb"
#define GREET_ID   "118e48cc-ac2b-851d-bc28-138823e08e64"

static int64_t workflow_rows[2]; /* archive and greet, once they are stored */

static int64_t put_type(cleat__store *store, const char *action)
{
    bool is_first = strncmp(action, "archive", 7) == 0;
    cleat__type_row row = {
        .tenant = CLEAT__TENANT_DEFAULT,
        .workflow = cleat__action_workflow(cleat_slice_of(action)),
        .workflow_row = workflow_rows[!is_first],
        .workflow_id = id_of(is_first ? ARCHIVE_ID : GREET_ID),
        .version_id = {{2}},
        .task_name = cleat__action_task(cleat_slice_of(action)),
        .action = cleat_slice_of(action),
        .policy = {.retries = 3,
                   .priority = 1,
                   .execution_timeout_ms = CLEAT__NO_TIMEOUT,
                   .schedule_timeout_ms = CLEAT__NO_TIMEOUT},
        .declaration = cleat_slice_of("{\"slots\":{\"default\":1}}"),
    };
    assert_int_equal(cleat__type_insert(store, &row), CLEAT_OK);
    workflow_rows[!is_first] = row.workflow_row;
    return row.id;
}

static void put_run(cleat__store *store, const char *id, int64_t type, const char *input,
                    const char *metadata, const char *parent)
{
    cleat__uuid existing;
    cleat__trigger trigger = {.input = cleat_slice_of(input), .metadata = cleat_slice_of(metadata)};
    if (parent != NULL) {
        trigger.is_child = true;
        trigger.parent_id = id_of(parent);
    }
    cleat__new_task task = {.id = id_of(id),
                            .type_id = type,
                            .priority = 1,
                            .trigger = &trigger,
                            .created_at_ms = BEGIN_MS + (id[35] - '1') * 1000};
    assert_int_equal(cleat__transition_trigger(store, &task, &existing), CLEAT_OK);
}

static cleat__attempt_key attempt_of(const char *id, int32_t retry_count, int64_t started_at_ms)
{
    return (cleat__attempt_key){.id = id_of(id), .retry_count = retry_count, .started_at_ms = started_at_ms};
}

static void put_log(cleat__store *store, const char *id, int32_t retry_count, cleat_log_level level,
                    int64_t time_ms, const char *message)
{
    cleat__log_line line = {id_of(id), retry_count, level, time_ms, cleat_slice_of(message), {NULL, 0}};
    assert_int_equal(cleat__log_line_insert(store, CLEAT__TENANT_DEFAULT, &line), CLEAT_OK);
}

/* 1 completed at once; 2 failed at its second attempt; 3, a child of 1, was cancelled in the queue; 4
 * runs; 5 is queued. */
static void seed(const char *path)
{
    cleat__store *store = NULL;
    assert_int_equal(cleat__store_open(path, CLEAT__STORE_WRITE, &store), CLEAT_OK);
    assert_int_equal(cleat__store_begin(store), CLEAT_OK);
    static const char tenants[] = "UPDATE tenant SET name = 'tenant-1', created_at_ms = 1783756799000; "
                                  "INSERT INTO tenant VALUES (2, randomblob(16), 'tenant-2', 0)";
    assert_int_equal(sqlite3_exec(cleat__store_db(store), tenants, NULL, NULL, NULL), SQLITE_OK);
    memset(workflow_rows, 0, sizeof(workflow_rows));
    int64_t pack = put_type(store, "archive:pack"), greet = put_type(store, "greet:greet");
    put_type(store, "archive:pack");
    put_run(store, RUN_1, pack, "{\"n\":1.0}", "{\"user\":\"ada\",\"level\":3}", NULL);
    put_run(store, RUN_2, greet, "{}", "{\"user\":\"bob\"}", NULL);
    put_run(store, RUN_3, pack, "{}", NULL, RUN_1);
    put_run(store, RUN_4, greet, "{}", "{\"user\":\"ada\"}", NULL);
    put_run(store, RUN_5, greet, "{}", NULL, NULL);
    cleat__attempt_key first = attempt_of(RUN_1, 0, BEGIN_MS + 100);
    assert_int_equal(cleat__transition_assign(store, &first, BEGIN_MS + 100), CLEAT_OK);
    assert_int_equal(cleat__transition_complete(store, &first, BEGIN_MS + 350,
                                                cleat_slice_of("{\"big\":12345678901234567890}")),
                     CLEAT_OK);
    cleat__attempt_key second = attempt_of(RUN_2, 0, BEGIN_MS + 1500);
    cleat__requeue again = {.retry_count = 1, .queued_at_ms = BEGIN_MS + 1600};
    assert_int_equal(cleat__transition_assign(store, &second, BEGIN_MS + 1500), CLEAT_OK);
    assert_int_equal(
        cleat__transition_retry(store, &second, BEGIN_MS + 1600, cleat_slice_of("no \"luck\""), &again),
        CLEAT_OK);
    second = attempt_of(RUN_2, 1, BEGIN_MS + 2000);
    assert_int_equal(cleat__transition_assign(store, &second, BEGIN_MS + 2000), CLEAT_OK);
    assert_int_equal(cleat__transition_fail(store, &second, CLEAT__EVENT_FAIL, BEGIN_MS + 2100,
                                            cleat_slice_of("no luck again")),
                     CLEAT_OK);
    cleat__attempt_key third = attempt_of(RUN_3, 0, 0);
    assert_int_equal(cleat__transition_cancel(store, &third, CLEAT_RUN_QUEUED, BEGIN_MS + 2500), CLEAT_OK);
    put_log(store, RUN_2, 0, CLEAT_LOG_WARN, BEGIN_MS + 1550, "shaky");
    put_log(store, RUN_2, 0, CLEAT_LOG_ERROR, BEGIN_MS + 1560, "first \"try\"");
    put_log(store, RUN_2, 1, CLEAT_LOG_INFO, BEGIN_MS + 2050, "second try");
    assert_int_equal(cleat__store_commit(store), CLEAT_OK);
    cleat__store_close(store);
}

/* The engine would requeue what a worker that is gone had; run 4 is given to one that is here. */
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

static int64_t unix_ns(void *user_data)
{
    (void)user_data;
    return (BEGIN_MS + 60000) * INT64_C(1000000);
}

static int64_t monotonic_ns(void *user_data)
{
    (void)user_data;
    return 1;
}

static int start(void **state)
{
    static const cleat_clock clock = {NULL, unix_ns, monotonic_ns}; /* stands still */
    fixture *it = calloc(1, sizeof(*it));
    temp_dir_make(&it->dir);
    seed(it->dir.database);
    cleat__engine_options engine = {.path = it->dir.database, .clock = &clock};
    assert_int_equal(cleat__engine_open(&engine, &it->engine), CLEAT_OK);
    cleat__worker_sink sink = {NULL, take_nothing, pass_over};
    cleat__uuid worker;
    assert_int_equal(join_engine(it->engine, "greet:greet", 1, &sink, &worker), CLEAT_OK);
    cleat__rest_options rest = {.engine = it->engine, .path = it->dir.database};
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

#define GET(path_, status, body) EXPECT(it->server, status, body, .path = path_, .headers = {AS_1})

/* ---- Lists by their ids ---- */

/* The last digits of the rows' ids, "54321". */
static void expect_rows(const cleat__http_server *server, const char *query, const char *digits)
{
    char path[512], found[64] = "";
    snprintf(path, sizeof(path), STABLE "/workflow-runs?since=2026-07-11T07:00:00Z&only_tasks=true&%s",
             query);
    reply it = ask(server, (question){.path = path, .headers = {AS_1}});
    json_t *answer = it.status == 200 ? json_loads(it.body, 0, NULL) : NULL;
    const json_t *rows = json_object_get(answer, "rows");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const char *id = json_string_value(json_object_get(json_array_get(rows, i), "taskExternalId"));
        strncat(found, id + 35, 1);
    }
    if (answer == NULL || strcmp(found, digits) != 0) {
        fail_msg("%s: %s instead of %s (%ld %s)", query, found, digits, it.status, it.body);
    }
    json_decref(answer);
    reply_deinit(&it);
}

static void runs_are_listed_by_every_filter(void **state)
{
    fixture *it = *state;
    expect_rows(it->server, "", "54321");
    expect_rows(it->server, "limit=2", "54");
    expect_rows(it->server, "limit=2&offset=3", "21");
    expect_rows(it->server, "offset=9", "");
    expect_rows(it->server, "statuses=COMPLETED&statuses=FAILED", "21");
    expect_rows(it->server, "statuses=RUNNING", "4");
    expect_rows(it->server, "running_filter=ON_WORKER", "54321");
    expect_rows(it->server, "running_filter=EVICTED", "5321");
    expect_rows(it->server, "running_filter=EVICTED&statuses=RUNNING", "");
    expect_rows(it->server, "since=x", "54321"); /* the first one counts */
    expect_rows(it->server, "until=2026-07-11T08:00:02Z", "541");
    expect_rows(it->server, "parent_task_external_id=" RUN_1, "3");
    expect_rows(it->server, "additional_metadata=user:ada", "41");
    expect_rows(it->server, "additional_metadata=user:ada&additional_metadata=user:bob", "421");
    expect_rows(it->server,
                "additional_metadata=user:ada&additional_metadata=level:3&additional_metadata_operator=AND",
                "1");
    expect_rows(it->server, "workflow_ids=" NO_RUN, "");
    expect_rows(it->server, "triggering_event_external_id=" NO_RUN, "");
    expect_rows(it->server, "idempotency_keys=x", "");
}

static void wrong_filters_are_400(void **state)
{
    static const char *const wrong[] = {"statuses=DONE",
                                        "limit=0",
                                        "offset=-1",
                                        "workflow_ids=7",
                                        "until=now",
                                        "additional_metadata=x",
                                        "running_filter=x",
                                        "parent_task_external_id=x",
                                        "additional_metadata_operator=XOR",
                                        "include_payloads=1"};
    fixture *it = *state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char path[512];
        snprintf(path, sizeof(path), STABLE "/workflow-runs?since=2026-07-11T07:00:00Z&only_tasks=true&%s",
                 wrong[i]);
        reply answer = ask(it->server, (question){.path = path, .headers = {AS_1}});
        assert_int_equal(answer.status, 400);
        reply_deinit(&answer);
    }
    GET(STABLE "/workflow-runs?only_tasks=true", 400,
        "{\"message\":\"parameter \\\"since\\\" in query has an error: value is required\"}");
    GET(STABLE "/workflow-runs?since=2026-07-11T07:00:00Z", 400,
        "{\"message\":\"parameter \\\"only_tasks\\\" in query has an error: value is required\"}");
}

/* ---- Answers, whole ---- */

#define VERSION_ID "02000000-0000-0000-0000-000000000000"

#define META(id, created, updated) \
    "\"metadata\":{\"id\":\"" id "\",\"createdAt\":\"" created "\",\"updatedAt\":\"" updated "\"}"

#define SUMMARY_1(children, input, output, type)                                                           \
    "{" META(RUN_1, "2026-07-11T08:00:00.000Z",                                                            \
             "2026-07-11T08:00:00.350Z") ",\"actionId\":\"archive:pack\",\"retryCount\":0,\"attempt\":"    \
                                         "1," children "\"createdAt\":\"2026-07-11T08:00:00.000Z\","       \
                                         "\"displayName\":\"pack-1783756800\",\"isDurable\":false,"        \
                                         "\"input\":" input ",\"numSpawnedChildren\":1,\"output\":" output \
                                         ",\"status\":\"COMPLETED\",\"stepId\":\"" ARCHIVE_ID              \
                                         "\",\"isEvicted\":false,\"taskExternalId\":"                      \
                                         "\"" RUN_1 "\",\"taskId\":1,"                                     \
                                         "\"taskInsertedAt\":\"2026-07-11T08:00:00.000Z\",\"tenantId\":"   \
                                         "\"" TENANT_1 "\",\"type\":\"" type                               \
                                         "\",\"workflowId\":\"" ARCHIVE_ID                                 \
                                         "\",\"workflowName\":\"archive\",\"workflowVersionId\":"          \
                                         "\"" VERSION_ID "\",\"workflowRunExternalId\":\"" RUN_1           \
                                         "\",\"additionalMetadata\":{\"user\":\"ada\",\"level\":3},"       \
                                         "\"startedAt\":\"2026-07-11T08:00:00.100Z\","                     \
                                         "\"finishedAt\":\"2026-07-11T08:00:00.350Z\",\"duration\":250}"

static void a_run_has_every_field_of_its_summary(void **state)
{
    fixture *it = *state;
    const char *pages = "],\"pagination\":{\"current_page\":1,\"next_page\":1,\"num_pages\":1}}";
    char body[2048];
    snprintf(body, sizeof(body), "{\"rows\":[%s%s", SUMMARY_1("\"children\":[],", "{}", "{}", "DAG"), pages);
    GET(STABLE "/workflow-runs?since=2026-07-11T07:00:00Z&statuses=COMPLETED&only_tasks=false", 200, body);
    snprintf(body, sizeof(body), "{\"rows\":[%s%s",
             SUMMARY_1("", "{\"n\":1.0}", "{\"big\":12345678901234567890}", "TASK"), pages);
    GET(STABLE "/workflow-runs?since=2026-07-11T07:00:00Z&workflow_ids=" ARCHIVE_ID
               "&statuses=COMPLETED&only_tasks=true&include_payloads=true",
        200, body);
    GET(STABLE "/workflow-runs?since=2026-07-11T08:00:05Z&only_tasks=true", 200,
        "{\"rows\":[],\"pagination\":{\"current_page\":1,\"next_page\":1,\"num_pages\":0}}");
}

static void pages_are_counted(void **state)
{
    fixture *it = *state;
    reply page = ask(it->server, (question){.path = STABLE "/workflow-runs?since=2026-07-11T07:00:00Z"
                                                           "&only_tasks=true&limit=2&offset=2",
                                            .headers = {AS_1}});
    assert_non_null(
        strstr(page.body, "\"pagination\":{\"current_page\":2,\"next_page\":3,\"num_pages\":3}}"));
    reply_deinit(&page);
}

#define EVENT(number, run, name, type, message, time, more, retry, attempt)                          \
    "{\"id\":" #number ",\"taskId\":\"" run "\",\"timestamp\":\"2026-07-11T08:00:0" time             \
    "Z\",\"eventType\":\"" type "\",\"message\":\"" message "\"," more "\"taskDisplayName\":\"" name \
    "\",\"retryCount\":" #retry ",\"attempt\":" #attempt "}"

static void a_completed_run_is_told_in_full(void **state)
{
    fixture *it = *state;
    GET(RUN RUN_1, 200,
        "{\"run\":{" META(
            RUN_1, "2026-07-11T08:00:00.000Z",
            "2026-07-11T08:00:00.350Z") ",\"status\":\"COMPLETED\",\"startedAt\":\"2026-07-11T08:00:00."
                                        "100Z\","
                                        "\"finishedAt\":\"2026-07-11T08:00:00.350Z\",\"duration\":250,"
                                        "\"tenantId\":\"" TENANT_1
                                        "\",\"additionalMetadata\":{\"user\":\"ada\",\"level\":3},"
                                        "\"displayName\":\"pack-1783756800\","
                                        "\"workflowId\":\"" ARCHIVE_ID
                                        "\",\"workflowVersionId\":\"" VERSION_ID
                                        "\",\"output\":{\"big\":12345678901234567890},"
                                        "\"input\":{\"input\":{\"n\":1.0}},\"createdAt\":\"2026-07-11T08:00:"
                                        "00.000Z\"},\"taskEvents\":[" EVENT(
                                            1, RUN_1, "pack-1783756800", "CREATED", "Task was created",
                                            "0.000", "", 0,
                                            1) "," EVENT(2, RUN_1, "pack-1783756800", "QUEUED",
                                                         "Task was queued", "0.000", "", 0,
                                                         1) "," EVENT(3, RUN_1, "pack-1783756800", "STARTED",
                                                                      "Task started", "0.100", "", 0,
                                                                      1) "," EVENT(4, RUN_1,
                                                                                   "pack-1783756800",
                                                                                   "FINISHED",
                                                                                   "Task finished", "0.350",
                                                                                   "\"output\":\"{"
                                                                                   "\\\"big\\\":"
                                                                                   "12345678901234567890}\",",
                                                                                   0,
                                                                                   1) "],\"shape\":[{"
                                                                                      "\"taskExternalId\":"
                                                                                      "\"" RUN_1
                                                                                      "\",\"stepId\":"
                                                                                      "\"" ARCHIVE_ID "\","
                                                                                      "\"childrenStepIds\":[]"
                                                                                      ",\"taskName\":"
                                                                                      "\"pack\"}],\"tasks\":"
                                                                                      "[" SUMMARY_1(
                                                                                          "", "{\"n\":1.0}",
                                                                                          "{\"big\":"
                                                                                          "123456789012345678"
                                                                                          "90}",
                                                                                          "TASK") "]}");
}

/* The part of an answer from `from` on to the first `to`. */
static void expect_part(const cleat__http_server *server, const char *path, const char *from, const char *to,
                        const char *expected)
{
    reply it = ask(server, (question){.path = path, .headers = {AS_1}});
    char *begin = it.body != NULL ? strstr(it.body, from) : NULL;
    char *end = begin != NULL ? strstr(begin, to) : NULL;
    if (end == NULL) {
        fail_msg("%s: %ld %s", path, it.status, it.body);
    }
    end[strlen(to)] = '\0';
    assert_string_equal(begin, expected);
    reply_deinit(&it);
}

static void attempts_and_unfinished_runs_are_told_too(void **state)
{
    fixture *it = *state;
    expect_part(
        it->server, RUN RUN_2, "\"taskEvents\":[", "],",
        "\"taskEvents\":[" EVENT(
            1, RUN_2, "greet-1783756801", "CREATED", "Task was created", "1.000", "", 0,
            1) "," EVENT(2, RUN_2, "greet-1783756801", "QUEUED", "Task was queued", "1.000", "", 0,
                         1) "," EVENT(3, RUN_2, "greet-1783756801", "STARTED", "Task started", "1.500", "", 0,
                                      1) "," EVENT(4, RUN_2, "greet-1783756801", "FAILED", "Task failed",
                                                   "1.600", "\"errorMessage\":\"no \\\"luck\\\"\",", 0,
                                                   1) "," EVENT(5, RUN_2, "greet-1783756801", "RETRYING",
                                                                "Task is tried again", "1.600", "", 1,
                                                                2) "," EVENT(6, RUN_2, "greet-1783756801",
                                                                             "STARTED", "Task started",
                                                                             "2.000", "", 1,
                                                                             2) "," EVENT(7, RUN_2,
                                                                                          "greet-1783756801",
                                                                                          "FAILED",
                                                                                          "Task failed",
                                                                                          "2.100",
                                                                                          "\"errorMessage\":"
                                                                                          "\"no luck "
                                                                                          "again\",",
                                                                                          1, 2) "],");
    expect_part(it->server, RUN RUN_3, "\"status\"", "\"tenantId\"",
                "\"status\":\"CANCELLED\",\"startedAt\":\"0001-01-01T00:00:00Z\","
                "\"finishedAt\":\"2026-07-11T08:00:02.500Z\",\"duration\":0,\"tenantId\"");
    expect_part(it->server, RUN RUN_3, "\"createdAt\":\"2026-07-11T08:00:02.000Z\",\"parent", "}",
                "\"createdAt\":\"2026-07-11T08:00:02.000Z\",\"parentTaskExternalId\":\"" RUN_1 "\"}");
    expect_part(it->server, RUN RUN_5, "\"output\"", "\"createdAt\"",
                "\"output\":{},\"input\":{\"input\":{}},\"createdAt\"");
}

static void status_is_a_bare_string(void **state)
{
    fixture *it = *state;
    GET(RUN RUN_1 "/status", 200, "\"COMPLETED\"");
    GET(RUN RUN_2 "/status", 200, "\"FAILED\"");
    GET(RUN RUN_3 "/status", 200, "\"CANCELLED\"");
    GET(RUN RUN_4 "/status", 200, "\"RUNNING\"");
    GET(RUN RUN_5 "/status", 200, "\"QUEUED\"");
    GET(RUN NO_RUN "/status", 404, NOT_FOUND);
    GET(RUN NO_RUN, 404, NOT_FOUND);
    GET(RUN "x", 400, "{\"message\":\"Invalid format for parameter v1WorkflowRun\"}");
}

#define LOG_LINE(time, message, retry, attempt, level)                                                 \
    "{\"createdAt\":\"2026-07-11T08:00:0" time "Z\",\"message\":\"" message "\",\"metadata\":{},"      \
    "\"taskExternalId\":\"" RUN_2 "\",\"taskDisplayName\":\"greet-1783756801\",\"retryCount\":" #retry \
    ",\"attempt\":" #attempt ",\"level\":\"" level "\"}"
#define LOG_1      LOG_LINE("1.550", "shaky", 0, 1, "WARN")
#define LOG_2      LOG_LINE("1.560", "first \\\"try\\\"", 0, 1, "ERROR")
#define LOG_3      LOG_LINE("2.050", "second try", 1, 2, "INFO")
#define LOGS(rows) "{\"pagination\":{\"current_page\":0,\"next_page\":0,\"num_pages\":0},\"rows\":[" rows "]}"

static void logs_are_listed_and_filtered(void **state)
{
    fixture *it = *state;
    GET(TASK RUN_2 "/logs", 200, LOGS(LOG_1 "," LOG_2 "," LOG_3));
    GET(TASK RUN_2 "/logs?order_by_direction=DESC&limit=2", 200, LOGS(LOG_3 "," LOG_2));
    GET(TASK RUN_2 "/logs?levels=WARN&levels=INFO", 200, LOGS(LOG_1 "," LOG_3));
    GET(TASK RUN_2 "/logs?attempt=2", 200, LOGS(LOG_3));
    GET(TASK RUN_2 "/logs?search=try&until=2026-07-11T08:00:02Z", 200, LOGS(LOG_2));
    GET(TASK RUN_2 "/logs?since=2026-07-11T08:00:02Z", 200, LOGS(LOG_3));
    GET(TASK RUN_1 "/logs", 200, LOGS(""));
    GET(TASK NO_RUN "/logs", 404, NOT_FOUND);
    GET(TASK RUN_2 "/logs?levels=LOUD", 400, "{\"message\":\"Invalid format for parameter levels\"}");
    GET(TASK RUN_2 "/logs?order_by_direction=UP", 400,
        "{\"message\":\"Invalid format for parameter order_by_direction\"}");
}

static void counts_by_status(void **state)
{
    fixture *it = *state;
    GET(STABLE "/task-metrics?since=2026-07-11T07:00:00Z", 200,
        "[{\"status\":\"QUEUED\",\"count\":1},{\"status\":\"RUNNING\",\"count\":1,"
        "\"runningDetailCount\":{\"evicted\":0,\"onWorker\":1}},{\"status\":\"COMPLETED\",\"count\":1},"
        "{\"status\":\"CANCELLED\",\"count\":1},{\"status\":\"FAILED\",\"count\":1}]");
    GET(STABLE "/task-metrics?since=2026-07-11T07:00:00Z&parent_task_external_id=" RUN_1, 200,
        "[{\"status\":\"QUEUED\",\"count\":0},{\"status\":\"RUNNING\",\"count\":0,"
        "\"runningDetailCount\":{\"evicted\":0,\"onWorker\":0}},{\"status\":\"COMPLETED\",\"count\":0},"
        "{\"status\":\"CANCELLED\",\"count\":1},{\"status\":\"FAILED\",\"count\":0}]");
    GET(STABLE "/task-metrics", 400,
        "{\"message\":\"parameter \\\"since\\\" in query has an error: value is required\"}");
    GET(TENANT "/step-run-queue-metrics", 200, "{\"queues\":{\"greet:greet\":1}}");
}

#define ZERO_TIME "0001-01-01T00:00:00Z"
#define WORKFLOW(id, name, order)                                                                  \
    "{" META(id, ZERO_TIME,                                                                        \
             ZERO_TIME) ",\"name\":\"" name                                                        \
                        "\",\"description\":\"\",\"isPaused\":false,\"tenantId\":\"" TENANT_1      \
                        "\",\"versions\":[{" META(VERSION_ID, ZERO_TIME,                           \
                                                  ZERO_TIME) ",\"version\":\"\",\"order\":" #order \
                                                             ",\"workflowId\":\"" id "\"}]}"
#define PAGES(page, next, pages) \
    "],\"pagination\":{\"current_page\":" #page ",\"next_page\":" #next ",\"num_pages\":" #pages "}}"

static void workflows_are_listed_and_read(void **state)
{
    fixture *it = *state;
    GET(TENANT "/workflows", 200,
        "{\"rows\":[" WORKFLOW(ARCHIVE_ID, "archive", 2) "," WORKFLOW(GREET_ID, "greet", 1) PAGES(1, 1, 1));
    GET(TENANT "/workflows?name=CHI", 200, "{\"rows\":[" WORKFLOW(ARCHIVE_ID, "archive", 2) PAGES(1, 1, 1));
    GET(TENANT "/workflows?name=none", 200, "{\"rows\":[" PAGES(1, 1, 0));
    GET(TENANT "/workflows?limit=1&offset=1", 200,
        "{\"rows\":[" WORKFLOW(GREET_ID, "greet", 1) PAGES(2, 2, 2));
    GET("/api/v1/workflows/" GREET_ID, 200, WORKFLOW(GREET_ID, "greet", 1));
    GET("/api/v1/workflows/" NO_RUN, 404, NOT_FOUND);
}

static void a_tenant_is_described(void **state)
{
    fixture *it = *state;
    GET(TENANT, 200,
        "{" META(
            TENANT_1, "2026-07-11T07:59:59.000Z",
            "2026-07-11T07:59:59.000Z") ",\"name\":\"tenant-1\",\"slug\":\"tenant-1\",\"version\":\"V1\"}");
}

/* ---- Changes ---- */

static void cancel(fixture *it, const char *body, long status, const char *answer)
{
    EXPECT(it->server, status, answer, .path = STABLE "/tasks/cancel", .headers = {AS_1}, .body = body);
}

static void runs_are_cancelled_by_their_ids(void **state)
{
    fixture *it = *state;
    cancel(it, "{\"externalIds\":[\"" RUN_5 "\",\"" NO_RUN "\",\"" RUN_1 "\"]}", 200,
           "{\"ids\":[\"" RUN_5 "\",\"" RUN_1 "\"]}");
    GET(RUN RUN_5 "/status", 200, "\"CANCELLED\"");
    GET(RUN RUN_1 "/status", 200, "\"COMPLETED\"");
    cancel(it, "{\"externalIds\":[]}", 200, "{\"ids\":[]}");
}

static void runs_are_cancelled_by_a_filter(void **state)
{
    fixture *it = *state;
    cancel(it,
           "{\"filter\":{\"since\":\"2026-07-11T08:00:00Z\",\"statuses\":[\"RUNNING\",\"QUEUED\"],"
           "\"additionalMetadata\":[\"user:ada\"]}}",
           200, "{\"ids\":[\"" RUN_4 "\"]}");
    GET(RUN RUN_4 "/status", 200, "\"CANCELLED\"");
    cancel(it, "{\"filter\":{\"since\":\"2026-07-11T08:00:00Z\",\"workflowIds\":[\"" NO_RUN "\"]}}", 200,
           "{\"ids\":[]}");
}

static void wrong_cancels_are_400(void **state)
{
    static const char *const wrong[] = {
        "{}",
        "{\"externalIds\":[],\"filter\":{\"since\":\"2026-07-11T08:00:00Z\"}}",
        "{\"externalIds\":\"" RUN_5 "\"}",
        "{\"externalIds\":[7]}",
        "{\"externalIds\":[\"x\"]}",
        "{\"filter\":{}}",
        "{\"filter\":[]}",
        "{\"filter\":{\"since\":\"now\"}}",
        "{\"filter\":{\"since\":\"2026-07-11T08:00:00Z\",\"until\":3}}",
        "{\"filter\":{\"since\":\"2026-07-11T08:00:00Z\",\"statuses\":[\"DONE\"]}}",
        "{\"filter\":{\"since\":\"2026-07-11T08:00:00Z\",\"statuses\":\"QUEUED\"}}",
        "{\"filter\":{\"since\":\"2026-07-11T08:00:00Z\",\"workflowIds\":[\"x\"]}}",
        "{\"filter\":{\"since\":\"2026-07-11T08:00:00Z\",\"additionalMetadata\":[\"x\"]}}",
    };
    fixture *it = *state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        reply answer =
            ask(it->server, (question){.path = STABLE "/tasks/cancel", .headers = {AS_1}, .body = wrong[i]});
        if (answer.status != 400 || strncmp(answer.body, "{\"errors\":[{\"description\":\"", 27) != 0) {
            fail_msg("%s: %ld %s", wrong[i], answer.status, answer.body);
        }
        reply_deinit(&answer);
    }
    cancel(it, "x", 400, "{\"message\":\"the body is not JSON, line 1 column 1\"}");
    GET(RUN RUN_5 "/status", 200, "\"QUEUED\"");
}

/* ---- Tenants ---- */

static void another_tenant_sees_and_changes_nothing(void **state)
{
    static const char *const hidden[] = {RUN RUN_1, RUN RUN_1 "/status", TASK RUN_2 "/logs",
                                         ("/api/v1/workflows/" GREET_ID)};
    fixture *it = *state;
    for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
        EXPECT(it->server, 404, NOT_FOUND, .path = hidden[i], .headers = {AS_2});
    }
    const char *stable = "/api/v1/stable/tenants/" TENANT_2, *plain = "/api/v1/tenants/" TENANT_2;
    char path[256];
    snprintf(path, sizeof(path), "%s/workflow-runs?since=2026-07-11T07:00:00Z&only_tasks=true", stable);
    EXPECT(it->server, 200, "{\"rows\":[" PAGES(1, 1, 0), .path = path, .headers = {AS_2});
    snprintf(path, sizeof(path), "%s/workflows", plain);
    EXPECT(it->server, 200, "{\"rows\":[" PAGES(1, 1, 0), .path = path, .headers = {AS_2});
    snprintf(path, sizeof(path), "%s/step-run-queue-metrics", plain);
    EXPECT(it->server, 200, "{\"queues\":{}}", .path = path, .headers = {AS_2});
    snprintf(path, sizeof(path), "%s/tasks/cancel", stable);
    EXPECT(it->server, 200, "{\"ids\":[]}", .path = path, .headers = {AS_2},
           .body = "{\"externalIds\":[\"" RUN_5 "\"]}");
    GET(RUN RUN_5 "/status", 200, "\"QUEUED\"");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        TEST(runs_are_listed_by_every_filter),
        TEST(wrong_filters_are_400),
        TEST(a_run_has_every_field_of_its_summary),
        TEST(pages_are_counted),
        TEST(a_completed_run_is_told_in_full),
        TEST(attempts_and_unfinished_runs_are_told_too),
        TEST(status_is_a_bare_string),
        TEST(logs_are_listed_and_filtered),
        TEST(counts_by_status),
        TEST(workflows_are_listed_and_read),
        TEST(a_tenant_is_described),
        TEST(runs_are_cancelled_by_their_ids),
        TEST(runs_are_cancelled_by_a_filter),
        TEST(wrong_cancels_are_400),
        TEST(another_tenant_sees_and_changes_nothing),
    };
    curl_global_init(CURL_GLOBAL_ALL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
