/* Peers that are there and do nothing, or are gone and have not said so: what they cost the whole server, and
 * who gets what was theirs. */
#define _GNU_SOURCE /* POLLRDHUP */
#include "server/service_test.h"

#include "base/thread.h"
#include "support/gate.h"

#include <arpa/inet.h>
#include <malloc.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- A clock that can be put forward ---- */

static _Atomic int64_t forward_ns;

static int64_t unix_ns(void *self)
{
    (void)self;
    return cleat__clock_unix_ns(NULL) + forward_ns;
}

static int64_t monotonic_ns(void *self)
{
    (void)self;
    return cleat__clock_monotonic_ns(NULL) + forward_ns;
}

static const cleat_clock clock_forward = {NULL, unix_ns, monotonic_ns};

/* ---- A connection through somebody who may stop to pass on what comes ---- */

typedef struct proxy {
    char address[64];
    int listener, near, far; /* of the client, of the server */
    atomic_bool is_frozen, is_over;
    gate gone; /* the server has closed */
    gate said; /* it has sent something */
    pthread_t thread;
} proxy;

/* Whether something came. */
static bool pass_on(int from, int to)
{
    char bytes[65536];
    ssize_t size = recv(from, bytes, sizeof(bytes), MSG_DONTWAIT);
    if (size > 0) {
        (void)send(to, bytes, (size_t)size, MSG_NOSIGNAL);
    }
    return size > 0;
}

static void *run_proxy(void *argument)
{
    proxy *it = argument;
    bool is_gone = false;
    it->near = accept(it->listener, NULL, NULL);
    while (!it->is_over) {
        short wanted = it->is_frozen ? 0 : POLLIN;
        struct pollfd both[] = {{.fd = it->near, .events = wanted},
                                {.fd = it->far, .events = (short)(wanted | (is_gone ? 0 : POLLRDHUP))}};
        (void)poll(both, 2, 10);
        if (!it->is_frozen) {
            (void)pass_on(it->near, it->far);
            if (pass_on(it->far, it->near)) {
                gate_add(&it->said);
            }
        }
        if (!is_gone && (both[1].revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0) {
            is_gone = true;
            gate_add(&it->gone);
        }
    }
    return NULL;
}

static void proxy_start(proxy *it, const char *to)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)atoi(strrchr(to, ':') + 1))};
    socklen_t size = sizeof(address);
    *it = (proxy){.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
                  .far = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    gate_init(&it->gone);
    gate_init(&it->said);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(it->far, (struct sockaddr *)&address, sizeof(address)), 0);
    address.sin_port = 0;
    assert_int_equal(bind(it->listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(it->listener, 1), 0);
    assert_int_equal(getsockname(it->listener, (struct sockaddr *)&address, &size), 0);
    snprintf(it->address, sizeof(it->address), "127.0.0.1:%d", ntohs(address.sin_port));
    assert_int_equal(cleat__thread_start(&it->thread, "proxy", run_proxy, it), CLEAT_OK);
}

static void proxy_stop(proxy *it)
{
    it->is_over = true;
    pthread_join(it->thread, NULL);
    close(it->near);
    close(it->far);
    close(it->listener);
    gate_deinit(&it->gone);
    gate_deinit(&it->said);
}

/* ---- The server ---- */

static int start(void **state, int keepalive_timeout_ms)
{
    world_start(state);
    service_world *it = *state;
    const cleat__server_options options = {.database = it->dir.database,
                                           .grpc_address = "127.0.0.1:0",
                                           .http_address = "127.0.0.1:0",
                                           .keepalive_ms = 50,
                                           .keepalive_timeout_ms = keepalive_timeout_ms,
                                           .clock = &clock_forward};
    world_end(it);
    forward_ns = 0;
    assert_int_equal(cleat__server_start(&options, &it->server), CLEAT_OK);
    it->client = rpc_client_new(cleat__server_grpc_address(it->server), (rpc_client_options){0});
    return 0;
}

/* How long a peer that is well may take on a busy machine, and the test takes as long. */
enum { PATIENCE_MS = UNDER_THREAD_SANITIZER ? 20000 : UNDER_ADDRESS_SANITIZER ? 6000 : 3000 };

static int start_impatient(void **state)
{
    return start(state, PATIENCE_MS);
}

static int start_patient(void **state)
{
    return start(state, 300000);
}

static void assert_attempt(rpc_stream *stream, id_text run, int retry_count)
{
    Cleat__AssignedAction *action = next_action(stream);
    assert_string_equal(action->workflow_run_id, run.text);
    assert_int_equal(action->retry_count, retry_count);
    cleat__message_free(action);
}

/*
 * The connection of a worker is dead without anybody having said so: keepalive ends it. What the worker
 * had, and what was sent into the void, is its own for another 30 seconds; then others get it.
 */
static void a_worker_that_vanishes(void **state)
{
    service_world *it = *state;
    proxy between;
    declare(it, (task_declaration){.name = "left"});
    proxy_start(&between, cleat__server_grpc_address(it->server));
    rpc_client *far = rpc_client_new(between.address, (rpc_client_options){0});
    rpc_stream *dead = listen_by(it, far, "/Dispatcher/Listen", register_worker(it, "left", 10));
    id_text begun = trigger(it, "left", "{}");
    assert_attempt(dead, begun, 0);
    between.is_frozen = true;
    id_text sent = trigger(it, "left", "{}");
    rpc_stream *stream = stay_as(it, register_worker(it, "left", 10));
    rpc_accepted(stream);
    gate_wait(&between.gone, 1);
    id_text later = trigger(it, "left", "{}");
    assert_attempt(stream, later, 0);
    forward_ns += 31 * CLEAT__NS_PER_S;
    declare(it, (task_declaration){.name = "other"}); /* whatever wakes the engine */
    assert_attempt(stream, begun, 1);
    assert_attempt(stream, sent, 1);
    stop_listening(stream);
    stop_listening(dead);
    rpc_client_free(far);
    proxy_stop(&between);
}

/* A peer that has nothing to say keeps its connection: gRPC answers pings for it, and there is one only after
 * the answer to that before. */
static void an_idle_worker_is_not_taken_for_dead(void **state)
{
    service_world *it = *state;
    proxy between;
    declare(it, (task_declaration){.name = "idle"});
    proxy_start(&between, cleat__server_grpc_address(it->server));
    rpc_client *far = rpc_client_new(between.address, (rpc_client_options){0});
    rpc_stream *stream = listen_by(it, far, "/Dispatcher/Listen", register_worker(it, "idle", 1));
    rpc_accepted(stream);
    gate_wait(&between.said, gate_count(&between.said) + 4);
    assert_int_equal(gate_count(&between.gone), 0);
    id_text run = trigger(it, "idle", "{}");
    assert_attempt(stream, run, 0);
    stop_listening(stream);
    rpc_client_free(far);
    proxy_stop(&between);
}

/* ---- Memory ---- */

static size_t allocated(void)
{
    return mallinfo2().uordblks;
}

static void trigger_many(service_world *it, const char *workflow, size_t count)
{
    enum { AT_ONCE = 1000 };
    static Cleat__V1__TriggerWorkflowRequest items[AT_ONCE];
    static Cleat__V1__TriggerWorkflowRequest *list[AT_ONCE];
    Cleat__BulkTriggerWorkflowRequest request = CLEAT__BULK_TRIGGER_WORKFLOW_REQUEST__INIT;
    for (size_t i = 0; i < AT_ONCE; i++) {
        items[i] = (Cleat__V1__TriggerWorkflowRequest)CLEAT__V1__TRIGGER_WORKFLOW_REQUEST__INIT;
        items[i].name = text_(workflow);
        items[i].input = text_("{}");
        list[i] = &items[i];
    }
    request.workflows = list;
    request.n_workflows = AT_ONCE;
    for (size_t i = 0; i < count; i += AT_ONCE) {
        cleat__message_free(ask(it, "/WorkflowService/BulkTriggerWorkflow", &request.base,
                                &cleat__bulk_trigger_workflow_response__descriptor));
    }
}

/* A hundred thousand actions are made for it, and it reads none. */
static void a_worker_that_does_not_read(void **state)
{
    enum { RUNS = 100000 };
    const size_t most = (size_t)100 << 20;
    service_world *it = *state;
    skip_under_tsan();
    declare(it, (task_declaration){.name = "deaf"});
    rpc_client *deaf = rpc_client_new(cleat__server_grpc_address(it->server), (rpc_client_options){0});
    size_t before = allocated();
    rpc_stream *stream = listen_by(it, deaf, "/Dispatcher/Listen", register_worker(it, "deaf", RUNS));
    rpc_accepted(stream);
    trigger_many(it, "deaf", RUNS);
    size_t after = allocated();
    print_message("%d actions that nobody reads: %zu KiB\n", RUNS, (after - before) / 1024);
    assert_true(after < before + most);
    stop_listening(stream);
    rpc_client_free(deaf);
}

/* ---- The end ---- */

/* A stream on which nothing is read cannot be told; it is cut off when the time is over. */
static void the_end_does_not_wait_for_who_does_not_read(void **state)
{
    enum { RUNS = 8, SIZE = 1 << 20, STOP_MS = 200 };
    service_world *it = *state;
    char *input = malloc(SIZE + 1);
    skip_under_tsan();
    memset(input, 'x', SIZE);
    memcpy(input, "{\"t\":\"", 6);
    memcpy(input + SIZE - 2, "\"}", 3);
    declare(it, (task_declaration){.name = "stuck"});
    rpc_client *deaf = rpc_client_new(cleat__server_grpc_address(it->server), (rpc_client_options){0});
    rpc_stream *stream = listen_by(it, deaf, "/Dispatcher/Listen", register_worker(it, "stuck", RUNS));
    rpc_accepted(stream);
    for (int i = 0; i < RUNS; i++) {
        trigger(it, "stuck", input);
    }
    int64_t begin_ns = cleat__clock_monotonic_ns(NULL);
    rpc_client_free(it->client);
    cleat__server_stop(it->server, STOP_MS);
    int64_t took_ms = (cleat__clock_monotonic_ns(NULL) - begin_ns) / CLEAT__NS_PER_MS;
    print_message("the end took %lld ms\n", (long long)took_ms);
    assert_true(took_ms >= STOP_MS);
    assert_true(took_ms < 15000);
    stop_listening(stream);
    rpc_client_free(deaf);
    world_serve(it);
    free(input);
}

int main(void)
{
#define TEST(function, how) cmocka_unit_test_setup_teardown(function, how, world_stop)
    const struct CMUnitTest tests[] = {
        TEST(a_worker_that_vanishes, start_impatient),
        TEST(an_idle_worker_is_not_taken_for_dead, start_patient),
        TEST(a_worker_that_does_not_read, start_patient),
        TEST(the_end_does_not_wait_for_who_does_not_read, start_patient),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
