/* Work that takes long, and answers that take much room. */
#include "http_fixture.h"

#include <zlib.h>

typedef struct fixture {
    cleat__http_server *server;
    gate entered; /* of the handler /endless */
} fixture;

/* ---- Handlers ---- */

/* Ends only when nobody waits any more. */
static void handle_endless(cleat__http_call *call)
{
    fixture *it = call->service;
    gate_add(&it->entered);
    while (!cleat__http_call_is_over(call)) {
    }
    cleat__http_call_answer_nothing(call, 204);
}

enum { LARGE = 32 * 1024 * 1024 };

static void handle_large(cleat__http_call *call)
{
    cleat__buffer body = {0};
    void *room = cleat__buffer_reserve(&body, LARGE);
    memset(room, 'x', LARGE);
    body.size = LARGE;
    cleat__http_call_answer(call, 200, "text/plain", &body);
}

static void handle_small(cleat__http_call *call)
{
    cleat__http_call_answer_nothing(call, 204);
}

static const cleat__http_route routes[] = {
    {"GET", "/endless", CLEAT__HTTP_OPEN, handle_endless},
    {"GET", "/large", CLEAT__HTTP_OPEN, handle_large},
    {"POST", "/small", CLEAT__HTTP_OPEN, handle_small},
};

/* ---- Set-up ---- */

static fixture *start(cleat__http_options options)
{
    static cleat__http_table table; /* the server borrows it; tests run one by one */
    fixture *it = calloc(1, sizeof(*it));
    table = (cleat__http_table){routes, sizeof(routes) / sizeof(routes[0]), it};
    gate_init(&it->entered);
    options.address = "127.0.0.1:0";
    options.tables = &table;
    options.table_count = 1;
    assert_int_equal(cleat__http_server_start(&options, &it->server), CLEAT_OK);
    return it;
}
#define START(...) start((cleat__http_options){__VA_ARGS__})

static void stop(fixture *it)
{
    cleat__http_server_free(it->server);
    gate_deinit(&it->entered);
    free(it);
}

/* ---- Tests ---- */

static void work_ends_at_its_deadline(void **state)
{
    (void)state;
    fixture *it = START(.work_timeout_ms = 20);
    EXPECT(it->server, 204, NULL, .path = "/endless");
    stop(it);
}

static void *ask_for_endless(void *argument)
{
    const fixture *it = argument;
    reply answer = ask_quietly(it->server, (question){.path = "/endless"});
    reply_deinit(&answer);
    return NULL;
}

static void work_ends_when_the_server_stops_waiting_for_it(void **state)
{
    (void)state;
    fixture *it = START(.work_timeout_ms = 600000);
    pthread_t asker;
    assert_int_equal(pthread_create(&asker, NULL, ask_for_endless, it), 0);
    gate_wait(&it->entered, 1);
    assert_int_equal(cleat__http_server_stop(it->server, 0), CLEAT_TIMEOUT);
    pthread_join(asker, NULL);
    stop(it);
}

/* Asks for the large answer and reads no more than its first line. */
static int begin_large(const cleat__http_server *server, int *status)
{
    const char text[] = "GET /large HTTP/1.1\r\nHost: x\r\n\r\n";
    char line[13] = "";
    int made = dial(server);
    send_bytes(made, text, sizeof(text) - 1);
    assert_int_equal(recv(made, line, sizeof(line) - 1, MSG_WAITALL), sizeof(line) - 1);
    assert_int_equal(sscanf(line, "HTTP/1.1 %d", status), 1);
    return made;
}

static void answers_that_are_not_taken_have_a_limit(void **state)
{
    (void)state;
    fixture *it = START(.bodies_max = LARGE + LARGE / 2);
    int status;
    int lazy = begin_large(it->server, &status); /* much larger than what systems buffer */
    assert_int_equal(status, 200);
    reply refused = ask(it->server, (question){.path = "/large"});
    assert_int_equal(refused.status, 503);
    assert_non_null(strstr(refused.headers, "Retry-After: 1"));
    reply_deinit(&refused);
    EXPECT(it->server, 204, NULL, .path = "/small", .body = "x");
    close(lazy);
    do { /* until the server sees that */
        close(begin_large(it->server, &status));
    } while (status == 503);
    assert_int_equal(status, 200);
    stop(it);
}

static void bodies_count_as_they_are_unpacked(void **state)
{
    enum { SIZE = 80000 };
    (void)state;
    fixture *it = START(.body_max = 100000, .bodies_max = 50000);
    static const Bytef plain[SIZE];
    Bytef packed[SIZE];
    z_stream zip = {
        .next_in = (Bytef *)(uintptr_t)plain, .avail_in = SIZE, .next_out = packed, .avail_out = SIZE};
    assert_int_equal(deflateInit2(&zip, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&zip, Z_FINISH), Z_STREAM_END);
    for (int i = 0; i < 3; i++) { /* what was refused is not counted */
        EXPECT(it->server, 503, "{\"message\":\"too many large requests at once\"}", .path = "/small",
               .headers = {"Content-Encoding: gzip"}, .body = (const char *)packed,
               .body_size = zip.total_out);
        EXPECT(it->server, 204, NULL, .path = "/small", .body = (const char *)plain, .body_size = 40000);
    }
    deflateEnd(&zip);
    stop(it);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(work_ends_at_its_deadline),
        cmocka_unit_test(work_ends_when_the_server_stops_waiting_for_it),
        cmocka_unit_test(answers_that_are_not_taken_have_a_limit),
        cmocka_unit_test(bodies_count_as_they_are_unpacked),
    };
    curl_global_init(CURL_GLOBAL_ALL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
