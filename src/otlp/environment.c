/*
 * Tracing as the environment describes it: the exporters that OTEL_TRACES_EXPORTER names, each behind
 * the processor that suits it.
 *
 * Source: OpenTelemetry specification, "Environment variables", "Exporter Selection".
 */
#include "base/alloc.h"
#include "base/env.h"
#include "base/error.h"
#include "base/log.h"
#include "base/process.h"
#include "otlp_exporter.h"
#include "trace/header.h"

#include <pthread.h>
#include <stdlib.h>

static const char variable[] = "OTEL_TRACES_EXPORTER";

/* Of libcleat, when the program has it; not of this library, which does without gRPC. */
cleat_status cleat_otlp_grpc_exporter_new(const cleat_otlp_exporter_options *options,
                                          cleat_span_exporter **out) __attribute__((weak));

static cleat_status add_behind_batches(cleat_tracer_provider *provider, cleat_span_exporter *exporter)
{
    cleat_span_processor *processor = NULL;
    cleat_status status = cleat_batch_processor_new(exporter, NULL, &processor);
    return status == CLEAT_OK ? cleat_tracer_provider_add_processor(provider, processor) : status;
}

/* The console is for watching a program: spans show as they end. */
static cleat_status add_console(cleat_tracer_provider *provider)
{
    cleat_span_exporter *exporter = NULL;
    cleat_span_processor *processor = NULL;
    cleat_status status = cleat_console_exporter_new(stdout, &exporter);
    if (status == CLEAT_OK) {
        status = cleat_simple_processor_new(exporter, &processor);
    }
    return status == CLEAT_OK ? cleat_tracer_provider_add_processor(provider, processor) : status;
}

/* A file that cannot be opened is said once and does not keep the program from running. */
static cleat_status add_file(cleat_tracer_provider *provider, cleat_slice path)
{
    char *text = cleat__slice_dup(path);
    cleat_span_exporter *exporter = NULL;
    if (text == NULL) {
        return cleat__fail_memory();
    }
    cleat_status status = cleat_file_exporter_new(text, &exporter);
    cleat__free(text);
    if (status == CLEAT_IO) {
        cleat__log(CLEAT_LOG_WARN, "%s: %s", variable, cleat_error_message());
        return CLEAT_OK;
    }
    return status == CLEAT_OK ? add_behind_batches(provider, exporter) : status;
}

static cleat_status new_otlp(cleat_span_exporter **out)
{
    switch (cleat__otlp_protocol_from_environment()) {
    case CLEAT__OTLP_HTTP_JSON: return cleat_otlp_json_exporter_new(NULL, out);
    case CLEAT__OTLP_GRPC:
        if (cleat_otlp_grpc_exporter_new != NULL) {
            return cleat_otlp_grpc_exporter_new(NULL, out);
        }
        cleat__env_warn("OTEL_EXPORTER_OTLP_PROTOCOL", cleat_slice_of("grpc"),
                        "http/protobuf, http/json; grpc in programs that link libcleat");
        break;
    case CLEAT__OTLP_HTTP_PROTOBUF: break;
    }
    return cleat_otlp_http_exporter_new(NULL, out);
}

static cleat_status add_otlp(cleat_tracer_provider *provider)
{
    cleat_span_exporter *exporter = NULL;
    cleat_status status = new_otlp(&exporter);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__log(CLEAT_LOG_INFO, "spans go to %s",
               ((const cleat__otlp_exporter *)exporter)->settings.shown_endpoint);
    return add_behind_batches(provider, exporter);
}

/* `*is_known` is left alone for a wrong name. */
static cleat_status add_named(cleat_tracer_provider *provider, cleat_slice name, bool *is_known)
{
    static const char file[] = "file:";
    bool was_known = *is_known;
    *is_known = true;
    if (cleat__env_is(name, "none")) {
        return CLEAT_OK;
    }
    if (cleat__env_is(name, "otlp")) {
        return add_otlp(provider);
    }
    if (cleat__env_is(name, "console")) {
        return add_console(provider);
    }
    if (name.size > strlen(file) && cleat__env_is((cleat_slice){name.data, strlen(file)}, file)) {
        return add_file(provider, (cleat_slice){name.data + strlen(file), name.size - strlen(file)});
    }
    cleat__env_warn(variable, name, "otlp, console, none or file:PATH");
    *is_known = was_known;
    return CLEAT_OK;
}

static cleat_status add_exporters(cleat_tracer_provider *provider)
{
    cleat_slice rest = cleat__env_get(variable);
    cleat_status status = CLEAT_OK;
    bool is_known = false;
    while (status == CLEAT_OK && rest.data != NULL) {
        cleat_slice name = cleat__trim(cleat__split(rest, ',', &rest));
        status = name.size != 0 ? add_named(provider, name, &is_known) : CLEAT_OK;
    }
    return status == CLEAT_OK && !is_known ? add_otlp(provider) : status;
}

cleat_status cleat_tracer_provider_from_environment(const cleat_tracer_provider_options *options,
                                                    cleat_tracer_provider **out)
{
    cleat_tracer_provider *provider = NULL;
    cleat_status status = cleat_tracer_provider_new(options, out != NULL ? &provider : NULL);
    /* Disabled, it needs no exporters and opens no file. */
    if (status == CLEAT_OK && !cleat__env_bool("OTEL_SDK_DISABLED", false)) {
        status = add_exporters(provider);
    }
    if (status != CLEAT_OK) {
        cleat_tracer_provider_free(provider);
        provider = NULL;
    }
    if (out != NULL) {
        *out = provider;
    }
    return status;
}

/* ---- All of it in one call ---- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static cleat_tracer_provider *started; /* under the mutex, as what follows */
static bool is_starting;

CLEAT__FORK_HOOK(CLEAT__FORK_STARTED, mutex, NULL);

/* False: somebody has started it, or does so just now. */
static bool begin_start(void)
{
    pthread_mutex_lock(&mutex);
    bool begins = started == NULL && !is_starting;
    is_starting = is_starting || begins;
    pthread_mutex_unlock(&mutex);
    return begins;
}

/* Making the provider calls what belongs to the program, its log handler for one, so the mutex is not held. */
cleat_status cleat_tracing_start(const cleat_tracer_provider_options *options)
{
    cleat_tracer_provider *provider = NULL;
    if (!begin_start()) {
        cleat_tracer_provider_new(options, NULL); /* consumes what it holds */
        return cleat__fail(CLEAT_ALREADY_EXISTS, "tracing has been started already");
    }
    cleat__log_to_stderr();
    cleat_status status = cleat_tracer_provider_from_environment(options, &provider);
    pthread_mutex_lock(&mutex);
    is_starting = false;
    started = provider;
    if (status == CLEAT_OK) {
        cleat_tracer_provider_set_global(provider);
    }
    pthread_mutex_unlock(&mutex);
    return status;
}

cleat_status cleat_tracing_stop(int64_t timeout_ms)
{
    pthread_mutex_lock(&mutex);
    cleat_tracer_provider *provider = started;
    started = NULL;
    pthread_mutex_unlock(&mutex);
    if (provider == NULL) {
        return CLEAT_OK;
    }
    cleat_status status = cleat_tracer_provider_shutdown(provider, timeout_ms);
    cleat_tracer_provider_free(provider);
    return status == CLEAT_FAILED_PRECONDITION ? CLEAT_OK : status; /* the program did it itself */
}
