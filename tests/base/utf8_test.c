#include "base_test.h"

#include "base/utf8.h"

typedef struct utf8_case {
    const char *text;
    size_t valid;
} utf8_case;

static const utf8_case cases[] = {
    {"", 0},
    {"plain", 5},
    {"eight of them, and more", 23},
    {"\xC3\xA4", 2},
    {"\xE2\x82\xAC", 3},
    {"\xF0\x9F\x98\x80", 4},
    {"\xF4\x8F\xBF\xBF", 4},     /* U+10FFFF */
    {"ab\xC3", 2},               /* cut */
    {"ab\xE2\x82", 2},           /* cut */
    {"12345678\xF0\x9F\x98", 8}, /* cut behind eight ASCII bytes */
    {"1234567\xC3\xA4\xC3\xA4z", 12},
    {"\x80", 0},             /* continuation first */
    {"\xC0\xAF", 0},         /* overlong */
    {"\xC1\xBF", 0},         /* overlong */
    {"\xE0\x9F\xBF", 0},     /* overlong */
    {"\xF0\x8F\xBF\xBF", 0}, /* overlong */
    {"\xED\xA0\x80", 0},     /* surrogate */
    {"\xED\x9F\xBF", 3},     /* just below the surrogates */
    {"\xEE\x80\x80", 3},     /* just above */
    {"\xF4\x90\x80\x80", 0}, /* above U+10FFFF */
    {"\xF5\x80\x80\x80", 0},
    {"\xFF", 0},
    {"\xE2\x28\xA1", 0},
    {"\xE2\x82\x28", 0},
    {"\xC3\x28", 0},
};

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t size = strlen(cases[i].text);
        /* A block of the exact size, so that a sanitizer sees a read behind it. */
        char *text = malloc(size + 1);
        memcpy(text, cases[i].text, size);
        text = realloc(text, size != 0 ? size : 1);
        size_t valid = cleat__utf8_valid_prefix(text, size);
        free(text);
        if (valid != cases[i].valid) {
            fail_msg("case %zu: %zu, not %zu", i, valid, cases[i].valid);
        }
    }
}

static void test_every_code_point(void **state)
{
    (void)state;
    for (uint32_t code = 0x800; code < 0x120000; code += 7) {
        char text[4];
        size_t size = code < 0x10000 ? 3 : 4;
        for (size_t i = size - 1; i > 0; i--) {
            text[i] = (char)(0x80 | ((code >> (6 * (size - 1 - i))) & 0x3F));
        }
        text[0] = (char)(size == 3 ? 0xE0 | code >> 12 : 0xF0 | code >> 18);
        bool valid = code < 0x110000 && (code < 0xD800 || code > 0xDFFF);
        assert_int_equal(cleat__utf8_valid_prefix(text, size), valid ? size : 0);
    }
}

static void test_cuts_at_a_character(void **state)
{
    (void)state;
    const char *text = "a\xE2\x82\xAC\xE2\x82\xAC";
    const size_t cut[] = {0, 1, 1, 1, 4, 4, 4, 7};
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(cleat__utf8_valid_prefix(text, i), cut[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_every_code_point),
        cmocka_unit_test(test_cuts_at_a_character),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
