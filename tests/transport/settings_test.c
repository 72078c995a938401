/* Where a client's engine is: options before variables before the token. */
#include "transport/settings.h"

#include "base/clock.h"
#include "base/error.h"
#include "support/mock_engine.h"
#include "support/raw_token.h"
#include "support/failing_allocator.h"

#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

static char *token;

static int set_up(void **state)
{
    static const char *const names[] = {
        "TOKEN",
        "HOST_PORT",
        "TLS_STRATEGY",
        "TLS_CERT_FILE",
        "TLS_KEY_FILE",
        "TLS_ROOT_CA_FILE",
        "TLS_SERVER_NAME",
        "NAMESPACE",
        "API_URL",
        "SERVER_URL",
        "TENANT_ID",
        "GRPC_MAX_RECV_MESSAGE_LENGTH",
        "GRPC_MAX_SEND_MESSAGE_LENGTH",
    };
    char name[64];
    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(name, sizeof(name), "HATCHET_CLIENT_%s", names[i]);
        (void)unsetenv(name);
    }
    (void)unsetenv("CLEAT_DB");
    token = mock_token("engine.example:7077");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(token);
    return 0;
}

static void set(const char *name, const char *value)
{
    assert_int_equal(setenv(name, value, 1), 0);
}

static cleat__remote_settings read_settings(const cleat_client_options *options)
{
    cleat__remote_settings settings;
    if (cleat__remote_settings_read(options, &settings) != CLEAT_OK) {
        fail_msg("%s", cleat_error_message());
    }
    return settings;
}

static void assert_refused(const cleat_client_options *options, const char *part, const char *other_part)
{
    cleat__remote_settings settings;
    assert_int_equal(cleat__remote_settings_read(options, &settings), CLEAT_INVALID_ARGUMENT);
    if (strstr(cleat_error_message(), part) == NULL || strstr(cleat_error_message(), other_part) == NULL) {
        fail_msg("\"%s\" does not hold \"%s\" and \"%s\"", cleat_error_message(), part, other_part);
    }
    assert_null(strstr(cleat_error_message(), token));
}

#define NOTHING CLEAT_CLIENT_OPTIONS(.token = NULL)

static void test_a_token_decides(void **state)
{
    (void)state;
    assert_false(cleat__remote_is_configured(NOTHING));
    assert_true(cleat__remote_is_configured(CLEAT_CLIENT_OPTIONS(.token = token)));
    set("CLEAT_DB", "x.db");
    set("HATCHET_CLIENT_TOKEN", token);
    assert_true(cleat__remote_is_configured(NOTHING));
    assert_false(cleat__remote_is_configured(CLEAT_CLIENT_OPTIONS(.database = "y.db")));
    set("HATCHET_CLIENT_TOKEN", "  ");
    assert_false(cleat__remote_is_configured(NOTHING));
}

/* An engine in the process would be the wrong one. */
static void test_a_server_without_a_token_is_refused(void **state)
{
    (void)state;
    assert_int_equal(cleat__remote_check_choice(NOTHING), CLEAT_OK);
    set("HATCHET_CLIENT_HOST_PORT", "127.0.0.1:7077");
    assert_int_equal(cleat__remote_check_choice(NOTHING), CLEAT_INVALID_ARGUMENT);
    assert_non_null(strstr(cleat_error_message(), "HATCHET_CLIENT_TOKEN"));
    assert_int_equal(cleat__remote_check_choice(CLEAT_CLIENT_OPTIONS(.database = "y.db")), CLEAT_OK);
    set("HATCHET_CLIENT_TOKEN", token);
    assert_int_equal(cleat__remote_check_choice(NOTHING), CLEAT_OK);
    (void)unsetenv("HATCHET_CLIENT_TOKEN");
    (void)unsetenv("HATCHET_CLIENT_HOST_PORT");
    assert_int_equal(cleat__remote_check_choice(CLEAT_CLIENT_OPTIONS(.host_port = "h:1")),
                     CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat__remote_check_choice(CLEAT_CLIENT_OPTIONS(.host_port = "h:1", .token = token)),
                     CLEAT_OK);
}

static void test_the_token_says_the_rest(void **state)
{
    (void)state;
    set("HATCHET_CLIENT_TOKEN", token);
    cleat__remote_settings settings = read_settings(NOTHING);
    assert_string_equal(settings.token, token);
    assert_string_equal(settings.address, "engine.example:7077");
    assert_int_equal(settings.tls, CLEAT__TLS);
    assert_string_equal(settings.prefix, "");
    assert_null(settings.authorities_file);
    assert_int_equal(settings.max_send_size, 4194304);
    assert_int_equal(settings.max_receive_size, 4194304);
    assert_int_equal(settings.connect_timeout_ms, 30000);
    assert_int_equal(settings.heartbeat_ms, 4000);
    cleat__remote_settings_deinit(&settings);
}

static void test_variables_before_the_token(void **state)
{
    (void)state;
    set("HATCHET_CLIENT_TOKEN", token);
    set("HATCHET_CLIENT_HOST_PORT", "other:1");
    set("HATCHET_CLIENT_TLS_STRATEGY", "MTLS");
    set("HATCHET_CLIENT_TLS_CERT_FILE", "c.pem");
    set("HATCHET_CLIENT_TLS_KEY_FILE", "c.key");
    set("HATCHET_CLIENT_TLS_ROOT_CA_FILE", "ca.pem");
    set("HATCHET_CLIENT_TLS_SERVER_NAME", "inside");
    set("HATCHET_CLIENT_NAMESPACE", "Acme");
    set("HATCHET_CLIENT_GRPC_MAX_SEND_MESSAGE_LENGTH", "1048576");
    set("HATCHET_CLIENT_GRPC_MAX_RECV_MESSAGE_LENGTH", "8388608");
    cleat__remote_settings settings = read_settings(NOTHING);
    assert_string_equal(settings.address, "other:1");
    assert_int_equal(settings.tls, CLEAT__TLS_MUTUAL);
    assert_string_equal(settings.certificate_file, "c.pem");
    assert_string_equal(settings.key_file, "c.key");
    assert_string_equal(settings.authorities_file, "ca.pem");
    assert_string_equal(settings.server_name, "inside");
    assert_string_equal(settings.prefix, "acme_");
    assert_int_equal(settings.max_send_size, 1048576);
    assert_int_equal(settings.max_receive_size, 8388608);
    cleat__remote_settings_deinit(&settings);
}

static void test_options_before_variables(void **state)
{
    (void)state;
    set("HATCHET_CLIENT_TOKEN", "nonsense");
    set("HATCHET_CLIENT_HOST_PORT", "nonsense");
    set("HATCHET_CLIENT_TLS_STRATEGY", "nonsense");
    set("HATCHET_CLIENT_NAMESPACE", "n@nsense");
    set("HATCHET_CLIENT_GRPC_MAX_SEND_MESSAGE_LENGTH", "nonsense");
    set("HATCHET_CLIENT_GRPC_MAX_RECV_MESSAGE_LENGTH", "nonsense");
    cleat__remote_settings settings =
        read_settings(CLEAT_CLIENT_OPTIONS(.token = token, .host_port = "[::1]:7", .tls_strategy = "none",
                                           .namespace_prefix = "x_", .grpc_max_recv_message_length = 2048,
                                           .grpc_max_send_message_length = 4096, .connect_timeout_ms = -1));
    assert_string_equal(settings.address, "[::1]:7");
    assert_int_equal(settings.tls, CLEAT__TLS_NONE);
    assert_string_equal(settings.prefix, "x_");
    assert_int_equal(settings.max_receive_size, 2048);
    assert_int_equal(settings.max_send_size, 4096);
    assert_int_equal(settings.connect_timeout_ms, -1);
    cleat__remote_settings_deinit(&settings);
}

static void test_wrong_values_are_named(void **state)
{
    (void)state;
    assert_refused(NOTHING, "HATCHET_CLIENT_TOKEN", "empty");
    assert_refused(CLEAT_CLIENT_OPTIONS(.token = "abc"), "token", "");
    set("HATCHET_CLIENT_TOKEN", token);
    set("HATCHET_CLIENT_HOST_PORT", "engine");
    assert_refused(NOTHING, "HATCHET_CLIENT_HOST_PORT", "\"engine\"");
    set("HATCHET_CLIENT_HOST_PORT", "https://engine:1");
    assert_refused(NOTHING, "HATCHET_CLIENT_HOST_PORT", "scheme");
    assert_refused(CLEAT_CLIENT_OPTIONS(.host_port = "engine:0"), "host_port", "engine:0");
    assert_refused(CLEAT_CLIENT_OPTIONS(.host_port = "engine:65536"), "host_port", "engine:65536");
    set("HATCHET_CLIENT_HOST_PORT", "engine:1");
    set("HATCHET_CLIENT_TLS_STRATEGY", "ssl");
    assert_refused(NOTHING, "HATCHET_CLIENT_TLS_STRATEGY", "\"ssl\"");
    set("HATCHET_CLIENT_TLS_STRATEGY", "mtls");
    assert_refused(NOTHING, "HATCHET_CLIENT_TLS_CERT_FILE", "HATCHET_CLIENT_TLS_KEY_FILE");
    set("HATCHET_CLIENT_TLS_STRATEGY", "none");
    set("HATCHET_CLIENT_NAMESPACE", "a b");
    assert_refused(NOTHING, "HATCHET_CLIENT_NAMESPACE", "\"a b\"");
    set("HATCHET_CLIENT_NAMESPACE", "");
    set("HATCHET_CLIENT_GRPC_MAX_RECV_MESSAGE_LENGTH", "4MB");
    assert_refused(NOTHING, "HATCHET_CLIENT_GRPC_MAX_RECV_MESSAGE_LENGTH", "\"4MB\"");
    set("HATCHET_CLIENT_GRPC_MAX_RECV_MESSAGE_LENGTH", "99999999999999999999");
    assert_refused(NOTHING, "HATCHET_CLIENT_GRPC_MAX_RECV_MESSAGE_LENGTH", "99999999999999999999");
    (void)unsetenv("HATCHET_CLIENT_GRPC_MAX_RECV_MESSAGE_LENGTH");
    assert_refused(CLEAT_CLIENT_OPTIONS(.grpc_max_send_message_length = 1), "grpc_max_send_message_length",
                   "1");
}

/* A token with this claim besides those of every one. */
static char *token_with_url(const char *url)
{
    char payload[256];
    snprintf(payload, sizeof(payload),
             "{\"sub\":\"01890000-0000-7000-8000-0000000000fe\",\"grpc_broadcast_address\":\"a:1\","
             "\"server_url\":\"%s\"}",
             url);
    return raw_token_join("{\"alg\":\"ES256\"}", payload, "signature", 9);
}

static void assert_api(const cleat_client_options *options, const char *url, const char *tenant)
{
    cleat__remote_settings settings = read_settings(options);
    if (url == NULL) {
        assert_null(settings.api_url);
    } else {
        assert_non_null(settings.api_url);
        assert_string_equal(settings.api_url, url);
    }
    assert_string_equal(settings.tenant_id, tenant);
    cleat__remote_settings_deinit(&settings);
}

static void test_the_http_side(void **state)
{
    static const char own[] = "01890000-0000-7000-8000-0000000000fe";
    static const char other[] = "01890000-0000-7000-8000-0000000000fd";
    char *with = token_with_url("https://engine.example:8733/"), *odd = token_with_url("engine.example");
    (void)state;
    assert_api(CLEAT_CLIENT_OPTIONS(.token = token), NULL, "01890000-0000-7000-8000-0000000000ff");
    assert_api(CLEAT_CLIENT_OPTIONS(.token = odd), NULL, own); /* most programs never need it */
    assert_api(CLEAT_CLIENT_OPTIONS(.token = with), "https://engine.example:8733", own);
    set("HATCHET_CLIENT_SERVER_URL", "http://one:1");
    set("HATCHET_CLIENT_TENANT_ID", other);
    assert_api(CLEAT_CLIENT_OPTIONS(.token = with), "http://one:1", other);
    set("HATCHET_CLIENT_API_URL", "http://two:2//");
    assert_api(CLEAT_CLIENT_OPTIONS(.token = with), "http://two:2", other);
    assert_api(CLEAT_CLIENT_OPTIONS(.token = with, .api_url = "http://three:3"), "http://three:3", other);
    assert_refused(CLEAT_CLIENT_OPTIONS(.token = with, .api_url = "three:3"), "api_url", "three:3");
    set("HATCHET_CLIENT_API_URL", "ftp://two");
    assert_refused(CLEAT_CLIENT_OPTIONS(.token = with), "HATCHET_CLIENT_API_URL", "ftp://two");
    set("HATCHET_CLIENT_TENANT_ID", "me");
    assert_refused(CLEAT_CLIENT_OPTIONS(.token = with), "HATCHET_CLIENT_TENANT_ID", "me");
    free(with);
    free(odd);
}

static void test_a_token_without_an_address(void **state)
{
    (void)state;
    char *bare = raw_token_join("{}", "{}", "signature", 9);
    set("HATCHET_CLIENT_TOKEN", bare);
    assert_refused(NOTHING, "HATCHET_CLIENT_HOST_PORT", "token");
    free(bare);
}

static void test_file_and_server_at_once(void **state)
{
    (void)state;
    cleat_client *client = NULL;
    assert_int_equal(cleat_client_new(CLEAT_CLIENT_OPTIONS(.token = token, .database = "x.db"), &client),
                     CLEAT_INVALID_ARGUMENT);
    assert_non_null(strstr(cleat_error_message(), "database and token"));
    assert_null(client);
}

static void keep_message(void *user_data, cleat_log_level level, const char *message)
{
    (void)level;
    snprintf(user_data, 200, "%s", message);
}

static const char *warning_of(int64_t expires_at_s)
{
    static char message[200];
    char payload[200];
    snprintf(payload, sizeof(payload), "{\"grpc_broadcast_address\":\"a:1\",\"exp\":%lld}",
             (long long)expires_at_s);
    char *dated = raw_token_join("{\"alg\":\"ES256\"}", payload, "signature", 9);
    message[0] = '\0';
    cleat_log_set_handler(keep_message, message, CLEAT_LOG_WARN);
    cleat__remote_settings settings = read_settings(CLEAT_CLIENT_OPTIONS(.token = dated));
    cleat_log_set_handler(NULL, NULL, CLEAT_LOG_WARN);
    cleat__remote_settings_deinit(&settings);
    free(dated);
    return message;
}

static void test_a_token_that_has_expired(void **state)
{
    (void)state;
    int64_t now_s = cleat__clock_unix_ns(NULL) / CLEAT__NS_PER_S;
    assert_string_equal(warning_of(now_s + 3600), "");
    assert_string_equal(warning_of(now_s - 7300), "token expired 2 hours ago: the server will not accept it");
}

static void assert_name(const char *prefix, const char *name, const char *expected)
{
    cleat__remote_settings settings =
        read_settings(CLEAT_CLIENT_OPTIONS(.token = token, .namespace_prefix = prefix));
    cleat__buffer out = {0};
    cleat__remote_name(&settings, cleat_slice_of(name), &out);
    assert_true(cleat_slice_equals(cleat__buffer_slice(&out), cleat_slice_of(expected)));
    cleat__buffer_deinit(&out);
    cleat__remote_settings_deinit(&settings);
}

static void test_names(void **state)
{
    (void)state;
    assert_name(NULL, "Pack.Files", "pack.files");
    assert_name("acme", "pack", "acme_pack");
    assert_name("ACME_", "Pack", "acme_pack");
    assert_name("acme", "acme_pack", "acme_pack");
    assert_name("acme", "Acme_pack", "acme_pack");
    assert_name("acme", "acm", "acme_acm");
}

static void assert_key(const char *key, const char *expected)
{
    cleat__remote_settings settings =
        read_settings(CLEAT_CLIENT_OPTIONS(.token = token, .namespace_prefix = "acme"));
    cleat__buffer out = {0};
    cleat__remote_key(&settings, cleat_slice_of(key), &out);
    assert_true(cleat_slice_equals(cleat__buffer_slice(&out), cleat_slice_of(expected)));
    cleat__buffer_deinit(&out);
    cleat__remote_settings_deinit(&settings);
}

static void test_keys_keep_their_case(void **state)
{
    (void)state;
    assert_key("Order:Sent", "acme_Order:Sent");
    assert_key("acme_Order", "acme_Order");
    assert_key("ac", "acme_ac");
}

static void test_without_memory(void **state)
{
    (void)state;
    failing_allocator memory;
    cleat_status status = CLEAT_NO_MEMORY;
    const cleat_client_options options =
        *CLEAT_CLIENT_OPTIONS(.token = token, .tls_strategy = "mtls", .tls_cert_file = "c",
                              .tls_key_file = "k", .tls_root_ca_file = "a", .tls_server_name = "n",
                              .namespace_prefix = "acme");
    int blocks = 0;
    for (; status == CLEAT_NO_MEMORY; blocks++) {
        cleat__remote_settings settings;
        failing_allocator_install(&memory, (size_t)blocks + 1);
        status = cleat__remote_settings_read(&options, &settings);
        if (status == CLEAT_OK) {
            cleat__remote_settings_deinit(&settings);
        }
        cleat_set_allocator(NULL);
        assert_int_equal(memory.live, 0);
    }
    assert_int_equal(status, CLEAT_OK);
    assert_true(blocks > 7);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_token_decides),
        TEST(test_a_token_that_has_expired),
        TEST(test_a_server_without_a_token_is_refused),
        TEST(test_the_token_says_the_rest),
        TEST(test_variables_before_the_token),
        TEST(test_options_before_variables),
        TEST(test_wrong_values_are_named),
        TEST(test_the_http_side),
        TEST(test_a_token_without_an_address),
        TEST(test_file_and_server_at_once),
        TEST(test_names),
        TEST(test_keys_keep_their_case),
        TEST(test_without_memory),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
