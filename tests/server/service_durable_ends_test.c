/* The stream of durable tasks: every refusal, and how it ends. */
#include "server/durable_stream.h"

/* ---- Refusals ---- */

static void another_order_of_calls_is_refused(void **state)
{
    invocation self = begin(*state);
    say_memo(&self, "one", "1");
    hear_memo(&self, 1, false, NULL);
    send_event(self.it, self.action, FAILED_, "again", false);
    take_action(&self);
    assert_int_equal(self.count, 2);
    assert_int_equal(self.action->retry_count, 1);
    say_wait(&self, (waiting_for){.sleep = "1h"});
    hear_error(&self, NONDETERMINISM, "have changed at node 1:1");
    finish(&self);
}

static void what_is_wrong_is_answered_and_the_stream_goes_on(void **state)
{
    invocation self = begin(*state), unknown = self;
    say_wait(&self, (waiting_for){0});
    hear_error(&self, UNSPECIFIED, "0 conditions");
    say_wait(&self, (waiting_for){.sleep = "1 day"});
    hear_error(&self, UNSPECIFIED, "sleep_for");
    say_wait(&self, (waiting_for){.event = ""});
    hear_error(&self, UNSPECIFIED, "user_event_key");
    say_wait(&self, (waiting_for){.event = "go", .expression = "input.("});
    hear_error(&self, UNSPECIFIED, "expression");
    say_wait(&self, (waiting_for){.event = "cleat:hook:"});
    hear_error(&self, UNSPECIFIED, "token");
    say_wait(&self, (waiting_for){.sleep = "1s", .group = "x"});
    hear_error(&self, UNSPECIFIED, "or_group_id");
    say_wait(&self, (waiting_for){.sleep = "1s", .action = CLEAT__V1__ACTION__SKIP});
    hear_error(&self, UNSPECIFIED, "must be CREATE");
    say_trigger(&self, "nobody", "{}", 0);
    hear_error(&self, UNSPECIFIED, "nobody");
    say_trigger(&self, "long", "{", 0);
    hear_error(&self, UNSPECIFIED, "input");
    say_memo(&self, "key", "{");
    hear_error(&self, UNSPECIFIED, "payload");
    say_evict(&self, 0, "[1]");
    hear_error(&self, UNSPECIFIED, "metadata");
    say_complete_memo(&self, 99, "key", "1");
    hear_error(&self, UNSPECIFIED, "no node 1:99");
    snprintf(unknown.task, sizeof(unknown.task), "%s", "no id");
    say_memo(&unknown, "key", NULL);
    hear_error(&unknown, UNSPECIFIED, "is no UUID");
    snprintf(unknown.task, sizeof(unknown.task), "%s", NO_ID);
    say_memo(&unknown, "key", NULL);
    hear_server_evict(&unknown, self.stream);
    say_memo(&self, "key", "1"); /* none of them took a node */
    hear_memo(&self, 1, false, NULL);
    finish(&self);
}

static void runs_of_another_tenant_are_not_there(void **state)
{
    invocation self = begin(*state), foreign = self;
    foreign.stream = rpc_open(self.it->client, "/v1.V1Dispatcher/DurableTask",
                              (rpc_call_options){.authorization = self.it->other_token});
    say_memo(&foreign, "key", NULL); /* whatever it is, it has not got it */
    hear_server_evict(&foreign, foreign.stream);
    say_evict(&foreign, 0, "");
    hear_evicted(&foreign);
    say_status(&foreign, foreign.stream, foreign.task, 1);
    hear_server_evict(&foreign, foreign.stream);
    Cleat__V1__BranchDurableTaskRequest branch = CLEAT__V1__BRANCH_DURABLE_TASK_REQUEST__INIT;
    branch.task_external_id = self.task;
    branch.node_id = 1;
    refused_as(self.it, self.it->other_token, "/v1.AdminService/BranchDurableTask", &branch.base,
               GRPC_STATUS_NOT_FOUND, "");
    assert_run(&self, CLEAT__V1__RUN_STATUS__RUNNING);
    stop_listening(foreign.stream);
    finish(&self);
}

/* ---- Ends of streams ---- */

static void assert_stream_ends(service_world *it, const request *message, int code, const char *part)
{
    rpc_stream *stream = open_stream(it);
    say(stream, message);
    rpc_result result = rpc_end(stream);
    if (result.code != code || strstr(result.text, part) == NULL) {
        fail_msg("ended with %d \"%s\" instead of %d \"%s\"", result.code, result.text, code, part);
    }
    rpc_result_deinit(&result);
}

static void what_names_no_task_ends_the_stream(void **state)
{
    request nothing = CLEAT__V1__DURABLE_TASK_REQUEST__INIT, wrong = nothing;
    Cleat__V1__DurableTaskRequestRegisterWorker part = CLEAT__V1__DURABLE_TASK_REQUEST_REGISTER_WORKER__INIT;
    part.worker_id = text_("x");
    wrong.message_case = ASK(REGISTER_WORKER);
    wrong.register_worker = &part;
    assert_stream_ends(*state, &nothing, GRPC_STATUS_UNIMPLEMENTED, "of that kind");
    assert_stream_ends(*state, &wrong, GRPC_STATUS_INVALID_ARGUMENT, "worker_id \"x\" is no UUID");
}

static void half_closing_ends_it_behind_the_answers(void **state)
{
    invocation self = begin(*state);
    say_memo(&self, "one", "1");
    say_wait(&self, (waiting_for){.sleep = "1h"});
    rpc_half_close(self.stream);
    hear_memo(&self, 1, false, NULL);
    hear_wait(&self, 2);
    rpc_result result = rpc_end(self.stream);
    assert_int_equal(result.code, GRPC_STATUS_OK);
    rpc_result_deinit(&result);
    cleat__message_free(self.action);
    stop_listening(self.actions);
}

/* Who asks for much and reads nothing loses the stream, not the server its memory. */
/* JSON of a megabyte. */
static char *make_large(void)
{
    size_t size = (size_t)1024 * 1024;
    char *large = malloc(size + 16);
    int head = sprintf(large, "{\"text\":\"");
    memset(large + head, 'x', size);
    snprintf(large + size, 16, "\"}");
    return large;
}

/* What was told before it can hear again when it reads; there is no more of it on the way than there is room. */
static void a_stream_that_is_not_read_is_waited_for(void **state)
{
    enum { TIMES = 20 };
    skip_under_tsan();
    invocation self = begin(*state);
    char *large = make_large();
    say_wait(&self, (waiting_for){.event = "go"});
    hear_wait(&self, 1);
    push(self.it, "go", large);
    for (int i = 0; i < TIMES; i++) { /* for each it would be told again */
        say_status(&self, self.stream, self.task, 1);
        assert_run(&self, CLEAT__V1__RUN_STATUS__RUNNING);
    }
    cleat__message_free(hear(self.stream, IS(ENTRY_COMPLETED)));
    say_memo(&self, "key", NULL);
    int again = 0;
    for (bool is_answered = false; !is_answered;) {
        cleat__buffer bytes = {0};
        assert_true(rpc_read(self.stream, &bytes));
        response *message = unpacked(&cleat__v1__durable_task_response__descriptor, &bytes);
        cleat__buffer_deinit(&bytes);
        is_answered = (int)message->message_case == IS(MEMO_ACK);
        again += !is_answered;
        cleat__message_free(message);
    }
    assert_in_range(again, 0, TIMES / 2);
    free(large);
    finish(&self);
}

/* Answers do not wait; who asks for more and more without reading them loses the stream. */
static void a_stream_whose_answers_are_not_read_ends(void **state)
{
    enum { MEMOS = 40 }; /* each is told twice: as an answer, and as a node that has ended */
    skip_under_tsan();
    invocation self = begin(*state);
    char *large = make_large();
    for (int i = 1; i <= MEMOS; i++) {
        say_memo(&self, "key", large);
        hear_memo(&self, i, false, NULL);
    }
    free(large);
    send_event(self.it, self.action, FAILED_, "{}", false);
    take_action(&self);
    Cleat__V1__DurableTaskMemoRequest part = CLEAT__V1__DURABLE_TASK_MEMO_REQUEST__INIT;
    request message = CLEAT__V1__DURABLE_TASK_REQUEST__INIT;
    part.durable_task_external_id = self.task;
    part.invocation_count = self.count;
    part.key = bytes_("key");
    message.message_case = ASK(MEMO);
    message.memo = &part;
    cleat__buffer memo = packed(&message.base);
    for (int i = 0; i < MEMOS && rpc_write(self.stream, cleat__buffer_slice(&memo)); i++) {
        assert_run(&self, CLEAT__V1__RUN_STATUS__RUNNING);
    }
    cleat__buffer_deinit(&memo);
    cleat__buffer bytes = {0};
    while (rpc_read(self.stream, &bytes)) {
        cleat__buffer_clear(&bytes);
    }
    cleat__buffer_deinit(&bytes);
    rpc_result result = rpc_end(self.stream);
    assert_int_equal(result.code, GRPC_STATUS_UNAVAILABLE);
    assert_non_null(strstr(result.text, "does not read"));
    rpc_result_deinit(&result);
    assert_run(&self, CLEAT__V1__RUN_STATUS__RUNNING);
    cleat__message_free(self.action);
    stop_listening(self.actions);
}

/* Whatever else the engine does in the same step. */
static void an_echo_comes_behind_what_is_told(void **state)
{
    invocation self = begin(*state);
    say_memo(&self, "key", "1");
    hear_memo(&self, 1, false, NULL);
    say_wait(&self, (waiting_for){.sleep = "1ms"});
    hear_wait(&self, 2);
    cleat__message_free(hear(self.stream, IS(ENTRY_COMPLETED)));
    for (int i = 0; i < 50; i++) {
        say_status(&self, self.stream, self.task, 2);
        say_register(self.stream, self.worker.text);
        cleat__message_free(hear(self.stream, IS(ENTRY_COMPLETED)));
        cleat__message_free(hear(self.stream, IS(REGISTER_WORKER)));
    }
    finish(&self);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, world_start, world_stop)
    const struct CMUnitTest tests[] = {
        TEST(what_names_no_task_ends_the_stream),
        TEST(another_order_of_calls_is_refused),
        TEST(what_is_wrong_is_answered_and_the_stream_goes_on),
        TEST(runs_of_another_tenant_are_not_there),
        TEST(half_closing_ends_it_behind_the_answers),
        TEST(an_echo_comes_behind_what_is_told),
        TEST(a_stream_that_is_not_read_is_waited_for),
        TEST(a_stream_whose_answers_are_not_read_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
