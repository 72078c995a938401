/*
 * The core in a random world, cut off between any two steps.
 *
 * A seed is one life of a database file: some hundred commands in random batches under a fake
 * clock, with crashes before and after the commit and between two commands. A crash takes the file
 * and its log as they are in that moment, as a kill -9 does, and goes on with a new core. At the
 * end workers run whatever is left. Asserted all along (world_effects.c): nothing acknowledged is
 * lost, no run ends twice or comes back to life, no attempt is assigned twice, no worker holds more
 * than its slots, no batch is larger than it may be or of two groups (world_batches.c), no key of a concurrency rule
 * has more runs than its slots, payloads and links arrive byte for byte, an event and its run, if a pattern and a filter let it start one, are there together and once, a schedule
 * is there or its run is, no time of a cron has two runs, who looks at a run is told its end; no task of a run of
 * several comes before its parents, such a run ends when all its tasks have, and as these say (world_dag.c); what is old
 * goes, piece by piece, and nothing that may still be asked for (world_expiry.c); invocations of durable runs come one
 * after the other; a run that goes on as a new one is asked to be the same by each of its attempts, which begins when it has
 * ended so, in its place, and else never (world_chains.c); and in the end every run has ended, and of what is old nothing is
 * left. A command for which memory was short has done nothing, or the engine ends as in a crash (world_memory.c).
 *
 *     CLEAT_SEEDS=n   how many (default 100; fewer under a sanitizer)
 *     CLEAT_FIRST=n   the first of them (default 1)
 *     CLEAT_SEED=n    this one only, telling what happens
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/world.h"

#include "engine/core_parts.h"
#include "support/checked_file.h"
#include "support/sanitizer.h"
#include "support/seeds.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

enum { STEPS = 70, DRAIN_STEPS = 3000 };
_Static_assert(WORLD_WORKERS == WORLD_TENANTS * WORLD_ACTIONS, "each queue is drained");

typedef enum crash_point {
    CRASH_NEVER,
    CRASH_BETWEEN_COMMANDS,
    CRASH_BEFORE_COMMIT,
    CRASH_AFTER_COMMIT,
} crash_point;

/* ---- Files ---- */

static void remove_file(const char *path, const char *suffix)
{
    char name[400];
    snprintf(name, sizeof(name), "%s%s", path, suffix);
    unlink(name);
}

static void copy_file(const sim_world *world, const char *from, const char *to, const char *suffix)
{
    static char bytes[65536];
    char name[400];
    snprintf(name, sizeof(name), "%s%s", from, suffix);
    FILE *in = fopen(name, "rb");
    if (in == NULL) {
        return; /* no log */
    }
    snprintf(name, sizeof(name), "%s%s", to, suffix);
    FILE *out = fopen(name, "wb");
    world_check(world, out != NULL, "cannot write %s", name);
    size_t size;
    while ((size = fread(bytes, 1, sizeof(bytes), in)) > 0) {
        world_check(world, fwrite(bytes, 1, size, out) == size, "cannot copy %s", name);
    }
    fclose(in);
    fclose(out);
}

static void name_file(sim_world *world)
{
    snprintf(world->path, sizeof(world->path), "%s/sim-%u.db", world->directory, world->crashes);
}

/* ---- Life and death of the engine ---- */

static void open_core(sim_world *world)
{
    cleat__core_options options = {.path = world->path,
                                   .mode = CLEAT__STORE_WRITE_UNSYNCED,
                                   .seed = world->seed * 1000 + world->crashes + 1};
    cleat_status status = cleat__core_open(&options, world->now, &world->core);
    world_check(world, status == CLEAT_OK, "open: %s", cleat_error_message());
}

static void close_core(sim_world *world)
{
    cleat__core_close(world->core);
    world->core = NULL;
    memset(world->watches, 0, sizeof(world->watches)); /* their connections broke */
    remove_file(world->path, "");
    while (world->slips != NULL) {
        world_unanswered(world, world->slips);
    }
    for (size_t i = 0; i < WORLD_WORKERS; i++) {
        sim_worker *worker = &world->workers[i];
        if (worker->is_known) {
            worker->is_listening = false; /* its connection broke, what it does goes on */
        } else {
            *worker = (sim_worker){.world = world};
        }
    }
}

/* Nobody is in a transaction. */
static void check_file(sim_world *world)
{
    const char *wrong = checked_file(world->path);
    world_check(world, wrong == NULL, "%s", wrong);
}

static void crash(sim_world *world)
{
    char former[sizeof(world->path)];
    memcpy(former, world->path, sizeof(former));
    world->crashes++;
    name_file(world);
    world_note(world, "crash %u", world->crashes);
    copy_file(world, former, world->path, "");
    copy_file(world, former, world->path, "-wal");
    char latter[sizeof(world->path)];
    memcpy(latter, world->path, sizeof(latter));
    memcpy(world->path, former, sizeof(former));
    close_core(world);
    memcpy(world->path, latter, sizeof(latter));
    /* Another process, perhaps another boot; the clock may have been set meanwhile. */
    world->latest_ms = world->now.unix_ms > world->latest_ms ? world->now.unix_ms : world->latest_ms;
    world->now.monotonic_ms = (int64_t)pick(world, 100000);
    world->now.unix_ms +=
        pick(world, 5) == 0 ? (int64_t)pick(world, 7200000) - 3600000 : (int64_t)pick(world, 5000);
    world->clock_went_back = world->clock_went_back || world->now.unix_ms < world->latest_ms;
    world->clock_was_wrong = world->clock_was_wrong || world->latest_ms - world->now.unix_ms > 3600000;
    open_core(world);
    if (world->crashes == 1) { /* in the middle of life; each time it would take as long as all else */
        check_file(world);
    }
    world_audit(world, false);
}

/* ---- Steps ---- */

/* What an engine's worker holds, and whether its slots are counted right. */
static int64_t count_held(const sim_world *world, const cleat__worker *worker)
{
    int64_t held = 0;
    int32_t used[2] = {0};
    for (const cleat__run *run = worker->held.head; run != NULL; run = run->next) {
        held++;
        used[run->type->needs->is_durable] += !run->has_released;
    }
    for (size_t i = 0; i < 2; i++) { /* one that is not given back is not lost work, but never comes back */
        world_check(world, used[i] == worker->pools[i].used, "%d slots count as used, %d are",
                    worker->pools[i].used, used[i]);
    }
    return held;
}

static void check_slots(const sim_world *world)
{
    size_t cursor = 0;
    int64_t held = 0;
    const cleat__worker *worker;
    while ((worker = cleat__map_next(&world->core->roster.by_id, &cursor)) != NULL) {
        held += count_held(world, worker);
    }
    for (size_t i = 0; i < WORLD_WORKERS; i++) {
        const sim_worker *here = &world->workers[i];
        if (here->is_there && !here->is_remote) {
            int64_t has = count_held(world, cleat__roster_find(&world->core->roster, &here->id));
            world_check(world, has == here->count, "a worker holds %" PRId64 " runs and knows %d", has,
                        here->count);
        }
    }
    cleat__engine_stats stats;
    cleat__core_get_stats(world->core, &stats);
    int64_t dags = (int64_t)world_check_dags(world);
    world_check(world, (int64_t)stats.running == held + dags,
                "%" PRIu64 " runs are running, workers hold %" PRId64, stats.running, held);
}

static void release(sim_world *world)
{
    cleat__command_list answers = cleat__core_release(world->core);
    cleat__command *command;
    while ((command = cleat__command_take(&answers)) != NULL) {
        world_answered(world, (sim_slip *)command);
    }
    check_slots(world);
    world_check_limits(world);
    world_check_batches(world);
    world_check_pauses(world);
    world_check_chains(world);
    world_check_watches(world);
}

/* A worker of another process may not know that it has lost the attempt: then its report says nothing. */
static void look_at_attempt(sim_world *world, sim_slip *slip)
{
    const cleat__report *said = &slip->command.as.report;
    cleat__run *run = cleat__runs_find(&world->core->runs, &said->task_id);
    bool is_running = run != NULL && run->state == CLEAT_RUN_RUNNING &&
                      run->retry_count == said->retry_count &&
                      (said->invocation_count == 0 || world_is_present(world, run, said->invocation_count));
    slip->was_held = slip->was_held && is_running && !slip->is_foreign;
    if (slip->was_held && run->worker->is_remote) {
        world->seen.remote_completed += said->status == CLEAT_OK;
        world->seen.resumed += said->status == CLEAT_OK && !run->worker->has_listened;
    }
}

static void apply(sim_world *world, sim_slip *slip)
{
    world_note(world, "command %d%s%s", slip->command.kind, slip->task != NOBODY ? " on " : "",
               slip->task != NOBODY ? world->tasks[slip->task].input : "");
    if (slip->command.kind == CLEAT__COMMAND_REPORT) {
        look_at_attempt(world, slip);
        world_say_next(world, slip);
    }
    slip->followed = slip->command.follows ? world_follow(world, slip->task) : slip->task;
    world_judge(world, slip);
    world_do(world, slip);
    world_note_filter(world, slip);
    if (slip->command.kind == CLEAT__COMMAND_TRIGGER || slip->command.kind == CLEAT__COMMAND_PUSH ||
        slip->command.kind == CLEAT__COMMAND_SCHEDULE || slip->asks_next ||
        slip->command.kind == CLEAT__COMMAND_ADD_CRON || slip->command.kind == CLEAT__COMMAND_TRIGGER_CRON) {
        world_learn_ids(world, slip);
    }
}

/* Two commands on one run in one batch: which of them counts is the engine's business. */
static void mark_conflicts(sim_slip **batch, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            bool is_cancel = batch[j]->command.kind == CLEAT__COMMAND_CANCEL;
            if (is_cancel && batch[i]->task == batch[j]->task) {
                batch[i]->was_held = false;
            }
        }
    }
}

static void pass_time(sim_world *world)
{
    static const int64_t steps[] = {0, 0, 1, 20, 300, 1000, 5000, 31000};
    int64_t ms = steps[pick(world, 8)];
    int64_t next = cleat__core_next_ms(world->core);
    if (next != INT64_MAX && pick(world, 4) == 0) {
        ms = next > world->now.monotonic_ms ? next - world->now.monotonic_ms : 0; /* to the point */
    }
    world->now.monotonic_ms += ms;
    world->now.unix_ms += ms;
}

static void step(sim_world *world, crash_point point)
{
    sim_slip *batch[WORLD_BATCH];
    size_t count = 0;
    for (uint64_t left = pick(world, WORLD_BATCH + 1); left > 0; left--) {
        sim_slip *made = world_new_command(world);
        if (made != NULL) {
            batch[count++] = made;
        }
    }
    mark_conflicts(batch, count);
    size_t last = point == CRASH_BETWEEN_COMMANDS ? (size_t)pick(world, count + 1) : count;
    for (size_t i = 0; i < last; i++) {
        apply(world, batch[i]);
    }
    bool is_broken = cleat__core_failure(world->core) != CLEAT_OK; /* for memory */
    world->seen.broken += is_broken;
    if (point == CRASH_BETWEEN_COMMANDS || is_broken) {
        crash(world);
        return;
    }
    cleat__core_run(world->core, world->now);
    if (point == CRASH_BEFORE_COMMIT) {
        crash(world);
        return;
    }
    cleat__core_commit(world->core);
    world_check(world, cleat__core_failure(world->core) == CLEAT_OK, "%s", cleat_error_message());
    if (point == CRASH_AFTER_COMMIT) {
        crash(world);
        return;
    }
    release(world);
}

/* ---- The end: everything runs ---- */

static void settle(sim_world *world)
{
    cleat__core_run(world->core, world->now);
    cleat__core_commit(world->core);
    world_check(world, cleat__core_failure(world->core) == CLEAT_OK, "%s", cleat_error_message());
    release(world);
}

static bool has_live_runs(const sim_world *world)
{
    cleat__engine_stats stats;
    cleat__core_get_stats(world->core, &stats);
    return stats.queued + stats.running + stats.evicted != 0;
}

/* Workers that they must have may never come. */
static void cancel_the_choosy(sim_world *world)
{
    for (size_t i = 0; i < world->task_count; i++) {
        const known *task = &world->tasks[i];
        bool lives = cleat__runs_find(&world->core->runs, &task->id) != NULL;
        if (lives && (task->needs_label || !cleat__uuid_is_nil(&task->desired))) {
            sim_slip *made = world_new_slip(world, CLEAT__COMMAND_CANCEL);
            made->task = i;
            made->command.tenant = task->tenant;
            made->command.as.id = task->id;
            apply(world, made);
        }
    }
}

static void drain(sim_world *world)
{
    world->has_no_crons = true;
    world->is_poor = false;
    if (world->now.unix_ms < world->latest_ms) { /* the clock is put right: sleeps go by it */
        world->now.unix_ms = world->latest_ms;
    }
    for (int64_t tenant = 1; tenant <= WORLD_TENANTS; tenant++) {
        apply(world, world_declare(world, tenant, 2));
        apply(world, world_declare(world, tenant, WORLD_DAG));
        for (size_t number = 0; number <= WORLD_DAG; number++) {
            apply(world, world_resume(world, tenant, number));
        }
    }
    cancel_the_choosy(world);
    for (size_t i = 0; i < WORLD_CRONS; i++) {
        sim_slip *made = world_delete_cron(world, i);
        if (made != NULL) {
            apply(world, made);
        }
    }
    for (size_t i = 0; i < WORLD_WORKERS; i++) {
        if (world->workers[i].is_there) {
            apply(world, world_dismiss(world, i));
        }
    }
    settle(world);
    for (size_t i = 0; i < WORLD_WORKERS; i++) {
        int64_t tenant = 1 + (int64_t)i / WORLD_ACTIONS;
        apply(world, world_hire(world, i, tenant, world_actions[i % WORLD_ACTIONS], WORLD_SLOTS));
    }
    settle(world);
    int left = DRAIN_STEPS;
    for (; left > 0 && (has_live_runs(world) || world->core->schedule_ms != INT64_MAX); left--) {
        if (!has_live_runs(world) && world->core->schedule_ms > world->now.unix_ms) {
            world->now.unix_ms = world->core->schedule_ms; /* the clock may have been set back by hours */
        }
        for (size_t i = 0; i < WORLD_WORKERS; i++) {
            while (world->workers[i].count > 0) {
                apply(world, world_succeed(world, i));
            }
            apply(world, world_heartbeat(world, i));
        }
        world->now.monotonic_ms += 100;
        world->now.unix_ms += 100;
        settle(world);
    }
    world_check(world, left > 0, "runs are left over");
    world_check(world, world->slips == NULL, "somebody waits for a run that has ended");
    world_audit(world, true);
    check_file(world);
    world->seen.superseded = world_count(world, "SUPERSEDED");
    world->seen.skipped = world_count(world, "SKIPPED");
}

/* All is old now, whatever the clock has said. */
static void let_all_expire(sim_world *world)
{
    int left = DRAIN_STEPS;
    world->now.unix_ms += INT64_C(1000) * 24 * 3600 * 1000;
    for (int idle = 0; left > 0 && idle < 20; left--) {
        sim_slip *made = world_expire(world);
        idle = made != NULL ? 0 : idle + 1; /* there are several kinds */
        if (made != NULL) {
            apply(world, made);
            settle(world);
        }
    }
    world_check_gone(world);
    check_file(world);
}

/* ---- Seeds ---- */

static crash_point pick_crash(sim_world *world)
{
    switch (pick(world, 60)) {
    case 0: return CRASH_BETWEEN_COMMANDS;
    case 1: return CRASH_BEFORE_COMMIT;
    case 2: return CRASH_AFTER_COMMIT;
    default: return CRASH_NEVER;
    }
}

/* The engine leaves that to others, see store/tenant.h. */
static void store_tenants(sim_world *world)
{
    sqlite3 *db = cleat__store_db(world->core->store);
    char *sql = sqlite3_mprintf("WITH n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < %d) "
                                "INSERT INTO tenant SELECT i, randomblob(16), 'tenant ' || i, 1 FROM n",
                                WORLD_TENANTS);
    world_check(world, sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, "tenants");
    sqlite3_free(sql);
}

static void live(sim_world *world)
{
    cleat__random_init(&world->random, world->seed);
    world->now = (cleat__now){.unix_ms = INT64_C(1700000000000), .monotonic_ms = 1000};
    world->is_of_chains = world->seed % 4 == 0;
    name_file(world);
    open_core(world);
    store_tenants(world);
    for (size_t i = 0; i < WORLD_WORKERS; i++) {
        world->workers[i].world = world;
    }
    for (size_t i = 0; i < WORLD_TENANTS * (WORLD_DAG + 1); i++) {
        apply(world, world_declare(world, 1 + (int64_t)(i / (WORLD_DAG + 1)), i % (WORLD_DAG + 1)));
    }
    settle(world);
    world->is_poor = world->seed % 3 == 0;
    for (world->steps = 1; world->steps <= STEPS; world->steps++) {
        pass_time(world);
        step(world, pick_crash(world));
        if (world->steps % 16 == 0) {
            world_audit(world, false);
        }
    }
    drain(world);
    if (world->seed % 8 == 0) {
        let_all_expire(world);
    }
    close_core(world);
}

static void choose_directory(char *directory, size_t size)
{
    const char *fallback = getenv("TMPDIR");
    const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : fallback != NULL ? fallback : ".";
    snprintf(directory, size, "%s/cleat-simulation-XXXXXX", base);
    assert_non_null(mkdtemp(directory));
}

#if UNDER_THREAD_SANITIZER
enum { SEEDS = 20 }; /* it has one thread */
#elif UNDER_ADDRESS_SANITIZER
enum { SEEDS = 60 }; /* the memory is used in the same ways all over again */
#else
enum { SEEDS = 100 };
#endif

static void add(world_seen *total, const sim_world *world)
{
    world_seen seen = world->seen;
    seen.crashes = world->crashes;
    seen.triggers = world->task_count;
#define ADD(name, what, least) total->name += seen.name;
    WORLD_SEEN(ADD)
#undef ADD
}

static void tell(const world_seen *total, uint64_t seeds)
{
    printf("%" PRIu64 " seeds", seeds);
#define TELL(name, what, least) printf(", %" PRIu64 " " what, total->name);
    WORLD_SEEN(TELL)
#undef TELL
    printf("\n");
}

/* The dice reach everything. */
static void check(const world_seen *total, uint64_t seeds)
{
#define CHECK(name, what, least) assert_true(total->name >= seeds * (least) / 100);
    WORLD_SEEN(CHECK)
#undef CHECK
}

static void test_seeds(void **state)
{
    (void)state;
    static sim_world world;
    world_seen total = {.crashes = 0};
    uint64_t only = number_from("CLEAT_SEED", 0);
    uint64_t first = only != 0 ? only : number_from("CLEAT_FIRST", 1),
             count = only != 0 ? 1 : number_from("CLEAT_SEEDS", SEEDS);
    char directory[256];
    choose_directory(directory, sizeof(directory));
    world_give_memory();
    for (uint64_t seed = first; seed < first + count; seed++) {
        memset(&world, 0, sizeof(world));
        world.seed = seed;
        world.is_verbose = only != 0;
        memcpy(world.directory, directory, sizeof(directory));
        live(&world);
        add(&total, &world);
    }
    rmdir(directory);
    tell(&total, count);
    if (count >= 100) {
        check(&total, count);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seeds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
