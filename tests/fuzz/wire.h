/* What the fuzz programs of messages share. */
#ifndef CLEAT_TESTS_FUZZ_WIRE_H
#define CLEAT_TESTS_FUZZ_WIRE_H

#include "base/buffer.h"
#include "base/utf8.h"
#include "wire/message.h"

#include <stdio.h>
#include <stdlib.h>

#define check(condition) ((condition) ? (void)0 : fuzz_fail(#condition, __FILE__, __LINE__))

static inline void fuzz_fail(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: not so: %s\n", file, line, condition);
    abort();
}

static inline bool fuzz_slice_equals(cleat_slice a, cleat_slice b)
{
    return (a.data == NULL) == (b.data == NULL) && cleat_slice_equals(a, b);
}

/* A text that was read has no bytes that a reader of C texts would be surprised by. */
static inline void fuzz_check_text(const char *text)
{
    check(cleat__utf8_valid_prefix(text, strlen(text)) == strlen(text));
}

/* The message of the bytes, or NULL. What is read can be written, and read again as the same. */
static inline void *fuzz_unpack(const ProtobufCMessageDescriptor *descriptor, cleat_slice bytes)
{
    cleat_status status = CLEAT_FAILED;
    cleat__buffer first = {0}, second = {0};
    void *message = cleat__message_unpack(descriptor, bytes, &status);
    check((message != NULL) == (status == CLEAT_OK));
    if (message == NULL) {
        check(status == CLEAT_INVALID_ARGUMENT || status == CLEAT_TOO_LARGE);
        return NULL;
    }
    check(cleat__message_pack(message, &first) == CLEAT_OK);
    void *again = cleat__message_unpack(descriptor, cleat__buffer_slice(&first), &status);
    check(again != NULL);
    check(cleat__message_pack(again, &second) == CLEAT_OK);
    check(cleat_slice_equals(cleat__buffer_slice(&first), cleat__buffer_slice(&second)));
    cleat__message_free(again);
    cleat__buffer_deinit(&first);
    cleat__buffer_deinit(&second);
    return message;
}

#endif
