/* Webhooks: what may be one, who passes, and which event a request makes: tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "model/webhook.h"
#include "support/failing_allocator.h"

#include <cleat/run.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- Who passes ---- */

static const struct {
    cleat__webhook_kind kind;
    const char *name, *secret, *value; /* of the header; NULL: it has none */
    bool passes;
} keys[] = {
    /* ada:secret */
    {CLEAT__WEBHOOK_BASIC, "ada", "secret", "Basic YWRhOnNlY3JldA==", true},
    {CLEAT__WEBHOOK_BASIC, "ada", "secret", "basic  YWRhOnNlY3JldA", true},
    {CLEAT__WEBHOOK_BASIC, "ada", "secret", "Basic YWRhOnNlY3JldB==", false},
    {CLEAT__WEBHOOK_BASIC, "ada", "secret", "YWRhOnNlY3JldA==", false},
    {CLEAT__WEBHOOK_BASIC, "ada", "secret", "Basic ", false},
    {CLEAT__WEBHOOK_BASIC, "ada", "secret", "Basic", false},
    {CLEAT__WEBHOOK_BASIC, "ada", "secret", "Bearer YWRhOnNlY3JldA==", false},
    {CLEAT__WEBHOOK_BASIC, "ada", "secret", "", false},
    {CLEAT__WEBHOOK_BASIC, "ada", "secret", NULL, false},
    {CLEAT__WEBHOOK_BASIC, "bob", "secret", "Basic YWRhOnNlY3JldA==", false},
    {CLEAT__WEBHOOK_BASIC, "ada", "secrets", "Basic YWRhOnNlY3JldA==", false},
    {CLEAT__WEBHOOK_BASIC, "", "secret", "Basic OnNlY3JldA==", true},
    {CLEAT__WEBHOOK_API_KEY, "x-key", "secret", "secret", true},
    {CLEAT__WEBHOOK_API_KEY, "x-key", "secret", "Secret", false},
    {CLEAT__WEBHOOK_API_KEY, "x-key", "secret", "secre", false},
    {CLEAT__WEBHOOK_API_KEY, "x-key", "secret", "secrets", false},
    {CLEAT__WEBHOOK_API_KEY, "x-key", "secret", "", false},
    {CLEAT__WEBHOOK_API_KEY, "x-key", "secret", NULL, false},
    {CLEAT__WEBHOOK_API_KEY, "x-key", "", "", false}, /* whatever a file says */
};

static void keys_pass_or_do_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(keys); i++) {
        const cleat__webhook_auth auth = {.kind = keys[i].kind,
                                          .name = cleat_slice_of(keys[i].name),
                                          .secret = cleat_slice_of(keys[i].secret)};
        cleat_slice value = keys[i].value != NULL ? cleat_slice_of(keys[i].value) : (cleat_slice){NULL, 0};
        if (cleat__webhook_auth_passes(&auth, value, cleat_slice_of("{}")) != keys[i].passes) {
            fail_msg("case %zu: %s", i, keys[i].value);
        }
    }
}

/* The second cases of RFC 2202 and RFC 4231. */
#define RFC_KEY  "Jefe"
#define RFC_DATA "what do ya want for nothing?"
static const struct {
    cleat__webhook_algorithm algorithm;
    cleat__webhook_encoding encoding;
    const char *value;
    bool passes;
} signatures[] = {
    {CLEAT__WEBHOOK_MD5, CLEAT__WEBHOOK_HEX, "750c783e6ab0b503eaa86e310a5db738", true},
    {CLEAT__WEBHOOK_SHA1, CLEAT__WEBHOOK_HEX, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79", true},
    {CLEAT__WEBHOOK_SHA256, CLEAT__WEBHOOK_HEX,
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", true},
    {CLEAT__WEBHOOK_SHA512, CLEAT__WEBHOOK_BASE64,
     "Fkt6e/z4GeLjlfvnO1bgo4e9ZCIugx/WECcM1+olBVSXWL91wFqZSm0DT2X48Ob9yuqxo01Ka0tjbgcKOLznNw==", true},
    {CLEAT__WEBHOOK_MD5, CLEAT__WEBHOOK_BASE64, "dQx4PmqwtQPqqG4xCl23OA==", true},
    {CLEAT__WEBHOOK_SHA1, CLEAT__WEBHOOK_BASE64, "7/zfauXrL6LSdBbV8YTfnCWafHk=", true},
    {CLEAT__WEBHOOK_SHA1, CLEAT__WEBHOOK_BASE64URL, "7_zfauXrL6LSdBbV8YTfnCWafHk=", true},
    {CLEAT__WEBHOOK_SHA1, CLEAT__WEBHOOK_BASE64URL, "7_zfauXrL6LSdBbV8YTfnCWafHk", true},
    {CLEAT__WEBHOOK_SHA1, CLEAT__WEBHOOK_BASE64, "7_zfauXrL6LSdBbV8YTfnCWafHk=", false},
    {CLEAT__WEBHOOK_SHA1, CLEAT__WEBHOOK_BASE64URL, "7/zfauXrL6LSdBbV8YTfnCWafHk=", false},
    /* In capitals, and as GitHub has it. */
    {CLEAT__WEBHOOK_SHA1, CLEAT__WEBHOOK_HEX, "EFFCDF6AE5EB2FA2D27416D5F184DF9C259A7C79", true},
    {CLEAT__WEBHOOK_SHA1, CLEAT__WEBHOOK_HEX, "sha1=effcdf6ae5eb2fa2d27416d5f184df9c259a7c79", true},
    {CLEAT__WEBHOOK_SHA256, CLEAT__WEBHOOK_HEX,
     "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", true},
    {CLEAT__WEBHOOK_SHA1, CLEAT__WEBHOOK_HEX, "sha256=effcdf6ae5eb2fa2d27416d5f184df9c259a7c79", false},
    {CLEAT__WEBHOOK_SHA1, CLEAT__WEBHOOK_HEX, "sha1effcdf6ae5eb2fa2d27416d5f184df9c259a7c79", false},
    {CLEAT__WEBHOOK_SHA1, CLEAT__WEBHOOK_BASE64, "7/ZFAUXRL6LSDBBV8YTFNCWAFHK=", false},
    {CLEAT__WEBHOOK_SHA1, CLEAT__WEBHOOK_HEX, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c78", false},
    {CLEAT__WEBHOOK_SHA1, CLEAT__WEBHOOK_HEX, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c7", false},
    {CLEAT__WEBHOOK_SHA1, CLEAT__WEBHOOK_HEX, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79=", false},
    {CLEAT__WEBHOOK_SHA1, CLEAT__WEBHOOK_HEX, "", false},
    {CLEAT__WEBHOOK_SHA1, CLEAT__WEBHOOK_HEX, "sha1=", false},
    {CLEAT__WEBHOOK_SHA1, CLEAT__WEBHOOK_HEX, NULL, false},
    {CLEAT__WEBHOOK_SHA256, CLEAT__WEBHOOK_HEX, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79", false},
};

static void signatures_pass_or_do_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(signatures); i++) {
        const cleat__webhook_auth auth = {.kind = CLEAT__WEBHOOK_HMAC,
                                          .name = cleat_slice_of("x-signature"),
                                          .secret = cleat_slice_of(RFC_KEY),
                                          .algorithm = signatures[i].algorithm,
                                          .encoding = signatures[i].encoding};
        cleat__webhook_auth other = auth;
        const char *text = signatures[i].value;
        cleat_slice value = text != NULL ? cleat_slice_of(text) : (cleat_slice){NULL, 0};
        if (cleat__webhook_auth_passes(&auth, value, cleat_slice_of(RFC_DATA)) != signatures[i].passes) {
            fail_msg("case %zu: %s", i, text);
        }
        other.secret = cleat_slice_of("jefe");
        assert_false(cleat__webhook_auth_passes(&other, value, cleat_slice_of(RFC_DATA)));
        assert_false(cleat__webhook_auth_passes(&auth, value, cleat_slice_of(RFC_DATA "?")));
        assert_false(cleat__webhook_auth_passes(&auth, value, (cleat_slice){NULL, 0}));
    }
}

static void a_signature_of_any_length_is_looked_at(void **state)
{
    (void)state;
    const cleat__webhook_auth auth = {.kind = CLEAT__WEBHOOK_HMAC,
                                      .name = cleat_slice_of("x-signature"),
                                      .secret = cleat_slice_of(RFC_KEY),
                                      .algorithm = CLEAT__WEBHOOK_SHA512};
    char text[4096];
    memset(text, 'a', sizeof(text));
    for (size_t size = 0; size <= sizeof(text); size++) {
        assert_false(cleat__webhook_auth_passes(&auth, (cleat_slice){text, size}, cleat_slice_of(RFC_DATA)));
    }
}

/* ---- What may be one ---- */

static cleat__webhook good_webhook(void)
{
    return (cleat__webhook){.name = cleat_slice_of("shop"),
                            .key_expression = cleat_slice_of("'shop:' + input.type"),
                            .auth = {.kind = CLEAT__WEBHOOK_API_KEY,
                                     .name = cleat_slice_of("X-Api-Key"),
                                     .secret = cleat_slice_of("secret")}};
}

static void assert_refused(const cleat__webhook *webhook, const char *part)
{
    cleat_status status = cleat__webhook_check(webhook);
    if (status != CLEAT_INVALID_ARGUMENT || strstr(cleat_error_message(), part) == NULL) {
        fail_msg("%s instead of %s", status != CLEAT_OK ? cleat_error_message() : "nothing", part);
    }
}

static void names_are_segments_of_a_path(void **state)
{
    (void)state;
    static const char *const good[] = {"a", "my shop", "shop-1.2_3~x", "...", "b\xC3\xBCro"};
    static const char *const bad[] = {"", ".", "..", "a/b", "a\nb", "a\x7f", "\xC3"};
    char long_name[CLEAT__WEBHOOK_NAME_MAX + 2];
    cleat__webhook webhook = good_webhook();
    for (size_t i = 0; i < COUNT(good); i++) {
        webhook.name = cleat_slice_of(good[i]);
        assert_int_equal(cleat__webhook_check(&webhook), CLEAT_OK);
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        webhook.name = cleat_slice_of(bad[i]);
        assert_refused(&webhook, "name");
    }
    memset(long_name, 'x', sizeof(long_name));
    webhook.name = (cleat_slice){long_name, CLEAT__WEBHOOK_NAME_MAX};
    assert_int_equal(cleat__webhook_check(&webhook), CLEAT_OK);
    webhook.name.size++;
    assert_refused(&webhook, "name");
}

static void what_shows_who_it_is_is_looked_at(void **state)
{
    (void)state;
    static char long_text[CLEAT__WEBHOOK_SECRET_MAX + 1];
    memset(long_text, 'x', sizeof(long_text));
    cleat__webhook webhook = good_webhook();
    static const char *const headers[] = {"", "a b", "a:b", "a\n", "\xC3\xA9"};
    for (size_t i = 0; i < COUNT(headers); i++) {
        webhook.auth.name = cleat_slice_of(headers[i]);
        assert_refused(&webhook, "header");
    }
    webhook.auth.name = (cleat_slice){long_text, CLEAT__WEBHOOK_NAME_MAX + 1};
    assert_refused(&webhook, "header");
    webhook = good_webhook();
    webhook.auth.secret = cleat_slice_of("");
    assert_refused(&webhook, "secret");
    webhook.auth.secret = (cleat_slice){long_text, sizeof(long_text)};
    assert_refused(&webhook, "secret");
    webhook.auth.secret.size--;
    assert_int_equal(cleat__webhook_check(&webhook), CLEAT_OK);
    webhook.auth.kind = CLEAT__WEBHOOK_BASIC;
    webhook.auth.name = cleat_slice_of("");
    assert_int_equal(cleat__webhook_check(&webhook), CLEAT_OK);
    webhook.auth.name = cleat_slice_of("ada:bob");
    assert_refused(&webhook, "user");
}

static void expressions_are_looked_at(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "input.", "1", "input.a == 1", "payload.a", "event_key"};
    cleat__webhook webhook = good_webhook();
    for (size_t i = 0; i < COUNT(bad); i++) {
        webhook.key_expression = cleat_slice_of(bad[i]);
        assert_refused(&webhook, "expression");
        cleat__webhook_change change = {.key_expression = cleat_slice_of(bad[i])};
        assert_int_equal(cleat__webhook_check_change(&change), CLEAT_INVALID_ARGUMENT);
        if (bad[i][0] != '\0') { /* there may be no scope */
            change = (cleat__webhook_change){.scope_expression = cleat_slice_of(bad[i])};
            assert_int_equal(cleat__webhook_check_change(&change), CLEAT_INVALID_ARGUMENT);
        }
    }
    webhook.key_expression = (cleat_slice){NULL, 0};
    assert_refused(&webhook, "expression");
    const cleat__webhook_change nothing = {.scope_expression = cleat_slice_of("")};
    assert_int_equal(cleat__webhook_check_change(&nothing), CLEAT_OK);
    const cleat__webhook_change list = {.static_payload = cleat_slice_of("[]")};
    assert_int_equal(cleat__webhook_check_change(&list), CLEAT_INVALID_ARGUMENT);
    char *large = malloc(CLEAT_PAYLOAD_MAX + 1);
    memset(large, ' ', CLEAT_PAYLOAD_MAX + 1);
    const cleat__webhook_change too_large = {.static_payload = {large, CLEAT_PAYLOAD_MAX + 1}};
    assert_int_equal(cleat__webhook_check_change(&too_large), CLEAT_TOO_LARGE);
    free(large);
}

/* ---- What a request makes ---- */

#define HEADERS "{\"x-event\":\"push\",\"host\":\"h\"}"
static const struct {
    const char *key_expression, *scope_expression, *static_payload, *body; /* NULL: none */
    const char *key, *scope, *payload;                                     /* key NULL: it makes none */
} requests[] = {
    {"'a'", NULL, NULL, "{\"n\":1}", "a", NULL, "{\"n\":1}"},
    {"'a'", "", NULL, "{}", "a", NULL, "{}"},
    {"'github:' + headers['x-event']", "input.team", NULL, "{\"team\":\"red\"}", "github:push", "red",
     "{\"team\":\"red\"}"},
    {"input.type", NULL, "{\"from\":\"me\"}", "{\"type\":\"t\"}", "t", NULL,
     "{\"type\":\"t\",\"from\":\"me\"}"},
    {"input.from", NULL, "{\"from\":\"me\"}", "{\"from\":\"you\",\"n\":12345678901234567890123}", "me", NULL,
     "{\"n\":12345678901234567890123,\"from\":\"me\"}"},
    {"input.from", NULL, "{\"from\":\"me\"}", "{\"fr\\u006fm\":\"you\"}", "me", NULL, "{\"from\":\"me\"}"},
    {"'a'", NULL, "{}", "{}", "a", NULL, "{}"},
    {"'a'", NULL, "{\"b\":1}", " { } ", "a", NULL, "{\"b\":1}"},
    {"input.type", NULL, NULL, "{}", NULL, NULL, NULL},
    {"input.type", NULL, NULL, "{\"type\":7}", NULL, NULL, NULL},
    {"input.type", NULL, NULL, "{\"type\":\"\"}", NULL, NULL, NULL},
    {"input.type", NULL, NULL, "{\"type\":\"cleat:hook:token\"}", NULL, NULL, NULL},
    {"headers['X-Event']", NULL, NULL, "{}", NULL, NULL, NULL},
    {"'a'", "input.team", NULL, "{}", NULL, NULL, NULL},
    {"'a'", NULL, NULL, "[]", NULL, NULL, NULL},
    {"'a'", NULL, NULL, "{", NULL, NULL, NULL},
    {"'a'", NULL, NULL, "", NULL, NULL, NULL},
    {"'a'", NULL, "{\"b\":1}", "a=b", NULL, NULL, NULL},
    {"bad(", NULL, NULL, "{}", NULL, NULL, NULL}, /* whatever a file says */
};

static cleat_slice slice_or_none(const char *text)
{
    return text != NULL ? cleat_slice_of(text) : (cleat_slice){NULL, 0};
}

static void a_request_makes_an_event(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(requests); i++) {
        cleat__webhook_event made;
        cleat__webhook webhook = good_webhook();
        webhook.key_expression = cleat_slice_of(requests[i].key_expression);
        webhook.scope_expression = slice_or_none(requests[i].scope_expression);
        webhook.static_payload = slice_or_none(requests[i].static_payload);
        cleat_status status = cleat__webhook_event_make(&webhook, cleat_slice_of(requests[i].body),
                                                        cleat_slice_of(HEADERS), &made);
        if (requests[i].key == NULL) {
            assert_int_equal(status, CLEAT_INVALID_ARGUMENT);
        } else {
            assert_int_equal(status, CLEAT_OK);
            assert_true(cleat_slice_equals(made.event.key, cleat_slice_of(requests[i].key)));
            assert_true(cleat_slice_equals(made.event.payload, cleat_slice_of(requests[i].payload)));
            assert_true(cleat_slice_equals(made.event.scope, slice_or_none(requests[i].scope)));
            assert_int_equal(made.event.scope.data == NULL, requests[i].scope == NULL);
        }
        cleat__webhook_event_deinit(&made);
    }
}

/* With members on both sides, escapes among them, and both expressions. */
static cleat_status make_with(size_t fail_at, cleat__webhook_event *out)
{
    failing_allocator allocator;
    cleat__webhook webhook = good_webhook();
    webhook.key_expression = cleat_slice_of("'shop:' + input.type + headers['x-event']");
    webhook.scope_expression = cleat_slice_of("input.from");
    webhook.static_payload = cleat_slice_of("{\"from\":\"me\"}");
    failing_allocator_install(&allocator, fail_at);
    cleat_status status = cleat__webhook_event_make(
        &webhook, cleat_slice_of("{\"typ\\u0065\":\"t\",\"from\":\"you\"}"), cleat_slice_of(HEADERS), out);
    cleat_set_allocator(NULL);
    return status;
}

static void any_allocation_may_fail(void **state)
{
    (void)state;
    cleat_status status = CLEAT_NO_MEMORY;
    for (size_t calls = 1; status != CLEAT_OK; calls++) {
        cleat__webhook_event made;
        status = make_with(calls, &made);
        assert_true(status == CLEAT_OK || status == CLEAT_NO_MEMORY);
        if (status == CLEAT_OK) {
            assert_true(calls > 5);
            assert_true(cleat_slice_equals(made.event.key, cleat_slice_of("shop:tpush")));
            assert_true(cleat_slice_equals(made.event.scope, cleat_slice_of("me")));
        }
        cleat__webhook_event_deinit(&made);
        assert_true(calls < 100);
    }
}

static void names_end_with_null(void **state)
{
    (void)state;
    assert_string_equal(cleat__webhook_sources[CLEAT__WEBHOOK_SVIX], "SVIX");
    assert_null(cleat__webhook_sources[CLEAT__WEBHOOK_SVIX + 1]);
    assert_string_equal(cleat__webhook_kinds[CLEAT__WEBHOOK_HMAC], "HMAC");
    assert_null(cleat__webhook_kinds[CLEAT__WEBHOOK_HMAC + 1]);
    assert_string_equal(cleat__webhook_algorithms[CLEAT__WEBHOOK_MD5], "MD5");
    assert_null(cleat__webhook_algorithms[CLEAT__WEBHOOK_MD5 + 1]);
    assert_string_equal(cleat__webhook_encodings[CLEAT__WEBHOOK_BASE64URL], "BASE64URL");
    assert_null(cleat__webhook_encodings[CLEAT__WEBHOOK_BASE64URL + 1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_pass_or_do_not),
        cmocka_unit_test(signatures_pass_or_do_not),
        cmocka_unit_test(a_signature_of_any_length_is_looked_at),
        cmocka_unit_test(names_are_segments_of_a_path),
        cmocka_unit_test(what_shows_who_it_is_is_looked_at),
        cmocka_unit_test(expressions_are_looked_at),
        cmocka_unit_test(a_request_makes_an_event),
        cmocka_unit_test(any_allocation_may_fail),
        cmocka_unit_test(names_end_with_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
