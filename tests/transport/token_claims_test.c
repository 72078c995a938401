/* A client reads what its token says. */
#include "base/base_test.h"

#include "support/raw_token.h"
#include "transport/token_claims.h"

static cleat_status read_payload(const char *payload, cleat__token_claims *claims)
{
    char *token = raw_token_join("{\"alg\":\"ES256\",\"kid\":\"1\"}", payload, "signature", 9);
    assert_non_null(token);
    cleat_status status = cleat__token_claims_read(cleat_slice_of(token), claims);
    free(token);
    return status;
}

static void test_claims(void **state)
{
    (void)state;
    cleat__token_claims claims;
    assert_int_equal(read_payload("{\"sub\":\"707d0855-80ab-4e1f-a156-f1c4546cbf52\",\"exp\":1800000000,"
                                  "\"server_url\":\"https://h:1\",\"grpc_broadcast_address\":\"h:2\","
                                  "\"aud\":[1],\"other\":{\"a\":[]}}",
                                  &claims),
                     CLEAT_OK);
    assert_string_equal(claims.tenant_id, "707d0855-80ab-4e1f-a156-f1c4546cbf52");
    assert_string_equal(claims.server_url, "https://h:1");
    assert_string_equal(claims.grpc_address, "h:2");
    assert_int_equal(claims.expires_at_s, 1800000000);
    cleat__token_claims_deinit(&claims);
    assert_null(claims.tenant_id);
}

static void test_claims_that_are_not_there(void **state)
{
    (void)state;
    cleat__token_claims claims;
    assert_int_equal(read_payload("{\"sub\":null,\"exp\":1800000000.75}", &claims), CLEAT_OK);
    assert_null(claims.tenant_id);
    assert_null(claims.server_url);
    assert_null(claims.grpc_address);
    assert_int_equal(claims.expires_at_s, 1800000000);
    cleat__token_claims_deinit(&claims);
    assert_int_equal(read_payload("{}", &claims), CLEAT_OK);
    assert_int_equal(claims.expires_at_s, 0);
}

static void test_wrong_claims(void **state)
{
    (void)state;
    static const struct {
        const char *payload, *message;
    } cases[] = {
        {"[]", "not a JSON object"},
        {"", "not a JSON object"},
        {"{\"sub\":\"a\",\"sub\":\"b\"}", "not a JSON object"},
        {"{\"sub\":\"tenant\"}", "claim sub, the tenant, is no UUID"},
        {"{\"sub\":1}", "claim sub is no text"},
        {"{\"server_url\":\"\"}", "claim server_url is no text"},
        {"{\"server_url\":\"u\",\"grpc_broadcast_address\":[]}", "claim grpc_broadcast_address is no text"},
        {"{\"server_url\":\"u\\u0000\"}", "not a JSON object"},
        {"{\"exp\":\"soon\"}", "claim exp is no time"},
        {"{\"exp\":-1}", "claim exp is no time"},
        {"{\"exp\":1e300}", "claim exp is no time"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cleat__token_claims claims;
        assert_int_equal(read_payload(cases[i].payload, &claims), CLEAT_INVALID_ARGUMENT);
        if (strstr(cleat_error_message(), cases[i].message) == NULL) {
            fail_msg("message: %s", cleat_error_message());
        }
        assert_null(claims.server_url);
    }
}

/* The sentence says what to do, and never holds the token. */
static void test_no_tokens(void **state)
{
    (void)state;
    static const struct {
        const char *token, *message;
    } cases[] = {
        {"", "is empty; `cleat token create` makes one"},
        {NULL, "is empty"},
        {"secret", "not three parts"},
        {"secret.e30", "not three parts"},
        {"secret.e30.c.d", "not three parts"},
        {"secret.e30.", "OK"},
        {".e30.", "OK"},
        {"secret.e3.c", "not base64url"},
        {"secret.e30=.c", "not base64url"},
        {"secret.e 30.c", "not base64url"},
        {"sec\nret.e30.c", "not base64url"},
        {"secret.e30.c\nd", "not base64url"},
        {"secret.e30.c\xC3\xA4", "not base64url"},
        {"secret..c", "not a JSON object"},
        {" secret.e30.c", "blanks or line ends"},
        {"secret.e30.c\n", "blanks or line ends"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cleat__token_claims claims;
        bool is_good = strcmp(cases[i].message, "OK") == 0;
        cleat_status status = cleat__token_claims_read(cleat_slice_of(cases[i].token), &claims);
        assert_int_equal(status, is_good ? CLEAT_OK : CLEAT_INVALID_ARGUMENT);
        if (!is_good && (strstr(cleat_error_message(), cases[i].message) == NULL ||
                         strstr(cleat_error_message(), "secret") != NULL)) {
            fail_msg("message: %s", cleat_error_message());
        }
    }
    char *large = malloc(20000);
    memset(large, '.', 20000);
    cleat__token_claims claims;
    assert_int_equal(cleat__token_claims_read((cleat_slice){large, 20000}, &claims), CLEAT_INVALID_ARGUMENT);
    assert_non_null(strstr(cleat_error_message(), "20000 bytes"));
    free(large);
}

/* Out of memory at any point: said so, and nothing is left. */
static void test_no_memory(void **state)
{
    (void)state;
    char *token = raw_token_join("{}",
                                 "{\"sub\":\"707d0855-80ab-4e1f-a156-f1c4546cbf52\","
                                 "\"server_url\":\"u\",\"grpc_broadcast_address\":\"h:2\"}",
                                 "s", 1);
    cleat_status status = CLEAT_NO_MEMORY;
    for (size_t fail_at = 1; fail_at < 20 && status == CLEAT_NO_MEMORY; fail_at++) {
        failing_allocator allocator;
        cleat__token_claims claims;
        failing_allocator_install(&allocator, fail_at);
        status = cleat__token_claims_read(cleat_slice_of(token), &claims);
        cleat__token_claims_deinit(&claims);
        cleat_set_allocator(NULL);
        assert_int_equal(allocator.live, 0);
    }
    assert_int_equal(status, CLEAT_OK);
    free(token);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_claims),       cmocka_unit_test(test_claims_that_are_not_there),
        cmocka_unit_test(test_wrong_claims), cmocka_unit_test(test_no_tokens),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
