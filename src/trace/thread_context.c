#include "base/alloc.h"
#include "trace/context.h"

#include <pthread.h>

/* More than a thread has alive at a time in practice; 10 KB of contexts at most. */
enum { FREE_BLOCKS_MAX = 16 };

struct cleat__free_block {
    struct cleat__free_block *next;
};

_Thread_local cleat__thread_context cleat__context_of_thread __attribute__((tls_model("initial-exec")));

static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static bool key_exists; /* written under key_once */

static void free_blocks(cleat__thread_context *thread)
{
    for (size_t kind = 0; kind < CLEAT__BLOCK_KINDS; kind++) {
        struct cleat__free_block *block;
        while ((block = thread->free_blocks[kind].first) != NULL) {
            thread->free_blocks[kind].first = block->next;
            cleat__free(block);
        }
        thread->free_blocks[kind].count = 0;
    }
}

/* Destructors that run later, and destroy functions called from here, may use contexts again: that
 * registers the thread anew, and this is called once more. */
static void leave_thread(void *argument)
{
    cleat__thread_context *thread = argument;
    while (thread->top != NULL) {
        cleat__frame_pop(thread);
    }
    thread->registered = false;
    free_blocks(thread);
}

static void create_key(void)
{
    key_exists = pthread_key_create(&key, leave_thread) == 0;
}

bool cleat__thread_context_register(cleat__thread_context *thread)
{
    if (!thread->registered) {
        pthread_once(&key_once, create_key);
        thread->registered = key_exists && pthread_setspecific(key, thread) == 0;
    }
    return thread->registered;
}

static size_t size_of(enum cleat__block_kind kind)
{
    static const size_t sizes[CLEAT__BLOCK_KINDS] = {
        [CLEAT__BLOCK_CONTEXT] = sizeof(cleat_context),
        [CLEAT__BLOCK_VALUE] = sizeof(cleat__context_value),
        [CLEAT__BLOCK_FRAME] = sizeof(cleat__frame),
    };
    return sizes[kind];
}

void *cleat__block_alloc(cleat__thread_context *thread, enum cleat__block_kind kind)
{
    struct cleat__free_block *block = thread->free_blocks[kind].first;
    if (block == NULL) {
        return cleat__malloc(size_of(kind));
    }
    thread->free_blocks[kind].first = block->next;
    thread->free_blocks[kind].count--;
    return block;
}

void cleat__block_free(cleat__thread_context *thread, enum cleat__block_kind kind, void *block)
{
    if (thread->free_blocks[kind].count >= FREE_BLOCKS_MAX || !cleat__thread_context_register(thread)) {
        cleat__free(block);
        return;
    }
    struct cleat__free_block *freed = block;
    freed->next = thread->free_blocks[kind].first;
    thread->free_blocks[kind].first = freed;
    thread->free_blocks[kind].count++;
}
