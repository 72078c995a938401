/* What happened to the task of a run, as far as the file says. */
#include "rest_parts.h"

#include "base/error.h"
#include "base/utf8.h"
#include "store/durable.h"
#include "store/invocation.h"

typedef struct events {
    cleat__json_writer *writer;
    cleat__store *store;
    const cleat__rest_run *run;
    int64_t count;
    size_t errors_left;                /* bytes */
    const cleat__attempt_row *attempt; /* NULL: the newest */
    int32_t invocation;                /* the last one that was gone through */
    bool has_told_start;               /* of the invocation with which the attempt has ended, or waits */
    cleat_status status;
} events;

typedef struct event {
    const char *type, *message;
    int64_t time_ms;
    int32_t retry_count;
    cleat_slice error, output;
    cleat_slice reason; /* follows the message */
} event;

static void write_message(events *self, const event *what)
{
    cleat__buffer text = {0};
    if (what->reason.size == 0) {
        cleat__writer_string(self->writer, "message", what->message);
        return;
    }
    cleat__buffer_append_string(&text, what->message);
    cleat__buffer_append_string(&text, ": ");
    cleat__buffer_append_slice(&text, what->reason);
    cleat__writer_slice(self->writer, "message", cleat__buffer_slice(&text));
    self->status = text.failed ? cleat__fail_memory() : self->status;
    cleat__buffer_deinit(&text);
}

static void write_event(events *self, const event *what)
{
    cleat__json_writer *writer = self->writer;
    char name[CLEAT__REST_NAME_SIZE];
    cleat__rest_run_name(self->run, name);
    cleat__writer_begin_object(writer, NULL);
    cleat__writer_int(writer, "id", ++self->count);
    cleat__rest_write_uuid(writer, "taskId", &self->run->row.id);
    cleat__rest_write_time(writer, "timestamp", what->time_ms);
    cleat__writer_string(writer, "eventType", what->type);
    write_message(self, what);
    if (what->error.data != NULL) {
        cleat__writer_slice(writer, "errorMessage", what->error);
    }
    if (what->output.data != NULL) {
        cleat__writer_slice(writer, "output", what->output);
    }
    cleat__writer_string(writer, "taskDisplayName", name);
    cleat__writer_int(writer, "retryCount", what->retry_count);
    cleat__writer_int(writer, "attempt", what->retry_count + 1);
    cleat__writer_end_object(writer);
}

static int32_t retry_count_of(const events *self)
{
    return self->attempt != NULL ? self->attempt->retry_count : self->run->row.retry_count;
}

/* ---- Invocations of a durable run ---- */

static const char *message_of(uint32_t waited_for)
{
    switch (waited_for) {
    case 0: return "Task was evicted";
    case UINT32_C(1) << CLEAT__PENDING_SLEEP: return "Task was evicted to sleep";
    case UINT32_C(1) << CLEAT__PENDING_EVENT: return "Task was evicted to wait for an event";
    case UINT32_C(1) << CLEAT__PENDING_HOOK: return "Task was evicted to wait for a hook";
    case UINT32_C(1) << CLEAT__PENDING_CHILD: return "Task was evicted to wait for a child";
    default: return "Task was evicted to wait for several things";
    }
}

static void write_start(events *self, int64_t time_ms)
{
    if (time_ms != 0 && !self->has_told_start) {
        write_event(self, &(event){.type = "STARTED",
                                   .message = "Task started",
                                   .time_ms = time_ms,
                                   .retry_count = retry_count_of(self)});
    }
    self->has_told_start = false;
}

/* It is queued for the invocation that follows. */
static void write_queued(events *self, const cleat__invocation_row *row, int64_t time_ms)
{
    bool was_evicted = row->suspended_at_ms != 0;
    write_event(self, &(event){.type = was_evicted ? "DURABLE_RESTORING" : "REASSIGNED",
                               .message = was_evicted ? "Task is restored" : "Invocation was broken off",
                               .time_ms = time_ms,
                               .retry_count = retry_count_of(self)});
}

/* An invocation that was not the last one of its attempt, or after which the run waits. It is the attempt's that had
 * not ended by then: what follows one that did not come to its worker may be of the next attempt. */
static bool write_invocation(void *argument, const cleat__invocation_row *row)
{
    events *self = argument;
    const cleat__run_row *run = &self->run->row;
    int64_t queued_at_ms = row->queued_at_ms, over_at_ms = row->suspended_at_ms;
    if (queued_at_ms == 0 && self->attempt == NULL && run->status == CLEAT_RUN_QUEUED &&
        run->retry_count == row->retry_count) {
        queued_at_ms = self->run->queued_at_ms;
    }
    over_at_ms = over_at_ms != 0 ? over_at_ms : row->queued_at_ms;
    if (self->attempt != NULL && over_at_ms > self->attempt->finished_at_ms) {
        return false;
    }
    self->invocation = row->number;
    write_start(self, row->began_at_ms);
    if (row->suspended_at_ms != 0) {
        write_event(self, &(event){.type = "DURABLE_EVICTED",
                                   .message = message_of(row->waited_for),
                                   .time_ms = row->suspended_at_ms,
                                   .retry_count = retry_count_of(self),
                                   .reason = row->reason});
    }
    if (queued_at_ms != 0) {
        write_queued(self, row, queued_at_ms);
    }
    self->has_told_start = row->queued_at_ms == 0;
    return self->status == CLEAT_OK && !cleat__rest_is_full(self->writer);
}

static void write_invocations(events *self)
{
    cleat_status status =
        cleat__invocation_list(self->store, &self->run->row.id, self->invocation, write_invocation, self);
    self->status = self->status == CLEAT_OK ? status : self->status;
}

/* A run may have waited more often than anybody reads of. */
enum { INVOCATIONS_MOST = 2000 };
static void skip_invocations(events *self)
{
    cleat__durable_row row;
    self->status = cleat__durable_get(self->store, &self->run->row.id, &row);
    if (self->status == CLEAT_OK && row.invocation_count > INVOCATIONS_MOST) {
        self->invocation = row.invocation_count - INVOCATIONS_MOST;
    }
}

/* ---- Attempts ---- */

/* What became of an attempt. */
static const struct ending {
    const char *outcome, *type, *message;
} endings[] = {
    {"FAILED", "FAILED", "Task failed"},
    {"TIMED_OUT", "TIMED_OUT", "Task exceeded its timeout"},
    {"LOST", "REASSIGNED", "Worker became inactive"},
    {"UNDELIVERED", "COULD_NOT_SEND_TO_WORKER", "Task could not be sent to the worker"},
    {"NOT_TAKEN", "SCHEDULING_TIMED_OUT", "Task exceeded its schedule timeout"},
    {"COMPLETED", "FINISHED", "Task finished"},
    {"CANCELLED", "CANCELLED", "Task was cancelled"},
};

static const struct ending *ending_of(cleat_slice outcome)
{
    size_t kind = 0;
    while (kind + 1 < sizeof(endings) / sizeof(endings[0]) &&
           !cleat_slice_equals(outcome, cleat_slice_of(endings[kind].outcome))) {
        kind++;
    }
    return &endings[kind];
}

static bool is_outcome(const cleat__attempt_row *row, const char *outcome)
{
    return cleat_slice_equals(row->outcome, cleat_slice_of(outcome));
}

/* What comes between it and the next one; nothing after one that was not the task's fault. */
static void write_next(events *self, const cleat__attempt_row *row)
{
    event next = {.retry_count = row->retry_count + 1};
    if (row->replayed_at_ms != 0) {
        next.type = "RETRIED_BY_USER";
        next.message = "Task was replayed";
        next.time_ms = row->replayed_at_ms;
    } else if (!is_outcome(row, "LOST") && !is_outcome(row, "UNDELIVERED")) {
        next.type = "RETRYING";
        next.message = "Task is tried again";
        next.time_ms = row->finished_at_ms;
    }
    if (next.type != NULL) {
        write_event(self, &next);
    }
}

/* There may be many attempts, and each may tell of megabytes: with a part of each the run can be read. */
enum { ERROR_MOST = 16 * 1024, ERRORS_MOST = 8 * 1024 * 1024 };
static cleat_slice shorten(events *self, cleat_slice error)
{
    size_t most = self->errors_left < ERROR_MOST ? self->errors_left : ERROR_MOST;
    error.size = error.size > most ? cleat__utf8_valid_prefix(error.data, most) : error.size;
    self->errors_left -= error.size;
    return error;
}

/* An attempt that did not end the run, or had ended it before that was replayed. */
static bool write_attempt(void *argument, const cleat__attempt_row *row)
{
    events *self = argument;
    bool was_not_taken = is_outcome(row, "CANCELLED") && row->error.data != NULL;
    const struct ending *how = ending_of(was_not_taken ? cleat_slice_of("NOT_TAKEN") : row->outcome);
    self->attempt = row;
    write_invocations(self);
    write_start(self, row->started_at_ms);
    write_event(self, &(event){.type = how->type,
                               .message = how->message,
                               .time_ms = row->finished_at_ms,
                               .retry_count = row->retry_count,
                               .error = shorten(self, row->error)});
    write_next(self, row);
    self->attempt = NULL;
    return self->status == CLEAT_OK && !cleat__rest_is_full(self->writer);
}

static void write_newest_attempt(events *self)
{
    const cleat__run_row *row = &self->run->row;
    write_invocations(self);
    write_start(self, row->started_at_ms);
    if (!cleat_run_status_is_final(row->status)) {
        return;
    }
    const struct ending *how =
        ending_of(self->run->outcome.data != NULL ? self->run->outcome
                                                  : cleat_slice_of(cleat_run_status_name(row->status)));
    write_event(self, &(event){.type = how->type,
                               .message = how->message,
                               .time_ms = row->finished_at_ms,
                               .retry_count = row->retry_count,
                               .error = row->error,
                               .output = row->output});
}

cleat_status cleat__rest_write_task_events(cleat__json_writer *writer, const char *key, cleat__store *store,
                                           const cleat__rest_run *run)
{
    events self = {.writer = writer, .store = store, .run = run, .errors_left = ERRORS_MOST};
    int64_t created_at_ms = run->row.created_at_ms;
    skip_invocations(&self);
    cleat__writer_begin_array(writer, key);
    write_event(&self, &(event){.type = "CREATED", .message = "Task was created", .time_ms = created_at_ms});
    write_event(&self, &(event){.type = "QUEUED", .message = "Task was queued", .time_ms = created_at_ms});
    cleat_status status = cleat__attempt_list(store, &run->row.id, write_attempt, &self);
    if (status == CLEAT_OK && self.status == CLEAT_OK) {
        write_newest_attempt(&self);
    }
    cleat__writer_end_array(writer);
    return status == CLEAT_OK ? self.status : status;
}
