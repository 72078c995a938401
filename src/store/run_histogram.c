/* How many buckets there are, and where, is known when all runs are counted: until then each is a number, its time and
 * its status. */
#include "store/run_search.h"

#include "base/alloc.h"
#include "base/error.h"
#include "model/duration.h"
#include "store/run_walk.h"

typedef struct counted {
    int64_t created_at_ms;
    int32_t status;
} counted;

typedef struct counts {
    counted *runs;
    int64_t count, capacity;
    int64_t oldest_ms, newest_ms;
    bool has_failed;
} counts;

static bool make_room(counts *self)
{
    if (self->count < self->capacity) {
        return true;
    }
    int64_t capacity = self->capacity != 0 ? 2 * self->capacity : 1024;
    counted *runs = cleat__realloc(self->runs, (size_t)capacity * sizeof(*runs));
    if (runs != NULL) {
        self->runs = runs;
        self->capacity = capacity;
    }
    return runs != NULL;
}

static bool see(void *argument, const cleat__run_seen *run)
{
    counts *self = argument;
    int64_t at_ms = run->created_at_ms;
    if (!make_room(self)) {
        self->has_failed = true;
        return false;
    }
    self->oldest_ms = self->count == 0 || at_ms < self->oldest_ms ? at_ms : self->oldest_ms;
    self->newest_ms = self->count == 0 || at_ms > self->newest_ms ? at_ms : self->newest_ms;
    self->runs[self->count++] = (counted){at_ms, (int32_t)run->status};
    return self->count < CLEAT__RUN_HISTOGRAM_COUNTED;
}

/* Equal buckets over from .. to, the last of which has `to` in it. */
static void set_buckets(const cleat__run_search_filter *filter, const counts *all, int32_t buckets,
                        int64_t now_ms, cleat__run_histogram *out)
{
    int64_t newest_ms = all->count != 0 && all->newest_ms > now_ms ? all->newest_ms : now_ms;
    out->to_ms = filter->until_ms > 0 ? filter->until_ms : newest_ms;
    out->from_ms = filter->since_ms > 0 ? filter->since_ms : all->count != 0 ? all->oldest_ms : out->to_ms;
    if ((all->count == 0 && filter->since_ms <= 0) || out->from_ms > out->to_ms) {
        out->from_ms = out->to_ms = 0;
        return;
    }
    int64_t span_ms = cleat__saturating_add(out->to_ms - out->from_ms, 1);
    out->width_ms = span_ms / buckets + (span_ms % buckets != 0);
    out->bucket_count = (int32_t)(span_ms / out->width_ms + (span_ms % out->width_ms != 0));
    for (int32_t i = 0; i < out->bucket_count; i++) {
        out->buckets[i].at_ms = out->from_ms + i * out->width_ms;
    }
}

static void count(const counts *all, cleat__run_histogram *out)
{
    for (int64_t i = 0; i < all->count; i++) {
        const counted *run = &all->runs[i];
        if (run->status < 0 || run->status >= CLEAT__RUN_STATES || out->bucket_count == 0) {
            continue;
        }
        int64_t index = (run->created_at_ms - out->from_ms) / out->width_ms;
        out->buckets[index].counts[run->status]++;
        out->totals[run->status]++;
        out->counted++;
    }
}

cleat_status cleat__run_histogram_load(cleat__store *store, const cleat__run_search_filter *filter,
                                       int32_t buckets, int64_t now_ms, cleat__run_histogram *out)
{
    counts all = {.runs = NULL};
    cleat__run_search_end end;
    cleat__run_search_filter whole = *filter;
    int64_t work = filter->work > 0 ? filter->work : CLEAT__RUN_HISTOGRAM_WORK;
    memset(out, 0, sizeof(*out));
    whole.before = NULL;
    buckets = buckets < 1 ? 1 : buckets > CLEAT__RUN_BUCKETS_MAX ? CLEAT__RUN_BUCKETS_MAX : buckets;
    cleat_status status = cleat__run_walk(store, &whole, work, true, see, &all, &end);
    if (status == CLEAT_OK && all.has_failed) {
        status = cleat__fail_memory();
    }
    if (status == CLEAT_OK) {
        out->is_complete = !end.has_next;
        set_buckets(filter, &all, buckets, now_ms, out);
        count(&all, out);
    }
    cleat__free(all.runs);
    return status;
}
