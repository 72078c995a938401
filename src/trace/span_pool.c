#include "span_pool.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/process.h"
#include "tracer.h"

enum { SPANS_PER_SLAB = 16, SPANS_PER_MOVE = 16, ALIGNMENT = 64 };

typedef struct slab {
    struct slab *next;
    uint8_t memory[];
} slab;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static cleat__span *overflow; /* under the mutex */
static slab *slabs;           /* under the mutex */

_Static_assert(sizeof(cleat__span) % ALIGNMENT == 0, "spans of two threads share no cache line");
/* At 2,048 bytes the same fields of all spans fall into the same few sets of the cache: start, five
 * attributes and end took 192 ns instead of 177. */
_Static_assert((sizeof(cleat__span) & (sizeof(cleat__span) - 1)) != 0, "the size is no power of two");

static cleat__span *spans_of(slab *of)
{
    return (cleat__span *)(((uintptr_t)of->memory + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
}

static bool add_slab(cleat__local *local)
{
    slab *added = cleat__malloc(sizeof(*added) + ALIGNMENT + SPANS_PER_SLAB * sizeof(cleat__span));
    if (added == NULL) {
        cleat__fail_memory();
        return false;
    }
    cleat__span *spans = spans_of(added);
    for (int i = SPANS_PER_SLAB - 1; i >= 0; i--) {
        cleat__span_init(&spans[i]);
        spans[i].next_free = local->free_spans;
        local->free_spans = &spans[i];
    }
    local->free_count += SPANS_PER_SLAB;
    pthread_mutex_lock(&mutex);
    added->next = slabs;
    slabs = added;
    pthread_mutex_unlock(&mutex);
    return true;
}

cleat__span *cleat__span_pool_take_slow(cleat__local *local)
{
    pthread_mutex_lock(&mutex);
    while (overflow != NULL && local->free_count < SPANS_PER_MOVE) {
        cleat__span *span = overflow;
        overflow = span->next_free;
        span->next_free = local->free_spans;
        local->free_spans = span;
        local->free_count++;
    }
    pthread_mutex_unlock(&mutex);
    if (local->free_spans == NULL && !add_slab(local)) {
        return NULL;
    }
    return cleat__span_pool_take(local);
}

static void move_to_overflow(cleat__local *local, uint32_t count)
{
    pthread_mutex_lock(&mutex);
    while (count-- > 0 && local->free_spans != NULL) {
        cleat__span *span = local->free_spans;
        local->free_spans = span->next_free;
        local->free_count--;
        span->next_free = overflow;
        overflow = span;
    }
    pthread_mutex_unlock(&mutex);
}

void cleat__span_pool_spill(cleat__local *local)
{
    move_to_overflow(local, SPANS_PER_MOVE);
}

void cleat__span_pool_return_all(cleat__local *local)
{
    move_to_overflow(local, UINT32_MAX);
}

/* ---- Orphans ---- */

static void make_orphan(cleat__span *span, cleat__orphan orphan)
{
    span->ending = true;
    span->ender = NULL;
    atomic_store_explicit(&span->orphan, (uint8_t)orphan, memory_order_relaxed);
}

static void orphan_of_provider(cleat__span *span, const cleat_tracer_provider *provider)
{
    const uint64_t both = CLEAT__SPAN_IS_LIVE | CLEAT__SPAN_IS_RECORDING;
    if ((atomic_load_explicit(&span->generation, memory_order_acquire) & both) != both) {
        return;
    }
    cleat__spin_lock(&span->lock);
    if ((atomic_load_explicit(&span->generation, memory_order_acquire) & both) == both &&
        !cleat__span_is_orphan(span) && span->tracer->provider == provider) {
        make_orphan(span, CLEAT__ORPHAN);
    }
    cleat__spin_unlock(&span->lock);
}

void cleat__span_pool_orphan(const cleat_tracer_provider *provider)
{
    pthread_mutex_lock(&mutex);
    for (slab *of = slabs; of != NULL; of = of->next) {
        for (int i = 0; i < SPANS_PER_SLAB; i++) {
            orphan_of_provider(&spans_of(of)[i], provider);
        }
    }
    pthread_mutex_unlock(&mutex);
}

/* The spans that live are the parent's. Free ones that another thread had are not found again, nor
 * one that was neither free nor live: in the child their memory stays what it is, the parent's. */
static void in_child(void *object, bool is_whole)
{
    (void)object;
    (void)is_whole;
    for (slab *of = slabs; of != NULL; of = of->next) {
        for (int i = 0; i < SPANS_PER_SLAB; i++) {
            cleat__span *span = &spans_of(of)[i];
            uint64_t generation = atomic_load_explicit(&span->generation, memory_order_relaxed);
            bool was_locked = cleat__spin_renew(&span->lock);
            if ((generation & CLEAT__SPAN_IS_LIVE) != 0 && (generation & CLEAT__SPAN_IS_RECORDING) != 0) {
                bool is_torn = was_locked || span->orphan == CLEAT__ORPHAN_TORN;
                make_orphan(span, is_torn ? CLEAT__ORPHAN_TORN : CLEAT__ORPHAN);
            }
        }
    }
}

CLEAT__FORK_HOOK(CLEAT__FORK_SPAN_POOL, mutex, in_child);
