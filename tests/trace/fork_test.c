/* Forked children: nothing is locked in them, and no span is exported twice. */
#include "batch_fixture.h"
#include "shared_exporter.h"
#include "support/sanitizer.h"

#if UNDER_THREAD_SANITIZER
/* In the child of a process with threads it ends the program as soon as a thread is started. */
#define THREAD_SANITIZER_CANNOT() skip()
#else
#define THREAD_SANITIZER_CANNOT() (void)0
#endif

/* gcc 12's AddressSanitizer has locks of its own (of its thread registry, of its stack depot). Where another
 * thread holds one when the process forks, as it does while it starts, the child hangs in there. */
#if UNDER_ADDRESS_SANITIZER
enum { ADDRESS_SANITIZER = true };
#define ADDRESS_SANITIZER_CANNOT() skip()
#else
enum { ADDRESS_SANITIZER = false };
#define ADDRESS_SANITIZER_CANNOT() (void)0
#endif

/* What a child finds wrong is its exit code: the line. */
#define CHILD_CHECK(condition)         \
    do {                               \
        if (!(condition)) {            \
            return __LINE__ % 251 + 1; \
        }                              \
    } while (0)

typedef struct fork_sdk {
    cleat_tracer_provider *provider;
    cleat_tracer *tracer;
    shared_ids *shared;
    cleat_span span; /* one that is live when the process forks */
    uint64_t live_id;
} fork_sdk;

static uint64_t make_span(cleat_tracer *tracer)
{
    cleat_span_context context;
    cleat_span span = cleat_span_start(tracer, "span", NULL);
    cleat_span_get_context(span, &context);
    cleat_span_set_string(span, "key", "value");
    cleat_span_end(span);
    return id_of(&context.span_id);
}

static void sdk_init(fork_sdk *sdk, cleat_span_processor *first)
{
    shared_exporter *exporter = shared_exporter_new();
    cleat_span_processor *processor = NULL;
    memset(sdk, 0, sizeof(*sdk));
    sdk->shared = exporter->shared;
    assert_int_equal(cleat_tracer_provider_new(NULL, &sdk->provider), CLEAT_OK);
    if (first != NULL) {
        cleat_tracer_provider_add_processor(sdk->provider, first);
    }
    assert_int_equal(cleat_batch_processor_new(&exporter->base,
                                               CLEAT_BATCH_PROCESSOR_OPTIONS(.schedule_delay_ms = 3600000,
                                                                             .blocks_when_full = true),
                                               &processor),
                     CLEAT_OK);
    assert_int_equal(cleat_tracer_provider_add_processor(sdk->provider, processor), CLEAT_OK);
    sdk->tracer = cleat_tracer_provider_get_tracer(sdk->provider, "fork", NULL);
    if (ADDRESS_SANITIZER) { /* the thread is past its start then, and waits */
        assert_int_equal(cleat_tracer_provider_force_flush(sdk->provider, 300000), CLEAT_OK);
    }
}

static int trace_and_flush(void *argument)
{
    fork_sdk *sdk = argument;
    uint64_t id = make_span(sdk->tracer);
    CHILD_CHECK(cleat_tracer_provider_force_flush(sdk->provider, 300000) == CLEAT_OK);
    CHILD_CHECK(times_exported(sdk->shared, id) == 1);
    return 0;
}

/* ---- At any moment ---- */

enum { THREADS = 4, FORKS = 200, SPANS_PER_FORK = 4000 };

typedef struct busy_thread {
    fork_sdk *sdk;
    atomic_int *round; /* so many forks have been; -1: it is over */
    size_t made;
    pthread_t thread;
} busy_thread;

/* At full speed around each fork, and then waiting for the next, so that the spans can be kept. */
static void *make_busy_spans(void *argument)
{
    busy_thread *busy = argument;
    for (int round; (round = atomic_load_explicit(busy->round, memory_order_relaxed)) >= 0;) {
        if (busy->made >= ((size_t)round + 1) * SPANS_PER_FORK) {
            sched_yield();
            continue;
        }
        cleat_span span = cleat_span_start(busy->sdk->tracer, "busy", NULL);
        cleat_scope scope = cleat_span_attach(span);
        cleat_span_set_int(span, "number", (int64_t)busy->made);
        cleat_span_add_event(span, "event", NULL, 0, 0);
        cleat_scope_detach(scope);
        cleat_span_end(span);
        busy->made++;
    }
    return NULL;
}

static int leave_the_parents_alone(void *argument)
{
    fork_sdk *sdk = argument;
    CHILD_CHECK(cleat_span_set_int(sdk->span, "key", 1) == CLEAT_OK);
    CHILD_CHECK(cleat_span_end(sdk->span) == CLEAT_OK);
    CHILD_CHECK(cleat_tracer_get("another", NULL) != NULL);
    for (int i = 0; i < 3; i++) {
        make_span(sdk->tracer);
    }
    CHILD_CHECK(cleat_tracer_provider_force_flush(sdk->provider, 300000) == CLEAT_OK);
    cleat_tracer_provider_stats stats;
    cleat_tracer_provider_get_stats(sdk->provider, &stats);
    CHILD_CHECK(stats.started == 3 && stats.ended == 3 && stats.exported == 3);
    return 0;
}

static int compare_ids(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

static void a_fork_at_any_moment_loses_and_doubles_nothing(void **state)
{
    fork_sdk sdk;
    busy_thread threads[THREADS];
    atomic_int round = 0;
    size_t made = 0;
    (void)state;
    THREAD_SANITIZER_CANNOT();
    ADDRESS_SANITIZER_CANNOT();
    sdk_init(&sdk, NULL);
    for (int i = 0; i < THREADS; i++) {
        threads[i] = (busy_thread){.sdk = &sdk, .round = &round};
        assert_int_equal(pthread_create(&threads[i].thread, NULL, make_busy_spans, &threads[i]), 0);
    }
    for (int i = 0; i < FORKS; i++) {
        sdk.span = cleat_span_start(sdk.tracer, "of the parent", NULL);
        assert_int_equal(in_child(leave_the_parents_alone, &sdk), 0);
        assert_int_equal(cleat_span_end(sdk.span), CLEAT_OK);
        atomic_store(&round, i + 1 < FORKS ? i + 1 : -1);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i].thread, NULL);
        made += threads[i].made;
    }
    assert_int_equal(cleat_tracer_provider_force_flush(sdk.provider, 300000), CLEAT_OK);
    size_t count = atomic_load(&sdk.shared->count);
    assert_int_equal(count, made + FORKS + 3 * FORKS);
    assert_true(count <= SHARED_IDS);
    qsort(sdk.shared->ids, count, sizeof(uint64_t), compare_ids);
    for (size_t i = 1; i < count; i++) {
        assert_true(sdk.shared->ids[i - 1] != sdk.shared->ids[i]);
    }
    cleat_tracer_provider_free(sdk.provider);
}

/* ---- Whose spans are whose ---- */

static int check_live_span(void *argument)
{
    fork_sdk *sdk = argument;
    cleat_span_context context, child_context;
    CHILD_CHECK(!cleat_span_is_recording(sdk->span));
    cleat_span_get_context(sdk->span, &context);
    CHILD_CHECK(id_of(&context.span_id) == sdk->live_id);
    cleat_span child = cleat_span_start(sdk->tracer, "of the child", NULL);
    cleat_span_get_context(child, &child_context);
    CHILD_CHECK(memcmp(&child_context.trace_id, &context.trace_id, sizeof(context.trace_id)) == 0);
    cleat_span_end(child);
    CHILD_CHECK(cleat_span_add_event(sdk->span, "event", NULL, 0, 0) == CLEAT_OK);
    CHILD_CHECK(cleat_span_end(sdk->span) == CLEAT_OK);
    CHILD_CHECK(cleat_span_end(sdk->span) == CLEAT_FAILED_PRECONDITION);
    CHILD_CHECK(cleat_tracer_provider_force_flush(sdk->provider, 300000) == CLEAT_OK);
    CHILD_CHECK(times_exported(sdk->shared, id_of(&child_context.span_id)) == 1);
    CHILD_CHECK(times_exported(sdk->shared, sdk->live_id) == 0);
    return 0;
}

static void a_span_that_lives_belongs_to_the_parent(void **state)
{
    fork_sdk sdk;
    cleat_span_context context;
    (void)state;
    THREAD_SANITIZER_CANNOT();
    sdk_init(&sdk, NULL);
    sdk.span = cleat_span_start(sdk.tracer, "of the parent", NULL);
    cleat_span_get_context(sdk.span, &context);
    sdk.live_id = id_of(&context.span_id);
    cleat_scope scope = cleat_span_attach(sdk.span);
    assert_int_equal(in_child(check_live_span, &sdk), 0);
    cleat_scope_detach(scope);
    assert_int_equal(cleat_span_end(sdk.span), CLEAT_OK);
    assert_int_equal(cleat_tracer_provider_force_flush(sdk.provider, 300000), CLEAT_OK);
    assert_int_equal(times_exported(sdk.shared, sdk.live_id), 1);
    cleat_tracer_provider_free(sdk.provider);
}

static void what_is_queued_is_exported_by_the_parent_alone(void **state)
{
    fork_sdk sdk;
    (void)state;
    THREAD_SANITIZER_CANNOT();
    sdk_init(&sdk, NULL);
    uint64_t id = make_span(sdk.tracer);
    assert_int_equal(in_child(trace_and_flush, &sdk), 0);
    assert_int_equal(times_exported(sdk.shared, id), 0);
    assert_int_equal(cleat_tracer_provider_force_flush(sdk.provider, 300000), CLEAT_OK);
    assert_int_equal(times_exported(sdk.shared, id), 1);
    assert_int_equal(atomic_load(&sdk.shared->count), 2);
    cleat_tracer_provider_free(sdk.provider);
}

static int flush_nothing(void *argument)
{
    test_fixture *fixture = argument;
    cleat_batch_processor_stats stats = stats_of(fixture);
    CHILD_CHECK(stats.exported + stats.failed + stats.dropped_full == 0);
    CHILD_CHECK(cleat_tracer_provider_force_flush(fixture->provider, 300000) == CLEAT_OK);
    CHILD_CHECK(fixture->gate->spans == 0);
    CHILD_CHECK(cleat_tracer_provider_shutdown(fixture->provider, 300000) == CLEAT_OK);
    return 0;
}

/* The exporter, held up, has a batch; another waits in the backlog, one more in the queue. */
static void what_is_on_its_way_is_the_parents(void **state)
{
    test_fixture fixture;
    (void)state;
    batch_start(&fixture, 64, 4);
    gate_set(fixture.gate, true);
    make_spans(&fixture, 13);
    gate_wait(fixture.gate, 1, 0);
    assert_int_equal(in_child(flush_nothing, &fixture), 0);
    gate_set(fixture.gate, false);
    assert_int_equal(cleat_tracer_provider_force_flush(fixture.provider, 300000), CLEAT_OK);
    assert_int_equal(fixture.gate->spans, 13);
    cleat_tracer_provider_free(fixture.provider);
}

static int free_the_provider(void *argument)
{
    fork_sdk *sdk = argument;
    CHILD_CHECK(trace_and_flush(sdk) == 0);
    cleat_tracer_provider_free(sdk->provider);
    cleat_span_end(sdk->span);
    return 0;
}

static int fork_again(void *argument)
{
    fork_sdk *sdk = argument;
    sdk->span = cleat_span_start(sdk->tracer, "of the child", NULL);
    make_span(sdk->tracer);
    pid_t pid = fork();
    if (pid == 0) {
        _exit(free_the_provider(sdk));
    }
    int status = -1;
    CHILD_CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    cleat_span_end(sdk->span);
    return free_the_provider(sdk);
}

static void a_child_of_a_child_traces_too(void **state)
{
    fork_sdk sdk;
    (void)state;
    THREAD_SANITIZER_CANNOT();
    sdk_init(&sdk, NULL);
    assert_int_equal(in_child(fork_again, &sdk), 0);
    assert_int_equal(atomic_load(&sdk.shared->count), 4);
    cleat_tracer_provider_free(sdk.provider);
}

static void daemons_trace(void **state)
{
    fork_sdk sdk;
    int done[2];
    (void)state;
    THREAD_SANITIZER_CANNOT();
    sdk_init(&sdk, NULL);
    assert_int_equal(pipe(done), 0);
    pid_t pid = fork();
    if (pid == 0) {
        setsid();
        if (fork() == 0) {
            alarm(300);
            char result = (char)trace_and_flush(&sdk);
            _exit(write(done[1], &result, 1) != 1);
        }
        _exit(0);
    }
    char result = -1;
    close(done[1]);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(read(done[0], &result, 1), 1);
    assert_int_equal(result, 0);
    close(done[0]);
    cleat_tracer_provider_free(sdk.provider);
}

/* exit(), as opposed to _exit(), runs what was registered in the parent. */
static void a_child_that_never_traces_exits(void **state)
{
    fork_sdk sdk;
    int status = -1;
    (void)state;
    sdk_init(&sdk, NULL);
    uint64_t id = make_span(sdk.tracer);
    pid_t pid = fork();
    if (pid == 0) {
        alarm(300);
        exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(times_exported(sdk.shared, id), 0);
    cleat_tracer_provider_free(sdk.provider);
}

static void a_child_that_exits_exports_what_it_queued(void **state)
{
    fork_sdk sdk;
    int status = -1;
    (void)state;
    THREAD_SANITIZER_CANNOT();
    sdk_init(&sdk, NULL);
    pid_t pid = fork();
    if (pid == 0) {
        alarm(300);
        make_span(sdk.tracer);
        exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(atomic_load(&sdk.shared->count), 1);
    cleat_tracer_provider_free(sdk.provider);
}

/* ---- Inside callbacks ---- */

typedef struct forking_processor {
    cleat_span_processor base;
    char where;  /* 's'tart, 'g' ending, 'e'nd */
    pid_t child; /* of this process; 0 in the child, -1 before */
} forking_processor;

static void fork_at(cleat_span_processor *self, char where)
{
    forking_processor *forking = (forking_processor *)self;
    if (forking->where == where && forking->child == -1) {
        forking->child = fork();
        if (forking->child == 0) {
            alarm(300);
        }
    }
}

static void fork_at_start(cleat_span_processor *self, cleat_span span, const cleat_context *parent)
{
    (void)span;
    (void)parent;
    fork_at(self, 's');
}

static void fork_at_ending(cleat_span_processor *self, cleat_span span)
{
    (void)span;
    fork_at(self, 'g');
}

static void fork_at_end(cleat_span_processor *self, const cleat_span_view *span)
{
    (void)span;
    fork_at(self, 'e');
}

static void fork_in_callback(char where)
{
    fork_sdk sdk;
    int status = -1;
    forking_processor forking = {
        .base = {.on_start = fork_at_start, .on_ending = fork_at_ending, .on_end = fork_at_end},
        .where = where,
        .child = -1,
    };
    sdk_init(&sdk, &forking.base);
    uint64_t id = make_span(sdk.tracer);
    if (forking.child == 0) {
        int result = trace_and_flush(&sdk);
        _exit(result != 0 ? result : times_exported(sdk.shared, id) != 0);
    }
    assert_int_equal(waitpid(forking.child, &status, 0), forking.child);
    assert_int_equal(status, 0);
    assert_int_equal(cleat_tracer_provider_force_flush(sdk.provider, 300000), CLEAT_OK);
    assert_int_equal(times_exported(sdk.shared, id), 1);
    assert_int_equal(atomic_load(&sdk.shared->count), 2);
    cleat_tracer_provider_free(sdk.provider);
}

static void a_processor_forks_in_on_start(void **state)
{
    (void)state;
    THREAD_SANITIZER_CANNOT();
    fork_in_callback('s');
}

static void a_processor_forks_in_on_ending(void **state)
{
    (void)state;
    THREAD_SANITIZER_CANNOT();
    fork_in_callback('g');
}

static void a_processor_forks_in_on_end(void **state)
{
    (void)state;
    THREAD_SANITIZER_CANNOT();
    fork_in_callback('e');
}

/* ---- What is held long ---- */

static void *end_one(void *argument)
{
    make_span(argument);
    return NULL;
}

static int end_one_in_child(void *argument)
{
    test_fixture *fixture = argument;
    pthread_mutex_init(&fixture->gate->mutex, NULL); /* the exporter's own: its thread had it */
    fixture->gate->is_closed = false;
    make_span(fixture->tracer);
    CHILD_CHECK(fixture->gate->spans == 1);
    return 0;
}

/* The fork does not wait for it, and the child's simple processor is usable. */
static void a_thread_is_inside_the_exporter_of_a_simple_processor(void **state)
{
    test_fixture fixture = {.gate = gate_new()};
    pthread_t thread;
    (void)state;
    assert_int_equal(cleat_tracer_provider_new(NULL, &fixture.provider), CLEAT_OK);
    assert_int_equal(cleat_simple_processor_new(&fixture.gate->base, &fixture.processor), CLEAT_OK);
    cleat_tracer_provider_add_processor(fixture.provider, fixture.processor);
    fixture.tracer = cleat_tracer_provider_get_tracer(fixture.provider, "simple", NULL);
    gate_set(fixture.gate, true);
    assert_int_equal(pthread_create(&thread, NULL, end_one, fixture.tracer), 0);
    gate_wait(fixture.gate, 1, 0);
    assert_int_equal(in_child(end_one_in_child, &fixture), 0);
    gate_set(fixture.gate, false);
    pthread_join(thread, NULL);
    cleat_tracer_provider_free(fixture.provider);
}

typedef struct held_handler {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool is_inside, may_leave;
} held_handler;

static void hold_handler(void *user_data, cleat_log_level level, const char *message)
{
    held_handler *held = user_data;
    (void)level;
    (void)message;
    pthread_mutex_lock(&held->mutex);
    held->is_inside = true;
    pthread_cond_broadcast(&held->changed);
    while (!held->may_leave) {
        pthread_cond_wait(&held->changed, &held->mutex);
    }
    pthread_mutex_unlock(&held->mutex);
}

static void *log_something(void *argument)
{
    static cleat_span_exporter nothing = {.export_spans = NULL};
    cleat_span_processor *processor = NULL;
    cleat_tracer_provider *provider = argument;
    assert_int_equal(cleat_simple_processor_new(&nothing, &processor), CLEAT_OK);
    cleat_tracer_provider_add_processor(provider, processor);
    make_span(cleat_tracer_provider_get_tracer(provider, "log", NULL));
    cleat_tracer_provider_shutdown(provider, 1000);
    return NULL;
}

static int replace_the_handler(void *argument)
{
    (void)argument;
    cleat_log_set_handler(NULL, NULL, CLEAT_LOG_DEBUG);
    return 0;
}

static void a_thread_is_inside_the_log_handler(void **state)
{
    held_handler held = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    cleat_tracer_provider *provider = NULL;
    pthread_t thread;
    (void)state;
    assert_int_equal(cleat_tracer_provider_new(NULL, &provider), CLEAT_OK);
    cleat_log_set_handler(hold_handler, &held, CLEAT_LOG_DEBUG);
    assert_int_equal(pthread_create(&thread, NULL, log_something, provider), 0);
    pthread_mutex_lock(&held.mutex);
    while (!held.is_inside) {
        pthread_cond_wait(&held.changed, &held.mutex);
    }
    pthread_mutex_unlock(&held.mutex);
    assert_int_equal(in_child(replace_the_handler, NULL), 0);
    pthread_mutex_lock(&held.mutex);
    held.may_leave = true;
    pthread_cond_broadcast(&held.changed);
    pthread_mutex_unlock(&held.mutex);
    pthread_join(thread, NULL);
    cleat_log_set_handler(NULL, NULL, CLEAT_LOG_DEBUG);
    cleat_tracer_provider_free(provider);
}

/* ---- Files ---- */

static int append_span(void *argument)
{
    fork_sdk *sdk = argument;
    make_span(sdk->tracer);
    return cleat_tracer_provider_force_flush(sdk->provider, 300000) != CLEAT_OK;
}

static void parent_and_child_append_to_one_file(void **state)
{
    static const char path[] = "spans.jsonl";
    fork_sdk sdk = {.provider = NULL};
    cleat_span_exporter *exporter = NULL;
    cleat_span_processor *processor = NULL;
    char line[4096];
    (void)state;
    THREAD_SANITIZER_CANNOT();
    unlink(path);
    assert_int_equal(cleat_file_exporter_new(path, &exporter), CLEAT_OK);
    assert_int_equal(cleat_batch_processor_new(exporter, NULL, &processor), CLEAT_OK);
    assert_int_equal(cleat_tracer_provider_new(NULL, &sdk.provider), CLEAT_OK);
    cleat_tracer_provider_add_processor(sdk.provider, processor);
    sdk.tracer = cleat_tracer_provider_get_tracer(sdk.provider, "file", NULL);
    make_span(sdk.tracer);
    assert_int_equal(in_child(append_span, &sdk), 0);
    assert_int_equal(in_child(append_span, &sdk), 0);
    cleat_tracer_provider_free(sdk.provider);
    FILE *file = fopen(path, "r");
    int lines = 0, spans = 0;
    while (fgets(line, sizeof(line), file) != NULL) {
        lines++;
        for (char *at = line; (at = strstr(at, "\"spanId\"")) != NULL; at++) {
            spans++;
        }
    }
    fclose(file);
    assert_int_equal(lines, 3);
    assert_int_equal(spans, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fork_at_any_moment_loses_and_doubles_nothing),
        cmocka_unit_test(a_span_that_lives_belongs_to_the_parent),
        cmocka_unit_test(what_is_queued_is_exported_by_the_parent_alone),
        cmocka_unit_test(what_is_on_its_way_is_the_parents),
        cmocka_unit_test(a_child_of_a_child_traces_too),
        cmocka_unit_test(daemons_trace),
        cmocka_unit_test(a_child_that_never_traces_exits),
        cmocka_unit_test(a_child_that_exits_exports_what_it_queued),
        cmocka_unit_test(a_processor_forks_in_on_start),
        cmocka_unit_test(a_processor_forks_in_on_ending),
        cmocka_unit_test(a_processor_forks_in_on_end),
        cmocka_unit_test(a_thread_is_inside_the_exporter_of_a_simple_processor),
        cmocka_unit_test(a_thread_is_inside_the_log_handler),
        cmocka_unit_test(parent_and_child_append_to_one_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
