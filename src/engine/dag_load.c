/* Runs of several tasks whose tasks are in the file: after a restart, and when they run again. */
#include "engine/dag.h"

#include "base/alloc.h"
#include "base/error.h"
#include "engine/life_parts.h"
#include "store/dag.h"

static cleat_status fail_corrupt(void)
{
    return cleat__fail(CLEAT_CORRUPT, "the tasks of a run in the database make no sense; restore a copy");
}

/* ---- What the file says of those that have ended ---- */

typedef struct loading {
    cleat__core *core;
    cleat__dag *dag;
    int64_t failed_at_ms; /* of the first that has failed */
    size_t count;
} loading;

static cleat_status take_row(void *argument, const cleat__dag_row *row)
{
    loading *self = argument;
    cleat__dag *dag = self->dag;
    const cleat__task_type *type = cleat__catalog_find_type(&self->core->catalog, row->type_id);
    if (type == NULL || type->dag != dag->durable.run.type) {
        return fail_corrupt();
    }
    self->count++;
    cleat__dag_task *task = &dag->tasks[type->step];
    if (task->run != NULL) {
        return cleat__uuid_equals(&task->id, &row->id) ? CLEAT_OK : fail_corrupt();
    }
    if (!row->has_ended) {
        return fail_corrupt();
    }
    task->id = row->id;
    task->state = (uint8_t)row->state;
    bool is_first = dag->failed == dag->plan->task_count || row->finished_at_ms < self->failed_at_ms;
    if (row->state == CLEAT_RUN_FAILED && type->step != dag->plan->on_failure && is_first) {
        dag->failed = type->step;
        self->failed_at_ms = row->finished_at_ms;
    }
    return CLEAT_OK;
}

static bool are_all_live(const cleat__dag *dag)
{
    size_t i = 0;
    while (i < dag->plan->task_count && dag->tasks[i].run != NULL) {
        i++;
    }
    return i == dag->plan->task_count;
}

/* Of a run whose live tasks are there. */
cleat_status cleat__dag_recover(cleat__core *core, cleat__dag *dag)
{
    loading self = {.core = core, .dag = dag};
    if (are_all_live(dag)) {
        return CLEAT_OK;
    }
    cleat_status status =
        cleat__dag_list(core->store, &dag->durable.run.id, CLEAT__DAG_WITHOUT_RESULTS, take_row, &self);
    return status == CLEAT_OK && self.count != dag->plan->task_count ? fail_corrupt() : status;
}

/* ---- What that says to those that are held ---- */

/* The task is skipped where all of its parents were: not any more when one is known not to have been. */
static bool may_be_skipped(const cleat__dag *dag, size_t step)
{
    const cleat__plan_task *task = &dag->plan->tasks[step];
    for (size_t i = 0; i < task->parent_rule_count; i++) {
        const cleat__match_rule *rule = &task->parent_rules[i];
        if (rule->test == CLEAT__MATCH_SKIPPED && dag->tasks[task->parents[rule->parent]].is_judged &&
            !dag->met[task->first_bit + i]) {
            return false;
        }
    }
    return true;
}

/* Whether a rule of the child looks at the output of that parent, and anything follows from it. */
static bool asks_output(const cleat__dag *dag, size_t parent, size_t child)
{
    const cleat__plan_task *task = &dag->plan->tasks[child];
    for (size_t i = 0; i < task->parent_rule_count; i++) {
        const cleat__match_rule *rule = &task->parent_rules[i];
        bool is_of_it = task->parents[rule->parent] == parent && (rule->on & CLEAT__MATCH_COMPLETED) != 0;
        if (is_of_it && (rule->test == CLEAT__MATCH_EXPRESSION ||
                         (rule->test == CLEAT__MATCH_SKIPPED && may_be_skipped(dag, child)))) {
            return true;
        }
    }
    return false;
}

static bool is_output_asked(const cleat__dag *dag, size_t parent)
{
    const cleat__plan_task *task = &dag->plan->tasks[parent];
    bool is_asked = false;
    for (size_t i = 0; i < task->child_count && !is_asked; i++) {
        size_t child = task->children[i];
        is_asked = dag->tasks[child].stage == CLEAT__DAG_HELD && asks_output(dag, parent, child);
    }
    return is_asked && dag->tasks[parent].state == CLEAT_RUN_COMPLETED;
}

static cleat_status recover_rules_of(cleat__core *core, cleat__dag *dag, size_t parent)
{
    cleat__buffer output = {0};
    cleat_status status = CLEAT_OK;
    if (is_output_asked(dag, parent)) {
        status = cleat__dag_output(core->store, &dag->tasks[parent].id, &output);
        cleat__dag_note_text(&dag->tasks[parent], cleat__buffer_slice(&output));
    }
    if (status == CLEAT_OK) {
        status = cleat__dag_judge(dag, parent, cleat__buffer_slice(&output));
    }
    cleat__buffer_deinit(&output);
    return status;
}

cleat_status cleat__dag_recover_rules(cleat__core *core, cleat__dag *dag)
{
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; i < dag->plan->task_count && status == CLEAT_OK; i++) {
        if (dag->tasks[i].stage == CLEAT__DAG_ENDED) {
            status = recover_rules_of(core, dag, i);
        }
    }
    return status;
}

/* ---- Again ---- */

typedef struct again {
    cleat__core *core;
    const cleat__plan *plan;
    cleat__task_type *type; /* of the run */
    cleat__uuid id;         /* of the run */
    cleat__ended_row ended;
    cleat__ended_row *rows; /* of the tasks */
    cleat__uuid *ids;
    bool *is_again; /* which of these run again */
    size_t first;   /* the task that begins; task_count: those without parents */
    cleat__dag *dag;
    cleat__buffer limits, refusal; /* the run's keys, or why it has none */
} again;

static cleat_status take_task(void *argument, const cleat__dag_row *row)
{
    again *self = argument;
    const cleat__task_type *type = cleat__catalog_find_type(&self->core->catalog, row->type_id);
    if (type == NULL || type->dag != self->type) {
        return fail_corrupt();
    }
    self->ids[type->step] = row->id;
    return CLEAT_OK;
}

/* The task, all behind it, and what runs on a failure. */
static void mark(again *self)
{
    bool has_grown = true;
    for (size_t i = 0; i < self->plan->task_count; i++) {
        self->is_again[i] =
            self->first == self->plan->task_count || i == self->first || i == self->plan->on_failure;
    }
    while (has_grown) {
        has_grown = false;
        for (size_t i = 0; i < self->plan->task_count; i++) {
            const cleat__plan_task *task = &self->plan->tasks[i];
            for (size_t j = 0; self->is_again[i] && j < task->child_count; j++) {
                has_grown = has_grown || !self->is_again[task->children[j]];
                self->is_again[task->children[j]] = true;
            }
        }
    }
}

static cleat_status load_rows(again *self, int64_t tenant)
{
    cleat_status status = cleat__load_ended(self->core->store, tenant, &self->id, &self->ended);
    if (status == CLEAT_OK) {
        status = cleat__dag_list(self->core->store, &self->id, CLEAT__DAG_WITHOUT_RESULTS, take_task, self);
    }
    for (size_t i = 0; i < self->plan->task_count && status == CLEAT_OK; i++) {
        if (self->is_again[i]) {
            status = cleat__load_ended(self->core->store, tenant, &self->ids[i], &self->rows[i]);
        }
    }
    return status;
}

static cleat_status make_run(again *self, const cleat__uuid *id, cleat__task_type *type,
                             const cleat__ended_row *row, cleat__run **out)
{
    cleat__run *run = cleat__runs_new(&self->core->runs, id, type);
    *out = run;
    if (run == NULL) {
        return cleat__fail_memory();
    }
    run->state = CLEAT_RUN_QUEUED;
    run->priority = (uint8_t)(row->priority & 0xF);
    run->retry_count = run->first_retry = row->retry_count + 1;
    run->since_ms = self->core->now.unix_ms;
    return CLEAT_OK;
}

static cleat_status make_task(again *self, size_t step)
{
    cleat__run *run = NULL;
    const cleat__ended_row *row = &self->rows[step];
    cleat_status status = make_run(self, &self->ids[step], self->plan->tasks[step].type, row, &run);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__dag_add_task(self->dag, run, CLEAT__DAG_HELD);
    return row->desired.size != 0
               ? cleat__wishes_join(&self->core->wishes, run, cleat__buffer_slice(&row->desired))
               : CLEAT_OK;
}

/* Its keys are found out anew. */
static cleat_status look_at_limits(again *self, cleat__run *run)
{
    if (!cleat__run_is_limited(run)) {
        return CLEAT_OK;
    }
    cleat_status status = cleat__limits_find_keys(self->core, run, &self->limits, &self->refusal);
    return status == CLEAT_OK && self->refusal.size == 0
               ? cleat__limits_attach(self->core, run, (cleat_slice){NULL, 0},
                                      cleat__buffer_slice(&self->limits))
               : status;
}

/* In memory; whatever goes wrong leaves nothing. */
static cleat_status make_all(again *self)
{
    cleat__run *run = NULL;
    cleat_status status = make_run(self, &self->id, self->type, &self->ended, &run);
    if (status != CLEAT_OK) {
        return status;
    }
    self->dag = cleat__dag_of_run(run);
    self->dag->first = self->first;
    for (size_t i = 0; i < self->plan->task_count && status == CLEAT_OK; i++) {
        status = self->is_again[i] ? make_task(self, i) : CLEAT_OK;
    }
    if (status == CLEAT_OK) {
        status = look_at_limits(self, run);
    }
    if (status == CLEAT_OK) {
        status = cleat__dag_recover(self->core, self->dag);
    }
    if (status == CLEAT_OK) {
        status = cleat__dag_recover_rules(self->core, self->dag);
    }
    if (status != CLEAT_OK) {
        cleat__life_forget(self->core, run);
    }
    return status;
}

/* What a task takes of limits is found out when it comes into its queue. */
static cleat_status write(again *self, const cleat__uuid *id, const cleat__ended_row *row,
                          const cleat__task_type *type, cleat_slice limits)
{
    const cleat__attempt_key key = {.id = *id, .retry_count = row->retry_count};
    if (cleat__type_has_limits(type)) {
        cleat_status status =
            cleat__core_check(self->core, cleat__transition_set_limits(self->core->store, id, limits));
        if (status != CLEAT_OK) {
            return status;
        }
    }
    return cleat__core_check(self->core, cleat__transition_replay(self->core->store, &key, row->state,
                                                                  self->core->now.unix_ms, true));
}

static cleat_status write_all(again *self)
{
    const cleat_slice nothing = {NULL, 0};
    cleat_status status = cleat__core_begin(self->core);
    if (status == CLEAT_OK) {
        cleat_slice limits = self->limits.size != 0 ? cleat__buffer_slice(&self->limits) : nothing;
        status = write(self, &self->id, &self->ended, self->type, limits);
    }
    for (size_t i = 0; i < self->plan->task_count && status == CLEAT_OK; i++) {
        if (self->is_again[i]) {
            status = write(self, &self->ids[i], &self->rows[i], self->plan->tasks[i].type, nothing);
        }
        if (status == CLEAT_OK && self->is_again[i]) {
            status = cleat__watches_restart(self->core, self->dag->tasks[i].run);
        }
    }
    return status;
}

static cleat_status replay(again *self, int64_t tenant)
{
    mark(self);
    cleat_status status = load_rows(self, tenant);
    if (status != CLEAT_OK) { /* the run may have been removed, which goes before its tasks */
        return status == CLEAT_NOT_FOUND ? status : cleat__core_check_alone(self->core, status);
    }
    status = make_all(self);
    if (status != CLEAT_OK) {
        return cleat__core_check_alone(self->core, status);
    }
    status = write_all(self);
    if (status != CLEAT_OK) {
        return status;
    }
    return self->refusal.size != 0
               ? cleat__dag_reject(self->core, self->dag, cleat__buffer_slice(&self->refusal))
               : cleat__dag_line_up(self->core, self->dag);
}

static cleat_status find_run(cleat__core *core, const cleat__uuid *id, const cleat__task_type *type,
                             cleat__uuid *run_id)
{
    *run_id = *id;
    cleat_status status = type->plan == NULL ? cleat__dag_of(core->store, id, run_id) : CLEAT_OK;
    if (status != CLEAT_OK) {
        status = cleat__core_check_alone(core, status);
    }
    if (status == CLEAT_OK && cleat__runs_find(&core->runs, run_id) != NULL) {
        char text[37];
        cleat__uuid_format(run_id, text);
        return cleat__fail(CLEAT_FAILED_PRECONDITION, "run %s has not ended", text);
    }
    return status;
}

cleat_status cleat__dag_replay(cleat__core *core, int64_t tenant, const cleat__uuid *id,
                               const cleat__task_type *type)
{
    again self = {.core = core};
    self.type = cleat__catalog_find_type(&core->catalog, type->plan != NULL ? type->id : type->dag->id);
    self.plan = self.type->plan;
    size_t count = self.plan->task_count;
    self.first = type->plan != NULL ? count : type->step;
    cleat_status status = find_run(core, id, type, &self.id);
    if (status != CLEAT_OK) {
        return status;
    }
    self.rows = cleat__calloc(count, sizeof(*self.rows));
    self.ids = cleat__calloc(count, sizeof(*self.ids));
    self.is_again = cleat__calloc(count, sizeof(*self.is_again));
    bool has_memory = self.rows != NULL && self.ids != NULL && self.is_again != NULL;
    status = has_memory ? replay(&self, tenant) : cleat__fail_memory();
    for (size_t i = 0; self.rows != NULL && i < count; i++) {
        cleat__buffer_deinit(&self.rows[i].desired);
    }
    cleat__buffer_deinit(&self.ended.desired);
    cleat__buffer_deinit(&self.limits);
    cleat__buffer_deinit(&self.refusal);
    cleat__free(self.rows);
    cleat__free(self.ids);
    cleat__free(self.is_again);
    return status;
}
