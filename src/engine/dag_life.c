/* A run of several tasks from its trigger to its end. */
#include "engine/dag.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/log.h"
#include "engine/life_parts.h"
#include "store/dag.h"

/* ---- Its trigger ---- */

cleat_status cleat__dag_make_tasks(cleat__core *core, cleat__dag *dag, cleat_slice desired)
{
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; i < dag->plan->task_count && status == CLEAT_OK; i++) {
        cleat__task_type *type = dag->plan->tasks[i].type;
        cleat__uuid id = cleat__uuid_next(&core->ids, core->now.unix_ms);
        cleat__run *run = cleat__runs_new(&core->runs, &id, type);
        if (run == NULL) {
            return cleat__fail_memory();
        }
        if (cleat__run_is_durable(run)) {
            cleat__durable_make(cleat__durable_of(run));
        }
        run->state = CLEAT_RUN_QUEUED;
        run->priority = dag->durable.run.priority;
        run->since_ms = core->now.unix_ms;
        cleat__dag_add_task(dag, run, CLEAT__DAG_HELD);
        status = cleat__wishes_join(&core->wishes, run, desired);
    }
    return status;
}

/* Metadata are its own, so that it is found by them; the input is that of the run. */
static cleat_status write_task(cleat__core *core, const cleat__dag *dag, const cleat__new_task *row,
                               size_t step)
{
    const cleat__run *run = dag->tasks[step].run;
    const cleat__trigger trigger = {.input = cleat_slice_of("{}"), .metadata = row->trigger->metadata};
    const cleat__new_task task = {
        .id = run->id,
        .type_id = run->type->id,
        .priority = run->priority,
        .created_at_ms = row->created_at_ms,
        .trigger = &trigger,
        .desired = row->desired,
        .dag_id = dag->durable.run.id,
        .is_held = true,
    };
    cleat__uuid existing;
    return cleat__core_check(core, cleat__transition_trigger(core->store, &task, &existing));
}

cleat_status cleat__dag_start(cleat__core *core, cleat__dag *dag, const cleat__new_task *row,
                              cleat_slice refusal)
{
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; i < dag->plan->task_count && status == CLEAT_OK; i++) {
        status = write_task(core, dag, row, i);
        if (status == CLEAT_OK) {
            cleat__watches_start(core, dag->tasks[i].run, row->trigger->metadata);
        }
    }
    if (status != CLEAT_OK) {
        return status;
    }
    return refusal.size != 0 ? cleat__dag_reject(core, dag, refusal) : cleat__dag_line_up(core, dag);
}

cleat_status cleat__dag_reject(cleat__core *core, cleat__dag *dag, cleat_slice error)
{
    cleat_status status = CLEAT_OK;
    dag->is_moving = dag->is_cancelled = true;
    for (size_t i = 0; i < dag->plan->task_count && status == CLEAT_OK; i++) {
        cleat__run *run = dag->tasks[i].run;
        if (run != NULL && i != dag->plan->on_failure) {
            status = cleat__dag_is_first(dag, i) ? cleat__life_reject(core, run, error)
                                                 : cleat__life_cancel(core, run);
        }
    }
    return status == CLEAT_OK ? cleat__dag_move(core, dag) : status;
}

cleat_status cleat__dag_begin(cleat__core *core, cleat__dag *dag)
{
    cleat__run *run = &dag->durable.run;
    cleat__attempt_key key = cleat__life_key(run);
    if (run->state != CLEAT_RUN_QUEUED) {
        return CLEAT_OK;
    }
    cleat_status status = cleat__core_begin(core);
    if (status == CLEAT_OK) {
        status = cleat__core_check(core, cleat__transition_assign(core->store, &key, core->now.unix_ms));
    }
    if (status == CLEAT_OK) {
        cleat__life_set_state(core, run, cleat__state_next(run->state, CLEAT__EVENT_ASSIGN));
        run->since_ms = core->now.unix_ms;
    }
    return status;
}

/* ---- Its end ---- */

static bool has_any(const cleat__dag *dag, cleat_run_status state)
{
    for (size_t i = 0; i < dag->plan->task_count; i++) {
        if (dag->tasks[i].state == state) {
            return true;
        }
    }
    return false;
}

static void warn_left_out(const cleat__dag *dag, size_t step)
{
    static cleat__log_site site;
    cleat__log_limited(&site, CLEAT_LOG_WARN,
                       "the output of a run of \"%.*s\" is too large: that of task \"%.*s\" is not in it",
                       CLEAT_SLICE_ARGS(dag->durable.run.type->workflow->name),
                       CLEAT_SLICE_ARGS(dag->plan->tasks[step].said->name));
}

/* One that does not fit into the largest payload there may be is left out, unread: it stays the task's. */
static cleat_status add_output(cleat__core *core, const cleat__dag *dag, size_t step, cleat__buffer *out)
{
    enum { AROUND = 2 * CLEAT__NAME_MAX };
    const cleat__dag_task *task = &dag->tasks[step];
    if (task->state == CLEAT_RUN_COMPLETED && out->size + task->size + AROUND > CLEAT_PAYLOAD_MAX) {
        warn_left_out(dag, step);
        return CLEAT_OK;
    }
    cleat__buffer output = {0};
    cleat_status status = cleat__dag_output(core->store, &task->id, &output);
    if (status == CLEAT_OK) {
        cleat__buffer_append_byte(out, out->size == 0 ? '{' : ',');
        cleat__buffer_append_json(out, dag->plan->tasks[step].said->name);
        cleat__buffer_append_byte(out, ':');
        cleat__buffer_append_slice(out, cleat__buffer_slice(&output));
    }
    cleat__buffer_deinit(&output);
    return status == CLEAT_EMPTY ? CLEAT_OK : status;
}

static cleat_status collect_output(cleat__core *core, cleat__dag *dag, cleat__buffer *out)
{
    cleat_status status = cleat__dag_measure_all(core, dag, CLEAT_RUN_COMPLETED);
    for (size_t i = 0; i < dag->plan->task_count && status == CLEAT_OK; i++) {
        status = add_output(core, dag, i, out);
    }
    cleat__buffer_append_string(out, out->size == 0 ? "{}" : "}");
    return cleat__core_check(core, status == CLEAT_OK && out->failed ? cleat__fail_memory() : status);
}

static cleat_status complete(cleat__core *core, cleat__dag *dag)
{
    cleat__buffer output = {0};
    cleat_status status = cleat__dag_begin(core, dag); /* where all were skipped */
    if (status == CLEAT_OK) {
        status = collect_output(core, dag, &output);
    }
    if (status == CLEAT_OK) {
        status = cleat__life_complete(core, &dag->durable.run, cleat__buffer_slice(&output));
    }
    cleat__buffer_deinit(&output);
    return status;
}

/* By the error of the task that failed first, whoever failed behind it. */
static cleat_status fail(cleat__core *core, cleat__dag *dag)
{
    cleat__buffer error = {0};
    size_t step = dag->failed != dag->plan->task_count ? dag->failed : dag->plan->on_failure;
    cleat_status status = cleat__dag_begin(core, dag);
    if (status == CLEAT_OK) {
        status = cleat__dag_error(core->store, &dag->tasks[step].id, &error);
        status = cleat__core_check(core, status == CLEAT_EMPTY ? CLEAT_OK : status);
    }
    if (status == CLEAT_OK) {
        cleat_slice text = error.size != 0 ? cleat__buffer_slice(&error) : cleat_slice_of("");
        status = cleat__life_fail(core, &dag->durable.run, text, false);
    }
    cleat__buffer_deinit(&error);
    return status;
}

cleat_status cleat__dag_finish(cleat__core *core, cleat__dag *dag)
{
    cleat__run *run = &dag->durable.run;
    cleat_status status = cleat__core_begin(core);
    if (status != CLEAT_OK) {
        return status;
    }
    if (has_any(dag, CLEAT_RUN_FAILED)) {
        return fail(core, dag);
    }
    if (!has_any(dag, CLEAT_RUN_CANCELLED)) {
        return complete(core, dag);
    }
    return dag->is_superseded ? cleat__life_end_superseded(core, run) : cleat__life_end_cancelled(core, run);
}

cleat_status cleat__dag_cancel(cleat__core *core, cleat__dag *dag)
{
    cleat_status status = CLEAT_OK;
    size_t on_failure = dag->plan->on_failure;
    dag->is_moving = dag->is_cancelled = true;
    for (size_t i = 0; i < dag->plan->task_count && status == CLEAT_OK; i++) {
        bool is_left = i == on_failure && dag->tasks[i].stage == CLEAT__DAG_HELD;
        if (dag->tasks[i].run != NULL && !is_left) {
            status = dag->is_superseded ? cleat__life_supersede(core, dag->tasks[i].run)
                                        : cleat__life_cancel(core, dag->tasks[i].run);
        }
    }
    return status == CLEAT_OK ? cleat__dag_move(core, dag) : status;
}

void cleat__dag_drop(cleat__core *core, cleat__dag *dag)
{
    for (size_t i = 0; i < dag->plan->task_count; i++) {
        if (dag->tasks[i].run != NULL) {
            cleat__life_forget(core, dag->tasks[i].run);
            dag->tasks[i].run = NULL;
        }
    }
    cleat__durable_drop(core, &dag->durable);
}
