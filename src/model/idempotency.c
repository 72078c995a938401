#include "model/idempotency.h"

#include "base/alloc.h"
#include "base/error.h"
#include "model/expression.h"

#include <inttypes.h>
#include <jansson.h>

static bool is_method(int64_t method)
{
    return method == CLEAT_IDEMPOTENCY_TTL || method == CLEAT_IDEMPOTENCY_STATUS;
}

cleat_status cleat__idempotency_check(const cleat__idempotency *idempotency)
{
    if (idempotency->ttl_ms < 1) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT,
                           "idempotency: ttl_ms is %" PRId64 "; it must be 1 ms at least",
                           idempotency->ttl_ms);
    }
    if (!is_method((int64_t)idempotency->method)) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "idempotency: method is %d, which is none",
                           (int)idempotency->method);
    }
    cleat_status status =
        cleat__expression_check_for(idempotency->expression, CLEAT__EXPRESSION_IDEMPOTENCY_KEY);
    return status == CLEAT_OK || status == CLEAT_NO_MEMORY
               ? status
               : cleat__fail(status, "idempotency: %s", cleat_error_message());
}

void cleat__idempotency_encode(const cleat__idempotency *idempotency, cleat__buffer *out)
{
    cleat__buffer_append_string(out, "{\"expression\":");
    cleat__buffer_append_json(out, idempotency->expression);
    cleat__buffer_append_format(out, ",\"ttl\":%" PRId64 ",\"method\":%d}", idempotency->ttl_ms,
                                (int)idempotency->method);
}

cleat_status cleat__idempotency_decode(const json_t *json, cleat__idempotency_rule **out)
{
    const json_t *text = json_object_get(json, "expression");
    int64_t ttl_ms = json_integer_value(json_object_get(json, "ttl"));
    int64_t method = json_integer_value(json_object_get(json, "method"));
    *out = NULL;
    cleat__idempotency_rule *rule = cleat__calloc(1, sizeof(*rule));
    if (rule == NULL) {
        return cleat__fail_memory();
    }
    *rule = (cleat__idempotency_rule){.ttl_ms = ttl_ms, .method = (cleat_idempotency_method)method};
    cleat_status status = CLEAT_CORRUPT;
    if (json_is_string(text) && ttl_ms > 0 && is_method(method)) {
        status = cleat__expression_compile((cleat_slice){json_string_value(text), json_string_length(text)},
                                           &rule->expression);
    }
    if (status != CLEAT_OK) {
        cleat__idempotency_free(rule);
        return status == CLEAT_NO_MEMORY
                   ? status
                   : cleat__fail(CLEAT_CORRUPT, "a rule of idempotency in the database makes no sense; "
                                                "restore a copy");
    }
    *out = rule;
    return CLEAT_OK;
}

void cleat__idempotency_free(cleat__idempotency_rule *rule)
{
    if (rule != NULL) {
        cleat__expression_free(rule->expression);
        cleat__free(rule);
    }
}

static cleat_status check_key(const char *key, size_t size)
{
    if (size > CLEAT__IDEMPOTENCY_KEY_MAX) {
        return cleat__fail(CLEAT_TOO_LARGE,
                           "the idempotency key \"%.16s...\" has %zu bytes; at most %d are allowed: take its "
                           "checksum()",
                           key, size, CLEAT__IDEMPOTENCY_KEY_MAX);
    }
    if (strlen(key) != size) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "the idempotency key has a NUL in it");
    }
    if (strncmp(key, CLEAT__IDEMPOTENCY_RESERVED, strlen(CLEAT__IDEMPOTENCY_RESERVED)) == 0) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT,
                           "the idempotency key \"%.64s\" begins with \"" CLEAT__IDEMPOTENCY_RESERVED
                           "\", which is reserved",
                           key);
    }
    return CLEAT_OK;
}

cleat_status cleat__idempotency_key(const cleat__idempotency_rule *rule, cleat_slice input,
                                    cleat_slice metadata, size_t *steps, char **key, size_t *size)
{
    const cleat_slice nothing = {"{}", 2};
    const cleat__expression_variables variables = {
        .parsed = NULL,
        .steps = steps,
        .input = input.data != NULL ? input : nothing,
        .additional_metadata = metadata.data != NULL ? metadata : nothing,
    };
    *key = NULL;
    cleat_status status = cleat__expression_text(rule->expression, &variables, key, size);
    if (status != CLEAT_OK) {
        status = cleat__expression_blame(status, rule->expression, "the idempotency key cannot be made:");
        return status == CLEAT_RESOURCE_EXHAUSTED
                   ? CLEAT_INVALID_ARGUMENT /* trying again would take as much */
                   : status;
    }
    status = check_key(*key, *size);
    if (status != CLEAT_OK) {
        cleat__free(*key);
        *key = NULL;
    }
    return status;
}

int64_t cleat__idempotency_expiry(const cleat__idempotency_rule *rule, int64_t now_ms)
{
    return rule->ttl_ms < INT64_MAX - now_ms ? now_ms + rule->ttl_ms : INT64_MAX;
}
