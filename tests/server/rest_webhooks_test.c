/* Webhooks over HTTP: who may make and look at them, whose requests become events, and what strangers learn. */
#include "rest_test.h"

#include "server/rate_limit.h"
#include "server/rest_parts.h"
#include "store/tenant.h"

#define STABLE "/api/v1/stable/tenants/{tenant}"
#define MANY   STABLE "/webhooks"
#define ONE    MANY "/%s"

#define KEY   "\"authType\":\"API_KEY\",\"auth\":{\"headerName\":\"X-Key\",\"apiKey\":\"secret\"}"
#define BASIC "\"authType\":\"BASIC\",\"auth\":{\"username\":\"ada\",\"password\":\"secret\"}"
#define HMAC                                                                                                 \
    "\"authType\":\"HMAC\",\"auth\":{\"algorithm\":\"SHA256\",\"encoding\":\"HEX\",\"signatureHeaderName\":" \
    "\"X-Hub-Signature-256\",\"signingSecret\":\"It's a Secret to Everybody\"}"

/* `more` are members of the body: "" or "," and some. */
static json_t *make(rest_world *it, const char *name, const char *auth, const char *more)
{
    return post(it, MANY,
                URL("{\"name\":\"%s\",\"sourceName\":\"GENERIC\",\"eventKeyExpression\":\"'user:' + "
                    "input.type\",%s%s}",
                    name, auth, more));
}

/* The path of the tenant's in the file, by which strangers know it. */
typedef struct id_text {
    char text[37];
} id_text;

typedef struct finding {
    int64_t number;
    cleat__tenant tenant;
} finding;

static cleat_status find_tenant(cleat__store *store, void *argument)
{
    finding *self = argument;
    return cleat__tenant_get(store, self->number, &self->tenant);
}

static id_text tenant_id(rest_world *it, int64_t number)
{
    id_text out;
    finding found = {.number = number};
    assert_int_equal(cleat__engine_call(it->engine, find_tenant, &found), CLEAT_OK);
    cleat__uuid_format(&found.tenant.uuid, out.text);
    return out;
}

typedef struct sending {
    const char *tenant; /* NULL: the first one's id */
    const char *name;
    const char *headers[3], *body;
    size_t size;
} sending;

static reply send_quietly(rest_world *it, sending what)
{
    id_text first = tenant_id(it, 1);
    return ask(it->server, (question){.method = "POST",
                                      .path = URL("/api/v1/stable/tenants/%s/webhooks/%s",
                                                  what.tenant != NULL ? what.tenant : first.text, what.name),
                                      .headers = {what.headers[0], what.headers[1], what.headers[2]},
                                      .body = what.body,
                                      .body_size = what.size});
}

static void send_expecting(rest_world *it, sending what, long status, const char *part)
{
    reply got = send_quietly(it, what);
    if (got.status != status || got.body == NULL || strstr(got.body, part) == NULL) {
        fail_msg("%s: %ld %s", what.body, got.status, got.body != NULL ? got.body : "");
    }
    reply_deinit(&got);
}
#define SEND(it, status, part, ...) send_expecting(it, (sending){__VA_ARGS__}, status, part)

static size_t count_events(rest_world *it, int tenant)
{
    json_t *list = ask_json(it, (asking){tenant, "GET", STABLE "/events", NULL, 200});
    size_t count = count_at(list, "rows");
    json_decref(list);
    return count;
}

/* ---- Once more ---- */

static void close_server(rest_world *it)
{
    cleat__http_server_free(it->server);
    cleat__rest_free(it->rest);
    cleat__engine_close(it->engine);
}

static void open_server(rest_world *it)
{
    const cleat__engine_options engine = {.path = it->dir.database};
    assert_int_equal(cleat__engine_open(&engine, &it->engine), CLEAT_OK);
    const cleat__rest_options rest = {.engine = it->engine, .path = it->dir.database};
    assert_int_equal(cleat__rest_new(&rest, &it->rest), CLEAT_OK);
    it->table = cleat__rest_table(it->rest);
    const cleat__http_options options = {
        .address = "127.0.0.1:0", .tables = &it->table, .table_count = 1, .authenticate = check_token};
    assert_int_equal(cleat__http_server_start(&options, &it->server), CLEAT_OK);
}

/* ---- Making, looking at, changing, deleting ---- */

static void a_webhook_is_made_looked_at_changed_and_deleted(void **state)
{
    rest_world *it = *state;
    json_t *made =
        make(it, "shop", KEY, ",\"staticPayload\":{\"from\":\"shop\"},\"scopeExpression\":\"'s'\"");
    assert_string_equal(text_at(made, "tenantId"), TENANT_1);
    assert_string_equal(text_at(made, "name"), "shop");
    assert_string_equal(text_at(made, "sourceName"), "GENERIC");
    assert_string_equal(text_at(made, "eventKeyExpression"), "'user:' + input.type");
    assert_string_equal(text_at(made, "scopeExpression"), "'s'");
    assert_string_equal(text_at(made, "staticPayload.from"), "shop");
    assert_string_equal(text_at(made, "authType"), "API_KEY");
    assert_true(json_is_false(json_object_get(made, "returnEventAsResponsePayload")));
    assert_true(strlen(text_at(made, "metadata.id")) == 36);

    const char *path = URL(ONE, "shop");
    json_t *same = get(it, path);
    assert_true(json_equal(made, same));
    json_t *changed = ask_json(
        it,
        (asking){
            1, "PATCH", path,
            "{\"eventKeyExpression\":\"'b'\",\"scopeExpression\":\"\",\"returnEventAsResponsePayload\":true}",
            200});
    assert_string_equal(text_at(changed, "eventKeyExpression"), "'b'");
    assert_null(json_object_get(changed, "scopeExpression"));
    assert_string_equal(text_at(changed, "staticPayload.from"), "shop");
    assert_true(json_is_true(json_object_get(changed, "returnEventAsResponsePayload")));
    json_t *still = ask_json(it, (asking){1, "PATCH", path, "{\"staticPayload\":{\"a\":1}}", 200});
    assert_string_equal(text_at(still, "eventKeyExpression"), "'b'");
    assert_int_equal(int_at(still, "staticPayload.a"), 1);
    assert_true(json_is_true(json_object_get(still, "returnEventAsResponsePayload")));

    json_t *gone = ask_json(it, (asking){1, "DELETE", path, NULL, 200});
    assert_true(json_equal(gone, still));
    json_decref(ask_json(it, (asking){1, "GET", path, NULL, 404}));
    json_decref(ask_json(it, (asking){1, "DELETE", path, NULL, 404}));
    json_decref(ask_json(it, (asking){1, "PATCH", path, "{}", 404}));
    SEND(it, 404, "not found", .name = "shop", .headers = {"X-Key: secret"}, .body = "{\"type\":\"made\"}");
    json_decref(gone);
    json_decref(still);
    json_decref(changed);
    json_decref(same);
    json_decref(made);
}

static void webhooks_are_listed(void **state)
{
    rest_world *it = *state;
    json_decref(make(it, "a", KEY, ""));
    json_decref(make(it, "b", BASIC, ""));
    json_decref(post(it, MANY,
                     "{\"name\":\"c\",\"sourceName\":\"GITHUB\",\"eventKeyExpression\":\"headers.a\"," HMAC
                     "}"));
    const struct {
        const char *query;
        int count;
    } cases[] = {
        {"", 3},
        {"?webhookNames=a", 1},
        {"?webhookNames=a&webhookNames=c", 2},
        {"?webhookNames=d", 0},
        {"?sourceNames=GITHUB", 1},
        {"?sourceNames=GITHUB&sourceNames=GENERIC", 3},
        {"?sourceNames=STRIPE", 0},
        {"?sourceNames=GENERIC&webhookNames=b", 1},
        {"?limit=2", 2},
        {"?offset=2", 1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        json_t *list = get(it, URL(MANY "%s", cases[i].query));
        assert_int_equal(count_at(list, "rows"), cases[i].count);
        json_decref(list);
    }
    json_t *list = get(it, MANY);
    assert_string_equal(text_at(list, "rows.0.name"), "c"); /* newest first */
    assert_string_equal(text_at(list, "rows.0.authType"), "HMAC");
    json_decref(list);
    list = ask_json(it, (asking){2, "GET", MANY, NULL, 200});
    assert_int_equal(count_at(list, "rows"), 0);
    json_decref(list);
    json_decref(ask_json(it, (asking){1, "GET", MANY "?sourceNames=NOBODY", NULL, 400}));
}

static void what_is_no_webhook_is_refused(void **state)
{
    rest_world *it = *state;
#define BODY(members) "{\"name\":\"n\",\"sourceName\":\"GENERIC\",\"eventKeyExpression\":\"'a'\"," members "}"
    static const char *const bodies[][2] = {
        {"{}", "name"},
        {"[]", "object"},
        {BODY("\"authType\":\"API_KEY\""), "auth must be"},
        {BODY("\"auth\":{}"), "authType"},
        {BODY("\"authType\":\"TOKEN\",\"auth\":{}"), "authType"},
        {BODY("\"authType\":\"API_KEY\",\"auth\":{\"headerName\":\"a\"}"), "apiKey"},
        {BODY("\"authType\":\"API_KEY\",\"auth\":{\"headerName\":\"a\",\"apiKey\":\"\"}"), "secret"},
        {BODY("\"authType\":\"API_KEY\",\"auth\":{\"headerName\":\"a b\",\"apiKey\":\"k\"}"), "header"},
        {BODY("\"authType\":\"BASIC\",\"auth\":{\"headerName\":\"a\",\"apiKey\":\"k\"}"), "username"},
        {BODY("\"authType\":\"HMAC\",\"auth\":{\"signatureHeaderName\":\"a\",\"signingSecret\":\"k\"}"),
         "algorithm"},
        {BODY("\"authType\":\"HMAC\",\"auth\":{\"signatureHeaderName\":\"a\",\"signingSecret\":\"k\","
              "\"algorithm\":\"MD5\"}"),
         "encoding"},
        {BODY(KEY ",\"staticPayload\":[]"), "staticPayload"},
        {BODY(KEY ",\"scopeExpression\":\"1\""), "a string"},
        {BODY(KEY ",\"scopeExpression\":7"), "scopeExpression"},
        {BODY(KEY ",\"returnEventAsResponsePayload\":1"), "returnEventAsResponsePayload"},
        {"{\"name\":\"n\",\"sourceName\":\"X\",\"eventKeyExpression\":\"'a'\"," KEY "}", "sourceName"},
        {"{\"name\":\"a/b\",\"sourceName\":\"SVIX\",\"eventKeyExpression\":\"'a'\"," KEY "}", "name"},
        {"{\"name\":\"n\",\"sourceName\":\"SVIX\",\"eventKeyExpression\":\"payload.a\"," KEY "}",
         "there is no variable payload in the event key of a webhook, which has input and headers"},
        {"{\"name\":\"n\",\"sourceName\":\"SVIX\"," KEY "}", "eventKeyExpression"},
    };
#undef BODY
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        expect_400(it, "POST", MANY, bodies[i][0], bodies[i][1]);
    }
    json_decref(make(it, "n", KEY, ""));
    json_t *taken = ask_json(
        it, (asking){1, "POST", MANY,
                     "{\"name\":\"n\",\"sourceName\":\"SVIX\",\"eventKeyExpression\":\"'a'\"," KEY "}", 409});
    json_decref(taken);
    expect_400(it, "PATCH", URL(ONE, "n"), "{\"eventKeyExpression\":\"input.\"}", "character");
    expect_400(it, "PATCH", URL(ONE, "n"), "{\"eventKeyExpression\":\"\"}", "character");
    expect_400(it, "PATCH", URL(ONE, "n"), "{\"scopeExpression\":\"1\"}", "a string");
    json_decref(ask_json(it, (asking){2, "PATCH", URL(ONE, "n"), "{}", 404}));
    json_decref(ask_json(it, (asking){2, "GET", URL(ONE, "n"), NULL, 404}));
    json_decref(ask_json(it, (asking){2, "DELETE", URL(ONE, "n"), NULL, 404}));
    json_decref(get(it, URL(ONE, "n")));
}

/* ---- Receiving ---- */

static void a_request_starts_the_runs_of_its_event(void **state)
{
    rest_world *it = *state;
    json_decref(make(it, "shop", KEY,
                     ",\"staticPayload\":{\"from\":\"shop\"},\"scopeExpression\":\"headers['x-team']\""));
    SEND(it, 200, "{\"message\":\"ok\"}", .name = "shop", .headers = {"x-key: secret", "X-Team: red"},
         .body = "{\"type\":\"made\",\"from\":\"me\"}");
    json_t *list = get(it, STABLE "/events");
    assert_int_equal(count_at(list, "rows"), 1);
    assert_string_equal(text_at(list, "rows.0.key"), "user:made");
    assert_string_equal(text_at(list, "rows.0.scope"), "red");
    assert_string_equal(text_at(list, "rows.0.payload.type"), "made");
    assert_string_equal(text_at(list, "rows.0.payload.from"), "shop");
    assert_string_equal(text_at(list, "rows.0.triggeringWebhookName"), "shop");
    assert_int_equal(count_at(list, "rows.0.triggeredRuns"), 1);
    json_decref(list);
}

static void it_answers_the_event_where_it_is_to(void **state)
{
    rest_world *it = *state;
    json_decref(make(it, "shop", KEY, ",\"returnEventAsResponsePayload\":true"));
    reply got = send_quietly(
        it, (sending){.name = "shop", .headers = {"X-Key: secret"}, .body = "{\"type\":\"made\"}"});
    json_t *answer = json_loads(got.body, 0, NULL);
    assert_int_equal(got.status, 200);
    assert_string_equal(text_at(answer, "event.key"), "user:made");
    assert_string_equal(text_at(answer, "event.triggeringWebhookName"), "shop");
    assert_int_equal(count_at(answer, "event.triggeredRuns"), 1);
    id_text first = tenant_id(it, 1);
    assert_string_equal(text_at(answer, "event.tenantId"), first.text);
    json_t *event = get(it, URL(STABLE "/events/%s", text_at(answer, "event.metadata.id")));
    assert_string_equal(text_at(event, "key"), "user:made");
    json_decref(event);
    json_decref(answer);
    reply_deinit(&got);
}

#define SIGNED_BODY "{\"type\":\"made\"}"
#define SIGNATURE   "62000d9329923aa92feb399345209b9876c53c67de2e478ec3f537d060f47388"

static void who_does_not_show_who_it_is_is_refused(void **state)
{
    rest_world *it = *state;
    json_decref(make(it, "key", KEY, ""));
    json_decref(make(it, "basic", BASIC, ""));
    json_decref(make(it, "hmac", HMAC, ""));
    const struct {
        const char *name, *header;
        long status;
    } cases[] = {
        {"key", NULL, 403},
        {"key", "X-Key: wrong", 403},
        {"key", "X-Keys: secret", 403},
        {"key", "X-Key: secret", 200},
        {"key", "x-KEY: secret", 200},
        {"key", AS_1, 403}, /* a token of the API's is none of the webhook's */
        {"basic", NULL, 403},
        {"basic", "Authorization: Basic YWRhOndyb25n", 403},
        {"basic", "Authorization: Basic YWRhOnNlY3JldA==", 200},
        {"basic", "X-Key: secret", 403},
        {"hmac", NULL, 403},
        {"hmac", "X-Hub-Signature-256: sha256=" SIGNATURE, 200},
        {"hmac", "X-Hub-Signature-256: " SIGNATURE, 200},
        {"hmac", "X-Hub-Signature-256: sha1=" SIGNATURE, 403},
        {"hmac", "X-Hub-Signature: sha256=" SIGNATURE, 403},
    };
    size_t taken = 0;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        reply got = send_quietly(
            it, (sending){.name = cases[i].name, .headers = {cases[i].header}, .body = SIGNED_BODY});
        if (got.status != cases[i].status || strstr(got.body, "secret") != NULL) {
            fail_msg("case %zu: %ld %s", i, got.status, got.body);
        }
        taken += got.status == 200;
        reply_deinit(&got);
    }
    assert_int_equal(count_events(it, 1), taken);
    SEND(it, 403, "errors", .name = "hmac", .headers = {"X-Hub-Signature-256: " SIGNATURE},
         .body = "{\"type\":\"make\"}");
}

static void what_makes_no_event_is_refused(void **state)
{
    rest_world *it = *state;
    json_decref(make(it, "shop", KEY, ""));
    static const char *const bodies[][2] = {
        {"{}", "event key"}, {"{\"type\":7}", "event key"}, {"[]", "the body"}, {"type=made", "the body"},
        {"", "the body"},
    };
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        SEND(it, 400, bodies[i][1], .name = "shop", .headers = {"X-Key: secret"}, .body = bodies[i][0]);
        SEND(it, 403, "errors", .name = "shop", .headers = {"X-Key: no"}, .body = bodies[i][0]);
    }
    size_t size = CLEAT_PAYLOAD_MAX + 1;
    char *large = malloc(size);
    memset(large, ' ', size);
    SEND(it, 413, "body", .name = "shop", .headers = {"X-Key: secret"}, .body = large, .size = size);
    free(large);
    json_decref(ask_json(it, (asking){1, "PATCH", URL(ONE, "shop"),
                                      "{\"eventKeyExpression\":\"'cleat:hook:' + input.type\"}", 200}));
    SEND(it, 400, "hooks are resumed", .name = "shop", .headers = {"X-Key: secret"},
         .body = "{\"type\":\"made\"}");
    assert_int_equal(count_events(it, 1), 0);
}

static void a_request_is_of_the_tenant_in_its_path(void **state)
{
    rest_world *it = *state;
    id_text second = tenant_id(it, 2);
    json_decref(make(it, "shop", KEY, ""));
    SEND(it, 404, "not found", .tenant = second.text, .name = "shop", .headers = {"X-Key: secret"},
         .body = "{\"type\":\"made\"}");
    SEND(it, 404, "not found", .tenant = NO_ID, .name = "shop", .headers = {"X-Key: secret"},
         .body = "{\"type\":\"made\"}");
    SEND(it, 400, "tenant", .tenant = "mine", .name = "shop", .headers = {"X-Key: secret"},
         .body = "{\"type\":\"made\"}");
    SEND(it, 404, "not found", .name = "shops", .headers = {"X-Key: secret"}, .body = "{\"type\":\"made\"}");
    json_decref(ask_json(it, (asking){2, "POST", MANY,
                                      "{\"name\":\"shop\",\"sourceName\":\"GENERIC\",\"eventKeyExpression\":"
                                      "\"'user:' + input.type\",\"authType\":\"API_KEY\",\"auth\":{"
                                      "\"headerName\":\"X-Key\",\"apiKey\":\"other\"}}",
                                      200}));
    SEND(it, 403, "errors", .tenant = second.text, .name = "shop", .headers = {"X-Key: secret"},
         .body = "{\"type\":\"made\"}");
    SEND(it, 200, "ok", .tenant = second.text, .name = "shop", .headers = {"X-Key: other"},
         .body = "{\"type\":\"made\"}");
    assert_int_equal(count_events(it, 1), 0);
    assert_int_equal(count_events(it, 2), 1);
}

static void names_and_headers_may_be_of_any_letters(void **state)
{
    rest_world *it = *state;
    json_decref(make(it, "b\xC3\xBCro 1", KEY, ",\"scopeExpression\":\"headers['x-odd']\""));
    SEND(it, 200, "ok", .name = "b%C3%BCro%201", .headers = {"X-Key: secret", "X-Odd: \xC3\xBC"},
         .body = "{\"type\":\"made\"}");
    SEND(it, 400, "scope", .name = "b%C3%BCro%201", .headers = {"X-Key: secret", "X-Odd: \xFF"},
         .body = "{\"type\":\"made\"}");
    json_t *list = get(it, STABLE "/events");
    assert_string_equal(text_at(list, "rows.0.scope"), "\xC3\xBC");
    json_decref(list);
}

static int64_t stand_still(void *self)
{
    (void)self;
    return 1;
}

static void strangers_share_a_limit(void **state)
{
    rest_world *it = *state;
    const cleat_clock still = {NULL, stand_still, stand_still};
    cleat__rate_limit *limit = NULL;
    assert_int_equal(cleat__rate_limit_new(2, &still, &limit), CLEAT_OK);
    json_decref(make(it, "shop", KEY, ""));
    it->rest->rate_limit = limit;
    SEND(it, 403, "errors", .name = "shop", .headers = {"X-Key: no"}, .body = "{}");
    SEND(it, 404, "not found", .name = "else", .headers = {"X-Key: no"}, .body = "{}");
    reply got = send_quietly(
        it, (sending){.name = "shop", .headers = {"X-Key: secret"}, .body = "{\"type\":\"made\"}"});
    assert_int_equal(got.status, 429);
    assert_non_null(strstr(got.headers, "Retry-After: 1"));
    reply_deinit(&got);
    json_decref(get(it, URL(ONE, "shop"))); /* who has a token is not counted */
    it->rest->rate_limit = NULL;
    cleat__rate_limit_free(limit);
}

static void a_webhook_outlives_its_engine(void **state)
{
    rest_world *it = *state;
    json_decref(make(it, "shop", KEY, ""));
    json_t *before = get(it, URL(ONE, "shop"));
    close_server(it);
    open_server(it);
    json_t *after = get(it, URL(ONE, "shop"));
    assert_true(json_equal(before, after));
    SEND(it, 200, "ok", .name = "shop", .headers = {"X-Key: secret"}, .body = "{\"type\":\"made\"}");
    json_decref(before);
    json_decref(after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REST_TEST(a_webhook_is_made_looked_at_changed_and_deleted),
        REST_TEST(webhooks_are_listed),
        REST_TEST(what_is_no_webhook_is_refused),
        REST_TEST(a_request_starts_the_runs_of_its_event),
        REST_TEST(it_answers_the_event_where_it_is_to),
        REST_TEST(who_does_not_show_who_it_is_is_refused),
        REST_TEST(what_makes_no_event_is_refused),
        REST_TEST(a_request_is_of_the_tenant_in_its_path),
        REST_TEST(names_and_headers_may_be_of_any_letters),
        REST_TEST(strangers_share_a_limit),
        REST_TEST(a_webhook_outlives_its_engine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
