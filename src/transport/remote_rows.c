#include "transport/remote_rows.h"

#include "base/alloc.h"
#include "base/error.h"

#include <jansson.h>

bool cleat__remote_is_object(cleat_slice text)
{
    json_t *root = json_loadb(text.data != NULL ? text.data : "", text.size, JSON_DECODE_INT_AS_REAL, NULL);
    bool is_one = json_is_object(root);
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
