#include "base_test.h"

#include "base/hex.h"

static void test_both_ways(void **state)
{
    (void)state;
    const uint8_t bytes[] = {0x00, 0x0f, 0xa5, 0xff};
    uint8_t decoded[4];
    char text[9];
    cleat__hex_encode(bytes, 4, text);
    assert_string_equal(text, "000fa5ff");
    assert_true(cleat__hex_decode(cleat_slice_of(text), decoded, 4));
    assert_memory_equal(decoded, bytes, 4);
    for (int byte = 0; byte < 256; byte++) {
        uint8_t one = (uint8_t)byte, same;
        char expected[3];
        snprintf(expected, sizeof(expected), "%02x", (unsigned)byte);
        cleat__hex_encode(&one, 1, text);
        assert_string_equal(text, expected);
        assert_true(cleat__hex_decode(cleat_slice_of(text), &same, 1));
        assert_int_equal(same, byte);
    }
}

static void test_refuses(void **state)
{
    (void)state;
    uint8_t decoded[4];
    assert_false(cleat__hex_decode(cleat_slice_of("000fA5ff"), decoded, 4));
    assert_false(cleat__hex_decode(cleat_slice_of("000fa5f"), decoded, 4));
    assert_false(cleat__hex_decode(cleat_slice_of("000fa5ff0"), decoded, 4));
    assert_false(cleat__hex_decode(cleat_slice_of("000fa5f\xE9"), decoded, 4));
    for (int byte = 0; byte < 256; byte++) {
        const char first[2] = {(char)byte, '0'}, second[2] = {'0', (char)byte};
        bool valid = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f');
        assert_int_equal(cleat__hex_decode((cleat_slice){first, 2}, decoded, 1), valid);
        assert_int_equal(cleat__hex_decode((cleat_slice){second, 2}, decoded, 1), valid);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_ways),
        cmocka_unit_test(test_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
