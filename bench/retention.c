/*
 * What removing old runs costs those that are at work: the embedded engine, durable (synchronous=FULL), on a file in
 * the current directory.
 *
 *     bench_retention [--runs N] [--seconds N]
 *
 * From the call to the start of the task's function, at 100 tasks a second: on a file with a million runs that ended
 * long ago and are kept, and while these are removed. Runs and tasks have 200 bytes of input.
 */
#define _GNU_SOURCE /* usleep */
#include "support/bench.h"
#include "support/disk.h"

#include <cleat/worker.h>

#include <inttypes.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <string.h>

#define FILE_NAME     "bench-retention.db"
#define ACTION        "bench:noop"
#define PAYLOAD_BYTES 200
#define EVERY_US      10000
#define SAMPLES_MAX   200000
#define LONG_AGO_MS   (INT64_C(60) * 24 * 3600 * 1000)

static double delays_ms[SAMPLES_MAX];
static atomic_size_t sample_count;

static void check(cleat_status status, const char *what)
{
    if (status != CLEAT_OK) {
        fprintf(stderr, "%s: %s\n", what, cleat_error_message());
        exit(1);
    }
}

static void check_sqlite(sqlite3 *db, int code, const char *what)
{
    if (code != SQLITE_OK && code != SQLITE_ROW && code != SQLITE_DONE) {
        fprintf(stderr, "%s: %s\n", what, sqlite3_errmsg(db));
        exit(1);
    }
}

static void remove_files(void)
{
    static const char *const names[] = {FILE_NAME, FILE_NAME "-wal", FILE_NAME "-shm", FILE_NAME "-lock"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        unlink(names[i]);
    }
}

/* {"n":123,"x":"....."}, PAYLOAD_BYTES long. */
static void make_payload(char text[PAYLOAD_BYTES + 1], int64_t number)
{
    int size = snprintf(text, PAYLOAD_BYTES + 1, "{\"n\":%" PRId64 ",\"x\":\"", number);
    memset(text + size, 'x', (size_t)(PAYLOAD_BYTES - size));
    memcpy(text + PAYLOAD_BYTES - 2, "\"}", 3);
}

/* ---- The file ---- */

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    check_sqlite(db, sqlite3_prepare_v2(db, sql, -1, &statement, NULL), "prepare");
    return statement;
}

static void make_id(uint8_t id[16], int64_t ms, uint32_t number)
{
    memset(id, 0, 16);
    for (int i = 5; i >= 0; i--, ms >>= 8) {
        id[i] = (uint8_t)(ms & 0xff);
    }
    id[6] = 0x70;
    id[8] = 0x80;
    for (int i = 15; i >= 12; i--, number >>= 8) {
        id[i] = (uint8_t)(number & 0xff);
    }
}

static void insert_run(sqlite3 *db, sqlite3_stmt *task, sqlite3_stmt *end, int64_t ms, uint32_t number)
{
    char payload[PAYLOAD_BYTES + 1];
    uint8_t id[16];
    make_id(id, ms, number);
    make_payload(payload, number);
    sqlite3_bind_blob(task, 1, id, sizeof(id), SQLITE_STATIC);
    sqlite3_bind_int64(task, 2, ms);
    sqlite3_bind_text(task, 3, payload, PAYLOAD_BYTES, SQLITE_STATIC);
    check_sqlite(db, sqlite3_step(task), "insert");
    sqlite3_reset(task);
    sqlite3_bind_blob(end, 1, id, sizeof(id), SQLITE_STATIC);
    sqlite3_bind_int64(end, 2, ms + 1);
    check_sqlite(db, sqlite3_step(end), "insert");
    sqlite3_reset(end);
}

/* Runs that came one every ms, beginning long ago. */
static void fill(uint32_t runs, int64_t now_ms)
{
    sqlite3 *db = NULL;
    check_sqlite(NULL, sqlite3_open(FILE_NAME, &db), "open");
    check_sqlite(db, sqlite3_exec(db, "PRAGMA synchronous=OFF; BEGIN", NULL, NULL, NULL), "begin");
    sqlite3_stmt *task = prepare(db, "INSERT INTO task (id, type_id, priority, created_at_ms, input) "
                                     "SELECT ?1, max(id), 1, ?2, ?3 FROM task_type");
    sqlite3_stmt *end =
        prepare(db, "INSERT INTO task_end (id, state, retry_count, started_at_ms, finished_at_ms, "
                    "output) VALUES (?1, 2, 0, ?2, ?2, '{\"ok\":true}')");
    for (uint32_t i = 0; i < runs; i++) {
        insert_run(db, task, end, now_ms - LONG_AGO_MS + i, i);
    }
    sqlite3_finalize(task);
    sqlite3_finalize(end);
    check_sqlite(db, sqlite3_exec(db, "COMMIT; PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL), "commit");
    sqlite3_close(db);
}

static bool has_old_runs(sqlite3_stmt *look, int64_t now_ms)
{
    uint8_t id[16];
    make_id(id, now_ms - LONG_AGO_MS / 2, 0);
    sqlite3_bind_blob(look, 1, id, sizeof(id), SQLITE_STATIC);
    bool has = sqlite3_step(look) == SQLITE_ROW;
    sqlite3_reset(look);
    return has;
}

/* ---- Tasks ---- */

static int64_t *called_ns;

static cleat_status noop(cleat_task *task, void *user_data)
{
    (void)user_data;
    size_t number = strtoull(cleat_task_input(task).data + 5, NULL, 10);
    delays_ms[number] = (double)(bench_now_ns() - called_ns[number]) / 1e6;
    atomic_fetch_add(&sample_count, 1);
    return cleat_task_return(task, "{\"ok\":true}");
}

static void run_one(cleat_client *client, size_t number)
{
    char payload[PAYLOAD_BYTES + 1];
    cleat_run_id id;
    make_payload(payload, (int64_t)number);
    const cleat_run_item item = {.task = ACTION, .input = payload};
    usleep(EVERY_US);
    called_ns[number] = bench_now_ns();
    check(cleat_client_run_many(client, &item, 1, &id), "run");
}

typedef struct setting {
    cleat_client *client;
    cleat_worker *worker;
} setting;

static void begin(setting *at, int64_t retention_ms)
{
    atomic_store(&sample_count, 0);
    check(cleat_client_new(CLEAT_CLIENT_OPTIONS(.database = FILE_NAME, .run_retention_ms = retention_ms),
                           &at->client),
          "client");
    check(cleat_worker_new(at->client, CLEAT_WORKER_OPTIONS(.name = "bench", .slots = 8, .threads = 4),
                           &at->worker),
          "worker");
    check(cleat_worker_add_task(at->worker, CLEAT_TASK_OPTIONS(.name = ACTION, .run = noop)), "task");
    check(cleat_worker_start(at->worker), "start");
}

static void end(setting *at, size_t started)
{
    while (atomic_load(&sample_count) < started) {
        usleep(1000);
    }
    check(cleat_worker_stop(at->worker, 10000), "stop");
    cleat_worker_free(at->worker);
    cleat_client_free(at->client);
}

/* ---- Report ---- */

static void report(const char *what, size_t count, double *p50, double *p99)
{
    *p50 = bench_percentile(delays_ms, count, 50);
    *p99 = bench_percentile(delays_ms, count, 99);
    printf("%s: p50 %.2f ms, p99 %.2f ms, most %.2f ms (%zu tasks)\n", what, *p50, *p99, delays_ms[count - 1],
           count);
    fflush(stdout);
}

static void measure_idle(size_t seconds, double *p50, double *p99)
{
    setting at;
    size_t count = seconds * 1000000 / EVERY_US;
    begin(&at, -1);
    for (size_t i = 0; i < count; i++) {
        run_one(at.client, i);
    }
    end(&at, count);
    report("idle", count, p50, p99);
}

static void measure_removing(uint32_t runs, int64_t now_ms, double *p50, double *p99)
{
    setting at;
    sqlite3 *db = NULL;
    size_t count = 0;
    begin(&at, 0);
    check_sqlite(NULL, sqlite3_open_v2(FILE_NAME, &db, SQLITE_OPEN_READONLY, NULL), "open");
    sqlite3_stmt *look = prepare(db, "SELECT 1 FROM task WHERE id < ?1 LIMIT 1");
    usleep(1100000); /* then it has begun */
    int64_t begun_ns = bench_now_ns();
    while (has_old_runs(look, now_ms) && count < SAMPLES_MAX) {
        run_one(at.client, count++);
    }
    double seconds = (double)(bench_now_ns() - begun_ns) / 1e9;
    sqlite3_finalize(look);
    sqlite3_close(db);
    end(&at, count);
    printf("%" PRIu32 " runs removed in %.1f s, %.0f runs/s\n", runs, seconds, runs / seconds);
    report("while removing", count, p50, p99);
}

int main(int argc, char **argv)
{
    uint32_t runs = 1000000;
    size_t seconds = 20;
    double idle_p50, idle_p99, p50, p99;
    setting at;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--runs") == 0) {
            runs = (uint32_t)strtoul(argv[i + 1], NULL, 10);
        } else if (strcmp(argv[i], "--seconds") == 0) {
            seconds = strtoul(argv[i + 1], NULL, 10);
        }
    }
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t now_ms = (int64_t)now.tv_sec * 1000;
    called_ns = calloc(SAMPLES_MAX, sizeof(*called_ns));
    remove_files();
    bench_print_machine();
    printf("# disk: write and fdatasync of 3 pages %.3f ms at 100 a second\n", bench_sync_ms(10000));
    begin(&at, -1); /* makes the file, and declares the task */
    end(&at, 0);
    fill(runs, now_ms);
    measure_idle(seconds, &idle_p50, &idle_p99);
    measure_removing(runs, now_ms, &p50, &p99);
    printf("p50 %.2f times, p99 %.2f times that of idle\n", p50 / idle_p50, p99 / idle_p99);
    remove_files();
    free(called_ns);
    return 0;
}
