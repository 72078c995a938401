/* What a token tells the client that has it. It is the server that verifies; a client only reads. */
#ifndef CLEAT_TRANSPORT_TOKEN_CLAIMS_H
#define CLEAT_TRANSPORT_TOKEN_CLAIMS_H

#include <cleat/status.h>

/* Claims that are not there are NULL: the environment may have what they say. */
typedef struct cleat__token_claims {
    char *tenant_id;      /* sub, a UUID; owned, as the next two */
    char *server_url;     /* where the HTTP API is */
    char *grpc_address;   /* grpc_broadcast_address, "host:port" */
    int64_t expires_at_s; /* exp, Unix time; 0: not there */
} cleat__token_claims;

/* CLEAT_INVALID_ARGUMENT, with a sentence that says what it is instead, when `token` is no token. The
 * sentence never holds the token. */
cleat_status cleat__token_claims_read(cleat_slice token, cleat__token_claims *out);
void cleat__token_claims_deinit(cleat__token_claims *claims);

#endif
