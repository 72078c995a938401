/* The REST API on an engine of its own, with two tenants, each of which has declared "greet". */
#ifndef CLEAT_TESTS_REST_TEST_H
#define CLEAT_TESTS_REST_TEST_H

#include "http_fixture.h"

#include "engine/command.h"
#include "server/rest.h"
#include "store/store.h"
#include "support/temp_dir.h"

#define NO_ID "0190a000-0000-7000-8000-0000000000ff"

typedef struct rest_world {
    temp_dir dir;
    cleat__engine *engine;
    cleat__rest *rest;
    cleat__http_table table;
    cleat__http_server *server;
    cleat__version greet[2]; /* of each tenant */
} rest_world;

static inline cleat__version declare(rest_world *it, int64_t tenant, const char *name, const char *event_key)
{
    char action[64];
    cleat__version version;
    cleat_slice key = cleat_slice_of(event_key);
    snprintf(action, sizeof(action), "%s:%s", name, name);
    const cleat__workflow workflow = {.name = cleat_slice_of(name),
                                      .description = cleat_slice_of("says hello"),
                                      .event_keys = &key,
                                      .event_key_count = event_key != NULL,
                                      .tasks =
                                          &(cleat__workflow_task){.name = cleat_slice_of(name),
                                                                  .action = cleat_slice_of(action),
                                                                  .policy = {.priority = 2,
                                                                             .backoff_factor = 1,
                                                                             .execution_timeout_ms = 60000,
                                                                             .schedule_timeout_ms = 300000}},
                                      .task_count = 1};
    assert_int_equal(cleat__engine_put_workflow(it->engine, tenant, &workflow, &version), CLEAT_OK);
    return version;
}

/* Beside the one that every file has. */
static inline cleat_status add_second_tenant(cleat__store *store, void *argument)
{
    static const char sql[] = "INSERT INTO tenant VALUES (2, randomblob(16), 'second', 0)";
    (void)argument;
    return sqlite3_exec(cleat__store_db(store), sql, NULL, NULL, NULL) == SQLITE_OK ? CLEAT_OK : CLEAT_IO;
}

/* All but the server. */
static inline void rest_open(rest_world *it)
{
    temp_dir_make(&it->dir);
    assert_int_equal(cleat__engine_open(&(cleat__engine_options){.path = it->dir.database}, &it->engine),
                     CLEAT_OK);
    assert_int_equal(cleat__engine_call(it->engine, add_second_tenant, NULL), CLEAT_OK);
    for (int64_t tenant = 1; tenant <= 2; tenant++) {
        it->greet[tenant - 1] = declare(it, tenant, "greet", "user:made");
    }
    cleat__rest_options rest = {.engine = it->engine, .path = it->dir.database};
    assert_int_equal(cleat__rest_new(&rest, &it->rest), CLEAT_OK);
    it->table = cleat__rest_table(it->rest);
}

static inline int rest_start(void **state)
{
    rest_world *it = calloc(1, sizeof(*it));
    rest_open(it);
    cleat__http_options options = {
        .address = "127.0.0.1:0", .tables = &it->table, .table_count = 1, .authenticate = check_token};
    assert_int_equal(cleat__http_server_start(&options, &it->server), CLEAT_OK);
    *state = it;
    return 0;
}

static inline int rest_stop(void **state)
{
    rest_world *it = *state;
    cleat__http_server_free(it->server);
    cleat__rest_free(it->rest);
    cleat__engine_close(it->engine);
    temp_dir_remove(&it->dir);
    free(it);
    return 0;
}

#define REST_TEST(function) cmocka_unit_test_setup_teardown(function, rest_start, rest_stop)

/* ---- Asking ---- */

typedef struct asking {
    int tenant; /* 1 or 2 */
    const char *method, *path, *body;
    long status; /* that is expected */
} asking;

/* The answer, to be released; NULL when it is empty. `{tenant}` in the path is the one that asks. */
static inline json_t *ask_json(rest_world *it, asking what)
{
    char path[1024] = "";
    const char *part = strstr(what.path, "{tenant}");
    if (part != NULL) {
        snprintf(path, sizeof(path), "%.*s%s%s", (int)(part - what.path), what.path,
                 what.tenant == 1 ? TENANT_1 : TENANT_2, part + strlen("{tenant}"));
    } else {
        snprintf(path, sizeof(path), "%s", what.path);
    }
    reply answer = ask(it->server, (question){.method = what.method,
                                              .path = path,
                                              .headers = {what.tenant == 1 ? AS_1 : AS_2},
                                              .body = what.body});
    json_t *value = answer.body != NULL ? json_loads(answer.body, JSON_DECODE_ANY, NULL) : NULL;
    if (answer.status != what.status || (answer.body != NULL && value == NULL)) {
        fail_msg("%s %s %s: %ld %s", what.method, path, what.body != NULL ? what.body : "", answer.status,
                 answer.body != NULL ? answer.body : "");
    }
    reply_deinit(&answer);
    return value;
}

#define URL(...) url_of((char[1024]){0}, __VA_ARGS__)
static inline const char *url_of(char *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, 1024, format, arguments);
    va_end(arguments);
    return text;
}

static inline json_t *get(rest_world *it, const char *path)
{
    return ask_json(it, (asking){1, "GET", path, NULL, 200});
}

static inline json_t *post(rest_world *it, const char *path, const char *body)
{
    return ask_json(it, (asking){1, "POST", path, body, 200});
}

/* It is refused with 400, and with a sentence that has `part` in it. */
static inline void expect_400(rest_world *it, const char *method, const char *path, const char *body,
                              const char *part)
{
    json_t *answer = ask_json(it, (asking){1, method, path, body, 400});
    const char *sentence = json_string_value(json_object_get(answer, "message"));
    if (sentence == NULL) {
        const json_t *first = json_array_get(json_object_get(answer, "errors"), 0);
        sentence = json_string_value(json_object_get(first, "description"));
    }
    if (sentence == NULL || strstr(sentence, part) == NULL) {
        fail_msg("%s %s: \"%s\" does not say \"%s\"", path, body != NULL ? body : "", sentence, part);
    }
    json_decref(answer);
}

typedef struct directly {
    const char *method, *target, *body; /* GET */
    bool is_over;                       /* nobody waits for the call */
} directly;

/* The first tenant's call of a handler, without a server; `beginning` gets that of the answer. */
static inline unsigned ask_directly(rest_world *it, directly what, char beginning[512])
{
    char text[256];
    const cleat__http_table *table = NULL;
    atomic_bool is_cut = what.is_over;
    cleat__http_call call = {.is_cut = &is_cut, .identity.tenant = 1, .body = cleat_slice_of(what.body)};
    snprintf(text, sizeof(text), "%s", what.target);
    assert_int_equal(cleat__http_target_read(text, &call.target), CLEAT_OK);
    assert_int_equal(cleat__http_find(&it->table, 1, what.method != NULL ? what.method : "GET", &call.target,
                                      &table, &call.route),
                     CLEAT__HTTP_FOUND);
    call.service = table->service;
    call.route->handle(&call);
    unsigned status = call.answer.status;
    snprintf(beginning, 512, "%.*s", (int)call.answer.body.size, (const char *)call.answer.body.data);
    cleat__http_call_deinit(&call);
    return status;
}

/* ---- Looking at answers: "rows.0.metadata.id" ---- */

static inline const json_t *at(const json_t *value, const char *path)
{
    char key[64];
    int size;
    while (value != NULL && sscanf(path, "%63[^.]%n", key, &size) == 1) {
        value = json_is_array(value) ? json_array_get(value, (size_t)atoi(key)) : json_object_get(value, key);
        path += size + (path[size] == '.');
    }
    return value;
}

static inline const char *text_at(const json_t *value, const char *path)
{
    const char *text = json_string_value(at(value, path));
    if (text == NULL) {
        fail_msg("there is no text %s", path);
        return "";
    }
    return text;
}

static inline int int_at(const json_t *value, const char *path)
{
    const json_t *number = at(value, path);
    if (!json_is_integer(number)) {
        fail_msg("there is no number %s", path);
    }
    return (int)json_integer_value(number);
}

static inline size_t count_at(const json_t *value, const char *path)
{
    const json_t *list = at(value, path);
    if (!json_is_array(list) && !json_is_object(list)) {
        fail_msg("there is no list %s", path);
    }
    return json_is_array(list) ? json_array_size(list) : json_object_size(list);
}

/* ---- What is there to look at ---- */

static inline const char *format_id(const cleat__uuid *id, char text[37])
{
    cleat__uuid_format(id, text);
    return text;
}
#define ID(id) format_id(id, (char[37]){0})

static inline cleat__uuid trigger_run(rest_world *it, int64_t tenant, const char *workflow)
{
    cleat__uuid id;
    const cleat__trigger trigger = {.workflow = cleat_slice_of(workflow),
                                    .input = cleat_slice_of("{\"n\":1}"),
                                    .metadata = cleat_slice_of("{\"user\":\"ada\"}"),
                                    .child_index = -1};
    assert_int_equal(cleat__engine_trigger(it->engine, tenant, &trigger, 1, &id), CLEAT_OK);
    return id;
}

/* Hands a command over and waits for its answer. */
static inline void open_gate(cleat__command *command);
typedef struct waiting_command {
    cleat__command command; /* first */
    gate done;
} waiting_command;

static inline void open_gate(cleat__command *command)
{
    gate_add(&((waiting_command *)command)->done);
}

static inline cleat_status submit_and_wait(rest_world *it, cleat__command command)
{
    waiting_command waiting = {.command = command};
    gate_init(&waiting.done);
    waiting.command.done = open_gate;
    cleat__engine_submit(it->engine, &waiting.command);
    gate_wait(&waiting.done, 1);
    gate_deinit(&waiting.done);
    cleat__free(waiting.command.error);
    return waiting.command.status;
}

static inline void take_nothing(void *self, cleat__assignment *list)
{
    (void)self;
    while (list != NULL) {
        cleat__assignment *next = list->next;
        cleat__free(list);
        list = next;
    }
}

static inline void pass_over(void *self, const cleat__uuid *id, int32_t retry_count)
{
    (void)self, (void)id, (void)retry_count;
}

/* A worker of another process; it listens if `listens`. */
static inline cleat__uuid add_worker_of(rest_world *it, int64_t tenant, const cleat__worker_spec *spec,
                                        bool listens)
{
    cleat__uuid id;
    assert_int_equal(submit_and_wait(it, (cleat__command){.kind = CLEAT__COMMAND_WORKER_REGISTER,
                                                          .tenant = tenant,
                                                          .as.worker_register = {spec, &id}}),
                     CLEAT_OK);
    if (listens) {
        const cleat__command listen = {.kind = CLEAT__COMMAND_WORKER_LISTEN,
                                       .tenant = tenant,
                                       .as.listen = {.id = id,
                                                     .session = 1,
                                                     .is_kept = true,
                                                     .sink = {NULL, take_nothing, pass_over},
                                                     .cancel = NULL}};
        assert_int_equal(submit_and_wait(it, listen), CLEAT_OK);
    }
    return id;
}

/* One that serves `greet`. */
static inline cleat__uuid add_worker(rest_world *it, int64_t tenant, const char *name, bool listens)
{
    cleat_slice action = cleat_slice_of("greet:greet");
    const cleat__slots slots = {cleat_slice_of("default"), 3};
    const cleat__label labels[] = {
        {cleat_slice_of("gpu"), {.is_number = false, .number = 0, .text = cleat_slice_of("a100")}},
        {cleat_slice_of("memory"), {.is_number = true, .number = 64, .text = {NULL, 0}}},
    };
    const cleat__worker_spec spec = {
        .name = cleat_slice_of(name),
        .actions = &action,
        .action_count = 1,
        .slots = &slots,
        .slot_count = 1,
        .labels = labels,
        .label_count = 2,
        .runtime = cleat_slice_of("{\"sdkVersion\":\"1.2.3\",\"language\":\"TYPESCRIPT\"}"),
    };
    return add_worker_of(it, tenant, &spec, listens);
}

static inline void wait_until_running(rest_world *it, const cleat__uuid *id)
{
    bool is_running = false;
    while (!is_running) { /* the engine assigns in a step of its own */
        json_t *status = get(it, URL("/api/v1/stable/workflow-runs/%s/status", ID(id)));
        is_running = strcmp(json_string_value(status), "RUNNING") == 0;
        json_decref(status);
    }
}

static inline cleat__uuid push_event(rest_world *it, int64_t tenant, const char *key)
{
    cleat__uuid id;
    const cleat__user_event event = {.key = cleat_slice_of(key),
                                     .payload = cleat_slice_of("{\"n\":7}"),
                                     .metadata = cleat_slice_of("{\"user\":\"ada\"}"),
                                     .scope = cleat_slice_of("tests")};
    assert_int_equal(cleat__engine_push(it->engine, tenant, &event, 1, &id), CLEAT_OK);
    return id;
}

#define NEXT_CENTURY_MS INT64_C(4070908800000) /* 2099-01-01 */
static inline cleat__uuid add_schedule(rest_world *it, int64_t tenant, cleat__schedule_method method,
                                       int64_t at_ms)
{
    cleat__uuid id;
    const cleat__schedule schedule = {.workflow = cleat_slice_of("greet"),
                                      .metadata = cleat_slice_of("{\"user\":\"ada\"}"),
                                      .method = method};
    assert_int_equal(cleat__engine_schedule(it->engine, tenant, &schedule, &at_ms, 1, &id), CLEAT_OK);
    return id;
}

#endif
