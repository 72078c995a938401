#include "server/token_parse.h"

#include "base/base64url.h"
#include "base/error.h"

#define MALFORMED(...) cleat__fail(CLEAT_UNAUTHENTICATED, "malformed: " __VA_ARGS__)

/* ---- Three parts ---- */

/* The part before the next '.', or the rest. */
static cleat_slice take_part(cleat_slice *rest)
{
    const char *end = rest->size != 0 ? memchr(rest->data, '.', rest->size) : NULL;
    size_t size = end != NULL ? (size_t)(end - rest->data) : rest->size;
    cleat_slice part = {rest->data, size};
    *rest = end != NULL ? (cleat_slice){end + 1, rest->size - size - 1} : (cleat_slice){NULL, 0};
    return part;
}

static cleat_status parse_object(cleat_slice part, const char *what, json_t **out)
{
    uint8_t bytes[CLEAT__BASE64URL_DECODED(CLEAT__TOKEN_SIZE_MAX)];
    size_t size = 0;
    if (!cleat__base64url_decode(part, bytes, &size)) {
        return MALFORMED("the %s is not base64url", what);
    }
    *out = json_loadb((const char *)bytes, size, JSON_REJECT_DUPLICATES, NULL);
    return json_is_object(*out) ? CLEAT_OK : MALFORMED("the %s is not a JSON object", what);
}

static cleat_status read_signature(cleat_slice part, uint8_t out[CLEAT__TOKEN_SIGNATURE_SIZE])
{
    uint8_t bytes[CLEAT__BASE64URL_DECODED(CLEAT__TOKEN_SIZE_MAX)];
    size_t size = 0;
    if (!cleat__base64url_decode(part, bytes, &size) || size != CLEAT__TOKEN_SIGNATURE_SIZE) {
        return MALFORMED("the signature is not one of ES256");
    }
    memcpy(out, bytes, size);
    return CLEAT_OK;
}

/* ---- Header ---- */

static bool is_text(const json_t *value, const char *text)
{
    return json_is_string(value) && strcmp(json_string_value(value), text) == 0;
}

static cleat_status read_header(cleat__parsed_token *parsed)
{
    const json_t *kind = json_object_get(parsed->header, "typ");
    if (!is_text(json_object_get(parsed->header, "alg"), "ES256")) {
        return MALFORMED("the algorithm is not ES256");
    }
    if (kind != NULL && !is_text(kind, "JWT")) {
        return MALFORMED("the type is not JWT");
    }
    if (json_object_get(parsed->header, "crit") != NULL) {
        return MALFORMED("it has critical extensions");
    }
    parsed->kid = json_string_value(json_object_get(parsed->header, "kid"));
    return parsed->kid != NULL ? CLEAT_OK : MALFORMED("it names no key");
}

/* ---- Claims ---- */

static cleat_status read_text(const json_t *claims, const char *name, const char **out)
{
    *out = json_string_value(json_object_get(claims, name));
    return *out != NULL ? CLEAT_OK : MALFORMED("claim %s is missing or no text", name);
}

static cleat_status read_uuid(const json_t *claims, const char *name, cleat__uuid *out)
{
    const char *text = NULL;
    cleat_status status = read_text(claims, name, &text);
    if (status == CLEAT_OK && cleat__uuid_parse(cleat_slice_of(text), out) != CLEAT_OK) {
        status = MALFORMED("claim %s is no UUID", name);
    }
    return status;
}

static cleat_status read_time(const json_t *claims, const char *name, int64_t *out)
{
    const json_t *value = json_object_get(claims, name);
    *out = json_integer_value(value);
    return json_is_integer(value) ? CLEAT_OK : MALFORMED("claim %s is missing or no whole number", name);
}

static cleat_status read_claims(cleat__parsed_token *parsed)
{
    const json_t *claims = parsed->claims;
    cleat_status status = read_uuid(claims, "sub", &parsed->tenant_id);
    if (status == CLEAT_OK) {
        status = read_uuid(claims, "token_id", &parsed->id);
    }
    if (status == CLEAT_OK) {
        status = read_text(claims, "iss", &parsed->issuer);
    }
    if (status == CLEAT_OK) {
        status = read_text(claims, "aud", &parsed->audience);
    }
    if (status == CLEAT_OK) {
        status = read_time(claims, "iat", &parsed->issued_at_s);
    }
    return status == CLEAT_OK ? read_time(claims, "exp", &parsed->expires_at_s) : status;
}

/* ---- All of it ---- */

static cleat_status parse(cleat__parsed_token *parsed, cleat_slice text)
{
    cleat_slice rest = text;
    cleat_slice header = take_part(&rest), claims = take_part(&rest), signature = take_part(&rest);
    if (claims.data == NULL || signature.data == NULL || rest.data != NULL) {
        return MALFORMED("it has not three parts");
    }
    parsed->signed_part = (cleat_slice){text.data, header.size + 1 + claims.size};
    cleat_status status = parse_object(header, "header", &parsed->header);
    if (status == CLEAT_OK) {
        status = read_header(parsed);
    }
    if (status == CLEAT_OK) {
        status = read_signature(signature, parsed->signature);
    }
    if (status == CLEAT_OK) {
        status = parse_object(claims, "payload", &parsed->claims);
    }
    return status == CLEAT_OK ? read_claims(parsed) : status;
}

cleat_status cleat__parsed_token_init(cleat__parsed_token *parsed, cleat_slice text)
{
    *parsed = (cleat__parsed_token){0};
    if (text.size > CLEAT__TOKEN_SIZE_MAX) {
        return MALFORMED("it has %zu bytes, more than %d", text.size, CLEAT__TOKEN_SIZE_MAX);
    }
    return parse(parsed, text);
}

void cleat__parsed_token_deinit(cleat__parsed_token *parsed)
{
    json_decref(parsed->header);
    json_decref(parsed->claims);
    *parsed = (cleat__parsed_token){0};
}
