/* Threads that run jobs in the order of their arrival. */
#ifndef CLEAT_SERVER_HTTP_POOL_H
#define CLEAT_SERVER_HTTP_POOL_H

#include <cleat/status.h>

/* Embed in what is to be done. */
typedef struct cleat__http_job {
    struct cleat__http_job *next;
} cleat__http_job;

typedef struct cleat__http_pool cleat__http_pool;

/* `run` is called on one of `threads` threads, once for each job. `is_late`: the pool is stopping, and
 * nobody waits for more than that it is over. */
cleat_status cleat__http_pool_start(size_t threads, void (*run)(cleat__http_job *job, bool is_late),
                                    cleat__http_pool **out);
/* False: it was stopped, and the job is not taken. */
bool cleat__http_pool_add(cleat__http_pool *pool, cleat__http_job *job);
/* Runs what waits, as late, and waits for what runs. Once. */
void cleat__http_pool_stop(cleat__http_pool *pool);
void cleat__http_pool_free(cleat__http_pool *pool); /* stopped; NULL-safe */

#endif
