/* Workflows and their versions, and tenants who do not see each other. */
#include "core_test.h"

static const cleat__policy plain = {
    .priority = 1, .execution_timeout_ms = 60000, .schedule_timeout_ms = 300000};

enum { ONE = CLEAT__TENANT_DEFAULT, TWO = 2 };

static cleat_status trigger_for(rig *at, int64_t tenant, const char *workflow, cleat__uuid *id)
{
    cleat__trigger item = {.workflow = cleat_slice_of(workflow), .input = cleat_slice_of("{}")};
    cleat__command command = {.tenant = tenant, .kind = CLEAT__COMMAND_TRIGGER, .as.trigger = {&item, 1, id}};
    return ask(at, &command);
}

static cleat__uuid hire(rig *at, int64_t tenant, const char *action)
{
    cleat__uuid id;
    cleat_slice name = cleat_slice_of(action);
    const joining how = {tenant, &name, 1, 10, {&at->ears, hear_assign, hear_cancel}};
    assert_int_equal(join_worker(at, how, &id), CLEAT_OK);
    return id;
}

static bool same(const cleat__uuid *a, const cleat__uuid *b)
{
    return cleat__uuid_equals(a, b);
}

/* ---- Versions ---- */

static void test_each_change_of_content_is_a_version(void **state)
{
    rig *at = *state;
    static const cleat_slice keys[] = {{"order:paid", 10}};
    static const cleat__desired_label labels[] = {{.key = {"gpu", 3}, .value = {.text = {"a", 1}}}};
    static const cleat__slots slots[] = {{{"default", 7}, 2}};
    enum { COUNT = 13 };
    cleat__workflow cases[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        cases[i] = workflow_of("a:a", &plain);
    }
    cases[1].description = cleat_slice_of("about");
    cases[2].version = cleat_slice_of("2");
    task_of(&cases[3])->name = cleat_slice_of("b");
    task_of(&cases[4])->action = cleat_slice_of("a:b");
    task_of(&cases[5])->policy.retries = 1;
    task_of(&cases[6])->policy.priority = 2;
    cases[7].event_keys = keys;
    cases[7].event_key_count = 1;
    cases[8].sticky = CLEAT__STICKY_SOFT;
    task_of(&cases[9])->labels = labels;
    task_of(&cases[9])->label_count = 1;
    task_of(&cases[10])->slots = slots;
    task_of(&cases[10])->slot_count = 1;
    task_of(&cases[11])->is_durable = true;
    cases[12].input_json_schema = cleat_slice_of("{}");
    cleat__version versions[COUNT], again;
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(put_workflow(at, ONE, &cases[i], &versions[i]), CLEAT_OK);
        assert_int_equal(put_workflow(at, ONE, &cases[i], &again), CLEAT_OK);
        assert_true(same(&again.version_id, &versions[i].version_id));
        assert_true(same(&again.workflow_id, &versions[0].workflow_id));
        for (size_t j = 0; j < i; j++) {
            assert_false(same(&versions[j].version_id, &versions[i].version_id));
        }
    }
    /* The former content again is a version of its own: the newest counts. */
    assert_int_equal(put_workflow(at, ONE, &cases[0], &again), CLEAT_OK);
    assert_false(same(&again.version_id, &versions[0].version_id));
    crash(at);
    open_core(at);
    cleat__version found;
    assert_int_equal(put_workflow(at, ONE, &cases[0], &found), CLEAT_OK);
    assert_true(same(&found.version_id, &again.version_id));
    assert_true(same(&found.workflow_id, &again.workflow_id));
}

static void test_a_new_version_may_have_another_action(void **state)
{
    rig *at = *state;
    cleat__workflow workflow = workflow_of("a:a", &plain);
    cleat__uuid ids[2];
    assert_int_equal(put_workflow(at, ONE, &workflow, NULL), CLEAT_OK);
    assert_int_equal(trigger_for(at, ONE, "a", &ids[0]), CLEAT_OK);
    task_of(&workflow)->action = cleat_slice_of("a:other");
    assert_int_equal(put_workflow(at, ONE, &workflow, NULL), CLEAT_OK);
    assert_int_equal(trigger_for(at, ONE, "a", &ids[1]), CLEAT_OK);
    hire(at, ONE, "a:other");
    assert_int_equal(at->ears.count, 1);
    assert_true(same(&at->ears.heard[0].id, &ids[1]));
    hire(at, ONE, "a:a");
    assert_int_equal(at->ears.count, 2);
    assert_true(same(&at->ears.heard[1].id, &ids[0]));
}

static void test_case_of_names_and_actions(void **state)
{
    rig *at = *state;
    cleat__workflow workflow = workflow_of("a:a", &plain);
    workflow.name = cleat_slice_of("MyFlow");
    task_of(&workflow)->action = cleat_slice_of("MyFlow:Step");
    cleat__uuid id;
    assert_int_equal(put_workflow(at, ONE, &workflow, NULL), CLEAT_OK);
    assert_int_equal(trigger_for(at, ONE, "myflow", &id), CLEAT_NOT_FOUND);
    assert_int_equal(trigger_for(at, ONE, "MyFlow", &id), CLEAT_OK);
    hire(at, ONE, "myflow:step"); /* as workers know it */
    assert_int_equal(at->ears.count, 1);
}

static void test_a_refused_declaration_changes_nothing(void **state)
{
    rig *at = *state;
    cleat__workflow workflow = workflow_of("a:a", &plain);
    workflow.name = cleat_slice_of("a b");
    assert_int_equal(put_workflow(at, ONE, &workflow, NULL), CLEAT_INVALID_ARGUMENT);
    cleat__uuid id;
    assert_int_equal(trigger_for(at, ONE, "a b", &id), CLEAT_NOT_FOUND);
}

/* ---- Deleting ---- */

static cleat_status delete (rig *at, int64_t tenant, const cleat__uuid *id)
{
    cleat__command command = {.tenant = tenant, .kind = CLEAT__COMMAND_DELETE_WORKFLOW, .as.id = *id};
    return ask(at, &command);
}

static void test_a_deleted_workflow_starts_no_runs(void **state)
{
    rig *at = *state;
    const cleat_slice key = cleat_slice_of("made");
    const cleat__user_event event = {.key = key, .payload = cleat_slice_of("{}")};
    cleat__workflow workflow = workflow_of("a:a", &plain);
    workflow.event_keys = &key;
    workflow.event_key_count = 1;
    cleat__version version;
    cleat__uuid id, planned;
    assert_int_equal(put_workflow(at, ONE, &workflow, &version), CLEAT_OK);
    const cleat__schedule plan = {.workflow = cleat_slice_of("a")};
    const int64_t soon = at->now.unix_ms + 1000;
    cleat__command schedule = {
        .tenant = ONE, .kind = CLEAT__COMMAND_SCHEDULE, .as.schedule = {&plan, &soon, 1, &planned}};
    assert_int_equal(ask(at, &schedule), CLEAT_OK);
    assert_int_equal(delete (at, ONE, &version.workflow_id), CLEAT_OK);
    assert_int_equal(delete (at, ONE, &version.workflow_id), CLEAT_NOT_FOUND);

    for (int i = 0; i < 2; i++) { /* and after a restart */
        cleat__command push = {.tenant = ONE, .kind = CLEAT__COMMAND_PUSH, .as.push = {&event, 1, &id, NULL}};
        assert_int_equal(ask(at, &push), CLEAT_OK);
        assert_int_equal(trigger_for(at, ONE, "a", &id), CLEAT_NOT_FOUND);
        advance(at, 2000);
        hire(at, ONE, "a:a");
        assert_int_equal(at->ears.count, 0);
        crash(at);
        open_core(at);
    }
}

static void test_runs_of_a_deleted_workflow_go_on(void **state)
{
    rig *at = *state;
    cleat__workflow workflow = workflow_of("a:a", &plain);
    cleat__version former, version;
    cleat__uuid old_run, new_run;
    assert_int_equal(put_workflow(at, ONE, &workflow, &former), CLEAT_OK);
    assert_int_equal(trigger_for(at, ONE, "a", &old_run), CLEAT_OK);
    assert_int_equal(delete (at, ONE, &former.workflow_id), CLEAT_OK);
    task_of(&workflow)->name = cleat_slice_of("b"); /* another one of that name */
    task_of(&workflow)->action = cleat_slice_of("a:b");
    assert_int_equal(put_workflow(at, ONE, &workflow, &version), CLEAT_OK);
    assert_false(same(&former.workflow_id, &version.workflow_id));
    assert_int_equal(trigger_for(at, ONE, "a", &new_run), CLEAT_OK);
    crash(at);
    open_core(at);
    hire(at, ONE, "a:a");
    assert_int_equal(at->ears.count, 1);
    assert_true(same(&at->ears.heard[0].id, &old_run));
    report(at, &old_run, CLEAT__RETRY_CURRENT, CLEAT_OK, "7");
    assert_string_equal(state_of(at, &old_run), "COMPLETED 7");
    assert_string_equal(state_of(at, &new_run), "QUEUED");
    cleat__command again = {.tenant = ONE, .kind = CLEAT__COMMAND_REPLAY, .as.id = old_run};
    assert_int_equal(ask(at, &again), CLEAT_OK); /* it knows what it was */
    assert_string_equal(state_of(at, &old_run), "RUNNING");
}

static void test_only_its_tenant_deletes_a_workflow(void **state)
{
    rig *at = *state;
    cleat__workflow workflow = workflow_of("a:a", &plain);
    cleat__version version;
    cleat__uuid id;
    assert_int_equal(put_workflow(at, ONE, &workflow, &version), CLEAT_OK);
    assert_int_equal(put_workflow(at, TWO, &workflow, NULL), CLEAT_OK);
    assert_int_equal(delete (at, TWO, &version.workflow_id), CLEAT_NOT_FOUND);
    assert_int_equal(delete (at, ONE, &version.workflow_id), CLEAT_OK);
    assert_int_equal(trigger_for(at, TWO, "a", &id), CLEAT_OK);
}

/* ---- Tenants ---- */

static void test_equal_names_are_different_workflows(void **state)
{
    rig *at = *state;
    cleat__workflow workflow = workflow_of("a:a", &plain);
    cleat__version versions[2];
    cleat__uuid ids[2];
    assert_int_equal(put_workflow(at, ONE, &workflow, &versions[0]), CLEAT_OK);
    assert_int_equal(trigger_for(at, TWO, "a", &ids[1]), CLEAT_NOT_FOUND);
    assert_int_equal(put_workflow(at, TWO, &workflow, &versions[1]), CLEAT_OK);
    assert_false(same(&versions[0].workflow_id, &versions[1].workflow_id));
    assert_int_equal(trigger_for(at, ONE, "a", &ids[0]), CLEAT_OK);
    assert_int_equal(trigger_for(at, TWO, "a", &ids[1]), CLEAT_OK);
    crash(at); /* a restart knows whose is whose */
    open_core(at);
    hire(at, TWO, "a:a");
    assert_int_equal(at->ears.count, 1);
    assert_true(same(&at->ears.heard[0].id, &ids[1]));
}

/* Every command that names a run, of a run of another tenant: `is_live` or ended. */
static void assert_run_is_hidden(rig *at, const cleat__uuid *id)
{
    cleat_run_result result = {0};
    cleat__uuid child;
    cleat__trigger item = {.workflow = {"a", 1}, .is_child = true, .parent_id = *id};
    cleat__command commands[] = {
        {.kind = CLEAT__COMMAND_FIND, .as.id = *id},
        {.kind = CLEAT__COMMAND_CANCEL, .as.id = *id},
        {.kind = CLEAT__COMMAND_WAIT, .as.wait = {.id = *id, .result = &result}},
        {.kind = CLEAT__COMMAND_REPORT, .as.report = {.task_id = *id, .output = {"1", 1}}},
        {.kind = CLEAT__COMMAND_REPORT,
         .as.report = {.task_id = *id, .retry_count = CLEAT__RETRY_CURRENT, .output = {"1", 1}}},
        {.kind = CLEAT__COMMAND_LOG, .as.log = {.task_id = *id, .message = {"x", 1}}},
        {.kind = CLEAT__COMMAND_TRIGGER, .as.trigger = {&item, 1, &child}},
    };
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        commands[i].tenant = TWO;
        assert_int_equal(ask(at, &commands[i]), CLEAT_NOT_FOUND);
    }
}

static void test_runs_of_another_tenant_are_not_there(void **state)
{
    rig *at = *state;
    cleat__workflow workflow = workflow_of("a:a", &plain);
    put_workflow(at, ONE, &workflow, NULL);
    put_workflow(at, TWO, &workflow, NULL);
    cleat__uuid id;
    assert_int_equal(trigger_for(at, ONE, "a", &id), CLEAT_OK);
    assert_run_is_hidden(at, &id); /* queued */
    hire(at, ONE, "a:a");
    assert_run_is_hidden(at, &id); /* running */
    assert_string_equal(state_of(at, &id), "RUNNING");
    report(at, &id, CLEAT__RETRY_CURRENT, CLEAT_OK, "7");
    assert_string_equal(state_of(at, &id), "COMPLETED 7");
    assert_run_is_hidden(at, &id); /* ended */
    cleat__command found = {.tenant = ONE, .kind = CLEAT__COMMAND_FIND, .as.id = id};
    assert_int_equal(ask(at, &found), CLEAT_OK);
}

static void test_workers_of_another_tenant_are_not_there(void **state)
{
    rig *at = *state;
    cleat__workflow workflow = workflow_of("a:a", &plain);
    put_workflow(at, ONE, &workflow, NULL);
    cleat__uuid worker = hire(at, ONE, "a:a");
    static const cleat__command_kind kinds[] = {CLEAT__COMMAND_WORKER_HEARTBEAT, CLEAT__COMMAND_WORKER_PAUSE,
                                                CLEAT__COMMAND_WORKER_REMOVE};
    for (size_t i = 0; i < 3; i++) {
        cleat__command command = {.tenant = TWO, .kind = kinds[i], .as.id = worker};
        assert_int_equal(ask(at, &command), CLEAT_NOT_FOUND);
    }
    cleat_slice action = cleat_slice_of("a:a");
    const joining how = {TWO, &action, 1, 1, {&at->ears, hear_assign, hear_cancel}};
    assert_int_equal(join_worker(at, how, &worker), CLEAT_NOT_FOUND); /* not declared by this tenant */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        TEST(test_each_change_of_content_is_a_version),
        TEST(test_a_new_version_may_have_another_action),
        TEST(test_case_of_names_and_actions),
        TEST(test_a_refused_declaration_changes_nothing),
        TEST(test_a_deleted_workflow_starts_no_runs),
        TEST(test_runs_of_a_deleted_workflow_go_on),
        TEST(test_only_its_tenant_deletes_a_workflow),
        TEST(test_equal_names_are_different_workflows),
        TEST(test_runs_of_another_tenant_are_not_there),
        TEST(test_workers_of_another_tenant_are_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
