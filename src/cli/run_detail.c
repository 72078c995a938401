#include "run_detail.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "run_rows.h"
#include "store/dag.h"
#include "store/durable.h"
#include "store/queue_reasons.h"
#include "store/run_waits.h"

static cleat_status keep(cleat_slice *text, char **copy)
{
    if (text->data == NULL) {
        return CLEAT_OK;
    }
    *copy = cleat__slice_dup(*text);
    text->data = *copy;
    return *copy != NULL ? CLEAT_OK : cleat__fail_memory();
}

static cleat_status keep_row(cleat__run_detail *detail)
{
    cleat__run_row *row = &detail->row;
    cleat_slice *slices[] = {&row->task,     &row->child_key, &row->input,
                             &row->metadata, &row->output,    &row->error};
    for (size_t i = 0; i < sizeof(slices) / sizeof(*slices); i++) {
        cleat_status status = keep(slices[i], &detail->texts[i]);
        if (status != CLEAT_OK) {
            return status;
        }
    }
    return CLEAT_OK;
}

/* Room for one more, zeroed; NULL when memory ran out. */
static void *add(void *array_pointer, size_t *count, size_t size)
{
    void *array = NULL;
    memcpy(&array, array_pointer, sizeof(array));
    char *grown = cleat__realloc(array, (*count + 1) * size);
    if (grown == NULL) {
        cleat__fail_memory();
        return NULL;
    }
    memcpy(array_pointer, &grown, sizeof(grown));
    char *element = grown + *count * size;
    memset(element, 0, size);
    (*count)++;
    return element;
}

static bool add_attempt(void *argument, const cleat__attempt_row *row)
{
    cleat__run_detail *detail = argument;
    cleat__run_attempt *attempt = add(&detail->attempts, &detail->attempt_count, sizeof(*detail->attempts));
    if (attempt == NULL) {
        detail->status = CLEAT_NO_MEMORY;
        return false;
    }
    attempt->retry_count = row->retry_count;
    attempt->started_at_ms = row->started_at_ms;
    attempt->finished_at_ms = row->finished_at_ms;
    attempt->outcome = cleat__slice_dup(row->outcome);
    attempt->error = row->error.data != NULL ? cleat__slice_dup(row->error) : NULL;
    if (attempt->outcome == NULL || (attempt->error == NULL && row->error.data != NULL)) {
        detail->status = cleat__fail_memory();
    }
    return detail->status == CLEAT_OK;
}

static bool add_log(void *argument, const cleat__log_line *line)
{
    cleat__run_detail *detail = argument;
    cleat__run_log *entry = add(&detail->log, &detail->log_count, sizeof(*detail->log));
    if (entry == NULL) {
        detail->status = CLEAT_NO_MEMORY;
        return false;
    }
    entry->retry_count = line->retry_count;
    entry->level = line->level;
    entry->time_ms = line->time_ms;
    entry->message = cleat__slice_dup(line->message);
    entry->metadata = line->metadata.data != NULL ? cleat__slice_dup(line->metadata) : NULL;
    if (entry->message == NULL || (entry->metadata == NULL && line->metadata.data != NULL)) {
        detail->status = cleat__fail_memory();
    }
    return detail->status == CLEAT_OK;
}

static bool count_child(void *argument, const cleat__run_row *row)
{
    cleat__run_detail *detail = argument;
    if (!cleat__uuid_is_nil(&row->dag_id)) { /* a task of its own */
        return true;
    }
    if ((int)row->status >= 0 && (int)row->status < CLEAT__RUN_STATUSES) {
        detail->children[row->status]++;
    }
    detail->child_count++;
    return true;
}

static cleat_status count_children(cleat__store *store, const cleat__uuid *id, cleat__run_detail *out)
{
    const cleat__run_filter children = {.status = -1, .parent_id = id, .limit = INT64_MAX};
    return cleat__run_list(store, &children, count_child, out);
}

static cleat_status load_waits(cleat__store *store, const cleat__uuid *id, cleat_run_status run_status,
                               cleat__buffer *out)
{
    int64_t now_ms = cleat__clock_unix_ns(NULL) / CLEAT__NS_PER_MS;
    return run_status == CLEAT_RUN_EVICTED  ? cleat__run_waits_load(store, id, out)
           : run_status == CLEAT_RUN_QUEUED ? cleat__queue_reasons_load(store, id, now_ms, out)
                                            : CLEAT_OK;
}

/* ---- Tasks ---- */

static cleat_status load_task(cleat__store *store, const cleat__uuid *id, cleat__run_detail *out)
{
    cleat__run_row row;
    cleat_status status = cleat__run_get(store, id, &row);
    cleat__run_detail_task *task =
        status == CLEAT_OK ? add(&out->tasks, &out->task_count, sizeof(*out->tasks)) : NULL;
    if (task == NULL) {
        return status == CLEAT_OK ? CLEAT_NO_MEMORY : status;
    }
    task->id = *id;
    task->status = row.status;
    task->was_skipped = cleat_slice_equals(row.outcome, cleat_slice_of("SKIPPED"));
    task->tries = row.tries;
    task->took_ms = cleat__run_duration_ms(&row, cleat__clock_unix_ns(NULL) / CLEAT__NS_PER_MS);
    task->name = cleat__slice_dup(row.task_name);
    task->error = row.error.data != NULL ? cleat__slice_dup(row.error) : NULL;
    if (task->name == NULL || (task->error == NULL && row.error.data != NULL)) {
        return cleat__fail_memory();
    }
    status = load_waits(store, id, task->status, &task->waits);
    return status == CLEAT_OK ? count_children(store, id, out) : status;
}

static cleat_status load_tasks(cleat__store *store, const cleat__uuid *id, cleat__run_detail *out)
{
    cleat__uuid *ids = NULL;
    size_t count = 0;
    cleat_status status = cleat__dag_ids(store, id, &ids, &count);
    for (size_t i = 0; i < count && status == CLEAT_OK; i++) {
        status = load_task(store, &ids[i], out);
    }
    cleat__free(ids);
    return status;
}

/* ---- All of it ---- */

cleat_status cleat__run_detail_load(cleat__store *store, const cleat__uuid *id, cleat__run_detail *out)
{
    memset(out, 0, sizeof(*out));
    cleat_status status = cleat__run_get(store, id, &out->row);
    if (status != CLEAT_OK) {
        return status;
    }
    status = keep_row(out);
    if (status == CLEAT_OK) {
        status = cleat__attempt_list(store, id, add_attempt, out);
    }
    if (status == CLEAT_OK) {
        status = cleat__log_list(store, id, add_log, out);
    }
    if (status == CLEAT_OK && out->row.is_dag) {
        status = load_tasks(store, id, out);
    }
    if (status == CLEAT_OK) {
        status = count_children(store, id, out);
    }
    if (status == CLEAT_OK) {
        status = load_waits(store, id, out->row.status, &out->waits);
    }
    if (status == CLEAT_OK && out->row.status == CLEAT_RUN_EVICTED) {
        status = cleat__durable_get_reason(store, id, &out->reason);
    }
    return status == CLEAT_OK ? out->status : status;
}

const char *cleat__log_level_name(cleat_log_level level)
{
    static const char *const names[] = {"?", "error", "warn", "info", "debug"};
    return (size_t)level < sizeof(names) / sizeof(*names) ? names[level] : "?";
}

cleat_slice cleat__run_end_reason(const cleat__run_row *row)
{
    if (row->status == CLEAT_RUN_CANCELLED && row->error.data == NULL) {
        return cleat_slice_of("somebody cancelled it");
    }
    return row->started_at_ms == 0 ? row->error : (cleat_slice){NULL, 0};
}

void cleat__run_detail_deinit(cleat__run_detail *detail)
{
    for (size_t i = 0; i < sizeof(detail->texts) / sizeof(*detail->texts); i++) {
        cleat__free(detail->texts[i]);
    }
    for (size_t i = 0; i < detail->attempt_count; i++) {
        cleat__free(detail->attempts[i].outcome);
        cleat__free(detail->attempts[i].error);
    }
    for (size_t i = 0; i < detail->log_count; i++) {
        cleat__free(detail->log[i].message);
        cleat__free(detail->log[i].metadata);
    }
    for (size_t i = 0; i < detail->task_count; i++) {
        cleat__free(detail->tasks[i].name);
        cleat__free(detail->tasks[i].error);
        cleat__buffer_deinit(&detail->tasks[i].waits);
    }
    cleat__free(detail->attempts);
    cleat__free(detail->log);
    cleat__free(detail->tasks);
    cleat__buffer_deinit(&detail->waits);
    cleat__buffer_deinit(&detail->reason);
    memset(detail, 0, sizeof(*detail));
}
