#include "server/token_issue.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/utf8.h"
#include "server/token_key.h"

#include <jwt.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>

static cleat_status check_name(const char *name)
{
    size_t size = name != NULL ? strlen(name) : 0;
    if (size > CLEAT__TOKEN_NAME_MAX) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "the token's name has %zu bytes; at most %d are allowed",
                           size, CLEAT__TOKEN_NAME_MAX);
    }
    if (cleat__utf8_valid_prefix(name, size) != size) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "the token's name is not UTF-8");
    }
    return CLEAT_OK;
}

/* ---- Signing ---- */

/* A claim that did not get in would make a token that nobody accepts, so every answer counts. */
static int add_claims(jwt_t *jwt, const cleat__token_request *request, const cleat__token_row *row)
{
    char tenant[37], id[37];
    cleat__uuid_format(&row->tenant_uuid, tenant);
    cleat__uuid_format(&row->id, id);
    int error = jwt_add_grant(jwt, "sub", tenant);
    error = error != 0 ? error : jwt_add_grant(jwt, "token_id", id);
    error = error != 0 ? error : jwt_add_grant(jwt, "iss", request->server_url);
    error = error != 0 ? error : jwt_add_grant(jwt, "aud", request->server_url);
    error = error != 0 ? error : jwt_add_grant(jwt, "server_url", request->server_url);
    error = error != 0 ? error : jwt_add_grant(jwt, "grpc_broadcast_address", request->grpc_address);
    error = error != 0 ? error : jwt_add_grant_int(jwt, "iat", (long)(row->created_at_ms / 1000));
    return error != 0 ? error : jwt_add_grant_int(jwt, "exp", (long)(row->expires_at_ms / 1000));
}

static cleat_status sign(const cleat__token_key *key, const cleat__token_request *request,
                         const cleat__token_row *row, char **out)
{
    jwt_t *jwt = NULL;
    if (jwt_new(&jwt) != 0) {
        return cleat__fail_memory();
    }
    char *text = NULL;
    if (add_claims(jwt, request, row) == 0 && jwt_add_header(jwt, "kid", key->kid) == 0 &&
        jwt_set_alg(jwt, JWT_ALG_ES256, (const unsigned char *)key->private_key,
                    (int)strlen(key->private_key)) == 0) {
        text = jwt_encode_str(jwt);
    }
    jwt_free(jwt);
    ERR_clear_error();
    if (text == NULL) {
        return cleat__fail(CLEAT_FAILED, "cannot sign a token with the key %s of this file", key->kid);
    }
    *out = cleat__strdup(text);
    free(text); /* of the library's malloc */
    return *out != NULL ? CLEAT_OK : cleat__fail_memory();
}

/* ---- Rows ---- */

static cleat__uuid new_id(int64_t now_ms)
{
    cleat__uuid_generator ids = {.random = cleat__random_thread()};
    return cleat__uuid_next(&ids, now_ms);
}

static cleat_status find_or_make_tenant(cleat__store *store, const cleat__token_request *request,
                                        cleat__token_issued *out)
{
    cleat__tenant tenant;
    cleat_slice name = cleat_slice_of(request->tenant);
    cleat_status status = cleat__tenant_find(store, name, &tenant);
    if (status == CLEAT_NOT_FOUND) {
        out->is_new_tenant = true;
        tenant.uuid = new_id(request->now_ms);
        tenant.created_at_ms = request->now_ms;
        memcpy(tenant.name, name.data, name.size);
        tenant.name[name.size] = '\0';
        status = cleat__tenant_insert(store, &tenant);
    }
    if (status == CLEAT_OK) {
        out->row.tenant = tenant.id;
        out->row.tenant_uuid = tenant.uuid;
        memcpy(out->row.tenant_name, tenant.name, sizeof(tenant.name));
    }
    return status;
}

static cleat_status find_or_make_key(cleat__store *store, int64_t now_ms, cleat__token_key *out)
{
    cleat_status status = cleat__token_key_newest(store, out);
    if (status != CLEAT_EMPTY) {
        return status;
    }
    status = cleat__token_key_make(out);
    return status == CLEAT_OK ? cleat__token_key_insert(store, out, now_ms) : status;
}

static cleat_status issue(cleat__store *store, const cleat__token_request *request, cleat__token_issued *out)
{
    cleat__token_key key = {0};
    cleat_status status = find_or_make_tenant(store, request, out);
    if (status == CLEAT_OK) {
        status = find_or_make_key(store, request->now_ms, &key);
    }
    if (status == CLEAT_OK) {
        status = cleat__token_insert(store, &out->row);
    }
    if (status == CLEAT_OK) {
        status = sign(&key, request, &out->row, &out->text);
    }
    OPENSSL_cleanse(&key, sizeof(key));
    return status;
}

cleat_status cleat__token_issue(cleat__store *store, const cleat__token_request *request,
                                cleat__token_issued *out)
{
    *out = (cleat__token_issued){0};
    cleat_status status = cleat__tenant_check_name(cleat_slice_of(request->tenant));
    if (status == CLEAT_OK) {
        status = check_name(request->name);
    }
    if (status == CLEAT_OK) {
        status = cleat__store_begin(store);
    }
    if (status != CLEAT_OK) {
        return status;
    }
    out->row.id = new_id(request->now_ms);
    out->row.created_at_ms = request->now_ms;
    out->row.expires_at_ms = (request->now_ms + request->lifetime_ms) / 1000 * 1000; /* as in the claim */
    snprintf(out->row.name, sizeof(out->row.name), "%s", request->name != NULL ? request->name : "");
    status = issue(store, request, out);
    if (status == CLEAT_OK) {
        status = cleat__store_commit(store);
    }
    if (status != CLEAT_OK) {
        cleat__store_rollback(store);
        cleat__token_issued_deinit(out);
    }
    return status;
}

void cleat__token_issued_deinit(cleat__token_issued *issued)
{
    cleat__free(issued->text);
    *issued = (cleat__token_issued){0};
}
