/*
 * Labels: what a worker says about itself, and what a task or a run desires of the worker it goes to.
 *
 *     const cleat_label labels[] = {{"region", "north", 0}, {"memory", NULL, 64}};
 *     cleat_worker *worker = NULL;
 *     cleat_worker_new(client, CLEAT_WORKER_OPTIONS(.slots = 4, .labels = labels, .label_count = 2), &worker);
 *     const cleat_desired_label much = {
 *         .key = "memory", .number = 32, .comparator = CLEAT_LABEL_GREATER_THAN, .required = true};
 *     cleat_client_run_no_wait(client, "archive:pack", NULL,
 *                              CLEAT_RUN_OPTIONS(.desired_labels = &much, .desired_label_count = 1), NULL);
 *
 * Each desired label that a worker's label meets adds its weight; the worker with the largest sum that has
 * a free slot gets the run. A worker that does not meet a required one never does.
 */
#ifndef CLEAT_LABEL_H
#define CLEAT_LABEL_H

#include "cleat/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Keys and texts have 256 bytes at most; a worker has 64 labels, and a task or a run desires 64. */
typedef struct cleat_label {
    const char *key;
    const char *text; /* NULL: the value is the number */
    int32_t number;
} cleat_label;

/* worker's label COMPARATOR value. All but the first two are for numbers. */
typedef enum cleat_label_comparator {
    CLEAT_LABEL_EQUAL = 0,
    CLEAT_LABEL_NOT_EQUAL = 1,
    CLEAT_LABEL_GREATER_THAN = 2,
    CLEAT_LABEL_GREATER_THAN_OR_EQUAL = 3,
    CLEAT_LABEL_LESS_THAN = 4,
    CLEAT_LABEL_LESS_THAN_OR_EQUAL = 5,
} cleat_label_comparator;

typedef struct cleat_desired_label {
    const char *key;
    const char *text; /* NULL: the value is the number */
    int32_t number;
    cleat_label_comparator comparator;
    int32_t weight; /* 0: 100 */
    bool required;
} cleat_desired_label;

/* Whether a run's desired worker counts (cleat_run_options). */
typedef enum cleat_sticky {
    CLEAT_STICKY_NONE = 0, /* it does not */
    CLEAT_STICKY_SOFT = 1, /* it is preferred */
    CLEAT_STICKY_HARD = 2, /* no other gets the run */
} cleat_sticky;

/* So many slots of a type: requested by a task, or offered by a worker. */
typedef struct cleat_slots {
    const char *type; /* "default", or a name of your own: letters, digits, '.', '_', '-' */
    int32_t units;
} cleat_slots;

#ifdef __cplusplus
}
#endif
#endif
