#include "transport/token_claims.h"

#include "base/alloc.h"
#include "base/base64url.h"
#include "base/error.h"
#include "base/uuid.h"

#include <jansson.h>

/* More than any header field that carries it may have. */
#define SIZE_MAX_OF_TOKEN 16384

#define NO_TOKEN(...) cleat__fail(CLEAT_INVALID_ARGUMENT, "the API token is not valid: " __VA_ARGS__)

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* ---- The payload ---- */

/* The middle one of three parts; the absent slice when there are not three. */
static cleat_slice payload_of(cleat_slice token)
{
    const cleat_slice absent = {NULL, 0};
    const char *end = token.data + token.size;
    const char *first = memchr(token.data, '.', token.size);
    const char *second = first != NULL ? memchr(first + 1, '.', (size_t)(end - first) - 1) : NULL;
    if (second == NULL || memchr(second + 1, '.', (size_t)(end - second) - 1) != NULL) {
        return absent;
    }
    return (cleat_slice){first + 1, (size_t)(second - first) - 1};
}

/* What is sent as it is: a line break within, from copying, would make every call fail. */
static bool has_digits_only(cleat_slice token)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
    for (size_t i = 0; i < token.size; i++) {
        if (memchr(digits, token.data[i], sizeof(digits) - 1) == NULL) {
            return false;
        }
    }
    return true;
}

static cleat_status parse_payload(cleat_slice payload, json_t **out)
{
    uint8_t *bytes = cleat__malloc(CLEAT__BASE64URL_DECODED(payload.size));
    if (bytes == NULL) {
        return cleat__fail_memory();
    }
    cleat_status status = CLEAT_OK;
    size_t size = 0;
    if (!cleat__base64url_decode(payload, bytes, &size)) {
        status = NO_TOKEN("its second part is not base64url; copy it again, whole");
    } else {
        *out = json_loadb((const char *)bytes, size, JSON_REJECT_DUPLICATES, NULL);
        if (!json_is_object(*out)) {
            status = NO_TOKEN("its second part is not a JSON object; copy it again, whole");
        }
    }
    cleat__free(bytes);
    return status;
}

static cleat_status find_payload(cleat_slice token, cleat_slice *out)
{
    if (token.size == 0) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "the API token is empty; `cleat token create` makes one");
    }
    if (token.size > SIZE_MAX_OF_TOKEN) {
        return NO_TOKEN("it has %zu bytes, more than %d", token.size, SIZE_MAX_OF_TOKEN);
    }
    if (is_blank(token.data[0]) || is_blank(token.data[token.size - 1])) {
        return NO_TOKEN("there are blanks or line ends around it; remove them");
    }
    if (!has_digits_only(token)) {
        return NO_TOKEN("it is not base64url, with dots between; copy it again, whole");
    }
    *out = payload_of(token);
    return out->data != NULL
               ? CLEAT_OK
               : NO_TOKEN("it has not three parts with dots between; `cleat token create` makes one");
}

/* ---- Claims ---- */

static cleat_status read_text(const json_t *claims, const char *name, char **out)
{
    const json_t *value = json_object_get(claims, name);
    if (value == NULL || json_is_null(value)) {
        return CLEAT_OK;
    }
    if (!json_is_string(value) || json_string_length(value) == 0) {
        return NO_TOKEN("its claim %s is no text", name);
    }
    *out = cleat__strdup(json_string_value(value));
    return *out != NULL ? CLEAT_OK : cleat__fail_memory();
}

static cleat_status check_tenant(const char *tenant)
{
    cleat__uuid uuid;
    return tenant == NULL || cleat__uuid_parse(cleat_slice_of(tenant), &uuid) == CLEAT_OK
               ? CLEAT_OK
               : NO_TOKEN("its claim sub, the tenant, is no UUID");
}

/* A number of seconds, which may have a fraction (RFC 7519 section 2, NumericDate). */
static cleat_status read_expiry(const json_t *claims, int64_t *out)
{
    const json_t *value = json_object_get(claims, "exp");
    double seconds = json_number_value(value);
    if (value == NULL || json_is_null(value)) {
        return CLEAT_OK;
    }
    if (!json_is_number(value) || !(seconds > 0 && seconds < 1e15)) {
        return NO_TOKEN("its claim exp is no time");
    }
    *out = (int64_t)seconds;
    return CLEAT_OK;
}

static cleat_status read_claims(const json_t *json, cleat__token_claims *out)
{
    cleat_status status = read_text(json, "sub", &out->tenant_id);
    if (status == CLEAT_OK) {
        status = check_tenant(out->tenant_id);
    }
    if (status == CLEAT_OK) {
        status = read_text(json, "server_url", &out->server_url);
    }
    if (status == CLEAT_OK) {
        status = read_text(json, "grpc_broadcast_address", &out->grpc_address);
    }
    return status == CLEAT_OK ? read_expiry(json, &out->expires_at_s) : status;
}

cleat_status cleat__token_claims_read(cleat_slice token, cleat__token_claims *out)
{
    *out = (cleat__token_claims){0};
    cleat_slice payload = {NULL, 0};
    json_t *json = NULL;
    cleat_status status = find_payload(token, &payload);
    if (status == CLEAT_OK) {
        status = parse_payload(payload, &json);
    }
    if (status == CLEAT_OK) {
        status = read_claims(json, out);
    }
    json_decref(json);
    if (status != CLEAT_OK) {
        cleat__token_claims_deinit(out);
    }
    return status;
}

void cleat__token_claims_deinit(cleat__token_claims *claims)
{
    cleat__free(claims->tenant_id);
    cleat__free(claims->server_url);
    cleat__free(claims->grpc_address);
    *claims = (cleat__token_claims){0};
}
