/*
 * The gRPC server, with a client in the same process: unary calls a second at 64 in flight, the time of
 * one alone, and messages a second on one stream. Handlers answer at once.
 */
#include "grpc/completion.h"
#include "grpc/library.h"
#include "server/rpc.h"
#include "support/bench.h"

#include <grpc/byte_buffer.h>
#include <grpc/grpc_security.h>

enum { RUNS = 5, CALLS = 100000, ALONE = 5000, MESSAGES = 200000, SIZE = 100, MOST_IN_FLIGHT = 64 };

static void check(bool is_good, const char *what)
{
    if (!is_good) {
        fprintf(stderr, "bench/rpc: %s: %s\n", what, cleat_error_message());
        exit(1);
    }
}

/* ---- The server ---- */

static void echo(cleat__rpc_call *call, cleat_slice request, void *service)
{
    (void)service;
    cleat__rpc_reply_bytes(call, request);
}

/* Sends as much as fits, and goes on when it has been taken; the request is the message. */
static void send_some(cleat__rpc_call *call, void *service)
{
    static const char message[SIZE];
    size_t *left = service;
    while (*left != 0 && cleat__rpc_send_bytes(call, (cleat_slice){message, SIZE}) == CLEAT_OK) {
        --*left;
    }
    if (*left == 0) {
        *left = MESSAGES;
        cleat__rpc_finish(call, CLEAT_OK, NULL, (cleat_slice){NULL, 0});
    }
}

static void listen_to(cleat__rpc_call *call, cleat_slice request, void *service)
{
    (void)request;
    send_some(call, service);
}

static void on_cancelled(cleat__rpc_call *call, void *service)
{
    (void)service;
    cleat__rpc_finish(call, CLEAT_CANCELLED, NULL, (cleat_slice){NULL, 0});
}

static const cleat__rpc_method methods[] = {
    {.path = "/bench.Bench/Echo", .handle_bytes = echo},
    {.path = "/bench.Bench/Listen",
     .kind = CLEAT__RPC_SERVER_STREAM,
     .handle_bytes = listen_to,
     .drained = send_some,
     .cancelled = on_cancelled},
};

/* ---- The client ---- */

typedef struct client_call {
    grpc_call *call;
    grpc_metadata_array head, trailer;
    grpc_status_code code;
    grpc_slice text;
    grpc_byte_buffer *message;
} client_call;

static grpc_channel *channel;
static grpc_completion_queue *queue;
static grpc_byte_buffer *request;

/* The call, with its first message and, of a unary one, its end. */
static void start_call(client_call *self, const char *path, bool is_unary)
{
    grpc_op operations[6] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA},
        {.op = GRPC_OP_SEND_MESSAGE, .data.send_message = {.send_message = request}},
        {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT},
        {.op = GRPC_OP_RECV_INITIAL_METADATA,
         .data.recv_initial_metadata = {.recv_initial_metadata = &self->head}},
        {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message = {.recv_message = &self->message}},
        {.op = GRPC_OP_RECV_STATUS_ON_CLIENT,
         .data.recv_status_on_client = {.trailing_metadata = &self->trailer,
                                        .status = &self->code,
                                        .status_details = &self->text}},
    };
    *self = (client_call){.code = GRPC_STATUS_OK};
    grpc_metadata_array_init(&self->head);
    grpc_metadata_array_init(&self->trailer);
    self->text = grpc_empty_slice();
    self->call = grpc_channel_create_call(channel, NULL, 0, queue, grpc_slice_from_static_string(path), NULL,
                                          gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    grpc_call_start_batch(self->call, operations, is_unary ? 6 : 5, self, NULL);
}

static client_call *next_event(void)
{
    grpc_event event = grpc_completion_queue_next(queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    check(event.type == GRPC_OP_COMPLETE && event.success != 0, "a call fails");
    return event.tag;
}

static void end_call(client_call *self)
{
    check(self->code == GRPC_STATUS_OK, "a call ends badly");
    if (self->message != NULL) {
        grpc_byte_buffer_destroy(self->message);
    }
    grpc_metadata_array_destroy(&self->head);
    grpc_metadata_array_destroy(&self->trailer);
    grpc_slice_unref(self->text);
    grpc_call_unref(self->call);
}

/* Calls a second. */
static double run_calls(size_t total, size_t in_flight)
{
    static client_call calls[MOST_IN_FLIGHT];
    int64_t begin_ns = bench_now_ns();
    for (size_t i = 0; i < in_flight; i++) {
        start_call(&calls[i], "/bench.Bench/Echo", true);
    }
    for (size_t done = 0; done < total; done++) {
        client_call *call = next_event();
        check(call->message != NULL, "a call has no answer");
        end_call(call);
        if (done + in_flight < total) {
            start_call(call, "/bench.Bench/Echo", true);
        }
    }
    return (double)total * 1e9 / (double)(bench_now_ns() - begin_ns);
}

/* Messages a second. */
static double run_stream(void)
{
    client_call stream;
    size_t count = 0;
    int64_t begin_ns = bench_now_ns();
    start_call(&stream, "/bench.Bench/Listen", false);
    (void)next_event();
    while (stream.message != NULL) {
        const grpc_op operation = {.op = GRPC_OP_RECV_MESSAGE,
                                   .data.recv_message = {.recv_message = &stream.message}};
        count++;
        grpc_byte_buffer_destroy(stream.message);
        stream.message = NULL;
        grpc_call_start_batch(stream.call, &operation, 1, &stream, NULL);
        (void)next_event();
    }
    check(count == MESSAGES, "messages are lost");
    end_call(&stream);
    return (double)count * 1e9 / (double)(bench_now_ns() - begin_ns);
}

static void connect_client(const char *address)
{
    static const char bytes[SIZE];
    grpc_channel_credentials *credentials = grpc_insecure_credentials_create();
    grpc_slice slice = grpc_slice_from_copied_buffer(bytes, SIZE);
    channel = grpc_channel_create(address, credentials, NULL);
    grpc_channel_credentials_release(credentials);
    queue = grpc_completion_queue_create_for_next(NULL);
    request = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
}

static void disconnect_client(void)
{
    grpc_byte_buffer_destroy(request);
    grpc_channel_destroy(channel);
    grpc_completion_queue_shutdown(queue);
    (void)grpc_completion_queue_next(queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    grpc_completion_queue_destroy(queue);
}

int main(void)
{
    size_t left = MESSAGES;
    const cleat__rpc_service service = {methods, sizeof(methods) / sizeof(methods[0]), &left};
    const cleat__rpc_options options = {.address = "127.0.0.1:0", .services = &service, .service_count = 1};
    cleat__rpc_server *server = NULL;
    double many[RUNS], alone[RUNS], messages[RUNS];
    check(cleat__grpc_begin() == CLEAT_OK, "gRPC");
    check(cleat__rpc_server_start(&options, &server) == CLEAT_OK, "the server");
    connect_client(cleat__rpc_server_address(server));
    bench_print_machine();
    for (int i = 0; i < RUNS; i++) {
        many[i] = run_calls(CALLS, MOST_IN_FLIGHT);
        alone[i] = 1e6 / run_calls(ALONE, 1);
        messages[i] = run_stream();
    }
    printf("unary, %d in flight  %8.0f calls/s\n", MOST_IN_FLIGHT, bench_median(many, RUNS));
    printf("unary, one alone     %8.0f us\n", bench_median(alone, RUNS));
    printf("stream               %8.0f messages/s\n", bench_median(messages, RUNS));
    printf("memory               %8.1f MiB\n", bench_resident_mib());
    disconnect_client();
    cleat__rpc_server_free(server);
    cleat__grpc_end();
    return 0;
}
