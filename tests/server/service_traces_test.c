/* Spans on their way in, over gRPC and HTTP: stored when answered, refused with the time to come again. */
#include "server/http_fixture.h"

#include "collector/json_request.h"
#include "collector/otlp_in.h"
#include "engine/engine.h"
#include "server/http_traces.h"
#include "server/service.h"
#include "support/rpc_client.h"
#include "support/temp_dir.h"
#include "wire/google/rpc/error_details.pb-c.h"
#include "wire/message.h"
#include "wire/status.h"

#include <grpc/status.h>
#include <zlib.h>

static const char path[] = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
static const char json[] =
    "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"traceId\":\"4bf92f3577b34da6a3ce929d0e0e4736\","
    "\"spanId\":\"00f067aa0ba902b7\",\"name\":\"a\",\"startTimeUnixNano\":\"1\",\"endTimeUnixNano\":\"2\"},"
    "{\"traceId\":\"\",\"spanId\":\"00f067aa0ba902b7\",\"name\":\"b\"}]}]}]}";

typedef struct fixture {
    temp_dir dir;
    cleat__engine *engine;
    cleat__otlp_in otlp;
    cleat__services services;
    cleat__http_table table;
    cleat__http_server *http;
    cleat__rpc_server *rpc;
    rpc_client *client;
    cleat__buffer protobuf; /* the same request */
    pthread_t thread;       /* keeps the engine busy while the collector is full */
    gate is_held, goes_on, is_stored;
} fixture;

static int start_with(void **state, size_t max_waiting_bytes)
{
    fixture *it = calloc(1, sizeof(*it));
    const cleat__collector_options collector = {.retention_ms = -1, .max_waiting_bytes = max_waiting_bytes};
    temp_dir_make(&it->dir);
    assert_int_equal(cleat__engine_open(&(cleat__engine_options){.path = it->dir.database}, &it->engine),
                     CLEAT_OK);
    assert_int_equal(cleat__collector_new(it->engine, &collector, &it->otlp.collector), CLEAT_OK);
    it->services.otlp = &it->otlp;
    it->table = cleat__http_traces_table(&it->otlp);
    const cleat__http_options http = {
        .address = "127.0.0.1:0", .tables = &it->table, .table_count = 1, .authenticate = check_token};
    assert_int_equal(cleat__http_server_start(&http, &it->http), CLEAT_OK);
    const cleat__rpc_service service = cleat__service_traces(&it->services);
    const cleat__rpc_options rpc = {
        .address = "127.0.0.1:0", .services = &service, .service_count = 1, .anonymous = {.tenant = 1}};
    assert_int_equal(cleat__rpc_server_start(&rpc, &it->rpc), CLEAT_OK);
    it->client = rpc_client_new(cleat__rpc_server_address(it->rpc), (rpc_client_options){0});
    assert_int_equal(cleat__json_request_encode(cleat_slice_of(json), &it->protobuf), CLEAT_OK);
    *state = it;
    return 0;
}

static int start(void **state)
{
    return start_with(state, 0);
}

static cleat_status hold_engine(cleat__store *store, void *argument)
{
    fixture *it = argument;
    (void)store;
    gate_add(&it->is_held);
    return gate_try(&it->goes_on, 1, 300000) ? CLEAT_OK : CLEAT_TIMEOUT;
}

static void *hold(void *argument)
{
    fixture *it = argument;
    (void)cleat__engine_call(it->engine, hold_engine, it);
    return NULL;
}

static void on_stored(void *argument, cleat_status status, cleat_slice response)
{
    (void)status, (void)response;
    gate_add(&((fixture *)argument)->is_stored);
}

static void begin_to_hold(fixture *it)
{
    gate_init(&it->is_held);
    gate_init(&it->goes_on);
    gate_init(&it->is_stored);
    assert_int_equal(cleat__thread_start(&it->thread, "hold", hold, it), CLEAT_OK);
    gate_wait(&it->is_held, 1);
}

/* With room for one request, which waits there. */
static int start_full(void **state)
{
    start_with(state, 1);
    fixture *it = *state;
    cleat__buffer body = {0};
    begin_to_hold(it);
    cleat__buffer_append_slice(&body, cleat__buffer_slice(&it->protobuf));
    assert_int_equal(cleat__otlp_in_take(&it->otlp, 1, false, &body, on_stored, it), CLEAT_OK);
    return 0;
}

static int stop(void **state)
{
    fixture *it = *state;
    rpc_client_free(it->client);
    cleat__rpc_server_stop(it->rpc, 300000);
    cleat__http_server_free(it->http);
    cleat__collector_free(it->otlp.collector);
    cleat__engine_close(it->engine);
    cleat__rpc_server_free(it->rpc);
    cleat__buffer_deinit(&it->protobuf);
    temp_dir_remove(&it->dir);
    free(it);
    return 0;
}

static int stop_held(void **state)
{
    fixture *it = *state;
    gate_add(&it->goes_on);
    pthread_join(it->thread, NULL);
    gate_deinit(&it->is_held);
    gate_deinit(&it->goes_on);
    gate_deinit(&it->is_stored);
    return stop(state);
}

static int stop_full(void **state)
{
    fixture *it = *state;
    gate_add(&it->goes_on);
    gate_wait(&it->is_stored, 1);
    return stop_held(state);
}

static int start_held(void **state)
{
    start(state);
    begin_to_hold(*state);
    return 0;
}

static uint64_t spans_stored(fixture *it)
{
    cleat__collector_stats stats;
    cleat__collector_get_stats(it->otlp.collector, &stats);
    return stats.spans_stored;
}

/* ---- gRPC ---- */

static void a_request_over_grpc_is_stored(void **state)
{
    fixture *it = *state;
    rpc_result result = rpc_call(it->client, path, cleat__buffer_slice(&it->protobuf), (rpc_call_options){0});
    assert_int_equal(result.code, GRPC_STATUS_OK);
    assert_int_equal(spans_stored(it), 1);
    assert_true(result.message.size > 4); /* the other one is in a partial success */
    rpc_result_deinit(&result);
    result = rpc_call(it->client, path, cleat_slice_of("\x0a\xff"), (rpc_call_options){0});
    assert_int_equal(result.code, GRPC_STATUS_INVALID_ARGUMENT);
    rpc_result_deinit(&result);
}

static void a_full_collector_over_grpc_says_when_to_come_again(void **state)
{
    fixture *it = *state;
    cleat_status status;
    rpc_result result = rpc_call(it->client, path, cleat__buffer_slice(&it->protobuf), (rpc_call_options){0});
    assert_int_equal(result.code, GRPC_STATUS_RESOURCE_EXHAUSTED);
    Cleat__Google__Rpc__RetryInfo *info = cleat__status_detail_unpack(
        cleat__buffer_slice(&result.details), &cleat__google__rpc__retry_info__descriptor, &status);
    assert_non_null(info);
    assert_int_equal(info->retry_delay->seconds, 1);
    cleat__message_free(info);
    rpc_result_deinit(&result);
}

/* ---- HTTP ---- */

#define POST(body_, ...) \
    ask(it->http, (question){.method = "POST", .path = "/v1/traces", .body = body_, __VA_ARGS__})
#define TYPE_JSON     "Content-Type: application/json; charset=utf-8"
#define TYPE_PROTOBUF "Content-Type: application/x-protobuf"

static void assert_reply(reply it, long status, const char *header, const char *part)
{
    if (it.status != status || strstr(it.headers, header) == NULL || it.body == NULL ||
        strstr(it.body, part) == NULL) {
        fail_msg("%ld %s %s instead of %ld %s %s", it.status, it.headers, it.body != NULL ? it.body : "",
                 status, header, part);
    }
    reply_deinit(&it);
}

static void json_is_stored_and_answered_in_json(void **state)
{
    fixture *it = *state;
    assert_reply(POST(json, .headers = {AS_1, TYPE_JSON}), 200, "application/json",
                 "\"partialSuccess\":{\"rejectedSpans\":\"1\"");
    assert_int_equal(spans_stored(it), 1);
    assert_reply(POST("{", .headers = {AS_1, TYPE_JSON}), 400, "application/json",
                 "{\"code\":3,\"message\":\"");
}

static void protobuf_is_stored_and_answered_in_protobuf(void **state)
{
    fixture *it = *state;
    reply answer = POST((const char *)it->protobuf.data, .body_size = it->protobuf.size,
                        .headers = {AS_1, TYPE_PROTOBUF});
    assert_int_equal(answer.status, 200);
    assert_true(answer.body_size > 4);
    reply_deinit(&answer);
    assert_int_equal(spans_stored(it), 1);
    answer = POST("\x0a\xff", .headers = {AS_1, TYPE_PROTOBUF});
    assert_int_equal(answer.status, 400);
    cleat_status status;
    cleat__buffer body = {0};
    cleat__buffer_append(&body, answer.body, answer.body_size);
    Cleat__Google__Rpc__Status *message =
        cleat__message_unpack(&cleat__google__rpc__status__descriptor, cleat__buffer_slice(&body), &status);
    assert_non_null(message);
    assert_int_equal(message->code, 3);
    assert_true(strlen(message->message) > 0);
    cleat__message_free(message);
    cleat__buffer_deinit(&body);
    reply_deinit(&answer);
}

static void packed_bodies_are_stored(void **state)
{
    enum { GZIP = 16 };
    fixture *it = *state;
    uint8_t packed[1024];
    z_stream stream = {.next_in = it->protobuf.data,
                       .avail_in = (uInt)it->protobuf.size,
                       .next_out = packed,
                       .avail_out = sizeof(packed)};
    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, MAX_WBITS + GZIP, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    deflateEnd(&stream);
    reply answer = POST((const char *)packed, .body_size = stream.total_out,
                        .headers = {AS_1, TYPE_PROTOBUF, "Content-Encoding: gzip"});
    assert_int_equal(answer.status, 200);
    reply_deinit(&answer);
    assert_int_equal(spans_stored(it), 1);
}

static void a_full_collector_over_http_says_when_to_come_again(void **state)
{
    fixture *it = *state;
    assert_reply(POST(json, .headers = {AS_1, TYPE_JSON}), 429, "Retry-After: 1\r\n", "{\"code\":8,");
}

/* The thread is wanted for others; what was taken is stored later, with nobody to be told. */
static void what_is_not_stored_in_time_holds_no_thread(void **state)
{
    fixture *it = *state;
    cleat__http_call call = {.service = it->table.service,
                             .identity.tenant = 1,
                             .content_type = "application/json",
                             .body = cleat_slice_of(json),
                             .deadline_ns = cleat__deadline_ns(20)};
    it->table.routes[0].handle(&call);
    assert_int_equal(call.answer.status, 503);
    assert_true(call.answer.retry_after_s > 0);
    cleat__http_call_deinit(&call);
    gate_add(&it->goes_on);
    rpc_result next = rpc_call(it->client, path, cleat__buffer_slice(&it->protobuf), (rpc_call_options){0});
    assert_int_equal(next.code, GRPC_STATUS_OK); /* behind the first one */
    assert_true(spans_stored(it) >= 1);
    rpc_result_deinit(&next);
}

static void other_types_and_strangers_are_refused(void **state)
{
    fixture *it = *state;
    assert_reply(POST(json, .headers = {AS_1, "Content-Type: application/jsonx"}), 415, "", "Content-Type");
    assert_reply(POST(json, .headers = {AS_1, "Content-Type: text/plain"}), 415, "", "Content-Type");
    assert_reply(POST(json, .headers = {TYPE_JSON}), 403, "", "credentials");
    assert_int_equal(spans_stored(it), 0);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, start, stop)
#define HELD(function) cmocka_unit_test_setup_teardown(function, start_held, stop_held)
#define FULL(function) cmocka_unit_test_setup_teardown(function, start_full, stop_full)
    const struct CMUnitTest tests[] = {
        TEST(a_request_over_grpc_is_stored),
        FULL(a_full_collector_over_grpc_says_when_to_come_again),
        TEST(json_is_stored_and_answered_in_json),
        TEST(protobuf_is_stored_and_answered_in_protobuf),
        TEST(packed_bodies_are_stored),
        FULL(a_full_collector_over_http_says_when_to_come_again),
        HELD(what_is_not_stored_in_time_holds_no_thread),
        TEST(other_types_and_strangers_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
