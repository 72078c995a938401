/* HTTPS, with and without certificates of clients. The openssl command makes them, in the test's directory. */
#include "http_fixture.h"

static const char *const make_certificates[] = {
    "openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=test-authority",
    "openssl req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=localhost",
    "printf 'subjectAltName=IP:127.0.0.1' >server.ext",
    "openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -extfile server.ext -out server.pem",
    "openssl req -newkey rsa:2048 -nodes -keyout client.key -out client.csr -subj /CN=client",
    "openssl x509 -req -in client.csr -CA ca.pem -CAkey ca.key -out client.pem",
    "openssl req -x509 -newkey rsa:2048 -nodes -keyout other.key -out other.pem -days 2 -subj /CN=stranger",
    "printf 'no certificate\\n' >garbage.pem",
};

static void handle_hello(cleat__http_call *call)
{
    cleat__buffer text = {0};
    cleat__buffer_append_string(&text, "hello");
    cleat__http_call_answer(call, 200, "text/plain", &text);
}

static const cleat__http_route routes[] = {{"GET", "/hello", CLEAT__HTTP_OPEN, handle_hello}};
static const cleat__http_table table = {routes, 1, NULL};

static cleat_status start(const char *cert, const char *key, const char *client_ca, cleat__http_server **out)
{
    cleat__http_options options = {.address = "127.0.0.1:0",
                                   .tls_cert = cert,
                                   .tls_key = key,
                                   .tls_client_ca = client_ca,
                                   .tables = &table,
                                   .table_count = 1};
    return cleat__http_server_start(&options, out);
}

static cleat_status start_impatient(int64_t timeout_ms, cleat__http_server **out)
{
    cleat__http_options options = {.address = "127.0.0.1:0",
                                   .tls_cert = "server.pem",
                                   .tls_key = "server.key",
                                   .tables = &table,
                                   .table_count = 1,
                                   .request_timeout_ms = timeout_ms};
    return cleat__http_server_start(&options, out);
}

static int prepare(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(make_certificates) / sizeof(make_certificates[0]); i++) {
        char command[512];
        snprintf(command, sizeof(command), "( %s ) >/dev/null 2>&1", make_certificates[i]);
        if (system(command) != 0) {
            return -1;
        }
    }
    return 0;
}

static void clients_of_the_authority_are_answered(void **state)
{
    cleat__http_server *server = NULL;
    (void)state;
    assert_int_equal(start("server.pem", "server.key", NULL, &server), CLEAT_OK);
    EXPECT(server, 200, "hello", .path = "/hello", .scheme = "https", .ca = "ca.pem");
    reply stranger = ask_quietly(server, (question){.path = "/hello", .scheme = "https", .ca = "other.pem"});
    assert_int_equal(stranger.code, CURLE_PEER_FAILED_VERIFICATION);
    reply plain = ask_quietly(server, (question){.path = "/hello"});
    assert_int_not_equal(plain.status, 200);
    reply_deinit(&stranger);
    reply_deinit(&plain);
    cleat__http_server_free(server);
}

/* Bytes that are no handshake, and silence, end in a closed connection. */
static void who_makes_no_handshake_is_cut_off(void **state)
{
    cleat__http_server *server = NULL;
    (void)state;
    assert_int_equal(start_impatient(500, &server), CLEAT_OK);
    int garbage = dial(server), mute = dial(server);
    send_bytes(garbage, "\x16\x03\x01\xFF\xFF rubbish \r\n\r\n", 18);
    free(receive_all(garbage));
    free(receive_all(mute));
    close(garbage);
    close(mute);
    const question hello = {.path = "/hello", .scheme = "https", .ca = "ca.pem"};
    reply served = ask_quietly(server, hello);
    while (served.code != CURLE_OK) { /* a busy machine may be as slow as those */
        reply_deinit(&served);
        served = ask_quietly(server, hello);
    }
    assert_int_equal(served.status, 200);
    reply_deinit(&served);
    cleat__http_server_free(server);
}

static void clients_need_a_certificate_where_one_is_asked_for(void **state)
{
    const char *refused = "{\"message\":\"Please provide a valid client certificate\"}";
    cleat__http_server *server = NULL;
    (void)state;
    assert_int_equal(start("server.pem", "server.key", "ca.pem", &server), CLEAT_OK);
    CURL *easy = curl_easy_init();
    for (int i = 0; i < 2; i++) { /* the second time on the same connection */
        EXPECT(server, 200, "hello", .path = "/hello", .scheme = "https", .ca = "ca.pem",
               .cert = "client.pem", .key = "client.key", .easy = easy);
    }
    curl_easy_cleanup(easy);
    EXPECT(server, 403, refused, .path = "/hello", .scheme = "https", .ca = "ca.pem");
    EXPECT(server, 403, refused, .path = "/hello", .scheme = "https", .ca = "ca.pem", .cert = "other.pem",
           .key = "other.key");
    cleat__http_server_free(server);
}

static void unusable_files_are_refused(void **state)
{
    cleat__http_server *server = NULL;
    (void)state;
    assert_int_equal(start("garbage.pem", "server.key", NULL, &server), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(start("server.pem", "client.key", NULL, &server), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(start("server.pem", "garbage.pem", NULL, &server), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(start("server.pem", ".", NULL, &server), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(start("server.pem", NULL, NULL, &server), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(start(NULL, NULL, "ca.pem", &server), CLEAT_INVALID_ARGUMENT);
    assert_null(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clients_of_the_authority_are_answered),
        cmocka_unit_test(who_makes_no_handshake_is_cut_off),
        cmocka_unit_test(clients_need_a_certificate_where_one_is_asked_for),
        cmocka_unit_test(unusable_files_are_refused),
    };
    curl_global_init(CURL_GLOBAL_ALL);
    return cmocka_run_group_tests(tests, prepare, NULL);
}
