/* Requests of servers, on a running engine. The engine's thread is held where something is to wait. */
#include "recorder.h"

#include "base/thread.h"
#include "engine/engine.h"
#include "support/wire.h"

#include <stdlib.h>
#include <unistd.h>

typedef struct fixture {
    cleat__engine *engine;
    cleat__collector *collector;
    pthread_mutex_t mutex; /* what follows */
    pthread_cond_t changed;
    int answers;
    cleat_status last;
    bool is_held, is_holding; /* the engine */
    pthread_t holder;
} fixture;

static int set_up_with(void **state, size_t max_waiting_bytes)
{
    fixture *f = calloc(1, sizeof(*f));
    const cleat__collector_options options = {.retention_ms = -1, .max_waiting_bytes = max_waiting_bytes};
    assert_int_equal(cleat__engine_open(&(cleat__engine_options){.path = "test.db"}, &f->engine), CLEAT_OK);
    assert_int_equal(cleat__collector_new(f->engine, &options, &f->collector), CLEAT_OK);
    pthread_mutex_init(&f->mutex, NULL);
    cleat__cond_init(&f->changed);
    *state = f;
    return 0;
}

static int set_up(void **state)
{
    return set_up_with(state, 0);
}

static int set_up_small(void **state)
{
    return set_up_with(state, 2500);
}

static int tear_down(void **state)
{
    fixture *f = *state;
    cleat__collector_free(f->collector);
    cleat__engine_close(f->engine);
    pthread_cond_destroy(&f->changed);
    pthread_mutex_destroy(&f->mutex);
    unlink("test.db");
    free(f);
    return 0;
}

/* ---- Requests and answers ---- */

static cleat__otlp_received *request_of(uint8_t trace, int count)
{
    cleat__buffer body = {0}, spans = {0}, scope_spans = {0}, scope = {0};
    cleat__otlp_received *received = NULL;
    wire_text(&scope, 1, "a scope that goes with its request");
    wire_message(&scope_spans, 1, &scope);
    for (int i = 0; i < count; i++) {
        cleat__buffer span = wire_span(trace, (uint8_t)(i % 250 + 1), "x");
        span.data[20 + (i / 250) % 6] = (uint8_t)(i / 250); /* in the span id */
        wire_message(&scope_spans, 2, &span);
    }
    wire_message(&spans, 2, &scope_spans);
    wire_message(&body, 1, &spans);
    assert_int_equal(cleat__otlp_received_new(&body, NULL, &received), CLEAT_OK);
    assert_int_equal(received->rejected_spans, 0);
    return received;
}

static void done(void *argument, cleat_status status)
{
    fixture *f = argument;
    pthread_mutex_lock(&f->mutex);
    f->answers++;
    f->last = status;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->mutex);
}

static void wait_for_answers(fixture *f, int count)
{
    pthread_mutex_lock(&f->mutex);
    while (f->answers < count) {
        pthread_cond_wait(&f->changed, &f->mutex);
    }
    pthread_mutex_unlock(&f->mutex);
}

static cleat_status submit(fixture *f, int64_t tenant, uint8_t trace, int count)
{
    return cleat__collector_submit(f->collector, tenant, request_of(trace, count), done, f);
}

static int64_t count(const char *sql)
{
    cleat__store *store = NULL;
    assert_int_equal(cleat__store_open("test.db", CLEAT__STORE_READ, &store), CLEAT_OK);
    int64_t number = query_int(store, sql);
    cleat__store_close(store);
    return number;
}

/* ---- Holding the engine ---- */

static cleat_status hold_in_engine(cleat__store *store, void *argument)
{
    fixture *f = argument;
    (void)store;
    pthread_mutex_lock(&f->mutex);
    f->is_holding = true;
    pthread_cond_broadcast(&f->changed);
    while (f->is_held) {
        pthread_cond_wait(&f->changed, &f->mutex);
    }
    pthread_mutex_unlock(&f->mutex);
    return CLEAT_OK;
}

static void *call_hold(void *argument)
{
    fixture *f = argument;
    cleat__engine_call(f->engine, hold_in_engine, f);
    return NULL;
}

static void hold(fixture *f)
{
    f->is_held = true;
    f->is_holding = false;
    assert_int_equal(cleat__thread_start(&f->holder, "holder", call_hold, f), CLEAT_OK);
    pthread_mutex_lock(&f->mutex);
    while (!f->is_holding) {
        pthread_cond_wait(&f->changed, &f->mutex);
    }
    pthread_mutex_unlock(&f->mutex);
}

static void let_go(fixture *f)
{
    pthread_mutex_lock(&f->mutex);
    f->is_held = false;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->mutex);
    pthread_join(f->holder, NULL);
}

/* ---- Tests ---- */

static void test_an_answer_means_stored(void **state)
{
    fixture *f = *state;
    cleat__collector_stats stats;
    assert_int_equal(submit(f, 1, 1, 700), CLEAT_OK);
    wait_for_answers(f, 1);
    assert_int_equal(f->last, CLEAT_OK);
    assert_int_equal(count("SELECT count(*) FROM span"), 700);
    assert_int_equal(count("SELECT span_count FROM trace"), 700);
    cleat__collector_get_stats(f->collector, &stats);
    assert_int_equal(stats.spans_stored, 700);
    assert_int_equal(stats.waiting_bytes, 0);
}

static void test_spans_that_come_again_count_once(void **state)
{
    fixture *f = *state;
    cleat__collector_stats stats;
    assert_int_equal(submit(f, 1, 1, 10), CLEAT_OK);
    wait_for_answers(f, 1);
    assert_int_equal(submit(f, 1, 1, 15), CLEAT_OK);
    wait_for_answers(f, 2);
    cleat__collector_get_stats(f->collector, &stats);
    assert_int_equal(stats.spans_stored, 15);
}

static cleat_status count_spans(cleat__store *store, void *argument)
{
    *(int64_t *)argument = query_int(store, "SELECT count(*) FROM span");
    return CLEAT_OK;
}

/* A server to which none come: spans of 1970 are older than an hour. */
static void test_old_spans_go_while_none_come(void **state)
{
    fixture *f = *state;
    const cleat__collector_options options = {.retention_ms = 3600000, .prune_every_ms = 1};
    int64_t left = 0;
    assert_int_equal(submit(f, 1, 1, 300), CLEAT_OK);
    wait_for_answers(f, 1);
    assert_int_equal(cleat__engine_call(f->engine, count_spans, &left), CLEAT_OK);
    assert_int_equal(left, 300);
    cleat__collector_free(f->collector);
    assert_int_equal(cleat__collector_new(f->engine, &options, &f->collector), CLEAT_OK);
    assert_int_equal(cleat__collector_start(f->collector), CLEAT_OK);
    while (left != 0) {
        assert_int_equal(cleat__engine_call(f->engine, count_spans, &left), CLEAT_OK);
    }
}

static void test_each_request_is_its_tenants(void **state)
{
    fixture *f = *state;
    hold(f); /* so that they are stored together */
    assert_int_equal(submit(f, 1, 1, 10), CLEAT_OK);
    assert_int_equal(submit(f, 2, 1, 20), CLEAT_OK);
    assert_int_equal(submit(f, 1, 1, 15), CLEAT_OK);
    assert_int_equal(submit(f, 3, 2, 0), CLEAT_OK);
    let_go(f);
    wait_for_answers(f, 4);
    assert_int_equal(count("SELECT span_count FROM trace WHERE tenant = 1"), 15);
    assert_int_equal(count("SELECT span_count FROM trace WHERE tenant = 2"), 20);
    assert_int_equal(count("SELECT spans FROM span_source"), 35);
}

static void test_too_much_waiting_is_refused(void **state)
{
    fixture *f = *state;
    cleat__collector_stats stats;
    int taken = 0;
    hold(f);
    while (taken < 100 && submit(f, 1, 1, 10) == CLEAT_OK) {
        taken++;
    }
    assert_in_range(taken, 1, 10);
    assert_int_equal(submit(f, 1, 1, 10), CLEAT_RESOURCE_EXHAUSTED);
    cleat__collector_get_stats(f->collector, &stats);
    assert_in_range(stats.waiting_bytes, 1, 2500);
    assert_int_equal(stats.spans_refused, 20);
    let_go(f);
    wait_for_answers(f, taken);
    assert_int_equal(submit(f, 1, 1, 11), CLEAT_OK); /* there is room again */
    wait_for_answers(f, taken + 1);
    assert_int_equal(count("SELECT count(*) FROM span"), 11);
}

static void test_one_larger_than_the_room_is_taken_alone(void **state)
{
    fixture *f = *state;
    hold(f);
    assert_int_equal(submit(f, 1, 1, 200), CLEAT_OK);
    assert_int_equal(submit(f, 1, 1, 1), CLEAT_RESOURCE_EXHAUSTED);
    let_go(f);
    wait_for_answers(f, 1);
    assert_int_equal(count("SELECT count(*) FROM span"), 200);
}

static void test_stop_stores_what_waits(void **state)
{
    fixture *f = *state;
    for (uint8_t i = 1; i <= 20; i++) {
        assert_int_equal(submit(f, 1, i, 300), CLEAT_OK);
    }
    assert_int_equal(cleat__collector_stop(f->collector, -1), CLEAT_OK);
    assert_int_equal(f->answers, 20);
    assert_int_equal(f->last, CLEAT_OK);
    assert_int_equal(submit(f, 1, 1, 1), CLEAT_UNAVAILABLE);
    assert_int_equal(cleat__collector_stop(f->collector, 0), CLEAT_OK);
    assert_int_equal(count("SELECT count(*) FROM span"), 6000);
}

static void *let_go_later(void *argument)
{
    fixture *f = argument;
    cleat_status status = CLEAT_OK;
    /* Refused as stopped: so the stop has begun, and its time is over as soon. */
    while (status == CLEAT_OK) {
        status = cleat__collector_submit(f->collector, 1, request_of(9, 0), done, f);
    }
    pthread_mutex_lock(&f->mutex);
    f->is_held = false;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->mutex);
    return NULL;
}

/* All are answered, whether stored or not, and what was answered well is stored. */
static void test_stop_has_a_deadline(void **state)
{
    fixture *f = *state;
    pthread_t thread;
    hold(f);
    assert_int_equal(submit(f, 1, 1, 10), CLEAT_OK);
    assert_int_equal(cleat__thread_start(&thread, "later", let_go_later, f), CLEAT_OK);
    assert_int_equal(cleat__collector_stop(f->collector, 0), CLEAT_TIMEOUT);
    pthread_join(thread, NULL);
    pthread_join(f->holder, NULL);
    assert_true(f->answers >= 1);
    assert_true(f->last == CLEAT_UNAVAILABLE || count("SELECT count(*) FROM span") == 10);
}

static void test_never_used(void **state)
{
    fixture *f = *state;
    assert_int_equal(cleat__collector_stop(f->collector, -1), CLEAT_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_an_answer_means_stored, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_spans_that_come_again_count_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_old_spans_go_while_none_come, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_each_request_is_its_tenants, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_too_much_waiting_is_refused, set_up_small, tear_down),
        cmocka_unit_test_setup_teardown(test_one_larger_than_the_room_is_taken_alone, set_up_small,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_stop_stores_what_waits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_stop_has_a_deadline, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_never_used, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
