/* Each conversion, out of memory at each of its blocks in turn: nothing is left behind, and it says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "again.h"
#include "base/alloc.h"
#include "support/failing_allocator.h"
#include "wire/assignment.h"
#include "wire/event.h"
#include "wire/log_line.h"
#include "wire/report.h"
#include "wire/run_result.h"
#include "wire/schedule.h"
#include "wire/status.h"
#include "wire/trigger.h"
#include "wire/v1/workflows.pb-c.h"
#include "wire/worker.h"

/* Frees what it made. False: no memory. */
typedef bool (*conversion)(void);

static cleat__uuid id, parent;
static const cleat_slice object = {"{\"k\":\"v\"}", 9};

static bool freed(void *message)
{
    cleat__message_free(message);
    return message != NULL;
}

static const cleat__desired_label desired[] = {{.key = {"k", 1}, .value = {.is_number = true}},
                                               {.key = {"l", 1}, .value = {.text = {"t", 1}}}};

static bool write_trigger(void)
{
    return freed(cleat__trigger_write(&(cleat__trigger){
        .workflow = {"a", 1},
        .input = object,
        .metadata = object,
        .priority = 1,
        .is_child = true,
        .parent_id = parent,
        .child_key = {"", 0},
        .desired_worker = id,
        .labels = desired,
        .label_count = 2,
    }));
}

static bool write_event(void)
{
    const cleat__user_event event = {
        .key = {"k", 1}, .payload = object, .metadata = object, .scope = {"s", 1}, .priority = 1};
    return freed(cleat__event_write(&event, event.key, 0));
}

static bool write_labels(void)
{
    const cleat__label labels[] = {{.key = {"k", 1}, .value = {.is_number = true}},
                                   {.key = {"l", 1}, .value = {.text = {"t", 1}}}};
    bool is_lost = false;
    Cleat__UpsertWorkerLabelsRequest *message =
        cleat__message_new(&cleat__upsert_worker_labels_request__descriptor);
    if (message == NULL) {
        return false;
    }
    message->labels =
        cleat__worker_labels_write(&is_lost, &cleat__upsert_worker_labels_request__labels_entry__descriptor,
                                   labels, 2, &message->n_labels);
    assert_true(is_lost || message->n_labels == 2);
    cleat__message_free(message);
    return !is_lost;
}

static Cleat__AssignedAction *action_new(void)
{
    const cleat__assignment assignment = {
        .task_id = id,
        .is_child = true,
        .parent_id = parent,
        .task = {"a:b", 3},
        .input = object,
        .metadata = object,
        .child_key = {"k", 1},
    };
    const cleat__action_details details = {
        {RUN_ID, 36}, {RUN_ID, 36}, {RUN_ID, 36}, {RUN_ID, 36}, {{0}}, {"n", 1}, 1, 1,
    };
    return cleat__assignment_write(&assignment, &details);
}

static bool write_assignment(void)
{
    return freed(action_new());
}

static Cleat__AssignedAction *action;

static bool read_assignment(void)
{
    cleat__assignment *assignment = NULL;
    cleat_status status = cleat__assignment_read(action, 0, &assignment);
    cleat__free(assignment);
    return status == CLEAT_OK;
}

static bool write_cancellation(void)
{
    return freed(cleat__cancellation_write(&id, 0, (cleat_slice){"a:b", 3}, &(cleat__action_details){0}));
}

static const cleat__event_origin origin = {{"w", 1}, {"a:b", 3}, {"s", 1}};

static bool write_report(void)
{
    cleat_status status;
    const cleat__report report = {.task_id = id, .status = CLEAT_FAILED, .error = {"no \xFF", 4}};
    void *message = cleat__report_write(&report, &origin, 0, &status);
    assert_true((message != NULL) == (status == CLEAT_OK));
    return freed(message);
}

static bool write_started(void)
{
    return freed(cleat__started_write(&id, 0, &origin, 0));
}

static bool write_log_line(void)
{
    return freed(cleat__log_line_write(
        &(cleat__log_line){.task_id = id, .level = CLEAT_LOG_INFO, .message = {"x", 1}, .metadata = object}));
}

static char output[] = "{\"a\":1}", error[] = "no";
static const cleat_run_result completed = {{RUN_ID}, CLEAT_RUN_COMPLETED, output, NULL};
static const cleat_run_result failed = {{RUN_ID}, CLEAT_RUN_FAILED, NULL, error};
static Cleat__WorkflowRunEvent *completed_event, *failed_event;

static bool write_completed(void)
{
    return freed(cleat__run_result_write(&completed, (cleat_slice){"t", 1}, 0));
}

static bool read_result(const Cleat__WorkflowRunEvent *event)
{
    cleat_run_result result;
    cleat_status status = cleat__run_result_read(event, &result);
    cleat_run_result_deinit(&result);
    return status == CLEAT_OK;
}

static bool read_completed(void)
{
    return read_result(completed_event);
}

static bool read_failed(void)
{
    return read_result(failed_event);
}

static bool pack_detail(void)
{
    Cleat__V1__IdempotencyCollisionError collision;
    cleat__v1__idempotency_collision_error__init(&collision);
    cleat__buffer trailer = {0};
    cleat_status status = cleat__status_detail_pack(6, "collision", &collision, &trailer);
    cleat__buffer_deinit(&trailer);
    return status == CLEAT_OK;
}

static bool write_schedules(void)
{
    static const int64_t at_ms[] = {1, 2};
    const cleat__uuid ids[] = {id, parent};
    return freed(cleat__schedule_answer_write(&(cleat__schedule_answer){
        .workflow_id = id, .version_id = id, .order = 1, .ids = ids, .at_ms = at_ms, .count = 2}));
}

static void check(conversion convert, int least)
{
    for (int blocks = 0;; blocks++) {
        failing_allocator it;
        failing_allocator_install(&it, (size_t)blocks + 1);
        bool done = convert();
        cleat_set_allocator(NULL);
        assert_int_equal(it.live, 0);
        if (done) {
            assert_true(blocks >= least);
            return;
        }
    }
}

static void test_nothing_is_left_behind(void **state)
{
    (void)state;
    id = uuid_of(RUN_ID);
    parent = uuid_of(PARENT_ID);
    action = again(action_new());
    completed_event = again(cleat__run_result_write(&completed, (cleat_slice){"t", 1}, 0));
    failed_event = again(cleat__run_result_write(&failed, (cleat_slice){"t", 1}, 0));
    check(write_trigger, 15);
    check(write_event, 6);
    check(write_labels, 9);
    check(write_assignment, 15);
    check(read_assignment, 1);
    check(write_cancellation, 6);
    check(write_report, 7);
    check(write_started, 7);
    check(write_log_line, 5);
    check(write_completed, 7);
    check(read_completed, 1);
    check(read_failed, 1);
    check(pack_detail, 5);
    check(write_schedules, 11);
    cleat__message_free(action);
    cleat__message_free(completed_event);
    cleat__message_free(failed_event);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_nothing_is_left_behind)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
