/* How calls fail, as codes and as details. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "again.h"
#include "wire/status.h"
#include "wire/v1/workflows.pb-c.h"

static void test_codes_keep_what_a_caller_does(void **state)
{
    (void)state;
    static const cleat_status kept[] = {
        CLEAT_OK,
        CLEAT_ALREADY_EXISTS,
        CLEAT_TIMEOUT,
        CLEAT_CANCELLED,
        CLEAT_INVALID_ARGUMENT,
        CLEAT_NOT_FOUND,
        CLEAT_FAILED_PRECONDITION,
        CLEAT_RESOURCE_EXHAUSTED,
        CLEAT_TOO_LARGE,
        CLEAT_UNAVAILABLE,
        CLEAT_UNSUPPORTED,
        CLEAT_CORRUPT,
        CLEAT_FAILED,
        CLEAT_UNAUTHENTICATED,
    };
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        assert_int_equal(cleat__status_of_grpc(cleat_status_grpc_code(kept[i])), kept[i]);
    }
}

static void test_every_failure_stays_one(void **state)
{
    (void)state;
#define FAILS(name, number, text, retryable, grpc, http)               \
    if (CLEAT_##name != CLEAT_OK && CLEAT_##name != CLEAT_SUSPENDED) { \
        assert_int_not_equal(cleat__status_of_grpc(grpc), CLEAT_OK);   \
    }
    CLEAT_STATUS_LIST(FAILS)
#undef FAILS
    for (int code = 1; code <= 17; code++) {
        assert_int_not_equal(cleat__status_of_grpc(code), CLEAT_OK);
    }
    assert_int_equal(cleat__status_of_grpc(-1), CLEAT_FAILED);
    assert_int_equal(cleat__status_of_grpc(1000), CLEAT_FAILED);
}

static void test_a_detail_arrives(void **state)
{
    (void)state;
    Cleat__V1__IdempotencyCollisionError collision;
    cleat__v1__idempotency_collision_error__init(&collision);
    char existing[] = RUN_ID;
    collision.existing_run_external_id = existing;
    cleat__buffer trailer = {0};
    assert_int_equal(cleat__status_detail_pack(6, "idempotency key collision", &collision, &trailer),
                     CLEAT_OK);
    /* Code and sentence come first; others look for the type's URL in the bytes. */
    static const char head[] = "\x08\x06\x12\x19"
                               "idempotency key collision\x1A";
    static const char url[] = "\x0A\x30"
                              "type.googleapis.com/v1.IdempotencyCollisionError\x12";
    assert_true(trailer.size > sizeof(head) + sizeof(url));
    assert_memory_equal(trailer.data, head, sizeof(head) - 1);
    assert_memory_equal(trailer.data + sizeof(head), url, sizeof(url) - 1);

    cleat_status status;
    Cleat__V1__IdempotencyCollisionError *read = cleat__status_detail_unpack(
        cleat__buffer_slice(&trailer), &cleat__v1__idempotency_collision_error__descriptor, &status);
    assert_int_equal(status, CLEAT_OK);
    assert_string_equal(read->existing_run_external_id, RUN_ID);
    cleat__message_free(read);

    assert_null(cleat__status_detail_unpack(cleat__buffer_slice(&trailer),
                                            &cleat__v1__bulk_trigger_idempotency_collision_error__descriptor,
                                            &status));
    assert_int_equal(status, CLEAT_EMPTY);
    cleat__buffer_deinit(&trailer);
}

static void test_trailers_that_are_none(void **state)
{
    (void)state;
    cleat_status status;
    const ProtobufCMessageDescriptor *descriptor = &cleat__v1__idempotency_collision_error__descriptor;
    assert_null(cleat__status_detail_unpack((cleat_slice){NULL, 0}, descriptor, &status));
    assert_int_equal(status, CLEAT_EMPTY);
    assert_null(cleat__status_detail_unpack(cleat_slice_of("no trailer"), descriptor, &status));
    assert_int_equal(status, CLEAT_INVALID_ARGUMENT);
    /* The right type around bytes that are not of it. */
    static const char broken[] = "\x1A\x25\x0A\x1E"
                                 "x/v1.IdempotencyCollisionError\x12\x03\x0A\x09x";
    cleat_slice trailer = {broken, sizeof(broken) - 1};
    assert_null(cleat__status_detail_unpack(trailer, descriptor, &status));
    assert_int_equal(status, CLEAT_INVALID_ARGUMENT);
    assert_string_equal(cleat_error_message(), "the bytes are no v1.IdempotencyCollisionError");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codes_keep_what_a_caller_does),
        cmocka_unit_test(test_every_failure_stays_one),
        cmocka_unit_test(test_a_detail_arrives),
        cmocka_unit_test(test_trailers_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
