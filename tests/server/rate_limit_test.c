/* So many calls per second, token and group of services. */
#include "base/base_test.h"

#include "base/clock.h"
#include "server/rate_limit.h"
#include "server/service_test.h"

static int64_t now_ns;

static int64_t read_clock(void *user_data)
{
    (void)user_data;
    return now_ns;
}

static const cleat_clock fake = {.unix_ns = read_clock, .monotonic_ns = read_clock};

static int admitted(cleat__rate_limit *limit, const cleat__uuid *token, const char *path, int tries)
{
    int count = 0;
    for (int i = 0; i < tries; i++) {
        count += cleat__rate_limit_admit(limit, token, path);
    }
    return count;
}

static void a_second_of_calls_may_come_at_once(void **state)
{
    const cleat__uuid one = {{1}}, two = {{2}};
    static const char path[] = "/v1.AdminService/PutWorkflow";
    cleat__rate_limit *limit = NULL;
    (void)state;
    now_ns = 5 * CLEAT__NS_PER_S;
    assert_int_equal(cleat__rate_limit_new(100, &fake, &limit), CLEAT_OK);
    assert_int_equal(admitted(limit, &one, path, 1000), 100);
    assert_int_equal(admitted(limit, &two, path, 1000), 100); /* another token's are its own */
    now_ns += CLEAT__NS_PER_S / 10;
    assert_int_equal(admitted(limit, &one, path, 1000), 10);
    now_ns += 60 * CLEAT__NS_PER_S;
    assert_int_equal(admitted(limit, &one, path, 1000), 100); /* a long rest is worth a second */
    cleat__rate_limit_free(limit);
}

static void groups_are_counted_on_their_own(void **state)
{
    static const struct {
        const char *path;
        int expected;
    } calls[] = {
        {"/EventsService/Push", 10},
        {"/EventsService/BulkPush", 0}, /* of the same group */
        {"/WorkflowService/TriggerWorkflow", 10},
        {"/v1.AdminService/GetRunDetails", 10},
        {"/Dispatcher/Heartbeat", 100},
        {"/v1.V1Dispatcher/DurableTask", 0},
        {"/opentelemetry.proto.collector.trace.v1.TraceService/Export", 100},
        {"/hooks/", 10},
        {"/webhooks/", 10},
        {"/of.NoGroup/Any", 1000},
    };
    const cleat__uuid token = {{1}};
    cleat__rate_limit *limit = NULL;
    (void)state;
    assert_int_equal(cleat__rate_limit_new(10, &fake, &limit), CLEAT_OK);
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        assert_int_equal(admitted(limit, &token, calls[i].path, 1000), calls[i].expected);
    }
    cleat__rate_limit_free(limit);
}

static void wrong_limits_are_refused(void **state)
{
    cleat__rate_limit *limit = NULL;
    (void)state;
    assert_int_equal(cleat__rate_limit_new(0, NULL, &limit), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat__rate_limit_new(CLEAT__RATE_LIMIT_MAX + 1, NULL, &limit), CLEAT_INVALID_ARGUMENT);
    assert_null(limit);
}

/* Two at once of each group, then none for half a second. */
static void a_server_refuses_what_comes_too_fast(void **state)
{
    service_world *it = *state;
    const Cleat__GetVersionRequest empty = CLEAT__GET_VERSION_REQUEST__INIT;
    static const char path[] = "/EventsService/ReplaySingleEvent"; /* whatever it answers, it counts */
    rpc_client_free(it->client);
    cleat__server_stop(it->server, 300000);
    const cleat__server_options options = {.database = it->dir.database,
                                           .grpc_address = "127.0.0.1:0",
                                           .http_address = "127.0.0.1:0",
                                           .rate_limit = 2};
    assert_int_equal(cleat__server_start(&options, &it->server), CLEAT_OK);
    it->client = rpc_client_new(cleat__server_grpc_address(it->server), (rpc_client_options){0});
    int refusals = 0;
    for (int i = 0; i < 20; i++) {
        rpc_result result = call_as(it, it->token, path, &empty.base);
        assert_true(result.code == GRPC_STATUS_UNIMPLEMENTED || strstr(result.text, "too fast") != NULL);
        refusals += result.code == GRPC_STATUS_RESOURCE_EXHAUSTED;
        rpc_result_deinit(&result);
    }
    assert_true(refusals > 0);
    refused_as(it, it->other_token, path, &empty.base, GRPC_STATUS_UNIMPLEMENTED, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_of_calls_may_come_at_once),
        cmocka_unit_test(groups_are_counted_on_their_own),
        cmocka_unit_test(wrong_limits_are_refused),
        cmocka_unit_test_setup_teardown(a_server_refuses_what_comes_too_fast, world_start, world_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
