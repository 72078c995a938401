/*
 * Messages of the protocol to bytes and back, with what protobuf-c leaves out: texts are looked at,
 * nesting and memory are bounded, memory is the library's. Messages that come from here, made or
 * unpacked, are freed with cleat__message_free(), with all that hangs on them.
 */
#ifndef CLEAT_WIRE_MESSAGE_H
#define CLEAT_WIRE_MESSAGE_H

#include "base/buffer.h"
#include <cleat/status.h>

#include <protobuf-c/protobuf-c.h>

/* Larger messages are not read, whatever limit a transport has. */
#define CLEAT__MESSAGE_SIZE_MAX ((size_t)64 * 1024 * 1024)

/*
 * The message in `bytes`; NULL with a status and a sentence that names the message. `*status`:
 * CLEAT_INVALID_ARGUMENT when it is malformed, nested too deeply, or has a text with a NUL or invalid
 * UTF-8 in it; CLEAT_TOO_LARGE, also for a small one that would need much memory; CLEAT_NO_MEMORY.
 */
void *cleat__message_unpack(const ProtobufCMessageDescriptor *descriptor, cleat_slice bytes,
                            cleat_status *status);
/* The same; `*size`: about how much memory it takes. */
void *cleat__message_unpack_sized(const ProtobufCMessageDescriptor *descriptor, cleat_slice bytes,
                                  size_t *size, cleat_status *status);
/* Appends. CLEAT_NO_MEMORY, and then `out` has failed. */
cleat_status cleat__message_pack(const void *message, cleat__buffer *out);
void cleat__message_free(void *message); /* NULL-safe */

/* The name as peers know it, without the package that is around all: "v1.TriggerWorkflowRequest". */
const char *cleat__message_name(const ProtobufCMessageDescriptor *descriptor);

/* ---- Making one ---- */

/* With nothing set. NULL on no memory. */
void *cleat__message_new(const ProtobufCMessageDescriptor *descriptor);
/*
 * A copy for a field of a message. Peers refuse texts that are not valid UTF-8, and C ends them at a
 * NUL: such bytes become U+FFFD. The absent slice, or NULL, gives what an unset field has, which is not
 * sent; the empty one is, where presence is told. On no memory `*failed` is set, once for all fields,
 * and the field is unset.
 */
char *cleat__message_text(bool *failed, cleat_slice text);
char *cleat__message_string(bool *failed, const char *text);

#endif
