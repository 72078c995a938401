/*
 * Makes random spans, exports them, and writes what they have to be, a line of JSON each, into a file:
 *
 *     spans EXPORTER SEED COUNT EXPECTED
 *
 * EXPORTER is http/protobuf, http/json (OTEL_EXPORTER_OTLP_* say where to and how) or file:PATH.
 */
#include "plain_json.h"

#include <cleat/trace.h>
#include <stdio.h>
#include <stdlib.h>

static int fail(const char *what)
{
    fprintf(stderr, "spans: %s: %s\n", what, cleat_error_message());
    return 1;
}

static cleat_status make_exporter(const char *name, cleat_span_exporter **out)
{
    if (strcmp(name, "http/protobuf") == 0) {
        return cleat_otlp_http_exporter_new(NULL, out);
    }
    if (strcmp(name, "http/json") == 0) {
        return cleat_otlp_json_exporter_new(NULL, out);
    }
    if (strncmp(name, "file:", 5) == 0) {
        return cleat_file_exporter_new(name + 5, out);
    }
    return CLEAT_INVALID_ARGUMENT;
}

/* Everything that one provider has. */
typedef struct source {
    asker it;
    cleat_tracer_provider *provider;
    asked_list resource, scope;
} source;

/* service.name stands for the resource's being the one that was given. */
static cleat_status make_provider(source *of, cleat_span_exporter *exporter)
{
    const cleat_clock clock = asker_clock(&of->it);
    const cleat_attribute name = cleat_attribute_string("service.name", "c \xe2\x82\xac");
    cleat_tracer_provider_options options = asker_provider_options(&of->it, &clock);
    cleat_span_processor *processor = NULL;
    cleat_resource *given = NULL, *named = NULL, *merged = NULL;
    asker_attributes(&of->it, 8, UINT32_MAX, UINT32_MAX, &of->resource);
    asked_put(&of->it, &of->resource.expected, &name, UINT32_MAX, UINT32_MAX);
    cleat_status status = cleat_resource_new(of->resource.given, of->resource.given_count,
                                             "https://opentelemetry.io/schemas/1.30.0", &given);
    status = status == CLEAT_OK ? cleat_resource_new(&name, 1, NULL, &named) : status;
    status = status == CLEAT_OK ? cleat_resource_merge(given, named, &merged) : status;
    options.resource = merged;
    status = status == CLEAT_OK ? cleat_tracer_provider_new(&options, &of->provider) : status;
    cleat_resource_release(given);
    cleat_resource_release(named);
    cleat_resource_release(merged);
    if (status != CLEAT_OK) {
        return status;
    }
    /* The queue holds whatever is made: nothing may be lost. */
    status = cleat_batch_processor_new(exporter,
                                       CLEAT_BATCH_PROCESSOR_OPTIONS(.schedule_delay_ms = 3600000,
                                                                     .max_queue_size = 100000,
                                                                     .max_export_batch_size = 64),
                                       &processor);
    return status == CLEAT_OK ? cleat_tracer_provider_add_processor(of->provider, processor) : status;
}

static void write_expected(FILE *file, cleat__buffer *json)
{
    cleat__buffer_append_byte(json, '\n');
    fwrite(json->data, 1, json->size, file);
    cleat__buffer_clear(json);
}

static void make_spans(source *of, unsigned long count, FILE *expected)
{
    static const asked_attributes none;
    const cleat_slice schema_url = cleat_slice_of("https://opentelemetry.io/schemas/1.30.0");
    cleat__buffer json = {0};
    asker_attributes(&of->it, 4, UINT32_MAX, UINT32_MAX, &of->scope);
    cleat_tracer *plain = cleat_tracer_provider_get_tracer(of->provider, "plain", NULL);
    cleat_tracer *full = cleat_tracer_provider_get_tracer(
        of->provider, "full \xe6\xbc\xa2",
        CLEAT_TRACER_OPTIONS(.version = "1.2", .schema_url = "https://scope.example/1",
                             .attributes = of->scope.given, .attribute_count = of->scope.given_count));
    plain_place at_plain = {
        .resource = &of->resource.expected,
        .resource_schema_url = schema_url,
        .scope_name = cleat_slice_of("plain"),
        .scope = &none,
    };
    plain_place at_full = at_plain;
    at_full.scope_name = cleat_slice_of("full \xe6\xbc\xa2");
    at_full.scope_version = cleat_slice_of("1.2");
    at_full.scope_schema_url = cleat_slice_of("https://scope.example/1");
    at_full.scope = &of->scope.expected;
    for (unsigned long i = 0; i < count; i++) {
        asked_span asked;
        bool is_full = asker_chance(&of->it, 2);
        asker_span(&of->it, is_full ? full : plain, &asked);
        plain_json_asked(&json, &asked, is_full ? &at_full : &at_plain);
        write_expected(expected, &json);
    }
    cleat__buffer_deinit(&json);
}

int main(int argc, char **argv)
{
    source of = {.provider = NULL};
    cleat_span_exporter *exporter = NULL;
    if (argc != 5) {
        fprintf(stderr, "usage: spans EXPORTER SEED COUNT EXPECTED\n");
        return 2;
    }
    FILE *expected = fopen(argv[4], "w");
    if (expected == NULL) {
        perror(argv[4]);
        return 1;
    }
    if (make_exporter(argv[1], &exporter) != CLEAT_OK) {
        return fail(argv[1]);
    }
    asker_init(&of.it, strtoull(argv[2], NULL, 10));
    if (make_provider(&of, exporter) != CLEAT_OK) {
        return fail("provider");
    }
    make_spans(&of, strtoul(argv[3], NULL, 10), expected);
    if (cleat_tracer_provider_force_flush(of.provider, 60000) != CLEAT_OK) {
        return fail("export");
    }
    cleat_tracer_provider_free(of.provider);
    asker_deinit(&of.it);
    return fclose(expected) == 0 ? 0 : 1;
}
