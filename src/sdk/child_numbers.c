#include "sdk/child_numbers.h"

#include "base/alloc.h"

enum { KEPT_MAX = 1000, KEPT_BYTES_MAX = 16 << 20 };

struct cleat__kept_number {
    cleat__kept_number *next;
    int64_t number;
    size_t size; /* of what is behind the struct */
};

void cleat__child_numbers_init(cleat__child_numbers *numbers)
{
    *numbers = (cleat__child_numbers){.next = 0};
    pthread_mutex_init(&numbers->mutex, NULL);
    numbers->end = &numbers->first;
}

/* With the mutex, or nobody else there. */
static void drop(cleat__child_numbers *numbers, cleat__kept_number **at)
{
    cleat__kept_number *kept = *at;
    *at = kept->next;
    if (numbers->end == &kept->next) {
        numbers->end = at;
    }
    numbers->kept_count--;
    numbers->kept_bytes -= kept->size;
    atomic_store(&numbers->has_kept, numbers->first != NULL);
    cleat__free(kept);
}

void cleat__child_numbers_deinit(cleat__child_numbers *numbers)
{
    while (numbers->first != NULL) {
        drop(numbers, &numbers->first);
    }
    pthread_mutex_destroy(&numbers->mutex);
}

static cleat_slice what_of(const cleat__kept_number *kept)
{
    return (cleat_slice){(const char *)(kept + 1), kept->size};
}

int64_t cleat__child_numbers_take(cleat__child_numbers *numbers, size_t count, cleat_slice what)
{
    pthread_mutex_lock(&numbers->mutex);
    cleat__kept_number **at = &numbers->first;
    while (*at != NULL && !cleat_slice_equals(what_of(*at), what)) {
        at = &(*at)->next;
    }
    int64_t first = *at != NULL ? (*at)->number : numbers->next;
    if (*at != NULL) {
        drop(numbers, at);
    } else {
        numbers->next += (int64_t)count;
    }
    pthread_mutex_unlock(&numbers->mutex);
    return first;
}

void cleat__child_numbers_keep(cleat__child_numbers *numbers, int64_t first, cleat_slice what)
{
    cleat__kept_number *kept =
        what.size != 0 && what.size <= KEPT_BYTES_MAX ? cleat__malloc(sizeof(*kept) + what.size) : NULL;
    if (kept == NULL) {
        return;
    }
    *kept = (cleat__kept_number){.number = first, .size = what.size};
    memcpy(kept + 1, what.data, what.size);
    pthread_mutex_lock(&numbers->mutex);
    while (numbers->kept_count == KEPT_MAX || numbers->kept_bytes + what.size > KEPT_BYTES_MAX) {
        drop(numbers, &numbers->first);
    }
    *numbers->end = kept;
    numbers->end = &kept->next;
    numbers->kept_count++;
    numbers->kept_bytes += what.size;
    atomic_store(&numbers->has_kept, true);
    pthread_mutex_unlock(&numbers->mutex);
}
