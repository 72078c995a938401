/*
 * TLS for gRPC: PEM files are read when what needs them is made, so that an error shows there, and
 * become credentials when gRPC has started.
 */
#ifndef CLEAT_GRPC_CREDENTIALS_H
#define CLEAT_GRPC_CREDENTIALS_H

#include <cleat/status.h>

#include <grpc/grpc.h>

/* The texts of the files; NULL: none. Zero at first. */
typedef struct cleat__pem {
    char *authorities; /* to verify the other side; NULL: those of the system */
    char *certificate; /* of this side, with its chain */
    char *key;
} cleat__pem;

/* Each path may be NULL. CLEAT_INVALID_ARGUMENT, naming the file, when one cannot be read or holds no
 * PEM block. On failure nothing needs to be freed. */
cleat_status cleat__pem_read(cleat__pem *pem, const char *authorities_file, const char *certificate_file,
                             const char *key_file);
void cleat__pem_deinit(cleat__pem *pem);

/* NULL when gRPC does not accept the certificates. Released with grpc_channel_credentials_release(). */
grpc_channel_credentials *cleat__grpc_tls_credentials(const cleat__pem *pem);
/* Those of a server, without TLS when there is no certificate; with authorities each client needs a
 * certificate of theirs. Released with grpc_server_credentials_release(). */
grpc_server_credentials *cleat__grpc_server_credentials(const cleat__pem *pem);

#endif
