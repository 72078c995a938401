/*
 * The embedded engine, durable (synchronous=FULL), on a file in the current directory or $TMPDIR.
 *
 *     bench_engine [--tasks N] [--runs N] [--million] [--threads N] [--slots N]
 *
 * Throughput: one producer starts no-op tasks with 200-byte payloads, 500 per call; one worker with
 * its own threads runs and reports them; the time is from the first call to the last end on disk.
 * Latency: from the call to the handler's start, at 100 tasks a second. Beside them what the disk
 * allows: fdatasync alone, and bare SQLite inserts in groups.
 */
#define _GNU_SOURCE
#include "base/alloc.h"
#include "base/clock.h"
#include "base/thread.h"
#include "engine/engine.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#define BULK          500
#define PAYLOAD_BYTES 200
#define ACTION        "bench:noop"
#define FILE_NAME     "bench-engine.db"
#define THREADS_MAX   64

static void check(cleat_status status, const char *what)
{
    if (status != CLEAT_OK) {
        fprintf(stderr, "%s: %s\n", what, cleat_error_message());
        exit(1);
    }
}

static double seconds(void)
{
    return (double)cleat__clock_monotonic_ns(NULL) / 1e9;
}

static void remove_files(void)
{
    static const char *const names[] = {FILE_NAME, FILE_NAME "-wal", FILE_NAME "-shm", FILE_NAME "-lock"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        unlink(names[i]);
    }
}

/* ---- A worker without the SDK: threads that take assignments and report at once ---- */

typedef struct bench_worker {
    cleat__engine *engine;
    pthread_mutex_t mutex;
    pthread_cond_t filled, finished;
    cleat__assignment *head, **end;
    bool stopping;
    size_t done;
    int64_t *started_ns; /* when the handler of run n began; NULL: not asked for */
    size_t thread_count;
    pthread_t threads[THREADS_MAX];
    cleat__uuid worker;
} bench_worker;

static void pool_assign(void *self, cleat__assignment *list)
{
    bench_worker *pool = self;
    pthread_mutex_lock(&pool->mutex);
    *pool->end = list;
    while (*pool->end != NULL) {
        pool->end = &(*pool->end)->next;
    }
    pthread_cond_broadcast(&pool->filled);
    pthread_mutex_unlock(&pool->mutex);
}

static void pool_cancel(void *self, const cleat__uuid *task_id, int32_t retry_count)
{
    (void)self;
    (void)task_id;
    (void)retry_count;
}

static void handle(bench_worker *pool, cleat__assignment *assignment)
{
    if (pool->started_ns != NULL) {
        size_t number = strtoull(assignment->input.data + 5, NULL, 10);
        pool->started_ns[number] = cleat__clock_monotonic_ns(NULL);
    }
    cleat__report report = {
        .task_id = assignment->task_id,
        .retry_count = assignment->retry_count,
        .status = CLEAT_OK,
        .output = cleat_slice_of("{\"ok\":true}"),
    };
    check(cleat__engine_report(pool->engine, &report), "report");
    cleat__free(assignment);
}

static void *pool_run(void *argument)
{
    bench_worker *pool = argument;
    pthread_mutex_lock(&pool->mutex);
    for (;;) {
        while (pool->head == NULL && !pool->stopping) {
            pthread_cond_wait(&pool->filled, &pool->mutex);
        }
        cleat__assignment *assignment = pool->head;
        if (assignment == NULL) {
            break;
        }
        pool->head = assignment->next;
        if (pool->head == NULL) {
            pool->end = &pool->head;
        }
        pthread_mutex_unlock(&pool->mutex);
        handle(pool, assignment);
        pthread_mutex_lock(&pool->mutex);
        pool->done++;
    }
    pthread_mutex_unlock(&pool->mutex);
    return NULL;
}

static void pool_start(bench_worker *pool, cleat__engine *engine, size_t threads, int slots)
{
    pool->engine = engine;
    pool->end = &pool->head;
    pool->thread_count = threads;
    pthread_mutex_init(&pool->mutex, NULL);
    cleat__cond_init(&pool->filled);
    for (size_t i = 0; i < threads; i++) {
        check(cleat__thread_start(&pool->threads[i], "worker", pool_run, pool), "thread");
    }
    cleat_slice action = cleat_slice_of(ACTION);
    cleat__worker_sink sink = {pool, pool_assign, pool_cancel};
    check(cleat__engine_worker_add(engine, &action, 1, slots, &sink, &pool->worker), "worker");
}

static void pool_stop(bench_worker *pool)
{
    check(cleat__engine_worker_remove(pool->engine, &pool->worker), "remove worker");
    pthread_mutex_lock(&pool->mutex);
    pool->stopping = true;
    pthread_cond_broadcast(&pool->filled);
    pthread_mutex_unlock(&pool->mutex);
    for (size_t i = 0; i < pool->thread_count; i++) {
        pthread_join(pool->threads[i], NULL);
    }
    pthread_cond_destroy(&pool->filled);
    pthread_mutex_destroy(&pool->mutex);
}

/* ---- The engine ---- */

static cleat__engine *open_engine(void)
{
    cleat__engine *engine = NULL;
    check(cleat__engine_open(&(cleat__engine_options){.path = FILE_NAME}, &engine), "open");
    cleat__policy policy = {
        .retries = 0,
        .priority = 1,
        .backoff_factor = 2,
        .backoff_max_ms = 1000,
        .execution_timeout_ms = 60000,
        .schedule_timeout_ms = CLEAT__NO_TIMEOUT,
    };
    check(cleat__engine_put_task(engine, cleat_slice_of(ACTION), &policy), "put task");
    return engine;
}

/* {"n":0000000123,"x":"....."}, PAYLOAD_BYTES long. */
static void make_payload(char text[PAYLOAD_BYTES + 1], size_t number)
{
    int size = snprintf(text, PAYLOAD_BYTES + 1, "{\"n\":%zu,\"x\":\"", number);
    memset(text + size, 'x', (size_t)(PAYLOAD_BYTES - size));
    memcpy(text + PAYLOAD_BYTES - 2, "\"}", 3);
}

static void enqueue(cleat__engine *engine, size_t first, size_t count, cleat__uuid *ids)
{
    static _Thread_local char payloads[BULK][PAYLOAD_BYTES + 1];
    cleat__trigger triggers[BULK];
    for (size_t i = 0; i < count; i++) {
        make_payload(payloads[i], first + i);
        triggers[i] = (cleat__trigger){.task = cleat_slice_of(ACTION), .input = {payloads[i], PAYLOAD_BYTES}};
    }
    check(cleat__engine_trigger(engine, triggers, count, ids), "trigger");
}

/* All runs have ended on disk: the engine has none left. */
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

static double throughput(size_t tasks, size_t threads, int slots)
{
    remove_files();
    cleat__engine *engine = open_engine();
    bench_worker pool = {0};
    pool_start(&pool, engine, threads, slots);
    cleat__uuid ids[BULK];
    double start = seconds();
    for (size_t i = 0; i < tasks; i += BULK) {
        enqueue(engine, i, tasks - i < BULK ? tasks - i : BULK, ids);
    }
    wait_all(engine);
    double elapsed = seconds() - start;
    pool_stop(&pool);
    cleat__engine_close(engine);
    return (double)tasks / elapsed;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void latency(size_t tasks, double *p50, double *p99)
{
    remove_files();
    cleat__engine *engine = open_engine();
    int64_t *started = calloc(tasks, sizeof(*started));
    double *delays = calloc(tasks, sizeof(*delays));
    int64_t *called = calloc(tasks, sizeof(*called));
    bench_worker pool = {.started_ns = started};
    pool_start(&pool, engine, 4, 8);
    cleat__uuid id;
    for (size_t i = 0; i < tasks; i++) {
        usleep(10000);
        called[i] = cleat__clock_monotonic_ns(NULL);
        enqueue(engine, i, 1, &id);
    }
    wait_all(engine);
    pool_stop(&pool);
    cleat__engine_close(engine);
    for (size_t i = 0; i < tasks; i++) {
        delays[i] = (double)(started[i] - called[i]) / 1e6;
    }
    qsort(delays, tasks, sizeof(*delays), compare_doubles);
    *p50 = delays[tasks / 2];
    *p99 = delays[tasks * 99 / 100];
    free(called);
    free(delays);
    free(started);
}

/* ---- A million queued tasks ---- */

static double resident_mb(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    long total = 0, resident = 0;
    if (file == NULL || fscanf(file, "%ld %ld", &total, &resident) != 2) {
        resident = 0;
    }
    if (file != NULL) {
        fclose(file);
    }
    return (double)resident * (double)sysconf(_SC_PAGESIZE) / 1e6;
}

static void million(void)
{
    remove_files();
    cleat__engine *engine = open_engine();
    cleat__uuid ids[BULK];
    double start = seconds();
    for (size_t i = 0; i < 1000000; i += BULK) {
        enqueue(engine, i, BULK, ids);
    }
    double stored = seconds() - start;
    double memory = resident_mb();
    cleat__engine_close(engine);
    start = seconds();
    engine = open_engine();
    printf(
        "1,000,000 queued tasks: %.0f enqueued/s, RSS %.0f MB; start-up on that file %.2f s, RSS %.0f MB\n",
        1e6 / stored, memory, seconds() - start, resident_mb());
    bench_worker pool = {0};
    pool_start(&pool, engine, 1, 1000);
    usleep(2000000);
    cleat__engine_stats stats;
    cleat__engine_get_stats(engine, &stats);
    printf("  from that backlog: %.0f tasks/s run and completed\n", (double)(1000000 - stats.queued) / 2);
    pool_stop(&pool);
    cleat__engine_close(engine);
    remove_files();
}

/* ---- What the disk allows ---- */

static double fdatasync_ms(void)
{
    int file = open("bench-engine.sync", O_RDWR | O_CREAT | O_TRUNC, 0644);
    char block[4096] = {0};
    double delays[200];
    for (size_t i = 0; i < 200; i++) {
        double start = seconds();
        if (pwrite(file, block, sizeof(block), (off_t)(i * sizeof(block))) < 0 || fdatasync(file) != 0) {
            break;
        }
        delays[i] = (seconds() - start) * 1e3;
    }
    close(file);
    unlink("bench-engine.sync");
    qsort(delays, 200, sizeof(delays[0]), compare_doubles);
    return delays[100];
}

static double bare_inserts(size_t rows, size_t group)
{
    remove_files();
    sqlite3 *db = NULL;
    sqlite3_stmt *insert = NULL;
    sqlite3_open(FILE_NAME, &db);
    sqlite3_exec(
        db,
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT)",
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

/* ---- Report ---- */

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof(*values), compare_doubles);
    return values[count / 2];
}

static void print_machine(void)
{
    struct utsname system;
    uname(&system);
    printf("%s %s %s, %ld processors, SQLite %s, Cleat %s\n", system.sysname, system.release, system.machine,
           sysconf(_SC_NPROCESSORS_ONLN), sqlite3_libversion(), cleat_version());
    printf("the disk: fdatasync %.3f ms; bare SQLite, rows/s: %.0f one per commit, %.0f in groups of 100, "
           "%.0f of 500\n",
           fdatasync_ms(), bare_inserts(2000, 1), bare_inserts(100000, 100), bare_inserts(200000, 500));
}

int main(int argc, char **argv)
{
    size_t tasks = 100000, runs = 3, threads = 1;
    int slots = 1000;
    bool with_million = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--million") == 0) {
            with_million = true;
        } else if (i + 1 < argc && strcmp(argv[i], "--tasks") == 0) {
            tasks = strtoull(argv[++i], NULL, 10);
        } else if (i + 1 < argc && strcmp(argv[i], "--runs") == 0) {
            runs = strtoull(argv[++i], NULL, 10);
        } else if (i + 1 < argc && strcmp(argv[i], "--threads") == 0) {
            threads = strtoull(argv[++i], NULL, 10);
        } else if (i + 1 < argc && strcmp(argv[i], "--slots") == 0) {
            slots = (int)strtol(argv[++i], NULL, 10);
        }
    }
    print_machine();
    double rates[16];
    for (size_t i = 0; i < runs; i++) {
        rates[i] = throughput(tasks, threads, slots);
        printf("  run %zu: %.0f tasks/s\n", i + 1, rates[i]);
    }
    printf("throughput: %.0f tasks/s, median of %zu runs of %zu tasks\n", median(rates, runs), runs, tasks);
    double p50[16], p99[16];
    for (size_t i = 0; i < runs; i++) {
        latency(300, &p50[i], &p99[i]);
    }
    printf("latency from call to handler at 100 tasks/s: p50 %.3f ms, p99 %.3f ms, medians of %zu runs\n",
           median(p50, runs), median(p99, runs), runs);
    if (with_million) {
        million();
    }
    remove_files();
    return 0;
}
