/* Durable runs over gRPC to a server that is started again meanwhile. */
#include "support/gate.h"
#include "support/grpc_suppressions.h"
#include "support/mock_engine.h"
#include "support/outcome.h"
#include "support/temp_dir.h"

#include "base/alloc.h"
#include "base/error.h"
#include "server/server.h"
#include "transport/grpc.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { HELD_MAX = 8 };

typedef struct fixture {
    temp_dir dir;
    char address[64]; /* "": not known yet */
    cleat__server *server;
    cleat__transport *transport;
    cleat__uuid worker;
    gate assigned;
    cleat__assignment *held[HELD_MAX]; /* under assigned.mutex */
} fixture;

static void on_assign(void *self, cleat__assignment *list)
{
    fixture *it = self;
    pthread_mutex_lock(&it->assigned.mutex);
    assert_true(it->assigned.count < HELD_MAX && list->next == NULL);
    it->held[it->assigned.count] = list;
    pthread_mutex_unlock(&it->assigned.mutex);
    gate_add(&it->assigned);
}

static void on_cancel(void *self, const cleat__uuid *task_id, int32_t retry_count)
{
    (void)self, (void)task_id, (void)retry_count;
}

static bool on_withdraw(void *self, const cleat__uuid *task_id, int32_t retry_count)
{
    (void)self, (void)task_id, (void)retry_count;
    return false;
}

static void on_lost(void *self, cleat_status status, const char *text)
{
    (void)self;
    fail_msg("it is lost: %s: %s", cleat_status_name(status), text);
}

/* The second time at the address of the first. */
static void start_server(fixture *it)
{
    const cleat__server_options options = {.database = it->dir.database,
                                           .grpc_address =
                                               it->address[0] != '\0' ? it->address : "127.0.0.1:0",
                                           .http_address = "127.0.0.1:0",
                                           .is_open = true};
    assert_ok(cleat__server_start(&options, &it->server));
    snprintf(it->address, sizeof(it->address), "%s", cleat__server_grpc_address(it->server));
}

static void open_transport(fixture *it)
{
    cleat__remote_settings settings;
    char *token = mock_token(it->address);
    assert_ok(
        cleat__remote_settings_read(CLEAT_CLIENT_OPTIONS(.token = token, .tls_strategy = "none"), &settings));
    free(token);
    settings.reconnect_ms = settings.retry_ms = 1;
    settings.reconnect_max_ms = settings.durable_reconnect_ms = 20;
    assert_ok(cleat__transport_grpc_new(&settings, &it->transport));
}

static int set_up(void **state)
{
    fixture *it = calloc(1, sizeof(*it));
    grpc_suppressions_use();
    temp_dir_make(&it->dir);
    gate_init(&it->assigned);
    start_server(it);
    open_transport(it);
    const cleat__workflow workflow = {.name = cleat_slice_of("order"),
                                      .tasks =
                                          &(cleat__workflow_task){.name = cleat_slice_of("order"),
                                                                  .action = cleat_slice_of("order:order"),
                                                                  .is_durable = true,
                                                                  .policy = {.priority = 1,
                                                                             .backoff_factor = 2,
                                                                             .backoff_max_ms = 1000,
                                                                             .execution_timeout_ms = 60000,
                                                                             .schedule_timeout_ms = 300000}},
                                      .task_count = 1};
    assert_ok(it->transport->put_workflow(it->transport, &workflow));
    const cleat__transport_sink sink = {it, on_assign, on_cancel, on_withdraw, on_lost};
    const cleat_slice action = cleat_slice_of("order:order");
    const cleat__slots slots = {cleat_slice_of("durable"), 4};
    const cleat__worker_spec spec = {.name = cleat_slice_of("test"),
                                     .actions = &action,
                                     .action_count = 1,
                                     .slots = &slots,
                                     .slot_count = 1};
    assert_ok(it->transport->worker_add(it->transport, &spec, &sink, &it->worker));
    *state = it;
    return 0;
}

static int tear_down(void **state)
{
    fixture *it = *state;
    assert_ok(it->transport->worker_remove(it->transport, &it->worker));
    it->transport->free(it->transport);
    cleat__server_stop(it->server, 300000);
    for (int i = 0; i < it->assigned.count; i++) {
        cleat__free(it->held[i]);
    }
    gate_deinit(&it->assigned);
    temp_dir_remove(&it->dir);
    free(it);
    return 0;
}

static cleat__uuid start(fixture *it)
{
    const cleat__trigger trigger = {.workflow = cleat_slice_of("order"), .input = cleat_slice_of("{}")};
    cleat__uuid id;
    assert_ok(it->transport->trigger(it->transport, &trigger, 1, &id));
    return id;
}

static const cleat__assignment *invocation(fixture *it, int32_t count)
{
    gate_wait(&it->assigned, count);
    pthread_mutex_lock(&it->assigned.mutex);
    const cleat__assignment *found = it->held[count - 1];
    pthread_mutex_unlock(&it->assigned.mutex);
    assert_int_equal(found->invocation_count, count);
    assert_int_equal(found->retry_count, 0);
    return found;
}

static cleat_status ask(fixture *it, const cleat__assignment *of, cleat__durable_request *request)
{
    return it->transport->durable(it->transport, &of->task_id, of->invocation_count, request, 1, NULL);
}

static cleat__durable_request memo_of(const char *key)
{
    return (cleat__durable_request){.kind = CLEAT__DURABLE_MEMO,
                                    .as.memo = {.key = cleat_slice_of(key), .payload = cleat_slice_of("1")}};
}

static void finish(fixture *it, const cleat__assignment *of)
{
    cleat_run_result result = {0};
    const cleat__report done = {.task_id = of->task_id,
                                .retry_count = of->retry_count,
                                .invocation_count = of->invocation_count,
                                .output = cleat_slice_of("1")};
    assert_ok(it->transport->report(it->transport, &done));
    assert_ok(it->transport->wait(it->transport, &of->task_id, 300000, &result));
    assert_int_equal(result.status, CLEAT_RUN_COMPLETED);
    cleat_run_result_deinit(&result);
}

/* Of one whose requests do not say their nodes, as those of other SDKs, the engine does not know any more how far it has
 * come: there is a new one, and no retry is used. (Those that say them go on: sdk/workflow_restart_test.c.) */
static void test_an_invocation_is_worked_on(void **state)
{
    fixture *it = *state;
    (void)start(it);
    const cleat__assignment *first = invocation(it, 1);
    cleat__durable_request memo = memo_of("a"), next = memo_of("b");
    assert_ok(ask(it, first, &memo));
    cleat__server_stop(it->server, 300000);
    start_server(it);
    assert_int_equal(ask(it, first, &next), CLEAT_CANCELLED);
    const cleat__assignment *second = invocation(it, 2);
    assert_int_equal(second->log_size, 1);
    assert_ok(ask(it, second, &memo));
    assert_true(memo.as.memo.existed);
    assert_string_equal(memo.as.memo.value, "1");
    cleat__durable_request_deinit(&memo);
    assert_ok(ask(it, second, &next));
    assert_false(next.as.memo.existed);
    finish(it, second);
}

/* What an evicted run waits for is in the file. */
static void test_an_evicted_run(void **state)
{
    fixture *it = *state;
    static const cleat__node node = {1, 1};
    const cleat__condition paid = {.kind = CLEAT__CONDITION_EVENT,
                                   .data_key = cleat_slice_of("paid"),
                                   .key = cleat_slice_of("order:paid")};
    const cleat__user_event event = {.key = cleat_slice_of("order:paid"), .payload = cleat_slice_of("{}")};
    cleat__uuid event_id;
    cleat__durable_request wait = {.kind = CLEAT__DURABLE_WAIT_FOR,
                                   .as.wait_for = {.conditions = &paid, .count = 1}};
    cleat__durable_request evict = {.kind = CLEAT__DURABLE_EVICT, .as.evict = {.nodes = &node, .count = 1}};
    cleat__node_end end;
    cleat__durable_request await = {.kind = CLEAT__DURABLE_AWAIT,
                                    .as.await = {.nodes = &node, .count = 1, .ends = &end}};
    (void)start(it);
    const cleat__assignment *first = invocation(it, 1);
    assert_ok(ask(it, first, &wait));
    assert_ok(ask(it, first, &evict));
    cleat__server_stop(it->server, 300000);
    start_server(it);
    while (it->transport->push(it->transport, &event, 1, &event_id) != CLEAT_OK) {
        /* it has not found the server again yet */
    }
    const cleat__assignment *second = invocation(it, 2);
    assert_ok(ask(it, second, &wait));
    assert_ok(ask(it, second, &await));
    cleat__durable_request_deinit(&await);
    finish(it, second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_an_invocation_is_worked_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_evicted_run, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
