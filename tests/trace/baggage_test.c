#include "propagation_test.h"

#include "trace/baggage.h"

static int restore(void **state)
{
    (void)state;
    cleat_set_allocator(NULL);
    return 0;
}

/* Adds to `*baggage` in place. */
static void add(cleat_baggage **baggage, const char *key, const char *value, const char *metadata)
{
    cleat_baggage *added = cleat_baggage_with(*baggage, key, cleat_slice_of(value), metadata);
    assert_non_null(added);
    cleat_baggage_release(*baggage);
    *baggage = added;
}

static void assert_header(const cleat_baggage *baggage, const char *expected)
{
    char text[CLEAT__BAGGAGE_SIZE_MAX];
    assert_slice((cleat_slice){text, cleat__baggage_format(baggage, text)}, expected);
}

static void test_null_is_empty(void **state)
{
    (void)state;
    cleat_slice key;
    assert_null(cleat_baggage_retain(NULL));
    cleat_baggage_release(NULL);
    assert_int_equal(cleat_baggage_count(NULL), 0);
    assert_slice(cleat_baggage_get(NULL, "a"), NULL);
    assert_null(cleat_baggage_without(NULL, "a"));
    cleat_baggage_at(NULL, 0, &key, NULL, NULL);
    assert_slice(key, NULL);
    assert_header(NULL, "");
}

static void test_with_and_without(void **state)
{
    (void)state;
    cleat_baggage *baggage = NULL;
    cleat_slice key, value, metadata;
    add(&baggage, "a", "1", NULL);
    add(&baggage, "b", "2", "p=1;q");
    add(&baggage, "c", "", "");
    assert_int_equal(cleat_baggage_count(baggage), 3);
    assert_slice(cleat_baggage_get(baggage, "b"), "2");
    assert_slice(cleat_baggage_get(baggage, "c"), "");
    assert_slice(cleat_baggage_get(baggage, "d"), NULL);
    cleat_baggage_at(baggage, 1, &key, &value, &metadata);
    assert_slice(key, "b");
    assert_slice(value, "2");
    assert_slice(metadata, "p=1;q");
    cleat_baggage_at(baggage, 2, NULL, NULL, &metadata);
    assert_slice(metadata, NULL);
    cleat_baggage_at(baggage, 3, &key, &value, &metadata);
    assert_slice(key, NULL);
    assert_header(baggage, "a=1,b=2;p=1;q,c=");

    add(&baggage, "a", "new", NULL);
    assert_header(baggage, "a=new,b=2;p=1;q,c=");
    cleat_baggage *fewer = cleat_baggage_without(baggage, "b");
    assert_header(fewer, "a=new,c=");
    assert_int_equal(cleat_baggage_count(baggage), 3);
    cleat_baggage *same = cleat_baggage_without(fewer, "b");
    assert_ptr_equal(same, fewer);
    cleat_baggage_release(same);
    cleat_baggage_release(fewer);
    cleat_baggage_release(baggage);
}

static void test_with_refuses(void **state)
{
    (void)state;
    const char *keys[] = {NULL,  "",      " ",     "a b",      "a=b", "a,b",
                          "a;b", "\"a\"", "a\x7F", "\xC3\xA4", "a/b", "[a]"};
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        assert_null(cleat_baggage_with(NULL, keys[i], cleat_slice_of("1"), NULL));
        assert_non_null(strstr(cleat_error_message(), "is no baggage key"));
    }
    const char *metadata[] = {"a,b", "a;", ";", "a b", "a=b c", "=1", "a=\"x\"", "\xC3\xA4"};
    for (size_t i = 0; i < COUNT_OF(metadata); i++) {
        assert_null(cleat_baggage_with(NULL, "a", cleat_slice_of("1"), metadata[i]));
    }
    assert_null(cleat_baggage_with(NULL, "a", cleat_slice_of("\xFF"), NULL));
    assert_non_null(strstr(cleat_error_message(), "is not UTF-8"));
    cleat_baggage *baggage = NULL;
    add(&baggage, "!#$%&'*+-.^_`|~09azAZ", "1", " p = 1 ; q ");
    assert_header(baggage, "!#$%&'*+-.^_`|~09azAZ=1;p = 1 ; q");
    cleat_baggage_release(baggage);
}

static void test_values_are_percent_encoded(void **state)
{
    (void)state;
    cleat_baggage *baggage = NULL;
    add(&baggage, "a", "x y\t,;\\\"%=\xC3\xA4\x7F", NULL);
    assert_header(baggage, "a=x%20y%09%2C%3B%5C%22%25=%C3%A4%7F");
    cleat_baggage *back = cleat__baggage_parse(cleat_slice_of("a=x%20y%09%2C%3B%5C%22%25=%C3%A4%7F"));
    assert_slice(cleat_baggage_get(back, "a"), "x y\t,;\\\"%=\xC3\xA4\x7F");
    cleat_baggage_release(back);
    cleat_baggage_release(baggage);
    /* The absent slice is an empty value, whatever its size. */
    baggage = cleat_baggage_with(NULL, "a", (cleat_slice){NULL, 9}, NULL);
    assert_header(baggage, "a=");
    cleat_baggage_release(baggage);
    /* Any byte. */
    baggage = cleat_baggage_with(NULL, "a", (cleat_slice){"x\0y", 3}, NULL);
    assert_header(baggage, "a=x%00y");
    cleat_baggage_release(baggage);
}

typedef struct parse_case {
    const char *header;
    const char *again; /* as formatted; NULL: nothing is left */
} parse_case;

static const parse_case parse_cases[] = {
    {"", NULL},
    {" ", NULL},
    {",,", NULL},
    {"a=1", "a=1"},
    {"a=1,b=2", "a=1,b=2"},
    {" a = 1 ,\tb\t=\t2\t", "a=1,b=2"},
    {"a=", "a="},
    {"a=1,,b=2,", "a=1,b=2"},
    {"a=b=c", "a=b=c"},
    /* Malformed members go, the others stay. */
    {"a,b=2", "b=2"},
    {"=1,b=2", "b=2"},
    {" =1,b=2", "b=2"},
    {"a b=1,b=2", "b=2"},
    {"a\x01=1,b=2", "b=2"},
    {"\xC3\xA4=1,b=2", "b=2"},
    {"a=x y,b=2", "b=2"},
    {"a=\"1\",b=2", "b=2"},
    {"a=\\,b=2", "b=2"},
    {"a=\xC3\xA4,b=2", "b=2"},
    {"a=%,b=2", "b=2"},
    {"a=%4,b=2", "b=2"},
    {"a=%4g,b=2", "b=2"},
    {"a=%-1,b=2", "b=2"},
    {"a=1%", NULL},
    {"a=1%4", NULL},
    {"a=1;,b=2", "b=2"},
    {"a=1;p q,b=2", "b=2"},
    {"a=1;p=\xC3\xA4,b=2", "b=2"},
    /* Percent signs, either case, and what is no UTF-8. */
    {"a=%41%4a%4A", "a=AJJ"},
    {"a=%c3%a4", "a=%C3%A4"},
    {"a=%C3", "a=%EF%BF%BD"},
    {"a=x%FFy%C3%A4", "a=x%EF%BF%BDy%C3%A4"},
    {"a=%FF%FE", "a=%EF%BF%BD%EF%BF%BD"},
    {"a=%00", "a=%00"},
    {"a=+", "a=+"},
    /* Keys are not decoded. */
    {"%41=1,A=2", "%41=1,A=2"},
    /* Properties are kept as they are. */
    {"a=1;p=1;q", "a=1;p=1;q"},
    {"a=1 ; p = 1 ;\tq , b=2", "a=1;p = 1 ;\tq,b=2"},
    {"a=1;p=%20", "a=1;p=%20"},
    /* The last of equal keys. */
    {"a=1,b=2,a=3;p", "a=3;p,b=2"},
};

static void test_parse(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(parse_cases); i++) {
        cleat_slice header = exact_copy(parse_cases[i].header);
        cleat_baggage *baggage = cleat__baggage_parse(header);
        exact_free(header);
        if ((baggage != NULL) != (parse_cases[i].again != NULL)) {
            fail_msg("\"%s\"", parse_cases[i].header);
        }
        assert_header(baggage, parse_cases[i].again != NULL ? parse_cases[i].again : "");
        cleat_baggage_release(baggage);
    }
}

static void test_entry_limit(void **state)
{
    (void)state;
    char header[1024];
    size_t size = 0;
    for (int i = 0; i < 70; i++) {
        size += (size_t)sprintf(header + size, "k%d=%d,", i, i);
    }
    cleat_baggage *baggage = cleat__baggage_parse((cleat_slice){header, size});
    assert_int_equal(cleat_baggage_count(baggage), 64);
    assert_slice(cleat_baggage_get(baggage, "k63"), "63");
    assert_null(cleat_baggage_with(baggage, "k64", cleat_slice_of("1"), NULL));
    assert_non_null(strstr(cleat_error_message(), "at most 64 entries"));
    cleat_baggage *replaced = cleat_baggage_with(baggage, "k0", cleat_slice_of("new"), NULL);
    assert_int_equal(cleat_baggage_count(replaced), 64);
    cleat_baggage_release(replaced);
    cleat_baggage_release(baggage);
}

static void test_size_limit(void **state)
{
    (void)state;
    static char text[9000], header[CLEAT__BAGGAGE_SIZE_MAX];
    memset(text, 'x', sizeof(text));
    /* "a=" and the value. */
    cleat_baggage *baggage = cleat_baggage_with(NULL, "a", (cleat_slice){text, 8190}, NULL);
    assert_int_equal(cleat__baggage_format(baggage, header), 8192);
    assert_null(cleat_baggage_with(baggage, "b", cleat_slice_of(""), NULL));
    cleat_baggage_release(baggage);
    assert_null(cleat_baggage_with(NULL, "a", (cleat_slice){text, 8191}, NULL));
    assert_null(cleat_baggage_with(NULL, "a", (cleat_slice){text, 8189}, "p"));
    /* Counted as encoded. */
    memset(text, ' ', sizeof(text));
    assert_null(cleat_baggage_with(NULL, "a", (cleat_slice){text, 2731}, NULL));
    baggage = cleat_baggage_with(NULL, "a", (cleat_slice){text, 2730}, NULL);
    assert_int_equal(cleat__baggage_format(baggage, header), 8192);
    cleat_baggage_release(baggage);
}

/* Members that do not fit are left out, those behind them are not. */
static void test_size_limit_of_a_header(void **state)
{
    (void)state;
    static char header[40000];
    char *at = header + sprintf(header, "first=1,large=");
    memset(at, 'x', 9000);
    at += 9000;
    at += sprintf(at, ",coded=");
    for (int i = 0; i < 3000; i++) {
        at += sprintf(at, "%%41");
    }
    at += sprintf(at, ",broken=");
    for (int i = 0; i < 2730; i++) {
        at += sprintf(at, "%%FF");
    }
    sprintf(at, ",last=2");
    cleat_baggage *baggage = cleat__baggage_parse(cleat_slice_of(header));
    assert_int_equal(cleat_baggage_count(baggage), 3);
    assert_slice(cleat_baggage_get(baggage, "first"), "1");
    assert_int_equal(cleat_baggage_get(baggage, "coded").size, 3000);
    assert_slice(cleat_baggage_get(baggage, "last"), "2");
    cleat_baggage_release(baggage);
}

static void test_no_memory(void **state)
{
    (void)state;
    static failing_allocator allocator;
    cleat_baggage *baggage = NULL;
    add(&baggage, "a", "1", NULL);
    cleat_set_allocator(NULL);
    failing_allocator_install(&allocator, 1);
    assert_null(cleat_baggage_with(baggage, "b", cleat_slice_of("2"), NULL));
    assert_null(cleat__baggage_parse(cleat_slice_of("a=1")));
    assert_null(cleat__baggage_parse(cleat_slice_of("a=%FF")));
    cleat_set_allocator(NULL);
    assert_header(baggage, "a=1");
    cleat_baggage_release(baggage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_null_is_empty),
        cmocka_unit_test(test_with_and_without),
        cmocka_unit_test(test_with_refuses),
        cmocka_unit_test(test_values_are_percent_encoded),
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_entry_limit),
        cmocka_unit_test(test_size_limit),
        cmocka_unit_test(test_size_limit_of_a_header),
        cmocka_unit_test_teardown(test_no_memory, restore),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
