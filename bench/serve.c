/*
 * `cleat serve` in a process of its own, and a client and a worker in this one, over gRPC on one machine;
 * every task durable (synchronous=FULL), on a file in the current directory.
 *
 *     bench/serve [--tasks N] [--runs N] [--threads N] [--slots N] [--workers N] [--seconds N]
 *
 * Memory of the server at rest, and with N workers more that are idle, each a client of its own.
 * Latency: from the call to the start of the handler, at 100 tasks a second.
 * Throughput: one producer starts no-op tasks with 200-byte payloads, 500 per call; one worker runs and
 * reports them; the time is from the first call to the last end that the client is told.
 * Spans: four producers post OTLP requests of 512 over HTTP, and each waits until they are stored.
 * Processor time is told beside these: it depends less on what else the machine does.
 */
#define _GNU_SOURCE /* usleep */
#include "support/bench.h"
#include "support/disk.h"
#include "support/server_process.h"
#include "support/spans_request.h"

#include <cleat/worker.h>

#include "base/thread.h"

#include <curl/curl.h>
#include <stdatomic.h>

#define BULK          500
#define PAYLOAD_BYTES 200
#define TASK          "bench:noop"
#define FILE_NAME     "bench-serve.db"
#define RUNS_MAX      32
#define LATENCY_TASKS 500
#define PRODUCERS     4 /* as an exporter with several requests on their way */
#define REFUSED_US    20000

typedef struct bench_options {
    size_t tasks, runs, threads, slots, workers, seconds;
} bench_options;

static void check(cleat_status status, const char *what)
{
    if (status != CLEAT_OK) {
        fprintf(stderr, "%s: %s\n", what, cleat_error_message());
        exit(1);
    }
}

static double seconds(void)
{
    return (double)bench_now_ns() / 1e9;
}

/* ---- A client with a worker ---- */

static atomic_int_fast64_t called_ns, started_ns;

static cleat_status noop(cleat_task *task, void *user_data)
{
    (void)user_data;
    atomic_store(&started_ns, bench_now_ns());
    return cleat_task_return(task, "{\"ok\":true}");
}

typedef struct bench_peer {
    cleat_client *client;
    cleat_worker *worker;
} bench_peer;

static bench_peer connect_peer(const bench_server *server, size_t threads, size_t slots)
{
    bench_peer peer = {0};
    check(cleat_client_new(
              CLEAT_CLIENT_OPTIONS(.token = server->token, .host_port = server->grpc, .tls_strategy = "none"),
              &peer.client),
          "client");
    check(cleat_worker_new(peer.client,
                           CLEAT_WORKER_OPTIONS(.name = "bench", .slots = (int)slots,
                                                .threads = (int)(threads < slots ? threads : slots)),
                           &peer.worker),
          "worker");
    check(cleat_worker_add_task(peer.worker, CLEAT_TASK_OPTIONS(.name = TASK, .run = noop)), "task");
    check(cleat_worker_start(peer.worker), "start");
    return peer;
}

static void disconnect_peer(bench_peer *peer)
{
    check(cleat_worker_stop(peer->worker, 10000), "stop");
    cleat_worker_free(peer->worker);
    cleat_client_free(peer->client);
}

static void run_many(cleat_client *client, size_t first, size_t count, cleat_run_id *ids)
{
    static char payloads[BULK][PAYLOAD_BYTES + 1];
    cleat_run_item items[BULK];
    for (size_t i = 0; i < count; i++) {
        int size = snprintf(payloads[i], PAYLOAD_BYTES + 1, "{\"n\":%zu,\"x\":\"", first + i);
        memset(payloads[i] + size, 'x', (size_t)(PAYLOAD_BYTES - size));
        memcpy(payloads[i] + PAYLOAD_BYTES - 2, "\"}", 3);
        items[i] = (cleat_run_item){.task = TASK, .input = payloads[i]};
    }
    check(cleat_client_run_many(client, items, count, ids), "run_many");
}

static void wait_for(cleat_client *client, const cleat_run_id *id)
{
    cleat_run_result result;
    check(cleat_client_wait(client, id, -1, &result), "wait");
    if (result.status != CLEAT_RUN_COMPLETED) {
        fprintf(stderr, "a run has failed: %s\n", result.error);
        exit(1);
    }
    cleat_run_result_deinit(&result);
}

/* ---- Throughput ---- */

static double run_tasks(const bench_peer *peer, size_t tasks)
{
    cleat_run_id ids[BULK];
    size_t count = 0;
    double start = seconds();
    for (size_t i = 0; i < tasks; i += BULK) {
        count = tasks - i < BULK ? tasks - i : BULK;
        run_many(peer->client, i, count, ids);
    }
    /* Runs end about in order: with these, all but a few that are being reported have. */
    for (size_t i = 0; i < count; i++) {
        wait_for(peer->client, &ids[i]);
    }
    return (double)tasks / (seconds() - start);
}

static void report_throughput(const bench_server *server, const bench_options *options)
{
    double rates[RUNS_MAX];
    bench_peer peer = connect_peer(server, options->threads, options->slots);
    double total = (double)(options->tasks * options->runs);
    int64_t own_ns = bench_cpu_ns(), servers_ns = bench_server_cpu_ns(server);
    for (size_t i = 0; i < options->runs; i++) {
        rates[i] = run_tasks(&peer, options->tasks);
    }
    double own = (double)(bench_cpu_ns() - own_ns) / total / 1e3;
    double servers = (double)(bench_server_cpu_ns(server) - servers_ns) / total / 1e3;
    double median = bench_median(rates, options->runs);
    printf("throughput: %.0f tasks/s (%.0f .. %.0f; %zu runs of %zu; aim 12000), %.1f us of processor time "
           "each in the server and %.1f in the client and worker; server %.0f MiB resident\n",
           median, rates[0], rates[options->runs - 1], options->runs, options->tasks, servers, own,
           bench_server_resident_mib(server));
    fflush(stdout);
    disconnect_peer(&peer);
}

/* ---- Latency ---- */

static void report_latency(const bench_server *server)
{
    double delays[LATENCY_TASKS];
    cleat_run_id id;
    bench_peer peer = connect_peer(server, 4, 8);
    for (size_t i = 0; i < LATENCY_TASKS; i++) {
        usleep(10000);
        atomic_store(&called_ns, bench_now_ns());
        run_many(peer.client, i, 1, &id);
        wait_for(peer.client, &id);
        delays[i] = (double)(atomic_load(&started_ns) - atomic_load(&called_ns)) / 1e6;
    }
    double middle = bench_percentile(delays, LATENCY_TASKS, 50);
    printf("latency: p50 %.3f ms (aim 1), p99 %.3f ms (aim 4), %d tasks\n", middle,
           bench_percentile(delays, LATENCY_TASKS, 99), LATENCY_TASKS);
    fflush(stdout);
    disconnect_peer(&peer);
}

/* ---- Memory ---- */

static void report_memory(const bench_server *server, size_t workers)
{
    double at_rest = bench_server_resident_mib(server);
    bench_peer *peers = calloc(workers, sizeof(*peers));
    printf("memory: %.1f MiB resident at rest (aim 30)\n", at_rest);
    fflush(stdout);
    for (size_t i = 0; i < workers; i++) {
        peers[i] = connect_peer(server, 1, 1);
    }
    usleep(5000000); /* some heartbeats of each */
    int64_t start_ns = bench_now_ns(), cpu_ns = bench_server_cpu_ns(server);
    usleep(5000000);
    double load = (double)(bench_server_cpu_ns(server) - cpu_ns) / (double)(bench_now_ns() - start_ns);
    printf("memory: %.1f MiB more with %zu idle workers (aim 100), which take %.1f %% of a processor\n",
           bench_server_resident_mib(server) - at_rest, workers, 100 * load);
    fflush(stdout);
    for (size_t i = 0; i < workers; i++) {
        disconnect_peer(&peers[i]);
    }
    free(peers);
}

/* ---- Spans ---- */

static struct {
    const bench_server *server;
    atomic_bool is_over;
    atomic_uint_fast64_t stored, refused;
} spans;

static size_t ignore(char *data, size_t size, size_t count, void *user_data)
{
    (void)data;
    (void)user_data;
    return size * count;
}

static CURL *make_post(struct curl_slist **headers)
{
    char url[128], authorization[2200];
    CURL *curl = curl_easy_init();
    snprintf(url, sizeof(url), "http://%s/v1/traces", spans.server->http);
    snprintf(authorization, sizeof(authorization), "Authorization: Bearer %s", spans.server->token);
    *headers = curl_slist_append(NULL, authorization);
    *headers = curl_slist_append(*headers, "Content-Type: application/x-protobuf");
    *headers = curl_slist_append(*headers, "Expect:");
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, *headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, ignore);
    return curl;
}

static void *produce(void *argument)
{
    struct curl_slist *headers = NULL;
    CURL *curl = make_post(&headers);
    cleat__random random;
    cleat__buffer body = {0};
    cleat__random_init(&random, (uint64_t)(uintptr_t)argument);
    while (!atomic_load(&spans.is_over)) {
        long code = 0;
        cleat__buffer_clear(&body);
        bench_spans_append(&random, &body);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.data);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)body.size);
        CURLcode status = curl_easy_perform(curl);
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
        if (status == CURLE_OK && code == 200) {
            atomic_fetch_add(&spans.stored, BENCH_SPANS);
        } else if (status == CURLE_OK && (code == 429 || code == 503)) {
            atomic_fetch_add(&spans.refused, 1);
            usleep(REFUSED_US);
        } else {
            fprintf(stderr, "spans: %s, status %ld\n", curl_easy_strerror(status), code);
            exit(1);
        }
    }
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    cleat__buffer_deinit(&body);
    return NULL;
}

static void report_spans(const bench_server *server, size_t for_seconds)
{
    pthread_t producers[PRODUCERS];
    double most_mib = 0, start = seconds();
    int64_t servers_ns = bench_server_cpu_ns(server), own_ns = bench_cpu_ns();
    bench_spans_make();
    spans.server = server;
    for (uintptr_t i = 0; i < PRODUCERS; i++) {
        check(cleat__thread_start(&producers[i], "producer", produce, (void *)(i + 1)), "thread");
    }
    while (seconds() - start < (double)for_seconds) {
        double mib = bench_server_resident_mib(server);
        most_mib = mib > most_mib ? mib : most_mib;
        usleep(100000);
    }
    atomic_store(&spans.is_over, true);
    for (size_t i = 0; i < PRODUCERS; i++) {
        pthread_join(producers[i], NULL);
    }
    double stored = (double)atomic_load(&spans.stored), elapsed = seconds() - start;
    printf("spans: %.0f stored/s (aim 50000), %.1f us of processor time each in the server and %.1f in the "
           "producers, at most %.0f MiB resident (aim 300), %llu times refused\n",
           stored / elapsed, (double)(bench_server_cpu_ns(server) - servers_ns) / stored / 1e3,
           (double)(bench_cpu_ns() - own_ns) / stored / 1e3, most_mib,
           (unsigned long long)atomic_load(&spans.refused));
    fflush(stdout);
    bench_spans_free();
}

/* ---- The whole ---- */

static bool read_options(int argc, char **argv, bench_options *options)
{
    const struct {
        const char *name;
        size_t *value;
    } known[] = {{"--tasks", &options->tasks},     {"--runs", &options->runs},
                 {"--threads", &options->threads}, {"--slots", &options->slots},
                 {"--workers", &options->workers}, {"--seconds", &options->seconds}};
    const size_t count = sizeof(known) / sizeof(known[0]);
    for (int i = 1; i < argc; i += 2) {
        size_t at = 0;
        while (at < count && strcmp(argv[i], known[at].name) != 0) {
            at++;
        }
        if (at == count || i + 1 == argc) {
            return false;
        }
        *known[at].value = strtoull(argv[i + 1], NULL, 10);
    }
    return options->runs <= RUNS_MAX && options->threads != 0 && options->slots != 0;
}

int main(int argc, char **argv)
{
    bench_options options = {
        .tasks = 50000, .runs = 5, .threads = 1, .slots = 1000, .workers = 1000, .seconds = 10};
    bench_server server;
    if (!read_options(argc, argv, &options)) {
        fprintf(stderr, "usage: bench/serve [--tasks N] [--runs N] [--threads N] [--slots N] [--workers N] "
                        "[--seconds N]\n");
        return 2;
    }
    bench_print_machine();
    printf("# disk: write and fdatasync of 3 pages %.3f ms at 100 a second, which is in each latency\n",
           bench_sync_ms(10000));
    bench_server_start(&server, FILE_NAME);
    if (options.workers != 0) {
        report_memory(&server, options.workers);
    }
    report_latency(&server);
    if (options.tasks != 0 && options.runs != 0) {
        report_throughput(&server, &options);
    }
    if (options.seconds != 0) {
        report_spans(&server, options.seconds);
    }
    bench_server_stop(&server);
    return 0;
}
