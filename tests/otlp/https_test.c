/*
 * OTLP over TLS, to a real server. The certificates are made by the openssl command in the test's
 * directory: an authority, the server's and a client's of it, and a key that belongs to neither.
 */
#include "trace/batch.h"
#include "trace/sdk_test.h"

#include <gnutls/gnutls.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *const make_certificates[] = {
    "openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=test-authority",
    "openssl req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=localhost",
    "printf 'subjectAltName=DNS:localhost' >server.ext",
    "openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -extfile server.ext -out server.pem",
    "openssl req -newkey rsa:2048 -nodes -keyout client.key -out client.csr -subj /CN=client",
    "openssl x509 -req -in client.csr -CA ca.pem -CAkey ca.key -out client.pem",
    "openssl genrsa -out wrong.key 2048",
    "openssl rsa -in client.key -aes128 -passout pass:s3cret -out locked.key",
    "printf 'no certificate\\n' >garbage.pem",
};

typedef struct fixture {
    struct MHD_Daemon *daemon;
    char *key, *certificate, *authority;
    char url[64], other_url[64]; /* by a name that is in the certificate, and by one that is not */
    bool asks_for_client;
    atomic_uint requests;
    cleat__batch_entry entry;
    uint8_t record[64];
    cleat_span_batch batch; /* of one span */
} fixture;

/* ---- The server ---- */

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = calloc(1, 8192);
    assert_true(file != NULL && text != NULL && fread(text, 1, 8191, file) > 0);
    fclose(file);
    return text;
}

/* The server asks for a certificate; whether there is one and whose, is left to the handler. */
static bool is_known(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    unsigned flaws = 1;
    return info != NULL && gnutls_certificate_verify_peers2(info->tls_session, &flaws) == 0 && flaws == 0;
}

static enum MHD_Result handle(void *cls, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **con_cls)
{
    fixture *it = cls;
    (void)url, (void)method, (void)version, (void)upload;
    if (*con_cls == NULL || *upload_size != 0) {
        *con_cls = it;
        *upload_size = 0;
        return MHD_YES;
    }
    atomic_fetch_add(&it->requests, 1);
    unsigned code = it->asks_for_client && !is_known(connection) ? 403 : 200;
    struct MHD_Response *response = MHD_create_response_from_buffer(0, (void *)"", MHD_RESPMEM_PERSISTENT);
    enum MHD_Result result = MHD_queue_response(connection, code, response);
    MHD_destroy_response(response);
    return result;
}

static void start(fixture *it, bool asks_for_client)
{
    it->asks_for_client = asks_for_client;
    it->key = read_file("server.key");
    it->certificate = read_file("server.pem");
    it->authority = read_file("ca.pem");
    it->daemon = MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_TLS, 0, NULL, NULL, handle, it, MHD_OPTION_HTTPS_MEM_KEY,
        it->key, MHD_OPTION_HTTPS_MEM_CERT, it->certificate,
        asks_for_client ? MHD_OPTION_HTTPS_MEM_TRUST : MHD_OPTION_END, it->authority, MHD_OPTION_END);
    assert_non_null(it->daemon);
    unsigned port = MHD_get_daemon_info(it->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
    snprintf(it->url, sizeof(it->url), "https://localhost:%u/v1/traces", port);
    snprintf(it->other_url, sizeof(it->other_url), "https://127.0.0.1:%u/v1/traces", port);
}

/* ---- The fixture ---- */

static int make_all_certificates(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(make_certificates); i++) {
        char command[512];
        snprintf(command, sizeof(command), "%s >openssl.log 2>&1", make_certificates[i]);
        if (system(command) != 0) {
            return -1;
        }
    }
    return 0;
}

static int set_up(void **state)
{
    static const char span[] = "\x2a\x06myspan";
    fixture *it = calloc(1, sizeof(*it));
    cleat__batch_put(it->record, (cleat_slice){span, sizeof(span) - 1}, &it->entry);
    it->batch = (cleat_span_batch){.entries = &it->entry, .count = 1};
    *state = it;
    return 0;
}

static int tear_down(void **state)
{
    fixture *it = *state;
    if (it->daemon != NULL) {
        MHD_stop_daemon(it->daemon);
    }
    unsetenv("OTEL_EXPORTER_OTLP_ENDPOINT");
    unsetenv("OTEL_EXPORTER_OTLP_CERTIFICATE");
    unsetenv("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE");
    unsetenv("OTEL_EXPORTER_OTLP_CLIENT_KEY");
    free(it->key);
    free(it->certificate);
    free(it->authority);
    free(it);
    return 0;
}

/* One span by an exporter of its own; in how many attempts. */
static cleat_status export_by(fixture *it, cleat_otlp_exporter_options options, uint64_t *attempts)
{
    cleat_span_exporter *exporter = NULL;
    cleat_otlp_exporter_stats stats;
    options.struct_size = sizeof(options);
    options.initial_backoff_ms = options.max_backoff_ms = 1;
    assert_int_equal(cleat_otlp_http_exporter_new(&options, &exporter), CLEAT_OK);
    cleat_status status = exporter->export_spans(exporter, &it->batch, 300000);
    cleat_otlp_exporter_get_stats(exporter, &stats);
    exporter->free(exporter);
    *attempts = stats.requests;
    return status;
}

static void assert_accepted(fixture *it, cleat_otlp_exporter_options options)
{
    uint64_t attempts;
    if (export_by(it, options, &attempts) != CLEAT_OK) {
        fail_msg("%s", cleat_error_message());
    }
    assert_int_equal(attempts, 1);
}

/* At the first attempt, with a message that says so. */
static void assert_refused(fixture *it, cleat_otlp_exporter_options options, const char *message)
{
    uint64_t attempts;
    assert_int_equal(export_by(it, options, &attempts), CLEAT_NON_RETRYABLE);
    assert_int_equal(attempts, 1);
    if (strstr(cleat_error_message(), message) == NULL) {
        fail_msg("\"%s\" is not in: %s", message, cleat_error_message());
    }
}

#define ACCEPTED(it, ...) assert_accepted(it, (cleat_otlp_exporter_options){.struct_size = 0, __VA_ARGS__})
#define REFUSED(it, message, ...) \
    assert_refused(it, (cleat_otlp_exporter_options){.struct_size = 0, __VA_ARGS__}, message)

/* ---- The server's certificate ---- */

static void a_server_of_the_given_authority_is_trusted(void **state)
{
    fixture *it = *state;
    start(it, false);
    ACCEPTED(it, .endpoint = it->url, .certificate_file = "ca.pem");
    assert_int_equal(atomic_load(&it->requests), 1);
}

static void the_authority_may_come_from_the_environment(void **state)
{
    fixture *it = *state;
    start(it, false);
    *strrchr(it->url, '/') = '\0'; /* without traces, and without v1 */
    *strrchr(it->url, '/') = '\0';
    setenv("OTEL_EXPORTER_OTLP_ENDPOINT", it->url, 1);
    setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", "ca.pem", 1);
    ACCEPTED(it, .endpoint = NULL);
    assert_int_equal(atomic_load(&it->requests), 1);
}

static void an_unknown_server_is_refused(void **state)
{
    fixture *it = *state;
    start(it, false);
    REFUSED(it, "OTEL_EXPORTER_OTLP_CERTIFICATE", .endpoint = it->url);
    REFUSED(it, "certificate", .endpoint = it->url, .certificate_file = "client.pem");
    assert_int_equal(atomic_load(&it->requests), 0);
}

static void a_server_of_another_name_is_refused(void **state)
{
    fixture *it = *state;
    start(it, false);
    REFUSED(it, "127.0.0.1", .endpoint = it->other_url, .certificate_file = "ca.pem");
    assert_int_equal(atomic_load(&it->requests), 0);
}

static void a_file_without_certificates_is_refused(void **state)
{
    fixture *it = *state;
    start(it, false);
    REFUSED(it, "garbage.pem", .endpoint = it->url, .certificate_file = "garbage.pem");
    REFUSED(it, "certificate", .endpoint = it->url, .certificate_file = "."); /* a directory */
    assert_int_equal(atomic_load(&it->requests), 0);
}

/* ---- The client's ---- */

static void a_client_shows_its_certificate(void **state)
{
    fixture *it = *state;
    start(it, true);
    ACCEPTED(it, .endpoint = it->url, .certificate_file = "ca.pem", .client_certificate_file = "client.pem",
             .client_key_file = "client.key");
    REFUSED(it, "HTTP status 403", .endpoint = it->url, .certificate_file = "ca.pem");
}

static void the_client_may_come_from_the_environment(void **state)
{
    fixture *it = *state;
    start(it, true);
    setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", "ca.pem", 1);
    setenv("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "client.pem", 1);
    setenv("OTEL_EXPORTER_OTLP_CLIENT_KEY", "client.key", 1);
    ACCEPTED(it, .endpoint = it->url);
}

static void a_key_that_is_of_another_certificate_is_refused(void **state)
{
    fixture *it = *state;
    start(it, true);
    REFUSED(it, "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", .endpoint = it->url, .certificate_file = "ca.pem",
            .client_certificate_file = "client.pem", .client_key_file = "wrong.key");
    assert_int_equal(atomic_load(&it->requests), 0);
}

/* And its password is not asked for. */
static void an_encrypted_key_is_refused(void **state)
{
    fixture *it = *state;
    start(it, true);
    REFUSED(it, "locked.key", .endpoint = it->url, .certificate_file = "ca.pem",
            .client_certificate_file = "client.pem", .client_key_file = "locked.key");
}

/* With TLS 1.3 the client has sent its request by then, and libcurl tells it as an error of reading: the
 * next attempt may be worth it, for all that is known. */
static void what_a_server_demands_in_the_handshake_is_told(void **state)
{
    fixture *it = *state;
    char line[256], url[64] = "";
    uint64_t attempts;
    unsigned port;
    /* One that says so in the handshake; for one connection. */
    FILE *server =
        popen("openssl s_server -accept 0 -naccept 1 -www -cert server.pem -key server.key -CAfile "
              "ca.pem -Verify 1 -verify_return_error 2>&1 </dev/null",
              "r");
    assert_non_null(server);
    while (url[0] == '\0' && fgets(line, sizeof(line), server) != NULL) {
        if (strncmp(line, "ACCEPT", 6) == 0 && sscanf(strrchr(line, ':'), ":%u", &port) == 1) {
            snprintf(url, sizeof(url), "https://localhost:%u/", port);
        }
    }
    cleat_otlp_exporter_options options = {.endpoint = url, .certificate_file = "ca.pem", .max_attempts = 1};
    assert_int_not_equal(export_by(it, options, &attempts), CLEAT_OK);
    assert_non_null(strstr(cleat_error_message(), "certificate required"));
    while (fgets(line, sizeof(line), server) != NULL) {
    }
    pclose(server);
}

/* ---- Half a pair ---- */

/* Answers one connection as a server does that speaks HTTP alone. */
static void *answer_without_tls(void *argument)
{
    static const char text[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
    char swallowed[4096];
    int connection = accept(*(int *)argument, NULL, NULL);
    if (connection >= 0 && send(connection, text, sizeof(text) - 1, MSG_NOSIGNAL) > 0) {
        while (recv(connection, swallowed, sizeof(swallowed), 0) > 0) {
        }
    }
    close(connection);
    return NULL;
}

static void of_a_server_that_speaks_http_alone_that_is_said(void **state)
{
    fixture *it = *state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    pthread_t server;
    uint64_t attempts;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    assert_int_equal(pthread_create(&server, NULL, answer_without_tls, &listener), 0);
    snprintf(it->url, sizeof(it->url), "https://127.0.0.1:%d/", ntohs(address.sin_port));
    assert_int_equal(
        export_by(it, (cleat_otlp_exporter_options){.endpoint = it->url, .max_attempts = 1}, &attempts),
        CLEAT_UNAVAILABLE);
    assert_non_null(strstr(cleat_error_message(), "does the server speak http:// there"));
    pthread_join(server, NULL);
    close(listener);
}

static void a_certificate_without_its_key_is_a_mistake(void **state)
{
    cleat_span_exporter *exporter = NULL;
    (void)state;
    assert_int_equal(cleat_otlp_http_exporter_new(
                         CLEAT_OTLP_EXPORTER_OPTIONS(.client_certificate_file = "client.pem"), &exporter),
                     CLEAT_INVALID_ARGUMENT);
    assert_non_null(strstr(cleat_error_message(), "the key is missing"));
    assert_int_equal(
        cleat_otlp_http_exporter_new(CLEAT_OTLP_EXPORTER_OPTIONS(.client_key_file = "client.key"), &exporter),
        CLEAT_INVALID_ARGUMENT);
    assert_non_null(strstr(cleat_error_message(), "the certificate is missing"));
}

static char warning[512];

static void keep_warning(void *user_data, cleat_log_level level, const char *message)
{
    (void)user_data, (void)level;
    snprintf(warning, sizeof(warning), "%s", message);
}

static void half_a_pair_in_the_environment_is_told_and_passed_over(void **state)
{
    fixture *it = *state;
    start(it, false);
    setenv("OTEL_EXPORTER_OTLP_CLIENT_KEY", "client.key", 1);
    cleat_log_set_handler(keep_warning, NULL, CLEAT_LOG_WARN);
    ACCEPTED(it, .endpoint = it->url, .certificate_file = "ca.pem");
    cleat_log_set_handler(NULL, NULL, CLEAT_LOG_ERROR);
    assert_non_null(strstr(warning, "OTEL_EXPORTER_OTLP_CLIENT_KEY: \"client.key\" is ignored"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_server_of_the_given_authority_is_trusted),
        TEST(the_authority_may_come_from_the_environment),
        TEST(an_unknown_server_is_refused),
        TEST(a_server_of_another_name_is_refused),
        TEST(a_file_without_certificates_is_refused),
        TEST(a_client_shows_its_certificate),
        TEST(the_client_may_come_from_the_environment),
        TEST(a_key_that_is_of_another_certificate_is_refused),
        TEST(an_encrypted_key_is_refused),
        TEST(what_a_server_demands_in_the_handshake_is_told),
        TEST(of_a_server_that_speaks_http_alone_that_is_said),
        cmocka_unit_test(a_certificate_without_its_key_is_a_mistake),
        TEST(half_a_pair_in_the_environment_is_told_and_passed_over),
    };
    if (system("openssl version >openssl.log 2>&1") != 0 ||
        MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES) {
        return 77; /* skipped */
    }
    return cmocka_run_group_tests(tests, make_all_certificates, NULL);
}
