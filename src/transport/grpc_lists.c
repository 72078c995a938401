/* Lists of runs and events: over HTTP, since the protocol has no other way. */
#include "transport/grpc.h"

#include "base/alloc.h"
#include "base/error.h"
#include "transport/event_list.h"
#include "transport/remote_http.h"
#include "transport/remote_query.h"
#include "transport/remote_rows.h"
#include "transport/run_list.h"

static const cleat_slice none = {NULL, 0};

/* ---- Asking ---- */

static void write_times(int64_t since_ms, int64_t until_ms, cleat__buffer *path)
{
    cleat__remote_query_time(path, "since", since_ms);
    if (until_ms != INT64_MAX) {
        cleat__remote_query_time(path, "until", until_ms);
    }
}

static void write_statuses(unsigned statuses, const char *name, cleat__buffer *path)
{
    for (int each = CLEAT_RUN_QUEUED; each <= CLEAT_RUN_CANCELLED; each++) {
        if ((statuses >> each & 1U) != 0) { /* what is evicted is RUNNING there */
            cleat__remote_query_text(path, name,
                                     cleat_slice_of(cleat_run_status_name((cleat_run_status)each)));
        }
    }
}

static cleat_status write_workflows(const cleat__link *link, const cleat_slice *workflows, size_t count,
                                    const char *name, cleat__buffer *path)
{
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; i < count && status == CLEAT_OK; i++) {
        cleat__uuid id;
        status = cleat__remote_workflow_find(link, workflows[i], &id);
        if (status == CLEAT_OK) {
            cleat__remote_query_id(path, name, &id);
        }
    }
    return status;
}

static void write_texts(const char *const *texts, const char *name, cleat__buffer *path)
{
    for (size_t i = 0; texts != NULL && texts[i] != NULL; i++) {
        cleat__remote_query_text(path, name, cleat_slice_of(texts[i]));
    }
}

cleat_status cleat__remote_write_filter(const cleat__link *link, const cleat__many_runs *what,
                                        cleat__buffer *path)
{
    write_times(what->since_ms, what->until_ms, path);
    write_statuses(what->statuses, "statuses", path);
    for (size_t i = 0; i < what->metadata_count; i++) {
        cleat__remote_query_text(path, "additional_metadata", cleat_slice_of(what->metadata[i]));
    }
    return write_workflows(link, what->workflows, what->workflow_count, "workflow_ids", path);
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
    return cleat__remote_write_filter(link, &page->what, path);
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

/* ---- Events ---- */

static cleat_status write_event_page(const cleat__link *link, const cleat__event_page *page,
                                     cleat__buffer *path)
{
    cleat__buffer_append_format(path, "/api/v1/stable/tenants/%s/events", link->settings.tenant_id);
    cleat__remote_query_int(path, "offset", page->offset);
    cleat__remote_query_int(path, "limit", page->limit);
    write_times(page->since_ms, page->until_ms, path);
    for (size_t i = 0; page->keys != NULL && page->keys[i] != NULL; i++) {
        cleat__buffer key = {0};
        cleat__remote_key(&link->settings, cleat_slice_of(page->keys[i]), &key);
        cleat__remote_query_text(path, "keys", cleat__buffer_slice(&key));
        path->failed = path->failed || key.failed;
        cleat__buffer_deinit(&key);
    }
    write_texts(page->scopes, "scopes", path);
    write_texts(page->metadata, "additionalMetadata", path);
    for (size_t i = 0; i < page->id_count; i++) {
        cleat__remote_query_id(path, "eventIds", &page->ids[i]);
    }
    write_statuses(page->statuses, "workflowRunStatuses", path);
    return write_workflows(link, page->workflows, page->workflow_count, "workflowIds", path);
}

static cleat_status fail_event(const cleat__link *link)
{
    return cleat__fail(CLEAT_INVALID_ARGUMENT, "the server at %s lists an event that is none",
                       link->settings.api_url);
}

/* To the last event of the list. */
static cleat_status read_started(const cleat__link *link, cleat_slice row, cleat_event_list *out)
{
    cleat_slice started, runs = cleat__remote_member(row, "triggeredRuns");
    cleat__json_cursor cursor;
    cleat_status status = CLEAT_OK;
    cleat__json_items(runs, &cursor);
    while (status == CLEAT_OK && cleat__json_next_item(&cursor, &started)) {
        cleat__uuid id;
        char *text = cleat__remote_text(cleat__remote_member(started, "workflowRunId"));
        status = text != NULL && cleat__uuid_parse(cleat_slice_of(text), &id) == CLEAT_OK
                     ? cleat__event_list_add_run(out, &id)
                     : fail_event(link);
        cleat__free(text);
    }
    return status;
}

static cleat_status read_event(const cleat__link *link, cleat_slice row, cleat_event_list *out)
{
    char *key = cleat__remote_text(cleat__remote_member(row, "key"));
    char *scope = cleat__remote_text(cleat__remote_member(row, "scope"));
    cleat__listed_event event = {.scope = cleat_slice_of(scope)};
    cleat_slice seen = cleat__remote_member(row, "seenAt"), runs = cleat__remote_member(row, "triggeredRuns");
    bool is_list = runs.size == 0 || runs.data[0] == '[' || cleat_slice_equals(runs, cleat_slice_of("null"));
    cleat_status status;
    if (key != NULL && is_list && cleat__remote_row_id(row, &event.id) &&
        cleat__remote_payload(cleat__remote_member(row, "payload"), &event.payload) &&
        cleat__remote_payload(cleat__remote_member(row, "additionalMetadata"), &event.metadata) &&
        cleat__remote_time(seen, &event.pushed_at_ms)) {
        event.key = cleat__remote_own_name(&link->settings, key);
        status = cleat__event_list_add(out, &event);
    } else {
        status = fail_event(link);
    }
    cleat__free(key);
    cleat__free(scope);
    return status == CLEAT_OK ? read_started(link, row, out) : status;
}

cleat_status cleat__remote_events(cleat__link *link, const cleat__event_page *page, cleat_event_list *out)
{
    cleat__buffer path = {0}, reply = {0};
    cleat__json_cursor cursor;
    cleat_slice row;
    cleat_status status = write_event_page(link, page, &path);
    if (status == CLEAT_OK) {
        status = ask(link, &path, &reply);
    }
    if (status == CLEAT_OK) {
        status = cleat__remote_rows(&link->settings, cleat__buffer_slice(&reply), "events", &cursor);
    }
    while (status == CLEAT_OK && cleat__json_next_item(&cursor, &row)) {
        status = read_event(link, row, out);
    }
    cleat__buffer_deinit(&path);
    cleat__buffer_deinit(&reply);
    return status;
}
