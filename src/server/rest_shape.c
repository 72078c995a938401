/* Which task of a run comes after which: "shape" of GET .../workflow-runs/{v1WorkflowRun} */
#include "rest_parts.h"

#include "base/arena.h"
#include "model/dag.h"
#include "model/derived_id.h"

static void begin_item(cleat__json_writer *writer, const cleat__uuid *task, const cleat__uuid *step)
{
    cleat__writer_begin_object(writer, NULL);
    cleat__rest_write_uuid(writer, "taskExternalId", task);
    cleat__rest_write_uuid(writer, "stepId", step);
    cleat__writer_begin_array(writer, "childrenStepIds");
}

static void end_item(cleat__json_writer *writer, cleat_slice name)
{
    cleat__writer_end_array(writer);
    cleat__writer_slice(writer, "taskName", name);
    cleat__writer_end_object(writer);
}

void cleat__rest_write_shape_of_one(cleat__json_writer *writer, const cleat__rest_run *run)
{
    cleat__writer_begin_array(writer, "shape");
    begin_item(writer, &run->row.id, &run->step_id);
    end_item(writer, run->row.task_name);
    cleat__writer_end_array(writer);
}

static bool has_parent(const cleat__workflow_task *task, cleat_slice name)
{
    for (size_t i = 0; i < task->parent_count; i++) {
        if (cleat_slice_equals(task->parents[i], name)) {
            return true;
        }
    }
    return false;
}

static void write_item(cleat__json_writer *writer, const cleat__workflow *workflow,
                       const cleat__uuid *version, const cleat__uuid *task, size_t at)
{
    cleat__uuid step;
    (void)cleat__derived_step_id(version, (uint32_t)at, &step);
    begin_item(writer, task, &step);
    for (size_t i = 0; i < workflow->task_count; i++) {
        if (has_parent(&workflow->tasks[i], workflow->tasks[at].name)) {
            (void)cleat__derived_step_id(version, (uint32_t)i, &step);
            cleat__rest_write_uuid(writer, NULL, &step);
        }
    }
    end_item(writer, workflow->tasks[at].name);
}

cleat_status cleat__rest_write_shape(cleat__json_writer *writer, cleat__store *store,
                                     const cleat__rest_run *run, const cleat__rest_ids *tasks)
{
    cleat__buffer declaration = {0};
    cleat__arena memory = {.most = 0};
    cleat__workflow workflow = {.task_count = 0};
    if (!run->is_dag) {
        cleat__rest_write_shape_of_one(writer, run);
        return CLEAT_OK;
    }
    cleat_status status = cleat__rest_query_declaration(store, &run->row.id, &declaration);
    if (status == CLEAT_OK) {
        status = cleat__dag_decode(cleat__buffer_slice(&declaration), &memory, &workflow);
    }
    cleat__writer_begin_array(writer, "shape");
    for (size_t i = 0; status == CLEAT_OK && i < workflow.task_count && i < tasks->count; i++) {
        write_item(writer, &workflow, &run->row.version_id, &tasks->items[i], i);
    }
    cleat__writer_end_array(writer);
    cleat__arena_deinit(&memory);
    cleat__buffer_deinit(&declaration);
    return status;
}
