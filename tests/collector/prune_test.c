#include "recorder.h"

#include <stdlib.h>
#include <unistd.h>

typedef recorder_fixture fixture;

/* A trace of `spans` spans with one link each, from `start_ns` on. */
static cleat_span_context add_trace(fixture *f, int spans, int64_t start_ns, const cleat_span_context *link)
{
    cleat_span_context root = record(
        &f->rec, &(made_up){.name = "root", .start_ns = start_ns, .end_ns = start_ns + 10, .link = link});
    for (int i = 1; i < spans; i++) {
        record(&f->rec, &(made_up){.name = "child",
                                   .parent = &root,
                                   .start_ns = start_ns + i,
                                   .end_ns = start_ns + 10,
                                   .link = link,
                                   .failed = true});
    }
    return root;
}

static void assert_consistent(cleat__store *store)
{
    assert_int_equal(query_int(store, "SELECT spans - (SELECT count(*) FROM span) FROM span_total"), 0);
    assert_int_equal(query_int(store, "SELECT bytes - (SELECT coalesce(sum(size), 0) FROM span)"
                                      " - (SELECT coalesce(sum(size), 0) FROM span_source) FROM span_total"),
                     0);
    assert_int_equal(query_int(store, "SELECT count(*) FROM span_source s WHERE spans = 0 OR"
                                      " spans != (SELECT count(*) FROM span WHERE source = s.id)"),
                     0);
    assert_int_equal(query_int(store, "SELECT count(*) FROM trace t WHERE span_count !="
                                      " (SELECT count(*) FROM span WHERE trace = t.id) OR bytes !="
                                      " (SELECT sum(size) FROM span WHERE trace = t.id) OR error_count !="
                                      " (SELECT sum(status = 2) FROM span WHERE trace = t.id)"),
                     0);
    assert_int_equal(query_int(store, "SELECT count(*) FROM span_link l WHERE NOT EXISTS (SELECT 1 FROM span"
                                      " WHERE trace = l.from_trace AND span_id = l.from_span_id)"),
                     0);
}

static int64_t prune(fixture *f, int64_t older_than_ns, int64_t max_bytes, int64_t limit)
{
    int64_t removed = -1;
    assert_int_equal(cleat__span_prune(f->store, f->rec.intake, older_than_ns, max_bytes, limit, &removed),
                     CLEAT_OK);
    assert_in_range(removed, 0, limit);
    assert_consistent(f->store);
    return removed;
}

static void test_old_traces_go_by_their_last_span(void **state)
{
    fixture *f = *state;
    cleat_span_context cause = add_trace(f, 1, 1000, NULL);
    add_trace(f, 3, 10, &cause);
    add_trace(f, 2, 500, &cause);
    /* Began long ago, but something of it is new. */
    cleat_span_context live = add_trace(f, 1, 5, NULL);
    record(&f->rec, &(made_up){.name = "new", .parent = &live, .start_ns = 900, .end_ns = 999});
    assert_int_equal(prune(f, 600, -1, 100), 5);
    assert_int_equal(query_int(f->store, "SELECT count(*) FROM trace"), 2);
    assert_int_equal(query_int(f->store, "SELECT count(*) FROM span_link"), 0);
    assert_int_equal(prune(f, 600, -1, 100), 0);
    assert_int_equal(prune(f, INT64_MIN, -1, 100), 0);
}

static void test_size_takes_the_oldest(void **state)
{
    fixture *f = *state;
    for (int i = 0; i < 10; i++) {
        add_trace(f, 2, 1000 - 10 * i, NULL); /* the later stored, the older */
    }
    /* Half of the spans; their source stays. */
    int64_t half = query_int(f->store, "SELECT (SELECT sum(size) FROM span) / 2 + size FROM span_source");
    assert_int_equal(prune(f, INT64_MIN, half, 100), 10);
    assert_int_equal(query_int(f->store, "SELECT min(start_ns) FROM trace"), 960);
    assert_true(query_int(f->store, "SELECT bytes FROM span_total") <= half);
    assert_int_equal(prune(f, INT64_MIN, 0, 100), 10);
    assert_int_equal(query_int(f->store, "SELECT bytes FROM span_total"), 0);
    assert_int_equal(query_int(f->store, "SELECT count(*) FROM trace"), 0);
}

/* Times are what senders say. */
static void test_size_takes_also_what_never_ends(void **state)
{
    fixture *f = *state;
    record(&f->rec, &(made_up){.name = "x", .start_ns = INT64_MAX, .end_ns = INT64_MAX});
    add_trace(f, 2, 1000, NULL);
    assert_int_equal(prune(f, INT64_MIN, 0, 100), 3);
    assert_int_equal(query_int(f->store, "SELECT count(*) FROM trace"), 0);
}

static void test_large_trace_goes_in_bites(void **state)
{
    fixture *f = *state;
    cleat_span_context cause = add_trace(f, 1, 5000, NULL);
    add_trace(f, 100, 10, &cause);
    for (int i = 0; i < 14; i++) {
        assert_int_equal(prune(f, 1000, -1, 7), 7);
        assert_int_equal(query_int(f->store, "SELECT count(*) FROM trace"), 2);
    }
    assert_int_equal(prune(f, 1000, -1, 7), 2);
    assert_int_equal(query_int(f->store, "SELECT count(*) FROM trace"), 1);
    assert_int_equal(prune(f, 1000, -1, 7), 0);
}

static void use_scope(fixture *f, const char *version)
{
    f->rec.tracer = cleat_tracer_provider_get_tracer(f->rec.provider, "made-up.scope",
                                                     CLEAT_TRACER_OPTIONS(.version = version));
}

static void test_sources_go_with_their_last_span(void **state)
{
    fixture *f = *state;
    use_scope(f, "1");
    add_trace(f, 20, 10, NULL);
    use_scope(f, "2");
    add_trace(f, 2, 100, NULL);
    assert_int_equal(query_int(f->store, "SELECT count(*) FROM span_source"), 2);
    assert_int_equal(prune(f, 50, -1, 19), 19);
    assert_int_equal(query_int(f->store, "SELECT count(*) FROM span_source"), 2);
    assert_int_equal(prune(f, 50, -1, 100), 1);
    assert_int_equal(query_int(f->store, "SELECT count(*) FROM span_source"), 1);
    use_scope(f, "1"); /* what has been removed is not taken for stored */
    add_trace(f, 3, 200, NULL);
    assert_consistent(f->store);
    assert_int_equal(query_int(f->store, "SELECT count(*) FROM span_source"), 2);
    assert_int_equal(prune(f, INT64_MIN, 0, 100), 5);
    assert_int_equal(query_int(f->store, "SELECT count(*) FROM span_source"), 0);
    assert_int_equal(query_int(f->store, "SELECT bytes FROM span_total"), 0);
}

static void test_source_that_no_span_got_goes_too(void **state)
{
    fixture *f = *state;
    record(&f->rec, &(made_up){.name = "x", .start_ns = 1, .end_ns = 2});
    f->rec.next_id = 0; /* the same span again, from elsewhere: it is ignored */
    use_scope(f, "3");
    record(&f->rec, &(made_up){.name = "x", .start_ns = 1, .end_ns = 2});
    assert_int_equal(query_int(f->store, "SELECT count(*) FROM span_source"), 2);
    assert_int_equal(prune(f, 50, -1, 100), 1);
    assert_int_equal(query_int(f->store, "SELECT count(*) FROM span_source"), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, recorder_set_up, recorder_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_old_traces_go_by_their_last_span), TEST(test_size_takes_the_oldest),
        TEST(test_size_takes_also_what_never_ends),  TEST(test_large_trace_goes_in_bites),
        TEST(test_sources_go_with_their_last_span),  TEST(test_source_that_no_span_got_goes_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
