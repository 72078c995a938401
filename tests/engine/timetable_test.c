/* Runs that start at a time. */
#include "core_test.h"

#include "store/schedule.h"

#include <inttypes.h>

static const cleat__policy policy = {
    .priority = 2,
    .execution_timeout_ms = CLEAT__NO_TIMEOUT,
    .schedule_timeout_ms = CLEAT__NO_TIMEOUT,
};

static cleat__schedule plain(const char *workflow)
{
    return (cleat__schedule){.workflow = cleat_slice_of(workflow), .input = cleat_slice_of("{\"n\":1}")};
}

static cleat_status schedule_many(rig *at, int64_t tenant, const cleat__schedule *schedule,
                                  const int64_t *at_ms, size_t count, cleat__uuid *ids)
{
    cleat__command command = {
        .tenant = tenant, .kind = CLEAT__COMMAND_SCHEDULE, .as.schedule = {schedule, at_ms, count, ids}};
    return ask(at, &command);
}

static cleat__uuid schedule(rig *at, int64_t at_ms)
{
    cleat__uuid id;
    const cleat__schedule what = plain("a");
    assert_int_equal(schedule_many(at, CLEAT__TENANT_DEFAULT, &what, &at_ms, 1, &id), CLEAT_OK);
    return id;
}

static cleat_status unschedule(rig *at, int64_t tenant, const cleat__uuid *id)
{
    cleat__command command = {.tenant = tenant, .kind = CLEAT__COMMAND_UNSCHEDULE, .as.id = *id};
    return ask(at, &command);
}

static bool note_time(void *argument, const cleat__schedule_row *row)
{
    char *text = argument;
    sprintf(text + strlen(text), "%" PRId64 " ", row->at_ms - INT64_C(1700000000000));
    return true;
}

/* The times of what is to come, newest first. */
static const char *times(int64_t tenant)
{
    static char text[1024];
    text[0] = '\0';
    cleat__store *reader = NULL;
    const cleat__schedule_filter filter = {.tenant = tenant, .limit = 100};
    assert_int_equal(cleat__store_open(FILE_NAME, CLEAT__STORE_READ, &reader), CLEAT_OK);
    assert_int_equal(cleat__schedule_list(reader, &filter, note_time, text), CLEAT_OK);
    cleat__store_close(reader);
    return text;
}

static void test_it_starts_at_its_time_and_is_gone(void **state)
{
    rig *at = *state;
    put_task(at, "a:a", &policy);
    add_worker(at, "a:a", 9);
    cleat__uuid id = schedule(at, at->now.unix_ms + 1000);
    assert_int_equal(cleat__core_next_ms(at->core), at->now.monotonic_ms + 1000);
    advance(at, 999);
    assert_string_equal(heard_text(at), "");
    assert_string_equal(times(0), "1000 ");
    advance(at, 1);
    assert_string_equal(heard_text(at), "A0{\"n\":1}");
    assert_string_equal(times(0), "");
    advance(at, 100000);
    assert_string_equal(heard_text(at), "");
    assert_int_equal(unschedule(at, CLEAT__TENANT_DEFAULT, &id), CLEAT_NOT_FOUND);
}

static void test_what_is_past_starts_at_once(void **state)
{
    rig *at = *state;
    put_task(at, "a:a", &policy);
    add_worker(at, "a:a", 9);
    schedule(at, at->now.unix_ms - 1000);
    assert_string_equal(heard_text(at), "A0{\"n\":1}");
}

static void test_several_times_at_once(void **state)
{
    rig *at = *state;
    put_task(at, "a:a", &policy);
    add_worker(at, "a:a", 9);
    int64_t now = at->now.unix_ms;
    const int64_t when[] = {now + 3000, now, now + 1000};
    const cleat__schedule what = plain("a");
    cleat__uuid ids[3];
    assert_int_equal(schedule_many(at, CLEAT__TENANT_DEFAULT, &what, when, 3, ids), CLEAT_OK);
    assert_string_equal(heard_text(at), "A0{\"n\":1}");
    assert_int_equal(unschedule(at, CLEAT__TENANT_DEFAULT, &ids[1]), CLEAT_NOT_FOUND);
    advance(at, 1000);
    assert_string_equal(heard_text(at), "A0{\"n\":1}");
    assert_string_equal(times(0), "3000 ");
    assert_int_equal(schedule_many(at, CLEAT__TENANT_DEFAULT, &what, when, 0, ids), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(schedule_many(at, CLEAT__TENANT_DEFAULT, &what, when, CLEAT__SCHEDULES_MAX + 1, ids),
                     CLEAT_INVALID_ARGUMENT);
}

static void test_one_that_is_taken_back_does_not_start(void **state)
{
    rig *at = *state;
    put_task(at, "a:a", &policy);
    add_worker(at, "a:a", 9);
    cleat__uuid first = schedule(at, at->now.unix_ms + 1000);
    schedule(at, at->now.unix_ms + 2000);
    assert_int_equal(unschedule(at, 2, &first), CLEAT_NOT_FOUND);
    assert_int_equal(unschedule(at, CLEAT__TENANT_DEFAULT, &first), CLEAT_OK);
    advance(at, 1000);
    assert_string_equal(heard_text(at), "");
    assert_int_equal(cleat__core_next_ms(at->core), at->now.monotonic_ms + 1000);
    advance(at, 1000);
    assert_string_equal(heard_text(at), "A0{\"n\":1}");
}

static cleat_status change(rig *at, int64_t tenant, cleat__schedule_change *items, size_t count)
{
    cleat__command command = {
        .tenant = tenant, .kind = CLEAT__COMMAND_CHANGE_SCHEDULES, .as.change_schedules = {items, count}};
    return ask(at, &command);
}

static void test_several_are_changed_each_for_itself(void **state)
{
    rig *at = *state;
    put_task(at, "a:a", &policy);
    add_worker(at, "a:a", 9);
    int64_t now = at->now.unix_ms;
    cleat__uuid first = schedule(at, now + 1000), second = schedule(at, now + 2000);
    cleat__uuid third = schedule(at, now + 9000);
    cleat__schedule_change changes[] = {
        {.id = first, .is_deleted = true},
        {.id = {{7}}, .at_ms = now},
        {.id = second, .at_ms = now + 5000},
        {.id = third, .at_ms = now + 500},
        {.id = second, .is_deleted = true, .status = CLEAT_READ_ONLY}, /* has failed already */
    };
    assert_int_equal(change(at, CLEAT__TENANT_DEFAULT, changes, 5), CLEAT_OK);
    assert_int_equal(changes[0].status, CLEAT_OK);
    assert_int_equal(changes[1].status, CLEAT_NOT_FOUND);
    assert_int_equal(changes[2].status, CLEAT_OK);
    assert_int_equal(changes[3].status, CLEAT_OK);
    assert_int_equal(changes[4].status, CLEAT_READ_ONLY);
    assert_string_equal(times(0), "500 5000 ");
    assert_int_equal(cleat__core_next_ms(at->core), at->now.monotonic_ms + 500); /* earlier than before */
    advance(at, 500);
    assert_string_equal(heard_text(at), "A0{\"n\":1}");
    advance(at, 4499); /* where the first two had been */
    assert_string_equal(heard_text(at), "");
    advance(at, 1);
    assert_string_equal(heard_text(at), "A0{\"n\":1}");
}

static void test_changes_of_another_tenant_do_nothing(void **state)
{
    rig *at = *state;
    put_task(at, "a:a", &policy);
    cleat__uuid id = schedule(at, at->now.unix_ms + 1000);
    cleat__schedule_change changes[] = {{.id = id, .is_deleted = true}, {.id = id, .at_ms = 0}};
    assert_int_equal(change(at, 2, changes, 2), CLEAT_OK);
    assert_int_equal(changes[0].status, CLEAT_NOT_FOUND);
    assert_int_equal(changes[1].status, CLEAT_NOT_FOUND);
    assert_string_equal(times(0), "1000 ");
    assert_int_equal(change(at, 2, changes, CLEAT__SCHEDULES_MAX + 1), CLEAT_INVALID_ARGUMENT);
}

static void test_it_survives_a_restart(void **state)
{
    rig *at = *state;
    put_task(at, "a:a", &policy);
    schedule(at, at->now.unix_ms + 1000);
    schedule(at, at->now.unix_ms + 5000);
    crash(at);
    at->now.unix_ms += 2000;
    open_core(at);
    add_worker(at, "a:a", 9);
    assert_string_equal(heard_text(at), "A0{\"n\":1}");
    crash(at);
    open_core(at);
    step(at, NULL, 0);
    assert_string_equal(times(0), "5000 ");
}

/* Nothing wakes a thread when the clock is set, so the engine looks for itself. */
static void test_the_clock_may_be_set(void **state)
{
    rig *at = *state;
    put_task(at, "a:a", &policy);
    add_worker(at, "a:a", 9);
    schedule(at, at->now.unix_ms + 3600000);
    assert_int_equal(cleat__core_next_ms(at->core), at->now.monotonic_ms + 5000);
    at->now.unix_ms += 3600000; /* set forward */
    at->now.monotonic_ms += 5000;
    step(at, NULL, 0);
    assert_string_equal(heard_text(at), "A0{\"n\":1}");
    schedule(at, at->now.unix_ms + 1000);
    at->now.unix_ms -= 3600000; /* and back: the time has not come */
    at->now.monotonic_ms += 1000;
    step(at, NULL, 0);
    assert_string_equal(heard_text(at), "");
    advance(at, 3601000);
    assert_string_equal(heard_text(at), "A0{\"n\":1}");
}

static void test_the_newest_version_starts(void **state)
{
    rig *at = *state;
    put_task(at, "a:a", &policy);
    schedule(at, at->now.unix_ms + 1000);
    cleat__workflow workflow = workflow_of("a:a", &policy);
    task_of(&workflow)->action = cleat_slice_of("a:new");
    assert_int_equal(put_workflow(at, CLEAT__TENANT_DEFAULT, &workflow, NULL), CLEAT_OK);
    add_worker(at, "a:new", 9);
    advance(at, 1000);
    assert_string_equal(heard_text(at), "A0{\"n\":1}");
}

static void test_what_is_refused(void **state)
{
    rig *at = *state;
    put_task(at, "a:a", &policy);
    const int64_t when = at->now.unix_ms + 1000;
    cleat__uuid id;
    cleat__schedule what = plain("no.such");
    assert_int_equal(schedule_many(at, CLEAT__TENANT_DEFAULT, &what, &when, 1, &id), CLEAT_NOT_FOUND);
    what = plain("a");
    assert_int_equal(schedule_many(at, 2, &what, &when, 1, &id), CLEAT_NOT_FOUND);
    what.priority = 4;
    assert_int_equal(schedule_many(at, CLEAT__TENANT_DEFAULT, &what, &when, 1, &id), CLEAT_INVALID_ARGUMENT);
    what.priority = 0;
    what.metadata = (cleat_slice){"{}", CLEAT_PAYLOAD_MAX + 1};
    assert_int_equal(schedule_many(at, CLEAT__TENANT_DEFAULT, &what, &when, 1, &id), CLEAT_TOO_LARGE);
    assert_string_equal(times(0), "");
}

static void test_what_is_stored(void **state)
{
    rig *at = *state;
    put_task(at, "a:a", &policy);
    const int64_t when = at->now.unix_ms + 1000;
    cleat__uuid id;
    const cleat__schedule what = {.workflow = cleat_slice_of("a"),
                                  .metadata = cleat_slice_of("{\"m\":1}"),
                                  .priority = 3,
                                  .method = CLEAT__SCHEDULE_API};
    assert_int_equal(schedule_many(at, CLEAT__TENANT_DEFAULT, &what, &when, 1, &id), CLEAT_OK);
    cleat__store *reader = NULL;
    cleat__schedule_row row;
    assert_int_equal(cleat__store_open(FILE_NAME, CLEAT__STORE_READ, &reader), CLEAT_OK);
    assert_int_equal(cleat__schedule_get(reader, 2, &id, &row), CLEAT_NOT_FOUND);
    assert_int_equal(cleat__schedule_get(reader, CLEAT__TENANT_DEFAULT, &id, &row), CLEAT_OK);
    assert_true(cleat_slice_equals(row.schedule.workflow, what.workflow));
    assert_true(cleat_slice_equals(row.schedule.input, cleat_slice_of("{}")));
    assert_true(cleat_slice_equals(row.schedule.metadata, what.metadata));
    assert_int_equal(row.schedule.priority, 3);
    assert_int_equal(row.schedule.method, CLEAT__SCHEDULE_API);
    assert_int_equal(row.at_ms, when);
    assert_int_equal(row.created_at_ms, at->now.unix_ms);
    cleat__store_close(reader);
    assert_string_equal(times(2), "");
    assert_string_equal(times(CLEAT__TENANT_DEFAULT), "1000 ");
}

static cleat_status insert(cleat__store *store, void *schedule)
{
    cleat__schedule_row row = {
        .tenant = CLEAT__TENANT_DEFAULT, .at_ms = 1, .schedule = *(cleat__schedule *)schedule};
    row.id.bytes[0] = 1;
    cleat_status status = cleat__store_begin(store);
    return status == CLEAT_OK ? cleat__schedule_insert(store, &row) : status;
}

static void note_error(void *user_data, cleat_log_level level, const char *message)
{
    if (level == CLEAT_LOG_ERROR) {
        snprintf(user_data, 200, "%s", message);
    }
}

/* What the file says may be refused, by another version or after another hand: the engine goes on. */
static void test_what_is_refused_at_its_time(void **state)
{
    rig *at = *state;
    char error[200] = "";
    cleat__store *writer = NULL;
    cleat__schedule what = plain("no.such");
    put_task(at, "a:a", &policy);
    schedule(at, at->now.unix_ms + 1000);
    crash(at);
    assert_int_equal(cleat__store_open(FILE_NAME, CLEAT__STORE_WRITE, &writer), CLEAT_OK);
    assert_int_equal(insert(writer, &what), CLEAT_OK);
    assert_int_equal(cleat__store_commit(writer), CLEAT_OK);
    cleat__store_close(writer);
    cleat_log_set_handler(note_error, error, CLEAT_LOG_ERROR);
    open_core(at);
    add_worker(at, "a:a", 9);
    advance(at, 1000);
    cleat_log_set_handler(NULL, NULL, CLEAT_LOG_WARN);
    assert_string_equal(heard_text(at), "A0{\"n\":1}");
    assert_string_equal(times(0), "");
    assert_non_null(strstr(error, "of \"no.such\" does not start and is gone: there is no task \"no.such\""));
}

/* More than one step takes: the rest follows, in the order of their times. */
static void test_a_great_many(void **state)
{
    rig *at = *state;
    put_task(at, "a:a", &policy);
    static int64_t when[CLEAT__SCHEDULES_MAX];
    static cleat__uuid ids[CLEAT__SCHEDULES_MAX];
    const cleat__schedule what = plain("a");
    for (size_t i = 0; i < CLEAT__SCHEDULES_MAX; i++) {
        when[i] = at->now.unix_ms + 1000;
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(schedule_many(at, CLEAT__TENANT_DEFAULT, &what, when, CLEAT__SCHEDULES_MAX, ids),
                         CLEAT_OK);
    }
    advance(at, 1000);
    cleat__engine_stats stats;
    cleat__core_get_stats(at->core, &stats);
    assert_int_equal(stats.queued, 1000);
    assert_int_equal(cleat__core_next_ms(at->core), at->now.monotonic_ms);
    step(at, NULL, 0);
    cleat__core_get_stats(at->core, &stats);
    assert_int_equal(stats.queued, 2000);
    assert_true(cleat__core_next_ms(at->core) >= at->now.monotonic_ms + 4000); /* there is nothing to do */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        TEST(test_it_starts_at_its_time_and_is_gone),
        TEST(test_what_is_past_starts_at_once),
        TEST(test_several_times_at_once),
        TEST(test_one_that_is_taken_back_does_not_start),
        TEST(test_several_are_changed_each_for_itself),
        TEST(test_changes_of_another_tenant_do_nothing),
        TEST(test_it_survives_a_restart),
        TEST(test_the_clock_may_be_set),
        TEST(test_the_newest_version_starts),
        TEST(test_what_is_refused),
        TEST(test_what_is_refused_at_its_time),
        TEST(test_what_is_stored),
        TEST(test_a_great_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
