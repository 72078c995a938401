#include "sdk/instrumentor.h"

#include "base/alloc.h"
#include "base/env.h"
#include "base/error.h"

#include <jansson.h>

#define VARIABLE(name) "HATCHET_CLIENT_OPENTELEMETRY_" name

static bool is_on(cleat_switch choice, bool fallback)
{
    return choice == CLEAT_SWITCH_DEFAULT ? fallback : choice == CLEAT_SWITCH_ON;
}

/* ---- Excluded attributes ---- */

static cleat_status exclude(cleat__instrumentor_settings *settings, const char *name)
{
    char *copy = cleat__strdup(name);
    if (copy == NULL) {
        return cleat__fail_memory();
    }
    settings->excluded[settings->excluded_count++] = copy;
    return CLEAT_OK;
}

static cleat_status exclude_given(cleat__instrumentor_settings *settings, const char *const *names)
{
    size_t count = 0;
    cleat_status status = CLEAT_OK;
    while (names[count] != NULL) {
        count++;
    }
    settings->excluded = cleat__calloc(count + 1, sizeof *settings->excluded);
    if (settings->excluded == NULL) {
        return cleat__fail_memory();
    }
    for (size_t i = 0; i < count && status == CLEAT_OK; i++) {
        status = exclude(settings, names[i]);
    }
    return status;
}

/* NULL: it is not what it should be. The caller frees it. */
static json_t *parse_names(cleat_slice value)
{
    json_t *names = json_loadb(value.data, value.size, 0, NULL);
    size_t index = 0;
    json_t *name = NULL;
    bool valid = json_is_array(names);
    json_array_foreach(names, index, name)
    {
        valid = valid && json_is_string(name);
    }
    if (!valid) {
        json_decref(names);
        return NULL;
    }
    return names;
}

static cleat_status exclude_by_variable(cleat__instrumentor_settings *settings)
{
    static const char variable[] = VARIABLE("EXCLUDED_ATTRIBUTES");
    cleat_status status = CLEAT_OK;
    cleat_slice value = cleat__env_get(variable);
    if (value.size == 0) {
        return CLEAT_OK;
    }
    json_t *names = parse_names(value);
    if (names == NULL) {
        cleat__env_warn(variable, value, "a JSON array of attribute names, such as [\"payload\"]");
        return CLEAT_OK;
    }
    settings->excluded = cleat__calloc(json_array_size(names) + 1, sizeof *settings->excluded);
    if (settings->excluded == NULL) {
        status = cleat__fail_memory();
    }
    for (size_t i = 0; i < json_array_size(names) && status == CLEAT_OK; i++) {
        status = exclude(settings, json_string_value(json_array_get(names, i)));
    }
    json_decref(names);
    return status;
}

/* ---- All of them ---- */

cleat_status cleat__instrumentor_settings_init(cleat__instrumentor_settings *settings,
                                               const cleat_instrumentor_options *options)
{
    settings->collector = is_on(options->collector, true);
    settings->task_name_in_span_name =
        is_on(options->include_task_name_in_span_name,
              cleat__env_bool(VARIABLE("INCLUDE_TASK_NAME_IN_SPAN_NAME"), false));
    settings->individual_run_spans =
        is_on(options->individual_run_spans_for_bulk_run,
              cleat__env_bool(VARIABLE("INDIVIDUAL_RUN_SPANS_FOR_BULK_RUN"), false));
    settings->payloads = is_on(options->payload_attributes, false);
    settings->sampling_across_links = is_on(options->sampling_across_links, true);
    settings->use_links = options->use_links_instead_of_parent;
    settings->user_data = options->user_data;
    settings->budget =
        (cleat__budget){options->budget.max_depth, options->budget.max_age_s, options->budget.max_spans};
    settings->batch = options->collector_batch;
    if (settings->batch.struct_size == 0) { /* set member by member, or not at all */
        settings->batch.struct_size = sizeof settings->batch;
    }
    if (options->excluded_attributes != NULL) {
        return exclude_given(settings, options->excluded_attributes);
    }
    return exclude_by_variable(settings);
}

void cleat__instrumentor_settings_deinit(cleat__instrumentor_settings *settings)
{
    for (size_t i = 0; i < settings->excluded_count; i++) {
        cleat__free(settings->excluded[i]);
    }
    cleat__free(settings->excluded);
}
