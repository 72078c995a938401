/* The engine ends at any time, and is started again on its file. */
#include "durable_test.h"

#include <malloc.h>

static cleat__uuid start(rig *at)
{
    declare(at);
    join_both(at, 100, 100);
    cleat__uuid run = trigger(at, "flow:flow", "{}", 0);
    assert_invocation(at, 1);
    return run;
}

/* Another boot: the monotonic clock starts anew. */
static void restart(rig *at)
{
    crash(at);
    at->now.monotonic_ms = 77;
    open_core(at);
    join_both(at, 100, 100);
}

static void test_a_sleep_goes_on(void **state)
{
    rig *at = *state;
    cleat__uuid run = start(at);
    int64_t node;
    sleep_for(at, &run, 1, 3600000, "1h", &node);
    evict(at, &run, 1, node);
    advance(at, 1800000);
    restart(at);
    assert_string_equal(state_of(at, &run), "EVICTED");
    assert_true(cleat__core_next_ms(at->core) <= 77 + 5000); /* clocks are set */
    advance(at, 1799999);
    assert_invocation(at, 0);
    advance(at, 1);
    assert_invocation(at, 2);
}

/* What has begun waits for a worker as long as it takes; what has not is given up after five minutes. */
static void test_what_has_begun_waits_for_its_workers(void **state)
{
    rig *at = *state;
    declare(at);
    cleat__uuid worker = join_both(at, 100, 100);
    cleat__uuid run = trigger(at, "flow:flow", "{}", 0), run_restarted = trigger(at, "flow:flow", "{}", 0);
    int64_t node;
    sleep_for(at, &run, 1, 1000, "1s", &node);
    evict(at, &run, 1, node);
    sleep_for(at, &run_restarted, 1, 1000000, "1000s", &node);
    evict(at, &run_restarted, 1, node);
    cleat__command pause = {
        .tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_WORKER_PAUSE, .as.id = worker};
    assert_int_equal(ask(at, &pause), CLEAT_OK);
    cleat__uuid fresh = trigger(at, "flow:flow", "{}", 0);
    advance(at, 1000);
    assert_string_equal(state_of(at, &run), "QUEUED");
    advance(at, 300000);
    assert_string_equal(state_of(at, &fresh), "CANCELLED no worker took it within 5m0s");
    assert_string_equal(state_of(at, &run), "QUEUED");
    advance(at, 699000);
    assert_string_equal(state_of(at, &run_restarted), "QUEUED");
    crash(at);
    open_core(at);
    advance(at, 300001);
    advance(at, 300001);
    at->ears.count = 0;
    join_both(at, 100, 100);
    assert_int_equal(at->ears.count, 2);
    assert_invocation(at, 2);
}

static void test_what_is_over_when_it_starts_is_told_at_once(void **state)
{
    rig *at = *state;
    cleat__uuid run = start(at);
    int64_t node;
    sleep_for(at, &run, 1, 3600000, "1h", &node);
    evict(at, &run, 1, node);
    at->now.unix_ms += 7200000;
    restart(at);
    assert_invocation(at, 2);
}

static void test_a_running_invocation_is_followed_by_the_next(void **state)
{
    rig *at = *state;
    cleat__uuid run = start(at), child, again;
    int64_t nodes[2];
    memo(at, &run, 1, "a", "1");
    sleep_for(at, &run, 1, 1000, "1s", &nodes[0]);
    spawn(at, &run, 1, "{}", &child, &nodes[1]);
    restart(at);
    assert_string_equal(memo(at, &run, 1, "a", NULL), "CANCELLED");
    assert_string_equal(memo(at, &run, 2, "a", NULL), "1 old 1");
    advance(at, 1000);
    sleep_for(at, &run, 2, 1000, "1s", &nodes[0]);
    spawn(at, &run, 2, "{}", &again, &nodes[1]);
    assert_true(cleat__uuid_equals(&again, &child));
    assert_int_equal(report(at, &child, 1, CLEAT_OK, "5"), CLEAT_OK); /* it was lost too, and retried */
    assert_string_equal(await(at, &run, 2, true, nodes, 2),
                        "OK 1:{\"CREATE\":{\"1s\":[{\"sleep_duration\":\"1s\"}]}} 2:5");
}

static void test_what_an_evicted_run_waits_for(void **state)
{
    rig *at = *state;
    declare(at);
    join_both(at, 100, 100);
    cleat__uuid all = trigger(at, "flow:flow", "all", 0), any = trigger(at, "flow:flow", "any", 0),
                whatever = trigger(at, "flow:flow", "whatever", 0);
    int64_t nodes[2];
    const cleat__uuid *runs[] = {&all, &any, &whatever};
    for (size_t i = 0; i < 3; i++) {
        cleat__condition go = event_of("go");
        sleep_for(at, runs[i], 1, 900 + (int64_t)i, "1s", &nodes[0]);
        wait_for(at, runs[i], 1, &go, 1, &nodes[1]);
        assert_int_equal(evict_with(at, runs[i], 1, i == 0, nodes, i == 2 ? 0 : 2, NULL), CLEAT_OK);
    }
    restart(at);
    assert_string_equal(heard_text(at), "");
    advance(at, 1000);
    assert_string_equal(heard_text(at), "A0any A0whatever");
    restart(at);
    assert_string_equal(heard_text(at), "A1any A1whatever");
    push_event(at, "go", "{}", NULL, NULL);
    assert_string_equal(heard_text(at), "A0all");
    int64_t first;
    sleep_for(at, &all, 2, 1000, "1s", &first);
    cleat__condition go = event_of("go");
    wait_for(at, &all, 2, &go, 1, &nodes[1]);
    /* The order in which they were met is the same after all this. */
    assert_string_equal(
        await(at, &all, 2, true, nodes, 2),
        "OK 1:{\"CREATE\":{\"1s\":[{\"sleep_duration\":\"1s\"}]}} 2:{\"CREATE\":{\"go\":[{}]}}");
}

static void test_children_end_after_a_restart(void **state)
{
    rig *at = *state;
    cleat__uuid run = start(at), children[2];
    int64_t nodes[2];
    for (size_t i = 0; i < 2; i++) {
        spawn(at, &run, 1, "{}", &children[i], &nodes[i]);
    }
    evict_with(at, &run, 1, true, nodes, 2, "{\"traceparent\":\"p\"}");
    restart(at);
    assert_int_equal(at->ears.count, 2); /* the children were lost */
    at->ears.count = 0;
    report(at, &children[1], 1, CLEAT_OK, "2");
    restart(at);
    at->ears.count = 0;
    report(at, &children[0], 2, CLEAT_OK, "1");
    heard said = last_heard(at);
    assert_int_equal(said.invocation_count, 2);
    assert_int_equal(said.log_size, 2);
    assert_string_equal(said.metadata, "{\"traceparent\":\"p\"}");
    for (size_t i = 0; i < 2; i++) {
        spawn(at, &run, 2, "{}", &children[i], &nodes[i]);
    }
    assert_string_equal(await(at, &run, 2, true, nodes, 2), "OK 2:1 1:2");
}

static cleat_status signal_of(rig *at, const cleat__uuid *run, const char *key, cleat__node *node)
{
    static cleat__condition paid;
    paid = event_of("paid");
    cleat__command command = {.tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_DURABLE_SIGNAL};
    command.as.durable_signal.run_id = *run;
    command.as.durable_signal.key = cleat_slice_of(key);
    command.as.durable_signal.conditions = &paid;
    command.as.durable_signal.count = 1;
    command.as.durable_signal.node = node;
    return ask(at, &command);
}

static void test_signals_survive_too(void **state)
{
    rig *at = *state;
    cleat__uuid run = start(at);
    cleat__node first, again;
    assert_int_equal(signal_of(at, &run, "waitFor-0", &first), CLEAT_OK);
    restart(at);
    assert_invocation(at, 2);
    assert_int_equal(signal_of(at, &run, "waitFor-0", &again), CLEAT_OK);
    assert_int_equal(again.number, first.number);
    assert_string_equal(memo(at, &run, 2, "a", "1"), "1 new"); /* it took no node of the log */
    /* What was waited for when the run ended is waited for again when it is replayed. */
    end_run(at, &run, 2, CLEAT_OK, "1");
    assert_int_equal(tell_worker(at, CLEAT__COMMAND_REPLAY, &run), CLEAT_OK);
    assert_invocation(at, 3);
    push_event(at, "paid", "{\"n\":1}", NULL, NULL); /* nobody has asked yet */
    assert_int_equal(signal_of(at, &run, "waitFor-0", &again), CLEAT_OK);
    push_event(at, "paid", "{\"n\":2}", NULL, NULL);
    cleat__durable_request request = {.kind = CLEAT__DURABLE_AWAIT};
    cleat__node_end end = {.order = 0};
    request.as.await.nodes = &first;
    request.as.await.count = 1;
    request.as.await.ends = &end;
    assert_int_equal(ask_durable(at, &run, 3, &request), CLEAT_OK);
    assert_string_equal(end.payload, "{\"CREATE\":{\"paid\":[{\"n\":2}]}}");
    cleat__durable_request_deinit(&request);
}

static void test_a_run_that_gets_on_may_lose_many_workers(void **state)
{
    rig *at = *state;
    cleat__uuid run = start(at);
    int64_t nodes[3];
    int invocation = 1;
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j <= i; j++) {
            sleep_for(at, &run, invocation, 1000, "1s", &nodes[j]);
        }
        assert_int_equal(evict(at, &run, invocation, nodes[i]), CLEAT_OK);
        advance(at, 1000);
        invocation++;
        for (int lost = 0; lost < CLEAT__INTERNAL_RETRIES_MAX; lost++) {
            restart(at);
            invocation++;
        }
        heard said = last_heard(at);
        assert_int_equal(said.invocation_count, invocation);
        assert_int_equal(said.retry_count, (i + 1) * CLEAT__INTERNAL_RETRIES_MAX);
    }
    /* Its retries are all there. */
    for (int i = 0; i < 2; i++) {
        assert_int_equal(end_run(at, &run, invocation++, CLEAT_FAILED, "no luck"), CLEAT_OK);
        assert_string_equal(state_of(at, &run), "RUNNING");
    }
    restart(at);
    assert_string_equal(state_of(at, &run), "FAILED Task reached its maximum reassignment count");
}

static void test_ended_runs_leave_their_log_and_nothing_else(void **state)
{
    rig *at = *state;
    cleat__uuid run = start(at), child;
    cleat__condition waits[] = {event_of("e"), hook_of("t")};
    int64_t node;
    cleat__durable_request create = {.kind = CLEAT__DURABLE_CREATE_HOOK};
    create.as.create_hook.token = cleat_slice_of("t");
    memo(at, &run, 1, "a", "1");
    spawn(at, &run, 1, "{}", &child, &node);
    ask_durable(at, &run, 1, &create);
    wait_for(at, &run, 1, waits, 2, &node);
    cancel(at, &run);
    cleat__store *reader = NULL;
    assert_int_equal(cleat__store_open(FILE_NAME, CLEAT__STORE_READ, &reader), CLEAT_OK);
    sqlite3_stmt *select = NULL;
    assert_int_equal(sqlite3_prepare_v2(cleat__store_db(reader),
                                        "SELECT (SELECT count(*) FROM durable_entry), "
                                        "(SELECT count(*) FROM durable_condition), "
                                        "(SELECT count(*) FROM durable_hook_payload)",
                                        -1, &select, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(select), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int(select, 0), 3);
    assert_int_equal(sqlite3_column_int(select, 1), 0);
    assert_int_equal(sqlite3_column_int(select, 2), 0);
    sqlite3_finalize(select);
    cleat__store_close(reader);
    assert_int_equal(cleat__core_next_ms(at->core) > 77, 1);
    report(at, &child, 0, CLEAT_OK, "1"); /* nobody waits any more */
    restart(at);
    assert_string_equal(state_of(at, &run), "CANCELLED");
}

/* ---- A worker of another process, which lives on ---- */

static void test_an_invocation_elsewhere_begins_anew_when_it_asks(void **state)
{
    rig *at = *state;
    cleat__uuid worker = {{0}};
    declare(at);
    listen_remote(at, &worker);
    cleat__uuid run = trigger(at, "flow:flow", "{}", 0), other = trigger(at, "flow:flow", "{}", 0);
    at->ears.count = 0;
    memo(at, &run, 1, "a", "1");
    crash(at);
    open_core(at);
    listen_remote(at, &worker);
    assert_invocation(at, 0);
    assert_string_equal(state_of(at, &run), "RUNNING");
    /* How far it had come has been forgotten. */
    assert_string_equal(memo(at, &run, 1, "b", "2"), "CANCELLED");
    heard said = last_heard(at);
    assert_int_equal(said.invocation_count, 2);
    assert_int_equal(said.retry_count, 0);
    assert_string_equal(memo(at, &run, 2, "a", NULL), "1 old 1");
    /* One that has nothing to ask any more only reports. */
    assert_int_equal(end_run(at, &other, 1, CLEAT_OK, "1"), CLEAT_OK);
    assert_string_equal(state_of(at, &other), "COMPLETED 1");
}

static void test_what_names_its_nodes_is_heard_after_a_restart(void **state)
{
    rig *at = *state;
    cleat__uuid worker = {{0}}, run = begin_elsewhere(at, &worker);
    int64_t node;
    memo(at, &run, 1, "a", NULL); /* it takes long */
    sleep_for(at, &run, 1, 1000, "1s", &node);
    restart_elsewhere(at, &worker);
    cleat__durable_request result = {.kind = CLEAT__DURABLE_COMPLETE_MEMO};
    result.as.complete_memo.node = (cleat__node){1, 1};
    result.as.complete_memo.key = cleat_slice_of("a");
    result.as.complete_memo.payload = cleat_slice_of("1");
    assert_int_equal(ask_durable(at, &run, 1, &result), CLEAT_OK);
    assert_string_equal(await(at, &run, 1, true, &node, 1), "SUSPENDED 0:-");
    assert_int_equal(evict(at, &run, 1, node), CLEAT_OK);
    assert_string_equal(state_of(at, &run), "EVICTED");
    assert_invocation(at, 0);
    advance(at, 1000);
    assert_invocation(at, 2);
    assert_string_equal(memo(at, &run, 2, "a", NULL), "1 old 1");
}

static void test_who_says_the_node_goes_on_after_a_restart(void **state)
{
    rig *at = *state;
    cleat__uuid worker = {{0}}, run = begin_elsewhere(at, &worker);
    assert_string_equal(memo_at(at, &run, 1, 1, "a", "1"), "1 new");
    restart_elsewhere(at, &worker);
    assert_string_equal(memo_at(at, &run, 1, 2, "b", "2"), "2 new");
    assert_string_equal(memo(at, &run, 1, "c", "3"), "3 new"); /* counted on from there */
    assert_invocation(at, 0);
    assert_string_equal(state_of(at, &run), "RUNNING");
}

/* The answer was lost with the connection, or with the engine. */
static void test_who_asks_again_has_the_same_node(void **state)
{
    rig *at = *state;
    cleat__uuid worker = {{0}}, run = begin_elsewhere(at, &worker), children[2], child;
    cleat__trigger item = {
        .workflow = cleat_slice_of("ship"), .input = cleat_slice_of("{}"), .child_index = -1};
    cleat__node node;
    cleat__durable_request start = {
        .kind = CLEAT__DURABLE_TRIGGER, .number = 2, .as.trigger = {&item, 1, &child, &node}};
    for (int i = 0; i < 2; i++) {
        assert_string_equal(memo_at(at, &run, 1, 1, "a", "1"), i == 0 ? "1 new" : "1 old 1");
        assert_int_equal(ask_durable(at, &run, 1, &start), CLEAT_OK);
        assert_int_equal(node.number, 2);
        children[i] = child;
        restart_elsewhere(at, &worker);
    }
    assert_true(cleat__uuid_equals(&children[0], &children[1]));
    assert_string_equal(memo_at(at, &run, 1, 3, "b", "2"), "3 new");
}

static void test_a_node_that_cannot_be_the_next(void **state)
{
    rig *at = *state;
    cleat__uuid worker = {{0}}, run = begin_elsewhere(at, &worker);
    memo_at(at, &run, 1, 1, "a", "1");
    for (int i = 0; i < 2; i++) {
        assert_string_equal(memo_at(at, &run, 1, 3, "b", "2"), "INVALID_ARGUMENT");
        assert_non_null(strstr(durable_error, "asks for node 3 of a log of 1 nodes"));
        assert_string_equal(memo_at(at, &run, 1, -1, "b", "2"), "INVALID_ARGUMENT");
        assert_string_equal(memo_at(at, &run, 1, INT64_MAX, "b", "2"), "INVALID_ARGUMENT");
        restart_elsewhere(at, &worker);
    }
    assert_string_equal(memo_at(at, &run, 1, 1, "b", "2"), "NON_DETERMINISTIC");
}

/* "2 3 ": the nodes whose end was told. */
static void hear_end(void *self, const cleat__uuid *run_id, int32_t invocation, const cleat__node_end *end)
{
    char *text = self;
    (void)run_id;
    (void)invocation;
    snprintf(text + strlen(text), 64 - strlen(text), "%d ", (int)end->node.number);
}

static void hear_over(void *self, const cleat__uuid *run_id, int32_t invocation, const char *reason)
{
    (void)run_id;
    (void)invocation;
    (void)reason;
    strcpy(self, "over");
}

static void test_after_a_restart_only_what_is_waited_for_is_told(void **state)
{
    rig *at = *state;
    char told[64] = "";
    const cleat__durable_listener listener = {told, hear_end, hear_over, NULL, NULL};
    cleat__uuid worker = {{0}}, run = begin_elsewhere(at, &worker), children[2];
    const cleat__condition go = event_of("go");
    int64_t nodes[4];
    sleep_for(at, &run, 1, 1000, "1s", &nodes[0]);
    advance(at, 1000); /* which it has had */
    wait_for(at, &run, 1, &go, 1, &nodes[1]);
    spawn(at, &run, 1, "{\"n\":1}", &children[0], &nodes[2]); /* nobody waits for these */
    spawn(at, &run, 1, "{\"n\":2}", &children[1], &nodes[3]);
    cancel(at, &children[0]);
    restart_elsewhere(at, &worker);
    cleat__durable_waiting item = {run, 1, {1, nodes[1]}};
    cleat__command command = {.tenant = CLEAT__TENANT_DEFAULT,
                              .kind = CLEAT__COMMAND_DURABLE_STATUS,
                              .as.durable_status = {.items = &item, .count = 1, .listener = &listener}};
    assert_int_equal(ask(at, &command), CLEAT_OK);
    cancel(at, &children[1]);
    assert_string_equal(told, "");
    push_event(at, "go", "{}", NULL, NULL);
    assert_string_equal(told, "2 ");
    command = (cleat__command){.tenant = CLEAT__TENANT_DEFAULT,
                               .kind = CLEAT__COMMAND_DURABLE_DETACH,
                               .as.durable_listener = &listener};
    assert_int_equal(ask(at, &command), CLEAT_OK);
}

/* Whatever was met it may have waited for. */
static void test_an_eviction_after_a_restart_loses_no_end(void **state)
{
    rig *at = *state;
    char told[64] = "";
    const cleat__durable_listener listener = {told, hear_end, hear_over, NULL, NULL};
    cleat__uuid worker = {{0}}, run = begin_elsewhere(at, &worker);
    cleat__durable_request request = {.kind = CLEAT__DURABLE_EVICT};
    int64_t node;
    sleep_for(at, &run, 1, 1000, "1s", &node);
    advance(at, 1000);
    restart_elsewhere(at, &worker);
    assert_int_equal(ask_with(at, &run, 1, &request, 1, &listener, NULL), CLEAT_OK);
    assert_invocation(at, 2);
    assert_string_equal(told, "");
}

/* The invocations of an attempt have one number, and that SDK says nothing but that and its worker's name. */
static void test_a_report_of_another_worker_ends_no_invocation(void **state)
{
    rig *at = *state;
    cleat__uuid worker = {{0}}, other = {{0}}, run = begin_elsewhere(at, &worker);
    listen_as(at, &other, 2);
    restart_elsewhere(at, &worker);
    cleat__report said = {.task_id = run, .status = CLEAT_FAILED, .error = cleat_slice_of("lost it")};
    cleat__command command = {.tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_REPORT};
    command.as.report = said;
    command.as.report.worker_name = cleat_slice_of("v");
    assert_int_equal(ask(at, &command), CLEAT_OK);
    command.as.report = said;
    command.as.report.worker_id = other;
    assert_int_equal(ask(at, &command), CLEAT_OK);
    assert_string_equal(state_of(at, &run), "RUNNING");
    assert_invocation(at, 0);
    command.as.report = said;
    command.as.report.worker_name = cleat_slice_of("nobody's"); /* which some send */
    assert_int_equal(ask(at, &command), CLEAT_OK);
    heard next = last_heard(at);
    assert_int_equal(next.invocation_count, 2);
    assert_int_equal(next.retry_count, 1);
    said = (cleat__report){.task_id = run, .retry_count = 1, .output = {"1", 1}};
    said.worker_name = cleat_slice_of("w");
    command.as.report = said;
    assert_int_equal(ask(at, &command), CLEAT_OK);
    assert_string_equal(state_of(at, &run), "COMPLETED 1");
}

static void test_when_a_cancelled_run_was_begun(void **state)
{
    rig *at = *state;
    cleat__uuid run = start(at);
    int64_t began = at->now.unix_ms, node;
    sleep_for(at, &run, 1, 3600000, "1h", &node);
    evict(at, &run, 1, node);
    at->now.unix_ms += 1000;
    restart(at);
    cancel(at, &run);
    cleat__store *reader = NULL;
    cleat__run_row row = {0};
    assert_int_equal(cleat__store_open(FILE_NAME, CLEAT__STORE_READ, &reader), CLEAT_OK);
    assert_int_equal(cleat__run_get(reader, &run, &row), CLEAT_OK);
    assert_int_equal(row.status, CLEAT_RUN_CANCELLED);
    assert_int_equal(row.started_at_ms, began);
    cleat__store_close(reader);
}

/* ---- Files that make no sense ---- */

static void execute(const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(FILE_NAME, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    }
    sqlite3_close(db);
}

static void test_rows_that_make_no_sense(void **state)
{
    rig *at = *state;
    static const char *const damages[] = {
        "UPDATE durable_condition SET run_id = x'01'",
        "UPDATE durable_condition SET run_id = zeroblob(16)",
        "UPDATE durable_condition SET number = 1",
        "UPDATE durable_condition SET number = -1",
        "UPDATE durable_condition SET count = 0",
        "UPDATE durable_condition SET count = 101",
        "UPDATE durable_condition SET group_number = 1",
        "UPDATE durable_condition SET group_number = -1",
        "UPDATE durable_condition SET kind = 4",
        "UPDATE durable_condition SET kind = -1",
        "UPDATE durable_condition SET kind = 3",
        "UPDATE durable_condition SET node = 0",
        "UPDATE durable_condition SET branch = -1",
        "UPDATE durable_condition SET branch = 5000000000",
        "UPDATE durable_run SET waits = NULL",
        "UPDATE durable_run SET waits = '{'",
        "DELETE FROM durable_run",
    };
    for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
        declare(at);
        join_both(at, 1, 1);
        cleat__uuid run = trigger(at, "flow:flow", "{}", 0);
        int64_t node;
        assert_int_equal(sleep_for(at, &run, 1, 1000, "1s", &node), CLEAT_OK);
        assert_int_equal(evict(at, &run, 1, node), CLEAT_OK);
        crash(at);
        execute(damages[i]);
        cleat__core_options options = {.path = FILE_NAME, .mode = CLEAT__STORE_WRITE_UNSYNCED, .seed = 1};
        assert_int_equal(cleat__core_open(&options, at->now, &at->core), CLEAT_CORRUPT);
        execute("DELETE FROM task_live; DELETE FROM task; DELETE FROM durable_condition; "
                "DELETE FROM durable_entry; DELETE FROM durable_run");
        open_core(at);
    }
}

/* ---- What waiting costs ---- */

static size_t used;

static void *count_malloc(void *user_data, size_t size)
{
    void *block = malloc(size);
    (void)user_data;
    used += malloc_usable_size(block) + sizeof(size_t);
    return block;
}

static void count_free(void *user_data, void *block)
{
    (void)user_data;
    used -= block != NULL ? malloc_usable_size(block) + sizeof(size_t) : 0;
    free(block);
}

static void *count_realloc(void *user_data, void *block, size_t size)
{
    (void)user_data;
    used -= block != NULL ? malloc_usable_size(block) + sizeof(size_t) : 0;
    block = realloc(block, size);
    used += malloc_usable_size(block) + sizeof(size_t);
    return block;
}

/* A hundred runs that sleep until then and later, in two steps. */
static void put_to_sleep(rig *at, int64_t ms)
{
    enum { BATCH = 100 };
    static cleat__trigger items[BATCH];
    static cleat__uuid runs[BATCH];
    static cleat__condition conditions[BATCH];
    static cleat__durable_request requests[BATCH][2];
    static cleat__command commands[BATCH];
    static const cleat__node node = {1, 1};
    for (int i = 0; i < BATCH; i++) {
        items[i] = (cleat__trigger){.workflow = cleat_slice_of("flow"), .child_index = -1};
    }
    cleat__command many = {
        .tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_TRIGGER, .as.trigger = {items, BATCH, runs}};
    assert_int_equal(ask(at, &many), CLEAT_OK);
    for (int i = 0; i < BATCH; i++) {
        conditions[i] = sleep_of(ms + i, "24h");
        memset(requests[i], 0, sizeof(requests[i]));
        requests[i][0].kind = CLEAT__DURABLE_WAIT_FOR;
        requests[i][0].as.wait_for.conditions = &conditions[i];
        requests[i][0].as.wait_for.count = 1;
        requests[i][1].kind = CLEAT__DURABLE_EVICT;
        requests[i][1].as.evict.nodes = &node;
        requests[i][1].as.evict.count = 1;
        commands[i] = (cleat__command){.tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_DURABLE};
        commands[i].as.durable.run_id = runs[i];
        commands[i].as.durable.invocation_count = 1;
        commands[i].as.durable.requests = requests[i];
        commands[i].as.durable.count = 2;
    }
    step(at, commands, BATCH);
    for (int i = 0; i < BATCH; i++) {
        assert_int_equal(commands[i].status, CLEAT_OK);
    }
}

static void test_sleeping_runs_are_small(void **state)
{
    rig *at = *state;
    enum { COUNT = 10000 };
    const cleat_allocator counting = {NULL, count_malloc, count_realloc, count_free};
    cleat__core_close(at->core);
    cleat_set_allocator(&counting);
    open_core(at);
    declare(at);
    join_both(at, 100, 1);
    size_t before = used;
    for (int i = 0; i < COUNT / 100; i++) {
        put_to_sleep(at, 1000 + 100 * i);
    }
    assert_in_range((used - before) / COUNT, 100, 400);
    cleat__core_close(at->core);
    open_core(at);
    assert_in_range((used - before) / COUNT, 100, 400);
    join_both(at, COUNT, 1);
    at->ears.count = 0;
    for (int i = 0; i < 12; i++) {
        advance(at, 1000);
    }
    assert_int_equal(at->ears.count, COUNT);
    cleat__core_close(at->core);
    assert_int_equal(used, 0);
    cleat_set_allocator(NULL);
    open_core(at);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        TEST(test_a_sleep_goes_on),
        TEST(test_what_has_begun_waits_for_its_workers),
        TEST(test_what_is_over_when_it_starts_is_told_at_once),
        TEST(test_a_running_invocation_is_followed_by_the_next),
        TEST(test_what_an_evicted_run_waits_for),
        TEST(test_children_end_after_a_restart),
        TEST(test_signals_survive_too),
        TEST(test_a_run_that_gets_on_may_lose_many_workers),
        TEST(test_ended_runs_leave_their_log_and_nothing_else),
        TEST(test_an_invocation_elsewhere_begins_anew_when_it_asks),
        TEST(test_what_names_its_nodes_is_heard_after_a_restart),
        TEST(test_who_says_the_node_goes_on_after_a_restart),
        TEST(test_who_asks_again_has_the_same_node),
        TEST(test_a_node_that_cannot_be_the_next),
        TEST(test_after_a_restart_only_what_is_waited_for_is_told),
        TEST(test_an_eviction_after_a_restart_loses_no_end),
        TEST(test_a_report_of_another_worker_ends_no_invocation),
        TEST(test_when_a_cancelled_run_was_begun),
        TEST(test_rows_that_make_no_sense),
        TEST(test_sleeping_runs_are_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
