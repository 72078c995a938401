/* OTLP/gRPC over TLS, with certificates made by the openssl command (skipped without it). */
#include "grpc/grpc_test.h"

#include "grpc/credentials.h"

/* An authority, a server "localhost", a client; and another authority that nobody trusts. */
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
    "done\n";

static cleat__pem server_pem; /* with the authority that clients are to be of */

static int make_certificates(void **state)
{
    (void)state;
    FILE *file = fopen("make.sh", "w");
    if (file == NULL) {
        return -1;
    }
    fputs(script, file);
    fclose(file);
    if (system("sh make.sh >make.log 2>&1 || { cat make.log; exit 1; }") != 0) {
        return -1;
    }
    return cleat__pem_read(&server_pem, "ca.pem", "server.pem", "server.key") == CLEAT_OK ? 0 : -1;
}

static int drop_certificates(void **state)
{
    (void)state;
    cleat__pem_deinit(&server_pem);
    return 0;
}

static grpc_sink *start_sink(bool wants_client_certificate)
{
    const grpc_sink_tls tls = {server_pem.certificate, server_pem.key,
                               wants_client_certificate ? server_pem.authorities : NULL};
    return grpc_sink_start(&tls, 0);
}

static void test_a_server_that_the_authority_vouches_for(void **state)
{
    (void)state;
    grpc_sink *sink = start_sink(false);
    cleat_span_exporter *exporter = EXPORTER_FOR(sink, .certificate_file = "ca.pem");
    assert_int_equal(export_some(exporter, 3), CLEAT_OK);
    assert_int_equal(grpc_sink_span_count(sink, 0), 3);
    exporter->free(exporter);
    grpc_sink_stop(sink);
}

static void assert_refused(grpc_sink *sink, cleat_otlp_exporter_options options)
{
    options.max_attempts = 1;
    cleat_span_exporter *exporter = exporter_for(sink, options);
    assert_int_equal(export_some(exporter, 1), CLEAT_UNAVAILABLE);
    assert_error_has("is http:// or https:// right?");
    assert_int_equal(grpc_sink_count(sink), 0);
    exporter->free(exporter);
}

static void test_another_authority(void **state)
{
    (void)state;
    grpc_sink *sink = start_sink(false);
    assert_refused(sink, (cleat_otlp_exporter_options){.certificate_file = "other.pem"});
    assert_error_has("certificate verify failed");
    assert_refused(sink, (cleat_otlp_exporter_options){.certificate_file = NULL});
    grpc_sink_stop(sink);
}

static void test_another_host_name(void **state)
{
    (void)state;
    grpc_sink *sink = start_sink(false);
    char endpoint[64];
    snprintf(endpoint, sizeof(endpoint), "https://127.0.0.1:%d", grpc_sink_port(sink));
    assert_refused(sink, (cleat_otlp_exporter_options){.endpoint = endpoint, .certificate_file = "ca.pem"});
    grpc_sink_stop(sink);
}

static void test_plain_text_to_a_tls_server(void **state)
{
    (void)state;
    grpc_sink *sink = start_sink(false);
    char endpoint[64];
    snprintf(endpoint, sizeof(endpoint), "http://localhost:%d", grpc_sink_port(sink));
    assert_refused(sink, (cleat_otlp_exporter_options){.endpoint = endpoint});
    grpc_sink_stop(sink);
}

static void test_client_certificate(void **state)
{
    (void)state;
    grpc_sink *sink = start_sink(true);
    cleat_span_exporter *exporter =
        EXPORTER_FOR(sink, .certificate_file = "ca.pem", .client_certificate_file = "client.pem",
                     .client_key_file = "client.key");
    assert_int_equal(export_some(exporter, 1), CLEAT_OK);
    exporter->free(exporter);
    grpc_sink_stop(sink);
}

static void test_no_client_certificate_where_one_is_needed(void **state)
{
    (void)state;
    grpc_sink *sink = start_sink(true);
    assert_refused(sink, (cleat_otlp_exporter_options){.certificate_file = "ca.pem"});
    grpc_sink_stop(sink);
}

/* ---- Files ---- */

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void test_files_that_are_none(void **state)
{
    (void)state;
    cleat_span_exporter *exporter = NULL;
    write_file("text.pem", "hello\n");
    assert_int_equal(
        cleat_otlp_grpc_exporter_new(
            CLEAT_OTLP_EXPORTER_OPTIONS(.endpoint = "https://localhost:1", .certificate_file = "text.pem"),
            &exporter),
        CLEAT_INVALID_ARGUMENT);
    assert_error_has("text.pem holds no PEM block");
    assert_null(exporter);
    assert_int_equal(
        cleat_otlp_grpc_exporter_new(
            CLEAT_OTLP_EXPORTER_OPTIONS(.endpoint = "https://localhost:1", .certificate_file = "missing.pem"),
            &exporter),
        CLEAT_INVALID_ARGUMENT);
    assert_error_has("missing.pem");
    cleat__pem pem;
    assert_int_equal(cleat__pem_read(&pem, NULL, NULL, "missing.key"), CLEAT_INVALID_ARGUMENT);
    assert_error_has("missing.key");
    assert_int_equal(cleat__pem_read(&pem, "/dev/zero", NULL, NULL), CLEAT_INVALID_ARGUMENT);
    assert_error_has("too large");
}

/* Only gRPC sees that, when it starts. */
static void test_a_damaged_certificate(void **state)
{
    (void)state;
    write_file("damaged.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    cleat_span_exporter *exporter = EXPORTER_FOR(NULL, .endpoint = "https://localhost:1",
                                                 .certificate_file = "damaged.pem", .max_attempts = 1);
    assert_int_not_equal(export_some(exporter, 1), CLEAT_OK);
    exporter->free(exporter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_server_that_the_authority_vouches_for),
        cmocka_unit_test(test_another_authority),
        cmocka_unit_test(test_another_host_name),
        cmocka_unit_test(test_plain_text_to_a_tls_server),
        cmocka_unit_test(test_client_certificate),
        cmocka_unit_test(test_no_client_certificate_where_one_is_needed),
        cmocka_unit_test(test_files_that_are_none),
        cmocka_unit_test(test_a_damaged_certificate),
    };
    if (system("command -v openssl >openssl.txt") != 0) {
        return 77;
    }
    return cmocka_run_group_tests(tests, make_certificates, drop_certificates);
}
