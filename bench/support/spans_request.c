#include "spans_request.h"

#include "bench.h"
#include "otlp/received.h"
#include "otlp/request.h"
#include "trace/batch.h"

#include <cleat/trace.h>

enum { TRACE = 8 };

static void check(cleat_status status)
{
    if (status != CLEAT_OK) {
        fprintf(stderr, "bench: a request with spans: %s\n", cleat_error_message());
        exit(1);
    }
}

typedef struct request_template {
    cleat__buffer body;
    size_t records[BENCH_SPANS]; /* where each begins: trace id at 2, span id at 20 */
    size_t count;
} request_template;

static request_template template;

static cleat_status take_template(cleat_span_exporter *self, const cleat_span_batch *batch,
                                  int64_t timeout_ms)
{
    cleat__otlp_request request = {0};
    cleat__otlp_received *received = NULL;
    cleat__buffer copy = {0};
    size_t cursor = 0;
    (void)self;
    (void)timeout_ms;
    check(cleat__otlp_request_build(&request, batch, &cursor, SIZE_MAX));
    for (size_t i = 0; i < request.piece_count; i++) {
        cleat__buffer_append_slice(&template.body, request.pieces[i]);
    }
    cleat__otlp_request_deinit(&request);
    cleat__buffer_append(&copy, template.body.data, template.body.size);
    const uint8_t *begin = copy.data;
    check(cleat__otlp_received_new(&copy, NULL, &received));
    for (size_t i = 0; i < received->batch.count; i++) {
        cleat_slice record = cleat__batch_record(&received->batch.entries[i]);
        template.records[template.count++] = (size_t)((const uint8_t *)record.data - begin);
    }
    cleat__otlp_received_release(received);
    return CLEAT_OK;
}

static void make_span(cleat_tracer *tracer)
{
    cleat_span span = cleat_span_start(tracer, "GET /orders/{id}", NULL);
    cleat_span_set_string(span, "http.request.method", "GET");
    cleat_span_set_string(span, "url.path", "/orders/1234567");
    cleat_span_set_string(span, "url.scheme", "https");
    cleat_span_set_string(span, "server.address", "orders.example");
    cleat_span_set_int(span, "server.port", 8443);
    cleat_span_set_int(span, "http.response.status_code", 200);
    cleat_span_set_string(span, "user_agent.original", "curl/7.88.1");
    cleat_span_set_bool(span, "cached", false);
    cleat_span_end(span);
}

void bench_spans_make(void)
{
    static cleat_span_exporter exporter = {.export_spans = take_template};
    cleat_tracer_provider *provider = NULL;
    cleat_span_processor *processor = NULL;
    check(cleat_tracer_provider_new(NULL, &provider));
    check(cleat_batch_processor_new(
        &exporter, CLEAT_BATCH_PROCESSOR_OPTIONS(.max_export_batch_size = BENCH_SPANS), &processor));
    check(cleat_tracer_provider_add_processor(provider, processor));
    cleat_tracer *tracer = cleat_tracer_provider_get_tracer(provider, "bench", NULL);
    for (int i = 0; i < BENCH_SPANS; i++) {
        make_span(tracer);
    }
    check(cleat_tracer_provider_force_flush(provider, 10000));
    cleat_tracer_provider_free(provider);
}

void bench_spans_append(cleat__random *random, cleat__buffer *body)
{
    size_t begin = body->size;
    uint64_t trace[2] = {0, 0};
    cleat__buffer_append(body, template.body.data, template.body.size);
    for (size_t i = 0; i < template.count; i++) {
        uint64_t span = cleat__random_next(random);
        if (i % TRACE == 0) {
            trace[0] = cleat__random_next(random);
            trace[1] = cleat__random_next(random);
        }
        memcpy(body->data + begin + template.records[i] + 2, trace, sizeof(trace));
        memcpy(body->data + begin + template.records[i] + 20, &span, sizeof(span));
    }
}

size_t bench_spans_size(void)
{
    return template.body.size;
}

void bench_spans_free(void)
{
    cleat__buffer_deinit(&template.body);
}
