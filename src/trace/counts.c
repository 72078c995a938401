#include "counts.h"

#include "base/process.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* guards what follows */
static cleat__local *locals;                              /* of threads that live */
static uint64_t left[CLEAT__COUNT_SLOTS][CLEAT__COUNTS];  /* by threads that ended */
static bool is_taken[CLEAT__COUNT_SLOTS];
/* In a forked child: those of threads that are not there. They may be in the middle of anything, so
 * their memory is not used again; this keeps leak checkers content. */
static cleat__local *lost_locals;

void cleat__counts_join(cleat__local *local)
{
    pthread_mutex_lock(&mutex);
    local->previous = NULL;
    local->next = locals;
    if (locals != NULL) {
        locals->previous = local;
    }
    locals = local;
    pthread_mutex_unlock(&mutex);
}

static void take_off(cleat__local *local)
{
    if (local->next != NULL) {
        local->next->previous = local->previous;
    }
    if (local->previous != NULL) {
        local->previous->next = local->next;
    } else {
        locals = local->next;
    }
}

void cleat__locals_each(void (*function)(cleat__local *local, void *argument), void *argument)
{
    pthread_mutex_lock(&mutex);
    for (cleat__local *local = locals; local != NULL; local = local->next) {
        function(local, argument);
    }
    pthread_mutex_unlock(&mutex);
}

static uint64_t count_of(const cleat__local *local, unsigned slot, unsigned what)
{
    return atomic_load_explicit(&local->counts[slot][what], memory_order_relaxed);
}

void cleat__counts_leave(cleat__local *local)
{
    pthread_mutex_lock(&mutex);
    take_off(local);
    for (unsigned slot = 0; slot < CLEAT__COUNT_SLOTS; slot++) {
        for (unsigned what = 0; what < CLEAT__COUNTS; what++) {
            left[slot][what] += count_of(local, slot, what);
        }
    }
    pthread_mutex_unlock(&mutex);
}

/* The mutex is held. Of all that ever had the slot. */
static void add_up(unsigned slot, uint64_t out[CLEAT__COUNTS])
{
    memcpy(out, left[slot], sizeof(left[slot]));
    for (const cleat__local *local = locals; local != NULL; local = local->next) {
        for (unsigned what = 0; what < CLEAT__COUNTS; what++) {
            out[what] += count_of(local, slot, what);
        }
    }
}

void cleat__account_open(cleat__account *account)
{
    unsigned slot = 0;
    pthread_mutex_lock(&mutex);
    while (slot < CLEAT__COUNT_SLOTS && is_taken[slot]) {
        slot++;
    }
    account->slot = slot;
    if (slot < CLEAT__COUNT_SLOTS) {
        is_taken[slot] = true;
        add_up(slot, account->before);
    }
    pthread_mutex_unlock(&mutex);
}

void cleat__account_close(cleat__account *account)
{
    pthread_mutex_lock(&mutex);
    if (account->slot < CLEAT__COUNT_SLOTS) {
        is_taken[account->slot] = false;
    }
    pthread_mutex_unlock(&mutex);
}

void cleat__account_read(cleat__account *account, uint64_t out[CLEAT__COUNTS])
{
    uint64_t sums[CLEAT__COUNTS] = {0};
    pthread_mutex_lock(&mutex);
    if (account->slot < CLEAT__COUNT_SLOTS) {
        add_up(account->slot, sums);
    }
    for (unsigned what = 0; what < CLEAT__COUNTS; what++) {
        out[what] = sums[what] - account->before[what] +
                    atomic_load_explicit(&account->shared[what], memory_order_relaxed);
    }
    pthread_mutex_unlock(&mutex);
}

void cleat__account_reset(cleat__account *account)
{
    for (unsigned what = 0; what < CLEAT__COUNTS; what++) {
        account->before[what] = 0;
        atomic_store_explicit(&account->shared[what], 0, memory_order_relaxed);
    }
}

static void in_child(void *object, bool is_whole)
{
    cleat__local *mine = cleat__local_of_thread;
    (void)object;
    (void)is_whole;
    if (mine != NULL) {
        take_off(mine);
        memset(mine->counts, 0, sizeof(mine->counts));
        mine->previous = mine->next = NULL;
    }
    cleat__local **end = &lost_locals;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = locals;
    locals = mine;
    memset(left, 0, sizeof(left));
}

CLEAT__FORK_HOOK(CLEAT__FORK_LOCALS, mutex, in_child);
