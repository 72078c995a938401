/* Texts that are too long for a sentence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "model/cut.h"

static void test_what_is_too_long_is_cut_behind_a_character(void **state)
{
    (void)state;
    cleat__buffer buffer = {0};
    cleat__cut_append(&buffer, cleat_slice_of("four"), 4);
    cleat__cut_append(&buffer, cleat_slice_of("|five5"), 5);
    cleat__cut_append(&buffer, cleat_slice_of("|a\xC3\xA4"), 3); /* a character of two bytes */
    cleat__cut_append(&buffer, cleat_slice_of("|a\xC3\xA4"), 4);
    cleat__cut_append(&buffer, (cleat_slice){NULL, 0}, 4);
    char *text = cleat__buffer_take_string(&buffer);
    assert_string_equal(text, "four|five…|a…|a\xC3\xA4");
    cleat__free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_too_long_is_cut_behind_a_character),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
