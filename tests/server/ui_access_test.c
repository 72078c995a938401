#define _GNU_SOURCE /* strcasestr */
/* Who gets at the viewer's API: with which tokens, from which pages, of which tenant; and that its table is the
 * documented one. */
#include "ui_test.h"

#include "stored_spans.h"

#define TRACE_ID "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN_ID  "00f067aa0ba902b7"
#define NO_TRACE "00000000000000000000000000000001"

static const char spans[] =
    "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"traceId\":\"" TRACE_ID "\",\"spanId\":\"" SPAN_ID
    "\",\"name\":\"order\",\"kind\":1,\"startTimeUnixNano\":\"1783756800000000000\","
    "\"endTimeUnixNano\":\"1783756800000000007\"}]}]}]}";

static bool is_api(const cleat__http_route *route)
{
    return strncmp(route->pattern, API, sizeof(API) - 1) == 0;
}

/* The pattern with a run and a trace in the places of its parts. */
#define FILL(pattern, run, trace) fill_in((char[256]){0}, pattern, run, trace)
static const char *fill_in(char *text, const char *pattern, const char *run, const char *trace)
{
    size_t size = 0;
    for (const char *at = pattern; *at != '\0';) {
        const char *value = strncmp(at, "{run}", 5) == 0     ? run
                            : strncmp(at, "{trace}", 7) == 0 ? trace
                            : strncmp(at, "{span}", 6) == 0  ? SPAN_ID
                            : *at == '{'                     ? "app.js"
                                                             : NULL;
        if (value != NULL) {
            size += (size_t)sprintf(text + size, "%s", value);
            at = strchr(at, '}') + 1;
        } else {
            text[size++] = *at++;
        }
    }
    text[size] = '\0';
    return text;
}

static reply ask_route(ui_world *it, const cleat__http_route *route, const char *path, const char *header)
{
    bool is_post = strcmp(route->method, "POST") == 0;
    return ask(it->rest.server, (question){.method = route->method,
                                           .path = path,
                                           .headers = {header, AS_JSON},
                                           .body = is_post ? "{}" : NULL});
}

/* ---- Tokens ---- */

static void all_but_meta_asks_for_a_token(void **state)
{
    ui_world *it = *state;
    for (size_t i = 0; i < it->tables[0].count; i++) {
        const cleat__http_route *route = &it->tables[0].routes[i];
        bool is_open = !is_api(route) || strcmp(route->pattern, API "meta") == 0;
        const char *path = FILL(route->pattern, NO_ID, NO_TRACE);
        reply without = ask_route(it, route, path, "X-Nothing: 1");
        reply expired = ask_route(it, route, path, "Authorization: Bearer old");
        assert_int_equal(without.status, is_open ? 200 : 403);
        assert_int_equal(expired.status, is_open ? 200 : 403);
        if (!is_open) {
            assert_non_null(strstr(without.body, "Please provide valid credentials\""));
            assert_non_null(strstr(expired.body, "Please provide valid credentials: it expired"));
        }
        reply_deinit(&without);
        reply_deinit(&expired);
    }
}

static void meta_says_what_is_needed(void **state)
{
    ui_world *it = *state;
    json_t *meta = get(&it->rest, API "meta");
    assert_string_equal(text_at(meta, "version"), cleat_version());
    assert_true(json_is_true(at(meta, "needs_token")));
    assert_true(json_is_false(at(meta, "read_only")));
    assert_true(json_integer_value(at(meta, "now_ms")) > INT64_C(1700000000000));
    json_decref(meta);
}

static void the_session_is_that_of_the_token(void **state)
{
    ui_world *it = *state;
    json_t *first = get(&it->rest, API "session");
    json_t *second = ask_json(&it->rest, (asking){2, "GET", API "session", NULL, 200});
    assert_string_equal(text_at(first, "tenant.name"), "default");
    assert_string_equal(text_at(second, "tenant.name"), "second");
    assert_string_not_equal(text_at(first, "tenant.id"), text_at(second, "tenant.id"));
    json_decref(first);
    json_decref(second);
}

/* ---- Tenants ---- */

static void what_is_another_tenants_is_not_there(void **state)
{
    ui_world *it = *state;
    char run[37];
    cleat__uuid id = trigger_run(&it->rest, 1, "greet");
    cleat__uuid_format(&id, run);
    store_spans(&it->rest, 1, spans);
    size_t count = 0;
    for (size_t i = 0; i < it->tables[0].count; i++) {
        const cleat__http_route *route = &it->tables[0].routes[i];
        if (!is_api(route) || strchr(route->pattern, '{') == NULL) {
            continue;
        }
        const char *path = FILL(route->pattern, run, TRACE_ID);
        reply hidden = ask_route(it, route, path, AS_2);
        reply unknown = ask_route(it, route, FILL(route->pattern, NO_ID, NO_TRACE), AS_1);
        reply own = ask_route(it, route, path, AS_1);
        assert_int_equal(hidden.status, 404);
        assert_int_equal(unknown.status, 404);
        assert_string_equal(hidden.body, unknown.body);
        assert_true(own.status == 200 || own.status == 409); /* a run that waits is not replayed */
        reply_deinit(&hidden);
        reply_deinit(&unknown);
        reply_deinit(&own);
        count++;
    }
    assert_true(count >= 5);
}

static void lists_have_nothing_of_another_tenant(void **state)
{
    static const char *const lists[] = {API "workers", API "schedules"};
    ui_world *it = *state;
    trigger_run(&it->rest, 1, "greet");
    add_worker(&it->rest, 1, "one", false);
    add_schedule(&it->rest, 1, CLEAT__SCHEDULE_API, NEXT_CENTURY_MS);
    store_spans(&it->rest, 1, spans);
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        json_t *own = get(&it->rest, lists[i]);
        json_t *other = ask_json(&it->rest, (asking){2, "GET", lists[i], NULL, 200});
        assert_int_equal(count_at(own, "rows"), 1);
        assert_int_equal(count_at(other, "rows"), 0);
        json_decref(own);
        json_decref(other);
    }
    json_t *workflows = ask_json(&it->rest, (asking){2, "GET", API "workflows", NULL, 200});
    assert_int_equal(count_at(workflows, "rows"), 1);
    assert_string_equal(text_at(workflows, "rows.0.id"), ID(&it->rest.greet[1].workflow_id));
    assert_int_equal(int_at(workflows, "rows.0.queued"), 0);
    json_decref(workflows);
}

/* ---- Pages of others ---- */

static const char foreign[] = "Host: evil.example:8733";

static void without_tokens_only_its_own_addresses_are_answered(void **state)
{
    static const char *const own[] = {"Host: localhost:1", "Host: 127.0.0.1", "Host: [::1]:8733"};
    ui_world *it = *state;
    for (size_t i = 0; i < it->tables[0].count; i++) {
        const cleat__http_route *route = &it->tables[0].routes[i];
        reply answer = ask_route(it, route, FILL(route->pattern, NO_ID, NO_TRACE), foreign);
        assert_int_equal(answer.status, 403);
        assert_non_null(strstr(answer.body, "not by the name evil.example"));
        reply_deinit(&answer);
    }
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        reply answer = ask(it->rest.server, (question){.path = API "session", .headers = {own[i]}});
        assert_int_equal(answer.status, 200);
        reply_deinit(&answer);
    }
}

/* Nobody else's page has the token, and a proxy may call the server what it likes. */
static void with_tokens_it_may_be_called_as_one_likes(void **state)
{
    ui_world *it = *state;
    reply answer = ask(it->rest.server, (question){.path = API "session", .headers = {foreign, AS_1}});
    assert_int_equal(answer.status, 200);
    reply_deinit(&answer);
}

static void what_a_foreign_page_could_send_changes_nothing(void **state)
{
    static const char *const types[] = {"Content-Type: text/plain",
                                        "Content-Type:",
                                        "Content-Type: application/x-www-form-urlencoded",
                                        "Content-Type: multipart/form-data; boundary=x",
                                        "Content-Type: application/jsonx",
                                        "Content-Type: text/plain; application/json"};
    ui_world *it = *state;
    cleat__uuid id = trigger_run(&it->rest, 1, "greet");
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        EXPECT(it->rest.server, 415, "{\"message\":\"Content-Type must be application/json\"}",
               .method = "POST", .path = URL(API "runs/%s/cancel", ID(&id)), .headers = {AS_1, types[i]},
               .body = "{}");
    }
    reply before =
        ask(it->rest.server,
            (question){.method = "OPTIONS",
                       .path = URL(API "runs/%s/cancel", ID(&id)),
                       .headers = {"Origin: https://evil.example", "Access-Control-Request-Method: POST",
                                   "Access-Control-Request-Headers: content-type"}});
    assert_null(strcasestr(before.headers, "access-control"));
    reply_deinit(&before);
    json_t *run = get(&it->rest, URL(API "runs/%s", ID(&id)));
    assert_string_equal(text_at(run, "status"), "QUEUED");
    json_decref(run);
    reply good =
        ask(it->rest.server, (question){.method = "POST",
                                        .path = URL(API "runs/%s/cancel", ID(&id)),
                                        .headers = {AS_1, "Content-Type: application/json; charset=utf-8"},
                                        .body = "{}"});
    assert_int_equal(good.status, 200);
    reply_deinit(&good);
}

/* ---- The table ---- */

/* The rows of "The viewer's API" in docs/http-api.md begin with the routes of the table, in their order. */
static void the_page_shows_the_table(void **state)
{
    ui_world *it = *state;
    char path[512], line[2048], expected[512];
    size_t index = 0;
    bool is_section = false;
    snprintf(path, sizeof(path), "%s/docs/http-api.md", getenv("CLEAT_SOURCE"));
    FILE *page = fopen(path, "r");
    assert_non_null(page);
    while (fgets(line, sizeof(line), page) != NULL) {
        is_section = strncmp(line, "## ", 3) == 0 ? strcmp(line, "## The viewer's API\n") == 0 : is_section;
        if (!is_section || (strncmp(line, "| `GET ", 7) != 0 && strncmp(line, "| `POST ", 8) != 0)) {
            continue;
        }
        assert_true(index < it->tables[0].count);
        const cleat__http_route *route = &it->tables[0].routes[index++];
        snprintf(expected, sizeof(expected), "| `%s %s`", route->method, route->pattern);
        assert_memory_equal(line, expected, strlen(expected));
    }
    fclose(page);
    assert_int_equal(index, it->tables[0].count);
}

/* ---- Other tables ---- */

static void a_file_of_another_build_is_told(void **state)
{
    ui_world *it = *state;
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(it->rest.dir.database, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 10000);
    assert_int_equal(sqlite3_exec(db, "ALTER TABLE tenant RENAME COLUMN name TO label", NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
    reply answer =
        ask(it->rest.server,
            (question){.method = "GET", .path = API "session", .headers = {"Authorization: Bearer one"}});
    assert_int_equal(answer.status, 409);
    assert_non_null(strstr(answer.body, "made by another build of Cleat"));
    assert_non_null(strstr(answer.body, "use that build, or a new file"));
    reply_deinit(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UI_TEST(all_but_meta_asks_for_a_token),
        UI_TEST(meta_says_what_is_needed),
        UI_TEST(the_session_is_that_of_the_token),
        UI_TEST(what_is_another_tenants_is_not_there),
        UI_TEST(lists_have_nothing_of_another_tenant),
        cmocka_unit_test_setup_teardown(without_tokens_only_its_own_addresses_are_answered, ui_start_open,
                                        ui_stop),
        UI_TEST(with_tokens_it_may_be_called_as_one_likes),
        UI_TEST(what_a_foreign_page_could_send_changes_nothing),
        UI_TEST(the_page_shows_the_table),
        UI_TEST(a_file_of_another_build_is_told),
    };
    curl_global_init(CURL_GLOBAL_ALL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
