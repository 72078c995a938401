#include "credentials.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"

#include <errno.h>
#include <grpc/grpc_security.h>
#include <stdio.h>

enum { PEM_FILE_MAX = 16 << 20 }; /* the bundles of operating systems have some 200 KB */

static cleat_status read_all(FILE *file, const char *path, cleat__buffer *text)
{
    size_t taken = 1;
    while (taken != 0 && text->size <= PEM_FILE_MAX) {
        enum { STEP = 16384 };
        uint8_t *room = cleat__buffer_reserve(text, STEP);
        if (room == NULL) {
            return cleat__fail_memory();
        }
        taken = fread(room, 1, STEP, file);
        text->size += taken;
    }
    if (ferror(file) != 0) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "cannot read %s: %s", path, strerror(errno));
    }
    if (text->size > PEM_FILE_MAX) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s is too large to be a file of certificates", path);
    }
    return CLEAT_OK;
}

static cleat_status read_file(const char *path, char **out)
{
    if (path == NULL) {
        return CLEAT_OK;
    }
    FILE *file = fopen(path, "rbe");
    if (file == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "cannot open %s: %s", path, strerror(errno));
    }
    cleat__buffer text = {0};
    cleat_status status = read_all(file, path, &text);
    fclose(file);
    if (status == CLEAT_OK) {
        *out = cleat__buffer_take_string(&text);
        if (*out == NULL) {
            status = cleat__fail_memory();
        } else if (strstr(*out, "-----BEGIN ") == NULL) {
            status = cleat__fail(CLEAT_INVALID_ARGUMENT, "%s holds no PEM block (-----BEGIN ...-----)", path);
        }
    }
    cleat__buffer_deinit(&text);
    return status;
}

cleat_status cleat__pem_read(cleat__pem *pem, const char *authorities_file, const char *certificate_file,
                             const char *key_file)
{
    *pem = (cleat__pem){0};
    cleat_status status = read_file(authorities_file, &pem->authorities);
    if (status == CLEAT_OK) {
        status = read_file(certificate_file, &pem->certificate);
    }
    if (status == CLEAT_OK) {
        status = read_file(key_file, &pem->key);
    }
    if (status != CLEAT_OK) {
        cleat__pem_deinit(pem);
    }
    return status;
}

void cleat__pem_deinit(cleat__pem *pem)
{
    cleat__free(pem->authorities);
    cleat__free(pem->certificate);
    if (pem->key != NULL) {
        explicit_bzero(pem->key,
                       strlen(pem->key)); /* memory is seen by who gets it next, and in core files */
    }
    cleat__free(pem->key);
    *pem = (cleat__pem){0};
}

grpc_channel_credentials *cleat__grpc_tls_credentials(const cleat__pem *pem)
{
    grpc_ssl_pem_key_cert_pair pair = {.private_key = pem->key, .cert_chain = pem->certificate};
    bool has_pair = pem->key != NULL && pem->certificate != NULL;
    return grpc_ssl_credentials_create(pem->authorities, has_pair ? &pair : NULL, NULL, NULL);
}

grpc_server_credentials *cleat__grpc_server_credentials(const cleat__pem *pem)
{
    if (pem->certificate == NULL) {
        return grpc_insecure_server_credentials_create();
    }
    grpc_ssl_pem_key_cert_pair pair = {.private_key = pem->key, .cert_chain = pem->certificate};
    return grpc_ssl_server_credentials_create_ex(
        pem->authorities, &pair, 1,
        pem->authorities != NULL ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                                 : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE,
        NULL);
}
