/* The stream of durable tasks: each request and its answer, and what is told when it happens. */
#include "server/durable_stream.h"

/* ---- Registering ---- */

static void a_worker_is_answered_behind_what_it_asked_before(void **state)
{
    invocation self = begin(*state);
    say_memo(&self, "key", NULL);
    say_register(self.stream, self.worker.text);
    hear_memo(&self, 1, false, NULL);
    response *message = hear(self.stream, IS(REGISTER_WORKER));
    assert_string_equal(message->register_worker->worker_id, self.worker.text);
    cleat__message_free(message);
    finish(&self);
}

/* ---- Memos ---- */

static void a_memo_is_asked_for_and_completed(void **state)
{
    invocation self = begin(*state);
    say_memo(&self, "dice", NULL);
    hear_memo(&self, 1, false, NULL);
    say_complete_memo(&self, 1, "dice", "{\"n\":4}");
    hear_completed(&self, 1, ""); /* that it has its value, which its worker knows */
    say_memo(&self, "now", "\"12:00\"");
    hear_memo(&self, 2, false, NULL);
    say_memo(&self, "later", NULL);
    hear_memo(&self, 3, false, NULL);
    say_complete_memo(&self, 3, "later", ""); /* nothing is no value */
    hear_completed(&self, 3, "");
    say_evict(&self, 0, "");
    hear_evicted(&self);
    Cleat__RestoreEvictedTaskRequest restore = CLEAT__RESTORE_EVICTED_TASK_REQUEST__INIT;
    restore.task_run_external_id = self.task;
    cleat__message_free(ask(self.it, "/Dispatcher/RestoreEvictedTask", &restore.base,
                            &cleat__restore_evicted_task_response__descriptor));
    take_action(&self);
    assert_int_equal(self.count, 2);
    assert_int_equal(self.action->retry_count, 0);
    assert_int_equal(self.action->cleat_log_size, 3);
    say_memo(&self, "dice", NULL);
    hear_memo(&self, 1, true, "{\"n\":4}");
    hear_completed(&self, 1, "{\"n\":4}");
    say_memo(&self, "now", NULL);
    hear_memo(&self, 2, true, "\"12:00\"");
    hear_completed(&self, 2, "\"12:00\"");
    say_memo(&self, "later", NULL);
    hear_memo(&self, 3, true, NULL);
    finish(&self);
}

static void keys_of_memos_are_any_bytes(void **state)
{
    invocation self = begin(*state);
    say_memo(&self, "\xff\x01\xc3", "1");
    hear_memo(&self, 1, false, NULL);
    finish(&self);
}

/* ---- Waits ---- */

static void a_sleep_ends_by_itself(void **state)
{
    invocation self = begin(*state);
    say_wait(&self, (waiting_for){.sleep = "20ms"});
    hear_wait(&self, 1);
    hear_completed(&self, 1, "{\"CREATE\":{\"nap\":[{\"sleep_duration\":\"20ms\"}]}}");
    send_event(self.it, self.action, COMPLETED, "{\"ok\":1}", false);
    assert_run(&self, CLEAT__V1__RUN_STATUS__COMPLETED);
    finish(&self);
}

static void the_first_of_alternatives_ends_a_wait(void **state)
{
    invocation self = begin(*state);
    say_wait(&self, (waiting_for){.sleep = "1h", .event = "go", .expression = "input.n > 1"});
    hear_wait(&self, 1);
    push(self.it, "go", "{\"n\":1}");
    push(self.it, "stop", "{\"n\":2}");
    push(self.it, "go", "{\"n\":2}");
    hear_completed(&self, 1, "{\"CREATE\":{\"word\":[{\"n\":2}]}}");
    finish(&self);
}

static void what_has_ended_is_told_again_to_who_waits_for_it(void **state)
{
    invocation self = begin(*state);
    say_wait(&self, (waiting_for){.event = "go"});
    hear_wait(&self, 1);
    stop_listening(self.stream);
    push(self.it, "go", "{}");
    self.stream = open_stream(self.it);
    say_register(self.stream, self.worker.text);
    cleat__message_free(hear(self.stream, IS(REGISTER_WORKER)));
    say_status(&self, self.stream, self.task, 1);
    hear_completed(&self, 1, "{\"CREATE\":{\"word\":[{}]}}");
    say_status(&self, self.stream, "no id", 1); /* is passed over */
    say_status(&self, self.stream, self.task, 1);
    hear_completed(&self, 1, "{\"CREATE\":{\"word\":[{}]}}");
    finish(&self);
}

/* Another stream has the run's answers from when it asks for it. */
static void two_workers_hear_of_their_own_runs(void **state)
{
    invocation self = begin(*state);
    rpc_stream *other = open_stream(self.it);
    say_register(other, self.worker.text);
    cleat__message_free(hear(other, IS(REGISTER_WORKER)));
    say_wait(&self, (waiting_for){.event = "go"});
    hear_wait(&self, 1);
    push(self.it, "go", "{}");
    hear_completed(&self, 1, "{\"CREATE\":{\"word\":[{}]}}");
    say_status(&self, other, self.task, 1);
    hear_completed_on(&self, other, 1, "{\"CREATE\":{\"word\":[{}]}}");
    stop_listening(other);
    finish(&self);
}

/* ---- Children ---- */

static void children_end_well_and_badly(void **state)
{
    service_world *it = *state;
    declare(it, (task_declaration){.name = "child"});
    rpc_stream *children = stay_as(it, register_worker(it, "child", 5));
    invocation self = begin(it);
    say_trigger(&self, "child", "{\"n\":1}", 0);
    id_text first = hear_triggered(&self, 1);
    Cleat__AssignedAction *action = next_action(children);
    assert_string_equal(action->task_run_external_id, first.text);
    assert_string_equal(action->parent_workflow_run_id, self.task);
    assert_non_null(strstr(action->action_payload, "{\"input\":{\"n\":1},"));
    send_event(it, action, COMPLETED, "{\"square\":1}", false);
    hear_completed(&self, 1, "{\"square\":1}");
    cleat__message_free(action);
    say_trigger(&self, "child", "{\"n\":2}", 1);
    (void)hear_triggered(&self, 2);
    action = next_action(children);
    send_event(it, action, FAILED_, "no such stone", false);
    hear_failed(&self, 2, "no such stone");
    cleat__message_free(action);
    say_trigger(&self, "child", "{\"n\":3}", 2);
    id_text third = hear_triggered(&self, 3);
    char *ids[] = {third.text};
    Cleat__V1__CancelTasksRequest cancel = CLEAT__V1__CANCEL_TASKS_REQUEST__INIT;
    cancel.external_ids = ids;
    cancel.n_external_ids = 1;
    cleat__message_free(
        ask(it, "/v1.AdminService/CancelTasks", &cancel.base, &cleat__v1__cancel_tasks_response__descriptor));
    hear_failed(&self, 3, "task was cancelled");
    stop_listening(children);
    finish(&self);
}

/* ---- Eviction ---- */

static void an_evicted_run_comes_back_with_its_carrier(void **state)
{
    static const char carrier[] =
        "{\"traceparent\":\"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\"}";
    invocation self = begin(*state);
    say_wait(&self, (waiting_for){.event = "go"});
    hear_wait(&self, 1);
    say_evict(&self, 1, carrier);
    hear_evicted(&self);
    assert_run(&self, CLEAT__V1__RUN_STATUS__EVICTED);
    id_text run;
    snprintf(run.text, sizeof(run.text), "%s", self.task);
    Cleat__V1__GetRunDetailsResponse *details = details_of(self.it, run);
    assert_true(details->is_evicted && !details->done);
    assert_true(details->task_runs[0]->value->is_evicted);
    cleat__message_free(details);
    invocation former = self;
    push(self.it, "go", "{\"n\":1}");
    self.action = NULL;
    take_action(&self);
    assert_int_equal(self.count, 2);
    assert_non_null(strstr(self.action->additional_metadata, "0af7651916cd43dd8448eb211c80319c"));
    /* The former invocation is told that it is over, but may always be evicted. */
    say_memo(&former, "late", NULL);
    hear_server_evict(&former, self.stream);
    say_status(&former, self.stream, former.task, 1);
    hear_server_evict(&former, self.stream);
    say_evict(&former, 0, "");
    hear_evicted(&former);
    assert_run(&self, CLEAT__V1__RUN_STATUS__RUNNING);
    say_wait(&self, (waiting_for){.event = "go"});
    hear_wait(&self, 1);
    hear_completed(&self, 1, "{\"CREATE\":{\"word\":[{\"n\":1}]}}");
    cleat__message_free(former.action);
    finish(&self);
}

static void a_cancelled_run_tells_which_invocation(void **state)
{
    invocation self = begin(*state);
    char *ids[] = {self.task};
    Cleat__V1__CancelTasksRequest cancel = CLEAT__V1__CANCEL_TASKS_REQUEST__INIT;
    cancel.external_ids = ids;
    cancel.n_external_ids = 1;
    cleat__message_free(ask(self.it, "/v1.AdminService/CancelTasks", &cancel.base,
                            &cleat__v1__cancel_tasks_response__descriptor));
    Cleat__AssignedAction *told = next_action(self.actions);
    assert_int_equal(told->action_type, CLEAT__ACTION_TYPE__CANCEL_STEP_RUN);
    assert_true(told->has_durable_task_invocation_count_case != 0);
    assert_int_equal(told->durable_task_invocation_count, 1);
    say_memo(&self, "key", NULL);
    hear_server_evict(&self, self.stream);
    cleat__message_free(told);
    finish(&self);
}

static void a_report_of_a_former_invocation_changes_nothing(void **state)
{
    invocation self = begin(*state);
    Cleat__StepActionEvent event = CLEAT__STEP_ACTION_EVENT__INIT;
    event.task_run_external_id = self.task;
    event.event_type = COMPLETED;
    event.event_payload = text_("{}");
    event.cleat_invocation_count = 7;
    cleat__message_free(ask(self.it, "/Dispatcher/SendStepActionEvent", &event.base,
                            &cleat__action_event_response__descriptor));
    assert_run(&self, CLEAT__V1__RUN_STATUS__RUNNING);
    event.cleat_invocation_count = 1;
    cleat__message_free(ask(self.it, "/Dispatcher/SendStepActionEvent", &event.base,
                            &cleat__action_event_response__descriptor));
    assert_run(&self, CLEAT__V1__RUN_STATUS__COMPLETED);
    finish(&self);
}

/* ---- Branches ---- */

static void a_run_goes_on_from_a_node(void **state)
{
    invocation self = begin(*state);
    say_memo(&self, "one", "1");
    hear_memo(&self, 1, false, NULL);
    say_memo(&self, "two", "2");
    hear_memo(&self, 2, false, NULL);
    send_event(self.it, self.action, COMPLETED, "{}", false);
    Cleat__V1__BranchDurableTaskRequest branch = CLEAT__V1__BRANCH_DURABLE_TASK_REQUEST__INIT;
    branch.task_external_id = self.task;
    branch.node_id = 2;
    Cleat__V1__BranchDurableTaskResponse *reply =
        ask(self.it, "/v1.AdminService/BranchDurableTask", &branch.base,
            &cleat__v1__branch_durable_task_response__descriptor);
    assert_string_equal(reply->task_external_id, self.task);
    assert_int_equal(reply->node_id, 2);
    assert_int_equal(reply->branch_id, 2);
    cleat__message_free(reply);
    take_action(&self);
    say_memo(&self, "one", NULL);
    hear_memo(&self, 1, true, "1");
    hear_completed(&self, 1, "1");
    say_memo(&self, "other", NULL);
    response *message = hear(self.stream, IS(MEMO_ACK));
    assert_int_equal(message->memo_ack->ref->branch_id, 2);
    assert_int_equal(message->memo_ack->ref->node_id, 2);
    assert_false(message->memo_ack->memo_already_existed);
    cleat__message_free(message);
    finish(&self);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, world_start, world_stop)
    const struct CMUnitTest tests[] = {
        TEST(a_worker_is_answered_behind_what_it_asked_before),
        TEST(a_memo_is_asked_for_and_completed),
        TEST(keys_of_memos_are_any_bytes),
        TEST(a_sleep_ends_by_itself),
        TEST(the_first_of_alternatives_ends_a_wait),
        TEST(what_has_ended_is_told_again_to_who_waits_for_it),
        TEST(two_workers_hear_of_their_own_runs),
        TEST(children_end_well_and_badly),
        TEST(an_evicted_run_comes_back_with_its_carrier),
        TEST(a_cancelled_run_tells_which_invocation),
        TEST(a_report_of_a_former_invocation_changes_nothing),
        TEST(a_run_goes_on_from_a_node),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
