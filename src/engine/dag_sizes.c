/* How much tasks have made that had ended before a restart: that is not read before somebody wants to know it. */
#include "engine/dag.h"

#include "base/alloc.h"
#include "base/error.h"
#include "store/dag.h"

#include <stdlib.h>

/* More are read at once, with all that lies between them. */
#define FEW 8

static bool is_unknown(const cleat__dag_task *task)
{
    return task->stage == CLEAT__DAG_ENDED && !task->is_measured;
}

typedef struct measuring {
    cleat__core *core;
    cleat__dag_task **tasks;
    size_t count;
} measuring;

static int by_id(const void *a, const void *b)
{
    const cleat__dag_task *const *one = a, *const *other = b;
    return memcmp((*one)->id.bytes, (*other)->id.bytes, sizeof((*one)->id.bytes));
}

static cleat_status take_end(void *argument, const cleat__dag_row *row)
{
    measuring *self = argument;
    const cleat__dag_task wanted = {.id = row->id}, *key = &wanted;
    cleat__dag_task **found = bsearch(&key, self->tasks, self->count, sizeof(cleat__dag_task *), by_id);
    if (found != NULL) {
        cleat__dag_note_text(*found, row->state == CLEAT_RUN_COMPLETED ? row->output : row->error);
    }
    return CLEAT_OK;
}

static cleat_status measure_many(const measuring *self)
{
    qsort(self->tasks, self->count, sizeof(cleat__dag_task *), by_id);
    return cleat__dag_ends(self->core->store, &self->tasks[0]->id, &self->tasks[self->count - 1]->id,
                           CLEAT__DAG_WITH_RESULTS, take_end, (void *)(uintptr_t)self);
}

static cleat_status measure_one(const cleat__core *core, cleat__dag_task *task)
{
    cleat__buffer text = {0};
    cleat_status status = task->state == CLEAT_RUN_COMPLETED
                              ? cleat__dag_output(core->store, &task->id, &text)
                              : cleat__dag_error(core->store, &task->id, &text);
    if (status == CLEAT_OK || status == CLEAT_EMPTY) {
        cleat__dag_note_text(task, cleat__buffer_slice(&text));
        status = CLEAT_OK;
    }
    cleat__buffer_deinit(&text);
    return status;
}

static cleat_status measure(const measuring *self)
{
    if (self->count > FEW) {
        return measure_many(self);
    }
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; i < self->count && status == CLEAT_OK; i++) {
        status = measure_one(self->core, self->tasks[i]);
    }
    return status;
}

cleat_status cleat__dag_measure_parents(cleat__core *core, cleat__dag *dag, size_t step)
{
    const cleat__plan_task *task = &dag->plan->tasks[step];
    measuring self = {.core = core, .tasks = cleat__calloc(task->said->parent_count + 1, sizeof(void *))};
    for (size_t i = 0; self.tasks != NULL && i < task->said->parent_count; i++) {
        cleat__dag_task *parent = &dag->tasks[task->parents[i]];
        if (is_unknown(parent)) {
            self.tasks[self.count++] = parent;
        }
    }
    cleat_status status = self.tasks != NULL ? measure(&self) : cleat__fail_memory();
    cleat__free(self.tasks);
    return status;
}

cleat_status cleat__dag_measure_all(cleat__core *core, cleat__dag *dag, cleat_run_status state)
{
    measuring self = {.core = core, .tasks = cleat__calloc(dag->plan->task_count, sizeof(void *))};
    for (size_t i = 0; self.tasks != NULL && i < dag->plan->task_count; i++) {
        if (is_unknown(&dag->tasks[i]) && dag->tasks[i].state == state) {
            self.tasks[self.count++] = &dag->tasks[i];
        }
    }
    cleat_status status = self.tasks != NULL ? measure(&self) : cleat__fail_memory();
    cleat__free(self.tasks);
    return status;
}
