/* Drawings of traces that are small, strange, hostile, or long. */
#include "collector/recorder.h"

#include "cli/waterfall.h"

#include <locale.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct fixture {
    cleat__store *store;
    recorder rec;
    cleat__trace_tree tree;
    char *text; /* the last drawing */
} fixture;

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof(*f));
    f->store = open_store();
    recorder_init(&f->rec, f->store);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    cleat__trace_tree_deinit(&f->tree);
    cleat__free(f->text);
    recorder_deinit(&f->rec);
    cleat__store_close(f->store);
    unlink("test.db");
    free(f);
    return 0;
}

static const char *draw(fixture *f, const cleat_trace_id *id, int columns, bool utf8,
                        cleat__waterfall_options options)
{
    const cleat__terminal terminal = {.columns = columns, .utf8 = utf8};
    cleat__buffer out = {0};
    cleat__trace_tree_deinit(&f->tree);
    assert_int_equal(cleat__trace_tree_load(f->store, CLEAT__TENANT_DEFAULT, id, &f->tree), CLEAT_OK);
    cleat__waterfall_append(&out, &terminal, &f->tree, &options);
    cleat__free(f->text);
    f->text = cleat__buffer_take_string(&out);
    assert_non_null(f->text);
    return f->text;
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
    assert_int_equal(f->tree.orphan_count, 3);
}

#define TASK "00010203-0405-0607-0809-0a0b0c0d0e0f"

/* Of an attempt of TASK, by whom: "engine" or another. */
static void record_attempt(fixture *f, const cleat_span_context *parent, const char *name, const char *source,
                           int64_t retry_count)
{
    const cleat_attribute attributes[] = {
        cleat_attribute_string("hatchet.span_source", source),
        cleat_attribute_string("hatchet.step_run_id", TASK),
        cleat_attribute_int("hatchet.retry_count", retry_count),
    };
    cleat_context *below = cleat_context_with_span_context(NULL, parent);
    cleat_span_end_at(cleat_span_start(f->rec.tracer, name,
                                       CLEAT_SPAN_OPTIONS(.parent = below, .start_time_ns = 1,
                                                          .attributes = attributes, .attribute_count = 3)),
                      2);
    cleat_context_release(below);
}

static const char *parent_of(const fixture *f, const char *name)
{
    for (int32_t i = 0; i < f->tree.count; i++) {
        const cleat__tree_span *span = &f->tree.spans[i];
        if (cleat_slice_equals(span->view.name, cleat_slice_of(name))) {
            static char text[64];
            snprintf(text, sizeof(text), "%.*s", CLEAT_SLICE_ARGS(f->tree.spans[span->parent].view.name));
            return text;
        }
    }
    fail_msg("there is no span %s", name);
    return NULL;
}

/* Each wait of the engine's below the execution of its attempt, when both have the same parent. */
static void test_waits_are_below_their_execution(void **state)
{
    fixture *f = *state;
    cleat_span_context root = record(&f->rec, &(made_up){.name = "root", .start_ns = 1, .end_ns = 9});
    cleat_span_context other =
        record(&f->rec, &(made_up){.name = "other", .parent = &root, .start_ns = 1, .end_ns = 9});
    record_attempt(f, &root, "queued first", "engine", 0);
    record_attempt(f, &root, "hatchet.start_step_run.first", "sdk", 0);
    record_attempt(f, &root, "hatchet.start_step_run.second", "sdk", 1);
    record_attempt(f, &root, "queued second", "engine", 1);
    record_attempt(f, &other, "elsewhere", "engine", 1);
    record_attempt(f, &root, "of none", "engine", INT64_C(1) << 32); /* 0, cut to 32 bits */
    record_attempt(f, &root, "the program's", "sdk", 1);
    draw(f, &root.trace_id, 80, true, (cleat__waterfall_options){.rows = 50});
    assert_string_equal(parent_of(f, "queued first"), "hatchet.start_step_run.first");
    assert_string_equal(parent_of(f, "queued second"), "hatchet.start_step_run.second");
    assert_string_equal(parent_of(f, "elsewhere"), "other");
    assert_string_equal(parent_of(f, "of none"), "root");
    assert_string_equal(parent_of(f, "the program's"), "root");
    assert_string_equal(parent_of(f, "hatchet.start_step_run.first"), "root");
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

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_small_trace),
        TEST(test_many_alike_are_folded),
        TEST(test_orphans_and_cycles_are_roots),
        TEST(test_waits_are_below_their_execution),
        TEST(test_hostile_name_is_harmless),
        TEST(test_deep_trace),
    };
    if (setlocale(LC_CTYPE, "C.UTF-8") == NULL) {
        return 77; /* wcwidth() knows nothing here */
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
