/* OTEL_EXPORTER_OTLP_HEADERS. */
#include "otlp/setting_headers.h"
#include "trace/header.h"

#include <stdlib.h>

static void check(bool condition)
{
    if (!condition) {
        abort();
    }
}

static void be_quiet(void *user_data, cleat_log_level level, const char *message)
{
    (void)user_data, (void)level, (void)message;
}

/* Whatever is kept can be given as options, and is what it was. */
static void check_as_options(const cleat__otlp_settings *read)
{
    cleat__otlp_settings made = {0};
    for (size_t i = 0; i < read->header_count; i++) {
        const cleat_otlp_header header = {read->headers[i].name, read->headers[i].value};
        check(cleat__otlp_headers_add(&made, &header, 1) == CLEAT_OK);
    }
    check(made.header_count == read->header_count); /* no name twice */
    for (size_t i = 0; i < made.header_count; i++) {
        check(strcmp(made.headers[i].name, read->headers[i].name) == 0);
        check(strcmp(made.headers[i].value, read->headers[i].value) == 0);
        check(cleat__is_token(cleat_slice_of(made.headers[i].name)));
        check(strpbrk(made.headers[i].value, "\r\n") == NULL);
    }
    cleat__otlp_settings_deinit(&made);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleat__otlp_settings settings = {0};
    cleat_log_set_handler(be_quiet, NULL, CLEAT_LOG_WARN);
    check(cleat__otlp_headers_read(&settings, "OTEL_EXPORTER_OTLP_HEADERS",
                                   (cleat_slice){(const char *)data, size}) == CLEAT_OK);
    check_as_options(&settings);
    cleat__otlp_settings_deinit(&settings);
    return 0;
}
