/* Making tokens: JSON Web Tokens (RFC 7519) with the claims that clients of the protocol read. */
#ifndef CLEAT_SERVER_TOKEN_ISSUE_H
#define CLEAT_SERVER_TOKEN_ISSUE_H

#include "store/token.h"

typedef struct cleat__token_request {
    const char *tenant; /* name; made when it is new */
    const char *name;   /* the user's own words; NULL: none */
    int64_t lifetime_ms;
    const char *server_url;   /* claims server_url, iss and aud */
    const char *grpc_address; /* claim grpc_broadcast_address */
    int64_t now_ms;
} cleat__token_request;

typedef struct cleat__token_issued {
    char *text; /* the token; owned */
    cleat__token_row row;
    bool is_new_tenant;
} cleat__token_issued;

/*
 * Stores what there is to know of a token and signs it with the file's newest key, which is made when
 * there is none. In a transaction of its own; the store is one that writes. CLEAT_INVALID_ARGUMENT for
 * what is wrong with the names.
 */
cleat_status cleat__token_issue(cleat__store *store, const cleat__token_request *request,
                                cleat__token_issued *out);
void cleat__token_issued_deinit(cleat__token_issued *issued);

#endif
