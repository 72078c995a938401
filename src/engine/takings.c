#include "engine/takings.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/log.h"
#include "engine/plan.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

typedef struct taken {
    char *key;
    int64_t units;
    int64_t limit; /* -1: it is there already */
} taken;

/* One of its list, which is counted from 1. */
static cleat_status blame(cleat_status status, const cleat__expression *expression, const char *what,
                          size_t index)
{
    char whose[64];
    (void)snprintf(whose, sizeof(whose), "%s of rate limit %zu,", what, index + 1);
    return cleat__expression_blame(status, expression, whose);
}

static cleat_status find_key(const cleat__taking *taking, size_t index,
                             const cleat__expression_variables *variables, taken *out)
{
    if (taking->key == NULL) {
        out->key = cleat__slice_dup(taking->use->key);
        return out->key != NULL ? CLEAT_OK : cleat__fail_memory();
    }
    size_t size = 0;
    cleat_status status = cleat__expression_text(taking->key, variables, &out->key, &size);
    if (status == CLEAT_OK) {
        status = cleat__rate_key_check((cleat_slice){out->key, size});
    }
    return blame(status, taking->key, "the key", index);
}

static cleat_status find_number(const cleat__expression *expression,
                                const cleat__expression_variables *variables, int64_t least, int64_t *out)
{
    cleat_status status = cleat__expression_number(expression, variables, out);
    if (status == CLEAT_OK && (*out < least || *out > INT32_MAX)) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%" PRId64 " is out of range", *out);
    }
    return status;
}

static cleat_status find_out(const cleat__taking *taking, size_t index,
                             const cleat__expression_variables *variables, taken *out)
{
    cleat_status status = find_key(taking, index, variables, out);
    out->units = taking->use->units;
    out->limit = -1;
    if (status == CLEAT_OK && taking->units != NULL) {
        status =
            blame(find_number(taking->units, variables, 0, &out->units), taking->units, "the units", index);
    }
    if (status == CLEAT_OK && taking->limit_value != NULL) {
        status = blame(find_number(taking->limit_value, variables, -1, &out->limit), taking->limit_value,
                       "the limit", index);
    }
    return status;
}

/* A limit that a run declares; its key stands behind it. */
typedef struct said_limit {
    int64_t window_ms;
    size_t key_size;
    int32_t limit;
} said_limit;

static void say(const cleat__taking *taking, const taken *one, cleat__buffer *said)
{
    const said_limit head = {
        .window_ms = taking->use->window_ms, .key_size = strlen(one->key), .limit = (int32_t)one->limit};
    cleat__buffer_append(said, &head, sizeof(head));
    cleat__buffer_append(said, one->key, head.key_size);
}

cleat_status cleat__takings_declare(cleat__core *core, const cleat__run *run, cleat_slice said)
{
    cleat_status status = CLEAT_OK;
    for (size_t at = 0; at < said.size && status == CLEAT_OK;) {
        said_limit head;
        memcpy(&head, said.data + at, sizeof(head));
        at += sizeof(head);
        status =
            cleat__rates_declare(core, run->type->workflow->tenant,
                                 (cleat_slice){said.data + at, head.key_size}, head.limit, head.window_ms);
        at += head.key_size;
    }
    return status;
}

cleat_status cleat__takings_describe(const cleat__run *run, const cleat__expression_variables *variables,
                                     cleat__buffer *text, cleat__buffer *said)
{
    size_t count = run->type->needs->rate_limits->count;
    cleat_status status = CLEAT_OK;
    cleat__buffer_append_string(text, ",\"rates\":[");
    for (size_t i = 0; i < count && status == CLEAT_OK; i++) {
        const cleat__taking *taking = &run->type->takings[i];
        taken one = {NULL, 0, -1};
        status = find_out(taking, i, variables, &one);
        if (status == CLEAT_OK) {
            cleat__buffer_append_string(text, i != 0 ? ",[" : "[");
            cleat__buffer_append_json(text, cleat_slice_of(one.key));
            cleat__buffer_append_format(text, ",%d]", (int)one.units);
        }
        if (status == CLEAT_OK && one.limit >= 0) {
            say(taking, &one, said);
        }
        cleat__free(one.key);
    }
    cleat__buffer_append_byte(text, ']');
    return status;
}

static cleat_status add_units(cleat__core *core, int64_t tenant, const json_t *item, cleat__rate_units *units)
{
    const json_t *key = json_array_get(item, 0);
    int64_t wanted = json_integer_value(json_array_get(item, 1));
    if (!json_is_string(key) || wanted < 0 || wanted > INT32_MAX) {
        return cleat__fail(CLEAT_CORRUPT, "a run in the database takes nothing of its rate limits");
    }
    cleat__rate *rate = cleat__rates_add(&core->rates, tenant,
                                         (cleat_slice){json_string_value(key), json_string_length(key)});
    if (rate == NULL) {
        return cleat__fail_memory();
    }
    cleat__rate_units_add(units, rate, (int32_t)wanted);
    return CLEAT_OK;
}

static cleat_status make_units(cleat__core *core, const cleat__run *run, const json_t *rates,
                               cleat__rate_units **out)
{
    size_t i;
    cleat__rate_units *units = cleat__rate_units_new(&core->rates, json_array_size(rates));
    cleat_status status = units != NULL ? CLEAT_OK : cleat__fail_memory();
    json_t *item;
    json_array_foreach(rates, i, item)
    {
        if (status == CLEAT_OK) {
            status = add_units(core, run->type->workflow->tenant, item, units);
        }
    }
    if (status != CLEAT_OK) {
        cleat__rate_units_free(units);
        return status;
    }
    *out = units;
    return CLEAT_OK;
}

cleat_status cleat__takings_read(cleat__core *core, const cleat__run *run, const json_t *rates,
                                 cleat__rate_units **units, char **text)
{
    *units = NULL;
    *text = NULL;
    if (json_array_size(rates) != run->type->needs->rate_limits->count) {
        return cleat__fail(CLEAT_CORRUPT, "a run in the database has no key of its rate limits");
    }
    cleat_status status = make_units(core, run, rates, units);
    if (status == CLEAT_OK) {
        *text = json_dumps(rates, JSON_COMPACT);
    }
    if (status == CLEAT_OK && *text == NULL) {
        cleat__rate_units_free(*units);
        *units = NULL;
        status = cleat__fail_memory();
    }
    return status;
}

/* False: `visit` said so of one of the limits that the declaration names. */
static bool visit_keys(cleat__core *core, int64_t tenant, const cleat__workflow *workflow,
                       bool (*visit)(cleat__rates *rates, int64_t tenant, cleat_slice key), cleat_slice *key)
{
    for (size_t i = 0; i < workflow->task_count; i++) {
        const cleat__workflow_task *task = &workflow->tasks[i];
        for (size_t j = 0; j < task->rate_limit_count; j++) {
            *key = task->rate_limits[j].key;
            if (cleat__rate_use_is_static(&task->rate_limits[j]) && !visit(&core->rates, tenant, *key)) {
                return false;
            }
        }
    }
    return true;
}

cleat_status cleat__takings_check(cleat__core *core, int64_t tenant, const cleat__workflow *workflow)
{
    cleat_slice key;
    return visit_keys(core, tenant, workflow, cleat__rates_have, &key)
               ? CLEAT_OK
               : cleat__fail(CLEAT_FAILED_PRECONDITION,
                             "there is no rate limit \"%.*s\"; put it before the task is declared",
                             CLEAT_SLICE_ARGS(key));
}

cleat_status cleat__takings_keep(cleat__core *core, int64_t tenant, const cleat__workflow *workflow)
{
    cleat_slice key;
    (void)visit_keys(core, tenant, workflow, cleat__rates_keep, &key);
    return core->rates.changed != NULL ? cleat__core_begin(core) : CLEAT_OK;
}

/* Several uses of one limit are one, the first of which answers for all. */
static int64_t static_units(const cleat__task_type *type, size_t index)
{
    const cleat__rate_use *uses = type->needs->rate_limits->items;
    int64_t sum = 0;
    for (size_t i = 0; i < type->needs->rate_limits->count; i++) {
        if (cleat__rate_use_is_static(&uses[i]) && cleat_slice_equals(uses[i].key, uses[index].key)) {
            if (i < index) {
                return 0;
            }
            sum += uses[i].units;
        }
    }
    return sum;
}

static void warn_of_task(cleat__core *core, const cleat__task_type *type)
{
    size_t count = type->takings != NULL ? type->needs->rate_limits->count : 0;
    for (size_t i = 0; i < count; i++) {
        cleat__taking *taking = &type->takings[i];
        cleat_slice key = taking->use->key;
        if (taking->was_warned_of || !cleat__rate_use_is_static(taking->use)) {
            continue;
        }
        int64_t units = static_units(type, i);
        int32_t limit = cleat__rates_limit(&core->rates, type->workflow->tenant, key);
        if (units > limit) {
            taking->was_warned_of = true;
            cleat__log(CLEAT_LOG_WARN,
                       "no run of \"%.*s\" ever begins: it takes %" PRId64
                       " units of the rate limit \"%.*s\", which has %" PRId32,
                       CLEAT_SLICE_ARGS(type->queue->action), units, CLEAT_SLICE_ARGS(key), limit);
        }
    }
}

void cleat__takings_warn(cleat__core *core, const cleat__task_type *version)
{
    size_t count = version->plan != NULL ? version->plan->task_count : 0;
    warn_of_task(core, version);
    for (size_t i = 0; i < count; i++) {
        warn_of_task(core, version->plan->tasks[i].type);
    }
}
