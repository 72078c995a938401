/* What the queue was like, from the times that are stored. */
#include "store_test.h"

#include "store/durable.h"
#include "store/note.h"
#include "store/queue_history.h"

#define BASE_MS INT64_C(0x019000000000)
enum { OTHER_TENANT = 7 };

/* Times below are milliseconds behind BASE_MS. */

static cleat__uuid run_id(int64_t created_ms, uint8_t number)
{
    cleat__uuid id = cleat__uuid_first(BASE_MS + created_ms);
    id.bytes[6] |= 0x70; /* version 7 */
    id.bytes[15] = number;
    return id;
}

static int64_t add_type(cleat__store *store, int64_t tenant, int64_t schedule_timeout_ms)
{
    cleat__type_row row = {
        .tenant = tenant,
        .workflow = cleat_slice_of("orders"),
        .task_name = cleat_slice_of("pack"),
        .action = cleat_slice_of("orders:pack"),
        .policy = {.retries = 3,
                   .priority = 1,
                   .backoff_initial_ms = 500,
                   .backoff_factor = 2,
                   .backoff_max_ms = 60000,
                   .schedule_timeout_ms = schedule_timeout_ms},
        .declaration = cleat_slice_of("{}"),
    };
    assert_int_equal(cleat__type_insert(store, &row), CLEAT_OK);
    return row.id;
}

static cleat__uuid add_to(cleat__store *store, int64_t type, int64_t created_ms, uint8_t number, bool is_held)
{
    cleat__uuid existing;
    const cleat__uuid nil = {{0}};
    const cleat__trigger trigger = {.input = cleat_slice_of("{}")};
    const cleat__new_task task = {
        .id = run_id(created_ms, number),
        .type_id = type,
        .priority = 1,
        .created_at_ms = BASE_MS + created_ms,
        .trigger = &trigger,
        .dag_id = is_held ? run_id(created_ms, 100) : nil,
        .is_held = is_held,
    };
    assert_int_equal(cleat__transition_trigger(store, &task, &existing), CLEAT_OK);
    return task.id;
}

static cleat__uuid add_run(cleat__store *store, int64_t type, int64_t created_ms, uint8_t number)
{
    return add_to(store, type, created_ms, number, false);
}

static void start(cleat__store *store, const cleat__uuid *id, int32_t retry, int64_t at_ms)
{
    const cleat__attempt_key key = {.id = *id, .retry_count = retry};
    assert_int_equal(cleat__transition_assign(store, &key, BASE_MS + at_ms), CLEAT_OK);
}

static void complete(cleat__store *store, const cleat__uuid *id, int32_t retry, int64_t started_ms,
                     int64_t at_ms)
{
    const cleat__attempt_key key = {.id = *id, .retry_count = retry, .started_at_ms = BASE_MS + started_ms};
    assert_int_equal(cleat__transition_complete(store, &key, BASE_MS + at_ms, cleat_slice_of("1")), CLEAT_OK);
}

/* A run that waits between two times, and has ended later. */
static void add_wait(cleat__store *store, int64_t type, uint8_t number, int64_t from_ms, int64_t to_ms)
{
    cleat__uuid id = add_run(store, type, from_ms, number);
    start(store, &id, 0, to_ms);
    complete(store, &id, 0, to_ms, to_ms + 10000);
}

static int open_fixture(void **state)
{
    remove_database();
    *state = open_store(CLEAT__STORE_WRITE_UNSYNCED);
    assert_int_equal(cleat__store_begin(*state), CLEAT_OK);
    return 0;
}

static int close_fixture(void **state)
{
    cleat__store_rollback(*state);
    cleat__store_close(*state);
    return 0;
}

static cleat__queue_history history(cleat__store *store, int64_t since_ms, int64_t until_ms, int32_t buckets)
{
    cleat__queue_history out;
    const cleat__queue_history_filter filter = {
        .tenant = CLEAT__TENANT_DEFAULT,
        .since_ms = BASE_MS + since_ms,
        .until_ms = BASE_MS + until_ms,
        .buckets = buckets,
    };
    assert_int_equal(cleat__queue_history_load(store, &filter, &out), CLEAT_OK);
    return out;
}

/* "depth/age" of each bucket. */
static void assert_history(const cleat__queue_history *self, const char *expected)
{
    char text[256] = "";
    for (int32_t i = 0; i < self->bucket_count; i++) {
        snprintf(text + strlen(text), sizeof(text) - strlen(text), i == 0 ? "%d/%d" : " %d/%d",
                 (int)self->buckets[i].depth, (int)self->buckets[i].oldest_age_ms);
    }
    assert_string_equal(text, expected);
}

static void test_depth_and_age(void **state)
{
    cleat__store *store = *state;
    int64_t type = add_type(store, CLEAT__TENANT_DEFAULT, 300000);
    add_wait(store, type, 1, 1000, 1500); /* inside a bucket */
    add_wait(store, type, 2, 1500, 1600); /* begins when the one before ends: they are not two */
    add_wait(store, type, 3, 2900, 4100); /* over three */
    add_wait(store, type, 4, 3000, 3001); /* beside it */
    add_wait(store, type, 5, 5000, 5000); /* at once */
    cleat__queue_history out = history(store, 1000, 6000, 5);
    assert_int_equal(out.bucket_count, 5);
    assert_true(out.is_complete);
    assert_int_equal(out.buckets[0].at_ms, BASE_MS + 1000);
    assert_int_equal(out.buckets[4].at_ms, BASE_MS + 5000);
    assert_history(&out, "1/500 1/100 2/1100 1/1200 0/0");
    out = history(store, 1200, 3200, 1);
    assert_history(&out, "2/500");
    out = history(store, 10000, 20000, 2);
    assert_history(&out, "0/0 0/0");
}

static void test_what_still_waits(void **state)
{
    cleat__store *store = *state;
    int64_t type = add_type(store, CLEAT__TENANT_DEFAULT, 300000);
    add_run(store, type, 1000, 1);
    add_run(store, type, 2500, 2);
    cleat__uuid running = add_run(store, type, 1000, 3);
    start(store, &running, 0, 1200);
    add_run(store, type, 9000, 4); /* later than what is asked for */
    cleat__queue_history out = history(store, 1000, 4000, 3);
    assert_history(&out, "2/1000 2/2000 2/3000");
}

/* The next attempt is due behind the back-off: 500 ms, then 1,000. */
static void test_retries_wait_when_they_are_due(void **state)
{
    cleat__store *store = *state;
    int64_t type = add_type(store, CLEAT__TENANT_DEFAULT, 300000);
    cleat__uuid id = add_run(store, type, 1000, 1);
    cleat__requeue next = {.retry_count = 1, .queued_at_ms = BASE_MS + 2700};
    start(store, &id, 0, 1100);
    cleat__attempt_key key = {.id = id, .started_at_ms = BASE_MS + 1100};
    assert_int_equal(cleat__transition_retry(store, &key, BASE_MS + 2200, cleat_slice_of("no"), &next),
                     CLEAT_OK);
    cleat__queue_history out = history(store, 1000, 4000, 3);
    assert_history(&out, "1/100 1/300 1/1300"); /* as it is stored while it waits */
    start(store, &id, 1, 2900);
    key = (cleat__attempt_key){.id = id, .retry_count = 1, .started_at_ms = BASE_MS + 2900};
    next = (cleat__requeue){.retry_count = 2, .queued_at_ms = BASE_MS + 4100};
    assert_int_equal(cleat__transition_retry(store, &key, BASE_MS + 3100, cleat_slice_of("no"), &next),
                     CLEAT_OK);
    start(store, &id, 2, 4350);
    complete(store, &id, 2, 4350, 4400);
    out = history(store, 1000, 5000, 4);
    assert_history(&out, "1/100 1/200 0/0 1/250"); /* as it follows from the ends */
}

/* A lost attempt is repeated at once, and a replay begins anew. */
static void test_lost_and_replayed_attempts(void **state)
{
    cleat__store *store = *state;
    int64_t type = add_type(store, CLEAT__TENANT_DEFAULT, 300000);
    cleat__uuid id = add_run(store, type, 1000, 1);
    const cleat__requeue next = {.retry_count = 1, .internal_retries = 1, .queued_at_ms = BASE_MS + 2200};
    start(store, &id, 0, 1000);
    cleat__attempt_key key = {.id = id, .started_at_ms = BASE_MS + 1000};
    assert_int_equal(cleat__transition_lose_retry(store, &key, BASE_MS + 2200, cleat_slice_of("lost"), &next),
                     CLEAT_OK);
    start(store, &id, 1, 2300);
    complete(store, &id, 1, 2300, 2500);
    key = (cleat__attempt_key){.id = id, .retry_count = 1};
    assert_int_equal(cleat__transition_replay(store, &key, CLEAT_RUN_COMPLETED, BASE_MS + 3200, false),
                     CLEAT_OK);
    start(store, &id, 2, 3250);
    complete(store, &id, 2, 3250, 3300);
    cleat__queue_history out = history(store, 1000, 4000, 3);
    assert_history(&out, "0/0 1/100 1/50");
}

static void test_who_ends_in_the_queue_waits_until_then(void **state)
{
    cleat__store *store = *state;
    int64_t type = add_type(store, CLEAT__TENANT_DEFAULT, 300000);
    cleat__attempt_key key = {.id = add_run(store, type, 1000, 1)};
    assert_int_equal(cleat__transition_cancel(store, &key, CLEAT_RUN_QUEUED, BASE_MS + 2300), CLEAT_OK);
    key.id = add_run(store, type, 3100, 2);
    assert_int_equal(
        cleat__transition_schedule_time_out(store, &key, BASE_MS + 3200, cleat_slice_of("nobody took it")),
        CLEAT_OK);
    cleat__queue_history out = history(store, 1000, 4000, 3);
    assert_history(&out, "1/1000 1/1300 1/100");
}

/* A task of a run of several, which is held. */
static cleat__uuid add_task(cleat__store *store, int64_t type, int64_t created_ms, uint8_t number)
{
    return add_to(store, type, created_ms, number, true);
}

static void let_go(cleat__store *store, const cleat__uuid *id, int64_t at_ms)
{
    const cleat__attempt_key key = {.id = *id};
    const cleat__note note = {CLEAT__NOTE_QUEUED, "Task was queued", BASE_MS + at_ms};
    const cleat_slice nothing = {NULL, 0};
    assert_int_equal(cleat__transition_unhold(store, &key, note.at_ms, nothing, nothing), CLEAT_OK);
    assert_int_equal(cleat__note_insert(store, &key, &note), CLEAT_OK);
}

static void test_a_task_of_several_waits_when_it_is_let_go(void **state)
{
    cleat__store *store = *state;
    int64_t type = add_type(store, CLEAT__TENANT_DEFAULT, 300000);
    cleat__uuid first = add_task(store, type, 1000, 1), second = add_task(store, type, 1000, 2);
    (void)add_task(store, type, 1000, 3); /* held all the time */
    let_go(store, &first, 2000);
    start(store, &first, 0, 2500);
    complete(store, &first, 0, 2500, 3000);
    let_go(store, &second, 3000);
    cleat__queue_history out = history(store, 1000, 5000, 4);
    assert_history(&out, "0/0 1/500 1/1000 1/2000");
}

/* Each invocation waits for itself: between them a durable run is not in the queue. */
static void test_invocations_of_durable_runs(void **state)
{
    cleat__store *store = *state;
    int64_t type = add_type(store, CLEAT__TENANT_DEFAULT, 300000);
    cleat__uuid id = add_run(store, type, 1000, 1);
    const cleat__attempt_key key = {.id = id};
    const cleat__eviction eviction = {.began_at_ms = BASE_MS + 1100, .suspended_at_ms = BASE_MS + 1200};
    start(store, &id, 0, 1100);
    assert_int_equal(cleat__durable_begin_invocation(store, &id, 1, 0, BASE_MS + 1000), CLEAT_OK);
    assert_int_equal(cleat__transition_evict(store, &key), CLEAT_OK);
    assert_int_equal(cleat__durable_set_waits(store, &id, &eviction), CLEAT_OK);
    cleat__queue_history out = history(store, 1000, 5000, 4);
    assert_history(&out, "1/100 0/0 0/0 0/0"); /* it sleeps */
    assert_int_equal(cleat__transition_restore(store, &key, BASE_MS + 3000), CLEAT_OK);
    out = history(store, 1000, 5000, 4);
    assert_history(&out, "1/100 0/0 1/1000 1/2000"); /* it waits again */
    start(store, &id, 0, 3200);
    assert_int_equal(cleat__durable_begin_invocation(store, &id, 2, 0, BASE_MS + 3000), CLEAT_OK);
    out = history(store, 1000, 5000, 4);
    assert_history(&out, "1/100 0/0 1/200 0/0"); /* it runs */
    complete(store, &id, 0, 3200, 3300);
    out = history(store, 1000, 5000, 4);
    assert_history(&out, "1/100 0/0 1/200 0/0"); /* it has ended */
}

/* Of runs that are older than any may wait only those that live. */
static void test_old_runs(void **state)
{
    cleat__store *store = *state;
    int64_t type = add_type(store, CLEAT__TENANT_DEFAULT, 5000);
    add_run(store, type, 1000, 1);
    add_wait(store, type, 2, 96000, 99500); /* before, but it may still wait */
    cleat__queue_history out = history(store, 99000, 100000, 1);
    assert_history(&out, "2/99000");
    assert_true(out.is_complete);
}

static void test_tenants_are_apart(void **state)
{
    cleat__store *store = *state;
    int64_t other = add_type(store, OTHER_TENANT, 300000);
    add_wait(store, other, 1, 1000, 2000);
    add_run(store, other, 1000, 2);
    cleat__queue_history out = history(store, 1000, 3000, 2);
    assert_history(&out, "0/0 0/0");
}

static void test_work_is_bounded(void **state)
{
    cleat__store *store = *state;
    int64_t type = add_type(store, CLEAT__TENANT_DEFAULT, 300000);
    for (uint8_t i = 0; i < 10; i++) {
        add_wait(store, type, i, 1000 + i * 100, 9000);
    }
    cleat__queue_history_filter filter = {.tenant = CLEAT__TENANT_DEFAULT,
                                          .since_ms = BASE_MS + 1000,
                                          .until_ms = BASE_MS + 2000,
                                          .buckets = 1,
                                          .work = 4};
    cleat__queue_history out;
    assert_int_equal(cleat__queue_history_load(store, &filter, &out), CLEAT_OK);
    assert_false(out.is_complete);
    assert_int_equal(out.buckets[0].depth, 4); /* the newest */
    filter.work = 0;
    assert_int_equal(cleat__queue_history_load(store, &filter, &out), CLEAT_OK);
    assert_true(out.is_complete);
    assert_int_equal(out.buckets[0].depth, 10);
}

static void test_what_is_asked_for(void **state)
{
    static const int64_t wrong[][2] = {{5, 5}, {6, 5}, {-1, 5}, {0, INT64_MAX}};
    cleat__store *store = *state;
    cleat__queue_history out;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        const cleat__queue_history_filter filter = {
            .tenant = CLEAT__TENANT_DEFAULT, .since_ms = wrong[i][0], .until_ms = wrong[i][1], .buckets = 5};
        assert_int_equal(cleat__queue_history_load(store, &filter, &out), CLEAT_INVALID_ARGUMENT);
    }
    out = history(store, 0, 1, 60); /* of one millisecond */
    assert_history(&out, "0/0");
    out = history(store, 0, 3600000, 1000);
    assert_int_equal(out.bucket_count, CLEAT__QUEUE_BUCKETS_MAX);
    out = history(store, 0, 7, 5); /* does not divide: the last one is shorter */
    assert_int_equal(out.bucket_count, 4);
    assert_true(out.is_complete);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, open_fixture, close_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_depth_and_age),
        TEST(test_what_still_waits),
        TEST(test_retries_wait_when_they_are_due),
        TEST(test_lost_and_replayed_attempts),
        TEST(test_who_ends_in_the_queue_waits_until_then),
        TEST(test_a_task_of_several_waits_when_it_is_let_go),
        TEST(test_invocations_of_durable_runs),
        TEST(test_old_runs),
        TEST(test_tenants_are_apart),
        TEST(test_work_is_bounded),
        TEST(test_what_is_asked_for),
    };
    return cmocka_run_group_tests_name("store/queue_history", tests, NULL, NULL);
}
