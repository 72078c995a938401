#include "local.h"

#include "base/alloc.h"
#include "counts.h"
#include "span_pool.h"

#include <pthread.h>
#include <stdatomic.h>

/* A thread that once ended a huge span does not keep the memory for ever. */
enum { SMALLEST_SCRATCH = 4096, LARGEST_KEPT_SCRATCH = 256 * 1024 };

_Thread_local cleat__local *cleat__local_of_thread __attribute__((tls_model("initial-exec")));

static pthread_key_t at_thread_exit;
static bool has_key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static atomic_uint next_index;

static void release(void *argument)
{
    cleat__local *local = argument;
    cleat__counts_leave(local);
    cleat__span_pool_return_all(local);
    cleat__free(local->scratch);
    cleat__free(local);
    cleat__local_of_thread = NULL;
}

static void make_key(void)
{
    has_key = pthread_key_create(&at_thread_exit, release) == 0;
}

cleat__local *cleat__local_new(void)
{
    pthread_once(&once, make_key);
    cleat__local *local = cleat__calloc(1, sizeof(*local));
    if (local == NULL) {
        return NULL;
    }
    if (!has_key || pthread_setspecific(at_thread_exit, local) != 0) {
        cleat__free(local);
        return NULL;
    }
    local->index = atomic_fetch_add_explicit(&next_index, 1, memory_order_relaxed);
    cleat__counts_join(local);
    cleat__local_of_thread = local;
    return local;
}

uint8_t *cleat__local_scratch_take(cleat__local *local, size_t size, size_t *capacity)
{
    uint8_t *scratch = local->scratch;
    if (scratch != NULL && local->scratch_size >= size) {
        local->scratch = NULL;
        *capacity = local->scratch_size;
        return scratch;
    }
    *capacity = size > SMALLEST_SCRATCH ? size + size / 2 : SMALLEST_SCRATCH;
    return cleat__malloc(*capacity);
}

void cleat__local_scratch_return(cleat__local *local, uint8_t *scratch, size_t capacity)
{
    if (capacity > LARGEST_KEPT_SCRATCH || (local->scratch != NULL && local->scratch_size >= capacity)) {
        cleat__free(scratch);
        return;
    }
    cleat__free(local->scratch);
    local->scratch = scratch;
    local->scratch_size = capacity;
}
