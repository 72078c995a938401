/* What a task of a run is told: the run's input, what its parents have made, and what it has waited for. */
#include "engine/dag.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/log.h"
#include "store/dag.h"

/* What is no object is not passed on (worker.md 5). */
static bool is_object(const cleat__buffer *text)
{
    size_t at = 0;
    while (at < text->size && memchr(" \t\r\n", text->data[at], 4) != NULL) {
        at++;
    }
    return at < text->size && text->data[at] == '{';
}

/* Together they are no larger than a payload may be: whoever asks for one that is left out hears that it is not there. */
static void add_member(cleat__buffer *out, cleat_slice name, const cleat__buffer *value, bool is_text)
{
    enum { AROUND = 2 * CLEAT__NAME_MAX };
    static cleat__log_site site;
    if (out->size + value->size + AROUND > CLEAT_PAYLOAD_MAX) {
        cleat__log_limited(&site, CLEAT_LOG_WARN,
                           "what the parents of a task have made is too large: it is not told of \"%.*s\"",
                           CLEAT_SLICE_ARGS(name));
        return;
    }
    cleat__buffer_append_byte(out, out->size == 0 ? '{' : ',');
    cleat__buffer_append_json(out, name);
    cleat__buffer_append_byte(out, ':');
    if (is_text) {
        cleat__buffer_append_json(out, cleat__buffer_slice(value));
    } else {
        cleat__buffer_append_slice(out, cleat__buffer_slice(value));
    }
}

static cleat_status close_object(cleat__buffer *out)
{
    cleat__buffer_append_string(out, out->size == 0 ? "{}" : "}");
    return out->failed ? cleat__fail_memory() : CLEAT_OK;
}

static cleat_status add_outputs(cleat__core *core, const cleat__dag *dag, size_t step, cleat__buffer *out)
{
    const cleat__plan_task *task = &dag->plan->tasks[step];
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; i < task->said->parent_count && status == CLEAT_OK; i++) {
        cleat__buffer output = {0};
        status = cleat__dag_output(core->store, &dag->tasks[task->parents[i]].id, &output);
        if (status == CLEAT_OK && is_object(&output)) {
            add_member(out, task->said->parents[i], &output, false);
        }
        status = status == CLEAT_EMPTY ? CLEAT_OK : status;
        cleat__buffer_deinit(&output);
    }
    return status == CLEAT_OK ? close_object(out) : status;
}

/* Those that are known by now. */
static cleat_status add_errors(cleat__core *core, const cleat__dag *dag, cleat__buffer *out)
{
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; i < dag->plan->task_count && status == CLEAT_OK; i++) {
        cleat__buffer error = {0};
        if (dag->tasks[i].stage != CLEAT__DAG_ENDED || dag->tasks[i].state != CLEAT_RUN_FAILED) {
            continue;
        }
        status = cleat__dag_error(core->store, &dag->tasks[i].id, &error);
        if (status == CLEAT_OK) {
            add_member(out, dag->plan->tasks[i].said->name, &error, true);
        }
        status = status == CLEAT_EMPTY ? CLEAT_OK : status;
        cleat__buffer_deinit(&error);
    }
    return status == CLEAT_OK ? close_object(out) : status;
}

typedef struct told {
    cleat__buffer parents, triggers, errors;
} told;

static cleat_status dress(const told *what, const cleat__run *run, const cleat__dag *dag,
                          cleat__assignment **assignment)
{
    cleat__assignment worn = **assignment;
    worn.task_id = run->id;
    worn.run_id = dag->durable.run.id;
    worn.parents = cleat__buffer_slice(&what->parents);
    worn.triggers = what->triggers.size != 0 ? cleat__buffer_slice(&what->triggers) : worn.triggers;
    worn.step_errors = what->errors.size != 0 ? cleat__buffer_slice(&what->errors) : worn.step_errors;
    cleat__assignment *dressed = cleat__assignment_copy(&worn);
    if (dressed == NULL) {
        return cleat__fail_memory();
    }
    cleat__free(*assignment);
    *assignment = dressed;
    return CLEAT_OK;
}

static cleat_status load(cleat__core *core, cleat__run *run, const cleat__type_names *names, told *what,
                         cleat__assignment **out)
{
    const cleat__dag *dag = *cleat__dag_slot(run);
    size_t step = run->type->step;
    cleat_status status = cleat__load_assignment(core->store, &dag->durable.run.id, names, out);
    if (status == CLEAT_OK) {
        status = add_outputs(core, dag, step, &what->parents);
    }
    if (status == CLEAT_OK && dag->plan->tasks[step].wait_rule_count != 0) {
        status = cleat__task_trigger_get(core->store, &run->id, &what->triggers);
    }
    if (status == CLEAT_OK && step == dag->plan->on_failure) {
        status = add_errors(core, dag, &what->errors);
    }
    return status == CLEAT_OK ? dress(what, run, dag, out) : status;
}

cleat_status cleat__dag_load_assignment(cleat__core *core, cleat__run *run, const cleat__type_names *names,
                                        cleat__assignment **out)
{
    told what = {.parents = {0}};
    cleat_status status = load(core, run, names, &what, out);
    cleat__buffer_deinit(&what.parents);
    cleat__buffer_deinit(&what.triggers);
    cleat__buffer_deinit(&what.errors);
    return cleat__core_check(core, status);
}
