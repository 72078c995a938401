/* What the engine adds to the traces of programs: embedded, and at a server. */
#include "cleat/cleat.h"
#include "cleat/workflow.h"

#include "collector/collector.h"
#include "server/server.h"
#include "support/grpc_suppressions.h"
#include "support/mock_engine.h"
#include "support/outcome.h"
#include "support/temp_dir.h"

#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

typedef struct place {
    temp_dir dir;
    cleat__server *server; /* NULL: embedded */
    cleat_client *client, *stranger /* the same engine without an instrumentor; NULL: none */;
    cleat_instrumentor *instrumentor;
    cleat_worker *worker;
} place;

static cleat_status fail_once(cleat_task *task, void *user_data)
{
    (void)user_data;
    return cleat_task_retry_count(task) == 0 ? cleat_task_fail(task, CLEAT_FAILED, "no luck") : CLEAT_OK;
}

/* Chosen by the worker, which alone knows it. */
static bool links(const char *action_id, void *user_data)
{
    (void)user_data;
    return strcmp(action_id, "linked:linked") == 0;
}

static cleat_status sleepy(cleat_task *task, void *user_data)
{
    (void)user_data;
    cleat_status status = cleat_sleep(task, "20ms");
    return status == CLEAT_OK ? cleat_task_return(task, "1") : status;
}

static void begin_work(place *it)
{
    assert_ok(cleat_instrumentor_new(
        it->client, CLEAT_INSTRUMENTOR_OPTIONS(.use_links_instead_of_parent = links), &it->instrumentor));
    assert_ok(cleat_worker_new(it->client, CLEAT_WORKER_OPTIONS(.slots = 2), &it->worker));
    static const char *const names[] = {"plain", "linked"};
    for (size_t i = 0; i < 2; i++) {
        assert_ok(
            cleat_worker_add_task(it->worker, CLEAT_TASK_OPTIONS(.name = names[i], .run = fail_once,
                                                                 .retries = 1, .backoff_initial_ms = 5)));
    }
    assert_ok(cleat_worker_add_workflow(it->worker, CLEAT_WORKFLOW(sleepy, .name = "sleepy")));
    assert_ok(cleat_worker_start(it->worker));
}

static int begin_embedded(void **state)
{
    place *it = calloc(1, sizeof(*it));
    temp_dir_make(&it->dir);
    assert_ok(cleat_client_new(CLEAT_CLIENT_OPTIONS(.database = it->dir.database), &it->client));
    begin_work(it);
    *state = it;
    return 0;
}

static int begin_at_server(void **state)
{
    place *it = calloc(1, sizeof(*it));
    grpc_suppressions_use();
    temp_dir_make(&it->dir);
    const cleat__server_options options = {.database = it->dir.database,
                                           .grpc_address = "127.0.0.1:0",
                                           .http_address = "127.0.0.1:0",
                                           .is_open = true};
    assert_ok(cleat__server_start(&options, &it->server));
    char *token = mock_token(cleat__server_grpc_address(it->server));
    const cleat_client_options client = *CLEAT_CLIENT_OPTIONS(.token = token, .tls_strategy = "none");
    assert_ok(cleat_client_new(&client, &it->client));
    assert_ok(cleat_client_new(&client, &it->stranger));
    free(token);
    begin_work(it);
    *state = it;
    return 0;
}

/* After that the file has all there is. */
static void end_work(place *it)
{
    cleat_worker_free(it->worker);
    cleat_instrumentor_free(it->instrumentor);
    cleat_client_free(it->stranger);
    cleat_client_free(it->client);
    cleat__server_stop(it->server, 300000);
    it->worker = NULL;
    it->instrumentor = NULL;
    it->client = it->stranger = NULL;
    it->server = NULL;
}

static int end(void **state)
{
    place *it = *state;
    end_work(it);
    temp_dir_remove(&it->dir);
    free(it);
    return 0;
}

/* ---- Looking ---- */

enum { SPANS_MAX = 16 };

/* What is stored of a run, by start time. */
typedef struct spans {
    size_t count;
    struct {
        char name[64];
        cleat_trace_id trace_id;
        cleat_span_id id, parent;
        int64_t start_ns, end_ns, retry_count;
    } items[SPANS_MAX];
} spans;

static bool keep(void *argument, const cleat__stored_span *stored)
{
    spans *list = argument;
    const cleat_span_view *span = &stored->span;
    cleat_value value = {.type = CLEAT_VALUE_NONE};
    assert_true(list->count < SPANS_MAX && span->name.size < sizeof(list->items[0].name));
    (void)cleat_span_view_attribute(span, "hatchet.retry_count", &value);
    memcpy(list->items[list->count].name, span->name.data, span->name.size);
    list->items[list->count].trace_id = span->trace_id;
    list->items[list->count].id = span->span_id;
    list->items[list->count].parent = span->parent_span_id;
    list->items[list->count].start_ns = span->start_time_ns;
    list->items[list->count].end_ns = span->end_time_ns;
    list->items[list->count].retry_count = value.type == CLEAT_VALUE_INT ? value.as.integer : -1;
    list->count++;
    return true;
}

static spans run_and_look(place *it, cleat_client *client, const char *task)
{
    cleat_run_result result = {0};
    cleat__store *store = NULL;
    cleat__uuid id;
    spans list = {.count = 0};
    assert_ok(cleat_client_run(client, task, NULL, NULL, &result));
    assert_int_equal(result.status, CLEAT_RUN_COMPLETED);
    assert_ok(cleat__uuid_parse(cleat_slice_of(result.id.text), &id));
    cleat_run_result_deinit(&result);
    end_work(it);
    assert_ok(cleat__store_open(it->dir.database, CLEAT__STORE_READ, &store));
    assert_ok(cleat__spans_of_run(store, CLEAT__TENANT_DEFAULT, &id, keep, &list));
    cleat__store_close(store);
    return list;
}

static size_t place_of(const spans *list, const char *name, int64_t retry_count)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i].name, name) == 0 && list->items[i].retry_count == retry_count) {
            return i;
        }
    }
    fail_msg("no %s of attempt %d among %zu spans", name, (int)retry_count, list->count);
    return 0;
}

static size_t count_of(const spans *list, const char *name)
{
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++) {
        count += strcmp(list->items[i].name, name) == 0;
    }
    return count;
}

static size_t nth_of(const spans *list, const char *name, size_t index)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i].name, name) == 0 && index-- == 0) {
            return i;
        }
    }
    fail_msg("not so many of %s", name);
    return 0;
}

static void assert_beside(const spans *list, size_t a, size_t b)
{
    assert_memory_equal(&list->items[a].trace_id, &list->items[b].trace_id, sizeof(cleat_trace_id));
    assert_memory_equal(&list->items[a].parent, &list->items[b].parent, sizeof(cleat_span_id));
}

static const char queued[] = "hatchet.engine.queued", back_off[] = "hatchet.engine.retry_backoff";
static const char executed[] = "hatchet.start_step_run";

/* ---- The same everywhere ---- */

static void test_what_is_awaited(void **state)
{
    place *it = *state;
    spans list = run_and_look(it, it->client, "plain");
    size_t first = place_of(&list, executed, 0), second = place_of(&list, executed, 1);
    size_t delay = place_of(&list, back_off, 1), again = place_of(&list, queued, 1);
    assert_true(cleat_span_id_is_valid(&list.items[first].parent));
    assert_beside(&list, first, second);
    assert_beside(&list, first, place_of(&list, queued, 0));
    assert_beside(&list, first, delay);
    assert_beside(&list, first, again);
    assert_int_equal(list.items[delay].end_ns - list.items[delay].start_ns, 5 * INT64_C(1000000));
    assert_int_equal(list.items[delay].end_ns, list.items[again].start_ns);
    assert_true(list.items[again].end_ns <= list.items[second].start_ns);
    assert_int_equal(list.count, 5);
}

static void test_what_is_linked(void **state)
{
    place *it = *state;
    spans list = run_and_look(it, it->client, "linked");
    for (int64_t attempt = 0; attempt < 2; attempt++) {
        size_t root = place_of(&list, executed, attempt), wait = place_of(&list, queued, attempt);
        assert_false(cleat_span_id_is_valid(&list.items[root].parent));
        assert_memory_equal(&list.items[wait].parent, &list.items[root].id, sizeof(cleat_span_id));
        assert_memory_equal(&list.items[wait].trace_id, &list.items[root].trace_id, sizeof(cleat_trace_id));
    }
    assert_int_equal(list.count, 5);
}

static const char waited[] = "hatchet.engine.durable_wait", invoked[] = "workflow.execute sleepy";

/* What the first invocation waited for is with the second one. */
static void assert_waited(const spans *list, size_t second)
{
    size_t wait = place_of(list, waited, 0), again = second;
    assert_int_equal(count_of(list, waited), 1);
    assert_int_equal(count_of(list, queued), 2);
    for (size_t i = 0; i < list->count; i++) {
        bool is_behind =
            strcmp(list->items[i].name, queued) == 0 && list->items[i].start_ns == list->items[wait].end_ns;
        again = is_behind ? i : again;
    }
    assert_int_not_equal(again, second);
    assert_memory_equal(&list->items[wait].trace_id, &list->items[second].trace_id, sizeof(cleat_trace_id));
    assert_beside(list, wait, again);
    assert_true(list->items[again].end_ns <= list->items[second].start_ns);
}

static void test_what_a_workflow_waits_for(void **state)
{
    place *it = *state;
    spans list = run_and_look(it, it->client, "sleepy");
    size_t first = nth_of(&list, invoked, 0), second = nth_of(&list, invoked, 1);
    size_t wait = place_of(&list, waited, 0);
    assert_waited(&list, second);
    assert_memory_equal(&list.items[wait].parent, &list.items[second].id, sizeof(cleat_span_id));
    assert_memory_not_equal(&list.items[first].trace_id, &list.items[second].trace_id,
                            sizeof(cleat_trace_id));
}

static void test_what_a_continuous_workflow_waits_for(void **state)
{
    place *it = *state;
    setenv("WORKFLOW_TRACE_MODE", "continuous", 1);
    spans list = run_and_look(it, it->client, "sleepy");
    unsetenv("WORKFLOW_TRACE_MODE");
    size_t second = nth_of(&list, invoked, 1);
    assert_waited(&list, second);
    assert_beside(&list, second, place_of(&list, waited, 0));
    assert_beside(&list, second, nth_of(&list, invoked, 0));
}

static void test_who_waits_for_nothing_has_no_wait(void **state)
{
    place *it = *state;
    spans list = run_and_look(it, it->client, "plain");
    assert_int_equal(count_of(&list, waited), 0);
}

/* ---- What a server gives runs that come without a trace ---- */

static void test_runs_of_nobody_have_one_trace(void **state)
{
    place *it = *state;
    spans list = run_and_look(it, it->stranger, "plain");
    size_t run = place_of(&list, "hatchet.engine.workflow_run", -1);
    assert_false(cleat_span_id_is_valid(&list.items[run].parent));
    for (size_t i = 0; i < list.count; i++) {
        assert_memory_equal(&list.items[i].trace_id, &list.items[run].trace_id, sizeof(cleat_trace_id));
        if (i != run) {
            assert_memory_equal(&list.items[i].parent, &list.items[run].id, sizeof(cleat_span_id));
        }
    }
    assert_int_equal(list.count, 6);
}

int main(void)
{
#define EMBEDDED(name)                                      \
    {                                                       \
        "embedded: " #name, name, begin_embedded, end, NULL \
    }
#define AT_SERVER(name)                                         \
    {                                                           \
        "at a server: " #name, name, begin_at_server, end, NULL \
    }
    const struct CMUnitTest tests[] = {
        EMBEDDED(test_what_is_awaited),
        EMBEDDED(test_what_is_linked),
        AT_SERVER(test_what_is_awaited),
        AT_SERVER(test_what_is_linked),
        EMBEDDED(test_what_a_workflow_waits_for),
        EMBEDDED(test_what_a_continuous_workflow_waits_for),
        EMBEDDED(test_who_waits_for_nothing_has_no_wait),
        AT_SERVER(test_what_a_workflow_waits_for),
        AT_SERVER(test_what_a_continuous_workflow_waits_for),
        AT_SERVER(test_runs_of_nobody_have_one_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
