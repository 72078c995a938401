#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "model/labels.h"
#include "model/worker.h"

#include <stdio.h>

static cleat__label number(const char *key, int32_t value)
{
    return (cleat__label){cleat_slice_of(key), {.is_number = true, .number = value}};
}

static cleat__label word(const char *key, const char *value)
{
    return (cleat__label){cleat_slice_of(key), {.text = cleat_slice_of(value)}};
}

static void assert_text(cleat__buffer *text, const char *expected)
{
    cleat__buffer_append_byte(text, '\0');
    assert_string_equal((const char *)text->data, expected);
    cleat__buffer_deinit(text);
}

static void assert_labels(const cleat__labels *labels, const char *expected)
{
    cleat__buffer text = {0};
    cleat__labels_encode(labels->items, labels->count, &text);
    assert_text(&text, expected);
}

static void test_labels_are_read_back(void **state)
{
    (void)state;
    const char *text = "{\"a\":\"x\\\"y\",\"n\":-7,\"empty\":\"\"}";
    cleat__labels *labels = NULL;
    assert_int_equal(cleat__labels_decode(cleat_slice_of(text), &labels), CLEAT_OK);
    assert_labels(labels, text);
    cleat__free(labels);
    assert_int_equal(cleat__labels_decode(cleat_slice_of("{}"), &labels), CLEAT_OK);
    assert_int_equal(labels->count, 0);
    cleat__free(labels);
    static const char *const bad[] = {"", "[]", "{\"a\":null}", "{\"a\":1.5}", "5"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(cleat__labels_decode(cleat_slice_of(bad[i]), &labels), CLEAT_CORRUPT);
        assert_null(labels);
    }
}

static void test_merging_is_by_key(void **state)
{
    (void)state;
    const cleat__label first[] = {word("a", "1"), word("b", "2")};
    const cleat__label second[] = {number("b", 5), word("c", "x"), word("c", "y")};
    cleat__labels *one = cleat__labels_merge(NULL, first, 2);
    assert_labels(one, "{\"a\":\"1\",\"b\":\"2\"}");
    cleat__labels *both = cleat__labels_merge(one, second, 3);
    assert_labels(both, "{\"a\":\"1\",\"b\":5,\"c\":\"y\"}");
    cleat__free(one);
    cleat__free(both);
}

static void test_comparators(void **state)
{
    (void)state;
    const struct {
        cleat__label has, desired;
        cleat__comparator comparator;
        bool is_met;
    } cases[] = {
        {word("k", "a"), word("k", "a"), CLEAT__COMPARATOR_EQUAL, true},
        {word("k", "a"), word("k", "b"), CLEAT__COMPARATOR_EQUAL, false},
        {word("k", "5"), number("k", 5), CLEAT__COMPARATOR_EQUAL, false},
        {number("k", 5), number("k", 5), CLEAT__COMPARATOR_EQUAL, true},
        {word("other", "a"), word("k", "a"), CLEAT__COMPARATOR_EQUAL, false},
        {word("k", "a"), word("k", "b"), CLEAT__COMPARATOR_NOT_EQUAL, true},
        {number("k", 5), number("k", 5), CLEAT__COMPARATOR_NOT_EQUAL, false},
        {word("other", "a"), word("k", "a"), CLEAT__COMPARATOR_NOT_EQUAL, false},
        {number("k", 6), number("k", 5), CLEAT__COMPARATOR_GREATER_THAN, true},
        {number("k", 5), number("k", 5), CLEAT__COMPARATOR_GREATER_THAN, false},
        {number("k", 5), number("k", 5), CLEAT__COMPARATOR_GREATER_THAN_OR_EQUAL, true},
        {number("k", 4), number("k", 5), CLEAT__COMPARATOR_GREATER_THAN_OR_EQUAL, false},
        {number("k", 4), number("k", 5), CLEAT__COMPARATOR_LESS_THAN, true},
        {number("k", 5), number("k", 5), CLEAT__COMPARATOR_LESS_THAN, false},
        {number("k", 5), number("k", 5), CLEAT__COMPARATOR_LESS_THAN_OR_EQUAL, true},
        {number("k", 6), number("k", 5), CLEAT__COMPARATOR_LESS_THAN_OR_EQUAL, false},
        {word("k", "9"), number("k", 5), CLEAT__COMPARATOR_GREATER_THAN, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cleat__labels *labels = cleat__labels_merge(NULL, &cases[i].has, 1);
        for (int is_required = 0; is_required < 2; is_required++) {
            cleat__desired_label item = {.key = cases[i].desired.key,
                                         .value = cases[i].desired.value,
                                         .comparator = cases[i].comparator,
                                         .weight = 30,
                                         .is_required = is_required != 0};
            cleat__buffer text = {0};
            cleat__desired_labels *desired = NULL;
            cleat__desired_labels_encode(&item, 1, &text);
            assert_int_equal(cleat__desired_labels_decode(cleat__buffer_slice(&text), &desired), CLEAT_OK);
            cleat__buffer_deinit(&text);
            int64_t rank = 1;
            bool may = cleat__desired_labels_rank(desired, NULL, labels, &rank);
            assert_int_equal(may, cases[i].is_met || is_required == 0);
            assert_int_equal(rank, cases[i].is_met ? 31 : 1);
            rank = 1;
            assert_true(cleat__desired_labels_rank(desired, desired, labels, &rank)); /* none counts */
            assert_int_equal(rank, 1);
            cleat__free(desired);
        }
        cleat__free(labels);
    }
}

static void test_what_is_refused(void **state)
{
    (void)state;
    static char large[CLEAT__LABEL_SIZE_MAX + 2];
    memset(large, 'a', sizeof(large) - 1);
    const cleat__label bad[] = {word("", "x"), word(large, "x"), word("k", large)};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(cleat__labels_check(&bad[i], 1), CLEAT_INVALID_ARGUMENT);
        const cleat__desired_label desired = {.key = bad[i].key, .value = bad[i].value};
        assert_int_equal(cleat__desired_labels_check(&desired, 1), CLEAT_INVALID_ARGUMENT);
    }
    cleat__desired_label odd = {.key = {"k", 1}, .value = {.text = {"v", 1}}};
    assert_int_equal(cleat__desired_labels_check(&odd, 1), CLEAT_OK);
    assert_int_equal(cleat__desired_labels_check(&odd, CLEAT__LABELS_MAX + 1), CLEAT_INVALID_ARGUMENT);
    cleat__desired_label many[CLEAT__LABELS_MAX];
    large[CLEAT__LABEL_SIZE_MAX] = '\0';
    for (size_t i = 0; i < CLEAT__LABELS_MAX; i++) {
        many[i] = (cleat__desired_label){.key = {"k", 1}, .value = word("", large).value};
    }
    assert_int_equal(cleat__desired_labels_check(many, CLEAT__LABELS_MAX), CLEAT_OK);
    assert_int_equal(cleat__wish_check(many, 8), CLEAT_OK);
    assert_int_equal(cleat__wish_check(many, CLEAT__LABELS_MAX), CLEAT_INVALID_ARGUMENT); /* in all */
    odd.comparator = CLEAT__COMPARATOR_GREATER_THAN;
    assert_int_equal(cleat__desired_labels_check(&odd, 1), CLEAT_INVALID_ARGUMENT);
    odd.comparator = (cleat__comparator)6;
    assert_int_equal(cleat__desired_labels_check(&odd, 1), CLEAT_INVALID_ARGUMENT);
}

static void test_wishes(void **state)
{
    (void)state;
    cleat__uuid id = {{1, 2, 3}}, nil = {{0}};
    cleat__buffer text = {0};
    cleat__wish wish;
    cleat__wish_encode(&id, NULL, 0, &text);
    assert_int_equal(cleat__wish_decode(cleat__buffer_slice(&text), &wish), CLEAT_OK);
    assert_true(cleat__uuid_equals(&wish.worker, &id));
    assert_null(wish.labels);
    assert_text(&text, "{\"worker\":\"01020300-0000-0000-0000-000000000000\",\"labels\":[]}");
    const cleat__desired_label label = {.key = {"k", 1}, .value = {.text = {"v", 1}}};
    cleat__wish_encode(&nil, &label, 1, &text);
    assert_int_equal(cleat__wish_decode(cleat__buffer_slice(&text), &wish), CLEAT_OK);
    assert_true(cleat__uuid_is_nil(&wish.worker));
    assert_int_equal(wish.labels->count, 1);
    cleat__free(wish.labels);
    cleat__buffer_deinit(&text);
    static const char *const bad[] = {"", "{}", "{\"worker\":\"x\",\"labels\":[]}",
                                      "{\"worker\":\"\",\"labels\":1}"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(cleat__wish_decode(cleat_slice_of(bad[i]), &wish), CLEAT_CORRUPT);
        assert_null(wish.labels);
    }
}

static void test_actions_of_a_worker(void **state)
{
    (void)state;
    const cleat_slice items[] = {cleat_slice_of("My:Task"), cleat_slice_of("a:b")};
    cleat__buffer text = {0};
    cleat__names *names = NULL;
    cleat__actions_encode(items, 2, &text);
    assert_int_equal(cleat__names_decode(cleat__buffer_slice(&text), &names), CLEAT_OK);
    assert_int_equal(names->count, 2);
    assert_true(cleat_slice_equals(names->items[0], cleat_slice_of("my:task")));
    assert_true(cleat_slice_equals(names->items[1], cleat_slice_of("a:b")));
    cleat__free(names);
    assert_text(&text, "[\"my:task\",\"a:b\"]");
    static const char *const bad[] = {"", "{}", "[1]"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(cleat__names_decode(cleat_slice_of(bad[i]), &names), CLEAT_CORRUPT);
        assert_null(names);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_labels_are_read_back),
        cmocka_unit_test(test_merging_is_by_key),
        cmocka_unit_test(test_comparators),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_wishes),
        cmocka_unit_test(test_actions_of_a_worker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
