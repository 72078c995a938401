/* Unary calls of the gRPC server. */
#include "server/rpc_test.h"

#include <unistd.h>

static void test_an_answer_at_once(void **state)
{
    test_server server;
    uint8_t room[256];
    (void)state;
    server_start(&server, (cleat__rpc_options){0});
    cleat_slice request = pack_scope("compress", "1.2", room);
    assert_answered(rpc_call(server.client, "/test.Test/Echo", request, NO_OPTIONS), request);
    assert_answered(rpc_call(server.client, "/test.Test/Bytes", cleat_slice_of("abc"), NO_OPTIONS),
                    cleat_slice_of("abc"));
    assert_answered(rpc_call(server.client, "/test.Test/Bytes", cleat_slice_of(""), NO_OPTIONS),
                    cleat_slice_of(""));
    gate_wait(&server.service.ended, 3);
    server_stop(&server);
}

static void test_sixty_four_in_flight_answered_by_another_thread(void **state)
{
    enum { CALLS = 64 };
    test_server server;
    rpc_stream *streams[CALLS];
    cleat__buffer message = {0};
    (void)state;
    server_start(&server, (cleat__rpc_options){0});
    for (int i = 0; i < CALLS; i++) {
        streams[i] = rpc_begin(server.client, "/test.Test/Park", cleat_slice_of("x"), NO_OPTIONS);
    }
    for (int i = CALLS - 1; i >= 0; i--) {
        cleat__rpc_reply_bytes(parked(&server.service, i), cleat_slice_of("later"));
    }
    for (int i = 0; i < CALLS; i++) {
        assert_true(rpc_read(streams[i], &message));
        assert_true(cleat_slice_equals(cleat__buffer_slice(&message), cleat_slice_of("later")));
        assert_ended(rpc_end(streams[i]), GRPC_STATUS_OK, NULL);
    }
    gate_wait(&server.service.ended, CALLS);
    cleat__buffer_deinit(&message);
    server_stop(&server);
}

/* A client that pipelines more calls than the server wants to keep is told so, and may come again. */
static void test_calls_beyond_the_limit(void **state)
{
    enum { MOST = 8, MORE = 200 };
    test_server it;
    cleat__buffer message = {0};
    (void)state;
    server_start(&it, (cleat__rpc_options){.max_unary_calls = MOST});
    rpc_stream *calls[MOST], *more[MORE];
    for (int i = 0; i < MOST; i++) {
        calls[i] = rpc_begin(it.client, "/test.Test/Park", cleat_slice_of("x"), NO_OPTIONS);
    }
    gate_wait(&it.service.parks, MOST);
    for (int i = 0; i < MORE; i++) {
        more[i] = rpc_begin(it.client, "/test.Test/Park", cleat_slice_of("x"), NO_OPTIONS);
    }
    for (int i = 0; i < MORE; i++) {
        assert_ended(rpc_end(more[i]), GRPC_STATUS_RESOURCE_EXHAUSTED, "8 calls");
    }
    rpc_stream *chat = rpc_open(it.client, "/test.Test/Chat", NO_OPTIONS); /* streams are not meant */
    rpc_half_close(chat);
    assert_ended(rpc_end(chat), GRPC_STATUS_OK, NULL);
    for (int i = 0; i < MOST; i++) {
        cleat__rpc_reply_bytes(parked(&it.service, i), cleat_slice_of("y"));
        assert_true(rpc_read(calls[i], &message));
        assert_ended(rpc_end(calls[i]), GRPC_STATUS_OK, NULL);
    }
    gate_wait(&it.service.ended, MOST);
    assert_answered(rpc_call(it.client, "/test.Test/Bytes", cleat_slice_of("z"), NO_OPTIONS),
                    cleat_slice_of("z"));
    cleat__buffer_deinit(&message);
    server_stop(&it);
}

/* ---- Those who do not do their part ---- */

/* A head and nothing behind it takes a place only for so long. */
static void test_a_call_without_its_request_ends(void **state)
{
    enum { MOST = 4 };
    test_server it;
    (void)state;
    server_start(&it, (cleat__rpc_options){.max_unary_calls = MOST, .request_ms = 20, .again_ms = 5});
    rpc_stream *silent[MOST + 1];
    for (int i = 0; i < MOST; i++) {
        silent[i] = rpc_open(it.client, "/test.Test/Park", NO_OPTIONS);
    }
    silent[MOST] = rpc_open(it.client, "/test.Test/Listen", NO_OPTIONS);
    rpc_stream *chat = rpc_open(it.client, "/test.Test/Chat", NO_OPTIONS); /* need not say anything */
    for (int i = 0; i <= MOST; i++) {
        assert_ended(rpc_end(silent[i]), GRPC_STATUS_DEADLINE_EXCEEDED, "did not come in time");
    }
    rpc_result result = rpc_call(it.client, "/test.Test/Bytes", cleat_slice_of("z"), NO_OPTIONS);
    while (result.code == GRPC_STATUS_DEADLINE_EXCEEDED) { /* this machine was slower than that, too */
        rpc_result_deinit(&result);
        result = rpc_call(it.client, "/test.Test/Bytes", cleat_slice_of("z"), NO_OPTIONS);
    }
    assert_answered(result, cleat_slice_of("z"));
    rpc_half_close(chat);
    assert_ended(rpc_end(chat), GRPC_STATUS_OK, NULL);
    server_stop(&it);
}

static cleat_status know_tenant(void *user_data, cleat_slice token, cleat__identity *out)
{
    (void)user_data;
    *out = (cleat__identity){.tenant = token.data[0]};
    return CLEAT_OK;
}

static void test_one_tenant_does_not_take_the_last_places(void **state)
{
    enum { MOST = 16, SHARE = 12 };
    const rpc_call_options first = {.authorization = "Bearer a"}, second = {.authorization = "Bearer b"};
    test_server it;
    (void)state;
    server_start(&it, (cleat__rpc_options){.max_unary_calls = MOST, .authenticate = know_tenant});
    rpc_stream *calls[SHARE];
    cleat__buffer message = {0};
    for (int i = 0; i < SHARE; i++) {
        calls[i] = rpc_begin(it.client, "/test.Test/Park", cleat_slice_of("x"), first);
    }
    gate_wait(&it.service.parks, SHARE);
    assert_ended(rpc_call(it.client, "/test.Test/Bytes", cleat_slice_of("x"), first),
                 GRPC_STATUS_RESOURCE_EXHAUSTED, "share");
    assert_answered(rpc_call(it.client, "/test.Test/Bytes", cleat_slice_of("z"), second),
                    cleat_slice_of("z"));
    for (int i = 0; i < SHARE; i++) {
        cleat__rpc_reply_bytes(parked(&it.service, i), cleat_slice_of("y"));
        assert_true(rpc_read(calls[i], &message));
        assert_ended(rpc_end(calls[i]), GRPC_STATUS_OK, NULL);
    }
    gate_wait(&it.service.ended, SHARE + 1);
    cleat__buffer_deinit(&message);
    server_stop(&it);
}

static void test_errors_with_details(void **state)
{
    test_server server;
    uint8_t room[256];
    (void)state;
    server_start(&server, (cleat__rpc_options){0});
    rpc_result result = rpc_call(server.client, "/test.Test/Refuse",
                                 pack_scope("there already", "details", room), NO_OPTIONS);
    assert_false(result.has_message);
    assert_true(cleat_slice_equals(cleat__buffer_slice(&result.details), cleat_slice_of("details")));
    assert_ended(result, GRPC_STATUS_ALREADY_EXISTS, "there already");
    result =
        rpc_call(server.client, "/test.Test/Refuse", pack_scope("100 % \xc3\xa4\n", "", room), NO_OPTIONS);
    assert_int_equal(result.details.size, 0);
    assert_ended(result, GRPC_STATUS_ALREADY_EXISTS, "100 % \xc3\xa4\n");
    server_stop(&server);
}

static void test_texts_and_details_that_are_too_long(void **state)
{
    test_server server;
    char text[3000], details[5000];
    (void)state;
    memset(text, 't', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    memset(details, 'd', sizeof(details));
    server_start(&server, (cleat__rpc_options){0});
    rpc_stream *stream = rpc_begin(server.client, "/test.Test/Park", cleat_slice_of("x"), NO_OPTIONS);
    cleat__rpc_finish(parked(&server.service, 0), CLEAT_NOT_FOUND, text,
                      (cleat_slice){details, sizeof(details)});
    rpc_result result = rpc_end(stream);
    assert_int_equal(strlen(result.text), 1023);
    assert_int_equal(result.details.size, 0);
    assert_ended(result, GRPC_STATUS_NOT_FOUND, "ttt");
    stream = rpc_begin(server.client, "/test.Test/Park", cleat_slice_of("x"), NO_OPTIONS);
    cleat__rpc_finish(parked(&server.service, 1), CLEAT_NOT_FOUND, NULL, (cleat_slice){details, 4096});
    result = rpc_end(stream);
    assert_int_equal(result.details.size, 4096);
    assert_ended(result, GRPC_STATUS_NOT_FOUND, "not found");
    server_stop(&server);
}

static void test_the_sentence_of_a_failure(void **state)
{
    test_server server;
    (void)state;
    server_start(&server, (cleat__rpc_options){0});
    rpc_stream *stream = rpc_begin(server.client, "/test.Test/Park", cleat_slice_of("x"), NO_OPTIONS);
    cleat__rpc_call *call = parked(&server.service, 0);
    cleat__rpc_fail(call, cleat__fail(CLEAT_FAILED_PRECONDITION, "no run %d", 7));
    assert_ended(rpc_end(stream), GRPC_STATUS_FAILED_PRECONDITION, "no run 7");
    server_stop(&server);
}

static void test_methods_that_are_not_there(void **state)
{
    static const char *const paths[] = {"/test.Test/Ech", "/test.Test/Echoo", "/",
                                        "/test.Test/",    "/zzz.Test/Echo",   "/aaa.Test/Echo"};
    test_server server;
    (void)state;
    server_start(&server, (cleat__rpc_options){0});
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        rpc_result result = rpc_call(server.client, paths[i], cleat_slice_of("x"), NO_OPTIONS);
        assert_ended(result, GRPC_STATUS_UNIMPLEMENTED, paths[i]);
    }
    server_stop(&server);
}

static void test_a_message_that_is_none(void **state)
{
    test_server server;
    (void)state;
    server_start(&server, (cleat__rpc_options){0});
    rpc_result result =
        rpc_call(server.client, "/test.Test/Echo", cleat_slice_of("\xff\xff\xff"), NO_OPTIONS);
    assert_ended(result, GRPC_STATUS_INVALID_ARGUMENT,
                 "/test.Test/Echo: the bytes are no opentelemetry.proto.common.v1.InstrumentationScope");
    rpc_stream *stream = rpc_open(server.client, "/test.Test/Echo", NO_OPTIONS);
    rpc_half_close(stream);
    assert_ended(rpc_end(stream), GRPC_STATUS_INVALID_ARGUMENT, "there is no request message");
    assert_int_equal(gate_count(&server.service.ended), 0);
    server_stop(&server);
}

/* ---- Sizes ---- */

enum { LIMIT = 4 << 20 };

static void test_messages_at_the_limit_and_over_it(void **state)
{
    test_server server;
    char *large = calloc(1, LIMIT + 1);
    (void)state;
    server_start(&server, (cleat__rpc_options){0});
    assert_answered(rpc_call(server.client, "/test.Test/Bytes", (cleat_slice){large, LIMIT}, NO_OPTIONS),
                    (cleat_slice){large, LIMIT});
    assert_ended(rpc_call(server.client, "/test.Test/Bytes", (cleat_slice){large, LIMIT + 1}, NO_OPTIONS),
                 GRPC_STATUS_RESOURCE_EXHAUSTED, "larger than max");
    assert_answered(rpc_call(server.client, "/test.Test/Bytes", cleat_slice_of("abc"), NO_OPTIONS),
                    cleat_slice_of("abc"));
    server_stop(&server);
    free(large);
}

/* What it answers is done: whether it is too large is the client's to say. */
static void test_an_answer_over_the_limit(void **state)
{
    test_server server;
    (void)state;
    server_start(&server, (cleat__rpc_options){.max_message_size = 1000});
    rpc_result result = rpc_call(server.client, "/test.Test/Much", cleat_slice_of("1001"), NO_OPTIONS);
    assert_int_equal(result.message.size, 1001);
    assert_ended(result, GRPC_STATUS_OK, NULL);
    server_stop(&server);
}

static void test_gzip(void **state)
{
    test_server server;
    char *large = calloc(1, LIMIT + 1);
    (void)state;
    server_start(&server, (cleat__rpc_options){0});
    rpc_client *client =
        rpc_client_new(cleat__rpc_server_address(server.server), (rpc_client_options){.is_gzip = true});
    assert_answered(rpc_call(client, "/test.Test/Bytes", (cleat_slice){large, LIMIT}, NO_OPTIONS),
                    (cleat_slice){large, LIMIT});
    /* Some 4 KB on the wire. */
    assert_ended(rpc_call(client, "/test.Test/Bytes", (cleat_slice){large, LIMIT + 1}, NO_OPTIONS),
                 GRPC_STATUS_RESOURCE_EXHAUSTED, "larger than the limit of 4194304 bytes");
    rpc_client_free(client);
    server_stop(&server);
    free(large);
}

/* ---- Ends that the peer gives ---- */

static void test_the_deadline_passes(void **state)
{
    test_server server;
    (void)state;
    server_start(&server, (cleat__rpc_options){0});
    server.service.keeps_cancelled = true;
    rpc_stream *stream = rpc_begin(server.client, "/test.Test/Watched", cleat_slice_of("x"),
                                   (rpc_call_options){.timeout_ms = 2500});
    assert_ended(rpc_end(stream), GRPC_STATUS_DEADLINE_EXCEEDED, "Deadline Exceeded");
    gate_wait(&server.service.cancelled, 1);
    cleat__rpc_call *call = parked(&server.service, 0);
    assert_int_equal(gate_count(&server.service.ended), 0);
    cleat__rpc_reply_bytes(call, cleat_slice_of("too late"));
    gate_wait(&server.service.ended, 1);
    server_stop(&server);
}

static void test_the_client_cancels(void **state)
{
    static const char *const paths[] = {"/test.Test/Watched", "/test.Test/Park"};
    test_server server;
    (void)state;
    server_start(&server, (cleat__rpc_options){0});
    server.service.keeps_cancelled = true;
    for (int i = 0; i < 2; i++) {
        rpc_stream *stream = rpc_begin(server.client, paths[i], cleat_slice_of("x"), NO_OPTIONS);
        cleat__rpc_call *call = parked(&server.service, i);
        rpc_cancel(stream);
        assert_ended(rpc_end(stream), GRPC_STATUS_CANCELLED, "CANCELLED");
        cleat__rpc_reply_bytes(call, cleat_slice_of("too late"));
        gate_wait(&server.service.ended, i + 1);
    }
    server_stop(&server);
}

static void test_the_client_cancels_before_its_message(void **state)
{
    test_server server;
    (void)state;
    server_start(&server, (cleat__rpc_options){0});
    rpc_stream *stream = rpc_open(server.client, "/test.Test/Watched", NO_OPTIONS);
    rpc_cancel(stream);
    assert_ended(rpc_end(stream), GRPC_STATUS_CANCELLED, "CANCELLED");
    server_stop(&server); /* waits for the call */
    assert_null(server.service.parked[0]);
}

/* ---- What is known of a call ---- */

static void test_the_context(void **state)
{
    test_server server;
    (void)state;
    server_start(&server, (cleat__rpc_options){.anonymous = {.tenant = 42}});
    int64_t now_ns = cleat__deadline_ns(0);
    assert_answered(rpc_call(server.client, "/test.Test/Tell", cleat_slice_of(""),
                             (rpc_call_options){.authorization = "anything", .timeout_ms = 60000}),
                    cleat_slice_of("42"));
    pthread_mutex_lock(&server.service.mutex);
    assert_string_equal(server.service.metadata, "anything");
    assert_true(server.service.deadline_ns > now_ns + INT64_C(50000000000));
    assert_true(server.service.deadline_ns < now_ns + INT64_C(70000000000));
    pthread_mutex_unlock(&server.service.mutex);
    assert_answered(rpc_call(server.client, "/test.Test/Tell", cleat_slice_of(""), NO_OPTIONS),
                    cleat_slice_of("42"));
    pthread_mutex_lock(&server.service.mutex);
    assert_true(server.service.deadline_ns == INT64_MAX);
    assert_string_equal(server.service.metadata, "");
    pthread_mutex_unlock(&server.service.mutex);
    server_stop(&server);
}

/* ---- Who calls ---- */

static cleat_status know(void *user_data, cleat_slice token, cleat__identity *out)
{
    atomic_fetch_add((atomic_int *)user_data, 1);
    if (cleat_slice_equals(token, cleat_slice_of("good"))) {
        out->tenant = 7;
        return CLEAT_OK;
    }
    if (cleat_slice_equals(token, cleat_slice_of("foreign"))) {
        return cleat__fail(CLEAT_UNAUTHENTICATED, "invalid auth token: token of another server");
    }
    if (cleat_slice_equals(token, cleat_slice_of("early"))) {
        return cleat__fail(CLEAT_UNAVAILABLE, "the store is not open yet");
    }
    return cleat__fail(CLEAT_IO, "secrets");
}

static rpc_result tell_with(test_server *server, const char *authorization)
{
    return rpc_call(server->client, "/test.Test/Tell", cleat_slice_of(""),
                    (rpc_call_options){.authorization = authorization});
}

static void test_who_calls(void **state)
{
    static const char *const refused[] = {NULL, "", "good", "Basic good", "bearer", "Bearer "};
    test_server server;
    atomic_int asked = 0;
    (void)state;
    server_start(&server,
                 (cleat__rpc_options){.authenticate = know, .authenticate_data = &asked, .thread_count = 1});
    assert_answered(tell_with(&server, "bearer good"), cleat_slice_of("7"));
    assert_answered(tell_with(&server, "Bearer good"), cleat_slice_of("7"));
    assert_answered(tell_with(&server, "BEARER   good"), cleat_slice_of("7"));
    assert_int_equal(asked, 3);
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        rpc_result result = tell_with(&server, refused[i]);
        assert_string_equal(result.text, "invalid auth token");
        assert_ended(result, GRPC_STATUS_UNAUTHENTICATED, "invalid auth token");
    }
    assert_int_equal(asked, 3);
    rpc_result result = tell_with(&server, "Bearer broken");
    assert_string_equal(result.text, "the token cannot be checked");
    assert_ended(result, GRPC_STATUS_INTERNAL, "token");
    assert_ended(tell_with(&server, "Bearer foreign"), GRPC_STATUS_UNAUTHENTICATED,
                 "invalid auth token: token of another server");
    assert_ended(tell_with(&server, "Bearer early"), GRPC_STATUS_UNAVAILABLE, "the store is not open yet");
    /* Strangers do not learn which methods there are. */
    assert_ended(rpc_call(server.client, "/test.Test/None", cleat_slice_of(""), NO_OPTIONS),
                 GRPC_STATUS_UNAUTHENTICATED, "invalid auth token");
    server_stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_answer_at_once),
        cmocka_unit_test(test_sixty_four_in_flight_answered_by_another_thread),
        cmocka_unit_test(test_calls_beyond_the_limit),
        cmocka_unit_test(test_a_call_without_its_request_ends),
        cmocka_unit_test(test_one_tenant_does_not_take_the_last_places),
        cmocka_unit_test(test_errors_with_details),
        cmocka_unit_test(test_texts_and_details_that_are_too_long),
        cmocka_unit_test(test_the_sentence_of_a_failure),
        cmocka_unit_test(test_methods_that_are_not_there),
        cmocka_unit_test(test_a_message_that_is_none),
        cmocka_unit_test(test_messages_at_the_limit_and_over_it),
        cmocka_unit_test(test_an_answer_over_the_limit),
        cmocka_unit_test(test_gzip),
        cmocka_unit_test(test_the_deadline_passes),
        cmocka_unit_test(test_the_client_cancels),
        cmocka_unit_test(test_the_client_cancels_before_its_message),
        cmocka_unit_test(test_the_context),
        cmocka_unit_test(test_who_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
