/* The account of the gRPC server: what it has in its hands is bounded, whoever asks for it. */
#include "server/rpc_test.h"

enum { ACCOUNT = 96 * 1024, LARGE = 60 * 1024, MEDIUM = 17 * 1024 };

static char bytes[LARGE];

static rpc_result ask_with(test_server *server, size_t size)
{
    return rpc_call(server->client, "/test.Test/Bytes", (cleat_slice){bytes, size}, NO_OPTIONS);
}

static void assert_refused(test_server *server, size_t size)
{
    assert_ended(ask_with(server, size), GRPC_STATUS_RESOURCE_EXHAUSTED, "try again later");
}

static void assert_served(test_server *server, size_t size)
{
    assert_answered(ask_with(server, size), (cleat_slice){bytes, size});
}

static rpc_stream *begin(rpc_client *client, const char *path)
{
    return rpc_begin(client, path, cleat_slice_of("x"), NO_OPTIONS);
}

static void read_answer(rpc_stream *stream, size_t size)
{
    cleat__buffer answer = {0};
    assert_true(rpc_read(stream, &answer));
    assert_int_equal(answer.size, size);
    cleat__buffer_deinit(&answer);
    assert_ended(rpc_end(stream), GRPC_STATUS_OK, NULL);
}

static void test_what_is_refused_when(void **state)
{
    test_server server;
    (void)state;
    server_start(&server, (cleat__rpc_options){.max_memory = ACCOUNT});
    rpc_stream *stream = begin(server.client, "/test.Test/Park");
    cleat__rpc_call *call = parked(&server.service, 0);
    cleat__rpc_charge(call, ACCOUNT / 2);
    assert_false(cleat__rpc_is_short(call));
    assert_served(&server, MEDIUM);
    cleat__rpc_charge(call, ACCOUNT / 2);
    assert_true(cleat__rpc_is_short(call));
    assert_refused(&server, MEDIUM);
    assert_served(&server, 3); /* as heartbeats are */
    cleat__rpc_charge(call, ACCOUNT / 4);
    assert_refused(&server, 3);
    cleat__rpc_discharge(call, ACCOUNT + ACCOUNT / 4);
    assert_served(&server, LARGE);
    cleat__rpc_reply_bytes(call, (cleat_slice){bytes, LARGE});
    read_answer(stream, LARGE);
    server_stop(&server);
}

/* What an answer tells of is done, unless the method only reads. */
static void test_answers_when_the_account_is_full(void **state)
{
    test_server server;
    (void)state;
    server_start(&server, (cleat__rpc_options){.max_memory = ACCOUNT});
    rpc_stream *keeping = begin(server.client, "/test.Test/Park");
    cleat__rpc_call *keeper = parked(&server.service, 0);
    rpc_stream *change = begin(server.client, "/test.Test/Park");
    cleat__rpc_call *changing = parked(&server.service, 1);
    rpc_stream *look = begin(server.client, "/test.Test/Look");
    cleat__rpc_call *looking = parked(&server.service, 2);
    cleat__rpc_charge(keeper, 2 * ACCOUNT);
    cleat__rpc_reply_bytes(looking, cleat_slice_of("nothing was changed"));
    assert_ended(rpc_end(look), GRPC_STATUS_RESOURCE_EXHAUSTED, "try again later");
    cleat__rpc_reply_bytes(changing, (cleat_slice){bytes, LARGE});
    read_answer(change, LARGE);
    cleat__rpc_discharge(keeper, 2 * ACCOUNT);
    cleat__rpc_reply_bytes(keeper, (cleat_slice){bytes, 0});
    read_answer(keeping, 0);
    server_stop(&server);
}

static rpc_stream *begin_large(test_server *server)
{
    static char name[LARGE];
    static uint8_t packed[LARGE + 64];
    scope_message message = SCOPE_INIT;
    memset(name, 'n', sizeof(name) - 1);
    message.name = name;
    size_t size = protobuf_c_message_pack(&message.base, packed);
    return rpc_begin(server->client, "/test.Test/Keep", (cleat_slice){(const char *)packed, size},
                     NO_OPTIONS);
}

static void test_requests_that_handlers_keep(void **state)
{
    test_server server;
    (void)state;
    server_start(&server, (cleat__rpc_options){.max_memory = ACCOUNT});
    rpc_stream *first = begin_large(&server);
    cleat__rpc_call *call = parked(&server.service, 0);
    assert_true(cleat__rpc_is_short(call));
    assert_ended(rpc_end(begin_large(&server)), GRPC_STATUS_RESOURCE_EXHAUSTED, "try again later");
    cleat__rpc_reply_bytes(call, cleat_slice_of(""));
    read_answer(first, 0);
    gate_wait(&server.service.ended, 1);
    rpc_stream *second = begin_large(&server);
    cleat__rpc_reply_bytes(parked(&server.service, 1), cleat_slice_of(""));
    read_answer(second, 0);
    server_stop(&server);
}

/* A stream whose peer is slow keeps one message, and no queue of them. */
static void test_streams_when_memory_is_short(void **state)
{
    enum { MOST = 2000 };
    size_t count = 0;
    test_server server;
    (void)state;
    server_start(&server, (cleat__rpc_options){.max_memory = ACCOUNT, .max_queued_size = MOST * LARGE});
    rpc_stream *stream = begin(server.client, "/test.Test/Listen");
    cleat__rpc_call *call = parked(&server.service, 0);
    cleat__rpc_charge(call, ACCOUNT / 2 + 1);
    cleat_status status = CLEAT_OK;
    while (count < MOST / 2 && status == CLEAT_OK) { /* the transport takes some */
        status = cleat__rpc_send_bytes(call, (cleat_slice){bytes, LARGE});
        count += status == CLEAT_OK;
    }
    assert_int_equal(status, CLEAT_RESOURCE_EXHAUSTED);
    assert_true(count > 0);
    cleat__rpc_discharge(call, ACCOUNT / 2 + 1);
    cleat__rpc_finish(call, CLEAT_OK, NULL, (cleat_slice){NULL, 0});
    for (cleat__buffer message = {0}; count > 1; count--, message = (cleat__buffer){0}) {
        assert_true(rpc_read(stream, &message));
        cleat__buffer_deinit(&message);
    }
    read_answer(stream, LARGE);
    server_stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_refused_when),
        cmocka_unit_test(test_answers_when_the_account_is_full),
        cmocka_unit_test(test_requests_that_handlers_keep),
        cmocka_unit_test(test_streams_when_memory_is_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
