/*
 * Crons and schedules at rest, and when many come at once, on a file in the current directory.
 *
 *     bench_crons [--crons N] [--schedules N] [--seconds N]
 *
 * The file gets N crons (a million) that come once a year and N schedules (100,000) of the next century. An engine in a
 * process of its own opens it: how long that takes, what looking at all crons once takes, and what the engine takes from
 * then on while nothing is due, as a part of one core. Then 10,000 of the crons come in the same moment: how many runs are
 * made in a second.
 */
#define _GNU_SOURCE /* usleep */
#include "support/bench.h"

#include "base/clock.h"
#include "base/random_thread.h"
#include "engine/engine.h"
#include "model/cron.h"
#include "store/cron.h"
#include "store/schedule.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/wait.h>

#define FILE_NAME  "bench-crons.db"
#define WORKFLOW   "bench"
#define PIECE      1000 /* rows that are stored together */
#define AT_ONCE    10000
#define BUSY_NS    INT64_C(20000000) /* of processor time in a second: it is still looking at all crons */
#define AHEAD_MS   5000
#define IN_2100_MS INT64_C(4102444800000)

typedef struct settings {
    int64_t crons, schedules, seconds;
} settings;

static void check(cleat_status status, const char *what)
{
    if (status != CLEAT_OK) {
        fprintf(stderr, "%s: %s\n", what, cleat_error_message());
        exit(1);
    }
}

static int64_t now_ms(void)
{
    return cleat__clock_unix_ns(NULL) / CLEAT__NS_PER_MS;
}

static void remove_files(void)
{
    static const char *const names[] = {FILE_NAME, FILE_NAME "-wal", FILE_NAME "-shm", FILE_NAME "-lock"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        unlink(names[i]);
    }
}

static cleat__engine *open_engine(void)
{
    cleat__engine *engine = NULL;
    check(cleat__engine_open(&(cleat__engine_options){.path = FILE_NAME}, &engine), "open");
    return engine;
}

/* ---- The file ---- */

typedef struct piece {
    cleat__uuid_generator *ids;
    int64_t first, count; /* of those of its kind */
} piece;

static uint64_t pick(uint64_t bound)
{
    return cleat__random_below(cleat__random_thread(), bound);
}

/* Once a year, in more than a day. */
static void make_cron(char text[40], int64_t *next_ms)
{
    cleat__cron cron;
    do {
        snprintf(text, 40, "%d %d %d %d *", (int)pick(60), (int)pick(24), 1 + (int)pick(28),
                 1 + (int)pick(12));
        check(cleat__cron_parse(cleat_slice_of(text), &cron), "cron");
        *next_ms = cleat__cron_next_ms(&cron, now_ms());
    } while (*next_ms < now_ms() + 86400000);
}

static cleat_status add_crons(cleat__store *store, void *argument)
{
    const piece *all = argument;
    cleat_status status = CLEAT_OK;
    for (int64_t i = 0; i < all->count && status == CLEAT_OK; i++) {
        char name[32], expression[40];
        cleat__cron_row row = {.id = cleat__uuid_next(all->ids, now_ms()),
                               .tenant = CLEAT__TENANT_DEFAULT,
                               .workflow_row = 1,
                               .is_enabled = true,
                               .created_at_ms = now_ms(),
                               .what = {.input = cleat_slice_of("{\"n\":1}"), .method = CLEAT__SCHEDULE_API}};
        snprintf(name, sizeof(name), "cron-%" PRId64, all->first + i);
        make_cron(expression, &row.next_at_ms);
        row.what.name = cleat_slice_of(name);
        row.what.expression = cleat_slice_of(expression);
        status = cleat__cron_insert(store, &row);
    }
    return status;
}

static cleat_status add_schedules(cleat__store *store, void *argument)
{
    const piece *all = argument;
    cleat_status status = CLEAT_OK;
    for (int64_t i = 0; i < all->count && status == CLEAT_OK; i++) {
        const cleat__schedule_row row = {
            .id = cleat__uuid_next(all->ids, now_ms()),
            .tenant = CLEAT__TENANT_DEFAULT,
            .at_ms = IN_2100_MS + (int64_t)pick(INT64_C(31536000000)),
            .created_at_ms = now_ms(),
            .schedule = {.workflow = cleat_slice_of(WORKFLOW), .input = cleat_slice_of("{\"n\":1}")},
        };
        status = cleat__schedule_insert(store, &row);
    }
    return status;
}

static void fill_with(cleat__engine *engine, cleat__uuid_generator *ids, int64_t count,
                      cleat_status (*add)(cleat__store *store, void *argument))
{
    for (int64_t i = 0; i < count; i += PIECE) {
        piece part = {ids, i, count - i < PIECE ? count - i : PIECE};
        check(cleat__engine_call(engine, add, &part), "fill");
    }
}

static void fill(const settings *of)
{
    const cleat__workflow_task task = {.name = cleat_slice_of("noop"),
                                       .action = cleat_slice_of("bench:noop"),
                                       .policy = {.priority = 1,
                                                  .backoff_factor = 1,
                                                  .execution_timeout_ms = CLEAT__NO_TIMEOUT,
                                                  .schedule_timeout_ms = CLEAT__NO_TIMEOUT}};
    const cleat__workflow workflow = {.name = cleat_slice_of(WORKFLOW), .tasks = &task, .task_count = 1};
    cleat__uuid_generator ids = {0};
    cleat__random random;
    cleat__random_init(&random, 1);
    ids.random = &random;
    remove_files();
    cleat__engine *engine = open_engine();
    check(cleat__engine_put_workflow(engine, CLEAT__TENANT_DEFAULT, &workflow, NULL), "declare");
    int64_t start = bench_now_ns();
    fill_with(engine, &ids, of->crons, add_crons);
    fill_with(engine, &ids, of->schedules, add_schedules);
    printf("%" PRId64 " crons and %" PRId64 " schedules were stored in %.1f s\n", of->crons, of->schedules,
           (double)(bench_now_ns() - start) / 1e9);
    cleat__engine_close(engine);
}

/* ---- In processes of their own ---- */

static void rest(int64_t seconds)
{
    int64_t start = bench_now_ns(), cpu = bench_cpu_ns();
    cleat__engine *engine = open_engine();
    double opened_ms = (double)(bench_now_ns() - start) / 1e6;
    for (int64_t before = cpu, after = cpu + BUSY_NS; after - before >= BUSY_NS;) {
        before = bench_cpu_ns();
        usleep(1000000);
        after = bench_cpu_ns();
    }
    double looked_ms = (double)(bench_cpu_ns() - cpu) / 1e6;
    start = bench_now_ns();
    cpu = bench_cpu_ns();
    usleep((useconds_t)seconds * 1000000);
    double share = (double)(bench_cpu_ns() - cpu) / (double)(bench_now_ns() - start) * 100;
    printf("opened in %.0f ms; opening and looking at all crons once: %.0f ms of processor time; at rest: "
           "%.3f %% of "
           "a core (%" PRId64 " s), %.1f MiB\n",
           opened_ms, looked_ms, share, seconds, bench_resident_mib());
    cleat__engine_close(engine);
}

static void make_due(int64_t at_ms)
{
    char sql[200];
    sqlite3 *db = NULL;
    snprintf(sql, sizeof(sql),
             "UPDATE cron SET next_at_ms = %" PRId64 " WHERE id IN (SELECT id FROM cron LIMIT %d)", at_ms,
             AT_ONCE);
    if (sqlite3_open(FILE_NAME, &db) != SQLITE_OK || sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        fprintf(stderr, "%s\n", sqlite3_errmsg(db));
        exit(1);
    }
    sqlite3_close(db);
}

static void fire(int64_t crons)
{
    uint64_t wanted = (uint64_t)(crons < AT_ONCE ? crons : AT_ONCE);
    int64_t at_ms = now_ms() + AHEAD_MS;
    cleat__engine_stats stats = {0};
    make_due(at_ms);
    cleat__engine *engine = open_engine();
    while (now_ms() < at_ms || stats.queued < wanted) {
        usleep(1000);
        cleat__engine_get_stats(engine, &stats);
    }
    double took_ms = (double)(now_ms() - at_ms);
    printf("%" PRIu64 " crons in one moment: all runs are made after %.0f ms, %.0f a second\n", wanted,
           took_ms, (double)wanted / (took_ms > 0 ? took_ms : 1) * 1000);
    cleat__engine_close(engine);
}

static void run_self(const char *part, int64_t number)
{
    char text[24];
    snprintf(text, sizeof(text), "%" PRId64, number);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        execl("/proc/self/exe", "bench_crons", part, text, (char *)NULL);
        _exit(127);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
        fprintf(stderr, "%s failed\n", part);
        exit(1);
    }
}

int main(int argc, char **argv)
{
    settings of = {.crons = 1000000, .schedules = 100000, .seconds = 10};
    if (argc == 3 && strcmp(argv[1], "rest") == 0) {
        rest(strtoll(argv[2], NULL, 10));
        return 0;
    }
    if (argc == 3 && strcmp(argv[1], "fire") == 0) {
        fire(strtoll(argv[2], NULL, 10));
        return 0;
    }
    const struct {
        const char *name;
        int64_t *value;
    } options[] = {{"--crons", &of.crons}, {"--schedules", &of.schedules}, {"--seconds", &of.seconds}};
    for (int i = 1; i + 1 < argc; i += 2) {
        for (size_t j = 0; j < sizeof(options) / sizeof(options[0]); j++) {
            if (strcmp(argv[i], options[j].name) == 0) {
                *options[j].value = strtoll(argv[i + 1], NULL, 10);
            }
        }
    }
    bench_print_machine();
    fill(&of);
    run_self("rest", of.seconds);
    run_self("fire", of.crons);
    remove_files();
    return 0;
}
