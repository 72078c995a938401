/* The n-th allocation fails, for every n: what a durable run asks for is done, or fails alone, or fails the core. */
#include "durable_test.h"
#include "support/failing_allocator.h"

static void hear_nothing(void *self, const cleat__uuid *run, int32_t invocation, const cleat__node_end *end)
{
    (void)self, (void)run, (void)invocation, (void)end;
}

static void hear_no_end(void *self, const cleat__uuid *run, int32_t invocation, const char *reason)
{
    (void)self, (void)run, (void)invocation, (void)reason;
}

/* One command; whether it was done. What failed for want of memory says so, and leaves nothing behind. */
static bool done(cleat_status status)
{
    assert_true(status == CLEAT_OK || status == CLEAT_NO_MEMORY || status == CLEAT_SUSPENDED);
    return status == CLEAT_OK;
}

static bool resume(rig *at)
{
    cleat__uuid id;
    char *metadata = NULL;
    cleat__command command = {.tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_RESUME_HOOK};
    command.as.resume_hook.token = cleat_slice_of("t");
    command.as.resume_hook.payload = cleat_slice_of("1");
    command.as.resume_hook.carrier = cleat_slice_of("{\"traceparent\":\"p\"}");
    command.as.resume_hook.run_id = &id;
    command.as.resume_hook.metadata = &metadata;
    bool is_done = done(ask(at, &command));
    cleat__free(metadata);
    return is_done;
}

/* A memo, a child, waits of each kind, and its eviction. */
static bool ask_for_all(rig *at, const cleat__uuid *run, int invocation,
                        const cleat__durable_listener *listener)
{
    static const cleat__node nodes[] = {{1, 2}, {1, 3}, {1, 4}};
    cleat__uuid child;
    cleat__node node;
    cleat__trigger item = {.workflow = cleat_slice_of("ship")};
    cleat__condition waits[] = {event_of("e"), sleep_of(1000, "1s"), hook_of("t")};
    waits[0].expression = cleat_slice_of("input.n == 1.0");
    waits[0].group = waits[1].group = cleat_slice_of("g");
    cleat__durable_request requests[6] = {memo_of("a", "1"),
                                          {.kind = CLEAT__DURABLE_TRIGGER},
                                          {.kind = CLEAT__DURABLE_WAIT_FOR},
                                          {.kind = CLEAT__DURABLE_CREATE_HOOK},
                                          {.kind = CLEAT__DURABLE_WAIT_FOR},
                                          {.kind = CLEAT__DURABLE_EVICT}};
    requests[1].as.trigger.items = &item;
    requests[1].as.trigger.count = 1;
    requests[1].as.trigger.ids = &child;
    requests[1].as.trigger.nodes = &node;
    requests[2].as.wait_for.conditions = waits;
    requests[2].as.wait_for.count = 2;
    requests[3].as.create_hook.token = cleat_slice_of("t");
    requests[4].as.wait_for.conditions = waits + 2;
    requests[4].as.wait_for.count = 1;
    requests[5].as.evict.nodes = nodes;
    requests[5].as.evict.count = 3;
    requests[5].as.evict.is_all = true;
    requests[5].as.evict.carrier = cleat_slice_of("{\"traceparent\":\"q\"}");
    cleat_status status = ask_with(at, run, invocation, requests, 6, listener, NULL);
    for (size_t i = 0; i < 6; i++) {
        cleat__durable_request_deinit(&requests[i]);
    }
    return done(status) && done(report(at, &child, 0, CLEAT_OK, "5"));
}

/* True: all of it was done. */
static bool live(rig *at, const cleat__uuid *run)
{
    static const cleat__durable_listener listener = {NULL, hear_nothing, hear_no_end, NULL, NULL};
    const cleat__durable_waiting waiting = {*run, 2, {1, 4}};
    cleat__command status = {.tenant = CLEAT__TENANT_DEFAULT,
                             .kind = CLEAT__COMMAND_DURABLE_STATUS,
                             .as.durable_status = {.items = &waiting, .count = 1, .listener = &listener}};
    int64_t nodes[] = {2, 3, 4};
    return ask_for_all(at, run, 1, &listener) && done(push_event(at, "e", "{\"n\":1}", NULL, "{\"a\":1}")) &&
           resume(at) && at->ears.count != 0 && ask_for_all(at, run, 2, NULL) && done(ask(at, &status)) &&
           strncmp(await(at, run, 3, true, nodes, 3), "OK", 2) == 0 && done(cancel(at, run));
}

static void test_every_allocation_may_fail(void **state)
{
    rig *at = *state;
    failing_allocator memory;
    bool is_done = false;
    size_t calls = 0;
    cleat__core_close(at->core);
    failing_allocator_install(&memory, 0);
    while (!is_done) {
        unlink(FILE_NAME);
        open_core(at);
        declare(at);
        join_both(at, 1, 10);
        cleat__uuid run = trigger(at, "flow:flow", "{}", 0);
        atomic_store(&memory.fail_at, atomic_load(&memory.calls) + ++calls);
        is_done = live(at, &run);
        atomic_store(&memory.fail_at, 0);
        cleat__core_close(at->core);
        at->ears.count = 0;
        assert_true(calls < 2000);
    }
    assert_true(calls > 50);
    cleat_set_allocator(NULL);
    open_core(at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_allocation_may_fail, open_fixture, close_fixture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
