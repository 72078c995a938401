/*
 * Tasks whose runs go to workers several at a time (engine.md 22). Runs wait in a buffer, one for each group, until there
 * are enough of them, until the first has waited for long enough, or until they are large together.
 */
#ifndef CLEAT_MODEL_BATCH_H
#define CLEAT_MODEL_BATCH_H

#include "base/buffer.h"
#include "model/expression.h"

#define CLEAT__BATCH_SIZE_MAX       100000
#define CLEAT__BATCH_INTERVAL_MS    1000 /* when none is said */
#define CLEAT__BATCH_INTERVAL_MAX   INT64_C(86400000)
#define CLEAT__BATCH_GROUP_RUNS     100 /* when none is said */
#define CLEAT__BATCH_GROUP_RUNS_MAX 10000
#define CLEAT__BATCH_KEY_MAX        1024              /* bytes of what an expression gives */
#define CLEAT__BATCH_BYTES_MAX      ((size_t)4 << 20) /* of the inputs of a batch: more are not waited for */

/* As it is declared; borrowed. */
typedef struct cleat__batch_config {
    int32_t max_size;
    int64_t interval_ms;
    cleat_slice group_key;  /* CEL; absent: all are one group, of the key "" */
    int32_t group_max_runs; /* batches of a group at workers at once */
} cleat__batch_config;
/* CLEAT_INVALID_ARGUMENT names the field, and of the expression the place. */
cleat_status cleat__batch_config_check(const cleat__batch_config *config);
/* As JSON. */
void cleat__batch_config_encode(const cleat__batch_config *config, cleat__buffer *out);

/* As it is used. */
typedef struct cleat__batch_rule {
    cleat__expression *group_key; /* NULL: "" */
    int64_t interval_ms;
    int32_t max_size;
    int32_t group_max_runs;
} cleat__batch_rule;
/* Of what was encoded. CLEAT_CORRUPT: it makes no sense. */
struct json_t;
cleat_status cleat__batch_rule_decode(const struct json_t *json, cleat__batch_rule **out);
void cleat__batch_rule_free(cleat__batch_rule *rule); /* NULL-safe */

/* The key of the group of what these are of (input, additional_metadata, workflow_run_id), with a NUL behind it, to be
 * freed. CLEAT_INVALID_ARGUMENT, CLEAT_RESOURCE_EXHAUSTED: there is none, and why. */
cleat_status cleat__batch_rule_key(const cleat__batch_rule *rule,
                                   const cleat__expression_variables *variables, char **key, size_t *size);

/* Why runs that wait go to a worker. */
typedef enum cleat__batch_reason {
    CLEAT__BATCH_WAIT, /* they do not yet */
    CLEAT__BATCH_SIZE,
    CLEAT__BATCH_INTERVAL,
    CLEAT__BATCH_MEMORY,
} cleat__batch_reason;
/* Of `count` runs with inputs of so many bytes, the first of which has waited for `waited_ms`. */
cleat__batch_reason cleat__batch_rule_flush(const cleat__batch_rule *rule, size_t count, size_t bytes,
                                            int64_t waited_ms);
/* The sentence that workers are told (worker.md 9). */
#define CLEAT__BATCH_REASON_TEXT 96
void cleat__batch_reason_format(const cleat__batch_rule *rule, cleat__batch_reason reason,
                                char text[CLEAT__BATCH_REASON_TEXT]);

#endif
