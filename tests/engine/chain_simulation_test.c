/*
 * Chains of runs with concurrency rules in a random world, cut off between any two steps.
 *
 * A seed is one life of a database file. Runs of one workflow go on as new ones, of the same keys or of others, end, fail,
 * are cancelled and replayed, and the engine is started again, before and after a commit. One chain has a key that
 * nobody else has. Asserted all along: no key has more runs than slots; who holds slots holds them in the order of the
 * rules; what a run is to go on as is held until that has ended, and is found again by each attempt; the chain that is alone with
 * its key is never cancelled by a strategy. In the end every run has ended and nothing is left of them.
 *
 *     CLEAT_SEEDS=n   how many (default 40)
 *     CLEAT_FIRST=n   the first of them (default 1)
 *     CLEAT_SEED=n    this one only
 */
#include "chain_test.h"

#include "base/random.h"
#include "support/checked_file.h"
#include "support/seeds.h"

enum { SEEDS = 40, STEPS = 150, RUNS = 200, KEYS = 3 };

typedef struct known {
    cleat__uuid id;
    size_t next;      /* what it is to go on as; 0: nothing so far */
    int key;          /* KEYS - 1: that of the lonely chain */
    int32_t asked;    /* the invocation that has asked for it last */
    bool is_replayed; /* it may have been cancelled while it was held, and lives by itself now */
} known;

typedef struct world {
    rig *at;
    cleat__random random;
    uint64_t seed;
    known runs[RUNS]; /* from 1 on */
    size_t count;
    int32_t max_runs;
    bool is_disturbed; /* the lonely chain was ended by somebody */
} world;

static unsigned went_on, superseded, restarts;

static size_t pick(world *it, size_t bound)
{
    return (size_t)cleat__random_below(&it->random, bound);
}

#define CHECK(it, condition, what)                                           \
    do {                                                                     \
        if (!(condition)) {                                                  \
            fail_msg("seed %llu: %s", (unsigned long long)(it)->seed, what); \
        }                                                                    \
    } while (0)

static cleat__run *live(const world *it, size_t index)
{
    return cleat__runs_find(&it->at->core->runs, &it->runs[index].id);
}

static const char *input_of(int key)
{
    static const char *const inputs[KEYS] = {"{\"k\":\"a\",\"t\":\"t\"}", "{\"k\":\"b\",\"t\":\"t\"}",
                                             "{\"k\":\"own\",\"t\":\"own\"}"};
    return inputs[key];
}

static void declare_some(world *it)
{
    static const cleat_concurrency_strategy all[] = {CLEAT_CANCEL_IN_PROGRESS, CLEAT_GROUP_ROUND_ROBIN,
                                                     CLEAT_CANCEL_NEWEST, CLEAT_CANCEL_QUEUED_EXCEPT_NEWEST,
                                                     CLEAT_CANCEL_QUEUED_EXCEPT_OLDEST};
    cleat__concurrency rules[2];
    const char *const by[] = {"input.k", "input.t"};
    for (size_t i = 0; i < 2; i++) {
        rules[i] = rule_of(by[i], it->max_runs, all[pick(it, sizeof(all) / sizeof(all[0]))]);
    }
    declare_ruled(it->at, rules, 1 + pick(it, 2));
}

/* ---- What must be true between any two steps ---- */

static void check_contender(const world *it, const cleat__contender *one)
{
    size_t waiting = 0, held = 0;
    for (size_t i = 0; i < one->count; i++) {
        bool is_held = one->seats[i].state == CLEAT__SEAT_HOLDING, is_given = (one->given >> i & 1) != 0;
        CHECK(it, is_held == (i < one->held && !is_given), "slots are held out of the order of the rules");
        waiting += one->seats[i].state == CLEAT__SEAT_WAITING;
        held += is_held;
    }
    if (one->run->is_held || one->run->is_backing_off) {
        CHECK(it, waiting + held == 0, "who is held, or backs off, has a seat");
    } else {
        CHECK(it, (one->held == one->count) == (waiting == 0), "a run waits for no slot");
    }
}

static void check(world *it)
{
    size_t cursor = 0;
    const cleat__limits *limits = &it->at->core->limits;
    const cleat__limit_group *group;
    const cleat__contender *one;
    while ((group = cleat__map_next(&limits->groups, &cursor)) != NULL) {
        CHECK(it, group->group.holding.count <= (size_t)it->max_runs, "a key has more runs than slots");
    }
    cursor = 0;
    while ((one = cleat__map_next(&limits->contenders, &cursor)) != NULL) {
        check_contender(it, one);
    }
    for (size_t i = 1; i <= it->count; i++) {
        const cleat__run *run = live(it, i),
                         *next = it->runs[i].next != 0 ? live(it, it->runs[i].next) : NULL;
        bool is_of_it =
            run != NULL && cleat__uuid_equals(&cleat__durable_of((cleat__run *)(uintptr_t)run)->next_id,
                                              &it->runs[it->runs[i].next].id);
        bool is_free = next == NULL || it->runs[it->runs[i].next].is_replayed;
        CHECK(it, is_free || next->is_held == is_of_it, "two runs of a chain go on at once");
    }
}

/* ---- What happens ---- */

static void start(world *it, int key)
{
    if (it->count + 2 < RUNS) {
        it->runs[++it->count] = (known){trigger(it->at, "flow:flow", input_of(key), 0), 0, key, 0, false};
    }
}

/* Asks for the run that it goes on as; each attempt asks for the same. */
static void ask_next(world *it, size_t index)
{
    known *of = &it->runs[index];
    int32_t invocation = cleat__durable_of(live(it, index))->invocation_count;
    bool is_lonely = of->key == KEYS - 1;
    int key = of->next != 0                   ? it->runs[of->next].key
              : is_lonely || pick(it, 2) == 0 ? of->key
                                              : (int)pick(it, 2);
    if (it->count + 1 == RUNS || of->asked == invocation) {
        return;
    }
    of->asked = invocation;
    cleat__uuid next = begin_next(it->at, &of->id, invocation, input_of(key));
    if (of->next != 0) {
        CHECK(it, cleat__uuid_equals(&it->runs[of->next].id, &next), "an attempt goes on as another run");
        return;
    }
    it->runs[++it->count] = (known){next, 0, key, 0, false};
    of->next = it->count;
}

static void end(world *it, size_t index)
{
    const known *of = &it->runs[index];
    int32_t invocation = cleat__durable_of(live(it, index))->invocation_count;
    if (of->next == 0) {
        assert_int_equal(end_run(it->at, &of->id, invocation, CLEAT_OK, "1"), CLEAT_OK);
    } else {
        end_as(it->at, &of->id, invocation, &it->runs[of->next].id);
        went_on++;
    }
}

/* In half of the lives the lonely chain is left alone, but for its replays. */
static bool may_disturb(const world *it, size_t index)
{
    return it->seed % 2 == 0 || it->runs[index].key != KEYS - 1;
}

static void work(world *it, size_t index)
{
    cleat__run *run = live(it, index);
    if (run == NULL || run->state != CLEAT_RUN_RUNNING) {
        return;
    }
    int32_t invocation = cleat__durable_of(run)->invocation_count;
    switch (pick(it, 8)) {
    case 0: end(it, index); return;
    case 1:
        if (!may_disturb(it, index)) {
            break;
        }
        it->is_disturbed |= it->runs[index].key == KEYS - 1;
        assert_int_equal(end_run(it->at, &it->runs[index].id, invocation, CLEAT_FAILED, "no luck"), CLEAT_OK);
        return;
    default: break;
    }
    ask_next(it, index);
    if (pick(it, 2) == 0) {
        end(it, index);
    }
}

static void restart(world *it)
{
    crash(it->at);
    open_core(it->at);
    join(it->at);
    restarts++;
}

/* What is applied and never committed has not happened. */
static void cut_off(world *it, size_t index)
{
    cleat__run *run = live(it, index);
    if (run != NULL && run->state == CLEAT_RUN_RUNNING) {
        char output[] = "1";
        cleat__command command = {.tenant = CLEAT__TENANT_DEFAULT,
                                  .kind = CLEAT__COMMAND_REPORT,
                                  .as.report = {.task_id = run->id,
                                                .retry_count = CLEAT__RETRY_CURRENT,
                                                .invocation_count = cleat__durable_of(run)->invocation_count,
                                                .status = CLEAT_OK,
                                                .output = cleat_slice_of(output)}};
        cleat__core_apply(it->at->core, it->at->now, &command);
        cleat__core_run(it->at->core, it->at->now);
    }
    restart(it);
}

static size_t pick_lonely(world *it)
{
    size_t index = 1 + pick(it, it->count);
    while (it->runs[index].key != KEYS - 1) {
        index = index % it->count + 1;
    }
    return index;
}

static void happen(world *it)
{
    size_t index = 1 + pick(it, it->count);
    switch (pick(it, 16)) {
    case 0:
    case 1: start(it, (int)pick(it, 2)); break;
    case 2:
        if (may_disturb(it, index)) {
            it->is_disturbed |= it->runs[index].key == KEYS - 1;
            (void)cancel(it->at, &it->runs[index].id);
        }
        break;
    case 3:
        index = pick(it, 2) == 0 ? pick_lonely(it) : index;
        it->runs[index].is_replayed |=
            tell_worker(it->at, CLEAT__COMMAND_REPLAY, &it->runs[index].id) == CLEAT_OK;
        break;
    case 4:
        if (pick(it, 2) == 0) {
            restart(it);
        } else {
            cut_off(it, index);
        }
        break;
    case 5: advance(it->at, (int64_t)pick(it, 2000)); break;
    default: {
        size_t from = it->count != 0 ? pick(it, it->count) : 0;
        for (size_t i = 0; i < it->count; i++) {
            size_t at = 1 + (from + i) % it->count;
            if (live(it, at) != NULL && live(it, at)->state == CLEAT_RUN_RUNNING) {
                work(it, at);
                break;
            }
        }
    }
    }
    check(it);
}

/* ---- The end ---- */

static void drain(world *it)
{
    for (int rounds = 0; it->at->core->runs.by_id.count != 0; rounds++) {
        CHECK(it, rounds < 1000, "it does not end");
        for (size_t i = 1; i <= it->count; i++) {
            cleat__run *run = live(it, i);
            if (run != NULL && run->state == CLEAT_RUN_RUNNING) {
                if (it->runs[i].next != 0) {
                    ask_next(it, i);
                }
                end(it, i);
                check(it);
            }
        }
        advance(it->at, 60000);
    }
    CHECK(it, it->at->core->limits.groups.count == 0, "a group is kept for nobody");
    const char *wrong = checked_file(FILE_NAME);
    CHECK(it, wrong == NULL, wrong);
}

static void check_lonely(world *it)
{
    for (size_t i = 1; i <= it->count; i++) {
        if (it->runs[i].key == KEYS - 1 && !it->is_disturbed) {
            CHECK(it, strncmp(state_of(it->at, &it->runs[i].id), "COMPLETED", strlen("COMPLETED")) == 0,
                  "the chain was cancelled by its own run");
        }
    }
}

static void lead(uint64_t seed)
{
    void *state = NULL;
    world *it = calloc(1, sizeof(*it));
    assert_non_null(it);
    assert_int_equal(open_fixture(&state), 0);
    it->at = state;
    it->seed = seed;
    cleat__random_init(&it->random, seed);
    it->max_runs = 1 + (int32_t)pick(it, 2);
    declare_some(it);
    join(it->at);
    start(it, KEYS - 1);
    for (int i = 0; i < STEPS; i++) {
        happen(it);
    }
    drain(it);
    check_lonely(it);
    superseded += (unsigned)it->at->core->totals.ended[CLEAT_RUN_CANCELLED];
    close_fixture(&state);
    free(it);
}

static void remove_file(void)
{
    static const char *const names[] = {FILE_NAME, FILE_NAME "-wal", FILE_NAME "-shm", FILE_NAME "-lock"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        unlink(names[i]);
    }
}

static void test_random_chains(void **state)
{
    (void)state;
    char directory[64], former[512];
    snprintf(directory, sizeof(directory), "%s/cleat-chain-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(directory));
    assert_non_null(getcwd(former, sizeof(former)));
    assert_int_equal(chdir(directory), 0);
    uint64_t only = number_from("CLEAT_SEED", 0);
    uint64_t first = only != 0 ? only : number_from("CLEAT_FIRST", 1),
             count = only != 0 ? 1 : number_from("CLEAT_SEEDS", SEEDS);
    for (uint64_t seed = first; seed < first + count; seed++) {
        lead(seed);
    }
    remove_file();
    assert_int_equal(chdir(former), 0);
    assert_int_equal(rmdir(directory), 0);
    assert_true(only != 0 || (went_on > count && superseded > count && restarts > count));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_chains)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
