/* Filters of events: what may be one, and of which events it is true: a table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/filter.h"

#include <cleat/run.h>
#include <string.h>

typedef struct judgement {
    const char *expression;
    bool is_true;
} judgement;

/* Of the event below. */
static const judgement judgements[] = {
    {"true", true},
    {"false", false},
    {"", false},
    {"input.total > 100.0", true},
    {"input.total > 200.0", false},
    {"input.total > payload.least", true},
    {"additional_metadata.source == 'shop'", true},
    {"additional_metadata.source == 'else'", false},
    {"event_key == 'order:paid'", true},
    {"event_id == '01900000-0000-7000-8000-000000000000'", true},
    {"input.missing == 1", false},
    {"!has(input.missing)", true},
    {"input.total", false},
    {"1 / 0 == 1", false},
    {"workflow_run_id == 'x'", false}, /* as it may be stored */
    {"checksum(event_key) == 'x'", false},
};

static void it_is_true_or_not(void **state)
{
    (void)state;
    const cleat__user_event event = {.key = cleat_slice_of("order:paid"),
                                     .payload = cleat_slice_of("{\"total\":150}"),
                                     .metadata = cleat_slice_of("{\"source\":\"shop\"}")};
    cleat__uuid id;
    assert_int_equal(cleat__uuid_parse(cleat_slice_of("01900000-0000-7000-8000-000000000000"), &id),
                     CLEAT_OK);
    cleat__expression_parsed parsed = {{NULL}}; /* of the event, for all of them */
    for (size_t i = 0; i < sizeof(judgements) / sizeof(judgements[0]); i++) {
        const cleat__filter filter = {.scope = cleat_slice_of("s"),
                                      .expression = cleat_slice_of(judgements[i].expression),
                                      .payload = cleat_slice_of("{\"least\":100}")};
        bool is_true = !judgements[i].is_true;
        size_t steps = 100000;
        assert_int_equal(cleat__filter_test(&filter, &event, &id, &parsed, &steps, &is_true), CLEAT_OK);
        assert_true(steps < 100000 || filter.expression.size == 0);
        if (is_true != judgements[i].is_true) {
            fail_msg("%s: %d", judgements[i].expression, is_true);
        }
    }
    cleat__expression_parsed_deinit(&parsed);
}

static void each_has_its_own_payload(void **state)
{
    (void)state;
    const cleat__user_event event = {.key = cleat_slice_of("k"), .payload = cleat_slice_of("{\"n\":2}")};
    const cleat__uuid id = {{1}};
    const char *const payloads[] = {"{\"n\":1}", "{\"n\":2}", "{\"n\":3}"};
    cleat__expression_parsed parsed = {{NULL}};
    size_t steps = 100000;
    for (size_t i = 0; i < 3; i++) {
        const cleat__filter filter = {.scope = cleat_slice_of("s"),
                                      .expression = cleat_slice_of("input.n == payload.n"),
                                      .payload = cleat_slice_of(payloads[i])};
        bool is_true = false;
        assert_int_equal(cleat__filter_test(&filter, &event, &id, &parsed, &steps, &is_true), CLEAT_OK);
        assert_int_equal(is_true, i == 1);
    }
    cleat__expression_parsed_deinit(&parsed);
}

static void an_event_without_anything_has_empty_objects(void **state)
{
    (void)state;
    const cleat__user_event event = {.key = cleat_slice_of("k")};
    const cleat__filter filter = {
        .scope = cleat_slice_of("s"),
        .expression = cleat_slice_of("size(input) + size(additional_metadata) + size(payload) == 0")};
    const cleat__uuid id = {{1}};
    bool is_true = false;
    size_t steps = 100000;
    cleat__expression_parsed parsed = {{NULL}};
    assert_int_equal(cleat__filter_test(&filter, &event, &id, &parsed, &steps, &is_true), CLEAT_OK);
    assert_true(is_true);
    cleat__expression_parsed_deinit(&parsed);
}

static void assert_refused(const cleat__filter *filter, cleat_status status, const char *text)
{
    assert_int_equal(cleat__filter_check(filter), status);
    if (strstr(cleat_error_message(), text) == NULL) {
        fail_msg("%s", cleat_error_message());
    }
}

static void what_is_none_is_refused(void **state)
{
    (void)state;
    static char text[CLEAT_PAYLOAD_MAX + 1];
    memset(text, 's', sizeof(text));
    cleat__filter filter = {.scope = cleat_slice_of(""), .expression = cleat_slice_of("true")};
    assert_refused(&filter, CLEAT_INVALID_ARGUMENT, "a filter's scope has 0 bytes");
    filter.scope = (cleat_slice){text, CLEAT__EVENT_KEY_MAX + 1};
    assert_refused(&filter, CLEAT_INVALID_ARGUMENT, "a filter's scope has 768 bytes");
    filter.scope.size--;
    assert_int_equal(cleat__filter_check(&filter), CLEAT_OK);
    filter.expression = cleat_slice_of("input.a ==");
    assert_refused(&filter, CLEAT_INVALID_ARGUMENT, "character 11");
    filter.expression = cleat_slice_of("nonsense(1)");
    assert_refused(&filter, CLEAT_INVALID_ARGUMENT, "nonsense");
    filter.expression = cleat_slice_of("workflow_run_id == 'x'");
    assert_refused(&filter, CLEAT_INVALID_ARGUMENT, "there is no variable workflow_run_id in a filter");
    filter.expression = cleat_slice_of("input");
    assert_refused(&filter, CLEAT_INVALID_ARGUMENT,
                   "of the type map, and what is wanted for a filter is a bool");
    filter.expression = cleat_slice_of("true");
    filter.payload = cleat_slice_of("[1]");
    assert_refused(&filter, CLEAT_INVALID_ARGUMENT, "payload");
    filter.payload = (cleat_slice){text, sizeof(text)};
    assert_refused(&filter, CLEAT_TOO_LARGE, "a filter's payload has");
}

static void too_many_are_refused(void **state)
{
    (void)state;
    static cleat__filter filters[CLEAT__FILTERS_MAX + 1];
    for (size_t i = 0; i <= CLEAT__FILTERS_MAX; i++) {
        filters[i] = (cleat__filter){.scope = cleat_slice_of("s"), .expression = cleat_slice_of("true")};
    }
    assert_int_equal(cleat__filters_check(filters, CLEAT__FILTERS_MAX), CLEAT_OK);
    assert_int_equal(cleat__filters_check(filters, CLEAT__FILTERS_MAX + 1), CLEAT_INVALID_ARGUMENT);
    filters[7].scope = cleat_slice_of("");
    assert_int_equal(cleat__filters_check(filters, 8), CLEAT_INVALID_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_true_or_not),
        cmocka_unit_test(an_event_without_anything_has_empty_objects),
        cmocka_unit_test(each_has_its_own_payload),
        cmocka_unit_test(what_is_none_is_refused),
        cmocka_unit_test(too_many_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
