#include "propagation_test.h"

typedef struct traceparent_case {
    const char *header;
    int flags; /* -1: invalid */
} traceparent_case;

#define IDS TRACE_ID "-" SPAN_ID

static const traceparent_case cases[] = {
    {"00-" IDS "-00", 0},
    {"00-" IDS "-01", 1},
    {"00-" IDS "-02", 2},
    {"00-" IDS "-03", 3},
    /* Other flags are not carried on. */
    {"00-" IDS "-fc", 0},
    {"00-" IDS "-ff", 3},
    /* Blanks around it. */
    {" 00-" IDS "-01", 1},
    {"\t 00-" IDS "-01 \t", 1},
    {"00 -" IDS "-01", -1},
    {"\n00-" IDS "-01", -1},
    /* Later versions. */
    {"01-" IDS "-01", 1},
    {"cc-" IDS "-01", 1},
    {"cc-" IDS "-01-", 1},
    {"cc-" IDS "-01-what-the-future-will-be-like", 1},
    {"cc-" IDS "-01.what-the-future-will-not-be-like", -1},
    {"cc-" IDS "-01 -x", -1},
    {"cc-" IDS "-0", -1},
    {"fe-" IDS "-01", 1},
    {"ff-" IDS "-01", -1},
    {"ff-" IDS "-01-x", -1},
    /* Version 00 ends after the flags. */
    {"00-" IDS "-01-", -1},
    {"00-" IDS "-01-x", -1},
    {"00-" IDS "-01.", -1},
    {"00-" IDS "-011", -1},
    {"00-" IDS "-0", -1},
    {"00-" IDS "-", -1},
    {"00-" IDS, -1},
    {"", -1},
    {" ", -1},
    {"-", -1},
    /* Version. */
    {"0-" IDS "-01", -1},
    {"000-" IDS "-01", -1},
    {".0-" IDS "-01", -1},
    {"0.-" IDS "-01", -1},
    {"CC-" IDS "-01", -1},
    {"FF-" IDS "-01", -1},
    /* Ids. */
    {"00-00000000000000000000000000000000-" SPAN_ID "-01", -1},
    {"00-" TRACE_ID "-0000000000000000-01", -1},
    {"00-4BF92F3577B34DA6A3CE929D0E0E4736-" SPAN_ID "-01", -1},
    {"00-" TRACE_ID "-00F067AA0BA902B7-01", -1},
    {"00-4bf92f3577b34da6a3ce929d0e0e473.-" SPAN_ID "-01", -1},
    {"00-" TRACE_ID "-00f067aa0ba902b.-01", -1},
    {"00-4bf92f3577b34da6a3ce929d0e0e473-" SPAN_ID "-01", -1},
    {"00-4bf92f3577b34da6a3ce929d0e0e47366-" SPAN_ID "-01", -1},
    {"00-" TRACE_ID "-00f067aa0ba902b-01", -1},
    {"00-" TRACE_ID "-00f067aa0ba902b77-01", -1},
    {"00-4bf92f3577b34da6a3ce929d0e0e473\xB6-" SPAN_ID "-01", -1},
    /* Flags. */
    {"00-" IDS "-0A", -1},
    {"00-" IDS "-.0", -1},
    {"00-" IDS "-0.", -1},
    {"00-" IDS "-0x", -1},
    /* Separators. */
    {"00_" IDS "-01", -1},
    {"00-" TRACE_ID "_" SPAN_ID "-01", -1},
    {"00-" IDS "_01", -1},
    /* More than one header. */
    {"00-" IDS "-01,00-" IDS "-01", -1},
    {"00-" IDS "-01, 00-" IDS "-01", -1},
    {"cc-" IDS "-01-x,00-" IDS "-01", -1},
    {"cc-" IDS "-01,00-" IDS "-01", -1},
};

static void test_parse(void **state)
{
    (void)state;
    static const cleat_span_context zero;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const traceparent_case *each = &cases[i];
        cleat_span_context context;
        memset(&context, 'x', sizeof(context));
        cleat_slice header = exact_copy(each->header);
        cleat_status status = cleat_traceparent_parse(header, &context);
        exact_free(header);
        if ((status == CLEAT_OK) != (each->flags >= 0)) {
            fail_msg("\"%s\": %s", each->header, cleat_status_name(status));
        }
        if (status != CLEAT_OK) {
            assert_int_equal(status, CLEAT_INVALID_ARGUMENT);
            assert_memory_equal(&context, &zero, sizeof(zero));
            continue;
        }
        assert_int_equal(context.trace_flags, each->flags);
        assert_true(context.is_remote);
        assert_int_equal(context.trace_state_size, 0);
        char text[33];
        cleat_trace_id_to_hex(&context.trace_id, text);
        assert_string_equal(text, TRACE_ID);
        cleat_span_id_to_hex(&context.span_id, text);
        assert_string_equal(text, SPAN_ID);
    }
    cleat_span_context context;
    assert_int_equal(cleat_traceparent_parse((cleat_slice){NULL, 0}, &context), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_traceparent_parse(cleat_slice_of(TRACEPARENT), NULL), CLEAT_INVALID_ARGUMENT);
    /* A NUL inside is a character like others that do not belong there. */
    assert_int_equal(cleat_traceparent_parse((cleat_slice){"00-" IDS "-01\0", 56}, &context),
                     CLEAT_INVALID_ARGUMENT);
}

static void test_format(void **state)
{
    (void)state;
    char header[56];
    cleat_span_context context = valid_span_context();
    assert_int_equal(cleat_traceparent_format(&context, header), CLEAT_OK);
    assert_string_equal(header, TRACEPARENT);
    context.trace_flags = 0xFF;
    assert_int_equal(cleat_traceparent_format(&context, header), CLEAT_OK);
    assert_string_equal(header, "00-" IDS "-03");
    context.span_id = (cleat_span_id){{0}};
    assert_int_equal(cleat_traceparent_format(&context, header), CLEAT_INVALID_ARGUMENT);
    assert_string_equal(header, "");
    assert_int_equal(cleat_traceparent_format(NULL, header), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_traceparent_format(&context, NULL), CLEAT_INVALID_ARGUMENT);
}

/* Whatever is put at whatever place: only lower-case digits and dashes where they belong. */
static void test_every_character_counts(void **state)
{
    (void)state;
    for (size_t at = 0; at < sizeof(TRACEPARENT) - 1; at++) {
        for (int byte = 0; byte < 256; byte++) {
            char header[] = TRACEPARENT;
            bool is_dash = header[at] == '-';
            bool is_digit = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f');
            header[at] = (char)byte;
            cleat_span_context context;
            bool valid =
                cleat_traceparent_parse((cleat_slice){header, sizeof(header) - 1}, &context) == CLEAT_OK;
            if (valid != (is_dash ? byte == '-' : is_digit)) {
                fail_msg("character %d at %zu", byte, at);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_every_character_counts),
        cmocka_unit_test(test_format),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
