/* Chunks that are stored, on their way to a server: in batches to one that knows them, each by itself to others. */
#include "grpc_test.h"

#define RUN_ID "0190b7c8-1111-7222-8333-444455556666"

/* Batches that go one after the other, as their writer has them. */
typedef struct batches {
    cleat__put_chunks puts[2]; /* `next` is among them */
    cleat__put_chunks *next;   /* what the first one's end is answered with */
    gate done;
    cleat_status status;
    char text[256];
} batches;

static batches under_way;

static cleat__put_chunks *on_done(cleat__put_chunks *self, cleat_status status, const char *text)
{
    cleat__put_chunks *next = status == CLEAT_OK && self == &under_way.puts[0] ? under_way.next : NULL;
    under_way.status = status;
    snprintf(under_way.text, sizeof(under_way.text), "%s", text);
    gate_add(&under_way.done);
    return next;
}

static const cleat_slice chunks[] = {{"a", 1}, {"", 0}, {"c", 1}};

static int set_up_batches(void **state)
{
    under_way = (batches){.next = NULL};
    gate_init(&under_way.done);
    for (int i = 0; i < 2; i++) {
        under_way.puts[i] = (cleat__put_chunks){
            .run_id = uuid_of(RUN_ID), .first_index = 10 * i, .items = chunks, .count = 3, .done = on_done};
    }
    return set_up(state);
}

static int tear_down_batches(void **state)
{
    int result = tear_down(state);
    gate_deinit(&under_way.done);
    return result;
}

static void reopen_as(fixture *it, const char *version)
{
    it->engine.version = version;
    reopen(it, mock_settings(&it->engine));
}

static void put(fixture *it)
{
    it->transport->put_chunks(it->transport, &under_way.puts[0]);
}

/* "a", and more of them in the same message. */
static void assert_message(fixture *it, int number, int64_t index, const char *chunk, size_t more)
{
    Cleat__PutStreamEventRequest *said = mock_message(&it->engine, MOCK_STREAM, number);
    assert_string_equal(said->task_run_external_id, RUN_ID);
    assert_int_not_equal(said->has_event_index_case, 0);
    assert_int_equal(said->event_index, index);
    assert_int_equal(said->message.len, strlen(chunk));
    assert_memory_equal(said->message.data, chunk, strlen(chunk));
    assert_int_equal(said->n_cleat_more, more);
    if (more > 0) {
        assert_int_equal(said->cleat_more[0].len, 0);
        assert_int_equal(said->cleat_more[1].len, 1);
        assert_memory_equal(said->cleat_more[1].data, "c", 1);
    }
    cleat__message_free(said);
}

static void test_a_batch_is_a_message(void **state)
{
    fixture *it = *state;
    reopen_as(it, "v0.80.0-cleat");
    under_way.next = &under_way.puts[1];
    put(it);
    gate_wait(&under_way.done, 2);
    assert_int_equal(under_way.status, CLEAT_OK);
    assert_message(it, 0, 0, "a", 2);
    assert_message(it, 1, 10, "a", 2);
    assert_int_equal(mock_count(&it->engine, MOCK_STREAM), 2);
}

static void test_other_servers_get_each_chunk_by_itself(void **state)
{
    fixture *it = *state;
    reopen_as(it, "v0.80.0");
    put(it);
    gate_wait(&under_way.done, 1);
    assert_int_equal(under_way.status, CLEAT_OK);
    assert_message(it, 0, 0, "a", 0);
    assert_message(it, 1, 1, "", 0);
    assert_message(it, 2, 2, "c", 0);
    assert_int_equal(mock_count(&it->engine, MOCK_STREAM), 3);
}

static void test_a_batch_goes_again_while_that_may_help(void **state)
{
    fixture *it = *state;
    reopen_as(it, "v0.80.0-cleat");
    mock_fail(&it->engine, MOCK_STREAM, CLEAT_UNAVAILABLE, "not now", 2);
    put(it);
    gate_wait(&under_way.done, 1);
    assert_int_equal(under_way.status, CLEAT_OK);
    assert_int_equal(mock_count(&it->engine, MOCK_STREAM), 3);
    assert_message(it, 2, 0, "a", 2);
}

static void test_what_is_refused_is_told(void **state)
{
    fixture *it = *state;
    reopen_as(it, "v0.80.0-cleat");
    under_way.next = &under_way.puts[1];
    mock_fail(&it->engine, MOCK_STREAM, CLEAT_NOT_FOUND, "no such run", -1);
    put(it);
    gate_wait(&under_way.done, 1);
    assert_int_equal(under_way.status, CLEAT_NOT_FOUND);
    assert_non_null(strstr(under_way.text, "no such run"));
    assert_int_equal(mock_count(&it->engine, MOCK_STREAM), 1);
}

static void test_a_server_that_stays_away_is_given_up(void **state)
{
    fixture *it = *state;
    reopen_as(it, "v0.80.0-cleat");
    mock_fail(&it->engine, MOCK_STREAM, CLEAT_UNAVAILABLE, "not now", -1);
    put(it);
    gate_wait(&under_way.done, 1);
    assert_int_equal(under_way.status, CLEAT_UNAVAILABLE);
    assert_true(mock_count(&it->engine, MOCK_STREAM) > 1);
}

int main(void)
{
#define TEST_BATCHES(function) cmocka_unit_test_setup_teardown(function, set_up_batches, tear_down_batches)
    const struct CMUnitTest tests[] = {
        TEST_BATCHES(test_a_batch_is_a_message),
        TEST_BATCHES(test_other_servers_get_each_chunk_by_itself),
        TEST_BATCHES(test_a_batch_goes_again_while_that_may_help),
        TEST_BATCHES(test_what_is_refused_is_told),
        TEST_BATCHES(test_a_server_that_stays_away_is_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
