/*
 * cleat_worker_add_dag(). The workflow and each of its tasks are copied as tasks that are alone are; what ties them
 * together, parents and conditions, is put on top.
 */
#include "sdk/worker.h"

#include "base/alloc.h"
#include "base/error.h"
#include "model/duration.h"
#include "model/texts.h"
#include "sdk/options.h"

#include <stdio.h>

void cleat__dag_declaration_free(cleat__dag_declaration *dag)
{
    if (dag != NULL) {
        for (cleat__declaration *next, *it = dag->tasks; it != NULL; it = next) {
            next = it->next;
            cleat__declaration_free(it);
        }
        cleat__arena_deinit(&dag->memory);
        cleat__free(dag);
    }
}

/* ---- Conditions ---- */

static cleat_status keep(cleat__arena *memory, const char *text, cleat_slice *out)
{
    return cleat__arena_keep(memory, cleat_slice_of(text), out) ? CLEAT_OK : cleat__fail_memory();
}

/* Engines want an id. The same in each declaration, or that would be a new version. */
static cleat_status name_group(cleat__arena *memory, const cleat_dag_condition *from, size_t index,
                               cleat__step_condition *to)
{
    char text[37];
    bool is_shared = from->or_group != 0;
    (void)snprintf(text, sizeof(text), "00000000-0000-8000-8%d%02d-%012x", is_shared ? 1 : 0, (int)to->action,
                   is_shared ? (unsigned)from->or_group : (unsigned)index);
    return keep(memory, text, &to->of.group);
}

static cleat_status check_condition(const char *task, const cleat_dag_condition *from)
{
    int kinds = (from->parent != NULL) + (from->sleep_for != NULL) + (from->event_key != NULL);
    if (kinds != 1) {
        return cleat__fail(
            CLEAT_INVALID_ARGUMENT,
            "a condition of task \"%s\" has %d of parent, sleep_for and event_key: it needs one", task,
            kinds);
    }
    if (from->sleep_for != NULL && from->expression != NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT,
                           "a condition of task \"%s\" is the time \"%s\", which has no expression", task,
                           from->sleep_for);
    }
    if (from->scope != NULL && from->event_key == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT,
                           "a condition of task \"%s\" has the scope \"%s\", and is no event", task,
                           from->scope);
    }
    if (from->or_group < 0) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT,
                           "a condition of task \"%s\" has the or_group %d: it is 1 or more, or 0 for none",
                           task, from->or_group);
    }
    if (from->name != NULL && from->name[0] == '\0') {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "a condition of task \"%s\" cannot have the name \"\"",
                           task);
    }
    return CLEAT_OK;
}

static cleat_status copy_condition(cleat__arena *memory, const char *task, const cleat_dag_condition *from,
                                   size_t index, cleat__step_condition *to)
{
    const char *name = from->name;
    cleat_status status = check_condition(task, from);
    if (status == CLEAT_OK) {
        status = name_group(memory, from, index, to);
    }
    if (status == CLEAT_OK) {
        status = keep(memory, from->expression, &to->of.expression);
    }
    if (status == CLEAT_OK && from->parent != NULL) {
        name = from->parent;
        status = keep(memory, from->parent, &to->parent);
    } else if (status == CLEAT_OK && from->sleep_for != NULL) {
        to->of.kind = CLEAT__CONDITION_SLEEP;
        name = name != NULL ? name : from->sleep_for;
        status = keep(memory, from->sleep_for, &to->of.sleep_text);
        status = status == CLEAT_OK ? cleat__duration_parse("sleep_for", to->of.sleep_text, &to->of.sleep_ms)
                                    : status;
    } else if (status == CLEAT_OK) {
        to->of.kind = CLEAT__CONDITION_EVENT;
        name = name != NULL ? name : from->event_key;
        status = keep(memory, from->event_key, &to->of.key);
        status = status == CLEAT_OK ? keep(memory, from->scope, &to->of.scope) : status;
    }
    return status == CLEAT_OK ? keep(memory, name, &to->of.data_key) : status;
}

/* What one action has; in the order in which they are checked. */
typedef struct condition_list {
    const char *field;
    const cleat_dag_condition *items;
    size_t count;
    cleat__step_action action;
} condition_list;

/* Parents come first: a group with one of each would wait for both. */
static cleat_status check_group(const char *task, const condition_list *list, size_t index)
{
    const cleat_dag_condition *items = list->items;
    for (size_t i = 0; i < index && items[index].or_group != 0; i++) {
        if (items[i].or_group == items[index].or_group &&
            (items[i].parent != NULL) != (items[index].parent != NULL)) {
            return cleat__fail(
                CLEAT_INVALID_ARGUMENT,
                "group %d in %s of task \"%s\" has both a parent and a time or an event: they are no "
                "alternatives, since parents are looked at before",
                items[index].or_group, list->field, task);
        }
    }
    return CLEAT_OK;
}

/* The task would be told one of them. Of alternatives it is told one in any case. */
static cleat_status check_names(const char *task, const cleat__step_condition *list, size_t index)
{
    const cleat__step_condition *last = &list[index];
    for (size_t i = 0; i < index && last->action == CLEAT__STEP_QUEUE && last->parent.data == NULL; i++) {
        if (list[i].parent.data == NULL && cleat_slice_equals(list[i].of.data_key, last->of.data_key) &&
            !cleat_slice_equals(list[i].of.group, last->of.group)) {
            return cleat__fail(CLEAT_INVALID_ARGUMENT,
                               "two conditions in wait_for of task \"%s\" are called \"%.*s\": give one of "
                               "them another name",
                               task, CLEAT_SLICE_ARGS(last->of.data_key));
        }
    }
    return CLEAT_OK;
}

static cleat_status copy_list(cleat__arena *memory, const char *task, const condition_list *list,
                              cleat__step_condition *to)
{
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; i < list->count && status == CLEAT_OK; i++) {
        to[i].action = list->action;
        status = copy_condition(memory, task, &list->items[i], i, &to[i]);
        status = status == CLEAT_OK ? check_group(task, list, i) : status;
        status = status == CLEAT_OK ? check_names(task, to, i) : status;
    }
    return status;
}

static cleat_status copy_conditions(cleat__arena *memory, const cleat_dag_task *from,
                                    cleat__workflow_task *to)
{
    const condition_list lists[] = {
        {"wait_for", from->wait_for, from->wait_for_count, CLEAT__STEP_QUEUE},
        {"skip_if", from->skip_if, from->skip_if_count, CLEAT__STEP_SKIP},
        {"cancel_if", from->cancel_if, from->cancel_if_count, CLEAT__STEP_CANCEL},
    };
    enum { LISTS = sizeof(lists) / sizeof(lists[0]) };
    size_t count = 0;
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; i < LISTS; i++) {
        if (lists[i].count > CLEAT__CONDITIONS_MAX || (lists[i].count != 0 && lists[i].items == NULL)) {
            return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s of task \"%s\" %s", lists[i].field, from->name,
                               lists[i].items == NULL ? "is NULL, but its count is not 0"
                                                      : "has more than 100 conditions");
        }
        count += lists[i].count;
    }
    if (count == 0) {
        return CLEAT_OK;
    }
    cleat__step_condition *conditions = cleat__arena_take(memory, count * sizeof(*conditions));
    if (conditions == NULL) {
        return cleat__fail_memory();
    }
    to->conditions = conditions;
    to->condition_count = count;
    for (size_t i = 0; i < LISTS && status == CLEAT_OK; i++) {
        status = copy_list(memory, from->name, &lists[i], conditions);
        conditions += lists[i].count;
    }
    return status;
}

/* ---- Tasks ---- */

static cleat_status copy_parents(cleat__arena *memory, const char *const *from, cleat__workflow_task *to)
{
    size_t count = cleat__texts_count(from);
    cleat_status status = CLEAT_OK;
    if (count == 0) {
        return CLEAT_OK;
    }
    cleat_slice *parents = cleat__arena_take(memory, count * sizeof(*parents));
    if (parents == NULL) {
        return cleat__fail_memory();
    }
    for (size_t i = 0; i < count && status == CLEAT_OK; i++) {
        status = keep(memory, from[i], &parents[i]);
    }
    to->parents = parents;
    to->parent_count = count;
    return status;
}

/* As a task that is alone: "etl:extract". */
static cleat_status copy_alone(const cleat_dag_options *dag, const cleat_dag_task *from,
                               cleat__declaration **out)
{
    char name[2 * CLEAT__TASK_NAME_MAX + 2];
    const cleat_task_options same = {
        .struct_size = sizeof(same),
        .name = name,
        .run = from->run,
        .user_data = from->user_data,
        .retries = from->retries,
        .backoff_initial_ms = from->backoff_initial_ms,
        .backoff_factor = from->backoff_factor,
        .backoff_max_ms = from->backoff_max_ms,
        .execution_timeout_ms = from->execution_timeout_ms,
        .schedule_timeout_ms = from->schedule_timeout_ms,
        .priority = dag->priority,
        .desired_labels = from->desired_labels,
        .desired_label_count = from->desired_label_count,
        .slot_requests = from->slot_requests,
        .slot_request_count = from->slot_request_count,
        .concurrency = from->concurrency,
        .concurrency_count = from->concurrency_count,
        .rate_limits = from->rate_limits,
        .rate_limit_count = from->rate_limit_count,
        .batch = from->batch,
        .run_batch = from->run_batch,
    };
    (void)snprintf(name, sizeof(name), "%s:%s", dag->name, from->name);
    cleat_status status = cleat__declaration_new(&same, out);
    if (status == CLEAT_OK && from->is_durable) { /* its trace is that of the others */
        status = cleat__declaration_make_durable(*out, CLEAT_HATCHET_SPANS, name, NULL);
    }
    if (status != CLEAT_OK) {
        cleat__declaration_free(*out);
        *out = NULL;
    }
    return status;
}

static cleat_status add_task(cleat_worker *worker, const cleat_dag_options *dag,
                             const cleat_dag_task *options, cleat__dag_declaration *to)
{
    cleat_dag_task from;
    cleat__workflow alone;
    cleat__declaration *declaration = NULL;
    cleat__workflow_task *task = &to->all[to->count];
    cleat_status status = cleat__options_read("CLEAT_DAG_TASK", options, &from, sizeof(from));
    if (status == CLEAT_OK) {
        status = cleat__worker_check_new(worker, from.name, from.run != NULL || from.run_batch != NULL);
    }
    if (status == CLEAT_OK) {
        status = copy_alone(dag, &from, &declaration);
    }
    to->has_durable = to->has_durable || from.is_durable;
    if (status != CLEAT_OK) {
        return status;
    }
    declaration->of = to;
    declaration->next = to->tasks;
    to->tasks = declaration;
    to->count++;
    cleat__declaration_describe(declaration, task, &alone);
    task->is_on_failure = options == dag->on_failure;
    status = copy_parents(&to->memory, from.parents, task);
    return status == CLEAT_OK ? copy_conditions(&to->memory, &from, task) : status;
}

/* Each name that is a parent's. */
static cleat_status note_parents(const cleat__dag_declaration *of, cleat__map *parents)
{
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; i < of->count; i++) {
        const cleat__workflow_task *task = &of->all[i];
        for (size_t j = 0; j < task->parent_count && status == CLEAT_OK; j++) {
            status = cleat__map_put(parents, task->parents[j], of->all);
        }
    }
    return status;
}

/* Behind those that are nobody's parents. Where all are somebody's they wait for each other, which is refused in the end. */
static cleat_status follow_last(cleat__dag_declaration *of, cleat__workflow_task *task, size_t count)
{
    cleat__map parents = {0};
    cleat_slice *last = cleat__arena_take(&of->memory, count * sizeof(*last));
    cleat_status status = last != NULL ? note_parents(of, &parents) : cleat__fail_memory();
    for (size_t i = 0; i < count && status == CLEAT_OK; i++) {
        if (cleat__map_get(&parents, of->all[i].name) == NULL) {
            last[task->parent_count++] = of->all[i].name;
        }
    }
    task->parents = last;
    cleat__map_deinit(&parents);
    return status;
}

static cleat_status add_on_success(cleat_worker *worker, const cleat_dag_options *options,
                                   cleat__dag_declaration *to)
{
    size_t count = to->count;
    cleat_status status = add_task(worker, options, options->on_success, to);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__workflow_task *task = &to->all[count];
    return task->parent_count == 0
               ? follow_last(to, task, count)
               : cleat__fail(CLEAT_INVALID_ARGUMENT,
                             "task \"%.*s\" is on_success, which is behind all others: it names no parents",
                             CLEAT_SLICE_ARGS(task->name));
}

static cleat_status add_tasks(cleat_worker *worker, const cleat_dag_options *options,
                              cleat__dag_declaration *to)
{
    size_t count = 0;
    cleat_status status = CLEAT_OK;
    while (options->tasks != NULL && options->tasks[count] != NULL) {
        count++;
    }
    size_t all = count + (options->on_failure != NULL) + (options->on_success != NULL);
    if (count == 0 || all > CLEAT__TASKS_MAX) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "workflow \"%s\" has %zu tasks%s; it needs 1 to %d",
                           options->name, all, all != count ? " with those for its end" : "",
                           CLEAT__TASKS_MAX);
    }
    to->all = cleat__arena_take(&to->memory, all * sizeof(*to->all));
    if (to->all == NULL) {
        return cleat__fail_memory();
    }
    for (size_t i = 0; i < count && status == CLEAT_OK; i++) {
        status = add_task(worker, options, options->tasks[i], to);
    }
    if (status == CLEAT_OK && options->on_success != NULL) {
        status = add_on_success(worker, options, to);
    }
    return status == CLEAT_OK && options->on_failure != NULL
               ? add_task(worker, options, options->on_failure, to)
               : status;
}

/* ---- The workflow ---- */

/* What it says itself, as if it were a task that is alone. */
static cleat_status copy_head(const cleat_dag_options *options, cleat__declaration **out)
{
    const cleat_task_options same = {
        .struct_size = sizeof(same),
        .name = options->name,
        .priority = options->priority,
        .on_events = options->on_events,
        .on_crons = options->on_crons,
        .cron_input = options->cron_input,
        .sticky = options->sticky,
        .description = options->description,
        .input_json_schema = options->input_json_schema,
        .default_filters = options->default_filters,
        .default_filter_count = options->default_filter_count,
        .idempotency = options->idempotency,
        .concurrency = options->concurrency,
        .concurrency_count = options->concurrency_count,
    };
    if (options->name == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "name is NULL: a workflow needs a name");
    }
    if (strchr(options->name, ':') != NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT,
                           "the workflow \"%s\" cannot have a ':' in its name: its tasks are \"name:task\"",
                           options->name);
    }
    return cleat__declaration_new(&same, out);
}

static cleat_status check_whole(const cleat__declaration *head)
{
    cleat__workflow whole;
    cleat__workflow_task unused;
    cleat__declaration_describe(head, &unused, &whole);
    return cleat__workflow_check(&whole);
}

static cleat_status declaration_new(cleat_worker *worker, const cleat_dag_options *options,
                                    cleat__declaration **out)
{
    cleat__declaration *head = NULL;
    cleat_status status = copy_head(options, &head);
    if (status != CLEAT_OK) {
        return status;
    }
    head->dag = cleat__calloc(1, sizeof(*head->dag));
    status = head->dag != NULL ? add_tasks(worker, options, head->dag) : cleat__fail_memory();
    if (status == CLEAT_OK) {
        status = check_whole(head);
    }
    if (status != CLEAT_OK) {
        cleat__declaration_free(head);
        return status;
    }
    *out = head;
    return CLEAT_OK;
}

/* ---- The worker ---- */

static cleat_status check_free(const cleat_worker *worker, const cleat__declaration *head)
{
    for (const cleat__declaration *it = head->dag->tasks; it != NULL; it = it->next) {
        if (cleat__map_get(&worker->by_action, cleat_slice_of(it->action)) != NULL) {
            return cleat__fail(CLEAT_ALREADY_EXISTS, "this worker has a task \"%s\" already", it->action);
        }
    }
    return cleat__worker_check_workflow(worker, head->action);
}

/* All of them or none. */
static cleat_status put_tasks(cleat_worker *worker, const cleat__declaration *head)
{
    cleat__declaration *it = head->dag->tasks;
    cleat_status status = CLEAT_OK;
    for (; it != NULL && status == CLEAT_OK; it = it->next) {
        status = cleat__map_put(&worker->by_action, cleat_slice_of(it->action), it);
    }
    for (cleat__declaration *put = head->dag->tasks; status != CLEAT_OK && put != it; put = put->next) {
        (void)cleat__map_remove(&worker->by_action, cleat_slice_of(put->action));
    }
    return status;
}

static cleat_status declare(cleat_worker *worker, const cleat_dag_options *options)
{
    cleat__declaration *head = NULL;
    cleat_status status = declaration_new(worker, options, &head);
    if (status == CLEAT_OK) {
        status = check_free(worker, head);
    }
    if (status == CLEAT_OK && head->dag->has_durable) {
        status = cleat__worker_offer_durable(worker);
    }
    if (status == CLEAT_OK) {
        status = put_tasks(worker, head);
    }
    if (status != CLEAT_OK) {
        cleat__declaration_free(head);
        return status;
    }
    head->next = worker->declarations;
    worker->declarations = head;
    worker->action_count += head->dag->count;
    return CLEAT_OK;
}

cleat_status cleat_worker_add_dag(cleat_worker *worker, const cleat_dag_options *options)
{
    cleat_dag_options known;
    if (worker == NULL || options == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s is NULL", worker == NULL ? "worker" : "options");
    }
    cleat_status status = cleat__options_read("CLEAT_DAG_OPTIONS", options, &known, sizeof(known));
    return status == CLEAT_OK ? declare(worker, &known) : status;
}
