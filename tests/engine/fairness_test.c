/*
 * Who has ten thousand runs does not hold up who has ten. One has MANY, which came first, and each of the others FEW:
 * keys of a concurrency rule, tasks of one worker, tenants. What is asserted is the order in which they are served.
 */
#include "core_test.h"

#include <inttypes.h>

enum {
    MANY = 10000,
    FEW = 10,
    ALL = 100,         /* the one with many, which is number 0, and the others */
    SERVED_MAX = 4096, /* of which the test looks at the order */
};

static const cleat__policy policy = {
    .priority = 1, .execution_timeout_ms = CLEAT__NO_TIMEOUT, .schedule_timeout_ms = CLEAT__NO_TIMEOUT};

/* What workers got, in that order. */
typedef struct served {
    cleat__uuid id;
    int32_t retry_count;
    int whose;
} served;

static struct {
    served items[SERVED_MAX];
    size_t count;
} given;

static void take(void *self, cleat__assignment *list)
{
    (void)self;
    while (list != NULL) {
        cleat__assignment *next = list->next;
        served *item = &given.items[given.count++];
        assert_true(given.count < SERVED_MAX);
        *item = (served){.id = list->task_id, .retry_count = list->retry_count};
        assert_int_equal(sscanf(list->input.data, "{\"k\":\"%d\"}", &item->whose), 1);
        cleat__free(list);
        list = next;
    }
}

static void take_cancel(void *self, const cleat__uuid *id, int32_t retry_count)
{
    (void)self, (void)id, (void)retry_count;
}

static void start(rig *at, int64_t tenant, const char *workflow, int whose)
{
    static cleat__trigger items[MANY];
    static cleat__uuid ids[MANY];
    char input[32];
    size_t count = whose == 0 ? MANY : FEW;
    snprintf(input, sizeof(input), "{\"k\":\"%d\"}", whose);
    for (size_t i = 0; i < count; i++) {
        items[i] = (cleat__trigger){
            .workflow = cleat_slice_of(workflow), .input = cleat_slice_of(input), .child_index = -1};
    }
    cleat__command command = {
        .tenant = tenant, .kind = CLEAT__COMMAND_TRIGGER, .as.trigger = {items, count, ids}};
    assert_int_equal(ask(at, &command), CLEAT_OK);
}

static void hire(rig *at, const cleat_slice *actions, size_t count)
{
    cleat__uuid id;
    const joining how = {0, actions, count, 1, {NULL, take, take_cancel}};
    assert_int_equal(join_worker(at, how, &id), CLEAT_OK);
}

/* The worker has one slot: the next one comes when this one has ended. */
static int serve(rig *at, size_t number)
{
    assert_int_equal(given.count, number + 1);
    const served *item = &given.items[number];
    int whose = item->whose;
    assert_int_equal(report(at, &item->id, item->retry_count, CLEAT_OK, "1"), CLEAT_OK);
    return whose;
}

/* ---- Keys of a concurrency rule ---- */

static void start_keys(rig *at)
{
    const cleat__concurrency rule = {
        .expression = cleat_slice_of("input.k"), .max_runs = 1000, .strategy = CLEAT_GROUP_ROUND_ROBIN};
    cleat__workflow workflow = workflow_of("a:a", &policy);
    workflow.concurrency = &rule;
    workflow.concurrency_count = 1;
    assert_int_equal(put_workflow(at, CLEAT__TENANT_DEFAULT, &workflow, NULL), CLEAT_OK);
    for (int i = 0; i < ALL; i++) {
        start(at, CLEAT__TENANT_DEFAULT, "a", i);
    }
}

static void test_each_key_has_its_turn(void **state)
{
    rig *at = *state;
    const cleat_slice action = cleat_slice_of("a:a");
    start_keys(at);
    hire(at, &action, 1);
    for (size_t i = 0; i < FEW * ALL; i++) {
        assert_int_equal(serve(at, i), i % ALL);
    }
    for (size_t i = FEW * ALL; i < FEW * ALL + 10; i++) {
        assert_int_equal(serve(at, i), 0);
    }
}

/* Whose turn it was is not stored: behind what was running then turns begin anew, and from one of a key to its next one
 * there is at most one of each other key. */
static void test_each_key_has_its_turn_after_a_restart(void **state)
{
    enum { BEFORE = 3 * ALL + ALL / 2 };
    rig *at = *state;
    const cleat_slice action = cleat_slice_of("a:a");
    size_t left = FEW * (ALL - 1), last[ALL], number = 0;
    start_keys(at);
    hire(at, &action, 1);
    for (; number < BEFORE; number++) {
        left -= serve(at, number) != 0;
    }
    int running = given.items[BEFORE].whose;
    crash(at);
    open_core(at);
    given.count = BEFORE;
    hire(at, &action, 1);
    assert_int_equal(given.items[BEFORE].whose, running);
    for (size_t i = 0; i < ALL; i++) {
        last[i] = BEFORE;
    }
    for (; left > 0; number++) {
        int whose = serve(at, number);
        assert_true(number <= last[whose] + ALL);
        last[whose] = number;
        left -= whose != 0;
    }
    assert_true(number <= BEFORE + 1 + (FEW - BEFORE / ALL) * ALL);
}

/* ---- Tasks of one worker ---- */

static char names[ALL][8], actions[ALL][16];
static cleat_slice action_list[ALL];

static void declare_each(rig *at)
{
    for (int i = 0; i < ALL; i++) {
        snprintf(names[i], sizeof(names[i]), "w%d", i);
        snprintf(actions[i], sizeof(actions[i]), "w%d:w%d", i, i);
        action_list[i] = cleat_slice_of(actions[i]);
        assert_int_equal(put_task(at, actions[i], &policy), CLEAT_OK);
        start(at, CLEAT__TENANT_DEFAULT, names[i], i);
    }
}

static void test_each_task_of_a_worker_has_its_turn(void **state)
{
    rig *at = *state;
    declare_each(at);
    hire(at, action_list, ALL);
    for (size_t i = 0; i < FEW * ALL; i++) {
        assert_int_equal(serve(at, i), i % ALL);
    }
    assert_int_equal(serve(at, FEW * ALL), 0);
}

/* ---- Tenants ---- */

/* The first is there. */
static void add_tenants(rig *at)
{
    cleat__store *store = NULL;
    crash(at);
    assert_int_equal(cleat__store_open(FILE_NAME, CLEAT__STORE_WRITE_UNSYNCED, &store), CLEAT_OK);
    assert_int_equal(sqlite3_exec(cleat__store_db(store),
                                  "WITH n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 100) "
                                  "INSERT INTO tenant SELECT i, randomblob(16), 'tenant ' || i, 1 FROM n",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    cleat__store_close(store);
    open_core(at);
}

/* Each has a worker that could take all of his at once. They come together, so that one step has it all to do. */
static void hire_for_each(rig *at)
{
    static cleat__command commands[ALL];
    static const cleat_slice action = {"a:a", 3};
    static const cleat__slots slots = {{"default", 7}, MANY};
    static const cleat__worker_spec spec = {
        .actions = &action, .action_count = 1, .slots = &slots, .slot_count = 1};
    static cleat__uuid ids[ALL];
    for (size_t i = 0; i < ALL; i++) {
        commands[i] = (cleat__command){.tenant = (int64_t)i + 1,
                                       .kind = CLEAT__COMMAND_WORKER_JOIN,
                                       .as.worker_join = {&spec, {NULL, take, take_cancel}, &ids[i], NULL}};
    }
    step(at, commands, ALL);
    for (size_t i = 0; i < ALL; i++) {
        assert_int_equal(commands[i].status, CLEAT_OK);
    }
}

/* A step hands out a thousand runs: those of who has few are all among them. */
static void check_first_step(size_t from)
{
    size_t counts[ALL] = {0};
    assert_int_equal(given.count, from + FEW * ALL);
    for (size_t i = from; i < given.count; i++) {
        counts[given.items[i].whose]++;
    }
    for (size_t i = 0; i < ALL; i++) {
        assert_int_equal(counts[i], FEW);
    }
}

static void test_each_tenant_has_its_turn(void **state)
{
    rig *at = *state;
    cleat__workflow workflow = workflow_of("a:a", &policy);
    add_tenants(at);
    for (int i = 0; i < ALL; i++) {
        assert_int_equal(put_workflow(at, i + 1, &workflow, NULL), CLEAT_OK);
        start(at, i + 1, "a", i);
    }
    hire_for_each(at);
    check_first_step(0);
    crash(at); /* all of them lose what they had, and get it again before anything else */
    open_core(at);
    hire_for_each(at);
    check_first_step(FEW * ALL);
}

static int setup(void **state)
{
    memset(&given, 0, sizeof(given));
    return open_fixture(state);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, close_fixture)
    const struct CMUnitTest tests[] = {
        TEST(test_each_key_has_its_turn),
        TEST(test_each_key_has_its_turn_after_a_restart),
        TEST(test_each_task_of_a_worker_has_its_turn),
        TEST(test_each_tenant_has_its_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
