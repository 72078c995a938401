/* Batches where memory runs out: each allocation fails once, and in the end nothing of that is seen. */
#include "batch_test.h"

#include "engine/core_parts.h"
#include "support/failing_allocator.h"

enum { RUNS = 5 };

/* What a program may ask in one step; whether it is answered is not looked at. */
static void ask_all(rig *at, cleat__command *commands, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        commands[i].tenant = CLEAT__TENANT_DEFAULT;
    }
    step(at, commands, count);
    for (size_t i = 0; i < count; i++) {
        cleat__free(commands[i].error);
    }
}

/* Two batches of two, and one that waits; one of each kind of end, and a replay. */
static void live(rig *at, batch_ears *all, const cleat__workflow *workflow)
{
    const cleat_slice name = cleat_slice_of("a:a");
    const cleat__slots slots = {cleat_slice_of("default"), 2};
    const cleat__worker_spec spec = {.actions = &name, .action_count = 1, .slots = &slots, .slot_count = 1};
    cleat__trigger items[RUNS];
    cleat__uuid ids[RUNS] = {{{0}}}, worker;
    for (size_t i = 0; i < RUNS; i++) {
        items[i] = (cleat__trigger){.workflow = workflow->name, .input = cleat_slice_of("{\"k\":\"a\"}")};
    }
    items[RUNS - 1].desired_worker = (cleat__uuid){{1}};
    cleat__command first[] = {
        {.kind = CLEAT__COMMAND_PUT_WORKFLOW, .as.put_workflow = {.workflow = workflow}},
        {.kind = CLEAT__COMMAND_WORKER_JOIN,
         .as.worker_join = {&spec, {all, hear_members, hear_member_cancelled}, &worker, NULL}},
        {.kind = CLEAT__COMMAND_TRIGGER, .as.trigger = {items, RUNS, ids}},
    };
    ask_all(at, first, sizeof(first) / sizeof(first[0]));
    cleat__command then[] = {
        {.kind = CLEAT__COMMAND_REPORT, .as.report = {.task_id = ids[0], .status = CLEAT_FAILED}},
        {.kind = CLEAT__COMMAND_CANCEL, .as.id = ids[1]},
        {.kind = CLEAT__COMMAND_REPLAY, .as.id = ids[0]},
    };
    ask_all(at, then, sizeof(then) / sizeof(then[0]));
}

/* As with any engine that finds these runs. */
static void check_end(rig *at, const cleat__workflow *workflow)
{
    batch_ears all = {.count = 0};
    assert_int_equal(put_workflow(at, CLEAT__TENANT_DEFAULT, workflow, NULL), CLEAT_OK);
    cleat__uuid worker = hire(at, &all, 10);
    advance(at, 1000);
    while (all.heard < all.count) {
        cleat__uuid id = all.members[all.heard++].id;
        complete(at, &id);
    }
    assert_int_equal(at->core->runs.by_id.count, 0);
    assert_int_equal(at->core->batches.groups.count, 0);
    assert_int_equal(at->core->batches.running.count, 0);
    assert_int_equal(at->core->batches.timers.count, 0);
    tell_worker(at, CLEAT__COMMAND_WORKER_REMOVE, &worker);
}

static void test_any_allocation_may_fail(void **state)
{
    cleat__batch_config config = batches_of(2, 1000);
    config.group_key = cleat_slice_of("input.k");
    failing_allocator memory;
    size_t calls = 0;
    do {
        close_fixture(state);
        open_fixture(state);
        rig *at = *state;
        batch_ears all = {.count = 0};
        cleat__workflow workflow = workflow_of("a:a", &plain);
        task_of(&workflow)->batch = &config;
        failing_allocator_install(&memory, ++calls);
        live(at, &all, &workflow);
        cleat_set_allocator(NULL);
        assert_true(calls < 1000);
        crash(at); /* what is told is stored: another engine goes on with it */
        open_core(at);
        step(at, NULL, 0);
        check_end(at, &workflow);
    } while (failing_allocator_has_failed(&memory));
    assert_true(calls > 40);
}

/* The same while what there is is read. */
static void test_a_start_may_fail_anywhere(void **state)
{
    cleat__batch_config config = batches_of(2, 1000);
    rig *at = *state;
    batch_ears all = {.count = 0};
    cleat__workflow workflow = workflow_of("a:a", &plain);
    task_of(&workflow)->batch = &config;
    live(at, &all, &workflow);
    failing_allocator memory;
    size_t calls = 0;
    cleat_status status;
    do {
        crash(at);
        const cleat__core_options options = {
            .path = FILE_NAME, .mode = CLEAT__STORE_WRITE_UNSYNCED, .seed = 1};
        failing_allocator_install(&memory, ++calls);
        status = cleat__core_open(&options, at->now, &at->core);
        cleat_set_allocator(NULL);
        assert_true(status == CLEAT_OK || status == CLEAT_NO_MEMORY);
        at->core = status == CLEAT_OK ? at->core : NULL;
        assert_true(calls < 1000);
    } while (failing_allocator_has_failed(&memory));
    assert_int_equal(status, CLEAT_OK);
    check_end(at, &workflow);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_any_allocation_may_fail),
        TEST(test_a_start_may_fail_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
