/* The server as its clients meet it: routes, errors, bodies, limits, ill will, and its end. */
#include "http_fixture.h"

#include <zlib.h>

#define GARBAGE_ROUNDS 64

typedef struct fixture {
    cleat__http_server *server;
    gate entered, leave; /* of the handler /wait */
} fixture;

/* ---- Handlers ---- */

/* Says what it was given. */
static void handle_echo(cleat__http_call *call)
{
    cleat__json_writer writer = {0};
    cleat_slice value;
    size_t cursor = 0;
    cleat__writer_begin_object(&writer, NULL);
    cleat__writer_int(&writer, "tenant", call->identity.tenant);
    cleat__writer_slice(&writer, "name", cleat__http_call_part(call, "name"));
    cleat__writer_slice(&writer, "first", cleat__http_call_argument(call, "a"));
    cleat__writer_begin_array(&writer, "a");
    while (cleat__http_call_next(call, "a", &cursor, &value)) {
        cleat__writer_slice(&writer, NULL, value);
    }
    cleat__writer_end_array(&writer);
    cleat__writer_string(&writer, "type", call->content_type);
    cleat__writer_int(&writer, "size", (int64_t)call->body.size);
    cleat__writer_end_object(&writer);
    cleat__http_call_answer_json(call, 200, &writer);
}

static void handle_json(cleat__http_call *call)
{
    json_t *body = cleat__http_call_json(call);
    if (body != NULL) {
        cleat__http_call_fail(call, 409, "%s is there already",
                              json_string_value(json_object_get(body, "name")));
        json_decref(body);
    }
}

/* Answers with the status of a failed call. */
static void handle_status(cleat__http_call *call)
{
    int64_t status = 0;
    if (cleat__http_call_int(call, "status", 1, 22, &status)) {
        cleat__fail((cleat_status)status, "what went \"wrong\"");
        cleat__http_call_fail_status(call, (cleat_status)status);
    }
}

static void handle_typed(cleat__http_call *call)
{
    int64_t number = -1, time_ms = -1;
    bool truth = false, is_there;
    cleat__uuid id;
    if (cleat__http_call_int(call, "n", 1, 10, &number) && cleat__http_call_bool(call, "b", &truth) &&
        cleat__http_call_time(call, "t", &time_ms) && cleat__http_call_uuid(call, "u", &id, &is_there)) {
        cleat__buffer text = {0};
        cleat__buffer_append_format(&text, "%d %d %lld %d", (int)number, truth, (long long)time_ms, is_there);
        cleat__http_call_answer(call, 200, "text/plain", &text);
    }
}

static void handle_nothing(cleat__http_call *call)
{
    cleat__http_call_answer_nothing(call, 204);
}

static void handle_silence(cleat__http_call *call)
{
    (void)call;
}

static void handle_wait(cleat__http_call *call)
{
    fixture *it = call->service;
    gate_add(&it->entered);
    gate_wait(&it->leave, 1);
    cleat__http_call_answer_nothing(call, 204);
}

static const cleat__http_route routes[] = {
    {"GET", "/open", CLEAT__HTTP_OPEN | CLEAT__HTTP_INLINE, handle_echo},
    {"GET", "/tenants/{tenant}/echo", 0, handle_echo},
    {"POST", "/tenants/{tenant}/echo", 0, handle_echo},
    {"GET", "/tenants/{tenant}/names/{name}", CLEAT__HTTP_NAMED, handle_echo},
    {"DELETE", "/things/{thing}", 0, handle_nothing},
    {"POST", "/json", 0, handle_json},
    {"GET", "/status", 0, handle_status},
    {"GET", "/typed", 0, handle_typed},
    {"GET", "/silence", 0, handle_silence},
    {"GET", "/wait", CLEAT__HTTP_OPEN, handle_wait},
};

/* ---- Set-up ---- */

static fixture *start(cleat__http_options options)
{
    fixture *it = calloc(1, sizeof(*it));
    cleat__http_table table = {routes, sizeof(routes) / sizeof(routes[0]), it};
    static cleat__http_table kept; /* the server borrows it; tests run one by one */
    kept = table;
    gate_init(&it->entered);
    gate_init(&it->leave);
    options.address = options.address != NULL ? options.address : "127.0.0.1:0";
    options.tables = &kept;
    options.table_count = 1;
    options.authenticate = check_token;
    if (cleat__http_server_start(&options, &it->server) != CLEAT_OK) {
        fail_msg("%s", cleat_error_message());
    }
    return it;
}
#define START(...) start((cleat__http_options){__VA_ARGS__})

static void stop(fixture *it)
{
    cleat__http_server_free(it->server);
    gate_deinit(&it->entered);
    gate_deinit(&it->leave);
    free(it);
}

#define ECHO_1    "/tenants/" TENANT_1 "/echo"
#define REFUSED   "{\"message\":\"Please provide valid credentials\"}"
#define TOO_LARGE "{\"message\":\"Request Entity Too Large\"}"
#define ECHOED(tenant, name, first, all, type, size)                                               \
    "{\"tenant\":" #tenant ",\"name\":" name ",\"first\":" first ",\"a\":" all ",\"type\":\"" type \
    "\",\"size\":" #size "}"

/* ---- Routes and credentials ---- */

static void a_call_gets_path_query_and_identity(void **state)
{
    (void)state;
    fixture *it = START(0);
    EXPECT(it->server, 200, ECHOED(1, "null", "\"1\"", "[\"1\",\"b c+\",\"\"]", "", 0),
           .path = ECHO_1 "?a=1&x=2&a=b%20c%2B&a", .headers = {AS_1});
    EXPECT(it->server, 200, ECHOED(2, "\"a/b ?+\"", "null", "[]", "", 0),
           .path = "/tenants/" TENANT_2 "/names/a%2Fb%20%3F+", .headers = {"authorization: bEARER  two"});
    EXPECT(it->server, 200, ECHOED(0, "null", "null", "[]", "", 0), .path = "/open");
    EXPECT(it->server, 204, NULL, .method = "DELETE", .path = "/things/" TENANT_2, .headers = {AS_1});
    stop(it);
}

static void wrong_credentials_are_403(void **state)
{
    static const char *const wrong[] = {"X: y", "Authorization: Bearer ", "Authorization: Basic b25l",
                                        "Authorization: one"};
    (void)state;
    fixture *it = START(0);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        EXPECT(it->server, 403, REFUSED, .path = ECHO_1, .headers = {wrong[i]});
    }
    EXPECT(it->server, 403, "{\"message\":\"Please provide valid credentials: it expired\"}", .path = ECHO_1,
           .headers = {"Authorization: Bearer wrong"});
    EXPECT(it->server, 403, REFUSED, .path = ECHO_1, .headers = {AS_2}); /* of the other tenant */
    EXPECT(it->server, 403, REFUSED, .method = "POST", .path = ECHO_1, .headers = {AS_2}, .body = "x");
    stop(it);
}

/* A good token may be among them: clients must not take it for a bad one. */
static void a_token_that_cannot_be_checked_is_no_wrong_token(void **state)
{
    (void)state;
    fixture *it = START(0);
    reply answer = ask(it->server, (question){.path = ECHO_1, .headers = {"Authorization: Bearer early"}});
    assert_int_equal(answer.status, 503);
    assert_non_null(strstr(answer.headers, "Retry-After: 1\r\n"));
    assert_null(strstr(answer.body, "secrets"));
    reply_deinit(&answer);
    EXPECT(it->server, 500, "{\"message\":\"the token cannot be checked: input/output error\"}",
           .path = ECHO_1, .headers = {"Authorization: Bearer broken"});
    stop(it);
}

static void unknown_routes_and_malformed_ids_are_400(void **state)
{
    (void)state;
    fixture *it = START(0);
    const char *unknown = "{\"message\":\"no matching operation was found\"}";
    EXPECT(it->server, 400, unknown, .path = "/", .headers = {AS_1});
    EXPECT(it->server, 400, unknown, .path = "/open/more", .headers = {AS_1});
    EXPECT(it->server, 400, unknown, .path = "/open/", .headers = {AS_1});
    EXPECT(it->server, 400, unknown, .path = "/things//", .headers = {AS_1});
    EXPECT(it->server, 400, unknown, .path = "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17", .headers = {AS_1});
    EXPECT(it->server, 400, "{\"message\":\"Invalid format for parameter tenant\"}",
           .path = "/tenants/7/echo", .headers = {AS_1});
    EXPECT(it->server, 400, "{\"message\":\"Invalid format for parameter thing\"}", .method = "DELETE",
           .path = "/things/7", .headers = {AS_1});
    EXPECT(it->server, 400, "{\"message\":\"invalid URL escape\"}", .path = "/open?a=%4", .headers = {AS_1});
    EXPECT(it->server, 400, "{\"message\":\"invalid URL escape\"}", .path = "/op%00en");
    stop(it);
}

static void other_methods_are_told_which_are_allowed(void **state)
{
    char length[40];
    (void)state;
    fixture *it = START(0);
    EXPECT(it->server, 405, "{\"message\":\"Method Not Allowed\"}", .method = "PUT", .path = ECHO_1,
           .headers = {AS_1});
    reply options = ask(it->server, (question){.method = "OPTIONS", .path = ECHO_1});
    assert_int_equal(options.status, 204);
    assert_non_null(strstr(options.headers, "Allow: GET, HEAD, OPTIONS, POST\r\n"));
    assert_null(strstr(options.headers, "Access-Control"));
    reply_deinit(&options);
    reply head = ask(it->server, (question){.method = "HEAD", .path = "/open"});
    assert_int_equal(head.status, 200);
    assert_int_equal(head.body_size, 0);
    snprintf(length, sizeof(length), "Content-Length: %zu\r\n",
             strlen(ECHOED(0, "null", "null", "[]", "", 0)));
    assert_non_null(strstr(head.headers, length));
    assert_non_null(strstr(head.headers, "Content-Type: application/json\r\n"));
    reply_deinit(&head);
    stop(it);
}

/* ---- What handlers say ---- */

static void handlers_errors_have_a_shape_of_their_own(void **state)
{
    (void)state;
    fixture *it = START(0);
    EXPECT(it->server, 409, "{\"errors\":[{\"description\":\"pack is there already\"}]}", .path = "/json",
           .headers = {AS_1}, .body = "{\"name\":\"pack\"}");
    EXPECT(it->server, 400, "{\"message\":\"the body is not JSON, line 1 column 2\"}", .path = "/json",
           .headers = {AS_1}, .body = "{]");
    EXPECT(it->server, 400, "{\"message\":\"the body must be a JSON object\"}", .path = "/json",
           .headers = {AS_1}, .body = "[1]");
    EXPECT(it->server, 404, "{\"message\":\"not found\"}", .path = "/status?status=7", .headers = {AS_1});
    EXPECT(it->server, 400, "{\"errors\":[{\"description\":\"what went \\\"wrong\\\"\"}]}",
           .path = "/status?status=6", .headers = {AS_1});
    EXPECT(it->server, 503, "{\"errors\":[{\"description\":\"what went \\\"wrong\\\"\"}]}",
           .path = "/status?status=21", .headers = {AS_1});
    EXPECT(it->server, 503, "{\"message\":\"input/output error\"}", .path = "/status?status=14",
           .headers = {AS_1});
    EXPECT(it->server, 500, "{\"message\":\"Internal Server Error\"}", .path = "/status?status=20",
           .headers = {AS_1});
    EXPECT(it->server, 500, "{\"message\":\"Internal Server Error\"}", .path = "/silence", .headers = {AS_1});
    stop(it);
}

static void typed_arguments_are_checked(void **state)
{
    static const char *const malformed[] = {"n=0",   "n=11",
                                            "n=x",   "n=1x",
                                            "n=",    "n=+1",
                                            "b=yes", "b=",
                                            "t=now", "t=2026-02-30T00:00:00Z",
                                            "u=7",   "n=99999999999999999999999"};
    (void)state;
    fixture *it = START(0);
    EXPECT(it->server, 200, "-1 0 -1 0", .path = "/typed", .headers = {AS_1});
    EXPECT(it->server, 200, "10 1 1767225601500 1",
           .path = "/typed?n=10&b=true&t=2026-01-01T01:00:01.5%2B01:00&u=" TENANT_1, .headers = {AS_1});
    for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
        char path[80], body[80];
        snprintf(path, sizeof(path), "/typed?%s", malformed[i]);
        snprintf(body, sizeof(body), "{\"message\":\"Invalid format for parameter %c\"}", malformed[i][0]);
        EXPECT(it->server, 400, body, .path = path, .headers = {AS_1});
    }
    stop(it);
}

/* ---- Bodies ---- */

static char *gzip(const char *data, size_t size, size_t *packed_size)
{
    z_stream zip = {0};
    assert_int_equal(deflateInit2(&zip, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t room = deflateBound(&zip, size) + 32;
    char *packed = malloc(room);
    zip.next_in = (Bytef *)(uintptr_t)data;
    zip.avail_in = (uInt)size;
    zip.next_out = (Bytef *)packed;
    zip.avail_out = (uInt)room;
    assert_int_equal(deflate(&zip, Z_FINISH), Z_STREAM_END);
    *packed_size = room - zip.avail_out;
    deflateEnd(&zip);
    return packed;
}

static void bodies_come_plain_chunked_and_gzipped(void **state)
{
    (void)state;
    fixture *it = START(0);
    size_t size = 300000, packed_size;
    char *body = calloc(1, size);
    char *packed = gzip(body, size, &packed_size);
    const char *binary = "Content-Type: application/octet-stream";
    const char *echoed = ECHOED(1, "null", "null", "[]", "application/octet-stream", 300000);
    EXPECT(it->server, 200, echoed, .path = ECHO_1, .headers = {AS_1, binary}, .body = body,
           .body_size = size);
    EXPECT(it->server, 200, echoed, .path = ECHO_1, .headers = {AS_1, binary}, .body = body,
           .body_size = size, .is_chunked = true);
    EXPECT(it->server, 200, echoed, .path = ECHO_1, .headers = {AS_1, binary, "Content-Encoding: gzip"},
           .body = packed, .body_size = packed_size);
    EXPECT(it->server, 400, "{\"message\":\"the body is not gzip, although its Content-Encoding says so\"}",
           .path = ECHO_1, .headers = {AS_1, "Content-Encoding: gzip"}, .body = packed,
           .body_size = packed_size - 1);
    EXPECT(it->server, 400, "{\"message\":\"the body is not gzip, although its Content-Encoding says so\"}",
           .path = ECHO_1, .headers = {AS_1, "Content-Encoding: gzip"}, .body = "plain");
    EXPECT(it->server, 415, "{\"message\":\"Content-Encoding can be gzip or identity\"}", .path = ECHO_1,
           .headers = {AS_1, "Content-Encoding: br"}, .body = "x");
    free(body);
    free(packed);
    stop(it);
}

static void bodies_above_the_limit_are_413(void **state)
{
    (void)state;
    fixture *it = START(.body_max = 1000, .bodies_max = 4000);
    size_t packed_size;
    char body[1001] = {0};
    char *bomb = calloc(1, 10000000);
    char *packed = gzip(bomb, 700000, &packed_size);
    assert_true(packed_size < 1000);
    EXPECT(it->server, 200, ECHOED(1, "null", "null", "[]", "application/x-www-form-urlencoded", 1000),
           .path = ECHO_1, .headers = {AS_1}, .body = body, .body_size = 1000);
    EXPECT(it->server, 413, TOO_LARGE, .path = ECHO_1, .headers = {AS_1}, .body = body, .body_size = 1001);
    EXPECT(it->server, 413, TOO_LARGE, .path = ECHO_1, .headers = {AS_1}, .body = body, .body_size = 1001,
           .is_chunked = true);
    EXPECT(it->server, 413, TOO_LARGE, .path = ECHO_1, .headers = {AS_1, "Content-Encoding: gzip"},
           .body = packed, .body_size = packed_size);
    /* So large that it is not even read to its end. */
    reply huge = ask_quietly(
        it->server, (question){.path = ECHO_1, .headers = {AS_1}, .body = bomb, .body_size = 10000000});
    assert_true(huge.status == 413 || huge.code != CURLE_OK);
    reply_deinit(&huge);
    free(bomb);
    free(packed);
    stop(it);
}

static void bodies_together_have_a_limit(void **state)
{
    (void)state;
    fixture *it = START(.body_max = 1000, .bodies_max = 1500);
    char body[1000] = {0}, head[256];
    int first = dial(it->server);
    snprintf(head, sizeof(head),
             "POST " ECHO_1 " HTTP/1.1\r\nHost: x\r\n" AS_1 "\r\nContent-Length: 1000\r\n\r\n");
    send_bytes(first, head, strlen(head));
    send_bytes(first, body, 999);
    /* The other one is refused as soon as the first one's bytes are there. */
    reply second = {0};
    do {
        reply_deinit(&second);
        second =
            ask(it->server, (question){.path = ECHO_1, .headers = {AS_1}, .body = body, .body_size = 1000});
    } while (second.status == 200);
    assert_int_equal(second.status, 503);
    reply_deinit(&second);
    close(first);
    do { /* and served again when they are gone */
        reply_deinit(&second);
        second =
            ask(it->server, (question){.path = ECHO_1, .headers = {AS_1}, .body = body, .body_size = 1000});
    } while (second.status == 503);
    assert_int_equal(second.status, 200);
    reply_deinit(&second);
    stop(it);
}

static void headers_above_the_limit_are_refused(void **state)
{
    (void)state;
    fixture *it = START(0);
    char *header = malloc(65536), *path = malloc(65536);
    snprintf(header, 65536, "X-Long: %060000d", 1);
    snprintf(path, 65536, "/open?a=%060000d", 1);
    reply long_header = ask_quietly(it->server, (question){.path = "/open", .headers = {header}});
    assert_true(long_header.status == 431 || long_header.status == 413);
    int raw = dial(it->server);
    send_bytes(raw, "GET ", 4);
    send_bytes(raw, path, strlen(path));
    send_bytes(raw, " HTTP/1.1\r\nHost: x\r\n\r\n", 23);
    char *answer = receive_all(raw);
    assert_true(answer[0] == '\0' || strncmp(answer, "HTTP/1.1 414", 12) == 0 ||
                strncmp(answer, "HTTP/1.1 431", 12) == 0);
    EXPECT(it->server, 200, ECHOED(0, "null", "null", "[]", "", 0), .path = "/open");
    close(raw);
    free(answer);
    free(header);
    free(path);
    reply_deinit(&long_header);
    stop(it);
}

/* Who asks first is told before a byte of the body has come. */
static void a_body_that_may_not_come_is_not_waited_for(void **state)
{
    static const char *const tokens[] = {AS_1, "Authorization: Bearer wrong"};
    static const char *const first_lines[] = {"HTTP/1.1 100 Continue\r\n", "HTTP/1.1 403 Forbidden\r\n"};
    (void)state;
    fixture *it = START(.request_timeout_ms = 2000);
    for (int i = 0; i < 2; i++) {
        char head[256];
        int raw = dial(it->server);
        snprintf(head, sizeof(head),
                 "POST " ECHO_1
                 " HTTP/1.1\r\nHost: x\r\n%s\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n",
                 tokens[i]);
        send_bytes(raw, head, strlen(head));
        char *answer = receive_all(raw);
        assert_int_equal(strncmp(answer, first_lines[i], strlen(first_lines[i])), 0);
        free(answer);
        close(raw);
    }
    stop(it);
}

/* ---- Connections ---- */

static void a_connection_serves_many_requests(void **state)
{
    (void)state;
    fixture *it = START(0);
    CURL *easy = curl_easy_init();
    long connections;
    for (int i = 0; i < 3; i++) {
        EXPECT(it->server, 200, ECHOED(1, "null", "null", "[]", "", 0), .path = ECHO_1, .headers = {AS_1},
               .easy = easy);
        EXPECT(it->server, 403, REFUSED, .path = ECHO_1, .body = "not read, and in nobody's way",
               .easy = easy);
        curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &connections);
        assert_int_equal(connections, 0);
    }
    curl_easy_cleanup(easy);
    stop(it);
}

/* Two requests at once, then bytes that are none. */
static void garbage_behind_pipelined_requests_ends_the_connection(void **state)
{
    (void)state;
    fixture *it = START(0);
    int raw = dial(it->server);
    const char text[] = "GET /open HTTP/1.1\r\nHost: x\r\n\r\n"
                        "GET " ECHO_1 " HTTP/1.1\r\nHost: x\r\n" AS_1 "\r\n\r\n"
                        "\x16\x03\x01\xFF\xFE \r\n\r\nmore\r\n\r\n";
    send_bytes(raw, text, sizeof(text) - 1);
    shutdown(raw, SHUT_WR);
    char *answers = receive_all(raw);
    const char *first = strstr(answers, "HTTP/1.1 200");
    assert_non_null(first);
    assert_non_null(strstr(first + 1, "HTTP/1.1 200"));
    assert_non_null(strstr(answers, "\"tenant\":1"));
    close(raw);
    free(answers);
    EXPECT(it->server, 200, ECHOED(0, "null", "null", "[]", "", 0), .path = "/open");
    stop(it);
}

static void random_bytes_harm_nobody(void **state)
{
    (void)state;
    fixture *it = START(0);
    uint32_t random = 12345;
    for (int round = 0; round < GARBAGE_ROUNDS; round++) {
        char bytes[2048];
        int raw = dial(it->server);
        for (size_t i = 0; i < sizeof(bytes); i++) {
            random = random * 1664525 + 1013904223;
            bytes[i] = round % 2 == 0 ? (char)(random >> 24) : " \r\n:/HTP1.GEa%?&"[random >> 28];
        }
        send_bytes(raw, bytes, sizeof(bytes));
        shutdown(raw, SHUT_WR);
        free(receive_all(raw));
        close(raw);
    }
    EXPECT(it->server, 200, ECHOED(0, "null", "null", "[]", "", 0), .path = "/open");
    stop(it);
}

/* A byte now and then keeps nobody's connection, nor does silence behind half a request. */
static void slow_requests_are_cut_off(void **state)
{
    (void)state;
    fixture *it = START(.request_timeout_ms = 300);
    const char head[] = "POST " ECHO_1 " HTTP/1.1\r\nHost: x\r\n" AS_1 "\r\nContent-Length: 10\r\n\r\nhalf";
    int half = dial(it->server), mute = dial(it->server), dripping = dial(it->server);
    send_bytes(half, head, sizeof(head) - 1);
    struct pollfd wait = {.fd = dripping, .events = POLLIN};
    while (poll(&wait, 1, 20) == 0) {
        send_bytes(dripping, "G", 1);
    }
    char *answers[] = {receive_all(half), receive_all(mute), receive_all(dripping)};
    for (int i = 0; i < 3; i++) {
        assert_string_equal(answers[i], "");
        free(answers[i]);
    }
    close(half);
    close(mute);
    close(dripping);
    /* Others are served, sooner or later: a busy machine may be as slow as those. */
    reply served = ask_quietly(it->server, (question){.path = "/open"});
    while (served.code != CURLE_OK) {
        reply_deinit(&served);
        served = ask_quietly(it->server, (question){.path = "/open"});
    }
    assert_int_equal(served.status, 200);
    reply_deinit(&served);
    stop(it);
}

/* ---- Many ---- */

typedef struct asker {
    pthread_t thread;
    const fixture *it;
    reply reply;
} asker;

static void *ask_for_wait(void *argument)
{
    asker *self = argument;
    self->reply = ask_quietly(self->it->server, (question){.path = "/wait"});
    return NULL;
}

static void start_askers(asker *askers, size_t count, const fixture *it)
{
    for (size_t i = 0; i < count; i++) {
        askers[i].it = it;
        assert_int_equal(pthread_create(&askers[i].thread, NULL, ask_for_wait, &askers[i]), 0);
    }
}

/* How many were answered with 204. */
static size_t join_askers(asker *askers, size_t count)
{
    size_t good = 0;
    for (size_t i = 0; i < count; i++) {
        pthread_join(askers[i].thread, NULL);
        good += askers[i].reply.status == 204;
        reply_deinit(&askers[i].reply);
    }
    return good;
}

static void two_hundred_requests_wait_while_others_are_served(void **state)
{
    enum { COUNT = 200, THREADS = 4 };
    static asker askers[COUNT];
    (void)state;
    fixture *it = START(.threads = THREADS);
    memset(askers, 0, sizeof(askers));
    start_askers(askers, COUNT, it);
    gate_wait(&it->entered, THREADS); /* every thread of the pool is busy */
    EXPECT(it->server, 200, ECHOED(0, "null", "null", "[]", "", 0), .path = "/open");
    gate_add(&it->leave);
    assert_int_equal(join_askers(askers, COUNT), COUNT);
    stop(it);
}

static void more_connections_than_allowed_wait(void **state)
{
    (void)state;
    fixture *it = START(.connections_max = 2);
    int one = dial(it->server), two = dial(it->server), three = dial(it->server);
    const char text[] = "GET /open HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    send_bytes(three, text, sizeof(text) - 1);
    close(one);
    close(two);
    char *answer = receive_all(three);
    assert_non_null(strstr(answer, "HTTP/1.1 200"));
    free(answer);
    close(three);
    stop(it);
}

/* ---- The end ---- */

static void stopping_answers_what_has_begun(void **state)
{
    (void)state;
    fixture *it = START(0);
    asker one = {0};
    start_askers(&one, 1, it);
    gate_wait(&it->entered, 1);
    int idle = dial(it->server); /* a connection without a request is in nobody's way */
    gate_add(&it->leave);
    assert_int_equal(cleat__http_server_stop(it->server, 300000), CLEAT_OK);
    assert_int_equal(join_askers(&one, 1), 1);
    free(receive_all(idle));
    close(idle);
    assert_int_equal(cleat__http_server_stop(it->server, 0), CLEAT_OK);
    reply refused = ask_quietly(it->server, (question){.path = "/open"});
    assert_int_equal(refused.code, CURLE_COULDNT_CONNECT);
    reply_deinit(&refused);
    stop(it);
}

static void stopping_cuts_off_at_the_deadline(void **state)
{
    (void)state;
    fixture *it = START(.threads = 1);
    const char head[] = "POST " ECHO_1 " HTTP/1.1\r\nHost: x\r\n" AS_1 "\r\nContent-Length: 10\r\n\r\nhalf";
    int half = dial(it->server);
    send_bytes(half, head, sizeof(head) - 1);
    /* Connections are taken in their order: when this is answered, the one before has been, too. */
    EXPECT(it->server, 200, ECHOED(0, "null", "null", "[]", "", 0), .path = "/open");
    assert_int_equal(cleat__http_server_stop(it->server, 50), CLEAT_TIMEOUT);
    free(receive_all(half));
    close(half);
    stop(it);
}

/* ---- Addresses ---- */

static cleat_status try_to_start(const char *address, const char *cert, const char *key)
{
    cleat__http_server *server = NULL;
    cleat__http_options options = {.address = address, .tls_cert = cert, .tls_key = key};
    cleat_status status = cleat__http_server_start(&options, &server);
    cleat__http_server_free(server);
    return status;
}

static void addresses_are_checked_and_errors_say_why(void **state)
{
    static const char *const wrong[] = {"8733",
                                        "localhost",
                                        "127.0.0.1:",
                                        "127.0.0.1:http",
                                        "::1:80",
                                        "127.0.0.1:123456",
                                        "127.0.0.1:65536",
                                        "127.0.0.1:99999",
                                        "no.such.host.invalid:0"};
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(try_to_start(wrong[i], NULL, NULL), CLEAT_INVALID_ARGUMENT);
        assert_non_null(strstr(cleat_error_message(), wrong[i]));
    }
    fixture *it = START(0);
    assert_int_equal(try_to_start(cleat__http_server_address(it->server), NULL, NULL), CLEAT_BUSY);
    assert_non_null(strstr(cleat_error_message(), "in use"));
    stop(it);
    assert_int_equal(try_to_start("192.0.2.1:0", NULL, NULL), CLEAT_FAILED_PRECONDITION);
    assert_int_equal(try_to_start("localhost:0", NULL, NULL), CLEAT_OK);
    assert_int_equal(try_to_start("127.0.0.1:0", "missing.pem", "missing.key"), CLEAT_INVALID_ARGUMENT);
    assert_non_null(strstr(cleat_error_message(), "missing.pem"));
    assert_int_equal(try_to_start("127.0.0.1:0", "missing.pem", NULL), CLEAT_INVALID_ARGUMENT);
}

static void it_speaks_ipv6(void **state)
{
    (void)state;
    cleat_status status = try_to_start("[::1]:0", NULL, NULL);
    if (status == CLEAT_FAILED_PRECONDITION) {
        skip(); /* this machine does not */
    }
    fixture *it = START(.address = "[::1]:0");
    assert_int_equal(strncmp(cleat__http_server_address(it->server), "[::1]:", 6), 0);
    EXPECT(it->server, 200, ECHOED(0, "null", "null", "[]", "", 0), .path = "/open");
    stop(it);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_gets_path_query_and_identity),
        cmocka_unit_test(wrong_credentials_are_403),
        cmocka_unit_test(a_token_that_cannot_be_checked_is_no_wrong_token),
        cmocka_unit_test(unknown_routes_and_malformed_ids_are_400),
        cmocka_unit_test(other_methods_are_told_which_are_allowed),
        cmocka_unit_test(handlers_errors_have_a_shape_of_their_own),
        cmocka_unit_test(typed_arguments_are_checked),
        cmocka_unit_test(bodies_come_plain_chunked_and_gzipped),
        cmocka_unit_test(bodies_above_the_limit_are_413),
        cmocka_unit_test(bodies_together_have_a_limit),
        cmocka_unit_test(headers_above_the_limit_are_refused),
        cmocka_unit_test(a_body_that_may_not_come_is_not_waited_for),
        cmocka_unit_test(a_connection_serves_many_requests),
        cmocka_unit_test(garbage_behind_pipelined_requests_ends_the_connection),
        cmocka_unit_test(random_bytes_harm_nobody),
        cmocka_unit_test(slow_requests_are_cut_off),
        cmocka_unit_test(two_hundred_requests_wait_while_others_are_served),
        cmocka_unit_test(more_connections_than_allowed_wait),
        cmocka_unit_test(stopping_answers_what_has_begun),
        cmocka_unit_test(stopping_cuts_off_at_the_deadline),
        cmocka_unit_test(addresses_are_checked_and_errors_say_why),
        cmocka_unit_test(it_speaks_ipv6),
    };
    curl_global_init(CURL_GLOBAL_ALL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
