/* Runs that have ended run again. */
#include "core_test.h"

#include "engine/watch.h"

static const cleat__policy policy = {
    .retries = 1,
    .priority = 1,
    .backoff_factor = 1,
    .execution_timeout_ms = 60000,
    .schedule_timeout_ms = 300000,
};

static cleat_status replay(rig *at, int64_t tenant, const cleat__uuid *id)
{
    cleat__command command = {.tenant = tenant, .kind = CLEAT__COMMAND_REPLAY, .as.id = *id};
    return ask(at, &command);
}

static cleat_status replay_own(rig *at, const cleat__uuid *id)
{
    return replay(at, CLEAT__TENANT_DEFAULT, id);
}

static void set_up(rig *at, int slots)
{
    assert_int_equal(put_task(at, "a:a", &policy), CLEAT_OK);
    if (slots > 0) {
        add_worker(at, "a:a", slots);
    }
}

static bool append_attempt(void *argument, const cleat__attempt_row *row)
{
    char *text = argument;
    sprintf(text + strlen(text), "%d %.*s%s;", row->retry_count, CLEAT_SLICE_ARGS(row->outcome),
            row->replayed_at_ms != 0 ? " replayed" : "");
    assert_true(row->replayed_at_ms == 0 || row->replayed_at_ms >= row->finished_at_ms);
    return true;
}

/* "0 FAILED;1 COMPLETED replayed;" */
static const char *attempts_of(const cleat__uuid *id)
{
    static char text[512];
    cleat__store *reader = NULL;
    text[0] = '\0';
    assert_int_equal(cleat__store_open(FILE_NAME, CLEAT__STORE_READ, &reader), CLEAT_OK);
    assert_int_equal(cleat__attempt_list(reader, id, append_attempt, text), CLEAT_OK);
    cleat__store_close(reader);
    return text;
}

static void test_what_has_completed_runs_again_with_its_input(void **state)
{
    rig *at = *state;
    set_up(at, 1);
    cleat__uuid id = trigger(at, "a:a", "{\"n\":1}", 0);
    assert_int_equal(report(at, &id, 0, CLEAT_OK, "1"), CLEAT_OK);
    assert_int_equal(replay_own(at, &id), CLEAT_OK);
    assert_string_equal(heard_text(at), "A0{\"n\":1} A1{\"n\":1}");
    assert_string_equal(state_of(at, &id), "RUNNING");
    assert_int_equal(report(at, &id, 0, CLEAT_OK, "1"), CLEAT_OK); /* of the former attempt */
    assert_string_equal(state_of(at, &id), "RUNNING");
    assert_int_equal(report(at, &id, 1, CLEAT_OK, "2"), CLEAT_OK);
    assert_string_equal(state_of(at, &id), "COMPLETED 2");
    assert_string_equal(attempts_of(&id), "0 COMPLETED replayed;");
}

static void test_all_retries_are_there_again(void **state)
{
    rig *at = *state;
    set_up(at, 1);
    cleat__uuid id = trigger(at, "a:a", "{}", 0);
    report(at, &id, 0, CLEAT_FAILED, "bad");
    report(at, &id, 1, CLEAT_FAILED, "bad");
    assert_string_equal(state_of(at, &id), "FAILED bad");
    assert_int_equal(replay_own(at, &id), CLEAT_OK);
    report(at, &id, 2, CLEAT_FAILED, "bad");
    assert_string_equal(state_of(at, &id), "RUNNING");
    report(at, &id, 3, CLEAT_FAILED, "worse");
    assert_string_equal(state_of(at, &id), "FAILED worse");
    assert_string_equal(attempts_of(&id), "0 FAILED;1 FAILED replayed;2 FAILED;");
}

static void test_retries_are_counted_right_after_a_crash(void **state)
{
    rig *at = *state;
    set_up(at, 1);
    cleat__uuid id = trigger(at, "a:a", "{}", 0);
    report(at, &id, 0, CLEAT_NON_RETRYABLE, "bad");
    assert_int_equal(replay_own(at, &id), CLEAT_OK);
    crash(at); /* which loses attempt 1 */
    open_core(at);
    add_worker(at, "a:a", 1);
    report(at, &id, 2, CLEAT_FAILED, "bad");
    assert_string_equal(state_of(at, &id), "RUNNING");
    report(at, &id, 3, CLEAT_FAILED, "bad");
    assert_string_equal(state_of(at, &id), "FAILED bad");
}

static void test_it_is_ahead_of_what_waits(void **state)
{
    rig *at = *state;
    set_up(at, 0);
    cleat__uuid id = trigger(at, "a:a", "old", CLEAT_PRIORITY_LOW);
    trigger(at, "a:a", "new", CLEAT_PRIORITY_HIGH);
    assert_int_equal(cancel(at, &id), CLEAT_OK);
    assert_int_equal(replay_own(at, &id), CLEAT_OK);
    assert_string_equal(state_of(at, &id), "QUEUED");
    add_worker(at, "a:a", 1);
    assert_string_equal(heard_text(at), "A1old");
    assert_string_equal(attempts_of(&id), "0 CANCELLED replayed;");
}

static void test_what_lives_or_is_of_another_tenant_is_not_replayed(void **state)
{
    rig *at = *state;
    set_up(at, 1);
    cleat__uuid id = trigger(at, "a:a", "{}", 0);
    cleat__uuid unknown = {{1}};
    assert_int_equal(replay_own(at, &id), CLEAT_FAILED_PRECONDITION);
    assert_int_equal(replay(at, 2, &id), CLEAT_NOT_FOUND);
    assert_int_equal(replay_own(at, &unknown), CLEAT_NOT_FOUND);
    report(at, &id, 0, CLEAT_OK, "1");
    assert_int_equal(replay(at, 2, &id), CLEAT_NOT_FOUND);
    assert_string_equal(state_of(at, &id), "COMPLETED 1");
}

static void test_who_waits_anew_gets_the_new_end(void **state)
{
    rig *at = *state;
    set_up(at, 1);
    cleat__uuid id = trigger(at, "a:a", "{}", 0);
    cleat_run_result result = {0};
    cleat__command commands[] = {
        {.tenant = CLEAT__TENANT_DEFAULT,
         .kind = CLEAT__COMMAND_REPORT,
         .as.report = {.task_id = id, .output = cleat_slice_of("1")}},
        {.tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_REPLAY, .as.id = id},
        {.tenant = CLEAT__TENANT_DEFAULT,
         .kind = CLEAT__COMMAND_WAIT,
         .as.wait = {.id = id, .result = &result}},
    };
    step(at, commands, 3); /* all in one transaction */
    assert_int_equal(commands[1].status, CLEAT_OK);
    assert_non_null(commands[2].as.wait.run);
    report(at, &id, 1, CLEAT_OK, "2");
    assert_null(commands[2].as.wait.run);
    assert_string_equal(result.output, "2");
    cleat_run_result_deinit(&result);
}

static void test_a_wish_for_a_worker_stays(void **state)
{
    rig *at = *state;
    set_up(at, 1);
    cleat__desired_label label = {.key = cleat_slice_of("gpu"),
                                  .value = {.text = cleat_slice_of("yes")},
                                  .is_required = true,
                                  .weight = 100};
    cleat__trigger item = {.workflow = cleat_slice_of("a"), .labels = &label, .label_count = 1};
    cleat__uuid id;
    cleat__command command = {
        .tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_TRIGGER, .as.trigger = {&item, 1, &id}};
    assert_int_equal(ask(at, &command), CLEAT_OK);
    assert_int_equal(cancel(at, &id), CLEAT_OK);
    assert_int_equal(replay_own(at, &id), CLEAT_OK);
    assert_string_equal(heard_text(at), ""); /* the worker has no such label */
    crash(at);
    open_core(at);
    add_worker(at, "a:a", 1);
    assert_string_equal(heard_text(at), "");
    assert_string_equal(state_of(at, &id), "QUEUED");
}

static void note_start(void *self, const cleat__happening *happening)
{
    sprintf((char *)self + strlen(self), "%d:%d ", happening->kind, happening->retry_count);
}

static void test_who_looks_by_metadata_sees_it_begin(void **state)
{
    rig *at = *state;
    char seen[256] = "";
    set_up(at, 1);
    cleat__trigger item = {.workflow = cleat_slice_of("a"), .metadata = cleat_slice_of("{\"k\":\"v\"}")};
    cleat__uuid id;
    cleat__command command = {
        .tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_TRIGGER, .as.trigger = {&item, 1, &id}};
    assert_int_equal(ask(at, &command), CLEAT_OK);
    report(at, &id, 0, CLEAT_OK, "1");
    cleat__watch watch = {
        .key = cleat_slice_of("k"), .value = cleat_slice_of("v"), .self = seen, .tell = note_start};
    cleat__command look = {.tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_WATCH, .as.watch = &watch};
    assert_int_equal(ask(at, &look), CLEAT_OK);
    assert_int_equal(replay_own(at, &id), CLEAT_OK);
    char expected[32];
    sprintf(expected, "%d:1 ", CLEAT__HAPPENING_STARTED);
    assert_string_equal(seen, expected);
    look.kind = CLEAT__COMMAND_UNWATCH;
    assert_int_equal(ask(at, &look), CLEAT_OK);
}

/* An allocator without room for anything large. */

enum { LARGE_METADATA = 40000, LARGE_BLOCK = 30000 };

static void *small_malloc(void *user_data, size_t size)
{
    (void)user_data;
    return size < LARGE_BLOCK ? malloc(size) : NULL;
}

static void *small_realloc(void *user_data, void *block, size_t size)
{
    (void)user_data;
    return size < LARGE_BLOCK ? realloc(block, size) : NULL;
}

static void small_free(void *user_data, void *block)
{
    (void)user_data;
    free(block);
}

/* That somebody cannot be told is no reason to stop. */
static void test_who_cannot_be_told_of_a_replay_is_cut_off(void **state)
{
    static const cleat_allocator small = {NULL, small_malloc, small_realloc, small_free};
    rig *at = *state;
    char seen[256] = "", *metadata = malloc(LARGE_METADATA + 32);
    set_up(at, 1);
    sprintf(metadata, "{\"k\":\"v\",\"more\":\"%0*d\"}", LARGE_METADATA, 0);
    cleat__trigger item = {.workflow = cleat_slice_of("a"), .metadata = cleat_slice_of(metadata)};
    cleat__uuid id;
    cleat__command command = {
        .tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_TRIGGER, .as.trigger = {&item, 1, &id}};
    assert_int_equal(ask(at, &command), CLEAT_OK);
    report(at, &id, 0, CLEAT_OK, "1");
    trigger(at, "a:a", "{}", 0); /* has the slot, so that the other one waits */
    cleat__watch watch = {
        .key = cleat_slice_of("k"), .value = cleat_slice_of("v"), .self = seen, .tell = note_start};
    cleat__command look = {.tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_WATCH, .as.watch = &watch};
    assert_int_equal(ask(at, &look), CLEAT_OK);
    cleat_set_allocator(&small);
    cleat_status status = replay_own(at, &id);
    cleat_set_allocator(NULL);
    assert_int_equal(status, CLEAT_OK);
    assert_int_equal(cleat__core_failure(at->core), CLEAT_OK);
    char expected[32];
    sprintf(expected, "%d:0 ", CLEAT__HAPPENING_LOST);
    assert_string_equal(seen, expected);
    look.kind = CLEAT__COMMAND_UNWATCH;
    assert_int_equal(ask(at, &look), CLEAT_OK);
    free(metadata);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        TEST(test_what_has_completed_runs_again_with_its_input),
        TEST(test_all_retries_are_there_again),
        TEST(test_retries_are_counted_right_after_a_crash),
        TEST(test_it_is_ahead_of_what_waits),
        TEST(test_what_lives_or_is_of_another_tenant_is_not_replayed),
        TEST(test_who_waits_anew_gets_the_new_end),
        TEST(test_a_wish_for_a_worker_stays),
        TEST(test_who_looks_by_metadata_sees_it_begin),
        TEST(test_who_cannot_be_told_of_a_replay_is_cut_off),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
