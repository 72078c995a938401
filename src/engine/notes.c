#include "engine/notes.h"

#include "engine/life.h"
#include "store/note.h"

/* A run that waits so long waits for a worker, not for its turn; and it is looked at so often. */
#define LOOK_EVERY_MS INT64_C(5000)
/* The next note of the same lane. */
#define NOTE_EVERY_MS INT64_C(60000)
/* Lanes that one look is at. */
enum { LANES_MAX = 200 };

cleat_status cleat__notes_add(cleat__core *core, const cleat__run *run, const char *kind, const char *message)
{
    const cleat__attempt_key key = cleat__life_key(run);
    const cleat__note note = {kind, message, core->now.unix_ms};
    return cleat__core_check(core, cleat__note_insert(core->store, &key, &note));
}

static bool was_noted(const cleat__core *core, const cleat__lane *lane)
{
    return lane->noted_ms != 0 && core->now.monotonic_ms - lane->noted_ms < NOTE_EVERY_MS;
}

cleat_status cleat__notes_add_waiting(cleat__core *core, cleat__lane *lane, const char *kind,
                                      const char *message)
{
    cleat_status status = was_noted(core, lane) ? CLEAT_EMPTY : cleat__core_begin(core);
    if (status == CLEAT_OK) {
        lane->noted_ms = core->now.monotonic_ms;
        status = cleat__notes_add(core, cleat__lane_first(lane), kind, message);
    }
    return status == CLEAT_EMPTY ? CLEAT_OK : status;
}

static bool is_due(const cleat__core *core, const cleat__lane *lane)
{
    const cleat__run *run = cleat__lane_first(lane);
    return core->now.unix_ms - run->since_ms >= LOOK_EVERY_MS && lane->batching == NULL &&
           !run->type->workflow->pause.is_paused;
}

static cleat_status look_at(cleat__core *core, cleat__lane *lane, int *left)
{
    cleat_status status = CLEAT_OK;
    for (; lane != NULL && *left > 0 && status == CLEAT_OK; lane = lane->next, --*left) {
        if (is_due(core, lane)) {
            status = cleat__notes_add_waiting(core, lane, "REQUEUED_NO_WORKER", "No worker can take it now");
        }
    }
    return status;
}

cleat_status cleat__notes_fire(cleat__core *core)
{
    int64_t now = core->now.monotonic_ms;
    if (core->queues.ready_count == 0) {
        core->notes_ms = INT64_MAX;
        return CLEAT_OK;
    }
    if (core->notes_ms == INT64_MAX) {
        core->notes_ms = now + LOOK_EVERY_MS;
    }
    if (core->notes_ms > now) {
        return CLEAT_OK;
    }
    core->notes_ms = now + LOOK_EVERY_MS;
    cleat_status status = CLEAT_OK;
    int left = LANES_MAX;
    for (cleat__queue *queue = core->queues.ready_head; queue != NULL && left > 0 && status == CLEAT_OK;
         queue = queue->next) {
        status = look_at(core, queue->lanes.head, &left);
        if (status == CLEAT_OK) {
            status = look_at(core, queue->aside.head, &left);
        }
    }
    return status;
}
