/* Streams of the gRPC server: slow and stalled peers, cancellation, both directions. */
#include "server/rpc_test.h"
#include "support/sanitizer.h"

#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>

static const cleat_slice none = {NULL, 0};

static rpc_stream *listen_to(test_server *server)
{
    return rpc_begin(server->client, "/test.Test/Listen", cleat_slice_of("x"), NO_OPTIONS);
}

static void test_messages_come_in_order(void **state)
{
    enum { MESSAGES = 1000 };
    test_server server;
    cleat__buffer message = {0};
    char text[16];
    (void)state;
    server_start(&server, (cleat__rpc_options){0});
    rpc_stream *stream = listen_to(&server);
    rpc_accepted(stream); /* before there is a message */
    cleat__rpc_call *call = parked(&server.service, 0);
    for (int i = 0; i < MESSAGES; i++) {
        snprintf(text, sizeof(text), "%d", i);
        assert_int_equal(cleat__rpc_send_bytes(call, cleat_slice_of(text)), CLEAT_OK);
    }
    cleat__rpc_finish(call, CLEAT_OK, NULL, none);
    for (int i = 0; i < MESSAGES; i++) {
        snprintf(text, sizeof(text), "%d", i);
        assert_true(rpc_read(stream, &message));
        assert_true(cleat_slice_equals(cleat__buffer_slice(&message), cleat_slice_of(text)));
    }
    assert_false(rpc_read(stream, &message));
    assert_ended(rpc_end(stream), GRPC_STATUS_OK, NULL);
    gate_wait(&server.service.ended, 1);
    cleat__buffer_deinit(&message);
    server_stop(&server);
}

static void test_all_taken_is_told(void **state)
{
    test_server server;
    cleat__buffer message = {0};
    (void)state;
    server_start(&server, (cleat__rpc_options){0});
    rpc_stream *stream = listen_to(&server);
    cleat__rpc_call *call = parked(&server.service, 0);
    for (int i = 1; i <= 3; i++) {
        assert_int_equal(cleat__rpc_send_bytes(call, cleat_slice_of("x")), CLEAT_OK);
        gate_wait(&server.service.drained, i);
        assert_true(rpc_read(stream, &message));
    }
    cleat__rpc_finish(call, CLEAT_NOT_FOUND, "no more", none);
    assert_ended(rpc_end(stream), GRPC_STATUS_NOT_FOUND, "no more");
    cleat__buffer_deinit(&message);
    server_stop(&server);
}

/* ---- Peers that do not read ---- */

#if UNDER_THREAD_SANITIZER
enum { QUEUE = 1 << 17 }; /* thousands of small messages take it minutes beside other tests */
#else
enum { QUEUE = 1 << 20 };
#endif
enum { MESSAGE = 16 * 1024, WINDOWS = 24 << 20 };

/* Sends until the queue is full; how many messages that were. */
static size_t fill(cleat__rpc_call *call)
{
    static char bytes[MESSAGE];
    cleat_status status = CLEAT_OK;
    size_t count = 0;
    while (status == CLEAT_OK && count < WINDOWS / MESSAGE) {
        status = cleat__rpc_send_bytes(call, (cleat_slice){bytes, sizeof(bytes)});
        count += status == CLEAT_OK;
    }
    assert_int_equal(status, CLEAT_RESOURCE_EXHAUSTED);
    assert_error_has("the peer does not read");
    assert_error_has("/test.Test/Listen");
    return count;
}

/* The windows of gRPC grow while it measures a connection, so it takes more now and then, but not for ever. */
static size_t fill_all(cleat__rpc_call *call)
{
    size_t sum = 0, count = 1;
    while (count != 0) {
        count = fill(call);
        sum += count;
    }
    return sum;
}

static void test_a_stalled_peer_costs_no_more_than_the_queue(void **state)
{
    test_server server;
    cleat__buffer message = {0};
    (void)state;
    server_start(&server, (cleat__rpc_options){.max_queued_size = QUEUE});
    rpc_stream *stream = listen_to(&server);
    cleat__rpc_call *call = parked(&server.service, 0);
    size_t sent = fill_all(call);
    /* Other calls on the same connection go on. */
    assert_answered(rpc_call(server.client, "/test.Test/Bytes", cleat_slice_of("abc"), NO_OPTIONS),
                    cleat_slice_of("abc"));
    /* When it reads, all of it comes, and there is room again. */
    for (size_t i = 0; i < sent; i++) {
        assert_true(rpc_read(stream, &message));
        assert_int_equal(message.size, MESSAGE);
    }
    assert_int_equal(cleat__rpc_send_bytes(call, cleat_slice_of("last")), CLEAT_OK);
    cleat__rpc_finish(call, CLEAT_OK, NULL, none);
    assert_true(rpc_read(stream, &message));
    assert_int_equal(message.size, 4);
    assert_ended(rpc_end(stream), GRPC_STATUS_OK, NULL);
    cleat__buffer_deinit(&message);
    server_stop(&server);
}

static void test_empty_messages_fill_the_queue_too(void **state)
{
    test_server server;
    cleat__buffer message = {0};
    (void)state;
    server_start(&server, (cleat__rpc_options){.max_queued_size = QUEUE});
    rpc_stream *stream = listen_to(&server);
    cleat__rpc_call *call = parked(&server.service, 0);
    (void)fill_all(call);
    size_t sent = 0;
    while (sent < QUEUE && cleat__rpc_send_bytes(call, none) == CLEAT_OK) {
        sent++;
    }
    assert_true(sent < QUEUE / 64);
    cleat__rpc_abort(call, CLEAT_RESOURCE_EXHAUSTED, "it does not read");
    gate_wait(&server.service.ended, 1);
    /* gRPC's client learns the end when it has read what came before. */
    while (rpc_read(stream, &message)) {
    }
    assert_ended(rpc_end(stream), GRPC_STATUS_RESOURCE_EXHAUSTED, "it does not read");
    cleat__buffer_deinit(&message);
    server_stop(&server);
}

static void test_a_message_larger_than_the_queue(void **state)
{
    test_server server;
    char *large = calloc(1, QUEUE);
    cleat__buffer message = {0};
    (void)state;
    server_start(&server, (cleat__rpc_options){.max_queued_size = 1000, .max_message_size = QUEUE});
    rpc_stream *stream = listen_to(&server);
    cleat__rpc_call *call = parked(&server.service, 0);
    assert_int_equal(cleat__rpc_send_bytes(call, (cleat_slice){large, QUEUE + 1}), CLEAT_TOO_LARGE);
    assert_int_equal(cleat__rpc_send_bytes(call, (cleat_slice){large, QUEUE}), CLEAT_OK);
    assert_true(rpc_read(stream, &message));
    assert_int_equal(message.size, QUEUE);
    cleat__rpc_finish(call, CLEAT_OK, NULL, none);
    assert_ended(rpc_end(stream), GRPC_STATUS_OK, NULL);
    cleat__buffer_deinit(&message);
    free(large);
    server_stop(&server);
}

static void test_a_stalled_peer_cancels(void **state)
{
    test_server server;
    (void)state;
    server_start(&server, (cleat__rpc_options){.max_queued_size = QUEUE});
    server.service.keeps_cancelled = true;
    rpc_stream *stream = listen_to(&server);
    cleat__rpc_call *call = parked(&server.service, 0);
    (void)fill_all(call);
    rpc_cancel(stream);
    assert_ended(rpc_end(stream), GRPC_STATUS_CANCELLED, "CANCELLED");
    gate_wait(&server.service.cancelled, 1);
    assert_int_equal(cleat__rpc_send_bytes(call, cleat_slice_of("x")), CLEAT_CANCELLED);
    assert_int_equal(gate_count(&server.service.ended), 0);
    cleat__rpc_finish(call, CLEAT_OK, NULL, none);
    gate_wait(&server.service.ended, 1);
    server_stop(&server);
}

/* ---- Cancellation ---- */

typedef struct sender {
    cleat__rpc_call *call;
    size_t sent;
} sender;

static void *send_until_the_end(void *argument)
{
    sender *self = argument;
    cleat_status status = CLEAT_OK;
    while (status != CLEAT_CANCELLED) {
        status = cleat__rpc_send_bytes(self->call, cleat_slice_of("x"));
        self->sent += status == CLEAT_OK;
        if (status == CLEAT_RESOURCE_EXHAUSTED) {
            (void)sched_yield();
        }
    }
    cleat__rpc_release(self->call);
    return NULL;
}

/* It answers pings, so that nobody else ends it, and what waits for it is memory that others need. */
static void test_a_peer_that_takes_nothing_is_cut_off(void **state)
{
    test_server server;
    (void)state;
    cleat__buffer answer = {0};
    server_start(&server, (cleat__rpc_options){.max_queued_size = QUEUE, .stall_ms = 50, .again_ms = 5});
    rpc_stream *idle = rpc_open(server.client, "/test.Test/Chat", NO_OPTIONS); /* nothing waits for it */
    rpc_accepted(idle);
    rpc_stream *stream = listen_to(&server);
    cleat__rpc_call *call = parked(&server.service, 0);
    cleat__rpc_hold(call);
    static const char bytes[MESSAGE];
    do { /* windows grow, but not for ever */
        while (cleat__rpc_send_bytes(call, (cleat_slice){bytes, sizeof(bytes)}) == CLEAT_OK) {
        }
    } while (
        !gate_try(&server.service.cancelled, 1, 10)); /* the handler is told, and lets go of what it has */
#if UNDER_THREAD_SANITIZER                            /* reading all that had come takes it minutes */
    rpc_cancel(stream);
    rpc_result result = rpc_end(stream);
    rpc_result_deinit(&result);
#else
    while (rpc_read(stream, &answer)) { /* what had come before */
    }
    assert_ended(rpc_end(stream), GRPC_STATUS_UNAVAILABLE, "takes nothing");
#endif
    cleat__rpc_release(call);
    gate_wait(&server.service.ended, 1);
    assert_true(rpc_write(idle, cleat_slice_of("still here")));
    assert_true(rpc_read(idle, &answer));
    cleat__buffer_deinit(&answer);
    rpc_cancel(idle);
    assert_ended(rpc_end(idle), GRPC_STATUS_CANCELLED, "CANCELLED");
    server_stop(&server);
}

static void test_the_client_cancels_while_threads_send(void **state)
{
    enum { THREADS = 3 };
    test_server server;
    pthread_t threads[THREADS];
    sender senders[THREADS] = {{0}};
    cleat__buffer message = {0};
    (void)state;
    server_start(&server, (cleat__rpc_options){.max_queued_size = 65536});
    rpc_stream *stream = listen_to(&server);
    cleat__rpc_call *call = parked(&server.service, 0);
    for (int i = 0; i < THREADS; i++) {
        senders[i].call = cleat__rpc_hold(call);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(cleat__thread_start(&threads[i], "sender", send_until_the_end, &senders[i]),
                         CLEAT_OK);
    }
    for (int i = 0; i < 100; i++) {
        assert_true(rpc_read(stream, &message));
    }
    rpc_cancel(stream);
    assert_ended(rpc_end(stream), GRPC_STATUS_CANCELLED, "CANCELLED");
    gate_wait(&server.service.ended, 1);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_true(senders[0].sent + senders[1].sent + senders[2].sent >= 100);
    assert_int_equal(gate_count(&server.service.cancelled), 1);
    cleat__buffer_deinit(&message);
    server_stop(&server);
}

static void test_the_deadline_of_a_stream(void **state)
{
    test_server server;
    (void)state;
    server_start(&server, (cleat__rpc_options){0});
    rpc_stream *stream = rpc_begin(server.client, "/test.Test/Listen", cleat_slice_of("x"),
                                   (rpc_call_options){.timeout_ms = 2500});
    assert_ended(rpc_end(stream), GRPC_STATUS_DEADLINE_EXCEEDED, "Deadline Exceeded");
    gate_wait(&server.service.cancelled, 1);
    gate_wait(&server.service.ended, 1);
    server_stop(&server);
}

/* Shuts down this process's sockets that lead to a port. gRPC's are IPv6 where they can be. */
static void cut_connections(int port)
{
    int cut = 0;
    for (int descriptor = 3; descriptor < 1024; descriptor++) {
        struct sockaddr_in6 peer;
        socklen_t size = sizeof(peer);
        /* The port is at the same place in addresses of IPv4. */
        if (getpeername(descriptor, (struct sockaddr *)&peer, &size) == 0 &&
            (peer.sin6_family == AF_INET || peer.sin6_family == AF_INET6) && ntohs(peer.sin6_port) == port) {
            cut += shutdown(descriptor, SHUT_RDWR) == 0;
        }
    }
    assert_int_equal(cut, 1);
}

static void test_the_connection_is_lost(void **state)
{
    test_server server;
    (void)state;
    server_start(&server, (cleat__rpc_options){0});
    rpc_stream *stream = listen_to(&server);
    (void)parked(&server.service, 0);
    cut_connections(port_of(&server));
    gate_wait(&server.service.cancelled, 1);
    gate_wait(&server.service.ended, 1);
    rpc_result result = rpc_end(stream);
    assert_int_equal(result.code, GRPC_STATUS_UNAVAILABLE);
    rpc_result_deinit(&result);
    server_stop(&server);
}

/* ---- Both directions ---- */

static void test_a_chat(void **state)
{
    test_server server;
    cleat__buffer message = {0};
    (void)state;
    server_start(&server, (cleat__rpc_options){0});
    rpc_stream *stream = rpc_open(server.client, "/test.Test/Chat", NO_OPTIONS);
    rpc_accepted(stream);
    for (int i = 0; i < 100; i++) {
        assert_true(rpc_write(stream, cleat_slice_of("hello")));
        assert_true(rpc_read(stream, &message));
        assert_true(cleat_slice_equals(cleat__buffer_slice(&message), cleat_slice_of("hello")));
    }
    assert_int_equal(gate_count(&server.service.half_closed), 0);
    rpc_half_close(stream);
    assert_ended(rpc_end(stream), GRPC_STATUS_OK, NULL);
    gate_wait(&server.service.half_closed, 1);
    gate_wait(&server.service.ended, 1);
    assert_int_equal(gate_count(&server.service.cancelled), 0);
    cleat__buffer_deinit(&message);
    server_stop(&server);
}

static void test_the_handler_ends_a_chat(void **state)
{
    test_server server;
    (void)state;
    server_start(&server, (cleat__rpc_options){0});
    rpc_stream *stream = rpc_open(server.client, "/test.Test/Chat", NO_OPTIONS);
    assert_true(rpc_write(stream, cleat_slice_of("bye")));
    assert_ended(rpc_end(stream), GRPC_STATUS_OK, NULL);
    stream = rpc_open(server.client, "/test.Test/Chat", NO_OPTIONS);
    assert_true(rpc_write(stream, cleat_slice_of("abort")));
    assert_ended(rpc_end(stream), GRPC_STATUS_RESOURCE_EXHAUSTED, "enough");
    gate_wait(&server.service.ended, 2);
    assert_int_equal(gate_count(&server.service.cancelled), 0);
    server_stop(&server);
}

static void test_a_malformed_message_in_a_chat(void **state)
{
    test_server server;
    uint8_t room[256];
    cleat__buffer message = {0};
    (void)state;
    server_start(&server, (cleat__rpc_options){0});
    rpc_stream *stream = rpc_open(server.client, "/test.Test/Scopes", NO_OPTIONS);
    cleat_slice good = pack_scope("a", "1", room);
    assert_true(rpc_write(stream, good));
    assert_true(rpc_read(stream, &message));
    assert_true(cleat_slice_equals(cleat__buffer_slice(&message), good));
    assert_true(rpc_write(stream, cleat_slice_of("\xff\xff\xff")));
    assert_ended(rpc_end(stream), GRPC_STATUS_INVALID_ARGUMENT,
                 "/test.Test/Scopes: the bytes are no opentelemetry.proto.common.v1.InstrumentationScope");
    gate_wait(&server.service.cancelled, 1);
    gate_wait(&server.service.ended, 1);
    cleat__buffer_deinit(&message);
    server_stop(&server);
}

static void test_the_client_cancels_a_chat(void **state)
{
    test_server server;
    (void)state;
    server_start(&server, (cleat__rpc_options){0});
    for (int i = 0; i < 50; i++) {
        rpc_stream *stream = rpc_open(server.client, "/test.Test/Chat", NO_OPTIONS);
        assert_true(rpc_write(stream, cleat_slice_of("hello")));
        gate_wait(&server.service.handled, i + 1);
        rpc_cancel(stream);
        assert_ended(rpc_end(stream), GRPC_STATUS_CANCELLED, "CANCELLED");
    }
    gate_wait(&server.service.ended, 50);
    server_stop(&server);
}

/* ---- Those who were let in once ---- */

static atomic_bool is_revoked;

static cleat_status know(void *user_data, cleat_slice token, cleat__identity *out)
{
    (void)user_data;
    *out = (cleat__identity){.token_id = {{(uint8_t)token.data[0]}}};
    return CLEAT_OK;
}

static cleat_status know_again(void *user_data, const cleat__identity *identity)
{
    (void)user_data;
    bool is_bad = is_revoked && identity->token_id.bytes[0] == 'b';
    return is_bad ? cleat__fail(CLEAT_UNAUTHENTICATED, "revoked today")
                  : cleat__fail(CLEAT_UNAVAILABLE, "not a reason to end anything");
}

static void test_a_stream_ends_when_its_token_is_revoked(void **state)
{
    static const char *const paths[] = {"/test.Test/Chat", "/test.Test/Scopes"};
    test_server server;
    (void)state;
    is_revoked = false;
    server_start(&server,
                 (cleat__rpc_options){.authenticate = know, .authenticate_again = know_again, .again_ms = 5});
    rpc_stream *good = rpc_open(server.client, paths[0], (rpc_call_options){.authorization = "Bearer a"});
    rpc_stream *bad[2];
    for (int i = 0; i < 2; i++) {
        bad[i] = rpc_open(server.client, paths[i], (rpc_call_options){.authorization = "Bearer b"});
        rpc_accepted(bad[i]);
    }
    is_revoked = true;
    for (int i = 0; i < 2; i++) {
        assert_ended(rpc_end(bad[i]), GRPC_STATUS_UNAUTHENTICATED, "revoked today");
    }
    gate_wait(&server.service.cancelled, 2); /* their handlers know */
    cleat__buffer answer = {0};
    assert_true(rpc_write(good, cleat_slice_of("still here")));
    assert_true(rpc_read(good, &answer));
    cleat__buffer_deinit(&answer);
    rpc_cancel(good);
    assert_ended(rpc_end(good), GRPC_STATUS_CANCELLED, "CANCELLED");
    server_stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_stream_ends_when_its_token_is_revoked),
        cmocka_unit_test(test_messages_come_in_order),
        cmocka_unit_test(test_all_taken_is_told),
        cmocka_unit_test(test_a_stalled_peer_costs_no_more_than_the_queue),
        cmocka_unit_test(test_empty_messages_fill_the_queue_too),
        cmocka_unit_test(test_a_message_larger_than_the_queue),
        cmocka_unit_test(test_a_stalled_peer_cancels),
        cmocka_unit_test(test_a_peer_that_takes_nothing_is_cut_off),
        cmocka_unit_test(test_the_client_cancels_while_threads_send),
        cmocka_unit_test(test_the_deadline_of_a_stream),
        cmocka_unit_test(test_the_connection_is_lost),
        cmocka_unit_test(test_a_chat),
        cmocka_unit_test(test_the_handler_ends_a_chat),
        cmocka_unit_test(test_a_malformed_message_in_a_chat),
        cmocka_unit_test(test_the_client_cancels_a_chat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
