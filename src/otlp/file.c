/*
 * OTLP JSON lines in a file. Each batch is one line and one write() to a file opened for appending,
 * so that several processes may share it. A piece of a line that a full disk left is taken back
 * where that is possible; else the next batch begins on a fresh line.
 *
 * Source: OpenTelemetry specification, "OTLP File exporter".
 */
#include "json.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/process.h"
#include "base/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LARGEST_KEPT_LINE = 1024 * 1024 };

typedef struct file_exporter {
    cleat_span_exporter base;
    cleat__fork_hook fork_hook;
    char *path;
    pthread_mutex_t mutex; /* guards what follows */
    int descriptor;        /* -1 after shutdown */
    bool is_torn;          /* the file ends within a line */
    cleat__buffer line;
} file_exporter;

static cleat_status fail_io(const file_exporter *exporter, const char *what, int error)
{
    cleat_status status = error == ENOSPC || error == EDQUOT ? CLEAT_DISK_FULL : CLEAT_IO;
    return cleat__fail(status, "cannot %s %s: %s", what, exporter->path, strerror(error));
}

/* The mutex is held. Takes the piece of a line off the end, unless another process has appended
 * meanwhile. */
static void take_back(file_exporter *exporter, off_t begin, size_t written)
{
    struct stat file;
    exporter->is_torn = fstat(exporter->descriptor, &file) != 0 || !S_ISREG(file.st_mode) ||
                        file.st_size != begin + (off_t)written || ftruncate(exporter->descriptor, begin) != 0;
}

/* The mutex is held. */
static cleat_status write_line(file_exporter *exporter)
{
    struct stat before = {.st_size = -1};
    size_t written = 0;
    (void)fstat(exporter->descriptor, &before); /* failing, it leaves the size no end can match */
    while (written < exporter->line.size) {
        ssize_t result =
            write(exporter->descriptor, exporter->line.data + written, exporter->line.size - written);
        if (result > 0) {
            written += (size_t)result;
        } else if (result == 0 || errno != EINTR) {
            int error = result == 0 ? EIO : errno;
            if (written != 0) {
                take_back(exporter, before.st_size, written);
            }
            return fail_io(exporter, "write to", error);
        }
    }
    exporter->is_torn = false;
    return CLEAT_OK;
}

static cleat_status export_spans(cleat_span_exporter *self, const cleat_span_batch *batch, int64_t timeout_ms)
{
    file_exporter *exporter = (file_exporter *)self;
    cleat_status status = CLEAT_OK;
    (void)timeout_ms;
    pthread_mutex_lock(&exporter->mutex);
    if (exporter->descriptor < 0) {
        status = cleat__fail(CLEAT_UNAVAILABLE, "the exporter has been shut down");
    } else if (cleat_span_batch_count(batch) != 0) {
        cleat__buffer *line = &exporter->line;
        cleat__buffer_clear(line);
        cleat__buffer_append_string(line, exporter->is_torn ? "\n" : "");
        cleat__json_batch(line, batch);
        cleat__buffer_append_string(line, "\n");
        status = line->failed ? cleat__fail_memory() : write_line(exporter);
        if (line->capacity > LARGEST_KEPT_LINE) {
            cleat__buffer_deinit(line);
        }
    }
    pthread_mutex_unlock(&exporter->mutex);
    return status;
}

/* What was written is in the file for everybody to see; this brings it to the disk. */
static cleat_status force_flush(cleat_span_exporter *self, int64_t timeout_ms)
{
    file_exporter *exporter = (file_exporter *)self;
    cleat_status status = CLEAT_OK;
    (void)timeout_ms;
    pthread_mutex_lock(&exporter->mutex);
    /* Pipes and devices have nothing to be brought to a disk. */
    if (exporter->descriptor >= 0 && fsync(exporter->descriptor) != 0 && errno != EINVAL && errno != EROFS) {
        status = fail_io(exporter, "flush", errno);
    }
    pthread_mutex_unlock(&exporter->mutex);
    return status;
}

static cleat_status shut_down(cleat_span_exporter *self, int64_t timeout_ms)
{
    file_exporter *exporter = (file_exporter *)self;
    cleat_status status = CLEAT_OK;
    (void)timeout_ms;
    pthread_mutex_lock(&exporter->mutex);
    if (exporter->descriptor >= 0 && close(exporter->descriptor) != 0) {
        status = fail_io(exporter, "close", errno);
    }
    exporter->descriptor = -1;
    pthread_mutex_unlock(&exporter->mutex);
    return status;
}

static void free_exporter(cleat_span_exporter *self)
{
    file_exporter *exporter = (file_exporter *)self;
    if (exporter->descriptor >= 0) {
        close(exporter->descriptor);
    }
    cleat__buffer_deinit(&exporter->line);
    cleat__fork_unregister(&exporter->fork_hook);
    pthread_mutex_destroy(&exporter->mutex);
    cleat__free(exporter->path);
    cleat__free(exporter);
}

/* The file is shared with the parent, which goes on with what it was writing. */
static void in_child(void *object, bool is_whole)
{
    file_exporter *exporter = object;
    if (!is_whole) {
        pthread_mutex_init(&exporter->mutex, NULL);
        exporter->line = (cleat__buffer){0};
        exporter->is_torn = false;
    }
}

cleat_status cleat_file_exporter_new(const char *path, cleat_span_exporter **out)
{
    if (out != NULL) {
        *out = NULL;
    }
    if (path == NULL || path[0] == '\0' || out == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "a file exporter needs the path of its file");
    }
    file_exporter *exporter = cleat__calloc(1, sizeof(*exporter));
    char *copy = cleat__strdup(path);
    if (exporter == NULL || copy == NULL) {
        cleat__free(exporter);
        cleat__free(copy);
        return cleat__fail_memory();
    }
    exporter->base = (cleat_span_exporter){
        .export_spans = export_spans,
        .force_flush = force_flush,
        .shutdown = shut_down,
        .free = free_exporter,
    };
    exporter->path = copy;
    pthread_mutex_init(&exporter->mutex, NULL);
    exporter->fork_hook = (cleat__fork_hook){
        .rank = CLEAT__FORK_EXPORTER,
        .mutex = &exporter->mutex,
        .is_held_long = true,
        .child = in_child,
        .object = exporter,
    };
    cleat__fork_register(&exporter->fork_hook);
    exporter->descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (exporter->descriptor < 0) {
        cleat_status status = cleat__fail(CLEAT_IO, "cannot open %s for spans: %s", path, strerror(errno));
        free_exporter(&exporter->base);
        return status;
    }
    *out = &exporter->base;
    return CLEAT_OK;
}
