#include "propagation_test.h"

#include <sys/wait.h>
#include <unistd.h>

typedef struct global_case {
    const char *value; /* of OTEL_PROPAGATORS; NULL: unset */
    const cleat_propagator *(*expected)(void);
    int warnings;
} global_case;

static const global_case global_cases[] = {
    {NULL, cleat_propagator_default, 0},
    {"", cleat_propagator_default, 0},
    {" , ", cleat_propagator_default, 0},
    {"tracecontext,baggage", cleat_propagator_default, 0},
    {" Baggage , TraceContext ", cleat_propagator_default, 0},
    {"tracecontext", cleat_propagator_trace_context, 0},
    {"tracecontext,tracecontext", cleat_propagator_trace_context, 0},
    {"baggage", cleat_propagator_baggage, 0},
    {"none", cleat_propagator_none, 0},
    {"none,baggage", cleat_propagator_baggage, 0},
    {"baggage,none,tracecontext,baggage", cleat_propagator_default, 0},
    {"b3", cleat_propagator_b3, 0},
    {"b3multi", cleat_propagator_b3_multi, 0},
    {"B3Multi,none,b3multi", cleat_propagator_b3_multi, 0},
    {"jaeger", cleat_propagator_default, 1},
    {"jaeger,baggage,jaeger", cleat_propagator_baggage, 1},
    {"b3 multi,jaeger,tracecontext", cleat_propagator_trace_context, 2},
};

static void count_messages(void *user_data, cleat_log_level level, const char *message)
{
    int *count = user_data;
    *count += level == CLEAT_LOG_WARN && strstr(message, "OTEL_PROPAGATORS") != NULL &&
              (strstr(message, "\"jaeger\"") != NULL || strstr(message, "\"b3 multi\"") != NULL) &&
              strstr(message, "tracecontext, baggage, b3, b3multi, none") != NULL;
}

/* The environment is read once in a process, so each case is one. */
static int run_global_case(const global_case *each)
{
    int warnings = 0;
    cleat_log_set_handler(count_messages, &warnings, CLEAT_LOG_WARN);
    if (each->value != NULL) {
        setenv("OTEL_PROPAGATORS", each->value, 1);
    } else {
        unsetenv("OTEL_PROPAGATORS");
    }
    const cleat_propagator *first = cleat_propagator_global();
    setenv("OTEL_PROPAGATORS", "none", 1);
    bool as_expected = first == each->expected() && cleat_propagator_global() == first;
    return as_expected && warnings == each->warnings ? 0 : 1;
}

static void test_global_is_what_the_environment_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(global_cases); i++) {
        pid_t child = fork();
        if (child == 0) {
            _exit(run_global_case(&global_cases[i]));
        }
        int status = 1;
        assert_int_equal(waitpid(child, &status, 0), child);
        if (status != 0) {
            fail_msg("OTEL_PROPAGATORS \"%s\"", global_cases[i].value);
        }
    }
}

/* What several make, other than the two of the default, shows in its fields. */
typedef struct several_case {
    const char *value;
    const char *fields;
} several_case;

static const several_case several_cases[] = {
    {"tracecontext,b3", "traceparent tracestate b3 "},
    {"b3, tracecontext", "b3 traceparent tracestate "},
    {"b3,baggage,b3,jaeger", "b3 baggage "},
    {"none,b3multi,baggage", "X-B3-TraceId X-B3-SpanId X-B3-Sampled X-B3-Flags baggage "},
    {"baggage,b3,b3multi,tracecontext,b3",
     "baggage b3 X-B3-TraceId X-B3-SpanId X-B3-Sampled X-B3-Flags traceparent tracestate "},
};

static int run_several_case(const several_case *each)
{
    char text[256] = "";
    setenv("OTEL_PROPAGATORS", each->value, 1);
    const cleat_propagator *propagator = cleat_propagator_global();
    for (const char *const *field = propagator->fields(propagator); *field != NULL; field++) {
        strcat(strcat(text, *field), " ");
    }
    return strcmp(text, each->fields) == 0 ? 0 : 1;
}

static void test_global_of_several(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(several_cases); i++) {
        pid_t child = fork();
        if (child == 0) {
            _exit(run_several_case(&several_cases[i]));
        }
        int status = 1;
        assert_int_equal(waitpid(child, &status, 0), child);
        if (status != 0) {
            fail_msg("OTEL_PROPAGATORS \"%s\"", several_cases[i].value);
        }
    }
}

static void test_global_can_be_set(void **state)
{
    (void)state;
    unsetenv("OTEL_PROPAGATORS");
    cleat_propagator_set_global(cleat_propagator_baggage());
    assert_ptr_equal(cleat_propagator_global(), cleat_propagator_baggage());
    cleat_propagator_set_global(NULL);
    assert_ptr_equal(cleat_propagator_global(), cleat_propagator_default());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_global_is_what_the_environment_names),
        cmocka_unit_test(test_global_of_several),
        cmocka_unit_test(test_global_can_be_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
