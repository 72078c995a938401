#include "model/metadata.h"

#include "base/alloc.h"
#include "model/json_members.h"

#include <jansson.h>
#include <stdio.h>

#define RESERVED      "hatchet__"
#define PARENT_RUN_ID "hatchet__parent_workflow_run_id"
#define PARENT_ID     "hatchet__parent_step_run_id"

static void append_member(cleat__buffer *out, cleat_slice key, cleat_slice value)
{
    cleat__buffer_append_string(out, out->size > 1 ? "," : "");
    cleat__buffer_append_slice(out, key);
    cleat__buffer_append_byte(out, ':');
    cleat__buffer_append_slice(out, value);
}

static bool begins_with(cleat_slice text, const char *prefix)
{
    return text.size >= strlen(prefix) && memcmp(text.data, prefix, strlen(prefix)) == 0;
}

/* Of the parent, whatever the child does not say itself. */
static void append_inherited(cleat__buffer *out, cleat_slice parent, const json_t *own)
{
    cleat__json_cursor cursor;
    cleat_slice key, value, name;
    cleat__json_members(parent, &cursor);
    while (cleat__json_next_member(&cursor, &key, &value)) {
        char *memory = NULL;
        if (cleat__json_decode_string(key, &name, &memory) && !begins_with(name, RESERVED) &&
            json_object_getn(own, name.data, name.size) == NULL) {
            append_member(out, key, value);
        }
        cleat__free(memory);
    }
}

static void append_own(cleat__buffer *out, cleat_slice own)
{
    cleat__json_cursor cursor;
    cleat_slice key, value;
    cleat__json_members(own, &cursor);
    while (cleat__json_next_member(&cursor, &key, &value)) {
        if (!cleat_slice_equals(key, cleat_slice_of("\"" PARENT_RUN_ID "\"")) &&
            !cleat_slice_equals(key, cleat_slice_of("\"" PARENT_ID "\""))) {
            append_member(out, key, value);
        }
    }
}

void cleat__metadata_inherit(cleat_slice parent, cleat_slice own, const cleat__uuid *parent_id,
                             cleat__buffer *out)
{
    char id[37], quoted[40];
    cleat__uuid_format(parent_id, id);
    int size = snprintf(quoted, sizeof(quoted), "\"%s\"", id);
    /* Only to look up keys: the values are copied from the text. */
    json_t *keys = own.data != NULL ? json_loadb(own.data, own.size, JSON_DECODE_INT_AS_REAL, NULL) : NULL;
    cleat__buffer_append_byte(out, '{');
    append_inherited(out, parent, keys);
    append_own(out, own);
    append_member(out, cleat_slice_of("\"" PARENT_RUN_ID "\""), (cleat_slice){quoted, (size_t)size});
    append_member(out, cleat_slice_of("\"" PARENT_ID "\""), (cleat_slice){quoted, (size_t)size});
    cleat__buffer_append_byte(out, '}');
    json_decref(keys);
}
