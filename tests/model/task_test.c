#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <cleat/task.h>
#include "base/random.h"
#include "model/duration.h"
#include "model/json.h"
#include "model/task.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

/* ---- Names ---- */

static void test_action_ids(void **state)
{
    (void)state;
    static const struct {
        const char *name, *id;
    } cases[] = {
        {"pack", "pack:pack"},
        {"archive:pack", "archive:pack"},
        {"a.b_c-9", "a.b_c-9:a.b_c-9"},
        {"a:b", "a:b"},
        {"1234567890123456789012345678901234567890123456789012345678901234",
         "1234567890123456789012345678901234567890123456789012345678901234:"
         "1234567890123456789012345678901234567890123456789012345678901234"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char id[2 * CLEAT__TASK_NAME_MAX + 2];
        assert_int_equal(cleat__action_id(cases[i].name, id), CLEAT_OK);
        assert_string_equal(id, cases[i].id);
    }
}

static void test_names_that_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *message;
    } cases[] = {
        {NULL, "missing"},
        {"", "missing"},
        {"Pack", "character 1"},
        {"a b", "character 2"},
        {"a:b:c", "character 4"},
        {"a/b", "character 2"},
        {"t\xC3\xA4sk", "character 2"},
        {":a", "both sides"},
        {"a:", "both sides"},
        {":", "both sides"},
        {"12345678901234567890123456789012345678901234567890123456789012345", "65 bytes"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char id[2 * CLEAT__TASK_NAME_MAX + 2];
        assert_int_equal(cleat__action_id(cases[i].name, id), CLEAT_INVALID_ARGUMENT);
        assert_non_null(strstr(cleat_error_message(), cases[i].message));
    }
}

static void test_parts_of_an_action(void **state)
{
    (void)state;
    cleat_slice action = cleat_slice_of("archive:pack");
    assert_true(cleat_slice_equals(cleat__action_workflow(action), cleat_slice_of("archive")));
    assert_true(cleat_slice_equals(cleat__action_task(action), cleat_slice_of("pack")));
}

/* ---- Policy ---- */

static void test_policy_defaults(void **state)
{
    (void)state;
    cleat__policy policy;
    assert_int_equal(cleat__policy_from_options(CLEAT_TASK_OPTIONS(.name = "a"), &policy), CLEAT_OK);
    assert_int_equal(policy.retries, 0);
    assert_int_equal(policy.priority, 1);
    assert_int_equal(policy.backoff_initial_ms, 0);
    assert_true(policy.backoff_factor == 2.0);
    assert_int_equal(policy.backoff_max_ms, 24 * 3600 * 1000);
    assert_int_equal(policy.execution_timeout_ms, 60000);
    assert_int_equal(policy.schedule_timeout_ms, 300000);
}

static void test_policy_without_timeouts(void **state)
{
    (void)state;
    cleat__policy policy;
    const cleat_task_options *options =
        CLEAT_TASK_OPTIONS(.execution_timeout_ms = -5, .schedule_timeout_ms = -1);
    assert_int_equal(cleat__policy_from_options(options, &policy), CLEAT_OK);
    assert_int_equal(policy.execution_timeout_ms, CLEAT__NO_TIMEOUT);
    assert_int_equal(policy.schedule_timeout_ms, CLEAT__NO_TIMEOUT);
}

static void test_policy_names_the_field_that_is_wrong(void **state)
{
    (void)state;
    const struct {
        const cleat_task_options *options;
        const char *field;
    } cases[] = {
        {CLEAT_TASK_OPTIONS(.retries = -1), "retries"},
        {CLEAT_TASK_OPTIONS(.backoff_initial_ms = -1), "backoff_initial_ms"},
        {CLEAT_TASK_OPTIONS(.backoff_max_ms = -1), "backoff_max_ms"},
        {CLEAT_TASK_OPTIONS(.backoff_factor = 0.5), "backoff_factor"},
        {CLEAT_TASK_OPTIONS(.backoff_factor = 1001), "backoff_factor"},
        {CLEAT_TASK_OPTIONS(.backoff_factor = -2), "backoff_factor"},
        {CLEAT_TASK_OPTIONS(.backoff_factor = NAN), "backoff_factor"},
        {CLEAT_TASK_OPTIONS(.priority = 4), "priority"},
        {CLEAT_TASK_OPTIONS(.priority = -1), "priority"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cleat__policy policy;
        assert_int_equal(cleat__policy_from_options(cases[i].options, &policy), CLEAT_INVALID_ARGUMENT);
        assert_non_null(strstr(cleat_error_message(), cases[i].field));
    }
}

static void test_backoff(void **state)
{
    (void)state;
    static const struct {
        int64_t initial;
        double factor;
        int64_t max;
        int32_t n;
        int64_t delay;
    } cases[] = {
        {0, 2, 1000, 1, 0},
        {0, 1000, 1000, INT32_MAX, 0},
        {100, 2, 1000, 1, 100},
        {100, 2, 1000, 2, 200},
        {100, 2, 1000, 4, 800},
        {100, 2, 1000, 5, 1000},
        {100, 2, 1000, INT32_MAX, 1000},
        {100, 1, 1000, INT32_MAX, 100},
        {100, 1.5, 10000, 3, 225},
        {5000, 2, 1000, 1, 1000},
        {INT64_MAX, 1000, INT64_MAX, 1000, INT64_MAX},
        {INT64_MAX, 1, INT64_MAX, 1, INT64_MAX},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cleat__policy policy = {
            .backoff_initial_ms = cases[i].initial,
            .backoff_factor = cases[i].factor,
            .backoff_max_ms = cases[i].max,
        };
        assert_true(cleat__policy_backoff_ms(&policy, cases[i].n) == cases[i].delay);
    }
}

static void test_durations(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = {
        {0, "0s"},
        {1, "1ms"},
        {999, "999ms"},
        {1000, "1s"},
        {1500, "1.5s"},
        {1250, "1.25s"},
        {60000, "1m0s"},
        {61001, "1m1.001s"},
        {3600000, "1h0m0s"},
        {86400000 + 90000, "24h1m30s"},
        {INT64_MAX, "2562047788015h12m55.807s"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[CLEAT__DURATION_TEXT];
        cleat__duration_format(cases[i].ms, text);
        assert_string_equal(text, cases[i].text);
    }
    assert_true(cleat__saturating_add(INT64_MAX - 1, 5) == INT64_MAX);
    assert_true(cleat__saturating_add(-10, 5) == -5);
}

/* ---- JSON ---- */

static void test_json(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool must_be_object;
        cleat_status status;
        const char *message;
    } cases[] = {
        {"{}", true, CLEAT_OK, NULL},
        {" {\"a\":[1,2.5e3,null,true,\"x\\u00e4\"]} ", true, CLEAT_OK, NULL},
        {"{\"a\":123456789012345678901234567890}", true, CLEAT_OK, NULL},
        {"null", false, CLEAT_OK, NULL},
        {"3", false, CLEAT_OK, NULL},
        {"3", true, CLEAT_INVALID_ARGUMENT, "input must be a JSON object"},
        {"[]", true, CLEAT_INVALID_ARGUMENT, "input must be a JSON object"},
        {"", true, CLEAT_INVALID_ARGUMENT, "input is not JSON, line 1"},
        {"{\"a\":\n 1,}", true, CLEAT_INVALID_ARGUMENT, "line 2"},
        {"{} {}", true, CLEAT_INVALID_ARGUMENT, "input is not JSON"},
        {"{\"a\":\"\\u0000\"}", true, CLEAT_INVALID_ARGUMENT, "input is not JSON"},
        {"{\"a\":\"\xFF\"}", true, CLEAT_INVALID_ARGUMENT, "input is not JSON"},
        {"{\"a\":\"b\nc\"}", true, CLEAT_INVALID_ARGUMENT, "input is not JSON"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cleat_status status =
            cleat__json_check("input", cleat_slice_of(cases[i].text), cases[i].must_be_object);
        assert_int_equal(status, cases[i].status);
        if (status != CLEAT_OK) {
            assert_non_null(strstr(cleat_error_message(), cases[i].message));
            assert_null(strchr(cleat_error_message(), '\n'));
        }
    }
    assert_int_equal(cleat__json_check("input", (cleat_slice){NULL, 0}, true), CLEAT_INVALID_ARGUMENT);
}

/* ---- Long texts, of which not all is read ---- */

enum { TEXT_SIZE = 1200, ROUNDS = 20000 };

/* Each a character or more that matters to JSON; "" is a row of plain ones. */
static const char *const parts[] = {"\"",
                                    "\\",
                                    "\\\\",
                                    "\\\"",
                                    "\\u",
                                    "\\u00e4",
                                    "\\uD83D",
                                    "\\uDE00",
                                    "\\u0000",
                                    "12",
                                    "{",
                                    "}",
                                    "[",
                                    "]",
                                    ":",
                                    ",",
                                    "\n",
                                    "\x7F",
                                    "\x01",
                                    "\xC3\xA4",
                                    "\xC3",
                                    "\xFF",
                                    " ",
                                    "null",
                                    "\\n",
                                    "",
                                    "",
                                    "\",\"x\":\"",
                                    "",
                                    "",
                                    "-1.5e3",
                                    "0",
                                    "\xE2\x82\xAC",
                                    "1e999",
                                    "\\\"",
                                    "\",\"y\":12345678zz\n,\"z\":\"",
                                    "\",\"y\":12345678\n,\"z\":\""};

static size_t append(char *text, size_t size, const char *part, cleat__random *random)
{
    size_t row = cleat__random_next(random) % 40;
    for (const char *at = part; *at != '\0' && size < TEXT_SIZE; at++) {
        text[size++] = *at;
    }
    for (size_t i = 0; part[0] == '\0' && i < row && size < TEXT_SIZE; i++) {
        text[size++] = "0aD83u"[cleat__random_next(random) % 6];
    }
    return size;
}

/* {"x":"...","x":"..."}, in which a few parts stand that may break it. */
static size_t write_text(char *text, cleat__random *random)
{
    size_t size = append(text, 0, "{\"x\":\"", random);
    size_t odd = cleat__random_next(random) % 4;
    while (size < 400) {
        size = append(text, size, "", random);
        if (odd > 0 && cleat__random_next(random) % 3 == 0) {
            odd--;
            size = append(text, size, parts[cleat__random_next(random) % (sizeof(parts) / sizeof(parts[0]))],
                          random);
        } else if (cleat__random_next(random) % 5 == 0) {
            size = append(text, size, "\",\"x\":\"", random);
        }
    }
    return append(text, size, "\"}", random);
}

static bool is_json(const char *text, size_t size)
{
    json_t *value = json_loadb(text, size, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, NULL);
    json_decref(value);
    return value != NULL;
}

static void test_long_json(void **state)
{
    (void)state;
    char text[TEXT_SIZE];
    cleat__random random;
    int right = 0;
    cleat__random_init(&random, 7);
    for (int i = 0; i < ROUNDS; i++) {
        size_t size = write_text(text, &random);
        bool is = is_json(text, size);
        cleat_status status = cleat__json_check("input", (cleat_slice){text, size}, false);
        if ((status == CLEAT_OK) != is) {
            fail_msg("%s: %.*s", is ? "JSON" : "no JSON", (int)size, text);
        }
        right += is;
    }
    assert_in_range(right, ROUNDS / 10, ROUNDS - ROUNDS / 10);
}

/* Where it is wrong is told of the text as it is. */
static void test_long_json_that_is_wrong(void **state)
{
    (void)state;
    char text[1001];
    memset(text, 'x', 1000);
    text[1000] = '\0';
    text[0] = '"';
    text[998] = '\n';
    text[999] = '"';
    assert_int_equal(cleat__json_check("input", cleat_slice_of(text), false), CLEAT_INVALID_ARGUMENT);
    assert_non_null(strstr(cleat_error_message(), "line 1 column 998"));
}

static void test_json_size(void **state)
{
    (void)state;
    size_t size = CLEAT_PAYLOAD_MAX + 1;
    char *text = malloc(size);
    assert_non_null(text);
    memset(text, ' ', size);
    text[0] = '{';
    text[1] = '}';
    assert_int_equal(cleat__json_check("output", (cleat_slice){text, size - 1}, true), CLEAT_OK);
    assert_int_equal(cleat__json_check("output", (cleat_slice){text, size}, true), CLEAT_TOO_LARGE);
    assert_non_null(strstr(cleat_error_message(), "output has 4194305 bytes"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_action_ids),
        cmocka_unit_test(test_names_that_are_refused),
        cmocka_unit_test(test_parts_of_an_action),
        cmocka_unit_test(test_policy_defaults),
        cmocka_unit_test(test_policy_without_timeouts),
        cmocka_unit_test(test_policy_names_the_field_that_is_wrong),
        cmocka_unit_test(test_backoff),
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_long_json),
        cmocka_unit_test(test_long_json_that_is_wrong),
        cmocka_unit_test(test_json_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
