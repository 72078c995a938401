#include "model/batch.h"

#include "base/alloc.h"
#include "base/error.h"
#include "model/duration.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

/* ---- What is declared ---- */

static cleat_status check_range(const char *field, int64_t value, int64_t most)
{
    return value >= 1 && value <= most
               ? CLEAT_OK
               : cleat__fail(CLEAT_INVALID_ARGUMENT, "batch: %s is %" PRId64 "; it must be 1 .. %" PRId64,
                             field, value, most);
}

cleat_status cleat__batch_config_check(const cleat__batch_config *config)
{
    cleat_status status = check_range("max_size", config->max_size, CLEAT__BATCH_SIZE_MAX);
    if (status == CLEAT_OK) {
        status = check_range("interval_ms", config->interval_ms, CLEAT__BATCH_INTERVAL_MAX);
    }
    if (status == CLEAT_OK) {
        status = check_range("group_max_runs", config->group_max_runs, CLEAT__BATCH_GROUP_RUNS_MAX);
    }
    if (status != CLEAT_OK || config->group_key.data == NULL) {
        return status;
    }
    status = cleat__expression_check(config->group_key);
    return status == CLEAT_OK || status == CLEAT_NO_MEMORY
               ? status
               : cleat__fail(status, "batch: group_key: %s", cleat_error_message());
}

void cleat__batch_config_encode(const cleat__batch_config *config, cleat__buffer *out)
{
    cleat__buffer_append_format(out, "{\"max_size\":%d,\"interval\":%" PRId64 ",\"group_max_runs\":%d",
                                config->max_size, config->interval_ms, config->group_max_runs);
    if (config->group_key.data != NULL) {
        cleat__buffer_append_string(out, ",\"group_key\":");
        cleat__buffer_append_json(out, config->group_key);
    }
    cleat__buffer_append_byte(out, '}');
}

/* ---- What is used ---- */

static cleat_status decode(const json_t *json, cleat__batch_rule *rule)
{
    const json_t *key = json_object_get(json, "group_key");
    const cleat__batch_config config = {
        .max_size = (int32_t)json_integer_value(json_object_get(json, "max_size")),
        .interval_ms = json_integer_value(json_object_get(json, "interval")),
        .group_key = {json_string_value(key), json_string_length(key)},
        .group_max_runs = (int32_t)json_integer_value(json_object_get(json, "group_max_runs")),
    };
    cleat_status status = cleat__batch_config_check(&config);
    if (status == CLEAT_OK && config.group_key.data != NULL) {
        status = cleat__expression_compile(config.group_key, &rule->group_key);
    }
    rule->max_size = config.max_size;
    rule->interval_ms = config.interval_ms;
    rule->group_max_runs = config.group_max_runs;
    return status;
}

cleat_status cleat__batch_rule_decode(const json_t *json, cleat__batch_rule **out)
{
    *out = NULL;
    cleat__batch_rule *rule = cleat__calloc(1, sizeof(*rule));
    if (rule == NULL) {
        return cleat__fail_memory();
    }
    cleat_status status = decode(json, rule);
    if (status != CLEAT_OK) {
        cleat__batch_rule_free(rule);
        return status == CLEAT_NO_MEMORY ? status
                                         : cleat__fail(CLEAT_CORRUPT, "a rule of batches in the database "
                                                                      "makes no sense; restore a copy");
    }
    *out = rule;
    return CLEAT_OK;
}

void cleat__batch_rule_free(cleat__batch_rule *rule)
{
    if (rule != NULL) {
        cleat__expression_free(rule->group_key);
        cleat__free(rule);
    }
}

/* ---- Keys ---- */

static cleat_status check_key(const char *key, size_t size)
{
    if (size > CLEAT__BATCH_KEY_MAX) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "the key of a batch has %zu bytes; at most %d are allowed",
                           size, CLEAT__BATCH_KEY_MAX);
    }
    return strlen(key) == size ? CLEAT_OK
                               : cleat__fail(CLEAT_INVALID_ARGUMENT, "the key of a batch has a NUL");
}

cleat_status cleat__batch_rule_key(const cleat__batch_rule *rule,
                                   const cleat__expression_variables *variables, char **key, size_t *size)
{
    *size = 0;
    if (rule->group_key == NULL) {
        *key = cleat__slice_dup((cleat_slice){"", 0});
        return *key != NULL ? CLEAT_OK : cleat__fail_memory();
    }
    *key = NULL;
    cleat_status status = cleat__expression_text(rule->group_key, variables, key, size);
    if (status == CLEAT_OK) {
        status = check_key(*key, *size);
    }
    status = cleat__expression_blame(status, rule->group_key, "the key of its batch,");
    if (status != CLEAT_OK) {
        cleat__free(*key);
        *key = NULL;
    }
    return status;
}

/* ---- When ---- */

cleat__batch_reason cleat__batch_rule_flush(const cleat__batch_rule *rule, size_t count, size_t bytes,
                                            int64_t waited_ms)
{
    if (count == 0) {
        return CLEAT__BATCH_WAIT;
    }
    if (count >= (size_t)rule->max_size) {
        return CLEAT__BATCH_SIZE;
    }
    if (bytes >= CLEAT__BATCH_BYTES_MAX) {
        return CLEAT__BATCH_MEMORY;
    }
    return waited_ms >= rule->interval_ms ? CLEAT__BATCH_INTERVAL : CLEAT__BATCH_WAIT;
}

void cleat__batch_reason_format(const cleat__batch_rule *rule, cleat__batch_reason reason,
                                char text[CLEAT__BATCH_REASON_TEXT])
{
    char duration[CLEAT__DURATION_TEXT];
    switch (reason) {
    case CLEAT__BATCH_SIZE:
        snprintf(text, CLEAT__BATCH_REASON_TEXT, "batch size threshold %d reached", rule->max_size);
        break;
    case CLEAT__BATCH_INTERVAL:
        cleat__duration_format(rule->interval_ms, duration);
        snprintf(text, CLEAT__BATCH_REASON_TEXT, "batch max interval %s elapsed", duration);
        break;
    case CLEAT__BATCH_MEMORY:
        snprintf(text, CLEAT__BATCH_REASON_TEXT, "batch max memory size reached");
        break;
    default: text[0] = '\0'; break;
    }
}
