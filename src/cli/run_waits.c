#include "run_waits.h"

#include "base/alloc.h"
#include "model/json_members.h"

void cleat__run_waits_append_text(cleat_slice waits, size_t max, cleat__buffer *out)
{
    cleat__json_cursor cursor;
    cleat_slice item, text;
    size_t count = 0;
    cleat__json_items(waits, &cursor);
    while (cleat__json_next_item(&cursor, &item)) {
        char *memory = NULL;
        if (count++ >= max || !cleat__json_decode_string(item, &text, &memory)) {
            continue;
        }
        cleat__buffer_append_string(out, count > 1 ? ", " : "");
        cleat__buffer_append_slice(out, text);
        cleat__free(memory);
    }
    if (count > max) {
        cleat__buffer_append_format(out, " and %zu more", count - max);
    }
    if (count == 0) {
        cleat__buffer_append_string(out, "whatever it has asked for");
    }
}
