/*
 * Workflows, durable (synchronous=FULL), on a file in the current directory: in this process, and at a
 * `cleat serve` in a process of its own with client and worker in this one, over gRPC.
 *
 *     bench/workflow [--runs N] [--slots N] [--only embedded|grpc]
 *
 * The time is from the call that starts the run to its result, each run by itself; the median of so many.
 * Sequential steps run in place, each recorded before the next. Concurrent ones are runs of a task through the queue,
 * all awaited, or the first of them. A stream is looked at from its beginning.
 * Of runs in this process it is said how much of the time was the disk's: how often fdatasync was called, and how long
 * that took, in the median of the same runs. What one step in place costs beyond the call of its function is told
 * beside it.
 */
#define _GNU_SOURCE
#include "support/bench.h"
#include "support/disk.h"
#include "support/server_process.h"

#include <cleat/stream.h>
#include <cleat/workflow.h>

#define FILE_NAME "bench-workflow.db"
#define RUNS_MAX  1000
#define STEPS_MAX 50
#define STREAM    (1024 * 1024)
#define LARGE     (10 * 1024)
#define WARM_UP   3
#define SLOTS     16

typedef struct bench_options {
    size_t runs, slots;
    bool embedded, grpc;
} bench_options;

static void check(cleat_status status, const char *what)
{
    if (status != CLEAT_OK) {
        fprintf(stderr, "%s: %s\n", what, cleat_error_message());
        exit(1);
    }
}

static double now_ms(void)
{
    return (double)bench_now_ns() / 1e6;
}

/* ---- What is run ---- */

static char large[LARGE + 1]; /* {"x":"..."} */

static int number_of(const cleat_task *task)
{
    cleat_slice input = cleat_task_input(task); /* {"n":50} */
    return input.size > 5 ? atoi(input.data + 5) : 0;
}

static cleat_status step(cleat_task *task, void *user_data)
{
    (void)user_data;
    return cleat_task_return(task, "{\"ok\":true}");
}

static cleat_status large_step(cleat_task *task, void *user_data)
{
    (void)user_data;
    return cleat_task_return(task, large);
}

static cleat_status sequential(cleat_task *task, void *user_data)
{
    (void)user_data;
    cleat_status status = CLEAT_OK;
    for (int i = 0; i < number_of(task) && status == CLEAT_OK; i++) {
        status = cleat_step(task, "step", step, NULL, NULL);
    }
    return status;
}

static cleat_status payloads(cleat_task *task, void *user_data)
{
    (void)user_data;
    cleat_status status = CLEAT_OK;
    for (int i = 0; i < number_of(task) && status == CLEAT_OK; i++) {
        status = cleat_step(task, "step", large_step, large, NULL);
    }
    return status;
}

static cleat_status spawn(cleat_task *task, cleat_future *futures, int count)
{
    cleat_status status = CLEAT_OK;
    for (int i = 0; i < count && status == CLEAT_OK; i++) {
        status = cleat_spawn(task, "bench:step", NULL, NULL, &futures[i]);
    }
    return status;
}

static cleat_status await_all(cleat_task *task, void *user_data)
{
    cleat_future futures[STEPS_MAX];
    int count = number_of(task);
    cleat_status status = spawn(task, futures, count);
    (void)user_data;
    return status == CLEAT_OK ? cleat_await_all(task, futures, (size_t)count, NULL) : status;
}

static cleat_status await_any(cleat_task *task, void *user_data)
{
    cleat_future futures[STEPS_MAX];
    int count = number_of(task);
    size_t first;
    cleat_status status = spawn(task, futures, count);
    (void)user_data;
    return status == CLEAT_OK ? cleat_await_any(task, futures, (size_t)count, &first, NULL) : status;
}

static cleat_status stream(cleat_task *task, void *user_data)
{
    static char chunk[16 * 1024];
    size_t size = (size_t)number_of(task);
    cleat_status status = CLEAT_OK;
    (void)user_data;
    memset(chunk, 'x', sizeof(chunk));
    for (size_t sent = 0; sent < STREAM && status == CLEAT_OK; sent += size) {
        status = cleat_stream_write(task, (cleat_slice){chunk, size});
    }
    return status;
}

static void add(cleat_worker *worker, const char *name, cleat_task_function run)
{
    check(cleat_worker_add_workflow(worker, CLEAT_WORKFLOW_OPTIONS(.name = name, .run = run)), name);
}

static cleat_worker *start_worker(cleat_client *client, size_t slots)
{
    cleat_worker *worker = NULL;
    check(cleat_worker_new(client, CLEAT_WORKER_OPTIONS(.name = "bench", .slots = (int)slots), &worker),
          "worker");
    check(cleat_worker_add_task(worker, CLEAT_TASK_OPTIONS(.name = "bench:step", .run = step)), "task");
    add(worker, "bench-sequential", sequential);
    add(worker, "bench-payloads", payloads);
    add(worker, "bench-all", await_all);
    add(worker, "bench-any", await_any);
    add(worker, "bench-stream", stream);
    check(cleat_worker_start(worker), "start");
    return worker;
}

/* ---- Measuring ---- */

static cleat_run_id start_run(cleat_client *client, const char *name, int number)
{
    char input[32];
    cleat_run_id id;
    snprintf(input, sizeof(input), "{\"n\":%d}", number);
    check(cleat_client_run_no_wait(client, name, input, NULL, &id), name);
    return id;
}

static void wait_for(cleat_client *client, const cleat_run_id *id)
{
    cleat_run_result result;
    check(cleat_client_wait(client, id, -1, &result), "wait");
    if (result.status != CLEAT_RUN_COMPLETED) {
        fprintf(stderr, "a run has ended %s: %s\n", cleat_run_status_name(result.status),
                result.error != NULL ? result.error : "");
        exit(1);
    }
    cleat_run_result_deinit(&result);
}

/* Medians of one run: its time, and what of it went by in fdatasync. */
typedef struct bench_times {
    size_t count;
    double total[RUNS_MAX], sync[RUNS_MAX], syncs[RUNS_MAX];
    double start_ms;
    bench_syncs before;
} bench_times;

static void start_time(bench_times *times)
{
    times->before = bench_syncs_so_far();
    times->start_ms = now_ms();
}

static void stop_time(bench_times *times)
{
    bench_syncs after = bench_syncs_so_far();
    size_t i = times->count++;
    times->total[i] = now_ms() - times->start_ms;
    times->sync[i] = after.ms - times->before.ms;
    times->syncs[i] = (double)(after.count - times->before.count);
}

/* Of a server's disk nothing is known here. */
static void print_disk(bench_times *times)
{
    double syncs = bench_median(times->syncs, times->count);
    if (syncs > 0) {
        printf(", of it %.0f fdatasync %.2f ms", syncs, bench_median(times->sync, times->count));
    }
    putchar('\n');
    fflush(stdout);
}

static void time_runs(cleat_client *client, const bench_options *options, const char *name, int number,
                      bench_times *times)
{
    times->count = 0;
    for (size_t i = 0; i < options->runs + WARM_UP; i++) {
        times->count = i <= WARM_UP ? 0 : times->count;
        start_time(times);
        cleat_run_id id = start_run(client, name, number);
        wait_for(client, &id);
        stop_time(times);
    }
}

static void report(cleat_client *client, const bench_options *options, const char *name, int number,
                   const char *what, double aim)
{
    static bench_times times;
    time_runs(client, options, name, number, &times);
    printf("  %-34s %8.2f ms (aim %g)", what, bench_median(times.total, times.count), aim);
    print_disk(&times);
}

static void report_stream(cleat_client *client, const bench_options *options, int size, double aim)
{
    static bench_times times;
    double first[RUNS_MAX];
    times.count = 0;
    for (size_t i = 0; i < options->runs + WARM_UP; i++) {
        cleat_stream *reader = NULL;
        cleat_slice chunk;
        size_t bytes = 0;
        times.count = i <= WARM_UP ? 0 : times.count;
        start_time(&times);
        cleat_run_id id = start_run(client, "bench-stream", size);
        check(cleat_client_stream(client, &id, &reader), "stream");
        while (bytes < STREAM) {
            check(cleat_stream_next(reader, 30000, &chunk), "next");
            if (bytes == 0) {
                first[times.count] = now_ms() - times.start_ms;
            }
            bytes += chunk.size;
        }
        stop_time(&times);
        cleat_stream_free(reader);
        wait_for(client, &id);
    }
    printf("  stream of 1 MB in chunks of %5d B   %8.2f ms (aim %g), first byte %.2f ms", size,
           bench_median(times.total, times.count), aim, bench_median(first, times.count));
    print_disk(&times);
}

static void report_step(cleat_client *client, const bench_options *options)
{
    static bench_times none, many;
    time_runs(client, options, "bench-sequential", 0, &none);
    time_runs(client, options, "bench-sequential", STEPS_MAX, &many);
    double us =
        (bench_median(many.total, many.count) - bench_median(none.total, none.count)) / STEPS_MAX * 1e3;
    double sync_us =
        (bench_median(many.sync, many.count) - bench_median(none.sync, none.count)) / STEPS_MAX * 1e3;
    double syncs = (bench_median(many.syncs, many.count) - bench_median(none.syncs, none.count)) / STEPS_MAX;
    printf("  one step in place: %.0f us beyond the call of its function", us);
    if (syncs > 0) {
        printf(", of it %.1f fdatasync %.0f us", syncs, sync_us);
    }
    printf("; a commit of this disk takes %.0f us\n", bench_sync_ms(0) * 1e3);
}

/* Aims in the order of the lines. */
typedef struct bench_aims {
    double sequential[5], concurrent[3], payloads, stream[2];
} bench_aims;

static const int sequential_counts[] = {0, 1, 10, 25, 50}, concurrent_counts[] = {10, 25, 50};

static void measure(cleat_client *client, const bench_options *options, const bench_aims *aims)
{
    char what[64];
    cleat_worker *worker = start_worker(client, options->slots);
    for (size_t i = 0; i < 5; i++) {
        snprintf(what, sizeof(what), "%d sequential steps", sequential_counts[i]);
        report(client, options, "bench-sequential", sequential_counts[i], what, aims->sequential[i]);
    }
    for (size_t i = 0; i < 3; i++) {
        snprintf(what, sizeof(what), "%d concurrent steps, all", concurrent_counts[i]);
        report(client, options, "bench-all", concurrent_counts[i], what, aims->concurrent[i]);
        snprintf(what, sizeof(what), "%d concurrent steps, any", concurrent_counts[i]);
        report(client, options, "bench-any", concurrent_counts[i], what, aims->concurrent[i]);
    }
    report(client, options, "bench-payloads", 10, "10 steps with payloads of 10 KB", aims->payloads);
    report_stream(client, options, 16 * 1024, aims->stream[0]);
    report_stream(client, options, 1024, aims->stream[1]);
    report_step(client, options);
    check(cleat_worker_stop(worker, 10000), "stop");
    cleat_worker_free(worker);
}

static void remove_files(void)
{
    static const char *const names[] = {FILE_NAME, FILE_NAME "-wal", FILE_NAME "-shm", FILE_NAME "-lock"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)unlink(names[i]);
    }
}

static void measure_embedded(const bench_options *options)
{
    static const bench_aims aims = {{0.4, 0.7, 2.5, 5, 10}, {2, 4, 6}, 3, {4, 12}};
    cleat_client *client = NULL;
    remove_files();
    check(cleat_client_new(CLEAT_CLIENT_OPTIONS(.database = FILE_NAME), &client), "client");
    printf("in one process:\n");
    measure(client, options, &aims);
    cleat_client_free(client);
    remove_files();
}

static void measure_grpc(const bench_options *options)
{
    static const bench_aims aims = {{2, 3, 8, 20, 40}, {5, 8, 14}, 10, {12, 40}};
    cleat_client *client = NULL;
    bench_server server;
    bench_server_start(&server, FILE_NAME);
    check(cleat_client_new(
              CLEAT_CLIENT_OPTIONS(.token = server.token, .host_port = server.grpc, .tls_strategy = "none"),
              &client),
          "client");
    printf("over gRPC:\n");
    measure(client, options, &aims);
    cleat_client_free(client);
    bench_server_stop(&server);
}

/* ---- The whole ---- */

static bool read_number(const char *text, size_t most, size_t *out)
{
    char *end;
    unsigned long value = text != NULL ? strtoul(text, &end, 10) : 0;
    *out = value;
    return value > 0 && value <= most && *end == '\0';
}

static bool read_options(int argc, char **argv, bench_options *options)
{
    bool is_valid = true;
    for (int i = 1; i < argc && is_valid; i += 2) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(argv[i], "--runs") == 0) {
            is_valid = read_number(value, RUNS_MAX, &options->runs);
        } else if (strcmp(argv[i], "--slots") == 0) {
            is_valid = read_number(value, 1000, &options->slots);
        } else if (strcmp(argv[i], "--only") == 0 && value != NULL) {
            options->embedded = strcmp(value, "embedded") == 0;
            options->grpc = strcmp(value, "grpc") == 0;
            is_valid = options->embedded || options->grpc;
        } else {
            is_valid = false;
        }
    }
    return is_valid;
}

int main(int argc, char **argv)
{
    bench_options options = {.runs = 20, .slots = SLOTS, .embedded = true, .grpc = true};
    if (!read_options(argc, argv, &options)) {
        fprintf(stderr, "usage: bench/workflow [--runs N] [--slots N] [--only embedded|grpc]\n");
        return 2;
    }
    memset(large, 'x', LARGE);
    memcpy(large, "{\"x\":\"", 6);
    memcpy(large + LARGE - 2, "\"}", 3);
    bench_print_machine();
    printf("# disk: write and fdatasync of 3 pages %.3f ms, one after the other; medians of %zu runs\n",
           bench_sync_ms(0), options.runs);
    if (options.embedded) {
        measure_embedded(&options);
    }
    if (options.grpc) {
        measure_grpc(&options);
    }
    return 0;
}
