#include "store/queue_history.h"

#include "base/alloc.h"
#include "base/error.h"
#include "store/queue_waits.h"

#include <stdlib.h>

/* ---- How many at once ---- */

/* Beginnings and ends, each in order. */
typedef struct ends {
    int64_t *from, *to; /* `to` is behind `from`, in one piece of memory */
    size_t count, from_next, to_next;
} ends;

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static cleat_status sort_ends(const cleat__queue_waits *waits, ends *out)
{
    *out = (ends){.count = waits->count};
    out->from = cleat__calloc(2 * waits->count + 1, sizeof(*out->from));
    if (out->from == NULL) {
        return cleat__fail_memory();
    }
    out->to = out->from + waits->count;
    for (size_t i = 0; i < waits->count; i++) {
        out->from[i] = waits->items[i].from_ms;
        out->to[i] = waits->items[i].to_ms;
    }
    qsort(out->from, out->count, sizeof(*out->from), compare);
    qsort(out->to, out->count, sizeof(*out->to), compare);
    return CLEAT_OK;
}

static int64_t depth(const ends *self)
{
    return (int64_t)(self->from_next - self->to_next);
}

/* Goes on until `until_ms`, which is not in it, and answers the most that waited in between. Who ends when another one
 * begins did not wait with it. */
static int64_t most_until(ends *self, int64_t until_ms)
{
    int64_t most = depth(self);
    while (self->from_next < self->count && self->from[self->from_next] < until_ms) {
        int64_t at_ms = self->from[self->from_next++];
        while (self->to_next < self->count && self->to[self->to_next] <= at_ms) {
            self->to_next++;
        }
        most = depth(self) > most ? depth(self) : most;
    }
    while (self->to_next < self->count && self->to[self->to_next] < until_ms) {
        self->to_next++;
    }
    return most;
}

/* ---- How long ---- */

static void add_age(const cleat__queue_wait *wait, int64_t since_ms, int64_t until_ms, int64_t width_ms,
                    cleat__queue_history *out)
{
    int64_t from_ms = wait->from_ms > since_ms ? wait->from_ms : since_ms;
    int64_t to_ms = wait->to_ms < until_ms ? wait->to_ms : until_ms;
    for (int64_t i = (from_ms - since_ms) / width_ms;
         i < out->bucket_count && since_ms + i * width_ms < to_ms; i++) {
        int64_t end_ms = since_ms + (i + 1) * width_ms;
        int64_t age_ms = (to_ms < end_ms ? to_ms : end_ms) - wait->from_ms;
        cleat__queue_bucket *bucket = &out->buckets[i];
        bucket->oldest_age_ms = age_ms > bucket->oldest_age_ms ? age_ms : bucket->oldest_age_ms;
    }
}

/* ---- Buckets ---- */

static cleat_status fill(const cleat__queue_history_filter *filter, int64_t width_ms,
                         const cleat__queue_waits *waits, cleat__queue_history *out)
{
    ends sorted;
    cleat_status status = sort_ends(waits, &sorted);
    if (status != CLEAT_OK) {
        return status;
    }
    (void)most_until(&sorted, filter->since_ms); /* what is before */
    for (int32_t i = 0; i < out->bucket_count; i++) {
        int64_t end_ms = filter->since_ms + (i + 1) * width_ms;
        out->buckets[i].at_ms = filter->since_ms + i * width_ms;
        out->buckets[i].depth = most_until(&sorted, end_ms < filter->until_ms ? end_ms : filter->until_ms);
    }
    for (size_t i = 0; i < waits->count; i++) {
        add_age(&waits->items[i], filter->since_ms, filter->until_ms, width_ms, out);
    }
    cleat__free(sorted.from);
    return CLEAT_OK;
}

cleat_status cleat__queue_history_load(cleat__store *store, const cleat__queue_history_filter *filter,
                                       cleat__queue_history *out)
{
    cleat__queue_waits waits = {.items = NULL};
    memset(out, 0, sizeof(*out));
    if (filter->since_ms < 0 || filter->since_ms >= filter->until_ms || filter->until_ms > INT64_C(1) << 48) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT,
                           "what the queue was like is told of a time from 1970 on that ends "
                           "after its beginning");
    }
    int32_t most = filter->buckets < 1                          ? 1
                   : filter->buckets > CLEAT__QUEUE_BUCKETS_MAX ? CLEAT__QUEUE_BUCKETS_MAX
                                                                : filter->buckets;
    int64_t span_ms = filter->until_ms - filter->since_ms;
    int64_t width_ms = span_ms / most + (span_ms % most != 0);
    out->bucket_count = (int32_t)(span_ms / width_ms + (span_ms % width_ms != 0));
    cleat_status status = cleat__queue_waits_load(store, filter, &waits);
    if (status == CLEAT_OK) {
        status = fill(filter, width_ms, &waits, out);
        out->is_complete = waits.is_complete;
    }
    cleat__queue_waits_deinit(&waits);
    return status;
}
