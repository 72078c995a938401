/* Keys of idempotency: who gets one, who is refused, and when a key is free again. */
#include "core_test.h"

#include "store/idempotency.h"

static const cleat__policy policy = {
    .priority = 1,
    .retries = 1,
    .execution_timeout_ms = CLEAT__NO_TIMEOUT,
    .schedule_timeout_ms = 60000,
};

enum { TTL_MS = 10000 };

static void put(rig *at, int64_t tenant, const char *action, const char *expression,
                cleat_idempotency_method method)
{
    const cleat__idempotency rule = {
        .expression = cleat_slice_of(expression), .ttl_ms = TTL_MS, .method = method};
    const cleat_slice key = cleat_slice_of("k");
    cleat__workflow workflow = workflow_of(action, &policy);
    workflow.idempotency = &rule;
    workflow.event_keys = &key;
    workflow.event_key_count = 1;
    assert_int_equal(put_workflow(at, tenant, &workflow, NULL), CLEAT_OK);
}

typedef struct answer {
    cleat_status status;
    cleat__uuid ids[4], refused[4];
    char sentence[256];
} answer;

static answer trigger_many(rig *at, int64_t tenant, const cleat__trigger *items, size_t count)
{
    answer it = {.status = CLEAT_OK};
    cleat__command command = {.tenant = tenant,
                              .kind = CLEAT__COMMAND_TRIGGER,
                              .refused = it.refused,
                              .as.trigger = {items, count, it.ids}};
    step(at, &command, 1);
    it.status = command.status;
    (void)snprintf(it.sentence, sizeof(it.sentence), "%s", command.error != NULL ? command.error : "");
    cleat__free(command.error);
    return it;
}

static cleat__trigger run_of(const char *workflow, const char *input)
{
    return (cleat__trigger){
        .workflow = cleat_slice_of(workflow), .input = cleat_slice_of(input), .child_index = -1};
}

static answer start(rig *at, const char *workflow, const char *input)
{
    const cleat__trigger item = run_of(workflow, input);
    return trigger_many(at, CLEAT__TENANT_DEFAULT, &item, 1);
}

static cleat__uuid started(rig *at, const char *workflow, const char *input)
{
    answer it = start(at, workflow, input);
    if (it.status != CLEAT_OK) {
        fail_msg("%s", it.sentence);
    }
    assert_true(cleat__uuid_is_nil(&it.refused[0]));
    return it.ids[0];
}

static void collides(rig *at, const char *workflow, const char *input, const cleat__uuid *with)
{
    char id[37];
    answer it = start(at, workflow, input);
    assert_int_equal(it.status, CLEAT_ALREADY_EXISTS);
    assert_true(cleat__uuid_equals(&it.ids[0], with));
    assert_false(cleat__uuid_is_nil(&it.refused[0]));
    assert_false(cleat__uuid_equals(&it.refused[0], with));
    cleat__uuid_format(with, id);
    assert_non_null(strstr(it.sentence, "idempotency key collision"));
    assert_non_null(strstr(it.sentence, id));
    char own[64]; /* who has the key may be of another */
    (void)snprintf(own, sizeof(own), "which this run of \"%s\" would have", workflow);
    assert_non_null(strstr(it.sentence, own));
}

static void test_one_key_starts_one_run(void **state)
{
    rig *at = *state;
    put(at, 1, "a:a", "input.id", CLEAT_IDEMPOTENCY_TTL);
    add_worker(at, "a:a", 9);
    cleat__uuid id = started(at, "a", "{\"id\":\"x\",\"n\":1}");
    assert_string_equal(heard_text(at), "A0{\"id\":\"x\",\"n\":1}");
    collides(at, "a", "{\"id\":\"x\",\"n\":2}", &id);
    assert_string_equal(heard_text(at), "");
    started(at, "a", "{\"id\":\"y\"}");
    assert_string_equal(heard_text(at), "A0{\"id\":\"y\"}");
    assert_int_equal(count_of("SELECT count(*) FROM task"), 2);
}

/* By its time, whether it has ended or not. */
static void test_a_key_is_free_when_its_time_is_over(void **state)
{
    rig *at = *state;
    put(at, 1, "a:a", "input.id", CLEAT_IDEMPOTENCY_TTL);
    add_worker(at, "a:a", 9);
    cleat__uuid id = started(at, "a", "{\"id\":\"x\"}");
    assert_int_equal(report(at, &id, 0, CLEAT_OK, "1"), CLEAT_OK);
    advance(at, TTL_MS - 1);
    collides(at, "a", "{\"id\":\"x\"}", &id);
    advance(at, 1);
    cleat__uuid second = started(at, "a", "{\"id\":\"x\"}");
    collides(at, "a", "{\"id\":\"x\"}", &second);
}

/* However it ends, but not between its attempts. */
static void test_a_key_of_the_status_is_free_when_its_run_has_ended(void **state)
{
    rig *at = *state;
    put(at, 1, "a:a", "input.id", CLEAT_IDEMPOTENCY_STATUS);
    add_worker(at, "a:a", 1);
    cleat__uuid id = started(at, "a", "{\"id\":\"x\"}");
    collides(at, "a", "{\"id\":\"x\"}", &id);
    assert_int_equal(report(at, &id, 0, CLEAT_FAILED, "no"), CLEAT_OK);
    collides(at, "a", "{\"id\":\"x\"}", &id);
    assert_int_equal(report(at, &id, 1, CLEAT_FAILED, "no"), CLEAT_OK);
    id = started(at, "a", "{\"id\":\"x\"}");
    assert_int_equal(report(at, &id, 0, CLEAT_OK, "1"), CLEAT_OK);
    id = started(at, "a", "{\"id\":\"x\"}");
    assert_int_equal(cancel(at, &id), CLEAT_OK);
    id = started(at, "a", "{\"id\":\"x\"}");
    cleat__uuid waits = started(at, "a", "{\"id\":\"y\"}"); /* the only slot is taken */
    advance(at, TTL_MS - 1);
    collides(at, "a", "{\"id\":\"y\"}", &waits);
    advance(at, 1); /* at most its time */
    started(at, "a", "{\"id\":\"y\"}");
    assert_int_equal(cancel(at, &waits), CLEAT_OK); /* gives back what it does not have any more: nothing */
    assert_int_equal(start(at, "a", "{\"id\":\"y\"}").status, CLEAT_ALREADY_EXISTS);
}

static void test_workflows_share_keys_and_tenants_do_not(void **state)
{
    rig *at = *state;
    put(at, 1, "a:a", "input.id", CLEAT_IDEMPOTENCY_TTL);
    put(at, 1, "b:b", "'x'", CLEAT_IDEMPOTENCY_STATUS);
    put(at, 2, "a:a", "input.id", CLEAT_IDEMPOTENCY_TTL);
    assert_int_equal(put_task(at, "c:c", &policy), CLEAT_OK);
    cleat__uuid id = started(at, "a", "{\"id\":\"x\"}");
    collides(at, "b", "{}", &id);
    started(at, "c", "{\"id\":\"x\"}");
    const cleat__trigger item = run_of("a", "{\"id\":\"x\"}");
    assert_int_equal(trigger_many(at, 2, &item, 1).status, CLEAT_OK);
    assert_int_equal(trigger_many(at, 2, &item, 1).status, CLEAT_ALREADY_EXISTS);
}

static void test_a_run_without_a_key_is_refused(void **state)
{
    rig *at = *state;
    put(at, 1, "a:a", "input.id", CLEAT_IDEMPOTENCY_TTL);
    answer it = start(at, "a", "{}");
    assert_int_equal(it.status, CLEAT_INVALID_ARGUMENT);
    assert_non_null(strstr(it.sentence, "idempotency key"));
    const cleat__trigger items[] = {run_of("a", "{\"id\":\"x\"}"), run_of("a", "{\"id\":7}")};
    assert_int_equal(trigger_many(at, 1, items, 2).status, CLEAT_INVALID_ARGUMENT);
    assert_int_equal(count_of("SELECT count(*) FROM task"), 0);
    started(at, "a", "{\"id\":\"x\"}"); /* which nobody has */
}

static void test_of_many_those_without_a_collision_start(void **state)
{
    rig *at = *state;
    put(at, 1, "a:a", "input.id", CLEAT_IDEMPOTENCY_TTL);
    assert_int_equal(put_task(at, "c:c", &policy), CLEAT_OK);
    cleat__uuid id = started(at, "a", "{\"id\":\"x\"}");
    const cleat__trigger items[] = {run_of("c", "{}"), run_of("a", "{\"id\":\"x\"}"),
                                    run_of("a", "{\"id\":\"y\"}"), run_of("a", "{\"id\":\"y\"}")};
    answer it = trigger_many(at, 1, items, 4);
    assert_int_equal(it.status, CLEAT_ALREADY_EXISTS);
    assert_true(cleat__uuid_is_nil(&it.refused[0]) && cleat__uuid_is_nil(&it.refused[2]));
    assert_false(cleat__uuid_is_nil(&it.refused[1]) || cleat__uuid_is_nil(&it.refused[3]));
    assert_true(cleat__uuid_equals(&it.ids[1], &id));
    assert_true(cleat__uuid_equals(&it.ids[3], &it.ids[2]));
    assert_string_equal(state_of(at, &it.ids[0]), "QUEUED");
    assert_string_equal(state_of(at, &it.ids[2]), "QUEUED");
    assert_int_equal(count_of("SELECT count(*) FROM task"), 3);
    it = trigger_many(at, 1, &items[1], 3); /* none starts */
    assert_int_equal(it.status, CLEAT_ALREADY_EXISTS);
    assert_int_equal(count_of("SELECT count(*) FROM task"), 3);
}

/* A parent that runs again asks for the child that it has. */
static void test_a_child_is_found_before_its_key_is_looked_at(void **state)
{
    rig *at = *state;
    put(at, 1, "a:a", "input.id", CLEAT_IDEMPOTENCY_TTL);
    assert_int_equal(put_task(at, "c:c", &policy), CLEAT_OK);
    cleat__uuid parent = started(at, "c", "{}");
    cleat__trigger child = run_of("a", "{\"id\":\"x\"}");
    child.is_child = true;
    child.parent_id = parent;
    child.child_index = 0;
    answer first = trigger_many(at, 1, &child, 1);
    assert_int_equal(first.status, CLEAT_OK);
    answer again = trigger_many(at, 1, &child, 1);
    assert_int_equal(again.status, CLEAT_OK);
    assert_true(cleat__uuid_equals(&first.ids[0], &again.ids[0]));
    child.child_index = 1;
    again = trigger_many(at, 1, &child, 1);
    assert_int_equal(again.status, CLEAT_ALREADY_EXISTS);
    assert_true(cleat__uuid_equals(&first.ids[0], &again.ids[0]));
    cleat__trigger twice[] = {child, child};
    twice[0].input = twice[1].input = cleat_slice_of("{\"id\":\"y\"}");
    again = trigger_many(at, 1, twice, 2);
    assert_int_equal(again.status, CLEAT_OK);
    assert_true(cleat__uuid_equals(&again.ids[0], &again.ids[1]));
}

static cleat_status push(rig *at, const char *payload)
{
    cleat__uuid id;
    const cleat__user_event event = {.key = cleat_slice_of("k"), .payload = cleat_slice_of(payload)};
    cleat__command command = {.tenant = 1, .kind = CLEAT__COMMAND_PUSH, .as.push = {&event, 1, &id, NULL}};
    return ask(at, &command);
}

static void test_an_event_says_nothing_of_a_collision(void **state)
{
    rig *at = *state;
    put(at, 1, "a:a", "input.id", CLEAT_IDEMPOTENCY_TTL);
    put(at, 1, "b:b", "'b-' + input.id + additional_metadata.hatchet__event_key", CLEAT_IDEMPOTENCY_STATUS);
    add_worker(at, "a:a", 9);
    add_worker(at, "b:b", 9);
    assert_int_equal(push(at, "{\"id\":\"x\"}"), CLEAT_OK);
    assert_string_equal(heard_text(at), "A0{\"id\":\"x\"} A0{\"id\":\"x\"}");
    assert_int_equal(push(at, "{\"id\":\"x\"}"), CLEAT_OK);
    assert_int_equal(push(at, "{}"), CLEAT_OK); /* of which no key can be made */
    assert_string_equal(heard_text(at), "");
    assert_int_equal(count_of("SELECT count(*) FROM event"), 3);
    assert_int_equal(count_of("SELECT count(*) FROM task"), 2);
}

static void test_a_schedule_takes_its_key_when_it_fires(void **state)
{
    rig *at = *state;
    put(at, 1, "a:a", "input.id", CLEAT_IDEMPOTENCY_TTL);
    add_worker(at, "a:a", 9);
    const cleat__schedule schedule = {.workflow = cleat_slice_of("a"),
                                      .input = cleat_slice_of("{\"id\":\"x\"}")};
    int64_t at_ms[] = {at->now.unix_ms + 100, at->now.unix_ms + 200};
    cleat__uuid ids[2];
    cleat__command command = {
        .tenant = 1, .kind = CLEAT__COMMAND_SCHEDULE, .as.schedule = {&schedule, at_ms, 2, ids}};
    assert_int_equal(ask(at, &command), CLEAT_OK);
    advance(at, 1000);
    assert_string_equal(heard_text(at), "A0{\"id\":\"x\"}"); /* and the second is gone */
    assert_int_equal(count_of("SELECT count(*) FROM schedule"), 0);
    const cleat__schedule keyless = {.workflow = cleat_slice_of("a")};
    command.as.schedule.schedule = &keyless;
    assert_int_equal(ask(at, &command), CLEAT_INVALID_ARGUMENT);
}

static void test_keys_survive_a_restart(void **state)
{
    rig *at = *state;
    put(at, 1, "a:a", "input.id", CLEAT_IDEMPOTENCY_TTL);
    put(at, 1, "b:b", "input.id", CLEAT_IDEMPOTENCY_STATUS);
    cleat__uuid x = started(at, "a", "{\"id\":\"x\"}"), y = started(at, "b", "{\"id\":\"y\"}");
    crash(at);
    open_core(at);
    collides(at, "a", "{\"id\":\"x\"}", &x);
    collides(at, "b", "{\"id\":\"y\"}", &y);
    assert_int_equal(cancel(at, &x), CLEAT_OK);
    assert_int_equal(cancel(at, &y), CLEAT_OK);
    crash(at);
    open_core(at);
    collides(at, "a", "{\"id\":\"x\"}", &x);
    started(at, "b", "{\"id\":\"y\"}");
}

/* It is the same run, which has had its turn. */
static void test_a_replay_does_not_ask_for_the_key(void **state)
{
    rig *at = *state;
    put(at, 1, "a:a", "input.id", CLEAT_IDEMPOTENCY_STATUS);
    add_worker(at, "a:a", 9);
    cleat__uuid first = started(at, "a", "{\"id\":\"x\"}");
    assert_int_equal(report(at, &first, 0, CLEAT_OK, "1"), CLEAT_OK);
    cleat__uuid second = started(at, "a", "{\"id\":\"x\"}");
    assert_int_equal(tell_worker(at, CLEAT__COMMAND_REPLAY, &first), CLEAT_OK);
    assert_int_equal(report(at, &first, 1, CLEAT_OK, "2"), CLEAT_OK);
    collides(at, "a", "{\"id\":\"x\"}", &second);
}

static void test_a_new_version_has_its_own_rule(void **state)
{
    rig *at = *state;
    put(at, 1, "a:a", "input.id", CLEAT_IDEMPOTENCY_STATUS);
    add_worker(at, "a:a", 9);
    cleat__uuid id = started(at, "a", "{\"id\":\"x\"}");
    put(at, 1, "a:a", "input.id", CLEAT_IDEMPOTENCY_TTL);
    assert_int_equal(report(at, &id, 0, CLEAT_OK, "1"), CLEAT_OK); /* by the rule it began with */
    started(at, "a", "{\"id\":\"x\"}");
    assert_int_equal(put_task(at, "a:a", &policy), CLEAT_OK);
    started(at, "a", "{\"id\":\"x\"}");
    started(at, "a", "{}");
}

/* What nobody can ask for any more does not stay. */
static void test_old_keys_are_forgotten(void **state)
{
    rig *at = *state;
    char input[32];
    put(at, 1, "a:a", "input.id", CLEAT_IDEMPOTENCY_TTL);
    for (int i = 0; i < 40; i++) {
        (void)snprintf(input, sizeof(input), "{\"id\":\"%d\"}", i);
        started(at, "a", input);
        advance(at, TTL_MS / 4);
    }
    assert_true(count_of("SELECT count(*) FROM idempotency") <= 6);
}

/* Only one that goes on as a new run hands its key on (chain_hand_over_test.c). */
static void test_a_child_of_its_kind_is_refused_as_any_other(void **state)
{
    rig *at = *state;
    const cleat__idempotency rule = {
        .expression = cleat_slice_of("'the one'"), .ttl_ms = TTL_MS, .method = CLEAT_IDEMPOTENCY_STATUS};
    cleat__workflow workflow = workflow_of("a:a", &policy);
    workflow.idempotency = &rule;
    task_of(&workflow)->is_durable = true;
    assert_int_equal(put_workflow(at, CLEAT__TENANT_DEFAULT, &workflow, NULL), CLEAT_OK);
    cleat__uuid parent = started(at, "a", "{}");
    cleat__trigger child = run_of("a", "{}");
    child.is_child = true;
    child.parent_id = parent;
    child.child_index = 0;
    answer made = trigger_many(at, CLEAT__TENANT_DEFAULT, &child, 1);
    assert_int_equal(made.status, CLEAT_ALREADY_EXISTS);
    collides(at, "a", "{}", &parent);
}

static int count_up(void *argument)
{
    (*(int64_t *)argument)++;
    return 0;
}

/* However many keys there are, and whether or not some have expired. */
static void test_a_key_takes_few_steps(void **state)
{
    enum { KEYS = 5000 };
    cleat__store *store = NULL;
    char key[32];
    int64_t steps = 0;
    const cleat__uuid run = {{1}};
    crash(*state);
    assert_int_equal(cleat__store_open(FILE_NAME, CLEAT__STORE_WRITE_UNSYNCED, &store), CLEAT_OK);
    assert_int_equal(cleat__store_begin(store), CLEAT_OK);
    for (int i = 0; i < KEYS; i++) {
        (void)snprintf(key, sizeof(key), "%d", i);
        assert_int_equal(
            cleat__idempotency_put(store, 1, cleat_slice_of(key), &run, i % 2 != 0 ? 10 : 1000000, 0),
            CLEAT_OK);
    }
    sqlite3_progress_handler(cleat__store_db(store), 1, count_up, &steps);
    assert_int_equal(cleat__idempotency_put(store, 1, cleat_slice_of("new"), &run, 1000000, 11), CLEAT_OK);
    assert_true(steps < 500);
    assert_int_equal(cleat__store_commit(store), CLEAT_OK);
    cleat__store_close(store);
    open_core(*state);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        TEST(test_one_key_starts_one_run),
        TEST(test_a_key_is_free_when_its_time_is_over),
        TEST(test_a_key_of_the_status_is_free_when_its_run_has_ended),
        TEST(test_workflows_share_keys_and_tenants_do_not),
        TEST(test_a_run_without_a_key_is_refused),
        TEST(test_of_many_those_without_a_collision_start),
        TEST(test_a_child_is_found_before_its_key_is_looked_at),
        TEST(test_an_event_says_nothing_of_a_collision),
        TEST(test_a_schedule_takes_its_key_when_it_fires),
        TEST(test_keys_survive_a_restart),
        TEST(test_a_replay_does_not_ask_for_the_key),
        TEST(test_a_new_version_has_its_own_rule),
        TEST(test_old_keys_are_forgotten),
        TEST(test_a_child_of_its_kind_is_refused_as_any_other),
        TEST(test_a_key_takes_few_steps),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
