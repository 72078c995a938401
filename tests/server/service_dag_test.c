/* Runs of several tasks over gRPC: how one stands, and how it has ended. */
#include "dag_service.h"

#include "model/task_results.h"

static const dag_task chain[] = {
    {.name = "a", .parent = NULL, .skip_if = NULL},
    {.name = "b", .parent = "a", .skip_if = NULL},
    {.name = "c", .parent = "b", .skip_if = "output.n > 1"},
};
enum { CHAIN = 3 };

static rpc_stream *serve_chain(service_world *it)
{
    declare_dag(it, chain, CHAIN);
    return serve_dag(it, chain, CHAIN);
}

static const Cleat__V1__TaskRunDetail *task_of(const Cleat__V1__GetRunDetailsResponse *details,
                                               const char *name)
{
    for (size_t i = 0; i < details->n_task_runs; i++) {
        if (strcmp(details->task_runs[i]->key, name) == 0) {
            return details->task_runs[i]->value;
        }
    }
    fail_msg("there is no task %s", name);
    return NULL;
}

static void assert_output(const Cleat__V1__TaskRunDetail *task, const char *output)
{
    assert_int_equal(task->status, CLEAT__V1__RUN_STATUS__COMPLETED);
    assert_int_equal(task->has_output_case, CLEAT__V1__TASK_RUN_DETAIL__HAS_OUTPUT_OUTPUT);
    assert_int_equal(task->output.len, strlen(output));
    assert_memory_equal(task->output.data, output, strlen(output));
}

static void how_tasks_have_ended_is_told_when_all_have(void **state)
{
    service_world *it = *state;
    rpc_stream *worker = serve_chain(it);
    id_text run = trigger(it, "w", "{\"of\":\"the run\"}");
    end_next(it, worker, "a", COMPLETED, "{\"n\":1}");
    Cleat__AssignedAction *b = next_action(worker); /* so a has ended, and is told to run */
    Cleat__V1__GetRunDetailsResponse *details = details_of(it, run);
    assert_false(details->done);
    assert_int_equal(details->status, CLEAT__V1__RUN_STATUS__RUNNING);
    assert_int_equal(details->n_task_runs, CHAIN);
    assert_memory_equal(details->input.data, "{\"of\":\"the run\"}", details->input.len);
    assert_int_equal(task_of(details, "a")->status, CLEAT__V1__RUN_STATUS__RUNNING);
    assert_int_equal(task_of(details, "a")->has_output_case, 0);
    assert_int_equal(task_of(details, "c")->status, CLEAT__V1__RUN_STATUS__QUEUED);
    assert_string_equal(task_of(details, "b")->external_id, b->task_run_external_id);
    assert_string_equal(task_of(details, "b")->readable_id, "b");
    cleat__message_free(details);

    rpc_stream *results = subscribe(it);
    ask_for_run(results, run.text);
    send_event(it, b, COMPLETED, "{\"n\":2}", false);
    Cleat__WorkflowRunEvent *event = next_result(results); /* c is skipped */
    assert_int_equal(event->n_results, CHAIN);
    assert_string_equal(event->results[0]->task_name, "a");
    assert_string_equal(event->results[1]->task_run_external_id, b->task_run_external_id);
    assert_string_equal(event->results[1]->output, "{\"n\":2}");
    assert_string_equal(event->results[2]->output, "{\"skipped\":true}");
    cleat__message_free(event);
    details = details_of(it, run);
    assert_true(details->done);
    assert_int_equal(details->status, CLEAT__V1__RUN_STATUS__COMPLETED);
    assert_output(task_of(details, "a"), "{\"n\":1}");
    assert_output(task_of(details, "b"), "{\"n\":2}");
    assert_output(task_of(details, "c"), "{\"skipped\":true}");
    cleat__message_free(details);
    cleat__message_free(b);
    stop_listening(results);
    stop_listening(worker);
}

static void a_failure_is_that_of_its_task(void **state)
{
    service_world *it = *state;
    rpc_stream *worker = serve_chain(it), *results = subscribe(it);
    id_text run = trigger(it, "w", "{}");
    ask_for_run(results, run.text);
    end_next(it, worker, "a", COMPLETED, "{\"n\":1}");
    end_next(it, worker, "b", FAILED_, "it broke");
    Cleat__WorkflowRunEvent *event = next_result(results);
    assert_int_equal(event->n_results, CHAIN);
    assert_string_equal(event->results[1]->error, "it broke");
    assert_int_not_equal(event->results[2]->has_error_case, 0); /* there and empty: it was cancelled */
    assert_string_equal(event->results[2]->error, "");
    cleat__message_free(event);
    Cleat__V1__GetRunDetailsResponse *details = details_of(it, run);
    assert_int_equal(details->status, CLEAT__V1__RUN_STATUS__FAILED);
    assert_string_equal(task_of(details, "b")->error, "it broke");
    assert_int_equal(task_of(details, "c")->status, CLEAT__V1__RUN_STATUS__CANCELLED);
    assert_int_equal(task_of(details, "c")->has_error_case, 0);
    cleat__message_free(details);
    stop_listening(results);
    stop_listening(worker);
}

/* A text of JSON of that size. */
static char *text_of_size(size_t size)
{
    char *text = malloc(size + 1);
    memset(text, 'x', size);
    text[0] = text[size - 1] = '"';
    text[size] = '\0';
    return text;
}

static void outputs_too_large_to_be_told_together_are_not_read(void **state)
{
    static const dag_task tasks[] = {
        {.name = "a", .parent = NULL, .skip_if = NULL},
        {.name = "b", .parent = "a", .skip_if = NULL},
        {.name = "c", .parent = "b", .skip_if = NULL},
    };
    service_world *it = *state;
    Cleat__V1__GetRunDetailsRequest request = CLEAT__V1__GET_RUN_DETAILS_REQUEST__INIT;
    char *output = text_of_size(CLEAT_PAYLOAD_MAX / 3 + 1);
    skip_under_tsan();
    declare_dag(it, tasks, CHAIN);
    rpc_stream *worker = serve_dag(it, tasks, CHAIN), *results = subscribe(it);
    id_text run = trigger(it, "w", "{}");
    ask_for_run(results, run.text);
    for (size_t i = 0; i < CHAIN; i++) {
        end_next(it, worker, tasks[i].name, COMPLETED, output);
    }
    Cleat__WorkflowRunEvent *event = next_result(results);
    assert_string_equal(event->workflow_run_id, run.text);
    assert_int_equal(event->n_results, 0);
    cleat__message_free(event);
    request.external_id = run.text;
    refused(it, W_DETAILS, &request.base, GRPC_STATUS_OUT_OF_RANGE, "too large to be sent together");
    free(output);
    stop_listening(results);
    stop_listening(worker);
}

/* A failure is short however much the other tasks have made. */
static void a_failure_beside_large_outputs_is_told(void **state)
{
    static const dag_task tasks[] = {
        {.name = "a", .parent = NULL, .skip_if = NULL},
        {.name = "b", .parent = "a", .skip_if = NULL},
    };
    service_world *it = *state;
    char *output = text_of_size(CLEAT__RESULTS_MAX + 1);
    skip_under_tsan();
    declare_dag(it, tasks, 2);
    rpc_stream *worker = serve_dag(it, tasks, 2), *results = subscribe(it);
    id_text run = trigger(it, "w", "{}");
    ask_for_run(results, run.text);
    end_next(it, worker, "a", COMPLETED, output);
    end_next(it, worker, "b", FAILED_, "it broke");
    Cleat__WorkflowRunEvent *event = next_result(results);
    assert_int_equal(event->n_results, 1);
    assert_string_equal(event->results[0]->error, "it broke");
    cleat__message_free(event);
    free(output);
    stop_listening(results);
    stop_listening(worker);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, world_start, world_stop)
    const struct CMUnitTest tests[] = {
        TEST(how_tasks_have_ended_is_told_when_all_have),
        TEST(a_failure_is_that_of_its_task),
        TEST(outputs_too_large_to_be_told_together_are_not_read),
        TEST(a_failure_beside_large_outputs_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
