/* The n-th allocation fails, for every n: a command fails alone or the core fails, nothing leaks. */
#include "core_test.h"
#include "support/failing_allocator.h"

#include "engine/watch.h"

static const cleat__policy policy = {
    .retries = 1,
    .priority = 1,
    .backoff_factor = 2,
    .backoff_max_ms = 60000,
    .execution_timeout_ms = 60000,
    .schedule_timeout_ms = 300000,
};

static uint64_t live(const rig *at)
{
    cleat__engine_stats stats;
    cleat__core_get_stats(at->core, &stats);
    return stats.queued + stats.running;
}

static void test_triggers_are_all_or_none(void **state)
{
    rig *at = *state;
    put_task(at, "a:a", &policy);
    enum { COUNT = 40 };
    cleat__trigger items[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        items[i] = (cleat__trigger){.workflow = cleat_slice_of("a"), .input = cleat_slice_of("{}")};
    }
    failing_allocator memory;
    cleat_status status = CLEAT_NO_MEMORY;
    size_t calls = 0;
    do {
        cleat__uuid ids[COUNT];
        cleat__command trigger = {.tenant = CLEAT__TENANT_DEFAULT,
                                  .kind = CLEAT__COMMAND_TRIGGER,
                                  .as.trigger = {items, COUNT, ids}};
        failing_allocator_install(&memory, ++calls);
        step(at, &trigger, 1);
        cleat_set_allocator(NULL);
        cleat__free(trigger.error);
        status = trigger.status;
        assert_true(status == CLEAT_OK || status == CLEAT_NO_MEMORY);
        if (cleat__core_failure(at->core) != CLEAT_OK) {
            crash(at);
            open_core(at);
        }
        assert_int_equal(live(at), status == CLEAT_OK ? COUNT : 0);
    } while (status != CLEAT_OK);
    assert_true(calls > COUNT);
}

/* One life of a run, in which every allocation of the engine can fail. */
static void live_once(rig *at)
{
    cleat__uuid id, worker;
    cleat_run_result result = {0};
    cleat_slice name = cleat_slice_of("a:a");
    const cleat__slots two = {cleat_slice_of("default"), 2};
    const cleat__worker_spec spec = {.actions = &name, .action_count = 1, .slots = &two, .slot_count = 1};
    cleat__workflow workflow = workflow_of("a:a", &policy);
    cleat__trigger item = {.workflow = workflow.name, .input = cleat_slice_of("{}")};
    cleat__command commands[] = {
        {.tenant = CLEAT__TENANT_DEFAULT,
         .kind = CLEAT__COMMAND_PUT_WORKFLOW,
         .as.put_workflow = {&workflow, NULL, false}},
        {.tenant = CLEAT__TENANT_DEFAULT,
         .kind = CLEAT__COMMAND_WORKER_JOIN,
         .as.worker_join = {&spec, {&at->ears, hear_assign, hear_cancel}, &worker, NULL}},
        {.tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_TRIGGER, .as.trigger = {&item, 1, &id}},
    };
    memset(&id, 0, sizeof(id));
    step(at, commands, 3);
    cleat__command ends[] = {
        {.tenant = CLEAT__TENANT_DEFAULT,
         .kind = CLEAT__COMMAND_WAIT,
         .as.wait = {.id = id, .result = &result}},
        {.tenant = CLEAT__TENANT_DEFAULT,
         .kind = CLEAT__COMMAND_REPORT,
         .as.report = {.task_id = id, .status = CLEAT_FAILED}},
        {.tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_CANCEL, .as.id = id},
        {.tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_REPLAY, .as.id = id},
    };
    step(at, ends, 4);
    for (size_t i = 0; i < 3; i++) {
        cleat__free(commands[i].error);
    }
    for (size_t i = 0; i < 4; i++) {
        cleat__free(ends[i].error);
    }
    cleat_run_result_deinit(&result);
}

/* The same for a worker of another process, and a run that desires it. */
static void live_remotely(rig *at)
{
    static const cleat_slice action = {"a:a", 3};
    static const cleat__label label = {.key = {"k", 1}, .value = {.text = {"v", 1}}};
    static const cleat__desired_label desired = {.key = {"k", 1}, .value = {.text = {"v", 1}}};
    const cleat__worker_spec spec = {.name = {"w", 1},
                                     .actions = &action,
                                     .action_count = 1,
                                     .labels = &label,
                                     .label_count = 1,
                                     .runtime = {"{}", 2}};
    cleat__uuid worker = {{0}}, id;
    cleat__workflow workflow = workflow_of("a:a", &policy);
    workflow.sticky = CLEAT__STICKY_SOFT;
    cleat__command first[] = {
        {.kind = CLEAT__COMMAND_PUT_WORKFLOW, .as.put_workflow = {&workflow, NULL, false}},
        {.kind = CLEAT__COMMAND_WORKER_REGISTER, .as.worker_register = {&spec, &worker}},
    };
    cleat__trigger item = {.workflow = workflow.name, .labels = &desired, .label_count = 1};
    cleat__command then[] = {
        {.kind = CLEAT__COMMAND_WORKER_LISTEN, .as.listen.sink = {&at->ears, hear_assign, hear_cancel}},
        {.kind = CLEAT__COMMAND_WORKER_LABEL, .as.worker_label = {.items = &label, .count = 1}},
        {.kind = CLEAT__COMMAND_TRIGGER, .as.trigger = {&item, 1, &id}},
    };
    for (size_t i = 0; i < 2; i++) {
        first[i].tenant = CLEAT__TENANT_DEFAULT;
    }
    step(at, first, 2);
    item.desired_worker = worker;
    then[0].as.listen.id = then[1].as.worker_label.id = worker;
    for (size_t i = 0; i < 3; i++) {
        then[i].tenant = CLEAT__TENANT_DEFAULT;
    }
    step(at, then, 3);
    for (size_t i = 0; i < 3; i++) {
        cleat__free(i < 2 ? first[i].error : NULL);
        cleat__free(then[i].error);
    }
}

static void test_any_allocation_may_fail(void **state)
{
    rig *at = *state;
    cleat_status status = CLEAT_NO_MEMORY;
    failing_allocator memory;
    size_t calls = 0;
    do {
        crash(at);
        cleat__core_options options = {.path = FILE_NAME, .mode = CLEAT__STORE_WRITE_UNSYNCED, .seed = 1};
        failing_allocator_install(&memory, ++calls);
        status = cleat__core_open(&options, at->now, &at->core);
        assert_true(status == CLEAT_OK || status == CLEAT_NO_MEMORY);
        if (status == CLEAT_OK) {
            live_once(at);
        }
        cleat_set_allocator(NULL);
        assert_true(calls < 1000);
    } while (status != CLEAT_OK || failing_allocator_has_failed(&memory));
    assert_true(calls > 30);
}

static void clean_file(void)
{
    cleat__store *store = NULL;
    assert_int_equal(cleat__store_open(FILE_NAME, CLEAT__STORE_WRITE_UNSYNCED, &store), CLEAT_OK);
    assert_int_equal(sqlite3_exec(cleat__store_db(store),
                                  "DELETE FROM event; DELETE FROM schedule; "
                                  "DELETE FROM worker; DELETE FROM task; DELETE FROM task_live; DELETE FROM "
                                  "task_end; DELETE FROM task_type; DELETE FROM workflow",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    cleat__store_close(store);
}

/* Runs with idempotency keys, of which one has been taken. */
static void live_with_keys(rig *at, cleat_status *status)
{
    static const cleat__idempotency rule = {.expression = {"input.id", 8}, .ttl_ms = 1000};
    cleat__uuid ids[3], refused[3];
    cleat__workflow workflow = workflow_of("a:a", &policy);
    workflow.idempotency = &rule;
    cleat__trigger items[3];
    for (size_t i = 0; i < 3; i++) {
        items[i] = (cleat__trigger){.workflow = workflow.name,
                                    .input = cleat_slice_of(i == 1 ? "{\"id\":\"y\"}" : "{\"id\":\"x\"}")};
    }
    cleat__command commands[] = {
        {.tenant = CLEAT__TENANT_DEFAULT,
         .kind = CLEAT__COMMAND_PUT_WORKFLOW,
         .as.put_workflow = {&workflow, NULL, false}},
        {.tenant = CLEAT__TENANT_DEFAULT,
         .kind = CLEAT__COMMAND_TRIGGER,
         .refused = refused,
         .as.trigger = {items, 3, ids}},
    };
    step(at, commands, 2);
    *status = commands[1].status;
    cleat__free(commands[0].error);
    cleat__free(commands[1].error);
}

static void test_any_allocation_may_fail_with_keys(void **state)
{
    rig *at = *state;
    failing_allocator memory;
    cleat_status status = CLEAT_NO_MEMORY;
    size_t calls = 0;
    do {
        crash(at);
        open_core(at);
        failing_allocator_install(&memory, ++calls);
        live_with_keys(at, &status);
        cleat_set_allocator(NULL);
        assert_true(status == CLEAT_NO_MEMORY || status == CLEAT_NOT_FOUND || status == CLEAT_ALREADY_EXISTS);
        /* Of the three two have started, or none. */
        if (cleat__core_failure(at->core) == CLEAT_OK) {
            assert_int_equal(live(at), status == CLEAT_ALREADY_EXISTS ? 2 : 0);
        }
        assert_true(calls < 1000);
    } while (status != CLEAT_ALREADY_EXISTS);
    assert_true(calls > 20);
}

/* On a file with one such worker, which has a run. */
static void test_any_allocation_may_fail_with_workers_of_other_processes(void **state)
{
    rig *at = *state;
    const cleat__core_options options = {.path = FILE_NAME, .mode = CLEAT__STORE_WRITE_UNSYNCED, .seed = 1};
    cleat_status status = CLEAT_NO_MEMORY;
    failing_allocator memory;
    size_t calls = 0;
    do {
        crash(at);
        clean_file();
        open_core(at);
        live_remotely(at);
        assert_int_equal(live(at), 1);
        crash(at);
        failing_allocator_install(&memory, ++calls);
        status = cleat__core_open(&options, at->now, &at->core);
        assert_true(status == CLEAT_OK || status == CLEAT_NO_MEMORY);
        if (status == CLEAT_OK) {
            live_remotely(at);
        }
        cleat_set_allocator(NULL);
        assert_true(calls < 1000);
    } while (status != CLEAT_OK || failing_allocator_has_failed(&memory));
    assert_true(calls > 30);
}

static void listen_to_nothing(void *self, const cleat__happening *happening)
{
    (void)self;
    (void)happening;
}

/* A pushed event, a schedule, and somebody who looks on; commands are answered in the order of their steps. */
static void live_with_events(rig *at, cleat__watch watches[2])
{
    static const cleat_slice key = {"k", 1};
    static const cleat__user_event event = {.key = {"k", 1}, .metadata = {"{\"user\":\"u\"}", 12}};
    static const cleat__schedule schedule = {.workflow = {"a", 1}};
    const int64_t now = at->now.unix_ms;
    cleat__uuid ids[3] = {{{0}}};
    cleat__workflow workflow = workflow_of("a:a", &policy);
    workflow.event_keys = &key;
    workflow.event_key_count = 1;
    const cleat__trigger item = {.workflow = workflow.name, .metadata = event.metadata};
    watches[0] = (cleat__watch){.key = {"user", 4}, .value = {"u", 1}, .tell = listen_to_nothing};
    cleat__command first[] = {
        {.kind = CLEAT__COMMAND_PUT_WORKFLOW, .as.put_workflow = {&workflow, NULL, false}},
        {.kind = CLEAT__COMMAND_WATCH, .as.watch = &watches[0]},
        {.kind = CLEAT__COMMAND_PUSH, .as.push = {&event, 1, &ids[0], NULL}},
        {.kind = CLEAT__COMMAND_SCHEDULE, .as.schedule = {&schedule, &now, 1, &ids[1]}},
        {.kind = CLEAT__COMMAND_TRIGGER, .as.trigger = {&item, 1, &ids[2]}},
    };
    for (size_t i = 0; i < 5; i++) {
        first[i].tenant = CLEAT__TENANT_DEFAULT;
    }
    step(at, first, 5);
    watches[1] = (cleat__watch){.run_id = ids[2], .tell = listen_to_nothing};
    cleat__command then[] = {
        {.kind = CLEAT__COMMAND_WATCH, .as.watch = &watches[1]},
        {.kind = CLEAT__COMMAND_PUT_STREAM, .as.put_stream = {ids[2], 1, {"b", 1}}},
        {.kind = CLEAT__COMMAND_PUT_STREAM, .as.put_stream = {ids[2], 0, {"a", 1}}},
        {.kind = CLEAT__COMMAND_PUT_STREAM, .as.put_stream = {ids[2], 3, {"d", 1}}},
        {.kind = CLEAT__COMMAND_CANCEL, .as.id = ids[2]},
    };
    for (size_t i = 0; i < 5; i++) {
        then[i].tenant = CLEAT__TENANT_DEFAULT;
    }
    step(at, then, 5);
    for (size_t i = 0; i < 5; i++) {
        cleat__free(first[i].error);
        cleat__free(then[i].error);
    }
}

static void test_any_allocation_may_fail_with_events(void **state)
{
    rig *at = *state;
    const cleat__core_options options = {
        .path = FILE_NAME, .mode = CLEAT__STORE_WRITE_UNSYNCED, .seed = 1, .adds_trace = true};
    cleat__watch watches[2];
    failing_allocator memory;
    size_t calls = 0;
    do {
        crash(at);
        clean_file();
        assert_int_equal(cleat__core_open(&options, at->now, &at->core), CLEAT_OK);
        failing_allocator_install(&memory, ++calls);
        live_with_events(at, watches);
        cleat_set_allocator(NULL);
        /* An event is there with its run, or not at all; so is a schedule or its run. */
        int64_t events = count_of("SELECT count(*) FROM event");
        assert_int_equal(count_of("SELECT count(*) FROM task WHERE event_id IS NOT NULL"), events);
        assert_true(count_of("SELECT count(*) FROM schedule") +
                        count_of("SELECT count(*) FROM task WHERE metadata NOT LIKE '%user%'") <=
                    1);
        assert_true(calls < 1000);
    } while (failing_allocator_has_failed(&memory));
    assert_true(calls > 30);
    assert_int_equal(count_of("SELECT count(*) FROM task"), 3);
    assert_int_equal(count_of("SELECT count(*) FROM schedule"), 0);
    crash(at);
    open_core(at);
}

/* A stream that is stored, with who is there from the beginning, who comes late, and one by metadata. */
static void live_with_a_stream(rig *at, cleat__watch watches[3])
{
    static const cleat_slice chunks[] = {{"a", 1}, {"b", 1}};
    cleat__uuid id = {{0}};
    cleat__workflow workflow = workflow_of("a:a", &policy);
    task_of(&workflow)->is_durable = true;
    const cleat__trigger item = {.workflow = workflow.name, .metadata = {"{\"user\":\"u\"}", 12}};
    watches[2] = (cleat__watch){.key = {"user", 4}, .value = {"u", 1}, .tell = listen_to_nothing};
    cleat__command first[] = {
        {.kind = CLEAT__COMMAND_PUT_WORKFLOW, .as.put_workflow = {&workflow, NULL, false}},
        {.kind = CLEAT__COMMAND_WATCH, .as.watch = &watches[2]},
        {.kind = CLEAT__COMMAND_TRIGGER, .as.trigger = {&item, 1, &id}},
    };
    for (size_t i = 0; i < 3; i++) {
        first[i].tenant = CLEAT__TENANT_DEFAULT;
    }
    step(at, first, 3);
    watches[0] = watches[1] = (cleat__watch){.run_id = id, .tell = listen_to_nothing};
    cleat__command then[] = {
        {.kind = CLEAT__COMMAND_WATCH, .as.watch = &watches[0]},
        {.kind = CLEAT__COMMAND_PUT_CHUNKS, .as.put_chunks = {id, 0, 0, chunks, 2}},
        {.kind = CLEAT__COMMAND_WATCH, .as.watch = &watches[1]},
        {.kind = CLEAT__COMMAND_PUT_CHUNKS, .as.put_chunks = {id, 0, 3, chunks, 1}},
        {.kind = CLEAT__COMMAND_CANCEL, .as.id = id},
    };
    for (size_t i = 0; i < 5; i++) {
        then[i].tenant = CLEAT__TENANT_DEFAULT;
    }
    step(at, then, 5);
    step(at, NULL, 0);
    for (size_t i = 0; i < 5; i++) {
        cleat__free(i < 3 ? first[i].error : NULL);
        cleat__free(then[i].error);
    }
}

static void test_any_allocation_may_fail_with_a_stream(void **state)
{
    rig *at = *state;
    const cleat__core_options options = {
        .path = FILE_NAME, .mode = CLEAT__STORE_WRITE_UNSYNCED, .seed = 1, .adds_trace = true};
    cleat__watch watches[3];
    failing_allocator memory;
    size_t calls = 0;
    do {
        crash(at);
        clean_file();
        assert_int_equal(cleat__core_open(&options, at->now, &at->core), CLEAT_OK);
        failing_allocator_install(&memory, ++calls);
        live_with_a_stream(at, watches);
        cleat_set_allocator(NULL);
        assert_true(count_of("SELECT count(*) FROM stream_chunk") <= 3);
        assert_true(calls < 1000);
    } while (failing_allocator_has_failed(&memory));
    assert_true(calls > 20);
    assert_int_equal(count_of("SELECT count(*) FROM stream_chunk"), 3);
    crash(at);
    open_core(at);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        TEST(test_triggers_are_all_or_none),
        TEST(test_any_allocation_may_fail),
        TEST(test_any_allocation_may_fail_with_workers_of_other_processes),
        TEST(test_any_allocation_may_fail_with_keys),
        TEST(test_any_allocation_may_fail_with_events),
        TEST(test_any_allocation_may_fail_with_a_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
