/*
 * A server that starts tracing and then forks workers, each of which stops tracing and starts it anew to
 * have a resource of its own: every span arrives once, with the process it was made in, also one that
 * lived at the fork.
 */
#include "support/http_sink.h"
#include "support/sanitizer.h"
#include "trace/sdk_test.h"

#include <jansson.h>
#include <sys/wait.h>
#include <unistd.h>

#if UNDER_THREAD_SANITIZER || UNDER_ADDRESS_SANITIZER
/* In the child of a process with threads the first ends the program as soon as a thread is started, and the other
 * waits for ever when one of them was allocating at the fork. */
enum { IS_SKIPPED = true };
#else
enum { IS_SKIPPED = false };
#endif

#define PATH "spans.jsonl"

enum { WORKERS = 2, SPANS = WORKERS + 3, STOP_MS = 300000 };

/* What arrived, by an exporter. */
typedef struct arrived {
    char name[32];
    char id[17], parent_id[17];
    char instance[64];
    long pid;
} arrived;

typedef struct arrivals {
    arrived spans[SPANS + 1];
    size_t count;
} arrivals;

static void make_span(const char *name)
{
    cleat_span_end(cleat_span_start(cleat_tracer_get("prefork", NULL), name, NULL));
}

static pid_t start_worker(const char *name, cleat_span master)
{
    pid_t pid = fork();
    if (pid == 0) {
        alarm(300);
        bool is_anew = cleat_tracing_stop(STOP_MS) == CLEAT_OK && cleat_tracing_start(NULL) == CLEAT_OK;
        make_span(name);
        cleat_span_set_string(master, "by", name);
        cleat_span_end(master);
        _exit(!is_anew ? 2 : cleat_tracing_stop(STOP_MS) != CLEAT_OK ? 3 : 0);
    }
    assert_true(pid > 0);
    return pid;
}

/* The value of an attribute of the resource, as text. */
static void copy_attribute(json_t *resource_spans, const char *wanted, char *text, size_t size)
{
    json_t *attributes = json_object_get(json_object_get(resource_spans, "resource"), "attributes");
    size_t index;
    json_t *attribute;
    text[0] = '\0';
    json_array_foreach(attributes, index, attribute)
    {
        if (strcmp(json_string_value(json_object_get(attribute, "key")), wanted) == 0) {
            json_t *value = json_object_get(attribute, "value");
            json_t *integer = json_object_get(value, "intValue");
            json_t *string = integer != NULL ? integer : json_object_get(value, "stringValue");
            snprintf(text, size, "%s", json_string_value(string));
        }
    }
}

static void copy_member(json_t *json, const char *key, char *text, size_t size)
{
    json_t *member = json_object_get(json, key);
    snprintf(text, size, "%s", member != NULL ? json_string_value(member) : "");
}

static void add_spans(arrivals *to, json_t *resource_spans)
{
    char pid[32];
    size_t index;
    json_t *span;
    json_t *scope_spans = json_array_get(json_object_get(resource_spans, "scopeSpans"), 0);
    json_array_foreach(json_object_get(scope_spans, "spans"), index, span)
    {
        assert_in_range(to->count, 0, SPANS - 1);
        arrived *it = &to->spans[to->count++];
        copy_member(span, "name", it->name, sizeof(it->name));
        copy_member(span, "spanId", it->id, sizeof(it->id));
        copy_member(span, "parentSpanId", it->parent_id, sizeof(it->parent_id));
        copy_attribute(resource_spans, "process.pid", pid, sizeof(pid));
        copy_attribute(resource_spans, "service.instance.id", it->instance, sizeof(it->instance));
        it->pid = strtol(pid, NULL, 10);
    }
}

static void add_request(arrivals *to, const char *text, size_t size)
{
    size_t index;
    json_t *resource_spans;
    json_t *request = json_loadb(text, size, 0, NULL);
    assert_non_null(request);
    json_array_foreach(json_object_get(request, "resourceSpans"), index, resource_spans)
    {
        add_spans(to, resource_spans);
    }
    json_decref(request);
}

static const arrived *find(const arrivals *all, const char *name)
{
    for (size_t i = 0; i < all->count; i++) {
        if (strcmp(all->spans[i].name, name) == 0) {
            return &all->spans[i];
        }
    }
    fail_msg("no span %s", name);
    return NULL;
}

static void assert_all_arrived(const arrivals *all, const pid_t *workers)
{
    const arrived *before = find(all, "before the fork");
    const arrived *after = find(all, "after the fork");
    const arrived *master = find(all, "master");
    const arrived *first = find(all, "worker 0");
    const arrived *second = find(all, "worker 1");
    assert_int_equal(all->count, SPANS);
    assert_int_equal(before->pid, getpid());
    assert_int_equal(after->pid, getpid());
    assert_int_equal(master->pid, getpid());
    assert_string_equal(first->parent_id, master->id);
    assert_string_equal(second->parent_id, master->id);
    assert_int_equal(first->pid, workers[0]);
    assert_int_equal(second->pid, workers[1]);
    assert_string_equal(before->instance, after->instance);
    assert_string_not_equal(before->instance, first->instance);
    assert_string_not_equal(before->instance, second->instance);
    assert_string_not_equal(first->instance, second->instance);
}

static void workers_have_a_resource_of_their_own(void **state)
{
    http_sink *sink = http_sink_start();
    arrivals by_http = {.count = 0}, by_file = {.count = 0};
    pid_t workers[WORKERS];
    char name[32], line[4096];
    int status;
    (void)state;
    setenv("OTEL_TRACES_EXPORTER", "otlp,file:" PATH, 1);
    setenv("OTEL_EXPORTER_OTLP_ENDPOINT", http_sink_url(sink, ""), 1);
    setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json", 1);
    setenv("OTEL_EXPERIMENTAL_RESOURCE_DETECTORS", "process,service", 1);
    assert_int_equal(cleat_tracing_start(NULL), CLEAT_OK);
    make_span("before the fork");
    cleat_span master = cleat_span_start(cleat_tracer_get("prefork", NULL), "master", NULL);
    cleat_scope scope = cleat_span_attach(master);
    for (int i = 0; i < WORKERS; i++) {
        snprintf(name, sizeof(name), "worker %d", i);
        workers[i] = start_worker(name, master);
    }
    for (int i = 0; i < WORKERS; i++) {
        assert_int_equal(waitpid(workers[i], &status, 0), workers[i]);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
    cleat_scope_detach(scope);
    cleat_span_end(master);
    make_span("after the fork");
    assert_int_equal(cleat_tracing_stop(STOP_MS), CLEAT_OK);

    for (size_t i = 0; i < http_sink_requests(sink); i++) {
        cleat_slice body = http_sink_request(sink, i).body;
        add_request(&by_http, body.data, body.size);
    }
    assert_all_arrived(&by_http, workers);
    FILE *file = fopen(PATH, "r");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        add_request(&by_file, line, strlen(line));
    }
    fclose(file);
    assert_all_arrived(&by_file, workers);
    http_sink_stop(sink);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(workers_have_a_resource_of_their_own)};
    return IS_SKIPPED ? 77 : cmocka_run_group_tests(tests, NULL, NULL);
}
