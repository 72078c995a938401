/* What the tests of durable tasks over gRPC share: a worker with an invocation, and somebody who asks for it. Both are
 * those of the test that runs. */
#ifndef CLEAT_TESTS_TRANSPORT_GRPC_INVOCATION_H
#define CLEAT_TESTS_TRANSPORT_GRPC_INVOCATION_H

#include "support/mock_durable.h"
#include "transport/grpc_listener.h"
#include "wire/v1/dispatcher.pb-c.h"

#define TASK MOCK_RUN_ID /* number 1 */

static listener worker;
static bool has_worker;

static inline void begin_worker(fixture *it)
{
    listener_add(&worker, it->transport);
    has_worker = true;
}

/* It goes, with its transport if that has gone. A test that does not say so has it go behind. An impatient client may
 * not have waited for the server to say that it knows. */
static inline void end_worker(fixture *it)
{
    const bool was_there = has_worker;
    has_worker = false;
    if (was_there && it->transport != NULL) {
        cleat_status status = it->transport->worker_remove(it->transport, &worker.id);
        assert_true(status == CLEAT_OK || status == CLEAT_TIMEOUT);
    }
    if (was_there) {
        listener_deinit(&worker);
    }
}

static inline int end_worker_and_tear_down(void **state)
{
    end_worker(*state);
    return tear_down(state);
}

#define INVOCATION_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, end_worker_and_tear_down)

/* Invocation `count` of run 1 for the worker. */
static inline void invoke(fixture *it, int32_t count)
{
    Cleat__AssignedAction *action = action_of(1, 0, "a:b");
    action->has_durable_task_invocation_count_case =
        CLEAT__ASSIGNED_ACTION__HAS_DURABLE_TASK_INVOCATION_COUNT_DURABLE_TASK_INVOCATION_COUNT;
    action->durable_task_invocation_count = count;
    int assigned = gate_count(&worker.assigned);
    mock_send(&it->engine, MOCK_LISTEN, action);
    cleat__message_free(action);
    gate_wait(&worker.assigned, assigned + 1);
}

/* A worker with invocation 1. */
static inline void begin_invocation(fixture *it)
{
    begin_worker(it);
    invoke(it, 1);
}

static inline cleat_status ask(fixture *it, int32_t count, cleat__durable_request *requests, size_t size,
                               size_t *done)
{
    const cleat__uuid id = uuid_of(TASK);
    return it->transport->durable(it->transport, &id, count, requests, size, done);
}

static inline cleat__durable_request memo_of(const char *key, const char *payload)
{
    return (cleat__durable_request){
        .kind = CLEAT__DURABLE_MEMO,
        .as.memo = {.key = cleat_slice_of(key), .payload = cleat_slice_of(payload)}};
}

/* Somebody who waits for an answer meanwhile. */
static struct asker {
    pthread_t thread;
    fixture *it;
    int32_t count;
    cleat__durable_request *requests;
    size_t size, done;
    cleat_status status;
    char text[512];
} asker;

static inline void *asker_run(void *argument)
{
    (void)argument;
    asker.status = ask(asker.it, asker.count, asker.requests, asker.size, &asker.done);
    snprintf(asker.text, sizeof(asker.text), "%s", cleat_error_message());
    return NULL;
}

static inline void asker_start(fixture *it, int32_t count, cleat__durable_request *requests, size_t size)
{
    asker = (struct asker){.it = it, .count = count, .requests = requests, .size = size};
    assert_int_equal(pthread_create(&asker.thread, NULL, asker_run, NULL), 0);
}

/* It has been answered so. */
static inline void asker_join(cleat_status status, const char *part)
{
    assert_int_equal(pthread_join(asker.thread, NULL), 0);
    if (asker.status != status || (status != CLEAT_OK && strstr(asker.text, part) == NULL)) {
        fail_msg("%s \"%s\" instead of %s \"...%s...\"", cleat_status_name(asker.status), asker.text,
                 cleat_status_name(status), part);
    }
}

/* Message number `index` of the streams, which is of that kind; to be freed. */
static inline Cleat__V1__DurableTaskRequest *said(fixture *it, int index, int message_case)
{
    Cleat__V1__DurableTaskRequest *message = mock_message(&it->engine, MOCK_DURABLE, index);
    assert_int_equal(message->message_case, message_case);
    return message;
}

static inline void assert_said(fixture *it, int index, int message_case)
{
    cleat__message_free(said(it, index, message_case));
}

/* In invocation 1 the first of these is sent, behind the registration. */
static inline void begin_asking(fixture *it, cleat__durable_request *requests, size_t size, int message_case)
{
    begin_invocation(it);
    asker_start(it, 1, requests, size);
    assert_said(it, 1, message_case);
}

enum { REGISTER = 1, MEMO = 2, TRIGGER = 3, WAIT_FOR = 4, EVICT = 5, WORKER_STATUS = 6, COMPLETE_MEMO = 7 };

/* A server that is not Cleat's. */
static inline void open_hatchet(fixture *it)
{
    it->engine.version = "v0.83.0";
    reopen(it, mock_settings(&it->engine));
}

#endif
