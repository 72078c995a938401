/* The whole server: how it starts and ends, without tokens, and with very many workers. */
#include "server/service_test.h"
#include "support/sanitizer.h"

#include <unistd.h>

static const cleat__server_options any_ports = {.grpc_address = "127.0.0.1:0", .http_address = "127.0.0.1:0"};

static void assert_no_start(cleat__server_options options, cleat_status status, const char *part)
{
    temp_dir dir;
    cleat__server *server = NULL;
    temp_dir_make(&dir);
    options.database = options.database != NULL ? options.database : dir.database;
    options.grpc_address = options.grpc_address != NULL ? options.grpc_address : "127.0.0.1:0";
    options.http_address = options.http_address != NULL ? options.http_address : "127.0.0.1:0";
    assert_int_equal(cleat__server_start(&options, &server), status);
    assert_null(server);
    if (strstr(cleat_error_message(), part) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", cleat_error_message(), part);
    }
    temp_dir_remove(&dir);
}

static void what_others_can_reach_needs_tls(void **state)
{
    static const char *const reachable[] = {"0.0.0.0:0", "[::]:0", "192.0.2.1:0"};
    (void)state;
    for (size_t i = 0; i < sizeof(reachable) / sizeof(reachable[0]); i++) {
        assert_no_start((cleat__server_options){.grpc_address = reachable[i]}, CLEAT_INVALID_ARGUMENT,
                        reachable[i]);
        assert_no_start((cleat__server_options){.http_address = reachable[i]}, CLEAT_INVALID_ARGUMENT,
                        "without TLS");
    }
}

static void a_host_that_is_not_there_is_called_so(void **state)
{
    static const char *const hosts[] = {"no.such.host.invalid:0", "127.0.0.1:99999", ":0"};
    (void)state;
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        assert_no_start((cleat__server_options){.http_address = hosts[i]}, CLEAT_INVALID_ARGUMENT, hosts[i]);
        assert_null(strstr(cleat_error_message(), "without TLS"));
    }
}

static void this_machine_needs_none(void **state)
{
    static const char *const local[] = {"127.0.0.1:0", "127.0.0.2:0", "localhost:0"};
    (void)state;
    for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++) {
        temp_dir dir;
        cleat__server *server = NULL;
        cleat__server_options options = any_ports;
        temp_dir_make(&dir);
        options.database = dir.database;
        options.grpc_address = options.http_address = local[i];
        if (cleat__server_start(&options, &server) != CLEAT_OK) {
            fail_msg("%s: %s", local[i], cleat_error_message());
        }
        cleat__server_stop(server, 300000);
        temp_dir_remove(&dir);
    }
}

static void half_of_tls_is_refused(void **state)
{
    (void)state;
    assert_no_start((cleat__server_options){.certificate_file = "c.pem"}, CLEAT_INVALID_ARGUMENT, "both");
    assert_no_start((cleat__server_options){.key_file = "k.pem"}, CLEAT_INVALID_ARGUMENT, "both");
    assert_no_start((cleat__server_options){.client_authorities_file = "a.pem"}, CLEAT_INVALID_ARGUMENT,
                    "needs TLS");
    assert_no_start((cleat__server_options){.otlp_forward = "nowhere"}, CLEAT_INVALID_ARGUMENT, "nowhere");
}

static void a_file_has_one_server(void **state)
{
    service_world *it = *state;
    assert_no_start((cleat__server_options){.database = it->dir.database}, CLEAT_BUSY, it->dir.database);
    assert_no_start((cleat__server_options){.grpc_address = cleat__server_grpc_address(it->server)},
                    CLEAT_BUSY, "is in use");
    assert_no_start((cleat__server_options){.http_address = cleat__server_http_address(it->server)},
                    CLEAT_BUSY, "is in use");
}

/* Everybody is the default tenant, whose runs a token of it sees later. */
static void without_tokens_everybody_is_let_in(void **state)
{
    service_world *it = *state;
    cleat__server_options options = any_ports;
    char *token = it->token;
    world_end(it);
    options.database = it->dir.database;
    options.is_open = true;
    assert_int_equal(cleat__server_start(&options, &it->server), CLEAT_OK);
    it->client = rpc_client_new(cleat__server_grpc_address(it->server), (rpc_client_options){0});
    it->token = NULL;
    declare(it, (task_declaration){.name = "open"});
    register_worker(it, "open", 1); /* which looks at the tenant's id */
    id_text run = trigger(it, "open", "{}");
    it->token = token;
    world_end(it);
    world_serve(it);
    assert_status(it, run, CLEAT__V1__RUN_STATUS__QUEUED);
}

static void many_restarts_lose_nothing(void **state)
{
    enum { ROUNDS = 5 };
    service_world *it = *state;
    id_text runs[ROUNDS];
    declare(it, (task_declaration){.name = "kept"});
    for (int i = 0; i < ROUNDS; i++) {
        runs[i] = trigger(it, "kept", "{}");
        world_end(it);
        world_serve(it);
    }
    rpc_stream *stream = stay_as(it, register_worker(it, "kept", ROUNDS));
    for (int i = 0; i < ROUNDS; i++) {
        Cleat__AssignedAction *action = next_action(stream);
        assert_string_equal(action->workflow_run_id, runs[i].text);
        cleat__message_free(action);
    }
    stop_listening(stream);
}

/* What its caller does with them is in the tests of tokens. */
static void tokens_of_another_address_are_refused(void **state)
{
    static const struct {
        const char *url;
        int code;
    } cases[] = {{"https://other.example.org", GRPC_STATUS_UNAUTHENTICATED},
                 {"http://127.0.0.1:8733", GRPC_STATUS_OK}}; /* that the token was made for */
    service_world *it = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        Cleat__GetVersionRequest request = CLEAT__GET_VERSION_REQUEST__INIT;
        cleat__server_options options = any_ports;
        world_end(it);
        options.database = it->dir.database;
        options.url = cases[i].url;
        assert_int_equal(cleat__server_start(&options, &it->server), CLEAT_OK);
        it->client = rpc_client_new(cleat__server_grpc_address(it->server), (rpc_client_options){0});
        rpc_result result = call_as(it, it->token, "/Dispatcher/GetVersion", &request.base);
        assert_int_equal(result.code, cases[i].code);
        assert_true(result.code == GRPC_STATUS_OK || strstr(result.text, "token of another server") != NULL);
        rpc_result_deinit(&result);
    }
}

/* ---- Very many workers ---- */

static long resident_kib(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%*d %ld", &pages), 1);
    fclose(file);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* By the form of listening that needs no heartbeats, so that the test may take its time. */
static void a_thousand_workers_wait(void **state)
{
#if UNDER_THREAD_SANITIZER
    enum { WORKERS = 100 }; /* it takes minutes */
#else
    enum { WORKERS = 1000 };
#endif
    service_world *it = *state;
    static rpc_stream *streams[WORKERS];
    declare(it, (task_declaration){.name = "idle"});
    long before = resident_kib();
    for (int i = 0; i < WORKERS; i++) {
        streams[i] = stay_as(it, register_worker(it, "idle", 1));
        rpc_accepted(streams[i]);
    }
    print_message("%d workers: %ld KiB, their clients included\n", WORKERS, resident_kib() - before);
    for (int i = 0; i < WORKERS; i++) {
        trigger(it, "idle", "{}");
    }
    for (int i = 0; i < WORKERS; i++) { /* one each, as each has one slot */
        Cleat__AssignedAction *action = next_action(streams[i]);
        assert_int_equal(action->retry_count, 0);
        cleat__message_free(action);
    }
    for (int i = 0; i < WORKERS; i++) {
        stop_listening(streams[i]);
    }
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, world_start, world_stop)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_others_can_reach_needs_tls),
        cmocka_unit_test(a_host_that_is_not_there_is_called_so),
        cmocka_unit_test(this_machine_needs_none),
        TEST(tokens_of_another_address_are_refused),
        cmocka_unit_test(half_of_tls_is_refused),
        TEST(a_file_has_one_server),
        TEST(without_tokens_everybody_is_let_in),
        TEST(many_restarts_lose_nothing),
        TEST(a_thousand_workers_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
