#include "readers.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/thread.h"

#include <sys/stat.h>

typedef struct reader {
    struct reader *next;
    cleat__store *store;
} reader;

struct cleat__readers {
    char *path;
    bool is_pinned;
    struct stat file;      /* it was that when it was pinned */
    pthread_mutex_t mutex; /* guards what follows */
    reader *idle;
};

cleat_status cleat__readers_new(const char *path, cleat__readers **out)
{
    cleat__readers *readers = cleat__calloc(1, sizeof(*readers));
    *out = NULL;
    if (readers == NULL) {
        return cleat__fail_memory();
    }
    readers->path = cleat__strdup(path);
    if (readers->path == NULL) {
        cleat__free(readers);
        return cleat__fail_memory();
    }
    pthread_mutex_init(&readers->mutex, NULL);
    *out = readers;
    return CLEAT_OK;
}

void cleat__readers_free(cleat__readers *readers)
{
    if (readers == NULL) {
        return;
    }
    while (readers->idle != NULL) {
        reader *first = readers->idle;
        readers->idle = first->next;
        cleat__store_close(first->store);
        cleat__free(first);
    }
    pthread_mutex_destroy(&readers->mutex);
    cleat__free(readers->path);
    cleat__free(readers);
}

cleat_status cleat__readers_pin(cleat__readers *readers)
{
    readers->is_pinned = stat(readers->path, &readers->file) == 0;
    return readers->is_pinned ? CLEAT_OK : cleat__fail(CLEAT_IO, "cannot look at %s", readers->path);
}

/* A reader that is open would go on with a file that nobody else can see any more. */
static cleat_status check_file(const cleat__readers *readers)
{
    struct stat now;
    if (!readers->is_pinned || (stat(readers->path, &now) == 0 && now.st_dev == readers->file.st_dev &&
                                now.st_ino == readers->file.st_ino)) {
        return CLEAT_OK;
    }
    return cleat__fail(CLEAT_UNAVAILABLE,
                       "the file was removed, or another one took its place: open it anew");
}

/* SQLite asks so often, in steps of its machine: some ten microseconds. */
enum { STEPS = 1000 };

static int is_over(void *call)
{
    return cleat__http_call_is_over(call);
}

cleat_status cleat__readers_take(cleat__readers *readers, cleat__http_call *call, cleat__store **out)
{
    cleat_status status = check_file(readers);
    *out = NULL;
    if (status != CLEAT_OK) {
        return status;
    }
    pthread_mutex_lock(&readers->mutex);
    reader *first = readers->idle;
    if (first != NULL) {
        readers->idle = first->next;
    }
    pthread_mutex_unlock(&readers->mutex);
    if (first == NULL) {
        status = cleat__store_open(readers->path, CLEAT__STORE_READ, out);
    } else {
        *out = first->store;
        cleat__free(first);
    }
    if (status == CLEAT_OK) {
        sqlite3_progress_handler(cleat__store_db(*out), STEPS, is_over, call);
    }
    return status;
}

void cleat__readers_give(cleat__readers *readers, cleat__store *store)
{
    if (store == NULL) {
        return;
    }
    sqlite3_progress_handler(cleat__store_db(store), 0, NULL, NULL);
    reader *made = cleat__malloc(sizeof(*made));
    /* A statement that still stands on a row would keep its snapshot, and the log from being reused. */
    sqlite3_stmt *statement = NULL;
    while ((statement = sqlite3_next_stmt(cleat__store_db(store), statement)) != NULL) {
        sqlite3_reset(statement);
    }
    cleat__store_rollback(store); /* it has only read */
    if (made == NULL) {
        cleat__store_close(store);
        return;
    }
    made->store = store;
    pthread_mutex_lock(&readers->mutex);
    made->next = readers->idle;
    readers->idle = made;
    pthread_mutex_unlock(&readers->mutex);
}

bool cleat__answer_is_full(const cleat__json_writer *writer)
{
    return writer->out.size > CLEAT__ANSWER_MAX;
}

cleat_status cleat__readers_read(cleat__readers *readers, cleat__http_call *call, cleat__readers_write write,
                                 void *argument, cleat__json_writer *writer)
{
    cleat__store *store = NULL;
    cleat_status status = cleat__readers_take(readers, call, &store);
    if (status == CLEAT_OK) {
        status = cleat__store_begin(store); /* what is told together was there together */
    }
    if (status == CLEAT_OK) {
        status = write(argument, store, writer);
    }
    cleat__readers_give(readers, store);
    if (status == CLEAT_OK && cleat__answer_is_full(writer)) {
        status = cleat__fail(CLEAT_TOO_LARGE, "the answer is larger than %zu bytes: lower the limit",
                             CLEAT__ANSWER_MAX);
    }
    return status;
}

void cleat__readers_answer(cleat__readers *readers, cleat__http_call *call, cleat__readers_write write,
                           void *argument)
{
    cleat__json_writer writer = {0};
    cleat_status status = cleat__readers_read(readers, call, write, argument, &writer);
    if (status == CLEAT_OK) {
        cleat__http_call_answer_json(call, 200, &writer);
    } else if (status == CLEAT_TOO_LARGE) {
        cleat__http_call_fail(call, 400, "%s", cleat_error_message());
    } else {
        cleat__http_call_fail_status(call, status);
    }
    cleat__buffer_deinit(&writer.out);
}
