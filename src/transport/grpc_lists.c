/* Lists of runs: over HTTP, since the protocol has no other way. */
#include "transport/grpc.h"

#include "base/alloc.h"
#include "base/error.h"
#include "transport/remote_http.h"
#include "transport/remote_query.h"
#include "transport/remote_rows.h"
#include "transport/run_list.h"

static const cleat_slice none = {NULL, 0};

/* ---- Asking ---- */

/* Appends what the filter says. */
static cleat_status write_filter(const cleat__link *link, const cleat__many_runs *what, cleat__buffer *path)
{
    cleat_status status = CLEAT_OK;
    cleat__remote_query_time(path, "since", what->since_ms);
    if (what->until_ms != INT64_MAX) {
        cleat__remote_query_time(path, "until", what->until_ms);
    }
    for (int each = CLEAT_RUN_QUEUED; each <= CLEAT_RUN_CANCELLED; each++) {
        if ((what->statuses >> each & 1U) != 0) { /* what is evicted is RUNNING there */
            cleat__remote_query_text(path, "statuses",
                                     cleat_slice_of(cleat_run_status_name((cleat_run_status)each)));
        }
    }
    for (size_t i = 0; i < what->metadata_count; i++) {
        cleat__remote_query_text(path, "additional_metadata", cleat_slice_of(what->metadata[i]));
    }
    for (size_t i = 0; i < what->workflow_count && status == CLEAT_OK; i++) {
        cleat__uuid id;
        status = cleat__remote_workflow_find(link, what->workflows[i], &id);
        if (status == CLEAT_OK) {
            cleat__remote_query_id(path, "workflow_ids", &id);
        }
    }
    return status;
}

static cleat_status write_page(const cleat__link *link, const cleat__run_page *page, cleat__buffer *path)
{
    cleat__buffer_append_format(path, "/api/v1/stable/tenants/%s/workflow-runs", link->settings.tenant_id);
    cleat__remote_query_text(path, "only_tasks", cleat_slice_of("false"));
    cleat__remote_query_int(path, "offset", page->offset);
    cleat__remote_query_int(path, "limit", page->limit);
    if (page->parent != NULL) {
        cleat__remote_query_id(path, "parent_task_external_id", page->parent);
    }
    if (page->event != NULL) {
        cleat__remote_query_id(path, "triggering_event_external_id", page->event);
    }
    return write_filter(link, &page->what, path);
}

/* Consumes the path, which may have failed. */
static cleat_status ask(const cleat__link *link, cleat__buffer *path, cleat__buffer *reply)
{
    char *text = cleat__buffer_take_string(path);
    cleat_status status =
        text != NULL ? cleat__remote_http(&link->settings, "GET", text, none, reply) : cleat__fail_memory();
    cleat__free(text);
    return status;
}

/* ---- Runs ---- */

/* False: it is none. The slices are parts of the row. */
static bool read_run(cleat_slice row, cleat__listed_run *run)
{
    int64_t retry_count = 0;
    char *parent = cleat__remote_text(cleat__remote_member(row, "parentTaskExternalId"));
    run->is_child = parent != NULL;
    bool is_run = cleat__remote_row_id(row, &run->id) && cleat__remote_row_status(row, &run->status) &&
                  cleat__remote_payload(cleat__remote_member(row, "additionalMetadata"), &run->metadata) &&
                  cleat__remote_time(cleat__remote_member(row, "createdAt"), &run->created_at_ms) &&
                  cleat__remote_time(cleat__remote_member(row, "startedAt"), &run->started_at_ms) &&
                  cleat__remote_time(cleat__remote_member(row, "finishedAt"), &run->finished_at_ms) &&
                  cleat__remote_count(cleat__remote_member(row, "retryCount"), &retry_count) &&
                  retry_count <= INT32_MAX &&
                  (parent == NULL || cleat__uuid_parse(cleat_slice_of(parent), &run->parent_id) == CLEAT_OK);
    run->retry_count = is_run ? (int32_t)retry_count : 0;
    cleat__free(parent);
    return is_run;
}

static cleat_status read_row(const cleat__link *link, cleat_slice row, cleat_run_list *out)
{
    char *workflow = cleat__remote_text(cleat__remote_member(row, "workflowName")), *error = NULL;
    cleat__listed_run run = {.status = CLEAT_RUN_QUEUED};
    cleat_status status = cleat__remote_row_error(row, &error);
    if (status == CLEAT_OK && workflow != NULL && read_run(row, &run)) {
        run.workflow = cleat__remote_own_name(&link->settings, workflow);
        run.error = cleat_slice_of(error);
        status = cleat__run_list_add(out, &run);
    } else if (status == CLEAT_OK) {
        status = cleat__fail(CLEAT_INVALID_ARGUMENT, "the server at %s lists a run that is none",
                             link->settings.api_url);
    }
    cleat__free(workflow);
    cleat__free(error);
    return status;
}

static cleat_status read_rows(const cleat__link *link, cleat_slice body, cleat_run_list *out)
{
    cleat__json_cursor cursor;
    cleat_slice row;
    cleat_status status = cleat__remote_rows(&link->settings, body, "runs", &cursor);
    while (status == CLEAT_OK && cleat__json_next_item(&cursor, &row)) {
        status = read_row(link, row, out);
    }
    return status;
}

cleat_status cleat__remote_runs(cleat__link *link, const cleat__run_page *page, cleat_run_list *out)
{
    cleat__buffer path = {0}, reply = {0};
    cleat_status status = write_page(link, page, &path);
    if (status == CLEAT_OK) {
        status = ask(link, &path, &reply);
    }
    if (status == CLEAT_OK) {
        status = read_rows(link, cleat__buffer_slice(&reply), out);
    }
    cleat__buffer_deinit(&path);
    cleat__buffer_deinit(&reply);
    return status;
}
