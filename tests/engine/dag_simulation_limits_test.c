/*
 * Random workflows of several tasks with random limits, many runs of them at once, in a random world whose engine ends again
 * and again.
 *
 * A seed has rules for its runs, or for some of its tasks, or both, of any strategy, perhaps a rate limit. Runs of two keys
 * are started, their tasks complete and fail, time passes, runs and tasks are cancelled and replayed, the engine is closed
 * and opened. Asserted after each step: of no key more runs have begun than the rule says, and of no key more
 * of a task are with the worker; no window hands out more than its limit. In the end all runs have ended, none was
 * cancelled but by a strategy that cancels, and nobody holds anything.
 *
 *     CLEAT_SEEDS=n   how many (default 60; fewer under a sanitizer)
 *     CLEAT_FIRST=n   the first of them (default 1)
 */
#include "engine/dag_limits_test.h"
#include "support/sanitizer.h"
#include "support/seeds.h"

#include "base/random.h"
#include "engine/core_parts.h"
#include "engine/dag.h"
#include "store/check.h"

#define SEEDS (UNDER_ADDRESS_SANITIZER || UNDER_THREAD_SANITIZER ? 30 : 60)
enum { STEPS = 120, RUNS = 8, KEYS = 2, PER_MINUTE = 3, MINUTE_MS = 60000, TASKS = 4 };

typedef struct limits_world {
    dag_rig *at;
    cleat__random random;
    uint64_t seed;
    char names[TASKS][2];
    char parents[TASKS][2 * TASKS];
    cleat__concurrency of_runs[2], of_task[TASKS];
    cleat__rate_use use;
    cleat__uuid runs[RUNS];
    size_t keys[RUNS];
    size_t run_count;
    size_t done;           /* of what was handed out, reported; they are reported in that order */
    bool may_be_cancelled; /* by a strategy, by hand, or since time was over */
} limits_world;

static size_t pick(limits_world *it, size_t count)
{
    return (size_t)(cleat__random_next(&it->random) % count);
}

/* ---- A workflow ---- */

static cleat__concurrency random_rule(limits_world *it, const char *expression)
{
    static const cleat_concurrency_strategy strategies[] = {
        CLEAT_GROUP_ROUND_ROBIN, CLEAT_GROUP_ROUND_ROBIN,           CLEAT_GROUP_ROUND_ROBIN,
        CLEAT_CANCEL_NEWEST,     CLEAT_CANCEL_QUEUED_EXCEPT_NEWEST, CLEAT_CANCEL_QUEUED_EXCEPT_OLDEST,
        CLEAT_CANCEL_IN_PROGRESS};
    cleat_concurrency_strategy strategy = strategies[pick(it, 7)];
    it->may_be_cancelled = it->may_be_cancelled || strategy != CLEAT_GROUP_ROUND_ROBIN;
    return (cleat__concurrency){
        .expression = cleat_slice_of(expression), .max_runs = 1 + (int32_t)pick(it, 2), .strategy = strategy};
}

static void add_limits(limits_world *it, size_t step, cleat__workflow_task *task)
{
    if (pick(it, 3) == 0) {
        it->of_task[step] = random_rule(it, "input.k");
        limit_task(task, &it->of_task[step], 1);
    }
    if (pick(it, 5) == 0) {
        task->rate_limits = &it->use;
        task->rate_limit_count = 1;
        it->may_be_cancelled = true; /* many may want units, and few get them before their time is over */
    }
}

static void add_tasks(limits_world *it)
{
    size_t count = 2 + pick(it, TASKS - 1);
    bool has_on_failure = count > 2 && pick(it, 2) == 0;
    for (size_t i = 0; i < count; i++) {
        bool is_last = has_on_failure && i == count - 1;
        it->names[i][0] = (char)('a' + (int)i);
        for (size_t j = 0; j < i && !is_last; j++) {
            if (pick(it, 2) == 0) {
                snprintf(it->parents[i] + strlen(it->parents[i]), 3, "%s%s",
                         it->parents[i][0] != '\0' ? " " : "", it->names[j]);
            }
        }
        cleat__workflow_task *task = add_task(it->at, it->names[i], it->parents[i]);
        task->policy.retries = (int32_t)pick(it, 2);
        task->policy.backoff_initial_ms = task->policy.backoff_max_ms = 1000 * (int64_t)pick(it, 2);
        task->is_on_failure = is_last;
        add_limits(it, i, task);
    }
    size_t rules = pick(it, 3);
    it->of_runs[0] = random_rule(it, "input.k");
    it->of_runs[1] = random_rule(it, "'all'");
    limit_runs(it->at, it->of_runs, rules);
}

static void put_rate(limits_world *it)
{
    it->use = (cleat__rate_use){.key = cleat_slice_of("calls"), .units = 1, .window_ms = MINUTE_MS};
    cleat__command command = {.tenant = CLEAT__TENANT_DEFAULT,
                              .kind = CLEAT__COMMAND_PUT_RATE_LIMIT,
                              .as.put_rate_limit = {it->use.key, PER_MINUTE, MINUTE_MS}};
    assert_int_equal(ask(&it->at->core, &command), CLEAT_OK);
}

/* ---- What is always so ---- */

static size_t key_of(const limits_world *it, const cleat__uuid *run)
{
    for (size_t i = 0; i < it->run_count; i++) {
        if (cleat__uuid_equals(&it->runs[i], run)) {
            return it->keys[i];
        }
    }
    fail_msg("seed %llu: a run that nobody has started", (unsigned long long)it->seed);
    return 0;
}

static bool has_begun(cleat__run *run)
{
    const cleat__dag *dag = cleat__dag_of_run(run);
    for (size_t i = 0; i < dag->plan->task_count; i++) {
        if (dag->tasks[i].stage == CLEAT__DAG_FREE) {
            return true;
        }
    }
    return false;
}

static void check_most(const limits_world *it, const char *what, size_t found, int32_t most)
{
    if (found > (size_t)most) {
        fail_msg("seed %llu: %zu %s, not %d", (unsigned long long)it->seed, found, what, most);
    }
}

static void check(limits_world *it)
{
    size_t begun[KEYS] = {0}, running[TASKS][KEYS] = {{0}}, cursor = 0;
    const cleat__workflow *workflow = &it->at->workflow;
    cleat__run *run;
    while ((run = cleat__map_next(&it->at->core.core->runs.by_id, &cursor)) != NULL) {
        size_t key = key_of(it, &cleat__dag_root(run)->id);
        if (cleat__run_is_dag(run)) {
            begun[key] += has_begun(run);
        } else {
            running[run->type->step][key] += run->state == CLEAT_RUN_RUNNING;
        }
    }
    for (size_t key = 0; key < KEYS && workflow->concurrency_count > 0; key++) {
        check_most(it, "runs of a key have begun", begun[key], it->of_runs[0].max_runs);
    }
    if (workflow->concurrency_count > 1) {
        check_most(it, "runs have begun", begun[0] + begun[1], it->of_runs[1].max_runs);
    }
    for (size_t i = 0; i < workflow->task_count; i++) {
        for (size_t key = 0; key < KEYS && workflow->tasks[i].concurrency_count > 0; key++) {
            check_most(it, "of a task run", running[i][key], it->of_task[i].max_runs);
        }
    }
}

/* ---- What happens ---- */

static void start_run(limits_world *it)
{
    static const char *const names[KEYS] = {"x", "y"};
    if (it->run_count < RUNS) {
        size_t key = pick(it, KEYS);
        it->keys[it->run_count] = key;
        it->runs[it->run_count] = start(it->at, names[key]);
        it->run_count++;
    }
}

static void report_one(limits_world *it)
{
    if (it->done == told.count) {
        return;
    }
    const told_task *task = &told.tasks[it->done++];
    bool has_failed = pick(it, 5) == 0;
    assert_int_equal(report(&it->at->core, &task->id, task->retry_count, has_failed ? CLEAT_IO : CLEAT_OK,
                            has_failed ? "bad" : "{}"),
                     CLEAT_OK);
}

static void cancel_something(limits_world *it)
{
    bool is_task = told.count != 0 && pick(it, 2) == 0;
    const cleat__uuid *id =
        is_task ? &told.tasks[pick(it, told.count)].id : &it->runs[pick(it, it->run_count)];
    it->may_be_cancelled = cancel(&it->at->core, id) == CLEAT_OK || it->may_be_cancelled;
}

/* One that lives says so. */
static void replay_something(limits_world *it)
{
    bool is_task = told.count != 0 && pick(it, 2) == 0;
    (void)replay(it->at, is_task ? &told.tasks[pick(it, told.count)].id : &it->runs[pick(it, it->run_count)]);
}

static void happen(limits_world *it)
{
    switch (pick(it, 16)) {
    case 0: advance(&it->at->core, 500 + (int64_t)pick(it, 1500)); break;
    case 1:
    case 2:
    case 3:
    case 4: start_run(it); break;
    case 5: restart(it->at); break;
    case 6:
        if (pick(it, 4) == 0) {
            cancel_something(it);
        }
        break;
    case 7:
        if (pick(it, 2) == 0) {
            replay_something(it);
        }
        break;
    default: report_one(it); break;
    }
    check(it);
}

static void go_to_the_end(limits_world *it)
{
    for (int minutes = 0; it->at->core.core->runs.by_id.count != 0; minutes++) {
        while (it->done < told.count) {
            report_one(it);
            check(it);
        }
        advance(&it->at->core, 2000); /* who backs off comes back, and a window passes now and then */
        if (minutes == 500) {
            it->at->run = it->runs[0];
            fail_msg("seed %llu does not end: %s", (unsigned long long)it->seed, tasks_of(it->at));
        }
    }
}

/* ---- In the end ---- */

static void hear_finding(void *argument, const cleat__finding *finding)
{
    const limits_world *it = argument;
    fail_msg("seed %llu: %.*s: %.*s", (unsigned long long)it->seed, CLEAT_SLICE_ARGS(finding->rule),
             CLEAT_SLICE_ARGS(finding->what));
}

static void check_file(limits_world *it)
{
    int rules = 0;
    cleat__store *reader = NULL;
    assert_int_equal(cleat__store_open(FILE_NAME, CLEAT__STORE_READ, &reader), CLEAT_OK);
    assert_int_equal(cleat__check_tables(reader, hear_finding, it, &rules), CLEAT_OK);
    cleat__store_close(reader);
    assert_true(rules > 20);
}

static void check_end(limits_world *it)
{
    const cleat__core *core = it->at->core.core;
    check_file(it);
    assert_int_equal(core->limits.groups.count, 0);
    assert_int_equal(core->limits.contenders.count, 0);
    assert_int_equal(core->wishes.by_text.count, 0);
    assert_string_equal(query("SELECT count(*) FROM task_live WHERE ?1 IS NOT NULL", &it->runs[0]), "0");
    for (size_t i = 0; i < it->run_count && !it->may_be_cancelled; i++) {
        if (strncmp(state_of(&it->at->core, &it->runs[i]), "CANCELLED", 9) == 0) {
            fail_msg("seed %llu: nobody has cancelled that", (unsigned long long)it->seed);
        }
    }
}

static void live(dag_rig *at, uint64_t seed)
{
    limits_world it = {.at = at, .seed = seed};
    cleat__random_init(&it.random, seed);
    put_rate(&it);
    add_tasks(&it);
    declare_all(at);
    start_run(&it);
    for (int i = 0; i < STEPS; i++) {
        happen(&it);
    }
    check_file(&it);
    go_to_the_end(&it);
    check_end(&it);
}

static void test_random_limits(void **state)
{
    (void)state;
    uint64_t count = number_from("CLEAT_SEEDS", SEEDS), first = number_from("CLEAT_FIRST", 1);
    for (uint64_t seed = first; seed < first + count; seed++) {
        void *at = NULL;
        open_dag(&at);
        live(at, seed);
        close_dag(&at);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_limits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
