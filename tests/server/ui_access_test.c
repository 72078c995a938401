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

/* The pattern with a run and a trace, or what nobody has, in the places of its parts. */
#define FILL(pattern, run, trace) fill_in((char[256]){0}, pattern, run, trace)
static const char *fill_in(char *text, const char *pattern, const char *run, const char *trace)
{
    size_t size = 0;
    for (const char *at = pattern; *at != '\0';) {
        const char *value = strncmp(at, "{run}", 5) == 0      ? run
                            : strncmp(at, "{trace}", 7) == 0  ? trace
                            : strncmp(at, "{span}", 6) == 0   ? SPAN_ID
                            : strncmp(at, "{name}", 6) == 0   ? "app.js"
                            : strncmp(at, "{tenant}", 8) == 0 ? TENANT_1
                            : *at == '{'                      ? NO_ID
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

static void add_filter(ui_world *it)
{
    const char *body =
        URL("{\"workflowId\":\"%s\",\"scope\":\"shop:7\",\"expression\":\"true\",\"payload\":{\"a\":1}}",
            ID(&it->rest.greet[0].workflow_id));
    json_decref(
        ask_json(&it->rest, (asking){1, "POST", "/api/v1/stable/tenants/{tenant}/filters", body, 200}));
}

static void rate_limits_and_filters_are_told(void **state)
{
    ui_world *it = *state;
    assert_int_equal(cleat__engine_put_rate_limit(it->rest.engine, 1, cleat_slice_of("mail"), 7, 86400000),
                     CLEAT_OK);
    json_t *rates = get(&it->rest, API "rate-limits");
    json_t *others = ask_json(&it->rest, (asking){2, "GET", API "rate-limits", NULL, 200});
    assert_int_equal(count_at(rates, "rows"), 1);
    assert_string_equal(text_at(rates, "rows.0.key"), "mail");
    assert_int_equal(int_at(rates, "rows.0.units"), 7);
    assert_int_equal(int_at(rates, "rows.0.left"), 7);
    assert_int_equal(int_at(rates, "rows.0.window_ms"), 86400000);
    assert_true(json_integer_value(at(rates, "rows.0.refilled_at_ms")) > INT64_C(1700000000000));
    assert_int_equal(count_at(others, "rows"), 0);
    json_decref(others);
    json_decref(rates);
    add_filter(it);
    json_t *filters = get(&it->rest, API "filters");
    assert_int_equal(count_at(filters, "rows"), 1);
    assert_string_equal(text_at(filters, "rows.0.workflow_id"), ID(&it->rest.greet[0].workflow_id));
    assert_string_equal(text_at(filters, "rows.0.scope"), "shop:7");
    assert_string_equal(text_at(filters, "rows.0.expression"), "true");
    assert_int_equal(int_at(filters, "rows.0.payload.a"), 1);
    assert_true(json_is_false(at(filters, "rows.0.is_declared")));
    json_decref(filters);
}

static void lists_have_nothing_of_another_tenant(void **state)
{
    static const char *const lists[] = {API "workers", API "schedules", API "filters"};
    ui_world *it = *state;
    trigger_run(&it->rest, 1, "greet");
    add_worker(&it->rest, 1, "one", false);
    add_schedule(&it->rest, 1, CLEAT__SCHEDULE_API, NEXT_CENTURY_MS);
    store_spans(&it->rest, 1, spans);
    add_filter(it);
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

/* ---- The same of what changes something elsewhere in the API ---- */

/* All such routes of tables[1], with a body of nobody's type. */
static size_t each_change(ui_world *it, const char *const headers[2], long status, const char *text)
{
    size_t count = 0;
    for (size_t i = 0; i < it->tables[1].count; i++) {
        const cleat__http_route *route = &it->tables[1].routes[i];
        if ((route->flags & CLEAT__HTTP_OPEN) || strcmp(route->method, "GET") == 0 ||
            strncmp(route->pattern, "/api/", 5) != 0) {
            continue;
        }
        bool is_post = strcmp(route->method, "POST") == 0;
        if (status == 415 && !is_post) { /* a page of another site has to ask before it sends such */
            continue;
        }
        reply answer = ask(it->rest.server, (question){.method = route->method,
                                                       .path = FILL(route->pattern, NO_ID, NO_TRACE),
                                                       .headers = {headers[0], headers[1]},
                                                       .body = is_post ? "{}" : NULL});
        if (answer.status != status || strstr(answer.body, text) == NULL) {
            fail_msg("%s %s: %ld %s", route->method, route->pattern, answer.status, answer.body);
        }
        reply_deinit(&answer);
        count++;
    }
    return count;
}

static void a_foreign_page_changes_nothing_without_tokens(void **state)
{
    ui_world *it = *state;
    assert_true(
        each_change(it, (const char *const[]){foreign, AS_JSON}, 403, "not by the name evil.example") > 20);
    assert_true(each_change(it,
                            (const char *const[]){"Content-Type: text/plain", "Origin: http://evil.example"},
                            415, "Content-Type must be application/json") > 10);
}

static void programs_change_what_they_like_without_tokens(void **state)
{
    ui_world *it = *state;
    const char *path = "/api/v1/stable/tenants/" TENANT_1 "/tasks/cancel";
    const char *cron = "/api/v1/tenants/" TENANT_1 "/workflows/crons/" NO_ID;
    const char *version = "/api/v1/version", *traces = "/v1/traces";
    static const struct {
        const char *method, *header, *body;
        long status;
    } rows[] = {
        {"POST", AS_JSON, "{\"externalIds\":[]}", 200},
        {"POST", "Content-Type: text/plain", "{\"externalIds\":[]}", 415},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        reply answer = ask(it->rest.server, (question){.method = rows[i].method,
                                                       .path = path,
                                                       .headers = {rows[i].header},
                                                       .body = rows[i].body});
        assert_int_equal(answer.status, rows[i].status);
        reply_deinit(&answer);
    }
    reply silent = ask(it->rest.server,
                       (question){.method = "POST", .path = cron, .headers = {"Content-Type:"}, .body = ""});
    reply page = ask(it->rest.server, (question){.method = "POST",
                                                 .path = cron,
                                                 .headers = {"Content-Type:", "Origin: http://evil.example"},
                                                 .body = ""});
    reply read = ask(it->rest.server, (question){.path = version, .headers = {foreign}});
    reply export =
        ask(it->rest.server,
            (question){.method = "POST", .path = traces, .headers = {foreign, AS_JSON}, .body = "{}"});
    assert_int_equal(silent.status, 404);
    assert_int_equal(page.status, 415);
    assert_int_equal(read.status, 200);
    assert_true(export.status != 403 && export.status != 415);
    reply_deinit(&silent);
    reply_deinit(&page);
    reply_deinit(&read);
    reply_deinit(&export);
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
        UI_TEST(rate_limits_and_filters_are_told),
        UI_TEST(lists_have_nothing_of_another_tenant),
        cmocka_unit_test_setup_teardown(without_tokens_only_its_own_addresses_are_answered, ui_start_open,
                                        ui_stop),
        cmocka_unit_test_setup_teardown(a_foreign_page_changes_nothing_without_tokens, ui_start_open,
                                        ui_stop),
        cmocka_unit_test_setup_teardown(programs_change_what_they_like_without_tokens, ui_start_open,
                                        ui_stop),
        UI_TEST(with_tokens_it_may_be_called_as_one_likes),
        UI_TEST(what_a_foreign_page_could_send_changes_nothing),
        UI_TEST(the_page_shows_the_table),
        UI_TEST(a_file_of_another_build_is_told),
    };
    curl_global_init(CURL_GLOBAL_ALL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
