/* A core with one durable task "flow" and a plain one "ship", and a program that asks in few words. */
#ifndef CLEAT_TESTS_DURABLE_TEST_H
#define CLEAT_TESTS_DURABLE_TEST_H

#include "core_test.h"

static const cleat__policy durable_policy = {
    .retries = 2,
    .priority = 1,
    .backoff_factor = 2,
    .backoff_max_ms = 60000,
    .execution_timeout_ms = 60000,
    .schedule_timeout_ms = 300000,
};

static inline void declare(rig *at)
{
    cleat__workflow flow = workflow_of("flow:flow", &durable_policy);
    task_of(&flow)->is_durable = true;
    assert_int_equal(put_workflow(at, CLEAT__TENANT_DEFAULT, &flow, NULL), CLEAT_OK);
    assert_int_equal(put_task(at, "ship:ship", &durable_policy), CLEAT_OK);
}

/* Of the engine's own process: it takes both kinds. */
static inline cleat__uuid join_both(rig *at, int durable_slots, int slots)
{
    cleat__uuid id;
    const cleat_slice actions[] = {cleat_slice_of("flow:flow"), cleat_slice_of("ship:ship")};
    const cleat__slots offered[] = {{cleat_slice_of("durable"), durable_slots},
                                    {cleat_slice_of("default"), slots}};
    const cleat__worker_spec spec = {
        .actions = actions, .action_count = 2, .slots = offered, .slot_count = slots > 0 ? 2 : 1};
    cleat__command command = {.tenant = CLEAT__TENANT_DEFAULT,
                              .kind = CLEAT__COMMAND_WORKER_JOIN,
                              .as.worker_join = {&spec, {&at->ears, hear_assign, hear_cancel}, &id, NULL}};
    assert_int_equal(ask(at, &command), CLEAT_OK);
    return id;
}

/* What the last failure of asking said. */
static char durable_error[1024];

static inline cleat_status ask_with(rig *at, const cleat__uuid *run, int invocation,
                                    cleat__durable_request *requests, size_t count,
                                    const cleat__durable_listener *listener, size_t *done)
{
    cleat__command command = {.tenant = CLEAT__TENANT_DEFAULT,
                              .kind = CLEAT__COMMAND_DURABLE,
                              .as.durable = {.run_id = *run,
                                             .invocation_count = invocation,
                                             .requests = requests,
                                             .count = count,
                                             .listener = listener,
                                             .done_count = done}};
    step(at, &command, 1);
    snprintf(durable_error, sizeof(durable_error), "%s", command.error != NULL ? command.error : "");
    cleat__free(command.error);
    return command.status;
}

static inline cleat_status ask_durable(rig *at, const cleat__uuid *run, int invocation,
                                       cleat__durable_request *request)
{
    return ask_with(at, run, invocation, request, 1, NULL, NULL);
}

static inline cleat__durable_request memo_of(const char *key, const char *payload)
{
    cleat__durable_request request = {.kind = CLEAT__DURABLE_MEMO};
    request.as.memo.key = cleat_slice_of(key);
    request.as.memo.payload = cleat_slice_of(payload);
    return request;
}

/* "1 new", "2 old 5", "2 old" (without a value), or the status. `number`: the node it takes; 0: the next one. */
static inline const char *memo_at(rig *at, const cleat__uuid *run, int invocation, int64_t number,
                                  const char *key, const char *payload)
{
    static char text[256];
    cleat__durable_request request = memo_of(key, payload);
    request.number = number;
    cleat_status status = ask_durable(at, run, invocation, &request);
    const char *value = request.as.memo.value;
    snprintf(text, sizeof(text), "%d %s%s%s", (int)request.as.memo.node.number,
             request.as.memo.existed ? "old" : "new", value != NULL ? " " : "", value != NULL ? value : "");
    cleat__durable_request_deinit(&request);
    return status == CLEAT_OK ? text : cleat_status_name(status) + strlen("CLEAT_");
}

static inline const char *memo(rig *at, const cleat__uuid *run, int invocation, const char *key,
                               const char *payload)
{
    return memo_at(at, run, invocation, 0, key, payload);
}

static inline cleat__condition sleep_of(int64_t ms, const char *text)
{
    return (cleat__condition){.kind = CLEAT__CONDITION_SLEEP,
                              .data_key = cleat_slice_of(text),
                              .sleep_ms = ms,
                              .sleep_text = cleat_slice_of(text)};
}

static inline cleat__condition event_of(const char *key)
{
    return (cleat__condition){
        .kind = CLEAT__CONDITION_EVENT, .data_key = cleat_slice_of(key), .key = cleat_slice_of(key)};
}

static inline cleat__condition hook_of(const char *token)
{
    return (cleat__condition){
        .kind = CLEAT__CONDITION_HOOK, .data_key = cleat_slice_of("hook"), .key = cleat_slice_of(token)};
}

static inline cleat_status wait_for(rig *at, const cleat__uuid *run, int invocation,
                                    const cleat__condition *conditions, size_t count, int64_t *node)
{
    cleat__durable_request request = {.kind = CLEAT__DURABLE_WAIT_FOR};
    request.as.wait_for.conditions = conditions;
    request.as.wait_for.count = count;
    cleat_status status = ask_durable(at, run, invocation, &request);
    *node = request.as.wait_for.node.number;
    return status;
}

static inline cleat_status sleep_for(rig *at, const cleat__uuid *run, int invocation, int64_t ms,
                                     const char *text, int64_t *node)
{
    cleat__condition condition = sleep_of(ms, text);
    return wait_for(at, run, invocation, &condition, 1, node);
}

static inline cleat_status spawn(rig *at, const cleat__uuid *run, int invocation, const char *input,
                                 cleat__uuid *id, int64_t *node)
{
    cleat__node nodes[1];
    cleat__trigger item = {
        .workflow = cleat_slice_of("ship"), .input = cleat_slice_of(input), .child_index = -1};
    cleat__durable_request request = {.kind = CLEAT__DURABLE_TRIGGER};
    request.as.trigger.items = &item;
    request.as.trigger.count = 1;
    request.as.trigger.ids = id;
    request.as.trigger.nodes = nodes;
    cleat_status status = ask_durable(at, run, invocation, &request);
    *node = nodes[0].number;
    return status;
}

#define NODES_MAX 16

/* "SUSPENDED 0: 1:{..}": the status, then of each node its order and how it ended, or "-". */
static inline const char *await(rig *at, const cleat__uuid *run, int invocation, bool is_all,
                                const int64_t *numbers, size_t count)
{
    static char text[1024];
    cleat__node nodes[NODES_MAX];
    cleat__node_end ends[NODES_MAX] = {0};
    for (size_t i = 0; i < count; i++) {
        nodes[i] = (cleat__node){1, numbers[i]};
    }
    cleat__durable_request request = {.kind = CLEAT__DURABLE_AWAIT};
    request.as.await.nodes = nodes;
    request.as.await.count = count;
    request.as.await.is_all = is_all;
    request.as.await.ends = ends;
    cleat_status status = ask_durable(at, run, invocation, &request);
    snprintf(text, sizeof(text), "%s", cleat_status_name(status) + strlen("CLEAT_"));
    for (size_t i = 0; i < count; i++) {
        const char *said = ends[i].is_failure ? ends[i].error : ends[i].payload;
        snprintf(text + strlen(text), sizeof(text) - strlen(text), " %d:%s%s", (int)ends[i].order,
                 ends[i].is_cancelled ? "cancelled " : (ends[i].is_failure ? "failed " : ""),
                 said != NULL ? said : "-");
    }
    cleat__durable_request_deinit(&request);
    return text;
}

static inline cleat_status evict_with(rig *at, const cleat__uuid *run, int invocation, bool is_all,
                                      const int64_t *numbers, size_t count, const char *carrier)
{
    cleat__node nodes[NODES_MAX];
    for (size_t i = 0; i < count; i++) {
        nodes[i] = (cleat__node){1, numbers[i]};
    }
    cleat__durable_request request = {.kind = CLEAT__DURABLE_EVICT};
    request.as.evict.nodes = nodes;
    request.as.evict.count = count;
    request.as.evict.is_all = is_all;
    request.as.evict.carrier = cleat_slice_of(carrier);
    return ask_durable(at, run, invocation, &request);
}

static inline cleat_status evict(rig *at, const cleat__uuid *run, int invocation, int64_t node)
{
    return evict_with(at, run, invocation, true, &node, 1, NULL);
}

static inline cleat_status push_event(rig *at, const char *key, const char *payload, const char *scope,
                                      const char *metadata)
{
    cleat__uuid id;
    cleat__user_event event = {.key = cleat_slice_of(key),
                               .payload = cleat_slice_of(payload),
                               .scope = cleat_slice_of(scope),
                               .metadata = cleat_slice_of(metadata)};
    cleat__command command = {
        .tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_PUSH, .as.push = {&event, 1, &id, NULL}};
    return ask(at, &command);
}

static inline cleat_status end_run(rig *at, const cleat__uuid *run, int invocation, cleat_status status,
                                   const char *text)
{
    cleat__report said = {.task_id = *run,
                          .retry_count = CLEAT__RETRY_CURRENT,
                          .invocation_count = invocation,
                          .status = status};
    *(status == CLEAT_OK ? &said.output : &said.error) = cleat_slice_of(text);
    cleat__command command = {
        .tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_REPORT, .as.report = said};
    return ask(at, &command);
}

/* The last thing that was heard, with the number of its invocation; the list is empty afterwards. */
static inline heard last_heard(rig *at)
{
    heard last = at->ears.count != 0 ? at->ears.heard[(at->ears.count - 1) % HEARD_MAX] : (heard){0};
    at->ears.count = 0;
    return last;
}

#define assert_invocation(at, number)                          \
    do {                                                       \
        heard last_ = last_heard(at);                          \
        assert_int_equal(last_.what, (number) != 0 ? 'A' : 0); \
        assert_int_equal(last_.invocation_count, (number));    \
    } while (0)

/* ---- A worker elsewhere, over restarts ---- */

static inline cleat__uuid listen_as(rig *at, cleat__uuid *worker, uint64_t session)
{
    cleat_slice name = cleat_slice_of("flow:flow");
    const cleat__slots slots = {cleat_slice_of("durable"), 10};
    static const char *const names[] = {"w", "v"}; /* of the first and of others */
    cleat__worker_spec spec = {.name = cleat_slice_of(names[session != 1]),
                               .actions = &name,
                               .action_count = 1,
                               .slots = &slots,
                               .slot_count = 1,
                               .runtime = {"{}", 2}};
    cleat__command enroll = {.tenant = CLEAT__TENANT_DEFAULT,
                             .kind = CLEAT__COMMAND_WORKER_REGISTER,
                             .as.worker_register = {&spec, worker}};
    if (cleat__uuid_is_nil(worker)) {
        assert_int_equal(ask(at, &enroll), CLEAT_OK);
    }
    cleat__command listen = {.tenant = CLEAT__TENANT_DEFAULT, .kind = CLEAT__COMMAND_WORKER_LISTEN};
    listen.as.listen.id = *worker;
    listen.as.listen.session = session;
    listen.as.listen.is_kept = true;
    listen.as.listen.sink = (cleat__worker_sink){&at->ears, hear_assign, hear_cancel};
    assert_int_equal(ask(at, &listen), CLEAT_OK);
    return *worker;
}

static inline cleat__uuid listen_remote(rig *at, cleat__uuid *worker)
{
    return listen_as(at, worker, 1);
}

static inline cleat__uuid begin_elsewhere(rig *at, cleat__uuid *worker)
{
    declare(at);
    listen_remote(at, worker);
    cleat__uuid run = trigger(at, "flow:flow", "{}", 0);
    assert_invocation(at, 1);
    return run;
}

static inline void restart_elsewhere(rig *at, cleat__uuid *worker)
{
    crash(at);
    open_core(at);
    listen_remote(at, worker);
    assert_invocation(at, 0);
}

#endif
