/*
 * When a task of a DAG runs, is skipped or cancelled (engine.md 7.1, 7.2). Pure.
 *
 * First its parents are looked at, each when it has ended. That is done by rules: what a declaration says of
 * parents, and for what it does not say
 *
 *   QUEUE    each of them has completed
 *   SKIP     each of them was skipped: its output has a member "skipped" that is true. Not where the task says
 *            itself when it is skipped, of any of its parents
 *   CANCEL   one of them has failed or was cancelled. Where the task says itself when it is cancelled, of a parent: that
 *            or the parent's failure or cancellation
 *
 * When the parents say QUEUE, sleeps and events of the task begin to be waited for, if there are any: rules of their own,
 * which have the last word.
 *
 * Rules of one action and one group are alternatives; an action is reached when each of its groups has a rule
 * that is met. Of the actions that are reached the first of cleat__step_action wins.
 */
#ifndef CLEAT_MODEL_MATCH_H
#define CLEAT_MODEL_MATCH_H

#include "model/workflow.h"

/* What a rule asks of the end of a parent. */
enum {
    CLEAT__MATCH_COMPLETED = 1, /* and the rule's test */
    CLEAT__MATCH_FAILED = 2,
    CLEAT__MATCH_CANCELLED = 4,
};

typedef enum cleat__match_test {
    CLEAT__MATCH_ALWAYS,
    CLEAT__MATCH_SKIPPED,    /* "output.skipped exists and is true" */
    CLEAT__MATCH_EXPRESSION, /* of the task's condition */
} cleat__match_test;

typedef struct cleat__match_rule {
    cleat__step_action action;
    int32_t group;     /* among the task's rules */
    int32_t parent;    /* index among the task's parents; of sleeps and events: -1 */
    int32_t condition; /* index among the task's conditions; -1: of none */
    uint8_t on;
    cleat__match_test test;
} cleat__match_rule;

/* How many rules there are at most. */
size_t cleat__match_rules_max(const cleat__workflow_task *task);
/* The rules of the task's parents; how many there are. */
size_t cleat__match_parent_rules(const cleat__workflow_task *task, cleat__match_rule *out);
/* The same of its sleeps and events, each once, in the order of the conditions. */
size_t cleat__match_wait_rules(const cleat__workflow_task *task, cleat__match_rule *out);

/* Which action is reached. `is_met` is asked of each rule by its index. */
cleat__step_action cleat__match_decide(const cleat__match_rule *rules, size_t count, const bool *is_met);

/* Whether the output is an object with a member "skipped" that is true. */
bool cleat__match_is_skipped(cleat_slice output);

#define CLEAT__SKIPPED_OUTPUT "{\"skipped\":true}"

#endif
