/* Streams of durable runs: stored, and told from the first chunk on, however late somebody looks. */
#include "durable_test.h"

#include "engine/watches_stored.h"
#include "store/stream.h"

#include <inttypes.h>

/* Who looks, and writes down: "0a" is a chunk with its index, "C" and "[C]!" are ends. */
typedef struct looker {
    cleat__watch watch;
    char text[32768];
    int room;     /* pieces that it takes; negative: any number */
    int refusals; /* pieces that it did not */
    int chunks;
} looker;

static void write_down(void *self, const cleat__happening *told)
{
    looker *it = self;
    size_t used = strlen(it->text);
    it->chunks += told->kind == CLEAT__HAPPENING_STREAM;
    if (told->kind == CLEAT__HAPPENING_STREAM) {
        snprintf(it->text + used, sizeof(it->text) - used, "%s%" PRId64 "%.*s", used != 0 ? " " : "",
                 told->event_index, CLEAT_SLICE_ARGS(told->payload));
    } else {
        snprintf(it->text + used, sizeof(it->text) - used, told->is_of_run ? " [%c]%s" : " %c%s%.*s",
                 "+CFXTSL"[told->kind], told -> hangup ? "!" : "", CLEAT_SLICE_ARGS(told->payload));
    }
}

static bool has_room(void *self)
{
    looker *it = self;
    bool has = it->room != 0;
    it->room -= it->room > 0;
    it->refusals += !has;
    return has;
}

static cleat_status look(rig *at, looker *it, const cleat__uuid *id)
{
    *it = (looker){
        .room = -1,
        .watch = {.run_id = *id, .self = it, .tell = write_down, .has_room = has_room},
    };
    cleat__command command = {
        .tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_WATCH, .as.watch = &it->watch};
    return ask(at, &command);
}

static void tell_watch(rig *at, cleat__command_kind kind, looker *it)
{
    cleat__command command = {.kind = kind, .as.watch = &it->watch};
    assert_int_equal(ask(at, &command), CLEAT_OK);
}

static void look_away(rig *at, looker *it)
{
    tell_watch(at, CLEAT__COMMAND_UNWATCH, it);
}

static void go_on(rig *at, looker *it, int room)
{
    it->room = room;
    tell_watch(at, CLEAT__COMMAND_WATCH_ON, it);
}

/* Since it was last asked. */
static void assert_told(looker *it, const char *wanted)
{
    assert_string_equal(it->text, wanted);
    it->text[0] = '\0';
}

static cleat_status put(rig *at, const cleat__uuid *id, int64_t index, const char *chunk)
{
    cleat__command command = {.tenant = CLEAT__TENANT_DEFAULT,
                              .kind = CLEAT__COMMAND_PUT_STREAM,
                              .as.put_stream = {*id, index, cleat_slice_of(chunk)}};
    return ask(at, &command);
}

static cleat_status put_many(rig *at, const cleat__uuid *id, int64_t first, const cleat_slice *items,
                             size_t count)
{
    cleat__command command = {.tenant = CLEAT__TENANT_DEFAULT,
                              .kind = CLEAT__COMMAND_PUT_CHUNKS,
                              .as.put_chunks = {*id, 0, first, items, count}};
    return ask(at, &command);
}

/* The same of one, by an invocation. */
static cleat_status put_in(rig *at, const cleat__uuid *id, int32_t invocation, int64_t index,
                           const char *chunk)
{
    const cleat_slice item = cleat_slice_of(chunk);
    cleat__command command = {.tenant = CLEAT__TENANT_DEFAULT,
                              .kind = CLEAT__COMMAND_PUT_CHUNKS,
                              .as.put_chunks = {*id, invocation, index, &item, 1}};
    return ask(at, &command);
}

static void end(rig *at, const cleat__uuid *id)
{
    const cleat__report said = {.task_id = *id, .invocation_count = 1, .output = cleat_slice_of("1")};
    cleat__command command = {
        .tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_REPORT, .as.report = said};
    assert_int_equal(ask(at, &command), CLEAT_OK);
}

static cleat__uuid start(rig *at)
{
    declare(at);
    join_both(at, 9, 9);
    return trigger(at, "flow:flow", "{}", 0);
}

/* ---- Early and late ---- */

static void test_who_comes_late_is_told_all(void **state)
{
    rig *at = *state;
    looker early, late, after;
    cleat__uuid id = start(at);
    assert_int_equal(look(at, &early, &id), CLEAT_OK);
    assert_int_equal(put(at, &id, 0, "a"), CLEAT_OK);
    assert_told(&early, "0a");
    assert_int_equal(put(at, &id, 1, ""), CLEAT_OK);
    assert_told(&early, "1");
    assert_int_equal(look(at, &late, &id), CLEAT_OK);
    assert_told(&late, "0a 1");
    assert_int_equal(put(at, &id, 2, "c"), CLEAT_OK);
    assert_told(&early, "2c");
    assert_told(&late, "2c");
    end(at, &id);
    assert_told(&early, " C1 [C]!");
    assert_told(&late, " C1 [C]!");
    assert_int_equal(look(at, &after, &id), CLEAT_OK);
    assert_told(&after, "0a 1 2c C1 [C]!");
    look_away(at, &early);
    look_away(at, &late);
    look_away(at, &after);
}

/* From the log's first node on everything is done anew; the invocation counts from there. */
static void fork_at(rig *at, const cleat__uuid *id, int64_t branch, int64_t node)
{
    int64_t made;
    cleat__command fork = {.tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_DURABLE_BRANCH};
    fork.as.durable_branch.run_id = *id;
    fork.as.durable_branch.node = (cleat__node){branch, node};
    fork.as.durable_branch.branch = &made;
    assert_int_equal(ask(at, &fork), CLEAT_OK);
    assert_int_equal(made, branch + 1);
}

static void test_chunks_of_a_branch_follow_those_before(void **state)
{
    rig *at = *state;
    looker it;
    cleat__uuid id = start(at);
    memo(at, &id, 1, "first", "1");
    assert_int_equal(put(at, &id, 0, "a"), CLEAT_OK);
    memo(at, &id, 1, "second", "2");
    assert_int_equal(put(at, &id, 1, "b"), CLEAT_OK);
    assert_int_equal(put(at, &id, 2, "c"), CLEAT_OK);
    end(at, &id);
    fork_at(at, &id, 1, 2);
    assert_int_equal(look(at, &it, &id), CLEAT_OK);
    assert_int_equal(put(at, &id, 1, "B"), CLEAT_OK);
    assert_told(&it, "0a 1b 2c 3B");
    assert_int_equal(put(at, &id, 0, "a"), CLEAT_OK); /* of who replays all */
    assert_int_equal(put(at, &id, 1, "B"), CLEAT_OK);
    assert_told(&it, "");
    look_away(at, &it);
    crash(at);
    open_core(at);
    join_both(at, 9, 9);
    assert_int_equal(look(at, &it, &id), CLEAT_OK);
    assert_int_equal(put(at, &id, 1, "B"), CLEAT_OK);
    assert_int_equal(put(at, &id, 2, "C"), CLEAT_OK);
    assert_told(&it, "0a 1b 2c 3B 4C");
    assert_int_equal(end_run(at, &id, 3, CLEAT_OK, "1"), CLEAT_OK);
    assert_told(&it, " C1 [C]!");
    look_away(at, &it);
    fork_at(at, &id, 2, 1);
    assert_int_equal(look(at, &it, &id), CLEAT_OK);
    assert_int_equal(put(at, &id, 0, "x"), CLEAT_OK);
    assert_told(&it, "0a 1b 2c 3B 4C 5x");
    assert_int_equal(put(at, &id, CLEAT__CHUNKS_MAX - 1, "y"), CLEAT_INVALID_ARGUMENT);
    look_away(at, &it);
}

static void test_an_invocation_that_is_over_gives_out_nothing(void **state)
{
    rig *at = *state;
    looker it;
    cleat__uuid id = start(at);
    memo(at, &id, 1, "first", "1");
    assert_int_equal(put_in(at, &id, 1, 0, "a"), CLEAT_OK);
    end(at, &id);
    fork_at(at, &id, 1, 1);
    assert_int_equal(put_in(at, &id, 1, 5, "late"), CLEAT_CANCELLED);
    assert_int_equal(look(at, &it, &id), CLEAT_OK);
    assert_int_equal(put_in(at, &id, 2, 0, "b"), CLEAT_OK);
    assert_told(&it, "0a 1b"); /* the late one has not said where the branch begins */
    look_away(at, &it);
    crash(at);
    open_core(at);
    join_both(at, 9, 9);
    assert_int_equal(put_in(at, &id, 2, 1, "late"), CLEAT_CANCELLED);
    assert_int_equal(put_in(at, &id, 3, 1, "c"), CLEAT_OK);
}

static void test_a_restart_loses_nothing(void **state)
{
    rig *at = *state;
    looker it;
    cleat__uuid id = start(at);
    assert_int_equal(put(at, &id, 0, "a"), CLEAT_OK);
    crash(at);
    open_core(at);
    assert_int_equal(look(at, &it, &id), CLEAT_OK);
    assert_told(&it, "0a");
    assert_int_equal(cancel(at, &id), CLEAT_OK);
    assert_told(&it, " X [X]!");
    look_away(at, &it);
    crash(at);
    open_core(at);
    assert_int_equal(look(at, &it, &id), CLEAT_OK);
    assert_told(&it, "0a X [X]!");
    look_away(at, &it);
}

static void test_what_was_not_stored_is_not_waited_for(void **state)
{
    rig *at = *state;
    looker it;
    cleat__uuid id = start(at);
    assert_int_equal(look(at, &it, &id), CLEAT_OK);
    assert_int_equal(put(at, &id, -1, "live"), CLEAT_OK); /* without a number */
    assert_told(&it, "-1live");
    look_away(at, &it);
    end(at, &id);
    assert_int_equal(look(at, &it, &id), CLEAT_EMPTY);
    cleat__uuid plain = trigger(at, "ship:ship", "{}", 0);
    assert_int_equal(put(at, &plain, 0, "gone"), CLEAT_OK);
    assert_int_equal(look(at, &it, &plain), CLEAT_OK);
    assert_told(&it, "");
    look_away(at, &it);
    assert_int_equal(put(at, &id, 0, "late"), CLEAT_OK); /* the run has ended */
    assert_int_equal(look(at, &it, &id), CLEAT_EMPTY);
}

static void test_nothing_is_told_before_it_is_stored(void **state)
{
    rig *at = *state;
    looker it;
    cleat__uuid id = start(at);
    assert_int_equal(look(at, &it, &id), CLEAT_OK);
    cleat__command command = {.tenant = CLEAT__TENANT_DEFAULT,
                              .kind = CLEAT__COMMAND_PUT_STREAM,
                              .as.put_stream = {id, 0, {"a", 1}}};
    cleat__core_apply(at->core, at->now, &command);
    cleat__core_run(at->core, at->now);
    assert_told(&it, "");
    cleat__core_commit(at->core);
    cleat__core_release(at->core);
    assert_told(&it, "0a");
    look_away(at, &it);
}

/* ---- Numbers ---- */

static void test_a_replay_adds_nothing(void **state)
{
    rig *at = *state;
    looker it, late;
    cleat__uuid id = start(at);
    const cleat_slice chunks[] = {{"a", 1}, {"b", 1}, {"c", 1}, {"d", 1}};
    assert_int_equal(look(at, &it, &id), CLEAT_OK);
    assert_int_equal(put_many(at, &id, 0, chunks, 2), CLEAT_OK);
    assert_told(&it, "0a 1b");
    assert_int_equal(put_many(at, &id, 0, chunks, 3), CLEAT_OK);
    assert_told(&it, "2c");
    assert_int_equal(put(at, &id, 1, "other"), CLEAT_OK);
    assert_told(&it, "");
    assert_int_equal(put_many(at, &id, 3, chunks + 3, 1), CLEAT_OK);
    assert_told(&it, "3d");
    assert_int_equal(look(at, &late, &id), CLEAT_OK);
    assert_told(&late, "0a 1b 2c 3d");
    look_away(at, &it);
    look_away(at, &late);
}

static void test_a_gap_is_waited_for(void **state)
{
    rig *at = *state;
    looker it, late;
    cleat__uuid id = start(at);
    assert_int_equal(look(at, &it, &id), CLEAT_OK);
    assert_int_equal(put(at, &id, 1, "b"), CLEAT_OK);
    assert_int_equal(put(at, &id, 2, "c"), CLEAT_OK);
    assert_int_equal(look(at, &late, &id), CLEAT_OK);
    assert_told(&it, "");
    assert_told(&late, "");
    assert_int_equal(put(at, &id, 0, "a"), CLEAT_OK);
    assert_told(&it, "0a 1b 2c");
    assert_told(&late, "0a 1b 2c");
    assert_int_equal(put(at, &id, 5, "f"), CLEAT_OK);
    assert_told(&it, "");
    end(at, &id); /* what did not come until then never will */
    assert_told(&it, "5f C1 [C]!");
    assert_told(&late, "5f C1 [C]!");
    look_away(at, &it);
    look_away(at, &late);
}

static void test_numbers_that_are_none(void **state)
{
    rig *at = *state;
    cleat__uuid id = start(at);
    const cleat_slice chunks[] = {{"a", 1}, {"b", 1}};
    assert_int_equal(put(at, &id, CLEAT__CHUNKS_MAX, "a"), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(put(at, &id, INT64_MAX, "a"), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(put_many(at, &id, CLEAT__CHUNKS_MAX - 1, chunks, 2), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(put(at, &id, CLEAT__CHUNKS_MAX - 1, "a"), CLEAT_OK);
    const cleat__uuid unknown = {{1}};
    assert_int_equal(put(at, &unknown, 0, "a"), CLEAT_NOT_FOUND);
}

/* ---- Pieces ---- */

static void put_numbers(rig *at, const cleat__uuid *id, int64_t first, size_t count, cleat_slice each)
{
    cleat_slice *chunks = calloc(count, sizeof(*chunks));
    assert_non_null(chunks);
    for (size_t i = 0; i < count; i++) {
        chunks[i] = each;
    }
    assert_int_equal(put_many(at, id, first, chunks, count), CLEAT_OK);
    free(chunks);
}

static void test_a_step_reads_so_many(void **state)
{
    rig *at = *state;
    looker it;
    cleat__uuid id = start(at);
    put_numbers(at, &id, 0, 2500, (cleat_slice){"", 0});
    assert_int_equal(look(at, &it, &id), CLEAT_OK);
    assert_int_equal(it.chunks, CLEAT__SERVED_MAX);
    assert_int_equal(cleat__core_next_ms(at->core), at->now.monotonic_ms);
    put_numbers(at, &id, 2500, 1, (cleat_slice){"", 0}); /* a step of its own, too */
    assert_int_equal(it.chunks, 2 * CLEAT__SERVED_MAX);
    step(at, NULL, 0);
    assert_int_equal(it.chunks, 2501);
    assert_true(cleat__core_next_ms(at->core) > at->now.monotonic_ms);
    put_numbers(at, &id, 2501, 2, (cleat_slice){"", 0});
    assert_int_equal(it.chunks, 2503);
    look_away(at, &it);
}

static void test_a_step_reads_so_much_for_all(void **state)
{
    rig *at = *state;
    static looker lookers[3];
    enum { SIZE = 300000 };
    char *large = calloc(1, SIZE);
    assert_non_null(large);
    cleat__uuid id = start(at);
    put_numbers(at, &id, 0, 4, (cleat_slice){large, SIZE});
    for (int i = 0; i < 3; i++) {
        lookers[i] = (looker){.room = -1};
        assert_int_equal(look(at, &lookers[i], &id), CLEAT_OK);
    }
    int before = 0, steps = 3;
    for (; before < 12 && steps < 20; steps++) {
        int now = lookers[0].chunks + lookers[1].chunks + lookers[2].chunks;
        assert_true(steps == 3 || now - before <= 4); /* the last of them may go beyond it */
        before = now;
        step(at, NULL, 0);
    }
    assert_int_equal(before, 12);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(lookers[i].chunks, 4);
        look_away(at, &lookers[i]);
    }
    free(large);
}

static void test_who_has_no_room_is_not_told(void **state)
{
    rig *at = *state;
    looker it;
    cleat__uuid id = start(at);
    assert_int_equal(look(at, &it, &id), CLEAT_OK);
    it.room = 1;
    assert_int_equal(put(at, &id, 0, "a"), CLEAT_OK);
    assert_int_equal(put(at, &id, 1, "b"), CLEAT_OK);
    assert_int_equal(put(at, &id, 2, "c"), CLEAT_OK);
    assert_told(&it, "0a");
    assert_true(it.refusals > 0);
    assert_true(cleat__core_next_ms(at->core) > at->now.monotonic_ms);
    go_on(at, &it, 1);
    assert_told(&it, "1b 2c");
    assert_int_equal(put(at, &id, 3, "d"), CLEAT_OK);
    assert_told(&it, "");
    end(at, &id);
    assert_told(&it, ""); /* the end comes behind the chunks */
    go_on(at, &it, 1);
    assert_told(&it, "3d C1 [C]!");
    go_on(at, &it, 1);
    assert_told(&it, "");
    look_away(at, &it);
}

static void test_who_looks_away_is_told_nothing(void **state)
{
    rig *at = *state;
    looker it, stays;
    cleat__uuid id = start(at);
    put_numbers(at, &id, 0, 2500, (cleat_slice){"", 0});
    assert_int_equal(look(at, &it, &id), CLEAT_OK);
    assert_int_equal(look(at, &stays, &id), CLEAT_OK);
    look_away(at, &it);
    int before = it.chunks;
    while (cleat__core_next_ms(at->core) <= at->now.monotonic_ms) {
        step(at, NULL, 0);
    }
    assert_int_equal(it.chunks, before);
    assert_int_equal(stays.chunks, 2500);
    tell_watch(at, CLEAT__COMMAND_WATCH_ON, &it);
    assert_int_equal(it.chunks, before);
    look_away(at, &stays);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_who_comes_late_is_told_all, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(test_chunks_of_a_branch_follow_those_before, open_fixture,
                                        close_fixture),
        cmocka_unit_test_setup_teardown(test_an_invocation_that_is_over_gives_out_nothing, open_fixture,
                                        close_fixture),
        cmocka_unit_test_setup_teardown(test_a_restart_loses_nothing, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(test_what_was_not_stored_is_not_waited_for, open_fixture,
                                        close_fixture),
        cmocka_unit_test_setup_teardown(test_nothing_is_told_before_it_is_stored, open_fixture,
                                        close_fixture),
        cmocka_unit_test_setup_teardown(test_a_replay_adds_nothing, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(test_a_gap_is_waited_for, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(test_numbers_that_are_none, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(test_a_step_reads_so_many, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(test_a_step_reads_so_much_for_all, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(test_who_has_no_room_is_not_told, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(test_who_looks_away_is_told_nothing, open_fixture, close_fixture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
