#include "trace/sdk_test.h"

/* The text of one span as the console exporter writes it; the caller frees it. */
static char *print_span(void (*fill)(cleat_span span))
{
    cleat_span_exporter *exporter = NULL;
    cleat_span_processor *processor = NULL;
    char *text = NULL;
    size_t size = 0;
    test_sdk sdk;
    FILE *stream = open_memstream(&text, &size);
    assert_non_null(stream);
    SDK_START(&sdk, .limits = {.attributes = 8, .events = 1});
    assert_int_equal(cleat_console_exporter_new(stream, &exporter), CLEAT_OK);
    assert_int_equal(cleat_simple_processor_new(exporter, &processor), CLEAT_OK);
    assert_int_equal(cleat_tracer_provider_add_processor(sdk.provider, processor), CLEAT_OK);
    cleat_span span =
        cleat_span_start(sdk.tracer, "compress", CLEAT_SPAN_OPTIONS(.kind = CLEAT_SPAN_KIND_SERVER));
    fill(span);
    fake_clock_advance(&sdk.clock, 1500000);
    cleat_span_end(span);
    sdk_stop(&sdk);
    fclose(stream);
    return text;
}

static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("no \"%s\" in:\n%s", part, text);
    }
}

static void fill_everything(cleat_span span)
{
    const cleat_slice strings[] = {{"x", 1}, {"y", 1}};
    const cleat_attribute array = cleat_attribute_strings("array", strings, 2);
    cleat_span_context to = make_context(0x11, 1);
    cleat_span_set_string(span, "file", "a \"b\"\n");
    cleat_span_set_int(span, "bytes", 4096);
    cleat_span_set_bool(span, "ok", true);
    cleat_span_set_double(span, "ratio", 0.5);
    cleat_span_set_attribute(span, &array);
    cleat_span_add_event(span, "opened", &array, 1, 0);
    cleat_span_add_event(span, "lost", NULL, 0, 0);
    cleat_span_add_link(span, &(cleat_link){.context = &to});
    cleat_span_set_status(span, CLEAT_SPAN_STATUS_ERROR, "no such file");
}

static void every_part_is_readable(void **state)
{
    (void)state;
    char *text = print_span(fill_everything);
    assert_has(text, "span compress (server, test)\n");
    assert_has(text, "trace aa000000000000000000000000000001 span bb00000000000001\n");
    assert_has(text, "start 2023-11-14T22:13:20.000000Z duration 1.500 ms\n");
    assert_has(text, "status error: no such file\n");
    assert_has(text, "file = \"a \\\"b\\\"\\n\"\n");
    assert_has(text, "bytes = 4096\n");
    assert_has(text, "ok = true\n");
    assert_has(text, "ratio = 0.5\n");
    assert_has(text, "array = [\"x\", \"y\"]\n");
    assert_has(text, "event opened at 2023-11-14T22:13:20.000000Z\n");
    assert_has(text, "(1 events dropped)\n");
    assert_has(text, "link to trace 11111111111111111111111111111111 span 1212121212121212\n");
    free(text);
}

static void fill_mischief(cleat_span span)
{
    cleat_span_update_name(span, "\x1b[2Jgone");
    cleat_span_set_status(span, CLEAT_SPAN_STATUS_ERROR, "\x1b[31mred");
}

static void control_characters_do_not_reach_the_terminal(void **state)
{
    (void)state;
    char *text = print_span(fill_mischief);
    assert_null(strchr(text, '\x1b'));
    assert_has(text, "\\u001b[2Jgone");
    free(text);
}

static void failures_are_reported(void **state)
{
    cleat_span_exporter *exporter = NULL;
    cleat_span_processor *processor = NULL;
    cleat_tracer_provider *provider = NULL;
    cleat_batch_processor_stats stats;
    (void)state;
    assert_int_equal(cleat_console_exporter_new(NULL, &exporter), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_console_exporter_new(stdout, NULL), CLEAT_INVALID_ARGUMENT);
    FILE *full = fopen("/dev/full", "w");
    if (full == NULL) {
        skip();
    }
    assert_int_equal(cleat_console_exporter_new(full, &exporter), CLEAT_OK);
    assert_int_equal(cleat_batch_processor_new(exporter, NULL, &processor), CLEAT_OK);
    assert_int_equal(cleat_tracer_provider_new(NULL, &provider), CLEAT_OK);
    assert_int_equal(cleat_tracer_provider_add_processor(provider, processor), CLEAT_OK);
    cleat_span_end(cleat_span_start(cleat_tracer_provider_get_tracer(provider, "x", NULL), "s", NULL));
    assert_int_equal(cleat_tracer_provider_force_flush(provider, 300000), CLEAT_IO);
    cleat_batch_processor_get_stats(processor, &stats);
    assert_int_equal(stats.failed, 1);
    cleat_tracer_provider_free(provider);
    fclose(full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_part_is_readable),
        cmocka_unit_test(control_characters_do_not_reach_the_terminal),
        cmocka_unit_test(failures_are_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
