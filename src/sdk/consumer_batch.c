/*
 * hatchet.start_step_run of tasks that come several at a time: each has its span, tied to what caused it as if it were
 * alone. All of them last as long as the function that is called for all. What is done for one is in its context.
 */
#include "sdk/instrumentor.h"

#include "base/alloc.h"
#include "base/log.h"

/* What is left of a consumer while the function runs. */
typedef struct member {
    cleat_span span;
    cleat_context *context;
    cleat__role role;
    bool reports_to_workflow;
} member;

static void start(cleat_instrumentor *instrumentor, cleat_batch_call *call, size_t index, member *out)
{
    cleat__consumer consumer;
    cleat__consumer_init(&consumer, instrumentor, cleat_batch_task(cleat_batch_call_batch(call), index));
    consumer.metadata = cleat_batch_call_metadata(call, index);
    out->span = cleat__consumer_start(&consumer, &out->context);
    out->role = consumer.role;
    out->reports_to_workflow = consumer.reports_to_workflow;
    cleat__consumer_deinit(&consumer);
    cleat_batch_call_set_context(call, index, out->context);
}

static void end(cleat_instrumentor *instrumentor, cleat_batch_call *call, size_t index, member *it)
{
    cleat__consumer consumer;
    cleat_status status = cleat_batch_call_status(call, index);
    cleat__consumer_init(&consumer, instrumentor, cleat_batch_task(cleat_batch_call_batch(call), index));
    consumer.end_metadata = cleat_batch_call_end_metadata(call, index);
    consumer.role = it->role;
    consumer.reports_to_workflow = it->reports_to_workflow;
    cleat_scope scope = cleat_context_attach(it->context);
    cleat__consumer_workflow_end(&consumer, it->span, status);
    (void)cleat_scope_detach(scope);
    cleat__consumer_end(&consumer, it->span, status, cleat_batch_call_error(call, index));
    cleat_context_release(it->context);
    cleat__consumer_deinit(&consumer);
}

cleat_status cleat__instrumentor_execute_batch(void *user_data, cleat_batch_call *call)
{
    static cleat__log_site site;
    cleat_instrumentor *instrumentor = user_data;
    size_t count = cleat_batch_count(cleat_batch_call_batch(call));
    member *members = cleat__calloc(count, sizeof(*members));
    if (members == NULL) {
        cleat__log_limited(&site, CLEAT_LOG_WARN, "a batch of %zu runs has no spans: there is no memory",
                           count);
        return cleat_batch_call_proceed(call);
    }
    for (size_t i = 0; i < count; i++) {
        start(instrumentor, call, i, &members[i]);
    }
    cleat_status status = cleat_batch_call_proceed(call);
    for (size_t i = 0; i < count; i++) {
        end(instrumentor, call, i, &members[i]);
    }
    cleat__free(members);
    return status;
}
