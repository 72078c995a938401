/* Batches: what is declared, which group a run is of, and when those that wait go to a worker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "model/batch.h"

#include <cleat/run.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

static cleat__batch_config config(void)
{
    return (cleat__batch_config){.max_size = 10, .interval_ms = 1500, .group_max_runs = 100};
}

static void test_what_is_declared_is_checked(void **state)
{
    (void)state;
    static const struct {
        int32_t max_size;
        int64_t interval_ms;
        int32_t group_max_runs;
        const char *group_key;
        const char *part; /* of the sentence; NULL: it is right */
    } cases[] = {
        {1, 1, 1, NULL, NULL},
        {100000, 86400000, 10000, "input.shop", NULL},
        {10, 1000, 100, "additional_metadata.shop + ':' + input.day", NULL},
        {0, 1000, 100, NULL, "batch: max_size is 0; it must be 1 .. 100000"},
        {100001, 1000, 100, NULL, "max_size is 100001"},
        {10, 0, 100, NULL, "batch: interval_ms is 0; it must be 1 .. 86400000"},
        {10, 86400001, 100, NULL, "interval_ms is 86400001"},
        {10, 1000, 0, NULL, "batch: group_max_runs is 0; it must be 1 .. 10000"},
        {10, 1000, 10001, NULL, "group_max_runs is 10001"},
        {10, 1000, 100, "input.", "batch: group_key: "},
        {10, 1000, 100, "nobody.id", "nobody"},
        {10, 1000, 100, "", "batch: group_key: "},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cleat__batch_config it = {.max_size = cases[i].max_size,
                                  .interval_ms = cases[i].interval_ms,
                                  .group_max_runs = cases[i].group_max_runs};
        if (cases[i].group_key != NULL) {
            it.group_key = cleat_slice_of(cases[i].group_key);
        }
        cleat_status status = cleat__batch_config_check(&it);
        assert_int_equal(status, cases[i].part == NULL ? CLEAT_OK : CLEAT_INVALID_ARGUMENT);
        if (cases[i].part != NULL && strstr(cleat_error_message(), cases[i].part) == NULL) {
            fail_msg("case %zu: %s", i, cleat_error_message());
        }
    }
}

/* By way of the text in which it is stored. */
static cleat__batch_rule *stored(const cleat__batch_config *from)
{
    cleat__buffer text = {0};
    cleat__batch_rule *made = NULL;
    cleat__batch_config_encode(from, &text);
    json_t *json = json_loadb((const char *)text.data, text.size, 0, NULL);
    assert_non_null(json);
    assert_int_equal(cleat__batch_rule_decode(json, &made), CLEAT_OK);
    json_decref(json);
    cleat__buffer_deinit(&text);
    return made;
}

static void test_it_is_stored_as_it_was_declared(void **state)
{
    (void)state;
    cleat__batch_config it = config();
    cleat__batch_rule *made = stored(&it);
    assert_int_equal(made->max_size, 10);
    assert_int_equal(made->interval_ms, 1500);
    assert_int_equal(made->group_max_runs, 100);
    assert_null(made->group_key);
    cleat__batch_rule_free(made);
    it.group_key = cleat_slice_of("\"a\" + input.shop");
    made = stored(&it);
    assert_non_null(made->group_key);
    cleat__batch_rule_free(made);
}

static void test_what_is_stored_wrongly_is_corrupt(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{}",
        "[]",
        "{\"max_size\":0,\"interval\":1,\"group_max_runs\":1}",
        "{\"max_size\":1,\"interval\":-1,\"group_max_runs\":1}",
        "{\"max_size\":1,\"interval\":1,\"group_max_runs\":\"1\"}",
        "{\"max_size\":1,\"interval\":1,\"group_max_runs\":1,\"group_key\":\"input.\"}",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        cleat__batch_rule *made = NULL;
        json_t *json = json_loads(texts[i], 0, NULL);
        assert_int_equal(cleat__batch_rule_decode(json, &made), CLEAT_CORRUPT);
        assert_null(made);
        json_decref(json);
    }
}

static void test_keys(void **state)
{
    (void)state;
    static const struct {
        const char *expression, *input, *metadata;
        const char *key; /* NULL: there is none */
    } cases[] = {
        {NULL, "{\"shop\":\"a\"}", NULL, ""},
        {"input.shop", "{\"shop\":\"a\"}", NULL, "a"},
        {"additional_metadata.shop", NULL, "{\"shop\":\"b\"}", "b"},
        {"string(int(input.n))", "{\"n\":7}", NULL, "7"},
        {"input.shop", "{}", NULL, NULL},
        {"workflow_run_id", "{}", NULL, "r1"},
        {"input.shop", "{\"shop\":\"\\u0000\"}", NULL, NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cleat__batch_config it = config();
        if (cases[i].expression != NULL) {
            it.group_key = cleat_slice_of(cases[i].expression);
        }
        cleat__batch_rule *rule = stored(&it);
        char *key = NULL;
        size_t size = 0;
        const cleat__expression_variables variables = {
            .input = cleat_slice_of(cases[i].input),
            .additional_metadata = cleat_slice_of(cases[i].metadata != NULL ? cases[i].metadata : "{}"),
            .workflow_run_id = cleat_slice_of("r1"),
        };
        cleat_status status = cleat__batch_rule_key(rule, &variables, &key, &size);
        if (cases[i].key == NULL) {
            assert_int_equal(status, CLEAT_INVALID_ARGUMENT);
            assert_null(key);
        } else {
            assert_int_equal(status, CLEAT_OK);
            assert_string_equal(key, cases[i].key);
            assert_int_equal(size, strlen(cases[i].key));
        }
        cleat__free(key);
        cleat__batch_rule_free(rule);
    }
}

static void test_a_key_is_short(void **state)
{
    (void)state;
    cleat__batch_config it = config();
    it.group_key = cleat_slice_of("input.shop");
    cleat__batch_rule *rule = stored(&it);
    char input[CLEAT__BATCH_KEY_MAX + 64], *key = NULL;
    size_t size = 0;
    for (int n = CLEAT__BATCH_KEY_MAX; n <= CLEAT__BATCH_KEY_MAX + 1; n++) {
        snprintf(input, sizeof(input), "{\"shop\":\"%0*d\"}", n, 1);
        const cleat__expression_variables variables = {.input = cleat_slice_of(input)};
        cleat_status status = cleat__batch_rule_key(rule, &variables, &key, &size);
        assert_int_equal(status, n == CLEAT__BATCH_KEY_MAX ? CLEAT_OK : CLEAT_INVALID_ARGUMENT);
        cleat__free(key);
    }
    cleat__batch_rule_free(rule);
}

static void test_when_they_go(void **state)
{
    (void)state;
    static const size_t much = CLEAT__BATCH_BYTES_MAX;
    static const struct {
        size_t count, bytes;
        int64_t waited_ms;
        cleat__batch_reason reason;
        const char *text;
    } cases[] = {
        {0, 0, 0, CLEAT__BATCH_WAIT, ""},
        {0, 0, 1000000, CLEAT__BATCH_WAIT, ""},
        {1, 2, 0, CLEAT__BATCH_WAIT, ""},
        {9, 18, 1499, CLEAT__BATCH_WAIT, ""},
        {1, 2, 1500, CLEAT__BATCH_INTERVAL, "batch max interval 1.5s elapsed"},
        {9, 18, 1000000, CLEAT__BATCH_INTERVAL, "batch max interval 1.5s elapsed"},
        {10, 20, 0, CLEAT__BATCH_SIZE, "batch size threshold 10 reached"},
        {11, 20, 1500, CLEAT__BATCH_SIZE, "batch size threshold 10 reached"},
        {2, much - 1, 0, CLEAT__BATCH_WAIT, ""},
        {2, much, 0, CLEAT__BATCH_MEMORY, "batch max memory size reached"},
        {2, much, 1500, CLEAT__BATCH_MEMORY, "batch max memory size reached"},
        {10, much, 0, CLEAT__BATCH_SIZE, "batch size threshold 10 reached"},
    };
    cleat__batch_config it = config();
    cleat__batch_rule *rule = stored(&it);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[CLEAT__BATCH_REASON_TEXT];
        cleat__batch_reason reason =
            cleat__batch_rule_flush(rule, cases[i].count, cases[i].bytes, cases[i].waited_ms);
        assert_int_equal(reason, cases[i].reason);
        cleat__batch_reason_format(rule, reason, text);
        assert_string_equal(text, cases[i].text);
    }
    cleat__batch_rule_free(rule);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_declared_is_checked),
        cmocka_unit_test(test_it_is_stored_as_it_was_declared),
        cmocka_unit_test(test_what_is_stored_wrongly_is_corrupt),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_a_key_is_short),
        cmocka_unit_test(test_when_they_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
