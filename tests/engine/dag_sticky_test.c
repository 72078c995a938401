/* Tasks of a sticky workflow go where a parent of theirs was. */
#include "engine/dag_test.h"

enum { WORKERS = 3 };

/* Workers of other processes, which have all tasks, and one slot each. */
typedef struct member {
    cleat__uuid id;
    int number;
} member;
static member team[WORKERS];
static char got[256]; /* "a0 b2": who got what, since the last look */

static void note_task(void *self, cleat__assignment *list)
{
    const member *worker = self;
    for (const cleat__assignment *each = list; each != NULL; each = each->next) {
        snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%.*s%d", got[0] != '\0' ? " " : "",
                 CLEAT_SLICE_ARGS(each->task_name), worker->number);
    }
    take_tasks(NULL, list);
}

static const char *who_got_what(void)
{
    static char text[sizeof(got)];
    memcpy(text, got, sizeof(got));
    got[0] = '\0';
    return text;
}

static void listen(dag_rig *at, size_t worker, uint64_t session)
{
    cleat__command command = {.tenant = CLEAT__TENANT_DEFAULT,
                              .kind = CLEAT__COMMAND_WORKER_LISTEN,
                              .as.listen = {.id = team[worker].id,
                                            .session = session,
                                            .is_kept = true,
                                            .sink = {&team[worker], note_task, take_cancel}}};
    assert_int_equal(ask(&at->core, &command), CLEAT_OK);
}

static void hire_team(dag_rig *at)
{
    static const cleat__slots one = {{"default", 7}, 1};
    cleat_slice actions[DAG_TASKS];
    got[0] = '\0';
    for (size_t i = 0; i < at->workflow.task_count; i++) {
        actions[i] = at->tasks[i].action;
    }
    for (int i = 0; i < WORKERS; i++) {
        const cleat__worker_spec spec = {
            .actions = actions, .action_count = at->workflow.task_count, .slots = &one, .slot_count = 1};
        team[i].number = i;
        cleat__command command = {.tenant = CLEAT__TENANT_DEFAULT,
                                  .kind = CLEAT__COMMAND_WORKER_REGISTER,
                                  .as.worker_register = {&spec, &team[i].id}};
        assert_int_equal(ask(&at->core, &command), CLEAT_OK);
        listen(at, (size_t)i, 1);
    }
}

static cleat__uuid start(dag_rig *at, const member *desired)
{
    at->run = trigger_workflow(at, "{}", desired != NULL ? &desired->id : NULL);
    return at->run;
}

static void declare(dag_rig *at, cleat__sticky sticky)
{
    at->workflow.sticky = sticky;
    declare_workflow(at);
    hire_team(at);
}

static void declare_chain(dag_rig *at, cleat__sticky sticky)
{
    add_task(at, "a", "");
    add_task(at, "b", "a")->policy.retries = 2;
    add_task(at, "c", "b");
    declare(at, sticky);
}

/* The last digit of who got what: the worker. */
static const member *worker_of(const char *text)
{
    return &team[text[strlen(text) - 1] - '0'];
}

static const char *name_with(const char *task, const member *worker)
{
    static char text[16];
    snprintf(text, sizeof(text), "%s%d", task, worker->number);
    return text;
}

/* ---- A chain ---- */

/* Workers take turns at each task; from here on not at the same one for the first task as for the others. */
static void begin_turns(dag_rig *at)
{
    start(at, NULL);
    assert_int_equal(cancel(&at->core, &at->run), CLEAT_OK);
    got[0] = '\0';
}

static void test_without_it_workers_take_turns(void **state)
{
    dag_rig *at = *state;
    declare_chain(at, CLEAT__STICKY_NONE);
    begin_turns(at);
    start(at, &team[2]); /* which says nothing */
    assert_string_equal(who_got_what(), "a1");
    complete(at, "a", "{}");
    assert_string_equal(who_got_what(), "b0");
}

static void test_a_task_goes_to_the_worker_of_its_parent(void **state)
{
    static const cleat__sticky kinds[] = {CLEAT__STICKY_SOFT, CLEAT__STICKY_HARD};
    dag_rig *at = *state;
    add_task(at, "a", "");
    add_task(at, "b", "a");
    add_task(at, "c", "b");
    for (size_t i = 0; i < 2; i++) {
        declare(at, kinds[i]);
        begin_turns(at);
        for (int j = 0; j < WORKERS; j++) { /* whoever has the first one has all */
            start(at, NULL);
            const member *worker = worker_of(who_got_what());
            complete(at, "a", "{}");
            assert_string_equal(who_got_what(), name_with("b", worker));
            complete(at, "b", "{}");
            assert_string_equal(who_got_what(), name_with("c", worker));
            complete(at, "c", "{}");
        }
    }
}

static void test_the_first_task_goes_where_the_run_was_wished(void **state)
{
    dag_rig *at = *state;
    declare_chain(at, CLEAT__STICKY_HARD);
    start(at, &team[2]);
    assert_string_equal(who_got_what(), "a2");
    complete(at, "a", "{}");
    assert_string_equal(who_got_what(), "b2");
}

/* Each has two tasks of the second level, of which its worker can have one at a time. */
static void add_fork(dag_rig *at)
{
    add_task(at, "a", "");
    add_task(at, "b", "a");
    add_task(at, "c", "a");
}

static void test_soft_goes_to_another_worker_when_that_one_is_busy(void **state)
{
    dag_rig *at = *state;
    add_fork(at);
    declare(at, CLEAT__STICKY_SOFT);
    start(at, &team[1]);
    assert_string_equal(who_got_what(), "a1");
    complete(at, "a", "{}");
    const char *both = who_got_what();
    assert_true(strcmp(both, "b1 c0") == 0 || strcmp(both, "b1 c2") == 0 || strcmp(both, "c0 b1") == 0 ||
                strcmp(both, "c2 b1") == 0);
}

static void test_hard_waits_for_it(void **state)
{
    dag_rig *at = *state;
    add_fork(at);
    declare(at, CLEAT__STICKY_HARD);
    start(at, &team[1]);
    complete(at, "a", "{}");
    assert_string_equal(who_got_what(), "a1 b1");
    advance(&at->core, 1000);
    assert_string_equal(who_got_what(), "");
    complete(at, "b", "{}");
    assert_string_equal(who_got_what(), "c1");
}

static void test_a_retry_and_a_replay_go_there_too(void **state)
{
    dag_rig *at = *state;
    declare_chain(at, CLEAT__STICKY_HARD);
    start(at, &team[2]);
    complete(at, "a", "{}");
    assert_string_equal(who_got_what(), "a2 b2");
    fail_task(at, "b", "bad");
    assert_string_equal(who_got_what(), "b2");
    complete(at, "b", "{}");
    complete(at, "c", "{}");
    assert_string_equal(who_got_what(), "c2");
    assert_int_equal(replay(at, &find_told("b")->id), CLEAT_OK);
    assert_string_equal(who_got_what(), "b2");
    complete(at, "b", "{}");
    assert_string_equal(who_got_what(), "c2");
}

static void test_it_is_known_after_a_restart(void **state)
{
    dag_rig *at = *state;
    add_fork(at);
    declare(at, CLEAT__STICKY_HARD);
    start(at, &team[1]);
    complete(at, "a", "{}");
    assert_string_equal(who_got_what(), "a1 b1"); /* c waits for the same worker */
    crash(&at->core);
    open_core(&at->core);
    listen(at, 0, 2);
    listen(at, 2, 2);
    assert_string_equal(who_got_what(), "");
    listen(at, 1, 2);
    complete(at, "b", "{}");
    assert_string_equal(who_got_what(), "c1");
}

/* ---- Several parents ---- */

static void test_of_several_parents_the_first_counts_that_has_run(void **state)
{
    dag_rig *at = *state;
    const cleat__step_condition always = of_parent(CLEAT__STEP_SKIP, "a", "true");
    add_task(at, "a", "");
    set_conditions(add_task(at, "b", "a"), &always, 1);
    add_task(at, "c", "");
    add_task(at, "d", "b c");
    add_task(at, "e", "c a");
    declare(at, CLEAT__STICKY_HARD);
    start(at, NULL);
    const char *roots = who_got_what();
    assert_true(strstr(roots, "a0") != NULL && strstr(roots, "c1") != NULL);
    complete(at, "a", "{}"); /* b is skipped, and was nowhere */
    complete(at, "c", "{}");
    assert_string_equal(who_got_what(), "d1");
    complete(at, "d", "{}");
    assert_string_equal(who_got_what(), "e1");
    complete(at, "e", "{}");
    assert_string_equal(tasks_of(at), "a=completed b=skipped c=completed d=completed e=completed");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_dag, close_dag)
    const struct CMUnitTest tests[] = {
        TEST(test_without_it_workers_take_turns),
        TEST(test_a_task_goes_to_the_worker_of_its_parent),
        TEST(test_the_first_task_goes_where_the_run_was_wished),
        TEST(test_soft_goes_to_another_worker_when_that_one_is_busy),
        TEST(test_hard_waits_for_it),
        TEST(test_a_retry_and_a_replay_go_there_too),
        TEST(test_it_is_known_after_a_restart),
        TEST(test_of_several_parents_the_first_counts_that_has_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
