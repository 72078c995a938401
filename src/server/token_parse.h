/*
 * A token taken apart, strictly: what libraries forgive (characters that are no base64, members named
 * twice, other algorithms) is refused here, so that all who read a token read the same. Nothing is
 * verified: what it says may be a lie.
 */
#ifndef CLEAT_SERVER_TOKEN_PARSE_H
#define CLEAT_SERVER_TOKEN_PARSE_H

#include "base/uuid.h"
#include "server/token_signature.h"

#include <jansson.h>

#define CLEAT__TOKEN_SIZE_MAX 4096

typedef struct cleat__parsed_token {
    cleat_slice signed_part; /* borrowed from the text: header and claims */
    uint8_t signature[CLEAT__TOKEN_SIGNATURE_SIZE];
    json_t *header;        /* owned */
    const char *kid;       /* of the header */
    json_t *claims;        /* owned */
    cleat__uuid id;        /* token_id */
    cleat__uuid tenant_id; /* sub */
    const char *issuer, *audience;
    int64_t issued_at_s, expires_at_s;
} cleat__parsed_token;

/* CLEAT_UNAUTHENTICATED with a reason such as "malformed: claim exp is missing". Deinit in any case. */
cleat_status cleat__parsed_token_init(cleat__parsed_token *parsed, cleat_slice text);
void cleat__parsed_token_deinit(cleat__parsed_token *parsed);

#endif
