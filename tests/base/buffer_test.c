#include "base_test.h"

#include "base/alloc.h"
#include "base/buffer.h"

#include <locale.h>

static int restore(void **state)
{
    (void)state;
    cleat_set_allocator(NULL);
    return 0;
}

static void assert_text(const cleat__buffer *buffer, const char *expected)
{
    cleat_slice text = cleat__buffer_slice(buffer);
    assert_false(buffer->failed);
    assert_int_equal(text.size, strlen(expected));
    assert_memory_equal(text.data, expected, text.size);
}

static void test_appends(void **state)
{
    (void)state;
    cleat__buffer buffer = {0};
    assert_null(cleat__buffer_slice(&buffer).data);
    cleat__buffer_append_string(&buffer, "");
    cleat__buffer_append_string(&buffer, NULL);
    assert_null(buffer.data);
    cleat__buffer_append_string(&buffer, "ab");
    cleat__buffer_append_byte(&buffer, 'c');
    cleat__buffer_append_slice(&buffer, (cleat_slice){"defg", 2});
    cleat__buffer_append(&buffer, "fg", 2);
    cleat__buffer_append_format(&buffer, " %d %s", 42, "x");
    assert_text(&buffer, "abcdefg 42 x");
    cleat__buffer_clear(&buffer);
    assert_int_equal(buffer.size, 0);
    assert_non_null(buffer.data);
    cleat__buffer_deinit(&buffer);
    assert_null(buffer.data);
}

static void test_reserve_does_not_count(void **state)
{
    (void)state;
    cleat__buffer buffer = {0};
    uint8_t *room = cleat__buffer_reserve(&buffer, 1000);
    memset(room, 'x', 1000);
    assert_int_equal(buffer.size, 0);
    buffer.size += 3;
    assert_text(&buffer, "xxx");
    assert_non_null(cleat__buffer_reserve(&buffer, 0));
    assert_null(cleat__buffer_reserve(&buffer, SIZE_MAX));
    assert_true(buffer.failed);
    cleat__buffer_deinit(&buffer);
}

static void test_format_longer_than_the_room(void **state)
{
    (void)state;
    for (int width = 55; width < 75; width++) {
        cleat__buffer buffer = {0};
        char expected[100];
        snprintf(expected, sizeof(expected), "%*d", width, 1);
        cleat__buffer_append_format(&buffer, "%*d", width, 1);
        assert_text(&buffer, expected);
        cleat__buffer_deinit(&buffer);
    }
}

/* With a decimal comma where the machine has such a locale. */
static void test_reals_have_a_point(void **state)
{
    (void)state;
    static const char *const locales[] = {"C", "de_DE.UTF-8", "fr_FR.UTF-8", "ps_AF.UTF-8"};
    for (size_t i = 0; i < sizeof(locales) / sizeof(locales[0]); i++) {
        cleat__buffer buffer = {0};
        setlocale(LC_NUMERIC, locales[i]);
        cleat__buffer_append_string(&buffer, "[1,");
        cleat__buffer_append_real(&buffer, 1.5);
        cleat__buffer_append_byte(&buffer, ',');
        cleat__buffer_append_real(&buffer, -2.5e-300);
        cleat__buffer_append_byte(&buffer, ',');
        cleat__buffer_append_real(&buffer, 2);
        assert_text(&buffer, "[1,1.5,-2.5e-300,2");
        cleat__buffer_deinit(&buffer);
    }
    setlocale(LC_NUMERIC, "C");
}

static void test_json(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *json;
    } cases[] = {
        {"", "\"\""},
        {"plain", "\"plain\""},
        {"a\"b\\c", "\"a\\\"b\\\\c\""},
        {"\n\r\t", "\"\\n\\r\\t\""},
        {"\x01x\x1F\x7F", "\"\\u0001x\\u001f\x7F\""},
        {"\xC3\xA4/\xF0\x9F\x98\x80", "\"\xC3\xA4/\xF0\x9F\x98\x80\""},
        {"a\xFFz", "\"a\xEF\xBF\xBDz\""},
        {"\xE2\x82", "\"\xEF\xBF\xBD\xEF\xBF\xBD\""},
        {"\xED\xA0\x80\"", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\\\"\""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cleat__buffer buffer = {0};
        cleat__buffer_append_json(&buffer, cleat_slice_of(cases[i].text));
        assert_text(&buffer, cases[i].json);
        cleat__buffer_deinit(&buffer);
    }
    cleat__buffer buffer = {0};
    cleat__buffer_append_json(&buffer, (cleat_slice){"a\0b", 3});
    assert_text(&buffer, "\"a\\u0000b\"");
    cleat__buffer_deinit(&buffer);
}

static void test_take_string(void **state)
{
    (void)state;
    cleat__buffer buffer = {0};
    char *text = cleat__buffer_take_string(&buffer);
    assert_string_equal(text, "");
    cleat__free(text);
    cleat__buffer_append_string(&buffer, "abc");
    text = cleat__buffer_take_string(&buffer);
    assert_string_equal(text, "abc");
    assert_null(buffer.data);
    assert_int_equal(buffer.size, 0);
    cleat__free(text);
}

static char *build_text(void)
{
    cleat__buffer buffer = {0};
    for (int i = 0; i < 100; i++) {
        cleat__buffer_append_format(&buffer, "line %d of text\n", i);
        cleat__buffer_append_json(&buffer, cleat_slice_of("\"quoted\"\n"));
        cleat__buffer_append_byte(&buffer, 0xFF);
    }
    return cleat__buffer_take_string(&buffer);
}

static void test_failure_sticks_at_each_allocation(void **state)
{
    (void)state;
    failing_allocator allocator;
    size_t fail_at = 1;
    for (;; fail_at++) {
        failing_allocator_install(&allocator, fail_at);
        char *text = build_text();
        if (text != NULL) {
            cleat__free(text);
            break;
        }
        assert_int_equal(allocator.live, 0);
        assert_int_equal(allocator.calls, fail_at);
    }
    assert_int_equal(allocator.live, 0);
    assert_true(fail_at > 3);
}

static void test_clear_forgets_a_failure(void **state)
{
    (void)state;
    failing_allocator allocator;
    failing_allocator_install(&allocator, 1);
    cleat__buffer buffer = {0};
    cleat__buffer_append_string(&buffer, "lost");
    assert_true(buffer.failed);
    allocator.fail_at = 0;
    cleat__buffer_append_string(&buffer, "lost too");
    assert_int_equal(buffer.size, 0);
    cleat__buffer_clear(&buffer);
    cleat__buffer_append_string(&buffer, "kept");
    assert_text(&buffer, "kept");
    cleat__buffer_deinit(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_appends),
        cmocka_unit_test(test_reserve_does_not_count),
        cmocka_unit_test(test_format_longer_than_the_room),
        cmocka_unit_test(test_reals_have_a_point),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_take_string),
        cmocka_unit_test_teardown(test_failure_sticks_at_each_allocation, restore),
        cmocka_unit_test_teardown(test_clear_forgets_a_failure, restore),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
