#include "propagation_test.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

/* Strings with a NULL behind them, as execve() has them. */
#define VARIABLES(...) ((char *const *)(const char *const[]){__VA_ARGS__, NULL})

static int restore(void **state)
{
    (void)state;
    cleat_set_allocator(NULL);
    unsetenv("TRACEPARENT");
    unsetenv("TRACESTATE");
    unsetenv("BAGGAGE");
    return 0;
}

static cleat_context *traced_context(const char *trace_state, const char *baggage_value)
{
    cleat_span_context span = valid_span_context();
    assert_int_equal(cleat_trace_state_parse(&span, cleat_slice_of(trace_state)), CLEAT_OK);
    cleat_context *traced = cleat_context_with_span_context(NULL, &span);
    if (baggage_value == NULL) {
        return traced;
    }
    cleat_baggage *baggage = cleat_baggage_with(NULL, "k", cleat_slice_of(baggage_value), NULL);
    cleat_context *context = cleat_context_with_baggage(traced, baggage);
    cleat_baggage_release(baggage);
    cleat_context_release(traced);
    return context;
}

/* The variables one after the other, each in a line. */
static void assert_environment(char **environment, const char *expected)
{
    char text[1024] = "";
    for (char **each = environment; *each != NULL; each++) {
        strcat(strcat(text, *each), "\n");
    }
    assert_string_equal(text, expected);
}

static void test_names_of_variables(void **state)
{
    (void)state;
    char *const *variables =
        VARIABLES("traceparent=lower", "TRACEPARENTS=more", "TRACEPAREN=less", "TRACEPARENT=1",
                  "TRACEPARENT=second", "X_B3_TRACEID=2", "_1A=3", "EMPTY=", "NOTHING", "=x", "A_B_C=4=5");
    cleat_text_map map = cleat_environment_text_map(variables);
    assert_slice(map.get(map.self, "traceparent"), "1");
    assert_slice(map.get(map.self, "TraceParent"), "1");
    assert_slice(map.get(map.self, "X-B3-TraceId"), "2");
    assert_slice(map.get(map.self, "1a"), "3");
    assert_slice(map.get(map.self, "a.b/c"), "4=5");
    assert_slice(map.get(map.self, "empty"), "");
    assert_slice(map.get(map.self, "nothing"), NULL);
    assert_slice(map.get(map.self, "tracestate"), NULL);
    assert_null(map.set);
    assert_null(map.remove);
}

static bool append_key(void *user_data, cleat_slice key)
{
    strcat(strncat(user_data, key.data, key.size), " ");
    return true;
}

static void test_keys(void **state)
{
    (void)state;
    char *const *variables = VARIABLES("TRACEPARENT=1", "NOTHING", "A=");
    char text[64] = "";
    cleat_text_map map = cleat_environment_text_map(variables);
    map.keys(map.self, append_key, text);
    assert_string_equal(text, "TRACEPARENT A ");
}

static void test_context_of_the_process(void **state)
{
    (void)state;
    assert_null(cleat_context_from_environment(NULL));
    setenv("TRACEPARENT", TRACEPARENT, 1);
    setenv("TRACESTATE", "a=1", 1);
    setenv("BAGGAGE", "k=v", 1);
    cleat_context *context = cleat_context_from_environment(NULL);
    char header[56];
    assert_int_equal(cleat_traceparent_format(cleat_context_span_context(context), header), CLEAT_OK);
    assert_string_equal(header, TRACEPARENT);
    assert_true(cleat_context_span_context(context)->is_remote);
    assert_trace_state(cleat_context_span_context(context), "a=1");
    assert_slice(cleat_baggage_get(cleat_context_get_baggage(context), "k"), "v");
    cleat_context_release(context);
    assert_null(cleat_context_from_environment(cleat_propagator_b3()));
}

static void test_child_environment_replaces(void **state)
{
    (void)state;
    char *const *before = VARIABLES("PATH=/bin", "TRACEPARENT=old", "TRACEPARENT=older", "TRACESTATE=old",
                                    "X=traceparent", "BAGGAGE=old", "NOTHING", "traceparent=kept");
    char **environment = NULL;
    cleat_context *context = traced_context("a=1,b=2", "x y");
    assert_int_equal(cleat_child_environment_new(before, context, NULL, &environment), CLEAT_OK);
    assert_environment(environment, "PATH=/bin\nX=traceparent\nNOTHING\ntraceparent=kept\n"
                                    "TRACEPARENT=" TRACEPARENT "\nTRACESTATE=a=1,b=2\nBAGGAGE=k=x%20y\n");
    assert_string_equal(before[1], "TRACEPARENT=old");
    assert_ptr_not_equal(environment[0], before[0]); /* it owns its text */
    cleat_child_environment_free(environment);
    cleat_context_release(context);

    /* What the context does not hold does not stay from another trace. */
    context = traced_context("", NULL);
    assert_int_equal(cleat_child_environment_new(before, context, NULL, &environment), CLEAT_OK);
    assert_environment(environment, "PATH=/bin\nX=traceparent\nNOTHING\ntraceparent=kept\n"
                                    "TRACEPARENT=" TRACEPARENT "\n");
    cleat_child_environment_free(environment);
    cleat_context_release(context);

    /* The current context, which is none here. */
    assert_int_equal(cleat_child_environment_new(before, NULL, NULL, &environment), CLEAT_OK);
    assert_environment(environment, "PATH=/bin\nX=traceparent\nNOTHING\ntraceparent=kept\n");
    cleat_child_environment_free(environment);
}

static void test_child_environment_of_other_propagators(void **state)
{
    (void)state;
    char *const *before = VARIABLES("TRACEPARENT=kept", "X_B3_SAMPLED=0", "X_B3_FLAGS=1");
    char **environment = NULL;
    cleat_context *context = traced_context("", NULL);
    cleat_scope scope = cleat_context_attach(context);
    assert_int_equal(cleat_child_environment_new(before, NULL, cleat_propagator_b3_multi(), &environment),
                     CLEAT_OK);
    cleat_scope_detach(scope);
    assert_environment(environment, "TRACEPARENT=kept\nX_B3_TRACEID=" TRACE_ID "\nX_B3_SPANID=" SPAN_ID
                                    "\nX_B3_SAMPLED=1\n");
    cleat_child_environment_free(environment);
    char *const *empty = VARIABLES(NULL);
    assert_int_equal(cleat_child_environment_new(empty, context, cleat_propagator_none(), &environment),
                     CLEAT_OK);
    assert_environment(environment, "");
    cleat_child_environment_free(environment);
    cleat_context_release(context);
}

/* Writes what the fields do not say. */
static void odd_inject(const cleat_propagator *self, const cleat_context *context,
                       const cleat_text_map *carrier)
{
    (void)context;
    if (self->fields == NULL) {
        carrier->set(carrier->self, "9-odd", cleat_slice_of("1"));
        carrier->set(carrier->self, "gone", cleat_slice_of("2"));
        carrier->remove(carrier->self, "gone");
        assert_slice(carrier->get(carrier->self, "9-odd"), "1");
    } else {
        carrier->set(carrier->self, "odd", (cleat_slice){"a\0b", 3});
        carrier->set(carrier->self, "even", cleat_slice_of("fine"));
    }
}

static void test_child_environment_of_a_users_propagator(void **state)
{
    (void)state;
    char *const *before = VARIABLES("_9_ODD=old", "A=1");
    char **environment = NULL;
    cleat_propagator odd = {.inject = odd_inject};
    assert_int_equal(cleat_child_environment_new(before, NULL, &odd, &environment), CLEAT_OK);
    assert_environment(environment, "A=1\n_9_ODD=1\n");
    cleat_child_environment_free(environment);
    /* An environment variable cannot hold a NUL byte. */
    odd.fields = cleat_propagator_none()->fields;
    assert_int_equal(cleat_child_environment_new(before, NULL, &odd, &environment), CLEAT_INVALID_ARGUMENT);
    assert_null(environment);
    assert_int_equal(cleat_child_environment_new(before, NULL, NULL, NULL), CLEAT_INVALID_ARGUMENT);
    cleat_child_environment_free(NULL);
}

static void test_no_memory(void **state)
{
    (void)state;
    static failing_allocator allocator;
    char *const *before = VARIABLES("A=1");
    char **environment = NULL;
    cleat_context *context = traced_context("a=1", "v");
    cleat_set_allocator(NULL);
    failing_allocator_install(&allocator, 0);
    size_t fail_at = 1;
    cleat_status status;
    do {
        atomic_store(&allocator.calls, 0);
        atomic_store(&allocator.fail_at, fail_at++);
        status = cleat_child_environment_new(before, context, NULL, &environment);
        assert_true(status == CLEAT_OK || (status == CLEAT_NO_MEMORY && environment == NULL));
    } while (status != CLEAT_OK);
    assert_true(fail_at > 4);
    cleat_child_environment_free(environment);
    assert_int_equal(atomic_load(&allocator.live), 0);
    cleat_set_allocator(NULL);
    cleat_context_release(context);
}

/* The child says under what it was started. */
static void test_a_spawned_child_gets_it(void **state)
{
    (void)state;
    setenv("TRACEPARENT", "stale", 1);
    setenv("KEPT", "yes", 1);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    posix_spawn_file_actions_t actions;
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO), 0);
    char *const *arguments =
        VARIABLES("sh", "-c", "printf '%s %s %s' \"$TRACEPARENT\" \"$TRACESTATE\" \"$KEPT\"");
    char **environment = NULL;
    cleat_context *context = traced_context("a=1", NULL);
    assert_int_equal(cleat_child_environment_new(NULL, context, NULL, &environment), CLEAT_OK);
    cleat_context_release(context);
    pid_t child;
    assert_int_equal(posix_spawn(&child, "/bin/sh", &actions, NULL, arguments, environment), 0);
    cleat_child_environment_free(environment);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    char text[256] = "";
    size_t size = 0;
    for (ssize_t got; (got = read(ends[0], text + size, sizeof(text) - 1 - size)) > 0;) {
        size += (size_t)got;
    }
    close(ends[0]);
    int status = 1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_string_equal(text, TRACEPARENT " a=1 yes");
    assert_string_equal(getenv("TRACEPARENT"), "stale"); /* the process's own is not touched */
    unsetenv("KEPT");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_names_of_variables, restore),
        cmocka_unit_test_teardown(test_keys, restore),
        cmocka_unit_test_teardown(test_context_of_the_process, restore),
        cmocka_unit_test_teardown(test_child_environment_replaces, restore),
        cmocka_unit_test_teardown(test_child_environment_of_other_propagators, restore),
        cmocka_unit_test_teardown(test_child_environment_of_a_users_propagator, restore),
        cmocka_unit_test_teardown(test_no_memory, restore),
        cmocka_unit_test_teardown(test_a_spawned_child_gets_it, restore),
    };
    unsetenv("OTEL_PROPAGATORS");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
