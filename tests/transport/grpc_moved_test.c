/* Which spans are moved to another trace, and that the others stay what they were. */
#include "transport/grpc_moved.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define TASK  "00010203-0405-0607-0809-0a0b0c0d0e0f"
#define OTHER "00010203-0405-0607-0809-0a0b0c0d0eff"

/* An exporter that hands on what it gets, moved. */
typedef struct fixture {
    cleat_span_exporter base; /* first */
    cleat__moved moved;
    cleat_tracer_provider *provider;
    cleat_tracer *tracer;
    cleat__moved_batch batch; /* of the last span */
    char original[1024];
    size_t original_size;
} fixture;

static cleat_status take(cleat_span_exporter *self, const cleat_span_batch *batch, int64_t timeout_ms)
{
    fixture *f = (fixture *)self;
    cleat_slice record = cleat__batch_record(&batch->entries[0]);
    (void)timeout_ms;
    cleat__moved_batch_deinit(&f->batch);
    assert_int_equal(batch->count, 1);
    assert_true(record.size <= sizeof(f->original));
    memcpy(f->original, record.data, record.size);
    f->original_size = record.size;
    return cleat__moved_batch_make(&f->moved, batch, &f->batch);
}

static void keep(cleat_span_exporter *self)
{
    (void)self;
}

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof(*f));
    cleat_span_processor *processor = NULL;
    f->base = (cleat_span_exporter){.export_spans = take, .free = keep};
    assert_int_equal(cleat_simple_processor_new(&f->base, &processor), CLEAT_OK);
    assert_int_equal(cleat_tracer_provider_new(
                         CLEAT_TRACER_PROVIDER_OPTIONS(.sampler = cleat_sampler_always_on()), &f->provider),
                     CLEAT_OK);
    assert_int_equal(cleat_tracer_provider_add_processor(f->provider, processor), CLEAT_OK);
    f->tracer = cleat_tracer_provider_get_tracer(f->provider, "test", NULL);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    cleat_tracer_provider_free(f->provider);
    cleat__moved_batch_deinit(&f->batch);
    cleat__moved_deinit(&f->moved);
    free(f);
    return 0;
}

static cleat__own_trace run_of(const cleat_trace_id *own, uint8_t number)
{
    cleat__own_trace trace = {.trace_id = *own};
    assert_int_equal(cleat__uuid_parse(cleat_slice_of(TASK), &trace.task_id), CLEAT_OK);
    memset(&trace.run, number, sizeof(trace.run));
    return trace;
}

static cleat_span begin(fixture *f, const cleat_context *parent, const char *task)
{
    const cleat_attribute id = cleat_attribute_string("hatchet.step_run_id", task);
    return cleat_span_start(f->tracer, "work",
                            CLEAT_SPAN_OPTIONS(.parent = parent, .root = parent == NULL, .attributes = &id,
                                               .attribute_count = 1));
}

static cleat_span_view moved(const fixture *f)
{
    cleat_span_view view;
    size_t cursor = 0;
    assert_int_equal(cleat_span_batch_count(&f->batch.batch), 1);
    assert_true(cleat_span_batch_next(&f->batch.batch, &cursor, &view));
    assert_true(cleat_slice_equals(view.name, cleat_slice_of("work")));
    return view;
}

static void assert_unchanged(const fixture *f)
{
    cleat_slice record = cleat__batch_record(&f->batch.entries[0]);
    assert_int_equal(record.size, f->original_size);
    assert_memory_equal(record.data, f->original, record.size);
}

static void test_a_root_gets_a_parent(void **state)
{
    fixture *f = *state;
    cleat_span_context own;
    cleat_span span = begin(f, NULL, TASK);
    cleat_span_get_context(span, &own);
    cleat__own_trace trace = run_of(&own.trace_id, 7);
    cleat__moved_add(&f->moved, &trace);
    cleat_span_end(span);
    cleat_span_view view = moved(f);
    assert_memory_equal(&view.trace_id, &trace.run.trace_id, sizeof(view.trace_id));
    assert_memory_equal(&view.parent_span_id, &trace.run.span_id, sizeof(view.parent_span_id));
    assert_memory_equal(&view.span_id, &own.span_id, sizeof(view.span_id));
    assert_int_equal(view.attribute_count, 1);
    cleat__batch_run run;
    size_t cursor = 0;
    assert_true(cleat__span_batch_next_run(&f->batch.batch, &cursor, &run));
    assert_int_equal(run.body.size, f->batch.entries[0].size);
}

static void test_what_is_below_keeps_its_parent(void **state)
{
    fixture *f = *state;
    cleat_span_context own;
    cleat_span root = begin(f, NULL, TASK);
    cleat_context *context = cleat_context_with_span(NULL, root);
    cleat_span_get_context(root, &own);
    cleat__own_trace trace = run_of(&own.trace_id, 7);
    cleat__moved_add(&f->moved, &trace);
    cleat_span_end(begin(f, context, TASK));
    cleat_span_view view = moved(f);
    assert_memory_equal(&view.trace_id, &trace.run.trace_id, sizeof(view.trace_id));
    assert_memory_equal(&view.parent_span_id, &own.span_id, sizeof(view.parent_span_id));
    cleat_span_end(begin(f, context, OTHER)); /* a child that continues the trace */
    assert_unchanged(f);
    cleat_span_end(begin(f, context, "nonsense"));
    assert_unchanged(f);
    cleat_span_end(begin(f, context, NULL));
    assert_unchanged(f);
    cleat_span_end(root);
    cleat_context_release(context);
}

static void test_other_traces_stay(void **state)
{
    fixture *f = *state;
    cleat_span_end(begin(f, NULL, TASK)); /* none is known */
    assert_unchanged(f);
    const cleat__own_trace trace = run_of(&(cleat_trace_id){{1}}, 7);
    cleat__moved_add(&f->moved, &trace);
    cleat_span_end(begin(f, NULL, TASK));
    assert_unchanged(f);
}

static void test_the_newest_are_known(void **state)
{
    fixture *f = *state;
    cleat_span_context old, young;
    cleat_span first = begin(f, NULL, TASK), second = begin(f, NULL, TASK);
    cleat_span_get_context(first, &old);
    cleat_span_get_context(second, &young);
    cleat__own_trace trace = run_of(&old.trace_id, 1);
    cleat__moved_add(&f->moved, &trace);
    trace = run_of(&young.trace_id, 1);
    cleat__moved_add(&f->moved, &trace);
    trace = run_of(&young.trace_id, 2); /* again */
    cleat__moved_add(&f->moved, &trace);
    for (uint32_t i = 0; i < CLEAT__MOVED_MAX - 2; i++) {
        cleat_trace_id id = {{0xff}};
        memcpy(id.bytes + 8, &i, sizeof(i));
        trace = run_of(&id, 3);
        cleat__moved_add(&f->moved, &trace);
    }
    cleat_span_end(first);
    assert_unchanged(f);
    cleat_span_end(second);
    assert_int_equal(moved(f).trace_id.bytes[0], 2);
    assert_int_equal(f->moved.by_id.count, CLEAT__MOVED_MAX - 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_root_gets_a_parent),
        TEST(test_what_is_below_keeps_its_parent),
        TEST(test_other_traces_stay),
        TEST(test_the_newest_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
