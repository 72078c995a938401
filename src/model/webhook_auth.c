/* How a sender of a webhook shows who it is. */
#include "base/alloc.h"
#include "base/hex.h"
#include "model/webhook.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <strings.h>

cleat_slice cleat__webhook_auth_header(const cleat__webhook_auth *auth)
{
    return auth->kind == CLEAT__WEBHOOK_BASIC ? cleat_slice_of("authorization") : auth->name;
}

/* By their digests, which are of one size and tell nothing of where two differ. */
static bool is_same(cleat_slice a, cleat_slice b)
{
    enum { SIZE = 32 };
    uint8_t digests[2][EVP_MAX_MD_SIZE];
    return EVP_Digest(a.size != 0 ? a.data : "", a.size, digests[0], NULL, EVP_sha256(), NULL) == 1 &&
           EVP_Digest(b.size != 0 ? b.data : "", b.size, digests[1], NULL, EVP_sha256(), NULL) == 1 &&
           CRYPTO_memcmp(digests[0], digests[1], SIZE) == 0;
}

static bool takes_prefix(cleat_slice *text, const char *prefix)
{
    size_t size = strlen(prefix);
    if (text->size < size || strncasecmp(text->data, prefix, size) != 0) {
        return false;
    }
    text->data += size;
    text->size -= size;
    return true;
}

/* There are senders with and without it. */
static cleat_slice without_padding(cleat_slice text)
{
    while (text.size != 0 && text.data[text.size - 1] == '=') {
        text.size--;
    }
    return text;
}

/* ---- BASIC ---- */

static bool is_user(const cleat__webhook_auth *auth, cleat_slice value)
{
    cleat__buffer pair = {0}, encoded = {0};
    if (!takes_prefix(&value, "Basic ")) {
        return false;
    }
    while (value.size != 0 && value.data[0] == ' ') {
        value.data++;
        value.size--;
    }
    cleat__buffer_append_slice(&pair, auth->name);
    cleat__buffer_append_byte(&pair, ':');
    cleat__buffer_append_slice(&pair, auth->secret);
    uint8_t *room = cleat__buffer_reserve(&encoded, pair.size / 3 * 4 + 5);
    bool is_good = false;
    if (!pair.failed && room != NULL && pair.size <= INT_MAX) {
        int size = EVP_EncodeBlock(room, pair.data, (int)pair.size);
        is_good =
            is_same(without_padding((cleat_slice){(const char *)room, (size_t)size}), without_padding(value));
    }
    cleat__buffer_deinit(&pair);
    cleat__buffer_deinit(&encoded);
    return is_good;
}

/* ---- HMAC ---- */

enum { SIGNATURE_SIZE = 2 * EVP_MAX_MD_SIZE + 1 };

static const EVP_MD *digest_of(cleat__webhook_algorithm algorithm)
{
    switch (algorithm) {
    case CLEAT__WEBHOOK_SHA1: return EVP_sha1();
    case CLEAT__WEBHOOK_SHA512: return EVP_sha512();
    case CLEAT__WEBHOOK_MD5: return EVP_md5();
    default: return EVP_sha256();
    }
}

static void encode(cleat__webhook_encoding encoding, const uint8_t *bytes, size_t size,
                   char text[SIGNATURE_SIZE])
{
    if (encoding == CLEAT__WEBHOOK_HEX) {
        cleat__hex_encode(bytes, size, text);
        return;
    }
    EVP_EncodeBlock((unsigned char *)text, bytes, (int)size);
    for (char *c = text; encoding == CLEAT__WEBHOOK_BASE64URL && *c != '\0'; c++) {
        *c = *c == '+' ? '-' : *c == '/' ? '_' : *c;
    }
}

/* "sha256=" and the like, as GitHub has it. */
static cleat_slice without_algorithm(cleat__webhook_algorithm algorithm, cleat_slice value)
{
    const char *name = cleat__webhook_algorithms[algorithm];
    cleat_slice rest = value;
    return takes_prefix(&rest, name) && takes_prefix(&rest, "=") ? rest : value;
}

static bool is_signed(const cleat__webhook_auth *auth, cleat_slice value, cleat_slice body)
{
    uint8_t bytes[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    char good[SIGNATURE_SIZE], given[SIGNATURE_SIZE];
    value = without_algorithm(auth->algorithm, value);
    if (auth->encoding != CLEAT__WEBHOOK_HEX) {
        value = without_padding(value);
    }
    if (value.size >= sizeof(given) || auth->secret.size > INT_MAX ||
        HMAC(digest_of(auth->algorithm), auth->secret.data, (int)auth->secret.size,
             (const unsigned char *)(body.size != 0 ? body.data : ""), body.size, bytes, &size) == NULL) {
        ERR_clear_error(); /* errors left in the thread's queue would be found by others */
        return false;
    }
    encode(auth->encoding, bytes, size, good);
    for (size_t i = 0; i < value.size; i++) {
        bool is_capital = value.data[i] >= 'A' && value.data[i] <= 'F';
        given[i] =
            (char)(auth->encoding == CLEAT__WEBHOOK_HEX && is_capital ? value.data[i] | 0x20 : value.data[i]);
    }
    return is_same(without_padding(cleat_slice_of(good)), (cleat_slice){given, value.size});
}

bool cleat__webhook_auth_passes(const cleat__webhook_auth *auth, cleat_slice value, cleat_slice body)
{
    if (value.data == NULL || auth->secret.size == 0) {
        return false;
    }
    switch (auth->kind) {
    case CLEAT__WEBHOOK_BASIC: return is_user(auth, value);
    case CLEAT__WEBHOOK_API_KEY: return is_same(auth->secret, value);
    default: return is_signed(auth, value, body);
    }
}
