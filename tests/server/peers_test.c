/* Peers that no SDK is: what the whole server says to tokens that are no good, to messages that are too
 * large and to bytes that mean nothing, on each of its ways in; others are served meanwhile. */
#include "server/service_test.h"

#include "store/token.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define EXPORT "/opentelemetry.proto.collector.trace.v1.TraceService/Export"

/* ---- HTTP ---- */

static size_t ignore(char *data, size_t size, size_t count, void *user_data)
{
    (void)data, (void)user_data;
    return size * count;
}

/* The status of the answer; `body` NULL: a GET. */
static long http_status(const service_world *it, const char *path, const char *token, const char *body)
{
    char url[256], authorization[4200];
    long status = 0;
    CURL *easy = curl_easy_init();
    snprintf(url, sizeof(url), "http://%s%s", cleat__server_http_address(it->server), path);
    snprintf(authorization, sizeof(authorization), "Authorization: %s", token != NULL ? token : "");
    struct curl_slist *headers = curl_slist_append(NULL, authorization);
    headers = curl_slist_append(headers, "Content-Type: application/x-protobuf");
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT, 30L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, ignore);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    if (body != NULL) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)strlen(body));
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
    }
    CURLcode code = curl_easy_perform(easy);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(headers);
    curl_easy_cleanup(easy);
    if (code != CURLE_OK) {
        fail_msg("%s: %s", path, curl_easy_strerror(code));
    }
    return status;
}

/* ---- Tokens ---- */

/* As it is sent. `made_ago_ms` beyond its life: an expired one. */
static char *make_token(const char *database, int64_t made_ago_ms, cleat__uuid *id)
{
    enum { LIFE_MS = 60000 };
    cleat__store *store = NULL;
    cleat__token_issued issued;
    const cleat__token_request request = {
        .tenant = "default",
        .lifetime_ms = LIFE_MS,
        .server_url = "http://127.0.0.1:8733",
        .grpc_address = "127.0.0.1:7077",
        .now_ms = cleat__clock_unix_ns(NULL) / CLEAT__NS_PER_MS - made_ago_ms,
    };
    char *text = malloc(4096);
    assert_int_equal(cleat__store_open(database, CLEAT__STORE_SHARE, &store), CLEAT_OK);
    assert_int_equal(cleat__token_issue(store, &request, &issued), CLEAT_OK);
    snprintf(text, 4096, "Bearer %s", issued.text);
    *id = issued.row.id;
    cleat__token_issued_deinit(&issued);
    cleat__store_close(store);
    return text;
}

static void revoke_token(const char *database, const cleat__uuid *id)
{
    cleat__store *store = NULL;
    assert_int_equal(cleat__store_open(database, CLEAT__STORE_SHARE, &store), CLEAT_OK);
    assert_int_equal(cleat__token_revoke(store, id, cleat__clock_unix_ns(NULL) / CLEAT__NS_PER_MS), CLEAT_OK);
    cleat__store_close(store);
}

/* On every way in; `words`: what gRPC's callers are told. */
static void assert_shut_out(service_world *it, const char *token, const char *words)
{
    Cleat__GetVersionRequest version = CLEAT__GET_VERSION_REQUEST__INIT;
    Cleat__WorkerListenRequest listen = CLEAT__WORKER_LISTEN_REQUEST__INIT;
    char tenant[128];
    listen.worker_id = text_(NO_ID);
    refused_as(it, token, "/Dispatcher/GetVersion", &version.base, GRPC_STATUS_UNAUTHENTICATED, words);
    refused_as(it, token, "/Dispatcher/ListenV2", &listen.base, GRPC_STATUS_UNAUTHENTICATED, words);
    refused_as(it, token, EXPORT, &version.base, GRPC_STATUS_UNAUTHENTICATED, words);
    snprintf(tenant, sizeof(tenant), "/api/v1/tenants/%s", it->tenant);
    assert_int_equal(http_status(it, tenant, token, NULL), 403);
    assert_int_equal(http_status(it, "/v1/traces", token, ""), 403);
}

static void assert_let_in(service_world *it, const char *token)
{
    Cleat__GetVersionRequest version = CLEAT__GET_VERSION_REQUEST__INIT;
    char tenant[128];
    refused_as(it, token, "/Dispatcher/GetVersion", &version.base, GRPC_STATUS_OK, "");
    refused_as(it, token, EXPORT, &version.base, GRPC_STATUS_OK, "");
    snprintf(tenant, sizeof(tenant), "/api/v1/tenants/%s", it->tenant);
    assert_int_equal(http_status(it, tenant, token, NULL), 200);
    assert_int_equal(http_status(it, "/v1/traces", token, ""), 200);
}

static void tokens_that_are_none(void **state)
{
    service_world *it = *state;
    assert_let_in(it, it->token);
    assert_shut_out(it, NULL, "invalid auth token");
    assert_shut_out(it, "Bearer ", "invalid auth token");
    assert_shut_out(it, "Bearer a.b.c", "malformed");
    assert_shut_out(it, "Basic dXNlcjpwYXNz", "invalid auth token");
}

static void a_token_that_was_changed(void **state)
{
    service_world *it = *state;
    char *last = it->token + strlen(it->token) - 10; /* within the signature */
    *last = *last == 'A' ? 'B' : 'A';
    assert_shut_out(it, it->token, "signature");
}

static void a_token_that_has_expired(void **state)
{
    service_world *it = *state;
    cleat__uuid id;
    char *token = make_token(it->dir.database, 61000, &id);
    assert_shut_out(it, token, "expired on ");
    free(token);
}

static void a_token_that_was_revoked(void **state)
{
    service_world *it = *state;
    cleat__uuid id;
    char *token = make_token(it->dir.database, 0, &id);
    revoke_token(it->dir.database, &id); /* before its first use: nothing of it is remembered */
    assert_shut_out(it, token, "revoked on ");
    free(token);
}

static void a_token_of_another_server(void **state)
{
    service_world *it = *state;
    cleat__uuid id;
    temp_dir other;
    temp_dir_make(&other);
    char *token = make_token(other.database, 0, &id);
    assert_shut_out(it, token, "token of another server");
    free(token);
    temp_dir_remove(&other);
}

/* ---- Sizes ---- */

static char *json_of_size(size_t size)
{
    char *text = malloc(size + 1);
    memset(text, 'x', size);
    memcpy(text, "{\"text\":\"", 9);
    memcpy(text + size - 2, "\"}", 3);
    return text;
}

static void a_message_above_the_limit(void **state)
{
    enum { LIMIT = 4 << 20 };
    service_world *it = *state;
    Cleat__V1__TriggerWorkflowRequest request = CLEAT__V1__TRIGGER_WORKFLOW_REQUEST__INIT;
    skip_under_tsan();
    declare(it, (task_declaration){.name = "sized"});
    request.name = text_("sized");
    request.input = json_of_size(LIMIT);
    refused(it, "/WorkflowService/TriggerWorkflow", &request.base, GRPC_STATUS_RESOURCE_EXHAUSTED, "larger");
    refused(it, EXPORT, &request.base, GRPC_STATUS_RESOURCE_EXHAUSTED, "larger");
    free(request.input);
    trigger(it, "sized", "{}"); /* on the same connection */
}

static void a_body_above_the_limit(void **state)
{
    enum { LIMIT = 16 << 20 };
    service_world *it = *state;
    skip_under_tsan();
    char *body = json_of_size(LIMIT + 1);
    assert_int_equal(http_status(it, "/v1/traces", it->token, body), 413);
    free(body);
    assert_let_in(it, it->token);
}

/* ---- Bytes ---- */

static int dial(const char *address)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)atoi(strrchr(address, ':') + 1))};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(descriptor >= 0);
    assert_int_equal(connect(descriptor, (struct sockaddr *)&to, sizeof(to)), 0);
    return descriptor;
}

/* And the other side has to close, where `is_answered`; else this one does. */
static void say(const char *address, const void *bytes, size_t size, bool is_answered)
{
    char answer[4096];
    int descriptor = dial(address);
    const struct timeval most = {.tv_sec = 30};
    (void)setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof(most));
    (void)send(descriptor, bytes, size, MSG_NOSIGNAL);
    if (is_answered) {
        ssize_t got = 1;
        (void)shutdown(descriptor, SHUT_WR);
        while (got > 0) {
            got = recv(descriptor, answer, sizeof(answer), 0);
        }
        assert_true(got == 0 || errno == ECONNRESET);
    }
    close(descriptor);
}

static void bytes_that_mean_nothing(void **state)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    static const char tls[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 and what else is in a hello";
    static const char http[] = "GET /ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    service_world *it = *state;
    const char *ports[] = {cleat__server_grpc_address(it->server), cleat__server_http_address(it->server)};
    cleat__random random;
    uint8_t bytes[4096];
    cleat__random_init(&random, 1);
    for (size_t i = 0; i < 2; i++) {
        bool is_grpc = i == 0; /* HTTP/1 waits for the end of a line, until it takes too long */
        say(ports[i], "", 0, is_grpc);
        say(ports[i], tls, sizeof(tls), is_grpc);
        say(ports[i], http, sizeof(http) - 1, is_grpc);
        say(ports[i], preface, sizeof(preface) - 1, is_grpc);
        for (int round = 0; round < 20; round++) {
            bool is_behind_preface = round % 2 != 0;
            for (size_t at = 0; at < sizeof(bytes); at++) {
                bytes[at] = (uint8_t)cleat__random_next(&random);
            }
            memcpy(bytes, preface, is_behind_preface ? sizeof(preface) - 1 : 0);
            say(ports[i], bytes, sizeof(bytes), is_grpc);
        }
    }
    assert_let_in(it, it->token);
}

/* Silent ones, and ones that stop in the middle of their first line. */
static void connections_that_send_nothing(void **state)
{
    enum { CONNECTIONS = 200 };
    service_world *it = *state;
    const char *ports[] = {cleat__server_grpc_address(it->server), cleat__server_http_address(it->server)};
    int descriptors[2][CONNECTIONS];
    for (size_t i = 0; i < 2 * (size_t)CONNECTIONS; i++) {
        descriptors[i % 2][i / 2] = dial(ports[i % 2]);
        if (i % 4 < 2) {
            assert_int_equal(send(descriptors[i % 2][i / 2], i % 2 ? "GET /re" : "PRI * H", 7, MSG_NOSIGNAL),
                             7);
        }
    }
    assert_let_in(it, it->token);
    world_end(it); /* is not held up by them */
    for (size_t i = 0; i < 2 * (size_t)CONNECTIONS; i++) {
        close(descriptors[i % 2][i / 2]);
    }
    world_serve(it);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, world_start, world_stop)
    const struct CMUnitTest tests[] = {
        TEST(tokens_that_are_none),     TEST(a_token_that_was_changed),  TEST(a_token_that_has_expired),
        TEST(a_token_that_was_revoked), TEST(a_token_of_another_server), TEST(a_message_above_the_limit),
        TEST(a_body_above_the_limit),   TEST(bytes_that_mean_nothing),   TEST(connections_that_send_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
