/* Bytes of a peer become a message, or a sentence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "again.h"
#include "support/failing_allocator.h"
#include "wire/dispatcher.pb-c.h"
#include "wire/workflows.pb-c.h"

#define BYTES(text)            \
    (cleat_slice)              \
    {                          \
        text, sizeof(text) - 1 \
    }

static const ProtobufCMessageDescriptor *const event = &cleat__step_action_event__descriptor;
static const ProtobufCMessageDescriptor *const bulk = &cleat__bulk_trigger_workflow_request__descriptor;

static void test_fields_are_read(void **state)
{
    (void)state;
    cleat_status status;
    /* The last field, 31, is none that is known. */
    Cleat__StepActionEvent *message =
        cleat__message_unpack(event, BYTES("\x0A\x01w\x50\x00\x58\x01\xF8\x01\x07"), &status);
    assert_int_equal(status, CLEAT_OK);
    assert_string_equal(message->worker_id, "w");
    assert_string_equal(message->event_payload, "");
    assert_true(message->has_retry_count_case != 0);
    assert_int_equal(message->retry_count, 0);
    assert_true(message->should_not_retry);
    cleat__message_free(message);
    message = cleat__message_unpack(event, (cleat_slice){NULL, 0}, &status);
    assert_int_equal(status, CLEAT_OK);
    assert_true(message->has_retry_count_case == 0);
    cleat__message_free(message);
}

static void test_refused_bytes(void **state)
{
    (void)state;
    static const struct {
        cleat_slice bytes;
        const char *message;
    } cases[] = {
        {{"\x0A", 1}, "the bytes are no StepActionEvent"},
        {{"\x0A\x05wor", 5}, "the bytes are no StepActionEvent"},
        {{"\x0B\x0C", 2}, "the bytes are no StepActionEvent"},
        {{"\x00\x01", 2}, "the bytes are no StepActionEvent"},
        {{"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80", 11}, "the bytes are no StepActionEvent"},
        {{"\x0A\x02\xC3\x28", 4}, "StepActionEvent.worker_id is not valid UTF-8"},
        {{"\x4A\x03\xED\xA0\x80", 5}, "StepActionEvent.event_payload is not valid UTF-8"},
        {{"\x4A\x03"
          "a\0b",
          5},
         "StepActionEvent.event_payload has a NUL in it"},
        {{"\x3A\x02\x08", 3}, "the bytes are no StepActionEvent"},
        {{"\x3A\x01\x08", 3}, "the bytes are no google.protobuf.Timestamp"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cleat_status status = CLEAT_OK;
        assert_null(cleat__message_unpack(event, cases[i].bytes, &status));
        assert_int_equal(status, CLEAT_INVALID_ARGUMENT);
        assert_string_equal(cleat_error_message(), cases[i].message);
    }
}

static void test_texts_inside_are_looked_at(void **state)
{
    (void)state;
    cleat_status status;
    assert_null(cleat__message_unpack(bulk, BYTES("\x0A\x03\x0A\x01\xFF"), &status));
    assert_int_equal(status, CLEAT_INVALID_ARGUMENT);
    assert_string_equal(cleat_error_message(), "v1.TriggerWorkflowRequest.name is not valid UTF-8");
    /* The last of a map's texts, two messages down. */
    assert_null(cleat__message_unpack(bulk, BYTES("\x0A\x08\x52\x06\x0A\x01k\x12\x01\xFF"), &status));
    assert_int_equal(status, CLEAT_INVALID_ARGUMENT);
}

/* A million empty items take two megabytes on the wire and a hundred times that in memory. */
static void test_memory_is_bounded(void **state)
{
    (void)state;
    cleat_status status;
    cleat__buffer bytes = {0};
    for (int i = 0; i < 1000000; i++) {
        cleat__buffer_append(&bytes, "\x0A\x00", 2);
    }
    assert_null(cleat__message_unpack(bulk, cleat__buffer_slice(&bytes), &status));
    assert_int_equal(status, CLEAT_TOO_LARGE);
    assert_string_equal(cleat_error_message(),
                        "the BulkTriggerWorkflowRequest has too many parts for its size");
    cleat__buffer_deinit(&bytes);
}

static void test_a_bulk_of_short_triggers_is_read(void **state)
{
    (void)state;
    enum { COUNT = 50000 };
    cleat_status status;
    cleat__buffer bytes = {0};
    for (int i = 0; i < COUNT; i++) {
        cleat__buffer_append(&bytes,
                             "\x0A\x09\x0A\x03"
                             "a:b\x12\x02{}",
                             11);
    }
    Cleat__BulkTriggerWorkflowRequest *message =
        cleat__message_unpack(bulk, cleat__buffer_slice(&bytes), &status);
    assert_int_equal(status, CLEAT_OK);
    assert_int_equal(message->n_workflows, COUNT);
    assert_string_equal(message->workflows[COUNT - 1]->input, "{}");
    cleat__message_free(message);
    cleat__buffer_deinit(&bytes);
}

static void test_a_huge_message_is_not_looked_at(void **state)
{
    (void)state;
    cleat_status status;
    cleat_slice bytes = {"", CLEAT__MESSAGE_SIZE_MAX + 1}; /* never read */
    assert_null(cleat__message_unpack(bulk, bytes, &status));
    assert_int_equal(status, CLEAT_TOO_LARGE);
}

/* ---- Memory ---- */

static void test_no_memory_leaves_nothing_behind(void **state)
{
    (void)state;
    const cleat_slice bytes = BYTES("\x0A\x09\x0A\x03"
                                    "a:b\x12\x02{}\x0A\x07\x52\x05\x0A\x01k\x12\x00");
    for (int blocks = 0;; blocks++) {
        failing_allocator it;
        failing_allocator_install(&it, (size_t)blocks + 1);
        cleat_status status = CLEAT_FAILED;
        void *message = cleat__message_unpack(bulk, bytes, &status);
        cleat__message_free(message);
        cleat_set_allocator(NULL);
        assert_int_equal(it.live, 0);
        if (message != NULL) {
            assert_true(blocks > 3);
            return;
        }
        assert_int_equal(status, CLEAT_NO_MEMORY);
    }
}

/* ---- Making ---- */

static void check_text(cleat_slice text, const char *expected)
{
    bool failed = false;
    Cleat__StepActionEvent *message = cleat__message_new(event);
    message->event_payload = cleat__message_text(&failed, text);
    assert_false(failed);
    assert_string_equal(message->event_payload, expected);
    cleat__message_free(again(message));
}

static void test_texts_are_made_what_peers_take(void **state)
{
    (void)state;
    check_text((cleat_slice){NULL, 0}, "");
    check_text(BYTES("gr\xC3\xBC\xC3\x9F"
                     "e"),
               "gr\xC3\xBC\xC3\x9F"
               "e");
    check_text(BYTES("a\xFF"
                     "b\0c"),
               "a\xEF\xBF\xBD"
               "b\xEF\xBF\xBD"
               "c");
    check_text(BYTES("\0"), "\xEF\xBF\xBD");
    check_text(BYTES("cut \xE2\x82"), "cut \xEF\xBF\xBD\xEF\xBF\xBD");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_are_read),
        cmocka_unit_test(test_refused_bytes),
        cmocka_unit_test(test_texts_inside_are_looked_at),
        cmocka_unit_test(test_memory_is_bounded),
        cmocka_unit_test(test_a_bulk_of_short_triggers_is_read),
        cmocka_unit_test(test_a_huge_message_is_not_looked_at),
        cmocka_unit_test(test_no_memory_leaves_nothing_behind),
        cmocka_unit_test(test_texts_are_made_what_peers_take),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
