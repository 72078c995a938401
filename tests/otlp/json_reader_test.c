#include "otlp/json_reader.h"

#include "trace/propagation_test.h"

static cleat_slice member(const char *text, const char *key)
{
    return cleat__json_member(cleat_slice_of(text), key);
}

static void assert_absent(const char *text, const char *key)
{
    cleat_slice found = member(text, key);
    if (found.data != NULL) {
        fail_msg("%s: found %.*s", text, CLEAT_SLICE_ARGS(found));
    }
}

static void members_are_found_as_they_stand(void **state)
{
    static const char text[] = " {\"a\" : 1 , \"b\":\t\"two\" ,\r\n\"c\":[ 1, {\"a\":3} "
                               "],\"d\":{\"a\":{}},\"e\":null,\"f\":-1.5e+3}";
    (void)state;
    assert_slice(member(text, "a"), "1");
    assert_slice(member(text, "b"), "\"two\"");
    assert_slice(member(text, "c"), "[ 1, {\"a\":3} ]");
    assert_slice(member(text, "d"), "{\"a\":{}}");
    assert_slice(member(text, "e"), "null");
    assert_slice(member(text, "f"), "-1.5e+3");
    assert_absent(text, "g");
}

static void members_of_members_are_not_taken_for_its_own(void **state)
{
    static const char text[] = "{\"x\":{\"a\":1},\"y\":[{\"a\":2}],\"z\":\"\\\"a\\\":4\",\"a\":3}";
    (void)state;
    assert_slice(member(text, "a"), "3");
    cleat_slice inner = cleat__json_member(member(text, "x"), "a");
    assert_slice(inner, "1");
    assert_null(cleat__json_member(member(text, "y"), "a").data);
}

static void the_first_of_a_name_counts(void **state)
{
    (void)state;
    assert_slice(member("{\"a\":1,\"a\":2}", "a"), "1");
    assert_slice(member("{\"\":1}", ""), "1");
}

static void escapes_do_not_end_a_string(void **state)
{
    (void)state;
    assert_slice(member("{\"a\\\"\":1,\"b\":\"\\\\\",\"c\":\"\\\"}\",\"d\":2}", "d"), "2");
    assert_slice(member("{\"a\\\"\":1}", "a\\\""), "1");
    assert_absent("{\"a\":\"\\", "a");
    assert_absent("{\"a\":\"\\\"", "a");
}

static void what_is_malformed_has_no_members(void **state)
{
    static const char *const texts[] = {
        "",
        "{",
        "{}",
        "[]",
        "null",
        "\"a\"",
        "{\"a\"",
        "{\"a\":",
        "{\"a\"1}",
        "{a:1}",
        "{\"b\":1\"a\":1}",
        "{\"b\":,\"a\":1}",
        "{,\"a\":1}",
        "{\"a\":tru}",
        "{\"a\":-}",
        "{\"a\":1.}",
        "{\"a\":1e}",
        "{\"a\":+1}",
        "{\"a\":[}",
        "{\"a\":[1,]",
        "{\"a\":{\"b\"}}",
        "{\"a\":\"b}",
        "{\"b\":nonsense,\"a\":1}",
        "{\"a\":\x80}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_absent(texts[i], "a");
    }
    assert_null(cleat__json_member((cleat_slice){NULL, 0}, "a").data);
    assert_null(cleat__json_member((cleat_slice){"{\"a\":1}", 4}, "a").data); /* cut off */
}

static void nesting_is_bounded(void **state)
{
    enum { DEEP = 1000000 };
    char *text = malloc(DEEP + 16);
    (void)state;
    memcpy(text, "{\"a\":", 5);
    memset(text + 5, '[', DEEP);
    assert_null(cleat__json_member((cleat_slice){text, DEEP + 5}, "a").data);
    memset(text + 5, '[', 31);
    memset(text + 5 + 31, ']', 31);
    memcpy(text + 5 + 62, "}", 2);
    assert_int_equal(member(text, "a").size, 62);
    free(text);
}

static void numbers_are_read_with_and_without_quotes(void **state)
{
    static const struct {
        const char *text;
        bool is_number;
        int64_t number;
    } cases[] = {
        {"0", true, 0},
        {"\"12\"", true, 12},
        {"9223372036854775807", true, INT64_MAX},
        {"\"9223372036854775808\"", false, 0},
        {"99999999999999999999999999", false, 0},
        {"-1", false, 0},
        {"1.0", false, 0},
        {"1e3", false, 0},
        {"\"\"", false, 0},
        {"", false, 0},
        {"\"", false, 0},
        {"null", false, 0},
        {"\"1", false, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t number = -7;
        bool is_number = cleat__json_int(cleat_slice_of(cases[i].text), &number);
        assert_int_equal(is_number, cases[i].is_number);
        assert_true(number == (is_number ? cases[i].number : -7));
    }
}

static void text_is_what_is_between_quotes(void **state)
{
    (void)state;
    assert_slice(cleat__json_text(cleat_slice_of("\"a\\n\"")), "a\\n");
    assert_non_null(cleat__json_text(cleat_slice_of("\"\"")).data);
    assert_null(cleat__json_text(cleat_slice_of("1")).data);
    assert_null(cleat__json_text(cleat_slice_of("\"")).data);
    assert_null(cleat__json_text((cleat_slice){NULL, 0}).data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_found_as_they_stand),
        cmocka_unit_test(members_of_members_are_not_taken_for_its_own),
        cmocka_unit_test(the_first_of_a_name_counts),
        cmocka_unit_test(escapes_do_not_end_a_string),
        cmocka_unit_test(what_is_malformed_has_no_members),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(numbers_are_read_with_and_without_quotes),
        cmocka_unit_test(text_is_what_is_between_quotes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
