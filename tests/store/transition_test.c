#include "store_test.h"

#include "base/alloc.h"

/* A store with one type and an open transaction; rolled back at the end. */
static int open_fixture(void **state)
{
    remove_database();
    cleat__store *store = open_store(CLEAT__STORE_WRITE_UNSYNCED);
    assert_int_equal(cleat__store_begin(store), CLEAT_OK);
    put_type(store, "a:a");
    *state = store;
    return 0;
}

static int close_fixture(void **state)
{
    cleat__store_close(*state);
    return 0;
}

static const cleat__trigger plain = {
    .workflow = {"a", 1},
    .input = {"{\"n\":1}", 7},
};

static cleat__attempt_key key_of(uint8_t number, int32_t retry_count)
{
    return (cleat__attempt_key){.id = id_of(number), .retry_count = retry_count, .started_at_ms = 2000};
}

static void assign(cleat__store *store, uint8_t number, int32_t retry_count)
{
    cleat__attempt_key key = key_of(number, retry_count);
    assert_int_equal(cleat__transition_assign(store, &key, 2000), CLEAT_OK);
}

static void assert_state(cleat__store *store, uint8_t number, cleat_run_status status, int32_t retry_count)
{
    cleat__uuid id = id_of(number);
    cleat__run_row row;
    assert_int_equal(cleat__run_get(store, &id, &row), CLEAT_OK);
    assert_int_equal(row.status, status);
    assert_int_equal(row.retry_count, retry_count);
}

/* Every transition on that attempt is refused and changes nothing. */
static void assert_all_refused(cleat__store *store, const cleat__attempt_key *key)
{
    cleat__requeue next = {.retry_count = key->retry_count + 1};
    cleat_slice text = cleat_slice_of("x");
    int before = sqlite3_total_changes(cleat__store_db(store));
    const cleat_status answers[] = {
        cleat__transition_release(store, key, 5000),
        cleat__transition_complete(store, key, 5000, text),
        cleat__transition_retry(store, key, 5000, text, &next),
        cleat__transition_time_out_retry(store, key, 5000, text, &next),
        cleat__transition_lose_retry(store, key, 5000, text, &next),
        cleat__transition_fail(store, key, CLEAT__EVENT_FAIL, 5000, text),
        cleat__transition_cancel(store, key, CLEAT_RUN_RUNNING, 5000),
    };
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        assert_int_equal(answers[i], CLEAT_FAILED_PRECONDITION);
    }
    assert_int_equal(sqlite3_total_changes(cleat__store_db(store)), before);
}

static void test_a_claim_counts_once(void **state)
{
    cleat__store *store = *state;
    put_task(store, 1, 1, &plain);
    assert_state(store, 1, CLEAT_RUN_QUEUED, 0);
    cleat__attempt_key other = key_of(1, 1), unknown = key_of(9, 0), key = key_of(1, 0);
    assert_int_equal(cleat__transition_assign(store, &other, 2000), CLEAT_FAILED_PRECONDITION);
    assert_int_equal(cleat__transition_assign(store, &unknown, 2000), CLEAT_FAILED_PRECONDITION);
    assert_int_equal(cleat__transition_assign(store, &key, 2000), CLEAT_OK);
    assert_state(store, 1, CLEAT_RUN_RUNNING, 0);
    assert_int_equal(cleat__transition_assign(store, &key, 2000), CLEAT_FAILED_PRECONDITION);
    assert_non_null(strstr(cleat_error_message(), "01900000-0001-7000-8000-000000000000"));
    assert_int_equal(cleat__transition_schedule_time_out(store, &key, 1, cleat_slice_of("x")),
                     CLEAT_FAILED_PRECONDITION);
}

static void test_only_the_running_attempt_ends(void **state)
{
    cleat__store *store = *state;
    put_task(store, 1, 1, &plain);
    cleat__attempt_key key = key_of(1, 0), other = key_of(1, 1);
    assert_all_refused(store, &key); /* queued */
    assign(store, 1, 0);
    assert_all_refused(store, &other);
    assert_int_equal(cleat__transition_complete(store, &key, 3000, cleat_slice_of("7")), CLEAT_OK);
    assert_all_refused(store, &key);

    cleat__uuid id = id_of(1);
    cleat__run_row row;
    assert_int_equal(cleat__run_get(store, &id, &row), CLEAT_OK);
    assert_int_equal(row.status, CLEAT_RUN_COMPLETED);
    assert_int_equal(row.started_at_ms, 2000);
    assert_int_equal(row.finished_at_ms, 3000);
    assert_slice(row.output, "7");
    assert_slice(row.error, NULL);
    assert_slice(row.input, "{\"n\":1}");
}

static void test_each_end(void **state)
{
    cleat__store *store = *state;
    for (uint8_t i = 1; i <= 4; i++) {
        put_task(store, i, 1, &plain);
    }
    assign(store, 1, 0);
    assign(store, 2, 0);
    cleat__attempt_key fails = key_of(1, 0), running = key_of(2, 0), queued = key_of(3, 0),
                       late = key_of(4, 0);
    assert_int_equal(cleat__transition_fail(store, &fails, CLEAT__EVENT_FAIL, 3000, cleat_slice_of("broken")),
                     CLEAT_OK);
    assert_int_equal(cleat__transition_cancel(store, &running, CLEAT_RUN_RUNNING, 3000), CLEAT_OK);
    assert_int_equal(cleat__transition_cancel(store, &queued, CLEAT_RUN_QUEUED, 3000), CLEAT_OK);
    assert_int_equal(cleat__transition_schedule_time_out(store, &late, 3000, cleat_slice_of("late")),
                     CLEAT_OK);
    assert_state(store, 1, CLEAT_RUN_FAILED, 0);
    assert_state(store, 2, CLEAT_RUN_CANCELLED, 0);
    assert_state(store, 3, CLEAT_RUN_CANCELLED, 0);
    assert_state(store, 4, CLEAT_RUN_CANCELLED, 0);

    cleat_run_result result;
    cleat__uuid id = id_of(1);
    assert_int_equal(cleat__load_result(store, CLEAT__TENANT_DEFAULT, &id, &result, NULL), CLEAT_OK);
    assert_string_equal(result.error, "broken");
    assert_null(result.output);
    cleat_run_result_deinit(&result);
    id = id_of(4);
    assert_int_equal(cleat__load_result(store, CLEAT__TENANT_DEFAULT, &id, &result, NULL), CLEAT_OK);
    assert_int_equal(result.status, CLEAT_RUN_CANCELLED);
    assert_null(result.error);
    cleat_run_result_deinit(&result);
    assert_int_equal(read_int(store, "SELECT count(*) FROM task_live"), 0);
}

static bool collect_attempt(void *argument, const cleat__attempt_row *row)
{
    char *text = argument;
    sprintf(text + strlen(text), "%d %s %.*s %lld-%lld;", row->retry_count, row->outcome.data,
            CLEAT_SLICE_ARGS(row->error), (long long)row->started_at_ms, (long long)row->finished_at_ms);
    return true;
}

static void test_retries_are_recorded(void **state)
{
    cleat__store *store = *state;
    put_task(store, 1, 1, &plain);
    cleat__requeue next = {.retry_count = 1, .internal_retries = 0, .queued_at_ms = 9000};
    cleat__attempt_key key = key_of(1, 0);
    assign(store, 1, 0);
    assert_int_equal(cleat__transition_retry(store, &key, 3000, cleat_slice_of("e0"), &next), CLEAT_OK);
    assert_state(store, 1, CLEAT_RUN_QUEUED, 1);
    key.retry_count = 1;
    next = (cleat__requeue){.retry_count = 2, .internal_retries = 1, .queued_at_ms = 4000};
    assign(store, 1, 1);
    assert_int_equal(cleat__transition_lose_retry(store, &key, 4000, cleat_slice_of("e1"), &next), CLEAT_OK);
    key.retry_count = 2;
    next = (cleat__requeue){.retry_count = 3, .internal_retries = 1, .queued_at_ms = 4000};
    assign(store, 1, 2);
    assert_int_equal(cleat__transition_time_out_retry(store, &key, 5000, cleat_slice_of("e2"), &next),
                     CLEAT_OK);
    key.retry_count = 3;
    next = (cleat__requeue){.retry_count = 4, .internal_retries = 1, .queued_at_ms = 5000};
    assign(store, 1, 3);
    assert_int_equal(cleat__transition_undelivered_retry(store, &key, 6000, cleat_slice_of("e3"), &next),
                     CLEAT_OK);
    assert_state(store, 1, CLEAT_RUN_QUEUED, 4);
    assert_int_equal(read_int(store, "SELECT internal_retries FROM task_live"), 1);

    char text[256] = "";
    cleat__uuid id = id_of(1);
    assert_int_equal(cleat__attempt_list(store, &id, collect_attempt, text), CLEAT_OK);
    assert_string_equal(text, "0 FAILED e0 2000-3000;1 LOST e1 2000-4000;2 TIMED_OUT e2 2000-5000;"
                              "3 UNDELIVERED e3 2000-6000;");
}

static void test_release_counts_no_attempt(void **state)
{
    cleat__store *store = *state;
    put_task(store, 1, 1, &plain);
    assign(store, 1, 0);
    cleat__attempt_key key = key_of(1, 0);
    assert_int_equal(cleat__transition_release(store, &key, 3000), CLEAT_OK);
    assert_state(store, 1, CLEAT_RUN_QUEUED, 0);
    assert_int_equal(read_int(store, "SELECT count(*) FROM attempt"), 0);
    assign(store, 1, 0);
}

/* ---- Several at once ---- */

static void test_plain_runs_are_stored_together(void **state)
{
    static const size_t counts[] = {1, 7, 8, 9, 17};
    cleat__store *store = *state;
    cleat__trigger trigger = plain;
    cleat__new_task tasks[17];
    const cleat__new_task *rows[17];
    uint8_t number = 0;
    trigger.metadata = cleat_slice_of("{\"a\":1}");
    for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
        for (size_t j = 0; j < counts[i]; j++) {
            number++;
            tasks[j] = (cleat__new_task){.id = id_of(number),
                                         .type_id = 1,
                                         .priority = 1 + number % 3,
                                         .created_at_ms = 1000 + number,
                                         .trigger = number % 2 == 0 ? &trigger : &plain};
            assert_true(cleat__transition_is_plain(&tasks[j]));
            rows[j] = &tasks[j];
        }
        assert_int_equal(cleat__transition_trigger_plain(store, rows, counts[i]), CLEAT_OK);
    }
    assert_int_equal(read_int(store,
                              "SELECT count(*) FROM task JOIN task_live USING (id, type_id, priority) "
                              "WHERE priority = 1 + (created_at_ms - 1000) % 3 AND input = '{\"n\":1}' "
                              "AND metadata IS iif(created_at_ms % 2 = 0, '{\"a\":1}', NULL) "
                              "AND queued_at_ms = created_at_ms AND state = 0 AND type_id = 1"),
                     number);
    assert_int_equal(read_int(store, "SELECT count(DISTINCT created_at_ms) FROM task"), number);
}

static void test_what_is_not_plain(void **state)
{
    const cleat__uuid id = id_of(9);
    cleat__trigger child = plain, of_event = plain, of_filter = plain, planned = plain;
    const cleat__new_task others[] = {
        {.trigger = &child},
        {.trigger = &of_event},
        {.trigger = &of_filter},
        {.trigger = &planned},
        {.trigger = &plain, .desired = cleat_slice_of("{}")},
        {.trigger = &plain, .limits = cleat_slice_of("{}")},
        {.trigger = &plain, .idempotency_key = cleat_slice_of("")},
        {.trigger = &plain, .dag_id = id},
        {.trigger = &plain, .is_held = true},
    };
    (void)state;
    child.is_child = true;
    of_event.event_id = of_filter.filter_id = id;
    planned.scheduled_at_ms = 1;
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
        assert_false(cleat__transition_is_plain(&others[i]));
    }
}

/* ---- Children ---- */

static cleat_status put_child(cleat__store *store, uint8_t number, uint8_t parent, int64_t index,
                              const char *key, cleat__uuid *existing)
{
    cleat__trigger trigger = plain;
    trigger.is_child = true;
    trigger.parent_id = id_of(parent);
    trigger.child_index = index;
    trigger.child_key = cleat_slice_of(key);
    cleat__new_task task = {.id = id_of(number), .type_id = 1, .priority = 1, .trigger = &trigger};
    return cleat__transition_trigger(store, &task, existing);
}

static void test_a_child_is_started_once(void **state)
{
    cleat__store *store = *state;
    cleat__uuid existing, first = id_of(10);
    assert_int_equal(put_child(store, 10, 1, 0, NULL, &existing), CLEAT_OK);
    assert_int_equal(put_child(store, 11, 1, 1, NULL, &existing), CLEAT_OK);
    assert_int_equal(put_child(store, 12, 2, 0, NULL, &existing), CLEAT_OK);
    assert_int_equal(put_child(store, 13, 1, 0, NULL, &existing), CLEAT_ALREADY_EXISTS);
    assert_true(cleat__uuid_equals(&existing, &first));
    assert_int_equal(put_child(store, 14, 1, 7, "key", &existing), CLEAT_OK);
    assert_int_equal(put_child(store, 15, 1, 8, "key", &existing), CLEAT_ALREADY_EXISTS);
    /* Index and key share one name space. */
    assert_int_equal(put_child(store, 16, 1, 9, "0", &existing), CLEAT_ALREADY_EXISTS);
    assert_true(cleat__uuid_equals(&existing, &first));
    assert_int_equal(put_child(store, 17, 1, 7, NULL, &existing), CLEAT_OK);
    assert_int_equal(read_int(store, "SELECT count(*) FROM task"), 5);
    assert_int_equal(read_int(store, "SELECT count(*) FROM task_live"), 5);
}

static const cleat__type_names names = {{"a:a", 3}, {"flow", 4}, {"step", 4}};

static void test_an_assignment_has_what_was_triggered(void **state)
{
    cleat__store *store = *state;
    cleat__uuid id = id_of(1), parent = id_of(9);
    cleat__trigger trigger = plain;
    trigger.metadata = cleat_slice_of("{\"traceparent\":\"00-0-0-01\"}");
    trigger.is_child = true;
    trigger.parent_id = parent;
    trigger.child_index = 5;
    trigger.child_key = cleat_slice_of("k");
    put_task(store, 1, 1, &trigger);
    cleat__assignment *assignment = NULL;
    assert_int_equal(cleat__load_assignment(store, &id, &names, &assignment), CLEAT_OK);
    assert_slice(assignment->task, "a:a");
    assert_slice(assignment->workflow, "flow");
    assert_slice(assignment->task_name, "step");
    assert_slice(assignment->input, "{\"n\":1}");
    assert_slice(assignment->metadata, "{\"traceparent\":\"00-0-0-01\"}");
    assert_slice(assignment->child_key, "k");
    assert_int_equal(assignment->metadata.data[assignment->metadata.size], '\0');
    assert_true(assignment->is_child);
    assert_true(cleat__uuid_equals(&assignment->parent_id, &parent));
    assert_int_equal(assignment->child_index, 5);
    assert_int_equal(assignment->created_at_ms, 1001);
    cleat__free(assignment);
    id = id_of(2);
    assert_int_equal(cleat__load_assignment(store, &id, &names, &assignment), CLEAT_CORRUPT);
}

/* ---- Log ---- */

static bool collect_line(void *argument, const cleat__log_line *line)
{
    char *text = argument;
    sprintf(text + strlen(text), "%d:%d:%.*s;", line->retry_count, (int)line->level,
            CLEAT_SLICE_ARGS(line->message));
    return true;
}

static void test_log_lines_keep_their_order(void **state)
{
    cleat__store *store = *state;
    put_task(store, 1, 1, &plain);
    put_task(store, 2, 1, &plain);
    static const char *const messages[] = {"one", "", "three"};
    for (size_t i = 0; i < 3; i++) {
        cleat__log_line line = {.task_id = id_of(1),
                                .retry_count = 1,
                                .level = CLEAT_LOG_INFO,
                                .message = cleat_slice_of(messages[i])};
        assert_int_equal(cleat__log_line_insert(store, CLEAT__TENANT_DEFAULT, &line), CLEAT_OK);
        line.task_id = id_of(2);
        assert_int_equal(cleat__log_line_insert(store, CLEAT__TENANT_DEFAULT, &line), CLEAT_OK);
        assert_int_equal(cleat__log_line_insert(store, 2, &line), CLEAT_NOT_FOUND); /* of another tenant */
        line.task_id = id_of(99);
        assert_int_equal(cleat__log_line_insert(store, CLEAT__TENANT_DEFAULT, &line), CLEAT_NOT_FOUND);
    }
    char text[256] = "";
    cleat__uuid id = id_of(1);
    assert_int_equal(cleat__log_list(store, &id, collect_line, text), CLEAT_OK);
    assert_string_equal(text, "1:3:one;1:3:;1:3:three;");
    assert_int_equal(read_int(store, "SELECT count(*) FROM task_log"), 6);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        TEST(test_a_claim_counts_once),
        TEST(test_only_the_running_attempt_ends),
        TEST(test_each_end),
        TEST(test_retries_are_recorded),
        TEST(test_release_counts_no_attempt),
        TEST(test_plain_runs_are_stored_together),
        TEST(test_what_is_not_plain),
        TEST(test_a_child_is_started_once),
        TEST(test_an_assignment_has_what_was_triggered),
        TEST(test_log_lines_keep_their_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
