/* Tables as they reach a terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "cli/table.h"
#include "cli/trace_rows.h"

static const cleat__terminal terminal = {.columns = 80};
static const cleat__column columns[] = {
    {"NAME", CLEAT__ALIGN_LEFT, true, 0},
    {"N", CLEAT__ALIGN_RIGHT, false, 0},
};

static void fill(cleat__table *table)
{
    cleat__table_init(table, &terminal, columns, 2);
    cleat__table_add_string(table, "first");
    cleat__table_add_string(table, "1");
    cleat__table_add_string(table, "second");
    cleat__table_add_string(table, "12");
}

static void test_appended(void **state)
{
    cleat__table table;
    cleat__buffer out = {0};
    (void)state;
    fill(&table);
    cleat__buffer_append_string(&out, "before\n");
    cleat__table_append(&table, &out, 2);
    assert_null(table.cells.data);
    char *text = cleat__buffer_take_string(&out);
    assert_string_equal(text, "before\n"
                              "  NAME     N\n"
                              "  first    1\n"
                              "  second  12\n");
    cleat__free(text);
}

static void test_trace_names_say_the_task_once(void **state)
{
    const cleat__trace_row rows[] = {
        {.root_name = cleat_slice_of("workflow.execute order:fulfil"),
         .task = cleat_slice_of("order:fulfil")},
        {.root_name = cleat_slice_of("hatchet.start_step_run"), .task = cleat_slice_of("order:fulfil")},
    };
    cleat__table table;
    cleat__buffer out = {0};
    (void)state;
    cleat__trace_table_init(&table, &terminal);
    cleat__trace_table_add(&table, &rows[0], 0);
    cleat__trace_table_add(&table, &rows[1], 0);
    cleat__table_append(&table, &out, 0);
    char *text = cleat__buffer_take_string(&out);
    assert_non_null(strstr(text, "workflow.execute order:fulfil "));
    assert_null(strstr(text, "order:fulfil order:fulfil"));
    assert_non_null(strstr(text, "start_step_run order:fulfil "));
    cleat__free(text);
}

/* ---- Where there is no room ---- */

static void appends(const cleat__terminal *narrow, const cleat__column *of, int count,
                    const char *const *cells, const char *expected)
{
    cleat__table table;
    cleat__buffer out = {0};
    cleat__table_init(&table, narrow, of, count);
    for (int i = 0; i < count; i++) {
        cleat__table_add_string(&table, cells[i]);
    }
    cleat__table_append(&table, &out, 0);
    char *text = cleat__buffer_take_string(&out);
    assert_string_equal(text, expected);
    cleat__free(text);
}

static const cleat__column many[] = {
    {"ID", CLEAT__ALIGN_LEFT, false, 0},
    {"NAME", CLEAT__ALIGN_LEFT, true, 0},
    {"NOTE", CLEAT__ALIGN_LEFT, true, 1},
    {"AGE", CLEAT__ALIGN_RIGHT, false, 2},
};
static const char *const cells[] = {"0123456789", "a name of 20 columns", "a note of all but 30 columns.",
                                    "12s"};

static void test_the_widest_gives_way_first(void **state)
{
    (void)state;
    appends(&(cleat__terminal){.columns = 70}, many, 4, cells,
            "ID          NAME                  NOTE                           AGE\n"
            "0123456789  a name of 20 columns  a note of all but 30 columns.  12s\n");
    appends(&(cleat__terminal){.columns = 60, .utf8 = true}, many, 4, cells,
            "ID          NAME                  NOTE                   AGE\n"
            "0123456789  a name of 20 columns  a note of all but 30…  12s\n");
    appends(&(cleat__terminal){.columns = 51, .utf8 = true}, many, 4, cells,
            "ID          NAME              NOTE              AGE\n"
            "0123456789  a name of 20 co…  a note of all b…  12s\n");
}

static void test_what_can_be_spared_is_left_out(void **state)
{
    (void)state;
    appends(&(cleat__terminal){.columns = 32, .utf8 = true}, many, 4, cells,
            "ID          NAME       NOTE\n"
            "0123456789  a name o…  a note o…\n");
    appends(&(cleat__terminal){.columns = 29, .utf8 = true}, many, 4, cells,
            "ID          NAME\n"
            "0123456789  a name of 20 col…\n");
    appends(&(cleat__terminal){.columns = 10, .utf8 = true}, many, 4, cells,
            "ID          NAME\n"
            "0123456789  a name …\n");
}

/* A table that is not whole must not look like one. */
static void test_no_memory(void **state)
{
    cleat__table table;
    cleat__buffer out = {0};
    (void)state;
    fill(&table);
    table.cells.failed = true;
    cleat__table_append(&table, &out, 0);
    assert_true(out.failed);
    assert_int_equal(out.size, 0);
    assert_null(table.cells.data);
    cleat__buffer_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trace_names_say_the_task_once),
        cmocka_unit_test(test_appended),
        cmocka_unit_test(test_the_widest_gives_way_first),
        cmocka_unit_test(test_what_can_be_spared_is_left_out),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
