/* The chain of interceptors: order, short cuts, what hooks see and may change. */
#include "support/gate.h"
#include "support/sdk_fixture.h"

#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

/* What happened, as letters; hooks of one call follow each other, so no lock is needed. */
typedef struct journal {
    char text[64];
} journal;

typedef struct spy {
    journal *journal;
    char letter;
    bool stops;          /* does not proceed */
    bool repeats;        /* proceeds twice */
    cleat_status answer; /* instead of what proceed said, when not OK */
    cleat_status second; /* of the second proceed */
} spy;

static void note(journal *to, char c)
{
    size_t size = strlen(to->text);
    if (size < sizeof to->text - 1) {
        to->text[size] = c;
        to->text[size + 1] = '\0';
    }
}

static cleat_status spy_trigger(void *user_data, cleat_trigger_call *call)
{
    spy *it = user_data;
    note(it->journal, it->letter);
    if (it->stops) {
        return it->answer;
    }
    cleat_status status = cleat_trigger_call_proceed(call);
    if (it->repeats) {
        it->second = cleat_trigger_call_proceed(call);
    }
    note(it->journal, it->letter);
    return it->answer != CLEAT_OK ? it->answer : status;
}

static cleat_status spy_execute(void *user_data, cleat_execute_call *call)
{
    spy *it = user_data;
    note(it->journal, it->letter);
    cleat_status status = it->stops ? it->answer : cleat_execute_call_proceed(call);
    if (it->repeats) {
        it->second = cleat_execute_call_proceed(call);
    }
    note(it->journal, it->letter);
    return it->answer != CLEAT_OK ? it->answer : status;
}

static void add_spy(sdk_fixture *it, spy *added, bool trigger, bool execute)
{
    const cleat_interceptor interceptor = {
        .struct_size = sizeof interceptor,
        .user_data = added,
        .trigger = trigger ? spy_trigger : NULL,
        .execute = execute ? spy_execute : NULL,
    };
    assert_int_equal(cleat_client_add_interceptor(it->client, &interceptor), CLEAT_OK);
}

static cleat_status note_task(cleat_task *task, void *user_data)
{
    (void)task;
    note(user_data, '*');
    return CLEAT_OK;
}

static void start_noting(sdk_fixture *it, journal *seen)
{
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "note", .run = note_task, .user_data = seen));
    sdk_start(it);
}

static void test_order(void **state)
{
    sdk_fixture *it = *state;
    journal trigger = {""}, execute = {""};
    spy a = {.journal = &trigger, .letter = 'a'}, b = {.journal = &trigger, .letter = 'b'};
    spy x = {.journal = &execute, .letter = 'x'}, y = {.journal = &execute, .letter = 'y'};
    add_spy(it, &a, true, false);
    add_spy(it, &x, false, true);
    add_spy(it, &b, true, false);
    add_spy(it, &y, false, true);
    start_noting(it, &execute);
    sdk_run(it, "note", NULL, NULL, CLEAT_RUN_COMPLETED, "null");
    sdk_stop(it);
    assert_string_equal(trigger.text, "abba");
    assert_string_equal(execute.text, "xy*yx");
}

static void test_a_hook_may_stop_a_trigger(void **state)
{
    sdk_fixture *it = *state;
    journal seen = {""};
    spy a = {.journal = &seen, .letter = 'a'};
    spy b = {.journal = &seen, .letter = 'b', .stops = true, .answer = CLEAT_RESOURCE_EXHAUSTED};
    spy c = {.journal = &seen, .letter = 'c'};
    add_spy(it, &a, true, false);
    add_spy(it, &b, true, false);
    add_spy(it, &c, true, false);
    start_noting(it, &seen);
    assert_int_equal(cleat_client_run_no_wait(it->client, "note", NULL, NULL, NULL),
                     CLEAT_RESOURCE_EXHAUSTED);
    assert_string_equal(seen.text, "aba");
    b.answer = CLEAT_OK; /* says it is done although it is not */
    assert_refused(cleat_client_run_no_wait(it->client, "note", NULL, NULL, NULL), CLEAT_FAILED_PRECONDITION,
                   "interceptor");
}

static void test_proceed_runs_the_rest_once(void **state)
{
    sdk_fixture *it = *state;
    journal seen = {""}, trigger_seen = {""};
    spy a = {.journal = &trigger_seen, .letter = 'a', .repeats = true};
    spy b = {.journal = &trigger_seen, .letter = 'b', .stops = true, .answer = CLEAT_BUSY};
    spy x = {.journal = &seen, .letter = 'x', .repeats = true};
    add_spy(it, &a, true, false);
    add_spy(it, &x, false, true);
    start_noting(it, &seen);
    sdk_run(it, "note", NULL, NULL, CLEAT_RUN_COMPLETED, "null");
    sdk_stop(it);
    assert_int_equal(a.second, CLEAT_FAILED_PRECONDITION);
    assert_int_equal(x.second, CLEAT_FAILED_PRECONDITION);
    assert_string_equal(seen.text, "x*x");
    add_spy(it, &b, true, false);
    assert_int_equal(cleat_client_run_no_wait(it->client, "note", NULL, NULL, NULL), CLEAT_BUSY);
    assert_int_equal(a.second, CLEAT_FAILED_PRECONDITION);
}

static void test_a_hook_decides_how_a_task_ends(void **state)
{
    sdk_fixture *it = *state;
    journal seen = {""};
    spy x = {.journal = &seen, .letter = 'x', .answer = CLEAT_NON_RETRYABLE};
    add_spy(it, &x, false, true);
    start_noting(it, &seen);
    sdk_run(it, "note", NULL, NULL, CLEAT_RUN_FAILED, "failed for good");
    x.stops = true;
    seen.text[0] = '\0';
    sdk_run(it, "note", NULL, NULL, CLEAT_RUN_FAILED, "failed for good");
    sdk_stop(it);
    assert_string_equal(seen.text, "xx"); /* the task function was not called */
}

/* ---- What hooks see ---- */

static cleat_status change_metadata(void *user_data, cleat_trigger_call *call)
{
    gate *seen = user_data;
    const cleat_trigger_item *item = cleat_trigger_call_item(call, 0);
    cleat_text_map map = item->metadata;
    assert_int_equal(cleat_trigger_call_count(call), 1);
    assert_false(cleat_trigger_call_is_many(call));
    assert_null(cleat_trigger_call_item(call, 1));
    assert_null(cleat_trigger_call_run_id(call, 0));
    assert_string_equal(item->task, "show:show");
    assert_int_equal(item->priority, 2);
    assert_int_equal(item->trace, CLEAT_TRACE_LINK);
    assert_int_equal(item->child_index, -1);
    assert_null(item->parent_run_id);
    assert_null(item->child_key);
    assert_true(cleat_slice_equals(item->input, cleat_slice_of("{\"i\":1}")));
    assert_true(cleat_slice_equals(map.get(map.self, "text"), cleat_slice_of("a\"b")));
    assert_null(map.get(map.self, "number").data); /* no string: kept, not seen */
    assert_null(map.get(map.self, "missing").data);
    assert_int_equal(map.set(map.self, "added", cleat_slice_of("\xc3\xa4\"\n")), CLEAT_OK);
    assert_int_equal(map.set(map.self, "text", cleat_slice_of("new")), CLEAT_OK);
    map.remove(map.self, "gone");
    cleat_status status = cleat_trigger_call_proceed(call);
    assert_int_equal(strlen(cleat_trigger_call_run_id(call, 0)), 36);
    assert_null(cleat_trigger_call_run_id(call, 1));
    gate_add(seen);
    return status;
}

static cleat_status read_metadata(void *user_data, cleat_execute_call *call)
{
    (void)user_data;
    cleat_text_map map = cleat_execute_call_metadata(call);
    assert_null(map.set);
    assert_true(cleat_slice_equals(map.get(map.self, "added"), cleat_slice_of("\xc3\xa4\"\n")));
    assert_string_equal(cleat_task_name(cleat_execute_call_task(call)), "show:show");
    assert_null(cleat_execute_call_error(call));
    return cleat_execute_call_proceed(call);
}

static cleat_status show_metadata(cleat_task *task, void *user_data)
{
    (void)user_data;
    return cleat_task_return(task, cleat_task_metadata(task).data);
}

static void test_hooks_see_and_change(void **state)
{
    sdk_fixture *it = *state;
    gate seen;
    gate_init(&seen);
    const cleat_interceptor interceptor = {.struct_size = sizeof interceptor,
                                           .user_data = &seen,
                                           .trigger = change_metadata,
                                           .execute = read_metadata};
    assert_int_equal(cleat_client_add_interceptor(it->client, &interceptor), CLEAT_OK);
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "show", .run = show_metadata));
    sdk_start(it);
    sdk_run(it, "show", "{\"i\":1}",
            CLEAT_RUN_OPTIONS(.metadata = "{\"text\":\"a\\\"b\",\"number\":1.0,\"gone\":\"x\"}",
                              .priority = 2, .trace = CLEAT_TRACE_LINK),
            CLEAT_RUN_COMPLETED, "{\"text\":\"new\",\"number\":1.0,\"added\":\"\xc3\xa4\\\"\\n\"}");
    gate_wait(&seen, 1);
    gate_deinit(&seen);
}

static void test_bad_interceptors(void **state)
{
    sdk_fixture *it = *state;
    const cleat_interceptor empty = {.struct_size = sizeof empty};
    const cleat_interceptor no_size = {.user_data = it};
    assert_refused(cleat_client_add_interceptor(NULL, &empty), CLEAT_INVALID_ARGUMENT, "client");
    assert_refused(cleat_client_add_interceptor(it->client, NULL), CLEAT_INVALID_ARGUMENT, "interceptor");
    assert_refused(cleat_client_add_interceptor(it->client, &no_size), CLEAT_INVALID_ARGUMENT, "struct_size");
    for (int i = 0; i < 16; i++) {
        assert_int_equal(cleat_client_add_interceptor(it->client, &empty), CLEAT_OK);
    }
    assert_refused(cleat_client_add_interceptor(it->client, &empty), CLEAT_RESOURCE_EXHAUSTED, "16");
    assert_refused(cleat_trigger_call_proceed(NULL), CLEAT_INVALID_ARGUMENT, "call");
    assert_refused(cleat_execute_call_proceed(NULL), CLEAT_INVALID_ARGUMENT, "call");
    assert_refused(cleat_cancel_call_proceed(NULL), CLEAT_INVALID_ARGUMENT, "call");
    assert_int_equal(cleat_trigger_call_count(NULL), 0);
}

/* ---- Cancellation ---- */

typedef struct cancel_spy {
    gate begun, hooked;
    char run_id[37];
} cancel_spy;

static cleat_status spy_cancel(void *user_data, cleat_cancel_call *call)
{
    cancel_spy *it = user_data;
    (void)strncpy(it->run_id, cleat_cancel_call_run_id(call), sizeof it->run_id - 1);
    cleat_status status = cleat_cancel_call_proceed(call);
    gate_add(&it->hooked);
    return status;
}

static cleat_status wait_for_flag(cleat_task *task, void *user_data)
{
    cancel_spy *it = user_data;
    gate_add(&it->begun);
    gate_wait(&it->hooked, 1);
    return cleat_task_is_cancelled(task) ? CLEAT_CANCELLED : CLEAT_OK;
}

static void test_cancel_hook(void **state)
{
    sdk_fixture *it = *state;
    cancel_spy spied = {.run_id = ""};
    cleat_run_id id;
    gate_init(&spied.begun);
    gate_init(&spied.hooked);
    const cleat_interceptor interceptor = {
        .struct_size = sizeof interceptor, .user_data = &spied, .cancel = spy_cancel};
    assert_int_equal(cleat_client_add_interceptor(it->client, &interceptor), CLEAT_OK);
    sdk_add_task(it, CLEAT_TASK_OPTIONS(.name = "wait", .run = wait_for_flag, .user_data = &spied));
    sdk_start(it);
    assert_int_equal(cleat_client_run_no_wait(it->client, "wait", NULL, NULL, &id), CLEAT_OK);
    gate_wait(&spied.begun, 1);
    assert_int_equal(cleat_client_cancel(it->client, &id), CLEAT_OK);
    gate_wait(&spied.hooked, 1);
    sdk_stop(it);
    assert_string_equal(spied.run_id, id.text);
    assert_int_equal(gate_count(&spied.hooked), 1);
    gate_deinit(&spied.begun);
    gate_deinit(&spied.hooked);
}

static cleat_status run_nothing(void *user_data, cleat_execute_call *call)
{
    (void)user_data;
    (void)call;
    return CLEAT_OK;
}

/* The instrumentor takes back its own hooks and nobody else's. */
static void test_hooks_stay_when_the_instrumentor_goes(void **state)
{
    sdk_fixture *it = *state;
    journal seen = {""};
    sdk_trace(it, NULL, NULL);
    const cleat_interceptor interceptor = {
        .struct_size = sizeof interceptor, .user_data = it->instrumentor, .execute = run_nothing};
    assert_int_equal(cleat_client_add_interceptor(it->client, &interceptor), CLEAT_OK);
    cleat_instrumentor_free(it->instrumentor);
    it->instrumentor = NULL;
    start_noting(it, &seen);
    sdk_run(it, "note", NULL, NULL, CLEAT_RUN_COMPLETED, "null");
    assert_string_equal(seen.text, "");
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, sdk_set_up, sdk_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_order),
        TEST(test_a_hook_may_stop_a_trigger),
        TEST(test_proceed_runs_the_rest_once),
        TEST(test_a_hook_decides_how_a_task_ends),
        TEST(test_hooks_see_and_change),
        TEST(test_bad_interceptors),
        TEST(test_cancel_hook),
        TEST(test_hooks_stay_when_the_instrumentor_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
