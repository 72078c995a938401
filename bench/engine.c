/*
 * The embedded engine, durable (synchronous=FULL), on a file in the current directory.
 *
 *     bench_engine [--tasks N] [--runs N] [--threads N] [--slots N] [--no-million]
 *
 * Throughput: one producer starts no-op tasks with 200-byte payloads, 500 per call; one worker runs
 * and reports them; the time is from the first call to the last end on disk. Once through the
 * engine's own functions, once through the public API with all that comes with it.
 * Latency: from the call to the start of the handler, at 100 tasks a second.
 * A million queued tasks: memory, and start-up on that file, each in a process of its own.
 * Beside them what the disk allows.
 *
 * Two builds are compared by the instructions that a task takes in each, which tools/compare-engine counts: rates and
 * processor time are other ones from run to run.
 */
#define _GNU_SOURCE /* usleep */
#include "support/bench.h"
#include "support/disk.h"

#include <cleat/worker.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "engine/command.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <sys/wait.h>

#define BULK          500
#define PAYLOAD_BYTES 200
#define ACTION        "bench:noop"
#define WORKFLOW      "bench.noop"
#define FILE_NAME     "bench-engine.db"
#define THREADS_MAX   16
#define RUNS_MAX      32
#define LATENCY_TASKS 300
#define MILLION       1000000

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

static void remove_files(void)
{
    static const char *const names[] = {FILE_NAME, FILE_NAME "-wal", FILE_NAME "-shm", FILE_NAME "-lock"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        unlink(names[i]);
    }
}

/* {"n":123,"x":"....."}, PAYLOAD_BYTES long. */
static void make_payload(char text[PAYLOAD_BYTES + 1], size_t number)
{
    int size = snprintf(text, PAYLOAD_BYTES + 1, "{\"n\":%zu,\"x\":\"", number);
    memset(text + size, 'x', (size_t)(PAYLOAD_BYTES - size));
    memcpy(text + PAYLOAD_BYTES - 2, "\"}", 3);
}

/* When the call for run n was made and its handler began; NULL: not asked for. */
static int64_t *called_ns, *started_ns;

static void note_start(cleat_slice input)
{
    if (started_ns != NULL) {
        started_ns[strtoull(input.data + 5, NULL, 10)] = bench_now_ns();
    }
}

/* ---- A worker without the SDK: threads that take assignments and report at once ---- */

typedef struct bench_worker {
    cleat__engine *engine;
    pthread_mutex_t mutex;
    pthread_cond_t filled;
    cleat__assignment *head, **end;
    bool stopping;
    size_t thread_count;
    pthread_t threads[THREADS_MAX];
    cleat__uuid id;
} bench_worker;

static void worker_assign(void *self, cleat__assignment *list)
{
    bench_worker *worker = self;
    pthread_mutex_lock(&worker->mutex);
    *worker->end = list;
    while (*worker->end != NULL) {
        worker->end = &(*worker->end)->next;
    }
    pthread_cond_broadcast(&worker->filled);
    pthread_mutex_unlock(&worker->mutex);
}

static void worker_cancel(void *self, const cleat__uuid *task_id, int32_t retry_count)
{
    (void)self;
    (void)task_id;
    (void)retry_count;
}

static void handle(bench_worker *worker, cleat__assignment *assignment)
{
    note_start(assignment->input);
    cleat__report report = {
        .task_id = assignment->task_id,
        .retry_count = assignment->retry_count,
        .status = CLEAT_OK,
        .output = cleat_slice_of("{\"ok\":true}"),
    };
    check(cleat__engine_report(worker->engine, CLEAT__TENANT_DEFAULT, &report), "report");
    cleat__free(assignment);
}

static void *worker_run(void *argument)
{
    bench_worker *worker = argument;
    pthread_mutex_lock(&worker->mutex);
    for (;;) {
        while (worker->head == NULL && !worker->stopping) {
            pthread_cond_wait(&worker->filled, &worker->mutex);
        }
        cleat__assignment *assignment = worker->head;
        if (assignment == NULL) {
            break;
        }
        worker->head = assignment->next;
        if (worker->head == NULL) {
            worker->end = &worker->head;
        }
        pthread_mutex_unlock(&worker->mutex);
        handle(worker, assignment);
        pthread_mutex_lock(&worker->mutex);
    }
    pthread_mutex_unlock(&worker->mutex);
    return NULL;
}

static void worker_start(bench_worker *worker, cleat__engine *engine, size_t threads, int slots)
{
    *worker = (bench_worker){.engine = engine, .thread_count = threads};
    worker->end = &worker->head;
    pthread_mutex_init(&worker->mutex, NULL);
    cleat__cond_init(&worker->filled);
    for (size_t i = 0; i < threads; i++) {
        check(cleat__thread_start(&worker->threads[i], "worker", worker_run, worker), "thread");
    }
    cleat_slice action = cleat_slice_of(ACTION);
    const cleat__slots offered = {cleat_slice_of("default"), slots};
    const cleat__worker_spec spec = {
        .actions = &action, .action_count = 1, .slots = &offered, .slot_count = 1};
    const cleat__command join = {
        .tenant = CLEAT__TENANT_DEFAULT,
        .kind = CLEAT__COMMAND_WORKER_JOIN,
        .as.worker_join = {&spec, {worker, worker_assign, worker_cancel}, &worker->id, NULL},
    };
    check(cleat__engine_ask(engine, &join), "worker");
}

static void worker_stop(bench_worker *worker)
{
    check(cleat__engine_worker_remove(worker->engine, CLEAT__TENANT_DEFAULT, &worker->id), "remove worker");
    pthread_mutex_lock(&worker->mutex);
    worker->stopping = true;
    pthread_cond_broadcast(&worker->filled);
    pthread_mutex_unlock(&worker->mutex);
    for (size_t i = 0; i < worker->thread_count; i++) {
        pthread_join(worker->threads[i], NULL);
    }
    pthread_cond_destroy(&worker->filled);
    pthread_mutex_destroy(&worker->mutex);
}

/* ---- Through the engine's own functions ---- */

static cleat__engine *open_engine(void)
{
    cleat__engine *engine = NULL;
    check(cleat__engine_open(&(cleat__engine_options){.path = FILE_NAME}, &engine), "open");
    const cleat__workflow workflow = {
        .name = cleat_slice_of(WORKFLOW),
        .tasks =
            &(cleat__workflow_task){
                .name = cleat_slice_of("noop"),
                .action = cleat_slice_of(ACTION),
                .policy = {.priority = 1, .execution_timeout_ms = 60000, .schedule_timeout_ms = 300000}},
        .task_count = 1};
    check(cleat__engine_put_workflow(engine, CLEAT__TENANT_DEFAULT, &workflow, NULL), "put task");
    return engine;
}

static void enqueue(cleat__engine *engine, size_t first, size_t count)
{
    static char payloads[BULK][PAYLOAD_BYTES + 1];
    cleat__trigger triggers[BULK];
    cleat__uuid ids[BULK];
    for (size_t i = 0; i < count; i++) {
        make_payload(payloads[i], first + i);
        triggers[i] =
            (cleat__trigger){.workflow = cleat_slice_of(WORKFLOW), .input = {payloads[i], PAYLOAD_BYTES}};
    }
    check(cleat__engine_trigger(engine, CLEAT__TENANT_DEFAULT, triggers, count, ids), "trigger");
}

/* Until every run has ended on disk: then the engine has none left. */
static void wait_all(cleat__engine *engine)
{
    cleat__engine_stats stats;
    for (;;) {
        cleat__engine_get_stats(engine, &stats);
        if (stats.queued + stats.running == 0) {
            return;
        }
        usleep(200);
    }
}

static double engine_throughput(size_t tasks, size_t threads, int slots)
{
    remove_files();
    cleat__engine *engine = open_engine();
    bench_worker worker;
    worker_start(&worker, engine, threads, slots);
    double start = seconds();
    for (size_t i = 0; i < tasks; i += BULK) {
        enqueue(engine, i, tasks - i < BULK ? tasks - i : BULK);
    }
    wait_all(engine);
    double elapsed = seconds() - start;
    worker_stop(&worker);
    cleat__engine_close(engine);
    return (double)tasks / elapsed;
}

static void engine_latency(void)
{
    remove_files();
    cleat__engine *engine = open_engine();
    bench_worker worker;
    worker_start(&worker, engine, 4, 8);
    for (size_t i = 0; i < LATENCY_TASKS; i++) {
        usleep(10000);
        called_ns[i] = bench_now_ns();
        enqueue(engine, i, 1);
    }
    wait_all(engine);
    worker_stop(&worker);
    cleat__engine_close(engine);
}

/* ---- Through the public API ---- */

static atomic_size_t handled;

static cleat_status noop(cleat_task *task, void *user_data)
{
    (void)user_data;
    note_start(cleat_task_input(task));
    atomic_fetch_add(&handled, 1);
    return cleat_task_return(task, "{\"ok\":true}");
}

static void open_public(size_t threads, int slots, cleat_client **client, cleat_worker **worker)
{
    remove_files();
    atomic_store(&handled, 0);
    check(cleat_client_new(CLEAT_CLIENT_OPTIONS(.database = FILE_NAME), client), "client");
    check(cleat_worker_new(*client,
                           CLEAT_WORKER_OPTIONS(.name = "bench", .slots = slots, .threads = (int)threads),
                           worker),
          "worker");
    check(cleat_worker_add_task(*worker, CLEAT_TASK_OPTIONS(.name = ACTION, .run = noop)), "task");
    check(cleat_worker_start(*worker), "start");
}

static void close_public(cleat_client *client, cleat_worker *worker)
{
    check(cleat_worker_stop(worker, 10000), "stop");
    cleat_worker_free(worker);
    cleat_client_free(client);
}

static void run_many(cleat_client *client, size_t first, size_t count, cleat_run_id *ids)
{
    static char payloads[BULK][PAYLOAD_BYTES + 1];
    cleat_run_item items[BULK];
    for (size_t i = 0; i < count; i++) {
        make_payload(payloads[i], first + i);
        items[i] = (cleat_run_item){.task = ACTION, .input = payloads[i]};
    }
    check(cleat_client_run_many(client, items, count, ids), "run_many");
}

static double public_throughput(size_t tasks, size_t threads, int slots)
{
    cleat_client *client = NULL;
    cleat_worker *worker = NULL;
    open_public(threads, slots, &client, &worker);
    cleat_run_id ids[BULK];
    size_t count = 0;
    double start = seconds();
    for (size_t i = 0; i < tasks; i += BULK) {
        count = tasks - i < BULK ? tasks - i : BULK;
        run_many(client, i, count, ids);
    }
    while (atomic_load(&handled) < tasks) {
        usleep(200);
    }
    /* Reports go to disk in order, and with one thread the last runs are the last to end. */
    for (size_t i = 0; i < count; i++) {
        cleat_run_result result;
        check(cleat_client_wait(client, &ids[i], -1, &result), "wait");
        cleat_run_result_deinit(&result);
    }
    double elapsed = seconds() - start;
    close_public(client, worker);
    return (double)tasks / elapsed;
}

static void public_latency(void)
{
    cleat_client *client = NULL;
    cleat_worker *worker = NULL;
    open_public(4, 8, &client, &worker);
    cleat_run_id id;
    for (size_t i = 0; i < LATENCY_TASKS; i++) {
        usleep(10000);
        called_ns[i] = bench_now_ns();
        run_many(client, i, 1, &id);
    }
    cleat_run_result result;
    check(cleat_client_wait(client, &id, -1, &result), "wait");
    cleat_run_result_deinit(&result);
    close_public(client, worker);
}

/* ---- A million queued tasks ---- */

static void million_enqueue(void)
{
    remove_files();
    cleat__engine *engine = open_engine();
    double start = seconds();
    for (size_t i = 0; i < MILLION; i += BULK) {
        enqueue(engine, i, BULK);
    }
    printf("1,000,000 queued tasks: %.0f stored/s, resident %.0f MiB\n", MILLION / (seconds() - start),
           bench_resident_mib());
    cleat__engine_close(engine);
}

static void million_start(void)
{
    double start = seconds();
    cleat__engine *engine = open_engine();
    printf("  start-up on that file: %.2f s, resident %.0f MiB\n", seconds() - start, bench_resident_mib());
    bench_worker worker;
    cleat__engine_stats before, after;
    worker_start(&worker, engine, 1, 1000);
    cleat__engine_get_stats(engine, &before);
    start = seconds();
    usleep(2000000);
    cleat__engine_get_stats(engine, &after);
    printf("  worked off at %.0f tasks/s, resident %.0f MiB\n",
           (double)(before.queued - after.queued) / (seconds() - start), bench_resident_mib());
    worker_stop(&worker);
    cleat__engine_close(engine);
    remove_files();
}

/* This program again with one argument: memory is only comparable in a new process. */
static void run_self(const char *argument)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        execl("/proc/self/exe", "bench_engine", argument, (char *)NULL);
        _exit(127);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
        fprintf(stderr, "%s failed\n", argument);
        exit(1);
    }
}

/* ---- What the disk allows ---- */

static double bare_inserts(size_t rows, size_t group)
{
    remove_files();
    sqlite3 *db = NULL;
    sqlite3_stmt *insert = NULL;
    sqlite3_open(FILE_NAME, &db);
    sqlite3_exec(db,
                 "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                 "CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT)",
                 NULL, NULL, NULL);
    sqlite3_prepare_v2(db, "INSERT INTO t (x) VALUES (?1)", -1, &insert, NULL);
    char payload[PAYLOAD_BYTES + 1];
    make_payload(payload, 0);
    sqlite3_bind_text(insert, 1, payload, PAYLOAD_BYTES, SQLITE_STATIC);
    double start = seconds();
    for (size_t i = 0; i < rows; i += group) {
        sqlite3_exec(db, "BEGIN", NULL, NULL, NULL);
        for (size_t j = 0; j < group; j++) {
            sqlite3_step(insert);
            sqlite3_reset(insert);
        }
        sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    }
    double rate = (double)rows / (seconds() - start);
    sqlite3_finalize(insert);
    sqlite3_close(db);
    remove_files();
    return rate;
}

static void print_disk(void)
{
    printf("# SQLite %s; disk: write and fdatasync of 3 pages %.3f ms back to back, %.3f ms at "
           "100 a second\n",
           sqlite3_libversion(), bench_sync_ms(0), bench_sync_ms(10000));
    printf("# bare SQLite, rows/s: %.0f one per commit, %.0f in groups of 100, %.0f of 500\n",
           bare_inserts(2000, 1), bare_inserts(100000, 100), bare_inserts(200000, 500));
}

/* ---- Report ---- */

typedef struct bench_options {
    size_t tasks, runs, threads;
    int slots;
    bool with_million;
} bench_options;

static void report_throughput(const char *what, const bench_options *options,
                              double (*measure)(size_t tasks, size_t threads, int slots))
{
    double rates[RUNS_MAX];
    int64_t cpu = bench_cpu_ns();
    for (size_t i = 0; i < options->runs; i++) {
        rates[i] = measure(options->tasks, options->threads, options->slots);
    }
    double each = (double)(bench_cpu_ns() - cpu) / (double)(options->tasks * options->runs) / 1e3;
    double median = bench_median(rates, options->runs);
    printf("%s: %.0f tasks/s (%.0f .. %.0f; %zu runs of %zu), %.1f us of processor time each\n", what, median,
           rates[0], rates[options->runs - 1], options->runs, options->tasks, each);
    fflush(stdout);
}

static void report_latency(const char *what, const bench_options *options, void (*measure)(void))
{
    double p50[RUNS_MAX], p99[RUNS_MAX], delays[LATENCY_TASKS];
    called_ns = calloc(LATENCY_TASKS, sizeof(*called_ns));
    started_ns = calloc(LATENCY_TASKS, sizeof(*started_ns));
    for (size_t run = 0; run < options->runs; run++) {
        measure();
        for (size_t i = 0; i < LATENCY_TASKS; i++) {
            delays[i] = (double)(started_ns[i] - called_ns[i]) / 1e6;
        }
        p50[run] = bench_percentile(delays, LATENCY_TASKS, 50);
        p99[run] = bench_percentile(delays, LATENCY_TASKS, 99);
    }
    free(called_ns);
    free(started_ns);
    called_ns = started_ns = NULL;
    printf("%s: p50 %.3f ms, p99 %.3f ms (medians of %zu runs of %d)\n", what,
           bench_median(p50, options->runs), bench_median(p99, options->runs), options->runs, LATENCY_TASKS);
    fflush(stdout);
}

static bool read_options(int argc, char **argv, bench_options *options)
{
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i];
        if (strcmp(name, "--no-million") == 0) {
            options->with_million = false;
            continue;
        }
        size_t value = i + 1 < argc ? strtoull(argv[++i], NULL, 10) : 0;
        if (value == 0) {
            return false;
        }
        if (strcmp(name, "--tasks") == 0) {
            options->tasks = value;
        } else if (strcmp(name, "--runs") == 0) {
            options->runs = value < RUNS_MAX ? value : RUNS_MAX;
        } else if (strcmp(name, "--threads") == 0) {
            options->threads = value < THREADS_MAX ? value : THREADS_MAX;
        } else if (strcmp(name, "--slots") == 0) {
            options->slots = (int)value;
        } else {
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "million-enqueue") == 0) {
        million_enqueue();
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "million-start") == 0) {
        million_start();
        return 0;
    }
    bench_options options = {.tasks = 100000, .runs = 5, .threads = 1, .slots = 1000, .with_million = true};
    if (!read_options(argc, argv, &options)) {
        fprintf(stderr, "usage: bench_engine [--tasks N] [--runs N] [--threads N] [--slots N] "
                        "[--no-million]\n");
        return 2;
    }
    bench_print_machine();
    print_disk();
    report_throughput("engine", &options, engine_throughput);
    report_throughput("public API", &options, public_throughput);
    report_latency("latency, engine", &options, engine_latency);
    report_latency("latency, public API", &options, public_latency);
    if (options.with_million) {
        run_self("million-enqueue");
        run_self("million-start");
    }
    remove_files();
    return 0;
}
