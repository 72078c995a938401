/* What an event may be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/event.h"

#include <cleat/run.h>
#include <string.h>

static cleat__user_event good(void)
{
    return (cleat__user_event){
        .key = cleat_slice_of("k"), .payload = cleat_slice_of("{}"), .metadata = cleat_slice_of("{\"a\":1}")};
}

static void assert_refused(const cleat__user_event *event, cleat_status status, const char *text)
{
    assert_int_equal(cleat__user_event_check(event), status);
    assert_non_null(strstr(cleat_error_message(), text));
}

static void test_what_is_accepted(void **state)
{
    (void)state;
    cleat__user_event event = good();
    assert_int_equal(cleat__user_event_check(&event), CLEAT_OK);
    event = (cleat__user_event){.key = cleat_slice_of("k"), .priority = 3};
    assert_int_equal(cleat__user_event_check(&event), CLEAT_OK);
}

static void test_what_is_refused(void **state)
{
    (void)state;
    static char text[CLEAT__EVENT_KEY_MAX + 1];
    memset(text, 'k', sizeof(text));
    cleat__user_event event = good();
    event.key = cleat_slice_of("");
    assert_refused(&event, CLEAT_INVALID_ARGUMENT, "no key");
    event.key = (cleat_slice){text, sizeof(text)};
    assert_refused(&event, CLEAT_INVALID_ARGUMENT, "key has 768 bytes");
    event = good();
    event.scope = (cleat_slice){text, sizeof(text)};
    assert_refused(&event, CLEAT_INVALID_ARGUMENT, "scope has 768 bytes");
    event = good();
    event.scope = cleat_slice_of("\xff");
    assert_refused(&event, CLEAT_INVALID_ARGUMENT, "scope is no valid UTF-8");
    event = good();
    event.key = cleat_slice_of("cleat:hook:token");
    assert_refused(&event, CLEAT_INVALID_ARGUMENT, "hooks are resumed, not pushed");
    event = good();
    event.priority = 4;
    assert_refused(&event, CLEAT_INVALID_ARGUMENT, "priority is 4");
    event = good();
    event.payload = cleat_slice_of("[1]");
    assert_refused(&event, CLEAT_INVALID_ARGUMENT, "payload must be a JSON object");
    event = good();
    event.metadata = cleat_slice_of("{");
    assert_refused(&event, CLEAT_INVALID_ARGUMENT, "metadata is not JSON");
    event = good();
    event.payload = (cleat_slice){"{}", CLEAT_PAYLOAD_MAX + 1};
    assert_refused(&event, CLEAT_TOO_LARGE, "payload has");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_accepted),
        cmocka_unit_test(test_what_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
