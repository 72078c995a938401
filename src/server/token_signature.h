/*
 * Verifying ES256 with a key that is kept ready. libjwt, which signs, would read the key's PEM each time:
 * that takes OpenSSL 3.0 twenty times as long as the signature itself (1.5 ms and 70 us).
 */
#ifndef CLEAT_SERVER_TOKEN_SIGNATURE_H
#define CLEAT_SERVER_TOKEN_SIGNATURE_H

#include <cleat/status.h>

#include <openssl/evp.h>

/* Two numbers of 32 bytes. */
#define CLEAT__TOKEN_SIGNATURE_SIZE 64

/* A public key from its PEM, to be freed with EVP_PKEY_free(); CLEAT_CORRUPT when it is none on P-256. */
cleat_status cleat__token_signature_key(const char *pem, EVP_PKEY **out);

/* Whether the key's owner signed `text`. Any thread. */
bool cleat__token_signature_is_good(EVP_PKEY *key, cleat_slice text,
                                    const uint8_t signature[CLEAT__TOKEN_SIGNATURE_SIZE]);

#endif
