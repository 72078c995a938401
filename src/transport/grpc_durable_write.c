/* The messages of what an invocation asks for. */
#include "transport/grpc_durable.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"
#include "model/continued.h"
#include "model/duration.h"
#include "model/event.h"
#include "transport/grpc.h"
#include "wire/message.h"
#include "wire/timestamp.h"
#include "wire/v1/dispatcher.pb-c.h"

typedef Cleat__V1__DurableTaskRequest request;
typedef Cleat__V1__DurableEventListenerConditions conditions;
typedef Cleat__V1__TriggerWorkflowRequest child;

/* Who asks, and for what. */
typedef struct writer {
    const cleat__link *link;
    const char *worker_id;
    const cleat__uuid *run_id;
    char task_id[37];
    int32_t count;
    int64_t next_child;
    cleat__remote_ask *ask;
    size_t room; /* for messages */
} writer;

/* ---- Messages ---- */

/* Borrowed, for a message that is only packed. */
static ProtobufCBinaryData bytes_of(cleat_slice slice)
{
    return (ProtobufCBinaryData){.len = slice.size, .data = (uint8_t *)(uintptr_t)slice.data};
}

/* NULL on no memory. */
static cleat__remote_message *next_message(writer *self)
{
    cleat__remote_ask *ask = self->ask;
    if (ask->message_count == self->room) {
        size_t room = self->room + ask->count + 1;
        cleat__remote_message *more = cleat__realloc(ask->messages, room * sizeof(*more));
        if (more == NULL) {
            return NULL;
        }
        ask->messages = more;
        self->room = room;
    }
    return &ask->messages[ask->message_count++];
}

/* How it is answered, and what may become of it when the answer is lost. */
static void set_answer(cleat__remote_message *to, const request *message)
{
    if (message->message_case == CLEAT__V1__DURABLE_TASK_REQUEST__MESSAGE_TRIGGER_RUNS) {
        to->runs = message->trigger_runs->n_trigger_opts;
    }
    switch ((int)message->message_case) {
    case CLEAT__V1__DURABLE_TASK_REQUEST__MESSAGE_TRIGGER_RUNS:
    case CLEAT__V1__DURABLE_TASK_REQUEST__MESSAGE_MEMO:
    case CLEAT__V1__DURABLE_TASK_REQUEST__MESSAGE_WAIT_FOR:
        to->is_acked = true;
        to->is_once = message->cleat_node == 0;
        break;
    case CLEAT__V1__DURABLE_TASK_REQUEST__MESSAGE_EVICT_INVOCATION: to->is_acked = true; break;
    case CLEAT__V1__DURABLE_TASK_REQUEST__MESSAGE_REGISTER_WORKER: to->is_echoed = true; break;
    default: break;
    }
}

/* `node`: that it takes, or the first of them; 0: it takes none, or is not to say it. */
static cleat_status add(writer *self, request *message, int64_t node)
{
    cleat__buffer bytes = {0};
    int64_t most = self->link->settings.max_send_size;
    message->cleat_node = node;
    cleat_status status = cleat__message_pack(message, &bytes);
    if (status == CLEAT_OK && bytes.size > (size_t)most) {
        status = cleat__fail(CLEAT_TOO_LARGE, "what the workflow records has %zu bytes; %lld can be sent",
                             bytes.size, (long long)most);
    }
    if (status != CLEAT_OK) {
        cleat__buffer_deinit(&bytes);
        return status;
    }
    cleat__remote_message *to = next_message(self);
    if (to == NULL) {
        cleat__buffer_deinit(&bytes);
        return cleat__fail_memory();
    }
    *to = (cleat__remote_message){.data = (char *)bytes.data, .size = bytes.size};
    set_answer(to, message);
    return CLEAT_OK;
}

/* Of what takes one; 0: the engine is not to be told. */
static int64_t node_of(const writer *self, const cleat__durable_request *from)
{
    return self->link->is_cleat ? from->number : 0;
}

static cleat_status write_memo(writer *self, const cleat__durable_request *from)
{
    request message = CLEAT__V1__DURABLE_TASK_REQUEST__INIT;
    Cleat__V1__DurableTaskMemoRequest memo;
    cleat__v1__durable_task_memo_request__init(&memo);
    memo.invocation_count = self->count;
    memo.durable_task_external_id = self->task_id;
    memo.key = bytes_of(from->as.memo.key);
    if (from->as.memo.payload.data != NULL) {
        memo.has_payload_case = CLEAT__V1__DURABLE_TASK_MEMO_REQUEST__HAS_PAYLOAD_PAYLOAD;
        memo.payload = bytes_of(from->as.memo.payload);
    }
    message.message_case = CLEAT__V1__DURABLE_TASK_REQUEST__MESSAGE_MEMO;
    message.memo = &memo;
    return add(self, &message, node_of(self, from));
}

static cleat_status write_complete_memo(writer *self, const cleat__durable_request *from)
{
    request message = CLEAT__V1__DURABLE_TASK_REQUEST__INIT;
    Cleat__V1__DurableTaskCompleteMemoRequest memo = CLEAT__V1__DURABLE_TASK_COMPLETE_MEMO_REQUEST__INIT;
    Cleat__V1__DurableEventLogEntryRef ref = CLEAT__V1__DURABLE_EVENT_LOG_ENTRY_REF__INIT;
    ref.durable_task_external_id = self->task_id;
    ref.invocation_count = self->count;
    ref.branch_id = from->as.complete_memo.node.branch;
    ref.node_id = from->as.complete_memo.node.number;
    memo.ref = &ref;
    memo.memo_key = bytes_of(from->as.complete_memo.key);
    memo.payload = bytes_of(from->as.complete_memo.payload);
    message.message_case = CLEAT__V1__DURABLE_TASK_REQUEST__MESSAGE_COMPLETE_MEMO;
    message.complete_memo = &memo;
    return add(self, &message, 0);
}

cleat_status cleat__remote_registration(const char *worker_id, cleat__buffer *out)
{
    request message = CLEAT__V1__DURABLE_TASK_REQUEST__INIT;
    Cleat__V1__DurableTaskRequestRegisterWorker worker =
        CLEAT__V1__DURABLE_TASK_REQUEST_REGISTER_WORKER__INIT;
    worker.worker_id = (char *)(uintptr_t)worker_id;
    message.message_case = CLEAT__V1__DURABLE_TASK_REQUEST__MESSAGE_REGISTER_WORKER;
    message.register_worker = &worker;
    return cleat__message_pack(&message, out);
}

/* Its echo says that all before has been done. */
static cleat_status write_barrier(writer *self)
{
    request message = CLEAT__V1__DURABLE_TASK_REQUEST__INIT;
    Cleat__V1__DurableTaskRequestRegisterWorker worker =
        CLEAT__V1__DURABLE_TASK_REQUEST_REGISTER_WORKER__INIT;
    worker.worker_id = (char *)(uintptr_t)self->worker_id;
    message.message_case = CLEAT__V1__DURABLE_TASK_REQUEST__MESSAGE_REGISTER_WORKER;
    message.register_worker = &worker;
    return add(self, &message, 0);
}

/* ---- Children ---- */

/* `cleat serve` knows whose children they are, and numbers them; elsewhere they are numbered over all of the
 * invocation, and the one that the run goes on as is a child like others. A key is said of children only. */
static child *write_child(writer *self, const cleat__trigger *from)
{
    cleat__trigger item = *from;
    int64_t number = self->next_child++;
    if (!self->link->is_cleat && cleat_slice_equals(item.child_key, cleat_slice_of(CLEAT__CONTINUED_KEY))) {
        item.child_key = (cleat_slice){NULL, 0};
    }
    if (!item.is_child && (!self->link->is_cleat || item.child_key.data != NULL)) {
        item.is_child = true;
        item.parent_id = *self->run_id;
        item.child_index = number;
    }
    return cleat__remote_trigger_write(self->link, &item);
}

/* As many children, one at least, as a message can hold. */
static size_t fit(const writer *self, child **children, size_t count)
{
    enum { ENVELOPE = 128, OF_EACH = 8 };
    size_t most = (size_t)self->link->settings.max_send_size, size = ENVELOPE, fitting = 0;
    while (fitting < count) {
        size += protobuf_c_message_get_packed_size(&children[fitting]->base) + OF_EACH;
        if (fitting != 0 && size > most) {
            break;
        }
        fitting++;
    }
    return fitting;
}

static cleat_status write_children(writer *self, child **children, size_t count, int64_t node)
{
    request message = CLEAT__V1__DURABLE_TASK_REQUEST__INIT;
    Cleat__V1__DurableTaskTriggerRunsRequest runs = CLEAT__V1__DURABLE_TASK_TRIGGER_RUNS_REQUEST__INIT;
    cleat_status status = CLEAT_OK;
    runs.invocation_count = self->count;
    runs.durable_task_external_id = self->task_id;
    message.message_case = CLEAT__V1__DURABLE_TASK_REQUEST__MESSAGE_TRIGGER_RUNS;
    message.trigger_runs = &runs;
    for (size_t done = 0; status == CLEAT_OK && done < count; done += runs.n_trigger_opts) {
        runs.trigger_opts = children + done;
        runs.n_trigger_opts = fit(self, children + done, count - done);
        status = add(self, &message, node != 0 ? node + (int64_t)done : 0);
    }
    return status;
}

static cleat_status write_trigger(writer *self, const cleat__durable_request *from)
{
    size_t count = from->as.trigger.count, made = 0;
    if (count == 0) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "there is nothing to be started");
    }
    child **children = cleat__calloc(count + 1, sizeof(*children));
    while (children != NULL && made < count &&
           (children[made] = write_child(self, &from->as.trigger.items[made])) != NULL) {
        made++;
    }
    cleat_status status = children != NULL && made == count
                              ? write_children(self, children, count, node_of(self, from))
                              : cleat__fail_memory();
    for (size_t i = 0; i < made; i++) {
        cleat__message_free(children[i]);
    }
    cleat__free(children);
    return status;
}

/* ---- Conditions ---- */

static cleat__uuid uuid_new(void)
{
    cleat__uuid_generator generator = {.random = cleat__random_thread()};
    return cleat__uuid_next(&generator, cleat__clock_unix_ns(NULL) / CLEAT__NS_PER_MS);
}

/* Engines want UUIDs for groups, which are not compared in a replay. */
static void make_groups(const cleat__durable_request *from, cleat__uuid *groups)
{
    for (size_t i = 0; i < from->as.wait_for.count; i++) {
        cleat_slice group = from->as.wait_for.conditions[i].group;
        groups[i] = uuid_new();
        for (size_t k = 0; group.data != NULL && k < i; k++) {
            if (cleat_slice_equals(group, from->as.wait_for.conditions[k].group)) {
                groups[i] = groups[k];
            }
        }
    }
}

static char *text_of(const cleat__buffer *text, bool *failed)
{
    *failed = *failed || text->failed;
    return cleat__message_text(failed, cleat__buffer_slice(text));
}

static Cleat__V1__BaseMatchCondition *write_base(const cleat__condition *from, const cleat__uuid *group,
                                                 bool *failed)
{
    char id[37];
    Cleat__V1__BaseMatchCondition *base = cleat__message_new(&cleat__v1__base_match_condition__descriptor);
    if (base == NULL) {
        *failed = true;
        return NULL;
    }
    cleat__uuid_format(group, id);
    base->readable_data_key = cleat__message_text(failed, from->data_key);
    base->action = CLEAT__V1__ACTION__CREATE;
    base->or_group_id = cleat__message_string(failed, id);
    base->expression = cleat__message_text(failed, from->expression);
    return base;
}

static void write_sleep(const cleat__condition *from, const cleat__uuid *group, bool *failed, conditions *out)
{
    Cleat__V1__SleepMatchCondition *sleep = cleat__message_new(&cleat__v1__sleep_match_condition__descriptor);
    if (sleep == NULL) {
        *failed = true;
        return;
    }
    out->sleep_conditions[out->n_sleep_conditions++] = sleep;
    sleep->base_ = write_base(from, group, failed);
    if (from->sleep_text.data != NULL) {
        sleep->sleep_for = cleat__message_text(failed, from->sleep_text);
    } else {
        char text[CLEAT__DURATION_TEXT];
        cleat__duration_format(from->sleep_ms, text);
        sleep->sleep_for = cleat__message_string(failed, text);
    }
}

static void write_event(const writer *self, const cleat__condition *from, const cleat__uuid *group,
                        bool *failed, conditions *out)
{
    cleat__buffer key = {0};
    Cleat__V1__UserEventMatchCondition *event =
        cleat__message_new(&cleat__v1__user_event_match_condition__descriptor);
    if (event == NULL) {
        *failed = true;
        return;
    }
    out->user_event_conditions[out->n_user_event_conditions++] = event;
    event->base_ = write_base(from, group, failed);
    if (from->kind == CLEAT__CONDITION_HOOK) {
        cleat__buffer_append_string(&key, CLEAT__HOOK_KEY_PREFIX);
        cleat__buffer_append_slice(&key, from->key);
    } else {
        cleat__remote_key(&self->link->settings, from->key, &key);
    }
    event->user_event_key = text_of(&key, failed);
    cleat__buffer_deinit(&key);
    if (from->scope.data != NULL) {
        event->has_event_scope_case = CLEAT__V1__USER_EVENT_MATCH_CONDITION__HAS_EVENT_SCOPE_EVENT_SCOPE;
        event->event_scope = cleat__message_text(failed, from->scope);
    }
    if (from->since_ms != 0) {
        event->consider_events_since = cleat__timestamp_new(failed, from->since_ms);
    }
}

/* NULL on no memory. */
static conditions *write_conditions(const writer *self, const cleat__durable_request *from)
{
    size_t count = from->as.wait_for.count;
    bool failed = false;
    conditions *out = cleat__message_new(&cleat__v1__durable_event_listener_conditions__descriptor);
    cleat__uuid *groups = cleat__calloc(count + 1, sizeof(*groups));
    if (out == NULL || groups == NULL) {
        cleat__free(groups);
        cleat__message_free(out);
        return NULL;
    }
    make_groups(from, groups);
    out->sleep_conditions = cleat__calloc(count + 1, sizeof(Cleat__V1__SleepMatchCondition *));
    out->user_event_conditions = cleat__calloc(count + 1, sizeof(Cleat__V1__UserEventMatchCondition *));
    failed = out->sleep_conditions == NULL || out->user_event_conditions == NULL;
    for (size_t i = 0; !failed && i < count; i++) {
        const cleat__condition *condition = &from->as.wait_for.conditions[i];
        if (condition->kind == CLEAT__CONDITION_SLEEP) {
            write_sleep(condition, &groups[i], &failed, out);
        } else {
            write_event(self, condition, &groups[i], &failed, out);
        }
    }
    cleat__free(groups);
    if (failed) {
        cleat__message_free(out);
        return NULL;
    }
    return out;
}

static cleat_status write_wait_for(writer *self, const cleat__durable_request *from)
{
    request message = CLEAT__V1__DURABLE_TASK_REQUEST__INIT;
    Cleat__V1__DurableTaskWaitForRequest wait = CLEAT__V1__DURABLE_TASK_WAIT_FOR_REQUEST__INIT;
    bool failed = false;
    wait.invocation_count = self->count;
    wait.durable_task_external_id = self->task_id;
    wait.wait_for_conditions = write_conditions(self, from);
    if (from->as.wait_for.label.data != NULL) {
        wait.has_label_case = CLEAT__V1__DURABLE_TASK_WAIT_FOR_REQUEST__HAS_LABEL_LABEL;
        wait.label = cleat__message_text(&failed, from->as.wait_for.label);
    }
    message.message_case = CLEAT__V1__DURABLE_TASK_REQUEST__MESSAGE_WAIT_FOR;
    message.wait_for = &wait;
    failed = failed || wait.wait_for_conditions == NULL;
    cleat_status status = failed ? cleat__fail_memory() : add(self, &message, node_of(self, from));
    cleat__message_free(wait.wait_for_conditions);
    if (wait.has_label_case != 0) {
        cleat__free(wait.label);
    }
    return status;
}

/* ---- Waiting ---- */

typedef Cleat__V1__DurableTaskAwaitedCompletedEntry entry;

/* One block of entries, and of pointers to them; NULL on no memory. */
static entry **write_entries(writer *self, const cleat__node *nodes, size_t count)
{
    entry **list = cleat__calloc(count + 1, sizeof(entry *) + sizeof(entry));
    entry *entries = list != NULL ? (entry *)(void *)(list + count + 1) : NULL;
    for (size_t i = 0; list != NULL && i < count; i++) {
        entries[i] = (entry)CLEAT__V1__DURABLE_TASK_AWAITED_COMPLETED_ENTRY__INIT;
        entries[i].durable_task_external_id = self->task_id;
        entries[i].branch_id = nodes[i].branch;
        entries[i].node_id = nodes[i].number;
        entries[i].invocation_count = self->count;
        list[i] = &entries[i];
    }
    return list;
}

static cleat_status write_await(writer *self, const cleat__durable_request *from)
{
    request message = CLEAT__V1__DURABLE_TASK_REQUEST__INIT;
    Cleat__V1__DurableTaskWorkerStatusRequest worker = CLEAT__V1__DURABLE_TASK_WORKER_STATUS_REQUEST__INIT;
    worker.worker_id = (char *)(uintptr_t)self->worker_id;
    worker.n_waiting_entries = from->as.await.count;
    worker.waiting_entries = write_entries(self, from->as.await.nodes, from->as.await.count);
    message.message_case = CLEAT__V1__DURABLE_TASK_REQUEST__MESSAGE_WORKER_STATUS;
    message.worker_status = &worker;
    cleat_status status = worker.waiting_entries != NULL ? add(self, &message, 0) : cleat__fail_memory();
    cleat__free(worker.waiting_entries);
    return status;
}

static cleat_status write_evict(writer *self, const cleat__durable_request *from)
{
    request message = CLEAT__V1__DURABLE_TASK_REQUEST__INIT;
    Cleat__V1__DurableTaskEvictInvocationRequest evict =
        CLEAT__V1__DURABLE_TASK_EVICT_INVOCATION_REQUEST__INIT;
    bool failed = false;
    evict.invocation_count = self->count;
    evict.durable_task_external_id = self->task_id;
    if (from->as.evict.reason.data != NULL) {
        evict.has_reason_case = CLEAT__V1__DURABLE_TASK_EVICT_INVOCATION_REQUEST__HAS_REASON_REASON;
        evict.reason = cleat__message_text(&failed, from->as.evict.reason);
    }
    evict.n_cleat_waiting = from->as.evict.count;
    evict.cleat_waiting = write_entries(self, from->as.evict.nodes, from->as.evict.count);
    evict.cleat_waits_for_all = from->as.evict.is_all;
    evict.cleat_carrier = bytes_of(from->as.evict.carrier);
    message.message_case = CLEAT__V1__DURABLE_TASK_REQUEST__MESSAGE_EVICT_INVOCATION;
    message.evict_invocation = &evict;
    failed = failed || evict.cleat_waiting == NULL;
    cleat_status status = failed ? cleat__fail_memory() : add(self, &message, 0);
    cleat__free(evict.cleat_waiting);
    if (evict.has_reason_case != 0) {
        cleat__free(evict.reason);
    }
    return status;
}

/* ---- All of an ask ---- */

static cleat_status write_one(writer *self, const cleat__durable_request *from)
{
    switch (from->kind) {
    case CLEAT__DURABLE_MEMO: return write_memo(self, from);
    case CLEAT__DURABLE_COMPLETE_MEMO: return write_complete_memo(self, from);
    case CLEAT__DURABLE_TRIGGER: return write_trigger(self, from);
    case CLEAT__DURABLE_WAIT_FOR: return write_wait_for(self, from);
    case CLEAT__DURABLE_AWAIT: return write_await(self, from);
    case CLEAT__DURABLE_EVICT: return write_evict(self, from);
    case CLEAT__DURABLE_CREATE_HOOK: break; /* goes another way */
    }
    return cleat__fail(CLEAT_INVALID_ARGUMENT, "request of kind %d is none of the stream's", (int)from->kind);
}

cleat_status cleat__remote_write(const cleat__link *link, const char *worker_id, const cleat__uuid *run_id,
                                 int32_t invocation_count, int64_t first_child, cleat__remote_ask *ask)
{
    writer self = {.link = link,
                   .worker_id = worker_id,
                   .run_id = run_id,
                   .count = invocation_count,
                   .next_child = first_child,
                   .ask = ask};
    cleat__uuid_format(run_id, self.task_id);
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; status == CLEAT_OK && i < ask->count; i++) {
        status = write_one(&self, &ask->requests[i]);
    }
    bool is_answered = status == CLEAT_OK && ask->messages[ask->message_count - 1].is_acked;
    return status == CLEAT_OK && !is_answered && link->is_cleat ? write_barrier(&self) : status;
}

void cleat__remote_messages_free(cleat__remote_ask *ask)
{
    for (size_t i = 0; i < ask->message_count; i++) {
        cleat__free(ask->messages[i].data);
    }
    cleat__free(ask->messages);
}
