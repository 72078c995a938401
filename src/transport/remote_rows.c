#include "transport/remote_rows.h"

#include "base/alloc.h"
#include "base/error.h"
#include "model/rfc3339.h"
#include "wire/payload.h"

#include <jansson.h>

bool cleat__remote_is_object(cleat_slice text)
{
    json_t *root = json_loadb(text.data != NULL ? text.data : "", text.size, JSON_DECODE_INT_AS_REAL, NULL);
    bool is_one = json_is_object(root);
    json_decref(root);
    return is_one;
}

bool cleat__remote_is_array(cleat_slice text)
{
    json_t *root = json_loadb(text.data != NULL ? text.data : "", text.size, JSON_DECODE_INT_AS_REAL, NULL);
    bool is_one = json_is_array(root);
    json_decref(root);
    return is_one;
}

cleat_slice cleat__remote_member(cleat_slice object, const char *name)
{
    cleat_slice value = {NULL, 0};
    (void)cleat__json_find_member(object, name, &value);
    return value;
}

char *cleat__remote_text(cleat_slice value)
{
    cleat_slice text;
    char *memory = NULL, *copy = NULL;
    if (cleat__json_decode_string(value, &text, &memory)) {
        copy = cleat__slice_dup(text);
    }
    cleat__free(memory);
    return copy;
}

bool cleat__remote_payload(cleat_slice value, cleat_slice *out)
{
    bool is_payload = value.size != 0 && value.data[0] == '{';
    *out = is_payload ? value : (cleat_slice){NULL, 0};
    return is_payload || value.data == NULL || cleat_slice_equals(value, cleat_slice_of("null"));
}

bool cleat__remote_row_id(cleat_slice row, cleat__uuid *id)
{
    char *text = cleat__remote_text(cleat__remote_member(cleat__remote_member(row, "metadata"), "id"));
    bool is_id = text != NULL && cleat__uuid_parse(cleat_slice_of(text), id) == CLEAT_OK;
    cleat__free(text);
    return is_id;
}

int32_t cleat__remote_row_priority(cleat_slice row)
{
    cleat_slice value = cleat__remote_member(row, "priority");
    bool is_known = value.size == 1 && value.data[0] >= '1' && value.data[0] <= '3';
    return is_known ? value.data[0] - '0' : 0;
}

bool cleat__remote_row_status(cleat_slice row, cleat_run_status *out)
{
    char *name = cleat__remote_text(cleat__remote_member(row, "status"));
    int status = CLEAT_RUN_QUEUED;
    while (name != NULL && status <= CLEAT_RUN_CANCELLED &&
           strcmp(name, cleat_run_status_name((cleat_run_status)status)) != 0) {
        status++;
    }
    bool is_known = name != NULL && status <= CLEAT_RUN_CANCELLED;
    bool is_evicted = cleat_slice_equals(cleat__remote_member(row, "isEvicted"), cleat_slice_of("true"));
    *out = status == CLEAT_RUN_RUNNING && is_evicted ? CLEAT_RUN_EVICTED : (cleat_run_status)status;
    cleat__free(name);
    return is_known;
}

static bool is_nothing(cleat_slice value)
{
    return value.data == NULL || cleat_slice_equals(value, cleat_slice_of("null"));
}

bool cleat__remote_time(cleat_slice value, int64_t *unix_ms)
{
    static const char zero[] = "0001-01-01T";
    *unix_ms = 0;
    if (is_nothing(value)) {
        return true;
    }
    char *text = cleat__remote_text(value);
    bool is_time = text != NULL && (strncmp(text, zero, sizeof(zero) - 1) == 0 ||
                                    cleat__rfc3339_parse(cleat_slice_of(text), unix_ms));
    cleat__free(text);
    return is_time;
}

bool cleat__remote_count(cleat_slice value, int64_t *out)
{
    enum { DIGITS_MAX = 18 };
    bool is_count = is_nothing(value) || (value.size >= 1 && value.size <= DIGITS_MAX);
    *out = 0;
    for (size_t i = 0; is_count && !is_nothing(value) && i < value.size; i++) {
        is_count = value.data[i] >= '0' && value.data[i] <= '9';
        *out = 10 * *out + (value.data[i] - '0');
    }
    return is_count;
}

cleat_status cleat__remote_row_error(cleat_slice row, char **out)
{
    char *written = cleat__remote_text(cleat__remote_member(row, "errorMessage"));
    *out = written != NULL ? cleat__payload_error_read(cleat_slice_of(written)) : NULL;
    cleat_status status = written == NULL || *out != NULL ? CLEAT_OK : cleat__fail_memory();
    cleat__free(written);
    return status;
}

cleat_status cleat__remote_rows(const cleat__remote_settings *settings, cleat_slice body, const char *what,
                                cleat__json_cursor *cursor)
{
    bool is_object = cleat__remote_is_object(body);
    cleat_slice rows = is_object ? cleat__remote_member(body, "rows") : (cleat_slice){NULL, 0};
    bool is_list = rows.data == NULL || (rows.size != 0 && rows.data[0] == '[') ||
                   cleat_slice_equals(rows, cleat_slice_of("null"));
    cleat__json_items(rows, cursor);
    return is_list && is_object
               ? CLEAT_OK
               : cleat__fail(CLEAT_INVALID_ARGUMENT, "the server at %s answers no list of %s",
                             settings->api_url, what);
}

cleat_slice cleat__remote_own_name(const cleat__remote_settings *settings, const char *name)
{
    size_t size = strlen(settings->prefix);
    return cleat_slice_of(strncmp(name, settings->prefix, size) == 0 ? name + size : name);
}
