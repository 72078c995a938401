#include "store/run_waits.h"

#include "base/error.h"
#include "model/json_members.h"
#include "store/durable.h"

static bool read_number(cleat_slice text, int64_t *out)
{
    int64_t value = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || i > 17) {
            return false;
        }
        value = 10 * value + (text.data[i] - '0');
    }
    *out = value;
    return text.size > 0;
}

/* [branch, node] */
static bool read_node(cleat_slice pair, cleat__node *out)
{
    cleat__json_cursor cursor;
    cleat_slice branch, number;
    cleat__json_items(pair, &cursor);
    return cleat__json_next_item(&cursor, &branch) && cleat__json_next_item(&cursor, &number) &&
           read_number(branch, &out->branch) && read_number(number, &out->number);
}

static cleat_status append_labels(cleat__store *store, const cleat__uuid *run_id, cleat_slice nodes,
                                  cleat__buffer *out)
{
    cleat__json_cursor cursor;
    cleat_slice pair;
    cleat__json_items(nodes, &cursor);
    for (const char *separator = ""; cleat__json_next_item(&cursor, &pair); separator = ",") {
        cleat__node node;
        cleat__entry_row entry;
        if (!read_node(pair, &node)) {
            return cleat__fail(CLEAT_CORRUPT, "what the run waits for is %.*s", CLEAT_SLICE_ARGS(nodes));
        }
        cleat_status status = cleat__entry_get(store, run_id, node, &entry);
        if (status != CLEAT_OK) {
            return status;
        }
        cleat__buffer_append_string(out, separator);
        cleat__buffer_append_json(out, entry.label);
    }
    return CLEAT_OK;
}

cleat_status cleat__run_waits_load(cleat__store *store, const cleat__uuid *run_id, cleat__buffer *out)
{
    cleat__buffer nodes = {0};
    bool waits_for_all;
    cleat_status status = cleat__durable_get_waits(store, run_id, &nodes, &waits_for_all);
    cleat__buffer_append_byte(out, '[');
    if (status == CLEAT_OK && nodes.size > 0) {
        status = append_labels(store, run_id, cleat__buffer_slice(&nodes), out);
    }
    cleat__buffer_append_byte(out, ']');
    cleat__buffer_deinit(&nodes);
    return status == CLEAT_OK && out->failed ? cleat__fail_memory() : status;
}
