/*
 * The table of the REST API: what each route answers, that it is the documented one, that the npm SDK's paths are all
 * in it, and that no tenant gets at what is another's.
 */
#include "rest_test.h"

#define TENANT "/api/v1/tenants/{tenant}"
#define STABLE "/api/v1/stable/tenants/{tenant}"
#define PLAN   TENANT "/workflows/scheduled"
#define SINCE  "?since=2001-01-01T00:00:00Z"

/* ---- What the SDK calls ---- */

typedef struct call {
    const char *method, *path;
    long status; /* when tenant 1 asks for what is its own */
    const char *body;
} call;

/*
 * All calls of the features of @hatchet-dev/typescript-sdk 1.33.2, in the order of their files, with ids of
 * tenant 1: {worker}, {run}, {workflow}, {schedule}, {event}; {other} is one that nothing has.
 */
static const call sdk_calls[] = {
    {"POST", STABLE "/cel/debug", 200, "{\"expression\":\"true\"}"},
    {"POST", TENANT "/workflows/greet/crons", 400, "{}"},
    {"DELETE", TENANT "/workflows/crons/{other}", 404, NULL},
    {"GET", TENANT "/workflows/crons", 200, NULL},
    {"GET", TENANT "/workflows/crons/{other}", 404, NULL},
    {"GET", STABLE "/filters", 200, NULL},
    {"GET", STABLE "/filters/{other}", 404, NULL},
    {"POST", STABLE "/filters", 400, "{}"},
    {"PATCH", STABLE "/filters/{other}", 404, "{}"},
    {"DELETE", STABLE "/filters/{other}", 404, NULL},
    {"GET", "/api/v1/stable/tasks/{run}/logs", 200, NULL},
    {"GET", STABLE "/task-metrics" SINCE, 200, NULL},
    {"GET", TENANT "/step-run-queue-metrics", 200, NULL},
    {"GET", TENANT "/prometheus-metrics", 200, NULL},
    {"GET", TENANT "/task-stats", 200, NULL},
    {"GET", TENANT "/rate-limits", 200, NULL},
    {"GET", "/api/v1/stable/workflow-runs/{run}", 200, NULL},
    {"GET", "/api/v1/stable/workflow-runs/{run}/status", 200, NULL},
    {"GET", STABLE "/workflow-runs" SINCE "&only_tasks=false", 200, NULL},
    {"POST", STABLE "/tasks/cancel", 200, "{\"externalIds\":[\"{run}\"]}"},
    {"POST", STABLE "/tasks/replay", 200, "{\"externalIds\":[\"{run}\"]}"},
    {"POST", "/api/v1/stable/tasks/{run}/restore", 200, NULL},
    {"POST", STABLE "/durable-tasks/branch", 400, "{}"},
    {"POST", TENANT "/workflows/greet/scheduled", 200, "{\"triggerAt\":\"2099-01-01T00:00:00Z\"}"},
    {"PATCH", PLAN "/{schedule}", 200, "{\"triggerAt\":\"2099-01-01T00:00:00Z\"}"},
    {"GET", PLAN, 200, NULL},
    {"GET", PLAN "/{schedule}", 200, NULL},
    {"POST", PLAN "/bulk-update", 200, "{\"updates\":[]}"},
    {"POST", PLAN "/bulk-delete", 200, "{\"scheduledWorkflowRunIds\":[]}"},
    {"DELETE", PLAN "/{schedule}", 204, NULL},
    {"GET", TENANT, 200, NULL},
    {"GET", STABLE "/webhooks", 200, NULL},
    {"GET", STABLE "/webhooks/mine", 404, NULL},
    {"POST", STABLE "/webhooks", 400, "{}"},
    {"PATCH", STABLE "/webhooks/mine", 404, "{}"},
    {"DELETE", STABLE "/webhooks/mine", 404, NULL},
    {"GET", "/api/v1/workers/{worker}", 200, NULL},
    {"GET", TENANT "/worker", 200, NULL},
    {"PATCH", "/api/v1/workers/{worker}", 200, "{\"isPaused\":false}"},
    /* legacy/ and clients/ */
    {"GET", TENANT "/workflow-runs/{run}/shape", 400, NULL},
    {"GET", STABLE "/events", 200, NULL},
    {"GET", TENANT "/workflows?name=greet", 200, NULL},
    {"GET", "/api/v1/workflows/{workflow}", 200, NULL},
    {"GET", "/api/v1/workflows/{workflow}/versions", 200, NULL},
    {"GET", "/api/v1/workflows/{workflow}/metrics", 200, NULL},
    {"DELETE", "/api/v1/workflows/{workflow}", 204, NULL},
};

/* What tenant 1 has. */
typedef struct things {
    char worker[37], run[37], workflow[37], schedule[37], event[37];
} things;

static things make_things(rest_world *it)
{
    things made;
    cleat__uuid worker = add_worker(it, 1, "one", true), run = trigger_run(it, 1, "greet");
    cleat__uuid event = push_event(it, 1, "user:made");
    cleat__uuid schedule = add_schedule(it, 1, CLEAT__SCHEDULE_API, NEXT_CENTURY_MS);
    cleat__uuid_format(&worker, made.worker);
    cleat__uuid_format(&run, made.run);
    cleat__uuid_format(&it->greet[0].workflow_id, made.workflow);
    cleat__uuid_format(&schedule, made.schedule);
    cleat__uuid_format(&event, made.event);
    wait_until_running(it, &run);
    return made;
}

/* Ids for the names in braces, "{tenant}" excepted. Those of the routes' patterns are known too. */
static const char *id_for(const things *all, const char *name, size_t size)
{
    static const struct {
        const char *name;
        size_t offset;
    } known[] = {
        {"worker", offsetof(things, worker)},     {"run", offsetof(things, run)},
        {"workflow", offsetof(things, workflow)}, {"schedule", offsetof(things, schedule)},
        {"event", offsetof(things, event)},       {"v1WorkflowRun", offsetof(things, run)},
        {"task", offsetof(things, run)},          {"scheduledWorkflowRun", offsetof(things, schedule)},
        {"v1Event", offsetof(things, event)},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strlen(known[i].name) == size && memcmp(known[i].name, name, size) == 0) {
            return (const char *)all + known[i].offset;
        }
    }
    return NO_ID;
}

#define FILL(all, text) fill_in(all, text, (char[1024]){0})
static const char *fill_in(const things *all, const char *text, char filled[1024])
{
    size_t size = 0;
    for (const char *next = text; *next != '\0';) {
        const char *end = *next == '{' ? strpbrk(next, "}\":") : NULL;
        bool is_name = end != NULL && *end == '}' && end > next + 1 && strncmp(next, "{tenant}", 8) != 0;
        if (is_name) {
            size += (size_t)sprintf(filled + size, "%s", id_for(all, next + 1, (size_t)(end - next - 1)));
            next = end + 1;
        } else {
            filled[size++] = *next++;
        }
    }
    filled[size] = '\0';
    return filled;
}

static void every_call_of_the_sdk_is_answered(void **state)
{
    rest_world *it = *state;
    things all = make_things(it);
    for (size_t i = 0; i < sizeof(sdk_calls) / sizeof(sdk_calls[0]); i++) {
        const call *what = &sdk_calls[i];
        const char *body = what->body != NULL ? FILL(&all, what->body) : NULL;
        if (strstr(what->path, "prometheus") != NULL) {
            reply answer =
                ask(it->server,
                    (question){.path = "/api/v1/tenants/" TENANT_1 "/prometheus-metrics", .headers = {AS_1}});
            assert_int_equal(answer.status, what->status);
            reply_deinit(&answer);
            continue;
        }
        json_decref(ask_json(it, (asking){1, what->method, FILL(&all, what->path), body, what->status}));
    }
}

/* ---- Tenants ---- */

/* Calls that name one thing by its id; what is asked for is tenant 1's. */
static const call calls_by_id[] = {
    {"GET", "/api/v1/workers/{worker}", 200, NULL},
    {"PATCH", "/api/v1/workers/{worker}", 200, "{\"isPaused\":true}"},
    {"PATCH", "/api/v1/workers/{worker}", 200, "{\"isPaused\":false}"},
    {"PATCH", "/api/v1/workers/{worker}", 200, "{}"},
    {"GET", "/api/v1/stable/workflow-runs/{run}", 200, NULL},
    {"GET", "/api/v1/stable/workflow-runs/{run}/status", 200, NULL},
    {"GET", "/api/v1/stable/workflow-runs/{run}/task-events", 200, NULL},
    {"GET", "/api/v1/stable/workflow-runs/{run}/task-timings", 200, NULL},
    {"GET", "/api/v1/stable/tasks/{run}", 200, NULL},
    {"GET", "/api/v1/stable/tasks/{run}/task-events", 200, NULL},
    {"GET", "/api/v1/stable/tasks/{run}/logs", 200, NULL},
    {"GET", STABLE "/events/{event}", 200, NULL},
    {"POST", TENANT "/events/replay", 200, "{\"eventIds\":[\"{event}\"]}"},
    {"GET", PLAN "/{schedule}", 200, NULL},
    {"PATCH", PLAN "/{schedule}", 200, "{\"triggerAt\":\"2099-01-01T00:00:00Z\"}"},
    {"DELETE", PLAN "/{schedule}", 204, NULL},
    {"GET", "/api/v1/workflows/{workflow}", 200, NULL},
    {"GET", "/api/v1/workflows/{workflow}/versions", 200, NULL},
    {"DELETE", "/api/v1/workflows/{workflow}", 204, NULL},
};

static void what_is_another_tenants_is_not_there(void **state)
{
    rest_world *it = *state;
    const things nothing = {NO_ID, NO_ID, NO_ID, NO_ID, NO_ID};
    things all = make_things(it);
    for (size_t i = 0; i < sizeof(calls_by_id) / sizeof(calls_by_id[0]); i++) {
        const call *what = &calls_by_id[i];
        const char *body = what->body != NULL ? FILL(&all, what->body) : NULL;
        const char *no_body = what->body != NULL ? FILL(&nothing, what->body) : NULL;
        json_t *hidden = ask_json(it, (asking){2, what->method, FILL(&all, what->path), body, 404});
        json_t *unknown = ask_json(it, (asking){1, what->method, FILL(&nothing, what->path), no_body, 404});
        assert_true(json_equal(hidden, unknown));
        json_decref(hidden);
        json_decref(unknown);
        json_decref(ask_json(it, (asking){1, what->method, FILL(&all, what->path), body, what->status}));
    }
}

/* Each names things of tenant 1 by ids; `path` in the answer is a list that stays empty. */
static void lists_of_ids_pass_over_what_is_another_tenants(void **state)
{
    static const struct {
        const char *method, *path, *body, *list;
    } calls[] = {
        {"POST", STABLE "/tasks/cancel", "{\"externalIds\":[\"{run}\"]}", "ids"},
        {"POST", STABLE "/tasks/cancel", "{\"filter\":{\"since\":\"2001-01-01T00:00:00Z\"}}", "ids"},
        {"POST", STABLE "/tasks/replay", "{\"externalIds\":[\"{run}\"]}", "ids"},
        {"POST", STABLE "/tasks/replay", "{\"filter\":{\"since\":\"2001-01-01T00:00:00Z\"}}", "ids"},
        {"POST", PLAN "/bulk-delete", "{\"scheduledWorkflowRunIds\":[\"{schedule}\"]}", "deletedIds"},
        {"POST", PLAN "/bulk-delete", "{\"filter\":{}}", "deletedIds"},
        {"POST", PLAN "/bulk-update",
         "{\"updates\":[{\"id\":\"{schedule}\",\"triggerAt\":\"2001-01-01T00:00:00Z\"}]}", "updatedIds"},
        {"GET", STABLE "/workflow-runs" SINCE "&only_tasks=true", NULL, "rows"},
        {"GET", STABLE "/workflow-runs" SINCE "&only_tasks=true&worker_id={worker}", NULL, "rows"},
        {"GET", STABLE "/workflow-runs" SINCE "&only_tasks=true&triggering_event_external_id={event}", NULL,
         "rows"},
        {"GET", STABLE "/workflow-runs" SINCE "&only_tasks=true&parent_task_external_id={run}", NULL, "rows"},
        {"GET", STABLE "/workflow-runs/external-ids" SINCE, NULL, ""},
        {"GET", STABLE "/workflow-runs/display-names?external_ids={run}", NULL, "rows"},
        {"GET", STABLE "/events", NULL, "rows"},
        {"GET", STABLE "/events?eventIds={event}", NULL, "rows"},
        {"GET", STABLE "/events/keys", NULL, "rows"},
        {"GET", PLAN, NULL, "rows"},
        {"GET", TENANT "/worker", NULL, "rows"},
        {"GET", TENANT "/queue-metrics", NULL, "queues"},
        {"GET", TENANT "/step-run-queue-metrics", NULL, "queues"},
        {"GET", TENANT "/task-stats", NULL, ""},
    };
    rest_world *it = *state;
    things all = make_things(it);
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        const char *body = calls[i].body != NULL ? FILL(&all, calls[i].body) : NULL;
        json_t *answer = ask_json(it, (asking){2, calls[i].method, FILL(&all, calls[i].path), body, 200});
        if (count_at(answer, calls[i].list) != 0) {
            fail_msg("%s is not empty", calls[i].path);
        }
        json_decref(answer);
    }
    json_t *status = get(it, URL("/api/v1/stable/workflow-runs/%s/status", all.run));
    assert_string_equal(json_string_value(status), "RUNNING");
    json_decref(status);
    json_decref(get(it, URL(PLAN "/%s", all.schedule)));
}

static void no_token_opens_the_path_of_another_tenant(void **state)
{
    rest_world *it = *state;
    things all = make_things(it);
    for (size_t i = 0; i < it->table.count; i++) {
        const cleat__http_route *route = &it->table.routes[i];
        char path[1024];
        const char *part = strstr(route->pattern, "{tenant}");
        if (part == NULL || (route->flags & CLEAT__HTTP_OPEN) != 0) {
            continue;
        }
        snprintf(path, sizeof(path), "%.*s" TENANT_1 "%s", (int)(part - route->pattern), route->pattern,
                 part + strlen("{tenant}"));
        EXPECT(it->server, 403, "{\"message\":\"Please provide valid credentials\"}", .method = route->method,
               .path = FILL(&all, path), .headers = {AS_2});
    }
}

/* ---- The table ---- */

static reply ask_route(rest_world *it, const things *all, const cleat__http_route *route)
{
    char path[1024];
    const char *part = strstr(route->pattern, "{tenant}");
    snprintf(path, sizeof(path), "%.*s%s%s", part != NULL ? (int)(part - route->pattern) : 1000,
             route->pattern, part != NULL ? TENANT_1 : "", part != NULL ? part + strlen("{tenant}") : "");
    return ask(it->server, (question){.method = route->method, .path = FILL(all, path), .headers = {AS_1}});
}

/* No route hides another one. */
static void every_route_is_reached(void **state)
{
    rest_world *it = *state;
    things all = make_things(it);
    for (size_t i = 0; i < it->table.count; i++) {
        const cleat__http_route *route = &it->table.routes[i];
        char text[1024];
        cleat__http_target target;
        const cleat__http_table *table;
        const cleat__http_route *found = NULL;
        snprintf(text, sizeof(text), "%s", FILL(&all, route->pattern));
        assert_int_equal(cleat__http_target_read(text, &target), CLEAT_OK);
        assert_int_equal(cleat__http_find(&it->table, 1, route->method, &target, &table, &found),
                         CLEAT__HTTP_FOUND);
        assert_ptr_equal(found, route);
        cleat__http_target_deinit(&target);
    }
}

/* The rows of docs/http-api.md, in order, are those of the table. */
static void the_page_shows_the_table(void **state)
{
    rest_world *it = *state;
    things all = make_things(it);
    char path[512], line[512], expected[512];
    size_t index = 0;
    bool is_table = false;
    snprintf(path, sizeof(path), "%s/docs/http-api.md", getenv("CLEAT_SOURCE"));
    FILE *page = fopen(path, "r");
    assert_non_null(page);
    while (fgets(line, sizeof(line), page) != NULL) {
        is_table = is_table ? line[0] == '|' : strcmp(line, "| method | path | |\n") == 0;
        if (!is_table || strncmp(line, "| m", 3) == 0 || strncmp(line, "| -", 3) == 0) {
            continue;
        }
        assert_true(index < it->table.count);
        const cleat__http_route *route = &it->table.routes[index++];
        reply got = ask_route(it, &all, route);
        bool is_gone = got.status == 400 && strstr(got.body, "deprecated") != NULL;
        snprintf(expected, sizeof(expected), "| %s | `%s` | %s |\n", route->method, route->pattern,
                 is_gone ? "gone" : "works");
        assert_string_equal(line, expected);
        reply_deinit(&got);
    }
    fclose(page);
    assert_int_equal(index, it->table.count);
}

static void version_and_meta_ask_for_no_token(void **state)
{
    rest_world *it = *state;
    reply answer = ask(it->server, (question){.path = "/api/v1/version"});
    assert_int_equal(answer.status, 200);
    assert_memory_equal(answer.body, "{\"version\":\"v0.", 15);
    reply_deinit(&answer);
    EXPECT(it->server, 200,
           "{\"auth\":{\"schemes\":[]},\"allowSignup\":false,\"allowInvites\":false,"
           "\"allowCreateTenant\":false,\"allowChangePassword\":false,\"observabilityEnabled\":true}",
           .path = "/api/v1/meta");
}

/* However many there are: none may use up the memory that the answer needs. */
static void too_many_arguments_are_414(void **state)
{
    static const char *const arguments[] = {"a", "ids=0190a000-0000-7000-8000-000000000001"};
    static const size_t counts[] = {257, 450, 550};
    rest_world *it = *state;
    char *path = malloc(65536);
    for (size_t i = 0; i < 6; i++) {
        char *end = path + sprintf(path, "/api/v1/version?");
        for (size_t left = counts[i / 2]; left > 0; left--) {
            end += sprintf(end, "%s&", arguments[i % 2]);
        }
        end[-1] = '\0';
        EXPECT(it->server, 414, "{\"message\":\"the query has more than 256 arguments\"}", .path = path);
        strcpy(strchr(path, '&'), ""); /* one of them */
        reply one = ask(it->server, (question){.path = path});
        assert_int_equal(one.status, 200);
        reply_deinit(&one);
    }
    char *end = path + sprintf(path, "/api/v1/version?");
    for (size_t left = 20000; left > 0; left--) {
        end += sprintf(end, "a&");
    }
    reply longest = ask(it->server, (question){.path = path});
    assert_int_equal(longest.status, 414);
    reply_deinit(&longest);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REST_TEST(too_many_arguments_are_414),
        REST_TEST(every_call_of_the_sdk_is_answered),
        REST_TEST(what_is_another_tenants_is_not_there),
        REST_TEST(lists_of_ids_pass_over_what_is_another_tenants),
        REST_TEST(no_token_opens_the_path_of_another_tenant),
        REST_TEST(every_route_is_reached),
        REST_TEST(the_page_shows_the_table),
        REST_TEST(version_and_meta_ask_for_no_token),
    };
    curl_global_init(CURL_GLOBAL_ALL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
