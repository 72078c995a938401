/* What is old goes with all that belongs to it, unless somebody may still ask for it. */
#include "retention_test.h"

/* ---- By age ---- */

static void test_what_has_ended_long_ago_goes(void **state)
{
    fixture *f = *state;
    cleat__uuid old = put(f, 1, OLD + 1, OLD, NULL), other = put(f, 2, OLD, 31, NULL);
    cleat__uuid late = put(f, 3, OLD, NEW, NULL), fresh = put(f, 4, NEW, NEW, NULL);
    cleat__uuid live = put(f, 5, OLD, LIVE, NULL);
    put_rest(f, &old, 3);
    assert_int_equal(look(f, &by_age), 2);
    assert_false(is_there(&old));
    assert_false(is_there(&other));
    assert_true(is_there(&late));
    assert_true(is_there(&fresh));
    assert_true(is_there(&live));
    assert_int_equal(number_of(of_runs), 6);
    assert_int_equal(number_of(of_rest), 0);
}

static void test_all_is_kept_where_that_is_wanted(void **state)
{
    fixture *f = *state;
    put(f, 1, OLD, OLD, NULL);
    assert_int_equal(look(f, &(cleat__retention_options){.age_ms = -1}), 0);
    assert_int_equal(number_of(of_runs), 2);
}

static void test_a_child_stays_with_its_parent(void **state)
{
    fixture *f = *state;
    cleat__uuid live = put(f, 1, 50, LIVE, NULL), late = put(f, 2, 50, NEW, NULL);
    cleat__uuid child = put(f, 3, 49, OLD, &live), grandchild = put(f, 4, 48, OLD, &child);
    cleat__uuid other = put(f, 5, 49, OLD, &late);
    assert_int_equal(look(f, &by_age), 0);
    assert_true(is_there(&grandchild));
    assert_true(is_there(&other));
}

static void test_a_family_goes_together(void **state)
{
    fixture *f = *state;
    cleat__uuid parent = put(f, 1, 50, 45, NULL);
    for (int i = 0; i < 600; i++) { /* more than a page */
        cleat__uuid child = put(f, 2 + i, 49, 46, &parent);
        if (i % 100 == 0) {
            put(f, 1000 + i, 48, 47, &child);
        }
    }
    assert_int_equal(look(f, &by_age), 607);
    assert_int_equal(number_of(of_runs), 0);
}

/* A run that the former has gone on as. */
static cleat__uuid put_next(fixture *f, int number, int started, int ended, const cleat__uuid *former)
{
    char output[CLEAT__CONTINUED_SIZE];
    const int node = 1 + number % 3;
    const cleat__uuid id = put(f, number, started, ended, former);
    const char *of = hex(former), *next = hex(&id);
    cleat__continued_format(&id, output);
    run_sql(f,
            "UPDATE task SET child_index = %d, child_key = 'cleat>1.%d' WHERE id = %s;"
            "UPDATE task_end SET output = '%s' WHERE id = %s;"
            "INSERT INTO durable_run (id, invocation_count, branch) VALUES (%s, 1, 1);"
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) "
            "INSERT INTO durable_entry (run_id, branch, node, kind, hash, label, created_at_ms, child_id) "
            "SELECT %s, 1, i, iif(i < %d, 2, 0), 7, 'x', 1, iif(i < %d, NULL, %s) FROM n;"
            "UPDATE chain SET last_id = %s WHERE last_id = %s;"
            "INSERT INTO chain SELECT %s, %s WHERE changes() = 0",
            node, node, next, output, of, of, node, of, node, node, next, next, of, of, next);
    return id;
}

/* That is what the one has gone on as, by its output and its log, and whose child it is. */
static bool goes_on_as(const cleat__uuid *former, const cleat__uuid *next)
{
    char text[600], output[CLEAT__CONTINUED_SIZE];
    cleat__continued_format(next, output);
    snprintf(
        text, sizeof(text),
        "count(*) FROM task t JOIN task_end e ON e.id = t.parent_id JOIN durable_entry n ON n.run_id = e.id "
        "AND n.child_id = t.id AND t.child_key = 'cleat>1.' || n.node AND t.child_index = n.node "
        "WHERE t.id = %s AND e.id = %s AND e.output = '%s'",
        hex(next), hex(former), output);
    return number_of(text) == 1;
}

static void test_of_a_chain_the_first_and_the_last_stay(void **state)
{
    fixture *f = *state;
    cleat__uuid first = put(f, 1, 90, 80, NULL), run = first, between[4];
    for (int i = 0; i < 4; i++) {
        run = between[i] = put_next(f, 2 + i, 80 - i, 70 - i, &run);
    }
    cleat__uuid late = put_next(f, 10, 50, NEW, &run), last = put_next(f, 11, NEW, LIVE, &late);
    cleat__uuid child = put(f, 12, 60, 60, &between[1]);
    assert_int_equal(look(f, &by_age), 5);
    assert_false(is_there(&between[0]) || is_there(&between[3]) || is_there(&child));
    assert_true(goes_on_as(&first, &late));
    assert_true(goes_on_as(&late, &last));
    assert_int_equal(number_of("count(*) FROM chain"), 1);
}

/* Where it is known of one of those between what it leads to, it is known of the one before from then on. */
static void test_of_a_chain_what_is_known_stays_known(void **state)
{
    fixture *f = *state;
    char text[200];
    cleat__uuid first = put(f, 1, 90, 80, NULL), second = put_next(f, 2, 80, 70, &first);
    run_sql(f, "DELETE FROM chain");
    cleat__uuid last = put_next(f, 4, 60, LIVE, &second);
    assert_int_equal(look(f, &by_age), 1);
    snprintf(text, sizeof(text), "count(*) FROM chain WHERE first_id = %s AND last_id = %s", hex(&first),
             hex(&last));
    assert_int_equal(number_of(text), 1);
}

/* Whoever has started it asks for the first. */
static void test_of_a_chain_that_is_waited_for_likewise(void **state)
{
    fixture *f = *state;
    cleat__uuid waiter = put(f, 1, 95, LIVE, NULL), first = put(f, 2, 90, 80, &waiter);
    cleat__uuid second = put_next(f, 3, 80, 70, &first), third = put_next(f, 4, 70, 60, &second),
                last = put_next(f, 5, 60, LIVE, &third);
    cleat__uuid other = put(f, 6, 90, 80, NULL), young = put_next(f, 7, 80, NEW, &other); /* has just ended */
    assert_int_equal(look(f, &by_age), 2);
    assert_true(goes_on_as(&first, &last) && goes_on_as(&other, &young) && !is_there(&second));
}

static void test_a_chain_that_has_ended_long_ago_goes(void **state)
{
    fixture *f = *state;
    cleat__uuid run = put(f, 1, 90, 80, NULL);
    for (int i = 0; i < 300; i++) { /* more than a page */
        run = put_next(f, 2 + i, 80, 70, &run);
    }
    open_engine(f, &by_age);
    for (int i = 0; i < 2; i++) { /* those between before the others */
        assert_int_equal(cleat__retention_look(f->retention), CLEAT_OK);
        assert_sound();
    }
    assert_int_equal(number_of(of_runs), 0);
    assert_int_equal(number_of(of_rest), 0);
    assert_int_equal(number_of("count(*) FROM chain"), 0);
}

/* An output that looks like it, of a run that has not gone on as that. */
static void test_an_output_that_looks_like_it_keeps_nothing(void **state)
{
    fixture *f = *state;
    cleat__uuid first = put(f, 1, 90, 80, NULL), child = put(f, 2, 80, LIVE, &first);
    char output[CLEAT__CONTINUED_SIZE];
    cleat__continued_format(&child, output);
    run_sql(f, "UPDATE task_end SET output = '%s'", output);
    assert_int_equal(look(f, &by_age), 1);
}

static void test_large_runs_go_bit_by_bit(void **state)
{
    fixture *f = *state;
    cleat__uuid large = put(f, 1, OLD, OLD, NULL);
    put_rest(f, &large, 1000);
    put(f, 2, OLD, OLD, NULL);
    assert_int_equal(look(f, &by_age), 2);
    assert_int_equal(number_of(of_runs), 0);
    assert_int_equal(number_of(of_rest), 0);
}

/* The machine may lose its power in the middle. */
static void test_what_is_left_of_a_run_goes_later(void **state)
{
    fixture *f = *state;
    cleat__uuid large = put(f, 1, OLD, OLD, NULL);
    int64_t rows = 1500;
    bool was_removed = false;
    put_rest(f, &large, 1000);
    assert_int_equal(cleat__expire_run(f->store, &large, TODAY, &rows, &was_removed), CLEAT_OK);
    assert_true(was_removed);
    assert_int_equal(rows, 0);
    assert_false(is_there(&large));
    assert_int_equal(number_of("count(*) FROM durable_hook"), 0); /* who has one is a run */
    assert_int_equal(number_of("count(*) FROM removed_run"), 1);
    assert_int_equal(look(f, &by_age), 0);
    assert_int_equal(number_of(of_rest), 0);
}

static void test_a_replayed_run_stays(void **state)
{
    fixture *f = *state;
    cleat__uuid run = put(f, 1, OLD, OLD, NULL);
    cleat__expired page = {.count = 0};
    int64_t rows = 100;
    bool was_removed = true;
    assert_int_equal(cleat__expired_runs(f->store, TODAY, &page), CLEAT_OK);
    assert_int_equal(page.count, 1);
    open_engine(f, &by_age);
    assert_int_equal(cleat__engine_replay(f->engine, CLEAT__TENANT_DEFAULT, &run), CLEAT_OK);
    cleat__engine_close(f->engine);
    f->engine = NULL;
    assert_int_equal(cleat__store_open(FILE_NAME, CLEAT__STORE_WRITE_UNSYNCED, &f->store), CLEAT_OK);
    assert_int_equal(cleat__expire_run(f->store, &run, TODAY, &rows, &was_removed), CLEAT_OK);
    assert_false(was_removed);
    assert_true(is_there(&run));
}

/* ---- By size ---- */

static void test_the_oldest_go_where_there_is_too_much(void **state)
{
    fixture *f = *state;
    enum { RUNS = 1000, KEPT = 400 };
    int64_t bytes = 0;
    for (int i = 0; i < RUNS; i++) {
        cleat__uuid id = put(f, i, 20, NEW, NULL);
        run_sql(f, "UPDATE task_end SET output = '\"' || hex(zeroblob(1000)) || '\"' WHERE id = %s",
                hex(&id));
    }
    cleat__uuid just_now = put(f, 1, 25, 0, NULL);
    assert_int_equal(cleat__expiry_bytes(f->store, &bytes), CLEAT_OK);
    assert_true(bytes > RUNS * 2000);
    uint64_t removed = look(f, &(cleat__retention_options){.age_ms = -1, .max_bytes = bytes * KEPT / RUNS});
    assert_in_range(removed, RUNS - KEPT, RUNS - KEPT + 64);
    assert_true(is_there(&just_now));
    for (int i = 0; i < RUNS; i += 50) {
        cleat__uuid id = id_of(20, i);
        assert_int_equal(is_there(&id), i >= (int)removed);
    }
}

static int64_t bytes_of(fixture *f)
{
    int64_t bytes = 0;
    assert_int_equal(cleat__expiry_bytes(f->store, &bytes), CLEAT_OK);
    return bytes;
}

/* What it has in other tables goes in pieces of its own. */
static void test_one_run_that_is_large_is_enough(void **state)
{
    fixture *f = *state;
    run_sql(f, "BEGIN");
    for (int i = 0; i < 1000; i++) {
        put(f, i + 2, 20, 20, NULL);
    }
    run_sql(f, "COMMIT");
    int64_t small = bytes_of(f);
    cleat__uuid large = put(f, 1, OLD, OLD, NULL);
    put_rest(f, &large, 1000);
    run_sql(f, "UPDATE task_log SET message = hex(zeroblob(2000))");
    uint64_t removed = look(f, &(cleat__retention_options){.age_ms = -1, .max_bytes = small + 100000});
    assert_in_range(removed, 1, 64);
    assert_int_equal(number_of(of_rest), 0);
}

static void put_event(fixture *f, int number, int days_ago, const char *scope, const cleat__uuid *run)
{
    cleat__uuid id = id_of(days_ago, number);
    run_sql(f,
            "INSERT INTO event (id, tenant, key, payload, scope, created_at_ms) VALUES (%s, 1, 'key', '{}', "
            "%Q, %lld)",
            hex(&id), scope, (long long)(TODAY - days_ago * DAY));
    if (run != NULL) {
        run_sql(f, "UPDATE task SET event_id = %s, event_key = 'key' WHERE id = %s", hex(&id), hex(run));
    }
}

static void test_events_go_before_runs_that_are_younger(void **state)
{
    fixture *f = *state;
    run_sql(f, "BEGIN");
    for (int i = 0; i < 600; i++) {
        put(f, i, 20, 20, NULL);
    }
    run_sql(f, "COMMIT");
    int64_t small = bytes_of(f);
    run_sql(f, "BEGIN");
    for (int i = 0; i < 600; i++) {
        put_event(f, i, 50, NULL, NULL);
    }
    run_sql(f, "COMMIT");
    run_sql(f, "UPDATE event SET payload = '\"' || hex(zeroblob(1000)) || '\"'");
    assert_int_equal(look(f, &(cleat__retention_options){.age_ms = -1, .max_bytes = small + 200000}), 0);
    assert_in_range(number_of("count(*) FROM event"), 1, 100);
}

/* Each makes so many pages free that it has a piece of its own. */
static void test_runs_that_are_large_go_one_by_one(void **state)
{
    fixture *f = *state;
    enum { RUNS = 10 };
    for (int i = 0; i < RUNS; i++) {
        cleat__uuid id = put(f, i, OLD, OLD, NULL);
        run_sql(f, "UPDATE task_end SET output = '\"' || hex(zeroblob(1000000)) || '\"' WHERE id = %s",
                hex(&id));
    }
    assert_int_equal(look(f, &by_age), RUNS);
    cleat__retention_stats stats;
    cleat__retention_get_stats(f->retention, &stats);
    assert_int_equal(stats.pieces, RUNS);
}

static void test_enough_room_is_left_alone(void **state)
{
    fixture *f = *state;
    put(f, 1, OLD, OLD, NULL);
    assert_int_equal(look(f, &(cleat__retention_options){.age_ms = -1, .max_bytes = INT64_C(1) << 40}), 0);
}

/* ---- Events ---- */

static void test_old_events_go(void **state)
{
    fixture *f = *state;
    cleat__uuid kept = put(f, 1, 50, NEW, NULL), gone = put(f, 2, 50, OLD, NULL);
    put(f, 3, 45, LIVE, NULL);
    put_event(f, 10, 50, NULL, &kept); /* stays with its run */
    put_event(f, 11, 50, NULL, &gone);
    put_event(f, 12, OLD, NULL, NULL);
    put_event(f, 13, 46, "scope", NULL);
    put_event(f, 14, 44, "scope", NULL); /* the live run may look back at it */
    put_event(f, 15, NEW, NULL, NULL);
    look(f, &by_age);
    assert_int_equal(number_of("group_concat(hex(substr(id, 16)), '') = '0A0E0FFF' FROM event"), 1);
    cleat__retention_stats stats;
    cleat__retention_get_stats(f->retention, &stats);
    assert_int_equal(stats.events, 3);
}

/* ---- Beside the engine ---- */

static void test_who_asks_for_what_is_gone_is_told_so(void **state)
{
    fixture *f = *state;
    cleat__uuid run = put(f, 1, OLD, OLD, NULL);
    cleat__uuid child;
    run_sql(f, "INSERT INTO durable_run (id, invocation_count, branch) VALUES (%s, 1, 1)", hex(&run));
    run_sql(f, "INSERT INTO durable_hook VALUES (1, 'a-token-of-the-run', %s, 1)", hex(&run));
    assert_int_equal(look(f, &by_age), 1);
    cleat_run_result result;
    assert_int_equal(cleat__engine_wait(f->engine, 1, &run, 0, &result), CLEAT_NOT_FOUND);
    assert_int_equal(cleat__engine_replay(f->engine, 1, &run), CLEAT_NOT_FOUND);
    assert_int_equal(cleat__engine_cancel(f->engine, 1, &run), CLEAT_NOT_FOUND);
    const cleat__trigger trigger = {.workflow = cleat_slice_of("w"),
                                    .input = cleat_slice_of("{}"),
                                    .is_child = true,
                                    .parent_id = run,
                                    .child_index = 0};
    assert_int_equal(cleat__engine_trigger(f->engine, 1, &trigger, 1, &child), CLEAT_NOT_FOUND);
    const cleat__command resume = {
        .kind = CLEAT__COMMAND_RESUME_HOOK,
        .tenant = 1,
        .as.resume_hook = {.token = cleat_slice_of("a-token-of-the-run"), .payload = cleat_slice_of("{}")}};
    assert_int_equal(cleat__engine_ask(f->engine, &resume), CLEAT_NOT_FOUND);
    cleat__engine_stats stats;
    cleat__engine_get_stats(f->engine, &stats);
    assert_int_equal(stats.failure, CLEAT_OK);
}

static cleat_status do_nothing(cleat__store *store, void *argument)
{
    (void)store, (void)argument;
    return CLEAT_OK;
}

static void test_a_thread_does_it(void **state)
{
    fixture *f = *state;
    cleat__retention_stats stats = {.looks = 0};
    for (int i = 0; i < 300; i++) {
        put(f, i, OLD, OLD, NULL);
    }
    open_engine(f, &(cleat__retention_options){.every_ms = 1});
    assert_int_equal(cleat__retention_start(f->retention), CLEAT_OK);
    assert_int_equal(cleat__retention_start(f->retention), CLEAT_OK); /* it runs */
    while (stats.looks == 0) {
        assert_int_equal(cleat__engine_call(f->engine, do_nothing, NULL), CLEAT_OK);
        cleat__retention_get_stats(f->retention, &stats);
    }
    assert_int_equal(stats.runs, 300);
    assert_int_equal(number_of(of_runs), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_has_ended_long_ago_goes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_all_is_kept_where_that_is_wanted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_child_stays_with_its_parent, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_family_goes_together, setup, teardown),
        cmocka_unit_test_setup_teardown(test_of_a_chain_the_first_and_the_last_stay, setup, teardown),
        cmocka_unit_test_setup_teardown(test_of_a_chain_what_is_known_stays_known, setup, teardown),
        cmocka_unit_test_setup_teardown(test_of_a_chain_that_is_waited_for_likewise, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_chain_that_has_ended_long_ago_goes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_output_that_looks_like_it_keeps_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_large_runs_go_bit_by_bit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_left_of_a_run_goes_later, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_replayed_run_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_oldest_go_where_there_is_too_much, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_run_that_is_large_is_enough, setup, teardown),
        cmocka_unit_test_setup_teardown(test_events_go_before_runs_that_are_younger, setup, teardown),
        cmocka_unit_test_setup_teardown(test_runs_that_are_large_go_one_by_one, setup, teardown),
        cmocka_unit_test_setup_teardown(test_enough_room_is_left_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_old_events_go, setup, teardown),
        cmocka_unit_test_setup_teardown(test_who_asks_for_what_is_gone_is_told_so, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_thread_does_it, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
