/* Puts made-up spans into a store, through the SDK: an exporter that inserts as spans end. */
#ifndef CLEAT_TESTS_RECORDER_H
#define CLEAT_TESTS_RECORDER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "collector/collector.h"

#include <cleat/cleat.h>

#include <stdlib.h>
#include <unistd.h>

typedef struct recorder {
    cleat_span_exporter base; /* first */
    cleat__store *store;
    cleat__intake *intake;
    cleat_status status; /* of the last insert */
    cleat_tracer_provider *provider;
    cleat_tracer *tracer;
    uint64_t next_id; /* ids count up, so that tests know them beforehand */
} recorder;

static inline cleat_status recorder_export(cleat_span_exporter *self, const cleat_span_batch *batch,
                                           int64_t timeout_ms)
{
    recorder *it = (recorder *)self;
    cleat_span_view span;
    size_t cursor = 0;
    (void)timeout_ms;
    while (cleat_span_batch_next(batch, &cursor, &span)) {
        it->status = cleat__span_insert(it->store, it->intake, CLEAT__TENANT_DEFAULT, &span, &(bool){false});
    }
    assert_int_equal(cleat__span_insert_end(it->store, it->intake), CLEAT_OK);
    return it->status;
}

static inline cleat_status recorder_nothing(cleat_span_exporter *self, int64_t timeout_ms)
{
    (void)self;
    (void)timeout_ms;
    return CLEAT_OK;
}

static inline void recorder_keep(cleat_span_exporter *self)
{
    (void)self; /* the test frees it */
}

static inline void put_number(uint64_t number, uint8_t *bytes, size_t size)
{
    memset(bytes, 0, size);
    for (size_t i = 0; i < 8; i++) {
        bytes[size - 1 - i] = (uint8_t)(number >> (8 * i));
    }
}

/* Trace ids differ in their first digits, as random ones do. */
static inline void recorder_trace_id(void *user_data, cleat_trace_id *out)
{
    recorder *it = user_data;
    put_number(++it->next_id, out->bytes, sizeof(out->bytes));
    out->bytes[0] = 0xab;
    out->bytes[2] = (uint8_t)it->next_id;
}

static inline void recorder_span_id(void *user_data, cleat_span_id *out)
{
    recorder *it = user_data;
    put_number(++it->next_id, out->bytes, sizeof(out->bytes));
}

/* Makes a provider with the resource (NULL: the default one), in place of the one before. */
static inline void recorder_use(recorder *it, cleat_resource *resource)
{
    const cleat_id_generator ids = {it, recorder_trace_id, recorder_span_id, false};
    cleat_span_processor *processor = NULL;
    cleat_tracer_provider_free(it->provider);
    assert_int_equal(
        cleat_tracer_provider_new(CLEAT_TRACER_PROVIDER_OPTIONS(.resource = resource, .id_generator = &ids,
                                                                .sampler = cleat_sampler_always_on()),
                                  &it->provider),
        CLEAT_OK);
    assert_int_equal(cleat_simple_processor_new(&it->base, &processor), CLEAT_OK);
    assert_int_equal(cleat_tracer_provider_add_processor(it->provider, processor), CLEAT_OK);
    it->tracer = cleat_tracer_provider_get_tracer(it->provider, "made-up.scope", NULL);
}

static inline void recorder_init(recorder *it, cleat__store *store)
{
    const cleat_attribute service = cleat_attribute_string("service.name", "made-up");
    cleat_resource *resource = NULL;
    memset(it, 0, sizeof(*it));
    it->base = (cleat_span_exporter){.export_spans = recorder_export,
                                     .force_flush = recorder_nothing,
                                     .shutdown = recorder_nothing,
                                     .free = recorder_keep};
    it->store = store;
    assert_int_equal(cleat__intake_new(&it->intake), CLEAT_OK);
    assert_int_equal(cleat_resource_new(&service, 1, NULL, &resource), CLEAT_OK);
    recorder_use(it, resource);
    cleat_resource_release(resource);
}

static inline void recorder_deinit(recorder *it)
{
    cleat_tracer_provider_free(it->provider);
    cleat__intake_free(it->intake);
}

typedef struct made_up {
    const char *name;
    const cleat_span_context *parent; /* NULL: a root */
    const cleat_span_context *link;   /* NULL: none */
    cleat_span_kind kind;
    int64_t start_ns, end_ns;
    const char *run, *workflow, *step, *action; /* hatchet.* attributes; NULL: none */
    bool failed;
} made_up;

/* Starts and ends a span, which stores it; answers its context. */
static inline cleat_span_context record(recorder *it, const made_up *what)
{
    const cleat_attribute kind = cleat_attribute_string("cleat.link.kind", "spawn");
    const cleat_link link = {what->link, &kind, 1};
    const cleat_attribute attributes[] = {
        cleat_attribute_string("hatchet.workflow_run_id", what->run),
        cleat_attribute_string("hatchet.workflow_name", what->workflow),
        cleat_attribute_string("hatchet.step_name", what->step),
        cleat_attribute_string("hatchet.action_name", what->action),
    };
    cleat_span_context context;
    cleat_context *parent = what->parent != NULL ? cleat_context_with_span_context(NULL, what->parent) : NULL;
    cleat_span span = cleat_span_start(it->tracer, what->name,
                                       CLEAT_SPAN_OPTIONS(.parent = parent, .root = parent == NULL,
                                                          .kind = what->kind, .start_time_ns = what->start_ns,
                                                          .links = &link, .link_count = what->link != NULL,
                                                          .attributes = attributes, .attribute_count = 4));
    cleat_span_get_context(span, &context);
    if (what->failed) {
        cleat_span_set_status(span, CLEAT_SPAN_STATUS_ERROR, "it broke");
    }
    cleat_span_end_at(span, what->end_ns);
    cleat_context_release(parent);
    return context;
}

static inline cleat__store *open_store(void)
{
    cleat__store *store = NULL;
    assert_int_equal(cleat__store_open("test.db", CLEAT__STORE_WRITE, &store), CLEAT_OK);
    return store;
}

static inline int64_t query_int(cleat__store *store, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    assert_int_equal(sqlite3_prepare_v2(cleat__store_db(store), sql, -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    int64_t value = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return value;
}

/* A file with a recorder, for cmocka. */
typedef struct recorder_fixture {
    cleat__store *store;
    recorder rec;
} recorder_fixture;

static inline int recorder_set_up(void **state)
{
    recorder_fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    f->store = open_store();
    recorder_init(&f->rec, f->store);
    *state = f;
    return 0;
}

static inline int recorder_tear_down(void **state)
{
    recorder_fixture *f = *state;
    recorder_deinit(&f->rec);
    cleat__store_close(f->store);
    unlink("test.db");
    free(f);
    return 0;
}

#endif
