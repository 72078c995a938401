/* What happens to attempts besides their beginning and their end is noted. */
#include "core_test.h"

#include "store/note.h"

static const cleat__policy policy = {
    .retries = 1,
    .priority = 1,
    .backoff_factor = 1,
    .backoff_max_ms = 1000,
    .execution_timeout_ms = INT64_C(3600000),
    .schedule_timeout_ms = CLEAT__NO_TIMEOUT,
};

/* "KIND@attempt" of each, with blanks between them. */
static const char *notes_of(const cleat__uuid *id)
{
    static char text[4096];
    cleat__store *reader = NULL;
    cleat__note_cursor cursor;
    text[0] = '\0';
    assert_int_equal(cleat__store_open(FILE_NAME, CLEAT__STORE_READ, &reader), CLEAT_OK);
    assert_int_equal(cleat__notes_begin(reader, id, &cursor), CLEAT_OK);
    while (cursor.is_there && strlen(text) < sizeof(text) - 64) {
        sprintf(text + strlen(text), "%s%s@%d", text[0] != '\0' ? " " : "", cursor.kind, cursor.retry_count);
        assert_int_equal(cleat__notes_next(reader, &cursor), CLEAT_OK);
    }
    cleat__notes_end(&cursor);
    cleat__store_close(reader);
    return text;
}

static cleat_status refresh(rig *at, const cleat__uuid *id)
{
    int64_t until_ms;
    cleat__command command = {.tenant = CLEAT__TENANT_DEFAULT,
                              .kind = CLEAT__COMMAND_REFRESH_TIMEOUT,
                              .as.refresh_timeout = {*id, 1000, &until_ms}};
    return ask(at, &command);
}

static void test_what_a_task_is_granted(void **state)
{
    rig *at = *state;
    put_task(at, "a:a", &policy);
    add_worker(at, "a:a", 9);
    cleat__uuid id = trigger(at, "a:a", "1", 0);
    assert_int_equal(refresh(at, &id), CLEAT_OK);
    assert_int_equal(refresh(at, &id), CLEAT_OK); /* at the same time: one */
    assert_int_equal(tell_worker(at, CLEAT__COMMAND_RELEASE_SLOT, &id), CLEAT_OK);
    assert_int_equal(tell_worker(at, CLEAT__COMMAND_RELEASE_SLOT, &id), CLEAT_OK);
    assert_string_equal(notes_of(&id), "TIMEOUT_REFRESHED@0 SLOT_RELEASED@0");
    assert_int_equal(report(at, &id, 0, CLEAT_FAILED, "no"), CLEAT_OK);
    advance(at, 1000);
    assert_int_equal(tell_worker(at, CLEAT__COMMAND_RELEASE_SLOT, &id), CLEAT_OK);
    assert_string_equal(notes_of(&id), "TIMEOUT_REFRESHED@0 SLOT_RELEASED@0 SLOT_RELEASED@1");
}

/* The engine is woken by it. */
static void pass(rig *at, int64_t ms)
{
    int64_t end = at->now.monotonic_ms + ms;
    while (at->now.monotonic_ms < end) {
        int64_t next = cleat__core_next_ms(at->core);
        next = next < end ? next : end;
        advance(at, next > at->now.monotonic_ms ? next - at->now.monotonic_ms : 0);
    }
}

static void test_that_no_worker_takes_a_run(void **state)
{
    rig *at = *state;
    put_task(at, "a:a", &policy);
    cleat__uuid first = trigger(at, "a:a", "1", 0);
    cleat__uuid second = trigger(at, "a:a", "2", 0);
    pass(at, 4999);
    assert_string_equal(notes_of(&first), "");
    pass(at, 6000);
    assert_string_equal(notes_of(&first), "REQUEUED_NO_WORKER@0");
    pass(at, 50000);
    assert_string_equal(notes_of(&first), "REQUEUED_NO_WORKER@0"); /* not all the time */
    pass(at, 15000);
    assert_string_equal(notes_of(&first), "REQUEUED_NO_WORKER@0 REQUEUED_NO_WORKER@0");
    assert_string_equal(notes_of(&second), ""); /* it waits behind the other one */
    add_worker(at, "a:a", 1);
    pass(at, 4000); /* as long as it counts as fresh */
    assert_string_equal(heard_text(at), "A01");
    assert_int_equal(cancel(at, &second), CLEAT_OK);
    assert_int_equal(report(at, &first, 0, CLEAT_OK, "1"), CLEAT_OK);
    pass(at, 300000);
    assert_string_equal(notes_of(&first), "REQUEUED_NO_WORKER@0 REQUEUED_NO_WORKER@0");
}

/* The message is what is told of it. */
static void assert_note(const cleat__uuid *id, const char *kind, const char *message)
{
    cleat__store *reader = NULL;
    cleat__note_cursor cursor;
    assert_int_equal(cleat__store_open(FILE_NAME, CLEAT__STORE_READ, &reader), CLEAT_OK);
    assert_int_equal(cleat__notes_begin(reader, id, &cursor), CLEAT_OK);
    assert_true(cursor.is_there);
    assert_string_equal(cursor.kind, kind);
    assert_string_equal(cursor.message, message);
    cleat__notes_end(&cursor);
    cleat__store_close(reader);
}

static void test_that_units_of_a_rate_limit_are_waited_for(void **state)
{
    rig *at = *state;
    const cleat__rate_use use = {.key = cleat_slice_of("calls"), .units = 2, .window_ms = 1000};
    cleat__command put = {.tenant = CLEAT__TENANT_DEFAULT,
                          .kind = CLEAT__COMMAND_PUT_RATE_LIMIT,
                          .as.put_rate_limit = {cleat_slice_of("calls"), 3, 1000}};
    cleat__workflow workflow = workflow_of("a:a", &policy);
    task_of(&workflow)->rate_limits = &use;
    task_of(&workflow)->rate_limit_count = 1;
    assert_int_equal(ask(at, &put), CLEAT_OK);
    assert_int_equal(put_workflow(at, CLEAT__TENANT_DEFAULT, &workflow, NULL), CLEAT_OK);
    add_worker(at, "a:a", 99);
    cleat__uuid first = trigger(at, "a:a", "1", 0);
    cleat__uuid second = trigger(at, "a:a", "2", 0);
    cleat__uuid third = trigger(at, "a:a", "3", 0);
    assert_string_equal(notes_of(&first), "");
    assert_note(&second, "REQUEUED_RATE_LIMIT",
                "Rate limit exceeded for key calls, attempting to consume 2 units, but only had 1 remaining");
    advance(at, 1000);
    assert_string_equal(notes_of(&second), "REQUEUED_RATE_LIMIT@0");
    assert_string_equal(notes_of(&third), ""); /* within the same minute */
}

static void test_one_run_has_not_any_number_of_them(void **state)
{
    rig *at = *state;
    cleat__store *store = NULL;
    put_task(at, "a:a", &policy);
    const cleat__attempt_key key = {.id = trigger(at, "a:a", "1", 0)};
    const cleat__note note = {"KIND", "message", 5};
    crash(at);
    assert_int_equal(cleat__store_open(FILE_NAME, CLEAT__STORE_WRITE_UNSYNCED, &store), CLEAT_OK);
    for (int i = 0; i < CLEAT__NOTES_MAX + 10; i++) {
        assert_int_equal(cleat__note_insert(store, &key, &note), CLEAT_OK);
    }
    cleat__note_cursor cursor;
    int count = 0;
    assert_int_equal(cleat__notes_begin(store, &key.id, &cursor), CLEAT_OK);
    for (; cursor.is_there; count++) {
        assert_string_equal(cursor.message, "message");
        assert_int_equal(cursor.at_ms, 5);
        assert_int_equal(cleat__notes_next(store, &cursor), CLEAT_OK);
    }
    cleat__notes_end(&cursor);
    assert_int_equal(count, CLEAT__NOTES_MAX);
    cleat__store_close(store);
    open_core(at);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        TEST(test_what_a_task_is_granted),
        TEST(test_that_no_worker_takes_a_run),
        TEST(test_that_units_of_a_rate_limit_are_waited_for),
        TEST(test_one_run_has_not_any_number_of_them),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
