/* What a running attempt is granted. */
#include "engine/life_parts.h"
#include "engine/notes.h"
#include "model/duration.h"
#include "model/rfc3339.h"

#include <stdio.h>

/* Longer timeouts that are asked for in a shorter time are one: asked for again, or by several threads. */
#define PROLONG_EVERY_MS 500

/* The Unix time of its timeout. */
static int64_t timeout_at(const cleat__core *core, int64_t deadline_ms)
{
    int64_t left = deadline_ms - core->now.monotonic_ms; /* below 0 when it is about to be noticed */
    int64_t at = left > 0 ? cleat__saturating_add(core->now.unix_ms, left) : core->now.unix_ms + left;
    return deadline_ms != INT64_MAX ? at : INT64_MAX;
}

static cleat_status note_timeout(cleat__core *core, const cleat__run *run, int64_t timeout_at_ms)
{
    char text[CLEAT__RFC3339_SIZE + 32] = "Task has no timeout any more", time[CLEAT__RFC3339_SIZE];
    if (timeout_at_ms != INT64_MAX) {
        cleat__rfc3339_format(timeout_at_ms, time);
        snprintf(text, sizeof(text), "Task has time until %s", time);
    }
    return cleat__notes_add(core, run, "TIMEOUT_REFRESHED", text);
}

cleat_status cleat__life_prolong(cleat__core *core, cleat__run *run, int64_t increment_ms,
                                 int64_t *timeout_at_ms)
{
    uint32_t now_ms = (uint32_t)core->now.monotonic_ms;
    if (run->was_prolonged && now_ms - run->prolonged_ms < PROLONG_EVERY_MS) {
        *timeout_at_ms = timeout_at(core, run->deadline_ms);
        return CLEAT_OK;
    }
    int64_t deadline = cleat__saturating_add(run->deadline_ms, increment_ms);
    cleat__attempt_key key = cleat__life_key(run);
    *timeout_at_ms = timeout_at(core, deadline);
    if (deadline == run->deadline_ms) {
        return CLEAT_OK;
    }
    cleat_status status = cleat__core_begin(core);
    if (status == CLEAT_OK) {
        status = cleat__core_check(core, cleat__transition_set_timeout(core->store, &key, *timeout_at_ms));
    }
    if (status == CLEAT_OK) {
        status = note_timeout(core, run, *timeout_at_ms);
    }
    if (status == CLEAT_OK) {
        run->was_prolonged = true;
        run->prolonged_ms = now_ms;
        status = cleat__core_check(core, cleat__runs_set_timer(&core->runs, run, deadline));
    }
    return status;
}

void cleat__life_free_slots(cleat__run *run)
{
    if (cleat__run_is_batched(run)) {
        cleat__batches_release_slots(run);
    } else {
        cleat__roster_release_slots(run);
    }
}

static cleat_status write_release(cleat__core *core, const cleat__run *run)
{
    cleat__attempt_key key = cleat__life_key(run);
    cleat_status status = cleat__core_check(core, cleat__transition_release_slots(core->store, &key));
    return status == CLEAT_OK ? cleat__notes_add(core, run, "SLOT_RELEASED", "Task has released its slots")
                              : status;
}

/* Whichever of them is left after a restart: it has none. */
static cleat_status write_releases(cleat__core *core, cleat__run *run)
{
    cleat_status status = CLEAT_OK;
    const cleat__batched *one = cleat__batched_of(run)->batch->first;
    for (; one != NULL && status == CLEAT_OK; one = one->next) {
        status = write_release(core, &one->run);
    }
    return status;
}

cleat_status cleat__life_release_slots(cleat__core *core, cleat__run *run)
{
    bool is_shared = cleat__run_is_batched(run) && cleat__batched_of(run)->batch != NULL;
    const cleat__run *holder = is_shared ? cleat__batches_holder(run) : run;
    if (holder == NULL || holder->has_released) {
        return CLEAT_OK;
    }
    cleat_status status = cleat__core_begin(core);
    if (status == CLEAT_OK) {
        status = is_shared ? write_releases(core, run) : write_release(core, run);
    }
    if (status == CLEAT_OK) {
        cleat__life_free_slots(run);
    }
    return status;
}
