#include "demo_tasks.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "demo_files.h"
#include "pack.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    UNREADABLE = 3,
    PACK_RETRIES = 2,
    PACK_BACKOFF_MS = 50,
    SCAN_RETRIES = 20, /* each stopped demo that interrupts a scan uses one */
    SCAN_BACKOFF_MS = 200,
    BATCH = 100, /* runs spawned by one call: one transaction, one producer span */
};

/* ---- archive:pack ---- */

/* Reads and compresses under a span of its own, a child of the run's span. */
static cleat_status compress_file(cleat__demo_tasks *tasks, int fd, cleat__pack *pack)
{
    cleat_span span = cleat_span_start(tasks->tracer, "compress", NULL);
    cleat_status status = cleat__pack_read(fd, pack);
    int error = errno;
    if (status == CLEAT_OK) {
        cleat_span_set_int(span, "file.bytes", (int64_t)pack->bytes);
        cleat_span_set_int(span, "file.deflated_bytes", (int64_t)pack->deflated);
    } else {
        cleat_span_set_status(span, CLEAT_SPAN_STATUS_ERROR, strerror(error));
    }
    cleat_span_end(span);
    errno = error;
    return status;
}

static cleat_status return_pack(cleat_task *task, const char *path, const cleat__pack *pack)
{
    cleat__buffer json = {0};
    cleat__buffer_append_string(&json, "{\"path\":");
    cleat__buffer_append_json(&json, cleat_slice_of(path));
    cleat__buffer_append_format(
        &json, ",\"bytes\":%" PRIu64 ",\"deflated\":%" PRIu64 ",\"crc32\":\"%08" PRIx32 "\"}", pack->bytes,
        pack->deflated, pack->crc32);
    char *text = cleat__buffer_take_string(&json);
    cleat_status status = text != NULL ? cleat_task_return(task, text) : CLEAT_NO_MEMORY;
    cleat__free(text);
    return status;
}

static cleat_status pack_path(cleat_task *task, cleat__demo_tasks *tasks, const char *path)
{
    cleat__pack pack;
    cleat_status status = CLEAT_IO;
    /* Without waiting: a pipe may have taken the file's place, and /proc/kmsg is none but its name. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd >= 0) {
        status = compress_file(tasks, fd, &pack);
    }
    if (status == CLEAT_OK) {
        status = return_pack(task, path, &pack);
    } else {
        status = cleat_task_fail(task, CLEAT_FAILED, "cannot read %s: %s", path, strerror(errno));
    }
    if (fd >= 0) {
        close(fd);
    }
    return status;
}

static cleat_status pack(cleat_task *task, void *user_data)
{
    cleat__demo_tasks *tasks = user_data;
    cleat_slice input = cleat_task_input(task);
    json_t *json = json_loadb(input.data, input.size, 0, NULL);
    const char *path = json_string_value(json_object_get(json, "path"));
    cleat_status status = CLEAT_NON_RETRYABLE;
    if (path == NULL) {
        cleat_task_fail(task, CLEAT_NON_RETRYABLE, "the input has no \"path\"");
    } else {
        status = pack_path(task, tasks, path);
    }
    json_decref(json);
    if (status == CLEAT_OK || cleat_task_retry_count(task) >= PACK_RETRIES) {
        atomic_fetch_add(&tasks->ended, 1);
        atomic_fetch_add(&tasks->failed, status != CLEAT_OK);
    } else {
        atomic_fetch_add(&tasks->retried, 1);
    }
    return status;
}

/* ---- archive:scan ---- */

size_t cleat__demo_unreadable(size_t children)
{
    return children >= 4 * UNREADABLE ? UNREADABLE : children / 4;
}

char *cleat__demo_scan_input(const char *directory, int64_t children, cleat_trace_relation relation)
{
    json_t *json = json_pack("{s:s, s:I, s:s}", "directory", directory, "children", (json_int_t)children,
                             "relation", cleat_trace_relation_name(relation));
    char *text = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    return text;
}

typedef struct scan {
    cleat_task *task;
    cleat__demo_tasks *tasks;
    const char *directory;
    cleat_trace_relation relation;
    cleat__demo_files files;
    size_t unreadable, spawned;
    size_t good, bad; /* paths taken so far, readable and not */
} scan;

/* What fails whoever reads it, the superuser included: a file that is gone, a directory, and a path
 * below a file. */
static char *unreadable_path(const scan *job, size_t number)
{
    cleat__buffer path = {0};
    switch (number % UNREADABLE) {
    case 0: cleat__buffer_append_format(&path, "%s/gone-before-it-was-read", job->directory); break;
    case 1: cleat__buffer_append_string(&path, job->directory); break;
    default: cleat__buffer_append_format(&path, "%s/below-a-file", job->files.paths[0]); break;
    }
    return cleat__buffer_take_string(&path);
}

/* The path below the directory; "." for the directory itself. */
static const char *child_key(const scan *job, const char *path)
{
    size_t size = strlen(job->directory);
    while (path[size] == '/') {
        size++;
    }
    return path[size] != '\0' ? path + size : ".";
}

static char *pack_input(const char *path)
{
    cleat__buffer json = {0};
    cleat__buffer_append_string(&json, "{\"path\":");
    cleat__buffer_append_json(&json, cleat_slice_of(path));
    cleat__buffer_append_byte(&json, '}');
    return cleat__buffer_take_string(&json);
}

/* Paths are the children's keys: however often a scan is begun, each path has one run. */
static cleat_status spawn_batch(scan *job, char *const *paths, size_t count)
{
    cleat_run_item items[BATCH] = {0};
    cleat_run_options options[BATCH];
    char *inputs[BATCH] = {0};
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; i < count && status == CLEAT_OK; i++) {
        inputs[i] = pack_input(paths[i]);
        status = inputs[i] != NULL ? CLEAT_OK : CLEAT_NO_MEMORY;
        options[i] = *CLEAT_RUN_OPTIONS(.trace = job->relation, .child_key = child_key(job, paths[i]));
        items[i] = (cleat_run_item){.task = CLEAT__DEMO_PACK, .input = inputs[i], .options = &options[i]};
    }
    if (status == CLEAT_OK) {
        status = cleat_task_spawn_many(job->task, items, count, NULL);
    }
    if (status == CLEAT_OK) {
        job->spawned += count;
        atomic_fetch_add(&job->tasks->spawned, count);
    }
    for (size_t i = 0; i < count; i++) {
        cleat__free(inputs[i]);
    }
    return status;
}

/* The next path: unreadable ones are spread evenly, the last of them at the very end. Owned by the
 * caller; NULL on no memory. */
static char *next_path(scan *job, size_t index, size_t total)
{
    if (job->bad < job->unreadable && (index + 1) * job->unreadable / total > job->bad) {
        return unreadable_path(job, job->bad++);
    }
    return cleat__strdup(job->files.paths[job->good++]);
}

static cleat_status spawn_next_batch(scan *job, size_t first, size_t total)
{
    char *paths[BATCH] = {0};
    size_t count = total - first < BATCH ? total - first : BATCH;
    cleat_status status = CLEAT_OK;
    for (size_t i = 0; i < count && status == CLEAT_OK; i++) {
        paths[i] = next_path(job, first + i, total);
        status = paths[i] != NULL ? CLEAT_OK : CLEAT_NO_MEMORY;
    }
    if (status == CLEAT_OK) {
        status = spawn_batch(job, paths, count);
    }
    for (size_t i = 0; i < count; i++) {
        cleat__free(paths[i]);
    }
    return status;
}

static cleat_status spawn_all(scan *job)
{
    size_t total = job->files.count + job->unreadable;
    while (job->spawned < total) {
        if (atomic_load(job->tasks->stop) || cleat_task_is_cancelled(job->task)) {
            return cleat_task_fail(job->task, CLEAT_FAILED, "stopped after %zu of %zu files", job->spawned,
                                   total);
        }
        cleat_status status = spawn_next_batch(job, job->spawned, total);
        if (status != CLEAT_OK) {
            return cleat_task_fail(job->task, status, "%s", cleat_error_message());
        }
    }
    return CLEAT_OK;
}

static cleat_status run_scan(scan *job, int64_t children)
{
    size_t wanted = children > 0 ? (size_t)children : 1;
    job->unreadable = cleat__demo_unreadable(wanted);
    cleat_status status = cleat__demo_files_list(job->directory, wanted - job->unreadable, &job->files);
    if (status != CLEAT_OK) {
        return cleat_task_fail(job->task, CLEAT_NON_RETRYABLE, "%s", cleat_error_message());
    }
    int64_t start_ns = cleat__clock_monotonic_ns(NULL);
    status = spawn_all(job);
    double ms = (double)(cleat__clock_monotonic_ns(NULL) - start_ns) / 1e6;
    if (status != CLEAT_OK) {
        return status;
    }
    cleat_task_log(job->task, CLEAT_LOG_INFO, "spawned %zu runs in %.0f ms", job->spawned, ms);
    return cleat_task_return_format(job->task, "{\"spawned\":%zu,\"spawn_ms\":%.3f}", job->spawned, ms);
}

static cleat_status scan_directory(cleat_task *task, void *user_data)
{
    cleat_slice input = cleat_task_input(task);
    json_t *json = json_loadb(input.data, input.size, 0, NULL);
    const char *relation = json_string_value(json_object_get(json, "relation"));
    scan job = {
        .task = task,
        .tasks = user_data,
        .directory = json_string_value(json_object_get(json, "directory")),
        .relation = relation != NULL && strcmp(relation, "link") == 0 ? CLEAT_TRACE_LINK : CLEAT_TRACE_PARENT,
    };
    cleat_status status = CLEAT_NON_RETRYABLE;
    if (job.directory == NULL) {
        cleat_task_fail(task, CLEAT_NON_RETRYABLE, "the input has no \"directory\"");
    } else {
        status = run_scan(&job, json_integer_value(json_object_get(json, "children")));
    }
    cleat__demo_files_deinit(&job.files);
    json_decref(json);
    return status;
}

/* Without a schedule timeout: what a killed demo leaves waits until the next one. */
cleat_status cleat__demo_tasks_declare(cleat_worker *worker, cleat__demo_tasks *tasks)
{
    cleat_status status = cleat_worker_add_task(
        worker,
        CLEAT_TASK_OPTIONS(.name = CLEAT__DEMO_SCAN, .run = scan_directory, .user_data = tasks,
                           .retries = SCAN_RETRIES, .backoff_initial_ms = SCAN_BACKOFF_MS,
                           .backoff_factor = 1, .execution_timeout_ms = -1, .schedule_timeout_ms = -1));
    if (status == CLEAT_OK) {
        status = cleat_worker_add_task(
            worker, CLEAT_TASK_OPTIONS(.name = CLEAT__DEMO_PACK, .run = pack, .user_data = tasks,
                                       .retries = PACK_RETRIES, .backoff_initial_ms = PACK_BACKOFF_MS,
                                       .execution_timeout_ms = -1, .schedule_timeout_ms = -1));
    }
    return status;
}
