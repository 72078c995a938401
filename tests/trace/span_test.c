#include "sdk_test.h"

/* ---- Start ---- */

static void root_span_gets_ids_flags_and_times(void **state)
{
    test_sdk sdk;
    cleat_span_context context;
    (void)state;
    SDK_START(&sdk, .sampler = NULL);
    cleat_span span = cleat_span_start(sdk.tracer, "work", NULL);
    assert_true(cleat_span_is_recording(span));
    cleat_span_get_context(span, &context);
    assert_true(cleat_span_context_is_valid(&context));
    assert_int_equal(context.trace_flags, CLEAT_TRACE_FLAG_SAMPLED | CLEAT_TRACE_FLAG_RANDOM);
    assert_false(context.is_remote);
    fake_clock_advance(&sdk.clock, 250);
    assert_int_equal(cleat_span_end(span), CLEAT_OK);

    cleat_span_view view = sdk_last(&sdk);
    assert_slice(view.name, "work");
    assert_int_equal(view.kind, CLEAT_SPAN_KIND_INTERNAL);
    assert_memory_equal(&view.trace_id, &context.trace_id, sizeof(view.trace_id));
    assert_memory_equal(&view.span_id, &context.span_id, sizeof(view.span_id));
    assert_false(cleat_span_id_is_valid(&view.parent_span_id));
    assert_int_equal(view.flags, 0x103);
    assert_true(view.start_time_ns == START_UNIX_NS);
    assert_true(view.end_time_ns == START_UNIX_NS + 250);
    assert_int_equal(view.status, CLEAT_SPAN_STATUS_UNSET);
    assert_non_null(view.resource);
    assert_slice(view.scope->name, "test");
    sdk_stop(&sdk);
}

static void child_follows_the_current_span(void **state)
{
    test_sdk sdk;
    cleat_span_context outer;
    (void)state;
    SDK_START(&sdk, .sampler = NULL);
    cleat_span parent = cleat_span_start(sdk.tracer, "outer", NULL);
    cleat_span_get_context(parent, &outer);
    cleat_scope scope = cleat_span_attach(parent);
    cleat_span_end(cleat_span_start(sdk.tracer, "inner", NULL));
    cleat_span_view view = sdk_last(&sdk);
    assert_memory_equal(&view.trace_id, &outer.trace_id, sizeof(view.trace_id));
    assert_memory_equal(&view.parent_span_id, &outer.span_id, sizeof(view.span_id));
    assert_int_equal(view.flags & 0x300, 0x100);

    cleat_span_end(cleat_span_start(sdk.tracer, "root", CLEAT_SPAN_OPTIONS(.root = true)));
    view = sdk_last(&sdk);
    assert_memory_not_equal(&view.trace_id, &outer.trace_id, sizeof(view.trace_id));
    assert_false(cleat_span_id_is_valid(&view.parent_span_id));
    cleat_scope_detach(scope);
    cleat_span_end(parent);
    sdk_stop(&sdk);
}

static void remote_parent_and_its_tracestate_are_kept(void **state)
{
    test_sdk sdk;
    (void)state;
    SDK_START(&sdk, .sampler = NULL);
    cleat_span_context remote = make_context(0x21, CLEAT_TRACE_FLAG_SAMPLED);
    remote.is_remote = true;
    cleat_trace_state_parse(&remote, cleat_slice_of("vendor=1,other=2"));
    cleat_context *parent = cleat_context_with_span_context(NULL, &remote);
    cleat_span span = cleat_span_start(sdk.tracer, "child",
                                       CLEAT_SPAN_OPTIONS(.parent = parent, .kind = CLEAT_SPAN_KIND_SERVER));
    cleat_span_end(span);
    cleat_span_view view = sdk_last(&sdk);
    assert_memory_equal(&view.trace_id, &remote.trace_id, sizeof(view.trace_id));
    assert_memory_equal(&view.parent_span_id, &remote.span_id, sizeof(view.span_id));
    assert_int_equal(view.flags, 0x301); /* the parent's trace id was not said to be random */
    assert_slice(view.trace_state, "vendor=1,other=2");
    assert_int_equal(view.kind, CLEAT_SPAN_KIND_SERVER);
    cleat_context_release(parent);
    sdk_stop(&sdk);
}

static void root_takes_the_tracestate_it_is_given(void **state)
{
    test_sdk sdk;
    (void)state;
    SDK_START(&sdk, .sampler = NULL);
    cleat_span_end(
        cleat_span_start(sdk.tracer, "r", CLEAT_SPAN_OPTIONS(.trace_state = {"ot=rv:0123456789abcd", 20})));
    assert_slice(sdk_last(&sdk).trace_state, "ot=rv:0123456789abcd");
    cleat_span_end(
        cleat_span_start(sdk.tracer, "r", CLEAT_SPAN_OPTIONS(.trace_state = {"not a tracestate", 16})));
    assert_int_equal(sdk_last(&sdk).trace_state.size, 0);
    sdk_stop(&sdk);
}

static void options_of_an_older_program_are_understood(void **state)
{
    test_sdk sdk;
    (void)state;
    SDK_START(&sdk, .sampler = NULL);
    const size_t old_size = offsetof(cleat_span_options, parent);
    const cleat_span_options known = {.struct_size = old_size, .kind = CLEAT_SPAN_KIND_PRODUCER};
    void *old = malloc(old_size); /* a sanitizer sees a read behind it */
    memcpy(old, &known, old_size);
    cleat_span_end(cleat_span_start(sdk.tracer, "old", old));
    assert_int_equal(sdk_last(&sdk).kind, CLEAT_SPAN_KIND_PRODUCER);
    free(old);
    cleat_span_end(cleat_span_start(sdk.tracer, "odd", CLEAT_SPAN_OPTIONS(.kind = (cleat_span_kind)77)));
    assert_int_equal(sdk_last(&sdk).kind, CLEAT_SPAN_KIND_INTERNAL);
    sdk_stop(&sdk);
}

/* ---- Names, status, times ---- */

static void names_of_any_length(void **state)
{
    test_sdk sdk;
    (void)state;
    SDK_START(&sdk, .sampler = NULL);
    char name[5000];
    for (size_t size = 90; size < sizeof(name); size = size * 3 + 1) {
        memset(name, 'n', size);
        name[size] = '\0';
        cleat_span span = cleat_span_start(sdk.tracer, name, NULL);
        cleat_span_end(span);
        assert_slice(sdk_last(&sdk).name, name);
        span = cleat_span_start(sdk.tracer, "first", NULL);
        assert_int_equal(cleat_span_update_name(span, name), CLEAT_OK);
        cleat_span_end(span);
        assert_slice(sdk_last(&sdk).name, name);
        span = cleat_span_start(sdk.tracer, name, NULL);
        assert_int_equal(cleat_span_update_name(span, "short"), CLEAT_OK);
        cleat_span_end(span);
        assert_slice(sdk_last(&sdk).name, "short");
    }
    cleat_span_end(cleat_span_start(sdk.tracer, NULL, NULL));
    assert_int_equal(sdk_last(&sdk).name.size, 0);
    cleat_span_end(cleat_span_start(sdk.tracer, "caf\xe9", NULL));
    assert_slice(sdk_last(&sdk).name, "caf\xef\xbf\xbd");
    sdk_stop(&sdk);
}

static void status_follows_its_rules(void **state)
{
    test_sdk sdk;
    (void)state;
    SDK_START(&sdk, .sampler = NULL);
    cleat_span span = cleat_span_start(sdk.tracer, "s", NULL);
    cleat_span_set_status(span, CLEAT_SPAN_STATUS_ERROR, "first");
    cleat_span_set_status(span, CLEAT_SPAN_STATUS_UNSET, "ignored");
    cleat_span_set_status(span, CLEAT_SPAN_STATUS_ERROR, "second");
    assert_int_equal(cleat_span_set_status(span, (cleat_span_status)9, NULL), CLEAT_INVALID_ARGUMENT);
    cleat_span_end(span);
    cleat_span_view view = sdk_last(&sdk);
    assert_int_equal(view.status, CLEAT_SPAN_STATUS_ERROR);
    assert_slice(view.status_message, "second");

    span = cleat_span_start(sdk.tracer, "s", NULL);
    cleat_span_set_status(span, CLEAT_SPAN_STATUS_ERROR, "gone");
    cleat_span_set_status(span, CLEAT_SPAN_STATUS_OK, "no description");
    assert_int_equal(cleat_span_set_status(span, CLEAT_SPAN_STATUS_ERROR, "too late"), CLEAT_OK);
    cleat_span_end(span);
    view = sdk_last(&sdk);
    assert_int_equal(view.status, CLEAT_SPAN_STATUS_OK);
    assert_int_equal(view.status_message.size, 0);
    sdk_stop(&sdk);
}

static void end_is_never_before_the_start(void **state)
{
    test_sdk sdk;
    (void)state;
    SDK_START(&sdk, .sampler = NULL);
    cleat_span span = cleat_span_start(sdk.tracer, "t", NULL);
    cleat_span_end_at(span, START_UNIX_NS - 5);
    cleat_span_view view = sdk_last(&sdk);
    assert_true(view.end_time_ns == view.start_time_ns);

    /* Somebody sets the clock back: the monotonic one goes on. */
    span = cleat_span_start(sdk.tracer, "t", NULL);
    sdk.clock.unix_ns -= 3600 * SECOND;
    sdk.clock.monotonic_ns += 7;
    cleat_span_add_event(span, "e", NULL, 0, 0);
    cleat_span_end(span);
    view = sdk_last(&sdk);
    assert_true(view.end_time_ns == view.start_time_ns + 7);
    cleat_event_view event;
    size_t cursor = 0;
    assert_true(cleat_span_view_next_event(&view, &cursor, &event));
    assert_true(event.time_ns == view.start_time_ns + 7);

    /* A start of the user's own: the end is the wall clock's. */
    span = cleat_span_start(sdk.tracer, "t", CLEAT_SPAN_OPTIONS(.start_time_ns = 1000));
    cleat_span_end(span);
    view = sdk_last(&sdk);
    assert_true(view.start_time_ns == 1000);
    assert_true(view.end_time_ns == START_UNIX_NS - 3600 * SECOND);

    span = cleat_span_start(sdk.tracer, "t", CLEAT_SPAN_OPTIONS(.start_time_ns = 1000));
    cleat_span_end_at(span, 1500);
    assert_true(sdk_last(&sdk).end_time_ns == 1500);
    sdk_stop(&sdk);
}

/* ---- Attributes, events, links and their limits ---- */

static void attributes_beyond_the_limit_are_dropped_and_counted(void **state)
{
    test_sdk sdk;
    (void)state;
    SDK_START(&sdk, .limits = {.attributes = 2, .attribute_value_length = 3});
    cleat_span span = cleat_span_start(sdk.tracer, "l", NULL);
    assert_int_equal(cleat_span_set_string(span, "a", "123456"), CLEAT_OK);
    const cleat_slice strings[] = {{"gr\xc3\xbc\xc3\x9f", 6}, {"x", 1}};
    const cleat_attribute array = cleat_attribute_strings("b", strings, 2);
    assert_int_equal(cleat_span_set_attribute(span, &array), CLEAT_OK);
    assert_int_equal(cleat_span_set_int(span, "c", 1), CLEAT_RESOURCE_EXHAUSTED);
    assert_int_equal(cleat_span_set_int(span, "a", 7), CLEAT_OK); /* overwriting is no addition */
    assert_int_equal(cleat_span_set_double(span, "d", 1), CLEAT_RESOURCE_EXHAUSTED);
    assert_true(cleat_span_has_attribute(span, cleat_slice_of("a")));
    assert_false(cleat_span_has_attribute(span, cleat_slice_of("c")));
    cleat_span_end(span);
    cleat_span_view view = sdk_last(&sdk);
    assert_int_equal(view.attribute_count, 2);
    assert_int_equal(view.dropped_attribute_count, 2);
    assert_int_attribute(&view, "a", 7);
    cleat_value element, value = value_of(&view, "b");
    assert_true(cleat_value_element(&value, 0, &element));
    assert_slice(element.as.string, "gr\xc3\xbc");
    sdk_stop(&sdk);

    SDK_START(&sdk, .limits = {.attributes = CLEAT_LIMIT_NONE});
    span = cleat_span_start(sdk.tracer, "l", NULL);
    assert_int_equal(cleat_span_set_int(span, "c", 1), CLEAT_RESOURCE_EXHAUSTED);
    cleat_span_end(span);
    assert_int_equal(sdk_last(&sdk).dropped_attribute_count, 1);
    sdk_stop(&sdk);
}

static void many_and_large_attributes(void **state)
{
    test_sdk sdk;
    (void)state;
    SDK_START(&sdk, .sampler = NULL);
    cleat_span span = cleat_span_start(sdk.tracer, "many", NULL);
    char key[16];
    for (int i = 0; i < 10000; i++) {
        snprintf(key, sizeof(key), "key%d", i);
        cleat_span_set_int(span, key, i);
    }
    cleat_span_end(span);
    cleat_span_view view = sdk_last(&sdk);
    assert_int_equal(view.attribute_count, 128);
    assert_int_equal(view.dropped_attribute_count, 10000 - 128);
    assert_int_attribute(&view, "key127", 127);

    size_t size = 10 * 1024 * 1024;
    char *text = malloc(size);
    memset(text, 'x', size);
    span = cleat_span_start(sdk.tracer, "large", NULL);
    assert_int_equal(cleat_span_set_slice(span, "large", (cleat_slice){text, size}), CLEAT_OK);
    cleat_span_end(span);
    view = sdk_last(&sdk);
    assert_int_equal(value_of(&view, "large").as.string.size, size);
    free(text);

    /* The next span in that memory is an ordinary one. */
    span = cleat_span_start(sdk.tracer, "small", NULL);
    cleat_span_set_bool(span, "small", true);
    cleat_span_end(span);
    assert_int_equal(sdk_last(&sdk).attribute_count, 1);
    sdk_stop(&sdk);
}

static void unusable_attributes_are_refused(void **state)
{
    test_sdk sdk;
    (void)state;
    SDK_START(&sdk, .sampler = NULL);
    cleat_span span = cleat_span_start(sdk.tracer, "u", NULL);
    assert_int_equal(cleat_span_set_int(span, NULL, 1), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_span_set_int(span, "", 1), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_span_set_attribute(span, NULL), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_span_set_string(span, "null", NULL), CLEAT_OK);
    cleat_attribute wrong = cleat_attribute_int("wrong", 1);
    wrong.value.type = (cleat_value_type)50;
    assert_int_equal(cleat_span_set_attribute(span, &wrong), CLEAT_INVALID_ARGUMENT);
    wrong = (cleat_attribute){.key = {"wrong", 5}, .value = {.type = CLEAT_VALUE_INT_ARRAY, .count = 3}};
    assert_int_equal(cleat_span_set_attribute(span, &wrong), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_span_set_string(span, "k\xff", "v\xff"), CLEAT_OK);
    assert_int_equal(cleat_span_set_string(span, "k\xff", "w"), CLEAT_OK);
    cleat_span_end(span);
    cleat_span_view view = sdk_last(&sdk);
    assert_int_equal(view.attribute_count, 1);
    assert_string_attribute(&view, "k\xef\xbf\xbd", "w");
    sdk_stop(&sdk);
}

static void events_keep_their_order_and_limits(void **state)
{
    test_sdk sdk;
    (void)state;
    SDK_START(&sdk, .limits = {.events = 2, .attributes_per_event = 1});
    const cleat_attribute two[] = {cleat_attribute_int("n", 1), cleat_attribute_int("m", 2)};
    cleat_span span = cleat_span_start(sdk.tracer, "e", NULL);
    assert_int_equal(cleat_span_add_event(span, "one", two, 2, 0), CLEAT_OK);
    fake_clock_advance(&sdk.clock, 10);
    assert_int_equal(cleat_span_add_event(span, "two", NULL, 0, 0), CLEAT_OK);
    assert_int_equal(cleat_span_add_event(span, "three", NULL, 0, 42), CLEAT_RESOURCE_EXHAUSTED);
    cleat_span_end(span);
    cleat_span_view view = sdk_last(&sdk);
    assert_int_equal(view.event_count, 2);
    assert_int_equal(view.dropped_event_count, 1);
    cleat_event_view event;
    cleat_attribute attribute;
    size_t cursor = 0, inner = 0;
    assert_true(cleat_span_view_next_event(&view, &cursor, &event));
    assert_slice(event.name, "one");
    assert_true(event.time_ns == START_UNIX_NS);
    assert_int_equal(event.dropped_attribute_count, 1);
    assert_true(cleat_event_view_next_attribute(&event, &inner, &attribute));
    assert_slice(attribute.key, "n");
    assert_false(cleat_event_view_next_attribute(&event, &inner, &attribute));
    assert_true(cleat_span_view_next_event(&view, &cursor, &event));
    assert_slice(event.name, "two");
    assert_true(event.time_ns == START_UNIX_NS + 10);
    assert_false(cleat_span_view_next_event(&view, &cursor, &event));
    sdk_stop(&sdk);
}

static void exception_becomes_an_event(void **state)
{
    test_sdk sdk;
    (void)state;
    SDK_START(&sdk, .sampler = NULL);
    const cleat_attribute extra[] = {cleat_attribute_string("exception.message", "mine"),
                                     cleat_attribute_bool("exception.escaped", true)};
    cleat_span span = cleat_span_start(sdk.tracer, "x", NULL);
    assert_int_equal(cleat_span_record_exception(span, "IOError", "theirs", NULL, extra, 2), CLEAT_OK);
    cleat_span_end(span);
    cleat_span_view view = sdk_last(&sdk);
    cleat_event_view event;
    cleat_attribute attribute;
    size_t cursor = 0, inner = 0, seen = 0;
    assert_true(cleat_span_view_next_event(&view, &cursor, &event));
    assert_slice(event.name, "exception");
    while (cleat_event_view_next_attribute(&event, &inner, &attribute)) {
        seen++;
        if (cleat_slice_equals(attribute.key, cleat_slice_of("exception.message"))) {
            assert_slice(attribute.value.as.string, "mine");
        } else if (cleat_slice_equals(attribute.key, cleat_slice_of("exception.type"))) {
            assert_slice(attribute.value.as.string, "IOError");
        }
    }
    assert_int_equal(seen, 3);
    sdk_stop(&sdk);
}

static void links_keep_their_order_and_limits(void **state)
{
    test_sdk sdk;
    (void)state;
    SDK_START(&sdk, .limits = {.links = 3, .attributes_per_link = 1});
    cleat_span_context first = make_context(1, CLEAT_TRACE_FLAG_SAMPLED), second = make_context(3, 0), none;
    memset(&none, 0, sizeof(none));
    cleat_trace_state_parse(&second, cleat_slice_of("k=v"));
    second.is_remote = true;
    const cleat_attribute kind = cleat_attribute_string("cleat.link.kind", "spawn");
    const cleat_attribute two[] = {kind, cleat_attribute_int("n", 1)};
    const cleat_link links[] = {{&first, NULL, 0}, {&none, NULL, 0}, {&second, two, 2}};
    cleat_span span = cleat_span_start(sdk.tracer, "l", CLEAT_SPAN_OPTIONS(.links = links, .link_count = 3));
    assert_int_equal(cleat_span_add_link(span, NULL), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_span_add_link(span, &(cleat_link){NULL, &kind, 1}), CLEAT_INVALID_ARGUMENT);
    assert_int_equal(cleat_span_add_link(span, &(cleat_link){&none, &kind, 1}), CLEAT_OK);
    assert_int_equal(cleat_span_add_link(span, &(cleat_link){&first, NULL, 0}), CLEAT_RESOURCE_EXHAUSTED);
    cleat_span_end(span);
    cleat_span_view view = sdk_last(&sdk);
    assert_int_equal(view.link_count, 3);
    assert_int_equal(view.dropped_link_count, 1);
    cleat_link_view link;
    cleat_attribute attribute;
    size_t cursor = 0, inner = 0;
    assert_true(cleat_span_view_next_link(&view, &cursor, &link));
    assert_true(cleat_span_context_equals(&link.context, &first));
    assert_true(cleat_span_context_is_sampled(&link.context));
    assert_false(link.context.is_remote);
    assert_true(cleat_span_view_next_link(&view, &cursor, &link));
    assert_true(cleat_span_context_equals(&link.context, &second));
    assert_trace_state(&link.context, "k=v");
    assert_true(link.context.is_remote);
    assert_int_equal(link.dropped_attribute_count, 1);
    assert_true(cleat_link_view_next_attribute(&link, &inner, &attribute));
    assert_slice(attribute.value.as.string, "spawn");
    assert_true(cleat_span_view_next_link(&view, &cursor, &link));
    assert_false(cleat_span_context_is_valid(&link.context));
    assert_false(cleat_span_view_next_link(&view, &cursor, &link));
    sdk_stop(&sdk);
}

/* ---- Handles ---- */

static void stale_handles_touch_nothing(void **state)
{
    test_sdk sdk;
    (void)state;
    SDK_START(&sdk, .sampler = NULL);
    cleat_span old = cleat_span_start(sdk.tracer, "old", NULL);
    assert_int_equal(cleat_span_end(old), CLEAT_OK);
    assert_int_equal(cleat_span_end(old), CLEAT_FAILED_PRECONDITION);
    cleat_span next = cleat_span_start(sdk.tracer, "next", NULL);
    assert_ptr_equal(next.impl, old.impl); /* the same memory */
    cleat_span_context to = make_context(1, 1), context;
    assert_int_equal(cleat_span_set_int(old, "k", 1), CLEAT_FAILED_PRECONDITION);
    assert_int_equal(cleat_span_add_event(old, "e", NULL, 0, 0), CLEAT_FAILED_PRECONDITION);
    assert_int_equal(cleat_span_add_link(old, &(cleat_link){.context = &to}), CLEAT_FAILED_PRECONDITION);
    assert_int_equal(cleat_span_set_status(old, CLEAT_SPAN_STATUS_OK, NULL), CLEAT_FAILED_PRECONDITION);
    assert_int_equal(cleat_span_update_name(old, "x"), CLEAT_FAILED_PRECONDITION);
    assert_int_equal(cleat_span_end(old), CLEAT_FAILED_PRECONDITION);
    assert_int_not_equal(cleat_error_message()[0], '\0');
    assert_false(cleat_span_is_recording(old));
    assert_false(cleat_span_has_attribute(old, cleat_slice_of("k")));
    cleat_span_get_context(old, &context);
    assert_false(cleat_span_context_is_valid(&context));
    assert_int_equal(cleat_span_end(next), CLEAT_OK);
    cleat_span_view view = sdk_last(&sdk);
    assert_slice(view.name, "next");
    assert_int_equal(view.attribute_count + view.event_count + view.link_count + view.status, 0);
    sdk_stop(&sdk);
}

static void no_op_span_accepts_everything(void **state)
{
    cleat_span none = {NULL, 0};
    cleat_span_context context = make_context(1, 1);
    (void)state;
    assert_int_equal(cleat_span_set_string(none, NULL, NULL), CLEAT_OK);
    assert_int_equal(cleat_span_set_attribute(none, NULL), CLEAT_OK);
    assert_int_equal(cleat_span_add_event(none, NULL, NULL, 1, -1), CLEAT_OK);
    assert_int_equal(cleat_span_add_link(none, NULL), CLEAT_OK);
    assert_int_equal(cleat_span_record_exception(none, NULL, NULL, NULL, NULL, 0), CLEAT_OK);
    assert_int_equal(cleat_span_end(none), CLEAT_OK);
    assert_int_equal(cleat_span_end(none), CLEAT_OK);
    assert_false(cleat_span_is_recording(none));
    cleat_span_get_context(none, NULL);
    cleat_span_get_context(none, &context);
    assert_false(cleat_span_context_is_valid(&context));
    none = cleat_span_start(NULL, "x", NULL);
    assert_null(none.impl);
}

static void unsampled_spans_carry_a_context_of_their_own(void **state)
{
    test_sdk sdk;
    cleat_span_context context;
    (void)state;
    SDK_START(&sdk, .sampler = cleat_sampler_always_off());
    cleat_span_context remote = make_context(9, CLEAT_TRACE_FLAG_SAMPLED);
    cleat_trace_state_parse(&remote, cleat_slice_of("a=b"));
    cleat_context *parent = cleat_context_with_span_context(NULL, &remote);
    cleat_span span = cleat_span_start(sdk.tracer, "dropped", CLEAT_SPAN_OPTIONS(.parent = parent));
    assert_false(cleat_span_is_recording(span));
    assert_int_equal(cleat_span_set_int(span, "k", 1), CLEAT_OK);
    assert_int_equal(cleat_span_add_event(span, "e", NULL, 0, 0), CLEAT_OK);
    cleat_span_get_context(span, &context);
    assert_memory_equal(&context.trace_id, &remote.trace_id, sizeof(remote.trace_id));
    assert_memory_not_equal(&context.span_id, &remote.span_id, sizeof(remote.span_id));
    assert_true(cleat_span_id_is_valid(&context.span_id));
    assert_false(cleat_span_context_is_sampled(&context));
    assert_trace_state(&context, "a=b");
    assert_int_equal(cleat_span_end(span), CLEAT_OK);
    assert_int_equal(cleat_span_end(span), CLEAT_FAILED_PRECONDITION);
    assert_int_equal(cleat_span_set_int(span, "k", 1), CLEAT_OK); /* still ignores everything */
    assert_int_equal(cleat_memory_exporter_count(sdk.exporter), 0);
    cleat_context_release(parent);
    sdk_stop(&sdk);
}

static void without_sdk_a_span_is_its_parent_again(void **state)
{
    cleat_tracer *tracer = cleat_tracer_get("nobody", NULL);
    cleat_span_context remote = make_context(5, CLEAT_TRACE_FLAG_SAMPLED), context;
    (void)state;
    assert_null(cleat_span_start(tracer, "root", NULL).impl);
    cleat_context *parent = cleat_context_with_span_context(NULL, &remote);
    cleat_span span = cleat_span_start(tracer, "child", CLEAT_SPAN_OPTIONS(.parent = parent));
    assert_false(cleat_span_is_recording(span));
    cleat_span_get_context(span, &context);
    assert_true(cleat_span_context_equals(&context, &remote));
    assert_int_equal(cleat_span_end(span), CLEAT_OK);
    assert_int_equal(cleat_span_end(span), CLEAT_FAILED_PRECONDITION);
    cleat_context_release(parent);
}

static void many_spans_alive_at_once(void **state)
{
    test_sdk sdk;
    enum { MANY = 300 };
    cleat_span spans[MANY];
    (void)state;
    SDK_START(&sdk, .sampler = NULL);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < MANY; i++) {
            spans[i] = cleat_span_start(sdk.tracer, "m", NULL);
            cleat_span_set_int(spans[i], "i", i);
        }
        for (int i = 0; i < MANY; i++) {
            assert_int_equal(cleat_span_end(spans[i]), CLEAT_OK);
            cleat_span_view view = sdk_last(&sdk);
            assert_int_attribute(&view, "i", i);
        }
    }
    sdk_stop(&sdk);
}

static void *end_elsewhere(void *argument)
{
    cleat_span span = *(cleat_span *)argument;
    assert_int_equal(cleat_span_set_bool(span, "elsewhere", true), CLEAT_OK);
    assert_int_equal(cleat_span_end(span), CLEAT_OK);
    return NULL;
}

static void span_may_end_in_another_thread(void **state)
{
    test_sdk sdk;
    (void)state;
    SDK_START(&sdk, .sampler = NULL);
    for (int i = 0; i < 100; i++) {
        pthread_t thread;
        cleat_span span = cleat_span_start(sdk.tracer, "far", NULL);
        assert_int_equal(pthread_create(&thread, NULL, end_elsewhere, &span), 0);
        pthread_join(thread, NULL);
        assert_int_equal(cleat_span_end(span), CLEAT_FAILED_PRECONDITION);
    }
    assert_int_equal(cleat_memory_exporter_count(sdk.exporter), 100);
    sdk_stop(&sdk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(root_span_gets_ids_flags_and_times),
        cmocka_unit_test(child_follows_the_current_span),
        cmocka_unit_test(remote_parent_and_its_tracestate_are_kept),
        cmocka_unit_test(root_takes_the_tracestate_it_is_given),
        cmocka_unit_test(options_of_an_older_program_are_understood),
        cmocka_unit_test(names_of_any_length),
        cmocka_unit_test(status_follows_its_rules),
        cmocka_unit_test(end_is_never_before_the_start),
        cmocka_unit_test(attributes_beyond_the_limit_are_dropped_and_counted),
        cmocka_unit_test(many_and_large_attributes),
        cmocka_unit_test(unusable_attributes_are_refused),
        cmocka_unit_test(events_keep_their_order_and_limits),
        cmocka_unit_test(exception_becomes_an_event),
        cmocka_unit_test(links_keep_their_order_and_limits),
        cmocka_unit_test(stale_handles_touch_nothing),
        cmocka_unit_test(no_op_span_accepts_everything),
        cmocka_unit_test(unsampled_spans_carry_a_context_of_their_own),
        cmocka_unit_test(without_sdk_a_span_is_its_parent_again),
        cmocka_unit_test(many_spans_alive_at_once),
        cmocka_unit_test(span_may_end_in_another_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
