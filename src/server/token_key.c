#include "server/token_key.h"

#include "base/clock.h"
#include "base/error.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

/* OpenSSL's queue of errors is the thread's, and others that use it there would find this one. */
static cleat_status fail_openssl(const char *what)
{
    char reason[128] = "no reason given";
    unsigned long error = ERR_get_error();
    if (error != 0) {
        ERR_error_string_n(error, reason, sizeof(reason));
    }
    ERR_clear_error();
    return cleat__fail(CLEAT_FAILED, "OpenSSL cannot %s: %s", what, reason);
}

/* What was written into `memory`, as a string that fits into `room`. */
static bool take_text(BIO *memory, char *out, size_t room)
{
    int size = BIO_read(memory, out, (int)room);
    if (size <= 0 || (size_t)size >= room) {
        return false;
    }
    out[size] = '\0';
    return true;
}

static cleat_status write_pem(EVP_PKEY *key, cleat__token_key *out)
{
    BIO *memory = BIO_new(BIO_s_mem());
    if (memory == NULL) {
        return cleat__fail_memory();
    }
    bool is_written = PEM_write_bio_PKCS8PrivateKey(memory, key, NULL, NULL, 0, NULL, NULL) == 1 &&
                      take_text(memory, out->private_key, sizeof(out->private_key)) &&
                      PEM_write_bio_PUBKEY(memory, key) == 1 &&
                      take_text(memory, out->public_key, sizeof(out->public_key));
    cleat_status status = is_written ? CLEAT_OK : fail_openssl("write a key");
    BIO_free(memory);
    return status;
}

cleat_status cleat__token_key_make(cleat__token_key *out)
{
    cleat__uuid_generator ids = {.random = cleat__random_thread()};
    cleat__uuid kid = cleat__uuid_next(&ids, cleat__clock_unix_ns(NULL) / CLEAT__NS_PER_MS);
    *out = (cleat__token_key){0};
    cleat__uuid_format(&kid, out->kid);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    if (key == NULL) {
        return fail_openssl("make a key");
    }
    cleat_status status = write_pem(key, out);
    EVP_PKEY_free(key);
    return status;
}
