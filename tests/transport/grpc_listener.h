/* What the tests of workers over gRPC share: a worker that keeps what it is sent, and what a server sends it. */
#ifndef CLEAT_TESTS_TRANSPORT_GRPC_LISTENER_H
#define CLEAT_TESTS_TRANSPORT_GRPC_LISTENER_H

#include "transport/grpc_test.h"

#include "wire/assignment.h"

enum { HELD_MAX = 64 };

/* ---- A worker that keeps what it is sent ---- */

typedef struct listener {
    gate assigned, cancelled;
    cleat__assignment *held[HELD_MAX]; /* under assigned.mutex */
    cleat__uuid cancelled_id;          /* under cancelled.mutex */
    int32_t cancelled_retry_count;
    bool begins_nothing; /* under cancelled.mutex */
    gate lost;
    cleat_status lost_status; /* under lost.mutex */
    cleat__uuid id;
} listener;

static inline void on_assign(void *self, cleat__assignment *list)
{
    listener *it = self;
    pthread_mutex_lock(&it->assigned.mutex);
    it->held[it->assigned.count] = list; /* one at a time, or a batch */
    pthread_mutex_unlock(&it->assigned.mutex);
    gate_add(&it->assigned);
}

static inline void on_cancel(void *self, const cleat__uuid *task_id, int32_t retry_count)
{
    listener *it = self;
    pthread_mutex_lock(&it->cancelled.mutex);
    it->cancelled_id = *task_id;
    it->cancelled_retry_count = retry_count;
    pthread_mutex_unlock(&it->cancelled.mutex);
    gate_add(&it->cancelled);
}

static inline bool on_withdraw(void *self, const cleat__uuid *task_id, int32_t retry_count)
{
    listener *it = self;
    (void)task_id;
    (void)retry_count;
    pthread_mutex_lock(&it->cancelled.mutex);
    bool is_queued = it->begins_nothing;
    pthread_mutex_unlock(&it->cancelled.mutex);
    if (is_queued) {
        gate_add(&it->cancelled);
    }
    return is_queued;
}

static inline void on_lost(void *self, cleat_status status, const char *text)
{
    listener *it = self;
    assert_non_null(strstr(text, "does not accept the token"));
    pthread_mutex_lock(&it->lost.mutex);
    it->lost_status = status;
    pthread_mutex_unlock(&it->lost.mutex);
    gate_add(&it->lost);
}

static inline void listener_add(listener *it, cleat__transport *transport)
{
    memset(it, 0, sizeof(*it));
    gate_init(&it->assigned);
    gate_init(&it->cancelled);
    gate_init(&it->lost);
    const cleat__transport_sink sink = {it, on_assign, on_cancel, on_withdraw, on_lost};
    const cleat_slice actions[] = {cleat_slice_of("a:b"), cleat_slice_of("c:c")};
    const cleat__slots slots[] = {{cleat_slice_of("default"), 5}, {cleat_slice_of("gpu"), 1}};
    const cleat__label label = {.key = cleat_slice_of("region"), .value = {.text = cleat_slice_of("north")}};
    const cleat__worker_spec spec = {.name = cleat_slice_of("Packer"),
                                     .actions = actions,
                                     .action_count = 2,
                                     .slots = slots,
                                     .slot_count = 2,
                                     .labels = &label,
                                     .label_count = 1};
    assert_ok(transport->worker_add(transport, &spec, &sink, &it->id));
}

static inline void listener_deinit(listener *it)
{
    for (int i = 0; i < it->assigned.count; i++) {
        for (cleat__assignment *next, *one = it->held[i]; one != NULL; one = next) {
            next = one->next;
            cleat__free(one);
        }
    }
    gate_deinit(&it->assigned);
    gate_deinit(&it->cancelled);
    gate_deinit(&it->lost);
}

static inline void listener_remove(listener *it, cleat__transport *transport)
{
    assert_ok(transport->worker_remove(transport, &it->id));
    listener_deinit(it);
}

#define STEP_ID "01890000-0000-7000-8000-0000000000bb"

/* A run number `number` for the worker. */
static inline Cleat__AssignedAction *action_of(uint8_t number, int32_t retry_count, const char *action_id)
{
    const cleat__action_details details = {
        .tenant_id = cleat_slice_of("t"), .step_id = cleat_slice_of(STEP_ID), .priority = 1};
    cleat__assignment assignment = {.task_id = uuid_of(MOCK_RUN_ID),
                                    .retry_count = retry_count,
                                    .task = cleat_slice_of(action_id),
                                    .input = cleat_slice_of("{\"n\":1}"),
                                    .metadata = cleat_slice_of("{\"k\":2}")};
    assignment.task_id.bytes[15] = number;
    Cleat__AssignedAction *action = cleat__assignment_write(&assignment, &details);
    assert_non_null(action);
    return action;
}

static inline void assign(fixture *it, uint8_t number, int32_t retry_count, const char *action_id)
{
    Cleat__AssignedAction *action = action_of(number, retry_count, action_id);
    mock_send(&it->engine, MOCK_LISTEN, action);
    cleat__message_free(action);
}

static inline void cancel(fixture *it, uint8_t number, int32_t retry_count)
{
    const cleat__action_details details = {.priority = 1};
    cleat__uuid id = uuid_of(MOCK_RUN_ID);
    id.bytes[15] = number;
    Cleat__AssignedAction *action =
        cleat__cancellation_write(&id, retry_count, cleat_slice_of("a:b"), &details);
    mock_send(&it->engine, MOCK_LISTEN, action);
    cleat__message_free(action);
}

static inline cleat_status report(fixture *it, uint8_t number, int32_t retry_count, cleat_status status,
                                  const char *text)
{
    cleat__report said = {.task_id = uuid_of(MOCK_RUN_ID), .retry_count = retry_count, .status = status};
    said.task_id.bytes[15] = number;
    *(status == CLEAT_OK ? &said.output : &said.error) = cleat_slice_of(text);
    return it->transport->report(it->transport, &said);
}

/* An event of the worker; to be freed. */
static inline Cleat__StepActionEvent *event_at(fixture *it, int index)
{
    return mock_message(&it->engine, MOCK_EVENT, index);
}

static inline void assert_event(fixture *it, int index, int type, const char *payload)
{
    Cleat__StepActionEvent *event = event_at(it, index);
    assert_int_equal(event->event_type, type);
    assert_string_equal(event->event_payload, payload);
    cleat__message_free(event);
}

enum { STARTED = 1, COMPLETED = 2, FAILED = 3, RELEASED = 100 };

/* A server that is told when an attempt begins. */
static inline void as_hatchet(fixture *it)
{
    it->engine.version = "v0.83.0";
    reopen(it, mock_settings(&it->engine));
}

#endif
