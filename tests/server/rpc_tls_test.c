/* The gRPC server over TLS, with certificates made by the openssl command (skipped without it). */
#include "server/rpc_test.h"

/* Two authorities, a server "localhost" and a client of the first, a client of the other. */
static const char script[] =
    "set -e\n"
    "key='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'\n"
    "for ca in ca other; do\n"
    "    openssl req -x509 $key -days 2 -subj /CN=cleat-$ca -keyout $ca.key -out $ca.pem\n"
    "done\n"
    "echo 'subjectAltName=DNS:localhost' >names\n"
    "for name in server client stranger; do\n"
    "    ca=ca; [ $name != stranger ] || ca=other\n"
    "    openssl req $key -subj /CN=$name -keyout $name.key -out $name.csr\n"
    "    openssl x509 -req -in $name.csr -CA $ca.pem -CAkey $ca.key -CAcreateserial -days 2 \\\n"
    "        -extfile names -out $name.pem\n"
    "done\n"
    "echo hello >text.pem\n"
    "printf -- '-----BEGIN CERTIFICATE-----\\nAAAA\\n-----END CERTIFICATE-----\\n' >damaged.pem\n";

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

static const cleat__rpc_options tls = {.certificate_file = "server.pem", .key_file = "server.key"};
static const cleat__rpc_options mtls = {
    .certificate_file = "server.pem", .key_file = "server.key", .client_authorities_file = "ca.pem"};

/* A call by a client with these files; NULL: none of the kind. */
static rpc_result call_with(const test_server *server, const char *authorities, const char *certificate,
                            const char *key)
{
    cleat__pem pem;
    assert_int_equal(cleat__pem_read(&pem, authorities, certificate, key), CLEAT_OK);
    rpc_client *client = rpc_client_new(cleat__rpc_server_address(server->server),
                                        (rpc_client_options){.pem = &pem, .server_name = "localhost"});
    rpc_result result = rpc_call(client, "/test.Test/Bytes", cleat_slice_of("abc"), NO_OPTIONS);
    rpc_client_free(client);
    cleat__pem_deinit(&pem);
    return result;
}

static void assert_unavailable(rpc_result result)
{
    assert_int_equal(result.code, GRPC_STATUS_UNAVAILABLE);
    rpc_result_deinit(&result);
}

static void test_tls(void **state)
{
    test_server server;
    (void)state;
    server_start(&server, tls);
    assert_answered(call_with(&server, "ca.pem", NULL, NULL), cleat_slice_of("abc"));
    assert_answered(call_with(&server, "ca.pem", "stranger.pem", "stranger.key"), cleat_slice_of("abc"));
    assert_unavailable(call_with(&server, "other.pem", NULL, NULL));
    /* In plain text. */
    assert_unavailable(rpc_call(server.client, "/test.Test/Bytes", cleat_slice_of("abc"), NO_OPTIONS));
    assert_int_equal(gate_count(&server.service.ended), 2);
    server_stop(&server);
}

static void test_mutual_tls(void **state)
{
    test_server server;
    (void)state;
    server_start(&server, mtls);
    assert_answered(call_with(&server, "ca.pem", "client.pem", "client.key"), cleat_slice_of("abc"));
    assert_unavailable(call_with(&server, "ca.pem", NULL, NULL));
    assert_unavailable(call_with(&server, "ca.pem", "stranger.pem", "stranger.key"));
    assert_int_equal(gate_count(&server.service.ended), 1);
    server_stop(&server);
}

static void test_tls_to_a_server_in_plain_text(void **state)
{
    test_server server;
    (void)state;
    server_start(&server, (cleat__rpc_options){0});
    assert_unavailable(call_with(&server, "ca.pem", NULL, NULL));
    assert_answered(rpc_call(server.client, "/test.Test/Bytes", cleat_slice_of("abc"), NO_OPTIONS),
                    cleat_slice_of("abc"));
    server_stop(&server);
}

static void assert_no_start(cleat__rpc_options options, const char *part)
{
    test_server server = {0};
    assert_int_equal(server_try(&server, options), CLEAT_INVALID_ARGUMENT);
    assert_error_has(part);
}

static void test_files_that_are_wrong(void **state)
{
    (void)state;
    assert_no_start((cleat__rpc_options){.certificate_file = "none.pem", .key_file = "server.key"},
                    "cannot open none.pem: No such file");
    assert_no_start((cleat__rpc_options){.certificate_file = "server.pem", .key_file = "none.key"},
                    "cannot open none.key: No such file");
    assert_no_start((cleat__rpc_options){.certificate_file = "text.pem", .key_file = "server.key"},
                    "text.pem holds no PEM block");
    assert_no_start((cleat__rpc_options){.certificate_file = "damaged.pem", .key_file = "server.key"},
                    "certificate damaged.pem with the key server.key");
    assert_no_start((cleat__rpc_options){.certificate_file = "server.pem", .key_file = "client.key"},
                    "certificate server.pem with the key client.key");
    assert_no_start((cleat__rpc_options){.certificate_file = "server.pem",
                                         .key_file = "server.key",
                                         .client_authorities_file = "damaged.pem"},
                    "and the authorities damaged.pem");
}

static void test_half_of_the_files(void **state)
{
    (void)state;
    assert_no_start((cleat__rpc_options){.certificate_file = "server.pem"}, "there is no key");
    assert_no_start((cleat__rpc_options){.key_file = "server.key"}, "there is no certificate");
    assert_no_start((cleat__rpc_options){.client_authorities_file = "ca.pem"}, "ca.pem");
}

static void test_the_address_is_in_use(void **state)
{
    test_server server, other = {0};
    (void)state;
    server_start(&server, tls);
    cleat__rpc_options options = tls;
    options.address = cleat__rpc_server_address(server.server);
    assert_int_equal(server_try(&other, options), CLEAT_BUSY);
    assert_error_has(options.address);
    server_stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tls),
        cmocka_unit_test(test_mutual_tls),
        cmocka_unit_test(test_tls_to_a_server_in_plain_text),
        cmocka_unit_test(test_files_that_are_wrong),
        cmocka_unit_test(test_half_of_the_files),
        cmocka_unit_test(test_the_address_is_in_use),
    };
    if (system("command -v openssl >openssl.txt") != 0) {
        return 77;
    }
    return cmocka_run_group_tests(tests, make_certificates, NULL);
}
