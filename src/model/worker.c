#include "model/worker.h"

#include "base/alloc.h"
#include "base/error.h"

#include <jansson.h>

cleat_status cleat__worker_check(const cleat__worker_spec *spec)
{
    if (spec->name.size > CLEAT__WORKER_TEXT_MAX || spec->runtime.size > CLEAT__WORKER_TEXT_MAX) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s has more than %d bytes",
                           spec->name.size > CLEAT__WORKER_TEXT_MAX ? "worker_name" : "runtime_info",
                           CLEAT__WORKER_TEXT_MAX);
    }
    if (spec->action_count > CLEAT__ACTIONS_MAX) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "actions: %zu are given, at most %d are allowed",
                           spec->action_count, CLEAT__ACTIONS_MAX);
    }
    cleat_status status = cleat__slots_check(spec->slots, spec->slot_count);
    for (size_t i = 0; i < spec->action_count && status == CLEAT_OK; i++) {
        status = cleat__action_check(spec->actions[i]);
    }
    return status == CLEAT_OK ? cleat__labels_check(spec->labels, spec->label_count) : status;
}

void cleat__actions_encode(const cleat_slice *items, size_t count, cleat__buffer *out)
{
    char lower[CLEAT__ACTION_MAX];
    cleat__buffer_append_byte(out, '[');
    for (size_t i = 0; i < count; i++) {
        cleat__buffer_append_string(out, i != 0 ? "," : "");
        cleat__buffer_append_json(out, cleat__lower_case(items[i], lower));
    }
    cleat__buffer_append_byte(out, ']');
}

static cleat_status read_names(const json_t *array, cleat__names **out)
{
    size_t size = sizeof(cleat__names) + json_array_size(array) * sizeof(cleat_slice);
    size_t texts = 0, i;
    const json_t *item;
    json_array_foreach(array, i, item)
    {
        if (!json_is_string(item)) {
            return cleat__fail(CLEAT_CORRUPT,
                               "a list of names in the database makes no sense; restore a copy");
        }
        texts += json_string_length(item);
    }
    cleat__names *names = cleat__malloc(size + texts);
    if (names == NULL) {
        return cleat__fail_memory();
    }
    names->count = json_array_size(array);
    char *at = (char *)names + size;
    json_array_foreach(array, i, item)
    {
        names->items[i] = (cleat_slice){at, json_string_length(item)};
        memcpy(at, json_string_value(item), names->items[i].size);
        at += names->items[i].size;
    }
    *out = names;
    return CLEAT_OK;
}

cleat_status cleat__names_decode(cleat_slice text, cleat__names **out)
{
    *out = NULL;
    json_t *json = json_loadb(text.data != NULL ? text.data : "", text.size, 0, NULL);
    cleat_status status =
        json_is_array(json)
            ? read_names(json, out)
            : cleat__fail(CLEAT_CORRUPT, "a list of names in the database makes no sense; restore a copy");
    json_decref(json);
    return status;
}
