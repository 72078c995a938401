/* Runs that go on as others. */
#include "model/continued.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static cleat__uuid id_of(uint32_t number)
{
    cleat__uuid id = {{0}};
    memcpy(id.bytes, &number, sizeof(number));
    return id;
}

static bool go(cleat__continued_way *way, uint32_t number)
{
    char output[CLEAT__CONTINUED_SIZE];
    cleat__uuid id = id_of(number);
    cleat__continued_format(&id, output);
    return cleat__continued_go(way, cleat_slice_of(output));
}

static void test_an_output_says_it(void **state)
{
    (void)state;
    static const char *const others[] = {
        "",
        "null",
        "{\"cleat:continued_as\":\"\"}",
        "{\"cleat:continued_as\":\"01234567-0123-7123-8123-0123456789ag\"}",
        "{\"cleat:continued_as\":\"01234567-0123-7123-8123-0123456789ab\"} ",
        "{\"cleat:continued_at\":\"01234567-0123-7123-8123-0123456789ab\"}",
    };
    char output[CLEAT__CONTINUED_SIZE];
    cleat__uuid id = id_of(7), found;
    cleat__continued_format(&id, output);
    assert_true(cleat__continued_parse(cleat_slice_of(output), &found));
    assert_true(cleat__uuid_equals(&found, &id));
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        assert_false(cleat__continued_parse(cleat_slice_of(others[i]), &found));
    }
    assert_false(cleat__continued_parse((cleat_slice){NULL, 0}, &found));
}

static void test_a_way_is_followed_to_its_end(void **state)
{
    (void)state;
    cleat__continued_way way;
    cleat__uuid first = id_of(0), last = id_of(100000);
    cleat__continued_begin(&way, &first);
    for (uint32_t i = 1; i <= 100000; i++) {
        assert_true(go(&way, i));
    }
    assert_false(cleat__continued_go(&way, cleat_slice_of("null")));
    assert_true(cleat__uuid_equals(&way.at, &last));
}

/* Whatever the length of what leads there, and its own. */
static void test_a_circle_ends(void **state)
{
    (void)state;
    for (uint32_t before = 0; before < 20; before++) {
        for (uint32_t length = 1; length < 20; length++) {
            cleat__continued_way way;
            cleat__uuid first = id_of(0);
            uint32_t at = 0, steps = 0;
            cleat__continued_begin(&way, &first);
            do {
                at = at + 1 < before + length ? at + 1 : before;
                steps++;
                assert_true(steps < 4 * (before + length + 1));
            } while (go(&way, at));
            assert_true(steps >= before + length); /* each of them was come to */
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_output_says_it),
        cmocka_unit_test(test_a_way_is_followed_to_its_end),
        cmocka_unit_test(test_a_circle_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
