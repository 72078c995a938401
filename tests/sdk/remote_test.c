/* The SDK with its engine elsewhere: the program is the same. */
#include "transport/grpc_test.h"

#include "otlp/received.h"
#include "support/sanitizer.h"
#include "support/http_sink.h"
#include "support/spans.h"
#include "wire/assignment.h"

#include <cleat/instrumentor.h>
#include <cleat/propagation.h>
#include <cleat/worker.h>
#include <cleat/workflow.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct remote {
    mock_engine engine;
    cleat_client *client;
} remote;

static void open_client(remote *it)
{
    assert_ok(
        cleat_client_new(CLEAT_CLIENT_OPTIONS(.token = it->engine.token, .tls_strategy = "none",
                                              .host_port = cleat__rpc_server_address(it->engine.server)),
                         &it->client));
}

static int begin(void **state)
{
    remote *it = calloc(1, sizeof(*it));
    mock_start(&it->engine, (mock_options){0});
    open_client(it);
    *state = it;
    return 0;
}

static int end(void **state)
{
    remote *it = *state;
    cleat_client_free(it->client);
    mock_stop(&it->engine);
    free(it);
    return 0;
}

static cleat_status pack(cleat_task *task, void *user_data)
{
    cleat_run_id id;
    (void)user_data;
    assert_ok(cleat_task_log(task, CLEAT_LOG_INFO, "packing"));
    assert_ok(cleat_task_spawn(task, "archive:pack", NULL, NULL, &id));
    return cleat_task_return(task, cleat_task_input(task).data);
}

static void assign(remote *it, const char *action_id)
{
    const cleat__action_details details = {.priority = 1};
    const cleat__assignment assignment = {.task_id = uuid_of(MOCK_RUN_ID),
                                          .task = cleat_slice_of(action_id),
                                          .input = cleat_slice_of("{\"n\":1}")};
    Cleat__AssignedAction *action = cleat__assignment_write(&assignment, &details);
    mock_send(&it->engine, MOCK_LISTEN, action);
    cleat__message_free(action);
}

static void test_a_task(void **state)
{
    remote *it = *state;
    cleat_worker *worker = NULL;
    assert_ok(cleat_worker_new(it->client, CLEAT_WORKER_OPTIONS(.slots = 2), &worker));
    assert_ok(cleat_worker_add_task(worker, CLEAT_TASK_OPTIONS(.name = "archive:pack", .run = pack)));
    assert_ok(cleat_worker_start(worker));
    assign(it, "archive:pack");
    Cleat__StepActionEvent *event = mock_message(&it->engine, MOCK_EVENT, 0);
    assert_int_equal(event->event_type, CLEAT__STEP_ACTION_EVENT_TYPE__STEP_EVENT_TYPE_COMPLETED);
    assert_string_equal(event->event_payload, "{\"n\":1}");
    cleat__message_free(event);
    Cleat__V1__TriggerWorkflowRequest *child = mock_message(&it->engine, MOCK_TRIGGER, 0);
    assert_string_equal(child->name, "archive.pack");
    assert_string_equal(child->parent_id, MOCK_RUN_ID);
    assert_string_equal(child->parent_task_run_external_id, MOCK_RUN_ID);
    assert_int_equal(child->child_index, 0);
    cleat__message_free(child);
    mock_wait(&it->engine, MOCK_LOG, 1);
    cleat_worker_free(worker);
    assert_int_equal(mock_count(&it->engine, MOCK_UNSUBSCRIBE), 1);
    assert_int_equal(mock_count(&it->engine, MOCK_PUT_WORKFLOW), 1);
}

/* What fails is asked for again, after another. */
static cleat_status spawn_again(cleat_task *task, void *user_data)
{
    cleat_run_id id;
    mock_fail(user_data, MOCK_TRIGGER, CLEAT_INVALID_ARGUMENT, "no", 1);
    assert_int_not_equal(cleat_task_spawn(task, "pack", "{\"n\":1}", NULL, NULL), CLEAT_OK);
    assert_ok(cleat_task_spawn(task, "mail", NULL, NULL, &id));
    assert_ok(cleat_task_spawn(task, "pack", "{\"n\":1}", NULL, &id));
    assert_ok(cleat_task_spawn(task, "pack", "{\"n\":1}", NULL, &id));
    return CLEAT_OK;
}

/* A number is one child's: another under the same would be taken for that one. */
static void test_a_child_keeps_its_number(void **state)
{
    static const char *const names[] = {"pack", "mail", "pack", "pack"};
    static const int numbers[] = {0, 1, 0, 2};
    remote *it = *state;
    cleat_worker *worker = NULL;
    assert_ok(cleat_worker_new(it->client, NULL, &worker));
    assert_ok(cleat_worker_add_task(
        worker, CLEAT_TASK_OPTIONS(.name = "parent", .run = spawn_again, .user_data = &it->engine)));
    assert_ok(cleat_worker_start(worker));
    assign(it, "parent:parent");
    for (int i = 0; i < 4; i++) {
        Cleat__V1__TriggerWorkflowRequest *child = mock_message(&it->engine, MOCK_TRIGGER, i);
        assert_string_equal(child->name, names[i]);
        assert_int_equal(child->child_index, numbers[i]);
        cleat__message_free(child);
    }
    mock_wait(&it->engine, MOCK_EVENT, 1);
    cleat_worker_free(worker);
}

static void *run_worker(void *worker)
{
    (void)cleat_worker_run(worker);
    return NULL;
}

static volatile sig_atomic_t terminations;

static void on_terminate(int number)
{
    (void)number;
    terminations++;
}

/* As long as a server keeps the worker waiting, signals mean what they meant before. */
static void test_signals_during_the_start(void **state)
{
    remote *it = *state;
    cleat_worker *worker = NULL;
    pthread_t thread;
    (void)signal(SIGTERM, on_terminate);
    mock_be_silent(&it->engine, MOCK_REGISTER, true);
    assert_ok(cleat_worker_new(it->client, NULL, &worker));
    assert_ok(cleat_worker_add_task(worker, CLEAT_TASK_OPTIONS(.name = "archive:pack", .run = pack)));
    assert_int_equal(pthread_create(&thread, NULL, run_worker, worker), 0);
    mock_wait(&it->engine, MOCK_REGISTER, 1);
    (void)raise(SIGTERM);
    assert_int_equal(terminations, 1);
    mock_be_silent(&it->engine, MOCK_REGISTER, false);
    mock_end(&it->engine, MOCK_REGISTER, CLEAT_UNAVAILABLE, "away");
    assign(it, "archive:pack");
    mock_wait(&it->engine, MOCK_EVENT, 1); /* so it runs */
    assert_ok(cleat_worker_stop(worker, -1));
    pthread_join(thread, NULL);
    (void)signal(SIGTERM, SIG_DFL);
    cleat_worker_free(worker);
}

/* ---- Chunks ---- */

static cleat_status put_three(cleat_task *task, void *user_data)
{
    remote *it = user_data;
    mock_fail(&it->engine, MOCK_STREAM, CLEAT_NOT_FOUND, "not that one", 1);
    assert_int_equal(cleat_task_put_stream(task, cleat_slice_of("refused")), CLEAT_NOT_FOUND);
    mock_fail(&it->engine, MOCK_STREAM, CLEAT_FAILED, "who knows", 1);
    assert_int_equal(cleat_task_put_stream(task, cleat_slice_of("perhaps")), CLEAT_FAILED);
    return cleat_task_put_stream(task, cleat_slice_of("well"));
}

/* Of what was refused the next has the number; not of what may be there. */
static void test_numbers_of_chunks(void **state)
{
    static const int64_t numbers[] = {0, 0, 1};
    remote *it = *state;
    cleat_worker *worker = NULL;
    cleat_client_free(it->client);
    it->engine.version = "v0.83.0"; /* to others of our kind no numbers are sent */
    open_client(it);
    assert_ok(cleat_worker_new(it->client, CLEAT_WORKER_OPTIONS(.slots = 1), &worker));
    assert_ok(cleat_worker_add_task(
        worker, CLEAT_TASK_OPTIONS(.name = "story:tell", .run = put_three, .user_data = it)));
    assert_ok(cleat_worker_start(worker));
    assign(it, "story:tell");
    for (int i = 0; i < 3; i++) {
        Cleat__PutStreamEventRequest *said = mock_message(&it->engine, MOCK_STREAM, i);
        assert_true(said->event_index == numbers[i]);
        cleat__message_free(said);
    }
    cleat_worker_free(worker);
}

/* ---- Spans ---- */

#define CAUSE_TRACE "0af7651916cd43dd8448eb211c80319c"
#define CAUSE_SPAN  "b7ad6b7169203331"

/* In a span of its own. */
static cleat_status work(cleat_task *task, void *user_data)
{
    cleat_instrumentor *instrumentor = *(cleat_instrumentor **)user_data;
    cleat_tracer *tracer =
        cleat_tracer_provider_get_tracer(cleat_instrumentor_provider(instrumentor), "mine", NULL);
    (void)task;
    (void)cleat_span_end(cleat_span_start(tracer, "my span", NULL));
    return CLEAT_OK;
}

static bool link_all(const char *action_id, void *user_data)
{
    (void)action_id, (void)user_data;
    return true;
}

typedef struct exported {
    cleat__otlp_received *received;
    cleat_span_view task, mine;
} exported;

static bool find_span(const cleat__otlp_received *received, const char *name, cleat_span_view *out)
{
    size_t cursor = 0;
    while (cleat_span_batch_next(&received->batch, &cursor, out)) {
        if (cleat_slice_equals(out->name, cleat_slice_of(name))) {
            return true;
        }
    }
    return false;
}

/* What comes to a server of that version, as it comes, of a run whose worker chooses a link or not. */
static exported export_to(remote *it, const char *version, bool is_linked)
{
    cleat_worker *worker = NULL;
    cleat_instrumentor *instrumentor = NULL;
    cleat__buffer body = {0};
    exported out = {.received = NULL};
    cleat_client_free(it->client);
    it->engine.version = version;
    open_client(it);
    assert_ok(cleat_instrumentor_new(
        it->client, CLEAT_INSTRUMENTOR_OPTIONS(.use_links_instead_of_parent = is_linked ? link_all : NULL),
        &instrumentor));
    assert_ok(cleat_worker_new(it->client, NULL, &worker));
    assert_ok(cleat_worker_add_task(
        worker, CLEAT_TASK_OPTIONS(.name = "archive:pack", .run = work, .user_data = &instrumentor)));
    assert_ok(cleat_worker_start(worker));
    const cleat__action_details details = {.priority = 1};
    const cleat__assignment assignment = {
        .task_id = uuid_of(MOCK_RUN_ID),
        .task = cleat_slice_of("archive:pack"),
        .input = cleat_slice_of("{}"),
        .metadata = cleat_slice_of("{\"traceparent\":\"00-" CAUSE_TRACE "-" CAUSE_SPAN "-01\"}")};
    Cleat__AssignedAction *action = cleat__assignment_write(&assignment, &details);
    mock_send(&it->engine, MOCK_LISTEN, action);
    cleat__message_free(action);
    /* That it has begun is told to Hatchet alone. */
    mock_wait(&it->engine, MOCK_EVENT, strstr(version, "-cleat") != NULL ? 1 : 2);
    cleat_worker_free(worker);
    cleat_instrumentor_free(instrumentor); /* which exports what there is, in one request */
    assert_int_equal(mock_count(&it->engine, MOCK_EXPORT), 1);
    cleat__buffer_append_slice(&body, cleat__buffer_slice(&it->engine.slots[MOCK_EXPORT].messages[0]));
    assert_ok(cleat__otlp_received_new(&body, NULL, &out.received));
    assert_int_equal(cleat_span_batch_count(&out.received->batch), 2);
    assert_true(find_span(out.received, "hatchet.start_step_run", &out.task));
    assert_true(find_span(out.received, "my span", &out.mine));
    assert_memory_equal(&out.mine.trace_id, &out.task.trace_id, sizeof(cleat_trace_id));
    assert_memory_equal(&out.mine.parent_span_id, &out.task.span_id, sizeof(cleat_span_id));
    return out;
}

static void assert_in_trace_of_cause(const cleat_span_view *task, bool is_in_it)
{
    cleat_span_context cause;
    assert_ok(cleat_traceparent_parse(cleat_slice_of("00-" CAUSE_TRACE "-" CAUSE_SPAN "-01"), &cause));
    bool is_there = memcmp(&task->trace_id, &cause.trace_id, sizeof(cause.trace_id)) == 0;
    bool is_below = memcmp(&task->parent_span_id, &cause.span_id, sizeof(cause.span_id)) == 0;
    assert_int_equal(is_there, is_in_it);
    assert_int_equal(is_below, is_in_it);
}

/* Its dashboard shows of a run what is in the run's trace. */
static void test_a_hatchet_engine_gets_linked_tasks_in_the_runs_trace(void **state)
{
    exported spans = export_to(*state, "v0.95.1", true);
    assert_in_trace_of_cause(&spans.task, true);
    assert_int_equal(spans.task.link_count, 1);
    span_assert_string(&spans.task, "cleat.trace.relation", "link");
    span_assert_string(&spans.mine, "hatchet.step_run_id", MOCK_RUN_ID);
    cleat__otlp_received_release(spans.received);
}

static void test_other_engines_get_what_there_is(void **state)
{
    exported spans = export_to(*state, "v0.83.0-cleat.0.1.0", true);
    assert_in_trace_of_cause(&spans.task, false);
    assert_false(cleat_span_id_is_valid(&spans.task.parent_span_id));
    assert_int_equal(spans.task.link_count, 1);
    cleat__otlp_received_release(spans.received);
}

static void test_a_hatchet_engine_gets_children_as_they_are(void **state)
{
    exported spans = export_to(*state, "v0.95.1", false);
    assert_in_trace_of_cause(&spans.task, true);
    assert_int_equal(spans.task.link_count, 0);
    cleat__otlp_received_release(spans.received);
}

static void *end_a_span(void *tracer)
{
    (void)cleat_span_end(cleat_span_start(tracer, "loading", NULL));
    return NULL;
}

static void test_a_shutdown_obeys_time(void **state)
{
    remote *it = *state;
    cleat_span_exporter *exporter = NULL;
    cleat_span_processor *processor = NULL;
    cleat_tracer_provider *provider = NULL;
    pthread_t thread;
    assert_ok(cleat_client_span_exporter_new(it->client, &exporter));
    assert_ok(cleat_simple_processor_new(exporter, &processor));
    assert_ok(cleat_tracer_provider_new(CLEAT_TRACER_PROVIDER_OPTIONS(.sampler = cleat_sampler_always_on()),
                                        &provider));
    assert_ok(cleat_tracer_provider_add_processor(provider, processor));
    mock_be_silent(&it->engine, MOCK_EXPORT, true);
    assert_int_equal(
        pthread_create(&thread, NULL, end_a_span, cleat_tracer_provider_get_tracer(provider, "test", NULL)),
        0);
    mock_wait(&it->engine, MOCK_EXPORT, 1);
    assert_refused(exporter->shutdown(exporter, 20), CLEAT_TIMEOUT, "still under way");
    mock_end(&it->engine, MOCK_EXPORT, CLEAT_INVALID_ARGUMENT, "no");
    pthread_join(thread, NULL);
    assert_ok(exporter->shutdown(exporter, 20));
    cleat_tracer_provider_free(provider);
}

/* A provider that goes on has done nothing wrong. */
static void test_an_instrumentor_goes_before_its_provider(void **state)
{
    remote *it = *state;
    cleat_tracer_provider *provider = NULL;
    cleat_instrumentor *instrumentor = NULL;
    assert_ok(cleat_tracer_provider_new(CLEAT_TRACER_PROVIDER_OPTIONS(.sampler = cleat_sampler_always_on()),
                                        &provider));
    assert_ok(
        cleat_instrumentor_new(it->client, CLEAT_INSTRUMENTOR_OPTIONS(.provider = provider), &instrumentor));
    cleat_instrumentor_free(instrumentor);
    (void)end_a_span(cleat_tracer_provider_get_tracer(provider, "test", NULL));
    assert_ok(cleat_tracer_provider_force_flush(provider, 300000));
    assert_int_equal(mock_count(&it->engine, MOCK_EXPORT), 0);
    cleat_tracer_provider_free(provider);
}

/* What the client sends over HTTP has a span of its instrumentor's, for which nothing need be global. */
static void test_requests_over_http(void **state)
{
    remote *it = *state;
    cleat_instrumentor *instrumentor = NULL;
    cleat__buffer body = {0};
    cleat__otlp_received *received = NULL;
    cleat_span_view resume, request;
    char value[64];
    const http_answer answer = {.body = cleat_slice_of("{\"run_id\":\"" MOCK_RUN_ID "\"}")};
    http_sink *sink = http_sink_start();
    http_sink_answer(sink, &answer, 1);
    cleat_client_free(it->client);
    assert_int_equal(setenv("HATCHET_CLIENT_API_URL", http_sink_url(sink, ""), 1), 0);
    assert_int_equal(setenv("HATCHET_CLIENT_TENANT_ID", MOCK_RUN_ID, 1), 0);
    open_client(it);
    (void)unsetenv("HATCHET_CLIENT_API_URL");
    (void)unsetenv("HATCHET_CLIENT_TENANT_ID");
    assert_ok(cleat_instrumentor_new(it->client, NULL, &instrumentor));
    assert_ok(cleat_hook_resume(it->client, "token", "1", NULL));
    cleat_instrumentor_free(instrumentor);
    assert_ok(cleat_hook_resume(it->client, "token", "2", NULL)); /* without one */
    cleat__buffer_append_slice(&body, cleat__buffer_slice(&it->engine.slots[MOCK_EXPORT].messages[0]));
    assert_ok(cleat__otlp_received_new(&body, NULL, &received));
    assert_int_equal(cleat_span_batch_count(&received->batch), 2);
    assert_true(find_span(received, "hook.resume", &resume));
    assert_true(find_span(received, "http POST", &request));
    assert_int_equal(request.kind, CLEAT_SPAN_KIND_CLIENT);
    assert_memory_equal(&request.trace_id, &resume.trace_id, sizeof(cleat_trace_id));
    assert_memory_equal(&request.parent_span_id, &resume.span_id, sizeof(cleat_span_id));
    assert_true(http_header(http_sink_request(sink, 0).head, "traceparent", value, sizeof(value))[0] != '\0');
    cleat__otlp_received_release(received);
    http_sink_stop(sink);
}

/* ---- Runs ---- */

static void test_runs(void **state)
{
    remote *it = *state;
    cleat_run_id ids[2];
    const cleat_run_item items[] = {{.task = "pack"}, {.task = "archive:pack"}};
    assert_ok(cleat_client_run_many(it->client, items, 2, ids));
    assert_string_equal(ids[1].text, MOCK_RUN_ID);
    it->engine.lists_cancelled = true;
    assert_ok(cleat_client_cancel(it->client, &ids[0]));
}

/* ---- The end of a worker ---- */

typedef struct blocked {
    gate begun, may_end;
} blocked;

static cleat_status block(cleat_task *task, void *user_data)
{
    blocked *it = user_data;
    (void)task;
    gate_add(&it->begun);
    gate_wait(&it->may_end, 1);
    return CLEAT_OK;
}

static void assign_number(remote *it, uint8_t number, int32_t invocation_count, bool is_readable)
{
    const cleat__action_details details = {.priority = 1};
    cleat__assignment assignment = {.task_id = uuid_of(MOCK_RUN_ID),
                                    .is_durable = invocation_count != 0,
                                    .invocation_count = invocation_count,
                                    .task = cleat_slice_of("block:block"),
                                    .input = cleat_slice_of("{}")};
    assignment.task_id.bytes[15] = number;
    Cleat__AssignedAction *action = cleat__assignment_write(&assignment, &details);
    action->action_payload[0] = is_readable ? '{' : '?';
    mock_send(&it->engine, MOCK_LISTEN, action);
    cleat__message_free(action);
}

/* Three runs for one thread, one of them in its second invocation, of a worker that is stopped meanwhile. */
static cleat_worker *stop_with_a_backlog(remote *it, const char *version, blocked *all)
{
    cleat_worker *worker = NULL;
    cleat_client_free(it->client);
    it->engine.version = version;
    open_client(it);
    gate_init(&all->begun);
    gate_init(&all->may_end);
    assert_ok(cleat_worker_new(it->client, CLEAT_WORKER_OPTIONS(.slots = 3, .threads = 1), &worker));
    assert_ok(
        cleat_worker_add_task(worker, CLEAT_TASK_OPTIONS(.name = "block", .run = block, .user_data = all)));
    assert_ok(cleat_worker_start(worker));
    for (uint8_t i = 1; i <= 3; i++) {
        assign_number(it, i, i == 3 ? 2 : 0, true);
    }
    gate_wait(&all->begun, 1);
    int begins = strstr(version, "-cleat") == NULL; /* what Hatchet is told */
    mock_wait(&it->engine, MOCK_EVENT, begins);
    assign_number(it, 4, 0, false); /* is refused when those before it have come */
    mock_wait(&it->engine, MOCK_EVENT, begins + 1);
    return worker;
}

static void blocked_deinit(blocked *all)
{
    gate_deinit(&all->begun);
    gate_deinit(&all->may_end);
}

/* There it would be taken for running, until its time is over. */
static void test_a_hatchet_engine_takes_nothing_back(void **state)
{
    remote *it = *state;
    blocked all;
    cleat_worker *worker = stop_with_a_backlog(it, "v0.95.1", &all);
    assert_refused(cleat_worker_stop(worker, 0), CLEAT_TIMEOUT, "tasks still run");
    gate_add(&all.may_end);
    assert_ok(cleat_worker_stop(worker, -1));
    assert_int_equal(gate_count(&all.begun), 3);
    mock_wait(&it->engine, MOCK_EVENT, 7); /* each has begun and completed, and one was refused */
    cleat_worker_free(worker);
    blocked_deinit(&all);
}

static void test_a_server_takes_back_what_was_not_begun(void **state)
{
    remote *it = *state;
    blocked all;
    cleat_worker *worker = stop_with_a_backlog(it, "v0.83.0-cleat.0.1.0", &all);
    assert_refused(cleat_worker_stop(worker, 0), CLEAT_TIMEOUT, "1 tasks still run");
    gate_add(&all.may_end);
    assert_ok(cleat_worker_stop(worker, -1));
    assert_int_equal(gate_count(&all.begun), 1);
    cleat_worker_free(worker);
    assert_int_equal(mock_count(&it->engine, MOCK_EVENT), 4); /* one was refused, and one completed */
    int released = 0, invocations = 0;
    for (int i = 1; i <= 3; i++) { /* they are under way together */
        Cleat__StepActionEvent *event = mock_message(&it->engine, MOCK_EVENT, i);
        if ((int)event->event_type == CLEAT__STEP_ACTION_EVENT_TYPE__STEP_EVENT_TYPE_RELEASED) {
            released++;
            invocations += event->cleat_invocation_count;
            assert_string_equal(event->worker_id, MOCK_WORKER_ID);
        }
        cleat__message_free(event);
    }
    assert_int_equal(released, 2);
    assert_int_equal(invocations, 2); /* of the second one, and none of the first */
    blocked_deinit(&all);
}

static void test_the_token_in_the_environment(void **state)
{
    remote *it = *state;
    cleat_client *client = NULL;
    assert_int_equal(setenv("HATCHET_CLIENT_TOKEN", it->engine.token, 1), 0);
    assert_int_equal(setenv("HATCHET_CLIENT_HOST_PORT", cleat__rpc_server_address(it->engine.server), 1), 0);
    assert_int_equal(setenv("HATCHET_CLIENT_TLS_STRATEGY", "none", 1), 0);
    assert_int_equal(setenv("CLEAT_DB", "unused.db", 1), 0);
    assert_ok(cleat_client_new(NULL, &client));
    cleat_client_free(client);
    assert_int_equal(mock_count(&it->engine, MOCK_VERSION), 2);
    assert_int_not_equal(access("unused.db", F_OK), 0);
    (void)unsetenv("HATCHET_CLIENT_TOKEN");
    (void)unsetenv("HATCHET_CLIENT_HOST_PORT");
    (void)unsetenv("HATCHET_CLIENT_TLS_STRATEGY");
    (void)unsetenv("CLEAT_DB");
}

/* gRPC does not survive it: a child is told so instead of being left to hang. */
static void test_after_a_fork(void **state)
{
    remote *it = *state;
    int status = 0;
    if (UNDER_ADDRESS_SANITIZER) {
        skip(); /* its allocator does not survive a fork while another thread allocates */
    }
    pid_t child = fork();
    if (child == 0) {
        cleat_client *other = NULL;
        cleat_run_id id;
        bool is_refused =
            cleat_client_run_no_wait(it->client, "pack", NULL, NULL, &id) == CLEAT_UNAVAILABLE &&
            cleat_client_new(CLEAT_CLIENT_OPTIONS(.token = it->engine.token, .host_port = "127.0.0.1:1"),
                             &other) == CLEAT_UNAVAILABLE;
        cleat_client_free(it->client);
        _exit(is_refused ? 0 : 1);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void)
{
    (void)setenv("OTEL_BSP_SCHEDULE_DELAY", "3600000", 1); /* spans go when they are flushed */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_task, begin, end),
        cmocka_unit_test_setup_teardown(test_a_child_keeps_its_number, begin, end),
        cmocka_unit_test_setup_teardown(test_signals_during_the_start, begin, end),
        cmocka_unit_test_setup_teardown(test_numbers_of_chunks, begin, end),
        cmocka_unit_test_setup_teardown(test_a_hatchet_engine_gets_linked_tasks_in_the_runs_trace, begin,
                                        end),
        cmocka_unit_test_setup_teardown(test_other_engines_get_what_there_is, begin, end),
        cmocka_unit_test_setup_teardown(test_a_hatchet_engine_gets_children_as_they_are, begin, end),
        cmocka_unit_test_setup_teardown(test_a_shutdown_obeys_time, begin, end),
        cmocka_unit_test_setup_teardown(test_an_instrumentor_goes_before_its_provider, begin, end),
        cmocka_unit_test_setup_teardown(test_requests_over_http, begin, end),
        cmocka_unit_test_setup_teardown(test_runs, begin, end),
        cmocka_unit_test_setup_teardown(test_a_hatchet_engine_takes_nothing_back, begin, end),
        cmocka_unit_test_setup_teardown(test_a_server_takes_back_what_was_not_begun, begin, end),
        cmocka_unit_test_setup_teardown(test_the_token_in_the_environment, begin, end),
        cmocka_unit_test_setup_teardown(test_after_a_fork, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
