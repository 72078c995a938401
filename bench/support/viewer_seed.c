/*
 * Runs with their traces, one after the other, in transactions of many. The first span is a web server's, which starts
 * the run; a worker's executes it, and has the rest below it. Some link to the one before, some to one that
 * is the target of many.
 */
#include "viewer_seed.h"

#include "base/clock.h"
#include "base/error.h"
#include "collector/collector.h"
#include "store/load.h"
#include "store/transition.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    SERVICES = 4,
    WORKFLOWS = 5,
    STEP_MS = 864,
    RUNS_PER_COMMIT = 500,
    RUN_LARGE = 30000,
    RUN_HUGE = 60000,
    RUN_PARENT = 50000,
    RUN_TARGET = 10,
    TRACED_OF_100 = 58,  /* so many runs have a trace */
    LINKING_OF_100 = 18, /* so many traces link to the target */
};

typedef struct seed {
    cleat_span_exporter exporter; /* first */
    cleat__store *store;
    cleat__intake *intake;
    cleat__random random;
    cleat__uuid_generator ids;
    int64_t types[WORKFLOWS];
    cleat_tracer_provider *providers[SERVICES];
    cleat_tracer *tracers[SERVICES];
    cleat_span_context target, last;
    cleat__uuid parent;
    int64_t links; /* to the target */
} seed;

static void check(cleat_status status, const char *what)
{
    if (status != CLEAT_OK) {
        fprintf(stderr, "bench/viewer: %s: %s\n", what, cleat_error_message());
        exit(1);
    }
}

/* ---- Storing spans as they end ---- */

static cleat_status store_spans(cleat_span_exporter *exporter, const cleat_span_batch *batch,
                                int64_t timeout_ms)
{
    seed *self = (seed *)exporter;
    cleat_span_view span;
    size_t cursor = 0;
    (void)timeout_ms;
    while (cleat_span_batch_next(batch, &cursor, &span)) {
        bool is_new = false;
        check(cleat__span_insert(self->store, self->intake, CLEAT__TENANT_DEFAULT, &span, &is_new), "a span");
    }
    return CLEAT_OK;
}

static cleat_status do_nothing(cleat_span_exporter *exporter, int64_t timeout_ms)
{
    (void)exporter;
    (void)timeout_ms;
    return CLEAT_OK;
}

static void keep(cleat_span_exporter *exporter)
{
    (void)exporter; /* it is a part of the seed */
}

static void make_tracers(seed *self)
{
    static const char *const names[SERVICES] = {"shop-web", "shop-worker", "billing", "archive"};
    for (size_t i = 0; i < SERVICES; i++) {
        const cleat_attribute attributes[] = {
            cleat_attribute_string("service.name", names[i]),
            cleat_attribute_string("deployment.environment", i < 2 ? "production" : "staging"),
        };
        cleat_resource *resource = NULL;
        cleat_span_processor *processor = NULL;
        check(cleat_resource_new(attributes, 2, NULL, &resource), "a resource");
        check(cleat_tracer_provider_new(
                  CLEAT_TRACER_PROVIDER_OPTIONS(.resource = resource, .sampler = cleat_sampler_always_on()),
                  &self->providers[i]),
              "a provider");
        check(cleat_simple_processor_new(&self->exporter, &processor), "a processor");
        check(cleat_tracer_provider_add_processor(self->providers[i], processor), "a processor");
        self->tracers[i] = cleat_tracer_provider_get_tracer(self->providers[i], "bench", NULL);
        cleat_resource_release(resource);
    }
}

/* ---- Runs ---- */

static void make_types(seed *self)
{
    static const char *const names[WORKFLOWS] = {"orders", "mail", "invoices", "thumbnails", "reports"};
    for (size_t i = 0; i < WORKFLOWS; i++) {
        char action[32];
        snprintf(action, sizeof(action), "%s:work", names[i]);
        cleat__type_row row = {
            .tenant = CLEAT__TENANT_DEFAULT,
            .workflow_id = cleat__uuid_next(&self->ids, 1),
            .version_id = cleat__uuid_next(&self->ids, 1),
            .workflow = cleat_slice_of(names[i]),
            .task_name = cleat_slice_of("work"),
            .action = cleat_slice_of(action),
            .policy = {.retries = 3,
                       .priority = 1,
                       .backoff_initial_ms = 1000,
                       .backoff_factor = 2,
                       .backoff_max_ms = 60000,
                       .execution_timeout_ms = 60000,
                       .schedule_timeout_ms = 300000},
            .declaration = cleat_slice_of("{\"durable\":false}"),
        };
        check(cleat__type_insert(self->store, &row), "a workflow");
        self->types[i] = row.id;
    }
}

/* Its ways: 1 % fail, 2 % are retried once, the newest 30 are under way. */
static void work(seed *self, const cleat__uuid *id, int64_t number, int64_t now_ms)
{
    static const char broken[] =
        "the payment service answered 503: try again later, said its balancer at eu-1";
    cleat__attempt_key key = {.id = *id};
    int64_t start_ms = now_ms + (int64_t)(cleat__random_next(&self->random) % 400), end_ms = start_ms + 300;
    if (number >= SEED_RUNS - 20) {
        return;
    }
    check(cleat__transition_assign(self->store, &key, start_ms), "a start");
    key.started_at_ms = start_ms;
    if (number >= SEED_RUNS - 30) {
        return;
    }
    if (number % 50 == 7) {
        const cleat__requeue next = {.retry_count = 1, .queued_at_ms = end_ms + 1000};
        check(cleat__transition_retry(self->store, &key, end_ms, cleat_slice_of("timed out"), &next),
              "a retry");
        start_ms = end_ms + 1100;
        end_ms = start_ms + 300;
        key = (cleat__attempt_key){.id = *id, .retry_count = 1};
        check(cleat__transition_assign(self->store, &key, start_ms), "a start");
        key.started_at_ms = start_ms;
    }
    if (number % 100 == 3) {
        check(cleat__transition_fail(self->store, &key, CLEAT__EVENT_FAIL, end_ms, cleat_slice_of(broken)),
              "a failure");
    } else {
        check(cleat__transition_complete(self->store, &key, end_ms,
                                         cleat_slice_of("{\"ok\":true,\"parts\":17}")),
              "an end");
    }
}

static cleat__uuid make_run(seed *self, int64_t number, int64_t now_ms)
{
    char input[256], metadata[128];
    bool is_child = number > RUN_PARENT && number <= RUN_PARENT + SEED_CHILDREN;
    snprintf(input, sizeof(input),
             "{\"order\":%lld,\"items\":[{\"sku\":\"A-%lld\",\"count\":3},{\"sku\":\"B-%lld\",\"count\":1}],"
             "\"ship_to\":\"12 Harbour Street, Port %lld\",\"express\":false}",
             (long long)(1000000 + number), (long long)(number % 977), (long long)(number % 131),
             (long long)(number % 53));
    snprintf(metadata, sizeof(metadata), "{\"customer\":\"c%lld\",\"region\":\"eu-%lld\"}",
             (long long)(number % 5000), (long long)(number % 3));
    const cleat__trigger trigger = {
        .input = cleat_slice_of(input),
        .metadata = cleat_slice_of(metadata),
        .is_child = is_child,
        .parent_id = self->parent,
        .child_index = is_child ? number - RUN_PARENT - 1 : -1,
    };
    const cleat__new_task task = {
        .id = cleat__uuid_next(&self->ids, now_ms),
        .type_id = self->types[number % 100 < 2 ? WORKFLOWS - 1 : number % (WORKFLOWS - 1)],
        .priority = 1,
        .created_at_ms = now_ms,
        .trigger = &trigger,
    };
    cleat__uuid existing;
    check(cleat__transition_trigger(self->store, &task, &existing), "a run");
    work(self, &task.id, number, now_ms);
    if (number == RUN_PARENT) {
        self->parent = task.id;
    }
    return task.id;
}

/* ---- Traces ---- */

typedef struct made_span {
    const char *name;
    size_t service;
    const cleat_span_context *parent, *links[2]; /* NULL: none */
    cleat_span_kind kind;
    int64_t start_ns, end_ns;
    const char *run; /* NULL: it names none */
    int64_t number;
    bool has_failed;
} made_span;

static cleat_span_context make_span(seed *self, const made_span *what)
{
    char request[32];
    snprintf(request, sizeof(request), "req-%lld", (long long)what->number);
    const cleat_attribute attributes[] = {
        cleat_attribute_string("hatchet.workflow_run_id", what->run),
        cleat_attribute_string("hatchet.step_run_id", what->run),
        cleat_attribute_string("hatchet.action_name", what->run != NULL ? "orders:work" : NULL),
        cleat_attribute_string("http.request.method", "POST"),
        cleat_attribute_string("url.path", "/api/orders/confirm"),
        cleat_attribute_string("request.id", request),
        cleat_attribute_int("http.response.status_code", what->has_failed ? 503 : 200),
        cleat_attribute_int("customer.number", what->number % 5000),
        cleat_attribute_int("hatchet.retry_count", 0),
    };
    const cleat_attribute kind = cleat_attribute_string("cleat.link.kind", "spawn");
    const cleat_link links[2] = {{what->links[0], &kind, 1}, {what->links[1], &kind, 1}};
    cleat_context *parent = what->parent != NULL ? cleat_context_with_span_context(NULL, what->parent) : NULL;
    cleat_span span = cleat_span_start(
        self->tracers[what->service], what->name,
        CLEAT_SPAN_OPTIONS(.parent = parent, .root = parent == NULL, .kind = what->kind,
                           .start_time_ns = what->start_ns, .links = links,
                           .link_count = (what->links[0] != NULL) + (size_t)(what->links[1] != NULL),
                           .attributes = attributes, .attribute_count = what->run != NULL ? 9 : 8));
    cleat_span_context context;
    cleat_span_get_context(span, &context);
    if (what->has_failed) {
        cleat_span_set_status(span, CLEAT_SPAN_STATUS_ERROR, "503");
    }
    cleat_span_end_at(span, what->end_ns);
    cleat_context_release(parent);
    return context;
}

static void make_trace(seed *self, int64_t number, const cleat__uuid *run_id, int64_t now_ms, int64_t spans)
{
    static const char *const names[] = {"SELECT orders", "INSERT orders", "GET /stock", "render",
                                        "charge card",   "send mail",     "resize",     "upload"};
    char run[37];
    int64_t start_ns = now_ms * CLEAT__NS_PER_MS;
    int64_t step_ns = 200 * CLEAT__NS_PER_MS / spans;
    bool is_linking = self->links < SEED_BACK_LINKS && number > RUN_TARGET && number % 100 < LINKING_OF_100;
    cleat__uuid_format(run_id, run);
    made_span what = {.name = "POST /orders",
                      .kind = CLEAT_SPAN_KIND_SERVER,
                      .start_ns = start_ns,
                      .end_ns = start_ns + (300 + number % 700) * CLEAT__NS_PER_MS,
                      .number = number};
    cleat_span_context root = make_span(self, &what);
    what = (made_span){.name = "hatchet.start_step_run",
                       .service = 1,
                       .parent = &root,
                       .kind = CLEAT_SPAN_KIND_CONSUMER,
                       .links = {number > RUN_TARGET ? &self->last : NULL, is_linking ? &self->target : NULL},
                       .start_ns = start_ns + 50 * CLEAT__NS_PER_MS,
                       .end_ns = start_ns + 300 * CLEAT__NS_PER_MS,
                       .run = run,
                       .number = number,
                       .has_failed = number % 100 == 3};
    cleat_span_context execution = make_span(self, &what), parent = execution;
    self->links += is_linking;
    for (int64_t i = 2; i < spans; i++) {
        uint64_t chance = cleat__random_next(&self->random);
        int64_t at_ns = what.start_ns + (i - 1) * step_ns;
        const made_span inner = {.name =
                                     number == 77777 && i == 2 ? "a name that is rare" : names[chance % 8],
                                 .service = chance % 64 == 0 ? 2 : 1,
                                 .parent = &parent,
                                 .kind = CLEAT_SPAN_KIND_CLIENT,
                                 .start_ns = at_ns,
                                 .end_ns = at_ns + step_ns,
                                 .number = number};
        cleat_span_context made = make_span(self, &inner);
        parent = chance >> 8 & 1 ? made : execution; /* chains that end now and then */
    }
    if (number == RUN_TARGET) {
        self->target = root;
    }
    self->last = root;
}

/* ---- All ---- */

static int64_t size_of(seed *self, int64_t number)
{
    return number == RUN_LARGE  ? SEED_LARGE
           : number == RUN_HUGE ? SEED_HUGE
                                : 5 + (int64_t)(cleat__random_next(&self->random) % 20);
}

static void commit(seed *self)
{
    check(cleat__span_insert_end(self->store, self->intake), "spans");
    check(cleat__store_commit(self->store), "a commit");
}

static void open_seed(seed *self, const char *path)
{
    *self = (seed){.exporter = {.export_spans = store_spans,
                                .force_flush = do_nothing,
                                .shutdown = do_nothing,
                                .free = keep},
                   .ids = {.random = &self->random}};
    cleat__random_init(&self->random, 1);
    check(cleat__store_open(path, CLEAT__STORE_WRITE_UNSYNCED, &self->store), path);
    check(cleat__intake_new(&self->intake), "an intake");
    make_tracers(self);
}

static void close_seed(seed *self)
{
    for (size_t i = 0; i < SERVICES; i++) {
        cleat_tracer_provider_free(self->providers[i]);
    }
    cleat__intake_free(self->intake);
    cleat__store_close(self->store);
}

void bench_seed_make(const char *path)
{
    static seed self;
    open_seed(&self, path);
    int64_t first_ms = cleat__clock_unix_ns(NULL) / CLEAT__NS_PER_MS - (int64_t)SEED_RUNS * STEP_MS;
    for (int64_t i = 0; i < SEED_RUNS; i++) {
        int64_t now_ms = first_ms + i * STEP_MS;
        if (i % RUNS_PER_COMMIT == 0) {
            check(cleat__store_begin(self.store), "a beginning");
        }
        if (i == 0) {
            make_types(&self);
        }
        cleat__uuid id = make_run(&self, i, now_ms);
        if (i % 100 < TRACED_OF_100 || i == 77777) {
            make_trace(&self, i, &id, now_ms, size_of(&self, i));
        }
        if (i % RUNS_PER_COMMIT == RUNS_PER_COMMIT - 1) {
            commit(&self);
        }
    }
    close_seed(&self);
}

/* ---- What is where ---- */

static void find(cleat__store *store, const char *sql, void *out, int size)
{
    sqlite3_stmt *select = NULL;
    bool is_found = sqlite3_prepare_v2(cleat__store_db(store), sql, -1, &select, NULL) == SQLITE_OK &&
                    sqlite3_step(select) == SQLITE_ROW && sqlite3_column_bytes(select, 0) == size;
    if (!is_found) {
        fprintf(stderr, "bench/viewer: the file is not one that was made here\n");
        exit(1);
    }
    memcpy(out, sqlite3_column_blob(select, 0), (size_t)size);
    sqlite3_finalize(select);
}

void bench_seed_find(const char *path, seed_marks *out)
{
    cleat__store *store = NULL;
    check(cleat__store_open(path, CLEAT__STORE_READ, &store), path);
    find(store, "SELECT trace_id FROM trace ORDER BY span_count DESC LIMIT 1", &out->huge, 16);
    find(store, "SELECT trace_id FROM trace ORDER BY span_count DESC LIMIT 1 OFFSET 1", &out->large, 16);
    find(store,
         "SELECT to_trace_id FROM span_link GROUP BY to_trace_id, to_span_id ORDER BY count(*) DESC LIMIT 1",
         &out->target_trace, 16);
    find(store,
         "SELECT to_span_id FROM span_link GROUP BY to_trace_id, to_span_id ORDER BY count(*) DESC LIMIT 1",
         &out->target_span, 8);
    find(store, "SELECT parent_id FROM task WHERE parent_id IS NOT NULL LIMIT 1", &out->parent, 16);
    cleat__store_close(store);
}
