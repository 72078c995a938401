/* What a run that is queued waits for, as far as the file says. */
#include "store_test.h"

#include "store/durable.h"
#include "store/queue_reasons.h"
#include "store/rate.h"

#define NOW_MS INT64_C(1700000000000)

typedef struct world {
    cleat__store *store;
    int64_t workflow; /* workflow.id of the type that was added last */
} world;

static int open_fixture(void **state)
{
    world *it = calloc(1, sizeof(*it));
    remove_database();
    it->store = open_store(CLEAT__STORE_WRITE_UNSYNCED);
    assert_int_equal(cleat__store_begin(it->store), CLEAT_OK);
    *state = it;
    return 0;
}

static int close_fixture(void **state)
{
    world *it = *state;
    cleat__store_rollback(it->store);
    cleat__store_close(it->store);
    free(it);
    return 0;
}

#define NEEDS "\"sticky\":0,\"durable\":false,\"slots\":{\"default\":1},\"labels\":[]"

static int64_t add_type(world *it, const char *action, const char *declaration, int64_t dag_type,
                        bool is_task)
{
    cleat__type_row row = {
        .tenant = CLEAT__TENANT_DEFAULT,
        .workflow_row = is_task ? it->workflow : 0,
        .workflow = cleat_slice_of(action),
        .task_name = cleat_slice_of(strchr(action, ':') + 1),
        .action = cleat_slice_of(action),
        .policy = {.retries = 3, .priority = 1, .backoff_factor = 2},
        .declaration = cleat_slice_of(declaration),
        .dag_type = dag_type,
        .is_dag = !is_task && dag_type == 0 && strstr(declaration, "\"tasks\"") != NULL,
    };
    assert_int_equal(cleat__type_insert(it->store, &row), CLEAT_OK);
    it->workflow = row.workflow_row;
    return row.id;
}

typedef struct made {
    const char *limits, *desired;
    const cleat__uuid *dag_id;
    bool is_held, runs;
    int64_t queued_at_ms;
} made;

static cleat__uuid add_run(world *it, uint8_t number, int64_t type_id, made as)
{
    cleat__uuid existing;
    const cleat__trigger trigger = {.input = cleat_slice_of("{}")};
    const cleat__new_task task = {
        .id = id_of(number),
        .type_id = type_id,
        .priority = 1,
        .created_at_ms = as.queued_at_ms != 0 ? as.queued_at_ms : NOW_MS,
        .trigger = &trigger,
        .limits = cleat_slice_of(as.limits),
        .desired = cleat_slice_of(as.desired),
        .dag_id = as.dag_id != NULL ? *as.dag_id : (cleat__uuid){{0}},
        .is_held = as.is_held,
    };
    assert_int_equal(cleat__transition_trigger(it->store, &task, &existing), CLEAT_OK);
    if (as.runs) {
        const cleat__attempt_key key = {.id = task.id};
        assert_int_equal(cleat__transition_assign(it->store, &key, NOW_MS), CLEAT_OK);
    }
    return task.id;
}

static void waits_for(world *it, const cleat__uuid *id, const char *expected)
{
    cleat__buffer out = {0};
    assert_int_equal(cleat__queue_reasons_load(it->store, id, NOW_MS, &out), CLEAT_OK);
    char *text = cleat__buffer_take_string(&out);
    assert_string_equal(text, expected);
    free(text);
}

/* ---- Without limits ---- */

static void a_worker_that_has_what_it_requires(void **state)
{
    world *it = *state;
    cleat__uuid id = add_run(it, 1, add_type(it, "a:b", "{" NEEDS "}", 0, false), (made){.runs = false});
    waits_for(it, &id, "[\"a worker with a free slot that takes a:b\"]");
    int64_t picky =
        add_type(it, "a:c",
                 "{\"sticky\":2,\"durable\":false,\"slots\":{\"default\":1},\"labels\":["
                 "{\"key\":\"gpu\",\"value\":\"a100\",\"comparator\":0,\"weight\":100,\"required\":true},"
                 "{\"key\":\"near\",\"value\":1,\"comparator\":0,\"weight\":100,\"required\":false}]}",
                 0, false);
    id = add_run(it, 2, picky, (made){.runs = false});
    waits_for(it, &id, "[\"a worker with a free slot that takes a:c, with gpu = a100\"]");
    id = add_run(it, 3, picky,
                 (made){.desired = "{\"worker\":\"0190a000-0000-7000-8000-000000000001\",\"labels\":[]}"});
    waits_for(it, &id,
              "[\"a free slot of the worker 0190a000-0000-7000-8000-000000000001, to which it is bound, with "
              "gpu = a100\"]");
}

static void nothing_once_it_runs(void **state)
{
    world *it = *state;
    cleat__uuid id = add_run(it, 1, add_type(it, "a:b", "{" NEEDS "}", 0, false), (made){.runs = true});
    waits_for(it, &id, "[]");
    id = id_of(77);
    waits_for(it, &id, "[]");
}

static void the_next_attempt_and_a_workflow_that_is_paused(void **state)
{
    static const struct {
        int64_t in_ms;
        const char *text;
    } rows[] = {
        {1, "in 1s"},         {61001, "in 1m2s"},   {120000, "in 2m"},
        {3600000, "in 1h"},   {3600001, "in 1h1m"}, {INT64_C(86400000) * 2, "in 48h"},
        {36000000, "in 10h"}, {600000, "in 10m"},   {10000, "in 10s"},
    };
    world *it = *state;
    char expected[128];
    int64_t type = add_type(it, "a:b", "{" NEEDS "}", 0, false);
    cleat__uuid id;
    for (uint8_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        id = add_run(it, i, type, (made){.queued_at_ms = NOW_MS + rows[i].in_ms});
        snprintf(expected, sizeof(expected), "[\"its next attempt, %s\"]", rows[i].text);
        waits_for(it, &id, expected);
    }
    const cleat__pause pause = {.is_paused = true, .ttl_ms = CLEAT__NO_TIMEOUT};
    assert_int_equal(cleat__workflow_pause(it->store, it->workflow, &pause, NOW_MS), CLEAT_OK);
    waits_for(it, &id, "[\"its workflow to go on, which is paused\",\"its next attempt, in 10s\"]");
    id = add_run(it, 99, type, (made){.runs = false});
    waits_for(it, &id, "[\"its workflow to go on, which is paused\"]");
}

/* ---- Limits ---- */

#define RULE(more) "{\"expression\":\"input.id\",\"max_runs\":2,\"strategy\":3" more "}"

static void a_slot_when_others_have_all(void **state)
{
    world *it = *state;
    int64_t type = add_type(it, "a:b", "{" NEEDS ",\"concurrency\":[" RULE("") "]}", 0, false);
    cleat__uuid id = add_run(it, 9, type, (made){.limits = "{\"arrived\":1,\"keys\":[\"x\"]}"});
    (void)add_run(it, 1, type, (made){.limits = "{\"arrived\":1,\"keys\":[\"x\"]}", .runs = true});
    (void)add_run(it, 2, type, (made){.limits = "{\"arrived\":1,\"keys\":[\"y\"]}", .runs = true});
    waits_for(it, &id, "[\"a worker with a free slot that takes a:b\"]");
    (void)add_run(it, 3, type, (made){.limits = "{\"arrived\":1,\"keys\":[\"x\"]}", .runs = true});
    waits_for(it, &id, "[\"a slot of input.id for \\\"x\\\": 2 of 2 are taken\"]");
}

static void a_slot_of_as_many_as_the_run_says(void **state)
{
    world *it = *state;
    int64_t type = add_type(
        it, "a:b", "{" NEEDS ",\"task_concurrency\":[" RULE(",\"max_runs_expression\":\"input.n\"") "]}", 0,
        false);
    cleat__uuid id =
        add_run(it, 9, type, (made){.limits = "{\"arrived\":1,\"keys\":[\"x\"],\"max_runs\":[1]}"});
    (void)add_run(it, 1, type,
                  (made){.limits = "{\"arrived\":1,\"keys\":[\"x\"],\"max_runs\":[1]}", .runs = true});
    waits_for(it, &id, "[\"a slot of input.id for \\\"x\\\": 1 of 1 is taken\"]");
}

/* By name, wherever it stands in the chains of others. */
static void a_slot_that_another_workflow_has(void **state)
{
    world *it = *state;
    int64_t one =
        add_type(it, "a:b", "{" NEEDS ",\"concurrency\":[" RULE(",\"name\":\"disk\"") "]}", 0, false);
    int64_t other = add_type(
        it, "c:d",
        "{" NEEDS ",\"concurrency\":[" RULE("") "],\"task_concurrency\":[" RULE(",\"name\":\"disk\"") "]}", 0,
        false);
    cleat__uuid id = add_run(it, 9, one, (made){.limits = "{\"arrived\":1,\"keys\":[\"x\"]}"});
    (void)add_run(it, 1, other, (made){.limits = "{\"arrived\":1,\"keys\":[\"x\",\"x\"]}", .runs = true});
    (void)add_run(it, 2, other, (made){.limits = "{\"arrived\":1,\"keys\":[\"x\",\"z\"]}", .runs = true});
    waits_for(it, &id, "[\"a worker with a free slot that takes a:b\"]");
    (void)add_run(it, 3, other, (made){.limits = "{\"arrived\":1,\"keys\":[\"z\",\"x\"]}", .runs = true});
    waits_for(it, &id, "[\"a slot of disk for \\\"x\\\": 2 of 2 are taken\"]");
}

static void put_rate(world *it, const char *key, int32_t value, int64_t refilled_ms)
{
    const cleat__rate_row row = {.tenant = CLEAT__TENANT_DEFAULT,
                                 .key = cleat_slice_of(key),
                                 .window = {10, value, 60000, refilled_ms}};
    assert_int_equal(cleat__rate_put(it->store, &row), CLEAT_OK);
}

static void units_of_rate_limits(void **state)
{
    world *it = *state;
    int64_t type = add_type(
        it, "a:b", "{" NEEDS ",\"rate_limits\":[{\"key\":\"mail\",\"units\":3,\"window\":60000}]}", 0, false);
    cleat__uuid id = add_run(
        it, 1, type,
        (made){.limits = "{\"arrived\":1,\"keys\":[],\"rates\":[[\"mail\",3],[\"calls\",1],[\"gone\",1]]}"});
    put_rate(it, "mail", 2, NOW_MS - 50000);
    put_rate(it, "calls", 1, NOW_MS - 50000);
    waits_for(it, &id, "[\"3 units of the rate limit mail: 2 of 10 are left, all of them again in 10s\"]");
    put_rate(it, "calls", 0, NOW_MS - 30000);
    put_rate(it, "mail", 2, NOW_MS - 60000); /* whose window is over */
    waits_for(it, &id, "[\"1 unit of the rate limit calls: 0 of 10 are left, all of them again in 30s\"]");
    put_rate(it, "calls", 1, NOW_MS);
    waits_for(it, &id, "[\"a worker with a free slot that takes a:b\"]");
}

static void a_batch_until_it_is_full_or_late(void **state)
{
    static const char north[] = "{\"arrived\":1,\"keys\":[],\"batch\":\"north\",\"bytes\":2}";
    world *it = *state;
    int64_t type = add_type(
        it, "a:b", "{" NEEDS ",\"batch\":{\"max_size\":3,\"interval\":60000,\"group_max_runs\":100}}", 0,
        false);
    cleat__uuid id = add_run(it, 1, type, (made){.limits = north, .queued_at_ms = NOW_MS - 20000});
    (void)add_run(it, 2, type,
                  (made){.limits = "{\"arrived\":1,\"keys\":[],\"batch\":\"south\",\"bytes\":2}"});
    (void)add_run(it, 3, type, (made){.limits = north, .runs = true});
    waits_for(it, &id, "[\"its batch of \\\"north\\\": 1 of 3 is here, it goes in 40s at the latest\"]");
    (void)add_run(it, 4, type, (made){.limits = north});
    (void)add_run(it, 5, type, (made){.limits = north});
    waits_for(it, &id, "[\"a worker with a free slot that takes a:b\"]");
    id = add_run(it, 6, type,
                 (made){.limits = "{\"arrived\":1,\"keys\":[],\"batch\":\"\",\"bytes\":2}",
                        .queued_at_ms = NOW_MS - 60000});
    waits_for(it, &id, "[\"a worker with a free slot that takes a:b\"]");
}

/* ---- Of a run of several tasks ---- */

#define TASK(name, parents)                                                                                \
    "{\"name\":\"" name "\",\"action\":\"d:" name "\",\"policy\":[0,1,0,2,0,1000,1000],\"durable\":false," \
    "\"slots\":{},\"labels\":[],\"parents\":[" parents "],\"conditions\":[]}"

typedef struct dag_world {
    cleat__uuid run, first, second, last;
} dag_world;

static dag_world add_dag(world *it, const char *rules, bool runs)
{
    char declaration[1024];
    snprintf(declaration, sizeof(declaration), "{\"sticky\":0,\"tasks\":[%s,%s,%s]%s}", TASK("one", ""),
             TASK("two", ""), TASK("three", "\"one\",\"two\""), rules);
    int64_t version = add_type(it, "d:d", declaration, 0, false);
    int64_t one = add_type(it, "d:one", "{" NEEDS "}", version, true);
    int64_t two = add_type(it, "d:two", "{" NEEDS "}", version, true);
    int64_t three = add_type(it, "d:three", "{" NEEDS "}", version, true);
    dag_world made_ids = {
        .run = add_run(
            it, 10, version,
            (made){.limits = "{\"arrived\":1,\"keys\":[\"x\"],\"first\":3}", .is_held = true, .runs = runs})};
    const cleat__uuid *of = &made_ids.run;
    made_ids.first = add_run(it, 11, one, (made){.dag_id = of, .is_held = !runs, .runs = runs});
    made_ids.second = add_run(it, 12, two, (made){.dag_id = of, .is_held = !runs});
    made_ids.last = add_run(it, 13, three, (made){.dag_id = of, .is_held = true});
    return made_ids;
}

static void complete(world *it, const cleat__uuid *id)
{
    const cleat__attempt_key key = {.id = *id, .started_at_ms = NOW_MS};
    assert_int_equal(cleat__transition_complete(it->store, &key, NOW_MS, cleat_slice_of("{}")), CLEAT_OK);
}

static void tasks_that_come_first(void **state)
{
    world *it = *state;
    dag_world ids = add_dag(it, "", true);
    waits_for(it, &ids.last, "[\"the tasks one, two\"]");
    waits_for(it, &ids.second, "[\"a worker with a free slot that takes d:two\"]");
    complete(it, &ids.first);
    waits_for(it, &ids.last, "[\"the task two\"]");
    const cleat__attempt_key second = {.id = ids.second};
    assert_int_equal(cleat__transition_assign(it->store, &second, NOW_MS), CLEAT_OK);
    complete(it, &ids.second);
    waits_for(it, &ids.last, "[\"another task of its run to fail\"]"); /* as of one without parents */
}

static void add_condition(world *it, const cleat__uuid *run, int32_t number, int32_t group, bool is_event)
{
    const cleat__condition_row row = {
        .run_id = *run,
        .node = {CLEAT__BRANCH_OF_SIGNALS, 0},
        .number = number,
        .count = 3,
        .kind = is_event ? CLEAT__PENDING_EVENT : CLEAT__PENDING_SLEEP,
        .group = group,
        .key = is_event ? cleat_slice_of("order:paid") : (cleat_slice){NULL, 0},
        .at_ms = NOW_MS + 5000,
    };
    assert_int_equal(cleat__condition_insert(it->store, &row), CLEAT_OK);
}

static void events_and_times(void **state)
{
    world *it = *state;
    dag_world ids = add_dag(it, "", false);
    add_condition(it, &ids.run, 0, 0, true);
    add_condition(it, &ids.run, 1, 0, false);
    add_condition(it, &ids.run, 2, 1, false);
    waits_for(it, &ids.first, "[\"the event order:paid or a time, in 5s\",\"a time, in 5s\"]");
    const cleat__node node = {CLEAT__BRANCH_OF_SIGNALS, 0};
    assert_int_equal(cleat__condition_meet(it->store, &ids.run, node, 1, (cleat_slice){NULL, 0}), CLEAT_OK);
    waits_for(it, &ids.first, "[\"a time, in 5s\"]");
}

static void a_run_that_has_no_slot_yet(void **state)
{
    world *it = *state;
    dag_world ids = add_dag(it, ",\"concurrency\":[" RULE("") "]", false);
    waits_for(it, &ids.run, "[\"the first of its tasks to begin\"]");
    waits_for(it, &ids.first, "[\"its run to begin\"]");
    int64_t version = read_int(it->store, "SELECT max(id) FROM task_type WHERE dag_type = 0");
    for (uint8_t i = 0; i < 2; i++) {
        (void)add_run(it, i, version,
                      (made){.limits = "{\"arrived\":1,\"keys\":[\"x\"],\"first\":3}", .runs = true});
    }
    waits_for(it, &ids.run, "[\"a slot of input.id for \\\"x\\\": 2 of 2 are taken\"]");
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        TEST(a_worker_that_has_what_it_requires),
        TEST(nothing_once_it_runs),
        TEST(the_next_attempt_and_a_workflow_that_is_paused),
        TEST(a_slot_when_others_have_all),
        TEST(a_slot_of_as_many_as_the_run_says),
        TEST(a_slot_that_another_workflow_has),
        TEST(units_of_rate_limits),
        TEST(a_batch_until_it_is_full_or_late),
        TEST(tasks_that_come_first),
        TEST(events_and_times),
        TEST(a_run_that_has_no_slot_yet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
