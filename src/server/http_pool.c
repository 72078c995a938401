#include "http_pool.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/thread.h"

struct cleat__http_pool {
    void (*run)(cleat__http_job *job, bool is_late);
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t changed;
    cleat__http_job *head, *tail;
    bool is_stopping;
    size_t thread_count;
    pthread_t threads[];
};

static void *work(void *argument)
{
    cleat__http_pool *pool = argument;
    pthread_mutex_lock(&pool->mutex);
    for (;;) {
        while (pool->head == NULL && !pool->is_stopping) {
            pthread_cond_wait(&pool->changed, &pool->mutex);
        }
        cleat__http_job *job = pool->head;
        if (job == NULL) {
            break;
        }
        pool->head = job->next;
        bool is_late = pool->is_stopping;
        pthread_mutex_unlock(&pool->mutex);
        pool->run(job, is_late);
        pthread_mutex_lock(&pool->mutex);
    }
    pthread_mutex_unlock(&pool->mutex);
    return NULL;
}

cleat_status cleat__http_pool_start(size_t threads, void (*run)(cleat__http_job *job, bool is_late),
                                    cleat__http_pool **out)
{
    *out = NULL;
    cleat__http_pool *pool = cleat__calloc(1, sizeof(*pool) + threads * sizeof(pool->threads[0]));
    if (pool == NULL) {
        return cleat__fail_memory();
    }
    pool->run = run;
    pthread_mutex_init(&pool->mutex, NULL);
    cleat__cond_init(&pool->changed);
    cleat_status status = CLEAT_OK;
    while (status == CLEAT_OK && pool->thread_count < threads) {
        status = cleat__thread_start(&pool->threads[pool->thread_count], "cleat-http", work, pool);
        pool->thread_count += status == CLEAT_OK;
    }
    if (status != CLEAT_OK) {
        cleat__http_pool_stop(pool);
        cleat__http_pool_free(pool);
        return status;
    }
    *out = pool;
    return CLEAT_OK;
}

bool cleat__http_pool_add(cleat__http_pool *pool, cleat__http_job *job)
{
    job->next = NULL;
    pthread_mutex_lock(&pool->mutex);
    bool is_taken = !pool->is_stopping;
    if (is_taken) {
        *(pool->head != NULL ? &pool->tail->next : &pool->head) = job;
        pool->tail = job;
        pthread_cond_signal(&pool->changed);
    }
    pthread_mutex_unlock(&pool->mutex);
    return is_taken;
}

void cleat__http_pool_stop(cleat__http_pool *pool)
{
    pthread_mutex_lock(&pool->mutex);
    pool->is_stopping = true;
    pthread_cond_broadcast(&pool->changed);
    pthread_mutex_unlock(&pool->mutex);
    for (size_t i = 0; i < pool->thread_count; i++) {
        pthread_join(pool->threads[i], NULL);
    }
    pool->thread_count = 0;
}

void cleat__http_pool_free(cleat__http_pool *pool)
{
    if (pool != NULL) {
        pthread_cond_destroy(&pool->changed);
        pthread_mutex_destroy(&pool->mutex);
        cleat__free(pool);
    }
}
