/* What the tests of conversions share. */
#ifndef CLEAT_TESTS_WIRE_AGAIN_H
#define CLEAT_TESTS_WIRE_AGAIN_H

#include "base/uuid.h"
#include "wire/message.h"

#define RUN_ID    "01890a5d-ac96-774b-bcce-b302099a8057"
#define PARENT_ID "01890a5d-ac96-774b-bcce-b302099a8058"

/* The message as the peer sees it: over bytes. Frees the one given, which may be NULL. */
static inline void *again(void *message)
{
    assert_non_null(message);
    cleat__buffer bytes = {0};
    cleat_status status = cleat__message_pack(message, &bytes);
    assert_int_equal(status, CLEAT_OK);
    const ProtobufCMessageDescriptor *descriptor = ((ProtobufCMessage *)message)->descriptor;
    void *read = cleat__message_unpack(descriptor, cleat__buffer_slice(&bytes), &status);
    assert_int_equal(status, CLEAT_OK);
    assert_non_null(read);
    cleat__message_free(message);
    cleat__buffer_deinit(&bytes);
    return read;
}

static inline cleat__uuid uuid_of(const char *text)
{
    cleat__uuid uuid;
    assert_int_equal(cleat__uuid_parse(cleat_slice_of(text), &uuid), CLEAT_OK);
    return uuid;
}

static inline void assert_slice(cleat_slice slice, const char *text)
{
    assert_non_null(slice.data);
    assert_int_equal(slice.size, strlen(text));
    assert_memory_equal(slice.data, text, slice.size);
}

#endif
