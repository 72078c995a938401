/* Many runs that are cancelled or replayed together. */
#include "rest_test.h"

#include "engine/run_batch.h"

enum { COUNT = 1100 }; /* more than two groups */

typedef struct owner {
    cleat__run_batch batch;
    cleat__uuid ids[COUNT];
    int groups; /* after so many it does not go on */
    gate over;
} owner;

static bool goes_on(void *argument)
{
    return ((owner *)argument)->groups-- > 0;
}

static void on_over(void *argument)
{
    gate_add(&((owner *)argument)->over);
}

static owner *make(rest_world *it, cleat__command_kind kind, int groups)
{
    static const cleat__trigger none = {.child_index = -1};
    static cleat__trigger triggers[COUNT];
    owner *made = calloc(1, sizeof(*made));
    for (int i = 0; i < COUNT; i++) {
        triggers[i] = none;
        triggers[i].workflow = cleat_slice_of("greet");
    }
    assert_int_equal(cleat__engine_trigger(it->engine, 1, triggers, COUNT, made->ids), CLEAT_OK);
    made->groups = groups;
    made->batch = (cleat__run_batch){
        .engine = it->engine,
        .tenant = 1,
        .kind = kind,
        .ids = made->ids,
        .count = COUNT,
        .goes_on = goes_on,
        .done = on_over,
        .argument = made,
    };
    gate_init(&made->over);
    return made;
}

static void run(owner *it)
{
    cleat__run_batch_start(&it->batch);
    gate_wait(&it->over, 1);
}

static void release(owner *it)
{
    cleat__run_batch_deinit(&it->batch);
    gate_deinit(&it->over);
    free(it);
}

static int count_cancelled(rest_world *it)
{
    json_t *counts = get(it, "/api/v1/stable/tenants/{tenant}/task-metrics?since=2001-01-01T00:00:00Z");
    assert_string_equal(text_at(counts, "3.status"), "CANCELLED");
    int count = int_at(counts, "3.count");
    json_decref(counts);
    return count;
}

static void all_are_dealt_with_and_unknown_ones_passed_over(void **state)
{
    rest_world *it = *state;
    owner *self = make(it, CLEAT__COMMAND_CANCEL, 3);
    cleat__uuid first = self->ids[0], last = self->ids[COUNT - 1];
    self->ids[7] = (cleat__uuid){{7}};
    self->ids[700] = trigger_run(it, 2, "greet"); /* another tenant's */
    run(self);
    assert_int_equal(self->batch.status, CLEAT_OK);
    assert_int_equal(self->batch.accepted, COUNT - 2);
    assert_true(cleat__uuid_equals(&self->ids[0], &first));
    assert_true(cleat__uuid_equals(&self->ids[COUNT - 3], &last));
    assert_int_equal(count_cancelled(it), COUNT - 2);
    release(self);
}

static void it_stops_between_two_groups(void **state)
{
    rest_world *it = *state;
    owner *self = make(it, CLEAT__COMMAND_CANCEL, 1);
    run(self);
    assert_int_equal(self->batch.status, CLEAT_CANCELLED);
    assert_non_null(strstr(self->batch.error, "of 1100 runs"));
    int cancelled = count_cancelled(it);
    assert_in_range(cancelled, 1, COUNT / 2);
    assert_int_equal(self->batch.accepted, cancelled);
    release(self);
}

static void who_does_not_go_on_begins_nothing(void **state)
{
    rest_world *it = *state;
    owner *self = make(it, CLEAT__COMMAND_CANCEL, 0);
    run(self);
    assert_int_equal(self->batch.status, CLEAT_CANCELLED);
    assert_int_equal(count_cancelled(it), 0);
    release(self);
}

/* They have not ended: nothing changes, which is no failure. */
static void those_that_it_is_too_early_for_are_accepted(void **state)
{
    owner *self = make(*state, CLEAT__COMMAND_REPLAY, 3);
    run(self);
    assert_int_equal(self->batch.status, CLEAT_OK);
    assert_int_equal(self->batch.accepted, COUNT);
    release(self);
}

static void none_are_over_at_once(void **state)
{
    owner *self = make(*state, CLEAT__COMMAND_CANCEL, 0);
    self->batch.count = 0;
    run(self);
    assert_int_equal(self->batch.status, CLEAT_OK);
    assert_int_equal(self->batch.accepted, 0);
    release(self);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REST_TEST(all_are_dealt_with_and_unknown_ones_passed_over),
        REST_TEST(it_stops_between_two_groups),
        REST_TEST(who_does_not_go_on_begins_nothing),
        REST_TEST(those_that_it_is_too_early_for_are_accepted),
        REST_TEST(none_are_over_at_once),
    };
    curl_global_init(CURL_GLOBAL_ALL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
