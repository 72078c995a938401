/* Many runs, and tasks of runs, of the engine in this process. */
#ifndef CLEAT_TRANSPORT_EMBEDDED_RUNS_H
#define CLEAT_TRANSPORT_EMBEDDED_RUNS_H

#include "engine/engine.h"
#include "transport/transport.h"

/* Functions of the transport. */
cleat_status cleat__embedded_change_many(cleat__engine *engine, int64_t tenant, const cleat__many_runs *what,
                                         size_t *count);
cleat_status cleat__embedded_runs(cleat__engine *engine, int64_t tenant, const cleat__run_page *page,
                                  cleat_run_list *out);
cleat_status cleat__embedded_run_metrics(cleat__engine *engine, int64_t tenant, const cleat__many_runs *what,
                                         cleat_run_metrics *out);
cleat_status cleat__embedded_queue_metrics(cleat__engine *engine, int64_t tenant, cleat_queue_metrics *out);
cleat_status cleat__embedded_tasks(cleat__engine *engine, int64_t tenant, const cleat__uuid *run_id,
                                   cleat_task_list *out);

#endif
