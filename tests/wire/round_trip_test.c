/*
 * Whatever one side says, the other hears: random triggers, assignments, reports, log lines and results
 * are written, packed, unpacked and read, and are the same.
 *
 *     CLEAT_SEEDS=n   how many seeds (default 2000)
 *     CLEAT_SEED=n    this one only
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "again.h"
#include "base/alloc.h"
#include "base/random.h"
#include "support/seeds.h"
#include "wire/assignment.h"
#include "wire/log_line.h"
#include "wire/report.h"
#include "wire/run_result.h"
#include "wire/trigger.h"

#include <inttypes.h>
#include <stdlib.h>

static cleat__random random_state;
static uint64_t seed;

#define CHECK(condition)                                                                     \
    do {                                                                                     \
        if (!(condition)) {                                                                  \
            fail_msg("not so: %s (again with CLEAT_SEED=%" PRIu64 "): %s", #condition, seed, \
                     cleat_error_message());                                                 \
        }                                                                                    \
    } while (0)

static uint64_t below(uint64_t bound)
{
    return cleat__random_below(&random_state, bound);
}

static bool maybe(void)
{
    return below(2) == 0;
}

static cleat__uuid random_uuid(void)
{
    cleat__uuid uuid;
    for (size_t i = 0; i < sizeof(uuid.bytes); i++) {
        uuid.bytes[i] = (uint8_t)below(256);
    }
    return uuid;
}

/* Of any count that is often at an edge. */
static int32_t random_count(void)
{
    static const int32_t edges[] = {0, 1, 127, 128, INT32_MAX};
    return maybe() ? edges[below(sizeof(edges) / sizeof(edges[0]))] : (int32_t)below(1000000);
}

static int64_t random_time(void)
{
    return (int64_t)below(UINT64_C(253402300799999) + UINT64_C(62135596800000)) - INT64_C(62135596800000);
}

/* ---- Texts: valid UTF-8 with all that JSON has to escape. The test frees them. ---- */

static void append_text(cleat__buffer *out)
{
    static const char *const pieces[] = {
        "a",  "\"", "\\",   "\n",      "\x01", "\t", "\xC3\xBC", "\xE2\x82\xAC", "\xF0\x9F\x8C\xB1",
        "{}", ":",  "\x7F", "\\u0000", "/"};
    for (uint64_t count = below(below(20) == 0 ? 300 : 12); count > 0; count--) {
        cleat__buffer_append_string(out, pieces[below(sizeof(pieces) / sizeof(pieces[0]))]);
    }
}

static void append_value(cleat__buffer *out, int depth)
{
    static const char *const scalars[] = {"null", "true", "0", "-1.50", "12345678901234567890123",
                                          "1E2",  " 7 "};
    cleat__buffer text = {0};
    uint64_t kind = below(depth > 3 ? 2 : 4);
    if (kind == 0) {
        cleat__buffer_append_string(out, scalars[below(sizeof(scalars) / sizeof(scalars[0]))]);
        return;
    }
    append_text(&text);
    if (kind == 1) {
        cleat__buffer_append_json(out, cleat__buffer_slice(&text));
    } else {
        cleat__buffer_append_string(out, kind == 2 ? "[" : "{ ");
        for (uint64_t i = 0, count = below(4); i < count; i++) {
            cleat__buffer_append_string(out, i == 0 ? "" : " ,");
            if (kind == 3) {
                cleat__buffer_append_json(out, cleat__buffer_slice(&text));
                cleat__buffer_append_string(out, " :");
            }
            append_value(out, depth + 1);
        }
        cleat__buffer_append_string(out, kind == 2 ? "]" : "}");
    }
    cleat__buffer_deinit(&text);
}

static char *random_text(void)
{
    cleat__buffer text = {0};
    cleat__buffer_append_byte(&text, 'x'); /* not empty */
    append_text(&text);
    return cleat__buffer_take_string(&text);
}

static char *random_value(void)
{
    cleat__buffer json = {0};
    append_value(&json, 0);
    return cleat__buffer_take_string(&json);
}

static char *random_object(void)
{
    cleat__buffer json = {0};
    cleat__buffer_append_string(&json, maybe() ? "{\"input\" :" : " {\"k\":");
    append_value(&json, 0);
    cleat__buffer_append_string(&json, "}");
    return cleat__buffer_take_string(&json);
}

static bool same(cleat_slice a, cleat_slice b)
{
    return (a.data == NULL) == (b.data == NULL) && cleat_slice_equals(a, b);
}

/* ---- One of each ---- */

static void check_trigger(void)
{
    char *input = random_object(), *metadata = maybe() ? random_object() : NULL;
    char *key = maybe() ? random_text() : NULL;
    cleat__trigger trigger = {
        .workflow = cleat_slice_of("work.flow-1"),
        .input = cleat_slice_of(input),
        .metadata = cleat_slice_of(metadata),
        .priority = (int32_t)below(4),
        .is_child = maybe(),
    };
    if (trigger.is_child) {
        trigger.parent_id = random_uuid();
        trigger.child_index = random_count();
        trigger.child_key = cleat_slice_of(key);
    }
    cleat__trigger read;
    Cleat__V1__TriggerWorkflowRequest *message = again(cleat__trigger_write(&trigger));
    CHECK(cleat__trigger_read(message, &read) == CLEAT_OK);
    CHECK(same(read.workflow, trigger.workflow) && same(read.input, trigger.input));
    CHECK(same(read.metadata, trigger.metadata) && same(read.child_key, trigger.child_key));
    CHECK(read.priority == trigger.priority && read.is_child == trigger.is_child);
    CHECK(cleat__uuid_equals(&read.parent_id, &trigger.parent_id) && read.child_index == trigger.child_index);
    cleat__message_free(message);
    cleat__free(input);
    cleat__free(metadata);
    cleat__free(key);
}

static void check_assignment(void)
{
    char *input = random_object(), *metadata = maybe() ? random_object() : NULL;
    char *key = maybe() ? random_text() : NULL;
    cleat__assignment assignment = {
        .task_id = random_uuid(),
        .retry_count = random_count(),
        .created_at_ms = random_time(),
        .queued_at_ms = random_time(),
        .task = cleat_slice_of("work.flow-1:task"),
        .input = cleat_slice_of(input),
        .metadata = cleat_slice_of(metadata),
        .is_child = maybe(),
    };
    if (assignment.is_child) {
        assignment.parent_id = random_uuid();
        assignment.child_index = random_count();
        assignment.child_key = cleat_slice_of(key);
    }
    cleat__assignment *read = NULL;
    const cleat__action_details details = {.priority = 1 + (int32_t)below(3)};
    Cleat__AssignedAction *message = again(cleat__assignment_write(&assignment, &details));
    CHECK(cleat__assignment_read(message, assignment.queued_at_ms, &read) == CLEAT_OK);
    /* Blanks around the value are the envelope's. */
    const char *trimmed = input + strspn(input, " ");
    CHECK(same(read->task, assignment.task) && same(read->input, cleat_slice_of(trimmed)));
    CHECK(same(read->metadata, assignment.metadata) && same(read->child_key, assignment.child_key));
    CHECK(read->retry_count == assignment.retry_count && read->is_child == assignment.is_child);
    CHECK(cleat__uuid_equals(&read->task_id, &assignment.task_id));
    CHECK(cleat__uuid_equals(&read->parent_id, &assignment.parent_id));
    CHECK(read->child_index == assignment.child_index);
    CHECK(read->created_at_ms == assignment.created_at_ms && read->queued_at_ms == assignment.queued_at_ms);
    cleat__free(read);
    cleat__message_free(message);
    cleat__free(input);
    cleat__free(metadata);
    cleat__free(key);
}

/* A worker's report at the engine, and what it says of it to those who wait. */
static void check_report(void)
{
    static const cleat_status statuses[] = {CLEAT_OK, CLEAT_FAILED, CLEAT_NON_RETRYABLE};
    static const cleat__event_origin origin = {{"w", 1}, {"a:b", 3}, {NULL, 0}};
    char *output = random_value(), *error = random_text();
    cleat__report report = {
        .task_id = random_uuid(), .retry_count = random_count(), .status = statuses[below(3)]};
    *(report.status == CLEAT_OK ? &report.output : &report.error) =
        cleat_slice_of(report.status == CLEAT_OK ? output : error);
    cleat__report read;
    cleat_status status;
    Cleat__StepActionEvent *message = again(cleat__report_write(&report, &origin, random_time(), &status));
    CHECK(cleat__report_read(message, &read) == CLEAT_OK);
    CHECK(cleat__uuid_equals(&read.task_id, &report.task_id) && read.retry_count == report.retry_count);
    CHECK(read.status == report.status && same(read.output, report.output));

    char *sent = cleat__slice_dup(read.status == CLEAT_OK ? read.output : read.error);
    cleat_run_result result = {.status = CLEAT_RUN_COMPLETED, .output = sent}, heard;
    if (read.status != CLEAT_OK) {
        result = (cleat_run_result){.status = CLEAT_RUN_FAILED, .error = sent};
    }
    cleat__uuid_format(&read.task_id, result.id.text);
    Cleat__WorkflowRunEvent *event =
        again(cleat__run_result_write(&result, cleat_slice_of("task"), random_time()));
    CHECK(cleat__run_result_read(event, &heard) == CLEAT_OK);
    CHECK(heard.status == result.status && strcmp(heard.id.text, result.id.text) == 0);
    CHECK(strcmp(heard.output != NULL ? heard.output : heard.error, heard.output != NULL ? output : error) ==
          0);
    cleat_run_result_deinit(&heard);
    cleat__message_free(event);
    cleat__message_free(message);
    cleat__free(sent);
    cleat__free(output);
    cleat__free(error);
}

static void check_log_line(void)
{
    char *text = random_text();
    const cleat__log_line line = {
        .task_id = random_uuid(),
        .retry_count = random_count(),
        .level = (cleat_log_level)(CLEAT_LOG_ERROR + below(4)),
        .time_ms = random_time(),
        .message = cleat_slice_of(text),
    };
    cleat__log_line read;
    Cleat__PutLogRequest *message = again(cleat__log_line_write(&line));
    CHECK(cleat__log_line_read(message, 0, &read) == CLEAT_OK);
    CHECK(cleat__uuid_equals(&read.task_id, &line.task_id) && read.retry_count == line.retry_count);
    CHECK(read.level == line.level && read.time_ms == line.time_ms && same(read.message, line.message));
    cleat__message_free(message);
    cleat__free(text);
}

static void test_what_is_said_is_heard(void **state)
{
    (void)state;
    uint64_t only = number_from("CLEAT_SEED", 0);
    uint64_t first = only != 0 ? only : 1, last = only != 0 ? only : number_from("CLEAT_SEEDS", 2000);
    for (seed = first; seed <= last; seed++) {
        cleat__random_init(&random_state, seed);
        check_trigger();
        check_assignment();
        check_report();
        check_log_line();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_what_is_said_is_heard)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
