#include "setting_headers.h"

#include "base/alloc.h"
#include "base/env.h"
#include "base/error.h"
#include "trace/header.h"

bool cleat__otlp_header_value_is_valid(cleat_slice value)
{
    for (size_t i = 0; i < value.size; i++) {
        unsigned char character = (unsigned char)value.data[i];
        if ((character < 0x20 && character != '\t') || character == 0x7F) {
            return false;
        }
    }
    return true;
}

/* What the exporters say themselves: a second one, or another one, would make the request one that no
 * server can read. */
static bool is_reserved(cleat_slice name)
{
    static const char *const reserved[] = {"content-type", "content-encoding",  "content-length", "expect",
                                           "te",           "transfer-encoding", "connection",     "upgrade"};
    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
        if (cleat__env_is(name, reserved[i])) {
            return true;
        }
    }
    return false;
}

static void lower(char *name)
{
    for (; *name != '\0'; name++) {
        if (*name >= 'A' && *name <= 'Z') {
            *name = (char)(*name | 0x20);
        }
    }
}

/* Consumes both; a header of the same name is replaced. */
static cleat_status put(cleat__otlp_settings *settings, char *name, char *value)
{
    if (name == NULL || value == NULL) {
        cleat__free(name);
        cleat__free(value);
        return cleat__fail_memory();
    }
    lower(name);
    for (size_t i = 0; i < settings->header_count; i++) {
        cleat__otlp_setting_header *header = &settings->headers[i];
        if (strcmp(header->name, name) == 0) {
            cleat__free(name);
            cleat__free(header->value);
            header->value = value;
            return CLEAT_OK;
        }
    }
    cleat__otlp_setting_header *headers =
        cleat__realloc(settings->headers, (settings->header_count + 1) * sizeof(*headers));
    if (headers == NULL) {
        cleat__free(name);
        cleat__free(value);
        return cleat__fail_memory();
    }
    settings->headers = headers;
    headers[settings->header_count++] = (cleat__otlp_setting_header){name, value};
    return CLEAT_OK;
}

/* CLEAT_INVALID_ARGUMENT for a malformed pair. */
static cleat_status put_pair(cleat__otlp_settings *settings, cleat_slice pair)
{
    cleat_slice name, value;
    if (!cleat__split_pair(pair, &name, &value) || !cleat__is_token(name) || is_reserved(name)) {
        return CLEAT_INVALID_ARGUMENT;
    }
    char *decoded = cleat__slice_dup(value);
    size_t size = 0;
    if (decoded == NULL) {
        return cleat__fail_memory();
    }
    if (!cleat__percent_decode(value, decoded, value.size, &size) ||
        !cleat__otlp_header_value_is_valid((cleat_slice){decoded, size})) {
        cleat__free(decoded);
        return CLEAT_INVALID_ARGUMENT;
    }
    decoded[size] = '\0';
    return put(settings, cleat__slice_dup(name), decoded);
}

cleat_status cleat__otlp_headers_read(cleat__otlp_settings *settings, const char *variable, cleat_slice list)
{
    while (list.data != NULL) {
        cleat_slice pair = cleat__trim(cleat__split(list, ',', &list));
        cleat_status status = pair.size != 0 ? put_pair(settings, pair) : CLEAT_OK;
        if (status == CLEAT_INVALID_ARGUMENT) {
            cleat_slice name, secret;
            /* Without a "=" it may be the rest of a secret that holds a comma. */
            bool is_pair = cleat__split_pair(pair, &name, &secret);
            cleat__env_warn(variable, is_pair ? name : cleat_slice_of("(a part without =)"),
                            "name=value pairs separated by commas, values percent-encoded, of headers that "
                            "the exporter does not set itself");
        } else if (status != CLEAT_OK) {
            return status;
        }
    }
    return CLEAT_OK;
}

cleat_status cleat__otlp_headers_add(cleat__otlp_settings *settings, const cleat_otlp_header *headers,
                                     size_t count)
{
    for (size_t i = 0; headers != NULL && i < count; i++) {
        cleat_slice name = cleat_slice_of(headers[i].name), value = cleat_slice_of(headers[i].value);
        if (!cleat__is_token(name)) {
            return cleat__fail(CLEAT_INVALID_ARGUMENT, "\"%.*s\" is no name of a header",
                               CLEAT_SLICE_ARGS(name));
        }
        if (is_reserved(name)) {
            return cleat__fail(CLEAT_INVALID_ARGUMENT, "the exporter sets the header %s itself",
                               headers[i].name);
        }
        if (value.data == NULL || !cleat__otlp_header_value_is_valid(value)) {
            return cleat__fail(CLEAT_INVALID_ARGUMENT, "the header %s has no usable value", headers[i].name);
        }
        cleat_status status = put(settings, cleat__strdup(headers[i].name), cleat__strdup(headers[i].value));
        if (status != CLEAT_OK) {
            return status;
        }
    }
    return CLEAT_OK;
}
