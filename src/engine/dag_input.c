/* What a task of a run is told: the run's input, what its parents have made, and what it has waited for. */
#include "engine/dag.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/log.h"
#include "model/json_members.h"
#include "store/dag.h"

#include <stdlib.h>

/* A member that a task may be told of. */
typedef struct offer {
    size_t number;     /* where it stands */
    size_t size;       /* bytes of its value */
    cleat_slice name;  /* of the task whose it is; or, with a value, JSON */
    cleat_slice value; /* absent: it is in the file */
    const cleat__uuid *task_id;
    bool is_taken;
} offer;

static int compare_sizes(const void *a, const void *b)
{
    const offer *one = a, *other = b;
    if (one->size != other->size) {
        return one->size < other->size ? -1 : 1;
    }
    return one->number < other->number ? -1 : one->number > other->number;
}

static int compare_numbers(const void *a, const void *b)
{
    const offer *one = a, *other = b;
    return one->number < other->number ? -1 : one->number > other->number;
}

/* The smallest, as many as there is room for: what is left out need not be read. */
static void choose(offer *offers, size_t count, size_t room)
{
    qsort(offers, count, sizeof(*offers), compare_sizes);
    for (size_t i = 0; i < count && offers[i].size < room; i++) {
        offers[i].is_taken = true;
        room -= offers[i].size;
    }
    qsort(offers, count, sizeof(*offers), compare_numbers);
}

static void warn_left_out(cleat_slice name)
{
    static cleat__log_site site;
    cleat__log_limited(&site, CLEAT_LOG_WARN,
                       "what a task is to be told is too large together: it is not told of \"%.*s\"",
                       CLEAT_SLICE_ARGS(name));
}

/* Unless there is no room for it. */
static void add_member(cleat__buffer *out, const offer *it, cleat_slice value, bool is_text, size_t *room)
{
    size_t before = out->size;
    cleat__buffer_append_byte(out, before == 0 ? '{' : ',');
    if (it->value.data != NULL) {
        cleat__buffer_append_slice(out, it->name);
    } else {
        cleat__buffer_append_json(out, it->name);
    }
    cleat__buffer_append_byte(out, ':');
    if (is_text) {
        cleat__buffer_append_json(out, value);
    } else {
        cleat__buffer_append_slice(out, value);
    }
    size_t taken = out->size - before + (before == 0); /* with the bracket at the end */
    if (taken <= *room) {
        *room -= taken;
    } else {
        out->size = before;
        warn_left_out(it->name);
    }
}

typedef cleat_status (*reader)(cleat__store *store, const cleat__uuid *id, cleat__buffer *out);

static cleat_status add_one(cleat__core *core, const offer *it, reader read, size_t *room, cleat__buffer *out)
{
    cleat__buffer text = {0};
    if (!it->is_taken) {
        warn_left_out(it->name);
        return CLEAT_OK;
    }
    if (it->value.data != NULL) {
        add_member(out, it, it->value, false, room);
        return CLEAT_OK;
    }
    cleat_status status = read(core->store, it->task_id, &text);
    if (status == CLEAT_OK) {
        add_member(out, it, cleat__buffer_slice(&text), read == cleat__dag_error, room);
    }
    cleat__buffer_deinit(&text);
    return status == CLEAT_EMPTY ? CLEAT_OK : status;
}

/* An object of those for which there is room. */
static cleat_status add_all(cleat__core *core, offer *offers, size_t count, reader read, size_t *room,
                            cleat__buffer *out)
{
    cleat_status status = CLEAT_OK;
    choose(offers, count, *room);
    for (size_t i = 0; i < count && status == CLEAT_OK; i++) {
        status = add_one(core, &offers[i], read, room, out);
    }
    cleat__buffer_append_string(out, out->size == 0 ? "{}" : "}");
    return status == CLEAT_OK && out->failed ? cleat__fail_memory() : status;
}

static offer offer_of(const cleat__dag *dag, size_t step, size_t number)
{
    const cleat__dag_task *task = &dag->tasks[step];
    return (offer){.number = number,
                   .size = task->size,
                   .name = dag->plan->tasks[step].said->name,
                   .task_id = &task->id};
}

static cleat_status add_outputs(cleat__core *core, const cleat__dag *dag, size_t step, size_t *room,
                                cleat__buffer *out)
{
    const cleat__plan_task *task = &dag->plan->tasks[step];
    size_t count = 0;
    offer *offers = cleat__calloc(task->said->parent_count + 1, sizeof(*offers));
    if (offers == NULL) {
        return cleat__fail_memory();
    }
    for (size_t i = 0; i < task->said->parent_count; i++) {
        if (dag->tasks[task->parents[i]].has_object) {
            offers[count] = offer_of(dag, task->parents[i], count);
            count++;
        }
    }
    cleat_status status = add_all(core, offers, count, cleat__dag_output, room, out);
    cleat__free(offers);
    return status;
}

/* Those that are known by now. */
static cleat_status add_errors(cleat__core *core, const cleat__dag *dag, size_t *room, cleat__buffer *out)
{
    size_t count = 0;
    offer *offers = cleat__calloc(dag->plan->task_count, sizeof(*offers));
    if (offers == NULL) {
        return cleat__fail_memory();
    }
    for (size_t i = 0; i < dag->plan->task_count; i++) {
        if (dag->tasks[i].stage == CLEAT__DAG_ENDED && dag->tasks[i].state == CLEAT_RUN_FAILED) {
            offers[count] = offer_of(dag, i, count);
            count++;
        }
    }
    cleat_status status = add_all(core, offers, count, cleat__dag_error, room, out);
    cleat__free(offers);
    return status;
}

/* Its members, of which it has at most as many as the task has conditions. */
static cleat_status add_triggers(cleat__core *core, const cleat__dag *dag, const cleat__run *run,
                                 size_t *room, cleat__buffer *out)
{
    size_t count = 0, most = dag->plan->tasks[run->type->step].wait_rule_count;
    cleat__buffer stored = {0};
    cleat__json_cursor cursor;
    cleat_slice name, value;
    cleat_status status = cleat__task_trigger_get(core->store, &run->id, &stored);
    offer *offers = cleat__calloc(most, sizeof(*offers));
    if (status == CLEAT_OK && offers == NULL) {
        status = cleat__fail_memory();
    }
    if (status == CLEAT_OK && stored.size != 0) {
        cleat__json_members(cleat__buffer_slice(&stored), &cursor);
        for (; count < most && cleat__json_next_member(&cursor, &name, &value); count++) {
            offers[count] = (offer){.number = count, .size = value.size, .name = name, .value = value};
        }
        status = add_all(core, offers, count, NULL, room, out);
    }
    cleat__free(offers);
    cleat__buffer_deinit(&stored);
    return status;
}

/* What is left for all that comes with what the run was triggered with. */
static size_t room_beside(const cleat__assignment *of)
{
    size_t taken = of->input.size + of->metadata.size + of->filter_payload.size + of->event_key.size +
                   of->child_key.size;
    return taken < CLEAT__DAG_TOLD_MAX ? CLEAT__DAG_TOLD_MAX - taken : 0;
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
    cleat__dag *dag = cleat__dag_of_task(run);
    size_t step = run->type->step, room = 0;
    cleat_status status = cleat__load_assignment(core->store, &dag->durable.run.id, names, out);
    if (status == CLEAT_OK) {
        status = cleat__dag_measure_parents(core, dag, step);
    }
    if (status == CLEAT_OK && step == dag->plan->on_failure) {
        status = cleat__dag_measure_all(core, dag, CLEAT_RUN_FAILED);
    }
    if (status == CLEAT_OK) {
        room = room_beside(*out);
    }
    if (status == CLEAT_OK && dag->plan->tasks[step].wait_rule_count != 0) {
        status = add_triggers(core, dag, run, &room, &what->triggers);
    }
    if (status == CLEAT_OK) {
        status = add_outputs(core, dag, step, &room, &what->parents);
    }
    if (status == CLEAT_OK && step == dag->plan->on_failure) {
        status = add_errors(core, dag, &room, &what->errors);
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
    return status;
}
