#include "model/match.h"

#include "model/json_members.h"

/* Numbers of groups: those of conditions are the index of the first condition of the group, these are behind them. */
static int32_t group_of_condition(const cleat__workflow_task *task, size_t at)
{
    cleat_slice group = task->conditions[at].of.group;
    for (size_t i = 0; group.data != NULL && i < at; i++) {
        if (task->conditions[i].action == task->conditions[at].action &&
            task->conditions[i].of.group.data != NULL &&
            cleat_slice_equals(task->conditions[i].of.group, group)) {
            return (int32_t)i;
        }
    }
    return (int32_t)at;
}

static int32_t group_of_parent(const cleat__workflow_task *task, size_t parent)
{
    return (int32_t)(task->condition_count + parent);
}

static int32_t group_of_ends(const cleat__workflow_task *task)
{
    return (int32_t)(task->condition_count + task->parent_count);
}

size_t cleat__match_rules_max(const cleat__workflow_task *task)
{
    return task->condition_count + 3 * task->parent_count;
}

/* ---- Parents ---- */

/* Whether the task says itself when it is skipped, or such, by what has become of that parent; parent_count: of any. */
static bool says(const cleat__workflow_task *task, cleat__step_action action, size_t parent)
{
    for (size_t i = 0; i < task->condition_count; i++) {
        const cleat__step_condition *condition = &task->conditions[i];
        if (condition->action == action && condition->parent.data != NULL &&
            (parent == task->parent_count || cleat_slice_equals(condition->parent, task->parents[parent]))) {
            return true;
        }
    }
    return false;
}

static int32_t find_parent(const cleat__workflow_task *task, cleat_slice name)
{
    int32_t at = 0;
    while (!cleat_slice_equals(task->parents[at], name)) { /* it is there, or the declaration was refused */
        at++;
    }
    return at;
}

static cleat__match_rule rule_of(const cleat__workflow_task *task, size_t at)
{
    const cleat__step_condition *condition = &task->conditions[at];
    bool is_cancel = condition->action == CLEAT__STEP_CANCEL;
    return (cleat__match_rule){
        .action = condition->action,
        .group = group_of_condition(task, at),
        .parent = find_parent(task, condition->parent),
        .condition = (int32_t)at,
        .on = is_cancel ? CLEAT__MATCH_COMPLETED | CLEAT__MATCH_FAILED | CLEAT__MATCH_CANCELLED
                        : CLEAT__MATCH_COMPLETED,
        .test = condition->of.expression.size != 0 ? CLEAT__MATCH_EXPRESSION : CLEAT__MATCH_ALWAYS,
    };
}

/* What counts of a parent where the task does not say it. */
static size_t add_defaults(const cleat__workflow_task *task, size_t parent, cleat__match_rule *out)
{
    size_t count = 0;
    cleat__match_rule rule = {.parent = (int32_t)parent,
                              .condition = -1,
                              .group = group_of_parent(task, parent),
                              .on = CLEAT__MATCH_COMPLETED};
    if (!says(task, CLEAT__STEP_QUEUE, parent)) {
        rule.action = CLEAT__STEP_QUEUE;
        out[count++] = rule;
    }
    if (!says(task, CLEAT__STEP_SKIP, task->parent_count)) {
        rule.action = CLEAT__STEP_SKIP;
        rule.test = CLEAT__MATCH_SKIPPED;
        out[count++] = rule;
    }
    if (!says(task, CLEAT__STEP_CANCEL, parent)) {
        rule.action = CLEAT__STEP_CANCEL;
        rule.test = CLEAT__MATCH_ALWAYS;
        rule.group = group_of_ends(task);
        rule.on = CLEAT__MATCH_FAILED | CLEAT__MATCH_CANCELLED;
        out[count++] = rule;
    }
    return count;
}

size_t cleat__match_parent_rules(const cleat__workflow_task *task, cleat__match_rule *out)
{
    size_t count = 0;
    for (size_t i = 0; i < task->condition_count; i++) {
        if (task->conditions[i].parent.data != NULL) {
            out[count++] = rule_of(task, i);
        }
    }
    for (size_t i = 0; i < task->parent_count; i++) {
        count += add_defaults(task, i, out + count);
    }
    return count;
}

/* ---- Sleeps and events ---- */

size_t cleat__match_wait_rules(const cleat__workflow_task *task, cleat__match_rule *out)
{
    size_t count = 0;
    for (size_t i = 0; i < task->condition_count; i++) {
        if (task->conditions[i].parent.data == NULL) {
            out[count++] = (cleat__match_rule){.action = task->conditions[i].action,
                                               .group = group_of_condition(task, i),
                                               .parent = -1,
                                               .condition = (int32_t)i};
        }
    }
    return count;
}

/* ---- Deciding ---- */

static bool is_group_met(const cleat__match_rule *rules, size_t count, const bool *is_met, size_t of)
{
    for (size_t i = 0; i < count; i++) {
        if (is_met[i] && rules[i].action == rules[of].action && rules[i].group == rules[of].group) {
            return true;
        }
    }
    return false;
}

static bool is_reached(const cleat__match_rule *rules, size_t count, const bool *is_met,
                       cleat__step_action action)
{
    bool has_any = false;
    for (size_t i = 0; i < count; i++) {
        if (rules[i].action == action) {
            has_any = true;
            if (!is_met[i] && !is_group_met(rules, count, is_met, i)) {
                return false;
            }
        }
    }
    return has_any;
}

cleat__step_action cleat__match_decide(const cleat__match_rule *rules, size_t count, const bool *is_met)
{
    for (int action = 0; action < CLEAT__STEP_ACTIONS; action++) {
        if (is_reached(rules, count, is_met, (cleat__step_action)action)) {
            return (cleat__step_action)action;
        }
    }
    return CLEAT__STEP_WAIT;
}

bool cleat__match_is_skipped(cleat_slice output)
{
    cleat_slice value;
    while (output.size != 0 && memchr(" \t\r\n", output.data[0], 4) != NULL) {
        output.data++;
        output.size--;
    }
    return output.size != 0 && output.data[0] == '{' && cleat__json_find_member(output, "skipped", &value) &&
           cleat_slice_equals(value, cleat_slice_of("true"));
}
