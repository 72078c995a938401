/* Many runs that one call starts: those that have nothing of their own are stored together, and all keep their order. */
#include "core_test.h"

enum { RUNS = 21 };

static const cleat__policy plain = {.priority = 1, .execution_timeout_ms = -1, .schedule_timeout_ms = -1};

/* Those that are `odd` are children of the parent. */
static void start_all(rig *at, const bool odd[RUNS], const cleat__uuid *parent, cleat__uuid ids[RUNS])
{
    static char inputs[RUNS][8];
    cleat__trigger items[RUNS];
    for (int i = 0; i < RUNS; i++) {
        snprintf(inputs[i], sizeof(inputs[i]), "%d", i);
        items[i] = (cleat__trigger){
            .workflow = cleat_slice_of("a"), .input = cleat_slice_of(inputs[i]), .child_index = -1};
        if (odd[i]) {
            items[i].is_child = true;
            items[i].parent_id = *parent;
            items[i].child_index = i;
        }
    }
    cleat__command command = {
        .tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_TRIGGER, .as.trigger = {items, RUNS, ids}};
    assert_int_equal(ask(at, &command), CLEAT_OK);
}

static void assert_order(rig *at, const cleat__uuid ids[RUNS])
{
    char expected[RUNS * 8] = "";
    for (int i = 0; i < RUNS; i++) {
        snprintf(expected + strlen(expected), sizeof(expected) - strlen(expected), "%sA0%d", i > 0 ? " " : "",
                 i);
        assert_true(cleat__uuid_equals(&at->ears.heard[i].id, &ids[i]));
    }
    assert_string_equal(heard_text(at), expected);
}

static void test_all_of_a_call_keep_their_order(void **state)
{
    static const bool some[RUNS] = {[3] = true, [4] = true, [13] = true, [20] = true};
    rig *at = *state;
    cleat__uuid ids[RUNS], again[RUNS];
    put_task(at, "a:a", &plain);
    cleat__uuid parent = trigger(at, "a:a", "{}", 0);
    add_worker(at, "a:a", 100);
    heard_text(at);
    start_all(at, some, &parent, ids);
    assert_order(at, ids);
    assert_string_equal(state_of(at, &ids[0]), "RUNNING");
    assert_string_equal(state_of(at, &ids[RUNS - 1]), "RUNNING");
    /* The children are there already, between others that are new. */
    start_all(at, some, &parent, again);
    for (int i = 0; i < RUNS; i++) {
        assert_int_equal(cleat__uuid_equals(&ids[i], &again[i]), some[i]);
    }
    assert_int_equal(at->ears.count, RUNS - 4);
}

static void test_all_of_a_call_are_there_after_a_restart(void **state)
{
    static const bool none[RUNS];
    rig *at = *state;
    cleat__uuid ids[RUNS];
    put_task(at, "a:a", &plain);
    start_all(at, none, NULL, ids);
    crash(at);
    open_core(at);
    add_worker(at, "a:a", 100);
    assert_order(at, ids);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        TEST(test_all_of_a_call_keep_their_order),
        TEST(test_all_of_a_call_are_there_after_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
