/* What is looked at in requests of browsers, and what is sent to them compressed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/http_answer.h"
#include "server/http_browser.h"
#include "server/http_deflate.h"
#include "server/http_inflate.h"

#include <stdlib.h>

static const char loopback[] = "127.0.0.1:8733", everywhere[] = "0.0.0.0:8733";

static bool is_own(const char *host, const char *address)
{
    return cleat__http_host_is_own(host, address, address);
}

static void addresses_of_this_machine_are_its_own(void **state)
{
    static const char *const own[] = {"127.0.0.1:8733", "127.0.0.1",      "127.1.2.3:80",
                                      "localhost",      "LocalHost:8733", "[::1]",
                                      "[::1]:8733",     "localhost:",     "[::1]:"};
    (void)state;
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        assert_true(is_own(own[i], loopback));
        assert_true(is_own(own[i], everywhere));
    }
}

static void names_that_others_can_make_lead_here_are_not(void **state)
{
    static const char *const foreign[] = {"evil.example",
                                          "evil.example:8733",
                                          "localhost.evil.example",
                                          "127.0.0.1.nip.io",
                                          "localhost.",
                                          "",
                                          ":8733",
                                          "[::1",
                                          "[::1]x",
                                          "localhost:80x",
                                          "127.0.0.1@evil.example",
                                          "2130706433",
                                          "0x7f.1",
                                          "a/localhost"};
    (void)state;
    assert_false(is_own(NULL, loopback));
    for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
        assert_false(is_own(foreign[i], loopback));
        assert_false(is_own(foreign[i], everywhere));
    }
    char endless[600];
    memset(endless, 'a', sizeof(endless) - 1);
    endless[sizeof(endless) - 1] = '\0';
    assert_false(is_own(endless, loopback));
}

static void other_addresses_are_own_where_it_listens_for_others(void **state)
{
    (void)state;
    assert_false(is_own("192.0.2.1:8733", loopback));
    assert_false(is_own("[2001:db8::1]:8733", loopback));
    assert_true(is_own("192.0.2.1:8733", everywhere));
    assert_true(is_own("[2001:db8::1]:8733", "[::]:8733"));
}

static void the_name_that_it_was_told_to_listen_on_is_its_own(void **state)
{
    (void)state;
    assert_true(cleat__http_host_is_own("cleat.example:8733", "cleat.example:8733", "192.0.2.1:8733"));
    assert_true(cleat__http_host_is_own("CLEAT.example", "cleat.example:8733", "192.0.2.1:8733"));
    assert_false(cleat__http_host_is_own("other.example", "cleat.example:8733", "192.0.2.1:8733"));
}

static void gzip_is_sent_to_who_accepts_it(void **state)
{
    static const char *const yes[] = {"gzip",         "gzip, deflate, br", "br;q=1.0, GZIP;q=0.8",
                                      "deflate,gzip", "gzip;q=0.001",      "gzip ; q=1"};
    static const char *const no[] = {
        "", "identity", "br", "gzipped", "xgzip", "gzip;q=0", "gzip; q=0.000", "br, gzip;q=0.0, deflate"};
    (void)state;
    assert_false(cleat__http_accepts_gzip(NULL));
    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        assert_true(cleat__http_accepts_gzip(yes[i]));
    }
    for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
        assert_false(cleat__http_accepts_gzip(no[i]));
    }
}

static void a_tag_is_found_among_others(void **state)
{
    static const char *const yes[] = {"\"abc\"", "W/\"abc\"", "\"x\", \"abc\"", "\"x\",W/\"abc\" ,\"y\"",
                                      "*"};
    static const char *const no[] = {"", "abc", "\"ab\"", "\"abcd\"", "\"abc", "W/", "\"ABC\"", "\"x\""};
    (void)state;
    assert_false(cleat__http_has_tag(NULL, "abc"));
    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        assert_true(cleat__http_has_tag(yes[i], "abc"));
    }
    for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
        assert_false(cleat__http_has_tag(no[i], "abc"));
    }
}

static void what_is_packed_unpacks_to_the_same(void **state)
{
    enum { SIZE = 100000 };
    cleat__buffer text = {0}, packed = {0}, unpacked = {0};
    (void)state;
    for (unsigned i = 0; i < SIZE; i++) {
        cleat__buffer_append_byte(&text, (uint8_t)(i * i % 251));
    }
    cleat__http_deflate(cleat__buffer_slice(&text), &packed);
    assert_false(packed.failed);
    assert_true(packed.size < text.size / 2);
    assert_int_equal(cleat__http_inflate(cleat__buffer_slice(&packed), SIZE, &unpacked), CLEAT_OK);
    assert_true(cleat_slice_equals(cleat__buffer_slice(&unpacked), cleat__buffer_slice(&text)));
    cleat__buffer_deinit(&text);
    cleat__buffer_deinit(&packed);
    cleat__buffer_deinit(&unpacked);
}

static void an_answer_with_a_tag_is_not_packed(void **state)
{
    cleat__http_answer answer = {.tag = "abc"};
    (void)state;
    cleat__buffer_append_string(&answer.body, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    cleat__http_answer_pack(&answer);
    assert_false(answer.is_packed);
    answer.tag[0] = '\0';
    cleat__http_answer_pack(&answer);
    assert_true(answer.is_packed);
    assert_int_equal(answer.body.data[0], 0x1f);
    cleat__buffer_deinit(&answer.body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_of_this_machine_are_its_own),
        cmocka_unit_test(names_that_others_can_make_lead_here_are_not),
        cmocka_unit_test(other_addresses_are_own_where_it_listens_for_others),
        cmocka_unit_test(the_name_that_it_was_told_to_listen_on_is_its_own),
        cmocka_unit_test(gzip_is_sent_to_who_accepts_it),
        cmocka_unit_test(a_tag_is_found_among_others),
        cmocka_unit_test(what_is_packed_unpacks_to_the_same),
        cmocka_unit_test(an_answer_with_a_tag_is_not_packed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
