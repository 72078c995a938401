/* Chunks of a workflow on their way, when memory runs out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sdk/invocation.h"

#include <stdlib.h>

/* A transport on which the first batch stays under way. */
typedef struct fixture {
    cleat__transport transport;
    cleat_client client;
    cleat_worker worker;
    cleat_task task;
    cleat__assignment assignment;
    cleat__declaration declaration;
    cleat__invocation invocation;
    cleat__put_chunks *under_way;
} fixture;

static void put_chunks(cleat__transport *self, cleat__put_chunks *chunks)
{
    fixture *it = (fixture *)self;
    assert_null(it->under_way);
    it->under_way = chunks;
}

static int set_up(void **state)
{
    fixture *it = calloc(1, sizeof(*it));
    it->transport.put_chunks = put_chunks;
    it->client.transport = &it->transport;
    it->worker.client = &it->client;
    it->task.worker = &it->worker;
    it->task.assignment = &it->assignment;
    it->task.declaration = &it->declaration;
    it->assignment.invocation_count = 1;
    assert_int_equal(cleat__invocation_init(&it->invocation, &it->task), CLEAT_OK);
    *state = it;
    return 0;
}

static int tear_down(void **state)
{
    fixture *it = *state;
    while (it->under_way != NULL) { /* after a failure: it is waited for */
        it->under_way = it->under_way->done(it->under_way, CLEAT_OK, "");
    }
    cleat__invocation_deinit(&it->invocation);
    free(it);
    return 0;
}

/* ---- Memory ---- */

/* Blocks of that size at least are not to be had; 0: all are. */
static size_t too_large;

static void *get(void *user_data, size_t size)
{
    (void)user_data;
    return malloc(size);
}

static void *get_again(void *user_data, void *block, size_t size)
{
    (void)user_data;
    return too_large != 0 && size >= too_large ? NULL : realloc(block, size);
}

static void give_back(void *user_data, void *block)
{
    (void)user_data;
    free(block);
}

static int set_allocator(void **state)
{
    static const cleat_allocator allocator = {
        .user_data = NULL, .malloc = get, .realloc = get_again, .free = give_back};
    (void)state;
    cleat_set_allocator(&allocator);
    return 0;
}

static cleat_status write_chunk(fixture *it, const char *text)
{
    return cleat_stream_write(&it->task, cleat_slice_of(text));
}

/* ---- Tests ---- */

/* The batch that is under way arrives, and what follows is under way then. */
static const cleat__put_chunks *arrive(fixture *it)
{
    cleat__put_chunks *put = it->under_way;
    it->under_way = put->done(put, CLEAT_OK, "");
    return it->under_way;
}

static void assert_chunks(const cleat__put_chunks *put, int64_t first_index, const char *const *texts,
                          size_t count)
{
    assert_non_null(put);
    assert_int_equal(put->first_index, first_index);
    assert_int_equal(put->count, count);
    for (size_t i = 0; i < count; i++) {
        assert_true(cleat_slice_equals(put->items[i], cleat_slice_of(texts[i])));
    }
}

/* Longer than a buffer's first memory. */
#define LONG_CHUNK "0123456789012345678901234567890123456789012345678901234567890123456789"

static void test_no_memory_for_a_chunk(void **state)
{
    static const char *const first[] = {"one"}, *const second[] = {"two"};
    fixture *it = *state;
    assert_int_equal(write_chunk(it, "one"), CLEAT_OK);
    assert_chunks(it->under_way, 0, first, 1);
    assert_int_equal(write_chunk(it, "two"), CLEAT_OK);
    too_large = 100;
    assert_int_equal(write_chunk(it, LONG_CHUNK), CLEAT_NO_MEMORY);
    too_large = 0;
    assert_int_equal(write_chunk(it, "three"), CLEAT_NO_MEMORY); /* it is stopped */
    assert_chunks(arrive(it), 1, second, 1);
    assert_null(arrive(it));
}

static void test_no_memory_for_its_place(void **state)
{
    static const char *const texts[] = {"1", "2", "3", "4"};
    fixture *it = *state;
    assert_int_equal(write_chunk(it, "0"), CLEAT_OK);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(write_chunk(it, texts[i]), CLEAT_OK);
    }
    too_large = 100;
    assert_int_equal(write_chunk(it, "5"), CLEAT_NO_MEMORY);
    too_large = 0;
    assert_chunks(arrive(it), 1, texts, 4);
    assert_null(arrive(it));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_no_memory_for_a_chunk, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_memory_for_its_place, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, set_allocator, NULL);
}
