/* What would differ from one call to the next, and does not in a replay. */
#include "sdk/invocation.h"

#include "base/clock.h"
#include "base/error.h"

#include <inttypes.h>
#include <stdio.h>

static bool parse_ms(cleat_slice text, int64_t *ms)
{
    int64_t value = 0;
    if (text.size == 0 || text.size > 18) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        value = 10 * value + (text.data[i] - '0');
    }
    *ms = value;
    return true;
}

cleat_status cleat__invocation_now(cleat__invocation *it, int64_t *unix_ms)
{
    char own[24];
    cleat_slice recorded;
    (void)snprintf(own, sizeof(own), "%" PRId64, cleat__clock_unix_ns(NULL) / CLEAT__NS_PER_MS);
    cleat_status status = cleat__invocation_value(it, CLEAT__MEMO_NOW, cleat_slice_of(own), &recorded);
    if (status == CLEAT_OK && !parse_ms(recorded, unix_ms)) {
        status = cleat__invocation_stop(
            it, cleat__fail(CLEAT_CORRUPT, "a recorded time is \"%.*s\"", CLEAT_SLICE_ARGS(recorded)));
    }
    return status;
}

cleat_status cleat_now(cleat_task *task, int64_t *unix_ms)
{
    cleat__invocation *it;
    cleat_status status = cleat__invocation_enter(task, "cleat_now", &it);
    if (status != CLEAT_OK) {
        return status;
    }
    status = unix_ms != NULL ? cleat__invocation_now(it, unix_ms)
                             : cleat__fail(CLEAT_INVALID_ARGUMENT, "unix_ms is NULL");
    return cleat__invocation_leave(it, status);
}

/* A generator that begins with the run's id: the same numbers in every invocation. */
static cleat__random *generator(cleat__invocation *it)
{
    if (!it->has_random) {
        uint64_t halves[2];
        memcpy(halves, it->task->assignment->task_id.bytes, sizeof(halves));
        cleat__random_init(&it->random, halves[0] ^ (halves[1] << 32 | halves[1] >> 32));
        it->has_random = true;
    }
    return &it->random;
}

uint64_t cleat_random(cleat_task *task)
{
    cleat__invocation *it;
    return cleat__invocation_enter(task, "cleat_random", &it) == CLEAT_OK ? cleat__random_next(generator(it))
                                                                          : 0;
}

cleat_run_id cleat_uuid(cleat_task *task)
{
    cleat__invocation *it;
    cleat__uuid uuid = {{0}};
    cleat_run_id id;
    if (cleat__invocation_enter(task, "cleat_uuid", &it) == CLEAT_OK) {
        const uint64_t halves[2] = {cleat__random_next(generator(it)), cleat__random_next(generator(it))};
        memcpy(uuid.bytes, halves, sizeof(halves));
        uuid.bytes[6] = (uint8_t)((uuid.bytes[6] & 0x0F) | 0x40);
        uuid.bytes[8] = (uint8_t)((uuid.bytes[8] & 0x3F) | 0x80);
    }
    cleat__uuid_format(&uuid, id.text);
    return id;
}
