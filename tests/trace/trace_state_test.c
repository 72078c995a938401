#include "propagation_test.h"

typedef struct trace_state_case {
    const char *header;
    const char *kept; /* NULL: invalid */
} trace_state_case;

static const trace_state_case cases[] = {
    {"", ""},
    {"a=1", "a=1"},
    {"foo=1,bar=2", "foo=1,bar=2"},
    /* Blanks around members, empty members. */
    {"foo=1 \t , \t bar=2, \t baz=3", "foo=1,bar=2,baz=3"},
    {" foo=1", "foo=1"},
    {"\tfoo=1\t", "foo=1"},
    {"foo=1,", "foo=1"},
    {",foo=1", "foo=1"},
    {"foo=1,,,bar=2", "foo=1,bar=2"},
    {"foo=1, ,\t,bar=2", "foo=1,bar=2"},
    {" , ", ""},
    /* Keys. */
    {"0a=1", "0a=1"},
    {"a_-*/@z9=1", "a_-*/@z9=1"},
    {"t-1@sys=1", "t-1@sys=1"},
    {"0@s=1", "0@s=1"},
    {"a@=1", "a@=1"},
    {"a@b@c=1", "a@b@c=1"},
    {"@a=1", NULL},
    {"_a=1", NULL},
    {"-a=1", NULL},
    {"*a=1", NULL},
    {"/a=1", NULL},
    {"A=1", NULL},
    {"aB=1", NULL},
    {"a b=1", NULL},
    {"a =1", NULL},
    {"a\t=1", NULL},
    {"a.b=1", NULL},
    {"a\xE4=1", NULL},
    {"=1", NULL},
    {"=", NULL},
    {"a", NULL},
    {"foo=1,bar", NULL},
    {"foo=1,BAR=2", NULL},
    /* Values. */
    {"a=!\"#$%&'()*+-./:;<>?@[\\]^_`{|}~", "a=!\"#$%&'()*+-./:;<>?@[\\]^_`{|}~"},
    {"a=b c", "a=b c"},
    {"a= b", "a= b"},
    {"a=b ", "a=b"},
    {"a=", NULL},
    {"a= ", NULL},
    {"a=b=c", NULL},
    {"a==", NULL},
    {"a=b\tc", NULL},
    {"a=\x7F", NULL},
    {"a=\x1F", NULL},
    {"a=\xC3\xA4", NULL},
    {"foo=1;bar=2", NULL},
    {"foo=1,a=", NULL},
    /* Of equal keys the first stays. */
    {"foo=1,foo=1", "foo=1"},
    {"foo=1,bar=2,foo=3", "foo=1,bar=2"},
};

static void test_parse(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        cleat_span_context context = valid_span_context();
        assert_int_equal(cleat_trace_state_set(&context, "old", cleat_slice_of("1")), CLEAT_OK);
        cleat_slice header = exact_copy(cases[i].header);
        cleat_status status = cleat_trace_state_parse(&context, header);
        exact_free(header);
        cleat_status expected = cases[i].kept != NULL ? CLEAT_OK : CLEAT_INVALID_ARGUMENT;
        if (status != expected) {
            fail_msg("\"%s\": %s", cases[i].header, cleat_status_name(status));
        }
        assert_trace_state(&context, cases[i].kept != NULL ? cases[i].kept : "");
    }
    cleat_span_context context = {0};
    assert_int_equal(cleat_trace_state_parse(&context, (cleat_slice){NULL, 0}), CLEAT_OK);
    assert_int_equal(cleat_trace_state_parse(&context, (cleat_slice){"a=1\0", 4}), CLEAT_INVALID_ARGUMENT);
}

/* "<prefix>xxx=yyy" with so many x and y. */
static const char *long_member(char *text, const char *prefix, int key_size, int value_size)
{
    char *at = text + sprintf(text, "%s", prefix);
    memset(at, 'x', (size_t)key_size);
    at += key_size;
    *at++ = '=';
    memset(at, 'y', (size_t)value_size);
    at[value_size] = '\0';
    return text;
}

static void test_lengths(void **state)
{
    (void)state;
    char text[1024];
    cleat_span_context context = {0};
    assert_int_equal(cleat_trace_state_parse(&context, cleat_slice_of(long_member(text, "", 256, 1))),
                     CLEAT_OK);
    assert_int_equal(context.trace_state_size, 258);
    assert_int_equal(cleat_trace_state_parse(&context, cleat_slice_of(long_member(text, "", 257, 1))),
                     CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_trace_state_parse(&context, cleat_slice_of(long_member(text, "", 1, 256))),
                     CLEAT_OK);
    assert_int_equal(context.trace_state_size, 258);
    assert_int_equal(cleat_trace_state_parse(&context, cleat_slice_of(long_member(text, "", 1, 257))),
                     CLEAT_INVALID_ARGUMENT);
    /* Valid, but larger than what is carried. */
    assert_int_equal(cleat_trace_state_parse(&context, cleat_slice_of(long_member(text, "", 256, 256))),
                     CLEAT_OK);
    assert_int_equal(context.trace_state_size, 0);
    assert_int_equal(cleat_trace_state_parse(&context, cleat_slice_of(long_member(text, "", 256, 255))),
                     CLEAT_OK);
    assert_int_equal(context.trace_state_size, 512);
}

static size_t write_members(char *text, int count)
{
    size_t size = 0;
    for (int i = 0; i < count; i++) {
        size += (size_t)sprintf(text + size, "%sk%02d=%d", i != 0 ? "," : "", i, i);
    }
    return size;
}

static void test_member_limit(void **state)
{
    (void)state;
    char text[1024];
    cleat_span_context context = {0};
    size_t size = write_members(text, 32);
    assert_int_equal(cleat_trace_state_parse(&context, (cleat_slice){text, size}), CLEAT_OK);
    assert_int_equal(context.trace_state_size, size);
    /* Empty members do not count. */
    memcpy(text + size, ",,,,", 4);
    assert_int_equal(cleat_trace_state_parse(&context, (cleat_slice){text, size + 4}), CLEAT_OK);
    size = write_members(text, 33);
    assert_int_equal(cleat_trace_state_parse(&context, (cleat_slice){text, size}), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(context.trace_state_size, 0);
}

static void test_too_long_drops_large_members_first(void **state)
{
    (void)state;
    char large_first[300], large_second[300], large_third[300], text[1024];
    long_member(large_first, "b", 1, 190);
    long_member(large_second, "d", 1, 190);
    long_member(large_third, "f", 1, 190);
    sprintf(text, "a=1,%s,c=2,%s,e=3,%s,g=4", large_first, large_second, large_third);
    cleat_span_context context = {0};
    assert_int_equal(cleat_trace_state_parse(&context, cleat_slice_of(text)), CLEAT_OK);
    /* One is enough, and it is the last of them. */
    char expected[1024];
    sprintf(expected, "a=1,%s,c=2,%s,e=3,g=4", large_first, large_second);
    assert_trace_state(&context, expected);
}

static void test_too_long_drops_from_the_end(void **state)
{
    (void)state;
    char text[2048] = "", member[200];
    for (int i = 0; i < 6; i++) {
        char prefix[3] = {(char)('a' + i), '-', '\0'};
        strcat(text, i != 0 ? "," : "");
        strcat(text, long_member(member, prefix, 1, 120)); /* 124 each */
    }
    cleat_span_context context = {0};
    assert_int_equal(cleat_trace_state_parse(&context, cleat_slice_of(text)), CLEAT_OK);
    assert_int_equal(context.trace_state_size, 4 * 124 + 3);
    assert_memory_equal(context.trace_state, text, context.trace_state_size);
}

static void test_get(void **state)
{
    (void)state;
    cleat_span_context context = {0};
    assert_slice(cleat_trace_state_get(&context, "a"), NULL);
    assert_int_equal(cleat_trace_state_parse(&context, cleat_slice_of("ab=1,a=2,t@s=3")), CLEAT_OK);
    assert_slice(cleat_trace_state_get(&context, "a"), "2");
    assert_slice(cleat_trace_state_get(&context, "ab"), "1");
    assert_slice(cleat_trace_state_get(&context, "t@s"), "3");
    assert_slice(cleat_trace_state_get(&context, "b"), NULL);
    assert_slice(cleat_trace_state_get(&context, ""), NULL);
    assert_ptr_equal(cleat_trace_state_get(&context, "a").data, context.trace_state + 7);
}

static void test_set_goes_to_the_front(void **state)
{
    (void)state;
    cleat_span_context context = {0};
    assert_int_equal(cleat_trace_state_set(&context, "a", cleat_slice_of("1")), CLEAT_OK);
    assert_trace_state(&context, "a=1");
    assert_int_equal(cleat_trace_state_set(&context, "b", cleat_slice_of("2")), CLEAT_OK);
    assert_trace_state(&context, "b=2,a=1");
    assert_int_equal(cleat_trace_state_set(&context, "a", cleat_slice_of("3")), CLEAT_OK);
    assert_trace_state(&context, "a=3,b=2");
    /* Also from a value that lies in the tracestate itself. */
    assert_int_equal(cleat_trace_state_set(&context, "b", cleat_trace_state_get(&context, "a")), CLEAT_OK);
    assert_trace_state(&context, "b=3,a=3");
    cleat_trace_state_delete(&context, "c");
    assert_trace_state(&context, "b=3,a=3");
    cleat_trace_state_delete(&context, "b");
    assert_trace_state(&context, "a=3");
    cleat_trace_state_delete(&context, "a");
    assert_trace_state(&context, "");
}

static void test_set_refuses(void **state)
{
    (void)state;
    char text[300];
    cleat_span_context context = {0};
    assert_int_equal(cleat_trace_state_set(&context, "a", cleat_slice_of("1")), CLEAT_OK);
    memset(text, 'x', sizeof(text));
    text[257] = '\0';
    assert_int_equal(cleat_trace_state_set(&context, text, cleat_slice_of("1")), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_trace_state_set(&context, "a", cleat_slice_of(text)), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_trace_state_set(&context, "", cleat_slice_of("1")), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_trace_state_set(&context, NULL, cleat_slice_of("1")), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_trace_state_set(&context, "B", cleat_slice_of("1")), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_trace_state_set(&context, "a", cleat_slice_of("")), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_trace_state_set(&context, "a", (cleat_slice){NULL, 0}), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_trace_state_set(&context, "a", cleat_slice_of("1,b=2")), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_trace_state_set(&context, "a", cleat_slice_of("1 ")), CLEAT_INVALID_ARGUMENT);
    text[256] = '\0';
    assert_int_equal(cleat_trace_state_set(&context, text, cleat_slice_of(text)), CLEAT_TOO_LARGE);
    assert_trace_state(&context, "a=1");
}

static void test_set_keeps_within_the_limits(void **state)
{
    (void)state;
    char text[1024];
    cleat_span_context context = {0};
    size_t size = write_members(text, 32);
    assert_int_equal(cleat_trace_state_parse(&context, (cleat_slice){text, size}), CLEAT_OK);
    assert_int_equal(cleat_trace_state_set(&context, "new", cleat_slice_of("1")), CLEAT_OK);
    assert_slice(cleat_trace_state_get(&context, "new"), "1");
    assert_slice(cleat_trace_state_get(&context, "k30"), "30");
    assert_slice(cleat_trace_state_get(&context, "k31"), NULL);

    memset(text, 'x', 256);
    assert_int_equal(cleat_trace_state_set(&context, "big", (cleat_slice){text, 256}), CLEAT_OK);
    assert_int_equal(cleat_trace_state_set(&context, "big2", (cleat_slice){text, 241}), CLEAT_OK);
    assert_true(context.trace_state_size <= CLEAT_TRACE_STATE_MAX);
    assert_slice(cleat_trace_state_get(&context, "new"), NULL);
    assert_int_equal(cleat_trace_state_get(&context, "big").size, 256);
    assert_int_equal(cleat_trace_state_get(&context, "big2").size, 241);
}

/* A user's sampler may have written anything into the struct. */
static void test_a_tracestate_written_by_hand(void **state)
{
    (void)state;
    cleat_span_context context = {0};
    memset(context.trace_state, ',', sizeof(context.trace_state));
    memcpy(context.trace_state, " a=1 , junk ,, b=2 ", 19);
    context.trace_state_size = UINT16_MAX;
    assert_slice(cleat_trace_state_get(&context, "a"), "1");
    assert_int_equal(cleat_trace_state_set(&context, "c", cleat_slice_of("3")), CLEAT_OK);
    assert_trace_state(&context, "c=3,a=1,junk,b=2");
    memset(context.trace_state, 'x', sizeof(context.trace_state));
    context.trace_state_size = UINT16_MAX;
    cleat_trace_state_delete(&context, "c");
    assert_int_equal(context.trace_state_size, CLEAT_TRACE_STATE_MAX);
}

static bool may_be_in_value(int byte)
{
    return byte >= 0x20 && byte <= 0x7E && byte != ',' && byte != '=';
}

/* Values are looked at several characters at a time: every character at every place of them. */
static void test_every_character_of_a_value_counts(void **state)
{
    (void)state;
    for (size_t size = 1; size <= 20; size++) {
        for (size_t at = 0; at < size; at++) {
            for (int byte = 0; byte < 256; byte++) {
                char text[] = "k=xxxxxxxxxxxxxxxxxxxx";
                bool is_blank = byte == ' ' || byte == '\t';
                bool at_end = at + 1 == size && at > 0 && (is_blank || byte == ',');
                bool valid = at_end || (may_be_in_value(byte) && (byte != ' ' || size > 1));
                text[2 + at] = (char)byte;
                cleat_slice header = {text, 2 + size};
                cleat_span_context context = {0};
                if ((cleat_trace_state_parse(&context, header) == CLEAT_OK) != valid) {
                    fail_msg("character %d at %zu of %zu", byte, at, size);
                }
            }
        }
    }
}

static void test_null_is_told(void **state)
{
    (void)state;
    assert_int_equal(cleat_trace_state_parse(NULL, cleat_slice_of("a=1")), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_trace_state_set(NULL, "a", cleat_slice_of("1")), CLEAT_INVALID_ARGUMENT);
    assert_slice(cleat_trace_state_get(NULL, "a"), NULL);
    cleat_trace_state_delete(NULL, "a");
    cleat_span_context context = {0};
    assert_slice(cleat_trace_state_get(&context, NULL), NULL);
    cleat_trace_state_delete(&context, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_member_limit),
        cmocka_unit_test(test_too_long_drops_large_members_first),
        cmocka_unit_test(test_too_long_drops_from_the_end),
        cmocka_unit_test(test_get),
        cmocka_unit_test(test_set_goes_to_the_front),
        cmocka_unit_test(test_set_refuses),
        cmocka_unit_test(test_set_keeps_within_the_limits),
        cmocka_unit_test(test_a_tracestate_written_by_hand),
        cmocka_unit_test(test_every_character_of_a_value_counts),
        cmocka_unit_test(test_null_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
