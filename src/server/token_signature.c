#include "server/token_signature.h"

#include "base/error.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>

cleat_status cleat__token_signature_key(const char *pem, EVP_PKEY **out)
{
    BIO *memory = BIO_new_mem_buf(pem, -1);
    *out = memory != NULL ? PEM_read_bio_PUBKEY(memory, NULL, NULL, NULL) : NULL;
    BIO_free(memory);
    char group[32] = "";
    if (*out == NULL || EVP_PKEY_get_group_name(*out, group, sizeof(group), NULL) != 1 ||
        strcmp(group, "prime256v1") != 0) {
        EVP_PKEY_free(*out);
        *out = NULL;
        ERR_clear_error();
        return cleat__fail(CLEAT_CORRUPT, "a key of the file, which verifies tokens, is damaged");
    }
    return CLEAT_OK;
}

/* The signature as OpenSSL has it, in ASN.1; to be freed with OPENSSL_free(). NULL: no memory. */
static unsigned char *to_asn1(const uint8_t signature[CLEAT__TOKEN_SIGNATURE_SIZE], int *size)
{
    enum { HALF = CLEAT__TOKEN_SIGNATURE_SIZE / 2 };
    unsigned char *text = NULL;
    BIGNUM *r = BN_bin2bn(signature, HALF, NULL), *s = BN_bin2bn(signature + HALF, HALF, NULL);
    ECDSA_SIG *pair = ECDSA_SIG_new();
    if (r != NULL && s != NULL && pair != NULL && ECDSA_SIG_set0(pair, r, s) == 1) {
        r = s = NULL; /* the pair's */
        *size = i2d_ECDSA_SIG(pair, &text);
    }
    ECDSA_SIG_free(pair);
    BN_free(r);
    BN_free(s);
    return text;
}

/* Errors that OpenSSL leaves in the queue of the thread would be found by others who use it there. */
bool cleat__token_signature_is_good(EVP_PKEY *key, cleat_slice text,
                                    const uint8_t signature[CLEAT__TOKEN_SIGNATURE_SIZE])
{
    int size = 0;
    unsigned char *asn1 = to_asn1(signature, &size);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool is_good =
        asn1 != NULL && size > 0 && context != NULL &&
        EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
        EVP_DigestVerify(context, asn1, (size_t)size, (const unsigned char *)text.data, text.size) == 1;
    EVP_MD_CTX_free(context);
    OPENSSL_free(asn1);
    ERR_clear_error();
    return is_good;
}
