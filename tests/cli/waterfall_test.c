/* Drawings of traces that are small, strange, hostile, long, or several. */
#include "collector/recorder.h"

#include "cli/text.h"
#include "cli/waterfall.h"

#include <locale.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct fixture {
    cleat__store *store;
    recorder rec;
    cleat__stitched forest;
    char *text; /* the last drawing */
} fixture;

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof(*f));
    f->store = open_store();
    assert_int_equal(cleat__store_begin(f->store), CLEAT_OK); /* never committed, which is quicker */
    recorder_init(&f->rec, f->store);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    cleat__stitched_deinit(&f->forest);
    cleat__free(f->text);
    recorder_deinit(&f->rec);
    cleat__store_close(f->store);
    unlink("test.db");
    free(f);
    return 0;
}

/* The trace, and what is linked with it over `follow` links. */
static const char *draw_linked(fixture *f, const cleat_trace_id *id, int32_t follow,
                               const cleat__terminal *terminal, cleat__waterfall_options options)
{
    cleat__buffer out = {0};
    cleat__stitched_deinit(&f->forest);
    assert_int_equal(cleat__stitched_load_trace(f->store, CLEAT__TENANT_DEFAULT, id, follow, 0, &f->forest),
                     CLEAT_OK);
    cleat__waterfall_append(&out, terminal, &f->forest, &options);
    cleat__free(f->text);
    f->text = cleat__buffer_take_string(&out);
    assert_non_null(f->text);
    return f->text;
}

static const char *draw(fixture *f, const cleat_trace_id *id, int columns, bool utf8,
                        cleat__waterfall_options options)
{
    const cleat__terminal terminal = {.columns = columns, .utf8 = utf8};
    return draw_linked(f, id, 0, &terminal, options);
}

static int count_lines(const char *text)
{
    int lines = 0;
    for (; *text != '\0'; text++) {
        lines += *text == '\n';
    }
    return lines;
}

static void test_small_trace(void **state)
{
    fixture *f = *state;
    cleat_span_context root =
        record(&f->rec, &(made_up){.name = "root", .start_ns = 1000000, .end_ns = 9000000});
    cleat_span_context child = record(&f->rec, &(made_up){.name = "child",
                                                          .parent = &root,
                                                          .start_ns = 1000000,
                                                          .end_ns = 5000000,
                                                          .kind = CLEAT_SPAN_KIND_CLIENT});
    record(
        &f->rec,
        &(made_up){
            .name = "grandchild", .parent = &child, .start_ns = 3000000, .end_ns = 3010000, .failed = true});
    record(&f->rec, &(made_up){.name = "last", .parent = &root, .start_ns = 5000000, .end_ns = 9000000});
    assert_string_equal(draw(f, &root.trace_id, 72, false, (cleat__waterfall_options){.rows = 50}),
                        "span                          kind     duration  0        8.00 ms status\n"
                        "root                          internal  8.00 ms  ################\n"
                        "|-child                       client    4.00 ms  ########\n"
                        "| `-grandchild                internal    10 us      |            error\n"
                        "`-last                        internal  4.00 ms          ########\n");
    assert_string_equal(draw(f, &root.trace_id, 40, true, (cleat__waterfall_options){.rows = 2}),
                        "span           duration   8.00 ms status\n"
                        "root            8.00 ms  ████████\n"
                        "├ child         4.00 ms  ████\n"
                        "2 more spans: --all shows them\n");
}

static void test_many_alike_are_folded(void **state)
{
    fixture *f = *state;
    cleat_span_context root = record(&f->rec, &(made_up){.name = "root", .start_ns = 1, .end_ns = 1000});
    for (int i = 0; i < 100; i++) {
        cleat_span_context child = record(
            &f->rec,
            &(made_up){.name = "child", .parent = &root, .start_ns = 10 * i + 1, .end_ns = 10 * i + 5});
        record(&f->rec, &(made_up){.name = "below",
                                   .parent = &child,
                                   .start_ns = 10 * i + 1,
                                   .end_ns = 10 * i + 5,
                                   .failed = i == 50});
    }
    /* Root, two and the failed one and the last with what is below them, two folds. */
    draw(f, &root.trace_id, 80, true, (cleat__waterfall_options){.rows = 50});
    assert_int_equal(count_lines(f->text), 1 + 1 + 2 * 4 + 2);
    assert_non_null(strstr(f->text, "├ ⋮ 48 more (96 spans)"));
    assert_null(strstr(f->text, "--all"));
    draw(f, &root.trace_id, 80, true, (cleat__waterfall_options){.all = true});
    assert_int_equal(count_lines(f->text), 1 + 201);
}

static void test_orphans_and_cycles_are_roots(void **state)
{
    fixture *f = *state;
    cleat_span_context a = {0}, b;
    recorder_trace_id(&f->rec, &a.trace_id);
    b = a;
    /* The next ids are 2 and 3: each is to be the other's parent. */
    put_number(3, a.span_id.bytes, 8);
    put_number(2, b.span_id.bytes, 8);
    record(&f->rec, &(made_up){.name = "two", .parent = &a, .start_ns = 1, .end_ns = 2});
    record(&f->rec, &(made_up){.name = "three", .parent = &b, .start_ns = 1, .end_ns = 2});
    put_number(4, b.span_id.bytes, 8);
    record(&f->rec, &(made_up){.name = "own parent", .parent = &b, .start_ns = 1, .end_ns = 2});
    put_number(99, b.span_id.bytes, 8);
    record(&f->rec, &(made_up){.name = "orphan", .parent = &b, .start_ns = 1, .end_ns = 2});
    draw(f, &b.trace_id, 80, true, (cleat__waterfall_options){.rows = 50});
    assert_int_equal(count_lines(f->text), 5);
    assert_int_equal(f->forest.orphan_count, 3);
}

static void test_hostile_name_is_harmless(void **state)
{
    fixture *f = *state;
    cleat_span_context root = record(
        &f->rec, &(made_up){.name = "\033]0;owned\007\n\xff<img onerror=…>", .start_ns = 1, .end_ns = 1});
    draw(f, &root.trace_id, 80, true, (cleat__waterfall_options){.rows = 50});
    assert_null(strchr(f->text, '\033'));
    assert_null(strchr(f->text, '\007'));
    assert_int_equal(count_lines(f->text), 2);
}

static void test_deep_trace(void **state)
{
    fixture *f = *state;
    cleat_span_context last = record(&f->rec, &(made_up){.name = "root", .start_ns = 1, .end_ns = 10});
    cleat_trace_id id = last.trace_id;
    for (int i = 0; i < 2000; i++) {
        last = record(&f->rec, &(made_up){.name = "down", .parent = &last, .start_ns = 1, .end_ns = 10});
    }
    draw(f, &id, 80, true, (cleat__waterfall_options){.all = true});
    assert_int_equal(count_lines(f->text), 2002);
}

/* ---- Waits ---- */

static void test_waits_look_different_from_work(void **state)
{
    fixture *f = *state;
    cleat_span_context root = record(&f->rec, &(made_up){.name = "root", .start_ns = 1000, .end_ns = 9000});
    static const char *const names[] = {"hatchet.engine.queued", "hatchet.engine.retry_backoff",
                                        "hatchet.engine.durable_wait", "hatchet.durable.wait_for", "work"};
    for (int i = 0; i < 5; i++) {
        record(&f->rec, &(made_up){.name = names[i], .parent = &root, .start_ns = 1000, .end_ns = 9000});
    }
    assert_string_equal(draw(f, &root.trace_id, 40, true, (cleat__waterfall_options){.rows = 50}),
                        "span           duration  0   8 us status\n"
                        "root               8 us  ████████\n"
                        "├ engine.queu…     8 us  ░░░░░░░░\n"
                        "├ engine.retr…     8 us  ········\n"
                        "├ engine.dura…     8 us  ········\n"
                        "├ durable.wai…     8 us  ········\n"
                        "└ work             8 us  ████████\n");
    draw(f, &root.trace_id, 40, false, (cleat__waterfall_options){.rows = 50});
    assert_non_null(strstr(f->text, "|-engine.queu~     8 us  ::::::::\n"));
    assert_non_null(strstr(f->text, "|-engine.retr~     8 us  ........\n"));
}

/* ---- Several traces ---- */

/* A caller, and traces that link to it: so many of one name. */
static cleat_span_context record_linked(fixture *f, int count, const char *name)
{
    cleat_span_context root = record(&f->rec, &(made_up){.name = "caller", .start_ns = 1000, .end_ns = 9000});
    for (int i = 0; i < count; i++) {
        cleat_span_context child = record(
            &f->rec,
            &(made_up){
                .name = name, .link = &root, .start_ns = 5000 + i, .end_ns = 7000 + i, .failed = i == 5});
        record(&f->rec,
               &(made_up){.name = "below", .parent = &child, .start_ns = 5000 + i, .end_ns = 6000 + i});
    }
    return root;
}

static void test_bands_and_links(void **state)
{
    fixture *f = *state;
    const cleat__terminal wide = {.columns = 80, .utf8 = true}, narrow = {.columns = 40, .utf8 = true};
    const cleat__terminal ascii = {.columns = 80};
    cleat_span_context root = record_linked(f, 1, "child");
    const cleat__waterfall_options options = {.rows = 50};
    assert_string_equal(draw_linked(f, &root.trace_id, 1, &wide, options),
                        "span                               kind     duration  0              8 us status\n"
                        "trace ab000100 caller  1 span                   8 us  ───────────────────\n"
                        "  caller                           internal     8 us  ███████████████████\n"
                        "    ← 1 links here\n"
                        "trace ab000300 child  2 spans                   2 us           ──────\n"
                        "  child                            internal     2 us           ▐████▎\n"
                        "  │ → trace ab000100\n"
                        "  └ below                          internal     1 us           ▐█▉\n");
    assert_non_null(strstr(draw_linked(f, &root.trace_id, 1, &ascii, options), "  | -> trace ab000100\n"));
    draw_linked(f, &root.trace_id, 1, &narrow, options);
    assert_non_null(strstr(f->text, "\nab000300 child"));
    assert_non_null(strstr(f->text, "│ → trace ab000100\n"));
}

/* Where the bar leaves room, in words or without. */
static void test_note_beside_the_bar(void **state)
{
    fixture *f = *state;
    const cleat__terminal terminal = {.columns = 120, .utf8 = true};
    cleat_span_context root = record(&f->rec, &(made_up){.name = "caller", .start_ns = 1000, .end_ns = 2000});
    record(&f->rec, &(made_up){.name = "late", .link = &root, .start_ns = 10000, .end_ns = 11000});
    record(&f->rec, &(made_up){.name = "middle", .link = &root, .start_ns = 4700, .end_ns = 7000});
    draw_linked(f, &root.trace_id, 1, &terminal, (cleat__waterfall_options){.rows = 50});
    assert_non_null(strstr(f->text, "  ███▏ ← 2 link here\n"));
    assert_non_null(strstr(f->text, " → trace ab000100 ▕███\n"));
    assert_non_null(strstr(f->text, " ▕███████▏ →ab000100\n"));
}

static void test_many_alike_traces_are_folded(void **state)
{
    fixture *f = *state;
    const cleat__terminal terminal = {.columns = 100, .utf8 = true};
    cleat_span_context root = record_linked(f, 1000, "child");
    draw_linked(f, &root.trace_id, 1, &terminal, (cleat__waterfall_options){.rows = 50});
    /* Of four traces the heading, two spans and a note, and the caller. */
    assert_int_equal(count_lines(f->text), 1 + 3 + 1 + 4 * 3);
    assert_non_null(strstr(f->text, "\n⋮ 996 more traces like this (1,992 spans) "));
    assert_non_null(strstr(f->text, " ← 1,000 link here\n"));
    assert_null(strstr(f->text, "--all"));
    draw_linked(f, &root.trace_id, 1, &terminal, (cleat__waterfall_options){.all = true});
    assert_int_equal(count_lines(f->text), 1 + 3 + 1000 * 3);
}

/* A trace of many rows leaves some for those behind it. */
static void test_rows_for_all_traces(void **state)
{
    fixture *f = *state;
    const cleat__terminal terminal = {.columns = 100, .utf8 = true};
    cleat_span_context root = record_linked(f, 3, "child");
    for (int i = 0; i < 30; i++) {
        char name[24];
        snprintf(name, sizeof(name), "part %d", i);
        record(&f->rec, &(made_up){.name = name, .parent = &root, .start_ns = 1001, .end_ns = 1002});
    }
    draw_linked(f, &root.trace_id, 1, &terminal, (cleat__waterfall_options){.rows = 20});
    assert_non_null(strstr(f->text, "  ⋮ 22 more spans\n"));
    assert_non_null(strstr(f->text, "\n23 more spans: --all shows them\n"));
    assert_int_equal(f->forest.trace_count, 4);
    assert_non_null(strstr(f->text, "\ntrace ab000900 child"));
}

/* Whatever the width, no line is wider. */
static void test_widths(void **state)
{
    fixture *f = *state;
    cleat_span_context root =
        record_linked(f, 9, "a child with a name that is longer than its column can be");
    for (int columns = 40; columns <= 200; columns += 8) {
        const cleat__terminal terminal = {.columns = columns, .utf8 = columns % 16 == 0};
        const char *line =
            draw_linked(f, &root.trace_id, 1, &terminal, (cleat__waterfall_options){.rows = 50});
        for (; *line != '\0'; line = strchr(line, '\n') + 1) {
            cleat_slice text = {line, (size_t)(strchr(line, '\n') - line)};
            assert_in_range(cleat__text_columns(&terminal, text), 1, columns);
        }
    }
}

static void test_colour_is_for_terminals(void **state)
{
    fixture *f = *state;
    const cleat__terminal colour = {.columns = 80, .utf8 = true, .colour = true};
    const cleat__terminal plain = {.columns = 80, .utf8 = true};
    cleat_span_context root = record_linked(f, 1, "child");
    draw_linked(f, &root.trace_id, 1, &colour, (cleat__waterfall_options){.rows = 50});
    assert_non_null(strstr(f->text, "\033[36m▎ \033[0m"));
    assert_non_null(strstr(f->text, "\033[33m▎ \033[0m")); /* another band, another colour */
    draw_linked(f, &root.trace_id, 1, &plain, (cleat__waterfall_options){.rows = 50});
    assert_null(strchr(f->text, '\033'));
    assert_null(strstr(f->text, "▎ "));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_small_trace),
        TEST(test_many_alike_are_folded),
        TEST(test_orphans_and_cycles_are_roots),
        TEST(test_hostile_name_is_harmless),
        TEST(test_deep_trace),
        TEST(test_waits_look_different_from_work),
        TEST(test_bands_and_links),
        TEST(test_note_beside_the_bar),
        TEST(test_many_alike_traces_are_folded),
        TEST(test_rows_for_all_traces),
        TEST(test_widths),
        TEST(test_colour_is_for_terminals),
    };
    if (setlocale(LC_CTYPE, "C.UTF-8") == NULL) {
        return 77; /* wcwidth() knows nothing here */
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
