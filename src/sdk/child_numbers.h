/*
 * The numbers of a task's children: 0, 1, .. in the order in which they are asked for. The engine knows a
 * child by its parent and its number, whatever else was asked for; so a number is given to one
 * child only, however often it must be asked for, and a task that asks in a fixed order numbers its
 * children alike in each attempt.
 */
#ifndef CLEAT_SDK_CHILD_NUMBERS_H
#define CLEAT_SDK_CHILD_NUMBERS_H

#include <cleat/status.h>

#include <pthread.h>
#include <stdatomic.h>

typedef struct cleat__kept_number cleat__kept_number;

typedef struct cleat__child_numbers {
    pthread_mutex_t mutex;
    int64_t next;
    cleat__kept_number *first, **end; /* of what failed, the oldest first */
    size_t kept_count, kept_bytes;
    _Atomic bool has_kept; /* a hint: else nobody need say what is asked for */
} cleat__child_numbers;

void cleat__child_numbers_init(cleat__child_numbers *numbers);
void cleat__child_numbers_deinit(cleat__child_numbers *numbers);

/* `count` numbers, the first of which is the answer: those that were kept for the same, else new ones. */
int64_t cleat__child_numbers_take(cleat__child_numbers *numbers, size_t count, cleat_slice what);
/* They were taken for this, and it failed: they are for that, and nothing else. Where there is no
 * memory, or too much is kept, the oldest are nobody's. */
void cleat__child_numbers_keep(cleat__child_numbers *numbers, int64_t first, cleat_slice what);

#endif
