/* The server's parts by themselves: targets, patterns, times, gzip. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/http_inflate.h"
#include "server/http_route.h"
#include "model/rfc3339.h"

#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#define ASSERT_SLICE(slice, text) assert_true(cleat_slice_equals(slice, cleat_slice_of(text)))

/* ---- Targets ---- */

static cleat_status read_target(const char *text, char copy[4096], cleat__http_target *out)
{
    snprintf(copy, 4096, "%s", text);
    return cleat__http_target_read(copy, out);
}

static void a_target_is_taken_apart(void **state)
{
    char text[4096];
    cleat__http_target target;
    (void)state;
    assert_int_equal(read_target("/a/%7bb%7D/c+d?x=1&&y&x=%26+%3d&=z&e=f=g", text, &target), CLEAT_OK);
    assert_int_equal(target.segment_count, 3);
    ASSERT_SLICE(target.segments[1], "{b}");
    ASSERT_SLICE(target.segments[2], "c+d");
    assert_int_equal(target.argument_count, 5);
    ASSERT_SLICE(target.arguments[1].name, "y");
    ASSERT_SLICE(target.arguments[1].value, "");
    ASSERT_SLICE(target.arguments[2].value, "& =");
    ASSERT_SLICE(target.arguments[3].name, "");
    ASSERT_SLICE(target.arguments[4].value, "f=g");
    cleat__http_target_deinit(&target);
    assert_int_equal(read_target("/", text, &target), CLEAT_OK);
    assert_int_equal(target.segment_count, 1);
    ASSERT_SLICE(target.segments[0], "");
    cleat__http_target_deinit(&target);
}

static void broken_targets_are_refused(void **state)
{
    static const char *const broken[] = {"",     "a",    "*",    "http://x/", "/%",       "/%1",
                                         "/%g0", "/%00", "/a?%", "/a?b=%0",   "/a?b=%00", "/a?%zz=1"};
    char text[4096], many[2048] = "/?";
    cleat__http_target target;
    (void)state;
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        assert_int_equal(read_target(broken[i], text, &target), CLEAT_INVALID_ARGUMENT);
        cleat__http_target_deinit(&target);
    }
    assert_int_equal(read_target("/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17", text, &target),
                     CLEAT_NOT_FOUND);
    cleat__http_target_deinit(&target);
    for (int i = 0; i < CLEAT__HTTP_ARGUMENTS_MAX; i++) {
        strcat(many, "a&");
    }
    assert_int_equal(read_target(many, text, &target), CLEAT_TOO_LARGE);
    cleat__http_target_deinit(&target);
}

/* ---- Routes ---- */

static void the_first_route_that_matches_is_it(void **state)
{
    static const cleat__http_route first[] = {{"GET", "/a/{x}/b", 0, NULL}, {"GET", "/a/c/{y}", 0, NULL}};
    static const cleat__http_route second[] = {{"POST", "/a/{x}/b", 0, NULL}};
    const cleat__http_table tables[] = {{first, 2, NULL}, {second, 1, NULL}};
    static const struct {
        const char *method, *path;
        cleat__http_match match;
        const cleat__http_route *route;
        const char *x;
    } cases[] = {
        {"GET", "/a/c/b", CLEAT__HTTP_FOUND, &first[0], "c"},
        {"HEAD", "/a/c/d", CLEAT__HTTP_FOUND, &first[1], NULL},
        {"POST", "/a/%2F/b", CLEAT__HTTP_FOUND, &second[0], "/"},
        {"POST", "/a/c/d", CLEAT__HTTP_NO_METHOD, NULL, NULL},
        {"GET", "/a//b", CLEAT__HTTP_NO_PATH, NULL, NULL},
        {"GET", "/a/x/b/", CLEAT__HTTP_NO_PATH, NULL, NULL},
        {"GET", "/a/x", CLEAT__HTTP_NO_PATH, NULL, NULL},
        {"GET", "/A/x/b", CLEAT__HTTP_NO_PATH, NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[4096];
        cleat__http_target target;
        const cleat__http_table *table = NULL;
        const cleat__http_route *route = NULL;
        assert_int_equal(read_target(cases[i].path, text, &target), CLEAT_OK);
        assert_int_equal(cleat__http_find(tables, 2, cases[i].method, &target, &table, &route),
                         cases[i].match);
        if (cases[i].route != NULL) {
            assert_ptr_equal(route, cases[i].route);
            ASSERT_SLICE(cleat__http_pattern_part(route->pattern, &target, "x"), cases[i].x);
        }
        cleat__http_target_deinit(&target);
    }
}

/* ---- Times ---- */

static void times_are_read_and_written(void **state)
{
    static const struct {
        const char *text;
        int64_t unix_ms;
    } good[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2026-07-11T08:12:01.123Z", 1783757521123},
        {"2026-07-11t08:12:01.1239999z", 1783757521123},
        {"2026-07-11T10:12:01.5+02:00", 1783757521500},
        {"2026-07-10T22:42:01-09:30", 1783757521000},
        {"2016-12-31T23:59:60Z", 1483228800000},
        {"2028-02-29T00:00:00Z", 1835395200000},
    };
    static const char *const bad[] = {"",
                                      "2026",
                                      "2026-07-11",
                                      "2026-07-11T08:12:01",
                                      "2026-07-11T08:12:01.Z",
                                      "2026-07-11T24:00:00Z",
                                      "2026-13-01T00:00:00Z",
                                      "2026-02-29T00:00:00Z",
                                      "2026-07-11T08:12:01+2:00",
                                      "2026-07-11T08:12:01Zx",
                                      "1969-12-31T23:59:59Z",
                                      "2026-07-11T08:12:01+24:00",
                                      "-026-07-11T08:12:01Z",
                                      "2026-07-11T08:60:01Z"};
    char text[CLEAT__RFC3339_SIZE];
    int64_t unix_ms;
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(cleat__rfc3339_parse(cleat_slice_of(good[i].text), &unix_ms));
        assert_int_equal(unix_ms, good[i].unix_ms);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(cleat__rfc3339_parse(cleat_slice_of(bad[i]), &unix_ms));
    }
    cleat__rfc3339_format(1783757521007, text);
    assert_string_equal(text, "2026-07-11T08:12:01.007Z");
}

/* ---- Gzip ---- */

static cleat__buffer pack(const char *text, size_t size)
{
    cleat__buffer out = {0};
    z_stream zip = {0};
    assert_int_equal(deflateInit2(&zip, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t room = deflateBound(&zip, size) + 32;
    zip.next_in = (Bytef *)(uintptr_t)text;
    zip.avail_in = (uInt)size;
    zip.next_out = cleat__buffer_reserve(&out, room);
    zip.avail_out = (uInt)room;
    assert_int_equal(deflate(&zip, Z_FINISH), Z_STREAM_END);
    out.size = room - zip.avail_out;
    deflateEnd(&zip);
    return out;
}

static cleat_status inflate_slice(cleat_slice packed, size_t max, cleat__buffer *out)
{
    cleat__buffer_clear(out);
    return cleat__http_inflate(packed, max, out);
}

static void gzip_is_unpacked_and_checked(void **state)
{
    (void)state;
    size_t size = 200000;
    char *text = malloc(size);
    for (size_t i = 0; i < size; i++) {
        text[i] = (char)(i * i >> 5);
    }
    cleat__buffer packed = pack(text, size), out = {0};
    assert_int_equal(inflate_slice(cleat__buffer_slice(&packed), size, &out), CLEAT_OK);
    assert_int_equal(out.size, size);
    assert_memory_equal(out.data, text, size);
    assert_int_equal(inflate_slice(cleat__buffer_slice(&packed), size - 1, &out), CLEAT_TOO_LARGE);
    for (size_t cut = 1; cut < 40; cut++) {
        cleat_slice slice = {(char *)packed.data, packed.size - cut};
        assert_int_equal(inflate_slice(slice, size, &out), CLEAT_INVALID_ARGUMENT);
    }
    assert_int_equal(inflate_slice((cleat_slice){(char *)packed.data, 0}, size, &out),
                     CLEAT_INVALID_ARGUMENT);
    /* Two members, one behind the other, are one text; with a byte behind them they are none. */
    cleat__buffer second = pack("end", 3);
    cleat__buffer_append(&packed, second.data, second.size);
    assert_int_equal(inflate_slice(cleat__buffer_slice(&packed), size + 3, &out), CLEAT_OK);
    assert_int_equal(out.size, size + 3);
    cleat__buffer_append_byte(&packed, 'x');
    assert_int_equal(inflate_slice(cleat__buffer_slice(&packed), size + 3, &out), CLEAT_INVALID_ARGUMENT);
    cleat__buffer_deinit(&second);
    cleat__buffer_deinit(&packed);
    cleat__buffer_deinit(&out);
    free(text);
}

static void a_bomb_costs_its_limit_only(void **state)
{
    (void)state;
    size_t size = (size_t)64 * 1024 * 1024, max = 100000;
    char *zeros = calloc(1, size);
    cleat__buffer packed = pack(zeros, size), out = {0};
    assert_true(packed.size < max);
    assert_int_equal(inflate_slice(cleat__buffer_slice(&packed), max, &out), CLEAT_TOO_LARGE);
    assert_true(out.capacity < 4 * max);
    cleat__buffer_deinit(&packed);
    cleat__buffer_deinit(&out);
    free(zeros);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_target_is_taken_apart),
        cmocka_unit_test(broken_targets_are_refused),
        cmocka_unit_test(the_first_route_that_matches_is_it),
        cmocka_unit_test(times_are_read_and_written),
        cmocka_unit_test(gzip_is_unpacked_and_checked),
        cmocka_unit_test(a_bomb_costs_its_limit_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
