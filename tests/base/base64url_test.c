#include "base_test.h"

#include "base/base64url.h"

static void assert_decodes(const char *text, const char *bytes, size_t size)
{
    uint8_t out[64];
    size_t decoded = 99;
    assert_true(cleat__base64url_decode(cleat_slice_of(text), out, &decoded));
    assert_int_equal(decoded, size);
    assert_memory_equal(out, bytes, size);
    assert_true(CLEAT__BASE64URL_DECODED(strlen(text)) >= size);
}

/* RFC 4648 section 10, without padding. */
static void test_vectors(void **state)
{
    (void)state;
    assert_decodes("", "", 0);
    assert_decodes("Zg", "f", 1);
    assert_decodes("Zm8", "fo", 2);
    assert_decodes("Zm9v", "foo", 3);
    assert_decodes("Zm9vYg", "foob", 4);
    assert_decodes("Zm9vYmE", "fooba", 5);
    assert_decodes("Zm9vYmFy", "foobar", 6);
    assert_decodes("-_-_", "\xFB\xFF\xBF", 3);
    assert_decodes("AAAA", "\0\0\0", 3);
}

static void test_what_is_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "Z", "Zm9vY", "Zg==", "Zm8=", "Zh", "Zm9", "Z g", "Zm9v\n", "+/+/", "Zm9\xC3", "Zm9v.", "\xFF\xFF",
    };
    uint8_t out[64];
    size_t size;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (cleat__base64url_decode(cleat_slice_of(cases[i]), out, &size)) {
            fail_msg("taken: %s", cases[i]);
        }
    }
}

/* Of all texts of two and three characters exactly one stands for each content. */
static void test_one_text_for_each_content(void **state)
{
    (void)state;
    static bool seen[65536];
    int taken = 0;
    for (int i = 0; i < 256 * 256 * 256; i++) {
        char text[3] = {(char)(i >> 16), (char)(i >> 8), (char)i};
        uint8_t out[5];
        size_t size;
        if (cleat__base64url_decode((cleat_slice){text, 3}, out, &size)) {
            assert_int_equal(size, 2);
            assert_false(seen[out[0] << 8 | out[1]]);
            seen[out[0] << 8 | out[1]] = true;
            taken++;
        }
    }
    assert_int_equal(taken, 65536);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_one_text_for_each_content),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
