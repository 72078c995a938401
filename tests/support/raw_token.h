/* Tokens that no honest server makes: any header and payload, signed with any key. */
#ifndef CLEAT_TESTS_RAW_TOKEN_H
#define CLEAT_TESTS_RAW_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

/* Base64url of bytes; to be freed. */
char *raw_token_encode(const void *bytes, size_t size);
/* "header.payload.signature" with the signature of ES256 by a private key in PEM; to be freed. NULL when
 * OpenSSL cannot. */
char *raw_token_sign(const char *header, const char *payload, const char *private_key);
/* The same with a signature that is given; to be freed. */
char *raw_token_join(const char *header, const char *payload, const void *signature, size_t size);

#endif
