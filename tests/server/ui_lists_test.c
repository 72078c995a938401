/* The viewer's workflows with what lives of them, workers and schedules. */
#include "ui_test.h"

#include "engine/command.h"

static void a_workflow_is_told_with_what_lives_of_it(void **state)
{
    ui_world *it = *state;
    (void)trigger_run(&it->rest, 1, "greet");
    (void)trigger_run(&it->rest, 1, "greet");
    json_t *list = get(&it->rest, API "workflows");
    assert_int_equal(count_at(list, "rows"), 1);
    assert_true(json_is_null(at(list, "next")));
    const json_t *row = at(list, "rows.0");
    assert_string_equal(text_at(row, "id"), ID(&it->rest.greet[0].workflow_id));
    assert_string_equal(text_at(row, "name"), "greet");
    assert_string_equal(text_at(row, "task"), "greet");
    assert_string_equal(text_at(row, "action"), "greet:greet");
    assert_int_equal(int_at(row, "version_count"), 1);
    assert_true(json_integer_value(at(row, "declared_at_ms")) > INT64_C(1700000000000));
    assert_true(json_is_false(at(row, "is_durable")));
    assert_true(json_is_false(at(row, "is_paused")));
    assert_int_equal(count_at(row, "events"), 1);
    assert_string_equal(text_at(row, "events.0"), "user:made");
    assert_int_equal(int_at(row, "retries"), 0);
    assert_int_equal(int_at(row, "priority"), 2);
    assert_int_equal(int_at(row, "execution_timeout_ms"), 60000);
    assert_int_equal(int_at(row, "schedule_timeout_ms"), 300000);
    assert_int_equal(int_at(row, "queued"), 2);
    assert_int_equal(int_at(row, "running"), 0);
    assert_int_equal(int_at(row, "evicted"), 0);
    assert_true(json_integer_value(at(row, "oldest_queued_at_ms")) > INT64_C(1700000000000));
    json_decref(list);
    cleat__command pause = {.kind = CLEAT__COMMAND_PAUSE_WORKFLOW,
                            .tenant = 1,
                            .as.pause_workflow = {it->rest.greet[0].workflow_id,
                                                  {.is_paused = true, .ttl_ms = CLEAT__NO_TIMEOUT}}};
    assert_int_equal(cleat__engine_ask(it->rest.engine, &pause), CLEAT_OK);
    list = get(&it->rest, API "workflows");
    assert_true(json_is_true(at(list, "rows.0.is_paused")));
    json_decref(list);
}

/* Tasks of several workflows may be one action, and each counts its own. */
static void a_newer_version_counts_and_others_are_kept_apart(void **state)
{
    ui_world *it = *state;
    const cleat__workflow workflow = {
        .name = cleat_slice_of("late"),
        .tasks = &(cleat__workflow_task){.name = cleat_slice_of("late"),
                                         .action = cleat_slice_of("greet:greet"),
                                         .policy = {.priority = 1,
                                                    .retries = 5,
                                                    .backoff_factor = 1,
                                                    .execution_timeout_ms = CLEAT__NO_TIMEOUT,
                                                    .schedule_timeout_ms = CLEAT__NO_TIMEOUT}},
        .task_count = 1};
    assert_int_equal(cleat__engine_put_workflow(it->rest.engine, 1, &workflow, NULL), CLEAT_OK);
    (void)declare(&it->rest, 1, "greet", "user:gone");
    (void)trigger_run(&it->rest, 1, "late");
    json_t *list = get(&it->rest, API "workflows");
    assert_int_equal(count_at(list, "rows"), 2);
    assert_string_equal(text_at(list, "rows.0.name"), "greet");
    assert_int_equal(int_at(list, "rows.0.version_count"), 2);
    assert_string_equal(text_at(list, "rows.0.events.0"), "user:gone");
    assert_int_equal(int_at(list, "rows.0.queued"), 0);
    assert_true(json_is_null(at(list, "rows.0.oldest_queued_at_ms")));
    assert_string_equal(text_at(list, "rows.1.name"), "late");
    assert_int_equal(int_at(list, "rows.1.queued"), 1);
    assert_int_equal(int_at(list, "rows.1.retries"), 5);
    assert_true(json_is_null(at(list, "rows.1.execution_timeout_ms")));
    assert_true(json_is_null(at(list, "rows.1.schedule_timeout_ms")));
    json_decref(list);
}

/* Its own task is in no queue: what lives is told of each of its tasks, and summed up. */
static void a_workflow_of_several_tasks_is_told_with_these(void **state)
{
    ui_world *it = *state;
    const cleat__policy policy = {.retries = 3,
                                  .priority = 1,
                                  .backoff_factor = 1,
                                  .execution_timeout_ms = 5000,
                                  .schedule_timeout_ms = 7000};
    const cleat_slice first = cleat_slice_of("first");
    const cleat__workflow_task tasks[] = {
        {.name = first, .action = cleat_slice_of("late:first"), .policy = policy},
        {.name = cleat_slice_of("beside"), .action = cleat_slice_of("greet:greet"), .policy = policy},
        {.name = cleat_slice_of("then"),
         .action = cleat_slice_of("late:then"),
         .policy = policy,
         .parents = &first,
         .parent_count = 1},
    };
    const cleat__workflow workflow = {.name = cleat_slice_of("late"), .tasks = tasks, .task_count = 3};
    assert_int_equal(cleat__engine_put_workflow(it->rest.engine, 1, &workflow, NULL), CLEAT_OK);
    for (int i = 0; i < 2; i++) {
        (void)trigger_run(&it->rest, 1, "late");
    }
    json_t *list = get(&it->rest, API "workflows");
    const json_t *row = at(list, "rows.1");
    assert_string_equal(text_at(row, "name"), "late");
    assert_int_equal(int_at(row, "queued"), 4); /* `then` is not queued yet */
    assert_int_equal(int_at(row, "running"), 0);
    assert_true(json_integer_value(at(row, "oldest_queued_at_ms")) > INT64_C(1700000000000));
    assert_true(json_is_null(at(row, "retries")));
    assert_true(json_is_null(at(row, "execution_timeout_ms")));
    assert_int_equal(int_at(row, "task_count"), 3);
    assert_int_equal(count_at(row, "tasks"), 3);
    assert_string_equal(text_at(row, "tasks.1.name"), "beside");
    assert_string_equal(text_at(row, "tasks.1.action"), "greet:greet");
    assert_int_equal(int_at(row, "tasks.1.queued"), 2);
    assert_int_equal(int_at(row, "tasks.1.retries"), 3);
    assert_int_equal(int_at(row, "tasks.1.execution_timeout_ms"), 5000);
    assert_int_equal(int_at(row, "tasks.1.schedule_timeout_ms"), 7000);
    assert_int_equal(int_at(row, "tasks.2.queued"), 0);
    assert_true(json_is_null(at(row, "tasks.2.oldest_queued_at_ms")));
    assert_int_equal(int_at(list, "rows.0.task_count"), 1); /* greet */
    assert_string_equal(text_at(list, "rows.0.tasks.0.name"), "greet");
    json_decref(list);
}

static void a_worker_is_told_with_its_slots(void **state)
{
    ui_world *it = *state;
    cleat__uuid first = add_worker(&it->rest, 1, "first", true);
    cleat__uuid second = add_worker(&it->rest, 1, "second", false);
    assert_int_equal(cleat__engine_worker_pause(it->rest.engine, 1, &second), CLEAT_OK);
    cleat__uuid run = trigger_run(&it->rest, 1, "greet");
    wait_until_running(&it->rest, &run);
    json_t *list = get(&it->rest, API "workers");
    assert_int_equal(count_at(list, "rows"), 2);
    assert_string_equal(text_at(list, "rows.0.id"), ID(&second));
    assert_string_equal(text_at(list, "rows.0.status"), "PAUSED");
    const json_t *row = at(list, "rows.1");
    assert_string_equal(text_at(row, "id"), ID(&first));
    assert_string_equal(text_at(row, "name"), "first");
    assert_string_equal(text_at(row, "status"), "ACTIVE");
    assert_int_equal(int_at(row, "slots.default.max"), 3);
    assert_int_equal(int_at(row, "slots.default.used"), 1);
    assert_true(json_is_integer(at(row, "last_seen_ms")));
    assert_true(json_is_integer(at(row, "registered_at_ms")));
    assert_int_equal(count_at(row, "actions"), 1);
    assert_string_equal(text_at(row, "actions.0"), "greet:greet");
    assert_int_equal(int_at(row, "action_count"), 1);
    assert_string_equal(text_at(row, "labels.gpu"), "a100");
    assert_int_equal(int_at(row, "labels.memory"), 64);
    assert_string_equal(text_at(row, "runtime.language"), "TYPESCRIPT");
    json_decref(list);
}

static void one_that_does_not_listen_is_inactive(void **state)
{
    ui_world *it = *state;
    (void)add_worker(&it->rest, 1, "one", false);
    json_t *list = get(&it->rest, API "workers");
    assert_string_equal(text_at(list, "rows.0.status"), "INACTIVE");
    json_decref(list);
}

static void without_an_engine_nobody_knows_the_workers(void **state)
{
    ui_world *it = *state;
    (void)add_worker(&it->rest, 1, "one", true);
    json_t *list = get(&it->rest, API "workers");
    assert_int_equal(count_at(list, "rows"), 0);
    json_decref(list);
}

static void schedules_come_in_the_order_of_their_times(void **state)
{
    ui_world *it = *state;
    cleat__uuid later = add_schedule(&it->rest, 1, CLEAT__SCHEDULE_API, NEXT_CENTURY_MS + 1000);
    cleat__uuid next = add_schedule(&it->rest, 1, CLEAT__SCHEDULE_API, NEXT_CENTURY_MS);
    json_t *list = get(&it->rest, API "schedules");
    assert_int_equal(count_at(list, "rows"), 2);
    assert_string_equal(text_at(list, "rows.0.id"), ID(&next));
    assert_string_equal(text_at(list, "rows.1.id"), ID(&later));
    assert_string_equal(text_at(list, "rows.0.workflow"), "greet");
    assert_true(json_integer_value(at(list, "rows.0.at_ms")) == NEXT_CENTURY_MS);
    assert_true(json_integer_value(at(list, "rows.0.created_at_ms")) > INT64_C(1700000000000));
    assert_true(json_is_null(at(list, "rows.0.priority")));
    assert_string_equal(text_at(list, "rows.0.metadata.user"), "ada");
    json_decref(list);
}

static void crons_are_told_with_their_next_time(void **state)
{
    ui_world *it = *state;
    cleat__uuid id;
    const cleat__recurrence what = {.workflow = cleat_slice_of("greet"),
                                    .name = cleat_slice_of("nightly"),
                                    .expression = cleat_slice_of("0 3 * * *"),
                                    .metadata = cleat_slice_of("{\"user\":\"ada\"}"),
                                    .method = CLEAT__SCHEDULE_API};
    cleat__command add = {.kind = CLEAT__COMMAND_ADD_CRON, .tenant = 1, .as.add_cron = {&what, &id}};
    assert_int_equal(cleat__engine_ask(it->rest.engine, &add), CLEAT_OK);
    json_t *list = get(&it->rest, API "crons");
    assert_int_equal(count_at(list, "rows"), 1);
    assert_string_equal(text_at(list, "rows.0.id"), ID(&id));
    assert_string_equal(text_at(list, "rows.0.workflow"), "greet");
    assert_string_equal(text_at(list, "rows.0.name"), "nightly");
    assert_string_equal(text_at(list, "rows.0.expression"), "0 3 * * *");
    assert_true(json_integer_value(at(list, "rows.0.next_at_ms")) % 86400000 == 3 * 3600000);
    assert_true(json_is_null(at(list, "rows.0.fired_at_ms")));
    assert_true(json_is_true(at(list, "rows.0.is_enabled")));
    assert_string_equal(text_at(list, "rows.0.metadata.user"), "ada");
    json_decref(list);
    const cleat__command disable = {
        .kind = CLEAT__COMMAND_CHANGE_CRON, .tenant = 1, .as.change_cron = {.id = id, .is_enabled = false}};
    assert_int_equal(cleat__engine_ask(it->rest.engine, &disable), CLEAT_OK);
    list = get(&it->rest, API "crons");
    assert_true(json_is_false(at(list, "rows.0.is_enabled")));
    assert_true(json_is_null(at(list, "rows.0.next_at_ms")));
    json_decref(list);
    list = ask_json(&it->rest, (asking){2, "GET", API "crons", NULL, 200});
    assert_int_equal(count_at(list, "rows"), 0);
    json_decref(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UI_TEST(a_workflow_is_told_with_what_lives_of_it),
        UI_TEST(a_newer_version_counts_and_others_are_kept_apart),
        UI_TEST(a_workflow_of_several_tasks_is_told_with_these),
        UI_TEST(a_worker_is_told_with_its_slots),
        UI_TEST(one_that_does_not_listen_is_inactive),
        cmocka_unit_test_setup_teardown(without_an_engine_nobody_knows_the_workers, ui_start_looked_at,
                                        ui_stop),
        UI_TEST(schedules_come_in_the_order_of_their_times),
        UI_TEST(crons_are_told_with_their_next_time),
    };
    curl_global_init(CURL_GLOBAL_ALL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
