/* Sleeps and events of tasks of a run. They wait as those of a durable run do, as a node of branch 0 with the task's index;
 * but they have actions, and the first that is reached has the last word. */
#include "engine/dag.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/log.h"
#include "engine/durable_log.h"
#include "store/dag.h"

static cleat__node node_of(size_t step)
{
    return (cleat__node){CLEAT__BRANCH_OF_SIGNALS, (int64_t)step};
}

/* Groups are told apart by the action, too: that stands in front. */
static cleat_status make_conditions(const cleat__plan_task *task, cleat__arena *memory,
                                    cleat__condition **out)
{
    cleat__condition *list = cleat__arena_take(memory, task->wait_rule_count * sizeof(*list));
    *out = list;
    for (size_t i = 0; list != NULL && i < task->wait_rule_count; i++) {
        const cleat__step_condition *said = &task->said->conditions[task->wait_rules[i].condition];
        list[i] = said->of;
        if (said->of.group.data == NULL) {
            continue;
        }
        char *name = cleat__arena_get(memory, said->of.group.size + 1);
        if (name == NULL) {
            return cleat__fail_memory();
        }
        name[0] = (char)('0' + (int)said->action);
        memcpy(name + 1, said->of.group.data, said->of.group.size);
        list[i].group = (cleat_slice){name, said->of.group.size + 1};
    }
    return list != NULL ? CLEAT_OK : cleat__fail_memory();
}

cleat_status cleat__dag_arm(cleat__core *core, cleat__dag *dag, size_t step)
{
    const cleat__plan_task *task = &dag->plan->tasks[step];
    cleat__arena memory = {.most = 0};
    cleat__durable_request request = {.kind = CLEAT__DURABLE_WAIT_FOR};
    cleat__condition *conditions = NULL;
    cleat_status status = cleat__core_check(core, make_conditions(task, &memory, &conditions));
    if (status == CLEAT_OK) {
        memset(dag->met + task->first_bit + task->parent_rule_count, 0, task->wait_rule_count);
        dag->tasks[step].stage = CLEAT__DAG_ARMED;
        dag->tasks[step].size = 0;
        dag->tasks[step].is_measured = true;
        request.as.wait_for.conditions = conditions;
        request.as.wait_for.count = task->wait_rule_count;
        status = cleat__durable_arm(core, &dag->durable, node_of(step), core->now.unix_ms, &request);
    }
    cleat__arena_deinit(&memory);
    return status;
}

cleat_status cleat__dag_disarm(cleat__core *core, cleat__dag *dag, size_t step)
{
    cleat__pending *pending = cleat__pending_find(&dag->durable, node_of(step));
    if (pending != NULL) {
        cleat__pending_free(&core->durables.pendings, pending);
    }
    cleat_status status = cleat__core_begin(core);
    return status == CLEAT_OK
               ? cleat__core_check(core,
                                   cleat__condition_delete(core->store, &dag->durable.run.id, node_of(step)))
               : status;
}

/* What has been waited for is kept with the task, for each of its attempts. */
static cleat_status keep_data(cleat__core *core, const cleat__dag *dag, size_t step)
{
    cleat__buffer data = {0};
    cleat_status status =
        cleat__condition_data(core->store, &dag->durable.run.id, node_of(step), CLEAT__DAG_TOLD_MAX, &data);
    if (status == CLEAT_OK) {
        status = cleat__task_trigger_put(core->store, &dag->tasks[step].id, cleat__buffer_slice(&data));
    }
    cleat__buffer_deinit(&data);
    return cleat__core_check(core, status);
}

/* After a restart: what came before it counts. */
static cleat_status measure(cleat__core *core, const cleat__dag *dag, size_t step)
{
    cleat__dag_task *task = &dag->tasks[step];
    int64_t size = 0;
    if (task->is_measured) {
        return CLEAT_OK;
    }
    cleat_status status = cleat__core_check(
        core, cleat__condition_size(core->store, &dag->durable.run.id, node_of(step), &size));
    task->is_measured = status == CLEAT_OK;
    task->size = (uint32_t)(size < (int64_t)CLEAT__DAG_TOLD_MAX ? size : (int64_t)CLEAT__DAG_TOLD_MAX);
    return status;
}

/* What it will not be told is not kept: absent. */
static cleat_slice keep_what_fits(cleat__dag_task *task, const cleat__pending_condition *condition,
                                  cleat_slice data)
{
    static cleat__log_site site;
    if (data.size > CLEAT__DAG_TOLD_MAX - task->size) {
        cleat__log_limited(&site, CLEAT_LOG_WARN,
                           "what a task has waited for is too large together: it is not told of %zu bytes "
                           "that its condition %u has brought",
                           data.size, (unsigned)condition->number);
        return (cleat_slice){NULL, 0};
    }
    task->size += (uint32_t)data.size;
    return data;
}

cleat_status cleat__dag_meet(cleat__core *core, cleat__pending_condition *condition, cleat_slice data,
                             bool *is_decided)
{
    cleat__pending *pending = cleat__pending_of(condition);
    cleat__dag *dag = CLEAT__CONTAINER(pending->durable, cleat__dag, durable);
    cleat__node node = cleat__pending_node(pending);
    size_t step = (size_t)node.number;
    const cleat__plan_task *task = &dag->plan->tasks[step];
    bool *met = dag->met + task->first_bit + task->parent_rule_count;
    *is_decided = false;
    cleat_status status = cleat__core_begin(core);
    if (status == CLEAT_OK) {
        status = measure(core, dag, step);
    }
    if (status == CLEAT_OK) {
        data = keep_what_fits(&dag->tasks[step], condition, data);
        status = cleat__core_check(
            core, cleat__condition_meet(core->store, &dag->durable.run.id, node, condition->number, data));
    }
    met[condition->number] = true;
    cleat__pending_meet_group(&core->durables.pendings, pending, condition->group);
    cleat__step_action action = cleat__match_decide(task->wait_rules, task->wait_rule_count, met);
    if (status != CLEAT_OK || action == CLEAT__STEP_WAIT) {
        return status;
    }
    *is_decided = true;
    if (action == CLEAT__STEP_QUEUE) {
        status = keep_data(core, dag, step);
    }
    if (status == CLEAT_OK) {
        status = cleat__dag_disarm(core, dag, step);
    }
    dag->tasks[step].stage = CLEAT__DAG_HELD;
    return status == CLEAT_OK ? cleat__dag_act(core, dag, step, action) : status;
}

cleat_status cleat__dag_recover_condition(cleat__dag *dag, const cleat__condition_row *row)
{
    size_t step = (size_t)row->node.number;
    const cleat__plan_task *task = step < dag->plan->task_count ? &dag->plan->tasks[step] : NULL;
    bool is_right = task != NULL && row->node.branch == CLEAT__BRANCH_OF_SIGNALS &&
                    dag->tasks[step].run != NULL && dag->tasks[step].stage != CLEAT__DAG_FREE &&
                    (size_t)row->count == task->wait_rule_count && row->kind != CLEAT__PENDING_CHILD;
    if (!is_right) {
        return cleat__fail(CLEAT_CORRUPT,
                           "what a task in the database waits for makes no sense; restore a copy");
    }
    dag->tasks[step].stage = CLEAT__DAG_ARMED;
    if (row->is_met) {
        dag->met[task->first_bit + task->parent_rule_count + (size_t)row->number] = true;
    }
    return CLEAT_OK;
}
