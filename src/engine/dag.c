#include "engine/dag.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/log.h"
#include "engine/life_parts.h"
#include "engine/notes.h"
#include "store/dag.h"
#include "store/note.h"

size_t cleat__dag_size(const cleat__task_type *type)
{
    const cleat__plan *plan = type->plan;
    return sizeof(cleat__dag) + plan->task_count * sizeof(cleat__dag_task) + plan->bit_count;
}

void cleat__dag_init(cleat__dag *dag)
{
    const cleat__plan *plan = dag->durable.run.type->plan;
    dag->plan = plan;
    dag->tasks = (cleat__dag_task *)(void *)(dag + 1);
    dag->met = (bool *)(dag->tasks + plan->task_count);
    dag->left = 0;
    dag->failed = dag->ended = dag->last = dag->first = plan->task_count;
    dag->durable.is_known = true; /* it has no log */
    for (size_t i = 0; i < plan->task_count; i++) {
        dag->tasks[i].stage = CLEAT__DAG_ENDED;
    }
}

void cleat__dag_add_task(cleat__dag *dag, cleat__run *run, cleat__dag_stage stage)
{
    cleat__dag_task *task = &dag->tasks[run->type->step];
    *cleat__dag_slot(run) = dag;
    task->id = run->id;
    task->run = run;
    task->stage = (uint8_t)stage;
    dag->left++;
}

/* What is no object is not passed on (worker.md 5). */
static bool is_object(cleat_slice text)
{
    size_t at = 0;
    while (at < text.size && memchr(" \t\r\n", text.data[at], 4) != NULL) {
        at++;
    }
    return at < text.size && text.data[at] == '{';
}

void cleat__dag_note_text(cleat__dag_task *task, cleat_slice text)
{
    task->is_measured = true;
    task->has_object = task->state == CLEAT_RUN_COMPLETED && is_object(text);
    task->size = (uint32_t)text.size;
}

/* ---- Parents ---- */

static uint8_t bit_of(int state)
{
    switch (state) {
    case CLEAT_RUN_COMPLETED: return CLEAT__MATCH_COMPLETED;
    case CLEAT_RUN_FAILED: return CLEAT__MATCH_FAILED;
    default: return CLEAT__MATCH_CANCELLED;
    }
}

/* What has no value for this output, say for want of a member, is not true of it. */
static cleat_status evaluate(const cleat__plan_task *task, const cleat__match_rule *rule,
                             const cleat__expression_variables *variables, bool *is_true)
{
    static cleat__log_site site;
    cleat_status status = cleat__expression_test(task->expressions[rule->condition], variables, is_true);
    if (status != CLEAT_OK && status != CLEAT_NO_MEMORY) {
        *is_true = false;
        cleat__log_limited(&site, CLEAT_LOG_WARN,
                           "the output of a parent of task \"%.*s\" counts as no match: %s",
                           CLEAT_SLICE_ARGS(task->said->name), cleat_error_message());
    }
    return status == CLEAT_NO_MEMORY ? status : CLEAT_OK;
}

static cleat_status test(const cleat__plan_task *task, const cleat__match_rule *rule, uint8_t end,
                         const cleat__expression_variables *variables, bool *is_met)
{
    *is_met = (rule->on & end) != 0;
    if (!*is_met || end != CLEAT__MATCH_COMPLETED || rule->test == CLEAT__MATCH_ALWAYS) {
        return CLEAT_OK;
    }
    if (rule->test == CLEAT__MATCH_SKIPPED) {
        *is_met = cleat__match_is_skipped(variables->output);
        return CLEAT_OK;
    }
    return evaluate(task, rule, variables, is_met);
}

static cleat_status judge_child(cleat__dag *dag, size_t parent, size_t child,
                                const cleat__expression_variables *variables)
{
    const cleat__plan_task *task = &dag->plan->tasks[child];
    uint8_t end = bit_of(dag->tasks[parent].state);
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; i < task->parent_rule_count && status == CLEAT_OK; i++) {
        const cleat__match_rule *rule = &task->parent_rules[i];
        if (task->parents[rule->parent] == parent) {
            status = test(task, rule, end, variables, &dag->met[task->first_bit + i]);
        }
    }
    return status;
}

cleat_status cleat__dag_judge(cleat__dag *dag, size_t parent, cleat_slice text)
{
    const cleat__plan_task *plan = &dag->plan->tasks[parent];
    cleat__expression_parsed parsed = {{NULL}};
    const cleat__expression_variables variables = {.parsed = &parsed, .input = text, .output = text};
    cleat_status status = CLEAT_OK;
    dag->tasks[parent].is_judged = true;
    for (size_t i = 0; i < plan->child_count && status == CLEAT_OK; i++) {
        if (dag->tasks[plan->children[i]].stage == CLEAT__DAG_HELD) {
            status = judge_child(dag, parent, plan->children[i], &variables);
        }
    }
    cleat__expression_parsed_deinit(&parsed);
    return status;
}

/* ---- What becomes of a task ---- */

/* A sticky one goes where a parent of it was. */
static cleat_status follow(cleat__core *core, cleat__dag *dag, size_t step, cleat__buffer *desired)
{
    const cleat__plan_task *task = &dag->plan->tasks[step];
    cleat__buffer former = {0};
    cleat__wish wish = {.labels = NULL};
    cleat__uuid worker = {{0}};
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; i < task->said->parent_count && status == CLEAT_OK && cleat__uuid_is_nil(&worker);
         i++) {
        status = cleat__dag_worker(core->store, &dag->tasks[task->parents[i]].id, &worker);
    }
    if (status != CLEAT_OK || cleat__uuid_is_nil(&worker)) {
        return cleat__core_check(core, status);
    }
    status = cleat__dag_desired(core->store, &dag->tasks[step].id, &former);
    if (status == CLEAT_OK && former.size != 0) {
        status = cleat__wish_decode(cleat__buffer_slice(&former), &wish);
    }
    if (status == CLEAT_OK) {
        cleat__wish_encode(&worker, wish.labels != NULL ? wish.labels->items : NULL,
                           wish.labels != NULL ? wish.labels->count : 0, desired);
        status = desired->failed ? cleat__fail_memory() : CLEAT_OK;
    }
    if (status == CLEAT_OK) {
        cleat__wishes_leave(&core->wishes, dag->tasks[step].run);
        status = cleat__wishes_join(&core->wishes, dag->tasks[step].run, cleat__buffer_slice(desired));
    }
    cleat__free(wish.labels);
    cleat__buffer_deinit(&former);
    return cleat__core_check(core, status);
}

/* What is written of a task that is released. */
typedef struct releasing {
    cleat__buffer desired, limits, refusal;
} releasing;

/* Time that it has waited for the run's slots counts. */
static cleat_status enqueue(cleat__core *core, cleat__run *run)
{
    bool has_waited = run->timer.position != 0;
    int64_t deadline = run->deadline_ms;
    cleat_status status =
        cleat__life_enqueue(core, run, run->retry_count > 0 ? CLEAT__LEVEL_AHEAD : run->priority);
    return status == CLEAT_OK && has_waited
               ? cleat__core_check(core, cleat__runs_set_timer(&core->runs, run, deadline))
               : status;
}

static cleat_status write_release(cleat__core *core, cleat__dag *dag, size_t step, const releasing *what)
{
    const cleat_slice nothing = {NULL, 0};
    cleat__run *run = dag->tasks[step].run;
    cleat__attempt_key key = cleat__life_key(run);
    if (what->refusal.size != 0) {
        return cleat__life_reject(core, run, cleat__buffer_slice(&what->refusal));
    }
    cleat_status status = cleat__core_check(
        core,
        cleat__transition_unhold(core->store, &key, core->now.unix_ms,
                                 what->desired.size != 0 ? cleat__buffer_slice(&what->desired) : nothing,
                                 what->limits.size != 0 ? cleat__buffer_slice(&what->limits) : nothing));
    if (status != CLEAT_OK) {
        return status;
    }
    dag->tasks[step].stage = CLEAT__DAG_FREE;
    if (core->now.unix_ms != run->since_ms) { /* else it is queued since it was made */
        status = cleat__notes_add(core, run, CLEAT__NOTE_QUEUED, "Task was queued");
    }
    run->since_ms = core->now.unix_ms;
    return status == CLEAT_OK ? enqueue(core, run) : status;
}

/* Into its queue. */
static cleat_status release(cleat__core *core, cleat__dag *dag, size_t step)
{
    cleat__run *run = dag->tasks[step].run;
    releasing what = {.desired = {0}};
    cleat_status status = cleat__core_begin(core);
    if (status == CLEAT_OK && run->type->needs->sticky != CLEAT__STICKY_NONE) {
        status = follow(core, dag, step, &what.desired);
    }
    if (status == CLEAT_OK && cleat__run_has_limits(run)) {
        status =
            cleat__dag_limit_task(core, run, cleat__buffer_slice(&what.desired), &what.limits, &what.refusal);
    }
    if (status == CLEAT_OK) {
        status = write_release(core, dag, step, &what);
    }
    cleat__buffer_deinit(&what.desired);
    cleat__buffer_deinit(&what.limits);
    cleat__buffer_deinit(&what.refusal);
    return status;
}

cleat_status cleat__dag_go_on(cleat__core *core, cleat__dag *dag, size_t step)
{
    return dag->plan->tasks[step].wait_rule_count != 0 ? cleat__dag_arm(core, dag, step)
                                                       : release(core, dag, step);
}

/* Also one that has just ended, and is not looked at yet. */
static bool has_parents_left(const cleat__dag *dag, size_t step)
{
    const cleat__plan_task *task = &dag->plan->tasks[step];
    for (size_t i = 0; i < task->said->parent_count; i++) {
        if (!dag->tasks[task->parents[i]].is_judged) {
            return true;
        }
    }
    return false;
}

cleat_status cleat__dag_act(cleat__core *core, cleat__dag *dag, size_t step, cleat__step_action action)
{
    switch (action) {
    case CLEAT__STEP_SKIP: return cleat__life_skip(core, dag->tasks[step].run);
    case CLEAT__STEP_CANCEL: return cleat__life_cancel(core, dag->tasks[step].run);
    case CLEAT__STEP_QUEUE: return release(core, dag, step);
    default: return CLEAT_OK;
    }
}

cleat_status cleat__dag_decide(cleat__core *core, cleat__dag *dag, size_t step)
{
    const cleat__plan_task *task = &dag->plan->tasks[step];
    if (dag->tasks[step].stage != CLEAT__DAG_HELD || task->said->is_on_failure) {
        return CLEAT_OK;
    }
    cleat__step_action action =
        cleat__match_decide(task->parent_rules, task->parent_rule_count, dag->met + task->first_bit);
    if (action == CLEAT__STEP_WAIT && !has_parents_left(dag, step)) {
        action = CLEAT__STEP_CANCEL; /* nothing can meet its conditions any more */
    }
    if (action == CLEAT__STEP_QUEUE && !dag->is_admitted) {
        return CLEAT_OK; /* it is asked again when the run has its slots */
    }
    return action == CLEAT__STEP_QUEUE ? cleat__dag_go_on(core, dag, step)
                                       : cleat__dag_act(core, dag, step, action);
}

/* ---- One end after the other ---- */

static void push_ended(cleat__dag *dag, size_t step)
{
    dag->tasks[step].next_ended = dag->plan->task_count;
    if (dag->ended == dag->plan->task_count) {
        dag->ended = step;
    } else {
        dag->tasks[dag->last].next_ended = step;
    }
    dag->last = step;
}

static size_t pop_ended(cleat__dag *dag)
{
    size_t step = dag->ended;
    if (step != dag->plan->task_count) {
        dag->ended = dag->tasks[step].next_ended;
    }
    return step;
}

static cleat_status look_at_end(cleat__core *core, cleat__dag *dag, size_t step, cleat_slice text)
{
    const cleat__plan_task *task = &dag->plan->tasks[step];
    if (dag->is_cancelled) {
        return CLEAT_OK;
    }
    cleat_status status = cleat__core_check(core, cleat__dag_judge(dag, step, text));
    for (size_t i = 0; i < task->child_count && status == CLEAT_OK; i++) {
        status = cleat__dag_decide(core, dag, task->children[i]);
    }
    return status;
}

/* It runs when one has failed, and is skipped when none can any more. */
static cleat_status settle_on_failure(cleat__core *core, cleat__dag *dag, bool *has_acted)
{
    size_t step = dag->plan->on_failure;
    *has_acted = false;
    if (step == dag->plan->task_count || dag->tasks[step].stage != CLEAT__DAG_HELD) {
        return CLEAT_OK;
    }
    if (dag->failed != dag->plan->task_count && !dag->is_cancelled && dag->is_admitted) {
        *has_acted = true;
        return release(core, dag, step);
    }
    if (dag->left == 1) {
        *has_acted = true;
        return cleat__life_skip(core, dag->tasks[step].run);
    }
    return CLEAT_OK;
}

cleat_status cleat__dag_move(cleat__core *core, cleat__dag *dag)
{
    cleat_status status = CLEAT_OK;
    bool has_acted = true;
    while (status == CLEAT_OK && has_acted) {
        size_t step;
        while (status == CLEAT_OK && (step = pop_ended(dag)) != dag->plan->task_count) {
            /* Those that have run are looked at when they end; what ends meanwhile is skipped or cancelled. */
            status = look_at_end(core, dag, step, cleat_slice_of(CLEAT__SKIPPED_OUTPUT));
        }
        if (status == CLEAT_OK) {
            status = settle_on_failure(core, dag, &has_acted);
        }
    }
    dag->is_moving = false;
    return status == CLEAT_OK && dag->left == 0 ? cleat__dag_finish(core, dag) : status;
}

cleat_status cleat__dag_task_ended(cleat__core *core, cleat__run *run, cleat_slice text)
{
    cleat__dag *dag = cleat__dag_of_task(run);
    size_t step = run->type->step;
    cleat__dag_task *task = &dag->tasks[step];
    cleat_status status = task->stage == CLEAT__DAG_ARMED ? cleat__dag_disarm(core, dag, step) : CLEAT_OK;
    task->run = NULL;
    task->stage = CLEAT__DAG_ENDED;
    task->state = run->state;
    cleat__dag_note_text(task, text);
    dag->left--;
    if (run->state == CLEAT_RUN_FAILED && dag->failed == dag->plan->task_count &&
        step != dag->plan->on_failure) {
        dag->failed = step;
    }
    if (status != CLEAT_OK) {
        return status;
    }
    if (dag->is_moving) {
        push_ended(dag, step);
        return CLEAT_OK;
    }
    dag->is_moving = true;
    status = look_at_end(core, dag, step, text);
    return status == CLEAT_OK ? cleat__dag_move(core, dag) : status;
}
