#include "http_target.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/hex.h"

/* In place; in a query a plus is a blank. False for a broken escape or a NUL. */
static bool decode(char *text, size_t size, bool is_query, cleat_slice *out)
{
    size_t at = 0;
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        if (c == '%') {
            int high = size - i > 2 ? cleat__hex_digit_of(text[i + 1]) : -1;
            int low = size - i > 2 ? cleat__hex_digit_of(text[i + 2]) : -1;
            if (high < 0 || low < 0 || (high == 0 && low == 0)) {
                return false;
            }
            c = (char)(high << 4 | low);
            i += 2;
        } else if (c == '+' && is_query) {
            c = ' ';
        }
        text[at++] = c;
    }
    *out = (cleat_slice){text, at};
    return true;
}

static cleat_status fail_escape(void)
{
    return cleat__fail(CLEAT_INVALID_ARGUMENT, "invalid URL escape");
}

static cleat_status read_path(char *path, cleat__http_target *out)
{
    if (path[0] != '/') {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "the target of the request must begin with a slash");
    }
    for (char *at = path + 1; at != NULL;) {
        char *slash = strchr(at, '/');
        size_t size = slash != NULL ? (size_t)(slash - at) : strlen(at);
        if (out->segment_count == CLEAT__HTTP_SEGMENTS_MAX) {
            return cleat__fail(CLEAT_NOT_FOUND, "no route has so many segments");
        }
        if (!decode(at, size, false, &out->segments[out->segment_count++])) {
            return fail_escape();
        }
        at = slash != NULL ? slash + 1 : NULL;
    }
    return CLEAT_OK;
}

static cleat_status read_argument(char *text, size_t size, cleat__http_argument *out)
{
    char *equals = memchr(text, '=', size);
    size_t name_size = equals != NULL ? (size_t)(equals - text) : size;
    out->value = cleat_slice_of("");
    if (!decode(text, name_size, true, &out->name) ||
        (equals != NULL && !decode(equals + 1, size - name_size - 1, true, &out->value))) {
        return fail_escape();
    }
    return CLEAT_OK;
}

static cleat_status read_query(char *query, cleat__http_target *out)
{
    size_t count = 1;
    for (const char *at = query; *at != '\0'; at++) {
        count += *at == '&';
    }
    if (count > CLEAT__HTTP_ARGUMENTS_MAX) {
        return cleat__fail(CLEAT_TOO_LARGE, "more than %d arguments", CLEAT__HTTP_ARGUMENTS_MAX);
    }
    out->arguments = cleat__calloc(count, sizeof(*out->arguments));
    if (out->arguments == NULL) {
        return cleat__fail_memory();
    }
    for (char *at = query; at != NULL;) {
        char *end = strchr(at, '&');
        size_t size = end != NULL ? (size_t)(end - at) : strlen(at);
        cleat_status status =
            size != 0 ? read_argument(at, size, &out->arguments[out->argument_count++]) : CLEAT_OK;
        if (status != CLEAT_OK) {
            return status;
        }
        at = end != NULL ? end + 1 : NULL;
    }
    return CLEAT_OK;
}

cleat_status cleat__http_target_read(char *text, cleat__http_target *out)
{
    *out = (cleat__http_target){0};
    char *query = strchr(text, '?');
    if (query != NULL) {
        *query++ = '\0';
    }
    cleat_status status = read_path(text, out);
    return status == CLEAT_OK && query != NULL ? read_query(query, out) : status;
}

void cleat__http_target_deinit(cleat__http_target *target)
{
    cleat__free(target->arguments);
    *target = (cleat__http_target){0};
}
