/* The viewer's view of one run: what is told of it, how much of it, and what may be done to it. */
#include "ui_test.h"

#include "durable_runs.h"
#include "store/bind.h"

#define RUN API "runs/%s"

static json_t *get_run(ui_world *it, const cleat__uuid *id)
{
    return get(&it->rest, URL(RUN, ID(id)));
}

static void report(ui_world *it, const cleat__uuid *id, cleat__report what)
{
    what.task_id = *id;
    what.retry_count = CLEAT__RETRY_CURRENT;
    wait_until_running(&it->rest, id);
    assert_int_equal(cleat__engine_report(it->rest.engine, 1, &what), CLEAT_OK);
}

static void wait_for_end(ui_world *it, const cleat__uuid *id)
{
    cleat_run_result result = {0};
    assert_int_equal(cleat__engine_wait(it->rest.engine, 1, id, 10000, &result), CLEAT_OK);
    cleat_run_result_deinit(&result);
}

static void complete(ui_world *it, const cleat__uuid *id, const char *output)
{
    report(it, id, (cleat__report){.status = CLEAT_OK, .output = cleat_slice_of(output)});
    wait_for_end(it, id);
}

/* ---- Its life ---- */

static void a_run_that_waits_is_told_in_full(void **state)
{
    ui_world *it = *state;
    cleat__uuid id = trigger_run(&it->rest, 1, "greet");
    json_t *run = get_run(it, &id);
    assert_string_equal(text_at(run, "id"), ID(&id));
    assert_string_equal(text_at(run, "workflow"), "greet");
    assert_string_equal(text_at(run, "task"), "greet");
    assert_string_equal(text_at(run, "status"), "QUEUED");
    assert_true(json_integer_value(at(run, "created_at_ms")) > INT64_C(1700000000000));
    assert_true(json_integer_value(at(run, "queued_at_ms")) >= json_integer_value(at(run, "created_at_ms")));
    assert_true(json_is_null(at(run, "started_at_ms")));
    assert_true(json_is_null(at(run, "finished_at_ms")));
    assert_int_equal(int_at(run, "attempt"), 1);
    assert_int_equal(int_at(run, "priority"), 2);
    assert_true(json_is_null(at(run, "parent_id")));
    assert_true(json_is_null(at(run, "child_key")));
    assert_true(json_is_null(at(run, "child_index")));
    assert_true(json_is_false(at(run, "is_durable")));
    assert_true(json_is_null(at(run, "error")));
    assert_string_equal(text_at(run, "metadata.user"), "ada");
    assert_string_equal(text_at(run, "input"), "{\"n\":1}");
    assert_int_equal(int_at(run, "input_size"), 7);
    assert_true(json_is_null(at(run, "output")));
    assert_true(json_is_null(at(run, "output_size")));
    assert_true(json_is_null(at(run, "event")));
    assert_true(json_is_null(at(run, "scheduled_at_ms")));
    assert_true(json_is_null(at(run, "parent")));
    assert_int_equal(count_at(run, "attempts"), 1);
    assert_string_equal(text_at(run, "attempts.0.outcome"), "QUEUED");
    assert_int_equal(count_at(run, "events"), 2);
    assert_int_equal(count_at(run, "logs"), 0);
    assert_int_equal(int_at(run, "log_count"), 0);
    assert_int_equal(count_at(run, "waits"), 1);
    assert_string_equal(text_at(run, "waits.0"), "a worker with a free slot that takes greet:greet");
    assert_int_equal(int_at(run, "taker_count"), 0);
    assert_true(json_is_null(at(run, "outcome")));
    assert_true(json_is_null(at(run, "idempotency_key")));
    assert_true(json_is_null(at(run, "batch")));
    assert_int_equal(count_at(run, "limits.slots"), 0);
    assert_int_equal(count_at(run, "limits.rates"), 0);
    assert_true(json_is_null(at(run, "desired_worker_id")));
    assert_string_equal(text_at(run, "sticky"), "none");
    assert_true(json_is_null(at(run, "tasks")));
    assert_int_equal(int_at(run, "children.total"), 0);
    assert_int_equal(count_at(run, "children.rows"), 0);
    json_decref(run);
}

static void attempts_come_with_their_ends_the_newest_last(void **state)
{
    ui_world *it = *state;
    add_worker(&it->rest, 1, "one", true);
    cleat__uuid id = trigger_run(&it->rest, 1, "greet");
    report(it, &id, (cleat__report){.status = CLEAT_NON_RETRYABLE, .error = cleat_slice_of("no luck")});
    wait_for_end(it, &id);
    json_decref(change(it, 1, URL(RUN "/replay", ID(&id)), 200));
    complete(it, &id, "{\"sum\":3}");
    json_t *run = get_run(it, &id);
    assert_string_equal(text_at(run, "status"), "COMPLETED");
    assert_string_equal(text_at(run, "output"), "{\"sum\":3}");
    assert_int_equal(int_at(run, "attempt"), 2);
    assert_true(json_is_null(at(run, "queued_at_ms")));
    assert_int_equal(count_at(run, "attempts"), 2);
    assert_int_equal(int_at(run, "attempts.0.number"), 1);
    assert_string_equal(text_at(run, "attempts.0.outcome"), "FAILED");
    assert_string_equal(text_at(run, "attempts.0.error"), "no luck");
    assert_true(json_is_integer(at(run, "attempts.0.replayed_at_ms")));
    assert_int_equal(int_at(run, "attempts.1.number"), 2);
    assert_string_equal(text_at(run, "attempts.1.outcome"), "COMPLETED");
    assert_true(json_is_integer(at(run, "attempts.1.finished_at_ms")));
    assert_true(json_is_null(at(run, "attempts.1.replayed_at_ms")));
    static const char *const kinds[] = {"CREATED",         "QUEUED",  "STARTED", "FAILED",
                                        "RETRIED_BY_USER", "STARTED", "FINISHED"};
    assert_int_equal(count_at(run, "events"), 7);
    for (size_t i = 0; i < 7; i++) {
        assert_string_equal(text_at(run, URL("events.%zu.kind", i)), kinds[i]);
        assert_true(json_is_integer(at(run, URL("events.%zu.time_ms", i))));
    }
    assert_string_equal(text_at(run, "events.3.message"), "Task failed");
    json_decref(run);
}

/* As the command and the engine call it. */
static void what_no_worker_took_in_time_is_cancelled(void **state)
{
    ui_world *it = *state;
    const cleat__workflow brief = {.name = cleat_slice_of("brief"),
                                   .tasks = &(cleat__workflow_task){.name = cleat_slice_of("brief"),
                                                                    .action = cleat_slice_of("brief:brief"),
                                                                    .policy = {.priority = 1,
                                                                               .backoff_factor = 1,
                                                                               .execution_timeout_ms = 1000,
                                                                               .schedule_timeout_ms = 1}},
                                   .task_count = 1};
    assert_int_equal(cleat__engine_put_workflow(it->rest.engine, 1, &brief, NULL), CLEAT_OK);
    cleat__uuid id = trigger_run(&it->rest, 1, "brief");
    wait_for_end(it, &id);
    json_t *run = get_run(it, &id);
    assert_string_equal(text_at(run, "status"), "CANCELLED");
    assert_string_equal(text_at(run, "error"), "no worker took it within 1ms");
    assert_string_equal(text_at(run, "attempts.0.outcome"), "NOT_TAKEN");
    assert_string_equal(text_at(run, "events.2.kind"), "SCHEDULING_TIMED_OUT");
    json_decref(run);
}

static void what_started_it_is_told(void **state)
{
    ui_world *it = *state;
    cleat__uuid event = push_event(&it->rest, 1, "user:made");
    json_t *list = get(&it->rest, "/api/v1/stable/tenants/{tenant}/workflow-runs?since=2001-01-01T00:00:00Z&"
                                  "only_tasks=true");
    json_t *run = get(&it->rest, URL(RUN, text_at(list, "rows.0.taskExternalId")));
    assert_string_equal(text_at(run, "event.id"), ID(&event));
    assert_string_equal(text_at(run, "event.key"), "user:made");
    json_decref(run);
    json_decref(list);
}

static void of_a_scheduled_run_it_is_told_when_it_was_planned(void **state)
{
    ui_world *it = *state;
    add_schedule(&it->rest, 1, CLEAT__SCHEDULE_API, 1); /* long ago: it starts at once */
    json_t *list = get(&it->rest, "/api/v1/stable/tenants/{tenant}/workflow-runs?since=2001-01-01T00:00:00Z&"
                                  "only_tasks=true");
    json_t *run = get(&it->rest, URL(RUN, text_at(list, "rows.0.taskExternalId")));
    assert_true(json_integer_value(at(run, "scheduled_at_ms")) > INT64_C(1700000000000));
    json_decref(run);
    json_decref(list);
}

static void of_an_evicted_run_it_is_told_what_it_waits_for(void **state)
{
    ui_world *it = *state;
    add_durable_worker(&it->rest);
    cleat__uuid id = begin(&it->rest);
    const cleat__node wait = {.branch = 1, .number = 2};
    cleat__durable_request evicts = {.kind = CLEAT__DURABLE_EVICT,
                                     .as.evict = {.nodes = &wait, .count = 1, .is_all = true}};
    assert_int_equal(ask_durable(&it->rest, &id, 1, &evicts, 1), CLEAT_OK);
    json_t *run = get_run(it, &id);
    assert_string_equal(text_at(run, "status"), "EVICTED");
    assert_true(json_is_true(at(run, "is_durable")));
    assert_int_equal(count_at(run, "waits"), 1);
    assert_non_null(strstr(text_at(run, "waits.0"), "go"));
    assert_string_equal(text_at(run, "attempts.0.outcome"), "EVICTED");
    json_decref(run);
}

/* ---- Family ---- */

static cleat__uuid add_child(ui_world *it, const cleat__uuid *parent, int64_t index, const char *key)
{
    cleat__uuid id;
    const cleat__trigger trigger = {.workflow = cleat_slice_of("greet"),
                                    .input = cleat_slice_of("{}"),
                                    .is_child = true,
                                    .parent_id = *parent,
                                    .child_index = index,
                                    .child_key = cleat_slice_of(key)};
    assert_int_equal(cleat__engine_trigger(it->rest.engine, 1, &trigger, 1, &id), CLEAT_OK);
    return id;
}

static void parents_and_children_lead_to_each_other(void **state)
{
    enum { CHILDREN = 120 };
    ui_world *it = *state;
    cleat__uuid id = trigger_run(&it->rest, 1, "greet"), first = {{0}}, last = {{0}};
    for (int64_t i = 0; i < CHILDREN; i++) {
        last = add_child(it, &id, i, i == 0 ? "the first" : NULL);
        first = i == 0 ? last : first;
    }
    json_decref(change(it, 1, URL(RUN "/cancel", ID(&last)), 200));
    wait_for_end(it, &last);
    json_t *run = get_run(it, &id);
    assert_int_equal(int_at(run, "children.total"), CHILDREN);
    assert_true(json_is_true(at(run, "children.is_complete")));
    assert_int_equal(int_at(run, "children.by_status.QUEUED"), CHILDREN - 1);
    assert_int_equal(int_at(run, "children.by_status.CANCELLED"), 1);
    assert_int_equal(count_at(run, "children.rows"), 100);
    assert_string_equal(text_at(run, "children.rows.0.id"), ID(&first));
    assert_string_equal(text_at(run, "children.rows.0.child_key"), "the first");
    assert_string_equal(text_at(run, "children.rows.0.parent_id"), ID(&id));
    json_decref(run);
    json_t *child = get_run(it, &last);
    assert_string_equal(text_at(child, "parent.id"), ID(&id));
    assert_string_equal(text_at(child, "parent.workflow"), "greet");
    assert_string_equal(text_at(child, "parent_id"), ID(&id));
    assert_int_equal(int_at(child, "child_index"), CHILDREN - 1);
    json_decref(child);
}

/* A run of several tasks is one row of the list, and its tasks are told with it. */
static void tasks_of_a_run_are_told_from_its_children(void **state)
{
    ui_world *it = *state;
    const cleat__policy policy = {.priority = 1,
                                  .backoff_factor = 1,
                                  .execution_timeout_ms = CLEAT__NO_TIMEOUT,
                                  .schedule_timeout_ms = CLEAT__NO_TIMEOUT};
    const cleat_slice parent = cleat_slice_of("extract");
    const cleat__workflow_task tasks[] = {
        {.name = parent, .action = cleat_slice_of("etl:extract"), .policy = policy},
        {.name = cleat_slice_of("load"),
         .action = cleat_slice_of("etl:load"),
         .policy = policy,
         .parents = &parent,
         .parent_count = 1},
    };
    const cleat__workflow workflow = {.name = cleat_slice_of("etl"), .tasks = tasks, .task_count = 2};
    assert_int_equal(cleat__engine_put_workflow(it->rest.engine, 1, &workflow, NULL), CLEAT_OK);
    cleat__uuid id = trigger_run(&it->rest, 1, "etl");
    json_t *list = get(&it->rest, API "runs");
    assert_int_equal(count_at(list, "rows"), 1);
    assert_string_equal(text_at(list, "rows.0.id"), ID(&id));
    json_t *run = get_run(it, &id);
    assert_int_equal(int_at(run, "tasks.total"), 2);
    assert_int_equal(int_at(run, "tasks.by_status.QUEUED"), 2);
    assert_string_equal(text_at(run, "tasks.rows.0.task"), "extract");
    assert_string_equal(text_at(run, "tasks.rows.0.waits.0"),
                        "a worker with a free slot that takes etl:extract");
    assert_string_equal(text_at(run, "tasks.rows.1.task"), "load");
    assert_string_equal(text_at(run, "tasks.rows.1.waits.0"), "the task extract");
    assert_string_equal(text_at(run, "waits.0"), "the first of its tasks to begin");
    assert_int_equal(int_at(run, "children.total"), 0);
    cleat__uuid load;
    assert_int_equal(cleat__uuid_parse(cleat_slice_of(text_at(run, "tasks.rows.1.id")), &load), CLEAT_OK);
    cleat__uuid child = add_child(it, &load, 0, "of a task");
    json_decref(run);
    run = get_run(it, &id);
    assert_int_equal(int_at(run, "children.total"), 1);
    assert_string_equal(text_at(run, "children.rows.0.id"), ID(&child));
    assert_int_equal(int_at(run, "tasks.total"), 2);
    assert_int_equal(int_at(run, "tasks.rows.1.child_count"), 1);
    json_t *task = get_run(it, &load);
    assert_string_equal(text_at(task, "parent.id"), ID(&id));
    json_t *children = get(&it->rest, URL(API "runs?parent=%s", ID(&id)));
    assert_int_equal(count_at(children, "rows"), 2);
    json_decref(children);
    json_decref(task);
    json_decref(run);
    json_decref(list);
}

/* On the engine's own thread: it does not wait for ever for somebody else who writes. */
static cleat_status add_many_children(cleat__store *store, void *parent)
{
    char sql[1024];
    snprintf(sql, sizeof(sql),
             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) "
             "INSERT INTO task (id, type_id, priority, created_at_ms, parent_id, child_index, input) "
             "SELECT randomblob(16), p.type_id, 1, 1, p.id, n.i, '{}' FROM n, task p "
             "WHERE hex(p.id) = upper(replace('%s', '-', '')); "
             "INSERT INTO task_end (id, state, retry_count, finished_at_ms) "
             "SELECT id, 2, 0, 1 FROM task WHERE parent_id IS NOT NULL",
             ID((const cleat__uuid *)parent));
    return sqlite3_exec(cleat__store_db(store), sql, NULL, NULL, NULL) == SQLITE_OK ? CLEAT_OK : CLEAT_IO;
}

static void children_are_counted_as_far_as_is_said(void **state)
{
    ui_world *it = *state;
    cleat__uuid id = trigger_run(&it->rest, 1, "greet");
    assert_int_equal(cleat__engine_call(it->rest.engine, add_many_children, &id), CLEAT_OK);
    json_t *run = get_run(it, &id);
    assert_int_equal(int_at(run, "children.total"), 20000);
    assert_true(json_is_true(at(run, "children.is_complete")));
    json_decref(run);
    (void)add_child(it, &id, 20001, NULL);
    (void)add_child(it, &id, 20002, NULL);
    run = get_run(it, &id);
    assert_int_equal(int_at(run, "children.total"), 20000);
    assert_true(json_is_false(at(run, "children.is_complete")));
    json_decref(run);
}

/* ---- How much of it ---- */

/* A JSON object with a text of so many two-byte characters. */
static char *large_object(size_t characters)
{
    char *text = malloc(2 * characters + 16), *at = text;
    at += sprintf(at, "{\"t\":\"x");
    for (size_t i = 0; i < characters; i++) {
        at += sprintf(at, "\xC3\xA4");
    }
    sprintf(at, "\"}");
    return text;
}

static void long_texts_are_cut_between_characters(void **state)
{
    enum { MOST = 64 * 1024 };
    ui_world *it = *state;
    char *large = large_object(50000);
    cleat__uuid id;
    const cleat__trigger trigger = {
        .workflow = cleat_slice_of("greet"), .input = cleat_slice_of(large), .child_index = -1};
    assert_int_equal(cleat__engine_trigger(it->rest.engine, 1, &trigger, 1, &id), CLEAT_OK);
    add_worker(&it->rest, 1, "one", true);
    report(it, &id, (cleat__report){.status = CLEAT_NON_RETRYABLE, .error = cleat_slice_of(large)});
    wait_for_end(it, &id);
    json_t *run = get_run(it, &id);
    size_t size = strlen(text_at(run, "input"));
    assert_in_range(size, MOST - 3, MOST);
    assert_memory_equal(text_at(run, "input"), large, size);
    assert_int_equal(int_at(run, "input_size"), strlen(large));
    assert_in_range(strlen(text_at(run, "error")), 1000, MOST);
    json_decref(run);
    cleat__uuid child = add_child(it, &id, 0, NULL);
    json_t *of_child = get_run(it, &child);
    size = strlen(text_at(of_child, "parent.error"));
    assert_in_range(size, 197, 200);
    assert_memory_equal(text_at(of_child, "parent.error"), large, size);
    json_decref(of_child);
    free(large);
}

static cleat_status store_lines(cleat__store *store, void *argument)
{
    static const char sql[] =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500) INSERT INTO task_log "
        "(task_id, line, retry_count, level, time_ms, message) SELECT ?1, i, 0, 1 + i % 4, 1000 + i, 'line ' "
        "|| i FROM n";
    sqlite3_stmt *insert = NULL;
    assert_int_equal(cleat__store_prepare(store, sql, &insert), CLEAT_OK);
    cleat__bind_uuid(insert, 1, argument);
    assert_int_equal(sqlite3_step(insert), SQLITE_DONE);
    sqlite3_reset(insert);
    return CLEAT_OK;
}

static void the_first_lines_of_its_log_are_told_and_how_many_there_are(void **state)
{
    ui_world *it = *state;
    cleat__uuid id = trigger_run(&it->rest, 1, "greet");
    assert_int_equal(cleat__engine_call(it->rest.engine, store_lines, &id), CLEAT_OK);
    json_t *run = get_run(it, &id);
    assert_int_equal(int_at(run, "log_count"), 1500);
    assert_int_equal(count_at(run, "logs"), 1000);
    assert_string_equal(text_at(run, "logs.999.message"), "line 1000");
    assert_int_equal(int_at(run, "logs.0.time_ms"), 1001);
    assert_int_equal(int_at(run, "logs.0.attempt"), 1);
    static const char *const levels[] = {"warn", "info", "debug", "error"};
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(text_at(run, URL("logs.%zu.level", i)), levels[i]);
    }
    json_decref(run);
    run = get(&it->rest, URL(RUN "?logs_after=1000", ID(&id)));
    assert_int_equal(count_at(run, "logs"), 500);
    assert_int_equal(int_at(run, "logs_after"), 1000);
    assert_int_equal(int_at(run, "log_count"), 1500);
    assert_string_equal(text_at(run, "logs.0.message"), "line 1001");
    json_decref(run);
    expect_400(&it->rest, "GET", URL(RUN "?logs_after=-1", ID(&id)), NULL, "logs_after");
}

static void a_large_answer_is_packed_for_who_accepts_it(void **state)
{
    ui_world *it = *state;
    cleat__uuid id = trigger_run(&it->rest, 1, "greet");
    assert_int_equal(cleat__engine_call(it->rest.engine, store_lines, &id), CLEAT_OK);
    const char *path = URL(RUN, ID(&id));
    reply plain = ask(it->rest.server, (question){.path = path, .headers = {AS_1}});
    reply packed = ask(it->rest.server, (question){.path = path, .headers = {AS_1, "Accept-Encoding: gzip"}});
    reply small =
        ask(it->rest.server, (question){.path = API "meta", .headers = {AS_1, "Accept-Encoding: gzip"}});
    assert_string_equal(HEADER(&plain, "Content-Encoding"), "");
    assert_string_equal(HEADER(&packed, "Content-Encoding"), "gzip");
    assert_string_equal(HEADER(&small, "Content-Encoding"), "");
    assert_true(packed.body_size < plain.body_size / 4);
    assert_memory_equal(packed.body, "\x1f\x8b", 2);
    reply_deinit(&plain);
    reply_deinit(&packed);
    reply_deinit(&small);
}

static void a_run_that_takes_too_long_to_read_says_so(void **state)
{
    ui_world *it = *state;
    cleat__uuid id = trigger_run(&it->rest, 1, "greet");
    assert_int_equal(cleat__engine_call(it->rest.engine, store_lines, &id), CLEAT_OK);
    char body[512];
    assert_int_equal(ask_directly(&it->rest, (directly){.target = URL(RUN, ID(&id)), .is_over = true}, body),
                     504);
}

/* ---- Changes ---- */

static void a_run_is_cancelled_once(void **state)
{
    ui_world *it = *state;
    cleat__uuid id = trigger_run(&it->rest, 1, "greet");
    json_t *answer = change(it, 1, URL(RUN "/cancel", ID(&id)), 200);
    assert_string_equal(text_at(answer, "id"), ID(&id));
    json_decref(answer);
    json_t *run = get_run(it, &id);
    assert_string_equal(text_at(run, "status"), "CANCELLED");
    json_decref(run);
    answer = change(it, 1, URL(RUN "/cancel", ID(&id)), 409);
    assert_non_null(strstr(text_at(answer, "errors.0.description"), "has ended already"));
    json_decref(answer);
}

static void a_run_that_has_not_ended_is_not_replayed(void **state)
{
    ui_world *it = *state;
    cleat__uuid id = trigger_run(&it->rest, 1, "greet");
    json_t *answer = change(it, 1, URL(RUN "/replay", ID(&id)), 409);
    assert_non_null(strstr(text_at(answer, "errors.0.description"), "has not ended"));
    json_decref(answer);
}

static void a_body_that_is_no_object_is_refused(void **state)
{
    static const char *const bodies[] = {"[]", "1", "{", "x"};
    ui_world *it = *state;
    cleat__uuid id = trigger_run(&it->rest, 1, "greet");
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        reply answer = ask(it->rest.server, (question){.method = "POST",
                                                       .path = URL(RUN "/cancel", ID(&id)),
                                                       .headers = {AS_1, AS_JSON},
                                                       .body = bodies[i]});
        assert_int_equal(answer.status, 400);
        reply_deinit(&answer);
    }
    reply answer = ask(it->rest.server, (question){.method = "POST",
                                                   .path = URL(RUN "/cancel", ID(&id)),
                                                   .headers = {AS_1, AS_JSON},
                                                   .body = ""});
    assert_int_equal(answer.status, 200);
    reply_deinit(&answer);
}

static void what_is_only_looked_at_is_not_changed(void **state)
{
    static const char *const changes[] = {"cancel", "replay"};
    ui_world *it = *state;
    cleat__uuid id = trigger_run(&it->rest, 1, "greet");
    json_t *meta = get(&it->rest, API "meta");
    assert_true(json_is_true(at(meta, "read_only")));
    json_decref(meta);
    for (size_t i = 0; i < 2; i++) {
        json_t *answer = change(it, 1, URL(RUN "/%s", ID(&id), changes[i]), 409);
        assert_non_null(strstr(text_at(answer, "errors.0.description"), "only read the file"));
        json_decref(answer);
    }
    json_t *run = get_run(it, &id);
    assert_string_equal(text_at(run, "status"), "QUEUED");
    json_decref(run);
}

static void ids_are_checked(void **state)
{
    ui_world *it = *state;
    expect_400(&it->rest, "GET", API "runs/x", NULL, "run");
    expect_400(&it->rest, "GET", API "runs/x/view", NULL, "run");
    expect_400(&it->rest, "GET", API "runs/" NO_ID "0", NULL, "run");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UI_TEST(a_run_that_waits_is_told_in_full),
        UI_TEST(attempts_come_with_their_ends_the_newest_last),
        UI_TEST(what_no_worker_took_in_time_is_cancelled),
        UI_TEST(what_started_it_is_told),
        UI_TEST(of_a_scheduled_run_it_is_told_when_it_was_planned),
        UI_TEST(of_an_evicted_run_it_is_told_what_it_waits_for),
        UI_TEST(parents_and_children_lead_to_each_other),
        UI_TEST(tasks_of_a_run_are_told_from_its_children),
        UI_TEST(children_are_counted_as_far_as_is_said),
        UI_TEST(long_texts_are_cut_between_characters),
        UI_TEST(the_first_lines_of_its_log_are_told_and_how_many_there_are),
        UI_TEST(a_large_answer_is_packed_for_who_accepts_it),
        UI_TEST(a_run_that_takes_too_long_to_read_says_so),
        UI_TEST(a_run_is_cancelled_once),
        UI_TEST(a_run_that_has_not_ended_is_not_replayed),
        UI_TEST(a_body_that_is_no_object_is_refused),
        cmocka_unit_test_setup_teardown(what_is_only_looked_at_is_not_changed, ui_start_looked_at, ui_stop),
        UI_TEST(ids_are_checked),
    };
    curl_global_init(CURL_GLOBAL_ALL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
