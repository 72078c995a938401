#include "tickets.h"

#include "mix.h"
#include "processes.h"
#include "work.h"

#include <cleat/cleat.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    BATCH = 250,
    AHEAD = 40,          /* batches that may be under way, about */
    MARKS = 10,          /* runs of the batch behind these that are waited for, one after the other */
    MARK_WAIT_MS = 1000, /* each; it may be in the hands of a worker that was killed */
    LATE = 1000,         /* runs that are to be replayed and had not ended in that time, at most */
    END_WAIT_MS = 300000,
    DECLARED_MS = 60000, /* until workers have declared it all */
};

typedef struct producer {
    nightly_tenant *tenant;
    cleat_client *client;
    int64_t refused_ms; /* for want of a declaration so far */
    int64_t late[LATE];
    size_t late_count;
} producer;

static void pause_ms(int64_t ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Whether a call was not done, or nobody knows, so that it is made again; `unknown`: nobody knows. */
static bool must_repeat(producer *it, cleat_status status, const char *what, bool *unknown)
{
    *unknown = status == CLEAT_UNAVAILABLE || status == CLEAT_TIMEOUT || status == CLEAT_IO;
    if (status == CLEAT_OK) {
        return false;
    }
    if (*unknown) {
        atomic_fetch_add(&it->tenant->unknown, 1);
        pause_ms(20);
        return true;
    }
    if (status == CLEAT_RESOURCE_EXHAUSTED || (status == CLEAT_NOT_FOUND && it->refused_ms < DECLARED_MS)) {
        it->refused_ms += 20;
        pause_ms(20);
        return true;
    }
    give_up("%s of tenant %s: %s: %s", what, it->tenant->name, cleat_status_name(status),
            cleat_error_message());
}

static void note_calls(producer *it, const int64_t *numbers, size_t count, bool was_made)
{
    for (size_t i = 0; i < count && was_made; i++) {
        it->tenant->tickets[numbers[i]].calls++;
    }
}

/* Those of a batch from one kind on up to another one. */
static size_t choose(int64_t first, int64_t end, mix_kind from, mix_kind to, int64_t numbers[BATCH])
{
    size_t count = 0;
    for (int64_t number = first; number < end; number++) {
        mix_kind kind = mix_kind_of(number);
        if (kind >= from && kind <= to) {
            numbers[count++] = number;
        }
    }
    return count;
}

/* ---- Starting ---- */

static void start_runs(producer *it, int64_t first, int64_t end)
{
    static _Thread_local char inputs[BATCH][MIX_INPUT];
    static _Thread_local cleat_run_options options[BATCH];
    cleat_run_item items[BATCH];
    cleat_run_id ids[BATCH];
    int64_t numbers[BATCH];
    bool unknown = false;
    size_t count = choose(first, end, 0, MIX_AGAIN, numbers);
    for (size_t i = 0; i < count; i++) {
        mix_input(numbers[i], inputs[i]);
        options[i] = *CLEAT_RUN_OPTIONS(.priority = mix_priority(numbers[i]));
        items[i] = (cleat_run_item){
            .task = mix_name(mix_kind_of(numbers[i])), .input = inputs[i], .options = &options[i]};
    }
    cleat_status status = CLEAT_OK;
    while (count > 0) {
        status = cleat_client_run_many(it->client, items, count, ids);
        bool repeats = must_repeat(it, status, "starting", &unknown);
        note_calls(it, numbers, count, !repeats || unknown);
        if (!repeats) {
            break;
        }
    }
    for (size_t i = 0; i < count; i++) {
        memcpy(it->tenant->tickets[numbers[i]].id, ids[i].text, sizeof(ids[i].text));
    }
}

static void push_events(producer *it, int64_t first, int64_t end)
{
    static _Thread_local char inputs[BATCH][MIX_INPUT];
    cleat_event_item items[BATCH];
    cleat_event_id ids[BATCH];
    int64_t numbers[BATCH];
    bool unknown = false, repeats = true;
    size_t count = choose(first, end, MIX_EVENT, MIX_EVENT, numbers);
    for (size_t i = 0; i < count; i++) {
        mix_input(numbers[i], inputs[i]);
        items[i] = (cleat_event_item){.key = MIX_EVENT_KEY, .payload = inputs[i]};
    }
    while (count > 0 && repeats) {
        repeats = must_repeat(it, cleat_client_push_many(it->client, items, count, ids), "pushing", &unknown);
        note_calls(it, numbers, count, !repeats || unknown);
    }
    for (size_t i = 0; i < count; i++) {
        memcpy(it->tenant->tickets[numbers[i]].id, ids[i].text, sizeof(ids[i].text));
    }
}

static void schedule(producer *it, int64_t number)
{
    char input[MIX_INPUT];
    cleat_schedule_id id;
    bool unknown = false, repeats = true;
    mix_input(number, input);
    while (repeats) {
        int64_t at_ms = now_ms() + mix_made(number) % 3000;
        repeats =
            must_repeat(it, cleat_client_schedule(it->client, mix_name(MIX_LATER), at_ms, input, NULL, &id),
                        "a schedule", &unknown);
        note_calls(it, &number, 1, !repeats || unknown);
    }
    memcpy(it->tenant->tickets[number].id, id.text, sizeof(id.text));
}

/* Twice, and more often where nobody knows: always the same run. */
static void start_once(producer *it, int64_t number)
{
    nightly_ticket *ticket = &it->tenant->tickets[number];
    char input[MIX_INPUT];
    bool unknown = false;
    mix_input(number, input);
    for (int answers = 0; answers < 2;) {
        cleat_run_id id;
        cleat_status status = cleat_client_run_no_wait(it->client, mix_name(MIX_ONCE), input, NULL, &id);
        if (status == CLEAT_OK && answers > 0) {
            give_up("ticket %lld is started twice, with one idempotency key", (long long)number);
        }
        if (status == CLEAT_ALREADY_EXISTS && ticket->calls == 0) {
            give_up("ticket %lld: %s", (long long)number, cleat_error_message());
        }
        if (status != CLEAT_ALREADY_EXISTS && must_repeat(it, status, "starting once", &unknown)) {
            ticket->calls = (uint8_t)(ticket->calls | unknown);
            continue;
        }
        ticket->calls = 1;
        if (answers++ > 0 && strcmp(ticket->id, id.text) != 0) {
            give_up("ticket %lld is run %s and run %s", (long long)number, ticket->id, id.text);
        }
        memcpy(ticket->id, id.text, sizeof(id.text));
    }
}

static void cancel(producer *it, int64_t number)
{
    nightly_ticket *ticket = &it->tenant->tickets[number];
    cleat_run_id id;
    bool unknown = false;
    memcpy(id.text, ticket->id, sizeof(id.text));
    for (;;) {
        cleat_status status = cleat_client_cancel(it->client, &id);
        if (status == CLEAT_FAILED_PRECONDITION) { /* it had ended, perhaps by a call before this one */
            return;
        }
        if (!must_repeat(it, status, "cancelling", &unknown)) {
            ticket->is_cancelled = true;
            return;
        }
        ticket->may_be_cancelled = ticket->may_be_cancelled || unknown;
    }
}

static void start_batch(producer *it, int64_t first, int64_t end)
{
    start_runs(it, first, end);
    push_events(it, first, end);
    for (int64_t number = first; number < end; number++) {
        switch (mix_kind_of(number)) {
        case MIX_LATER: schedule(it, number); break;
        case MIX_ONCE: start_once(it, number); break;
        case MIX_CANCELLED: cancel(it, number); break;
        default: break;
        }
    }
    atomic_fetch_add(&it->tenant->done, end - first);
}

/* ---- Ending ---- */

/* False: not in time. */
static bool wait_for(producer *it, int64_t number, int64_t timeout_ms)
{
    cleat_run_result result;
    cleat_run_id id;
    mix_end expected;
    bool unknown = false;
    memcpy(id.text, it->tenant->tickets[number].id, sizeof(id.text));
    for (int64_t until_ms = now_ms() + timeout_ms;;) {
        cleat_status status = cleat_client_wait(it->client, &id, timeout_ms, &result);
        if (status == CLEAT_OK) {
            break;
        }
        if (status == CLEAT_NOT_FOUND) {
            give_up("ticket %lld: run %s is lost: %s", (long long)number, id.text, cleat_error_message());
        }
        if (!must_repeat(it, status, "waiting", &unknown) || now_ms() > until_ms) {
            return false;
        }
    }
    mix_expect(number, true, &expected);
    if (result.status != expected.status || result.output == NULL ||
        strcmp(result.output, expected.output) != 0) {
        give_up("ticket %lld, run %s: %s %s instead of %s", (long long)number, id.text,
                cleat_run_status_name(result.status), result.output != NULL ? result.output : result.error,
                expected.output);
    }
    cleat_run_result_deinit(&result);
    return true;
}

static void replay(producer *it, int64_t number)
{
    nightly_ticket *ticket = &it->tenant->tickets[number];
    cleat_run_id id;
    bool unknown = false;
    memcpy(id.text, ticket->id, sizeof(id.text));
    for (bool was_unknown = false;; was_unknown = was_unknown || unknown) {
        cleat_status status = cleat_client_replay(it->client, &id);
        bool is_done = status == CLEAT_FAILED_PRECONDITION && was_unknown; /* by the call before */
        if (is_done || !must_repeat(it, status, "replaying", &unknown)) {
            ticket->is_replayed = true;
            return;
        }
    }
}

/* Waits for some of it, so that not all is queued at once. */
static void end_batch(producer *it, int64_t first, int64_t end)
{
    int marks = 0;
    for (int64_t number = first; number < end && marks < MARKS; number++) {
        if (mix_kind_of(number) == MIX_PLAIN) {
            marks = wait_for(it, number, MARK_WAIT_MS) ? MARKS : marks + 1;
        }
    }
    for (int64_t number = first; number < end; number++) {
        if (mix_kind_of(number) != MIX_AGAIN) {
            continue;
        }
        if (wait_for(it, number, MARK_WAIT_MS)) {
            replay(it, number);
        } else if (it->late_count < LATE) {
            it->late[it->late_count++] = number;
        }
    }
}

static void end_late(producer *it)
{
    for (size_t i = 0; i < it->late_count; i++) {
        int64_t number = it->late[i];
        if (!wait_for(it, number, END_WAIT_MS)) {
            give_up("ticket %lld: run %s has not ended", (long long)number, it->tenant->tickets[number].id);
        }
        replay(it, number);
    }
}

/* Lost ones are of no account: others follow. */
static void push_go(producer *it)
{
    char payloads[MIX_LANES][MIX_INPUT];
    cleat_event_item items[MIX_LANES];
    bool unknown;
    for (int i = 0; i < MIX_LANES; i++) {
        snprintf(payloads[i], sizeof(payloads[i]), "{\"lane\":%d}", i);
        items[i] = (cleat_event_item){.key = MIX_GO_KEY, .payload = payloads[i]};
    }
    (void)must_repeat(it, cleat_client_push_many(it->client, items, MIX_LANES, NULL), "pushing", &unknown);
}

void *tickets_trigger(void *argument)
{
    nightly_tenant *tenant = argument;
    producer it = {.tenant = tenant, .client = work_connect(tenant->token, tenant->grpc, tenant->http)};
    int64_t end = tenant->first + tenant->count;
    if (it.client == NULL) {
        give_up("%s", cleat_error_message());
    }
    for (int64_t first = tenant->first; first < end + AHEAD * BATCH; first += BATCH) {
        if (first < end) {
            start_batch(&it, first, first + BATCH < end ? first + BATCH : end);
            push_go(&it);
        }
        int64_t behind = first - AHEAD * BATCH;
        if (behind >= tenant->first && behind < end) {
            end_batch(&it, behind, behind + BATCH < end ? behind + BATCH : end);
        }
    }
    end_late(&it);
    atomic_store(&tenant->is_through, true);
    while (!atomic_load(&tenant->is_over)) {
        push_go(&it);
        pause_ms(300);
    }
    cleat_client_free(it.client);
    return NULL;
}
