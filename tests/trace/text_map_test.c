/* Headers of a request as a C program has them: an array, a list with several lines of one name. */
#include "propagation_test.h"

#include <strings.h>

typedef struct header {
    const char *name;
    const char *value;
} header;

typedef struct request {
    header headers[12];
    size_t count;
} request;

/* HTTP does not regard the case of names. */
static void request_get_all(void *self, const char *key, cleat_text_map_visitor visit, void *user_data)
{
    const request *it = self;
    for (size_t i = 0; i < it->count; i++) {
        const header *each = &it->headers[i];
        if (strcasecmp(each->name, key) == 0 && !visit(user_data, cleat_slice_of(each->value))) {
            return;
        }
    }
}

static bool keep_first(void *user_data, cleat_slice value)
{
    *(cleat_slice *)user_data = value;
    return false;
}

static cleat_slice request_get(void *self, const char *key)
{
    cleat_slice value = {NULL, 0};
    request_get_all(self, key, keep_first, &value);
    return value;
}

static void request_keys(void *self, cleat_text_map_visitor visit, void *user_data)
{
    const request *it = self;
    for (size_t i = 0; i < it->count && visit(user_data, cleat_slice_of(it->headers[i].name)); i++) {
    }
}

static cleat_text_map map_of(request *self)
{
    return (cleat_text_map){
        .self = self, .get = request_get, .get_all = request_get_all, .keys = request_keys};
}

static cleat_context *extract(request *self)
{
    cleat_text_map map = map_of(self);
    return cleat_propagator_extract(cleat_propagator_default(), NULL, &map);
}

static void test_lines_of_tracestate_are_joined(void **state)
{
    (void)state;
    request lines = {
        {{"Host", "h"},
         {"tracestate", "a=1 , b=2"},
         {"Traceparent", TRACEPARENT},
         {"TraceState", ""},
         {"TRACESTATE", ", c=3,a=4"}},
        5,
    };
    cleat_context *context = extract(&lines);
    assert_trace_state(cleat_context_span_context(context), "a=1,b=2,c=3");
    cleat_context_release(context);

    /* A malformed line makes all of them so, wherever it is; the traceparent stands. */
    for (size_t i = 1; i < 5; i += i == 1 ? 2 : 1) {
        const char *before = lines.headers[i].value;
        lines.headers[i].value = "malformed";
        context = extract(&lines);
        assert_true(cleat_span_context_is_valid(cleat_context_span_context(context)));
        assert_trace_state(cleat_context_span_context(context), "");
        cleat_context_release(context);
        lines.headers[i].value = before;
    }
}

static void test_members_of_all_lines_count(void **state)
{
    (void)state;
    char text[2][256];
    for (int line = 0; line < 2; line++) {
        size_t size = 0;
        for (int i = 0; i < 16; i++) {
            size += (size_t)sprintf(text[line] + size, "k%d=%d,", 16 * line + i, i);
        }
    }
    request lines = {{{"traceparent", TRACEPARENT}, {"tracestate", text[0]}, {"tracestate", text[1]}}, 3};
    cleat_context *context = extract(&lines);
    assert_slice(cleat_trace_state_get(cleat_context_span_context(context), "k31"), "15");
    cleat_context_release(context);
    strcat(text[1], "k32=0");
    context = extract(&lines);
    assert_trace_state(cleat_context_span_context(context), "");
    cleat_context_release(context);
}

static void test_two_traceparents_are_none(void **state)
{
    (void)state;
    request lines = {
        {{"traceparent", TRACEPARENT}, {"tracestate", "a=1"}, {"Traceparent", TRACEPARENT}},
        3,
    };
    assert_null(extract(&lines));
    lines.headers[2].value = "";
    assert_null(extract(&lines));
    lines.count = 2;
    cleat_context *context = extract(&lines);
    assert_non_null(context);
    cleat_context_release(context);
}

static void test_lines_of_baggage_are_joined(void **state)
{
    (void)state;
    request lines = {
        {{"baggage", "a=1,b=2"}, {"Baggage", "malformed"}, {"BAGGAGE", "c=%41;p,b=3"}},
        3,
    };
    cleat_context *context = extract(&lines);
    const cleat_baggage *baggage = cleat_context_get_baggage(context);
    assert_int_equal(cleat_baggage_count(baggage), 3);
    assert_slice(cleat_baggage_get(baggage, "a"), "1");
    assert_slice(cleat_baggage_get(baggage, "b"), "3");
    assert_slice(cleat_baggage_get(baggage, "c"), "A");
    cleat_context_release(context);
}

static void test_baggage_limit_is_of_all_lines(void **state)
{
    (void)state;
    static char text[2][8200];
    for (int line = 0; line < 2; line++) {
        memset(text[line], 'x', 5000);
        memcpy(text[line], line == 0 ? "a=" : "b=", 2);
    }
    request lines = {{{"baggage", text[0]}, {"baggage", text[1]}, {"baggage", "c=1"}}, 3};
    cleat_context *context = extract(&lines);
    const cleat_baggage *baggage = cleat_context_get_baggage(context);
    assert_int_equal(cleat_baggage_count(baggage), 2);
    assert_int_equal(cleat_baggage_get(baggage, "a").size, 4998);
    assert_slice(cleat_baggage_get(baggage, "c"), "1");
    cleat_context_release(context);
}

/* What a user's propagator may do: one header for each entry. */
static bool count_prefixed(void *user_data, cleat_slice key)
{
    *(int *)user_data += key.size > 8 && strncasecmp(key.data, "uberctx-", 8) == 0;
    return true;
}

static bool stop_at_once(void *user_data, cleat_slice key)
{
    (void)key;
    ++*(int *)user_data;
    return false;
}

static void test_keys(void **state)
{
    (void)state;
    int count = 0;
    request headers = {{{"uberctx-a", "1"}, {"Host", "h"}, {"Uberctx-B", "2"}}, 3};
    cleat_text_map map = map_of(&headers);
    map.keys(map.self, count_prefixed, &count);
    assert_int_equal(count, 2);

    cleat_carrier *carrier = NULL;
    assert_int_equal(cleat_carrier_new(&carrier), CLEAT_OK);
    assert_int_equal(cleat_carrier_set(carrier, "uberctx-a", cleat_slice_of("1")), CLEAT_OK);
    assert_int_equal(cleat_carrier_set(carrier, "uberctx-b", cleat_slice_of("1")), CLEAT_OK);
    map = cleat_carrier_text_map(carrier);
    count = 0;
    map.keys(map.self, count_prefixed, &count);
    assert_int_equal(count, 2);
    count = 0;
    map.keys(map.self, stop_at_once, &count);
    assert_int_equal(count, 1);
    cleat_carrier_free(carrier);
}

/* A visitor that is given the absent slice, and maps that have nothing. */
static void get_all_absent(void *self, const char *key, cleat_text_map_visitor visit, void *user_data)
{
    (void)self;
    (void)key;
    visit(user_data, (cleat_slice){NULL, 0});
}

static void test_maps_that_lack_something(void **state)
{
    (void)state;
    const cleat_propagator *all[] = {cleat_propagator_default(), cleat_propagator_b3(),
                                     cleat_propagator_b3_multi(), cleat_propagator_none(), NULL};
    const cleat_text_map nothing = {.self = NULL};
    const cleat_text_map absent = {.get_all = get_all_absent};
    cleat_span_context span = valid_span_context();
    cleat_baggage *baggage = cleat_baggage_with(NULL, "k", cleat_slice_of("v"), NULL);
    cleat_context *traced = cleat_context_with_span_context(NULL, &span);
    cleat_context *context = cleat_context_with_baggage(traced, baggage);
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        cleat_propagator_inject(all[i], context, &nothing);
        cleat_propagator_inject(all[i], context, NULL);
        assert_null(cleat_propagator_extract(all[i], NULL, &nothing));
        assert_null(cleat_propagator_extract(all[i], NULL, &absent));
        assert_null(cleat_propagator_extract(all[i], NULL, NULL));
    }
    cleat_context_release(context);
    cleat_context_release(traced);
    cleat_baggage_release(baggage);
}

static void test_inject_of_the_current_context(void **state)
{
    (void)state;
    cleat_carrier *carrier = NULL;
    assert_int_equal(cleat_carrier_new(&carrier), CLEAT_OK);
    cleat_text_map map = cleat_carrier_text_map(carrier);
    cleat_span_context span = valid_span_context();
    cleat_context *context = cleat_context_with_span_context(NULL, &span);
    cleat_scope scope = cleat_context_attach(context);
    cleat_propagator_inject(cleat_propagator_trace_context(), NULL, &map);
    cleat_scope_detach(scope);
    assert_slice(cleat_carrier_get(carrier, "traceparent"), TRACEPARENT);
    cleat_context_release(context);
    cleat_carrier_free(carrier);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_of_tracestate_are_joined),
        cmocka_unit_test(test_members_of_all_lines_count),
        cmocka_unit_test(test_two_traceparents_are_none),
        cmocka_unit_test(test_lines_of_baggage_are_joined),
        cmocka_unit_test(test_baggage_limit_is_of_all_lines),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_maps_that_lack_something),
        cmocka_unit_test(test_inject_of_the_current_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
