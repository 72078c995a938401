/*
 * Concurrency rules as all versions of a task share them: by workflow, task, place in the chain, strategy and
 * expression. The newest version with a rule says how many slots its keys have. Or as workflows of a tenant share them:
 * by a name.
 */
#ifndef CLEAT_ENGINE_RULES_H
#define CLEAT_ENGINE_RULES_H

#include "base/map.h"
#include "model/concurrency.h"
#include "model/expression.h"
#include "model/rate_use.h"

typedef struct cleat__rule {
    cleat__expression *expression; /* owned */
    cleat_concurrency_strategy strategy;
    int32_t max_runs;
    cleat__expression *max_runs_expression; /* owned; NULL: max_runs says it */
    char
        *definition; /* owned; of one that workflows share: what it is, as the last one has said; else NULL */
    size_t key_size;
    char key[];
} cleat__rule;

typedef struct cleat__rules {
    cleat__map by_key;
} cleat__rules;
void cleat__rules_deinit(cleat__rules *rules);

/* Whose rule it is. */
typedef struct cleat__rule_place {
    int64_t tenant;
    int64_t workflow; /* its row */
    cleat_slice task; /* "": the run of several of them */
    size_t position;  /* in the chain */
} cleat__rule_place;
/* The rule, made when it is not there, with the slots that `declared` says. One that workflows share has no place but the
 * tenant's, and stays as it is. */
cleat_status cleat__rules_put(cleat__rules *rules, const cleat__rule_place *place,
                              const cleat__concurrency *declared, cleat__rule **out);

/* A rule that workflows share is this from now on, made when it is not there. */
cleat_status cleat__rules_share(cleat__rules *rules, int64_t tenant, const cleat__concurrency *declared,
                                const cleat__rule **out, bool *has_changed);

/* What runs of one version take of a rate limit. */
typedef struct cleat__taking {
    const cleat__rate_use *use;                   /* of the version's needs */
    cleat__expression *key, *units, *limit_value; /* owned; NULL: there is none */
    bool was_warned_of;                           /* it takes more than there ever is, and the log says so */
} cleat__taking;
/* One for each of the list. */
cleat_status cleat__takings_new(const cleat__rate_use_list *uses, cleat__taking **out);
void cleat__takings_free(cleat__taking *takings, size_t count); /* NULL-safe */

#endif
