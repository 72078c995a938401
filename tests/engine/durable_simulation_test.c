/*
 * Durable runs in a random world, cut off between any two steps.
 *
 * A seed is one life of a database file. Each of a handful of runs follows a random plan of steps, sleeps, events and
 * children of which it awaits all or the first; an invocation walks through the plan from the top as a workflow's
 * function does. Any of it may be cut off: the engine (its file and log are taken as they are), the worker (what it held is lost,
 * while the invocation it leaves behind goes on asking), an attempt (it fails, and is retried). Invocations are
 * interleaved command by command; some hear how nodes end, as TypeScript's do, others ask, as those in C; most of the
 * latter say which nodes their requests take, and ask again when an answer is lost. Children, sleeps and events are
 * awaited together, and those that were not the first once more later; a third of the children fails, some go on as other ones.
 * Each run has a hook. Runs that have ended are replayed on a new branch of their logs, evicted ones are woken before their time. In half of the lives the worker is of another process, and outlives the engine.
 *
 * Asserted: what an invocation was told of a node it is told by all later ones, whatever happens in between; the value of a
 * step is the one that was stored first; a sleep lasts as long as it was asked for and once; the first of several
 * is the same in each replay; payloads of a hook are taken once, in their order; each wait is in the file once, for its span; who has lost a run cannot write into its log;
 * and in the end each run has completed with the output of its plan.
 *
 *     CLEAT_SEEDS=n   how many (default 80; fewer under the thread sanitizer)
 *     CLEAT_FIRST=n   the first of them (default 1)
 *     CLEAT_SEED=n    this one only, telling what happens
 */
#include "support/checked_file.h"
#include "support/durable_world.h"

#include "store/load.h"
#include "support/sanitizer.h"
#include "support/seeds.h"

#include <stdlib.h>
#include <unistd.h>

static dw_world totals;

/* ---- The life of the engine ---- */

static void step(dw_world *it)
{
    cleat__core_run(it->core, it->now);
    cleat__core_commit(it->core);
    cleat__command_list answers = cleat__core_release(it->core);
    cleat__command *command;
    DW_CHECK(it, cleat__core_failure(it->core) == CLEAT_OK, "the engine failed: %s", cleat_error_message());
    while ((command = cleat__command_take(&answers)) != NULL) {
        dw_answered(it, (dw_slip *)command);
        dw_drop_slip(it, (dw_slip *)command);
    }
    cleat__core_tell(it->core);
}

static void lose_worker(dw_world *it)
{
    for (size_t i = 0; i < ACTIVE; i++) {
        it->active[i].is_lost = true;
    }
    memset(it->held, 0, sizeof(it->held));
    it->has_worker = false;
    it->is_known = false;
    it->losses++;
}

/* A session of a worker of another process. */
static void listen(dw_world *it)
{
    dw_slip *made = dw_new_slip(it, CLEAT__COMMAND_WORKER_LISTEN);
    made->command.as.listen.id = it->worker;
    made->command.as.listen.session = ++it->session;
    made->command.as.listen.may_repeat = true;
    made->command.as.listen.sink = (cleat__worker_sink){it, dw_assigned, dw_cancelled};
    dw_apply(it, made);
}

/* It has heard of all that it was told, says again what was not answered, and goes on. */
static void resume_worker(dw_world *it, dw_slip *lost)
{
    for (size_t i = 0; i < ACTIVE; i++) {
        it->active[i].asks = false;
    }
    for (size_t i = 0; i < HELD; i++) {
        it->held[i].asks = false;
    }
    listen(it);
    for (dw_slip *each = lost; each != NULL; each = each->next) {
        dw_ask_again(it, each);
    }
    it->losses++;
}

static void open_core(dw_world *it)
{
    const cleat__core_options options = {
        .path = it->path, .mode = CLEAT__STORE_WRITE_UNSYNCED, .seed = it->seed * 1000 + it->crashes + 1};
    DW_CHECK(it, cleat__core_open(&options, it->now, &it->core) == CLEAT_OK, "open: %s",
             cleat_error_message());
}

static void copy_file(const dw_world *it, const char *from, const char *to, const char *suffix)
{
    static char bytes[65536];
    char name[400];
    size_t size;
    snprintf(name, sizeof(name), "%s%s", from, suffix);
    FILE *in = fopen(name, "rb");
    if (in == NULL) {
        return; /* no log */
    }
    snprintf(name, sizeof(name), "%s%s", to, suffix);
    FILE *out = fopen(name, "wb");
    DW_CHECK(it, out != NULL, "cannot write %s", name);
    while ((size = fread(bytes, 1, sizeof(bytes), in)) > 0) {
        DW_CHECK(it, fwrite(bytes, 1, size, out) == size, "cannot copy %s", name);
    }
    fclose(in);
    fclose(out);
}

static void drop_lost(dw_world *it, dw_slip *lost)
{
    while (lost != NULL) {
        dw_slip *gone = lost;
        lost = gone->next;
        if (gone->by != NULL && !it->is_known) {
            gone->by->asks = false;
        }
        if (gone->command.kind == CLEAT__COMMAND_DURABLE_BRANCH) {
            dw_unanswered_branch(it, gone);
        }
        it->unsure +=
            gone->command.kind == CLEAT__COMMAND_DURABLE && gone->requests[0].kind == CLEAT__DURABLE_EVICT;
        gone->next = it->slips;
        it->slips = gone;
        dw_drop_slip(it, gone);
    }
}

static void crash(dw_world *it)
{
    char former[sizeof(it->path)], latter[sizeof(it->path)];
    memcpy(former, it->path, sizeof(former));
    snprintf(latter, sizeof(latter), "%s/sim-%u.db", it->directory, ++it->crashes);
    DW_NOTE(it, "crash %u\n", it->crashes);
    copy_file(it, former, latter, "");
    copy_file(it, former, latter, "-wal");
    cleat__core_close(it->core);
    unlink(former);
    dw_slip *lost = it->slips;
    it->slips = NULL;
    memcpy(it->path, latter, sizeof(latter));
    it->now.unix_ms += (int64_t)dw_pick(it, 5000);
    it->now.monotonic_ms = (int64_t)dw_pick(it, 100000);
    open_core(it);
    for (size_t i = 0; i < ACTIVE; i++) {
        it->active[i].is_old = it->is_remote; /* and that it was lost may not have been stored */
    }
    if (it->is_known) {
        resume_worker(it, lost);
    } else {
        lose_worker(it);
    }
    drop_lost(it, lost);
}

/* ---- What happens ---- */

static void declare(dw_world *it, const char *name, bool is_durable)
{
    dw_slip *made = dw_new_slip(it, CLEAT__COMMAND_PUT_WORKFLOW);
    snprintf(made->text, sizeof(made->text), "%s:%s", name, name);
    snprintf(made->name, sizeof(made->name), "%s", name);
    made->task = (cleat__workflow_task){.name = cleat_slice_of(made->name),
                                        .action = cleat_slice_of(made->text),
                                        .is_durable = is_durable,
                                        .policy = {.retries = ATTEMPT_RETRIES,
                                                   .priority = 1,
                                                   .backoff_factor = 2,
                                                   .backoff_max_ms = 1,
                                                   .execution_timeout_ms = CLEAT__NO_TIMEOUT,
                                                   .schedule_timeout_ms = CLEAT__NO_TIMEOUT}};
    made->workflow =
        (cleat__workflow){.name = cleat_slice_of(made->name), .tasks = &made->task, .task_count = 1};
    made->command.as.put_workflow.workflow = &made->workflow;
    dw_apply(it, made);
}

static void hire(dw_world *it)
{
    dw_slip *made =
        dw_new_slip(it, it->is_remote ? CLEAT__COMMAND_WORKER_REGISTER : CLEAT__COMMAND_WORKER_JOIN);
    made->actions[0] = cleat_slice_of("flow:flow");
    made->actions[1] = cleat_slice_of("child:child");
    made->actions[2] = cleat_slice_of("chain:chain");
    made->slots[0] = (cleat__slots){cleat_slice_of("durable"), 1 + (int32_t)dw_pick(it, RUNS)};
    made->slots[1] = (cleat__slots){cleat_slice_of("default"), 1 + (int32_t)dw_pick(it, 8)};
    made->spec = (cleat__worker_spec){
        .actions = made->actions, .action_count = 3, .slots = made->slots, .slot_count = 2};
    it->has_worker = true;
    if (it->is_remote) {
        made->spec.name = cleat_slice_of("remote");
        made->command.as.worker_register.spec = &made->spec;
        made->command.as.worker_register.id = &it->worker;
        dw_apply(it, made);
        listen(it);
        return;
    }
    made->command.as.worker_join.spec = &made->spec;
    made->command.as.worker_join.sink = (cleat__worker_sink){it, dw_assigned, dw_cancelled};
    made->command.as.worker_join.id = &it->worker;
    dw_apply(it, made);
}

static void dismiss(dw_world *it)
{
    dw_slip *made = dw_new_slip(it, CLEAT__COMMAND_WORKER_REMOVE);
    made->command.as.id = it->worker;
    dw_apply(it, made);
    lose_worker(it);
}

static void keep_worker(dw_world *it)
{
    dw_slip *made = dw_new_slip(it, CLEAT__COMMAND_WORKER_HEARTBEAT);
    made->command.as.id = it->worker;
    dw_apply(it, made);
}

static void trigger(dw_world *it)
{
    dw_plan *of = &it->plans[it->plan_count];
    dw_slip *made = dw_new_slip(it, CLEAT__COMMAND_TRIGGER);
    dw_make_plan(it, it->plan_count);
    snprintf(made->text, sizeof(made->text), "{\"run\":%zu}", it->plan_count++);
    made->of = of;
    made->items[0] = (cleat__trigger){
        .workflow = cleat_slice_of("flow"), .input = cleat_slice_of(made->text), .child_index = -1};
    made->command.as.trigger.items = made->items;
    made->command.as.trigger.count = 1;
    made->command.as.trigger.ids = &made->id;
    dw_apply(it, made);
}

static void push(dw_world *it, size_t run, size_t at)
{
    dw_slip *made = dw_new_slip(it, CLEAT__COMMAND_PUSH);
    snprintf(made->text, sizeof(made->text), "event-%zu-%zu", run, at);
    made->event =
        (cleat__user_event){.key = cleat_slice_of(made->text), .payload = cleat_slice_of("{\"e\":1}")};
    made->command.as.push.items = &made->event;
    made->command.as.push.count = 1;
    made->command.as.push.ids = &made->id;
    dw_apply(it, made);
}

/* One step of one invocation. */
static void walk(dw_world *it, dw_invocation *by, bool may_fail)
{
    if (by->asks) {
        return;
    }
    if (may_fail && dw_pick(it, 40) == 0) {
        dw_report(it, by, CLEAT_FAILED);
    } else if (by->op == by->of->op_count) {
        dw_report(it, by, CLEAT_OK);
    } else if (!by->awaits) {
        dw_ask_op(it, by);
    } else if (!by->of->listens) {
        dw_ask_ends(it, by);
    } else if (dw_pick(it, 4) == 0) {
        dw_ask_eviction(it, by);
    }
}

static void walk_some(dw_world *it, bool may_fail)
{
    size_t from = dw_pick(it, ACTIVE);
    for (size_t i = 0; i < ACTIVE; i++) {
        dw_invocation *by = &it->active[(from + i) % ACTIVE];
        if (by->is_used && dw_pick(it, 3) != 0) {
            walk(it, by, may_fail);
        }
    }
}

static void report_some(dw_world *it)
{
    for (size_t i = 0; i < HELD; i++) {
        if (it->held[i].is_used && dw_pick(it, 2) == 0) {
            dw_walk_child(it, &it->held[i]);
        }
    }
}

static void advance(dw_world *it, int64_t ms)
{
    it->now.unix_ms += ms;
    it->now.monotonic_ms += ms;
}

static void happen(dw_world *it)
{
    if (it->plan_count < RUNS && dw_pick(it, 10) == 0) {
        trigger(it);
    }
    if (!it->has_worker && dw_pick(it, 4) == 0) {
        hire(it);
    } else if (it->has_worker && it->losses < 8 && dw_pick(it, 80) == 0) {
        dismiss(it);
    } else if (it->has_worker) {
        keep_worker(it);
    }
    if (it->plan_count > 0 && dw_pick(it, 5) == 0) {
        push(it, dw_pick(it, it->plan_count), dw_pick(it, OPS));
    }
    if (it->plan_count > 0 && dw_pick(it, 6) == 0) {
        dw_resume(it, dw_pick(it, it->plan_count));
    }
    if (it->plan_count > 0 && dw_pick(it, 25) == 0) {
        dw_branch(it, dw_pick(it, it->plan_count));
    }
    if (it->plan_count > 0 && dw_pick(it, 25) == 0) {
        dw_restore(it, dw_pick(it, it->plan_count));
    }
    report_some(it);
    walk_some(it, true);
    advance(it, (int64_t)dw_pick(it, 1500));
    bool may_crash = it->losses < 8 && dw_pick(it, 60) == 0;
    uint64_t point = may_crash ? dw_pick(it, 3) : 3;
    if (point == 0) {
        crash(it); /* before the commit; */
        return;
    }
    if (point == 1) {
        cleat__core_run(it->core, it->now); /* between that and the answers */
        cleat__core_commit(it->core);
        crash(it);
        return;
    }
    step(it);
    if (may_crash) {
        crash(it);
    }
}

/* ---- The end ---- */

/* The runs that have not ended; each that has did so as its plan says. */
static size_t count_live(dw_world *it)
{
    size_t live = 0;
    cleat__store *reader = NULL;
    DW_CHECK(it, cleat__store_open(it->path, CLEAT__STORE_READ, &reader) == CLEAT_OK, "%s",
             cleat_error_message());
    for (size_t i = 0; i < it->plan_count; i++) {
        cleat_run_result result = {.status = CLEAT_RUN_QUEUED};
        char expected[MEMO_TEXT];
        cleat_status status =
            cleat__load_result(reader, CLEAT__TENANT_DEFAULT, &it->plans[i].id, &result, NULL);
        if (status != CLEAT_OK) {
            live += status == CLEAT_EMPTY || it->plans[i].is_known;
            continue;
        }
        snprintf(expected, sizeof(expected), "{\"digest\":\"%" PRIx64 "\"}", it->plans[i].digest);
        DW_CHECK(it, result.status == CLEAT_RUN_COMPLETED, "run %zu has ended %s: %s", i,
                 cleat_run_status_name(result.status), result.error != NULL ? result.error : "");
        DW_CHECK(it, strcmp(result.output, expected) == 0, "run %zu gave %s, not %s", i, result.output,
                 expected);
        cleat_run_result_deinit(&result);
    }
    cleat__store_close(reader);
    return live;
}

/* Whoever was evicted has been woken by now: the file says of each time when that was, once. */
static void count_waits(dw_world *it)
{
    static const char sql[] = "SELECT count(*), coalesce(sum(began_at_ms <= suspended_at_ms AND "
                              "suspended_at_ms <= queued_at_ms), 0) FROM durable_invocation "
                              "WHERE suspended_at_ms IS NOT NULL";
    cleat__store *reader = NULL;
    sqlite3_stmt *select = NULL;
    DW_CHECK(it, cleat__store_open(it->path, CLEAT__STORE_READ, &reader) == CLEAT_OK, "%s",
             cleat_error_message());
    DW_CHECK(it, cleat__store_prepare(reader, sql, &select) == CLEAT_OK, "%s", cleat_error_message());
    DW_CHECK(it, sqlite3_step(select) == SQLITE_ROW, "counting waits");
    int rows = sqlite3_column_int(select, 0), sound = sqlite3_column_int(select, 1);
    bool are_all = rows >= (int)it->evictions && rows <= (int)(it->evictions + it->unsure);
    DW_CHECK(it, are_all && sound == rows, "%d waits are told, %d make sense; there were %d", rows, sound,
             (int)it->evictions);
    sqlite3_reset(select);
    cleat__store_close(reader);
}

static void tell_active(const dw_world *it)
{
    for (size_t i = 0; i < it->plan_count; i++) {
        const dw_plan *of = &it->plans[i];
        print_message("run %zu %s:", i, of->listens ? "listens" : "asks");
        for (size_t k = 0; k < of->op_count; k++) {
            print_message(" %d%s", of->ops[k].kind, of->facts[k].is_over ? "+" : "");
        }
        for (size_t k = 0; k < ACTIVE; k++) {
            const dw_invocation *by = &it->active[k];
            if (by->is_used && by->of == of) {
                print_message("; invocation %d is at %zu%s%s%s%s", by->count, by->op,
                              by->asks ? ", asks" : "", by->awaits ? ", awaits" : "",
                              by->ends ? ", ends" : "", by->is_lost ? ", lost" : "");
            }
        }
        print_message("\n");
    }
}

static void drain(dw_world *it)
{
    size_t live = 1;
    for (int i = 0; i < DRAIN && live > 0; i++) {
        if (!it->has_worker) {
            hire(it);
        } else {
            keep_worker(it);
        }
        for (size_t run = 0; i % 10 == 0 && run < it->plan_count; run++) {
            dw_resume(it, run);
            for (size_t at = 0; at < OPS; at++) {
                push(it, run, at);
            }
        }
        report_some(it);
        walk_some(it, false);
        advance(it, 500);
        step(it);
        live = i % 25 == 0 ? count_live(it) : live;
    }
    if (live != 0) {
        tell_active(it);
    }
    DW_CHECK(it, live == 0, "%zu runs never end", live);
}

static void live(dw_world *it)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-lock"};
    char name[400];
    cleat__random_init(&it->random, it->seed);
    it->listener = (cleat__durable_listener){it, dw_heard_end, dw_heard_eviction, NULL, NULL};
    it->now = (cleat__now){.unix_ms = INT64_C(1700000000000), .monotonic_ms = 5000};
    it->is_remote = it->seed % 2 == 0;
    snprintf(it->path, sizeof(it->path), "%s/sim-0.db", it->directory);
    open_core(it);
    declare(it, "flow", true);
    declare(it, "child", false);
    declare(it, "chain", true);
    step(it);
    for (int i = 0; i < STEPS; i++) {
        happen(it);
    }
    drain(it);
    count_waits(it);
    dw_check_hooks(it);
    const char *wrong = checked_file(it->path);
    DW_CHECK(it, wrong == NULL, "%s", wrong);
    cleat__core_close(it->core);
    while (it->slips != NULL) {
        dw_drop_slip(it, it->slips);
    }
    for (size_t i = 0; i < 4; i++) {
        snprintf(name, sizeof(name), "%s%s", it->path, suffixes[i]);
        unlink(name);
    }
}

#if UNDER_THREAD_SANITIZER
enum { SEEDS = 10 }; /* it has one thread */
#else
enum { SEEDS = 80 };
#endif

static void whatever_happens_each_run_ends_as_its_plan_says(void **state)
{
    uint64_t only = number_from("CLEAT_SEED", 0);
    uint64_t first = only != 0 ? only : number_from("CLEAT_FIRST", 1),
             count = only != 0 ? 1 : number_from("CLEAT_SEEDS", SEEDS);
    char directory[64];
    dw_world *it = malloc(sizeof(*it));
    (void)state;
    snprintf(directory, sizeof(directory), "%s/cleat-durable-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(directory));
    for (uint64_t seed = first; seed < first + count; seed++) {
        memset(it, 0, sizeof(*it));
        it->seed = seed;
        it->is_verbose = only != 0;
        snprintf(it->directory, sizeof(it->directory), "%s", directory);
        live(it);
        totals.crashes += it->crashes;
        totals.losses += it->losses;
        totals.replays += it->replays;
        totals.evictions += it->evictions;
        totals.sleeps += it->sleeps;
        totals.told += it->told;
        totals.stale += it->stale;
        totals.broken += it->broken;
        totals.repeated += it->repeated;
        totals.rests += it->rests;
        totals.resumed += it->resumed;
        totals.chained += it->chained;
        totals.hooked += it->hooked;
        totals.branched += it->branched;
        totals.restored += it->restored;
        totals.executions += it->executions;
    }
    rmdir(directory);
    free(it);
    print_message("%" PRIu64 " seeds: %u crashes, %u lost workers in all, %" PRIu64 " steps, %" PRIu64
                  " results of replays, %" PRIu64 " evictions, %" PRIu64 " sleeps, %" PRIu64
                  " ends told, %" PRIu64 " stale invocations refused, %" PRIu64 " failed children, %" PRIu64
                  " repeated requests, %" PRIu64 " ends awaited later, %" PRIu64
                  " requests of invocations that have outlived the engine, %" PRIu64
                  " children that went on, %" PRIu64 " payloads of hooks, %" PRIu64 " branches, %" PRIu64
                  " runs restored\n",
                  count, totals.crashes, totals.losses, totals.executions, totals.replays, totals.evictions,
                  totals.sleeps, totals.told, totals.stale, totals.broken, totals.repeated, totals.rests,
                  totals.resumed, totals.chained, totals.hooked, totals.branched, totals.restored);
    assert_true(only != 0 || (totals.crashes > 0 && totals.replays > 0 && totals.evictions > 0 &&
                              totals.sleeps > 0 && totals.told > 0 && totals.stale > 0 && totals.broken > 0 &&
                              totals.repeated > 0 && totals.rests > 0 &&
                              ((totals.resumed > 0 && totals.chained > 0 && totals.hooked > 0 &&
                                totals.branched > 0 && totals.restored > 0) ||
                               count < SEEDS)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_happens_each_run_ends_as_its_plan_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
