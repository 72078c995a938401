/* What goes on to another back end: what came in, and what the engine says of it. */
#include "server/service_test.h"

#include "otlp/received.h"
#include "support/http_sink.h"

#include <curl/curl.h>

typedef struct forwarded_world {
    service_world world; /* first */
    http_sink *sink;
} forwarded_world;

static int begin(void **state)
{
    forwarded_world *it = calloc(1, sizeof(*it));
    temp_dir_make(&it->world.dir);
    it->sink = http_sink_start();
    it->world.token = issue_token(it->world.dir.database, "default", it->world.tenant);
    const cleat__server_options options = {
        .database = it->world.dir.database,
        .grpc_address = "127.0.0.1:0",
        .http_address = "127.0.0.1:0",
        .otlp_forward = http_sink_url(it->sink, ""),
        .otlp_forward_header = "X-Key: 7",
    };
    assert_int_equal(cleat__server_start(&options, &it->world.server), CLEAT_OK);
    it->world.client = rpc_client_new(cleat__server_grpc_address(it->world.server), (rpc_client_options){0});
    *state = it;
    return 0;
}

static int end(void **state)
{
    forwarded_world *it = *state;
    http_sink_stop(it->sink);
    temp_dir_remove(&it->world.dir);
    free(it->world.token);
    free(it);
    return 0;
}

/* The span of the execution of a run, below the caller's. */
static void send_execution(forwarded_world *it, id_text run)
{
    char url[128], authorization[4200], body[1024];
    long status = 0;
    CURL *easy = curl_easy_init();
    snprintf(url, sizeof(url), "http://%s/v1/traces", cleat__server_http_address(it->world.server));
    snprintf(authorization, sizeof(authorization), "Authorization: %s", it->world.token);
    snprintf(body, sizeof(body),
             "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{"
             "\"traceId\":\"4bf92f3577b34da6a3ce929d0e0e4736\",\"spanId\":\"00f067aa0ba902b7\","
             "\"parentSpanId\":\"00f067aa0ba902b1\",\"name\":\"hatchet.start_step_run\","
             "\"startTimeUnixNano\":\"1\",\"endTimeUnixNano\":\"2\",\"attributes\":["
             "{\"key\":\"hatchet.workflow_run_id\",\"value\":{\"stringValue\":\"%s\"}},"
             "{\"key\":\"hatchet.step_run_id\",\"value\":{\"stringValue\":\"%s\"}}]}]}]}]}",
             run.text, run.text);
    struct curl_slist *headers = curl_slist_append(NULL, authorization);
    headers = curl_slist_append(headers, "Content-Type: application/json");
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, stderr);
    assert_int_equal(curl_easy_perform(easy), CURLE_OK);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    assert_int_equal(status, 200);
    curl_slist_free_all(headers);
    curl_easy_cleanup(easy);
}

/* Of all that came to the sink. Spans of different requests come in any order. */
static size_t count_spans(const forwarded_world *it, const char *name, cleat_span_id *parent)
{
    size_t count = 0;
    for (size_t i = 0; i < http_sink_requests(it->sink); i++) {
        cleat__buffer body = {0};
        cleat__otlp_received *received = NULL;
        cleat_span_view span;
        size_t cursor = 0;
        cleat__buffer_append_slice(&body, http_sink_request(it->sink, i).body);
        assert_int_equal(cleat__otlp_received_new(&body, NULL, &received), CLEAT_OK);
        while (cleat_span_batch_next(&received->batch, &cursor, &span)) {
            if (cleat_slice_equals(span.name, cleat_slice_of(name))) {
                *parent = span.parent_span_id;
                count++;
            }
        }
        cleat__otlp_received_release(received);
    }
    return count;
}

static void what_the_engine_adds_goes_along(void **state)
{
    forwarded_world *it = *state;
    cleat_span_id executed = {{1}}, queued = {{2}};
    char key[16];
    declare(&it->world, (task_declaration){.name = "t"});
    id_text run = trigger(&it->world, "t", "{}");
    rpc_stream *stream = stay_as(&it->world, register_worker(&it->world, "t", 1));
    cleat__message_free(next_action(stream));
    send_execution(it, run);
    send_execution(it, run); /* which the server knows already: only the peer's goes on again */
    stop_listening(stream);
    world_end(&it->world);
    assert_int_equal(count_spans(it, "hatchet.start_step_run", &executed), 2);
    assert_int_equal(count_spans(it, "hatchet.engine.queued", &queued), 1);
    assert_memory_equal(&executed, &queued, sizeof(executed));
    assert_string_equal(http_header(http_sink_request(it->sink, 0).head, "X-Key", key, sizeof(key)), "7");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_the_engine_adds_goes_along, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
