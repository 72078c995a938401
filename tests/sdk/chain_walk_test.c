/* Chains of runs at an engine that knows nothing of them: the client is led from one to the next, as long as it has time. */
#include "sdk/client.h"

#include <cleat/stream.h>

#include "base/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Runs by number, of which each has gone on as the next, up to the last, which has ended; 0: there is none. */
typedef struct engine {
    cleat__transport transport; /* first */
    uint32_t last;
    bool follows; /* it says the end of the last one at once */
    uint32_t asked;
    uint32_t watched;   /* the number of the run */
    int64_t timeout_ms; /* of the last question */
} engine;

static cleat__uuid id_of(uint32_t number)
{
    cleat__uuid id = {{0x01, 0x90, [6] = 0x70, [8] = 0x80}};
    for (int i = 0; i < 4; i++) {
        id.bytes[15 - i] = (uint8_t)(number >> (8 * i));
    }
    return id;
}

static uint32_t number_of(const cleat__uuid *id)
{
    return (uint32_t)id->bytes[12] << 24 | (uint32_t)id->bytes[13] << 16 | (uint32_t)id->bytes[14] << 8 |
           id->bytes[15];
}

static cleat_status wait_for(cleat__transport *self, const cleat__uuid *run_id, int64_t timeout_ms,
                             cleat_run_result *result)
{
    engine *it = (engine *)self;
    uint32_t number = it->follows && it->last != 0 ? it->last : number_of(run_id);
    char output[CLEAT__CONTINUED_SIZE] = "\"end\"";
    const cleat__uuid id = id_of(number), next = id_of(number + 1);
    it->asked++;
    it->timeout_ms = timeout_ms;
    if (number != it->last) {
        cleat__continued_format(&next, output);
    }
    *result =
        (cleat_run_result){.status = CLEAT_RUN_COMPLETED, .output = cleat__slice_dup(cleat_slice_of(output))};
    cleat__uuid_format(&id, result->id.text);
    return CLEAT_OK;
}

/* Of ended runs without chunks. */
static cleat_status watch(cleat__transport *self, const cleat__uuid *run_id, const cleat__stream_sink *sink,
                          void **out)
{
    ((engine *)self)->watched = number_of(run_id);
    *out = NULL;
    sink->end(sink->self, CLEAT_EMPTY, "the run has ended");
    return CLEAT_OK;
}

static const engine plain = {.transport = {.wait = wait_for, .wait_for_next = wait_for, .watch = watch}};

static cleat_run_id first_id(void)
{
    const cleat__uuid id = id_of(1);
    cleat_run_id text;
    cleat__uuid_format(&id, text.text);
    return text;
}

static cleat_status wait_of(engine *it, int64_t timeout_ms, uint32_t *ended)
{
    cleat_client client = {.transport = &it->transport};
    cleat_run_id id = first_id();
    cleat_run_result result;
    cleat__uuid found;
    cleat_status status = cleat_client_wait(&client, &id, timeout_ms, &result);
    *ended = 0;
    if (status == CLEAT_OK) {
        assert_int_equal(cleat__uuid_parse(cleat_slice_of(result.id.text), &found), CLEAT_OK);
        assert_string_equal(result.output, "\"end\"");
        *ended = number_of(&found);
    }
    cleat_run_result_deinit(&result);
    return status;
}

static void test_a_chain_to_its_end(void **state)
{
    static const int64_t timeouts[] = {-1, 60000, 0};
    uint32_t ended;
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        engine it = plain;
        it.last = 50;
        assert_int_equal(wait_of(&it, timeouts[i], &ended), CLEAT_OK);
        assert_int_equal(ended, 50);
        assert_int_equal(it.asked, 50);
    }
}

static void test_without_a_limit_however_long(void **state)
{
    engine it = plain;
    uint32_t ended;
    (void)state;
    it.last = 5000;
    assert_int_equal(wait_of(&it, -1, &ended), CLEAT_OK);
    assert_int_equal(ended, 5000);
}

/* It goes on faster than the client can follow. */
static void test_a_chain_without_end(void **state)
{
    engine it = plain;
    uint32_t ended;
    (void)state;
    assert_int_equal(wait_of(&it, 0, &ended), CLEAT_TIMEOUT);
    assert_non_null(strstr(cleat_error_message(), "01900000-0000-7000-8000-000000000001"));
    assert_in_range(it.asked, 100, 1000);
    assert_int_equal(wait_of(&it, 5, &ended), CLEAT_TIMEOUT);
    assert_int_equal(it.timeout_ms, 0);
}

static void test_an_engine_that_follows(void **state)
{
    engine it = plain;
    uint32_t ended;
    (void)state;
    it.last = 100000;
    it.follows = true;
    assert_int_equal(wait_of(&it, 0, &ended), CLEAT_OK);
    assert_int_equal(ended, 100000);
    assert_int_equal(it.asked, 1);
}

/* What is not read at once is read on later from there. */
static void test_a_stream_of_a_chain_without_end(void **state)
{
    engine it = plain;
    cleat_client client = {.transport = &it.transport};
    cleat_run_id id = first_id();
    cleat_stream *stream = NULL;
    cleat_slice chunk;
    (void)state;
    assert_int_equal(cleat_client_stream(&client, &id, &stream), CLEAT_OK);
    assert_int_equal(cleat_stream_next(stream, 0, &chunk), CLEAT_TIMEOUT);
    uint32_t reached = it.watched;
    assert_in_range(reached, 100, 1000);
    it.last = reached + 10;
    assert_int_equal(cleat_stream_next(stream, 0, &chunk), CLEAT_EMPTY);
    assert_int_equal(it.watched, reached + 10);
    assert_int_equal(cleat_stream_next(stream, -1, &chunk), CLEAT_EMPTY);
    cleat_stream_free(stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_chain_to_its_end),
        cmocka_unit_test(test_without_a_limit_however_long),
        cmocka_unit_test(test_a_chain_without_end),
        cmocka_unit_test(test_an_engine_that_follows),
        cmocka_unit_test(test_a_stream_of_a_chain_without_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
