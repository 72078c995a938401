/* What a client and a worker are sent: the input is read as each answer. */
#include "wire.h"

#include "base/alloc.h"
#include "model/json.h"
#include "wire/assignment.h"
#include "wire/batch.h"
#include "wire/payload.h"
#include "wire/run_result.h"
#include "wire/status.h"
#include "wire/v1/dispatcher.pb-c.h"

static void check_written_again(const cleat__assignment *assignment)
{
    cleat__assignment *again = NULL;
    const cleat__action_details details = {.priority = 1};
    Cleat__AssignedAction *written = cleat__assignment_write(assignment, &details);
    check(written != NULL);
    cleat_status status = cleat__assignment_read(written, assignment->queued_at_ms, &again);
    check(status == CLEAT_OK || status == CLEAT_TOO_LARGE);
    if (status == CLEAT_OK) {
        bool was_object = cleat__payload_is_object(assignment->input);
        check(fuzz_slice_equals(again->input, was_object ? assignment->input : cleat_slice_of("null")));
        check(fuzz_slice_equals(again->metadata, assignment->metadata));
        check(fuzz_slice_equals(again->child_key, assignment->child_key));
    }
    cleat__free(again);
    cleat__message_free(written);
}

static void read_action(cleat_slice input)
{
    cleat__assignment *assignment = NULL;
    Cleat__AssignedAction *message = fuzz_unpack(&cleat__assigned_action__descriptor, input);
    if (message != NULL && cleat__assignment_read(message, 0, &assignment) == CLEAT_OK) {
        check(cleat__json_check("input", assignment->input, false) == CLEAT_OK);
        check(assignment->input.data[assignment->input.size] == '\0');
        check(assignment->metadata.data == NULL ||
              cleat__json_check("metadata", assignment->metadata, true) == CLEAT_OK);
        check_written_again(assignment);
    }
    cleat__free(assignment);
    cleat__message_free(message);
}

/* Frees the list. */
static int32_t count_members(cleat__assignment *list)
{
    int32_t count = 0;
    while (list != NULL) {
        cleat__assignment *next = list->next;
        check(cleat__json_check("input", list->input, false) == CLEAT_OK);
        cleat__free(list);
        list = next;
        count++;
    }
    return count;
}

/* What is written of it again has all its members. */
static void read_batch(cleat_slice input)
{
    cleat__assignment *list = NULL, *again = NULL;
    Cleat__AssignedAction *message = fuzz_unpack(&cleat__assigned_action__descriptor, input);
    if (message != NULL && cleat__batch_read(message, 0, &list) == CLEAT_OK) {
        const cleat__action_details details = {.priority = 1};
        int32_t count = list->batch_count;
        Cleat__AssignedAction *written = cleat__batch_write(list, (size_t)count, &details);
        check(written != NULL);
        cleat_status status = cleat__batch_read(written, 0, &again);
        check(status == CLEAT_TOO_LARGE || (status == CLEAT_OK && count_members(again) == count));
        check(count_members(list) == count);
        cleat__message_free(written);
    }
    cleat__message_free(message);
}

static void read_result(cleat_slice input)
{
    cleat_run_result result;
    Cleat__WorkflowRunEvent *message = fuzz_unpack(&cleat__workflow_run_event__descriptor, input);
    if (message == NULL) {
        return;
    }
    if (cleat__run_result_read(message, &result) == CLEAT_OK) {
        check(strlen(result.id.text) == 36);
        check((result.output != NULL) == (result.status == CLEAT_RUN_COMPLETED));
        check((result.error != NULL) == (result.status == CLEAT_RUN_FAILED));
        check(result.output == NULL ||
              cleat__json_check("output", cleat_slice_of(result.output), false) == CLEAT_OK);
    }
    cleat_run_result_deinit(&result);
    cleat__message_free(message);
}

static void read_detail(cleat_slice input)
{
    cleat_status status = CLEAT_FAILED;
    Cleat__V1__IdempotencyCollisionError *detail =
        cleat__status_detail_unpack(input, &cleat__v1__idempotency_collision_error__descriptor, &status);
    check((detail != NULL) == (status == CLEAT_OK));
    if (detail != NULL) {
        fuzz_check_text(detail->existing_run_external_id);
    }
    cleat__message_free(detail);
}

/* An error that a worker of ours wrote is read as it was. */
static void read_error(cleat_slice input)
{
    char *text = cleat__payload_error_read(input);
    check(text != NULL);
    cleat__free(text);
    if (cleat__utf8_valid_prefix(input.data, input.size) != input.size ||
        (input.size != 0 && memchr(input.data, '\0', input.size) != NULL)) {
        return;
    }
    cleat__buffer written = {0};
    cleat__payload_error_write(&written, input);
    text = cleat__payload_error_read(cleat__buffer_slice(&written));
    check(cleat_slice_equals(cleat_slice_of(text), input));
    cleat__free(text);
    cleat__buffer_deinit(&written);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const cleat_slice input = {(const char *)data, size};
    read_action(input);
    read_batch(input);
    read_result(input);
    read_detail(input);
    read_error(input);
    cleat__message_free(fuzz_unpack(&cleat__workflow_event__descriptor, input));
    cleat__message_free(fuzz_unpack(&cleat__v1__durable_task_response__descriptor, input));
    cleat__message_free(fuzz_unpack(&cleat__v1__get_run_details_response__descriptor, input));
    return 0;
}
