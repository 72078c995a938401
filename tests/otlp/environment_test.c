/* What OTEL_TRACES_EXPORTER and OTEL_EXPORTER_OTLP_* make of a provider and of an exporter. */
#define _GNU_SOURCE /* memmem */
#include "otlp/settings.h"
#include "support/http_sink.h"
#include "trace/sdk_test.h"

static char warning[512];
static int warnings;

static void keep_warning(void *user_data, cleat_log_level level, const char *message)
{
    (void)user_data;
    (void)level;
    snprintf(warning, sizeof(warning), "%s", message);
    warnings++;
}

static int hear_warnings(void **state)
{
    (void)state;
    warning[0] = '\0';
    warnings = 0;
    cleat_log_set_handler(keep_warning, NULL, CLEAT_LOG_WARN);
    return 0;
}

static int forget(void **state)
{
    static const char *const names[] = {
        "OTEL_TRACES_EXPORTER",        "OTEL_SDK_DISABLED",
        "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
        "OTEL_EXPORTER_OTLP_TIMEOUT",  "OTEL_EXPORTER_OTLP_COMPRESSION",
        "OTEL_EXPORTER_OTLP_HEADERS",  "OTEL_EXPORTER_OTLP_CERTIFICATE",
        "OTEL_EXPORTER_OTLP_INSECURE",
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        unsetenv(names[i]);
    }
    cleat_log_set_handler(NULL, NULL, CLEAT_LOG_ERROR);
    return 0;
}

/* ---- Which exporter ---- */

static void the_environment_names_the_exporter(void **state)
{
    static const struct {
        const char *value;
        bool is_enabled;
        size_t requests; /* to the OTLP endpoint */
        size_t lines;    /* in the file */
    } cases[] = {
        {NULL, true, 1, 0},
        {"otlp", true, 1, 0},
        {"none", false, 0, 0},
        {"file:spans.jsonl", true, 0, 1},
        {"none, FILE:spans.jsonl", true, 0, 1},
        {"otlp,file:spans.jsonl", true, 1, 1},
        {"carrier_pigeon", true, 1, 0}, /* the default */
        {"carrier_pigeon,none", false, 0, 0},
        {"file:/nowhere/at/all", false, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char line[4096];
        cleat_tracer_provider *provider = NULL;
        http_sink *sink = http_sink_start();
        setenv("OTEL_EXPORTER_OTLP_ENDPOINT", http_sink_url(sink, ""), 1);
        unsetenv("OTEL_TRACES_EXPORTER");
        if (cases[i].value != NULL) {
            setenv("OTEL_TRACES_EXPORTER", cases[i].value, 1);
        }
        assert_int_equal(cleat_tracer_provider_from_environment(NULL, &provider), CLEAT_OK);
        cleat_tracer *tracer = cleat_tracer_provider_get_tracer(provider, "env", NULL);
        assert_int_equal(cleat_tracer_enabled(tracer), cases[i].is_enabled);
        cleat_span_end(cleat_span_start(tracer, "from environment", NULL));
        cleat_tracer_provider_free(provider);
        assert_int_equal(http_sink_requests(sink), cases[i].requests);
        FILE *file = fopen("spans.jsonl", "r");
        assert_int_equal(file != NULL && fgets(line, sizeof(line), file) != NULL, cases[i].lines != 0);
        if (file != NULL) {
            fclose(file);
            remove("spans.jsonl");
        }
        http_sink_stop(sink);
    }
    assert_int_equal(warnings, 2); /* each wrong value once */
}

static void the_protocol_chooses_the_form(void **state)
{
    static const struct {
        const char *general, *traces, *content_type;
    } cases[] = {
        {NULL, NULL, "application/x-protobuf"},
        {"http/json", NULL, "application/json"},
        {"http/json", "http/protobuf", "application/x-protobuf"},
        {"smoke", NULL, "application/x-protobuf"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char value[64];
        cleat_tracer_provider *provider = NULL;
        http_sink *sink = http_sink_start();
        setenv("OTEL_EXPORTER_OTLP_ENDPOINT", http_sink_url(sink, "/base/"), 1);
        forget(NULL);
        hear_warnings(NULL);
        setenv("OTEL_EXPORTER_OTLP_ENDPOINT", http_sink_url(sink, "/base/"), 1);
        if (cases[i].general != NULL) {
            setenv("OTEL_EXPORTER_OTLP_PROTOCOL", cases[i].general, 1);
        }
        if (cases[i].traces != NULL) {
            setenv("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", cases[i].traces, 1);
        }
        assert_int_equal(cleat_tracer_provider_from_environment(NULL, &provider), CLEAT_OK);
        cleat_span_end(cleat_span_start(cleat_tracer_provider_get_tracer(provider, "env", NULL), "x", NULL));
        cleat_tracer_provider_free(provider);
        http_request request = http_sink_request(sink, 0);
        assert_string_equal(http_header(request.head, "Content-Type", value, sizeof(value)),
                            cases[i].content_type);
        assert_memory_equal(request.head, "POST /base/v1/traces ", 21);
        http_sink_stop(sink);
    }
}

static void disabled_it_sends_nothing(void **state)
{
    cleat_tracer_provider *provider = NULL;
    (void)state;
    setenv("OTEL_SDK_DISABLED", "true", 1);
    assert_int_equal(cleat_tracer_provider_from_environment(NULL, &provider), CLEAT_OK);
    assert_false(cleat_tracer_enabled(cleat_tracer_provider_get_tracer(provider, "env", NULL)));
    cleat_tracer_provider_free(provider);
}

static void one_call_starts_and_one_stops(void **state)
{
    http_sink *sink = http_sink_start();
    (void)state;
    setenv("OTEL_EXPORTER_OTLP_ENDPOINT", http_sink_url(sink, ""), 1);
    assert_int_equal(cleat_tracing_start(NULL), CLEAT_OK);
    assert_int_equal(cleat_tracing_start(NULL), CLEAT_ALREADY_EXISTS);
    cleat_span_end(cleat_span_start(cleat_tracer_get("one call", NULL), "x", NULL));
    assert_int_equal(cleat_tracing_stop(60000), CLEAT_OK);
    assert_int_equal(http_sink_requests(sink), 1);
    assert_null(cleat_tracer_provider_global());
    assert_int_equal(cleat_tracing_stop(60000), CLEAT_OK);
    assert_int_equal(cleat_tracing_start(NULL), CLEAT_OK); /* and again */
    assert_int_equal(cleat_tracing_stop(60000), CLEAT_OK);
    http_sink_stop(sink);
}

static void code_and_environment_say_who_the_program_is(void **state)
{
    http_sink *sink = http_sink_start();
    cleat_resource *resource = NULL;
    const cleat_attribute attributes[] = {cleat_attribute_string("service.name", "of the code"),
                                          cleat_attribute_string("mine", "of the code")};
    (void)state;
    setenv("OTEL_EXPORTER_OTLP_ENDPOINT", http_sink_url(sink, ""), 1);
    setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=of%20the%20environment", 1);
    assert_int_equal(cleat_resource_new(attributes, COUNT_OF(attributes), NULL, &resource), CLEAT_OK);
    assert_int_equal(cleat_tracing_start(CLEAT_TRACER_PROVIDER_OPTIONS(.resource = resource)), CLEAT_OK);
    cleat_resource_release(resource);
    cleat_span_end(cleat_span_start(cleat_tracer_get("one call", NULL), "x", NULL));
    assert_int_equal(cleat_tracing_stop(60000), CLEAT_OK);
    unsetenv("OTEL_RESOURCE_ATTRIBUTES");
    cleat_slice body = http_sink_request(sink, 0).body;
    assert_non_null(memmem(body.data, body.size, "of the code", 11));
    assert_non_null(memmem(body.data, body.size, "of the environment", 18));
    http_sink_stop(sink);
}

static int frees; /* of a sampler */

static void count_free(cleat_sampler *self)
{
    (void)self;
    frees++;
}

static void a_sampler_is_consumed_also_when_it_is_started_twice(void **state)
{
    static cleat_sampler sampler = {.free = count_free};
    (void)state;
    frees = 0;
    setenv("OTEL_TRACES_EXPORTER", "none", 1);
    assert_int_equal(cleat_tracing_start(NULL), CLEAT_OK);
    assert_int_equal(cleat_tracing_start(CLEAT_TRACER_PROVIDER_OPTIONS(.sampler = &sampler)),
                     CLEAT_ALREADY_EXISTS);
    assert_int_equal(frees, 1);
    assert_int_equal(cleat_tracing_stop(60000), CLEAT_OK);
}

/* ---- Settings ---- */

static void settings_have_the_defaults_of_the_specification(void **state)
{
    cleat__otlp_settings settings;
    (void)state;
    assert_int_equal(cleat__otlp_settings_init(&settings, CLEAT__OTLP_HTTP_PROTOBUF, NULL), CLEAT_OK);
    assert_string_equal(settings.endpoint, "http://localhost:4318/v1/traces");
    assert_int_equal(settings.timeout_ms, 10000);
    assert_false(settings.gzip);
    assert_int_equal(settings.header_count, 0);
    cleat__otlp_settings_deinit(&settings);
    assert_int_equal(cleat__otlp_settings_init(&settings, CLEAT__OTLP_GRPC, NULL), CLEAT_OK);
    assert_string_equal(settings.endpoint, "localhost:4317");
    assert_false(settings.is_secure);
    cleat__otlp_settings_deinit(&settings);
}

static void endpoints_are_read_by_protocol(void **state)
{
    static const struct {
        cleat__otlp_protocol protocol;
        const char *name, *value, *endpoint;
        bool is_secure;
    } cases[] = {
        {CLEAT__OTLP_HTTP_PROTOBUF, "ENDPOINT", "http://a:1", "http://a:1/v1/traces", false},
        {CLEAT__OTLP_HTTP_PROTOBUF, "ENDPOINT", "https://a/b/", "https://a/b/v1/traces", true},
        {CLEAT__OTLP_HTTP_PROTOBUF, "ENDPOINT", "http://a/b?k=v", "http://a/b/v1/traces?k=v", false},
        {CLEAT__OTLP_HTTP_PROTOBUF, "ENDPOINT", "http://u:p@a", "http://u:p@a/v1/traces", false},
        {CLEAT__OTLP_HTTP_PROTOBUF, "TRACES_ENDPOINT", "http://a:1", "http://a:1", false},
        {CLEAT__OTLP_HTTP_JSON, "TRACES_ENDPOINT", "http://[::1]:1/x", "http://[::1]:1/x", false},
        {CLEAT__OTLP_HTTP_PROTOBUF, "ENDPOINT", "a:1", "http://localhost:4318/v1/traces", false},
        {CLEAT__OTLP_HTTP_PROTOBUF, "ENDPOINT", "gopher://a", "http://localhost:4318/v1/traces", false},
        {CLEAT__OTLP_GRPC, "ENDPOINT", "http://a:1/ignored", "a:1", false},
        {CLEAT__OTLP_GRPC, "ENDPOINT", "https://a", "a:4317", true},
        {CLEAT__OTLP_GRPC, "TRACES_ENDPOINT", "a:1", "a:1", true},
        {CLEAT__OTLP_GRPC, "ENDPOINT", "unix:/x", "localhost:4317", false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char name[64];
        cleat__otlp_settings settings;
        snprintf(name, sizeof(name), "OTEL_EXPORTER_OTLP_%s", cases[i].name);
        setenv(name, cases[i].value, 1);
        assert_int_equal(cleat__otlp_settings_init(&settings, cases[i].protocol, NULL), CLEAT_OK);
        assert_string_equal(settings.endpoint, cases[i].endpoint);
        assert_int_equal(settings.is_secure, cases[i].is_secure);
        cleat__otlp_settings_deinit(&settings);
        unsetenv(name);
    }
    setenv("OTEL_EXPORTER_OTLP_INSECURE", "true", 1);
    cleat__otlp_settings settings;
    assert_int_equal(cleat__otlp_settings_init(&settings, CLEAT__OTLP_GRPC,
                                               CLEAT_OTLP_EXPORTER_OPTIONS(.endpoint = "a:1")),
                     CLEAT_OK);
    assert_false(settings.is_secure);
    cleat__otlp_settings_deinit(&settings);
}

static void wrong_values_warn_once_and_fall_back(void **state)
{
    static const struct {
        const char *name, *value, *warning;
    } cases[] = {
        {"OTEL_EXPORTER_OTLP_TIMEOUT", "soon",
         "OTEL_EXPORTER_OTLP_TIMEOUT: \"soon\" is ignored; accepted: 0 to"},
        {"OTEL_EXPORTER_OTLP_COMPRESSION", "zip",
         "OTEL_EXPORTER_OTLP_COMPRESSION: \"zip\" is ignored; accepted: gzip, none"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT", "nowhere",
         "OTEL_EXPORTER_OTLP_ENDPOINT: \"nowhere\" is ignored; accepted: an http:// or https:// URL"},
        {"OTEL_EXPORTER_OTLP_CERTIFICATE", "no.pem", "OTEL_EXPORTER_OTLP_CERTIFICATE: \"no.pem\" is ignored"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        setenv(cases[i].name, cases[i].value, 1);
        warnings = 0;
        for (int twice = 0; twice < 2; twice++) {
            cleat__otlp_settings settings;
            assert_int_equal(cleat__otlp_settings_init(&settings, CLEAT__OTLP_HTTP_PROTOBUF, NULL), CLEAT_OK);
            assert_int_equal(settings.timeout_ms, 10000);
            assert_false(settings.gzip);
            assert_string_equal(settings.endpoint, "http://localhost:4318/v1/traces");
            assert_null(settings.certificate_file);
            cleat__otlp_settings_deinit(&settings);
        }
        assert_int_equal(warnings, 1);
        assert_memory_equal(warning, cases[i].warning, strlen(cases[i].warning));
        unsetenv(cases[i].name);
    }
}

static void a_wrong_header_is_left_out_and_its_value_not_shown(void **state)
{
    cleat__otlp_settings settings;
    (void)state;
    setenv("OTEL_EXPORTER_OTLP_HEADERS", "a=1,api key=s3cret,b=%zz,A=2,,c", 1);
    assert_int_equal(cleat__otlp_settings_init(&settings, CLEAT__OTLP_HTTP_PROTOBUF, NULL), CLEAT_OK);
    assert_int_equal(settings.header_count, 1);
    assert_string_equal(settings.headers[0].name, "a");
    assert_string_equal(settings.headers[0].value, "2");
    assert_int_equal(warnings, 3);
    assert_null(strstr(warning, "s3cret"));
    cleat__otlp_settings_deinit(&settings);
}

static void the_password_of_a_wrong_endpoint_is_not_shown(void **state)
{
    static const char *const endpoints[] = {"http://me:s3cret@[::", "me:s3cret@host:4318",
                                            "gopher://me:s3c@s3cret@host"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(endpoints); i++) {
        cleat__otlp_settings settings;
        assert_int_equal(cleat__otlp_settings_init(&settings, CLEAT__OTLP_HTTP_PROTOBUF,
                                                   CLEAT_OTLP_EXPORTER_OPTIONS(.endpoint = endpoints[i])),
                         CLEAT_INVALID_ARGUMENT);
        assert_non_null(strstr(cleat_error_message(), strrchr(endpoints[i], '@')));
        assert_null(strstr(cleat_error_message(), "s3c"));
        setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoints[i], 1);
        assert_int_equal(cleat__otlp_settings_init(&settings, CLEAT__OTLP_HTTP_PROTOBUF, NULL), CLEAT_OK);
        assert_int_equal(warnings, i + 1);
        assert_non_null(strstr(warning, strrchr(endpoints[i], '@')));
        assert_null(strstr(warning, "s3c"));
        cleat__otlp_settings_deinit(&settings);
    }
}

static void headers_of_the_exporter_itself_are_left_out(void **state)
{
    cleat__otlp_settings settings;
    const cleat_otlp_header header = {"Transfer-Encoding", "chunked"};
    (void)state;
    setenv("OTEL_EXPORTER_OTLP_HEADERS", "Content-Length=5,a=1,s3cret", 1);
    assert_int_equal(cleat__otlp_settings_init(&settings, CLEAT__OTLP_HTTP_PROTOBUF, NULL), CLEAT_OK);
    assert_int_equal(settings.header_count, 1);
    assert_string_equal(settings.headers[0].name, "a");
    assert_true(warnings >= 1);
    assert_null(strstr(warning, "s3cret")); /* it may be the rest of a value with a comma */
    cleat__otlp_settings_deinit(&settings);
    assert_int_equal(
        cleat__otlp_settings_init(&settings, CLEAT__OTLP_HTTP_PROTOBUF,
                                  CLEAT_OTLP_EXPORTER_OPTIONS(.headers = &header, .header_count = 1)),
        CLEAT_INVALID_ARGUMENT);
    assert_non_null(strstr(cleat_error_message(), "sets the header Transfer-Encoding itself"));
}

static void options_win_over_the_environment(void **state)
{
    cleat__otlp_settings settings;
    (void)state;
    setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://environment", 1);
    setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1", 1);
    setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip", 1);
    assert_int_equal(
        cleat__otlp_settings_init(&settings, CLEAT__OTLP_HTTP_PROTOBUF,
                                  CLEAT_OTLP_EXPORTER_OPTIONS(.endpoint = "http://option", .timeout_ms = 2,
                                                              .compression = CLEAT_OTLP_COMPRESSION_NONE)),
        CLEAT_OK);
    assert_string_equal(settings.endpoint, "http://option");
    assert_int_equal(settings.timeout_ms, 2);
    assert_false(settings.gzip);
    cleat__otlp_settings_deinit(&settings);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, hear_warnings, forget)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_environment_names_the_exporter),
        TEST(the_protocol_chooses_the_form),
        TEST(disabled_it_sends_nothing),
        TEST(one_call_starts_and_one_stops),
        TEST(code_and_environment_say_who_the_program_is),
        TEST(a_sampler_is_consumed_also_when_it_is_started_twice),
        TEST(settings_have_the_defaults_of_the_specification),
        TEST(endpoints_are_read_by_protocol),
        TEST(wrong_values_warn_once_and_fall_back),
        TEST(a_wrong_header_is_left_out_and_its_value_not_shown),
        TEST(the_password_of_a_wrong_endpoint_is_not_shown),
        TEST(headers_of_the_exporter_itself_are_left_out),
        TEST(options_win_over_the_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
