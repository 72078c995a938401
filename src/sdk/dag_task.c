/* What a task of a workflow of several tasks is told of the others. */
#include "sdk/worker.h"

#include "base/alloc.h"
#include "base/error.h"
#include "model/json_members.h"

static cleat_status find(const cleat_task *task, bool is_parent, const char *name, cleat_slice *out)
{
    if (task == NULL || name == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s is NULL", task == NULL ? "task" : "name");
    }
    cleat_slice object = is_parent ? task->assignment->parents : task->assignment->triggers;
    if (object.size != 0 && cleat__json_find_member(object, name, out)) {
        return CLEAT_OK;
    }
    return cleat__fail(CLEAT_NOT_FOUND,
                       is_parent ? "task \"%s\" has no parent \"%s\" that has made a JSON object"
                                 : "task \"%s\" has no condition \"%s\" that was met",
                       cleat_task_name(task), name);
}

cleat_status cleat_task_parent_output(const cleat_task *task, const char *parent, cleat_slice *output)
{
    if (output == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "output is NULL");
    }
    return find(task, true, parent, output);
}

bool cleat_task_parent_was_skipped(const cleat_task *task, const char *parent)
{
    cleat_slice output, value;
    return task != NULL && parent != NULL && task->assignment->parents.size != 0 &&
           cleat__json_find_member(task->assignment->parents, parent, &output) &&
           cleat__json_find_member(output, "skipped", &value) &&
           cleat_slice_equals(value, cleat_slice_of("true"));
}

cleat_status cleat_task_trigger_data(const cleat_task *task, const char *name, cleat_slice *data)
{
    if (data == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "data is NULL");
    }
    /* Beside them in what comes from a server, and no condition's: see cleat_task_filter_payload(). */
    return find(task, false, name != NULL && strcmp(name, "filter_payload") == 0 ? "" : name, data);
}

/* ---- Errors ---- */

static void append_text(cleat_slice json, cleat__buffer *out)
{
    cleat_slice text;
    char *memory = NULL;
    if (cleat__json_decode_string(json, &text, &memory)) {
        cleat__buffer_append_slice(out, text);
    } else {
        out->failed = true;
    }
    cleat__buffer_append_byte(out, '\0');
    cleat__free(memory);
}

/* Without the memory for them the task is told of none. */
void cleat__task_read_errors(cleat_task *task)
{
    cleat__json_cursor cursor;
    cleat_slice name, error;
    cleat__buffer list = {0};
    if (task->assignment->step_errors.size == 0) {
        return;
    }
    cleat__json_members(task->assignment->step_errors, &cursor);
    while (cleat__json_next_member(&cursor, &name, &error)) {
        if (error.size != 0 && error.data[0] == '"') {
            append_text(name, &list);
            append_text(error, &list);
        }
    }
    task->step_errors = cleat__buffer_take_string(&list);
}

const char *cleat_task_step_error(const cleat_task *task, const char *name)
{
    const char *at = task != NULL && name != NULL ? task->step_errors : NULL;
    while (at != NULL && at[0] != '\0') {
        const char *error = at + strlen(at) + 1;
        if (strcmp(at, name) == 0) {
            return error;
        }
        at = error + strlen(error) + 1;
    }
    return NULL;
}
