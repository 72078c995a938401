/* OTEL_EXPORTER_OTLP_HEADERS: what is understood goes on a request as it is, and can be written in a
 * way that says the same. */
#include "otlp/setting_headers.h"

#include <stdio.h>
#include <stdlib.h>

static void check(bool condition)
{
    if (!condition) {
        abort();
    }
}

/* Nothing that could end the header line, or begin another one. */
static void check_header(const cleat__otlp_setting_header *header)
{
    check(header->name[0] != '\0');
    for (const char *at = header->name; *at != '\0'; at++) {
        check(*at > ' ' && *at < 0x7F && *at != ':' && *at != '=' && !(*at >= 'A' && *at <= 'Z'));
    }
    for (const char *at = header->value; *at != '\0'; at++) {
        check(*at != '\r' && *at != '\n');
    }
}

static char *encode(const cleat__otlp_settings *settings)
{
    size_t size = 1;
    for (size_t i = 0; i < settings->header_count; i++) {
        size += strlen(settings->headers[i].name) + 3 * strlen(settings->headers[i].value) + 2;
    }
    char *text = malloc(size), *at = text;
    for (size_t i = 0; i < settings->header_count; i++) {
        at += sprintf(at, "%s=", settings->headers[i].name);
        for (const char *value = settings->headers[i].value; *value != '\0'; value++) {
            at += sprintf(at, "%%%02x", (unsigned char)*value);
        }
        *at++ = ',';
    }
    *at = '\0';
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleat__otlp_settings first = {.headers = NULL}, second = {.headers = NULL};
    check(cleat__otlp_headers_read(&first, "HEADERS", (cleat_slice){(const char *)data, size}) == CLEAT_OK);
    char *text = encode(&first);
    check(cleat__otlp_headers_read(&second, "HEADERS", cleat_slice_of(text)) == CLEAT_OK);
    check(first.header_count == second.header_count);
    for (size_t i = 0; i < first.header_count; i++) {
        check_header(&first.headers[i]);
        check(strcmp(first.headers[i].name, second.headers[i].name) == 0);
        check(strcmp(first.headers[i].value, second.headers[i].value) == 0);
    }
    free(text);
    cleat__otlp_settings_deinit(&first);
    cleat__otlp_settings_deinit(&second);
    return 0;
}
