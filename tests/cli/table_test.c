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
    {"NAME", CLEAT__ALIGN_LEFT, true},
    {"N", CLEAT__ALIGN_RIGHT, false},
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
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
