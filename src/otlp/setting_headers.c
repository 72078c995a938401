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

/* A token of RFC 9110, 5.6.2. */
static bool is_name(cleat_slice name)
{
    for (size_t i = 0; i < name.size; i++) {
        char character = name.data[i];
        if (!cleat__is_digit(character) && !cleat__is_lower((char)(character | 0x20)) &&
            (character == '\0' || strchr("!#$%&'*+-.^_`|~", character) == NULL)) {
            return false;
        }
    }
    return name.size != 0;
}

/* Percent-decodes in place; false when a `%` is not followed by two hex digits. */
static bool percent_decode(char *text, size_t *size)
{
    size_t written = 0;
    for (size_t i = 0; i < *size; i++) {
        int high = text[i] == '%' && *size - i >= 3 ? cleat__hex_value(text[i + 1]) : -1;
        int low = high >= 0 ? cleat__hex_value(text[i + 2]) : -1;
        if (text[i] == '%' && low < 0) {
            return false;
        }
        text[written++] = low >= 0 ? (char)(high << 4 | low) : text[i];
        i += low >= 0 ? 2 : 0;
    }
    text[written] = '\0';
    *size = written;
    return true;
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
    cleat_slice value;
    cleat_slice name = cleat__trim(cleat__split(pair, '=', &value));
    if (value.data == NULL || !is_name(name)) {
        return CLEAT_INVALID_ARGUMENT;
    }
    value = cleat__trim(value);
    char *decoded = cleat__slice_dup(value);
    if (decoded == NULL) {
        return cleat__fail_memory();
    }
    if (!percent_decode(decoded, &value.size) ||
        !cleat__otlp_header_value_is_valid((cleat_slice){decoded, value.size}) ||
        strlen(decoded) != value.size) {
        cleat__free(decoded);
        return CLEAT_INVALID_ARGUMENT;
    }
    return put(settings, cleat__slice_dup(name), decoded);
}

cleat_status cleat__otlp_headers_read(cleat__otlp_settings *settings, const char *variable, cleat_slice list)
{
    while (list.data != NULL) {
        cleat_slice pair = cleat__trim(cleat__split(list, ',', &list));
        cleat_status status = pair.size != 0 ? put_pair(settings, pair) : CLEAT_OK;
        if (status == CLEAT_INVALID_ARGUMENT) {
            cleat_slice rest;
            cleat__env_warn(variable, cleat__trim(cleat__split(pair, '=', &rest)),
                            "name=value pairs separated by commas, values percent-encoded");
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
        if (!is_name(name)) {
            return cleat__fail(CLEAT_INVALID_ARGUMENT, "\"%.*s\" is no name of a header",
                               CLEAT_SLICE_ARGS(name));
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
