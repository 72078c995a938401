#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/alloc.h"
#include "model/expression.h"

#include <stdio.h>
#include <stdlib.h>

static cleat_status test(const char *text, bool *result)
{
    cleat__expression_variables values = {.input =
                                              cleat_slice_of("{\"words\":[\"a\",\"b\"],\"id\":1234567}")};
    cleat__expression *expression;
    cleat_status status = cleat__expression_compile(cleat_slice_of(text), &expression);
    if (status == CLEAT_OK) {
        status = cleat__expression_test(expression, &values, result);
    }
    cleat__expression_free(expression);
    return status;
}

static void assert_all_true(const char *const *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool result = false;
        cleat_status status = test(cases[i], &result);
        if (status != CLEAT_OK || !result) {
            fail_msg("%s: %s", cases[i], status != CLEAT_OK ? cleat_error_message() : "false");
        }
    }
}

typedef struct failure {
    const char *text, *message;
} failure;

static void assert_all_fail(const failure *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool result = true;
        cleat_status status = test(cases[i].text, &result);
        if (status != CLEAT_INVALID_ARGUMENT || strstr(cleat_error_message(), cases[i].message) == NULL) {
            fail_msg("%s: %s, %s", cases[i].text, cleat_status_name(status), cleat_error_message());
        }
    }
}

#define ASSERT_ALL_TRUE(cases) assert_all_true(cases, sizeof(cases) / sizeof((cases)[0]))
#define ASSERT_ALL_FAIL(cases) assert_all_fail(cases, sizeof(cases) / sizeof((cases)[0]))

static void test_sizes(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "size('') == 0 && size('abc') == 3 && size('äöü😀') == 4 && 'ä'.size() == 1",
        "size(b'ä') == 2 && b''.size() == 0",
        "size([]) == 0 && [1, 2].size() == 2 && size({'a': 1}) == 1 && input.words.size() == 2",
    };
    ASSERT_ALL_TRUE(cases);
    static const failure failures[] = {
        {"size(1) == 1", "size() of a value of the type int"},
        {"null.size() == 1", "size() of a value of the type null_type"},
    };
    ASSERT_ALL_FAIL(failures);
}

static void test_conversions(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "int('42') == 42 && int('-42') == -42 && int('+1') == 1 && int(3u) == 3 && int(5) == 5",
        "int('-9223372036854775808') == -9223372036854775808",
        "int(2.9) == 2 && int(-2.9) == -2",
        "uint('42') == 42u && uint(3) == 3u && uint(2.9) == 2u && uint(1u) == 1u",
        "uint('18446744073709551615') == 18446744073709551615u",
        "double('1.5') == 1.5 && double('-1e3') == -1000.0 && double('.5') == 0.5 && double('007') == 7.0",
        "double(2) == 2.0 && double(2u) == 2.0 && double(1.5) == 1.5 && type(double('1')) == double",
        "double('Infinity') > 1e308 && double('-inf') < 0.0 && double('NaN') != double('NaN')",
        "string(1) == '1' && string(-9223372036854775808) == '-9223372036854775808' && string(7u) == '7'",
        "string(true) == 'true' && string('a') == 'a' && string(b'\\xc3\\xbc') == 'ü'",
        "string(1.0) == '1' && string(-0.5) == '-0.5' && string(0.1) == '0.1'",
        "string(1234567.0) == '1234567'",
        "string(123456789012345680.0) == '123456789012345680' && string(1e21) == '1e+21'",
        "string(0.0001) == '0.0001' && string(1.5e-7) == '1.5e-07' && string(2.5e300) == '2.5e+300'",
        "string(0.1 + 0.2) == '0.30000000000000004'",
        "string(1.0 / 0.0) == '+Inf' && string(-1.0 / 0.0) == '-Inf' && string(0.0 / 0.0) == 'NaN'",
        "string(input.id) == '1234567'",
        "bool('true') && bool('1') && bool('T') && !bool('False') && !bool('0') && bool(true)",
        "bytes('ü') == b'\\xc3\\xbc' && bytes(b'a') == b'a'",
        "dyn(1) == 1 && type(dyn('a')) == string && string(type(1) == int) == 'true'",
    };
    ASSERT_ALL_TRUE(cases);
    static const failure failures[] = {
        {"int('') == 0", "int() of \"\""},
        {"int('1.5') == 1", "int() of \"1.5\""},
        {"int('0x1') == 1", "int() of \"0x1\""},
        {"int('9223372036854775808') == 1", "int() of \"9223372036854775808\""},
        {"int('-') == 1", "int() of \"-\""},
        {"int(9223372036854775808u) == 1", "int() of a value of the type uint"},
        {"int(1e19) == 1", "int() of a value of the type double"},
        {"int(0.0 / 0.0) == 1", "int() of a value of the type double"},
        {"int(true) == 1", "int() of a value of the type bool"},
        {"uint(-1) == 1u", "uint() of a value of the type int"},
        {"uint('-1') == 1u", "uint() of \"-1\""},
        {"uint(-0.5) == 0u", "uint() of a value of the type double"},
        {"uint('18446744073709551616') == 0u", "uint() of"},
        {"double('') == 1.0", "double() of \"\""},
        {"double('1.') == 1.0", "double() of \"1.\""},
        {"double('--1') == 1.0", "double() of \"--1\""},
        {"double('1 ') == 1.0", "double() of \"1 \""},
        {"double('infinit') == 1.0", "double() of \"infinit\""},
        {"double('1e999') == 1.0", "double() of \"1e999\""},
        {"double('\\x001') == 1.0", "double() of"},
        {"double(null) == 1.0", "double() of a value of the type null_type"},
        {"string(null) == ''", "string() of a value of the type null_type"},
        {"string([]) == ''", "string() of a value of the type list"},
        {"string(b'\\xff') == ''", "string() of bytes that are not UTF-8"},
        {"bool('yes')", "bool() of \"yes\""},
        {"bool(1)", "bool() of a value of the type int"},
        {"bytes(1) == b''", "bytes() of a value of the type int"},
    };
    ASSERT_ALL_FAIL(failures);
}

static void test_questions_to_strings(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "'order:paid'.startsWith('order:') && 'a'.startsWith('') && !'a'.startsWith('ab')",
        "'a.txt'.endsWith('.txt') && 'a'.endsWith('') && !'a'.endsWith('ba')",
        "'abc'.contains('b') && 'abc'.contains('') && !'abc'.contains('ac') && ''.contains('')",
        "'aüa'.indexOf('a') == 0 && 'aüa'.indexOf('a', 1) == 2 && 'aüa'.indexOf('b') == -1",
        "'aüa'.indexOf('') == 0 && 'aüa'.indexOf('', 2) == 2 && 'aüa'.indexOf('a', 9) == -1",
        "'aüa'.lastIndexOf('a') == 2 && 'aüa'.lastIndexOf('a', 1) == 0 && 'aüa'.lastIndexOf('b') == -1",
        "'aüa'.lastIndexOf('') == 3 && 'aüa'.lastIndexOf('', 2) == 2 && 'aüa'.lastIndexOf('a', 9) == -1",
        "'aaaa'.lastIndexOf('aa') == 2 && 'abab'.lastIndexOf('ab', 1) == 0 && ''.lastIndexOf('a') == -1",
        "'a'.lastIndexOf('aa') == -1",
    };
    ASSERT_ALL_TRUE(cases);
    static const failure failures[] = {
        {"'a'.startsWith(1)", "startsWith() wants a string, not a value of the type int"},
        {"1.startsWith('a')", "startsWith() wants a string, not a value of the type int"},
        {"'a'.indexOf('a', 1u) == 0", "indexOf() wants a int"},
        {"'a'.indexOf('a', -1) == 0", "indexOf() from -1"},
        {"'a'.lastIndexOf('a', -1) == 0", "lastIndexOf() from -1"},
    };
    ASSERT_ALL_FAIL(failures);
}

static void test_parts_of_strings(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "'aüb'.charAt(1) == 'ü' && 'aüb'.charAt(2) == 'b' && 'aüb'.charAt(3) == '' && ''.charAt(0) == ''",
        "'tücke'.substring(1) == 'ücke' && 'tücke'.substring(1, 3) == 'üc' && 'tücke'.substring(5) == ''",
        "''.substring(0, 0) == '' && 'a'.substring(1, 1) == ''",
        "'  a b\\t\\n'.trim() == 'a b' && ''.trim() == '' && ' \\r\\n '.trim() == ''",
        "'\\u00a0\\u2003ü\\u3000'.trim() == 'ü' && '\\u200ba'.trim() == '\\u200ba'",
        "'a,b,c'.split(',') == ['a', 'b', 'c'] && 'a'.split(',') == ['a'] && ','.split(',') == ['', '']",
        "'a,b,c'.split(',', 2) == ['a', 'b,c'] && 'a,b'.split(',', 0) == []",
        "'a,b'.split(',', 1) == ['a,b']",
        "'a,b'.split(',', -1) == ['a', 'b'] && ''.split(',') == [''] && ''.split('') == []",
        "'aüb'.split('') == ['a', 'ü', 'b'] && 'abc'.split('', 2) == ['a', 'bc']",
    };
    ASSERT_ALL_TRUE(cases);
    static const failure failures[] = {
        {"'ab'.charAt(3) == ''", "charAt(3) is outside of the string"},
        {"'ab'.charAt(-1) == ''", "charAt(-1) is outside of the string"},
        {"'ab'.substring(3) == ''", "substring(3, 2) of 2 characters"},
        {"'ab'.substring(1, 0) == ''", "substring(1, 0)"},
        {"'ab'.substring(-1, 1) == ''", "substring(-1, 1)"},
        {"'ab'.substring(0, 3) == ''", "substring(0, 3)"},
    };
    ASSERT_ALL_FAIL(failures);
}

static void test_changed_strings(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "'TacoÄ'.lowerAscii() == 'tacoÄ' && 'TacoÄä@[`{'.upperAscii() == 'TACOÄä@[`{' && ''.upperAscii() == "
        "''",
        "'hello hello'.replace('he', 'we') == 'wello wello'",
        "'hello hello'.replace('he', 'we', 1) == 'wello hello' && 'aaa'.replace('a', 'b', 0) == 'aaa'",
        "'aaa'.replace('a', 'b', 2) == 'bba' && 'aaa'.replace('a', 'bb', -1) == 'bbbbbb'",
        "'aaa'.replace('aa', '') == 'a' && 'a'.replace('b', 'c') == 'a' && ''.replace('a', 'b') == ''",
        "'aüc'.replace('', '-') == '-a-ü-c-' && 'abc'.replace('', '-', 2) == '-a-bc'",
        "'abc'.replace('', '-', 3) == '-a-b-c' && 'abc'.replace('', '-', 4) == '-a-b-c-'",
        "''.replace('', '-') == '-' && 'abc'.replace('', '-', 0) == 'abc' && 'abc'.replace('', '-', 1) == "
        "'-abc'",
        "['a', 'b'].join() == 'ab' && ['a', 'b'].join(', ') == 'a, b' && [].join('-') == ''",
        "input.words.join('') == 'ab' && 'a b'.split(' ').join('+') == 'a+b'",
        "checksum('') == 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'",
        "checksum('abc') == 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'",
    };
    ASSERT_ALL_TRUE(cases);
    static const failure failures[] = {
        {"['a', 1].join() == ''", "join() of a list with a value of the type int"},
        {"'a'.join() == ''", "join() wants a list, not a value of the type string"},
        {"checksum(b'') == ''", "checksum() wants a string"},
    };
    ASSERT_ALL_FAIL(failures);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_conversions),
        cmocka_unit_test(test_questions_to_strings),
        cmocka_unit_test(test_parts_of_strings),
        cmocka_unit_test(test_changed_strings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
