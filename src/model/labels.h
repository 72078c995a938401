/* Labels of workers, and what a task or a run desires of them (worker.md 8). */
#ifndef CLEAT_MODEL_LABELS_H
#define CLEAT_MODEL_LABELS_H

#include "base/buffer.h"
#include "base/uuid.h"

/* Small, as each run may be compared with each worker, and what it desires is in memory until it has begun. */
#define CLEAT__LABELS_MAX     64   /* of a worker, and desired by a task or a run */
#define CLEAT__LABEL_SIZE_MAX 256  /* bytes of a key or a text */
#define CLEAT__WISH_SIZE_MAX  4096 /* bytes of all that a run desires */
#define CLEAT__LABEL_WEIGHT   100  /* where none is given */

typedef struct cleat__label_value {
    bool is_number;
    int32_t number;   /* when it is one */
    cleat_slice text; /* else */
} cleat__label_value;

typedef struct cleat__label {
    cleat_slice key;
    cleat__label_value value;
} cleat__label;

/* The numbers are those of the protocol. */
typedef enum cleat__comparator {
    CLEAT__COMPARATOR_EQUAL,
    CLEAT__COMPARATOR_NOT_EQUAL,
    CLEAT__COMPARATOR_GREATER_THAN, /* these four: numbers only */
    CLEAT__COMPARATOR_GREATER_THAN_OR_EQUAL,
    CLEAT__COMPARATOR_LESS_THAN,
    CLEAT__COMPARATOR_LESS_THAN_OR_EQUAL,
} cleat__comparator;

typedef struct cleat__desired_label {
    cleat_slice key;
    cleat__label_value value; /* worker's label COMPARATOR value */
    cleat__comparator comparator;
    int32_t weight;
    bool is_required;
} cleat__desired_label;

/* A list with all it refers to in one block; free with cleat__free(). */
typedef struct cleat__labels {
    size_t count;
    cleat__label items[];
} cleat__labels;
typedef struct cleat__desired_labels {
    size_t count;
    cleat__desired_label items[];
} cleat__desired_labels;

/* CLEAT_INVALID_ARGUMENT names what is wrong. */
cleat_status cleat__labels_check(const cleat__label *items, size_t count);
cleat_status cleat__desired_labels_check(const cleat__desired_label *items, size_t count);
/* The same of what a run desires, which is bounded in all. */
cleat_status cleat__wish_check(const cleat__desired_label *items, size_t count);

/* As they are stored: {"gpu":"a100","memory":64}, and [{"key":..}, ..]. */
void cleat__labels_encode(const cleat__label *items, size_t count, cleat__buffer *out);
void cleat__desired_labels_encode(const cleat__desired_label *items, size_t count, cleat__buffer *out);
/* CLEAT_CORRUPT: no such text. */
cleat_status cleat__labels_decode(cleat_slice text, cleat__labels **out);
cleat_status cleat__desired_labels_decode(cleat_slice text, cleat__desired_labels **out);

/* Which worker a run desires beyond what its task does: {"worker":"id","labels":[..]}. */
typedef struct cleat__wish {
    cleat__uuid worker;            /* nil: none */
    cleat__desired_labels *labels; /* owned; NULL: none */
} cleat__wish;
void cleat__wish_encode(const cleat__uuid *worker, const cleat__desired_label *items, size_t count,
                        cleat__buffer *out);
cleat_status cleat__wish_decode(cleat_slice text, cleat__wish *out);

/* Those of `first`, with the values of `second` for the same keys, and the other ones of `second`.
 * `first` may be NULL. NULL on no memory. */
cleat__labels *cleat__labels_merge(const cleat__labels *first, const cleat__label *second, size_t count);

/* Adds the weights of those of `desired` that are met to `*rank`; keys that `instead` has too do not
 * count. Both may be NULL. False: a required one is not met. */
bool cleat__desired_labels_rank(const cleat__desired_labels *desired, const cleat__desired_labels *instead,
                                const cleat__labels *labels, int64_t *rank);

#endif
