#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/alloc.h"
#include "model/expression.h"
#include "support/failing_allocator.h"

#include <stdio.h>
#include <stdlib.h>

static cleat__expression_variables variables(void)
{
    return (cleat__expression_variables){
        .input = cleat_slice_of(
            "{\"name\":\"crate\",\"total\":120.5,\"count\":3,\"big\":123456789012345678901234567890,"
            "\"tags\":[\"red\",\"large\"],\"items\":[{\"price\":1},{\"price\":2}],"
            "\"empty\":null,\"paid\":true,\"customer\":{\"country\":\"de\"},\"odd key\":1}"),
        .output = cleat_slice_of("{\"skipped\":true}"),
        .additional_metadata = cleat_slice_of("{\"region\":\"eu\"}"),
        .event_key = cleat_slice_of("order:paid"),
        .workflow_run_id = cleat_slice_of("\"quoted\""),
    };
}

static cleat_status test(const char *text, bool *result)
{
    cleat__expression_variables values = variables();
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

static void assert_all_fail(const failure *cases, size_t count, cleat_status wanted)
{
    for (size_t i = 0; i < count; i++) {
        bool result = true;
        cleat_status status = test(cases[i].text, &result);
        if (status != wanted || strstr(cleat_error_message(), cases[i].message) == NULL) {
            fail_msg("%s: %s, %s", cases[i].text, cleat_status_name(status), cleat_error_message());
        }
    }
}

#define ASSERT_ALL_TRUE(cases)         assert_all_true(cases, sizeof(cases) / sizeof((cases)[0]))
#define ASSERT_ALL_FAIL(cases, status) assert_all_fail(cases, sizeof(cases) / sizeof((cases)[0]), status)

/* ---- Values ---- */

static void test_literals(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "true",
        "!false",
        "null == null",
        "0x1F == 31",
        "0XfU == 15u",
        "9223372036854775807 > 0",
        "-9223372036854775808 < 0",
        "-0x8000000000000000 == -9223372036854775808",
        "18446744073709551615u > 9223372036854775807",
        "1.5 == 15e-1",
        ".5 == 0.5",
        "1e3 == 1000.0",
        "1E+3 == 1000",
        "007 == 7",
        "007.5 == 7.5",
        "[1, 2, 3,] == [1, 2, 3]",
        "{'a': 1, 'b': 2,} == {'b': 2, 'a': 1}",
        "{} != []",
        "[] == []",
        "{1: 'a', 2u: 'b', true: 'c'}[true] == 'c'",
        "type(1) == int && type(1u) == uint && type(1.0) == double",
        "type('') == string && type(b'') == bytes && type(true) == bool",
        "type([]) == list && type({}) == map && type(null) == null_type && type(int) == type",
        "true // and what it means",
        " \t\r\n true",
    };
    ASSERT_ALL_TRUE(cases);
}

static void test_strings(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "'a' == \"a\"",
        "'\"' == \"\\\"\"",
        "'''it's ''' == \"it's \"",
        "\"\"\"two\nlines\"\"\" == 'two\\nlines'",
        "r'\\d' == '\\\\d'",
        "R\"\"\"\\\"\"\" == '\\\\'",
        "'\\x41\\X42\\u0043\\U00000044\\105' == 'ABCDE'",
        "'\\a\\b\\f\\n\\r\\t\\v\\\\\\?\\'\\`' == '\\x07\\x08\\x0c\\x0a\\x0d\\x09\\x0b\\x5c?\\x27`'",
        "'\\u00fc' == 'ü' && '\\xfc' == 'ü' && '\\374' == 'ü'",
        "'\\U0001F600' == '😀'",
        "b'\\xfc' != b'ü' && b'ü' == b'\\xc3\\xbc'",
        "b'\\374' == b'\\xfc'",
        "br'\\x41' == b'\\\\x41' && rb'' == Br\"\"",
        "size('\\x00a') == 2",
    };
    ASSERT_ALL_TRUE(cases);
}

static void test_precedence(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "1 + 2 * 3 == 7",
        "(1 + 2) * 3 == 9",
        "10 - 4 - 3 == 3",
        "100 / 10 / 5 == 2",
        "7 % 4 * 2 == 6",
        "-2 * -3 == 6",
        "- -2 == 2",
        "---2 == -2",
        "!!true",
        "!(1 == 2) && 2 == 2",
        "false && false || true",
        "true || false && false",
        "1 < 2 == true",
        "1 in [1] && 2 in [2]",
        "false ? false : true ? true : false",
        "true ? true : (1 / 0 == 0)",
        "(false ? 1 : 2) == 2",
        "true || true ? true : false",
        "1 + 1 in [2]",
        "[1, 2][1] + 1 == 3",
        "-[1][0] == -1",
        "{'a': {'b': [5]}}.a.b[0] == 5",
    };
    ASSERT_ALL_TRUE(cases);
}

static void test_arithmetic(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "-7 / 2 == -3",
        "-7 % 2 == -1",
        "7u / 2u == 3u",
        "7u % 4u == 3u",
        "7.0 / 2.0 == 3.5",
        "1.0 / 0.0 == double('inf')",
        "-1.0 / 0.0 < -1e308",
        "0.0 / 0.0 != 0.0 / 0.0",
        "'a' + 'b' + '' == 'ab'",
        "b'a' + b'\\xff' == b'a\\xff'",
        "[1] + [] + [2] == [1, 2]",
        "9223372036854775806 + 1 == 9223372036854775807",
    };
    ASSERT_ALL_TRUE(cases);
    static const failure failures[] = {
        {"9223372036854775807 + 1 > 0", "+ is out of range"},
        {"-9223372036854775808 - 1 < 0", "- is out of range"},
        {"9223372036854775807 * 2 > 0", "* is out of range"},
        {"-9223372036854775808 / -1 > 0", "/ is out of range"},
        {"-9223372036854775808 % -1 == 0", "% is out of range"},
        {"- -9223372036854775808 > 0", "- is out of range"},
        {"0u - 1u > 0u", "- is out of range"},
        {"18446744073709551615u + 1u > 0u", "+ is out of range"},
        {"1 / 0 == 1", "division by zero"},
        {"1 % 0 == 1", "division by zero"},
        {"1u / 0u == 1u", "division by zero"},
        {"1 + 1u == 2", "no + of int and uint"},
        {"1 + 1.0 == 2", "no + of int and double"},
        {"input.count + 1 == 4", "no + of double and int"},
        {"'a' + 1 == 'a1'", "no + of string and int"},
        {"'a' * 2 == 'aa'", "no * of string and int"},
        {"'a' - 'a' == ''", "no - of string and string"},
        {"5.0 % 2.0 == 1.0", "no % of double and double"},
        {"true + true", "no + of bool and bool"},
        {"-'a' == ''", "no - of string"},
        {"-1u == 1", "no - of uint"},
        {"!1", "of the type int, not bool"},
    };
    ASSERT_ALL_FAIL(failures, CLEAT_INVALID_ARGUMENT);
}

static void test_comparisons(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "1 == 1.0 && 1u == 1 && 1.0 == 1u",
        "1 < 1.5 && 1.5 < 2u && -1 < 0u",
        "9007199254740993 > 9007199254740992.0",
        "9007199254740993 != 9007199254740992.0",
        "9223372036854775807 < 9223372036854775808.0",
        "18446744073709551615u < 1e300 && -1e300 < 0u",
        "!(0.0 / 0.0 < 1) && !(1 > 0.0 / 0.0) && !(1 >= 0.0 / 0.0) && !(1u == 0.0 / 0.0)",
        "'a' < 'b' && 'a' < 'aa' && '' < 'a' && 'Z' < 'a'",
        "b'a' <= b'a' && b'\\xff' > b'a'",
        "false < true && true >= true",
        "1 != '1' && 'a' != b'a' && null != false && [] != {}",
        "[1, 'a', [2.0]] == [1.0, 'a', [2]]",
        "[1, 2] != [2, 1] && [1] != [1, 1]",
        "{'a': 1} != {'a': 2} && {'a': 1} != {'b': 1} && {1: 1} == {1u: 1u}",
        "0.0 == -0.0",
        "1 in [1.0] && !(1 in []) && 'a' in {'a': 1} && !('1' in {1: 1})",
        "'red' in input.tags && 'name' in input && !('nope' in input) && !(1 in input)",
    };
    ASSERT_ALL_TRUE(cases);
    static const failure failures[] = {
        {"1 < 'a'", "no < of int and string"},  {"[] < [1]", "no < of list and list"},
        {"null <= null", "no <= of null_type"}, {"1 in 'a'", "no in of int and string"},
        {"true > 0", "no > of bool and int"},
    };
    ASSERT_ALL_FAIL(failures, CLEAT_INVALID_ARGUMENT);
}

/* ---- Fields ---- */

static void test_variables(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "input.name == 'crate' && input['name'] == 'crate'",
        "input.total > 100.0 && input.total > 100",
        "input.count == 3 && type(input.count) == double",
        "int(input.count) % 2 == 1",
        "input.big > 1e29",
        "input.empty == null && input.paid",
        "input.tags[1] == 'large' && input.tags[1.0] == 'large' && input.tags[1u] == 'large'",
        "input.items[0].price + input.items[1].price == 3.0",
        "input['odd key'] == 1",
        "output.skipped == true",
        "additional_metadata.region in ['eu', 'us']",
        "event_key == 'order:paid' && workflow_run_id == '\"quoted\"'",
        "has(input.customer.country) && !has(input.customer.city) && has(input.empty)",
        "has({'a': 1}.a) && !has({}.a)",
        "input.customer == {'country': 'de'}",
        "size(input) == 10",
        "{'if': 1}.if == 1",
    };
    ASSERT_ALL_TRUE(cases);
    static const failure failures[] = {
        {"input.city == 'x'", "no such key: city"},
        {"has(input.city.name)", "no such key: city"},
        {"input['city'] == 1", "no such key: city"},
        {"input[1] == 1", "no such key"},
        {"input.name.first == ''", "no field first in a value of the type string"},
        {"has(input.name.first)", "no field first in a value of the type string"},
        {"input.tags[2] == ''", "no such index in a list of 2"},
        {"input.tags[-1] == ''", "no such index"},
        {"input.tags[0.5] == ''", "no such index"},
        {"input.tags['a'] == ''", "no such index"},
        {"input.name[0] == 'c'", "no element of a value of the type string"},
        {"payload.a == 1", "there is no payload here"},
        {"event_id == ''", "there is no event_id here"},
        {"{'a': 1, 'a': 2}.a == 1", "a map has a key twice"},
        {"{1: 1, 1u: 2}[1] == 1", "a map has a key twice"},
        {"{1.0: 1} == {}", "a key of a map is of the type double"},
        {"input", "its value is of the type map, not bool"},
        {"input.name", "its value is of the type string, not bool"},
    };
    ASSERT_ALL_FAIL(failures, CLEAT_INVALID_ARGUMENT);
}

/* Many expressions look at one value, which is parsed once. */
static void test_what_was_parsed_is_kept(void **state)
{
    (void)state;
    char json[] = "{\"a\":1}";
    cleat__expression_parsed parsed = {{NULL}};
    cleat__expression_variables values = {.parsed = &parsed, .input = cleat_slice_of(json)};
    cleat__expression *expression;
    bool result;
    assert_int_equal(cleat__expression_compile(cleat_slice_of("input.a == 1"), &expression), CLEAT_OK);
    assert_int_equal(cleat__expression_test(expression, &values, &result), CLEAT_OK);
    assert_true(result);
    memset(json, '!', strlen(json)); /* not looked at any more */
    assert_int_equal(cleat__expression_test(expression, &values, &result), CLEAT_OK);
    assert_true(result);
    cleat__expression_parsed_deinit(&parsed);
    assert_int_equal(cleat__expression_test(expression, &values, &result), CLEAT_INVALID_ARGUMENT);
    cleat__expression_parsed_deinit(&parsed);
    cleat__expression_free(expression);
}

static void test_several_have_so_many_steps_together(void **state)
{
    (void)state;
    size_t steps = 50;
    cleat__expression_variables values = {.steps = &steps, .input = cleat_slice_of("{\"a\":1}")};
    cleat__expression *expression;
    bool result;
    int count = 0;
    cleat_status status;
    assert_int_equal(cleat__expression_compile(cleat_slice_of("input.a == 1"), &expression), CLEAT_OK);
    while ((status = cleat__expression_test(expression, &values, &result)) == CLEAT_OK) {
        count++;
    }
    assert_int_equal(status, CLEAT_RESOURCE_EXHAUSTED);
    assert_non_null(strstr(cleat_error_message(), "together with those of the same call"));
    assert_in_range(count, 2, 25);
    assert_int_equal(steps, 0);
    values.steps = NULL;
    assert_int_equal(cleat__expression_test(expression, &values, &result), CLEAT_OK);
    cleat__expression_free(expression);
}

static void test_json_that_is_none(void **state)
{
    (void)state;
    cleat__expression_variables broken = {.input = cleat_slice_of("{\"a\":")};
    cleat__expression *expression;
    bool result;
    assert_int_equal(cleat__expression_compile(cleat_slice_of("true || input.a"), &expression), CLEAT_OK);
    assert_int_equal(cleat__expression_test(expression, &broken, &result), CLEAT_OK); /* not looked at */
    cleat__expression_free(expression);
    assert_int_equal(cleat__expression_compile(cleat_slice_of("input.a"), &expression), CLEAT_OK);
    assert_int_equal(cleat__expression_test(expression, &broken, &result), CLEAT_INVALID_ARGUMENT);
    assert_non_null(strstr(cleat_error_message(), "input is not JSON"));
    cleat__expression_free(expression);
}

/* ---- One side decides ---- */

static void test_logic_forgets_errors_that_do_not_matter(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "true || input.nope",
        "input.nope || true",
        "input.nope == 1 || 1 / 0 == 1 || true",
        "!(false && input.nope)",
        "!(input.nope && false)",
        "1 || true",
        "!('a' && false)",
        "[0, 1].exists(x, 1 / x == 1)",
        "![0, 1].all(x, 1 / x == 2)",
        "has(input.nope) ? input.nope == 1 : true",
    };
    ASSERT_ALL_TRUE(cases);
    static const failure failures[] = {
        {"false || input.nope", "no such key: nope"},
        {"input.nope || false", "no such key: nope"},
        {"true && input.nope", "no such key: nope"},
        {"input.first || input.second", "no such key: first"},
        {"1 || false", "not bool"},
        {"input.nope ? true : true", "no such key: nope"},
        {"1 ? true : true", "not bool"},
        {"[0, 1].exists(x, 1 / x == 5)", "division by zero"},
        {"[0, 1].all(x, 1 / x == 1)", "division by zero"},
    };
    ASSERT_ALL_FAIL(failures, CLEAT_INVALID_ARGUMENT);
}

/* ---- Macros ---- */

static void test_loops(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "[1, 2, 3].all(x, x > 0) && ![1, 2, 3].all(x, x > 1) && [].all(x, false)",
        "[1, 2, 3].exists(x, x == 2) && ![].exists(x, true)",
        "[1, 2, 3].exists_one(x, x > 2) && ![1, 2, 3].exists_one(x, x > 1) && [1].existsOne(x, true)",
        "[1, 2, 3].map(x, x * 2) == [2, 4, 6]",
        "[1, 2, 3].map(x, x > 1, x * 2) == [4, 6]",
        "[1, 2, 3].filter(x, x % 2 == 1) == [1, 3]",
        "{'a': 1, 'b': 2}.all(k, k in ['a', 'b'])",
        "size(input.map(k, k)) == size(input)",
        "input.items.all(i, i.price >= 1)",
        "input.items.map(i, i.price) == [1, 2]",
        "input.items.filter(i, i.price > 1)[0].price == 2",
        "[[1, 2], [3]].all(x, x.all(y, y > 0))",
        "[1, 2].all(x, [3, 4].all(y, x < y)) && [1].all(x, [2].all(x, x == 2) && x == 1)",
        "[1].all(input, input == 1) && input.name == 'crate'",
        "[1, 2].map(x, [x].map(y, y + x)[0]) == [2, 4]",
        "[1, 2, 3].filter(x, x > 1).map(x, x + 1).exists(x, x == 4)",
    };
    ASSERT_ALL_TRUE(cases);
    static const failure failures[] = {
        {"(1).all(x, true)", "a loop over a value of the type int"},
        {"[1].all(x, x)", "of the type int, not bool"},
        {"[1, 0].exists_one(x, 1 / x == 1)", "division by zero"},
        {"[0].map(x, 1 / x) == []", "division by zero"},
        {"[0].filter(x, 1 / x == 1) == []", "division by zero"},
        {"[1].all(x, true) && x == 1", "there is no variable x"},
        {"[x].all(x, true)", "there is no variable x"},
    };
    ASSERT_ALL_FAIL(failures, CLEAT_INVALID_ARGUMENT);
}

/* ---- What does not compile ---- */

static void test_what_is_refused(void **state)
{
    (void)state;
    static const failure cases[] = {
        {"", "character 1: expected a value, the text ends"},
        {"  // nothing", "expected a value, the text ends"},
        {"1 +", "character 4: expected a value, the text ends"},
        {"'a' 'b'", "character 5: expected an operator or the end, not 'b'"},
        {"1 2", "character 3: expected an operator or the end, not 2"},
        {"(1", "expected \")\" or an operator, the text ends"},
        {"[1", "expected \",\" or \"]\", the text ends"},
        {"[1, 2", "expected \",\" or \"]\", the text ends"},
        {"[,]", "character 2: expected a value, not ,"},
        {"{'a'}", "character 5: expected \":\" and the key's value, not }"},
        {"{'a': 1 'b'}", "expected \",\" or \"}\", not 'b'"},
        {"size(1,)", "character 8: expected a value, not )"},
        {"true ? 1", "expected \":\" and the other branch"},
        {"a = 1", "character 3: the operator is =="},
        {"input.a & true", "the operator is &&"},
        {"input.a | true", "the operator is ||"},
        {"input.", "expected the name of a field or method"},
        {"input.1", "character 6: expected an operator or the end, not .1"},
        {"input[", "expected a value"},
        {"input[1", "expected \"]\""},
        {"@", "character 1: \"@\" means nothing here"},
        {"'ä' + ä", "character 7: a character that means nothing here"},
        {"nope == 1", "character 1: there is no variable nope"},
        {"if", "there is no variable if"},
        {"in [1]", "expected a value, not in"},
        {"nope(1)", "there is no function nope()"},
        {"'a'.nope()", "there is no method nope()"},
        {"size()", "size() does not take 0 arguments"},
        {"'a'.size(1)", "size() does not take 1 arguments"},
        {"'a'.startsWith('a', 'b')", "startsWith() does not take 2 arguments"},
        {"startsWith('a', 'b')", "there is no function startsWith()"},
        {"'a'.matches('b')", "there is no method matches()"},
        {"timestamp('2026-01-01T00:00:00Z')", "there is no function timestamp()"},
        {"has(input)", "has() wants one field"},
        {"has(input.a, input.b)", "expected \")\", not ,"},
        {"has()", "expected a value"},
        {"[1].all(1, true)", "expected the name of a variable, not 1"},
        {"[1].all(true, true)", "expected the name of a variable, not true"},
        {"[1].all(x)", "expected \",\" behind the variable"},
        {"[1].all(x, true, true)", "expected (variable, condition), not 3 parts"},
        {"[1].map(x, true, 1, 2)", "not 4 parts"},
    };
    ASSERT_ALL_FAIL(cases, CLEAT_INVALID_ARGUMENT);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(cleat__expression_check(cleat_slice_of(cases[i].text)), CLEAT_INVALID_ARGUMENT);
    }
    assert_int_equal(cleat__expression_check(cleat_slice_of("input.a == 1")), CLEAT_OK);
}

static void test_literals_that_are_refused(void **state)
{
    (void)state;
    static const failure cases[] = {
        {"9223372036854775808", "an int above 9223372036854775807"},
        {"-9223372036854775809", "a uint ends with u"},
        {"18446744073709551616u", "a number above 64 bits"},
        {"0x", "0x wants hexadecimal digits"},
        {"0x1g", "character 4: expected an operator or the end, not g"},
        {"1e999", "a number that is no double"},
        {"1u2", "expected an operator or the end, not 2"},
        {"'a", "character 1: a string without its closing '"},
        {"'a\nb'", "a string without its closing '"},
        {"'''a''", "a string without its closing three '"},
        {"'\\", "an escape is cut"},
        {"'\\q'", "character 2: no such escape"},
        {"'\\x4'", "an escape of 2 hexadecimal digits is cut or too large"},
        {"'\\08a'", "an escape of 3 octal digits"},
        {"'\\u12'", "an escape of 4 hexadecimal digits"},
        {"'\\ud800'", "no character of Unicode"},
        {"'\\U00110000'", "no character of Unicode"},
        {"b'\\u0041'", "\\u is not for bytes"},
        {"'\xff'", "a byte that is not UTF-8"},
    };
    ASSERT_ALL_FAIL(cases, CLEAT_INVALID_ARGUMENT);
}

/* ---- Bounds ---- */

static char *repeated(const char *before, const char *part, size_t count, const char *after)
{
    size_t size = strlen(before) + strlen(part) * count + strlen(after) + 1;
    char *text = malloc(size);
    assert_non_null(text);
    strcpy(text, before);
    for (size_t i = 0; i < count; i++) {
        memcpy(text + strlen(before) + i * strlen(part), part, strlen(part));
    }
    strcpy(text + strlen(before) + count * strlen(part), after);
    return text;
}

static void assert_check(char *text, cleat_status wanted, const char *message)
{
    cleat_status status = cleat__expression_check(cleat_slice_of(text));
    if (status != wanted || (wanted != CLEAT_OK && strstr(cleat_error_message(), message) == NULL)) {
        fail_msg("%.40s: %s, %s", text, cleat_status_name(status), cleat_error_message());
    }
    free(text);
}

static void test_bounds_of_the_text(void **state)
{
    (void)state;
    assert_check(repeated("", "(", 99, "1"), CLEAT_INVALID_ARGUMENT, "expected \")\"");
    assert_check(repeated("", "(", 20000, "1"), CLEAT_INVALID_ARGUMENT, "nested deeper than 100 levels");
    assert_check(repeated("", "[", 20000, ""), CLEAT_INVALID_ARGUMENT, "nested deeper");
    assert_check(repeated("", "{1:", 20000, ""), CLEAT_INVALID_ARGUMENT, "nested deeper");
    assert_check(repeated("", "true?1:", 9000, "1"), CLEAT_INVALID_ARGUMENT, "nested deeper");
    assert_check(repeated("", "size(", 9000, ""), CLEAT_INVALID_ARGUMENT, "nested deeper");
    assert_check(repeated("[]", ".all(x,[]", 5000, ""), CLEAT_INVALID_ARGUMENT, "nested deeper");
    assert_check(repeated("input", ".a", 20000, ""), CLEAT_INVALID_ARGUMENT, "more than 250 operations");
    assert_check(repeated("1", "+1", 20000, ""), CLEAT_INVALID_ARGUMENT, "more than 250 operations");
    assert_check(repeated("1", "+1", 200, ""), CLEAT_OK, "");
    assert_check(repeated("", "!", 20000, "true"), CLEAT_OK, "");
    assert_check(repeated("true", "||true", 10000, ""), CLEAT_OK, "");
    assert_check(repeated("true", "||true", 20000, ""), CLEAT_TOO_LARGE, "at most 65536");
    assert_check(repeated("[1", ",1", 30000, "]"), CLEAT_OK, "");
    assert_check(repeated("[''", ",''''''", 9000, "]"), CLEAT_OK, "");
}

static void test_bounds_of_an_evaluation(void **state)
{
    (void)state;
    static const failure cases[] = {
        {"[0,1,2,3,4,5,6,7,8,9].all(a, [0,1,2,3,4,5,6,7,8,9].all(b, [0,1,2,3,4,5,6,7,8,9].all(c, "
         "[0,1,2,3,4,5,6,7,8,9].all(d, [0,1,2,3,4,5,6,7,8,9].all(e, true)))))",
         "takes more than 100000 steps"},
    };
    ASSERT_ALL_FAIL(cases, CLEAT_RESOURCE_EXHAUSTED);
    /* What takes too long is not forgotten as an error is. */
    bool result = true;
    char *text = repeated("true || ", "", 0, cases[0].text);
    assert_int_equal(test(text, &result), CLEAT_OK);
    free(text);
    text = repeated(cases[0].text, " || ", 1, "true");
    assert_int_equal(test(text, &result), CLEAT_RESOURCE_EXHAUSTED);
    assert_false(result);
    free(text);
    /* 16 characters become eight times as many, eight times. */
    text = repeated("['0123456789abcdef']", ".map(s, s+s+s+s+s+s+s+s)", 8, "[0] == ''");
    assert_int_equal(test(text, &result), CLEAT_RESOURCE_EXHAUSTED);
    free(text);
}

/* ---- Results ---- */

static void test_texts_and_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text, *result;
    } texts[] = {
        {"input.name", "crate"},
        {"'user:' + string(input.count)", "user:3"},
        {"input.customer.country + '/' + additional_metadata.region", "de/eu"},
        {"''", ""},
        {"true", NULL},
        {"input.count", NULL},
        {"input.nope", NULL},
    };
    cleat__expression_variables values = variables();
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        cleat__expression *expression;
        char *result;
        size_t size = 99;
        assert_int_equal(cleat__expression_compile(cleat_slice_of(texts[i].text), &expression), CLEAT_OK);
        cleat_status status = cleat__expression_text(expression, &values, &result, &size);
        assert_int_equal(status, texts[i].result != NULL ? CLEAT_OK : CLEAT_INVALID_ARGUMENT);
        if (texts[i].result != NULL) {
            assert_string_equal(result, texts[i].result);
            assert_int_equal(size, strlen(texts[i].result));
        } else {
            assert_null(result);
            assert_int_equal(size, 0);
        }
        cleat__free(result);
        cleat__expression_free(expression);
    }
    static const struct {
        const char *text;
        cleat_status status;
        int64_t result;
    } numbers[] = {
        {"1 + 2", CLEAT_OK, 3},
        {"-1", CLEAT_OK, -1},
        {"input.count", CLEAT_OK, 3},
        {"7u", CLEAT_OK, 7},
        {"input.total", CLEAT_INVALID_ARGUMENT, 0},
        {"18446744073709551615u", CLEAT_INVALID_ARGUMENT, 0},
        {"1e300", CLEAT_INVALID_ARGUMENT, 0},
        {"0.0 / 0.0", CLEAT_INVALID_ARGUMENT, 0},
        {"'3'", CLEAT_INVALID_ARGUMENT, 0},
    };
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        cleat__expression *expression;
        int64_t result = 99;
        assert_int_equal(cleat__expression_compile(cleat_slice_of(numbers[i].text), &expression), CLEAT_OK);
        assert_int_equal(cleat__expression_number(expression, &values, &result), numbers[i].status);
        assert_int_equal(result, numbers[i].result);
        cleat__expression_free(expression);
    }
}

static void test_an_expression_outlives_its_text(void **state)
{
    (void)state;
    char text[] = "input.name == 'crate' && input.customer.country == r'de'";
    cleat__expression_variables values = variables();
    cleat__expression *expression;
    assert_int_equal(cleat__expression_compile(cleat_slice_of(text), &expression), CLEAT_OK);
    memset(text, 'x', sizeof(text));
    for (int i = 0; i < 3; i++) {
        bool result = false;
        assert_int_equal(cleat__expression_test(expression, &values, &result), CLEAT_OK);
        assert_true(result);
    }
    cleat__expression_free(expression);
    cleat__expression_free(NULL);
}

/* ---- Memory ---- */

static cleat_status evaluate_with(size_t fail_at, char **result)
{
    static const char text[] =
        "input.tags.map(t, t + '\\n' + string(size(t))).join(',').split('').join('-') + "
        "[input.name, 'a\\tb'].filter(x, x != '').join().upperAscii()";
    failing_allocator allocator;
    cleat__expression_variables values = variables();
    cleat__expression *expression;
    *result = NULL;
    failing_allocator_install(&allocator, fail_at);
    cleat_status status = cleat__expression_compile(cleat_slice_of(text), &expression);
    if (status == CLEAT_OK) {
        status = cleat__expression_text(expression, &values, result, NULL);
    }
    cleat__expression_free(expression);
    cleat_set_allocator(NULL);
    return status;
}

static void test_any_allocation_may_fail(void **state)
{
    (void)state;
    cleat_status status = CLEAT_NO_MEMORY;
    size_t calls = 0;
    while (status != CLEAT_OK) {
        char *result;
        status = evaluate_with(++calls, &result);
        assert_true(status == CLEAT_OK || status == CLEAT_NO_MEMORY);
        assert_int_equal(result != NULL, status == CLEAT_OK);
        free(result);
        assert_true(calls < 100);
    }
    assert_true(calls > 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_literals),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_precedence),
        cmocka_unit_test(test_arithmetic),
        cmocka_unit_test(test_comparisons),
        cmocka_unit_test(test_variables),
        cmocka_unit_test(test_what_was_parsed_is_kept),
        cmocka_unit_test(test_several_have_so_many_steps_together),
        cmocka_unit_test(test_json_that_is_none),
        cmocka_unit_test(test_logic_forgets_errors_that_do_not_matter),
        cmocka_unit_test(test_loops),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_literals_that_are_refused),
        cmocka_unit_test(test_bounds_of_the_text),
        cmocka_unit_test(test_bounds_of_an_evaluation),
        cmocka_unit_test(test_texts_and_numbers),
        cmocka_unit_test(test_an_expression_outlives_its_text),
        cmocka_unit_test(test_any_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
