#include "curl_code.h"

#include <curl/curl.h>
#include <stdio.h>

#define CODES(X)                \
    X(UNSUPPORTED_PROTOCOL)     \
    X(FAILED_INIT)              \
    X(URL_MALFORMAT)            \
    X(NOT_BUILT_IN)             \
    X(COULDNT_RESOLVE_PROXY)    \
    X(COULDNT_RESOLVE_HOST)     \
    X(COULDNT_CONNECT)          \
    X(WEIRD_SERVER_REPLY)       \
    X(REMOTE_ACCESS_DENIED)     \
    X(HTTP2)                    \
    X(PARTIAL_FILE)             \
    X(HTTP_RETURNED_ERROR)      \
    X(WRITE_ERROR)              \
    X(UPLOAD_FAILED)            \
    X(READ_ERROR)               \
    X(OUT_OF_MEMORY)            \
    X(OPERATION_TIMEDOUT)       \
    X(RANGE_ERROR)              \
    X(HTTP_POST_ERROR)          \
    X(SSL_CONNECT_ERROR)        \
    X(ABORTED_BY_CALLBACK)      \
    X(BAD_FUNCTION_ARGUMENT)    \
    X(INTERFACE_FAILED)         \
    X(TOO_MANY_REDIRECTS)       \
    X(GOT_NOTHING)              \
    X(SSL_ENGINE_NOTFOUND)      \
    X(SEND_ERROR)               \
    X(RECV_ERROR)               \
    X(SSL_CERTPROBLEM)          \
    X(SSL_CIPHER)               \
    X(PEER_FAILED_VERIFICATION) \
    X(BAD_CONTENT_ENCODING)     \
    X(FILESIZE_EXCEEDED)        \
    X(SEND_FAIL_REWIND)         \
    X(LOGIN_DENIED)             \
    X(SSL_CACERT_BADFILE)       \
    X(SSL_SHUTDOWN_FAILED)      \
    X(SSL_CRL_BADFILE)          \
    X(SSL_ISSUER_ERROR)         \
    X(CHUNK_FAILED)             \
    X(NO_CONNECTION_AVAILABLE)  \
    X(SSL_PINNEDPUBKEYNOTMATCH) \
    X(SSL_INVALIDCERTSTATUS)    \
    X(HTTP2_STREAM)             \
    X(RECURSIVE_API_CALL)       \
    X(AUTH_ERROR)               \
    X(HTTP3)                    \
    X(QUIC_CONNECT_ERROR)       \
    X(PROXY)                    \
    X(SSL_CLIENTCERT)

void cleat__curl_code_name(int code, char name[CLEAT__CURL_CODE_SIZE])
{
    switch (code) {
#define NAME(code_name) \
    case CURLE_##code_name: snprintf(name, CLEAT__CURL_CODE_SIZE, "%s", "CURLE_" #code_name); return;
        CODES(NAME)
#undef NAME
    default: snprintf(name, CLEAT__CURL_CODE_SIZE, "CURLE_%d", code); return;
    }
}
