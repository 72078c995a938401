/* The transport over TLS, with certificates made by the openssl command (skipped without it). */
#include "transport/grpc_test.h"

#include <stdio.h>

/* An authority with a server "localhost" and a client, and another authority. */
static const char script[] =
    "set -e\n"
    "key='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'\n"
    "for ca in ca other; do\n"
    "    openssl req -x509 $key -days 2 -subj /CN=cleat-$ca -keyout $ca.key -out $ca.pem\n"
    "done\n"
    "echo 'subjectAltName=DNS:localhost' >names\n"
    "for name in server client; do\n"
    "    openssl req $key -subj /CN=$name -keyout $name.key -out $name.csr\n"
    "    openssl x509 -req -in $name.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \\\n"
    "        -extfile names -out $name.pem\n"
    "done\n"
    "echo hello >text.pem\n";

static int make_certificates(void **state)
{
    (void)state;
    FILE *file = fopen("make.sh", "w");
    if (file == NULL) {
        return -1;
    }
    fputs(script, file);
    fclose(file);
    return system("sh make.sh >make.log 2>&1 || { cat make.log; exit 1; }") == 0 ? 0 : -1;
}

static const mock_options tls = {.certificate_file = "server.pem", .key_file = "server.key"};
static const mock_options mutual = {
    .certificate_file = "server.pem", .key_file = "server.key", .client_authorities_file = "ca.pem"};

/* A client with these options, which need no address and no token. */
static cleat_status connect_to(mock_engine *engine, cleat_client_options options)
{
    cleat__remote_settings settings;
    cleat__transport *transport = NULL;
    options.token = engine->token;
    options.host_port = cleat__rpc_server_address(engine->server);
    cleat_status status = cleat__remote_settings_read(&options, &settings);
    if (status != CLEAT_OK) {
        return status;
    }
    settings.connect_timeout_ms = 20;
    settings.greeting_ms = 300000; /* of a busy machine */
    settings.reconnect_ms = settings.retry_ms = 1;
    status = cleat__transport_grpc_new(&settings, &transport);
    if (status == CLEAT_OK) {
        transport->free(transport);
    }
    return status;
}

static void test_tls(void **state)
{
    mock_engine engine;
    (void)state;
    mock_start(&engine, tls);
    assert_ok(connect_to(&engine, (cleat_client_options){.struct_size = sizeof(cleat_client_options),
                                                         .tls_root_ca_file = "ca.pem",
                                                         .tls_server_name = "localhost"}));
    assert_refused(connect_to(&engine, (cleat_client_options){.struct_size = sizeof(cleat_client_options),
                                                              .tls_root_ca_file = "other.pem",
                                                              .tls_server_name = "localhost"}),
                   CLEAT_UNAVAILABLE, "cannot reach the server");
    assert_refused(connect_to(&engine, (cleat_client_options){.struct_size = sizeof(cleat_client_options),
                                                              .tls_root_ca_file = "ca.pem",
                                                              .tls_server_name = "elsewhere"}),
                   CLEAT_UNAVAILABLE, "cannot reach the server");
    assert_refused(connect_to(&engine, (cleat_client_options){.struct_size = sizeof(cleat_client_options),
                                                              .tls_strategy = "none"}),
                   CLEAT_UNAVAILABLE, "cannot reach the server");
    mock_stop(&engine);
}

static void test_a_server_without_tls_says_what_to_set(void **state)
{
    mock_engine engine;
    (void)state;
    mock_start(&engine, (mock_options){.certificate_file = NULL});
    assert_refused(connect_to(&engine, (cleat_client_options){.struct_size = sizeof(cleat_client_options),
                                                              .tls_root_ca_file = "ca.pem"}),
                   CLEAT_UNAVAILABLE, "it speaks no TLS: set HATCHET_CLIENT_TLS_STRATEGY=none");
    mock_stop(&engine);
}

static void test_mutual_tls(void **state)
{
    mock_engine engine;
    (void)state;
    mock_start(&engine, mutual);
    assert_ok(connect_to(&engine, (cleat_client_options){.struct_size = sizeof(cleat_client_options),
                                                         .tls_strategy = "mtls",
                                                         .tls_root_ca_file = "ca.pem",
                                                         .tls_cert_file = "client.pem",
                                                         .tls_key_file = "client.key",
                                                         .tls_server_name = "localhost"}));
    assert_refused(connect_to(&engine, (cleat_client_options){.struct_size = sizeof(cleat_client_options),
                                                              .tls_strategy = "tls", /* shows none */
                                                              .tls_root_ca_file = "ca.pem",
                                                              .tls_cert_file = "client.pem",
                                                              .tls_key_file = "client.key",
                                                              .tls_server_name = "localhost"}),
                   CLEAT_UNAVAILABLE, "cannot reach the server");
    mock_stop(&engine);
}

static void test_files_that_are_wrong(void **state)
{
    mock_engine engine;
    (void)state;
    mock_start(&engine, tls);
    assert_refused(connect_to(&engine, (cleat_client_options){.struct_size = sizeof(cleat_client_options),
                                                              .tls_root_ca_file = "none.pem"}),
                   CLEAT_INVALID_ARGUMENT, "none.pem");
    assert_refused(connect_to(&engine, (cleat_client_options){.struct_size = sizeof(cleat_client_options),
                                                              .tls_root_ca_file = "text.pem"}),
                   CLEAT_INVALID_ARGUMENT, "text.pem");
    mock_stop(&engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tls),
        cmocka_unit_test(test_a_server_without_tls_says_what_to_set),
        cmocka_unit_test(test_mutual_tls),
        cmocka_unit_test(test_files_that_are_wrong),
    };
    if (system("command -v openssl >openssl.txt") != 0) {
        return 77;
    }
    return cmocka_run_group_tests(tests, make_certificates, NULL);
}
