/* A tracer provider as the environment describes it (OTEL_TRACES_EXPORTER). */
#include "base/alloc.h"
#include "base/env.h"
#include "base/error.h"
#include "base/log.h"
#include "trace/header.h"

#include <cleat/trace.h>

static const char variable[] = "OTEL_TRACES_EXPORTER";

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
    cleat_span_processor *processor = NULL;
    if (text == NULL) {
        return cleat__fail_memory();
    }
    cleat_status status = cleat_file_exporter_new(text, &exporter);
    cleat__free(text);
    if (status == CLEAT_IO) {
        cleat__log(CLEAT_LOG_WARN, "%s: %s", variable, cleat_error_message());
        return CLEAT_OK;
    }
    if (status == CLEAT_OK) {
        status = cleat_batch_processor_new(exporter, NULL, &processor);
    }
    return status == CLEAT_OK ? cleat_tracer_provider_add_processor(provider, processor) : status;
}

static cleat_status add_named(cleat_tracer_provider *provider, cleat_slice name)
{
    static const char file[] = "file:";
    if (name.size == 0 || cleat__env_is(name, "none")) {
        return CLEAT_OK;
    }
    if (cleat__env_is(name, "console")) {
        return add_console(provider);
    }
    if (name.size > strlen(file) && cleat__env_is((cleat_slice){name.data, strlen(file)}, file)) {
        return add_file(provider, (cleat_slice){name.data + strlen(file), name.size - strlen(file)});
    }
    cleat__env_warn(variable, name, "console, none or file:PATH");
    return CLEAT_OK;
}

cleat_status cleat_tracer_provider_from_environment(cleat_tracer_provider **out)
{
    cleat_tracer_provider *provider = NULL;
    cleat_status status = cleat_tracer_provider_new(NULL, out != NULL ? &provider : NULL);
    cleat_slice rest = cleat__env_get(variable);
    while (status == CLEAT_OK && rest.data != NULL) {
        status = add_named(provider, cleat__trim(cleat__split(rest, ',', &rest)));
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
