#include "span_pool.h"

#include "base/alloc.h"
#include "base/error.h"

enum { SPANS_PER_SLAB = 16, SPANS_PER_MOVE = 16, ALIGNMENT = 64 };

typedef struct slab {
    struct slab *next;
    uint8_t memory[];
} slab;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static cleat__span *overflow; /* under the mutex */
static slab *slabs;           /* under the mutex; only there so that leak checkers see the slabs */

_Static_assert(sizeof(cleat__span) % ALIGNMENT == 0, "spans of two threads share no cache line");

static bool add_slab(cleat__local *local)
{
    slab *added = cleat__malloc(sizeof(*added) + ALIGNMENT + SPANS_PER_SLAB * sizeof(cleat__span));
    if (added == NULL) {
        cleat__fail_memory();
        return false;
    }
    uintptr_t start = ((uintptr_t)added->memory + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    cleat__span *spans = (cleat__span *)start;
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
