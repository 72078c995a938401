#include "run_events.h"

#include "base/error.h"
#include "store/durable.h"
#include "store/invocation.h"
#include "store/note.h"
#include "store/run_choice.h"

typedef struct telling {
    bool (*visit)(void *argument, const cleat__run_event *event);
    void *argument;
    bool goes_on;
    cleat__store *store;
    const cleat__rest_run *run;
    const cleat__attempt_row *attempt; /* NULL: the newest */
    int32_t invocation;                /* the last one that was gone through */
    bool has_told_queued;              /* or need not: a note tells when it was let go */
    bool has_told_start;               /* of the invocation with which the attempt has ended, or waits */
    cleat__note_cursor notes;          /* those that were not told yet */
    cleat_status status;
} telling;

void cleat__run_event_write_message(cleat__json_writer *writer, const cleat__run_event *event)
{
    cleat__buffer text = {0};
    cleat__buffer_append_string(&text, event->message);
    if (event->reason.size != 0) {
        cleat__buffer_append_string(&text, ": ");
        cleat__buffer_append_slice(&text, event->reason);
    }
    cleat__writer_slice(writer, "message", cleat__buffer_slice(&text));
    writer->out.failed = writer->out.failed || text.failed;
    cleat__buffer_deinit(&text);
}

/* A note of the time when something begins is of what has begun, but for that of what comes before a start. */
static bool comes_before(const cleat__note_cursor *note, const cleat__run_event *event, bool is_beginning)
{
    if (note->retry_count != event->retry_count) {
        return note->retry_count < event->retry_count;
    }
    bool is_queued = strcmp(note->kind, CLEAT__NOTE_QUEUED) == 0 && strcmp(event->kind, "CREATED") != 0;
    return note->at_ms < event->time_ms || (note->at_ms == event->time_ms && (!is_beginning || is_queued));
}

static void say(telling *self, const cleat__run_event *event)
{
    self->goes_on = self->goes_on && self->visit(self->argument, event);
}

/* Of a batch task that is queued. */
static cleat__run_event waits_for_batch(const telling *self, int64_t time_ms, int32_t retry_count)
{
    return (cleat__run_event){.kind = "WAITING_FOR_BATCH",
                              .message = "Task waits for a batch",
                              .time_ms = time_ms,
                              .retry_count = retry_count,
                              .reason = self->run->batch_key};
}

static void tell_note(telling *self)
{
    const cleat__note_cursor *note = &self->notes;
    const cleat__run_event event = {.kind = note->kind,
                                    .message = note->message,
                                    .time_ms = note->at_ms,
                                    .retry_count = note->retry_count};
    say(self, &event);
    if (self->run->batch_key.data != NULL && strcmp(note->kind, CLEAT__NOTE_QUEUED) == 0) {
        const cleat__run_event batch = waits_for_batch(self, event.time_ms, event.retry_count);
        say(self, &batch);
    }
    cleat_status status = cleat__notes_next(self->store, &self->notes);
    self->status = self->status == CLEAT_OK ? status : self->status;
}

static void tell(telling *self, const cleat__run_event *event)
{
    bool is_beginning = strcmp(event->kind, "CREATED") == 0 || strcmp(event->kind, "QUEUED") == 0 ||
                        strcmp(event->kind, "STARTED") == 0;
    while (self->goes_on && self->notes.is_there && comes_before(&self->notes, event, is_beginning)) {
        tell_note(self);
    }
    say(self, event);
}

static void tell_short(telling *self, const char *kind, const char *message, int64_t time_ms,
                       int32_t retry_count)
{
    tell(self, &(cleat__run_event){
                   .kind = kind, .message = message, .time_ms = time_ms, .retry_count = retry_count});
}

static int32_t retry_count_of(const telling *self)
{
    return self->attempt != NULL ? self->attempt->retry_count : self->run->row.retry_count;
}

/* It is queued. */
static void tell_batch(telling *self, int64_t time_ms, int32_t retry_count)
{
    if (self->run->batch_key.data != NULL) {
        const cleat__run_event event = waits_for_batch(self, time_ms, retry_count);
        tell(self, &event);
    }
}

/* Whether a note tells, or will tell, when the attempt was queued: that of what was held. */
static bool has_note(telling *self, int32_t retry_count)
{
    int64_t at_ms = 0;
    cleat_status status = !self->run->is_dag
                              ? cleat__note_queued_at(self->store, &self->run->row.id, retry_count, &at_ms)
                              : CLEAT_OK;
    self->status = self->status == CLEAT_OK ? status : self->status;
    return at_ms != 0;
}

/* With the first thing after its creation. `was_queued`: it was more than made and ended. */
static void tell_queued_first(telling *self, bool was_queued)
{
    bool is_new = !self->has_told_queued;
    self->has_told_queued = true;
    if (is_new && (was_queued || !self->run->is_task) && !has_note(self, 0)) {
        tell_short(self, "QUEUED", "Task was queued", self->run->row.created_at_ms, 0);
        tell_batch(self, self->run->row.created_at_ms, 0);
    }
}

static void tell_start(telling *self, int64_t started_at_ms)
{
    if (started_at_ms != 0 && self->run->batch_key.data != NULL) {
        tell_short(self, "BATCH_FLUSHED", "Batch was given to a worker", started_at_ms, retry_count_of(self));
    }
    if (started_at_ms != 0 && !self->has_told_start) {
        tell_short(self, "STARTED", "Task started", started_at_ms, retry_count_of(self));
    }
    self->has_told_start = false;
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

/* It is queued for the invocation that follows. */
static void tell_queued(telling *self, const cleat__invocation_row *row, int64_t time_ms)
{
    bool was_evicted = row->suspended_at_ms != 0;
    tell_short(self, was_evicted ? "DURABLE_RESTORING" : "REASSIGNED",
               was_evicted ? "Task is restored" : "Invocation was broken off", time_ms, retry_count_of(self));
}

/* An invocation that was not the last one of its attempt, or after which the run waits. It is the attempt's that had
 * not ended by then: what follows one that did not come to its worker may be of the next attempt. */
static bool tell_invocation(void *argument, const cleat__invocation_row *row)
{
    telling *self = argument;
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
    tell_start(self, row->began_at_ms);
    if (row->suspended_at_ms != 0) {
        tell(self, &(cleat__run_event){.kind = "DURABLE_EVICTED",
                                       .message = message_of(row->waited_for),
                                       .time_ms = row->suspended_at_ms,
                                       .retry_count = retry_count_of(self),
                                       .reason = row->reason});
    }
    if (queued_at_ms != 0) {
        tell_queued(self, row, queued_at_ms);
    }
    self->has_told_start = row->queued_at_ms == 0;
    return self->goes_on;
}

static void tell_invocations(telling *self)
{
    cleat_status status =
        cleat__invocation_list(self->store, &self->run->row.id, self->invocation, tell_invocation, self);
    self->status = self->status == CLEAT_OK ? status : self->status;
}

/* A run may have waited more often than anybody reads of. */
enum { INVOCATIONS_MOST = 2000 };
static void skip_invocations(telling *self)
{
    cleat__durable_row row;
    self->status = cleat__durable_get(self->store, &self->run->row.id, &row);
    if (self->status == CLEAT_OK && row.invocation_count > INVOCATIONS_MOST) {
        self->invocation = row.invocation_count - INVOCATIONS_MOST;
    }
}

/* ---- Attempts ---- */

/* What became of an attempt. The first is what an outcome is taken for that is none of these, which there are not. */
static const struct ending {
    const char *outcome, *kind, *message;
} endings[] = {
    {"FAILED", "FAILED", "Task failed"},
    {"TIMED_OUT", "TIMED_OUT", "Task exceeded its timeout"},
    {"LOST", "REASSIGNED", "Worker became inactive"},
    {"UNDELIVERED", "COULD_NOT_SEND_TO_WORKER", "Task could not be sent to the worker"},
    {"NOT_TAKEN", "SCHEDULING_TIMED_OUT", "Task exceeded its schedule timeout"},
    {"COMPLETED", "FINISHED", "Task finished"},
    {"SKIPPED", "SKIPPED", "Task was skipped"},
    {"SUPERSEDED", "CANCELLED", "Cancelled due to concurrency strategy"},
    {"CANCELLED", "CANCELLED", "Task was cancelled"},
};

static const struct ending *ending_of(cleat_slice outcome)
{
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        if (cleat_slice_equals(outcome, cleat_slice_of(endings[i].outcome))) {
            return &endings[i];
        }
    }
    return &endings[0];
}

static bool is_outcome(const cleat__attempt_row *row, const char *outcome)
{
    return cleat_slice_equals(row->outcome, cleat_slice_of(outcome));
}

/* What comes between it and the next one; nothing after one that was not the task's fault. */
static void tell_next(telling *self, const cleat__attempt_row *row)
{
    if (row->replayed_at_ms != 0) {
        tell_short(self, "RETRIED_BY_USER", "Task was replayed", row->replayed_at_ms, row->retry_count + 1);
    } else if (!is_outcome(row, "LOST") && !is_outcome(row, "UNDELIVERED")) {
        tell_short(self, "RETRYING", "Task is tried again", row->finished_at_ms, row->retry_count + 1);
    }
}

/* An attempt that did not end the run, or had ended it before that was replayed. */
static bool tell_attempt(void *argument, const cleat__attempt_row *row)
{
    telling *self = argument;
    bool was_not_taken = cleat__run_was_not_taken(is_outcome(row, "CANCELLED"), row->error);
    const struct ending *how = ending_of(was_not_taken ? cleat_slice_of("NOT_TAKEN") : row->outcome);
    self->attempt = row;
    tell_queued_first(self, row->started_at_ms != 0 || was_not_taken);
    tell_invocations(self);
    tell_start(self, row->started_at_ms);
    tell(self, &(cleat__run_event){.kind = how->kind,
                                   .message = how->message,
                                   .time_ms = row->finished_at_ms,
                                   .retry_count = row->retry_count,
                                   .error = row->error});
    tell_next(self, row);
    if (row->replayed_at_ms == 0 || !has_note(self, row->retry_count + 1)) {
        tell_batch(self, row->replayed_at_ms != 0 ? row->replayed_at_ms : row->finished_at_ms,
                   row->retry_count + 1);
    }
    self->attempt = NULL;
    return self->goes_on && self->status == CLEAT_OK;
}

static void tell_newest_attempt(telling *self)
{
    const cleat__rest_run *run = self->run;
    const cleat__run_row *row = &run->row;
    bool was_not_taken = cleat_slice_equals(run->outcome, cleat_slice_of("NOT_TAKEN"));
    tell_queued_first(self, row->started_at_ms != 0 || was_not_taken ||
                                (!cleat_run_status_is_final(row->status) && !run->is_held));
    tell_invocations(self);
    tell_start(self, row->started_at_ms);
    if (!cleat_run_status_is_final(row->status)) {
        return;
    }
    const struct ending *how = ending_of(
        run->outcome.data != NULL ? run->outcome : cleat_slice_of(cleat_run_status_name(row->status)));
    tell(self, &(cleat__run_event){.kind = how->kind,
                                   .message = how->message,
                                   .time_ms = row->finished_at_ms,
                                   .retry_count = row->retry_count,
                                   .error = row->error,
                                   .output = row->output,
                                   .is_last = true});
}

cleat_status cleat__run_events_list(cleat__store *store, const cleat__rest_run *run,
                                    bool (*visit)(void *argument, const cleat__run_event *event),
                                    void *argument)
{
    telling self = {.visit = visit, .argument = argument, .goes_on = true, .store = store, .run = run};
    skip_invocations(&self);
    if (self.status == CLEAT_OK) {
        self.status = cleat__notes_begin(store, &run->row.id, &self.notes);
    }
    tell_short(&self, "CREATED", "Task was created", run->row.created_at_ms, 0);
    cleat_status status = cleat__attempt_list(store, &run->row.id, tell_attempt, &self);
    if (status == CLEAT_OK && self.status == CLEAT_OK) {
        tell_newest_attempt(&self);
    }
    while (self.goes_on && self.notes.is_there) {
        tell_note(&self);
    }
    cleat__notes_end(&self.notes);
    return status == CLEAT_OK ? self.status : status;
}
