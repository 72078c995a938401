#include "demo_engine.h"

enum {
    SLOTS = 8,
    QUEUE_SPANS = 1 << 18, /* more than a demo of 10,000 children makes between two exports */
    BATCH_SPANS = 512,
    BATCH_DELAY_MS = 200,
    STOP_MS = 10000,
    FLUSH_MS = 60000,
};

static cleat_status open_provider(cleat__demo_engine *engine)
{
    const cleat_attribute service = cleat_attribute_string("service.name", "cleat-demo");
    cleat_resource *standard = NULL, *own = NULL, *both = NULL;
    cleat_status status = cleat_resource_default(&standard);
    if (status == CLEAT_OK) {
        status = cleat_resource_new(&service, 1, NULL, &own);
    }
    if (status == CLEAT_OK) {
        status = cleat_resource_merge(standard, own, &both);
    }
    if (status == CLEAT_OK) {
        status = cleat_tracer_provider_new(
            CLEAT_TRACER_PROVIDER_OPTIONS(.resource = both, .sampler = cleat_sampler_always_on()),
            &engine->provider);
    }
    cleat_resource_release(standard);
    cleat_resource_release(own);
    cleat_resource_release(both);
    return status;
}

static cleat_status open_tracing(cleat__demo_engine *engine)
{
    cleat_span_exporter *exporter = NULL;
    cleat_status status = open_provider(engine);
    if (status == CLEAT_OK) {
        status = cleat_client_span_exporter_new(engine->client, &exporter);
    }
    if (status == CLEAT_OK) {
        status = cleat_batch_processor_new(exporter,
                                           CLEAT_BATCH_PROCESSOR_OPTIONS(.max_queue_size = QUEUE_SPANS,
                                                                         .max_export_batch_size = BATCH_SPANS,
                                                                         .schedule_delay_ms = BATCH_DELAY_MS),
                                           &engine->processor);
    }
    if (status == CLEAT_OK) {
        status = cleat_tracer_provider_add_processor(engine->provider, engine->processor);
    }
    if (status == CLEAT_OK) {
        status = cleat_instrumentor_new(
            engine->client,
            CLEAT_INSTRUMENTOR_OPTIONS(.provider = engine->provider, .collector = CLEAT_SWITCH_OFF),
            &engine->instrumentor);
    }
    return status;
}

cleat_status cleat__demo_engine_open(cleat__demo_engine *engine, const char *database,
                                     const atomic_bool *stop)
{
    memset(engine, 0, sizeof(*engine));
    /* It may be somebody's file, and what that one keeps is not the demo's business. */
    cleat_status status =
        cleat_client_new(CLEAT_CLIENT_OPTIONS(.database = database, .run_retention_ms = -1,
                                              .trace_retention_ms = -1, .trace_retention_bytes = -1),
                         &engine->client);
    if (status == CLEAT_OK) {
        status = cleat__store_open(database, CLEAT__STORE_READ, &engine->reader);
    }
    if (status == CLEAT_OK) {
        status = open_tracing(engine);
    }
    if (status == CLEAT_OK) {
        engine->tasks.stop = stop;
        engine->tasks.tracer = cleat_tracer_provider_get_tracer(
            engine->provider, "cleat.demo", CLEAT_TRACER_OPTIONS(.version = cleat_version()));
        status = cleat_worker_new(engine->client, CLEAT_WORKER_OPTIONS(.slots = SLOTS), &engine->worker);
    }
    if (status == CLEAT_OK) {
        status = cleat__demo_tasks_declare(engine->worker, &engine->tasks);
    }
    return status;
}

cleat_status cleat__demo_engine_stop(cleat__demo_engine *engine)
{
    return cleat_worker_stop(engine->worker, STOP_MS);
}

void cleat__demo_engine_close(cleat__demo_engine *engine)
{
    cleat_worker_free(engine->worker);
    cleat_instrumentor_free(engine->instrumentor);
    cleat_tracer_provider_free(engine->provider);
    cleat__store_close(engine->reader);
    cleat_client_free(engine->client);
    memset(engine, 0, sizeof(*engine));
}

cleat_status cleat__demo_engine_flush(cleat__demo_engine *engine)
{
    return cleat_tracer_provider_force_flush(engine->provider, FLUSH_MS);
}

int64_t cleat__demo_engine_dropped(const cleat__demo_engine *engine)
{
    cleat_batch_processor_stats stats = {0};
    cleat_batch_processor_get_stats(engine->processor, &stats);
    return (int64_t)(stats.dropped_full + stats.dropped_ended + stats.failed);
}
