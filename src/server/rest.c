#include "rest_parts.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/thread.h"

/* A store is for one thread at a time; there are as many as requests ever read at once. */
typedef struct reader {
    struct reader *next;
    cleat__store *store;
} reader;

struct cleat__rest_readers {
    pthread_mutex_t mutex; /* guards what follows */
    reader *idle;
};

cleat_status cleat__rest_new(const cleat__rest_options *options, cleat__rest **out)
{
    cleat__rest *rest = cleat__calloc(1, sizeof(*rest));
    *out = rest;
    if (rest == NULL) {
        return cleat__fail_memory();
    }
    rest->engine = options->engine;
    rest->path = cleat__strdup(options->path);
    rest->readers = cleat__calloc(1, sizeof(*rest->readers));
    if (rest->path == NULL || rest->readers == NULL) {
        cleat__free(rest->path);
        cleat__free(rest->readers);
        cleat__free(rest);
        *out = NULL;
        return cleat__fail_memory();
    }
    pthread_mutex_init(&rest->readers->mutex, NULL);
    return CLEAT_OK;
}

void cleat__rest_free(cleat__rest *rest)
{
    if (rest == NULL) {
        return;
    }
    while (rest->readers->idle != NULL) {
        reader *first = rest->readers->idle;
        rest->readers->idle = first->next;
        cleat__store_close(first->store);
        cleat__free(first);
    }
    pthread_mutex_destroy(&rest->readers->mutex);
    cleat__free(rest->readers);
    cleat__free(rest->path);
    cleat__free(rest);
}

/* SQLite asks so often, in steps of its machine: some ten microseconds. */
enum { STEPS = 1000 };

static int is_over(void *call)
{
    return cleat__http_call_is_over(call);
}

cleat_status cleat__rest_take(cleat__http_call *call, cleat__store **out)
{
    cleat__rest *rest = call->service;
    cleat_status status = CLEAT_OK;
    *out = NULL;
    pthread_mutex_lock(&rest->readers->mutex);
    reader *first = rest->readers->idle;
    if (first != NULL) {
        rest->readers->idle = first->next;
    }
    pthread_mutex_unlock(&rest->readers->mutex);
    if (first == NULL) {
        status = cleat__store_open(rest->path, CLEAT__STORE_READ, out);
    } else {
        *out = first->store;
        cleat__free(first);
    }
    if (status == CLEAT_OK) {
        sqlite3_progress_handler(cleat__store_db(*out), STEPS, is_over, call);
    }
    return status;
}

bool cleat__rest_is_full(const cleat__json_writer *writer)
{
    return writer->out.size > CLEAT__REST_ANSWER_MAX;
}

cleat_status cleat__rest_read(cleat__http_call *call,
                              cleat_status (*write)(void *argument, cleat__store *store,
                                                    cleat__json_writer *writer),
                              void *argument, cleat__json_writer *writer)
{
    cleat__store *store = NULL;
    cleat_status status = cleat__rest_take(call, &store);
    if (status == CLEAT_OK) {
        status = cleat__store_begin(store); /* what is told together was there together */
    }
    if (status == CLEAT_OK) {
        status = write(argument, store, writer);
    }
    cleat__rest_give(call, store);
    if (status == CLEAT_OK && cleat__rest_is_full(writer)) {
        status = cleat__fail(CLEAT_TOO_LARGE, "the answer is larger than %zu bytes: lower the limit",
                             CLEAT__REST_ANSWER_MAX);
    }
    return status;
}

void cleat__rest_answer(cleat__http_call *call,
                        cleat_status (*write)(void *argument, cleat__store *store,
                                              cleat__json_writer *writer),
                        void *argument)
{
    cleat__json_writer writer = {0};
    cleat_status status = cleat__rest_read(call, write, argument, &writer);
    if (status == CLEAT_OK) {
        cleat__http_call_answer_json(call, 200, &writer);
    } else if (status == CLEAT_TOO_LARGE) {
        cleat__http_call_fail(call, 400, "%s", cleat_error_message());
    } else {
        cleat__http_call_fail_status(call, status);
    }
    cleat__buffer_deinit(&writer.out);
}

void cleat__rest_give(const cleat__http_call *call, cleat__store *store)
{
    cleat__rest *rest = call->service;
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
    pthread_mutex_lock(&rest->readers->mutex);
    made->next = rest->readers->idle;
    rest->readers->idle = made;
    pthread_mutex_unlock(&rest->readers->mutex);
}
