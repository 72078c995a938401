/*
 * Whether a token is good, asked for every call and request. Any thread.
 *
 * What was verified is kept for as long as the token is good, in a table of a fixed size; what the
 * file says of it (revoked or not) is read again when that is a second old. Tokens that are refused
 * leave nothing behind, so a flood of them costs time and no memory.
 */
#ifndef CLEAT_SERVER_TOKEN_H
#define CLEAT_SERVER_TOKEN_H

#include "server/identity.h"

typedef struct cleat__tokens cleat__tokens;

typedef struct cleat__tokens_options {
    const char *database;     /* exists and has the newest schema: an engine has opened it */
    const char *url;          /* the claims iss and aud; NULL: any, but both the same */
    const cleat_clock *clock; /* NULL: system; to outlive it */
} cleat__tokens_options;

cleat_status cleat__tokens_new(const cleat__tokens_options *options, cleat__tokens **out);
void cleat__tokens_free(cleat__tokens *tokens); /* NULL-safe */

/*
 * CLEAT_UNAUTHENTICATED with a sentence for the caller when the token is not good: malformed, of another
 * server, expired, revoked. The log gets the same, a few times a second at most. Any other failure is the
 * file's.
 */
cleat_status cleat__tokens_check(cleat__tokens *tokens, cleat_slice token, cleat__identity *out);

/* Whether the token of somebody who was let in once is still good; answers likewise, and logs nothing. */
cleat_status cleat__tokens_check_again(cleat__tokens *tokens, const cleat__identity *identity);

#endif
