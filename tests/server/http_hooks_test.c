/* Hooks over HTTP: who may make them, who may resume, and what strangers learn. */
#include "durable_worker.h"
#include "http_fixture.h"

#include "base/clock.h"
#include "engine/command.h"
#include "server/http_hooks.h"
#include "server/rate_limit.h"
#include "store/hook.h"
#include "store/store.h"
#include "store/tenant.h"
#include "support/temp_dir.h"

#define NO_ID        "0190a000-0000-7000-8000-0000000000ff"
#define TRACEPARENT  "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
#define EVICTED_FROM "00-1af7651916cd43dd8448eb211c80319c-c7ad6b7169203331-01"

typedef struct world {
    temp_dir dir;
    cleat__engine *engine;
    cleat__http_hooks hooks;
    cleat__http_table table;
    cleat__http_server *server;
    cleat__tenant tenants[2];
    pthread_mutex_t mutex; /* guards what follows */
    cleat__assignment *newest;
    gate assigned;
} world;

/* ---- Set-up ---- */

static void hear_assign(void *self, cleat__assignment *list)
{
    world *it = self;
    while (list != NULL) {
        cleat__assignment *next = list->next;
        pthread_mutex_lock(&it->mutex);
        cleat__free(it->newest);
        it->newest = list;
        pthread_mutex_unlock(&it->mutex);
        gate_add(&it->assigned);
        list = next;
    }
}

static void hear_cancel(void *self, const cleat__uuid *task_id, int32_t retry_count)
{
    (void)self, (void)task_id, (void)retry_count;
}

static cleat_status read_tenants(cleat__store *store, void *argument)
{
    static const char sql[] = "INSERT INTO tenant VALUES (2, randomblob(16), 'second', 0)";
    world *it = argument;
    cleat_status status =
        sqlite3_exec(cleat__store_db(store), sql, NULL, NULL, NULL) == SQLITE_OK ? CLEAT_OK : CLEAT_IO;
    for (int64_t tenant = 1; tenant <= 2 && status == CLEAT_OK; tenant++) {
        status = cleat__tenant_get(store, tenant, &it->tenants[tenant - 1]);
    }
    return status;
}

static void add_worker(world *it, int64_t tenant)
{
    (void)join_durable_worker(it->engine, tenant,
                              (cleat__worker_sink){.self = it, .assign = hear_assign, .cancel = hear_cancel});
}

/* `rate`: of strangers; 0: no limit. */
static int start_with(void **state, uint32_t rate)
{
    world *it = calloc(1, sizeof(*it));
    temp_dir_make(&it->dir);
    pthread_mutex_init(&it->mutex, NULL);
    gate_init(&it->assigned);
    assert_int_equal(cleat__engine_open(&(cleat__engine_options){.path = it->dir.database}, &it->engine),
                     CLEAT_OK);
    assert_int_equal(cleat__engine_call(it->engine, read_tenants, it), CLEAT_OK);
    add_worker(it, 1);
    add_worker(it, 2);
    it->hooks.engine = it->engine;
    if (rate != 0) {
        assert_int_equal(cleat__rate_limit_new(rate, NULL, &it->hooks.rate_limit), CLEAT_OK);
    }
    it->table = cleat__http_hooks_table(&it->hooks);
    cleat__http_options options = {
        .address = "127.0.0.1:0", .tables = &it->table, .table_count = 1, .authenticate = check_token};
    assert_int_equal(cleat__http_server_start(&options, &it->server), CLEAT_OK);
    *state = it;
    return 0;
}

static int world_start(void **state)
{
    return start_with(state, 0);
}

static int limited_start(void **state)
{
    return start_with(state, 5);
}

static int world_stop(void **state)
{
    world *it = *state;
    cleat__http_server_free(it->server);
    cleat__engine_close(it->engine);
    cleat__rate_limit_free(it->hooks.rate_limit);
    cleat__free(it->newest);
    gate_deinit(&it->assigned);
    pthread_mutex_destroy(&it->mutex);
    temp_dir_remove(&it->dir);
    free(it);
    return 0;
}

/* ---- Runs ---- */

typedef struct id_text {
    char text[37];
} id_text;

/* A run of "long" whose first invocation is with the worker. */
static id_text begin(world *it, int64_t tenant)
{
    const cleat__trigger item = {
        .workflow = cleat_slice_of("long"), .input = cleat_slice_of("{}"), .child_index = -1};
    cleat__uuid id;
    id_text text;
    int before = gate_count(&it->assigned);
    const cleat__command trigger = {
        .tenant = tenant, .kind = CLEAT__COMMAND_TRIGGER, .as.trigger = {&item, 1, &id}};
    assert_int_equal(cleat__engine_ask(it->engine, &trigger), CLEAT_OK);
    gate_wait(&it->assigned, before + 1);
    cleat__uuid_format(&id, text.text);
    return text;
}

static cleat_status ask_durable(world *it, id_text run, cleat__durable_request *request)
{
    cleat__command command = {.tenant = 1, .kind = CLEAT__COMMAND_DURABLE};
    assert_int_equal(cleat__uuid_parse(cleat_slice_of(run.text), &command.as.durable.run_id), CLEAT_OK);
    command.as.durable.invocation_count = 1;
    command.as.durable.requests = request;
    command.as.durable.count = 1;
    return cleat__engine_ask(it->engine, &command);
}

static void end(world *it, id_text run)
{
    cleat__uuid id;
    assert_int_equal(cleat__uuid_parse(cleat_slice_of(run.text), &id), CLEAT_OK);
    const cleat__command command = {
        .kind = CLEAT__COMMAND_REPORT,
        .tenant = 1,
        .as.report = {.task_id = id, .retry_count = CLEAT__RETRY_CURRENT, .output = cleat_slice_of("{}")}};
    assert_int_equal(cleat__engine_ask(it->engine, &command), CLEAT_OK);
}

static const char *body_of(char body[128], id_text run)
{
    snprintf(body, 128, "{\"run_id\":\"%s\",\"invocation_count\":1}", run.text);
    return body;
}

#define BODY(run)  body_of((char[128]){0}, run)
#define KNOWN(run) known_of((char[64]){0}, run)
static const char *known_of(char text[64], id_text run)
{
    snprintf(text, 64, "{\"run_id\":\"%s\"}", run.text);
    return text;
}

/* Asks, and looks for a part of the body. */
static void expect_part(world *it, question what, long status, const char *part)
{
    reply answer = ask(it->server, what);
    if (answer.status != status || strstr(answer.body != NULL ? answer.body : "", part) == NULL) {
        fail_msg("%s %s: %ld %s\nexpected: %ld %s", what.method, what.path, answer.status, answer.body,
                 status, part);
    }
    reply_deinit(&answer);
}
#define EXPECT_PART(it, status, part, ...) expect_part(it, (question){__VA_ARGS__}, status, part)

/* ---- Tests ---- */

static void a_hook_is_made_by_the_runs_own_tenant(void **state)
{
    world *it = *state;
    id_text run = begin(it, 1), foreign = begin(it, 2);
    EXPECT(it->server, 200, KNOWN(run), .method = "PUT", .path = "/hooks/a", .body = BODY(run),
           .headers = {AS_1});
    EXPECT(it->server, 200, KNOWN(run), .method = "PUT", .path = "/hooks/a", .body = BODY(run),
           .headers = {AS_1});
    id_text other = begin(it, 1);
    EXPECT_PART(it, 409, "errors", .method = "PUT", .path = "/hooks/a", .body = BODY(other),
                .headers = {AS_1});
    EXPECT_PART(it, 410, "errors", .method = "PUT", .path = "/hooks/b", .body = BODY(foreign),
                .headers = {AS_1});
    EXPECT(it->server, 200, KNOWN(foreign), .method = "PUT", .path = "/hooks/a", .body = BODY(foreign),
           .headers = {AS_2}); /* names are a tenant's */
    EXPECT_PART(it, 403, "credentials", .method = "PUT", .path = "/hooks/c", .body = BODY(run));
    end(it, run);
    EXPECT_PART(it, 410, "errors", .method = "PUT", .path = "/hooks/d", .body = BODY(run), .headers = {AS_1});
}

static void what_is_wrong_with_a_hook_is_said(void **state)
{
    world *it = *state;
    char path[400];
    id_text run = begin(it, 1);
    EXPECT_PART(it, 400, "not JSON", .method = "PUT", .path = "/hooks/a", .body = "{", .headers = {AS_1});
    EXPECT_PART(it, 400, "run_id", .method = "PUT", .path = "/hooks/a", .body = "{}", .headers = {AS_1});
    EXPECT_PART(it, 400, "run_id", .method = "PUT", .path = "/hooks/a", .body = "{\"run_id\":\"x\"}",
                .headers = {AS_1});
    EXPECT_PART(it, 400, "invocation_count", .method = "PUT", .path = "/hooks/a", .body = KNOWN(run),
                .headers = {AS_1});
    EXPECT_PART(it, 400, "invocation_count", .method = "PUT", .path = "/hooks/a",
                .body = "{\"run_id\":\"" NO_ID "\",\"invocation_count\":1.5}", .headers = {AS_1});
    EXPECT_PART(it, 410, "errors", .method = "PUT", .path = "/hooks/a",
                .body = "{\"run_id\":\"" NO_ID "\",\"invocation_count\":1}", .headers = {AS_1});
    memset(path, 't', sizeof(path));
    memcpy(path, "/hooks/", 7);
    path[7 + 256] = '\0';
    EXPECT_PART(it, 400, "255 bytes", .method = "PUT", .path = path, .body = BODY(run), .headers = {AS_1});
    EXPECT_PART(it, 400, "255 bytes", .method = "POST", .path = path, .body = "{}");
    path[7 + 255] = '\0';
    EXPECT(it->server, 200, KNOWN(run), .method = "PUT", .path = path, .body = BODY(run), .headers = {AS_1});
    EXPECT(it->server, 200, KNOWN(run), .method = "POST", .path = path, .body = "{}");
}

static void whoever_knows_the_token_resumes(void **state)
{
    world *it = *state;
    id_text run = begin(it, 1);
    EXPECT(it->server, 200, KNOWN(run), .method = "PUT", .path = "/hooks/a%2Db", .body = BODY(run),
           .headers = {AS_1});
    EXPECT(it->server, 200, KNOWN(run), .method = "POST", .path = "/hooks/a%2Db", .body = "{\"n\":1}");
    EXPECT(it->server, 200, KNOWN(run), .method = "POST", .path = "/hooks/a%2Db", .body = "12");
    EXPECT(it->server, 200, KNOWN(run), .method = "POST", .path = "/hooks/a%2Db", .body = "");
    EXPECT_PART(it, 200, "\"metadata\":{", .method = "POST", .path = "/hooks/a%2Db", .body = "1",
                .headers = {AS_1});
    EXPECT_PART(it, 404, "not found", .method = "POST", .path = "/hooks/a%2Db", .body = "1",
                .headers = {AS_2});
    EXPECT_PART(it, 403, "credentials", .method = "POST", .path = "/hooks/a%2Db", .body = "1",
                .headers = {"Authorization: Bearer three"});
    EXPECT_PART(it, 404, "not found", .method = "POST", .path = "/hooks/a", .body = "1");
    EXPECT_PART(it, 400, "the payload", .method = "POST", .path = "/hooks/a%2Db", .body = "{");
    EXPECT_PART(it, 405, "Not Allowed", .method = "GET", .path = "/hooks/a%2Db");
    end(it, run);
    EXPECT_PART(it, 409, "errors", .method = "POST", .path = "/hooks/a%2Db", .body = "1");
}

static void other_tenants_hooks_have_a_path_of_their_own(void **state)
{
    world *it = *state;
    char path[128], id[37];
    id_text run = begin(it, 2);
    EXPECT(it->server, 200, KNOWN(run), .method = "PUT", .path = "/hooks/a", .body = BODY(run),
           .headers = {AS_2});
    EXPECT_PART(it, 404, "not found", .method = "POST", .path = "/hooks/a", .body = "1");
    cleat__uuid_format(&it->tenants[1].uuid, id);
    snprintf(path, sizeof(path), "/api/v1/stable/tenants/%s/hooks/a", id);
    EXPECT(it->server, 200, KNOWN(run), .method = "POST", .path = path, .body = "1");
    EXPECT_PART(it, 404, "not found", .method = "POST", .path = "/api/v1/stable/tenants/" NO_ID "/hooks/a",
                .body = "1");
    EXPECT_PART(it, 400, "parameter tenant", .method = "POST", .path = "/api/v1/stable/tenants/x/hooks/a",
                .body = "1");
}

/* The run waits for "a"; its worker has said where the next invocation comes from. */
static id_text begin_waiting(world *it)
{
    id_text run = begin(it, 1);
    cleat__durable_request hook = {.kind = CLEAT__DURABLE_CREATE_HOOK,
                                   .as.create_hook.token = cleat_slice_of("a")};
    const cleat__condition condition = {
        .kind = CLEAT__CONDITION_HOOK, .data_key = cleat_slice_of("a"), .key = cleat_slice_of("a")};
    cleat__durable_request wait = {.kind = CLEAT__DURABLE_WAIT_FOR,
                                   .as.wait_for = {.conditions = &condition, .count = 1}};
    cleat__durable_request evict = {.kind = CLEAT__DURABLE_EVICT,
                                    .as.evict.carrier =
                                        cleat_slice_of("{\"traceparent\":\"" EVICTED_FROM "\"}")};
    assert_int_equal(ask_durable(it, run, &hook), CLEAT_OK);
    assert_int_equal(ask_durable(it, run, &wait), CLEAT_OK);
    assert_int_equal(ask_durable(it, run, &evict), CLEAT_OK);
    return run;
}

/* The metadata of the second invocation, behind `before` assignments. */
static char *hear_second(world *it, int before)
{
    gate_wait(&it->assigned, before + 1);
    pthread_mutex_lock(&it->mutex);
    char *metadata = cleat__slice_dup(it->newest->metadata);
    assert_int_equal(it->newest->invocation_count, 2);
    pthread_mutex_unlock(&it->mutex);
    return metadata;
}

/* The invocation that it brings comes from the caller's trace. */
static void the_callers_trace_travels_with_the_payload(void **state)
{
    world *it = *state;
    id_text run = begin_waiting(it);
    int before = gate_count(&it->assigned);
    EXPECT(it->server, 200, KNOWN(run), .method = "POST", .path = "/hooks/a", .body = "{}",
           .headers = {"traceparent: " TRACEPARENT, "tracestate: a=1", "baggage: user=7"});
    char *metadata = hear_second(it, before);
    assert_non_null(strstr(metadata, "\"" TRACEPARENT "\""));
    assert_non_null(strstr(metadata, "\"a=1\""));
    assert_non_null(strstr(metadata, "\"user=7\""));
    cleat__free(metadata);
}

/* A caller without a trace leaves what the eviction has said; so does one with nothing but baggage. */
static void without_a_trace_the_evictions_stays(void **state)
{
    world *it = *state;
    const char *headers[] = {"Accept: */*", "baggage: user=7", "traceparent: 00-0-0-01"};
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        id_text run = begin_waiting(it);
        int before = gate_count(&it->assigned);
        EXPECT(it->server, 200, KNOWN(run), .method = "POST", .path = "/hooks/a", .body = "{}",
               .headers = {headers[i]});
        char *metadata = hear_second(it, before);
        assert_non_null(strstr(metadata, "\"" EVICTED_FROM "\""));
        assert_null(strstr(metadata, "user=7"));
        cleat__free(metadata);
        end(it, run);
    }
}

static void strangers_share_a_limit(void **state)
{
    world *it = *state;
    int refused = 0;
    for (int i = 0; i < 50 && refused == 0; i++) {
        reply answer = ask(it->server, (question){.method = "POST", .path = "/hooks/guess", .body = "1"});
        refused += answer.status == 429 && strstr(answer.headers, "Retry-After: 1") != NULL;
        assert_true(answer.status == 429 || answer.status == 404);
        reply_deinit(&answer);
    }
    assert_int_equal(refused, 1);
}

static gate taken; /* payloads */

static void note_taken(cleat__command *command)
{
    assert_int_equal(command->status, CLEAT_OK);
    gate_add(&taken);
}

static void a_full_hook_says_when_to_come_back(void **state)
{
    static cleat__command commands[CLEAT__HOOK_PAYLOADS_MAX]; /* all at once: few commits */
    world *it = *state;
    id_text run = begin(it, 1);
    cleat__uuid id;
    gate_init(&taken);
    EXPECT(it->server, 200, KNOWN(run), .method = "PUT", .path = "/hooks/a", .body = BODY(run),
           .headers = {AS_1});
    for (int i = 0; i < CLEAT__HOOK_PAYLOADS_MAX; i++) {
        commands[i] = (cleat__command){.kind = CLEAT__COMMAND_RESUME_HOOK, .tenant = 1, .done = note_taken};
        commands[i].as.resume_hook.token = cleat_slice_of("a");
        commands[i].as.resume_hook.payload = cleat_slice_of("1");
        commands[i].as.resume_hook.run_id = &id;
        cleat__engine_submit(it->engine, &commands[i]);
    }
    gate_wait(&taken, CLEAT__HOOK_PAYLOADS_MAX);
    gate_deinit(&taken);
    reply answer = ask(it->server, (question){.method = "POST", .path = "/hooks/a", .body = "1"});
    assert_int_equal(answer.status, 429);
    assert_non_null(strstr(answer.headers, "Retry-After: 5"));
    assert_non_null(strstr(answer.body, "1000 payloads"));
    reply_deinit(&answer);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, world_start, world_stop)
    const struct CMUnitTest tests[] = {
        TEST(a_hook_is_made_by_the_runs_own_tenant),
        TEST(what_is_wrong_with_a_hook_is_said),
        TEST(whoever_knows_the_token_resumes),
        TEST(other_tenants_hooks_have_a_path_of_their_own),
        TEST(the_callers_trace_travels_with_the_payload),
        TEST(without_a_trace_the_evictions_stays),
        TEST(a_full_hook_says_when_to_come_back),
        cmocka_unit_test_setup_teardown(strangers_share_a_limit, limited_start, world_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
