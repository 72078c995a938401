#include "run_events.h"

/* What became of an attempt. */
static const struct ending {
    const char *outcome, *kind, *message;
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

typedef struct telling {
    bool (*visit)(void *argument, const cleat__run_event *event);
    void *argument;
    bool goes_on;
} telling;

static void tell(telling *self, const cleat__run_event *event)
{
    self->goes_on = self->goes_on && self->visit(self->argument, event);
}

static void tell_short(telling *self, const char *kind, const char *message, int64_t time_ms,
                       int32_t retry_count)
{
    tell(self, &(cleat__run_event){
                   .kind = kind, .message = message, .time_ms = time_ms, .retry_count = retry_count});
}

static void tell_start(telling *self, int64_t started_at_ms, int32_t retry_count)
{
    if (started_at_ms != 0) {
        tell_short(self, "STARTED", "Task started", started_at_ms, retry_count);
    }
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
    bool was_not_taken = is_outcome(row, "CANCELLED") && row->error.data != NULL;
    const struct ending *how = ending_of(was_not_taken ? cleat_slice_of("NOT_TAKEN") : row->outcome);
    tell_start(self, row->started_at_ms, row->retry_count);
    tell(self, &(cleat__run_event){.kind = how->kind,
                                   .message = how->message,
                                   .time_ms = row->finished_at_ms,
                                   .retry_count = row->retry_count,
                                   .error = row->error});
    tell_next(self, row);
    return self->goes_on;
}

static void tell_newest_attempt(telling *self, const cleat__rest_run *run)
{
    const cleat__run_row *row = &run->row;
    tell_start(self, row->started_at_ms, row->retry_count);
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
    telling self = {visit, argument, true};
    tell_short(&self, "CREATED", "Task was created", run->row.created_at_ms, 0);
    tell_short(&self, "QUEUED", "Task was queued", run->row.created_at_ms, 0);
    cleat_status status = cleat__attempt_list(store, &run->row.id, tell_attempt, &self);
    tell_newest_attempt(&self, run);
    return status;
}
