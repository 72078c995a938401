#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "model/state.h"

#include <stdio.h>
#include <stdlib.h>

enum { COLUMNS = 7 };

static FILE *open_document(void)
{
    char path[4096];
    const char *source = getenv("CLEAT_SOURCE");
    snprintf(path, sizeof(path), "%s/docs/state-machine.md", source != NULL ? source : ".");
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    return file;
}

/* The row of `event` as the document must have it. */
static void format_row(cleat__event event, char *text, size_t size)
{
    int used = snprintf(text, size, "| %s |", cleat__event_name(event));
    for (int state = CLEAT__STATE_NONE; state < COLUMNS - 1; state++) {
        used += snprintf(text + used, size - (size_t)used, " %s |",
                         cleat__state_name(cleat__state_next(state, event)));
    }
    snprintf(text + used, size - (size_t)used, "\n");
}

static void test_document_has_the_table_of_the_code(void **state)
{
    (void)state;
    FILE *file = open_document();
    char line[512], expected[512];
    while (fgets(line, sizeof(line), file) != NULL &&
           strcmp(line, "| event | NONE | QUEUED | RUNNING | COMPLETED | FAILED | CANCELLED | EVICTED |\n") !=
               0) {
    }
    assert_non_null(fgets(line, sizeof(line), file)); /* | --- | */
    for (int event = 0; event < CLEAT__EVENT_COUNT; event++) {
        format_row((cleat__event)event, expected, sizeof(expected));
        assert_non_null(fgets(line, sizeof(line), file));
        assert_string_equal(line, expected);
    }
    assert_non_null(fgets(line, sizeof(line), file));
    assert_string_equal(line, "\n");
    fclose(file);
}

static void test_nothing_but_a_replay_leaves_a_final_state(void **state)
{
    (void)state;
    for (int from = CLEAT_RUN_COMPLETED; from <= CLEAT_RUN_CANCELLED; from++) {
        for (int event = 0; event < CLEAT__EVENT_COUNT; event++) {
            bool leaves = cleat__state_next(from, (cleat__event)event) >= CLEAT__STATE_NONE;
            assert_int_equal(leaves, event == CLEAT__EVENT_REPLAY);
        }
    }
}

static void test_every_live_state_can_end(void **state)
{
    (void)state;
    static const int live[] = {CLEAT_RUN_QUEUED, CLEAT_RUN_RUNNING, CLEAT_RUN_EVICTED};
    for (size_t i = 0; i < sizeof(live) / sizeof(live[0]); i++) {
        int ends = 0;
        for (int event = 0; event < CLEAT__EVENT_COUNT; event++) {
            int next = cleat__state_next(live[i], (cleat__event)event);
            ends += next >= 0 && cleat_run_status_is_final((cleat_run_status)next);
        }
        assert_true(ends > 0);
    }
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(cleat__event_name(CLEAT__EVENT_SCHEDULE_TIME_OUT), "SCHEDULE_TIME_OUT");
    assert_string_equal(cleat__state_name(CLEAT_RUN_RUNNING), "RUNNING");
    assert_string_equal(cleat__state_name(CLEAT__STATE_NONE), "NONE");
    assert_string_equal(cleat_run_status_name((cleat_run_status)9), "UNKNOWN");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_document_has_the_table_of_the_code),
        cmocka_unit_test(test_nothing_but_a_replay_leaves_a_final_state),
        cmocka_unit_test(test_every_live_state_can_end),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
