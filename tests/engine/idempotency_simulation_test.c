/*
 * Keys of idempotency in a random life: triggers of few keys, one by one and many at once, ends of runs, replays, time
 * that passes, crashes between any two steps. What the rule says is kept beside the engine, as a list
 * of holders; every answer is compared with it, and in the end so is the file.
 *
 *     CLEAT_SEEDS=n   how many lives (default 15; fewer under a sanitizer)
 *     CLEAT_FIRST=n   the first of them (default 1)
 */
#include "core_test.h"

#include "base/random.h"
#include "support/sanitizer.h"
#include "support/seeds.h"

#define SEEDS (UNDER_ADDRESS_SANITIZER || UNDER_THREAD_SANITIZER ? 3 : 15)
enum { KEYS = 6, RUNS = 400, STEPS = 250, TTL_MS = 20000, BULK = 4 };

static const cleat__policy policy = {
    .priority = 1, .execution_timeout_ms = CLEAT__NO_TIMEOUT, .schedule_timeout_ms = CLEAT__NO_TIMEOUT};

static const char *const workflows[] = {"ttl", "status", "plain"};
enum { TTL, STATUS, PLAIN };

typedef struct life {
    rig *at;
    cleat__random random;
    struct {
        cleat__uuid id; /* nil: nobody */
        int kind;
        int64_t until_ms;
    } holders[KEYS];
    struct {
        cleat__uuid id;
        int key, kind;
        bool has_ended;
    } runs[RUNS];
    int count;
    uint64_t started, refused;
} life;

static uint64_t pick(life *it, uint64_t bound)
{
    return cleat__random_below(&it->random, bound);
}

static void declare(life *it)
{
    cleat__idempotency rule = {.expression = cleat_slice_of("input.key"), .ttl_ms = TTL_MS};
    for (int kind = TTL; kind <= PLAIN; kind++) {
        char action[32];
        (void)snprintf(action, sizeof(action), "%s:%s", workflows[kind], workflows[kind]);
        cleat__workflow workflow = workflow_of(action, &policy);
        rule.method = kind == STATUS ? CLEAT_IDEMPOTENCY_STATUS : CLEAT_IDEMPOTENCY_TTL;
        workflow.idempotency = kind != PLAIN ? &rule : NULL;
        assert_int_equal(put_workflow(it->at, 1, &workflow, NULL), CLEAT_OK);
    }
}

/* ---- The rule ---- */

static bool is_held(const life *it, int key)
{
    return !cleat__uuid_is_nil(&it->holders[key].id) && it->holders[key].until_ms > it->at->now.unix_ms;
}

static void note_start(life *it, const cleat__uuid *id, int key, int kind)
{
    it->runs[it->count].id = *id;
    it->runs[it->count].key = key;
    it->runs[it->count].kind = kind;
    it->runs[it->count++].has_ended = false;
    it->started++;
    if (kind != PLAIN) {
        it->holders[key].id = *id;
        it->holders[key].kind = kind;
        it->holders[key].until_ms = it->at->now.unix_ms + TTL_MS;
    }
}

static void note_end(life *it, int run)
{
    int key = it->runs[run].key;
    it->runs[run].has_ended = true;
    if (it->runs[run].kind == STATUS && cleat__uuid_equals(&it->holders[key].id, &it->runs[run].id)) {
        it->holders[key].id = (cleat__uuid){{0}};
    }
}

/* ---- Steps ---- */

static void start(life *it)
{
    cleat__trigger items[BULK];
    cleat__uuid ids[BULK], refused[BULK];
    char inputs[BULK][32];
    int keys[BULK], kinds[BULK];
    size_t count = 1 + pick(it, BULK);
    bool collides = false;
    if (it->count + BULK > RUNS) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        keys[i] = (int)pick(it, KEYS);
        kinds[i] = (int)pick(it, 3);
        (void)snprintf(inputs[i], sizeof(inputs[i]), "{\"key\":\"%d\"}", keys[i]);
        items[i] = (cleat__trigger){.workflow = cleat_slice_of(workflows[kinds[i]]),
                                    .input = cleat_slice_of(inputs[i]),
                                    .child_index = -1};
    }
    cleat__command command = {
        .tenant = 1, .kind = CLEAT__COMMAND_TRIGGER, .refused = refused, .as.trigger = {items, count, ids}};
    cleat_status status = ask(it->at, &command);
    for (size_t i = 0; i < count; i++) {
        bool must_collide = kinds[i] != PLAIN && is_held(it, keys[i]);
        assert_int_equal(!cleat__uuid_is_nil(&refused[i]), must_collide);
        if (must_collide) {
            assert_true(cleat__uuid_equals(&ids[i], &it->holders[keys[i]].id));
            it->refused++;
            collides = true;
        } else {
            note_start(it, &ids[i], keys[i], kinds[i]);
        }
    }
    assert_int_equal(status, collides ? CLEAT_ALREADY_EXISTS : CLEAT_OK);
}

static void end_or_replay(life *it)
{
    if (it->count == 0) {
        return;
    }
    int run = (int)pick(it, (uint64_t)it->count);
    if (!it->runs[run].has_ended) {
        assert_int_equal(cancel(it->at, &it->runs[run].id), CLEAT_OK);
        note_end(it, run);
    } else if (pick(it, 4) == 0) {
        assert_int_equal(tell_worker(it->at, CLEAT__COMMAND_REPLAY, &it->runs[run].id), CLEAT_OK);
        it->runs[run].has_ended = false;
    }
}

static void pass_time(life *it)
{
    advance(it->at, (int64_t)pick(it, TTL_MS / 2));
}

/* All that the file says of keys that are held. */
static void compare(life *it)
{
    cleat__store *reader = NULL;
    sqlite3_stmt *select = NULL;
    assert_int_equal(cleat__store_open(FILE_NAME, CLEAT__STORE_READ, &reader), CLEAT_OK);
    for (int key = 0; key < KEYS; key++) {
        char text[16];
        (void)snprintf(text, sizeof(text), "%d", key);
        assert_int_equal(
            cleat__store_prepare(
                reader, "SELECT run_id FROM idempotency WHERE key = ?1 AND expires_at_ms > ?2", &select),
            CLEAT_OK);
        sqlite3_bind_text(select, 1, text, -1, SQLITE_TRANSIENT);
        sqlite3_bind_int64(select, 2, it->at->now.unix_ms);
        bool is_there = sqlite3_step(select) == SQLITE_ROW;
        assert_int_equal(is_there, is_held(it, key));
        if (is_there) {
            assert_memory_equal(sqlite3_column_blob(select, 0), it->holders[key].id.bytes, 16);
        }
        sqlite3_reset(select);
    }
    cleat__store_close(reader);
}

static void live(uint64_t seed, uint64_t *started, uint64_t *refused)
{
    void *state = NULL;
    static life it;
    open_fixture(&state);
    it = (life){.at = state};
    cleat__random_init(&it.random, seed);
    declare(&it);
    for (int i = 0; i < STEPS; i++) {
        uint64_t dice = pick(&it, 20);
        if (dice < 9) {
            start(&it);
        } else if (dice < 16) {
            end_or_replay(&it);
        } else if (dice < 19) {
            pass_time(&it);
        } else {
            crash(it.at);
            it.at->now.unix_ms += (int64_t)pick(&it, TTL_MS / 4);
            open_core(it.at);
        }
    }
    compare(&it);
    *started += it.started;
    *refused += it.refused;
    close_fixture(&state);
}

static void test_random_lives(void **state)
{
    uint64_t seeds = number_from("CLEAT_SEEDS", SEEDS), first = number_from("CLEAT_FIRST", 1);
    uint64_t started = 0, refused = 0;
    (void)state;
    for (uint64_t seed = first; seed < first + seeds; seed++) {
        live(seed, &started, &refused);
    }
    assert_true(started > 0 && refused > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_lives)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
