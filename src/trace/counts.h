/*
 * What happened to a provider's spans, counted without a cache line that threads share: each thread
 * counts for itself, in the slot of the provider, and whoever wants to know adds up. A thread that
 * ends leaves its numbers behind. There are few slots; providers beyond them count with atomic
 * operations on numbers of their own.
 */
#ifndef CLEAT_TRACE_COUNTS_H
#define CLEAT_TRACE_COUNTS_H

#include "local.h"

typedef struct cleat__account {
    unsigned slot;                  /* CLEAT__COUNT_SLOTS: none was free */
    uint64_t before[CLEAT__COUNTS]; /* what the slot's last user had counted; under the mutex of counts.c */
    atomic_uint_fast64_t shared[CLEAT__COUNTS];
} cleat__account;

void cleat__account_open(cleat__account *account);
void cleat__account_close(cleat__account *account);
void cleat__account_read(cleat__account *account, uint64_t out[CLEAT__COUNTS]);
/* In a forked child, which counts from zero. */
void cleat__account_reset(cleat__account *account);

/* A thread's beginning and end. */
void cleat__counts_join(cleat__local *local);
void cleat__counts_leave(cleat__local *local);

/* Calls `function` for each thread there is. None comes or goes meanwhile. */
void cleat__locals_each(void (*function)(cleat__local *local, void *argument), void *argument);

static inline void cleat__count_shared(cleat__account *account, cleat__count what, uint64_t more)
{
    atomic_fetch_add_explicit(&account->shared[what], more, memory_order_relaxed);
}

/* `local` is this thread's. */
static inline void cleat__count_more(cleat__local *local, cleat__account *account, cleat__count what,
                                     uint64_t more)
{
    if (__builtin_expect(account->slot < CLEAT__COUNT_SLOTS, true)) {
        /* Nobody else writes it: no locked instruction is needed. */
        atomic_uint_fast64_t *count = &local->counts[account->slot][what];
        atomic_store_explicit(count, atomic_load_explicit(count, memory_order_relaxed) + more,
                              memory_order_relaxed);
    } else {
        cleat__count_shared(account, what, more);
    }
}

#endif
