/* What follows from the end of a call: codes, and RetryInfo from bytes that a server sent. */
#include "base/base_test.h"

#include "grpc/call_status.h"
#include "trace/protobuf.h"

#include <grpc/status.h>

#define TYPE "type.googleapis.com/google.rpc.RetryInfo"

/* A google.rpc.Status with one detail of this type and duration. */
static size_t write_status(uint8_t *out, const char *type, uint64_t seconds, uint64_t nanos)
{
    uint8_t duration[32], info[64], any[200], *at = duration;
    at = cleat__put_varint(cleat__put_tag(at, 1, CLEAT__WIRE_VARINT), seconds);
    at = cleat__put_varint(cleat__put_tag(at, 2, CLEAT__WIRE_VARINT), nanos);
    size_t info_size = (size_t)(cleat__put_bytes(info, 1, duration, (size_t)(at - duration)) - info);
    at = cleat__put_bytes(any, 1, type, strlen(type));
    at = cleat__put_bytes(at, 2, info, info_size);
    uint8_t *end = cleat__put_varint(cleat__put_tag(out, 1, CLEAT__WIRE_VARINT), GRPC_STATUS_UNAVAILABLE);
    end = cleat__put_bytes(end, 2, "later", 5);
    end = cleat__put_bytes(end, 3, "\x0A\x03x/y", 5); /* another detail */
    return (size_t)(cleat__put_bytes(end, 3, any, (size_t)(at - any)) - out);
}

static bool read_status(const char *type, uint64_t seconds, uint64_t nanos, int64_t *delay_ms)
{
    uint8_t status[300];
    size_t size = write_status(status, type, seconds, nanos);
    return cleat__grpc_retry_info((cleat_slice){(const char *)status, size}, delay_ms);
}

static void test_retry_info(void **state)
{
    (void)state;
    int64_t delay_ms = 0;
    assert_true(read_status(TYPE, 2, 500000000, &delay_ms));
    assert_int_equal(delay_ms, 2500);
    assert_true(read_status(TYPE, 0, 1, &delay_ms));
    assert_int_equal(delay_ms, 1);
    assert_true(read_status(TYPE, 0, 0, &delay_ms));
    assert_int_equal(delay_ms, 0);
}

static void test_durations_that_make_no_sense(void **state)
{
    (void)state;
    int64_t delay_ms = 0;
    assert_true(read_status(TYPE, (uint64_t)-5, 0, &delay_ms));
    assert_int_equal(delay_ms, 0);
    assert_true(read_status(TYPE, INT64_MAX, (uint64_t)INT64_MAX, &delay_ms));
    assert_true(delay_ms > 1000000000);
}

static void test_other_details(void **state)
{
    (void)state;
    int64_t delay_ms = 0;
    assert_false(read_status("type.googleapis.com/google.rpc.QuotaFailure", 2, 0, &delay_ms));
    assert_false(read_status("google.rpc.RetryInfo", 2, 0, &delay_ms));
    assert_false(cleat__grpc_retry_info((cleat_slice){NULL, 0}, &delay_ms));
}

/* Every prefix, and every byte changed: no crash; memory errors show under the sanitizers. */
static void test_damaged_details(void **state)
{
    (void)state;
    uint8_t status[300];
    int64_t delay_ms = 0;
    size_t size = write_status(status, TYPE, 2, 500000000);
    for (size_t cut = 0; cut < size; cut++) {
        char *copy = malloc(cut + 1);
        memcpy(copy, status, cut);
        assert_false(cleat__grpc_retry_info((cleat_slice){copy, cut}, &delay_ms));
        free(copy);
    }
    for (size_t i = 0; i < size; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            status[i] ^= (uint8_t)(1u << bit);
            delay_ms = 0;
            (void)cleat__grpc_retry_info((cleat_slice){(const char *)status, size}, &delay_ms);
            assert_true(delay_ms >= 0);
            status[i] ^= (uint8_t)(1u << bit);
        }
    }
}

static void test_which_codes_are_tried_again(void **state)
{
    (void)state;
    static const int retryable[] = {GRPC_STATUS_CANCELLED,   GRPC_STATUS_DEADLINE_EXCEEDED,
                                    GRPC_STATUS_ABORTED,     GRPC_STATUS_OUT_OF_RANGE,
                                    GRPC_STATUS_UNAVAILABLE, GRPC_STATUS_DATA_LOSS};
    for (int code = -1; code < 20; code++) {
        bool expected = false;
        for (size_t i = 0; i < sizeof(retryable) / sizeof(int); i++) {
            expected = expected || code == retryable[i];
        }
        assert_int_equal(cleat__grpc_export_is_retryable(code, false), expected);
        assert_int_equal(cleat__grpc_export_is_retryable(code, true),
                         expected || code == GRPC_STATUS_RESOURCE_EXHAUSTED);
    }
}

static void test_names_and_statuses(void **state)
{
    (void)state;
    for (int code = 0; code <= GRPC_STATUS_UNAUTHENTICATED; code++) {
        assert_non_null(cleat__grpc_code_name(code));
        assert_int_equal(cleat__grpc_code_status(code) == CLEAT_OK, code == GRPC_STATUS_OK);
    }
    assert_string_equal(cleat__grpc_code_name(GRPC_STATUS_DATA_LOSS), "DATA_LOSS");
    assert_string_equal(cleat__grpc_code_name(99), "an unknown status");
    assert_int_equal(cleat__grpc_code_status(-1), CLEAT_NON_RETRYABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_retry_info),
        cmocka_unit_test(test_durations_that_make_no_sense),
        cmocka_unit_test(test_other_details),
        cmocka_unit_test(test_damaged_details),
        cmocka_unit_test(test_which_codes_are_tried_again),
        cmocka_unit_test(test_names_and_statuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
