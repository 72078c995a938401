/* The gRPC server as a whole: its address, its table, its end, and peers that speak no gRPC. */
#include "server/rpc_test.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static const cleat_slice none = {NULL, 0};

static void test_two_servers(void **state)
{
    test_server one, other;
    (void)state;
    server_start(&one, (cleat__rpc_options){.anonymous = {.tenant = 1}});
    server_start(&other, (cleat__rpc_options){.anonymous = {.tenant = 2}, .thread_count = 1});
    assert_int_not_equal(port_of(&one), port_of(&other));
    for (int i = 0; i < 10; i++) {
        assert_answered(rpc_call(one.client, "/test.Test/Tell", none, NO_OPTIONS), cleat_slice_of("1"));
        assert_answered(rpc_call(other.client, "/test.Test/Tell", none, NO_OPTIONS), cleat_slice_of("2"));
    }
    server_stop(&one);
    assert_answered(rpc_call(other.client, "/test.Test/Tell", none, NO_OPTIONS), cleat_slice_of("2"));
    server_stop(&other);
}

/* ---- Addresses ---- */

static void test_the_address_tells_the_port(void **state)
{
    test_server server;
    char address[64];
    (void)state;
    server_start(&server, (cleat__rpc_options){0});
    assert_true(port_of(&server) > 0);
    snprintf(address, sizeof(address), "127.0.0.1:%d", port_of(&server));
    assert_string_equal(cleat__rpc_server_address(server.server), address);
    server_stop(&server);
}

static void test_ipv6(void **state)
{
    test_server server = {0};
    (void)state;
    service_init(&server.service);
    if (server_try(&server, (cleat__rpc_options){.address = "[::1]:0"}) != CLEAT_OK) {
        service_deinit(&server.service);
        skip(); /* a machine without IPv6 */
    }
    assert_memory_equal(cleat__rpc_server_address(server.server), "[::1]:", 6);
    server.client = rpc_client_new(cleat__rpc_server_address(server.server), (rpc_client_options){0});
    assert_answered(rpc_call(server.client, "/test.Test/Tell", none, NO_OPTIONS), cleat_slice_of("0"));
    server_stop(&server);
}

static void assert_no_start(cleat__rpc_options options, cleat_status status, const char *part)
{
    test_server server = {0};
    assert_int_equal(server_try(&server, options), status);
    assert_null(server.server);
    assert_error_has(part);
}

static void test_addresses_that_are_none(void **state)
{
    static const char *const wrong[] = {
        "",         "localhost",    ":7077",      "127.0.0.1:", "127.0.0.1:x",
        "::1:7077", "[::1]",        "[]:7077",    "host:-1",    "host:70777",
        "host:7 ",  "127.0.0.1:7x", "[::1:7077]", "a[b]:7077",  "host:000077"};
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_no_start((cleat__rpc_options){.address = wrong[i]}, CLEAT_INVALID_ARGUMENT, "HOST:PORT");
        assert_error_has(wrong[i]);
    }
}

static void test_an_address_of_another_machine(void **state)
{
    (void)state;
    /* RFC 5737: nobody has it. */
    assert_no_start((cleat__rpc_options){.address = "192.0.2.1:0"}, CLEAT_INVALID_ARGUMENT,
                    "cannot listen on 192.0.2.1:0: Cannot assign requested address");
}

static void test_the_address_is_in_use(void **state)
{
    test_server server;
    (void)state;
    server_start(&server, (cleat__rpc_options){0});
    const char *address = cleat__rpc_server_address(server.server);
    assert_no_start((cleat__rpc_options){.address = address}, CLEAT_BUSY, address);
    assert_error_has("is in use");
    assert_answered(rpc_call(server.client, "/test.Test/Tell", none, NO_OPTIONS), cleat_slice_of("0"));
    server_stop(&server);
}

static void test_the_port_can_be_taken_again(void **state)
{
    test_server server, again = {0};
    char address[64];
    (void)state;
    server_start(&server, (cleat__rpc_options){0});
    snprintf(address, sizeof(address), "%s", cleat__rpc_server_address(server.server));
    assert_answered(rpc_call(server.client, "/test.Test/Tell", none, NO_OPTIONS), cleat_slice_of("0"));
    server_stop(&server);
    server_start(&again, (cleat__rpc_options){.address = address});
    assert_answered(rpc_call(again.client, "/test.Test/Tell", none, NO_OPTIONS), cleat_slice_of("0"));
    server_stop(&again);
}

/* ---- The table ---- */

static void test_tables_that_are_wrong(void **state)
{
    static const cleat__rpc_method methods[] = {
        {.path = "/a/A", .handle_bytes = echo_bytes},
        {.path = "/a/B"},
        {.path = "/a/C", .request = SCOPE_DESCRIPTOR, .handle_bytes = echo_bytes},
        {.path = "a/D", .handle_bytes = echo_bytes},
        {.path = "/a/E", .handle_bytes = echo_bytes, .kind = CLEAT__RPC_SERVER_STREAM},
        {.path = "/a/F",
         .handle_bytes = echo_bytes,
         .kind = CLEAT__RPC_BIDI_STREAM,
         .cancelled = on_cancelled},
    };
    cleat__rpc_server *server = NULL;
    (void)state;
    for (size_t i = 1; i < sizeof(methods) / sizeof(methods[0]); i++) {
        const cleat__rpc_service services[] = {{methods, 1, NULL}, {&methods[i], 1, NULL}};
        const cleat__rpc_options options = {
            .address = "127.0.0.1:0", .services = services, .service_count = 2};
        assert_int_equal(cleat__rpc_server_start(&options, &server), CLEAT_INVALID_ARGUMENT);
        assert_error_has(methods[i].path);
    }
    const cleat__rpc_service twice[] = {{methods, 1, NULL}, {methods, 1, NULL}};
    const cleat__rpc_options options = {.address = "127.0.0.1:0", .services = twice, .service_count = 2};
    assert_int_equal(cleat__rpc_server_start(&options, &server), CLEAT_INVALID_ARGUMENT);
    assert_error_has("/a/A is there twice");
}

static void test_a_server_without_methods(void **state)
{
    const cleat__rpc_options options = {.address = "127.0.0.1:0"};
    cleat__rpc_server *server = NULL;
    (void)state;
    assert_int_equal(cleat__rpc_server_start(&options, &server), CLEAT_OK);
    rpc_client *client = rpc_client_new(cleat__rpc_server_address(server), (rpc_client_options){0});
    assert_ended(rpc_call(client, "/test.Test/Tell", none, NO_OPTIONS), GRPC_STATUS_UNIMPLEMENTED,
                 "there is no method /test.Test/Tell");
    rpc_client_free(client);
    cleat__rpc_server_free(server);
    cleat__rpc_server_free(NULL);
}

static void test_a_start_without_memory(void **state)
{
    failing_allocator allocator;
    cleat_status status = CLEAT_NO_MEMORY;
    (void)state;
    for (size_t fail_at = 1; status != CLEAT_OK; fail_at++) {
        test_server server = {0};
        failing_allocator_install(&allocator, fail_at);
        status = server_try(&server, (cleat__rpc_options){.thread_count = 1});
        allocator.fail_at = 0;
        assert_true(status == CLEAT_OK || status == CLEAT_NO_MEMORY);
        cleat__rpc_server_free(server.server);
        assert_true(fail_at < 100);
    }
    cleat_set_allocator(NULL);
}

/* ---- Peers that speak no gRPC ---- */

static int connect_to(const test_server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port_of(server))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(descriptor >= 0);
    assert_int_equal(connect(descriptor, (struct sockaddr *)&address, sizeof(address)), 0);
    return descriptor;
}

/* Until the other side closes. */
static void read_all(int descriptor)
{
    char bytes[4096];
    ssize_t size = 1;
    while (size > 0) {
        size = recv(descriptor, bytes, sizeof(bytes), 0);
    }
}

static void test_garbage(void **state)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    static const char *const garbage[] = {
        "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        "PRI * HTTP/2.0\r\n\r\nSX\r\n\r\n",
    };
    test_server server;
    (void)state;
    server_start(&server, (cleat__rpc_options){0});
    for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
        int descriptor = connect_to(&server);
        assert_true(send(descriptor, garbage[i], 11, MSG_NOSIGNAL) > 0);
        (void)send(descriptor, garbage[i] + 11, strlen(garbage[i] + 11), MSG_NOSIGNAL);
        (void)shutdown(descriptor, SHUT_WR);
        read_all(descriptor);
        close(descriptor);
    }
    /* Frames of every type behind a good beginning: all ones, all zeros, counting. */
    for (int pattern = 0; pattern < 3; pattern++) {
        uint8_t frames[4096];
        for (size_t i = 0; i < sizeof(frames); i++) {
            frames[i] = pattern == 0 ? 0xff : pattern == 1 ? 0 : (uint8_t)i;
        }
        int descriptor = connect_to(&server);
        (void)send(descriptor, preface, sizeof(preface) - 1, MSG_NOSIGNAL);
        (void)send(descriptor, frames, sizeof(frames), MSG_NOSIGNAL);
        (void)shutdown(descriptor, SHUT_WR);
        read_all(descriptor);
        close(descriptor);
    }
    assert_answered(rpc_call(server.client, "/test.Test/Tell", none, NO_OPTIONS), cleat_slice_of("0"));
    server_stop(&server);
}

static void test_connections_that_say_nothing(void **state)
{
    enum { CONNECTIONS = 50 };
    test_server server;
    int descriptors[CONNECTIONS];
    (void)state;
    server_start(&server, (cleat__rpc_options){0});
    for (int i = 0; i < CONNECTIONS; i++) {
        descriptors[i] = connect_to(&server);
        if (i % 2 != 0) { /* half a beginning */
            assert_int_equal(send(descriptors[i], "PRI * HTTP", 10, MSG_NOSIGNAL), 10);
        }
    }
    assert_answered(rpc_call(server.client, "/test.Test/Tell", none, NO_OPTIONS), cleat_slice_of("0"));
    server_stop(&server); /* is not held up by them */
    for (int i = 0; i < CONNECTIONS; i++) {
        read_all(descriptors[i]);
        close(descriptors[i]);
    }
}

/* ---- The end ---- */

static void test_streams_end_when_it_stops(void **state)
{
    test_server server;
    cleat__buffer message = {0};
    (void)state;
    server_start(&server, (cleat__rpc_options){0});
    rpc_stream *listener = rpc_begin(server.client, "/test.Test/Listen", none, NO_OPTIONS);
    rpc_stream *chatter = rpc_open(server.client, "/test.Test/Chat", NO_OPTIONS);
    rpc_accepted(chatter);
    assert_int_equal(cleat__rpc_send_bytes(parked(&server.service, 0), cleat_slice_of("last")), CLEAT_OK);
    int64_t begin_ns = cleat__clock_monotonic_ns(NULL);
    cleat__rpc_server_stop(server.server, 300000);
    assert_true(cleat__clock_monotonic_ns(NULL) - begin_ns < INT64_C(150000000000));
    assert_int_equal(gate_count(&server.service.cancelled), 2);
    assert_int_equal(gate_count(&server.service.ended), 2);
    assert_true(rpc_read(listener, &message)); /* what was sent before has come */
    assert_true(cleat_slice_equals(cleat__buffer_slice(&message), cleat_slice_of("last")));
    assert_ended(rpc_end(listener), GRPC_STATUS_UNAVAILABLE, "the server stops");
    assert_ended(rpc_end(chatter), GRPC_STATUS_UNAVAILABLE, "the server stops");
    cleat__rpc_server_stop(server.server, 300000); /* again */
    cleat__buffer_deinit(&message);
    server_stop(&server);
}

static void *stop(void *argument)
{
    cleat__rpc_server_stop(argument, 300000);
    return NULL;
}

static void test_calls_are_waited_for_and_nobody_is_let_in(void **state)
{
    test_server server;
    pthread_t thread, another;
    cleat__buffer message = {0};
    (void)state;
    server_start(&server, (cleat__rpc_options){0});
    rpc_stream *listener = rpc_begin(server.client, "/test.Test/Listen", none, NO_OPTIONS);
    (void)parked(&server.service, 0);
    rpc_stream *stream = rpc_begin(server.client, "/test.Test/Park", none, NO_OPTIONS);
    cleat__rpc_call *call = parked(&server.service, 1);
    assert_int_equal(cleat__thread_start(&thread, "stop", stop, server.server), CLEAT_OK);
    assert_int_equal(cleat__thread_start(&another, "stop", stop, server.server), CLEAT_OK);
    gate_wait(&server.service.cancelled, 1); /* it stops */
    assert_ended(rpc_call(server.client, "/test.Test/Tell", none, NO_OPTIONS), GRPC_STATUS_UNAVAILABLE,
                 "the server stops");
    rpc_stream *late = rpc_open(server.client, "/test.Test/Chat", NO_OPTIONS);
    assert_ended(rpc_end(late), GRPC_STATUS_UNAVAILABLE, "the server stops");
    cleat__rpc_reply_bytes(call, cleat_slice_of("in time"));
    assert_true(rpc_read(stream, &message));
    assert_true(cleat_slice_equals(cleat__buffer_slice(&message), cleat_slice_of("in time")));
    assert_ended(rpc_end(stream), GRPC_STATUS_OK, NULL);
    assert_ended(rpc_end(listener), GRPC_STATUS_UNAVAILABLE, "the server stops");
    pthread_join(thread, NULL);
    pthread_join(another, NULL);
    cleat__buffer_deinit(&message);
    server_stop(&server);
}

static void test_what_takes_too_long_is_cancelled(void **state)
{
    test_server server;
    char bytes[65536] = "";
    (void)state;
    server_start(&server, (cleat__rpc_options){.thread_count = 1});
    server.service.keeps_cancelled = true;
    rpc_stream *stalled = rpc_begin(server.client, "/test.Test/Listen", none, NO_OPTIONS);
    cleat__rpc_call *stream = parked(&server.service, 0);
    while (cleat__rpc_send_bytes(stream, (cleat_slice){bytes, sizeof(bytes)}) == CLEAT_OK) {
    }
    rpc_stream *waiting = rpc_begin(server.client, "/test.Test/Park", none, NO_OPTIONS);
    cleat__rpc_call *call = parked(&server.service, 1);
    rpc_stream *watched = rpc_begin(server.client, "/test.Test/Watched", none, NO_OPTIONS);
    cleat__rpc_call *other = parked(&server.service, 2);
    rpc_stream *silent = rpc_open(server.client, "/test.Test/Park", NO_OPTIONS); /* sends no message */
    /* The one thread takes calls in as they come, so it has that one too. */
    assert_answered(rpc_call(server.client, "/test.Test/Tell", none, NO_OPTIONS), cleat_slice_of("0"));
    cleat__rpc_server_stop(server.server, 10);
    assert_int_equal(gate_count(&server.service.cancelled), 2);
    assert_int_equal(gate_count(&server.service.ended), 0);
    assert_ended(rpc_end(waiting), GRPC_STATUS_UNAVAILABLE, "the server stops");
    assert_ended(rpc_end(watched), GRPC_STATUS_UNAVAILABLE, "the server stops");
    assert_int_equal(rpc_end(silent).code, GRPC_STATUS_UNAVAILABLE);
    cleat__buffer message = {0};
    while (rpc_read(stalled, &message)) {
    }
    assert_int_equal(rpc_end(stalled).code, GRPC_STATUS_UNAVAILABLE);
    cleat__buffer_deinit(&message);
    /* Handlers that come late, also after the server is gone. */
    cleat__rpc_reply_bytes(call, cleat_slice_of("too late"));
    assert_int_equal(gate_count(&server.service.ended), 1);
    cleat__rpc_server_free(server.server);
    server.server = NULL;
    assert_int_equal(cleat__rpc_send_bytes(stream, cleat_slice_of("x")), CLEAT_CANCELLED);
    cleat__rpc_finish(stream, CLEAT_OK, "too late", cleat_slice_of("x"));
    cleat__rpc_abort(other, CLEAT_FAILED, "too late");
    assert_int_equal(gate_count(&server.service.ended), 3);
    rpc_client_free(server.client);
    service_deinit(&server.service);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_servers),
        cmocka_unit_test(test_the_address_tells_the_port),
        cmocka_unit_test(test_ipv6),
        cmocka_unit_test(test_addresses_that_are_none),
        cmocka_unit_test(test_an_address_of_another_machine),
        cmocka_unit_test(test_the_address_is_in_use),
        cmocka_unit_test(test_the_port_can_be_taken_again),
        cmocka_unit_test(test_tables_that_are_wrong),
        cmocka_unit_test(test_a_server_without_methods),
        cmocka_unit_test(test_a_start_without_memory),
        cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_connections_that_say_nothing),
        cmocka_unit_test(test_streams_end_when_it_stops),
        cmocka_unit_test(test_calls_are_waited_for_and_nobody_is_let_in),
        cmocka_unit_test(test_what_takes_too_long_is_cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
