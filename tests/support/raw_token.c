#include "support/raw_token.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_SIZE = 32 };

char *raw_token_encode(const void *bytes, size_t size)
{
    char *text = malloc(size / 3 * 4 + 5);
    if (text == NULL) {
        return NULL;
    }
    EVP_EncodeBlock((unsigned char *)text, bytes, (int)size);
    char *out = text;
    for (const char *in = text; *in != '\0' && *in != '='; in++) {
        *out++ = (char)(*in == '+' ? '-' : *in == '/' ? '_' : *in);
    }
    *out = '\0';
    return text;
}

static char *join(const char *first, const char *second)
{
    char *text = malloc(strlen(first) + strlen(second) + 2);
    if (text != NULL) {
        sprintf(text, "%s.%s", first, second);
    }
    return text;
}

/* "header.payload" */
static char *signed_part(const char *header, const char *payload)
{
    char *first = raw_token_encode(header, strlen(header));
    char *second = raw_token_encode(payload, strlen(payload));
    char *text = first != NULL && second != NULL ? join(first, second) : NULL;
    free(first);
    free(second);
    return text;
}

static EVP_PKEY *read_key(const char *pem)
{
    BIO *memory = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *key = memory != NULL ? PEM_read_bio_PrivateKey(memory, NULL, NULL, NULL) : NULL;
    BIO_free(memory);
    return key;
}

/* OpenSSL's signature is ASN.1, a token's the two numbers. */
static bool sign(EVP_PKEY *key, const char *text, unsigned char out[2 * NUMBER_SIZE])
{
    unsigned char der[128];
    size_t size = sizeof(der);
    const unsigned char *at = der;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool is_done = context != NULL && EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
                   EVP_DigestSign(context, der, &size, (const unsigned char *)text, strlen(text)) == 1;
    ECDSA_SIG *pair = is_done ? d2i_ECDSA_SIG(NULL, &at, (long)size) : NULL;
    is_done = pair != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(pair), out, NUMBER_SIZE) == NUMBER_SIZE &&
              BN_bn2binpad(ECDSA_SIG_get0_s(pair), out + NUMBER_SIZE, NUMBER_SIZE) == NUMBER_SIZE;
    ECDSA_SIG_free(pair);
    EVP_MD_CTX_free(context);
    return is_done;
}

char *raw_token_join(const char *header, const char *payload, const void *signature, size_t size)
{
    char *text = signed_part(header, payload);
    char *encoded = raw_token_encode(signature, size);
    char *token = text != NULL && encoded != NULL ? join(text, encoded) : NULL;
    free(text);
    free(encoded);
    return token;
}

char *raw_token_sign(const char *header, const char *payload, const char *private_key)
{
    unsigned char signature[2 * NUMBER_SIZE];
    char *text = signed_part(header, payload);
    EVP_PKEY *key = read_key(private_key);
    char *token = text != NULL && key != NULL && sign(key, text, signature)
                      ? raw_token_join(header, payload, signature, sizeof(signature))
                      : NULL;
    EVP_PKEY_free(key);
    free(text);
    return token;
}
