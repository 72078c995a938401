/* A server in the test's process, asked by libcurl or by bare bytes. */
#ifndef CLEAT_TESTS_HTTP_FIXTURE_H
#define CLEAT_TESTS_HTTP_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/error.h"
#include "server/http_server.h"
#include "support/gate.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define TENANT_1 "0190a000-0000-7000-8000-000000000001"
#define TENANT_2 "0190a000-0000-7000-8000-000000000002"
#define AS_1     "Authorization: Bearer one"
#define AS_2     "Authorization: Bearer two"

/* Two tokens, "one" and "two", each of its tenant. */
static inline cleat_status check_token(void *self, cleat_slice bearer, cleat__identity *out)
{
    (void)self;
    for (int64_t tenant = 1; tenant <= 2; tenant++) {
        if (cleat_slice_equals(bearer, cleat_slice_of(tenant == 1 ? "one" : "two"))) {
            out->tenant = tenant;
            return cleat__uuid_parse(cleat_slice_of(tenant == 1 ? TENANT_1 : TENANT_2), &out->tenant_id);
        }
    }
    if (cleat_slice_equals(bearer, cleat_slice_of("early"))) {
        return cleat__fail(CLEAT_UNAVAILABLE, "secrets");
    }
    if (cleat_slice_equals(bearer, cleat_slice_of("broken"))) {
        return cleat__fail(CLEAT_IO, "secrets");
    }
    return cleat__fail(CLEAT_UNAUTHENTICATED, "it expired");
}

typedef struct reply {
    long status;
    char *body;    /* NUL-terminated */
    char *headers; /* likewise */
    size_t body_size, headers_size;
    CURLcode code;
} reply;

static inline void reply_deinit(reply *it)
{
    free(it->body);
    free(it->headers);
    *it = (reply){0};
}

static inline size_t append_text(char **text, size_t *size, const char *data, size_t more)
{
    char *grown = realloc(*text, *size + more + 1);
    if (grown == NULL) {
        return 0;
    }
    memcpy(grown + *size, data, more);
    *size += more;
    grown[*size] = '\0';
    *text = grown;
    return more;
}

static inline size_t take_body(char *data, size_t size, size_t count, void *argument)
{
    reply *it = argument;
    return append_text(&it->body, &it->body_size, data, size * count);
}

static inline size_t take_header(char *data, size_t size, size_t count, void *argument)
{
    reply *it = argument;
    return append_text(&it->headers, &it->headers_size, data, size * count);
}

/* What is asked; NULL members are left out. */
typedef struct question {
    const char *method; /* NULL: GET */
    const char *path;
    const char *headers[4];
    const char *body;
    size_t body_size; /* 0: of a text */
    bool is_chunked;
    CURL *easy; /* to keep a connection; NULL: a new one */
    const char *scheme, *ca, *cert, *key;
} question;

/* Does not assert: for threads too. */
static inline reply ask_quietly(const cleat__http_server *server, question what)
{
    reply it = {0};
    char url[65536];
    CURL *easy = what.easy != NULL ? what.easy : curl_easy_init();
    struct curl_slist *headers = NULL;
    snprintf(url, sizeof(url), "%s://%s%s", what.scheme != NULL ? what.scheme : "http",
             cleat__http_server_address(server), what.path);
    curl_easy_reset(easy);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT, 300L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &it);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, &it);
    curl_easy_setopt(easy, CURLOPT_CAINFO, what.ca);
    curl_easy_setopt(easy, CURLOPT_SSLCERT, what.cert);
    curl_easy_setopt(easy, CURLOPT_SSLKEY, what.key);
    headers = curl_slist_append(headers, "Expect:");
    headers = what.is_chunked ? curl_slist_append(headers, "Transfer-Encoding: chunked") : headers;
    for (size_t i = 0; i < 4 && what.headers[i] != NULL; i++) {
        headers = curl_slist_append(headers, what.headers[i]);
    }
    if (what.body != NULL) {
        long size = what.body_size != 0 ? (long)what.body_size : (long)strlen(what.body);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, size);
        curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, what.body);
    }
    if (what.method != NULL && strcmp(what.method, "HEAD") == 0) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    } else if (what.method != NULL) {
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, what.method);
    }
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    it.code = curl_easy_perform(easy);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &it.status);
    curl_slist_free_all(headers);
    if (what.easy == NULL) {
        curl_easy_cleanup(easy);
    }
    return it;
}

static inline reply ask(const cleat__http_server *server, question what)
{
    reply it = ask_quietly(server, what);
    if (it.code != CURLE_OK) {
        fail_msg("%s: %s", what.path, curl_easy_strerror(it.code));
    }
    return it;
}

/* Asks, and compares status and body; a NULL `body` is none. */
static inline void expect(const cleat__http_server *server, question what, long status, const char *body)
{
    reply it = ask(server, what);
    if (it.status != status || strcmp(it.body != NULL ? it.body : "", body != NULL ? body : "") != 0) {
        fail_msg("%s %s: %ld %s\nexpected: %ld %s", what.method != NULL ? what.method : "GET", what.path,
                 it.status, it.body != NULL ? it.body : "", status, body != NULL ? body : "");
    }
    reply_deinit(&it);
}
#define EXPECT(server, status, body, ...) expect(server, (question){__VA_ARGS__}, status, body)

/* ---- Bare bytes ---- */

static inline int dial(const cleat__http_server *server)
{
    const char *colon = strrchr(cleat__http_server_address(server), ':');
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(colon + 1))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int made = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(made >= 0);
    assert_int_equal(connect(made, (struct sockaddr *)&address, sizeof(address)), 0);
    return made;
}

static inline void send_bytes(int descriptor, const char *data, size_t size)
{
    while (size != 0) {
        ssize_t sent = send(descriptor, data, size, MSG_NOSIGNAL);
        if (sent <= 0) {
            return; /* the server has had enough */
        }
        data += sent;
        size -= (size_t)sent;
    }
}

/* Everything up to the end of the connection, NUL-terminated, to be freed; fails after 30 s without. */
static inline char *receive_all(int descriptor)
{
    char *text = calloc(1, 1);
    size_t size = 0;
    for (;;) {
        char piece[4096];
        struct pollfd wait = {.fd = descriptor, .events = POLLIN};
        if (poll(&wait, 1, 300000) != 1) {
            fail_msg("the server neither answers nor closes");
        }
        ssize_t got = recv(descriptor, piece, sizeof(piece), 0);
        if (got <= 0) {
            return text;
        }
        append_text(&text, &size, piece, (size_t)got);
    }
}

#endif
