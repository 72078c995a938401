/* Workflows: their ids by their names, and their pauses, which are over HTTP. */
#include "transport/grpc.h"

#include "base/alloc.h"
#include "base/error.h"
#include "model/missing.h"
#include "transport/remote_http.h"
#include "transport/remote_rows.h"

#include <inttypes.h>

/* ---- The id of a workflow ---- */

/* More with a part of one name than these are not looked at. */
#define WORKFLOWS_MAX 1000

static cleat_status find_row(const cleat__link *link, cleat_slice name, cleat_slice body, cleat__uuid *id)
{
    cleat__json_cursor cursor;
    cleat_slice row;
    bool is_found = false;
    cleat_status status = cleat__remote_rows(&link->settings, body, "workflows", &cursor);
    while (status == CLEAT_OK && !is_found && cleat__json_next_item(&cursor, &row)) {
        char *text = cleat__remote_text(cleat__remote_member(row, "name"));
        is_found =
            text != NULL && cleat_slice_equals(cleat_slice_of(text), name) && cleat__remote_row_id(row, id);
        cleat__free(text);
    }
    return status == CLEAT_OK && !is_found ? CLEAT_EMPTY : status;
}

cleat_status cleat__remote_workflow_find(const cleat__link *link, cleat_slice workflow, cleat__uuid *id)
{
    cleat__buffer name = {0}, path = {0}, reply = {0};
    cleat__remote_name(&link->settings, workflow, &name);
    cleat__buffer_append_format(&path, "/workflows?limit=%d&name=", WORKFLOWS_MAX);
    cleat__buffer_append_slice(&path, cleat__buffer_slice(&name));
    char *text = cleat__buffer_take_string(&path);
    cleat_status status = text != NULL && !name.failed ? cleat__remote_http(&link->settings, "GET", text,
                                                                            (cleat_slice){NULL, 0}, &reply)
                                                       : cleat__fail_memory();
    if (status == CLEAT_OK) {
        status = find_row(link, cleat__buffer_slice(&name), cleat__buffer_slice(&reply), id);
    }
    if (status == CLEAT_EMPTY) {
        status = cleat__missing_task(workflow);
    }
    cleat__buffer_deinit(&reply);
    cleat__buffer_deinit(&name);
    cleat__free(text);
    return status;
}

/* ---- Pauses ---- */

static void write_pause(const cleat__pause *pause, cleat__buffer *out)
{
    static const char *const behaviors[] = {"DROP", "QUEUE"};
    if (!pause->is_paused) {
        cleat__buffer_append_string(out, "{\"pause\":{\"action\":\"unpause\"}}");
        return;
    }
    cleat__buffer_append_format(out,
                                "{\"pause\":{\"action\":\"pause\","
                                "\"pausedWorkflowCronRunQueueBehavior\":\"%s\","
                                "\"pausedWorkflowScheduledRunQueueBehavior\":\"%s\"",
                                behaviors[pause->queues_crons], behaviors[pause->queues_schedules]);
    if (pause->ttl_ms != CLEAT__NO_TIMEOUT) {
        cleat__buffer_append_format(out, ",\"pausedWorkflowQueueTTL\":\"%" PRId64 "ms\"", pause->ttl_ms);
    }
    cleat__buffer_append_string(out, "}}");
}

cleat_status cleat__remote_pause_workflow(cleat__link *link, cleat_slice workflow, const cleat__pause *pause)
{
    cleat__buffer body = {0}, reply = {0};
    char path[64] = "/api/v1/workflows/";
    cleat__uuid id;
    cleat_status status = cleat__remote_workflow_find(link, workflow, &id);
    if (status == CLEAT_OK) {
        cleat__uuid_format(&id, path + strlen(path));
        write_pause(pause, &body);
        status = !body.failed
                     ? cleat__remote_http(&link->settings, "PATCH", path, cleat__buffer_slice(&body), &reply)
                     : cleat__fail_memory();
    }
    cleat__buffer_deinit(&body);
    cleat__buffer_deinit(&reply);
    return status;
}
