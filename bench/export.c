/*
 * What exporting costs: a million spans with five attributes and a link through OTLP/HTTP to a sink
 * in another process, beside the same bytes through a bare socket; the encoding alone; and what a
 * collector that never answers does to the program.
 */
#include "otlp/request.h"
#include "support/bench.h"
#include "support/sink.h"
#include "trace/batch.h"

#include <arpa/inet.h>
#include <cleat/trace.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <sys/socket.h>

enum { RUNS = 5, SPANS = 1000000, QUEUE = 16384, BATCH = 4096 };

static cleat_tracer *tracer;
static const cleat_span_context linked = {
    .trace_id = {{1}},
    .span_id = {{2}},
    .trace_flags = CLEAT_TRACE_FLAG_SAMPLED,
};

static void make_span(void)
{
    const cleat_link link = {.context = &linked};
    cleat_span span =
        cleat_span_start(tracer, "compress", CLEAT_SPAN_OPTIONS(.links = &link, .link_count = 1));
    cleat_span_set_string(span, "http.request.method", "aaaaaaaaaaaaaaaaaaaa");
    cleat_span_set_string(span, "url.path", "bbbbbbbbbbbbbbbbbbbb");
    cleat_span_set_string(span, "server.address", "cccccccccccccccccccc");
    cleat_span_set_int(span, "server.port", 8080);
    cleat_span_set_bool(span, "retry", true);
    cleat_span_end(span);
}

/* ---- A provider before an exporter ---- */

typedef struct setup {
    cleat_tracer_provider *provider;
    cleat_span_processor *processor;
    cleat_span_exporter *exporter;
} bench_setup;

static void check(cleat_status status)
{
    if (status != CLEAT_OK) {
        fprintf(stderr, "bench/export: %s\n", cleat_error_message());
        exit(1);
    }
}

static bench_setup set_up(cleat_span_exporter *exporter, bool blocks)
{
    bench_setup made = {.exporter = exporter};
    check(cleat_tracer_provider_new(NULL, &made.provider));
    check(cleat_batch_processor_new(exporter,
                                    CLEAT_BATCH_PROCESSOR_OPTIONS(.max_queue_size = QUEUE,
                                                                  .max_export_batch_size = BATCH,
                                                                  .blocks_when_full = blocks),
                                    &made.processor));
    check(cleat_tracer_provider_add_processor(made.provider, made.processor));
    tracer = cleat_tracer_provider_get_tracer(made.provider, "bench", NULL);
    return made;
}

/* ---- The same bytes through a bare socket ---- */

static double seconds(int64_t since_ns)
{
    return (double)(bench_now_ns() - since_ns) / 1e9;
}

static void send_all(int descriptor, const char *data, size_t size)
{
    while (size != 0) {
        ssize_t sent = send(descriptor, data, size, MSG_NOSIGNAL);
        if (sent <= 0) {
            perror("bench/export: send");
            exit(1);
        }
        data += sent;
        size -= (size_t)sent;
    }
}

static void bare_socket(uint64_t bytes, double *wall, double *cpu)
{
    enum { AT_ONCE = 256 * 1024 };
    bench_sink sink = bench_sink_start(true);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(sink.port)};
    char head[256], answer[256];
    char *body = calloc(1, AT_ONCE);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    if (body == NULL || connect(descriptor, (struct sockaddr *)&address, sizeof(address)) != 0) {
        perror("bench/export: connect");
        exit(1);
    }
    int64_t start = bench_now_ns(), cpu_start = bench_cpu_ns();
    int size = snprintf(head, sizeof(head), "POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n", AT_ONCE);
    for (uint64_t sent = 0; sent < bytes; sent += AT_ONCE) {
        send_all(descriptor, head, (size_t)size);
        send_all(descriptor, body, AT_ONCE);
        (void)!read(descriptor, answer, sizeof(answer));
    }
    *wall = seconds(start);
    *cpu = (double)(bench_cpu_ns() - cpu_start) / 1e9;
    close(descriptor);
    free(body);
    bench_sink_stop(&sink);
}

/* ---- Through OTLP/HTTP ---- */

typedef struct outcome {
    double wall, cpu, sink_cpu;
    uint64_t exported, lost, bytes, requests, retries;
} outcome;

static outcome export_once(bool is_json, bool gzip, size_t spans)
{
    bench_sink sink = bench_sink_start(true);
    cleat_span_exporter *exporter = NULL;
    const cleat_otlp_exporter_options *options =
        CLEAT_OTLP_EXPORTER_OPTIONS(.endpoint = sink.url, .compression = gzip ? CLEAT_OTLP_COMPRESSION_GZIP
                                                                              : CLEAT_OTLP_COMPRESSION_NONE);
    check(is_json ? cleat_otlp_json_exporter_new(options, &exporter)
                  : cleat_otlp_http_exporter_new(options, &exporter));
    bench_setup setup = set_up(exporter, true);
    cleat_otlp_exporter_stats stats;
    int64_t start = bench_now_ns(), cpu_start = bench_cpu_ns();
    for (size_t i = 0; i < spans; i++) {
        make_span();
    }
    check(cleat_tracer_provider_force_flush(setup.provider, 60000));
    outcome found = {.wall = seconds(start), .cpu = (double)(bench_cpu_ns() - cpu_start) / 1e9};
    cleat_otlp_exporter_get_stats(exporter, &stats);
    cleat_tracer_provider_free(setup.provider);
    bench_sink_report report = bench_sink_stop(&sink);
    found.sink_cpu = (double)report.cpu_ns / 1e9;
    found.exported = is_json || gzip ? stats.spans_exported : report.spans;
    found.lost = spans - found.exported;
    found.bytes = stats.bytes_sent;
    found.requests = stats.requests;
    found.retries = stats.retries;
    return found;
}

static outcome report_export(const char *name, bool is_json, bool gzip, size_t spans)
{
    double wall[RUNS], cpu[RUNS], sink[RUNS];
    outcome last = {0};
    uint64_t lost = 0;
    for (int i = 0; i < RUNS; i++) {
        last = export_once(is_json, gzip, spans);
        wall[i] = last.wall;
        cpu[i] = last.cpu;
        sink[i] = last.sink_cpu;
        lost += last.lost;
    }
    last.wall = bench_median(wall, RUNS);
    last.cpu = bench_median(cpu, RUNS);
    printf("%-28s %9.0f spans/s  %5.2f s CPU + %.2f s of the sink, per million  %4.0f bytes/span  %" PRIu64
           " lost\n",
           name, (double)spans / last.wall, last.cpu * 1e6 / (double)spans,
           bench_median(sink, RUNS) * 1e6 / (double)spans, (double)last.bytes / (double)spans, lost);
    return last;
}

/* ---- Encoding ---- */

static double encode_ns;

static cleat_status encode_batch(cleat_span_exporter *self, const cleat_span_batch *batch, int64_t timeout_ms)
{
    enum { TIMES = 200 };
    cleat__otlp_request request = {0};
    double runs[RUNS];
    (void)self;
    (void)timeout_ms;
    for (int run = 0; run < RUNS; run++) {
        int64_t start = bench_now_ns();
        for (int i = 0; i < TIMES; i++) {
            size_t cursor = 0;
            check(cleat__otlp_request_build(&request, batch, &cursor, SIZE_MAX));
        }
        runs[run] = (double)(bench_now_ns() - start) / TIMES / (double)cleat_span_batch_count(batch);
    }
    encode_ns = bench_median(runs, RUNS);
    cleat__otlp_request_deinit(&request);
    return CLEAT_OK;
}

static void report_encoding(void)
{
    static cleat_span_exporter exporter = {.export_spans = encode_batch};
    bench_setup setup = set_up(&exporter, false);
    for (size_t i = 0; i < BATCH; i++) {
        make_span();
    }
    check(cleat_tracer_provider_force_flush(setup.provider, 60000));
    printf("%-28s %9.1f ns/span  (aim 30)\n", "encode a batch at export", encode_ns);
    cleat_tracer_provider_free(setup.provider);
}

/* ---- A collector that never answers ---- */

static cleat_status ignore_spans(cleat_span_exporter *self, const cleat_span_batch *batch, int64_t timeout_ms)
{
    (void)self;
    (void)batch;
    (void)timeout_ms;
    return CLEAT_OK;
}

static double cost_of_span(void)
{
    double runs[RUNS];
    for (int run = 0; run < RUNS; run++) {
        int64_t start = bench_thread_cpu_ns();
        for (int i = 0; i < SPANS / RUNS; i++) {
            make_span();
        }
        runs[run] = (double)(bench_thread_cpu_ns() - start) / (SPANS / RUNS);
    }
    return bench_median(runs, RUNS);
}

static void report_dead_collector(void)
{
    static cleat_span_exporter null_exporter = {.export_spans = ignore_spans};
    bench_sink sink = bench_sink_start(false);
    cleat_span_exporter *exporter = NULL;
    bench_setup setup = set_up(&null_exporter, false);
    double null_ns = cost_of_span(), before = bench_resident_mib();
    cleat_tracer_provider_free(setup.provider);
    check(cleat_otlp_http_exporter_new(CLEAT_OTLP_EXPORTER_OPTIONS(.endpoint = sink.url), &exporter));
    setup = set_up(exporter, false);
    double dead_ns = cost_of_span(), after = bench_resident_mib();
    cleat_batch_processor_stats stats;
    cleat_batch_processor_get_stats(setup.processor, &stats);
    printf("%-28s %9.1f ns/span, %.2f times the %.1f ns before a null exporter (aim 1.2); %+.1f MiB; %" PRIu64
           " dropped and counted\n",
           "a sink that never answers", dead_ns, dead_ns / null_ns, null_ns, after - before,
           stats.dropped_full);
    cleat_tracer_provider_shutdown(setup.provider, 1);
    cleat_tracer_provider_free(setup.provider);
    bench_sink_stop(&sink);
}

int main(void)
{
    setlinebuf(stdout);
    bench_print_machine();
    printf("# medians of %d runs; queue %d, batch %d, four requests at a time; full queues make the program "
           "wait\n",
           RUNS, QUEUE, BATCH);
    outcome plain = report_export("OTLP/HTTP protobuf", false, false, SPANS);
    printf("%-28s %9.1f MiB resident (aim 20)\n", "", bench_resident_mib());
    double wall, cpu;
    bare_socket(plain.bytes, &wall, &cpu);
    printf("%-28s %9.2f s, %.2f s CPU: exporting takes %.1f times as long\n", "those bytes, bare socket",
           wall, cpu, plain.wall / wall);
    report_export("OTLP/HTTP protobuf, gzip", false, true, SPANS / 10);
    report_export("OTLP/HTTP JSON", true, false, SPANS / 10);
    report_encoding();
    report_dead_collector();
    return 0;
}
