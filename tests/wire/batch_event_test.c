/* What a worker says of several runs at once, as Hatchet's engine reads it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "again.h"
#include "support/failing_allocator.h"
#include "wire/batch_event.h"

#define NOW      INT64_C(1700000000123)
#define OTHER_ID "01890a5d-ac96-774b-bcce-b302099a8059"

static const cleat__event_origin origin = {{"worker", 6}, {"rows:insert", 11}, {"step", 4}};

/* NULL: no memory. */
static Cleat__BatchActionEvent *write_failures(void)
{
    cleat__batch_event_writer writer;
    const cleat__report reports[] = {
        {.task_id = uuid_of(RUN_ID), .status = CLEAT_FAILED, .error = {"no \"row\"", 8}},
        {.task_id = uuid_of(OTHER_ID),
         .retry_count = CLEAT__RETRY_CURRENT,
         .status = CLEAT_NON_RETRYABLE,
         .error = {"never", 5}},
    };
    cleat__batch_event_begin(&writer, CLEAT__STEP_ACTION_EVENT_TYPE__STEP_EVENT_TYPE_FAILED, &origin,
                             cleat_slice_of("reservation 7"), 2, NOW);
    cleat__batch_event_add(&writer, &reports[0]);
    cleat__batch_event_add(&writer, &reports[1]);
    return cleat__batch_event_end(&writer);
}

static void test_failures_are_told_together(void **state)
{
    (void)state;
    Cleat__BatchActionEvent *message = again(write_failures());
    assert_string_equal(message->worker_id, "worker");
    assert_string_equal(message->job_id, "step");
    assert_string_equal(message->action_id, "rows:insert");
    assert_string_equal(message->batch_id, "reservation 7");
    assert_int_equal(message->event_type, CLEAT__STEP_ACTION_EVENT_TYPE__STEP_EVENT_TYPE_FAILED);
    assert_int_equal(message->n_items, 2);
    assert_string_equal(message->items[0]->task_run_external_id, RUN_ID);
    assert_string_equal(message->items[0]->event_payload, "{\"message\":\"no \\\"row\\\"\"}");
    assert_true(message->items[0]->has_retry_count_case != 0 && message->items[0]->retry_count == 0);
    assert_false(message->items[0]->should_not_retry);
    assert_true(message->items[1]->has_retry_count_case == 0 && message->items[1]->should_not_retry);
    cleat__message_free(message);
}

static void test_beginnings_and_outputs_are_told_together(void **state)
{
    cleat__batch_event_writer writer;
    cleat__uuid id = uuid_of(RUN_ID);
    (void)state;
    cleat__batch_event_begin(&writer, CLEAT__STEP_ACTION_EVENT_TYPE__STEP_EVENT_TYPE_STARTED, &origin,
                             cleat_slice_of("b"), 1, NOW);
    cleat__batch_event_add_started(&writer, &id);
    Cleat__BatchActionEvent *message = again(cleat__batch_event_end(&writer));
    assert_string_equal(message->items[0]->event_payload, "");
    cleat__message_free(message);
    cleat__batch_event_begin(&writer, CLEAT__STEP_ACTION_EVENT_TYPE__STEP_EVENT_TYPE_COMPLETED, &origin,
                             cleat_slice_of("b"), 2, NOW);
    cleat__batch_event_add(&writer, &(cleat__report){.task_id = id, .output = {"{\"a\":1.10}", 10}});
    cleat__batch_event_add(&writer, &(cleat__report){.task_id = id});
    message = again(cleat__batch_event_end(&writer));
    assert_string_equal(message->items[0]->event_payload, "{\"a\":1.10}");
    assert_string_equal(message->items[1]->event_payload, "null");
    assert_true(message->items[0]->has_should_not_retry_case == 0);
    cleat__message_free(message);
}

static void test_without_memory_nothing_is_left_behind(void **state)
{
    failing_allocator it;
    bool is_done = false;
    (void)state;
    for (size_t call = 1; !is_done && call < 500; call++) {
        failing_allocator_install(&it, call);
        Cleat__BatchActionEvent *message = write_failures();
        is_done = message != NULL;
        cleat__message_free(message);
        cleat_set_allocator(NULL);
        assert_int_equal(it.live, 0);
    }
    assert_true(is_done);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_failures_are_told_together),
        cmocka_unit_test(test_beginnings_and_outputs_are_told_together),
        cmocka_unit_test(test_without_memory_nothing_is_left_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
