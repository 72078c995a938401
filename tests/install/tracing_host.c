/*
 * tracing_host PLUGIN local|global: a program that traces loads an instrumented library. Before it
 * sets a provider the library's spans are no-ops; afterwards they are children of the program's.
 */
#include "plugin.h"

#include <cleat/trace.h>
#include <dlfcn.h>

static cleat_span_exporter *memory;
static cleat_tracer_provider *provider;

static int fail(const char *text)
{
    fprintf(stderr, "tracing_host: %s\n", text);
    return 1;
}

static cleat_status start_tracing(void)
{
    cleat_span_processor *processor = NULL;
    cleat_status status = cleat_memory_exporter_new(&memory);
    if (status == CLEAT_OK) {
        status = cleat_simple_processor_new(memory, &processor);
    }
    if (status == CLEAT_OK) {
        status = cleat_tracer_provider_new(NULL, &provider);
    }
    if (status == CLEAT_OK) {
        status = cleat_tracer_provider_add_processor(provider, processor);
    }
    cleat_tracer_provider_set_global(provider);
    return status;
}

/* The memory exporter has the span of the library, then the one of the program. */
static int check_spans(void)
{
    cleat_span_view inner, outer;
    if (cleat_memory_exporter_count(memory) != 2 || !cleat_memory_exporter_at(memory, 0, &inner) ||
        !cleat_memory_exporter_at(memory, 1, &outer)) {
        return fail("the spans of library and program did not reach one provider");
    }
    cleat_value headers;
    if (!cleat_slice_equals(inner.name, cleat_slice_of("plugin")) ||
        !cleat_slice_equals(inner.scope->name, cleat_slice_of("plugin")) ||
        !cleat_span_view_attribute(&inner, "headers", &headers) || headers.as.integer != 2) {
        return fail("the library's span is not as it was made");
    }
    if (memcmp(&inner.trace_id, &outer.trace_id, sizeof(inner.trace_id)) != 0 ||
        memcmp(&inner.parent_span_id, &outer.span_id, sizeof(outer.span_id)) != 0) {
        return fail("the library's span is not a child of the program's");
    }
    return 0;
}

static int run(bool (*work)(void))
{
    if (work()) {
        return fail("without a provider a span was recorded");
    }
    if (start_tracing() != CLEAT_OK) {
        return fail(cleat_error_message());
    }
    cleat_span span = cleat_span_start(cleat_tracer_get("host", NULL), "host", NULL);
    cleat_scope scope = cleat_span_attach(span);
    bool is_recorded = work();
    cleat_scope_detach(scope);
    cleat_span_end(span);
    return is_recorded ? check_spans() : fail("with a provider the library's span was not recorded");
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        return fail("usage: tracing_host PLUGIN local|global");
    }
    int visible = strcmp(argv[2], "global") == 0 ? RTLD_GLOBAL : RTLD_LOCAL;
    void *plugin = dlopen(argv[1], RTLD_NOW | visible);
    void *function = plugin != NULL ? dlsym(plugin, "plugin_work") : NULL;
    if (function == NULL) {
        return fail(dlerror());
    }
    bool (*work)(void);
    memcpy(&work, &function, sizeof(work));
    int exit_code = run(work);
    cleat_tracer_provider_free(provider);
    dlclose(plugin);
    return exit_code;
}
