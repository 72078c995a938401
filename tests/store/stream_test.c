/* Chunks of streams: each index once, in order, each run's by itself. */
#include "store_test.h"

#include "store/stream.h"

static int setup(void **state)
{
    remove_database();
    *state = open_store(CLEAT__STORE_WRITE);
    return 0;
}

static int teardown(void **state)
{
    cleat__store_close(*state);
    remove_database();
    return 0;
}

/* What is read, as "0:a 1:b", up to so many. */
typedef struct reading {
    char text[256];
    int most;
} reading;

static bool write_down(void *argument, int64_t index, cleat_slice chunk)
{
    reading *it = argument;
    char *end = it->text + strlen(it->text);
    sprintf(end, "%s%d:%.*s", end != it->text ? " " : "", (int)index, CLEAT_SLICE_ARGS(chunk));
    return --it->most > 0;
}

static void assert_reads(cleat__store *store, int64_t stream, int64_t first, int most, const char *wanted)
{
    reading it = {.most = most};
    assert_int_equal(cleat__chunks_read(store, stream, first, write_down, &it), CLEAT_OK);
    assert_string_equal(it.text, wanted);
}

static bool put(cleat__store *store, int64_t stream, int64_t index, const char *chunk)
{
    bool is_new;
    assert_int_equal(cleat__chunks_put(store, stream, index, cleat_slice_of(chunk), &is_new), CLEAT_OK);
    return is_new;
}

static void test_an_index_is_stored_once(void **state)
{
    cleat__store *store = *state;
    int64_t stream, again;
    const cleat__uuid run = id_of(1);
    assert_int_equal(cleat__chunks_find(store, &run, &stream), CLEAT_EMPTY);
    assert_int_equal(cleat__chunks_open(store, &run, &stream), CLEAT_OK);
    assert_int_equal(cleat__chunks_open(store, &run, &again), CLEAT_OK);
    assert_int_equal(stream, again);
    assert_true(put(store, stream, 0, "first"));
    assert_true(put(store, stream, 1, ""));
    assert_false(put(store, stream, 0, "other"));
    assert_true(put(store, stream, 2, "third"));
    assert_reads(store, stream, 0, 9, "0:first 1: 2:third");
    assert_reads(store, stream, 1, 9, "1: 2:third");
    assert_reads(store, stream, 3, 9, "");
}

static void test_reading_stops_where_it_is_to(void **state)
{
    cleat__store *store = *state;
    int64_t stream;
    const cleat__uuid run = id_of(1);
    assert_int_equal(cleat__chunks_open(store, &run, &stream), CLEAT_OK);
    for (int64_t i = 5; i >= 0; i--) {
        assert_true(put(store, stream, i, "x"));
    }
    assert_reads(store, stream, 0, 2, "0:x 1:x");
    assert_reads(store, stream, 2, 3, "2:x 3:x 4:x");
}

static void test_runs_have_chunks_of_their_own(void **state)
{
    cleat__store *store = *state;
    int64_t streams[3];
    for (int i = 0; i < 3; i++) {
        const cleat__uuid run = id_of((uint8_t)(9 - i));
        assert_int_equal(cleat__chunks_open(store, &run, &streams[i]), CLEAT_OK);
    }
    assert_true(put(store, streams[1], 0, "b"));
    assert_true(put(store, streams[0], CLEAT__CHUNKS_MAX - 1, "a"));
    assert_true(put(store, streams[2], 0, "c"));
    reading last = {.most = 9};
    assert_int_equal(cleat__chunks_read(store, streams[0], 0, write_down, &last), CLEAT_OK);
    assert_non_null(strstr(last.text, ":a"));
    assert_null(strchr(last.text, ' '));
    assert_reads(store, streams[1], 0, 9, "0:b");
    assert_reads(store, streams[2], 0, 9, "0:c");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_an_index_is_stored_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reading_stops_where_it_is_to, setup, teardown),
        cmocka_unit_test_setup_teardown(test_runs_have_chunks_of_their_own, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
