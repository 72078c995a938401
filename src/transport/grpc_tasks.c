/* The tasks of a run: over HTTP, since the protocol tells how they have ended only when all have. */
#include "transport/grpc.h"

#include "base/alloc.h"
#include "base/error.h"
#include "transport/remote_http.h"
#include "transport/remote_rows.h"
#include "transport/task_list.h"

#include <strings.h>

static bool is_alike(cleat_slice a, cleat_slice b)
{
    return a.size == b.size && strncasecmp(a.data, b.data, a.size) == 0;
}

/* Of an action "workflow:task" the task. Actions are in lower case; the name that is shown, "chargeCard-1764193817", has
 * it as it was declared, with a time behind it. */
static cleat_slice name_of(const char *action, const char *shown)
{
    const char *colon = strrchr(action, ':'), *dash = shown != NULL ? strrchr(shown, '-') : NULL;
    const cleat_slice name = cleat_slice_of(colon != NULL ? colon + 1 : action);
    const cleat_slice declared = dash != NULL ? (cleat_slice){shown, (size_t)(dash - shown)} : name;
    return is_alike(declared, name) ? declared : name;
}

static cleat_status read_row(const cleat__link *link, cleat_slice row, cleat_task_list *out)
{
    char *action = cleat__remote_text(cleat__remote_member(row, "actionId"));
    char *shown = cleat__remote_text(cleat__remote_member(row, "displayName"));
    char *error = NULL;
    cleat__run_task task = {.status = CLEAT_RUN_QUEUED};
    cleat_status status = cleat__remote_row_error(row, &error);
    if (status == CLEAT_OK && action != NULL && cleat__remote_row_id(row, &task.id) &&
        cleat__remote_row_status(row, &task.status) &&
        cleat__remote_payload(cleat__remote_member(row, "output"), &task.output)) {
        task.name = name_of(action, shown);
        task.error = cleat_slice_of(error);
        status = cleat__task_list_add(out, &task);
    } else if (status == CLEAT_OK) {
        status = cleat__fail(CLEAT_INVALID_ARGUMENT, "the server at %s tells of a task of a run that is none",
                             link->settings.api_url);
    }
    cleat__free(action);
    cleat__free(shown);
    cleat__free(error);
    return status;
}

static cleat_status read_rows(const cleat__link *link, cleat_slice body, cleat_task_list *out)
{
    cleat__json_cursor cursor;
    cleat_slice row, tasks = {NULL, 0};
    cleat_status status = CLEAT_OK;
    if (cleat__remote_is_object(body)) {
        tasks = cleat__remote_member(body, "tasks");
    }
    if (tasks.size == 0 || tasks.data[0] != '[') {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "the server at %s tells of no tasks of a run",
                           link->settings.api_url);
    }
    cleat__json_items(tasks, &cursor);
    while (status == CLEAT_OK && cleat__json_next_item(&cursor, &row)) {
        status = read_row(link, row, out);
    }
    return status;
}

cleat_status cleat__remote_tasks(cleat__link *link, const cleat__uuid *run_id, cleat_task_list *out)
{
    cleat__buffer reply = {0};
    char path[80] = "/api/v1/stable/workflow-runs/", *id = path + strlen(path);
    cleat__uuid_format(run_id, id);
    cleat_status status = cleat__remote_http(&link->settings, "GET", path, (cleat_slice){NULL, 0}, &reply);
    if (status == CLEAT_OK) {
        status = read_rows(link, cleat__buffer_slice(&reply), out);
    } else if (status == CLEAT_NOT_FOUND) {
        status = cleat__fail(status, "there is no run %s", id);
    }
    cleat__buffer_deinit(&reply);
    return status;
}
