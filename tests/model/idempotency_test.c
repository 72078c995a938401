/* Keys of idempotency: what is declared, what key comes of it, and how long it is held. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "model/idempotency.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static cleat__idempotency rule(const char *expression)
{
    return (cleat__idempotency){
        .expression = cleat_slice_of(expression), .ttl_ms = 1000, .method = CLEAT_IDEMPOTENCY_TTL};
}

static void test_what_is_declared_is_checked(void **state)
{
    (void)state;
    static const struct {
        const char *expression;
        int64_t ttl_ms;
        int method;
        cleat_status status;
        const char *part;
    } cases[] = {
        {"input.id", 1, 0, CLEAT_OK, NULL},
        {"'order-' + input.id", INT64_MAX, 1, CLEAT_OK, NULL},
        {"additional_metadata.request", 1000, 1, CLEAT_OK, NULL},
        {"input.id", 0, 0, CLEAT_INVALID_ARGUMENT, "ttl_ms is 0"},
        {"input.id", -1, 0, CLEAT_INVALID_ARGUMENT, "ttl_ms is -1"},
        {"input.id", 1000, 2, CLEAT_INVALID_ARGUMENT, "method is 2"},
        {"input.id", 1000, -1, CLEAT_INVALID_ARGUMENT, "method is -1"},
        {"", 1000, 0, CLEAT_INVALID_ARGUMENT, "idempotency: "},
        {"input.id +", 1000, 0, CLEAT_INVALID_ARGUMENT, "idempotency: "},
        {"nobody.id", 1000, 0, CLEAT_INVALID_ARGUMENT, "nobody"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cleat__idempotency it = rule(cases[i].expression);
        it.ttl_ms = cases[i].ttl_ms;
        it.method = (cleat_idempotency_method)cases[i].method;
        assert_int_equal(cleat__idempotency_check(&it), cases[i].status);
        if (cases[i].part != NULL && strstr(cleat_error_message(), cases[i].part) == NULL) {
            fail_msg("%s: %s", cases[i].expression, cleat_error_message());
        }
    }
}

/* By way of the text in which it is stored. */
static cleat__idempotency_rule *stored(const cleat__idempotency *from)
{
    cleat__buffer text = {0};
    cleat__idempotency_rule *made = NULL;
    cleat__idempotency_encode(from, &text);
    json_t *json = json_loadb((const char *)text.data, text.size, 0, NULL);
    assert_non_null(json);
    assert_int_equal(cleat__idempotency_decode(json, &made), CLEAT_OK);
    json_decref(json);
    cleat__buffer_deinit(&text);
    return made;
}

static void test_it_is_stored_as_it_was_declared(void **state)
{
    (void)state;
    cleat__idempotency it = rule("\"a\" + input.id");
    it.ttl_ms = INT64_C(86400000000);
    it.method = CLEAT_IDEMPOTENCY_STATUS;
    cleat__idempotency_rule *made = stored(&it);
    assert_int_equal(made->ttl_ms, it.ttl_ms);
    assert_true(cleat__idempotency_ends_with_run(made));
    cleat__idempotency_free(made);
    it.method = CLEAT_IDEMPOTENCY_TTL;
    made = stored(&it);
    assert_false(cleat__idempotency_ends_with_run(made));
    cleat__idempotency_free(made);
}

static void test_what_is_stored_wrongly_is_corrupt(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{}",
        "{\"expression\":\"input.id\",\"method\":0}",
        "{\"expression\":\"input.id\",\"ttl\":1,\"method\":7}",
        "{\"expression\":7,\"ttl\":1,\"method\":0}",
        "{\"expression\":\"input.\",\"ttl\":1,\"method\":0}",
        "[]",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        cleat__idempotency_rule *made = NULL;
        json_t *json = json_loads(texts[i], 0, NULL);
        assert_int_equal(cleat__idempotency_decode(json, &made), CLEAT_CORRUPT);
        assert_null(made);
        json_decref(json);
    }
}

static void test_keys(void **state)
{
    (void)state;
    static const struct {
        const char *expression, *input, *metadata;
        const char *key;  /* NULL: */
        const char *part; /* of the sentence */
    } cases[] = {
        {"input.id", "{\"id\":\"7\"}", NULL, "7", NULL},
        {"'a:' + additional_metadata.r", NULL, "{\"r\":\"x\"}", "a:x", NULL},
        {"'all'", NULL, NULL, "all", NULL},
        {"has(input.id) ? input.id : ''", NULL, NULL, "", NULL},
        {"string(int(input.n))", "{\"n\":12}", NULL, "12", NULL},
        {"input.id", NULL, NULL, NULL, "the idempotency key cannot be made: \"input.id\": no such key: id"},
        {"input.id", "{\"id\":7}", NULL, NULL, "the idempotency key cannot be made"},
        {"output.id", "{}", NULL, NULL, "output"},
        {"workflow_run_id", "{}", NULL, NULL, "workflow_run_id"},
        {"'hatchet_internal_' + 'x'", NULL, NULL, NULL, "reserved"},
        {"'hatchet_internal'", NULL, NULL, "hatchet_internal", NULL},
        {"'a\\u0000b'", NULL, NULL, NULL, "NUL"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const cleat__idempotency it = rule(cases[i].expression);
        cleat__idempotency_rule *made = stored(&it);
        char *key = NULL;
        size_t size = 0;
        cleat_status status = cleat__idempotency_key(made, cleat_slice_of(cases[i].input),
                                                     cleat_slice_of(cases[i].metadata), NULL, &key, &size);
        if (cases[i].key != NULL) {
            assert_int_equal(status, CLEAT_OK);
            assert_string_equal(key, cases[i].key);
            assert_int_equal(size, strlen(key));
        } else {
            assert_int_equal(status, CLEAT_INVALID_ARGUMENT);
            assert_null(key);
            assert_non_null(strstr(cleat_error_message(), cases[i].part));
        }
        cleat__free(key);
        cleat__idempotency_free(made);
    }
}

static void test_how_long_a_key_may_be(void **state)
{
    (void)state;
    char input[CLEAT__IDEMPOTENCY_KEY_MAX + 32];
    const cleat__idempotency it = rule("input.id");
    cleat__idempotency_rule *made = stored(&it);
    for (int beyond = 0; beyond < 2; beyond++) {
        char *key = NULL;
        size_t size = 0;
        (void)snprintf(input, sizeof(input), "{\"id\":\"%0*d\"}", CLEAT__IDEMPOTENCY_KEY_MAX + beyond, 7);
        cleat_status status =
            cleat__idempotency_key(made, cleat_slice_of(input), (cleat_slice){NULL, 0}, NULL, &key, &size);
        assert_int_equal(status, beyond != 0 ? CLEAT_TOO_LARGE : CLEAT_OK);
        assert_int_equal(size, beyond != 0 ? size : CLEAT__IDEMPOTENCY_KEY_MAX);
        cleat__free(key);
    }
    cleat__idempotency_free(made);
}

static void test_until_when_a_key_is_held(void **state)
{
    (void)state;
    static const struct {
        int64_t now_ms, ttl_ms, expiry_ms;
    } cases[] = {
        {0, 1, 1},
        {1000, 500, 1500},
        {INT64_MAX - 10, 11, INT64_MAX},
        {1000, INT64_MAX, INT64_MAX},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const cleat__idempotency_rule it = {.ttl_ms = cases[i].ttl_ms};
        int64_t expiry_ms = cleat__idempotency_expiry(&it, cases[i].now_ms);
        assert_int_equal(expiry_ms, cases[i].expiry_ms);
        assert_true(cleat__idempotency_is_held(expiry_ms, cases[i].now_ms));
        assert_true(cleat__idempotency_is_held(expiry_ms, expiry_ms - 1));
        assert_false(cleat__idempotency_is_held(expiry_ms, expiry_ms));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_declared_is_checked),
        cmocka_unit_test(test_it_is_stored_as_it_was_declared),
        cmocka_unit_test(test_what_is_stored_wrongly_is_corrupt),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_how_long_a_key_may_be),
        cmocka_unit_test(test_until_when_a_key_is_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
